/*
 * The behaviour of store.h, written once and run on both engines.
 *
 * The including test defines suite_fresh(), which returns the URL of a
 * database of its own without a row in it, migrated or not, and puts
 * STORE_SUITE into its list of tests.
 * Each test begins with a migrated, empty store and ends with an audit.
 */
#ifndef TESTS_UNIT_STORE_SUITE_H
#define TESTS_UNIT_STORE_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/slot.h"
#include "store/halves.h"
#include "store/engine.h"
#include "store/money.h"

static const char *suite_fresh(void); /* the including test's */
static bool suite_apart; /* the ledger in a database of its own */

#define SUITE_NOW 1790000000000 /* a wall clock in ms */

static struct suite {
    uv_loop_t loop;
    struct arena arena;
    struct store *store;
    char url[512], ledger[512]; /* one and the same, unless the halves are apart */
    unsigned waiting;
    enum store_result result; /* of the last call that ended */
    bool closed;
} suite;

static void suite_wait(void)
{
    while (suite.waiting > 0)
        (void)uv_run(&suite.loop, UV_RUN_ONCE);
}

static void suite_done(enum store_result result)
{
    suite.result = result;
    suite.waiting--;
}

/* ---- calls that wait -------------------------------------------------- */

static void suite_on_money(struct money_batch *batch, enum store_result result)
{
    (void)batch;
    suite_done(result);
}

static enum store_result suite_money(struct money_cmd *cmds, uint32_t n)
{
    static struct money_batch batch;

    batch = (struct money_batch){ .n = n, .on_done = suite_on_money };
    for (uint32_t i = 0; i < n; i++)
        batch.cmds[i] = &cmds[i];
    suite.waiting++;
    store_money(suite.store, 0, &batch);
    suite_wait();
    return suite.result;
}

static void suite_on_exec(struct store_exec *exec, enum store_result result)
{
    (void)exec;
    suite_done(result);
}

static enum store_result suite_exec(struct store_exec *exec)
{
    exec->arena = &suite.arena;
    exec->on_done = suite_on_exec;
    suite.waiting++;
    store_exec(suite.store, exec);
    suite_wait();
    return suite.result;
}

static struct store_exec suite_get(enum statement statement, int64_t a, int64_t b)
{
    struct store_exec exec = { .n = 1, .calls = { { .statement = statement } } };

    exec.calls[0].params[0] = VALUE_INT(a);
    exec.calls[0].params[1] = VALUE_INT(b);
    assert_int_equal(suite_exec(&exec), STORE_OK);
    return exec;
}

static void suite_on_feed(struct feed_append *append, enum store_result result)
{
    (void)append;
    suite_done(result);
}

static enum store_result suite_append(const struct feed_row *rows, uint32_t n, int64_t epoch,
                                      bool *fenced)
{
    struct feed_append append = { .rows = rows, .n = n, .epoch = epoch,
                                  .on_done = suite_on_feed };

    suite.waiting++;
    store_feed_append(suite.store, &append);
    suite_wait();
    *fenced = append.fenced;
    return suite.result;
}

static enum store_result suite_feed(const struct feed_row *rows, uint32_t n)
{
    bool fenced;
    enum store_result result = suite_append(rows, n, 0, &fenced); /* of a fresh store */

    assert_false(fenced);
    return result;
}

static void suite_on_results(struct results_add *add, enum store_result result)
{
    (void)add;
    suite_done(result);
}

static enum store_result suite_results(const struct fact *facts, uint32_t n, int64_t offset)
{
    struct results_add add = { .facts = facts, .n = n, .offset = offset,
                               .at_ms = SUITE_NOW + offset, .on_done = suite_on_results };

    suite.waiting++;
    store_results_add(suite.store, &add);
    suite_wait();
    return suite.result;
}

static void suite_on_fetch(struct settle_fetch *fetch, enum store_result result)
{
    (void)fetch;
    suite_done(result);
}

static struct settle_fetch suite_fetch(int64_t market_key, int64_t after, uint32_t limit)
{
    struct settle_fetch fetch = { .market_key = market_key, .after = after, .limit = limit,
                                  .arena = &suite.arena, .on_done = suite_on_fetch };

    suite.waiting++;
    store_settle_fetch(suite.store, &fetch);
    suite_wait();
    assert_int_equal(suite.result, STORE_OK);
    return fetch;
}

static void suite_on_write(struct settle_write *write, enum store_result result)
{
    (void)write;
    suite_done(result);
}

