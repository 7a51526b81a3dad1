/*
 * The roles on Kafka, whichever are played here.
 *
 *   feed     the log -> topic feed
 *   odds     feed -> the book in partitions -> prices, results
 *   bets,    prices -> a book that is only read; money from bets, transfers;
 *   web      the log is followed, for what the desk writes
 *   settle   results -> facts -> money; outbox -> bets, transfers
 *
 * What is divided by partitions is made when Kafka has said how many there are.
 */
#include "serve/inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "bus/kafka.h"
#include "topic/prices_in.h"
#include "feed/uof.h"
#include "model/slot.h"
#include "odds/partitions.h"
#include "topic/results_in.h"
#include "settle/relay.h"
#include "settle/settle.h"
#include "web/web.h"

#define LOOK_MS 50
#define AWAY_LOOKS 100 /* Kafka is away: what the store has is settled all the same */
#define CLOSE_MS 5000

bool serve_bus_config_is_well(const struct config *config, struct arena *arena,
                              struct str *error)
{
    int64_t n = config->partitions;

    if (n < 1 || n > SLOTS || (n & (n - 1)) != 0) {
        *error = STR("partitions must be 1, 2, 4, 8, 16, 32 or 64");
        return false;
    }
    return strcmp(config->bus, "local") == 0 ||
           kafka_check(config->bus, config->kafka_conf, arena, error);
}

/* ---- divided by partitions -------------------------------------------------- */

static bool parse_entry(void *ctx, struct str body, struct arena *arena, struct message *message)
{
    struct uof_error error;

    if (uof_parse(ctx, body, true, arena, message, &error))
        return true;
    log_error("odds", "an entry of the log cannot be read", "error='%s'", error.text);
    return false;
}

static void make_partitions(struct serve *serve)
{
    serve->parser = uof_parser_new();
    serve->partitions = partitions_new(&(struct partitions_options){
        .loop = &serve->loop, .store = serve->store, .kafka = serve->kafka,
        .count = (unsigned)serve->config.partitions, .since_ms = serve->start.book_from_ms,
        .parse = parse_entry, .ctx = serve->parser,
    });
}

static void on_slots(void *settle, uint64_t slots)
{
    settle_set_slots(settle, slots);
}

static void make_divided(struct serve *serve)
{
    const struct config *config = &serve->config;

    if (serve->roles.odds)
        make_partitions(serve);
    if (serve->roles.settle)
        serve->intake = results_in_new(&(struct results_in_options){
            .kafka = serve->kafka, .count = (unsigned)config->partitions,
            .on_slots = on_slots, .on_results = settle_on_results, .ctx = serve->settle });
    if (serve->shards != NULL)
        serve->mirror = prices_in_new(&(struct prices_in_options){
            .loop = &serve->loop, .kafka = serve->kafka, .bus = serve->bus,
            .book = serve->shards, .live_silence_ms = config->live_silence_ms,
            .prematch_silence_ms = config->prematch_silence_ms });
}

static void on_look(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    unsigned partitions = kafka_partitions(serve->kafka);

    if (partitions == 0) {
        if (serve->settle != NULL && ++serve->looks == AWAY_LOOKS)
            settle_set_slots(serve->settle, UINT64_MAX); /* until the group says whose */
        return;
    }
    if (partitions != serve->config.partitions) {
        fprintf(stderr, "overround: the topics have %u partitions: --partitions must say so,"
                        " not %" PRId64 "\n", partitions, serve->config.partitions);
        exit(1);
    }
    uv_timer_stop(timer);
    make_divided(serve);
}

/* ---- made ------------------------------------------------------------------ */

static void make_book(struct serve *serve)
{
    serve->shards = book_sharded_new((unsigned)serve->config.partitions);
    serve->book = serve->shards;
    if (!serve->roles.web)
        return;
    serve->web = web_new(serve->book);
    serve_make_stream(serve);
}

static void make_around_book(struct serve *serve)
{
    serve_make_desk(serve);
    serve_make_who(serve);
    if (serve->roles.bets)
        serve_make_bets(serve, NULL);
    if (serve->roles.web)
        serve_make_risk(serve);
    else
        bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_money = bets_on_money,
                                                            .ctx = serve->bets });
    serve_make_traffic(serve, serve->kafka);
    if (serve->web != NULL)
        bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_prices = web_on_prices,
                                                            .ctx = serve->web });
}

