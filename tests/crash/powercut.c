/*
 * A power cut under load, many times: what the store reported as done must
 * be on the disk afterwards, exactly once; everything else whole or absent;
 * and the books must balance.
 *
 *   powercut [--rounds N] [--seed S] [--synchronous=full|normal|off]
 *
 * kill -9 keeps what the kernel holds; here the disk itself forgets what was
 * not synced (vfs_shim.h).  With --synchronous=off the disk leaves out the
 * syncs, as that setting would: then this program must fail, which shows
 * that it can.  Prints a line a round; exits 1 on a difference.
 */
#include <inttypes.h>
#include <stdio.h>

#include "model/refusal.h"
#include "store/db.h"
#include "store/money.h"
#include "tests/crash/vfs_shim.h"

#define ACCOUNTS 64
#define BATCHES 400    /* at most, in one round */
#define BATCH 16       /* commands */
#define NOW 1790000000000
#define KEYS (BATCHES * BATCH)

static uint64_t random_state;

/* xorshift64*: the same seed, the same cuts. */
static uint64_t chance(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 2685821657736338717u;
}

static struct round {
    uv_loop_t loop;
    struct store *store;
    struct arena arena;
    char url[256];
    struct money_batch batch;
    struct money_cmd cmds[BATCH];
    char keys[BATCH][32];
    unsigned number, sent; /* batches */
    bool idle, closed, ended;
    struct { int64_t account, bet; bool done; } told[KEYS]; /* all that was sent */
    unsigned n_told;
} now;

static unsigned differences;

static void differ(const char *what, int64_t account, int64_t bet)
{
    differences++;
    printf("round %u: %s (account %" PRId64 ", bet %" PRId64 ")\n", now.number, what, account,
           bet);
}

/* ---- load ----------------------------------------------------------------- */

static struct str slip_text(void)
{
    static char text[512];
    struct slip slip = { .type = BET_SINGLE, .n_legs = 1 };
    struct buf buf;

    slip.legs[0] = (struct leg){ .market = { STR("sr:match:1"), 1, STR("") },
                                 .outcome = STR("1"), .odds_e4 = 20000,
                                 .result = LEG_RESULT_OPEN };
    buf_init(&buf, sizeof(text));
    slip_encode(&slip, &buf);
    memcpy(text, buf.p, buf.n);
    buf_fini(&buf);
    return (struct str){ text, strlen(text) };
}

static void make_bet(struct money_cmd *cmd, unsigned i, unsigned account)
{
    struct market_id market = { STR("sr:match:1"), 1, STR("") };

    (void)snprintf(now.keys[i], sizeof(now.keys[i]), "r%u-b%u-%u", now.number, now.sent, i);
    *cmd = (struct money_cmd){
        .op = MONEY_BET, .account = 1000 + account, .epoch = 1,
        .key = str_of(now.keys[i]), .amount_minor = 1 + (int64_t)(chance() % 50),
        .at_ms = NOW, .cap_minor = 1000000, .currency = "EUR",
        .sport = STR("sr:sport:1"), .slip = slip_text(), .n_legs = 1,
    };
    cmd->potential_minor = 2 * cmd->amount_minor; /* at 2.0000: slip_text() */
    cmd->bet = bet_id_make(NOW + now.number * 1000 + now.sent, 1, i);
    cmd->market_keys[0] = market_key(market);
}

static void send_batch(void);

static void on_money(struct money_batch *batch, enum store_result result)
{
    bool done = result == STORE_OK;

    for (uint32_t i = 0; i < batch->n; i++)
        now.told[now.n_told - batch->n + i].done =
            done && batch->cmds[i]->outcome == MONEY_DECIDED &&
            batch->cmds[i]->decided == REFUSE_NOTHING;
    if (!done || now.sent >= BATCHES) {
        now.ended = true;
        return;
    }
    send_batch();
}

static void send_batch(void)
{
    unsigned first = (unsigned)(chance() % ACCOUNTS);

    now.batch = (struct money_batch){ .n = BATCH, .on_done = on_money };
    for (unsigned i = 0; i < BATCH; i++) {
        make_bet(&now.cmds[i], i, (first + i) % ACCOUNTS);
        now.batch.cmds[i] = &now.cmds[i];
        now.told[now.n_told].account = now.cmds[i].account;
        now.told[now.n_told].bet = now.cmds[i].bet;
        now.told[now.n_told++].done = false;
    }
    now.sent++;
    store_money(now.store, 0, &now.batch);
}

/* ---- opening and closing ---------------------------------------------------- */

static void open_store(void)
{
    struct store_options options = { .url = now.url, .lanes = 1, .readers = 1 };
    struct str error = STR_NONE;

    now.store = store_open(&now.loop, &options, &now.arena, &error);
    if (now.store != NULL)
        return;
    printf("round %u: the store does not open: " STR_FMT "\n", now.number, STR_ARG(error));
    exit(1);
}

static void on_closed(void *ctx)
{
    (void)ctx;
    now.closed = true;
}

static void close_store(void)
{
    now.closed = false;
    store_close(now.store, on_closed, NULL);
    while (!now.closed)
        (void)uv_run(&now.loop, UV_RUN_ONCE);
}

static struct db *open_db(enum db_mode mode)
{
    struct str error = STR_NONE;
    struct db *db = db_open(now.url, mode, &now.arena, &error);

    if (db == NULL) {
        printf("round %u: " STR_FMT "\n", now.number, STR_ARG(error));
        exit(1);
    }
    return db;
}

