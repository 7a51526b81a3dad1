/* Health, readiness, metrics: see probe.h. */
#include "serve/probe.h"

#include "api/answer.h"
#include "base/build.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "base/process.h"
#include "feed/feed.h"
#include "model/rules_hash.h"
#include "serve/inside.h"

void serve_get_health(struct serve *serve, struct http_request *request)
{
    (void)serve;
    answer_json(request, 200, arena_printf(&request->arena, "{\"status\":\"alive\","
                                           "\"version\":\"%s\",\"commit\":\"%s\","
                                           "\"rules\":\"%s\"}",
                                           build_version(), build_commit(), rules_hash()));
}

static const char *role_name(const struct serve *serve)
{
    if (!serve->settings.played.feed)
        return "follower";
    return feed_leads(serve->parts.feed) ? "leader" : "standby";
}

void serve_get_ready(struct serve *serve, struct http_request *request)
{
    const char *why = serve->ending.draining ? "draining" : roles_not_ready(serve);

    if (why == NULL)
        answer_json(request, 200, arena_printf(&request->arena,
                                               "{\"status\":\"ready\",\"role\":\"%s\"}",
                                               role_name(serve)));
    else
        answer_refusal(request, REFUSE_BUSY, str_of(why), STR_NONE);
}

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

void serve_get_metrics(struct serve *serve, struct http_request *request)
{
    const char *build[] = { build_version(), build_commit(), rules_hash() };
    enum metrics_format format = metrics_format(request);
    struct buf out;

    roles_metrics(serve);
    metric_info(METRIC_BUILD_INFO, build, LENGTH(build));
    process_metrics();
    buf_init(&out, LIMIT_RESPONSE_BYTES);
    metrics_write(&out, format);
    http_respond(request, 200, metrics_type(format), buf_view(&out), NULL, 0);
    buf_fini(&out);
}

