/* topic/event_record: events of money as records, and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "topic/event_record.h"

#define BYTES (1 << 20)

static struct {
    struct arena arena;
    struct buf text;
    struct slip slip, back;
} t;

static int set_up(void **state)
{
    (void)state;
    arena_init(&t.arena, BYTES);
    buf_init(&t.text, BYTES);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&t.arena);
    buf_fini(&t.text);
    return 0;
}

static void make_slip(struct slip *slip)
{
    *slip = (struct slip){ .type = BET_SYSTEM, .sizes = { 1, 2 }, .n_sizes = 2, .n_legs = 3 };
    for (uint32_t i = 0; i < 3; i++)
        slip->legs[i] = (struct leg){
            .market = { i == 0 ? STR("sr:match:1") : STR("sr:match:\"2\""), 18, STR("total=2.5") },
            .outcome = STR("12"), .odds_e4 = 19500 + i, .banker = i == 0,
            .result = LEG_RESULT_OPEN,
        };
    slip->legs[1].result = leg_result_make(1, 0, FACTOR_ONE_E12);
}

static struct event_record settled(int64_t amount_minor)
{
    make_slip(&t.slip);
    return (struct event_record){
        .event = EVENT_BET_SETTLED, .account = 1000, .seq = 17, .at_ms = 1790000000000,
        .xid = 4711, .currency = STR("EUR"), .balance_minor = 12345, .debt_minor = 0,
        .staked_minor = 600, .amount_minor = amount_minor, .has_bet = true, .past_posted = true,
        .bet = { .id = 360428286771204097, .placed_ms = 1789999999999, .stake_minor = 1000,
                 .potential_minor = 2500, .cashed_stake_minor = 400, .cashed_paid_minor = 390,
                 .state = BET_SETTLED, .payout_minor = 1500, .settled_ms = 1790000000000,
                 .sport = STR("sr:sport:1"), .slip = &t.slip },
    };
}

static void expect_head(const struct event_record *a, const struct event_record *b)
{
    assert_int_equal(a->event, b->event);
    assert_int_equal(a->account, b->account);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->at_ms, b->at_ms);
    assert_int_equal(a->xid, b->xid);
    assert_true(str_eq(a->currency, b->currency));
    assert_int_equal(a->balance_minor, b->balance_minor);
    assert_int_equal(a->debt_minor, b->debt_minor);
    assert_int_equal(a->staked_minor, b->staked_minor);
    assert_int_equal(a->amount_minor, b->amount_minor);
    assert_int_equal(a->bet.id, b->bet.id);
    assert_true(str_eq(a->bet.sport, b->bet.sport));
}

static void expect_view(const struct bet_view *a, const struct bet_view *b)
{
    assert_int_equal(a->placed_ms, b->placed_ms);
    assert_int_equal(a->settled_ms, b->settled_ms);
    assert_int_equal(a->stake_minor, b->stake_minor);
    assert_int_equal(a->potential_minor, b->potential_minor);
    assert_int_equal(a->cashed_stake_minor, b->cashed_stake_minor);
    assert_int_equal(a->cashed_paid_minor, b->cashed_paid_minor);
    assert_int_equal(a->payout_minor, b->payout_minor);
    assert_int_equal(a->state, b->state);
}

/* Legs with their results: one stored form stands for both. */
static void expect_slip(const struct slip *a, const struct slip *b)
{
    struct buf texts[2];
    const struct slip *slips[] = { a, b };

    for (int i = 0; i < 2; i++) {
        buf_init(&texts[i], BYTES);
        slip_encode(slips[i], &texts[i]);
        results_encode(slips[i], &texts[i]);
    }
    assert_true(str_eq(buf_view(&texts[0]), buf_view(&texts[1])));
    buf_fini(&texts[0]);
    buf_fini(&texts[1]);
}

static void test_a_bet_comes_back(void **state)
{
    struct event_record record = settled(1500), back;

    (void)state;
    event_record_write_bet(&record, &t.text);
    assert_true(event_record_read(buf_view(&t.text), &t.arena, &t.back, &back));
    expect_head(&record, &back);
    assert_true(back.has_bet && back.past_posted);
    expect_view(&record.bet, &back.bet);
    expect_slip(&t.slip, back.bet.slip);
    assert_true(str_eq(str_of(back.bet.currency->code), STR("EUR")));
    assert_int_equal(back.bet.country.n, 0);
}

/* Where it is known; a record without it is as one of before. */
static void test_a_bet_says_where_it_was_placed(void **state)
{
    struct event_record record = settled(1500), back;

    (void)state;
    event_record_write_bet(&record, &t.text);
    assert_null(memmem(t.text.p, t.text.n, "country", 7));
    buf_reset(&t.text);
    record.bet.country = STR("MT");
    event_record_write_bet(&record, &t.text);
    assert_true(event_record_read(buf_view(&t.text), &t.arena, &t.back, &back));
    expect_view(&record.bet, &back.bet);
    assert_true(str_eq(back.bet.country, STR("MT")));
}

