/*
 * The store on PostgreSQL: the suite, and what only PostgreSQL has to
 * promise.  On servers of its own that scripts/pg.sh starts.
 */
#include "tests/unit/hold_suite.h"
#include "tests/unit/liability_storm.h"
#include "tests/unit/liability_suite.h"
#include "tests/unit/store_suite.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"

static char directory[] = "/tmp/overround-pg-XXXXXX";
static char server[256]; /* URL, without the database */
static unsigned n_databases;
static char template_of[256]; /* the server that has a migrated template */

/* ---- servers --------------------------------------------------------- */

/* What the script prints first; false when it fails. */
static bool run_script(char *const *arguments, char *line, size_t room)
{
    int ends[2], status = 0;
    ssize_t n;
    pid_t pid;

    if (pipe(ends) != 0 || (pid = fork()) < 0)
        return false;
    if (pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO);
        (void)close(ends[0]);
        (void)close(ends[1]);
        execv("scripts/pg.sh", arguments);
        _exit(127);
    }
    (void)close(ends[1]);
    n = read(ends[0], line, room - 1);
    line[n > 0 ? n : 0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    (void)close(ends[0]);
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool server_start(char *path, char *setting, char *url, size_t room)
{
    char *arguments[] = { "pg.sh", "start", path, setting != NULL ? "-c" : NULL, setting,
                          NULL };

    return run_script(arguments, url, room);
}

static void server_drop(char *path)
{
    char *arguments[] = { "pg.sh", "drop", path, NULL };
    char line[256];

    assert_true(run_script(arguments, line, sizeof(line)));
}

static struct db *admin_open(const char *url)
{
    struct str error = STR_NONE;
    struct db *db;
    struct arena arena;

    arena_init(&arena, 1 << 20);
    db = db_open(url, DB_WRITE, &arena, &error);
    if (db == NULL)
        fail_msg(STR_FMT, STR_ARG(error));
    arena_fini(&arena);
    return db;
}

static void admin_run(struct db *db, const char *sql)
{
    struct str error = STR_NONE;

    if (!db_run(db, sql, &error))
        fail_msg("%s: " STR_FMT, sql, STR_ARG(error));
}

static bool take_int(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

static int64_t admin_int(struct db *db, const char *sql)
{
    struct str error = STR_NONE;
    struct value none = { 0 };
    int64_t n = 0;

    if (!db_query(db, sql, "", &none, "i", take_int, &n, &error))
        fail_msg("%s: " STR_FMT, sql, STR_ARG(error));
    return n;
}

static void database_url(const char *name, char *url, size_t room)
{
    (void)snprintf(url, room, "%.*s/%s", (int)(strrchr(server, '/') - server), server, name);
}

/* Another database, as its template is; its URL. */
static const char *database_new(const char *template)
{
    static char url[512];
    char name[64], sql[192];
    struct db *db = admin_open(server);

    (void)snprintf(name, sizeof(name), "overround_%d_%u", (int)getpid(), n_databases++);
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE %s", name, template);
    admin_run(db, sql);
    db_close(db);
    database_url(name, url, sizeof(url));
    return url;
}

/* Once for a server: copies of it are there four times as fast as migrations. */
static void template_make(void)
{
    struct str error = STR_NONE;
    char url[512];
    struct db *db = admin_open(server);
    unsigned applied;

    admin_run(db, "CREATE DATABASE migrated");
    db_close(db);
    database_url("migrated", url, sizeof(url));
    db = admin_open(url);
    if (!migrate(db, &applied, &error))
        fail_msg(STR_FMT, STR_ARG(error));
    db_close(db);
    (void)snprintf(template_of, sizeof(template_of), "%s", server);
}

static const char *suite_fresh(void)
{
    if (strcmp(template_of, server) != 0)
        template_make();
    return database_new("migrated");
}

static void wait_until_up(bool up)
{
    int64_t until_us = clock_mono_us() + 60000000;

    while (store_is_up(suite.store) != up && clock_mono_us() < until_us) {
        (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
        (void)usleep(2000);
    }
    assert_int_equal(store_is_up(suite.store), up);
}

#include "tests/unit/outbox_suite.h" /* asks the server itself, too */

/* ---- what is refused ------------------------------------------------- */

static void expect_refused(const char *url, const char *word)
{
    struct store_options options = { .url = url, .lanes = 1, .readers = 1 };
    struct str error = STR_NONE;

    assert_null(store_open(&suite.loop, &options, &suite.arena, &error));
    if (strstr(arena_cstr(&suite.arena, error), word) == NULL)
        fail_msg("'%s' is not in: " STR_FMT, word, STR_ARG(error));
}

/* Two books, two opinions of what is for sale: one server a database. */
static void rule_23_a_second_server_is_refused(void **state)
{
    (void)state;
    expect_refused(suite.url, "another overround serves");
    suite_close();
    suite_open();
}

static void rule_26_synchronous_commit_off_is_refused(void **state)
{
    char url[640];

    (void)state;
    (void)snprintf(url, sizeof(url), "%s?options=-c%%20synchronous_commit%%3Doff", suite.url);
    expect_refused(url, "synchronous_commit=off");
}

/* On a server of its own with this setting, by a URL that ends like this. */
static void expect_server_refused(char *setting, const char *end, const char *word)
{
    char path[64], url[256], whole[512], kept[sizeof(suite.url)];

    (void)snprintf(path, sizeof(path), "%s/unsafe", directory);
    assert_true(server_start(path, setting, url, sizeof(url)));
    (void)snprintf(whole, sizeof(whole), "%s%s", url, end);
    memcpy(kept, suite.url, sizeof(kept));
    (void)snprintf(suite.url, sizeof(suite.url), "%s", whole);
    suite_migrate();
    memcpy(suite.url, kept, sizeof(kept));
    expect_refused(whole, word);
    server_drop(path);
}

static void rule_26_fsync_off_is_refused(void **state)
{
    (void)state;
    expect_server_refused("fsync=off", "", "fsync=off");
}

static void rule_26_a_standby_that_nobody_waits_for_is_refused(void **state)
{
    (void)state;
    expect_server_refused("synchronous_standby_names=away",
                          "?options=-c%20synchronous_commit%3Dlocal",
                          "synchronous_commit=local");
}

static void rule_28_a_schema_behind_names_the_command(void **state)
{
    (void)state;
    expect_refused(database_new("template1"), "overround migrate --store postgres");
}

static void test_an_unreachable_server_is_named(void **state)
{
    (void)state;
    expect_refused("postgres://127.0.0.1:1/none", "refused");
}

/* ---- months ---------------------------------------------------------- */

static void suite_add_month(int64_t start_ms, int64_t end_ms)
{
    struct store_exec exec = { .n = 1, .arena = &suite.arena };

    exec.calls[0] = (struct statement_call){ STATEMENT_MONTH_ADD,
        { VALUE_INT(start_ms), VALUE_INT(end_ms) } };
    assert_int_equal(suite_exec(&exec), STORE_OK);
}

/* What came before its month was made moves into it, and goes with it. */
static void test_rows_live_in_their_month(void **state)
{
    struct db *db = admin_open(suite.url);
    int64_t start_ms = admin_int(db, "SELECT max(end_ms) FROM months");
    struct money_cmd cmds[2];

    (void)state;
    suite_add_customer(1000);
    suite_add_customer(1001);
    suite_deposit(1000, "now", 1000);
    cmds[0] = suite_bet(1000, "a", 100, 1);
    cmds[1] = suite_cmd(MONEY_DEPOSIT, 1001, "b", 100);
    cmds[0].bet = bet_id_make(start_ms + 5, 1, 1);
    cmds[0].at_ms = cmds[1].at_ms = start_ms + 5;
    assert_int_equal(suite_money(cmds, 2), STORE_OK);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM transfers_last"), 2);
    suite_add_month(start_ms, start_ms + 1000);
    suite_add_month(start_ms, start_ms + 1000); /* again: it is there */
    assert_int_equal(admin_int(db, "SELECT count(*) FROM transfers_last"), 0);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM bets_last"), 0);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM bets"), 1);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM legs"), 1);
    assert_int_equal(suite_audit(), 0);
    admin_run(db, "BEGIN; DELETE FROM months WHERE end_ms = (SELECT max(end_ms) FROM months)");
    assert_int_equal(admin_int(db, "SELECT count(*) FROM transfers"), 1);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM bets"), 0);
    admin_run(db, "ROLLBACK"); /* the suite audits at the end */
    db_close(db);
}

static void test_months_are_made_ahead_without_a_gap(void **state)
{
    struct db *db = admin_open(suite.url);

    (void)state;
    assert_int_equal(admin_int(db, "SELECT count(*) FROM months"), 5);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM months m WHERE start_ms <> 0 AND NOT"
                                   " EXISTS (SELECT 1 FROM months p"
                                   " WHERE p.end_ms = m.start_ms)"), 0);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM months WHERE start_ms <="
                                   " extract(epoch FROM now()) * 1000 AND end_ms >"
                                   " extract(epoch FROM now()) * 1000"), 1);
    db_close(db);
}

