/*
 * Shared by the files of serve; no other directory includes it.
 *
 *   serve.c        the subcommand: settings, start, the loop, the end
 *   settings.c     reads the settings, and checks that they go together
 *   played.c       --role: which roles this process plays
 *   roles.c        the table: a row for each part
 *   role.c         its walks: start, ready, metrics, drain, stop, free
 *   role_base.c    store, operators, tracer, Kafka: the base of every role
 *   role_book.c    the book: written here, or read from Kafka
 *   role_feed.c    the feed, its lease, AMQP
 *   role_bets.c    placement, the desk, risk
 *   role_settle.c  settlement, its relay and reports
 *   role_web.c     pages, snapshots and the stream
 *   load.c         reads from the store before all else
 *   listen.c       the two listeners;  routes.c  from a request to its handler
 *   probe.c        health, readiness, metrics
 *   ending.c       SIGTERM: drains, then stops
 *   operators.c    operators and their tokens
 */
#ifndef SERVE_INSIDE_H
#define SERVE_INSIDE_H

#include "bets/bets.h"
#include "bus/bus.h"
#include "net/http.h"
#include "serve/operators.h"
#include "serve/role.h"
#include "serve/routes.h"
#include "serve/settings.h"
#include "store/halves.h"
#include "store/store.h"

#define KEYS_MAX 16

/*
 * The parts, in the order in which they are made; roles.c has a row for each.
 * What this process does not play is NULL.
 *
 * PART(BIT, member, struct)
 */
#define PARTS_OF(PART) \
    PART(TURNS, turns, turns) \
    PART(TRACER, tracer, tracer) \
    PART(STORE, store, store) \
    PART(DB, db, db_halves)                  /* until all have read from it */ \
    PART(OPERATORS, operators, operators) \
    PART(SHARDS, shards, book)               /* the book, read from Kafka */ \
    PART(BUS, bus, bus) \
    PART(ODDS, odds, odds)                   /* the book, written here */ \
    PART(WHO, who, who)                      /* whose sessions these are */ \
    PART(WEB, web, web) \
    PART(STREAM, stream, stream) \
    PART(FEED, feed, feed) \
    PART(AMQP, amqp, amqp_feed) \
    PART(LEASE, lease, lease) \
    PART(RELAY, relay, relay) \
    PART(SETTLE, settle, settle) \
    PART(CLICKHOUSE, clickhouse, clickhouse) \
    PART(REPORTS, reports, reports) \
    PART(COHORTS, cohorts, cohorts) \
    PART(DESK, desk, desk_calls) \
    PART(BETS, bets, bets) \
    PART(RISK, risk, risk) \
    PART(TRAFFIC, traffic, traffic) \
    PART(MONEY, money, bus)                  /* the bus, once it delivers money */ \
    PART(PARSER, parser, uof_parser)         /* of partitions */ \
    PART(PARTITIONS, partitions, partitions) \
    PART(PUBLIC, public_listener, http_server) \
    PART(OPERATOR, operator_listener, http_server) \
    PART(MAINTAIN, maintain, maintain)

enum part_id {
#define PART(bit, member, type) PART_##bit,
    PARTS_OF(PART)
#undef PART
    PARTS
};

struct parts {
#define PART(bit, member, type) struct type *member;
    PARTS_OF(PART)
#undef PART
};

/* What is read from the store before all. */
struct start {
    struct who_key keys[KEYS_MAX];
    unsigned n_keys;
    int64_t node, settle_offset, feed_position, replay_from_ms, book_from_ms;
    struct xid_snapshot *counted;  /* on Kafka: under which the open bets were counted */
    int64_t counted_ms;
};

/* From SIGTERM, or a start that failed, on: ending.c, role.c. */
struct ending {
    uv_signal_t on_term, on_int;
    uv_timer_t poll, limit;
    bool heeds_signals, draining, stopping;
    unsigned undrained;          /* parts that will call back */
    unsigned to_stop;            /* parts before this one */
    role_ended on_all_stopped;
};

struct serve {
    const struct role *roles;    /* PARTS rows */
    struct settings settings;
    struct arena arena;
    uv_loop_t loop;
    struct start start;
    struct parts parts;
    struct routes routes;
    struct ending ending;
};

/* serve.c: all of it but the loop.  False: *error, and serve_end() will end
 * what was made. */
bool serve_begin(struct serve *serve, struct str *error) MUST_USE;
/* Runs the loop until all is stopped, frees. */
void serve_end(struct serve *serve);

/* roles.c */
extern const struct role serve_roles[PARTS];

