/*
 * Writes the topic feed, in the process that leads: entries in the log's order,
 * and marks.
 *
 *   feed_out_send --> Kafka --acknowledged, in order--> feed_out_acknowledged
 *                       '-- given up --> on_failed: what is in flight does not
 *                           count, and is sent again behind what is acknowledged
 *
 *   an event's entry    one record, in the partition of the event's slot
 *   all others          a record in every partition
 *   a mark              a record in every partition
 */
#ifndef TOPIC_FEED_OUT_H
#define TOPIC_FEED_OUT_H

#include "bus/kafka.h"
#include "topic/feed_record.h"

struct feed_out;

struct feed_out_options {
    struct kafka *kafka;
    /* Kafka gave up a record: all behind feed_out_acknowledged() is to be sent
     * again. */
    void (*on_failed)(void *ctx);
    void *ctx;
};

struct feed_out *feed_out_new(const struct feed_out_options *options) MUST_USE;
/* Everything up to `position` is in Kafka: goes on behind it. */
void feed_out_begin(struct feed_out *out, int64_t position);
/* What is in flight does not count any more: goes on behind what is
 * acknowledged. */
void feed_out_restart(struct feed_out *out);
/* Kafka takes a run of entries now: not only one or two. */
bool feed_out_has_room(const struct feed_out *out);
/* False: not all of it was taken, and it is to be sent again. */
bool feed_out_send(struct feed_out *out, const struct feed_record *record) MUST_USE;
/* Names what is acknowledged, never what is in flight and may be sent again.  A
 * sign of life: one that Kafka does not take is not sent again. */
void feed_out_mark(struct feed_out *out);
int64_t feed_out_sent(const struct feed_out *out);         /* the last entry taken */
int64_t feed_out_acknowledged(const struct feed_out *out); /* all up to here; 0: none */
void feed_out_free(struct feed_out *out); /* after kafka_close() */

#endif
