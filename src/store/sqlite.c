/*
 * The store on SQLite.
 *
 *   loop --jobs by kind--> writer thread: one transaction a turn
 *        --reads--------> reader threads, read-only connections
 *        <--done, one wake-up a turn--
 *
 * A turn takes every job that waits, up to a quota: money first, then feed,
 * results, named writes; settlement one job a turn and only while no money
 * waits (but never put off for more than SETTLE_PATIENCE turns).  All share
 * one BEGIN and one COMMIT, and are answered after it.
 *
 * A turn whose jobs all succeed needs no savepoints.  When one is rejected
 * the turn is rolled back and run again with a savepoint per job, so that
 * only the offender is refused.
 *
 * When the disk fails, nothing of the turn was applied and every job of it is
 * STORE_UNAVAILABLE.  The store is then down until a probe, once a second,
 * can write again.
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/db.h"
#include "store/money.h"
#include "store/sqlite_internal.h"

#define SETTLE_PATIENCE 8          /* turns */
#define CHECKPOINT_PAGES 4000      /* 16 MB of log */
#define CHECKPOINT_AGAIN_PAGES 1000 /* when a reader held it up */
#define PROBE_US 1000000
#define READERS_MAX 16

enum job_kind {
    /* the writer's, in order of priority */
    JOB_MONEY, JOB_FEED, JOB_RESULTS, JOB_EXEC, JOB_SETTLE,
    WRITER_KINDS,
    /* the readers' */
    JOB_FETCH = WRITER_KINDS, JOB_READ,
};

/* Whose job it is; named statements are told apart in store.c. */
static const unsigned char half_of_kind[] = {
    [JOB_MONEY] = STORE_LEDGER, [JOB_FEED] = STORE_JOURNAL, [JOB_RESULTS] = STORE_LEDGER,
    [JOB_EXEC] = STORE_BOTH, [JOB_SETTLE] = STORE_LEDGER, [JOB_FETCH] = STORE_LEDGER,
    [JOB_READ] = STORE_BOTH,
};

/* Jobs of a kind in one turn. */
static const uint32_t quota[WRITER_KINDS] = { 8, 64, 32, 128, 1 };

#define JOB_MAGIC 0x4a6f6221u

struct job {
    struct job *next;
    uint32_t magic;
    enum job_kind kind;
    enum store_result result;
    void *request; /* the caller's struct, by kind */
};

struct jobs {
    struct job *first, **last;
    uint32_t n;
};

struct reader {
    struct sqlite_store *store;
    struct sqlite_conn conn;
    uv_thread_t thread;
    bool fails; /* since its last read that went well */
};

#define SQLITE_STORE_MAGIC 0x51175701u

struct sqlite_store {
    struct database base;
    uint32_t magic;
    uv_async_t wake;
    struct sqlite_lock *lock;
    struct sqlite_conn writer;
    uv_thread_t writer_thread;
    struct reader readers[READERS_MAX];
    unsigned n_readers, n_started;
    enum store_half halves; /* that live here */

    uv_mutex_t mutex; /* of what follows, up to the empty line */
    uv_cond_t work, read_work;
    struct jobs queues[WRITER_KINDS], reads, done;
    unsigned running; /* threads */
    bool stopping;

    uint32_t in_flight; /* loop only */
    void (*on_closed)(void *ctx);
    void *ctx;

    bool down, checkpoint_fails; /* writer only, as all below */
    int64_t probed_us;
    unsigned settle_waited;
    int wal_pages, checkpoint_at;
    atomic_bool up;
};

static void jobs_init(struct jobs *jobs)
{
    *jobs = (struct jobs){ .last = &jobs->first };
}

static void jobs_check(const struct jobs *jobs)
{
    CHECK((jobs->first == NULL) == (jobs->n == 0));
    CHECK((jobs->first == NULL) == (jobs->last == &jobs->first));
    CHECK(*jobs->last == NULL);
}

static void jobs_push(struct jobs *jobs, struct job *job)
{
    jobs_check(jobs);
    CHECK(job->magic == JOB_MAGIC);
    job->next = NULL;
    *jobs->last = job;
    jobs->last = &job->next;
    jobs->n++;
}

static struct job *jobs_pop(struct jobs *jobs)
{
    struct job *job = jobs->first;

    if (job == NULL)
        return NULL;
    CHECK(job->magic == JOB_MAGIC && jobs->n > 0);
    jobs->first = job->next;
    if (jobs->first == NULL)
        jobs->last = &jobs->first;
    jobs->n--;
    jobs_check(jobs);
    return job;
}

