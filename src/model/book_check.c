/*
 * The book's invariants.  book_check() walks all of them: tests call it after
 * every message.  Builds with AddressSanitizer check every apply as well, also
 * in a server, in bounded time (book_check_change()): the event that was
 * changed, the next one in turn, and everything once so many applies and changed
 * markets have passed as there is to check.
 */
#include "model/book_inside.h"

#include "model/desk_entry.h"

/* It has read a record: an epoch of 0 is none, but may stand in one. */
static bool is_mirror(const struct book *book)
{
    return book->image.epoch > 0 || book->image.highest > 0;
}

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

/* The same text is the same pointer. */
static bool stands_before(const struct market *market, uint32_t at)
{
    const char *id = market->outcomes[at].id.p;

    for (uint32_t i = 0; i < at; i++)
        if (market->outcomes[i].id.p == id)
            return true;
    return false;
}

/* What is sold follows from what was fed and what the desk has in force. */
static void outcomes_check(struct walk *walk, const struct market *market)
{
    const struct pricing pricing = book_pricing(market);

    for (uint32_t i = 0; i < market->n_outcomes; i++) {
        const struct outcome *outcome = &market->outcomes[i];

        CHECK(!outcome->active || (outcome->odds_e4 > 0 && outcome->fed_e4 > 0));
        CHECK(outcome->odds_e4 == book_sold_e4(&pricing, outcome));
        CHECK(!stands_before(market, i)); /* none twice */
        text_check(walk, outcome->id);
    }
}

static void market_check(struct walk *walk, const struct market *market)
{
    const struct market_entry *entry = market_entry(market);

    CHECK(market->key == market_key(market->id));
    CHECK(book_table_find(walk->book, market->id, market->key) == market);
    CHECK(market->n_outcomes <= market->room && market->room <= 2 * LIMIT_OUTCOMES);
    CHECK(market->version <= market->event->version);
    CHECK(market->order <= market->event->order);
    CHECK(market->next == NULL || entry->rank <= market_entry(market->next)->rank);
    CHECK(market->status >= MARKET_CANCELLED && market->status <= MARKET_ACTIVE);
    CHECK(market->status != MARKET_ACTIVE || !market->listed || market->stopped_ts == 0);
    CHECK(walk->book->image.epoch == 0 || market->stopped_ts == 0); /* of a mirror */
    outcomes_check(walk, market);
    CHECK(entry->desk == book_setting_find(walk->book, DESK_MARKET, market->id.event,
                                           &market->id));
    for (const struct book_received *heard = entry->others; heard != NULL; heard = heard->next)
        CHECK(book_received_find(entry->others, heard->producer) == heard);
    text_check(walk, market->id.specifiers);
}

/* How many markets it has. */
static uint32_t event_check(struct walk *walk, const struct event *event)
{
    const struct event_entry *entry = event_entry(event);
    const struct market *last = NULL;
    uint32_t n = 0, n_closed = 0;

    CHECK(book_event(walk->book, event->id) == event);
    /* A mirror has a change before it may promise the position. */
    CHECK(event->version <= walk->book->position || is_mirror(walk->book));
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
    CHECK(entry->desk == book_setting_find(walk->book, DESK_EVENT, event->id, NULL));
    CHECK(entry->desk_sport == book_setting_find(walk->book, DESK_SPORT, event->sport, NULL));
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        text_check(walk, *book_event_text(event, (enum event_text)i));
    text_check(walk, event->id);
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

static void proposals_check(const struct book *book)
{
    const struct desk *list = book->root == NULL ? &book->desk : &book->root->desk;
    const struct desk_proposal *last = NULL;
    uint32_t n = 0;

    for (const struct desk_proposal *at = list->proposals; at != NULL; at = at->next) {
        CHECK(at->what != DESK_NOTHING);
        CHECK(last == NULL || at->id > last->id);
        n += proposal_entry(at)->book == book;
        last = at;
    }
    CHECK(n == book->desk.n_proposals && last == list->last_proposal);
}

static void desk_check(const struct book *book)
{
    const struct desk_setting *setting;
    const struct desk_factor *factor;
    size_t at = 0;

    CHECK(book->desk.all == book_setting_find(book, DESK_ALL, STR_NONE, NULL));
    while ((setting = map_next(&book->desk.settings, &at)) != NULL) {
        CHECK(setting->margin_e4 >= -1 && setting->margin_e4 <= DESK_MARGIN_MAX_E4);
        CHECK(setting->event.n == 0 || setting->level == DESK_EVENT ||
              setting->level == DESK_MARKET);
        for (const struct desk_price *price = setting->prices; price != NULL; price = price->next)
            CHECK(price->odds_e4 > 0 && book_price_find(setting, price->outcome) == price);
    }
    at = 0;
    while ((factor = map_next(&book->desk.factors, &at)) != NULL)
        CHECK(factor->factor_e4 >= 0 && factor->factor_e4 <= DESK_FACTOR_MAX_E4);
    proposals_check(book);
}

static void producers_check(const struct book *book)
{
    CHECK(book->n_producers <= LIMIT_PRODUCERS);
    for (size_t i = 0; i < book->n_producers; i++) {
        const struct book_producer *producer = &book->producers[i];

        CHECK(book_producer(book, producer->id) == producer); /* none twice */
        CHECK(!producer->up || producer->up_at >= producer->down_at || is_mirror(book));
        CHECK(!producer->up || producer->up_at >= book->restarted_at);
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
        CHECK(event_entry(book->list[i])->at == i);
        n_markets += event_check(&walk, book->list[i]);
    }
    for (size_t i = 0; i < book->table_room; i++)
        n_table += book->table[i] != NULL;
    CHECK(n_markets == book->n_markets && n_markets == n_table);
    CHECK(n_markets * 2 <= book->table_room && n_markets <= book->limits.markets);
    descriptions_check(&walk);
    desk_check(book);
    producers_check(book);
    CHECK(book_text_refs_all(book) == walk.refs); /* no text is kept for nobody */
}

#if CHECKS_DEAR
static void change_check(const struct book *book, const struct book_change *change)
{
    struct walk walk = { .book = book };

    CHECK(change->n_markets == 0 || (change->event != NULL && change->markets == book->changed));
    for (uint32_t i = 0; i < change->n_markets; i++)
        CHECK(change->markets[i]->event == change->event);
    if (change->event != NULL)
        (void)event_check(&walk, change->event);
}

void book_check_change(struct book *book, const struct book_change *change)
{
    struct walk walk = { .book = book };

    change_check(book, change);
    producers_check(book);
    if (book->n_events > 0) {
        book->check_at = (book->check_at + 1) % book->n_events;
        (void)event_check(&walk, book->list[book->check_at]);
    }
    book->unchecked += 1 + change->n_markets;
    if (book->unchecked < book->n_markets + book->texts.n / 4 + book->desk.settings.n)
        return;
    book->unchecked = 0;
    book_check(book);
}
#endif
