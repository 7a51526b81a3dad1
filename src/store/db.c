/*
 * Blocking access: the dispatch, and SQLite's part.
 */
#include <stdio.h>
#include <stdlib.h>

#include "store/db_engine.h"
#include "store/engine.h"
#include "store/sqlite_internal.h"

struct db *db_open(const char *url, enum db_mode mode, struct arena *arena,
                   struct str *error)
{
    if (strncmp(url, "sqlite:", 7) == 0)
        return db_engine_sqlite.open(url, mode, arena, error);
    if (strncmp(url, "postgres://", 11) == 0 || strncmp(url, "postgresql://", 13) == 0)
        return db_engine_postgres.open(url, mode, arena, error);
    *error = arena_printf(arena, "store %s: use sqlite:PATH or postgres://USER@HOST/DATABASE",
                          url);
    return NULL;
}

void db_close(struct db *db)
{
    db->engine->close(db);
}

bool db_is_postgres(const struct db *db)
{
    return db->engine->is_postgres;
}

bool db_run(struct db *db, const char *sql, struct str *error)
{
    return db->engine->run(db, sql, error);
}

bool db_query(struct db *db, const char *sql, const char *params,
              const struct value *values, const char *columns,
              bool (*on_row)(void *ctx, const struct value *cells), void *ctx,
              struct str *error)
{
    CHECK(strlen(params) <= DB_COLUMNS && strlen(columns) <= DB_COLUMNS);
    return db->engine->query(db, sql, params, values, columns, on_row, ctx, error);
}

bool db_call(struct db *db, enum statement statement, const struct value *values,
             bool (*on_row)(void *ctx, const struct value *cells), void *ctx,
             struct str *error)
{
    const struct statement_info *info = statement_info(statement);

    return db_query(db, info->sql, info->params, values, info->columns, on_row, ctx, error);
}

bool db_fail(struct db *db, struct str *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(db->message, sizeof(db->message), format, arguments);
    va_end(arguments);
    *error = str_of(db->message);
    return false;
}

bool db_snapshot(struct db *db, bool (*read)(void *ctx, struct str *error), void *ctx,
                 struct str *error)
{
    char why[sizeof(db->message)];
    struct str ignored;
    bool done;

    /* The locks before the snapshot: no month is dropped behind it. */
    if (!db_run(db, db_is_postgres(db) ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                                       : "BEGIN", error) ||
        (db_is_postgres(db) &&
         !db_run(db, "LOCK TABLE bets, legs, transfers IN ACCESS SHARE MODE", error)))
        return false;
    done = read(ctx, error);
    if (!done) {
        (void)snprintf(why, sizeof(why), STR_FMT, STR_ARG(*error));
        (void)db_fail(db, error, "%s", why);
    }
    if (!db_run(db, "ROLLBACK", &ignored))
        return done; /* only read: nothing depends on its end */
    return done;
}

/* ---- SQLite --------------------------------------------------------------- */

struct db_sqlite {
    struct db base;
    sqlite3 *connection;
    struct sqlite_conn own; /* when it is ours */
    struct sqlite_lock *lock;
};

static struct db_sqlite *new_db(void)
{
    struct db_sqlite *db = calloc(1, sizeof(*db));

    CHECK(db != NULL);
    db->base.engine = &db_engine_sqlite;
    return db;
}

struct db *db_sqlite_over(sqlite3 *connection)
{
    struct db_sqlite *db = new_db();

    db->connection = connection;
    return &db->base;
}

static void sqlite_db_close(struct db *base)
{
    struct db_sqlite *db = (struct db_sqlite *)base;

    if (db->own.db != NULL)
        sqlite_conn_close(&db->own);
    if (db->lock != NULL)
        sqlite_lock_drop(db->lock, false);
    free(db);
}

static struct db *sqlite_db_open(const char *url, enum db_mode mode, struct arena *arena,
                                 struct str *error)
{
    const char *path = url + strlen("sqlite:");
    struct db_sqlite *db = new_db();

    if (mode == DB_WRITE)
        db->lock = sqlite_lock_take(path, false, arena, error);
    if ((mode == DB_WRITE && db->lock == NULL) ||
        sqlite_conn_open(&db->own, path, mode != DB_READ, arena, error) != SQLITE_OK) {
        sqlite_db_close(&db->base);
        return NULL;
    }
    db->connection = db->own.db;
    return &db->base;
}

static bool sqlite_db_run(struct db *base, const char *sql, struct str *error)
{
    struct db_sqlite *db = (struct db_sqlite *)base;

    if (sqlite3_exec(db->connection, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return db_fail(base, error, "%s", sqlite3_errmsg(db->connection));
}

static void bind_values(sqlite3_stmt *stmt, const char *params, const struct value *values)
{
    for (int i = 0; params[i] != '\0'; i++) {
        char name[16];
        int at;

        (void)snprintf(name, sizeof(name), "$%d", i + 1);
        at = sqlite3_bind_parameter_index(stmt, name);
        if (at == 0 || values[i].null)
            continue; /* not in the text, or NULL as it is */
        if (params[i] == 'i')
            (void)sqlite3_bind_int64(stmt, at, values[i].i);
        else if (params[i] == 's')
            sqlite_bind_str(stmt, at, values[i].s);
        else
            sqlite_bind_blob(stmt, at, values[i].s.p, values[i].s.n);
    }
}

static void read_cells(sqlite3_stmt *stmt, const char *columns, struct value *cells)
{
    for (int i = 0; columns[i] != '\0'; i++) {
        cells[i] = (struct value){ .null = sqlite3_column_type(stmt, i) == SQLITE_NULL };
        if (columns[i] == 'i') {
            cells[i].i = sqlite3_column_int64(stmt, i);
        } else if (!cells[i].null) {
            cells[i].s.p = sqlite3_column_blob(stmt, i);
            cells[i].s.n = (size_t)sqlite3_column_bytes(stmt, i);
        }
    }
}

static bool sqlite_db_query(struct db *base, const char *sql, const char *params,
                            const struct value *values, const char *columns,
                            bool (*on_row)(void *ctx, const struct value *cells),
                            void *ctx, struct str *error)
{
    struct db_sqlite *db = (struct db_sqlite *)base;
    struct value cells[DB_COLUMNS];
    sqlite3_stmt *stmt;
    int code;

    if (sqlite3_prepare_v2(db->connection, sql, -1, &stmt, NULL) != SQLITE_OK)
        return db_fail(base, error, "%s", sqlite3_errmsg(db->connection));
    bind_values(stmt, params, values);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        read_cells(stmt, columns, cells);
        if (on_row != NULL && !on_row(ctx, cells)) {
            code = SQLITE_DONE;
            break;
        }
    }
    if (code != SQLITE_DONE)
        (void)db_fail(base, error, "%s", sqlite3_errmsg(db->connection));
    sqlite3_finalize(stmt);
    return code == SQLITE_DONE;
}

const struct db_engine db_engine_sqlite = {
    .is_postgres = false,
    .open = sqlite_db_open,
    .close = sqlite_db_close,
    .run = sqlite_db_run,
    .query = sqlite_db_query,
};
