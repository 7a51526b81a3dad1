/* What commands and settlement say of the account after them, on both
 * engines; a part of store_suite.h. */
#ifndef TESTS_UNIT_STORE_MONEY_H
#define TESTS_UNIT_STORE_MONEY_H

#include "model/own_limit.h"

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

/* Standing beats where the bet comes from, which beats the customer's own
 * limit and the balance; nothing moves, and the verdict stays under the key. */
static void test_where_from_is_between_standing_and_limits(void **state)
{
    struct money_cmd cmd, again;

    (void)state;
    suite_add_customer(1000);
    for (int i = 0; i < 2; i++) {
        enum refusal refusal = i == 0 ? REFUSE_COUNTRY_REFUSED : REFUSE_COUNTRY_UNSIGNED;
        const char *key = i == 0 ? "b1" : "b2";

        cmd = suite_bet(1000, key, 1200, 1); /* more than there is */
        cmd.verdict = refusal;
        cmd.detail = STR("\"country\":\"US\"");
        assert_int_equal(suite_money(&cmd, 1), STORE_OK);
        assert_int_equal(cmd.outcome, MONEY_DECIDED);
        assert_int_equal(cmd.decided, refusal);
        expect_after(&cmd, 0, 0, 0, 0);
        again = suite_bet(1000, key, 1200, 2);
        assert_int_equal(suite_money(&again, 1), STORE_OK);
        assert_int_equal(again.outcome, MONEY_KNOWN);
    }
    cmd = suite_cmd(MONEY_DEPOSIT, 1000, "d1", 100);
    cmd.verdict = REFUSE_COUNTRY_REFUSED;
    assert_int_equal(suite_money(&cmd, 1), STORE_OK);
    assert_int_equal(cmd.decided, REFUSE_COUNTRY_REFUSED);
    expect_after(&cmd, 0, 0, 0, 0);
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

/* ---- cash-out ---------------------------------------------------------- */

/* Of suite_bet()'s single at 2.50; `left` of its stake stays. */
static struct money_cmd suite_cashout(int64_t account, const char *key, uint32_t n,
                                      int64_t version, int64_t part, int64_t left)
{
    struct money_cmd cmd = suite_cmd(MONEY_CASHOUT, account, key, part - 10);

    cmd.bet = suite_bet_id(n);
    cmd.version = version;
    cmd.cashed_minor = part;
    cmd.potential_minor = left * 25 / 10;
    cmd.full = left == 0;
    cmd.currency = "EUR";
    cmd.detail = STR("\"paid\":\"9.90\"");
    return cmd;
}

static void expect_bet(uint32_t n, int64_t version, enum bet_state state, int64_t stake,
                       int64_t potential, int64_t cashed_stake, int64_t cashed_paid)
{
    struct store_exec exec = suite_get(STATEMENT_BET_GET, 1000, suite_bet_id(n));

    assert_int_equal(exec.rows, 1);
    assert_int_equal(EXEC_CELL(&exec, 0, 2).i, version);
    assert_int_equal(EXEC_CELL(&exec, 0, 3).i, state);
    assert_int_equal(EXEC_CELL(&exec, 0, 4).i, stake);
    assert_int_equal(EXEC_CELL(&exec, 0, 5).i, potential);
    assert_int_equal(EXEC_CELL(&exec, 0, 16).i, cashed_stake);
    assert_int_equal(EXEC_CELL(&exec, 0, 17).i, cashed_paid);
    assert_true(str_eq(EXEC_CELL(&exec, 0, 18).s, STR("MT")));
}

static void place_one(void)
{
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 5000);
    suite_place(1000, "b1", 1000, 1);
}

static void expect_money(struct money_cmd *cmd, enum money_outcome outcome)
{
    assert_int_equal(suite_money(cmd, 1), STORE_OK);
    assert_int_equal(cmd->outcome, outcome);
}

