/*
 * A cash-out, as a kind of command: the bet is read -> lane -> judged by it and
 * the book -> the store carries it out if the bet has not moved, else it is
 * read and judged again (cashout.c).
 */
#include <inttypes.h>

#include "base/log.h"
#include "bets/cashout.h"
#include "bets/command.h"
#include "bets/slip_json.h"
#include "model/event_kind.h"
#include "who/reader.h"

#define READS_MAX 5 /* of a bet that moves each time */
#define MAGIC 0x63617368 /* "cash" */

struct cashout_command {
    struct money_command command; /* first: command.c gives it back */
    uint32_t magic;
    unsigned reads;
    struct cashout cashout;
};

static struct cashout_command *cashout_of(struct money_command *c)
{
    struct cashout_command *own = (struct cashout_command *)c;

    CHECK(c->kind->op == MONEY_CASHOUT && own->magic == MAGIC);
    return own;
}

static bool read_cashout(struct money_command *c, const struct currency *currency,
                         struct str *error)
{
    struct cashout_command *own = (struct cashout_command *)c;
    struct cashout *cashout = &own->cashout;
    struct arena *arena = &c->request->arena;

    CHECK(own->magic == 0);
    own->magic = MAGIC;
    cashout->currency = currency;
    if (!reader_id(c->request->param, &cashout->bet))
        cashout->bet = 0; /* no bet has this id */
    if (!cashout_body_read(c->request->body, currency, arena, &cashout->minimum_minor,
                           &cashout->asked_minor, error))
        return false;
    c->text = arena_printf(arena, "%" PRId64 " %" PRId64 " %" PRId64, cashout->bet,
                           cashout->minimum_minor, cashout->asked_minor);
    return true;
}

static bool is_there(const struct money_command *c)
{
    const struct cashout_command *own = (const struct cashout_command *)c;

    CHECK(own->magic == MAGIC && own->cashout.bet >= 0);
    return own->cashout.bet != 0;
}

/* ---- its bet ------------------------------------------------------------ */

static void on_bet(struct store_exec *exec, enum store_result result)
{
    struct money_command *c = exec->ctx;
    struct cashout *cashout = &cashout_of(c)->cashout;

    command_check(c);
    if (result != STORE_OK) {
        command_give_up(c, REFUSE_BUSY);
        return;
    }
    if (exec->rows == 0) {
        command_give_up(c, REFUSE_NOT_FOUND); /* no verdict: such a bet may come */
        return;
    }
    if (!cashout_read_row(exec->cells, &c->request->arena, &cashout->row, &cashout->slip)) {
        log_request(c->request->id, LOG_ERROR, "bets", "a stored bet cannot be read",
                    "bet=%" PRId64, cashout->bet);
        command_give_up(c, REFUSE_BUSY);
        return;
    }
    CHECK(cashout->row.id == cashout->bet);
    command_enter_lane(c);
}

/* The lane judges it by this; the store looks whether it still stands so. */
static void enter(struct money_command *c)
{
    struct cashout_command *own = cashout_of(c);

    if (++own->reads > READS_MAX) {
        command_give_up(c, REFUSE_BUSY);
        return;
    }
    c->exec = (struct store_exec){
        .calls = { { STATEMENT_BET_GET,
                     { VALUE_INT(c->session.account), VALUE_INT(own->cashout.bet) } } },
        .n = 1,
        .arena = &c->request->arena,
        .on_done = on_bet,
        .ctx = c,
    };
    store_exec(c->bets->options.store, &c->exec);
}

static void judge(struct money_command *c)
{
    struct cashout_command *own = cashout_of(c);
    const struct currency *currency = c->session.currency;
    const struct cashout_rules rules = {
        .margin_e4 = bets_margin_e4(c->bets),
        .stake_min_minor = money_from_e2(c->bets->options.config->stake_min, currency),
        .exponent = currency->exponent,
    };
    struct money_cmd *money = &c->lane.money;

    CHECK(own->reads > 0 && own->cashout.row.account == c->session.account);
    money->verdict = cashout_judge(&own->cashout, &rules, c->bets->options.book, money,
                                   &c->bets->members);
}

/* ---- done --------------------------------------------------------------- */

static int publish(const struct money_command *c, struct bet_view *view)
{
    const struct cashout_command *own = (const struct cashout_command *)c;

    CHECK(own->magic == MAGIC && own->cashout.row.version == c->lane.money.version);
    *view = cashout_view(&own->cashout, &c->lane.money);
    return c->lane.money.full ? EVENT_BET_CASHED_OUT : EVENT_BET_PARTLY_CASHED_OUT;
}

static void count_done(const struct money_command *c)
{
    metric_add(METRIC_CASHED_OUT, str_of(c->lane.money.currency), c->lane.money.amount_minor);
}

/* The members were made when it was judged, and stored with the key. */
static void write_members(struct buf *out, struct str members)
{
    buf_char(out, '{');
    buf_str(out, members);
    buf_char(out, '}');
}

static void write_done(const struct money_command *c, struct buf *out)
{
    CHECK(c->lane.money.detail.n > 0);
    write_members(out, c->lane.money.detail);
}

static bool write_stored(struct money_command *c, const struct value *row, struct buf *out)
{
    (void)c;
    write_members(out, CELL_TEXT(row, KEY_GET_DETAIL));
    return CELL_TEXT(row, KEY_GET_DETAIL).n > 0;
}

static const struct money_kind kind = {
    .name = "cashout", .op = MONEY_CASHOUT, .bytes = sizeof(struct cashout_command),
    .metric = METRIC_CASHOUTS, .done = "done", .status = 200, .is_about_bet = true,
    .read = read_cashout, .is_there = is_there, .enter = enter, .enter_again = enter,
    .judge = judge, .publish = publish, .count_done = count_done,
    .write_done = write_done, .write_stored = write_stored,
};

void bets_post_cashout(struct bets *bets, struct http_request *request)
{
    command_start(bets, request, &kind);
}
