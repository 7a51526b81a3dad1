/*
 * Bytes to requests, over http-parser (see net/http_reader.h).
 *
 * Limits are applied as the bytes come: the header block against
 * LIMIT_HEADER_BYTES and LIMIT_HEADER_COUNT, the body against the limit of
 * its path as soon as the headers are complete, so that a declared length
 * over it is refused before any of it is kept.
 */
#include "net/http_reader.h"

#include <strings.h>

#include "base/clock.h"
#include "base/text.h"

/* Memory that one request may leave behind for the next. */
#define KEEP_BODY_BYTES ((size_t)16 * 1024)
#define KEEP_ARENA_BYTES ((size_t)64 * 1024)

/* on_headers_complete gives 1 and 2 a meaning of their own. */
#define STOP 3

static struct http_reader *reader_of(http_parser *parser)
{
    return parser->data;
}

static int refuse(struct http_reader *reader, int status, const char *why)
{
    reader->refuse_status = status;
    reader->refuse_why = why;
    return STOP;
}

static int head_put(struct http_reader *reader, const char *at, size_t n)
{
    if (n > LIMIT_HEADER_BYTES - reader->head.n)
        return refuse(reader, 431, "the request's headers are too large");
    buf_put(&reader->head, at, n);
    return 0;
}

static int on_begin(http_parser *parser)
{
    reader_of(parser)->started = true;
    return 0;
}

static int on_url(http_parser *parser, const char *at, size_t n)
{
    struct http_reader *reader = reader_of(parser);

    reader->url_n += n;
    return head_put(reader, at, n);
}

static int on_name(http_parser *parser, const char *at, size_t n)
{
    struct http_reader *reader = reader_of(parser);
    struct http_field *field;

    if (reader->headers_done)
        return 0; /* trailers mean nothing here */
    if (reader->part != HTTP_PART_NAME) {
        if (reader->n_fields == LIMIT_HEADER_COUNT)
            return refuse(reader, 431, "the request has too many headers");
        field = &reader->fields[reader->n_fields++];
        *field = (struct http_field){ .name_at = (uint32_t)reader->head.n };
        reader->part = HTTP_PART_NAME;
    }
    reader->fields[reader->n_fields - 1].name_n += (uint32_t)n;
    return head_put(reader, at, n);
}

static int on_value(http_parser *parser, const char *at, size_t n)
{
    struct http_reader *reader = reader_of(parser);
    struct http_field *field;

    if (reader->headers_done)
        return 0;
    CHECK(reader->n_fields > 0);
    field = &reader->fields[reader->n_fields - 1];
    if (reader->part != HTTP_PART_VALUE) {
        field->value_at = (uint32_t)reader->head.n;
        reader->part = HTTP_PART_VALUE;
    }
    field->value_n += (uint32_t)n;
    return head_put(reader, at, n);
}

/* "http://host/path?query#fragment" or "/path?query": sets path and query. */
static void split_target(struct http_reader *reader)
{
    struct str url = { reader->head.p, reader->url_n };
    struct http_request *request = &reader->request;
    const char *mark;

    if (url.n > 7 && strncasecmp(url.p, "http://", 7) == 0) {
        mark = memchr(url.p + 7, '/', url.n - 7);
        if (mark == NULL)
            url = STR("/");
        else
            url = (struct str){ mark, url.n - (size_t)(mark - url.p) };
    }
    request->query = text_until(&url, '#');
    request->path = text_until(&request->query, '?');
}

static size_t body_limit(const struct http_reader *reader)
{
    const struct http_options *options = reader->options;
    size_t most;

    if (options->body_limit_of == NULL)
        return options->body_limit;
    most = options->body_limit_of(options->ctx, reader->request.method, reader->request.path);
    CHECK(most <= options->body_limit);
    return most;
}

static bool str_is_nocase(struct str s, const char *name, size_t n)
{
    return s.n == n && strncasecmp(s.p, name, n) == 0;
}

/* http-parser as Debian builds it lets "Name :" pass; another server on the
 * way may read it otherwise (RFC 9112, 5.1). */
static bool has_bad_name(const struct http_reader *reader)
{
    for (unsigned i = 0; i < reader->n_fields; i++) {
        const struct http_field *field = &reader->fields[i];

        if (memchr(reader->head.p + field->name_at, ' ', field->name_n) != NULL)
            return true;
    }
    return false;
}

static int on_headers_complete(http_parser *parser)
{
    struct http_reader *reader = reader_of(parser);
    struct http_request *request = &reader->request;
    bool has_length = (parser->flags & F_CONTENTLENGTH) != 0;
    struct str expect;

    reader->headers_done = true;
    split_target(reader);
    request->method = str_of(http_method_str((enum http_method)parser->method));
    reader->is_head = parser->method == HTTP_HEAD;
    reader->is_1_0 = parser->http_major == 1 && parser->http_minor == 0;
    reader->keep_alive = http_should_keep_alive(parser) != 0;
    if (parser->http_major != 1)
        return refuse(reader, 400, "the HTTP version is not 1.0 or 1.1");
    if (parser->method == HTTP_CONNECT)
        return refuse(reader, 400, "CONNECT: this is not a proxy");

    if (has_bad_name(reader))
        return refuse(reader, 400, "a space in a header's name");

    reader->body.limit = body_limit(reader);
    if (has_length && parser->content_length > reader->body.limit)
        return refuse(reader, 413, "the request's body is too large");
    expect = http_header(request, "expect");
    reader->expects_continue = !reader->is_1_0 && expect.p != NULL
        && str_is_nocase(expect, "100-continue", 12);
    return 0;
}

