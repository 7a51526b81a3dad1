/*
 * Channels: an event, or a sport, that somebody subscribes to.  What is told of
 * it is the source's (web/stream_inside.h); who has been told what is here.
 *
 * A source that has to ask elsewhere first knows a channel some time after it
 * was made: who wants it waits until then (stream_wait.c).
 */
#include <stdlib.h>

#include "web/stream_inside.h"

#define EMPTY_KEPT_MS 30000    /* a channel, for clients that come back */

struct str channel_id(const struct channel *channel)
{
    return (struct str){ channel->id, channel->id_n };
}

static struct channel *channel_new(struct stream *stream, enum channel_kind kind, struct str id)
{
    struct channel *channel = calloc(1, sizeof(*channel) + id.n + 1);

    CHECK(channel != NULL);
    channel->kind = kind;
    channel->stream = stream;
    channel->id_n = id.n;
    memcpy(channel->id, id.p, id.n);
    change_init(&channel->delta);
    change_init(&channel->image);
    channel->empty_ms = hub_now(stream);
    return channel;
}

/* Its source's part has ended, or never begun. */
static void channel_drop(struct channel *channel)
{
    CHECK(channel->subscriptions == NULL && channel->n_waits == 0 && !channel->dirty);
    change_fini(&channel->delta);
    change_fini(&channel->image);
    free(channel);
}

void channel_free(struct channel *channel)
{
    channel->stream->source->end(channel);
    channel_drop(channel);
}

struct channel *channel_of(struct stream *stream, enum channel_kind kind, struct str id)
{
    struct channel *channel = map_get(&stream->channels[kind], id);

    if (channel != NULL)
        return channel;
    channel = channel_new(stream, kind, id);
    if (!stream->source->begin(stream, channel)) {
        channel_drop(channel);
        return NULL;
    }
    if (map_put(&stream->channels[kind], channel_id(channel), channel))
        return channel;
    channel_free(channel);
    return NULL;
}

void channel_dirty(struct stream *stream, struct channel *channel)
{
    if (channel->dirty)
        return;
    channel->dirty = true;
    channel->next_dirty = stream->dirty;
    stream->dirty = channel;
    hub_arm(stream);
}

bool channel_flush(struct stream *stream, struct channel *channel, int64_t order)
{
    bool told;

    change_reset(&channel->delta);
    told = stream->source->flush(stream, channel, order);
    channel->checked = order;
    if (!told)
        return false;
    channel->changed = order;
    channel->has_image = false;
    return true;
}

struct change *channel_image(struct stream *stream, struct channel *channel)
{
    struct jw w = jw_to(&channel->image.events);

    if (channel->has_image)
        return &channel->image;
    change_reset(&channel->image);
    channel->image.img = true;
    channel->has_image = true;
    stream->source->image(stream, channel, &w);
    return &channel->image;
}

bool channel_merge(struct stream *stream, struct channel *channel, int64_t since,
                   struct buf *events)
{
    struct jw w = jw_to(events);

    w.comma = events->n > 0;
    return stream->source->merge(stream, channel, since, &w);
}

/* ---- sweeping ----------------------------------------------------------------- */

static bool is_wanted(const struct stream *stream, const struct channel *channel)
{
    if (channel->empty_ms == 0 || channel->dirty || channel->n_waits > 0)
        return true;
    return !channel->gone && hub_now(stream) < channel->empty_ms + EMPTY_KEPT_MS;
}

static void sweep_map(struct stream *stream, struct map *map)
{
    struct channel *channel, **unwanted = calloc(map->n + 1, sizeof(struct channel *));
    size_t at = 0, n = 0;

    CHECK(unwanted != NULL);
    while ((channel = map_next(map, &at)) != NULL) {
        if (is_wanted(stream, channel))
            stream->source->sweep(stream, channel);
        else
            unwanted[n++] = channel;
    }
    while (n-- > 0) {
        (void)map_del(map, channel_id(unwanted[n]));
        channel_free(unwanted[n]);
    }
    free(unwanted);
}

void channels_sweep(struct stream *stream)
{
    for (unsigned kind = 0; kind < CHANNEL_KINDS; kind++)
        sweep_map(stream, &stream->channels[kind]);
}
