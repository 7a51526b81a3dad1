/*
 * Rule 14 on both engines: processes that charge one outcome at the same time
 * never pass its limit, and come close to it; the same storm on a guard that
 * reads, then writes, does pass it.  A process that hangs or dies loses its
 * leases: what it had not bet is there for others, and its late bet is
 * refused; the same late bet without the fence passes the limit.
 */
#ifndef TESTS_UNIT_LIABILITY_SUITE_H
#define TESTS_UNIT_LIABILITY_SUITE_H

#include <unistd.h>

#include "base/clock.h"
#include "house/liability_inside.h"
#include "model/bet_json.h"
#include "tests/unit/store_suite.h"

enum { L_PROCESSES = 3, L_CLAIMS = 600, L_ID_MS = 1000 };
#define L_CAP 100000
#define L_NEVER_MS 3600000
#define L_HOLD_MS 60000

static struct l_world {
    struct store *stores[L_PROCESSES]; /* PostgreSQL: each its own */
    struct liability *processes[L_PROCESSES];
    struct liability_claim claims[L_CLAIMS];
    enum liability_result results[L_CLAIMS];
    struct house house;
    unsigned over; /* the next market is */
    uint32_t as_node; /* if not 0, what the next process is started as */
    int64_t since; /* what the desk's limits are of */
    struct l_ids { uint32_t node, n; } ids[L_PROCESSES];
} l;

static bool l_is_over(void *ctx, struct market_id id)
{
    (void)ctx;
    return l.over > 0 && market_id_equal(id, suite_market());
}

static int64_t l_next_bet(void *ctx)
{
    struct l_ids *ids = ctx;

    return bet_id_make(SUITE_NOW + L_ID_MS, ids->node, ids->n++);
}

static struct store *l_store(void)
{
    struct store_options options = { .url = suite.url, .lanes = 1, .readers = 1,
                                     .company = STORE_BESIDE, .ledger_url = suite_ledger() };
    struct str error = STR_NONE;
    struct store *store;

    if (strncmp(suite.url, "sqlite:", 7) == 0)
        return suite.store; /* one process alone may have the file */
    store = store_open(&suite.loop, &options, &suite.arena, &error);
    if (store == NULL)
        fail_msg(STR_FMT, STR_ARG(error));
    return store;
}

static void l_start_one(uint32_t i, int64_t tick_ms, int64_t hold_ms)
{
    l.stores[i] = l_store();
    l.ids[i].node = l.as_node != 0 ? l.as_node : i + 1;
    l.processes[i] = liability_new(&(struct liability_options){
        .loop = &suite.loop, .store = l.stores[i], .house = &l.house,
        .node = l.ids[i].node, .tick_ms = tick_ms, .lease_ms = hold_ms, .is_over = l_is_over,
        .next_bet = l_next_bet, .ctx = &l.ids[i],
    });
}

static void l_begin(void)
{
    struct str error;

    memset(&l, 0, sizeof(l));
    assert_true(house_read(&l.house, STR("EUR"), STR("USD=0.5"), &suite.arena, &error));
}

static void l_start(uint32_t n)
{
    l_begin();
    for (uint32_t i = 0; i < n; i++)
        l_start_one(i, L_NEVER_MS, 0);
}

static void l_settle(void)
{
    for (int turns = 0; turns < 100000; turns++) {
        bool idle = true;

        for (uint32_t i = 0; i < L_PROCESSES; i++)
            idle = idle && (l.processes[i] == NULL || liability_is_idle(l.processes[i]));
        if (idle)
            return;
        (void)uv_run(&suite.loop, UV_RUN_ONCE);
    }
    fail_msg("asks that do not end");
}

