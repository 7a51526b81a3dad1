/* Bodies of money requests: strict, and every error names its field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bets/slip_json.h"

#define LEG "{\"event\":\"e1\",\"market\":\"18\",\"specifiers\":\"total=2.5\"," \
            "\"outcome\":\"12\",\"odds\":\"1.95\"}"
#define LEG2 "{\"event\":\"e2\",\"market\":\"1\",\"outcome\":\"1\",\"odds\":\"3\"," \
             "\"banker\":true}"
#define LEG3 "{\"event\":\"e3\",\"market\":\"1\",\"outcome\":\"1\",\"odds\":\"2.5\"}"
#define SINGLE(stake, legs) "{\"stake\":" stake ",\"type\":\"single\",\"legs\":[" legs "]}"

static struct arena arena;

static bool read_slip(const char *body, struct slip *slip, int64_t *stake, struct str *error)
{
    return slip_read(str_of(body), currency_find(STR("EUR")), &arena, slip, stake, error);
}

static void a_slip_is_read_whole(void **state)
{
    struct slip slip;
    struct str error = STR_NONE;
    int64_t stake;

    (void)state;
    assert_true(read_slip("{\"stake\":\"10.00\",\"type\":\"system\",\"system\":[2,1],"
                          "\"accept\":\"higher\",\"legs\":[" LEG "," LEG2 "," LEG3 "]}",
                          &slip, &stake, &error));
    assert_int_equal(stake, 1000);
    assert_int_equal(slip.type, BET_SYSTEM);
    assert_int_equal(slip.accept, ACCEPT_HIGHER);
    assert_int_equal(slip.n_sizes, 2);
    assert_int_equal(slip.sizes[0], 1); /* ascending */
    assert_int_equal(slip.sizes[1], 2);
    assert_int_equal(slip.n_legs, 3);
    assert_true(str_eq(slip.legs[0].market.event, STR("e1")));
    assert_int_equal(slip.legs[0].market.market, 18);
    assert_true(str_eq(slip.legs[0].market.specifiers, STR("total=2.5")));
    assert_true(str_eq(slip.legs[0].outcome, STR("12")));
    assert_int_equal(slip.legs[0].odds_e4, 19500);
    assert_false(slip.legs[0].banker);
    assert_true(slip.legs[1].banker);
    assert_int_equal(slip.legs[1].market.specifiers.n, 0);
    assert_int_equal(slip.legs[1].result.state, LEG_OPEN);
}

static void rule_22_specifiers_become_canonical(void **state)
{
    struct slip slip;
    struct str error = STR_NONE;
    int64_t stake;

    (void)state;
    assert_true(read_slip(SINGLE("\"1\"",
                                 "{\"event\":\"e\",\"market\":\"1\",\"outcome\":\"1\","
                                 "\"odds\":\"2\",\"specifiers\":\"setnr=1|gamenr=2\"}"),
                          &slip, &stake, &error));
    assert_true(str_eq(slip.legs[0].market.specifiers, STR("gamenr=2|setnr=1")));
}

static void an_amount_beyond_all_is_left_to_the_ladder(void **state)
{
    struct slip slip;
    struct str error = STR_NONE;
    int64_t stake;

    (void)state;
    assert_true(read_slip(SINGLE("\"99999999999999999999.00\"", LEG), &slip, &stake, &error));
    assert_int_equal(stake, LIMIT_MINOR);
}

