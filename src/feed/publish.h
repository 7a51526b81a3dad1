/*
 * Publish: the leader publishes the log's durable entries to the topic feed, in
 * order, at least once.
 *
 *   durable --> publish_entry --live---> topic/feed_out --acknowledged--.
 *   log     --> the table, behind -------^                              |
 *               what is acknowledged    meta.feed_published <--twice a second
 *
 * A new leader publishes everything behind meta.feed_published again: consumers
 * skip positions that they have had.  Each partition gets its entries in the
 * log's order, without a gap, whichever process leads.  Each second, while it is
 * certain to be the only leader, it writes a mark: the feed has a leader, and
 * all entries up to the mark's position precede it.
 */
#ifndef FEED_PUBLISH_H
#define FEED_PUBLISH_H

#include <uv.h>

#include "bus/kafka.h"
#include "store/store.h"

struct publish;

struct publish_options {
    uv_loop_t *loop;
    struct store *store;
    struct kafka *kafka;
    uint64_t tick_ms; /* between attempts, when Kafka takes nothing; 0 = 50 */
    /* Nobody else can lead now. */
    bool (*is_sure)(void *ctx);
    void *ctx;
};

struct publish *publish_new(const struct publish_options *options);
/* An entry is durable: each one, in the log's order, whoever wrote it. */
void publish_entry(struct publish *publish, int64_t pos, int64_t at_ms, struct str event,
                   struct str body);
/* This process leads: begins, or goes on, behind what is acknowledged. */
void publish_lead(struct publish *publish);
void publish_follow(struct publish *publish); /* not any more */
void publish_metrics(const struct publish *publish);
/* The timers. */
void publish_stop(struct publish *publish);
/* After the loop has closed them, the store is closed and kafka_close() has
 * ended. */
void publish_free(struct publish *publish);

#endif
