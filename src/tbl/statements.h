/*
 * Statements that both engines run unchanged.  $1… are the parameters, bound by
 * number.  Hot statements have a form of their own in each engine.
 *
 * STATEMENT(HALF, NAME, "parameters", columns, sql)
 *
 * HALF: JOURNAL or LEDGER (store/store.h): the half whose tables it may name
 * (tbl/store_tables.h).  The server checks this at start.
 * parameters: i = 64-bit integer, s = text, b = bytes.
 * sql: numbers of other tables by name, {BET_ACCEPTED} (store/sql_numbers.h).
 * columns: INT(name), TEXT(name), BYTES(name), in the order of the text; the names
 * begin with the statement's and become the enum by which answers are read.
 */
#ifndef STATEMENT
#error "define STATEMENT, INT, TEXT and BYTES before including tbl/statements.h"
#endif
#define NO_COLUMNS
STATEMENT(LEDGER, CUSTOMER_ADD, "isssi" "s", NO_COLUMNS,
    "INSERT INTO customers (id, email, password, country, created_ms, born)"
    " VALUES ($1, $2, $3, $4, $5, $6)")
STATEMENT(LEDGER, ACCOUNT_ADD, "is", NO_COLUMNS,
    "INSERT INTO accounts (id, currency) VALUES ($1, $2)")
STATEMENT(LEDGER, CUSTOMER_BY_EMAIL, "s",
    INT(CUSTOMER_BY_EMAIL_ID) TEXT(CUSTOMER_BY_EMAIL_PASSWORD)
    TEXT(CUSTOMER_BY_EMAIL_COUNTRY) INT(CUSTOMER_BY_EMAIL_EPOCH)
    TEXT(CUSTOMER_BY_EMAIL_CURRENCY) TEXT(CUSTOMER_BY_EMAIL_BORN)
    INT(CUSTOMER_BY_EMAIL_STATUS) INT(CUSTOMER_BY_EMAIL_EXCLUDED_UNTIL_MS),
    "SELECT c.id, c.password, c.country, a.epoch, a.currency, c.born,"
    " a.status, a.excluded_until_ms"
    " FROM customers c JOIN accounts a ON a.id = c.id WHERE c.email = $1")
STATEMENT(LEDGER, ACCOUNT_GET, "i",
    TEXT(ACCOUNT_GET_CURRENCY) INT(ACCOUNT_GET_BALANCE) INT(ACCOUNT_GET_DEBT)
    INT(ACCOUNT_GET_STAKED) INT(ACCOUNT_GET_SEQ) INT(ACCOUNT_GET_EPOCH)
    INT(ACCOUNT_GET_STATUS) INT(ACCOUNT_GET_EXCLUDED_UNTIL_MS),
    "SELECT currency, balance, debt, staked, seq, epoch, status,"
    " excluded_until_ms FROM accounts WHERE id = $1")
/* $4: 1 = the account is made there. */
STATEMENT(LEDGER, COUNTRY_SEEN, "isii", NO_COLUMNS,
    "INSERT INTO countries_seen (customer, country, first_ms, last_ms, registered)"
    " VALUES ($1, $2, $3, $3, $4) ON CONFLICT (customer, country) DO UPDATE SET last_ms ="
    " CASE WHEN excluded.last_ms > countries_seen.last_ms THEN excluded.last_ms"
    "  ELSE countries_seen.last_ms END")
STATEMENT(LEDGER, EPOCH_RAISE, "i",
    INT(EPOCH_RAISE_EPOCH),
    "UPDATE accounts SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch")
/* A verdict with what its answer is made of: the bet or the transfer. */
STATEMENT(LEDGER, KEY_GET, "iis",
    BYTES(KEY_GET_HASH) INT(KEY_GET_VERDICT) TEXT(KEY_GET_DETAIL) INT(KEY_GET_REF)
    INT(KEY_GET_AT_MS) INT(KEY_GET_BET) INT(KEY_GET_STAKE) INT(KEY_GET_POTENTIAL)
    TEXT(KEY_GET_SLIP) TEXT(KEY_GET_CURRENCY) INT(KEY_GET_PLACED_MS)
    INT(KEY_GET_AMOUNT) INT(KEY_GET_BALANCE) INT(KEY_GET_CASHED_STAKE),
    "SELECT k.hash, k.verdict, k.detail, k.ref, k.at_ms,"
    " COALESCE(b.id, 0), COALESCE(b.stake + b.cashed_stake, 0), COALESCE(b.potential, 0),"
    " COALESCE(b.slip, ''), COALESCE(b.currency, ''), COALESCE(b.placed_ms, 0),"
    " COALESCE(t.amount, 0), COALESCE(t.balance_after, 0), COALESCE(b.cashed_stake, 0)"
    " FROM keys k"
    " LEFT JOIN bets b ON k.op = {MONEY_BET} AND k.verdict = {REFUSE_NOTHING}"
    "  AND b.account = k.account AND b.id = k.ref"
    " LEFT JOIN transfers t ON k.op <> {MONEY_BET} AND k.verdict = {REFUSE_NOTHING}"
    "  AND t.account = k.account AND t.seq = k.ref AND t.at_ms = k.at_ms"
    " WHERE k.account = $1 AND k.op = $2 AND k.key = $3")
