/* model/facts: what is in force, in any order, and what it means for a leg. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/facts.h"

#define ONE FACTOR_ONE_E12
#define HALF (FACTOR_ONE_E12 / 2)
#define EVER INT64_MAX
#define FACTS 8 /* of one story, at most */

static struct fact_outcome home_won[] = {
    { STR("1"), 1, 0, ONE }, { STR("2"), 0, 0, ONE }, { STR("3"), 0, 0, ONE },
};
static struct fact_outcome away_won[] = {
    { STR("1"), 0, 0, ONE }, { STR("2"), 0, 0, ONE }, { STR("3"), 1, 0, ONE },
};
static struct fact_outcome only_draw[] = { { STR("2"), 0, 0, ONE } };
static struct fact_outcome undecided[] = { { STR("1"), -1, 0, ONE } };
static struct fact_outcome refunded[] = { { STR("1"), 0, ONE, ONE } };

static const struct market_id id = { STR("sr:match:1"), 1, STR("") };

/* A story: facts as they stand in the log, told by short names. */
#define SETTLE(at, sure, who)                                            \
    { .kind = FACT_SETTLEMENT, .timestamp_ms = (at), .certainty = (sure), \
      .outcomes = (who), .n_outcomes = LENGTH(who) }
#define CANCEL(at, from, until) \
    { .kind = FACT_CANCEL, .timestamp_ms = (at), .start_ms = (from), .end_ms = (until) }
#define UNSETTLE(at) { .kind = FACT_ROLLBACK_SETTLEMENT, .timestamp_ms = (at) }
#define UNCANCEL(at, from, until)                             \
    { .kind = FACT_ROLLBACK_CANCEL, .timestamp_ms = (at), .start_ms = (from), \
      .end_ms = (until) }
#define DESK_SETTLE(at, who)                                             \
    { .kind = FACT_SETTLEMENT, .rank = FACT_RANK_DESK, .timestamp_ms = (at), \
      .certainty = 1, .outcomes = (who), .n_outcomes = LENGTH(who) }
#define DESK_UNSETTLE(at) \
    { .kind = FACT_ROLLBACK_SETTLEMENT, .rank = FACT_RANK_DESK, .timestamp_ms = (at) }

#define DESK_CANCEL(at, from, until)                                    \
    { .kind = FACT_CANCEL, .rank = FACT_RANK_DESK, .timestamp_ms = (at), \
      .start_ms = (from), .end_ms = (until) }
#define DESK_UNCANCEL(at)                                                         \
    { .kind = FACT_ROLLBACK_CANCEL, .rank = FACT_RANK_DESK, .timestamp_ms = (at), \
      .end_ms = EVER }

struct story {
    const char *name;
    struct fact facts[FACTS];
    enum leg_state state; /* of outcome 1, accepted at 1000 */
};

