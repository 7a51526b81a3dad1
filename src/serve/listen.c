/* The listeners, and what every process answers for itself. */
#include "serve/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "analytics/traffic.h"
#include "api/answer.h"
#include "base/build.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "base/process.h"
#include "topic/prices_in.h"
#include "feed/amqp.h"
#include "feed/feed.h"
#include "feed/lease.h"
#include "model/rules_hash.h"
#include "odds/odds.h"
#include "risk/risk.h"
#include "settle/relay.h"
#include "settle/settle.h"
#include "trace/tracer.h"
#include "web/stream.h"

/* ---- operator's probes ------------------------------------------------ */

void serve_get_health(void *ctx, struct http_request *request)
{
    (void)ctx;
    answer_json(request, 200, arena_printf(&request->arena, "{\"status\":\"alive\","
                                           "\"version\":\"%s\",\"commit\":\"%s\","
                                           "\"rules\":\"%s\"}",
                                           build_version(), build_commit(), rules_hash()));
}

/* Pages, prices and streams are served without the store, and must not be taken
 * out of the load balancer with it. */
static bool needs_store(const struct serve *serve)
{
    const struct roles *roles = &serve->roles;

    return roles->feed || roles->odds || roles->bets || roles->settle;
}

static const char *not_ready(const struct serve *serve)
{
    if (serve->draining)
        return "draining";
    if (needs_store(serve) && !store_is_up(serve->store))
        return "the store cannot be reached";
    if (serve->feed != NULL && !feed_is_recovered(serve->feed))
        return "the book is not recovered";
    if (serve->kafka != NULL && serve_bus_not_ready(serve) != NULL)
        return serve_bus_not_ready(serve);
    if (serve->kafka == NULL && serve->book != NULL && !serve->roles.feed &&
        !lease_is_led(serve->lease))
        return "no process leads the feed";
    return NULL;
}

/* Prices may be sold: somebody watches the producers.  Over Kafka the mirror
 * suspends what nobody vouches for, and no more than that. */
static bool is_live(const struct serve *serve)
{
    if (!feed_is_recovered(serve->feed))
        return false;
    if (serve->kafka != NULL)
        return serve->mirror != NULL && prices_in_is_ready(serve->mirror);
    return feed_leads(serve->feed) || lease_is_led(serve->lease);
}

static const char *role_name(const struct serve *serve)
{
    if (!serve->roles.feed)
        return "follower";
    return feed_leads(serve->feed) ? "leader" : "standby";
}

void serve_get_ready(void *ctx, struct http_request *request)
{
    const char *why = not_ready(ctx);

    if (why == NULL)
        answer_json(request, 200, arena_printf(&request->arena,
                                               "{\"status\":\"ready\",\"role\":\"%s\"}",
                                               role_name(ctx)));
    else
        answer_refusal(request, REFUSE_BUSY, str_of(why), STR_NONE);
}

static void gauge_listener(const char *name, const struct http_server *server)
{
    if (server != NULL)
        metric_set(METRIC_HTTP_CONNECTIONS, str_of(name),
                   (int64_t)http_server_counts(server).connections);
}

/* What is not played here has nothing to tell. */
#define TELL(part, metrics) \
    do { \
        if ((part) != NULL) \
            metrics(part); \
    } while (0)

/* Who names OpenMetrics can read it; nobody asks for it less than for text. */
static enum metrics_format metrics_format(const struct http_request *request)
{
    struct str accept = http_header(request, "Accept"), open = STR("application/openmetrics-text");

    return accept.n > 0 && memmem(accept.p, accept.n, open.p, open.n) != NULL ? METRICS_OPEN
                                                                             : METRICS_TEXT;
}

static const char *metrics_type(enum metrics_format format)
{
    return format == METRICS_OPEN ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                  : "text/plain; version=0.0.4; charset=utf-8";
}

void serve_get_metrics(void *ctx, struct http_request *request)
{
    const char *build[] = { build_version(), build_commit(), rules_hash() };
    enum metrics_format format = metrics_format(request);
    struct serve *serve = ctx;
    struct buf out;

    TELL(serve->odds, odds_metrics);
    TELL(serve->feed, feed_metrics);
    TELL(serve->amqp, amqp_feed_metrics);
    TELL(serve->bets, bets_metrics);
    TELL(serve->risk, risk_metrics);
    TELL(serve->settle, settle_metrics);
    TELL(serve->relay, relay_metrics);
    TELL(serve->tracer, tracer_metrics);
    TELL(serve->stream, stream_metrics);
    serve_bus_metrics(serve);
    metric_info(METRIC_BUILD_INFO, build, LENGTH(build));
    process_metrics();
    metric_set(METRIC_STORE_UP, STR_NONE, store_is_up(serve->store));
    gauge_listener("public", serve->public_server);
    gauge_listener("operator", serve->operator_server);
    buf_init(&out, LIMIT_RESPONSE_BYTES);
    metrics_write(&out, format);
    http_respond(request, 200, metrics_type(format), buf_view(&out), NULL, 0);
    buf_fini(&out);
}

/* ---- listeners --------------------------------------------------------- */

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

    if (serve->traffic != NULL)
        traffic_on_answer(serve->traffic, request, status);
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
                                     void (*on_request)(void *, struct http_request *))
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
    struct str error;
    struct http_server *server = http_server_new(&serve->loop, &options, &serve->arena, &error);

    if (server == NULL)
        fprintf(stderr, "overround: cannot listen on %s: " STR_FMT "\n", address, STR_ARG(error));
    return server;
}

bool serve_listen(struct serve *serve)
{
    const struct config *config = &serve->config;
    bool public = roles_are_public(&serve->roles);

    if (public)
        serve->public_server = listen_on(serve, config->listen, on_public);
    serve->operator_server = listen_on(serve, config->operator_listen, on_operator);
    return (!public || serve->public_server != NULL) && serve->operator_server != NULL;
}

void serve_announce(const struct serve *serve)
{
    if (serve->public_server == NULL)
        printf("listening public=none operator=127.0.0.1:%d\n",
               http_server_port(serve->operator_server));
    else
        printf("listening public=127.0.0.1:%d operator=127.0.0.1:%d\n",
               http_server_port(serve->public_server), http_server_port(serve->operator_server));
    fflush(stdout);
}

