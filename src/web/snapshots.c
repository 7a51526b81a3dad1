/*
 * Snapshots: GET /v1/sports, /v1/events, /v1/events/{event}.
 *
 * An event's snapshot is kept until the event changes; lists are kept for a fifth of
 * a second, because any price changes the book.  Answers carry an ETag, the
 * hash of the body and so the same from every process; how long a CDN keeps them
 * is in tbl/routes.h.  Surrogate keys are the names by which `overround purge`
 * takes them out of its cache.
 */
#include "web/web.h"

#include <stdlib.h>

#include "api/answer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "model/money.h"
#include "net/cache_tag.h"
#include "web/event_json.h"

#define LISTS 256
#define LIST_FRESH_US 200000
#define KEPT_LEAST 256
#define COUNT_EVERY 4096 /* log entries */
#define PAGE_DEFAULT 100
#define PAGE_MAX 1000

/* A document in memory: an event's, or a list's by its query. */
struct kept_answer {
    char *key;
    struct buf body;
    int64_t order; /* of the event, of the book; -1 = not made */
    uint64_t hash; /* of the body: the same in every process */
    int64_t made_us;
};

struct web {
    const struct book *book;
    struct map events, lists;
    size_t n_events; /* in the book, when they were last counted */
};

struct web *web_new(const struct book *book)
{
    struct web *web = calloc(1, sizeof(*web));

    CHECK(web != NULL);
    web->book = book;
    map_init(&web->events, LIMIT_EVENTS);
    map_init(&web->lists, LISTS);
    return web;
}

static void snapshot_free(struct kept_answer *snapshot)
{
    buf_fini(&snapshot->body);
    free(snapshot->key);
    free(snapshot);
}

static void drop_all(struct map *map)
{
    struct kept_answer *snapshot;
    size_t at = 0, limit = map->limit;

    while ((snapshot = map_next(map, &at)) != NULL)
        snapshot_free(snapshot);
    map_fini(map);
    map_init(map, limit);
}

void web_free(struct web *web)
{
    drop_all(&web->events);
    drop_all(&web->lists);
    map_fini(&web->events);
    map_fini(&web->lists);
    free(web);
}

static size_t count_events(const struct book *book)
{
    size_t n = 0, at = 0;

    while (book_next_event(book, &at) != NULL)
        n++;
    return n;
}

void web_on_prices(void *ctx, const struct bus_prices *prices)
{
    struct web *web = ctx;

    if (prices->change->event != NULL && prices->position % COUNT_EVERY == 0)
        web->n_events = count_events(web->book);
}

/* The snapshot under this key, made empty when it is new.  `most` of them are
 * kept: when there are more, all are made again as they are asked for. */
static struct kept_answer *snapshot_of(struct map *map, struct str key, size_t most)
{
    struct kept_answer *snapshot = map_get(map, key);

    if (snapshot != NULL)
        return snapshot;
    if (map->n >= most || map->n == map->limit)
        drop_all(map);
    snapshot = calloc(1, sizeof(*snapshot));
    CHECK(snapshot != NULL);
    snapshot->key = strndup(key.p == NULL ? "" : key.p, key.n);
    CHECK(snapshot->key != NULL);
    snapshot->order = -1;
    buf_init(&snapshot->body, LIMIT_RESPONSE_BYTES);
    CHECK(map_put(map, str_of(snapshot->key), snapshot));
    return snapshot;
}

/* tag: of cache_tag.h. */
static void answer_snapshot(struct http_request *request, const struct kept_answer *snapshot,
                            struct str tag)
{
    struct str etag = arena_printf(&request->arena, "\"%016llx\"",
                                   (unsigned long long)snapshot->hash);
    struct str asked = http_header(request, "If-None-Match");
    struct http_header headers[] = {
        { "ETag", etag },
        { "Surrogate-Key", tag },
        { "Cache-Tag", tag },
    };

    if (asked.n > 0 && (str_eq(asked, STR("*")) || memmem(asked.p, asked.n, etag.p, etag.n)))
        http_respond(request, 304, NULL, STR_NONE, headers, LENGTH(headers));
    else
        http_respond(request, 200, "application/json", buf_view(&snapshot->body), headers,
                     LENGTH(headers));
}

