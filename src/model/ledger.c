/*
 * Ledger: the names of transfers, and balance and debt (RULES.md 6).
 */
#include "model/ledger.h"

const char *transfer_kind_name(enum transfer_kind kind)
{
    switch (kind) {
    case TRANSFER_DEPOSIT:
        return "deposit";
    case TRANSFER_WITHDRAWAL:
        return "withdrawal";
    case TRANSFER_STAKE:
        return "stake";
    case TRANSFER_PAYOUT:
        return "payout";
    case TRANSFER_REVERSAL:
        return "reversal";
    case TRANSFER_CASHOUT:
        return "cashout";
    }
    check_failed(__FILE__, __LINE__, "kind of transfer is known");
}

bool purse_can_move(struct purse purse, int64_t delta_minor)
{
    int64_t sum;

    if (purse.balance < 0 || purse.debt < 0 || (purse.balance > 0 && purse.debt > 0))
        return false;
    return !__builtin_add_overflow(purse.balance - purse.debt, delta_minor, &sum) &&
           sum > INT64_MIN / 2 && sum < INT64_MAX / 2;
}

static void purse_check(struct purse purse)
{
    CHECK(purse.balance >= 0 && purse.debt >= 0);
    CHECK(purse.balance == 0 || purse.debt == 0);
}

struct purse purse_move(struct purse purse, int64_t delta_minor)
{
    int64_t net;

    purse_check(purse);
    /* One of the two is 0, so balance - debt is the sum of the account's
     * transfers, and its sign says which of the two it is. */
    CHECK(!__builtin_add_overflow(purse.balance - purse.debt, delta_minor, &net));
    CHECK(net != INT64_MIN);
    purse = (struct purse){ .balance = net < 0 ? 0 : net, .debt = net < 0 ? -net : 0 };
    purse_check(purse);
    return purse;
}