static void jobs_move(struct jobs *from, struct jobs *to)
{
    struct job *job;

    while ((job = jobs_pop(from)) != NULL)
        jobs_push(to, job);
}

static struct sqlite_store *self(struct database *database)
{
    struct sqlite_store *sqlite = (struct sqlite_store *)database;

    CHECK(sqlite->magic == SQLITE_STORE_MAGIC);
    CHECK(sqlite->base.engine == &engine_sqlite);
    return sqlite;
}

/* ---- one job ---------------------------------------------------------- */

static int job_run(struct sqlite_conn *conn, struct job *job)
{
    /* What the writer does is in a transaction, whose end tells the result. */
    CHECK(job->kind >= WRITER_KINDS || sqlite3_get_autocommit(conn->db) == 0);
    CHECK(job->request != NULL);
    buf_reset(&conn->events);
    arena_reset(&conn->scratch);
    switch (job->kind) {
    case JOB_MONEY:
        return sqlite_money_run(conn, job->request);
    case JOB_FEED:
        return sqlite_feed_run(conn, job->request);
    case JOB_RESULTS:
        return sqlite_results_run(conn, job->request);
    case JOB_SETTLE:
        return sqlite_settle_run(conn, job->request);
    case JOB_FETCH:
        return sqlite_fetch_run(conn, job->request);
    case JOB_EXEC:
    case JOB_READ:
        return sqlite_exec_run(conn, job->request);
    }
    check_failed(__FILE__, __LINE__, "a kind of job");
}

static void job_answer(const struct job *job)
{
    struct money_batch *money = job->request;
    struct feed_append *feed = job->request;
    struct results_add *results = job->request;
    struct settle_write *settle = job->request;
    struct settle_fetch *fetch = job->request;
    struct store_exec *exec = job->request;

    switch (job->kind) {
    case JOB_MONEY:
        money->on_done(money, job->result);
        return;
    case JOB_FEED:
        feed->on_done(feed, job->result);
        return;
    case JOB_RESULTS:
        results->on_done(results, job->result);
        return;
    case JOB_SETTLE:
        settle->on_done(settle, job->result);
        return;
    case JOB_FETCH:
        fetch->on_done(fetch, job->result);
        return;
    case JOB_EXEC:
    case JOB_READ:
        exec->on_done(exec, job->result);
        return;
    }
}

/* The data is at fault, not the disk. */
static bool is_rejection(int code)
{
    int primary = code & 0xff;

    return primary == SQLITE_CONSTRAINT || primary == SQLITE_TOOBIG ||
           primary == SQLITE_MISMATCH || primary == SQLITE_RANGE;
}

/* ---- the writer -------------------------------------------------------- */

static void go_down(struct sqlite_store *store, int code)
{
    CHECK(code != SQLITE_OK);
    if (store->down)
        return;
    store->down = true;
    store->probed_us = clock_mono_us();
    atomic_store(&store->up, false);
    log_error("store", "cannot write; no bets until it can", "code=%d reason='%s'", code,
              sqlite3_errmsg(store->writer.db));
}

static void rollback(struct sqlite_store *store)
{
    if (sqlite3_get_autocommit(store->writer.db))
        return; /* SQLite has rolled back by itself */
    if (sqlite_do(&store->writer, SQLITE_HOT_ROLLBACK) != SQLITE_OK)
        log_error("store", "rollback failed", "reason='%s'",
                  sqlite3_errmsg(store->writer.db));
}

/* True: the store may write. */
static bool probe(struct sqlite_store *store)
{
    int64_t now = clock_mono_us();
    int code;

    if (!store->down)
        return true;
    if (now - store->probed_us < PROBE_US)
        return false;
    store->probed_us = now;
    code = sqlite_do(&store->writer, SQLITE_HOT_PROBE);
    if (code != SQLITE_OK) {
        rollback(store);
        return false;
    }
    CHECK(!atomic_load(&store->up));
    store->down = false;
    atomic_store(&store->up, true);
    log_info("store", "can write again", "wal_pages=%d", store->wal_pages);
    return true;
}

/* A sync that failed leaves whole frames in the log: should the process die
 * before they are written over, its successor finds them committed. */
static enum store_result failed_result(int code)
{
    return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC
        ? STORE_UNKNOWN : STORE_UNAVAILABLE;
}

