/*
 * Months that are over leave PostgreSQL (archive.h).  One goes when
 *
 *  - it ended before the window: bets may be settled again and requests be
 *    repeated so long (RULES.md 11: 90 days), and none of its bets was
 *    settled within;
 *  - none of its bets is open or parked, and no event waits in the outbox;
 *  - each of its days is in the archive, in every store that there is, read
 *    back, as the database has it.
 *
 * What is left: a checkpoint per account, which the audit and a customer's
 * totals count on from, and the daily report's figures (report_days).  All of
 * it is one transaction, which stops nobody but at its very end, when the
 * tables go: a trigger notices whoever changes one of the month's bets
 * meanwhile (locking them would meet settlement head on: that has the parent's
 * lock, which the end needs, and would wait for the partition's).
 */
#include <inttypes.h>
#include <unistd.h>

#include "archive/archive.h"
#include "model/bet.h"

#define LOCK_ATTEMPTS 50
#define LOCK_PAUSE_US 150000

struct month { int64_t start_ms, end_ms, low, high; /* of its bets' ids */ };
struct months { struct month *months; uint32_t n; };

/* It is whole days, and over for as long as bets may be settled again. */
static void month_check(const struct archive *archive, const struct month *month,
                        int64_t window_ms)
{
    CHECK(month->start_ms < month->end_ms && month->low < month->high);
    CHECK(month->start_ms % DAY_MS == 0 && month->end_ms % DAY_MS == 0);
    CHECK(month->high == bet_id_floor(month->end_ms));
    CHECK(window_ms > 0 && month->end_ms <= archive->now_ms - window_ms);
}

/* Of $1 start, $2 end, $3, $4 ids from, to; $5 the window's begin. */
static const struct need { const char *sql, *why; } needs[] = {
    { "SELECT COUNT(*) FROM bets WHERE id >= $3 AND id < $4 AND state = 1", "open bets" },
    { "SELECT COUNT(*) FROM bets WHERE id >= $3 AND id < $4 AND settled_ms > $5",
      "bets settled within the window" },
    { "SELECT COUNT(*) FROM parked WHERE bet >= $3 AND bet < $4", "parked bets" },
    { "SELECT COUNT(*) FROM outbox WHERE at_ms < $2", "events that were not told yet" },
};

static const char *const folds[] = {
    "INSERT INTO checkpoints AS k (account, seq, cash, won, balance, debt, staked, bets)"
    " SELECT account, max(seq), sum(cash), sum(won), greatest(sum(cash + won), 0),"
    " greatest(-sum(cash + won), 0), sum(staked), sum(bets) FROM ("
    "SELECT account, seq, CASE kind WHEN 1 THEN amount WHEN 2 THEN -amount ELSE 0 END AS cash,"
    " CASE WHEN kind IN (4, 6) THEN amount WHEN kind IN (3, 5) THEN -amount ELSE 0 END AS won,"
    " CASE kind WHEN 3 THEN amount ELSE 0 END AS staked, 0 AS bets"
    " FROM transfers WHERE at_ms >= $1 AND at_ms < $2"
    " UNION ALL SELECT account, 0, 0, 0, 0, 1 FROM bets WHERE id >= $3 AND id < $4) t"
    " GROUP BY account ON CONFLICT (account) DO UPDATE SET"
    " seq = greatest(k.seq, excluded.seq), cash = k.cash + excluded.cash,"
    " won = k.won + excluded.won, staked = k.staked + excluded.staked,"
    " balance = greatest(k.cash + k.won + excluded.cash + excluded.won, 0),"
    " debt = greatest(-k.cash - k.won - excluded.cash - excluded.won, 0),"
    " bets = k.bets + excluded.bets",
    "INSERT INTO report_days AS r (part, day, sport, currency, n, amount)"
    " SELECT 1, placed_ms / 86400000, sport, currency, count(*), sum(stake + cashed_stake)"
    " FROM bets WHERE id >= $3 AND id < $4 GROUP BY 2, 3, 4"
    " UNION ALL SELECT 2, t.at_ms / 86400000, b.sport, b.currency, count(*),"
    " sum(CASE WHEN t.kind = 5 THEN -t.amount ELSE t.amount END)"
    " FROM transfers t JOIN bets b ON b.account = t.account AND b.id = t.bet"
    " WHERE t.kind IN (4, 5, 6) AND b.id >= $3 AND b.id < $4 AND t.bet >= $3 AND t.bet < $4"
    " GROUP BY 2, 3, 4 ON CONFLICT (part, day, sport, currency)"
    " DO UPDATE SET n = r.n + excluded.n, amount = r.amount + excluded.amount",
    "DELETE FROM keys WHERE at_ms < $2 AND (op <> 1 OR verdict <> 0 OR ref < $4)",
    ("UPDATE meta SET value = CASE name WHEN 'bets_from' THEN $4 ELSE $2 END"
     " WHERE name IN ('bets_from', 'transfers_from')"),
};

