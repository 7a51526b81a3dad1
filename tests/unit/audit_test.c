/*
 * The audit finds what is wrong: a sound little book, then one fault at a
 * time, and the sentence that must name it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "store/db.h"
#include "store/engine.h"

#define NOW 1790000000000

static char directory[] = "/tmp/overround-audit-XXXXXX";
static char url[256];
static struct arena arena;
static struct buf found; /* the sentences */

static struct market_id market(uint32_t n)
{
    return (struct market_id){ STR("sr:match:1"), n, STR("") };
}

static struct str slip_text(uint32_t n)
{
    struct slip slip = { .type = BET_SINGLE, .n_legs = 1 };
    struct str text;
    struct buf buf;

    slip.legs[0] = (struct leg){ .market = market(n), .outcome = STR("1"),
                                 .odds_e4 = 25000, .result = LEG_RESULT_OPEN };
    buf_init(&buf, LIMIT_SLIP_BYTES);
    slip_encode(&slip, &buf);
    text = arena_str(&arena, buf_view(&buf));
    buf_fini(&buf);
    return text;
}

static struct db *open_db(enum db_mode mode)
{
    struct str error = STR_NONE;
    struct db *db = db_open(url, mode, &arena, &error);

    if (db == NULL)
        fail_msg(STR_FMT, STR_ARG(error));
    return db;
}

static void must_run(struct db *db, const char *sql)
{
    struct str error = STR_NONE;

    if (!db_run(db, sql, &error))
        fail_msg("%s: " STR_FMT, sql, STR_ARG(error));
}

/* The home side won on market 1. */
static void add_fact(struct db *db, int64_t key)
{
    struct fact_outcome outcomes[] = { { STR("1"), 1, 0, FACTOR_ONE_E12 },
                                       { STR("2"), 0, 0, FACTOR_ONE_E12 } };
    struct fact fact = { .kind = FACT_SETTLEMENT, .outcomes = outcomes, .n_outcomes = 2 };
    struct str text = fact_outcomes_encode(&fact, &arena);
    struct str sql = arena_printf(
        &arena,
        "INSERT INTO facts VALUES (%lld, 9, 1, 0, 'sr:match:1', 1, '', 3, %lld, 2, 0,"
        " 9223372036854775807, 0, '" STR_FMT "', 77, %lld)",
        (long long)key, (long long)NOW, STR_ARG(text), (long long)NOW);

    must_run(db, arena_cstr(&arena, sql));
}

/* 5000 in; 1000 at 2.5, won: 2500; 500 on market 2, open. */
static int setup(void **state)
{
    int64_t won = market_key(market(1)), open = market_key(market(2));
    struct str error = STR_NONE, sql;
    unsigned applied;
    struct db *db;

    (void)state;
    arena_init(&arena, 64 * 1024 * 1024);
    buf_init(&found, 64 * 1024);
    db = open_db(DB_WRITE);
    assert_true(migrate(db, &applied, &error));
    must_run(db, "INSERT INTO accounts (id, currency, balance, debt, staked, seq)"
                 " VALUES (1000, 'EUR', 6000, 0, 500, 4)");
    must_run(db, "INSERT INTO transfers VALUES (1000, 1, 1, 1000, 5000, 1, 0, 0, 5000),"
                 " (1000, 2, 1000, 2, 1000, 3, 11, 0, 4000),"
                 " (1000, 3, 1000, 2, 500, 3, 12, 0, 3500),"
                 " (1000, 4, 2, 1000, 2500, 4, 11, 0, 6000)");
    must_run(db, "INSERT INTO keys VALUES (1000, 1, 'a', x'00', 0, '', 11, 0),"
                 " (1000, 1, 'b', x'00', 0, '', 12, 0),"
                 " (1000, 1, 'no', x'00', 13, '', 0, 0),"
                 " (1000, 2, 'd', x'00', 0, '', 1, 0)");
    sql = arena_printf(
        &arena,
        "INSERT INTO bets VALUES (1000, 11, 2, 2, 1000, 2500, 100000, 2500, 'EUR', 'x',"
        " %lld, %lld, 1, 0, '" STR_FMT "', '[[1,0,1000000000000]]', 0, 0, ''),"
        " (1000, 12, 1, 1, 500, 1250, 100000, 0,"
        " 'EUR', 'x', %lld, 0, 1, 0, '" STR_FMT "', '', 0, 0, ''); INSERT INTO legs VALUES"
        " (%lld, 11, 1000), (%lld, 12, 1000)",
        (long long)NOW - 5000, (long long)NOW, STR_ARG(slip_text(1)), (long long)NOW - 5000,
        STR_ARG(slip_text(2)), (long long)won, (long long)open);
    must_run(db, arena_cstr(&arena, sql));
    add_fact(db, won);
    db_close(db);
    return 0;
}

static void remove_file(const char *suffix)
{
    char path[300];

    (void)snprintf(path, sizeof(path), "%s%s", url + strlen("sqlite:"), suffix);
    (void)unlink(path);
}

