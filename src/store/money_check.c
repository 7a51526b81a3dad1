/*
 * Invariants of money commands, for both engines: as they are handed to the store,
 * and as it has answered them (store/money.h).
 */
#include "store/money.h"

static void bet_check(const struct money_cmd *cmd)
{
    CHECK(cmd->n_legs >= 1 && cmd->n_legs <= LIMIT_LEGS);
    CHECK(cmd->potential_minor >= 0 && cmd->potential_minor <= cmd->cap_minor);
    CHECK(cmd->slip.n > 0 && cmd->slip.n <= LIMIT_SLIP_BYTES);
    CHECK(cmd->currency != NULL && cmd->currency[0] != '\0');
    CHECK(cmd->version == 0 && cmd->cashed_minor == 0 && !cmd->full);
}

static void cashout_check(const struct money_cmd *cmd)
{
    CHECK(cmd->version > 0); /* of the bet as judged */
    CHECK(cmd->cashed_minor > 0 && cmd->potential_minor >= 0);
    CHECK(!cmd->full || cmd->potential_minor == 0); /* nothing is left to win */
}

static void wallet_check(const struct money_cmd *cmd)
{
    CHECK(cmd->bet == 0 && cmd->n_legs == 0);
    CHECK(cmd->cashed_minor == 0 && !cmd->full);
}

static void cmd_check(const struct money_cmd *cmd)
{
    CHECK(cmd->op >= MONEY_BET && cmd->op <= MONEY_CASHOUT);
    CHECK(cmd->account > 0 && cmd->at_ms > 0);
    CHECK(cmd->amount_minor >= 0);
    CHECK(cmd->op == MONEY_BET || cmd->liability_epoch == 0);
    CHECK(cmd->outcome == MONEY_PENDING);
    if (cmd->verdict != REFUSE_NOTHING)
        return; /* what is refused was not filled in */
    CHECK(cmd->amount_minor > 0 && cmd->key.n > 0);
    CHECK((cmd->bet > 0) == (cmd->op == MONEY_BET || cmd->op == MONEY_CASHOUT));
    if (cmd->op == MONEY_BET)
        bet_check(cmd);
    else if (cmd->op == MONEY_CASHOUT)
        cashout_check(cmd);
    else
        wallet_check(cmd);
}

/* An account once: its lock, its purse and its seq are one command's. */
static bool accounts_differ(const struct money_batch *batch)
{
    for (uint32_t i = 0; i < batch->n; i++)
        for (uint32_t j = 0; j < i; j++)
            if (batch->cmds[i]->account == batch->cmds[j]->account)
                return false;
    return true;
}

void money_batch_check(const struct money_batch *batch)
{
    CHECK(batch->n >= 1 && batch->n <= LIMIT_BATCH);
    CHECK(!batch->wait || batch->n == 1); /* who waits for a lock holds none */
    CHECK(batch->on_done != NULL);
    CHECK_DEAR(accounts_differ(batch));
    for (uint32_t i = 0; i < batch->n; i++)
        cmd_check(batch->cmds[i]);
}

static void decided_check(const struct money_cmd *cmd)
{
    bool done = cmd->decided == REFUSE_NOTHING;

    CHECK(done || cmd->seq == 0); /* nothing moved */
    CHECK(!done || cmd->verdict == REFUSE_NOTHING);
    CHECK(!done || (cmd->balance_minor >= 0 && cmd->debt_minor >= 0));
    CHECK(!done || cmd->balance_minor == 0 || cmd->debt_minor == 0);
    CHECK(cmd->limit_reached == 0 || cmd->decided == REFUSE_LIMIT_REACHED);
    CHECK(cmd->decided != REFUSE_INSUFFICIENT_FUNDS || cmd->op == MONEY_BET ||
          cmd->op == MONEY_WITHDRAWAL || cmd->verdict == cmd->decided);
}

void money_answer_check(const struct money_batch *batch)
{
    for (uint32_t i = 0; i < batch->n; i++) {
        const struct money_cmd *cmd = batch->cmds[i];

        CHECK(cmd->outcome > MONEY_PENDING && cmd->outcome <= MONEY_FENCED);
        CHECK(cmd->outcome != MONEY_MOVED || cmd->op == MONEY_CASHOUT);
        CHECK(cmd->outcome != MONEY_FENCED || cmd->op != MONEY_CASHOUT);
        if (cmd->outcome == MONEY_DECIDED)
            decided_check(cmd);
    }
}
