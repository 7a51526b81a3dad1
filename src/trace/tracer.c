/* The sampler, the two halves of the ring, and the thread that exports (see
 * trace/tracer.h). */
#include "trace/tracer.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/http_client.h"

#define PATH "/v1/traces"
#define EXPORT_MS 1000
#define REQUEST_MS 3000
#define TRIES 5
#define BACKOFF_MS 250         /* doubles */
#define RETRY_AFTER_MAX_S 30
#define BODY_BYTES ((size_t)8 * 1024 * 1024)
#define ANSWER_BYTES ((size_t)64 * 1024)

/* At most `rate` a second, with a second's worth at once. */
struct bucket { int64_t rate, next_us; };

struct tracer {
    struct tracer_options options;
    /* the loop's */
    struct bucket started, followed;
    uint64_t random;
    uint64_t dropped, told[3];
    /* under the lock */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct span *filling;
    size_t n_filling;
    bool ending;
    /* the thread's */
    pthread_t thread;
    struct span *sending;
    struct http_client *client;
    struct buf body, answer;
    bool refused;              /* the collector took nothing last time */
    atomic_uint_least64_t exported, failed;
};

/* ---- which requests ------------------------------------------------------ */

/* splitmix64: ids need to be unlike each other, not secret. */
static uint64_t next_random(struct tracer *tracer)
{
    uint64_t n = tracer->random += UINT64_C(0x9e3779b97f4a7c15);

    n = (n ^ (n >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ (n >> 27)) * UINT64_C(0x94d049bb133111eb);
    return n ^ (n >> 31);
}

static void fill_random(struct tracer *tracer, uint8_t *bytes, size_t n)
{
    CHECK(n % sizeof(uint64_t) == 0);
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        uint64_t random;

        do
            random = next_random(tracer);
        while (random == 0); /* which is no id */
        memcpy(bytes + i, &random, sizeof(random));
    }
}

static bool bucket_take(struct bucket *bucket, int64_t now_us)
{
    if (bucket->rate == 0 || bucket->next_us > now_us)
        return false;
    if (bucket->next_us < now_us - 1000000)
        bucket->next_us = now_us - 1000000;
    bucket->next_us += 1000000 / bucket->rate;
    return true;
}

static int64_t epoch_ns(void)
{
    struct timespec wall;

    CHECK(clock_gettime(CLOCK_REALTIME, &wall) == 0);
    return (int64_t)wall.tv_sec * 1000000000 + wall.tv_nsec - clock_mono_us() * 1000;
}

static void count_trace(struct str result)
{
    metric_add(METRIC_TRACES, result, 1);
}

static bool follow(struct tracer *tracer, const struct trace_context *context,
                   struct trace *trace)
{
    if (!context->sampled)
        return false; /* who began the trace has decided */
    if (!bucket_take(&tracer->followed, clock_mono_us())) {
        count_trace(STR("limited"));
        return false;
    }
    count_trace(STR("followed"));
    trace_resume(tracer, context, trace);
    return true;
}

bool trace_begin(struct tracer *tracer, struct str traceparent, struct trace *trace)
{
    struct trace_context context;

    if (traceparent.n > 0 && trace_context_read(traceparent, &context))
        return follow(tracer, &context, trace);
    if ((int64_t)(next_random(tracer) % 10000) >= tracer->options.ratio_e4)
        return false;
    if (!bucket_take(&tracer->started, clock_mono_us())) {
        count_trace(STR("limited"));
        return false;
    }
    count_trace(STR("started"));
    *trace = (struct trace){ .here.sampled = true, .epoch_ns = epoch_ns() };
    fill_random(tracer, trace->here.trace, sizeof(trace->here.trace));
    fill_random(tracer, trace->here.span, sizeof(trace->here.span));
    return true;
}

void trace_resume(struct tracer *tracer, const struct trace_context *parent,
                  struct trace *trace)
{
    *trace = (struct trace){ .here = *parent, .epoch_ns = epoch_ns() };
    memcpy(trace->parent, parent->span, sizeof(trace->parent));
    fill_random(tracer, trace->here.span, sizeof(trace->here.span));
}

/* ---- spans --------------------------------------------------------------- */

struct span trace_own(const struct trace *trace, const char *name, int64_t start_us,
                      int64_t end_us)
{
    struct span span = {
        .here = trace->here,
        .name = name,
        .kind = SPAN_INTERNAL,
        .start_ns = trace->epoch_ns + start_us * 1000,
        .end_ns = trace->epoch_ns + end_us * 1000,
    };

    CHECK(end_us >= start_us);
    memcpy(span.parent, trace->parent, sizeof(span.parent));
    return span;
}

