/*
 * Pools of the PostgreSQL engine.  A pool is a queue and its connections; a job
 * that cannot run now because the pool is down fails at once, on the loop's
 * next turn: nothing was applied, and the caller knows.
 */
#include "store/postgres_internal.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"

void pg_pool_init(struct postgres *pg, struct pg_pool *pool, enum pg_role role,
                  unsigned number, unsigned n, const struct pg_statement *statements)
{
    CHECK(n >= 1 && statements != NULL);
    CHECK(role == PG_MONEY || number == 0); /* lanes are numbered */
    *pool = (struct pg_pool){ .role = role, .number = number, .n = n,
                              .statements = statements };
    pg_queue_init(&pool->queue);
    pool->conns = calloc(n, sizeof(*pool->conns));
    CHECK(pool->conns != NULL);
    for (unsigned i = 0; i < n; i++)
        pg_conn_init(&pool->conns[i], pg, pool);
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
        if (pool->conns[i].state >= PG_IDLE) {
            CHECK(pool->conns[i].link != NULL);
            return true;
        }
    return false;
}

/* Queued, running and to be told: less than all while one is being told. */
static unsigned jobs_seen(const struct postgres *pg)
{
    unsigned n = pg->ended.n;

    for (unsigned p = 0; p < pg->n_pools; p++) {
        n += pg->pools[p].queue.n;
        for (unsigned i = 0; i < pg->pools[p].n; i++)
            n += pg->pools[p].conns[i].job != NULL;
    }
    return n;
}

static bool has_pool(const struct postgres *pg, const struct pg_pool *pool)
{
    return pool >= pg->pools && pool < pg->pools + pg->n_pools;
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
    CHECK(pool->queue.first == NULL && pg->ended.n <= pg->jobs);
}

void pg_state_changed(struct postgres *pg, struct pg_pool *pool)
{
    bool up = true;

    CHECK(has_pool(pg, pool) && !pg->torn_down);
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

struct postgres *pg_of(const struct database *database)
{
    struct postgres *pg = (struct postgres *)(uintptr_t)database;

    CHECK(pg->magic == PG_STORE_MAGIC);
    return pg;
}

void pg_submit(struct database *database, enum pg_role role, unsigned number,
               const struct pg_kind *kind, void *request)
{
    struct postgres *pg = pg_of(database);
    struct pg_pool *pool = find_pool(pg, role, number);
    struct pg_job *job = calloc(1, sizeof(*job));

    CHECK(job != NULL && request != NULL);
    CHECK(kind->send != NULL && kind->read != NULL && kind->done != NULL);
    CHECK(pg->loop != NULL && pg->n_pools > 0);
    job->magic = PG_JOB_MAGIC;
    job->kind = kind;
    job->request = request;
    pg->jobs++;
    if (pg->jobs > LIMIT_STORE_JOBS || pg->torn_down || !pool_is_up(pool)) {
        pg_job_end_later(pg, job, STORE_UNAVAILABLE);
        return;
    }
    pg_queue_put(&pool->queue, job);
    pool_kick(pool);
    CHECK_DEAR(jobs_seen(pg) <= pg->jobs);
}
