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

/* ---- limits (limits.c) ---------------------------------------------- */

/* The members of limit_reached by a customer's own limit, which is packed as
 * the store tells and keeps it. */
void limit_write_reached(struct buf *out, int64_t packed, int exponent);

/* ---- money requests (command.c) ------------------------------------- */

/* A request to move money, from arrival to answer. */
void command_start(struct bets *bets, struct http_request *request, enum money_op op);
struct lanes *command_lanes_new(struct bets *bets) MUST_USE;

#endif
