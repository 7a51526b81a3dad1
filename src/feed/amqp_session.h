/*
 * One session with an AMQP 0-9-1 broker, from connecting to the first error:
 * a queue, its bindings, a consumer.  Blocking, over librabbitmq; used by one
 * thread.
 *
 * Without a name the queue is the broker's, exclusive to this connection and
 * gone with it.  With one it is durable and stays, and of several consumers
 * one is served (x-single-active-consumer).
 */
#ifndef FEED_AMQP_SESSION_H
#define FEED_AMQP_SESSION_H

#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

#define AMQP_SESSION_WHY_BYTES 256

struct amqp_session_options {
    const char *url;       /* amqp:// or amqps:// */
    const char *exchange;
    const char *bindings;  /* routing keys, comma separated; alives and
                              snapshots are bound in any case */
    const char *queue;     /* "" = the broker's */
    const char *ca;        /* file; amqps */
    uint16_t prefetch;
    int64_t node;          /* recoveries that this node asks for are bound, too */
};

struct amqp_session;

/* False: *why says what is wrong with the URL. */
bool amqp_session_check(const char *url, const char **why) MUST_USE;

/* NULL: `why` (AMQP_SESSION_WHY_BYTES) says what failed. */
struct amqp_session *amqp_session_open(const struct amqp_session_options *options,
                                       char *why) MUST_USE;
/* Tells the broker, when `orderly`. */
void amqp_session_close(struct amqp_session *session, bool orderly);

struct amqp_session_message {
    uint64_t tag;
    bool redelivered;
    struct str key, body; /* until the next call */
};
enum amqp_session_result { AMQP_SESSION_MESSAGE = 0, AMQP_SESSION_NOTHING, AMQP_SESSION_LOST };
/* What is there now, without waiting; also answers heartbeats. */
enum amqp_session_result amqp_session_next(struct amqp_session *session,
                                           struct amqp_session_message *message,
                                           char *why) MUST_USE;
/* To wait on, after AMQP_SESSION_NOTHING. */
int amqp_session_socket(const struct amqp_session *session);
/* This message and all before it.  False: lost. */
bool amqp_session_ack(struct amqp_session *session, uint64_t tag, char *why) MUST_USE;

#endif
