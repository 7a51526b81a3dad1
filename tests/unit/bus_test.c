/*
 * bus/bus: who subscribed is called, in order, whichever back end the bus has;
 * what comes back by the topics is delivered once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus/bus.h"

static struct {
    int calls[8]; /* who was called, in order */
    unsigned n;
    uint64_t slots;
    const struct fact *stored;
    unsigned looked, left, closed, freed;
    bool has_book;
} seen;

static void called(int who)
{
    assert_true(seen.n < 8);
    seen.calls[seen.n++] = who;
}

static void on_money(void *ctx, const struct bus_money *message)
{
    assert_int_equal(message->account, 1001);
    called(*(int *)ctx);
}

static void on_results(void *ctx, const struct bus_results *message)
{
    assert_int_equal(message->n, 1);
    called(*(int *)ctx);
}

static void on_slots(void *ctx, uint64_t slots)
{
    called(*(int *)ctx);
    seen.slots = slots;
}

/* ---- a back end ------------------------------------------------------------- */

static void stored(void *ctx, const struct fact *facts, uint32_t n)
{
    assert_ptr_equal(ctx, &seen);
    assert_int_equal(n, 1);
    seen.stored = facts;
}

static void check_silence(void *ctx)
{
    assert_ptr_equal(ctx, &seen);
    seen.looked++;
}

static bool has_book(const void *ctx)
{
    assert_ptr_equal(ctx, &seen);
    return seen.has_book;
}

static bool leave(void *ctx, void (*on_done)(void *ctx), void *done_ctx)
{
    assert_ptr_equal(ctx, &seen);
    seen.left++;
    on_done(done_ctx);
    return true;
}

static bool close_it(void *ctx, void (*on_done)(void *ctx), void *done_ctx)
{
    assert_ptr_equal(ctx, &seen);
    seen.closed++;
    on_done(done_ctx);
    return true;
}

static void free_it(void *ctx)
{
    assert_ptr_equal(ctx, &seen);
    seen.freed++;
}

static const struct bus_backend topics = {
    .money_returns = true, .results_stored = stored, .check_silence = check_silence,
    .has_book = has_book, .leave = leave, .close = close_it, .free = free_it,
};

static int first = 1, second = 2;
static const struct bus_money money = { .account = 1001 };

static struct bus *subscribed(struct bus *bus)
{
    memset(&seen, 0, sizeof(seen));
    bus_subscribe(bus, &(struct bus_subscriber){ .on_money = on_money, .on_slots = on_slots,
                                                 .ctx = &first });
    bus_subscribe(bus, &(struct bus_subscriber){ .on_results = on_results, .ctx = &first });
    bus_subscribe(bus, &(struct bus_subscriber){ .on_money = on_money,
                                                 .on_results = on_results, .ctx = &second });
    return bus;
}

static void on_done(void *ctx)
{
    ++*(unsigned *)ctx;
}

/* ---- money ------------------------------------------------------------------ */

static const struct bus_account account = { .account = 1001, .seq = 7, .at_ms = 5,
                                            .currency = STR("EUR"), .balance_minor = 300,
                                            .staked_minor = 200 };

static void money_says_how_the_account_was_left(void **state)
{
    struct bet_view bet = { .id = 9 };
    struct bus_money made;

    (void)state;
    assert_true(bus_money_make(EVENT_BET_ACCEPTED, &account, 200, &bet, &made));
    assert_true(made.event == EVENT_BET_ACCEPTED && made.account == 1001 && made.seq == 7);
    assert_true(made.at_ms == 5 && str_eq(made.currency, STR("EUR")));
    assert_true(made.balance_minor == 300 && made.debt_minor == 0 && made.staked_minor == 200);
    assert_true(made.amount_minor == 200 && made.bet == &bet);
    assert_true(bus_money_make(EVENT_DEPOSITED, &account, 200, NULL, &made));
    assert_true(made.event == EVENT_DEPOSITED && made.bet == NULL);
    assert_true(bus_money_make(0, &account, 0, &bet, &made)); /* results alone */
}