static enum store_result suite_write(struct settle_write *write)
{
    write->on_done = suite_on_write;
    write->at_ms = SUITE_NOW + 5000;
    suite.waiting++;
    store_settle_write(suite.store, write);
    suite_wait();
    return suite.result;
}

/* ---- people, commands, facts ------------------------------------------- */

static enum store_result suite_register(int64_t id, const char *email)
{
    struct store_exec exec = { .n = 2 };

    exec.calls[0] = (struct statement_call){
        .statement = STATEMENT_CUSTOMER_ADD,
        .params = { VALUE_INT(id), VALUE_STR(str_of(email)), VALUE_STR(STR("$argon2id$")),
                    VALUE_STR(STR("GB")), VALUE_INT(SUITE_NOW),
                    VALUE_STR(STR("1990-01-02")) },
    };
    exec.calls[1] = (struct statement_call){
        .statement = STATEMENT_ACCOUNT_ADD,
        .params = { VALUE_INT(id), VALUE_STR(STR("EUR")) },
    };
    return suite_exec(&exec);
}

static void suite_add_customer(int64_t id)
{
    struct str email = arena_printf(&suite.arena, "c%lld@example.com", (long long)id);
    char *text = arena_cstr(&suite.arena, email);

    assert_int_equal(suite_register(id, text), STORE_OK);
}

static struct money_cmd suite_cmd(enum money_op op, int64_t account, const char *key,
                                  int64_t amount)
{
    struct money_cmd cmd = { .op = op, .account = account, .epoch = 1,
                             .key = str_of(key), .amount_minor = amount,
                             .at_ms = SUITE_NOW };

    memset(cmd.hash, 7, sizeof(cmd.hash));
    return cmd;
}

static void suite_deposit(int64_t account, const char *key, int64_t amount)
{
    struct money_cmd cmd = suite_cmd(MONEY_DEPOSIT, account, key, amount);

    assert_int_equal(suite_money(&cmd, 1), STORE_OK);
    assert_int_equal(cmd.outcome, MONEY_DECIDED);
    assert_int_equal(cmd.decided, REFUSE_NOTHING);
}

static struct market_id suite_market(void)
{
    return (struct market_id){ STR("sr:match:1"), 1, STR("") };
}

/* A single on the home win at 2.50. */
static struct slip suite_slip(void)
{
    struct slip slip = { .type = BET_SINGLE, .n_legs = 1 };

    slip.legs[0] = (struct leg){ .market = suite_market(), .outcome = STR("1"),
                                 .odds_e4 = 25000, .result = LEG_RESULT_OPEN };
    return slip;
}

static int64_t suite_bet_id(uint32_t n)
{
    return bet_id_make(SUITE_NOW, 1, n);
}

static struct money_cmd suite_bet(int64_t account, const char *key, int64_t stake, uint32_t n)
{
    struct money_cmd cmd = suite_cmd(MONEY_BET, account, key, stake);
    struct slip slip = suite_slip();
    struct buf text;

    buf_init(&text, LIMIT_SLIP_BYTES);
    slip_encode(&slip, &text);
    cmd.slip = arena_str(&suite.arena, buf_view(&text));
    buf_fini(&text);
    cmd.bet = suite_bet_id(n);
    cmd.potential_minor = stake * 25 / 10;
    cmd.cap_minor = 100000000;
    cmd.currency = "EUR";
    cmd.sport = STR("sr:sport:1");
    cmd.country = STR("MT");
    cmd.market_keys[0] = market_key(suite_market());
    cmd.n_legs = 1;
    return cmd;
}

static void suite_place(int64_t account, const char *key, int64_t stake, uint32_t n)
{
    struct money_cmd cmd = suite_bet(account, key, stake, n);

    assert_int_equal(suite_money(&cmd, 1), STORE_OK);
    assert_int_equal(cmd.outcome, MONEY_DECIDED);
    assert_int_equal(cmd.decided, REFUSE_NOTHING);
}

static struct fact_outcome suite_home[] = {
    { STR("1"), 1, 0, FACTOR_ONE_E12 },
    { STR("2"), 0, 0, FACTOR_ONE_E12 },
};

/* The home side won (or lost), said at `position`. */
static struct fact suite_fact(int64_t position)
{
    return (struct fact){
        .kind = FACT_SETTLEMENT, .rank = FACT_RANK_FEED, .id = suite_market(),
        .key = market_key(suite_market()), .producer = 3,
        .timestamp_ms = SUITE_NOW + 1000, .position = position, .certainty = 2,
        .end_ms = INT64_MAX, .outcomes = suite_home, .n_outcomes = 2,
    };
}