/* Two keys: one pays; the other finds the bet at another version. */
static void rule_16_a_bet_is_cashed_out_once(void **state)
{
    struct money_cmd first, second;
    struct settle_item item = suite_item(1000, 1, 1, BET_SETTLED, 2500, 2500, -1000);
    struct settle_write write = { .items = &item, .n = 1 };

    (void)state;
    place_one();
    first = suite_cashout(1000, "c1", 1, 1, 1000, 0);
    second = suite_cashout(1000, "c2", 1, 1, 1000, 0);
    expect_money(&first, MONEY_DECIDED);
    expect_after(&first, 3, 4990, 0, 0);
    expect_bet(1, 2, BET_CASHED_OUT, 0, 0, 1000, 990);
    expect_money(&second, MONEY_MOVED);
    expect_money(&first, MONEY_KNOWN);
    suite_expect_account(1000, 4990, 0, 0, 3);
    assert_int_equal(suite_write(&write), STORE_OK);
    assert_false(item.applied); /* it was graded before the cash-out */

    second.version = 2; /* read again: a verdict, stored */
    second.verdict = REFUSE_BET_CLOSED;
    expect_money(&second, MONEY_DECIDED);
    assert_int_equal(second.decided, REFUSE_BET_CLOSED);
    second.verdict = REFUSE_NOTHING;
    expect_money(&second, MONEY_KNOWN);
    suite_expect_account(1000, 4990, 0, 0, 3);
}

static void rule_16_a_part_leaves_the_rest_to_settlement(void **state)
{
    struct settle_item item = suite_item(1000, 1, 3, BET_SETTLED, 1250, 1250, -500);
    struct settle_write write = { .items = &item, .n = 1 };
    struct fact fact = suite_fact(10);
    struct settle_fetch fetch;
    struct money_cmd cmd;
    struct store_exec exec;

    (void)state;
    place_one();
    cmd = suite_cashout(1000, "c1", 1, 1, 300, 700);
    expect_money(&cmd, MONEY_DECIDED);
    expect_after(&cmd, 3, 4290, 0, 700);
    expect_bet(1, 2, BET_ACCEPTED, 700, 1750, 300, 290);
    cmd = suite_cashout(1000, "c2", 1, 2, 200, 500);
    expect_money(&cmd, MONEY_DECIDED);
    expect_bet(1, 3, BET_ACCEPTED, 500, 1250, 500, 480);

    assert_int_equal(suite_results(&fact, 1, 10), STORE_OK);
    fetch = suite_fetch(fact.key, 0, 10);
    assert_int_equal(fetch.rows[0].stake_minor, 500);
    assert_int_equal(fetch.rows[0].cashed_stake_minor, 500);
    assert_int_equal(fetch.rows[0].cashed_paid_minor, 480);
    assert_true(str_eq(fetch.rows[0].country, STR("MT")));
    assert_int_equal(suite_write(&write), STORE_OK);
    expect_item(&item, 5, 5730, 0, 0);
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, fact.key, 10);

    exec = (struct store_exec){ .n = 1, .calls = { { .statement = STATEMENT_KEY_GET } } };
    exec.calls[0].params[0] = VALUE_INT(1000);
    exec.calls[0].params[1] = VALUE_INT(MONEY_BET);
    exec.calls[0].params[2] = VALUE_STR(STR("b1"));
    assert_int_equal(suite_exec(&exec), STORE_OK);
    assert_int_equal(EXEC_CELL(&exec, 0, 6).i, 1000); /* the stake as placed */
    assert_int_equal(EXEC_CELL(&exec, 0, 13).i, 500);
}

