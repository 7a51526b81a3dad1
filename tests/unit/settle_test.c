/*
 * Settlement against a store of the test's own (settle_store.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/ledger.h"
#include "settle/settle.h"
#include "settle/slip_read.h"
#include "tests/unit/settle_store.h"

/* ---- building -------------------------------------------------------- */

static struct settle *settle;

static bool placement_waits(void *ctx)
{
    return ((struct world *)ctx)->placing;
}

/* What settlement told on the bus, from the first. */
static struct bus *bus;
static struct steps {
    struct bus_money money;
    struct bet_view bet;
    enum leg_state leg;
} told[8];
static unsigned n_told;

static void on_money(void *ctx, const struct bus_money *message)
{
    (void)ctx;
    if (n_told < LENGTH(told))
        told[n_told++] = (struct steps){ *message, *message->bet,
                                        message->bet->slip->legs[0].result.state };
}

static void open_settle(int64_t offset)
{
    bus = bus_local_new();
    n_told = 0;
    settle = settle_new(&(struct settle_options){
        .loop = &world.loop, .store = NULL, .placement_waits = placement_waits,
        .ctx = &world, .bus = bus, .offset = offset,
    });
}

static int set_up(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    log_set_level(LOG_ERROR + 1);
    arena_init(&world.arena, 16 * 1024 * 1024);
    assert_int_equal(uv_loop_init(&world.loop), 0);
    uv_idle_init(&world.loop, &world.idle);
    open_settle(0);
    return 0;
}

static void on_stopped(void *ctx)
{
    (void)ctx;
    world.stopped = true;
}

static void close_settle(void)
{
    world.stopped = false;
    settle_stop(settle, on_stopped, NULL);
    while (!world.stopped)
        uv_run(&world.loop, UV_RUN_ONCE);
    settle_free(settle);
    bus_free(bus);
}

