/*
 * The table of roles: what a process is made of.  A new role, or a new part of
 * one, is a row here and a member of struct parts (inside.h).
 */
#include "serve/inside.h"

#include "analytics/clickhouse.h"
#include "analytics/cohorts.h"
#include "analytics/traffic.h"
#include "desk/desk.h"
#include "feed/amqp.h"
#include "feed/feed.h"
#include "feed/lease.h"
#include "feed/uof.h"
#include "odds/odds.h"
#include "odds/partitions.h"
#include "risk/risk.h"
#include "settle/relay.h"
#include "settle/reports.h"
#include "settle/settle.h"
#include "store/maintain.h"
#include "trace/tracer.h"
#include "web/stream.h"
#include "web/web.h"
#include "who/who.h"

/* ---- a part's own functions, called for a row ------------------------------ */

#define CALL(phase, member, function) \
    static void phase##_##member(struct serve *serve) \
    { \
        function(serve->parts.member); \
    }
#define START(member, function) CALL(start, member, function)
#define METRICS(member, function) CALL(metrics, member, function)
#define FREE(member, function) CALL(free, member, function)
#define IDLE(member, function) \
    static bool idle_##member(struct serve *serve) \
    { \
        return function(serve->parts.member); \
    }
/* Which have ended when they return ... */
#define AT_ONCE(phase, member, function) \
    static bool phase##_##member(struct serve *serve, role_ended ended) \
    { \
        (void)ended; \
        function(serve->parts.member); \
        return true; \
    }
/* ... and which call back. */
#define LATER(phase, member, function) \
    static bool phase##_##member(struct serve *serve, role_ended ended) \
    { \
        function(serve->parts.member, ended, serve); \
        return false; \
    }

METRICS(tracer, tracer_metrics)
FREE(tracer, tracer_free)
FREE(db, db_close_halves)
IDLE(operators, operators_idle)
AT_ONCE(stop, operators, operators_stop)
FREE(operators, operators_free)
METRICS(bus, bus_metrics)
FREE(bus, bus_free)
METRICS(odds, odds_metrics)
FREE(odds, odds_free)
FREE(shards, book_free)
IDLE(who, who_is_idle)
FREE(who, who_free)
FREE(web, web_free)
START(stream, stream_start)
METRICS(stream, stream_metrics)
FREE(stream, stream_free)
METRICS(feed, feed_metrics)
AT_ONCE(drain, feed, feed_drain)
IDLE(feed, feed_idle)
AT_ONCE(stop, feed, feed_stop)
FREE(feed, feed_free)
METRICS(amqp, amqp_feed_metrics)
LATER(drain, amqp, amqp_feed_stop)
FREE(amqp, amqp_feed_free)
START(lease, lease_start)
LATER(stop, lease, lease_stop)
FREE(lease, lease_free)
METRICS(relay, relay_metrics)
LATER(stop, relay, relay_stop)
FREE(relay, relay_free)
START(settle, settle_start)
METRICS(settle, settle_metrics)
LATER(stop, settle, settle_stop)
FREE(settle, settle_free)
FREE(clickhouse, clickhouse_free)
FREE(reports, reports_free)
FREE(cohorts, cohorts_free)
FREE(desk, desk_free)
METRICS(bets, bets_metrics)
AT_ONCE(drain, bets, bets_drain)
IDLE(bets, bets_idle)
FREE(bets, bets_free)
METRICS(risk, risk_metrics)
FREE(risk, risk_free)
AT_ONCE(stop, traffic, traffic_stop)
FREE(traffic, traffic_free)
FREE(parser, uof_parser_free)
LATER(drain, partitions, partitions_stop)
FREE(partitions, partitions_free)
LATER(drain, public_listener, http_server_drain)
FREE(public_listener, http_server_free)
LATER(drain, operator_listener, http_server_drain)
FREE(operator_listener, http_server_free)
IDLE(maintain, maintain_idle)
AT_ONCE(stop, maintain, maintain_stop)
FREE(maintain, maintain_free)

static bool wants_tracer(const struct settings *settings)
{
    return settings->config.trace_otlp[0] != '\0';
}

/* Of the arena. */
static void free_nothing(struct serve *serve)
{
    (void)serve;
}

/* ---- the table ------------------------------------------------------------ */

