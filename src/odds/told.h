/*
 * What is told of one partition, in the order of its steps: a step is what one
 * entry of the feed did, or a whole image; it is over when Kafka has
 * acknowledged all of it and all before it.
 *
 *   told_begin, told_send …, told_end ──> Kafka ──acknowledged──> on_over
 *                               └ full: waits here, in order
 */
#ifndef ODDS_TOLD_H
#define ODDS_TOLD_H

#include "bus/kafka.h"

struct told;

struct told_options {
    struct kafka *kafka;
    /* Everything up to this step is acknowledged. */
    void (*on_over)(void *ctx, int64_t position, int64_t offset);
    /* Kafka has given up a part of it; nothing was forgotten yet. */
    void (*on_lost)(void *ctx);
    void *ctx;
};

struct told *told_new(const struct told_options *options);
void told_begin(struct told *told);
void told_send(struct told *told, const struct kafka_record *record); /* on_done is ours */
/* `offset`: of the feed's record behind it; 0 = none. */
void told_end(struct told *told, int64_t position, int64_t offset);
/* Outside of steps: not sent at all while others wait. */
void told_tick(struct told *told, const struct kafka_record *record);
/* What waits here goes to Kafka as far as it takes it. */
void told_push(struct told *told);
/* Nobody counts on it any more; what Kafka has taken it may still write. */
void told_forget(struct told *told);
/* Records that wait here and steps that are not over: who reads, pauses. */
size_t told_waiting(const struct told *told);
void told_free(struct told *told); /* after kafka_close() */

#endif