static void errors_name_the_field(void **state)
{
    static const struct {
        const char *body, *named;
    } rows[] = {
        { "", "body" },
        { "[]", "body" },
        { "{\"stake\":\"1\"", "line" },
        { SINGLE("\"1\"", LEG) "x", "line" },
        { "{\"type\":\"single\",\"legs\":[" LEG "]}", "stake" },
        { SINGLE("1", LEG), "stake" },
        { SINGLE("\"-1\"", LEG), "stake" },
        { SINGLE("\"1.001\"", LEG), "stake" },
        { "{\"stake\":\"1\",\"type\":\"double\",\"legs\":[" LEG "]}", "type" },
        { "{\"stake\":\"1\",\"type\":\"single\",\"legs\":[" LEG "],\"tip\":\"x\"}", "tip" },
        { "{\"stake\":\"1\",\"type\":\"single\",\"accept\":\"all\",\"legs\":[" LEG "]}",
          "accept" },
        { "{\"stake\":\"1\",\"type\":\"single\",\"system\":[1],\"legs\":[" LEG "]}", "system" },
        { "{\"stake\":\"1\",\"type\":\"system\",\"legs\":[" LEG "," LEG3 "]}", "system" },
        { "{\"stake\":\"1\",\"type\":\"system\",\"system\":[0],\"legs\":[" LEG "," LEG3 "]}",
          "system" },
        { "{\"stake\":\"1\",\"type\":\"system\",\"system\":[1,1],\"legs\":[" LEG "," LEG3 "]}",
          "system" },
        { "{\"stake\":\"1\",\"type\":\"system\",\"system\":[\"1\"],\"legs\":[" LEG "]}",
          "system" },
        { SINGLE("\"1\"", ""), "legs" },
        { SINGLE("\"1\"", LEG "," LEG3), "legs" },
        { SINGLE("\"1\"", "7"), "legs[0]" },
        { SINGLE("\"1\"", LEG2), "banker" },
        { "{\"stake\":\"1\",\"type\":\"multiple\",\"legs\":[" LEG "]}", "legs" },
        { "{\"stake\":\"1\",\"type\":\"multiple\",\"legs\":[" LEG ",{\"event\":\"e\"}]}",
          "legs[1]." },
        { SINGLE("\"1\"", "{\"event\":\"a\\u0007\",\"market\":\"1\","
                 "\"outcome\":\"1\",\"odds\":\"2\"}"),
          "legs[0].event" },
        { SINGLE("\"1\"", "{\"event\":\"\",\"market\":\"1\",\"outcome\":\"1\",\"odds\":\"2\"}"),
          "legs[0].event" },
        { SINGLE("\"1\"", "{\"event\":\"e\",\"market\":\"x\",\"outcome\":\"1\",\"odds\":\"2\"}"),
          "legs[0].market" },
        { SINGLE("\"1\"",
                 "{\"event\":\"e\",\"market\":\"99999999999\",\"outcome\":\"1\","
                 "\"odds\":\"2\"}"),
          "legs[0].market" },
        { SINGLE("\"1\"", "{\"event\":\"e\",\"market\":1,\"outcome\":\"1\",\"odds\":\"2\"}"),
          "legs[0].market" },
        { SINGLE("\"1\"", "{\"event\":\"e\",\"market\":\"1\",\"outcome\":\"1\","
                          "\"odds\":\"0.99\"}"),
          "legs[0].odds" },
        { SINGLE("\"1\"", "{\"event\":\"e\",\"market\":\"1\",\"outcome\":\"1\","
                          "\"odds\":\"2.00001\"}"),
          "legs[0].odds" },
        { SINGLE("\"1\"", "{\"event\":\"e\",\"market\":\"1\",\"outcome\":\"1\","
                          "\"odds\":\"2\",\"specifiers\":\"total\"}"),
          "legs[0].specifiers" },
        { SINGLE("\"1\"", "{\"event\":\"e\",\"market\":\"1\",\"outcome\":\"1\","
                          "\"odds\":\"2\",\"price\":\"2\"}"),
          "legs[0].price" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct slip slip;
        struct str error = STR_NONE;
        int64_t stake;

        if (read_slip(rows[i].body, &slip, &stake, &error))
            fail_msg("accepted: %s", rows[i].body);
        if (memmem(error.p, error.n, rows[i].named, strlen(rows[i].named)) == NULL)
            fail_msg("%s: \"" STR_FMT "\" does not name %s", rows[i].body, STR_ARG(error),
                     rows[i].named);
    }
}

static void amounts_are_above_nothing(void **state)
{
    static const struct {
        const char *currency, *body;
        int64_t minor; /* 0: refused */
    } rows[] = {
        { "EUR", "{\"amount\":\"25.50\"}", 2550 },
        { "JPY", "{\"amount\":\"500\"}", 500 },
        { "KWD", "{\"amount\":\"1.005\"}", 1005 },
        { "JPY", "{\"amount\":\"500.5\"}", 0 },
        { "EUR", "{\"amount\":\"0\"}", 0 },
        { "EUR", "{\"amount\":\"0.00\"}", 0 },
        { "EUR", "{\"amount\":\"-5\"}", 0 },
        { "EUR", "{\"amount\":\"99999999999999999999\"}", 0 },
        { "EUR", "{\"amount\":5}", 0 },
        { "EUR", "{\"amount\":\"5\",\"currency\":\"USD\"}", 0 },
        { "EUR", "{}", 0 },
        { "EUR", "", 0 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct str error = STR_NONE;
        int64_t minor = 0;
        bool well = amount_read(str_of(rows[i].body), currency_find(str_of(rows[i].currency)),
                                &arena, &minor, &error);

        assert_int_equal(well, rows[i].minor > 0);
        if (well)
            assert_int_equal(minor, rows[i].minor);
        else
            assert_true(error.n > 0);
    }
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 1024 * 1024);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slip_is_read_whole),
        cmocka_unit_test(rule_22_specifiers_become_canonical),
        cmocka_unit_test(an_amount_beyond_all_is_left_to_the_ladder),
        cmocka_unit_test(errors_name_the_field),
        cmocka_unit_test(amounts_are_above_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
