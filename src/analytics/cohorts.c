/*
 * The report of an experiment: see cohorts.h.
 *
 *   customers  those who were first told an arm within the days asked for
 *   bettors    of them, who placed a bet from then on, up to the last day's end
 *   turnover, GGR  of these bets, in the house's currency; GGR of those that
 *              are decided: an open bet has no result to compare
 *
 * Arms are compared with the first of the setting, the control.  Of several
 * comparisons each is as much stricter (Bonferroni), so that all of them hold
 * at 95 % together.  Methods and their sources: stats.h.
 */
#include "analytics/cohorts.h"

#include <math.h>
#include <stdlib.h>

#include "analytics/period.h"
#include "analytics/stats.h"
#include "api/answer.h"
#include "base/json.h"
#include "base/limits.h"

#define ROWS_BYTES (4 * 1024 * 1024)
#define DAYS_USUAL 27 /* before today: four weeks */
#define ARMS_MAX 64   /* that were ever told, whatever the setting says now */
#define LEVEL 0.95

struct cohorts {
    struct cohorts_options options;
};

struct cohort {
    struct str arm;
    double weight; /* 0: not in the setting */
    int64_t customers, bettors, bets;
    int64_t rated; /* of the customers: in a currency with a rate */
    double turnover, ggr, squares; /* in the house's minor units */
};

struct cohorts_call {
    struct cohorts *cohorts;
    struct http_request *request;
    struct arena arena;
    struct store_exec exec;
    struct clickhouse_query query;
    struct str name;
    struct period period;
    struct cohort list[ARMS_MAX];
    uint32_t n;
};

struct cohorts *cohorts_new(const struct cohorts_options *options)
{
    struct cohorts *cohorts = calloc(1, sizeof(*cohorts));

    CHECK(cohorts != NULL);
    cohorts->options = *options;
    return cohorts;
}

void cohorts_free(struct cohorts *cohorts)
{
    free(cohorts);
}

/* ---- the arms ------------------------------------------------------------ */

/* Columns of COHORTS, and of the same question to ClickHouse. */
enum { C_ARM, C_CURRENCY, C_CUSTOMERS, C_BETTORS, C_BETS, C_STAKES, C_GGR, C_SQUARES, C_COLUMNS };
#define COLUMNS "ssiiiiii"

/* The arms of the setting first, in its order; then others that were told. */
static struct cohort *cohort_of(struct cohorts_call *call, struct str arm)
{
    for (uint32_t i = 0; i < call->n; i++)
        if (str_eq(call->list[i].arm, arm))
            return &call->list[i];
    if (call->n == ARMS_MAX)
        return NULL;
    call->list[call->n] = (struct cohort){ .arm = arm };
    return &call->list[call->n++];
}

/* What a minor unit of it is in the house's; 0: no rate. */
static double rate_of(const struct house *house, struct str code)
{
    const struct currency *currency = currency_find(code);
    double rate = currency == house->currency ? 1 : 0;

    if (currency == NULL)
        return 0;
    for (size_t i = 0; i < house->n_rates; i++)
        if (house->rates[i].currency == currency)
            rate = (double)house->rates[i].rate_e9 / 1e9;
    return rate * pow(10, house->currency->exponent - currency->exponent);
}

static void add_row(struct cohorts_call *call, const struct value *cells)
{
    struct cohort *cohort = cohort_of(call, cells[C_ARM].s);
    double rate = rate_of(call->cohorts->options.house, cells[C_CURRENCY].s);

    if (cohort == NULL)
        return;
    cohort->customers += cells[C_CUSTOMERS].i;
    cohort->bettors += cells[C_BETTORS].i;
    cohort->bets += cells[C_BETS].i;
    if (!(rate > 0))
        return;
    cohort->rated += cells[C_CUSTOMERS].i;
    cohort->turnover += rate * (double)cells[C_STAKES].i;
    cohort->ggr += rate * (double)cells[C_GGR].i;
    cohort->squares += rate * rate * 10000 * (double)cells[C_SQUARES].i;
}

static void add_rows(struct cohorts_call *call, const struct value *cells, uint32_t rows)
{
    const struct experiment *experiment =
        experiments_find(call->cohorts->options.experiments, call->name);

    for (uint32_t i = 0; experiment != NULL && i < experiment->n_arms; i++) {
        struct cohort *cohort = cohort_of(call, experiment->arms[i].name);

        cohort->weight = (double)experiment->arms[i].weight;
    }
    for (uint32_t row = 0; row < rows; row++)
        add_row(call, &cells[row * C_COLUMNS]);
}

/* ---- writing ------------------------------------------------------------- */