/* ---- locks (rule 25) ------------------------------------------------- */

static void rule_25_a_locked_account_is_skipped(void **state)
{
    struct money_cmd cmds[2];
    struct db *db = admin_open(suite.url);

    (void)state;
    suite_add_customer(1000);
    suite_add_customer(1001);
    cmds[0] = suite_cmd(MONEY_DEPOSIT, 1001, "b", 100);
    cmds[1] = suite_cmd(MONEY_DEPOSIT, 1000, "a", 100);
    admin_run(db, "BEGIN; UPDATE accounts SET seq = seq WHERE id = 1000");
    assert_int_equal(suite_money(cmds, 2), STORE_OK);
    assert_int_equal(cmds[0].outcome, MONEY_DECIDED);
    assert_int_equal(cmds[1].outcome, MONEY_SKIPPED);
    admin_run(db, "ROLLBACK");
    assert_int_equal(suite_money(&cmds[1], 1), STORE_OK);
    assert_int_equal(cmds[1].outcome, MONEY_DECIDED);
    db_close(db);
}

static void rule_25_alone_it_waits_with_a_time_out(void **state)
{
    static struct money_batch batch;
    struct money_cmd cmd;
    struct db *db = admin_open(suite.url);

    (void)state;
    suite_add_customer(1000);
    cmd = suite_cmd(MONEY_DEPOSIT, 1000, "a", 100);
    batch = (struct money_batch){ .cmds = { &cmd }, .n = 1, .wait = true,
                                  .on_done = suite_on_money };
    admin_run(db, "BEGIN; UPDATE accounts SET seq = seq WHERE id = 1000");
    suite.waiting++;
    store_money(suite.store, 0, &batch);
    suite_wait();
    assert_int_equal(suite.result, STORE_UNAVAILABLE);
    assert_int_equal(cmd.outcome, MONEY_PENDING);
    admin_run(db, "ROLLBACK");
    db_close(db);
    suite_expect_account(1000, 0, 0, 0, 0);
}

