/*
 * Settle: the engine.  See settle.h.
 *
 * One market at a time, in phases; every arrow is an answer of the store:
 *
 *   IDLE -> LIST -> FACTS -> BETS -> DONE -> next market, or LIST
 *
 *   settle_queue.c  which market: the list, what is put off
 *   settle_chunk.c  its bets: fetched, graded, written, parked
 *
 * Anything that goes wrong with the store abandons the run, which begins again
 * at the stored cursor: what was applied is then found to be unchanged.
 */
#include "settle/settle.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "settle/paid_trace.h"
#include "settle/pay.h"
#include "settle/results.h"
#include "settle/settle_chunk.h"
#include "settle/settle_queue.h"
#include "settle/sweep.h"

#define FACTS_BYTES (256 * 1024 * 1024)
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000
#define PUT_OFF_MS 10000
#define LONG_RUN_MS 10000
#define PARTS 3                    /* results, sweep, timer */
#define SETTLE_MAGIC 0x5e771e00u

enum phase { PHASE_IDLE, PHASE_LIST, PHASE_FACTS, PHASE_BETS, PHASE_DONE };

struct settle {
    uint32_t magic;
    struct settle_options options;
    struct settle_queue *queue;
    struct settle_chunks *chunks;
    struct results *results;
    struct sweep *sweep;
    struct paid_traces *traces;    /* NULL: nothing is traced */
    uv_timer_t timer;
    struct store_exec exec;
    struct arena facts_arena;      /* of the market being settled */
    enum phase phase;
    bool started;
    bool again;       /* the queue may hold more than was listed */
    bool abandon;     /* this run ends as soon as nothing is at the store */
    bool failed;      /* it ends because the store failed: back off */
    bool exec_busy, waiting;
    int64_t backoff_ms;
    int64_t started_ms;            /* when the market's run began */

    bool stopping;
    unsigned parts_open;
    void (*on_stopped)(void *ctx);
    void *stop_ctx;
};

static void pump(struct settle *settle);
static void on_timer(uv_timer_t *timer);
static void on_stored(void *ctx, const struct fact *facts, uint32_t n);
static void on_swept(void *ctx, uint32_t queued);
static bool sweeps(void *ctx);
static void on_chunks_turn(void *ctx);
static void on_chunks_failed(void *ctx, const char *step, enum store_result result);
static void on_chunks_stuck(void *ctx, const char *why);
static void on_chunks_stale(void *ctx);

static bool has_market(const struct settle *settle)
{
    return settle->phase >= PHASE_FACTS;
}

static void settle_check(const struct settle *settle)
{
    bool at_chunks = settle_chunks_at_store(settle->chunks);

    CHECK(!at_chunks || settle->phase == PHASE_BETS);
    CHECK(!settle->exec_busy || (settle->phase != PHASE_IDLE && settle->phase != PHASE_BETS));
    CHECK(!has_market(settle) || settle_queue_now(settle->queue) != NULL);
    CHECK(!settle->failed || settle->abandon);
    CHECK(settle->backoff_ms <= BACKOFF_MAX_MS);
    CHECK(settle->phase < PHASE_BETS || settle->backoff_ms == 0);
    CHECK(!settle->waiting || uv_is_active((const uv_handle_t *)&settle->timer));
    CHECK(settle->parts_open <= PARTS && (settle->stopping || settle->parts_open == 0));
}

static struct settle *settle_of(void *ctx)
{
    struct settle *settle = ctx;

    CHECK(settle->magic == SETTLE_MAGIC);
    settle_check(settle);
    return settle;
}

/* The exec that was sent in this phase has its answer. */
static struct settle *settle_of_exec(const struct store_exec *exec, enum phase phase)
{
    struct settle *settle = settle_of(exec->ctx);

    CHECK(exec == &settle->exec);
    CHECK(settle->exec_busy && settle->phase == phase);
    settle->exec_busy = false;
    return settle;
}

static struct settle_chunks *make_chunks(struct settle *settle)
{
    return settle_chunks_new(&(struct settle_chunks_options){
        .settle = &settle->options, .traces = settle->traces,
        .on_turn = on_chunks_turn, .on_failed = on_chunks_failed,
        .on_stuck = on_chunks_stuck, .on_stale = on_chunks_stale, .ctx = settle,
    });
}

