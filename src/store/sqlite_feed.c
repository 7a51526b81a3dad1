/*
 * The feed's log, results and named statements on SQLite.
 */
#include <stdio.h>

#include "base/log.h"
#include "model/slot.h"
#include "store/sqlite_internal.h"

/* The epoch that the append names is over: nothing may be written under it. */
static int check_epoch(struct sqlite_conn *conn, struct feed_append *append)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_LEASE);
    int code;

    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(stmt, 1, append->epoch);
    code = sqlite3_step(stmt);
    append->fenced = code == SQLITE_DONE;
    (void)sqlite3_reset(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK
                                                     : sqlite3_extended_errcode(conn->db);
}

static int drop_inbox(struct sqlite_conn *conn, int64_t id)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_INBOX_DROP);

    if (stmt != NULL)
        (void)sqlite3_bind_int64(stmt, 1, id);
    return sqlite_finish(conn, stmt);
}

int sqlite_feed_run(struct sqlite_conn *conn, struct feed_append *append)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_FEED_ADD);
    int code = check_epoch(conn, append);

    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    if (append->fenced)
        return code;
    for (uint32_t i = 0; i < append->n && code == SQLITE_OK; i++) {
        const struct feed_row *row = &append->rows[i];

        (void)sqlite3_bind_int64(stmt, 1, row->pos);
        (void)sqlite3_bind_int64(stmt, 2, row->at_ms);
        (void)sqlite3_bind_int64(stmt, 3, row->type);
        (void)sqlite3_bind_int64(stmt, 4, row->producer);
        sqlite_bind_str(stmt, 5, row->event);
        sqlite_bind_str(stmt, 6, row->body);
        code = sqlite_finish(conn, stmt);
        CHECK(row->inbox >= 0 && (code != SQLITE_OK || sqlite3_changes64(conn->db) == 1));
        if (code == SQLITE_OK && row->inbox != 0)
            code = drop_inbox(conn, row->inbox);
    }
    return code;
}

static int add_fact(struct sqlite_conn *conn, const struct fact *fact, int64_t at_ms,
                    bool *is_new)
{
    struct str outcomes = fact_outcomes_encode(fact, &conn->scratch);
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_FACT_ADD);
    int code;

    CHECK(fact->position >= 0);
    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(stmt, 1, fact->key);
    (void)sqlite3_bind_int64(stmt, 2, fact->position);
    (void)sqlite3_bind_int64(stmt, 3, fact->kind);
    (void)sqlite3_bind_int64(stmt, 4, fact->rank);
    sqlite_bind_str(stmt, 5, fact->id.event);
    (void)sqlite3_bind_int64(stmt, 6, fact->id.market);
    sqlite_bind_str(stmt, 7, fact->id.specifiers);
    (void)sqlite3_bind_int64(stmt, 8, fact->producer);
    (void)sqlite3_bind_int64(stmt, 9, fact->timestamp_ms);
    (void)sqlite3_bind_int64(stmt, 10, fact->certainty);
    (void)sqlite3_bind_int64(stmt, 11, fact->start_ms);
    (void)sqlite3_bind_int64(stmt, 12, fact->end_ms);
    (void)sqlite3_bind_int64(stmt, 13, fact->stopped_ms);
    sqlite_bind_str(stmt, 14, outcomes);
    (void)sqlite3_bind_int64(stmt, 15, fact_hash(fact, outcomes));
    (void)sqlite3_bind_int64(stmt, 16, at_ms);
    code = sqlite_finish(conn, stmt);
    CHECK(code != SQLITE_OK || sqlite3_changes64(conn->db) <= 1);
    *is_new = code == SQLITE_OK && sqlite3_changes64(conn->db) == 1;
    return code;
}

static int queue_market(struct sqlite_conn *conn, const struct fact *fact, int64_t at_ms)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_QUEUE_ADD);

    if (stmt != NULL) {
        (void)sqlite3_bind_int64(stmt, 1, fact->key);
        (void)sqlite3_bind_int64(stmt, 2, fact->position);
        sqlite_bind_str(stmt, 3, fact->id.event);
        (void)sqlite3_bind_int64(stmt, 4, fact->id.market);
        sqlite_bind_str(stmt, 5, fact->id.specifiers);
        (void)sqlite3_bind_int64(stmt, 6, at_ms);
        (void)sqlite3_bind_int64(stmt, 7, slot_of(fact->id.event));
    }
    return sqlite_finish(conn, stmt);
}