static void suite_expect_account(int64_t id, int64_t balance, int64_t debt, int64_t staked,
                                 int64_t seq)
{
    struct store_exec exec = suite_get(STATEMENT_ACCOUNT_GET, id, 0);

    assert_int_equal(exec.rows, 1);
    assert_int_equal(EXEC_CELL(&exec, 0, 1).i, balance);
    assert_int_equal(EXEC_CELL(&exec, 0, 2).i, debt);
    assert_int_equal(EXEC_CELL(&exec, 0, 3).i, staked);
    assert_int_equal(EXEC_CELL(&exec, 0, 4).i, seq);
}

/* ---- setting up -------------------------------------------------------- */

static const char *suite_ledger(void)
{
    return suite_apart ? suite.ledger : NULL;
}

static void suite_open(void)
{
    struct store_options options = { .url = suite.url, .lanes = 1, .readers = 1,
                                     .relay = true, .ledger_url = suite_ledger() };
    struct str error = STR_NONE;

    suite.store = store_open(&suite.loop, &options, &suite.arena, &error);
    if (suite.store == NULL)
        fail_msg(STR_FMT, STR_ARG(error));
}

static void suite_on_closed(void *ctx)
{
    (void)ctx;
    suite.closed = true;
}

static void suite_close(void)
{
    suite.closed = false;
    store_close(suite.store, suite_on_closed, NULL);
    while (!suite.closed)
        (void)uv_run(&suite.loop, UV_RUN_ONCE);
    suite.store = NULL;
}

/* Tables that the half has no use for: what needs them fails. */
static void suite_drop_others(struct db *db, enum store_half half)
{
    static const struct { enum store_half half; const char *name; } tables[] = {
#define STORE_TABLE(half, name) { STORE_##half, #name },
#include "tbl/store_tables.h"
#undef STORE_TABLE
    };
    struct str error = STR_NONE;
    char sql[128];

    for (size_t i = 0; i < LENGTH(tables); i++) {
        (void)snprintf(sql, sizeof(sql), "DROP TABLE IF EXISTS %s%s", tables[i].name,
                       db_is_postgres(db) ? " CASCADE" : "");
        if (tables[i].half != half && !db_run(db, sql, &error))
            fail_msg("%s: " STR_FMT, sql, STR_ARG(error));
    }
}

static void suite_migrate(void)
{
    struct str error = STR_NONE;
    struct db_halves halves;
    unsigned applied;

    if (!db_open_halves(suite.url, suite_ledger(), DB_WRITE, &suite.arena, &halves, &error) ||
        !migrate(halves.journal, &applied, &error) || !migrate(halves.ledger, &applied, &error))
        fail_msg(STR_FMT, STR_ARG(error));
    if (suite_apart) {
        if (!halves_mark(halves.journal, halves.ledger, &error))
            fail_msg(STR_FMT, STR_ARG(error));
        suite_drop_others(halves.journal, STORE_JOURNAL);
        suite_drop_others(halves.ledger, STORE_LEDGER);
    }
    db_close_halves(&halves);
}

static void suite_on_difference(void *ctx, struct str sentence)
{
    (void)ctx;
    print_error(STR_FMT "\n", STR_ARG(sentence));
}

static uint64_t suite_audit(void)
{
    struct str error = STR_NONE;
    struct db *db = db_open(suite.ledger, DB_READ, &suite.arena, &error);
    struct audit_counts counts = { 0 };

    if (db == NULL || !audit_run(db, suite_on_difference, NULL, &counts, &error))
        fail_msg(STR_FMT, STR_ARG(error));
    db_close(db);
    return counts.differences;
}

static int suite_setup(void **state)
{
    (void)state;
    memset(&suite, 0, sizeof(suite));
    (void)snprintf(suite.url, sizeof(suite.url), "%s", suite_fresh());
    (void)snprintf(suite.ledger, sizeof(suite.ledger), "%s",
                   suite_apart ? suite_fresh() : suite.url);
    assert_int_equal(uv_loop_init(&suite.loop), 0);
    arena_init(&suite.arena, 256 * 1024 * 1024);
    suite_migrate();
    suite_open();
    return 0;
}

static int suite_teardown(void **state)
{
    uint64_t differences;

    (void)state;
    if (suite.store != NULL)
        suite_close();
    differences = suite_audit();
    assert_int_equal(uv_loop_close(&suite.loop), 0);
    arena_fini(&suite.arena);
    return differences == 0 ? 0 : -1;
}

/* ---- money --------------------------------------------------------------- */

