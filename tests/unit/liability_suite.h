/*
 * Rule 14 on both engines: processes that charge one outcome at the same time
 * never pass its limit, and come close to it; the same storm on a guard that
 * reads, then writes, does pass it.
 */
#ifndef TESTS_UNIT_LIABILITY_SUITE_H
#define TESTS_UNIT_LIABILITY_SUITE_H

#include "bets/liability.h"
#include "tests/unit/store_suite.h"

enum { L_PROCESSES = 3, L_CLAIMS = 600 };
#define L_CAP 100000

static struct l_world {
    struct store *stores[L_PROCESSES]; /* PostgreSQL: each its own */
    struct liability *processes[L_PROCESSES];
    struct liability_claim claims[L_CLAIMS];
    enum liability_result results[L_CLAIMS];
    struct house house;
    unsigned over; /* the next market is */
} l;

static bool l_is_over(void *ctx, struct market_id id)
{
    (void)ctx;
    return l.over > 0 && market_id_equal(id, suite_market());
}

static struct store *l_store(void)
{
    struct store_options options = { .url = suite.url, .lanes = 1, .readers = 1,
                                     .company = STORE_BESIDE };
    struct str error = STR_NONE;
    struct store *store;

    if (strncmp(suite.url, "sqlite:", 7) == 0)
        return suite.store; /* one process alone may have the file */
    store = store_open(&suite.loop, &options, &suite.arena, &error);
    if (store == NULL)
        fail_msg(STR_FMT, STR_ARG(error));
    return store;
}

static void l_start(uint32_t n)
{
    struct str error;

    memset(&l, 0, sizeof(l));
    assert_true(house_read(&l.house, STR("EUR"), STR("USD=0.5"), &suite.arena, &error));
    for (uint32_t i = 0; i < n; i++) {
        l.stores[i] = l_store();
        l.processes[i] = liability_new(&(struct liability_options){
            .loop = &suite.loop, .store = l.stores[i], .house = &l.house, .node = i + 1,
            .tick_ms = 3600000, .is_over = l_is_over,
        });
    }
}

static void l_settle(void)
{
    for (int turns = 0; turns < 100000; turns++) {
        bool idle = true;

        for (uint32_t i = 0; i < L_PROCESSES; i++)
            idle = idle && (l.processes[i] == NULL || liability_is_idle(l.processes[i]));
        if (idle)
            return;
        (void)uv_run(&suite.loop, UV_RUN_ONCE);
    }
    fail_msg("asks that do not end");
}

