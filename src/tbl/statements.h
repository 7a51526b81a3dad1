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
/* $4: 1 = the account is made there. */
STATEMENT(COUNTRY_SEEN, "isii", "",
    "INSERT INTO countries_seen (customer, country, first_ms, last_ms, registered)"
    " VALUES ($1, $2, $3, $3, $4) ON CONFLICT (customer, country) DO UPDATE SET last_ms ="
    " CASE WHEN excluded.last_ms > countries_seen.last_ms THEN excluded.last_ms"
    "  ELSE countries_seen.last_ms END")
STATEMENT(EPOCH_RAISE, "i", "i",
    "UPDATE accounts SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch")
/* A verdict with what its answer is made of: the bet or the transfer. */
STATEMENT(KEY_GET, "iis", "bisii" "iiiss" "iiii",
    "SELECT k.hash, k.verdict, k.detail, k.ref, k.at_ms,"
    " COALESCE(b.id, 0), COALESCE(b.stake + b.cashed_stake, 0), COALESCE(b.potential, 0),"
    " COALESCE(b.slip, ''), COALESCE(b.currency, ''), COALESCE(b.placed_ms, 0),"
    " COALESCE(t.amount, 0), COALESCE(t.balance_after, 0), COALESCE(b.cashed_stake, 0)"
    " FROM keys k"
    " LEFT JOIN bets b ON k.op = 1 AND k.verdict = 0"
    "  AND b.account = k.account AND b.id = k.ref"
    " LEFT JOIN transfers t ON k.op <> 1 AND k.verdict = 0"
    "  AND t.account = k.account AND t.seq = k.ref AND t.at_ms = k.at_ms"
    " WHERE k.account = $1 AND k.op = $2 AND k.key = $3")
#define BET_COLUMNS "iiiii" "iiiss" "iiiis" "siis"
#define BET_SELECT \
    "SELECT account, id, version, state, stake, potential, cap, payout," \
    " currency, sport, placed_ms, settled_ms, rule, flags, slip, results," \
    " cashed_stake, cashed_paid, country" \
    " FROM bets"
STATEMENT(BET_GET, "ii", BET_COLUMNS, BET_SELECT " WHERE account = $1 AND id = $2")
/* $2: ids below this; $3, $4: states from, to. */
STATEMENT(BETS_LIST, "iiiii", BET_COLUMNS,
    BET_SELECT " WHERE account = $1 AND id < $2 AND state BETWEEN $3 AND $4"
    " ORDER BY id DESC LIMIT $5")
/* Customers' limits.  $2, $3, $4: when day, week and month began; the nine of
 * an account, and what transfers say was used of each since then. */
#define LIMIT_NINE \
    "(SELECT 1 AS kind, 1 AS period, $2 AS since UNION ALL SELECT 1, 2, $3" \
    " UNION ALL SELECT 1, 3, $4 UNION ALL SELECT 2, 1, $2 UNION ALL SELECT 2, 2, $3" \
    " UNION ALL SELECT 2, 3, $4 UNION ALL SELECT 3, 1, $2 UNION ALL SELECT 3, 2, $3" \
    " UNION ALL SELECT 3, 3, $4) k"
#define LIMIT_MOVED(kind) \
    "CASE " kind " WHEN 1 THEN CASE t.kind WHEN 1 THEN t.amount ELSE 0 END" \
    " WHEN 2 THEN CASE t.kind WHEN 3 THEN t.amount ELSE 0 END" \
    " ELSE CASE WHEN t.kind IN (3, 5) THEN t.amount" \
    "  WHEN t.kind IN (4, 6) THEN -t.amount ELSE 0 END END"
#define LIMIT_USED \
    "(SELECT CAST(COALESCE(SUM(" LIMIT_MOVED("k.kind") "), 0) AS bigint)" \
    " FROM transfers t WHERE t.account = $1 AND t.at_ms >= k.since)"
/* With amount, the change that waits, and the exclusion's end in each row. */
STATEMENT(LIMITS_GET, "iiii", "iiiii" "ii",
    "SELECT k.kind, k.period, COALESCE(l.amount, -1), COALESCE(l.next_amount, -1),"
    " COALESCE(l.next_from_ms, 0), COALESCE(CASE WHEN l.since_ms >= k.since THEN l.used"
    "  WHEN l.account IS NOT NULL THEN 0 END, " LIMIT_USED "), a.excluded_until_ms"
    " FROM accounts a CROSS JOIN " LIMIT_NINE
    " LEFT JOIN limits l ON l.account = a.id AND l.kind = k.kind AND l.period = k.period"
    " WHERE a.id = $1 ORDER BY k.kind, k.period")
