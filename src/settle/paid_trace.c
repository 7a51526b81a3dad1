/* Spans of settlement (see settle/paid_trace.h). */
#include "settle/paid_trace.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"

#define LOOKS_MAX 16 /* at the store at a time; of further chunks nothing is traced */
#define ROWS_BYTES (1024 * 1024)

struct paid_traces {
    struct store *store;
    struct tracer *tracer;
    unsigned looks;
};

struct paid {
    int64_t bet, payout_minor;
    enum pay_change change;
};

/* A chunk whose traces are looked for. */
struct look {
    struct paid_traces *traces;
    struct store_exec exec;
    struct arena arena;
    int64_t start_us, end_us;
    uint32_t n;
    struct paid paid[LIMIT_CHUNK]; /* by bet, ascending */
};

struct paid_traces *paid_traces_new(struct store *store, struct tracer *tracer)
{
    struct paid_traces *traces = calloc(1, sizeof(*traces));

    CHECK(traces != NULL && tracer != NULL);
    traces->store = store;
    traces->tracer = tracer;
    return traces;
}

void paid_traces_free(struct paid_traces *traces)
{
    if (traces == NULL)
        return;
    CHECK(traces->looks == 0);
    free(traces);
}

static void add_span(const struct look *look, const struct paid *paid, struct str parent)
{
    struct tracer *tracer = look->traces->tracer;
    struct trace_context context;
    struct trace trace;
    struct span span;

    if (!trace_context_read(parent, &context))
        return; /* we wrote it */
    trace_resume(tracer, &context, &trace);
    span = trace_own(&trace, "settle", look->start_us, look->end_us);
    span.attributes[0] = (struct span_attribute){ "overround.bet.id", NULL, paid->bet };
    span.attributes[1] = (struct span_attribute){ "overround.settle.change",
                                                  pay_change_name(paid->change), 0 };
    span.attributes[2] = (struct span_attribute){ "overround.payout.minor", NULL,
                                                  paid->payout_minor };
    span.attributes[3] = (struct span_attribute){ "overround.batch.size", NULL, look->n };
    trace_add(tracer, &span);
}

/* Both are in order of bets. */
static void on_rows(struct store_exec *exec, enum store_result result)
{
    struct look *look = exec->ctx;
    uint32_t at = 0;

    CHECK(exec == &look->exec && look->n > 0);
    for (uint32_t row = 0; result == STORE_OK && row < exec->rows; row++) {
        int64_t bet = EXEC_INT(exec, row, TRACES_OF_MARKET_BET);

        while (at < look->n && look->paid[at].bet < bet)
            at++;
        if (at < look->n && look->paid[at].bet == bet)
            add_span(look, &look->paid[at], EXEC_TEXT(exec, row, TRACES_OF_MARKET_PARENT));
    }
    CHECK(look->traces->looks > 0);
    look->traces->looks--;
    arena_fini(&look->arena);
    free(look);
}

static uint32_t gather(struct look *look, const struct settle_write *write,
                       const enum pay_change *changes)
{
    CHECK(write->n <= LIMIT_CHUNK && look->n == 0);
    for (uint32_t i = 0; i < write->n; i++) {
        const struct settle_item *item = &write->items[i];

        CHECK(i == 0 || write->items[i - 1].bet < item->bet);
        if (item->applied && item->event != 0)
            look->paid[look->n++] = (struct paid){ item->bet, item->payout_minor, changes[i] };
    }
    return look->n;
}

static void query_market(struct look *look, int64_t market_key)
{
    look->exec = (struct store_exec){
        .calls = { { STATEMENT_TRACES_OF_MARKET,
                     { VALUE_INT(market_key), VALUE_INT(look->paid[0].bet - 1),
                       VALUE_INT(look->paid[look->n - 1].bet) } } },
        .n = 1,
        .arena = &look->arena,
        .on_done = on_rows,
        .ctx = look,
    };
    look->traces->looks++;
    store_exec(look->traces->store, &look->exec);
}

void paid_traces_add(struct paid_traces *traces, const struct settle_write *write,
                     const enum pay_change *changes, int64_t start_us)
{
    struct look *look;

    if (traces->looks >= LOOKS_MAX) {
        metric_add(METRIC_TRACES, STR("limited"), 1);
        return;
    }
    look = calloc(1, sizeof(*look));
    CHECK(look != NULL);
    look->traces = traces;
    look->start_us = start_us;
    look->end_us = clock_mono_us();
    if (gather(look, write, changes) == 0) {
        free(look);
        return;
    }
    arena_init(&look->arena, ROWS_BYTES);
    query_market(look, write->market_key);
}
