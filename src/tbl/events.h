/*
 * Events of the outbox: the relay publishes them, in the order of each
 * account's sequence number, so that others learn about money.  Numbers are
 * stored and never change.
 *
 * EVENT(number, NAME, "name", "meaning of ref")
 */
#ifndef EVENT
#error "define EVENT before including tbl/events.h"
#endif
EVENT(1, BET_ACCEPTED, "bet.accepted", "bet id")
EVENT(2, BET_SETTLED, "bet.settled", "bet id")
EVENT(3, BET_REOPENED, "bet.reopened", "bet id")
EVENT(4, BET_RESETTLED, "bet.resettled", "bet id")
EVENT(5, DEPOSITED, "wallet.deposited", "transfer seq")
EVENT(6, WITHDRAWN, "wallet.withdrawn", "transfer seq")
EVENT(7, BET_CASHED_OUT, "bet.cashed_out", "bet id")
EVENT(8, BET_PARTLY_CASHED_OUT, "bet.partly_cashed_out", "bet id")