static void l_stop(void)
{
    l_settle();
    for (uint32_t i = 0; i < L_PROCESSES; i++) {
        liability_free(l.processes[i]);
        if (l.stores[i] == NULL || l.stores[i] == suite.store)
            continue;
        suite.closed = false;
        store_close(l.stores[i], suite_on_closed, NULL);
        while (!suite.closed)
            (void)uv_run(&suite.loop, UV_RUN_ONCE);
    }
    (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
}

static void l_on_done(struct liability_claim *claim, enum liability_result result)
{
    assert_int_equal(l.results[claim - l.claims], LIABILITY_WAITING); /* told once */
    l.results[claim - l.claims] = result;
}

/* On the home win. */
static enum liability_result l_charge(uint32_t process, uint32_t i, int64_t amount,
                                      int64_t limit)
{
    struct liability_claim *claim = &l.claims[i];

    *claim = (struct liability_claim){ .n_legs = 1, .on_done = l_on_done };
    claim->legs[0] = (struct liability_leg){ .market = suite_market(), .outcome = STR("1"),
                                             .limit_minor = limit, .amount_minor = amount };
    l.results[i] = liability_charge(l.processes[process], claim);
    return l.results[i];
}

static enum liability_result l_charged(uint32_t process, uint32_t i, int64_t amount,
                                       int64_t limit)
{
    if (l_charge(process, i, amount, limit) == LIABILITY_WAITING)
        l_settle();
    return l.results[i];
}

/* What the row says is granted. */
static int64_t l_granted(void)
{
    struct store_exec exec = { .n = 1, .calls = { { STATEMENT_LIABILITY_GRANT,
        { VALUE_INT(market_key(suite_market())), VALUE_STR(STR("1")), VALUE_INT(0),
          VALUE_INT(-1), VALUE_INT(0) } } } };

    assert_int_equal(suite_exec(&exec), STORE_OK);
    return exec.rows == 0 ? -1 : EXEC_CELL(&exec, 0, 1).i;
}

static int64_t l_amount(uint32_t i)
{
    return 50 + (int64_t)(i * UINT32_C(2654435761) % 600);
}

/* ---- the storm ------------------------------------------------------------- */

static void rule_14_processes_at_once_never_pass_the_cap(void **state)
{
    int64_t sum = 0;
    uint32_t full = 0;

    (void)state;
    l_start(L_PROCESSES);
    for (uint32_t i = 0; i < L_CLAIMS; i++) {
        (void)l_charge(i % L_PROCESSES, i, l_amount(i), L_CAP);
        if (i % 7 == 0) /* some come while others are asked for */
            (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
    }
    l_settle();
    for (uint32_t i = 0; i < L_CLAIMS; i++) {
        assert_true(l.results[i] == LIABILITY_CHARGED || l.results[i] == LIABILITY_FULL);
        sum += l.results[i] == LIABILITY_CHARGED ? l_amount(i) : 0;
        full += l.results[i] == LIABILITY_FULL;
    }
    assert_true(full > 0);
    assert_true(sum <= L_CAP);
    assert_true(sum > L_CAP - L_CAP / 20); /* close to it */
    assert_true(l_granted() >= sum && l_granted() <= L_CAP);
    for (uint32_t i = 0; i < L_CLAIMS; i++)
        if (l.results[i] == LIABILITY_CHARGED)
            liability_keep(l.processes[i % L_PROCESSES], &l.claims[i]);
    l_stop();
}

/* The guard taken out: it reads what is granted, then adds to it. */
struct l_naive {
    struct store_exec exec;
    struct arena arena;
    int64_t amount;
    bool written, accepted;
};

static struct statement_call l_add_call(int64_t amount)
{
    return (struct statement_call){ STATEMENT_LIABILITY_GRANT,
        { VALUE_INT(market_key(suite_market())), VALUE_STR(STR("1")), VALUE_INT(0),
          VALUE_INT(-1), VALUE_INT(amount) } };
}

static void l_on_naive(struct store_exec *exec, enum store_result result)
{
    struct l_naive *naive = exec->ctx;

    assert_int_equal(result, STORE_OK);
    if (!naive->written && EXEC_CELL(exec, 0, 1).i + naive->amount <= L_CAP) {
        naive->written = naive->accepted = true;
        exec->calls[0] = l_add_call(naive->amount);
        store_exec(suite.store, exec);
        return;
    }
    suite.waiting--;
}

static void rule_14_without_the_guard_the_storm_overshoots(void **state)
{
    static struct l_naive naive[L_CLAIMS];
    struct store_exec seed = { .n = 1, .calls = { { STATEMENT_LIABILITY_SEED,
        { VALUE_INT(market_key(suite_market())), VALUE_STR(STR("1")), VALUE_INT(0) } } } };
    int64_t sum = 0;

    (void)state;
    assert_int_equal(suite_exec(&seed), STORE_OK);
    for (uint32_t i = 0; i < L_CLAIMS; i++) {
        naive[i] = (struct l_naive){ .amount = l_amount(i) };
        arena_init(&naive[i].arena, 1 << 16);
        naive[i].exec = (struct store_exec){ .n = 1, .calls = { l_add_call(0) },
            .arena = &naive[i].arena, .on_done = l_on_naive, .ctx = &naive[i] };
        suite.waiting++;
        store_exec(suite.store, &naive[i].exec);
    }
    suite_wait();
    for (uint32_t i = 0; i < L_CLAIMS; i++) {
        sum += naive[i].accepted ? naive[i].amount : 0;
        arena_fini(&naive[i].arena);
    }
    assert_true(sum > L_CAP);
}

/* ---- one by one ------------------------------------------------------------- */

static void rule_14_what_was_given_back_is_there_again(void **state)
{
    (void)state;
    l_start(2);
    assert_int_equal(l_charged(0, 0, 600, 1000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(1, 1, 600, 1000), LIABILITY_FULL);
    assert_true(l.claims[1].room_minor <= 400 && l.claims[1].room_minor >= 300);
    assert_int_equal(l_charged(1, 1, l.claims[1].room_minor, 1000), LIABILITY_CHARGED);
    liability_release(l.processes[0], &l.claims[0]);
    assert_int_equal(l_charged(0, 0, 600, 1000), LIABILITY_CHARGED); /* its own grant */
    liability_release(l.processes[0], &l.claims[0]);
    liability_drain(l.processes[0]); /* it goes, and leaves what it had */
    l_settle();
    assert_int_equal(l_charged(1, 2, 600, 1000), LIABILITY_CHARGED);
    liability_keep(l.processes[1], &l.claims[1]);
    liability_keep(l.processes[1], &l.claims[2]);
    assert_true(l_granted() <= 1000);
    l_stop();
}

static void rule_14_a_bet_that_is_over_frees_its_room_once(void **state)
{
    (void)state;
    l_start(1);
    assert_int_equal(l_charged(0, 0, 900, 1000), LIABILITY_CHARGED);
    liability_keep(l.processes[0], &l.claims[0]);
    assert_int_equal(l_charged(0, 1, 200, 1000), LIABILITY_FULL);
    assert_int_equal(l.claims[1].room_minor, 100);
    liability_take(l.processes[0], suite_market(), STR("1"), 900);
    liability_take(l.processes[0], suite_market(), STR("2"), 900); /* not ours */
    assert_int_equal(l_charged(0, 1, 1000, 1000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(0, 2, 1, 1000), LIABILITY_FULL);
    liability_release(l.processes[0], &l.claims[1]);
    l_stop();
}

static void rule_14_the_row_begins_with_what_is_open(void **state)
{
    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d", 100000);
    for (uint32_t i = 0; i < 3; i++) { /* each costs 1.5 x its stake */
        char key[2] = { (char)('a' + i), '\0' };

        suite_place(1000, key, 200, i);
    }
    l_start(2);
    assert_int_equal(l_charged(0, 0, 101, 1000), LIABILITY_FULL);
    assert_int_equal(l.claims[0].room_minor, 100);
    assert_int_equal(l_charged(1, 1, 100, 1000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(0, 2, 1, 1000), LIABILITY_FULL);
    liability_keep(l.processes[1], &l.claims[1]);
    assert_int_equal(l_granted(), 1000);
    l_stop();
}

static void rule_14_a_limit_is_moved_for_new_bets(void **state)
{
    (void)state;
    l_start(1);
    assert_int_equal(l_charged(0, 0, 500, 1000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(0, 1, 100, 400), LIABILITY_FULL); /* lowered below */
    assert_int_equal(l.claims[1].room_minor, 0);
    assert_int_equal(l_charged(0, 1, 1500, 2000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(0, 2, 1, 2000), LIABILITY_FULL);
    assert_int_equal(l_charged(0, 2, 1, 0), LIABILITY_FULL);
    assert_int_equal(l_charged(0, 2, 1, -1), LIABILITY_CHARGED); /* none */
    liability_add(l.processes[0], suite_market(), STR("1"), 300); /* such a bet counts */
    assert_int_equal(l_charged(0, 3, 101, 2400), LIABILITY_FULL);
    assert_int_equal(l.claims[3].room_minor, 100);
    liability_release(l.processes[0], &l.claims[0]);
    liability_release(l.processes[0], &l.claims[1]);
    l_stop();
}

static void rule_14_a_charge_follows_the_odds(void **state)
{
    (void)state;
    l_start(1);
    assert_int_equal(l_charged(0, 0, 500, 1000), LIABILITY_CHARGED);
    assert_true(liability_recharge(l.processes[0], &l.claims[0], 400));
    assert_true(liability_recharge(l.processes[0], &l.claims[0], 500));
    assert_false(liability_recharge(l.processes[0], &l.claims[0], 1001));
    assert_true(l.claims[0].room_minor >= 500 && l.claims[0].room_minor <= 1000);
    assert_true(liability_recharge(l.processes[0], &l.claims[0], l.claims[0].room_minor));
    liability_release(l.processes[0], &l.claims[0]);
    l_stop();
}

static void rule_14_a_multiple_takes_all_of_its_legs_or_none(void **state)
{
    struct liability_claim *both = &l.claims[0];

    (void)state;
    l_start(1);
    *both = (struct liability_claim){ .n_legs = 2, .on_done = l_on_done };
    for (uint32_t i = 0; i < 2; i++)
        both->legs[i] = (struct liability_leg){
            .market = suite_market(), .outcome = i == 0 ? STR("1") : STR("2"),
            .limit_minor = i == 0 ? 1000 : 100, .amount_minor = 800 };
    l.results[0] = liability_charge(l.processes[0], both);
    l_settle();
    assert_int_equal(l.results[0], LIABILITY_FULL);
    assert_int_equal(both->room_minor, 100);
    assert_int_equal(l_charged(0, 1, 1000, 1000), LIABILITY_CHARGED);
    liability_release(l.processes[0], &l.claims[1]);
    l_stop();
}

static void l_join(int64_t node, int64_t now_ms, bool alone)
{
    struct str error = STR_NONE;
    struct db *db;

    suite_close();
    db = db_open(suite.url, DB_WRITE, &suite.arena, &error);
    assert_non_null(db);
    assert_true(liability_join(db, node, now_ms, alone, &error));
    db_close(db);
    suite_open();
}

/* One charge of 500, kept, by a process that then is gone. */
static void l_leave_a_row(void)
{
    l_start(1);
    assert_int_equal(l_charged(0, 0, 500, 1000), LIABILITY_CHARGED);
    liability_keep(l.processes[0], &l.claims[0]);
    l_stop();
    assert_true(l_granted() >= 500);
}

static void rule_14_rows_are_forgotten_when_nobody_lives_on_them(void **state)
{
    (void)state;
    l_leave_a_row();
    l_join(7, SUITE_NOW, false); /* nobody was seen */
    assert_int_equal(l_granted(), -1);
    l_leave_a_row();
    l_join(8, SUITE_NOW + 1000, false); /* 7 was, a second ago */
    assert_true(l_granted() >= 500);
    l_join(9, SUITE_NOW + 2000, true); /* it cannot be */
    assert_int_equal(l_granted(), -1);
    l_leave_a_row();
    l_join(10, SUITE_NOW + 600000, false); /* all are gone long since */
    assert_int_equal(l_granted(), -1);
}

#define LIABILITY_SUITE                                              \
    SUITE_TEST(rule_14_processes_at_once_never_pass_the_cap),        \
    SUITE_TEST(rule_14_without_the_guard_the_storm_overshoots),      \
    SUITE_TEST(rule_14_what_was_given_back_is_there_again),          \
    SUITE_TEST(rule_14_a_bet_that_is_over_frees_its_room_once),      \
    SUITE_TEST(rule_14_the_row_begins_with_what_is_open),            \
    SUITE_TEST(rule_14_a_limit_is_moved_for_new_bets),               \
    SUITE_TEST(rule_14_a_charge_follows_the_odds),                   \
    SUITE_TEST(rule_14_a_multiple_takes_all_of_its_legs_or_none),    \
    SUITE_TEST(rule_14_rows_are_forgotten_when_nobody_lives_on_them)

#endif
