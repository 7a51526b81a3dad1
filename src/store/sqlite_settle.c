/*
 * Settlement on SQLite: fetching a market's bets, writing a chunk.
 */
#include "model/ledger.h"
#include "store/sqlite_internal.h"

static void read_bet(sqlite3_stmt *stmt, struct arena *arena, struct bet_row *row)
{
    *row = (struct bet_row){
        .account = sqlite3_column_int64(stmt, 0),
        .id = sqlite3_column_int64(stmt, 1),
        .version = sqlite3_column_int64(stmt, 2),
        .state = (enum bet_state)sqlite3_column_int(stmt, 3),
        .stake_minor = sqlite3_column_int64(stmt, 4),
        .potential_minor = sqlite3_column_int64(stmt, 5),
        .cap_minor = sqlite3_column_int64(stmt, 6),
        .payout_minor = sqlite3_column_int64(stmt, 7),
        .currency = sqlite_column_str(stmt, 8, arena),
        .sport = sqlite_column_str(stmt, 9, arena),
        .placed_ms = sqlite3_column_int64(stmt, 10),
        .settled_ms = sqlite3_column_int64(stmt, 11),
        .rule = sqlite3_column_int64(stmt, 12),
        .flags = sqlite3_column_int64(stmt, 13),
        .slip = sqlite_column_str(stmt, 14, arena),
        .results = sqlite_column_str(stmt, 15, arena),
        .cashed_stake_minor = sqlite3_column_int64(stmt, 16),
        .cashed_paid_minor = sqlite3_column_int64(stmt, 17),
        .country = sqlite_column_str(stmt, 18, arena),
    };
}

int sqlite_fetch_run(struct sqlite_conn *conn, struct settle_fetch *fetch)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_SETTLE_FETCH);
    int code;

    fetch->n = 0;
    fetch->rows = ARENA_ARRAY(fetch->arena, struct bet_row, fetch->limit);
    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(stmt, 1, fetch->market_key);
    (void)sqlite3_bind_int64(stmt, 2, fetch->after);
    (void)sqlite3_bind_int64(stmt, 3, fetch->limit);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        CHECK(fetch->n < fetch->limit);
        read_bet(stmt, fetch->arena, &fetch->rows[fetch->n++]);
        CHECK(fetch->rows[fetch->n - 1].id >
              (fetch->n == 1 ? fetch->after : fetch->rows[fetch->n - 2].id));
    }
    (void)sqlite3_reset(stmt);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* The bet's row, if its version still holds. */
static int write_bet(struct sqlite_conn *conn, struct settle_item *item)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_BET_SETTLE);
    int code;

    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(stmt, 1, item->state);
    (void)sqlite3_bind_int64(stmt, 2, item->payout_minor);
    (void)sqlite3_bind_int64(stmt, 3, item->settled_ms);
    (void)sqlite3_bind_int64(stmt, 4, item->flags);
    sqlite_bind_str(stmt, 5, item->results);
    (void)sqlite3_bind_int64(stmt, 6, item->account);
    (void)sqlite3_bind_int64(stmt, 7, item->bet);
    (void)sqlite3_bind_int64(stmt, 8, item->version);
    code = sqlite_finish(conn, stmt);
    CHECK(code != SQLITE_OK || sqlite3_changes64(conn->db) <= 1); /* a bet is one row */
    item->applied = code == SQLITE_OK && sqlite3_changes64(conn->db) == 1;
    return code;
}

static int write_transfer(struct sqlite_conn *conn, const struct settle_item *item,
                          int64_t at_ms)
{
    bool pays = item->delta_minor > 0;
    struct sqlite_transfer transfer = {
        .account = item->account,
        .seq = item->seq,
        .debit = pays ? HOUSE_BETS : item->account,
        .credit = pays ? item->account : HOUSE_BETS,
        .amount = pays ? item->delta_minor : -item->delta_minor,
        .kind = pays ? TRANSFER_PAYOUT : TRANSFER_REVERSAL,
        .bet = item->bet,
        .at_ms = at_ms,
        .balance_after = item->balance_minor,
    };

    return sqlite_transfer_add(conn, &transfer);
}

