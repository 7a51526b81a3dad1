/* The feed: the log, who leads it, AMQP. */
#include "serve/inside.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "feed/amqp.h"
#include "feed/feed.h"
#include "feed/lease.h"
#include "topic/bus_kafka.h"

static void on_lease(void *ctx, int64_t epoch)
{
    struct serve *serve = ctx;

    if (epoch > 0)
        feed_lead(serve->parts.feed, epoch);
    else
        feed_follow(serve->parts.feed);
}

static void on_fenced(void *ctx)
{
    struct serve *serve = ctx;

    lease_lost(serve->parts.lease);
}

static bool is_sure(void *ctx)
{
    struct serve *serve = ctx;

    return lease_is_sure(serve->parts.lease);
}

static void on_lead(void *ctx, bool leads)
{
    struct serve *serve = ctx;

    if (serve->parts.amqp != NULL)
        amqp_feed_lead(serve->parts.amqp, leads);
}

bool serve_wants_amqp(const struct settings *settings)
{
    return settings->config.amqp_url[0] != '\0';
}

bool serve_make_amqp(struct serve *serve, struct str *error)
{
    const struct config *config = &serve->settings.config;

    (void)error;
    serve->parts.amqp = amqp_feed_new(&(struct amqp_feed_options){
        .loop = &serve->loop, .feed = serve->parts.feed, .store = serve->parts.store,
        .session = {
            .url = config->amqp_url, .exchange = config->amqp_exchange,
            .bindings = config->amqp_bindings, .queue = config->amqp_queue,
            .ca = config->amqp_ca, .prefetch = (uint16_t)config->amqp_prefetch,
            .node = config->recovery_node,
        },
    });
    return true;
}

/* ---- who leads ------------------------------------------------------------ */

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
    if (serve->settings.played.book)
        (void)snprintf(out, room, "server");
    else
        (void)snprintf(out, room, "%s:%d:%08" PRIx32, host, (int)getpid(), chance);
}

bool serve_make_lease(struct serve *serve, struct str *error)
{
    const struct config *config = &serve->settings.config;
    bool leads = serve->settings.played.feed;
    char owner[100];

    (void)error;
    owner_name(serve, owner, sizeof(owner));
    serve->parts.lease = lease_new(&(struct lease_options){
        .loop = &serve->loop, .store = serve->parts.store, .name = "feed", .owner = owner,
        /* Who only sells notices sooner than another can take over. */
        .lease_ms = leads ? config->lease_ms : config->lease_ms * 3 / 5,
        .watches = !leads, .on_change = on_lease, .ctx = serve,
    });
    return true;
}

/* On Kafka the prices themselves say whether somebody leads. */
const char *serve_lease_not_ready(const struct serve *serve)
{
    const struct played *played = &serve->settings.played;

    return !played->bus && !played->feed && !lease_is_led(serve->parts.lease)
               ? "no process leads the feed" : NULL;
}

/* ---- the log -------------------------------------------------------------- */

bool serve_make_feed(struct serve *serve, struct str *error)
{
    const struct settings *settings = &serve->settings;
    const struct played *played = &settings->played;

    (void)error;
    serve->parts.feed = feed_new(&(struct feed_options){
        .loop = &serve->loop, .store = serve->parts.store, .bus = serve->parts.bus,
        .producer_silence_ms = settings->config.producer_silence_s * 1000,
        .shared = played->shared,
        .recovery = &settings->recovery,
        .kafka = played->feed ? bus_kafka_client(serve->parts.bus) : NULL,
        .asks = played->bus && !played->feed,
        .on_lead = on_lead, .is_sure = is_sure, .on_fenced = on_fenced, .ctx = serve,
    });
    return true;
}

struct book_rebuild {
    struct feed *feed;
    uint64_t n;
    int64_t last;
};

static bool on_log_row(void *ctx, const struct value *cells)
{
    struct book_rebuild *rebuild = ctx;

    (void)!feed_replay(rebuild->feed, cells[0].i, cells[1].i, cells[2].s);
    rebuild->last = cells[0].i;
    if (++rebuild->n % 100000 == 0)
        log_info("serve", "rebuilding the book", "entries=%" PRIu64 " position=%" PRId64,
                 rebuild->n, rebuild->last);
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

bool serve_open_feed(struct serve *serve, const struct db_halves *db, struct str *error)
{
    bool has_book = serve->settings.played.book;
    struct book_rebuild rebuild = { .feed = serve->parts.feed };
    struct value params[] = { VALUE_INT(serve->start.replay_from_ms),
                              VALUE_INT(serve->start.settle_offset) };
    int64_t started_us = clock_mono_us();

    if (serve->settings.played.bus && !serve->settings.played.feed)
        return true; /* the book comes from Kafka */
    if (!has_book)
        params[1] = VALUE_INT(INT64_MAX);
    if (!db_query(db->journal, has_book ? LOG_OF_BOOK : LOG_OF_FEED, "ii", params, "iis",
                  on_log_row, &rebuild, error))
        return false;
    log_info("serve", "book rebuilt from the log", "entries=%" PRIu64 " ms=%" PRId64, rebuild.n,
             (clock_mono_us() - started_us) / 1000);
    return true;
}

/* The log may have been trimmed behind what settlement has stored. */
void serve_start_feed(struct serve *serve)
{
    const struct start *start = &serve->start;

    feed_start(serve->parts.feed, start->feed_position > start->settle_offset
                                      ? start->feed_position : start->settle_offset);
}

const char *serve_feed_not_ready(const struct serve *serve)
{
    return feed_is_recovered(serve->parts.feed) ? NULL : "the book is not recovered";
}
