/*
 * The one writer of the book: the only functions that set what an event, a
 * market, an outcome and a producer say, and when it was said.  Messages of
 * the feed, records of the topic prices and the desk all come through here;
 * what the desk has set is book_write_desk.c's.
 *
 *   version   the log position of the last change; a market's never passes
 *             its event's
 *   order     book_order() of the last change here: only grows
 *   lists     an event's markets by rank, the book's events in no order, the
 *             table by key: who is in one is in all
 *
 * A message lists a market's outcomes in the order of last time: so those at
 * the same place are compared before the list is made anew.
 */
#include "model/book_inside.h"

#include <stdlib.h>

/* Everybody has pointers to const; what they point to is the book's memory. */
static struct event_entry *own_event(const struct event *event)
{
    return (struct event_entry *)(uintptr_t)event;
}

static struct market_entry *own_market(const struct market *market)
{
    return (struct market_entry *)(uintptr_t)market;
}

static struct book_producer *own_producer(const struct book_producer *producer)
{
    return (struct book_producer *)(uintptr_t)producer;
}

static struct outcome *own_outcomes(const struct market *market)
{
    return (struct outcome *)(uintptr_t)market->outcomes;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- the book ------------------------------------------------------------- */

int64_t book_order_next(struct book *book)
{
    return book->root == NULL ? ++book->order : ++book->root->order;
}

int64_t book_order_at(struct book *book, int64_t position)
{
    if (book->root == NULL && book->order < position)
        book->order = position - 1;
    return book_order_next(book);
}

void book_pass(struct book *book, int64_t position)
{
    CHECK(book->n_shards == 0);
    if (position > book->position)
        book->position = position;
}

void book_changed_reserve(struct book *book, size_t n)
{
    if (n <= book->changed_room)
        return;
    book->changed = realloc(book->changed, n * 2 * sizeof(*book->changed));
    CHECK(book->changed != NULL);
    book->changed_room = n * 2;
}

void book_changed_add(struct book *book, struct book_change *change, const struct market *market)
{
    CHECK(change->n_markets < book->changed_room);
    CHECK(change->event == market->event); /* a change is of one event, or of all */
    book->changed[change->n_markets++] = market;
}

/* What is shown of the shard is news here, though nothing was told of it. */
static void order_all(struct book *shard)
{
    int64_t order = book_order_next(shard);

    for (size_t i = 0; i < shard->n_events; i++) {
        struct event_entry *entry = own_event(shard->list[i]);

        entry->event.order = order;
        for (const struct market *m = entry->event.markets; m != NULL; m = m->next)
            own_market(m)->market.order = order;
    }
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

/* ---- events --------------------------------------------------------------- */

void book_event_raise(const struct event *event, int64_t version, int64_t order)
{
    struct event_entry *own = own_event(event);

    own->event.version = later(own->event.version, version);
    own->event.order = later(own->event.order, order);
}

void book_event_stamp(const struct event *event, int64_t version, int64_t order)
{
    CHECK(order >= event->order);
    own_event(event)->own_version = version;
    book_event_raise(event, version, order);
}

void book_event_receive(const struct event *event, int64_t now_ms)
{
    own_event(event)->received_ms = now_ms;
}

/* Raises the producer's time in the list, where it stands or is added. */
static void received_raise(struct book *book, struct book_received **list, int32_t producer,
                           int64_t ts)
{
    struct book_received *received =
        (struct book_received *)(uintptr_t)book_received_find(*list, producer);

    if (received == NULL) {
        received = book_received_take(book);
        received->producer = producer;
        received->ts = ts;
        received->next = *list;
        *list = received;
    }
    if (ts > received->ts)
        received->ts = ts;
}

void book_event_stop(struct book *book, const struct event *event, int32_t producer, int64_t ts)
{
    received_raise(book, &own_event(event)->stops, producer, ts);
}

/* True: the text was another. */
static bool text_replace(struct book *book, struct str *field, struct str text)
{
    struct str was = *field;

    if (str_eq(was, text))
        return false;
    *field = book_text_ref(book, text);
    book_text_unref(book, was);
    return true;
}

bool book_event_set_text(struct book *book, const struct event *event, enum event_text which,
                         struct str text)
{
    return text_replace(book, (struct str *)(uintptr_t)book_event_text(event, which), text);
}

bool book_event_set_status(const struct event *event, int32_t status)
{
    bool changed = event->status != status;

    own_event(event)->event.status = status;
    return changed;
}

bool book_event_set_match_status(const struct event *event, int32_t match_status)
{
    bool changed = event->match_status != match_status;

    own_event(event)->event.match_status = match_status;
    return changed;
}

bool book_event_set_start(const struct event *event, int64_t start_ms)
{
    bool changed = event->start_ms != start_ms;

    own_event(event)->event.start_ms = start_ms;
    return changed;
}

void book_event_keep_status(const struct event *event)
{
    own_event(event)->has_status = true;
}

void book_event_set_fixture(const struct event *event, bool fixture)
{
    own_event(event)->event.fixture = fixture;
}

bool book_event_set_sport(struct book *book, const struct event *event)
{
    struct event_entry *own = own_event(event);
    const struct desk_setting *was = own->desk_sport;

    CHECK(own->book == book);
    own->desk_sport = book_setting_find(book, DESK_SPORT, event->sport, NULL);
    return own->desk_sport != was;
}

void book_event_mirrored(const struct event *event, int64_t position, int64_t epoch)
{
    struct event_entry *own = own_event(event);

    CHECK(epoch >= own->epoch); /* a lower one is ignored before */
    own->told = position;
    own->epoch = epoch;
}

const struct event *book_event_add(struct book *book, struct str id)
{
    struct event_entry *entry = book_event_take(book);
    struct event *event = &entry->event;

    CHECK(book->n_events < book->limits.events); /* asked before anything is applied */
    CHECK_DEAR(book_event(book, id) == NULL);
    entry->book = book;
    entry->buried_ms = book_buried_ms(book, id);
    event->id = book_text_ref(book, id);
    CHECK(map_put(&book->events, event->id, event));
    if (book->n_events == book->list_room) {
        book->list_room = book->list_room == 0 ? 64 : book->list_room * 2;
        book->list = realloc(book->list, book->list_room * sizeof(*book->list));
        CHECK(book->list != NULL);
    }
    entry->at = book->n_events;
    book->list[book->n_events++] = event;
    entry->desk = book_setting_find(book, DESK_EVENT, event->id, NULL);
    return event;
}

/* Out of the table and the memory; its event's list is the caller's. */
static void market_give(struct book *book, struct market_entry *entry)
{
    struct market *market = &entry->market;

    book_table_remove(book, market);
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        book_text_unref(book, market->outcomes[i].id);
    book_outcomes_give(book, own_outcomes(market), market->room);
    market->outcomes = NULL;
    market->room = 0;
    book_text_unref(book, market->id.specifiers);
    book_received_give(book, entry->others);
    book_market_give(book, entry);
}

void book_event_remove(struct book *book, const struct event *event)
{
    struct event_entry *entry = own_event(event), *last;

    CHECK(entry->book == book && book->n_events > 0 && book->list[entry->at] == event);
    last = own_event(book->list[--book->n_events]);
    book->list[entry->at] = &last->event;
    last->at = entry->at;
    CHECK(map_del(&book->events, event->id) == event);
    for (const struct market *market = event->markets, *next; market != NULL; market = next) {
        next = market->next;
        market_give(book, own_market(market));
    }
    for (unsigned i = 0; i < EVENT_TEXTS; i++)
        book_text_unref(book, *book_event_text(event, (enum event_text)i));
    book_text_unref(book, event->id);
    book_received_give(book, entry->stops);
    book_event_give(book, entry);
}

/* ---- a market in its event's list ------------------------------------------ */

const struct market *book_market_add(struct book *book, const struct event *event, uint32_t id,
                                     struct str specifiers, int32_t producer)
{
    struct market_entry *entry = book_market_take(book);
    struct market *market = &entry->market;
    struct event_entry *own = own_event(event);

    CHECK(own->book == book);
    CHECK_DEAR(book_market(book, (struct market_id){ event->id, id, specifiers }) == NULL);
    market->id = (struct market_id){ event->id, id, book_text_ref(book, specifiers) };
    market->key = market_key(market->id);
    market->event = event;
    market->status = MARKET_INACTIVE;
    market->producer = producer;
    entry->rank = event->n_markets;
    if (event->last == NULL)
        own->event.markets = market;
    else
        own_market(event->last)->market.next = market;
    own->event.last = market;
    own->event.n_markets++;
    book_table_put(book, market);
    entry->desk = book_setting_find(book, DESK_MARKET, market->id.event, &market->id);
    return market;
}

static void event_unlink(struct event *event, struct market *market)
{
    const struct market *before = NULL;

    for (const struct market *at = event->markets; at != market; at = at->next) {
        CHECK(at != NULL); /* it is in the list */
        before = at;
    }
    if (before == NULL)
        event->markets = market->next;
    else
        own_market(before)->market.next = market->next;
    if (event->last == market)
        event->last = before;
    CHECK((event->markets == NULL) == (event->last == NULL));
    market->next = NULL;
}

void book_market_remove(struct book *book, const struct market *market)
{
    struct event_entry *entry = own_event(market->event);

    CHECK(entry->book == book && entry->event.n_markets > 0);
    event_unlink(&entry->event, &own_market(market)->market);
    entry->event.n_markets--;
    entry->n_closed -= book_status_is_closed(market->status);
    CHECK(entry->n_closed <= entry->event.n_markets);
    market_give(book, own_market(market));
}

void book_market_rank(const struct market *market, uint32_t rank)
{
    struct event *event = &own_event(market->event)->event;
    struct market_entry *own = own_market(market);
    const struct market *before = NULL;

    event_unlink(event, &own->market);
    own->rank = rank;
    if (event->last != NULL && market_entry(event->last)->rank <= rank)
        before = event->last;
    for (const struct market *at = event->markets; before != event->last && at != NULL &&
         market_entry(at)->rank <= rank; at = at->next)
        before = at;
    own->market.next = before == NULL ? event->markets : before->next;
    if (before == NULL)
        event->markets = market;
    else
        own_market(before)->market.next = market;
    if (market->next == NULL)
        event->last = market;
    CHECK(event->last != NULL && event->last->next == NULL);
}

/* ---- what a market says ---------------------------------------------------- */

void book_market_stamp(const struct market *market, int64_t version, int64_t order)
{
    struct market *own = &own_market(market)->market;

    CHECK(order >= own->order);
    own->version = version;
    own->order = order;
    book_event_raise(market->event, version, order);
}

void book_market_changed(const struct apply *apply, const struct market *market)
{
    if (market->version == apply->position)
        return;
    CHECK(market->version < apply->position);
    book_market_stamp(market, apply->position, apply->order);
    book_changed_add(apply->book, apply->change, market);
}

bool book_market_move(const struct market *market, int8_t status, int64_t ts)
{
    struct event_entry *entry = own_event(market->event);
    struct market *own = &own_market(market)->market;
    bool moved = market->status != status;

    CHECK(status >= MARKET_CANCELLED && status <= MARKET_ACTIVE);
    if (moved && book_status_is_closed(status) != book_status_is_closed(market->status))
        entry->n_closed += book_status_is_closed(status) ? 1 : UINT32_MAX;
    CHECK(entry->n_closed <= entry->event.n_markets);
    own->status = status;
    if (status == MARKET_ACTIVE)
        own->stopped_ts = 0;
    else if (market->stopped_ts == 0)
        own->stopped_ts = ts;
    return moved;
}

bool book_market_list(const struct market *market, bool favourite)
{
    struct market *own = &own_market(market)->market;
    bool changed = !market->listed || market->favourite != favourite;

    own->listed = true;
    own->favourite = favourite;
    return changed;
}

void book_market_unlist(const struct market *market, int64_t ts)
{
    struct market *own = &own_market(market)->market;

    if (market->listed && market->stopped_ts == 0)
        own->stopped_ts = ts;
    own->listed = false;
}

void book_market_receive(struct book *book, const struct market *market, int32_t producer,
                         int64_t ts)
{
    struct market_entry *own = own_market(market);

    if (market->producer != producer)
        received_raise(book, &own->others, producer, ts);
    else if (ts > market->received_ts)
        own->market.received_ts = ts;
}

void book_market_take_over(struct book *book, const struct market *market, int32_t producer)
{
    struct market_entry *own = own_market(market);
    int64_t ts = book_market_received_ts(market, producer);

    CHECK(market->producer != producer);
    received_raise(book, &own->others, market->producer, market->received_ts);
    own->market.producer = producer;
    own->market.received_ts = ts;
}

/* ---- its outcomes ---------------------------------------------------------- */

bool book_market_reprice(const struct market *market)
{
    const struct pricing pricing = book_pricing(market);
    struct outcome *outcomes = own_outcomes(market);
    bool changed = false, fed = pricing_is_fed(&pricing);

    for (uint32_t i = 0, n = market->n_outcomes; i < n; i++) {
        int64_t odds_e4 = fed ? outcomes[i].fed_e4 : book_sold_e4(&pricing, &outcomes[i]);

        changed |= outcomes[i].odds_e4 != odds_e4;
        outcomes[i].odds_e4 = odds_e4;
    }
    return changed;
}

/* Odds that are not given stay what they were, but cannot be bet on.  What
 * is sold comes after, when all are known. */
static bool outcome_feed(struct outcome *outcome, const struct message_outcome *given)
{
    bool active = given->active && given->odds_e4 > 0;
    bool changed = outcome->active != active;

    if (given->odds_e4 > 0)
        outcome->fed_e4 = given->odds_e4;
    outcome->active = active;
    return changed;
}

/* Interned: the same text is the same pointer. */
static const struct outcome *outcome_known(const struct outcome *outcomes, uint32_t n,
                                           struct str id)
{
    for (uint32_t i = 0; i < n; i++)
        if (outcomes[i].id.p == id.p)
            return &outcomes[i];
    return NULL;
}

/* Those in the scratch, whose ids are counted already, take the place of its own. */
static void outcomes_put(struct book *book, const struct market *market, uint32_t n)
{
    struct market *own = &own_market(market)->market;

    CHECK(n <= LIMIT_OUTCOMES);
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        book_text_unref(book, market->outcomes[i].id);
    if (n > market->room) {
        book_outcomes_give(book, own_outcomes(market), market->room);
        own->outcomes = book_outcomes_take(book, n, &own->room);
    }
    if (n > 0)
        memcpy(own_outcomes(market), book->scratch, n * sizeof(*market->outcomes));
    own->n_outcomes = n;
}

/* Others than last time, or in another order: the list is made anew. */
static void outcomes_replace(struct book *book, const struct market *market,
                             const struct message_outcome *given, uint32_t n_given)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < n_given; i++) {
        struct outcome outcome = { .id = book_text_ref(book, given[i].id) };
        const struct outcome *was =
            outcome_known(market->outcomes, market->n_outcomes, outcome.id);

        if (outcome_known(book->scratch, n, outcome.id) != NULL) {
            book_text_unref(book, outcome.id);
            continue; /* listed twice: the first counts */
        }
        if (was != NULL)
            outcome = *was;
        (void)outcome_feed(&outcome, &given[i]);
        book->scratch[n++] = outcome;
    }
    outcomes_put(book, market, n);
}

