/* Housekeeping: one statement at a time, one portion a turn. */
#include "store/maintain.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "model/own_limit.h"

#define TURN_MS 1000 /* a round of all duties is 7 s, and what can be trimmed a day with it */
#define PORTION 2000
#define HOUR_MS (3600 * (int64_t)1000)
#define KEYS_KEPT_MS (90 * 24 * HOUR_MS)   /* RULES.md 11 */
#define OUTBOX_KEPT_MS (7 * 24 * HOUR_MS)
#define DOCUMENTS_KEPT_MS (60 * 24 * HOUR_MS)
#define ARENA_BYTES (16 * 1024 * 1024)

/* Keys have their turn once a day, for it reads them all on SQLite, which
 * keeps no index for it; months and erasures at once and every hour. */
enum duty {
    TOTALS, CLOCK, DEAD, FEED_LOG, DOCUMENTS, OUTBOX, TRACES, KEYS, MONTHS, ERASURES, DUTIES
};
#define KEYS_EVERY_MS (24 * HOUR_MS)
#define KEYS_FIRST_MS HOUR_MS
#define CLOCK_SLOW_MS 500 /* an answer that took longer says nothing */
#define MONTHS_AHEAD 3
#define MONTHS_AGAIN_MS (60 * (int64_t)1000) /* somebody was at the tables */

#define MAINTAIN_MAGIC 0x6d61696eu /* "main" */

struct maintain {
    uint32_t magic;
    struct store *store;
    uv_timer_t timer;
    struct store_exec exec;
    struct arena arena;
    struct maintain_options options;
    int64_t asked_ms; /* this statement: by this process's clock */
    unsigned duty; /* the next one */
    int64_t due_ms[DUTIES]; /* of those that are rare */
    bool busy;
};

static void maintain_check(const struct maintain *maintain)
{
    CHECK(maintain->magic == MAINTAIN_MAGIC && maintain->duty < DUTIES);
    CHECK(maintain->options.keeps_house || maintain->options.has_clock);
}

static void totals(const struct store_exec *exec)
{
    for (uint32_t i = 0; i < exec->rows; i++) {
        const struct value *row = &EXEC_CELL(exec, i, 0);
        struct str currency = CELL_TEXT(row, LEDGER_TOTALS_CURRENCY);

        metric_set(METRIC_ACCOUNTS, currency, CELL_INT(row, LEDGER_TOTALS_ACCOUNTS));
        metric_set(METRIC_BALANCE, currency, CELL_INT(row, LEDGER_TOTALS_BALANCE));
        metric_set(METRIC_DEBT, currency, CELL_INT(row, LEDGER_TOTALS_DEBT));
        metric_set(METRIC_OPEN_STAKES, currency, CELL_INT(row, LEDGER_TOTALS_STAKED));
    }
}

/* Read between asking and now: taken as in the middle. */
static void clock_skew(int64_t asked_ms, int64_t store_ms)
{
    int64_t now_ms = clock_wall_ms();

    CHECK(asked_ms > 0);
    if (now_ms - asked_ms <= CLOCK_SLOW_MS)
        metric_set(METRIC_CLOCK_SKEW, STR_NONE, store_ms - (asked_ms + now_ms) / 2);
}

static void on_done(struct store_exec *exec, enum store_result result);

static struct store_exec exec_of(struct maintain *maintain, struct statement_call call)
{
    return (struct store_exec){ .calls = { call }, .n = 1, .arena = &maintain->arena,
                                .on_done = on_done, .ctx = maintain };
}

/* The journal is trimmed behind what the ledger says it has stored. */
static void trim_log(struct maintain *maintain, int64_t stored)
{
    int64_t before_ms = clock_wall_ms() - maintain->options.feed_log_hours * HOUR_MS;

    CHECK(stored >= 0);
    maintain->exec = exec_of(maintain, (struct statement_call){ STATEMENT_FEED_TRIM,
        { VALUE_INT(before_ms), VALUE_INT(PORTION), VALUE_INT(stored) } });
    store_exec(maintain->store, &maintain->exec);
}

static void on_done(struct store_exec *exec, enum store_result result)
{
    struct maintain *maintain = exec->ctx;
    enum statement statement = exec->calls[0].statement;

    maintain_check(maintain);
    CHECK(maintain->busy && exec == &maintain->exec);
    if (result == STORE_OK && statement == STATEMENT_SETTLE_OFFSET) {
        trim_log(maintain, EXEC_INT(exec, 0, SETTLE_OFFSET_POS));
        return;
    }
    maintain->busy = false;
    if (result != STORE_OK && statement == STATEMENT_MONTH_ADD)
        maintain->due_ms[MONTHS] = clock_wall_ms() + MONTHS_AGAIN_MS;
    if (result != STORE_OK)
        return;
    if (statement == STATEMENT_LEDGER_TOTALS)
        totals(exec);
    else if (statement == STATEMENT_CLOCK_READ)
        clock_skew(maintain->asked_ms, EXEC_INT(exec, 0, CLOCK_READ_NOW_MS));
    else if (statement == STATEMENT_DEAD_COUNT)
        metric_set(METRIC_DEAD_MESSAGES, STR_NONE, EXEC_INT(exec, 0, DEAD_COUNT_N));
}

static struct statement_call call_of(const struct maintain *maintain, enum duty duty)
{
    int64_t now_ms = clock_wall_ms();
    struct value portion = VALUE_INT(PORTION);

