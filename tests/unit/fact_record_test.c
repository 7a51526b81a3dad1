/*
 * topic/fact_record: what is written is read as the same fact; what is not
 * whole is refused with the member's name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "topic/fact_record.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static struct fact settlement(void)
{
    static struct fact_outcome outcomes[] = {
        { .id = { "1", 1 }, .result = 1, .dead_heat_e12 = 500000000000 },
        { .id = { "x\"y", 3 }, .result = 0, .void_e12 = 250000000000,
          .dead_heat_e12 = 1000000000000 },
    };

    return (struct fact){
        .kind = FACT_SETTLEMENT, .rank = FACT_RANK_DESK, .position = 77, .producer = -3,
        .id = { STR("sr:match:1"), 4000000000, STR("a=1|b=\\2") }, .timestamp_ms = 5,
        .certainty = 2, .start_ms = 0, .end_ms = INT64_MAX, .stopped_ms = 4,
        .outcomes = outcomes, .n_outcomes = 2,
    };
}

static void assert_read_back(const struct fact *fact)
{
    struct fact back;
    struct str error;
    struct buf text;

    buf_init(&text, 1 << 16);
    fact_record_write(fact, &arena, &text);
    assert_true(fact_record_read(buf_view(&text), &arena, &back, &error));
    buf_fini(&text); /* nothing is borrowed from it */
    assert_int_equal(back.kind, fact->kind);
    assert_int_equal(back.rank, fact->rank);
    assert_int_equal(back.position, fact->position);
    assert_int_equal(back.key, market_key(fact->id));
    assert_true(market_id_equal(back.id, fact->id));
    assert_int_equal(back.producer, fact->producer);
    assert_int_equal(back.timestamp_ms, fact->timestamp_ms);
    assert_int_equal(back.certainty, fact->certainty);
    assert_int_equal(back.start_ms, fact->start_ms);
    assert_int_equal(back.end_ms, fact->end_ms);
    assert_int_equal(back.stopped_ms, fact->stopped_ms);
    assert_int_equal(back.n_outcomes, fact->n_outcomes);
    for (uint32_t i = 0; i < fact->n_outcomes; i++) {
        assert_true(str_eq(back.outcomes[i].id, fact->outcomes[i].id));
        assert_int_equal(back.outcomes[i].result, fact->outcomes[i].result);
        assert_int_equal(back.outcomes[i].void_e12, fact->outcomes[i].void_e12);
        assert_int_equal(back.outcomes[i].dead_heat_e12, fact->outcomes[i].dead_heat_e12);
    }
}

static void test_what_is_written_is_read(void **state)
{
    struct fact fact = settlement();

    (void)state;
    assert_read_back(&fact);
    fact.kind = FACT_CANCEL;
    fact.n_outcomes = 0;
    fact.start_ms = 10;
    fact.end_ms = 20;
    assert_read_back(&fact);
    fact.kind = FACT_ROLLBACK_CANCEL;
    fact.rank = FACT_RANK_FEED;
    assert_read_back(&fact);
    fact.kind = FACT_ROLLBACK_SETTLEMENT;
    assert_read_back(&fact);
}

static void test_what_is_not_whole_is_named(void **state)
{
    static const struct { const char *value, *names; } bad[] = {
        { "", "the object" }, { "[1]", "the object" }, { "{}", "\"v\"" },
        { "{\"v\":2}", "\"v\"" }, { "{\"v\":1}", "\"position\"" },
        { "{\"v\":1,\"position\":5,\"kind\":\"guess\"}", "\"kind\"" },
        { "{\"v\":1,\"position\":5,\"kind\":\"cancel\",\"rank\":\"feed\",\"event\":\"e\","
          "\"market\":-1}", "\"market\"" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct fact fact;
        struct str error;

        assert_false(fact_record_read(str_of(bad[i].value), &arena, &fact, &error));
        assert_non_null(memmem(error.p, error.n, bad[i].names, strlen(bad[i].names)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_written_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_whole_is_named, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
