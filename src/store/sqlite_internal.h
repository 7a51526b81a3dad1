/*
 * Inside the SQLite engine.  sqlite.c owns threads and transactions; the
 * other files run one job each inside a transaction that is open already and
 * return an SQLite result code: SQLITE_OK, or why the job failed.
 */
#ifndef STORE_SQLITE_INTERNAL_H
#define STORE_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "base/buf.h"
#include "model/ledger.h"
#include "model/own_limit.h"
#include "store/engine.h"
#include "store/sql_numbers.h"

struct money_cmd; /* store/money.h */

/* HOT(NAME, sql): parameters are ?1… in the order of the text. */
#define SQLITE_HOT_STATEMENTS                                                      \
    HOT(BEGIN, "BEGIN IMMEDIATE")                                                  \
    HOT(BEGIN_READ, "BEGIN")                                                       \
    HOT(COMMIT, "COMMIT")                                                          \
    HOT(ROLLBACK, "ROLLBACK")                                                      \
    HOT(SAVEPOINT, "SAVEPOINT job")                                                \
    HOT(SAVEPOINT_UNDO, "ROLLBACK TO job")                                         \
    HOT(SAVEPOINT_RELEASE, "RELEASE job")                                          \
    HOT(PROBE, "UPDATE meta SET value = value WHERE name = 'node'")                \
    HOT(ACCOUNT, "SELECT balance, debt, seq, epoch, status, excluded_until_ms,"    \
        " staked, limited FROM accounts WHERE id = ?1")                            \
    HOT(ACCOUNT_MOVE, "UPDATE accounts SET balance = ?1, debt = ?2,"               \
        " staked = staked + ?3, seq = ?4 WHERE id = ?5")                           \
    HOT(KEY_ADD, "INSERT INTO keys (account, op, key, hash, verdict, detail,"      \
        " ref, at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"                     \
        " ON CONFLICT DO NOTHING")                                                 \
    HOT(BET_ADD, "INSERT INTO bets (account, id, version, state, stake,"           \
        " potential, cap, payout, currency, sport, placed_ms, settled_ms, rule,"   \
        " flags, slip, results, cashed_stake, cashed_paid, country)"               \
        " VALUES (?1, ?2, 1, {BET_ACCEPTED}, ?3, ?4, ?5, 0, ?6, ?7, ?8, 0, 1, 0, ?9,"  \
        " '', 0, 0," \
        " ?10)")                                                                   \
    HOT(BET_CASH, "UPDATE bets SET version = version + 1, stake = stake - ?1,"     \
        " cashed_stake = cashed_stake + ?1, cashed_paid = cashed_paid + ?2,"       \
        " potential = ?3, state = ?4,"                                             \
        " settled_ms = CASE ?4 WHEN {BET_CASHED_OUT} THEN ?5 ELSE settled_ms END"                 \
        " WHERE account = ?6 AND id = ?7")                                         \
    HOT(HOLDER_STANDS, "SELECT 1 FROM liability_holders WHERE epoch = ?1"              \
        " AND fenced = 0")                                                             \
    HOT(BET_HOLDS, "SELECT 1 FROM bets WHERE account = ?1 AND id = ?2"             \
        " AND version = ?3")                                                       \
    HOT(KEY_KNOWN, "SELECT 1 FROM keys WHERE account = ?1 AND op = ?2"             \
        " AND key = ?3")                                                           \
    HOT(LIMITS, "SELECT kind, period, CASE WHEN next_from_ms <> 0"                 \
        " AND next_from_ms <= ?2 THEN next_amount ELSE amount END, used, since_ms" \
        " FROM limits WHERE account = ?1")                                         \
    HOT(LIMIT_COUNT, "UPDATE limits SET used = CASE WHEN since_ms > ?1 THEN used"  \
        " WHEN since_ms = ?1 THEN used + ?2 ELSE ?2 END,"                          \
        " since_ms = max(since_ms, ?1)"                                            \
        " WHERE account = ?3 AND kind = ?4 AND period = ?5")                       \
    HOT(LEG_ADD, "INSERT INTO legs (market_key, bet, account)"                     \
        " VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")                             \
    HOT(TRACE_ADD, "INSERT INTO bet_traces (bet, at_ms, parent)"                      \
        " VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")                             \
    HOT(TRANSFER_ADD, "INSERT INTO transfers (account, seq, debit, credit,"        \
        " amount, kind, bet, at_ms, balance_after)"                                \
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")                            \
    HOT(OUTBOX_ADD, "INSERT INTO outbox (at_ms, events) VALUES (?1, ?2)")          \
    HOT(FEED_ADD, "INSERT INTO feed_log (pos, at_ms, type, producer, event,"       \
        " body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                                  \
    HOT(INBOX_DROP, "DELETE FROM feed_inbox WHERE id = ?1")                        \
    HOT(LEASE, "SELECT 1 FROM leases WHERE name = 'feed' AND epoch = ?1")          \
    HOT(FACT_ADD, "INSERT INTO facts (market_key, pos, kind, rank, event,"         \
        " market, specifiers, producer, ts_ms, certainty, start_ms, end_ms,"       \
        " stopped_ms, outcomes, hash, stored_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6,"  \
        " ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) ON CONFLICT DO NOTHING")  \
    HOT(QUEUE_ADD, "INSERT INTO settle_queue (market_key, pos, bet, event, market,"\
        " specifiers, queued_ms, slot) VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7)"    \
        " ON CONFLICT (market_key) DO UPDATE"                                      \
        " SET pos = max(pos + 1, excluded.pos), bet = 0")                          \
    HOT(QUEUED, "SELECT 1 FROM settle_queue WHERE market_key = ?1 AND pos = ?2")   \
    HOT(OFFSET, "UPDATE meta SET value = max(value, ?1)"                           \
        " WHERE name = 'settle_offset'")                                           \
    HOT(BET_SETTLE, "UPDATE bets SET version = version + 1, state = ?1,"           \
        " payout = ?2, settled_ms = ?3, flags = ?4, results = ?5"                  \
        " WHERE account = ?6 AND id = ?7 AND version = ?8")                        \
    HOT(ADVANCE, "UPDATE settle_queue SET bet = ?1 WHERE market_key = ?2"          \
        " AND pos = ?3")                                                           \
    HOT(SETTLE_FETCH, "SELECT b.account, b.id, b.version, b.state, b.stake,"       \
        " b.potential, b.cap, b.payout, b.currency, b.sport, b.placed_ms,"         \
        " b.settled_ms, b.rule, b.flags, b.slip, b.results, b.cashed_stake,"       \
        " b.cashed_paid, b.country"                                                \
        " FROM legs l JOIN bets b ON b.account = l.account AND b.id = l.bet"       \
        " WHERE l.market_key = ?1 AND l.bet > ?2 ORDER BY l.bet LIMIT ?3")

enum sqlite_hot {
#define HOT(name, sql) SQLITE_HOT_##name,
    SQLITE_HOT_STATEMENTS
#undef HOT
    SQLITE_HOTS
};

/* One connection with its prepared statements; used by one thread. */
struct sqlite_conn {
    sqlite3 *db;
    sqlite3_stmt *hot[SQLITE_HOTS];
    sqlite3_stmt *named[STATEMENTS];
    struct arena scratch; /* of one job */
    struct buf events;    /* of one job: the outbox row being written */
};

/* SQLITE_OK, or the code; the text in *error (in arena). */
int sqlite_conn_open(struct sqlite_conn *conn, const char *path, bool writes,
                     struct arena *arena, struct str *error) MUST_USE;
void sqlite_conn_close(struct sqlite_conn *conn);

/* A cached statement, ready to bind; NULL: could not be prepared. */
sqlite3_stmt *sqlite_hot(struct sqlite_conn *conn, enum sqlite_hot hot);
sqlite3_stmt *sqlite_named(struct sqlite_conn *conn, enum statement statement);
/* Runs a statement that returns nothing, and resets it. */
int sqlite_finish(struct sqlite_conn *conn, sqlite3_stmt *stmt) MUST_USE;
int sqlite_do(struct sqlite_conn *conn, enum sqlite_hot hot) MUST_USE;

/* Binding never copies: what is bound lives until the statement ends. */
void sqlite_bind_str(sqlite3_stmt *stmt, int at, struct str s);
void sqlite_bind_blob(sqlite3_stmt *stmt, int at, const void *p, size_t n);
struct str sqlite_column_str(sqlite3_stmt *stmt, int column, struct arena *arena);

/* The batch's outbox row: [[account,seq,kind,ref],…]. */
void sqlite_event_add(struct sqlite_conn *conn, int64_t account, int64_t seq,
                      int event, int64_t ref);
int sqlite_events_write(struct sqlite_conn *conn, int64_t at_ms) MUST_USE;

/* sqlite_account.c: an account's row; `found` is false when there is none. */
struct sqlite_account {
    int64_t id;
    struct purse purse;
    int64_t seq, epoch, status, excluded_until_ms, staked;
    bool limited, found;
};
int sqlite_account_read(struct sqlite_conn *conn, int64_t id,
                        struct sqlite_account *out) MUST_USE;
/* As it is afterwards, but for `staked`, which moves by staked_delta. */
int sqlite_account_move(struct sqlite_conn *conn, const struct sqlite_account *after,
                        int64_t staked_delta) MUST_USE;

struct sqlite_transfer {
    int64_t account, seq, debit, credit, amount, bet, at_ms, balance_after;
    int kind;
};
int sqlite_transfer_add(struct sqlite_conn *conn, const struct sqlite_transfer *t) MUST_USE;

/* Which of the account's limits (a bit for each kind) the command would pass, the one
 * with the least left: own_limit_reached_pack(); 0: none. */
int sqlite_limits_judge(struct sqlite_conn *conn, const struct money_cmd *cmd, unsigned kinds,
                        int64_t *reached) MUST_USE;
/* Money moved: into the periods of that time. */
int sqlite_limits_count(struct sqlite_conn *conn, int64_t account, enum own_limit_kind kind,
                        int64_t at_ms, int64_t delta) MUST_USE;

/* One job each, inside the caller's transaction. */
int sqlite_money_run(struct sqlite_conn *conn, struct money_batch *batch) MUST_USE;
int sqlite_feed_run(struct sqlite_conn *conn, struct feed_append *append) MUST_USE;
int sqlite_results_run(struct sqlite_conn *conn, struct results_add *add) MUST_USE;
int sqlite_fetch_run(struct sqlite_conn *conn, struct settle_fetch *fetch) MUST_USE;
int sqlite_settle_run(struct sqlite_conn *conn, struct settle_write *write) MUST_USE;
int sqlite_exec_run(struct sqlite_conn *conn, struct store_exec *exec) MUST_USE;

/*
 * The lock of a database file: one process at a time (RULES.md 26), by
 * flock(2) on the file itself.  Within the process it is shared, but only
 * one store serves.
 */
struct sqlite_lock;
struct sqlite_lock *sqlite_lock_take(const char *path, bool serves, struct arena *arena,
                                     struct str *error) MUST_USE;
void sqlite_lock_drop(struct sqlite_lock *lock, bool serves);

/* A db over a connection that stays the caller's; free with db_close(). */
struct db;
struct db *db_sqlite_over(sqlite3 *connection);

#endif