static const struct story rule_01[] = {
    { "nothing is known", { { 0 } }, LEG_OPEN },
    { "the latest wins", { SETTLE(10, 1, home_won), SETTLE(20, 1, away_won) }, LEG_LOST },
    { "a cancel beats a settlement",
      { CANCEL(10, 0, EVER), SETTLE(20, 2, home_won) }, LEG_VOID },
    { "rolled back", { SETTLE(10, 1, home_won), UNSETTLE(20) }, LEG_OPEN },
    { "settled anew after a rollback",
      { SETTLE(10, 2, away_won), UNSETTLE(20), SETTLE(30, 1, home_won) }, LEG_WON },
    { "a rollback older than the settlement",
      { UNSETTLE(5), SETTLE(10, 1, home_won) }, LEG_WON },
    { "a rollback of a cancel brings the result back",
      { SETTLE(10, 1, home_won), CANCEL(20, 0, EVER), UNCANCEL(30, 0, EVER) }, LEG_WON },
    { "a rollback of another window does not",
      { SETTLE(10, 1, home_won), CANCEL(20, 0, EVER), UNCANCEL(30, 0, 5000) }, LEG_VOID },
    { "a rollback of a settlement leaves the cancel",
      { CANCEL(10, 0, EVER), SETTLE(20, 1, home_won), UNSETTLE(30) }, LEG_VOID },
    { "a rollback of a cancel leaves the settlement",
      { SETTLE(10, 1, away_won), UNCANCEL(30, 0, EVER) }, LEG_LOST },
    { "the desk outranks a surer feed",
      { DESK_SETTLE(10, away_won), SETTLE(20, 2, home_won) }, LEG_LOST },
    { "the desk withdraws",
      { DESK_SETTLE(10, away_won), SETTLE(20, 2, home_won), DESK_UNSETTLE(30) }, LEG_WON },
    { "the feed does not withdraw for the desk",
      { DESK_SETTLE(10, away_won), SETTLE(20, 2, home_won), UNSETTLE(30) }, LEG_LOST },
    { "the desk does not withdraw for the feed",
      { SETTLE(20, 2, home_won), DESK_UNSETTLE(30) }, LEG_WON },
    { "the desk's result outranks the feed's cancel",
      { DESK_SETTLE(10, home_won), CANCEL(20, 0, EVER) }, LEG_WON },
    { "which holds again when the desk withdraws",
      { DESK_SETTLE(10, home_won), CANCEL(20, 0, EVER), DESK_UNSETTLE(30) }, LEG_VOID },
    { "the desk's void outranks the feed's result",
      { DESK_CANCEL(10, 0, EVER), SETTLE(20, 2, home_won) }, LEG_VOID },
    { "the desk's void beats the desk's result",
      { DESK_CANCEL(10, 0, EVER), DESK_SETTLE(20, home_won) }, LEG_VOID },
    { "the feed does not take the desk's void back",
      { DESK_CANCEL(10, 0, EVER), SETTLE(20, 2, home_won), UNCANCEL(30, 0, EVER) }, LEG_VOID },
    { "the desk takes all its windows back",
      { DESK_CANCEL(10, 0, EVER), DESK_CANCEL(11, 500, 1500), SETTLE(20, 2, home_won),
        DESK_UNCANCEL(30) }, LEG_WON },
    { "but not the feed's",
      { DESK_CANCEL(10, 0, EVER), CANCEL(12, 0, EVER), SETTLE(20, 2, home_won),
        DESK_UNCANCEL(30) }, LEG_VOID },
    { "outside the desk's window the feed's cancel holds",
      { DESK_CANCEL(10, 0, 500), CANCEL(12, 900, 1100), SETTLE(20, 2, home_won) }, LEG_VOID },
    { "and beside the desk's result it does not",
      { DESK_CANCEL(10, 0, 500), CANCEL(12, 900, 1100), DESK_SETTLE(20, away_won) }, LEG_LOST },
    { "an outcome that the desk's result leaves out stays open",
      { DESK_SETTLE(10, only_draw), SETTLE(20, 2, home_won), CANCEL(30, 0, EVER) }, LEG_OPEN },
};

static const struct story rule_02[] = {
    { "the first certainty pays", { SETTLE(10, 1, home_won) }, LEG_WON },
    { "the higher certainty decides",
      { SETTLE(10, 1, home_won), SETTLE(20, 2, away_won) }, LEG_LOST },
    { "and stays, though a lower one is later",
      { SETTLE(10, 2, home_won), SETTLE(20, 1, away_won) }, LEG_WON },
    { "one rollback removes both",
      { SETTLE(10, 1, home_won), SETTLE(20, 2, home_won), UNSETTLE(30) }, LEG_OPEN },
    { "but not the one after it",
      { SETTLE(10, 2, home_won), UNSETTLE(20), SETTLE(30, 1, away_won) }, LEG_LOST },
};

static const struct story rule_04[] = {
    { "not listed stays open", { SETTLE(10, 2, only_draw) }, LEG_OPEN },
    { "-1 stays open", { SETTLE(10, 2, undecided) }, LEG_OPEN },
    { "a refund is known", { SETTLE(10, 2, refunded) }, LEG_VOID },
};

static const struct story rule_05[] = {
    { "no window covers all", { CANCEL(10, 0, EVER) }, LEG_VOID },
    { "start is inside", { CANCEL(10, 1000, 2000) }, LEG_VOID },
    { "end is outside", { CANCEL(10, 500, 1000) }, LEG_OPEN },
    { "the last millisecond", { CANCEL(10, 500, 1001) }, LEG_VOID },
    { "after", { CANCEL(10, 1001, EVER) }, LEG_OPEN },
    { "outside the window the result holds",
      { CANCEL(10, 1001, EVER), SETTLE(5, 1, home_won) }, LEG_WON },
    { "one of two windows",
      { CANCEL(10, 0, 500), CANCEL(11, 900, 1100), SETTLE(5, 1, home_won) }, LEG_VOID },
    { "that one is rolled back",
      { CANCEL(10, 0, 500), CANCEL(11, 900, 1100), UNCANCEL(12, 900, 1100) }, LEG_OPEN },
};

