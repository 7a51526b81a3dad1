/*
 * Money on SQLite: one batch of commands inside the writer's transaction.
 *
 * Per command, in the order store.h gives: session, standing and balance are
 * read from the account's row; the verdict is written under the key, whose
 * unique index decides between copies; only then does money move.
 */
#include "model/ledger.h"
#include "store/money.h"
#include "store/sqlite_internal.h"

enum {
#define EVENT(number, name, text, ref) EVENT_##name = number,
#include "tbl/events.h"
#undef EVENT
};

struct standing {
    struct purse purse;
    int64_t seq, epoch, status, excluded_until_ms, staked;
    int64_t limit_reached; /* by this command */
    bool limited, found;
};

static int read_standing(struct sqlite_conn *conn, int64_t account, struct standing *out)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_ACCOUNT);
    int code;

    *out = (struct standing){ 0 };
    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(stmt, 1, account);
    code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        out->purse.balance = sqlite3_column_int64(stmt, 0);
        out->purse.debt = sqlite3_column_int64(stmt, 1);
        out->seq = sqlite3_column_int64(stmt, 2);
        out->epoch = sqlite3_column_int64(stmt, 3);
        out->status = sqlite3_column_int64(stmt, 4);
        out->excluded_until_ms = sqlite3_column_int64(stmt, 5);
        out->staked = sqlite3_column_int64(stmt, 6);
        out->limited = sqlite3_column_int(stmt, 7) != 0;
        out->found = true;
    }
    (void)sqlite3_reset(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Customers take money out, whatever their standing. */
static bool takes_out(const struct money_cmd *cmd)
{
    return cmd->op == MONEY_WITHDRAWAL || cmd->op == MONEY_CASHOUT;
}

/* The account is credited. */
static bool pays_in(const struct money_cmd *cmd)
{
    return cmd->op == MONEY_DEPOSIT || cmd->op == MONEY_CASHOUT;
}

/* Rule 15: standing first, then what was judged, then the balance. */
static enum refusal decide(const struct money_cmd *cmd, const struct standing *standing)
{
    bool excluded = standing->status != 0 || standing->excluded_until_ms > cmd->at_ms;

    if (excluded && !takes_out(cmd))
        return REFUSE_EXCLUDED;
    if (standing->limit_reached != 0 && refusal_rank(cmd->verdict) > RANK_LIMIT_REACHED)
        return REFUSE_LIMIT_REACHED;
    if (cmd->verdict != REFUSE_NOTHING)
        return cmd->verdict;
    if (!pays_in(cmd) && standing->purse.balance < cmd->amount_minor)
        return REFUSE_INSUFFICIENT_FUNDS;
    return REFUSE_NOTHING;
}

/* What a verdict refers to: keys.ref in the schema. */
static int64_t ref_of(const struct money_cmd *cmd, enum refusal verdict,
                      const struct standing *standing)
{
    if (verdict == REFUSE_INSUFFICIENT_FUNDS)
        return standing->purse.balance;
    if (verdict == REFUSE_LIMIT_REACHED && cmd->verdict != verdict)
        return standing->limit_reached;
    if (verdict != REFUSE_NOTHING)
        return 0;
    return cmd->op == MONEY_BET ? cmd->bet : standing->seq + 1;
}

/* *known: another attempt decided before. */
static int add_key(struct sqlite_conn *conn, const struct money_cmd *cmd,
                   enum refusal verdict, const struct standing *standing, bool *known)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_KEY_ADD);
    bool judged = verdict == cmd->verdict
        && (verdict != REFUSE_NOTHING || cmd->op == MONEY_CASHOUT);
    int code;

    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(stmt, 1, cmd->account);
    (void)sqlite3_bind_int64(stmt, 2, cmd->op);
    sqlite_bind_str(stmt, 3, cmd->key);
    sqlite_bind_blob(stmt, 4, cmd->hash, sizeof(cmd->hash));
    (void)sqlite3_bind_int64(stmt, 5, verdict);
    sqlite_bind_str(stmt, 6, judged ? cmd->detail : STR(""));
    (void)sqlite3_bind_int64(stmt, 7, ref_of(cmd, verdict, standing));
    (void)sqlite3_bind_int64(stmt, 8, cmd->at_ms);
    code = sqlite_finish(conn, stmt);
    *known = code == SQLITE_OK && sqlite3_changes64(conn->db) == 0;
    return code;
}

