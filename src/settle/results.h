/*
 * Results: stores the facts that arrive on the bus.  Copies them, stores them in
 * order and in batches, and retries for ever.
 */
#ifndef SETTLE_RESULTS_H
#define SETTLE_RESULTS_H

#include "bus/bus.h"
#include "store/ledger.h"

struct results;

struct results_options {
    uv_loop_t *loop;
    struct store *store;
    int64_t offset; /* positions up to it are stored already */
    bool shared;    /* facts of other processes come between: no offset is kept */
    /* Facts that are stored now, and their markets queued. */
    void (*on_stored)(void *ctx, const struct fact *facts, uint32_t n);
    void *ctx;
};

struct results *results_new(const struct results_options *options);
void results_take(struct results *results, const struct bus_results *message);
/* Facts wait to be stored; *since_ms is when the first of them came. */
bool results_wait(const struct results *results, int64_t *since_ms);
/* Finishes the transaction in flight, closes, then calls on_stopped. */
void results_stop(struct results *results, void (*on_stopped)(void *ctx), void *ctx);
void results_free(struct results *results); /* after on_stopped */

#endif
