/*
 * The ladder as a table: each row is a slip that would fail on every later
 * rung too, so that the order of the rungs is what is tested.  The rows stand
 * in the order of tbl/refusals.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bets/place.h"

#define PRODUCER 1
#define STAKE 1000 /* 10.00 */

enum { MATCH = 0, OTHER, ENDED, HOCKEY, EVENTS };
static const char *const events[EVENTS] = { "sr:match:1", "sr:match:2", "sr:match:3",
                                            "sr:match:4" };

static const struct place_rules rules = {
    .stake_min_minor = 10, .stake_max_minor = 100000, .cap_minor = 1000000, .exponent = 2,
};

static int64_t position;

static void apply(struct book *book, const struct message *message)
{
    struct book_change change;

    assert_int_equal(book_apply(book, message, ++position, &change), BOOK_OK);
    book_check(book);
}

static void producer(struct book *book, bool up)
{
    struct message message = { .type = MESSAGE_PRODUCER, .producer = PRODUCER, .up = up };

    apply(book, &message);
}

/* One market with outcome "1" at the odds and an inactive outcome "2". */
static void odds_change(struct book *book, int event, uint32_t market, int8_t status,
                        int64_t odds_e4, int32_t event_status)
{
    struct message_outcome outcomes[] = {
        { .id = STR("1"), .odds_e4 = odds_e4, .active = true, .result = -1 },
        { .id = STR("2"), .odds_e4 = odds_e4, .active = false, .result = -1 },
    };
    struct message_market markets[] = {
        { .market = market, .specifiers = STR(""), .status = status, .first = 0, .n = 2 },
    };
    struct message message = {
        .type = MESSAGE_ODDS_CHANGE, .producer = PRODUCER, .timestamp_ms = position + 1,
        .event = str_of(events[event]), .has_status = true, .event_status = event_status,
        .match_status = -1, .markets = markets, .n_markets = 1, .outcomes = outcomes,
        .n_outcomes = 2,
    };

    apply(book, &message);
}

static void fixture(struct book *book, int event, struct str sport)
{
    struct message_fixture fixture_doc = { .event = str_of(events[event]), .sport = sport,
                                           .status = STR("live") };
    struct message message = { .type = MESSAGE_FIXTURE, .event = str_of(events[event]),
                               .fixture = &fixture_doc };

    apply(book, &message);
}

/* Markets: 1 active at 2.00, 2 suspended, 3 settled, 4 cancelled, 5 inactive,
 * 6 at 100000.00; event ENDED: market 1 active, the match over. */
static struct book *book_with_markets(void)
{
    struct book *book = book_new();

    position = 0;
    producer(book, true);
    odds_change(book, MATCH, 1, MARKET_ACTIVE, 20000, 1);
    odds_change(book, MATCH, 2, MARKET_SUSPENDED, 20000, 1);
    odds_change(book, MATCH, 3, MARKET_SETTLED, 20000, 1);
    odds_change(book, MATCH, 4, MARKET_CANCELLED, 20000, 1);
    odds_change(book, MATCH, 5, MARKET_INACTIVE, 20000, 1);
    odds_change(book, MATCH, 6, MARKET_ACTIVE, 1000000000, 1);
    odds_change(book, OTHER, 1, MARKET_ACTIVE, 30000, 1);
    odds_change(book, OTHER, 2, MARKET_SUSPENDED, 30000, 1);
    odds_change(book, ENDED, 1, MARKET_ACTIVE, 20000, 3);
    odds_change(book, HOCKEY, 1, MARKET_ACTIVE, 15000, 1);
    return book;
}

struct want {
    int event;
    uint32_t market;
    const char *outcome;
    int64_t odds_e4;
};

static struct slip slip_of(const struct want *want, uint32_t n, enum accept_policy accept)
{
    struct slip slip = { .type = n == 1 ? BET_SINGLE : BET_MULTIPLE, .accept = accept };

    for (uint32_t i = 0; i < n; i++)
        slip.legs[slip.n_legs++] = (struct leg){
            .market = { str_of(events[want[i].event]), want[i].market, STR("") },
            .outcome = str_of(want[i].outcome),
            .odds_e4 = want[i].odds_e4,
            .result = LEG_RESULT_OPEN,
        };
    return slip;
}

static enum refusal judge(const struct book *book, struct slip *slip, int64_t stake,
                          const char *members)
{
    struct buf out;
    enum refusal refusal;
    int64_t potential = 0;

    buf_init(&out, 4096);
    refusal = place_judge(book, &rules, slip, stake, &potential, &out);
    if (members != NULL) {
        buf_char(&out, '\0');
        assert_string_equal(out.p, members);
    }
    buf_fini(&out);
    return refusal;
}

