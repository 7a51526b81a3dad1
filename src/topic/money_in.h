/*
 * Money from the topics bets and transfers, as bus_money in this process: all
 * that any process committed, once the relays have published it.
 *
 *   bets, transfers --kafka_reader--> repeats and what is known go
 *                                         '--> bus_publish_money
 *
 * Each event arrives once, an account's bets in the order of their seq; deposits
 * and withdrawals arrive by another topic, so earlier or later than the bets
 * around them.  If this is used, the processes that commit money do not publish
 * it themselves.
 */
#ifndef TOPIC_MONEY_IN_H
#define TOPIC_MONEY_IN_H

#include "bus/bus.h"
#include "bus/kafka.h"
#include "model/xid_snapshot.h"

struct money_in;

struct money_in_options {
    struct kafka *kafka;
    struct bus *bus;
    int64_t margin_e4;       /* of cash-outs, for bus_money's bets */
    bool turns;              /* only what event_turns(): not that bets were placed, and
                                nothing of the wallet */
    int64_t gather_ms;       /* as kafka_reader's */
    /*
     * From when on.  Who counted in the store under a snapshot gives it, and a
     * time well before it was taken (MONEY_IN_BEFORE_MS): what is not in the
     * snapshot was told after it was taken.  Else NULL, and the time.
     */
    int64_t since_ms;
    const struct xid_snapshot *snapshot; /* copied */
};
#define MONEY_IN_BEFORE_MS 30000 /* more than the clocks of two machines differ */

struct money_in *money_in_new(const struct money_in_options *options) MUST_USE;
/* Closes its readers.  No message afterwards. */
void money_in_free(struct money_in *in);

#endif