static int tear_down(void **state)
{
    (void)state;
    close_settle();
    uv_close((uv_handle_t *)&world.idle, NULL);
    uv_run(&world.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    arena_fini(&world.arena);
    return 0;
}

static void run_until_idle(void)
{
    int64_t end = clock_mono_us() + 10 * 1000000;

    while (!settle_idle(settle)) {
        assert_true(clock_mono_us() < end);
        uv_run(&world.loop, UV_RUN_ONCE);
    }
}

static struct market_id market(const char *event, uint32_t id, const char *specifiers)
{
    return (struct market_id){ str_of(event), id, str_of(specifiers) };
}

static const int64_t bet_ms = 1750000000000;

/* A bet of 10.00 on the outcomes of markets 1 of events e1, e2, …, at 2.00. */
static int64_t place_on(int64_t account, enum bet_type type, const struct market_id *markets,
                        const char *const *outcomes, uint32_t n, int64_t placed_ms)
{
    struct held_bet *bet = &world.bets[world.n_bets];
    struct slip slip = { .type = type, .accept = ACCEPT_ANY, .n_legs = n };
    struct buf text;

    CHECK(world.n_bets < BETS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        slip.legs[i] = (struct leg){
            .market = markets[i], .outcome = str_of(outcomes[i]), .odds_e4 = 20000,
            .result = LEG_RESULT_OPEN,
        };
        bet->keys[i] = market_key(markets[i]);
    }
    bet->n_keys = n;
    buf_init(&text, sizeof(bet->slip) - 1);
    slip_encode(&slip, &text);
    CHECK(!text.overflow);
    memcpy(bet->slip, text.p, text.n);
    buf_fini(&text);
    bet->row = (struct bet_row){
        .account = account, .id = bet_id_make(placed_ms, 1, world.n_bets), .version = 1,
        .state = BET_ACCEPTED, .stake_minor = 1000, .cap_minor = 100000000,
        .currency = STR("EUR"), .sport = STR("sr:sport:1"), .placed_ms = placed_ms,
        .rule = 1,
    };
    account_of(account)->staked += 1000;
    world.n_bets++;
    return bet->row.id;
}

static int64_t place_single(int64_t account, const char *outcome)
{
    struct market_id id = market("e1", 1, "");

    return place_on(account, BET_SINGLE, &id, &outcome, 1, bet_ms);
}

static struct fact settlement(struct market_id id, const char *winner, int8_t certainty,
                              int64_t timestamp_ms)
{
    static const char *const names[] = { "1", "2", "3" };
    struct fact fact = {
        .kind = FACT_SETTLEMENT, .id = id, .key = market_key(id), .producer = 3,
        .timestamp_ms = timestamp_ms, .certainty = certainty, .n_outcomes = 3,
    };

    fact.outcomes = ARENA_ARRAY(&world.arena, struct fact_outcome, 3);
    for (uint32_t i = 0; i < 3; i++)
        fact.outcomes[i] = (struct fact_outcome){
            .id = str_of(names[i]), .result = strcmp(names[i], winner) == 0,
            .dead_heat_e12 = FACTOR_ONE_E12,
        };
    return fact;
}

static struct fact other_fact(enum fact_kind kind, struct market_id id, int64_t timestamp_ms)
{
    return (struct fact){
        .kind = kind, .id = id, .key = market_key(id), .producer = 3,
        .timestamp_ms = timestamp_ms, .end_ms = INT64_MAX,
    };
}

static void tell_at(int64_t position, struct fact fact)
{
    fact.position = position;
    settle_on_results(settle, &(struct bus_results){ position, &fact, 1 });
}

static void tell(struct fact fact)
{
    static int64_t position = 1;

    tell_at(position++, fact);
}

static int64_t balance(int64_t account)
{
    return account_of(account)->purse.balance;
}

#define E1 market("e1", 1, "")
#define E2 market("e2", 1, "")
#define LATER (bet_ms + 1000)

/* ---- facts to money --------------------------------------------------- */

static void a_winner_is_paid_and_a_loser_is_not(void **state)
{
    int64_t won = place_single(1000, "1"), lost = place_single(1001, "2");

    (void)state;
    settle_start(settle);
    tell(settlement(E1, "1", 2, LATER));
    run_until_idle();
    assert_int_equal(balance(1000), 2000);
    assert_int_equal(balance(1001), 0);
    assert_int_equal(find_bet(won)->row.state, BET_SETTLED);
    assert_int_equal(find_bet(won)->row.payout_minor, 2000);
    assert_int_equal(find_bet(lost)->row.state, BET_SETTLED);
    assert_int_equal(account_of(1000)->staked, 0);
    assert_int_equal(account_of(1001)->seq, 1); /* bet.settled is told */
    assert_int_equal(world.n_transfers, 1);
    assert_int_equal(world.n_queue, 0);
}

static void what_was_written_is_told(void **state)
{
    int64_t bet = place_single(1000, "1");

    (void)state;
    bus_subscribe(bus, &(struct bus_subscriber){ .on_money = on_money });
    settle_start(settle);
    tell(settlement(E1, "1", 1, LATER));
    run_until_idle();
    tell(other_fact(FACT_ROLLBACK_SETTLEMENT, E1, LATER + 5));
    run_until_idle();
    assert_int_equal(n_told, 2);
    assert_int_equal(told[0].money.event, 2); /* bet.settled */
    assert_int_equal(told[0].money.account, 1000);
    assert_int_equal(told[0].money.seq, 1);
    assert_int_equal(told[0].money.balance_minor, 2000);
    assert_int_equal(told[0].money.staked_minor, 0);
    assert_int_equal(told[0].money.amount_minor, 2000);
    assert_int_equal(told[0].bet.id, bet);
    assert_int_equal(told[0].bet.state, BET_SETTLED);
    assert_int_equal(told[0].bet.payout_minor, 2000);
    assert_int_equal(told[0].leg, LEG_WON);
    assert_int_equal(told[1].money.event, 3); /* bet.reopened */
    assert_int_equal(told[1].money.seq, 2);
    assert_int_equal(told[1].money.amount_minor, -2000);
    assert_int_equal(told[1].money.staked_minor, 1000);
    assert_int_equal(told[1].bet.state, BET_ACCEPTED);
    assert_int_equal(told[1].leg, LEG_OPEN);
}

static void rule_02_the_second_certainty_moves_the_difference(void **state)
{
    (void)state;
    place_single(1000, "1");
    place_single(1001, "2");
    settle_start(settle);
    tell(settlement(E1, "1", 1, LATER));
    run_until_idle();
    tell(settlement(E1, "1", 2, LATER + 5));
    run_until_idle();
    assert_int_equal(world.n_transfers, 1); /* the same result moves nothing */
    tell(settlement(E1, "2", 2, LATER + 9));
    run_until_idle();
    assert_int_equal(balance(1000), 0);
    assert_int_equal(balance(1001), 2000);
    assert_int_equal(world.n_transfers, 3);
}

static void a_rollback_reopens_and_restores_the_stake(void **state)
{
    int64_t bet = place_single(1000, "1");

    (void)state;
    settle_start(settle);
    tell(settlement(E1, "1", 1, LATER));
    run_until_idle();
    tell(other_fact(FACT_ROLLBACK_SETTLEMENT, E1, LATER + 5));
    run_until_idle();
    assert_int_equal(find_bet(bet)->row.state, BET_ACCEPTED);
    assert_int_equal(find_bet(bet)->row.payout_minor, 0);
    assert_int_equal(balance(1000), 0);
    assert_int_equal(account_of(1000)->staked, 1000);
    assert_int_equal(world.n_reopened, 1);
}

static void rule_04_a_lost_leg_settles_a_multiple_early(void **state)
{
    struct market_id ids[] = { E1, E2 };
    int64_t lost, open;

    (void)state;
    lost = place_on(1000, BET_MULTIPLE, ids, (const char *[]){ "2", "1" }, 2, bet_ms);
    open = place_on(1001, BET_MULTIPLE, ids, (const char *[]){ "1", "1" }, 2, bet_ms);
    settle_start(settle);
    tell(settlement(E1, "1", 2, LATER));
    run_until_idle();
    assert_int_equal(find_bet(lost)->row.state, BET_SETTLED);
    assert_int_equal(find_bet(open)->row.state, BET_ACCEPTED);
    assert_int_equal(account_of(1001)->staked, 1000);
    assert_int_equal(account_of(1001)->seq, 0); /* nothing to tell yet */
    tell(settlement(E2, "1", 2, LATER));
    run_until_idle();
    assert_int_equal(find_bet(open)->row.payout_minor, 4000);
    assert_int_equal(find_bet(lost)->row.payout_minor, 0);
}

static void rule_05_a_cancel_voids_what_its_window_covers(void **state)
{
    struct fact cancel = other_fact(FACT_CANCEL, E1, LATER + 3);
    struct market_id id = E1;

    (void)state;
    place_single(1000, "2");
    (void)place_on(1001, BET_SINGLE, &id, (const char *[]){ "2" }, 1, bet_ms + 10);
    settle_start(settle);
    tell(settlement(E1, "1", 2, LATER));
    run_until_idle();
    cancel.start_ms = bet_ms;
    cancel.end_ms = bet_ms + 10;
    tell(cancel);
    run_until_idle();
    assert_int_equal(balance(1000), 1000); /* covered: the stake comes back */
    assert_int_equal(balance(1001), 0);
}

static void rule_03_a_cashed_out_bet_stands(void **state)
{
    int64_t bet = place_single(1000, "1");

    (void)state;
    find_bet(bet)->row.state = BET_CASHED_OUT;
    find_bet(bet)->row.payout_minor = 1234;
    settle_start(settle);
    tell(settlement(E1, "1", 2, LATER));
    run_until_idle();
    assert_int_equal(world.calls[OP_WRITE], 0);
    assert_int_equal(find_bet(bet)->row.payout_minor, 1234);
}

static void rule_06_clawback_becomes_debt(void **state)
{
    (void)state;
    place_single(1000, "1");
    settle_start(settle);
    tell(settlement(E1, "1", 1, LATER));
    run_until_idle();
    account_of(1000)->purse.balance = 500; /* the rest is spent */
    tell(settlement(E1, "3", 2, LATER));
    run_until_idle();
    assert_int_equal(balance(1000), 0);
    assert_int_equal(account_of(1000)->purse.debt, 1500);
}

static void only_the_market_itself_is_judged(void **state)
{
    /* A leg under the same key that is of another market: a collision. */
    int64_t bet = place_single(1000, "1");

    (void)state;
    find_bet(bet)->keys[0] = market_key(E2);
    settle_start(settle);
    tell(settlement(E2, "1", 2, LATER));
    run_until_idle();
    assert_int_equal(find_bet(bet)->row.state, BET_ACCEPTED);
}

/* ---- any order -------------------------------------------------------- */

enum { RULE_FACTS = 12, RULE_BETS = 12 };

static uint64_t dice_state;

static uint32_t dice(uint32_t n)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice_state >> 33) % n;
}

