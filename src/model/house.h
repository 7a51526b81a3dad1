/*
 * The house's currency: what limits, liability and exposure are counted in,
 * and the rates by which wallets' amounts are compared with them.
 *
 * Every conversion goes against the customer's room: what a bet costs is
 * rounded up, what a limit allows is rounded down.
 */
#ifndef MODEL_HOUSE_H
#define MODEL_HOUSE_H

#include "base/arena.h"
#include "model/money.h"

#define HOUSE_RATE_DECIMALS 9

struct house_rate {
    const struct currency *currency;
    int64_t rate_e9; /* one major unit of it in the house's currency */
};

struct house {
    const struct currency *currency;
    struct house_rate *rates; /* without the house's own, which is 1 */
    size_t n_rates;
};

/*
 * `rates` is "USD=0.92,JPY=0.0061": one major unit of each in the house's
 * currency; empty for none.  False: *error (in arena) names what is wrong.
 */
bool house_read(struct house *house, struct str currency, struct str rates,
                struct arena *arena, struct str *error) MUST_USE;

/* minor >= 0 of `from` in the house's minor units, rounded up, at most
 * LIMIT_MINOR; -1: no rate is known. */
int64_t house_from(const struct house *house, const struct currency *from, int64_t minor);
/* House minor units in those of `to`, rounded down; -1: no rate is known.
 * What it returns never costs more than `minor` by house_from(). */
int64_t house_to(const struct house *house, const struct currency *to, int64_t minor);
/* What a bet adds to the liability of each of its outcomes (rule 14), rounded
 * up: gross payout less stake; -1: no rate. */
int64_t house_liability(const struct house *house, const struct currency *currency,
                        int64_t stake_minor, int64_t potential_minor);
bool house_knows(const struct house *house, const struct currency *currency);

#endif