static int on_body(http_parser *parser, const char *at, size_t n)
{
    struct http_reader *reader = reader_of(parser);

    reader->expects_continue = false; /* it did not wait for it */
    if (n > reader->body.limit - reader->body.n)
        return refuse(reader, 413, "the request's body is too large");
    buf_put(&reader->body, at, n);
    return 0;
}

static int on_complete(http_parser *parser)
{
    struct http_reader *reader = reader_of(parser);

    reader->request.body = buf_view(&reader->body);
    reader->expects_continue = false;
    /* One at a time: the parser stops here until http_reader_next(). */
    http_parser_pause(parser, 1);
    return 0;
}

static const http_parser_settings settings = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_header_field = on_name,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

static void begin(struct http_reader *reader)
{
    http_parser_init(&reader->parser, HTTP_REQUEST);
    reader->parser.data = reader;
    reader->url_n = 0;
    reader->n_fields = 0;
    reader->part = HTTP_PART_NONE;
    reader->started = false;
    reader->headers_done = false;
    reader->expects_continue = false;
    reader->keep_alive = false;
    reader->is_head = false;
    reader->is_1_0 = false;
    reader->refuse_status = 0;
    reader->refuse_why = NULL;
    reader->request.method = STR_NONE;
    reader->request.path = STR_NONE;
    reader->request.query = STR_NONE;
    reader->request.body = STR_NONE;
    reader->request.param = STR_NONE;
    reader->request.id = STR_NONE;
    reader->request.context = NULL;
    reader->request.route = STR_NONE;
    reader->request.caching = STR_NONE;
    reader->request.who = NULL;
    reader->request.label = STR_NONE;
    reader->request.arrived_us = 0;
}

void http_reader_init(struct http_reader *reader, const struct http_options *options)
{
    *reader = (struct http_reader){ .options = options };
    arena_init(&reader->request.arena, LIMIT_REQUEST_ARENA_BYTES);
    buf_init(&reader->head, LIMIT_HEADER_BYTES);
    buf_init(&reader->body, options->body_limit);
    begin(reader);
}

void http_reader_fini(struct http_reader *reader)
{
    arena_fini(&reader->request.arena);
    buf_fini(&reader->head);
    buf_fini(&reader->body);
}

void http_reader_next(struct http_reader *reader)
{
    struct arena *arena = &reader->request.arena;

    if (arena->used > KEEP_ARENA_BYTES) {
        arena_fini(arena);
        arena_init(arena, LIMIT_REQUEST_ARENA_BYTES);
    } else {
        arena_reset(arena);
    }
    if (reader->body.room > KEEP_BODY_BYTES) {
        buf_fini(&reader->body);
        buf_init(&reader->body, reader->options->body_limit);
    } else {
        buf_reset(&reader->body);
    }
    buf_reset(&reader->head);
    begin(reader);
}

enum http_reader_result http_reader_feed(struct http_reader *reader, const char *p,
                                         size_t n, size_t *eaten)
{
    enum http_errno error;

    CHECK(reader->refuse_status == 0);
    *eaten = 0;
    if (n == 0)
        return HTTP_READER_MORE; /* to the parser, nothing means the end */
    *eaten = http_parser_execute(&reader->parser, &settings, p, n);
    error = HTTP_PARSER_ERRNO(&reader->parser);
    if (error == HPE_OK)
        return HTTP_READER_MORE;
    if (error == HPE_PAUSED) {
        reader->request.arrived_us = clock_mono_us();
        http_reader_name(reader);
        return HTTP_READER_REQUEST;
    }
    if (reader->refuse_status == 0) {
        int status = error == HPE_HEADER_OVERFLOW ? 431 : 400;

        (void)refuse(reader, status, http_errno_description(error));
    }
    return HTTP_READER_REFUSED;
}

/* ---- what handlers ask of a request ------------------------------------ */

struct str http_header(const struct http_request *request, const char *name)
{
    /* request is the reader's first member */
    const struct http_reader *reader = (const void *)request;
    size_t n = strlen(name);

    for (unsigned i = 0; i < reader->n_fields; i++) {
        const struct http_field *field = &reader->fields[i];

        if (field->name_n == n
            && strncasecmp(reader->head.p + field->name_at, name, n) == 0)
            return (struct str){ reader->head.p + field->value_at, field->value_n };
    }
    return STR_NONE;
}

void http_reader_name(struct http_reader *reader)
{
    struct http_request *request = &reader->request;
    unsigned n_fields = reader->n_fields;

    if (!reader->headers_done && n_fields > 0)
        reader->n_fields--; /* its value may go on */
    request->id = http_header(request, "X-Request-Id");
    reader->n_fields = n_fields;
    if (request_id_is_well(request->id))
        return;
    request_id_make(request->id_made);
    request->id = (struct str){ request->id_made, sizeof(request->id_made) };
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* NUL is refused: no id or filter holds one. */
static struct str decode(struct arena *arena, struct str text, bool plus_is_space)
{
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '%') {
            int high = text.n - i > 2 ? hex_digit(text.p[i + 1]) : -1;
            int low = text.n - i > 2 ? hex_digit(text.p[i + 2]) : -1;

            if (high < 0 || low < 0 || high + low == 0)
                return STR_NONE;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        out[n++] = c;
    }
    return (struct str){ out, n };
}

struct str http_decode(struct http_request *request, struct str text)
{
    return decode(&request->arena, text, false);
}

struct str http_query(struct http_request *request, const char *name)
{
    struct str rest = request->query;
    struct str wanted = str_of(name);

    while (rest.n > 0) {
        struct str value = text_until(&rest, '&'), itself = text_until(&value, '=');

        if (str_eq(itself, wanted)) /* "name" is as "name=": empty, but there */
            return decode(&request->arena, value.p == NULL ? STR("") : value, true);
    }
    return STR_NONE;
}
