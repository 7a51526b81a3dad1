/*
 * A request that moves money, from arrival to answer.
 *
 *   read body -> key -> session        refused at once, nothing remembered
 *     -> key in flight?  join it, or key_reused
 *     -> key decided?    the same answer, or key_reused
 *     -> rate, room      429 and 503: never verdicts (rule 11)
 *     -> a stale country 503, unless the store knows the key
 *     -> delay (bets)    of live events, request open
 *     -> gate (bets)     limits, a trader's word, room in the liability
 *     -> a cash-out's bet is read; again when it moved before the commit
 *     -> lane ... on_form judges, the store decides, on_done answers
 *
 * Whoever brings a key first owns its verdict's entry; copies wait on the
 * owner's list and get the same bytes.  A key the store knew already is read
 * back, and the answer is made from what was stored by the same functions.
 */
#include <inttypes.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "bets/cashout.h"
#include "house/gate.h"
#include "bets/inside.h"
#include "bets/place.h"
#include "bets/slip_json.h"
#include "bets/traced.h"
#include "model/grade.h"
#include "net/answer.h"
#include "who/reader.h"
#include "who/refuse.h"
#include "who/where.h"

#define KEY_FIRST 0x20 /* printable ASCII */
#define KEY_LAST 0x7e
#define CASHOUT_READS_MAX 5 /* of a bet that moves each time */

enum {
#define EVENT(number, name, text, ref) EVENT_##name = number,
#include "tbl/events.h"
#undef EVENT
};

struct waiter {
    struct http_request *request;
    struct traced *traced;
    struct waiter *next;
};

struct command {
    struct lane_cmd lane; /* first: lane.c gives it back */
    struct bets *bets;
    struct http_request *request;
    struct session session;
    struct place_rules rules;
    struct verdict *verdict;       /* in flight */
    struct waiter *waiters, **last_waiter;
    struct store_exec exec;
    struct traced *traced;         /* NULL: it is not */
    /* MONEY_BET */
    struct slip *slip;
    struct str slip_text;          /* as submitted */
    int64_t submitted_e4[LIMIT_LEGS];
    struct where where;            /* of bets and deposits: looked at on arrival */
    struct gate gate;
    bool delayed, gated;           /* it was kept open */
    /* MONEY_CASHOUT */
    struct cashout *cashout;
    unsigned reads;
};

/* Amounts of a request whose wallet is not known yet may have any currency's
 * decimals: malformed is said before unauthorized. */
static const struct currency any_currency = { "any", 4 };

/* ---- answers ------------------------------------------------------------ */

/* The one way out.  `account` 0: not known. */
static void respond(struct bets *bets, struct http_request *request, int64_t account,
                    int status, const char *type, struct str body)
{
    struct str whom = account == 0 ? STR_NONE : MAP_KEY(&account);

    CHECK(bets->working > 0);
    bets->working--;
    refuse_respond(bets->who, request, whom, status, type, body);
}

static void count_result(enum money_op op, struct str result)
{
    metric_add(op == MONEY_BET ? METRIC_BETS : op == MONEY_CASHOUT ? METRIC_CASHOUTS
               : METRIC_WALLET, result, 1);
}

/* A traced one is an example of its bucket. */
static void observe_place(const struct traced *traced, int64_t took_us)
{
    char trace_id[33] = "";

    if (traced == NULL) {
        metric_observe(METRIC_PLACE_SECONDS, took_us);
        return;
    }
    trace_hex(traced->trace.here.trace, sizeof(traced->trace.here.trace), trace_id);
    metric_observe_exemplar(METRIC_PLACE_SECONDS, took_us, trace_id);
}

static void count_answer(const struct command *c, const struct http_request *request,
                         const struct traced *traced, int status)
{
    if (traced != NULL)
        traced_end(traced, request, status, status == 201 && c->lane.money.outcome == MONEY_DECIDED
                       ? c->lane.money.bet : 0);
    if (c->lane.money.op == MONEY_BET && !c->delayed) /* a delay is no latency */
        observe_place(traced, clock_mono_us() - request->arrived_us);
}

/* To the request and to all who joined it; the request's memory, and with it
 * the command, is gone afterwards. */
