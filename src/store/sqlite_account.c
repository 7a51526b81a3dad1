/*
 * A customer's account on SQLite: one way to read its row and one to move it, for
 * placement and settlement alike.
 */
#include "store/sqlite_internal.h"

int sqlite_account_read(struct sqlite_conn *conn, int64_t id, struct sqlite_account *out)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_ACCOUNT);
    int code;

    *out = (struct sqlite_account){ .id = id };
    if (stmt == NULL)
        return sqlite3_extended_errcode(conn->db);
    (void)sqlite3_bind_int64(stmt, 1, id);
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
    CHECK(!out->found || code == SQLITE_ROW);
    return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int sqlite_account_move(struct sqlite_conn *conn, const struct sqlite_account *after,
                        int64_t staked_delta)
{
    sqlite3_stmt *stmt = sqlite_hot(conn, SQLITE_HOT_ACCOUNT_MOVE);
    int code;

    CHECK(after->found && after->id >= ACCOUNT_FIRST_CUSTOMER);
    CHECK(after->purse.balance >= 0 && after->purse.debt >= 0);
    CHECK(after->purse.balance == 0 || after->purse.debt == 0);
    if (stmt != NULL) {
        (void)sqlite3_bind_int64(stmt, 1, after->purse.balance);
        (void)sqlite3_bind_int64(stmt, 2, after->purse.debt);
        (void)sqlite3_bind_int64(stmt, 3, staked_delta);
        (void)sqlite3_bind_int64(stmt, 4, after->seq);
        (void)sqlite3_bind_int64(stmt, 5, after->id);
    }
    code = sqlite_finish(conn, stmt);
    CHECK(code != SQLITE_OK || sqlite3_changes64(conn->db) == 1); /* it was read before */
    return code;
}
