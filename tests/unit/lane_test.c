/*
 * Group commit against a store made here: it keeps the batches it gets, and
 * each test says what becomes of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "bets/lane.h"

#define COMMANDS 2000
#define LANES_MAX 4

/* ---- the store ---------------------------------------------------------- */

static struct money_batch *pending[LANES_MAX];
static unsigned n_lanes, n_batches;
static bool up;

bool store_is_up(const struct store *store)
{
    (void)store;
    return up;
}

unsigned store_lanes(const struct store *store)
{
    (void)store;
    return n_lanes;
}

void store_money(struct store *store, unsigned lane, struct money_batch *batch)
{
    (void)store;
    assert_true(lane < n_lanes);
    assert_null(pending[lane]); /* one in flight */
    assert_in_range(batch->n, 1, LIMIT_BATCH);
    for (uint32_t i = 0; i < batch->n; i++)
        for (uint32_t j = 0; j < i; j++)
            assert_true(batch->cmds[i]->account != batch->cmds[j]->account);
    if (batch->wait)
        assert_int_equal(batch->n, 1);
    pending[lane] = batch;
    n_batches++;
}

/* ---- the commands -------------------------------------------------------- */

static uv_loop_t loop;
static uv_timer_t alive; /* the listener's part: a loop without work does not turn */
static struct lanes *lanes;
static struct lane_cmd commands[COMMANDS];
static int order[COMMANDS], results[COMMANDS], formed[COMMANDS];
static int n_done;
static bool looked; /* in this turn */

static void on_turn(void *ctx)
{
    (void)ctx;
    looked = true;
}

static void on_form(void *ctx, struct lane_cmd *cmd)
{
    (void)ctx;
    assert_true(looked); /* before anything is judged */
    formed[cmd - commands]++;
}

static void on_done(void *ctx, struct lane_cmd *cmd, enum lane_result result)
{
    (void)ctx;
    assert_int_equal(results[cmd - commands], -1); /* answered once */
    results[cmd - commands] = (int)result;
    order[n_done++] = (int)(cmd - commands);
}

static void on_alive(uv_timer_t *timer)
{
    (void)timer;
}

static void start_paced(unsigned lanes_wanted, int64_t pace_us)
{
    static char a_store; /* only its address is used */
    const struct lanes_options options = {
        .loop = &loop, .store = (struct store *)(void *)&a_store, .delay_us_max = 1000000,
        .queue_max = COMMANDS, .pace_us = pace_us, .on_turn = on_turn, .on_form = on_form,
        .on_done = on_done,
    };

    n_lanes = lanes_wanted;
    up = true;
    n_batches = 0;
    n_done = 0;
    for (int i = 0; i < COMMANDS; i++) {
        results[i] = -1;
        formed[i] = 0;
    }
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_timer_init(&loop, &alive), 0);
    assert_int_equal(uv_timer_start(&alive, on_alive, 3600000, 0), 0);
    lanes = lanes_new(&options);
}

static void start(unsigned lanes_wanted)
{
    start_paced(lanes_wanted, 0);
}

static void turn(void)
{
    looked = false;
    (void)uv_run(&loop, UV_RUN_NOWAIT);
}

static void stop(void)
{
    assert_true(lanes_are_idle(lanes));
    lanes_free(lanes);
    uv_close((uv_handle_t *)&alive, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void submit(int i, int64_t account)
{
    commands[i] = (struct lane_cmd){ .money = { .op = MONEY_DEPOSIT, .account = account,
                                                .amount_minor = 1 } };
    lanes_submit(lanes, &commands[i], 0);
}

/* What the commands of a batch become, by number; the default is done. */
static enum money_outcome outcome_of[COMMANDS];

static void finish(unsigned lane, enum store_result result)
{
    struct money_batch *batch = pending[lane];

    assert_non_null(batch);
    pending[lane] = NULL;
    for (uint32_t i = 0; result == STORE_OK && i < batch->n; i++) {
        struct lane_cmd *cmd = (struct lane_cmd *)batch->cmds[i];

        batch->cmds[i]->outcome = outcome_of[cmd - commands];
    }
    batch->on_done(batch, result);
}

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < COMMANDS; i++)
        outcome_of[i] = MONEY_DECIDED;
    for (int i = 0; i < LANES_MAX; i++)
        pending[i] = NULL;
    return 0;
}

/* ---- the tests ------------------------------------------------------------ */

