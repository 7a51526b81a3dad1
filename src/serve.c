/*
 * Serve: the roles in one process.
 *
 *   store <- settle, bets, feed          bus: feed -> odds -> web, settle
 *
 * Start: store, keys, the book from the stored log, then the restart entry,
 * then the listeners.  SIGTERM: not ready any more, listeners drain, then
 * feed, settlement and the store, then the loop ends by itself.
 */
#include "serve.h"

#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "bets/bets.h"
#include "bets/liability.h"
#include "desk/desk.h"
#include "feed/amqp.h"
#include "feed/feed.h"
#include "feed/lease.h"
#include "model/house.h"
#include "net/answer.h"
#include "odds/odds.h"
#include "operators.h"
#include "risk/risk.h"
#include "roles.h"
#include "routes.h"
#include "settle/reports.h"
#include "settle/settle.h"
#include "store/db.h"
#include "store/maintain.h"
#include "web/stream.h"
#include "web/web.h"

#define ARENA_BYTES (16 * 1024 * 1024)
#define KEYS_MAX 16
#define DRAIN_POLL_MS 5
#define LEASE_MIN_MS 200

/* What is read from the store before serving. */
struct start {
    struct bets_key keys[KEYS_MAX];
    unsigned n_keys;
    int64_t node, settle_offset, feed_position, replay_from_ms;
};

struct serve {
    struct config config;
    struct roles roles;
    struct house house;
    struct watch_recovery recovery;
    struct delay_settings delays;
    uv_loop_t loop;
    struct arena arena;
    struct start start;
    struct store *store;
    struct bus *bus;
    struct odds *odds;
    struct feed *feed;
    struct lease *lease;
    struct amqp_feed *amqp; /* NULL: none configured */
    struct settle *settle;
    struct bets *bets;
    struct web *web;
    struct stream *stream;
    struct reports *reports;
    struct risk *risk;
    struct maintain *maintain;
    struct operators *operators;
    struct desk_calls *desk;
    struct http_server *public_server, *operator_server;
    struct routes routes;
    uv_signal_t on_term, on_int;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_timer_t drain_poll, drain_limit;
    int64_t turn_started_us;
    unsigned undrained; /* listeners, AMQP */
    bool draining, stopping;
};

/* ---- operator's probes ------------------------------------------------ */

void serve_get_health(void *ctx, struct http_request *request)
{
    (void)ctx;
    answer_json(request, 200, STR("{\"status\":\"alive\"}"));
}

static const char *not_ready(const struct serve *serve)
{
    if (serve->draining)
        return "draining";
    if (!store_is_up(serve->store))
        return "the store cannot be reached";
    if (!feed_is_recovered(serve->feed))
        return "the book is not recovered";
    if (!lease_is_led(serve->lease) && !serve->roles.feed)
        return "no process leads the feed";
    return NULL;
}

/* Prices may be sold: somebody watches the producers. */
static bool is_live(const struct serve *serve)
{
    return feed_is_recovered(serve->feed) &&
           (feed_leads(serve->feed) || lease_is_led(serve->lease));
}

static const char *role_name(const struct serve *serve)
{
    return feed_leads(serve->feed) ? "leader" : serve->roles.feed ? "standby" : "follower";
}

void serve_get_ready(void *ctx, struct http_request *request)
{
    const char *why = not_ready(ctx);

    if (why == NULL)
        answer_json(request, 200, arena_printf(&request->arena,
                                               "{\"status\":\"ready\",\"role\":\"%s\"}",
                                               role_name(ctx)));
    else
        answer_refusal(request, REFUSE_BUSY, str_of(why), STR_NONE);
}

static void gauge_listener(const char *name, const struct http_server *server)
{
    if (server != NULL)
        metric_set(METRIC_HTTP_CONNECTIONS, str_of(name),
                   (int64_t)http_server_counts(server).connections);
}

