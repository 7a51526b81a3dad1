/* Counted by the second: see traffic.h. */
#include "analytics/traffic.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"
#include "topic/traffic_out.h"

#define TICK_MS 1000
#define KEY_BYTES 256

struct count {
    struct traffic_requests requests; /* its strings are in key */
    size_t n_key;
    char key[KEY_BYTES];
};

struct traffic {
    struct traffic_options options;
    uv_timer_t timer;
    struct map map;
    struct count *counts; /* LIMIT_TRAFFIC */
    uint32_t n;
    struct traffic_out *out;
    bool stopped;
};

/* ---- requests ------------------------------------------------------------ */

static void send_counts(struct traffic *traffic)
{
    int64_t at_ms = clock_wall_ms();

    for (uint32_t i = 0; i < traffic->n; i++)
        traffic_out_requests(traffic->out, &traffic->counts[i].requests, at_ms);
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
    struct count made = { .requests = { .status = status, .label = request->label } };
    struct count *count;
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
    count->requests.route = (struct str){ count->key + count->n_key - route.n, route.n };
    count->requests.method = (struct str){ count->requests.route.p - 1 - request->method.n,
                                           request->method.n };
    CHECK(map_put(&traffic->map, (struct str){ count->key, count->n_key }, count));
    return count;
}

void traffic_on_answer(struct traffic *traffic, const struct http_request *request, int status)
{
    struct count *count = traffic->stopped ? NULL : count_of(traffic, request, status);

    if (count == NULL)
        return;
    count->requests.n++;
    count->requests.us += clock_mono_us() - request->arrived_us;
}

/* ---- exposures ------------------------------------------------------------ */

void traffic_on_exposed(struct traffic *traffic, int64_t account,
                        const struct currency *currency, int64_t at_ms)
{
    const struct experiments *experiments = traffic->options.experiments;

    for (uint32_t i = 0; i < experiments->n && !traffic->stopped; i++)
        traffic_out_exposure(traffic->out, &experiments->list[i], account, currency, at_ms);
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
    traffic->out = traffic_out_new(options->kafka, options->process);
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
    traffic_out_free(traffic->out);
    free(traffic->counts);
    free(traffic);
}
