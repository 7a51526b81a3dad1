/*
 * Writes the topics bets and transfers: an event of the outbox becomes a record
 * in bets, if it is about a bet, and a record in transfers, if it moved money
 * (event_record.h).
 *
 *   key   the account: its records are in one partition
 *   pos   (header) row of the outbox x 1024 + event of the row: ascends within a
 *         class of accounts (model/slot.h), which one process writes at a time
 */
#ifndef TOPIC_MONEY_OUT_H
#define TOPIC_MONEY_OUT_H

#include "bus/kafka.h"
#include "topic/event_record.h"

struct money_out;
struct tracer;

/* Of an event: how far it came.  { 0 } at first. */
struct money_progress {
    bool half;           /* the record of bets is sent, that of transfers is not */
    uint32_t sent;       /* records, in all */
};

struct money_event {
    const struct event_record *record;
    int64_t row, n;      /* of the outbox; within the row, from 1 */
    struct str traceparent; /* empty = not traced */
    struct arena *arena; /* until its records are acknowledged */
    void (*on_done)(void *ctx, bool sent); /* once for each record sent */
    void *ctx;
};

/* tracer: NULL = nothing is traced. */
struct money_out *money_out_new(struct kafka *kafka, struct tracer *tracer) MUST_USE;
/* False: Kafka takes no more now; call again, with the same progress. */
bool money_out_send(struct money_out *out, const struct money_event *event,
                    struct money_progress *progress) MUST_USE;
void money_out_free(struct money_out *out);

#endif
