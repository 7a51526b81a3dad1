/* model/house: rates are read strictly, and rounding never helps a bet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/limits.h"
#include "model/house.h"

static struct arena arena;

static bool reads(const char *currency, const char *rates, struct house *house,
                  struct str *error)
{
    return house_read(house, str_of(currency), str_of(rates), &arena, error);
}

static const struct currency *currency(const char *code)
{
    return currency_find(str_of(code));
}

static void rates_are_read_strictly(void **state)
{
    static const struct {
        const char *house, *rates, *names; /* what the error names; NULL: it is well */
    } rows[] = {
        { "EUR", "", NULL },
        { "EUR", "USD=0.92,GBP=1.17,JPY=0.0061", NULL },
        { "EUR", "IDR=0.000056123", NULL },
        { "euros", "", "euros" },
        { "", "", "house-currency" },
        { "EUR", "USD", "USD" },
        { "EUR", "USD=", "USD" },
        { "EUR", "USD=0", "USD" },
        { "EUR", "USD=-1", "USD" },
        { "EUR", "USD= 1", "USD" },
        { "EUR", "USD=1e3", "USD" },
        { "EUR", "USD=0.0000000001", "USD" },
        { "EUR", "USD=1000000.1", "USD" },
        { "EUR", "usd=1", "usd" },
        { "EUR", "XYZ=1", "XYZ" },
        { "EUR", "USD=1,USD=2", "USD" },
        { "EUR", "EUR=1", "EUR" },
        { "EUR", "USD=1,", "comma" },
        { "EUR", ",USD=1", "\"\"" },
        { "EUR", "USD=1 ,GBP=2", "USD" },
    };
    struct house house;

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct str error;
        bool well = reads(rows[i].house, rows[i].rates, &house, &error);

        if (well != (rows[i].names == NULL))
            fail_msg("%s %s", rows[i].house, rows[i].rates);
        if (!well && memmem(error.p, error.n, rows[i].names, strlen(rows[i].names)) == NULL)
            fail_msg("%s: " STR_FMT, rows[i].rates, STR_ARG(error));
    }
}

static void amounts_are_converted_against_the_customer(void **state)
{
    static const struct {
        const char *currency;
        int64_t minor, costs;    /* in house minor units, up */
        int64_t limit, allows;   /* down */
    } rows[] = {
        { "EUR", 1234, 1234, 1234, 1234 },
        { "USD", 100, 92, 100, 108 },        /* 1.0869… */
        { "USD", 1, 1, 1, 1 },
        { "USD", 0, 0, 0, 0 },
        { "JPY", 1000, 610, 610, 1000 },
        { "JPY", 1, 1, 1, 1 },               /* 0.61 cent costs one */
        { "KWD", 1000, 303, 303, 1000 },
        { "KWD", 1, 1, 1, 3 },
        { "USD", LIMIT_MINOR, 920000000000000, LIMIT_MINOR, LIMIT_MINOR },
        { "KWD", 7, 3, LIMIT_MINOR, LIMIT_MINOR },
        { "CHF", 5, -1, 5, -1 },             /* no rate */
    };
    struct house house;
    struct str error;

    (void)state;
    assert_true(reads("EUR", "USD=0.92,JPY=0.0061,KWD=3.03", &house, &error));
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct currency *its = currency(rows[i].currency);

        assert_int_equal(house_from(&house, its, rows[i].minor), rows[i].costs);
        assert_int_equal(house_to(&house, its, rows[i].limit), rows[i].allows);
        assert_int_equal(house_knows(&house, its), rows[i].costs >= 0);
    }
}

static void what_a_limit_allows_never_costs_more(void **state)
{
    static const char *const codes[] = { "USD", "JPY", "KWD", "IDR", "EUR", "CLF" };
    struct house house;
    struct str error;

    (void)state;
    assert_true(reads("EUR", "USD=0.923456789,JPY=0.0061,KWD=3.03,IDR=0.000056,CLF=38.7", &house,
                      &error));
    for (size_t i = 0; i < LENGTH(codes); i++)
        for (int64_t limit = 0; limit < 2000; limit++) {
            const struct currency *its = currency(codes[i]);
            int64_t most = house_to(&house, its, limit);

            assert_true(house_from(&house, its, most) <= limit);
            assert_true(house_from(&house, its, most + 1) > limit); /* and no less */
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
        cmocka_unit_test(rates_are_read_strictly),
        cmocka_unit_test(amounts_are_converted_against_the_customer),
        cmocka_unit_test(what_a_limit_allows_never_costs_more),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