static int add_legs(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_LEG_ADD);
    int code = SQLITE_OK;

    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    for (uint32_t i = 0; i < cmd->n_legs && code == SQLITE_OK; i++) {
        (void)sqlite3_bind_int64(stmt, 1, cmd->market_keys[i]);
        (void)sqlite3_bind_int64(stmt, 2, cmd->bet);
        (void)sqlite3_bind_int64(stmt, 3, cmd->account);
        code = sqlite_finish(conn, stmt);
    }
    return code;
}

static int add_trace(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_TRACE_ADD);

    if (stmt != NULL) {
        (void)sqlite3_bind_int64(stmt, 1, cmd->bet);
        (void)sqlite3_bind_int64(stmt, 2, cmd->at_ms);
        sqlite_bind_str(stmt, 3, cmd->traceparent);
    }
    return sqlite_finish(conn, stmt);
}

static int add_bet(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_BET_ADD);
    int code;

    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(stmt, 1, cmd->account);
    (void)sqlite3_bind_int64(stmt, 2, cmd->bet);
    (void)sqlite3_bind_int64(stmt, 3, cmd->amount_minor);
    (void)sqlite3_bind_int64(stmt, 4, cmd->potential_minor);
    (void)sqlite3_bind_int64(stmt, 5, cmd->cap_minor);
    sqlite_bind_str(stmt, 6, str_of(cmd->currency));
    sqlite_bind_str(stmt, 7, cmd->sport);
    (void)sqlite3_bind_int64(stmt, 8, cmd->at_ms);
    sqlite_bind_str(stmt, 9, cmd->slip);
    sqlite_bind_str(stmt, 10, cmd->country);
    code = sqlite_finish(conn, stmt);
    return code == SQLITE_OK ? add_legs(conn, cmd) : code;
}

static int cash_bet(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_BET_CASH);

    if (stmt != NULL) {
        (void)sqlite3_bind_int64(stmt, 1, cmd->cashed_minor);
        (void)sqlite3_bind_int64(stmt, 2, cmd->amount_minor);
        (void)sqlite3_bind_int64(stmt, 3, cmd->potential_minor);
        (void)sqlite3_bind_int64(stmt, 4, cmd->full ? BET_CASHED_OUT : BET_ACCEPTED);
        (void)sqlite3_bind_int64(stmt, 5, cmd->at_ms);
        (void)sqlite3_bind_int64(stmt, 6, cmd->account);
        (void)sqlite3_bind_int64(stmt, 7, cmd->bet);
    }
    return sqlite_finish(conn, stmt);
}

/* Stakes of open bets, up by a bet and down by a cash-out. */
static int64_t staked_delta(const struct money_cmd *cmd)
{
    return cmd->op == MONEY_BET ? cmd->amount_minor
        : cmd->op == MONEY_CASHOUT ? -cmd->cashed_minor : 0;
}

static int move_account(struct sqlite_conn *conn, const struct money_cmd *cmd,
                        struct purse purse)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_ACCOUNT_MOVE);

    if (stmt != NULL) {
        (void)sqlite3_bind_int64(stmt, 1, purse.balance);
        (void)sqlite3_bind_int64(stmt, 2, purse.debt);
        (void)sqlite3_bind_int64(stmt, 3, staked_delta(cmd));
        (void)sqlite3_bind_int64(stmt, 4, cmd->seq);
        (void)sqlite3_bind_int64(stmt, 5, cmd->account);
    }
    return sqlite_finish(conn, stmt);
}

