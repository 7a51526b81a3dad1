/* Token buckets: a burst, then the rate; one customer never costs another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "who/rate.h"

#define S 1000000

static int take_all(struct rates *rates, struct str who, int64_t now_us)
{
    int n = 0;

    while (n < 10000 && rates_take(rates, who, now_us))
        n++;
    return n;
}

static void ten_seconds_worth_then_the_rate(void **state)
{
    struct rates *rates = rates_new(5, 10);
    struct rate_state told;

    (void)state;
    told = rates_state(rates, STR("ann"), S);
    assert_int_equal(told.limit, 50);
    assert_int_equal(told.remaining, 50);
    assert_int_equal(told.reset_s, 0);
    assert_int_equal(take_all(rates, STR("ann"), S), 50);
    told = rates_state(rates, STR("ann"), S);
    assert_int_equal(told.remaining, 0);
    assert_int_equal(told.reset_s, 10);
    assert_int_equal(told.retry_s, 1);
    assert_int_equal(take_all(rates, STR("ann"), 2 * S), 5);
    assert_int_equal(take_all(rates, STR("bob"), 2 * S), 50); /* his own bucket */
    assert_int_equal(take_all(rates, STR("ann"), 100 * S), 50); /* never more than full */
    rates_free(rates);
}

static void nothing_is_no_limit(void **state)
{
    struct rates *rates = rates_new(0, 10);

    (void)state;
    assert_false(rates_are_on(rates));
    assert_int_equal(take_all(rates, STR("ann"), S), 10000);
    rates_free(rates);
}

static void a_full_table_forgets_who_is_quiet(void **state)
{
    struct rates *rates = rates_new(1, 3);

    (void)state;
    assert_int_equal(take_all(rates, STR("busy"), S), 10);
    assert_true(rates_take(rates, STR("a"), S));
    assert_true(rates_take(rates, STR("b"), S));
    /* At 3 s a and b are full again; both give way before busy does. */
    assert_true(rates_take(rates, STR("c"), 3 * S));
    assert_true(rates_take(rates, STR("d"), 3 * S));
    assert_int_equal(take_all(rates, STR("busy"), 3 * S), 2);
    rates_free(rates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_seconds_worth_then_the_rate),
        cmocka_unit_test(nothing_is_no_limit),
        cmocka_unit_test(a_full_table_forgets_who_is_quiet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
