/*
 * The hub: what changed is encoded at the tick, then sent.
 *
 *   prices -> channels_receive: dirty -> arm: at once after quiet, else at the
 *             next tick
 *   flush     each dirty channel's delta, once; a note of it to every client
 *             that is up to date; who lags or waits for its socket is passed by
 *   sender    READY: clients with notes, one writev each
 *             BEHIND: clients that catch up with the book as it is; what the
 *             next tick repeats of that are the same versions
 *
 * Sending is done in slices, between which the loop has its turn; the next
 * flush waits until READY is empty, so a slow turn makes ticks longer, not
 * queues.
 */
#include "web/stream.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "web/stream_inside.h"

#define SLICE 512              /* clients sent to in one turn of the loop */
#define SLICE_BEHIND 64        /* of them at least, however many were ready */
#define QUARTER_MS 250
#define HEARTBEATS 1000        /* sent in one quarter of a second */
#define SWEEP_QUARTERS 20
#define DRAIN_TICK_MS 20
#define RESUME_MS 3600000      /* a clk is good for one to two of these */
#define PURSES LIMIT_STREAM_CLIENTS
#define NOTES_BYTES ((size_t)512 * 1024 * 1024)
#define NAMES_BYTES ((size_t)64 * 1024 * 1024)

static void on_tick(uv_timer_t *timer);
static void on_sender(uv_idle_t *idle);
static void on_quarter(uv_timer_t *timer);
static void on_drain(uv_timer_t *timer);

struct stream *stream_new(const struct stream_options *options)
{
    struct stream *stream = calloc(1, sizeof(*stream));

    CHECK(stream != NULL && options->tick_ms > 0);
    stream->options = *options;
    stream->source = options->source != NULL ? options->source : &stream_book;
    stream->marks = calloc(options->book != NULL && book_shards(options->book) > 0 ? MARKS : 1,
                           sizeof(*stream->marks));
    CHECK(stream->marks != NULL);
    map_init(&stream->channels[CHANNEL_EVENT], LIMIT_STREAM_CHANNELS);
    map_init(&stream->channels[CHANNEL_SPORT], LIMIT_STREAM_CHANNELS);
    map_init(&stream->purses, PURSES);
    arena_init(&stream->notes, NOTES_BYTES);
    arena_init(&stream->names, NAMES_BYTES);
    buf_init(&stream->scratch, LIMIT_STREAM_CHANGE_BYTES);
    CHECK(uv_timer_init(options->loop, &stream->tick) == 0);
    CHECK(uv_timer_init(options->loop, &stream->quarter) == 0);
    CHECK(uv_timer_init(options->loop, &stream->drain) == 0);
    CHECK(uv_idle_init(options->loop, &stream->sender) == 0);
    stream->on_tick = on_tick;
    stream->on_sender = on_sender;
    stream->on_input = client_input;
    stream->tick.data = stream->quarter.data = stream->drain.data = stream->sender.data = stream;
    return stream;
}

void stream_start(struct stream *stream)
{
    stream->started = true;
    stream->covered = stream->mark = stream->source->order(stream);
    stream->source->mark(stream);
    stream->since = stream->covered + 1; /* what was older than the replayed log is lost */
    stream->mark_ms = hub_now(stream);
    CHECK(uv_timer_start(&stream->quarter, on_quarter, QUARTER_MS, QUARTER_MS) == 0);
}

void stream_on_prices(void *ctx, const struct bus_prices *prices)
{
    struct stream *stream = ctx;

    if (!stream->started)
        return;
    if (stream->dirty == NULL) /* it may be a moment since anything was */
        stream->covered = book_order(stream->options.book) - 1;
    channels_receive(stream, prices);
}

/* ---- flushing ----------------------------------------------------------------- */

static void note(struct stream *stream, struct client *client, struct change *change)
{
    struct client_note *fresh = ARENA_NEW(&stream->notes, struct client_note);

    fresh->change = change;
    if (client->notes == NULL)
        client->notes_end = &client->notes;
    *client->notes_end = fresh;
    client->notes_end = &fresh->next;
    hub_enqueue(client, QUEUE_READY);
}

