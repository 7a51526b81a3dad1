/* The store on SQLite: the suite, and what only SQLite has to promise. */
#include "tests/unit/hold_suite.h"
#include "tests/unit/liability_suite.h"
#include "tests/unit/store_suite.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/crash/vfs_shim.h"

static char directory[] = "/tmp/overround-sqlite-XXXXXX";
static unsigned n_databases;

static const char *suite_fresh(void)
{
    static char url[512];

    (void)snprintf(url, sizeof(url), "sqlite:%s/%u.db", directory, n_databases++);
    return url;
}

/* Rule 26: a second server says so. */
static void rule_26_a_second_server_is_refused(void **state)
{
    int status = 0;
    pid_t child;

    (void)state;
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const char *path = suite.url + strlen("sqlite:");

        execlp("flock", "flock", "-n", path, "true", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1); /* somebody holds it */
}

static void rule_26_one_store_serves_a_file(void **state)
{
    struct store_options options = { .url = suite.url, .lanes = 1, .readers = 1 };
    struct str error = STR_NONE;

    (void)state;
    assert_null(store_open(&suite.loop, &options, &suite.arena, &error));
    assert_non_null(strstr(arena_cstr(&suite.arena, error), "another server"));
}

static void test_an_unknown_url_names_the_schemes(void **state)
{
    struct store_options options = { .url = "mysql://x", .lanes = 1, .readers = 1 };
    struct str error = STR_NONE;

    (void)state;
    assert_null(store_open(&suite.loop, &options, &suite.arena, &error));
    assert_non_null(strstr(arena_cstr(&suite.arena, error), "sqlite:PATH"));
}

static void run_sql(const char *sql)
{
    struct str error = STR_NONE;
    struct db *db = db_open(suite.url, DB_WRITE, &suite.arena, &error);

    assert_non_null(db);
    assert_true(db_run(db, sql, &error));
    db_close(db);
}

/* Ahead is well, as long as it does not say that this program is too old. */
static void test_a_schema_that_is_ahead(void **state)
{
    struct store_options options = { .url = suite.url, .lanes = 1, .readers = 1 };
    struct str error = STR_NONE;
    struct store *store;

    (void)state;
    suite_close();
    run_sql("INSERT INTO schema_version VALUES (999)");
    store = store_open(&suite.loop, &options, &suite.arena, &error);
    assert_non_null(store);
    suite.store = store;
    suite_close();
    run_sql("INSERT INTO meta (name, value) VALUES ('schema_oldest', 999)");
    assert_null(store_open(&suite.loop, &options, &suite.arena, &error));
    assert_non_null(strstr(arena_cstr(&suite.arena, error), "newer"));
    run_sql("DELETE FROM meta WHERE name = 'schema_oldest';"
            " DELETE FROM schema_version WHERE version = 999"); /* for the teardown's audit */
}

static void wait_until_up(void)
{
    for (int rounds = 0; !store_is_up(suite.store) && rounds < 50; rounds++)
        (void)usleep(100000);
    assert_true(store_is_up(suite.store));
}

/* A commit whose sync failed may come back after a crash: nobody may say that
 * it was not applied. */
static void rule_13_a_failed_sync_is_unknown(void **state)
{
    struct money_cmd cmd;

    (void)state;
    suite_add_customer(1000);
    shim_fail_syncs(true);
    cmd = suite_cmd(MONEY_DEPOSIT, 1000, "d1", 1000);
    assert_int_equal(suite_money(&cmd, 1), STORE_UNKNOWN);
    shim_fail_syncs(false);
    wait_until_up();
    assert_int_equal(suite_money(&cmd, 1), STORE_OK); /* the retry decides */
    suite_expect_account(1000, 1000, 0, 0, 1);
}

/* A full disk: nothing is half applied, and it recovers by itself. */
static void test_a_full_disk_is_unavailable_until_it_has_room(void **state)
{
    struct money_cmd cmd;

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 1000);
    shim_fail_writes(SQLITE_FULL);
    cmd = suite_cmd(MONEY_DEPOSIT, 1000, "d2", 1000);
    assert_int_equal(suite_money(&cmd, 1), STORE_UNAVAILABLE);
    assert_false(store_is_up(suite.store));
    suite_expect_account(1000, 1000, 0, 0, 1); /* reads go on */
    shim_fail_writes(SQLITE_OK);
    wait_until_up();
    assert_int_equal(suite_money(&cmd, 1), STORE_OK);
    assert_int_equal(cmd.outcome, MONEY_DECIDED);
    suite_expect_account(1000, 2000, 0, 0, 2);
}

/* Jobs of one turn: only the offender is rejected. */
static void test_a_rejected_job_does_not_touch_its_turn(void **state)
{
    static struct money_batch batches[3];
    static struct money_cmd cmds[3];

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        suite_add_customer(1000 + i);
    for (unsigned i = 0; i < 3; i++)
        suite_deposit(1000 + i, "d", 1000);
    for (unsigned i = 0; i < 3; i++) {
        cmds[i] = suite_bet(1000 + i, "b", 100, 1 + i);
        batches[i] = (struct money_batch){ .cmds = { &cmds[i] }, .n = 1,
                                           .on_done = suite_on_money };
    }
    cmds[1].account = 1000; /* two bets of one id */
    cmds[1].key = STR("other");
    cmds[1].bet = cmds[0].bet;
    for (unsigned i = 0; i < 3; i++) {
        suite.waiting++;
        store_money(suite.store, 0, &batches[i]);
    }
    suite_wait();
    suite_expect_account(1000, 900, 0, 100, 2);
    suite_expect_account(1001, 1000, 0, 0, 1);
    suite_expect_account(1002, 900, 0, 100, 2);
}

static void remove_databases(void)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    char path[300];

    for (unsigned i = 0; i < n_databases * LENGTH(suffixes); i++) {
        (void)snprintf(path, sizeof(path), "%s/%u.db%s", directory, i / 3, suffixes[i % 3]);
        (void)unlink(path);
    }
    (void)rmdir(directory);
}

int main(void)
{
    int failed;
    const struct CMUnitTest tests[] = {
        STORE_SUITE,
        LIABILITY_SUITE,
        HOLD_SUITE,
        SUITE_TEST(rule_26_a_second_server_is_refused),
        SUITE_TEST(rule_26_one_store_serves_a_file),
        SUITE_TEST(test_an_unknown_url_names_the_schemes),
        SUITE_TEST(test_a_schema_that_is_ahead),
        SUITE_TEST(rule_13_a_failed_sync_is_unknown),
        SUITE_TEST(test_a_full_disk_is_unavailable_until_it_has_room),
        SUITE_TEST(test_a_rejected_job_does_not_touch_its_turn),
    };

    const struct CMUnitTest apart[] = { LIABILITY_SUITE, HOLD_SUITE };

    if (mkdtemp(directory) == NULL)
        return 1;
    shim_register();
    failed = cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
    suite_apart = true;
    failed += cmocka_run_group_tests_name("sqlite, halves apart", apart, NULL, NULL);
    remove_databases();
    return failed;
}
