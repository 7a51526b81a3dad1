/*
 * Sender, the AMQP half: one connection and channel, publisher confirms with
 * a window of messages under way.  What was not confirmed when a connection
 * is lost is sent again on the next one, in its order: at least once.
 */
#ifndef FEED_SENDER_AMQP_H
#define FEED_SENDER_AMQP_H

#include "base/buf.h"
#include "feed/sender.h"

#define SENDER_EXCHANGE "unifiedfeed"
#define SENDER_WINDOW 256 /* messages that are not confirmed yet */

/* NULL: *error (static) says what is wrong with the address. */
struct sender_amqp *sender_amqp_new(const char *url, const char **error) MUST_USE;
void sender_amqp_free(struct sender_amqp *amqp);
/* DELIVERED: under way; it may wait for earlier ones.  AWAY: not accepted,
 * try again later. */
enum delivery sender_amqp_publish(struct sender_amqp *amqp, struct str message) MUST_USE;
/* All are confirmed. */
enum delivery sender_amqp_flush(struct sender_amqp *amqp) MUST_USE;
/* Of the last failure. */
const char *sender_amqp_error(const struct sender_amqp *amqp);

/*
 * The routing key of a message that we composed, with a NUL behind it:
 *   hi.-.live.odds_change.1.sr:match.1234.-     -.-.-.alive.-.-.-.-
 * A document (fixture, market names) gets a key of the same eight words.
 * False: no message of ours.
 */
bool sender_routing_key(struct str message, struct buf *key) MUST_USE;

#endif
