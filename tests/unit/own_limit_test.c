/* Periods of limits against the calendar of the C library, and their packing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "model/own_limit.h"

static struct tm utc(int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;

    assert_non_null(gmtime_r(&seconds, &tm));
    return tm;
}

static void expect_midnight(int64_t since, int64_t at_ms)
{
    assert_true(since <= at_ms);
    assert_int_equal(since % 86400000, 0);
}

/* Every day of 130 years: leap days, and 2100, which has none. */
static void rule_15_periods_begin_where_the_calendar_says(void **state)
{
    (void)state;
    for (int64_t day = 366; day < 366 + 130 * 366; day++) {
        int64_t at_ms = day * 86400000 + day * 7919 % 86400000;
        struct tm now = utc(at_ms), week = utc(own_limit_since(OWN_LIMIT_PERIOD_WEEK, at_ms));
        struct tm month = utc(own_limit_since(OWN_LIMIT_PERIOD_MONTH, at_ms));

        assert_int_equal(own_limit_since(OWN_LIMIT_PERIOD_DAY, at_ms), day * 86400000);
        expect_midnight(own_limit_since(OWN_LIMIT_PERIOD_WEEK, at_ms), at_ms);
        assert_int_equal(week.tm_wday, 1);
        assert_true(at_ms - own_limit_since(OWN_LIMIT_PERIOD_WEEK, at_ms) < 7 * INT64_C(86400000));
        expect_midnight(own_limit_since(OWN_LIMIT_PERIOD_MONTH, at_ms), at_ms);
        assert_int_equal(month.tm_mday, 1);
        assert_int_equal(month.tm_mon, now.tm_mon);
        assert_int_equal(month.tm_year, now.tm_year);
    }
}

static void test_packing_orders_by_what_is_left(void **state)
{
    struct own_limit_reached some = { OWN_LIMIT_KIND_LOSS, OWN_LIMIT_PERIOD_MONTH, 0 };
    struct own_limit_reached more = { OWN_LIMIT_KIND_DEPOSIT, OWN_LIMIT_PERIOD_DAY, 1 }, back;

    (void)state;
    assert_true(own_limit_reached_pack(some) < own_limit_reached_pack(more));
    assert_true(own_limit_reached_unpack(own_limit_reached_pack(some), &back));
    assert_int_equal(back.kind, OWN_LIMIT_KIND_LOSS);
    assert_int_equal(back.period, OWN_LIMIT_PERIOD_MONTH);
    assert_int_equal(back.left_minor, 0);
    assert_false(own_limit_reached_unpack(0, &back));
    assert_false(own_limit_reached_unpack(16, &back));
}

static void test_names_are_found(void **state)
{
    enum own_limit_kind kind;
    enum own_limit_period period;

    (void)state;
    assert_true(own_limit_kind_find(STR("loss"), &kind));
    assert_int_equal(kind, OWN_LIMIT_KIND_LOSS);
    assert_false(own_limit_kind_find(STR("day"), &kind));
    assert_true(own_limit_period_find(STR("week"), &period));
    assert_int_equal(period, OWN_LIMIT_PERIOD_WEEK);
    assert_false(own_limit_period_find(STR(""), &period));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_15_periods_begin_where_the_calendar_says),
        cmocka_unit_test(test_packing_orders_by_what_is_left),
        cmocka_unit_test(test_names_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
