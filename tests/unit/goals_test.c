/*
 * The goals model and what is priced from it: against chances summed here
 * by hand over a grid of states.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "feed/goals.h"
#include "feed/offer.h"

#define TOP 40
#define MARGIN 0.06

/* ---- chances, once more -------------------------------------------------- */

static double poisson(double mean, int n)
{
    double chance = exp(-mean);

    for (int i = 1; i <= n; i++)
        chance *= mean / i;
    return chance;
}

struct grid {
    struct goals_state state;
    struct goals goals;
    struct offer_facts facts;
    struct offer list[OFFER_MAX];
    unsigned n;
    double chances[OFFER_MAX][OFFER_OUTCOMES_MAX];
    double odds[OFFER_MAX][OFFER_OUTCOMES_MAX]; /* 0 = not offered */
};

static void make_grid(struct grid *grid)
{
    goals_model(&grid->state, &grid->goals);
    grid->facts = (struct offer_facts){ .score = { grid->state.score[0], grid->state.score[1] } };
    for (int i = 0; i < grid->state.score[0] + grid->state.score[1]; i++)
        grid->facts.side[grid->facts.n_goals++] = i >= grid->state.score[0];
    grid->n = offer_list(grid->state.mean[0] - grid->state.mean[1], grid->list);
    grid->list[grid->n - 1].line = (int)grid->facts.n_goals + 1; /* the next goal */
    for (unsigned i = 0; i < grid->n; i++) {
        offer_chances(&grid->list[i], &grid->goals, &grid->facts, grid->chances[i]);
        for (unsigned k = 0; k < offer_outcomes(&grid->list[i]); k++)
            grid->odds[i][k] = (double)goals_odds_e4(grid->chances[i][k], MARGIN) / 1e4;
    }
}

static void on_grid(void (*check)(struct grid *))
{
    static const double means[][2] = { { 1.4, 1.1 }, { 2.9, 0.5 }, { 0.7, 1.9 } };
    static const int scores[][2] = { { 0, 0 }, { 1, 0 }, { 1, 1 }, { 0, 3 }, { 5, 2 } };
    static const int reds[][2] = { { 0, 0 }, { 1, 0 }, { 0, 2 } };
    static struct grid grid;

    for (size_t m = 0; m < LENGTH(means); m++)
        for (size_t s = 0; s < LENGTH(scores); s++)
            for (size_t r = 0; r < LENGTH(reds); r++)
                for (double minute = 0; minute < 100; minute += 18) {
                    grid.state = (struct goals_state){
                        { means[m][0], means[m][1] }, { scores[s][0], scores[s][1] },
                        { reds[r][0], reds[r][1] }, minute * 60,
                    };
                    make_grid(&grid);
                    check(&grid);
                }
}

static double sum(const double *chances, unsigned n)
{
    double total = 0;

    for (unsigned i = 0; i < n; i++) {
        assert_true(chances[i] >= -1e-9 && chances[i] <= 1 + 1e-9);
        total += chances[i];
    }
    return total;
}

/* What the chances of a market's outcomes add up to. */
static double whole(const struct offer *offer)
{
    return offer->kind == OFFER_DOUBLE_CHANCE ? 2 : 1;
}

static void check_sums(struct grid *grid)
{
    for (unsigned i = 0; i < grid->n; i++) {
        unsigned n = offer_outcomes(&grid->list[i]);
        double total = sum(grid->chances[i], n);

        /* a line that can only be refunded has no chances */
        assert_true(fabs(total - whole(&grid->list[i])) < 1e-6 || total < 1e-6);
    }
}

static void chances_sum_to_one(void **state)
{
    (void)state;
    on_grid(check_sums);
}

/* 1x2, over 2.5, both score and 1:1 from Poisson sums made here. */
static void check_by_hand(struct grid *grid)
{
    double home = 0, draw = 0, over = 0, both = 0, level_1 = 0, one_x_two[3];

    for (int h = 0; h < TOP; h++)
        for (int a = 0; a < TOP; a++) {
            double p = poisson(grid->goals.mean[0], h) * poisson(grid->goals.mean[1], a);
            int x = grid->state.score[0] + h, y = grid->state.score[1] + a;

            home += x > y ? p : 0;
            draw += x == y ? p : 0;
            over += x + y > 2 ? p : 0;
            both += x > 0 && y > 0 ? p : 0;
            level_1 += x == 1 && y == 1 ? p : 0;
        }
    for (unsigned i = 0; i < grid->n; i++) {
        const double *got = grid->chances[i];

        switch (grid->list[i].kind) {
        case OFFER_1X2:
            memcpy(one_x_two, got, sizeof(one_x_two));
            assert_true(fabs(got[0] - home) < 1e-4 && fabs(got[1] - draw) < 1e-4);
            break;
        case OFFER_DOUBLE_CHANCE:
            assert_true(fabs(got[0] - home - draw) < 1e-4);
            assert_true(fabs(got[1] - (1 - draw)) < 1e-4);
            break;
        case OFFER_DRAW_NO_BET:
            assert_true(draw > 0.99 || fabs(got[0] - home / (1 - draw)) < 1e-3);
            break;
        case OFFER_TOTAL:
            assert_true(grid->list[i].line != 10 || fabs(got[0] - over) < 1e-4);
            break;
        case OFFER_BOTH_SCORE:
            assert_true(fabs(got[0] - both) < 1e-4);
            break;
        case OFFER_CORRECT_SCORE:
            assert_true(fabs(got[6] - level_1) < 1e-4);
            break;
        default:
            break;
        }
    }
}