bool book_market_feed(struct book *book, const struct market *market,
                      const struct message_outcome *given, uint32_t n)
{
    bool changed = false, same = n == market->n_outcomes;
    struct outcome *outcomes = own_outcomes(market);

    CHECK(n <= LIMIT_OUTCOMES);
    for (uint32_t i = 0; same && i < n; i++)
        same = str_eq(outcomes[i].id, given[i].id);
    if (!same) {
        outcomes_replace(book, market, given, n);
        (void)book_market_reprice(market);
        return true;
    }
    for (uint32_t i = 0; i < n; i++)
        changed |= outcome_feed(&outcomes[i], &given[i]);
    changed |= book_market_reprice(market);
    return changed;
}

/* ---- a market by its record ------------------------------------------------- */

void book_market_mirrored(const struct market *market, int64_t position, int64_t epoch)
{
    struct market_entry *own = own_market(market);

    CHECK(epoch >= own->epoch); /* a lower one is ignored before */
    own->told = position;
    own->epoch = epoch;
}

/* When it had stopped is known to the owner alone: ts is 0. */
void book_market_copy(struct book *book, const struct market *market,
                      const struct market_record *record, uint32_t n)
{
    struct market *own = &own_market(market)->market;

    for (uint32_t i = 0; i < n; i++)
        book->scratch[i].id = book_text_ref(book, book->scratch[i].id);
    outcomes_put(book, market, n);
    own->producer = record->producer;
    own->listed = record->listed;
    own->favourite = record->favourite;
    own->version = record->version;
    (void)book_market_move(market, record->status, 0);
    CHECK(market->stopped_ts == 0);
}

