/*
 * Money on SQLite: one batch of commands inside the writer's transaction.
 *
 * Per command, in the order store.h gives: session, standing and balance are
 * read from the account's row; the verdict is written under the key, whose
 * unique index decides between copies; only then does money move.
 */
#include "model/event_kind.h"
#include "model/ledger.h"
#include "store/money.h"
#include "store/sqlite_internal.h"

/* A command on its way: what the account is, and what stands in the way. */
struct standing {
    struct sqlite_account account;
    int64_t limit_reached; /* by this command */
};

/* What a kind of money command does beside what all do; NULL: nothing. */
struct sqlite_kind {
    bool credits, of_bet;
    bool leaves;     /* customers take money out, whatever their standing */
    bool unfenced;   /* no holder's lease is charged */
    bool answers;    /* `detail` is its answer when it is done, too */
    unsigned limits; /* a bit for each kind of limit that stands against it */
    int64_t house;   /* the other side of its transfer */
    int transfer, event;
    /* Stakes of open bets, up or down. */
    int64_t (*staked_delta)(const struct money_cmd *cmd);
    /* Before anything is written: false in *holds, and the command's outcome. */
    int (*check)(struct sqlite_conn *conn, struct money_cmd *cmd, bool *holds);
    /* Its own rows, behind the account's and the transfer. */
    int (*write)(struct sqlite_conn *conn, const struct money_cmd *cmd);
    /* Into the customer's limits; a loss is what stakes cost less what came back. */
    int (*count)(struct sqlite_conn *conn, const struct money_cmd *cmd);
};

static const struct sqlite_kind *kind_of(const struct money_cmd *cmd);

/* Rule 15: standing first, then what was judged, then the balance. */
static enum refusal decide(const struct money_cmd *cmd, const struct standing *standing)
{
    const struct sqlite_account *account = &standing->account;
    bool excluded = account->status != 0 || account->excluded_until_ms > cmd->at_ms;

    if (excluded && !kind_of(cmd)->leaves)
        return REFUSE_EXCLUDED;
    if (standing->limit_reached != 0 && refusal_rank(cmd->verdict) > RANK_LIMIT_REACHED)
        return REFUSE_LIMIT_REACHED;
    if (cmd->verdict != REFUSE_NOTHING)
        return cmd->verdict;
    if (!kind_of(cmd)->credits && account->purse.balance < cmd->amount_minor)
        return REFUSE_INSUFFICIENT_FUNDS;
    return REFUSE_NOTHING;
}

/* What a verdict refers to: keys.ref in the schema. */
static int64_t ref_of(const struct money_cmd *cmd, enum refusal verdict,
                      const struct standing *standing)
{
    if (verdict == REFUSE_INSUFFICIENT_FUNDS)
        return standing->account.purse.balance;
    if (verdict == REFUSE_LIMIT_REACHED && cmd->verdict != verdict)
        return standing->limit_reached;
    if (verdict != REFUSE_NOTHING)
        return 0;
    return cmd->op == MONEY_BET ? cmd->bet : standing->account.seq + 1;
}

/* *known: another attempt decided before. */
static int add_key(struct sqlite_conn *conn, const struct money_cmd *cmd,
                   enum refusal verdict, const struct standing *standing, bool *known)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_KEY_ADD);
    bool judged = verdict == cmd->verdict
        && (verdict != REFUSE_NOTHING || kind_of(cmd)->answers);
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
    CHECK(verdict != REFUSE_NOTHING || cmd->verdict == REFUSE_NOTHING);
    *known = code == SQLITE_OK && sqlite3_changes64(conn->db) == 0;
    return code;
}

static int add_legs(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_LEG_ADD);
    int code = SQLITE_OK;

    CHECK(cmd->op == MONEY_BET && cmd->n_legs >= 1);
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
    if (code == SQLITE_OK)
        code = add_legs(conn, cmd);
    return code == SQLITE_OK && cmd->traceparent.n > 0 ? add_trace(conn, cmd) : code;
}

static int cash_bet(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_BET_CASH);
    int code;

    if (stmt != NULL) {
        (void)sqlite3_bind_int64(stmt, 1, cmd->cashed_minor);
        (void)sqlite3_bind_int64(stmt, 2, cmd->amount_minor);
        (void)sqlite3_bind_int64(stmt, 3, cmd->potential_minor);
        (void)sqlite3_bind_int64(stmt, 4, cmd->full ? BET_CASHED_OUT : BET_ACCEPTED);
        (void)sqlite3_bind_int64(stmt, 5, cmd->at_ms);
        (void)sqlite3_bind_int64(stmt, 6, cmd->account);
        (void)sqlite3_bind_int64(stmt, 7, cmd->bet);
    }
    code = sqlite_finish(conn, stmt);
    CHECK(code != SQLITE_OK || sqlite3_changes64(conn->db) == 1); /* check_bet() found it */
    return code;
}