void serve_get_metrics(void *ctx, struct http_request *request)
{
    struct serve *serve = ctx;
    struct buf out;

    odds_metrics(serve->odds);
    feed_metrics(serve->feed);
    if (serve->amqp != NULL)
        amqp_feed_metrics(serve->amqp);
    if (serve->bets != NULL)
        bets_metrics(serve->bets);
    risk_metrics(serve->risk);
    settle_metrics(serve->settle);
    stream_metrics(serve->stream);
    metric_set(METRIC_STORE_UP, STR_NONE, store_is_up(serve->store));
    gauge_listener("public", serve->public_server);
    gauge_listener("operator", serve->operator_server);
    buf_init(&out, LIMIT_RESPONSE_BYTES);
    metrics_write(&out);
    http_respond(request, 200, "text/plain; version=0.0.4; charset=utf-8", buf_view(&out), NULL, 0);
    buf_fini(&out);
}

/* ---- listeners --------------------------------------------------------- */

static void on_public(void *ctx, struct http_request *request)
{
    struct serve *serve = ctx;
    struct str bets = STR("/v1/bets"); /* placing, and cashing out: at what is shown now */

    if (str_eq(request->method, STR("POST")) && request->path.n >= bets.n &&
        memcmp(request->path.p, bets.p, bets.n) == 0 && !is_live(serve)) {
        answer_refusal(request, REFUSE_BUSY, STR("the feed is not followed now"), STR_NONE);
        return;
    }
    routes_dispatch(&serve->routes, LISTENER_PUBLIC, request);
}

static void on_operator(void *ctx, struct http_request *request)
{
    struct serve *serve = ctx;

    routes_dispatch(&serve->routes, LISTENER_OPERATOR, request);
}

static enum refusal refusal_of_status(int status)
{
    switch (status) {
    case 408: return REFUSE_REQUEST_TIMEOUT;
    case 413: return REFUSE_TOO_LARGE;
    case 431: return REFUSE_HEADERS_TOO_LARGE;
    default: return REFUSE_MALFORMED;
    }
}

static void on_refuse(void *ctx, int status, const char *why, struct buf *body,
                      const char **content_type)
{
    (void)ctx;
    if (status == 413)
        metric_add(METRIC_FEED_REFUSED, STR("too_large"), 1);
    answer_refusal_body(body, refusal_of_status(status), str_of(why), STR_NONE);
    *content_type = "application/problem+json";
}

/* A tenth of the files is for the store, the other listener and the rest. */
static size_t connections_max(void)
{
    struct rlimit limit;
    size_t files;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 2 * LIMIT_CONNECTIONS)
        return LIMIT_CONNECTIONS;
    files = (size_t)limit.rlim_cur;
    files -= files / 10;
    return files < LIMIT_CONNECTIONS ? files : LIMIT_CONNECTIONS;
}

static struct http_server *listen_on(struct serve *serve, const char *address,
                                     void (*on_request)(void *, struct http_request *),
                                     const char *large_path)
{
    struct http_options options = {
        .listen = address,
        .body_limit = LIMIT_BODY_BYTES,
        .large_path = large_path,
        .large_body_limit = LIMIT_FEED_BODY_BYTES,
        .max_connections = connections_max(),
        .on_request = on_request,
        .on_refuse = on_refuse,
        .ctx = serve,
    };
    struct str error;
    struct http_server *server = http_server_new(&serve->loop, &options, &serve->arena, &error);

    if (server == NULL)
        fprintf(stderr, "overround: cannot listen on %s: " STR_FMT "\n", address, STR_ARG(error));
    return server;
}

/* ---- start ------------------------------------------------------------- */

static bool on_key(void *ctx, const struct value *cells)
{
    struct start *start = ctx;

    if (start->n_keys == KEYS_MAX || cells[1].s.n != sizeof(start->keys[0].seed))
        return false;
    start->keys[start->n_keys].kid = cells[0].i;
    memcpy(start->keys[start->n_keys++].seed, cells[1].s.p, cells[1].s.n);
    return true;
}

