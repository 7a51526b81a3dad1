/* The two listeners: who is let in, and how much at once. */
#include "serve/inside.h"

#include <stdio.h>
#include <sys/resource.h>

#include "analytics/traffic.h"
#include "api/answer.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "feed/feed.h"
#include "feed/lease.h"

/* Prices may be sold: somebody watches the producers.  On Kafka the bus
 * suspends what nobody vouches for, and no more than that. */
static bool is_live(const struct serve *serve)
{
    if (!feed_is_recovered(serve->parts.feed))
        return false;
    if (serve->settings.played.bus)
        return bus_has_book(serve->parts.bus);
    return feed_leads(serve->parts.feed) || lease_is_led(serve->parts.lease);
}

static void on_public(void *ctx, struct http_request *request)
{
    struct serve *serve = ctx;
    struct str bets = STR("/v1/bets"); /* placing, and cashing out: at what is shown now */

    if (str_eq(request->method, STR("POST")) && request->path.n >= bets.n &&
        memcmp(request->path.p, bets.p, bets.n) == 0 && !is_live(serve)) {
        metric_add(str_eq(request->path, bets) ? METRIC_BETS : METRIC_CASHOUTS, STR("busy"), 1);
        answer_refusal(request, REFUSE_BUSY, STR("the feed is not followed now"), STR_NONE);
        return;
    }
    routes_dispatch(&serve->routes, LISTENER_PUBLIC, request);
}

static void on_public_answer(void *ctx, const struct http_request *request, int status)
{
    const struct serve *serve = ctx;

    if (serve->parts.traffic != NULL)
        traffic_on_answer(serve->parts.traffic, request, status);
}

static void on_operator(void *ctx, struct http_request *request)
{
    struct serve *serve = ctx;

    routes_dispatch(&serve->routes, LISTENER_OPERATOR, request);
}

static size_t public_body_max(void *ctx, struct str method, struct str path)
{
    (void)ctx;
    return route_body_max(LISTENER_PUBLIC, method, path);
}

static size_t operator_body_max(void *ctx, struct str method, struct str path)
{
    (void)ctx;
    return route_body_max(LISTENER_OPERATOR, method, path);
}

static enum refusal refusal_of_status(int status)
{
    switch (status) {
    case 408: return REFUSE_REQUEST_TIMEOUT;
    case 413: return REFUSE_TOO_LARGE;
    case 431: return REFUSE_HEADERS_TOO_LARGE;
    default: return REFUSE_MALFORMED;
    }
}

static void on_refuse(void *ctx, int status, const char *why, struct buf *body,
                      const char **content_type)
{
    (void)ctx;
    if (status == 413)
        metric_add(METRIC_FEED_REFUSED, STR("too_large"), 1);
    answer_refusal_body(body, refusal_of_status(status), str_of(why), STR_NONE);
    *content_type = "application/problem+json";
}

/* A tenth of the files is for the store, the other listener and the rest. */
static size_t connections_max(void)
{
    struct rlimit limit;
    size_t files;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 2 * LIMIT_CONNECTIONS)
        return LIMIT_CONNECTIONS;
    files = (size_t)limit.rlim_cur;
    files -= files / 10;
    return files < LIMIT_CONNECTIONS ? files : LIMIT_CONNECTIONS;
}

static struct http_server *listen_on(struct serve *serve, const char *address,
                                     void (*on_request)(void *, struct http_request *),
                                     struct str *error)
{
    struct http_options options = {
        .listen = address,
        .body_limit = LIMIT_FEED_BODY_BYTES,
        .body_limit_of = on_request == on_public ? public_body_max : operator_body_max,
        .max_connections = connections_max(),
        .on_request = on_request,
        .on_refuse = on_refuse,
        .on_answer = on_request == on_public ? on_public_answer : NULL,
        .ctx = serve,
    };
    struct str why;
    struct http_server *server = http_server_new(&serve->loop, &options, &serve->arena, &why);

    if (server == NULL)
        *error = arena_printf(&serve->arena, "cannot listen on %s: " STR_FMT, address,
                              STR_ARG(why));
    return server;
}

bool serve_open_public(struct serve *serve, const struct db_halves *db, struct str *error)
{
    (void)db;
    serve->parts.public_listener = listen_on(serve, serve->settings.config.listen, on_public,
                                             error);
    return serve->parts.public_listener != NULL;
}

bool serve_open_operator(struct serve *serve, const struct db_halves *db, struct str *error)
{
    (void)db;
    serve->parts.operator_listener = listen_on(serve, serve->settings.config.operator_listen,
                                               on_operator, error);
    return serve->parts.operator_listener != NULL;
}

static void gauge(const char *name, const struct http_server *server)
{
    metric_set(METRIC_HTTP_CONNECTIONS, str_of(name),
               (int64_t)http_server_counts(server).connections);
}

void serve_public_metrics(struct serve *serve)
{
    gauge("public", serve->parts.public_listener);
}

void serve_operator_metrics(struct serve *serve)
{
    gauge("operator", serve->parts.operator_listener);
}

void serve_announce(const struct serve *serve)
{
    int operator_port = http_server_port(serve->parts.operator_listener);

    if (serve->parts.public_listener == NULL)
        printf("listening public=none operator=127.0.0.1:%d\n", operator_port);
    else
        printf("listening public=127.0.0.1:%d operator=127.0.0.1:%d\n",
               http_server_port(serve->parts.public_listener), operator_port);
    fflush(stdout);
}
