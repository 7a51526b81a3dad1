/* Part of store_suite.h: chunks of settlement, on both stores. */
#ifndef TESTS_STORE_SETTLE_H
#define TESTS_STORE_SETTLE_H

static const char *const won = "[[1,0,1000000000000]]";

static struct settle_item suite_item(int64_t account, uint32_t n, int64_t version,
                                     enum bet_state bet_state, int64_t payout, int64_t delta,
                                     int64_t staked)
{
    return (struct settle_item){
        .account = account, .bet = suite_bet_id(n), .version = version,
        .state = bet_state, .payout_minor = payout, .delta_minor = delta,
        .staked_delta_minor = staked, .settled_ms = SUITE_NOW + 5000,
        .results = str_of(bet_state == BET_SETTLED ? won : ""), .event = 2,
    };
}

static void test_settlement_pays_in_chunks(void **state)
{
    struct settle_item items[2];
    struct settle_write write = { .items = items, .n = 2, .advance = true };
    struct fact fact = suite_fact(10);
    struct settle_fetch fetch;
    struct store_exec exec;

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 5000);
    suite_place(1000, "b1", 1000, 1);
    suite_place(1000, "b2", 2000, 2);
    assert_int_equal(suite_results(&fact, 1, 10), STORE_OK);

    fetch = suite_fetch(fact.key, 0, 1);
    assert_int_equal(fetch.n, 1);
    assert_int_equal(fetch.rows[0].id, suite_bet_id(1));
    assert_int_equal(fetch.rows[0].stake_minor, 1000);
    assert_int_equal(fetch.rows[0].state, BET_ACCEPTED);
    fetch = suite_fetch(fact.key, suite_bet_id(1), 100);
    assert_int_equal(fetch.n, 1);
    assert_int_equal(fetch.rows[0].id, suite_bet_id(2));

    items[0] = suite_item(1000, 1, 1, BET_SETTLED, 2500, 2500, -1000);
    items[1] = suite_item(1000, 2, 1, BET_SETTLED, 5000, 5000, -2000);
    write.market_key = fact.key;
    write.pos = 10;
    write.cursor = suite_bet_id(2);
    assert_int_equal(suite_write(&write), STORE_OK);
    assert_true(items[0].applied && items[1].applied);
    suite_expect_account(1000, 9500, 0, 0, 5);
    exec = suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, -1);
    assert_int_equal(EXEC_CELL(&exec, 0, 2).i, suite_bet_id(2));
    exec = suite_get(STATEMENT_BET_GET, 1000, suite_bet_id(1));
    assert_int_equal(EXEC_CELL(&exec, 0, 2).i, 2);
    assert_int_equal(EXEC_CELL(&exec, 0, 3).i, BET_SETTLED);
    assert_int_equal(EXEC_CELL(&exec, 0, 7).i, 2500);
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, fact.key, 10);
}

static void test_an_old_version_is_not_applied(void **state)
{
    struct settle_item items[2];
    struct settle_write write = { .items = items, .n = 2, .advance = true };
    struct fact fact = suite_fact(10);
    struct store_exec exec;

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 5000);
    suite_place(1000, "b1", 1000, 1);
    suite_place(1000, "b2", 1000, 2);
    assert_int_equal(suite_results(&fact, 1, 10), STORE_OK);
    items[0] = suite_item(1000, 1, 7, BET_SETTLED, 2500, 2500, -1000);
    items[1] = suite_item(1000, 2, 1, BET_SETTLED, 2500, 2500, -1000);
    write.market_key = fact.key;
    write.pos = 10;
    write.cursor = suite_bet_id(2);
    assert_int_equal(suite_write(&write), STORE_OK);
    assert_false(items[0].applied);
    assert_true(items[1].applied);
    suite_expect_account(1000, 5500, 0, 1000, 4);
    exec = suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, -1);
    assert_int_equal(EXEC_CELL(&exec, 0, 2).i, 0); /* the cursor stays */
}

