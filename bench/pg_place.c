/*
 * Placement at the store alone: store_money() on PostgreSQL at several batch
 * sizes, with the server's CPU for each bet, and pgbench on the same server,
 * when PG_PLACE_PEER is the URL of a database made with `pgbench -i`.  A tool
 * for tuning; what customers see is measured over HTTP.
 *
 *   build/bench/pg_place URL [seconds=5] [lanes=2] [accounts=100000] [sizes=100,500]
 *
 * The database at URL must be empty or made by an earlier run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/ledger.h"
#include "store/db.h"
#include "store/money.h"

#define LANES_MAX 16
#define PGBENCH "/usr/lib/postgresql/15/bin/pgbench"
#define BALANCE 1000000000000

static const char slip_text[] =
    "{\"type\":\"single\",\"accept\":\"none\",\"legs\":[{\"event\":\"sr:match:1234567\","
    "\"market\":18,\"specifiers\":\"total=2.5\",\"outcome\":\"12\",\"odds_e4\":19500,"
    "\"banker\":false}]}";

struct lane {
    unsigned number;
    struct money_batch batch;
    struct money_cmd cmds[LIMIT_BATCH];
    char keys[LIMIT_BATCH][40];
};

static struct {
    struct store *store;
    int64_t accounts, seconds;
    uint32_t size;
    unsigned lanes, running;
    uint64_t random;
    uint32_t next_bet;
    int64_t base_ms, until_us, bets, batches, not_done;
    bool closed;
    struct lane lane[LANES_MAX];
} bench;

static uint64_t draw(void)
{
    bench.random ^= bench.random << 13;
    bench.random ^= bench.random >> 7;
    bench.random ^= bench.random << 17;
    return bench.random;
}

static void die(const char *what, struct str why)
{
    fprintf(stderr, "pg_place: %s: " STR_FMT "\n", what, STR_ARG(why));
    exit(1);
}

/* ---- load ------------------------------------------------------------ */

/* Accounts differ by lane and by place in the batch, as hashing to lanes
 * and one command a customer make them. */
static int64_t pick_account(const struct lane *lane, uint32_t i)
{
    int64_t slots = (int64_t)bench.lanes * bench.size;
    int64_t slot = (int64_t)lane->number * bench.size + i;
    int64_t round = (int64_t)(draw() % (uint64_t)(bench.accounts / slots));

    return ACCOUNT_FIRST_CUSTOMER + round * slots + slot;
}

static void fill(struct lane *lane, uint32_t i)
{
    struct money_cmd *cmd = &lane->cmds[i];
    uint64_t key[2] = { draw(), draw() };

    snprintf(lane->keys[i], sizeof(lane->keys[i]), "%016" PRIx64 "-%016" PRIx64,
             key[0], key[1]);
    *cmd = (struct money_cmd){
        .op = MONEY_BET,
        .account = pick_account(lane, i),
        .epoch = 1,
        .key = str_of(lane->keys[i]),
        .amount_minor = 100,
        .at_ms = clock_wall_ms(),
        .bet = bet_id_make(bench.base_ms + (bench.next_bet >> 12), 1, bench.next_bet & 4095),
        .potential_minor = 195,
        .cap_minor = 100000000,
        .currency = "EUR",
        .sport = STR("sr:sport:1"),
        .slip = STR(slip_text),
        .market_keys = { (int64_t)((draw() % 300) * 0x9e3779b97f4a7c15u) },
        .n_legs = 1,
    };
    memcpy(cmd->hash, key, sizeof(cmd->hash));
    bench.next_bet++;
    lane->batch.cmds[i] = cmd;
}

static void on_done(struct money_batch *batch, enum store_result result);

static void next_batch(struct lane *lane)
{
    for (uint32_t i = 0; i < bench.size; i++)
        fill(lane, i);
    lane->batch.n = bench.size;
    lane->batch.on_done = on_done;
    lane->batch.ctx = lane;
    store_money(bench.store, lane->number, &lane->batch);
}

static void on_done(struct money_batch *batch, enum store_result result)
{
    if (result != STORE_OK)
        die("a batch failed", STR("see the log"));
    for (uint32_t i = 0; i < batch->n; i++)
        bench.not_done += batch->cmds[i]->outcome != MONEY_DECIDED
            || batch->cmds[i]->decided != REFUSE_NOTHING;
    bench.bets += batch->n;
    bench.batches++;
    if (clock_mono_us() < bench.until_us)
        next_batch(batch->ctx);
    else
        bench.running--;
}

/* ---- the server's CPU ------------------------------------------------ */

