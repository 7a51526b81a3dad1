/* Settlement: facts in, money out, its outbox relayed to Kafka, its reports. */
#include "serve/inside.h"

#include <inttypes.h>
#include <sodium.h>
#include <unistd.h>

#include "analytics/cohorts.h"
#include "settle/relay.h"
#include "settle/reports.h"
#include "settle/settle.h"
#include "topic/bus_kafka.h"

#define RELAY_LEASE_MS 3000

/* Of this process alone, and for a person to find it. */
static const char *relay_owner(struct serve *serve)
{
    char host[64] = "";

    (void)gethostname(host, sizeof(host) - 1);
    return arena_cstr(&serve->arena, arena_printf(&serve->arena, "%s:%d:%08" PRIx32, host,
                                                  (int)getpid(), randombytes_random()));
}

bool serve_make_relay(struct serve *serve, struct str *error)
{
    (void)error;
    serve->parts.relay = relay_new(&(struct relay_options){
        .loop = &serve->loop, .store = serve->parts.store,
        .kafka = bus_kafka_client(serve->parts.bus),
        .experiments = &serve->settings.experiments, .tracer = serve->parts.tracer,
        .owner = relay_owner(serve), .lease_ms = RELAY_LEASE_MS,
    });
    return true;
}

/* ---- settlement ----------------------------------------------------------- */

static bool placement_waits(void *ctx)
{
    struct serve *serve = ctx;

    return serve->parts.bets != NULL && bets_are_queued(serve->parts.bets);
}

bool serve_make_settle(struct serve *serve, struct str *error)
{
    const struct config *config = &serve->settings.config;
    bool kafka = serve->settings.played.bus;

    (void)error;
    serve->parts.settle = settle_new(&(struct settle_options){
        .loop = &serve->loop, .store = serve->parts.store, .placement_waits = placement_waits,
        .ctx = serve, .bus = serve->parts.bus,
        .offset = kafka ? 0 : serve->start.settle_offset,
        .shared = kafka,
        .margin_e4 = config->cashout_margin * 100, .tracer = serve->parts.tracer,
    });
    return true;
}

struct bus_subscriber serve_subscribe_settle(struct serve *serve)
{
    return (struct bus_subscriber){ .on_results = settle_on_results,
                                    .on_slots = settle_set_slots,
                                    .ctx = serve->parts.settle };
}

/* ---- reports -------------------------------------------------------------- */

bool serve_wants_clickhouse(const struct settings *settings)
{
    return settings->config.analytics[0] != '\0';
}

bool serve_make_clickhouse(struct serve *serve, struct str *error)
{
    (void)error;
    serve->parts.clickhouse = clickhouse_new(&serve->loop, serve->settings.config.analytics);
    return true;
}

bool serve_make_reports(struct serve *serve, struct str *error)
{
    (void)error;
    serve->parts.reports = reports_new(serve->parts.store, serve->parts.clickhouse);
    return true;
}

bool serve_make_cohorts(struct serve *serve, struct str *error)
{
    (void)error;
    serve->parts.cohorts = cohorts_new(&(struct cohorts_options){
        .store = serve->parts.store, .clickhouse = serve->parts.clickhouse,
        .experiments = &serve->settings.experiments, .house = &serve->settings.house,
    });
    return true;
}