struct span trace_child(struct tracer *tracer, const struct trace *trace, const char *name,
                        int64_t start_us, int64_t end_us)
{
    struct span span = trace_own(trace, name, start_us, end_us);

    memcpy(span.parent, trace->here.span, sizeof(span.parent));
    fill_random(tracer, span.here.span, sizeof(span.here.span));
    return span;
}

void trace_add(struct tracer *tracer, const struct span *span)
{
    bool enough;

    CHECK(pthread_mutex_lock(&tracer->lock) == 0);
    if (tracer->n_filling < LIMIT_TRACE_SPANS)
        tracer->filling[tracer->n_filling++] = *span;
    else
        tracer->dropped++;
    enough = tracer->n_filling == LIMIT_TRACE_BATCH;
    CHECK(pthread_mutex_unlock(&tracer->lock) == 0);
    if (enough)
        (void)pthread_cond_signal(&tracer->wake);
}

/* ---- the thread ------------------------------------------------------------ */

/* Until it is woken; the lock is held. */
static void wait_ms(struct tracer *tracer, int64_t ms)
{
    struct timespec until;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&tracer->wake, &tracer->lock, &until);
}

/* False: it ends. */
static bool pause_unless_ending(struct tracer *tracer, int64_t ms)
{
    int64_t until_us = clock_mono_us() + ms * 1000;
    bool ending;

    CHECK(pthread_mutex_lock(&tracer->lock) == 0);
    while (!tracer->ending && clock_mono_us() < until_us)
        wait_ms(tracer, (until_us - clock_mono_us()) / 1000 + 1);
    ending = tracer->ending;
    CHECK(pthread_mutex_unlock(&tracer->lock) == 0);
    return !ending;
}

enum posted { POSTED, POSTED_LATER, POSTED_NEVER };

static enum posted post(struct tracer *tracer, int *status)
{
    if (!http_client_request(tracer->client, "POST", PATH, "application/json",
                             buf_view(&tracer->body), NULL, 0, status, &tracer->answer))
        return POSTED_LATER;
    if (*status >= 200 && *status <= 299)
        return POSTED;
    return *status == 429 || *status == 502 || *status == 503 || *status == 504
        ? POSTED_LATER : POSTED_NEVER;
}

static int64_t pause_ms(const struct tracer *tracer, unsigned tries)
{
    int64_t ms = (int64_t)BACKOFF_MS << tries, asked_s = http_client_retry_after_s(tracer->client);

    if (asked_s > RETRY_AFTER_MAX_S)
        asked_s = RETRY_AFTER_MAX_S;
    return asked_s * 1000 > ms ? asked_s * 1000 : ms;
}

/* partialSuccess.rejectedSpans of the answer. */
static uint64_t rejected(const struct tracer *tracer, size_t n)
{
    json_t *answer = json_loadb(tracer->answer.p, tracer->answer.n, 0, NULL);
    json_t *count = json_object_get(json_object_get(answer, "partialSuccess"), "rejectedSpans");
    const char *text = json_string_value(count);
    int64_t found = text != NULL ? strtoll(text, NULL, 10) : json_integer_value(count);

    json_decref(answer);
    return found < 0 ? 0 : found > (int64_t)n ? n : (uint64_t)found;
}

static void log_change(struct tracer *tracer, bool taken, int status)
{
    if (taken == !tracer->refused)
        return;
    tracer->refused = !taken;
    if (taken)
        log_info("trace", "the collector takes spans again", NULL);
    else
        log_warn("trace", "the collector takes no spans", "status=%d why='%s'", status,
                 status == 0 ? http_client_error(tracer->client) : "-");
}

/* One request, as often as it takes; false: it was given up. */
static bool export_batch(struct tracer *tracer, const struct span *spans, size_t n)
{
    enum posted posted = POSTED_LATER;
    int status = 0;

    buf_reset(&tracer->body);
    spans_write(spans, n, &tracer->options.resource, &tracer->body);
    CHECK(!tracer->body.overflow);
    for (unsigned i = 0; i < TRIES && posted == POSTED_LATER; i++) {
        if (i > 0 && !pause_unless_ending(tracer, pause_ms(tracer, i - 1)))
            break;
        posted = post(tracer, &status);
        log_change(tracer, posted == POSTED, status);
    }
    if (posted == POSTED) {
        uint64_t lost = rejected(tracer, n);

        atomic_fetch_add(&tracer->failed, lost);
        atomic_fetch_add(&tracer->exported, n - lost);
    } else {
        atomic_fetch_add(&tracer->failed, n);
    }
    return posted == POSTED;
}