static void answer_all(struct command *c, int status, const char *type, struct str body)
{
    struct bets *bets = c->bets;
    int64_t account = c->session.account;
    struct waiter *waiter = c->waiters;

    if (waiter != NULL) /* an answer may bring the next request, and use scratch */
        body = arena_str(&c->request->arena, body);
    while (waiter != NULL) {
        struct http_request *request = waiter->request;
        const struct traced *traced = waiter->traced;

        waiter = waiter->next;
        bets->waiters--;
        metric_inc(METRIC_BETS_REPLAYED);
        count_answer(c, request, traced, status);
        respond(bets, request, account, status, type, body);
    }
    count_answer(c, c->request, c->traced, status);
    respond(bets, c->request, account, status, type, body);
}

static void refuse_all(struct command *c, enum refusal refusal, struct str detail,
                       struct str members)
{
    const struct refusal_info *info = refusal_info(refusal);
    struct buf *out = &c->bets->scratch;

    buf_reset(out);
    answer_refusal_body(out, refusal, detail.n > 0 ? detail : refusal_sentence(refusal), members);
    c->request->refused = refusal;
    for (struct waiter *waiter = c->waiters; waiter != NULL; waiter = waiter->next)
        waiter->request->refused = refusal;
    answer_all(c, info->status, "application/problem+json", buf_view(out));
}

/* Before it is anybody's verdict. */
static void refuse(struct command *c, enum refusal refusal, struct str detail)
{
    count_result(c->lane.money.op, str_of(refusal_info(refusal)->code));
    refuse_all(c, refusal, detail, STR_NONE);
}

/* The text of a verdict is the answer when it is done, else its members. */
static void answer_verdict(struct command *c, enum refusal refusal, struct str text)
{
    if (refusal == REFUSE_NOTHING)
        answer_all(c, c->lane.money.op == MONEY_CASHOUT ? 200 : 201, "application/json", text);
    else
        refuse_all(c, refusal, STR_NONE, text);
}

/* ---- what the answers are made of --------------------------------------- */

static void write_transfer_done(struct buf *out, int64_t account, int64_t seq,
                                int64_t amount, int64_t balance, int exponent)
{
    struct jw w = jw_to(out);

    jw_object(&w);
    jw_key(&w, "id");
    jw_raw(&w, STR("\""));
    buf_int(out, account);
    buf_char(out, '-');
    buf_int(out, seq);
    buf_char(out, '"');
    jw_key(&w, "amount");
    jw_money(&w, amount, exponent);
    jw_key(&w, "balance");
    jw_money(&w, balance, exponent);
    jw_object_end(&w);
}

static struct bet_view placed_view(const struct command *c)
{
    const struct money_cmd *money = &c->lane.money;

    return (struct bet_view){
        .id = money->bet,
        .stake_minor = money->amount_minor,
        .potential_minor = money->potential_minor,
        .placed_ms = money->at_ms,
        .state = BET_ACCEPTED,
        .currency = c->session.currency,
        .sport = money->sport,
        .country = money->country,
        .slip = c->slip,
    };
}

/* The members were made when it was judged, and stored with the key. */
static void write_cashout_done(struct buf *out, struct str members)
{
    buf_char(out, '{');
    buf_str(out, members);
    buf_char(out, '}');
}

static void write_bet_done(struct command *c, struct buf *out)
{
    struct bet_view view = placed_view(c);

    bet_write_accepted(out, &view);
}

static int64_t margin_e4(const struct bets *bets)
{
    return bets->options.config->cashout_margin * 100;
}

/* It is committed: whoever listens is told before the client is. */
static void publish(const struct command *c)
{
    static const int events[] = {
        [MONEY_BET] = EVENT_BET_ACCEPTED, [MONEY_DEPOSIT] = EVENT_DEPOSITED,
        [MONEY_WITHDRAWAL] = EVENT_WITHDRAWN, [MONEY_CASHOUT] = EVENT_BET_PARTLY_CASHED_OUT,
    };
    const struct money_cmd *money = &c->lane.money;
    bool about_bet = money->op == MONEY_BET || money->op == MONEY_CASHOUT;
    struct bus *bus = c->bets->options.bus;
    struct bet_view view;

    if (bus == NULL || !bus_wants_money(bus))
        return;
    view = money->op == MONEY_CASHOUT ? cashout_view(c->cashout, money) : placed_view(c);
    if (about_bet && view.state == BET_ACCEPTED)
        cashout_put_offer(&view, c->bets->options.book, margin_e4(c->bets));
    bus_publish_money(bus, &(struct bus_money){
        .event = money->full ? EVENT_BET_CASHED_OUT : events[money->op],
        .account = money->account,
        .seq = money->seq,
        .at_ms = money->at_ms,
        .currency = str_of(money->currency),
        .balance_minor = money->balance_minor,
        .debt_minor = money->debt_minor,
        .staked_minor = money->staked_minor,
        .amount_minor = money->amount_minor,
        .bet = about_bet ? &view : NULL,
    });
    if (c->traced != NULL)
        traced_stage(c->traced, "publish");
}