static void turn_fail(struct sqlite_store *store, struct jobs *turn, int code)
{
    CHECK(turn->n > 0 && code != SQLITE_OK);
    rollback(store);
    for (struct job *job = turn->first; job != NULL; job = job->next)
        job->result = failed_result(code);
    go_down(store, code);
}

/* One job under a savepoint of its own: when its data is rejected, only it
 * is undone. */
static int run_guarded(struct sqlite_conn *conn, struct job *job)
{
    int code = sqlite_do(conn, SQLITE_HOT_SAVEPOINT);

    if (code != SQLITE_OK)
        return code;
    code = job_run(conn, job);
    job->result = STORE_OK;
    if (is_rejection(code)) {
        job->result = STORE_REJECTED;
        code = sqlite_do(conn, SQLITE_HOT_SAVEPOINT_UNDO);
    }
    CHECK(code != SQLITE_OK || sqlite3_get_autocommit(conn->db) == 0); /* the turn goes on */
    return code == SQLITE_OK ? sqlite_do(conn, SQLITE_HOT_SAVEPOINT_RELEASE) : code;
}

/* The jobs between BEGIN and COMMIT; a code to be judged by the caller. */
static int turn_jobs(struct sqlite_store *store, struct jobs *turn, bool guarded)
{
    struct sqlite_conn *conn = &store->writer;
    int code = sqlite_do(conn, SQLITE_HOT_BEGIN);

    for (struct job *job = turn->first; job != NULL && code == SQLITE_OK; job = job->next) {
        job->result = STORE_OK;
        code = guarded ? run_guarded(conn, job) : job_run(conn, job);
    }
    return code == SQLITE_OK ? sqlite_do(conn, SQLITE_HOT_COMMIT) : code;
}

static void turn_run(struct sqlite_store *store, struct jobs *turn)
{
    int code;

    jobs_check(turn);
    CHECK(store->down == !atomic_load(&store->up));
    if (turn->n == 0)
        return;
    if (store->down) {
        for (struct job *job = turn->first; job != NULL; job = job->next)
            job->result = STORE_UNAVAILABLE;
        return;
    }
    code = turn_jobs(store, turn, false);
    if (is_rejection(code)) {
        rollback(store);
        code = turn_jobs(store, turn, true);
    }
    if (code != SQLITE_OK)
        turn_fail(store, turn, code);
    else
        CHECK(sqlite3_get_autocommit(store->writer.db) != 0); /* it is committed */
}

static bool has_work(const struct sqlite_store *store)
{
    for (int kind = 0; kind < WRITER_KINDS; kind++)
        if (store->queues[kind].n > 0)
            return true;
    return false;
}

static void take_kind(struct sqlite_store *store, enum job_kind kind, struct jobs *turn)
{
    for (uint32_t i = 0; i < quota[kind] && store->queues[kind].n > 0; i++)
        jobs_push(turn, jobs_pop(&store->queues[kind]));
}

static void take_settle(struct sqlite_store *store, bool money_waits, struct jobs *turn)
{
    if (store->queues[JOB_SETTLE].n == 0)
        return;
    if (money_waits && ++store->settle_waited < SETTLE_PATIENCE)
        return;
    CHECK(store->settle_waited <= SETTLE_PATIENCE);
    store->settle_waited = 0;
    take_kind(store, JOB_SETTLE, turn);
}

/* Waits for work; an empty turn is time to probe.  False: all is done. */
static bool turn_take(struct sqlite_store *store, struct jobs *turn)
{
    bool more, money_waits;

    jobs_init(turn);
    uv_mutex_lock(&store->mutex);
    while (!has_work(store) && !store->stopping) {
        if (!store->down)
            uv_cond_wait(&store->work, &store->mutex);
        else if (uv_cond_timedwait(&store->work, &store->mutex, PROBE_US * 1000) != 0)
            break;
    }
    more = has_work(store) || !store->stopping;
    money_waits = store->queues[JOB_MONEY].n > 0;
    for (enum job_kind kind = JOB_MONEY; kind < JOB_SETTLE; kind++)
        take_kind(store, kind, turn);
    take_settle(store, money_waits, turn);
    CHECK(more || turn->n == 0);
    CHECK(!money_waits || turn->first->kind == JOB_MONEY); /* money goes first */
    uv_mutex_unlock(&store->mutex);
    return more;
}

static void give_back(struct sqlite_store *store, struct jobs *done)
{
    if (done->n == 0)
        return;
    uv_mutex_lock(&store->mutex);
    jobs_move(done, &store->done);
    uv_mutex_unlock(&store->mutex);
    uv_async_send(&store->wake);
}

