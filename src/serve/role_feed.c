/* The feed: the log, who leads it, AMQP. */
#include "serve/inside.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

#include "base/limits.h"
#include "feed/amqp.h"
#include "feed/feed.h"
#include "feed/lease.h"

#define LEASE_MIN_MS 200

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

static bool is_sure(void *ctx)
{
    struct serve *serve = ctx;

    return lease_is_sure(serve->lease);
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

bool serve_feed_config_is_well(const struct config *config, const char **why)
{
    *why = "lease-ms must be at least 200";
    if (config->lease_ms < LEASE_MIN_MS)
        return false;
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

void serve_make_feed(struct serve *serve)
{
    const struct config *config = &serve->config;
    char owner[100];

    owner_name(serve, owner, sizeof(owner));
    serve->feed = feed_new(&(struct feed_options){
        .loop = &serve->loop, .store = serve->store, .bus = serve->bus,
        .producer_silence_ms = config->producer_silence_s * 1000,
        .shared = serve->roles.shared,
        .recovery = &serve->recovery,
        .kafka = serve->roles.feed ? serve->kafka : NULL,
        .asks = serve->roles.bus && !serve->roles.feed,
        .on_lead = on_lead, .is_sure = is_sure, .on_fenced = on_fenced, .ctx = serve,
    });
    make_amqp(serve);
    serve->lease = lease_new(&(struct lease_options){
        .loop = &serve->loop, .store = serve->store, .name = "feed", .owner = owner,
        /* Who only sells notices sooner than another can take over. */
        .lease_ms = serve->roles.feed ? config->lease_ms : config->lease_ms * 3 / 5,
        .watches = !serve->roles.feed, .on_change = on_lease, .ctx = serve,
    });
}

