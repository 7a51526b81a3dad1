/* Periods of limits against the calendar of the C library, and their packing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "model/limit.h"

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
        struct tm now = utc(at_ms), week = utc(limit_since(LIMIT_PERIOD_WEEK, at_ms));
        struct tm month = utc(limit_since(LIMIT_PERIOD_MONTH, at_ms));

        assert_int_equal(limit_since(LIMIT_PERIOD_DAY, at_ms), day * 86400000);
        expect_midnight(limit_since(LIMIT_PERIOD_WEEK, at_ms), at_ms);
        assert_int_equal(week.tm_wday, 1);
        assert_true(at_ms - limit_since(LIMIT_PERIOD_WEEK, at_ms) < 7 * INT64_C(86400000));
        expect_midnight(limit_since(LIMIT_PERIOD_MONTH, at_ms), at_ms);
        assert_int_equal(month.tm_mday, 1);
        assert_int_equal(month.tm_mon, now.tm_mon);
        assert_int_equal(month.tm_year, now.tm_year);
    }
}

static void test_packing_orders_by_what_is_left(void **state)
{
    struct limit_reached some = { LIMIT_KIND_LOSS, LIMIT_PERIOD_MONTH, 0 };
    struct limit_reached more = { LIMIT_KIND_DEPOSIT, LIMIT_PERIOD_DAY, 1 }, back;

    (void)state;
    assert_true(limit_reached_pack(some) < limit_reached_pack(more));
    assert_true(limit_reached_unpack(limit_reached_pack(some), &back));
    assert_int_equal(back.kind, LIMIT_KIND_LOSS);
    assert_int_equal(back.period, LIMIT_PERIOD_MONTH);
    assert_int_equal(back.left_minor, 0);
    assert_false(limit_reached_unpack(0, &back));
    assert_false(limit_reached_unpack(16, &back));
}

static void test_names_are_found(void **state)
{
    enum limit_kind kind;
    enum limit_period period;

    (void)state;
    assert_true(limit_kind_find(STR("loss"), &kind));
    assert_int_equal(kind, LIMIT_KIND_LOSS);
    assert_false(limit_kind_find(STR("day"), &kind));
    assert_true(limit_period_find(STR("week"), &period));
    assert_int_equal(period, LIMIT_PERIOD_WEEK);
    assert_false(limit_period_find(STR(""), &period));
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
