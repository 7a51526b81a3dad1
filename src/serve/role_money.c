/*
 * Money on Kafka: told by whoever settles (the relay), heard by whoever counts
 * or shows it.  Processes that commit money publish nothing of it themselves
 * there (tell in role_parts.c), so that everything is heard once.
 */
#include "serve/inside.h"

#include <inttypes.h>
#include <sodium.h>
#include <unistd.h>

#include "base/clock.h"
#include "topic/money_in.h"
#include "risk/risk.h"
#include "settle/relay.h"

#define RELAY_LEASE_MS 3000
#define SHOWN_MS 20    /* what customers see of their bets waits for more */
#define COUNTED_MS 200 /* what is only counted does */

/* Of this process alone, and for a person to find it. */
static const char *relay_owner(struct serve *serve)
{
    char host[64] = "";

    (void)gethostname(host, sizeof(host) - 1);
    return arena_cstr(&serve->arena, arena_printf(&serve->arena, "%s:%d:%08" PRIx32, host,
                                                  (int)getpid(), randombytes_random()));
}

void serve_make_relay(struct serve *serve, struct kafka *kafka)
{
    serve->relay = relay_new(&(struct relay_options){
        .loop = &serve->loop, .store = serve->store, .kafka = kafka,
        .experiments = &serve->experiments, .tracer = serve->tracer,
        .owner = relay_owner(serve), .lease_ms = RELAY_LEASE_MS,
    });
}

bool serve_load_risk(struct serve *serve, struct db *db, struct str *error)
{
    if (serve->risk == NULL)
        return true;
    serve->start.counted_ms = clock_wall_ms();
    if (serve->roles.bus)
        serve->start.counted = ARENA_NEW(&serve->arena, struct snapshot);
    return risk_load(serve->risk, db, serve->start.counted, error);
}

void serve_make_money(struct serve *serve, struct kafka *kafka)
{
    const struct start *start = &serve->start;

    serve->money = money_in_new(&(struct money_in_options){
        .kafka = kafka, .bus = serve->bus, .snapshot = start->counted,
        .margin_e4 = serve->config.cashout_margin * 100,
        .turns = !serve->roles.web, .gather_ms = serve->roles.web ? SHOWN_MS : COUNTED_MS,
        .since_ms = start->counted == NULL ? clock_wall_ms()
                                           : start->counted_ms - MONEY_IN_BEFORE_MS,
    });
}

void serve_stop_money(struct serve *serve)
{
    money_in_free(serve->money);
    serve->money = NULL;
    if (serve->relay != NULL)
        relay_stop(serve->relay, serve_stop_next, serve);
    else
        serve_stop_next(serve);
}
