/*
 * Reports: see reports.h.
 *
 * GET /v1/reports/daily?from=2026-11-01&to=2026-11-23[&format=csv]
 *   days   a row for each day (UTC), sport and currency: bets and turnover
 *          of the bets placed that day, as placed; payouts and cash-outs
 *          less reversals of that day;
 *          ggr = turnover - payouts; hold = ggr / turnover
 *   open   the bets that are open now: their stakes, and the liability, which
 *          is what they would pay if every leg won
 * In CSV the liability stands in the rows of the last day.
 *
 * GET /v1/reports/series?minutes=60
 *   the same sums minute by minute, up to now, without what is open
 *
 * They are read in the store, or in ClickHouse where there is one: the same
 * rows from either (REPORT_DAILY, and the queries below), so that one writer
 * makes the answer.
 */
#include "settle/reports.h"

#include <stdlib.h>
#include <strings.h>

#include "analytics/period.h"
#include "api/answer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "model/money.h"

#define MINUTE_MS 60000
#define SERIES_MINUTES_MAX 1440
#define SERIES_MINUTES_USUAL 60
#define ROWS_BYTES (64 * 1024 * 1024)

struct reports {
    struct store *store;
    struct clickhouse *clickhouse; /* NULL: none */
};

struct report_line {
    int64_t step;         /* since 1970: days, or minutes */
    struct str sport, currency;
    int64_t bets, turnover_minor, payouts_minor;
    int64_t open_bets, open_stakes_minor, liability_minor;
};

#define REPORT_MAGIC 0x7265706fu /* "repo" */

struct report_call {
    uint32_t magic;
    struct reports *reports;
    struct store_exec exec;
    struct clickhouse_query query;
    struct arena arena;
    struct http_request *request;
    int64_t step_ms, from, to; /* steps, inclusive */
    bool csv, series;
    const struct value *cells; /* rows of COLUMNS */
    uint32_t rows;
};

struct reports *reports_new(struct store *store, struct clickhouse *clickhouse)
{
    struct reports *reports = calloc(1, sizeof(*reports));

    CHECK(reports != NULL);
    reports->store = store;
    reports->clickhouse = clickhouse;
    return reports;
}

void reports_free(struct reports *reports)
{
    free(reports);
}

/* ---- lines ----------------------------------------------------------- */

enum { PART_STAKES = 1, PART_PAYOUTS, PART_OPEN };

/* Columns of REPORT_DAILY, and of the same question to ClickHouse. */
enum { C_PART, C_STEP, C_SPORT, C_CURRENCY, C_N, C_SUM, C_STAKES, C_COLUMNS };
#define COLUMNS "iissiii"

static struct report_line line_of(const struct value *cells, int64_t last)
{
    struct report_line line = {
        .step = cells[C_STEP].i, .sport = cells[C_SPORT].s, .currency = cells[C_CURRENCY].s,
    };

    switch (cells[C_PART].i) {
    case PART_STAKES:
        line.bets = cells[C_N].i;
        line.turnover_minor = cells[C_SUM].i;
        break;
    case PART_PAYOUTS:
        line.payouts_minor = cells[C_SUM].i;
        break;
    case PART_OPEN:
        line.step = last;
        line.open_bets = cells[C_N].i;
        line.liability_minor = cells[C_SUM].i;
        line.open_stakes_minor = cells[C_STAKES].i;
        break;
    }
    return line;
}

static int compare_lines(const void *a, const void *b)
{
    const struct report_line *x = a, *y = b;
    int order = (x->step > y->step) - (x->step < y->step);

    if (order == 0)
        order = str_cmp(x->sport, y->sport);
    if (order == 0)
        order = str_cmp(x->currency, y->currency);
    return order;
}

static void add_line(struct report_line *sum, const struct report_line *line)
{
    sum->bets += line->bets;
    sum->turnover_minor += line->turnover_minor;
    sum->payouts_minor += line->payouts_minor;
    sum->open_bets += line->open_bets;
    sum->open_stakes_minor += line->open_stakes_minor;
    sum->liability_minor += line->liability_minor;
}

/* One line for each step, sport and currency, in this order. */
static struct report_line *make_lines(struct report_call *call, uint32_t *n)
{
    struct report_line *lines = ARENA_ARRAY(&call->arena, struct report_line, call->rows + 1);
    uint32_t kept = 0;