static int64_t staked_by_bet(const struct money_cmd *cmd)
{
    return cmd->amount_minor;
}

static int64_t staked_by_cashout(const struct money_cmd *cmd)
{
    CHECK(cmd->cashed_minor > 0);
    return -cmd->cashed_minor;
}

static int64_t staked_delta(const struct money_cmd *cmd)
{
    const struct sqlite_kind *kind = kind_of(cmd);

    return kind->staked_delta == NULL ? 0 : kind->staked_delta(cmd);
}

static struct sqlite_transfer transfer_of(const struct money_cmd *cmd, int64_t balance)
{
    const struct sqlite_kind *kind = kind_of(cmd);

    CHECK(kind->house > 0 && kind->house < ACCOUNT_FIRST_CUSTOMER);
    return (struct sqlite_transfer){
        .account = cmd->account,
        .seq = cmd->seq,
        .debit = kind->credits ? kind->house : cmd->account,
        .credit = kind->credits ? cmd->account : kind->house,
        .amount = cmd->amount_minor,
        .kind = kind->transfer,
        .bet = kind->of_bet ? cmd->bet : 0,
        .at_ms = cmd->at_ms,
        .balance_after = balance,
    };
}

static void write_answer(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    const struct sqlite_kind *kind = kind_of(cmd);

    CHECK(!cmd->full || kind->event == EVENT_BET_PARTLY_CASHED_OUT);
    sqlite_event_add(conn, cmd->account, cmd->seq,
                     cmd->full ? EVENT_BET_CASHED_OUT : kind->event,
                     kind->of_bet ? cmd->bet : cmd->seq);
}

static int count_deposit(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    return sqlite_limits_count(conn, cmd->account, OWN_LIMIT_KIND_DEPOSIT, cmd->at_ms,
                               cmd->amount_minor);
}

static int count_bet(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    int code = sqlite_limits_count(conn, cmd->account, OWN_LIMIT_KIND_STAKE, cmd->at_ms,
                                   cmd->amount_minor);

    return code != SQLITE_OK ? code
        : sqlite_limits_count(conn, cmd->account, OWN_LIMIT_KIND_LOSS, cmd->at_ms,
                              cmd->amount_minor);
}

static int count_cashout(struct sqlite_conn *conn, const struct money_cmd *cmd)
{
    return sqlite_limits_count(conn, cmd->account, OWN_LIMIT_KIND_LOSS, cmd->at_ms,
                               -cmd->amount_minor);
}

/* From here on it must succeed: the key is ours. */
static int carry_out(struct sqlite_conn *conn, struct money_cmd *cmd,
                     const struct standing *standing)
{
    const struct sqlite_kind *kind = kind_of(cmd);
    int64_t delta = kind->credits ? cmd->amount_minor : -cmd->amount_minor;
    struct sqlite_account after = standing->account;
    struct sqlite_transfer transfer;
    int code;

    CHECK(cmd->amount_minor > 0 && cmd->decided == REFUSE_NOTHING);
    CHECK(after.found && after.id == cmd->account && after.epoch == cmd->epoch);
    CHECK(kind->credits || after.purse.balance >= cmd->amount_minor);
    if (!purse_can_move(after.purse, delta))
        return SQLITE_CONSTRAINT;
    after.purse = purse_move(after.purse, delta);
    cmd->seq = ++after.seq;
    cmd->balance_minor = after.purse.balance;
    cmd->debt_minor = after.purse.debt;
    cmd->staked_minor = after.staked + staked_delta(cmd);
    CHECK(kind->credits || after.purse.debt == 0); /* no debt is made by a customer */
    transfer = transfer_of(cmd, after.purse.balance);
    code = sqlite_account_move(conn, &after, staked_delta(cmd));
    if (code == SQLITE_OK)
        code = sqlite_transfer_add(conn, &transfer);
    if (code == SQLITE_OK && kind->write != NULL)
        code = kind->write(conn, cmd);
    if (code == SQLITE_OK && after.limited && kind->count != NULL)
        code = kind->count(conn, cmd);
    if (code == SQLITE_OK)
        write_answer(conn, cmd);
    return code;
}

/* Does the statement, bound already, have a row? */
static int step_bool(sqlite3_stmt *stmt, bool *yes)
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

    CHECK(cmd->op == MONEY_CASHOUT);
    if (bet == NULL || key == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(bet, 1, cmd->account);
    (void)sqlite3_bind_int64(bet, 2, cmd->bet);
    (void)sqlite3_bind_int64(bet, 3, cmd->version);
    code = step_bool(bet, holds);
    if (code != SQLITE_OK || *holds)
        return code;
    (void)sqlite3_bind_int64(key, 1, cmd->account);
    (void)sqlite3_bind_int64(key, 2, cmd->op);
    sqlite_bind_str(key, 3, cmd->key);
    code = step_bool(key, &known);
    cmd->outcome = known ? MONEY_KNOWN : MONEY_MOVED;
    return code;
}

