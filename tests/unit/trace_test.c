/*
 * Traces: the context's text, which requests are sampled, the text of a batch,
 * and the ring whose collector is a socket of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <jansson.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "trace/tracer.h"

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define SPAN "b7ad6b7169203331"
#define SAMPLED "00-" TRACE "-" SPAN "-01"

/* ---- the context ----------------------------------------------------------- */

static void strictly_as_the_specification_has_it(void **state)
{
    static const struct {
        const char *text;
        bool well, sampled;
    } cases[] = {
        { SAMPLED, true, true },
        { "00-" TRACE "-" SPAN "-00", true, false },
        { "00-" TRACE "-" SPAN "-02", true, false }, /* a flag that is not ours */
        { "00-" TRACE "-" SPAN "-03", true, true },
        { "00-" TRACE "-" SPAN "-ff", true, true },
        { "01-" TRACE "-" SPAN "-01", true, true },
        { "01-" TRACE "-" SPAN "-01-later", true, true },
        { "01-" TRACE "-" SPAN "-01later", false, false },
        { "00-" TRACE "-" SPAN "-01-later", false, false },
        { "00-" TRACE "-" SPAN "-01 ", false, false },
        { " 00-" TRACE "-" SPAN "-01", false, false },
        { "ff-" TRACE "-" SPAN "-01", false, false },
        { "0-" TRACE "-" SPAN "-01", false, false },
        { "00-" TRACE "-" SPAN "-1", false, false },
        { "00-" TRACE "-" SPAN, false, false },
        { "00_" TRACE "-" SPAN "-01", false, false },
        { "00-" TRACE "_" SPAN "-01", false, false },
        { "00-" TRACE "-" SPAN "_01", false, false },
        { "00-00000000000000000000000000000000-" SPAN "-01", false, false },
        { "00-" TRACE "-0000000000000000-01", false, false },
        { "00-0AF7651916CD43DD8448EB211C80319C-" SPAN "-01", false, false },
        { "00-0gf7651916cd43dd8448eb211c80319c-" SPAN "-01", false, false },
        { "00-" TRACE "-" SPAN "-0x", false, false },
        { "", false, false },
    };
    char written[TRACEPARENT_BYTES];
    struct trace_context context;

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        assert_int_equal(trace_context_read(str_of(cases[i].text), &context), cases[i].well);
        if (!cases[i].well)
            continue;
        assert_int_equal(context.sampled, cases[i].sampled);
        trace_context_write(&context, written);
        assert_memory_equal(written, "00-" TRACE "-" SPAN, 52);
        assert_memory_equal(written + 52, cases[i].sampled ? "-01" : "-00", 3);
    }
    assert_false(trace_context_read(STR_NONE, &context));
}

/* ---- a batch's text ---------------------------------------------------------- */

static const json_t *member(const json_t *object, const char *name)
{
    const json_t *found = json_object_get(object, name);

    assert_non_null(found);
    return found;
}

static const char *text_of(const json_t *object, const char *name)
{
    assert_true(json_is_string(member(object, name)));
    return json_string_value(member(object, name));
}

static const json_t *value_of(const json_t *object, const char *key)
{
    const json_t *pairs = member(object, "attributes");

    for (size_t i = 0; i < json_array_size(pairs); i++)
        if (strcmp(text_of(json_array_get(pairs, i), "key"), key) == 0)
            return member(json_array_get(pairs, i), "value");
    fail_msg("no attribute %s", key);
    return NULL;
}

static const json_t *only(const json_t *list)
{
    assert_int_equal(json_array_size(list), 1);
    return json_array_get(list, 0);
}

static void a_batch_is_otlp(void **state)
{
    const struct span_resource resource = { "overround", "1.2.3", "host:1", "bets" };
    struct span spans[2] = { {
        .name = "POST /v1/bets", .kind = SPAN_SERVER, .failed = true,
        .start_ns = INT64_C(1764374400123456789), .end_ns = INT64_C(1764374400123999000),
        .attributes = { { "http.route", "/v1/bets", 0 },
                        { "overround.bet.id", NULL, INT64_MAX } },
    }, { .name = "judge", .kind = SPAN_INTERNAL } };
    const json_t *group, *scope, *list, *span;
    struct buf text;
    json_t *document;

    (void)state;
    assert_true(trace_context_read(STR(SAMPLED), &spans[0].here));
    assert_true(trace_context_read(STR(SAMPLED), &spans[1].here));
    memcpy(spans[1].parent, spans[0].here.span, sizeof(spans[1].parent));
    memcpy(spans[0].request, "a\"b", 3);
    spans[0].request_n = 3;
    buf_init(&text, 1 << 16);
    spans_write(spans, LENGTH(spans), &resource, &text);
    document = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(document);
    group = only(member(document, "resourceSpans"));
    assert_string_equal(text_of(value_of(member(group, "resource"), "service.name"),
                                "stringValue"), "overround");
    assert_string_equal(text_of(value_of(member(group, "resource"), "overround.role"),
                                "stringValue"), "bets");
    scope = only(member(group, "scopeSpans"));
    list = member(scope, "spans");
    assert_int_equal(json_array_size(list), 2);
    span = json_array_get(list, 0);
    assert_string_equal(text_of(span, "traceId"), TRACE);
    assert_string_equal(text_of(span, "spanId"), SPAN);
    assert_null(json_object_get(span, "parentSpanId"));
    assert_int_equal(json_integer_value(member(span, "kind")), 2);
    assert_string_equal(text_of(span, "startTimeUnixNano"), "1764374400123456789");
    assert_string_equal(text_of(span, "endTimeUnixNano"), "1764374400123999000");
    assert_string_equal(text_of(value_of(span, "overround.bet.id"), "intValue"),
                        "9223372036854775807");
    assert_string_equal(text_of(value_of(span, "overround.request.id"), "stringValue"), "a\"b");
    assert_int_equal(json_integer_value(member(member(span, "status"), "code")), 2);
    span = json_array_get(list, 1);
    assert_string_equal(text_of(span, "parentSpanId"), SPAN);
    assert_null(json_object_get(span, "status"));
    assert_int_equal(json_array_size(member(span, "attributes")), 0);
    json_decref(document);
    buf_fini(&text);
}