    for (uint32_t row = 0; row < call->rows; row++)
        lines[row] = line_of(&call->cells[row * C_COLUMNS], call->to);
    qsort(lines, call->rows, sizeof(*lines), compare_lines);
    for (uint32_t row = 0; row < call->rows; row++) {
        if (kept > 0 && compare_lines(&lines[kept - 1], &lines[row]) == 0)
            add_line(&lines[kept - 1], &lines[row]);
        else
            lines[kept++] = lines[row];
    }
    CHECK(kept <= call->rows && (kept > 0) == (call->rows > 0));
    for (uint32_t i = 1; CHECKS_DEAR && i < kept; i++)
        CHECK(compare_lines(&lines[i - 1], &lines[i]) < 0);
    *n = kept;
    return lines;
}

static bool has_movement(const struct report_line *line)
{
    return line->bets != 0 || line->turnover_minor != 0 || line->payouts_minor != 0;
}

/* ---- writing --------------------------------------------------------- */

static int exponent_of(struct str code)
{
    const struct currency *currency = currency_find(code);

    return currency == NULL ? 2 : currency->exponent;
}

/* ggr / turnover with four decimals, rounded half away from zero. */
static void put_hold(struct buf *out, const struct report_line *line)
{
    __int128 scaled = (__int128)(line->turnover_minor - line->payouts_minor) * 10000;
    __int128 half = line->turnover_minor / 2;

    CHECK(line->turnover_minor > 0);
    scaled = (scaled < 0 ? scaled - half : scaled + half) / line->turnover_minor;
    buf_money(out, (int64_t)scaled, 4);
}

static void json_hold(struct jw *w, const struct report_line *line)
{
    struct buf text;

    jw_key(w, "hold");
    if (line->turnover_minor <= 0) {
        jw_null(w);
        return;
    }
    buf_init(&text, 64);
    put_hold(&text, line);
    jw_str(w, buf_view(&text));
    buf_fini(&text);
}

static void json_money(struct jw *w, const char *name, int64_t minor,
                       const struct report_line *line)
{
    jw_key(w, name);
    jw_money(w, minor, exponent_of(line->currency));
}

static void json_place(struct jw *w, const struct report_line *line, int64_t bets)
{
    jw_key(w, "sport");
    jw_str(w, line->sport);
    jw_key(w, "currency");
    jw_str(w, line->currency);
    jw_key(w, "bets");
    jw_int(w, bets);
}

static void json_sums(struct jw *w, const struct report_line *line)
{
    json_place(w, line, line->bets);
    json_money(w, "turnover", line->turnover_minor, line);
    json_money(w, "payouts", line->payouts_minor, line);
    json_money(w, "ggr", line->turnover_minor - line->payouts_minor, line);
    json_hold(w, line);
}

static void json_day(struct jw *w, const struct report_line *line)
{
    jw_object(w);
    period_put_json(w, "date", line->step);
    json_sums(w, line);
    jw_object_end(w);
}

static void json_minute(struct jw *w, const struct report_line *line)
{
    jw_object(w);
    jw_key(w, "minute");
    jw_time(w, line->step * MINUTE_MS);
    json_sums(w, line);
    jw_object_end(w);
}

static void json_open(struct jw *w, const struct report_line *line)
{
    jw_object(w);
    json_place(w, line, line->open_bets);
    json_money(w, "stakes", line->open_stakes_minor, line);
    json_money(w, "liability", line->liability_minor, line);
    jw_object_end(w);
}

static void write_json(struct buf *out, const struct report_call *call,
                       const struct report_line *lines, uint32_t n)
{
    struct jw w = jw_to(out);

    jw_object(&w);
    period_put_json(&w, "from", call->from);
    period_put_json(&w, "to", call->to);
    jw_key(&w, "days");
    jw_array(&w);
    for (uint32_t i = 0; i < n; i++)
        if (has_movement(&lines[i]))
            json_day(&w, &lines[i]);
    jw_array_end(&w);
    jw_key(&w, "open");
    jw_array(&w);
    for (uint32_t i = 0; i < n; i++)
        if (lines[i].open_bets > 0)
            json_open(&w, &lines[i]);
    jw_array_end(&w);
    jw_object_end(&w);
}

static void write_series(struct buf *out, const struct report_call *call,
                         const struct report_line *lines, uint32_t n)
{
    struct jw w = jw_to(out);

    jw_object(&w);
    jw_key(&w, "from");
    jw_time(&w, call->from * MINUTE_MS);
    jw_key(&w, "to");
    jw_time(&w, call->to * MINUTE_MS);
    jw_key(&w, "minutes");
    jw_array(&w);
    for (uint32_t i = 0; i < n; i++)
        if (has_movement(&lines[i]))
            json_minute(&w, &lines[i]);
    jw_array_end(&w);
    jw_object_end(&w);
}

