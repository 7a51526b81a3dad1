/* feed/backoff: longer each time, with a limit, and never all at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed/backoff.h"

static void doubles_up_to_a_limit(void **state)
{
    (void)state;
    assert_int_equal(backoff_ms(1, 0), BACKOFF_FIRST_MS);
    assert_int_equal(backoff_ms(2, 0), 2 * BACKOFF_FIRST_MS);
    assert_int_equal(backoff_ms(5, 0), 16 * BACKOFF_FIRST_MS);
    assert_int_equal(backoff_ms(20, 0), BACKOFF_MAX_MS);
    assert_int_equal(backoff_ms(UINT32_MAX, 0), BACKOFF_MAX_MS);
    assert_int_equal(backoff_ms(0, 0), BACKOFF_FIRST_MS);
}

static void chance_takes_up_to_half_of_it(void **state)
{
    int64_t least = INT64_MAX, most = 0;

    (void)state;
    for (uint32_t chance = 0; chance < 5000; chance++) {
        int64_t ms = backoff_ms(4, chance);

        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
    }
    assert_int_equal(least, 4 * BACKOFF_FIRST_MS);
    assert_int_equal(most, 8 * BACKOFF_FIRST_MS);
    assert_in_range(backoff_ms(30, UINT32_MAX), BACKOFF_MAX_MS / 2, BACKOFF_MAX_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_up_to_a_limit),
        cmocka_unit_test(chance_takes_up_to_half_of_it),
    };

    return cmocka_run_group_tests_name("backoff", tests, NULL, NULL);
}
