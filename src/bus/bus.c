/* The bus: see bus.h. */
#include "bus/bus.h"

#include <stdlib.h>

#include "model/ledger.h"

#define SUBSCRIBERS 8

struct bus {
    struct bus_subscriber subscribers[SUBSCRIBERS];
    unsigned n;
    const struct bus_backend *backend; /* NULL: local */
    void *ctx;
};

struct bus *bus_new(const struct bus_backend *backend, void *ctx)
{
    struct bus *bus = calloc(1, sizeof(*bus));

    CHECK(bus != NULL);
    bus->backend = backend;
    bus->ctx = ctx;
    return bus;
}

struct bus *bus_local_new(void)
{
    return bus_new(NULL, NULL);
}

void bus_free(struct bus *bus)
{
    if (bus->backend != NULL)
        bus->backend->free(bus->ctx);
    free(bus);
}

void *bus_backend_of(const struct bus *bus, const struct bus_backend *backend)
{
    return bus->backend == backend ? bus->ctx : NULL;
}

/* ---- messages --------------------------------------------------------------- */

void bus_subscribe(struct bus *bus, const struct bus_subscriber *subscriber)
{
    CHECK(bus->n < SUBSCRIBERS);
    bus->subscribers[bus->n++] = *subscriber;
}

#define DELIVER(bus, callback, message) \
    for (unsigned i = 0; i < (bus)->n; i++) \
        if ((bus)->subscribers[i].callback != NULL) \
            (bus)->subscribers[i].callback((bus)->subscribers[i].ctx, (message))

void bus_publish_feed(struct bus *bus, const struct bus_feed *message)
{
    DELIVER(bus, on_feed, message);
}

void bus_publish_prices(struct bus *bus, const struct bus_prices *message)
{
    DELIVER(bus, on_prices, message);
}

void bus_publish_results(struct bus *bus, const struct bus_results *message)
{
    DELIVER(bus, on_results, message);
}

void bus_deliver_slots(struct bus *bus, uint64_t slots)
{
    DELIVER(bus, on_slots, slots);
}

void bus_deliver_money(struct bus *bus, const struct bus_money *message)
{
    DELIVER(bus, on_money, message);
}

bool bus_wants_money(const struct bus *bus)
{
    if (bus->backend != NULL && bus->backend->money_returns)
        return false;
    for (unsigned i = 0; i < bus->n; i++)
        if (bus->subscribers[i].on_money != NULL)
            return true;
    return false;
}

void bus_publish_money(struct bus *bus, const struct bus_money *message)
{
    if (bus->backend == NULL || !bus->backend->money_returns)
        bus_deliver_money(bus, message);
}

/* ---- money ------------------------------------------------------------------ */

static bool is_account(const struct bus_account *after)
{
    return after->account >= ACCOUNT_FIRST_CUSTOMER && after->seq > 0 && after->at_ms > 0 &&
           after->currency.n > 0 && after->balance_minor >= 0 && after->debt_minor >= 0 &&
           (after->balance_minor == 0 || after->debt_minor == 0) && after->staked_minor >= 0;
}

bool bus_money_make(int event, const struct bus_account *after, int64_t amount_minor,
                    const struct bet_view *bet, struct bus_money *money)
{
    bool of_wallet = event == EVENT_DEPOSITED || event == EVENT_WITHDRAWN;

    if (!is_account(after) || (event != 0 && event_name(event) == NULL) ||
        (bet == NULL) != of_wallet || (bet != NULL && bet->id == 0))
        return false;
    *money = (struct bus_money){
        .event = event,
        .account = after->account,
        .seq = after->seq,
        .at_ms = after->at_ms,
        .currency = after->currency,
        .balance_minor = after->balance_minor,
        .debt_minor = after->debt_minor,
        .staked_minor = after->staked_minor,
        .amount_minor = amount_minor,
        .bet = bet,
    };
    return true;
}

/* ---- of the back end -------------------------------------------------------- */

void bus_results_stored(struct bus *bus, const struct fact *facts, uint32_t n)
{
    if (bus->backend != NULL)
        bus->backend->results_stored(bus->ctx, facts, n);
}

void bus_check_silence(struct bus *bus)
{
    if (bus->backend != NULL)
        bus->backend->check_silence(bus->ctx);
}

bool bus_has_book(const struct bus *bus)
{
    return bus->backend == NULL || bus->backend->has_book(bus->ctx);
}

void bus_metrics(struct bus *bus)
{
    if (bus->backend != NULL)
        bus->backend->metrics(bus->ctx);
}

bool bus_leave(struct bus *bus, void (*on_done)(void *ctx), void *ctx)
{
    return bus->backend != NULL && bus->backend->leave(bus->ctx, on_done, ctx);
}

bool bus_close(struct bus *bus, void (*on_done)(void *ctx), void *ctx)
{
    return bus->backend != NULL && bus->backend->close(bus->ctx, on_done, ctx);
}