/* RFC 4180; and a sport's name cannot begin a formula. */
static void csv_text(struct buf *out, struct str text)
{
    buf_char(out, '"');
    if (text.n > 0 && strchr("=+-@", text.p[0]) != NULL)
        buf_char(out, '\'');
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            buf_char(out, '"');
        buf_char(out, text.p[i]);
    }
    buf_char(out, '"');
}

static void csv_line(struct buf *out, const struct report_line *line, int64_t last_day)
{
    int exponent = exponent_of(line->currency);

    period_put_date(out, line->step);
    buf_char(out, ',');
    csv_text(out, line->sport);
    buf_printf(out, "," STR_FMT ",", STR_ARG(line->currency));
    buf_int(out, line->bets);
    buf_char(out, ',');
    buf_money(out, line->turnover_minor, exponent);
    buf_char(out, ',');
    buf_money(out, line->payouts_minor, exponent);
    buf_char(out, ',');
    buf_money(out, line->turnover_minor - line->payouts_minor, exponent);
    buf_char(out, ',');
    if (line->turnover_minor > 0)
        put_hold(out, line);
    buf_char(out, ',');
    if (line->step == last_day)
        buf_money(out, line->liability_minor, exponent);
    buf_str(out, STR("\r\n"));
}

static void write_csv(struct buf *out, const struct report_call *call,
                      const struct report_line *lines, uint32_t n)
{
    buf_str(out, STR("date,sport,currency,bets,turnover,payouts,ggr,hold,"
                     "open_liability\r\n"));
    for (uint32_t i = 0; i < n; i++)
        csv_line(out, &lines[i], call->to);
}

/* ---- the request ----------------------------------------------------- */

static void refuse(struct http_request *request, enum refusal refusal, const char *detail)
{
    answer_refusal(request, refusal, str_of(detail), STR_NONE);
}

static void answer_csv(struct http_request *request, struct str body)
{
    static const struct http_header headers[] = {
        { "Content-Disposition", { "attachment; filename=\"daily.csv\"", 32 } },
    };

    http_respond(request, 200, "text/csv; charset=utf-8", body, headers, LENGTH(headers));
}

static void answer(struct report_call *call)
{
    struct report_line *lines;
    struct buf body;
    uint32_t n;

    lines = make_lines(call, &n);
    buf_init(&body, LIMIT_RESPONSE_BYTES);
    if (call->series)
        write_series(&body, call, lines, n);
    else if (call->csv)
        write_csv(&body, call, lines, n);
    else
        write_json(&body, call, lines, n);
    if (body.overflow)
        refuse(call->request, REFUSE_MALFORMED, "the report is too large: narrow it");
    else if (call->csv)
        answer_csv(call->request, buf_view(&body));
    else
        answer_json(call->request, 200, buf_view(&body));
    buf_fini(&body);
}

static void call_check(const struct report_call *call)
{
    CHECK(call->magic == REPORT_MAGIC && call->from <= call->to);
    CHECK(call->reports != NULL && call->request != NULL);
    CHECK(call->step_ms == (call->series ? MINUTE_MS : PERIOD_DAY_MS));
}

static void call_end(struct report_call *call)
{
    call->magic = 0;
    arena_fini(&call->arena);
    free(call);
}

static void on_stored(struct store_exec *exec, enum store_result result)
{
    struct report_call *call = exec->ctx;

    call_check(call);
    if (result != STORE_OK) {
        refuse(call->request, REFUSE_BUSY, "the store cannot be read now");
    } else {
        CHECK(exec->rows == 0 || exec->columns == C_COLUMNS);
        call->cells = exec->cells;
        call->rows = exec->rows;
        answer(call);
    }
    call_end(call);
}

static void ask_store(struct report_call *call)
{
    call->exec = (struct store_exec){
        .calls = { { .statement = STATEMENT_REPORT_DAILY,
                     .params = { VALUE_INT(call->from * call->step_ms),
                                 VALUE_INT((call->to + 1) * call->step_ms),
                                 VALUE_INT(call->step_ms), VALUE_INT(call->series) } } },
        .n = 1, .arena = &call->arena, .on_done = on_stored, .ctx = call,
    };
    store_exec(call->reports->store, &call->exec);
}