/* The first takes the account's lock: in one transaction, in this order. */
STATEMENT(LIMITS_TURN_ON, "i", "", "UPDATE accounts SET limited = 1 WHERE id = $1")
STATEMENT(LIMITS_ADD, "iiii", "",
    "INSERT INTO limits (account, kind, period, amount, next_amount, next_from_ms, used,"
    " since_ms) SELECT $1, k.kind, k.period, -1, -1, 0, " LIMIT_USED ", k.since"
    " FROM " LIMIT_NINE " WHERE NOT EXISTS (SELECT 1 FROM limits x WHERE x.account = $1)")
/* $4: the new amount, -1 = none; $5: now.  Lower at once, which also takes a
 * change back that waits; higher after $6 milliseconds. */
#define LIMIT_NOW \
    "CASE WHEN next_from_ms <> 0 AND next_from_ms <= $5 THEN next_amount ELSE amount END"
#define LIMIT_LOWERS \
    "(($4 >= 0 AND (" LIMIT_NOW " < 0 OR $4 <= " LIMIT_NOW "))" \
    " OR ($4 < 0 AND " LIMIT_NOW " < 0))"
STATEMENT(LIMIT_SET, "iiiiii", "",
    "UPDATE limits SET amount = CASE WHEN " LIMIT_LOWERS " THEN $4 ELSE " LIMIT_NOW " END,"
    " next_amount = CASE WHEN " LIMIT_LOWERS " THEN -1 ELSE $4 END,"
    " next_from_ms = CASE WHEN " LIMIT_LOWERS " THEN 0"
    "  WHEN next_from_ms > $5 AND next_amount = $4 THEN next_from_ms ELSE $5 + $6 END"
    " WHERE account = $1 AND kind = $2 AND period = $3")
/* Only ever later. */
STATEMENT(EXCLUDE, "ii", "i",
    "UPDATE accounts SET excluded_until_ms = $2"
    " WHERE id = $1 AND excluded_until_ms <= $2 RETURNING excluded_until_ms")
STATEMENT(TRANSFERS_LIST, "iii", "iiiii" "iii",
    "SELECT seq, debit, credit, amount, kind, bet, at_ms, balance_after"
    " FROM transfers WHERE account = $1 AND seq < $2"
    " ORDER BY seq DESC LIMIT $3")
STATEMENT(FACTS_GET, "i", "iiiis" "isiii" "iiis",
    "SELECT pos, kind, rank, market_key, event, market, specifiers, producer,"
    " ts_ms, certainty, start_ms, end_ms, stopped_ms, outcomes"
    " FROM facts WHERE market_key = $1 ORDER BY pos")
/* $2: bits of slots (model/slot.h); -1 = all. */
STATEMENT(SETTLE_QUEUE_LIST, "ii", "iiisis" "ii",
    "SELECT market_key, pos, bet, event, market, specifiers, queued_ms, slot"
    " FROM settle_queue WHERE ($2 >> CAST(slot AS integer)) & 1 = 1"
    " ORDER BY queued_ms, market_key LIMIT $1")
STATEMENT(SETTLE_QUEUE_DONE, "ii", "",
    "DELETE FROM settle_queue WHERE market_key = $1 AND pos = $2")
STATEMENT(PARK, "iiisi", "",
    "INSERT INTO parked (account, bet, market_key, reason, at_ms)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")
/* Markets that got a bet after their facts were stored (RULES.md 7), each
 * with the id before its first such bet: one with an open leg, be it settled
 * by another leg already. $1: facts stored since, $2: bet ids may be this
 * many milliseconds older than the storing, $3: versions up to this. */
STATEMENT(LATE_MARKETS, "iii", "iiisis",
    /* From the few new facts inwards, whatever a planner knows of the tables:
     * subqueries are not reordered. */
    "SELECT market_key, pos, bet - 1, event, market, specifiers FROM ("
    " WITH late AS MATERIALIZED (SELECT f.market_key, MAX(f.pos) AS pos, f.event,"
    "  f.market, f.specifiers, MIN((SELECT MIN(l.bet) FROM legs l"
    "   WHERE l.market_key = f.market_key"
    "   AND l.bet >= (f.stored_ms - 1704067200000 - $2) * 4194304"
    "   AND (SELECT 1 FROM bets b WHERE b.account = l.account AND b.id = l.bet"
    "    AND b.state IN (1, 2) AND b.version <= $3"
    "    AND (b.results = '' OR b.results LIKE '%null%')) = 1)) AS bet"
    "  FROM facts f WHERE f.stored_ms >= $1"
    "  GROUP BY f.market_key, f.event, f.market, f.specifiers)"
    " SELECT * FROM late) l WHERE bet IS NOT NULL")
