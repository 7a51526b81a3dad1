/*
 * model/book_desk: what the desk sets, in log order beside the feed.  Each
 * step is a message built here by hand; book_check() runs after every one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "model/book_inside.h"
#include "model/desk_entry.h"
#include "model/facts.h"

#define EVENT STR("sr:match:42")
#define TOTAL STR("total=2.5")
#define DAY_MS INT64_C(86400000)
#define NOW INT64_C(1790000000000)

struct fixture {
    struct book *book;
    int64_t position, now_ms;
    struct book_change change;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    CHECK(f != NULL);
    f->book = book_new();
    f->now_ms = NOW;
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

static void apply(struct fixture *f, struct message *message)
{
    if (message->timestamp_ms == 0)
        message->timestamp_ms = ++f->now_ms;
    assert_int_equal(book_apply(f->book, message, ++f->position, &f->change), BOOK_OK);
    book_check(f->book);
}

/* ---- the feed -------------------------------------------------------------- */

static void up(struct fixture *f)
{
    apply(f, &(struct message){ .type = MESSAGE_PRODUCER, .producer = 1, .up = true });
}

/* A 1x2, or with specifiers a total, of the event. */
static void odds(struct fixture *f, struct str event, uint32_t id, int64_t a, int64_t b, int64_t c)
{
    struct message_outcome outcomes[] = {
        { .id = STR("1"), .odds_e4 = a, .active = a > 0 },
        { .id = STR("2"), .odds_e4 = b, .active = b > 0 },
        { .id = STR("3"), .odds_e4 = c, .active = c > 0 },
    };
    struct message_market market = {
        .market = id, .specifiers = id == 18 ? TOTAL : STR(""), .status = MARKET_ACTIVE, .n = 3,
    };

    apply(f, &(struct message){
        .type = MESSAGE_ODDS_CHANGE, .producer = 1, .event = event,
        .markets = &market, .n_markets = 1, .outcomes = outcomes, .n_outcomes = 3,
        .event_status = -1, .match_status = -1,
    });
}

static void sport_is(struct fixture *f, struct str event, struct str sport)
{
    struct message_fixture fixture = { .event = event, .sport = sport };

    apply(f, &(struct message){ .type = MESSAGE_FIXTURE, .event = event, .fixture = &fixture });
}

static const struct market *market(struct fixture *f, uint32_t id)
{
    const struct market *found =
        book_market(f->book, (struct market_id){ EVENT, id, id == 18 ? TOTAL : STR("") });

    assert_non_null(found);
    return found;
}

static int status(struct fixture *f, uint32_t id)
{
    return book_status(f->book, market(f, id));
}

static void sold(struct fixture *f, int64_t a, int64_t b, int64_t c)
{
    const struct outcome *outcomes = market(f, 1)->outcomes;

    assert_int_equal(outcomes[0].odds_e4, a);
    assert_int_equal(outcomes[1].odds_e4, b);
    assert_int_equal(outcomes[2].odds_e4, c);
}

/* ---- the desk -------------------------------------------------------------- */

/* An entry at a scope: sport, event and market as far as they are given. */
struct at { struct str sport, event; uint32_t market; };
#define ALL ((struct at){ 0 })
#define SPORT(name) ((struct at){ .sport = STR(name) })
#define MATCH ((struct at){ .event = EVENT })
#define MARKET(id) ((struct at){ .event = EVENT, .market = (id) })

struct entry {
    struct message message;
    struct message_desk desk;
    struct message_market market;
    struct message_outcome outcomes[3];
};

static struct entry *entry(enum desk_act act, const char *operator, struct at at)
{
    static struct entry entry;

    entry = (struct entry){
        .message = { .type = MESSAGE_DESK, .event = at.event, .end_ms = INT64_MAX },
        .desk = desk_entry_make(act, str_of(operator), STR("why not")),
        .market = { .market = at.market, .specifiers = at.market == 18 ? TOTAL : STR("") },
    };
    entry.message.desk = &entry.desk;
    entry.message.markets = &entry.market;
    entry.message.outcomes = entry.outcomes;
    entry.message.n_markets = at.market > 0;
    entry.desk.sport = at.sport;
    entry.desk.level = at.market > 0      ? DESK_MARKET
                       : at.event.n > 0   ? DESK_EVENT
                       : at.sport.n > 0   ? DESK_SPORT
                                          : DESK_ALL;
    return &entry;
}

static void act(struct fixture *f, struct entry *made)
{
    assert_null(desk_entry_fault(&made->message));
    apply(f, &made->message);
}

