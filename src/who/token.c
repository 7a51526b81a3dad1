/*
 * A token is base64url(payload) . base64url(signature), without padding:
 *
 *   payload  0  version, 1
 *            1  kid          8 bytes, big endian, like all numbers
 *            9  customer     8
 *           17  epoch        8
 *           25  expires_ms   8
 *           33  currency     3
 *
 * The signature is over "overround token " and the payload, so that a key can
 * never be talked into signing something else that reads as a token.
 */
#include "who/token.h"

#include <sodium.h>
#include <stdlib.h>

#define VARIANT sodium_base64_VARIANT_URLSAFE_NO_PADDING
#define VERSION 1
#define PAYLOAD_BYTES 36
#define CONTEXT "overround token "
#define CONTEXT_BYTES (sizeof(CONTEXT) - 1)
#define PAYLOAD_TEXT sodium_base64_ENCODED_LEN(PAYLOAD_BYTES, VARIANT)
#define SIGNATURE_TEXT sodium_base64_ENCODED_LEN(crypto_sign_BYTES, VARIANT)

struct token_key {
    int64_t kid;
    unsigned char public[crypto_sign_PUBLICKEYBYTES];
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
};

struct token_keys {
    unsigned n;
    struct token_key keys[];
};

struct token_keys *token_keys_new(const struct who_key *keys, unsigned n)
{
    struct token_keys *made;

    CHECK(n > 0 && sodium_init() >= 0);
    made = calloc(1, sizeof(*made) + n * sizeof(made->keys[0]));
    CHECK(made != NULL);
    made->n = n;
    for (unsigned i = 0; i < n; i++) {
        made->keys[i].kid = keys[i].kid;
        CHECK(crypto_sign_seed_keypair(made->keys[i].public, made->keys[i].secret,
                                       keys[i].seed) == 0);
    }
    return made;
}

void token_keys_free(struct token_keys *keys)
{
    if (keys == NULL)
        return;
    sodium_memzero(keys, sizeof(*keys) + keys->n * sizeof(keys->keys[0]));
    free(keys);
}

static void put_int(unsigned char *at, int64_t n)
{
    for (int i = 7; i >= 0; i--, n = (int64_t)((uint64_t)n >> 8))
        at[i] = (unsigned char)(n & 0xff);
}

static int64_t get_int(const unsigned char *at)
{
    uint64_t n = 0;

    for (int i = 0; i < 8; i++)
        n = n << 8 | at[i];
    return (int64_t)n;
}

struct str token_sign(const struct token_keys *keys, struct token *token,
                      struct arena *arena)
{
    const struct token_key *key = &keys->keys[keys->n - 1];
    unsigned char message[CONTEXT_BYTES + PAYLOAD_BYTES];
    unsigned char *payload = message + CONTEXT_BYTES;
    unsigned char signature[crypto_sign_BYTES];
    char *text = arena_alloc(arena, PAYLOAD_TEXT + SIGNATURE_TEXT);

    CHECK(token->customer > 0 && token->epoch > 0 && keys->n > 0);
    token->kid = key->kid;
    memcpy(message, CONTEXT, CONTEXT_BYTES);
    payload[0] = VERSION;
    put_int(payload + 1, token->kid);
    put_int(payload + 9, token->customer);
    put_int(payload + 17, token->epoch);
    put_int(payload + 25, token->expires_ms);
    memcpy(payload + 33, token->currency, 3);
    CHECK(crypto_sign_detached(signature, NULL, message, sizeof(message), key->secret) == 0);
    (void)sodium_bin2base64(text, PAYLOAD_TEXT, payload, PAYLOAD_BYTES, VARIANT);
    text[PAYLOAD_TEXT - 1] = '.';
    (void)sodium_bin2base64(text + PAYLOAD_TEXT, SIGNATURE_TEXT, signature,
                            sizeof(signature), VARIANT);
    return (struct str){ text, PAYLOAD_TEXT + SIGNATURE_TEXT - 1 };
}

/* libsodium 1.0.18 reads every byte from 0x80 up as an 'A'. */
static bool is_ascii(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] >= 0x80)
            return false;
    }
    return true;
}

static bool decode(struct str text, unsigned char *into, size_t bytes)
{
    size_t n = 0;
    const char *end = NULL;

    return is_ascii(text)
        && sodium_base642bin(into, bytes, text.p, text.n, NULL, &n, &end, VARIANT) == 0
        && n == bytes && end == text.p + text.n;
}

static const struct token_key *find_key(const struct token_keys *keys, int64_t kid)
{
    for (unsigned i = 0; i < keys->n; i++) {
        if (keys->keys[i].kid == kid)
            return &keys->keys[i];
    }
    return NULL;
}

bool token_verify(const struct token_keys *keys, struct str text, int64_t now_ms,
                  struct token *token)
{
    unsigned char message[CONTEXT_BYTES + PAYLOAD_BYTES];
    unsigned char *payload = message + CONTEXT_BYTES;
    unsigned char signature[crypto_sign_BYTES];
    const struct token_key *key;

    if (text.n != PAYLOAD_TEXT + SIGNATURE_TEXT - 1 || text.p[PAYLOAD_TEXT - 1] != '.')
        return false;
    if (!decode((struct str){ text.p, PAYLOAD_TEXT - 1 }, payload, PAYLOAD_BYTES)
        || !decode((struct str){ text.p + PAYLOAD_TEXT, SIGNATURE_TEXT - 1 }, signature,
                   sizeof(signature)))
        return false;
    if (payload[0] != VERSION)
        return false;
    key = find_key(keys, get_int(payload + 1));
    if (key == NULL)
        return false;
    memcpy(message, CONTEXT, CONTEXT_BYTES);
    if (crypto_sign_verify_detached(signature, message, sizeof(message), key->public) != 0)
        return false;
    *token = (struct token){ .kid = key->kid, .customer = get_int(payload + 9),
                             .epoch = get_int(payload + 17),
                             .expires_ms = get_int(payload + 25) };
    memcpy(token->currency, payload + 33, 3);
    return token->expires_ms > now_ms;
}
