/*
 * The bus on Kafka: its back end (bus/bus.h), by the readers of the topics.
 *
 *   prices            --prices_in--> the book given  --> on_prices
 *   results           --results_in-> on_results, on_slots; stored: committed
 *   bets, transfers   --money_in---> on_money
 *
 * Writers of a topic ask for the client: odds/partitions (feed -> prices,
 * results), feed/publish, settle/relay, analytics/traffic.
 */
#ifndef TOPIC_BUS_KAFKA_H
#define TOPIC_BUS_KAFKA_H

#include <uv.h>

#include "bus/bus.h"
#include "bus/kafka.h"
#include "topic/money_in.h"

struct bus_kafka_options {
    struct kafka_options kafka;
    struct book *book;    /* written by prices; NULL: they are not read */
    int64_t live_silence_ms, prematch_silence_ms; /* as prices_in's */
    bool results;         /* are read, as a member of the group "settle" */
    /* Once, from the loop: Kafka has said how many partitions the topics have
     * that are divided by events.  Before the first message. */
    void (*on_partitions)(void *ctx, unsigned n);
    void *ctx;
};

struct bus *bus_kafka_new(const struct bus_kafka_options *options) MUST_USE;
/* NULL: the bus is local. */
struct kafka *bus_kafka_client(const struct bus *bus);
/* Money comes from here on; kafka and bus of the options are the bus's own. */
void bus_kafka_read_money(struct bus *bus, const struct money_in_options *options);
void bus_kafka_stop_money(struct bus *bus); /* no message afterwards */

#endif
