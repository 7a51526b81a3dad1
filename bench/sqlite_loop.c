/*
 * The peer of placement on SQLite: a bare loop that writes the same rows as
 * a bet does (account, key, bet, leg, transfer; one outbox row a batch), with
 * the server's schema, durability, cache and checkpoints, and nothing else:
 * no HTTP, no JSON, no session, no price, no reading of the balance first.
 *
 *   sqlite_loop FILE [bets=100000] [batch=100] [accounts=5000]
 *
 * Prints one line of JSON.  The file may be one of an earlier run.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/clock.h"
#include "model/bet.h"
#include "store/db.h"

#define MARKETS 20
#define STAKE 10
#define BALANCE 1000000000
#define BATCH_MAX 100000

static const char pragmas[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA wal_autocheckpoint = 4000;"
    "PRAGMA journal_size_limit = 67108864;"
    "PRAGMA cache_size = -131072;"
    "PRAGMA temp_store = MEMORY;";

static const char slip_text[] =
    "{\"type\":\"single\",\"accept\":\"any\",\"legs\":[{\"event\":\"sr:match:900000002\","
    "\"market\":1,\"specifiers\":\"\",\"outcome\":\"3\",\"odds_e4\":29000,"
    "\"banker\":false}]}";

enum { BEGIN, COMMIT, PURSE, KEY, BET, LEG, TRANSFER, OUTBOX, STATEMENTS_OF_LOOP };

static const char *const texts[STATEMENTS_OF_LOOP] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [PURSE] = "UPDATE accounts SET balance = balance - ?1, staked = staked + ?1,"
              " seq = seq + 1 WHERE id = ?2",
    [KEY] = "INSERT INTO keys VALUES (?1, 1, ?2, ?3, 0, '', ?4, ?5)",
    [BET] = "INSERT INTO bets VALUES (?1, ?2, 1, 1, ?3, 29, 100000000, 0, 'EUR', '', ?4,"
            " 0, 1, 0, ?5, '', 0, 0, '')",
    [LEG] = "INSERT INTO legs VALUES (?1, ?2, ?3)",
    [TRANSFER] = "INSERT INTO transfers VALUES (?1, ?2, ?1, 2, ?3, 3, ?4, ?5, ?6)",
    [OUTBOX] = "INSERT INTO outbox (at_ms, events) VALUES (?1, ?2)",
};

static struct {
    sqlite3 *db;
    sqlite3_stmt *stmt[STATEMENTS_OF_LOOP];
    int64_t accounts, base_ms, bets;
    int64_t *seq; /* of each account */
    uint32_t next_account, next_id;
    uint64_t random;
    struct buf events;
} loop;

static void die(const char *what)
{
    fprintf(stderr, "sqlite_loop: %s: %s\n", what,
            loop.db == NULL ? "no database" : sqlite3_errmsg(loop.db));
    exit(1);
}

static uint64_t draw(void)
{
    loop.random ^= loop.random << 13;
    loop.random ^= loop.random >> 7;
    loop.random ^= loop.random << 17;
    return loop.random;
}

/* ---- preparation -------------------------------------------------------- */

static void make_schema(const char *path)
{
    struct arena arena;
    struct str error = STR_NONE;
    char url[4096];
    unsigned applied;
    struct db *db;

    arena_init(&arena, 1 << 20);
    (void)snprintf(url, sizeof(url), "sqlite:%s", path);
    db = db_open(url, DB_WRITE, &arena, &error);
    if (db == NULL || !migrate(db, &applied, &error)) {
        fprintf(stderr, "sqlite_loop: %s: " STR_FMT "\n", path, STR_ARG(error));
        exit(1);
    }
    db_close(db);
    arena_fini(&arena);
}

static void run(int statement)
{
    int code = sqlite3_step(loop.stmt[statement]);

    if (code != SQLITE_DONE)
        die(texts[statement]);
    (void)sqlite3_reset(loop.stmt[statement]);
}

static void bind_text(int statement, int at, const char *text, size_t n)
{
    (void)sqlite3_bind_text(loop.stmt[statement], at, text, (int)n, SQLITE_STATIC);
}

static void bind_int(int statement, int at, int64_t value)
{
    (void)sqlite3_bind_int64(loop.stmt[statement], at, value);
}

/* Ids as the server makes them: eight bytes, in order of time. */
static int64_t account_id(int64_t i)
{
    return bet_id_make(1780000000000 + i, 1, 0);
}

