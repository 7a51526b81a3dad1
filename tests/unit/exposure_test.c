/* risk/exposure: the tree adds up, whatever comes and goes, in any order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "risk/exposure.h"

static struct leg leg(const char *event, uint32_t market, const char *specifiers,
                      const char *outcome)
{
    return (struct leg){ .market = { str_of(event), market, str_of(specifiers) },
                         .outcome = str_of(outcome), .odds_e4 = 20000 };
}

static struct slip single(const char *event, const char *outcome)
{
    struct slip slip = { .type = BET_SINGLE, .n_legs = 1 };

    slip.legs[0] = leg(event, 1, "", outcome);
    return slip;
}

static void count(struct exposure *exposure, const struct slip *slip, int64_t stake,
                  int64_t liability, int sign)
{
    struct exposed_bet bet = { slip, stake, liability };

    exposure_count(exposure, &bet, sign);
}

static const struct exposed_market *only_market(const struct exposure *exposure,
                                                const char *event)
{
    const struct exposed_event *exposed = exposure_event(exposure, str_of(event));

    assert_non_null(exposed);
    assert_non_null(exposed->markets);
    assert_null(exposed->markets->next);
    return exposed->markets;
}

static void the_worst_case_is_one_outcome_that_wins(void **state)
{
    static const struct {
        int64_t home_stake, home_costs, away_stake, away_costs, worst;
    } rows[] = {
        { 100, 100, 0, 0, 100 },
        { 100, 100, 60, 200, 100 },  /* away: 200 - 100 */
        { 100, 100, 150, 90, -10 },  /* home: 100 - 150; away: 90 - 100 */
        { 100, 500, 10, 20, 490 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct exposure *exposure = exposure_new();
        struct slip home = single("a", "1"), away = single("a", "3");

        count(exposure, &home, rows[i].home_stake, rows[i].home_costs, 1);
        count(exposure, &away, rows[i].away_stake, rows[i].away_costs, 1);
        assert_int_equal(exposure_worst(only_market(exposure, "a")), rows[i].worst);
        exposure_free(exposure);
    }
}

static void a_system_offsets_nothing(void **state)
{
    struct exposure *exposure = exposure_new();
    struct slip home = single("a", "1"), system = single("a", "3");

    (void)state;
    system.type = BET_SYSTEM;
    system.legs[1] = leg("b", 1, "", "1");
    system.n_legs = 2;
    count(exposure, &home, 100, 100, 1);
    count(exposure, &system, 1000, 50, 1);
    assert_int_equal(exposure_worst(only_market(exposure, "a")), 100);
    assert_int_equal(exposure_worst(only_market(exposure, "b")), 50);
    exposure_free(exposure);
}

static void markets_of_one_number_are_told_apart(void **state)
{
    struct exposure *exposure = exposure_new();
    struct slip slip = { .type = BET_SINGLE, .n_legs = 1 };

    (void)state;
    slip.legs[0] = leg("a", 18, "total=2.5", "12");
    count(exposure, &slip, 10, 10, 1);
    slip.legs[0] = leg("a", 18, "total=3.5", "12");
    count(exposure, &slip, 20, 20, 1);
    assert_int_equal(exposure_counts(exposure).markets, 2);
    assert_int_equal(exposure_event(exposure, STR("a"))->stakes_minor, 30);
    assert_int_equal(exposure_worst_of_event(exposure_event(exposure, STR("a"))), 30);
    exposure_free(exposure);
}

static void what_has_no_bets_is_forgotten(void **state)
{
    struct exposure *exposure = exposure_new();
    struct slip both = single("a", "1");

    (void)state;
    both.type = BET_MULTIPLE;
    both.legs[1] = leg("b", 1, "", "3");
    both.n_legs = 2;
    count(exposure, &both, 10, 70, 1);
    assert_int_equal(exposure_counts(exposure).events, 2);
    assert_int_equal(exposure_counts(exposure).bets, 1); /* once */
    assert_int_equal(exposure_counts(exposure).liability_minor, 70);
    count(exposure, &both, 10, 70, -1);
    assert_int_equal(exposure_counts(exposure).events, 0);
    assert_int_equal(exposure_counts(exposure).markets, 0);
    assert_int_equal(exposure_counts(exposure).liability_minor, 0);
    exposure_free(exposure);
}

/* Two connections: the end of a bet may be heard before its beginning. */
static void an_end_before_its_beginning_comes_to_nothing(void **state)
{
    struct exposure *exposure = exposure_new();
    struct slip early = single("a", "1"), other = single("a", "2");

    (void)state;
    count(exposure, &early, 10, 20, -1);
    count(exposure, &other, 5, 5, 1);
    count(exposure, &early, 10, 20, 1);
    assert_int_equal(exposure_worst(only_market(exposure, "a")), 5);
    count(exposure, &other, 5, 5, -1);
    assert_int_equal(exposure_counts(exposure).markets, 0);
    exposure_free(exposure);
}

enum { BETS = 2000 };

/* Comes and goes by a fixed seed; the sums are those of what is there. */
static void a_long_life_leaves_nothing(void **state)
{
    static struct slip slips[BETS];
    static int64_t stakes[BETS];
    static char names[50][8];
    struct exposure *exposure = exposure_new();
    uint32_t seed = 7;
    int64_t sum = 0;

    (void)state;
    for (unsigned i = 0; i < 50; i++)
        (void)snprintf(names[i], sizeof(names[i]), "m%u", i);
    for (unsigned i = 0; i < BETS; i++) {
        slips[i] = single(names[(seed = seed * 1664525 + 1013904223) >> 8 & 31], "1");
        slips[i].legs[0].outcome = seed & 1 ? STR("1") : STR("2");
        stakes[i] = seed >> 20 & 1023;
        count(exposure, &slips[i], stakes[i], stakes[i] * 2, 1);
        sum += stakes[i];
    }
    assert_int_equal(exposure_counts(exposure).stakes_minor, sum);
    for (unsigned i = 0; i < BETS; i++) {
        unsigned at = i * 7 % BETS; /* 7 and 2000 have no common part */

        count(exposure, &slips[at], stakes[at], stakes[at] * 2, -1);
    }
    assert_int_equal(exposure_counts(exposure).events, 0);
    assert_int_equal(exposure_counts(exposure).bets, 0);
    exposure_free(exposure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_case_is_one_outcome_that_wins),
        cmocka_unit_test(a_system_offsets_nothing),
        cmocka_unit_test(markets_of_one_number_are_told_apart),
        cmocka_unit_test(what_has_no_bets_is_forgotten),
        cmocka_unit_test(an_end_before_its_beginning_comes_to_nothing),
        cmocka_unit_test(a_long_life_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
