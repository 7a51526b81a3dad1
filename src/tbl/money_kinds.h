/*
 * Kinds of money command: which way money goes, and what is written of it.  Both
 * stores decide by this table: SQLite's functions (store/sqlite_money.c) and
 * PostgreSQL's statement (store/postgres_money.c), which is made of it.
 * The number is stored with the key and never changes.
 *
 * MONEY_KIND(number, NAME, credits, HOUSE, TRANSFER, EVENT, of_bet)
 * credits: 1 = the customer's account; HOUSE: the other side (model/ledger.h);
 * TRANSFER, EVENT: when it is done; of_bet: 1 = transfer and event name the bet
 */
#ifndef MONEY_KIND
#error "define MONEY_KIND before including tbl/money_kinds.h"
#endif
MONEY_KIND(1, BET, 0, BETS, STAKE, BET_ACCEPTED, 1)
MONEY_KIND(2, DEPOSIT, 1, CASH, DEPOSIT, DEPOSITED, 0)
MONEY_KIND(3, WITHDRAWAL, 0, CASH, WITHDRAWAL, WITHDRAWN, 0)
/* Of a part; the whole is BET_CASHED_OUT. */
MONEY_KIND(4, CASHOUT, 1, BETS, CASHOUT, BET_PARTLY_CASHED_OUT, 1)