static void test_a_bet_moves_money_once(void **state)
{
    struct store_exec exec;

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 5000);
    suite_place(1000, "b1", 1200, 1);
    suite_expect_account(1000, 3800, 0, 1200, 2);

    exec = suite_get(STATEMENT_BET_GET, 1000, suite_bet_id(1));
    assert_int_equal(exec.rows, 1);
    assert_int_equal(EXEC_CELL(&exec, 0, 2).i, 1);            /* version */
    assert_int_equal(EXEC_CELL(&exec, 0, 3).i, BET_ACCEPTED);
    assert_int_equal(EXEC_CELL(&exec, 0, 4).i, 1200);
    assert_int_equal(EXEC_CELL(&exec, 0, 5).i, 3000);
    assert_int_equal(EXEC_CELL(&exec, 0, 7).i, 0);            /* payout */
    assert_true(str_eq(EXEC_CELL(&exec, 0, 8).s, STR("EUR")));
}

static void test_a_batch_of_many_accounts(void **state)
{
    static struct money_cmd cmds[200];
    static char keys[200][16];

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        suite_add_customer(1000 + i);
        (void)snprintf(keys[i], sizeof(keys[i]), "k%u", i);
        cmds[i] = suite_cmd(MONEY_DEPOSIT, 1000 + i, keys[i], 100 + i);
    }
    assert_int_equal(suite_money(cmds, 200), STORE_OK);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(cmds[i].outcome, MONEY_DECIDED);
        assert_int_equal(cmds[i].balance_minor, 100 + i);
        assert_int_equal(cmds[i].seq, 1);
    }
}

static void rule_11_the_key_decides_once(void **state)
{
    struct money_cmd again, refused;
    struct store_exec exec = { .n = 1, .calls = { { .statement = STATEMENT_KEY_GET } } };

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 5000);
    suite_place(1000, "b1", 1200, 1);

    again = suite_bet(1000, "b1", 1200, 2);
    assert_int_equal(suite_money(&again, 1), STORE_OK);
    assert_int_equal(again.outcome, MONEY_KNOWN);
    suite_expect_account(1000, 3800, 0, 1200, 2);

    refused = suite_bet(1000, "b2", 100, 3);
    refused.verdict = REFUSE_ODDS_CHANGED;
    refused.detail = STR("\"odds\":\"2.40\"");
    assert_int_equal(suite_money(&refused, 1), STORE_OK);
    assert_int_equal(refused.decided, REFUSE_ODDS_CHANGED);
    refused.verdict = REFUSE_NOTHING;
    assert_int_equal(suite_money(&refused, 1), STORE_OK);
    assert_int_equal(refused.outcome, MONEY_KNOWN);

    exec.calls[0].params[0] = VALUE_INT(1000);
    exec.calls[0].params[1] = VALUE_INT(MONEY_BET);
    exec.calls[0].params[2] = VALUE_STR(STR("b2"));
    assert_int_equal(suite_exec(&exec), STORE_OK);
    assert_int_equal(exec.rows, 1);
    assert_int_equal(EXEC_CELL(&exec, 0, 0).s.n, 16);
    assert_int_equal(EXEC_CELL(&exec, 0, 1).i, REFUSE_ODDS_CHANGED);
    assert_true(str_eq(EXEC_CELL(&exec, 0, 2).s, STR("\"odds\":\"2.40\"")));
    assert_int_equal(EXEC_CELL(&exec, 0, 5).i, 0); /* no bet */

    exec.calls[0].params[2] = VALUE_STR(STR("b1"));
    assert_int_equal(suite_exec(&exec), STORE_OK);
    assert_int_equal(EXEC_CELL(&exec, 0, 5).i, suite_bet_id(1));
    assert_int_equal(EXEC_CELL(&exec, 0, 6).i, 1200);

    exec.calls[0].params[1] = VALUE_INT(MONEY_DEPOSIT);
    exec.calls[0].params[2] = VALUE_STR(STR("d1"));
    assert_int_equal(suite_exec(&exec), STORE_OK);
    assert_int_equal(EXEC_CELL(&exec, 0, 11).i, 5000); /* amount */
    assert_int_equal(EXEC_CELL(&exec, 0, 12).i, 5000); /* balance after */
}

