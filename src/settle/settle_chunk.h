/*
 * Settle chunk: the bets of one market, settled in chunks.
 *
 *   begin --> chunk A: fetch -> grade -> write -> free
 *             chunk B:    fetch -> grade ..... write
 *
 * While one chunk is written the next is fetched and graded.  An item that
 * was not applied (its account was locked, its version had moved) makes its
 * chunk be fetched and graded again before the cursor passes it.  A bet that
 * cannot be settled is parked, in the store, before the cursor passes it.
 *
 * It alone writes the chunks, what is parked, and the size that a chunk has
 * now.  What market it is, and what is to be done when it cannot go on, is
 * the engine's (settle.c).
 */
#ifndef SETTLE_SETTLE_CHUNK_H
#define SETTLE_SETTLE_CHUNK_H

#include "settle/paid_trace.h"
#include "settle/settle.h"
#include "settle/settle_queue.h"

struct settle_chunks;

struct settle_chunks_options {
    const struct settle_options *settle; /* store, bus, placement_waits; stays */
    struct paid_traces *traces;          /* NULL: nothing is traced */
    /* The store answered: pump again.  Before it, at most one of the others
     * says why the market cannot go on; they may call settle_chunks_give_up(). */
    void (*on_turn)(void *ctx);
    void (*on_failed)(void *ctx, const char *step, enum store_result result);
    void (*on_stuck)(void *ctx, const char *why);
    void (*on_stale)(void *ctx); /* newer facts are queued */
    void *ctx;
};

struct settle_chunks *settle_chunks_new(const struct settle_chunks_options *options) MUST_USE;
void settle_chunks_free(struct settle_chunks *chunks); /* nothing is at the store */

/* A market, from its cursor.  job and rulings stay until settle_chunks_end(). */
void settle_chunks_begin(struct settle_chunks *chunks, const struct settle_job *job,
                         struct pay_rulings rulings);

enum settle_chunks_turn {
    CHUNKS_AT_STORE, /* on_turn comes */
    CHUNKS_WAIT,     /* call again in *wait_ms */
    CHUNKS_DONE,     /* every bet is written */
    CHUNKS_GIVEN_UP,
};
/* Does what can be done now. */
enum settle_chunks_turn settle_chunks_pump(struct settle_chunks *chunks, int64_t *wait_ms);

/* What is not written will not be; what is at the store is waited for. */
void settle_chunks_give_up(struct settle_chunks *chunks);
bool settle_chunks_at_store(const struct settle_chunks *chunks);
/* Forgets the market; nothing is at the store. */
void settle_chunks_end(struct settle_chunks *chunks);

/* Of the market: bets read, bets changed. */
struct settle_chunks_counts { uint64_t seen, changed; };
struct settle_chunks_counts settle_chunks_counts(const struct settle_chunks *chunks);

#endif