/* Which way each operation moves money, and what the outside is told. */
static struct sqlite_transfer transfer_of(const struct money_cmd *cmd, int64_t balance)
{
    static const enum transfer_kind kinds[] = {
        [MONEY_BET] = TRANSFER_STAKE, [MONEY_DEPOSIT] = TRANSFER_DEPOSIT,
        [MONEY_WITHDRAWAL] = TRANSFER_WITHDRAWAL, [MONEY_CASHOUT] = TRANSFER_CASHOUT,
    };
    bool about_bet = cmd->op == MONEY_BET || cmd->op == MONEY_CASHOUT;
    int64_t house = about_bet ? HOUSE_BETS : HOUSE_CASH;
    bool in = pays_in(cmd);

    return (struct sqlite_transfer){
        .account = cmd->account,
        .seq = cmd->seq,
        .debit = in ? house : cmd->account,
        .credit = in ? cmd->account : house,
        .amount = cmd->amount_minor,
        .kind = (int)kinds[cmd->op],
        .bet = about_bet ? cmd->bet : 0,
        .at_ms = cmd->at_ms,
        .balance_after = balance,
    };
}

static void tell(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    static const int events[] = {
        [MONEY_BET] = EVENT_BET_ACCEPTED, [MONEY_DEPOSIT] = EVENT_DEPOSITED,
        [MONEY_WITHDRAWAL] = EVENT_WITHDRAWN, [MONEY_CASHOUT] = EVENT_BET_PARTLY_CASHED_OUT,
    };
    bool about_bet = cmd->op == MONEY_BET || cmd->op == MONEY_CASHOUT;

    sqlite_event_add(conn, cmd->account, cmd->seq,
                     cmd->full ? EVENT_BET_CASHED_OUT : events[cmd->op],
                     about_bet ? cmd->bet : cmd->seq);
}

/* Into the customer's limits; a loss is what stakes cost less what came back. */
static int count_limits(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    int64_t account = cmd->account, at_ms = cmd->at_ms, amount = cmd->amount_minor;
    int code = SQLITE_OK;

    if (cmd->op == MONEY_DEPOSIT)
        return sqlite_limits_count(conn, account, LIMIT_KIND_DEPOSIT, at_ms, amount);
    if (cmd->op == MONEY_BET)
        code = sqlite_limits_count(conn, account, LIMIT_KIND_STAKE, at_ms, amount);
    if (code == SQLITE_OK && cmd->op == MONEY_BET)
        return sqlite_limits_count(conn, account, LIMIT_KIND_LOSS, at_ms, amount);
    if (code == SQLITE_OK && cmd->op == MONEY_CASHOUT)
        return sqlite_limits_count(conn, account, LIMIT_KIND_LOSS, at_ms, -amount);
    return code;
}

/* From here on it must succeed: the key is ours. */
static int carry_out(struct sqlite_conn *conn, struct money_cmd *cmd,
                     const struct standing *standing)
{
    int64_t delta = pays_in(cmd) ? cmd->amount_minor : -cmd->amount_minor;
    struct purse after;
    struct sqlite_transfer transfer;
    int code;

    CHECK(cmd->amount_minor > 0);
    if (!purse_can_move(standing->purse, delta))
        return SQLITE_CONSTRAINT;
    after = purse_move(standing->purse, delta);
    cmd->seq = standing->seq + 1;
    cmd->balance_minor = after.balance;
    cmd->debt_minor = after.debt;
    cmd->staked_minor = standing->staked + staked_delta(cmd);
    transfer = transfer_of(cmd, after.balance);
    code = move_account(conn, cmd, after);
    if (code == SQLITE_OK)
        code = sqlite_transfer_add(conn, &transfer);
    if (code == SQLITE_OK && cmd->op == MONEY_BET)
        code = add_bet(conn, cmd);
    if (code == SQLITE_OK && cmd->op == MONEY_BET && cmd->traceparent.n > 0)
        code = add_trace(conn, cmd);
    if (code == SQLITE_OK && cmd->op == MONEY_CASHOUT)
        code = cash_bet(conn, cmd);
    if (code == SQLITE_OK && standing->limited)
        code = count_limits(conn, cmd);
    if (code == SQLITE_OK)
        tell(conn, cmd);
    return code;
}

