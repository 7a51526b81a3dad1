/*
 * model/book: the machine over the feed log.  Each step is a message built
 * here by hand; book_check() runs after every one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "model/book.h"

#define EVENT STR("sr:match:42")
#define LIVE 1
#define PREMATCH 3

struct fixture {
    struct book *book;
    int64_t position;
    struct book_change change;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    CHECK(f != NULL);
    f->book = book_new();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    book_free(f->book);
    free(f);
    return 0;
}

static void apply(struct fixture *f, const struct message *message)
{
    assert_int_equal(book_apply(f->book, message, ++f->position, &f->change), BOOK_OK);
    book_check(f->book);
    assert_int_equal(book_position(f->book), f->position);
}

static void producer(struct fixture *f, int32_t id, bool up, int64_t ts)
{
    apply(f, &(struct message){
        .type = MESSAGE_PRODUCER, .producer = id, .up = up, .timestamp_ms = ts,
    });
}

/* The two prices of a total; 0 = no odds, negative = inactive at that price. */
static void odds(struct fixture *f, int32_t from, int64_t ts, int8_t status, int64_t over,
                 int64_t under)
{
    struct message_outcome outcomes[] = {
        { .id = STR("12"), .odds_e4 = llabs(over), .active = over >= 0 },
        { .id = STR("13"), .odds_e4 = llabs(under), .active = under >= 0 },
    };
    struct message_market market = {
        .market = 18, .specifiers = STR("total=2.5"), .status = status, .n = 2,
    };

    apply(f, &(struct message){
        .type = MESSAGE_ODDS_CHANGE, .producer = from, .timestamp_ms = ts, .event = EVENT,
        .markets = &market, .n_markets = 1, .outcomes = outcomes, .n_outcomes = 2,
        .event_status = -1, .match_status = -1,
    });
}

/* A message of one type about that market, without outcomes. */
static void about(struct fixture *f, enum message_type type, int32_t from, int64_t ts,
                  int8_t status)
{
    struct message_market market = {
        .market = 18, .specifiers = STR("total=2.5"), .status = status,
    };

    apply(f, &(struct message){
        .type = type, .producer = from, .timestamp_ms = ts, .event = EVENT,
        .markets = &market, .n_markets = 1, .event_status = -1, .match_status = -1,
        .end_ms = INT64_MAX, .certainty = 1,
    });
}

static void stop(struct fixture *f, int64_t ts, const char *groups, int8_t status)
{
    apply(f, &(struct message){
        .type = MESSAGE_BET_STOP, .producer = LIVE, .timestamp_ms = ts, .event = EVENT,
        .groups = str_of(groups), .stop_status = status,
    });
}

static const struct market *total(const struct fixture *f)
{
    return book_market(f->book, (struct market_id){ EVENT, 18, STR("total=2.5") });
}

static enum market_status status(const struct fixture *f)
{
    return book_status(f->book, total(f));
}

static int64_t price(const struct fixture *f, const char *outcome)
{
    const struct outcome *found = book_outcome(total(f), str_of(outcome));

    return found == NULL || !found->active ? -1 : found->odds_e4;
}

static bool told(const struct fixture *f)
{
    return f->change.n_markets == 1 && f->change.markets[0] == total(f);
}

static void an_active_market(struct fixture *f)
{
    producer(f, LIVE, true, 1);
    odds(f, LIVE, 100, MARKET_ACTIVE, 19000, 18000);
    assert_int_equal(status(f), MARKET_ACTIVE);
}

/* ---- odds --------------------------------------------------------------- */

static void odds_make_events_markets_and_prices(void **state)
{
    struct fixture *f = *state;
    struct book_counts counts;
    size_t at = 0;

    an_active_market(f);
    assert_true(told(f));
    assert_ptr_equal(f->change.event, book_event(f->book, EVENT));
    assert_int_equal(price(f, "12"), 19000);
    assert_int_equal(price(f, "13"), 18000);
    assert_null(book_outcome(total(f), STR("14")));
    assert_null(book_market(f->book, (struct market_id){ EVENT, 18, STR("total=3.5") }));
    assert_ptr_equal(book_next_event(f->book, &at), f->change.event);
    assert_null(book_next_event(f->book, &at));
    counts = book_counts(f->book);
    assert_int_equal(counts.events, 1);
    assert_int_equal(counts.markets, 1);
    assert_int_equal(counts.active_markets, 1);
    assert_int_equal(counts.outcomes, 2);
}

