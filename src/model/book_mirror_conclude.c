/*
 * What follows for a market of a mirror: see book_mirror.c.  Compaction leaves
 * records in any order, so it is concluded from the positions that stand in
 * them, whichever came last.
 */
#include "model/book_mirror.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sold_at(const struct desk_setting *setting)
{
    return setting == NULL ? 0 : setting->sold_at;
}

bool mirror_has_room(const struct mirror_apply *apply, size_t events, size_t markets,
                     size_t texts)
{
    const struct book *shard = apply->shard;

    CHECK(shard->n_events <= shard->limits.events && shard->n_markets <= shard->limits.markets);
    return shard->n_events + events <= shard->limits.events &&
           shard->n_markets + markets <= shard->limits.markets &&
           shard->texts.n + texts <= BOOK_TEXTS_MAX;
}

/* The highest version of its own and of all that concerned it. */
static int64_t version_of(const struct book *shard, const struct market *market,
                          const struct book_producer *producer, int64_t fell_at)
{
    int64_t version = later(market->version, fell_at);

    if (market->listed && producer != NULL)
        version = later(version, producer->up_at);
    version = later(version, sold_at(shard->desk.all));
    return later(version, sold_at(event_entry(market->event)->desk_sport));
}

bool mirror_conclude(const struct mirror_apply *apply, const struct market *market)
{
    const struct book *shard = apply->shard;
    const struct book_producer *producer = book_producer(shard, market->producer);
    int64_t fell_at = shard->restarted_at, version;
    bool changed;

    CHECK(event_entry(market->event)->book == shard);
    if (producer != NULL)
        fell_at = later(fell_at, producer->down_at);
    if (market_entry(market)->told < fell_at)
        book_market_unlist(market, 0);
    version = version_of(shard, market, producer, fell_at);
    changed = version != market->version;
    changed |= book_market_reprice(market);
    book_market_stamp(market, version, changed ? apply->order : market->order);
    CHECK(!market->listed || market_entry(market)->told >= fell_at);
    return changed;
}

void mirror_conclude_all(const struct mirror_apply *apply)
{
    const struct book *shard = apply->shard;

    for (size_t i = 0; i < shard->n_events; i++) {
        const struct event *event = shard->list[i];
        int64_t was = event->version;

        for (const struct market *market = event->markets; market != NULL; market = market->next)
            (void)mirror_conclude(apply, market);
        book_event_raise(event, shard->renamed_at, 0);
        book_event_raise(event, sold_at(shard->desk.all), 0);
        book_event_raise(event, sold_at(event_entry(event)->desk_sport), 0);
        CHECK(event->version >= was);
        if (event->version != was)
            book_event_raise(event, 0, apply->order);
    }
    apply->change->all = true;
}

void mirror_change(const struct mirror_apply *apply, const struct market *market)
{
    CHECK(apply->change->event == NULL || apply->change->event == market->event);
    book_market_stamp(market, market->version, apply->order);
    apply->change->event = market->event;
    book_changed_reserve(apply->shard, apply->change->n_markets + 1);
    book_changed_add(apply->shard, apply->change, market);
    apply->change->markets = apply->shard->changed;
}

bool mirror_split_market(struct str key, struct market_id *id)
{
    const char *first = memchr(key.p, '|', key.n), *second;
    size_t rest = first == NULL ? 0 : key.n - (size_t)(first - key.p) - 1;

    second = first == NULL ? NULL : memchr(first + 1, '|', rest);
    if (second == NULL)
        return false;
    *id = (struct market_id){
        .event = { key.p, (size_t)(first - key.p) },
        .specifiers = { second + 1, (size_t)(key.p + key.n - second - 1) },
    };
    return market_parse((struct str){ first + 1, (size_t)(second - first - 1) }, &id->market);
}