/* ---- a key the store knew ----------------------------------------------- */

/* Columns of KEY_GET. */
enum {
    K_HASH, K_VERDICT, K_DETAIL, K_REF, K_AT, K_BET, K_STAKE, K_POTENTIAL, K_SLIP,
    K_CURRENCY, K_PLACED, K_AMOUNT, K_BALANCE, K_CASHED
};

/* What insufficient_funds tells: the balance at its verdict. */
static void write_balance(struct buf *out, int64_t balance_minor, int exponent)
{
    struct jw w = jw_to(out);

    jw_key(&w, "balance");
    jw_money(&w, balance_minor, exponent);
}

/* False: the row does not hold what its verdict promises. */
static bool write_stored(struct command *c, const struct value *row, struct buf *out)
{
    struct slip *slip;
    struct bet_view view;

    if (c->lane.money.op == MONEY_CASHOUT) {
        write_cashout_done(out, row[K_DETAIL].s);
        return row[K_DETAIL].s.n > 0;
    }
    if (c->lane.money.op != MONEY_BET) {
        write_transfer_done(out, c->session.account, row[K_REF].i, row[K_AMOUNT].i,
                            row[K_BALANCE].i, c->session.currency->exponent);
        return row[K_AMOUNT].i > 0;
    }
    slip = ARENA_NEW(&c->request->arena, struct slip);
    view = (struct bet_view){
        .id = row[K_BET].i,
        .stake_minor = row[K_STAKE].i,
        .potential_minor = row[K_POTENTIAL].i,
        .placed_ms = row[K_PLACED].i,
        .currency = currency_find(row[K_CURRENCY].s),
        .slip = slip,
    };
    if (view.id == 0 || view.currency == NULL
        || !slip_decode(row[K_SLIP].s, &c->request->arena, slip))
        return false;
    for (uint32_t i = 0; i < slip->n_legs; i++)
        slip->legs[i].result = LEG_RESULT_OPEN; /* as it was when placed */
    /* So was its stake, before a part was cashed out. */
    if (row[K_CASHED].i > 0 && !grade_potential(slip, view.stake_minor, &view.potential_minor))
        return false;
    bet_write_accepted(out, &view);
    return true;
}

static void give_up(struct command *c, enum refusal refusal)
{
    verdicts_forget(c->bets->verdicts, c->verdict);
    refuse(c, refusal, STR_NONE);
}

static void on_key(struct store_exec *exec, enum store_result result)
{
    struct command *c = exec->ctx;
    struct buf *out = &c->bets->members;
    const struct value *row = exec->cells;
    enum refusal refusal;

    if (result != STORE_OK || exec->rows == 0) {
        give_up(c, REFUSE_BUSY);
        return;
    }
    if (row[K_HASH].s.n != sizeof(c->lane.money.hash)
        || memcmp(row[K_HASH].s.p, c->lane.money.hash, sizeof(c->lane.money.hash)) != 0) {
        give_up(c, REFUSE_KEY_REUSED);
        return;
    }
    if (!refusal_is_verdict(row[K_VERDICT].i)) { /* a newer release's */
        log_request(c->request->id, LOG_ERROR, "bets", "a stored verdict is not known here",
                    "number=%" PRId64, row[K_VERDICT].i);
        give_up(c, REFUSE_BUSY);
        return;
    }
    refusal = (enum refusal)row[K_VERDICT].i;
    buf_reset(out);
    if (refusal == REFUSE_NOTHING) {
        if (!write_stored(c, row, out)) {
            log_request(c->request->id, LOG_ERROR, "bets", "a stored verdict cannot be read",
                        "account=%" PRId64, c->session.account);
            give_up(c, REFUSE_BUSY);
            return;
        }
    } else if (refusal == REFUSE_INSUFFICIENT_FUNDS) {
        write_balance(out, row[K_REF].i, c->session.currency->exponent);
    } else if (refusal == REFUSE_LIMIT_REACHED && row[K_REF].i != 0) {
        limit_write_reached(out, row[K_REF].i, c->session.currency->exponent);
    } else {
        buf_str(out, row[K_DETAIL].s);
    }
    metric_inc(METRIC_BETS_REPLAYED);
    verdicts_decide(c->bets->verdicts, c->verdict, refusal, buf_view(out));
    answer_verdict(c, refusal, c->verdict->text);
}

