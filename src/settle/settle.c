/*
 * Settle: the engine.  See settle.h.
 *
 * One market at a time, in phases; every arrow is an answer of the store:
 *
 *   IDLE -> LIST -> FACTS -> BETS ... BETS -> DONE -> next market, or LIST
 *                             |  chunk A: fetch -> grade -> write -> free
 *                             |  chunk B:    fetch -> grade ..... write
 *
 * While one chunk is written the next is fetched and graded.  An item that
 * was not applied (its account was locked, its version had moved) makes its
 * chunk be fetched and graded again before the cursor passes it.  Anything
 * that goes wrong with the store abandons the run, which begins again at the
 * stored cursor: what was applied is then found to be unchanged.
 */
#include "settle/settle.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/slot.h"
#include "settle/paid_trace.h"
#include "settle/pay.h"
#include "settle/results.h"
#include "settle/sweep.h"
#include "settle/tell.h"

#define JOBS_LISTED 64
#define JOBS_BYTES (1024 * 1024)
#define FACTS_BYTES (256 * 1024 * 1024)
#define CHUNK_BYTES (64 * 1024 * 1024)
#define CHUNK_FIRST 100
#define CHUNK_LEAST 20
#define CHUNK_US 5000           /* a write, while bets are placed (rule 25) */
#define BUSY_US 250000          /* bets are placed: one waited this lately */
#define YIELD_US 50000          /* the longest wait for placement */
#define YIELD_POLL_MS 1
#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000
#define TRIES_BEFORE_WAIT 3     /* then locks are waited for */
#define TRIES_MAX 20            /* then the market is put off */
#define PUT_OFF_MS 10000
#define PUT_OFF_MAX 64
#define LONG_RUN_MS 10000

enum phase { PHASE_IDLE, PHASE_LIST, PHASE_FACTS, PHASE_BETS, PHASE_DONE };

struct job {
    int64_t key, pos, cursor, queued_ms, slot;
    struct market_id id;
};

/* A market that cannot be settled now, and when it is tried again. */
struct put_off {
    int64_t key, pos, until_ms;
};

struct parked {
    int64_t account, bet;
    const char *reason;
};

enum chunk_state { CHUNK_FREE, CHUNK_WANTED, CHUNK_FETCHING, CHUNK_READY };

struct chunk {
    enum chunk_state state;
    struct arena arena;          /* rows and new results */
    struct settle_fetch fetch;
    struct settle_write write;
    int64_t after, last;         /* bets in (after, last] */
    uint32_t limit;
    struct settle_item items[LIMIT_CHUNK];
    const struct bet_row *rows[LIMIT_CHUNK]; /* of the items */
    enum pay_change changes[LIMIT_CHUNK];
    bool flagged[LIMIT_CHUNK];   /* past-posting was found now */
    uint32_t n;                  /* items */
    uint32_t at, span;           /* written up to; written at once */
    uint32_t tries;
    bool skipped;                /* an item was not applied */
};

struct settle {
    struct settle_options options;
    struct results *results;
    struct sweep *sweep;
    struct paid_traces *traces;    /* NULL: nothing is traced */
    uv_timer_t timer;
    struct store_exec exec;
    enum phase phase;
    bool started;
    bool again;       /* the queue may hold more than was listed */
    bool abandon;     /* this run ends as soon as nothing is at the store */
    bool failed;      /* it ends because the store failed: back off */
    bool exec_busy, fetching, writing, waiting;
    int64_t backoff_ms;

    struct arena jobs_arena, facts_arena;
    struct job jobs[JOBS_LISTED + PUT_OFF_MAX];
    uint32_t n_jobs, job_at;
    struct put_off put_off[PUT_OFF_MAX];
    uint32_t n_put_off;
    uint64_t slots;                /* of the queue: a bit each */

    /* the market being settled */
    struct pay_rulings rulings;
    struct pay_scratch scratch;
    struct chunk chunks[2];
    struct chunk *front, *back;
    int64_t next_after;
    bool ended;                    /* every bet has been fetched */
    struct parked *parked;
    uint32_t n_parked, parked_room, parked_at; /* stored up to parked_at */
    uint64_t n_changed, n_seen;
    int64_t started_ms;