static bool take_int(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

struct stat_line {
    int64_t parent, ticks;
};

/* The k-th number of words divided by blanks; 0 where it is none. */
static int64_t field(const char *text, int k)
{
    for (; k > 1; k--) {
        text += strspn(text, " ");
        text += strcspn(text, " ");
    }
    return strtoll(text, NULL, 10);
}

static bool read_stat(int64_t pid, struct stat_line *line)
{
    char path[64], text[1024];
    int64_t user, kernel;
    FILE *file;
    char *after;
    size_t n;

    snprintf(path, sizeof(path), "/proc/%" PRId64 "/stat", pid);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = 0;
    after = strrchr(text, ')');
    if (after == NULL)
        return false;
    /* proc(5): after the name come the state, the parent; user and kernel
     * time are the 12th and 13th. */
    line->parent = field(after + 1, 2);
    user = field(after + 1, 12);
    kernel = field(after + 1, 13);
    line->ticks = user + kernel;
    return true;
}

/* Of all processes of the server, in microseconds. */
static int64_t server_cpu_us(int64_t postmaster)
{
    int64_t ticks = 0;

    for (int64_t pid = postmaster; pid < postmaster + 200000; pid++) {
        struct stat_line line;

        if (pid > 4194304)
            break;
        if (read_stat(pid, &line) && (pid == postmaster || line.parent == postmaster))
            ticks += line.ticks;
    }
    return ticks * (1000000 / sysconf(_SC_CLK_TCK));
}

static int64_t own_cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000
        + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

/* ---- pgbench --------------------------------------------------------- */

static void run_pgbench(const char *const *arguments)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        execv(PGBENCH, (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
        fprintf(stderr, "pg_place: pgbench failed\n");
}

static void peer(const char *url)
{
    char seconds[32];
    const char *const go[] = {
        "pgbench", "-n", "-M", "prepared", "-c", "16", "-T", seconds, url, NULL,
    };

    snprintf(seconds, sizeof(seconds), "%" PRId64, bench.seconds);
    fflush(stdout);
    run_pgbench(go);
}

/* ---- run ------------------------------------------------------------- */

static int64_t prepare(const char *url)
{
    struct arena arena;
    struct str error;
    struct db *db;
    char sql[512];
    unsigned applied;
    int64_t pid = 0;
    struct stat_line line;
    struct value none;

    arena_init(&arena, 1 << 20);
    db = db_open(url, DB_WRITE, &arena, &error);
    if (db == NULL || !migrate(db, &applied, &error))
        die("schema", error);
    snprintf(sql, sizeof(sql),
             "INSERT INTO accounts (id, currency, balance) SELECT %d + i, 'EUR', %" PRId64
             " FROM generate_series(0, %" PRId64 "::bigint) i ON CONFLICT DO NOTHING",
             ACCOUNT_FIRST_CUSTOMER, (int64_t)BALANCE, bench.accounts);
    if (!db_run(db, sql, &error) || !db_run(db, "VACUUM ANALYZE accounts", &error)
        || !db_query(db, "SELECT pg_backend_pid()", "", &none, "i", take_int, &pid, &error))
        die("accounts", error);
    if (!read_stat(pid, &line))
        line.parent = 0; /* on another machine: no CPU figures */
    db_close(db);
    arena_fini(&arena);
    return line.parent;
}

static void measure(uv_loop_t *loop, uint32_t size, int64_t postmaster)
{
    int64_t server, own, from, took;

    bench.size = size;
    bench.bets = bench.batches = bench.not_done = 0;
    server = postmaster > 0 ? server_cpu_us(postmaster) : 0;
    own = own_cpu_us();
    from = clock_mono_us();
    bench.until_us = from + bench.seconds * 1000000;
    bench.running = bench.lanes;
    for (unsigned i = 0; i < bench.lanes; i++)
        next_batch(&bench.lane[i]);
    while (bench.running > 0)
        uv_run(loop, UV_RUN_ONCE);
    took = clock_mono_us() - from;
    own = own_cpu_us() - own;
    server = postmaster > 0 ? server_cpu_us(postmaster) - server : 0;
    printf("batch %3u  lanes %u  %7" PRId64 " bets/s  PostgreSQL %3" PRId64 ".%" PRId64
           " us/bet  ours %" PRId64 ".%" PRId64 " us/bet  commit %" PRId64 " us"
           "  not done %" PRId64 "\n", size, bench.lanes, bench.bets * 1000000 / took,
           server / bench.bets, server * 10 / bench.bets % 10, own / bench.bets,
           own * 10 / bench.bets % 10, took * bench.lanes / bench.batches, bench.not_done);
    fflush(stdout);
}

static void on_closed(void *ctx)
{
    (void)ctx;
    bench.closed = true;
}

static int64_t argument(int argc, char **argv, int i, int64_t fallback)
{
    return argc > i ? strtoll(argv[i], NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    const char *sizes = argc > 5 ? argv[5] : "1,20,100,500";
    struct arena arena;
    struct str error;
    int64_t postmaster;

    if (argc < 2) {
        fprintf(stderr, "usage: pg_place URL [seconds] [lanes] [accounts] [sizes]\n");
        return 2;
    }
    bench.seconds = argument(argc, argv, 2, 5);
    bench.lanes = (unsigned)argument(argc, argv, 3, 2);
    bench.accounts = argument(argc, argv, 4, 100000);
    bench.random = (uint64_t)clock_mono_us() | 1;
    bench.base_ms = clock_wall_ms();
    CHECK(bench.lanes >= 1 && bench.lanes <= LANES_MAX);
    CHECK(bench.accounts >= (int64_t)LIMIT_BATCH * LANES_MAX);
    postmaster = prepare(argv[1]);
    arena_init(&arena, 1 << 20);
    bench.store = store_open(loop, &(struct store_options){
                                 .url = argv[1], .lanes = bench.lanes, .readers = 1 },
                             &arena, &error);
    if (bench.store == NULL)
        die("store", error);
    for (unsigned i = 0; i < bench.lanes; i++)
        bench.lane[i].number = i;
    for (const char *at = sizes; *at != 0; at += *at == ',') {
        char *end;
        long size = strtol(at, &end, 10);

        CHECK(size >= 1 && size <= LIMIT_BATCH && end != at);
        measure(loop, (uint32_t)size, postmaster);
        at = end;
    }
    if (getenv("PG_PLACE_PEER") != NULL)
        peer(getenv("PG_PLACE_PEER"));
    store_close(bench.store, on_closed, NULL);
    while (!bench.closed)
        uv_run(loop, UV_RUN_ONCE);
    arena_fini(&arena);
    return 0;
}
