/*
 * model/book_forget: what leaves the book and when, and that the book is no
 * larger after ten times its limit of events.  book_check() runs after every
 * message but those of the long runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/book_inside.h"

#define LIVE 1
#define PREMATCH 3
#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define T0 INT64_C(1700000000000)
#define MATCH "sr:match:1"
#define OTHER "sr:match:2"

struct fixture {
    struct book *book;
    int64_t position, now;
    struct book_change change;
};

static enum book_result offer(struct fixture *f, const struct message *message)
{
    return book_apply(f->book, message, ++f->position, &f->change);
}

static void apply(struct fixture *f, const struct message *message)
{
    assert_int_equal(offer(f, message), BOOK_OK);
    book_check(f->book);
}

static void producer(struct fixture *f, int32_t id, int64_t ts)
{
    apply(f, &(struct message){
        .type = MESSAGE_PRODUCER, .producer = id, .up = true, .timestamp_ms = ts });
}

static void alive(struct fixture *f, int32_t id, int64_t ts)
{
    apply(f, &(struct message){
        .type = MESSAGE_ALIVE, .producer = id, .timestamp_ms = ts, .subscribed = true });
}

static int set_up_with(void **state, struct book_limits limits)
{
    struct fixture *f = calloc(1, sizeof(*f));

    CHECK(f != NULL);
    f->book = book_new_limited(limits);
    f->now = T0;
    *state = f;
    producer(f, LIVE, T0);
    producer(f, PREMATCH, T0);
    alive(f, LIVE, T0);
    alive(f, PREMATCH, T0);
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, (struct book_limits){ 1000, 1000 });
}

static int set_up_small(void **state)
{
    return set_up_with(state, (struct book_limits){ 64, 256 });
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    book_free(f->book);
    free(f);
    return 0;
}

/* Both producers say alive, twice an hour. */
static void pass(struct fixture *f, int64_t ms)
{
    for (int64_t end = f->now + ms; f->now < end;) {
        f->now = f->now + 30 * MINUTE < end ? f->now + 30 * MINUTE : end;
        alive(f, LIVE, f->now);
        alive(f, PREMATCH, f->now);
    }
}

/* Two markets of an event, listed with a match status. */
static struct message odds(const char *event, int64_t ts, int32_t event_status)
{
    static struct message_outcome outcomes[] = {
        { .id = STR("12"), .odds_e4 = 19000, .active = true },
        { .id = STR("13"), .odds_e4 = 18000, .active = true },
        { .id = STR("1"), .odds_e4 = 21000, .active = true },
    };
    static struct message_market markets[] = {
        { .market = 18, .specifiers = STR("total=2.5"), .status = 1, .first = 0, .n = 2 },
        { .market = 1, .specifiers = STR(""), .status = 1, .first = 2, .n = 1 },
    };

    return (struct message){
        .type = MESSAGE_ODDS_CHANGE, .producer = LIVE, .timestamp_ms = ts,
        .event = str_of(event), .has_status = true, .event_status = event_status,
        .match_status = -1, .markets = markets, .n_markets = 2, .outcomes = outcomes,
        .n_outcomes = 3,
    };
}

static void list(struct fixture *f, const char *event, int32_t event_status)
{
    struct message message = odds(event, f->now, event_status);

    apply(f, &message);
}

static void settle(struct fixture *f, const char *event, enum message_type type, uint32_t n)
{
    struct message message = odds(event, f->now, -1);

    message.type = type;
    message.has_status = false;
    message.n_markets = n;
    apply(f, &message);
}

static bool knows(const struct fixture *f, const char *event)
{
    bool is_there = book_event(f->book, str_of(event)) != NULL;
    struct market_id id = { str_of(event), 1, STR_NONE };

    assert_int_equal(book_market(f->book, id) != NULL, is_there);
    return is_there;
}

/* ---- who leaves --------------------------------------------------------- */

static const struct { int32_t status; bool leaves; } statuses[] = {
    { 0, false }, { 1, false }, { 2, false }, { 3, true },  { 4, true },
    { 5, true },  { 6, false }, { 7, false }, { 8, false }, { 9, true },
};