static void ask_key(struct command *c)
{
    const struct money_cmd *money = &c->lane.money;

    c->exec = (struct store_exec){
        .calls = { { STATEMENT_KEY_GET,
                     { VALUE_INT(money->account), VALUE_INT(money->op),
                       VALUE_STR(money->key) } } },
        .n = 1,
        .arena = &c->request->arena,
        .on_done = on_key,
        .ctx = c,
    };
    store_exec(c->bets->options.store, &c->exec);
}

/* ---- the lane's two questions ------------------------------------------- */

static void judge_transfer(struct command *c)
{
    struct money_cmd *money = &c->lane.money;
    struct jw w = jw_to(&c->bets->members);

    money->verdict = REFUSE_NOTHING;
    if (money->amount_minor <= c->rules.stake_max_minor)
        return;
    money->verdict = REFUSE_LIMIT_REACHED;
    jw_key(&w, "maximum");
    jw_money(&w, c->rules.stake_max_minor, c->rules.exponent);
}

/* The bet as the store takes it; its odds are those of now. */
static void fill_bet(struct command *c)
{
    struct bets *bets = c->bets;
    struct money_cmd *money = &c->lane.money;
    struct arena *arena = &c->request->arena;
    struct slip *slip = c->slip;
    struct str sport = place_sport(bets->options.book, slip);
    bool moved = false;

    for (uint32_t i = 0; i < slip->n_legs; i++) {
        money->market_keys[i] = market_key(slip->legs[i].market);
        moved = moved || slip->legs[i].odds_e4 != c->submitted_e4[i];
    }
    money->n_legs = slip->n_legs;
    money->bet = ids_next(who_ids(bets->who), money->at_ms);
    money->cap_minor = c->rules.cap_minor;
    money->country = str_of(c->where.country);
    money->currency = c->session.currency->code;
    money->sport = sport.n == 0 ? STR("") : arena_str(arena, sport);
    money->traceparent = c->traced == NULL ? STR_NONE : traced_parent(c->traced, c->request);
    money->slip = c->slip_text;
    if (moved) {
        buf_reset(&bets->scratch);
        slip_encode(slip, &bets->scratch);
        money->slip = arena_str(arena, buf_view(&bets->scratch));
    }
}

/* The ladder, within what the house allows now; then the house itself. */
static enum refusal judge_slip(struct command *c)
{
    struct money_cmd *money = &c->lane.money;
    struct place_rules rules = c->rules;
    struct buf *members = &c->bets->members;
    struct gate_limits limits;
    enum refusal verdict = gate_look(&c->gate, &limits);

    rules.stake_max_minor = limits.stake_max_minor;
    if (verdict == REFUSE_NOTHING)
        verdict = place_judge(c->bets->options.book, &rules, c->slip, money->amount_minor,
                              &money->potential_minor, members);
    if (verdict == REFUSE_NOTHING)
        verdict = gate_judge(&c->gate, &limits, money->potential_minor);
    gate_write_maximum(&c->gate, members);
    return verdict;
}

static void judge_bet(struct command *c)
{
    struct money_cmd *money = &c->lane.money;

    /* A batch that was not applied is judged again, from what was asked. */
    for (uint32_t i = 0; i < c->slip->n_legs; i++)
        c->slip->legs[i].odds_e4 = c->submitted_e4[i];
    money->verdict = judge_slip(c);
    money->liability_epoch = 0;
    if (money->verdict != REFUSE_NOTHING)
        return;
    money->liability_epoch = gate_epoch(&c->gate);
    fill_bet(c);
}

static void judge_cashout(struct command *c)
{
    const struct cashout_rules rules = {
        .margin_e4 = margin_e4(c->bets),
        .stake_min_minor = c->rules.stake_min_minor,
        .exponent = c->rules.exponent,
    };
    struct money_cmd *money = &c->lane.money;

    money->verdict = cashout_judge(c->cashout, &rules, c->bets->options.book, money,
                                   &c->bets->members);
}

/* No money comes in from there, whatever the book says. */
static void judge_where(struct command *c)
{
    struct money_cmd *money = &c->lane.money;

    CHECK(money->op == MONEY_BET || money->op == MONEY_DEPOSIT);
    CHECK(!c->where.is_stale);
    money->verdict = c->where.refusal;
    money->liability_epoch = 0;
    where_write_refused(&c->bets->members, &c->where);
}

static void on_turn(void *ctx)
{
    const struct bets *bets = ctx;

    if (bets->options.look != NULL)
        bets->options.look(bets->options.look_ctx);
}

