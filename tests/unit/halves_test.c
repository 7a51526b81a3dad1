/*
 * The halves of the store (store/halves.h): which database has which, and that a
 * wrong address is found out before anything is written.  And all that the store
 * does, with each half in a file of its own that has no tables of the other.
 */
#include "tests/unit/store_suite.h"

#include <stdlib.h>
#include <unistd.h>

static char directory[] = "/tmp/overround-halves-XXXXXX";
static unsigned n_databases;

static const char *suite_fresh(void)
{
    static char url[512];

    (void)snprintf(url, sizeof(url), "sqlite:%s/%u.db", directory, n_databases++);
    return url;
}

static void expect_refused(const char *url, const char *ledger, const char *words)
{
    struct store_options options = { .url = url, .ledger_url = ledger, .lanes = 1,
                                     .readers = 1 };
    struct str error = STR_NONE;

    assert_null(store_open(&suite.loop, &options, &suite.arena, &error));
    if (strstr(arena_cstr(&suite.arena, error), words) == NULL)
        fail_msg("\"%s\" is not in: " STR_FMT, words, STR_ARG(error));
}

/* ---- the tables --------------------------------------------------------- */

static bool on_table(void *ctx, const struct value *cells)
{
    static const char *const shared[] = { "meta", "epochs", "schema_version" };
    bool known = strncmp(arena_cstr(&suite.arena, cells[0].s), "sqlite_", 7) == 0;

    (void)ctx;
    for (size_t i = 0; i < LENGTH(shared); i++)
        known = known || str_eq(cells[0].s, str_of(shared[i]));
    if (!known && sql_halves(arena_cstr(&suite.arena, cells[0].s)) == 0)
        fail_msg("tbl/store_tables.h does not know " STR_FMT, STR_ARG(cells[0].s));
    return true;
}

static void every_table_has_a_half(void **state)
{
    struct str error = STR_NONE;
    struct db *db = db_open(suite.url, DB_READ, &suite.arena, &error);

    (void)state;
    assert_true(db_query(db, "SELECT name FROM sqlite_master WHERE type = 'table'", "", NULL, "s",
                         on_table, NULL, &error));
    db_close(db);
}

static void a_statement_names_tables_of_its_half(void **state)
{
    (void)state;
    assert_int_equal(sql_halves("SELECT value FROM meta"), 0);
    assert_int_equal(sql_halves("SELECT pos FROM feed_log"), STORE_JOURNAL);
    assert_int_equal(sql_halves("SELECT c.bets FROM operators c"), STORE_JOURNAL);
    assert_int_equal(sql_halves("SELECT (SELECT 1 FROM bets) FROM feed_log"), STORE_BOTH);
    for (unsigned i = 0; i < STATEMENTS; i++) {
        const struct statement_info *info = statement_info((enum statement)i);

        assert_true(info->half == STORE_JOURNAL || info->half == STORE_LEDGER);
        assert_int_equal(sql_halves(info->sql) & ~(unsigned)info->half, 0);
    }
}

/* ---- addresses ------------------------------------------------------------ */

static void a_half_alone_is_not_the_store(void **state)
{
    (void)state;
    suite_close();
    expect_refused(suite.url, NULL, "has the journal alone, and is asked for both halves");
    expect_refused(suite.ledger, NULL, "has the ledger alone, and is asked for both halves");
    suite_open(); /* as before */
}

static void the_wrong_way_round_is_refused(void **state)
{
    (void)state;
    suite_close();
    expect_refused(suite.ledger, suite.url, "has the ledger alone, and is asked for the journal");
    expect_refused(suite.url, suite.url, "leave --ledger away");
    expect_refused(suite.url, "postgres://nobody@127.0.0.1:1/x", "PostgreSQL");
    suite_open();
}

static void another_stores_ledger_is_refused(void **state)
{
    char url[512], ledger[512];

    (void)state;
    suite_close();
    memcpy(url, suite.url, sizeof(url));
    memcpy(ledger, suite.ledger, sizeof(ledger));
    (void)snprintf(suite.url, sizeof(suite.url), "%s", suite_fresh());
    (void)snprintf(suite.ledger, sizeof(suite.ledger), "%s", suite_fresh());
    suite_migrate();
    expect_refused(url, suite.ledger, "follows another journal");
    expect_refused(suite.url, ledger, "follows another journal");
    suite_open();
}

/* Customers that were in both halves' one database would be gone. */
static void a_store_is_not_divided_before_it_is_copied(void **state)
{
    (void)state;
    suite_close();
    suite_apart = false;
    (void)snprintf(suite.url, sizeof(suite.url), "%s", suite_fresh());
    memcpy(suite.ledger, suite.url, sizeof(suite.ledger));
    suite_migrate();
    suite_open();
    suite_add_customer(1000);
    suite_close();
    expect_refused(suite.url, suite_fresh(), "copy it first");
    suite_open(); /* it still has both */
    suite_expect_account(1000, 0, 0, 0, 0);
    suite_apart = true;
}

/* The books are the ledger's; a journal has none. */
static void tools_say_which_half_they_need(void **state)
{
    struct str error = STR_NONE;
    struct audit_counts counts;
    struct db *db = db_open(suite.url, DB_READ, &suite.arena, &error);

    (void)state;
    assert_false(audit_run(db, suite_on_difference, NULL, &counts, &error));
    assert_non_null(strstr(arena_cstr(&suite.arena, error), "say where it is by --ledger"));
    assert_true(audit_file(db, suite_on_difference, NULL, &counts, &error));
    assert_int_equal(counts.differences, 0);
    db_close(db);
    db = db_open(suite.ledger, DB_READ, &suite.arena, &error);
    assert_false(halves_need(db, STORE_JOURNAL, &error));
    assert_true(halves_need(db, STORE_LEDGER, &error));
    db_close(db);
}

static void remove_databases(void)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    char path[512];

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
        SUITE_TEST(a_statement_names_tables_of_its_half),
        SUITE_TEST(a_half_alone_is_not_the_store),
        SUITE_TEST(the_wrong_way_round_is_refused),
        SUITE_TEST(another_stores_ledger_is_refused),
        SUITE_TEST(a_store_is_not_divided_before_it_is_copied),
        SUITE_TEST(tools_say_which_half_they_need),
        STORE_SUITE, /* as when they are together */
    };
    const struct CMUnitTest together[] = { SUITE_TEST(every_table_has_a_half) };

    if (mkdtemp(directory) == NULL)
        return 1;
    failed = cmocka_run_group_tests_name("together", together, NULL, NULL);
    suite_apart = true;
    failed += cmocka_run_group_tests_name("halves", tests, NULL, NULL);
    remove_databases();
    return failed;
}