static void what_queues_during_a_commit_is_one_batch(void **state)
{
    (void)state;
    start(1);
    submit(0, 5000);
    assert_null(pending[0]); /* not inside the call: the turn may bring more */
    submit(1, 5001);
    turn();
    assert_int_equal(pending[0]->n, 2);
    for (int i = 2; i < 100; i++)
        submit(i, 5000 + i);
    turn();
    assert_int_equal(n_batches, 1);
    assert_int_equal(lanes_queued(lanes), 98);
    finish(0, STORE_OK);
    assert_int_equal(n_done, 2);
    turn();
    assert_int_equal(pending[0]->n, 98);
    finish(0, STORE_OK);
    assert_int_equal(n_done, 100);
    assert_int_equal(n_batches, 2);
    stop();
}

static void the_longest_wait_is_kept_for_a_time(void **state)
{
    const int64_t second = 1000000;
    int64_t now_us;

    (void)state;
    start(1);
    now_us = clock_mono_us();
    assert_int_equal(lanes_waited_us(lanes, now_us), 0);
    submit(0, 5000);
    commands[0].queued_us = now_us - 2 * second;
    assert_int_equal(lanes_waited_us(lanes, now_us), 2 * second); /* it waits */
    turn();
    finish(0, STORE_OK);
    assert_true(lanes_waited_us(lanes, now_us + second) >= 2 * second); /* it waited */
    assert_true(lanes_waited_us(lanes, now_us + 16 * second) >= 2 * second);
    assert_int_equal(lanes_waited_us(lanes, now_us + 32 * second), 0);
    stop();
}

static void a_paced_lane_waits_for_company(void **state)
{
    (void)state;
    start_paced(1, 10000000);
    submit(0, 5000);
    turn(); /* the first one finds it quiet */
    finish(0, STORE_OK);
    for (int i = 1; i < 64; i++)
        submit(i, 5000 + i);
    turn();
    assert_null(pending[0]);
    assert_false(lanes_are_behind(lanes)); /* nothing is in flight: settlement may go on */
    submit(64, 5064);
    turn();
    assert_int_equal(pending[0]->n, 64);
    submit(65, 5065);
    assert_true(lanes_are_behind(lanes));
    finish(0, STORE_OK);
    for (int i = 66; i < 129; i++)
        submit(i, 5000 + i);
    turn();
    finish(0, STORE_OK);
    stop();
}

static void a_paced_lane_goes_on_by_itself(void **state)
{
    (void)state;
    start_paced(1, 5000);
    submit(0, 5000);
    turn();
    finish(0, STORE_OK);
    submit(1, 5001);
    for (int turns = 0; pending[0] == NULL && turns < 1000; turns++)
        (void)uv_run(&loop, UV_RUN_ONCE);
    assert_non_null(pending[0]);
    finish(0, STORE_OK);
    stop();
}

static void a_batch_has_its_limit(void **state)
{
    (void)state;
    start(1);
    for (int i = 0; i < LIMIT_BATCH + 1; i++)
        submit(i, 5000 + i);
    turn();
    assert_int_equal(pending[0]->n, LIMIT_BATCH);
    finish(0, STORE_OK);
    turn();
    assert_int_equal(pending[0]->n, 1);
    finish(0, STORE_OK);
    stop();
}

static void one_command_of_a_customer_in_a_batch_in_order(void **state)
{
    static const int want[] = { 0, 3, 1, 2 };

    (void)state;
    start(1);
    submit(0, 5000);
    submit(1, 5000);
    submit(2, 5000);
    submit(3, 5001);
    for (int batch = 0; batch < 3; batch++) {
        turn();
        assert_int_equal(pending[0]->n, batch == 0 ? 2 : 1);
        finish(0, STORE_OK);
    }
    for (size_t i = 0; i < LENGTH(want); i++)
        assert_int_equal(order[i], want[i]);
    stop();
}

static void lanes_share_customers_out(void **state)
{
    unsigned busy = 0;

    (void)state;
    start(4);
    for (int i = 0; i < 100; i++)
        submit(i, 5000 + i);
    turn();
    for (unsigned i = 0; i < 4; i++) {
        if (pending[i] != NULL) {
            busy++;
            finish(i, STORE_OK);
        }
    }
    assert_int_equal(busy, 4);
    assert_int_equal(n_done, 100);
    stop();
}

static void rule_25_skipped_goes_first_then_alone(void **state)
{
    (void)state;
    start(1);
    submit(0, 5000);
    submit(1, 5001);
    outcome_of[1] = MONEY_SKIPPED;
    for (int skip = 0; skip < 3; skip++) {
        turn();
        assert_false(pending[0]->wait);
        finish(0, STORE_OK);
        assert_int_equal(results[1], -1);
        submit(2 + skip, 6000 + skip);
        if (skip < 2) {
            turn();
            assert_ptr_equal(pending[0]->cmds[0], &commands[1].money);
            /* finished by the next round */
        }
    }
    turn();
    assert_true(pending[0]->wait);
    assert_ptr_equal(pending[0]->cmds[0], &commands[1].money);
    outcome_of[1] = MONEY_DECIDED;
    finish(0, STORE_OK);
    assert_int_equal(results[1], LANE_DECIDED);
    while (turn(), pending[0] != NULL)
        finish(0, STORE_OK);
    assert_true(formed[1] >= 4); /* judged anew each time */
    stop();
}

