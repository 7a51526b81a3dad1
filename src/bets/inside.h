/* What the files of bets/ share; nobody else includes it. */
#ifndef BETS_INSIDE_H
#define BETS_INSIDE_H

#include "bets/bets.h"
#include "bets/lane.h"
#include "bets/verdict.h"
#include "who/session.h"

struct bets {
    struct bets_options options;
    struct who *who;
    struct brakes *brakes;
    struct lanes *lanes;
    struct verdicts *verdicts;
    struct buf scratch;      /* of one function at a time, never across an answer */
    struct buf members;
    uint32_t working;        /* requests that move money, between arrival and answer */
    uint32_t waiters;        /* of them: joined one in flight */
};

/* ---- own limits (own_limits.c) ---------------------------------------------- */

/* The members of limit_reached by a customer's own limit, which is packed as
 * the store tells and keeps it. */
void limit_write_reached(struct buf *out, int64_t packed, int exponent);

/* ---- lanes (command.c) ----------------------------------------------- */

struct lanes *command_lanes_new(struct bets *bets) MUST_USE;

/* The house's part of a cash-out's offer, in 1/10000. */
static inline int64_t bets_margin_e4(const struct bets *bets)
{
    return bets->options.config->cashout_margin * 100;
}

#endif
