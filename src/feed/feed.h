/*
 * Feed: turns the producers' messages into one durable, ordered log.
 *
 *   HTTP --push.c--\
 *   AMQP --amqp.c---uof.c--> message, or 400 -\
 *                                              log.c: queue -> one transaction
 *   alive, silence --watch.c--> up, down -----/    -> bus, in order -> 202, ack
 *
 * A message is answered 202 only when it is durable, and reaches the bus
 * only then, in log order.  One process writes the log, under the epoch of its
 * lease (lease.h); the others follow it (follow.h) and pass the desk's entries
 * to the leader (inbox.h).
 */
#ifndef FEED_FEED_H
#define FEED_FEED_H

#include <uv.h>

#include "bus/bus.h"
#include "feed/uof.h"
#include "feed/watch.h"
#include "net/http.h"
#include "store/store.h"

struct feed;
struct kafka;

struct feed_options {
    uv_loop_t *loop;
    struct store *store;
    struct bus *bus;
    int64_t producer_silence_ms;
    const struct watch_recovery *recovery; /* copied; NULL: nowhere */
    bool shared;      /* the store: other processes may lead, and have an inbox */
    /* Neither writes the log nor follows it: only brings the desk's entries to
     * who leads, and looks for them in the log while any is under way. */
    bool asks;
    struct kafka *kafka; /* who leads tells it the log (publish.h); NULL: roles are here */
    /* On the loop, or NULL.  leads: the log is read to its end and the restart
     * stands in it; or not any more. */
    void (*on_lead)(void *ctx, bool leads);
    bool (*is_sure)(void *ctx); /* nobody else can lead now: for `kafka` */
    /* An append was refused: the lease's epoch is over. */
    void (*on_fenced)(void *ctx);
    void *ctx;
};

struct feed *feed_new(const struct feed_options *options);

/*
 * One entry read from the stored log: parses it and publishes it.  False: it
 * does not parse (which is logged; the log goes on).
 */
bool feed_replay(struct feed *feed, int64_t position, int64_t at_ms, struct str body) MUST_USE;

/* After the stored log, whose last position is `position`: follows it from
 * there on, and starts the timer that watches producers. */
void feed_start(struct feed *feed, int64_t position);
/* The lease is held, under this epoch: reads the log to its end, writes the
 * restart into it, then takes messages. */
void feed_lead(struct feed *feed, int64_t epoch);
/* Another process leads: what waits is turned away, the log is followed. */
void feed_follow(struct feed *feed);
bool feed_leads(const struct feed *feed); /* takes messages */

/* POST /v1/feed: a route's handler. */
void feed_post(struct feed *feed, struct http_request *request);

/* A message that did not come by HTTP: from AMQP, or from the desk. */
struct feed_item {
    struct str body;  /* copied */
    bool own;         /* an entry that only we may write (the desk's) */
    int64_t inbox;    /* its row there (inbox.h), which goes with it; 0 = none */
    /* Once, on the loop, never inside feed_submit(): its place in the log; or
     * not durable, as far as is known. */
    void (*on_done)(void *ctx, bool durable, int64_t position);
    void *ctx;
};
/* The desk's entries are taken by a process that follows, too: it brings them
 * to the one that leads. */
enum feed_result { FEED_TAKEN = 0, FEED_BUSY, FEED_MALFORMED /* *error says where */ };
enum feed_result feed_submit(struct feed *feed, const struct feed_item *item,
                             struct uof_error *error) MUST_USE;

/*
 * Messages may have been missed: the session is a new one.  Every producer
 * goes down (its turn is written) and recovers when its next alive comes, from
 * its last alive in the log while it was up; one without an address is up from
 * its next alive.  Call before the first message of the new session.  Nothing
 * to do when this process does not lead: who begins to writes a restart, which
 * does the same.  `why`: static, for the log of the process.
 */
void feed_lost(struct feed *feed, const char *why);

/* GET /v1/desk/feed: a route's handler. */
void feed_get_health(struct feed *feed, struct http_request *request);

/* What is shown is no longer yesterday's: the restart is in the book, or the
 * log that another process writes was read to its end. */
bool feed_is_recovered(const struct feed *feed);
bool feed_idle(const struct feed *feed);
/* Sets the gauges of producers. */
void feed_metrics(struct feed *feed);
/* Takes nothing more from other processes: before it is waited for until it is
 * idle. */
void feed_drain(struct feed *feed);
void feed_stop(struct feed *feed); /* the timer; when idle */
/* With a topic to tell: after kafka_close() has ended. */
void feed_free(struct feed *feed);

#endif
