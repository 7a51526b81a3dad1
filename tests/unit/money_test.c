/* model/money: currencies and decimals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/limits.h"
#include "model/money.h"

static void currencies_have_their_own_exponent(void **state)
{
    static const struct {
        const char *code;
        int exponent; /* -1 = unknown */
    } rows[] = {
        { "EUR", 2 }, { "USD", 2 }, { "GBP", 2 }, { "AED", 2 }, { "ZWG", 2 }, { "BRL", 2 },
        { "JPY", 0 }, { "KRW", 0 }, { "CLP", 0 }, { "ISK", 0 }, { "VND", 0 }, { "XAF", 0 },
        { "XOF", 0 }, { "XPF", 0 }, { "UGX", 0 }, { "PYG", 0 }, { "RWF", 0 }, { "BIF", 0 },
        { "DJF", 0 }, { "GNF", 0 }, { "KMF", 0 }, { "VUV", 0 }, { "UYI", 0 },
        { "BHD", 3 }, { "IQD", 3 }, { "JOD", 3 }, { "KWD", 3 }, { "LYD", 3 }, { "OMR", 3 },
        { "TND", 3 }, { "CLF", 4 }, { "UYW", 4 },
        { "XAU", -1 }, { "XTS", -1 }, { "XDR", -1 }, { "eur", -1 }, { "EU", -1 },
        { "EURO", -1 }, { "", -1 }, { "AAA", -1 }, { "ZZZ", -1 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct currency *currency = currency_find(str_of(rows[i].code));

        if (rows[i].exponent < 0) {
            assert_null(currency);
            continue;
        }
        assert_non_null(currency);
        assert_string_equal(currency->code, rows[i].code);
        assert_int_equal(currency->exponent, rows[i].exponent);
    }
}

static void decimals_are_read_exactly(void **state)
{
    static const struct {
        const char *text;
        int decimals;
        int64_t max;
        enum decimal_result result, floored;
        int64_t scaled, scaled_floored;
    } rows[] = {
        { "12.34", 2, 10000, DECIMAL_OK, DECIMAL_OK, 1234, 1234 },
        { "12", 2, 10000, DECIMAL_OK, DECIMAL_OK, 1200, 1200 },
        { "12.3", 2, 10000, DECIMAL_OK, DECIMAL_OK, 1230, 1230 },
        { "0", 2, 0, DECIMAL_OK, DECIMAL_OK, 0, 0 },
        { "007.50", 2, 1000, DECIMAL_OK, DECIMAL_OK, 750, 750 },
        { "1.5000", 2, 1000, DECIMAL_OK, DECIMAL_OK, 150, 150 },
        { "1.509", 2, 1000, DECIMAL_TOO_PRECISE, DECIMAL_OK, 0, 150 },
        { "5", 0, 9, DECIMAL_OK, DECIMAL_OK, 5, 5 },
        { "5.0", 0, 9, DECIMAL_OK, DECIMAL_OK, 5, 5 },
        { "5.5", 0, 9, DECIMAL_TOO_PRECISE, DECIMAL_OK, 0, 5 },
        { "100.00", 2, 10000, DECIMAL_OK, DECIMAL_OK, 10000, 10000 },
        { "100.01", 2, 10000, DECIMAL_TOO_LARGE, DECIMAL_TOO_LARGE, 0, 0 },
        { "9223372036854775807", 0, INT64_MAX, DECIMAL_OK, DECIMAL_OK, INT64_MAX, INT64_MAX },
        { "9223372036854775808", 0, INT64_MAX, DECIMAL_TOO_LARGE, DECIMAL_TOO_LARGE, 0, 0 },
        { "99999999999999999999999999", 0, INT64_MAX, DECIMAL_TOO_LARGE, DECIMAL_TOO_LARGE, 0,
          0 },
        { "", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { ".", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { "1.", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { ".5", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { "-1", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { "+1", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { " 1", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { "1 ", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { "1,5", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { "1.2.3", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { "1e3", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { "0x10", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
        { "NaN", 2, 1000, DECIMAL_MALFORMED, DECIMAL_MALFORMED, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct str text = str_of(rows[i].text);
        int64_t scaled = 0, floored = 0;

        assert_int_equal(decimal_parse(text, rows[i].decimals, rows[i].max, &scaled),
                         rows[i].result);
        assert_int_equal(scaled, rows[i].scaled);
        assert_int_equal(decimal_parse_floor(text, rows[i].decimals, rows[i].max, &floored),
                         rows[i].floored);
        assert_int_equal(floored, rows[i].scaled_floored);
    }
}

static void amounts_follow_their_currency(void **state)
{
    static const struct {
        const char *text, *currency;
        enum decimal_result result;
        int64_t minor;
    } rows[] = {
        { "10.00", "EUR", DECIMAL_OK, 1000 },
        { "10", "JPY", DECIMAL_OK, 10 },
        { "10.5", "JPY", DECIMAL_TOO_PRECISE, 0 },
        { "10.005", "KWD", DECIMAL_OK, 10005 },
        { "10.005", "EUR", DECIMAL_TOO_PRECISE, 0 },
        { "10000000000000.00", "EUR", DECIMAL_OK, LIMIT_MINOR },
        { "10000000000000.01", "EUR", DECIMAL_TOO_LARGE, 0 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t minor = 0;

        assert_int_equal(money_parse(str_of(rows[i].text),
                                     currency_find(str_of(rows[i].currency)), &minor),
                         rows[i].result);
        assert_int_equal(minor, rows[i].minor);
    }
}

static void odds_are_at_least_one(void **state)
{
    static const struct {
        const char *text;
        enum decimal_result result;
        int64_t odds_e4;
    } rows[] = {
        { "1.95", DECIMAL_OK, 19500 },
        { "1", DECIMAL_OK, 10000 },
        { "1.0001", DECIMAL_OK, 10001 },
        { "1.00010", DECIMAL_OK, 10001 },
        { "1.00001", DECIMAL_TOO_PRECISE, 0 },
        { "0.9999", DECIMAL_MALFORMED, 0 },
        { "0", DECIMAL_MALFORMED, 0 },
        { "100000000", DECIMAL_OK, ODDS_MAX_E4 },
        { "100000000.0001", DECIMAL_TOO_LARGE, 0 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t odds_e4 = 0;

        assert_int_equal(odds_parse(str_of(rows[i].text), &odds_e4), rows[i].result);
        assert_int_equal(odds_e4, rows[i].odds_e4);
    }
}

static void limits_become_minor_units(void **state)
{
    static const struct {
        int64_t amount_e2;
        const char *currency;
        int64_t minor;
    } rows[] = {
        { 10, "EUR", 10 },         { 10, "KWD", 100 },      { 10, "JPY", 1 }, /* never 0 */
        { 100000000, "EUR", 100000000 }, { 100000000, "JPY", 1000000 },
        { 100000000, "KWD", 1000000000 }, { 12345, "CLF", 1234500 }, { 0, "JPY", 0 },
        { INT64_MAX, "CLF", LIMIT_MINOR },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++)
        assert_int_equal(money_from_e2(rows[i].amount_e2,
                                       currency_find(str_of(rows[i].currency))),
                         rows[i].minor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(currencies_have_their_own_exponent),
        cmocka_unit_test(decimals_are_read_exactly),
        cmocka_unit_test(amounts_follow_their_currency),
        cmocka_unit_test(odds_are_at_least_one),
        cmocka_unit_test(limits_become_minor_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
