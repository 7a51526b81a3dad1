/*
 * Blocking access to either store, for what happens before serving or beside
 * it: migrate, audit, loading at start.  Never used on the hot paths.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/arena.h"
#include "store/store.h"

struct db;

enum db_mode {
    DB_READ,
    DB_WRITE,
    DB_BESIDE, /* writes a row now and then, beside a live server */
};

/* url as in store_options.  DB_READ on SQLite works beside a live server.
 * NULL: *error says why. */
struct db *db_open(const char *url, enum db_mode mode, struct arena *arena,
                   struct str *error) MUST_USE;
void db_close(struct db *db);
bool db_is_postgres(const struct db *db);
/* Several statements without parameters, e.g. a migration or BEGIN. */
bool db_run(struct db *db, const char *sql, struct str *error) MUST_USE;
/*
 * One statement; `params` and `columns` are types as in tbl/statements.h.
 * on_row runs for each row (streamed, not materialised); it returns false to
 * stop.  The cells are valid during the call.
 */
bool db_query(struct db *db, const char *sql, const char *params,
              const struct value *values, const char *columns,
              bool (*on_row)(void *ctx, const struct value *cells), void *ctx,
              struct str *error) MUST_USE;

/* A named statement (tbl/statements.h) in the same way. */
bool db_call(struct db *db, enum statement statement, const struct value *values,
             bool (*on_row)(void *ctx, const struct value *cells), void *ctx,
             struct str *error) MUST_USE;

/* Runs `read` with everything as it is at one moment, beside a live server; an
 * error of its own is the snapshot's. */
bool db_snapshot(struct db *db, bool (*read)(void *ctx, struct str *error), void *ctx,
                 struct str *error) MUST_USE;

/* Brings the schema up to date in one transaction; *applied = migrations
 * run.  Forward only; a schema that is ahead is left as it is. */
bool migrate(struct db *db, unsigned *applied, struct str *error) MUST_USE;

/*
 * The schema's version, the one this binary brings, and the oldest that the
 * schema still serves.  A newer release migrates first while processes of this
 * one go on, and after a release is taken back this one starts again on what
 * it left: a schema that is ahead fits as long as nothing that this binary
 * uses has been taken away (docs/design/store.md, "Migrations").
 */
struct schema { unsigned have, need, oldest; };

bool migrate_schema(struct db *db, struct schema *schema, struct str *error) MUST_USE;
/* The same in one step: false and a sentence when the schema does not fit. */
bool schema_check(struct db *db, struct str *error) MUST_USE;

/*
 * Proves the books: each difference is one call of on_difference with a
 * sentence.  Runs in one read-only snapshot on a live
 * system.  False: could not be run.
 */
struct audit_counts { uint64_t accounts, bets, transfers, keys, differences; };
bool audit_run(struct db *db, void (*on_difference)(void *ctx, struct str sentence),
               void *ctx, struct audit_counts *counts, struct str *error) MUST_USE;
/* Of a journal alone, which has no books: that its file is whole. */
bool audit_file(struct db *db, void (*on_difference)(void *ctx, struct str sentence), void *ctx,
                struct audit_counts *counts, struct str *error) MUST_USE;

#endif
