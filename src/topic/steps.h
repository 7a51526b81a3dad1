/*
 * Publishes a partition's records in steps.  A step has the changes of one entry
 * of the feed, or a whole image; it is complete when Kafka has acknowledged all
 * its records and those of every step before it.
 *
 *   steps_begin, steps_send …, steps_end ──> Kafka ──acknowledged──> on_acknowledged
 *                               └ full: waits here, in order
 */
#ifndef TOPIC_STEPS_H
#define TOPIC_STEPS_H

#include "bus/kafka.h"

struct steps;

struct steps_options {
    struct kafka *kafka;
    /* Everything up to this step is acknowledged. */
    void (*on_acknowledged)(void *ctx, int64_t position, int64_t offset);
    /* Kafka has given up a part of it; nothing was forgotten yet. */
    void (*on_given_up)(void *ctx);
    void *ctx;
};

struct steps *steps_new(const struct steps_options *options);
void steps_begin(struct steps *steps);
void steps_send(struct steps *steps, const struct kafka_record *record); /* on_done is ours */
/* `offset`: of the feed's record behind it; 0 = none. */
void steps_end(struct steps *steps, int64_t position, int64_t offset);
/* Outside of steps: not sent at all while others wait. */
void steps_send_loose(struct steps *steps, const struct kafka_record *record);
/* What waits here goes to Kafka as far as it takes it. */
void steps_resend(struct steps *steps);
/* No step of before is reported any more; Kafka may still write what it has taken. */
void steps_forget(struct steps *steps);
/* Records that wait here and steps that are not over: who reads, pauses. */
size_t steps_waiting(const struct steps *steps);
void steps_free(struct steps *steps); /* after kafka_close() */

#endif
