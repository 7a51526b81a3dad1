/*
 * Responsible gambling: a customer's own limits and exclusion (RULES.md 15).
 *
 *   PUT /v1/limits {kind, period, amount}   lower at once; higher or null
 *                                           after a day, until then it waits
 *   PUT /v1/exclusion {until}               only ever longer
 *
 * Both are enforced by the statements that move money (store.h), not here:
 * these handlers read and write what those look at.  Who is excluded logs in,
 * reads, withdraws and cashes out; open bets stand and are settled.
 */
#include "base/clock.h"
#include "bets/inside.h"
#include "who/reader.h"
#include "bets/slip_json.h"
#include "model/own_limit.h"

/* A time to come; an exclusion beyond the calendar is for ever. */
#define UNTIL_MAX_MS INT64_C(253402300799000) /* 9999-12-31T23:59:59Z */

struct limit_change {
    int64_t now_ms;
    enum own_limit_kind kind;
    enum own_limit_period period;
    int64_t amount_minor, until_ms;
    bool stands; /* the exclusion in force is longer than the one asked for */
};

void limit_write_reached(struct buf *out, int64_t packed, int exponent)
{
    struct own_limit_reached reached;
    struct jw w = jw_to(out);

    if (!own_limit_reached_unpack(packed, &reached))
        return;
    CHECK(reached.left_minor >= 0 && exponent >= 0);
    jw_key(&w, "maximum");
    jw_money(&w, reached.left_minor, exponent);
    jw_key(&w, "kind");
    jw_str(&w, str_of(own_limit_kind_name(reached.kind)));
    jw_key(&w, "period");
    jw_str(&w, str_of(own_limit_period_name(reached.period)));
}

/* ---- the document ------------------------------------------------------- */

static void write_amount(struct jw *w, const char *name, int64_t minor, int exponent)
{
    jw_key(w, name);
    if (minor < 0)
        jw_null(w);
    else
        jw_money(w, minor, exponent);
}

static void write_limit(struct jw *w, const struct value *row, int64_t now_ms, int exponent)
{
    int64_t from_ms = CELL_INT(row, LIMITS_GET_NEXT_FROM_MS);
    bool due = from_ms != 0 && from_ms <= now_ms;

    CHECK(from_ms >= 0 && now_ms > 0);
    jw_object(w);
    jw_key(w, "kind");
    jw_str(w, str_of(own_limit_kind_name((enum own_limit_kind)CELL_INT(row, LIMITS_GET_KIND))));
    jw_key(w, "period");
    jw_str(w, str_of(own_limit_period_name((enum own_limit_period)CELL_INT(row,
                                                                           LIMITS_GET_PERIOD))));
    write_amount(w, "amount", due ? CELL_INT(row, LIMITS_GET_NEXT_AMOUNT)
                                  : CELL_INT(row, LIMITS_GET_AMOUNT), exponent);
    jw_key(w, "used");
    jw_money(w, CELL_INT(row, LIMITS_GET_USED), exponent);
    jw_key(w, "pending");
    if (from_ms == 0 || due) {
        jw_null(w);
    } else {
        jw_object(w);
        write_amount(w, "amount", CELL_INT(row, LIMITS_GET_NEXT_AMOUNT), exponent);
        jw_key(w, "from");
        jw_time(w, from_ms);
        jw_object_end(w);
    }
    jw_object_end(w);
}

static void refuse_standing(struct read_request *reader, int64_t until_ms)
{
    struct buf *members = reader_out(reader);
    struct jw w = jw_to(members);

    CHECK(until_ms >= 0);
    jw_key(&w, "excluded_until");
    jw_time(&w, until_ms);
    reader_refuse_with(reader, REFUSE_EXCLUSION_STANDS, buf_view(members));
}

static void write_limits(struct read_request *reader)
{
    const struct limit_change *change = reader->own;
    const struct store_exec *exec = &reader->exec;
    int64_t until_ms = exec->rows == 0 ? 0 : EXEC_INT(exec, 0, LIMITS_GET_EXCLUDED_UNTIL_MS);
    struct buf *out = reader_out(reader);
    struct jw w = jw_to(out);

    if (change->stands) {
        refuse_standing(reader, until_ms);
        return;
    }
    jw_object(&w);
    CHECK(change->now_ms > 0);
    jw_key(&w, "limits");
    jw_array(&w);
    for (uint32_t i = 0; i < exec->rows; i++)
        write_limit(&w, &EXEC_CELL(exec, i, 0), change->now_ms,
                    reader->session.currency->exponent);
    jw_array_end(&w);
    jw_key(&w, "excluded_until");
    if (until_ms > change->now_ms)
        jw_time(&w, until_ms);
    else
        jw_null(&w);
    jw_object_end(&w);
    reader_json(reader, 200, buf_view(out));
}

