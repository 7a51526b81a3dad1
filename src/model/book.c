/*
 * The book: what each message does to it.
 *
 * A message lists markets, and a market its outcomes, in the order of last
 * time: so the next market of the event and the outcome at the same index
 * are tried before anything is looked up.
 *
 * Who may say what about a market.  A word that stops it (a status that is
 * not active, bet_stop, a settlement) is heard from any producer; one that
 * opens it only from its owner, or together with odds, which make the sender
 * the owner (RULES.md 20).
 *
 * When it was said.  Each producer's latest word about a market is kept,
 * whether odds, a stop or a result; its odds that are older are dropped
 * (RULES.md 19).  A stop holds for the markets of the event that the book
 * has not yet as well: late odds must not open what was stopped.
 *
 * bet_stop with groups stops the markets described as members of one, and
 * those of which no groups are known: a stop too many costs less than bets
 * at dead odds.
 */
#include "model/book_inside.h"

#include <stdlib.h>

#include "model/names.h"

#define EVENT_STRINGS 16  /* texts one message may bring besides its markets' */
#define LOOK_AHEAD 8      /* markets tried before the table is asked */

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
    const struct description *description;
    size_t at = 0;

    while ((description = map_next(&book->descriptions, &at)) != NULL)
        free(description->names);
    book_texts_free(book);
    book_desk_fini(book);
    map_fini(&book->events);
    map_fini(&book->descriptions);
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

    CHECK(book != NULL);
    book->limits = limits;
    init(book);
    return book;
}