static bool on_number(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

/* The newest keys, oldest first; a first one is made when there is none. */
static bool load_keys(struct db *db, struct start *start, struct str *error)
{
    static const char select[] =
        "SELECT kid, seed FROM (SELECT kid, seed FROM signing_keys ORDER BY kid DESC LIMIT 16)"
        " AS newest ORDER BY kid";
    struct value fresh[3];
    uint8_t seed[32];

    if (!db_query(db, select, "", NULL, "ib", on_key, start, error) || start->n_keys > 0)
        return start->n_keys > 0;
    randombytes_buf(seed, sizeof(seed));
    fresh[0] = VALUE_INT(1);
    fresh[1] = VALUE_STR(((struct str){ (const char *)seed, sizeof(seed) }));
    fresh[2] = VALUE_INT(clock_wall_ms());
    /* Another process may be first: then its key is read. */
    return db_query(db, "INSERT INTO signing_keys (kid, seed, created_ms) VALUES ($1, $2, $3)"
                        " ON CONFLICT DO NOTHING", "ibi", fresh, "", NULL, NULL, error) &&
           db_query(db, select, "", NULL, "ib", on_key, start, error);
}

static bool load_numbers(struct db *db, struct start *start, struct str *error)
{
    return db_query(db, "UPDATE meta SET value = (value + 1) % 1024 WHERE name = 'node'"
                        " RETURNING value", "", NULL, "i", on_number, &start->node, error) &&
           db_query(db, "SELECT value FROM meta WHERE name = 'settle_offset'", "", NULL, "i",
                    on_number, &start->settle_offset, error) &&
           db_query(db, "SELECT COALESCE(MAX(pos), 0) FROM feed_log", "", NULL, "i",
                    on_number, &start->feed_position, error);
}

struct replay {
    struct feed *feed;
    uint64_t n;
    int64_t last;
};

static bool on_log_row(void *ctx, const struct value *cells)
{
    struct replay *replay = ctx;

    (void)!feed_replay(replay->feed, cells[0].i, cells[1].i, cells[2].s);
    replay->last = cells[0].i;
    if (++replay->n % 100000 == 0)
        log_info("serve", "rebuilding the book", "entries=%" PRIu64 " position=%" PRId64,
                 replay->n, replay->last);
    return true;
}

/*
 * The book from the log: all documents, what is recent, what settlement has
 * not stored yet, and each alive and turn, which say where to recover from.
 * Who will write a restart needs no older prices: nothing is bettable until it
 * is listed again.
 */
#define LOG_OF_BOOK \
    "SELECT pos, at_ms, body FROM feed_log WHERE type IN (8, 10, 11, 12, 13, 14)" \
    " OR at_ms >= $1 OR pos > $2 ORDER BY pos"
/* Who has no book knows the producers. */
#define LOG_OF_FEED \
    "SELECT pos, at_ms, body FROM feed_log WHERE type IN (8, 9, 12, 13)" \
    " OR (at_ms >= $1 AND pos > $2) ORDER BY pos"

static bool replay_log(struct serve *serve, struct db *db, struct str *error)
{
    struct replay replay = { .feed = serve->feed };
    struct value params[] = { VALUE_INT(serve->start.replay_from_ms),
                              VALUE_INT(serve->start.settle_offset) };
    int64_t started_us = clock_mono_us();

    if (!serve->roles.book)
        params[1] = VALUE_INT(INT64_MAX);
    if (!db_query(db, serve->roles.book ? LOG_OF_BOOK : LOG_OF_FEED, "ii", params, "iis",
                  on_log_row, &replay, error))
        return false;
    log_info("serve", "book rebuilt from the log", "entries=%" PRIu64 " ms=%" PRId64, replay.n,
             (clock_mono_us() - started_us) / 1000);
    return true;
}

/* ---- who leads the feed ------------------------------------------------ */

static void on_lease(void *ctx, int64_t epoch)
{
    struct serve *serve = ctx;

    if (epoch > 0)
        feed_lead(serve->feed, epoch);
    else
        feed_follow(serve->feed);
}

static void on_fenced(void *ctx)
{
    struct serve *serve = ctx;

    lease_lost(serve->lease);
}

static void on_lead(void *ctx, bool leads)
{
    struct serve *serve = ctx;

    if (serve->amqp != NULL)
        amqp_feed_lead(serve->amqp, leads);
}

static void make_amqp(struct serve *serve)
{
    const struct config *config = &serve->config;

    if (config->amqp_url[0] == '\0' || !serve->roles.feed)
        return;
    serve->amqp = amqp_feed_new(&(struct amqp_feed_options){
        .loop = &serve->loop, .feed = serve->feed, .store = serve->store,
        .session = {
            .url = config->amqp_url, .exchange = config->amqp_exchange,
            .bindings = config->amqp_bindings, .queue = config->amqp_queue,
            .ca = config->amqp_ca, .prefetch = (uint16_t)config->amqp_prefetch,
            .node = config->recovery_node,
        },
    });
}

static bool amqp_config_is_well(const struct config *config, const char **why)
{
    if (config->amqp_url[0] == '\0')
        return true;
    if (!amqp_session_check(config->amqp_url, why))
        return false;
    *why = "amqp-prefetch must be from 1 to 10000";
    return config->amqp_prefetch >= 1 && config->amqp_prefetch <= LIMIT_PREFETCH;
}

/*
 * The server's lease may be taken by its successor at once: the store's
 * exclusive lock proves that the former one is gone.  Processes of the feed
 * alone are many, and each is its own owner.
 */
static void owner_name(const struct serve *serve, char *out, size_t room)
{
    char host[64] = "";
    uint32_t chance = randombytes_random();

    (void)gethostname(host, sizeof(host) - 1);
    if (serve->roles.book)
        (void)snprintf(out, room, "server");
    else
        (void)snprintf(out, room, "%s:%d:%08" PRIx32, host, (int)getpid(), chance);
}

static void make_feed(struct serve *serve)
{
    const struct config *config = &serve->config;
    char owner[100];

    owner_name(serve, owner, sizeof(owner));

    serve->feed = feed_new(&(struct feed_options){
        .loop = &serve->loop, .store = serve->store, .bus = serve->bus,
        .producer_silence_ms = config->producer_silence_s * 1000,
        .shared = serve->roles.shared,
        .recovery = &serve->recovery,
        .on_lead = on_lead, .on_fenced = on_fenced, .ctx = serve,
    });
    make_amqp(serve);
    serve->lease = lease_new(&(struct lease_options){
        .loop = &serve->loop, .store = serve->store, .name = "feed", .owner = owner,
        /* Who only sells notices sooner than another can take over. */
        .lease_ms = serve->roles.feed ? config->lease_ms : config->lease_ms * 3 / 5,
        .watches = !serve->roles.feed, .on_change = on_lease, .ctx = serve,
    });
}

/* ---- the stream's sessions ---------------------------------------------- */

static void on_identity(void *ctx, enum bets_session_state state,
                        const struct bets_identity *identity)
{
    static const enum stream_session sessions[] = {
        [BETS_SESSION_GOOD] = STREAM_SESSION_GOOD,
        [BETS_SESSION_OVER] = STREAM_SESSION_OVER,
        [BETS_SESSION_BUSY] = STREAM_SESSION_BUSY,
    };

    stream_answer(ctx, sessions[state],
                  &(struct stream_identity){ identity->account, identity->epoch,
                                             identity->expires_ms });
}

static void identify(void *ctx, struct str token, struct stream_question *question)
{
    struct serve *serve = ctx;

    bets_identify(serve->bets, token, on_identity, question);
}

static void confirm(void *ctx, const struct stream_identity *identity,
                    struct stream_question *question)
{
    struct serve *serve = ctx;

    bets_confirm(serve->bets,
                 &(struct bets_identity){ identity->account, identity->epoch,
                                          identity->expires_ms },
                 on_identity, question);
}

static void make_stream(struct serve *serve)
{
    serve->stream = stream_new(&(struct stream_options){
        .loop = &serve->loop, .book = odds_book(serve->odds),
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

static void make_bets(struct serve *serve)
{
    if (!serve->roles.book)
        return;
    serve->bets = bets_new(&(struct bets_options){
        .loop = &serve->loop, .store = serve->store, .bus = serve->bus,
        .book = odds_book(serve->odds), .config = &serve->config, .house = &serve->house,
        .delays = &serve->delays,
        .keys = serve->start.keys, .n_keys = serve->start.n_keys,
        .node = (uint32_t)serve->start.node,
        .note = desk_note, .note_ctx = serve->desk,
    });
    bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_prices = bets_on_prices,
                                                        .ctx = serve->bets });
}

static void make_risk(struct serve *serve)
{
    serve->risk = risk_new(&(struct risk_options){
        .store = serve->store, .book = odds_book(serve->odds), .house = &serve->house,
        .config = &serve->config,
        .on_change = serve->bets == NULL ? NULL : bets_on_liability, .ctx = serve->bets,
    });
    bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_money = risk_on_money,
                                                        .ctx = serve->risk });
}

