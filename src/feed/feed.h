/*
 * Feed: what producers say becomes one durable, ordered log.
 *
 *   HTTP body --uof.c--> message, or 400 ---\
 *                                            log.c: queue -> one transaction
 *   alive, silence --producer.c--> up, down-/   -> bus, in order -> 202
 *
 * A message is answered 202 only when it is durable, and reaches the bus
 * only then, in log order.
 */
#ifndef FEED_FEED_H
#define FEED_FEED_H

#include <uv.h>

#include "bus/bus.h"
#include "feed/uof.h"
#include "net/http.h"
#include "store/store.h"

struct feed;

struct feed_options {
    uv_loop_t *loop;
    struct store *store;
    struct bus *bus;
    int64_t producer_silence_ms;
};

struct feed *feed_new(const struct feed_options *options);

/*
 * One entry read from the stored log: parses it and publishes it.  False: it
 * does not parse (which is logged; the log goes on).
 */
bool feed_replay(struct feed *feed, int64_t position, int64_t at_ms, struct str body) MUST_USE;

/* After the stored log, whose last position is `position`: writes the restart
 * into it and starts the timer that watches producers. */
void feed_start(struct feed *feed, int64_t position);

/* POST /v1/feed: a route's handler. */
void feed_post(void *feed, struct http_request *request);

/* A message that did not come by HTTP: from AMQP, or from the desk. */
struct feed_item {
    struct str body;  /* copied */
    bool own;         /* an entry that only we may write (the desk's) */
    /* Once, on the loop, never inside feed_submit(): its place in the log; or
     * not durable, as far as is known. */
    void (*on_done)(void *ctx, bool durable, int64_t position);
    void *ctx;
};
enum feed_result { FEED_TAKEN = 0, FEED_BUSY, FEED_MALFORMED /* *error says where */ };
enum feed_result feed_submit(struct feed *feed, const struct feed_item *item,
                             struct uof_error *error) MUST_USE;

/* The restart is in the book: what is shown is no longer yesterday's. */
bool feed_is_recovered(const struct feed *feed);
bool feed_idle(const struct feed *feed);
/* Sets the gauges of producers. */
void feed_metrics(struct feed *feed);
void feed_stop(struct feed *feed); /* the timer; when idle */
void feed_free(struct feed *feed);

#endif
