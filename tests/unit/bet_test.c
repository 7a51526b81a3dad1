/* model/bet: ids, what a slip may be, and its stored forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/bet.h"

static void ids_carry_their_time(void **state)
{
    int64_t noon = 1795435200123, first, last;

    (void)state;
    first = bet_id_make(noon, 0, 0);
    last = bet_id_make(noon, 1023, 4095);
    assert_int_equal(bet_id_floor(noon), first);
    assert_true(last < bet_id_floor(noon + 1));
    assert_int_equal(bet_id_floor(noon + 1), last + 1);
    assert_int_not_equal(bet_id_make(noon, 1, 0), bet_id_make(noon, 0, 1));
    assert_int_equal(bet_id_floor(0), 0); /* before the epoch */
    assert_true(bet_id_floor(INT64_MAX) > last);
}

static void names_are_the_contracts(void **state)
{
    (void)state;
    assert_string_equal(bet_type_name(BET_SINGLE), "single");
    assert_string_equal(bet_type_name(BET_MULTIPLE), "multiple");
    assert_string_equal(bet_type_name(BET_SYSTEM), "system");
    assert_string_equal(bet_state_name(BET_ACCEPTED), "accepted");
    assert_string_equal(bet_state_name(BET_SETTLED), "settled");
    assert_string_equal(bet_state_name(BET_CASHED_OUT), "cashed_out");
}

/* Legs of different events at 2.00; the first `bankers` of them bankers. */
static void slip_make(struct slip *slip, enum bet_type type, uint32_t legs, uint32_t bankers)
{
    static const char events[] = "abcdefghijklmnopqrstuvwxyz";

    *slip = (struct slip){ .type = type, .accept = ACCEPT_HIGHER, .n_legs = legs };
    for (uint32_t i = 0; i < legs && i < LIMIT_LEGS; i++)
        slip->legs[i] = (struct leg){
            .market = { { events + i, 1 }, 1, STR("") },
            .outcome = STR("2"),
            .odds_e4 = 20000,
            .banker = i < bankers,
            .result = LEG_RESULT_OPEN,
        };
}

static void rule_08_sizes_count_the_legs_that_are_not_bankers(void **state)
{
    static const struct {
        enum bet_type type;
        uint32_t legs, bankers, n_sizes, sizes[3];
        enum slip_fault fault;
    } rows[] = {
        { BET_SINGLE, 1, 0, 0, { 0 }, SLIP_OK },
        { BET_SINGLE, 0, 0, 0, { 0 }, SLIP_NO_LEGS },
        { BET_SINGLE, 2, 0, 0, { 0 }, SLIP_SINGLE_LEGS },
        { BET_SINGLE, 1, 1, 0, { 0 }, SLIP_BANKER },
        { BET_SINGLE, 1, 0, 1, { 1 }, SLIP_SYSTEM_SIZES },
        { BET_MULTIPLE, 1, 0, 0, { 0 }, SLIP_MULTIPLE_LEGS },
        { BET_MULTIPLE, 2, 0, 0, { 0 }, SLIP_OK },
        { BET_MULTIPLE, 20, 0, 0, { 0 }, SLIP_OK },
        { BET_MULTIPLE, 21, 0, 0, { 0 }, SLIP_TOO_MANY_LEGS },
        { BET_MULTIPLE, 3, 1, 0, { 0 }, SLIP_BANKER },
        { BET_SYSTEM, 3, 0, 2, { 2, 3 }, SLIP_OK },
        { BET_SYSTEM, 1, 0, 1, { 1 }, SLIP_OK },
        { BET_SYSTEM, 3, 0, 0, { 0 }, SLIP_SYSTEM_SIZES },
        { BET_SYSTEM, 3, 0, 1, { 0 }, SLIP_SYSTEM_SIZES },
        { BET_SYSTEM, 3, 0, 1, { 4 }, SLIP_SYSTEM_SIZES },
        { BET_SYSTEM, 3, 0, 1, { UINT32_MAX }, SLIP_SYSTEM_SIZES },
        { BET_SYSTEM, 3, 0, 2, { 2, 2 }, SLIP_SYSTEM_SIZES },
        { BET_SYSTEM, 4, 1, 1, { 3 }, SLIP_OK },
        { BET_SYSTEM, 4, 1, 1, { 4 }, SLIP_SYSTEM_SIZES },
        { BET_SYSTEM, 4, 4, 1, { 1 }, SLIP_BANKER },
        { BET_SYSTEM, 20, 0, 1, { 20 }, SLIP_OK },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct slip slip;

        slip_make(&slip, rows[i].type, rows[i].legs, rows[i].bankers);
        slip.n_sizes = rows[i].n_sizes;
        for (uint32_t k = 0; k < rows[i].n_sizes; k++)
            slip.sizes[k] = rows[i].sizes[k];
        assert_int_equal(slip_check(&slip), rows[i].fault);
        assert_true(slip_fault_text(rows[i].fault)[0] != '\0');
    }
}