static void make_roles(struct serve *serve)
{
    serve->operators = operators_new(&serve->loop, serve->store);
    serve->bus = bus_local_new();
    serve->odds = odds_new(serve->bus);
    serve->web = web_new(odds_book(serve->odds));
    make_stream(serve);
    make_feed(serve);
    serve->settle = settle_new(&(struct settle_options){
        .loop = &serve->loop, .store = serve->store, .placement_waits = placement_waits,
        .ctx = serve, .bus = serve->bus, .offset = serve->start.settle_offset,
        .margin_e4 = serve->config.cashout_margin * 100,
    });
    serve->desk = desk_new(&(struct desk_options){
        .feed = serve->feed, .store = serve->store, .book = odds_book(serve->odds),
        .house = &serve->house, .exposed = exposed, .ctx = serve,
    });
    make_bets(serve);
    make_risk(serve);
    serve->reports = reports_new(serve->store);
    if (serve->roles.book) /* else the book stays empty, and all that hears of it idle */
        bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_feed = odds_on_feed,
                                                            .ctx = serve->odds });
    bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_prices = web_on_prices,
                                                        .ctx = serve->web });
    bus_subscribe(serve->bus, &(struct bus_subscriber){ .on_results = settle_on_results,
                                                        .ctx = serve->settle });
    serve->routes = (struct routes){
        .bets = serve->bets, .web = serve->web, .stream = serve->stream, .feed = serve->feed,
        .reports = serve->reports, .desk = serve->desk, .risk = serve->risk, .serve = serve,
        .operators = serve->operators,
    };
}

