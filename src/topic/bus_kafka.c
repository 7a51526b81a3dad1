/* The bus on Kafka: see bus_kafka.h. */
#include "topic/bus_kafka.h"

#include <stdlib.h>

#include "topic/prices_in.h"
#include "topic/results_in.h"

#define LOOK_MS 50
#define AWAY_LOOKS 100 /* Kafka is away: what the store has is settled all the same */
#define CLOSE_MS 5000

struct bus_kafka {
    struct bus_kafka_options options;
    struct bus *bus;
    struct kafka *kafka;
    uv_timer_t timer;      /* until the number of partitions is known */
    unsigned looks;
    struct prices_in *prices;
    struct results_in *results;
    struct money_in *money;
};

/* ---- divided by partitions: when their number is known ---------------------- */

static void on_slots(void *ctx, uint64_t slots)
{
    struct bus_kafka *own = ctx;

    bus_deliver_slots(own->bus, slots);
}

static void on_results(void *ctx, const struct bus_results *message)
{
    struct bus_kafka *own = ctx;

    bus_publish_results(own->bus, message);
}

static void open_readers(struct bus_kafka *own, unsigned partitions)
{
    const struct bus_kafka_options *options = &own->options;

    if (options->results)
        own->results = results_in_new(&(struct results_in_options){
            .kafka = own->kafka, .count = partitions, .on_slots = on_slots,
            .on_results = on_results, .ctx = own });
    if (options->book != NULL)
        own->prices = prices_in_new(&(struct prices_in_options){
            .loop = options->kafka.loop, .kafka = own->kafka, .bus = own->bus,
            .book = options->book, .live_silence_ms = options->live_silence_ms,
            .prematch_silence_ms = options->prematch_silence_ms });
}

static void on_timer(uv_timer_t *timer)
{
    struct bus_kafka *own = timer->data;
    unsigned partitions = kafka_partitions(own->kafka);

    if (partitions == 0) {
        if (own->options.results && ++own->looks == AWAY_LOOKS)
            bus_deliver_slots(own->bus, UINT64_MAX); /* until the group says whose */
        return;
    }
    uv_timer_stop(timer);
    own->options.on_partitions(own->options.ctx, partitions);
    open_readers(own, partitions);
}

/* ---- asked by roles --------------------------------------------------------- */

static void results_stored(void *ctx, const struct fact *facts, uint32_t n)
{
    struct bus_kafka *own = ctx;

    if (own->results != NULL)
        results_in_stored(own->results, facts, n);
}

static void check_silence(void *ctx)
{
    struct bus_kafka *own = ctx;

    if (own->prices != NULL)
        prices_in_check_silence(own->prices);
}

static bool has_book(const void *ctx)
{
    const struct bus_kafka *own = ctx;

    return own->options.book == NULL ||
           (own->prices != NULL && prices_in_is_ready(own->prices));
}

static void metrics(void *ctx)
{
    struct bus_kafka *own = ctx;

    kafka_metrics(own->kafka);
    if (own->prices != NULL)
        prices_in_metrics(own->prices);
}

/* ---- the end ---------------------------------------------------------------- */

static bool backend_leave(void *ctx, void (*on_done)(void *ctx), void *done_ctx)
{
    struct bus_kafka *own = ctx;

    uv_close((uv_handle_t *)&own->timer, NULL);
    if (own->results == NULL)
        return false;
    results_in_stop(own->results, on_done, done_ctx);
    return true;
}

static bool close_client(void *ctx, void (*on_done)(void *ctx), void *done_ctx)
{
    struct bus_kafka *own = ctx;

    CHECK(own->money == NULL);
    if (own->prices != NULL)
        prices_in_close(own->prices); /* it frees itself in the loop's next turn */
    own->prices = NULL;
    kafka_close(own->kafka, CLOSE_MS, on_done, done_ctx);
    return true;
}

static void free_client(void *ctx)
{
    struct bus_kafka *own = ctx;

    results_in_free(own->results);
    kafka_free(own->kafka);
    free(own);
}

/* ---- life ------------------------------------------------------------------- */

static const struct bus_backend backend = {
    .money_returns = true,
    .results_stored = results_stored, .check_silence = check_silence, .has_book = has_book,
    .metrics = metrics, .leave = backend_leave, .close = close_client, .free = free_client,
};

struct bus *bus_kafka_new(const struct bus_kafka_options *options)
{
    struct bus_kafka *own = calloc(1, sizeof(*own));

    CHECK(own != NULL && options->on_partitions != NULL);
    own->options = *options;
    own->kafka = kafka_new(&options->kafka);
    own->bus = bus_new(&backend, own);
    uv_timer_init(options->kafka.loop, &own->timer);
    own->timer.data = own;
    uv_timer_start(&own->timer, on_timer, 0, LOOK_MS);
    return own->bus;
}

struct kafka *bus_kafka_client(const struct bus *bus)
{
    struct bus_kafka *own = bus_backend_of(bus, &backend);

    return own == NULL ? NULL : own->kafka;
}

void bus_kafka_read_money(struct bus *bus, const struct money_in_options *options)
{
    struct bus_kafka *own = bus_backend_of(bus, &backend);
    struct money_in_options with = *options;

    CHECK(own != NULL && own->money == NULL);
    with.kafka = own->kafka;
    with.bus = bus;
    own->money = money_in_new(&with);
}

void bus_kafka_stop_money(struct bus *bus)
{
    struct bus_kafka *own = bus_backend_of(bus, &backend);

    CHECK(own != NULL);
    money_in_free(own->money);
    own->money = NULL;
}