static void roll_fact(struct fact *fact, int64_t position)
{
    static const char *const names[] = { "1", "2", "3" };
    struct market_id id = dice(2) == 0 ? E1 : E2;
    int64_t timestamp_ms = LATER + dice(6);

    switch (dice(6)) {
    case 0:
        *fact = other_fact(FACT_ROLLBACK_SETTLEMENT, id, timestamp_ms);
        break;
    case 1:
        *fact = other_fact(FACT_CANCEL, id, timestamp_ms);
        fact->end_ms = bet_ms + dice(3);
        break;
    case 2:
        *fact = other_fact(FACT_ROLLBACK_CANCEL, id, timestamp_ms);
        fact->end_ms = bet_ms + dice(3);
        break;
    default:
        *fact = settlement(id, names[dice(3)], (int8_t)(1 + dice(2)), timestamp_ms);
    }
    fact->position = position;
}

static void roll_bets(void)
{
    static const char *const names[] = { "1", "2", "3" };
    struct market_id ids[] = { E1, E2 };

    for (int i = 0; i < RULE_BETS; i++) {
        const char *outcomes[] = { names[dice(3)], names[dice(3)] };

        if (dice(2) == 0)
            (void)place_on(1000 + dice(N_ACCOUNTS), BET_MULTIPLE, ids, outcomes, 2,
                           bet_ms + dice(3));
        else
            (void)place_on(1000 + dice(N_ACCOUNTS), BET_SINGLE, ids + dice(2), outcomes, 1,
                           bet_ms + dice(3));
    }
}