static void each_rung_is_refused_before_the_next(void **state)
{
    static const struct {
        enum refusal refusal;
        int64_t stake;
        uint32_t n;
        struct want legs[3];
        const char *members;
    } ladder[] = {
        { REFUSE_STAKE_TOO_SMALL, 9, 2, { { MATCH, 9, "1", 1 }, { MATCH, 3, "1", 1 } },
          "\"minimum\":\"0.10\"" },
        { REFUSE_STAKE_TOO_LARGE, 100001, 2, { { MATCH, 9, "1", 1 }, { MATCH, 3, "1", 1 } },
          "\"maximum\":\"1000.00\"" },
        { REFUSE_UNKNOWN_SELECTION, STAKE, 2,
          { { MATCH, 3, "1", 1 }, { MATCH, 1, "9", 1 } }, "\"leg\":1" },
        { REFUSE_UNKNOWN_SELECTION, STAKE, 1, { { MATCH, 9, "1", 20000 } }, "\"leg\":0" },
        { REFUSE_RELATED_LEGS, STAKE, 2, { { MATCH, 3, "1", 1 }, { MATCH, 2, "1", 1 } }, "" },
        { REFUSE_MARKET_CLOSED, STAKE, 2, { { OTHER, 2, "1", 1 }, { MATCH, 3, "1", 1 } },
          "\"leg\":1" },
        { REFUSE_MARKET_CLOSED, STAKE, 1, { { MATCH, 4, "1", 1 } }, "\"leg\":0" },
        { REFUSE_MARKET_CLOSED, STAKE, 1, { { ENDED, 1, "1", 20000 } }, "\"leg\":0" },
        { REFUSE_MARKET_SUSPENDED, STAKE, 2, { { OTHER, 1, "1", 1 }, { MATCH, 2, "1", 1 } },
          "\"leg\":1" },
        { REFUSE_MARKET_SUSPENDED, STAKE, 1, { { MATCH, 5, "1", 20000 } }, "\"leg\":0" },
        { REFUSE_MARKET_SUSPENDED, STAKE, 1, { { MATCH, 1, "2", 20000 } }, "\"leg\":0" },
        { REFUSE_ODDS_CHANGED, STAKE, 2,
          { { OTHER, 1, "1", 25000 }, { MATCH, 6, "1", 1000000000 } },
          "\"odds\":\"3.00\",\"legs\":[{\"leg\":0,\"odds\":\"3.00\"}]" },
        { REFUSE_ODDS_CHANGED, STAKE, 3,
          { { OTHER, 1, "1", 30000 }, { MATCH, 1, "1", 10000 }, { HOCKEY, 1, "1", 15100 } },
          "\"odds\":\"2.00\",\"legs\":[{\"leg\":1,\"odds\":\"2.00\"},"
          "{\"leg\":2,\"odds\":\"1.50\"}]" },
        { REFUSE_PAYOUT_TOO_LARGE, STAKE, 1, { { MATCH, 6, "1", 1000000000 } },
          "\"cap\":\"10000.00\"" },
        { REFUSE_NOTHING, STAKE, 2, { { OTHER, 1, "1", 30000 }, { MATCH, 1, "1", 20000 } },
          "" },
    };
    struct book *book = book_with_markets();
    enum refusal_rank last = RANK_NONE;

    (void)state;
    for (size_t i = 0; i < LENGTH(ladder); i++) {
        struct slip slip = slip_of(ladder[i].legs, ladder[i].n, ACCEPT_NONE);

        assert_int_equal(judge(book, &slip, ladder[i].stake, ladder[i].members),
                         ladder[i].refusal);
        assert_true(refusal_rank(ladder[i].refusal) >= last);
        last = refusal_rank(ladder[i].refusal);
    }
    book_free(book);
}

