/* Spans of placement (see bets/traced.h). */
#include "bets/traced.h"

#include "base/clock.h"

struct bet_trace *traced_begin(struct tracer *tracer, struct http_request *request)
{
    struct bet_trace *traced;
    struct trace trace;

    if (!trace_begin(tracer, http_header(request, "traceparent"), &trace))
        return NULL;
    CHECK(request->arrived_us > 0);
    traced = ARENA_NEW(&request->arena, struct bet_trace);
    *traced = (struct bet_trace){ tracer, trace, request->arrived_us };
    return traced;
}

void traced_stage(struct bet_trace *traced, const char *stage)
{
    int64_t now_us = clock_mono_us();
    struct span span = trace_child(traced->tracer, &traced->trace, stage, traced->from_us, now_us);

    CHECK(now_us >= traced->from_us);
    trace_add(traced->tracer, &span);
    traced->from_us = now_us;
}

void traced_batch(struct bet_trace *traced, const char *stage, int64_t start_us, int64_t size)
{
    int64_t now_us = clock_mono_us();
    struct span span = trace_child(traced->tracer, &traced->trace, stage, start_us, now_us);

    span.attributes[0] = (struct span_attribute){ "overround.batch.size", NULL, size };
    trace_add(traced->tracer, &span);
    traced->from_us = now_us;
}

struct str traced_parent(const struct bet_trace *traced, struct http_request *request)
{
    char text[TRACEPARENT_BYTES];

    trace_context_write(&traced->trace.here, text);
    return arena_str(&request->arena, (struct str){ text, sizeof(text) });
}

/* Names by OpenTelemetry's semantic conventions for HTTP, where they have one. */
void traced_end(const struct bet_trace *traced, const struct http_request *request, int status,
                int64_t bet)
{
    struct span span = trace_own(&traced->trace, "POST /v1/bets", request->arrived_us,
                                 clock_mono_us());
    struct span_attribute *attribute = span.attributes;

    span.kind = SPAN_SERVER;
    span.failed = status >= 500;
    *attribute++ = (struct span_attribute){ "http.request.method", "POST", 0 };
    *attribute++ = (struct span_attribute){ "http.route", "/v1/bets", 0 };
    *attribute++ = (struct span_attribute){ "http.response.status_code", NULL, status };
    if (request->label.n > 0) /* a literal */
        *attribute++ = (struct span_attribute){ "overround.refusal", request->label.p, 0 };
    if (bet != 0)
        *attribute = (struct span_attribute){ "overround.bet.id", NULL, bet };
    CHECK(request->id.n <= sizeof(span.request));
    memcpy(span.request, request->id.p, request->id.n);
    span.request_n = (uint8_t)request->id.n;
    trace_add(traced->tracer, &span);
}
