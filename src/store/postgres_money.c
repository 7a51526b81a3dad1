/*
 * The money statement on PostgreSQL: a whole batch in one round trip and one
 * commit (store.h, RULES.md 6, 11, 15, 25).
 *
 * It runs in READ COMMITTED.  Its snapshot is older than the locks it takes,
 * so nothing is decided from the snapshot: balances, epochs and sequence
 * numbers come from the rows as locked (FOR NO KEY UPDATE returns the newest
 * version), and whether a key is known is the unique index's word.  Whoever
 * holds an account's lock is alone with that account's keys.
 *
 * The commands arrive in order of account, so that locks are taken in order.
 * A batch with bets that charge a limit (rule 14) sends the fence first: a
 * shared lock of the holder of the leases.  The statement's snapshot is taken
 * behind it, so whoever fenced the holder is seen, and whoever is about to
 * waits; then nothing of the statement happens.
 *
 * Each account is found by its index, one by one; sets that this statement
 * made itself are looked up by hash, written `(x IN (SELECT …)) IS TRUE`
 * because that form stays a hashed subplan whatever the planner expects.
 * The planner's other joins are off on these connections (postgres_conn.c):
 * the plan is the same for an empty table and for a hundred million rows.
 */
#include "store/postgres_internal.h"

#include <stdlib.h>

#include "model/ledger.h"
#include "store/money.h"

/* What is in braces comes from the tables (sql_numbers.h), {…_OF_OP} from
 * tbl/money_kinds.h; what was judged gives way to a limit by its rank ($22: the
 * limit's). */