struct settle *settle_new(const struct settle_options *options)
{
    struct settle *settle = calloc(1, sizeof(*settle));

    CHECK(settle != NULL);
    settle->magic = SETTLE_MAGIC;
    settle->options = *options;
    settle->queue = settle_queue_new(options->shared ? 0 : UINT64_MAX);
    arena_init(&settle->facts_arena, FACTS_BYTES);
    CHECK(uv_timer_init(options->loop, &settle->timer) == 0);
    settle->timer.data = settle;
    settle->results = results_new(&(struct results_options){
        .loop = options->loop, .store = options->store,
        .offset = options->shared ? 0 : options->offset, .shared = options->shared,
        .on_stored = on_stored, .ctx = settle,
    });
    if (options->tracer != NULL)
        settle->traces = paid_traces_new(options->store, options->tracer);
    settle->chunks = make_chunks(settle);
    settle->sweep = sweep_new(&(struct sweep_options){
        .loop = options->loop, .store = options->store,
        .on_swept = on_swept, .sweeps = sweeps, .ctx = settle,
    });
    settle_check(settle);
    return settle;
}

void settle_on_results(void *settle, const struct bus_results *message)
{
    results_take(settle_of(settle)->results, message);
}

void settle_start(struct settle *settle)
{
    CHECK(!settle->started);
    settle->started = true;
    settle->again = true;
    sweep_start(settle->sweep);
    pump(settle);
}

/* ---- the run's end --------------------------------------------------- */

static bool at_store(const struct settle *settle)
{
    return settle->exec_busy || settle_chunks_at_store(settle->chunks);
}

