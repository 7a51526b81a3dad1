/*
 * The hub's ground: the loop's time, what was told to everybody who is up to
 * date, when the next flush comes, who is sent to.  It calls nothing of the
 * stream's other files; what is to run at a tick and while queues are not empty
 * stream.c gave it.
 */
#include "web/stream_inside.h"

uint64_t hub_now(const struct stream *stream)
{
    return uv_now(stream->options.loop);
}

int64_t hub_covered(struct stream *stream)
{
    if (stream->dirty == NULL) {
        stream->covered = stream->source->order(stream);
        stream->source->mark(stream);
    }
    return stream->covered;
}

void hub_arm(struct stream *stream)
{
    uint64_t next_ms = stream->flushed_ms + (uint64_t)stream->options.tick_ms;
    uint64_t now_ms = hub_now(stream);

    if (stream->armed || uv_is_closing((uv_handle_t *)&stream->tick))
        return;
    stream->armed = true;
    CHECK(uv_timer_start(&stream->tick, stream->on_tick, next_ms > now_ms ? next_ms - now_ms : 0, 0)
          == 0);
}

void hub_wake(struct stream *stream)
{
    if (!uv_is_closing((uv_handle_t *)&stream->sender))
        (void)uv_idle_start(&stream->sender, stream->on_sender);
}

static void queue_remove(struct client *client)
{
    struct stream *stream = client->stream;

    if (client->queue == QUEUE_NONE)
        return;
    *(client->queue_prev != NULL ? &client->queue_prev->queue_next
                                 : &stream->queues[client->queue].first) = client->queue_next;
    *(client->queue_next != NULL ? &client->queue_next->queue_prev
                                 : &stream->queues[client->queue].last) = client->queue_prev;
    client->queue = QUEUE_NONE;
}

void hub_enqueue(struct client *client, enum client_queue queue)
{
    struct stream *stream = client->stream;

    CHECK(client->magic == CLIENT_MAGIC);
    if (client->queue == queue)
        return;
    queue_remove(client);
    client->queue = queue;
    if (queue == QUEUE_NONE)
        return;
    client->queue_next = NULL;
    client->queue_prev = stream->queues[queue].last;
    *(client->queue_prev != NULL ? &client->queue_prev->queue_next
                                 : &stream->queues[queue].first) = client;
    stream->queues[queue].last = client;
}
