/*
 * The book's memory.  Events, markets, lists and outcome arrays come from one
 * arena and go back to lists of spares, by kind; texts are counted and come
 * from the heap.  So the book is as large as it was at its fullest, however
 * many events have passed through it.
 *
 *   text    refs | n | bytes      one for each different text
 *   spare   next | poison         what was given back
 *   table   markets by market_key(), open addressing, at most half full;
 *           the identity decides
 */
#include "model/book_inside.h"

#include <stdlib.h>

#define POISON 0xdd

struct text {
    uint32_t refs;
    size_t n;
    char bytes[];
};

/* ---- texts -------------------------------------------------------------- */

static struct text *text_of(struct str text)
{
    return (struct text *)(uintptr_t)(text.p - offsetof(struct text, bytes));
}

struct str book_text_ref(struct book *book, struct str text)
{
    struct text *known;

    if (text.n == 0)
        return STR_NONE;
    known = map_get(&book->texts, text);
    if (known == NULL) {
        known = malloc(sizeof(*known) + text.n);
        CHECK(known != NULL);
        *known = (struct text){ .n = text.n };
        memcpy(known->bytes, text.p, text.n);
        /* room was checked before anything was applied */
        CHECK(map_put(&book->texts, (struct str){ known->bytes, text.n }, known));
    }
    known->refs++;
    CHECK(known->refs > 0);
    return (struct str){ known->bytes, text.n };
}

void book_text_unref(struct book *book, struct str text)
{
    struct text *known;

    if (text.n == 0)
        return;
    known = text_of(text);
    CHECK(known->refs > 0 && known->n == text.n);
    if (--known->refs > 0)
        return;
    CHECK(map_del(&book->texts, text) == known);
    free(known);
}

uint32_t book_text_refs(const struct book *book, struct str text)
{
    const struct text *known = map_get(&book->texts, text);

    return known == NULL ? 0 : known->refs;
}

uint64_t book_text_refs_all(const struct book *book)
{
    const struct text *text;
    uint64_t refs = 0;
    size_t at = 0;

    while ((text = map_next(&book->texts, &at)) != NULL)
        refs += text->refs;
    return refs;
}

void book_texts_free(struct book *book)
{
    void *text;
    size_t at = 0;

    while ((text = map_next(&book->texts, &at)) != NULL)
        free(text);
    map_fini(&book->texts);
}

/* ---- spares ------------------------------------------------------------- */

static void *take(struct book *book, unsigned kind, size_t bytes)
{
    struct spare *spare = book->spares[kind];

    if (spare == NULL)
        return arena_alloc(&book->arena, bytes);
    book->spares[kind] = spare->next;
    return memset(spare, 0, bytes);
}

static void give(struct book *book, unsigned kind, void *memory, size_t bytes)
{
    struct spare *spare = memory;

    memset(memory, POISON, bytes);
    spare->next = book->spares[kind];
    book->spares[kind] = spare;
}

/* The size of which n outcomes are, and in *room how many it has. */
static unsigned outcome_size(uint32_t n, uint32_t *room)
{
    unsigned size = 8;

    CHECK(n > 0 && n <= LIMIT_OUTCOMES);
    *room = n;
    if (n <= 8)
        return n - 1;
    for (*room = 16; *room < n; *room *= 2)
        size++;
    CHECK(size < BOOK_OUTCOME_SIZES);
    return size;
}

static void outcomes_give(struct book *book, struct market *market)
{
    uint32_t room;
    unsigned size;

    if (market->room == 0)
        return;
    size = outcome_size(market->room > LIMIT_OUTCOMES ? LIMIT_OUTCOMES : market->room, &room);
    CHECK(room == market->room);
    give(book, SPARE_OUTCOMES + size, market->outcomes, room * sizeof(struct outcome));
    market->outcomes = NULL;
    market->room = 0;
}

