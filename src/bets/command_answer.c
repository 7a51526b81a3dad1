/*
 * The answers of requests that move money: to the one that brought the key
 * first, and the same bytes to its copies.
 */
#include "bets/command.h"

#include "api/answer.h"
#include "base/clock.h"

#define MAGIC 0x6d6f6e79 /* "mony" */

void command_init(struct money_command *c)
{
    CHECK(c->magic == 0 && c->kind->bytes >= sizeof(*c));
    c->magic = MAGIC;
    c->last_copy = &c->copies;
    c->lane.money.op = c->kind->op;
    c->lane.money.owner = c;
    c->bets->working++;
    command_check(c);
}

void command_check(const struct money_command *c)
{
    CHECK(c->magic == MAGIC && c->lane.money.op == c->kind->op);
    CHECK(c->lane.money.owner == c);
    CHECK(c->bets->working > c->bets->waiters);
    CHECK((c->verdict == NULL) || (c->verdict->owner == c && !c->verdict->decided));
    CHECK(c->copies == NULL || (c->verdict != NULL && c->last_copy != &c->copies));
}

/* The one way out.  `account` 0: not known. */
static void respond(struct bets *bets, struct http_request *request, int64_t account,
                    int status, const char *type, struct str body)
{
    struct str whom = account == 0 ? STR_NONE : MAP_KEY(&account);

    CHECK(bets->working > 0);
    bets->working--;
    refuse_respond(bets->who, request, whom, status, type, body);
}

void command_count(const struct money_command *c, struct str result)
{
    metric_add(c->kind->metric, result, 1);
}

/* A traced one is an example of its bucket. */
static void observe_place(const struct bet_trace *traced, int64_t took_us)
{
    char trace_id[33] = "";

    if (traced == NULL) {
        metric_observe(METRIC_PLACE_SECONDS, took_us);
        return;
    }
    trace_hex(traced->trace.here.trace, sizeof(traced->trace.here.trace), trace_id);
    metric_observe_exemplar(METRIC_PLACE_SECONDS, took_us, trace_id);
}

static void count_answer(const struct money_command *c, const struct http_request *request,
                         const struct bet_trace *traced, int status)
{
    if (traced != NULL)
        traced_end(traced, request, status, status == 201 && c->lane.money.outcome == MONEY_DECIDED
                       ? c->lane.money.bet : 0);
    if (c->kind->is_timed && !c->delayed) /* a delay is no latency */
        observe_place(traced, clock_mono_us() - request->arrived_us);
}

/* To the request and to all who joined it; the request's memory, and with it
 * the command, is gone afterwards. */
static void answer_all(struct money_command *c, int status, const char *type, struct str body)
{
    struct bets *bets = c->bets;
    int64_t account = c->session.account;
    struct command_copy *copy = c->copies;

    if (copy != NULL) /* an answer may bring the next request, and use scratch */
        body = arena_str(&c->request->arena, body);
    while (copy != NULL) {
        struct http_request *request = copy->request;
        const struct bet_trace *traced = copy->traced;

        CHECK(bets->waiters > 0 && request != c->request);
        copy = copy->next;
        bets->waiters--;
        metric_inc(METRIC_BETS_REPLAYED);
        count_answer(c, request, traced, status);
        respond(bets, request, account, status, type, body);
    }
    count_answer(c, c->request, c->traced, status);
    respond(bets, c->request, account, status, type, body);
}

static void refuse_all(struct money_command *c, enum refusal refusal, struct str detail,
                       struct str members)
{
    const struct refusal_info *info = refusal_info(refusal);
    struct buf *out = &c->bets->scratch;

    buf_reset(out);
    answer_refusal_body(out, refusal, detail.n > 0 ? detail : refusal_sentence(refusal), members);
    answer_label(c->request, refusal);
    for (struct command_copy *copy = c->copies; copy != NULL; copy = copy->next)
        answer_label(copy->request, refusal);
    answer_all(c, info->status, "application/problem+json", buf_view(out));
}

/* Before it is anybody's verdict. */
void command_refuse(struct money_command *c, enum refusal refusal, struct str detail)
{
    command_count(c, str_of(refusal_info(refusal)->code));
    refuse_all(c, refusal, detail, STR_NONE);
}

/* The text of a verdict is the answer when it is done, else its members. */
void command_answer(struct money_command *c, enum refusal refusal, struct str text)
{
    if (refusal == REFUSE_NOTHING)
        answer_all(c, c->kind->status, "application/json", text);
    else
        refuse_all(c, refusal, STR_NONE, text);
}

void command_give_up(struct money_command *c, enum refusal refusal)
{
    CHECK(c->verdict != NULL && c->verdict->owner == c);
    verdicts_forget(c->bets->verdicts, c->verdict);
    command_refuse(c, refusal, STR_NONE);
}

/* The store's answer is not known: neither is ours (rule 13). */
void command_answer_pending(struct money_command *c)
{
    verdicts_forget(c->bets->verdicts, c->verdict);
    command_count(c, STR("pending"));
    answer_all(c, 202, "application/json", STR("{\"state\":\"pending\"}"));
}

/* ---- members --------------------------------------------------------------- */

/* What insufficient_funds tells: the balance at its verdict. */
void command_write_balance(struct buf *out, int64_t balance_minor, int exponent)
{
    struct jw w = jw_to(out);

    jw_key(&w, "balance");
    jw_money(&w, balance_minor, exponent);
}

/* What was judged brings its own; the balance only the store knows. */
void command_write_members(const struct money_command *c, struct buf *out)
{
    const struct money_cmd *money = &c->lane.money;

    if (money->decided == money->verdict)
        buf_str(out, money->detail);
    else if (money->decided == REFUSE_LIMIT_REACHED)
        limit_write_reached(out, money->limit_reached, c->session.currency->exponent);
    else if (money->decided == REFUSE_INSUFFICIENT_FUNDS)
        command_write_balance(out, money->balance_minor, c->session.currency->exponent);
}
