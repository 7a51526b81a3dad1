/*
 * The process: listeners, what it answers, its end.
 *
 *   readers --- stream (web/stream.c) --- source.c --- lines --- the origin
 *                     \-- own bets: session.c ---- a line each --/
 */
#include "fanout/fanout.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "api/answer.h"
#include "base/build.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/process.h"
#include "fanout/upstream.h"
#include "model/rules_hash.h"
#include "net/listen.h"

#define ARENA_BYTES ((size_t)1024 * 1024)
#define TICK_MS 5          /* the origin has ticks already: this gathers what is of one */
#define STALL_MS 30000
#define STALE_MS 3000      /* readers are sent away when for so long nothing comes */
#define WATCH_MS 250
#define DRAIN_S 30
#define DRAIN_STREAM_MS 10000
#define BODY_MOST 1024

struct fanout {
    const char *origin, *listen, *operator_listen;
    uv_loop_t loop;
    struct arena arena;
    struct upstream *upstream;
    struct stream *stream;
    struct http_server *public_server, *operator_server;
    uv_signal_t on_term, on_int;
    uv_timer_t watch, limit;
    size_t undrained;
    bool draining, stopping;
};

/* ---- readers ------------------------------------------------------------ */

static const struct fanout_route {
    const char *path;
    void (*handler)(struct stream *stream, struct http_request *request);
} public_routes[] = {
    { "/v1/stream", stream_get },
    { "/v1/events/{event}/stream", stream_get_event },
};

static const struct route *route_of(const char *path)
{
    size_t n;
    const struct route *table = route_table(&n);

    for (size_t i = 0; i < n; i++)
        if (str_eq(table[i].path, str_of(path)))
            return &table[i];
    return NULL;
}

/* What the origin could have an event by: text, which a message may hold. */
static bool may_be_id(struct str id)
{
    json_t *text;

    if (!id_is_well(id))
        return false;
    text = json_stringn(id.p, id.n); /* NULL: it is not UTF-8 */
    json_decref(text);
    return text != NULL;
}

/* False: answered. */
static bool take_route(const struct route *route, struct http_request *request)
{
    if (!route_has_method(route, request->method)) {
        answer_method_not_allowed(request, route->method);
        return false;
    }
    metric_add(METRIC_HTTP_REQUESTS, route->path, 1);
    request->route = route->path;
    request->caching = caching_info(route->caching)->cache_control;
    request->rate = route->rate;
    if (request->param.p == NULL)
        return true;
    request->param = http_decode(request, request->param);
    if (request->param.p == NULL)
        answer_refusal(request, REFUSE_MALFORMED, STR("the path is not well encoded"), STR_NONE);
    else if (!may_be_id(request->param))
        answer_refusal(request, REFUSE_NOT_FOUND, STR("no such event"), STR_NONE);
    else
        return true;
    return false;
}

static void on_public(void *ctx, struct http_request *request)
{
    struct fanout *fanout = ctx;

    for (size_t i = 0; i < LENGTH(public_routes); i++) {
        const struct route *route = route_of(public_routes[i].path);

        if (!route_has_path(route, request->path, &request->param))
            continue;
        if (take_route(route, request))
            public_routes[i].handler(fanout->stream, request);
        return;
    }
    metric_add(METRIC_HTTP_REQUESTS, STR("none"), 1);
    answer_refusal(request, REFUSE_NOT_FOUND, STR_NONE, STR_NONE);
}

/* ---- operators ---------------------------------------------------------- */

static void get_health(struct fanout *fanout, struct http_request *request)
{
    (void)fanout;
    answer_json(request, 200, arena_printf(&request->arena, "{\"status\":\"alive\","
                                           "\"version\":\"%s\",\"commit\":\"%s\"}",
                                           build_version(), build_commit()));
}

static void get_ready(struct fanout *fanout, struct http_request *request)
{
    if (fanout->draining)
        answer_refusal(request, REFUSE_BUSY, STR("draining"), STR_NONE);
    else if (upstream_stale_ms(fanout->upstream) > 0)
        answer_refusal(request, REFUSE_BUSY, STR("the origin's stream does not come"), STR_NONE);
    else
        answer_json(request, 200, STR("{\"status\":\"ready\",\"role\":\"fanout\"}"));
}

static void gauge_listener(const char *name, const struct http_server *server)
{
    if (server != NULL)
        metric_set(METRIC_HTTP_CONNECTIONS, str_of(name),
                   (int64_t)http_server_counts(server).connections);
}