static void json_number(struct jw *w, const char *name, double number)
{
    struct buf text;

    jw_key(w, name);
    buf_init(&text, 64);
    buf_printf(&text, "%.6f", fabs(number) < 5e-7 ? 0 : number);
    jw_str(w, buf_view(&text));
    buf_fini(&text);
}

static void json_money(struct jw *w, const char *name, double minor, const struct house *house)
{
    double most = 9e18;

    jw_key(w, name);
    jw_money(w, (int64_t)round(fmax(-most, fmin(most, minor))), house->currency->exponent);
}

static void json_arm(struct jw *w, const struct cohort *cohort, const struct house *house)
{
    double scale = pow(10, house->currency->exponent);

    jw_object(w);
    jw_key(w, "arm");
    jw_str(w, cohort->arm);
    jw_key(w, "customers");
    jw_int(w, cohort->customers);
    jw_key(w, "bettors");
    jw_int(w, cohort->bettors);
    jw_key(w, "bets");
    jw_int(w, cohort->bets);
    json_number(w, "conversion", cohort->customers == 0
                                     ? 0 : (double)cohort->bettors / (double)cohort->customers);
    json_money(w, "turnover", cohort->turnover, house);
    json_money(w, "ggr", cohort->ggr, house);
    json_number(w, "ggr_per_customer",
                cohort->rated == 0 ? 0 : cohort->ggr / (double)cohort->rated / scale);
    jw_object_end(w);
}

static void json_interval(struct jw *w, const char *name, struct stats_interval interval,
                          double scale, double comparisons)
{
    jw_key(w, name);
    if (!interval.known) {
        jw_null(w);
        return;
    }
    jw_object(w);
    json_number(w, "difference", interval.difference / scale);
    json_number(w, "low", interval.low / scale);
    json_number(w, "high", interval.high / scale);
    json_number(w, "p", fmin(1, interval.p * comparisons));
    jw_key(w, "significant");
    jw_bool(w, interval.low > 0 || interval.high < 0);
    jw_object_end(w);
}

static void json_comparison(struct jw *w, const struct cohorts_call *call, uint32_t i)
{
    const struct cohort *a = &call->list[0], *b = &call->list[i];
    const struct house *house = call->cohorts->options.house;
    double comparisons = call->n - 1, level = 1 - (1 - LEVEL) / comparisons;
    struct stats_sample all_a = { (double)a->customers, (double)a->bettors, 0, 0 };
    struct stats_sample all_b = { (double)b->customers, (double)b->bettors, 0, 0 };
    struct stats_sample rated_a = { (double)a->rated, 0, a->ggr, a->squares };
    struct stats_sample rated_b = { (double)b->rated, 0, b->ggr, b->squares };

    jw_object(w);
    jw_key(w, "arm");
    jw_str(w, b->arm);
    jw_key(w, "control");
    jw_str(w, a->arm);
    json_interval(w, "conversion", stats_proportions(&all_a, &all_b, level), 1, comparisons);
    json_interval(w, "ggr_per_customer", stats_means(&rated_a, &rated_b, level),
                  pow(10, house->currency->exponent), comparisons);
    jw_object_end(w);
}

/* Whether the draw gave what the weights say: a small p means that the report
 * cannot be trusted.  Unknown while an arm is not in the setting. */
static void json_balance(struct jw *w, const struct cohorts_call *call)
{
    double got[ARMS_MAX], weights[ARMS_MAX];
    bool known = call->n >= 2;

    for (uint32_t i = 0; i < call->n; i++) {
        got[i] = (double)call->list[i].customers;
        weights[i] = call->list[i].weight;
        known = known && weights[i] > 0;
    }
    if (known) {
        json_number(w, "balance_p", stats_balance(got, weights, call->n));
    } else {
        jw_key(w, "balance_p");
        jw_null(w);
    }
}

static void write_report(struct buf *out, const struct cohorts_call *call)
{
    const struct house *house = call->cohorts->options.house;
    struct jw w = jw_to(out);

    jw_object(&w);
    jw_key(&w, "experiment");
    jw_str(&w, call->name);
    period_put_json(&w, "from", call->period.from_day);
    period_put_json(&w, "to", call->period.to_day);
    jw_key(&w, "currency");
    jw_str(&w, str_of(house->currency->code));
    json_balance(&w, call);
    jw_key(&w, "arms");
    jw_array(&w);
    for (uint32_t i = 0; i < call->n; i++)
        json_arm(&w, &call->list[i], house);
    jw_array_end(&w);
    jw_key(&w, "comparisons");
    jw_array(&w);
    for (uint32_t i = 1; i < call->n; i++)
        json_comparison(&w, call, i);
    jw_array_end(&w);
    jw_object_end(&w);
}

/* ---- the request --------------------------------------------------------- */

