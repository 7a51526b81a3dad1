/*
 * The audit: proves the books, on either store, beside a live server.
 *
 * Everything is read in one snapshot.  Sums and pairings are SQL that both
 * stores run as it stands; what bets should have been paid is computed again
 * from the facts in force, by the same pure code that paid them.
 */
#include <inttypes.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/map.h"
#include "model/grade.h"
#include "store/db_engine.h"
#include "store/halves.h"
#include "store/market_facts.h"

#define SENTENCE_BYTES 1024
#define PARKED_BYTES (256u * 1024 * 1024)
/* A bet may be this young and not settled yet: the sweep is to come. */
#define GRACE_MS (10 * 60 * 1000)

/* The signed sum of a customer's transfers. */
#define SIGNED "CASE WHEN t.credit = t.account THEN t.amount ELSE -t.amount END"

/* What transfers moved of what a limit is on, as tbl/statements.h has it. */
#define MOVED "COALESCE(SUM(" LIMIT_MOVED("l.kind") "), 0)"

/* Where the ledger begins: what was before is archived and dropped, and the
 * checkpoints stand for it. */
#define BETS_FROM "(SELECT value FROM meta WHERE name = 'bets_from')"
#define TRANSFERS_FROM "(SELECT value FROM meta WHERE name = 'transfers_from')"

struct audit {
    struct db *db;
    void (*on_difference)(void *ctx, struct str sentence);
    void *ctx;
    struct audit_counts *counts;
    int64_t now_ms;
    struct market_facts_set facts;
    struct arena arena;   /* parked bets */
    struct arena scratch; /* of one bet */
    struct map parked;    /* bet -> itself */
    uint64_t legs_sum, legs_rows, slips_sum, slips_legs;
};

