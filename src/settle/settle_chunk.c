/*
 * Settle chunk: fetch, grade, write, park.  See settle_chunk.h.
 */
#include "settle/settle_chunk.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "settle/pay.h"
#include "settle/publish.h"

#define CHUNK_BYTES (64 * 1024 * 1024)
#define PARK_BYTES (1024 * 1024)
#define CHUNK_FIRST 100
#define CHUNK_LEAST 20
#define CHUNK_US 5000           /* a write, while bets are placed (rule 25) */
#define BUSY_US 250000          /* bets are placed: one waited this lately */
#define YIELD_US 50000          /* the longest wait for placement */
#define YIELD_POLL_MS 1
#define TRIES_BEFORE_WAIT 3     /* then locks are waited for */
#define TRIES_MAX 20            /* then the market is put off */
#define CHUNKS_MAGIC 0x5e771ec5u

struct parked_bet {
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

struct settle_chunks {
    uint32_t magic;
    struct settle_chunks_options options;
    const struct settle_job *job;  /* NULL: no market */
    struct pay_rulings rulings;
    struct pay_scratch scratch;
    struct chunk chunks[2];
    struct chunk *front, *back;
    int64_t next_after;
    bool ended;                    /* every bet has been fetched */
    bool fetching, writing, parking; /* at the store */
    bool given_up;
    struct store_exec exec;        /* parking */
    struct arena exec_arena;
    struct parked_bet *parked;
    uint32_t n_parked, parked_room, parked_at; /* stored up to parked_at */
    struct settle_chunks_counts counts;

    uint32_t limit;                /* bets in a chunk now */
    int64_t wrote_us;              /* when the write in flight began */
    int64_t busy_us;               /* when a bet waited last */
    int64_t yield_us;              /* since when this chunk waits; 0 = not */
};

static void chunk_check(const struct chunk *chunk)
{
    CHECK(chunk->at <= chunk->n && chunk->n <= LIMIT_CHUNK);
    if (chunk->state == CHUNK_READY)
        CHECK(chunk->last >= chunk->after);
    if (chunk->state != CHUNK_FREE)
        CHECK(chunk->limit >= CHUNK_LEAST && chunk->limit <= LIMIT_CHUNK);
}

static void chunks_check(const struct settle_chunks *chunks)
{
    const struct chunk *front = chunks->front, *back = chunks->back;

    CHECK(front != back);
    chunk_check(front);
    chunk_check(back);
    CHECK(chunks->fetching == ((front->state == CHUNK_FETCHING) +
                               (back->state == CHUNK_FETCHING) == 1));
    CHECK(back->state != CHUNK_WANTED); /* it is the front that is written */
    CHECK(!chunks->writing || front->state == CHUNK_READY);
    CHECK(!chunks->writing || front->write.n <= front->n - front->at);
    CHECK(!(chunks->writing && chunks->parking));
    CHECK(chunks->parked_at <= chunks->n_parked && chunks->n_parked <= chunks->parked_room);
    CHECK(chunks->limit >= CHUNK_LEAST && chunks->limit <= LIMIT_CHUNK);
    CHECK(chunks->job != NULL || !settle_chunks_at_store(chunks));
    CHECK(chunks->given_up || front->state != CHUNK_FREE || back->state == CHUNK_FREE);
}

static struct settle_chunks *chunks_of(void *ctx)
{
    struct settle_chunks *chunks = ctx;

    CHECK(chunks->magic == CHUNKS_MAGIC);
    chunks_check(chunks);
    return chunks;
}

struct settle_chunks *settle_chunks_new(const struct settle_chunks_options *options)
{
    struct settle_chunks *chunks = calloc(1, sizeof(*chunks));