static bool book_is_whole(const void *ctx)
{
    const struct serve *serve = ctx;

    return serve->shards == NULL || (serve->mirror != NULL && prices_in_is_ready(serve->mirror));
}

static void make_routes(struct serve *serve)
{
    const struct roles *roles = &serve->roles;

    serve->routes = (struct routes){
        .who = roles->bets ? serve->who : NULL, .bets = serve->bets,
        .web = serve->web, .stream = serve->stream,
        .feed = roles->feed ? serve->feed : NULL,
        .desk = roles->web ? serve->desk : NULL, .risk = roles->web ? serve->risk : NULL,
        .reports = serve->reports, .cohorts = serve->cohorts, .serve = serve,
        .operators = serve->operators, .book_is_whole = book_is_whole,
    };
}

void serve_make_bus(struct serve *serve)
{
    bool public = roles_are_public(&serve->roles);

    serve->bus = bus_local_new();
    serve->kafka = kafka_new(&(struct kafka_options){
        .loop = &serve->loop, .url = serve->config.bus, .conf = serve->config.kafka_conf,
        .partitions = serve->config.partitions, .client = "overround",
        .linger_ms = serve->roles.feed || serve->roles.odds ? 0 : RELAY_LINGER_MS,
    });
    if (public)
        make_book(serve);
    if (public || serve->roles.feed)
        serve_make_feed(serve);
    if (serve->roles.settle) {
        serve_make_settle(serve);
        serve_make_relay(serve, serve->kafka);
    }
    if (public)
        make_around_book(serve);
    make_routes(serve);
    uv_timer_init(&serve->loop, &serve->look);
    serve->look.data = serve;
    uv_timer_start(&serve->look, on_look, 0, LOOK_MS);
}

void serve_facts_stored(void *ctx, const struct fact *facts, uint32_t n)
{
    struct serve *serve = ctx;

    if (serve->intake != NULL)
        results_in_stored(serve->intake, facts, n);
}

/* ---- asked ------------------------------------------------------------------ */

/* The log, the wallet and settlement go on without Kafka; who has had the book
 * sells nothing of it then. */
const char *serve_bus_not_ready(const struct serve *serve)
{
    if (serve->roles.odds && !kafka_is_up(serve->kafka))
        return "Kafka cannot be reached";
    if (serve->roles.odds && (serve->partitions == NULL ||
                              !partitions_are_ready(serve->partitions)))
        return "a partition is being taken over";
    if (!book_is_whole(serve))
        return "the book is not whole";
    return NULL;
}

void serve_bus_metrics(struct serve *serve)
{
    if (serve->kafka == NULL)
        return;
    kafka_metrics(serve->kafka);
    if (serve->shards != NULL)
        partitions_metrics(serve->shards);
    else if (serve->partitions != NULL)
        partitions_metrics(partitions_book(serve->partitions));
    if (serve->mirror != NULL)
        prices_in_metrics(serve->mirror);
}

/* ---- the end ---------------------------------------------------------------- */

unsigned serve_leave_groups(struct serve *serve, void (*on_left)(void *ctx))
{
    unsigned n = 0;

    if (serve->kafka == NULL)
        return 0;
    uv_close((uv_handle_t *)&serve->look, NULL);
    if (serve->partitions != NULL) {
        n++;
        partitions_stop(serve->partitions, on_left, serve);
    }
    if (serve->intake != NULL) {
        n++;
        results_in_stop(serve->intake, on_left, serve);
    }
    return n;
}

void serve_stop_kafka(struct serve *serve)
{
    if (serve->mirror != NULL)
        prices_in_close(serve->mirror);
    serve->mirror = NULL;
    if (serve->kafka != NULL)
        kafka_close(serve->kafka, CLOSE_MS, serve_stop_next, serve);
    else
        serve_stop_next(serve);
}

void serve_free_bus(struct serve *serve)
{
    if (serve->kafka == NULL)
        return;
    partitions_free(serve->partitions);
    results_in_free(serve->intake);
    if (serve->parser != NULL)
        uof_parser_free(serve->parser);
    kafka_free(serve->kafka);
}