/* ---- a collector ---------------------------------------------------------------- */

struct collector {
    int listener;
    char url[64];
    pthread_t thread;
    atomic_bool open;        /* answers; until then it lets callers wait */
    atomic_uint spans, calls; /* that came */
    struct sockaddr_in address;
};

/* One request's bytes: counts its spans; false: the client is gone. */
static bool take_request(struct collector *collector, int fd)
{
    static char bytes[8 << 20]; /* one collector at a time */
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                 "Content-Length: 2\r\n\r\n{}";
    size_t n = 0, wanted = SIZE_MAX;

    while (n < wanted) {
        ssize_t got = read(fd, bytes + n, sizeof(bytes) - 1 - n);
        char *end, *length;

        if (got <= 0)
            return false;
        n += (size_t)got;
        bytes[n] = '\0';
        end = strstr(bytes, "\r\n\r\n");
        length = strstr(bytes, "Content-Length: ");
        if (end != NULL && length != NULL)
            wanted = (size_t)(end + 4 - bytes) + strtoul(length + 16, NULL, 10);
    }
    for (char *at = bytes; (at = strstr(at, "\"spanId\"")) != NULL; at++)
        atomic_fetch_add(&collector->spans, 1);
    return write(fd, answer, sizeof(answer) - 1) == (ssize_t)sizeof(answer) - 1;
}

static void *on_collector(void *ctx)
{
    struct collector *collector = ctx;

    for (;;) {
        int fd = accept(collector->listener, NULL, NULL);

        if (fd < 0)
            return NULL;
        atomic_fetch_add(&collector->calls, 1);
        while (!atomic_load(&collector->open))
            usleep(1000);
        while (take_request(collector, fd))
            ;
        (void)close(fd);
    }
}

static void collector_start(struct collector *collector, bool open)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t n = sizeof(address);

    collector->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(collector->listener, (void *)&address, n), 0);
    assert_int_equal(listen(collector->listener, 8), 0);
    assert_int_equal(getsockname(collector->listener, (void *)&address, &n), 0);
    (void)snprintf(collector->url, sizeof(collector->url), "http://127.0.0.1:%d",
                   ntohs(address.sin_port));
    atomic_init(&collector->open, open);
    atomic_init(&collector->spans, 0);
    atomic_init(&collector->calls, 0);
    collector->address = address;
    assert_int_equal(pthread_create(&collector->thread, NULL, on_collector, collector), 0);
}

/* Whoever called before has been taken: callers are taken in order. */
static void collector_is_through(const struct collector *collector)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte;

    assert_int_equal(connect(fd, (const void *)&collector->address,
                             sizeof(collector->address)), 0);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_int_equal(read(fd, &byte, 1), 0);
    (void)close(fd);
}

static void collector_stop(struct collector *collector)
{
    (void)shutdown(collector->listener, SHUT_RDWR);
    assert_int_equal(pthread_join(collector->thread, NULL), 0);
    (void)close(collector->listener);
}

static struct tracer *tracer_to(const char *url, int64_t ratio_e4, int64_t rate, int64_t follow)
{
    struct tracer *tracer = tracer_new(&(struct tracer_options){
        .endpoint = url, .ratio_e4 = ratio_e4, .rate = rate, .follow_rate = follow,
        .resource = { "overround", "", "test", "bets" },
    });

    assert_non_null(tracer);
    return tracer;
}

static int64_t spans_counted(struct tracer *tracer, const char *result)
{
    tracer_metrics(tracer);
    return metric_value(METRIC_TRACE_SPANS, str_of(result));
}