static void related_legs_are_of_one_event(void **state)
{
    struct slip slip;

    (void)state;
    slip_make(&slip, BET_MULTIPLE, 4, 0);
    assert_false(slip_has_related_legs(&slip));
    slip.legs[3].market.market = 18; /* another market of the same event */
    slip.legs[3].market.event = slip.legs[1].market.event;
    assert_true(slip_has_related_legs(&slip));
}

static struct str encode(const struct slip *slip, struct buf *out)
{
    buf_reset(out);
    slip_encode(slip, out);
    assert_false(out->overflow);
    return buf_view(out);
}

static void a_slip_is_one_readable_line(void **state)
{
    struct slip slip;
    struct buf out;

    (void)state;
    buf_init(&out, LIMIT_SLIP_BYTES);
    slip_make(&slip, BET_SYSTEM, 2, 1);
    slip.n_sizes = 1;
    slip.sizes[0] = 1;
    assert_true(str_eq(encode(&slip, &out), STR(
        "{\"type\":\"system\",\"sizes\":[1],\"accept\":\"higher\",\"legs\":["
        "{\"event\":\"a\",\"market\":1,\"specifiers\":\"\",\"outcome\":\"2\","
        "\"odds_e4\":20000,\"banker\":true},"
        "{\"event\":\"b\",\"market\":1,\"specifiers\":\"\",\"outcome\":\"2\","
        "\"odds_e4\":20000,\"banker\":false}]}")));
    slip_make(&slip, BET_SINGLE, 1, 0);
    slip.accept = ACCEPT_NONE;
    assert_true(str_eq(encode(&slip, &out), STR(
        "{\"type\":\"single\",\"accept\":\"none\",\"legs\":["
        "{\"event\":\"a\",\"market\":1,\"specifiers\":\"\",\"outcome\":\"2\","
        "\"odds_e4\":20000,\"banker\":false}]}")));
    buf_fini(&out);
}

static void a_slip_survives_its_text(void **state)
{
    struct slip slip, read;
    struct arena arena;
    struct buf out, again;

    (void)state;
    arena_init(&arena, 1 << 20);
    buf_init(&out, LIMIT_SLIP_BYTES);
    buf_init(&again, LIMIT_SLIP_BYTES);
    slip_make(&slip, BET_SYSTEM, 20, 3);
    slip.accept = ACCEPT_ANY;
    slip.n_sizes = 2;
    slip.sizes[0] = 2;
    slip.sizes[1] = 17;
    slip.legs[4].outcome = STR("pre:\"q\"\\\n\xc3\xa9");
    slip.legs[4].market = (struct market_id){ STR("sr:match:9"), UINT32_MAX, STR("a=1|b=2") };
    slip.legs[4].odds_e4 = ODDS_MAX_E4;
    assert_true(slip_decode(encode(&slip, &out), &arena, &read));
    assert_true(str_eq(encode(&read, &again), buf_view(&out)));
    assert_int_equal(read.type, BET_SYSTEM);
    assert_int_equal(read.accept, ACCEPT_ANY);
    assert_int_equal(read.n_legs, 20);
    assert_true(read.legs[2].banker && !read.legs[3].banker);
    assert_true(market_id_equal(read.legs[4].market, slip.legs[4].market));
    assert_true(str_eq(read.legs[4].outcome, slip.legs[4].outcome));
    assert_int_equal(read.legs[4].odds_e4, ODDS_MAX_E4);
    assert_int_equal(read.legs[4].result.state, LEG_OPEN);
    buf_fini(&again);
    buf_fini(&out);
    arena_fini(&arena);
}