    CHECK(chunks != NULL);
    chunks->magic = CHUNKS_MAGIC;
    chunks->options = *options;
    chunks->limit = CHUNK_FIRST;
    chunks->front = &chunks->chunks[0];
    chunks->back = &chunks->chunks[1];
    for (size_t i = 0; i < LENGTH(chunks->chunks); i++)
        arena_init(&chunks->chunks[i].arena, CHUNK_BYTES);
    arena_init(&chunks->exec_arena, PARK_BYTES);
    pay_scratch_init(&chunks->scratch);
    return chunks;
}

void settle_chunks_free(struct settle_chunks *chunks)
{
    CHECK(chunks->magic == CHUNKS_MAGIC);
    CHECK(!settle_chunks_at_store(chunks));
    for (size_t i = 0; i < LENGTH(chunks->chunks); i++)
        arena_fini(&chunks->chunks[i].arena);
    arena_fini(&chunks->exec_arena);
    pay_scratch_fini(&chunks->scratch);
    free(chunks->parked);
    chunks->magic = 0;
    free(chunks);
}

/* ---- a market's beginning and end ------------------------------------ */

void settle_chunks_begin(struct settle_chunks *chunks, const struct settle_job *job,
                         struct pay_rulings rulings)
{
    CHECK(chunks->job == NULL && job != NULL);
    CHECK(chunks->n_parked == 0 && !chunks->given_up);
    chunks->job = job;
    chunks->rulings = rulings;
    chunks->next_after = job->cursor;
    chunks->ended = false;
    chunks->counts = (struct settle_chunks_counts){ 0 };
}

void settle_chunks_give_up(struct settle_chunks *chunks)
{
    chunks->given_up = chunks->job != NULL;
}

bool settle_chunks_at_store(const struct settle_chunks *chunks)
{
    return chunks->fetching || chunks->writing || chunks->parking;
}

void settle_chunks_end(struct settle_chunks *chunks)
{
    CHECK(!settle_chunks_at_store(chunks));
    for (size_t i = 0; i < LENGTH(chunks->chunks); i++)
        chunks->chunks[i].state = CHUNK_FREE;
    chunks->n_parked = chunks->parked_at = 0;
    chunks->yield_us = 0;
    chunks->given_up = false;
    chunks->job = NULL;
}

struct settle_chunks_counts settle_chunks_counts(const struct settle_chunks *chunks)
{
    return chunks->counts;
}

/* ---- parking --------------------------------------------------------- */

static void park(struct settle_chunks *chunks, int64_t account, int64_t bet,
                 const char *reason)
{
    const struct settle_job *job = chunks->job;

    if (chunks->n_parked == chunks->parked_room) {
        chunks->parked_room = chunks->parked_room == 0 ? 64 : chunks->parked_room * 2;
        chunks->parked = realloc(chunks->parked,
                                 chunks->parked_room * sizeof(*chunks->parked));
        CHECK(chunks->parked != NULL);
    }
    chunks->parked[chunks->n_parked++] = (struct parked_bet){ account, bet, reason };
    metric_add(METRIC_SETTLE_BETS, STR("parked"), 1);
    log_error("settle", "a bet is parked and waits for a person",
              "bet=%lld account=%lld event=" STR_FMT " market=%u reason='%s'",
              (long long)bet, (long long)account, STR_ARG(job->id.event), job->id.market,
              reason);
}

/* Parked in this run?  Only the last chunks' can be met again. */
static bool is_parked(const struct settle_chunks *chunks, int64_t bet)
{
    uint32_t i = chunks->n_parked;
    uint32_t oldest = i > 2 * LIMIT_CHUNK ? i - 2 * LIMIT_CHUNK : 0;

    while (i > oldest)
        if (chunks->parked[--i].bet == bet)
            return true;
    return false;
}

static void on_parked(struct store_exec *exec, enum store_result result)
{
    struct settle_chunks *chunks = chunks_of(exec->ctx);

    CHECK(chunks->parking && exec == &chunks->exec);
    chunks->parking = false;
    if (result == STORE_OK || result == STORE_REJECTED)
        chunks->parked_at += exec->n; /* rejected: the log has it */
    else
        chunks->options.on_failed(chunks->options.ctx, "park", result);
    chunks->options.on_turn(chunks->options.ctx);
}

static void store_parked(struct settle_chunks *chunks)
{
    CHECK(!chunks->parking && !chunks->writing);
    arena_reset(&chunks->exec_arena);
    chunks->exec = (struct store_exec){
        .arena = &chunks->exec_arena, .on_done = on_parked, .ctx = chunks,
    };
    for (uint32_t i = chunks->parked_at; i < chunks->n_parked; i++) {
        const struct parked_bet *parked = &chunks->parked[i];
        struct statement_call *call = &chunks->exec.calls[chunks->exec.n];

        *call = (struct statement_call){
            .statement = STATEMENT_PARK,
            .params = { VALUE_INT(parked->account), VALUE_INT(parked->bet),
                        VALUE_INT(chunks->job->key), VALUE_STR(str_of(parked->reason)),
                        VALUE_INT(clock_wall_ms()) },
        };
        if (++chunks->exec.n == LENGTH(chunks->exec.calls))
            break;
    }
    chunks->parking = true;
    store_exec(chunks->options.settle->store, &chunks->exec);
}

/* ---- its bets: read and grade ---------------------------------------- */

static void grade_row(struct settle_chunks *chunks, struct chunk *chunk,
                      const struct bet_row *row, int64_t now_ms)
{
    struct settle_item *item = &chunk->items[chunk->n];
    enum pay_change change;

    if (is_parked(chunks, row->id))
        return;
    change = pay_bet(row, &chunks->rulings, now_ms, &chunks->scratch, &chunk->arena, item);
    if (change == PAY_UNREADABLE) {
        park(chunks, row->account, row->id, "its slip or results cannot be read");
        return;
    }
    if (change == PAY_UNCHANGED) {
        metric_add(METRIC_SETTLE_BETS, STR("unchanged"), 1);
        return;
    }
    CHECK(item->bet == row->id && item->account == row->account);
    chunk->rows[chunk->n] = row;
    chunk->changes[chunk->n] = change;
    chunk->flagged[chunk->n] = item->flags != row->flags;
    chunk->n++;
}

/* A chunk fetched again may end at another bet than before: what was
 * fetched beyond it no longer joins on. */
static void join_chunks(struct settle_chunks *chunks, struct chunk *chunk)
{
    bool last = chunk->fetch.n < chunk->limit;

    if (chunk == chunks->front && chunks->back->state == CHUNK_READY) {
        if (!last && chunks->back->after == chunk->last)
            return;
        chunks->back->state = CHUNK_FREE;
    }
    chunks->next_after = chunk->last;
    chunks->ended = last;
}

static void take_rows(struct settle_chunks *chunks, struct chunk *chunk)
{
    const struct settle_fetch *fetch = &chunk->fetch;
    int64_t now = clock_wall_ms();

    CHECK(fetch->n <= chunk->limit);
    chunk->state = CHUNK_READY;
    chunk->last = fetch->n > 0 ? fetch->rows[fetch->n - 1].id : chunk->after;
    chunk->n = chunk->at = 0;
    chunk->skipped = false;
    for (uint32_t i = 0; i < fetch->n; i++)
        grade_row(chunks, chunk, &fetch->rows[i], now);
    chunk->span = chunk->n;
    chunks->counts.seen += chunk->tries == 0 ? fetch->n : 0;
    join_chunks(chunks, chunk);
}

static void on_fetched(struct settle_fetch *fetch, enum store_result result)
{
    struct settle_chunks *chunks = chunks_of(fetch->ctx);
    struct chunk *chunk = fetch == &chunks->front->fetch ? chunks->front : chunks->back;

    CHECK(fetch == &chunk->fetch && chunk->state == CHUNK_FETCHING);
    chunks->fetching = false;
    chunk->state = CHUNK_FREE;
    if (result != STORE_OK)
        chunks->options.on_failed(chunks->options.ctx, "fetch", result);
    else if (!chunks->given_up)
        take_rows(chunks, chunk);
    chunks->options.on_turn(chunks->options.ctx);
}

static void fetch_chunk(struct settle_chunks *chunks, struct chunk *chunk)
{
    CHECK(chunk->state == CHUNK_FREE || chunk->state == CHUNK_WANTED);
    if (chunk->state == CHUNK_FREE) {
        chunk->after = chunks->next_after;
        chunk->limit = chunks->limit;
        chunk->tries = 0;
    }
    arena_reset(&chunk->arena);
    chunk->n = chunk->at = 0;
    chunk->state = CHUNK_FETCHING;
    chunk->fetch = (struct settle_fetch){
        .market_key = chunks->job->key,
        .after = chunk->after,
        .limit = chunk->limit,
        .arena = &chunk->arena,
        .on_done = on_fetched,
        .ctx = chunks,
    };
    chunks->fetching = true;
    store_settle_fetch(chunks->options.settle->store, &chunk->fetch);
}

/* One fetch at a time: again first, then on. */
static void fetch_next(struct settle_chunks *chunks)
{
    if (chunks->fetching)
        return;
    if (chunks->front->state == CHUNK_WANTED)
        fetch_chunk(chunks, chunks->front);
    else if (chunks->ended)
        return;
    else if (chunks->front->state == CHUNK_FREE)
        fetch_chunk(chunks, chunks->front);
    else if (chunks->back->state == CHUNK_FREE)
        fetch_chunk(chunks, chunks->back);
}

/* ---- its bets: write ------------------------------------------------- */

/* True: placement goes first; it is asked again soon (RULES.md 25). */
static bool yields(struct settle_chunks *chunks)
{
    const struct settle_options *options = chunks->options.settle;
    int64_t now = clock_mono_us();

    if (options->placement_waits == NULL || !options->placement_waits(options->ctx)) {
        chunks->yield_us = 0;
        return false;
    }
    chunks->busy_us = now;
    if (chunks->yield_us == 0) {
        chunks->yield_us = now;
        metric_inc(METRIC_SETTLE_YIELDS);
    } else if (now - chunks->yield_us >= YIELD_US) {
        chunks->yield_us = 0;
        return false;
    }
    return true;
}

/* A chunk's size follows the time its write takes: about 5 ms while bets
 * are placed, as large as allowed when it is quiet. */
static void adapt(struct settle_chunks *chunks, uint32_t items, int64_t took_us)
{
    bool busy = chunks->busy_us != 0 && clock_mono_us() - chunks->busy_us < BUSY_US;
    uint32_t limit = chunks->limit;

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
    chunks->limit = limit > LIMIT_CHUNK ? LIMIT_CHUNK : limit;
}

static void count_item(struct settle_chunks *chunks, const struct chunk *chunk, uint32_t i)
{
    const struct settle_item *item = &chunk->items[i];
    const struct settle_job *job = chunks->job;

    chunks->counts.changed++;
    metric_add(METRIC_SETTLE_BETS, str_of(pay_change_name(chunk->changes[i])), 1);
    if (!chunk->flagged[i])
        return;
    metric_inc(METRIC_SETTLE_PAST_POSTED);
    log_warn("settle", "a bet was accepted after the producer's stop",
             "bet=%lld account=%lld event=" STR_FMT " market=%u", (long long)item->bet,
             (long long)item->account, STR_ARG(job->id.event), job->id.market);
}

static void take_items(struct settle_chunks *chunks, struct chunk *chunk)
{
    const struct settle_options *options = chunks->options.settle;

    for (uint32_t i = chunk->at; i < chunk->at + chunk->write.n; i++) {
        if (!chunk->items[i].applied) {
            chunk->skipped = true;
            continue;
        }
        count_item(chunks, chunk, i);
        settle_publish(&(struct settle_publisher){ options->bus, options->margin_e4,
                                                   chunk->write.at_ms, &chunks->scratch },
                       chunk->rows[i], &chunk->items[i]);
    }
}

static void written(struct settle_chunks *chunks, struct chunk *chunk)
{
    int64_t took_us = clock_mono_us() - chunks->wrote_us;

    metric_observe(METRIC_SETTLE_CHUNK_SECONDS, took_us);
    metric_observe(METRIC_SETTLE_CHUNK_SIZE, chunk->write.n);
    if (chunk->write.stale) { /* graded by facts that are no longer all */
        chunks->options.on_stale(chunks->options.ctx);
        return;
    }
    adapt(chunks, chunk->write.n, took_us);
    take_items(chunks, chunk);
    if (chunks->options.traces != NULL)
        paid_traces_add(chunks->options.traces, &chunk->write, chunk->changes + chunk->at,
                        chunks->wrote_us);
    chunk->at += chunk->write.n;
    chunk->span *= 2;
}

/* Halved until the offender stands alone (RULES.md 6). */
static void rejected(struct settle_chunks *chunks, struct chunk *chunk)
{
    const struct settle_item *item = &chunk->items[chunk->at];

    metric_add(METRIC_STORE_ERRORS, STR("rejected"), 1);
    if (chunk->write.n > 1) {
        chunk->span = chunk->write.n / 2;
        return;
    }
    park(chunks, item->account, item->bet, "the store rejects its settlement");
    chunk->at++;
    chunk->span = chunk->n - chunk->at;
}

/* Who waits for a lock may wait for long: whoever holds it is not settlement's
 * to end (RULES.md 25). */
static bool waited_for_a_lock(const struct settle_chunks *chunks, enum store_result result)
{
    return chunks->front->write.wait && result == STORE_UNAVAILABLE &&
           store_is_up(chunks->options.settle->store);
}

static void on_written(struct settle_write *write, enum store_result result)
{
    struct settle_chunks *chunks = chunks_of(write->ctx);
    const struct settle_chunks_options *options = &chunks->options;
    struct chunk *chunk = chunks->front;

    CHECK(write == &chunk->write && chunks->writing);
    chunks->writing = false;
    if (result == STORE_OK)
        written(chunks, chunk);
    else if (result == STORE_REJECTED)
        rejected(chunks, chunk);
    else if (waited_for_a_lock(chunks, result))
        options->on_stuck(options->ctx, "an account stays locked");
    else
        options->on_failed(options->ctx, "write", result);
    options->on_turn(options->ctx);
}

static void write_chunk(struct settle_chunks *chunks, struct chunk *chunk)
{
    uint32_t left = chunk->n - chunk->at;

    if (chunk->span > left)
        chunk->span = left;
    CHECK(chunk->span > 0);
    chunk->write = (struct settle_write){
        .items = chunk->items + chunk->at,
        .n = chunk->span,
        .market_key = chunks->job->key,
        .pos = chunks->job->pos,
        .cursor = chunk->last,
        .at_ms = clock_wall_ms(),
        .advance = chunk->span == left && !chunk->skipped,
        .wait = chunk->tries >= TRIES_BEFORE_WAIT,
        .on_done = on_written,
        .ctx = chunks,
    };
    CHECK(chunks->parked_at == chunks->n_parked); /* the cursor passes none that is not stored */
    chunks->yield_us = 0;
    chunks->wrote_us = clock_mono_us();
    chunks->writing = true;
    store_settle_write(chunks->options.settle->store, &chunk->write);
}

/* Everything of the front chunk was tried once.  How long to wait then, in
 * milliseconds; 0: go on. */
static int64_t finish_chunk(struct settle_chunks *chunks)
{
    struct chunk *chunk = chunks->front;

    CHECK(chunk->state == CHUNK_READY && chunk->at == chunk->n);
    if (!chunk->skipped) {
        chunk->state = CHUNK_FREE;
        chunks->front = chunks->back;
        chunks->back = chunk;
        return 0;
    }
    if (++chunk->tries > TRIES_MAX) {
        chunks->options.on_stuck(chunks->options.ctx, "an account stays locked");
        return 0;
    }
    chunk->state = CHUNK_WANTED;
    return chunk->tries < 2 ? 0 : chunk->tries < 10 ? chunk->tries : 50;
}

/* ---- the turn -------------------------------------------------------- */

static bool all_is_written(const struct settle_chunks *chunks)
{
    return chunks->ended && !chunks->fetching && chunks->front->state == CHUNK_FREE &&
           chunks->back->state == CHUNK_FREE;
}

static enum settle_chunks_turn pump(struct settle_chunks *chunks, int64_t *wait_ms)
{
    struct chunk *front;

