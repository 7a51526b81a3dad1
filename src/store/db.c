/*
 * Blocking access: which engine, and what goes to it.
 */
#include <stdio.h>

#include "store/db_engine.h"
#include "store/engine.h"

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
    CHECK(values != NULL || params[0] == '\0');
    CHECK_DEAR(strspn(params, "isb") == strlen(params));
    CHECK_DEAR(strspn(columns, "isb") == strlen(columns));
    return db->engine->query(db, sql, params, values, columns, on_row, ctx, error);
}

bool db_call(struct db *db, enum statement statement, const struct value *values,
             bool (*on_row)(void *ctx, const struct value *cells), void *ctx,
             struct str *error)
{
    const struct statement_info *info = statement_info(statement);

    return db_query(db, info->sql, info->params, values, info->columns, on_row, ctx, error);
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
