/*
 * Rule 14 with processes that are real: they charge, place and cash out on one
 * PostgreSQL while the test stops them (SIGSTOP, for longer than their leases
 * last), lets them go on, kills them and starts others.  At no time is more
 * open than the limit, and at the end not a minor unit of room is lost.  The
 * same storm by processes that do not name their leases does pass the limit.
 */
#ifndef TESTS_UNIT_LIABILITY_STORM_H
#define TESTS_UNIT_LIABILITY_STORM_H

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/unit/liability_suite.h"

enum { S_PROCESSES = 4, S_SLOTS = 6, S_KEPT = 64, S_HOLD_MS = 250, S_CASHOUT_IN = 3,
       S_LONGER_MS = 60000 };
#define S_LIMIT 20000

static const char *const s_outcomes[] = { "1", "2" };

/* One of a process's bets on their way: an account of its own. */
struct s_slot {
    struct s_process *process;
    int64_t account;
    uint32_t n;
    uv_timer_t timer;
    struct liability_claim claim;
    bool charged, cashes_out;
    struct money_cmd cmd;
    struct money_batch batch;
    char key[64], outcome[2];
    struct buf slip;
    struct { int64_t bet, stake; char outcome[2]; } kept[S_KEPT];
    uint32_t n_kept;
};

struct s_process {
    uv_loop_t loop;
    struct arena arena;
    struct store *store;
    struct liability *liability;
    struct house house;
    struct l_ids ids;
    uint32_t random;
    struct s_slot slots[S_SLOTS];
};

static uint32_t s_random(uint32_t *random, uint32_t below)
{
    *random = *random * 1664525u + 1013904223u;
    return (*random >> 8) % below;
}

static void s_again(struct s_slot *slot);

/* ---- a process ----------------------------------------------------------------- */

static int64_t s_next_bet(void *ctx)
{
    struct l_ids *ids = ctx;

    return bet_id_make(clock_wall_ms(), ids->node, ids->n++ % 4096);
}

static struct str s_outcome(char text[2])
{
    return (struct str){ text, 1 };
}

static void s_accepted(struct s_slot *slot)
{
    liability_keep(slot->process->liability, &slot->claim, slot->cmd.bet);
    if (slot->n_kept == S_KEPT)
        return;
    slot->kept[slot->n_kept].bet = slot->cmd.bet;
    slot->kept[slot->n_kept].stake = slot->cmd.amount_minor;
    slot->kept[slot->n_kept++].outcome[0] = slot->outcome[0];
}

static void s_cashed_out(struct s_slot *slot)
{
    slot->n_kept--;
    liability_take(slot->process->liability, slot->cmd.bet, suite_market(),
                   s_outcome(slot->kept[slot->n_kept].outcome),
                   slot->kept[slot->n_kept].stake * 3 / 2);
}

static void s_on_money(struct money_batch *batch, enum store_result result)
{
    struct s_slot *slot = batch->ctx;
    struct liability *liability = slot->process->liability;
    bool done = result == STORE_OK && slot->cmd.outcome == MONEY_DECIDED &&
        slot->cmd.decided == REFUSE_NOTHING;

    if (slot->cashes_out && (done || slot->cmd.outcome == MONEY_MOVED)) {
        s_cashed_out(slot);
    } else if (!slot->cashes_out && (done || result == STORE_UNKNOWN)) {
        s_accepted(slot);
    } else if (!slot->cashes_out) {
        liability_release(liability, &slot->claim);
        if (slot->cmd.outcome == MONEY_FENCED)
            liability_fenced(liability, slot->claim.epoch);
    }
    s_again(slot);
}

static void s_send(struct s_slot *slot)
{
    slot->batch = (struct money_batch){ .cmds = { &slot->cmd }, .n = 1, .wait = true,
                                        .on_done = s_on_money, .ctx = slot };
    store_money(slot->process->store, 0, &slot->batch);
}

static struct money_cmd s_cmd(struct s_slot *slot, enum money_op op, int64_t stake)
{
    (void)snprintf(slot->key, sizeof(slot->key), "%u-%lld-%u", slot->process->ids.node,
                   (long long)slot->account, slot->n++);
    return (struct money_cmd){ .op = op, .account = slot->account, .epoch = 1,
                               .key = str_of(slot->key), .amount_minor = stake,
                               .at_ms = clock_wall_ms(), .currency = "EUR",
                               .detail = STR("\"a\":1") };
}