static void suspend(struct fixture *f, struct at at)
{
    act(f, entry(DESK_SUSPEND, "tom", at));
}

static void resume(struct fixture *f, struct at at)
{
    act(f, entry(DESK_RESUME, "tom", at));
}

static void margin(struct fixture *f, struct at at, int64_t margin_e4)
{
    struct entry *made = entry(DESK_MARGIN, "tom", at);

    made->desk.margin_e4 = margin_e4;
    act(f, made);
}

static void price(struct fixture *f, const char *outcome, int64_t odds_e4)
{
    struct entry *made = entry(DESK_PRICE, "tom", MARKET(1));

    made->desk.outcome = str_of(outcome);
    made->desk.odds_e4 = odds_e4;
    act(f, made);
}

static void limits(struct fixture *f, struct at at, int64_t stake, int64_t liability, int64_t hold)
{
    struct entry *made = entry(DESK_LIMITS, "sue", at);

    made->desk.stake_max_minor = stake;
    made->desk.liability_max_minor = liability;
    made->desk.hold_above_minor = hold;
    act(f, made);
}

static void fill(struct entry *made, enum desk_what what)
{
    made->desk.what = what;
    if (what != DESK_RESULT)
        return;
    for (int i = 0; i < 3; i++)
        made->outcomes[i] = (struct message_outcome){
            .id = i == 0 ? STR("1") : i == 1 ? STR("2") : STR("3"),
            .result = i == 0, .dead_heat_e12 = FACTOR_ONE_E12,
        };
    made->market.n = made->message.n_outcomes = 3;
}

/* The proposal's id. */
static int64_t propose(struct fixture *f, enum desk_what what)
{
    struct entry *made = entry(DESK_PROPOSE, "tom", MARKET(1));

    fill(made, what);
    act(f, made);
    return f->position;
}

/* True: it had its effect. */
static bool confirm(struct fixture *f, int64_t id, const char *by, enum desk_what what)
{
    struct entry *made = entry(DESK_CONFIRM, by, MARKET(1));

    fill(made, what);
    made->desk.proposal = id;
    made->desk.proposer = STR("tom");
    act(f, made);
    assert_int_equal(f->change.refused, book_desk_refused(f->book, f->position));
    return !f->change.refused;
}

static bool reject(struct fixture *f, int64_t id)
{
    struct entry *made = entry(DESK_REJECT, "tom", ALL);

    made->desk.level = DESK_NOWHERE;
    made->desk.proposal = id;
    act(f, made);
    return !f->change.refused;
}

/* ---- stories ---------------------------------------------------------------- */

static void suspends_at_each_level_by_itself(void **state)
{
    struct fixture *f = *state;
    const struct at levels[] = { ALL, SPORT("chess"), MATCH, MARKET(1) };

    up(f);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    odds(f, EVENT, 18, 19000, 19000, 50000);
    sport_is(f, EVENT, STR("chess"));
    for (unsigned i = 0; i < LENGTH(levels); i++) {
        suspend(f, levels[i]);
        assert_int_equal(status(f, 1), MARKET_SUSPENDED);
        assert_int_equal(status(f, 18), i < 3 ? MARKET_SUSPENDED : MARKET_ACTIVE);
        assert_int_equal(market(f, 1)->version, f->position);
        assert_true(i < 2 ? f->change.all : f->change.n_markets == (i == 2 ? 2 : 1));
        resume(f, levels[i]);
        assert_int_equal(status(f, 1), MARKET_ACTIVE);
        assert_int_equal(market(f, 1)->version, f->position);
    }
    suspend(f, MATCH);
    suspend(f, MATCH);
    assert_int_equal(f->change.n_markets, 0); /* nothing is new */
    suspend(f, ALL);
    resume(f, MATCH);
    assert_int_equal(status(f, 1), MARKET_SUSPENDED);
    resume(f, SPORT("go"));
    assert_int_equal(status(f, 1), MARKET_SUSPENDED);
    resume(f, ALL);
    assert_int_equal(status(f, 1), MARKET_ACTIVE);
}

static void a_resume_opens_nothing_that_the_feed_suspends(void **state)
{
    struct fixture *f = *state;
    struct message stop = { .type = MESSAGE_BET_STOP, .producer = 1, .event = EVENT,
                            .stop_status = MARKET_SUSPENDED };

    up(f);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    suspend(f, MARKET(1));
    apply(f, &stop);
    resume(f, MARKET(1));
    assert_int_equal(status(f, 1), MARKET_SUSPENDED);
    assert_int_equal(f->change.n_markets, 0);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    assert_int_equal(status(f, 1), MARKET_ACTIVE);
}

