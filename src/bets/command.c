/*
 * A request that moves money, from arrival to answer.
 *
 *   read body -> key -> session        refused at once, nothing remembered
 *     -> key in flight?  join it, or key_reused
 *     -> key decided?    the same answer, or key_reused
 *     -> rate, room      429 and 503: never verdicts (rule 11)
 *     -> a stale country 503, unless the store knows the key
 *     -> the kind's own way (command.h): delay and gate, or the bet is read
 *     -> lane ... on_form judges, the store decides, on_done answers
 *
 * Whoever brings a key first owns its verdict's entry; copies wait on the
 * owner's list and get the same bytes.  A key the store knew already is read
 * back, and the answer is made from what was stored by the same functions.
 */
#include "bets/command.h"

#include <sodium.h>

#include "base/clock.h"
#include "base/log.h"
#include "bets/cashout.h"

#define KEY_FIRST 0x20 /* printable ASCII */
#define KEY_LAST 0x7e

/* Amounts of a request whose wallet is not known yet may have any currency's
 * decimals: malformed is said before unauthorized. */
static const struct currency any_currency = { "any", 4 };

/* It is committed: whoever listens is told before the client is. */
static void publish(const struct money_command *c)
{
    const struct money_cmd *money = &c->lane.money;
    const struct bets_options *options = &c->bets->options;
    struct bet_view view = { .id = 0 };
    struct bus_account after = {
        money->account, money->seq, money->at_ms, str_of(money->currency),
        money->balance_minor, money->debt_minor, money->staked_minor,
    };
    struct bus_money message;
    int event;

    if (options->bus == NULL || !bus_wants_money(options->bus))
        return;
    event = c->kind->publish(c, &view);
    CHECK(event > 0);
    CHECK((view.id != 0) == c->kind->is_about_bet);
    if (c->kind->is_about_bet && view.state == BET_ACCEPTED)
        cashout_put_offer(&view, options->book, bets_margin_e4(c->bets));
    if (bus_money_make(event, &after, money->amount_minor,
                       c->kind->is_about_bet ? &view : NULL, &message))
        bus_publish_money(options->bus, &message);
    else
        log_error("bets", "an account's row breaks the rules", "account=%lld",
                  (long long)money->account);
    if (c->traced != NULL)
        traced_stage(c->traced, "publish");
}

/* ---- the lane's questions ------------------------------------------------ */

/* No money comes in from there, whatever the book says. */
static void judge_where(struct money_command *c)
{
    struct money_cmd *money = &c->lane.money;

    CHECK(c->kind->brings_money && !c->where.is_stale);
    money->verdict = c->where.refusal;
    money->liability_epoch = 0;
    where_write_refused(&c->bets->members, &c->where);
}

static void on_turn(void *ctx)
{
    const struct bets *bets = ctx;

    if (bets->options.bus != NULL)
        bus_check_silence(bets->options.bus);
}

static struct money_command *command_of(struct bets *bets, struct lane_cmd *cmd)
{
    struct money_command *c = cmd->money.owner;

    command_check(c);
    CHECK(c->bets == bets && &c->lane == cmd && c->verdict != NULL);
    CHECK(cmd->money.account == c->session.account && cmd->money.epoch == c->session.epoch);
    return c;
}

static void on_form(void *ctx, struct lane_cmd *cmd)
{
    struct bets *bets = ctx;
    struct money_command *c = command_of(bets, cmd);

    if (c->traced != NULL)
        traced_stage(c->traced, "queue");
    buf_reset(&bets->members);
    cmd->money.at_ms = clock_wall_ms();
    if (c->where.refusal != REFUSE_NOTHING)
        judge_where(c);
    else
        c->kind->judge(c);
    CHECK(cmd->money.verdict != REFUSE_NOTHING || cmd->money.amount_minor > 0);
    CHECK(refusal_is_verdict(cmd->money.verdict));
    cmd->money.detail = bets->members.n == 0
        ? STR("") : arena_str(&c->request->arena, buf_view(&bets->members));
    if (c->traced != NULL)
        traced_stage(c->traced, "judge");
}