static int on_wal(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct sqlite_store *store = ctx;

    (void)name;
    CHECK(store->magic == SQLITE_STORE_MAGIC && db == store->writer.db);
    CHECK(pages >= 0);
    store->wal_pages = pages;
    return SQLITE_OK;
}

/* After the answers: moves the log into the database, so that it stays
 * short.  Passive: it waits for nobody. */
static void checkpoint(struct sqlite_store *store)
{
    int in_log = 0, moved = 0, code;

    if (store->wal_pages < store->checkpoint_at || store->down)
        return;
    code = sqlite3_wal_checkpoint_v2(store->writer.db, NULL, SQLITE_CHECKPOINT_PASSIVE,
                                     &in_log, &moved);
    store->checkpoint_at = CHECKPOINT_PAGES;
    if (code != SQLITE_OK || moved < in_log)
        store->checkpoint_at = store->wal_pages + CHECKPOINT_AGAIN_PAGES;
    else
        store->wal_pages = 0;
    if ((code != SQLITE_OK) != store->checkpoint_fails) {
        store->checkpoint_fails = code != SQLITE_OK;
        log_warn("store", code == SQLITE_OK ? "checkpoints work again" : "checkpoint failed",
                 "code=%d wal_pages=%d", code, store->wal_pages);
    }
}

static void thread_ends(struct sqlite_store *store)
{
    uv_mutex_lock(&store->mutex);
    CHECK(store->running > 0 && store->stopping);
    store->running--;
    uv_mutex_unlock(&store->mutex);
    uv_async_send(&store->wake);
}

static void writer_main(void *arg)
{
    struct sqlite_store *store = arg;
    struct jobs turn;

    while (turn_take(store, &turn)) {
        (void)probe(store);
        turn_run(store, &turn);
        give_back(store, &turn);
        checkpoint(store);
    }
    CHECK(turn.n == 0);
    thread_ends(store);
}

/* ---- the readers -------------------------------------------------------- */

static enum store_result read_result(int code)
{
    CHECK(code != SQLITE_ROW && code != SQLITE_DONE); /* steps are over */
    if (code == SQLITE_OK)
        return STORE_OK;
    return is_rejection(code) ? STORE_REJECTED : STORE_UNAVAILABLE;
}

/* Several statements of one job see one state. */
static int read_run(struct sqlite_conn *conn, struct job *job)
{
    const struct store_exec *exec = job->request;
    int code, end;

    if (job->kind == JOB_FETCH || exec->n == 1)
        return job_run(conn, job);
    code = sqlite_do(conn, SQLITE_HOT_BEGIN_READ);
    if (code != SQLITE_OK)
        return code;
    code = job_run(conn, job);
    end = sqlite_do(conn, SQLITE_HOT_COMMIT);
    return code == SQLITE_OK ? end : code;
}

static struct job *read_take(struct sqlite_store *store)
{
    struct job *job;

    uv_mutex_lock(&store->mutex);
    while (store->reads.n == 0 && !store->stopping)
        uv_cond_wait(&store->read_work, &store->mutex);
    job = jobs_pop(&store->reads);
    uv_mutex_unlock(&store->mutex);
    return job;
}

/* One line when reads begin to fail, not one a read. */
static void reader_note(struct reader *reader, bool failed)
{
    if (failed && !reader->fails)
        log_error("store", "cannot read", "reason='%s'", sqlite3_errmsg(reader->conn.db));
    reader->fails = failed;
}

static void reader_main(void *arg)
{
    struct reader *reader = arg;
    struct job *job;

    while ((job = read_take(reader->store)) != NULL) {
        struct jobs done;

        CHECK(job->kind >= WRITER_KINDS && job->kind <= JOB_READ);
        job->result = read_result(read_run(&reader->conn, job));
        reader_note(reader, job->result == STORE_UNAVAILABLE);
        jobs_init(&done);
        jobs_push(&done, job);
        give_back(reader->store, &done);
    }
    thread_ends(reader->store);
}

/* ---- the loop's side ------------------------------------------------------ */