static uint32_t story_length(const struct story *story)
{
    uint32_t n = 0;

    while (n < FACTS && story->facts[n].kind != 0)
        n++;
    return n;
}

static enum leg_state judge(const struct fact *facts, uint32_t n)
{
    struct arena arena;
    struct ruling ruling;
    enum leg_state state;

    arena_init(&arena, 1 << 20);
    ruling = facts_rule(facts, n, &arena);
    state = ruling_leg(&ruling, STR("1"), 1000).state;
    arena_fini(&arena);
    return state;
}

/* Every order of delivery, each fact once and then all of them again: the log
 * position changes, the state does not. */
static void tell_in_every_order(const struct story *story, struct fact *told, uint32_t n,
                                uint32_t used)
{
    uint32_t length = story_length(story);

    if (n == length) {
        struct fact twice[2 * FACTS];

        if (judge(told, n) != story->state)
            fail_msg("%s: %s", story->name, leg_state_name(judge(told, n)));
        for (uint32_t i = 0; i < 2 * n; i++) {
            twice[i] = told[i % n];
            twice[i].position = i;
        }
        if (judge(twice, 2 * n) != story->state)
            fail_msg("%s, twice: %s", story->name, leg_state_name(judge(twice, 2 * n)));
        return;
    }
    for (uint32_t i = 0; i < length; i++) {
        if ((used & 1u << i) != 0)
            continue;
        told[n] = story->facts[i];
        told[n].id = id;
        told[n].position = n;
        tell_in_every_order(story, told, n + 1, used | 1u << i);
    }
}

static void tell(const struct story *stories, size_t n)
{
    struct fact told[FACTS];

    for (size_t i = 0; i < n; i++)
        tell_in_every_order(&stories[i], told, 0, 0);
}

static void rule_01_facts_in_force_in_any_order(void **state)
{
    (void)state;
    tell(rule_01, LENGTH(rule_01));
}

static void rule_02_certainty(void **state)
{
    (void)state;
    tell(rule_02, LENGTH(rule_02));
}

static void rule_04_undecided_stays_open(void **state)
{
    (void)state;
    tell(rule_04, LENGTH(rule_04));
}

static void rule_05_cancel_window(void **state)
{
    (void)state;
    tell(rule_05, LENGTH(rule_05));
}

/* One timestamp: the log's order decides, and copies do not move it. */
static void rule_01_ties_go_by_log_position(void **state)
{
    struct fact facts[] = {
        SETTLE(10, 1, home_won), SETTLE(10, 1, away_won), UNSETTLE(10), SETTLE(10, 1, home_won),
    };

    (void)state;
    for (uint32_t i = 0; i < LENGTH(facts); i++) {
        facts[i].id = id;
        facts[i].position = i + 1;
    }
    assert_int_equal(judge(facts, 2), LEG_LOST);
    facts[0].position = 9;
    assert_int_equal(judge(facts, 2), LEG_WON);
    facts[0].position = 1;
    assert_int_equal(judge(facts, 3), LEG_OPEN);
    assert_int_equal(judge(facts, 4), LEG_OPEN); /* the fourth is the first again */
    facts[3].certainty = 2;
    assert_int_equal(judge(facts, 4), LEG_WON); /* now it is another fact */
}

