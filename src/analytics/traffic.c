/* Counted by the second, told as JSON (see traffic.h and docs/EVENTS.md). */
#include "analytics/traffic.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/metrics.h"

#define TICK_MS 1000
#define RECORD_BYTES 4096
#define KEY_BYTES 256

struct count {
    int64_t n, us;
    int status;
    struct str label;         /* the refusal's code; empty: none */
    struct str route, method; /* in key */
    size_t n_key;
    char key[KEY_BYTES];
};

struct traffic {
    struct traffic_options options;
    uv_timer_t timer;
    struct map map;
    struct count *counts; /* LIMIT_TRAFFIC */
    uint32_t n;
    struct buf out;
    bool stopped;
};

static void tell(struct traffic *traffic, int64_t at_ms)
{
    bool sent = traffic->options.send(traffic->options.ctx, buf_view(&traffic->out), at_ms);

    metric_add(METRIC_TRAFFIC_RECORDS, sent ? STR("sent") : STR("dropped"), 1);
}

static struct jw begin(struct traffic *traffic, const char *kind, int64_t at_ms)
{
    struct jw w;

    buf_reset(&traffic->out);
    w = jw_to(&traffic->out);
    jw_object(&w);
    jw_key(&w, "v");
    jw_int(&w, 1);
    jw_key(&w, "kind");
    jw_str(&w, str_of(kind));
    jw_key(&w, "at_ms");
    jw_int(&w, at_ms);
    return w;
}

/* ---- requests ------------------------------------------------------------ */

static void send_count(struct traffic *traffic, const struct count *count, int64_t at_ms)
{
    struct jw w = begin(traffic, "requests", at_ms);

    jw_put_str(&w, "process", str_of(traffic->options.process));
    jw_put_str(&w, "route", count->route);
    jw_put_str(&w, "method", count->method);
    jw_put_int(&w, "status", count->status);
    jw_put_str(&w, "code", count->label);
    jw_put_int(&w, "n", count->n);
    jw_put_int(&w, "us", count->us);
    jw_object_end(&w);
    tell(traffic, at_ms);
}

static void send_counts(struct traffic *traffic)
{
    int64_t at_ms = clock_wall_ms();

    for (uint32_t i = 0; i < traffic->n; i++)
        send_count(traffic, &traffic->counts[i], at_ms);
    traffic->n = 0;
    map_fini(&traffic->map);
    map_init(&traffic->map, LIMIT_TRAFFIC);
}

static void on_tick(uv_timer_t *timer)
{
    struct traffic *traffic = timer->data;

    if (traffic->n > 0)
        send_counts(traffic);
}

/* Method, route, and the two numbers: what a second's counts are known by. */
static struct count *count_of(struct traffic *traffic, const struct http_request *request,
                              int status)
{
    struct count made = { .status = status, .label = request->label }, *count;
    struct str route = request->route.n > 0 ? request->route : STR("none");
    int n = snprintf(made.key, sizeof(made.key), "%d " STR_FMT " " STR_FMT " " STR_FMT, status,
                     STR_ARG(request->label), STR_ARG(request->method), STR_ARG(route));

    if (n < 0 || (size_t)n >= sizeof(made.key))
        return NULL;
    made.n_key = (size_t)n;
    count = map_get(&traffic->map, (struct str){ made.key, made.n_key });
    if (count != NULL || traffic->n == LIMIT_TRAFFIC)
        return count;
    count = &traffic->counts[traffic->n++];
    *count = made;
    count->route = (struct str){ count->key + count->n_key - route.n, route.n };
    count->method = (struct str){ count->route.p - 1 - request->method.n, request->method.n };
    CHECK(map_put(&traffic->map, (struct str){ count->key, count->n_key }, count));
    return count;
}

void traffic_on_answer(struct traffic *traffic, const struct http_request *request, int status)
{
    struct count *count = traffic->stopped ? NULL : count_of(traffic, request, status);

    if (count == NULL)
        return;
    count->n++;
    count->us += clock_mono_us() - request->arrived_us;
}

/* ---- exposures ------------------------------------------------------------ */

void traffic_on_exposed(struct traffic *traffic, int64_t account,
                        const struct currency *currency, int64_t at_ms)
{
    const struct experiments *experiments = traffic->options.experiments;

    for (uint32_t i = 0; i < experiments->n && !traffic->stopped; i++) {
        const struct experiment *one = &experiments->list[i];
        struct jw w = begin(traffic, "exposure", at_ms);

        jw_put_str(&w, "experiment", one->name);
        jw_put_str(&w, "arm", experiment_arm_of(one, account)->name);
        jw_put_int(&w, "account", account);
        jw_put_str(&w, "currency", str_of(currency->code));
        jw_object_end(&w);
        tell(traffic, at_ms);
    }
}

/* ---- life ------------------------------------------------------------------ */

struct traffic *traffic_new(const struct traffic_options *options)
{
    struct traffic *traffic = calloc(1, sizeof(*traffic));

    CHECK(traffic != NULL);
    traffic->options = *options;
    traffic->counts = calloc(LIMIT_TRAFFIC, sizeof(*traffic->counts));
    CHECK(traffic->counts != NULL);
    map_init(&traffic->map, LIMIT_TRAFFIC);
    buf_init(&traffic->out, RECORD_BYTES);
    traffic->timer.data = traffic;
    CHECK(uv_timer_init(options->loop, &traffic->timer) == 0);
    CHECK(uv_timer_start(&traffic->timer, on_tick, TICK_MS, TICK_MS) == 0);
    return traffic;
}

void traffic_stop(struct traffic *traffic)
{
    if (traffic->stopped)
        return;
    send_counts(traffic);
    traffic->stopped = true;
    uv_close((uv_handle_t *)&traffic->timer, NULL);
}

void traffic_free(struct traffic *traffic)
{
    if (traffic == NULL)
        return;
    CHECK(traffic->stopped);
    map_fini(&traffic->map);
    buf_fini(&traffic->out);
    free(traffic->counts);
    free(traffic);
}