#define MONEY_SQL(lock) \
    "WITH judged AS MATERIALIZED (" \
    " SELECT c.*, CASE WHEN a.limited = 0 OR l.n = 9 THEN a.id END AS locked," \
    "  a.id IS NOT NULL AND a.epoch = c.epoch AND (a.limited = 0 OR l.n = 9) AS known," \
    "  a.limited, l.reached, a.balance, a.debt, a.staked, a.seq + 1 AS seq," \
    "  CASE WHEN c.op <> {MONEY_WITHDRAWAL}" \
    "    AND (a.status <> 0 OR a.excluded_until_ms > c.at_ms) THEN {REFUSE_EXCLUDED}" \
    "   WHEN l.reached IS NOT NULL AND c.rank > $22 THEN {REFUSE_LIMIT_REACHED}" \
    "   WHEN c.judged <> {REFUSE_NOTHING} THEN c.judged" \
    "   WHEN NOT {CREDITS_OF_OP} AND a.balance < c.amount THEN {REFUSE_INSUFFICIENT_FUNDS}" \
    "   ELSE {REFUSE_NOTHING} END::int2 AS verdict," \
    "  a.balance - a.debt + CASE WHEN {CREDITS_OF_OP} THEN c.amount ELSE -c.amount END" \
    "   AS net" \
    " FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $20," \
    "  $21)" \
    "  WITH ORDINALITY AS c (account, epoch, op, key, hash, judged, detail, amount," \
    "   at_ms, bet, potential, cap, currency, sport, slip, country, rank, n)" \
    " LEFT JOIN LATERAL (" \
    "  SELECT id, balance, debt, staked, seq, epoch, status, limited, excluded_until_ms" \
    "  FROM accounts WHERE id = c.account FOR NO KEY UPDATE" lock ") a ON true" \
    " LEFT JOIN LATERAL (" \
    "  SELECT count(*) AS n, min(greatest(r.amount - r.used, 0) * 16 + r.kind * 4 + r.period)" \
    "   FILTER (WHERE r.amount >= 0 AND r.used + c.amount > r.amount AND CASE c.op" \
    "    WHEN {MONEY_BET} THEN r.kind IN ({OWN_LIMIT_KIND_STAKE}, {OWN_LIMIT_KIND_LOSS})" \
    "    WHEN {MONEY_DEPOSIT} THEN r.kind = {OWN_LIMIT_KIND_DEPOSIT} ELSE false END) AS reached" \
    "  FROM (SELECT x.kind, x.period, CASE WHEN x.next_from_ms <> 0" \
    "    AND x.next_from_ms <= c.at_ms THEN x.next_amount ELSE x.amount END AS amount," \
    "    CASE WHEN x.since_ms >= " PG_LIMIT_SINCE("x.period", "c.at_ms") \
    "     THEN x.used ELSE 0 END AS used" \
    "   FROM limits x WHERE x.account = a.id AND a.limited <> 0" \
    "   FOR NO KEY UPDATE) r) l ON true" \
    " WHERE $19 = 0 OR EXISTS (SELECT 1 FROM liability_holders h" \
    "  WHERE h.epoch = $19 AND h.fenced = 0)" \
    "), fresh AS (" \
    " INSERT INTO keys (account, ref, at_ms, op, verdict, key, hash, detail)" \
    " SELECT account," \
    "  CASE verdict WHEN {REFUSE_NOTHING} THEN CASE op WHEN {MONEY_BET} THEN bet ELSE seq END" \
    "   WHEN {REFUSE_INSUFFICIENT_FUNDS} THEN balance" \
    "   WHEN {REFUSE_LIMIT_REACHED} THEN" \
    "    CASE judged WHEN {REFUSE_LIMIT_REACHED} THEN 0 ELSE reached END ELSE 0 END," \
    "  at_ms, op, verdict, key, hash," \
    "  CASE WHEN verdict <> {REFUSE_NOTHING} AND verdict = judged THEN detail ELSE '' END" \
    " FROM judged WHERE known" \
    " ON CONFLICT DO NOTHING RETURNING account" \
    "), done AS MATERIALIZED (" \
    " SELECT account, op, amount, at_ms, bet, potential, cap, currency, sport," \
    "  slip, country, seq, limited, net," \
    "  staked + CASE op WHEN {MONEY_BET} THEN amount ELSE 0 END AS stakes," \
    "  greatest(net, 0) AS balance, greatest(-net, 0) AS debt" \
    " FROM judged WHERE known AND verdict = {REFUSE_NOTHING}" \
    "  AND (account IN (SELECT account FROM fresh)) IS TRUE" \
    "), purses AS (" \
    " UPDATE accounts a SET balance = d.balance, debt = d.debt, seq = d.seq," \
    "  staked = a.staked + CASE WHEN d.op = {MONEY_BET} THEN d.amount ELSE 0 END" \
    " FROM done d WHERE a.id = d.account" \
    "), used AS (" \
    " UPDATE limits l SET" PG_LIMIT_COUNT("d.at_ms", "d.amount") \
    " FROM done d WHERE d.limited <> 0 AND l.account = d.account" \
    "  AND (l.kind = CASE d.op WHEN {MONEY_BET} THEN {OWN_LIMIT_KIND_STAKE}" \
    "    WHEN {MONEY_DEPOSIT} THEN {OWN_LIMIT_KIND_DEPOSIT} ELSE 0 END" \
    "   OR (l.kind = {OWN_LIMIT_KIND_LOSS} AND d.op = {MONEY_BET}))" \
    "), placed AS (" \
    " INSERT INTO bets (account, id, stake, potential, cap, payout, placed_ms," \
    "  settled_ms, version, state, rule, flags, currency, sport, slip, results, country)" \
    " SELECT account, bet, amount, potential, cap, 0, at_ms," \
    "  0, 1, {BET_ACCEPTED}, 1, 0, currency, sport, slip, '', country" \
    " FROM done WHERE op = {MONEY_BET}" \
    "), marked AS (" \
    " INSERT INTO legs (market_key, bet, account)" \
    " SELECT * FROM unnest($16, $17, $18) AS l (market_key, bet, account)" \
    " WHERE (l.account IN (SELECT account FROM done)) IS TRUE" \
    "), moved AS (" \
    " INSERT INTO transfers (account, seq, debit, credit, amount, bet, at_ms," \
    "  balance_after, kind)" \
    " SELECT account, seq," \
    "  CASE WHEN {CREDITS_OF_OP} THEN {HOUSE_OF_OP} ELSE account END," \
    "  CASE WHEN {CREDITS_OF_OP} THEN account ELSE {HOUSE_OF_OP} END," \
    "  amount, CASE {BET_OF_OP} WHEN 1 THEN bet ELSE 0 END, at_ms, balance," \
    "  {TRANSFER_OF_OP}" \
    " FROM done" \
    "), told AS (" \
    " INSERT INTO outbox (at_ms, accounts, seqs, kinds, refs, nets, stakes, amounts)" \
    " SELECT max(at_ms), array_agg(account), array_agg(seq)," \
    "  array_agg(({EVENT_OF_OP})::int2)," \
    "  array_agg(CASE {BET_OF_OP} WHEN 1 THEN bet ELSE seq END), array_agg(net)," \
    "  array_agg(stakes), array_agg(amount)" \
    " FROM done HAVING count(*) > 0" \
    ")" \
    " SELECT n::int4, CASE" \
    "  WHEN locked IS NULL AND EXISTS" \
    "   (SELECT 1 FROM accounts x WHERE x.id = j.account) THEN {MONEY_SKIPPED}" \
    "  WHEN NOT known THEN {MONEY_UNAUTHORIZED}" \
    "  WHEN (account IN (SELECT account FROM fresh)) IS TRUE THEN {MONEY_DECIDED}" \
    "  ELSE {MONEY_KNOWN} END::int2, verdict, COALESCE(seq, 0)," \
    "  COALESCE(CASE verdict WHEN {REFUSE_NOTHING} THEN greatest(net, 0) ELSE balance END, 0)," \
    "  COALESCE(CASE verdict WHEN {REFUSE_NOTHING} THEN greatest(-net, 0) ELSE debt END, 0)," \
    "  COALESCE(staked + CASE WHEN verdict = {REFUSE_NOTHING} AND op = {MONEY_BET} THEN amount" \
    "   ELSE 0 END, 0)," \
    "  COALESCE(CASE WHEN verdict = {REFUSE_LIMIT_REACHED}" \
    "   AND judged <> {REFUSE_LIMIT_REACHED} THEN reached END, 0)" \
    " FROM judged j"