static void note_subscribers(struct stream *stream, struct channel *channel)
{
    struct subscription *next;

    for (struct subscription *s = channel->subscriptions; s != NULL; s = next) {
        struct client *client = s->client;

        next = s->next;
        if (client->lags || client->full_ms != 0)
            client->lags = client->missed = true;
        else
            note(stream, client, &channel->delta);
    }
}

static void flush_channels(struct stream *stream)
{
    int64_t order = stream->source->order(stream);
    struct channel *channel;

    stream->source->mark(stream);
    while ((channel = stream->dirty) != NULL) {
        stream->dirty = channel->next_dirty;
        channel->dirty = false;
        if (!channel_flush(stream, channel, order))
            continue;
        change_promise(&channel->delta, order, stream->covered);
        note_subscribers(stream, channel);
    }
    stream->covered = order;
}

static void on_tick(uv_timer_t *timer)
{
    struct stream *stream = timer->data;

    stream->armed = false;
    if (stream->queues[QUEUE_READY].first != NULL)
        return; /* the sender arms it again */
    stream->flushed_ms = hub_now(stream);
    stream->flush_started_us = clock_mono_us();
    arena_reset(&stream->notes);
    flush_channels(stream);
    own_accounts_flush(stream);
    hub_wake(stream);
}

/* ---- sending ------------------------------------------------------------------ */

static void count(struct stream *stream)
{
    metric_add(METRIC_STREAM_FRAMES, STR_NONE, stream->frames);
    metric_add(METRIC_STREAM_DELIVERIES, STR_NONE, stream->deliveries);
    metric_add(METRIC_STREAM_BYTES, STR_NONE, stream->bytes);
    metric_add(METRIC_STREAM_CONFLATED, STR_NONE, stream->conflated);
    stream->frames = stream->deliveries = stream->bytes = stream->conflated = 0;
}

/* The tick is out. */
static void ready_is_sent(struct stream *stream)
{
    if (stream->flush_started_us == 0)
        return;
    metric_observe(METRIC_STREAM_SECONDS, clock_mono_us() - stream->flush_started_us);
    stream->flush_started_us = 0;
    if (stream->dirty != NULL || stream->dirty_purses != NULL)
        hub_arm(stream);
}

/* True: there is more to do. */
static bool send_slice(struct stream *stream)
{
    struct client *client;
    unsigned left = SLICE;

    while (left > 0 && (client = stream->queues[QUEUE_READY].first) != NULL) {
        client_send_notes(client);
        left--;
    }
    if (stream->queues[QUEUE_READY].first != NULL)
        return true;
    ready_is_sent(stream);
    for (left = left < SLICE_BEHIND ? SLICE_BEHIND : left;
         left > 0 && (client = stream->queues[QUEUE_BEHIND].first) != NULL; left--) {
        hub_enqueue(client, QUEUE_NONE);
        client_catch_up(client);
    }
    return stream->queues[QUEUE_BEHIND].first != NULL;
}

static void on_sender(uv_idle_t *idle)
{
    struct stream *stream = idle->data;

    if (!send_slice(stream))
        (void)uv_idle_stop(idle);
    count(stream);
}

/* ---- time --------------------------------------------------------------------- */

static void forget_heartbeats(struct stream *stream)
{
    for (unsigned dress = 0; dress < DRESSES; dress++) {
        frame_unref(stream->heartbeats[dress]);
        stream->heartbeats[dress] = NULL;
    }
}

/* A clk of hours ago may be of a time before an event was forgotten and came
 * again: from then on images. */
static void move_since(struct stream *stream)
{
    if (hub_now(stream) < stream->mark_ms + RESUME_MS)
        return;
    if (stream->mark > stream->since)
        stream->since = stream->mark;
    stream->mark = stream->covered;
    stream->mark_ms = hub_now(stream);
}

static void close_handles(struct stream *stream)
{
    if (!stream->draining || stream->clients != NULL || stream->waits != NULL ||
        stream->closed_handles)
        return;
    stream->closed_handles = true;
    uv_close((uv_handle_t *)&stream->tick, NULL);
    uv_close((uv_handle_t *)&stream->quarter, NULL);
    uv_close((uv_handle_t *)&stream->drain, NULL);
    uv_close((uv_handle_t *)&stream->sender, NULL);
}

