/* The signed country: see edge_country.h. */
#include "net/edge_country.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TIME_MAX INT64_C(999999999999)
#define TEXT_BYTES 128 /* country, address, time: an address has up to 63 */

_Static_assert(EDGE_SIGNATURE_BYTES == crypto_auth_hmacsha256_BYTES, "a signature is a SHA-256");

/* A key's two blocks are hashed once, not for every request. */
struct edge_keys {
    crypto_auth_hmacsha256_state secret, former;
    bool has_former;
};

const char *edge_country_result_name(enum edge_country_result result)
{
    static const char *const names[] = {
        [EDGE_COUNTRY_SIGNED] = "signed",       [EDGE_COUNTRY_FORMER] = "former",
        [EDGE_COUNTRY_MISSING] = "missing",     [EDGE_COUNTRY_MALFORMED] = "malformed",
        [EDGE_COUNTRY_WRONG] = "wrong",         [EDGE_COUNTRY_STALE] = "stale",
    };

    CHECK((size_t)result < LENGTH(names));
    return names[result];
}

static void init(crypto_auth_hmacsha256_state *state, struct str secret)
{
    CHECK(secret.n > 0);
    (void)crypto_auth_hmacsha256_init(state, (const unsigned char *)secret.p, secret.n);
}

struct edge_keys *edge_keys_new(struct str secret, struct str former)
{
    struct edge_keys *keys = calloc(1, sizeof(*keys));

    CHECK(keys != NULL);
    init(&keys->secret, secret);
    keys->has_former = former.n > 0;
    if (keys->has_former)
        init(&keys->former, former);
    return keys;
}

void edge_keys_free(struct edge_keys *keys)
{
    if (keys == NULL)
        return;
    sodium_memzero(keys, sizeof(*keys));
    free(keys);
}

/* ---- the form --------------------------------------------------------- */

static bool read_code(struct str *text, char code[3])
{
    for (size_t i = 0; i < 2; i++) {
        if (text->n <= i || text->p[i] < 'A' || text->p[i] > 'Z')
            return false;
        code[i] = text->p[i];
    }
    code[2] = '\0';
    *text = (struct str){ text->p + 2, text->n - 2 };
    return true;
}

/* Digits, the first of them no zero. */
static bool read_time(struct str *text, int64_t *at_s)
{
    return !text_begins(*text, STR("0")) && text_take_number(text, TIME_MAX, at_s);
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_signature(struct str text, uint8_t signature[EDGE_SIGNATURE_BYTES])
{
    if (text.n != (size_t)2 * EDGE_SIGNATURE_BYTES)
        return false;
    for (size_t i = 0; i < EDGE_SIGNATURE_BYTES; i++) {
        int high = digit(text.p[2 * i]), low = digit(text.p[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        signature[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

bool edge_country_parse(struct str header, struct edge_country *country)
{
    return read_code(&header, country->code) && text_skip(&header, STR(";t=")) &&
           read_time(&header, &country->at_s) && text_skip(&header, STR(";sig=")) &&
           read_signature(header, country->signature);
}

/* ---- the signature ---------------------------------------------------- */

/* The state is the caller's copy: it ends here. */
static void finish(crypto_auth_hmacsha256_state state, const char code[3], struct str client,
                   int64_t at_s, uint8_t signature[EDGE_SIGNATURE_BYTES])
{
    char text[TEXT_BYTES];
    int n = snprintf(text, sizeof(text), "%s|" STR_FMT "|%lld", code, STR_ARG(client),
                     (long long)at_s);

    CHECK(n > 0 && (size_t)n < sizeof(text));
    (void)crypto_auth_hmacsha256_update(&state, (const unsigned char *)text,
                                        (unsigned long long)n);
    (void)crypto_auth_hmacsha256_final(&state, signature);
}

void edge_country_sign(struct str secret, const char code[3], struct str client, int64_t at_s,
                       uint8_t signature[EDGE_SIGNATURE_BYTES])
{
    crypto_auth_hmacsha256_state state;

    init(&state, secret);
    finish(state, code, client, at_s, signature);
}

void edge_country_line(struct str secret, const char code[3], struct str client, int64_t at_s,
                       char line[EDGE_COUNTRY_LINE])
{
    uint8_t signature[EDGE_SIGNATURE_BYTES];
    char hex[2 * EDGE_SIGNATURE_BYTES + 1];

    edge_country_sign(secret, code, client, at_s, signature);
    (void)sodium_bin2hex(hex, sizeof(hex), signature, sizeof(signature));
    CHECK(snprintf(line, EDGE_COUNTRY_LINE, EDGE_COUNTRY_HEADER ": %s;t=%lld;sig=%s", code,
                   (long long)at_s, hex) < EDGE_COUNTRY_LINE);
}

static bool is_of(const crypto_auth_hmacsha256_state *key, const struct edge_country *country,
                  struct str client)
{
    uint8_t signature[EDGE_SIGNATURE_BYTES];

    finish(*key, country->code, client, country->at_s, signature);
    return sodium_memcmp(signature, country->signature, sizeof(signature)) == 0;
}

enum edge_country_result edge_country_read(const struct edge_keys *keys, struct str header,
                                           struct str client, int64_t now_s, int64_t skew_s,
                                           struct edge_country *country)
{
    enum edge_country_result result = EDGE_COUNTRY_SIGNED;

    if (header.p == NULL)
        return EDGE_COUNTRY_MISSING;
    if (!edge_country_parse(header, country))
        return EDGE_COUNTRY_MALFORMED;
    if (!is_of(&keys->secret, country, client)) {
        if (!keys->has_former || !is_of(&keys->former, country, client))
            return EDGE_COUNTRY_WRONG;
        result = EDGE_COUNTRY_FORMER;
    }
    if (country->at_s < now_s - skew_s || country->at_s > now_s + skew_s)
        return EDGE_COUNTRY_STALE;
    return result;
}