/* Does the statement, bound already, have a row? */
static int ask(sqlite3_stmt *stmt, bool *yes)
{
    int code = sqlite3_step(stmt);

    *yes = code == SQLITE_ROW;
    (void)sqlite3_reset(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* The bet is not as it was judged: unless the key is known, judge it again. */
static int check_bet(struct sqlite_conn *conn, struct money_cmd *cmd, bool *holds)
{
    sqlite3_stmt *bet = sqlite_hot(conn, SQLITE_HOT_BET_HOLDS);
    sqlite3_stmt *key = sqlite_hot(conn, SQLITE_HOT_KEY_KNOWN);
    bool known = false;
    int code;

    if (bet == NULL || key == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(bet, 1, cmd->account);
    (void)sqlite3_bind_int64(bet, 2, cmd->bet);
    (void)sqlite3_bind_int64(bet, 3, cmd->version);
    code = ask(bet, holds);
    if (code != SQLITE_OK || *holds)
        return code;
    (void)sqlite3_bind_int64(key, 1, cmd->account);
    (void)sqlite3_bind_int64(key, 2, cmd->op);
    sqlite_bind_str(key, 3, cmd->key);
    code = ask(key, &known);
    cmd->outcome = known ? MONEY_KNOWN : MONEY_MOVED;
    return code;
}

static int run_command(struct sqlite_conn *conn, struct money_cmd *cmd)
{
    struct standing standing;
    enum refusal verdict;
    bool known = false, holds = true;
    int code = read_standing(conn, cmd->account, &standing);

    cmd->outcome = MONEY_PENDING;
    if (code != SQLITE_OK)
        return code;
    if (!standing.found || standing.epoch != cmd->epoch) {
        cmd->outcome = MONEY_UNAUTHORIZED;
        return SQLITE_OK;
    }
    if (cmd->op == MONEY_CASHOUT) {
        code = check_bet(conn, cmd, &holds);
        if (code != SQLITE_OK || !holds)
            return code;
    }
    if (standing.limited) {
        code = sqlite_limits_judge(conn, cmd, &standing.limit_reached);
        if (code != SQLITE_OK)
            return code;
    }
    verdict = decide(cmd, &standing);
    code = add_key(conn, cmd, verdict, &standing, &known);
    if (code != SQLITE_OK)
        return code;
    cmd->outcome = known ? MONEY_KNOWN : MONEY_DECIDED;
    cmd->decided = verdict;
    cmd->limit_reached = verdict == REFUSE_LIMIT_REACHED && cmd->verdict != verdict
        ? standing.limit_reached : 0;
    cmd->seq = 0;
    cmd->balance_minor = standing.purse.balance;
    cmd->debt_minor = standing.purse.debt;
    cmd->staked_minor = standing.staked;
    if (known || verdict != REFUSE_NOTHING)
        return SQLITE_OK;
    return carry_out(conn, cmd, &standing);
}

/* The one writer is alone: nobody fences while the batch is under way. */
static int check_fence(struct sqlite_conn *conn, const struct money_batch *batch, bool *stands)
{
    int64_t epoch = money_fence(batch);
    sqlite3_stmt *stmt;

    *stands = true;
    if (epoch == 0)
        return SQLITE_OK;
    stmt = sqlite_hot(conn, SQLITE_HOT_HOLDER_STANDS);
    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(stmt, 1, epoch);
    return ask(stmt, stands);
}

int sqlite_money_run(struct sqlite_conn *conn, struct money_batch *batch)
{
    int64_t at_ms = 0;
    bool stands;
    int code = check_fence(conn, batch, &stands);

    for (uint32_t i = 0; i < batch->n && code == SQLITE_OK; i++) {
        if (!stands && batch->cmds[i]->op != MONEY_CASHOUT) {
            batch->cmds[i]->outcome = MONEY_FENCED;
            continue;
        }
        code = run_command(conn, batch->cmds[i]);
        if (batch->cmds[i]->at_ms > at_ms)
            at_ms = batch->cmds[i]->at_ms;
    }
    return code == SQLITE_OK ? sqlite_events_write(conn, at_ms) : code;
}