static void on_form(void *ctx, struct lane_cmd *cmd)
{
    struct bets *bets = ctx;
    struct command *c = cmd->money.owner;

    CHECK(c->bets == bets && c->verdict->owner == c);
    if (c->traced != NULL)
        traced_stage(c->traced, "queue");
    buf_reset(&bets->members);
    cmd->money.at_ms = clock_wall_ms();
    if (c->where.refusal != REFUSE_NOTHING)
        judge_where(c);
    else if (cmd->money.op == MONEY_BET)
        judge_bet(c);
    else if (cmd->money.op == MONEY_CASHOUT)
        judge_cashout(c);
    else
        judge_transfer(c);
    cmd->money.detail = bets->members.n == 0
        ? STR("") : arena_str(&c->request->arena, buf_view(&bets->members));
    if (c->traced != NULL)
        traced_stage(c->traced, "judge");
}

/* What was judged brings its own; the balance only the store knows. */
static void write_members(const struct command *c, struct buf *out)
{
    const struct money_cmd *money = &c->lane.money;

    if (money->decided == money->verdict)
        buf_str(out, money->detail);
    else if (money->decided == REFUSE_LIMIT_REACHED)
        limit_write_reached(out, money->limit_reached, c->session.currency->exponent);
    else if (money->decided == REFUSE_INSUFFICIENT_FUNDS)
        write_balance(out, money->balance_minor, c->session.currency->exponent);
}

static void decided(struct command *c)
{
    const struct money_cmd *money = &c->lane.money;
    struct buf *out = &c->bets->members;
    enum refusal refusal = money->decided;

    buf_reset(out);
    if (refusal != REFUSE_NOTHING) {
        count_result(money->op, str_of(refusal_info(refusal)->code));
        write_members(c, out);
    } else if (money->op == MONEY_BET) {
        publish(c);
        count_result(money->op, STR("accepted"));
        metric_add(METRIC_STAKED, str_of(money->currency), money->amount_minor);
        write_bet_done(c, out);
    } else if (money->op == MONEY_CASHOUT) {
        publish(c);
        count_result(money->op, STR("done"));
        metric_add(METRIC_CASHED_OUT, str_of(money->currency), money->amount_minor);
        write_cashout_done(out, money->detail);
    } else {
        publish(c);
        count_result(money->op, STR("done"));
        write_transfer_done(out, money->account, money->seq, money->amount_minor,
                            money->balance_minor, c->session.currency->exponent);
    }
    verdicts_decide(c->bets->verdicts, c->verdict, refusal, buf_view(out));
    answer_verdict(c, refusal, c->verdict->text);
}

/* The store's answer is not known: neither is ours (rule 13). */
static void answer_pending(struct command *c)
{
    verdicts_forget(c->bets->verdicts, c->verdict);
    count_result(c->lane.money.op, STR("pending"));
    answer_all(c, 202, "application/json", STR("{\"state\":\"pending\"}"));
}

static void leave_gate(struct command *c, enum lane_result result)
{
    const struct money_cmd *money = &c->lane.money;

    if (c->where.refusal != REFUSE_NOTHING)
        return; /* it was never in it */
    if (result == LANE_UNKNOWN)
        gate_leave(&c->gate, GATE_UNKNOWN, money->bet);
    else if (result == LANE_DECIDED && money->outcome == MONEY_FENCED)
        gate_leave_fenced(&c->gate);
    else if (result == LANE_DECIDED && money->outcome == MONEY_DECIDED &&
             money->decided == REFUSE_NOTHING)
        gate_leave(&c->gate, GATE_STANDS, money->bet);
    else
        gate_leave(&c->gate, GATE_NOTHING, 0);
}

/* ---- a cash-out's bet --------------------------------------------------- */

static void enter_lane(struct command *c);

static void on_bet(struct store_exec *exec, enum store_result result)
{
    struct command *c = exec->ctx;
    struct cashout *cashout = c->cashout;

    if (result != STORE_OK) {
        give_up(c, REFUSE_BUSY);
        return;
    }
    if (exec->rows == 0) {
        give_up(c, REFUSE_NOT_FOUND); /* no verdict: such a bet may come */
        return;
    }
    if (!cashout_read_row(exec->cells, &c->request->arena, &cashout->row, &cashout->slip)) {
        log_request(c->request->id, LOG_ERROR, "bets", "a stored bet cannot be read",
                    "bet=%" PRId64, cashout->bet);
        give_up(c, REFUSE_BUSY);
        return;
    }
    enter_lane(c);
}