/*
 * Two lanes throw the same commands, under the same keys, at the same few
 * accounts, again and again, each from a snapshot older than the other's
 * commit.  Every key is decided once, and the books add up.
 */
#define RACE_ACCOUNTS 4
#define RACE_ROUNDS 1000

static struct race_lane {
    struct money_batch batch;
    struct money_cmd cmds[RACE_ACCOUNTS];
    char keys[RACE_ACCOUNTS][32];
    bool open[RACE_ACCOUNTS]; /* not answered yet */
    int64_t decided, known, skipped;
    unsigned number, round;
} race[2];

static void race_send(struct race_lane *lane);

static void race_on_done(struct money_batch *batch, enum store_result result)
{
    struct race_lane *lane = batch->ctx;

    assert_int_equal(result, STORE_OK);
    for (uint32_t i = 0; i < batch->n; i++) {
        struct money_cmd *cmd = batch->cmds[i];

        lane->decided += cmd->outcome == MONEY_DECIDED;
        lane->known += cmd->outcome == MONEY_KNOWN;
        lane->skipped += cmd->outcome == MONEY_SKIPPED;
        if (cmd->outcome != MONEY_SKIPPED)
            lane->open[cmd - lane->cmds] = false;
    }
    race_send(lane);
}

static void race_new_round(struct race_lane *lane)
{
    lane->round++;
    for (unsigned i = 0; i < RACE_ACCOUNTS; i++) {
        (void)snprintf(lane->keys[i], sizeof(lane->keys[i]), "r%u", lane->round);
        if (lane->round % 2 == 0) {
            lane->cmds[i] = suite_cmd(MONEY_DEPOSIT, 1000 + i, lane->keys[i], 10);
        } else {
            lane->cmds[i] = suite_bet(1000 + i, lane->keys[i], 10, i);
            lane->cmds[i].bet = bet_id_make(SUITE_NOW + lane->round, 1, i);
        }
        lane->open[i] = true;
    }
}

