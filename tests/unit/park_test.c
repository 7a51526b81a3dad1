/* house/park: everything that is parked ends once, in order of deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "house/park.h"

#define SPACES 8

static uv_loop_t loop;
static struct park *park;
static struct parked_request spaces[SPACES];
static int order[SPACES * 4], n_ended;
static enum park_end ends[SPACES * 4];

static void on_end(struct parked_request *parked, enum park_end end)
{
    assert_false(parked->in);
    order[n_ended] = (int)(parked - spaces);
    ends[n_ended++] = end;
}

static void on_end_again(struct parked_request *parked, enum park_end end)
{
    int64_t now_us = clock_mono_us();

    on_end(parked, end);
    parked->on_end = on_end;
    assert_int_equal(park_put(park, parked, PARK_DELAYED, now_us, now_us), end == PARK_DUE);
}

static bool put(int i, enum park_reason reason, int64_t in_ms)
{
    int64_t now_us = clock_mono_us();

    spaces[i].on_end = on_end;
    return park_put(park, &spaces[i], reason, now_us, now_us + in_ms * 1000);
}

static void run_until(int ended)
{
    for (int turns = 0; n_ended < ended && turns < 1000; turns++)
        (void)uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(n_ended, ended);
}

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < SPACES; i++)
        spaces[i] = (struct parked_request){ .on_end = on_end };
    n_ended = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    park = park_new(&loop, SPACES - 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    park_free(park);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static void deadlines_come_in_their_order(void **state)
{
    static const int want[] = { 2, 4, 3 };

    (void)state;
    assert_true(put(0, PARK_HELD, 60000));
    assert_true(put(1, PARK_HELD, 50000));
    assert_true(put(2, PARK_DELAYED, 1));
    assert_int_equal(park_count(park, PARK_HELD), 2);
    assert_ptr_equal(park_next(park, PARK_HELD, NULL), &spaces[1]);
    assert_ptr_equal(park_next(park, PARK_HELD, &spaces[1]), &spaces[0]);
    assert_null(park_next(park, PARK_HELD, &spaces[0]));
    run_until(1); /* before those of the other reason */
    assert_true(put(3, PARK_HELD, 1));
    assert_true(put(4, PARK_HELD, -60000)); /* put later, due before it */
    run_until(3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(order[i], want[i]);
        assert_int_equal(ends[i], PARK_DUE);
    }
    park_drain(park);
    assert_int_equal(park_count(park, PARK_HELD) + park_count(park, PARK_DELAYED), 0);
}

static void nothing_ends_before_its_time(void **state)
{
    int64_t until_us;

    (void)state;
    assert_true(put(0, PARK_DELAYED, 25));
    until_us = spaces[0].until_us;
    run_until(1);
    assert_true(clock_mono_us() >= until_us);
}

static void what_is_taken_does_not_end(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_true(put(i, PARK_HELD, 5));
    park_take(park, &spaces[0]);
    park_take(park, &spaces[2]);
    park_take(park, &spaces[4]);
    run_until(2);
    assert_int_equal(order[0], 1);
    assert_int_equal(order[1], 3);
    assert_true(put(2, PARK_HELD, 1)); /* and may come again */
    run_until(3);
}

static void it_has_its_limit(void **state)
{
    (void)state;
    for (int i = 0; i < SPACES - 1; i++)
        assert_true(put(i, PARK_HELD, 60000));
    assert_false(put(SPACES - 1, PARK_HELD, 60000));
    park_take(park, &spaces[3]);
    assert_true(put(SPACES - 1, PARK_HELD, 60000));
    park_drain(park);
}

static void a_drain_ends_all_and_takes_no_more(void **state)
{
    (void)state;
    assert_true(put(0, PARK_HELD, 60000));
    assert_true(put(1, PARK_DELAYED, 60000));
    spaces[0].on_end = on_end_again;
    park_drain(park);
    assert_int_equal(n_ended, 2);
    assert_int_equal(ends[0], PARK_DRAINED);
    assert_int_equal(ends[1], PARK_DRAINED);
    assert_false(put(2, PARK_HELD, 1));
}

static void what_has_ended_may_come_back(void **state)
{
    (void)state;
    assert_true(put(0, PARK_HELD, 1));
    spaces[0].on_end = on_end_again;
    run_until(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(deadlines_come_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_ends_before_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_taken_does_not_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_has_its_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_drain_ends_all_and_takes_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_ended_may_come_back, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