static void wait_ms(struct settle *settle, int64_t ms)
{
    CHECK(ms > 0 && !settle->waiting);
    settle->waiting = true;
    CHECK(uv_timer_start(&settle->timer, on_timer, (uint64_t)ms, 0) == 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct settle *settle = timer->data;

    CHECK(settle->magic == SETTLE_MAGIC && settle->waiting);
    settle->waiting = false;
    pump(settle);
}

static void abandon(struct settle *settle)
{
    settle->abandon = true;
    settle_chunks_give_up(settle->chunks);
}

/* The store failed: begin again at its cursor, a little later. */
static void fail(struct settle *settle, const char *what, enum store_result result)
{
    CHECK(result != STORE_OK);
    if (!settle->failed && !settle->stopping)
        log_warn("settle", "the store failed; going on from its cursor",
                 "step=%s result=%d", what, (int)result);
    metric_add(METRIC_STORE_ERRORS, result == STORE_UNAVAILABLE ? STR("unavailable")
               : result == STORE_UNKNOWN ? STR("unknown") : STR("rejected"), 1);
    abandon(settle);
    settle->failed = true;
}

static void end_abandoned_run(struct settle *settle)
{
    CHECK(settle->abandon && !at_store(settle));
    settle_chunks_end(settle->chunks);
    settle->phase = PHASE_IDLE;
    settle->abandon = false;
    settle->again = true;
    if (!settle->failed)
        return;
    settle->failed = false;
    settle->backoff_ms = settle->backoff_ms == 0 ? BACKOFF_MIN_MS : settle->backoff_ms * 2;
    if (settle->backoff_ms > BACKOFF_MAX_MS)
        settle->backoff_ms = BACKOFF_MAX_MS;
    wait_ms(settle, settle->backoff_ms);
}

/* Leaves the market in the queue and goes on with the others. */
static void put_off(struct settle *settle, const char *why)
{
    const struct settle_job *job = settle_queue_now(settle->queue);

    CHECK(job != NULL);
    log_error("settle", "a market cannot be settled now; others go first",
              "event=" STR_FMT " market=%u specifiers='" STR_FMT "' why='%s'",
              STR_ARG(job->id.event), job->id.market, STR_ARG(job->id.specifiers), why);
    if (!settle_queue_put_off(settle->queue, clock_wall_ms() + PUT_OFF_MS))
        settle->failed = true; /* too many: slow down instead */
    abandon(settle);
}

/* ---- which market ---------------------------------------------------- */

static void run_exec(struct settle *settle, enum phase phase,
                     void (*on_done)(struct store_exec *exec, enum store_result result))
{
    CHECK(!at_store(settle));
    settle->phase = phase;
    settle->exec.on_done = on_done;
    settle->exec.ctx = settle;
    settle->exec_busy = true;
    store_exec(settle->options.store, &settle->exec);
}

static void on_listed(struct store_exec *exec, enum store_result result)
{
    struct settle *settle = settle_of_exec(exec, PHASE_LIST);

    if (result != STORE_OK) {
        fail(settle, "list", result);
    } else {
        settle->backoff_ms = 0;
        settle_queue_fill(settle->queue, exec);
        settle->phase = settle_queue_left(settle->queue) == 0 ? PHASE_IDLE : PHASE_FACTS;
    }
    pump(settle);
}

static void list(struct settle *settle)
{
    settle->again = false;
    settle_queue_ask(settle->queue, &settle->exec, clock_wall_ms());
    run_exec(settle, PHASE_LIST, on_listed);
}

/* ---- its facts ------------------------------------------------------- */

static bool read_fact(const struct store_exec *exec, uint32_t row, struct arena *arena,
                      struct fact *fact)
{
    *fact = (struct fact){
        .position = EXEC_INT(exec, row, FACTS_GET_POS),
        .kind = (enum fact_kind)EXEC_INT(exec, row, FACTS_GET_KIND),
        .rank = (enum fact_rank)EXEC_INT(exec, row, FACTS_GET_RANK),
        .key = EXEC_INT(exec, row, FACTS_GET_MARKET_KEY),
        .id = {
            .event = EXEC_TEXT(exec, row, FACTS_GET_EVENT),
            .market = (uint32_t)EXEC_INT(exec, row, FACTS_GET_MARKET),
            .specifiers = EXEC_TEXT(exec, row, FACTS_GET_SPECIFIERS),
        },
        .producer = (int32_t)EXEC_INT(exec, row, FACTS_GET_PRODUCER),
        .timestamp_ms = EXEC_INT(exec, row, FACTS_GET_TS_MS),
        .certainty = (int8_t)EXEC_INT(exec, row, FACTS_GET_CERTAINTY),
        .start_ms = EXEC_INT(exec, row, FACTS_GET_START_MS),
        .end_ms = EXEC_INT(exec, row, FACTS_GET_END_MS),
        .stopped_ms = EXEC_INT(exec, row, FACTS_GET_STOPPED_MS),
    };
    return fact_outcomes_decode(EXEC_TEXT(exec, row, FACTS_GET_OUTCOMES), arena, fact);
}

/* False: one of them is not to be read. */
static bool read_facts(struct settle *settle, const struct store_exec *exec,
                       struct pay_rulings *rulings)
{
    struct arena *arena = &settle->facts_arena;
    struct fact *facts = ARENA_ARRAY(arena, struct fact, exec->rows + 1);

    CHECK(exec->rows == 0 || exec->columns == FACTS_GET_COLUMNS);
    for (uint32_t row = 0; row < exec->rows; row++)
        if (!read_fact(exec, row, arena, &facts[row]))
            return false;
    *rulings = pay_rule(facts, exec->rows, arena);
    return true;
}

static void on_facts(struct store_exec *exec, enum store_result result)
{
    struct settle *settle = settle_of_exec(exec, PHASE_FACTS);
    struct pay_rulings rulings;

    if (result != STORE_OK) {
        fail(settle, "facts", result);
    } else if (!read_facts(settle, exec, &rulings)) {
        put_off(settle, "a stored fact cannot be read");
    } else {
        settle->started_ms = clock_wall_ms();
        settle->phase = PHASE_BETS;
        settle_chunks_begin(settle->chunks, settle_queue_now(settle->queue), rulings);
        if (settle->abandon) /* newer facts came meanwhile */
            settle_chunks_give_up(settle->chunks);
    }
    pump(settle);
}

static void load_facts(struct settle *settle)
{
    if (!settle_queue_now_is_ours(settle->queue)) {
        abandon(settle); /* the list is of other slots */
        return;
    }
    arena_reset(&settle->facts_arena);
    settle->exec = (struct store_exec){
        .calls = { { .statement = STATEMENT_FACTS_GET,
                     .params = { VALUE_INT(settle_queue_now(settle->queue)->key) } } },
        .n = 1,
        .arena = &settle->facts_arena,
    };
    run_exec(settle, PHASE_FACTS, on_facts);
}

/* ---- its end --------------------------------------------------------- */

static void report_job(const struct settle *settle, const struct settle_job *job, int64_t now)
{
    struct settle_chunks_counts counts = settle_chunks_counts(settle->chunks);

    if (counts.changed > 0)
        log_info("settle", "market settled",
                 "event=" STR_FMT " market=%u specifiers='" STR_FMT
                 "' bets=%llu changed=%llu ms=%lld lag_ms=%lld",
                 STR_ARG(job->id.event), job->id.market, STR_ARG(job->id.specifiers),
                 (unsigned long long)counts.seen, (unsigned long long)counts.changed,
                 (long long)(now - settle->started_ms), (long long)(now - job->queued_ms));
    if (now - job->queued_ms > LONG_RUN_MS)
        sweep_look_back(settle->sweep, job->queued_ms - LONG_RUN_MS);
}

static void on_job_done(struct store_exec *exec, enum store_result result)
{
    struct settle *settle = settle_of_exec(exec, PHASE_DONE);

    if (result != STORE_OK) {
        fail(settle, "done", result);
        pump(settle);
        return;
    }
    report_job(settle, settle_queue_now(settle->queue), clock_wall_ms());
    settle_chunks_end(settle->chunks);
    settle_queue_pass(settle->queue);
    settle->phase = PHASE_FACTS;
    if (settle_queue_left(settle->queue) == 0) {
        settle->phase = PHASE_IDLE;
        settle->again = true; /* there may be more than was listed */
    }
    pump(settle);
}

static void finish_job(struct settle *settle)
{
    const struct settle_job *job = settle_queue_now(settle->queue);

    settle->exec = (struct store_exec){
        .calls = { { .statement = STATEMENT_SETTLE_QUEUE_DONE,
                     .params = { VALUE_INT(job->key), VALUE_INT(job->pos) } } },
        .n = 1,
        .arena = &settle->facts_arena,
    };
    run_exec(settle, PHASE_DONE, on_job_done);
}

/* ---- its bets -------------------------------------------------------- */

static void pump_bets(struct settle *settle)
{
    int64_t ms = 0;

    switch (settle_chunks_pump(settle->chunks, &ms)) {
    case CHUNKS_WAIT:
        wait_ms(settle, ms);
        return;
    case CHUNKS_DONE:
        finish_job(settle);
        return;
    case CHUNKS_GIVEN_UP:
        CHECK(settle->abandon);
        return;
    case CHUNKS_AT_STORE:
        return;
    }
}

static void on_chunks_turn(void *ctx)
{
    pump(settle_of(ctx));
}

static void on_chunks_failed(void *ctx, const char *step, enum store_result result)
{
    fail(settle_of(ctx), step, result);
}

static void on_chunks_stuck(void *ctx, const char *why)
{
    put_off(settle_of(ctx), why);
}

static void on_chunks_stale(void *ctx)
{
    abandon(settle_of(ctx));
}

/* ---- the engine's turn ----------------------------------------------- */

static void close_parts(struct settle *settle);

static void pump(struct settle *settle)
{
    if (settle->stopping) {
        if (!at_store(settle))
            close_parts(settle);
        return;
    }
    if (settle->abandon) {
        if (at_store(settle))
            return;
        end_abandoned_run(settle);
    }
    if (!settle->started || settle->waiting)
        return;
    if (settle->phase == PHASE_IDLE && settle->again)
        list(settle);
    else if (settle->phase == PHASE_FACTS && !settle->exec_busy)
        load_facts(settle);
    else if (settle->phase == PHASE_BETS)
        pump_bets(settle);
    if (settle->abandon && !at_store(settle))
        pump(settle);
    settle_check(settle);
}

/* New facts on the market that is being settled: what was graded by the old
 * ones is graded again from the first bet. */
static void on_stored(void *ctx, const struct fact *facts, uint32_t n)
{
    struct settle *settle = settle_of(ctx);

    settle->again = true;
    if (settle->options.bus != NULL)
        bus_results_stored(settle->options.bus, facts, n);
    if (settle->phase == PHASE_FACTS || settle->phase == PHASE_BETS)
        for (uint32_t i = 0; i < n; i++)
            if (facts[i].key == settle_queue_now(settle->queue)->key)
                abandon(settle);
    pump(settle);
}

/* Of those that settle, the process that has the first slot. */
static bool sweeps(void *ctx)
{
    return settle_queue_has_slot(settle_of(ctx)->queue, 0);
}

void settle_set_slots(void *ctx, uint64_t slots)
{
    struct settle *settle = ctx;
    bool more = settle_queue_set_slots(settle->queue, slots);

    if ((settle->phase == PHASE_FACTS || settle->phase == PHASE_BETS) &&
        !settle_queue_now_is_ours(settle->queue))
        abandon(settle);
    settle->again = settle->again || more;
    pump(settle);
}

static void on_swept(void *ctx, uint32_t queued)
{
    struct settle *settle = settle_of(ctx);

    if (queued > 0 || settle_queue_n_put_off(settle->queue) > 0)
        settle->again = true;
    pump(settle);
}

bool settle_idle(const struct settle *settle)
{
    int64_t since_ms;

    return settle->phase == PHASE_IDLE && !settle->again && !settle->abandon &&
           settle_queue_n_put_off(settle->queue) == 0 && !results_wait(settle->results, &since_ms);
}

/* ---- stopping -------------------------------------------------------- */

static void on_part_closed(void *ctx)
{
    struct settle *settle = ctx;

    CHECK(settle->magic == SETTLE_MAGIC);
    CHECK(settle->stopping && settle->parts_open > 0);
    if (--settle->parts_open == 0)
        settle->on_stopped(settle->stop_ctx);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void close_parts(struct settle *settle)
{
    if (!uv_is_closing((uv_handle_t *)&settle->timer))
        uv_close((uv_handle_t *)&settle->timer, on_timer_closed);
}

void settle_stop(struct settle *settle, void (*on_stopped)(void *ctx), void *ctx)
{
    CHECK(!settle->stopping);
    settle->stopping = true;
    settle->on_stopped = on_stopped;
    settle->stop_ctx = ctx;
    settle->parts_open = PARTS;
    settle->waiting = false;
    uv_timer_stop(&settle->timer);
    results_stop(settle->results, on_part_closed, settle);
    sweep_stop(settle->sweep, on_part_closed, settle);
    pump(settle);
}

void settle_free(struct settle *settle)
{
    CHECK(settle->magic == SETTLE_MAGIC);
    CHECK(settle->stopping && settle->parts_open == 0);
    results_free(settle->results);
    sweep_free(settle->sweep);
    settle_chunks_free(settle->chunks);
    settle_queue_free(settle->queue);
    paid_traces_free(settle->traces);
    arena_fini(&settle->facts_arena);
    settle->magic = 0;
    free(settle);
}

/* ---- metrics --------------------------------------------------------- */

void settle_metrics(struct settle *settle)
{
    struct sweep_counts counts = sweep_counts(settle->sweep);
    int64_t now = clock_wall_ms(), oldest = now, since_ms;
    int64_t queued = settle_idle(settle) ? 0 : counts.queued;

    if (has_market(settle)) {
        oldest = settle_queue_now(settle->queue)->queued_ms;
        if (queued < settle_queue_left(settle->queue))
            queued = settle_queue_left(settle->queue);
    }
    if (queued > 0 && counts.oldest_ms > 0 && counts.oldest_ms < oldest)
        oldest = counts.oldest_ms;
    if (results_wait(settle->results, &since_ms) && since_ms < oldest)
        oldest = since_ms;
    metric_set(METRIC_SETTLE_QUEUE, STR_NONE, queued);
    metric_set(METRIC_SETTLE_LAG, STR_NONE, now - oldest);
    metric_set(METRIC_PARKED, STR_NONE, counts.parked);
    if (settle->started)
        sweep_count(settle->sweep);
}