/* What the item makes of its account. */
static struct sqlite_account settled(struct sqlite_account account,
                                     const struct settle_item *item)
{
    CHECK(account.found && account.id == item->account);
    if (item->event != 0 || item->delta_minor != 0)
        account.seq++;
    if (item->delta_minor != 0)
        account.purse = purse_move(account.purse, item->delta_minor);
    return account;
}

static int write_money(struct sqlite_conn *conn, const struct settle_item *item,
                       const struct sqlite_account *after, int64_t at_ms)
{
    int code;

    CHECK(item->applied && item->seq == after->seq);
    code = sqlite_account_move(conn, after, item->staked_delta_minor);
    if (code == SQLITE_OK && item->delta_minor != 0)
        code = write_transfer(conn, item, at_ms);
    if (code == SQLITE_OK && after->limited && item->delta_minor != 0)
        code = sqlite_limits_count(conn, item->account, OWN_LIMIT_KIND_LOSS, at_ms,
                                   -item->delta_minor);
    if (code == SQLITE_OK && item->event != 0)
        sqlite_event_add(conn, item->account, item->seq, item->event, item->bet);
    return code;
}

static int move_money(struct sqlite_conn *conn, struct settle_item *item, int64_t at_ms)
{
    struct sqlite_account account;
    int code = sqlite_account_read(conn, item->account, &account);

    if (code != SQLITE_OK)
        return code;
    if (!account.found || !purse_can_move(account.purse, item->delta_minor))
        return SQLITE_CONSTRAINT; /* the chunk is halved, the offender parked */
    account = settled(account, item);
    item->seq = account.seq;
    item->balance_minor = account.purse.balance;
    item->debt_minor = account.purse.debt;
    item->staked_minor = account.staked + item->staked_delta_minor;
    if (item->event == 0 && item->delta_minor == 0 && item->staked_delta_minor == 0)
        return SQLITE_OK; /* only the legs' results are news */
    return write_money(conn, item, &account, at_ms);
}

static int write_item(struct sqlite_conn *conn, struct settle_item *item, int64_t at_ms)
{
    int code;

    CHECK(!item->applied);
    code = write_bet(conn, item);
    if (code != SQLITE_OK || !item->applied)
        return code;
    return move_money(conn, item, at_ms);
}

static int advance_cursor(struct sqlite_conn *conn, const struct settle_write *write)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_ADVANCE);
    int code;

    if (stmt != NULL) {
        (void)sqlite3_bind_int64(stmt, 1, write->cursor);
        (void)sqlite3_bind_int64(stmt, 2, write->market_key);
        (void)sqlite3_bind_int64(stmt, 3, write->pos);
    }
    code = sqlite_finish(conn, stmt);
    /* It was not stale. */
    CHECK(code != SQLITE_OK || write->pos == 0 || sqlite3_changes64(conn->db) == 1);
    return code;
}

/* Newer facts may have come since the items were graded. */
static int check_stale(struct sqlite_conn *conn, struct settle_write *write)
{
    sqlite3_stmt *stmt;
    int code;

    write->stale = false;
    if (write->pos == 0)
        return SQLITE_OK;
    stmt = sqlite_hot(conn, SQLITE_HOT_QUEUED);
    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(stmt, 1, write->market_key);
    (void)sqlite3_bind_int64(stmt, 2, write->pos);
    code = sqlite3_step(stmt);
    write->stale = code == SQLITE_DONE;
    (void)sqlite3_reset(stmt);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int sqlite_settle_run(struct sqlite_conn *conn, struct settle_write *write)
{
    bool all = true;
    int code = check_stale(conn, write);

    CHECK(conn->events.n == 0 && (!write->stale || write->pos != 0));
    for (uint32_t i = 0; i < write->n; i++)
        write->items[i].applied = false;
    if (code != SQLITE_OK || write->stale)
        return code;
    for (uint32_t i = 0; i < write->n && code == SQLITE_OK; i++) {
        code = write_item(conn, &write->items[i], write->at_ms);
        all = all && write->items[i].applied;
    }
    if (code == SQLITE_OK)
        code = sqlite_events_write(conn, write->at_ms);
    if (code == SQLITE_OK && write->advance && all)
        code = advance_cursor(conn, write);
    return code;
}
