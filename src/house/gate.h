/*
 * The gate: what a bet passes between its key and its lane, where a limit in
 * the house's currency holds.
 *
 *   limits of its markets -> none: straight on
 *     -> priced as the book stands: refused? the lane says so
 *     -> stake above the threshold: held for a trader (hold.c)
 *     -> liability limited: room is taken, from the store if need be
 *     -> lane ... again when the batch is formed: gate_look, the ladder, gate_judge
 *     -> gate_leave: the charge stays, or is given back
 *
 * A bet that waits here keeps its request open and its key in flight: copies join.
 */
#ifndef HOUSE_GATE_H
#define HOUSE_GATE_H

#include "house/brakes.h"
#include "model/refusal.h"

enum gate_answer {
    GATE_OPEN, /* into the lane */
    GATE_WAIT, /* on_open gets one of the others, later */
    GATE_BUSY, /* 503: nothing is decided */
};

enum gate_end {
    GATE_STANDS,  /* accepted: committed */
    GATE_UNKNOWN, /* it may stand */
    GATE_NOTHING, /* no bet came of it */
};

/* What the house allows of one slip now; -1 = no limit. */
struct gate_limits {
    int64_t stake_max_minor;             /* in the wallet's currency */
    int64_t hold_above_minor;            /* in the house's */
    int64_t liability_minor[LIMIT_LEGS]; /* by leg, in the house's */
    int64_t since[LIMIT_LEGS];           /* rises when the desk sets one anew */
    bool liability;                      /* any of them */
};

struct gate {
    /* in */
    struct brakes *brakes;
    struct arena *arena;            /* of the request */
    int64_t account;
    const struct currency *currency;
    int64_t stake_max_minor;        /* without the house's limits */
    struct slip *slip;              /* as submitted */
    int64_t stake_minor;
    /* The ladder as the book stands, up to this stake: the odds of now into
     * *slip.  False: it would be refused. */
    bool (*price)(struct gate *gate, int64_t stake_max_minor, struct slip *slip,
                  int64_t *potential_minor);
    void (*on_open)(struct gate *gate, enum gate_answer answer);
    /* its own */
    bool allowed;                   /* a trader has said yes */
    uint64_t offer;                 /* a trader's that it lives on, or 0 */
    enum refusal verdict;           /* NOTHING, or what is to be said */
    int64_t maximum_minor;          /* with stake_too_large */
    struct liability_claim *claim;
    struct held_bet *held;
};

enum gate_answer gate_enter(struct gate *gate) MUST_USE;
/* When the batch is formed.  First: what holds now, and what the gate has said
 * already; NOTHING: the ladder is to judge, up to limits->stake_max_minor. */
enum refusal gate_look(const struct gate *gate, struct gate_limits *limits) MUST_USE;
/* Then, of a bet that the ladder let through. */
enum refusal gate_judge(struct gate *gate, const struct gate_limits *limits,
                        int64_t potential_minor) MUST_USE;
/* The member of a refusal that the gate has said: the largest stake. */
void gate_write_maximum(const struct gate *gate, struct buf *members);
/* Of a bet that gate_judge() let through: what its transaction has to name. */
int64_t gate_epoch(const struct gate *gate);
/* Once, after it was open or while it waits no more; `bet` unless NOTHING came
 * of it. */
void gate_leave(struct gate *gate, enum gate_end end, int64_t bet);
/* Nothing came of it, for its epoch is over. */
void gate_leave_fenced(struct gate *gate);

#endif
