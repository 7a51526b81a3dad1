/*
 * Customers' limits on SQLite: judged and counted inside the transaction that
 * moves the money (RULES.md 15).
 */
#include "model/own_limit.h"
#include "store/money.h"
#include "store/sqlite_internal.h"

struct limit_row {
    struct own_limit_reached reached;
    int64_t amount, used;
};

static struct limit_row read_row(sqlite3_stmt *stmt, int64_t at_ms)
{
    struct limit_row row = {
        .reached.kind = (enum own_limit_kind)sqlite3_column_int(stmt, 0),
        .reached.period = (enum own_limit_period)sqlite3_column_int(stmt, 1),
        .amount = sqlite3_column_int64(stmt, 2),
        .used = sqlite3_column_int64(stmt, 3),
    };

    if (sqlite3_column_int64(stmt, 4) < own_limit_since(row.reached.period, at_ms))
        row.used = 0; /* of a period that is over */
    return row;
}

int sqlite_limits_judge(struct sqlite_conn *conn, const struct money_cmd *cmd, unsigned kinds,
                        int64_t *reached)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_LIMITS);
    int code;

    CHECK(cmd->amount_minor >= 0 && (kinds & ~0xeu) == 0); /* bits of three kinds */
    *reached = 0;
    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(stmt, 1, cmd->account);
    (void)sqlite3_bind_int64(stmt, 2, cmd->at_ms);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct limit_row row = read_row(stmt, cmd->at_ms);
        int64_t packed;

        if ((kinds >> row.reached.kind & 1) == 0 || row.amount < 0 ||
            cmd->amount_minor <= row.amount - row.used)
            continue;
        row.reached.left_minor = row.amount > row.used ? row.amount - row.used : 0;
        packed = own_limit_reached_pack(row.reached);
        CHECK(packed > 0 && row.reached.left_minor <= cmd->amount_minor);
        if (*reached == 0 || packed < *reached)
            *reached = packed;
    }
    (void)sqlite3_reset(stmt);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int sqlite_limits_count(struct sqlite_conn *conn, int64_t account, enum own_limit_kind kind,
                        int64_t at_ms, int64_t delta)
{
    int code = SQLITE_OK;

    CHECK(kind >= OWN_LIMIT_KIND_DEPOSIT && kind <= OWN_LIMIT_KIND_LOSS && delta != 0);
    CHECK(kind == OWN_LIMIT_KIND_LOSS || delta > 0); /* a loss alone becomes smaller */
    for (int period = 1; period <= OWN_LIMIT_PERIODS && code == SQLITE_OK; period++) {
        sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_LIMIT_COUNT);

        if (stmt == NULL)
            return sqlite3_extended_errcode(conn->db);
        (void)sqlite3_bind_int64(stmt, 1, own_limit_since((enum own_limit_period)period, at_ms));
        (void)sqlite3_bind_int64(stmt, 2, delta);
        (void)sqlite3_bind_int64(stmt, 3, account);
        (void)sqlite3_bind_int64(stmt, 4, kind);
        (void)sqlite3_bind_int64(stmt, 5, period);
        code = sqlite_finish(conn, stmt);
    }
    return code;
}
