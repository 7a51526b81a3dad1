/*
 * What the files of serve share; nobody else includes it.
 *
 *   serve.c          settings, start, the loop
 *   load.c           what is read from the store before the first request
 *   listen.c         listeners, probes, metrics
 *   role_feed.c      the feed and who leads it
 *   role_parts.c     the other roles, wired: all in one process
 *   role_kafka.c     the same on Kafka, whichever of them are played here
 *   role_money.c     money told and heard on Kafka
 *   trace.c          where spans go
 *   stop.c           SIGTERM: drained, then ended in order
 */
#ifndef SERVE_INSIDE_H
#define SERVE_INSIDE_H

#include "base/config.h"
#include "bets/bets.h"
#include "bus/bus.h"
#include "feed/watch.h"
#include "model/country.h"
#include "model/experiment.h"
#include "model/house.h"
#include "net/http.h"
#include "serve/operators.h"
#include "serve/played.h"
#include "serve/routes.h"
#include "serve/serve.h"
#include "store/db.h"
#include "store/store.h"

#define KEYS_MAX 16

/* What is read from the store before serving. */
struct start {
    struct who_key keys[KEYS_MAX];
    unsigned n_keys;
    int64_t node, settle_offset, feed_position, replay_from_ms, book_from_ms;
    struct snapshot *counted;  /* on Kafka: under which the open bets were counted */
    int64_t counted_ms;
};

struct serve {
    struct config config;
    struct roles roles;
    struct house house;
    struct country_rules countries;
    struct experiments experiments;
    struct watch_recovery recovery;
    struct delay_settings delays;
    uv_loop_t loop;
    struct arena arena;
    struct start start;
    struct store *store;
    struct bus *bus;
    const struct book *book;   /* NULL: nothing here asks one */
    /* What this process does not play is NULL. */
    struct odds *odds;
    struct feed *feed;
    struct lease *lease;
    struct amqp_feed *amqp;    /* NULL: none configured */
    struct settle *settle;
    struct who *who;           /* whose sessions these are: role bets, and web */
    struct bets *bets;
    struct web *web;
    struct stream *stream;
    struct reports *reports;
    struct cohorts *cohorts;
    struct clickhouse *clickhouse; /* NULL: none configured */
    struct traffic *traffic;   /* NULL: without Kafka nobody is told */
    struct risk *risk;
    struct tracer *tracer;     /* NULL: nothing is traced */
    /* on Kafka */
    struct kafka *kafka;
    struct uof_parser *parser; /* of partitions */
    struct partitions *partitions;
    struct results_in *intake;
    struct book *shards;       /* that the mirror writes */
    struct prices_in *mirror;
    struct relay *relay;
    struct money_in *money;
    uv_timer_t look;           /* until the number of partitions is known */
    unsigned looks;
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
    unsigned undrained;        /* listeners, AMQP */
    unsigned stop_step;
    bool draining, stopping;
};

/* load.c: reads, makes the roles, reads what they need.  Blocking. */
bool serve_load(struct serve *serve, struct str *error) MUST_USE;

/* listen.c */
bool serve_listen(struct serve *serve) MUST_USE;
void serve_announce(const struct serve *serve);

/* role_feed.c: writes the log, or reads what another process writes. */
void serve_make_feed(struct serve *serve);
bool serve_feed_config_is_well(const struct config *config, const char **why) MUST_USE;

/* role_parts.c */
void serve_make_stream(struct serve *serve);
void serve_make_settle(struct serve *serve); /* with its reports */
void serve_make_reports(struct serve *serve);
/* Requests and exposures, told on the topic traffic. */
struct kafka;
void serve_make_traffic(struct serve *serve, struct kafka *kafka);
void serve_make_desk(struct serve *serve);
void serve_make_who(struct serve *serve);
void serve_make_bets(struct serve *serve, struct bus *told);
void serve_make_risk(struct serve *serve);
void serve_make_local(struct serve *serve); /* every role of --bus local */
void serve_free_parts(struct serve *serve);

/* role_kafka.c */
bool serve_bus_config_is_well(const struct config *config, struct arena *arena,
                              struct str *error) MUST_USE;
void serve_make_bus(struct serve *serve); /* every role of --bus kafka://… */
void serve_facts_stored(void *serve, const struct fact *facts, uint32_t n);
const char *serve_bus_not_ready(const struct serve *serve); /* NULL: it is */
void serve_bus_metrics(struct serve *serve);
/* At SIGTERM, so that others take over; how often on_left(serve) will come. */
unsigned serve_leave_groups(struct serve *serve, void (*on_left)(void *ctx));
void serve_stop_kafka(struct serve *serve); /* a step of stopping */
void serve_free_bus(struct serve *serve);

/* role_money.c */
bool serve_load_risk(struct serve *serve, struct db *db, struct str *error) MUST_USE;
void serve_make_relay(struct serve *serve, struct kafka *kafka); /* role settle */
/* Once the open bets are counted: from there on every event of any process. */
void serve_make_money(struct serve *serve, struct kafka *kafka);
/* A step of stopping, before Kafka is closed; relay_free() behind that. */
void serve_stop_money(struct serve *serve);

/* trace.c */
bool serve_trace_config_is_well(const struct config *config, const char **why) MUST_USE;
bool serve_make_tracer(struct serve *serve) MUST_USE; /* if one is wanted */

/* stop.c */
void serve_start_signals(struct serve *serve);
/* The step of stopping that runs has ended. */
void serve_stop_next(void *serve);

#endif