static void only_a_change_is_told(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    odds(f, LIVE, 101, MARKET_ACTIVE, 19000, 18000);
    assert_int_equal(f->change.n_markets, 0);
    assert_int_equal(total(f)->version, 2);
    odds(f, LIVE, 102, MARKET_ACTIVE, 19000, 18100);
    assert_true(told(f));
    assert_int_equal(total(f)->version, 4);
    assert_int_equal(book_event(f->book, EVENT)->version, 4);
}

static void a_listed_market_carries_all_its_outcomes(void **state)
{
    struct fixture *f = *state;
    struct message_outcome outcomes[] = {
        { .id = STR("13"), .odds_e4 = 17000, .active = true },
        { .id = STR("99"), .odds_e4 = 50000, .active = true },
        { .id = STR("13"), .odds_e4 = 90000, .active = true },
    };
    struct message_market market = {
        .market = 18, .specifiers = STR("total=2.5"), .status = MARKET_ACTIVE, .n = 3,
    };

    an_active_market(f);
    apply(f, &(struct message){
        .type = MESSAGE_ODDS_CHANGE, .producer = LIVE, .timestamp_ms = 101, .event = EVENT,
        .markets = &market, .n_markets = 1, .outcomes = outcomes, .n_outcomes = 3,
    });
    assert_true(told(f));
    assert_int_equal(total(f)->n_outcomes, 2);
    assert_int_equal(price(f, "12"), -1);
    assert_int_equal(price(f, "13"), 17000);
    assert_int_equal(price(f, "99"), 50000);
}

static void rule_18_without_outcomes_only_the_status_moves(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    about(f, MESSAGE_ODDS_CHANGE, LIVE, 101, MARKET_SUSPENDED);
    assert_int_equal(status(f), MARKET_SUSPENDED);
    assert_int_equal(price(f, "12"), 19000);
    about(f, MESSAGE_ODDS_CHANGE, LIVE, 102, MARKET_ACTIVE);
    assert_int_equal(status(f), MARKET_ACTIVE);
    odds(f, LIVE, 103, MARKET_ACTIVE, -1, 0); /* inactive; active without odds */
    assert_int_equal(price(f, "12"), -1);
    assert_int_equal(price(f, "13"), -1);
    assert_int_equal(book_outcome(total(f), STR("13"))->odds_e4, 18000);
}

static void rule_19_older_odds_are_dropped(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    odds(f, LIVE, 99, MARKET_SUSPENDED, 30000, 30000);
    assert_int_equal(f->change.stale, 1);
    assert_int_equal(f->change.n_markets, 0);
    assert_int_equal(status(f), MARKET_ACTIVE);
    assert_int_equal(price(f, "12"), 19000);
    odds(f, LIVE, 100, MARKET_ACTIVE, 30000, 30000); /* as old is not older */
    assert_int_equal(price(f, "12"), 30000);
    about(f, MESSAGE_BET_SETTLEMENT, LIVE, 50, 0); /* facts never are */
    assert_int_equal(status(f), MARKET_SETTLED);
}

static void rule_19_each_producer_has_its_own_clock(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    odds(f, PREMATCH, 50, MARKET_ACTIVE, 21000, 17000); /* another clock */
    assert_int_equal(price(f, "12"), 21000);
    odds(f, LIVE, 99, MARKET_ACTIVE, 30000, 30000); /* older than its own last */
    assert_int_equal(f->change.stale, 1);
    assert_int_equal(total(f)->producer, PREMATCH);
    odds(f, LIVE, 101, MARKET_ACTIVE, 31000, 30000);
    assert_int_equal(total(f)->producer, LIVE);
    odds(f, PREMATCH, 49, MARKET_ACTIVE, 40000, 40000);
    assert_int_equal(f->change.stale, 1);
    assert_int_equal(price(f, "12"), 31000);
}