static void on_answered(struct clickhouse_query *query, bool well)
{
    struct report_call *call = query->ctx;

    call_check(call);
    CHECK(query == &call->query && (!well || query->rows == 0 || query->cells != NULL));
    call->cells = query->cells;
    call->rows = query->rows;
    if (well)
        answer(call);
    else
        refuse(call->request, REFUSE_BUSY, "ClickHouse cannot be read now");
    call_end(call);
}

/* The same parts as REPORT_DAILY, of deploy/clickhouse/'s tables. */
static void ask_clickhouse(struct report_call *call)
{
    long long step = call->step_ms, from = call->from * step, to = (call->to + 1) * step;

    call->query = (struct clickhouse_query){
        .sql = arena_printf(&call->arena,
            "SELECT toInt64(1), intDiv(placed_ms, %lld) AS step, sport, currency,"
            " toInt64(count()), toInt64(sum(stake)), toInt64(0) FROM bets FINAL"
            " WHERE placed_ms >= %lld AND placed_ms < %lld GROUP BY step, sport, currency"
            " UNION ALL SELECT toInt64(2), intDiv(at_ms, %lld) AS step, sport, currency,"
            " toInt64(count()), toInt64(sum(if(kind = 'reversal', -amount, amount))), toInt64(0)"
            " FROM transfers FINAL WHERE kind IN ('payout', 'reversal', 'cashout')"
            " AND at_ms >= %lld AND at_ms < %lld GROUP BY step, sport, currency"
            " UNION ALL SELECT toInt64(3), toInt64(0) AS step, sport, currency,"
            " toInt64(count()), toInt64(sum(potential)), toInt64(sum(open_stake)) FROM bets FINAL"
            " WHERE state = 'accepted' AND %d = 0 GROUP BY sport, currency",
            step, from, to, step, from, to, call->series),
        .types = COLUMNS, .arena = &call->arena, .on_done = on_answered, .ctx = call,
    };
    clickhouse_ask(call->reports->clickhouse, &call->query);
}

static void call_ask(struct report_call *call)
{
    call_check(call);
    arena_init(&call->arena, ROWS_BYTES);
    if (call->reports->clickhouse != NULL)
        ask_clickhouse(call);
    else
        ask_store(call);
}

static bool contains(struct str text, struct str part)
{
    for (size_t i = 0; i + part.n <= text.n; i++)
        if (strncasecmp(text.p + i, part.p, part.n) == 0)
            return true;
    return false;
}

/* False: a format that is neither json nor csv. */
static bool read_format(struct http_request *request, bool *csv)
{
    struct str format = http_query(request, "format");

    *csv = contains(http_header(request, "Accept"), STR("text/csv"));
    if (format.p == NULL)
        return true;
    *csv = str_eq(format, STR("csv"));
    return *csv || str_eq(format, STR("json"));
}

static struct report_call *call_new(struct reports *reports, struct http_request *request)
{
    struct report_call *call = calloc(1, sizeof(*call));

    CHECK(call != NULL);
    call->magic = REPORT_MAGIC;
    call->reports = reports;
    call->request = request;
    return call;
}

void reports_get_daily(struct reports *reports, struct http_request *request)
{
    struct report_call *call = call_new(reports, request);
    struct period period;
    const char *wrong = period_read(request, 0, &period);

    if (wrong == NULL && !read_format(request, &call->csv))
        wrong = "format: json or csv is expected";
    if (wrong != NULL) {
        free(call);
        refuse(request, REFUSE_MALFORMED, wrong);
        return;
    }
    call->step_ms = PERIOD_DAY_MS;
    call->from = period.from_day;
    call->to = period.to_day;
    call_ask(call);
}

/* ?minutes=, 1 to a day's. */
static bool read_minutes(struct http_request *request, int64_t *minutes)
{
    struct str text = http_query(request, "minutes");

    *minutes = SERIES_MINUTES_USUAL;
    if (text.p == NULL)
        return true;
    return text_positive(text, SERIES_MINUTES_MAX, minutes);
}

void reports_get_series(struct reports *reports, struct http_request *request)
{
    struct report_call *call;
    int64_t minutes;

    if (!read_minutes(request, &minutes)) {
        refuse(request, REFUSE_MALFORMED, "minutes: a number from 1 to 1440 is expected");
        return;
    }
    call = call_new(reports, request);
    call->series = true;
    call->step_ms = MINUTE_MS;
    call->to = clock_wall_ms() / MINUTE_MS;
    call->from = call->to - minutes + 1;
    call_ask(call);
}