    uint32_t limit;                /* bets in a chunk now */
    int64_t wrote_us;              /* when the write in flight began */
    int64_t busy_us;               /* when a bet waited last */
    int64_t yield_us;              /* since when this chunk waits; 0 = not */

    bool stopping;
    unsigned parts_open;           /* results, sweep, timer */
    void (*on_stopped)(void *ctx);
    void *stop_ctx;
};

static void pump(struct settle *settle);
static void on_timer(uv_timer_t *timer);
static void on_stored(void *ctx, const struct fact *facts, uint32_t n);
static void on_swept(void *ctx, uint32_t queued);
static bool sweeps(void *ctx);

struct settle *settle_new(const struct settle_options *options)
{
    struct settle *settle = calloc(1, sizeof(*settle));

    CHECK(settle != NULL);
    settle->options = *options;
    settle->slots = options->shared ? 0 : UINT64_MAX;
    settle->limit = CHUNK_FIRST;
    settle->front = &settle->chunks[0];
    settle->back = &settle->chunks[1];
    for (size_t i = 0; i < LENGTH(settle->chunks); i++)
        arena_init(&settle->chunks[i].arena, CHUNK_BYTES);
    arena_init(&settle->jobs_arena, JOBS_BYTES);
    arena_init(&settle->facts_arena, FACTS_BYTES);
    pay_scratch_init(&settle->scratch);
    CHECK(uv_timer_init(options->loop, &settle->timer) == 0);
    settle->timer.data = settle;
    settle->results = results_new(&(struct results_options){
        .loop = options->loop, .store = options->store,
        .offset = options->shared ? 0 : options->offset, .shared = options->shared,
        .on_stored = on_stored, .ctx = settle,
    });
    if (options->tracer != NULL)
        settle->traces = paid_traces_new(options->store, options->tracer);
    settle->sweep = sweep_new(&(struct sweep_options){
        .loop = options->loop, .store = options->store,
        .on_swept = on_swept, .sweeps = sweeps, .ctx = settle,
    });
    return settle;
}

void settle_on_results(void *settle, const struct bus_results *message)
{
    results_take(((struct settle *)settle)->results, message);
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
    return settle->exec_busy || settle->fetching || settle->writing;
}

