/* analytics/stats: against published figures, and by its error rates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "analytics/stats.h"

static void near(double is, double wanted, double by)
{
    if (!(fabs(is - wanted) <= by))
        fail_msg("%.6f, not %.6f", is, wanted);
}

static void quantiles(void **state)
{
    (void)state;
    near(stats_normal_quantile(0.975), 1.959964, 1e-6);
    near(stats_normal_quantile(0.5), 0, 1e-6);
    near(stats_normal_quantile(0.005), -2.575829, 1e-6);
}

/* Newcombe 1998, table II: his method 10 for 56/70 less 48/80, 9/10 less 3/10,
 * 10/10 less 0/20. */
static void proportions_as_published(void **state)
{
    static const struct { double xa, na, xb, nb, low, high; } rows[] = {
        { 48, 80, 56, 70, 0.0524, 0.3339 },
        { 3, 10, 9, 10, 0.1705, 0.8090 },
        { 0, 20, 10, 10, 0.6791, 1.0000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stats_sample a = { rows[i].na, rows[i].xa, 0, 0 };
        struct stats_sample b = { rows[i].nb, rows[i].xb, 0, 0 };
        struct stats_interval is = stats_proportions(&a, &b, 0.95);

        assert_true(is.known);
        near(is.low, rows[i].low, 6e-5);
        near(is.high, rows[i].high, 6e-5);
    }
}

/* Welch: by hand for 10 and 12 customers; t = 2.2282 at 10 degrees of freedom
 * is 5 %, which the p must say. */
static void means_by_hand(void **state)
{
    /* mean 0 variance 1 in a; mean m variance 1 in b; 6 each: 10 degrees. */
    double m = 2.228139 * sqrt(1.0 / 6 + 1.0 / 6);
    struct stats_sample a = { 6, 0, 0, 5 }, b = { 6, 0, 6 * m, 5 + 6 * m * m };
    struct stats_interval is = stats_means(&a, &b, 0.95);

    (void)state;
    assert_true(is.known);
    near(is.difference, m, 1e-9);
    near(is.low, 0, 0.005);
    near(is.p, 0.05, 0.001);
}

static void too_few_are_unknown(void **state)
{
    struct stats_sample none = { 0, 0, 0, 0 }, some = { 100, 10, 50, 80 };
    struct stats_sample equal = { 100, 0, 0, 0 };

    (void)state;
    assert_false(stats_proportions(&none, &some, 0.95).known);
    assert_false(stats_means(&none, &some, 0.95).known);
    assert_false(stats_means(&equal, &equal, 0.95).known);
}

/* Chi-squared: 3.841459 at 1, 5.991465 at 2 and 14.06714 at 7 degrees is 5 %. */
static void balance_by_the_table(void **state)
{
    double weights[8] = { 1, 1, 1, 1, 1, 1, 1, 1 }, got[8];
    double two[] = { 500 + sqrt(3.841459 * 250), 500 - sqrt(3.841459 * 250) };
    double three[] = { 1000 + sqrt(5.991465 * 500), 1000 - sqrt(5.991465 * 500), 1000 };

    (void)state;
    near(stats_balance(two, weights, 2), 0.05, 1e-5);
    near(stats_balance(three, weights, 3), 0.05, 0.002);
    for (int i = 0; i < 8; i++)
        got[i] = 1000;
    got[0] += sqrt(14.06714 * 500);
    got[1] -= sqrt(14.06714 * 500);
    near(stats_balance(got, weights, 8), 0.05, 0.002);
    got[0] = got[1] = 1000;
    near(stats_balance(got, weights, 8), 1, 1e-3);
}

/* ---- error rates: many experiments with a known truth --------------------- */

static uint64_t seed;

static double uniform(void)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

/* Customers who bet with this chance and then lose 1 or win 4. */
static struct stats_sample draw(int n, double chance, double win)
{
    struct stats_sample s = { n, 0, 0, 0 };

    for (int i = 0; i < n; i++) {
        double ggr;

        if (uniform() >= chance)
            continue;
        s.hits++;
        ggr = uniform() < win ? -4 : 1;
        s.sum += ggr;
        s.squares += ggr * ggr;
    }
    return s;
}

/* A/A: of 2000 each 5 % are found by chance, give or take (four standard
 * deviations are 2 %).  A planted effect is found nearly always. */
static void error_rates(void **state)
{
    enum { RUNS = 2000, N = 1000 };
    int conversions = 0, ggrs = 0, found = 0, found_ggr = 0;

    (void)state;
    seed = 4711;
    for (int i = 0; i < RUNS; i++) {
        struct stats_sample a = draw(N, 0.3, 0.18), b = draw(N, 0.3, 0.18);
        struct stats_sample c = draw(N, 0.4, 0.18), d = draw(N, 0.3, 0.02);
        struct stats_interval is = stats_proportions(&a, &b, 0.95);
        struct stats_interval ggr = stats_means(&a, &b, 0.95);

        conversions += is.low > 0 || is.high < 0;
        ggrs += ggr.low > 0 || ggr.high < 0;
        found += stats_proportions(&a, &c, 0.95).low > 0;
        found_ggr += stats_means(&a, &d, 0.95).low > 0;
    }
    assert_in_range(conversions, RUNS * 0.03, RUNS * 0.07);
    assert_in_range(ggrs, RUNS * 0.03, RUNS * 0.07);
    assert_in_range(found, RUNS * 0.98, RUNS);
    assert_in_range(found_ggr, RUNS * 0.95, RUNS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles),
        cmocka_unit_test(proportions_as_published),
        cmocka_unit_test(means_by_hand),
        cmocka_unit_test(too_few_are_unknown),
        cmocka_unit_test(balance_by_the_table),
        cmocka_unit_test(error_rates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