void book_outcomes_room(struct book *book, struct market *market, uint32_t n)
{
    uint32_t room;
    unsigned size;

    if (n <= market->room)
        return;
    outcomes_give(book, market);
    size = outcome_size(n, &room);
    market->outcomes = take(book, SPARE_OUTCOMES + size, room * sizeof(struct outcome));
    market->room = room;
}

/* ---- who was heard ------------------------------------------------------ */

struct heard *book_heard_find(struct heard *list, int32_t producer)
{
    while (list != NULL && list->producer != producer)
        list = list->next;
    return list;
}

void book_heard_raise(struct book *book, struct heard **list, int32_t producer, int64_t ts)
{
    struct heard *heard = book_heard_find(*list, producer);

    if (heard == NULL) {
        heard = take(book, SPARE_HEARD, sizeof(*heard));
        heard->producer = producer;
        heard->ts = ts;
        heard->next = *list;
        *list = heard;
    }
    if (ts > heard->ts)
        heard->ts = ts;
}

static void heard_give(struct book *book, struct heard *list)
{
    while (list != NULL) {
        struct heard *next = list->next;

        give(book, SPARE_HEARD, list, sizeof(*list));
        list = next;
    }
}

/* ---- the table ---------------------------------------------------------- */

struct market *book_table_find(const struct book *book, struct market_id id, int64_t key)
{
    size_t mask = book->table_room - 1;

    if (book->n_markets == 0)
        return NULL;
    for (size_t at = (size_t)key & mask; book->table[at] != NULL; at = (at + 1) & mask)
        if (book->table[at]->key == key && market_id_equal(book->table[at]->id, id))
            return book->table[at];
    return NULL;
}

static void table_put(struct book *book, struct market *market)
{
    size_t mask = book->table_room - 1, at = (size_t)market->key & mask;

    while (book->table[at] != NULL)
        at = (at + 1) & mask;
    book->table[at] = market;
}

static void table_grow(struct book *book)
{
    struct market **old = book->table;
    size_t old_room = book->table_room;

    book->table_room = old_room == 0 ? 1024 : old_room * 2;
    book->table = calloc(book->table_room, sizeof(struct market *));
    CHECK(book->table != NULL);
    for (size_t i = 0; i < old_room; i++)
        if (old[i] != NULL)
            table_put(book, old[i]);
    free(old);
}

static void table_remove(struct book *book, const struct market *market)
{
    size_t mask = book->table_room - 1, hole = (size_t)market->key & mask, at;

    while (book->table[hole] != market) {
        CHECK(book->table[hole] != NULL);
        hole = (hole + 1) & mask;
    }
    /* Close the gap: move back each follower that may stand in it. */
    for (at = (hole + 1) & mask; book->table[at] != NULL; at = (at + 1) & mask) {
        size_t home = (size_t)book->table[at]->key & mask;

        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        book->table[hole] = book->table[at];
        hole = at;
    }
    book->table[hole] = NULL;
}

/* ---- markets and events ------------------------------------------------- */

struct market *book_market_add(struct book *book, struct event *event, uint32_t id,
                               struct str specifiers)
{
    struct market_entry *entry = take(book, SPARE_MARKET, sizeof(*entry));
    struct market *market = &entry->market;

    CHECK(book->n_markets < book->limits.markets);
    market->id = (struct market_id){ event->id, id, book_text_ref(book, specifiers) };
    market->key = market_key(market->id);
    market->event = event;
    market->status = MARKET_INACTIVE;
    entry->rank = event->n_markets;
    if (event->last == NULL)
        event->markets = market;
    else
        event->last->next = market;
    event->last = market;
    event->n_markets++;
    if (++book->n_markets * 2 > book->table_room)
        table_grow(book);
    table_put(book, market);
    book_desk_link_market(book, market);
    return market;
}

