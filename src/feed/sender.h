/*
 * Sender: feed messages to a receiver, one after another, none lost.
 * Blocking; for replay and sim.  Keeps its producers alive, and waits for a
 * receiver that is away.
 *
 *   http://host:port                POST /v1/feed, each acknowledged (202)
 *                                   before the next
 *   amqp://user:pass@host/vhost     exchange `unifiedfeed`, routing keys of the
 *                                   feed, publisher confirms (sender_amqp.c)
 */
#ifndef FEED_SENDER_H
#define FEED_SENDER_H

#include "base/buf.h"
#include "net/http_client.h"

#define SENDER_PRODUCERS 2

enum delivery { DELIVERED, AWAY, REFUSED };

struct sender_amqp;

struct sender_options {
    const char *name;        /* for messages to the person: "overround replay" */
    const char *url;         /* http://127.0.0.1:8081 */
    const char *token;       /* of HTTP; NULL = none */
    int producers[SENDER_PRODUCERS]; /* that it keeps alive by itself; 0 = none */
    int64_t patience_ms;     /* for a receiver that is away; 0 = for ever */
};

struct sender {
    struct sender_options options;
    struct http_client *client;   /* of one of the two kinds */
    struct sender_amqp *amqp;
    struct buf authorization, answer, alive;
    int64_t alive_us;        /* when the last alive was acknowledged; 0 = never */
    int64_t sent;            /* messages, alives not counted */
    bool lost;               /* the receiver is away */
    bool returned;           /* it was away since the caller cleared this */
    bool refused;            /* it refuses what is sent: told to the person */
};

bool sender_is_amqp(const char *url);
/* False: told to the person on stderr. */
bool sender_init(struct sender *sender, const struct sender_options *options) MUST_USE;
void sender_fini(struct sender *sender);
/* False: patience is over, or the receiver refuses; told to the person. */
bool sender_post(struct sender *sender, struct str message) MUST_USE;
/* Alive when it is due: call it often. */
bool sender_alive(struct sender *sender) MUST_USE;
/* Waits until the receiver has confirmed all that was sent. */
bool sender_flush(struct sender *sender) MUST_USE;
/* Sleeps until then (monotonic), staying alive. */
bool sender_sleep_until(struct sender *sender, int64_t mono_us) MUST_USE;

#endif