static void holds_for_what_is_listed_later(void **state)
{
    struct fixture *f = *state;

    suspend(f, SPORT("chess"));
    suspend(f, MARKET(18));
    margin(f, MATCH, 1000);
    up(f);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    odds(f, EVENT, 18, 19000, 19000, 50000);
    sold(f, 19800, 32100, 35000);
    assert_int_equal(status(f, 1), MARKET_ACTIVE); /* the sport is not known */
    sport_is(f, EVENT, STR("chess"));
    assert_int_equal(status(f, 1), MARKET_SUSPENDED);
    assert_int_equal(f->change.n_markets, 2);
    resume(f, SPORT("chess"));
    assert_int_equal(status(f, 1), MARKET_ACTIVE);
    assert_int_equal(status(f, 18), MARKET_SUSPENDED);
    sport_is(f, EVENT, STR("go"));
    suspend(f, SPORT("chess"));
    assert_int_equal(status(f, 1), MARKET_ACTIVE);
}

static void margins_and_prices_nearest_first(void **state)
{
    struct fixture *f = *state;
    int64_t version;

    up(f);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    margin(f, ALL, 1000);
    sold(f, 19800, 32100, 35000);
    assert_true(f->change.all);
    margin(f, MARKET(1), 0);
    sold(f, 21800, 35300, 38500);
    assert_int_equal(f->change.n_markets, 1);
    price(f, "1", 17500);
    sold(f, 17500, 35300, 38500);
    version = market(f, 1)->version;
    odds(f, EVENT, 1, 21000, 34000, 37000);
    assert_int_equal(market(f, 1)->version, version); /* nothing that is sold moved */
    odds(f, EVENT, 1, 0, 34000, 37000);               /* the outcome is inactive */
    assert_false(market(f, 1)->outcomes[0].active);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    price(f, "1", 0);
    margin(f, MARKET(1), -1);
    sold(f, 19800, 32100, 35000);
    margin(f, ALL, -1);
    sold(f, 21000, 34000, 37000);
    assert_int_equal(book_price_e4(f->book, market(f, 1), STR("1")), 0);
}

static int64_t inverse(int64_t odds_e4)
{
    return (INT64_C(10000) * 1000000000000 + odds_e4 - 1) / odds_e4;
}

/* RULES 1b: odds x S / (n x (1 + m)), floored to the ladder. */
static void the_price_by_hand(void **state)
{
    static const struct { int64_t odds[3], margin_e4, first; } prices[] = {
        { { 20000, 20000 }, 0, 20000 },              /* fair stays fair */
        { { 19000, 19000 }, 0, 20000 },              /* the feed's margin is taken out */
        { { 19000, 19000 }, 526, 19000 },            /* its own, as near as it goes */
        { { 19000, 19000 }, 10000, 10100 },          /* never below 1.01 */
        { { 10050, 1000000 }, 1000, 10050 },         /* or the feed's, where it is lower */
        { { 15000, 15000, 15000 }, 0, 15000 },       /* S = 2: two win, 1.5 is fair */
        { { 14000, 14000, 14000 }, 0, 15000 },       /* double chance, S = 2.14 */
        { { 30000, 30000 }, 1000, 30000 },           /* S = 0.67: not all is priced */
        { { 123400, 20000, 24000 }, 0, 123000 },     /* one decimal from 10 on */
        { { 1234000, 10200 }, 0, 1210000 },          /* none from 100 on */
        { { 1000000000000, 10200 }, 10000, 490196080000 },
    };

    (void)state;
    for (unsigned i = 0; i < LENGTH(prices); i++) {
        int64_t sum = 0;

        for (int k = 0; k < 3; k++)
            if (prices[i].odds[k] > 0)
                sum += inverse(prices[i].odds[k]);
        if (desk_sold_e4(prices[i].odds[0], sum, prices[i].margin_e4) != prices[i].first)
            fail_msg("row %u: %lld", i,
                     (long long)desk_sold_e4(prices[i].odds[0], sum, prices[i].margin_e4));
    }
}

static void limits_are_each_of_the_nearest(void **state)
{
    struct fixture *f = *state;
    struct desk_limits now;

    up(f);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    assert_int_equal(book_limits_of(f->book, market(f, 1)).stake_max_minor, -1);
    limits(f, ALL, 100, 200, 300);
    limits(f, MATCH, 50, -1, -1);
    limits(f, MARKET(1), -1, 20, -1);
    now = book_limits_of(f->book, market(f, 1));
    assert_int_equal(now.stake_max_minor, 50);
    assert_int_equal(now.liability_max_minor, 20);
    assert_int_equal(now.hold_above_minor, 300);
    limits(f, MATCH, -1, -1, 0);
    now = book_limits_of(f->book, market(f, 1));
    assert_int_equal(now.stake_max_minor, 100);
    assert_int_equal(now.hold_above_minor, 0);
}