static void made(struct kept_answer *snapshot, int64_t order)
{
    snapshot->order = order;
    snapshot->hash = hash_stable(buf_view(&snapshot->body));
    snapshot->made_us = clock_mono_us();
}

static void make_event(struct web *web, const struct event *event, struct kept_answer *snapshot,
                       struct arena *arena)
{
    struct jw w = jw_to(&snapshot->body);

    buf_reset(&snapshot->body);
    jw_object(&w);
    event_json_members(&w, event);
    event_json_markets(&w, web->book, event, arena);
    jw_object_end(&w);
}

static struct str event_tag(struct str id, struct arena *arena)
{
    struct buf tag;
    struct str copy;

    buf_init(&tag, 3 * LIMIT_ID_BYTES + 16);
    cache_tag_event(&tag, id);
    CHECK(!tag.overflow);
    copy = arena_str(arena, buf_view(&tag));
    buf_fini(&tag);
    return copy;
}

void web_get_event(struct web *web, struct http_request *request)
{
    const struct event *event = book_event(web->book, request->param);
    struct kept_answer *snapshot;

    if (event == NULL) {
        answer_refusal(request, REFUSE_NOT_FOUND, STR("no such event"), STR_NONE);
        return;
    }
    /* The book forgets events; their snapshots go when they are the most. */
    snapshot = snapshot_of(&web->events, event->id, KEPT_LEAST + 2 * web->n_events);
    if (snapshot->order != event->order) {
        make_event(web, event, snapshot, &request->arena);
        made(snapshot, event->order);
    }
    answer_snapshot(request, snapshot, event_tag(event->id, &request->arena));
}

/* ---- lists ----------------------------------------------------------- */

struct list_filter {
    struct str sport, state, after;
    int64_t limit;
};

static bool filter_passes(const struct list_filter *filter, const struct event *event)
{
    if (filter->sport.n > 0 && !str_eq(filter->sport, event->sport))
        return false;
    if (filter->state.n > 0)
        return str_eq(filter->state, str_of(event_json_state(event)));
    return event->status < EVENT_ENDED;
}

/* Live before upcoming, then by kick-off, then by id. */
static int event_order(const void *a, const void *b)
{
    const struct event *x = *(const struct event *const *)a;
    const struct event *y = *(const struct event *const *)b;
    int live_x = x->status == EVENT_LIVE, live_y = y->status == EVENT_LIVE;

    if (live_x != live_y)
        return live_y - live_x;
    if (x->start_ms != y->start_ms)
        return x->start_ms < y->start_ms ? -1 : 1;
    return str_cmp(x->id, y->id);
}

/* The events that pass, sorted; *n of them. */
static const struct event **select_events(const struct web *web, const struct list_filter *filter,
                                          struct arena *arena, size_t *n)
{
    const struct event **events = ARENA_ARRAY(arena, const struct event *,
                                              count_events(web->book) + 1);
    const struct event *event;
    size_t at = 0;

    *n = 0;
    while ((event = book_next_event(web->book, &at)) != NULL)
        if (filter_passes(filter, event))
            events[(*n)++] = event;
    qsort(events, *n, sizeof(*events), event_order);
    return events;
}

/* The first event behind `after`, which itself may have left the list; an
 * event that the book has forgotten ends it. */
static size_t first_after(const struct book *book, const struct event **events, size_t n,
                          struct str after)
{
    const struct event *last = book_event(book, after);
    size_t at = 0;

    if (last == NULL)
        return n;
    while (at < n && event_order(&events[at], &last) <= 0)
        at++;
    return at;
}

static void make_list(struct web *web, const struct list_filter *filter, struct buf *body,
                      struct arena *arena)
{
    size_t n, at, end;
    const struct event **events = select_events(web, filter, arena, &n);
    struct jw w = jw_to(body);

