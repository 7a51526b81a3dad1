/* Answers, over http-parser (see net/http_response.h). */
#include "net/http_response.h"

#include <http_parser.h>
#include <stdlib.h>

#include "base/limits.h"

#define RETRY_AFTER "retry-after"
#define RETRY_AFTER_MAX_S 86400

struct http_response {
    http_parser parser;
    struct buf body;
    bool complete, keep_alive, followed; /* followed: by bytes of nobody's */
    bool in_value, is_retry; /* where in the headers, and whether in that one */
    unsigned name_n;
    int64_t retry_s;
};

/* A name comes in pieces: as long as they are RETRY_AFTER's, it may become it. */
static int on_field(http_parser *parser, const char *at, size_t n)
{
    struct http_response *response = parser->data;

    if (response->in_value)
        response->name_n = 0;
    if (response->in_value || response->name_n == 0)
        response->is_retry = true;
    response->in_value = false;
    for (size_t i = 0; i < n && response->is_retry; i++)
        response->is_retry = response->name_n < sizeof(RETRY_AFTER) - 1
                             && (at[i] | 0x20) == RETRY_AFTER[response->name_n++];
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t n)
{
    struct http_response *response = parser->data;

    if (!response->in_value) {
        response->is_retry = response->is_retry
                             && response->name_n == sizeof(RETRY_AFTER) - 1;
        if (response->is_retry)
            response->retry_s = 0; /* of two the last one counts */
    }
    response->in_value = true;
    for (size_t i = 0; i < n && response->is_retry; i++) {
        response->is_retry = at[i] >= '0' && at[i] <= '9';
        if (response->is_retry)
            response->retry_s = response->retry_s * 10 + (at[i] - '0');
        if (response->retry_s > RETRY_AFTER_MAX_S)
            response->retry_s = RETRY_AFTER_MAX_S;
    }
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t n)
{
    struct http_response *response = parser->data;

    buf_put(&response->body, at, n);
    return response->body.overflow ? 1 : 0;
}

static int on_complete(http_parser *parser)
{
    struct http_response *response = parser->data;

    /* "100 Continue" and the like are not the answer */
    response->complete = parser->status_code >= 200 || parser->upgrade;
    response->keep_alive = http_should_keep_alive(parser) != 0;
    if (response->complete)
        http_parser_pause(parser, 1); /* nothing was asked that another would answer */
    return 0;
}

static const http_parser_settings settings = {
    .on_header_field = on_field, .on_header_value = on_value,
    .on_body = on_body, .on_message_complete = on_complete,
};

struct http_response *http_response_new(void)
{
    struct http_response *response = calloc(1, sizeof(*response));

    CHECK(response != NULL);
    buf_init(&response->body, LIMIT_RESPONSE_BYTES);
    http_response_start(response);
    return response;
}

void http_response_free(struct http_response *response)
{
    if (response == NULL)
        return;
    buf_fini(&response->body);
    free(response);
}

void http_response_start(struct http_response *response)
{
    http_parser_init(&response->parser, HTTP_RESPONSE);
    response->parser.data = response;
    response->complete = response->followed = false;
    response->keep_alive = false;
    response->in_value = true;
    response->is_retry = false;
    response->retry_s = 0;
    buf_reset(&response->body);
}

enum http_response_result http_response_feed(struct http_response *response,
                                             const char *p, size_t n)
{
    size_t eaten = http_parser_execute(&response->parser, &settings, p, n);

    if (response->complete) {
        response->followed = eaten != n && !response->parser.upgrade;
        return response->followed ? HTTP_RESPONSE_BAD : HTTP_RESPONSE_DONE;
    }
    return HTTP_PARSER_ERRNO(&response->parser) != HPE_OK || eaten != n ? HTTP_RESPONSE_BAD
                                                                        : HTTP_RESPONSE_MORE;
}

int http_response_status(const struct http_response *response)
{
    return (int)response->parser.status_code;
}

bool http_response_keeps_alive(const struct http_response *response)
{
    return response->keep_alive;
}

int64_t http_response_retry_after_s(const struct http_response *response)
{
    return response->retry_s;
}

struct str http_response_body(const struct http_response *response)
{
    return buf_view(&response->body);
}

const char *http_response_why(const struct http_response *response)
{
    if (response->body.overflow)
        return "the answer is too large";
    if (response->followed)
        return "bytes behind the answer that nobody asked for";
    return http_errno_description(HTTP_PARSER_ERRNO(&response->parser));
}