static void write_decided(const struct money_command *c, struct buf *out)
{
    const struct money_cmd *money = &c->lane.money;

    if (money->decided != REFUSE_NOTHING) {
        command_count(c, str_of(refusal_info(money->decided)->code));
        command_write_members(c, out);
        return;
    }
    CHECK(money->verdict == REFUSE_NOTHING);
    CHECK(money->seq > 0);
    publish(c);
    command_count(c, str_of(c->kind->done));
    if (c->kind->count_done != NULL)
        c->kind->count_done(c);
    c->kind->write_done(c, out);
}

static void decided(struct money_command *c)
{
    struct buf *out = &c->bets->members;
    enum refusal refusal = c->lane.money.decided;

    CHECK(c->verdict != NULL && refusal_is_verdict(refusal));
    buf_reset(out);
    write_decided(c, out);
    CHECK(refusal != REFUSE_NOTHING || out->n > 0);
    verdicts_decide(c->bets->verdicts, c->verdict, refusal, buf_view(out));
    command_answer(c, refusal, c->verdict->text);
}

/* Nothing was taken of whom the house refuses by its country. */
static void settle_gate(struct money_command *c, enum lane_result result)
{
    if (c->kind->settle_gate != NULL && c->where.refusal == REFUSE_NOTHING)
        c->kind->settle_gate(c, result);
}

static void on_outcome(struct money_command *c)
{
    switch (c->lane.money.outcome) {
    case MONEY_DECIDED:
        decided(c);
        return;
    case MONEY_KNOWN:
        command_replay(c);
        return;
    case MONEY_MOVED:
        CHECK(c->kind->enter_again != NULL);
        c->kind->enter_again(c);
        return;
    case MONEY_FENCED: /* it charged leases that are over: nothing is decided */
        command_give_up(c, REFUSE_BUSY);
        return;
    case MONEY_UNAUTHORIZED:
        session_drop(c->bets->who, c->request);
        command_give_up(c, REFUSE_UNAUTHORIZED);
        return;
    case MONEY_PENDING:
    case MONEY_SKIPPED:
        break;
    }
    check_failed(__FILE__, __LINE__, "a command with an outcome");
}

static void on_done(void *ctx, struct lane_cmd *cmd, enum lane_result result)
{
    struct money_command *c = command_of(ctx, cmd);

    if (c->traced != NULL)
        traced_batch(c->traced, "commit", cmd->sent_us, cmd->batch_n);
    settle_gate(c, result);
    if (result == LANE_BUSY)
        command_give_up(c, REFUSE_BUSY);
    else if (result == LANE_UNKNOWN)
        command_answer_pending(c);
    else
        on_outcome(c);
}

void command_enter_lane(struct money_command *c)
{
    struct lanes *lanes = c->bets->lanes;
    int64_t now_us = clock_mono_us();

    command_check(c);
    if (c->traced != NULL && (c->delayed || c->gated))
        traced_stage(c->traced, "gate");
    if (lanes_have_room(lanes, c->lane.money.account, now_us)) {
        lanes_submit(lanes, &c->lane, now_us);
        return;
    }
    settle_gate(c, LANE_BUSY);
    command_give_up(c, REFUSE_BUSY);
}

/* ---- arrival ------------------------------------------------------------ */

static bool key_is_printable(struct str key)
{
    for (size_t i = 0; i < key.n; i++) {
        if (key.p[i] < KEY_FIRST || key.p[i] > KEY_LAST)
            return false;
    }
    return key.n <= LIMIT_KEY_BYTES;
}

/* Over the parsed fields, in their canonical form (rule 11). */
static void hash_fields(struct money_command *c)
{
    struct money_cmd *money = &c->lane.money;
    struct buf *scratch = &c->bets->scratch;

    buf_reset(scratch);
    buf_int(scratch, (int)money->op);
    buf_char(scratch, ' ');
    buf_int(scratch, money->amount_minor);
    buf_char(scratch, ' ');
    buf_str(scratch, c->text);
    CHECK(crypto_generichash(money->hash, sizeof(money->hash),
                             (const unsigned char *)scratch->p, scratch->n, NULL, 0) == 0);
}

/* The key is in flight: wait for its verdict. */
static void join(struct money_command *c, const struct key_verdict *verdict)
{
    struct money_command *first = verdict->owner;
    struct command_copy *copy;

    CHECK(first != NULL && first != c && first->kind == c->kind);
    CHECK(first->session.account == c->session.account);
    /* Of two epochs one is over, and the store has not said which. */
    if (first->session.epoch != c->session.epoch || c->bets->waiters >= LIMIT_WAITERS) {
        command_refuse(c, REFUSE_BUSY, STR_NONE);
        return;
    }
    copy = ARENA_NEW(&c->request->arena, struct command_copy);
    copy->request = c->request;
    copy->traced = c->traced;
    *first->last_copy = copy;
    first->last_copy = &copy->next;
    c->bets->waiters++;
}

