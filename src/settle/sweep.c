/*
 * Sweep: see sweep.h.
 *
 *   timer --> LATE_MARKETS --> REQUEUE, four at a time --> SETTLE_COUNTS
 *
 * A market that is queued already is left alone; the next sweep sees whether
 * a late bet is still there.
 *
 * Most late bets are late by less than a second.  But a commit may wait for
 * a standby as long as that is away, and comes to light behind facts that
 * were stored minutes after the bet was made: now and then a deep look goes
 * far back, for bets that settlement has never touched.
 */
#include "settle/sweep.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "model/slot.h"

#define SWEEP_EVERY_MS 5000
#define LOOK_BACK_MS 60000
#define LOOK_BACK_DEEP_MS (15 * 60 * INT64_C(1000))
#define LOOK_BACK_START_MS (24 * 3600 * INT64_C(1000))
/* A bet's id may be older than its commit by this much. */
#define SLACK_MS 10000
#define SLACK_DEEP_MS LOOK_BACK_DEEP_MS
#define VERSION_NEW 1      /* of a bet that settlement has not touched */
#define DEEP_EVERY 12      /* looks */
#define DEEP_FIRST 1
#define ROWS_BYTES (64 * 1024 * 1024)
#define SWEEP_MAGIC 0x73776565u /* "swee" */

struct sweep {
    uint32_t magic;
    struct sweep_options options;
    uv_timer_t timer;
    struct store_exec late, exec;
    struct arena rows, arena;
    uint32_t at;          /* rows of `late` that are queued again */
    bool busy, stopping;
    /* by depth: 0, or 1 for deep looks */
    int64_t since_ms[2];  /* look back to then, not later */
    int64_t looked_ms;    /* how far the look that runs goes back */
    unsigned looks, depth;
    struct sweep_counts counts;
    void (*on_stopped)(void *ctx);
    void *stop_ctx;
};

static void queue_some(struct sweep *sweep);

/* Of an answer of the store: something was asked. */
static struct sweep *sweep_of(const struct store_exec *exec)
{
    struct sweep *sweep = exec->ctx;

    CHECK(sweep->magic == SWEEP_MAGIC && sweep->busy);
    CHECK(exec == &sweep->exec || exec == &sweep->late);
    CHECK(sweep->depth < LENGTH(sweep->since_ms));
    return sweep;
}

struct sweep *sweep_new(const struct sweep_options *options)
{
    struct sweep *sweep = calloc(1, sizeof(*sweep));

    CHECK(sweep != NULL);
    sweep->magic = SWEEP_MAGIC;
    sweep->options = *options;
    sweep->since_ms[0] = sweep->since_ms[1] = INT64_MAX;
    arena_init(&sweep->rows, ROWS_BYTES);
    arena_init(&sweep->arena, 64 * 1024);
    CHECK(uv_timer_init(options->loop, &sweep->timer) == 0);
    sweep->timer.data = sweep;
    return sweep;
}

static void on_closed(uv_handle_t *handle)
{
    struct sweep *sweep = handle->data;

    CHECK(sweep->magic == SWEEP_MAGIC && sweep->stopping && !sweep->busy);
    sweep->on_stopped(sweep->stop_ctx);
}

/* The end of what was begun, whichever way it ended. */
static void wait_for_round(struct sweep *sweep)
{
    CHECK(!uv_is_closing((uv_handle_t *)&sweep->timer));
    sweep->busy = false;
    if (sweep->stopping)
        uv_close((uv_handle_t *)&sweep->timer, on_closed);
}

/* ---- counts ---------------------------------------------------------- */

static void on_counts(struct store_exec *exec, enum store_result result)
{
    struct sweep *sweep = sweep_of(exec);

    if (result == STORE_OK && exec->rows == 1)
        sweep->counts = (struct sweep_counts){
            .queued = EXEC_INT(exec, 0, SETTLE_COUNTS_QUEUED),
            .oldest_ms = EXEC_INT(exec, 0, SETTLE_COUNTS_OLDEST_MS),
            .parked = EXEC_INT(exec, 0, SETTLE_COUNTS_PARKED),
        };
    wait_for_round(sweep);
}

static void count(struct sweep *sweep)
{
    arena_reset(&sweep->arena);
    sweep->exec = (struct store_exec){
        .calls = { { .statement = STATEMENT_SETTLE_COUNTS } },
        .n = 1,
        .arena = &sweep->arena,
        .on_done = on_counts,
        .ctx = sweep,
    };
    store_exec(sweep->options.store, &sweep->exec);
}

void sweep_count(struct sweep *sweep)
{
    if (sweep->busy || sweep->stopping)
        return;
    sweep->busy = true;
    count(sweep);
}

struct sweep_counts sweep_counts(const struct sweep *sweep)
{
    return sweep->counts;
}

/* ---- late bets ------------------------------------------------------- */

static void look_back(struct sweep *sweep, unsigned depth, int64_t since_ms)
{
    if (since_ms < sweep->since_ms[depth])
        sweep->since_ms[depth] = since_ms;
}

