/*
 * The half of the HTTP server that knows no sockets: bytes in, requests out.
 * http.c drives it from the loop, tests/fuzz/http_fuzz.c from a fuzzer.
 *
 * head holds one request's target, header names and values, back to back:
 *
 *     /v1/bets?x=1|Host|localhost|Content-Type|application/json
 *     ^ url        ^ fields[0]    ^ fields[1]
 */
#ifndef NET_HTTP_READER_H
#define NET_HTTP_READER_H

#include <http_parser.h>

#include "base/limits.h"
#include "net/http.h"

struct http_field { uint32_t name_at, name_n, value_at, value_n; };

enum http_part { HTTP_PART_NONE, HTTP_PART_NAME, HTTP_PART_VALUE };

struct http_reader {
    struct http_request request;
    struct http_parser parser;
    struct buf head, body;
    size_t url_n;
    struct http_field fields[LIMIT_HEADER_COUNT];
    unsigned n_fields;
    enum http_part part;        /* what the parser spoke of last */
    const struct http_options *options;
    bool started;               /* a request has begun to arrive */
    bool headers_done;
    bool expects_continue;      /* "100 Continue" is owed */
    bool keep_alive;
    bool is_head, is_1_0;
    int refuse_status;          /* 400, 413 or 431 */
    const char *refuse_why;
};

enum http_reader_result {
    HTTP_READER_MORE,           /* all eaten, the request is not complete */
    HTTP_READER_REQUEST,        /* reader->request is complete */
    HTTP_READER_REFUSED,        /* refuse_status, refuse_why; nothing goes on */
};

void http_reader_init(struct http_reader *reader, const struct http_options *options);
void http_reader_fini(struct http_reader *reader);
/* Forgets the request and its memory; ready for the next one. */
void http_reader_next(struct http_reader *reader);
/* Gives the request its id: the client's, as far as that has arrived and is
 * well formed, else a fresh one. */
void http_reader_name(struct http_reader *reader);
/* Eats bytes up to the end of one request; the rest is the caller's to keep
 * until http_reader_next().  *eaten <= n. */
enum http_reader_result http_reader_feed(struct http_reader *reader, const char *p,
                                         size_t n, size_t *eaten) MUST_USE;

#endif
