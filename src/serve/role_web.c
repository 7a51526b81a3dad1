/* What customers see: pages and snapshots, the stream; what they did, counted. */
#include "serve/inside.h"

#include <unistd.h>

#include "analytics/traffic.h"
#include "topic/bus_kafka.h"
#include "web/stream.h"
#include "web/web.h"
#include "who/who.h"

#define DRAIN_STREAM_PART 3 /* of the time to drain, for streams to be closed */

bool serve_make_web(struct serve *serve, struct str *error)
{
    (void)error;
    serve->parts.web = web_new(serve_book(serve));
    return true;
}

struct bus_subscriber serve_subscribe_web(struct serve *serve)
{
    return (struct bus_subscriber){ .on_prices = web_on_prices, .ctx = serve->parts.web };
}

/* ---- the stream and its sessions ------------------------------------------ */

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

    who_identify(serve->parts.who, token, on_identity, question);
}

static void confirm(void *ctx, const struct stream_identity *identity,
                    struct stream_question *question)
{
    struct serve *serve = ctx;

    who_confirm(serve->parts.who,
                &(struct who_identity){ identity->account, identity->epoch,
                                        identity->expires_ms },
                on_identity, question);
}

bool serve_make_stream(struct serve *serve, struct str *error)
{
    const struct config *config = &serve->settings.config;

    (void)error;
    serve->parts.stream = stream_new(&(struct stream_options){
        .loop = &serve->loop, .book = serve_book(serve),
        .tick_ms = config->stream_tick_ms, .stall_ms = config->stream_stall_s * 1000,
        .identify = identify, .confirm = confirm, .ctx = serve,
    });
    return true;
}

struct bus_subscriber serve_subscribe_stream(struct serve *serve)
{
    return (struct bus_subscriber){ .on_prices = stream_on_prices,
                                    .on_money = stream_on_money,
                                    .ctx = serve->parts.stream };
}

/* The public listener waits for its clients. */
bool serve_drain_stream(struct serve *serve, role_ended ended)
{
    (void)ended;
    stream_drain(serve->parts.stream,
                 serve->settings.config.drain_s * 1000 / DRAIN_STREAM_PART);
    return true;
}

/* ---- the topic traffic ---------------------------------------------------- */

bool serve_make_traffic(struct serve *serve, struct str *error)
{
    char host[64] = "";

    (void)error;
    (void)gethostname(host, sizeof(host) - 1);
    serve->parts.traffic = traffic_new(&(struct traffic_options){
        .loop = &serve->loop,
        .process = arena_cstr(&serve->arena, arena_printf(&serve->arena, "%s:%d", host,
                                                          (int)getpid())),
        .experiments = &serve->settings.experiments, .kafka = bus_kafka_client(serve->parts.bus),
    });
    return true;
}