static void forget_everything(void)
{
    memset(world.accounts, 0, sizeof(world.accounts));
    memset(world.bets, 0, sizeof(world.bets));
    world.n_bets = world.n_facts = world.n_queue = 0;
}

static void shuffle(unsigned *order, unsigned n)
{
    for (unsigned i = n; i-- > 1;) {
        unsigned j = dice(i + 1), kept = order[i];

        order[i] = order[j];
        order[j] = kept;
    }
}

/* Tells the facts in an order of its own, some twice, sometimes waiting. */
static void tell_in_any_order(const struct fact *facts)
{
    unsigned order[RULE_FACTS * 2];

    for (unsigned i = 0; i < RULE_FACTS * 2; i++)
        order[i] = i % RULE_FACTS;
    shuffle(order, RULE_FACTS * 2);
    for (unsigned i = 0; i < RULE_FACTS * 2; i++) {
        settle_on_results(settle, &(struct bus_results){
            facts[order[i]].position, &facts[order[i]], 1 });
        if (dice(2) == 0)
            run_until_idle();
        else if (dice(2) == 0)
            uv_run(&world.loop, UV_RUN_NOWAIT);
    }
    run_until_idle();
}

static void rule_01_any_order_ends_in_the_same_state(void **state)
{
    (void)state;
    settle_start(settle);
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct held_account first[N_ACCOUNTS];
        struct fact facts[RULE_FACTS];

        dice_state = seed;
        for (int i = 0; i < RULE_FACTS; i++)
            roll_fact(&facts[i], 1000 + i);
        for (int turn = 0; turn < 4; turn++) {
            uint64_t kept = dice_state;

            forget_everything();
            dice_state = seed * 1000;
            roll_bets();
            dice_state = kept;
            tell_in_any_order(facts);
            if (turn == 0)
                memcpy(first, world.accounts, sizeof(first));
            for (int i = 0; i < N_ACCOUNTS; i++) {
                assert_int_equal(world.accounts[i].purse.balance, first[i].purse.balance);
                assert_int_equal(world.accounts[i].purse.debt, first[i].purse.debt);
                assert_int_equal(world.accounts[i].staked, first[i].staked);
            }
        }
    }
}

/* ---- late bets --------------------------------------------------------- */

static void rule_07_a_late_bet_is_swept(void **state)
{
    int64_t now = clock_wall_ms(), bet;
    struct market_id id = E1;

    (void)state;
    settle_start(settle);
    tell(settlement(E1, "1", 2, now));
    run_until_idle();
    bet = place_on(1000, BET_SINGLE, &id, (const char *[]){ "1" }, 1, now + 5);
    close_settle(); /* the next process sweeps the last day at its start */
    open_settle(world.offset);
    settle_start(settle);
    while (find_bet(bet)->row.state == BET_ACCEPTED)
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_int_equal(balance(1000), 2000);
    assert_int_equal(find_bet(bet)->row.flags, BET_FLAG_PAST_POSTED);
    run_until_idle();
}