static void states_are_derived(void **state)
{
    static const struct {
        int8_t result;
        int64_t void_e12, dead_heat_e12;
        enum leg_state state;
        const char *name;
    } rows[] = {
        { 1, 0, ONE, LEG_WON, "won" },
        { 0, 0, ONE, LEG_LOST, "lost" },
        { 0, ONE, ONE, LEG_VOID, "void" },
        { 1, ONE, ONE, LEG_VOID, "void" },
        { 1, HALF, ONE, LEG_HALF_WON, "half_won" },
        { 0, HALF, ONE, LEG_HALF_LOST, "half_lost" },
        { 1, 0, HALF, LEG_WON, "won" },
        { 1, 0, 0, LEG_LOST, "lost" },
        { 1, HALF, 0, LEG_HALF_LOST, "half_lost" },
        { -1, 0, ONE, LEG_OPEN, "open" },
        { 2, 0, ONE, LEG_OPEN, "open" },       /* no result we know */
        { 1, ONE + 1, ONE, LEG_OPEN, "open" },
        { 1, -1, ONE, LEG_OPEN, "open" },
        { 1, 0, ONE + 1, LEG_OPEN, "open" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct leg_result result =
            leg_result_make(rows[i].result, rows[i].void_e12, rows[i].dead_heat_e12);

        assert_int_equal(result.state, rows[i].state);
        assert_string_equal(leg_state_name(result.state), rows[i].name);
    }
}

static void a_message_becomes_a_fact_for_each_market(void **state)
{
    struct message_outcome outcomes[] = {
        { .id = STR("2"), .result = 0, .dead_heat_e12 = ONE },
        { .id = STR("1"), .result = 0, .dead_heat_e12 = ONE },
        { .id = STR("12"), .result = 1, .void_e12 = HALF, .dead_heat_e12 = ONE },
        { .id = STR("1"), .result = 1, .dead_heat_e12 = HALF },
        { .id = STR("3"), .result = 7, .dead_heat_e12 = ONE },
    };
    struct message_market markets[] = {
        { .market = 18, .specifiers = STR("total=2.5"), .first = 2, .n = 1 },
        { .market = 1, .specifiers = STR(""), .first = 0, .n = 2 },
        { .market = 1, .specifiers = STR(""), .first = 3, .n = 2 }, /* listed twice */
    };
    struct message message = {
        .type = MESSAGE_BET_SETTLEMENT, .producer = 3, .timestamp_ms = 77,
        .event = STR("sr:match:1"), .certainty = 2, .markets = markets,
        .outcomes = outcomes, .n_markets = LENGTH(markets), .n_outcomes = LENGTH(outcomes),
    };
    struct arena arena;
    struct fact *facts;
    uint32_t n;

    (void)state;
    arena_init(&arena, 1 << 20);
    facts = facts_from_message(&message, 42, &arena, &n);
    assert_int_equal(n, 2);
    assert_true(market_id_equal(facts[0].id, id));
    assert_int_equal(facts[0].key, market_key(id));
    assert_int_equal(facts[0].kind, FACT_SETTLEMENT);
    assert_int_equal(facts[0].rank, FACT_RANK_FEED);
    assert_int_equal(facts[0].producer, 3);
    assert_int_equal(facts[0].timestamp_ms, 77);
    assert_int_equal(facts[0].position, 42);
    assert_int_equal(facts[0].certainty, 2);
    assert_true(str_eq(fact_outcomes_encode(&facts[0], &arena),
                       STR("1=1,0,0.5;2=0,0,1;3=-1,0,1")));
    assert_int_equal(facts[1].id.market, 18);
    assert_true(str_eq(fact_outcomes_encode(&facts[1], &arena), STR("12=1,0.5,1")));
    arena_fini(&arena);
}

static void other_messages_keep_their_windows(void **state)
{
    static const struct {
        enum message_type type;
        uint32_t n;
        enum fact_kind kind;
        int64_t start_ms, end_ms;
    } rows[] = {
        { MESSAGE_BET_CANCEL, 1, FACT_CANCEL, 5, 9 },
        { MESSAGE_ROLLBACK_CANCEL, 1, FACT_ROLLBACK_CANCEL, 5, 9 },
        { MESSAGE_ROLLBACK_SETTLEMENT, 1, FACT_ROLLBACK_SETTLEMENT, 0, 0 },
        { MESSAGE_ODDS_CHANGE, 0, 0, 0, 0 },
        { MESSAGE_BET_STOP, 0, 0, 0, 0 },
        { MESSAGE_ALIVE, 0, 0, 0, 0 },
    };
    struct message_market market = { .market = 1, .specifiers = STR("") };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct message message = {
            .type = rows[i].type, .event = STR("sr:match:1"), .start_ms = 5, .end_ms = 9,
            .certainty = 1, .markets = &market, .n_markets = 1,
        };
        struct arena arena;
        struct fact *facts;
        uint32_t n;

        arena_init(&arena, 1 << 20);
        facts = facts_from_message(&message, 1, &arena, &n);
        assert_int_equal(n, rows[i].n);
        if (n == 1) {
            assert_int_equal(facts[0].kind, rows[i].kind);
            assert_int_equal(facts[0].start_ms, rows[i].start_ms);
            assert_int_equal(facts[0].end_ms, rows[i].end_ms);
            assert_int_equal(facts[0].certainty, 0);
            assert_int_equal(facts[0].n_outcomes, 0);
        }
        arena_fini(&arena);
    }
}