/* What had the last word before the odds came, and whether they are stale. */
static const struct {
    const char *row;
    enum message_type type;
    int32_t from;
    int64_t ts;
    int32_t odds_from;
    int64_t odds_ts;
    bool is_stale;
} last_words[] = {
    { "older than the stop", MESSAGE_BET_STOP, LIVE, 200, LIVE, 199, true },
    { "with the stop", MESSAGE_BET_STOP, LIVE, 200, LIVE, 200, false },
    { "after the stop", MESSAGE_BET_STOP, LIVE, 200, LIVE, 201, false },
    { "older than the result", MESSAGE_BET_SETTLEMENT, LIVE, 200, LIVE, 199, true },
    { "with the result", MESSAGE_BET_SETTLEMENT, LIVE, 200, LIVE, 200, false },
    { "older than the rollback", MESSAGE_ROLLBACK_SETTLEMENT, LIVE, 200, LIVE, 199, true },
    { "an old stop", MESSAGE_BET_STOP, LIVE, 50, LIVE, 100, false },
    { "an old stop, older odds", MESSAGE_BET_STOP, LIVE, 50, LIVE, 99, true },
    { "another's stop", MESSAGE_BET_STOP, PREMATCH, 200, LIVE, 199, false },
    { "another's own stop", MESSAGE_BET_STOP, PREMATCH, 200, PREMATCH, 199, true },
    { "another's own result", MESSAGE_BET_SETTLEMENT, PREMATCH, 200, PREMATCH, 199, true },
    { "another's suspension", MESSAGE_ODDS_CHANGE, PREMATCH, 200, PREMATCH, 199, true },
    { "a cancel is no word", MESSAGE_BET_CANCEL, LIVE, 200, LIVE, 199, false },
};

static void last_word(struct fixture *f, size_t i)
{
    struct message message = {
        .type = MESSAGE_BET_STOP, .producer = last_words[i].from,
        .timestamp_ms = last_words[i].ts, .event = EVENT, .groups = STR("all"),
        .stop_status = MARKET_SUSPENDED,
    };

    if (last_words[i].type == MESSAGE_BET_STOP)
        apply(f, &message);
    else
        about(f, last_words[i].type, last_words[i].from, last_words[i].ts, MARKET_SUSPENDED);
}

static void rule_19_odds_older_than_a_stop_or_result_are_dropped(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(last_words); i++) {
        enum market_status was;
        struct fixture *f;
        void *own;

        (void)set_up(&own);
        f = own;
        an_active_market(f);
        producer(f, PREMATCH, true, 1);
        last_word(f, i);
        was = status(f);
        odds(f, last_words[i].odds_from, last_words[i].odds_ts, MARKET_ACTIVE, 31000, 17000);
        if (f->change.stale != last_words[i].is_stale ||
            status(f) != (last_words[i].is_stale ? was : MARKET_ACTIVE) ||
            price(f, "12") != (last_words[i].is_stale ? 19000 : 31000))
            fail_msg("%s", last_words[i].row);
        (void)tear_down(&own);
    }
}

/* A stop that found the market suspended holds as well. */
static void rule_19_a_stop_of_a_stopped_market_holds(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    about(f, MESSAGE_ODDS_CHANGE, LIVE, 110, MARKET_SUSPENDED);
    stop(f, 150, "all", MARKET_SUSPENDED);
    odds(f, LIVE, 140, MARKET_ACTIVE, 31000, 17000);
    assert_int_equal(f->change.stale, 1);
    assert_int_equal(status(f), MARKET_SUSPENDED);
    assert_int_equal(total(f)->stopped_ts, 110);
}

static void rule_19_a_stop_holds_for_markets_to_come(void **state)
{
    struct fixture *f = *state;
    struct message message = {
        .type = MESSAGE_ODDS_CHANGE, .producer = LIVE, .timestamp_ms = 100, .event = EVENT,
        .event_status = -1, .match_status = -1,
    };

    producer(f, LIVE, true, 1);
    apply(f, &message); /* the event, no market yet */
    stop(f, 150, "all", MARKET_SUSPENDED);
    odds(f, LIVE, 140, MARKET_ACTIVE, 19000, 18000);
    assert_int_equal(f->change.stale, 1);
    assert_null(total(f));
    odds(f, PREMATCH, 140, MARKET_ACTIVE, 19000, 18000); /* another's clock */
    assert_int_equal(f->change.stale, 0);
    odds(f, LIVE, 150, MARKET_ACTIVE, 19000, 18000);
    assert_int_equal(status(f), MARKET_ACTIVE);
}

/* ---- whose market ------------------------------------------------------- */