/* Without a book there is nothing to ask but the feed. */
static void narrow_routes(struct serve *serve)
{
    if (!serve->roles.book)
        serve->routes = (struct routes){ .feed = serve->feed, .serve = serve,
                                         .operators = serve->operators };
}

/* Everything that is read by blocking calls, before the first request. */
static bool load(struct serve *serve, struct str *error)
{
    struct db *db = db_open(serve->config.store, DB_WRITE, &serve->arena, error);
    bool well;

    if (db == NULL)
        return false;
    serve->start.replay_from_ms = clock_wall_ms() - 3600000 *
        (serve->roles.feed ? serve->config.replay_hours : serve->config.feed_log_hours);
    well = load_keys(db, &serve->start, error) && load_numbers(db, &serve->start, error);
    if (well) {
        make_roles(serve);
        narrow_routes(serve);
        well = operators_load(serve->operators, db, error) && replay_log(serve, db, error) &&
               (!serve->roles.book ||
                (liability_join(db, serve->start.node, clock_wall_ms(), true, error) &&
                 risk_load(serve->risk, db, error)));
    }
    db_close(db);
    return well;
}

/* An operator without a token of their own gets one; it is only printed. */
static void make_operator_token(struct serve *serve)
{
    uint8_t bytes[24];
    char text[sodium_base64_ENCODED_LEN(sizeof(bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

    if (serve->config.operator_token[0] != '\0')
        return;
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(text, sizeof(text), bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    serve->config.operator_token = arena_cstr(&serve->config.arena, str_of(text));
    printf("operator token %s\n", text);
}

/* ---- stop -------------------------------------------------------------- */

static void on_store_closed(void *ctx)
{
    (void)ctx;
    log_info("serve", "stopped", NULL);
}

static void close_handles(struct serve *serve)
{
    uv_close((uv_handle_t *)&serve->drain_poll, NULL);
    uv_close((uv_handle_t *)&serve->drain_limit, NULL);
    uv_close((uv_handle_t *)&serve->before_poll, NULL);
    uv_close((uv_handle_t *)&serve->after_poll, NULL);
}

static void on_lease_stopped(void *ctx)
{
    struct serve *serve = ctx;

    feed_stop(serve->feed);
    maintain_stop(serve->maintain);
    operators_stop(serve->operators);
    close_handles(serve);
    store_close(serve->store, on_store_closed, serve);
}

/* Nothing is written any more that the successor would have to wait for. */
static void on_settle_stopped(void *ctx)
{
    struct serve *serve = ctx;

    lease_stop(serve->lease, on_lease_stopped, serve);
}

/* Listeners are drained: what they left in the roles comes to its end. */
static void on_drain_poll(uv_timer_t *timer)
{
    struct serve *serve = timer->data;

    if (serve->stopping || serve->undrained > 0 ||
        (serve->bets != NULL && !bets_idle(serve->bets)) ||
        !feed_idle(serve->feed) || !maintain_idle(serve->maintain) ||
        !operators_idle(serve->operators))
        return;
    serve->stopping = true;
    uv_timer_stop(&serve->drain_limit);
    settle_stop(serve->settle, on_settle_stopped, serve);
}

static void on_listener_drained(void *ctx)
{
    struct serve *serve = ctx;

    CHECK(serve->undrained > 0);
    serve->undrained--;
}

static void on_drain_limit(uv_timer_t *timer)
{
    (void)timer;
    log_error("serve", "requests in flight did not end; leaving", NULL);
    exit(1);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct serve *serve = handle->data;

    if (serve->draining)
        return;
    log_info("serve", "draining", "signal=%d", number);
    serve->draining = true;
    if (serve->bets != NULL)
        bets_drain(serve->bets);
    feed_drain(serve->feed);
    serve->undrained = serve->public_server == NULL ? 1 : 2;
    uv_close((uv_handle_t *)&serve->on_term, NULL);
    uv_close((uv_handle_t *)&serve->on_int, NULL);
    stream_drain(serve->stream);
    if (serve->public_server != NULL)
        http_server_drain(serve->public_server, on_listener_drained, serve);
    http_server_drain(serve->operator_server, on_listener_drained, serve);
    if (serve->amqp != NULL) {
        serve->undrained++;
        amqp_feed_stop(serve->amqp, on_listener_drained, serve);
    }
    uv_timer_start(&serve->drain_poll, on_drain_poll, DRAIN_POLL_MS, DRAIN_POLL_MS);
    uv_timer_start(&serve->drain_limit, on_drain_limit, (uint64_t)serve->config.drain_s * 1000, 0);
}

/* ---- the loop ----------------------------------------------------------- */

static void on_after_poll(uv_check_t *check)
{
    struct serve *serve = check->data;

    serve->turn_started_us = clock_mono_us();
}

static void on_before_poll(uv_prepare_t *prepare)
{
    struct serve *serve = prepare->data;

    if (serve->turn_started_us > 0)
        metric_observe(METRIC_LOOP_SECONDS, clock_mono_us() - serve->turn_started_us);
}

static void start_handles(struct serve *serve)
{
    uv_signal_init(&serve->loop, &serve->on_term);
    uv_signal_init(&serve->loop, &serve->on_int);
    uv_timer_init(&serve->loop, &serve->drain_poll);
    uv_timer_init(&serve->loop, &serve->drain_limit);
    uv_prepare_init(&serve->loop, &serve->before_poll);
    uv_check_init(&serve->loop, &serve->after_poll);
    serve->on_term.data = serve->on_int.data = serve->drain_poll.data = serve;
    serve->before_poll.data = serve->after_poll.data = serve->drain_limit.data = serve;
    uv_signal_start(&serve->on_term, on_signal, SIGTERM);
    uv_signal_start(&serve->on_int, on_signal, SIGINT);
    uv_prepare_start(&serve->before_poll, on_before_poll);
    uv_check_start(&serve->after_poll, on_after_poll);
}

static bool start(struct serve *serve)
{
    struct config *config = &serve->config;
    struct store_options options = {
        .url = config->store,
        .lanes = serve->roles.book ? (unsigned)config->lanes : 1,
        .readers = serve->roles.book ? (unsigned)config->readers : 1,
        .shared = !serve->roles.book,
    };
    struct str error = STR_NONE;

    serve->store = store_open(&serve->loop, &options, &serve->arena, &error);
    if (serve->store == NULL || !load(serve, &error)) {
        fprintf(stderr, "overround: " STR_FMT "\n", STR_ARG(error));
        return false;
    }
    make_operator_token(serve);
    operators_set_root(serve->operators, str_of(config->operator_token));
    if (serve->roles.book)
        serve->public_server = listen_on(serve, config->listen, on_public, NULL);
    serve->operator_server = listen_on(serve, config->operator_listen, on_operator, "/v1/feed");
    if ((serve->roles.book && serve->public_server == NULL) || serve->operator_server == NULL)
        return false;
    start_handles(serve);
    serve->maintain = maintain_new(&serve->loop, serve->store, config->feed_log_hours);
    /* The log may have been trimmed behind what settlement has stored. */
    feed_start(serve->feed, serve->start.feed_position > serve->start.settle_offset
                                ? serve->start.feed_position : serve->start.settle_offset);
    lease_start(serve->lease);
    if (serve->roles.book)
        settle_start(serve->settle);
    stream_start(serve->stream);
    operators_start(serve->operators);
    return true;
}

static void announce(const struct serve *serve)
{
    if (serve->public_server == NULL)
        printf("listening public=none operator=127.0.0.1:%d\n",
               http_server_port(serve->operator_server));
    else
        printf("listening public=127.0.0.1:%d operator=127.0.0.1:%d\n",
               http_server_port(serve->public_server), http_server_port(serve->operator_server));
    fflush(stdout);
}

static void free_roles(struct serve *serve)
{
    maintain_free(serve->maintain);
    operators_free(serve->operators);
    http_server_free(serve->public_server);
    http_server_free(serve->operator_server);
    if (serve->bets != NULL)
        bets_free(serve->bets);
    reports_free(serve->reports);
    desk_free(serve->desk);
    risk_free(serve->risk);
    settle_free(serve->settle);
    amqp_feed_free(serve->amqp);
    lease_free(serve->lease);
    feed_free(serve->feed);
    stream_free(serve->stream);
    web_free(serve->web);
    odds_free(serve->odds);
    bus_free(serve->bus);
}

static bool set_log_level(const char *name)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };

    for (unsigned i = 0; i < LENGTH(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            log_set_level((enum log_level)i);
            return true;
        }
    }
    fprintf(stderr, "overround: log-level must be debug, info, warn or error, not \"%s\"\n", name);
    return false;
}

/* As many files as the machine allows: a connection is one. */
static void raise_file_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool read_recovery(struct serve *serve, struct str *error)
{
    const struct config *config = &serve->config;
    struct watch_recovery *recovery = &serve->recovery;

    recovery->url = config->recovery_url;
    recovery->token = config->recovery_token;
    recovery->node = config->recovery_node;
    recovery->timeout_ms = config->recovery_timeout_s * 1000;
    recovery->request_ms = config->recovery_request_ms;
    recovery->pause_ms = config->recovery_pause_ms;
    return recovery_read_addresses(str_of(config->producers), &recovery->addresses,
                                   &serve->arena, error);
}

int serve_main(int argc, char **argv)
{
    static struct serve serve; /* one a process; too large for a stack */
    struct str error;
    const char *why;

    CHECK(sodium_init() >= 0);
    arena_init(&serve.arena, ARENA_BYTES);
    if (!config_read(&serve.config, argc, argv, &error)) {
        fprintf(stderr, "overround: " STR_FMT "; see overround serve --help\n", STR_ARG(error));
        return 2;
    }
    if (!set_log_level(serve.config.log_level))
        return 2;
    if (!house_read(&serve.house, str_of(serve.config.house_currency),
                    str_of(serve.config.rates), &serve.arena, &error) ||
        !read_recovery(&serve, &error) ||
        !delay_read_settings(str_of(serve.config.live_delays), serve.config.live_delay_ms,
                             &serve.delays, &serve.arena, &error)) {
        fprintf(stderr, "overround: " STR_FMT "\n", STR_ARG(error));
        return 2;
    }
    if (!roles_parse(&serve.roles, str_of(serve.config.role), str_of(serve.config.store),
                     &error)) {
        fprintf(stderr, "overround: " STR_FMT "\n", STR_ARG(error));
        return 2;
    }
    if (!amqp_config_is_well(&serve.config, &why)) {
        fprintf(stderr, "overround: %s\n", why);
        return 2;
    }
    if (serve.config.lease_ms < LEASE_MIN_MS) {
        fprintf(stderr, "overround: lease-ms must be at least %d\n", LEASE_MIN_MS);
        return 2;
    }
    if (serve.config.check_only)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    CHECK(uv_loop_init(&serve.loop) == 0);
    if (!start(&serve))
        return 1;
    announce(&serve);
    while (uv_run(&serve.loop, UV_RUN_DEFAULT) != 0)
        ;
    free_roles(&serve);
    uv_run(&serve.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&serve.loop);
    config_free(&serve.config);
    arena_fini(&serve.arena);
    return 0;
}
