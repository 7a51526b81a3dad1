/*
 * feed/lease: of several processes one leads, whatever their clocks say.
 *
 * The pure rule is asked with times of the test's; the machine runs over a
 * double of the table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feed/lease.h"

#define LEASE_MS 5000

static const struct lease_row theirs = { { "them", 4 }, 7, 100000 };

static bool is_free(struct lease_watch *watch, struct lease_row row, int64_t now_ms)
{
    return lease_is_free(watch, &row, STR("me"), now_ms, LEASE_MS);
}

static void rule_23_a_lease_that_nobody_has_is_free(void **state)
{
    struct lease_watch watch = { .seen = false };

    (void)state;
    assert_true(is_free(&watch, (struct lease_row){ STR(""), 0, 0 }, 0));
    assert_true(is_free(&watch, (struct lease_row){ STR("them"), 7, 0 }, 1)); /* given back */
}

static void rule_23_our_own_lease_is_free(void **state)
{
    struct lease_watch watch = { .seen = false };

    (void)state;
    assert_true(is_free(&watch, (struct lease_row){ STR("me"), 7, 100000 }, 0));
}

static void rule_23_a_lease_is_free_when_it_stays_as_it_is(void **state)
{
    struct lease_watch watch = { .seen = false };

    (void)state;
    assert_false(is_free(&watch, theirs, 50)); /* since when is not known */
    assert_false(is_free(&watch, theirs, 50 + LEASE_MS - 1));
    assert_true(is_free(&watch, theirs, 50 + LEASE_MS));
}

static void rule_23_a_renewal_begins_the_time_anew(void **state)
{
    struct lease_watch watch = { .seen = false };
    struct lease_row row = theirs;

    (void)state;
    assert_false(is_free(&watch, row, 0));
    row.until_ms++;
    assert_false(is_free(&watch, row, LEASE_MS));
    row.epoch++; /* another one took it */
    assert_false(is_free(&watch, row, 2 * LEASE_MS));
    assert_false(is_free(&watch, row, 3 * LEASE_MS - 1));
    assert_true(is_free(&watch, row, 3 * LEASE_MS));
}

/* A wall clock far ahead or behind says nothing. */
static void rule_23_the_owners_clock_is_not_ours(void **state)
{
    struct lease_watch watch = { .seen = false };
    struct lease_row row = theirs;

    (void)state;
    row.until_ms = 1;
    assert_false(is_free(&watch, row, 1000000));
    row.until_ms = INT64_MAX;
    assert_false(is_free(&watch, row, 1000000));
    assert_true(is_free(&watch, row, 1000000 + LEASE_MS));
}

/* ---- the machine -------------------------------------------------------- */

static struct {
    char owner[20];
    int64_t epoch, until_ms;
    bool away;
    unsigned renewals;
    struct store_exec *asked;
    uv_timer_t later;
} table;

static struct {
    uv_loop_t loop;
    struct lease *lease;
    int64_t epoch;  /* as last told */
    unsigned told;
    bool stopped;
} bench;

static void set_owner(struct str owner)
{
    memset(table.owner, 0, sizeof(table.owner));
    assert_true(owner.n < sizeof(table.owner));
    memcpy(table.owner, owner.p, owner.n);
}

static void answer_get(struct store_exec *exec)
{
    exec->columns = 3;
    exec->rows = 1;
    exec->cells = ARENA_ARRAY(exec->arena, struct value, 3);
    exec->cells[0] = VALUE_STR(str_of(table.owner));
    exec->cells[1] = VALUE_INT(table.epoch);
    exec->cells[2] = VALUE_INT(table.until_ms);
}

static void answer_changed(struct store_exec *exec, bool changed)
{
    exec->columns = 1;
    exec->rows = changed;
    exec->cells = ARENA_ARRAY(exec->arena, struct value, 1);
    exec->cells[0] = VALUE_INT(table.epoch);
}

static void run_statement(struct store_exec *exec)
{
    const struct value *params = exec->calls[0].params;
    bool matches;

    switch (exec->calls[0].statement) {
    case STATEMENT_LEASE_GET:
        answer_get(exec);
        return;
    case STATEMENT_LEASE_TAKE:
        matches = params[3].i == table.epoch && params[4].i == table.until_ms;
        if (matches) {
            set_owner(params[1].s);
            table.epoch++;
            table.until_ms = params[2].i;
        }
        answer_changed(exec, matches);
        return;
    case STATEMENT_LEASE_RENEW:
        matches = params[1].i == table.epoch;
        if (matches) {
            assert_true(params[2].i > table.until_ms);
            table.until_ms = params[2].i;
            table.renewals++;
        }
        answer_changed(exec, matches);
        return;
    case STATEMENT_LEASE_RELEASE:
        if (params[1].i == table.epoch)
            table.until_ms = 0;
        return;
    default:
        fail();
    }
}

static void on_later(uv_timer_t *timer)
{
    struct store_exec *exec = table.asked;

    (void)timer;
    table.asked = NULL;
    if (!table.away)
        run_statement(exec);
    exec->on_done(exec, table.away ? STORE_UNAVAILABLE : STORE_OK);
}