static int teardown(void **state)
{
    (void)state;
    buf_fini(&found);
    arena_fini(&arena);
    remove_file("");
    remove_file("-wal");
    remove_file("-shm");
    return 0;
}

static void on_difference(void *ctx, struct str sentence)
{
    (void)ctx;
    buf_str(&found, sentence);
    buf_char(&found, '\n');
}

static uint64_t audit(struct audit_counts *counts)
{
    struct str error = STR_NONE;
    struct db *db = open_db(DB_READ);

    buf_reset(&found);
    if (!audit_run(db, on_difference, NULL, counts, &error))
        fail_msg(STR_FMT, STR_ARG(error));
    db_close(db);
    buf_char(&found, '\0');
    return counts->differences;
}

static void break_it(const char *sql)
{
    struct db *db = open_db(DB_WRITE);

    must_run(db, sql);
    db_close(db);
}

static void test_a_sound_book_has_no_differences(void **state)
{
    struct audit_counts counts;

    (void)state;
    assert_int_equal(audit(&counts), 0);
    assert_int_equal(counts.accounts, 1);
    assert_int_equal(counts.bets, 2);
    assert_int_equal(counts.transfers, 4);
    assert_int_equal(counts.keys, 4);
}

static const struct fault {
    const char *sql, *sentence;
} faults[] = {
    { "UPDATE accounts SET balance = 6001", "balance - debt is 6001" },
    { "UPDATE accounts SET balance = -1", "is negative" },
    { "UPDATE accounts SET balance = 6005, debt = 5", "both positive" },
    { "UPDATE accounts SET staked = 400", "staked is 400" },
    { "UPDATE accounts SET seq = 3", "last event is 3, a transfer has 4" },
    { "UPDATE accounts SET currency = 'USD'", "another currency" },
    { "DELETE FROM transfers WHERE seq = 4", "paid 0" },
    { "UPDATE transfers SET amount = 0 WHERE seq = 1", "is not double entry" },
    { "UPDATE transfers SET credit = 2 WHERE seq = 4", "is not double entry" },
    { "UPDATE transfers SET debit = 1000 WHERE seq = 4", "is not double entry" },
    { "UPDATE transfers SET kind = 9 WHERE seq = 1", "is not double entry" },
    { "UPDATE transfers SET bet = 99 WHERE seq = 4", "does not exist" },
    { "UPDATE transfers SET amount = 400 WHERE seq = 3", "1 stakes of 400" },
    { "INSERT INTO transfers VALUES (1000, 5, 1000, 2, 500, 3, 12, 0, 5500)",
      "2 stakes of 1000" },
    { "UPDATE bets SET payout = 1 WHERE id = 12", "payout 1" },
    { "UPDATE bets SET state = 7 WHERE id = 12", "state 7" },
    { "UPDATE bets SET payout = 2400 WHERE id = 11;"
      " UPDATE transfers SET amount = 2400 WHERE seq = 4;"
      " UPDATE accounts SET balance = 5900", "the facts in force give 2500" },
    { "UPDATE transfers SET balance_after = 4001 WHERE seq = 2", "balance after it is 4001" },
    { "DELETE FROM keys WHERE key = 'b'", "no key names it" },
    { "UPDATE bets SET potential = 1251 WHERE id = 12", "its odds give 1250" },
    { "UPDATE bets SET cap = 2499 WHERE id = 11", "cap 2499" },
    { "UPDATE bets SET cap = -1 WHERE id = 11", "cap -1 is negative" },
    { "UPDATE bets SET stake = -1 WHERE id = 11", "stake -1 or cap" },
    { "UPDATE bets SET results = '' WHERE id = 11", "leg 0 is open, the facts in force say won" },
    { "UPDATE bets SET results = '[' WHERE id = 11", "its results cannot be read" },
    { "DELETE FROM facts", "the facts in force leave it open" },
    { "UPDATE bets SET state = 1, payout = 0 WHERE id = 11;"
      " DELETE FROM transfers WHERE seq = 4;"
      " UPDATE accounts SET balance = 3500, staked = 1500", "open, but the facts" },
    { "UPDATE bets SET slip = 'x' WHERE id = 11", "its slip cannot be read" },
    { "DELETE FROM legs WHERE bet = 11", "1 markets, 0 are indexed" },
    { "UPDATE legs SET market_key = 5 WHERE bet = 11", "not the slips' markets" },
    { "INSERT INTO legs VALUES (6, 99, 1000)", "there is no such bet" },
    { "UPDATE keys SET ref = 99 WHERE key = 'b'", "what it names, 99, does not exist" },
    { "UPDATE keys SET ref = 9 WHERE key = 'd'", "what it names, 9, does not exist" },
    { "UPDATE keys SET ref = 11 WHERE key = 'b'", "2 keys name it" },
    { "UPDATE accounts SET balance = 6001", "together they are not 0" },
    { "INSERT INTO checkpoints VALUES (1000, 0, 5, 0, 4, 0, 0, 0)", "not balance 4 and debt 0" },
    { "INSERT INTO checkpoints VALUES (1000, 0, 5, 0, 5, 0, 0, 0)", "add up to 6005" },
    { "INSERT INTO checkpoints VALUES (1000, 5, 0, 0, 0, 0, 0, 0)", "a transfer has 5" },
    { "INSERT INTO checkpoints VALUES (1001, 0, 0, 0, 0, 0, 0, 0)", "it has no account" },
};

