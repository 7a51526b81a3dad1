/*
 * Settlement: from facts to money paid.
 *
 *   results topic --> results.c --facts, queue--> STORE
 *                                                  |
 *        pay.c (pure: what changes on one bet) <-- settle.c --chunks--> STORE
 *
 * Results are stored before they are acted on.  The engine takes one market
 * at a time from the durable queue, oldest first, grades its bets in chunks
 * and writes them back as one statement each; it may stop or die anywhere
 * and go on from the stored cursor, because every item is conditional on the
 * bet's version.  Placement goes first: the engine yields while bets wait
 * (RULES.md 25).
 */
#ifndef SETTLE_SETTLE_H
#define SETTLE_SETTLE_H

#include <uv.h>

#include "bus/bus.h"
#include "store/store.h"

struct settle;
struct tracer;

struct settle_options {
    uv_loop_t *loop;
    struct store *store;
    bool (*placement_waits)(void *ctx); /* do bets queue now?  NULL = never */
    void *ctx;
    int64_t margin_e4; /* of cash-outs: told with open bets */
    struct bus *bus; /* gets what was written (bus_money), and which results are stored;
                        NULL = nobody */
    /* Other processes settle too, each its slots: none until
     * settle_set_slots(), and meta.settle_offset is nobody's. */
    bool shared;
    struct tracer *tracer; /* NULL: nothing is traced */
    int64_t offset; /* meta.settle_offset at start: results up to it are stored */
};

struct settle *settle_new(const struct settle_options *options);

/* The bus's subscriber: copies the facts and stores them, however long the
 * store takes; never drops one. */
void settle_on_results(void *settle, const struct bus_results *message);

/* What of the queue is this process's: a bit each (model/slot.h).  Two
 * processes that believe they have the same one only waste their time: every
 * write is conditional. */
void settle_set_slots(void *settle, uint64_t slots); /* the bus's subscriber */

/* Resumes what the last process left, and sweeps for late bets. */
void settle_start(struct settle *settle);

/* Nothing waits to be stored or graded, as far as this process knows. */
bool settle_idle(const struct settle *settle);

/* Finishes the write in flight, then calls on_stopped (on the loop).  Facts
 * that could not be stored come again: the offset has not passed them. */
void settle_stop(struct settle *settle, void (*on_stopped)(void *ctx), void *ctx);

/* From on_stopped on; all handles are closed by then. */
void settle_free(struct settle *settle);

/* Refreshes the gauges: queue, lag, parked.  For the scrape of /metrics. */
void settle_metrics(struct settle *settle);

#endif