static void read_accounts(void)
{
    sqlite3_stmt *stmt;
    char sql[256];

    (void)snprintf(sql, sizeof(sql),
                   "INSERT OR IGNORE INTO accounts (id, currency, balance)"
                   " VALUES (?1, 'EUR', %d)", BALANCE);
    if (sqlite3_exec(loop.db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK
        || sqlite3_prepare_v2(loop.db, sql, -1, &stmt, NULL) != SQLITE_OK)
        die("accounts");
    for (int64_t i = 0; i < loop.accounts; i++) {
        (void)sqlite3_bind_int64(stmt, 1, account_id(i));
        if (sqlite3_step(stmt) != SQLITE_DONE)
            die("accounts");
        (void)sqlite3_reset(stmt);
    }
    (void)sqlite3_finalize(stmt);
    if (sqlite3_exec(loop.db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK
        || sqlite3_prepare_v2(loop.db, "SELECT seq FROM accounts ORDER BY id", -1, &stmt,
                              NULL) != SQLITE_OK)
        die("accounts");
    for (int64_t i = 0; i < loop.accounts && sqlite3_step(stmt) == SQLITE_ROW; i++)
        loop.seq[i] = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
}

static void open_database(const char *path)
{
    make_schema(path);
    if (sqlite3_open_v2(path, &loop.db, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL)
            != SQLITE_OK
        || sqlite3_exec(loop.db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
        die(path);
    read_accounts();
    for (int i = 0; i < STATEMENTS_OF_LOOP; i++)
        if (sqlite3_prepare_v3(loop.db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &loop.stmt[i], NULL) != SQLITE_OK)
            die(texts[i]);
}

/* ---- the loop ----------------------------------------------------------- */

static void write_event(int64_t account, int64_t seq, int64_t bet)
{
    struct buf *out = &loop.events;

    buf_str(out, out->n == 0 ? STR("[[") : STR(",["));
    buf_int(out, account);
    buf_char(out, ',');
    buf_int(out, seq);
    buf_str(out, STR(",1,"));
    buf_int(out, bet);
    buf_char(out, ']');
}

static void write_key(int64_t account, int64_t bet, int64_t at_ms)
{
    uint64_t hash[2] = { draw(), draw() };
    char key[64];
    int n = snprintf(key, sizeof(key), "%" PRIx64 "-%u-%" PRId64, loop.base_ms,
                     loop.next_account, bet & 0xffff);

    bind_int(KEY, 1, account);
    bind_text(KEY, 2, key, (size_t)n);
    (void)sqlite3_bind_blob(loop.stmt[KEY], 3, hash, sizeof(hash), SQLITE_STATIC);
    bind_int(KEY, 4, bet);
    bind_int(KEY, 5, at_ms);
    run(KEY);
}

static void write_bet(int64_t at_ms)
{
    uint32_t i = loop.next_account++ % (uint32_t)loop.accounts;
    int64_t account = account_id(i), seq = ++loop.seq[i];
    int64_t bet = bet_id_make(loop.base_ms + (loop.next_id >> 12), 1, loop.next_id & 4095);

    loop.next_id++;
    bind_int(PURSE, 1, STAKE);
    bind_int(PURSE, 2, account);
    run(PURSE);
    write_key(account, bet, at_ms);
    bind_int(TRANSFER, 1, account);
    bind_int(TRANSFER, 2, seq);
    bind_int(TRANSFER, 3, STAKE);
    bind_int(TRANSFER, 4, bet);
    bind_int(TRANSFER, 5, at_ms);
    bind_int(TRANSFER, 6, BALANCE - seq * STAKE);
    run(TRANSFER);
    bind_int(BET, 1, account);
    bind_int(BET, 2, bet);
    bind_int(BET, 3, STAKE);
    bind_int(BET, 4, at_ms);
    bind_text(BET, 5, slip_text, sizeof(slip_text) - 1);
    run(BET);
    bind_int(LEG, 1, (int64_t)((draw() % MARKETS + 1) * UINT64_C(0x9e3779b97f4a7c15)));
    bind_int(LEG, 2, bet);
    bind_int(LEG, 3, account);
    run(LEG);
    write_event(account, seq, bet);
}

static void write_batch(int64_t size)
{
    int64_t at_ms = clock_wall_ms();

    run(BEGIN);
    buf_reset(&loop.events);
    for (int64_t i = 0; i < size; i++)
        write_bet(at_ms);
    buf_char(&loop.events, ']');
    bind_int(OUTBOX, 1, at_ms);
    bind_text(OUTBOX, 2, loop.events.p, loop.events.n);
    run(OUTBOX);
    run(COMMIT);
    loop.bets += size;
}

static int64_t cpu_us(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000
        + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static int64_t argument(int argc, char **argv, int i, int64_t fallback)
{
    int64_t value = argc > i ? strtoll(argv[i], NULL, 10) : fallback;

    return value < 1 ? 1 : value;
}

int main(int argc, char **argv)
{
    int64_t bets, batch, from, took, cpu;

    if (argc < 2) {
        fprintf(stderr, "usage: sqlite_loop FILE [bets] [batch] [accounts]\n");
        return 2;
    }
    bets = argument(argc, argv, 2, 100000);
    batch = argument(argc, argv, 3, 100);
    loop.accounts = argument(argc, argv, 4, 5000);
    CHECK(batch <= BATCH_MAX && batch <= loop.accounts);
    loop.seq = calloc((size_t)loop.accounts, sizeof(*loop.seq));
    CHECK(loop.seq != NULL);
    loop.base_ms = clock_wall_ms();
    loop.random = (uint64_t)clock_mono_us() | 1;
    buf_init(&loop.events, (size_t)batch * 100 + 100);
    open_database(argv[1]);
    from = clock_mono_us();
    cpu = cpu_us();
    do
        write_batch(batch);
    while (loop.bets < bets);
    took = clock_mono_us() - from;
    cpu = cpu_us() - cpu;
    printf("{\"rate\":%" PRId64 ",\"bets\":%" PRId64 ",\"batch\":%" PRId64
           ",\"cpu_s\":%" PRId64 ".%02" PRId64 ",\"us\":%" PRId64 ".%" PRId64 "}\n",
           loop.bets * 1000000 / took, loop.bets, batch, cpu / 1000000,
           cpu / 10000 % 100, cpu / loop.bets, cpu * 10 / loop.bets % 10);
    for (int i = 0; i < STATEMENTS_OF_LOOP; i++)
        (void)sqlite3_finalize(loop.stmt[i]);
    (void)sqlite3_close(loop.db);
    buf_fini(&loop.events);
    free(loop.seq);
    return 0;
}
