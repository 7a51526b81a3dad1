/* Session tokens: what is signed verifies, what is touched does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "who/token.h"

#define NOW 1764000000000

static const struct who_key two_keys[] = {
    { .kid = 7, .seed = { 1, 2, 3 } },
    { .kid = 8, .seed = { 4, 5, 6 } },
};

static struct token sample(void)
{
    return (struct token){ .customer = 123456789012345678, .epoch = 3,
                           .expires_ms = NOW + 1000, .currency = "KWD" };
}

static void rule_29_a_token_survives_a_restart(void **state)
{
    struct token_keys *before = token_keys_new(two_keys, 2);
    struct token_keys *after = token_keys_new(two_keys, 2);
    struct token made = sample(), read;
    struct arena arena;
    struct str text;

    (void)state;
    arena_init(&arena, 4096);
    text = token_sign(before, &made, &arena);
    assert_true(text.n <= TOKEN_BYTES_MAX);
    assert_true(token_verify(after, text, NOW, &read));
    assert_int_equal(read.kid, 8);
    assert_int_equal(read.customer, made.customer);
    assert_int_equal(read.epoch, made.epoch);
    assert_int_equal(read.expires_ms, made.expires_ms);
    assert_string_equal(read.currency, "KWD");
    arena_fini(&arena);
    token_keys_free(before);
    token_keys_free(after);
}

static void rule_29_keys_rotate(void **state)
{
    struct token_keys *old = token_keys_new(two_keys, 1);
    struct token_keys *both = token_keys_new(two_keys, 2);
    struct token made = sample(), read;
    struct arena arena;
    struct str text;

    (void)state;
    arena_init(&arena, 4096);
    text = token_sign(old, &made, &arena);
    assert_int_equal(made.kid, 7);
    assert_true(token_verify(both, text, NOW, &read));
    text = token_sign(both, &made, &arena);
    assert_int_equal(made.kid, 8);
    assert_false(token_verify(old, text, NOW, &read)); /* a key it does not have */
    arena_fini(&arena);
    token_keys_free(old);
    token_keys_free(both);
}

static void every_byte_counts(void **state)
{
    struct token_keys *keys = token_keys_new(two_keys, 2);
    struct token made = sample(), read;
    struct arena arena;
    struct str text;
    char *bytes;

    (void)state;
    arena_init(&arena, 65536);
    text = token_sign(keys, &made, &arena);
    bytes = arena_cstr(&arena, text);
    for (size_t i = 0; i < text.n; i++) {
        char was = bytes[i];

        bytes[i] = was == 'A' ? 'B' : 'A';
        assert_false(token_verify(keys, (struct str){ bytes, text.n }, NOW, &read));
        bytes[i] = (char)(was ^ 0x80);
        assert_false(token_verify(keys, (struct str){ bytes, text.n }, NOW, &read));
        bytes[i] = was;
    }
    for (size_t n = 0; n < text.n; n++)
        assert_false(token_verify(keys, (struct str){ bytes, n }, NOW, &read));
    assert_true(token_verify(keys, (struct str){ bytes, text.n }, NOW, &read));
    arena_fini(&arena);
    token_keys_free(keys);
}

static void a_token_ends(void **state)
{
    struct token_keys *keys = token_keys_new(two_keys, 2);
    struct token made = sample(), read;
    struct arena arena;
    struct str text;

    (void)state;
    arena_init(&arena, 4096);
    text = token_sign(keys, &made, &arena);
    assert_true(token_verify(keys, text, made.expires_ms - 1, &read));
    assert_false(token_verify(keys, text, made.expires_ms, &read));
    arena_fini(&arena);
    token_keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_29_a_token_survives_a_restart),
        cmocka_unit_test(rule_29_keys_rotate),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(a_token_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
