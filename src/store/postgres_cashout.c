/*
 * Cash-outs on PostgreSQL: a batch's, in one statement beside the money
 * statement's, with the same manners (postgres_money.c): accounts are locked
 * in order, and nothing is decided from the snapshot.  The bet is locked
 * behind its account, as settlement does, so that its version is the newest.
 */
#include "store/postgres_internal.h"

#include "model/ledger.h"
#include "store/money.h"

#define CASHOUT_SQL(lock) \
    "WITH judged AS MATERIALIZED (" \
    " SELECT c.*, CASE WHEN " PG_LIMITS_SHOWN("a.id", "a.limited") " THEN a.id END AS locked," \
    "  a.id IS NOT NULL AND a.epoch = c.epoch" \
    "   AND " PG_LIMITS_SHOWN("a.id", "a.limited") " AS known," \
    "  a.limited, a.balance, a.debt, a.staked, a.seq + 1 AS seq," \
    "  COALESCE(b.version = c.version, false) AS holds," \
    "  b.cashed_stake, b.cashed_paid, b.payout," \
    "  a.balance - a.debt + c.paid AS net" \
    " FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)" \
    "  WITH ORDINALITY AS c (account, epoch, key, hash, verdict, detail, paid, at_ms," \
    "   bet, version, cashed, potential, state, n)" \
    " LEFT JOIN LATERAL (" \
    "  SELECT id, balance, debt, staked, seq, epoch, limited" \
    "  FROM accounts WHERE id = c.account FOR NO KEY UPDATE" lock ") a ON true" \
    " LEFT JOIN LATERAL (" \
    "  SELECT version, cashed_stake, cashed_paid, payout FROM bets" \
    "   WHERE account = a.id AND id = c.bet" \
    "  FOR NO KEY UPDATE) b ON true" \
    "), fresh AS (" \
    " INSERT INTO keys (account, ref, at_ms, op, verdict, key, hash, detail)" \
    " SELECT account, CASE verdict WHEN {REFUSE_NOTHING} THEN seq ELSE 0 END, at_ms," \
    "  {MONEY_CASHOUT}, verdict, key," \
    "  hash, detail FROM judged WHERE known AND holds" \
    " ON CONFLICT DO NOTHING RETURNING account" \
    "), done AS MATERIALIZED (" \
    " SELECT account, paid, at_ms, bet, cashed, potential, state, seq, limited, net," \
    "  staked - cashed AS stakes, cashed_stake + cashed AS cashed_stake," \
    "  cashed_paid + paid AS cashed_paid, payout, greatest(net, 0) AS balance," \
    "  greatest(-net, 0) AS debt" \
    " FROM judged WHERE known AND holds AND verdict = {REFUSE_NOTHING}" \
    "  AND (account IN (SELECT account FROM fresh)) IS TRUE" \
    "), purses AS (" \
    " UPDATE accounts a SET balance = d.balance, debt = d.debt, seq = d.seq," \
    "  staked = a.staked - d.cashed" \
    " FROM done d WHERE a.id = d.account" \
    "), used AS (" \
    " UPDATE limits l SET" PG_LIMIT_COUNT("d.at_ms", "-d.paid") \
    " FROM done d WHERE d.limited <> 0 AND l.account = d.account" \
    "  AND l.kind = {OWN_LIMIT_KIND_LOSS}" \
    "), cashed AS (" \
    " UPDATE bets b SET version = b.version + 1, stake = b.stake - d.cashed," \
    "  cashed_stake = b.cashed_stake + d.cashed, cashed_paid = b.cashed_paid + d.paid," \
    "  potential = d.potential, state = d.state," \
    "  settled_ms = CASE d.state WHEN {BET_CASHED_OUT} THEN d.at_ms ELSE b.settled_ms END" \
    " FROM done d WHERE b.account = d.account AND b.id = d.bet" \
    "), moved AS (" \
    " INSERT INTO transfers (account, seq, debit, credit, amount, bet, at_ms," \
    "  balance_after, kind)" \
    " SELECT account, seq, {HOUSE_BETS}, account, paid, bet, at_ms, balance," \
    "  {TRANSFER_CASHOUT} FROM done" \
    "), told AS (" \
    " INSERT INTO outbox (at_ms, accounts, seqs, kinds, refs, nets, stakes, amounts, payouts," \
    "  cashed_stake, cashed_paid)" \
    " SELECT max(at_ms), array_agg(account), array_agg(seq)," \
    "  array_agg(CASE state WHEN {BET_CASHED_OUT} THEN {EVENT_BET_CASHED_OUT}" \
    "   ELSE {EVENT_BET_PARTLY_CASHED_OUT} END::int2), array_agg(bet)," \
    "  array_agg(net), array_agg(stakes), array_agg(paid), array_agg(payout)," \
    "  array_agg(cashed_stake), array_agg(cashed_paid)" \
    " FROM done HAVING count(*) > 0" \
    ")" \
    " SELECT n::int4, CASE" \
    "  WHEN locked IS NULL AND EXISTS" \
    "   (SELECT 1 FROM accounts x WHERE x.id = j.account) THEN {MONEY_SKIPPED}" \
    "  WHEN NOT known THEN {MONEY_UNAUTHORIZED}" \
    "  WHEN (account IN (SELECT account FROM fresh)) IS TRUE THEN {MONEY_DECIDED}" \
    "  WHEN holds OR EXISTS (SELECT 1 FROM keys k WHERE k.account = j.account" \
    "   AND k.op = {MONEY_CASHOUT} AND k.key = j.key) THEN {MONEY_KNOWN}" \
    "  ELSE {MONEY_MOVED} END::int2, verdict, COALESCE(seq, 0)," \
    "  COALESCE(CASE verdict WHEN {REFUSE_NOTHING} THEN greatest(net, 0) ELSE balance END, 0)," \
    "  COALESCE(CASE verdict WHEN {REFUSE_NOTHING} THEN greatest(-net, 0) ELSE debt END, 0)," \
    "  COALESCE(staked - CASE verdict WHEN {REFUSE_NOTHING} THEN cashed ELSE 0 END, 0)" \
    " FROM judged j"

