/*
 * What the origin says over a line, to the channels that it concerns: foreign bytes,
 * of which nothing is believed but what the protocol allows.
 *
 * An event of a message is of its channel where its markets are a list, and a row of
 * its sport where they are a number; "gone" is of both.
 */
#include "base/log.h"
#include "fanout/inside.h"
#include "model/money.h"

static struct str member(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return (struct str){ json_string_value(value), json_string_length(value) };
}

static bool is_true(const json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}

/* The channel, if it comes over this line. */
static struct wanted *wanted_of(const struct line *line, enum channel_kind kind, struct str id)
{
    struct channel *channel = map_get(&line->upstream->stream->channels[kind], id);
    struct wanted *wanted = channel == NULL ? NULL : channel->upstream;

    return wanted != NULL && wanted->line == line ? wanted : NULL;
}

static void wanted_dirty(struct wanted *wanted)
{
    if (wanted->channel->known)
        channel_dirty(wanted->channel->stream, wanted->channel);
}

/* ---- events ------------------------------------------------------------- */

static const char *receive_doc(struct line *line, json_t *event, bool image)
{
    struct wanted *wanted = wanted_of(line, CHANNEL_EVENT, member(event, "id"));

    if (wanted == NULL)
        return NULL;
    switch (doc_apply(wanted->doc, event, image, line->upstream->order)) {
    case DOC_BAD:
        return "an event that is none";
    case DOC_LACKS:
        wanted_move(line->upstream, wanted, WANTED_QUEUED, NULL);
        wanted_soon(line->upstream);
        break;
    case DOC_WHOLE:
        wanted->channel->renamed = true;
        wanted_dirty(wanted);
        break;
    case DOC_CHANGED:
        wanted_dirty(wanted);
        break;
    case DOC_SAME:
        break;
    }
    return NULL;
}

/* It has been heard of in a later version, in another sport. */
static bool is_old_row(const struct map *sports, struct str id, json_int_t version)
{
    const struct channel *channel;
    size_t at = 0;

    while ((channel = map_next(sports, &at)) != NULL) {
        const struct wanted *wanted = channel->upstream;

        if (rows_version(wanted->rows, id) > version)
            return true;
    }
    return false;
}

/* Of every sport that has it, whichever line tells of that: it may have gone from one
 * to another, of which the origin tells those of the first one later. */
static void receive_row(struct line *line, json_t *event)
{
    const struct map *sports = &line->upstream->stream->channels[CHANNEL_SPORT];
    json_int_t version = json_integer_value(json_object_get(event, "version"));
    struct str id = member(event, "id");
    bool is_old = is_old_row(sports, id, version);
    struct channel *channel;
    size_t at = 0;

    while ((channel = map_next(sports, &at)) != NULL) {
        struct wanted *wanted = channel->upstream;
        int64_t has = rows_version(wanted->rows, id);

        if ((has >= 0 ? wanted->line == line || has < version
                      : wanted->line == line && !is_old) &&
            rows_take(wanted->rows, event, line->upstream->order))
            wanted_dirty(wanted);
    }
}

static void receive_gone(struct line *line, struct str id)
{
    struct wanted *doc = wanted_of(line, CHANNEL_EVENT, id);
    uint64_t now_ms = uv_now(line->upstream->loop);

    if (doc != NULL && doc_forget(doc->doc) == DOC_CHANGED)
        wanted_dirty(doc);
    for (struct wanted *wanted = line->holds.first; wanted != NULL; wanted = wanted->next)
        if (wanted->channel->kind == CHANNEL_SPORT &&
            rows_forget(wanted->rows, id, line->upstream->order, now_ms))
            wanted_dirty(wanted);
}

static const char *receive_event(struct line *line, json_t *event)
{
    struct str id = member(event, "id");
    const json_t *markets = json_object_get(event, "markets");

    if (id.p == NULL || id.n == 0 || id.n > LIMIT_ID_BYTES)
        return "an event without an id";
    if (is_true(event, "gone"))
        receive_gone(line, id);
    else if (json_is_array(markets))
        return receive_doc(line, event, is_true(event, "img"));
    else if (json_is_integer(markets))
        receive_row(line, event);
    return NULL;
}

