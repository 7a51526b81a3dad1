/*
 * Statements that both stores run as they stand.  $1… are the parameters,
 * bound by number.  Hot statements have a form of their own in each store.
 *
 * STATEMENT(NAME, "parameters", "columns", sql)
 * types: i = 64-bit integer, s = text, b = bytes
 */
#ifndef STATEMENT
#error "define STATEMENT before including tbl/statements.h"
#endif
STATEMENT(CUSTOMER_ADD, "isssi" "s", "",
    "INSERT INTO customers (id, email, password, country, created_ms, born)"
    " VALUES ($1, $2, $3, $4, $5, $6)")
STATEMENT(ACCOUNT_ADD, "is", "",
    "INSERT INTO accounts (id, currency) VALUES ($1, $2)")
STATEMENT(CUSTOMER_BY_EMAIL, "s", "issis" "sii",
    "SELECT c.id, c.password, c.country, a.epoch, a.currency, c.born,"
    " a.status, a.excluded_until_ms"
    " FROM customers c JOIN accounts a ON a.id = c.id WHERE c.email = $1")
STATEMENT(ACCOUNT_GET, "i", "siiiiiii",
    "SELECT currency, balance, debt, staked, seq, epoch, status,"
    " excluded_until_ms FROM accounts WHERE id = $1")
STATEMENT(EPOCH_RAISE, "i", "i",
    "UPDATE accounts SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch")
/* A verdict with what its answer is made of: the bet or the transfer. */
STATEMENT(KEY_GET, "iis", "bisii" "iiiss" "iii",
    "SELECT k.hash, k.verdict, k.detail, k.ref, k.at_ms,"
    " COALESCE(b.id, 0), COALESCE(b.stake, 0), COALESCE(b.potential, 0),"
    " COALESCE(b.slip, ''), COALESCE(b.currency, ''), COALESCE(b.placed_ms, 0),"
    " COALESCE(t.amount, 0), COALESCE(t.balance_after, 0)"
    " FROM keys k"
    " LEFT JOIN bets b ON k.op = 1 AND k.verdict = 0"
    "  AND b.account = k.account AND b.id = k.ref"
    " LEFT JOIN transfers t ON k.op <> 1 AND k.verdict = 0"
    "  AND t.account = k.account AND t.seq = k.ref"
    " WHERE k.account = $1 AND k.op = $2 AND k.key = $3")
#define BET_COLUMNS "iiiii" "iiiss" "iiiis" "s"
#define BET_SELECT \
    "SELECT account, id, version, state, stake, potential, cap, payout," \
    " currency, sport, placed_ms, settled_ms, rule, flags, slip, results" \
    " FROM bets"
STATEMENT(BET_GET, "ii", BET_COLUMNS, BET_SELECT " WHERE account = $1 AND id = $2")
/* $2: ids below this; $3, $4: states from, to. */
STATEMENT(BETS_LIST, "iiiii", BET_COLUMNS,
    BET_SELECT " WHERE account = $1 AND id < $2 AND state BETWEEN $3 AND $4"
    " ORDER BY id DESC LIMIT $5")
STATEMENT(TRANSFERS_LIST, "iii", "iiiii" "iii",
    "SELECT seq, debit, credit, amount, kind, bet, at_ms, balance_after"
    " FROM transfers WHERE account = $1 AND seq < $2"
    " ORDER BY seq DESC LIMIT $3")
STATEMENT(FACTS_GET, "i", "iiiis" "isiii" "iiis",
    "SELECT pos, kind, rank, market_key, event, market, specifiers, producer,"
    " ts_ms, certainty, start_ms, end_ms, stopped_ms, outcomes"
    " FROM facts WHERE market_key = $1 ORDER BY pos")
STATEMENT(SETTLE_QUEUE_LIST, "i", "iiisis" "i",
    "SELECT market_key, pos, bet, event, market, specifiers, queued_ms"
    " FROM settle_queue ORDER BY queued_ms, market_key LIMIT $1")
STATEMENT(SETTLE_QUEUE_DONE, "ii", "",
    "DELETE FROM settle_queue WHERE market_key = $1 AND pos = $2")
STATEMENT(PARK, "iiisi", "",
    "INSERT INTO parked (account, bet, market_key, reason, at_ms)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")
STATEMENT(PARKED_COUNT, "", "i", "SELECT COUNT(*) FROM parked")
/* Markets that got a bet after their facts were stored (RULES.md 7). $1:
 * facts stored since, $2: bet ids may be this much (<<22 milliseconds)
 * older than the storing. */
STATEMENT(LATE_MARKETS, "ii", "isis" "i",
    "SELECT DISTINCT f.market_key, f.event, f.market, f.specifiers, f.pos"
    " FROM facts f WHERE f.stored_ms >= $1 AND EXISTS ("
    "  SELECT 1 FROM legs l JOIN bets b ON b.account = l.account AND b.id = l.bet"
    "  WHERE l.market_key = f.market_key"
    "   AND l.bet >= (f.stored_ms - 1704067200000 - $2) * 4194304"
    "   AND b.state = 1)")
STATEMENT(REQUEUE, "iisis" "i", "",
    "INSERT INTO settle_queue (market_key, pos, bet, event, market, specifiers, queued_ms)"
    " VALUES ($1, $2, 0, $3, $4, $5, $6) ON CONFLICT DO NOTHING")
STATEMENT(FEED_READ, "ii", "iiiis" "s",
    "SELECT pos, at_ms, type, producer, event, body FROM feed_log"
    " WHERE pos > $1 ORDER BY pos LIMIT $2")
STATEMENT(LEDGER_TOTALS, "", "siiii",
    "SELECT currency, COUNT(*), CAST(SUM(balance) AS bigint),"
    " CAST(SUM(debt) AS bigint), CAST(SUM(staked) AS bigint)"
    " FROM accounts GROUP BY currency ORDER BY currency")
STATEMENT(PING, "", "i", "SELECT 1")
