/*
 * The roles, wired.
 *
 *   store <- settle, bets, feed          bus: feed -> odds -> web, settle
 */
#include "serve/inside.h"

#include <unistd.h>

#include "analytics/cohorts.h"
#include "analytics/traffic.h"
#include "topic/prices_in.h"
#include "desk/desk.h"
#include "feed/amqp.h"
#include "feed/feed.h"
#include "feed/lease.h"
#include "odds/odds.h"
#include "risk/risk.h"
#include "settle/relay.h"
#include "settle/reports.h"
#include "settle/settle.h"
#include "store/maintain.h"
#include "trace/tracer.h"
#include "web/stream.h"
#include "web/web.h"

/* ---- the stream's sessions ---------------------------------------------- */

static void on_identity(void *ctx, enum who_session state,
                        const struct who_identity *identity)
{
    static const enum stream_session sessions[] = {
        [WHO_SESSION_GOOD] = STREAM_SESSION_GOOD,
        [WHO_SESSION_OVER] = STREAM_SESSION_OVER,
        [WHO_SESSION_BUSY] = STREAM_SESSION_BUSY,
    };

    stream_answer(ctx, sessions[state],
                  &(struct stream_identity){ identity->account, identity->epoch,
                                             identity->expires_ms });
}

static void identify(void *ctx, struct str token, struct stream_question *question)
{
    struct serve *serve = ctx;

    who_identify(serve->who, token, on_identity, question);
}

static void confirm(void *ctx, const struct stream_identity *identity,
                    struct stream_question *question)
{
    struct serve *serve = ctx;

    who_confirm(serve->who,
                 &(struct who_identity){ identity->account, identity->epoch,
                                          identity->expires_ms },
                 on_identity, question);
}

void serve_make_stream(struct serve *serve)
{
    serve->stream = stream_new(&(struct stream_options){
        .loop = &serve->loop, .book = serve->book,
        .tick_ms = serve->config.stream_tick_ms, .stall_ms = serve->config.stream_stall_s * 1000,
        .identify = identify, .confirm = confirm, .ctx = serve,
    });
    bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_prices = stream_on_prices,
                                                        .on_money = stream_on_money,
                                                        .ctx = serve->stream });
}

static bool placement_waits(void *ctx)
{
    struct serve *serve = ctx;

    return serve->bets != NULL && bets_are_queued(serve->bets);
}

static void exposed(void *ctx, struct market_id market, struct str outcome,
                    int64_t *stakes_minor, int64_t *liability_minor)
{
    const struct serve *serve = ctx;

    risk_of_outcome(serve->risk, market, outcome, stakes_minor, liability_minor);
}

void serve_make_traffic(struct serve *serve, struct kafka *kafka)
{
    char host[64] = "";

    (void)gethostname(host, sizeof(host) - 1);
    serve->traffic = traffic_new(&(struct traffic_options){
        .loop = &serve->loop,
        .process = arena_cstr(&serve->arena, arena_printf(&serve->arena, "%s:%d", host,
                                                          (int)getpid())),
        .experiments = &serve->experiments, .kafka = kafka,
    });
}

static void on_exposed(void *ctx, int64_t account, const struct currency *currency, int64_t at_ms)
{
    const struct serve *serve = ctx;

    if (serve->traffic != NULL)
        traffic_on_exposed(serve->traffic, account, currency, at_ms);
}

static void look_at_mirror(void *ctx)
{
    const struct serve *serve = ctx;

    if (serve->mirror != NULL)
        prices_in_check_silence(serve->mirror);
}

void serve_make_who(struct serve *serve)
{
    serve->who = who_new(&(struct who_options){
        .loop = &serve->loop, .store = serve->store, .config = &serve->config,
        .countries = &serve->countries, .experiments = &serve->experiments,
        .on_exposed = on_exposed, .exposed_ctx = serve,
        .keys = serve->start.keys, .n_keys = serve->start.n_keys,
        .node = (uint32_t)serve->start.node, .shared = serve->roles.bus,
    });
}

void serve_make_bets(struct serve *serve, struct bus *told)
{
    serve->bets = bets_new(&(struct bets_options){
        .who = serve->who, .loop = &serve->loop, .store = serve->store, .bus = told,
        .book = serve->book, .look = look_at_mirror, .look_ctx = serve,
        .config = &serve->config, .house = &serve->house,
        .delays = &serve->delays, .tracer = serve->tracer, .shared = serve->roles.bus,
        .note = desk_note, .note_ctx = serve->desk,
    });
    bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_prices = bets_on_prices,
                                                        .ctx = serve->bets });
}

