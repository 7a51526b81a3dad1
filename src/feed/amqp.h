/*
 * AMQP: feed messages from a broker into the log, while this process leads.
 *
 *   thread: session (amqp_session.h) --arrived--> loop: held, in order
 *              ^                                    |  feed_submit()
 *              +------------- acknowledged up to <--+  durable, or buried
 *
 * A message is acknowledged when it is durable in the log, never before, and
 * several with one frame.  A message that the log cannot take now waits here
 * and is tried again in order; the broker sends at most `prefetch` messages
 * without acknowledgement, which bounds the memory.  A malformed one is buried:
 * written into dead_messages with its routing key and what is wrong with it,
 * and acknowledged, so that it does not stand in the way for ever.
 *
 * When a session with the broker's own queue is lost, messages are lost with
 * it: every producer must recover (feed_lost()).  A named queue keeps messages:
 * the broker delivers those that were not acknowledged again.
 */
#ifndef FEED_AMQP_H
#define FEED_AMQP_H

#include <uv.h>

#include "feed/amqp_session.h"
#include "feed/feed.h"

struct amqp_feed;

struct amqp_feed_options {
    uv_loop_t *loop;
    struct feed *feed;
    struct store *store;
    struct amqp_session_options session; /* borrowed; prefetch from 1 on */
};

struct amqp_feed *amqp_feed_new(const struct amqp_feed_options *options);
/* Consumes while this process leads. */
void amqp_feed_lead(struct amqp_feed *amqp, bool leads);
void amqp_feed_metrics(struct amqp_feed *amqp);
/* Takes nothing more, waits for what is under way, acknowledges it, ends the
 * session and closes its handles; then on_stopped, on the loop. */
void amqp_feed_stop(struct amqp_feed *amqp, void (*on_stopped)(void *ctx), void *ctx);
void amqp_feed_free(struct amqp_feed *amqp); /* from on_stopped on; NULL is well */

#endif
