/* What commands and settlement say of the account after them, on both
 * engines; a part of store_suite.h. */
#ifndef TESTS_UNIT_STORE_MONEY_H
#define TESTS_UNIT_STORE_MONEY_H

static void expect_after(const struct money_cmd *cmd, int64_t seq, int64_t balance,
                         int64_t debt, int64_t staked)
{
    assert_int_equal(cmd->seq, seq);
    assert_int_equal(cmd->balance_minor, balance);
    assert_int_equal(cmd->debt_minor, debt);
    assert_int_equal(cmd->staked_minor, staked);
}

static void test_a_command_says_what_it_left(void **state)
{
    struct money_cmd deposit, bet, refused;

    (void)state;
    suite_add_customer(1000);
    deposit = suite_cmd(MONEY_DEPOSIT, 1000, "d1", 5000);
    assert_int_equal(suite_money(&deposit, 1), STORE_OK);
    expect_after(&deposit, 1, 5000, 0, 0);
    bet = suite_bet(1000, "b1", 1200, 1);
    assert_int_equal(suite_money(&bet, 1), STORE_OK);
    expect_after(&bet, 2, 3800, 0, 1200);
    refused = suite_bet(1000, "b2", 9999, 2);
    assert_int_equal(suite_money(&refused, 1), STORE_OK);
    assert_int_equal(refused.decided, REFUSE_INSUFFICIENT_FUNDS);
    expect_after(&refused, 0, 3800, 0, 1200);
}

static void expect_item(const struct settle_item *item, int64_t seq, int64_t balance,
                        int64_t debt, int64_t staked)
{
    assert_true(item->applied);
    assert_int_equal(item->seq, seq);
    assert_int_equal(item->balance_minor, balance);
    assert_int_equal(item->debt_minor, debt);
    assert_int_equal(item->staked_minor, staked);
}

/* Also one that moves nothing, and two of one account in one write. */
static void test_settlement_says_what_it_left(void **state)
{
    struct settle_item items[3];
    struct settle_write write = { .items = items, .n = 3 };
    struct money_cmd withdrawal;

    (void)state;
    suite_add_customer(1000);
    suite_add_customer(1001);
    suite_deposit(1000, "d1", 3000);
    suite_deposit(1001, "d1", 500);
    suite_place(1000, "b1", 1000, 1);
    suite_place(1000, "b2", 2000, 2);
    suite_place(1001, "b1", 500, 3);
    items[0] = suite_item(1000, 1, 1, BET_SETTLED, 2500, 2500, -1000);
    items[1] = suite_item(1001, 3, 1, BET_ACCEPTED, 0, 0, 0);
    items[1].event = 0;
    items[2] = suite_item(1000, 2, 1, BET_SETTLED, 0, 0, -2000);
    assert_int_equal(suite_write(&write), STORE_OK);
    expect_item(&items[0], 4, 2500, 0, 2000);
    expect_item(&items[1], 2, 0, 0, 500);
    expect_item(&items[2], 5, 2500, 0, 0);

    withdrawal = suite_cmd(MONEY_WITHDRAWAL, 1000, "w1", 2000);
    assert_int_equal(suite_money(&withdrawal, 1), STORE_OK);
    items[0] = suite_item(1000, 1, 2, BET_ACCEPTED, 0, -2500, 1000);
    items[1] = suite_item(1000, 2, 2, BET_ACCEPTED, 0, 0, 2000);
    write = (struct settle_write){ .items = items, .n = 2 };
    assert_int_equal(suite_write(&write), STORE_OK);
    expect_item(&items[0], 7, 0, 2000, 1000);
    expect_item(&items[1], 8, 0, 2000, 3000);
}

#define STORE_MONEY_SUITE                              \
    SUITE_TEST(test_a_command_says_what_it_left),      \
    SUITE_TEST(test_settlement_says_what_it_left)

#endif
