/*
 * What each message of the feed does to the book.
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

#define EVENT_STRINGS 16  /* texts one message may bring besides its markets' */
#define LOOK_AHEAD 8      /* markets tried before the table is asked */

/* A market of the event, looked for near where the last one was found. */
static const struct market *market_find(const struct book *book, const struct event *event,
                                  const struct message_market *listed, const struct market **near)
{
    const struct market *market = *near == NULL ? NULL : (*near)->next;
    struct market_id id = { event->id, listed->market, listed->specifiers };

    CHECK_DEAR(*near == NULL || (*near)->event == event);
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
    const struct market *near = NULL;
    size_t n = 0;

    if (event == NULL)
        return message->n_markets;
    for (uint32_t i = 0; i < message->n_markets; i++)
        n += market_find(book, event, &message->markets[i], &near) == NULL;
    CHECK(n <= message->n_markets);
    return n;
}

static bool descriptions_have_room(const struct book *book, const struct message *message)
{
    size_t n = book->descriptions.n;

    if (n + message->n_descriptions <= LIMIT_MESSAGE_MARKETS)
        return true;
    for (uint32_t i = 0; i < message->n_descriptions; i++)
        n += book_description(book, message->descriptions[i].market) == NULL;
    return n <= LIMIT_MESSAGE_MARKETS;
}

/* Stops, results and producers add nothing: a full book hears them too. */
static bool may_add(enum message_type type)
{
    return type == MESSAGE_ODDS_CHANGE || type == MESSAGE_FIXTURE ||
           type == MESSAGE_FIXTURE_CHANGE || type == MESSAGE_MARKET_DESCRIPTIONS;
}

bool book_feed_has_room(const struct book *book, const struct message *message)
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

/* ---- markets ------------------------------------------------------------ */

/* The message is about this event. */
static void event_receive(const struct apply *apply, const struct event *event)
{
    CHECK(event_entry(event)->book == apply->book);
    CHECK(apply->change->event == NULL); /* a message is about one */
    book_event_receive(event, apply->book->now_ms);
    apply->change->event = event;
}

/* The event as the book has it, NULL when it is to be added. */
static const struct event *event_touch(const struct apply *apply, const struct event *event)
{
    if (event == NULL) {
        event = book_event_add(apply->book, apply->message->event);
        book_event_stamp(event, apply->position, apply->order);
    }
    event_receive(apply, event);
    return event;
}

/* One <market> of an odds_change. */
static void market_list(const struct apply *apply, const struct market *market,
                        const struct message_market *listed)
{
    const struct message *message = apply->message;
    bool is_owner = market->producer == message->producer, changed = false;

    CHECK(market->event == apply->change->event);
    CHECK((uint64_t)listed->first + listed->n <= message->n_outcomes);
    if (message->timestamp_ms < book_market_received_ts(market, message->producer)) {
        apply->change->stale++;
        return;
    }
    book_market_receive(apply->book, market, message->producer, message->timestamp_ms);
    if (!is_owner && (listed->status == MARKET_HANDED_OVER ||
                      (listed->n == 0 && listed->status == MARKET_ACTIVE)))
        return;
    if (!is_owner && listed->n > 0) {
        book_market_take_over(apply->book, market, message->producer);
        is_owner = changed = true;
    }
    if (listed->n > 0)
        changed |= book_market_feed(apply->book, market, message->outcomes + listed->first,
                                    listed->n);
    if (is_owner)
        changed |= book_market_list(market, listed->favourite);
    changed |= book_market_move(market, listed->status, message->timestamp_ms);
    if (changed)
        book_market_changed(apply, market);
}

/* ---- the messages ------------------------------------------------------- */

static void apply_status(const struct apply *apply, const struct event *event)
{
    const struct message *message = apply->message;
    struct book *book = apply->book;
    bool changed = false;

    CHECK(message->has_status);
    if (message->event_status >= 0) {
        book_event_keep_status(event);
        changed |= book_event_set_status(event, message->event_status);
    }
    if (message->match_status >= 0)
        changed |= book_event_set_match_status(event, message->match_status);
    if (message->home_score.n > 0)
        changed |= book_event_set_text(book, event, EVENT_HOME_SCORE, message->home_score);
    if (message->away_score.n > 0)
        changed |= book_event_set_text(book, event, EVENT_AWAY_SCORE, message->away_score);
    changed |= book_event_set_text(book, event, EVENT_MATCH_TIME, message->match_time);
    if (changed)
        book_event_stamp(event, apply->position, apply->order);
}