static void rule_10_the_bet_gets_the_odds_now(void **state)
{
    static const struct {
        enum accept_policy accept;
        int64_t submitted_e4;
        enum refusal refusal;
    } rows[] = { /* the odds now are 2.00 */
        { ACCEPT_NONE, 20000, REFUSE_NOTHING },
        { ACCEPT_NONE, 19900, REFUSE_ODDS_CHANGED },
        { ACCEPT_NONE, 20100, REFUSE_ODDS_CHANGED },
        { ACCEPT_HIGHER, 20000, REFUSE_NOTHING },
        { ACCEPT_HIGHER, 19900, REFUSE_NOTHING },
        { ACCEPT_HIGHER, 20100, REFUSE_ODDS_CHANGED },
        { ACCEPT_ANY, 19900, REFUSE_NOTHING },
        { ACCEPT_ANY, 50000, REFUSE_NOTHING },
    };
    struct book *book = book_with_markets();

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct want want = { MATCH, 1, "1", rows[i].submitted_e4 };
        struct slip slip = slip_of(&want, 1, rows[i].accept);

        assert_int_equal(judge(book, &slip, STAKE, NULL), rows[i].refusal);
        assert_int_equal(slip.legs[0].odds_e4,
                         rows[i].refusal == REFUSE_NOTHING ? 20000 : rows[i].submitted_e4);
    }
    book_free(book);
}

static void rule_03_the_cap_is_met_but_not_passed(void **state)
{
    struct want want = { MATCH, 1, "1", 20000 };
    struct slip slip = slip_of(&want, 1, ACCEPT_NONE);
    struct place_rules tight = rules;
    struct book *book = book_with_markets();
    struct buf members;
    int64_t potential = 0;

    (void)state;
    buf_init(&members, 100);
    tight.cap_minor = 2 * STAKE;
    assert_int_equal(place_judge(book, &tight, &slip, STAKE, &potential, &members),
                     REFUSE_NOTHING);
    assert_int_equal(potential, 2 * STAKE);
    tight.cap_minor--;
    assert_int_equal(place_judge(book, &tight, &slip, STAKE, &potential, &members),
                     REFUSE_PAYOUT_TOO_LARGE);
    buf_fini(&members);
    book_free(book);
}

static void rule_21_a_silent_producer_suspends(void **state)
{
    struct want want = { MATCH, 1, "1", 20000 }, closed = { MATCH, 3, "1", 20000 };
    struct slip slip = slip_of(&want, 1, ACCEPT_ANY);
    struct slip over = slip_of(&closed, 1, ACCEPT_ANY);
    struct book *book = book_with_markets();

    (void)state;
    producer(book, false);
    assert_int_equal(judge(book, &slip, STAKE, "\"leg\":0"), REFUSE_MARKET_SUSPENDED);
    /* Suspension is transient; the end of a market is not hidden by it. */
    assert_int_equal(judge(book, &over, STAKE, "\"leg\":0"), REFUSE_MARKET_CLOSED);
    producer(book, true);
    assert_int_equal(judge(book, &slip, STAKE, NULL), REFUSE_MARKET_SUSPENDED);
    odds_change(book, MATCH, 1, MARKET_ACTIVE, 20000, 1);
    assert_int_equal(judge(book, &slip, STAKE, NULL), REFUSE_NOTHING);
    book_free(book);
}

static void a_stake_of_nothing_is_too_small(void **state)
{
    struct want want = { MATCH, 1, "1", 20000 };
    struct slip slip = slip_of(&want, 1, ACCEPT_NONE);
    struct place_rules loose = rules;
    struct book *book = book_with_markets();
    struct buf members;
    int64_t potential;

    (void)state;
    loose.stake_min_minor = 0;
    buf_init(&members, 100);
    assert_int_equal(place_judge(book, &loose, &slip, 0, &potential, &members),
                     REFUSE_STAKE_TOO_SMALL);
    buf_fini(&members);
    book_free(book);
}

static void a_slip_knows_its_sport(void **state)
{
    struct want want[] = { { MATCH, 1, "1", 20000 }, { OTHER, 1, "1", 30000 },
                           { HOCKEY, 1, "1", 15000 } };
    struct slip same = slip_of(want, 2, ACCEPT_NONE), mixed = slip_of(want, 3, ACCEPT_NONE);
    struct book *book = book_with_markets();

    (void)state;
    assert_int_equal(place_sport(book, &same).n, 0); /* no fixture yet */
    fixture(book, MATCH, STR("sr:sport:1"));
    fixture(book, OTHER, STR("sr:sport:1"));
    fixture(book, HOCKEY, STR("sr:sport:4"));
    assert_true(str_eq(place_sport(book, &same), STR("sr:sport:1")));
    assert_true(str_eq(place_sport(book, &mixed), STR("mixed")));
    book_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_rung_is_refused_before_the_next),
        cmocka_unit_test(rule_10_the_bet_gets_the_odds_now),
        cmocka_unit_test(rule_03_the_cap_is_met_but_not_passed),
        cmocka_unit_test(rule_21_a_silent_producer_suspends),
        cmocka_unit_test(a_stake_of_nothing_is_too_small),
        cmocka_unit_test(a_slip_knows_its_sport),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
