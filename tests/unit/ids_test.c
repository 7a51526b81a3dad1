/* Ids of a process: each once, ascending, whatever the clock does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/bet.h"
#include "model/ids.h"

#define NOW_MS INT64_C(1790000000000)
#define MANY 10000 /* more than a millisecond holds */

static void more_than_a_millisecond_holds_ascend(void **state)
{
    struct ids ids = { .node = 7 };
    int64_t last = 0;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        int64_t id = ids_next(&ids, NOW_MS);

        assert_true(id > last);
        assert_int_equal(bet_id_node(id), 7);
        last = id;
    }
}

static void a_clock_that_goes_back_is_not_followed(void **state)
{
    struct ids ids = { .node = 0 };
    int64_t before = ids_next(&ids, NOW_MS);

    (void)state;
    assert_true(ids_next(&ids, NOW_MS - 3600000) > before);
}

static void a_later_millisecond_begins_anew(void **state)
{
    struct ids ids = { .node = 1023 };
    int64_t id;

    (void)state;
    for (int i = 0; i < MANY; i++)
        (void)ids_next(&ids, NOW_MS);
    id = ids_next(&ids, NOW_MS + 1000);
    assert_int_equal(id, bet_id_make(NOW_MS + 1000, 1023, 0));
    assert_true(id >= bet_id_floor(NOW_MS + 1000));
}

static void processes_give_no_id_twice(void **state)
{
    struct ids one = { .node = 1 }, two = { .node = 2 };

    (void)state;
    for (int i = 0; i < MANY; i++)
        assert_int_not_equal(ids_next(&one, NOW_MS), ids_next(&two, NOW_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_a_millisecond_holds_ascend),
        cmocka_unit_test(a_clock_that_goes_back_is_not_followed),
        cmocka_unit_test(a_later_millisecond_begins_anew),
        cmocka_unit_test(processes_give_no_id_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