static bool take_int(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

static bool on_month(void *ctx, const struct value *cells)
{
    struct months *months = ctx;
    int64_t start_ms = cells[0].i, end_ms = cells[1].i;

    CHECK(months->n < ARCHIVE_DAYS_MAX);
    CHECK(months->n == 0 || months->months[months->n - 1].end_ms <= start_ms);
    months->months[months->n++] = (struct month){
        start_ms, end_ms, start_ms == 0 ? INT64_MIN : bet_id_floor(start_ms),
        bet_id_floor(end_ms),
    };
    return months->n < ARCHIVE_DAYS_MAX;
}

static bool count_rows(struct archive *archive, const struct month *month, int64_t window_ms,
                       const char *sql, int64_t *answer, struct str *error)
{
    struct value params[] = { VALUE_INT(month->start_ms), VALUE_INT(month->end_ms),
                              VALUE_INT(month->low), VALUE_INT(month->high),
                              VALUE_INT(archive->now_ms - window_ms) };

    CHECK(window_ms >= 0);
    *answer = 0;
    return db_query(archive->db, sql, "iiiii", params, "i", take_int, answer, error);
}

/* Whether it is in the way: *why, else "".  False: could not be asked. */
static bool needed(struct archive *archive, const struct month *month, int64_t window_ms,
                   struct str *why, struct str *error)
{
    CHECK(why->n == 0);
    for (size_t i = 0; i < LENGTH(needs); i++) {
        int64_t n;

        if (!count_rows(archive, month, window_ms, needs[i].sql, &n, error))
            return false;
        CHECK(n >= 0);
        if (n > 0) {
            *why = arena_printf(&archive->arena, "%" PRId64 " %s", n, needs[i].why);
            return true;
        }
    }
    *why = STR_NONE;
    return true;
}

/* One day is in one store as it is. */
static bool day_is_kept(struct archive *archive, unsigned store, const struct day *day,
                        struct manifest *manifest, struct str *why)
{
    struct s3 *s3 = archive->copies.s3[store];
    struct archive_counts counts = { 0 };
    enum s3_result found = archive_manifest(archive, s3, day->day, manifest, why);
    char text[DAY_TEXT];

    if (found == S3_FAILED)
        return false;
    CHECK(found != S3_OK || manifest->keys[PACK_BETS][0] != '\0');
    if (found == S3_OK && day_equal(&manifest->day, day))
        return archive_objects_hold(archive, s3, manifest, &counts, why);
    day_text(day->day, text);
    *why = arena_printf(&archive->arena, "%s is not archived as it is now%s%s", text,
                        copies_are_two(&archive->copies) ? " in the store " : "",
                        copies_are_two(&archive->copies) ? copy_name(store) : "");
    return false;
}

/* Every day of the month is archived as it is; `total` is what they add up to. */
static bool archived(struct archive *archive, const struct month *month, struct day *total,
                     struct str *why)
{
    struct days days;

    CHECK(archive->copies.s3[0] != NULL || archive->copies.s3[1] != NULL);
    *total = (struct day){ 0 };
    if (!archive_days(archive, &days, why))
        return false;
    for (uint32_t i = 0; i < days.n && days.days[i].day < month->end_ms / DAY_MS; i++) {
        struct manifest manifest;

        for (unsigned store = 0; store < COPIES; store++)
            if (archive->copies.s3[store] != NULL &&
                !day_is_kept(archive, store, &days.days[i], &manifest, why))
                return false;
        CHECK(day_equal(&manifest.day, &days.days[i]));
        CHECK(i == 0 || days.days[i - 1].day < days.days[i].day);
        for (unsigned kind = 0; kind < PACK_KINDS; kind++) {
            total->parts[kind].rows += manifest.day.parts[kind].rows;
            total->parts[kind].sum += manifest.day.parts[kind].sum;
        }
    }
    return true;
}

/* It is still what was archived. */
static bool unchanged(struct archive *archive, const struct month *month,
                      const struct day *total, bool *same, struct str *error)
{
    static const char *const sql[] = {
        "SELECT count(*) FROM bets WHERE id >= $3 AND id < $4",
        ("SELECT COALESCE(sum(" ARCHIVE_BET_MARK "), 0)::bigint FROM bets"
         " WHERE id >= $3 AND id < $4"),
        "SELECT count(*) FROM transfers WHERE at_ms >= $1 AND at_ms < $2",
        ("SELECT COALESCE(sum(amount), 0)::bigint FROM transfers"
         " WHERE at_ms >= $1 AND at_ms < $2"),
    };
    const int64_t wanted[] = {
        total->parts[PACK_BETS].rows, total->parts[PACK_BETS].sum,
        total->parts[PACK_TRANSFERS].rows, total->parts[PACK_TRANSFERS].sum,
    };

    CHECK(wanted[0] >= 0 && wanted[2] >= 0 && wanted[3] >= 0);
    *same = true;
    for (size_t i = 0; i < LENGTH(sql); i++) {
        int64_t n;

        if (!count_rows(archive, month, 0, sql[i], &n, error))
            return false;
        *same = *same && n == wanted[i];
    }
    return true;
}

static bool take_text(void *ctx, const struct value *cells)
{
    struct buf *buf = ctx;

    buf_str(buf, cells[0].s);
    return true;
}

/* From here on, changes of its bets are noticed.  Waits for who is at it. */
static bool watch(struct archive *archive, const struct month *month, struct str *error)
{
    struct value start = VALUE_INT(month->start_ms);
    struct arena *arena = &archive->arena;
    struct buf name;
    struct str sql;
    bool well;

    buf_init(&name, 64);
    well = db_query(archive->db, "SELECT 'bets_' || month_name($1)", "i", &start, "s", take_text,
                    &name, error);
    sql = arena_printf(arena, "SET lock_timeout = '2s'; DELETE FROM month_touched;"
                       " DROP TRIGGER IF EXISTS month_watch ON " STR_FMT ";"
                       " CREATE TRIGGER month_watch AFTER INSERT OR UPDATE ON " STR_FMT
                       " FOR EACH ROW EXECUTE FUNCTION month_touch(%" PRId64 ")",
                       STR_ARG(buf_view(&name)), STR_ARG(buf_view(&name)), month->start_ms);
    CHECK(!name.overflow);
    buf_fini(&name);
    return well && db_run(archive->db, arena_cstr(arena, sql), error);
}

static bool fold(struct archive *archive, const struct month *month, struct str *error)
{
    struct value params[] = { VALUE_INT(month->start_ms), VALUE_INT(month->end_ms),
                              VALUE_INT(month->low), VALUE_INT(month->high) };

    for (size_t i = 0; i < LENGTH(folds); i++)
        if (!db_query(archive->db, folds[i], "iiii", params, "", NULL, NULL, error))
            return false;
    return true;
}

/*
 * Alone with the tables.  Others take them in other orders, and nobody may
 * wait for long: who does not get all three at once lets go and tries again.
 */
static bool lock_all(struct archive *archive, struct str *error)
{
    struct str ignored;

    for (unsigned attempt = 1;; attempt++) {
        if (!db_run(archive->db, "SAVEPOINT alone; SET LOCAL lock_timeout = '200ms'", error))
            return false;
        if (db_run(archive->db, "LOCK TABLE ONLY legs, ONLY bets, ONLY transfers"
                   " IN ACCESS EXCLUSIVE MODE", error))
            return true;
        if (attempt == LOCK_ATTEMPTS)
            return false;
        if (!db_run(archive->db, "ROLLBACK TO SAVEPOINT alone", &ignored))
            return false; /* the connection is lost: *error is of the lock */
        (void)usleep(LOCK_PAUSE_US);
    }
}

/* The end, which is short: alone with the tables, nobody having been at it. */
static bool end(struct archive *archive, const struct month *month, struct str *why,
                struct str *error)
{
    struct value start = VALUE_INT(month->start_ms);
    int64_t touched;

    if (!lock_all(archive, error) ||
        !count_rows(archive, month, 0, "SELECT count(*) FROM month_touched WHERE start_ms = $1",
                    &touched, error))
        return false;
    CHECK(touched >= 0 && why->n == 0);
    if (touched > 0) {
        *why = STR("its bets changed meanwhile; archive it again");
        return db_run(archive->db, "ROLLBACK", error);
    }
    CHECK(month->end_ms < archive->now_ms);
    return db_query(archive->db, "DELETE FROM months WHERE start_ms = $1", "i", &start, "", NULL,
                    NULL, error) && db_run(archive->db, "COMMIT", error);
}

/* In the transaction.  *why: it is still needed. */
static bool drop_watched(struct archive *archive, const struct month *month, int64_t window_ms,
                        const struct day *total, struct str *why, struct str *error)
{
    bool same;

    month_check(archive, month, window_ms);
    CHECK(why->n == 0);
    if (!needed(archive, month, window_ms, why, error) ||
        !unchanged(archive, month, total, &same, error))
        return false;
    if (why->n == 0 && !same)
        *why = STR("it changed meanwhile; archive it again");
    if (why->n > 0)
        return db_run(archive->db, "ROLLBACK", error);
    CHECK(same && why->n == 0); /* from here on it goes */
    return fold(archive, month, error) && end(archive, month, why, error);
}

/* *why: it stays. */
static bool drop_month(struct archive *archive, const struct month *month, int64_t window_ms,
                       struct str *why, struct str *error)
{
    struct day total;
    struct str ignored;

    month_check(archive, month, window_ms);
    if (!needed(archive, month, window_ms, why, error))
        return false;
    if (why->n > 0 || !archived(archive, month, &total, why))
        return true;
    CHECK(why->n == 0);
    if (!watch(archive, month, error) || !db_run(archive->db, "BEGIN", error))
        return false;
    if (drop_watched(archive, month, window_ms, &total, why, error))
        return true;
    *error = arena_str(&archive->arena, *error);
    if (!db_run(archive->db, "ROLLBACK", &ignored))
        return false; /* nothing was committed */
    return false;
}

static void report_month(struct archive *archive, const struct month *month, struct str why)
{
    char until[DAY_TEXT];

    day_text(month->end_ms / DAY_MS, until);
    archive->say(archive->ctx,
                 why.n == 0 ? arena_printf(&archive->arena, "dropped what was before %s", until)
                            : arena_printf(&archive->arena, "the month before %s stays: " STR_FMT,
                                           until, STR_ARG(why)));
}

bool archive_drop(struct archive *archive, int64_t window_days, uint64_t *dropped,
                  struct str *error)
{
    struct months months = { ARENA_ARRAY(&archive->arena, struct month, ARCHIVE_DAYS_MAX), 0 };
    int64_t window_ms = window_days * DAY_MS;
    struct value before = VALUE_INT(archive->now_ms - window_ms);

    CHECK(window_days > 0 && archive->now_ms > window_ms);
    CHECK(db_is_postgres(archive->db));
    *dropped = 0;
    if (!db_query(archive->db, "SELECT start_ms, end_ms FROM months WHERE end_ms <= $1"
                  " ORDER BY start_ms", "i", &before, "ii", on_month, &months, error))
        return false;
    for (uint32_t i = 0; i < months.n; i++) {
        struct str why = STR_NONE;

        if (!drop_month(archive, &months.months[i], window_ms, &why, error))
            return false;
        CHECK(*dropped == i); /* the oldest goes first, none is left behind */
        report_month(archive, &months.months[i], why);
        if (why.n > 0)
            break;
        ++*dropped;
    }
    return true;
}