STATEMENT(REQUEUE, "iiisis" "ii", "",
    "INSERT INTO settle_queue (market_key, pos, bet, event, market, specifiers, queued_ms,"
    " slot) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING")
/* Markets queued, since when the oldest, and bets parked. */
STATEMENT(SETTLE_COUNTS, "", "iii",
    "SELECT COUNT(*), COALESCE(MIN(queued_ms), 0), (SELECT COUNT(*) FROM parked)"
    " FROM settle_queue")
/* The daily report, from one snapshot. part 1: stakes by the day of placing;
 * 2: payouts and cash-outs less reversals by the day of the transfer; 3: bets
 * open now, with the stakes that are left in them; what dropped bets had is
 * in report_days.  $1, $2: from, to (exclusive); $3: a day, or another step, in
 * milliseconds; $4: 0 = days, 1 = only what moved in these steps. */
STATEMENT(REPORT_DAILY, "iiii", "iissi" "ii",
    "SELECT part, day, sport, currency, CAST(SUM(n) AS bigint),"
    " CAST(SUM(amount) AS bigint), CAST(SUM(staked) AS bigint) FROM ("
    "SELECT CAST(1 AS bigint) AS part, placed_ms / $3 AS day, sport, currency,"
    " COUNT(*) AS n, CAST(SUM(stake + cashed_stake) AS bigint) AS amount,"
    " CAST(0 AS bigint) AS staked"
    " FROM bets WHERE placed_ms >= $1 AND placed_ms < $2"
    " GROUP BY placed_ms / $3, sport, currency"
    " UNION ALL SELECT CAST(2 AS bigint), t.at_ms / $3, b.sport, b.currency, COUNT(*),"
    " CAST(SUM(CASE WHEN t.kind = 5 THEN -t.amount ELSE t.amount END) AS bigint),"
    " CAST(0 AS bigint)"
    " FROM transfers t JOIN bets b ON b.account = t.account AND b.id = t.bet"
    " WHERE t.kind IN (4, 5, 6) AND t.at_ms >= $1 AND t.at_ms < $2"
    " GROUP BY t.at_ms / $3, b.sport, b.currency"
    " UNION ALL SELECT part, day, sport, currency, n, amount, CAST(0 AS bigint)"
    " FROM report_days WHERE $4 = 0 AND day >= $1 / 86400000 AND day * 86400000 < $2"
    " UNION ALL SELECT CAST(3 AS bigint), CAST(0 AS bigint), sport, currency, COUNT(*),"
    " CAST(SUM(potential) AS bigint), CAST(SUM(stake) AS bigint)"
    " FROM bets WHERE state = 1 AND $4 = 0 GROUP BY sport, currency) r"
    " GROUP BY part, day, sport, currency ORDER BY 1, 2, 3, 4")
/* Experiments.  The first time stands. */
STATEMENT(EXPOSURE_ADD, "siis", "",
    "INSERT INTO exposures (experiment, account, at_ms, arm) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT DO NOTHING")
/* A row for each arm and currency: customers first told from $2 to $3 (exclusive), of
 * them who bet since then, their bets and stakes, the GGR of the bets that are
 * decided, and the sum of each customer's GGR squared (in hundreds squared). */
STATEMENT(COHORTS, "sii", "ssiii" "iii",
    "SELECT c.arm, a.currency, COUNT(*),"
    " CAST(SUM(CASE WHEN c.bets > 0 THEN 1 ELSE 0 END) AS bigint), CAST(SUM(c.bets) AS bigint),"
    " CAST(SUM(c.stakes) AS bigint), CAST(SUM(c.ggr) AS bigint),"
    " CAST(ROUND(SUM(CAST(c.ggr AS double precision) * c.ggr / 10000)) AS bigint)"
    " FROM (SELECT e.account, e.arm, COUNT(b.id) AS bets,"
    "  COALESCE(SUM(b.stake + b.cashed_stake), 0) AS stakes,"
    "  COALESCE(SUM(CASE WHEN b.state = 1 THEN 0"
    "   ELSE b.stake + b.cashed_stake - b.payout - b.cashed_paid END), 0) AS ggr"
    "  FROM exposures e LEFT JOIN bets b ON b.account = e.account"
    "   AND b.placed_ms >= e.at_ms AND b.placed_ms < $3"
    "  WHERE e.experiment = $1 AND e.at_ms >= $2 AND e.at_ms < $3"
    "  GROUP BY e.account, e.arm) c"
    " JOIN accounts a ON a.id = c.account GROUP BY c.arm, a.currency ORDER BY c.arm, a.currency")
