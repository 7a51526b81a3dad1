/*
 * A book's life, and its one way in: book_apply() in log order.  What a message
 * of the feed does is in book_feed.c, what a desk's entry does in book_desk.c.
 */
#include "model/book_inside.h"

#include <stdlib.h>

/* ---- its life ------------------------------------------------------------- */

struct book *book_new(void)
{
    return book_new_limited((struct book_limits){ LIMIT_EVENTS, LIMIT_MARKETS });
}

static void init(struct book *book)
{
    arena_init(&book->arena, SIZE_MAX / 2); /* bounded by the counts below */
    buf_init(&book->gone, BOOK_GONE_BYTES);
    map_init(&book->texts, BOOK_TEXTS_MAX);
    map_init(&book->events, book->limits.events);
    map_init(&book->descriptions, LIMIT_MESSAGE_MARKETS);
    book_desk_init(book);
}

static void fini(struct book *book)
{
    book_descriptions_free(book);
    book_texts_free(book);
    book_desk_fini(book);
    map_fini(&book->events);
    free(book->list);
    free(book->table);
    free(book->tombs);
    free(book->changed);
    buf_fini(&book->gone);
    arena_fini(&book->arena);
}

struct book *book_new_limited(struct book_limits limits)
{
    struct book *book = calloc(1, sizeof(*book));

    CHECK(book != NULL && limits.events > 0 && limits.markets > 0);
    book->limits = limits;
    init(book);
    return book;
}

/* Empties it, keeping its limits and its place in a whole. */
static void clear(struct book *book)
{
    struct book_limits limits = book->limits;
    struct book *root = book->root;

    CHECK(book->n_shards == 0 && book->limits.events > 0);
    fini(book);
    memset(book, 0, sizeof(*book));
    book->limits = limits;
    book->root = root;
    init(book);
}

void book_free(struct book *book)
{
    if (book == NULL)
        return;
    for (unsigned i = 0; i < book->n_shards; i++)
        book_free(book->shards[i]);
    fini(book);
    free(book);
}

struct book *book_sharded_new(unsigned shards)
{
    struct book_limits limits = { LIMIT_EVENTS, LIMIT_MARKETS };
    struct book *whole = book_new_limited(limits);

    CHECK(shards > 0 && shards <= SLOTS && SLOTS % shards == 0);
    if (shards > 1) /* no hash divides evenly */
        limits = (struct book_limits){ 2 * LIMIT_EVENTS / shards, 2 * LIMIT_MARKETS / shards };
    whole->n_shards = shards;
    for (unsigned i = 0; i < shards; i++) {
        whole->shards[i] = book_new_limited(limits);
        whole->shards[i]->root = whole;
    }
    return whole;
}

void book_shard_clear(struct book *shard)
{
    CHECK(shard->root != NULL);
    clear(shard);
    (void)book_order_next(shard);
}

/* ---- apply ---------------------------------------------------------------- */

enum book_result book_apply(struct book *book, const struct message *message,
                            int64_t position, struct book_change *change)
{
    struct apply apply = { book, message, position, 0, change };

    CHECK(position > book->position && book->n_shards == 0);
    *change = (struct book_change){ .event = NULL };
    buf_reset(&book->gone);
    CHECK(book->image.epoch == 0); /* a mirror takes records alone */
    book_desk_begin(book);
    book_forget(book, message); /* what the last change told of may go now */
    if (!book_feed_has_room(book, message))
        return BOOK_FULL;
    apply.order = book_order_at(book, position);
    if (message->type == MESSAGE_DESK)
        book_desk_apply(&apply);
    else if (book_feed_apply(&apply) == BOOK_FULL)
        return BOOK_FULL;
    change->markets = book->changed;
    book_pass(book, position);
    CHECK(book->position == position && apply.order > 0);
    CHECK(change->n_markets == 0 || change->event != NULL);
    book_check_change(book, change);
    return BOOK_OK;
}
