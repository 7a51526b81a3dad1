/*
 * A connection that HTTP has let go of (http_upgrade()): bytes in by a
 * callback, counted frames out by reference.
 *
 * Nothing is copied on the way out: what the socket does not take at once is
 * referred to until it does, and meanwhile the connection "waits": conn_write()
 * said CONN_WAITS, and on_drained will say that it is over.  A sender of much
 * stops in between; a few small frames more are kept for later.
 *
 * An idle connection is one struct conn of some 400 bytes.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include <uv.h>

#include "net/frame.h"

struct conn;

struct conn_handler {
    /* p belongs to the connection and is good during the call. */
    void (*on_data)(void *ctx, const char *p, size_t n);
    void (*on_drained)(void *ctx); /* waited, and waits no more */
    /* The last call, from the loop: the conn is gone after it. */
    void (*on_closed)(void *ctx);
};

struct conn_options {
    uv_loop_t *loop;
    int fd; /* becomes the connection's */
    const struct conn_handler *handler;
    void *ctx;
    void (*on_released)(void *ctx); /* after on_closed, for who counts */
    void *released_ctx;
};

struct conn *conn_new(const struct conn_options *options) MUST_USE;

enum conn_result {
    CONN_SENT,  /* all is in the socket */
    CONN_WAITS, /* the rest follows as the socket takes it, then on_drained */
    CONN_FULL,  /* too much waits already: these were not taken */
    CONN_GONE,  /* the connection is closing */
};

/* Frames in their order, by reference; at most CONN_FRAMES_MAX. */
#define CONN_FRAMES_MAX 256
enum conn_result conn_write(struct conn *conn, struct frame *const *frames, size_t n) MUST_USE;
/* Gives bytes to on_data as if they had just come. */
void conn_take(struct conn *conn, const char *p, size_t n);
void conn_close(struct conn *conn);
/* Says the end when what waits is sent, throws away what still comes, and
 * closes when the peer does; how long that may take is the owner's business. */
void conn_finish(struct conn *conn);

#endif
