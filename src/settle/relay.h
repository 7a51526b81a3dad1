/*
 * Relay: from the outbox to the topics bets and transfers.
 *
 *   outbox --store_outbox_read--> batches --topic/money_out--> bets, transfers
 *                                    | acknowledged, in order of rows
 *                                    v
 *                                  store_outbox_keep --> relays.told
 *
 * Any number of processes publish.  Accounts are in 16 classes (model/slot.h); by
 * a lease one process at a time publishes a class.  Each process reads every row
 * and takes the accounts of its classes: an event that is read twice costs a few
 * numbers, and no row is locked, marked or updated for an event.  A process that
 * was stopped and wakes up after its lease has expired does no harm: the events
 * that it sends were sent, or will be, in the same order for each account.
 * relays.told is only the acknowledged position, so every process may write it
 * correctly.
 *
 * At least once: if a process ends or Kafka fails, events without acknowledgement
 * are sent again, under the same ids.
 *
 * An idle relay polls five times a second, which reads the end of an index; while
 * there are events it reads without a pause.  It does not use LISTEN and NOTIFY:
 * a commit that notifies takes a lock on the whole database, and bets would
 * queue for it.
 */
#ifndef SETTLE_RELAY_H
#define SETTLE_RELAY_H

#include "bus/kafka.h"
#include "model/experiment.h"
#include "store/ledger.h"

/* kafka_options.linger_ms of a process that sends nothing more urgent. */
#define RELAY_LINGER_MS 25

struct relay;
struct tracer;

struct relay_options {
    uv_loop_t *loop;
    struct store *store;  /* opened with options.relay */
    struct kafka *kafka;
    const struct experiments *experiments; /* whose arms a bet's record names; NULL: none */
    struct tracer *tracer; /* NULL: nothing is traced */
    const char *owner;    /* of this process alone; copied */
    int64_t lease_ms;     /* of a class; renewed at a third of it */
};

struct relay *relay_new(const struct relay_options *options) MUST_USE;
/* Sets the gauges. */
void relay_metrics(const struct relay *relay);
/* Waits a little for what is in flight, gives its classes back, then
 * on_stopped; before kafka_close(). */
void relay_stop(struct relay *relay, void (*on_stopped)(void *ctx), void *ctx);
void relay_free(struct relay *relay); /* stopped, and behind kafka_close() */

#endif
