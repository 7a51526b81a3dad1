/* Latency quantiles of the load generator: exact where small, else 0.8 %. */
#include "cli/load_stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct load_stats *stats;

static int setup(void **state)
{
    (void)state;
    stats = calloc(1, sizeof(*stats));
    return stats == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    free(stats);
    return 0;
}

static void nothing_is_zero(void **state)
{
    (void)state;
    assert_int_equal(load_stats_quantile_us(stats, 50000), 0);
    assert_int_equal(load_stats_quantile_us(stats, 99900), 0);
}

static void small_values_are_exact(void **state)
{
    (void)state;
    for (int i = 1; i <= 200; i++)
        load_stats_add(stats, i);
    assert_int_equal(load_stats_quantile_us(stats, 50000), 100);
    assert_int_equal(load_stats_quantile_us(stats, 99000), 198);
    assert_int_equal(load_stats_quantile_us(stats, 100000), 200);
}

static void any_value_is_within_a_hundredth(void **state)
{
    (void)state;
    for (int64_t value = 1; value < 4000000000000; value = value * 9 / 8 + 1) {
        uint64_t got;

        *stats = (struct load_stats){ 0 };
        load_stats_add(stats, value);
        stats->max_us = UINT64_MAX; /* the bucket's own end, not the maximum */
        got = load_stats_quantile_us(stats, 50000);
        if (value < (INT64_C(1) << 39)) {
            assert_true(got >= (uint64_t)value);
            assert_true(got - (uint64_t)value <= (uint64_t)value / 100);
        }
    }
}

static void one_slow_answer_shows(void **state)
{
    (void)state;
    for (int i = 0; i < 999; i++)
        load_stats_add(stats, 100);
    load_stats_add(stats, 5000000);
    assert_int_equal(load_stats_quantile_us(stats, 99000), 100);
    assert_int_equal(load_stats_quantile_us(stats, 99900), 100);
    assert_int_equal(load_stats_quantile_us(stats, 99901), 5000000);
    assert_int_equal(stats->max_us, 5000000);
}

static void a_clock_that_went_back_is_zero(void **state)
{
    (void)state;
    load_stats_add(stats, -5);
    assert_int_equal(stats->count, 1);
    assert_int_equal(load_stats_quantile_us(stats, 50000), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_is_zero), T(small_values_are_exact), T(any_value_is_within_a_hundredth),
        T(one_slow_answer_shows), T(a_clock_that_went_back_is_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