static void rule_20_a_market_belongs_to_who_priced_it_last(void **state)
{
    struct fixture *f = *state;

    producer(f, PREMATCH, true, 1);
    odds(f, PREMATCH, 100, MARKET_ACTIVE, 19000, 18000);
    odds(f, LIVE, 101, MARKET_ACTIVE, 19500, 17500);
    assert_int_equal(total(f)->producer, LIVE);
    assert_int_equal(status(f), MARKET_SUSPENDED); /* live is not up */
    producer(f, LIVE, true, 102);
    assert_true(f->change.all);
    assert_int_equal(status(f), MARKET_ACTIVE);
    producer(f, PREMATCH, false, 103); /* no longer its market */
    assert_int_equal(status(f), MARKET_ACTIVE);
}

static void rule_20_handed_over(void **state)
{
    struct fixture *f = *state;

    producer(f, PREMATCH, true, 1);
    producer(f, LIVE, true, 1);
    odds(f, PREMATCH, 100, MARKET_ACTIVE, 19000, 18000);
    about(f, MESSAGE_ODDS_CHANGE, PREMATCH, 101, MARKET_HANDED_OVER);
    assert_int_equal(status(f), MARKET_SUSPENDED); /* until another prices it */
    odds(f, LIVE, 102, MARKET_ACTIVE, 19500, 17500);
    assert_int_equal(status(f), MARKET_ACTIVE);
    about(f, MESSAGE_ODDS_CHANGE, PREMATCH, 103, MARKET_HANDED_OVER);
    assert_int_equal(status(f), MARKET_ACTIVE); /* already done: ignored */
    assert_int_equal(f->change.n_markets, 0);
}

static void who_does_not_own_a_market_may_stop_but_not_open_it(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    about(f, MESSAGE_ODDS_CHANGE, PREMATCH, 101, MARKET_SUSPENDED);
    assert_int_equal(status(f), MARKET_SUSPENDED);
    about(f, MESSAGE_ODDS_CHANGE, PREMATCH, 102, MARKET_ACTIVE);
    assert_int_equal(status(f), MARKET_SUSPENDED);
    about(f, MESSAGE_ODDS_CHANGE, LIVE, 103, MARKET_ACTIVE);
    assert_int_equal(status(f), MARKET_ACTIVE);
}

/* ---- producers ---------------------------------------------------------- */

static void rule_21_after_down_suspended_until_listed_again(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    producer(f, LIVE, false, 200);
    assert_true(f->change.all);
    assert_int_equal(status(f), MARKET_SUSPENDED);
    assert_int_equal(total(f)->stopped_ts, 200);
    assert_int_equal(total(f)->version, f->position);
    producer(f, LIVE, true, 300);
    assert_int_equal(status(f), MARKET_SUSPENDED);
    about(f, MESSAGE_ODDS_CHANGE, LIVE, 301, MARKET_ACTIVE); /* status alone lists */
    assert_true(told(f));
    assert_int_equal(status(f), MARKET_ACTIVE);
    assert_int_equal(total(f)->stopped_ts, 0);
}

static void rule_21_a_recovery_lists_before_the_producer_is_up(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    producer(f, LIVE, false, 200);
    odds(f, LIVE, 250, MARKET_ACTIVE, 20000, 17000);
    assert_int_equal(status(f), MARKET_SUSPENDED);
    producer(f, LIVE, true, 300);
    assert_int_equal(status(f), MARKET_ACTIVE);
    assert_int_equal(total(f)->version, f->position);
}

static void rule_21_after_a_restart_nothing_can_be_bet_on(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    apply(f, &(struct message){ .type = MESSAGE_RESTART, .timestamp_ms = 200 });
    assert_true(f->change.all);
    assert_false(book_producer_is_up(f->book, LIVE));
    assert_int_equal(status(f), MARKET_SUSPENDED);
    producer(f, LIVE, true, 300);
    assert_int_equal(status(f), MARKET_SUSPENDED);
    odds(f, LIVE, 301, MARKET_ACTIVE, 19000, 18000);
    assert_int_equal(status(f), MARKET_ACTIVE);
}