/* ---- producers -------------------------------------------------------------- */

const struct book_producer *book_producer_make(struct book *book, int32_t id)
{
    const struct book_producer *known = book_producer(book, id);
    struct book_producer *producer;

    if (known != NULL || book->n_producers == LIMIT_PRODUCERS)
        return known;
    producer = &book->producers[book->n_producers++];
    *producer = (struct book_producer){ .id = id };
    return producer;
}

void book_producer_move(const struct book_producer *producer, bool up, int64_t position)
{
    struct book_producer *own = own_producer(producer);

    CHECK(position > producer->down_at && position > producer->up_at);
    if (!up) {
        own->down_at = position;
        own->ts = 0; /* what it said before tells no time */
    } else if (!producer->up) {
        own->up_at = position;
    }
    own->up = up;
}

void book_producer_receive(const struct book_producer *producer, int64_t ts)
{
    own_producer(producer)->ts = ts;
}

void book_producer_mirrored(const struct book_producer *producer, const struct book_producer *as)
{
    CHECK(as->id == producer->id && as->epoch >= producer->epoch);
    *own_producer(producer) = *as;
}

void book_producers_drop(struct book *book, int64_t epoch)
{
    size_t n = 0;

    for (size_t i = 0; i < book->n_producers; i++)
        if (book->producers[i].epoch >= epoch)
            book->producers[n++] = book->producers[i];
    book->n_producers = n;
}