static void wait_ms(struct settle *settle, int64_t ms)
{
    settle->waiting = true;
    uv_timer_start(&settle->timer, on_timer, (uint64_t)ms, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct settle *settle = timer->data;

    settle->waiting = false;
    pump(settle);
}

static void clear_run(struct settle *settle)
{
    for (size_t i = 0; i < LENGTH(settle->chunks); i++)
        settle->chunks[i].state = CHUNK_FREE;
    settle->n_parked = settle->parked_at = 0;
    settle->yield_us = 0;
}

/* The store failed: begin again at its cursor, a little later. */
static void fail(struct settle *settle, const char *what, enum store_result result)
{
    if (!settle->failed && !settle->stopping)
        log_warn("settle", "the store failed; going on from its cursor",
                 "step=%s result=%d", what, (int)result);
    metric_add(METRIC_STORE_ERRORS, result == STORE_UNAVAILABLE ? STR("unavailable")
               : result == STORE_UNKNOWN ? STR("unknown") : STR("rejected"), 1);
    settle->abandon = true;
    settle->failed = true;
}

static void end_abandoned_run(struct settle *settle)
{
    clear_run(settle);
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
    const struct job *job = &settle->jobs[settle->job_at];

    log_error("settle", "a market cannot be settled now; others go first",
              "event=" STR_FMT " market=%u specifiers='" STR_FMT "' why='%s'",
              STR_ARG(job->id.event), job->id.market, STR_ARG(job->id.specifiers), why);
    if (settle->n_put_off < PUT_OFF_MAX)
        settle->put_off[settle->n_put_off++] = (struct put_off){
            job->key, job->pos, clock_wall_ms() + PUT_OFF_MS,
        };
    else
        settle->failed = true; /* too many: slow down instead */
    settle->abandon = true;
}

static bool is_put_off(const struct settle *settle, int64_t key, int64_t pos)
{
    for (uint32_t i = 0; i < settle->n_put_off; i++)
        if (settle->put_off[i].key == key && settle->put_off[i].pos == pos)
            return true;
    return false;
}

/* ---- parking --------------------------------------------------------- */

static void park(struct settle *settle, int64_t account, int64_t bet, const char *reason)
{
    const struct job *job = &settle->jobs[settle->job_at];

    if (settle->n_parked == settle->parked_room) {
        settle->parked_room = settle->parked_room == 0 ? 64 : settle->parked_room * 2;
        settle->parked = realloc(settle->parked,
                                 settle->parked_room * sizeof(*settle->parked));
        CHECK(settle->parked != NULL);
    }
    settle->parked[settle->n_parked++] = (struct parked){ account, bet, reason };
    metric_add(METRIC_SETTLE_BETS, STR("parked"), 1);
    log_error("settle", "a bet is parked and waits for a person",
              "bet=%lld account=%lld event=" STR_FMT " market=%u reason='%s'",
              (long long)bet, (long long)account, STR_ARG(job->id.event), job->id.market,
              reason);
}

/* Parked in this run?  Only the last chunks' can be met again. */
static bool is_parked(const struct settle *settle, int64_t bet)
{
    uint32_t i = settle->n_parked;
    uint32_t oldest = i > 2 * LIMIT_CHUNK ? i - 2 * LIMIT_CHUNK : 0;

    while (i > oldest)
        if (settle->parked[--i].bet == bet)
            return true;
    return false;
}

static void on_parked(struct store_exec *exec, enum store_result result)
{
    struct settle *settle = exec->ctx;

    settle->exec_busy = false;
    if (result == STORE_OK || result == STORE_REJECTED)
        settle->parked_at += exec->n; /* rejected: the log has it */
    else
        fail(settle, "park", result);
    pump(settle);
}

static void run_exec(struct settle *settle, struct arena *arena,
                     void (*on_done)(struct store_exec *exec, enum store_result result))
{
    settle->exec.arena = arena;
    settle->exec.on_done = on_done;
    settle->exec.ctx = settle;
    settle->exec_busy = true;
    store_exec(settle->options.store, &settle->exec);
}

static void store_parked(struct settle *settle)
{
    const struct job *job = &settle->jobs[settle->job_at];

    settle->exec = (struct store_exec){ .n = 0 };
    for (uint32_t i = settle->parked_at; i < settle->n_parked; i++) {
        const struct parked *parked = &settle->parked[i];
        struct statement_call *call = &settle->exec.calls[settle->exec.n];

        *call = (struct statement_call){
            .statement = STATEMENT_PARK,
            .params = { VALUE_INT(parked->account), VALUE_INT(parked->bet),
                        VALUE_INT(job->key), VALUE_STR(str_of(parked->reason)),
                        VALUE_INT(clock_wall_ms()) },
        };
        if (++settle->exec.n == LENGTH(settle->exec.calls))
            break;
    }
    run_exec(settle, &settle->jobs_arena, on_parked);
}

/* ---- which market ---------------------------------------------------- */

static void forget_old_put_offs(struct settle *settle)
{
    int64_t now = clock_wall_ms();
    uint32_t kept = 0;

    for (uint32_t i = 0; i < settle->n_put_off; i++)
        if (settle->put_off[i].until_ms > now)
            settle->put_off[kept++] = settle->put_off[i];
    settle->n_put_off = kept;
}

static void take_job(struct settle *settle, const struct store_exec *exec, uint32_t row)
{
    struct job job = {
        .key = EXEC_CELL(exec, row, 0).i,
        .pos = EXEC_CELL(exec, row, 1).i,
        .cursor = EXEC_CELL(exec, row, 2).i,
        .id = {
            .event = EXEC_CELL(exec, row, 3).s,
            .market = (uint32_t)EXEC_CELL(exec, row, 4).i,
            .specifiers = EXEC_CELL(exec, row, 5).s,
        },
        .queued_ms = EXEC_CELL(exec, row, 6).i,
        .slot = EXEC_CELL(exec, row, 7).i,
    };

    if (!is_put_off(settle, job.key, job.pos) && settle->n_jobs < LENGTH(settle->jobs))
        settle->jobs[settle->n_jobs++] = job;
}

static void on_listed(struct store_exec *exec, enum store_result result)
{
    struct settle *settle = exec->ctx;

    settle->exec_busy = false;
    settle->n_jobs = settle->job_at = 0;
    if (result != STORE_OK) {
        fail(settle, "list", result);
    } else {
        settle->backoff_ms = 0;
        for (uint32_t row = 0; row < exec->rows; row++)
            take_job(settle, exec, row);
        settle->phase = settle->n_jobs == 0 ? PHASE_IDLE : PHASE_FACTS;
    }
    pump(settle);
}

static void list(struct settle *settle)
{
    settle->phase = PHASE_LIST;
    settle->again = false;
    forget_old_put_offs(settle);
    arena_reset(&settle->jobs_arena);
    settle->exec = (struct store_exec){
        .calls = { { .statement = STATEMENT_SETTLE_QUEUE_LIST,
                     .params = { VALUE_INT(JOBS_LISTED + settle->n_put_off),
                                 VALUE_INT((int64_t)settle->slots) } } },
        .n = 1,
    };
    run_exec(settle, &settle->jobs_arena, on_listed);
}

/* ---- its facts ------------------------------------------------------- */

static bool read_fact(const struct store_exec *exec, uint32_t row, struct arena *arena,
                      struct fact *fact)
{
    *fact = (struct fact){
        .position = EXEC_CELL(exec, row, 0).i,
        .kind = (enum fact_kind)EXEC_CELL(exec, row, 1).i,
        .rank = (enum fact_rank)EXEC_CELL(exec, row, 2).i,
        .key = EXEC_CELL(exec, row, 3).i,
        .id = {
            .event = EXEC_CELL(exec, row, 4).s,
            .market = (uint32_t)EXEC_CELL(exec, row, 5).i,
            .specifiers = EXEC_CELL(exec, row, 6).s,
        },
        .producer = (int32_t)EXEC_CELL(exec, row, 7).i,
        .timestamp_ms = EXEC_CELL(exec, row, 8).i,
        .certainty = (int8_t)EXEC_CELL(exec, row, 9).i,
        .start_ms = EXEC_CELL(exec, row, 10).i,
        .end_ms = EXEC_CELL(exec, row, 11).i,
        .stopped_ms = EXEC_CELL(exec, row, 12).i,
    };
    return fact_outcomes_decode(EXEC_CELL(exec, row, 13).s, arena, fact);
}

static bool read_facts(struct settle *settle, const struct store_exec *exec)
{
    struct arena *arena = &settle->facts_arena;
    struct fact *facts = ARENA_ARRAY(arena, struct fact, exec->rows + 1);

    CHECK(exec->rows == 0 || exec->columns == 14);
    for (uint32_t row = 0; row < exec->rows; row++)
        if (!read_fact(exec, row, arena, &facts[row]))
            return false;
    settle->rulings = pay_rule(facts, exec->rows, arena);
    return true;
}

static void on_facts(struct store_exec *exec, enum store_result result)
{
    struct settle *settle = exec->ctx;
    const struct job *job = &settle->jobs[settle->job_at];

    settle->exec_busy = false;
    if (result != STORE_OK) {
        fail(settle, "facts", result);
    } else if (!read_facts(settle, exec)) {
        put_off(settle, "a stored fact cannot be read");
    } else {
        clear_run(settle);
        settle->next_after = job->cursor;
        settle->ended = false;
        settle->n_changed = settle->n_seen = 0;
        settle->started_ms = clock_wall_ms();
        settle->phase = PHASE_BETS;
    }
    pump(settle);
}

static bool is_ours(const struct settle *settle, const struct job *job)
{
    return (settle->slots >> (job->slot & (SLOTS - 1)) & 1) != 0;
}

static void load_facts(struct settle *settle)
{
    if (!is_ours(settle, &settle->jobs[settle->job_at])) {
        settle->abandon = true; /* the list is of other slots */
        return;
    }
    arena_reset(&settle->facts_arena);
    settle->exec = (struct store_exec){
        .calls = { { .statement = STATEMENT_FACTS_GET,
                     .params = { VALUE_INT(settle->jobs[settle->job_at].key) } } },
        .n = 1,
    };
    run_exec(settle, &settle->facts_arena, on_facts);
}

/* ---- its bets: read and grade ---------------------------------------- */

static void grade_row(struct settle *settle, struct chunk *chunk, const struct bet_row *row,
                      int64_t now_ms)
{
    struct settle_item *item = &chunk->items[chunk->n];
    enum pay_change change;

    if (is_parked(settle, row->id))
        return;
    change = pay_bet(row, &settle->rulings, now_ms, &settle->scratch, &chunk->arena, item);
    if (change == PAY_UNREADABLE) {
        park(settle, row->account, row->id, "its slip or results cannot be read");
        return;
    }
    if (change == PAY_UNCHANGED) {
        metric_add(METRIC_SETTLE_BETS, STR("unchanged"), 1);
        return;
    }
    chunk->rows[chunk->n] = row;
    chunk->changes[chunk->n] = change;
    chunk->flagged[chunk->n] = item->flags != row->flags;
    chunk->n++;
}

/* A chunk fetched again may end at another bet than before: what was
 * fetched beyond it no longer joins on. */
static void join_chunks(struct settle *settle, struct chunk *chunk)
{
    bool last = chunk->fetch.n < chunk->limit;

    if (chunk == settle->front && settle->back->state == CHUNK_READY) {
        if (!last && settle->back->after == chunk->last)
            return;
        settle->back->state = CHUNK_FREE;
    }
    settle->next_after = chunk->last;
    settle->ended = last;
}

static void on_fetched(struct settle_fetch *fetch, enum store_result result)
{
    struct settle *settle = fetch->ctx;
    struct chunk *chunk = fetch == &settle->front->fetch ? settle->front : settle->back;
    int64_t now = clock_wall_ms();

    settle->fetching = false;
    chunk->state = CHUNK_FREE;
    if (result != STORE_OK) {
        fail(settle, "fetch", result);
    } else if (!settle->abandon) {
        CHECK(fetch->n <= chunk->limit);
        chunk->state = CHUNK_READY;
        chunk->last = fetch->n > 0 ? fetch->rows[fetch->n - 1].id : chunk->after;
        chunk->n = chunk->at = 0;
        chunk->skipped = false;
        for (uint32_t i = 0; i < fetch->n; i++)
            grade_row(settle, chunk, &fetch->rows[i], now);
        chunk->span = chunk->n;
        settle->n_seen += chunk->tries == 0 ? fetch->n : 0;
        join_chunks(settle, chunk);
    }
    pump(settle);
}

static void fetch_chunk(struct settle *settle, struct chunk *chunk)
{
    if (chunk->state == CHUNK_FREE) {
        chunk->after = settle->next_after;
        chunk->limit = settle->limit;
        chunk->tries = 0;
    }
    arena_reset(&chunk->arena);
    chunk->state = CHUNK_FETCHING;
    chunk->fetch = (struct settle_fetch){
        .market_key = settle->jobs[settle->job_at].key,
        .after = chunk->after,
        .limit = chunk->limit,
        .arena = &chunk->arena,
        .on_done = on_fetched,
        .ctx = settle,
    };
    settle->fetching = true;
    store_settle_fetch(settle->options.store, &chunk->fetch);
}

/* One fetch at a time: again first, then on. */
static void fetch_next(struct settle *settle)
{
    if (settle->fetching)
        return;
    if (settle->front->state == CHUNK_WANTED)
        fetch_chunk(settle, settle->front);
    else if (settle->ended)
        return;
    else if (settle->front->state == CHUNK_FREE)
        fetch_chunk(settle, settle->front);
    else if (settle->back->state == CHUNK_FREE)
        fetch_chunk(settle, settle->back);
}

/* ---- its bets: write ------------------------------------------------- */

/* True: placement goes first, and a timer calls again (RULES.md 25). */
static bool yields(struct settle *settle)
{
    const struct settle_options *options = &settle->options;
    int64_t now = clock_mono_us();

    if (options->placement_waits == NULL || !options->placement_waits(options->ctx)) {
        settle->yield_us = 0;
        return false;
    }
    settle->busy_us = now;
    if (settle->yield_us == 0) {
        settle->yield_us = now;
        metric_inc(METRIC_SETTLE_YIELDS);
    } else if (now - settle->yield_us >= YIELD_US) {
        settle->yield_us = 0;
        return false;
    }
    wait_ms(settle, YIELD_POLL_MS);
    return true;
}

/* A chunk's size follows the time its write takes: about 5 ms while bets
 * are placed, as large as allowed when it is quiet. */
static void adapt(struct settle *settle, uint32_t items, int64_t took_us)
{
    bool busy = settle->busy_us != 0 && clock_mono_us() - settle->busy_us < BUSY_US;
    uint32_t limit = settle->limit;

    if (items * 2 < limit)
        return; /* too little to judge by */
    if (!busy)
        limit *= 2;
    else if (took_us > CHUNK_US)
        limit -= limit / 4;
    else if (took_us < CHUNK_US * 3 / 4)
        limit += limit / 8 + 1;
    if (limit < CHUNK_LEAST)
        limit = CHUNK_LEAST;
    settle->limit = limit > LIMIT_CHUNK ? LIMIT_CHUNK : limit;
}

static void count_item(struct settle *settle, const struct chunk *chunk, uint32_t i)
{
    const struct settle_item *item = &chunk->items[i];
    const struct job *job = &settle->jobs[settle->job_at];

    settle->n_changed++;
    metric_add(METRIC_SETTLE_BETS, str_of(pay_change_name(chunk->changes[i])), 1);
    if (!chunk->flagged[i])
        return;
    metric_inc(METRIC_SETTLE_PAST_POSTED);
    log_warn("settle", "a bet was accepted after the producer's stop",
             "bet=%lld account=%lld event=" STR_FMT " market=%u", (long long)item->bet,
             (long long)item->account, STR_ARG(job->id.event), job->id.market);
}

static void written(struct settle *settle, struct chunk *chunk)
{
    int64_t took_us = clock_mono_us() - settle->wrote_us;

    settle->backoff_ms = 0;
    metric_observe(METRIC_SETTLE_CHUNK_SECONDS, took_us);
    metric_observe(METRIC_SETTLE_CHUNK_SIZE, chunk->write.n);
    if (chunk->write.stale) { /* graded by facts that are no longer all */
        settle->abandon = true;
        return;
    }
    adapt(settle, chunk->write.n, took_us);
    for (uint32_t i = chunk->at; i < chunk->at + chunk->write.n; i++) {
        if (!chunk->items[i].applied) {
            chunk->skipped = true;
            continue;
        }
        count_item(settle, chunk, i);
        tell_settled(&(struct tell){ settle->options.bus, settle->options.margin_e4,
                                     chunk->write.at_ms, &settle->scratch },
                     chunk->rows[i], &chunk->items[i]);
    }
    if (settle->traces != NULL)
        paid_traces_add(settle->traces, &chunk->write, chunk->changes + chunk->at,
                        settle->wrote_us);
    chunk->at += chunk->write.n;
    chunk->span *= 2;
}

/* Halved until the offender stands alone (RULES.md 6). */
static void rejected(struct settle *settle, struct chunk *chunk)
{
    const struct settle_item *item = &chunk->items[chunk->at];

    metric_add(METRIC_STORE_ERRORS, STR("rejected"), 1);
    if (chunk->write.n > 1) {
        chunk->span = chunk->write.n / 2;
        return;
    }
    park(settle, item->account, item->bet, "the store rejects its settlement");
    chunk->at++;
    chunk->span = chunk->n - chunk->at;
}

/* Who waits for a lock may wait for long: whoever holds it is not settlement's
 * to end (RULES.md 25). */
static bool waited_for_a_lock(const struct settle *settle, enum store_result result)
{
    return settle->front->write.wait && result == STORE_UNAVAILABLE &&
           store_is_up(settle->options.store);
}

static void on_written(struct settle_write *write, enum store_result result)
{
    struct settle *settle = write->ctx;
    struct chunk *chunk = settle->front;

    CHECK(write == &chunk->write);
    settle->writing = false;
    if (result == STORE_OK)
        written(settle, chunk);
    else if (result == STORE_REJECTED)
        rejected(settle, chunk);
    else if (waited_for_a_lock(settle, result))
        put_off(settle, "an account stays locked");
    else
        fail(settle, "write", result);
    pump(settle);
}

static void write_chunk(struct settle *settle, struct chunk *chunk)
{
    const struct job *job = &settle->jobs[settle->job_at];
    uint32_t left = chunk->n - chunk->at;

    if (chunk->span > left)
        chunk->span = left;
    CHECK(chunk->span > 0);
    chunk->write = (struct settle_write){
        .items = chunk->items + chunk->at,
        .n = chunk->span,
        .market_key = job->key,
        .pos = job->pos,
        .cursor = chunk->last,
        .at_ms = clock_wall_ms(),
        .advance = chunk->span == left && !chunk->skipped,
        .wait = chunk->tries >= TRIES_BEFORE_WAIT,
        .on_done = on_written,
        .ctx = settle,
    };
    settle->yield_us = 0;
    settle->wrote_us = clock_mono_us();
    settle->writing = true;
    store_settle_write(settle->options.store, &chunk->write);
}

/* Everything of the front chunk was tried once. */
static void finish_chunk(struct settle *settle)
{
    struct chunk *chunk = settle->front;

    if (!chunk->skipped) {
        chunk->state = CHUNK_FREE;
        settle->front = settle->back;
        settle->back = chunk;
        return;
    }
    if (++chunk->tries > TRIES_MAX) {
        put_off(settle, "an account stays locked");
        return;
    }
    chunk->state = CHUNK_WANTED;
    if (chunk->tries > 1)
        wait_ms(settle, chunk->tries < 10 ? chunk->tries : 50);
}

/* ---- its end --------------------------------------------------------- */

static void on_job_done(struct store_exec *exec, enum store_result result)
{
    struct settle *settle = exec->ctx;
    const struct job *job = &settle->jobs[settle->job_at];
    int64_t now = clock_wall_ms();

    settle->exec_busy = false;
    if (result != STORE_OK) {
        fail(settle, "done", result);
        pump(settle);
        return;
    }
    if (settle->n_changed > 0)
        log_info("settle", "market settled",
                 "event=" STR_FMT " market=%u specifiers='" STR_FMT
                 "' bets=%llu changed=%llu ms=%lld lag_ms=%lld",
                 STR_ARG(job->id.event), job->id.market, STR_ARG(job->id.specifiers),
                 (unsigned long long)settle->n_seen, (unsigned long long)settle->n_changed,
                 (long long)(now - settle->started_ms), (long long)(now - job->queued_ms));
    if (now - job->queued_ms > LONG_RUN_MS)
        sweep_look_back(settle->sweep, job->queued_ms - LONG_RUN_MS);
    clear_run(settle);
    settle->job_at++;
    settle->phase = PHASE_FACTS;
    if (settle->job_at == settle->n_jobs) {
        settle->phase = PHASE_IDLE;
        settle->again = true; /* there may be more than was listed */
    }
    pump(settle);
}

static void finish_job(struct settle *settle)
{
    const struct job *job = &settle->jobs[settle->job_at];

    settle->phase = PHASE_DONE;
    settle->exec = (struct store_exec){
        .calls = { { .statement = STATEMENT_SETTLE_QUEUE_DONE,
                     .params = { VALUE_INT(job->key), VALUE_INT(job->pos) } } },
        .n = 1,
    };
    run_exec(settle, &settle->jobs_arena, on_job_done);
}

/* ---- the engine's turn ----------------------------------------------- */

static void pump_bets(struct settle *settle)
{
    struct chunk *front;

    for (;;) {
        fetch_next(settle);
        front = settle->front;
        if (settle->writing || settle->exec_busy)
            return;
        if (settle->parked_at < settle->n_parked) {
            store_parked(settle); /* before the cursor passes them */
            return;
        }
        if (front->state != CHUNK_READY)
            break;
        if (front->at < front->n) {
            if (!yields(settle))
                write_chunk(settle, front);
            return;
        }
        finish_chunk(settle);
        if (settle->waiting || settle->abandon)
            break;
    }
    if (settle->ended && !settle->fetching && !settle->abandon &&
        front->state == CHUNK_FREE && settle->back->state == CHUNK_FREE)
        finish_job(settle);
}

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
}