    while (!chunks->given_up) {
        fetch_next(chunks);
        front = chunks->front;
        if (chunks->writing || chunks->parking)
            return CHUNKS_AT_STORE;
        if (chunks->parked_at < chunks->n_parked) {
            store_parked(chunks); /* before the cursor passes them */
            return CHUNKS_AT_STORE;
        }
        if (front->state != CHUNK_READY)
            return all_is_written(chunks) ? CHUNKS_DONE : CHUNKS_AT_STORE;
        if (front->at < front->n) {
            *wait_ms = YIELD_POLL_MS;
            if (yields(chunks))
                return CHUNKS_WAIT;
            write_chunk(chunks, front);
            return CHUNKS_AT_STORE;
        }
        *wait_ms = finish_chunk(chunks);
        if (*wait_ms > 0)
            return CHUNKS_WAIT;
    }
    return CHUNKS_GIVEN_UP;
}

enum settle_chunks_turn settle_chunks_pump(struct settle_chunks *chunks, int64_t *wait_ms)
{
    enum settle_chunks_turn turn;

    CHECK(chunks->job != NULL);
    chunks_check(chunks);
    turn = pump(chunks, wait_ms);
    chunks_check(chunks);
    CHECK(turn != CHUNKS_AT_STORE || settle_chunks_at_store(chunks));
    CHECK(turn != CHUNKS_DONE || chunks->parked_at == chunks->n_parked);
    return turn;
}