void book_restart(struct book *book, int64_t position)
{
    CHECK(position > book->restarted_at);
    for (size_t i = 0; i < book->n_producers; i++) {
        struct book_producer *producer = &book->producers[i];

        if (producer->up_at >= position)
            continue;
        producer->up = false;
        producer->ts = 0;
    }
    book->restarted_at = position;
}

/* ---- market descriptions ----------------------------------------------------- */

static bool description_is(const struct description *description,
                           const struct message_description *given,
                           const struct message_name *names)
{
    if (!str_eq(description->name, given->name) || !str_eq(description->groups, given->groups) ||
        description->n != given->n)
        return false;
    for (uint32_t i = 0; i < given->n; i++)
        if (!str_eq(description->names[i].id, names[i].id) ||
            !str_eq(description->names[i].name, names[i].name))
            return false;
    return true;
}

static struct description *description_of(struct book *book, uint32_t market)
{
    struct description *description = map_get(&book->descriptions, MAP_KEY(&market));

    if (description != NULL)
        return description;
    description = ARENA_NEW(&book->arena, struct description);
    description->market = market;
    CHECK(map_put(&book->descriptions, MAP_KEY(&description->market), description));
    return description;
}

static void names_release(struct book *book, struct description *description)
{
    for (uint32_t i = 0; i < description->n; i++) {
        book_text_unref(book, description->names[i].id);
        book_text_unref(book, description->names[i].name);
    }
    description->n = 0;
}

