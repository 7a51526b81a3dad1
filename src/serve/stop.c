/*
 * The end: not ready any more, listeners drain, what they left in the roles
 * comes to its end; then one step after the other, each when the one before
 * has ended; then the loop ends by itself.
 */
#include "serve/inside.h"

#include <signal.h>
#include <stdlib.h>

#include "analytics/traffic.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "feed/amqp.h"
#include "feed/feed.h"
#include "feed/lease.h"
#include "settle/settle.h"
#include "store/maintain.h"
#include "web/stream.h"

#define DRAIN_POLL_MS 5
#define DRAIN_STREAM_PART 3 /* of the time to drain, for streams to be closed */

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

/* ---- step by step: each calls serve_stop_next() when it has ended ---------- */

static void stop_settle(struct serve *serve)
{
    if (serve->settle != NULL)
        settle_stop(serve->settle, serve_stop_next, serve);
    else
        serve_stop_next(serve);
}

/* Nothing is written any more that the successor would have to wait for. */
static void stop_lease(struct serve *serve)
{
    if (serve->lease != NULL)
        lease_stop(serve->lease, serve_stop_next, serve);
    else
        serve_stop_next(serve);
}

static void stop_rest(struct serve *serve)
{
    if (serve->feed != NULL)
        feed_stop(serve->feed);
    if (serve->maintain != NULL)
        maintain_stop(serve->maintain);
    operators_stop(serve->operators);
    close_handles(serve);
    store_close(serve->store, on_store_closed, serve);
}

void serve_stop_next(void *ctx)
{
    static void (*const steps[])(struct serve *serve) = {
        stop_settle, serve_stop_money, stop_lease, serve_stop_kafka, stop_rest,
    };
    struct serve *serve = ctx;

    CHECK(serve->stop_step < LENGTH(steps));
    steps[serve->stop_step++](serve);
}

/* Listeners are drained: what they left in the roles comes to its end. */
static void on_drain_poll(uv_timer_t *timer)
{
    struct serve *serve = timer->data;

    if (serve->stopping || serve->undrained > 0 ||
        (serve->bets != NULL && !bets_idle(serve->bets)) ||
        (serve->who != NULL && !who_is_idle(serve->who)) ||
        (serve->feed != NULL && !feed_idle(serve->feed)) ||
        (serve->maintain != NULL && !maintain_idle(serve->maintain)) ||
        !operators_idle(serve->operators))
        return;
    serve->stopping = true;
    uv_timer_stop(&serve->drain_limit);
    uv_timer_stop(&serve->drain_poll);
    if (serve->traffic != NULL)
        traffic_stop(serve->traffic);
    serve_stop_next(serve);
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
    if (serve->feed != NULL)
        feed_drain(serve->feed);
    serve->undrained = serve->public_server == NULL ? 1 : 2;
    serve->undrained += serve_leave_groups(serve, on_listener_drained);
    uv_close((uv_handle_t *)&serve->on_term, NULL);
    uv_close((uv_handle_t *)&serve->on_int, NULL);
    if (serve->stream != NULL)
        stream_drain(serve->stream, serve->config.drain_s * 1000 / DRAIN_STREAM_PART);
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

void serve_start_signals(struct serve *serve)
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