static void rule_24_alive_alone_moves_nothing(void **state)
{
    struct fixture *f = *state;

    odds(f, LIVE, 100, MARKET_ACTIVE, 19000, 18000);
    apply(f, &(struct message){
        .type = MESSAGE_ALIVE, .producer = LIVE, .timestamp_ms = 101, .subscribed = true,
    });
    assert_false(book_producer_is_up(f->book, LIVE));
    assert_int_equal(status(f), MARKET_SUSPENDED);
    producer(f, LIVE, true, 102);
    apply(f, &(struct message){
        .type = MESSAGE_ALIVE, .producer = LIVE, .timestamp_ms = 103, .subscribed = false,
    });
    assert_int_equal(status(f), MARKET_ACTIVE);
}

/* ---- stopping ----------------------------------------------------------- */

static void bet_stop_moves_only_active_markets(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    stop(f, 110, "all", MARKET_SUSPENDED);
    assert_true(told(f));
    assert_int_equal(status(f), MARKET_SUSPENDED);
    assert_int_equal(total(f)->stopped_ts, 110);
    stop(f, 120, "all", MARKET_INACTIVE); /* not active: not moved */
    assert_int_equal(status(f), MARKET_SUSPENDED);
    assert_int_equal(total(f)->stopped_ts, 110);
    odds(f, LIVE, 130, MARKET_ACTIVE, 19000, 18000);
    assert_int_equal(total(f)->stopped_ts, 0);
    stop(f, 140, "all", MARKET_INACTIVE);
    assert_int_equal(status(f), MARKET_INACTIVE);
}

static void describe_total(struct fixture *f, const char *name, const char *groups)
{
    struct message_name names[] = {
        { STR("12"), STR("over {total}") }, { STR("13"), STR("under {total}") },
    };
    struct message_description description = {
        .market = 18, .name = str_of(name), .groups = str_of(groups), .n = 2,
    };

    apply(f, &(struct message){
        .type = MESSAGE_MARKET_DESCRIPTIONS, .descriptions = &description,
        .n_descriptions = 1, .names = names, .n_names = 2,
    });
}

static const struct { const char *groups, *stop; bool stops; } groups[] = {
    { "all|score|1st_half", "all", true },
    { "all|score|1st_half", "score", true },
    { "all|score|1st_half", "corners|1st_half", true },
    { "all|score|1st_half", "corners", false },
    { "all|score|1st_half", "corners|bookings", false },
    { "all|score|1st_half", "scor", false },
    { "all|score|1st_half", "1st_half_ot", false },
    { "all|score", "", true },         /* no groups given: all */
    { "all|score", "corners|all", true },
    { NULL, "corners", true },         /* not described: rather a stop too many */
    { "", "corners", true },
};

static void bet_stop_asks_for_the_groups(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(groups); i++) {
        void *own;
        struct fixture *f;

        (void)set_up(&own);
        f = own;
        an_active_market(f);
        if (groups[i].groups != NULL)
            describe_total(f, "Total", groups[i].groups);
        stop(f, 110, groups[i].stop, MARKET_SUSPENDED);
        if ((status(f) == MARKET_SUSPENDED) != groups[i].stops)
            fail_msg("stop \"%s\", market row %zu", groups[i].stop, i);
        (void)tear_down(&own);
    }
}

/* ---- results ------------------------------------------------------------ */

static void a_settlement_closes_and_its_rollback_suspends(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    about(f, MESSAGE_BET_SETTLEMENT, LIVE, 200, 0);
    assert_true(told(f));
    assert_int_equal(status(f), MARKET_SETTLED);
    assert_int_equal(total(f)->stopped_ts, 200);
    about(f, MESSAGE_BET_SETTLEMENT, LIVE, 210, 0); /* certainty 2 follows */
    assert_int_equal(f->change.n_markets, 0);
    producer(f, LIVE, false, 215);
    assert_int_equal(status(f), MARKET_SETTLED); /* closed is closed */
    about(f, MESSAGE_ROLLBACK_SETTLEMENT, LIVE, 220, 0);
    assert_int_equal(status(f), MARKET_SUSPENDED);
    assert_int_equal(total(f)->stopped_ts, 200);
    producer(f, LIVE, true, 225);
    odds(f, LIVE, 230, MARKET_ACTIVE, 19000, 18000);
    assert_int_equal(status(f), MARKET_ACTIVE);
    about(f, MESSAGE_ROLLBACK_SETTLEMENT, LIVE, 240, 0); /* nothing to undo */
    assert_int_equal(status(f), MARKET_ACTIVE);
}