static void outcomes_survive_their_text(void **state)
{
    struct fact_outcome outcomes[] = {
        { STR("sr:player:1234"), 1, 333333333333, ONE },
        { STR("sr:point_range:76+:1132"), 0, 1, 999999999999 },
        { STR("pre:outcometext:a=b;c,d|e%f g\n\x7f"), -1, 0, ONE },
        { STR("\xc3\xa9t\xc3\xa9"), 1, ONE, 0 },
        { STR(""), 0, 0, ONE },
        { STR("1"), 0, 0, ONE },
        { STR("1"), 1, 0, ONE }, /* the later wins */
    };
    struct fact fact = { .outcomes = outcomes, .n_outcomes = LENGTH(outcomes) }, read = { 0 };
    struct arena arena;
    struct str text;

    (void)state;
    arena_init(&arena, 1 << 20);
    text = fact_outcomes_encode(&fact, &arena);
    assert_true(fact_outcomes_decode(text, &arena, &read));
    assert_int_equal(read.n_outcomes, 6);
    assert_true(str_eq(fact_outcomes_encode(&read, &arena), text));
    assert_true(str_eq(read.outcomes[1].id, STR("1")));
    assert_int_equal(read.outcomes[1].result, 1);
    assert_true(str_eq(read.outcomes[2].id, outcomes[2].id));
    assert_int_equal(read.outcomes[2].result, -1);
    assert_true(str_eq(read.outcomes[3].id, outcomes[0].id));
    assert_int_equal(read.outcomes[3].void_e12, 333333333333);
    assert_true(str_eq(read.outcomes[4].id, outcomes[1].id));
    assert_int_equal(read.outcomes[4].void_e12, 1);
    assert_int_equal(read.outcomes[4].dead_heat_e12, 999999999999);
    arena_fini(&arena);
}

static void broken_texts_are_refused(void **state)
{
    static const char *const texts[] = {
        "1", "1=1", "1=1,0", "1=1,0,", "1=1,0,1;", ";1=1,0,1", "1=2,0,1", "1=1,2,1",
        "1=1,0,1.5", "1=1,0,1,1", "1=1,0,1;1=0,0,1", "2=1,0,1;1=0,0,1", "%4=1,0,1",
        "%zz=1,0,1", "%=1,0,1", "%FF=1,0,1", "%41=1,0,1", "1=1,-1,1", "1=1,0,0.0000000000001",
        "1=,0,1",
    };
    struct fact fact = { .n_outcomes = 0 };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < LENGTH(texts); i++)
        if (fact_outcomes_decode(str_of(texts[i]), &arena, &fact))
            fail_msg("%s was taken", texts[i]);
    assert_true(fact_outcomes_decode(STR(""), &arena, &fact));
    assert_int_equal(fact.n_outcomes, 0);
    /* Undecided has no factors, whatever stands beside it. */
    assert_true(fact_outcomes_decode(STR("3=-1,1,0.5"), &arena, &fact));
    assert_true(str_eq(fact_outcomes_encode(&fact, &arena), STR("3=-1,0,1")));
    assert_int_equal(fact.outcomes[0].void_e12, 0);
    assert_int_equal(fact.outcomes[0].dead_heat_e12, FACTOR_ONE_E12);
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_01_facts_in_force_in_any_order),
        cmocka_unit_test(rule_01_ties_go_by_log_position),
        cmocka_unit_test(rule_02_certainty),
        cmocka_unit_test(rule_04_undecided_stays_open),
        cmocka_unit_test(rule_05_cancel_window),
        cmocka_unit_test(states_are_derived),
        cmocka_unit_test(a_message_becomes_a_fact_for_each_market),
        cmocka_unit_test(other_messages_keep_their_windows),
        cmocka_unit_test(outcomes_survive_their_text),
        cmocka_unit_test(broken_texts_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