static void sweep_until(int64_t bet, const char *results)
{
    int64_t end = clock_mono_us() + 20 * 1000000;

    while (strcmp(find_bet(bet)->results, results) != 0) {
        assert_true(clock_mono_us() < end);
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    run_until_idle();
}

static void restart(void)
{
    close_settle();
    open_settle(world.offset);
    settle_start(settle);
}

/* It lost by another leg before the sweep came; when that is taken back, the
 * late leg must have been told. */
static void rule_07_a_late_leg_of_a_settled_bet_is_swept(void **state)
{
    const struct market_id ids[] = { E1, E2 };
    int64_t now = clock_wall_ms(), bet;

    (void)state;
    settle_start(settle);
    tell(settlement(E1, "1", 2, now));
    run_until_idle();
    bet = place_on(1000, BET_MULTIPLE, ids, (const char *[]){ "1", "1" }, 2, now + 5);
    tell(settlement(E2, "2", 2, now));
    run_until_idle();
    assert_int_equal(find_bet(bet)->row.state, BET_SETTLED);
    restart();
    sweep_until(bet, "[[1,0,1000000000000],[0,0,1000000000000]]");
    tell(settlement(E2, "1", 2, now + 1));
    run_until_idle();
    assert_int_equal(balance(1000), 4000);
}

/* What the sweep of the last day found is not forgotten with one failure. */
static void rule_07_a_sweep_that_failed_is_made_good(void **state)
{
    int64_t before = clock_wall_ms() - 3600000, bet;
    struct market_id id = E1;

    (void)state;
    settle_start(settle);
    tell(settlement(E1, "1", 2, before));
    run_until_idle();
    world.facts[0].stored_ms = before;
    bet = place_on(1000, BET_SINGLE, &id, (const char *[]){ "1" }, 1, before + 5);
    world.requeue_failures = 1;
    restart();
    sweep_until(bet, "[[1,0,1000000000000]]");
    assert_int_equal(balance(1000), 2000);
}

/* Its commit waited for a standby for minutes; facts that were stored
 * meanwhile were graded without it. */
static void rule_07_a_bet_long_in_commit_is_swept(void **state)
{
    int64_t now = clock_wall_ms(), bet;
    struct market_id id = E1;

    (void)state;
    settle_start(settle);
    tell(settlement(E1, "1", 2, now));
    run_until_idle();
    world.facts[0].stored_ms = now - 5 * 60000;
    bet = place_on(1000, BET_SINGLE, &id, (const char *[]){ "1" }, 1, now - 9 * 60000);
    sweep_until(bet, "[[1,0,1000000000000]]");
    assert_int_equal(balance(1000), 2000);
}

static void rule_07_bets_after_the_stop_are_flagged(void **state)
{
    struct fact fact = settlement(E1, "1", 2, LATER);
    int64_t before = metric_value(METRIC_SETTLE_PAST_POSTED, STR_NONE);
    struct market_id id = E1;
    int64_t in_time, late;

    (void)state;
    in_time = place_single(1000, "1");
    late = place_on(1001, BET_SINGLE, &id, (const char *[]){ "2" }, 1, bet_ms + 500);
    fact.stopped_ms = bet_ms + 499;
    settle_start(settle);
    tell(fact);
    run_until_idle();
    assert_int_equal(find_bet(in_time)->row.flags, 0);
    assert_int_equal(find_bet(late)->row.flags, BET_FLAG_PAST_POSTED);
    assert_int_equal(find_bet(late)->row.state, BET_SETTLED);
    assert_int_equal(metric_value(METRIC_SETTLE_PAST_POSTED, STR_NONE), before + 1);
}

/* ---- the fast reader --------------------------------------------------- */

static bool same_slip(const struct slip *a, const struct slip *b)
{
    bool same = a->type == b->type && a->accept == b->accept && a->n_legs == b->n_legs &&
                a->n_sizes == b->n_sizes;

    for (uint32_t i = 0; same && i < a->n_sizes; i++)
        same = a->sizes[i] == b->sizes[i];
    for (uint32_t i = 0; same && i < a->n_legs; i++)
        same = market_id_equal(a->legs[i].market, b->legs[i].market) &&
               str_eq(a->legs[i].outcome, b->legs[i].outcome) &&
               a->legs[i].odds_e4 == b->legs[i].odds_e4 &&
               a->legs[i].banker == b->legs[i].banker &&
               b->legs[i].result.state == LEG_OPEN;
    return same;
}

static void roll_slip(struct slip *slip)
{
    static const char *const texts[] = { "e1", "sr:match:42", "a\"b\\", "z\xc3\xa9", "x y" };

    *slip = (struct slip){ .type = BET_SYSTEM, .accept = (enum accept_policy)dice(3),
                           .n_legs = 2 + dice(LIMIT_LEGS - 1) };
    for (uint32_t i = 0; i < slip->n_legs; i++)
        slip->legs[i] = (struct leg){
            .market = market(texts[dice(5)], dice(2000), dice(2) == 0 ? "" : "total=2.5"),
            .outcome = str_of(texts[dice(5)]), .odds_e4 = ODDS_ONE_E4 + dice(1000000),
            .banker = i > 0 && dice(4) == 0,
        };
    slip->sizes[slip->n_sizes++] = 1;
    if (dice(2) == 0)
        slip->type = BET_MULTIPLE;
    if (slip->type == BET_MULTIPLE)
        slip->n_sizes = 0;
    for (uint32_t i = 0; i < slip->n_legs && slip->type == BET_MULTIPLE; i++)
        slip->legs[i].banker = false;
}

/* Both readers say the same of a slip, and of the same slip with one byte
 * changed. */
static void the_fast_reader_reads_as_the_slow_one(void **state)
{
    struct buf text;
    struct arena arena;

    (void)state;
    dice_state = 11;
    buf_init(&text, LIMIT_SLIP_BYTES);
    arena_init(&arena, 4 * 1024 * 1024);
    for (int i = 0; i < 20000; i++) {
        struct slip slip, fast, slow;
        bool read;

        arena_reset(&arena);
        buf_reset(&text);
        roll_slip(&slip);
        slip_encode(&slip, &text);
        assert_true(slip_read_stored(buf_view(&text), &arena, &fast));
        assert_true(same_slip(&slip, &fast));
        text.p[dice((uint32_t)text.n)] = "0\"{}[],:1\\ax "[dice(13)];
        read = slip_decode(buf_view(&text), &arena, &slow);
        assert_int_equal(slip_read_stored(buf_view(&text), &arena, &fast), read);
        assert_true(!read || same_slip(&slow, &fast));
    }
    arena_fini(&arena);
    buf_fini(&text);
}

/* ---- chunks ------------------------------------------------------------ */

static void place_many(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        (void)place_single(1000 + i % N_ACCOUNTS, i % 2 == 0 ? "1" : "2");
}

static void assert_all_paid_once(unsigned n)
{
    int64_t sum = 0, staked = 0;

    for (unsigned i = 0; i < N_ACCOUNTS; i++) {
        sum += world.accounts[i].purse.balance;
        staked += world.accounts[i].staked;
    }
    assert_int_equal(sum, (int64_t)(n / 2) * 2000);
    assert_int_equal(staked, 0);
    assert_int_equal(world.n_transfers, n / 2);
    assert_int_equal(world.n_queue, 0);
}

static void a_market_is_settled_in_chunks(void **state)
{
    (void)state;
    place_many(3000);
    settle_start(settle);
    tell(settlement(E1, "1", 2, LATER));
    run_until_idle();
    assert_all_paid_once(3000);
    assert_in_range(world.calls[OP_WRITE], 3000 / LIMIT_CHUNK, 16); /* they grow */
}

static void rule_06_a_poisoned_bet_is_parked_alone(void **state)
{
    (void)state;
    place_many(1000);
    world.bets[701].poison = true; /* a loser */
    settle_start(settle);
    tell(settlement(E1, "1", 2, LATER));
    run_until_idle();
    assert_int_equal(world.n_parked, 1);
    assert_int_equal(world.parked_bet, world.bets[701].row.id);
    assert_int_equal(world.bets[701].row.state, BET_ACCEPTED);
    world.accounts[701 % N_ACCOUNTS].staked -= 1000;
    assert_all_paid_once(1000);
}

/* The other nine are paid. */
static void settle_parks_the_fourth(void)
{
    settle_start(settle);
    tell(settlement(E1, "1", 2, LATER));
    run_until_idle();
    assert_int_equal(world.n_parked, 1);
    assert_int_equal(world.parked_bet, world.bets[3].row.id);
    world.accounts[3].staked -= 1000;
    assert_all_paid_once(10);
}

static void rule_06_an_unreadable_slip_is_parked(void **state)
{
    (void)state;
    place_many(10);
    world.bets[3].slip[0] = '?';
    settle_parks_the_fourth();
}

static void rule_06_a_row_that_breaks_the_rules_is_parked(void **state)
{
    (void)state;
    place_many(10);
    world.bets[3].row.stake_minor = -1000;
    settle_parks_the_fourth();
}

static void a_locked_account_is_tried_again(void **state)
{
    (void)state;
    place_many(400);
    world.accounts[2].locked = 8;
    settle_start(settle);
    tell(settlement(E1, "1", 2, LATER));
    run_until_idle();
    assert_all_paid_once(400);
    assert_true(world.waits > 0); /* after three tries it waits for the lock */
}

/* Its holder keeps it for longer than the store waits: others go first. */
static void a_lock_that_stays_holds_up_its_market_alone(void **state)
{
    static const char *const outcome = "1";
    struct market_id id = E2;
    int64_t end = clock_mono_us() + 5 * 1000000;

    (void)state;
    (void)place_single(1002, "1");
    (void)place_on(1003, BET_SINGLE, &id, &outcome, 1, bet_ms);
    world.accounts[2].held = true;
    settle_start(settle);
    tell(settlement(E1, "1", 2, LATER));
    tell(settlement(E2, "1", 2, LATER));
    while (balance(1003) == 0 || world.n_queue > 1) {
        assert_true(clock_mono_us() < end);
        uv_run(&world.loop, UV_RUN_ONCE);
    }
    assert_true(world.waits > 0);
    assert_int_equal(balance(1002), 0);
}

static struct {
    enum op_kind kind;
    enum store_result result;
} const losses[] = {
    { OP_ADD, STORE_UNAVAILABLE },   { OP_ADD, STORE_UNKNOWN },
    { OP_FETCH, STORE_UNAVAILABLE }, { OP_WRITE, STORE_UNAVAILABLE },
    { OP_WRITE, STORE_UNKNOWN },     { OP_EXEC, STORE_UNAVAILABLE },
};

static void a_store_that_comes_and_goes_pays_once(void **state)
{
    (void)state;
    place_many(600);
    settle_start(settle);
    run_until_idle();
    for (size_t i = 0; i < LENGTH(losses); i++) {
        bool back = i % 2 == 1; /* paid, and taken back by a rollback */

        world.fail[losses[i].kind] = losses[i].result;
        world.failures[losses[i].kind] = 2;
        if (back)
            tell(other_fact(FACT_ROLLBACK_SETTLEMENT, E1, LATER + (int64_t)i));
        else
            tell(settlement(E1, "1", 2, LATER + (int64_t)i));
        run_until_idle();
        assert_int_equal(world.failures[losses[i].kind], 0);
        assert_int_equal(balance(1000), back ? 0 : 600 / N_ACCOUNTS * 2000);
        assert_int_equal(world.n_transfers, 300 * (i + 1));
    }
}

static void new_facts_come_while_the_market_is_settled(void)
{
    world.on_write = NULL;
    tell(settlement(E1, "2", 2, LATER + 7));
}

static void new_facts_restart_the_market(void **state)
{
    int64_t sum = 0;

    (void)state;
    place_many(1000);
    settle_start(settle);
    world.on_write = new_facts_come_while_the_market_is_settled;
    tell(settlement(E1, "1", 1, LATER));
    run_until_idle();
    for (unsigned i = 0; i < world.n_bets; i++)
        sum += world.bets[i].row.payout_minor * (i % 2 == 1);
    assert_int_equal(sum, 500 * 2000);
    assert_int_equal(balance(1000), 0);
    /* By the old facts only what was at the store is paid, and taken back. */
    assert_in_range(world.n_transfers, 501, 700);
    assert_int_equal(world.n_queue, 0);
}

/* ... and another process, which we do not hear of, has done with them: they
 * took the result back before a bet had been paid by it. */
static void another_process_rolls_back(void)
{
    struct fact rollback = other_fact(FACT_ROLLBACK_SETTLEMENT, E1, LATER + 7);

    world.on_write = NULL;
    rollback.position = 1000;
    hold_fact(&rollback);
    queue_done(rollback.key, rollback.position);
}

static void rule_01_old_facts_pay_nobody(void **state)
{
    (void)state;
    place_many(200);
    settle_start(settle);
    world.on_write = another_process_rolls_back;
    tell(settlement(E1, "1", 2, LATER));
    run_until_idle();
    assert_null(world.on_write);
    assert_int_equal(world.calls[OP_WRITE], 1); /* and is not tried again */
    assert_int_equal(world.n_transfers, 0);
    for (unsigned i = 0; i < world.n_bets; i++)
        assert_int_equal(world.bets[i].row.state, BET_ACCEPTED);
    assert_int_equal(world.n_queue, 0);
}

static void stop_in_mid_run(void)
{
    world.on_write = NULL;
    settle_stop(settle, on_stopped, NULL);
}

static void a_stopped_run_is_resumed(void **state)
{
    (void)state;
    place_many(2000);
    settle_start(settle);
    world.on_write = stop_in_mid_run;
    tell(settlement(E1, "1", 2, LATER));
    while (!world.stopped)
        uv_run(&world.loop, UV_RUN_ONCE);
    settle_free(settle);
    bus_free(bus);
    assert_int_equal(world.n_queue, 1);
    assert_true(world.queue[0].bet > 0);
    assert_true(world.queue[0].bet < world.bets[1999].row.id);
    open_settle(world.offset);
    settle_start(settle);
    run_until_idle();
    assert_all_paid_once(2000);
}

static void rule_25_settlement_yields_to_placement(void **state)
{
    int64_t began = clock_mono_us();
    int64_t before = metric_value(METRIC_SETTLE_YIELDS, STR_NONE);

    (void)state;
    place_many(10);
    world.placing = true;
    settle_start(settle);
    tell(settlement(E1, "1", 2, LATER));
    while (world.calls[OP_WRITE] == 0)
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_in_range(clock_mono_us() - began, 40000, 30000000); /* but not for ever */
    assert_int_equal(metric_value(METRIC_SETTLE_YIELDS, STR_NONE), before + 1);
    run_until_idle();
    assert_all_paid_once(10);
}

/* ---- results ----------------------------------------------------------- */

static void stored_positions_are_skipped(void **state)
{
    (void)state;
    close_settle();
    open_settle(41);
    settle_start(settle);
    tell_at(40, settlement(E1, "1", 2, LATER));
    tell_at(41, settlement(E1, "2", 2, LATER));
    run_until_idle();
    assert_int_equal(world.n_facts, 0);
    tell_at(42, settlement(E1, "3", 2, LATER));
    run_until_idle();
    assert_int_equal(world.n_facts, 1);
    assert_int_equal(world.offset, 42);
}

static void a_rejected_fact_holds_the_offset_but_not_the_others(void **state)
{
    int64_t first = place_single(1000, "1");

    (void)state;
    world.poison_position = 20;
    settle_start(settle);
    tell_at(10, settlement(E2, "1", 1, LATER));
    tell_at(20, settlement(E2, "1", 2, LATER));
    tell_at(30, settlement(E1, "1", 2, LATER));
    while (find_bet(first)->row.state != BET_SETTLED)
        uv_run(&world.loop, UV_RUN_ONCE);
    assert_int_equal(world.n_facts, 2);
    assert_int_equal(world.offset, 19); /* a restart reads 20 again */
}

static void the_gauges_tell_what_waits(void **state)
{
    (void)state;
    place_many(4);
    world.bets[0].slip[0] = '?';
    settle_start(settle);
    tell(settlement(E1, "1", 2, LATER));
    settle_metrics(settle);
    assert_false(settle_idle(settle));
    run_until_idle();
    settle_metrics(settle);
    for (int i = 0; i < 20; i++)
        uv_run(&world.loop, UV_RUN_NOWAIT);
    settle_metrics(settle);
    assert_int_equal(metric_value(METRIC_SETTLE_QUEUE, STR_NONE), 0);
    assert_int_equal(metric_value(METRIC_SETTLE_LAG, STR_NONE), 0);
    assert_int_equal(metric_value(METRIC_PARKED, STR_NONE), 1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_winner_is_paid_and_a_loser_is_not),
        T(what_was_written_is_told),
        T(rule_01_any_order_ends_in_the_same_state),
        T(rule_02_the_second_certainty_moves_the_difference),
        T(rule_03_a_cashed_out_bet_stands),
        T(rule_04_a_lost_leg_settles_a_multiple_early),
        T(rule_05_a_cancel_voids_what_its_window_covers),
        T(rule_06_clawback_becomes_debt),
        T(rule_06_a_poisoned_bet_is_parked_alone),
        T(rule_06_an_unreadable_slip_is_parked),
        T(rule_06_a_row_that_breaks_the_rules_is_parked),
        T(rule_07_a_late_bet_is_swept),
        T(rule_07_a_late_leg_of_a_settled_bet_is_swept),
        T(rule_07_a_sweep_that_failed_is_made_good),
        T(rule_07_a_bet_long_in_commit_is_swept),
        T(rule_07_bets_after_the_stop_are_flagged),
        T(rule_25_settlement_yields_to_placement),
        T(a_rollback_reopens_and_restores_the_stake),
        T(only_the_market_itself_is_judged),
        T(the_fast_reader_reads_as_the_slow_one),
        T(a_market_is_settled_in_chunks),
        T(a_locked_account_is_tried_again),
        T(a_lock_that_stays_holds_up_its_market_alone),
        T(a_store_that_comes_and_goes_pays_once),
        T(new_facts_restart_the_market),
        T(rule_01_old_facts_pay_nobody),
        T(a_stopped_run_is_resumed),
        T(stored_positions_are_skipped),
        T(a_rejected_fact_holds_the_offset_but_not_the_others),
        T(the_gauges_tell_what_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