static void l_stop(void)
{
    l_settle();
    for (uint32_t i = 0; i < L_PROCESSES; i++) /* before one of them ticks again */
        liability_free(l.processes[i]);
    for (uint32_t i = 0; i < L_PROCESSES; i++) {
        if (l.stores[i] == NULL || l.stores[i] == suite.store)
            continue;
        suite.closed = false;
        store_close(l.stores[i], suite_on_closed, NULL);
        while (!suite.closed)
            (void)uv_run(&suite.loop, UV_RUN_ONCE);
    }
    (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
}

static void l_on_done(struct liability_claim *claim, enum liability_result result)
{
    assert_int_equal(l.results[claim - l.claims], LIABILITY_WAITING); /* told once */
    l.results[claim - l.claims] = result;
}

/* Its time is over, here and in the store. */
static void l_lapse(uint32_t i)
{
    struct liability_holder *holder = &l.processes[i]->holder;

    (void)suite_get(STATEMENT_LIABILITY_RENEW, holder->epoch, 1);
    holder->until_ms = 1;
}

/* On the home win. */
static enum liability_result l_charge(uint32_t process, uint32_t i, int64_t amount,
                                      int64_t limit)
{
    struct liability_claim *claim = &l.claims[i];

    *claim = (struct liability_claim){ .n_legs = 1, .on_done = l_on_done };
    claim->legs[0] = (struct liability_leg){ .market = suite_market(), .outcome = STR("1"),
                                             .limit_minor = limit, .amount_minor = amount,
                                             .limit_since = l.since };
    l.results[i] = liability_charge(l.processes[process], claim);
    return l.results[i];
}

static enum liability_result l_charged(uint32_t process, uint32_t i, int64_t amount,
                                       int64_t limit)
{
    if (l_charge(process, i, amount, limit) == LIABILITY_WAITING)
        l_settle();
    return l.results[i];
}

static bool l_on_number(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

static int64_t l_number(const char *sql)
{
    struct str error = STR_NONE;
    struct db *db = db_open(suite.ledger, DB_READ, &suite.arena, &error);
    int64_t n = -1;

    assert_non_null(db);
    if (!db_query(db, sql, "", NULL, "i", l_on_number, &n, &error))
        fail_msg(STR_FMT, STR_ARG(error));
    db_close(db);
    return n;
}

/* What the row says is granted; -1: there is none. */
static int64_t l_granted(void)
{
    return l_number("SELECT granted FROM liability WHERE outcome = '1'");
}

static int64_t l_leases(void)
{
    return l_number("SELECT COUNT(*) FROM liability_leases");
}

/* A row is what its parts are. */
static void l_check_row(void)
{
    assert_int_equal(l_granted(), l_number("SELECT r.base + CAST(COALESCE(SUM(l.granted), 0)"
        " AS bigint) FROM liability r LEFT JOIN liability_leases l ON l.outcome = r.outcome"
        " WHERE r.outcome = '1' GROUP BY r.base"));
}

static int64_t l_amount(uint32_t i)
{
    return 50 + (int64_t)(i * UINT32_C(2654435761) % 600);
}

/* ---- the storm ------------------------------------------------------------- */

static void rule_14_processes_at_once_never_pass_the_cap(void **state)
{
    int64_t sum = 0;
    uint32_t full = 0;

    (void)state;
    l_start(L_PROCESSES);
    for (uint32_t i = 0; i < L_CLAIMS; i++) {
        (void)l_charge(i % L_PROCESSES, i, l_amount(i), L_CAP);
        if (i % 7 == 0) /* some come while others are asked for */
            (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
    }
    l_settle();
    for (uint32_t i = 0; i < L_CLAIMS; i++) {
        assert_true(l.results[i] == LIABILITY_CHARGED || l.results[i] == LIABILITY_FULL);
        sum += l.results[i] == LIABILITY_CHARGED ? l_amount(i) : 0;
        full += l.results[i] == LIABILITY_FULL;
    }
    assert_true(full > 0);
    assert_true(sum <= L_CAP);
    assert_true(sum > L_CAP - L_CAP / 20); /* close to it */
    assert_true(l_granted() >= sum && l_granted() <= L_CAP);
    for (uint32_t i = 0; i < L_CLAIMS; i++)
        if (l.results[i] == LIABILITY_CHARGED)
            liability_keep(l.processes[i % L_PROCESSES], &l.claims[i],
                           l_next_bet(&l.ids[i % L_PROCESSES]));
    assert_int_equal(l_leases(), L_PROCESSES);
    l_check_row();
    l_stop();
}

/* The guard taken out: it reads what is granted, then adds to it. */
struct l_naive {
    struct store_exec exec;
    struct arena arena;
    int64_t amount;
    bool written, accepted;
};

#define L_KEY VALUE_INT(market_key(suite_market())), VALUE_STR(STR("1"))

static struct statement_call l_add_call(int64_t amount)
{
    return (struct statement_call){ STATEMENT_LIABILITY_GRANT,
        { L_KEY, VALUE_INT(0), VALUE_INT(-1), VALUE_INT(amount), VALUE_INT(1) } };
}

static void l_on_naive(struct store_exec *exec, enum store_result result)
{
    struct l_naive *naive = exec->ctx;

    assert_int_equal(result, STORE_OK);
    if (!naive->written && EXEC_CELL(exec, 0, 1).i + naive->amount <= L_CAP) {
        naive->written = naive->accepted = true;
        exec->calls[0] = l_add_call(naive->amount);
        store_exec(suite.store, exec);
        return;
    }
    suite.waiting--;
}

static void rule_14_without_the_guard_the_storm_overshoots(void **state)
{
    static struct l_naive naive[L_CLAIMS];
    int64_t sum = 0;

    (void)state;
    l_start(1);
    assert_int_equal(l_charged(0, 0, 1, 1), LIABILITY_CHARGED); /* epoch 1 has a lease */
    for (uint32_t i = 0; i < L_CLAIMS; i++) {
        naive[i] = (struct l_naive){ .amount = l_amount(i) };
        arena_init(&naive[i].arena, 1 << 16);
        naive[i].exec = (struct store_exec){ .n = 1,
            .calls = { { STATEMENT_LIABILITY_TAKEN, { L_KEY, VALUE_INT(1) } } },
            .arena = &naive[i].arena, .on_done = l_on_naive, .ctx = &naive[i] };
        suite.waiting++;
        store_exec(suite.store, &naive[i].exec);
    }
    suite_wait();
    for (uint32_t i = 0; i < L_CLAIMS; i++) {
        sum += naive[i].accepted ? naive[i].amount : 0;
        arena_fini(&naive[i].arena);
    }
    assert_true(sum > L_CAP);
    liability_release(l.processes[0], &l.claims[0]);
    l_stop();
}

/* ---- one by one ------------------------------------------------------------- */

static void rule_14_what_was_given_back_is_there_again(void **state)
{
    (void)state;
    l_start(2);
    assert_int_equal(l_charged(0, 0, 600, 1000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(1, 1, 600, 1000), LIABILITY_FULL);
    assert_true(l.claims[1].room_minor <= 400 && l.claims[1].room_minor >= 300);
    assert_int_equal(l_charged(1, 1, l.claims[1].room_minor, 1000), LIABILITY_CHARGED);
    liability_release(l.processes[0], &l.claims[0]);
    assert_int_equal(l_charged(0, 0, 600, 1000), LIABILITY_CHARGED); /* its own grant */
    liability_release(l.processes[0], &l.claims[0]);
    liability_drain(l.processes[0]); /* it goes, and leaves what it had */
    l_settle();
    assert_int_equal(l_charged(1, 2, 600, 1000), LIABILITY_CHARGED);
    liability_keep(l.processes[1], &l.claims[1], l_next_bet(&l.ids[1]));
    liability_keep(l.processes[1], &l.claims[2], l_next_bet(&l.ids[1]));
    assert_true(l_granted() <= 1000);
    l_stop();
}

static void rule_14_a_bet_that_is_over_frees_its_room_once(void **state)
{
    int64_t bet;

    (void)state;
    l_start(1);
    assert_int_equal(l_charged(0, 0, 900, 1000), LIABILITY_CHARGED);
    bet = l_next_bet(&l.ids[0]);
    liability_keep(l.processes[0], &l.claims[0], bet);
    assert_int_equal(l_charged(0, 1, 200, 1000), LIABILITY_FULL);
    assert_int_equal(l.claims[1].room_minor, 100);
    liability_take(l.processes[0], bet_id_make(SUITE_NOW + L_ID_MS, 2, 9), suite_market(),
                   STR("1"), 900); /* another process's */
    assert_int_equal(l_charged(0, 1, 200, 1000), LIABILITY_FULL);
    liability_take(l.processes[0], bet, suite_market(), STR("1"), 900);
    liability_take(l.processes[0], bet, suite_market(), STR("2"), 900); /* not charged */
    assert_int_equal(l_charged(0, 1, 1000, 1000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(0, 2, 1, 1000), LIABILITY_FULL);
    liability_release(l.processes[0], &l.claims[1]);
    l_stop();
}

static void l_tell(uint32_t process, int event, int64_t bet, struct leg_result result)
{
    struct slip slip = suite_slip();
    struct bet_view view = { .id = bet, .stake_minor = 400, .cashed_stake_minor = 100,
                             .potential_minor = 750, .slip = &slip,
                             .currency = currency_find(STR("EUR")) };

    slip.legs[0].result = result;
    liability_on_money(l.processes[process], &l.house,
                       &(struct bus_money){ .event = event, .bet = &view });
}

/* 400 at 2.50, of which a part was cashed out: 600 were charged. */
static void rule_14_messages_free_what_was_charged(void **state)
{
    int64_t bet;

    (void)state;
    l_start(1);
    assert_int_equal(l_charged(0, 0, 600, 1000), LIABILITY_CHARGED);
    bet = l_next_bet(&l.ids[0]);
    liability_keep(l.processes[0], &l.claims[0], bet);
    l_tell(0, 8, bet, LEG_RESULT_OPEN); /* partly cashed out */
    assert_int_equal(l_charged(0, 1, 401, 1000), LIABILITY_FULL);
    l_tell(0, 2, suite_bet_id(1), LEG_RESULT_OPEN); /* of before the lease */
    l_tell(0, 2, bet, leg_result_make(0, 0, FACTOR_ONE_E12));
    l_tell(0, 3, bet, LEG_RESULT_OPEN);
    l_tell(0, 2, bet, leg_result_make(1, 0, FACTOR_ONE_E12));
    assert_int_equal(l_charged(0, 1, 1000, 1000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(0, 2, 1, 1000), LIABILITY_FULL);
    liability_release(l.processes[0], &l.claims[1]);
    l_stop();
}

static void rule_14_the_row_begins_with_what_is_open(void **state)
{
    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d", 100000);
    for (uint32_t i = 0; i < 3; i++) { /* each costs 1.5 x its stake */
        char key[2] = { (char)('a' + i), '\0' };

        suite_place(1000, key, 200, i);
    }
    l_start(2);
    assert_int_equal(l_charged(0, 0, 101, 1000), LIABILITY_FULL);
    assert_int_equal(l.claims[0].room_minor, 100);
    assert_int_equal(l_charged(1, 1, 100, 1000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(0, 2, 1, 1000), LIABILITY_FULL);
    liability_keep(l.processes[1], &l.claims[1], l_next_bet(&l.ids[1]));
    assert_int_equal(l_granted(), 1000);
    l_stop();
}

static void rule_14_a_limit_is_moved_for_new_bets(void **state)
{
    (void)state;
    l_start(1);
    assert_int_equal(l_charged(0, 0, 500, 1000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(0, 1, 100, 400), LIABILITY_FULL); /* lowered below */
    assert_int_equal(l.claims[1].room_minor, 0);
    assert_int_equal(l_charged(0, 1, 1500, 2000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(0, 2, 1, 2000), LIABILITY_FULL);
    assert_int_equal(l_charged(0, 2, 1, 0), LIABILITY_FULL);
    assert_int_equal(l_charged(0, 2, 1, -1), LIABILITY_CHARGED); /* none */
    liability_add(l.processes[0], l_next_bet(&l.ids[0]), suite_market(), STR("1"),
                  300); /* such a bet counts */
    assert_int_equal(l_charged(0, 3, 101, 2400), LIABILITY_FULL);
    assert_int_equal(l.claims[3].room_minor, 100);
    liability_release(l.processes[0], &l.claims[0]);
    liability_release(l.processes[0], &l.claims[1]);
    l_stop();
}

static void rule_14_a_charge_follows_the_odds(void **state)
{
    (void)state;
    l_start(1);
    assert_int_equal(l_charged(0, 0, 500, 1000), LIABILITY_CHARGED);
    assert_true(liability_recharge(l.processes[0], &l.claims[0], 400));
    assert_true(liability_recharge(l.processes[0], &l.claims[0], 500));
    assert_false(liability_recharge(l.processes[0], &l.claims[0], 1001));
    assert_true(l.claims[0].room_minor >= 500 && l.claims[0].room_minor <= 1000);
    assert_true(liability_recharge(l.processes[0], &l.claims[0], l.claims[0].room_minor));
    liability_release(l.processes[0], &l.claims[0]);
    l_stop();
}

static void rule_14_a_multiple_takes_all_of_its_legs_or_none(void **state)
{
    struct liability_claim *both = &l.claims[0];

    (void)state;
    l_start(1);
    *both = (struct liability_claim){ .n_legs = 2, .on_done = l_on_done };
    for (uint32_t i = 0; i < 2; i++)
        both->legs[i] = (struct liability_leg){
            .market = suite_market(), .outcome = i == 0 ? STR("1") : STR("2"),
            .limit_minor = i == 0 ? 1000 : 100, .amount_minor = 800 };
    l.results[0] = liability_charge(l.processes[0], both);
    l_settle();
    assert_int_equal(l.results[0], LIABILITY_FULL);
    assert_int_equal(both->room_minor, 100);
    assert_int_equal(l_charged(0, 1, 1000, 1000), LIABILITY_CHARGED);
    liability_release(l.processes[0], &l.claims[1]);
    l_stop();
}

/* ---- leases that end ---------------------------------------------------------- */

/* Turns until one of these processes has reclaimed what lapsed. */
static void l_reclaim(void)
{
    for (int turns = 0; turns < 50000; turns++) {
        (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
        (void)usleep(2000);
        if (turns % 20 == 19 && l_number("SELECT COUNT(*) FROM liability_holders WHERE"
                                         " fenced = 1 OR until_ms < 1000") == 0 &&
            l_number("SELECT COUNT(*) FROM liability_holders") == 1)
            return;
    }
    fail_msg("leases that are not reclaimed");
}

static void l_customer(void)
{
    suite_add_customer(1000);
    suite_deposit(1000, "d", 100000);
}

/* Charges, and gives the bet that lives on it: 1.5 x the stake. */
static struct money_cmd l_bet(uint32_t process, uint32_t i, const char *key, int64_t stake,
                              int64_t limit)
{
    struct money_cmd cmd = suite_bet(1000, key, stake, 0);

    l.results[i] = l_charged(process, i, stake * 3 / 2, limit);
    cmd.bet = l_next_bet(&l.ids[process]);
    cmd.liability_epoch = l.claims[i].epoch;
    return cmd;
}

static enum money_outcome l_place(uint32_t process, uint32_t i, struct money_cmd *cmd)
{
    assert_int_equal(suite_money(cmd, 1), STORE_OK);
    if (cmd->outcome == MONEY_DECIDED) {
        liability_keep(l.processes[process], &l.claims[i], cmd->bet);
    } else {
        liability_release(l.processes[process], &l.claims[i]);
        liability_fenced(l.processes[process], l.claims[i].epoch);
    }
    return cmd->outcome;
}

static int64_t l_open(void)
{
    return l_number("SELECT CAST(COALESCE(SUM(potential - stake), 0) AS bigint) FROM bets"
                    " WHERE state = 1");
}

/*
 * Process 0 charges 450 and hangs before the bet leaves it, with 300 bet and
 * more granted; meanwhile its time is over, and process 1 sells what is left.
 */
static int64_t l_hang(bool fence)
{
    struct money_cmd first, late, last;

    l_customer();
    l_begin();
    l_start_one(0, L_NEVER_MS, L_HOLD_MS);
    l_start_one(1, 20, 5000);
    first = l_bet(0, 0, "first", 200, 1000);
    assert_int_equal(l_place(0, 0, &first), MONEY_DECIDED);
    late = l_bet(0, 1, "late", 300, 1000);
    assert_int_equal(l.results[1], LIABILITY_CHARGED);
    assert_int_equal(l_charged(1, 2, 200, 1000), LIABILITY_CHARGED);
    liability_release(l.processes[1], &l.claims[2]);
    l_lapse(0);
    l_reclaim();
    last = l_bet(1, 3, "last", 466, 1000); /* 699 */
    assert_int_equal(l.results[3], LIABILITY_CHARGED);
    assert_int_equal(l_place(1, 3, &last), MONEY_DECIDED);
    assert_int_equal(l_charged(1, 4, 2, 1000), LIABILITY_FULL);
    if (!fence)
        late.liability_epoch = 0;
    assert_int_equal(l_place(0, 1, &late), fence ? MONEY_FENCED : MONEY_DECIDED);
    return l_open();
}

static void rule_14_a_late_bet_is_refused_when_its_lease_is_over(void **state)
{
    (void)state;
    assert_int_equal(l_hang(true), 999);
    assert_int_equal(l_charged(0, 5, 2, 1000), LIABILITY_FULL); /* back, with nothing */
    assert_int_equal(l.claims[5].room_minor, 1);
    l_check_row();
    l_stop();
}

static void rule_14_without_the_fence_a_late_bet_overshoots(void **state)
{
    (void)state;
    assert_true(l_hang(false) > 1000);
    l_stop();
}

static void rule_14_who_charges_nothing_is_no_business_of_the_fence(void **state)
{
    struct money_cmd cmds[2];

    (void)state;
    l_customer();
    suite_add_customer(1001);
    cmds[0] = suite_bet(1000, "b", 100, 1);
    cmds[0].liability_epoch = 77; /* nobody's */
    cmds[1] = suite_cmd(MONEY_DEPOSIT, 1001, "d", 50);
    assert_int_equal(suite_money(cmds, 2), STORE_OK);
    assert_int_equal(cmds[0].outcome, MONEY_FENCED);
    assert_int_equal(cmds[1].outcome, MONEY_FENCED);
    suite_expect_account(1000, 100000, 0, 0, 1);
    assert_int_equal(suite_money(&cmds[1], 1), STORE_OK);
    assert_int_equal(cmds[1].outcome, MONEY_DECIDED);
    cmds[0].liability_epoch = 0;
    assert_int_equal(suite_money(cmds, 1), STORE_OK); /* the key was not used up */
    assert_int_equal(cmds[0].outcome, MONEY_DECIDED);
}

/* A charge from before the process lost its leases and got others: its bet would
 * count as one of the new lease, which was never charged for it. */
static void rule_14_a_charge_does_not_outlive_its_lease(void **state)
{
    struct money_cmd old;

    (void)state;
    l_customer();
    l_begin();
    l_start_one(0, L_NEVER_MS, L_HOLD_MS);
    old = l_bet(0, 0, "old", 200, 1000);
    assert_int_equal(l.results[0], LIABILITY_CHARGED);
    l_lapse(0);
    assert_int_equal(l_charged(0, 1, 1, 1000), LIABILITY_CHARGED);
    assert_true(l.claims[1].epoch > l.claims[0].epoch);
    assert_true(liability_recharge(l.processes[0], &l.claims[0], 300));
    old.bet = l_next_bet(&l.ids[0]);
    old.liability_epoch = l.claims[0].epoch;
    assert_int_equal(l_place(0, 0, &old), MONEY_FENCED);
    liability_release(l.processes[0], &l.claims[1]);
    l_stop();
}

/* One of a batch names an epoch that is over, and all of it is refused. */
static void rule_14_a_healthy_lease_outlives_a_refusal(void **state)
{
    int64_t epoch;

    (void)state;
    l_start(1);
    assert_int_equal(l_charged(0, 0, 100, 1000), LIABILITY_CHARGED);
    epoch = l.claims[0].epoch;
    liability_fenced(l.processes[0], epoch);
    l_settle();
    assert_int_equal(l_charged(0, 1, 100, 1000), LIABILITY_CHARGED);
    assert_int_equal(l.claims[1].epoch, epoch);
    liability_release(l.processes[0], &l.claims[0]);
    liability_release(l.processes[0], &l.claims[1]);
    l_stop();
}

static void rule_14_bets_of_the_dead_give_their_room_back(void **state)
{
    struct money_cmd bet, cashout = suite_cmd(MONEY_CASHOUT, 1000, "c", 300);

    (void)state;
    l_customer();
    l_begin();
    l_start_one(0, L_NEVER_MS, 100);
    l_start_one(1, 20, 5000);
    bet = l_bet(0, 0, "b", 400, 1000);
    assert_int_equal(l_place(0, 0, &bet), MONEY_DECIDED);
    assert_int_equal(l_charged(1, 1, 1, 1000), LIABILITY_CHARGED);
    (void)usleep(150000);
    l_reclaim();
    assert_int_equal(l_charged(1, 2, 400, 1000), LIABILITY_FULL); /* 600 are bet, 1 charged */
    assert_int_equal(l.claims[2].room_minor, 399);
    cashout.bet = bet.bet;
    cashout.currency = "EUR";
    cashout.version = 1;
    cashout.cashed_minor = 400;
    cashout.full = true;
    cashout.detail = STR("\"paid\":\"3.00\"");
    assert_int_equal(suite_money(&cashout, 1), STORE_OK);
    assert_int_equal(cashout.outcome, MONEY_DECIDED);
    liability_take(l.processes[1], bet.bet, suite_market(), STR("1"), 600);
    for (int turns = 0; turns < 5000 && l_charged(1, 2, 999, 1000) == LIABILITY_FULL; turns++)
        (void)usleep(10000); /* counts are not made at any time */
    assert_int_equal(l.results[2], LIABILITY_CHARGED);
    assert_int_equal(l_charged(1, 3, 1, 1000), LIABILITY_FULL);
    l_check_row();
    liability_release(l.processes[1], &l.claims[1]);
    liability_release(l.processes[1], &l.claims[2]);
    l_stop();
}

/* More outcomes than are reclaimed at a time. */
static void rule_14_all_leases_of_the_dead_are_reclaimed(void **state)
{
    static char specifiers[300][16];

    (void)state;
    l_begin();
    l_start_one(0, L_NEVER_MS, L_HOLD_MS);
    for (uint32_t i = 0; i < 300; i++) {
        (void)snprintf(specifiers[i], sizeof(specifiers[i]), "total=%u", i);
        l.claims[i] = (struct liability_claim){ .n_legs = 1, .on_done = l_on_done };
        l.claims[i].legs[0] = (struct liability_leg){
            .market = { STR("sr:match:1"), 18, str_of(specifiers[i]) }, .outcome = STR("1"),
            .limit_minor = 1000, .amount_minor = 100 };
        l.results[i] = liability_charge(l.processes[0], &l.claims[i]);
    }
    l_settle();
    for (uint32_t i = 0; i < 300; i++) {
        assert_int_equal(l.results[i], LIABILITY_CHARGED);
        liability_keep(l.processes[0], &l.claims[i], l_next_bet(&l.ids[0]));
    }
    assert_int_equal(l_leases(), 300);
    l_lapse(0);
    l_start_one(1, 20, 5000);
    assert_int_equal(l_charged(1, 300, 1000, 1000), LIABILITY_CHARGED);
    l_reclaim();
    assert_int_equal(l_leases(), 1);
    assert_int_equal(l_number("SELECT COUNT(*) FROM liability"), 1); /* rows go with leases */
    liability_release(l.processes[1], &l.claims[300]);
    l_stop();
}

/* A bet that no limit held, by a process without a lease, is in the row when
 * another one begins; reopened ones come back at the next look. */
static void rule_14_what_is_under_no_lease_is_in_the_base(void **state)
{
    (void)state;
    l_customer();
    l_begin();
    l_start_one(0, 20, 5000);
    suite_place(1000, "a", 200, 1);
    assert_int_equal(l_charged(0, 0, 100, 1000), LIABILITY_CHARGED);
    suite_place(1000, "b", 200, 2); /* a moment too late to be counted */
    liability_add(l.processes[0], suite_bet_id(2), suite_market(), STR("1"), 300);
    for (int turns = 0; turns < 1000 && l_number("SELECT base FROM liability") != 600; turns++) {
        (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
        (void)usleep(2000);
    }
    assert_int_equal(l_charged(0, 1, 301, 1000), LIABILITY_FULL);
    assert_int_equal(l_charged(0, 1, 300, 1000), LIABILITY_CHARGED);
    l_check_row();
    liability_release(l.processes[0], &l.claims[0]);
    liability_release(l.processes[0], &l.claims[1]);
    l_stop();
}

/* Two have leases when the limit is taken back; a bet comes by a third one, and
 * one by the first.  Then there is a limit again, which the second asks about. */
static void rule_14_a_limit_set_anew_knows_what_no_limit_held(void **state)
{
    struct money_cmd first;

    (void)state;
    l_customer();
    l_start(2);
    l.since = 1;
    first = l_bet(0, 0, "first", 200, 1000);
    assert_int_equal(l_place(0, 0, &first), MONEY_DECIDED);
    assert_int_equal(l_charged(1, 1, 100, 1000), LIABILITY_CHARGED);
    liability_release(l.processes[1], &l.claims[1]);
    assert_int_equal(l_charged(1, 1, 100, -1), LIABILITY_CHARGED);
    suite_place(1000, "third", 200, 1);
    liability_add(l.processes[0], l_next_bet(&l.ids[0]), suite_market(), STR("1"), 1000);
    l_settle(); /* told at once */
    l.since = 2;
    assert_int_equal(l_charged(1, 2, 1, 1500), LIABILITY_FULL); /* 300 + 300 + 1000 */
    assert_int_equal(l_charged(1, 2, 100, 1700), LIABILITY_CHARGED);
    assert_int_equal(l_charged(1, 3, 1, 1700), LIABILITY_FULL);
    l_check_row();
    liability_release(l.processes[1], &l.claims[2]);
    l_stop();
}

/* What was granted under the former limit is not sold under a lower one. */
static void rule_14_a_lower_limit_takes_back_what_was_granted(void **state)
{
    (void)state;
    l_start(2);
    l.since = 1;
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(l_charged(i, i, 100, 10000), LIABILITY_CHARGED);
    assert_true(l_granted() > 2000);
    l.since = 2;
    assert_int_equal(l_charged(0, 2, 50, 250), LIABILITY_FULL); /* not yet given back */
    assert_int_equal(l_charged(1, 3, 50, 250), LIABILITY_CHARGED);
    assert_int_equal(l_charged(0, 2, 1, 250), LIABILITY_FULL);
    assert_int_equal(l_granted(), 250);
    for (uint32_t i = 0; i < 4; i++)
        if (i != 2)
            liability_release(l.processes[i % 2], &l.claims[i]);
    l_stop();
}

/* Others have bet more than the limit allows by now: what comes free here is
 * not sold again. */
static void rule_14_above_a_lower_limit_nothing_is_sold(void **state)
{
    int64_t bet;

    (void)state;
    l_start(2);
    l.since = 1;
    assert_int_equal(l_charged(0, 0, 200, 1000), LIABILITY_CHARGED);
    bet = l_next_bet(&l.ids[0]);
    liability_keep(l.processes[0], &l.claims[0], bet);
    assert_int_equal(l_charged(1, 1, 700, 1000), LIABILITY_CHARGED);
    liability_keep(l.processes[1], &l.claims[1], l_next_bet(&l.ids[1]));
    l.since = 2;
    assert_int_equal(l_charged(0, 2, 50, 250), LIABILITY_FULL);
    liability_take(l.processes[0], bet, suite_market(), STR("1"), 150);
    assert_int_equal(l_charged(0, 2, 150, 250), LIABILITY_FULL);
    assert_int_equal(l.claims[2].room_minor, 0);
    assert_int_equal(l_charged(0, 2, 0, 250), LIABILITY_FULL); /* nor asked for ever */
    l.since = 1; /* one that has waited since before */
    assert_int_equal(l_charged(0, 2, 150, 1000), LIABILITY_FULL);
    l.since = 3;
    assert_int_equal(l_charged(0, 2, 150, 1000), LIABILITY_CHARGED);
    liability_release(l.processes[0], &l.claims[2]);
    l_check_row();
    l_stop();
}

/* Bets are told apart by the node in their ids. */
static void rule_14_two_of_one_number_do_not_lease(void **state)
{
    (void)state;
    l_begin();
    l_start_one(0, L_NEVER_MS, L_HOLD_MS);
    l.as_node = 1;
    l_start_one(1, L_NEVER_MS, L_HOLD_MS);
    assert_int_equal(l_charged(0, 0, 100, 1000), LIABILITY_CHARGED);
    assert_int_equal(l_charged(1, 1, 100, 1000), LIABILITY_BUSY);
    l_lapse(0);
    assert_int_equal(l_charged(1, 1, 100, 1000), LIABILITY_CHARGED); /* it went away */
    liability_release(l.processes[0], &l.claims[0]);
    liability_release(l.processes[1], &l.claims[1]);
    l_stop();
}

static void rule_14_over_is_over_for_all(void **state)
{
    (void)state;
    l_begin();
    l_start_one(0, 20, 5000);
    assert_int_equal(l_charged(0, 0, 500, 1000), LIABILITY_CHARGED);
    liability_keep(l.processes[0], &l.claims[0], l_next_bet(&l.ids[0]));
    l.over = 1;
    for (int turns = 0; turns < 1000 && liability_count(l.processes[0]) > 0; turns++) {
        (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
        (void)usleep(2000);
    }
    assert_int_equal(liability_count(l.processes[0]), 0);
    assert_int_equal(l_granted(), -1);
    assert_int_equal(l_leases(), 0);
    l_stop();
}

static void l_join(bool alone)
{
    struct str error = STR_NONE;
    struct db *db;

    suite_close();
    db = db_open(suite.ledger, DB_WRITE, &suite.arena, &error);
    assert_non_null(db);
    assert_true(liability_join(db, alone, &error));
    db_close(db);
    suite_open();
}

static void rule_14_who_is_alone_forgets_what_others_held(void **state)
{
    (void)state;
    l_start(1);
    assert_int_equal(l_charged(0, 0, 500, 1000), LIABILITY_CHARGED);
    liability_keep(l.processes[0], &l.claims[0], l_next_bet(&l.ids[0]));
    l_stop();
    l_join(false);
    assert_true(l_granted() >= 500);
    l_join(true); /* no other one can be */
    assert_int_equal(l_granted(), -1);
    assert_int_equal(l_leases(), 0);
    l_start(1);
    assert_int_equal(l_charged(0, 0, 1000, 1000), LIABILITY_CHARGED);
    assert_int_equal(l.claims[0].epoch, 2); /* never one again */
    liability_release(l.processes[0], &l.claims[0]);
    l_stop();
}

#define LIABILITY_SUITE                                              \
    SUITE_TEST(rule_14_processes_at_once_never_pass_the_cap),        \
    SUITE_TEST(rule_14_without_the_guard_the_storm_overshoots),      \
    SUITE_TEST(rule_14_what_was_given_back_is_there_again),          \
    SUITE_TEST(rule_14_a_bet_that_is_over_frees_its_room_once),      \
    SUITE_TEST(rule_14_messages_free_what_was_charged),              \
    SUITE_TEST(rule_14_the_row_begins_with_what_is_open),            \
    SUITE_TEST(rule_14_a_limit_is_moved_for_new_bets),               \
    SUITE_TEST(rule_14_a_limit_set_anew_knows_what_no_limit_held),   \
    SUITE_TEST(rule_14_a_lower_limit_takes_back_what_was_granted),   \
    SUITE_TEST(rule_14_above_a_lower_limit_nothing_is_sold),         \
    SUITE_TEST(rule_14_a_charge_follows_the_odds),                   \
    SUITE_TEST(rule_14_a_multiple_takes_all_of_its_legs_or_none),    \
    SUITE_TEST(rule_14_a_late_bet_is_refused_when_its_lease_is_over), \
    SUITE_TEST(rule_14_without_the_fence_a_late_bet_overshoots),     \
    SUITE_TEST(rule_14_who_charges_nothing_is_no_business_of_the_fence), \
    SUITE_TEST(rule_14_a_charge_does_not_outlive_its_lease),         \
    SUITE_TEST(rule_14_a_healthy_lease_outlives_a_refusal),          \
    SUITE_TEST(rule_14_bets_of_the_dead_give_their_room_back),       \
    SUITE_TEST(rule_14_what_is_under_no_lease_is_in_the_base),       \
    SUITE_TEST(rule_14_all_leases_of_the_dead_are_reclaimed),        \
    SUITE_TEST(rule_14_two_of_one_number_do_not_lease),              \
    SUITE_TEST(rule_14_over_is_over_for_all),                        \
    SUITE_TEST(rule_14_who_is_alone_forgets_what_others_held)

#endif