static void free_all(struct sqlite_store *store)
{
    CHECK(store->magic == SQLITE_STORE_MAGIC);
    CHECK(store->in_flight == 0 && store->running == 0); /* everything was told */
    CHECK(store->n_readers <= READERS_MAX);
    for (unsigned i = 0; i < store->n_readers; i++)
        sqlite_conn_close(&store->readers[i].conn);
    if (store->writer.db != NULL)
        sqlite_conn_close(&store->writer);
    if (store->lock != NULL)
        sqlite_lock_drop(store->lock, true);
    uv_cond_destroy(&store->work);
    uv_cond_destroy(&store->read_work);
    uv_mutex_destroy(&store->mutex);
    store->magic = 0;
    free(store);
}

static void on_wake_closed(uv_handle_t *handle)
{
    struct sqlite_store *store = handle->data;
    void (*on_closed)(void *) = store->on_closed;
    void *ctx = store->ctx;

    free_all(store);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void join_threads(struct sqlite_store *store)
{
    CHECK(store->n_started == store->n_readers);
    uv_thread_join(&store->writer_thread);
    for (unsigned i = 0; i < store->n_started; i++)
        uv_thread_join(&store->readers[i].thread);
}

static void count(const struct job *job)
{
    if (job->result == STORE_UNAVAILABLE)
        metric_add(METRIC_STORE_ERRORS, STR("unavailable"), 1);
    else if (job->result == STORE_REJECTED)
        metric_add(METRIC_STORE_ERRORS, STR("rejected"), 1);
}

static void on_wake(uv_async_t *wake)
{
    struct sqlite_store *store = wake->data;
    struct jobs done;
    struct job *job;
    bool ended;

    CHECK(store->magic == SQLITE_STORE_MAGIC);
    jobs_init(&done);
    uv_mutex_lock(&store->mutex);
    jobs_move(&store->done, &done);
    uv_mutex_unlock(&store->mutex);
    metric_set(METRIC_STORE_UP, STR_NONE, atomic_load(&store->up));
    while ((job = jobs_pop(&done)) != NULL) {
        CHECK(job->magic == JOB_MAGIC && store->in_flight > 0);
        CHECK(job->result <= STORE_REJECTED);
        store->in_flight--;
        count(job);
        job_answer(job);
        job->magic = 0;
        free(job);
    }
    uv_mutex_lock(&store->mutex);
    ended = store->stopping && store->running == 0 && store->done.n == 0 &&
            store->in_flight == 0;
    uv_mutex_unlock(&store->mutex);
    if (ended && !uv_is_closing((uv_handle_t *)wake)) {
        join_threads(store);
        uv_close((uv_handle_t *)wake, on_wake_closed);
    }
}

/* Queues; past the limit, or once it closes, the job comes back at once as
 * unavailable. */
static void submit(struct database *base, enum job_kind kind, void *request)
{
    struct sqlite_store *store = self(base);
    struct job *job = calloc(1, sizeof(*job));
    bool full;

    CHECK(job != NULL && request != NULL);
    CHECK((size_t)kind < LENGTH(half_of_kind));
    CHECK((half_of_kind[kind] & store->halves) != 0);
    job->magic = JOB_MAGIC;
    job->kind = kind;
    job->request = request;
    job->result = STORE_UNAVAILABLE;
    store->in_flight++;
    uv_mutex_lock(&store->mutex);
    full = store->stopping || store->in_flight > LIMIT_STORE_JOBS;
    if (full) {
        jobs_push(&store->done, job);
    } else if (kind < WRITER_KINDS) {
        jobs_push(&store->queues[kind], job);
        uv_cond_signal(&store->work);
    } else {
        jobs_push(&store->reads, job);
        uv_cond_signal(&store->read_work);
    }
    uv_mutex_unlock(&store->mutex);
    if (full)
        uv_async_send(&store->wake);
}

static void sqlite_money(struct database *database, unsigned lane, struct money_batch *batch)
{
    CHECK(lane == 0);
    submit(database, JOB_MONEY, batch);
}

static void sqlite_feed_append(struct database *database, struct feed_append *append)
{
    submit(database, JOB_FEED, append);
}

static void sqlite_results_add(struct database *database, struct results_add *add)
{
    submit(database, JOB_RESULTS, add);
}

static void sqlite_settle_fetch(struct database *database, struct settle_fetch *fetch)
{
    submit(database, JOB_FETCH, fetch);
}

static void sqlite_settle_write(struct database *database, struct settle_write *write)
{
    submit(database, JOB_SETTLE, write);
}

static void sqlite_exec(struct database *database, struct store_exec *exec)
{
    bool reads_only = true;

    for (uint32_t i = 0; i < exec->n; i++)
        reads_only = reads_only && statement_info(exec->calls[i].statement)->reads_only;
    submit(database, reads_only ? JOB_READ : JOB_EXEC, exec);
}

static bool sqlite_is_up(const struct database *database)
{
    return atomic_load(&((const struct sqlite_store *)database)->up);
}

static unsigned sqlite_lanes(const struct database *database)
{
    (void)database;
    return 1;
}

static void sqlite_close(struct database *base, void (*on_closed)(void *ctx), void *ctx)
{
    struct sqlite_store *store = self(base);

    store->on_closed = on_closed;
    store->ctx = ctx;
    uv_mutex_lock(&store->mutex);
    CHECK(!store->stopping);
    store->stopping = true;
    uv_cond_broadcast(&store->work);
    uv_cond_broadcast(&store->read_work);
    uv_mutex_unlock(&store->mutex);
}

/* ---- opening ---------------------------------------------------------------- */

static bool bring_up_to_date(struct sqlite_store *store, struct arena *arena,
                             struct str *error)
{
    struct db *db = db_sqlite_over(store->writer.db);
    unsigned applied;
    struct str why;
    bool done = migrate(db, &applied, &why);

    if (!done)
        *error = arena_str(arena, why);
    db_close(db);
    if (done && applied > 0)
        log_info("store", "schema brought up to date", "migrations=%u", applied);
    return done;
}

static bool open_files(struct sqlite_store *store, const char *path, unsigned readers,
                       struct arena *arena, struct str *error)
{
    store->lock = sqlite_lock_take(path, true, arena, error);
    if (store->lock == NULL)
        return false;
    if (sqlite_conn_open(&store->writer, path, true, arena, error) != SQLITE_OK)
        return false;
    if (!bring_up_to_date(store, arena, error))
        return false;
    sqlite3_wal_hook(store->writer.db, on_wal, store);
    for (unsigned i = 0; i < readers; i++) {
        struct reader *reader = &store->readers[i];

        reader->store = store;
        if (sqlite_conn_open(&reader->conn, path, false, arena, error) != SQLITE_OK)
            return false;
        store->n_readers++;
    }
    return true;
}

static void start_threads(struct sqlite_store *store, uv_loop_t *loop)
{
    CHECK(uv_async_init(loop, &store->wake, on_wake) == 0);
    store->wake.data = store;
    store->running = 1 + store->n_readers;
    CHECK(uv_thread_create(&store->writer_thread, writer_main, store) == 0);
    for (unsigned i = 0; i < store->n_readers; i++, store->n_started++)
        CHECK(uv_thread_create(&store->readers[i].thread, reader_main,
                               &store->readers[i]) == 0);
}

static struct database *sqlite_open(uv_loop_t *loop, const struct database_options *options,
                                 struct arena *arena, struct str *error)
{
    struct sqlite_store *store = calloc(1, sizeof(*store));
    unsigned readers = options->readers < 1             ? 1
                       : options->readers > READERS_MAX ? READERS_MAX
                                                        : options->readers;

    CHECK(store != NULL && sqlite3_threadsafe() != 0);
    CHECK(options->halves >= STORE_JOURNAL && options->halves <= STORE_BOTH);
    store->halves = options->halves;
    store->base.engine = &engine_sqlite;
    store->magic = SQLITE_STORE_MAGIC;
    store->checkpoint_at = CHECKPOINT_PAGES;
    atomic_store(&store->up, true);
    CHECK(uv_mutex_init(&store->mutex) == 0 && uv_cond_init(&store->work) == 0 &&
          uv_cond_init(&store->read_work) == 0);
    for (int kind = 0; kind < WRITER_KINDS; kind++)
        jobs_init(&store->queues[kind]);
    jobs_init(&store->reads);
    jobs_init(&store->done);
    if (!open_files(store, options->url + strlen("sqlite:"), readers, arena, error)) {
        free_all(store);
        return NULL;
    }
    start_threads(store, loop);
    metric_set(METRIC_STORE_UP, STR_NONE, 1);
    return &store->base;
}

const struct engine engine_sqlite = {
    .scheme = "sqlite:",
    .open = sqlite_open,
    .close = sqlite_close,
    .is_up = sqlite_is_up,
    .lanes = sqlite_lanes,
    .money = sqlite_money,
    .feed_append = sqlite_feed_append,
    .results_add = sqlite_results_add,
    .settle_fetch = sqlite_settle_fetch,
    .settle_write = sqlite_settle_write,
    .exec = sqlite_exec,
};