static void markets_agree_with_sums_by_hand(void **state)
{
    (void)state;
    on_grid(check_by_hand);
}

/* Draws among the correct scores, and the handicap of half a goal. */
static void check_between(struct grid *grid)
{
    double draws = 0, draw = 0, home = 0;

    for (unsigned i = 0; i < grid->n; i++) {
        const double *got = grid->chances[i];

        if (grid->list[i].kind == OFFER_1X2) {
            home = got[0];
            draw = got[1];
        } else if (grid->list[i].kind == OFFER_CORRECT_SCORE) {
            for (unsigned k = 0; k < 25; k += 6)
                draws += got[k];
            assert_true(draws <= draw + 1e-9);
            if (grid->state.score[0] + grid->state.score[1] == 0 &&
                grid->goals.mean[0] + grid->goals.mean[1] < 2.6)
                assert_true(draw - draws < 0.01); /* 5:5 and more are other */
        } else if (grid->list[i].kind == OFFER_HANDICAP && grid->list[i].line == -2) {
            assert_true(fabs(got[0] - home) < 1e-9);
        } else if (grid->list[i].kind == OFFER_HANDICAP && grid->list[i].line == 2) {
            assert_true(fabs(got[0] - home - draw) < 1e-9);
        }
    }
}

static void correct_scores_match_1x2(void **state)
{
    (void)state;
    on_grid(check_between);
}

/* ---- prices ---------------------------------------------------------------- */

/* Below the margin only by rounding down, above it only by that and by the
 * ceiling of 500. */
static void check_overround(struct grid *grid)
{
    for (unsigned i = 0; i < grid->n; i++) {
        double total = 0, room = 1e-6;
        bool all = true;

        for (unsigned k = 0; k < offer_outcomes(&grid->list[i]); k++) {
            double odds = grid->odds[i][k];

            all &= odds > 0 || grid->chances[i][k] < 1e-12;
            total += odds > 0 ? 1 / odds : 0;
            room += odds >= 500 ? 1 / odds : odds > 0 ? 0.01 / (odds * odds) : 0;
        }
        if (!all)
            continue;
        assert_true(total >= whole(&grid->list[i]) * (1 + MARGIN) - 1e-6);
        assert_true(total <= whole(&grid->list[i]) * (1 + MARGIN) + room);
    }
}

static void overround_is_as_configured(void **state)
{
    (void)state;
    on_grid(check_overround);
}

/* What one unit on the outcome brings at the end. */
static double payoff(enum offer_result result, double odds)
{
    switch (result) {
    case OFFER_WON:
        return odds;
    case OFFER_HALF_WON:
        return (1 + odds) / 2;
    case OFFER_REFUND:
        return 1;
    case OFFER_HALF_LOST:
        return 0.5;
    case OFFER_LOST:
        break;
    }
    return 0;
}

#define ENDS_MAX 300

struct bet { double payoffs[ENDS_MAX]; };

/* Every way on: goals to come of each side, and who scores next. */
static unsigned list_ends(const struct grid *grid, struct offer_facts ends[ENDS_MAX])
{
    unsigned n = 0;

    for (int h = 0; h <= 8; h++)
        for (int a = 0; a <= 8; a++)
            for (uint8_t first = 0; first < 2; first++) {
                struct offer_facts *end = &ends[n];

                if ((first == 0 ? h : a) == 0 && h + a > 0)
                    continue;
                *end = grid->facts;
                end->score[0] += h;
                end->score[1] += a;
                end->n_goals += (unsigned)(h + a);
                end->side[grid->facts.n_goals] = first;
                n++;
            }
    return n;
}

static unsigned list_bets(const struct grid *grid, const struct offer_facts *ends, unsigned n_ends,
                          struct bet *bets)
{
    unsigned n = 0;