#define MONEY_TYPES "IIHSB" "HSIII" "IISSS" "IIIi" "SHi"

/* Behind the bets, in their transaction: of those that stand. */
#define TRACES_SQL \
    "INSERT INTO bet_traces (bet, at_ms, parent)" \
    " SELECT t.bet, t.at_ms, t.parent FROM unnest($1, $2, $3, $4)" \
    "  AS t (account, bet, at_ms, parent)" \
    " WHERE EXISTS (SELECT 1 FROM bets b WHERE b.account = t.account AND b.id = t.bet)" \
    " ON CONFLICT DO NOTHING"

const struct pg_statement pg_money_statements[] = {
    { "fence", "i", "SELECT pg_advisory_xact_lock_shared(" PG_LIABILITY_LOCK
                    ", ($1::int8 % 2147483647)::int4)" },
    { "money", MONEY_TYPES, MONEY_SQL(" SKIP LOCKED") },
    { "money_wait", MONEY_TYPES, MONEY_SQL("") },
    { "cashout", PG_CASHOUT_TYPES, pg_cashout_sql },
    { "cashout_wait", PG_CASHOUT_TYPES, pg_cashout_wait_sql },
    { "traces", "IIIS", TRACES_SQL },
    { NULL, NULL, NULL },
};

static int by_account(const void *a, const void *b)
{
    const struct money_cmd *x = *(struct money_cmd *const *)a;
    const struct money_cmd *y = *(struct money_cmd *const *)b;

    if ((x->op == MONEY_CASHOUT) != (y->op == MONEY_CASHOUT))
        return x->op == MONEY_CASHOUT ? 1 : -1;
    return x->account < y->account ? -1 : x->account > y->account;
}

#define EACH(put, value) \
    for (uint32_t i = 0; i < n; i++) { \
        const struct money_cmd *cmd = cmds[i]; \
        put(params, value); \
    }

static void put_commands(struct pg_params *params, struct money_cmd **cmds, uint32_t n)
{
    pg_array(params, PG_INT8, n);
    EACH(pg_put_int8, cmd->account)
    pg_array(params, PG_INT8, n);
    EACH(pg_put_int8, cmd->epoch)
    pg_array(params, PG_INT2, n);
    EACH(pg_put_int2, (int16_t)cmd->op)
    pg_array(params, PG_TEXT, n);
    EACH(pg_put_str, cmd->key)
    pg_array(params, PG_BYTEA, n);
    EACH(pg_put_str, ((struct str){ (const char *)cmd->hash, sizeof(cmd->hash) }))
    pg_array(params, PG_INT2, n);
    EACH(pg_put_int2, (int16_t)cmd->verdict)
    pg_array(params, PG_TEXT, n);
    EACH(pg_put_str, cmd->detail)
    pg_array(params, PG_INT8, n);
    EACH(pg_put_int8, cmd->amount_minor)
    pg_array(params, PG_INT8, n);
    EACH(pg_put_int8, cmd->at_ms)
}

