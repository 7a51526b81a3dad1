/*
 * Channels' prices from the book.
 *
 * The book's pointers are good until its next apply, and events leave it: a
 * channel knows its event by id, and by a few hashes what was told of it.
 *
 *   fixture   names, kick-off: a delta brings them again when they changed
 *   shapes    by market: its outcomes; a market that is new, or has others
 *             than were named, is named again
 *   rows      of a sport: an event each; told again when more changed in it
 *             than its version
 */
#include <stdlib.h>

#include "web/event_json.h"
#include "web/stream_inside.h"

#define GONE_KEPT_MS 300000    /* a row, for those who are behind */
#define FNV_BASE UINT64_C(0xcbf29ce484222325)

static uint64_t hash_bytes(uint64_t hash, const void *p, size_t n)
{
    const uint8_t *bytes = p;

    for (size_t i = 0; i < n; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_str(uint64_t hash, struct str s)
{
    return hash_bytes(hash_bytes(hash, &s.n, sizeof(s.n)), s.p, s.n);
}

static uint64_t fixture_of(const struct event *event)
{
    uint64_t hash = hash_bytes(FNV_BASE, &event->start_ms, sizeof(event->start_ms));

    hash = hash_str(hash_str(hash, event->sport), event->sport_name);
    hash = hash_str(hash_str(hash, event->tournament_name), event->home);
    return hash_str(hash, event->away);
}

static uint64_t shape_of(const struct market *market)
{
    uint64_t hash = hash_bytes(FNV_BASE, &market->id.market, sizeof(market->id.market));

    hash = hash_str(hash, market->id.specifiers);
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        hash = hash_str(hash, market->outcomes[i].id);
    return hash;
}

/* ---- what was told --------------------------------------------------------- */

/* The i-th market as it is now is told with its names.  True: it was before. */
static bool shape_put(struct channel *channel, uint32_t i, const struct market *market)
{
    uint64_t shape = shape_of(market);
    bool told = i < channel->n_shapes && channel->shapes[i] == shape;

    if (i >= channel->shapes_room) {
        channel->shapes_room = i < 16 ? 16 : i * 2;
        channel->shapes = realloc(channel->shapes,
                                  channel->shapes_room * sizeof(*channel->shapes));
        CHECK(channel->shapes != NULL);
    }
    for (; channel->n_shapes <= i; channel->n_shapes++)
        channel->shapes[channel->n_shapes] = 0;
    channel->shapes[i] = shape;
    return told;
}

static void learn_event(struct channel *channel, const struct event *event)
{
    uint32_t i = 0;

    channel->n_shapes = 0;
    channel->fixture = fixture_of(event);
    for (const struct market *m = event->markets; m != NULL; m = m->next)
        (void)shape_put(channel, i++, m);
}

/* ---- rows of a sport ------------------------------------------------------- */

static struct sport_row *row_of(struct channel *channel, struct str id)
{
    struct sport_row *row = map_get(&channel->rows, id);

    if (row != NULL)
        return row;
    row = calloc(1, sizeof(*row) + id.n);
    CHECK(row != NULL);
    row->id_n = id.n;
    memcpy(row->id, id.p, id.n);
    if (map_put(&channel->rows, (struct str){ row->id, row->id_n }, row))
        return row;
    free(row);
    return NULL;
}

static const struct event *row_event(const struct stream *stream, const struct channel *channel,
                                     const struct sport_row *row)
{
    struct str id = { row->id, row->id_n };
    const struct event *event = book_event(stream->options.book, id);

    return event != NULL && str_eq(event->sport, channel_id(channel)) ? event : NULL;
}

static void row_dirty(struct channel *channel, struct sport_row *row)
{
    if (row == NULL || row->dirty)
        return;
    row->dirty = true;
    row->next_dirty = channel->dirty_rows;
    channel->dirty_rows = row;
}

static void put_gone(struct jw *w, struct str id)
{
    jw_object(w);
    jw_key(w, "id");
    jw_str(w, id);
    jw_key(w, "gone");
    jw_bool(w, true);
    jw_object_end(w);
}

static void put_row(const struct stream *stream, struct jw *w, const struct event *event,
                    struct arena *arena)
{
    jw_object(w);
    event_json_members(w, event);
    event_json_main(w, stream->options.book, event, arena);
    jw_object_end(w);
}

/* What is shown of the event, but its version. */
static uint64_t row_hash(struct stream *stream, const struct event *event)
{
    struct event as_first = *event;
    struct jw w = jw_to(&stream->scratch);

    as_first.version = 0;
    buf_reset(&stream->scratch);
    put_row(stream, &w, &as_first, &stream->names);
    arena_reset(&stream->names);
    return hash_str(FNV_BASE, buf_view(&stream->scratch));
}

/* True: there is something to tell. */
static bool row_look(struct stream *stream, struct channel *channel, struct sport_row *row,
                     int64_t order)
{
    const struct event *event = row_event(stream, channel, row);
    uint64_t hash;

    if (event == NULL) {
        if (row->gone)
            return false;
        row->gone = true;
        row->gone_ms = hub_now(stream);
        row->changed = order;
        return true;
    }
    hash = row_hash(stream, event);
    row->version_seen = event->version;
    if (hash == row->hash && !row->gone)
        return false;
    row->gone = false;
    row->hash = hash;
    row->changed = order;
    return true;
}

/* What has gone to another sport is told once more, with that: "gone" would
 * take it from those who also subscribe to it there. */
static void put_row_or_gone(struct stream *stream, const struct sport_row *row, struct jw *w)
{
    struct str id = { row->id, row->id_n };
    const struct event *event = book_event(stream->options.book, id);

    if (event == NULL)
        put_gone(w, id);
    else
        put_row(stream, w, event, &stream->names);
    arena_reset(&stream->names);
}

/* ---- channels --------------------------------------------------------------- */

static void learn_sport(struct stream *stream, struct channel *channel)
{
    const struct event *event;
    size_t at = 0;

    while ((event = book_next_event(stream->options.book, &at)) != NULL) {
        struct sport_row *row;

        if (!str_eq(event->sport, channel_id(channel)))
            continue;
        row = row_of(channel, event->id);
        if (row != NULL)
            (void)row_look(stream, channel, row, event->order);
    }
}

static bool book_begin(struct stream *stream, struct channel *channel)
{
    const struct event *event;

    channel->known = true;
    map_init(&channel->rows, LIMIT_EVENTS);
    channel->checked = channel->changed = book_order(stream->options.book);
    if (channel->kind == CHANNEL_SPORT) {
        channel->whole = channel->checked; /* who had left before is not known */
        learn_sport(stream, channel);
        return true;
    }
    channel->whole = stream->since;
    event = book_event(stream->options.book, channel_id(channel));
    channel->gone = event == NULL;
    if (event != NULL)
        learn_event(channel, event);
    return true;
}

static void book_end(struct channel *channel)
{
    struct sport_row *row;
    size_t at = 0;

    while ((row = map_next(&channel->rows, &at)) != NULL)
        free(row);
    map_fini(&channel->rows);
    free(channel->shapes);
}

/* ---- hearing ---------------------------------------------------------------- */

/* Every event is new at this order, and no market is: names. */
static bool is_renaming(const struct event *event, int64_t order)
{
    if (event == NULL || event->order != order)
        return false;
    for (const struct market *m = event->markets; m != NULL; m = m->next)
        if (m->order == order)
            return false;
    return true;
}

static void receive_all(struct stream *stream, int64_t order)
{
    struct channel *channel;
    size_t first = 0, at = 0;

    if (is_renaming(book_next_event(stream->options.book, &first), order))
        stream->since = order; /* who was away until now has old names */
    while ((channel = map_next(&stream->channels[CHANNEL_EVENT], &at)) != NULL) {
        const struct event *event = book_event(stream->options.book, channel_id(channel));

        channel->renamed |= is_renaming(event, order);
        channel_dirty(stream, channel);
    }
    at = 0;
    while ((channel = map_next(&stream->channels[CHANNEL_SPORT], &at)) != NULL) {
        channel->all = true;
        channel_dirty(stream, channel);
    }
}

void channels_receive(struct stream *stream, const struct bus_prices *prices)
{
    const struct event *event = prices->change->event;
    struct channel *channel;

    if (prices->change->all)
        receive_all(stream, book_order(stream->options.book));
    if (event == NULL)
        return;
    channel = map_get(&stream->channels[CHANNEL_EVENT], event->id);
    if (channel != NULL)
        channel_dirty(stream, channel);
    channel = map_get(&stream->channels[CHANNEL_SPORT], event->sport);
    if (channel == NULL)
        return;
    row_dirty(channel, row_of(channel, event->id));
    channel_dirty(stream, channel);
}

/* ---- what is new ------------------------------------------------------------ */

static void put_image(struct stream *stream, const struct event *event, struct jw *w)
{
    jw_object(w);
    event_json_members(w, event);
    jw_key(w, "img");
    jw_bool(w, true);
    event_json_markets(w, stream->options.book, event, &stream->names);
    jw_object_end(w);
    arena_reset(&stream->names);
}

/* The event with its markets newer than `since`; of those alone that the
 * channel has not told yet, names. */
static void put_delta(struct stream *stream, struct channel *channel, const struct event *event,
                      struct jw *w)
{
    uint64_t fixture = fixture_of(event);
    uint32_t i = 0;

    jw_object(w);
    if (fixture == channel->fixture)
        event_json_moving(w, event);
    else
        event_json_members(w, event);
    channel->fixture = fixture;
    jw_key(w, "markets");
    jw_array(w);
    for (const struct market *m = event->markets; m != NULL; m = m->next, i++)
        if (m->order > channel->checked)
            event_json_market(w, stream->options.book, m, !shape_put(channel, i, m),
                              &stream->names);
    jw_array_end(w);
    jw_object_end(w);
    arena_reset(&stream->names);
}

static void put_merged(struct stream *stream, const struct event *event, int64_t since,
                       struct jw *w)
{
    jw_object(w);
    event_json_members(w, event);
    jw_key(w, "markets");
    jw_array(w);
    for (const struct market *m = event->markets; m != NULL; m = m->next)
        if (m->order > since)
            event_json_market(w, stream->options.book, m, true, &stream->names);
    jw_array_end(w);
    jw_object_end(w);
    arena_reset(&stream->names);
}

static bool flush_event(struct stream *stream, struct channel *channel, int64_t order)
{
    const struct event *event = book_event(stream->options.book, channel_id(channel));
    struct jw w = jw_to(&channel->delta.events);

    if (event == NULL) {
        if (channel->gone)
            return false;
        channel->gone = true;
        put_gone(&w, channel_id(channel));
        return true;
    }
    if (event->order <= channel->checked && !channel->gone && !channel->renamed)
        return false;
    if (channel->gone || channel->renamed) {
        channel->delta.img = true;
        channel->whole = order;
        learn_event(channel, event);
        put_image(stream, event, &w);
    } else {
        put_delta(stream, channel, event, &w);
    }
    channel->gone = channel->renamed = false;
    return true;
}

static bool flush_sport(struct stream *stream, struct channel *channel, int64_t order)
{
    struct jw w = jw_to(&channel->delta.events);
    struct sport_row *row;
    bool told = false;
    size_t at = 0;

    while (channel->all && (row = map_next(&channel->rows, &at)) != NULL)
        row_dirty(channel, row);
    channel->all = false;
    while ((row = channel->dirty_rows) != NULL) {
        channel->dirty_rows = row->next_dirty;
        row->dirty = false;
        if (!row_look(stream, channel, row, order))
            continue;
        put_row_or_gone(stream, row, &w);
        told = true;
    }
    return told;
}

static bool book_flush(struct stream *stream, struct channel *channel, int64_t order)
{
    return channel->kind == CHANNEL_EVENT ? flush_event(stream, channel, order)
                                          : flush_sport(stream, channel, order);
}

/* Lists show what is not over. */
static void put_rows(struct stream *stream, struct channel *channel, struct jw *w)
{
    const struct sport_row *row;
    size_t at = 0;

    while ((row = map_next(&channel->rows, &at)) != NULL) {
        const struct event *event = row_event(stream, channel, row);

        if (event == NULL || event->status >= EVENT_ENDED)
            continue;
        put_row(stream, w, event, &stream->names);
        arena_reset(&stream->names);
    }
}

static void book_image(struct stream *stream, struct channel *channel, struct jw *w)
{
    const struct event *event;

    if (channel->kind == CHANNEL_SPORT) {
        put_rows(stream, channel, w);
        return;
    }
    event = book_event(stream->options.book, channel_id(channel));
    if (event == NULL)
        put_gone(w, channel_id(channel));
    else
        put_image(stream, event, w);
}

static bool merge_sport(struct stream *stream, struct channel *channel, int64_t since,
                        struct jw *w)
{
    const struct sport_row *row;
    bool told = false;
    size_t at = 0;

    while ((row = map_next(&channel->rows, &at)) != NULL) {
        if (row->changed <= since)
            continue;
        put_row_or_gone(stream, row, w);
        told = true;
    }
    return told;
}

static bool book_merge(struct stream *stream, struct channel *channel, int64_t since,
                       struct jw *w)
{
    const struct event *event;

    if (channel->kind == CHANNEL_SPORT)
        return merge_sport(stream, channel, since, w);
    event = book_event(stream->options.book, channel_id(channel));
    if (event == NULL)
        put_gone(w, channel_id(channel));
    else if (event->order > since)
        put_merged(stream, event, since, w);
    else
        return false;
    return true;
}

/* ---- sweeping ----------------------------------------------------------------- */

static void sweep_rows(struct stream *stream, struct channel *channel)
{
    uint64_t now_ms = hub_now(stream);
    struct sport_row *row, *old = NULL;
    size_t at = 0;

    while ((row = map_next(&channel->rows, &at)) != NULL) {
        if (row->gone && now_ms > row->gone_ms + GONE_KEPT_MS && !row->dirty)
            old = row;
        else if (!row->gone && row_event(stream, channel, row) == NULL)
            row_dirty(channel, row);
    }
    if (channel->dirty_rows != NULL)
        channel_dirty(stream, channel);
    if (old == NULL)
        return;
    /* One a sweep: who is that far behind gets the image. */
    if (old->changed >= channel->whole)
        channel->whole = old->changed + 1;
    (void)map_del(&channel->rows, (struct str){ old->id, old->id_n });
    free(old);
}

static void book_sweep(struct stream *stream, struct channel *channel)
{
    if (channel->kind == CHANNEL_SPORT)
        sweep_rows(stream, channel);
    else if (!channel->gone &&
             book_event(stream->options.book, channel_id(channel)) == NULL)
        channel_dirty(stream, channel);
}

/* ---- the source ----------------------------------------------------------------- */

static int64_t source_order(const struct stream *stream)
{
    return book_order(stream->options.book);
}

static bool has_event(const struct stream *stream, struct str id)
{
    return book_event(stream->options.book, id) != NULL;
}

static void authenticate(struct client *client, const struct stream_authenticate *ask)
{
    own_authenticate(client, ask->token, ask->id);
}

const struct stream_source stream_book = {
    .order = source_order,
    .mark = stream_mark,
    .clk = stream_clk,
    .since = stream_order,
    .has_event = has_event,
    .begin = book_begin,
    .end = book_end,
    .flush = book_flush,
    .image = book_image,
    .merge = book_merge,
    .sweep = book_sweep,
    .authenticate = authenticate,
    .check = own_check,
    .drained = own_drained,
    .forget = own_forget,
};