/* Facts take the time of the first stop: bets after it were too late. */
static void rule_07_the_first_stop_is_kept_until_the_market_opens(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    stop(f, 150, "all", MARKET_SUSPENDED);
    about(f, MESSAGE_ODDS_CHANGE, LIVE, 160, MARKET_INACTIVE);
    about(f, MESSAGE_BET_SETTLEMENT, LIVE, 200, 0);
    assert_int_equal(status(f), MARKET_SETTLED);
    assert_int_equal(total(f)->stopped_ts, 150);
    about(f, MESSAGE_BET_SETTLEMENT, LIVE, 210, 0); /* certainty 2 */
    assert_int_equal(total(f)->stopped_ts, 150);
    about(f, MESSAGE_ROLLBACK_SETTLEMENT, LIVE, 220, 0);
    assert_int_equal(total(f)->stopped_ts, 150);
    odds(f, LIVE, 230, MARKET_ACTIVE, 19000, 18000);
    assert_int_equal(total(f)->stopped_ts, 0);
    about(f, MESSAGE_BET_SETTLEMENT, LIVE, 240, 0); /* this time it was selling */
    assert_int_equal(total(f)->stopped_ts, 240);
}

static void rule_05_a_cancel_does_not_change_the_status(void **state)
{
    struct fixture *f = *state;

    an_active_market(f);
    about(f, MESSAGE_BET_CANCEL, LIVE, 200, 0);
    assert_int_equal(f->change.n_markets, 0);
    assert_int_equal(status(f), MARKET_ACTIVE);
    about(f, MESSAGE_ROLLBACK_CANCEL, LIVE, 201, 0);
    assert_int_equal(status(f), MARKET_ACTIVE);
}

static void facts_on_what_the_book_has_not_are_no_error(void **state)
{
    static const enum message_type types[] = {
        MESSAGE_BET_SETTLEMENT, MESSAGE_BET_CANCEL, MESSAGE_ROLLBACK_SETTLEMENT,
        MESSAGE_ROLLBACK_CANCEL,
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < LENGTH(types); i++)
        about(f, types[i], LIVE, 100, 0);
    stop(f, 101, "all", MARKET_SUSPENDED);
    assert_null(total(f));
    assert_int_equal(book_counts(f->book).markets, 0);
}

/* ---- events ------------------------------------------------------------- */

static void the_match_has_status_score_and_clock(void **state)
{
    struct fixture *f = *state;
    struct message message = {
        .type = MESSAGE_ODDS_CHANGE, .producer = LIVE, .timestamp_ms = 100, .event = EVENT,
        .has_status = true, .event_status = 1, .match_status = 7, .home_score = STR("2"),
        .away_score = STR("1"), .match_time = STR("71:00"),
    };
    const struct event *event;

    apply(f, &message);
    event = book_event(f->book, EVENT);
    assert_int_equal(event->status, 1);
    assert_int_equal(event->match_status, 7);
    assert_true(str_eq(event->home_score, STR("2")));
    assert_true(str_eq(event->away_score, STR("1")));
    assert_true(str_eq(event->match_time, STR("71:00")));
    assert_int_equal(event->version, 1);
    apply(f, &message);
    assert_int_equal(event->version, 1);
    message.event_status = -1; /* not given */
    message.home_score = STR_NONE;
    message.match_time = STR("72:00");
    apply(f, &message);
    assert_int_equal(event->status, 1);
    assert_true(str_eq(event->home_score, STR("2")));
    assert_int_equal(event->version, 3);
}

static void a_fixture_gives_names_and_kick_off(void **state)
{
    struct fixture *f = *state;
    struct message_fixture fixture = {
        .event = EVENT, .sport = STR("sr:sport:1"), .sport_name = STR("Soccer"),
        .tournament_name = STR("Cup"), .status = STR("closed"), .start_ms = 5000,
        .home = { STR("sr:competitor:1"), STR("Ajax"), STR("AJA") },
        .away = { STR("sr:competitor:2"), STR("Spurs"), STR("TOT") },
    };
    struct message message = { .type = MESSAGE_FIXTURE, .event = EVENT, .fixture = &fixture };
    const struct event *event;

    apply(f, &message);
    event = book_event(f->book, EVENT);
    assert_true(event->fixture);
    assert_true(str_eq(event->home, STR("Ajax")));
    assert_true(str_eq(event->away, STR("Spurs")));
    assert_true(str_eq(event->sport_name, STR("Soccer")));
    assert_int_equal(event->start_ms, 5000);
    assert_int_equal(event->status, 4);
    apply(f, &(struct message){
        .type = MESSAGE_ODDS_CHANGE, .producer = LIVE, .event = EVENT, .has_status = true,
        .event_status = 1, .match_status = -1,
    });
    apply(f, &message); /* the match knows better than its fixture */
    assert_int_equal(event->status, 1);
    apply(f, &(struct message){
        .type = MESSAGE_FIXTURE_CHANGE, .producer = LIVE, .event = EVENT, .start_ms = 6000,
    });
    assert_int_equal(event->start_ms, 6000);
}

