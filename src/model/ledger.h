/*
 * The ledger's vocabulary: kinds of transfer, house accounts, and the
 * arithmetic of balance and debt (RULES.md 6).
 *
 * A customer's account id is the customer's id (>= 1000).  The house's
 * accounts are below 1000 and exist once per currency; their balances are
 * sums over transfers, never rows.
 */
#ifndef MODEL_LEDGER_H
#define MODEL_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

#define ACCOUNT_FIRST_CUSTOMER 1000

enum house_account {
    HOUSE_CASH = 1,   /* the payment provider */
    HOUSE_BETS = 2,   /* stakes in, payouts out: open stakes + GGR */
};

enum transfer_kind {
    TRANSFER_DEPOSIT = 1,    /* cash -> customer */
    TRANSFER_WITHDRAWAL = 2, /* customer -> cash */
    TRANSFER_STAKE = 3,      /* customer -> bets */
    TRANSFER_PAYOUT = 4,     /* bets -> customer: winnings, refunds */
    TRANSFER_REVERSAL = 5,   /* customer -> bets: a payout taken back */
    TRANSFER_CASHOUT = 6,    /* bets -> customer: a bet sold back, or a part of it */
};
const char *transfer_kind_name(enum transfer_kind kind);

struct purse {
    int64_t balance, debt; /* both >= 0, never both positive */
};

/* A row that breaks the rules, or would grow beyond numbers, must not take the
 * process with it: it is rejected instead (RULES.md 6). */
bool purse_can_move(struct purse purse, int64_t delta_minor) MUST_USE;

/* The purse after a signed movement: a credit repays debt first, a debit
 * takes the balance first and then raises debt. */
struct purse purse_move(struct purse purse, int64_t delta_minor);

#endif
