/*
 * The store's ledger: customers and their money.  Bets and transfers (money), the
 * facts that settle them (results, settle) and the events about them (outbox) are
 * in one database, because they share transactions.  The other half is the journal
 * (store/journal.h).
 */
#ifndef STORE_LEDGER_H
#define STORE_LEDGER_H

#include "model/bet.h"
#include "model/facts.h"
#include "model/slot.h"
#include "store/store.h"

/* ---- money ---------------------------------------------------------- */

struct money_batch; /* store/money.h */

void store_money(struct store *store, unsigned lane, struct money_batch *batch);

/* ---- results -------------------------------------------------------- */

/*
 * In one transaction: inserts the facts (one told before is dropped), queues
 * for settlement the markets that got a new one (cursor 0), and moves
 * meta.settle_offset to `offset`.
 */
struct results_add {
    const struct fact *facts;
    uint32_t n;
    int64_t offset, at_ms;
    void (*on_done)(struct results_add *add, enum store_result result);
    void *ctx;
};
void store_results_add(struct store *store, struct results_add *add);

/* ---- settle --------------------------------------------------------- */

struct bet_row {
    int64_t account, id, version;
    enum bet_state state;
    int64_t stake_minor, potential_minor, cap_minor, payout_minor;
    struct str currency, sport, country;
    int64_t placed_ms, settled_ms, rule, flags;
    int64_t cashed_stake_minor, cashed_paid_minor; /* taken out; stake is what is left */
    struct str slip, results;
};
#define BET_FLAG_PAST_POSTED 1

/* Bets with a leg on the market, ids above `after`, ascending, at most
 * `limit` (<= LIMIT_CHUNK).  Rows live in `arena`, which the caller owns. */
struct settle_fetch {
    int64_t market_key, after;
    uint32_t limit;
    struct arena *arena;
    struct bet_row *rows; /* out */
    uint32_t n;           /* out */
    void (*on_done)(struct settle_fetch *fetch, enum store_result result);
    void *ctx;
};
void store_settle_fetch(struct store *store, struct settle_fetch *fetch);

struct settle_item {
    /* in */
    int64_t account, bet;
    int64_t version;          /* expected; another one: not applied */
    enum bet_state state;     /* new */
    int64_t payout_minor;     /* new */
    int64_t delta_minor;      /* new payout less the old: > 0 pays, < 0 reverses */
    int64_t staked_delta_minor; /* -stake when it closes, +stake when it reopens */
    int64_t settled_ms, flags;
    struct str results;
    int event;                /* tbl/events.h; 0 = none (only results changed) */
    /* out */
    bool applied;
    int64_t seq, balance_minor, debt_minor, staked_minor; /* after it, when applied */
};
/*
 * One transaction: per item whose account could be locked and whose version
 * still holds: the bet's row (version + 1), the account (balance and debt by
 * purse_move() in the items' order, staked, seq + 1 if it has an event or a
 * delta), the transfer if delta <> 0 (kind payout or reversal), one outbox
 * row for all.  An account may occur more than once.
 * When `advance` is set and every item was applied, settle_queue.bet of
 * (market_key, pos) moves to `cursor`.
 *
 * What newer facts have overtaken must not be written behind their back: when
 * `pos` is not 0 and settle_queue has no (market_key, pos), nothing is applied
 * and `stale` is set.  The queue's row is locked meanwhile, so that new facts
 * come before the write or after it, even after one whose answer was lost.
 */
struct settle_write {
    struct settle_item *items;
    uint32_t n;
    int64_t market_key, pos, cursor, at_ms;
    bool advance;
    bool wait;                /* wait for locks (with a time-out), do not skip */
    bool stale;               /* out: (market_key, pos) is not queued any more */
    void (*on_done)(struct settle_write *write, enum store_result result);
    void *ctx;
};
void store_settle_write(struct store *store, struct settle_write *write);

/* ---- the outbox (PostgreSQL, with options.relay) --------------------- */

/*
 * Rows are read in order of their ids, only up to where no transaction that is
 * still running can put one (RULES.md 27).  An id is taken under the locks of
 * its accounts, so ids order the events of an account.  When is everything up
 * to an id there?  The sequence's last value is read, then a transaction id is
 * taken: whoever took an id up to that value has a lower one.  When nothing
 * below it runs any more, the value is a horizon.
 *
 * That holds for one session: a server that fell, or another one that took its
 * place, hands out again the ids of what it did not keep.  What was read it did
 * keep: `after` is the id of a row that was read, or what the caller said.
 */
struct outbox_event {
    int64_t row;              /* of the outbox */
    int64_t n;                /* within the row, from 1 */
    int64_t xid, at_ms, account, seq, ref;
    int event;                /* tbl/events.h */
    int64_t net_minor, staked_minor; /* balance less debt, stakes of open bets: after it */
    int64_t amount_minor;
    int64_t payout_minor, cashed_stake_minor, cashed_paid_minor; /* of the bet, after it */
    struct str currency;
    struct str traceparent;   /* of its bet, with read.traces; empty = not traced */
    bool has_bet;             /* the rest is said */
    int64_t placed_ms, stake_minor /* as placed */, flags;
    struct str sport, country, slip, results; /* results: as they are now */
};

/* Where reading stands: { 0 } at first, then the store's. */
struct outbox_place {
    int64_t after;            /* rows up to here are not wanted */
    int64_t session;          /* with the server, in which the rest is so */
    int64_t horizon;          /* rows up to here are all there */
    int64_t seen, seen_xid;   /* a horizon when nothing below seen_xid runs */
    int64_t last;             /* the highest id that was taken */
};

struct outbox_read {
    struct outbox_place place; /* in and out: `after` is behind what was read */
    uint32_t classes;         /* bit n: the accounts of class n */
    bool traces;              /* events say their bet's traceparent */
    struct arena *arena;
    struct outbox_event *events; /* out */
    uint32_t n;               /* out */
    int64_t oldest_ms;        /* out: of the rows read, whoever's; 0 = none */
    void (*on_done)(struct outbox_read *read, enum store_result result);
    void *ctx;
};
void store_outbox_read(struct store *store, struct outbox_read *read);

/*
 * Who tells which classes, for a while (lease_ms, by the database's clock);
 * and how far that came.  A class is taken only when its lease has run out.
 * Rows that all classes have been told are deleted, by who has class 0.
 */
struct outbox_keep {
    struct str owner;         /* of this process alone */
    int64_t lease_ms;
    int64_t told;             /* rows up to here, for the classes in `keep` */
    uint32_t keep, take, release; /* bit n: class n */
    bool leave;               /* for good */
    struct { int64_t told; bool mine, free; } classes[ACCOUNT_CLASSES]; /* out */
    int64_t members;          /* out: processes that tell, this one too */
    void (*on_done)(struct outbox_keep *keep, enum store_result result);
    void *ctx;
};
void store_outbox_keep(struct store *store, struct outbox_keep *keep);

#endif
