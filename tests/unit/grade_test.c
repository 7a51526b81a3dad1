/* model/grade: payouts, exact; when they are fixed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/grade.h"

/*
 * Slips as text: a letter is a leg (o open, w won, l lost, v void, h half won,
 * g half lost, d won in a dead heat of two, x won by a share of nothing); a
 * capital is a banker.  All at the same odds.
 */
static struct leg_result result_of(char c)
{
    const int64_t one = FACTOR_ONE_E12;

    switch (c) {
    case 'w':
        return leg_result_make(1, 0, one);
    case 'l':
        return leg_result_make(0, 0, one);
    case 'v':
        return leg_result_make(0, one, one);
    case 'h':
        return leg_result_make(1, one / 2, one);
    case 'g':
        return leg_result_make(0, one / 2, one);
    case 'd':
        return leg_result_make(1, 0, one / 2);
    case 'x':
        return leg_result_make(1, 0, 0);
    default:
        return LEG_RESULT_OPEN;
    }
}

static struct slip slip_make(enum bet_type type, const char *legs, const char *sizes,
                             int64_t odds_e4)
{
    struct slip slip = { .type = type };

    for (; *legs != '\0'; legs++, slip.n_legs++) {
        bool banker = *legs < 'a';

        slip.legs[slip.n_legs] = (struct leg){
            .odds_e4 = odds_e4,
            .banker = banker,
            .result = result_of(banker ? (char)(*legs + 'a' - 'A') : *legs),
        };
    }
    for (; *sizes != '\0'; sizes++)
        slip.sizes[slip.n_sizes++] = (uint32_t)(*sizes - '0');
    return slip;
}

struct row {
    enum bet_type type;
    const char *legs, *sizes;
    int64_t odds_e4, stake_minor, cap_minor;
    bool fixed;
    int64_t payout_minor;
};

static void expect(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct slip slip = slip_make(rows[i].type, rows[i].legs, rows[i].sizes, rows[i].odds_e4);
        struct grade grade = grade_slip(&slip, rows[i].stake_minor, rows[i].cap_minor);

        if (grade.fixed != rows[i].fixed ||
            (grade.fixed && grade.payout_minor != rows[i].payout_minor))
            fail_msg("%s of %s: fixed %d, %ld", rows[i].legs, rows[i].sizes, grade.fixed,
                     (long)grade.payout_minor);
    }
}

static void rule_03_payouts_are_a_function_of_the_bet(void **state)
{
    static const struct row rows[] = {
        { BET_SINGLE, "w", "", 19500, 1000, 0, true, 1950 },
        { BET_SINGLE, "l", "", 19500, 1000, 0, true, 0 },
        { BET_SINGLE, "v", "", 19500, 1000, 0, true, 1000 },
        { BET_SINGLE, "h", "", 19500, 1000, 0, true, 1475 },
        { BET_SINGLE, "g", "", 19500, 1000, 0, true, 500 },
        { BET_SINGLE, "d", "", 19500, 1000, 0, true, 975 },
        { BET_SINGLE, "x", "", 19500, 1000, 0, true, 0 },
        { BET_SINGLE, "w", "", 19500, 0, 0, true, 0 },
        { BET_SINGLE, "w", "", 19500, 1000, 1949, true, 1949 }, /* the cap */
        { BET_SINGLE, "w", "", 19500, 1000, 1950, true, 1950 },
        { BET_MULTIPLE, "ww", "", 20000, 1000, 0, true, 4000 },
        { BET_MULTIPLE, "wv", "", 20000, 1000, 0, true, 2000 },
        { BET_MULTIPLE, "wh", "", 20000, 1000, 0, true, 3000 },
        { BET_MULTIPLE, "wg", "", 20000, 1000, 0, true, 1000 },
        { BET_MULTIPLE, "wd", "", 20000, 1000, 0, true, 2000 },
        { BET_MULTIPLE, "vv", "", 20000, 1000, 0, true, 1000 },
        { BET_MULTIPLE, "wwwwwwwwwwwwwwwwwwww", "", 10001, 100000000, 0, true, 100200190 },
        { BET_MULTIPLE, "wwwwwwwwwwwwwwwwwwww", "", 20000, 1, 0, true, 1048576 },
        { BET_MULTIPLE, "wwwwwwwwwwwwwwwwwwww", "", 1000000, 1, 5, true, 5 }, /* past int64 */
        { BET_SYSTEM, "www", "23", 20000, 400, 0, true, 2000 },
        { BET_SYSTEM, "wwl", "23", 20000, 400, 0, true, 400 },
        { BET_SYSTEM, "wvh", "2", 20000, 300, 0, true, 650 }, /* 2 + 3 + 1.5 */
        { BET_SYSTEM, "wwwwwwww", "2345678", 20000, 24700, 0, true, 654400 }, /* Goliath */
    };

    (void)state;
    expect(rows, LENGTH(rows));
}

