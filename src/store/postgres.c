/*
 * The PostgreSQL engine: which pools of connections there are, one for each
 * kind of work, so that no kind waits behind another (store.h); open, close, and
 * the engine's table.
 */
#include "store/postgres_internal.h"

#include <stdlib.h>

#include "base/log.h"
#include "store/db.h"

/* ---- open ------------------------------------------------------------ */

static const struct pg_statement pg_no_statements[] = { { NULL, NULL, NULL } };

/* The statements of a role; ends with a name of NULL. */
static const struct pg_statement *statements_of(const struct postgres *pg, enum pg_role role)
{
    switch (role) {
    case PG_MONEY: return pg_money_statements;
    case PG_FEED: return pg->halves & STORE_JOURNAL ? pg_feed_statements : pg_no_statements;
    case PG_RESULTS: return pg_results_statements;
    case PG_SETTLE: return pg_settle_statements;
    case PG_READ: return pg_exec_statements(true, pg->halves);
    case PG_WRITE: return pg_exec_statements(false, pg->halves);
    case PG_RELAY: return pg_outbox_statements;
    case PG_PULSE: return pg_pulse_statements;
    }
    CHECK(false && "a role");
    return NULL;
}

static void add_pool(struct postgres *pg, struct pg_pool *pool, enum pg_role role,
                     unsigned number, unsigned n)
{
    const struct pg_statement *statements = statements_of(pg, role);

    CHECK((pg->halves & STORE_LEDGER) != 0 || (role != PG_MONEY && role != PG_RESULTS &&
                                               role != PG_SETTLE && role != PG_RELAY));
    for (const struct pg_statement *s = statements; s->name != NULL; s++)
        sql_check_half(s->sql, pg->halves);
    pg_pool_init(pg, pool, role, number, n, statements);
}

/* The feed's connection is there for the ledger alone, too: it holds the lock that
 * keeps other servers out (postgres_conn.c). */
static void make_pools(struct postgres *pg, const struct database_options *options)
{
    bool ledger = (options->halves & STORE_LEDGER) != 0;
    unsigned lanes = ledger && !options->no_money ? pg->lanes : 0, i;
    bool settles = ledger && !options->no_settle, relays = ledger && options->relay;

    pg->n_pools = lanes + 4 + (settles ? 2 : 0) + (relays ? 1 : 0);
    pg->pools = calloc(pg->n_pools, sizeof(*pg->pools));
    CHECK(pg->pools != NULL);
    for (i = 0; i < lanes; i++)
        add_pool(pg, &pg->pools[i], PG_MONEY, i, 1);
    add_pool(pg, &pg->pools[i++], PG_FEED, 0, 1);
    if (settles) {
        add_pool(pg, &pg->pools[i++], PG_RESULTS, 0, 1);
        add_pool(pg, &pg->pools[i++], PG_SETTLE, 0, 1);
    }
    add_pool(pg, &pg->pools[i++], PG_READ, 0, options->readers > 0 ? options->readers : 1);
    add_pool(pg, &pg->pools[i++], PG_WRITE, 0, 1);
    if (relays)
        add_pool(pg, &pg->pools[i++], PG_RELAY, 0, 1);
    add_pool(pg, &pg->pools[i++], PG_PULSE, 0, 1);
    CHECK(i == pg->n_pools);
}

static void close_when_empty(struct postgres *pg);
static void unused(struct postgres *pg);

static struct postgres *make(const struct database_options *options)
{
    struct postgres *pg = calloc(1, sizeof(*pg));

    CHECK(pg != NULL);
    CHECK(options->halves >= STORE_JOURNAL && options->halves <= STORE_BOTH);
    pg->magic = PG_STORE_MAGIC;
    pg->database.engine = &engine_postgres;
    pg->on_change = pg_state_changed;
    pg->on_job_end = close_when_empty;
    pg->on_unused = unused;
    pg->url = strdup(options->url);
    pg_hosts_read(&pg->hosts, options->url);
    pg->lanes = options->lanes > 0 ? options->lanes : 1;
    pg->company = options->company;
    pg->halves = options->halves;
    pg_queue_init(&pg->ended);
    CHECK(pg->url != NULL);
    make_pools(pg, options);
    return pg;
}

static void destroy(struct postgres *pg)
{
    CHECK(pg->magic == PG_STORE_MAGIC);
    CHECK(pg->jobs == 0 && pg->ended.first == NULL && pg->handles == 0);
    for (unsigned p = 0; p < pg->n_pools; p++) {
        CHECK(pg->pools[p].queue.first == NULL);
        for (unsigned i = 0; i < pg->pools[p].n; i++)
            pg_conn_fini(&pg->pools[p].conns[i]);
        free(pg->pools[p].conns);
    }
    free(pg->pools);
    free(pg->url);
    pg->magic = 0;
    free(pg);
}