static void test_no_money_no_bet(void **state)
{
    struct money_cmd bet, withdrawal;

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 1000);
    bet = suite_bet(1000, "b1", 1001, 1);
    assert_int_equal(suite_money(&bet, 1), STORE_OK);
    assert_int_equal(bet.decided, REFUSE_INSUFFICIENT_FUNDS);
    assert_int_equal(bet.balance_minor, 1000);
    withdrawal = suite_cmd(MONEY_WITHDRAWAL, 1000, "w1", 1001);
    assert_int_equal(suite_money(&withdrawal, 1), STORE_OK);
    assert_int_equal(withdrawal.decided, REFUSE_INSUFFICIENT_FUNDS);
    withdrawal = suite_cmd(MONEY_WITHDRAWAL, 1000, "w2", 1000);
    assert_int_equal(suite_money(&withdrawal, 1), STORE_OK);
    assert_int_equal(withdrawal.decided, REFUSE_NOTHING);
    suite_expect_account(1000, 0, 0, 0, 2);
}

static void rule_15_the_session_is_checked_in_the_store(void **state)
{
    struct money_cmd stranger = suite_cmd(MONEY_DEPOSIT, 4711, "d", 100);
    struct money_cmd old;
    struct store_exec exec;

    (void)state;
    assert_int_equal(suite_money(&stranger, 1), STORE_OK);
    assert_int_equal(stranger.outcome, MONEY_UNAUTHORIZED);
    suite_add_customer(1000);
    exec = suite_get(STATEMENT_EPOCH_RAISE, 1000, 0);
    assert_int_equal(EXEC_CELL(&exec, 0, 0).i, 2);
    old = suite_cmd(MONEY_DEPOSIT, 1000, "d1", 100);
    assert_int_equal(suite_money(&old, 1), STORE_OK);
    assert_int_equal(old.outcome, MONEY_UNAUTHORIZED);
    old.epoch = 2; /* never a verdict: the same key goes on */
    assert_int_equal(suite_money(&old, 1), STORE_OK);
    assert_int_equal(old.outcome, MONEY_DECIDED);
    suite_expect_account(1000, 100, 0, 0, 1);
}

static void rule_15_exclusion_is_checked_in_the_store(void **state)
{
    struct money_cmd bet, withdrawal;
    struct str error;
    struct db *db;

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 1000);
    suite_close();
    db = db_open(suite.ledger, DB_WRITE, &suite.arena, &error);
    assert_non_null(db);
    assert_true(db_run(db, "UPDATE accounts SET excluded_until_ms = 9990000000000", &error));
    db_close(db);
    suite_open();
    bet = suite_bet(1000, "b1", 100, 1);
    assert_int_equal(suite_money(&bet, 1), STORE_OK);
    assert_int_equal(bet.outcome, MONEY_DECIDED);
    assert_int_equal(bet.decided, REFUSE_EXCLUDED);
    withdrawal = suite_cmd(MONEY_WITHDRAWAL, 1000, "w1", 400);
    assert_int_equal(suite_money(&withdrawal, 1), STORE_OK);
    assert_int_equal(withdrawal.decided, REFUSE_NOTHING);
    suite_expect_account(1000, 600, 0, 0, 2);
}

/* Rule 6: what is rejected leaves nothing behind, and the store goes on. */
static void rule_06_a_rejected_batch_applies_nothing(void **state)
{
    struct money_cmd cmds[2];

    (void)state;
    suite_add_customer(1000);
    suite_add_customer(1001);
    suite_deposit(1000, "d", 5000);
    suite_deposit(1001, "d", 5000);
    suite_place(1000, "b1", 100, 1);
    cmds[0] = suite_bet(1001, "b1", 100, 2);
    cmds[1] = suite_bet(1000, "b2", 100, 1); /* an id that exists */
    assert_int_equal(suite_money(cmds, 2), STORE_REJECTED);
    suite_expect_account(1001, 5000, 0, 0, 1);
    assert_int_equal(suite_money(&cmds[0], 1), STORE_OK);
    assert_int_equal(cmds[0].outcome, MONEY_DECIDED);
    assert_true(store_is_up(suite.store));
}

/* ---- feed, results --------------------------------------------------------- */

static void test_the_feed_log_is_read_back(void **state)
{
    struct feed_row rows[] = {
        { 1, SUITE_NOW, 1, 3, STR("sr:match:1"), STR("<odds_change/>"), 0 },
        { 2, SUITE_NOW, 8, 3, STR(""), STR("<alive/>"), 0 },
    };
    struct store_exec exec;

    (void)state;
    assert_int_equal(suite_feed(rows, 2), STORE_OK);
    exec = suite_get(STATEMENT_FEED_READ, 0, 10);
    assert_int_equal(exec.rows, 2);
    assert_int_equal(EXEC_CELL(&exec, 1, 0).i, 2);
    assert_true(str_eq(EXEC_CELL(&exec, 0, 5).s, STR("<odds_change/>")));
    assert_int_equal(EXEC_CELL(&exec, 1, 4).s.n, 0);
    exec = suite_get(STATEMENT_FEED_READ, 1, 10);
    assert_int_equal(exec.rows, 1);
    assert_int_equal(suite_feed(rows, 1), STORE_REJECTED); /* a position twice */
}