/* ---- images ------------------------------------------------------------- */

/* Images that were asked for come in the order in which they were. */
static const char *image_fault(const struct wanted *wanted, const json_t *events)
{
    struct str id = channel_id(wanted->channel);

    if (wanted->channel->kind == CHANNEL_EVENT && json_array_size(events) != 1)
        return "an image of no event";
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);

        if (!str_eq(member(event, wanted->channel->kind == CHANNEL_EVENT ? "id" : "sport"), id))
            return "an image of something else";
    }
    return NULL;
}

/* Of what came unasked, because the origin could not go on from a clk: the sport; or
 * NULL where none can be told. */
static struct wanted *sport_of(struct line *line, const json_t *events)
{
    const json_t *first = json_array_get(events, 0);

    return json_is_integer(json_object_get(first, "markets"))
               ? wanted_of(line, CHANNEL_SPORT, member(first, "sport")) : NULL;
}

/* An image without events is of a sport without any, and does not say of which. */
static void ask_for_sports(struct line *line)
{
    struct wanted *next;

    for (struct wanted *wanted = line->holds.first; wanted != NULL; wanted = next) {
        next = wanted->next;
        if (wanted->channel->kind == CHANNEL_SPORT)
            wanted_move(line->upstream, wanted, WANTED_QUEUED, NULL);
    }
    wanted_soon(line->upstream);
}

static const char *receive_events(struct line *line, json_t *events)
{
    const char *fault = NULL;

    for (size_t i = 0; fault == NULL && i < json_array_size(events); i++)
        fault = receive_event(line, json_array_get(events, i));
    return fault;
}

static const char *receive_rows(struct line *line, struct wanted *sport, json_t *events)
{
    struct upstream *upstream = line->upstream;
    const char *fault;

    rows_image_begin(sport->rows);
    fault = receive_events(line, events);
    if (fault == NULL && rows_image_end(sport->rows, upstream->order, uv_now(upstream->loop))) {
        sport->channel->renamed = true;
        wanted_dirty(sport);
    }
    return fault;
}

/* ---- what was asked for has come ---------------------------------------- */

static bool is_there(const struct wanted *wanted)
{
    return wanted->doc != NULL ? !doc_is_gone(wanted->doc) : !rows_are_empty(wanted->rows);
}

/* Its first image is here: everybody has less. */
static void begin_known(struct wanted *wanted, int64_t order)
{
    struct channel *channel = wanted->channel;

    channel->checked = channel->changed = channel->whole = order;
    channel->gone = wanted->doc != NULL && doc_is_gone(wanted->doc);
    channel->renamed = false;
    channel_is_known(channel);
}

static void strike_waiters(const struct channel *channel)
{
    for (const struct channel_waiter *w = channel->waiters; w != NULL; w = w->next)
        if (w->wait->client != NULL)
            session_strike(w->wait->client);
}

static void fetch_ends(struct line *line)
{
    struct line_asked asked = line->asked;
    struct upstream *upstream = line->upstream;

    line->asked.is_fetch = false;
    for (size_t i = 0; i < asked.n; i++) {
        if (asked.of[i] == NULL)
            continue;
        if (is_there(asked.of[i])) {
            wanted_move(upstream, asked.of[i], WANTED_HELD, line);
        } else {
            strike_waiters(asked.of[i]->channel);
            wanted_move(upstream, asked.of[i], WANTED_MISSING, NULL);
        }
    }
    wanted_mark(upstream);
    for (size_t i = 0; i < asked.n; i++)
        if (asked.of[i] != NULL && !asked.of[i]->channel->known)
            begin_known(asked.of[i], upstream->order);
    wanted_soon(upstream);
}

static const char *receive_asked(struct line *line, json_t *events)
{
    struct wanted *wanted = line->asked.of[line->asked.images++];
    const char *fault;

    if (wanted == NULL)
        return NULL;
    fault = image_fault(wanted, events);
    if (fault != NULL)
        return fault;
    return wanted->rows != NULL ? receive_rows(line, wanted, events) : receive_events(line, events);
}

/* ---- messages ----------------------------------------------------------- */