static void what_has_ended_leaves_after_six_hours(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < LENGTH(statuses); i++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "sr:match:%zu", i);
        list(f, id, statuses[i].status);
    }
    pass(f, 6 * HOUR);
    assert_int_equal(book_counts(f->book).events, LENGTH(statuses));
    pass(f, 2 * HOUR);
    for (size_t i = 0; i < LENGTH(statuses); i++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "sr:match:%zu", i);
        if (knows(f, id) == statuses[i].leaves)
            fail_msg("an event of status %d", (int)statuses[i].status);
    }
}

static void what_is_settled_leaves_unless_rolled_back(void **state)
{
    struct fixture *f = *state;

    list(f, MATCH, 1);
    list(f, OTHER, 1);
    list(f, "sr:match:3", 1);
    settle(f, MATCH, MESSAGE_BET_SETTLEMENT, 2);
    settle(f, OTHER, MESSAGE_BET_SETTLEMENT, 2);
    settle(f, OTHER, MESSAGE_ROLLBACK_SETTLEMENT, 1);
    settle(f, "sr:match:3", MESSAGE_BET_SETTLEMENT, 1); /* one of two */
    pass(f, 8 * HOUR);
    assert_false(knows(f, MATCH));
    assert_true(knows(f, OTHER));
    assert_true(knows(f, "sr:match:3"));
}

static void any_word_about_it_keeps_an_event(void **state)
{
    struct fixture *f = *state;

    list(f, MATCH, 3);
    for (int i = 0; i < 4; i++) {
        pass(f, 5 * HOUR);
        assert_true(knows(f, MATCH));
        settle(f, MATCH, MESSAGE_BET_SETTLEMENT, 1);
    }
    pass(f, 8 * HOUR);
    assert_false(knows(f, MATCH));
}

static void what_is_quiet_leaves_after_fourteen_days(void **state)
{
    struct fixture *f = *state;

    list(f, MATCH, 0);
    list(f, OTHER, 0);
    apply(f, &(struct message){ .type = MESSAGE_FIXTURE_CHANGE, .producer = PREMATCH,
                                .timestamp_ms = f->now, .event = STR(OTHER),
                                .start_ms = T0 + 60 * DAY });
    pass(f, 13 * DAY);
    assert_true(knows(f, MATCH));
    pass(f, 2 * DAY);
    assert_false(knows(f, MATCH));
    assert_true(knows(f, OTHER)); /* its kick-off is to come */
    pass(f, 60 * DAY);
    assert_false(knows(f, OTHER));
}

/* ---- the book's time ---------------------------------------------------- */

static void one_wild_clock_of_two_moves_nothing(void **state)
{
    struct fixture *f = *state;

    list(f, MATCH, 3);
    list(f, OTHER, 1);
    for (int i = 0; i < 2000; i++)
        alive(f, PREMATCH, T0 + 1000 * DAY + i * DAY);
    assert_true(knows(f, MATCH));
    assert_true(knows(f, OTHER));
    assert_int_equal(f->book->now_ms, T0);
}

static void a_lone_wild_clock_ages_nothing_that_lives(void **state)
{
    struct fixture *f = *state;

    apply(f, &(struct message){ .type = MESSAGE_PRODUCER, .producer = PREMATCH,
                                .timestamp_ms = T0 });
    for (int i = 0; i < 2000; i++) {
        if (i % 100 == 0)
            list(f, MATCH, 1);
        alive(f, LIVE, T0 + 1000 * DAY);
    }
    assert_true(knows(f, MATCH));
    assert_true(f->book->now_ms < T0 + DAY);
    f->now = T0;
    list(f, OTHER, 3); /* time sets itself back, and OTHER counts from there */
    for (int i = 0; i < 4000; i++)
        alive(f, LIVE, T0);
    assert_int_equal(f->book->now_ms, T0);
    assert_true(knows(f, OTHER));
}

static void after_days_without_a_feed_our_own_entry_confirms_the_time(void **state)
{
    struct fixture *f = *state;

    list(f, MATCH, 3);
    apply(f, &(struct message){ .type = MESSAGE_RESTART, .timestamp_ms = T0 + 3 * DAY });
    producer(f, LIVE, T0 + 3 * DAY);
    alive(f, LIVE, T0 + 3 * DAY + MINUTE);
    assert_int_equal(f->book->now_ms, T0 + 3 * DAY);
    assert_false(knows(f, MATCH));
}

