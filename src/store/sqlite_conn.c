/*
 * One SQLite connection: its settings, its prepared statements, binding.
 */
#include "base/log.h"
#include "store/sqlite_internal.h"

#define SCRATCH_BYTES (64u * 1024 * 1024)
#define EVENTS_BYTES (4u * 1024 * 1024)

/* The writer keeps the hot pages of a large ledger; readers less.  The
 * writer checkpoints by itself (sqlite.c), after it has answered. */
#define WRITER_PRAGMAS                                                            \
    "PRAGMA journal_mode = WAL;"                                                  \
    "PRAGMA synchronous = FULL;"                                                  \
    "PRAGMA wal_autocheckpoint = 0;"                                              \
    "PRAGMA journal_size_limit = 67108864;"                                       \
    "PRAGMA cache_size = -131072;"                                                \
    "PRAGMA temp_store = MEMORY;"
#define READER_PRAGMAS "PRAGMA cache_size = -16384; PRAGMA query_only = 1;"
#define BUSY_MS 2000

static const char *const hot_sql[SQLITE_HOTS] = {
#define HOT(name, sql) sql,
    SQLITE_HOT_STATEMENTS
#undef HOT
};

static int fail(struct sqlite_conn *conn, int code, const char *path,
                struct arena *arena, struct str *error)
{
    *error = arena_printf(arena, "cannot open %s: %s", path,
                          conn->db != NULL ? sqlite3_errmsg(conn->db)
                                           : sqlite3_errstr(code));
    sqlite_conn_close(conn);
    return code;
}

/* What a pragma answers, as a number or a text; empty when it fails. */
static bool pragma_is(sqlite3 *db, const char *sql, const char *expected)
{
    sqlite3_stmt *stmt;
    bool same = false;

    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return false;
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);

        same = text != NULL && strcmp(text, expected) == 0;
    }
    sqlite3_finalize(stmt);
    return same;
}

/* RULES.md 26: what a commit promises must be on the disk. */
static bool is_durable(sqlite3 *db)
{
    return pragma_is(db, "PRAGMA journal_mode", "wal") &&
           pragma_is(db, "PRAGMA synchronous", "2");
}