STATEMENT(FEED_READ, "ii", "iiiis" "s",
    "SELECT pos, at_ms, type, producer, event, body FROM feed_log"
    " WHERE pos > $1 ORDER BY pos LIMIT $2")
/* How far the topic feed has been told the log (feed/publish.h). */
STATEMENT(FEED_PUBLISHED, "", "i", "SELECT value FROM meta WHERE name = 'feed_published'")
STATEMENT(FEED_PUBLISHED_SET, "i", "",
    "UPDATE meta SET value = $1 WHERE name = 'feed_published' AND value < $1")
/* A partition of the book is taken (odds/partitions.h): its epoch, and up to
 * where results are told; at first what settlement has stored. */
STATEMENT(PARTITION_TAKE, "s", "ii",
    "INSERT INTO epochs (name, epoch, position)"
    " SELECT $1, 1, value FROM meta WHERE name = 'settle_offset'"
    " ON CONFLICT (name) DO UPDATE SET epoch = epochs.epoch + 1"
    " RETURNING epoch, position")
STATEMENT(PARTITION_TOLD, "sii", "",
    "UPDATE epochs SET position = $3 WHERE name = $1 AND epoch = $2 AND position < $3")
/* The log for a book behind a position: all documents, desk entries, restarts
 * and turns, what is recent, and what was not told; all numbers are known. */
STATEMENT(PARTITION_LOG, "iiii", "iiss",
    "SELECT pos, type, event, body FROM feed_log"
    " WHERE pos > $1 AND (type IN (8, 10, 11, 12, 13, 14) OR at_ms >= $2 OR pos > $3)"
    " ORDER BY pos LIMIT $4")
/* Malformed messages, for a person; the oldest go. */
STATEMENT(DEAD_ADD, "issii" "b", "",
    "INSERT INTO dead_messages (id, at_ms, routing_key, error, line, col, body)"
    " SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4, $5, $6 FROM dead_messages")
STATEMENT(DEAD_TRIM, "i", "",
    "DELETE FROM dead_messages WHERE id <= (SELECT MAX(id) FROM dead_messages) - $1")
STATEMENT(DEAD_COUNT, "", "i", "SELECT COUNT(*) FROM dead_messages")
/* The store's clock; SQLite's is this machine's, and PostgreSQL has a form of its own. */
STATEMENT(CLOCK_READ, "", "i",
    "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)")
/* Commands on their way to the leader (feed/inbox.h). $3: so many at most. */
STATEMENT(INBOX_ADD, "sii", "i",
    "INSERT INTO feed_inbox (body, at_ms) SELECT $1, $2"
    " WHERE (SELECT COUNT(*) FROM feed_inbox) < $3 RETURNING id")
STATEMENT(INBOX_READ, "i", "is",
    "SELECT id, body FROM feed_inbox ORDER BY id LIMIT $1")
STATEMENT(INBOX_DROP, "i", "", "DELETE FROM feed_inbox WHERE id = $1")
/* Who leads (feed/lease.h).  Every renewal changes until_ms, which others
 * watch; taking is conditional on what was seen. */
STATEMENT(LEASE_GET, "s", "sii",
    "SELECT owner, epoch, until_ms FROM leases WHERE name = $1")
STATEMENT(LEASE_TAKE, "ssiii", "i",
    "UPDATE leases SET owner = $2, epoch = epoch + 1, until_ms = $3"
    " WHERE name = $1 AND epoch = $4 AND until_ms = $5 RETURNING epoch")
STATEMENT(LEASE_RENEW, "sii", "i",
    "UPDATE leases SET until_ms = $3 WHERE name = $1 AND epoch = $2 RETURNING epoch")
STATEMENT(LEASE_RELEASE, "si", "",
    "UPDATE leases SET until_ms = 0 WHERE name = $1 AND epoch = $2")