static void events_from_before_there_was_a_time_stay(void **state)
{
    struct fixture *f = *state;
    struct message message = odds(MATCH, T0, 3);

    book_free(f->book);
    f->book = book_new();
    f->position = 0;
    apply(f, &message);
    assert_int_equal(f->book->now_ms, 0);
    producer(f, LIVE, T0);
    pass(f, HOUR);
    assert_true(knows(f, MATCH));
    pass(f, 7 * HOUR);
    assert_false(knows(f, MATCH));
}

/* ---- what was forgotten ------------------------------------------------- */

static void rule_19_late_odds_do_not_raise_the_forgotten(void **state)
{
    struct fixture *f = *state;
    struct message late = odds(MATCH, T0 - 1, 1);
    struct message_fixture fixture = { .event = STR(MATCH) };

    list(f, MATCH, 3);
    pass(f, 8 * HOUR);
    assert_false(knows(f, MATCH));
    apply(f, &late);
    assert_false(knows(f, MATCH));
    assert_null(f->change.event);
    assert_int_equal(f->change.stale, 2);
    apply(f, &(struct message){ .type = MESSAGE_FIXTURE, .event = STR(MATCH),
                                .fixture = &fixture });
    apply(f, &late);
    assert_int_equal(f->change.stale, 2);
    assert_int_equal(book_event(f->book, STR(MATCH))->n_markets, 0);
    list(f, MATCH, 1); /* it goes on after all */
    assert_true(knows(f, MATCH));
    assert_int_equal(f->change.stale, 0);
    assert_int_equal(f->change.n_markets, 2);
}

static void facts_about_the_forgotten_are_no_error(void **state)
{
    struct fixture *f = *state;

    list(f, MATCH, 3);
    pass(f, 8 * HOUR);
    settle(f, MATCH, MESSAGE_BET_SETTLEMENT, 2);
    settle(f, MATCH, MESSAGE_ROLLBACK_SETTLEMENT, 2);
    assert_false(knows(f, MATCH));
    assert_null(f->change.event);
}

/* ---- size --------------------------------------------------------------- */

/* A live event each 8th; the others come, end and are never named again. */
static void play(struct fixture *f, int from, int to, unsigned outcomes_most)
{
    static struct message_outcome outcomes[64];
    static char texts[64][16];
    char id[32];

    for (int i = from; i < to; i++) {
        struct message live = odds(MATCH, f->now, 1), message = odds(MATCH, f->now, 3);
        struct message_market market = {
            .market = (uint32_t)i % 50, .status = 1, .n = 1 + (uint32_t)i % outcomes_most,
        };

        (void)snprintf(id, sizeof(id), "sr:match:%d", 100 + i);
        message.event = market.specifiers = str_of(id);
        for (uint32_t k = 0; k < market.n; k++) {
            (void)snprintf(texts[k], sizeof(texts[k]), "%d", i + (int)k);
            outcomes[k] = (struct message_outcome){ .id = str_of(texts[k]),
                                                    .odds_e4 = 20000, .active = true };
        }
        message.home_score = message.match_time = str_of(id);
        message.markets = &market;
        message.n_markets = 1;
        message.outcomes = outcomes;
        message.n_outcomes = market.n;
        assert_int_equal(offer(f, &message), BOOK_OK);
        if (i % 8 == 0) {
            live.event = i % 16 == 0 ? STR(MATCH) : STR(OTHER);
            assert_int_equal(offer(f, &live), BOOK_OK);
            f->now += MINUTE;
        }
    }
    book_check(f->book);
}

static void ten_times_the_limit_pass_through(void **state)
{
    struct fixture *f = *state;
    const struct event *live;
    const struct market *market;
    struct book_counts counts;
    size_t used, texts;

    list(f, MATCH, 1);
    list(f, OTHER, 1);
    live = book_event(f->book, STR(MATCH));
    market = book_market(f->book, (struct market_id){ STR(MATCH), 18, STR("total=2.5") });
    play(f, 0, 1000, 40);
    used = f->book->arena.used;
    texts = f->book->texts.n;
    play(f, 1000, 10500, 40);
    assert_true(f->book->arena.used <= used + used / 8);
    assert_true(f->book->texts.n <= texts + texts / 2);
    assert_ptr_equal(book_event(f->book, STR(MATCH)), live); /* never out of the book */
    assert_ptr_equal(book_market(f->book, market->id), market);
    assert_int_equal(book_status(f->book, market), MARKET_ACTIVE);
    assert_int_equal(market->outcomes[0].odds_e4, 19000);
    assert_int_equal(live->markets->next->id.market, 1);
    assert_true(knows(f, OTHER));
    counts = book_counts(f->book);
    assert_true(counts.events <= 64 && counts.markets <= 256);
}