static void get_metrics(struct fanout *fanout, struct http_request *request)
{
    const char *build[] = { build_version(), build_commit(), rules_hash() };
    struct buf out;

    upstream_metrics(fanout->upstream);
    stream_metrics(fanout->stream);
    metric_info(METRIC_BUILD_INFO, build, LENGTH(build));
    process_metrics();
    gauge_listener("public", fanout->public_server);
    gauge_listener("operator", fanout->operator_server);
    buf_init(&out, LIMIT_RESPONSE_BYTES);
    metrics_write(&out, METRICS_TEXT);
    http_respond(request, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(&out), NULL,
                 0);
    buf_fini(&out);
}

static void on_operator(void *ctx, struct http_request *request)
{
    static const struct {
        struct str path;
        void (*get)(struct fanout *fanout, struct http_request *request);
    } probes[] = {
        { { "/healthz", 8 }, get_health },
        { { "/readyz", 7 }, get_ready },
        { { "/metrics", 8 }, get_metrics },
    };

    for (size_t i = 0; i < LENGTH(probes); i++) {
        if (!str_eq(probes[i].path, request->path))
            continue;
        if (str_eq(request->method, STR("GET")) || str_eq(request->method, STR("HEAD")))
            probes[i].get(ctx, request);
        else
            answer_method_not_allowed(request, STR("GET"));
        return;
    }
    answer_refusal(request, REFUSE_NOT_FOUND, STR_NONE, STR_NONE);
}

/* ---- the end ------------------------------------------------------------ */

/* Readers have gone, and listeners: what is left are timers and lines. */
static void stop(struct fanout *fanout)
{
    fanout->stopping = true;
    upstream_stop(fanout->upstream);
    uv_close((uv_handle_t *)&fanout->watch, NULL);
    uv_close((uv_handle_t *)&fanout->limit, NULL);
    log_info("fanout", "stopped", NULL);
}

static void on_drained(void *ctx)
{
    struct fanout *fanout = ctx;

    CHECK(fanout->undrained > 0);
    if (--fanout->undrained == 0)
        stop(fanout);
}

static void on_limit(uv_timer_t *timer)
{
    (void)timer;
    log_error("fanout", "readers did not go; leaving", NULL);
    exit(1);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct fanout *fanout = handle->data;

    if (fanout->draining)
        return;
    log_info("fanout", "draining", "signal=%d", number);
    fanout->draining = true;
    uv_close((uv_handle_t *)&fanout->on_term, NULL);
    uv_close((uv_handle_t *)&fanout->on_int, NULL);
    CHECK(uv_timer_start(&fanout->limit, on_limit, DRAIN_S * 1000, 0) == 0);
    stream_drain(fanout->stream, DRAIN_STREAM_MS);
    fanout->undrained = fanout->operator_server != NULL ? 2 : 1;
    http_server_drain(fanout->public_server, on_drained, fanout);
    if (fanout->operator_server != NULL)
        http_server_drain(fanout->operator_server, on_drained, fanout);
}

/* ---- watching ----------------------------------------------------------- */

/* Odds that nobody vouches for: whoever has them comes again, to this node when it
 * has fresh ones, else past it to the origin. */
static void on_watch(uv_timer_t *timer)
{
    struct fanout *fanout = timer->data;
    struct client *next;

    if (fanout->draining || upstream_stale_ms(fanout->upstream) < STALE_MS)
        return;
    for (struct client *c = fanout->stream->clients; c != NULL; c = next) {
        next = c->next;
        client_close(c, WS_TRY_LATER, "the prices do not come now", "upstream");
    }
}

/* ---- beginning ---------------------------------------------------------- */

static void on_refuse(void *ctx, int status, const char *why, struct buf *body,
                      const char **content_type)
{
    enum refusal refusal = status == 408 ? REFUSE_REQUEST_TIMEOUT :
                           status == 413 ? REFUSE_TOO_LARGE :
                           status == 431 ? REFUSE_HEADERS_TOO_LARGE : REFUSE_MALFORMED;

    (void)ctx;
    answer_refusal_body(body, refusal, str_of(why), STR_NONE);
    *content_type = "application/problem+json";
}

/* Each reader may have a session, which is another file. */
static size_t connections_max(void)
{
    struct rlimit limit;
    size_t files;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 3 * LIMIT_CONNECTIONS)
        return LIMIT_CONNECTIONS;
    files = (size_t)limit.rlim_cur * 9 / 20;
    return files < LIMIT_CONNECTIONS ? files : LIMIT_CONNECTIONS;
}

static struct http_server *listen_on(struct fanout *fanout, const char *address,
                                     void (*on_request)(void *, struct http_request *))
{
    struct http_options options = {
        .listen = address, .body_limit = BODY_MOST, .on_request = on_request,
        .on_refuse = on_refuse, .ctx = fanout, .max_connections = connections_max(),
    };
    struct str error;
    struct http_server *server = http_server_new(&fanout->loop, &options, &fanout->arena,
                                                 &error);

    if (server == NULL)
        fprintf(stderr, "overround fanout: " STR_FMT "\n", STR_ARG(error));
    return server;
}