/* They are for who reads from outside: reading passes over them. */
static void test_a_bet_is_told_with_its_arms(void **state)
{
    static const char arms[] = ",\"experiments\":[\"slip\",\"board\"],"
                               "\"arms\":[\"quick\",\"wide\"]}";
    struct event_record record = settled(1500), back;
    struct experiments experiments;
    struct str error;

    (void)state;
    assert_true(experiments_read(&experiments, STR("slip=quick:1000000/rare:1,"
                                                   "board=wide:1000000/rare:1"),
                                 &t.arena, &error));
    record.experiments = &experiments;
    event_record_write_bet(&record, &t.text);
    assert_true(t.text.n > sizeof(arms));
    assert_memory_equal(t.text.p + t.text.n - (sizeof(arms) - 1), arms, sizeof(arms) - 1);
    assert_true(event_record_read(buf_view(&t.text), &t.arena, &t.back, &back));
    expect_head(&record, &back);
}

static void test_a_transfer_comes_back(void **state)
{
    static const int64_t amounts[] = { 1500, -700 };

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct event_record record = settled(amounts[i]), back;

        buf_reset(&t.text);
        event_record_write_transfer(&record, &t.text);
        assert_true(event_record_read(buf_view(&t.text), &t.arena, &t.back, &back));
        expect_head(&record, &back);
        assert_false(back.has_bet);
    }
}

/* Events from bytes that are in a topic already. */
static void test_the_format_is_what_it_was(void **state)
{
    struct event_record record = { .event = EVENT_DEPOSITED, .account = 1000, .seq = 1,
                                   .at_ms = 1790000000000, .xid = 7, .currency = STR("EUR"),
                                   .balance_minor = 500, .amount_minor = 500 };

    (void)state;
    event_record_write_transfer(&record, &t.text);
    assert_true(str_eq(buf_view(&t.text), STR(
        "{\"v\":1,\"xid\":7,\"event\":\"wallet.deposited\",\"id\":\"1000-1\",\"account\":1000,"
        "\"seq\":1,\"at_ms\":1790000000000,\"currency\":\"EUR\",\"amount\":500,\"balance\":500,"
        "\"debt\":0,\"staked\":0,\"kind\":\"deposit\",\"debit\":1,\"credit\":1000,"
        "\"bet\":\"0\",\"sport\":\"\"}")));
}

static void test_what_moves_nothing_is_no_transfer(void **state)
{
    static const struct {
        int event;
        int64_t amount;
        enum transfer_kind kind; /* 0 = none */
    } rows[] = {
        { EVENT_BET_ACCEPTED, 100, TRANSFER_STAKE },
        { EVENT_BET_SETTLED, 100, TRANSFER_PAYOUT },
        { EVENT_BET_SETTLED, 0, 0 },
        { EVENT_BET_REOPENED, -100, TRANSFER_REVERSAL },
        { EVENT_BET_RESETTLED, -1, TRANSFER_REVERSAL },
        { EVENT_DEPOSITED, 5, TRANSFER_DEPOSIT },
        { EVENT_WITHDRAWN, 5, TRANSFER_WITHDRAWAL },
        { EVENT_BET_CASHED_OUT, 5, TRANSFER_CASHOUT },
        { EVENT_BET_PARTLY_CASHED_OUT, 5, TRANSFER_CASHOUT },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct event_record record = { .event = rows[i].event, .amount_minor = rows[i].amount };
        enum transfer_kind kind;

        assert_int_equal(event_transfer(&record, &kind), rows[i].kind != 0);
        if (rows[i].kind != 0)
            assert_int_equal(kind, rows[i].kind);
    }
}

static void test_the_head_is_read_alone(void **state)
{
    struct event_record record = settled(0);
    int64_t xid;
    int event;

    (void)state;
    event_record_write_bet(&record, &t.text);
    assert_true(event_record_peek(buf_view(&t.text), &xid, &event));
    assert_int_equal(xid, 4711);
    assert_int_equal(event, EVENT_BET_SETTLED);
    assert_false(event_record_peek(STR("{\"v\":2,\"xid\":1,\"event\":\"bet.settled\""), &xid,
                                   &event));
    assert_false(event_record_peek(STR("{\"v\":1,\"xid\":1,\"event\":\"bet.sett"), &xid,
                                   &event));
    assert_false(event_record_peek(STR(""), &xid, &event));
}

/* Each required field missing, and another version; but one more is nothing. */
static void test_what_is_not_one_is_refused(void **state)
{
    static const char *const broken[] = {
        "", "{}", "[]", "{\"v\":1}", "nonsense",
        "{\"v\":2,\"xid\":7,\"event\":\"wallet.deposited\"}",
    };
    static const char more[] =
        "{\"v\":1,\"xid\":7,\"event\":\"wallet.deposited\",\"id\":\"1000-1\",\"account\":1000,"
        "\"seq\":1,\"at_ms\":1,\"currency\":\"EUR\",\"amount\":500,\"balance\":500,\"debt\":0,"
        "\"staked\":0,\"kind\":\"deposit\",\"bet\":\"0\",\"sport\":\"\",\"arm\":\"b\"}";
    struct event_record back;

    (void)state;
    for (size_t i = 0; i < LENGTH(broken); i++)
        assert_false(event_record_read(str_of(broken[i]), &t.arena, &t.back, &back));
    assert_true(event_record_read(str_of(more), &t.arena, &t.back, &back));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_bet_comes_back),
        TEST(test_a_bet_says_where_it_was_placed),
        TEST(test_a_bet_is_told_with_its_arms),
        TEST(test_a_transfer_comes_back),
        TEST(test_the_format_is_what_it_was),
        TEST(test_what_moves_nothing_is_no_transfer),
        TEST(test_the_head_is_read_alone),
        TEST(test_what_is_not_one_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
