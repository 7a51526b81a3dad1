/*
 * Which half of the store a database has: see halves.h.
 */
#include "store/halves.h"

#include <inttypes.h>

#include "store/db_engine.h"

#define READ_META "SELECT value FROM meta WHERE name = $1"

/* The names of meta's rows. */
#define HALF "half"
#define PAIR "journal"

static bool take_number(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

/* 0: there is no such row. */
static bool read_meta(struct db *db, const char *name, int64_t *value, struct str *error)
{
    struct value params[] = { VALUE_STR(str_of(name)) };

    *value = 0;
    return db_query(db, READ_META, "s", params, "i", take_number, value, error);
}

static bool write_meta(struct db *db, const char *name, int64_t value, struct str *error)
{
    struct value params[] = { VALUE_STR(str_of(name)), VALUE_INT(value) };

    CHECK(value > 0);
    return db_query(db, "INSERT INTO meta (name, value) VALUES ($1, $2)"
                    " ON CONFLICT (name) DO NOTHING", "si", params, "", NULL, NULL, error);
}

static const char *name_of(int64_t half)
{
    return half == STORE_JOURNAL ? "the journal" : half == STORE_LEDGER ? "the ledger"
        : "both halves";
}

/* What the database has; a mark that this program does not know is said as it is. */
static bool read_half(struct db *db, int64_t *half, struct str *error)
{
    if (!read_meta(db, HALF, half, error))
        return false;
    if (*half == 0)
        *half = STORE_BOTH;
    if (*half == STORE_JOURNAL || *half == STORE_LEDGER || *half == STORE_BOTH)
        return true;
    return db_fail(db, error, "its half of the store is %" PRId64 ", which this program does"
                   " not know", *half);
}

static bool is_half(struct db *db, enum store_half wanted, struct str *error)
{
    int64_t half;

    CHECK(wanted >= STORE_JOURNAL && wanted <= STORE_BOTH);
    if (!read_half(db, &half, error))
        return false;
    if (half == (int64_t)wanted)
        return true;
    if (half == STORE_BOTH)
        return db_fail(db, error, "this database has both halves, and is asked for %s alone: run"
                       " `overround migrate --store URL --ledger URL`", name_of(wanted));
    return db_fail(db, error, "this database has %s alone, and is asked for %s: say where each"
                   " half is by --store and --ledger", name_of(half), name_of(wanted));
}

bool halves_has(struct db *db, enum store_half half, bool *has, struct str *error)
{
    int64_t halves;

    if (!read_half(db, &halves, error))
        return false;
    *has = (halves & (int64_t)half) == (int64_t)half;
    return true;
}

bool halves_need(struct db *db, enum store_half half, struct str *error)
{
    int64_t has;

    if (!schema_check(db, error) || !read_half(db, &has, error))
        return false;
    if ((has & (int64_t)half) == (int64_t)half)
        return true;
    return db_fail(db, error, "this database has %s of the store alone: %s is needed, say where"
                   " it is by %s", name_of(has), name_of(half),
                   half == STORE_LEDGER ? "--ledger" : "--store");
}

/* ---- marking ---------------------------------------------------------- */

static bool is_empty(struct db *db, const char *table, bool *empty, struct str *error)
{
    char sql[128];
    int64_t has = 0;

    (void)snprintf(sql, sizeof(sql), "SELECT CAST(EXISTS (SELECT 1 FROM %s) AS integer)", table);
    if (!db_query(db, sql, "", NULL, "i", take_number, &has, error))
        return false;
    *empty = has == 0;
    return true;
}

/* Whoever divides a store copies its database first: else customers would be
 * gone, or the log. */
static bool has_what_it_takes(struct db *db, struct db *other, const char *table,
                              enum store_half half, struct str *error)
{
    bool empty, other_empty;
    int64_t other_half;

    if (!read_half(other, &other_half, error))
        return false;
    if (other_half != STORE_BOTH)
        return true; /* it was divided before */
    if (!is_empty(db, table, &empty, error) || !is_empty(other, table, &other_empty, error))
        return false;
    if (!empty || other_empty)
        return true;
    return db_fail(db, error, "%s would be empty, and the other database has %s: copy it first"
                   " (docs/OPERATE.md, \"The ledger in a database of its own\")",
                   name_of(half), table);
}

static bool mark(struct db *db, enum store_half half, struct str *error)
{
    int64_t has;

    CHECK(half == STORE_JOURNAL || half == STORE_LEDGER); /* a mark of both is none */
    if (!read_half(db, &has, error))
        return false;
    if (has != STORE_BOTH && has != (int64_t)half)
        return is_half(db, half, error);
    return write_meta(db, HALF, half, error);
}

static int64_t random_number(void)
{
    uint32_t halves[2] = { 0 };

    CHECK(uv_random(NULL, NULL, halves, sizeof(halves), 0, NULL) == 0);
    return (int64_t)(((uint64_t)halves[0] << 31 | halves[1] >> 1) & INT64_MAX) | 1;
}

/* Of two that mark at once the first one's number stands: so it is read again. */
static bool pair(struct db *journal, struct db *ledger, struct str *error)
{
    int64_t number, followed;

    if (!read_meta(journal, PAIR, &number, error))
        return false;
    if (number == 0 && !write_meta(journal, PAIR, random_number(), error))
        return false;
    if (!read_meta(journal, PAIR, &number, error) || !write_meta(ledger, PAIR, number, error) ||
        !read_meta(ledger, PAIR, &followed, error))
        return false;
    if (followed == number)
        return true;
    return db_fail(ledger, error, "this ledger follows another journal than the one at --store");
}

bool halves_mark(struct db *journal, struct db *ledger, struct str *error)
{
    CHECK(journal != ledger);
    return has_what_it_takes(ledger, journal, "accounts", STORE_LEDGER, error) &&
           has_what_it_takes(journal, ledger, "feed_log", STORE_JOURNAL, error) &&
           mark(journal, STORE_JOURNAL, error) && mark(ledger, STORE_LEDGER, error) &&
           pair(journal, ledger, error);
}

/* ---- before the store is opened ----------------------------------------- */

static bool are_paired(struct db *journal, struct db *ledger, struct str *error)
{
    int64_t number, followed;

    if (!read_meta(journal, PAIR, &number, error) || !read_meta(ledger, PAIR, &followed, error))
        return false;
    if (number != 0 && number == followed)
        return true;
    return db_fail(ledger, error, "this ledger follows another journal than the one at --store");
}

bool halves_fit(struct db_halves *halves, struct str *error)
{
    CHECK(halves->journal != NULL && halves->ledger != NULL);
    if (halves->journal == halves->ledger)
        return schema_check(halves->journal, error) &&
               is_half(halves->journal, STORE_BOTH, error);
    return schema_check(halves->journal, error) && schema_check(halves->ledger, error) &&
           is_half(halves->journal, STORE_JOURNAL, error) &&
           is_half(halves->ledger, STORE_LEDGER, error) &&
           are_paired(halves->journal, halves->ledger, error);
}

static bool apart_ready(struct db_halves *halves, struct str *error)
{
    unsigned applied;

    if (db_is_postgres(halves->journal) != db_is_postgres(halves->ledger))
        return db_fail(halves->ledger, error, "one half on SQLite and the other on PostgreSQL:"
                       " both must be of one kind");
    if (!db_is_postgres(halves->journal))
        return migrate(halves->journal, &applied, error) &&
               migrate(halves->ledger, &applied, error) &&
               halves_mark(halves->journal, halves->ledger, error);
    return halves_fit(halves, error);
}

/* A database that is fresh, or behind, is the engine's to judge. */
static bool together_ready(struct db *db, struct str *error)
{
    struct schema schema;

    if (!migrate_schema(db, &schema, error))
        return false;
    return schema.have == 0 || is_half(db, STORE_BOTH, error);
}

bool halves_ready(const char *url, const char *ledger_url, struct arena *arena,
                  struct str *error)
{
    bool sqlite = strncmp(url, "sqlite:", 7) == 0, ready;
    struct db_halves halves;

    if (ledger_url != NULL && strcmp(url, ledger_url) == 0) {
        *error = STR("the ledger has the journal's address: leave --ledger away");
        return false;
    }
    if (!db_open_halves(url, ledger_url, sqlite ? DB_WRITE : DB_READ, arena, &halves, error))
        return false;
    ready = ledger_url != NULL ? apart_ready(&halves, error)
        : together_ready(halves.journal, error);
    if (!ready)
        *error = arena_str(arena, *error); /* it would go with the database */
    db_close_halves(&halves);
    return ready;
}

bool db_open_halves(const char *url, const char *ledger_url, enum db_mode mode,
                    struct arena *arena, struct db_halves *halves, struct str *error)
{
    const char *ledger = ledger_url != NULL && ledger_url[0] != '\0' ? ledger_url : url;

    halves->journal = halves->ledger = db_open(url, mode, arena, error);
    if (halves->journal == NULL || ledger == url)
        return halves->journal != NULL;
    halves->ledger = db_open(ledger, mode, arena, error);
    if (halves->ledger == NULL)
        db_close(halves->journal);
    return halves->ledger != NULL;
}

void db_close_halves(struct db_halves *halves)
{
    CHECK(halves->journal != NULL && halves->ledger != NULL);
    if (halves->ledger != halves->journal)
        db_close(halves->ledger);
    db_close(halves->journal);
    *halves = (struct db_halves){ 0 };
}