/* New facts on the market that is being settled: what was graded by the old
 * ones is graded again from the first bet. */
static void on_stored(void *ctx, const struct fact *facts, uint32_t n)
{
    struct settle *settle = ctx;

    settle->again = true;
    if (settle->options.on_stored != NULL)
        settle->options.on_stored(settle->options.ctx, facts, n);
    if (settle->phase == PHASE_FACTS || settle->phase == PHASE_BETS)
        for (uint32_t i = 0; i < n; i++)
            if (facts[i].key == settle->jobs[settle->job_at].key)
                settle->abandon = true;
    pump(settle);
}

/* Of those that settle, who has the first slot. */
static bool sweeps(void *ctx)
{
    const struct settle *settle = ctx;

    return (settle->slots & 1) != 0;
}

void settle_set_slots(struct settle *settle, uint64_t slots)
{
    uint64_t more = slots & ~settle->slots;

    settle->slots = slots;
    if (settle->phase == PHASE_FACTS || settle->phase == PHASE_BETS)
        settle->abandon = settle->abandon || !is_ours(settle, &settle->jobs[settle->job_at]);
    settle->again = settle->again || more != 0;
    pump(settle);
}

static void on_swept(void *ctx, uint32_t queued)
{
    struct settle *settle = ctx;

    if (queued > 0 || settle->n_put_off > 0)
        settle->again = true;
    pump(settle);
}