#define BET_OWN .staked_delta = staked_by_bet, .write = add_bet, .count = count_bet, \
    .limits = 1u << OWN_LIMIT_KIND_STAKE | 1u << OWN_LIMIT_KIND_LOSS
#define DEPOSIT_OWN .count = count_deposit, .limits = 1u << OWN_LIMIT_KIND_DEPOSIT
#define WITHDRAWAL_OWN .leaves = true
#define CASHOUT_OWN .leaves = true, .unfenced = true, .answers = true, .check = check_bet, \
    .staked_delta = staked_by_cashout, .write = cash_bet, .count = count_cashout

static const struct sqlite_kind kinds[] = {
#define MONEY_KIND(number, NAME, credits_, HOUSE, TRANSFER, EVENT, of_bet_)          \
    [number] = { .credits = credits_, .of_bet = of_bet_, .house = HOUSE_##HOUSE,     \
                 .transfer = TRANSFER_##TRANSFER, .event = EVENT_##EVENT, NAME##_OWN },
#include "tbl/money_kinds.h"
#undef MONEY_KIND
};
#undef BET_OWN
#undef DEPOSIT_OWN
#undef WITHDRAWAL_OWN
#undef CASHOUT_OWN

static const struct sqlite_kind *kind_of(const struct money_cmd *cmd)
{
    CHECK((size_t)cmd->op < LENGTH(kinds) && kinds[cmd->op].transfer != 0);
    return &kinds[cmd->op];
}

/* What it says of its account when nothing moved. */
static void answer(struct money_cmd *cmd, const struct standing *standing, enum refusal verdict,
                   bool known)
{
    CHECK(cmd->outcome == MONEY_PENDING);
    cmd->outcome = known ? MONEY_KNOWN : MONEY_DECIDED;
    cmd->decided = verdict;
    cmd->limit_reached = verdict == REFUSE_LIMIT_REACHED && cmd->verdict != verdict
        ? standing->limit_reached : 0;
    cmd->seq = 0;
    cmd->balance_minor = standing->account.purse.balance;
    cmd->debt_minor = standing->account.purse.debt;
    cmd->staked_minor = standing->account.staked;
}

/* The account's standing; *may: the command is still to be decided. */
static int stand(struct sqlite_conn *conn, struct money_cmd *cmd, struct standing *standing,
                 bool *may)
{
    int code = sqlite_account_read(conn, cmd->account, &standing->account);

    *may = false;
    standing->limit_reached = 0;
    if (code != SQLITE_OK)
        return code;
    if (!standing->account.found || standing->account.epoch != cmd->epoch) {
        cmd->outcome = MONEY_UNAUTHORIZED;
        return SQLITE_OK;
    }
    *may = true;
    if (kind_of(cmd)->check != NULL)
        code = kind_of(cmd)->check(conn, cmd, may);
    if (code == SQLITE_OK && *may && standing->account.limited)
        code = sqlite_limits_judge(conn, cmd, kind_of(cmd)->limits, &standing->limit_reached);
    return code;
}

static int run_command(struct sqlite_conn *conn, struct money_cmd *cmd)
{
    struct standing standing;
    enum refusal verdict;
    bool may, known = false;
    int code;

    cmd->outcome = MONEY_PENDING;
    code = stand(conn, cmd, &standing, &may);
    if (code != SQLITE_OK || !may)
        return code;
    verdict = decide(cmd, &standing);
    code = add_key(conn, cmd, verdict, &standing, &known);
    if (code != SQLITE_OK)
        return code;
    answer(cmd, &standing, verdict, known);
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
    return step_bool(stmt, stands);
}

int sqlite_money_run(struct sqlite_conn *conn, struct money_batch *batch)
{
    int64_t at_ms = 0;
    bool stands;
    int code = check_fence(conn, batch, &stands);

    CHECK(conn->events.n == 0); /* one outbox row for the batch, and this batch alone */
    for (uint32_t i = 0; i < batch->n && code == SQLITE_OK; i++) {
        if (!stands && !kind_of(batch->cmds[i])->unfenced) {
            batch->cmds[i]->outcome = MONEY_FENCED;
            continue;
        }
        code = run_command(conn, batch->cmds[i]);
        if (batch->cmds[i]->at_ms > at_ms)
            at_ms = batch->cmds[i]->at_ms;
    }
    if (code != SQLITE_OK)
        return code;
    money_answer_check(batch);
    return sqlite_events_write(conn, at_ms);
}
