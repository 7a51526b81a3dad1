/*
 * A key that the store knew: its verdict is read back, and answered from what
 * was stored.
 */
#include "bets/command.h"

#include <inttypes.h>

#include "base/log.h"

/* The answer's text, or the refusal's members. */
static bool write_known(struct money_command *c, enum refusal refusal, const struct value *row,
                        struct buf *out)
{
    int exponent = c->session.currency->exponent;

    if (refusal == REFUSE_NOTHING)
        return c->kind->write_stored(c, row, out);
    if (refusal == REFUSE_INSUFFICIENT_FUNDS)
        command_write_balance(out, CELL_INT(row, KEY_GET_REF), exponent);
    else if (refusal == REFUSE_LIMIT_REACHED && CELL_INT(row, KEY_GET_REF) != 0)
        limit_write_reached(out, CELL_INT(row, KEY_GET_REF), exponent);
    else
        buf_str(out, CELL_TEXT(row, KEY_GET_DETAIL));
    return true;
}

static void on_key(struct store_exec *exec, enum store_result result)
{
    struct money_command *c = exec->ctx;
    struct buf *out = &c->bets->members;
    const struct value *row = exec->cells;
    enum refusal refusal;

    command_check(c);
    CHECK(exec == &c->exec && c->verdict != NULL);
    if (result != STORE_OK || exec->rows == 0) {
        command_give_up(c, REFUSE_BUSY);
        return;
    }
    if (CELL_TEXT(row, KEY_GET_HASH).n != sizeof(c->lane.money.hash)
        || memcmp(CELL_TEXT(row, KEY_GET_HASH).p, c->lane.money.hash,
                  sizeof(c->lane.money.hash)) != 0) {
        command_give_up(c, REFUSE_KEY_REUSED);
        return;
    }
    if (!refusal_is_verdict(CELL_INT(row, KEY_GET_VERDICT))) { /* a newer release's */
        log_request(c->request->id, LOG_ERROR, "bets", "a stored verdict is not known here",
                    "number=%" PRId64, CELL_INT(row, KEY_GET_VERDICT));
        command_give_up(c, REFUSE_BUSY);
        return;
    }
    refusal = (enum refusal)CELL_INT(row, KEY_GET_VERDICT);
    buf_reset(out);
    if (!write_known(c, refusal, row, out)) {
        log_request(c->request->id, LOG_ERROR, "bets", "a stored verdict cannot be read",
                    "account=%" PRId64 " kind=%s",
                    c->session.account, c->kind->name);
        command_give_up(c, REFUSE_BUSY);
        return;
    }
    CHECK(refusal != REFUSE_NOTHING || out->n > 0);
    metric_inc(METRIC_BETS_REPLAYED);
    verdicts_decide(c->bets->verdicts, c->verdict, refusal, buf_view(out));
    command_answer(c, refusal, c->verdict->text);
}

void command_replay(struct money_command *c)
{
    const struct money_cmd *money = &c->lane.money;

    CHECK(c->verdict != NULL && c->verdict->owner == c);
    CHECK(money->account > 0 && money->key.n > 0);
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
