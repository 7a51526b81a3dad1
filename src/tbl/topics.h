/*
 * Topics of the bus, named without the prefix of --bus.  Kafka's settings,
 * src/topic and the table in docs/EVENTS.md (`make docs` checks it) take what
 * they know about a topic from its row.
 *
 * TOPIC(NAME, "name", divided, "cleanup.policy", "retention.ms",
 *       "key", "value", "order", "written by", "read by")
 *
 * divided: how a record gets its partition.
 *   BY_EVENT     by the event's slot (model/slot.h).  These topics have the same
 *                number of partitions, and an event has the same one in each
 *   BY_ACCOUNT   by Kafka's hash of the key; a class of accounts (model/slot.h)
 *                has one writer at a time
 *   BY_NOTHING   any partition; a record may be lost
 */
#ifndef TOPIC
#error "define TOPIC before including tbl/topics.h"
#endif
TOPIC(FEED, "feed", BY_EVENT, "delete", "259200000", "event, or nothing", "XML as it came",
      "the log's, per event", "the feed process that leads", "odds")
TOPIC(PRICES, "prices", BY_EVENT, "compact", "-1", "what the record is about", "JSON", "per key",
      "the odds process that owns the partition", "bets, web")
TOPIC(RESULTS, "results", BY_EVENT, "delete", "604800000", "event", "JSON", "the log's, per event",
      "the odds process that owns the partition", "settle")
TOPIC(BETS, "bets", BY_ACCOUNT, "delete", "604800000", "account", "JSON", "the account's `seq`",
      "relays (role settle)", "bets, web, reports")
TOPIC(TRANSFERS, "transfers", BY_ACCOUNT, "delete", "604800000", "account", "JSON",
      "the account's `seq`", "relays (role settle)", "web, reports")
TOPIC(TRAFFIC, "traffic", BY_NOTHING, "delete", "86400000", "nothing", "JSON", "none",
      "bets and web processes", "reports")
