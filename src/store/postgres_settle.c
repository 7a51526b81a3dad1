/*
 * Settlement on PostgreSQL: the bets of a market in chunks, written back as
 * one statement (store.h, RULES.md 1, 6, 25).
 *
 * The same manners as placement (postgres_money.c): accounts are locked in
 * order, values come from the locked rows, every bet and account is found by
 * its index.  A bet's version is judged by the UPDATE itself, which sees the
 * newest row and not the snapshot's.
 */
#include "store/postgres_internal.h"

#include <stdlib.h>

#include "model/ledger.h"

#define WRITE_SQL(lock) \
    "WITH job AS MATERIALIZED (" \
    " SELECT pos FROM settle_queue WHERE market_key = $15 AND pos = $16" \
    " FOR NO KEY UPDATE" \
    "), held AS MATERIALIZED (" \
    " SELECT i.*, a.balance - a.debt AS net, a.seq, a.staked AS stakes, a.limited" \
    " FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)" \
    "  WITH ORDINALITY AS i (account, bet, version, state, payout, delta, staked," \
    "   settled_ms, flags, results, event, item, n)" \
    " CROSS JOIN LATERAL (" \
    "  SELECT balance, debt, seq, staked, limited FROM accounts WHERE id = i.account" \
    "  FOR NO KEY UPDATE" lock ") a" \
    " WHERE ($16 = 0 OR EXISTS (SELECT 1 FROM job))" \
    "  AND " PG_LIMITS_SHOWN("i.account", "a.limited") \
    "), applied AS (" \
    " UPDATE bets b SET state = h.state, payout = h.payout, version = b.version + 1," \
    "  settled_ms = h.settled_ms, flags = h.flags, results = h.results" \
    " FROM held h WHERE b.account = h.account AND b.id = h.bet AND b.version = h.version" \
    " RETURNING h.account, h.bet, h.delta, h.staked, h.event, h.item, h.net, h.seq," \
    "  h.stakes, h.limited, h.n, b.payout, b.cashed_stake, b.cashed_paid" \
    "), moves AS MATERIALIZED (" \
    " SELECT account, bet, delta, staked, event, item, limited, payout, cashed_stake," \
    "  cashed_paid," \
    "  (net + sum(delta) OVER w)::int8 AS net," \
    "  (stakes + sum(staked) OVER w)::int8 AS stakes," \
    "  seq + count(*) FILTER (WHERE event <> 0 OR delta <> 0) OVER w AS seq," \
    "  event <> 0 OR delta <> 0 AS counts" \
    " FROM applied" \
    " WINDOW w AS (PARTITION BY account ORDER BY n ROWS UNBOUNDED PRECEDING)" \
    "), purses AS (" \
    " UPDATE accounts a SET seq = t.seq, staked = a.staked + t.staked," \
    "  balance = greatest(a.balance - a.debt + t.delta, 0)," \
    "  debt = greatest(a.debt - a.balance - t.delta, 0)" \
    " FROM (SELECT account, max(seq) AS seq, sum(delta)::int8 AS delta," \
    "  sum(staked)::int8 AS staked FROM moves GROUP BY account" \
    "  HAVING bool_or(counts OR staked <> 0)) t" \
    " WHERE a.id = t.account" \
    "), used AS (" \
    " UPDATE limits l SET" PG_LIMIT_COUNT("$14", "-t.delta") \
    " FROM (SELECT account, sum(delta)::int8 AS delta FROM moves WHERE limited <> 0" \
    "  GROUP BY account HAVING bool_or(delta <> 0)) t" \
    " WHERE l.account = t.account AND l.kind = {OWN_LIMIT_KIND_LOSS}" \
    "), moved AS (" \
    " INSERT INTO transfers (account, seq, debit, credit, amount, bet, at_ms," \
    "  balance_after, kind)" \
    " SELECT account, seq, CASE WHEN delta > 0 THEN {HOUSE_BETS} ELSE account END," \
    "  CASE WHEN delta > 0 THEN account ELSE {HOUSE_BETS} END, abs(delta), bet, $14," \
    "  greatest(net, 0), CASE WHEN delta > 0 THEN {TRANSFER_PAYOUT} ELSE {TRANSFER_REVERSAL} END" \
    " FROM moves WHERE delta <> 0" \
    "), told AS (" \
    " INSERT INTO outbox (at_ms, accounts, seqs, kinds, refs, nets, stakes, amounts, payouts," \
    "  cashed_stake, cashed_paid)" \
    " SELECT $14, array_agg(account), array_agg(seq), array_agg(event), array_agg(bet)," \
    "  array_agg(net), array_agg(stakes), array_agg(delta), array_agg(payout)," \
    "  array_agg(cashed_stake), array_agg(cashed_paid)" \
    " FROM moves WHERE event <> 0 HAVING count(*) > 0" \
    "), advanced AS (" \
    " UPDATE settle_queue SET bet = $17 WHERE market_key = $15 AND pos = $16" \
    "  AND $13 = (SELECT count(*) FROM applied)" \
    ")" \
    " SELECT item, seq, greatest(net, 0), greatest(-net, 0), stakes FROM moves UNION ALL" \
    " SELECT -1, 0, 0, 0, 0 WHERE $16 <> 0 AND NOT EXISTS (SELECT 1 FROM job)"

