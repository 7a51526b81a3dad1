/*
 * Blocking access to SQLite (db.h): migrate, audit, loading at start.
 */
#include "store/db_engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "store/sqlite_internal.h"

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

static struct db_sqlite *of(struct db *db)
{
    CHECK(db->engine == &db_engine_sqlite);
    return (struct db_sqlite *)db;
}

struct db *db_sqlite_over(sqlite3 *connection)
{
    struct db_sqlite *db = new_db();

    db->connection = connection;
    return &db->base;
}

static void sqlite_db_close(struct db *base)
{
    struct db_sqlite *db = of(base);

    CHECK(db->own.db == NULL || db->own.db == db->connection || db->connection == NULL);
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
    struct db_sqlite *db = of(base);

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
    struct db_sqlite *db = of(base);
    struct value cells[DB_COLUMNS];
    sqlite3_stmt *stmt;
    int code;

    if (sqlite3_prepare_v2(db->connection, sql, -1, &stmt, NULL) != SQLITE_OK)
        return db_fail(base, error, "%s", sqlite3_errmsg(db->connection));
    CHECK(sqlite3_column_count(stmt) >= (int)strlen(columns)); /* what is read is there */
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
