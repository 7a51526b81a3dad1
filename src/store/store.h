/*
 * The store has two halves, by default in one database:
 *
 *   the journal  entries of the feed and the desk, in order, and the leases to
 *                write them (store/journal.h)
 *   the ledger   customers and their money (store/ledger.h)
 *
 * A transaction uses one half.  With store_options.ledger_url the ledger has a
 * database of its own; each database is then marked with its half, so that the
 * server detects a wrong address at start (store/halves.h).  One interface, two engines
 * (sqlite.c, postgres.c), one behaviour: the same tests run on both, and on
 * halves that are apart.
 *
 * Everything here is asynchronous and belongs to the event loop's thread:
 * a call queues work and returns, its callback runs later on the loop, never
 * inside the call.  The memory that a request points to stays the caller's and
 * must not move or change until the callback.
 *
 * Five kinds of work, so that none waits behind another.  PostgreSQL gives
 * each its own connections; SQLite has one writer thread, which takes money,
 * feed, results, named writes and then settlement, and threads for reads.
 *
 *   money    lanes of group commit        store_money
 *   feed     the log                      store_feed_append
 *   results  facts, with their offset     store_results_add
 *   settle   chunks                       store_settle_fetch, _write
 *   other    named statements             store_exec (tbl/statements.h)
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <uv.h>

#include "base/arena.h"
#include "base/limits.h"

enum store_result {
    STORE_OK = 0,
    STORE_UNAVAILABLE, /* nothing was applied; try later */
    STORE_UNKNOWN,     /* the connection was lost in mid-commit: applied or not */
    STORE_REJECTED,    /* the data itself failed; nothing was applied */
};

struct store;

enum store_half { STORE_JOURNAL = 1, STORE_LEDGER = 2, STORE_BOTH = 3 };

/* PostgreSQL: who else may be there.  One process alone, or any number
 * together, hold a lock that keeps the others out. */
enum store_company {
    STORE_ALONE = 0,
    STORE_TOGETHER,        /* roles in processes of their own */
    STORE_BESIDE,          /* beside whoever is there: the feed alone, without a lock */
};

struct store_options {
    const char *url;       /* sqlite:PATH or postgres://… */
    const char *ledger_url; /* where the ledger lives; NULL or "" = there, too */
    unsigned lanes;        /* money lanes (PostgreSQL connections; SQLite has 1) */
    unsigned readers;      /* connections or threads for store_exec reads */
    enum store_company company;
    bool no_money, no_settle; /* PostgreSQL: no connections for it: store_money, or
                                 store_settle_… and store_results_add, are not called */
    bool relay;            /* PostgreSQL: a connection for the outbox */
};

/*
 * Opens, checks (schema version, fsync and synchronous_commit, the exclusive
 * lock) and starts threads or connections.  SQLite is migrated here.  On
 * failure NULL and a sentence for the operator in *error (in arena).
 */
struct store *store_open(uv_loop_t *loop, const struct store_options *options,
                         struct arena *arena, struct str *error) MUST_USE;
/* Waits for what is queued, then closes; on_closed runs on the loop. */
void store_close(struct store *store, void (*on_closed)(void *ctx), void *ctx);
bool store_is_up(const struct store *store);
unsigned store_lanes(const struct store *store); /* SQLite: 1 */

/* ---- named statements ----------------------------------------------- */

enum statement {
#define STATEMENT(half, name, params, columns, sql) STATEMENT_##name,
#include "tbl/statements.h"
#undef STATEMENT
    STATEMENTS
};

/* Columns of an answer: KEY_GET_HASH, … KEY_GET_COLUMNS for each statement. */
#define INT(name) name,
#define TEXT(name) name,
#define BYTES(name) name,
#define STATEMENT(half, name, params, columns, sql) enum { columns name##_COLUMNS };
#include "tbl/statements.h"
#undef STATEMENT
#undef INT
#undef TEXT
#undef BYTES

/* And their types, for CELL_INT and CELL_TEXT. */
#define INT(name) TYPE_##name = 'i',
#define TEXT(name) TYPE_##name = 's',
#define BYTES(name) TYPE_##name = 's',
#define STATEMENT(half, name, params, columns, sql) enum { columns TYPES_##name };
#include "tbl/statements.h"
#undef STATEMENT
#undef INT
#undef TEXT
#undef BYTES

struct value {
    bool null;
    int64_t i;    /* type i */
    struct str s; /* types s, b */
};
#define VALUE_INT(n) ((struct value){ .i = (n) })
#define VALUE_STR(t) ((struct value){ .s = (t) })

struct statement_call {
    enum statement statement;
    struct value params[8];
};

/*
 * Runs calls[0..n) in one transaction (n <= 4), in order, all of one half; `rows`
 * are the last one's.  Reads go to the readers' pool when every statement is a SELECT,
 * else to the writer.  A unique violation is STORE_REJECTED.
 */
struct store_exec {
    struct statement_call calls[4];
    uint32_t n;
    struct arena *arena;  /* for the rows; the caller's */
    struct value *cells;  /* out: rows x columns */
    uint32_t rows, columns; /* out */
    void (*on_done)(struct store_exec *exec, enum store_result result);
    void *ctx;
};
void store_exec(struct store *store, struct store_exec *exec);
/* Of a row: a column that is not in the table, or of another type, does not
 * compile. */
#define CELL_INT(row, column) ((row)[COLUMN_OF_TYPE(column, 'i')].i)
#define CELL_TEXT(row, column) ((row)[COLUMN_OF_TYPE(column, 's')].s)
#define COLUMN_OF_TYPE(column, type) \
    ((int)(column) + 0 * (int)sizeof(char[TYPE_##column == (type) ? 1 : -1]))
#define EXEC_INT(exec, row, column) CELL_INT(&EXEC_CELL(exec, row, 0), column)
#define EXEC_TEXT(exec, row, column) CELL_TEXT(&EXEC_CELL(exec, row, 0), column)
#define EXEC_CELL(exec, row, column) ((exec)->cells[(row) * (exec)->columns + (column)])

#endif