#define WRITE_TYPES "IIIHI" "IIIHS" "HIiii" "ii"

/* $13, the count that lets the cursor advance, is -1 when it shall not. */
const struct pg_statement pg_settle_statements[] = {
    { "settle_fetch", "iii",
      "SELECT b.account, b.id, b.version, b.state, b.stake, b.potential, b.cap,"
      " b.payout, b.placed_ms, b.settled_ms, b.rule, b.flags, b.currency, b.sport,"
      " b.slip, b.results, b.cashed_stake, b.cashed_paid, b.country"
      " FROM legs l JOIN bets b ON b.account = l.account AND b.id = l.bet"
      " WHERE l.market_key = $1 AND l.bet > $2 ORDER BY l.bet LIMIT $3" },
    { "settle_write", WRITE_TYPES, WRITE_SQL(" SKIP LOCKED") },
    { "settle_write_wait", WRITE_TYPES, WRITE_SQL("") },
    { NULL, NULL, NULL },
};

static int64_t cell_int(const PGresult *result, int row, int column)
{
    return pg_read_int(PQgetvalue(result, row, column), PQgetlength(result, row, column));
}

/* ---- fetch ----------------------------------------------------------- */

static enum pg_sent fetch_send(struct pg_conn *conn, void *request)
{
    const struct settle_fetch *fetch = request;

    pg_param_int8(&conn->params, fetch->market_key);
    pg_param_int8(&conn->params, fetch->after);
    pg_param_int8(&conn->params, fetch->limit);
    return pg_conn_send(conn, "settle_fetch");
}

static struct str cell_str(struct arena *arena, const PGresult *result, int row, int column)
{
    return arena_str(arena, (struct str){ PQgetvalue(result, row, column),
                                          (size_t)PQgetlength(result, row, column) });
}

static struct bet_row read_bet(struct arena *arena, const PGresult *result, int row)
{
    return (struct bet_row){
        .account = cell_int(result, row, 0),
        .id = cell_int(result, row, 1),
        .version = cell_int(result, row, 2),
        .state = (enum bet_state)cell_int(result, row, 3),
        .stake_minor = cell_int(result, row, 4),
        .potential_minor = cell_int(result, row, 5),
        .cap_minor = cell_int(result, row, 6),
        .payout_minor = cell_int(result, row, 7),
        .placed_ms = cell_int(result, row, 8),
        .settled_ms = cell_int(result, row, 9),
        .rule = cell_int(result, row, 10),
        .flags = cell_int(result, row, 11),
        .currency = cell_str(arena, result, row, 12),
        .sport = cell_str(arena, result, row, 13),
        .slip = cell_str(arena, result, row, 14),
        .results = cell_str(arena, result, row, 15),
        .cashed_stake_minor = cell_int(result, row, 16),
        .cashed_paid_minor = cell_int(result, row, 17),
        .country = cell_str(arena, result, row, 18),
    };
}

static bool fetch_read(struct pg_conn *conn, void *request, unsigned statement,
                       const PGresult *result)
{
    struct settle_fetch *fetch = request;
    int n = PQntuples(result);

    (void)conn;
    CHECK(statement == 0);
    if (PQnfields(result) != 19 || n > (int)fetch->limit)
        return false;
    fetch->rows = ARENA_ARRAY(fetch->arena, struct bet_row, (size_t)n + 1);
    fetch->n = (uint32_t)n;
    for (int row = 0; row < n; row++) {
        fetch->rows[row] = read_bet(fetch->arena, result, row);
        /* The cursor follows them: none is passed over, none comes twice. */
        CHECK(fetch->rows[row].id > (row == 0 ? fetch->after : fetch->rows[row - 1].id));
    }
    return true;
}

static void fetch_done(void *request, enum store_result result)
{
    struct settle_fetch *fetch = request;

    CHECK(fetch->n <= fetch->limit);
    if (result != STORE_OK)
        fetch->n = 0;
    fetch->on_done(fetch, result);
}

