/*
 * Topics of the bus, as they are called behind the prefix of --bus.  feed,
 * prices and results have the same number of partitions, and an event is in
 * the same partition of each (model/slot.h).  docs/EVENTS.md says what is in
 * a record.
 *
 * TOPIC(NAME, "name", "cleanup.policy", "retention.ms", "key", "what it carries")
 */
#ifndef TOPIC
#error "define TOPIC before including tbl/topics.h"
#endif
TOPIC(FEED, "feed", "delete", "259200000", "event", "feed -> odds: entries of the feed log")
TOPIC(PRICES, "prices", "compact", "-1", "market", "odds -> bets, web: the book, a record each")
TOPIC(RESULTS, "results", "delete", "604800000", "event", "odds -> settle: facts")
TOPIC(BETS, "bets", "delete", "604800000", "customer", "relay -> everybody: what happened to a bet")
TOPIC(TRANSFERS, "transfers", "delete", "604800000", "customer", "relay -> everybody: movements of money")
TOPIC(TRAFFIC, "traffic", "delete", "86400000", "none", "bets, web -> reports: requests and refusals, at most once")