STATEMENT(LEDGER_TOTALS, "", "siiii",
    "SELECT currency, COUNT(*), CAST(SUM(balance) AS bigint),"
    " CAST(SUM(debt) AS bigint), CAST(SUM(staked) AS bigint)"
    " FROM accounts GROUP BY currency ORDER BY currency")
/* The desk's entries, newest first. $1: positions below this. */
STATEMENT(DESK_LIST, "ii", "iis",
    "SELECT pos, at_ms, body FROM feed_log WHERE type = 14 AND pos < $1"
    " ORDER BY pos DESC LIMIT $2")
/* Whether a bet has a leg on the market, which the book may have forgotten. */
STATEMENT(MARKET_HAS_BETS, "i", "i",
    "SELECT CAST(EXISTS (SELECT 1 FROM legs WHERE market_key = $1) AS integer)")
STATEMENT(OPERATORS_LIST, "i", "ssb",
    "SELECT name, roles, token FROM operators WHERE ended_ms = 0 ORDER BY name LIMIT $1")
/* Housekeeping.  $1: older than this, $2: looks at so many of the oldest.
 * 10 and 11 are fixtures and market descriptions, which make the catalogue;
 * 12 and 13 say which producers are up, to whoever begins to follow the log;
 * 14 are the desk's entries, which are its audit log. */
STATEMENT(FEED_TRIM, "ii", "",
    "DELETE FROM feed_log WHERE at_ms < $1 AND pos IN (SELECT pos FROM feed_log"
    " WHERE type NOT IN (10, 11, 12, 13, 14) ORDER BY pos LIMIT $2)"
    " AND pos <= (SELECT MAX(value) FROM meta"
    " WHERE name IN ('settle_offset', 'feed_published'))")
STATEMENT(DOCUMENTS_TRIM, "ii", "",
    "DELETE FROM feed_log WHERE at_ms < $1 AND type IN (10, 12, 13)"
    " AND pos IN (SELECT pos FROM feed_log ORDER BY pos LIMIT $2)")
/* Traces of bets with a leg on market $1, ids above $2 up to $3. */
STATEMENT(TRACES_OF_MARKET, "iii", "is",
    "SELECT t.bet, t.parent FROM legs l JOIN bet_traces t ON t.bet = l.bet"
    " WHERE l.market_key = $1 AND l.bet > $2 AND l.bet <= $3 ORDER BY t.bet")
STATEMENT(TRACES_TRIM, "ii", "",
    "DELETE FROM bet_traces WHERE bet IN"
    " (SELECT bet FROM bet_traces WHERE at_ms < $1 ORDER BY at_ms LIMIT $2)")
STATEMENT(OUTBOX_TRIM, "ii", "",
    "DELETE FROM outbox WHERE at_ms < $1"
    " AND id IN (SELECT id FROM outbox ORDER BY id LIMIT $2)"
    /* Once somebody tells it on the bus: not before all classes have been told
     * (settle/relay.h). */
    " AND (NOT EXISTS (SELECT 1 FROM relays WHERE owner <> '')"
    "  OR outbox.id <= (SELECT MIN(told) FROM relays))")
/* RULES.md 11: 90 days, and as long as the bet is open. */
STATEMENT(KEYS_TRIM, "ii", "",
    "DELETE FROM keys WHERE (account, op, key) IN (SELECT k.account, k.op, k.key"
    " FROM keys k WHERE k.at_ms < $1 AND NOT EXISTS (SELECT 1 FROM bets b"
    " WHERE k.op = 1 AND k.verdict = 0 AND b.account = k.account AND b.id = k.ref"
    " AND b.state = 1) LIMIT $2)")
/*
 * Liability (RULES.md 14, house/liability.h).  Every transaction that needs its
 * holder alive begins with SHARE: on PostgreSQL a lock in memory that fencing
 * waits for (postgres_exec.c), on SQLite, with its one writer, nothing.
 */
#define LIABILITY_ROW_IS " market_key = $1 AND outcome = $2"
STATEMENT(LIABILITY_SHARE, "i", "i", "SELECT 1 WHERE $1 <> 0")
/* A holder's epoch is used once, and its bets are known by the node: of two
 * that live one waits.  $1: node, $2: until, $3: now. */
STATEMENT(LIABILITY_EPOCH, "", "",
    "UPDATE epochs SET epoch = epoch + 1 WHERE name = 'liability'")
