/*
 * A WebSocket to the origin's stream: called, opened, then messages of text both
 * ways.  Answers pings by itself.
 *
 *   link_new -> on_open -> on_text, link_send … -> on_end
 *
 * on_end comes once, also when it never opened, unless the owner ended it.
 */
#ifndef FANOUT_LINK_H
#define FANOUT_LINK_H

#include <uv.h>

#include "base/check.h"
#include "base/str.h"

struct origin_link;

struct link_handler {
    void (*on_open)(void *ctx);
    void (*on_text)(void *ctx, struct str text); /* good during the call */
    void (*on_end)(void *ctx, const char *why);  /* the link is gone after it */
};

struct link_options {
    uv_loop_t *loop;
    const char *address;      /* net/dial.h; stays the caller's */
    struct str headers;       /* lines of the request, "Name: value\r\n" each */
    size_t message_bytes_max;
    const struct link_handler *handler;
    void *ctx;
};

struct origin_link *link_new(const struct link_options *options) MUST_USE;
/* Nothing while it is not open. */
void link_send(struct origin_link *link, struct str text);
/* Ends it: no callback comes any more, the pointer is not to be used again. */
void link_end(struct origin_link *link);

#endif