/* Out of the table and the memory; its event's list is the caller's. */
static void market_remove(struct book *book, struct market *market)
{
    struct market_entry *entry = (struct market_entry *)market;

    table_remove(book, market);
    book->n_markets--;
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        book_text_unref(book, market->outcomes[i].id);
    outcomes_give(book, market);
    book_text_unref(book, market->id.specifiers);
    heard_give(book, entry->others);
    give(book, SPARE_MARKET, entry, sizeof(*entry));
}

static void event_unlink(struct event *event, struct market *market)
{
    struct market *before = NULL;

    for (struct market *at = event->markets; at != market; at = at->next)
        before = at;
    if (before == NULL)
        event->markets = market->next;
    else
        before->next = market->next;
    if (event->last == market)
        event->last = before;
    market->next = NULL;
}

void book_market_remove(struct book *book, struct market *market)
{
    struct event_entry *entry = (struct event_entry *)market->event;

    event_unlink(market->event, market);
    market->event->n_markets--;
    entry->n_closed -= book_status_is_closed(market->status);
    market_remove(book, market);
}

static uint32_t rank_of(const struct market *market)
{
    return ((const struct market_entry *)market)->rank;
}

void book_market_rank(struct market *market, uint32_t rank)
{
    struct event *event = market->event;
    struct market *before = NULL;

    event_unlink(event, market);
    ((struct market_entry *)market)->rank = rank;
    if (event->last != NULL && rank_of(event->last) <= rank)
        before = event->last;
    for (struct market *at = event->markets; before != event->last && at != NULL &&
         rank_of(at) <= rank; at = at->next)
        before = at;
    market->next = before == NULL ? event->markets : before->next;
    if (before == NULL)
        event->markets = market;
    else
        before->next = market;
    if (market->next == NULL)
        event->last = market;
}

struct event *book_event_add(struct book *book, struct str id)
{
    struct event_entry *entry = take(book, SPARE_EVENT, sizeof(*entry));
    struct event *event = &entry->event;

    entry->book = book;
    entry->buried_ms = book_buried_ms(book, id);
    event->id = book_text_ref(book, id);
    CHECK(map_put(&book->events, event->id, event));
    if (book->n_events == book->list_room) {
        book->list_room = book->list_room == 0 ? 64 : book->list_room * 2;
        book->list = realloc(book->list, book->list_room * sizeof(struct event *));
        CHECK(book->list != NULL);
    }
    entry->at = book->n_events;
    book->list[book->n_events++] = event;
    book_desk_link_event(book, event);
    return event;
}

void book_event_remove(struct book *book, struct event *event)
{
    struct event_entry *entry = (struct event_entry *)event;
    struct event *last = book->list[--book->n_events];
    const struct str texts[] = {
        event->sport, event->sport_name, event->tournament, event->tournament_name,
        event->category_name, event->home, event->away, event->home_score, event->away_score,
        event->match_time, entry->home_id, entry->away_id, event->id,
    };

    book->list[entry->at] = last;
    ((struct event_entry *)last)->at = entry->at;
    CHECK(map_del(&book->events, event->id) == event);
    for (struct market *market = event->markets, *next; market != NULL; market = next) {
        next = market->next;
        market_remove(book, market);
    }
    for (unsigned i = 0; i < LENGTH(texts); i++)
        book_text_unref(book, texts[i]);
    heard_give(book, entry->stops);
    give(book, SPARE_EVENT, entry, sizeof(*entry));
}

/* ---- small things all parts ask ----------------------------------------- */

struct book *book_of_market(const struct market *market)
{
    return ((const struct event_entry *)market->event)->book;
}

struct producer *book_producer(const struct book *book, int32_t id)
{
    for (size_t i = 0; i < book->n_producers; i++)
        if (book->producers[i].id == id)
            return (struct producer *)(uintptr_t)&book->producers[i];
    return NULL;
}

bool book_status_is_closed(int8_t status)
{
    return status == MARKET_SETTLED || status == MARKET_CANCELLED;
}