void book_clear(struct book *book)
{
    struct book_limits limits = book->limits;
    struct book *root = book->root;

    CHECK(book->n_shards == 0);
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

bool book_text_replace(struct book *book, struct str *field, struct str text)
{
    struct str was = *field;

    if (str_eq(was, text))
        return false;
    *field = book_text_ref(book, text);
    book_text_unref(book, was);
    return true;
}

/* ---- finding ------------------------------------------------------------ */

struct event *book_event(const struct book *book, struct str id)
{
    return map_get(&book_shard_of(book, id)->events, id);
}

struct market *book_market(const struct book *book, struct market_id id)
{
    return book_table_find(book_shard_of(book, id.event), id, market_key(id));
}

struct outcome *book_outcome(const struct market *market, struct str id)
{
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        if (str_eq(market->outcomes[i].id, id))
            return &market->outcomes[i];
    return NULL;
}

/* A market of the event, looked for near where the last one was found. */
static struct market *market_find(const struct book *book, const struct event *event,
                                  const struct message_market *listed, struct market **near)
{
    struct market *market = *near == NULL ? NULL : (*near)->next;
    struct market_id id = { event->id, listed->market, listed->specifiers };

    if (*near == NULL)
        market = event->markets;
    for (unsigned i = 0; i < LOOK_AHEAD && market != NULL; i++, market = market->next)
        if (market->id.market == listed->market &&
            str_eq(market->id.specifiers, listed->specifiers)) {
            *near = market;
            return market;
        }
    market = book_table_find(book, id, market_key(id));
    if (market != NULL)
        *near = market;
    return market;
}

/* ---- room ---------------------------------------------------------------- */

/* How many markets of the message the event has not. */
static size_t count_new(const struct book *book, const struct message *message,
                        const struct event *event)
{
    struct market *near = NULL;
    size_t n = 0;

    if (event == NULL)
        return message->n_markets;
    for (uint32_t i = 0; i < message->n_markets; i++)
        n += market_find(book, event, &message->markets[i], &near) == NULL;
    return n;
}

static bool descriptions_have_room(const struct book *book, const struct message *message)
{
    size_t n = book->descriptions.n;

    if (n + message->n_descriptions <= LIMIT_MESSAGE_MARKETS)
        return true;
    for (uint32_t i = 0; i < message->n_descriptions; i++)
        n += map_get(&book->descriptions, MAP_KEY(&message->descriptions[i].market)) == NULL;
    return n <= LIMIT_MESSAGE_MARKETS;
}

/* Stops, results and producers add nothing: a full book hears them too. */
static bool may_add(enum message_type type)
{
    return type == MESSAGE_ODDS_CHANGE || type == MESSAGE_FIXTURE ||
           type == MESSAGE_FIXTURE_CHANGE || type == MESSAGE_MARKET_DESCRIPTIONS;
}

/* Whether all that the message may add has room: asked before anything is. */
static bool has_room(const struct book *book, const struct message *message)
{
    size_t texts = (size_t)message->n_markets + message->n_outcomes + EVENT_STRINGS +
                   2 * (size_t)message->n_descriptions + 2 * (size_t)message->n_names;
    const struct event *event;

    if (!may_add(message->type))
        return true;
    if (book->texts.n + texts > BOOK_TEXTS_MAX)
        return false;
    if (message->type == MESSAGE_MARKET_DESCRIPTIONS)
        return descriptions_have_room(book, message);
    event = book_event(book, message->event);
    if (event == NULL && book->n_events >= book->limits.events)
        return false;
    if (message->type != MESSAGE_ODDS_CHANGE ||
        book->n_markets + message->n_markets <= book->limits.markets)
        return true;
    return book->n_markets + count_new(book, message, event) <= book->limits.markets;
}

/* ---- telling what changed ----------------------------------------------- */

void book_changed_reserve(struct book *book, size_t n)
{
    if (n <= book->changed_room)
        return;
    book->changed = realloc(book->changed, n * 2 * sizeof(struct market *));
    CHECK(book->changed != NULL);
    book->changed_room = n * 2;
}

void book_market_changed(struct apply *apply, struct market *market)
{
    struct book_change *change = apply->change;

    if (market->version == apply->position)
        return;
    CHECK(change->n_markets < apply->book->changed_room);
    book_market_stamp(apply, market);
    apply->book->changed[change->n_markets++] = market;
}

void book_market_stamp(const struct apply *apply, struct market *market)
{
    market->version = market->event->version = apply->position;
    market->order = market->event->order = apply->order;
}

void book_event_stamp(const struct apply *apply, struct event *event)
{
    event->version = ((struct event_entry *)event)->own_version = apply->position;
    event->order = apply->order;
}

/* The message is about this event. */
static void event_hear(struct apply *apply, struct event *event)
{
    ((struct event_entry *)event)->heard_ms = apply->book->now_ms;
    apply->change->event = event;
}

/* The event as the book has it, NULL when it is to be added. */
static struct event *event_touch(struct apply *apply, struct event *event)
{
    if (event == NULL) {
        event = book_event_add(apply->book, apply->message->event);
        book_event_stamp(apply, event);
    }
    event_hear(apply, event);
    return event;
}

/* ---- markets ------------------------------------------------------------ */

bool book_market_move(struct market *market, int8_t status, int64_t ts)
{
    struct event_entry *entry = (struct event_entry *)market->event;
    bool moved = market->status != status;

    if (moved && book_status_is_closed(status) != book_status_is_closed(market->status))
        entry->n_closed += book_status_is_closed(status) ? 1 : UINT32_MAX;
    market->status = status;
    if (status == MARKET_ACTIVE)
        market->stopped_ts = 0;
    else if (market->stopped_ts == 0)
        market->stopped_ts = ts;
    return moved;
}

static void market_unlist(struct market *market, int64_t ts)
{
    if (market->listed && market->stopped_ts == 0)
        market->stopped_ts = ts;
    market->listed = false;
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
static struct outcome *outcome_known(struct outcome *outcomes, uint32_t n, struct str id)
{
    for (uint32_t i = 0; i < n; i++)
        if (outcomes[i].id.p == id.p)
            return &outcomes[i];
    return NULL;
}

/* Others than last time, or in another order: the list is made anew. */
static void outcomes_replace(struct book *book, struct market *market,
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
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        book_text_unref(book, market->outcomes[i].id);
    book_outcomes_room(book, market, n);
    memcpy(market->outcomes, book->scratch, n * sizeof(*market->outcomes));
    market->n_outcomes = n;
}

/* A listed market carries all its outcomes.  True: something changed. */
static bool outcomes_list(struct book *book, struct market *market,
                          const struct message_outcome *given, uint32_t n)
{
    bool changed = false, same = n == market->n_outcomes;

    CHECK(n <= LIMIT_OUTCOMES);
    for (uint32_t i = 0; same && i < n; i++)
        same = str_eq(market->outcomes[i].id, given[i].id);
    if (!same) {
        outcomes_replace(book, market, given, n);
        (void)book_desk_reprice(book, market);
        return true;
    }
    for (uint32_t i = 0; i < n; i++)
        changed |= outcome_feed(&market->outcomes[i], &given[i]);
    return book_desk_reprice(book, market) || changed;
}

/* The producer's latest word about the market. */
static int64_t market_heard_ts(const struct market *market, int32_t producer)
{
    const struct heard *heard;

    if (market->producer == producer)
        return market->heard_ts;
    heard = book_heard_find(((const struct market_entry *)market)->others, producer);
    return heard == NULL ? 0 : heard->ts;
}

static void market_hear(struct book *book, struct market *market, int32_t producer, int64_t ts)
{
    struct market_entry *entry = (struct market_entry *)market;

    if (market->producer != producer)
        book_heard_raise(book, &entry->others, producer, ts);
    else if (ts > market->heard_ts)
        market->heard_ts = ts;
}

static void market_take_over(struct book *book, struct market *market, int32_t producer)
{
    struct market_entry *entry = (struct market_entry *)market;
    int64_t ts = market_heard_ts(market, producer);

    book_heard_raise(book, &entry->others, market->producer, market->heard_ts);
    market->producer = producer;
    market->heard_ts = ts;
}

/* One <market> of an odds_change. */
static void market_list(struct apply *apply, struct market *market,
                        const struct message_market *listed)
{
    const struct message *message = apply->message;
    bool is_owner = market->producer == message->producer, changed = false;

    if (message->timestamp_ms < market_heard_ts(market, message->producer)) {
        apply->change->stale++;
        return;
    }
    market_hear(apply->book, market, message->producer, message->timestamp_ms);
    if (!is_owner && (listed->status == MARKET_HANDED_OVER ||
                      (listed->n == 0 && listed->status == MARKET_ACTIVE)))
        return;
    if (!is_owner && listed->n > 0) {
        market_take_over(apply->book, market, message->producer);
        is_owner = changed = true;
    }
    if (listed->n > 0)
        changed |= outcomes_list(apply->book, market, message->outcomes + listed->first,
                                 listed->n);
    if (is_owner) {
        changed |= !market->listed || market->favourite != listed->favourite;
        market->listed = true;
        market->favourite = listed->favourite;
    }
    changed |= book_market_move(market, listed->status, message->timestamp_ms);
    if (changed)
        book_market_changed(apply, market);
}

/* ---- the messages ------------------------------------------------------- */

static void apply_status(struct apply *apply, struct event *event)
{
    const struct message *message = apply->message;
    bool changed = false;

    ((struct event_entry *)event)->has_status |= message->event_status >= 0;
    if (message->event_status >= 0 && event->status != message->event_status) {
        event->status = message->event_status;
        changed = true;
    }
    if (message->match_status >= 0 && event->match_status != message->match_status) {
        event->match_status = message->match_status;
        changed = true;
    }
    if (message->home_score.n > 0)
        changed |= book_text_replace(apply->book, &event->home_score, message->home_score);
    if (message->away_score.n > 0)
        changed |= book_text_replace(apply->book, &event->away_score, message->away_score);
    changed |= book_text_replace(apply->book, &event->match_time, message->match_time);
    if (changed)
        book_event_stamp(apply, event);
}

/* Markets that the book has not: whether the message is older than a stop of
 * the whole event, or than what the book knew before it forgot the event. */
static bool event_is_past(const struct apply *apply, const struct event *event)
{
    const struct message *message = apply->message;
    const struct event_entry *entry = (const struct event_entry *)event;
    const struct heard *stop;

    if (event == NULL)
        return message->timestamp_ms < book_buried_ms(apply->book, message->event);
    stop = book_heard_find(entry->stops, message->producer);
    return message->timestamp_ms < entry->buried_ms ||
           (stop != NULL && message->timestamp_ms < stop->ts);
}

static void apply_odds(struct apply *apply)
{
    const struct message *message = apply->message;
    struct event *event = book_event(apply->book, message->event);
    bool is_past = event_is_past(apply, event);
    struct market *near = NULL;

    if (event == NULL && is_past) {
        apply->change->stale = message->n_markets;
        return;
    }
    event = event_touch(apply, event);
    book_changed_reserve(apply->book, message->n_markets);
    if (message->has_status)
        apply_status(apply, event);
    for (uint32_t i = 0; i < message->n_markets; i++) {
        const struct message_market *listed = &message->markets[i];
        struct market *market = market_find(apply->book, event, listed, &near);

        if (market == NULL && is_past) {
            apply->change->stale++;
            continue;
        }
        if (market == NULL) {
            market = book_market_add(apply->book, event, listed->market, listed->specifiers);
            market->producer = message->producer;
            near = market;
        }
        market_list(apply, market, listed);
    }
}

/* Whether two lists such as "all|score" have a member in common. */
static bool groups_meet(struct str a, struct str b)
{
    size_t from = 0;

    while (from < a.n) {
        const char *bar = memchr(a.p + from, '|', a.n - from);
        size_t end = bar == NULL ? a.n : (size_t)(bar - a.p);
        struct str member = { a.p + from, end - from };

        if (memchr(b.p, '|', b.n) == NULL ? str_eq(member, b) : groups_meet(b, member))
            return true;
        from = end + 1;
    }
    return false;
}

static bool groups_are_all(struct str groups)
{
    return groups.n == 0 || groups_meet(groups, STR("all"));
}

static bool market_is_in(const struct book *book, const struct market *market,
                         struct str groups)
{
    const struct description *description;

    if (groups_are_all(groups))
        return true;
    description = map_get(&book->descriptions, MAP_KEY(&market->id.market));
    if (description == NULL || description->groups.n == 0)
        return true;
    return groups_meet(groups, description->groups);
}

static void market_stop(struct apply *apply, struct market *market)
{
    const struct message *message = apply->message;

    market_hear(apply->book, market, message->producer, message->timestamp_ms);
    if (market->status == MARKET_ACTIVE &&
        book_market_move(market, message->stop_status, message->timestamp_ms))
        book_market_changed(apply, market);
}

static void apply_stop(struct apply *apply)
{
    const struct message *message = apply->message;
    struct event *event = book_event(apply->book, message->event);

    if (event == NULL)
        return;
    event_hear(apply, event);
    if (groups_are_all(message->groups))
        book_heard_raise(apply->book, &((struct event_entry *)event)->stops,
                         message->producer, message->timestamp_ms);
    book_changed_reserve(apply->book, event->n_markets);
    for (struct market *market = event->markets; market != NULL; market = market->next)
        if (market_is_in(apply->book, market, message->groups))
            market_stop(apply, market);
}

/* A settlement closes its markets; its rollback leaves them suspended until
 * the producer lists them again.  Markets the book has not are no error. */
static void apply_settlement(struct apply *apply, bool rollback)
{
    const struct message *message = apply->message;
    struct event *event = book_event(apply->book, message->event);
    int8_t status = rollback ? MARKET_SUSPENDED : MARKET_SETTLED;
    struct market *near = NULL;

    if (event == NULL)
        return;
    event_hear(apply, event);
    book_changed_reserve(apply->book, message->n_markets);
    for (uint32_t i = 0; i < message->n_markets; i++) {
        struct market *market =
            market_find(apply->book, event, &message->markets[i], &near);

        if (market == NULL)
            continue;
        market_hear(apply->book, market, message->producer, message->timestamp_ms);
        if (rollback && market->status != MARKET_SETTLED)
            continue;
        if (book_market_move(market, status, message->timestamp_ms))
            book_market_changed(apply, market);
    }
}

static void apply_fixture_change(struct apply *apply)
{
    struct event *event = event_touch(apply, book_event(apply->book, apply->message->event));

    if (apply->message->start_ms == 0 || event->start_ms == apply->message->start_ms)
        return;
    event->start_ms = apply->message->start_ms;
    book_event_stamp(apply, event);
}

/* The numbers behind the names that fixtures use; -1 = another name. */
static int32_t status_number(struct str name)
{
    static const struct { const char *name; int32_t status; } statuses[] = {
        { "not_started", 0 }, { "live", 1 },      { "suspended", 2 }, { "ended", 3 },
        { "closed", 4 },      { "cancelled", 5 }, { "delayed", 6 },   { "interrupted", 7 },
        { "postponed", 8 },   { "abandoned", 9 },
    };

    for (unsigned i = 0; i < LENGTH(statuses); i++)
        if (str_eq(name, str_of(statuses[i].name)))
            return statuses[i].status;
    return -1;
}

static void apply_fixture(struct apply *apply)
{
    const struct message_fixture *fixture = apply->message->fixture;
    struct book *book = apply->book;
    struct event *event = event_touch(apply, book_event(book, apply->message->event));
    struct event_entry *entry = (struct event_entry *)event;
    int32_t status = status_number(fixture->status);

    if (book_text_replace(book, &event->sport, fixture->sport))
        book_desk_sport(apply, event);
    (void)book_text_replace(book, &event->sport_name, fixture->sport_name);
    (void)book_text_replace(book, &event->tournament, fixture->tournament);
    (void)book_text_replace(book, &event->tournament_name, fixture->tournament_name);
    (void)book_text_replace(book, &event->category_name, fixture->category_name);
    (void)book_text_replace(book, &event->home, fixture->home.name);
    (void)book_text_replace(book, &event->away, fixture->away.name);
    (void)book_text_replace(book, &entry->home_id, fixture->home.id);
    (void)book_text_replace(book, &entry->away_id, fixture->away.id);
    if (fixture->start_ms != 0)
        event->start_ms = fixture->start_ms;
    if (status >= 0 && !entry->has_status)
        event->status = status;
    event->fixture = true;
    book_event_stamp(apply, event);
}

/* ---- market descriptions -------------------------------------------------- */

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
    (void)book_text_replace(book, &description->name, given->name);
    (void)book_text_replace(book, &description->groups, given->groups);
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
    description->n = given->n;
    return true;
}

/* Names stand on every page: all events are new to who shows them. */
static void apply_descriptions(struct apply *apply)
{
    const struct message *message = apply->message;
    struct book *book = apply->book;
    bool changed = false;

    for (uint32_t i = 0; i < message->n_descriptions; i++)
        changed |= book_describe(book, &message->descriptions[i], message->names,
                                 apply->position);
    for (size_t i = 0; changed && i < book->n_events; i++) {
        book->list[i]->version = apply->position;
        book->list[i]->order = apply->order;
    }
    if (changed)
        book->renamed_at = apply->position;
    apply->change->all = changed;
}

/* ---- producers ------------------------------------------------------------ */

bool book_producer_is_up(const struct book *book, int32_t producer)
{
    const struct producer *known;

    for (unsigned i = 0; i < book->n_shards; i++)
        if (!book_producer_is_up(book->shards[i], producer))
            return false;
    if (book->n_shards > 0)
        return true;
    known = book_producer(book, producer);
    return known != NULL && known->up;
}

/* Every producer's markets when `producer` is 0.  All are new, those too that
 * were not listed: so versions are a function of when it went down last. */
static void unlist_all(struct apply *apply, int32_t producer)
{
    struct book *book = apply->book;

    for (size_t i = 0; i < book->n_events; i++) {
        struct event *event = book->list[i];

        for (struct market *market = event->markets; market != NULL; market = market->next)
            if (producer == 0 || market->producer == producer) {
                market_unlist(market, apply->message->timestamp_ms);
                book_market_stamp(apply, market);
            }
    }
}

static void mark_all(struct apply *apply, int32_t producer)
{
    struct book *book = apply->book;

    for (size_t i = 0; i < book->n_events; i++)
        for (struct market *market = book->list[i]->markets; market != NULL;
             market = market->next)
            if (market->producer == producer && market->listed)
                book_market_stamp(apply, market);
}

struct producer *book_producer_make(struct book *book, int32_t id)
{
    struct producer *producer = book_producer(book, id);

    if (producer != NULL || book->n_producers == LIMIT_PRODUCERS)
        return producer;
    producer = &book->producers[book->n_producers++];
    *producer = (struct producer){ .id = id };
    return producer;
}

static enum book_result apply_producer(struct apply *apply)
{
    const struct message *message = apply->message;
    struct book *book = apply->book;
    struct producer *producer = book_producer_make(book, message->producer);

    if (producer == NULL)
        return BOOK_FULL;
    if (!message->up) {
        unlist_all(apply, producer->id);
        producer->down_at = apply->position;
        producer->ts = 0; /* what it said before tells no time */
    } else if (!producer->up) {
        mark_all(apply, producer->id); /* listed while it recovered */
        producer->up_at = apply->position;
    }
    producer->up = message->up;
    apply->change->all = true;
    return BOOK_OK;
}

static void apply_restart(struct apply *apply)
{
    for (size_t i = 0; i < apply->book->n_producers; i++) {
        apply->book->producers[i].up = false;
        apply->book->producers[i].ts = 0;
    }
    unlist_all(apply, 0);
    apply->book->restarted_at = apply->position;
    book_desk_sweep(apply->book, apply->message->timestamp_ms);
    apply->change->all = true;
}

/* ---- apply ---------------------------------------------------------------- */

static enum book_result apply_message(struct apply *apply)
{
    switch (apply->message->type) {
    case MESSAGE_ODDS_CHANGE:
        apply_odds(apply);
        break;
    case MESSAGE_BET_STOP:
        apply_stop(apply);
        break;
    case MESSAGE_BET_SETTLEMENT:
        apply_settlement(apply, false);
        break;
    case MESSAGE_ROLLBACK_SETTLEMENT:
        apply_settlement(apply, true);
        break;
    case MESSAGE_FIXTURE_CHANGE:
        apply_fixture_change(apply);
        break;
    case MESSAGE_FIXTURE:
        apply_fixture(apply);
        break;
    case MESSAGE_MARKET_DESCRIPTIONS:
        apply_descriptions(apply);
        break;
    case MESSAGE_PRODUCER:
        return apply_producer(apply);
    case MESSAGE_RESTART:
        apply_restart(apply);
        break;
    case MESSAGE_DESK:
        book_desk_apply(apply);
        break;
    case MESSAGE_BET_CANCEL: /* changes no status (rule 5) */
    case MESSAGE_ROLLBACK_CANCEL:
    case MESSAGE_ALIVE: /* the feed role decides who is up (rule 24) */
    case MESSAGE_SNAPSHOT_COMPLETE:
        break;
    }
    return BOOK_OK;
}

enum book_result book_apply(struct book *book, const struct message *message,
                            int64_t position, struct book_change *change)
{
    struct apply apply = { book, message, position, 0, change };
    enum book_result result;

    CHECK(position > book->position && book->n_shards == 0);
    *change = (struct book_change){ .event = NULL };
    buf_reset(&book->gone);
    book->desk.touched = NULL;
    book->desk.touched_factor = NULL;
    book_forget(book, message); /* what the last change told of may go now */
    if (!has_room(book, message))
        return BOOK_FULL;
    if (book->root == NULL && book->order < position)
        book->order = position - 1; /* of a book of its own, orders are positions */
    apply.order = book_order_next(book);
    result = apply_message(&apply);
    if (result != BOOK_OK)
        return result;
    change->markets = book->changed;
    book->position = position;
    return BOOK_OK;
}

void book_pass(struct book *book, int64_t position)
{
    CHECK(book->n_shards == 0);
    if (position > book->position)
        book->position = position;
}

/* ---- asking --------------------------------------------------------------- */

enum market_status book_feed_status(const struct book *book, const struct market *market)
{
    if (market->status == MARKET_HANDED_OVER)
        return MARKET_SUSPENDED; /* until another producer prices it */
    if (market->status != MARKET_ACTIVE)
        return (enum market_status)market->status;
    return market->listed && book_producer_is_up(book, market->producer) ? MARKET_ACTIVE
                                                                         : MARKET_SUSPENDED;
}

static bool may_be_live(const struct book *shard, const struct event *event)
{
    return event->status != 0 || (event->start_ms > 0 && event->start_ms <= shard->live_by_ms);
}

/* Nobody is known to look after its shard. */
static bool is_silent(const struct book *shard, const struct market *market)
{
    return shard->silence == BOOK_ALL_SILENT ||
           (shard->silence == BOOK_LIVE_SILENT && may_be_live(shard, market->event));
}

enum market_status book_status(const struct book *book UNUSED, const struct market *market)
{
    const struct book *shard = book_of_market(market);
    enum market_status status = book_feed_status(shard, market);

    if (status != MARKET_ACTIVE)
        return status;
    return is_silent(shard, market) || book_is_desk_suspended(shard, market) ? MARKET_SUSPENDED
                                                                             : status;
}

struct book_counts book_counts(const struct book *book)
{
    struct book_counts counts = { .events = book->n_events, .markets = book->n_markets };

    for (unsigned i = 0; i < book->n_shards; i++) {
        struct book_counts part = book_counts(book->shards[i]);

        counts.events += part.events;
        counts.markets += part.markets;
        counts.active_markets += part.active_markets;
        counts.outcomes += part.outcomes;
    }
    for (size_t i = 0; i < book->n_events; i++)
        for (const struct market *market = book->list[i]->markets; market != NULL;
             market = market->next) {
            counts.outcomes += market->n_outcomes;
            counts.active_markets += book_status(book, market) == MARKET_ACTIVE;
        }
    return counts;
}

/* ---- names ---------------------------------------------------------------- */

static struct name_context name_context(const struct market *market)
{
    const struct event *event = market->event;
    const struct event_entry *entry = (const struct event_entry *)event;

    return (struct name_context){
        .specifiers = market->id.specifiers,
        .home = event->home, .away = event->away,
        .home_id = entry->home_id, .away_id = entry->away_id,
        .tournament = event->tournament_name,
    };
}

static const struct description *description_find(const struct market *market)
{
    return map_get(&book_of_market(market)->descriptions, MAP_KEY(&market->id.market));
}

struct str book_market_name(const struct book *book UNUSED, const struct market *market,
                            struct arena *arena)
{
    const struct description *description = description_find(market);
    struct name_context context = name_context(market);
    struct str name;

    if (description != NULL && name_fill(description->name, &context, arena, &name))
        return name;
    if (market->id.specifiers.n == 0)
        return arena_printf(arena, "%u", market->id.market);
    return arena_printf(arena, "%u " STR_FMT, market->id.market,
                        STR_ARG(market->id.specifiers));
}

struct str book_outcome_name(const struct book *book UNUSED, const struct market *market,
                             struct str outcome, struct arena *arena)
{
    const struct description *description = description_find(market);
    struct name_context context = name_context(market);
    struct str name;

    for (uint32_t i = 0; description != NULL && i < description->n; i++)
        if (str_eq(description->names[i].id, outcome) &&
            name_fill(description->names[i].name, &context, arena, &name))
            return name;
    return arena_str(arena, name_of_id(outcome, &context));
}
