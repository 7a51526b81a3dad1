/* Who asks, placement, the desk, risk; money that others have moved, read from Kafka. */
#include "serve/inside.h"

#include "analytics/traffic.h"
#include "base/clock.h"
#include "desk/desk.h"
#include "house/liability.h"
#include "risk/risk.h"
#include "topic/bus_kafka.h"
#include "who/who.h"

#define SHOWN_MS 20    /* what customers see of their bets waits for more */
#define COUNTED_MS 200 /* what is only counted does */

/* ---- the desk ------------------------------------------------------------- */

static void exposed(void *ctx, struct market_id market, struct str outcome,
                    int64_t *stakes_minor, int64_t *liability_minor)
{
    const struct serve *serve = ctx;

    risk_of_outcome(serve->parts.risk, market, outcome, stakes_minor, liability_minor);
}

bool serve_make_desk(struct serve *serve, struct str *error)
{
    (void)error;
    serve->parts.desk = desk_new(&(struct desk_options){
        .loop = &serve->loop, .feed = serve->parts.feed, .store = serve->parts.store,
        .book = serve_book(serve), .house = &serve->settings.house,
        .exposed = exposed, .ctx = serve,
    });
    return true;
}

/* ---- who asks ------------------------------------------------------------- */

static void on_exposed(void *ctx, int64_t account, const struct currency *currency, int64_t at_ms)
{
    const struct serve *serve = ctx;

    if (serve->parts.traffic != NULL)
        traffic_on_exposed(serve->parts.traffic, account, currency, at_ms);
}

bool serve_make_who(struct serve *serve, struct str *error)
{
    const struct settings *settings = &serve->settings;

    (void)error;
    serve->parts.who = who_new(&(struct who_options){
        .loop = &serve->loop, .store = serve->parts.store, .config = &settings->config,
        .countries = &settings->countries, .experiments = &settings->experiments,
        .on_exposed = on_exposed, .exposed_ctx = serve,
        .keys = serve->start.keys, .n_keys = serve->start.n_keys,
        .node = (uint32_t)serve->start.node, .shared = settings->played.bus,
    });
    return true;
}

/* ---- placement ------------------------------------------------------------ */

bool serve_make_bets(struct serve *serve, struct str *error)
{
    const struct settings *settings = &serve->settings;
    const struct parts *parts = &serve->parts;

    (void)error;
    serve->parts.bets = bets_new(&(struct bets_options){
        .who = parts->who, .loop = &serve->loop, .store = parts->store,
        .bus = parts->bus, .book = serve_book(serve),
        .config = &settings->config, .house = &settings->house,
        .delays = &settings->delays, .tracer = parts->tracer, .shared = settings->played.bus,
        .note = desk_note, .note_ctx = parts->desk,
    });
    return true;
}

/* Risk tells it what bets may cost, where there is risk. */
struct bus_subscriber serve_subscribe_bets(struct serve *serve)
{
    return (struct bus_subscriber){
        .on_prices = bets_on_prices,
        .on_money = serve->parts.risk == NULL ? bets_on_money : NULL,
        .ctx = serve->parts.bets,
    };
}

bool serve_open_bets(struct serve *serve, const struct db_halves *db, struct str *error)
{
    return liability_join(db->ledger, !serve->settings.played.bus, error);
}

/* ---- risk ----------------------------------------------------------------- */

bool serve_make_risk(struct serve *serve, struct str *error)
{
    const struct settings *settings = &serve->settings;
    struct bets *bets = serve->parts.bets;

    (void)error;
    serve->parts.risk = risk_new(&(struct risk_options){
        .store = serve->parts.store, .book = serve_book(serve), .house = &settings->house,
        .config = &settings->config,
        .on_change = bets == NULL ? NULL : bets_on_liability, .ctx = bets,
    });
    return true;
}

struct bus_subscriber serve_subscribe_risk(struct serve *serve)
{
    return (struct bus_subscriber){ .on_money = risk_on_money, .ctx = serve->parts.risk };
}

bool serve_open_risk(struct serve *serve, const struct db_halves *db, struct str *error)
{
    serve->start.counted_ms = clock_wall_ms();
    if (serve->settings.played.bus)
        serve->start.counted = ARENA_NEW(&serve->arena, struct xid_snapshot);
    return risk_load(serve->parts.risk, db->ledger, serve->start.counted, error);
}

/* ---- money of all processes, on Kafka --------------------------------------- */

/* Once the open bets are counted: from there on every event of any process. */
bool serve_open_money(struct serve *serve, const struct db_halves *db, struct str *error)
{
    const struct settings *settings = &serve->settings;
    const struct start *start = &serve->start;

    (void)db;
    (void)error;
    serve->parts.money = serve->parts.bus;
    bus_kafka_read_money(serve->parts.bus, &(struct money_in_options){
        .snapshot = start->counted,
        .margin_e4 = settings->config.cashout_margin * 100,
        .turns = !settings->played.web,
        .gather_ms = settings->played.web ? SHOWN_MS : COUNTED_MS,
        .since_ms = start->counted == NULL ? clock_wall_ms()
                                           : start->counted_ms - MONEY_IN_BEFORE_MS,
    });
    return true;
}

bool serve_stop_money(struct serve *serve, role_ended ended)
{
    (void)ended;
    bus_kafka_stop_money(serve->parts.money);
    serve->parts.money = NULL;
    return true;
}
