/*
 * Sender: feed messages over HTTP into a server, one after another, each
 * acknowledged (202) before the next.  Blocking; for replay and sim.  Keeps
 * its producers alive, and waits for a server that is away.
 */
#ifndef FEED_SENDER_H
#define FEED_SENDER_H

#include "base/buf.h"
#include "net/client.h"

#define SENDER_PRODUCERS 2

struct sender_options {
    const char *name;        /* for messages to the person: "overround replay" */
    const char *url;         /* http://127.0.0.1:8081 */
    const char *token;
    int producers[SENDER_PRODUCERS]; /* 0 = none */
    int64_t patience_ms;     /* for a server that is away; 0 = for ever */
};

struct sender {
    struct sender_options options;
    struct client *client;
    struct buf authorization, answer, alive;
    int64_t alive_us;        /* when the last alive was acknowledged; 0 = never */
    int64_t sent;            /* messages, alives not counted */
    bool lost;               /* the server is away */
    bool returned;           /* it was away since the caller cleared this */
    bool refused;            /* it refuses what is sent: told to the person */
};

/* False: told to the person on stderr. */
bool sender_init(struct sender *sender, const struct sender_options *options) MUST_USE;
void sender_fini(struct sender *sender);
/* False: patience is over, or the server refuses; told to the person. */
bool sender_post(struct sender *sender, struct str message) MUST_USE;
/* Alive when it is due: call it often. */
bool sender_alive(struct sender *sender) MUST_USE;
/* Sleeps until then (monotonic), staying alive. */
bool sender_sleep_until(struct sender *sender, int64_t mono_us) MUST_USE;

#endif