/* The lane judges it by this; the store looks whether it still stands so. */
static void read_its_bet(struct command *c)
{
    if (++c->reads > CASHOUT_READS_MAX) {
        give_up(c, REFUSE_BUSY);
        return;
    }
    c->exec = (struct store_exec){
        .calls = { { STATEMENT_BET_GET,
                     { VALUE_INT(c->session.account), VALUE_INT(c->cashout->bet) } } },
        .n = 1,
        .arena = &c->request->arena,
        .on_done = on_bet,
        .ctx = c,
    };
    store_exec(c->bets->options.store, &c->exec);
}

static void on_done(void *ctx, struct lane_cmd *cmd, enum lane_result result)
{
    struct command *c = cmd->money.owner;

    CHECK(c->bets == ctx && c->verdict->owner == c);
    if (c->traced != NULL)
        traced_batch(c->traced, "commit", cmd->sent_us, cmd->batch_n);
    if (cmd->money.op == MONEY_BET)
        leave_gate(c, result);
    if (result == LANE_BUSY) {
        give_up(c, REFUSE_BUSY);
        return;
    }
    if (result == LANE_UNKNOWN) {
        answer_pending(c);
        return;
    }
    switch (cmd->money.outcome) {
    case MONEY_DECIDED:
        decided(c);
        return;
    case MONEY_KNOWN:
        ask_key(c);
        return;
    case MONEY_MOVED:
        read_its_bet(c);
        return;
    case MONEY_FENCED: /* it charged leases that are over: nothing is decided */
        give_up(c, REFUSE_BUSY);
        return;
    case MONEY_UNAUTHORIZED:
        session_drop(c->bets->who, c->request);
        give_up(c, REFUSE_UNAUTHORIZED);
        return;
    case MONEY_PENDING:
    case MONEY_SKIPPED:
        break;
    }
    check_failed(__FILE__, __LINE__, "a command with an outcome");
}

/* ---- arrival ------------------------------------------------------------ */

static bool read_bet(struct command *c, const struct currency *currency, struct str *error)
{
    struct arena *arena = &c->request->arena;
    struct buf *scratch = &c->bets->scratch;

    c->slip = ARENA_NEW(arena, struct slip);
    if (!slip_read(c->request->body, currency, arena, c->slip, &c->lane.money.amount_minor,
                   error))
        return false;
    for (uint32_t i = 0; i < c->slip->n_legs; i++)
        c->submitted_e4[i] = c->slip->legs[i].odds_e4;
    buf_reset(scratch);
    slip_encode(c->slip, scratch);
    if (scratch->n > LIMIT_SLIP_BYTES) {
        *error = STR("legs are too long in all");
        return false;
    }
    c->slip_text = arena_str(arena, buf_view(scratch));
    return true;
}

static bool read_cashout(struct command *c, const struct currency *currency, struct str *error)
{
    struct arena *arena = &c->request->arena;
    struct cashout *cashout = ARENA_NEW(arena, struct cashout);

    c->cashout = cashout;
    cashout->currency = currency;
    if (!reader_id(c->request->param, &cashout->bet))
        cashout->bet = 0; /* no bet has this id */
    if (!cashout_body_read(c->request->body, currency, arena, &cashout->minimum_minor,
                           &cashout->asked_minor, error))
        return false;
    c->slip_text = arena_printf(arena, "%" PRId64 " %" PRId64 " %" PRId64, cashout->bet,
                                cashout->minimum_minor, cashout->asked_minor);
    return true;
}

static bool read_body(struct command *c, const struct currency *currency, struct str *error)
{
    if (c->lane.money.op == MONEY_BET)
        return read_bet(c, currency, error);
    if (c->lane.money.op == MONEY_CASHOUT)
        return read_cashout(c, currency, error);
    return amount_read(c->request->body, currency, &c->request->arena,
                       &c->lane.money.amount_minor, error);
}

static bool key_is_printable(struct str key)
{
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] < KEY_FIRST || key.p[i] > KEY_LAST)
            return false;
    }
    return key.n <= LIMIT_KEY_BYTES;
}

/* Over the parsed fields, in their canonical form (rule 11). */
static void hash_fields(struct command *c)
{
    struct money_cmd *money = &c->lane.money;
    struct buf *scratch = &c->bets->scratch;

    buf_reset(scratch);
    buf_int(scratch, (int)money->op);
    buf_char(scratch, ' ');
    buf_int(scratch, money->amount_minor);
    buf_char(scratch, ' ');
    buf_str(scratch, c->slip_text);
    CHECK(crypto_generichash(money->hash, sizeof(money->hash),
                             (const unsigned char *)scratch->p, scratch->n, NULL, 0) == 0);
}