static void s_place(uv_timer_t *timer)
{
    struct s_slot *slot = timer->data;
    int64_t stake = slot->claim.legs[0].amount_minor * 2 / 3;
    struct slip slip = suite_slip();

    slip.legs[0].outcome = s_outcome(slot->outcome);
    buf_reset(&slot->slip);
    slip_encode(&slip, &slot->slip);
    slot->cmd = s_cmd(slot, MONEY_BET, stake);
    slot->cmd.detail = STR("");
    slot->cmd.bet = s_next_bet(&slot->process->ids);
    slot->cmd.potential_minor = stake * 5 / 2;
    slot->cmd.cap_minor = 100000000;
    slot->cmd.sport = s_outcome(slot->outcome); /* for the test's sums */
    slot->cmd.slip = buf_view(&slot->slip);
    slot->cmd.market_keys[0] = market_key(suite_market());
    slot->cmd.n_legs = 1;
    slot->cmd.liability_epoch = slot->claim.epoch;
    s_send(slot);
}

/* Some time passes between the charge and the bet: the test stops it there. */
static void s_on_charged(struct liability_claim *claim, enum liability_result result)
{
    struct s_slot *slot = claim->ctx;

    if (result == LIABILITY_CHARGED)
        CHECK(uv_timer_start(&slot->timer, s_place, s_random(&slot->process->random, 30), 0) == 0);
    else
        s_again(slot);
}

static void s_charge(struct s_slot *slot)
{
    uint32_t *random = &slot->process->random;
    enum liability_result result;

    slot->outcome[0] = *s_outcomes[s_random(random, LENGTH(s_outcomes))];
    slot->claim = (struct liability_claim){ .n_legs = 1, .on_done = s_on_charged, .ctx = slot };
    slot->claim.legs[0] = (struct liability_leg){
        .market = suite_market(), .outcome = s_outcome(slot->outcome), .limit_minor = S_LIMIT,
        .amount_minor = 3 * (1 + s_random(random, 100)),
    };
    result = liability_charge(slot->process->liability, &slot->claim);
    if (result != LIABILITY_WAITING)
        s_on_charged(&slot->claim, result);
}

static void s_on_turn(uv_timer_t *timer)
{
    struct s_slot *slot = timer->data;

    slot->cashes_out = slot->n_kept > 0 &&
        (slot->n_kept == S_KEPT || s_random(&slot->process->random, S_CASHOUT_IN) == 0);
    if (!slot->cashes_out) {
        s_charge(slot);
        return;
    }
    slot->cmd = s_cmd(slot, MONEY_CASHOUT, 1);
    slot->cmd.bet = slot->kept[slot->n_kept - 1].bet;
    slot->cmd.version = 1;
    slot->cmd.cashed_minor = slot->kept[slot->n_kept - 1].stake;
    slot->cmd.full = true;
    s_send(slot);
}

static void s_again(struct s_slot *slot)
{
    CHECK(uv_timer_start(&slot->timer, s_on_turn, 1 + s_random(&slot->process->random, 5),
                         0) == 0);
}

/* Never returns: it is killed. */
static void s_main(const char *url, uint32_t of, uint32_t node)
{
    static struct s_process process;
    struct store_options options = { .url = url, .lanes = 1, .readers = 1,
                                     .company = STORE_BESIDE };
    struct str error = STR_NONE;

    process = (struct s_process){ .ids = { .node = node }, .random = node };
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    arena_init(&process.arena, 1 << 20);
    CHECK(uv_loop_init(&process.loop) == 0);
    CHECK(house_read(&process.house, STR("EUR"), STR("USD=0.5"), &process.arena, &error));
    process.store = store_open(&process.loop, &options, &process.arena, &error);
    CHECK(process.store != NULL);
    process.liability = liability_new(&(struct liability_options){
        .loop = &process.loop, .store = process.store, .house = &process.house, .node = node,
        .tick_ms = 20, .lease_ms = S_HOLD_MS, .next_bet = s_next_bet, .ctx = &process.ids,
    });
    for (uint32_t i = 0; i < S_SLOTS; i++) {
        struct s_slot *slot = &process.slots[i];

        slot->process = &process;
        slot->account = 1000 + of * S_SLOTS + i;
        buf_init(&slot->slip, LIMIT_SLIP_BYTES);
        CHECK(uv_timer_init(&process.loop, &slot->timer) == 0);
        slot->timer.data = slot;
        s_again(slot);
    }
    (void)uv_run(&process.loop, UV_RUN_DEFAULT);
    _exit(1);
}

/* ---- the test -------------------------------------------------------------------- */

struct storm {
    pid_t pids[S_PROCESSES];
    int64_t go_on_ms[S_PROCESSES]; /* stopped until then; 0: it runs */
    uint32_t nodes, random, stops, kills;
};