static void differ(struct audit *audit, const char *format, ...) PRINTF_LIKE(2, 3);
static void differ(struct audit *audit, const char *format, ...)
{
    char text[SENTENCE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    CHECK(audit->on_difference != NULL);
    audit->counts->differences++;
    audit->on_difference(audit->ctx, str_of(text));
}

/* ---- what SQL can tell ------------------------------------------------- */

/* A query whose rows are differences: up to six numbers, printed after the
 * names in `what`. */
struct check {
    const char *columns, *sql;
    bool (*on_row)(void *ctx, const struct value *cells);
};

static bool on_account(void *ctx, const struct value *cells)
{
    struct audit *audit = ctx;
    int64_t id = cells[0].i, balance = cells[1].i, debt = cells[2].i;

    audit->counts->accounts++;
    if (balance < 0 || debt < 0)
        differ(audit, "account %" PRId64 ": balance %" PRId64 " or debt %" PRId64
               " is negative", id, balance, debt);
    if (balance > 0 && debt > 0)
        differ(audit, "account %" PRId64 ": balance %" PRId64 " and debt %" PRId64
               " are both positive", id, balance, debt);
    if (balance - debt != cells[5].i)
        differ(audit, "account %" PRId64 ": balance - debt is %" PRId64
               ", its transfers add up to %" PRId64, id, balance - debt, cells[5].i);
    if (cells[3].i != cells[7].i)
        differ(audit, "account %" PRId64 ": staked is %" PRId64
               ", its open bets add up to %" PRId64, id, cells[3].i, cells[7].i);
    if (cells[6].i > cells[4].i)
        differ(audit, "account %" PRId64 ": last event is %" PRId64
               ", a transfer has %" PRId64, id, cells[4].i, cells[6].i);
    return true;
}

static bool on_bad_transfer(void *ctx, const struct value *cells)
{
    differ(ctx, "transfer %" PRId64 "/%" PRId64 ": kind %" PRId64 " of %" PRId64
           " from %" PRId64 " to %" PRId64 " is not double entry of that kind",
           cells[0].i, cells[1].i, cells[5].i, cells[4].i, cells[2].i, cells[3].i);
    return true;
}

static bool on_orphan_transfer(void *ctx, const struct value *cells)
{
    differ(ctx, "transfer %" PRId64 "/%" PRId64 ": account or bet %" PRId64
           " does not exist", cells[0].i, cells[1].i, cells[2].i);
    return true;
}

static bool on_repeated_transfer(void *ctx, const struct value *cells)
{
    differ(ctx, "transfer %" PRId64 "/%" PRId64 ": there are %" PRId64 " of it", cells[0].i,
           cells[1].i, cells[2].i);
    return true;
}

static bool on_bad_checkpoint(void *ctx, const struct value *cells)
{
    differ(ctx, "checkpoint of account %" PRId64 ": cash %" PRId64 " and won %" PRId64
           " are not balance %" PRId64 " and debt %" PRId64 ", or it has no account",
           cells[0].i, cells[1].i, cells[2].i, cells[3].i, cells[4].i);
    return true;
}

static bool on_bad_bet(void *ctx, const struct value *cells)
{
    differ(ctx, "bet %" PRId64 "/%" PRId64 ": state %" PRId64 ", stake %" PRId64
           ", payout %" PRId64 "; transfers say %" PRId64 " stakes of %" PRId64
           ", paid %" PRId64, cells[0].i, cells[1].i, cells[2].i, cells[3].i, cells[4].i,
           cells[5].i, cells[6].i, cells[7].i);
    return true;
}

static bool on_bad_cashout(void *ctx, const struct value *cells)
{
    differ(ctx, "bet %" PRId64 "/%" PRId64 ": state %" PRId64 ", stake %" PRId64
           ", cashed out %" PRId64 " of it for %" PRId64 "; transfers say %" PRId64,
           cells[0].i, cells[1].i, cells[2].i, cells[3].i, cells[4].i, cells[5].i,
           cells[6].i);
    return true;
}

static bool on_orphan_bet(void *ctx, const struct value *cells)
{
    differ(ctx, "bet %" PRId64 "/%" PRId64 ": its account does not exist or has another"
           " currency", cells[0].i, cells[1].i);
    return true;
}

static bool on_lost_key(void *ctx, const struct value *cells)
{
    differ(ctx, "key of account %" PRId64 ", operation %" PRId64 ": what it names, %" PRId64
           ", does not exist", cells[0].i, cells[1].i, cells[2].i);
    return true;
}

static bool on_shared_bet(void *ctx, const struct value *cells)
{
    differ(ctx, "bet %" PRId64 "/%" PRId64 ": %" PRId64 " keys name it", cells[0].i,
           cells[1].i, cells[2].i);
    return true;
}

static bool on_bet_without_key(void *ctx, const struct value *cells)
{
    differ(ctx, "bet %" PRId64 "/%" PRId64 ": open, but no key names it: a copy of its"
           " request would be a second bet", cells[0].i, cells[1].i);
    return true;
}

static bool on_wrong_balance(void *ctx, const struct value *cells)
{
    differ(ctx, "transfer %" PRId64 "/%" PRId64 ": balance after it is %" PRId64
           ", the transfers so far add up to %" PRId64, cells[0].i, cells[1].i,
           cells[2].i, cells[3].i);
    return true;
}

static bool on_total(void *ctx, const struct value *cells)
{
    differ(ctx, "total of " STR_FMT ": customers have %" PRId64 ", the house %" PRId64
           "; together they are not 0", STR_ARG(cells[0].s), cells[1].i, cells[2].i);
    return true;
}

static bool on_wrong_limit(void *ctx, const struct value *cells)
{
    differ(ctx, "limit of account %" PRId64 ", kind %" PRId64 ", period %" PRId64 ": %" PRId64
           " is used, its transfers say %" PRId64, cells[0].i, cells[1].i, cells[2].i,
           cells[3].i, cells[4].i);
    return true;
}

static bool on_limited_without(void *ctx, const struct value *cells)
{
    differ(ctx, "account %" PRId64 ": limited is %" PRId64 ", it has %" PRId64 " rows of limits",
           cells[0].i, cells[1].i, cells[2].i);
    return true;
}

static bool on_leg_without_bet(void *ctx, const struct value *cells)
{
    differ(ctx, "leg of bet %" PRId64 "/%" PRId64 " on market %" PRId64
           ": there is no such bet", cells[0].i, cells[1].i, cells[2].i);
    return true;
}

static const struct check checks[] = {
    { "iiiiiiii",
      "SELECT a.id, a.balance, a.debt, a.staked, a.seq,"
      " COALESCE(m.total, 0) + COALESCE(k.cash + k.won, 0),"
      " CASE WHEN COALESCE(k.seq, 0) > COALESCE(m.last, 0) THEN k.seq"
      "  ELSE COALESCE(m.last, 0) END, COALESCE(o.staked, 0) FROM accounts a"
      " LEFT JOIN checkpoints k ON k.account = a.id"
      " LEFT JOIN (SELECT t.account, CAST(SUM(" SIGNED ") AS bigint) AS total,"
      "  MAX(t.seq) AS last FROM transfers t GROUP BY t.account) m ON m.account = a.id"
      " LEFT JOIN (SELECT account, CAST(SUM(stake) AS bigint) AS staked FROM bets"
      "  WHERE state = 1 GROUP BY account) o ON o.account = a.id",
      on_account },
    { "iiiiii",
      "SELECT account, seq, debit, credit, amount, kind FROM transfers"
      " WHERE amount <= 0 OR seq <= 0 OR NOT ("
      "  (kind = 1 AND debit = 1 AND credit = account AND bet = 0)"
      "  OR (kind = 2 AND debit = account AND credit = 1 AND bet = 0)"
      "  OR (kind IN (3, 5) AND debit = account AND credit = 2 AND bet <> 0)"
      "  OR (kind IN (4, 6) AND debit = 2 AND credit = account AND bet <> 0))",
      on_bad_transfer },
    { "iii",
      "SELECT t.account, t.seq, t.bet FROM transfers t"
      " LEFT JOIN accounts a ON a.id = t.account"
      " LEFT JOIN bets b ON b.account = t.account AND b.id = t.bet"
      " WHERE a.id IS NULL OR (t.bet >= 1 AND t.bet >= " BETS_FROM " AND b.id IS NULL)",
      on_orphan_transfer },
    { "iii",
      "SELECT account, seq, COUNT(*) FROM transfers GROUP BY account, seq"
      " HAVING COUNT(*) > 1",
      on_repeated_transfer },
    { "iiiiiiii",
      "SELECT b.account, b.id, b.state, b.stake + b.cashed_stake, b.payout,"
      " COALESCE(m.stakes, 0),"
      " COALESCE(m.stake, 0), COALESCE(m.paid, 0) FROM bets b"
      " LEFT JOIN (SELECT account, bet,"
      "  CAST(SUM(CASE kind WHEN 3 THEN 1 ELSE 0 END) AS bigint) AS stakes,"
      "  CAST(SUM(CASE kind WHEN 3 THEN amount ELSE 0 END) AS bigint) AS stake,"
      "  CAST(SUM(CASE kind WHEN 4 THEN amount WHEN 5 THEN -amount ELSE 0 END)"
      "   AS bigint) AS paid"
      "  FROM transfers WHERE bet <> 0 GROUP BY account, bet) m"
      "  ON m.account = b.account AND m.bet = b.id"
      " WHERE b.placed_ms >= " TRANSFERS_FROM " AND (COALESCE(m.stakes, 0) <> 1"
      "  OR m.stake <> b.stake + b.cashed_stake"
      "  OR m.paid <> b.payout OR b.state NOT IN (1, 2, 3)"
      "  OR (b.state <> 2 AND b.payout <> 0))",
      on_bad_bet },
    /* Cash-outs: what was taken out was paid for, and all of it is the end. */
    { "iiiiiii",
      "SELECT b.account, b.id, b.state, b.stake, b.cashed_stake, b.cashed_paid,"
      " COALESCE(m.paid, 0) FROM bets b"
      " LEFT JOIN (SELECT account, bet, CAST(SUM(amount) AS bigint) AS paid"
      "  FROM transfers WHERE kind = 6 GROUP BY account, bet) m"
      "  ON m.account = b.account AND m.bet = b.id"
      " WHERE b.cashed_paid <> COALESCE(m.paid, 0) OR b.stake < 0 OR b.cashed_stake < 0"
      "  OR (b.cashed_stake = 0) <> (m.paid IS NULL) OR (b.state = 3) <> (b.stake = 0)",
      on_bad_cashout },
    { "ii",
      "SELECT b.account, b.id FROM bets b LEFT JOIN accounts a ON a.id = b.account"
      " WHERE a.id IS NULL OR a.currency <> b.currency",
      on_orphan_bet },
    { "iii",
      "SELECT k.account, k.op, k.ref FROM keys k"
      " LEFT JOIN bets b ON k.op = 1 AND b.account = k.account AND b.id = k.ref"
      " LEFT JOIN transfers t ON k.op <> 1 AND t.account = k.account AND t.seq = k.ref"
      " WHERE k.verdict = 0 AND b.id IS NULL AND t.seq IS NULL"
      "  AND k.at_ms >= " TRANSFERS_FROM " AND (k.op <> 1 OR k.ref >= " BETS_FROM ")",
      on_lost_key },
    { "iii",
      "SELECT account, ref, COUNT(*) FROM keys WHERE op = 1 AND verdict = 0"
      " GROUP BY account, ref HAVING COUNT(*) > 1",
      on_shared_bet },
    { "ii",
      "SELECT b.account, b.id FROM bets b LEFT JOIN keys k ON k.account = b.account"
      " AND k.op = 1 AND k.verdict = 0 AND k.ref = b.id"
      " WHERE b.state = 1 AND k.account IS NULL",
      on_bet_without_key },
    { "iiii",
      /* The few that are older than the last one dropped are in no order. */
      "SELECT account, seq, balance_after, CAST(net AS bigint) FROM"
      " (SELECT t.account, t.seq, t.balance_after, COALESCE(k.seq, 0) AS dropped, SUM(" SIGNED ")"
      "  OVER (PARTITION BY t.account ORDER BY t.seq) + COALESCE(k.cash + k.won, 0) AS net"
      "  FROM transfers t LEFT JOIN checkpoints k ON k.account = t.account) m"
      " WHERE seq > dropped AND balance_after <> CASE WHEN net > 0 THEN net ELSE 0 END",

      on_wrong_balance },
    { "sii",
      "SELECT c.currency, c.total, COALESCE(h.total, 0) FROM"
      " (SELECT currency, CAST(SUM(balance - debt) AS bigint) AS total FROM accounts"
      "  GROUP BY currency) c"
      " LEFT JOIN (SELECT a.currency,"
      "  CAST(SUM((CASE WHEN t.credit IN (1, 2) THEN t.amount ELSE 0 END)"
      "   - (CASE WHEN t.debit IN (1, 2) THEN t.amount ELSE 0 END)) AS bigint) AS total"
      "  FROM transfers t JOIN accounts a ON a.id = t.account GROUP BY a.currency) h"
      "  ON h.currency = c.currency"
      " LEFT JOIN (SELECT a.currency, CAST(SUM(k.cash + k.won) AS bigint) AS total"
      "  FROM checkpoints k JOIN accounts a ON a.id = k.account GROUP BY a.currency) d"
      "  ON d.currency = c.currency"
      " WHERE c.total + COALESCE(h.total, 0) - COALESCE(d.total, 0) <> 0",
      on_total },
    { "iiiii",
      "SELECT k.account, k.cash, k.won, k.balance, k.debt FROM checkpoints k"
      " LEFT JOIN accounts a ON a.id = k.account"
      " WHERE a.id IS NULL OR k.balance < 0 OR k.debt < 0 OR (k.balance > 0 AND k.debt > 0)"
      "  OR k.balance - k.debt <> k.cash + k.won",
      on_bad_checkpoint },
    { "iii",
      "SELECT l.account, l.bet, l.market_key FROM legs l"
      " LEFT JOIN bets b ON b.account = l.account AND b.id = l.bet WHERE b.id IS NULL",
      on_leg_without_bet },
    { "iiiii",
      "SELECT l.account, l.kind, l.period, l.used, CAST(" MOVED " AS bigint)"
      " FROM limits l"
      " LEFT JOIN transfers t ON t.account = l.account AND t.at_ms >= l.since_ms"
      " WHERE l.since_ms >= " TRANSFERS_FROM
      " GROUP BY l.account, l.kind, l.period, l.used HAVING l.used <> " MOVED,
      on_wrong_limit },
    { "iii",
      "SELECT a.id, a.limited, COALESCE(l.n, 0) FROM accounts a"
      " LEFT JOIN (SELECT account, COUNT(*) AS n FROM limits GROUP BY account) l"
      "  ON l.account = a.id"
      " WHERE COALESCE(l.n, 0) <> CASE a.limited WHEN 0 THEN 0 ELSE 9 END",
      on_limited_without },
};

static bool query(struct audit *audit, const char *sql, const char *columns,
                  bool (*on_row)(void *, const struct value *), struct str *error)
{
    return db_query(audit->db, sql, "", NULL, columns, on_row, audit, error);
}

/* ---- facts in force ------------------------------------------------------ */

static void on_unreadable(void *ctx, int64_t key, int64_t position)
{
    differ(ctx, "fact of market %" PRId64 " at position %" PRId64
           ": its outcomes cannot be read", key, position);
}

static bool on_parked(void *ctx, const struct value *cells)
{
    struct audit *audit = ctx;
    int64_t *bet = ARENA_NEW(&audit->arena, int64_t);

    *bet = cells[0].i;
    CHECK(map_put(&audit->parked, MAP_KEY(bet), bet));
    return true;
}

static bool load_facts(struct audit *audit, struct str *error)
{
    return query(audit, "SELECT bet FROM parked", "i", on_parked, error) &&
           market_facts_load(&audit->facts, audit->db, 0, error);
}

/* ---- every bet again -------------------------------------------------------- */

/* The order of rows does not matter to a sum; a lost or foreign row does. */
static uint64_t mix_leg(int64_t account, int64_t bet, int64_t key)
{
    int64_t row[3] = { account, bet, key };

    return hash_stable((struct str){ (const char *)row, sizeof(row) });
}

static bool on_leg(void *ctx, const struct value *cells)
{
    struct audit *audit = ctx;

    audit->legs_sum += mix_leg(cells[0].i, cells[1].i, cells[2].i);
    audit->legs_rows++;
    return true;
}

static void add_slip_legs(struct audit *audit, int64_t account, int64_t bet,
                          const struct slip *slip)
{
    CHECK(slip->n_legs <= LIMIT_LEGS);
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        int64_t key = market_key(slip->legs[i].market);
        bool repeated = false;

        for (uint32_t j = 0; j < i; j++)
            repeated = repeated || market_key(slip->legs[j].market) == key;
        if (repeated)
            continue;
        audit->slips_sum += mix_leg(account, bet, key);
        audit->slips_legs++;
    }
}

