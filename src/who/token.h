/* Session tokens: signed with Ed25519, verified without the store (rule 29). */
#ifndef WHO_TOKEN_H
#define WHO_TOKEN_H

#include <stdint.h>

#include "base/arena.h"
#include "who/who.h"

struct token {
    int64_t kid;        /* of the key that signed */
    int64_t customer;
    int64_t epoch;      /* sessions of an older one are over */
    int64_t expires_ms; /* wall time */
    char currency[4];   /* of the wallet */
};

struct token_keys;

/* The last one signs, all verify. */
struct token_keys *token_keys_new(const struct who_key *keys, unsigned n) MUST_USE;
void token_keys_free(struct token_keys *keys);

#define TOKEN_BYTES_MAX 160

/* kid is filled in. */
struct str token_sign(const struct token_keys *keys, struct token *token,
                      struct arena *arena);
/* False: not ours, altered, or expired. */
bool token_verify(const struct token_keys *keys, struct str text, int64_t now_ms,
                  struct token *token) MUST_USE;

#endif
