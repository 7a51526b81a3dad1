/*
 * Operators: who may use the operator listener.  A token is a secret of 24
 * random bytes, printed once by `overround operator add`; the store keeps its
 * BLAKE2b.  The list is read at start and again every few seconds, so that an
 * operator who was ended is out within ten.
 *
 * The token of the settings is the first operator's, "root", with every role.
 */
#ifndef OPERATORS_H
#define OPERATORS_H

#include "model/operator.h"
#include "store/db.h"

#define OPERATOR_TOKEN_HASH_BYTES 32

struct operators;

struct operators *operators_new(uv_loop_t *loop, struct store *store);
void operators_set_root(struct operators *operators, struct str token);
/* At start, by a blocking read. */
bool operators_load(struct operators *operators, struct db *db, struct str *error) MUST_USE;
void operators_start(struct operators *operators); /* reads them again and again */
/* Who has this token; NULL: nobody.  Good until the loop's next turn. */
const struct operator *operators_find(const struct operators *operators, struct str token);
bool operators_idle(const struct operators *operators);
void operators_stop(struct operators *operators); /* the timer; when idle */
void operators_free(struct operators *operators);

void operator_token_hash(struct str token, uint8_t hash[OPERATOR_TOKEN_HASH_BYTES]);

#endif