/* `all` are the message's names: none need be there when there are none. */
bool book_describe(struct book *book, const struct message_description *given,
                   const struct message_name *all, int64_t position)
{
    struct description *description = description_of(book, given->market);
    const struct message_name *names = given->n == 0 ? NULL : all + given->first;

    if (description->version != 0 && description_is(description, given, names))
        return false;
    description->version = position;
    (void)text_replace(book, &description->name, given->name);
    (void)text_replace(book, &description->groups, given->groups);
    names_release(book, description);
    if (given->n > description->room) {
        free(description->names);
        description->names = calloc(given->n, sizeof(*description->names));
        CHECK(description->names != NULL);
        description->room = given->n;
    }
    for (uint32_t i = 0; i < given->n; i++)
        description->names[i] = (struct message_name){
            book_text_ref(book, names[i].id), book_text_ref(book, names[i].name),
        };
    CHECK(given->n <= description->room);
    description->n = given->n;
    return true;
}

void book_descriptions_free(struct book *book)
{
    const struct description *description;
    size_t at = 0;

    while ((description = map_next(&book->descriptions, &at)) != NULL)
        free(description->names);
    map_fini(&book->descriptions);
}

void book_renamed(struct book *book, int64_t position)
{
    book->renamed_at = later(book->renamed_at, position);
}
