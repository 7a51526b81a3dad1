/*
 * The stream's source that is another process's stream: what its channels tell is
 * what they heard of (fanout/receive.c), by orders of this process.
 */
#include <stdlib.h>

#include "fanout/inside.h"

#define GONE_KEPT_MS 300000 /* a row, for those who are behind */

static struct upstream *upstream_of(const struct stream *stream)
{
    return stream->options.ctx;
}

/* ---- orders ------------------------------------------------------------- */

static int64_t source_order(const struct stream *stream)
{
    return upstream_of(stream)->order;
}

static void source_mark(struct stream *stream)
{
    (void)stream; /* receive.c does */
}

static int64_t source_clk(struct stream *stream, int64_t order)
{
    return clks_of_order(&upstream_of(stream)->clks, order);
}

static int64_t source_since(struct stream *stream, int64_t clk)
{
    return clks_since(&upstream_of(stream)->clks, clk, hub_now(stream));
}

static bool source_is_fresh(const struct stream *stream)
{
    return upstream_stale_ms(upstream_of(stream)) < BLINK_MS;
}

/* ---- channels ----------------------------------------------------------- */

static bool source_has_event(const struct stream *stream, struct str id)
{
    const struct channel *channel = map_get(&stream->channels[CHANNEL_EVENT], id);
    const struct wanted *wanted = channel == NULL ? NULL : channel->upstream;

    return wanted == NULL || !channel->known || !doc_is_gone(wanted->doc);
}

static bool is_full(const struct upstream *upstream)
{
    const struct wanted_list *queued = &upstream->lists[WANTED_QUEUED];
    const struct wanted_list *missing = &upstream->lists[WANTED_MISSING];
    size_t n = 0;

    for (unsigned kind = 0; kind < CHANNEL_KINDS; kind++)
        n += queued->n[kind] + missing->n[kind];
    return n >= UPSTREAM_MISSING;
}

static bool source_begin(struct stream *stream, struct channel *channel)
{
    struct upstream *upstream = upstream_of(stream);
    struct wanted *wanted;

    if (is_full(upstream))
        return false;
    wanted = calloc(1, sizeof(*wanted));
    CHECK(wanted != NULL);
    wanted->channel = channel;
    channel->upstream = wanted;
    if (channel->kind == CHANNEL_EVENT)
        wanted->doc = doc_new(channel_id(channel));
    else
        wanted->rows = rows_new(channel_id(channel));
    wanted_begin(upstream, wanted);
    return true;
}

static void source_end(struct channel *channel)
{
    struct wanted *wanted = channel->upstream;

    wanted_end(upstream_of(channel->stream), wanted);
    doc_free(wanted->doc);
    rows_free(wanted->rows);
    free(wanted);
}

/* ---- telling ------------------------------------------------------------ */

/* It is told whole: something has left it, or it was away. */
static void flush_whole(struct channel *channel, int64_t order, struct jw *w)
{
    const struct wanted *wanted = channel->upstream;

    channel->delta.img = true;
    channel->whole = order;
    if (wanted->doc != NULL)
        doc_put_image(wanted->doc, w);
    else
        rows_put_image(wanted->rows, w);
}

static bool flush_event(struct channel *channel, int64_t order, struct jw *w)
{
    const struct doc *doc = ((struct wanted *)channel->upstream)->doc;

    if (doc_is_gone(doc)) {
        if (channel->gone)
            return false;
        channel->gone = true;
        doc_put_image(doc, w);
        return true;
    }
    if (!channel->gone && !channel->renamed)
        return doc_put_delta(doc, channel->checked, w);
    flush_whole(channel, order, w);
    channel->gone = channel->renamed = false;
    return true;
}

static bool source_flush(struct stream *stream, struct channel *channel, int64_t order)
{
    const struct wanted *wanted = channel->upstream;
    struct jw w = jw_to(&channel->delta.events);

    (void)stream;
    if (channel->kind == CHANNEL_EVENT)
        return flush_event(channel, order, &w);
    if (!channel->renamed)
        return rows_put_since(wanted->rows, channel->checked, &w);
    flush_whole(channel, order, &w);
    channel->renamed = false;
    return true;
}

static void source_image(struct stream *stream, struct channel *channel, struct jw *w)
{
    const struct wanted *wanted = channel->upstream;

    (void)stream;
    if (wanted->doc != NULL)
        doc_put_image(wanted->doc, w);
    else
        rows_put_image(wanted->rows, w);
}

static bool source_merge(struct stream *stream, struct channel *channel, int64_t since,
                         struct jw *w)
{
    const struct wanted *wanted = channel->upstream;

    (void)stream;
    return wanted->doc != NULL ? doc_put_merged(wanted->doc, since, w)
                               : rows_put_since(wanted->rows, since, w);
}

static void source_sweep(struct stream *stream, struct channel *channel)
{
    const struct wanted *wanted = channel->upstream;
    int64_t order = wanted->rows == NULL
                        ? 0 : rows_sweep(wanted->rows, hub_now(stream), GONE_KEPT_MS);

    if (order >= channel->whole && order > 0)
        channel->whole = order + 1;
}

const struct stream_source upstream_source = {
    .order = source_order,
    .mark = source_mark,
    .clk = source_clk,
    .since = source_since,
    .is_fresh = source_is_fresh,
    .has_event = source_has_event,
    .begin = source_begin,
    .end = source_end,
    .flush = source_flush,
    .image = source_image,
    .merge = source_merge,
    .sweep = source_sweep,
    .admit = session_admit,
    .authenticate = session_authenticate,
    .check = session_check,
    .drained = session_drained,
    .forget = session_forget,
};