static void a_book_full_of_live_events_refuses_and_keeps_them(void **state)
{
    struct fixture *f = *state;
    struct message message;
    char id[32];

    for (int i = 0; i < 64; i++) {
        (void)snprintf(id, sizeof(id), "sr:match:%d", i);
        list(f, id, 1);
    }
    message = odds("sr:match:64", f->now, 1);
    assert_int_equal(offer(f, &message), BOOK_FULL);
    book_check(f->book);
    assert_int_equal(book_counts(f->book).events, 64);
    alive(f, LIVE, f->now); /* what adds nothing is heard */
    producer(f, PREMATCH, f->now);
    list(f, "sr:match:7", 3); /* there is room when one ends */
    for (int i = 0; i < 4; i++)
        alive(f, LIVE, f->now);
    assert_false(knows(f, "sr:match:7"));
    list(f, "sr:match:64", 1);
}

static void the_same_log_makes_the_same_book(void **state)
{
    struct fixture *f = *state, *g;
    const struct event *event;
    void *other;
    size_t at = 0, at_other = 0;

    (void)set_up_small(&other);
    g = other;
    play(f, 0, 3000, 10);
    play(g, 0, 3000, 10);
    while ((event = book_next_event(f->book, &at)) != NULL)
        assert_true(str_eq(event->id, book_next_event(g->book, &at_other)->id));
    assert_null(book_next_event(g->book, &at_other));
    (void)tear_down(&other);
}

/* A market whose outcomes grow through every size of array and shrink. */
static void outcome_arrays_are_reused(void **state)
{
    static struct message_outcome outcomes[LIMIT_OUTCOMES];
    static char texts[LIMIT_OUTCOMES][16];
    struct fixture *f = *state;
    struct message_market market = { .market = 45, .status = 1 };
    struct message message = odds(MATCH, T0, 1);
    size_t used = 0;

    message.markets = &market;
    message.n_markets = 1;
    message.outcomes = outcomes;
    for (int i = 0; i < LIMIT_OUTCOMES; i++) {
        (void)snprintf(texts[i], sizeof(texts[i]), "%d", i);
        outcomes[i] = (struct message_outcome){ .id = str_of(texts[i]), .odds_e4 = 20000,
                                                .active = true };
    }
    for (int round = 0; round < 20; round++) {
        char id[32];

        (void)snprintf(id, sizeof(id), "sr:match:%d", round);
        message.event = str_of(id);
        message.event_status = 3;
        for (uint32_t n = 1; n <= LIMIT_OUTCOMES; n += 1 + n / 3) {
            market.n = message.n_outcomes = n;
            apply(f, &message);
        }
        market.n = message.n_outcomes = LIMIT_OUTCOMES;
        apply(f, &message);
        pass(f, 8 * HOUR);
        if (round == 0)
            used = f->book->arena.used;
    }
    assert_int_equal(f->book->arena.used, used);
    assert_int_equal(book_counts(f->book).events, 0);
    assert_int_equal(f->book->texts.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define SMALL(name) cmocka_unit_test_setup_teardown(name, set_up_small, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_has_ended_leaves_after_six_hours),
        TEST(what_is_settled_leaves_unless_rolled_back),
        TEST(any_word_about_it_keeps_an_event),
        TEST(what_is_quiet_leaves_after_fourteen_days),
        TEST(one_wild_clock_of_two_moves_nothing),
        TEST(a_lone_wild_clock_ages_nothing_that_lives),
        TEST(after_days_without_a_feed_our_own_entry_confirms_the_time),
        TEST(events_from_before_there_was_a_time_stay),
        TEST(rule_19_late_odds_do_not_raise_the_forgotten),
        TEST(facts_about_the_forgotten_are_no_error),
        SMALL(ten_times_the_limit_pass_through),
        SMALL(a_book_full_of_live_events_refuses_and_keeps_them),
        SMALL(the_same_log_makes_the_same_book),
        TEST(outcome_arrays_are_reused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