static void markets_and_outcomes_have_names(void **state)
{
    struct fixture *f = *state;
    struct arena arena;

    arena_init(&arena, 1 << 20);
    an_active_market(f);
    assert_true(str_eq(book_market_name(f->book, total(f), &arena), STR("18 total=2.5")));
    assert_true(str_eq(book_outcome_name(f->book, total(f), STR("12"), &arena), STR("12")));
    describe_total(f, "Total", "all");
    assert_true(f->change.all);
    assert_true(str_eq(book_market_name(f->book, total(f), &arena), STR("Total")));
    assert_true(str_eq(book_outcome_name(f->book, total(f), STR("12"), &arena),
                       STR("over 2.5")));
    describe_total(f, "Total", "all");
    assert_false(f->change.all); /* nothing new */
    describe_total(f, "{!setnr} set - total", "all");
    assert_true(str_eq(book_market_name(f->book, total(f), &arena), STR("18 total=2.5")));
    arena_fini(&arena);
}

/* ---- order, size, limits ------------------------------------------------ */

/* Many markets and events, in orders that miss the short cuts. */
static void markets_are_found_in_any_order(void **state)
{
    enum { EVENTS = 7, MARKETS = 300 };
    struct fixture *f = *state;
    static struct message_market markets[MARKETS];
    static struct message_outcome outcomes[MARKETS];
    char ids[EVENTS][24];

    for (int round = 0; round < 4; round++)
        for (int e = 0; e < EVENTS; e++) {
            (void)snprintf(ids[e], sizeof(ids[e]), "sr:match:%d", e);
            for (uint32_t i = 0; i < MARKETS; i++) {
                uint32_t at = round % 2 == 0 ? i : MARKETS - 1 - i;

                markets[i] = (struct message_market){
                    .market = at / 2, .specifiers = at % 2 == 0 ? STR("a=1") : STR_NONE,
                    .status = MARKET_ACTIVE, .first = i, .n = 1,
                };
                outcomes[i] = (struct message_outcome){
                    .id = STR("1"), .odds_e4 = 10000 + (int64_t)at + round, .active = true,
                };
            }
            apply(f, &(struct message){
                .type = MESSAGE_ODDS_CHANGE, .producer = LIVE, .timestamp_ms = round,
                .event = str_of(ids[e]), .markets = markets, .n_markets = MARKETS,
                .outcomes = outcomes, .n_outcomes = MARKETS, .event_status = -1,
                .match_status = -1,
            });
            assert_int_equal(f->change.n_markets, MARKETS);
        }
    assert_int_equal(book_counts(f->book).markets, EVENTS * MARKETS);
    for (int e = 0; e < EVENTS; e++)
        for (uint32_t at = 0; at < MARKETS; at++) {
            const struct market *market = book_market(f->book, (struct market_id){
                str_of(ids[e]), at / 2, at % 2 == 0 ? STR("a=1") : STR_NONE });

            assert_non_null(market);
            assert_int_equal(market->outcomes[0].odds_e4, 10003 + at);
        }
}

static void a_market_listed_twice_is_one(void **state)
{
    struct fixture *f = *state;
    struct message_outcome outcomes[] = {
        { .id = STR("1"), .odds_e4 = 20000, .active = true },
        { .id = STR("1"), .odds_e4 = 30000, .active = true },
    };
    struct message_market markets[] = {
        { .market = 18, .specifiers = STR("total=2.5"), .status = 1, .first = 0, .n = 1 },
        { .market = 18, .specifiers = STR("total=2.5"), .status = 1, .first = 1, .n = 1 },
    };

    apply(f, &(struct message){
        .type = MESSAGE_ODDS_CHANGE, .producer = LIVE, .timestamp_ms = 1, .event = EVENT,
        .markets = markets, .n_markets = 2, .outcomes = outcomes, .n_outcomes = 2,
    });
    assert_true(told(f));
    assert_int_equal(price(f, "1"), 30000);
    assert_int_equal(book_counts(f->book).markets, 1);
}