static void rule_04_early_loss(void **state)
{
    static const struct row rows[] = {
        { BET_SINGLE, "o", "", 20000, 100, 0, false, 0 },
        { BET_MULTIPLE, "wo", "", 20000, 100, 0, false, 0 },
        { BET_MULTIPLE, "lo", "", 20000, 100, 0, true, 0 },
        { BET_MULTIPLE, "ol", "", 20000, 100, 0, true, 0 },
        { BET_MULTIPLE, "ox", "", 20000, 100, 0, true, 0 },
        { BET_MULTIPLE, "og", "", 20000, 100, 0, false, 0 }, /* half lost is not lost */
        { BET_MULTIPLE, "ov", "", 20000, 100, 0, false, 0 },
        { BET_SYSTEM, "low", "2", 20000, 300, 0, false, 0 },
        { BET_SYSTEM, "lol", "2", 20000, 300, 0, true, 0 },
        { BET_SYSTEM, "lol", "12", 20000, 300, 0, false, 0 }, /* a single may win */
        { BET_SYSTEM, "lll", "1", 20000, 300, 0, true, 0 },
        { BET_SYSTEM, "lgo", "2", 20000, 300, 0, false, 0 },
        { BET_SYSTEM, "Loo", "1", 20000, 300, 0, true, 0 },
        { BET_SYSTEM, "Woo", "1", 20000, 300, 0, false, 0 },
        { BET_SYSTEM, "Oll", "1", 20000, 300, 0, true, 0 },
        { BET_SYSTEM, "Olw", "1", 20000, 300, 0, false, 0 },
        { BET_SYSTEM, "Wwlo", "2", 20000, 300, 0, false, 0 },
        { BET_SYSTEM, "Wlol", "32", 20000, 300, 0, true, 0 }, /* the smallest size, not the first */
    };

    (void)state;
    expect(rows, LENGTH(rows));
}

static void rule_08_bankers_are_in_every_line(void **state)
{
    static const struct row rows[] = {
        { BET_SYSTEM, "Wwww", "2", 20000, 300, 0, true, 2400 }, /* 3 lines of 8 */
        { BET_SYSTEM, "wWlw", "2", 20000, 300, 0, true, 800 },
        { BET_SYSTEM, "WWww", "1", 20000, 200, 0, true, 1600 },
        { BET_SYSTEM, "Gwww", "2", 20000, 300, 0, true, 600 },
        { BET_SYSTEM, "Vwww", "3", 20000, 300, 0, true, 2400 },
    };
    static const struct {
        const char *legs, *sizes;
        int64_t lines;
    } counts[] = {
        { "ooo", "23", 4 }, { "oooo", "234", 11 }, { "oooooooo", "2345678", 247 },
        { "Oooo", "2", 3 }, { "OOo", "1", 1 }, { "oooooooooooooooooooo", "9", 167960 },
    };
    struct slip slip;

    (void)state;
    expect(rows, LENGTH(rows));
    for (size_t i = 0; i < LENGTH(counts); i++) {
        slip = slip_make(BET_SYSTEM, counts[i].legs, counts[i].sizes, 20000);
        assert_int_equal(slip_lines(&slip), counts[i].lines);
    }
    slip = slip_make(BET_SYSTEM, "oooooooooooooooooooo", "9", 20000);
    slip.sizes[0] = 10;
    assert_int_equal(slip_lines(&slip), 184756);
    slip = slip_make(BET_MULTIPLE, "ooo", "", 20000);
    assert_int_equal(slip_lines(&slip), 1);
}

/* Thirds and sevenths of a cent add up before the floor, not after it. */
static void rule_09_one_floor_at_the_end(void **state)
{
    static const struct row rows[] = {
        { BET_SYSTEM, "www", "2", 10000, 100, 0, true, 100 }, /* 3 lines of 33.33… */
        { BET_SYSTEM, "wwwwwww", "2", 10000, 1000, 0, true, 1000 }, /* 21 lines */
        { BET_SINGLE, "w", "", 19999, 1, 0, true, 1 },
        { BET_SINGLE, "g", "", 19999, 1, 0, true, 0 },
        { BET_MULTIPLE, "wg", "", 20000, 1, 0, true, 1 }, /* 2 * 1/2 is 1 */
        { BET_MULTIPLE, "dw", "", 19999, 100, 0, true, 199 },
    };

    (void)state;
    expect(rows, LENGTH(rows));
}

/* A generator of the test's own: the same slips in every run. */
static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static struct slip slip_any(uint64_t *seed, const char *results)
{
    char legs[LIMIT_LEGS + 1] = "";
    uint32_t n = 1 + (uint32_t)(next(seed) % 8);
    struct slip slip;

    for (uint32_t i = 0; i < n; i++)
        legs[i] = results[next(seed) % strlen(results)];
    slip = slip_make(n == 1 ? BET_SINGLE : BET_MULTIPLE, legs, "", 20000);
    for (uint32_t i = 0; i < n; i++)
        slip.legs[i].odds_e4 = ODDS_ONE_E4 + (int64_t)(next(seed) % (1u << (4 + next(seed) % 20)));
    return slip;
}