#include "store_lease.h"

static void rule_01_a_fact_told_twice_is_one(void **state)
{
    struct fact first = suite_fact(10), again = suite_fact(11), other = suite_fact(12);
    struct store_exec exec;
    int64_t slot;

    (void)state;
    assert_int_equal(suite_results(&first, 1, 10), STORE_OK);
    exec = suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, -1);
    assert_int_equal(exec.rows, 1);
    assert_int_equal(EXEC_CELL(&exec, 0, 0).i, first.key);
    assert_int_equal(EXEC_CELL(&exec, 0, 1).i, 10);
    assert_int_equal(EXEC_CELL(&exec, 0, 2).i, 0);
    assert_int_equal(EXEC_CELL(&exec, 0, 7).i, slot_of(first.id.event));
    slot = (int64_t)(UINT64_C(1) << slot_of(first.id.event));
    assert_int_equal(suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, slot).rows, 1);
    assert_int_equal(suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, ~slot).rows, 0);
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, first.key, 10);
    exec = suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, -1);
    assert_int_equal(exec.rows, 0);

    assert_int_equal(suite_results(&again, 1, 11), STORE_OK); /* same content */
    exec = suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, -1);
    assert_int_equal(exec.rows, 0);
    other.certainty = 1;
    assert_int_equal(suite_results(&other, 1, 12), STORE_OK);
    exec = suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, -1);
    assert_int_equal(exec.rows, 1);
    assert_int_equal(EXEC_CELL(&exec, 0, 1).i, 12);
    exec = suite_get(STATEMENT_FACTS_GET, first.key, 0);
    assert_int_equal(exec.rows, 2);
    assert_int_equal(EXEC_CELL(&exec, 0, 0).i, 10); /* the first telling */
    /* Nothing was bet: the queue may be emptied. */
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, first.key, 12);
}

/* The key finds candidates, the full identity decides. */
static void rule_01_markets_that_share_a_key_keep_their_facts(void **state)
{
    struct fact facts[2] = { suite_fact(10), suite_fact(10) };
    struct store_exec exec;

    (void)state;
    facts[1].id.specifiers = STR("hcp=0:1");
    assert_int_equal(suite_results(facts, 2, 10), STORE_OK);
    exec = suite_get(STATEMENT_FACTS_GET, facts[0].key, 0);
    assert_int_equal(exec.rows, 2);
    exec = suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, -1);
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, facts[0].key, EXEC_CELL(&exec, 0, 1).i);
}

/* A fact that was held up comes behind a later one: whoever grades by the
 * later one alone cannot strike the market off. */
static void rule_01_a_fact_out_of_order_is_graded(void **state)
{
    struct fact late = suite_fact(9), first = suite_fact(10);
    struct store_exec exec;

    (void)state;
    late.certainty = 1;
    assert_int_equal(suite_results(&first, 1, 10), STORE_OK);
    assert_int_equal(suite_results(&late, 1, 10), STORE_OK);
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, first.key, 10);
    exec = suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, -1);
    assert_int_equal(exec.rows, 1);
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, first.key, EXEC_CELL(&exec, 0, 1).i);
}

#include "store_settle.h"

/* ---- named statements ---------------------------------------------------------- */

static void test_one_email_one_customer(void **state)
{
    struct store_exec exec;

    (void)state;
    assert_int_equal(suite_register(1000, "a@example.com"), STORE_OK);
    assert_int_equal(suite_register(1001, "a@example.com"), STORE_REJECTED);
    exec = suite_get(STATEMENT_ACCOUNT_GET, 1001, 0);
    assert_int_equal(exec.rows, 0);
}

static void test_every_statement_can_be_prepared(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STATEMENTS; i++) {
        struct store_exec exec = { .n = 1, .calls = { { .statement = (enum statement)i } } };
        const char *types = statement_info((enum statement)i)->params;

        for (unsigned p = 0; types[p] != '\0'; p++)
            exec.calls[0].params[p] =
                types[p] == 'i' ? VALUE_INT(900 + p) : VALUE_STR(STR("x"));
        assert_int_equal(suite_exec(&exec), STORE_OK);
    }
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, 900, 901);
}