/* Markets that the book has not: whether the message is older than a stop of
 * the whole event, or than what the book knew before it forgot the event. */
static bool event_is_past(const struct apply *apply, const struct event *event)
{
    const struct message *message = apply->message;
    const struct event_entry *entry = event_entry(event);
    const struct book_received *stop;

    if (event == NULL)
        return message->timestamp_ms < book_buried_ms(apply->book, message->event);
    CHECK(entry->book == apply->book);
    stop = book_received_find(entry->stops, message->producer);
    return message->timestamp_ms < entry->buried_ms ||
           (stop != NULL && message->timestamp_ms < stop->ts);
}

static void apply_odds(const struct apply *apply)
{
    const struct message *message = apply->message;
    const struct event *event = book_event(apply->book, message->event);
    bool is_past = event_is_past(apply, event);
    const struct market *near = NULL;

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
        const struct market *market = market_find(apply->book, event, listed, &near);

        if (market == NULL && is_past) {
            apply->change->stale++;
            continue;
        }
        if (market == NULL) {
            market = book_market_add(apply->book, event, listed->market, listed->specifiers,
                                     message->producer);
            near = market;
        }
        market_list(apply, market, listed);
    }
    CHECK(apply->change->n_markets + apply->change->stale <= message->n_markets);
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
    description = book_description(book, market->id.market);
    if (description == NULL || description->groups.n == 0)
        return true;
    return groups_meet(groups, description->groups);
}

static void market_stop(const struct apply *apply, const struct market *market)
{
    const struct message *message = apply->message;

    book_market_receive(apply->book, market, message->producer, message->timestamp_ms);
    if (market->status == MARKET_ACTIVE &&
        book_market_move(market, message->stop_status, message->timestamp_ms))
        book_market_changed(apply, market);
}

static void apply_stop(const struct apply *apply)
{
    const struct message *message = apply->message;
    const struct event *event = book_event(apply->book, message->event);

    if (event == NULL)
        return;
    event_receive(apply, event);
    if (groups_are_all(message->groups))
        book_event_stop(apply->book, event, message->producer, message->timestamp_ms);
    book_changed_reserve(apply->book, event->n_markets);
    for (const struct market *market = event->markets; market != NULL; market = market->next)
        if (market_is_in(apply->book, market, message->groups))
            market_stop(apply, market);
    CHECK(apply->change->n_markets <= event->n_markets);
}

/* A settlement closes its markets; its rollback leaves them suspended until
 * the producer lists them again.  Markets the book has not are no error. */
static void apply_settlement(const struct apply *apply, bool rollback)
{
    const struct message *message = apply->message;
    const struct event *event = book_event(apply->book, message->event);
    int8_t status = rollback ? MARKET_SUSPENDED : MARKET_SETTLED;
    const struct market *near = NULL;

    if (event == NULL)
        return;
    event_receive(apply, event);
    book_changed_reserve(apply->book, message->n_markets);
    for (uint32_t i = 0; i < message->n_markets; i++) {
        const struct market *market =
            market_find(apply->book, event, &message->markets[i], &near);

        if (market == NULL)
            continue;
        book_market_receive(apply->book, market, message->producer, message->timestamp_ms);
        if (rollback && market->status != MARKET_SETTLED)
            continue;
        if (book_market_move(market, status, message->timestamp_ms))
            book_market_changed(apply, market);
        CHECK(market->status == status);
    }
}