/* The promise of the message is of what has come with it. */
static const char *receive_clk(struct line *line, const json_t *message)
{
    int64_t clk;

    if (decimal_parse(member(message, "clk"), 0, INT64_MAX, &clk) != DECIMAL_OK || clk < 0)
        return "a message without a clk";
    line->clk = clk;
    if (clk > line->peak)
        line->peak = clk;
    return NULL;
}

static const char *receive_change(struct line *line, json_t *message)
{
    struct upstream *upstream = line->upstream;
    json_t *events = json_object_get(message, "events");
    struct line_asked *asked = &line->asked;
    const char *fault = receive_clk(line, message);
    struct wanted *sport;
    bool ends = false;

    if (fault != NULL || !json_is_array(events))
        return fault != NULL ? fault : "a change without events";
    (void)hub_covered(upstream->stream);
    upstream->order++;
    if (is_true(message, "img") && asked->is_fetch && !asked->waits && asked->images < asked->n) {
        fault = receive_asked(line, events);
        ends = fault == NULL && asked->images == asked->n;
    } else if (is_true(message, "img") && json_array_size(events) == 0) {
        ask_for_sports(line);
    } else if (is_true(message, "img") && (sport = sport_of(line, events)) != NULL) {
        fault = receive_rows(line, sport, events);
    } else {
        fault = receive_events(line, events);
    }
    if (ends)
        fetch_ends(line);
    wanted_mark(upstream);
    return fault;
}

/* It takes over what the other line held until now. */
static void adopt(struct line *line)
{
    struct line_asked *asked = &line->asked;
    struct line *from = asked->from;

    from->is_given = false;
    asked->from = NULL;
    if (from->clk < line->clk)
        line->clk = from->clk;
    for (size_t i = 0; i < asked->n; i++)
        if (asked->of[i] != NULL && asked->of[i]->line == from)
            wanted_move(line->upstream, asked->of[i], WANTED_HELD, line);
    wanted_mark(line->upstream);
}

/* Since it was asked for, something may have ended that is part of it. */
static bool is_as_asked(const struct line *line)
{
    const struct line_asked *asked = &line->asked;

    for (size_t i = 0; i < asked->n; i++)
        if (asked->of[i] == NULL || asked->of[i]->line != line)
            return false;
    return asked->n == line->holds.n[CHANNEL_EVENT] + line->holds.n[CHANNEL_SPORT];
}

static const char *receive_status(struct line *line, const json_t *message)
{
    struct line_asked *asked = &line->asked;
    const json_t *id = json_object_get(message, "id");

    if (!asked->waits || !json_is_integer(id) || json_integer_value(id) != asked->id)
        return NULL;
    if (!str_eq(member(message, "status"), STR("ok")))
        return "the origin refuses a subscription";
    asked->waits = line->resumes = false;
    if (asked->from != NULL)
        adopt(line);
    if (!asked->is_fetch && !is_as_asked(line))
        line->changed = true;
    wanted_soon(line->upstream);
    return NULL;
}

/* A process that is behind catches up; an origin whose log is another one does not. */
static void compare_with_peak(struct line *line)
{
    if (line->clk == line->peak)
        line->below_ms = 0;
    else if (line->clk > 0 && line->below_ms == 0)
        line->below_ms = line->received_ms;
}

static const char *receive_heartbeat(struct line *line, const json_t *message)
{
    const char *fault = receive_clk(line, message);

    if (fault != NULL)
        return fault;
    compare_with_peak(line);
    wanted_mark(line->upstream);
    return NULL;
}

static const char *receive_message(struct line *line, json_t *message)
{
    struct str op = member(message, "op");
    if (!json_is_shallow(message))
        return "a message that is nested too deep";
    if (str_eq(op, STR("change")))
        return receive_change(line, message);
    if (str_eq(op, STR("status")))
        return receive_status(line, message);
    return str_eq(op, STR("heartbeat")) ? receive_heartbeat(line, message) : NULL;
}

const char *line_receive(struct line *line, struct str text)
{
    json_t *message = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    const char *fault = message == NULL ? "a message that is no JSON"
                                        : receive_message(line, message);

    json_decref(message);
    return fault;
}