static void too_many_producers_are_refused(void **state)
{
    struct fixture *f = *state;
    struct message message = { .type = MESSAGE_PRODUCER, .up = true };

    for (int32_t id = 1; id <= LIMIT_PRODUCERS; id++)
        producer(f, id, true, 1);
    message.producer = LIMIT_PRODUCERS + 1;
    assert_int_equal(book_apply(f->book, &message, f->position + 1, &f->change), BOOK_FULL);
    assert_int_equal(book_position(f->book), f->position);
    assert_true(book_producer_is_up(f->book, LIMIT_PRODUCERS));
    assert_false(book_producer_is_up(f->book, LIMIT_PRODUCERS + 1));
}

static void a_full_book_applies_nothing(void **state)
{
    struct fixture *f = *state;
    static struct message_market markets[LIMIT_MESSAGE_MARKETS];
    struct message message = {
        .type = MESSAGE_ODDS_CHANGE, .producer = LIVE, .timestamp_ms = 1,
        .markets = markets, .n_markets = LIMIT_MESSAGE_MARKETS,
        .has_status = true, .event_status = 1, .match_status = -1,
    };
    char id[32];

    for (uint32_t i = 0; i < LIMIT_MESSAGE_MARKETS; i++)
        markets[i] = (struct message_market){ .market = i, .status = MARKET_ACTIVE };
    for (int e = 0; e < LIMIT_MARKETS / LIMIT_MESSAGE_MARKETS; e++) {
        (void)snprintf(id, sizeof(id), "sr:match:%d", e);
        message.event = str_of(id);
        assert_int_equal(book_apply(f->book, &message, ++f->position, &f->change), BOOK_OK);
    }
    message.event_status = 3;
    message.n_markets = 1;
    markets[0].market = LIMIT_MESSAGE_MARKETS;
    assert_int_equal(book_apply(f->book, &message, f->position + 1, &f->change), BOOK_FULL);
    assert_int_equal(book_event(f->book, message.event)->status, 1);
    markets[0].market = 7; /* known: there is room for it */
    assert_int_equal(book_apply(f->book, &message, f->position + 1, &f->change), BOOK_OK);
    assert_int_equal(book_event(f->book, message.event)->status, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(odds_make_events_markets_and_prices),
        TEST(only_a_change_is_told),
        TEST(a_listed_market_carries_all_its_outcomes),
        TEST(rule_18_without_outcomes_only_the_status_moves),
        TEST(rule_19_older_odds_are_dropped),
        TEST(rule_19_each_producer_has_its_own_clock),
        cmocka_unit_test(rule_19_odds_older_than_a_stop_or_result_are_dropped),
        TEST(rule_19_a_stop_of_a_stopped_market_holds),
        TEST(rule_19_a_stop_holds_for_markets_to_come),
        TEST(rule_20_a_market_belongs_to_who_priced_it_last),
        TEST(rule_20_handed_over),
        TEST(who_does_not_own_a_market_may_stop_but_not_open_it),
        TEST(rule_21_after_down_suspended_until_listed_again),
        TEST(rule_21_a_recovery_lists_before_the_producer_is_up),
        TEST(rule_21_after_a_restart_nothing_can_be_bet_on),
        TEST(rule_24_alive_alone_moves_nothing),
        TEST(bet_stop_moves_only_active_markets),
        cmocka_unit_test(bet_stop_asks_for_the_groups),
        TEST(a_settlement_closes_and_its_rollback_suspends),
        TEST(rule_07_the_first_stop_is_kept_until_the_market_opens),
        TEST(rule_05_a_cancel_does_not_change_the_status),
        TEST(facts_on_what_the_book_has_not_are_no_error),
        TEST(the_match_has_status_score_and_clock),
        TEST(a_fixture_gives_names_and_kick_off),
        TEST(markets_and_outcomes_have_names),
        TEST(markets_are_found_in_any_order),
        TEST(a_market_listed_twice_is_one),
        TEST(too_many_producers_are_refused),
        TEST(a_full_book_applies_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
