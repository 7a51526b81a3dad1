/*
 * Partitions: the book on Kafka.  As a member of the group "odds" this process
 * owns some partitions of the topic feed; for each it keeps the shard of the
 * book and publishes the shard's changes.
 *
 *   assigned --epoch from the store--> WAITS --one pass over feed_log for all
 *      that wait--> image published --> OURS: feed record -> shard -> prices,
 *                                                                     results
 *
 *   feed_log   entries of the partition's events and those of no event; results
 *              behind the stored position are published again (settlement
 *              stores a fact once)
 *   feed       records behind the shard's position; the offset is committed, and
 *              the stored position follows, once Kafka has acknowledged all that
 *              an entry did
 *   prices     under the epoch: readers ignore an owner that was replaced and
 *              does not know it yet
 *
 * If Kafka fails to deliver a record, the topic's content is unknown: the process
 * takes the partition again, under a new epoch.  A revoked one stops at once.
 */
#ifndef ODDS_PARTITIONS_H
#define ODDS_PARTITIONS_H

#include <uv.h>

#include "bus/kafka.h"
#include "model/book.h"
#include "store/store.h"

struct partitions;

struct partitions_options {
    uv_loop_t *loop;
    struct store *store;
    struct kafka *kafka;
    unsigned count;          /* of the topic */
    int64_t since_ms;        /* prices of the log from then on; documents, all */
    uint64_t save_ms;        /* between savings of what is acknowledged; 0 = 1000 */
    /* An entry of the log; strings into arena.  False: passed over. */
    bool (*parse)(void *ctx, struct str body, struct arena *arena, struct message *message);
    void *ctx;
};

/* Joins the group. */
struct partitions *partitions_new(const struct partitions_options *options) MUST_USE;
/* Every partition that is assigned is owned: its image is published. */
bool partitions_are_ready(const struct partitions *partitions);
/* Its shards that are not ours are empty. */
const struct book *partitions_book(const struct partitions *partitions);
/* Sets the gauges of a book in shards, whoever writes it. */
void partitions_metrics(const struct book *book);
/* Leaves the group at once, then on_stopped. */
void partitions_stop(struct partitions *partitions, void (*on_stopped)(void *ctx), void *ctx);
/* After the store is closed and kafka_close() has ended. */
void partitions_free(struct partitions *partitions);

#endif
