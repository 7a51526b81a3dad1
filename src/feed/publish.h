/*
 * Publish: the leader tells the topic feed what is durable in the log, in
 * order, at least once.
 *
 *   durable --> publish_entry --live------------------> Kafka --acknowledged--> told
 *   log     --> the table, behind what was told ------+                          |
 *                                          meta.feed_published <--twice a second-+
 *
 * A new leader tells again what is behind meta.feed_published: whoever
 * receives passes over positions it has had.  Each partition gets its entries
 * in the log's order, without a gap, from whichever leader.
 *
 *   an event's entry     one record, in the partition of the event's slot
 *   all others           a record in every partition
 *   a mark, each second  in every partition, while it is sure that nobody else
 *                        leads: everything up to pos stands before it
 *
 * key: the event, or none; value: the entry's XML, of a mark nothing; header
 * pos; time: at_ms, of a mark when it was written.
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
/* This process leads: begins, or goes on, behind what was told. */
void publish_lead(struct publish *publish);
void publish_follow(struct publish *publish); /* not any more */
/* Everything up to here is in Kafka; 0: not known. */
int64_t publish_told(const struct publish *publish);
void publish_metrics(const struct publish *publish);
/* The timers. */
void publish_stop(struct publish *publish);
/* After the loop has closed them, the store is closed and Kafka has told what
 * became of each record. */
void publish_free(struct publish *publish);

#endif
