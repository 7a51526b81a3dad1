/*
 * The gate: what a bet passes between its key and its lane, where a limit in
 * the house's currency holds.
 *
 *   limits of its markets -> none: straight on
 *     -> judged as the book stands: refused? the lane says so
 *     -> stake above the threshold: held for a trader (hold.c)
 *     -> liability limited: room is taken, from the store if need be
 *     -> lane ... judged again when the batch is formed (gate_judge)
 *     -> gate_leave: the charge stays, or is given back
 *
 * Who waits here keeps the request open and its key in flight: copies join.
 */
#ifndef HOUSE_GATE_H
#define HOUSE_GATE_H

#include "house/hold.h"
#include "house/liability.h"
#include "bets/place.h"

struct bets;

enum gate_answer {
    GATE_OPEN, /* into the lane */
    GATE_WAIT, /* on_open tells which of the others, later */
    GATE_BUSY, /* 503: nothing is decided */
};

enum gate_end {
    GATE_STANDS,  /* accepted: committed */
    GATE_UNKNOWN, /* it may stand */
    GATE_NOTHING, /* no bet came of it */
};

struct gate {
    /* in */
    struct bets *bets;
    struct arena *arena;            /* of the request */
    int64_t account;
    const struct currency *currency;
    const struct place_rules *rules; /* without the house's limits */
    struct slip *slip;              /* as submitted */
    int64_t stake_minor;
    void (*on_open)(struct gate *gate, enum gate_answer answer);
    /* its own */
    bool allowed;                   /* a trader has said yes */
    uint64_t offer;                 /* a trader's that it lives on, or 0 */
    enum refusal verdict;           /* NOTHING, or what is to be said */
    int64_t maximum_minor;          /* with stake_too_large */
    struct liability_claim *claim;
    struct held *held;
};

enum gate_answer gate_enter(struct gate *gate) MUST_USE;
/* When the batch is formed, instead of place_judge(), with its contract. */
enum refusal gate_judge(struct gate *gate, int64_t *potential_minor,
                        struct buf *members) MUST_USE;
/* Of a bet that gate_judge() let through: what its transaction has to name. */
int64_t gate_epoch(const struct gate *gate);
/* Once, after it was open or while it waits no more; `bet` unless NOTHING came
 * of it. */
void gate_leave(struct gate *gate, enum gate_end end, int64_t bet);
/* Nothing came of it, for its epoch is over. */
void gate_leave_fenced(struct gate *gate);

#endif
