/*
 * A book in shards: the whole has no events of its own, and asks the shard
 * that an event's slot names.  Orders are counted by the whole.
 */
#include "model/book_inside.h"

#include <stdlib.h>

#define AT_SHARD 48 /* in what iterates: the shard above, the event below */

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

unsigned book_shards(const struct book *book)
{
    return book->n_shards;
}

struct book *book_shard(const struct book *book, unsigned shard)
{
    CHECK(shard < book->n_shards);
    return book->shards[shard];
}

struct book *book_shard_of(const struct book *book, struct str event)
{
    if (book->n_shards == 0)
        return (struct book *)(uintptr_t)book;
    return book->shards[slot_of(event) % book->n_shards];
}

void book_shard_clear(struct book *shard)
{
    CHECK(shard->root != NULL);
    book_clear(shard);
    (void)book_order_next(shard);
}

int64_t book_order(const struct book *book)
{
    return book->root == NULL ? book->order : book->root->order;
}

int64_t book_order_next(struct book *book)
{
    return book->root == NULL ? ++book->order : ++book->root->order;
}

int64_t book_position(const struct book *book)
{
    int64_t least = INT64_MAX;

    if (book->n_shards == 0)
        return book->position;
    for (unsigned i = 0; i < book->n_shards; i++)
        if (book->shards[i]->position < least)
            least = book->shards[i]->position;
    return least;
}

int64_t book_highest(const struct book *book)
{
    int64_t most = book->position > book->image.highest ? book->position : book->image.highest;

    for (unsigned i = 0; i < book->n_shards; i++) {
        int64_t highest = book_highest(book->shards[i]);

        most = highest > most ? highest : most;
    }
    return most;
}

struct event *book_next_event(const struct book *book, size_t *at)
{
    size_t shard = *at >> AT_SHARD, event = *at & (((size_t)1 << AT_SHARD) - 1);

    if (book->n_shards == 0)
        return *at < book->n_events ? book->list[(*at)++] : NULL;
    while (shard < book->n_shards && event >= book->shards[shard]->n_events) {
        shard++;
        event = 0;
    }
    *at = (shard << AT_SHARD) + event + 1;
    return shard < book->n_shards ? book->shards[shard]->list[event] : NULL;
}

/* ---- silence ------------------------------------------------------------ */

/* What is shown of the shard is news here, though nothing was told of it. */
static void order_all(struct book *shard)
{
    int64_t order = book_order_next(shard);

    for (size_t i = 0; i < shard->n_events; i++) {
        struct event *event = shard->list[i];

        event->order = order;
        for (struct market *market = event->markets; market != NULL; market = market->next)
            market->order = order;
    }
}

bool book_is_heard(const struct book *book)
{
    for (unsigned i = 0; i < book->n_shards; i++)
        if (book->shards[i]->silence != BOOK_HEARD)
            return false;
    return book->silence == BOOK_HEARD;
}

bool book_set_silence(struct book *shard, enum book_silence silence, int64_t live_by_ms)
{
    CHECK(shard->n_shards == 0);
    if (shard->silence == silence)
        return false;
    shard->silence = silence;
    shard->live_by_ms = live_by_ms;
    order_all(shard);
    return true;
}
