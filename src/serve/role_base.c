/*
 * What every role stands on: the store, the bus, operators; how long
 * the loop's turns take, where spans go, and who keeps house.
 */
#include "serve/inside.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/build.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "settle/relay.h"
#include "store/maintain.h"
#include "topic/bus_kafka.h"
#include "trace/tracer.h"

/* ---- the loop's turns ----------------------------------------------------- */

struct turns {
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    int64_t started_us;
};

static void on_after_poll(uv_check_t *check)
{
    struct turns *turns = check->data;

    turns->started_us = clock_mono_us();
}

static void on_before_poll(uv_prepare_t *prepare)
{
    struct turns *turns = prepare->data;

    if (turns->started_us > 0)
        metric_observe(METRIC_LOOP_SECONDS, clock_mono_us() - turns->started_us);
}

bool serve_make_turns(struct serve *serve, struct str *error)
{
    struct turns *turns = ARENA_NEW(&serve->arena, struct turns);

    (void)error;
    uv_prepare_init(&serve->loop, &turns->before_poll);
    uv_check_init(&serve->loop, &turns->after_poll);
    turns->before_poll.data = turns->after_poll.data = turns;
    uv_prepare_start(&turns->before_poll, on_before_poll);
    uv_check_start(&turns->after_poll, on_after_poll);
    serve->parts.turns = turns;
    return true;
}

bool serve_stop_turns(struct serve *serve, role_ended ended)
{
    (void)ended;
    uv_close((uv_handle_t *)&serve->parts.turns->before_poll, NULL);
    uv_close((uv_handle_t *)&serve->parts.turns->after_poll, NULL);
    return true;
}

/* ---- traces --------------------------------------------------------------- */

bool serve_make_tracer(struct serve *serve, struct str *error)
{
    const struct config *config = &serve->settings.config;
    char host[64] = "";

    (void)gethostname(host, sizeof(host) - 1);
    serve->parts.tracer = tracer_new(&(struct tracer_options){
        .endpoint = config->trace_otlp, .ratio_e4 = config->trace_ratio,
        .rate = config->trace_rate, .follow_rate = config->trace_follow_rate,
        .resource = {
            .service = "overround", .version = build_version(), .role = config->role,
            .instance = arena_cstr(&serve->arena, arena_printf(&serve->arena, "%s:%d", host,
                                                               (int)getpid())),
        },
    });
    if (serve->parts.tracer == NULL)
        *error = STR("libcurl cannot start");
    return serve->parts.tracer != NULL;
}

/* ---- the store ------------------------------------------------------------ */

/* Connections for what is played here alone. */
static struct store_options store_options(const struct settings *settings)
{
    const struct played *played = &settings->played;
    bool sells = played->book || played->bets;

    return (struct store_options){
        .url = settings->config.store,
        .ledger_url = settings->config.ledger,
        .lanes = sells ? (unsigned)settings->config.lanes : 1,
        .readers = played->book || played_is_public(played) || played->settle
                       ? (unsigned)settings->config.readers : 1,
        .company = played->bus ? STORE_TOGETHER : played->book ? STORE_ALONE : STORE_BESIDE,
        .no_money = played->bus && !played_is_public(played),
        .no_settle = played->bus && !played->settle,
        .relay = played->bus && played->settle,
    };
}

bool serve_make_store(struct serve *serve, struct str *error)
{
    struct store_options options = store_options(&serve->settings);

    serve->parts.store = store_open(&serve->loop, &options, &serve->arena, error);
    return serve->parts.store != NULL;
}

/* Pages, prices and streams are served without the store, and must not be taken
 * out of the load balancer with it. */
const char *serve_store_not_ready(const struct serve *serve)
{
    const struct played *played = &serve->settings.played;
    bool needs_store = played->feed || played->odds || played->bets || played->settle;

    return needs_store && !store_is_up(serve->parts.store) ? "the store cannot be reached" : NULL;
}