/* The epoch ends a session here, too; an exclusion does not hold money back. */
static void rule_15_the_excluded_cash_out(void **state)
{
    struct money_cmd cmd;
    struct str error;
    struct db *db;

    (void)state;
    place_one();
    suite_close();
    db = db_open(suite.ledger, DB_WRITE, &suite.arena, &error);
    assert_non_null(db);
    assert_true(db_run(db, "UPDATE accounts SET excluded_until_ms = 9990000000000", &error));
    db_close(db);
    suite_open();
    cmd = suite_cashout(1000, "c1", 1, 1, 1000, 0);
    cmd.epoch = 2;
    expect_money(&cmd, MONEY_UNAUTHORIZED);
    cmd.epoch = 1;
    expect_money(&cmd, MONEY_DECIDED);
    assert_int_equal(cmd.decided, REFUSE_NOTHING);
}

static void test_a_batch_with_everything(void **state)
{
    struct money_cmd cmds[4];

    (void)state;
    place_one();
    suite_add_customer(1001);
    suite_add_customer(1002);
    suite_deposit(1002, "d1", 800);
    cmds[0] = suite_cmd(MONEY_DEPOSIT, 1001, "d1", 700);
    cmds[1] = suite_cashout(1000, "c1", 1, 1, 400, 600);
    cmds[2] = suite_bet(1002, "b1", 800, 2);
    cmds[3] = suite_cashout(4711, "c1", 1, 1, 400, 600);
    assert_int_equal(suite_money(cmds, 4), STORE_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(cmds[i].decided, REFUSE_NOTHING);
    assert_int_equal(cmds[1].outcome, MONEY_DECIDED);
    assert_int_equal(cmds[3].outcome, MONEY_UNAUTHORIZED);
    suite_expect_account(1000, 4390, 0, 600, 3);
    suite_expect_account(1001, 700, 0, 0, 1);
    suite_expect_account(1002, 0, 0, 800, 2);
}

/* ---- limits ------------------------------------------------------------ */

static struct statement_call suite_periods(enum statement statement, int64_t at_ms)
{
    return (struct statement_call){
        statement, { VALUE_INT(1000), VALUE_INT(own_limit_since(OWN_LIMIT_PERIOD_DAY, at_ms)),
                     VALUE_INT(own_limit_since(OWN_LIMIT_PERIOD_WEEK, at_ms)),
                     VALUE_INT(own_limit_since(OWN_LIMIT_PERIOD_MONTH, at_ms)) },
    };
}

static void suite_limit(enum own_limit_kind kind, enum own_limit_period period, int64_t amount)
{
    struct store_exec exec = { .n = 4 };

    exec.calls[0] = (struct statement_call){ STATEMENT_LIMITS_TURN_ON, { VALUE_INT(1000) } };
    exec.calls[1] = suite_periods(STATEMENT_LIMITS_ADD, SUITE_NOW);
    exec.calls[2] = (struct statement_call){
        STATEMENT_LIMIT_SET, { VALUE_INT(1000), VALUE_INT(kind), VALUE_INT(period),
                               VALUE_INT(amount), VALUE_INT(SUITE_NOW),
                               VALUE_INT(OWN_LIMIT_RAISE_MS) },
    };
    exec.calls[3] = suite_periods(STATEMENT_LIMITS_GET, SUITE_NOW);
    assert_int_equal(suite_exec(&exec), STORE_OK);
    assert_int_equal(exec.rows, 9);
}

static int64_t suite_used(enum own_limit_kind kind, enum own_limit_period period, int64_t at_ms)
{
    struct store_exec exec = { .n = 1, .calls = { suite_periods(STATEMENT_LIMITS_GET, at_ms) } };

    assert_int_equal(suite_exec(&exec), STORE_OK);
    assert_int_equal(exec.rows, 9);
    return EXEC_CELL(&exec, (unsigned)(kind - 1) * 3 + (unsigned)period - 1, 5).i;
}

static void expect_reached(const struct money_cmd *cmd, enum own_limit_kind kind,
                           enum own_limit_period period, int64_t left)
{
    struct own_limit_reached reached;

    assert_int_equal(cmd->decided, REFUSE_LIMIT_REACHED);
    assert_true(own_limit_reached_unpack(cmd->limit_reached, &reached));
    assert_int_equal(reached.kind, kind);
    assert_int_equal(reached.period, period);
    assert_int_equal(reached.left_minor, left);
}

static void rule_15_limits_are_in_the_statement(void **state)
{
    struct money_cmd cmd;

    (void)state;
    place_one(); /* deposits 50.00, stakes 10.00: before there was a limit */
    suite_limit(OWN_LIMIT_KIND_STAKE, OWN_LIMIT_PERIOD_DAY, 3000);
    suite_limit(OWN_LIMIT_KIND_LOSS, OWN_LIMIT_PERIOD_WEEK, 2500);
    suite_limit(OWN_LIMIT_KIND_DEPOSIT, OWN_LIMIT_PERIOD_MONTH, 6000);
    assert_int_equal(suite_used(OWN_LIMIT_KIND_STAKE, OWN_LIMIT_PERIOD_DAY, SUITE_NOW), 1000);
    cmd = suite_bet(1000, "b2", 1501, 2);
    expect_money(&cmd, MONEY_DECIDED);
    expect_reached(&cmd, OWN_LIMIT_KIND_LOSS, OWN_LIMIT_PERIOD_WEEK, 1500);
    expect_money(&cmd, MONEY_KNOWN);
    cmd = suite_bet(1000, "b3", 1500, 3);
    cmd.verdict = REFUSE_UNKNOWN_SELECTION; /* a rung above the limit's */
    expect_money(&cmd, MONEY_DECIDED);
    assert_int_equal(cmd.decided, REFUSE_UNKNOWN_SELECTION);
    cmd = suite_bet(1000, "b4", 1501, 4);
    cmd.verdict = REFUSE_MARKET_SUSPENDED; /* one below */
    expect_money(&cmd, MONEY_DECIDED);
    expect_reached(&cmd, OWN_LIMIT_KIND_LOSS, OWN_LIMIT_PERIOD_WEEK, 1500);
    suite_place(1000, "b5", 1500, 5);
    cmd = suite_cmd(MONEY_DEPOSIT, 1000, "d2", 1001);
    expect_money(&cmd, MONEY_DECIDED);
    expect_reached(&cmd, OWN_LIMIT_KIND_DEPOSIT, OWN_LIMIT_PERIOD_MONTH, 1000);
    suite_deposit(1000, "d3", 1000);
    cmd = suite_cmd(MONEY_WITHDRAWAL, 1000, "w1", 3500);
    expect_money(&cmd, MONEY_DECIDED);
    assert_int_equal(cmd.decided, REFUSE_NOTHING);
}

/* What was judged stands before a limit by its row, whatever its id. */
static void rule_15_a_limit_has_its_place_in_the_ladder(void **state)
{
    unsigned n, limit = 0;
    const struct refusal_info *table = refusal_table(&n);

    (void)state;
    place_one();
    suite_limit(OWN_LIMIT_KIND_STAKE, OWN_LIMIT_PERIOD_DAY, 1000);
    while (table[limit].refusal != REFUSE_LIMIT_REACHED)
        limit++;
    for (unsigned i = 0; i < n; i++) {
        struct money_cmd cmd = suite_bet(1000, table[i].code, 1, 10 + i);

        cmd.verdict = table[i].refusal;
        expect_money(&cmd, MONEY_DECIDED);
        assert_int_equal(cmd.decided, i < limit ? table[i].refusal : REFUSE_LIMIT_REACHED);
        assert_int_equal(cmd.limit_reached != 0, i > limit);
    }
}

/* A cash-out and a payout give back to the loss what they pay. */
static void rule_15_what_is_paid_is_no_loss(void **state)
{
    struct settle_item item = suite_item(1000, 1, 2, BET_SETTLED, 1500, 1500, -600);
    struct settle_write write = { .items = &item, .n = 1 };
    struct fact fact = suite_fact(10);
    struct money_cmd cmd;

    (void)state;
    place_one();
    suite_limit(OWN_LIMIT_KIND_LOSS, OWN_LIMIT_PERIOD_DAY, 1000);
    cmd = suite_cashout(1000, "c1", 1, 1, 400, 600);
    expect_money(&cmd, MONEY_DECIDED);
    assert_int_equal(suite_used(OWN_LIMIT_KIND_LOSS, OWN_LIMIT_PERIOD_DAY, SUITE_NOW), 610);
    assert_int_equal(suite_results(&fact, 1, 10), STORE_OK);
    assert_int_equal(suite_write(&write), STORE_OK);
    assert_true(item.applied);
    assert_int_equal(suite_used(OWN_LIMIT_KIND_LOSS, OWN_LIMIT_PERIOD_DAY, SUITE_NOW), -890);
    assert_int_equal(suite_used(OWN_LIMIT_KIND_LOSS, OWN_LIMIT_PERIOD_MONTH, SUITE_NOW), -890);
    assert_int_equal(suite_used(OWN_LIMIT_KIND_STAKE, OWN_LIMIT_PERIOD_DAY, SUITE_NOW), 1000);
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, fact.key, 10);
}