static void must_run(struct db *db, const char *sql)
{
    struct str error = STR_NONE;

    if (db_run(db, sql, &error))
        return;
    printf("round %u: " STR_FMT "\n", now.number, STR_ARG(error));
    exit(1);
}

/* A book of accounts that have deposited once each. */
static void fill(void)
{
    struct db *db = open_db(DB_WRITE);
    unsigned applied;
    struct str error = STR_NONE;

    CHECK(migrate(db, &applied, &error));
    must_run(db, "WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n"
                 " WHERE i < 63) INSERT INTO accounts (id, currency, balance, seq)"
                 " SELECT 1000 + i, 'EUR', 100000000, 1 FROM n");
    must_run(db, "INSERT INTO transfers SELECT id, 1, 1, id, 100000000, 1, 0, 0, 100000000"
                 " FROM accounts");
    db_close(db);
}

/* ---- what is left ------------------------------------------------------------ */

static bool count_row(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

static int64_t rows_of(struct db *db, const char *sql, int64_t account, int64_t bet)
{
    struct value values[2] = { VALUE_INT(account), VALUE_INT(bet) };
    struct str error = STR_NONE;
    int64_t n = -1;

    if (!db_query(db, sql, "ii", values, "i", count_row, &n, &error))
        printf("round %u: " STR_FMT "\n", now.number, STR_ARG(error));
    return n;
}

/* Done: there, exactly once.  Not done: all of its rows, or none. */
static bool check_bet(struct db *db, int64_t account, int64_t bet, bool done)
{
    int64_t bets = rows_of(db, "SELECT COUNT(*) FROM bets WHERE account = $1 AND id = $2",
                           account, bet);
    int64_t moves = rows_of(db, "SELECT COUNT(*) FROM transfers WHERE account = $1"
                                " AND bet = $2", account, bet);
    int64_t keys = rows_of(db, "SELECT COUNT(*) FROM keys WHERE account = $1 AND ref = $2"
                               " AND op = 1", account, bet);

    if (done && bets != 1)
        differ("a bet that was reported done is lost", account, bet);
    if (bets != moves || bets != keys)
        differ("a bet is there in part", account, bet);
    return bets == 1;
}

static void on_difference(void *ctx, struct str sentence)
{
    (void)ctx;
    differences++;
    printf("round %u: " STR_FMT "\n", now.number, STR_ARG(sentence));
}

static void check_round(void)
{
    struct db *db = open_db(DB_READ);
    struct audit_counts counts;
    struct str error = STR_NONE;
    unsigned done = 0, present = 0, before = differences;

    for (unsigned i = 0; i < now.n_told; i++) {
        present += check_bet(db, now.told[i].account, now.told[i].bet, now.told[i].done);
        done += now.told[i].done;
    }
    if (!audit_run(db, on_difference, NULL, &counts, &error)) {
        differences++;
        printf("round %u: " STR_FMT "\n", now.number, STR_ARG(error));
    }
    db_close(db);
    printf("round %u: %u bets sent, %u reported done, %u present, %u differences\n",
           now.number, now.n_told, done, present, differences - before);
    (void)fflush(stdout);
}

static void run_round(unsigned number)
{
    now.number = number;
    now.sent = now.n_told = 0;
    now.ended = false;
    open_store();
    /* Short rounds cut commits; long ones reach checkpoints, too. */
    shim_cut_after(5 + (int64_t)(chance() % (number % 3 == 0 ? 8000 : 1500)));
    send_batch();
    while (!now.ended)
        (void)uv_run(&now.loop, UV_RUN_ONCE);
    close_store();
    shim_power_on(chance);
    check_round();
}

static bool remove_database(const char *directory)
{
    static const char *const names[] = { "p.db", "p.db-wal", "p.db-shm" };
    char path[300];

    for (size_t i = 0; i < LENGTH(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    return rmdir(directory) == 0;
}

static bool read_options(int argc, char **argv, unsigned *rounds)
{
    random_state = 20260611;
    *rounds = 20;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc)
            *rounds = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            random_state = strtoull(argv[++i], NULL, 10) | 1;
        else if (strcmp(argv[i], "--synchronous=off") == 0)
            shim.sync = SHIM_SYNC_OFF;
        else if (strcmp(argv[i], "--synchronous=normal") == 0)
            shim.sync = SHIM_SYNC_NORMAL;
        else if (strcmp(argv[i], "--synchronous=full") != 0)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    char directory[] = "/tmp/overround-powercut-XXXXXX";
    unsigned rounds;

    if (!read_options(argc, argv, &rounds)) {
        fprintf(stderr, "usage: powercut [--rounds N] [--seed S]"
                        " [--synchronous=full|normal|off]\n");
        return 2;
    }
    CHECK(mkdtemp(directory) != NULL && uv_loop_init(&now.loop) == 0);
    (void)snprintf(now.url, sizeof(now.url), "sqlite:%s/p.db", directory);
    arena_init(&now.arena, 256 * 1024 * 1024);
    fill();
    shim_register();
    for (unsigned i = 1; i <= rounds && differences == 0; i++)
        run_round(i);
    CHECK(uv_loop_close(&now.loop) == 0);
    arena_fini(&now.arena);
    if (!remove_database(directory))
        fprintf(stderr, "powercut: %s is left behind\n", directory);
    printf("%u differences\n", differences);
    return differences == 0 ? 0 : 1;
}
