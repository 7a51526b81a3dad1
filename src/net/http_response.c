/* Answers, over http-parser (see net/http_response.h). */
#include "net/http_response.h"

#include <http_parser.h>
#include <stdlib.h>

#include "base/limits.h"

struct http_response {
    http_parser parser;
    struct buf body;
    bool complete, keep_alive;
};

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
    response->complete = parser->status_code >= 200;
    response->keep_alive = http_should_keep_alive(parser) != 0;
    return 0;
}

static const http_parser_settings settings = {
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
    response->complete = false;
    response->keep_alive = false;
    buf_reset(&response->body);
}

enum http_response_result http_response_feed(struct http_response *response,
                                             const char *p, size_t n)
{
    size_t eaten = http_parser_execute(&response->parser, &settings, p, n);

    if (HTTP_PARSER_ERRNO(&response->parser) != HPE_OK || eaten != n)
        return HTTP_RESPONSE_BAD;
    return response->complete ? HTTP_RESPONSE_DONE : HTTP_RESPONSE_MORE;
}

int http_response_status(const struct http_response *response)
{
    return (int)response->parser.status_code;
}

bool http_response_keeps_alive(const struct http_response *response)
{
    return response->keep_alive;
}

struct str http_response_body(const struct http_response *response)
{
    return buf_view(&response->body);
}

const char *http_response_why(const struct http_response *response)
{
    if (response->body.overflow)
        return "the answer is too large";
    return http_errno_description(HTTP_PARSER_ERRNO(&response->parser));
}