/* The facts of exactly this market: its key may be another's, too. */
static struct ruling rule(struct audit *audit, const struct market_facts *market,
                          struct market_id id)
{
    struct fact *own = ARENA_ARRAY(&audit->scratch, struct fact, market->n + 1);
    uint32_t n = 0;

    CHECK(market->key == market_key(id));
    for (uint32_t i = 0; i < market->n; i++)
        if (market_id_equal(market->facts[i].id, id))
            own[n++] = market->facts[i];
    return facts_rule(own, n, &audit->scratch);
}

/* False: settlement has not come to one of its markets yet. */
static bool judge(struct audit *audit, struct slip *slip, int64_t placed_ms,
                  int64_t *stored_ms)
{
    *stored_ms = 0;
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        struct leg *leg = &slip->legs[i];
        int64_t key = market_key(leg->market);
        const struct market_facts *market = market_facts_of(&audit->facts, key);
        struct ruling ruling;

        leg->result = LEG_RESULT_OPEN;
        if (market == NULL)
            continue;
        if (market->queued)
            return false;
        if (market->stored_ms > *stored_ms)
            *stored_ms = market->stored_ms;
        ruling = rule(audit, market, leg->market);
        leg->result = ruling_leg(&ruling, leg->outcome, placed_ms);
    }
    return true;
}

