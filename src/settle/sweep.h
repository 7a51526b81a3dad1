/*
 * Sweep: finds open bets on markets whose facts were stored before the bet
 * was (RULES.md 7): a price may be accepted while its result is on its way.
 * Every few seconds, and once over the last day at the start.
 */
#ifndef SETTLE_SWEEP_H
#define SETTLE_SWEEP_H

#include "store/store.h"

struct sweep;

struct sweep_options {
    uv_loop_t *loop;
    struct store *store;
    void (*on_swept)(void *ctx, uint32_t queued); /* markets queued again */
    /* Is it this process that looks, of those that settle?  NULL: yes. */
    bool (*sweeps)(void *ctx);
    void *ctx;
};

struct sweep_counts {
    int64_t queued;    /* markets in the durable queue, when last asked */
    int64_t oldest_ms; /* when the oldest was queued; 0 = none */
    int64_t parked;    /* bets */
};

struct sweep *sweep_new(const struct sweep_options *options);
void sweep_start(struct sweep *sweep);
/* Facts stored since then are looked at once more: their market's run took
 * longer than a sweep looks back. */
void sweep_look_back(struct sweep *sweep, int64_t since_ms);
void sweep_count(struct sweep *sweep); /* asks for the counts afresh */
struct sweep_counts sweep_counts(const struct sweep *sweep);
/* Waits for what is at the store, closes, then calls on_stopped. */
void sweep_stop(struct sweep *sweep, void (*on_stopped)(void *ctx), void *ctx);
void sweep_free(struct sweep *sweep); /* after on_stopped */

#endif