static struct store_exec suite_late(int64_t since, int64_t slack, int64_t version)
{
    struct store_exec exec = { .n = 1 };

    exec.calls[0] = (struct statement_call){
        .statement = STATEMENT_LATE_MARKETS,
        .params = { VALUE_INT(since), VALUE_INT(slack), VALUE_INT(version) },
    };
    assert_int_equal(suite_exec(&exec), STORE_OK);
    return exec;
}

static void rule_07_late_markets_are_found(void **state)
{
    struct fact fact = suite_fact(10);
    struct store_exec exec, requeue = { .n = 1 };
    struct settle_item item;
    struct settle_write write = { .items = &item, .n = 1 };

    (void)state;
    assert_int_equal(suite_results(&fact, 1, 10), STORE_OK);
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, fact.key, 10);
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 1000);
    suite_place(1000, "b1", 1000, 1);
    exec = suite_late(SUITE_NOW - 60000, 1000, INT64_MAX);
    assert_int_equal(exec.rows, 1);
    assert_int_equal(EXEC_CELL(&exec, 0, 0).i, fact.key);
    requeue.calls[0] = (struct statement_call){
        .statement = STATEMENT_REQUEUE,
        .params = { EXEC_CELL(&exec, 0, 0), EXEC_CELL(&exec, 0, 4), EXEC_CELL(&exec, 0, 1),
                    EXEC_CELL(&exec, 0, 2), EXEC_CELL(&exec, 0, 3), VALUE_INT(SUITE_NOW) },
    };
    assert_int_equal(suite_exec(&requeue), STORE_OK);
    exec = suite_get(STATEMENT_SETTLE_QUEUE_LIST, 10, -1);
    assert_int_equal(exec.rows, 1);
    exec = suite_late(SUITE_NOW + 60000, 1000, INT64_MAX);
    assert_int_equal(exec.rows, 0);
    (void)suite_get(STATEMENT_SETTLE_QUEUE_DONE, fact.key, 10);

    /* Settled by another leg: this one may still be open. */
    item = suite_item(1000, 1, 1, BET_SETTLED, 0, 0, -1000);
    item.results = STR("[null,[0,0,1000000000000]]");
    assert_int_equal(suite_write(&write), STORE_OK);
    assert_int_equal(suite_late(SUITE_NOW, 1000, INT64_MAX).rows, 1);
    assert_int_equal(suite_late(SUITE_NOW, 1000, 1).rows, 0);
    item.version = 2;
    item.staked_delta_minor = 0;
    item.delta_minor = item.payout_minor = 2500;
    item.results = str_of(won);
    assert_int_equal(suite_write(&write), STORE_OK);
    assert_int_equal(suite_late(SUITE_NOW, 1000, INT64_MAX).rows, 0);
}

/* What KEY_GET finds under a bet's key: 1 or 0. */
static uint32_t suite_key_rows(int64_t account, const char *key)
{
    struct store_exec exec = { .n = 1, .calls = { { .statement = STATEMENT_KEY_GET } } };

    exec.calls[0].params[0] = VALUE_INT(account);
    exec.calls[0].params[1] = VALUE_INT(MONEY_BET);
    exec.calls[0].params[2] = VALUE_STR(str_of(key));
    assert_int_equal(suite_exec(&exec), STORE_OK);
    return exec.rows;
}

static void rule_11_a_key_outlives_its_open_bet(void **state)
{
    struct money_cmd refused;

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d1", 5000);
    suite_place(1000, "open", 1200, 1);
    refused = suite_bet(1000, "refused", 100, 2);
    refused.verdict = REFUSE_ODDS_CHANGED;
    assert_int_equal(suite_money(&refused, 1), STORE_OK);

    suite_get(STATEMENT_KEYS_TRIM, SUITE_NOW, 100); /* not older than this */
    assert_int_equal(suite_key_rows(1000, "refused"), 1);
    suite_get(STATEMENT_KEYS_TRIM, SUITE_NOW + 1, 100);
    assert_int_equal(suite_key_rows(1000, "refused"), 0);
    assert_int_equal(suite_key_rows(1000, "open"), 1);
}

/* What settlement has not stored, and what the catalogue is made of, stays. */
/* As store/maintain.c does: up to where the ledger has stored. */
static void suite_trim(void)
{
    struct store_exec offset = suite_get(STATEMENT_SETTLE_OFFSET, 0, 0), trim = { .n = 1 };

    trim.calls[0] = (struct statement_call){ STATEMENT_FEED_TRIM,
        { VALUE_INT(SUITE_NOW + 1), VALUE_INT(100),
          VALUE_INT(EXEC_INT(&offset, 0, SETTLE_OFFSET_POS)) } };
    assert_int_equal(suite_exec(&trim), STORE_OK);
}

