/*
 * Held bets of two processes on both engines: what one keeps open any other
 * shows and decides, once; an offer made by one is taken by the next bet on
 * another, once.
 */
#ifndef TESTS_UNIT_HOLD_SUITE_H
#define TESTS_UNIT_HOLD_SUITE_H

#include <unistd.h>

#include "base/clock.h"
#include "house/hold.h"
#include "tests/unit/store_suite.h"

enum { H_PROCESSES = 2, H_BETS = 4, H_NOTHING = -1 };

static struct h_world {
    struct book *book;
    struct house house;
    struct park *parks[H_PROCESSES];
    struct holds *holds[H_PROCESSES];
    struct held_bet held[H_BETS];
    struct slip slips[H_BETS];
    int decided[H_BETS]; /* enum hold_decision, or H_NOTHING */
    int64_t offered[H_BETS];
} h;

static void h_on_decision(struct held_bet *held, enum hold_decision decision, int64_t offer_minor)
{
    uint32_t i = (uint32_t)(held - h.held);

    assert_int_equal(h.decided[i], H_NOTHING); /* once */
    h.decided[i] = (int)decision;
    h.offered[i] = offer_minor;
}

static void h_start(int64_t hold_ms)
{
    struct str error;

    memset(&h, 0, sizeof(h));
    h.book = book_new();
    assert_true(house_read(&h.house, STR("EUR"), STR("USD=0.5"), &suite.arena, &error));
    for (uint32_t i = 0; i < H_BETS; i++)
        h.decided[i] = H_NOTHING;
    for (uint32_t i = 0; i < H_PROCESSES; i++) {
        h.parks[i] = park_new(&suite.loop, 100);
        h.holds[i] = holds_new(&(struct holds_options){
            .park = h.parks[i], .book = h.book, .house = &h.house, .hold_ms = hold_ms,
            .offer_ms = 60000, .shared = true, .loop = &suite.loop, .store = suite.store,
            .node = i + 1,
        });
    }
}

static void h_turn(void)
{
    (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
    (void)usleep(1000);
}

static void h_stop(void)
{
    for (uint32_t i = 0; i < H_PROCESSES; i++)
        park_drain(h.parks[i]);
    while (!holds_are_idle(h.holds[0]) || !holds_are_idle(h.holds[1]))
        h_turn();
    for (uint32_t i = 0; i < H_PROCESSES; i++) {
        holds_free(h.holds[i]);
        park_free(h.parks[i]);
    }
    (void)uv_run(&suite.loop, UV_RUN_NOWAIT);
    book_free(h.book);
}

/* Of one customer, on the home win; ids are 100 + i. */
static void h_hold(uint32_t process, uint32_t i, int64_t stake)
{
    h.slips[i] = suite_slip();
    h.held[i] = (struct held_bet){
        .account = 1000, .id = 100 + i, .currency = currency_find(STR("EUR")),
        .slip = &h.slips[i], .stake_minor = stake, .potential_minor = stake * 5 / 2,
        .house_minor = stake, .on_decision = h_on_decision,
    };
    assert_true(holds_put(h.holds[process], &h.held[i], clock_mono_us(), clock_wall_ms()));
}

static uint32_t h_listed(void)
{
    struct store_exec exec = suite_get(STATEMENT_HOLDS_LIST, clock_wall_ms(), 10);

    return exec.rows;
}

static void h_await_listed(uint32_t n)
{
    for (int turns = 0; turns < 5000 && h_listed() != n; turns++)
        h_turn();
    assert_int_equal(h_listed(), n);
}

/* A trader's word, by any process; false: it was too late. */
static bool h_say(uint32_t i, enum hold_decision decision, int64_t offer)
{
    struct store_exec exec = { .n = 1, .calls = { { STATEMENT_HOLD_DECIDE,
        { VALUE_INT(100 + i), VALUE_INT((int)decision + 1), VALUE_INT(offer),
          VALUE_INT(clock_wall_ms() + 60000), VALUE_INT(clock_wall_ms()) } } } };

    assert_int_equal(suite_exec(&exec), STORE_OK);
    return exec.rows == 1;
}

static void h_expect(uint32_t i, enum hold_decision decision, int64_t offer)
{
    for (int turns = 0; turns < 5000 && h.decided[i] == H_NOTHING; turns++)
        h_turn();
    assert_int_equal(h.decided[i], decision);
    assert_int_equal(h.offered[i], offer);
}

static void test_any_process_decides_on_a_held_bet(void **state)
{
    struct store_exec list;

    (void)state;
    h_start(60000);
    h_hold(0, 0, 5000);
    h_hold(1, 1, 6000);
    h_await_listed(2);
    list = suite_get(STATEMENT_HOLDS_LIST, clock_wall_ms(), 10);
    assert_non_null(strstr(arena_cstr(&suite.arena, EXEC_CELL(&list, 0, 0).s),
                           "\"stake\":\"50.00\""));
    assert_true(h_say(0, HOLD_ACCEPT, 0));
    assert_false(h_say(0, HOLD_DECLINE, 0)); /* the first word holds */
    assert_true(h_say(1, HOLD_DECLINE, 0));
    h_expect(0, HOLD_ACCEPT, 0);
    h_expect(1, HOLD_DECLINE, 0);
    h_await_listed(0);
    h_stop();
    assert_int_equal(suite_get(STATEMENT_HOLDS_DECIDED, 1, 0).rows, 0);
}

static void test_an_offer_is_good_for_one_bet_on_any_process(void **state)
{
    (void)state;
    h_start(60000);
    h_hold(0, 0, 5000);
    h_await_listed(1);
    assert_true(h_say(0, HOLD_OFFER, 3000));
    h_expect(0, HOLD_OFFER, 3000);
    h_hold(1, 1, 3001); /* more than was offered */
    h_await_listed(1);
    h_hold(1, 2, 3000);
    h_expect(2, HOLD_ACCEPT, 0);
    assert_int_equal(h.held[2].offer, 100);
    h_hold(0, 3, 3000); /* it was taken */
    h_await_listed(2);
    h_stop();
    h_expect(1, HOLD_DRAINED, 0);
    h_expect(3, HOLD_DRAINED, 0);
    assert_int_equal(h_listed(), 0);
}

static void test_an_offer_comes_back_when_no_bet_came_of_it(void **state)
{
    (void)state;
    h_start(60000);
    h_hold(0, 0, 5000);
    h_await_listed(1);
    assert_true(h_say(0, HOLD_OFFER, 3000));
    h_expect(0, HOLD_OFFER, 3000);
    h_hold(1, 1, 3000);
    h_expect(1, HOLD_ACCEPT, 0);
    holds_return_offer(h.holds[1], h.held[1].offer);
    while (!holds_are_idle(h.holds[1]))
        h_turn();
    h_hold(0, 2, 2000);
    h_expect(2, HOLD_ACCEPT, 0);
    h_stop();
}

static void test_a_held_bet_that_nobody_decides_times_out(void **state)
{
    (void)state;
    h_start(3000);
    h_hold(0, 0, 5000);
    h_await_listed(1);
    h_expect(0, HOLD_TIMEOUT, 0);
    assert_false(h_say(0, HOLD_ACCEPT, 0));
    h_stop();
}

#define HOLD_SUITE                                               \
    SUITE_TEST(test_any_process_decides_on_a_held_bet),          \
    SUITE_TEST(test_an_offer_is_good_for_one_bet_on_any_process), \
    SUITE_TEST(test_an_offer_comes_back_when_no_bet_came_of_it), \
    SUITE_TEST(test_a_held_bet_that_nobody_decides_times_out)

#endif