/* What was skipped goes again, until the round is done. */
static void race_send(struct race_lane *lane)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < RACE_ACCOUNTS; i++)
        if (lane->open[i])
            lane->batch.cmds[n++] = &lane->cmds[i];
    if (n == 0) {
        if (lane->round == RACE_ROUNDS) {
            suite.waiting--;
            return;
        }
        race_new_round(lane);
        race_send(lane);
        return;
    }
    lane->batch.n = n;
    lane->batch.on_done = race_on_done;
    lane->batch.ctx = lane;
    store_money(suite.store, lane->number, &lane->batch);
}

static void rule_25_two_lanes_race_for_the_same_keys(void **state)
{
    struct store_options options = { .url = suite.url, .lanes = 2, .readers = 1 };
    struct str error = STR_NONE;

    (void)state;
    for (int i = 0; i < RACE_ACCOUNTS; i++) {
        suite_add_customer(1000 + i);
        suite_deposit(1000 + i, "start", 100000);
    }
    suite_close();
    suite.store = store_open(&suite.loop, &options, &suite.arena, &error);
    assert_non_null(suite.store);
    memset(race, 0, sizeof(race));
    suite.waiting = 2;
    for (unsigned i = 0; i < 2; i++) {
        race[i].number = i;
        race_send(&race[i]);
    }
    suite_wait();
    assert_int_equal(race[0].decided + race[1].decided, RACE_ACCOUNTS * RACE_ROUNDS);
    assert_int_equal(race[0].known + race[1].known, RACE_ACCOUNTS * RACE_ROUNDS);
    assert_true(race[0].skipped + race[1].skipped > 0); /* else nothing raced */
    for (int i = 0; i < RACE_ACCOUNTS; i++)
        suite_expect_account(1000 + i, 100000, 0, 10 * RACE_ROUNDS / 2, 1 + RACE_ROUNDS);
}

/* ---- leases of those that are gone (rule 14) -------------------------- */

/* A transaction that hangs keeps its own holder from being fenced, not the
 * others: their leases are reclaimed all the same. */
static void rule_14_who_cannot_be_fenced_delays_no_other(void **state)
{
    struct db *db = admin_open(suite.url);
    char sql[128];
    int turns = 0;

    (void)state;
    l_begin();
    l_start_one(0, L_NEVER_MS, 100);
    l_start_one(1, L_NEVER_MS, 100);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(l_charged(i, i, 100, 1000), LIABILITY_CHARGED);
        liability_release(l.processes[i], &l.claims[i]);
    }
    assert_true(l.claims[0].epoch < l.claims[1].epoch);
    (void)snprintf(sql, sizeof(sql), "BEGIN; SELECT pg_advisory_xact_lock_shared(7311014, %d)",
                   (int)l.claims[0].epoch);
    admin_run(db, sql);
    (void)usleep(150000);
    l_start_one(2, 20, 5000);
    assert_int_equal(l_charged(2, 2, 1, 1000), LIABILITY_CHARGED);
    for (; turns < 2000 && admin_int(db, "SELECT count(*) FROM liability_holders") > 2; turns++) {
        (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
        (void)usleep(2000);
    }
    assert_int_equal(admin_int(db, "SELECT count(*) FROM liability_holders"), 2);
    admin_run(db, "COMMIT");
    l_reclaim();
    liability_release(l.processes[2], &l.claims[2]);
    l_stop();
    db_close(db);
}

