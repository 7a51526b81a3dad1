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
    CHECK_DEAR(map_get(&book->texts, text) == known);
    CHECK(known->refs > 0 && known->n == text.n);
    if (--known->refs > 0)
        return;
    CHECK(map_del(&book->texts, text) == known);
    free(known);
}

uint32_t book_text_refs(const struct book *book, struct str text)
{
    const struct text *known = map_get(&book->texts, text);

    CHECK(known == NULL || known->bytes == text.p); /* nobody has a copy */
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

static void *spare_take(struct book *book, unsigned kind, size_t bytes)
{
    struct spare *spare;

    CHECK(kind < SPARE_KINDS);
    spare = book->spares[kind];
    if (spare == NULL)
        return arena_alloc(&book->arena, bytes);
    CHECK(((const unsigned char *)spare)[bytes - 1] == POISON); /* nobody wrote into it */
    book->spares[kind] = spare->next;
    return memset(spare, 0, bytes);
}

static void give(struct book *book, unsigned kind, void *memory, size_t bytes)
{
    struct spare *spare = memory;

    CHECK(kind < SPARE_KINDS && bytes > sizeof(*spare));
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

struct outcome *book_outcomes_take(struct book *book, uint32_t n, uint32_t *room)
{
    unsigned size = outcome_size(n, room);

    return spare_take(book, SPARE_OUTCOMES + size, *room * sizeof(struct outcome));
}

void book_outcomes_give(struct book *book, struct outcome *outcomes, uint32_t room)
{
    uint32_t given;
    unsigned size;

    if (room == 0)
        return;
    size = outcome_size(room > LIMIT_OUTCOMES ? LIMIT_OUTCOMES : room, &given);
    CHECK(outcomes != NULL && given == room);
    give(book, SPARE_OUTCOMES + size, outcomes, room * sizeof(struct outcome));
}

struct event_entry *book_event_take(struct book *book)
{
    return spare_take(book, SPARE_EVENT, sizeof(struct event_entry));
}

void book_event_give(struct book *book, struct event_entry *entry)
{
    CHECK(entry->book == book);
    give(book, SPARE_EVENT, entry, sizeof(*entry));
}

struct market_entry *book_market_take(struct book *book)
{
    return spare_take(book, SPARE_MARKET, sizeof(struct market_entry));
}

void book_market_give(struct book *book, struct market_entry *entry)
{
    CHECK(entry->market.outcomes == NULL && entry->market.room == 0);
    give(book, SPARE_MARKET, entry, sizeof(*entry));
}

struct book_received *book_received_take(struct book *book)
{
    return spare_take(book, SPARE_HEARD, sizeof(struct book_received));
}

void book_received_give(struct book *book, struct book_received *list)
{
    while (list != NULL) {
        struct book_received *next = list->next;

        give(book, SPARE_HEARD, list, sizeof(*list));
        list = next;
    }
}

/* ---- the table ---------------------------------------------------------- */

static void table_put(struct book *book, const struct market *market)
{
    size_t mask = book->table_room - 1, at = (size_t)market->key & mask;

    while (book->table[at] != NULL)
        at = (at + 1) & mask;
    book->table[at] = market;
}

static void table_grow(struct book *book)
{
    const struct market **old = book->table;
    size_t old_room = book->table_room;

    book->table_room = old_room == 0 ? 1024 : old_room * 2;
    book->table = calloc(book->table_room, sizeof(*book->table));
    CHECK(book->table != NULL);
    for (size_t i = 0; i < old_room; i++)
        if (old[i] != NULL)
            table_put(book, old[i]);
    free(old);
}

void book_table_put(struct book *book, const struct market *market)
{
    CHECK(book->n_markets < book->limits.markets);
    if (++book->n_markets * 2 > book->table_room)
        table_grow(book);
    table_put(book, market);
}

void book_table_remove(struct book *book, const struct market *market)
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
    CHECK(book->n_markets > 0);
    book->n_markets--;
}