static bool same_result(const struct leg_result *a, const struct leg_result *b)
{
    return a->state == b->state && a->result == b->result && a->void_e12 == b->void_e12
        && a->dead_heat_e12 == b->dead_heat_e12;
}

/* What the row says of its legs, for payouts to come are made of it. */
static void compare_legs(struct audit *audit, const struct value *cells,
                         const struct slip *slip)
{
    struct slip told = *slip;

    if (!results_decode(cells[8].s, &told)) {
        differ(audit, "bet %" PRId64 "/%" PRId64 ": its results cannot be read",
               cells[0].i, cells[1].i);
        return;
    }
    for (uint32_t i = 0; i < slip->n_legs; i++)
        if (!same_result(&told.legs[i].result, &slip->legs[i].result))
            differ(audit, "bet %" PRId64 "/%" PRId64 ": leg %u is %s, the facts in force"
                   " say %s", cells[0].i, cells[1].i, i,
                   leg_state_name(told.legs[i].result.state),
                   leg_state_name(slip->legs[i].result.state));
}

/* Before its legs are judged. */
static void compare_promise(struct audit *audit, const struct value *cells,
                            const struct slip *slip)
{
    int64_t potential = 0, promised = cells[9].i;

    if (!grade_potential(slip, cells[3].i, &potential) || potential != promised
        || promised > cells[4].i)
        differ(audit, "bet %" PRId64 "/%" PRId64 ": potential payout %" PRId64
               " and cap %" PRId64 ", its odds give %" PRId64, cells[0].i, cells[1].i,
               promised, cells[4].i, potential);
}