static void put_bets(struct pg_params *params, struct money_cmd **cmds, uint32_t n)
{
    pg_array(params, PG_INT8, n);
    EACH(pg_put_int8, cmd->bet)
    pg_array(params, PG_INT8, n);
    EACH(pg_put_int8, cmd->potential_minor)
    pg_array(params, PG_INT8, n);
    EACH(pg_put_int8, cmd->cap_minor)
    pg_array(params, PG_TEXT, n);
    EACH(pg_put_str, str_of(cmd->currency))
    pg_array(params, PG_TEXT, n);
    EACH(pg_put_str, cmd->sport)
    pg_array(params, PG_TEXT, n);
    EACH(pg_put_str, cmd->slip)
}

/* Two legs may share a market's key; legs holds it once. */
static bool leg_is_first(const struct money_cmd *cmd, uint32_t leg)
{
    for (uint32_t i = 0; i < leg; i++)
        if (cmd->market_keys[i] == cmd->market_keys[leg])
            return false;
    return true;
}

static bool is_sorted(struct money_cmd *const *cmds, uint32_t n)
{
    for (uint32_t i = 1; i < n; i++)
        if (cmds[i - 1]->account >= cmds[i]->account)
            return false;
    return true;
}

enum leg_column { LEG_MARKET, LEG_BET, LEG_ACCOUNT };

static void put_legs(struct pg_params *params, struct money_cmd **cmds, uint32_t n,
                     uint32_t n_legs, enum leg_column column)
{
    pg_array(params, PG_INT8, n_legs);
    for (uint32_t i = 0; i < n; i++) {
        const struct money_cmd *cmd = cmds[i];

        if (cmd->op != MONEY_BET)
            continue;
        for (uint32_t leg = 0; leg < cmd->n_legs; leg++)
            if (leg_is_first(cmd, leg))
                pg_put_int8(params, column == LEG_MARKET ? cmd->market_keys[leg]
                            : column == LEG_BET ? cmd->bet : cmd->account);
    }
}

static uint32_t count_legs(struct money_cmd **cmds, uint32_t n)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n; i++)
        for (uint32_t leg = 0; cmds[i]->op == MONEY_BET && leg < cmds[i]->n_legs; leg++)
            count += leg_is_first(cmds[i], leg);
    return count;
}

/* By account, what is no cash-out first. */
static void sort(struct pg_conn *conn, const struct money_batch *batch)
{
    struct money_cmd **cmds = conn->sorted;

    memcpy(cmds, batch->cmds, batch->n * sizeof(cmds[0]));
    qsort(cmds, batch->n, sizeof(cmds[0]), by_account);
    for (uint32_t i = 1; i < batch->n; i++)
        CHECK(cmds[i]->account != cmds[i - 1]->account);
    conn->n_plain = 0;
    while (conn->n_plain < batch->n && cmds[conn->n_plain]->op != MONEY_CASHOUT)
        conn->n_plain++;
}

static enum pg_sent plain_send(struct pg_conn *conn, bool wait, int64_t epoch)
{
    struct pg_params *params = &conn->params;
    struct money_cmd **cmds = conn->sorted;
    uint32_t n = conn->n_plain, n_legs = count_legs(cmds, n);

    CHECK(n >= 1 && n <= LIMIT_BATCH && n_legs <= n * LIMIT_LEGS);
    conn->fenced = epoch != 0;
    if (conn->fenced) {
        enum pg_sent sent;

        pg_param_int8(params, epoch);
        sent = pg_conn_send(conn, "fence");
        if (sent != PG_SENT)
            return sent;
    }
    put_commands(params, cmds, n);
    put_bets(params, cmds, n);
    put_legs(params, cmds, n, n_legs, LEG_MARKET);
    put_legs(params, cmds, n, n_legs, LEG_BET);
    put_legs(params, cmds, n, n_legs, LEG_ACCOUNT);
    pg_param_int8(params, epoch);
    pg_array(params, PG_TEXT, n);
    EACH(pg_put_str, cmd->country)
    pg_array(params, PG_INT2, n);
    EACH(pg_put_int2, (int16_t)refusal_rank(cmd->verdict))
    pg_param_int8(params, RANK_LIMIT_REACHED);
    return pg_conn_send(conn, wait ? "money_wait" : "money");
}

static bool is_traced(const struct money_cmd *cmd)
{
    return cmd->op == MONEY_BET && cmd->traceparent.n > 0 && cmd->verdict == REFUSE_NOTHING;
}