/* Over midnight, Sunday and the end of a month; both engines know the same
 * calendar. */
static void rule_15_periods_are_utc(void **state)
{
    const int64_t ends_ms[] = {
        1790035200000, /* 2026-09-22, a Tuesday */
        1790553600000, /* 2026-09-28, a Monday */
        1790812800000, /* 2026-10-01 */
        1835395200000, /* 2028-02-29: not a month's first */
        1840752000000, /* 2028-05-01, a Monday */
    };
    static const char *const keys[] = { "a", "b", "c", "d", "e", "A", "B", "C", "D", "E" };

    (void)state;
    suite_add_customer(1000);
    suite_limit(OWN_LIMIT_KIND_DEPOSIT, OWN_LIMIT_PERIOD_DAY, 100);
    for (unsigned i = 0; i < LENGTH(ends_ms); i++) {
        struct money_cmd last = suite_cmd(MONEY_DEPOSIT, 1000, keys[i], 60);
        struct money_cmd first = suite_cmd(MONEY_DEPOSIT, 1000, keys[i + 5], 50);

        last.at_ms = ends_ms[i] - 1;
        first.at_ms = ends_ms[i];
        expect_money(&last, MONEY_DECIDED);
        assert_int_equal(last.decided, REFUSE_NOTHING);
        expect_money(&first, MONEY_DECIDED);
        assert_int_equal(first.decided, REFUSE_NOTHING);
        for (int period = OWN_LIMIT_PERIOD_DAY; period <= OWN_LIMIT_PERIOD_MONTH; period++) {
            bool begins = own_limit_since((enum own_limit_period)period, ends_ms[i]) == ends_ms[i];
            int64_t used = suite_used(OWN_LIMIT_KIND_DEPOSIT, (enum own_limit_period)period,
                                      ends_ms[i]);

            assert_true(begins ? used == 50 : used >= 110);
        }
    }
}

#define STORE_MONEY_SUITE                              \
    SUITE_TEST(test_a_command_says_what_it_left),      \
    SUITE_TEST(test_where_from_is_between_standing_and_limits), \
    SUITE_TEST(test_settlement_says_what_it_left),     \
    SUITE_TEST(rule_16_a_bet_is_cashed_out_once),      \
    SUITE_TEST(rule_16_a_part_leaves_the_rest_to_settlement), \
    SUITE_TEST(rule_15_the_excluded_cash_out),         \
    SUITE_TEST(test_a_batch_with_everything),          \
    SUITE_TEST(rule_15_limits_are_in_the_statement),   \
    SUITE_TEST(rule_15_a_limit_has_its_place_in_the_ladder), \
    SUITE_TEST(rule_15_what_is_paid_is_no_loss),       \
    SUITE_TEST(rule_15_periods_are_utc)

#endif
