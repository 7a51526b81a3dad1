/*
 * Tracing: which requests are traced, and the spans on their way to the
 * collector (OTLP over HTTP, JSON).  Who has no endpoint has no tracer: a
 * NULL pointer, and that is all it costs.
 *
 *   loop:    trace_begin() -> trace_add() ... -> filling     never waits: a full
 *                                                 | swapped   one drops, counted
 *   thread:  every second, or LIMIT_TRACE_BATCH   v
 *            sending -> spans_write() -> POST /v1/traces, again after 429, 502,
 *                                        503, 504 or no answer
 *
 * A client's traceparent is followed if it says sampled, at most `follow_rate`
 * a second: strangers do not decide what we export.  Others are roots of their
 * own: a share of them, and at most `rate` a second.
 */
#ifndef TRACE_TRACER_H
#define TRACE_TRACER_H

#include "trace/span.h"

struct tracer;

struct tracer_options {
    const char *endpoint;       /* "http://127.0.0.1:4318", without /v1/traces */
    int64_t ratio_e4;           /* of 10,000 requests so many are traced */
    int64_t rate, follow_rate;  /* traces a second */
    struct span_resource resource; /* strings that stay */
};

/* NULL: libcurl cannot start.  Everything but the export is the loop's. */
struct tracer *tracer_new(const struct tracer_options *options) MUST_USE;
/* Exports what waits, for some seconds at most. */
void tracer_free(struct tracer *tracer);
void tracer_metrics(struct tracer *tracer); /* sets the counters */

/* One request's trace: its context is that of its own span. */
struct trace {
    struct trace_context here;
    uint8_t parent[8];          /* zero: a root */
    int64_t epoch_ns;           /* 1970 + this is when the monotonic clock began */
};

/* False: it is not traced. */
bool trace_begin(struct tracer *tracer, struct str traceparent, struct trace *trace) MUST_USE;
/* Below a span whose context was kept. */
void trace_resume(struct tracer *tracer, const struct trace_context *parent,
                  struct trace *trace);

/* The trace's own span, and one below it; times are monotonic. */
struct span trace_own(const struct trace *trace, const char *name, int64_t start_us,
                      int64_t end_us);
struct span trace_child(struct tracer *tracer, const struct trace *trace, const char *name,
                        int64_t start_us, int64_t end_us);
void trace_add(struct tracer *tracer, const struct span *span);

#endif
