/*
 * The end: not ready any more, all parts drain, what they have in hand comes to
 * its end; then one stops after the other; then the loop ends by itself.
 */
#include "serve/inside.h"

#include <signal.h>
#include <stdlib.h>

#include "base/log.h"

#define POLL_MS 5

static void on_stopped(void *ctx)
{
    struct serve *serve = ctx;

    uv_close((uv_handle_t *)&serve->ending.poll, NULL);
    uv_close((uv_handle_t *)&serve->ending.limit, NULL);
}

static void on_poll(uv_timer_t *timer)
{
    struct serve *serve = timer->data;

    if (serve->ending.stopping || !roles_are_idle(serve))
        return;
    serve->ending.stopping = true;
    uv_timer_stop(&serve->ending.limit);
    uv_timer_stop(&serve->ending.poll);
    roles_stop(serve, on_stopped);
}

static void on_limit(uv_timer_t *timer)
{
    (void)timer;
    log_error("serve", "requests in flight did not end; leaving", NULL);
    exit(1);
}

void ending_begin(struct serve *serve)
{
    struct ending *ending = &serve->ending;

    CHECK(!ending->draining);
    ending->draining = true;
    if (ending->heeds_signals) {
        uv_close((uv_handle_t *)&ending->on_term, NULL);
        uv_close((uv_handle_t *)&ending->on_int, NULL);
    }
    uv_timer_init(&serve->loop, &ending->poll);
    uv_timer_init(&serve->loop, &ending->limit);
    ending->poll.data = ending->limit.data = serve;
    roles_drain(serve);
    uv_timer_start(&ending->poll, on_poll, POLL_MS, POLL_MS);
    uv_timer_start(&ending->limit, on_limit,
                   (uint64_t)serve->settings.config.drain_s * 1000, 0);
}

/* A second one finds no handler: it kills, as it would any process. */
static void on_signal(uv_signal_t *handle, int number)
{
    struct serve *serve = handle->data;

    if (serve->ending.draining)
        return;
    log_info("serve", "draining", "signal=%d", number);
    ending_begin(serve);
}

void ending_heed_signals(struct serve *serve)
{
    struct ending *ending = &serve->ending;

    ending->heeds_signals = true;
    uv_signal_init(&serve->loop, &ending->on_term);
    uv_signal_init(&serve->loop, &ending->on_int);
    ending->on_term.data = ending->on_int.data = serve;
    uv_signal_start(&ending->on_term, on_signal, SIGTERM);
    uv_signal_start(&ending->on_int, on_signal, SIGINT);
}