void serve_make_risk(struct serve *serve)
{
    serve->risk = risk_new(&(struct risk_options){
        .store = serve->store, .book = serve->book, .house = &serve->house,
        .config = &serve->config,
        .on_change = serve->bets == NULL ? NULL : bets_on_liability, .ctx = serve->bets,
    });
    bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_money = risk_on_money,
                                                        .ctx = serve->risk });
}

void serve_make_settle(struct serve *serve)
{
    serve->settle = settle_new(&(struct settle_options){
        .loop = &serve->loop, .store = serve->store, .placement_waits = placement_waits,
        .ctx = serve, .bus = serve->roles.bus ? NULL : serve->bus, /* role_money.c */
        .offset = serve->roles.bus ? 0 : serve->start.settle_offset,
        .shared = serve->roles.bus, .on_stored = serve->roles.bus ? serve_facts_stored : NULL,
        .margin_e4 = serve->config.cashout_margin * 100, .tracer = serve->tracer,
    });
    serve_make_reports(serve);
}

void serve_make_reports(struct serve *serve)
{
    if (serve->config.analytics[0] != '\0')
        serve->clickhouse = clickhouse_new(&serve->loop, serve->config.analytics);
    serve->reports = reports_new(serve->store, serve->clickhouse);
    serve->cohorts = cohorts_new(&(struct cohorts_options){
        .store = serve->store, .clickhouse = serve->clickhouse,
        .experiments = &serve->experiments, .house = &serve->house,
    });
}

void serve_make_desk(struct serve *serve)
{
    serve->desk = desk_new(&(struct desk_options){
        .loop = &serve->loop, .feed = serve->feed, .store = serve->store,
        .book = serve->book, .house = &serve->house, .exposed = exposed, .ctx = serve,
    });
}

static void make_book(struct serve *serve)
{
    serve->odds = odds_new(serve->bus);
    serve->book = odds_book(serve->odds);
    serve->web = web_new(serve->book);
    serve_make_stream(serve);
}

/* In this order: who hears of a price or of money first. */
static void make_around_book(struct serve *serve)
{
    serve_make_settle(serve);
    serve_make_desk(serve);
    serve_make_who(serve);
    serve_make_bets(serve, serve->bus);
    serve_make_risk(serve);
    bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_feed = odds_on_feed,
                                                        .ctx = serve->odds });
    bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_prices = web_on_prices,
                                                        .ctx = serve->web });
    bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_results = settle_on_results,
                                                        .ctx = serve->settle });
}

void serve_make_local(struct serve *serve)
{
    serve->bus = bus_local_new();
    if (serve->roles.book)
        make_book(serve);
    serve_make_feed(serve);
    if (serve->roles.book)
        make_around_book(serve);
    serve->routes = (struct routes){
        .who = serve->who, .bets = serve->bets, .web = serve->web,
        .stream = serve->stream, .feed = serve->feed,
        .reports = serve->reports, .cohorts = serve->cohorts, .desk = serve->desk,
        .risk = serve->risk, .serve = serve,
        .operators = serve->operators,
    };
}

/* What is not played here was never made. */
#define FREE_PART(part, free_it) \
    do { \
        if ((part) != NULL) \
            free_it(part); \
    } while (0)

void serve_free_parts(struct serve *serve)
{
    FREE_PART(serve->maintain, maintain_free);
    operators_free(serve->operators);
    FREE_PART(serve->public_server, http_server_free);
    FREE_PART(serve->operator_server, http_server_free);
    FREE_PART(serve->bets, bets_free);
    FREE_PART(serve->who, who_free);
    FREE_PART(serve->reports, reports_free);
    FREE_PART(serve->cohorts, cohorts_free);
    FREE_PART(serve->clickhouse, clickhouse_free);
    FREE_PART(serve->traffic, traffic_free);
    FREE_PART(serve->desk, desk_free);
    FREE_PART(serve->relay, relay_free);
    FREE_PART(serve->risk, risk_free);
    FREE_PART(serve->settle, settle_free);
    FREE_PART(serve->amqp, amqp_feed_free);
    FREE_PART(serve->lease, lease_free);
    FREE_PART(serve->feed, feed_free);
    FREE_PART(serve->stream, stream_free);
    FREE_PART(serve->web, web_free);
    FREE_PART(serve->odds, odds_free);
    serve_free_bus(serve);
    book_free(serve->shards);
    bus_free(serve->bus);
    FREE_PART(serve->tracer, tracer_free); /* all have told it what they did */
}