static void set_rules(struct command *c)
{
    const struct config *config = c->bets->options.config;
    const struct currency *currency = c->session.currency;
    bool bet = c->lane.money.op == MONEY_BET;

    c->rules = (struct place_rules){
        .stake_min_minor = money_from_e2(config->stake_min, currency),
        .stake_max_minor = money_from_e2(bet ? config->stake_max : config->deposit_max,
                                         currency),
        .cap_minor = money_from_e2(config->payout_max, currency),
        .exponent = currency->exponent,
    };
}

/* The key is in flight: wait for its verdict. */
static void join(struct command *c, const struct verdict *verdict)
{
    struct command *first = verdict->owner;
    struct waiter *waiter;

    /* Of two epochs one is over, and the store has not said which. */
    if (first->session.epoch != c->session.epoch || c->bets->waiters >= LIMIT_WAITERS) {
        refuse(c, REFUSE_BUSY, STR_NONE);
        return;
    }
    waiter = ARENA_NEW(&c->request->arena, struct waiter);
    waiter->request = c->request;
    waiter->traced = c->traced;
    *first->last_waiter = waiter;
    first->last_waiter = &waiter->next;
    c->bets->waiters++;
}

/* True: the key is known here and the request is taken care of. */
static bool is_known(struct command *c)
{
    const struct money_cmd *money = &c->lane.money;
    const struct verdict *verdict =
        verdicts_find(c->bets->verdicts, money->account, (int)money->op, money->key);

    if (verdict == NULL)
        return false;
    if (memcmp(verdict->hash, money->hash, sizeof(money->hash)) != 0) {
        refuse(c, REFUSE_KEY_REUSED, STR_NONE);
    } else if (verdict->decided) {
        metric_inc(METRIC_BETS_REPLAYED);
        answer_verdict(c, verdict->refusal, verdict->text);
    } else {
        join(c, verdict);
    }
    return true;
}

static void enter_lane(struct command *c)
{
    struct lanes *lanes = c->bets->lanes;
    int64_t now_us = clock_mono_us();

    if (c->traced != NULL && (c->delayed || c->gated))
        traced_stage(c->traced, "gate");
    if (lanes_have_room(lanes, c->lane.money.account, now_us)) {
        lanes_submit(lanes, &c->lane, now_us);
        return;
    }
    if (c->lane.money.op == MONEY_BET && c->where.refusal == REFUSE_NOTHING)
        gate_leave(&c->gate, GATE_NOTHING, 0);
    give_up(c, REFUSE_BUSY);
}

static struct command *command_of(struct gate *gate)
{
    return (struct command *)((char *)gate - offsetof(struct command, gate));
}

static bool price(struct gate *gate, int64_t stake_max_minor, struct slip *slip,
                  int64_t *potential_minor)
{
    const struct command *c = command_of(gate);
    struct place_rules rules = c->rules;

    rules.stake_max_minor = stake_max_minor;
    buf_reset(&c->bets->members);
    return place_judge(c->bets->options.book, &rules, slip, gate->stake_minor, potential_minor,
                       &c->bets->members) == REFUSE_NOTHING;
}

/* The gate lets it on, at once or later. */
static void on_open(struct gate *gate, enum gate_answer answer)
{
    struct command *c = command_of(gate);

    if (answer == GATE_OPEN) {
        enter_lane(c);
        return;
    }
    gate_leave(&c->gate, GATE_NOTHING, 0);
    give_up(c, REFUSE_BUSY);
}

static void enter_gate(struct command *c)
{
    enum gate_answer answer;

    c->gate = (struct gate){
        .brakes = c->bets->brakes, .arena = &c->request->arena, .account = c->session.account,
        .currency = c->session.currency, .stake_max_minor = c->rules.stake_max_minor,
        .slip = c->slip, .stake_minor = c->lane.money.amount_minor, .price = price,
        .on_open = on_open,
    };
    answer = gate_enter(&c->gate);
    c->gated = answer == GATE_WAIT;
    if (answer != GATE_WAIT)
        on_open(&c->gate, answer);
}

static void on_delay_over(struct delay *delay, bool drained)
{
    struct command *c = delay->ctx;

    if (drained) {
        give_up(c, REFUSE_BUSY);
        return;
    }
    c->rules.stopped = delay->stopped;
    enter_gate(c);
}