    at = filter->after.n == 0 ? 0 : first_after(web->book, events, n, filter->after);
    end = at + (size_t)filter->limit < n ? at + (size_t)filter->limit : n;
    buf_reset(body);
    jw_object(&w);
    jw_key(&w, "events");
    jw_array(&w);
    for (; at < end; at++) {
        jw_object(&w);
        event_json_members(&w, events[at]);
        event_json_main(&w, web->book, events[at], arena);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_key(&w, "next");
    if (end < n)
        jw_str(&w, events[end - 1]->id);
    else
        jw_null(&w);
    jw_object_end(&w);
}

/* False: the query is wrong and was answered. */
static bool read_filter(struct http_request *request, struct list_filter *filter)
{
    struct str limit = http_query(request, "limit");

    filter->sport = http_query(request, "sport");
    filter->state = http_query(request, "state");
    filter->after = http_query(request, "after");
    filter->limit = PAGE_DEFAULT;
    if (limit.p != NULL && (decimal_parse(limit, 0, PAGE_MAX, &filter->limit) != DECIMAL_OK ||
                            filter->limit < 1)) {
        answer_refusal(request, REFUSE_MALFORMED, STR("limit must be 1 to 1000"), STR_NONE);
        return false;
    }
    if (filter->state.n > 0 && !str_eq(filter->state, STR("live")) &&
        !str_eq(filter->state, STR("upcoming")) && !str_eq(filter->state, STR("ended"))) {
        answer_refusal(request, REFUSE_MALFORMED, STR("state must be live, upcoming or ended"),
                       STR_NONE);
        return false;
    }
    return true;
}

static bool list_is_fresh(const struct web *web, const struct kept_answer *snapshot)
{
    return snapshot->order == book_order(web->book) ||
           (snapshot->order >= 0 && clock_mono_us() - snapshot->made_us < LIST_FRESH_US);
}

void web_get_events(struct web *web, struct http_request *request)
{
    struct list_filter filter;
    struct kept_answer *snapshot;

    if (!read_filter(request, &filter))
        return;
    snapshot = snapshot_of(&web->lists,
                           arena_printf(&request->arena, "events?" STR_FMT "&" STR_FMT "&" STR_FMT
                                        "&%lld", STR_ARG(filter.sport), STR_ARG(filter.state),
                                        STR_ARG(filter.after), (long long)filter.limit), LISTS);
    if (!list_is_fresh(web, snapshot)) {
        make_list(web, &filter, &snapshot->body, &request->arena);
        made(snapshot, book_order(web->book));
    }
    answer_snapshot(request, snapshot, STR(CACHE_TAG_LISTS));
}

struct sport_count {
    struct str id, name;
    int64_t live, upcoming;
};

static void count_event(struct map *sports, const struct event *event, struct arena *arena)
{
    struct sport_count *sport = map_get(sports, event->sport);

    if (event->sport.n == 0 || event->status >= EVENT_ENDED)
        return;
    if (sport == NULL) {
        sport = ARENA_NEW(arena, struct sport_count);
        sport->id = event->sport;
        sport->name = event->sport_name;
        if (!map_put(sports, sport->id, sport))
            return;
    }
    sport->live += event->status != EVENT_NOT_STARTED;
    sport->upcoming += event->status == EVENT_NOT_STARTED;
}

static void make_sports(struct web *web, struct buf *body, struct arena *arena)
{
    const struct event *event;
    const struct sport_count *sport;
    struct map sports;
    struct jw w = jw_to(body);
    size_t at = 0;

    map_init(&sports, 1000);
    while ((event = book_next_event(web->book, &at)) != NULL)
        count_event(&sports, event, arena);
    buf_reset(body);
    jw_object(&w);
    jw_key(&w, "sports");
    jw_array(&w);
    at = 0;
    while ((sport = map_next(&sports, &at)) != NULL) {
        jw_object(&w);
        jw_key(&w, "id");
        jw_str(&w, sport->id);
        jw_key(&w, "name");
        jw_str(&w, sport->name);
        jw_key(&w, "live");
        jw_int(&w, sport->live);
        jw_key(&w, "upcoming");
        jw_int(&w, sport->upcoming);
        jw_object_end(&w);
    }
    jw_array_end(&w);
    jw_object_end(&w);
    map_fini(&sports);
}

void web_get_sports(struct web *web, struct http_request *request)
{
    struct kept_answer *snapshot = snapshot_of(&web->lists, STR("sports"), LISTS);

    if (!list_is_fresh(web, snapshot)) {
        make_sports(web, &snapshot->body, &request->arena);
        made(snapshot, book_order(web->book));
    }
    answer_snapshot(request, snapshot, STR(CACHE_TAG_LISTS));
}