/* What this look was to find, the next one of its depth must. */
static void look_failed(struct sweep *sweep)
{
    look_back(sweep, sweep->depth, sweep->looked_ms);
    wait_for_round(sweep);
}

static void on_queued(struct store_exec *exec, enum store_result result)
{
    struct sweep *sweep = sweep_of(exec);

    if (result != STORE_OK) {
        log_warn("settle", "late bets could not be queued; the next sweep will",
                 "markets=%u", sweep->late.rows - sweep->at);
        look_failed(sweep);
        return;
    }
    sweep->at += exec->n;
    CHECK(exec->n > 0 && sweep->at <= sweep->late.rows);
    queue_some(sweep);
}

/* REQUEUE's parameters are LATE_MARKETS' columns, the time and the slot. */
static void queue_some(struct sweep *sweep)
{
    struct store_exec *exec = &sweep->exec;

    CHECK(sweep->busy && sweep->at <= sweep->late.rows);
    if (sweep->at == sweep->late.rows || sweep->stopping) {
        sweep->options.on_swept(sweep->options.ctx, sweep->at);
        count(sweep);
        return;
    }
    arena_reset(&sweep->arena);
    *exec = (struct store_exec){
        .arena = &sweep->arena, .on_done = on_queued, .ctx = sweep,
    };
    while (exec->n < LENGTH(exec->calls) && sweep->at + exec->n < sweep->late.rows) {
        uint32_t row = sweep->at + exec->n;
        struct statement_call *call = &exec->calls[exec->n++];

        call->statement = STATEMENT_REQUEUE;
        for (uint32_t i = 0; i < LATE_MARKETS_COLUMNS; i++)
            call->params[i] = EXEC_CELL(&sweep->late, row, i);
        call->params[6] = VALUE_INT(clock_wall_ms());
        call->params[7] = VALUE_INT(slot_of(EXEC_TEXT(&sweep->late, row, LATE_MARKETS_EVENT)));
    }
    store_exec(sweep->options.store, exec);
}

static void on_late(struct store_exec *exec, enum store_result result)
{
    struct sweep *sweep = sweep_of(exec);

    if (result != STORE_OK) {
        log_warn("settle", "the sweep for late bets failed", "result=%d", (int)result);
        look_failed(sweep);
        return;
    }
    CHECK(exec->rows == 0 || exec->columns == LATE_MARKETS_COLUMNS);
    sweep->at = 0;
    queue_some(sweep);
}

static void read_stored(struct sweep *sweep)
{
    bool deep = sweep->looks++ % DEEP_EVERY == DEEP_FIRST;
    int64_t since = clock_wall_ms() - (deep ? LOOK_BACK_DEEP_MS : LOOK_BACK_MS);

    CHECK(!sweep->busy && !sweep->stopping);
    sweep->busy = true;
    sweep->depth = deep;
    if (since > sweep->since_ms[deep])
        since = sweep->since_ms[deep];
    sweep->since_ms[deep] = INT64_MAX;
    sweep->looked_ms = since;
    arena_reset(&sweep->rows);
    sweep->late = (struct store_exec){
        .calls = { { .statement = STATEMENT_LATE_MARKETS,
                     .params = { VALUE_INT(since),
                                 VALUE_INT(deep ? SLACK_DEEP_MS : SLACK_MS),
                                 VALUE_INT(deep ? VERSION_NEW : INT64_MAX) } } },
        .n = 1,
        .arena = &sweep->rows,
        .on_done = on_late,
        .ctx = sweep,
    };
    store_exec(sweep->options.store, &sweep->late);
}

static void on_timer(uv_timer_t *timer)
{
    struct sweep *sweep = timer->data;

    CHECK(sweep->magic == SWEEP_MAGIC && !sweep->stopping);
    if (sweep->busy)
        return;
    if (sweep->options.sweeps == NULL || sweep->options.sweeps(sweep->options.ctx))
        read_stored(sweep);
    else
        sweep->options.on_swept(sweep->options.ctx, 1); /* another process may have queued */
}

void sweep_look_back(struct sweep *sweep, int64_t since_ms)
{
    look_back(sweep, 0, since_ms);
    look_back(sweep, 1, since_ms);
}

void sweep_start(struct sweep *sweep)
{
    sweep_look_back(sweep, clock_wall_ms() - LOOK_BACK_START_MS);
    uv_timer_start(&sweep->timer, on_timer, SWEEP_EVERY_MS, SWEEP_EVERY_MS);
    on_timer(&sweep->timer);
}

void sweep_stop(struct sweep *sweep, void (*on_stopped)(void *ctx), void *ctx)
{
    CHECK(!sweep->stopping);
    sweep->stopping = true;
    sweep->on_stopped = on_stopped;
    sweep->stop_ctx = ctx;
    uv_timer_stop(&sweep->timer);
    if (!sweep->busy)
        wait_for_round(sweep);
}

void sweep_free(struct sweep *sweep)
{
    CHECK(!sweep->busy && sweep->magic == SWEEP_MAGIC);
    sweep->magic = 0;
    arena_fini(&sweep->rows);
    arena_fini(&sweep->arena);
    free(sweep);
}