static void enter_delay(struct command *c)
{
    struct delay *delay;

    if (!delays_are_set(c->bets->brakes->delays)) {
        enter_gate(c);
        return;
    }
    delay = ARENA_NEW(&c->request->arena, struct delay);
    delay->slip = c->slip;
    delay->on_over = on_delay_over;
    delay->ctx = c;
    switch (delays_start(c->bets->brakes->delays, delay, clock_mono_us())) {
    case DELAY_NONE:
        on_delay_over(delay, false);
        return;
    case DELAY_WAITS:
        c->delayed = true;
        return;
    case DELAY_FULL:
        give_up(c, REFUSE_BUSY);
        return;
    }
}

static void submit(struct command *c)
{
    struct bets *bets = c->bets;
    struct money_cmd *money = &c->lane.money;
    int64_t now_us = clock_mono_us();

    if (!who_has_rate(bets->who, c->request, MAP_KEY(&money->account))) {
        refuse(c, REFUSE_TOO_MANY_REQUESTS, STR_NONE);
        return;
    }
    if (!lanes_have_room(bets->lanes, money->account, now_us)) {
        refuse(c, REFUSE_BUSY, STR_NONE);
        return;
    }
    c->verdict = verdicts_add(bets->verdicts, money->account, (int)money->op, money->key,
                              money->hash, c);
    if (c->verdict == NULL) {
        refuse(c, REFUSE_BUSY, STR_NONE);
        return;
    }
    if (money->op == MONEY_BET || money->op == MONEY_DEPOSIT)
        c->where = where_read(bets->who, c->request, clock_wall_ms());
    if (c->where.is_stale) /* a clock of the house's: no verdict, but what is known is told */
        ask_key(c);
    else if (money->op == MONEY_BET && c->where.refusal == REFUSE_NOTHING)
        enter_delay(c);
    else if (money->op == MONEY_CASHOUT)
        read_its_bet(c);
    else
        enter_lane(c);
}

static void authorised(struct command *c)
{
    struct money_cmd *money = &c->lane.money;

    money->account = c->session.account;
    money->epoch = c->session.epoch;
    money->currency = c->session.currency->code;
    money->slip = money->sport = money->country = money->detail = STR("");
    hash_fields(c);
    if (c->traced != NULL)
        traced_stage(c->traced, "parse");
    if (is_known(c))
        return;
    set_rules(c);
    submit(c);
}

void command_start(struct bets *bets, struct http_request *request, enum money_op op)
{
    struct command *c = ARENA_NEW(&request->arena, struct command);
    struct str error = STR_NONE;
    bool known;

    bets->working++;
    c->bets = bets;
    c->request = request;
    c->last_waiter = &c->waiters;
    if (bets->options.tracer != NULL && op == MONEY_BET)
        c->traced = traced_begin(bets->options.tracer, request);
    c->lane.money.op = op;
    c->lane.money.owner = c;
    c->lane.money.key = http_header(request, "Idempotency-Key");
    known = session_of(bets->who, request, clock_wall_ms(), &c->session);
    if (!known)
        c->session = (struct session){ .currency = &any_currency };

    if (!read_body(c, c->session.currency, &error))
        refuse(c, REFUSE_MALFORMED, error);
    else if (!key_is_printable(c->lane.money.key))
        refuse(c, REFUSE_MALFORMED,
               STR("Idempotency-Key must be 1 to 64 printable characters"));
    else if (c->lane.money.key.n == 0)
        refuse(c, REFUSE_KEY_MISSING, STR_NONE);
    else if (!known)
        refuse(c, REFUSE_UNAUTHORIZED, STR_NONE);
    else if (op == MONEY_CASHOUT && c->cashout->bet == 0)
        refuse(c, REFUSE_NOT_FOUND, STR_NONE);
    else
        authorised(c);
}

void bets_post_bet(void *bets, struct http_request *request)
{
    command_start(bets, request, MONEY_BET);
}

void bets_post_cashout(void *bets, struct http_request *request)
{
    command_start(bets, request, MONEY_CASHOUT);
}

/* ---- the whole ---------------------------------------------------------- */

struct lanes *command_lanes_new(struct bets *bets)
{
    const struct lanes_options options = {
        .loop = bets->options.loop,
        .store = bets->options.store,
        .delay_us_max = bets->options.config->queue_delay_ms * 1000,
        .queue_max = LIMIT_LANE_QUEUE,
        .pace_us = bets->options.config->pace_us,
        .on_turn = on_turn,
        .on_form = on_form,
        .on_done = on_done,
        .ctx = bets,
    };

    return lanes_new(&options);
}