void serve_store_metrics(struct serve *serve)
{
    metric_set(METRIC_STORE_UP, STR_NONE, store_is_up(serve->parts.store));
}

bool serve_stop_store(struct serve *serve, role_ended ended)
{
    store_close(serve->parts.store, ended, serve); /* which frees it */
    serve->parts.store = NULL;
    return false;
}

bool serve_wants_maintain(const struct settings *settings)
{
    return !settings->played.bus || settings->played.settle ||
           strncmp(settings->config.store, "sqlite:", 7) != 0;
}

bool serve_open_maintain(struct serve *serve, const struct db_halves *db, struct str *error)
{
    const struct settings *settings = &serve->settings;

    (void)db;
    (void)error;
    serve->parts.maintain = maintain_new(&serve->loop, serve->parts.store,
                                         &(struct maintain_options){
        .keeps_house = !settings->played.bus || settings->played.settle,
        .has_clock = strncmp(settings->config.store, "sqlite:", 7) != 0,
        .feed_log_hours = settings->config.feed_log_hours,
        .trace_hours = settings->config.trace_keep_hours,
    });
    return true;
}

/* ---- operators ------------------------------------------------------------ */

/* An operator without a token of their own gets one; it is only printed. */
static const char *make_operator_token(struct serve *serve)
{
    uint8_t bytes[24];
    char text[sodium_base64_ENCODED_LEN(sizeof(bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(text, sizeof(text), bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    printf("operator token %s\n", text);
    return arena_cstr(&serve->arena, str_of(text));
}

bool serve_make_operators(struct serve *serve, struct str *error)
{
    (void)error;
    serve->parts.operators = operators_new(&serve->loop, serve->parts.store);
    return true;
}

bool serve_open_operators(struct serve *serve, const struct db_halves *db, struct str *error)
{
    return operators_load(serve->parts.operators, db->journal, error);
}

void serve_start_operators(struct serve *serve)
{
    const char *token = serve->settings.config.operator_token;

    if (token[0] == '\0')
        token = make_operator_token(serve);
    operators_set_root(serve->parts.operators, str_of(token));
    operators_start(serve->parts.operators);
}

/* ---- the bus ---------------------------------------------------------------- */

static void give_up(struct str why)
{
    fprintf(stderr, "overround: " STR_FMT "\n", STR_ARG(why));
    exit(1);
}

/* What is divided by partitions is made when Kafka has said how many there are. */
static void on_partitions(void *ctx, unsigned n)
{
    struct serve *serve = ctx;
    int64_t wanted = serve->settings.config.partitions;
    struct str error;

    if (n != wanted)
        give_up(arena_printf(&serve->arena, "the topics have %u partitions: --partitions must"
                                            " say so, not %" PRId64, n, wanted));
    if (!roles_make_divided(serve, &error))
        give_up(error);
}

bool serve_make_bus(struct serve *serve, struct str *error)
{
    const struct settings *settings = &serve->settings;
    const struct config *config = &settings->config;
    const struct played *played = &settings->played;

    (void)error;
    serve->parts.bus = !played->bus ? bus_local_new() : bus_kafka_new(&(struct bus_kafka_options){
        .kafka = {
            .loop = &serve->loop, .url = config->bus, .conf = config->kafka_conf,
            .partitions = config->partitions, .client = "overround",
            .linger_ms = played->feed || played->odds ? 0 : RELAY_LINGER_MS,
        },
        .book = serve->parts.shards, .live_silence_ms = config->live_silence_ms,
        .prematch_silence_ms = config->prematch_silence_ms, .results = played->settle,
        .on_partitions = on_partitions, .ctx = serve,
    });
    return true;
}

bool serve_drain_bus(struct serve *serve, role_ended ended)
{
    return !bus_leave(serve->parts.bus, ended, serve);
}

bool serve_stop_bus(struct serve *serve, role_ended ended)
{
    return !bus_close(serve->parts.bus, ended, serve);
}