STATEMENT(LIABILITY_JOIN, "iii", "i",
    "INSERT INTO liability_holders (epoch, node, until_ms, fenced)"
    " SELECT epoch, $1, $2, 0 FROM epochs WHERE name = 'liability'"
    " AND NOT EXISTS (SELECT 1 FROM liability_holders h WHERE h.node = $1 AND h.fenced = 0"
    "  AND h.until_ms > $3) RETURNING epoch")
STATEMENT(LIABILITY_RENEW, "ii", "i",
    "UPDATE liability_holders SET until_ms = $2 WHERE epoch = $1 AND fenced = 0"
    " RETURNING epoch")
/* $1: now, $2: not this one, $3: in turn, behind this one. */
STATEMENT(LIABILITY_LAPSED, "iii", "ii",
    "SELECT epoch, CAST(fenced AS bigint) FROM liability_holders"
    " WHERE epoch <> $2 AND (fenced = 1 OR until_ms < $1)"
    " ORDER BY CASE WHEN epoch > $3 THEN 0 ELSE 1 END, epoch LIMIT 1")
STATEMENT(LIABILITY_FENCE, "ii", "i",
    "UPDATE liability_holders SET fenced = 1 WHERE epoch = $1 AND until_ms < $2"
    " RETURNING epoch")
STATEMENT(LIABILITY_OF_HOLDER, "iii", "is",
    "SELECT market_key, outcome FROM liability_leases WHERE epoch = $1 AND market_key >= $2"
    " ORDER BY market_key LIMIT $3")
STATEMENT(LIABILITY_BURY, "i", "",
    "DELETE FROM liability_holders WHERE epoch = $1 AND fenced = 1 AND NOT EXISTS"
    " (SELECT 1 FROM liability_leases l WHERE l.epoch = $1)")
/* A row, and who has leases of it that are not fenced. */
STATEMENT(LIABILITY_ROW, "is", "",
    "INSERT INTO liability (market_key, outcome, granted, base, portion, mark)"
    " VALUES ($1, $2, 0, 0, 0, 0) ON CONFLICT DO NOTHING")
STATEMENT(LIABILITY_LEASES, "is", "iiii",
    "SELECT r.mark, COALESCE(l.epoch, 0), COALESCE(l.node, 0), COALESCE(l.from_bet, 0)"
    " FROM liability r LEFT JOIN (SELECT x.epoch, x.node, x.from_bet"
    "  FROM liability_leases x JOIN liability_holders h ON h.epoch = x.epoch"
    "  WHERE h.fenced = 0 AND x.market_key = $1 AND x.outcome = $2) l ON 1 = 1"
    " WHERE r.market_key = $1 AND r.outcome = $2")
/* Bets with a leg on a market, ids above $2, at most $3; on PostgreSQL bet by
 * bet through the index, whatever the planner expects (postgres_exec.c). */
STATEMENT(LIABILITY_BETS, "iii", "iiiiss",
    "SELECT l.bet, COALESCE(b.state, 0), COALESCE(b.stake, 0), COALESCE(b.potential, 0),"
    " COALESCE(b.currency, ''), COALESCE(b.slip, '')"
    " FROM legs l LEFT JOIN bets b ON b.account = l.account AND b.id = l.bet"
    " WHERE l.market_key = $1 AND l.bet > $2 ORDER BY l.bet LIMIT $3")
/* Counted anew: $3 is what is open under no lease of $4, ",epoch,epoch,",
 * whose others are fenced and have their last here.  Only while $6 is the
 * row's mark; then it is $5, and the next statements know by that. */
#define LIABILITY_IS_LIVE(live) live " LIKE '%,' || epoch || ',%'"
STATEMENT(LIABILITY_COUNTED, "isis" "ii", "",
    "UPDATE liability SET base = $3, mark = $5, granted = granted - base + $3"
    " - (SELECT CAST(COALESCE(SUM(l.granted), 0) AS bigint) FROM liability_leases l"
    "    WHERE l.market_key = $1 AND l.outcome = $2 AND NOT " LIABILITY_IS_LIVE("$4") ")"
    " WHERE" LIABILITY_ROW_IS " AND mark = $6")
#define LIABILITY_MARKED(mark) \
    "EXISTS (SELECT 1 FROM liability r WHERE r.market_key = $1 AND r.outcome = $2" \
    " AND r.mark = " mark ")"
STATEMENT(LIABILITY_RECLAIM, "issi", "",
    "DELETE FROM liability_leases WHERE" LIABILITY_ROW_IS
    " AND NOT " LIABILITY_IS_LIVE("$3") " AND " LIABILITY_MARKED("$4"))
