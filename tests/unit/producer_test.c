/* feed/producer: who is up, by alives and silence alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed/producer.h"

enum step { ALIVE, UNSUBSCRIBED, TICK };

static void transitions(void **state)
{
    static const struct {
        enum step step;
        int64_t at_ms;
        enum producer_turn turn;
    } rows[] = {
        { ALIVE, 0, PRODUCER_UP },
        { ALIVE, 10000, PRODUCER_STAYS },
        { TICK, 29999, PRODUCER_STAYS },
        { TICK, 30000, PRODUCER_DOWN },
        { TICK, 40000, PRODUCER_STAYS },
        { UNSUBSCRIBED, 50000, PRODUCER_STAYS },
        { ALIVE, 60000, PRODUCER_UP },
        { UNSUBSCRIBED, 61000, PRODUCER_DOWN },
        { ALIVE, 62000, PRODUCER_UP },
    };
    struct producers producers = { .silence_ms = 20000 };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        enum producer_turn turn;

        if (rows[i].step == TICK)
            turn = producer_silent(&producers, rows[i].at_ms) ? PRODUCER_DOWN : PRODUCER_STAYS;
        else
            turn = producer_alive(&producers, 1, rows[i].step == ALIVE, rows[i].at_ms);
        assert_int_equal(turn, rows[i].turn);
    }
}

static void silence_downs_only_the_silent_one(void **state)
{
    struct producers producers = { .silence_ms = 20000 };

    (void)state;
    assert_int_equal(producer_alive(&producers, 1, true, 0), PRODUCER_UP);
    assert_int_equal(producer_alive(&producers, 3, true, 15000), PRODUCER_UP);
    assert_int_equal(producer_silent(&producers, 20000)->id, 1);
    assert_null(producer_silent(&producers, 20000));
}

static void a_turn_that_was_not_written_is_decided_again(void **state)
{
    struct producers producers = { .silence_ms = 20000 };

    (void)state;
    assert_int_equal(producer_alive(&producers, 1, true, 2000), PRODUCER_UP);
    producer_revert(&producers);
    assert_int_equal(producer_alive(&producers, 1, true, 3000), PRODUCER_UP);
    producer_set(&producers, 1, true, 3000);
    producer_revert(&producers);
    assert_int_equal(producer_alive(&producers, 1, true, 4000), PRODUCER_STAYS);
    producer_reset(&producers);
    assert_int_equal(producer_alive(&producers, 1, true, 5000), PRODUCER_UP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transitions),
        cmocka_unit_test(silence_downs_only_the_silent_one),
        cmocka_unit_test(a_turn_that_was_not_written_is_decided_again),
    };

    return cmocka_run_group_tests_name("producer", tests, NULL, NULL);
}