/* False: the last one was given up; at the end the rest is, too. */
static bool export_all(struct tracer *tracer, size_t n)
{
    bool well = true;

    for (size_t at = 0; at < n; at += LIMIT_TRACE_BATCH) {
        size_t left = n - at;

        if (!well && !pause_unless_ending(tracer, 0)) {
            atomic_fetch_add(&tracer->failed, left);
            break;
        }
        well = export_batch(tracer, tracer->sending + at,
                            left < LIMIT_TRACE_BATCH ? left : LIMIT_TRACE_BATCH);
    }
    return well;
}

/* The spans that wait become the thread's; the lock is held. */
static size_t swap_spans(struct tracer *tracer)
{
    struct span *spans = tracer->filling;
    size_t n = tracer->n_filling;

    tracer->filling = tracer->sending;
    tracer->sending = spans;
    tracer->n_filling = 0;
    return n;
}

static void *on_thread(void *ctx)
{
    struct tracer *tracer = ctx;
    bool well = true;

    CHECK(pthread_mutex_lock(&tracer->lock) == 0);
    while (!tracer->ending || (tracer->n_filling > 0 && well)) {
        size_t n;

        if (!tracer->ending && tracer->n_filling < LIMIT_TRACE_BATCH)
            wait_ms(tracer, EXPORT_MS);
        n = swap_spans(tracer);
        CHECK(pthread_mutex_unlock(&tracer->lock) == 0);
        well = export_all(tracer, n);
        CHECK(pthread_mutex_lock(&tracer->lock) == 0);
    }
    CHECK(pthread_mutex_unlock(&tracer->lock) == 0);
    return NULL;
}

/* ---- life -------------------------------------------------------------------- */

static void start_thread(struct tracer *tracer)
{
    pthread_condattr_t attributes;

    CHECK(pthread_mutex_init(&tracer->lock, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&tracer->wake, &attributes) == 0);
    (void)pthread_condattr_destroy(&attributes);
    CHECK(pthread_create(&tracer->thread, NULL, on_thread, tracer) == 0);
}

struct tracer *tracer_new(const struct tracer_options *options)
{
    struct tracer *tracer = calloc(1, sizeof(*tracer));

    CHECK(tracer != NULL);
    tracer->options = *options;
    tracer->started.rate = options->rate;
    tracer->followed.rate = options->follow_rate;
    randombytes_buf(&tracer->random, sizeof(tracer->random));
    tracer->client = http_client_new(options->endpoint);
    if (tracer->client == NULL) {
        free(tracer);
        return NULL;
    }
    http_client_limit(tracer->client, REQUEST_MS, NULL);
    tracer->filling = calloc(LIMIT_TRACE_SPANS, sizeof(*tracer->filling));
    tracer->sending = calloc(LIMIT_TRACE_SPANS, sizeof(*tracer->sending));
    CHECK(tracer->filling != NULL && tracer->sending != NULL);
    buf_init(&tracer->body, BODY_BYTES);
    buf_init(&tracer->answer, ANSWER_BYTES);
    start_thread(tracer);
    return tracer;
}

void tracer_free(struct tracer *tracer)
{
    if (tracer == NULL)
        return;
    CHECK(pthread_mutex_lock(&tracer->lock) == 0);
    tracer->ending = true;
    CHECK(pthread_mutex_unlock(&tracer->lock) == 0);
    (void)pthread_cond_signal(&tracer->wake);
    CHECK(pthread_join(tracer->thread, NULL) == 0);
    (void)pthread_cond_destroy(&tracer->wake);
    (void)pthread_mutex_destroy(&tracer->lock);
    http_client_free(tracer->client);
    buf_fini(&tracer->body);
    buf_fini(&tracer->answer);
    free(tracer->filling);
    free(tracer->sending);
    free(tracer);
}

void tracer_metrics(struct tracer *tracer)
{
    static const char *const results[] = { "exported", "dropped", "failed" };
    const uint64_t now[] = { atomic_load(&tracer->exported), tracer->dropped,
                             atomic_load(&tracer->failed) };

    for (size_t i = 0; i < LENGTH(results); i++) {
        metric_add(METRIC_TRACE_SPANS, str_of(results[i]), (int64_t)(now[i] - tracer->told[i]));
        tracer->told[i] = now[i];
    }
}