STATEMENT(LIABILITY_LEASE, "isiii" "i", "i",
    "INSERT INTO liability_leases (market_key, outcome, epoch, node, from_bet, granted)"
    " SELECT $1, $2, h.epoch, $5, $6, 0 FROM liability_holders h"
    " WHERE h.epoch = $3 AND h.fenced = 0 AND " LIABILITY_MARKED("$4")
    " ON CONFLICT (market_key, outcome, epoch)"
    " DO UPDATE SET from_bet = excluded.from_bet RETURNING epoch")
/* $3: wanted at least, $4: the limit, $5: the row grows by this in any case,
 * $6: whose lease.  Who gets what is wanted gets an eighth of the rest on
 * top; the condition is what keeps the limit. */
#define LIABILITY_HAS_LEASE(epoch_is) \
    "EXISTS (SELECT 1 FROM liability_leases l JOIN liability_holders h ON h.epoch = l.epoch" \
    " WHERE l.market_key = $1 AND l.outcome = $2 AND l.epoch = " epoch_is " AND h.fenced = 0)"
STATEMENT(LIABILITY_GRANT, "isiii" "i", "",
    "UPDATE liability SET portion = CASE WHEN granted + $5 + $3 <= $4"
    "  THEN $3 + ($4 - granted - $5 - $3) / 8 ELSE 0 END,"
    " granted = granted + $5 + CASE WHEN granted + $5 + $3 <= $4"
    "  THEN $3 + ($4 - granted - $5 - $3) / 8 ELSE 0 END"
    " WHERE" LIABILITY_ROW_IS " AND " LIABILITY_HAS_LEASE("$6"))
STATEMENT(LIABILITY_TAKE, "isii", "",
    "UPDATE liability_leases SET granted = granted + $3 + COALESCE((SELECT r.portion"
    "  FROM liability r WHERE r.market_key = $1 AND r.outcome = $2), 0)"
    " WHERE" LIABILITY_ROW_IS " AND epoch = $4"
    " AND EXISTS (SELECT 1 FROM liability_holders h WHERE h.epoch = $4 AND h.fenced = 0)")
STATEMENT(LIABILITY_TAKEN, "isi", "ii",
    "SELECT r.portion, r.granted FROM liability r"
    " WHERE r.market_key = $1 AND r.outcome = $2 AND " LIABILITY_HAS_LEASE("$3"))
/* A lease ends: $3 of it is open bets. */
STATEMENT(LIABILITY_LEAVE, "isiii", "",
    "UPDATE liability SET base = base + $3, mark = $5, granted = granted + $3"
    " - COALESCE((SELECT l.granted FROM liability_leases l WHERE l.market_key = $1"
    "  AND l.outcome = $2 AND l.epoch = $4), 0)"
    " WHERE" LIABILITY_ROW_IS " AND " LIABILITY_HAS_LEASE("$4"))
STATEMENT(LIABILITY_LEFT, "isii", "",
    "DELETE FROM liability_leases WHERE" LIABILITY_ROW_IS " AND epoch = $4"
    " AND " LIABILITY_MARKED("$3"))
STATEMENT(LIABILITY_TRIM, "is", "",
    "DELETE FROM liability WHERE" LIABILITY_ROW_IS " AND NOT EXISTS (SELECT 1"
    " FROM liability_leases l WHERE l.market_key = $1 AND l.outcome = $2)")
/* Held bets of several processes (house/hold_shared.c).  decision: 0 waits, 1
 * accepted, 2 declined, 3 offered. */