void store_exec(struct store *unused, struct store_exec *exec)
{
    (void)unused;
    assert_null(table.asked);
    table.asked = exec;
    uv_timer_start(&table.later, on_later, 1, 0);
}

static void on_change(void *ctx, int64_t epoch)
{
    (void)ctx;
    bench.epoch = epoch;
    bench.told++;
}

static void on_stopped(void *ctx)
{
    (void)ctx;
    bench.stopped = true;
}

static int setup(void **state)
{
    (void)state;
    memset(&table, 0, sizeof(table));
    memset(&bench, 0, sizeof(bench));
    uv_loop_init(&bench.loop);
    uv_timer_init(&bench.loop, &table.later);
    bench.lease = lease_new(&(struct lease_options){
        .loop = &bench.loop, .name = "feed", .owner = "me", .lease_ms = 60,
        .on_change = on_change });
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lease_stop(bench.lease, on_stopped, NULL);
    while (!bench.stopped)
        uv_run(&bench.loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&table.later, NULL);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    lease_free(bench.lease);
    return uv_loop_close(&bench.loop);
}

static void run_until(bool (*done)(void))
{
    for (unsigned turn = 0; !done(); turn++) {
        assert_true(turn < 10000);
        uv_run(&bench.loop, UV_RUN_ONCE);
    }
}

static bool is_held(void) { return bench.epoch > 0; }
static bool is_theirs(void) { return bench.told > 0 && bench.epoch == 0; }
static bool is_renewed(void) { return table.renewals >= 3; }

static void rule_23_a_free_lease_is_taken_and_renewed(void **state)
{
    (void)state;
    lease_start(bench.lease);
    run_until(is_held);
    assert_int_equal(bench.epoch, 1);
    run_until(is_renewed);
    assert_int_equal(bench.told, 1);
    assert_string_equal(table.owner, "me");
}

static void rule_23_a_silent_leader_is_followed(void **state)
{
    (void)state;
    set_owner(STR("them"));
    table.epoch = 4;
    table.until_ms = INT64_MAX / 2;
    lease_start(bench.lease);
    run_until(is_theirs);
    run_until(is_held);
    assert_int_equal(bench.epoch, 5);
}

static void rule_23_a_renewal_tells_who_was_overtaken(void **state)
{
    (void)state;
    lease_start(bench.lease);
    run_until(is_held);
    set_owner(STR("them"));
    table.epoch++;
    table.until_ms++;
    run_until(is_theirs);
}

/* The store refuses an append when the lease is another's: no other leads
 * because it is away. */
static void rule_23_a_store_that_is_away_takes_no_lease(void **state)
{
    (void)state;
    lease_start(bench.lease);
    run_until(is_held);
    table.away = true;
    for (int turn = 0; turn < 30; turn++)
        uv_run(&bench.loop, UV_RUN_ONCE);
    assert_int_equal(bench.told, 1);
    table.away = false;
    table.renewals = 0;
    run_until(is_renewed);
    assert_int_equal(bench.told, 1);
    assert_int_equal(table.epoch, 1);
}

static void rule_23_a_refused_append_looks_again(void **state)
{
    (void)state;
    lease_start(bench.lease);
    run_until(is_held);
    set_owner(STR("them"));
    table.epoch = 2;
    lease_lost(bench.lease);
    run_until(is_theirs);
}

static bool is_given_back(void) { return table.until_ms == 0; }

static void rule_23_who_stops_gives_the_lease_back(void **state)
{
    (void)state;
    lease_start(bench.lease);
    run_until(is_held);
    assert_true(table.until_ms > 0);
    lease_stop(bench.lease, on_stopped, NULL);
    run_until(is_given_back);
    while (!bench.stopped)
        uv_run(&bench.loop, UV_RUN_ONCE);
    uv_run(&bench.loop, UV_RUN_NOWAIT);
    lease_free(bench.lease);
    bench.lease = lease_new(&(struct lease_options){ /* for the teardown */
        .loop = &bench.loop, .name = "feed", .owner = "me", .lease_ms = 60,
        .on_change = on_change });
    bench.stopped = false;
}

int main(void)
{
#define MACHINE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rule_23_a_lease_that_nobody_has_is_free),
        cmocka_unit_test(rule_23_our_own_lease_is_free),
        cmocka_unit_test(rule_23_a_lease_is_free_when_it_stays_as_it_is),
        cmocka_unit_test(rule_23_a_renewal_begins_the_time_anew),
        cmocka_unit_test(rule_23_the_owners_clock_is_not_ours),
        MACHINE(rule_23_a_free_lease_is_taken_and_renewed),
        MACHINE(rule_23_a_silent_leader_is_followed),
        MACHINE(rule_23_a_renewal_tells_who_was_overtaken),
        MACHINE(rule_23_a_store_that_is_away_takes_no_lease),
        MACHINE(rule_23_a_refused_append_looks_again),
        MACHINE(rule_23_who_stops_gives_the_lease_back),
    };

    return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
