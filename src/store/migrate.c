/*
 * Migrations: sql/<engine>/NNNN_*.sql are part of the binary, numbered,
 * forward only.  All that are due run in one transaction, which holds a lock
 * so that two processes do not migrate at once.  They run while processes of
 * the release before work on the same store: one that waits long for a table's
 * lock gives up, for all bets would wait behind it.
 */
#include <inttypes.h>

#include "base/embed.h"
#include "store/db.h"
#include "store/db_engine.h"

EMBED(sql_sqlite_0001, "sql/sqlite/0001_first.sql");
EMBED(sql_postgres_0001, "sql/postgres/0001_first.sql");
EMBED(sql_sqlite_0002, "sql/sqlite/0002_live.sql");
EMBED(sql_postgres_0002, "sql/postgres/0002_live.sql");
EMBED(sql_sqlite_0003, "sql/sqlite/0003_bus.sql");
EMBED(sql_postgres_0003, "sql/postgres/0003_bus.sql");
EMBED(sql_sqlite_0004, "sql/sqlite/0004_liability.sql");
EMBED(sql_postgres_0004, "sql/postgres/0004_liability.sql");
EMBED(sql_sqlite_0005, "sql/sqlite/0005_archive.sql");
EMBED(sql_postgres_0005, "sql/postgres/0005_archive.sql");
EMBED(sql_sqlite_0006, "sql/sqlite/0006_experiments.sql");
EMBED(sql_postgres_0006, "sql/postgres/0006_experiments.sql");
EMBED(sql_sqlite_0007, "sql/sqlite/0007_traces.sql");
EMBED(sql_postgres_0007, "sql/postgres/0007_traces.sql");
EMBED(sql_sqlite_0008, "sql/sqlite/0008_country.sql");
EMBED(sql_postgres_0008, "sql/postgres/0008_country.sql");
EMBED(sql_sqlite_0009, "sql/sqlite/0009_erasures.sql");
EMBED(sql_postgres_0009, "sql/postgres/0009_erasures.sql");

/* Row n is version n + 1. */
static const struct migration {
    const char *sqlite, *postgres;
} migrations[] = {
    { sql_sqlite_0001, sql_postgres_0001 },
    { sql_sqlite_0002, sql_postgres_0002 },
    { sql_sqlite_0003, sql_postgres_0003 },
    { sql_sqlite_0004, sql_postgres_0004 },
    { sql_sqlite_0005, sql_postgres_0005 },
    { sql_sqlite_0006, sql_postgres_0006 },
    { sql_sqlite_0007, sql_postgres_0007 },
    { sql_sqlite_0008, sql_postgres_0008 },
    { sql_sqlite_0009, sql_postgres_0009 },
};

static bool take_number(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

static bool read_number(struct db *db, const char *sql, int64_t *number, struct str *error)
{
    *number = 0;
    return db_query(db, sql, "", NULL, "i", take_number, number, error);
}

bool migrate_schema(struct db *db, struct schema *schema, struct str *error)
{
    int64_t exists, version = 0, oldest = 0;

    *schema = (struct schema){ .need = LENGTH(migrations) };
    if (!read_number(db,
                     db_is_postgres(db)
                         ? "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'schema_version'"
                           " AND schemaname = ANY (current_schemas(false))"
                         : "SELECT COUNT(*) FROM sqlite_master WHERE name = 'schema_version'",
                     &exists, error))
        return false;
    if (exists > 0 &&
        !read_number(db, "SELECT COALESCE(MAX(version), 0) FROM schema_version", &version,
                     error))
        return false;
    if (version > 0 &&
        !read_number(db, "SELECT value FROM meta WHERE name = 'schema_oldest'", &oldest, error))
        return false;
    schema->have = (unsigned)version;
    schema->oldest = (unsigned)oldest;
    return true;
}

enum schema_fit { SCHEMA_FITS, SCHEMA_BEHIND, SCHEMA_TOO_NEW };

static enum schema_fit fit_of(const struct schema *schema)
{
    if (schema->have < schema->need)
        return SCHEMA_BEHIND;
    return schema->oldest > schema->need ? SCHEMA_TOO_NEW : SCHEMA_FITS;
}

bool schema_check(struct db *db, struct str *error)
{
    struct schema schema;

    if (!migrate_schema(db, &schema, error))
        return false;
    switch (fit_of(&schema)) {
    case SCHEMA_FITS:
        return true;
    case SCHEMA_BEHIND:
        return db_fail(db, error, "the schema is at version %u, this program needs %u:"
                       " run `overround migrate`", schema.have, schema.need);
    case SCHEMA_TOO_NEW:
        return db_fail(db, error, "the schema is at version %u and serves programs from %u on,"
                       " newer than this one's %u: use the newer program", schema.have,
                       schema.oldest, schema.need);
    }
    check_failed(__FILE__, __LINE__, "a fit of the schema");
}

static bool write_version(struct db *db, unsigned version, struct str *error)
{
    struct value value = VALUE_INT(version);

    CHECK(version >= 1 && version <= LENGTH(migrations));
    return db_query(db, "INSERT INTO schema_version (version) VALUES ($1)", "i", &value, "",
                    NULL, NULL, error);
}

static bool apply(struct db *db, unsigned *applied, struct str *error)
{
    struct schema schema;
    unsigned have;

    if (!migrate_schema(db, &schema, error))
        return false;
    if (fit_of(&schema) == SCHEMA_TOO_NEW)
        return schema_check(db, error);
    have = schema.have;
    if (have == 0 &&
        !db_run(db, "CREATE TABLE IF NOT EXISTS schema_version (version bigint PRIMARY KEY)",
                error))
        return false;
    for (; have < schema.need; have++, (*applied)++) {
        const struct migration *next = &migrations[have];

        CHECK(have < LENGTH(migrations) && next->sqlite[0] != '\0' && next->postgres[0] != '\0');
        if (!db_run(db, db_is_postgres(db) ? next->postgres : next->sqlite, error) ||
            !write_version(db, have + 1, error))
            return false;
    }
    CHECK(have >= schema.need && *applied <= schema.need);
    return true;
}

bool migrate(struct db *db, unsigned *applied, struct str *error)
{
    const char *begin = db_is_postgres(db)
                            ? "BEGIN; SELECT pg_advisory_xact_lock(7311011);"
                              " SET LOCAL lock_timeout = '5s'"
                            : "BEGIN IMMEDIATE";
    char why[sizeof(db->message)];
    struct str ignored;

    *applied = 0;
    if (!db_run(db, begin, error))
        return false;
    if (apply(db, applied, error) && db_run(db, "COMMIT", error))
        return true;
    (void)snprintf(why, sizeof(why), STR_FMT, STR_ARG(*error));
    if (!db_run(db, "ROLLBACK", &ignored))
        ignored = STR_NONE; /* there was nothing left to undo */
    return db_fail(db, error, "%s", why);
}