    switch (duty) {
    case CLOCK:
        return (struct statement_call){ STATEMENT_CLOCK_READ, { VALUE_INT(0) } };
    case DEAD:
        return (struct statement_call){ STATEMENT_DEAD_COUNT, { VALUE_INT(0) } };
    case FEED_LOG:
        return (struct statement_call){ STATEMENT_SETTLE_OFFSET, { VALUE_INT(0) } };
    case DOCUMENTS:
        return (struct statement_call){ STATEMENT_DOCUMENTS_TRIM,
            { VALUE_INT(now_ms - DOCUMENTS_KEPT_MS), portion } };
    case OUTBOX:
        return (struct statement_call){ STATEMENT_OUTBOX_TRIM,
            { VALUE_INT(now_ms - OUTBOX_KEPT_MS), portion } };
    case TRACES:
        return (struct statement_call){ STATEMENT_TRACES_TRIM,
            { VALUE_INT(now_ms - maintain->options.trace_hours * HOUR_MS), portion } };
    case KEYS:
        return (struct statement_call){ STATEMENT_KEYS_TRIM,
            { VALUE_INT(now_ms - KEYS_KEPT_MS), portion } };
    case ERASURES:
    case MONTHS:
    case TOTALS:
    case DUTIES:
        break;
    }
    return (struct statement_call){ STATEMENT_LEDGER_TOTALS, { VALUE_INT(0) } };
}

static bool has_duty(const struct maintain *maintain, enum duty duty)
{
    return duty == CLOCK ? maintain->options.has_clock : maintain->options.keeps_house;
}

static enum duty next_duty(struct maintain *maintain)
{
    enum duty duty = maintain->duty;

    maintain->duty = (maintain->duty + 1) % DUTIES;
    if (!has_duty(maintain, duty) || clock_wall_ms() < maintain->due_ms[duty])
        return next_duty(maintain);
    if (duty == KEYS)
        maintain->due_ms[duty] = clock_wall_ms() + KEYS_EVERY_MS;
    if (duty == MONTHS || duty == ERASURES)
        maintain->due_ms[duty] = clock_wall_ms() + HOUR_MS;
    return duty;
}

/* This month's partitions and those ahead: a month that is there stays. */
static void call_months(struct store_exec *exec)
{
    int64_t start_ms = own_limit_since(OWN_LIMIT_PERIOD_MONTH, clock_wall_ms());

    for (exec->n = 0; exec->n <= MONTHS_AHEAD; exec->n++) {
        int64_t end_ms = own_limit_since(OWN_LIMIT_PERIOD_MONTH, start_ms + 32 * 24 * HOUR_MS);

        CHECK(end_ms - start_ms >= 28 * 24 * HOUR_MS && end_ms - start_ms <= 31 * 24 * HOUR_MS);
        exec->calls[exec->n] = (struct statement_call){ STATEMENT_MONTH_ADD,
            { VALUE_INT(start_ms), VALUE_INT(end_ms) } };
        start_ms = end_ms;
    }
    _Static_assert(MONTHS_AHEAD < LENGTH(exec->calls), "one call a month");
}

static void call_erasures(struct store_exec *exec)
{
    struct value now = VALUE_INT(clock_wall_ms());

    exec->n = 3;
    exec->calls[0] = (struct statement_call){ STATEMENT_ERASE_DUE, { now } };
    exec->calls[1] = (struct statement_call){ STATEMENT_ERASE_COUNTRIES, { now } };
    exec->calls[2] = (struct statement_call){ STATEMENT_ERASE_DONE, { now } };
}

static void on_turn(uv_timer_t *timer)
{
    struct maintain *maintain = timer->data;
    enum duty duty;

    maintain_check(maintain);
    if (maintain->busy || !store_is_up(maintain->store))
        return;
    maintain->busy = true;
    arena_reset(&maintain->arena);
    duty = next_duty(maintain);
    maintain->asked_ms = clock_wall_ms();
    maintain->exec = exec_of(maintain, call_of(maintain, duty));
    if (duty == MONTHS)
        call_months(&maintain->exec);
    else if (duty == ERASURES)
        call_erasures(&maintain->exec);
    store_exec(maintain->store, &maintain->exec);
}

struct maintain *maintain_new(uv_loop_t *loop, struct store *store,
                              const struct maintain_options *options)
{
    struct maintain *maintain = calloc(1, sizeof(*maintain));

    CHECK(maintain != NULL);
    CHECK(options->keeps_house || options->has_clock); /* else there is nothing to do */
    maintain->magic = MAINTAIN_MAGIC;
    maintain->options = *options;
    maintain->store = store;
    maintain->due_ms[KEYS] = clock_wall_ms() + KEYS_FIRST_MS;
    arena_init(&maintain->arena, ARENA_BYTES);
    uv_timer_init(loop, &maintain->timer);
    maintain->timer.data = maintain;
    uv_timer_start(&maintain->timer, on_turn, 0, TURN_MS);
    return maintain;
}

bool maintain_idle(const struct maintain *maintain)
{
    return !maintain->busy;
}

void maintain_stop(struct maintain *maintain)
{
    uv_close((uv_handle_t *)&maintain->timer, NULL);
}

void maintain_free(struct maintain *maintain)
{
    maintain_check(maintain);
    CHECK(!maintain->busy);
    maintain->magic = 0;
    arena_fini(&maintain->arena);
    free(maintain);
}