static void limits_tell_when_they_were_set(void **state)
{
    struct fixture *f = *state;
    int64_t since;

    up(f);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    assert_int_equal(book_limits_of(f->book, market(f, 1)).since, 0);
    limits(f, ALL, -1, 500, -1);
    limits(f, MARKET(1), -1, 20, -1);
    since = book_limits_of(f->book, market(f, 1)).since;
    assert_true(since > 0);
    suspend(f, MARKET(1));
    assert_int_equal(book_limits_of(f->book, market(f, 1)).since, since);
    limits(f, MARKET(1), -1, -1, -1); /* an older one holds again */
    assert_true(book_limits_of(f->book, market(f, 1)).since > since);
}

static void factors_are_by_customer(void **state)
{
    struct fixture *f = *state;
    struct entry *made = entry(DESK_FACTOR, "sue", ALL);

    made->desk.level = DESK_NOWHERE;
    made->desk.customer = 7;
    made->desk.factor_e4 = 2500;
    act(f, made);
    assert_int_equal(book_stake_factor_e4(f->book, 7), 2500);
    assert_int_equal(book_stake_factor_e4(f->book, 8), 10000);
    made->message.timestamp_ms = 0;
    made->desk.factor_e4 = 0;
    act(f, made);
    assert_int_equal(book_stake_factor_e4(f->book, 7), 0);
}

static void what_is_decided_is_not_sold(void **state)
{
    struct fixture *f = *state;
    int64_t id;

    up(f);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    id = propose(f, DESK_RESULT);
    assert_int_equal(status(f, 1), MARKET_ACTIVE);
    assert_false(confirm(f, id, "tom", DESK_RESULT)); /* by oneself */
    assert_false(confirm(f, id, "sue", DESK_VOID));   /* of something else */
    assert_int_equal(status(f, 1), MARKET_ACTIVE);
    assert_true(confirm(f, id, "sue", DESK_RESULT));
    assert_false(confirm(f, id, "sam", DESK_RESULT)); /* twice */
    assert_false(reject(f, id));
    assert_null(book_proposals(f->book));
    assert_int_equal(status(f, 1), MARKET_SUSPENDED);
    resume(f, MARKET(1));
    assert_int_equal(status(f, 1), MARKET_SUSPENDED);
    assert_true(confirm(f, propose(f, DESK_UNDO_RESULT), "sue", DESK_UNDO_RESULT));
    assert_int_equal(status(f, 1), MARKET_SUSPENDED); /* until someone looks */
    resume(f, MARKET(1));
    assert_int_equal(status(f, 1), MARKET_ACTIVE);
    assert_true(confirm(f, propose(f, DESK_VOID), "sue", DESK_VOID));
    resume(f, MARKET(1));
    assert_true(book_suspension(f->book, market(f, 1)).voided);
    assert_int_equal(status(f, 1), MARKET_SUSPENDED);
}

static void proposals_wait_in_order(void **state)
{
    struct fixture *f = *state;
    int64_t ids[3];

    up(f);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    for (int i = 0; i < 3; i++)
        ids[i] = propose(f, i == 1 ? DESK_RESULT : DESK_VOID);
    assert_int_equal(book_proposal(f->book, ids[1])->n_outcomes, 3);
    assert_true(reject(f, ids[2]));
    assert_true(reject(f, ids[0]));
    assert_int_equal(book_proposals(f->book)->id, ids[1]);
    ids[0] = propose(f, DESK_VOID);
    assert_int_equal(book_proposals(f->book)->next->id, ids[0]);
    for (int i = 2; i < LIMIT_DESK_PROPOSALS; i++) {
        (void)propose(f, DESK_VOID);
        assert_false(f->change.refused);
    }
    (void)propose(f, DESK_VOID);
    assert_true(f->change.refused);
}

static void a_confirmation_is_a_fact_of_the_desk(void **state)
{
    struct entry *made = entry(DESK_CONFIRM, "sue", MARKET(18));
    struct arena arena;
    struct fact *facts;
    uint32_t n;

    (void)state;
    arena_init(&arena, 1 << 20);
    fill(made, DESK_RESULT);
    facts = facts_from_message(&made->message, 42, &arena, &n);
    assert_int_equal(n, 1);
    assert_int_equal(facts->rank, FACT_RANK_DESK);
    assert_int_equal(facts->kind, FACT_SETTLEMENT);
    assert_int_equal(facts->n_outcomes, 3);
    assert_int_equal(facts->key, market_key((struct market_id){ EVENT, 18, TOTAL }));
    made->desk.act = DESK_PROPOSE;
    assert_null(facts_from_message(&made->message, 42, &arena, &n));
    assert_int_equal(n, 0);
    arena_fini(&arena);
}