/* ---- failures -------------------------------------------------------- */

static void rule_06_a_poisoned_row_is_the_datas_fault(void **state)
{
    struct db *db = admin_open(suite.url);
    struct money_cmd cmd;

    (void)state;
    suite_add_customer(1000);
    cmd = suite_cmd(MONEY_DEPOSIT, 1000, "a", 100);
    admin_run(db, "UPDATE accounts SET balance = 9223372036854775807");
    assert_int_equal(suite_money(&cmd, 1), STORE_REJECTED);
    admin_run(db, "UPDATE accounts SET balance = 0");
    assert_int_equal(suite_money(&cmd, 1), STORE_OK);
    assert_int_equal(cmd.outcome, MONEY_DECIDED);
    db_close(db);
}

static int64_t money_backend(struct db *db)
{
    return admin_int(db, "SELECT pid FROM pg_stat_activity WHERE datname ="
                         " current_database() AND application_name = 'overround money 0'");
}

/* Sends a deposit that has to wait for a lock, so that it is in the server's
 * hands and surely not committed. */
static void send_blocked(struct db *db, struct money_batch *batch, struct money_cmd *cmd)
{
    static const char waits[] = "SELECT count(*) FROM pg_stat_activity WHERE"
        " application_name = 'overround money 0' AND wait_event_type = 'Lock'"
        " AND datname = current_database()";

    *cmd = suite_cmd(MONEY_DEPOSIT, 1000, "a", 100);
    *batch = (struct money_batch){ .cmds = { cmd }, .n = 1, .wait = true,
                                   .on_done = suite_on_money };
    admin_run(db, "BEGIN; UPDATE accounts SET seq = seq WHERE id = 1000");
    do {
        suite.waiting++;
        store_money(suite.store, 0, batch);
        while (suite.waiting > 0 && admin_int(db, waits) == 0)
            (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
    } while (suite.waiting == 0); /* the lock's time was over unseen */
}

static void test_a_terminated_session_rolled_back(void **state)
{
    static struct money_batch batch;
    struct money_cmd cmd;
    struct db *db = admin_open(suite.url);
    int64_t reconnects = metric_value(METRIC_STORE_RECONNECTS, STR_NONE);

    (void)state;
    suite_add_customer(1000);
    send_blocked(db, &batch, &cmd);
    admin_run(db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                  " WHERE application_name = 'overround money 0'"
                  " AND datname = current_database()");
    suite_wait();
    assert_int_equal(suite.result, STORE_UNAVAILABLE);
    admin_run(db, "ROLLBACK");
    wait_until_up(true);
    assert_true(metric_value(METRIC_STORE_RECONNECTS, STR_NONE) > reconnects);
    assert_int_equal(suite_money(&cmd, 1), STORE_OK);
    assert_int_equal(cmd.outcome, MONEY_DECIDED);
    db_close(db);
}

/* Its farewell and the connection's reset are there at once: a server that falls
 * has not read all that was sent to it. */
static void test_a_reset_behind_a_farewell_is_seen(void **state)
{
    static char body[200 * 1024];
    static const char waits[] = "SELECT count(*) FROM pg_stat_activity WHERE"
        " application_name LIKE 'overround write%' AND wait_event_type = 'Lock'"
        " AND datname = current_database()";
    struct store_exec exec = { .n = 2, .arena = &suite.arena, .on_done = suite_on_exec };
    struct db *db = admin_open(suite.url);

    (void)state;
    memset(body, 'x', sizeof(body));
    exec.calls[0] = (struct statement_call){ STATEMENT_FEED_PUBLISHED_SET, { VALUE_INT(1) } };
    exec.calls[1] = (struct statement_call){ STATEMENT_DEAD_ADD,
        { VALUE_INT(1), VALUE_STR(STR("key")), VALUE_STR(STR("why")), VALUE_INT(1), VALUE_INT(1),
          VALUE_STR(((struct str){ body, sizeof(body) })) } };
    admin_run(db, "BEGIN; UPDATE meta SET value = value WHERE name = 'feed_published'");
    suite.waiting++;
    store_exec(suite.store, &exec);
    while (admin_int(db, waits) == 0)
        (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
    admin_run(db, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                  " WHERE application_name LIKE 'overround write%'"
                  " AND datname = current_database()");
    suite_wait();
    assert_int_equal(suite.result, STORE_UNAVAILABLE);
    admin_run(db, "ROLLBACK");
    wait_until_up(true);
    db_close(db);
}

/* Rule 13: kill -9 says nothing, so nothing is known. */
static void rule_13_lost_in_mid_batch_is_unknown(void **state)
{
    static struct money_batch batch;
    struct money_cmd cmd;
    struct db *db = admin_open(suite.url);

    (void)state;
    suite_add_customer(1000);
    send_blocked(db, &batch, &cmd);
    assert_int_equal(kill((pid_t)money_backend(db), SIGKILL), 0);
    suite_wait();
    assert_int_equal(suite.result, STORE_UNKNOWN);
    wait_until_up(true); /* PostgreSQL restarts all its sessions */
    assert_int_equal(suite_money(&cmd, 1), STORE_OK);
    assert_int_equal(cmd.outcome, MONEY_DECIDED);
    suite_expect_account(1000, 100, 0, 0, 1);
    db_close(db);
}

/* Rule 13: so a standby that did not confirm looks, and a server that falls
 * while it answers. */
static void rule_13_a_commit_with_a_warning_is_unknown(void **state)
{
    struct money_cmd cmd;
    struct db *db = admin_open(suite.url);

    (void)state;
    suite_add_customer(1000);
    cmd = suite_cmd(MONEY_DEPOSIT, 1000, "a", 100);
    admin_run(db, "CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS"
                  " $$BEGIN RAISE WARNING 'not on the standby'; RETURN NULL; END$$;"
                  " CREATE TRIGGER warn AFTER INSERT ON outbox EXECUTE FUNCTION warn()");
    assert_int_equal(suite_money(&cmd, 1), STORE_UNKNOWN);
    admin_run(db, "DROP TRIGGER warn ON outbox");
    assert_int_equal(suite_money(&cmd, 1), STORE_OK);
    assert_int_equal(cmd.outcome, MONEY_KNOWN); /* the truth, asked again */
    suite_expect_account(1000, 100, 0, 0, 1);
    db_close(db);
}

static void cut_all(struct db *db)
{
    admin_run(db, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                  " WHERE application_name LIKE 'overround %'"
                  " AND datname = current_database()");
    wait_until_up(false);
}

/* While it is away, calls fail at once and on the loop. */
static void test_a_store_that_is_away_fails_fast(void **state)
{
    struct money_cmd cmd;
    struct db *db = admin_open(suite.url);

    (void)state;
    suite_add_customer(1000);
    cmd = suite_cmd(MONEY_DEPOSIT, 1000, "a", 100);
    admin_run(db, "ALTER ROLE CURRENT_USER SET synchronous_commit = off");
    cut_all(db);
    for (int i = 0; i < 50; i++) { /* every connection has to notice */
        (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
        (void)usleep(2000);
    }
    assert_int_equal(suite_money(&cmd, 1), STORE_UNAVAILABLE);
    for (int i = 0; i < 200; i++) { /* rule 26 holds for new connections, too */
        (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
        (void)usleep(2000);
    }
    assert_false(store_is_up(suite.store));
    admin_run(db, "ALTER ROLE CURRENT_USER RESET synchronous_commit");
    wait_until_up(true);
    assert_int_equal(suite_money(&cmd, 1), STORE_OK);
    assert_int_equal(cmd.outcome, MONEY_DECIDED);
    db_close(db);
}

/* A primary that comes back after a standby took over goes on where it was. */
static void test_an_old_primary_is_kept_out(void **state)
{
    struct db *db = admin_open(suite.url);
    char sql[160];

    (void)state;
    (void)snprintf(sql, sizeof(sql), "ALTER DATABASE %s SET search_path = public, pg_catalog",
                   strrchr(suite.url, '/') + 1);
    admin_run(db, sql);
    admin_run(db, "CREATE FUNCTION public.pg_walfile_name(pg_lsn) RETURNS text LANGUAGE sql"
                  " AS $$SELECT '0000000A0000000000000001'$$");
    cut_all(db);
    wait_until_up(true);
    admin_run(db, "DROP FUNCTION public.pg_walfile_name(pg_lsn)");
    cut_all(db);
    for (int i = 0; i < 400; i++) {
        (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
        (void)usleep(2000);
    }
    assert_false(store_is_up(suite.store));
    admin_run(db, "CREATE FUNCTION public.pg_walfile_name(pg_lsn) RETURNS text LANGUAGE sql"
                  " AS $$SELECT '0000000B0000000000000001'$$");
    wait_until_up(true);
    db_close(db);
}

/* Tests on a server of their own; 0: all well.  A killed server syncs every
 * database it has before it comes back: those that are killed have few. */
#define RUN_ON_A_SERVER(name, tests)                                        \
    do {                                                                    \
        char path[64];                                                      \
        (void)snprintf(path, sizeof(path), "%s/" name, directory);          \
        if (!server_start(path, "autovacuum=off", server, sizeof(server)))              \
            return 1;                                                       \
        failed += cmocka_run_group_tests_name(name, tests, NULL, NULL);     \
        server_drop(path);                                                  \
    } while (0)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_SUITE,
        LIABILITY_SUITE,
        HOLD_SUITE,
        LIABILITY_STORM_SUITE,
        OUTBOX_SUITE,
        SUITE_TEST(rule_23_a_second_server_is_refused),
        SUITE_TEST(rule_26_synchronous_commit_off_is_refused),
        SUITE_TEST(rule_26_fsync_off_is_refused),
        SUITE_TEST(rule_26_a_standby_that_nobody_waits_for_is_refused),
        SUITE_TEST(rule_28_a_schema_behind_names_the_command),
        SUITE_TEST(test_an_unreachable_server_is_named),
        SUITE_TEST(test_rows_live_in_their_month),
        SUITE_TEST(test_months_are_made_ahead_without_a_gap),
        SUITE_TEST(rule_25_a_locked_account_is_skipped),
        SUITE_TEST(rule_25_alone_it_waits_with_a_time_out),
        SUITE_TEST(rule_25_two_lanes_race_for_the_same_keys),
        SUITE_TEST(rule_14_who_cannot_be_fenced_delays_no_other),
        SUITE_TEST(rule_06_a_poisoned_row_is_the_datas_fault),
    };
    const struct CMUnitTest failures[] = {
        SUITE_TEST(test_a_terminated_session_rolled_back),
        SUITE_TEST(test_a_reset_behind_a_farewell_is_seen),
        SUITE_TEST(rule_13_lost_in_mid_batch_is_unknown),
        SUITE_TEST(rule_13_a_commit_with_a_warning_is_unknown),
        SUITE_TEST(test_a_store_that_is_away_fails_fast),
        SUITE_TEST(test_an_old_primary_is_kept_out),
    };
    const struct CMUnitTest apart[] = { STORE_SUITE, LIABILITY_SUITE, HOLD_SUITE };
    int failed = 0;

    if (mkdtemp(directory) == NULL || chmod(directory, 0755) != 0)
        return 1;
    RUN_ON_A_SERVER("postgres", tests);
    RUN_ON_A_SERVER("failures", failures);
    suite_apart = true;
    RUN_ON_A_SERVER("apart", apart);
    (void)rmdir(directory);
    return failed;
}