#define BIT(part) (UINT64_C(1) << PART_##part)
#define BOOK (BIT(ODDS) | BIT(SHARDS))
#define ROW(id, member) \
    [PART_##id] = { .name = #member, .part = offsetof(struct parts, member)

const struct role serve_roles[PARTS] = {
    ROW(TURNS, turns), .bus = ON_EITHER, .played = PLAYED_ALL,
        .make = serve_make_turns, .stop = serve_stop_turns, .free = free_nothing },

    ROW(TRACER, tracer), .bus = ON_EITHER, .played = PLAYED_ALL, .is_wanted = wants_tracer,
        .make = serve_make_tracer, .metrics = metrics_tracer, .free = free_tracer },

    ROW(STORE, store), .bus = ON_EITHER, .played = PLAYED_ALL,
        .make = serve_make_store, .not_ready = serve_store_not_ready,
        .metrics = serve_store_metrics, .stop = serve_stop_store },

    ROW(DB, db), .bus = ON_EITHER, .played = PLAYED_ALL, .needs = { BIT(STORE) },
        .make = serve_make_db, .start = serve_start_db, .free = free_db },

    ROW(OPERATORS, operators), .bus = ON_EITHER, .played = PLAYED_ALL,
        .needs = { BIT(STORE), BIT(DB) },
        .make = serve_make_operators, .open = serve_open_operators,
        .start = serve_start_operators, .is_idle = idle_operators, .stop = stop_operators,
        .free = free_operators },

    ROW(SHARDS, shards), .bus = ON_KAFKA, .played = PLAYED_PUBLIC,
        .make = serve_make_shards, .metrics = serve_shards_metrics, .free = free_shards },

    ROW(BUS, bus), .bus = ON_EITHER, .played = PLAYED_ALL, .uses = BIT(SHARDS),
        .make = serve_make_bus, .metrics = metrics_bus, .drain = serve_drain_bus,
        .stop = serve_stop_bus, .free = free_bus },

    ROW(ODDS, odds), .bus = ON_LOCAL, .played = PLAYED_ODDS, .needs = { BIT(BUS) },
        .make = serve_make_odds, .order = HEARS_THEN_ODDS, .subscriber = serve_subscribe_odds,
        .metrics = metrics_odds, .free = free_odds },

    ROW(WHO, who), .bus = ON_EITHER, .played = PLAYED_PUBLIC,
        .needs = { BIT(STORE), BIT(DB) },
        .make = serve_make_who, .is_idle = idle_who, .free = free_who },

    ROW(WEB, web), .bus = ON_EITHER, .played = PLAYED_WEB, .needs = { BOOK },
        .make = serve_make_web, .order = HEARS_THEN_WEB, .subscriber = serve_subscribe_web,
        .free = free_web },

    ROW(STREAM, stream), .bus = ON_EITHER, .played = PLAYED_WEB, .needs = { BOOK, BIT(WHO) },
        .make = serve_make_stream, .order = HEARS_FIRST_STREAM,
        .subscriber = serve_subscribe_stream, .start = start_stream, .metrics = metrics_stream,
        .drain = serve_drain_stream, .free = free_stream },

    /* Who sells follows the log for what the desk writes. */
    ROW(FEED, feed), .bus = ON_EITHER, .played = PLAYED_FEED | PLAYED_PUBLIC,
        .needs = { BIT(STORE), BIT(DB), BIT(BUS) },
        .make = serve_make_feed, .open = serve_open_feed, .start = serve_start_feed,
        .not_ready = serve_feed_not_ready, .metrics = metrics_feed, .drain = drain_feed,
        .is_idle = idle_feed, .stop = stop_feed, .free = free_feed },

    ROW(AMQP, amqp), .bus = ON_EITHER, .played = PLAYED_FEED, .is_wanted = serve_wants_amqp,
        .needs = { BIT(STORE), BIT(FEED) },
        .make = serve_make_amqp, .metrics = metrics_amqp, .drain = drain_amqp,
        .free = free_amqp },

    /* Given back when nothing is written any more that the successor would have
     * to wait for. */
    ROW(LEASE, lease), .bus = ON_EITHER, .played = PLAYED_FEED | PLAYED_PUBLIC,
        .needs = { BIT(STORE), BIT(FEED) },
        .make = serve_make_lease, .start = start_lease, .not_ready = serve_lease_not_ready,
        .stop = stop_lease, .free = free_lease },

    ROW(RELAY, relay), .bus = ON_KAFKA, .played = PLAYED_SETTLE,
        .needs = { BIT(STORE), BIT(BUS) }, .uses = BIT(TRACER),
        .make = serve_make_relay, .metrics = metrics_relay, .stop = stop_relay,
        .free = free_relay },

    ROW(SETTLE, settle), .bus = ON_EITHER, .played = PLAYED_SETTLE,
        .needs = { BIT(STORE), BIT(DB), BIT(BUS) }, .uses = BIT(TRACER),
        .make = serve_make_settle, .order = HEARS_THEN_SETTLE,
        .subscriber = serve_subscribe_settle, .start = start_settle, .metrics = metrics_settle,
        .stop = stop_settle, .free = free_settle },

    ROW(CLICKHOUSE, clickhouse), .bus = ON_EITHER, .played = PLAYED_SETTLE,
        .is_wanted = serve_wants_clickhouse,
        .make = serve_make_clickhouse, .free = free_clickhouse },

    ROW(REPORTS, reports), .bus = ON_EITHER, .played = PLAYED_SETTLE,
        .needs = { BIT(STORE) }, .uses = BIT(CLICKHOUSE),
        .make = serve_make_reports, .free = free_reports },

    ROW(COHORTS, cohorts), .bus = ON_EITHER, .played = PLAYED_SETTLE,
        .needs = { BIT(STORE) }, .uses = BIT(CLICKHOUSE),
        .make = serve_make_cohorts, .free = free_cohorts },

    ROW(DESK, desk), .bus = ON_EITHER, .played = PLAYED_PUBLIC,
        .needs = { BIT(STORE), BIT(FEED), BOOK },
        .make = serve_make_desk, .free = free_desk },

    ROW(BETS, bets), .bus = ON_EITHER, .played = PLAYED_BETS,
        .needs = { BIT(STORE), BIT(DB), BIT(BUS), BOOK, BIT(DESK), BIT(WHO) }, .uses = BIT(TRACER),
        .make = serve_make_bets, .order = HEARS_THEN_BETS, .subscriber = serve_subscribe_bets,
        .open = serve_open_bets, .metrics = metrics_bets, .drain = drain_bets,
        .is_idle = idle_bets, .free = free_bets },

    ROW(RISK, risk), .bus = ON_EITHER, .played = PLAYED_WEB,
        .needs = { BIT(STORE), BIT(DB), BIT(BUS), BOOK }, .uses = BIT(BETS),
        .make = serve_make_risk, .order = HEARS_THEN_RISK, .subscriber = serve_subscribe_risk,
        .open = serve_open_risk, .metrics = metrics_risk, .free = free_risk },

    ROW(TRAFFIC, traffic), .bus = ON_KAFKA, .played = PLAYED_PUBLIC, .needs = { BIT(BUS) },
        .make = serve_make_traffic, .stop = stop_traffic, .free = free_traffic },

    /* Opened behind risk, which counts what this goes on from. */
    ROW(MONEY, money), .bus = ON_KAFKA, .played = PLAYED_PUBLIC,
        .needs = { BIT(BUS) }, .uses = BIT(RISK),
        .open = serve_open_money, .stop = serve_stop_money },

    ROW(PARSER, parser), .bus = ON_KAFKA, .played = PLAYED_ODDS,
        .make = serve_make_parser, .free = free_parser },

    ROW(PARTITIONS, partitions), .bus = ON_KAFKA, .played = PLAYED_ODDS, .divided = true,
        .needs = { BIT(STORE), BIT(BUS), BIT(PARSER) },
        .make = serve_make_partitions, .not_ready = serve_partitions_not_ready,
        .metrics = serve_partitions_metrics, .drain = drain_partitions,
        .free = free_partitions },

    ROW(PUBLIC, public_listener), .bus = ON_EITHER, .played = PLAYED_PUBLIC,
        .needs = { BIT(STORE), BIT(OPERATORS), BIT(FEED), BOOK },
        .open = serve_open_public, .not_ready = serve_book_not_ready,
        .metrics = serve_public_metrics,
        .drain = drain_public_listener, .free = free_public_listener },

    ROW(OPERATOR, operator_listener), .bus = ON_EITHER, .played = PLAYED_ALL,
        .needs = { BIT(STORE), BIT(OPERATORS) },
        .open = serve_open_operator, .metrics = serve_operator_metrics,
        .drain = drain_operator_listener, .free = free_operator_listener },

    ROW(MAINTAIN, maintain), .bus = ON_EITHER, .played = PLAYED_ALL,
        .is_wanted = serve_wants_maintain, .needs = { BIT(STORE) },
        .open = serve_open_maintain, .is_idle = idle_maintain, .stop = stop_maintain,
        .free = free_maintain },
};
