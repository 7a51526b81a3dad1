/*
 * Odds: one log entry in, one change and perhaps facts out, in this order:
 * the book first, so that a fact carries the time its market had stopped.
 */
#include "odds/odds.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"

#define ARENA_BYTES (64 * 1024 * 1024)

struct odds {
    struct bus *bus;
    struct book *book;
    struct arena arena; /* of one entry */
};

struct odds *odds_new(struct bus *bus)
{
    struct odds *odds = calloc(1, sizeof(*odds));

    CHECK(odds != NULL);
    odds->bus = bus;
    odds->book = book_new();
    arena_init(&odds->arena, ARENA_BYTES);
    return odds;
}

void odds_free(struct odds *odds)
{
    book_free(odds->book);
    arena_fini(&odds->arena);
    free(odds);
}

/*
 * The producer's time at which the market had stopped before this result; 0
 * when it was still selling or is not known.  The settlement itself also
 * stops the market, at its own time: that is the latest it can be.
 */
static int64_t stopped_before(const struct book *book, const struct fact *fact)
{
    const struct market *market = book_market(book, fact->id);

    return market == NULL ? 0 : market->stopped_ts;
}

struct fact *odds_facts(const struct book *book, const struct message *message, int64_t position,
                        struct arena *arena, uint32_t *n)
{
    struct fact *facts = facts_from_message(message, position, arena, n);

    for (uint32_t i = 0; i < *n; i++)
        facts[i].stopped_ms = stopped_before(book, &facts[i]);
    return facts;
}

static void publish_results(struct odds *odds, const struct bus_feed *entry)
{
    struct bus_results results = { .position = entry->position };

    results.facts = odds_facts(odds->book, entry->message, entry->position, &odds->arena,
                               &results.n);
    if (results.n > 0)
        bus_publish_results(odds->bus, &results);
}

void odds_on_feed(void *ctx, const struct bus_feed *entry)
{
    struct odds *odds = ctx;
    struct book_change change;
    struct bus_prices prices = { entry->position, &change };

    CHECK(entry->position > book_position(odds->book));
    if (book_apply(odds->book, entry->message, entry->position, &change) == BOOK_FULL)
        log_error("odds", "the book is full: message not applied", "position=%lld event=" STR_FMT,
                  (long long)entry->position, STR_ARG(entry->message->event));
    if (change.stale > 0)
        metric_add(METRIC_FEED_STALE, STR_NONE, change.stale);
    bus_publish_prices(odds->bus, &prices);
    if (!change.refused)
        publish_results(odds, entry);
    arena_reset(&odds->arena);
}

const struct book *odds_book(const struct odds *odds)
{
    return odds->book;
}

void odds_metrics(const struct odds *odds)
{
    struct book_counts counts = book_counts(odds->book);

    metric_set(METRIC_BOOK_EVENTS, STR_NONE, (int64_t)counts.events);
    metric_set(METRIC_BOOK_MARKETS, STR_NONE, (int64_t)counts.markets);
    metric_set(METRIC_BOOK_ACTIVE, STR_NONE, (int64_t)counts.active_markets);
    metric_set(METRIC_FEED_POSITION, STR_NONE, book_position(odds->book));
}