int sqlite_conn_open(struct sqlite_conn *conn, const char *path, bool writes,
                     struct arena *arena, struct str *error)
{
    int flags = SQLITE_OPEN_NOMUTEX |
                (writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    int code;

    *conn = (struct sqlite_conn){ 0 };
    arena_init(&conn->scratch, SCRATCH_BYTES);
    buf_init(&conn->events, EVENTS_BYTES);
    code = sqlite3_open_v2(path, &conn->db, flags, NULL);
    if (code != SQLITE_OK)
        return fail(conn, code, path, arena, error);
    sqlite3_extended_result_codes(conn->db, 1);
    sqlite3_busy_timeout(conn->db, BUSY_MS);
    code = sqlite3_exec(conn->db, writes ? WRITER_PRAGMAS : READER_PRAGMAS, NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return fail(conn, code, path, arena, error);
    if (writes && !is_durable(conn->db)) {
        *error = arena_printf(arena, "%s: cannot use WAL with synchronous=FULL here:"
                              " use a local disk", path);
        sqlite_conn_close(conn);
        return SQLITE_CANTOPEN;
    }
    return SQLITE_OK;
}

void sqlite_conn_close(struct sqlite_conn *conn)
{
    for (unsigned i = 0; i < SQLITE_HOTS; i++)
        sqlite3_finalize(conn->hot[i]);
    for (unsigned i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(conn->named[i]);
    if (sqlite3_close(conn->db) != SQLITE_OK)
        log_error("store", "connection did not close", "reason='%s'",
                  sqlite3_errmsg(conn->db));
    arena_fini(&conn->scratch);
    buf_fini(&conn->events);
    *conn = (struct sqlite_conn){ 0 };
}

static sqlite3_stmt *cached(struct sqlite_conn *conn, sqlite3_stmt **slot, const char *sql)
{
    struct buf text;

    CHECK(*slot == NULL || sqlite3_db_handle(*slot) == conn->db);
    if (*slot != NULL)
        return *slot;
    buf_init(&text, SQL_TEXT_BYTES);
    sql_put_text(&text, sql);
    if (sqlite3_prepare_v3(conn->db, buf_view(&text).p, -1, SQLITE_PREPARE_PERSISTENT, slot,
                           NULL) != SQLITE_OK)
        *slot = NULL;
    buf_fini(&text);
    return *slot;
}

sqlite3_stmt *sqlite_hot(struct sqlite_conn *conn, enum sqlite_hot hot)
{
    CHECK((unsigned)hot < SQLITE_HOTS);
    return cached(conn, &conn->hot[hot], hot_sql[hot]);
}

sqlite3_stmt *sqlite_named(struct sqlite_conn *conn, enum statement statement)
{
    return cached(conn, &conn->named[statement], statement_info(statement)->sql);
}

int sqlite_finish(struct sqlite_conn *conn, sqlite3_stmt *stmt)
{
    int code;

    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    CHECK(sqlite3_stmt_busy(stmt) == 0); /* of the run before nothing is left */
    code = sqlite3_step(stmt);
    if (code == SQLITE_DONE || code == SQLITE_ROW)
        code = SQLITE_OK;
    (void)sqlite3_reset(stmt); /* repeats the code of step */
    return code;
}

int sqlite_do(struct sqlite_conn *conn, enum sqlite_hot hot)
{
    return sqlite_finish(conn, sqlite_hot(conn, hot));
}

void sqlite_bind_str(sqlite3_stmt *stmt, int at, struct str s)
{
    CHECK(at >= 1 && s.n <= INT32_MAX && (s.n == 0 || s.p != NULL));
    /* NULL would be SQL's NULL, where an empty text is meant. */
    (void)sqlite3_bind_text(stmt, at, s.p == NULL ? "" : s.p, (int)s.n, SQLITE_STATIC);
}

void sqlite_bind_blob(sqlite3_stmt *stmt, int at, const void *p, size_t n)
{
    CHECK(at >= 1 && n <= INT32_MAX && (n == 0 || p != NULL));
    (void)sqlite3_bind_blob(stmt, at, p == NULL ? "" : p, (int)n, SQLITE_STATIC);
}

struct str sqlite_column_str(sqlite3_stmt *stmt, int column, struct arena *arena)
{
    const char *p = sqlite3_column_blob(stmt, column);
    int n = sqlite3_column_bytes(stmt, column);

    CHECK(column < sqlite3_column_count(stmt));
    return p == NULL ? STR("") : arena_str(arena, (struct str){ p, (size_t)n });
}

void sqlite_event_add(struct sqlite_conn *conn, int64_t account, int64_t seq, int event,
                      int64_t ref)
{
    struct buf *events = &conn->events;

    CHECK(account >= ACCOUNT_FIRST_CUSTOMER && event > 0);
    buf_str(events, events->n == 0 ? STR("[[") : STR(",["));
    buf_int(events, account);
    buf_char(events, ',');
    buf_int(events, seq);
    buf_char(events, ',');
    buf_int(events, event);
    buf_char(events, ',');
    buf_int(events, ref);
    buf_char(events, ']');
}

int sqlite_events_write(struct sqlite_conn *conn, int64_t at_ms)
{
    sqlite3_stmt *stmt;
    int code;

    if (conn->events.n == 0)
        return SQLITE_OK;
    buf_char(&conn->events, ']');
    CHECK(!conn->events.overflow && at_ms > 0);
    stmt = sqlite_hot(conn, SQLITE_HOT_OUTBOX_ADD);
    if (stmt != NULL) {
        (void)sqlite3_bind_int64(stmt, 1, at_ms);
        sqlite_bind_str(stmt, 2, buf_view(&conn->events));
    }
    code = sqlite_finish(conn, stmt);
    buf_reset(&conn->events);
    return code;
}

/* Double entry: between the customer and the house's account of that kind. */
static void transfer_check(const struct sqlite_transfer *t)
{
    bool pays = t->kind == TRANSFER_DEPOSIT || t->kind == TRANSFER_PAYOUT ||
                t->kind == TRANSFER_CASHOUT;
    bool cash = t->kind == TRANSFER_DEPOSIT || t->kind == TRANSFER_WITHDRAWAL;

    CHECK(t->kind >= TRANSFER_DEPOSIT && t->kind <= TRANSFER_CASHOUT);
    CHECK(t->amount > 0 && t->at_ms > 0);
    CHECK(t->account >= ACCOUNT_FIRST_CUSTOMER);
    CHECK((pays ? t->credit : t->debit) == t->account);
    CHECK((pays ? t->debit : t->credit) == (cash ? HOUSE_CASH : HOUSE_BETS));
    CHECK((t->bet == 0) == cash);
    CHECK(t->balance_after >= 0);
}

int sqlite_transfer_add(struct sqlite_conn *conn, const struct sqlite_transfer *t)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_TRANSFER_ADD);

    transfer_check(t);
    if (stmt != NULL) {
        (void)sqlite3_bind_int64(stmt, 1, t->account);
        (void)sqlite3_bind_int64(stmt, 2, t->seq);
        (void)sqlite3_bind_int64(stmt, 3, t->debit);
        (void)sqlite3_bind_int64(stmt, 4, t->credit);
        (void)sqlite3_bind_int64(stmt, 5, t->amount);
        (void)sqlite3_bind_int64(stmt, 6, t->kind);
        (void)sqlite3_bind_int64(stmt, 7, t->bet);
        (void)sqlite3_bind_int64(stmt, 8, t->at_ms);
        (void)sqlite3_bind_int64(stmt, 9, t->balance_after);
    }
    return sqlite_finish(conn, stmt);
}
