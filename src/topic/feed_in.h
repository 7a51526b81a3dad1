/*
 * The topic feed, read as a member of the group "odds": the partitions that are
 * this process's own, and their records.
 */
#ifndef TOPIC_FEED_IN_H
#define TOPIC_FEED_IN_H

#include "bus/kafka.h"
#include "topic/feed_record.h"

struct feed_in;

struct feed_in_options {
    struct kafka *kafka;
    /* As kafka_group's: records come after feed_in_begin(). */
    void (*on_assigned)(void *ctx, int32_t partition);
    void (*on_revoked)(void *ctx, int32_t partition, bool lost);
    /* `next`: the offset to be committed once the record has had its effect. */
    void (*on_record)(void *ctx, int32_t partition, int64_t next,
                      const struct feed_record *record);
    void *ctx;
};

/* Joins the group. */
struct feed_in *feed_in_new(const struct feed_in_options *options) MUST_USE;
void feed_in_begin(struct feed_in *in, int32_t partition);
void feed_in_pause(struct feed_in *in, int32_t partition, bool pause);
void feed_in_commit(struct feed_in *in, int32_t partition, int64_t next);
/* Leaves the group at once, then on_closed. */
void feed_in_close(struct feed_in *in, void (*on_closed)(void *ctx), void *ctx);
void feed_in_free(struct feed_in *in); /* closed */

#endif