static bool start(struct fanout *fanout)
{
    fanout->public_server = listen_on(fanout, fanout->listen, on_public);
    if (fanout->public_server == NULL)
        return false;
    if (fanout->operator_listen != NULL) {
        fanout->operator_server = listen_on(fanout, fanout->operator_listen, on_operator);
        if (fanout->operator_server == NULL)
            return false;
    }
    uv_signal_init(&fanout->loop, &fanout->on_term);
    uv_signal_init(&fanout->loop, &fanout->on_int);
    uv_timer_init(&fanout->loop, &fanout->watch);
    uv_timer_init(&fanout->loop, &fanout->limit);
    fanout->on_term.data = fanout->on_int.data = fanout->watch.data = fanout;
    uv_signal_start(&fanout->on_term, on_signal, SIGTERM);
    uv_signal_start(&fanout->on_int, on_signal, SIGINT);
    CHECK(uv_timer_start(&fanout->watch, on_watch, WATCH_MS, WATCH_MS) == 0);
    stream_start(fanout->stream);
    upstream_start(fanout->upstream, fanout->stream);
    return true;
}

static void announce_one(const char *name, const char *address, const struct http_server *server)
{
    const char *path;

    if (server == NULL)
        printf(" %s=none", name);
    else if (address_is_path(address, &path))
        printf(" %s=%s", name, address);
    else
        printf(" %s=127.0.0.1:%d", name, http_server_port(server));
}

static void announce(const struct fanout *fanout)
{
    printf("listening");
    announce_one("public", fanout->listen, fanout->public_server);
    announce_one("operator", fanout->operator_listen, fanout->operator_server);
    printf("\n");
    fflush(stdout);
}

static int run_until_stopped(struct fanout *fanout)
{
    CHECK(uv_loop_init(&fanout->loop) == 0);
    fanout->upstream = upstream_new(&fanout->loop, fanout->origin);
    fanout->stream = stream_new(&(struct stream_options){
        .loop = &fanout->loop, .source = &upstream_source, .ctx = fanout->upstream,
        .tick_ms = TICK_MS, .stall_ms = STALL_MS });
    if (!start(fanout))
        return 1;
    announce(fanout);
    while (uv_run(&fanout->loop, UV_RUN_DEFAULT) != 0)
        ;
    stream_free(fanout->stream);
    upstream_free(fanout->upstream);
    http_server_free(fanout->public_server);
    http_server_free(fanout->operator_server);
    (void)uv_loop_close(&fanout->loop);
    return 0;
}

/* ---- the command -------------------------------------------------------- */

static const char usage_text[] =
    "usage: overround fanout --origin ADDRESS --listen ADDRESS [--operator-listen ADDRESS]\n\n"
    "  --origin ADDRESS           whose stream it is: a public listener, or what leads to one\n"
    "  --listen ADDRESS           for readers: GET /v1/stream, /v1/events/{event}/stream\n"
    "  --operator-listen ADDRESS  /healthz, /readyz, /metrics\n"
    "ADDRESS: HOST:PORT or unix:PATH, in plain HTTP (docs/EDGE.md).\n";

static int usage(FILE *out)
{
    fputs(usage_text, out);
    return out == stderr ? 2 : 0;
}

static bool is_address(const char *address)
{
    const char *path, *port;
    char host[256];

    if (address_is_path(address, &path))
        return path[0] == '/';
    return address_split(address, host, sizeof(host), &port);
}

static bool read_options(struct fanout *fanout, int argc, char **argv)
{
    const struct { const char *name; const char **into; } options[] = {
        { "--origin", &fanout->origin },
        { "--listen", &fanout->listen },
        { "--operator-listen", &fanout->operator_listen },
    };

    for (int i = 0; i < argc; i += 2) {
        size_t k = 0;

        while (k < LENGTH(options) && strcmp(options[k].name, argv[i]) != 0)
            k++;
        if (k == LENGTH(options) || i + 1 == argc || !is_address(argv[i + 1]))
            return false;
        *options[k].into = argv[i + 1];
    }
    return fanout->origin != NULL && fanout->listen != NULL;
}

int fanout_main(int argc, char **argv)
{
    static struct fanout fanout; /* one a process */
    int exit_code;

    if (argc == 1 && strcmp(argv[0], "--help") == 0)
        return usage(stdout);
    if (!read_options(&fanout, argc, argv))
        return usage(stderr);
    CHECK(sodium_init() >= 0);
    signal(SIGPIPE, SIG_IGN);
    process_raise_file_limit();
    arena_init(&fanout.arena, ARENA_BYTES);
    exit_code = run_until_stopped(&fanout);
    arena_fini(&fanout.arena);
    return exit_code;
}
