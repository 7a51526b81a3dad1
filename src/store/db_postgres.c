/*
 * Blocking access to PostgreSQL (db.h): migrate, audit, loading at start.
 * Rows come one by one (single-row mode), so that an audit of any size needs
 * little memory.
 */
#include "store/db_engine.h"

#include <libpq-fe.h>
#include <stdlib.h>

#include "store/pg_array.h"

struct db_postgres {
    struct db db; /* first */
    PGconn *link;
};

static struct db_postgres *of(struct db *db)
{
    CHECK(db->engine == &db_engine_postgres);
    CHECK(((struct db_postgres *)db)->link != NULL);
    return (struct db_postgres *)db;
}

/* libpq ends its messages with a newline. */
static int trimmed(const char *text)
{
    size_t n = strlen(text);

    while (n > 0 && text[n - 1] == '\n')
        n--;
    return (int)n;
}

static bool fail_link(struct db *db, struct str *error)
{
    const char *text = PQerrorMessage(of(db)->link);

    return db_fail(db, error, "%.*s", trimmed(text), text);
}

static void close_link(struct db *db)
{
    PQfinish(of(db)->link);
    free(of(db));
}

static void on_notice(void *arg, const PGresult *result)
{
    (void)arg; /* "relation already exists, skipping" and the like */
    (void)result;
}

static bool run_sql(struct db *db, const char *sql, struct str *error)
{
    PGresult *result = PQexec(of(db)->link, sql);
    ExecStatusType status = PQresultStatus(result);

    PQclear(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return true;
    return fail_link(db, error);
}

static struct db *open_link(const char *url, enum db_mode mode, struct arena *arena,
                            struct str *error)
{
    static const char *const keys[] = {
        "keepalives_idle", "tcp_user_timeout", "connect_timeout",
        "fallback_application_name", "dbname", "client_encoding", NULL,
    };
    const char *values[] = { "5", "10000", "10", "overround", url, "UTF8", NULL };
    struct db_postgres *own = calloc(1, sizeof(*own));
    struct str why;

    CHECK(own != NULL);
    own->db.engine = &db_engine_postgres;
    own->link = PQconnectdbParams(keys, values, 1);
    if (PQstatus(own->link) != CONNECTION_OK) {
        const char *text = PQerrorMessage(own->link);

        *error = arena_printf(arena, "PostgreSQL: %.*s", trimmed(text), text);
        close_link(&own->db);
        return NULL;
    }
    PQsetNoticeReceiver(own->link, on_notice, NULL);
    if (!run_sql(&own->db, mode == DB_READ
                 ? "SET default_transaction_read_only = on; SET jit = off" : "SET jit = off",
                 &why)) {
        *error = arena_printf(arena, "PostgreSQL: " STR_FMT, STR_ARG(why));
        close_link(&own->db);
        return NULL;
    }
    return &own->db;
}

/* ---- one statement --------------------------------------------------- */

static void put_params(struct pg_params *params, const char *types,
                       const struct value *values, Oid *oids)
{
    for (size_t i = 0; types[i] != 0; i++) {
        oids[i] = types[i] == 'i' ? PG_INT8 : types[i] == 's' ? PG_TEXT : PG_BYTEA;
        if (values[i].null)
            pg_param_null(params);
        else if (types[i] == 'i')
            pg_param_int8(params, values[i].i);
        else
            pg_param_str(params, values[i].s);
    }
}

static bool send_query(struct db *db, const char *sql, const char *types,
                       const struct value *values, struct str *error)
{
    PGconn *link = of(db)->link;
    Oid oids[PG_PARAMS_MAX];
    struct pg_params params;
    bool sent = false;

    CHECK(strlen(types) <= PG_PARAMS_MAX);
    pg_params_init(&params);
    put_params(&params, types, values, oids);
    if (!pg_params_finish(&params))
        db_fail(db, error, "too many bytes for one statement");
    else if (PQsendQueryParams(link, sql, params.n, oids, params.values,
                               params.lengths, params.formats, 1) != 1
             || PQsetSingleRowMode(link) != 1)
        fail_link(db, error);
    else
        sent = true;
    pg_params_fini(&params);
    return sent;
}

static void read_row(const PGresult *result, const char *types, struct value *cells)
{
    for (int i = 0; types[i] != 0; i++) {
        struct str bytes = { PQgetvalue(result, 0, i), (size_t)PQgetlength(result, 0, i) };

        cells[i] = (struct value){ .null = PQgetisnull(result, 0, i) == 1 };
        if (cells[i].null)
            continue;
        if (types[i] == 'i')
            cells[i].i = pg_read_int(bytes.p, (int)bytes.n);
        else
            cells[i].s = bytes;
    }
}

/* Whoever stops early need not wait for the rest. */
static void cancel(PGconn *link)
{
    char why[256];
    PGcancel *request = PQgetCancel(link);

    if (request != NULL && PQcancel(request, why, sizeof(why)) != 1)
        why[0] = 0; /* then the rest is read and dropped */
    PQfreeCancel(request);
}

static bool query(struct db *db, const char *sql, const char *params,
                  const struct value *values, const char *columns,
                  bool (*on_row)(void *ctx, const struct value *cells), void *ctx,
                  struct str *error)
{
    PGconn *link = of(db)->link;
    struct value cells[DB_COLUMNS];
    bool ok = true, stopped = false;
    PGresult *result;

    CHECK(strlen(columns) <= DB_COLUMNS);
    if (!send_query(db, sql, params, values, error))
        return false;
    while ((result = PQgetResult(link)) != NULL) {
        ExecStatusType status = PQresultStatus(result);

        if (status == PGRES_SINGLE_TUPLE && ok && !stopped) {
            if (PQnfields(result) != (int)strlen(columns)) {
                ok = db_fail(db, error, "%d columns where %d were expected",
                             PQnfields(result), (int)strlen(columns));
            } else {
                CHECK(PQntuples(result) == 1);
                read_row(result, columns, cells);
                stopped = on_row != NULL && !on_row(ctx, cells);
                if (stopped)
                    cancel(link);
            }
        } else if (status == PGRES_FATAL_ERROR && ok && !stopped) {
            const char *text = PQresultErrorMessage(result);

            ok = db_fail(db, error, "%.*s", trimmed(text), text);
        }
        PQclear(result);
    }
    return ok;
}

const struct db_engine db_engine_postgres = {
    .is_postgres = true,
    .open = open_link,
    .close = close_link,
    .run = run_sql,
    .query = query,
};
