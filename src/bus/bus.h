/*
 * The bus: how roles meet.  Reading this list of messages is reading the
 * architecture.  In one process (local.c) a publish is a call of every
 * subscriber, in order of subscription, on the loop's thread; what a message
 * points to is valid during the call.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "model/book.h"
#include "model/facts.h"

struct bus;

/* feed -> odds: one entry of the durable log, in log order. */
struct bus_feed {
    int64_t position, at_ms;
    const struct message *message;
};

/* odds -> web: what changed in the book. */
struct bus_prices {
    int64_t position;
    const struct book_change *change;
};

/* odds -> settle: facts of one log entry, with the market's stop. */
struct bus_results {
    int64_t position;
    const struct fact *facts; /* one per market */
    uint32_t n;
};

struct bus_subscriber {
    void (*on_feed)(void *ctx, const struct bus_feed *message);
    void (*on_prices)(void *ctx, const struct bus_prices *message);
    void (*on_results)(void *ctx, const struct bus_results *message);
    void *ctx; /* callbacks that are NULL are not called */
};

struct bus *bus_local_new(void);
void bus_free(struct bus *bus);
void bus_subscribe(struct bus *bus, const struct bus_subscriber *subscriber);
void bus_publish_feed(struct bus *bus, const struct bus_feed *message);
void bus_publish_prices(struct bus *bus, const struct bus_prices *message);
void bus_publish_results(struct bus *bus, const struct bus_results *message);

#endif