#define EACH_TRACED(type, put, value) \
    pg_array(params, type, conn->n_traced); \
    for (uint32_t i = 0; i < conn->n_plain; i++) { \
        const struct money_cmd *cmd = conn->sorted[i]; \
        if (is_traced(cmd)) \
            put(params, value); \
    }

static enum pg_sent traces_send(struct pg_conn *conn)
{
    struct pg_params *params = &conn->params;

    conn->n_traced = 0;
    for (uint32_t i = 0; i < conn->n_plain; i++)
        conn->n_traced += is_traced(conn->sorted[i]);
    CHECK(conn->n_traced <= conn->n_plain);
    if (conn->n_traced == 0)
        return PG_SENT;
    EACH_TRACED(PG_INT8, pg_put_int8, cmd->account)
    EACH_TRACED(PG_INT8, pg_put_int8, cmd->bet)
    EACH_TRACED(PG_INT8, pg_put_int8, cmd->at_ms)
    EACH_TRACED(PG_TEXT, pg_put_str, cmd->traceparent)
    return pg_conn_send(conn, "traces");
}

static enum pg_sent money_send(struct pg_conn *conn, void *request)
{
    struct money_batch *batch = request;
    enum pg_sent sent = PG_SENT;

    sort(conn, batch);
    CHECK(conn->n_plain <= batch->n);
    CHECK_DEAR(is_sorted(conn->sorted, conn->n_plain)); /* so locks are taken in order */
    CHECK_DEAR(is_sorted(conn->sorted + conn->n_plain, batch->n - conn->n_plain));
    conn->fenced = false;
    if (conn->n_plain > 0)
        sent = plain_send(conn, batch->wait, money_fence(batch));
    if (sent == PG_SENT && conn->n_plain < batch->n)
        sent = pg_cashout_send(conn, conn->sorted + conn->n_plain, batch->n - conn->n_plain,
                               batch->wait);
    return sent == PG_SENT ? traces_send(conn) : sent;
}

static int64_t cell(const PGresult *result, int row, int column)
{
    return pg_read_int(PQgetvalue(result, row, column), PQgetlength(result, row, column));
}

/* The last one, if there are any. */
static bool is_of_traces(const struct pg_conn *conn, const struct money_batch *batch,
                         unsigned statement)
{
    unsigned before = conn->fenced + (conn->n_plain > 0 ? 1u : 0u) +
                      (conn->n_plain < batch->n ? 1u : 0u);

    return conn->n_traced > 0 && statement == before;
}

static bool money_read(struct pg_conn *conn, void *request, unsigned statement,
                       const PGresult *result)
{
    struct money_batch *batch = request;

    if ((conn->fenced && statement == 0) || is_of_traces(conn, batch, statement))
        return true;
    if (statement == 1u + conn->fenced || conn->n_plain == 0)
        return pg_cashout_read(conn->sorted + conn->n_plain, batch->n - conn->n_plain, result);
    if (conn->fenced && PQntuples(result) == 0) {
        for (uint32_t i = 0; i < conn->n_plain; i++)
            conn->sorted[i]->outcome = MONEY_FENCED;
        return true;
    }
    if (PQntuples(result) != (int)conn->n_plain)
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        int64_t n = cell(result, row, 0);
        struct money_cmd *cmd;

        CHECK(n >= 1 && n <= (int64_t)conn->n_plain);
        cmd = conn->sorted[n - 1];
        CHECK(cmd->outcome == MONEY_PENDING); /* one line a command */
        cmd->outcome = (enum money_outcome)cell(result, row, 1);
        cmd->decided = (enum refusal)cell(result, row, 2);
        cmd->seq = cmd->decided == REFUSE_NOTHING ? cell(result, row, 3) : 0;
        cmd->balance_minor = cell(result, row, 4);
        cmd->debt_minor = cell(result, row, 5);
        cmd->staked_minor = cell(result, row, 6);
        cmd->limit_reached = cell(result, row, 7);
    }
    return true;
}

static void money_done(void *request, enum store_result result)
{
    struct money_batch *batch = request;

    if (result != STORE_OK)
        for (uint32_t i = 0; i < batch->n; i++)
            batch->cmds[i]->outcome = MONEY_PENDING;
    else
        money_answer_check(batch);
    batch->on_done(batch, result);
}

static const struct pg_kind money_kind = {
    "money", true, money_send, money_read, money_done,
};

void pg_money(struct database *database, unsigned lane, struct money_batch *batch)
{
    pg_submit(database, PG_MONEY, lane, &money_kind, batch);
}
