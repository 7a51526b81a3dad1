/*
 * Shadow: compares what this program would have paid with what was paid.
 *
 * Reads bets and facts of a live store in one snapshot and gives them to the
 * code that settles (settle/pay.c), from both ends: a settled bet as if it were
 * open still, and as it stands; an open one as it stands.  Writes nothing.  A
 * release that pays a cent more or less is found by it before it serves
 * anybody (docs/RELEASES.md).
 */
#ifndef SETTLE_SHADOW_H
#define SETTLE_SHADOW_H

#include "store/db.h"

struct shadow_options {
    int64_t last;          /* so many of the newest bets; 0 = all */
    int64_t since_ms;      /* accepted since then; 0 = ever */
};

struct shadow_counts {
    uint64_t settled, open;     /* bets that were graded */
    uint64_t unsettled;         /* passed: settlement is to come to one of their markets */
    uint64_t differences;
};

/* Each difference is one call with a sentence.  Open bets are all graded, old
 * as they may be.  False: it could not be done. */
bool shadow_run(struct db *db, const struct shadow_options *options,
                void (*on_difference)(void *ctx, struct str sentence), void *ctx,
                struct shadow_counts *counts, struct str *error) MUST_USE;

#endif
