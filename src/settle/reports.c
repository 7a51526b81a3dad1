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
 */
#include "settle/reports.h"

#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "model/money.h"
#include "net/answer.h"

#define DAY_MS 86400000
#define DAYS_MAX 366
#define ROWS_BYTES (64 * 1024 * 1024)

struct reports {
    struct store *store;
};

struct report_line {
    int64_t day;          /* since 1970 */
    struct str sport, currency;
    int64_t bets, turnover_minor, payouts_minor;
    int64_t open_bets, open_stakes_minor, liability_minor;
};

struct report_call {
    struct store_exec exec;
    struct arena arena;
    struct http_request *request;
    int64_t from_day, to_day; /* inclusive */
    bool csv;
};

struct reports *reports_new(struct store *store)
{
    struct reports *reports = calloc(1, sizeof(*reports));

    CHECK(reports != NULL);
    reports->store = store;
    return reports;
}

void reports_free(struct reports *reports)
{
    free(reports);
}

/* ---- lines ----------------------------------------------------------- */

enum { PART_STAKES = 1, PART_PAYOUTS, PART_OPEN };

static struct report_line line_of(const struct store_exec *exec, uint32_t row,
                                  int64_t last_day)
{
    struct report_line line = {
        .day = EXEC_CELL(exec, row, 1).i,
        .sport = EXEC_CELL(exec, row, 2).s,
        .currency = EXEC_CELL(exec, row, 3).s,
    };
    int64_t n = EXEC_CELL(exec, row, 4).i, sum = EXEC_CELL(exec, row, 5).i;

    switch (EXEC_CELL(exec, row, 0).i) {
    case PART_STAKES:
        line.bets = n;
        line.turnover_minor = sum;
        break;
    case PART_PAYOUTS:
        line.payouts_minor = sum;
        break;
    case PART_OPEN:
        line.day = last_day;
        line.open_bets = n;
        line.liability_minor = sum;
        line.open_stakes_minor = EXEC_CELL(exec, row, 6).i;
        break;
    }
    return line;
}

static int compare_lines(const void *a, const void *b)
{
    const struct report_line *x = a, *y = b;
    int order = (x->day > y->day) - (x->day < y->day);

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

/* One line for each day, sport and currency, in this order. */
static struct report_line *make_lines(const struct store_exec *exec, int64_t last_day,
                                      struct arena *arena, uint32_t *n)
{
    struct report_line *lines = ARENA_ARRAY(arena, struct report_line, exec->rows + 1);
    uint32_t kept = 0;

    CHECK(exec->rows == 0 || exec->columns == 7);
    for (uint32_t row = 0; row < exec->rows; row++)
        lines[row] = line_of(exec, row, last_day);
    qsort(lines, exec->rows, sizeof(*lines), compare_lines);
    for (uint32_t row = 0; row < exec->rows; row++) {
        if (kept > 0 && compare_lines(&lines[kept - 1], &lines[row]) == 0)
            add_line(&lines[kept - 1], &lines[row]);
        else
            lines[kept++] = lines[row];
    }
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

static void put_date(struct buf *out, int64_t day)
{
    struct buf text;

    buf_init(&text, 64);
    clock_format(&text, day * DAY_MS);
    buf_put(out, text.p, text.n < 10 ? text.n : 10);
    buf_fini(&text);
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

static void json_date(struct jw *w, const char *name, int64_t day)
{
    struct buf text;

    buf_init(&text, 64);
    put_date(&text, day);
    jw_key(w, name);
    jw_str(w, buf_view(&text));
    buf_fini(&text);
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

static void json_day(struct jw *w, const struct report_line *line)
{
    jw_object(w);
    json_date(w, "date", line->day);
    json_place(w, line, line->bets);
    json_money(w, "turnover", line->turnover_minor, line);
    json_money(w, "payouts", line->payouts_minor, line);
    json_money(w, "ggr", line->turnover_minor - line->payouts_minor, line);
    json_hold(w, line);
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
    json_date(&w, "from", call->from_day);
    json_date(&w, "to", call->to_day);
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

    put_date(out, line->day);
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
    if (line->day == last_day)
        buf_money(out, line->liability_minor, exponent);
    buf_str(out, STR("\r\n"));
}

static void write_csv(struct buf *out, const struct report_call *call,
                      const struct report_line *lines, uint32_t n)
{
    buf_str(out, STR("date,sport,currency,bets,turnover,payouts,ggr,hold,"
                     "open_liability\r\n"));
    for (uint32_t i = 0; i < n; i++)
        csv_line(out, &lines[i], call->to_day);
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

    lines = make_lines(&call->exec, call->to_day, &call->arena, &n);
    buf_init(&body, LIMIT_RESPONSE_BYTES);
    if (call->csv)
        write_csv(&body, call, lines, n);
    else
        write_json(&body, call, lines, n);
    if (body.overflow)
        refuse(call->request, REFUSE_MALFORMED, "the report is too large: narrow from and to");
    else if (call->csv)
        answer_csv(call->request, buf_view(&body));
    else
        answer_json(call->request, 200, buf_view(&body));
    buf_fini(&body);
}

static void on_report(struct store_exec *exec, enum store_result result)
{
    struct report_call *call = exec->ctx;

    if (result != STORE_OK)
        refuse(call->request, REFUSE_BUSY, "the store cannot be read now");
    else
        answer(call);
    arena_fini(&call->arena);
    free(call);
}

/* A day of the query, or today; false: not a date. */
static bool read_day(struct http_request *request, const char *name, int64_t today,
                     int64_t *day)
{
    struct str text = http_query(request, name);
    int year, month, date;
    int64_t ms;

    *day = today;
    if (text.p == NULL)
        return true;
    if (!clock_parse_date(text, &year, &month, &date) || !clock_parse(text, &ms) || ms < 0)
        return false;
    *day = ms / DAY_MS;
    return true;
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

/* NULL, or what is wrong with the query. */
static const char *read_query(struct http_request *request, struct report_call *call)
{
    int64_t today = clock_wall_ms() / DAY_MS;

    if (!read_day(request, "to", today, &call->to_day))
        return "to: a date as 2026-11-23 is expected";
    if (!read_day(request, "from", call->to_day, &call->from_day))
        return "from: a date as 2026-11-23 is expected";
    if (call->from_day > call->to_day)
        return "from: is after to";
    if (call->to_day - call->from_day >= DAYS_MAX)
        return "from: a report covers at most 366 days";
    if (!read_format(request, &call->csv))
        return "format: json or csv is expected";
    return NULL;
}

void reports_get_daily(void *reports, struct http_request *request)
{
    struct reports *self = reports;
    struct report_call *call = calloc(1, sizeof(*call));
    const char *wrong;

    CHECK(call != NULL);
    call->request = request;
    wrong = read_query(request, call);
    if (wrong != NULL) {
        free(call);
        refuse(request, REFUSE_MALFORMED, wrong);
        return;
    }
    arena_init(&call->arena, ROWS_BYTES);
    call->exec = (struct store_exec){
        .calls = { { .statement = STATEMENT_REPORT_DAILY,
                     .params = { VALUE_INT(call->from_day * DAY_MS),
                                 VALUE_INT((call->to_day + 1) * DAY_MS) } } },
        .n = 1,
        .arena = &call->arena,
        .on_done = on_report,
        .ctx = call,
    };
    store_exec(self->store, &call->exec);
}