/* No offer is above what the stake would have won. */
static void compare_cashed(struct audit *audit, const struct value *cells,
                           const struct slip *slip)
{
    int64_t most = 0, stake = cells[10].i, paid = cells[11].i;

    if (stake < 0 || !grade_potential(slip, stake, &most) || paid > most)
        differ(audit, "bet %" PRId64 "/%" PRId64 ": %" PRId64 " was paid for a stake of %"
               PRId64 " that could win %" PRId64, cells[0].i, cells[1].i, paid, stake, most);
}

static void compare(struct audit *audit, const struct value *cells, struct slip *slip)
{
    int64_t placed_ms = cells[6].i, stored_ms;
    enum bet_state state = (enum bet_state)cells[2].i;
    struct grade grade;
    bool young;

    if (!judge(audit, slip, placed_ms, &stored_ms))
        return;
    grade = grade_slip(slip, cells[3].i, cells[4].i);
    CHECK(!grade.fixed || grade.payout_minor >= 0);
    young = audit->now_ms - GRACE_MS < (placed_ms > stored_ms ? placed_ms : stored_ms);
    if (state == BET_SETTLED && !grade.fixed)
        differ(audit, "bet %" PRId64 "/%" PRId64 ": settled, but the facts in force leave"
               " it open", cells[0].i, cells[1].i);
    else if (state == BET_SETTLED && grade.payout_minor != cells[5].i)
        differ(audit, "bet %" PRId64 "/%" PRId64 ": paid %" PRId64
               ", the facts in force give %" PRId64, cells[0].i, cells[1].i, cells[5].i,
               grade.payout_minor);
    else if (state == BET_ACCEPTED && grade.fixed && !young)
        differ(audit, "bet %" PRId64 "/%" PRId64 ": open, but the facts in force give %"
               PRId64, cells[0].i, cells[1].i, grade.payout_minor);
    if (!young)
        compare_legs(audit, cells, slip);
}