#define LEG_TEXT(odds) \
    "{\"event\":\"a\",\"market\":1,\"specifiers\":\"\",\"outcome\":\"2\"," \
    "\"odds_e4\":" odds ",\"banker\":false}"
#define SLIP_TEXT(type, legs) "{\"type\":\"" type "\",\"accept\":\"any\",\"legs\":[" legs "]}"

static void broken_slips_are_refused(void **state)
{
    static const char *const texts[] = {
        "", "{}", "[]", "null", "{\"type\":\"single\"",
        SLIP_TEXT("single", ""),
        SLIP_TEXT("double", LEG_TEXT("20000")),
        SLIP_TEXT("multiple", LEG_TEXT("20000")),
        SLIP_TEXT("single", LEG_TEXT("9999")),
        SLIP_TEXT("single", LEG_TEXT("1000000000001")),
        SLIP_TEXT("single", LEG_TEXT("2.5")),
        SLIP_TEXT("single", LEG_TEXT("\"20000\"")),
        SLIP_TEXT("single", "7"),
        SLIP_TEXT("system", LEG_TEXT("20000")),
        "{\"type\":\"single\",\"accept\":\"all\",\"legs\":[" LEG_TEXT("20000") "]}",
        "{\"type\":\"system\",\"sizes\":[2],\"accept\":\"any\",\"legs\":[" LEG_TEXT("20000") "]}",
        "{\"type\":\"system\",\"sizes\":[\"1\"],\"accept\":\"any\",\"legs\":["
        LEG_TEXT("20000") "]}",
    };
    struct arena arena;
    struct slip slip;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < LENGTH(texts); i++)
        if (slip_decode(str_of(texts[i]), &arena, &slip))
            fail_msg("%s was taken", texts[i]);
    assert_true(slip_decode(STR(SLIP_TEXT("single", LEG_TEXT("20000"))), &arena, &slip));
    arena_fini(&arena);
}

static void results_survive_their_text(void **state)
{
    struct slip slip;
    struct buf out;

    (void)state;
    buf_init(&out, LIMIT_SLIP_BYTES);
    slip_make(&slip, BET_MULTIPLE, 3, 0);
    results_encode(&slip, &out);
    assert_int_equal(out.n, 0); /* all open, as when it was placed */
    slip.legs[0].result = leg_result_make(1, 0, FACTOR_ONE_E12);
    slip.legs[2].result = leg_result_make(0, FACTOR_ONE_E12 / 2, FACTOR_ONE_E12);
    results_encode(&slip, &out);
    assert_true(str_eq(buf_view(&out),
                       STR("[[1,0,1000000000000],null,[0,500000000000,1000000000000]]")));
    slip_make(&slip, BET_MULTIPLE, 3, 0);
    assert_true(results_decode(buf_view(&out), &slip));
    assert_int_equal(slip.legs[0].result.state, LEG_WON);
    assert_int_equal(slip.legs[1].result.state, LEG_OPEN);
    assert_int_equal(slip.legs[2].result.state, LEG_HALF_LOST);
    assert_true(results_decode(STR(""), &slip));
    assert_int_equal(slip.legs[0].result.state, LEG_OPEN);
    buf_fini(&out);
}

static void broken_results_are_refused(void **state)
{
    static const char *const texts[] = {
        "[]", "[null]", "[null,null,null]", "null,null", "[null,null", "[null,null]]",
        "[[1,0],null]", "[[2,0,1000000000000],null]", "[[1,0,1000000000001],null]",
        "[[-1,0,1000000000000],null]", "[[1,0,1.5],null]", "[[,,],null]", " ",
    };
    struct slip slip;

    (void)state;
    slip_make(&slip, BET_MULTIPLE, 2, 0);
    for (size_t i = 0; i < LENGTH(texts); i++)
        if (results_decode(str_of(texts[i]), &slip))
            fail_msg("%s was taken", texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_carry_their_time),
        cmocka_unit_test(names_are_the_contracts),
        cmocka_unit_test(rule_08_sizes_count_the_legs_that_are_not_bankers),
        cmocka_unit_test(related_legs_are_of_one_event),
        cmocka_unit_test(a_slip_is_one_readable_line),
        cmocka_unit_test(a_slip_survives_its_text),
        cmocka_unit_test(broken_slips_are_refused),
        cmocka_unit_test(results_survive_their_text),
        cmocka_unit_test(broken_results_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