const char pg_cashout_sql[] = CASHOUT_SQL(" SKIP LOCKED");
const char pg_cashout_wait_sql[] = CASHOUT_SQL("");

#define EACH(type, put, value) \
    pg_array(params, type, n); \
    for (uint32_t i = 0; i < n; i++) { \
        const struct money_cmd *cmd = cmds[i]; \
        put(params, value); \
    }

enum pg_sent pg_cashout_send(struct pg_conn *conn, struct money_cmd *const *cmds, uint32_t n,
                             bool wait)
{
    struct pg_params *params = &conn->params;

    CHECK(n >= 1 && cmds[0]->op == MONEY_CASHOUT); /* they are sorted behind all others */
    EACH(PG_INT8, pg_put_int8, cmd->account)
    EACH(PG_INT8, pg_put_int8, cmd->epoch)
    EACH(PG_TEXT, pg_put_str, cmd->key)
    EACH(PG_BYTEA, pg_put_str, ((struct str){ (const char *)cmd->hash, sizeof(cmd->hash) }))
    EACH(PG_INT2, pg_put_int2, (int16_t)cmd->verdict)
    EACH(PG_TEXT, pg_put_str, cmd->detail)
    EACH(PG_INT8, pg_put_int8, cmd->amount_minor)
    EACH(PG_INT8, pg_put_int8, cmd->at_ms)
    EACH(PG_INT8, pg_put_int8, cmd->bet)
    EACH(PG_INT8, pg_put_int8, cmd->version)
    EACH(PG_INT8, pg_put_int8, cmd->cashed_minor)
    EACH(PG_INT8, pg_put_int8, cmd->potential_minor)
    EACH(PG_INT2, pg_put_int2, (int16_t)(cmd->full ? BET_CASHED_OUT : BET_ACCEPTED))
    return pg_conn_send(conn, wait ? "cashout_wait" : "cashout");
}

static int64_t cell(const PGresult *result, int row, int column)
{
    return pg_read_int(PQgetvalue(result, row, column), PQgetlength(result, row, column));
}

bool pg_cashout_read(struct money_cmd *const *cmds, uint32_t n, const PGresult *result)
{
    if (PQntuples(result) != (int)n)
        return false;
    for (int row = 0; row < PQntuples(result); row++) {
        int64_t at = cell(result, row, 0);
        struct money_cmd *cmd;

        CHECK(at >= 1 && at <= (int64_t)n);
        cmd = cmds[at - 1];
        CHECK(cmd->op == MONEY_CASHOUT && cmd->outcome == MONEY_PENDING);
        cmd->outcome = (enum money_outcome)cell(result, row, 1);
        cmd->decided = (enum refusal)cell(result, row, 2);
        cmd->seq = cmd->decided == REFUSE_NOTHING ? cell(result, row, 3) : 0;
        cmd->balance_minor = cell(result, row, 4);
        cmd->debt_minor = cell(result, row, 5);
        cmd->staked_minor = cell(result, row, 6);
    }
    return true;
}
