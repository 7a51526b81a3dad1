/* The bus within one process: a publish is a call. */
#include "bus/bus.h"

#include <stdlib.h>

#define SUBSCRIBERS 8

struct bus {
    struct bus_subscriber subscribers[SUBSCRIBERS];
    unsigned n;
};

struct bus *bus_local_new(void)
{
    struct bus *bus = calloc(1, sizeof(*bus));

    CHECK(bus != NULL);
    return bus;
}

void bus_free(struct bus *bus)
{
    free(bus);
}

void bus_subscribe(struct bus *bus, const struct bus_subscriber *subscriber)
{
    CHECK(bus->n < SUBSCRIBERS);
    bus->subscribers[bus->n++] = *subscriber;
}

#define PUBLISH(bus, callback, message) \
    for (unsigned i = 0; i < (bus)->n; i++) \
        if ((bus)->subscribers[i].callback != NULL) \
            (bus)->subscribers[i].callback((bus)->subscribers[i].ctx, (message))

void bus_publish_feed(struct bus *bus, const struct bus_feed *message)
{
    PUBLISH(bus, on_feed, message);
}

void bus_publish_prices(struct bus *bus, const struct bus_prices *message)
{
    PUBLISH(bus, on_prices, message);
}

void bus_publish_results(struct bus *bus, const struct bus_results *message)
{
    PUBLISH(bus, on_results, message);
}

bool bus_wants_money(const struct bus *bus)
{
    for (unsigned i = 0; i < bus->n; i++)
        if (bus->subscribers[i].on_money != NULL)
            return true;
    return false;
}

void bus_publish_money(struct bus *bus, const struct bus_money *message)
{
    PUBLISH(bus, on_money, message);
}
