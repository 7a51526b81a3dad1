/* Push: POST /v1/feed, one message a request. */
#include <stdio.h>
#include <strings.h>

#include "api/answer.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "feed/inside.h"

static void refuse_malformed(struct http_request *request, const struct uof_error *error)
{
    char text[300], members[80];
    int n = snprintf(text, sizeof(text), "line %llu, column %llu: %s",
                     (unsigned long long)error->line, (unsigned long long)error->column,
                     error->text);
    int m = snprintf(members, sizeof(members), "\"line\":%llu,\"column\":%llu",
                     (unsigned long long)error->line, (unsigned long long)error->column);

    CHECK(n > 0 && (size_t)n < sizeof(text) && m > 0 && (size_t)m < sizeof(members));
    metric_add(METRIC_FEED_REFUSED, STR("malformed"), 1);
    answer_refusal(request, REFUSE_MALFORMED, (struct str){ text, (size_t)n },
                   (struct str){ members, (size_t)m });
}

/* application/xml or text/xml, with any parameters; none is taken as XML. */
static bool is_xml(const struct http_request *request)
{
    static const struct str types[] = { { "application/xml", 15 }, { "text/xml", 8 } };
    struct str given = http_header(request, "Content-Type");

    for (size_t i = 0; i < LENGTH(types); i++)
        if (given.n >= types[i].n && strncasecmp(given.p, types[i].p, types[i].n) == 0 &&
            (given.n == types[i].n || strchr("; \t", given.p[types[i].n]) != NULL))
            return true;
    return given.p == NULL;
}

static void on_done(void *ctx, bool durable, int64_t position)
{
    struct http_request *request = ctx;

    (void)position;
    if (durable) {
        metric_observe(METRIC_FEED_SECONDS, clock_mono_us() - request->arrived_us);
        answer_empty(request, 202);
    } else {
        answer_refusal(request, REFUSE_BUSY,
                       STR("the log could not be written; send it again"), STR_NONE);
    }
}

void feed_post(struct feed *feed, struct http_request *request)
{
    const char *why = feed_is_busy(feed);
    struct uof_error error;

    if (why != NULL) {
        metric_add(METRIC_FEED_REFUSED, STR("busy"), 1);
        answer_refusal(request, REFUSE_BUSY, str_of(why), STR_NONE);
        return;
    }
    if (!is_xml(request)) {
        answer_refusal(request, REFUSE_UNSUPPORTED_TYPE, STR("send application/xml"), STR_NONE);
        return;
    }
    /* The body lives as long as the request, which is answered in on_done(). */
    if (!feed_take(feed, &(struct feed_item){ .body = request->body, .on_done = on_done,
                                              .ctx = request }, &error))
        refuse_malformed(request, &error);
}
