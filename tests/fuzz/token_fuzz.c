/*
 * Any bytes as a session token.  Whatever comes: only what our keys signed is
 * taken, while it lasts, and it says what was signed; a token that anybody
 * altered in one byte is refused.
 *
 * The input is a token's text as it is; and its bytes make the fields of a
 * token that is signed, altered and read again.
 */
#include <stdint.h>

#include "base/check.h"
#include "who/token.h"

#define ARENA_BYTES (1024 * 1024)
#define FIELDS_BYTES (3 * sizeof(int64_t))
#define NOW_MS 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The seeds are of the tests alone: their keys sign nothing else. */
static struct token_keys *make_keys(void)
{
    static const struct who_key seeds[] = {
        { .kid = 1, .seed = { 1, 2, 3 } },
        { .kid = 2, .seed = { 4, 5, 6 } },
    };
    struct token_keys *keys = token_keys_new(seeds, LENGTH(seeds));

    CHECK(keys != NULL);
    return keys;
}

/* Nobody who brings bytes has our key, unless a seed of the corpus had it. */
static void read_text(const struct token_keys *keys, struct str text)
{
    struct token token;

    if (!token_verify(keys, text, NOW_MS, &token))
        return;
    CHECK(text.n <= TOKEN_BYTES_MAX);
    CHECK(token.expires_ms > NOW_MS);
    CHECK(token.kid == 1 || token.kid == 2);
    CHECK(!token_verify(keys, text, token.expires_ms, &token));
}

static void sign_and_alter(const struct token_keys *keys, const uint8_t *data, size_t size,
                           struct arena *arena)
{
    struct token made = { .currency = "EUR" }, back;
    int64_t fields[3];
    struct str text;
    char *p;
    size_t at;

    memcpy(fields, data, FIELDS_BYTES);
    made.customer = fields[0];
    made.epoch = fields[1];
    made.expires_ms = fields[2];
    if (made.customer <= 0 || made.epoch <= 0)
        return; /* nobody signs that */
    text = token_sign(keys, &made, arena);
    CHECK(text.n <= TOKEN_BYTES_MAX);
    if (!token_verify(keys, text, NOW_MS, &back)) {
        CHECK(made.expires_ms <= NOW_MS);
        return;
    }
    CHECK(back.kid == made.kid && back.customer == made.customer);
    CHECK(back.epoch == made.epoch && back.expires_ms == made.expires_ms);
    CHECK(memcmp(back.currency, "EUR", 4) == 0);

    p = (char *)(uintptr_t)arena_str(arena, text).p;
    at = data[size - 1] % text.n;
    p[at] = (char)(p[at] ^ (1 << data[0] % 8));
    CHECK(!token_verify(keys, (struct str){ p, text.n }, NOW_MS, &back));
    CHECK(!token_verify(keys, (struct str){ text.p, at }, NOW_MS, &back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct token_keys *keys;
    struct arena arena;

    if (keys == NULL)
        keys = make_keys();
    arena_init(&arena, ARENA_BYTES);
    read_text(keys, (struct str){ (const char *)data, size });
    if (size >= FIELDS_BYTES)
        sign_and_alter(keys, data, size, &arena);
    arena_fini(&arena);
    return 0;
}
