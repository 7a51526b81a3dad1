/* The topics bets and transfers, written: see money_out.h. */
#include "topic/money_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "trace/tracer.h"

#define POSITION_BITS 10 /* events of a row */

struct money_out {
    struct kafka *kafka;
    struct tracer *tracer;
    struct buf text;
};

struct money_out *money_out_new(struct kafka *kafka, struct tracer *tracer)
{
    struct money_out *out = calloc(1, sizeof(*out));

    CHECK(out != NULL);
    out->kafka = kafka;
    out->tracer = tracer;
    buf_init(&out->text, LIMIT_RECORD_BYTES);
    return out;
}

void money_out_free(struct money_out *out)
{
    buf_fini(&out->text);
    free(out);
}

/* ---- traced ------------------------------------------------------------------ */

/* A record of a traced bet, until it is acknowledged; in the event's arena. */
struct traced {
    struct tracer *tracer;
    struct trace trace;   /* that of the record: its header says so */
    struct str topic;
    int64_t start_us, bet;
    char parent[TRACEPARENT_BYTES];
    void (*on_done)(void *ctx, bool sent);
    void *ctx;
};

static void on_traced_done(void *ctx, bool sent)
{
    struct traced *traced = ctx;
    struct span span = trace_own(&traced->trace, "publish", traced->start_us, clock_mono_us());

    span.kind = SPAN_PRODUCER;
    span.failed = !sent;
    span.attributes[0] = (struct span_attribute){ "messaging.system", "kafka", 0 };
    span.attributes[1] = (struct span_attribute){ "messaging.destination.name",
                                                  traced->topic.p, 0 };
    span.attributes[2] = (struct span_attribute){ "overround.bet.id", NULL, traced->bet };
    trace_add(traced->tracer, &span);
    traced->on_done(traced->ctx, sent);
}

/* The record says who its span is; not if the bet is not traced. */
static void trace_record(struct money_out *out, const struct money_event *event,
                         struct kafka_record *record)
{
    struct trace_context parent;
    struct traced *traced;

    if (out->tracer == NULL || !trace_context_read(event->traceparent, &parent))
        return;
    traced = ARENA_NEW(event->arena, struct traced);
    *traced = (struct traced){ .tracer = out->tracer, .topic = topic_name(record->topic),
                               .start_us = clock_mono_us(), .bet = event->record->bet.id,
                               .on_done = event->on_done, .ctx = event->ctx };
    trace_resume(out->tracer, &parent, &traced->trace);
    trace_context_write(&traced->trace.here, traced->parent);
    record->traceparent = (struct str){ traced->parent, sizeof(traced->parent) };
    record->on_done = on_traced_done;
    record->ctx = traced;
}

/* ---- sent -------------------------------------------------------------------- */

static bool send_text(struct money_out *out, const struct money_event *event, enum topic topic,
                      struct money_progress *progress)
{
    char key[24];
    int n = snprintf(key, sizeof(key), "%" PRId64, event->record->account);
    struct kafka_record record = {
        .topic = topic, .partition = -1, .key = { key, (size_t)n },
        .value = buf_view(&out->text), .position = (event->row << POSITION_BITS) + event->n,
        .on_done = event->on_done, .ctx = event->ctx,
    };

    CHECK(event->n < 1 << POSITION_BITS);
    trace_record(out, event, &record);
    if (!kafka_send(out->kafka, &record))
        return false;
    progress->sent++;
    metric_add(METRIC_RELAY_EVENTS, topic_name(topic), 1);
    return true;
}

bool money_out_send(struct money_out *out, const struct money_event *event,
                    struct money_progress *progress)
{
    const struct event_record *record = event->record;
    enum transfer_kind kind;

    if (record->has_bet && !progress->half) {
        buf_reset(&out->text);
        event_record_write_bet(record, &out->text);
        if (!send_text(out, event, TOPIC_BETS, progress))
            return false;
    }
    progress->half = true;
    if (event_transfer(record, &kind)) {
        buf_reset(&out->text);
        event_record_write_transfer(record, &out->text);
        if (!send_text(out, event, TOPIC_TRANSFERS, progress))
            return false;
    }
    progress->half = false;
    return true;
}
