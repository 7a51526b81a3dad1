/* model/market: one market, one name, one key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "model/market.h"

#define KEY_TOTAL INT64_C(4386634478425619622)
#define KEY_1X2 INT64_C(-5528216049855874571)

static void rule_22_specifiers_are_sorted_by_key(void **state)
{
    static const struct {
        const char *text, *canonical; /* NULL = refused */
    } rows[] = {
        { "", "" },
        { "total=2.5", "total=2.5" },
        { "total=2.5|hcp=1:0", "hcp=1:0|total=2.5" },
        { "hcp=1:0|total=2.5", "hcp=1:0|total=2.5" },
        { "c=3|b=2|a=1", "a=1|b=2|c=3" },
        { "setnr=2|gamenr=10|pointnr=1", "gamenr=10|pointnr=1|setnr=2" },
        { "a1=x|a=y", "a=y|a1=x" }, /* by key, though '1' < '=' */
        { "variant=sr:exact_goals:3+", "variant=sr:exact_goals:3+" },
        { "b=x=y|a=", "a=|b=x=y" }, /* values as given */
        { "total", NULL },
        { "=1", NULL },
        { "a=1|", NULL },
        { "|a=1", NULL },
        { "a=1||b=2", NULL },
        { "a=1|b=2|a=1", NULL },
        { "a=1|a=2", NULL },
        { "a=\x1f" "1", NULL },
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct str canonical = STR_NONE;
        bool ok = specifiers_canonical(str_of(rows[i].text), &arena, &canonical);

        assert_int_equal(ok, rows[i].canonical != NULL);
        if (ok)
            assert_true(str_eq(canonical, str_of(rows[i].canonical)));
    }
    arena_fini(&arena);
}

static void specifiers_have_a_limit(void **state)
{
    char text[LIMIT_SPECIFIERS_BYTES + 2];
    struct str canonical;
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    memset(text, 'x', sizeof(text));
    text[1] = '=';
    assert_true(specifiers_canonical((struct str){ text, LIMIT_SPECIFIERS_BYTES }, &arena,
                                     &canonical));
    assert_false(specifiers_canonical((struct str){ text, LIMIT_SPECIFIERS_BYTES + 1 }, &arena,
                                      &canonical));
    /* As many parts as fit: the second of one key is refused. */
    for (size_t i = 0; i < LIMIT_SPECIFIERS_BYTES; i++)
        text[i] = "|k="[(i + 1) % 3];
    assert_false(specifiers_canonical((struct str){ text, LIMIT_SPECIFIERS_BYTES - 1 }, &arena,
                                      &canonical));
    arena_fini(&arena);
}

static void the_key_is_of_the_whole_identity(void **state)
{
    const struct market_id ids[] = {
        { STR("sr:match:1"), 18, STR("total=2.5") },
        { STR("sr:match:1"), 18, STR("total=3.5") },
        { STR("sr:match:1"), 1, STR("") },
        { STR("sr:match:1"), 18, STR("") },
        { STR("sr:match:11"), 8, STR("total=2.5") },
        { STR("sr:match:2"), 18, STR("total=2.5") },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(ids); i++) {
        for (size_t k = 0; k < LENGTH(ids); k++) {
            assert_int_equal(market_id_equal(ids[i], ids[k]), i == k);
            assert_int_equal(market_key(ids[i]) == market_key(ids[k]), i == k);
        }
    }
}

/* Stored in legs and facts: these numbers may never change. */
static void the_key_is_stable(void **state)
{
    (void)state;
    assert_int_equal(market_key((struct market_id){ STR("sr:match:1"), 18, STR("total=2.5") }),
                     KEY_TOTAL);
    assert_int_equal(market_key((struct market_id){ STR("sr:match:1"), 1, STR_NONE }), KEY_1X2);
}

static void the_key_takes_names_of_any_length(void **state)
{
    static char name[100000];
    struct market_id id = { { name, sizeof(name) }, 1, STR_NONE };
    int64_t key;

    (void)state;
    memset(name, 'e', sizeof(name));
    key = market_key(id);
    id.event.n--;
    assert_int_not_equal(key, market_key(id));
}

static void ids_have_one_rule(void **state)
{
    static const char *const wrong[] = { "", "a\n", "\x1f" "a", "a\x7f" };
    char longest[LIMIT_ID_BYTES + 1];

    (void)state;
    memset(longest, 'a', sizeof(longest));
    assert_true(id_is_well(STR("sr:match:1")));
    assert_true(id_is_well(STR("\xc3\xa9 1|2")));
    assert_true(id_is_well((struct str){ longest, LIMIT_ID_BYTES }));
    assert_false(id_is_well((struct str){ longest, LIMIT_ID_BYTES + 1 }));
    assert_false(id_is_well(STR_NONE));
    assert_false(id_is_well((struct str){ "a\0b", 3 }));
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_false(id_is_well(str_of(wrong[i])));
}

static void a_market_is_a_number(void **state)
{
    static const char *const wrong[] = {
        "", "-1", "+1", " 1", "1 ", "1a", "1.0", "4294967296", "9999999999", "00000000001",
    };
    uint32_t market = 7;

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_false(market_parse(str_of(wrong[i]), &market));
    assert_int_equal(market, 7);
    assert_true(market_parse(STR("0"), &market));
    assert_int_equal(market, 0);
    assert_true(market_parse(STR("0000000018"), &market));
    assert_int_equal(market, 18);
    assert_true(market_parse(STR("4294967295"), &market));
    assert_int_equal(market, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_22_specifiers_are_sorted_by_key),
        cmocka_unit_test(specifiers_have_a_limit),
        cmocka_unit_test(ids_have_one_rule),
        cmocka_unit_test(a_market_is_a_number),
        cmocka_unit_test(the_key_is_of_the_whole_identity),
        cmocka_unit_test(the_key_is_stable),
        cmocka_unit_test(the_key_takes_names_of_any_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
