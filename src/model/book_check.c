/* The book's invariants, all of them: for tests, after every message. */
#include "model/book_inside.h"

/* References to texts found on the way. */
struct walk {
    const struct book *book;
    uint64_t refs;
};

static void text_check(struct walk *walk, struct str text)
{
    if (text.n == 0)
        return;
    CHECK(book_text_refs(walk->book, text) > 0);
    walk->refs++;
}

static void market_check(struct walk *walk, const struct market *market)
{
    const struct market_entry *entry = (const struct market_entry *)market;

    CHECK(market->key == market_key(market->id));
    CHECK(book_table_find(walk->book, market->id, market->key) == market);
    CHECK(market->n_outcomes <= market->room && market->room <= 2 * LIMIT_OUTCOMES);
    CHECK(market->version <= market->event->version);
    CHECK(market->order <= market->event->order);
    CHECK(market->next == NULL || entry->rank <= ((struct market_entry *)market->next)->rank);
    CHECK(market->status >= MARKET_CANCELLED && market->status <= MARKET_ACTIVE);
    CHECK(market->status != MARKET_ACTIVE || !market->listed || market->stopped_ts == 0);
    for (uint32_t i = 0; i < market->n_outcomes; i++) {
        const struct outcome *outcome = &market->outcomes[i];

        CHECK(!outcome->active || (outcome->odds_e4 > 0 && outcome->fed_e4 > 0));
        CHECK(book_outcome(market, outcome->id) == outcome); /* none twice */
        text_check(walk, outcome->id);
    }
    for (const struct heard *heard = entry->others; heard != NULL; heard = heard->next)
        CHECK(book_heard_find(entry->others, heard->producer) == heard);
    text_check(walk, market->id.specifiers);
}

static void event_texts_check(struct walk *walk, const struct event_entry *entry)
{
    const struct event *event = &entry->event;
    const struct str texts[] = {
        event->sport, event->sport_name, event->tournament, event->tournament_name,
        event->category_name, event->home, event->away, event->home_score, event->away_score,
        event->match_time, entry->home_id, entry->away_id, event->id,
    };

    for (unsigned i = 0; i < LENGTH(texts); i++)
        text_check(walk, texts[i]);
}

/* How many markets it has. */
static uint32_t event_check(struct walk *walk, const struct event *event)
{
    const struct event_entry *entry = (const struct event_entry *)event;
    const struct market *last = NULL;
    uint32_t n = 0, n_closed = 0;

    CHECK(book_event(walk->book, event->id) == event);
    /* A mirror has a change before it may promise the position. */
    CHECK(event->version <= walk->book->position || walk->book->image.epoch > 0);
    CHECK(entry->book == walk->book && event->order <= book_order(walk->book));
    for (const struct market *market = event->markets; market != NULL; n++) {
        CHECK(market->event == event && str_eq(market->id.event, event->id));
        market_check(walk, market);
        n_closed += book_status_is_closed(market->status);
        last = market;
        market = market->next;
    }
    CHECK(n == event->n_markets && last == event->last);
    CHECK(n_closed == entry->n_closed);
    event_texts_check(walk, entry);
    return n;
}

static void descriptions_check(struct walk *walk)
{
    const struct description *description;
    size_t at = 0;

    while ((description = map_next(&walk->book->descriptions, &at)) != NULL) {
        text_check(walk, description->name);
        text_check(walk, description->groups);
        for (uint32_t i = 0; i < description->n; i++) {
            text_check(walk, description->names[i].id);
            text_check(walk, description->names[i].name);
        }
    }
}

void book_check(const struct book *book)
{
    struct walk walk = { .book = book };
    size_t n_markets = 0, n_table = 0;

    for (unsigned i = 0; i < book->n_shards; i++)
        book_check(book->shards[i]);
    CHECK(book->n_events == book->events.n && book->n_events <= book->limits.events);
    for (size_t i = 0; i < book->n_events; i++) {
        CHECK(((const struct event_entry *)book->list[i])->at == i);
        n_markets += event_check(&walk, book->list[i]);
    }
    for (size_t i = 0; i < book->table_room; i++)
        n_table += book->table[i] != NULL;
    CHECK(n_markets == book->n_markets && n_markets == n_table);
    CHECK(n_markets * 2 <= book->table_room && n_markets <= book->limits.markets);
    descriptions_check(&walk);
    book_desk_check(book);
    CHECK(book_text_refs_all(book) == walk.refs); /* no text is kept for nobody */
}