static void spans_arrive_and_the_rest_at_the_end(void **state)
{
    struct collector collector;
    struct tracer *tracer;
    struct trace trace;

    (void)state;
    collector_start(&collector, true);
    tracer = tracer_to(collector.url, 10000, 1000, 0);
    for (unsigned i = 0; i < 600; i++) {
        struct span span;

        assert_true(trace_begin(tracer, STR_NONE, &trace));
        span = trace_child(tracer, &trace, "judge", 1, 2);
        trace_add(tracer, &span);
    }
    tracer_free(tracer);
    assert_int_equal(atomic_load(&collector.spans), 600);
    collector_stop(&collector);
}

/* The collector hangs: nobody waits for it, and what is lost is counted. */
static void a_full_ring_drops(void **state)
{
    const unsigned more = 100;
    struct collector collector;
    struct tracer *tracer;
    struct trace trace;
    struct span span;

    (void)state;
    collector_start(&collector, false);
    tracer = tracer_to(collector.url, 10000, 1000, 0);
    assert_true(trace_begin(tracer, STR_NONE, &trace));
    span = trace_own(&trace, "whole", 1, 2);
    for (unsigned i = 0; i < 2 * LIMIT_TRACE_SPANS + more; i++)
        trace_add(tracer, &span);
    /* Both halves are full at most: one is being sent. */
    assert_true(spans_counted(tracer, "dropped") >= more);
    assert_int_equal(spans_counted(tracer, "exported"), 0);
    atomic_store(&collector.open, true);
    tracer_free(tracer);
    collector_stop(&collector);
}

/* It hangs for good: the end waits for a request or two, not for each batch. */
static void the_end_does_not_wait_for_a_collector_that_hangs(void **state)
{
    struct collector collector;
    struct tracer *tracer;
    struct trace trace;
    struct span span;

    (void)state;
    collector_start(&collector, false);
    tracer = tracer_to(collector.url, 10000, 1000, 0);
    assert_true(trace_begin(tracer, STR_NONE, &trace));
    span = trace_own(&trace, "whole", 1, 2);
    for (unsigned i = 0; i < LIMIT_TRACE_SPANS; i++)
        trace_add(tracer, &span);
    tracer_free(tracer);
    assert_int_equal(atomic_load(&collector.spans), 0);
    atomic_store(&collector.open, true);
    collector_is_through(&collector);
    /* Of 16 batches; ours is one of the calls. */
    assert_in_range(atomic_load(&collector.calls), 2, 6);
    collector_stop(&collector);
}

/* ---- the sampler ---------------------------------------------------------------- */

static void who_is_traced(void **state)
{
    struct tracer *never = tracer_to("http://127.0.0.1:1", 0, 1000, 2);
    struct tracer *always = tracer_to("http://127.0.0.1:1", 10000, 5, 0);
    struct tracer *some = tracer_to("http://127.0.0.1:1", 1000, 1000000, 0);
    unsigned followed = 0, started = 0, sampled = 0;
    struct trace trace, other;
    int64_t began_us = clock_mono_us(), seconds;

    (void)state;
    assert_false(trace_begin(never, STR_NONE, &trace));
    assert_false(trace_begin(never, STR("00-" TRACE "-" SPAN "-00"), &trace));
    assert_false(trace_begin(always, STR("00-" TRACE "-" SPAN "-00"), &trace));
    assert_false(trace_begin(always, STR(SAMPLED), &trace)); /* follow_rate 0 */
    assert_true(trace_begin(never, STR(SAMPLED), &trace));
    assert_memory_equal(trace.here.trace, "\x0a\xf7\x65\x19\x16\xcd\x43\xdd", 8);
    assert_memory_equal(trace.parent, "\xb7\xad\x6b\x71\x69\x20\x33\x31", 8);
    assert_memory_not_equal(trace.here.span, trace.parent, 8);
    /* Malformed: ignored as a whole, so it may be a root of our own. */
    assert_true(trace_begin(always, STR("00-" TRACE), &trace));
    assert_true(trace_begin(always, STR_NONE, &other));
    assert_memory_not_equal(trace.here.trace, other.here.trace, 16);
    assert_memory_equal(other.parent, "\0\0\0\0\0\0\0\0", 8);
    for (unsigned i = 0; i < 1000; i++) {
        followed += trace_begin(never, STR(SAMPLED), &trace);
        started += trace_begin(always, STR_NONE, &trace);
    }
    seconds = (clock_mono_us() - began_us) / 1000000 + 1;
    assert_true(followed >= 1 && followed <= 2 * (seconds + 1));
    assert_true(started >= 3 && started <= 5 * (seconds + 1));
    for (unsigned i = 0; i < 20000; i++)
        sampled += trace_begin(some, STR_NONE, &trace);
    assert_in_range(sampled, 1700, 2300); /* 2,000; deviation 42 */
    tracer_free(never);
    tracer_free(always);
    tracer_free(some);
}

static int prepare(void **state)
{
    (void)state;
    return sodium_init() < 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strictly_as_the_specification_has_it),
        cmocka_unit_test(a_batch_is_otlp),
        cmocka_unit_test(spans_arrive_and_the_rest_at_the_end),
        cmocka_unit_test(a_full_ring_drops),
        cmocka_unit_test(the_end_does_not_wait_for_a_collector_that_hangs),
        cmocka_unit_test(who_is_traced),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
