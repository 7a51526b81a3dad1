/*
 * Named statements (tbl/statements.h) on PostgreSQL.  Several of one call
 * leave together with one Sync, which makes them one transaction.
 */
#include "store/postgres_internal.h"

#include <stdio.h>

#include "base/log.h"

static void name_of(enum statement statement, char *name, size_t room)
{
    CHECK((unsigned)statement < STATEMENTS && room >= sizeof("s4294967295"));
    snprintf(name, room, "s%u", (unsigned)statement);
}

/*
 * Who holds leases of liability is locked in memory, so that placement leaves
 * no trace of it: shared by each transaction that relies on the holder, by
 * the one that fences it alone, and only if it is free: a transaction that
 * hangs puts fencing off, nothing waits.
 */
static const char *form_of(enum statement statement)
{
    switch (statement) {
    case STATEMENT_CLOCK_READ:
        return "SELECT CAST(date_part('epoch', clock_timestamp()) * 1000 AS bigint)";
    case STATEMENT_LIABILITY_SHARE:
        return "SELECT 1::int8 FROM (SELECT pg_advisory_xact_lock_shared(" PG_LIABILITY_LOCK
               ", ($1::int8 % 2147483647)::int4)) l";
    case STATEMENT_LIABILITY_FENCE:
        return "UPDATE liability_holders SET fenced = 1 WHERE epoch = $1 AND until_ms < $2"
               " AND pg_try_advisory_xact_lock(" PG_LIABILITY_LOCK
               ", ($1::int8 % 2147483647)::int4) RETURNING epoch";
    case STATEMENT_LIABILITY_BETS: /* planned once, maybe for an empty table */
        return "SELECT l.bet, COALESCE(b.state, 0)::int8, COALESCE(b.stake, 0),"
               " COALESCE(b.potential, 0), COALESCE(b.currency, ''), COALESCE(b.slip, '')"
               " FROM (SELECT account, bet FROM legs WHERE market_key = $1 AND bet > $2"
               "  ORDER BY bet LIMIT $3) l"
               " LEFT JOIN LATERAL (SELECT x.state, x.stake, x.potential, x.currency, x.slip"
               "  FROM bets x WHERE x.account = l.account AND x.id = l.bet OFFSET 0) b ON true"
               " ORDER BY l.bet";
    default:
        return statement_info(statement)->sql;
    }
}

/* Made once from the table: those of the halves, all of them for the writer, and
 * those that only read for the readers. */
const struct pg_statement *pg_exec_statements(bool reads_only, enum store_half halves)
{
    static struct pg_statement tables[STORE_BOTH + 1][2][STATEMENTS + 1];
    static char names[STATEMENTS][12];
    struct pg_statement *table = tables[halves][reads_only];
    unsigned n = 0;

    CHECK(halves >= STORE_JOURNAL && halves <= STORE_BOTH);
    if (table[0].name != NULL)
        return table;
    for (unsigned i = 0; i < STATEMENTS; i++) {
        const struct statement_info *info = statement_info((enum statement)i);

        name_of((enum statement)i, names[i], sizeof(names[i]));
        if ((info->half & halves) != 0 && (!reads_only || info->reads_only))
            table[n++] = (struct pg_statement){ names[i], info->params,
                                               form_of((enum statement)i) };
    }
    CHECK(n <= STATEMENTS && table[n].name == NULL); /* the end is marked */
    return table;
}

static enum pg_sent send_call(struct pg_conn *conn, const struct statement_call *call)
{
    const char *types = statement_info(call->statement)->params;
    char name[12];

    CHECK(strlen(types) <= LENGTH(call->params));
    for (size_t i = 0; types[i] != 0; i++) {
        const struct value *value = &call->params[i];

        CHECK(value->null || types[i] == 'i' || value->s.n == 0 || value->s.p != NULL);
        if (value->null)
            pg_param_null(&conn->params);
        else if (types[i] == 'i')
            pg_param_int8(&conn->params, value->i);
        else
            pg_param_str(&conn->params, value->s);
    }
    name_of(call->statement, name, sizeof(name));
    return pg_conn_send(conn, name);
}

static enum pg_sent exec_send(struct pg_conn *conn, void *request)
{
    struct store_exec *exec = request;

    for (uint32_t i = 0; i < exec->n; i++) {
        enum pg_sent sent = send_call(conn, &exec->calls[i]);

        if (sent != PG_SENT)
            return sent;
    }
    return PG_SENT;
}

static struct value read_cell(struct arena *arena, char type, const PGresult *result,
                              int row, int column)
{
    struct value value = { .null = PQgetisnull(result, row, column) == 1 };
    struct str bytes = {
        PQgetvalue(result, row, column), (size_t)PQgetlength(result, row, column),
    };

    if (value.null)
        return value;
    if (type == 'i')
        value.i = pg_read_int(bytes.p, (int)bytes.n);
    else
        value.s = arena_str(arena, bytes);
    return value;
}

static bool fits(const PGresult *result, size_t cells)
{
    size_t bytes = cells * sizeof(struct value);

    if (PQntuples(result) > LIMIT_ROWS)
        return false;
    for (int row = 0; row < PQntuples(result); row++)
        for (int column = 0; column < PQnfields(result); column++)
            bytes += (size_t)PQgetlength(result, row, column) + 16;
    return bytes <= LIMIT_ROWS_BYTES;
}

static bool exec_read(struct pg_conn *conn, void *request, unsigned statement,
                      const PGresult *result)
{
    struct store_exec *exec = request;
    const struct statement_info *info;
    size_t n;

    (void)conn;
    CHECK(statement < exec->n && exec->arena != NULL);
    if (statement + 1 < exec->n)
        return true;
    info = statement_info(exec->calls[statement].statement);
    exec->rows = exec->columns = 0;
    exec->columns = (uint32_t)strlen(info->columns);
    if (exec->columns == 0)
        return true;
    n = (size_t)PQntuples(result) * exec->columns;
    if (PQnfields(result) != (int)exec->columns || !fits(result, n)) {
        log_error("store", "rows do not fit", "statement=%s rows=%d", info->name,
                  PQntuples(result));
        return false;
    }
    exec->rows = (uint32_t)PQntuples(result);
    exec->cells = ARENA_ARRAY(exec->arena, struct value, n + 1);
    for (size_t i = 0; i < n; i++)
        exec->cells[i] = read_cell(exec->arena, info->columns[i % exec->columns], result,
                                   (int)(i / exec->columns), (int)(i % exec->columns));
    return true;
}

static void exec_done(void *request, enum store_result result)
{
    struct store_exec *exec = request;

    CHECK(result != STORE_OK || exec->rows == 0 || exec->cells != NULL);
    CHECK(exec->rows <= LIMIT_ROWS);
    exec->on_done(exec, result);
}

static const struct pg_kind read_kind = {
    "read", false, exec_send, exec_read, exec_done,
};
static const struct pg_kind write_kind = {
    "write", true, exec_send, exec_read, exec_done,
};

void pg_exec(struct database *database, struct store_exec *exec)
{
    bool reads = true;

    exec->rows = 0;
    exec->cells = NULL;
    for (uint32_t i = 0; i < exec->n; i++)
        reads = reads && statement_info(exec->calls[i].statement)->reads_only;
    pg_submit(database, reads ? PG_READ : PG_WRITE, 0, reads ? &read_kind : &write_kind, exec);
}