static void the_forgotten_leave_no_settings(void **state)
{
    struct fixture *f = *state;
    struct message ended = { .type = MESSAGE_ODDS_CHANGE, .producer = 1, .event = EVENT,
                             .has_status = true, .event_status = 3, .match_status = -1 };

    up(f);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    suspend(f, MATCH);
    price(f, "1", 17500);
    suspend(f, SPORT("chess"));
    assert_int_equal(f->book->desk.settings.n, 3);
    apply(f, &ended);
    for (int i = 0; i < 20 && book_event(f->book, EVENT) != NULL; i++) {
        f->now_ms += 1800000;
        odds(f, STR("sr:match:other"), 1, 21000, 34000, 37000);
    }
    assert_null(book_event(f->book, EVENT));
    assert_int_equal(f->book->desk.settings.n, 1);
}

/* At a start the desk's entries of any age are read. */
static void a_restart_drops_what_is_of_no_event_for_long(void **state)
{
    struct fixture *f = *state;

    suspend(f, MATCH);
    suspend(f, MARKET(1));
    margin(f, ALL, 500);
    apply(f, &(struct message){ .type = MESSAGE_RESTART });
    assert_int_equal(f->book->desk.settings.n, 3);
    f->now_ms += 15 * DAY_MS;
    suspend(f, MARKET(18));
    apply(f, &(struct message){ .type = MESSAGE_RESTART });
    assert_int_equal(f->book->desk.settings.n, 2);
    up(f);
    odds(f, EVENT, 1, 21000, 34000, 37000);
    odds(f, EVENT, 18, 19000, 19000, 50000);
    assert_int_equal(status(f, 1), MARKET_ACTIVE);
    assert_int_equal(status(f, 18), MARKET_SUSPENDED);
}

/* ---- any order --------------------------------------------------------------- */

static uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33) % below;
}

static void any_step(struct fixture *f, uint64_t *seed)
{
    const struct at levels[] = { ALL, SPORT("chess"), MATCH, MARKET(1), MARKET(18) };
    struct at at = levels[draw(seed, LENGTH(levels))];

    switch (draw(seed, 9)) {
    case 0:
        suspend(f, at);
        break;
    case 1:
        resume(f, at);
        break;
    case 2:
        margin(f, at, (int64_t)draw(seed, 2000) - 1);
        break;
    case 3:
        price(f, draw(seed, 2) ? "1" : "3", draw(seed, 3) ? 10100 + draw(seed, 99999) : 0);
        break;
    case 4:
        (void)propose(f, draw(seed, 2) ? DESK_RESULT : DESK_UNDO_RESULT);
        break;
    case 5:
        if (book_proposals(f->book) != NULL)
            (void)confirm(f, book_proposals(f->book)->id, "sue", DESK_RESULT);
        break;
    case 6:
        sport_is(f, EVENT, draw(seed, 2) ? STR("chess") : STR("go"));
        break;
    default:
        odds(f, EVENT, draw(seed, 2) ? 1 : 18, draw(seed, 50000) + 10000,
             draw(seed, 4) ? draw(seed, 50000) + 10000 : 0, 40000);
        break;
    }
}

static void any_order_keeps_the_book_sound(void **state)
{
    struct fixture *f = *state;

    up(f);
    for (uint64_t seed = 1; seed < 40; seed++)
        for (uint64_t at = seed, steps = 0; steps < 60; steps++)
            any_step(f, &at);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(suspends_at_each_level_by_itself),
        TEST(a_resume_opens_nothing_that_the_feed_suspends),
        TEST(holds_for_what_is_listed_later),
        TEST(margins_and_prices_nearest_first),
        TEST(the_price_by_hand),
        TEST(limits_are_each_of_the_nearest),
        TEST(limits_tell_when_they_were_set),
        TEST(factors_are_by_customer),
        TEST(what_is_decided_is_not_sold),
        TEST(proposals_wait_in_order),
        TEST(a_confirmation_is_a_fact_of_the_desk),
        TEST(the_forgotten_leave_no_settings),
        TEST(a_restart_drops_what_is_of_no_event_for_long),
        TEST(any_order_keeps_the_book_sound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