/* role_base.c, load.c */
bool serve_make_turns(struct serve *serve, struct str *error) MUST_USE;
bool serve_stop_turns(struct serve *serve, role_ended ended) MUST_USE;
bool serve_make_tracer(struct serve *serve, struct str *error) MUST_USE;
bool serve_make_store(struct serve *serve, struct str *error) MUST_USE;
const char *serve_store_not_ready(const struct serve *serve);
void serve_store_metrics(struct serve *serve);
bool serve_stop_store(struct serve *serve, role_ended ended) MUST_USE;
bool serve_make_db(struct serve *serve, struct str *error) MUST_USE; /* reads `start` */
void serve_start_db(struct serve *serve);
bool serve_make_operators(struct serve *serve, struct str *error) MUST_USE;
bool serve_open_operators(struct serve *serve, const struct db_halves *db,
                          struct str *error) MUST_USE;
void serve_start_operators(struct serve *serve);
bool serve_make_bus(struct serve *serve, struct str *error) MUST_USE;
bool serve_drain_bus(struct serve *serve, role_ended ended) MUST_USE;
bool serve_stop_bus(struct serve *serve, role_ended ended) MUST_USE;
bool serve_wants_maintain(const struct settings *settings) MUST_USE;
bool serve_open_maintain(struct serve *serve, const struct db_halves *db,
                         struct str *error) MUST_USE;

/* role_book.c */
const struct book *serve_book(const struct serve *serve); /* NULL: nothing here asks one */
bool serve_book_is_whole(const struct serve *serve) MUST_USE;
bool serve_make_odds(struct serve *serve, struct str *error) MUST_USE;
struct bus_subscriber serve_subscribe_odds(struct serve *serve);
bool serve_make_shards(struct serve *serve, struct str *error) MUST_USE;
void serve_shards_metrics(struct serve *serve);
bool serve_make_parser(struct serve *serve, struct str *error) MUST_USE;
bool serve_make_partitions(struct serve *serve, struct str *error) MUST_USE;
const char *serve_partitions_not_ready(const struct serve *serve);
void serve_partitions_metrics(struct serve *serve);
const char *serve_book_not_ready(const struct serve *serve);

/* role_feed.c: writes the log, or reads what another process writes. */
bool serve_make_feed(struct serve *serve, struct str *error) MUST_USE;
bool serve_open_feed(struct serve *serve, const struct db_halves *db, struct str *error) MUST_USE;
void serve_start_feed(struct serve *serve);
const char *serve_feed_not_ready(const struct serve *serve);
bool serve_make_lease(struct serve *serve, struct str *error) MUST_USE;
const char *serve_lease_not_ready(const struct serve *serve);
bool serve_wants_amqp(const struct settings *settings) MUST_USE;
bool serve_make_amqp(struct serve *serve, struct str *error) MUST_USE;

/* role_bets.c */
bool serve_make_desk(struct serve *serve, struct str *error) MUST_USE;
bool serve_make_who(struct serve *serve, struct str *error) MUST_USE;
bool serve_make_bets(struct serve *serve, struct str *error) MUST_USE;
struct bus_subscriber serve_subscribe_bets(struct serve *serve);
bool serve_open_bets(struct serve *serve, const struct db_halves *db, struct str *error) MUST_USE;
bool serve_make_risk(struct serve *serve, struct str *error) MUST_USE;
struct bus_subscriber serve_subscribe_risk(struct serve *serve);
bool serve_open_risk(struct serve *serve, const struct db_halves *db, struct str *error) MUST_USE;
bool serve_open_money(struct serve *serve, const struct db_halves *db, struct str *error) MUST_USE;
bool serve_stop_money(struct serve *serve, role_ended ended) MUST_USE;

/* role_settle.c */
bool serve_make_relay(struct serve *serve, struct str *error) MUST_USE;
bool serve_make_settle(struct serve *serve, struct str *error) MUST_USE;
struct bus_subscriber serve_subscribe_settle(struct serve *serve);
bool serve_wants_clickhouse(const struct settings *settings) MUST_USE;
bool serve_make_clickhouse(struct serve *serve, struct str *error) MUST_USE;
bool serve_make_reports(struct serve *serve, struct str *error) MUST_USE;
bool serve_make_cohorts(struct serve *serve, struct str *error) MUST_USE;

/* role_web.c */
bool serve_make_web(struct serve *serve, struct str *error) MUST_USE;
struct bus_subscriber serve_subscribe_web(struct serve *serve);
bool serve_make_stream(struct serve *serve, struct str *error) MUST_USE;
struct bus_subscriber serve_subscribe_stream(struct serve *serve);
bool serve_drain_stream(struct serve *serve, role_ended ended) MUST_USE;
/* Requests and exposures, published on the topic traffic. */
bool serve_make_traffic(struct serve *serve, struct str *error) MUST_USE;

/* listen.c */
bool serve_open_public(struct serve *serve, const struct db_halves *db, struct str *error) MUST_USE;
void serve_public_metrics(struct serve *serve);
bool serve_open_operator(struct serve *serve, const struct db_halves *db,
                         struct str *error) MUST_USE;
void serve_operator_metrics(struct serve *serve);
void serve_announce(const struct serve *serve);

/* ending.c */
void ending_heed_signals(struct serve *serve);
void ending_begin(struct serve *serve);

#endif