static void rule_25_a_locked_account_does_not_hold_the_lane(void **state)
{
    int rounds = 0;

    (void)state;
    start(1);
    submit(0, 5000);
    outcome_of[0] = MONEY_SKIPPED;
    while (results[0] == -1) {
        assert_true(++rounds < 20);
        turn();
        finish(0, STORE_OK);
    }
    assert_int_equal(results[0], LANE_BUSY); /* nothing was applied: say so */
    stop();
}

static void rule_06_the_offender_is_found_alone(void **state)
{
    const int offender = 37;
    int rounds = 0;

    (void)state;
    start(1);
    for (int i = 0; i < 100; i++)
        submit(i, 5000 + i);
    while (n_done < 100) {
        bool poisoned = false;

        assert_true(++rounds < 40);
        turn();
        for (uint32_t i = 0; i < pending[0]->n; i++)
            poisoned = poisoned || pending[0]->cmds[i] == &commands[offender].money;
        finish(0, poisoned ? STORE_REJECTED : STORE_OK);
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(results[i], i == offender ? LANE_BUSY : LANE_DECIDED);
    for (int i = 0; i < LIMIT_BATCH; i++) /* and batches are whole again */
        submit(200 + i, 9000 + i);
    turn();
    assert_int_equal(pending[0]->n, LIMIT_BATCH);
    finish(0, STORE_OK);
    stop();
}

static void rule_13_unknown_is_told_as_unknown(void **state)
{
    (void)state;
    start(1);
    submit(0, 5000);
    submit(1, 5000); /* not in that batch */
    turn();
    finish(0, STORE_UNKNOWN);
    assert_int_equal(results[0], LANE_UNKNOWN);
    assert_int_equal(results[1], -1);
    turn();
    finish(0, STORE_UNAVAILABLE);
    assert_int_equal(results[1], LANE_BUSY);
    stop();
}

static void there_is_no_room_when_the_store_is_down_or_slow(void **state)
{
    const int64_t far = INT64_C(1) << 60; /* the commit has hung since long ago */

    (void)state;
    start(1);
    assert_true(lanes_have_room(lanes, 5000, 0));
    up = false;
    assert_false(lanes_have_room(lanes, 5000, 0));
    up = true;
    submit(0, 5000);
    assert_true(lanes_have_room(lanes, 5000, far)); /* nothing in flight yet */
    turn();
    assert_false(lanes_have_room(lanes, 5000, far));
    finish(0, STORE_OK);
    assert_true(lanes_have_room(lanes, 5000, far));
    stop();
}

static void the_queue_has_its_limit(void **state)
{
    (void)state;
    start(1);
    for (int i = 0; i < COMMANDS; i++)
        submit(i, 5000 + i);
    assert_false(lanes_have_room(lanes, 1, 0));
    while (turn(), pending[0] != NULL)
        finish(0, STORE_OK);
    assert_int_equal(n_done, COMMANDS);
    assert_true(lanes_have_room(lanes, 1, 0));
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_queues_during_a_commit_is_one_batch, set_up),
        cmocka_unit_test_setup(the_longest_wait_is_kept_for_a_time, set_up),
        cmocka_unit_test_setup(a_paced_lane_waits_for_company, set_up),
        cmocka_unit_test_setup(a_paced_lane_goes_on_by_itself, set_up),
        cmocka_unit_test_setup(a_batch_has_its_limit, set_up),
        cmocka_unit_test_setup(one_command_of_a_customer_in_a_batch_in_order, set_up),
        cmocka_unit_test_setup(lanes_share_customers_out, set_up),
        cmocka_unit_test_setup(rule_25_skipped_goes_first_then_alone, set_up),
        cmocka_unit_test_setup(rule_25_a_locked_account_does_not_hold_the_lane, set_up),
        cmocka_unit_test_setup(rule_06_the_offender_is_found_alone, set_up),
        cmocka_unit_test_setup(rule_13_unknown_is_told_as_unknown, set_up),
        cmocka_unit_test_setup(there_is_no_room_when_the_store_is_down_or_slow, set_up),
        cmocka_unit_test_setup(the_queue_has_its_limit, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