static void apply_fixture_change(const struct apply *apply)
{
    const struct event *event = event_touch(apply, book_event(apply->book, apply->message->event));

    if (apply->message->start_ms == 0 || !book_event_set_start(event, apply->message->start_ms))
        return;
    book_event_stamp(event, apply->position, apply->order);
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

static void apply_fixture(const struct apply *apply)
{
    const struct message_fixture *fixture = apply->message->fixture;
    struct book *book = apply->book;
    const struct event *event = event_touch(apply, book_event(book, apply->message->event));
    int32_t status = status_number(fixture->status);

    CHECK(str_eq(fixture->event, apply->message->event));
    if (book_event_set_text(book, event, EVENT_SPORT, fixture->sport))
        book_desk_sport(apply, event);
    (void)book_event_set_text(book, event, EVENT_SPORT_NAME, fixture->sport_name);
    (void)book_event_set_text(book, event, EVENT_TOURNAMENT, fixture->tournament);
    (void)book_event_set_text(book, event, EVENT_TOURNAMENT_NAME, fixture->tournament_name);
    (void)book_event_set_text(book, event, EVENT_CATEGORY_NAME, fixture->category_name);
    (void)book_event_set_text(book, event, EVENT_HOME, fixture->home.name);
    (void)book_event_set_text(book, event, EVENT_AWAY, fixture->away.name);
    (void)book_event_set_text(book, event, EVENT_HOME_ID, fixture->home.id);
    (void)book_event_set_text(book, event, EVENT_AWAY_ID, fixture->away.id);
    if (fixture->start_ms != 0)
        (void)book_event_set_start(event, fixture->start_ms);
    if (status >= 0 && !event_entry(event)->has_status)
        (void)book_event_set_status(event, status);
    book_event_set_fixture(event, true);
    book_event_stamp(event, apply->position, apply->order);
}

/* ---- market descriptions -------------------------------------------------- */

/* Names stand on every page: all events are new to who shows them. */
static void apply_descriptions(const struct apply *apply)
{
    const struct message *message = apply->message;
    struct book *book = apply->book;
    bool changed = false;

    for (uint32_t i = 0; i < message->n_descriptions; i++)
        CHECK((uint64_t)message->descriptions[i].first + message->descriptions[i].n <=
              message->n_names);
    for (uint32_t i = 0; i < message->n_descriptions; i++)
        changed |= book_describe(book, &message->descriptions[i], message->names,
                                 apply->position);
    for (size_t i = 0; changed && i < book->n_events; i++)
        book_event_raise(book->list[i], apply->position, apply->order);
    if (changed)
        book_renamed(book, apply->position);
    apply->change->all = changed;
}

/* ---- producers ------------------------------------------------------------ */

/* Every producer's markets when `producer` is 0.  All are new, those too that
 * were not listed: so versions are a function of when it went down last. */
static void unlist_all(const struct apply *apply, int32_t producer)
{
    struct book *book = apply->book;

    for (size_t i = 0; i < book->n_events; i++) {
        const struct event *event = book->list[i];

        CHECK(event_entry(event)->book == book);
        for (const struct market *market = event->markets; market != NULL; market = market->next)
            if (producer == 0 || market->producer == producer) {
                book_market_unlist(market, apply->message->timestamp_ms);
                book_market_stamp(market, apply->position, apply->order);
            }
    }
}

static void mark_all(const struct apply *apply, int32_t producer)
{
    struct book *book = apply->book;

    for (size_t i = 0; i < book->n_events; i++)
        for (const struct market *market = book->list[i]->markets; market != NULL;
             market = market->next)
            if (market->producer == producer && market->listed)
                book_market_stamp(market, apply->position, apply->order);
}

static enum book_result apply_producer(const struct apply *apply)
{
    const struct message *message = apply->message;
    struct book *book = apply->book;
    const struct book_producer *producer = book_producer_make(book, message->producer);

    if (producer == NULL)
        return BOOK_FULL;
    if (!message->up)
        unlist_all(apply, producer->id);
    else if (!producer->up)
        mark_all(apply, producer->id); /* listed while it recovered */
    book_producer_move(producer, message->up, apply->position);
    CHECK(producer->up == message->up && producer == book_producer(book, message->producer));
    apply->change->all = true;
    return BOOK_OK;
}

static void apply_restart(const struct apply *apply)
{
    book_restart(apply->book, apply->position);
    unlist_all(apply, 0);
    CHECK_DEAR(book_counts(apply->book).active_markets == 0); /* nothing is sold after it */
    book_desk_sweep(apply->book, apply->message->timestamp_ms);
    apply->change->all = true;
}

/* ---- apply ---------------------------------------------------------------- */

enum book_result book_feed_apply(const struct apply *apply)
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
    case MESSAGE_DESK:       /* of the desk: book_desk.c */
    case MESSAGE_BET_CANCEL: /* changes no status (rule 5) */
    case MESSAGE_ROLLBACK_CANCEL:
    case MESSAGE_ALIVE: /* the feed role decides who is up (rule 24) */
    case MESSAGE_SNAPSHOT_COMPLETE:
        break;
    }
    return BOOK_OK;
}
