/* Deposits and withdrawals: see transfer.h. */
#include "bets/transfer.h"

#include "bets/slip_json.h"

bool transfer_read(struct money_command *c, const struct currency *currency, struct str *error)
{
    return amount_read(c->request->body, currency, &c->request->arena,
                       &c->lane.money.amount_minor, error);
}

void transfer_judge(struct money_command *c)
{
    struct money_cmd *money = &c->lane.money;
    const struct currency *currency = c->session.currency;
    int64_t maximum = money_from_e2(c->bets->options.config->deposit_max, currency);
    struct jw w = jw_to(&c->bets->members);

    CHECK(money->amount_minor > 0 && money->bet == 0);
    money->verdict = REFUSE_NOTHING;
    if (money->amount_minor <= maximum)
        return;
    money->verdict = REFUSE_LIMIT_REACHED;
    jw_key(&w, "maximum");
    jw_money(&w, maximum, currency->exponent);
}

/* A transfer's id is "<account>-<seq>". */
static void write_transfer(struct buf *out, const struct session *session, int64_t seq,
                           int64_t amount, int64_t balance)
{
    struct jw w = jw_to(out);

    CHECK(seq > 0);
    jw_object(&w);
    jw_key(&w, "id");
    jw_raw(&w, STR("\""));
    buf_int(out, session->account);
    buf_char(out, '-');
    buf_int(out, seq);
    buf_char(out, '"');
    jw_key(&w, "amount");
    jw_money(&w, amount, session->currency->exponent);
    jw_key(&w, "balance");
    jw_money(&w, balance, session->currency->exponent);
    jw_object_end(&w);
}

void transfer_write_done(const struct money_command *c, struct buf *out)
{
    const struct money_cmd *money = &c->lane.money;

    CHECK(money->account == c->session.account);
    write_transfer(out, &c->session, money->seq, money->amount_minor, money->balance_minor);
}

bool transfer_write_stored(struct money_command *c, const struct value *row, struct buf *out)
{
    if (CELL_INT(row, KEY_GET_AMOUNT) <= 0 || CELL_INT(row, KEY_GET_REF) <= 0)
        return false;
    write_transfer(out, &c->session, CELL_INT(row, KEY_GET_REF),
                   CELL_INT(row, KEY_GET_AMOUNT), CELL_INT(row, KEY_GET_BALANCE));
    return true;
}