#define BET_COLUMNS(name) \
    INT(name##_ACCOUNT) INT(name##_ID) INT(name##_VERSION) INT(name##_STATE) \
    INT(name##_STAKE) INT(name##_POTENTIAL) INT(name##_CAP) INT(name##_PAYOUT) \
    TEXT(name##_CURRENCY) TEXT(name##_SPORT) INT(name##_PLACED_MS) \
    INT(name##_SETTLED_MS) INT(name##_RULE) INT(name##_FLAGS) TEXT(name##_SLIP) \
    TEXT(name##_RESULTS) INT(name##_CASHED_STAKE) INT(name##_CASHED_PAID) \
    TEXT(name##_COUNTRY)
#define BET_SELECT \
    "SELECT account, id, version, state, stake, potential, cap, payout," \
    " currency, sport, placed_ms, settled_ms, rule, flags, slip, results," \
    " cashed_stake, cashed_paid, country" \
    " FROM bets"
STATEMENT(LEDGER, BET_GET, "ii", BET_COLUMNS(BET_GET), BET_SELECT " WHERE account = $1 AND id = $2")
/* $2: ids below this; $3, $4: states from, to. */
STATEMENT(LEDGER, BETS_LIST, "iiiii", BET_COLUMNS(BETS_LIST),
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
STATEMENT(LEDGER, LIMITS_GET, "iiii",
    INT(LIMITS_GET_KIND) INT(LIMITS_GET_PERIOD) INT(LIMITS_GET_AMOUNT)
    INT(LIMITS_GET_NEXT_AMOUNT) INT(LIMITS_GET_NEXT_FROM_MS) INT(LIMITS_GET_USED)
    INT(LIMITS_GET_EXCLUDED_UNTIL_MS),
    "SELECT k.kind, k.period, COALESCE(l.amount, -1), COALESCE(l.next_amount, -1),"
    " COALESCE(l.next_from_ms, 0), COALESCE(CASE WHEN l.since_ms >= k.since THEN l.used"
    "  WHEN l.account IS NOT NULL THEN 0 END, " LIMIT_USED "), a.excluded_until_ms"
    " FROM accounts a CROSS JOIN " LIMIT_NINE
    " LEFT JOIN limits l ON l.account = a.id AND l.kind = k.kind AND l.period = k.period"
    " WHERE a.id = $1 ORDER BY k.kind, k.period")
/* The first takes the account's lock: in one transaction, in this order. */
STATEMENT(LEDGER, LIMITS_TURN_ON, "i", NO_COLUMNS, "UPDATE accounts SET limited = 1 WHERE id = $1")
STATEMENT(LEDGER, LIMITS_ADD, "iiii", NO_COLUMNS,
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
STATEMENT(LEDGER, LIMIT_SET, "iiiiii", NO_COLUMNS,
    "UPDATE limits SET amount = CASE WHEN " LIMIT_LOWERS " THEN $4 ELSE " LIMIT_NOW " END,"
    " next_amount = CASE WHEN " LIMIT_LOWERS " THEN -1 ELSE $4 END,"
    " next_from_ms = CASE WHEN " LIMIT_LOWERS " THEN 0"
    "  WHEN next_from_ms > $5 AND next_amount = $4 THEN next_from_ms ELSE $5 + $6 END"
    " WHERE account = $1 AND kind = $2 AND period = $3")
/* Only ever later. */
STATEMENT(LEDGER, EXCLUDE, "ii",
    INT(EXCLUDE_UNTIL_MS),
    "UPDATE accounts SET excluded_until_ms = $2"
    " WHERE id = $1 AND excluded_until_ms <= $2 RETURNING excluded_until_ms")
STATEMENT(LEDGER, TRANSFERS_LIST, "iii",
    INT(TRANSFERS_LIST_SEQ) INT(TRANSFERS_LIST_DEBIT) INT(TRANSFERS_LIST_CREDIT)
    INT(TRANSFERS_LIST_AMOUNT) INT(TRANSFERS_LIST_KIND) INT(TRANSFERS_LIST_BET)
    INT(TRANSFERS_LIST_AT_MS) INT(TRANSFERS_LIST_BALANCE_AFTER),
    "SELECT seq, debit, credit, amount, kind, bet, at_ms, balance_after"
    " FROM transfers WHERE account = $1 AND seq < $2"
    " ORDER BY seq DESC LIMIT $3")
STATEMENT(LEDGER, FACTS_GET, "i",
    INT(FACTS_GET_POS) INT(FACTS_GET_KIND) INT(FACTS_GET_RANK)
    INT(FACTS_GET_MARKET_KEY) TEXT(FACTS_GET_EVENT) INT(FACTS_GET_MARKET)
    TEXT(FACTS_GET_SPECIFIERS) INT(FACTS_GET_PRODUCER) INT(FACTS_GET_TS_MS)
    INT(FACTS_GET_CERTAINTY) INT(FACTS_GET_START_MS) INT(FACTS_GET_END_MS)
    INT(FACTS_GET_STOPPED_MS) TEXT(FACTS_GET_OUTCOMES),
    "SELECT pos, kind, rank, market_key, event, market, specifiers, producer,"
    " ts_ms, certainty, start_ms, end_ms, stopped_ms, outcomes"
    " FROM facts WHERE market_key = $1 ORDER BY pos")
/* $2: bits of slots (model/slot.h); -1 = all. */
STATEMENT(LEDGER, SETTLE_QUEUE_LIST, "ii",
    INT(SETTLE_QUEUE_LIST_MARKET_KEY) INT(SETTLE_QUEUE_LIST_POS)
    INT(SETTLE_QUEUE_LIST_BET) TEXT(SETTLE_QUEUE_LIST_EVENT)
    INT(SETTLE_QUEUE_LIST_MARKET) TEXT(SETTLE_QUEUE_LIST_SPECIFIERS)
    INT(SETTLE_QUEUE_LIST_QUEUED_MS) INT(SETTLE_QUEUE_LIST_SLOT),
    "SELECT market_key, pos, bet, event, market, specifiers, queued_ms, slot"
    " FROM settle_queue WHERE ($2 >> CAST(slot AS integer)) & 1 = 1"
    " ORDER BY queued_ms, market_key LIMIT $1")
STATEMENT(LEDGER, SETTLE_QUEUE_DONE, "ii", NO_COLUMNS,
    "DELETE FROM settle_queue WHERE market_key = $1 AND pos = $2")
STATEMENT(LEDGER, PARK, "iiisi", NO_COLUMNS,
    "INSERT INTO parked (account, bet, market_key, reason, at_ms)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING")
/* Markets that got a bet after their facts were stored (RULES.md 7), each
 * with the id before its first such bet: one with an open leg, be it settled
 * by another leg already. $1: facts stored since, $2: bet ids may be this
 * many milliseconds older than the storing, $3: versions up to this. */
STATEMENT(LEDGER, LATE_MARKETS, "iii",
    INT(LATE_MARKETS_MARKET_KEY) INT(LATE_MARKETS_POS) INT(LATE_MARKETS_BEFORE_BET)
    TEXT(LATE_MARKETS_EVENT) INT(LATE_MARKETS_MARKET) TEXT(LATE_MARKETS_SPECIFIERS),
    /* From the few new facts inwards, whatever a planner knows of the tables:
     * subqueries are not reordered. */
    "SELECT market_key, pos, bet - 1, event, market, specifiers FROM ("
    " WITH late AS MATERIALIZED (SELECT f.market_key, MAX(f.pos) AS pos, f.event,"
    "  f.market, f.specifiers, MIN((SELECT MIN(l.bet) FROM legs l"
    "   WHERE l.market_key = f.market_key"
    "   AND l.bet >= (f.stored_ms - 1704067200000 - $2) * 4194304"
    "   AND (SELECT 1 FROM bets b WHERE b.account = l.account AND b.id = l.bet"
    "    AND b.state IN ({BET_ACCEPTED}, {BET_SETTLED}) AND b.version <= $3"
    "    AND (b.results = '' OR b.results LIKE '%null%')) = 1)) AS bet"
    "  FROM facts f WHERE f.stored_ms >= $1"
    "  GROUP BY f.market_key, f.event, f.market, f.specifiers)"
    " SELECT * FROM late) l WHERE bet IS NOT NULL")
STATEMENT(LEDGER, REQUEUE, "iiisis" "ii", NO_COLUMNS,
    "INSERT INTO settle_queue (market_key, pos, bet, event, market, specifiers, queued_ms,"
    " slot) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING")
/* Up to where in the log its results are stored. */
STATEMENT(LEDGER, SETTLE_OFFSET, "", INT(SETTLE_OFFSET_POS),
    "SELECT value FROM meta WHERE name = 'settle_offset'")
/* Markets queued, since when the oldest, and bets parked. */
STATEMENT(LEDGER, SETTLE_COUNTS, "",
    INT(SETTLE_COUNTS_QUEUED) INT(SETTLE_COUNTS_OLDEST_MS)
    INT(SETTLE_COUNTS_PARKED),
    "SELECT COUNT(*), COALESCE(MIN(queued_ms), 0), (SELECT COUNT(*) FROM parked)"
    " FROM settle_queue")
/* The daily report, from one snapshot. part 1: stakes by the day of placing;
 * 2: payouts and cash-outs less reversals by the day of the transfer; 3: bets
 * open now, with the stakes that are left in them; what dropped bets had is
 * in report_days.  $1, $2: from, to (exclusive); $3: a day, or another step, in
 * milliseconds; $4: 0 = days, 1 = only what moved in these steps. */
STATEMENT(LEDGER, REPORT_DAILY, "iiii",
    INT(REPORT_DAILY_PART) INT(REPORT_DAILY_DAY) TEXT(REPORT_DAILY_SPORT)
    TEXT(REPORT_DAILY_CURRENCY) INT(REPORT_DAILY_N) INT(REPORT_DAILY_AMOUNT)
    INT(REPORT_DAILY_STAKED),
    "SELECT part, day, sport, currency, CAST(SUM(n) AS bigint),"
    " CAST(SUM(amount) AS bigint), CAST(SUM(staked) AS bigint) FROM ("
    "SELECT CAST(1 AS bigint) AS part, placed_ms / $3 AS day, sport, currency,"
    " COUNT(*) AS n, CAST(SUM(stake + cashed_stake) AS bigint) AS amount,"
    " CAST(0 AS bigint) AS staked"
    " FROM bets WHERE placed_ms >= $1 AND placed_ms < $2"
    " GROUP BY placed_ms / $3, sport, currency"
    " UNION ALL SELECT CAST(2 AS bigint), t.at_ms / $3, b.sport, b.currency, COUNT(*),"
    " CAST(SUM(CASE WHEN t.kind = {TRANSFER_REVERSAL} THEN -t.amount ELSE t.amount END) AS bigint),"
    " CAST(0 AS bigint)"
    " FROM transfers t JOIN bets b ON b.account = t.account AND b.id = t.bet"
    " WHERE t.kind IN ({TRANSFER_PAYOUT}, {TRANSFER_REVERSAL}, {TRANSFER_CASHOUT})"
    "  AND t.at_ms >= $1 AND t.at_ms < $2"
    " GROUP BY t.at_ms / $3, b.sport, b.currency"
    " UNION ALL SELECT part, day, sport, currency, n, amount, CAST(0 AS bigint)"
    " FROM report_days WHERE $4 = 0 AND day >= $1 / 86400000 AND day * 86400000 < $2"
    " UNION ALL SELECT CAST(3 AS bigint), CAST(0 AS bigint), sport, currency, COUNT(*),"
    " CAST(SUM(potential) AS bigint), CAST(SUM(stake) AS bigint)"
    " FROM bets WHERE state = {BET_ACCEPTED} AND $4 = 0 GROUP BY sport, currency) r"
    " GROUP BY part, day, sport, currency ORDER BY 1, 2, 3, 4")
/* Experiments.  The first time stands. */
STATEMENT(LEDGER, EXPOSURE_ADD, "siis", NO_COLUMNS,
    "INSERT INTO exposures (experiment, account, at_ms, arm) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT DO NOTHING")
/* A row for each arm and currency: customers first told from $2 to $3 (exclusive), of
 * them who bet since then, their bets and stakes, the GGR of the bets that are
 * decided, and the sum of each customer's GGR squared (in hundreds squared). */
STATEMENT(LEDGER, COHORTS, "sii",
    TEXT(COHORTS_ARM) TEXT(COHORTS_CURRENCY) INT(COHORTS_CUSTOMERS)
    INT(COHORTS_BETTORS) INT(COHORTS_BETS) INT(COHORTS_STAKES) INT(COHORTS_GGR)
    INT(COHORTS_GGR_SQUARED),
    "SELECT c.arm, a.currency, COUNT(*),"
    " CAST(SUM(CASE WHEN c.bets > 0 THEN 1 ELSE 0 END) AS bigint), CAST(SUM(c.bets) AS bigint),"
    " CAST(SUM(c.stakes) AS bigint), CAST(SUM(c.ggr) AS bigint),"
    " CAST(ROUND(SUM(CAST(c.ggr AS double precision) * c.ggr / 10000)) AS bigint)"
    " FROM (SELECT e.account, e.arm, COUNT(b.id) AS bets,"
    "  COALESCE(SUM(b.stake + b.cashed_stake), 0) AS stakes,"
    "  COALESCE(SUM(CASE WHEN b.state = {BET_ACCEPTED} THEN 0"
    "   ELSE b.stake + b.cashed_stake - b.payout - b.cashed_paid END), 0) AS ggr"
    "  FROM exposures e LEFT JOIN bets b ON b.account = e.account"
    "   AND b.placed_ms >= e.at_ms AND b.placed_ms < $3"
    "  WHERE e.experiment = $1 AND e.at_ms >= $2 AND e.at_ms < $3"
    "  GROUP BY e.account, e.arm) c"
    " JOIN accounts a ON a.id = c.account GROUP BY c.arm, a.currency ORDER BY c.arm, a.currency")
STATEMENT(JOURNAL, FEED_READ, "ii",
    INT(FEED_READ_POS) INT(FEED_READ_AT_MS) INT(FEED_READ_TYPE)
    INT(FEED_READ_PRODUCER) TEXT(FEED_READ_EVENT) TEXT(FEED_READ_BODY),
    "SELECT pos, at_ms, type, producer, event, body FROM feed_log"
    " WHERE pos > $1 ORDER BY pos LIMIT $2")
/* How far the topic feed has been told the log (feed/publish.h). */
STATEMENT(JOURNAL, FEED_PUBLISHED, "",
    INT(FEED_PUBLISHED_POS), "SELECT value FROM meta WHERE name = 'feed_published'")
STATEMENT(JOURNAL, FEED_PUBLISHED_SET, "i", NO_COLUMNS,
    "UPDATE meta SET value = $1 WHERE name = 'feed_published' AND value < $1")
/* A partition of the book is taken (odds/partitions.h): its epoch, and up to
 * where results are told; at first what settlement has stored, when the ledger
 * lives here, too, else 0: what it has by then falls away on its hash. */
STATEMENT(JOURNAL, PARTITION_TAKE, "s",
    INT(PARTITION_TAKE_EPOCH) INT(PARTITION_TAKE_POSITION),
    "INSERT INTO epochs (name, epoch, position)"
    " SELECT $1, 1, value FROM meta WHERE name = 'settle_offset'"
    " ON CONFLICT (name) DO UPDATE SET epoch = epochs.epoch + 1"
    " RETURNING epoch, position")
STATEMENT(JOURNAL, PARTITION_TOLD, "sii", NO_COLUMNS,
    "UPDATE epochs SET position = $3 WHERE name = $1 AND epoch = $2 AND position < $3")
/* The log for a book behind a position: all documents, desk entries, restarts
 * and turns, what is recent, and what was not told; all numbers are known. */
STATEMENT(JOURNAL, PARTITION_LOG, "iiii",
    INT(PARTITION_LOG_POS) INT(PARTITION_LOG_TYPE) TEXT(PARTITION_LOG_EVENT)
    TEXT(PARTITION_LOG_BODY),
    "SELECT pos, type, event, body FROM feed_log"
    " WHERE pos > $1 AND (type IN (8, 10, 11, 12, 13, 14) OR at_ms >= $2 OR pos > $3)"
    " ORDER BY pos LIMIT $4")
/* Malformed messages, for a person; the oldest go. */
STATEMENT(JOURNAL, DEAD_ADD, "issii" "b", NO_COLUMNS,
    "INSERT INTO dead_messages (id, at_ms, routing_key, error, line, col, body)"
    " SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4, $5, $6 FROM dead_messages")
STATEMENT(JOURNAL, DEAD_TRIM, "i", NO_COLUMNS,
    "DELETE FROM dead_messages WHERE id <= (SELECT MAX(id) FROM dead_messages) - $1")
STATEMENT(JOURNAL, DEAD_COUNT, "",
    INT(DEAD_COUNT_N), "SELECT COUNT(*) FROM dead_messages")
/* The store's clock; SQLite's is this machine's, and PostgreSQL has a form of its own. */
STATEMENT(JOURNAL, CLOCK_READ, "",
    INT(CLOCK_READ_NOW_MS),
    "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)")
/* Commands on their way to the leader (feed/inbox.h). $3: so many at most. */
STATEMENT(JOURNAL, INBOX_ADD, "sii",
    INT(INBOX_ADD_ID),
    "INSERT INTO feed_inbox (body, at_ms) SELECT $1, $2"
    " WHERE (SELECT COUNT(*) FROM feed_inbox) < $3 RETURNING id")
STATEMENT(JOURNAL, INBOX_READ, "i",
    INT(INBOX_READ_ID) TEXT(INBOX_READ_BODY),
    "SELECT id, body FROM feed_inbox ORDER BY id LIMIT $1")
STATEMENT(JOURNAL, INBOX_DROP, "i", NO_COLUMNS, "DELETE FROM feed_inbox WHERE id = $1")
/* The lease of the feed's leader (feed/lease.h).  Every renewal changes until_ms, which others
 * watch; taking is conditional on what was seen. */
STATEMENT(JOURNAL, LEASE_GET, "s",
    TEXT(LEASE_GET_OWNER) INT(LEASE_GET_EPOCH) INT(LEASE_GET_UNTIL_MS),
    "SELECT owner, epoch, until_ms FROM leases WHERE name = $1")
STATEMENT(JOURNAL, LEASE_TAKE, "ssiii",
    INT(LEASE_TAKE_EPOCH),
    "UPDATE leases SET owner = $2, epoch = epoch + 1, until_ms = $3"
    " WHERE name = $1 AND epoch = $4 AND until_ms = $5 RETURNING epoch")
STATEMENT(JOURNAL, LEASE_RENEW, "sii",
    INT(LEASE_RENEW_EPOCH),
    "UPDATE leases SET until_ms = $3 WHERE name = $1 AND epoch = $2 RETURNING epoch")
STATEMENT(JOURNAL, LEASE_RELEASE, "si", NO_COLUMNS,
    "UPDATE leases SET until_ms = 0 WHERE name = $1 AND epoch = $2")
STATEMENT(LEDGER, LEDGER_TOTALS, "",
    TEXT(LEDGER_TOTALS_CURRENCY) INT(LEDGER_TOTALS_ACCOUNTS)
    INT(LEDGER_TOTALS_BALANCE) INT(LEDGER_TOTALS_DEBT) INT(LEDGER_TOTALS_STAKED),
    "SELECT currency, COUNT(*), CAST(SUM(balance) AS bigint),"
    " CAST(SUM(debt) AS bigint), CAST(SUM(staked) AS bigint)"
    " FROM accounts GROUP BY currency ORDER BY currency")
/* The desk's entries, newest first. $1: positions below this. */
STATEMENT(JOURNAL, DESK_LIST, "ii",
    INT(DESK_LIST_POS) INT(DESK_LIST_AT_MS) TEXT(DESK_LIST_BODY),
    "SELECT pos, at_ms, body FROM feed_log WHERE type = 14 AND pos < $1"
    " ORDER BY pos DESC LIMIT $2")
/* Whether a bet has a leg on the market, which the book may have forgotten. */
STATEMENT(LEDGER, MARKET_HAS_BETS, "i",
    INT(MARKET_HAS_BETS_HAS),
    "SELECT CAST(EXISTS (SELECT 1 FROM legs WHERE market_key = $1) AS integer)")
STATEMENT(JOURNAL, OPERATORS_LIST, "i",
    TEXT(OPERATORS_LIST_NAME) TEXT(OPERATORS_LIST_ROLES)
    BYTES(OPERATORS_LIST_TOKEN),
    "SELECT name, roles, token FROM operators WHERE ended_ms = 0 ORDER BY name LIMIT $1")
/* Housekeeping.  $1: older than this, $2: looks at so many of the oldest; of the
 * log $3: up to where settlement has stored (SETTLE_OFFSET), or the topic has it.
 * 10 and 11 are fixtures and market descriptions, which make the catalogue;
 * 12 and 13 say which producers are up, to whoever begins to follow the log;
 * 14 are the desk's entries, which are its audit log. */
STATEMENT(JOURNAL, FEED_TRIM, "iii", NO_COLUMNS,
    "DELETE FROM feed_log WHERE at_ms < $1 AND pos IN (SELECT pos FROM feed_log"
    " WHERE type NOT IN (10, 11, 12, 13, 14) ORDER BY pos LIMIT $2)"
    " AND (pos <= $3 OR pos <= (SELECT value FROM meta WHERE name = 'feed_published'))")
STATEMENT(JOURNAL, DOCUMENTS_TRIM, "ii", NO_COLUMNS,
    "DELETE FROM feed_log WHERE at_ms < $1 AND type IN (10, 12, 13)"
    " AND pos IN (SELECT pos FROM feed_log ORDER BY pos LIMIT $2)")
/* Traces of bets with a leg on market $1, ids above $2 up to $3. */
STATEMENT(LEDGER, TRACES_OF_MARKET, "iii",
    INT(TRACES_OF_MARKET_BET) TEXT(TRACES_OF_MARKET_PARENT),
    "SELECT t.bet, t.parent FROM legs l JOIN bet_traces t ON t.bet = l.bet"
    " WHERE l.market_key = $1 AND l.bet > $2 AND l.bet <= $3 ORDER BY t.bet")
STATEMENT(LEDGER, TRACES_TRIM, "ii", NO_COLUMNS,
    "DELETE FROM bet_traces WHERE bet IN"
    " (SELECT bet FROM bet_traces WHERE at_ms < $1 ORDER BY at_ms LIMIT $2)")
STATEMENT(LEDGER, OUTBOX_TRIM, "ii", NO_COLUMNS,
    "DELETE FROM outbox WHERE at_ms < $1"
    " AND id IN (SELECT id FROM outbox ORDER BY id LIMIT $2)"
    /* Once somebody tells it on the bus: not before all classes have been told
     * (settle/relay.h). */
    " AND (NOT EXISTS (SELECT 1 FROM relays WHERE owner <> '')"
    "  OR outbox.id <= (SELECT MIN(told) FROM relays))")
/* RULES.md 11: 90 days, and as long as the bet is open. */
STATEMENT(LEDGER, KEYS_TRIM, "ii", NO_COLUMNS,
    "DELETE FROM keys WHERE (account, op, key) IN (SELECT k.account, k.op, k.key"
    " FROM keys k WHERE k.at_ms < $1 AND NOT EXISTS (SELECT 1 FROM bets b"
    " WHERE k.op = {MONEY_BET} AND k.verdict = {REFUSE_NOTHING} AND b.account = k.account"
    " AND b.id = k.ref AND b.state = {BET_ACCEPTED}) LIMIT $2)")
/*
 * Liability (RULES.md 14, house/liability.h).  Every transaction that needs its
 * holder alive begins with SHARE: on PostgreSQL a lock in memory that fencing
 * waits for (postgres_exec.c), on SQLite, with its one writer, nothing.
 */
#define LIABILITY_ROW_IS " market_key = $1 AND outcome = $2"
STATEMENT(LEDGER, LIABILITY_SHARE, "i",
    INT(LIABILITY_SHARE_ONE), "SELECT 1 WHERE $1 <> 0")
/* A holder's epoch is used once, and its bets are known by the node: of two
 * that live one waits.  $1: node, $2: until, $3: now. */
STATEMENT(LEDGER, LIABILITY_EPOCH, "", NO_COLUMNS,
    "UPDATE epochs SET epoch = epoch + 1 WHERE name = 'liability'")
STATEMENT(LEDGER, LIABILITY_JOIN, "iii",
    INT(LIABILITY_JOIN_EPOCH),
    "INSERT INTO liability_holders (epoch, node, until_ms, fenced)"
    " SELECT epoch, $1, $2, 0 FROM epochs WHERE name = 'liability'"
    " AND NOT EXISTS (SELECT 1 FROM liability_holders h WHERE h.node = $1 AND h.fenced = 0"
    "  AND h.until_ms > $3) RETURNING epoch")
STATEMENT(LEDGER, LIABILITY_RENEW, "ii",
    INT(LIABILITY_RENEW_EPOCH),
    "UPDATE liability_holders SET until_ms = $2 WHERE epoch = $1 AND fenced = 0"
    " RETURNING epoch")
/* $1: now, $2: not this one, $3: in turn, behind this one. */
STATEMENT(LEDGER, LIABILITY_LAPSED, "iii",
    INT(LIABILITY_LAPSED_EPOCH) INT(LIABILITY_LAPSED_FENCED),
    "SELECT epoch, CAST(fenced AS bigint) FROM liability_holders"
    " WHERE epoch <> $2 AND (fenced = 1 OR until_ms < $1)"
    " ORDER BY CASE WHEN epoch > $3 THEN 0 ELSE 1 END, epoch LIMIT 1")
STATEMENT(LEDGER, LIABILITY_FENCE, "ii",
    INT(LIABILITY_FENCE_EPOCH),
    "UPDATE liability_holders SET fenced = 1 WHERE epoch = $1 AND until_ms < $2"
    " RETURNING epoch")
STATEMENT(LEDGER, LIABILITY_OF_HOLDER, "iii",
    INT(LIABILITY_OF_HOLDER_MARKET_KEY) TEXT(LIABILITY_OF_HOLDER_OUTCOME),
    "SELECT market_key, outcome FROM liability_leases WHERE epoch = $1 AND market_key >= $2"
    " ORDER BY market_key LIMIT $3")
STATEMENT(LEDGER, LIABILITY_BURY, "i", NO_COLUMNS,
    "DELETE FROM liability_holders WHERE epoch = $1 AND fenced = 1 AND NOT EXISTS"
    " (SELECT 1 FROM liability_leases l WHERE l.epoch = $1)")
/* A row, and the holders of its leases that are not fenced. */
STATEMENT(LEDGER, LIABILITY_ROW, "is", NO_COLUMNS,
    "INSERT INTO liability (market_key, outcome, granted, base, portion, mark)"
    " VALUES ($1, $2, 0, 0, 0, 0) ON CONFLICT DO NOTHING")
STATEMENT(LEDGER, LIABILITY_LEASES, "is",
    INT(LIABILITY_LEASES_MARK) INT(LIABILITY_LEASES_EPOCH)
    INT(LIABILITY_LEASES_NODE) INT(LIABILITY_LEASES_FROM_BET),
    "SELECT r.mark, COALESCE(l.epoch, 0), COALESCE(l.node, 0), COALESCE(l.from_bet, 0)"
    " FROM liability r LEFT JOIN (SELECT x.epoch, x.node, x.from_bet"
    "  FROM liability_leases x JOIN liability_holders h ON h.epoch = x.epoch"
    "  WHERE h.fenced = 0 AND x.market_key = $1 AND x.outcome = $2) l ON 1 = 1"
    " WHERE r.market_key = $1 AND r.outcome = $2")
/* Bets with a leg on a market, ids above $2, at most $3; on PostgreSQL bet by
 * bet through the index, whatever the planner expects (postgres_exec.c). */
STATEMENT(LEDGER, LIABILITY_BETS, "iii",
    INT(LIABILITY_BETS_BET) INT(LIABILITY_BETS_STATE) INT(LIABILITY_BETS_STAKE)
    INT(LIABILITY_BETS_POTENTIAL) TEXT(LIABILITY_BETS_CURRENCY)
    TEXT(LIABILITY_BETS_SLIP),
    "SELECT l.bet, COALESCE(b.state, 0), COALESCE(b.stake, 0), COALESCE(b.potential, 0),"
    " COALESCE(b.currency, ''), COALESCE(b.slip, '')"
    " FROM legs l LEFT JOIN bets b ON b.account = l.account AND b.id = l.bet"
    " WHERE l.market_key = $1 AND l.bet > $2 ORDER BY l.bet LIMIT $3")
/* Counted anew: $3 is what is open under no lease of $4, ",epoch,epoch,",
 * whose others are fenced and have their last here.  Only while $6 is the
 * row's mark; then it is $5, and the next statements know by that. */
#define LIABILITY_IS_LIVE(live) live " LIKE '%,' || epoch || ',%'"
STATEMENT(LEDGER, LIABILITY_COUNTED, "isis" "ii", NO_COLUMNS,
    "UPDATE liability SET base = $3, mark = $5, granted = granted - base + $3"
    " - (SELECT CAST(COALESCE(SUM(l.granted), 0) AS bigint) FROM liability_leases l"
    "    WHERE l.market_key = $1 AND l.outcome = $2 AND NOT " LIABILITY_IS_LIVE("$4") ")"
    " WHERE" LIABILITY_ROW_IS " AND mark = $6")
#define LIABILITY_MARKED(mark) \
    "EXISTS (SELECT 1 FROM liability r WHERE r.market_key = $1 AND r.outcome = $2" \
    " AND r.mark = " mark ")"
STATEMENT(LEDGER, LIABILITY_RECLAIM, "issi", NO_COLUMNS,
    "DELETE FROM liability_leases WHERE" LIABILITY_ROW_IS
    " AND NOT " LIABILITY_IS_LIVE("$3") " AND " LIABILITY_MARKED("$4"))
STATEMENT(LEDGER, LIABILITY_LEASE, "isiii" "i",
    INT(LIABILITY_LEASE_EPOCH),
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
STATEMENT(LEDGER, LIABILITY_GRANT, "isiii" "i", NO_COLUMNS,
    "UPDATE liability SET portion = CASE WHEN granted + $5 + $3 <= $4"
    "  THEN $3 + ($4 - granted - $5 - $3) / 8 ELSE 0 END,"
    " granted = granted + $5 + CASE WHEN granted + $5 + $3 <= $4"
    "  THEN $3 + ($4 - granted - $5 - $3) / 8 ELSE 0 END"
    " WHERE" LIABILITY_ROW_IS " AND " LIABILITY_HAS_LEASE("$6"))
STATEMENT(LEDGER, LIABILITY_TAKE, "isii", NO_COLUMNS,
    "UPDATE liability_leases SET granted = granted + $3 + COALESCE((SELECT r.portion"
    "  FROM liability r WHERE r.market_key = $1 AND r.outcome = $2), 0)"
    " WHERE" LIABILITY_ROW_IS " AND epoch = $4"
    " AND EXISTS (SELECT 1 FROM liability_holders h WHERE h.epoch = $4 AND h.fenced = 0)")
STATEMENT(LEDGER, LIABILITY_TAKEN, "isi",
    INT(LIABILITY_TAKEN_PORTION) INT(LIABILITY_TAKEN_GRANTED),
    "SELECT r.portion, r.granted FROM liability r"
    " WHERE r.market_key = $1 AND r.outcome = $2 AND " LIABILITY_HAS_LEASE("$3"))
/* A lease ends: $3 of it is open bets. */
STATEMENT(LEDGER, LIABILITY_LEAVE, "isiii", NO_COLUMNS,
    "UPDATE liability SET base = base + $3, mark = $5, granted = granted + $3"
    " - COALESCE((SELECT l.granted FROM liability_leases l WHERE l.market_key = $1"
    "  AND l.outcome = $2 AND l.epoch = $4), 0)"
    " WHERE" LIABILITY_ROW_IS " AND " LIABILITY_HAS_LEASE("$4"))
STATEMENT(LEDGER, LIABILITY_LEFT, "isii", NO_COLUMNS,
    "DELETE FROM liability_leases WHERE" LIABILITY_ROW_IS " AND epoch = $4"
    " AND " LIABILITY_MARKED("$3"))
STATEMENT(LEDGER, LIABILITY_TRIM, "is", NO_COLUMNS,
    "DELETE FROM liability WHERE" LIABILITY_ROW_IS " AND NOT EXISTS (SELECT 1"
    " FROM liability_leases l WHERE l.market_key = $1 AND l.outcome = $2)")
/* Held bets of several processes (house/hold_shared.c).  decision: 0 waits, 1
 * accepted, 2 declined, 3 offered. */
STATEMENT(LEDGER, HOLD_TIDY, "i", NO_COLUMNS, "DELETE FROM holds WHERE until_ms < $1")
STATEMENT(LEDGER, HOLD_ADD, "iiibi" "ssi", NO_COLUMNS,
    "INSERT INTO holds (id, node, account, legs, stake, currency, body, until_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
STATEMENT(LEDGER, HOLDS_OF_ACCOUNT, "ii",
    INT(HOLDS_OF_ACCOUNT_N),
    "SELECT COUNT(*) FROM holds WHERE account = $1 AND decision = 0 AND until_ms > $2")
/* Nobody else can take it then.  $4: now, $5: by which bet. */
STATEMENT(LEDGER, HOLD_TAKE_OFFER, "ibiii",
    INT(HOLD_TAKE_OFFER_ID),
    "UPDATE holds SET taken = $5 WHERE taken = 0 AND id = (SELECT id FROM holds"
    " WHERE account = $1 AND legs = $2 AND decision = 3 AND taken = 0 AND offer >= $3"
    " AND offer_until_ms > $4 ORDER BY id DESC LIMIT 1) RETURNING id")
STATEMENT(LEDGER, HOLD_RETURN, "i", NO_COLUMNS, "UPDATE holds SET taken = 0 WHERE id = $1")
STATEMENT(LEDGER, HOLDS_LIST, "ii",
    TEXT(HOLDS_LIST_BODY),
    "SELECT body FROM holds WHERE decision = 0 AND until_ms > $1"
    " ORDER BY until_ms, id LIMIT $2")
STATEMENT(LEDGER, HOLD_GET, "ii",
    INT(HOLD_GET_ACCOUNT) INT(HOLD_GET_STAKE) TEXT(HOLD_GET_CURRENCY),
    "SELECT account, stake, currency FROM holds"
    " WHERE id = $1 AND decision = 0 AND until_ms > $2")
STATEMENT(LEDGER, HOLD_DECIDE, "iiiii",
    INT(HOLD_DECIDE_ID),
    "UPDATE holds SET decision = $2, offer = $3, offer_until_ms = $4"
    " WHERE id = $1 AND decision = 0 AND until_ms > $5 RETURNING id")
STATEMENT(LEDGER, HOLDS_DECIDED, "i",
    INT(HOLDS_DECIDED_ID) INT(HOLDS_DECIDED_DECISION) INT(HOLDS_DECIDED_OFFER),
    "SELECT id, CAST(decision AS bigint), offer FROM holds"
    " WHERE node = $1 AND decision <> 0 ORDER BY id LIMIT 100")
STATEMENT(LEDGER, HOLD_END, "i", NO_COLUMNS, "DELETE FROM holds WHERE id = $1 AND decision <> 3")
STATEMENT(LEDGER, HOLD_KEEP_OFFER, "i", NO_COLUMNS, "UPDATE holds SET node = -1 WHERE id = $1")
/* One customer for the desk: 2 is the house's account of stakes and payouts. */
STATEMENT(LEDGER, CUSTOMER_RISK, "i",
    TEXT(CUSTOMER_RISK_CURRENCY) INT(CUSTOMER_RISK_BALANCE) INT(CUSTOMER_RISK_DEBT)
    INT(CUSTOMER_RISK_STAKED) INT(CUSTOMER_RISK_STATUS)
    INT(CUSTOMER_RISK_EXCLUDED_UNTIL_MS) INT(CUSTOMER_RISK_WON)
    INT(CUSTOMER_RISK_STAKES) INT(CUSTOMER_RISK_BETS) INT(CUSTOMER_RISK_OPEN_BETS)
    INT(CUSTOMER_RISK_CREATED_MS) TEXT(CUSTOMER_RISK_COUNTRY)
    TEXT(CUSTOMER_RISK_REGISTERED_IN) TEXT(CUSTOMER_RISK_LAST_COUNTRY)
    INT(CUSTOMER_RISK_LAST_SEEN_MS) INT(CUSTOMER_RISK_COUNTRIES),
    "SELECT a.currency, a.balance, a.debt, a.staked, CAST(a.status AS bigint),"
    " a.excluded_until_ms,"
    " (SELECT CAST(COALESCE(SUM(CASE WHEN t.credit = {HOUSE_BETS} THEN t.amount"
    "  WHEN t.debit = {HOUSE_BETS} THEN -t.amount ELSE 0 END), 0) AS bigint)"
    "  FROM transfers t WHERE t.account = a.id) - COALESCE(k.won, 0),"
    " (SELECT CAST(COALESCE(SUM(CASE WHEN t.kind = {TRANSFER_STAKE} THEN t.amount ELSE 0"
    "   END), 0) AS bigint)"
    "  FROM transfers t WHERE t.account = a.id) + COALESCE(k.staked, 0),"
    " (SELECT COUNT(*) FROM bets b WHERE b.account = a.id) + COALESCE(k.bets, 0),"
    " (SELECT COUNT(*) FROM bets b WHERE b.account = a.id AND b.state = {BET_ACCEPTED}),"
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
STATEMENT(LEDGER, ERASE_DUE, "i", NO_COLUMNS,
    "UPDATE customers SET email = 'erased:' || id, password = '', country = '', born = ''"
    " WHERE id IN (SELECT customer FROM erasures WHERE due_ms <= $1 AND done_ms = 0)")
/* Also of those erased in the last 40 days (3456000000 ms): a release that knows no
 * countries may have erased them while this one was taken back. */
STATEMENT(LEDGER, ERASE_COUNTRIES, "i", NO_COLUMNS,
    "DELETE FROM countries_seen WHERE customer IN"
    " (SELECT customer FROM erasures WHERE done_ms = 0 AND due_ms <= $1"
    " UNION ALL SELECT customer FROM erasures WHERE done_ms > 0 AND done_ms >= $1 - 3456000000)")
STATEMENT(LEDGER, ERASE_DONE, "i", NO_COLUMNS,
    "UPDATE erasures SET done_ms = $1 WHERE due_ms <= $1 AND done_ms = 0")
/* A month and its partitions, made ahead (sql/postgres/0005_archive.sql). */
STATEMENT(LEDGER, MONTH_ADD, "ii", NO_COLUMNS,
    "INSERT INTO months (start_ms, end_ms) SELECT $1, $2"
    " WHERE NOT EXISTS (SELECT 1 FROM months WHERE end_ms > $1) ON CONFLICT DO NOTHING")
#undef NO_COLUMNS
