/* Bodies of money requests: strict, every error names its field. */
#ifndef BETS_SLIP_JSON_H
#define BETS_SLIP_JSON_H

#include "model/bet.h"
#include "model/own_limit.h"
#include "model/money.h"

/*
 * The body of POST /v1/bets.  Strings are copied into the arena, specifiers
 * are canonical and sizes ascend.  The slip holds the submitted odds.  False:
 * *error (in arena) names the field and what is wrong.
 */
bool slip_read(struct str body, const struct currency *currency, struct arena *arena,
               struct slip *slip, int64_t *stake_minor, struct str *error) MUST_USE;

/* {minimum, stake?}: *stake_minor is 0 when it is not there, else > 0. */
bool cashout_body_read(struct str body, const struct currency *currency, struct arena *arena,
                       int64_t *minimum_minor, int64_t *stake_minor, struct str *error) MUST_USE;

/* {kind, period, amount}: *amount_minor is -1 for null, which is no limit. */
bool limit_body_read(struct str body, const struct currency *currency, struct arena *arena,
                     enum own_limit_kind *kind, enum own_limit_period *period,
                     int64_t *amount_minor, struct str *error) MUST_USE;

/* {until}: RFC 3339. */
bool until_body_read(struct str body, struct arena *arena, int64_t *until_ms,
                     struct str *error) MUST_USE;

/* {amount}, > 0. */
bool amount_read(struct str body, const struct currency *currency, struct arena *arena,
                 int64_t *amount_minor, struct str *error) MUST_USE;

#endif
