/*
 * The store's tables, by its half (store/store.h).  Both halves have a `meta` and
 * an `epochs` of their own rows: those are not here.
 *
 * STORE_TABLE(HALF, name)
 */
#ifndef STORE_TABLE
#error "define STORE_TABLE before including tbl/store_tables.h"
#endif
/* Entries of the feed and the desk, in order, and the leases to write them. */
STORE_TABLE(JOURNAL, feed_log)
STORE_TABLE(JOURNAL, feed_inbox)
STORE_TABLE(JOURNAL, leases)
STORE_TABLE(JOURNAL, dead_messages)
STORE_TABLE(JOURNAL, operators)
/* Customers and their money. */
STORE_TABLE(LEDGER, signing_keys)
STORE_TABLE(LEDGER, customers)
STORE_TABLE(LEDGER, accounts)
STORE_TABLE(LEDGER, countries_seen)
STORE_TABLE(LEDGER, erasures)
STORE_TABLE(LEDGER, exposures)
STORE_TABLE(LEDGER, limits)
STORE_TABLE(LEDGER, keys)
STORE_TABLE(LEDGER, bets)
STORE_TABLE(LEDGER, legs)
STORE_TABLE(LEDGER, bet_traces)
STORE_TABLE(LEDGER, transfers)
STORE_TABLE(LEDGER, outbox)
STORE_TABLE(LEDGER, relays)
STORE_TABLE(LEDGER, relay_members)
/* Settlement, in the transactions of the bets it pays. */
STORE_TABLE(LEDGER, facts)
STORE_TABLE(LEDGER, settle_queue)
STORE_TABLE(LEDGER, parked)
/* What a bet is checked against in the transaction that takes it. */
STORE_TABLE(LEDGER, liability)
STORE_TABLE(LEDGER, liability_holders)
STORE_TABLE(LEDGER, liability_leases)
STORE_TABLE(LEDGER, holds)
/* What stands for months that were archived and dropped. */
STORE_TABLE(LEDGER, months)
STORE_TABLE(LEDGER, month_touched)
STORE_TABLE(LEDGER, checkpoints)
STORE_TABLE(LEDGER, report_days)