/* grade_slip() takes 128 bits where they do, grade_exact() always GMP. */
static void the_fast_path_is_the_exact_one(void **state)
{
    uint64_t seed = 42;
    mpz_t stake, exact;

    (void)state;
    mpz_inits(stake, exact, NULL);
    for (int i = 0; i < 20000; i++) {
        struct slip slip = slip_any(&seed, i % 4 == 0 ? "wvhgd" : "wwwwv");
        int64_t minor = (int64_t)(next(&seed) % (1u << (1 + next(&seed) % 30)));
        struct grade grade = grade_slip(&slip, minor, 0);

        mpz_set_si(stake, minor);
        grade_exact(&slip, stake, exact);
        assert_true(grade.fixed);
        if (mpz_fits_slong_p(exact))
            assert_int_equal(grade.payout_minor, mpz_get_si(exact));
        else
            assert_int_equal(grade.payout_minor, INT64_MAX);
    }
    mpz_clears(stake, exact, NULL);
}

static void the_potential_takes_every_leg_to_win(void **state)
{
    struct slip slip = slip_make(BET_MULTIPLE, "ovl", "", 20000);
    int64_t payout;

    (void)state;
    assert_true(grade_potential(&slip, 1000, &payout));
    assert_int_equal(payout, 8000);
    slip = slip_make(BET_SYSTEM, "Ooo", "12", 20000);
    assert_true(grade_potential(&slip, 300, &payout));
    assert_int_equal(payout, 1600); /* (2*2 + 2*2 + 2*4) / 3 lines */
    slip = slip_make(BET_SINGLE, "o", "", ODDS_MAX_E4);
    assert_true(grade_potential(&slip, 1000, &payout));
    assert_int_equal(payout, 100000000000);
    assert_false(grade_potential(&slip, LIMIT_MINOR, &payout));
    slip = slip_make(BET_MULTIPLE, "oooooooooooooooooooo", "", ODDS_MAX_E4);
    assert_false(grade_potential(&slip, 1, &payout));
}

static void odds_of_the_whole_slip(void **state)
{
    static const struct {
        enum bet_type type;
        const char *legs, *sizes;
        int64_t odds_e4;
        unsigned long whole_e4;
    } rows[] = {
        { BET_SINGLE, "o", "", 19500, 19500 },
        { BET_SINGLE, "l", "", 19500, 19500 }, /* results are not asked */
        { BET_MULTIPLE, "oo", "", 19500, 38025 },
        { BET_MULTIPLE, "oo", "", 10001, 10002 }, /* 1.00020001 */
        { BET_SYSTEM, "ooo", "23", 20000, 50000 },
        { BET_SYSTEM, "Ooo", "1", 20000, 40000 },
        { BET_SYSTEM, "ooo", "12", 10000, 10000 },
    };
    mpz_t odds;

    (void)state;
    mpz_init(odds);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct slip slip = slip_make(rows[i].type, rows[i].legs, rows[i].sizes, rows[i].odds_e4);

        grade_odds_e4(&slip, odds);
        assert_int_equal(mpz_get_ui(odds), rows[i].whole_e4);
    }
    mpz_clear(odds);
}

static void factors_are_exact_decimals(void **state)
{
    const int64_t one = FACTOR_ONE_E12;
    const struct {
        struct leg_result result;
        int64_t odds_e4;
        const char *text;
    } rows[] = {
        { leg_result_make(1, 0, one), 19500, "1.95" },
        { leg_result_make(1, 0, one), 20000, "2" },
        { leg_result_make(1, 0, one), 10001, "1.0001" },
        { leg_result_make(1, 0, one), ODDS_MAX_E4, "100000000" },
        { leg_result_make(0, 0, one), 19500, "0" },
        { leg_result_make(0, one, one), 19500, "1" },
        { leg_result_make(0, one / 2, one), 19500, "0.5" },
        { leg_result_make(1, one / 2, one), 19500, "1.475" },
        { leg_result_make(1, 0, 333333333333), 40000, "1.333333333332" },
        { leg_result_make(1, 1, 1), 10001, "0.0000000000020000999999989999" },
        { LEG_RESULT_OPEN, 19500, "" },
    };
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct leg leg = { .odds_e4 = rows[i].odds_e4, .result = rows[i].result };

        buf_reset(&out);
        leg_factor_text(&leg, &out);
        if (!str_eq(buf_view(&out), str_of(rows[i].text)))
            fail_msg("%.*s is not %s", (int)out.n, out.p, rows[i].text);
    }
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_03_payouts_are_a_function_of_the_bet),
        cmocka_unit_test(rule_04_early_loss),
        cmocka_unit_test(rule_08_bankers_are_in_every_line),
        cmocka_unit_test(rule_09_one_floor_at_the_end),
        cmocka_unit_test(the_fast_path_is_the_exact_one),
        cmocka_unit_test(the_potential_takes_every_leg_to_win),
        cmocka_unit_test(odds_of_the_whole_slip),
        cmocka_unit_test(factors_are_exact_decimals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