static struct statement_call call_with_periods(enum statement statement, int64_t account,
                                               int64_t now_ms)
{
    CHECK(now_ms >= own_limit_since(OWN_LIMIT_PERIOD_DAY, now_ms));
    return (struct statement_call){ statement,
                                    { VALUE_INT(account),
                                      VALUE_INT(own_limit_since(OWN_LIMIT_PERIOD_DAY, now_ms)),
                                      VALUE_INT(own_limit_since(OWN_LIMIT_PERIOD_WEEK, now_ms)),
                                      VALUE_INT(own_limit_since(OWN_LIMIT_PERIOD_MONTH,
                                                                now_ms)) } };
}

static void read_limits(struct read_request *reader)
{
    struct limit_change *change = reader->own;

    CHECK(change != NULL);
    change->now_ms = clock_wall_ms();
    reader_exec(reader,
                call_with_periods(STATEMENT_LIMITS_GET, reader->session.account, change->now_ms),
                write_limits);
}

static struct limit_change *change_new(struct http_request *request)
{
    return ARENA_NEW(&request->arena, struct limit_change);
}

void bets_get_limits(struct bets *bets, struct http_request *request)
{
    reader_start(bets->who, request, false, change_new(request), read_limits);
}

/* ---- a limit ------------------------------------------------------------ */

static void set_limit(struct read_request *reader)
{
    struct limit_change *change = reader->own;
    int64_t account = reader->session.account;
    struct str error;

    if (!limit_body_read(reader->request->body, reader->session.currency,
                         &reader->request->arena, &change->kind, &change->period,
                         &change->amount_minor, &error)) {
        reader_refuse(reader, REFUSE_MALFORMED, error);
        return;
    }
    CHECK(change->amount_minor >= -1 && change->amount_minor <= LIMIT_MINOR);
    change->now_ms = clock_wall_ms();
    reader_exec_all(reader,
                    (struct statement_call[]){
                        { STATEMENT_LIMITS_TURN_ON, { VALUE_INT(account) } },
                        call_with_periods(STATEMENT_LIMITS_ADD, account, change->now_ms),
                        { STATEMENT_LIMIT_SET,
                          { VALUE_INT(account), VALUE_INT(change->kind),
                            VALUE_INT(change->period), VALUE_INT(change->amount_minor),
                            VALUE_INT(change->now_ms), VALUE_INT(OWN_LIMIT_RAISE_MS) } },
                        call_with_periods(STATEMENT_LIMITS_GET, account, change->now_ms),
                    }, 4, write_limits);
}

void bets_put_limit(struct bets *bets, struct http_request *request)
{
    reader_start(bets->who, request, true, change_new(request), set_limit);
}

/* ---- an exclusion ------------------------------------------------------- */

static void excluded(struct read_request *reader)
{
    struct limit_change *change = reader->own;

    CHECK(change->until_ms > 0 && !change->stands);
    change->stands = reader->exec.rows == 0;
    read_limits(reader);
}

static void exclude(struct read_request *reader)
{
    struct limit_change *change = reader->own;
    struct str error = STR("until must be a time to come");

    if (!until_body_read(reader->request->body, &reader->request->arena, &change->until_ms,
                         &error) ||
        change->until_ms <= clock_wall_ms() || change->until_ms > UNTIL_MAX_MS) {
        reader_refuse(reader, REFUSE_MALFORMED, error);
        return;
    }
    reader_exec(reader,
                (struct statement_call){ STATEMENT_EXCLUDE,
                                         { VALUE_INT(reader->session.account),
                                           VALUE_INT(change->until_ms) } },
                excluded);
}

void bets_put_exclusion(struct bets *bets, struct http_request *request)
{
    reader_start(bets->who, request, true, change_new(request), exclude);
}