static void end(struct cohorts_call *call)
{
    arena_fini(&call->arena);
    free(call);
}

static void answer(struct cohorts_call *call, const struct value *cells, uint32_t rows)
{
    struct buf body;

    add_rows(call, cells, rows);
    buf_init(&body, LIMIT_RESPONSE_BYTES);
    write_report(&body, call);
    answer_json(call->request, 200, buf_view(&body));
    buf_fini(&body);
    end(call);
}

static void refuse(struct cohorts_call *call, const char *why)
{
    answer_refusal(call->request, REFUSE_BUSY, str_of(why), STR_NONE);
    end(call);
}

static void on_stored(struct store_exec *exec, enum store_result result)
{
    struct cohorts_call *call = exec->ctx;

    if (result != STORE_OK)
        refuse(call, "the store cannot be read now");
    else
        answer(call, exec->rows == 0 ? NULL : &EXEC_CELL(exec, 0, 0), exec->rows);
}

static void ask_store(struct cohorts_call *call)
{
    call->exec = (struct store_exec){
        .calls = { { STATEMENT_COHORTS, { VALUE_STR(call->name),
                                          VALUE_INT(period_from_ms(call->period)),
                                          VALUE_INT(period_end_ms(call->period)) } } },
        .n = 1, .arena = &call->arena, .on_done = on_stored, .ctx = call,
    };
    store_exec(call->cohorts->options.store, &call->exec);
}

static void on_answered(struct clickhouse_query *query, bool well)
{
    struct cohorts_call *call = query->ctx;

    if (!well)
        refuse(call, "ClickHouse cannot be read now");
    else
        answer(call, query->cells, query->rows);
}

/* The same as COHORTS.  An exposure is told again with every session: the
 * first one stands. */
static void ask_clickhouse(struct cohorts_call *call)
{
    long long from = period_from_ms(call->period), to = period_end_ms(call->period);

    call->query = (struct clickhouse_query){
        .sql = arena_printf(&call->arena,
            "SELECT first_arm, first_currency, count(), sum(n > 0), sum(n), sum(stakes), sum(won),"
            " toInt64(round(sum(toFloat64(won) * won / 10000)))"
            " FROM (SELECT account, first_arm, first_currency, sum(placed_ms >= since) AS n,"
            "  sum(if(placed_ms >= since, stake, 0)) AS stakes,"
            "  sum(if(placed_ms >= since AND state != 'accepted', stake - paid, 0)) AS won"
            "  FROM (SELECT account, min(at_ms) AS since, argMin(arm, at_ms) AS first_arm,"
            "   argMin(currency, at_ms) AS first_currency FROM exposures"
            "   WHERE experiment = '" STR_FMT "' GROUP BY account"
            "   HAVING since >= %lld AND since < %lld) AS e"
            "  ALL LEFT JOIN (SELECT account, placed_ms, stake, paid, state FROM bets FINAL"
            "   WHERE placed_ms >= %lld AND placed_ms < %lld) AS b USING account"
            "  GROUP BY account, first_arm, first_currency)"
            " GROUP BY first_arm, first_currency ORDER BY first_arm, first_currency",
            STR_ARG(call->name), from, to, from, to),
        .types = COLUMNS, .arena = &call->arena, .on_done = on_answered, .ctx = call,
    };
    clickhouse_ask(call->cohorts->options.clickhouse, &call->query);
}

/* Also safe within quotes. */
static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_-", text.p[i]) == NULL ||
            text.p[i] == '\0')
            return false;
    return text.n > 0 && text.n <= EXPERIMENT_NAME_BYTES;
}

/* NULL, or what is wrong with the query.  One experiment needs no name. */
static const char *read_query(struct cohorts_call *call)
{
    const struct experiments *experiments = call->cohorts->options.experiments;

    call->name = http_query(call->request, "experiment");
    if (call->name.p == NULL && experiments->n == 1)
        call->name = experiments->list[0].name;
    if (!is_name(call->name))
        return "experiment: the name of an experiment is expected";
    return period_read(call->request, DAYS_USUAL, &call->period);
}

void cohorts_get(struct cohorts *cohorts, struct http_request *request)
{
    struct cohorts_call *call = calloc(1, sizeof(*call));
    const char *wrong;

    CHECK(call != NULL);
    call->cohorts = cohorts;
    call->request = request;
    wrong = read_query(call);
    if (wrong != NULL) {
        free(call);
        answer_refusal(request, REFUSE_MALFORMED, str_of(wrong), STR_NONE);
        return;
    }
    arena_init(&call->arena, ROWS_BYTES);
    if (call->cohorts->options.clickhouse != NULL)
        ask_clickhouse(call);
    else
        ask_store(call);
}