    for (unsigned i = 0; i < grid->n; i++)
        for (unsigned k = 0; k < offer_outcomes(&grid->list[i]); k++) {
            if (grid->odds[i][k] <= 0)
                continue;
            for (unsigned e = 0; e < n_ends; e++)
                bets[n].payoffs[e] = payoff(offer_result(&grid->list[i], k, &ends[e]),
                                            grid->odds[i][k]);
            n++;
        }
    return n;
}

/* The best that the worst end can bring when a unit is split over two. */
static double sure_return(const struct bet *a, const struct bet *b, unsigned n_ends)
{
    double best = 0;

    for (double share = 0.02; share < 0.99; share += 0.04) {
        double worst = INFINITY;

        for (unsigned e = 0; e < n_ends && worst > best; e++)
            worst = fmin(worst, share * a->payoffs[e] + (1 - share) * b->payoffs[e]);
        best = fmax(best, worst);
    }
    return best;
}

static void check_arbitrage(struct grid *grid)
{
    static struct offer_facts ends[ENDS_MAX];
    static struct bet bets[OFFER_MAX * OFFER_OUTCOMES_MAX];
    unsigned n_ends = list_ends(grid, ends);
    unsigned n = list_bets(grid, ends, n_ends, bets);

    for (unsigned i = 0; i < n; i++)
        for (unsigned k = i + 1; k < n; k++)
            assert_true(sure_return(&bets[i], &bets[k], n_ends) <= 1);
}

static void no_pair_of_markets_is_a_sure_win(void **state)
{
    (void)state;
    on_grid(check_arbitrage);
}

/* Any portfolio: one measure under which every bet loses on average leaves
 * no combination of any size that always wins. */
static void check_every_bet_loses(struct grid *grid)
{
    for (unsigned i = 0; i < grid->n; i++)
        for (unsigned k = 0; k < offer_outcomes(&grid->list[i]); k++) {
            double mean = 0, refund = 0;

            if (grid->odds[i][k] <= 0 || grid->list[i].kind == OFFER_NEXT_GOAL)
                continue;
            for (int h = 0; h <= GOALS_MAX; h++)
                for (int a = 0; a <= GOALS_MAX; a++) {
                    struct offer_facts end = { .score = { grid->state.score[0] + h,
                                                          grid->state.score[1] + a } };
                    enum offer_result result = offer_result(&grid->list[i], k, &end);

                    mean += grid->goals.chance[h][a] * payoff(result, grid->odds[i][k]);
                    refund += grid->goals.chance[h][a] * (result == OFFER_REFUND);
                }
            assert_true(mean < 1 || refund > 1 - 1e-9);
        }
}

static void every_bet_loses_on_average(void **state)
{
    (void)state;
    on_grid(check_every_bet_loses);
}

static void odds_hold_the_margin(void **state)
{
    (void)state;
    assert_int_equal(goals_odds_e4(0.5, 0.06), 18800); /* 1.8867…, floored */
    assert_int_equal(goals_odds_e4(0.93, 0.06), 10100);
    assert_int_equal(goals_odds_e4(0.999, 0.06), 0); /* 1.01 would be a gift */
    assert_int_equal(goals_odds_e4(1, 0), 0);
    assert_int_equal(goals_odds_e4(0, 0.06), 0);
    assert_int_equal(goals_odds_e4(1e-9, 0.06), 5000000);
}

/* ---- monotone ---------------------------------------------------------------- */

static void one_x_two(struct goals_state state, double chances[OFFER_OUTCOMES_MAX])
{
    struct offer offer = { OFFER_1X2, 0 };
    struct offer_facts facts = { .n_goals = 0 };
    struct goals goals;

    goals_model(&state, &goals);
    offer_chances(&offer, &goals, &facts, chances);
}

static double over_2_5(struct goals_state state)
{
    struct offer offer = { OFFER_TOTAL, 10 };
    struct offer_facts facts = { .n_goals = 0 };
    double chances[OFFER_OUTCOMES_MAX];
    struct goals goals;

    goals_model(&state, &goals);
    offer_chances(&offer, &goals, &facts, chances);
    return chances[0];
}

static void time_score_and_cards_move_the_odds(void **unused)
{
    struct goals_state state = { .mean = { 1.4, 1.2 }, .score = { 1, 0 } };
    double before[OFFER_OUTCOMES_MAX], now[OFFER_OUTCOMES_MAX];

    (void)unused;
    one_x_two(state, before);
    for (double minute = 5; minute < 95; minute += 5) {
        double over = over_2_5(state);

        state.played_s = minute * 60;
        one_x_two(state, now);
        assert_true(now[0] > before[0]);       /* a lead grows safer */
        assert_true(over_2_5(state) < over);   /* and goals rarer */
        memcpy(before, now, sizeof(now));
    }
    state.played_s = 1800;
    one_x_two(state, before);
    state.score[0] = 2;
    one_x_two(state, now);
    assert_true(now[0] > before[0]);
    state.reds[0] = 1;
    one_x_two(state, before);
    assert_true(before[0] < now[0]);
}