/* True: the key is known here and the request is taken care of. */
static bool is_known(struct money_command *c)
{
    const struct money_cmd *money = &c->lane.money;
    const struct key_verdict *verdict =
        verdicts_find(c->bets->verdicts, money->account, (int)money->op, money->key);

    if (verdict == NULL)
        return false;
    if (memcmp(verdict->hash, money->hash, sizeof(money->hash)) != 0) {
        command_refuse(c, REFUSE_KEY_REUSED, STR_NONE);
    } else if (verdict->decided) {
        metric_inc(METRIC_BETS_REPLAYED);
        command_answer(c, verdict->refusal, verdict->text);
    } else {
        join(c, verdict);
    }
    return true;
}

static void submit(struct money_command *c)
{
    struct bets *bets = c->bets;
    struct money_cmd *money = &c->lane.money;
    int64_t now_us = clock_mono_us();

    if (!who_has_rate(bets->who, c->request, MAP_KEY(&money->account))) {
        command_refuse(c, REFUSE_TOO_MANY_REQUESTS, STR_NONE);
        return;
    }
    if (!lanes_have_room(bets->lanes, money->account, now_us)) {
        command_refuse(c, REFUSE_BUSY, STR_NONE);
        return;
    }
    c->verdict = verdicts_add(bets->verdicts, money->account, (int)money->op, money->key,
                              money->hash, c);
    if (c->verdict == NULL) {
        command_refuse(c, REFUSE_BUSY, STR_NONE);
        return;
    }
    CHECK(c->copies == NULL);
    if (c->kind->brings_money)
        c->where = where_read(bets->who, c->request, clock_wall_ms());
    if (c->where.is_stale) /* a clock of the house's: no verdict, but what is known is told */
        command_replay(c);
    else if (c->where.refusal != REFUSE_NOTHING)
        command_enter_lane(c);
    else
        c->kind->enter(c);
}

static void authorised(struct money_command *c)
{
    struct money_cmd *money = &c->lane.money;

    CHECK(c->session.account > 0 && c->session.epoch > 0);
    CHECK(c->session.currency != &any_currency);
    money->account = c->session.account;
    money->epoch = c->session.epoch;
    money->currency = c->session.currency->code;
    money->slip = money->sport = money->country = money->detail = STR("");
    hash_fields(c);
    if (c->traced != NULL)
        traced_stage(c->traced, "parse");
    if (is_known(c))
        return;
    submit(c);
}

static struct money_command *command_new(struct bets *bets, struct http_request *request,
                                   const struct money_kind *kind)
{
    struct money_command *c = arena_alloc(&request->arena, kind->bytes);

    c->kind = kind;
    c->bets = bets;
    c->request = request;
    command_init(c);
    if (bets->options.tracer != NULL && kind->is_timed)
        c->traced = traced_begin(bets->options.tracer, request);
    c->lane.money.key = http_header(request, "Idempotency-Key");
    c->text = STR_NONE;
    return c;
}

void command_start(struct bets *bets, struct http_request *request,
                   const struct money_kind *kind)
{
    struct money_command *c = command_new(bets, request, kind);
    bool known = session_of(bets->who, request, clock_wall_ms(), &c->session);
    struct str error = STR_NONE;

    if (!known)
        c->session = (struct session){ .currency = &any_currency };
    if (!kind->read(c, c->session.currency, &error))
        command_refuse(c, REFUSE_MALFORMED, error);
    else if (!key_is_printable(c->lane.money.key))
        command_refuse(c, REFUSE_MALFORMED,
               STR("Idempotency-Key must be 1 to 64 printable characters"));
    else if (c->lane.money.key.n == 0)
        command_refuse(c, REFUSE_KEY_MISSING, STR_NONE);
    else if (!known)
        command_refuse(c, REFUSE_UNAUTHORIZED, STR_NONE);
    else if (kind->is_there != NULL && !kind->is_there(c))
        command_refuse(c, REFUSE_NOT_FOUND, STR_NONE);
    else
        authorised(c);
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
