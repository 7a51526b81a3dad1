/*
 * Settle queue: which market is settled next.  A list of the durable queue's
 * oldest, read by the engine (settle.c) in one statement, without those that
 * are put off; the engine takes them one after the other.
 *
 *   ask --statement--> STORE --rows--> fill --> now --pass--> now ... --> NULL
 *                                        put_off -/
 *
 * It alone writes the list, what is put off and which slots are this process's.
 */
#ifndef SETTLE_SETTLE_QUEUE_H
#define SETTLE_SETTLE_QUEUE_H

#include "model/market.h"
#include "store/store.h"

struct settle_job {
    int64_t key, pos, cursor, queued_ms, slot;
    struct market_id id; /* its strings: the list's */
};

struct settle_queue;

/* slots: a bit each (model/slot.h). */
struct settle_queue *settle_queue_new(uint64_t slots) MUST_USE;
void settle_queue_free(struct settle_queue *queue);

/* The former list is void.  Fills in the statement that reads a new one and its
 * arena; the rest of the exec is the caller's. */
void settle_queue_ask(struct settle_queue *queue, struct store_exec *exec, int64_t now_ms);
/* Takes the rows that the statement gave, but for what is put off. */
void settle_queue_fill(struct settle_queue *queue, const struct store_exec *exec);

/* The market whose turn it is, until it is passed or a new list is asked for;
 * NULL: there is none. */
const struct settle_job *settle_queue_now(const struct settle_queue *queue);
/* How many are listed and not passed. */
uint32_t settle_queue_left(const struct settle_queue *queue);
/* On to the next one. */
void settle_queue_pass(struct settle_queue *queue);

/* The market whose turn it is is left out of lists until then.  False: too
 * many are. */
bool settle_queue_put_off(struct settle_queue *queue, int64_t until_ms) MUST_USE;
uint32_t settle_queue_n_put_off(const struct settle_queue *queue);

/* True: there are slots that it did not have before. */
bool settle_queue_set_slots(struct settle_queue *queue, uint64_t slots) MUST_USE;
bool settle_queue_has_slot(const struct settle_queue *queue, int64_t slot);
/* It, and not the list, says whether the market whose turn it is is ours. */
bool settle_queue_now_is_ours(const struct settle_queue *queue);

#endif