bool settle_idle(const struct settle *settle)
{
    int64_t since_ms;

    return settle->phase == PHASE_IDLE && !settle->again && !settle->abandon &&
           settle->n_put_off == 0 && !results_wait(settle->results, &since_ms);
}

/* ---- stopping -------------------------------------------------------- */

static void on_part_closed(void *ctx)
{
    struct settle *settle = ctx;

    CHECK(settle->parts_open > 0);
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
    settle->parts_open = 3;
    uv_timer_stop(&settle->timer);
    results_stop(settle->results, on_part_closed, settle);
    sweep_stop(settle->sweep, on_part_closed, settle);
    pump(settle);
}

void settle_free(struct settle *settle)
{
    CHECK(settle->stopping && settle->parts_open == 0);
    results_free(settle->results);
    sweep_free(settle->sweep);
    paid_traces_free(settle->traces);
    for (size_t i = 0; i < LENGTH(settle->chunks); i++)
        arena_fini(&settle->chunks[i].arena);
    arena_fini(&settle->jobs_arena);
    arena_fini(&settle->facts_arena);
    pay_scratch_fini(&settle->scratch);
    free(settle->parked);
    free(settle);
}

/* ---- metrics --------------------------------------------------------- */

void settle_metrics(struct settle *settle)
{
    struct sweep_counts counts = sweep_counts(settle->sweep);
    int64_t now = clock_wall_ms(), oldest = now, since_ms;
    int64_t queued = settle_idle(settle) ? 0 : counts.queued;

    if (settle->phase != PHASE_IDLE && settle->job_at < settle->n_jobs) {
        oldest = settle->jobs[settle->job_at].queued_ms;
        if (queued < settle->n_jobs - settle->job_at)
            queued = settle->n_jobs - settle->job_at;
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