/* What was graded before newer facts came is not written after them. */
static void rule_01_what_new_facts_overtook_is_not_written(void **state)
{
    struct settle_item item = suite_item(1000, 1, 1, BET_SETTLED, 2500, 2500, -1000);
    struct settle_write write = { .items = &item, .n = 1, .advance = true, .pos = 10 };
    struct fact fact = suite_fact(10), rollback = suite_fact(11);
    struct store_exec exec;

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 1000);
    suite_place(1000, "b1", 1000, 1);
    rollback.kind = FACT_ROLLBACK_SETTLEMENT;
    rollback.timestamp_ms++;
    rollback.n_outcomes = 0;
    write.market_key = fact.key;
    write.cursor = suite_bet_id(1);
    assert_int_equal(suite_results(&fact, 1, 10), STORE_OK);
    assert_int_equal(suite_results(&rollback, 1, 11), STORE_OK);
    assert_int_equal(suite_write(&write), STORE_OK);
    assert_true(write.stale);
    assert_false(item.applied);
    suite_expect_account(1000, 0, 0, 1000, 2);
    exec = suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, -1);
    assert_int_equal(EXEC_CELL(&exec, 0, 2).i, 0);
    write.pos = 11;
    assert_int_equal(suite_write(&write), STORE_OK);
    assert_false(write.stale);
    assert_true(item.applied);
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, fact.key, 11);
    item.version = 2; /* another process has finished the market */
    assert_int_equal(suite_write(&write), STORE_OK);
    assert_true(write.stale);
    item = suite_item(1000, 1, 2, BET_ACCEPTED, 0, -2500, 1000); /* as the facts say */
    write.pos = 0;
    assert_int_equal(suite_write(&write), STORE_OK);
}

static void rule_06_clawback_becomes_debt(void **state)
{
    struct settle_item item = suite_item(1000, 1, 1, BET_SETTLED, 2500, 2500, -1000);
    struct settle_write write = { .items = &item, .n = 1 };
    struct money_cmd withdrawal;

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 1000);
    suite_place(1000, "b1", 1000, 1);
    assert_int_equal(suite_write(&write), STORE_OK);
    withdrawal = suite_cmd(MONEY_WITHDRAWAL, 1000, "w1", 2000);
    assert_int_equal(suite_money(&withdrawal, 1), STORE_OK);
    suite_expect_account(1000, 500, 0, 0, 4);
    item = suite_item(1000, 1, 2, BET_ACCEPTED, 0, -2500, 1000);
    item.event = 3;
    assert_int_equal(suite_write(&write), STORE_OK);
    suite_expect_account(1000, 0, 2000, 1000, 5);
    suite_deposit(1000, "d2", 1500); /* a credit repays debt first */
    suite_expect_account(1000, 0, 500, 1000, 6);
    suite_deposit(1000, "d3", 1500);
    suite_expect_account(1000, 1000, 0, 1000, 7);
}

/* Nobody's money grows beyond numbers, and nobody takes the process along. */
static void rule_06_a_balance_has_an_end(void **state)
{
    struct money_cmd cmd;

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", INT64_MAX / 2 - 1);
    cmd = suite_cmd(MONEY_DEPOSIT, 1000, "d2", INT64_MAX / 2 + 100);
    assert_int_equal(suite_money(&cmd, 1), STORE_REJECTED);
    suite_expect_account(1000, INT64_MAX / 2 - 1, 0, 0, 1);
    assert_true(store_is_up(suite.store));
}

static void rule_06_a_poisoned_row_is_rejected_alone(void **state)
{
    struct settle_item item = suite_item(1000, 1, 1, BET_SETTLED, INT64_MAX, INT64_MAX, -100);
    struct settle_write write = { .items = &item, .n = 1 };

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 1000);
    suite_place(1000, "b1", 100, 1);
    assert_int_equal(suite_write(&write), STORE_REJECTED);
    suite_expect_account(1000, 900, 0, 100, 2);
    assert_true(store_is_up(suite.store));
}

#endif