/* ---- results ------------------------------------------------------------------- */

static int result_of(struct offer offer, unsigned outcome, int home, int away)
{
    struct offer_facts facts = { .score = { home, away } };

    return offer_result(&offer, outcome, &facts);
}

static void lines_are_settled_in_quarters(void **state)
{
    (void)state;
    assert_int_equal(result_of((struct offer){ OFFER_TOTAL, 9 }, 0, 1, 1), OFFER_HALF_LOST);
    assert_int_equal(result_of((struct offer){ OFFER_TOTAL, 9 }, 1, 1, 1), OFFER_HALF_WON);
    assert_int_equal(result_of((struct offer){ OFFER_TOTAL, 11 }, 0, 2, 1), OFFER_HALF_WON);
    assert_int_equal(result_of((struct offer){ OFFER_TOTAL, 12 }, 0, 2, 1), OFFER_REFUND);
    assert_int_equal(result_of((struct offer){ OFFER_TOTAL, 10 }, 0, 2, 1), OFFER_WON);
    assert_int_equal(result_of((struct offer){ OFFER_HANDICAP, -1 }, 0, 0, 0), OFFER_HALF_LOST);
    assert_int_equal(result_of((struct offer){ OFFER_HANDICAP, -1 }, 1, 0, 0), OFFER_HALF_WON);
    assert_int_equal(result_of((struct offer){ OFFER_HANDICAP, -4 }, 0, 2, 1), OFFER_REFUND);
    assert_int_equal(result_of((struct offer){ OFFER_HANDICAP, 3 }, 0, 0, 1), OFFER_HALF_LOST);
    assert_int_equal(result_of((struct offer){ OFFER_DRAW_NO_BET, 0 }, 1, 1, 1), OFFER_REFUND);
    assert_int_equal(result_of((struct offer){ OFFER_DOUBLE_CHANCE, 0 }, 1, 1, 1), OFFER_LOST);
    assert_int_equal(result_of((struct offer){ OFFER_CORRECT_SCORE, 0 }, 25, 5, 0), OFFER_WON);
    assert_int_equal(result_of((struct offer){ OFFER_CORRECT_SCORE, 0 }, 7, 2, 1), OFFER_WON);
}

static void a_decided_market_cannot_turn(void **state)
{
    (void)state;
    for (int line = 2; line <= 26; line++)
        for (int goals = 0; goals < 8; goals++) {
            struct offer offer = { OFFER_TOTAL, line };
            struct offer_facts facts = { .score = { goals, 0 } };
            bool decided = offer_is_decided(&offer, &facts);
            enum offer_result now = offer_result(&offer, 0, &facts);

            facts.score[1] = 3;
            assert_int_equal(decided, now == offer_result(&offer, 0, &facts) &&
                                          now == OFFER_WON);
        }
}

static void text_of(struct offer offer, const char *want)
{
    struct buf text;

    buf_init(&text, 64);
    offer_specifiers(&offer, &text);
    assert_int_equal(text.n, strlen(want));
    assert_true(text.n == 0 || memcmp(text.p, want, text.n) == 0);
    buf_fini(&text);
}

static void specifiers_are_decimals(void **state)
{
    (void)state;
    text_of((struct offer){ OFFER_HANDICAP, -1 }, "hcp=-0.25");
    text_of((struct offer){ OFFER_HANDICAP, 0 }, "hcp=0");
    text_of((struct offer){ OFFER_HANDICAP, -7 }, "hcp=-1.75");
    text_of((struct offer){ OFFER_TOTAL, 10 }, "total=2.5");
    text_of((struct offer){ OFFER_NEXT_GOAL, 3 }, "goalnr=3");
    text_of((struct offer){ OFFER_1X2, 0 }, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chances_sum_to_one),
        cmocka_unit_test(markets_agree_with_sums_by_hand),
        cmocka_unit_test(correct_scores_match_1x2),
        cmocka_unit_test(overround_is_as_configured),
        cmocka_unit_test(no_pair_of_markets_is_a_sure_win),
        cmocka_unit_test(every_bet_loses_on_average),
        cmocka_unit_test(odds_hold_the_margin),
        cmocka_unit_test(time_score_and_cards_move_the_odds),
        cmocka_unit_test(lines_are_settled_in_quarters),
        cmocka_unit_test(a_decided_market_cannot_turn),
        cmocka_unit_test(specifiers_are_decimals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