static void storm_start(struct storm *storm, uint32_t i)
{
    uint32_t node = 10 + storm->nodes++;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        s_main(suite.url, i, node);
    storm->pids[i] = pid;
    storm->go_on_ms[i] = 0;
}

static void storm_end(struct storm *storm, uint32_t i)
{
    int status;

    assert_int_equal(kill(storm->pids[i], SIGKILL), 0);
    assert_int_equal(waitpid(storm->pids[i], &status, 0), storm->pids[i]);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* not by itself */
}

static int64_t storm_open(void)
{
    return l_number("SELECT CAST(COALESCE(MAX(s), 0) AS bigint) FROM (SELECT"
                    " SUM(potential - stake) AS s FROM bets WHERE state = 1 GROUP BY sport) x");
}

static void storm_turn(struct storm *storm)
{
    uint32_t i = s_random(&storm->random, S_PROCESSES);
    int64_t now_ms = clock_wall_ms();

    for (uint32_t p = 0; p < S_PROCESSES; p++)
        if (storm->go_on_ms[p] != 0 && now_ms >= storm->go_on_ms[p]) {
            assert_int_equal(kill(storm->pids[p], SIGCONT), 0);
            storm->go_on_ms[p] = 0;
        }
    if (storm->go_on_ms[i] != 0)
        return;
    if (s_random(&storm->random, 5) == 0) {
        storm->kills++;
        storm_end(storm, i);
        storm_start(storm, i);
    } else {
        storm->stops++;
        assert_int_equal(kill(storm->pids[i], SIGSTOP), 0);
        storm->go_on_ms[i] = now_ms + 50 + s_random(&storm->random, 4 * S_HOLD_MS);
    }
}

/* There was little time on a busy machine. */
static bool storm_was_small(const struct storm *storm, int64_t most)
{
    return storm->stops <= 5 || storm->kills <= 1 || most <= S_LIMIT * 9 / 10;
}

/* The most that was open at any look. */
static int64_t storm_run(struct storm *storm, int64_t for_ms)
{
    int64_t until_ms = clock_wall_ms() + for_ms, last_ms = until_ms + S_LONGER_MS, most = 0;

    for (uint32_t i = 0; i < S_PROCESSES * S_SLOTS; i++) {
        suite_add_customer(1000 + i);
        suite_deposit(1000 + i, "d", 100000000);
    }
    suite_close();
    for (uint32_t i = 0; i < S_PROCESSES; i++)
        storm_start(storm, i);
    while (clock_wall_ms() < until_ms ||
           (storm_was_small(storm, most) && clock_wall_ms() < last_ms)) {
        int64_t open;

        (void)usleep(40000 + s_random(&storm->random, 80000));
        storm_turn(storm);
        open = storm_open();
        most = open > most ? open : most;
    }
    for (uint32_t i = 0; i < S_PROCESSES; i++)
        storm_end(storm, i);
    suite_open();
    return most;
}

static void rule_14_stopped_and_killed_processes_never_pass_the_cap(void **state)
{
    struct storm storm = { .random = 7 };
    int64_t most, open;

    (void)state;
    most = storm_run(&storm, 6000);
    print_message("open at most %lld, %u stops, %u kills\n", (long long)most, storm.stops,
                  storm.kills);
    assert_true(storm.stops > 5 && storm.kills > 1);
    assert_true(most <= S_LIMIT);
    assert_true(most > S_LIMIT * 9 / 10);
    /* All are dead; who comes then finds every unit that is not bet. */
    l_begin();
    l_start_one(0, 20, 5000);
    assert_int_not_equal(l_charged(0, 0, 1, S_LIMIT + 1), LIABILITY_BUSY);
    (void)usleep(S_HOLD_MS * 1000);
    l_reclaim();
    if (l.results[0] == LIABILITY_CHARGED)
        liability_release(l.processes[0], &l.claims[0]);
    open = l_number("SELECT CAST(SUM(potential - stake) AS bigint) FROM bets"
                    " WHERE state = 1 AND sport = '1'");
    assert_int_equal(l_charged(0, 1, S_LIMIT - open + 1, S_LIMIT), LIABILITY_FULL);
    assert_int_equal(l_charged(0, 1, S_LIMIT - open, S_LIMIT), LIABILITY_CHARGED);
    liability_release(l.processes[0], &l.claims[1]);
    l_stop();
}

#define LIABILITY_STORM_SUITE \
    SUITE_TEST(rule_14_stopped_and_killed_processes_never_pass_the_cap)

#endif
