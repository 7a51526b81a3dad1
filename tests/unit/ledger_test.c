/* model/ledger: names of transfers; balance and debt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/ledger.h"

static void rule_06_clawback_becomes_debt(void **state)
{
    static const struct {
        struct purse before;
        int64_t delta_minor;
        struct purse after;
    } rows[] = {
        { { 0, 0 }, 0, { 0, 0 } },
        { { 0, 0 }, 1000, { 1000, 0 } },
        { { 1000, 0 }, -400, { 600, 0 } },
        { { 1000, 0 }, -1000, { 0, 0 } },
        { { 1000, 0 }, -1001, { 0, 1 } },  /* balance first, then debt */
        { { 0, 0 }, -250, { 0, 250 } },
        { { 0, 250 }, -50, { 0, 300 } },
        { { 0, 300 }, 299, { 0, 1 } },     /* a credit repays debt first */
        { { 0, 300 }, 300, { 0, 0 } },
        { { 0, 300 }, 1000, { 700, 0 } },
        { { INT64_MAX, 0 }, -INT64_MAX, { 0, 0 } },
        { { 0, INT64_MAX }, INT64_MAX, { 0, 0 } },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct purse after = purse_move(rows[i].before, rows[i].delta_minor);

        assert_int_equal(after.balance, rows[i].after.balance);
        assert_int_equal(after.debt, rows[i].after.debt);
    }
}

/* The sum of an account's transfers is balance - debt, in any order. */
static void rule_06_sum_of_transfers_is_balance_less_debt(void **state)
{
    static const int64_t moves[] = { 500, -900, 100, 100, -1, 1000, -2000, 77, 1200, -76 };
    struct purse purse = { 0, 0 };
    int64_t sum = 0;

    (void)state;
    for (size_t i = 0; i < LENGTH(moves); i++) {
        purse = purse_move(purse, moves[i]);
        sum += moves[i];
        assert_int_equal(purse.balance - purse.debt, sum);
        assert_true(purse.balance >= 0 && purse.debt >= 0);
        assert_true(purse.balance == 0 || purse.debt == 0);
    }
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(transfer_kind_name(TRANSFER_DEPOSIT), "deposit");
    assert_string_equal(transfer_kind_name(TRANSFER_WITHDRAWAL), "withdrawal");
    assert_string_equal(transfer_kind_name(TRANSFER_STAKE), "stake");
    assert_string_equal(transfer_kind_name(TRANSFER_PAYOUT), "payout");
    assert_string_equal(transfer_kind_name(TRANSFER_REVERSAL), "reversal");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_06_clawback_becomes_debt),
        cmocka_unit_test(rule_06_sum_of_transfers_is_balance_less_debt),
        cmocka_unit_test(kinds_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