static bool on_bet(void *ctx, const struct value *cells)
{
    struct audit *audit = ctx;
    struct slip slip = { 0 };
    int64_t bet = cells[1].i;

    audit->counts->bets++;
    arena_reset(&audit->scratch);
    if (!slip_decode(cells[7].s, &audit->scratch, &slip)) {
        differ(audit, "bet %" PRId64 "/%" PRId64 ": its slip cannot be read", cells[0].i, bet);
        return true;
    }
    add_slip_legs(audit, cells[0].i, bet, &slip);
    if (cells[3].i < 0 || cells[4].i < 0) {
        differ(audit, "bet %" PRId64 "/%" PRId64 ": stake %" PRId64 " or cap %" PRId64
               " is negative", cells[0].i, bet, cells[3].i, cells[4].i);
        return true;
    }
    compare_promise(audit, cells, &slip);
    compare_cashed(audit, cells, &slip);
    if (cells[2].i != BET_CASHED_OUT && map_get(&audit->parked, MAP_KEY(&bet)) == NULL)
        compare(audit, cells, &slip);
    return true;
}

static bool check_bets(struct audit *audit, struct str *error)
{
    if (!query(audit,
               "SELECT account, id, state, stake, cap, payout, placed_ms, slip, results,"
               " potential, cashed_stake, cashed_paid FROM bets",
               "iiiiiiissiii", on_bet, error) ||
        !query(audit, "SELECT account, bet, market_key FROM legs", "iii", on_leg, error))
        return false;
    return true;
}