static void test_the_log_is_trimmed_behind_settlement(void **state)
{
    struct feed_row rows[] = {
        { 1, SUITE_NOW, MESSAGE_FIXTURE, 0, STR("sr:match:1"), STR("<fixtures_fixture/>"), 0 },
        { 2, SUITE_NOW, MESSAGE_ODDS_CHANGE, 3, STR("sr:match:1"), STR("<odds_change/>"), 0 },
        { 3, SUITE_NOW, MESSAGE_BET_SETTLEMENT, 3, STR("sr:match:1"), STR("<s/>"), 0 },
    };
    struct fact fact = suite_fact(2);
    struct store_exec exec;

    (void)state;
    assert_int_equal(suite_feed(rows, 3), STORE_OK);
    suite_trim();
    assert_int_equal(suite_get(STATEMENT_FEED_READ, 0, 10).rows, 3);
    assert_int_equal(suite_results(&fact, 1, 2), STORE_OK);
    suite_trim();
    exec = suite_get(STATEMENT_FEED_READ, 0, 10);
    assert_int_equal(exec.rows, 2);
    assert_int_equal(EXEC_CELL(&exec, 0, 0).i, 1);
    assert_int_equal(EXEC_CELL(&exec, 1, 0).i, 3);
    suite_get(STATEMENT_DOCUMENTS_TRIM, SUITE_NOW + 1, 100);
    assert_int_equal(suite_get(STATEMENT_FEED_READ, 0, 10).rows, 1);
}

static void test_close_waits_for_what_is_queued(void **state)
{
    static struct money_batch batch;
    static struct money_cmd cmd;

    (void)state;
    suite_add_customer(1000);
    cmd = suite_cmd(MONEY_DEPOSIT, 1000, "d1", 700);
    batch = (struct money_batch){ .cmds = { &cmd }, .n = 1, .on_done = suite_on_money };
    suite.waiting++;
    store_money(suite.store, 0, &batch);
    suite_close();
    assert_int_equal(suite.waiting, 0);
    assert_int_equal(suite.result, STORE_OK);
    suite_open();
    suite_expect_account(1000, 700, 0, 0, 1);
}

#include "tests/unit/store_money.h"

#define SUITE_TEST(name) cmocka_unit_test_setup_teardown(name, suite_setup, suite_teardown)
#define STORE_SUITE                                         \
    SUITE_TEST(test_a_bet_moves_money_once),                \
    SUITE_TEST(test_a_batch_of_many_accounts),              \
    SUITE_TEST(rule_11_the_key_decides_once),               \
    SUITE_TEST(test_no_money_no_bet),                       \
    SUITE_TEST(rule_15_the_session_is_checked_in_the_store), \
    SUITE_TEST(rule_15_exclusion_is_checked_in_the_store),  \
    SUITE_TEST(rule_06_a_rejected_batch_applies_nothing),   \
    SUITE_TEST(test_the_feed_log_is_read_back),             \
    SUITE_TEST(rule_23_the_lease_is_taken_by_one),          \
    SUITE_TEST(rule_23_an_append_under_an_old_epoch_is_refused), \
    SUITE_TEST(a_command_leaves_the_inbox_when_it_is_in_the_log), \
    SUITE_TEST(rule_01_a_fact_told_twice_is_one),           \
    SUITE_TEST(rule_01_markets_that_share_a_key_keep_their_facts), \
    SUITE_TEST(rule_01_a_fact_out_of_order_is_graded),      \
    SUITE_TEST(rule_01_what_new_facts_overtook_is_not_written), \
    SUITE_TEST(test_settlement_pays_in_chunks),             \
    SUITE_TEST(test_an_old_version_is_not_applied),         \
    SUITE_TEST(rule_06_clawback_becomes_debt),              \
    SUITE_TEST(rule_06_a_balance_has_an_end),               \
    SUITE_TEST(rule_06_a_poisoned_row_is_rejected_alone),   \
    SUITE_TEST(test_one_email_one_customer),                \
    SUITE_TEST(test_every_statement_can_be_prepared),       \
    SUITE_TEST(rule_07_late_markets_are_found),             \
    SUITE_TEST(rule_11_a_key_outlives_its_open_bet),        \
    SUITE_TEST(test_the_log_is_trimmed_behind_settlement),  \
    STORE_MONEY_SUITE,                                      \
    SUITE_TEST(test_close_waits_for_what_is_queued)

#endif