/* Bet 11 and all transfers but one of a later time are dropped, though that
 * one has not the last number. */
static void test_what_is_dropped_is_counted_on_from(void **state)
{
    struct audit_counts counts;

    (void)state;
    break_it("DELETE FROM transfers WHERE seq <> 3; DELETE FROM legs WHERE bet = 11;"
             " DELETE FROM bets WHERE id = 11; DELETE FROM keys WHERE op = 2;"
             " UPDATE meta SET value = 12 WHERE name = 'bets_from';"
             " INSERT INTO checkpoints VALUES (1000, 4, 5000, 1500, 6500, 0, 1000, 1)");
    if (audit(&counts) != 0)
        fail_msg("%s", found.p);
    break_it("UPDATE meta SET value = 11 WHERE name = 'bets_from'");
    assert_int_equal(audit(&counts), 1);
    assert_non_null(strstr(found.p, "what it names, 11, does not exist"));
}

static void test_each_fault_is_named(void **state)
{
    for (size_t i = 0; i < LENGTH(faults); i++) {
        struct audit_counts counts;

        break_it(faults[i].sql);
        assert_true(audit(&counts) > 0);
        if (strstr(found.p, faults[i].sentence) == NULL)
            fail_msg("%s: expected \"%s\" in:\n%s", faults[i].sql, faults[i].sentence,
                     found.p);
        assert_int_equal(teardown(state), 0);
        assert_int_equal(setup(state), 0);
    }
}

/* What settlement has not come to, or a person must look at, is not judged. */
static void test_queued_and_parked_bets_are_not_judged(void **state)
{
    struct audit_counts counts;
    struct str sql = arena_printf(&arena, "INSERT INTO settle_queue (market_key, pos, bet,"
                                  " event, market, specifiers, queued_ms) VALUES (%lld, 9, 0,"
                                  " 'sr:match:1', 1, '', 0)",
                                  (long long)market_key(market(1)));
    static const char *const wrong =
        "UPDATE bets SET payout = 2400 WHERE id = 11;"
        " UPDATE transfers SET amount = 2400, balance_after = 5900 WHERE seq = 4;"
        " UPDATE accounts SET balance = 5900";

    (void)state;
    break_it(wrong);
    break_it(arena_cstr(&arena, sql));
    assert_int_equal(audit(&counts), 0);
    break_it("DELETE FROM settle_queue");
    assert_int_equal(audit(&counts), 1);
    break_it("INSERT INTO parked VALUES (1000, 11, 5, 'x', 0)");
    assert_int_equal(audit(&counts), 0);
}

static void test_the_exit_code_is_the_verdict(void **state)
{
    char option[] = "--store", *arguments[] = { option, url }, wrong[] = "--wrong";
    char *bad[] = { wrong };

    (void)state;
    assert_int_equal(cli_audit(2, arguments), 0);
    assert_int_equal(cli_migrate(2, arguments), 0);
    break_it("UPDATE accounts SET balance = 1");
    assert_int_equal(cli_audit(2, arguments), 1);
    assert_int_equal(cli_audit(1, bad), 2);
    assert_int_equal(cli_migrate(1, bad), 2);
}

/* A newer release may have added to the schema, and this one goes on; until that one says
 * that it may not. */
static void test_a_schema_that_is_too_new_is_refused(void **state)
{
    char option[] = "--store", *arguments[] = { option, url };

    (void)state;
    break_it("INSERT INTO schema_version VALUES (999)");
    assert_int_equal(cli_audit(2, arguments), 0);
    assert_int_equal(cli_migrate(2, arguments), 0);
    break_it("INSERT INTO meta VALUES ('schema_oldest', 999)");
    assert_int_equal(cli_audit(2, arguments), 1);
    assert_int_equal(cli_migrate(2, arguments), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_sound_book_has_no_differences, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_fault_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_dropped_is_counted_on_from, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queued_and_parked_bets_are_not_judged, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_the_exit_code_is_the_verdict, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_schema_that_is_too_new_is_refused, setup, teardown),
    };
    int failed;

    if (mkdtemp(directory) == NULL)
        return 1;
    (void)snprintf(url, sizeof(url), "sqlite:%s/a.db", directory);
    failed = cmocka_run_group_tests_name("audit", tests, NULL, NULL);
    (void)rmdir(directory);
    return failed;
}