static void close_conns(struct postgres *pg)
{
    for (unsigned p = 0; p < pg->n_pools; p++)
        for (unsigned i = 0; i < pg->pools[p].n; i++)
            pg_conn_close(&pg->pools[p].conns[i]);
}

/* RULES.md 28. */
static bool schema_is_current(const char *url, struct arena *arena, struct str *error)
{
    struct db *db = db_open(url, DB_READ, arena, error);
    struct schema schema;
    struct str why;
    bool fits;

    if (db == NULL)
        return false;
    fits = migrate_schema(db, &schema, &why) && schema_check(db, &why);
    if (!fits && schema.have < schema.need)
        *error = arena_printf(arena, "the schema is at version %u, this program needs %u: "
                              "run `overround migrate --store %s`", schema.have, schema.need,
                              url);
    else if (!fits)
        *error = arena_printf(arena, "the schema: " STR_FMT, STR_ARG(why));
    else if (schema.have > schema.need)
        log_info("store", "the schema is ahead: a newer release has migrated it",
                 "version=%u ours=%u", schema.have, schema.need);
    db_close(db);
    return fits;
}

static bool open_all(struct postgres *pg, struct arena *arena, struct str *error)
{
    for (unsigned p = 0; p < pg->n_pools; p++)
        for (unsigned i = 0; i < pg->pools[p].n; i++) {
            struct pg_conn *conn = &pg->pools[p].conns[i];

            if (pg_conn_open_now(conn))
                continue;
            *error = arena_printf(arena, "PostgreSQL: %s", conn->reason);
            return false;
        }
    return true;
}

static struct database *engine_open(uv_loop_t *loop, const struct database_options *options,
                                 struct arena *arena, struct str *error)
{
    struct postgres *pg;

    if (!schema_is_current(options->url, arena, error))
        return NULL;
    pg = make(options);
    if (!open_all(pg, arena, error)) {
        close_conns(pg);
        destroy(pg);
        return NULL;
    }
    CHECK(pg->up && pg->jobs == 0); /* every pool has a connection */
    pg->loop = loop;
    CHECK(uv_timer_init(loop, &pg->teller) == 0);
    pg->teller.data = pg;
    pg_handle_opened(pg);
    for (unsigned p = 0; p < pg->n_pools; p++)
        for (unsigned i = 0; i < pg->pools[p].n; i++)
            pg_conn_attach(&pg->pools[p].conns[i]);
    pg_pulse_start(pg);
    return &pg->database;
}

/* ---- close ----------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    pg_handle_closed(handle->data);
}

static void unused(struct postgres *pg)
{
    void (*on_closed)(void *ctx) = pg->on_closed;
    void *ctx = pg->on_closed_ctx;

    CHECK(pg->torn_down && pg->jobs == 0);
    destroy(pg);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void close_when_empty(struct postgres *pg)
{
    if (!pg->closing || pg->torn_down || pg->jobs > 0)
        return;
    CHECK(pg->ended.first == NULL);
    pg->torn_down = true;
    close_conns(pg);
    uv_close((uv_handle_t *)&pg->teller, on_timer_closed);
    uv_close((uv_handle_t *)&pg->pulse, on_timer_closed);
}

static void on_close_turn(uv_timer_t *timer)
{
    pg_jobs_answer(timer->data);
    close_when_empty(timer->data);
}

static void engine_close(struct database *database, void (*on_closed)(void *ctx), void *ctx)
{
    struct postgres *pg = pg_of(database);

    CHECK(!pg->closing && !pg->torn_down);
    pg->closing = true;
    pg->on_closed = on_closed;
    pg->on_closed_ctx = ctx;
    /* Never inside the call: what waits to be told goes first. */
    CHECK(uv_timer_start(&pg->teller, on_close_turn, 0, 0) == 0);
}

static bool engine_is_up(const struct database *database)
{
    return pg_of(database)->up;
}

static unsigned engine_lanes(const struct database *database)
{
    return pg_of(database)->lanes;
}

const struct engine engine_postgres = {
    .scheme = "postgres://",
    .open = engine_open,
    .close = engine_close,
    .is_up = engine_is_up,
    .lanes = engine_lanes,
    .money = pg_money,
    .feed_append = pg_feed_append,
    .results_add = pg_results_add,
    .settle_fetch = pg_settle_fetch,
    .settle_write = pg_settle_write,
    .exec = pg_exec,
    .outbox_read = pg_outbox_read,
    .outbox_keep = pg_outbox_keep,
};
