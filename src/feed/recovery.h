/*
 * Requests for recovery: POST {url}/{path}/recovery/initiate_request with
 * request_id, node_id and, when it is known, after; the token goes in
 * x-access-token.  The answer says only whether it will be done; what is
 * recovered and its end come by the feed.
 *
 * Requests wait in a line and are made on the thread pool, few at a time: a
 * recovery side that hangs keeps no password from being hashed, and the loop
 * never waits.  Each has its own time limit, and is answered exactly once.
 */
#ifndef FEED_RECOVERY_H
#define FEED_RECOVERY_H

#include <uv.h>

#include "base/arena.h"
#include "feed/producer.h"

#define RECOVERY_PATH_BYTES 64

struct recovery_address {
    int32_t producer;
    char path[RECOVERY_PATH_BYTES]; /* "liveodds" */
    int64_t window_ms;
};

struct recovery_addresses {
    struct recovery_address list[LIMIT_PRODUCERS];
    unsigned n;
};

/* "1=liveodds:600,3=pre:4320": id=path:minutes.  Empty: none.  False: *error,
 * in the arena, says what is wrong with which. */
bool recovery_read_addresses(struct str text, struct recovery_addresses *addresses,
                             struct arena *arena, struct str *error) MUST_USE;

struct recovery_options {
    uv_loop_t *loop;
    const char *url;     /* "https://api.example/v1" */
    const char *token;   /* empty: none is sent */
    int64_t node;        /* node_id: who asks */
    int64_t request_ms;  /* limit of one request */
    /* On the loop, never inside recovery_ask(). */
    void (*on_answer)(void *ctx, int64_t request_id, enum producer_answer answer,
                      int64_t retry_after_ms);
    void *ctx;
};

struct recovery;

/* Borrows the strings. */
struct recovery *recovery_new(const struct recovery_options *options) MUST_USE;
/* after_ts: the producer's clock; 0 = without. */
void recovery_ask(struct recovery *recovery, const struct recovery_address *address,
                  int64_t request_id, int64_t after_ts);
/* No more answers; requests are cut off, and the loop ends when they have. */
void recovery_stop(struct recovery *recovery);
void recovery_free(struct recovery *recovery); /* after the loop has ended */

#endif