/* Only when the sums differ: which bets.  Slow, and exact. */
static bool on_bet_legs(void *ctx, const struct value *cells)
{
    struct audit *audit = ctx;
    struct slip slip = { 0 };
    uint64_t before = audit->slips_legs;

    arena_reset(&audit->scratch);
    if (!slip_decode(cells[2].s, &audit->scratch, &slip))
        return true;
    add_slip_legs(audit, cells[0].i, cells[1].i, &slip);
    if (audit->slips_legs - before != (uint64_t)cells[3].i)
        differ(audit, "bet %" PRId64 "/%" PRId64 ": its slip has %" PRIu64
               " markets, %" PRId64 " are indexed", cells[0].i, cells[1].i,
               audit->slips_legs - before, cells[3].i);
    return true;
}

static bool check_legs(struct audit *audit, struct str *error)
{
    uint64_t before = audit->counts->differences;

    if (audit->legs_sum == audit->slips_sum && audit->legs_rows == audit->slips_legs)
        return true;
    if (!query(audit,
               "SELECT b.account, b.id, b.slip, COALESCE(l.n, 0) FROM bets b"
               " LEFT JOIN (SELECT account, bet, COUNT(*) AS n FROM legs"
               "  GROUP BY account, bet) l ON l.account = b.account AND l.bet = b.id",
               "iisi", on_bet_legs, error))
        return false;
    if (audit->counts->differences == before)
        differ(audit, "legs: %" PRIu64 " rows are not the slips' markets", audit->legs_rows);
    return true;
}

/* ---- running ---------------------------------------------------------------- */

static bool on_page(void *ctx, const struct value *cells)
{
    if (!str_eq(cells[0].s, STR("ok")))
        differ(ctx, "database file: " STR_FMT, STR_ARG(cells[0].s));
    return true;
}

static bool on_counts(void *ctx, const struct value *cells)
{
    struct audit *audit = ctx;

    audit->counts->transfers = (uint64_t)cells[0].i;
    audit->counts->keys = (uint64_t)cells[1].i;
    return true;
}

static bool check_file(struct audit *audit, struct str *error)
{
    return db_is_postgres(audit->db) ||
           query(audit, "PRAGMA quick_check(10)", "s", on_page, error);
}

bool audit_file(struct db *db, void (*on_difference)(void *ctx, struct str sentence), void *ctx,
                struct audit_counts *counts, struct str *error)
{
    struct audit audit = { .db = db, .on_difference = on_difference, .ctx = ctx,
                           .counts = counts };

    *counts = (struct audit_counts){ 0 };
    return halves_need(db, STORE_JOURNAL, error) && check_file(&audit, error);
}

static bool run_checks(void *ctx, struct str *error)
{
    struct audit *audit = ctx;

    if (!check_file(audit, error))
        return false;
    if (!query(audit, "SELECT (SELECT COUNT(*) FROM transfers), (SELECT COUNT(*) FROM keys)",
               "ii", on_counts, error))
        return false;
    for (size_t i = 0; i < LENGTH(checks); i++)
        if (!query(audit, checks[i].sql, checks[i].columns, checks[i].on_row, error))
            return false;
    if (!load_facts(audit, error) || !check_bets(audit, error))
        return false;
    CHECK(audit->slips_legs <= audit->counts->bets * LIMIT_LEGS);
    return check_legs(audit, error);
}

bool audit_run(struct db *db, void (*on_difference)(void *ctx, struct str sentence),
               void *ctx, struct audit_counts *counts, struct str *error)
{
    struct audit audit = { .db = db, .on_difference = on_difference, .ctx = ctx,
                           .counts = counts, .now_ms = clock_wall_ms() };
    bool done;

    *counts = (struct audit_counts){ 0 };
    if (!halves_need(db, STORE_LEDGER, error))
        return false;
    market_facts_init(&audit.facts, on_unreadable, &audit);
    arena_init(&audit.arena, PARKED_BYTES);
    arena_init(&audit.scratch, 64 * 1024 * 1024);
    map_init(&audit.parked, LIMIT_MARKETS);
    done = db_snapshot(db, run_checks, &audit, error);
    map_fini(&audit.parked);
    market_facts_fini(&audit.facts);
    arena_fini(&audit.scratch);
    arena_fini(&audit.arena);
    return done;
}
