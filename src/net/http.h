/*
 * HTTP/1.1 server on the event loop, over http-parser, which only net/http*.c
 * uses.  One request at a time per connection (pipelined ones wait in the socket);
 * keep-alive; limits from base/limits.h.  TLS and
 * HTTP/2 end at the edge.
 *
 * A handler may answer at once or later; the request stays valid until
 * http_respond(), even when the client is gone (then the answer is dropped).
 */
#ifndef NET_HTTP_H
#define NET_HTTP_H

#include <uv.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/route.h"
#include "net/conn.h"
#include "net/request_id.h"

struct http_server;

struct http_request {
    struct arena arena;        /* lives until the answer is sent */
    struct str method;         /* "GET" */
    struct str path;           /* without the query, not decoded */
    struct str query;          /* after '?', not decoded */
    struct str body;
    struct str id;             /* X-Request-Id, the client's or made here */
    char id_made[REQUEST_ID_MADE];
    char peer[64];             /* address of the client */
    int64_t arrived_us;        /* monotonic, when its last byte came */
    struct str param;          /* the {part} of the route's path, decoded */
    const void *who;           /* who asks, in the caller's terms; NULL: it did not look */
    void *context;             /* the handler's own */
    struct str route;          /* of the table of routes; empty: none */
    struct str caching;        /* Cache-Control of what is found; empty: no-store */
    enum rate_class rate;      /* what limits it, of the route */
    struct str label;          /* the caller's word for the answer, which is counted by it;
                                  literals alone, for counts outlive the request */
};

/* A header's value, or STR_NONE.  Names match without regard to case. */
struct str http_header(const struct http_request *request, const char *name);
/* A query parameter, decoded into the arena, or STR_NONE. */
struct str http_query(struct http_request *request, const char *name);
/* A percent-decoded copy in the arena; p = NULL when it is malformed. */
struct str http_decode(struct http_request *request, struct str text);

struct http_header { const char *name; struct str value; };

/* Sends the answer and ends the request: it is gone after this call. */
void http_respond(struct http_request *request, int status, const char *content_type,
                  struct str body, const struct http_header *headers, size_t n_headers);

/*
 * Takes the connection over: the request has ended and is gone, nothing was
 * answered, and what the client sends from now on goes to the handler; not so,
 * when that is later than on_request, what it had sent behind the request.  The
 * listener's memory for it is free again, and its timeouts do not hold; a drain
 * waits until it is closed.  `status` is what will be counted as the answer.
 * NULL: no file is left for it, or the client has gone, and the request is still
 * to be answered.
 */
struct conn *http_upgrade(struct http_request *request, int status,
                          const struct conn_handler *handler, void *ctx) MUST_USE;

struct http_options {
    const char *listen;         /* net/listen.h */
    size_t body_limit;          /* bytes, the most of any request */
    /* The most of this one, when its head is read; NULL: that of all. */
    size_t (*body_limit_of)(void *ctx, struct str method, struct str path);
    /* A complete request. */
    void (*on_request)(void *ctx, struct http_request *request);
    /* The server must refuse by itself (too large, malformed, timeout):
     * status 400, 408, 413 or 431; gives the body to send. */
    void (*on_refuse)(void *ctx, int status, const char *why, struct buf *body,
                      const char **content_type);
    /* A request has been answered with this status.  NULL: nobody asks. */
    void (*on_answer)(void *ctx, const struct http_request *request, int status);
    void *ctx;
    /* 0: the limits of base/limits.h; tests shorten them. */
    uint64_t request_ms, idle_ms, linger_ms;
    size_t max_connections;
};

/* NULL: *error says why (address in use, …). */
struct http_server *http_server_new(uv_loop_t *loop, const struct http_options *options,
                                    struct arena *arena, struct str *error) MUST_USE;
int http_server_port(const struct http_server *server); /* 0: it listens at a path */
/* Stops accepting, lets requests in flight be answered (with Connection:
 * close) and what still comes on open connections for half a second, closes
 * idle ones, then calls on_drained. */
void http_server_drain(struct http_server *server, void (*on_drained)(void *ctx), void *ctx);
void http_server_free(struct http_server *server); /* after drained */

/* connections (upgraded: those handed over) open now; the others: since the
 * start. */
struct http_counts { uint64_t connections, upgraded, requests, refused; };
struct http_counts http_server_counts(const struct http_server *server);

#endif