static void on_quarter(uv_timer_t *timer)
{
    struct stream *stream = timer->data;
    struct client *next;

    stream->heartbeats_left = HEARTBEATS;
    forget_heartbeats(stream);
    stream->heartbeat_clk = hub_covered(stream);
    for (struct client *c = stream->clients; c != NULL; c = next) {
        next = c->next;
        client_check(c, hub_now(stream));
    }
    waits_check(stream);
    if (++stream->sweeps % SWEEP_QUARTERS == 0 && stream->queues[QUEUE_READY].first == NULL) {
        channels_sweep(stream);
        move_since(stream);
    }
    count(stream);
    close_handles(stream);
}

/* ---- the end ------------------------------------------------------------------ */

static size_t count_open(const struct stream *stream)
{
    size_t n = 0;

    for (const struct client *c = stream->clients; c != NULL; c = c->next)
        n += c->state == CLIENT_OPEN;
    return n;
}

/* How many may still be there now. */
static size_t drain_may_stay(const struct stream *stream)
{
    uint64_t passed_ms = hub_now(stream) - stream->drain_began_ms;

    if (passed_ms >= stream->drain_ms)
        return 0;
    return (size_t)(stream->drain_n * (stream->drain_ms - passed_ms) / stream->drain_ms);
}

/* Who leaves by himself is one less to send away. */
static void on_drain(uv_timer_t *timer)
{
    struct stream *stream = timer->data;
    size_t open = count_open(stream), stay = drain_may_stay(stream);
    struct client *next;

    for (struct client *c = stream->clients; c != NULL && open > stay; c = next) {
        next = c->next;
        if (c->state != CLIENT_OPEN)
            continue;
        client_close(c, WS_GOING_AWAY, "the server is going away", "drained");
        open--;
    }
    if (open == 0)
        (void)uv_timer_stop(timer);
    close_handles(stream);
}

void stream_drain(struct stream *stream, int64_t spread_ms)
{
    CHECK(spread_ms >= 0);
    stream->draining = true;
    stream->drain_n = count_open(stream);
    stream->drain_began_ms = hub_now(stream);
    stream->drain_ms = stream->drain_n < (uint64_t)spread_ms ? stream->drain_n
                                                             : (uint64_t)spread_ms;
    CHECK(uv_timer_start(&stream->drain, on_drain, DRAIN_TICK_MS, DRAIN_TICK_MS) == 0);
    if (stream->drain_ms <= DRAIN_TICK_MS) {
        stream->drain_ms = 0;
        on_drain(&stream->drain);
    }
}

void stream_free(struct stream *stream)
{
    struct channel *channel;

    if (stream == NULL)
        return;
    CHECK(stream->clients == NULL && stream->purses.n == 0 && stream->waits == NULL);
    for (unsigned kind = 0; kind < CHANNEL_KINDS; kind++) {
        for (size_t at = 0; (channel = map_next(&stream->channels[kind], &at)) != NULL;) {
            channel->dirty = false;
            channel_free(channel);
        }
        map_fini(&stream->channels[kind]);
    }
    forget_heartbeats(stream);
    map_fini(&stream->purses);
    free(stream->marks);
    arena_fini(&stream->notes);
    arena_fini(&stream->names);
    buf_fini(&stream->scratch);
    free(stream);
}

void stream_metrics(const struct stream *stream)
{
    metric_set(METRIC_STREAM_CLIENTS, STR("websocket"),
               (int64_t)stream->n_clients[DRESS_WEBSOCKET]);
    metric_set(METRIC_STREAM_CLIENTS, STR("sse"), (int64_t)stream->n_clients[DRESS_SSE]);
    metric_set(METRIC_STREAM_SUBSCRIPTIONS, STR("event"),
               (int64_t)stream->n_subscriptions[CHANNEL_EVENT]);
    metric_set(METRIC_STREAM_SUBSCRIPTIONS, STR("sport"),
               (int64_t)stream->n_subscriptions[CHANNEL_SPORT]);
    metric_set(METRIC_STREAM_FULL, STR_NONE, (int64_t)stream->n_full);
}