static void what_no_transaction_leaves_is_no_money(void **state)
{
    struct bet_view bet = { .id = 9 }, none = { .id = 0 };
    struct bus_account bad[6];
    struct bus_money made;

    (void)state;
    for (unsigned i = 0; i < 6; i++)
        bad[i] = account;
    bad[0].account = 999;
    bad[1].seq = 0;
    bad[2].balance_minor = -1;
    bad[3].debt_minor = 1; /* and a balance */
    bad[4].staked_minor = -1;
    bad[5].currency = STR("");
    for (unsigned i = 0; i < 6; i++)
        assert_false(bus_money_make(EVENT_BET_ACCEPTED, &bad[i], 1, &bet, &made));
    assert_false(bus_money_make(EVENT_BET_ACCEPTED, &account, 1, NULL, &made));
    assert_false(bus_money_make(EVENT_BET_ACCEPTED, &account, 1, &none, &made));
    assert_false(bus_money_make(EVENT_DEPOSITED, &account, 1, &bet, &made));
    assert_false(bus_money_make(99, &account, 1, &bet, &made));
    assert_false(bus_money_make(0, &account, 1, NULL, &made));
}

/* ---- tests ------------------------------------------------------------------ */

static void a_local_publish_calls_every_subscriber_in_order(void **state)
{
    struct bus *bus = subscribed(bus_local_new());
    struct fact fact = { 0 };
    unsigned done = 0;

    (void)state;
    assert_true(bus_wants_money(bus));
    bus_publish_money(bus, &money);
    bus_publish_results(bus, &(struct bus_results){ .facts = &fact, .n = 1 });
    assert_int_equal(seen.n, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(seen.calls[i], i % 2 == 0 ? 1 : 2);
    bus_results_stored(bus, &fact, 1);
    bus_check_silence(bus);
    bus_metrics(bus);
    assert_true(bus_has_book(bus));
    assert_false(bus_leave(bus, on_done, &done));
    assert_false(bus_close(bus, on_done, &done));
    assert_int_equal(done, 0);
    assert_null(bus_backend_of(bus, &topics));
    bus_free(bus);
}

static void nobody_wants_money_without_a_subscriber(void **state)
{
    struct bus *bus = bus_local_new();

    (void)state;
    bus_subscribe(bus, &(struct bus_subscriber){ .on_results = on_results, .ctx = &first });
    assert_false(bus_wants_money(bus));
    bus_free(bus);
}

static void money_that_returns_by_the_topics_is_delivered_once(void **state)
{
    struct bus *bus = subscribed(bus_new(&topics, &seen));

    (void)state;
    assert_false(bus_wants_money(bus));
    bus_publish_money(bus, &money); /* committed here */
    assert_int_equal(seen.n, 0);
    bus_deliver_money(bus, &money); /* read from the topic */
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.calls[0], 1);
    assert_int_equal(seen.calls[1], 2);
    bus_free(bus);
    assert_int_equal(seen.freed, 1);
}

static void the_back_end_is_asked(void **state)
{
    struct bus *bus = subscribed(bus_new(&topics, &seen));
    struct fact fact = { 0 };
    unsigned done = 0;

    (void)state;
    assert_ptr_equal(bus_backend_of(bus, &topics), &seen);
    bus_deliver_slots(bus, 5);
    assert_true(seen.slots == 5 && seen.n == 1);
    bus_results_stored(bus, &fact, 1);
    assert_ptr_equal(seen.stored, &fact);
    bus_check_silence(bus);
    assert_int_equal(seen.looked, 1);
    assert_false(bus_has_book(bus));
    seen.has_book = true;
    assert_true(bus_has_book(bus));
    assert_true(bus_leave(bus, on_done, &done));
    assert_true(bus_close(bus, on_done, &done));
    assert_int_equal(done, 2);
    assert_true(seen.left == 1 && seen.closed == 1 && seen.freed == 0);
    bus_free(bus);
    assert_int_equal(seen.freed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(money_says_how_the_account_was_left),
        cmocka_unit_test(what_no_transaction_leaves_is_no_money),
        cmocka_unit_test(a_local_publish_calls_every_subscriber_in_order),
        cmocka_unit_test(nobody_wants_money_without_a_subscriber),
        cmocka_unit_test(money_that_returns_by_the_topics_is_delivered_once),
        cmocka_unit_test(the_back_end_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
