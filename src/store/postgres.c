/*
 * The PostgreSQL engine: pools of connections, one for each kind of work, so
 * that no kind waits behind another (store.h).  A pool is a queue and its
 * connections; a job that cannot run now because the pool is down fails at
 * once, on the loop's next turn: nothing was applied, and the caller knows.
 */
#include "store/postgres_internal.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "store/db.h"

#define STORE_MAGIC 0x70677374u

/* ---- queues and jobs ------------------------------------------------- */

static void queue_init(struct pg_queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

static void queue_put(struct pg_queue *queue, struct pg_job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

struct pg_job *pg_queue_take(struct pg_queue *queue)
{
    struct pg_job *job = queue->first;

    if (job == NULL)
        return NULL;
    queue->first = job->next;
    if (queue->first == NULL)
        queue->end = &queue->first;
    return job;
}

static void close_when_empty(struct postgres *pg);

static void count_failure(enum store_result result)
{
    static const char *const kinds[] = { NULL, "unavailable", "unknown", "rejected" };

    if (result != STORE_OK)
        metric_add(METRIC_STORE_ERRORS, str_of(kinds[result]), 1);
}

void pg_job_end(struct postgres *pg, struct pg_job *job, enum store_result result)
{
    const struct pg_kind *kind = job->kind;
    void *request = job->request;

    free(job);
    count_failure(result);
    kind->done(request, result);
    CHECK(pg->jobs > 0);
    pg->jobs--;
    close_when_empty(pg);
}

static void on_tell(uv_timer_t *timer)
{
    struct postgres *pg = timer->data;
    struct pg_queue now = pg->ended;
    struct pg_job *job;

    /* What fails meanwhile is told in the next turn. */
    if (now.first == NULL)
        return;
    queue_init(&pg->ended);
    while ((job = pg_queue_take(&now)) != NULL)
        pg_job_end(pg, job, job->result);
}

void pg_job_end_later(struct postgres *pg, struct pg_job *job, enum store_result result)
{
    job->result = result;
    queue_put(&pg->ended, job);
    CHECK(uv_timer_start(&pg->teller, on_tell, 0, 0) == 0);
}

/* ---- pools ----------------------------------------------------------- */

const char *pg_role_name(enum pg_role role)
{
    static const char *const names[] = {
        [PG_MONEY] = "money", [PG_FEED] = "feed", [PG_RESULTS] = "results",
        [PG_SETTLE] = "settle", [PG_READ] = "read", [PG_WRITE] = "write",
        [PG_RELAY] = "relay", [PG_PULSE] = "pulse",
    };

    return names[role];
}

const struct pg_statement *pg_statements(enum pg_role role)
{
    switch (role) {
    case PG_MONEY: return pg_money_statements;
    case PG_FEED: return pg_feed_statements;
    case PG_RESULTS: return pg_results_statements;
    case PG_SETTLE: return pg_settle_statements;
    case PG_READ: return pg_exec_statements(true);
    case PG_WRITE: return pg_exec_statements(false);
    case PG_RELAY: return pg_outbox_statements;
    case PG_PULSE: return pg_pulse_statements;
    }
    CHECK(false && "a role");
    return NULL;
}

static struct pg_pool *find_pool(struct postgres *pg, enum pg_role role, unsigned number)
{
    for (unsigned i = 0; i < pg->n_pools; i++)
        if (pg->pools[i].role == role && pg->pools[i].number == number)
            return &pg->pools[i];
    CHECK(false && "a pool for every role");
    return NULL;
}

static bool pool_is_up(const struct pg_pool *pool)
{
    for (unsigned i = 0; i < pool->n; i++)
        if (pool->conns[i].state >= PG_IDLE)
            return true;
    return false;
}

static void pool_kick(struct pg_pool *pool)
{
    for (unsigned i = 0; i < pool->n && pool->queue.first != NULL; i++)
        pg_conn_kick(&pool->conns[i]);
}

/* Nobody knows how long a server stays away: what waits is told now. */
static void pool_fail(struct postgres *pg, struct pg_pool *pool)
{
    struct pg_job *job;

    while ((job = pg_queue_take(&pool->queue)) != NULL)
        pg_job_end_later(pg, job, STORE_UNAVAILABLE);
}

void pg_state_changed(struct postgres *pg, struct pg_pool *pool)
{
    bool up = true;

    if (!pool_is_up(pool))
        pool_fail(pg, pool);
    for (unsigned i = 0; i < pg->n_pools; i++)
        up = up && pool_is_up(&pg->pools[i]);
    if (up != pg->up && pg->loop != NULL) {
        if (up)
            log_info("store", "the store is up", " ");
        else
            log_error("store", "the store is down", " ");
    }
    pg->up = up;
    metric_set(METRIC_STORE_UP, STR_NONE, up);
}

static struct postgres *of(const struct store *store)
{
    struct postgres *pg = (struct postgres *)(uintptr_t)store;

    CHECK(pg->magic == STORE_MAGIC);
    return pg;
}

void pg_submit(struct store *store, enum pg_role role, unsigned number,
               const struct pg_kind *kind, void *request)
{
    struct postgres *pg = of(store);
    struct pg_pool *pool = find_pool(pg, role, number);
    struct pg_job *job = calloc(1, sizeof(*job));

    CHECK(job != NULL);
    job->kind = kind;
    job->request = request;
    pg->jobs++;
    if (pg->jobs > LIMIT_STORE_JOBS || pg->torn_down || !pool_is_up(pool)) {
        pg_job_end_later(pg, job, STORE_UNAVAILABLE);
        return;
    }
    queue_put(&pool->queue, job);
    pool_kick(pool);
}

/* ---- open ------------------------------------------------------------ */

static void pool_init(struct postgres *pg, struct pg_pool *pool, enum pg_role role,
                      unsigned number, unsigned n)
{
    *pool = (struct pg_pool){ .role = role, .number = number, .n = n };
    queue_init(&pool->queue);
    pool->conns = calloc(n, sizeof(*pool->conns));
    CHECK(pool->conns != NULL);
    for (unsigned i = 0; i < n; i++)
        pg_conn_init(&pool->conns[i], pg, pool);
}

static struct postgres *make(const struct store_options *options)
{
    struct postgres *pg = calloc(1, sizeof(*pg));
    unsigned readers = options->readers > 0 ? options->readers : 1;
    unsigned i;

    CHECK(pg != NULL);
    pg->magic = STORE_MAGIC;
    pg->store.engine = &engine_postgres;
    pg->url = strdup(options->url);
    pg_hosts_read(&pg->hosts, options->url);
    pg->lanes = options->lanes > 0 ? options->lanes : 1;
    pg->company = options->company;
    pg->n_pools = (options->no_money ? 0 : pg->lanes) + (options->no_settle ? 4 : 6) +
        (options->relay ? 1 : 0);
    pg->pools = calloc(pg->n_pools, sizeof(*pg->pools));
    CHECK(pg->url != NULL && pg->pools != NULL);
    queue_init(&pg->ended);
    for (i = 0; i < pg->lanes && !options->no_money; i++)
        pool_init(pg, &pg->pools[i], PG_MONEY, i, 1);
    pool_init(pg, &pg->pools[i++], PG_FEED, 0, 1);
    if (!options->no_settle) {
        pool_init(pg, &pg->pools[i++], PG_RESULTS, 0, 1);
        pool_init(pg, &pg->pools[i++], PG_SETTLE, 0, 1);
    }
    pool_init(pg, &pg->pools[i++], PG_READ, 0, readers);
    pool_init(pg, &pg->pools[i++], PG_WRITE, 0, 1);
    if (options->relay)
        pool_init(pg, &pg->pools[i++], PG_RELAY, 0, 1);
    pool_init(pg, &pg->pools[i++], PG_PULSE, 0, 1);
    CHECK(i == pg->n_pools);
    return pg;
}

static void destroy(struct postgres *pg)
{
    for (unsigned p = 0; p < pg->n_pools; p++) {
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

static struct store *engine_open(uv_loop_t *loop, const struct store_options *options,
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
    pg->loop = loop;
    CHECK(uv_timer_init(loop, &pg->teller) == 0);
    pg->teller.data = pg;
    pg->handles++;
    for (unsigned p = 0; p < pg->n_pools; p++)
        for (unsigned i = 0; i < pg->pools[p].n; i++)
            pg_conn_attach(&pg->pools[p].conns[i]);
    pg_pulse_start(pg);
    return &pg->store;
}

/* ---- close ----------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    pg_handle_closed(handle->data);
}

void pg_handle_closed(struct postgres *pg)
{
    void (*on_closed)(void *ctx) = pg->on_closed;
    void *ctx = pg->on_closed_ctx;

    CHECK(pg->handles > 0);
    if (--pg->handles > 0 || !pg->torn_down)
        return;
    destroy(pg);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void close_when_empty(struct postgres *pg)
{
    if (!pg->closing || pg->torn_down || pg->jobs > 0)
        return;
    pg->torn_down = true;
    close_conns(pg);
    uv_close((uv_handle_t *)&pg->teller, on_timer_closed);
    uv_close((uv_handle_t *)&pg->pulse, on_timer_closed);
}

static void on_close_turn(uv_timer_t *timer)
{
    on_tell(timer);
    close_when_empty(timer->data);
}

static void engine_close(struct store *store, void (*on_closed)(void *ctx), void *ctx)
{
    struct postgres *pg = of(store);

    CHECK(!pg->closing);
    pg->closing = true;
    pg->on_closed = on_closed;
    pg->on_closed_ctx = ctx;
    /* Never inside the call: what waits to be told goes first. */
    CHECK(uv_timer_start(&pg->teller, on_close_turn, 0, 0) == 0);
}

static bool engine_is_up(const struct store *store)
{
    return of(store)->up;
}

static unsigned engine_lanes(const struct store *store)
{
    return of(store)->lanes;
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