STATEMENT(HOLD_TIDY, "i", "", "DELETE FROM holds WHERE until_ms < $1")
STATEMENT(HOLD_ADD, "iiibi" "ssi", "",
    "INSERT INTO holds (id, node, account, legs, stake, currency, body, until_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
STATEMENT(HOLDS_OF_ACCOUNT, "ii", "i",
    "SELECT COUNT(*) FROM holds WHERE account = $1 AND decision = 0 AND until_ms > $2")
/* Nobody else can take it then.  $4: now, $5: by which bet. */
STATEMENT(HOLD_TAKE_OFFER, "ibiii", "i",
    "UPDATE holds SET taken = $5 WHERE taken = 0 AND id = (SELECT id FROM holds"
    " WHERE account = $1 AND legs = $2 AND decision = 3 AND taken = 0 AND offer >= $3"
    " AND offer_until_ms > $4 ORDER BY id DESC LIMIT 1) RETURNING id")
STATEMENT(HOLD_RETURN, "i", "", "UPDATE holds SET taken = 0 WHERE id = $1")
STATEMENT(HOLDS_LIST, "ii", "s",
    "SELECT body FROM holds WHERE decision = 0 AND until_ms > $1"
    " ORDER BY until_ms, id LIMIT $2")
STATEMENT(HOLD_GET, "ii", "iis",
    "SELECT account, stake, currency FROM holds"
    " WHERE id = $1 AND decision = 0 AND until_ms > $2")
STATEMENT(HOLD_DECIDE, "iiiii", "i",
    "UPDATE holds SET decision = $2, offer = $3, offer_until_ms = $4"
    " WHERE id = $1 AND decision = 0 AND until_ms > $5 RETURNING id")
STATEMENT(HOLDS_DECIDED, "i", "iii",
    "SELECT id, CAST(decision AS bigint), offer FROM holds"
    " WHERE node = $1 AND decision <> 0 ORDER BY id LIMIT 100")
STATEMENT(HOLD_END, "i", "", "DELETE FROM holds WHERE id = $1 AND decision <> 3")
STATEMENT(HOLD_KEEP_OFFER, "i", "", "UPDATE holds SET node = -1 WHERE id = $1")
/* One customer for the desk: 2 is the house's account of stakes and payouts. */
STATEMENT(CUSTOMER_RISK, "i", "siiii" "iiiii" "isssi" "i",
    "SELECT a.currency, a.balance, a.debt, a.staked, CAST(a.status AS bigint),"
    " a.excluded_until_ms,"
    " (SELECT CAST(COALESCE(SUM(CASE WHEN t.credit = 2 THEN t.amount"
    "  WHEN t.debit = 2 THEN -t.amount ELSE 0 END), 0) AS bigint)"
    "  FROM transfers t WHERE t.account = a.id) - COALESCE(k.won, 0),"
    " (SELECT CAST(COALESCE(SUM(CASE WHEN t.kind = 3 THEN t.amount ELSE 0 END), 0) AS bigint)"
    "  FROM transfers t WHERE t.account = a.id) + COALESCE(k.staked, 0),"
    " (SELECT COUNT(*) FROM bets b WHERE b.account = a.id) + COALESCE(k.bets, 0),"
    " (SELECT COUNT(*) FROM bets b WHERE b.account = a.id AND b.state = 1),"
    " c.created_ms, c.country,"
    " COALESCE((SELECT s.country FROM countries_seen s WHERE s.customer = a.id"
    "  AND s.registered = 1), ''),"
    " COALESCE((SELECT s.country FROM countries_seen s WHERE s.customer = a.id"
    "  ORDER BY s.last_ms DESC LIMIT 1), ''),"
    " COALESCE((SELECT MAX(s.last_ms) FROM countries_seen s WHERE s.customer = a.id), 0),"
    " (SELECT COUNT(*) FROM countries_seen s WHERE s.customer = a.id)"
    " FROM accounts a JOIN customers c ON c.id = a.id"
    " LEFT JOIN checkpoints k ON k.account = a.id WHERE a.id = $1")
/* Personal data goes when its day has come; $1: now.  In one transaction. */
STATEMENT(ERASE_DUE, "i", "",
    "UPDATE customers SET email = 'erased:' || id, password = '', country = '', born = ''"
    " WHERE id IN (SELECT customer FROM erasures WHERE due_ms <= $1 AND done_ms = 0)")
/* Also of those erased in the last 40 days (3456000000 ms): a release that knows no
 * countries may have erased them while this one was taken back. */
STATEMENT(ERASE_COUNTRIES, "i", "",
    "DELETE FROM countries_seen WHERE customer IN"
    " (SELECT customer FROM erasures WHERE done_ms = 0 AND due_ms <= $1"
    " UNION ALL SELECT customer FROM erasures WHERE done_ms > 0 AND done_ms >= $1 - 3456000000)")
STATEMENT(ERASE_DONE, "i", "",
    "UPDATE erasures SET done_ms = $1 WHERE due_ms <= $1 AND done_ms = 0")
/* A month and its partitions, made ahead (sql/postgres/0005_archive.sql). */
STATEMENT(MONTH_ADD, "ii", "",
    "INSERT INTO months (start_ms, end_ms) SELECT $1, $2"
    " WHERE NOT EXISTS (SELECT 1 FROM months WHERE end_ms > $1) ON CONFLICT DO NOTHING")