static const struct pg_kind fetch_kind = {
    "settle_fetch", false, fetch_send, fetch_read, fetch_done,
};

void pg_settle_fetch(struct database *database, struct settle_fetch *fetch)
{
    fetch->rows = NULL;
    fetch->n = 0;
    pg_submit(database, PG_SETTLE, 0, &fetch_kind, fetch);
}

/* ---- write ----------------------------------------------------------- */

struct place {
    int64_t account;
    uint32_t item;
};

/* By account, so that locks are taken in order; an account's items keep
 * theirs. */
static int by_account(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->account != y->account)
        return x->account < y->account ? -1 : 1;
    return x->item < y->item ? -1 : x->item > y->item;
}

#define EACH(type, put, value) \
    pg_array(params, type, write->n); \
    for (uint32_t i = 0; i < write->n; i++) { \
        const struct settle_item *item = &write->items[order[i].item]; \
        put(params, value); \
    }

static void put_items(struct pg_params *params, const struct settle_write *write,
                      const struct place *order)
{
    EACH(PG_INT8, pg_put_int8, item->account)
    EACH(PG_INT8, pg_put_int8, item->bet)
    EACH(PG_INT8, pg_put_int8, item->version)
    EACH(PG_INT2, pg_put_int2, (int16_t)item->state)
    EACH(PG_INT8, pg_put_int8, item->payout_minor)
    EACH(PG_INT8, pg_put_int8, item->delta_minor)
    EACH(PG_INT8, pg_put_int8, item->staked_delta_minor)
    EACH(PG_INT8, pg_put_int8, item->settled_ms)
    EACH(PG_INT2, pg_put_int2, (int16_t)item->flags)
    EACH(PG_TEXT, pg_put_str, item->results)
    EACH(PG_INT2, pg_put_int2, (int16_t)item->event)
    EACH(PG_INT8, pg_put_int8, item - write->items)
}

static enum pg_sent write_send(struct pg_conn *conn, void *request)
{
    const struct settle_write *write = request;
    struct pg_params *params = &conn->params;
    struct place *order = calloc((size_t)write->n + 1, sizeof(*order));

    CHECK(order != NULL);
    for (uint32_t i = 0; i < write->n; i++)
        order[i] = (struct place){ write->items[i].account, i };
    qsort(order, write->n, sizeof(*order), by_account);
    for (uint32_t i = 1; CHECKS_DEAR && i < write->n; i++)
        CHECK(by_account(&order[i - 1], &order[i]) < 0);
    put_items(params, write, order);
    free(order);
    pg_param_int8(params, write->advance ? (int64_t)write->n : -1);
    pg_param_int8(params, write->at_ms);
    pg_param_int8(params, write->market_key);
    pg_param_int8(params, write->pos);
    pg_param_int8(params, write->cursor);
    return pg_conn_send(conn, write->wait ? "settle_write_wait" : "settle_write");
}

static void read_item(struct settle_item *item, const PGresult *result, int row)
{
    CHECK(!item->applied); /* one line an item */
    item->applied = true;
    item->seq = cell_int(result, row, 1);
    item->balance_minor = cell_int(result, row, 2);
    item->debt_minor = cell_int(result, row, 3);
    item->staked_minor = cell_int(result, row, 4);
    CHECK(item->balance_minor >= 0 && item->debt_minor >= 0);
    CHECK(item->balance_minor == 0 || item->debt_minor == 0);
}

static bool write_read(struct pg_conn *conn, void *request, unsigned statement,
                       const PGresult *result)
{
    struct settle_write *write = request;

    (void)conn;
    CHECK(statement == 0);
    for (int row = 0; row < PQntuples(result); row++) {
        int64_t item = cell_int(result, row, 0);

        if (item == -1) {
            CHECK(write->pos != 0 && PQntuples(result) == 1); /* nothing was applied */
            write->stale = true;
            continue;
        }
        if (item < 0 || item >= (int64_t)write->n)
            return false;
        read_item(&write->items[item], result, row);
    }
    return true;
}

static void write_done(void *request, enum store_result result)
{
    struct settle_write *write = request;

    if (result != STORE_OK)
        for (uint32_t i = 0; i < write->n; i++)
            write->items[i].applied = false;
    write->on_done(write, result);
}

static const struct pg_kind write_kind = {
    "settle_write", true, write_send, write_read, write_done,
};

void pg_settle_write(struct database *database, struct settle_write *write)
{
    write->stale = false;
    for (uint32_t i = 0; i < write->n; i++)
        write->items[i].applied = false;
    pg_submit(database, PG_SETTLE, 0, &write_kind, write);
}