int sqlite_results_run(struct sqlite_conn *conn, struct results_add *add)
{
    sqlite3_stmt *offset;
    int code = SQLITE_OK;

    for (uint32_t i = 0; i < add->n && code == SQLITE_OK; i++) {
        bool is_new = false;

        code = add_fact(conn, &add->facts[i], add->at_ms, &is_new);
        if (code == SQLITE_OK && is_new)
            code = queue_market(conn, &add->facts[i], add->at_ms);
        arena_reset(&conn->scratch);
    }
    CHECK(add->offset >= 0);
    if (code != SQLITE_OK)
        return code;
    offset = sqlite_hot(conn, SQLITE_HOT_OFFSET);
    if (offset != NULL)
        (void)sqlite3_bind_int64(offset, 1, add->offset);
    return sqlite_finish(conn, offset);
}

/* ---- named statements ------------------------------------------------ */

static void bind_params(sqlite3_stmt *stmt, const char *types, const struct value *values)
{
    for (int i = 0; types[i] != '\0'; i++) {
        char name[16];
        int at;

        CHECK(i < (int)LENGTH(((struct statement_call *)0)->params));
        (void)snprintf(name, sizeof(name), "$%d", i + 1);
        at = sqlite3_bind_parameter_index(stmt, name);
        if (at == 0)
            continue; /* not in the text */
        if (values[i].null)
            (void)sqlite3_bind_null(stmt, at);
        else if (types[i] == 'i')
            (void)sqlite3_bind_int64(stmt, at, values[i].i);
        else if (types[i] == 's')
            sqlite_bind_str(stmt, at, values[i].s);
        else
            sqlite_bind_blob(stmt, at, values[i].s.p, values[i].s.n);
    }
}

/* Rows as they come: cells double, so that few copies are left behind. */
struct answer_rows {
    struct store_exec *exec;
    uint32_t room;
    size_t bytes;
};

static bool make_room(struct answer_rows *rows, uint32_t columns)
{
    struct store_exec *exec = rows->exec;
    struct value *cells;
    size_t had = (size_t)rows->room * columns;

    CHECK(exec->rows <= rows->room && columns > 0);
    if (exec->rows < rows->room)
        return true;
    if (exec->rows >= LIMIT_ROWS)
        return false;
    rows->room = rows->room == 0 ? 8 : rows->room * 2;
    rows->bytes += (size_t)rows->room * columns * sizeof(*cells);
    if (exec->arena->used + rows->bytes > exec->arena->limit)
        return false;
    cells = ARENA_ARRAY(exec->arena, struct value, (size_t)rows->room * columns);
    if (had > 0)
        memcpy(cells, exec->cells, had * sizeof(*cells));
    exec->cells = cells;
    return true;
}

static bool take_row(sqlite3_stmt *stmt, const char *types, struct answer_rows *rows)
{
    struct store_exec *exec = rows->exec;
    struct value *cells;

    if (!make_room(rows, exec->columns))
        return false;
    CHECK(exec->rows < rows->room && exec->cells != NULL);
    cells = &exec->cells[(size_t)exec->rows * exec->columns];
    for (int i = 0; types[i] != '\0'; i++) {
        size_t n = (size_t)sqlite3_column_bytes(stmt, i);

        cells[i].null = sqlite3_column_type(stmt, i) == SQLITE_NULL;
        if (types[i] == 'i') {
            cells[i].i = sqlite3_column_int64(stmt, i);
            continue;
        }
        rows->bytes += n;
        if (rows->bytes > LIMIT_ROWS_BYTES ||
            exec->arena->limit - exec->arena->used < n + 64)
            return false;
        cells[i].s = sqlite_column_str(stmt, i, exec->arena);
    }
    exec->rows++;
    return true;
}

static int run_call(struct sqlite_conn *conn, struct store_exec *exec,
                    const struct statement_call *call)
{
    const struct statement_info *info = statement_info(call->statement);
    sqlite3_stmt *stmt = sqlite_named(conn, call->statement);
    struct answer_rows rows = { .exec = exec };
    int code;

    exec->rows = 0;
    exec->cells = NULL;
    exec->columns = (uint32_t)strlen(info->columns);
    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    CHECK(sqlite3_column_count(stmt) == (int)exec->columns); /* the table says so */
    CHECK(sqlite3_bind_parameter_count(stmt) <= (int)strlen(info->params));
    CHECK(!info->reads_only || sqlite3_stmt_readonly(stmt) != 0);
    bind_params(stmt, info->params, call->params);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (!take_row(stmt, info->columns, &rows)) {
            log_error("store", "answer too large", "statement=%s", info->name);
            code = SQLITE_TOOBIG;
            break;
        }
    }
    (void)sqlite3_reset(stmt);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int sqlite_exec_run(struct sqlite_conn *conn, struct store_exec *exec)
{
    int code = SQLITE_OK;

    for (uint32_t i = 0; i < exec->n && code == SQLITE_OK; i++)
        code = run_call(conn, exec, &exec->calls[i]);
    CHECK(code != SQLITE_OK || exec->rows == 0 || exec->cells != NULL);
    return code;
}
