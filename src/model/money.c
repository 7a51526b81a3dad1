/*
 * Money: the currencies of ISO 4217, and decimals read into scaled integers.
 */
#include "model/money.h"

#include <stdlib.h>

#include "base/limits.h"

/* Sorted by code.  Codes without a minor unit (metals, SDR, test) are absent. */
static const struct currency currencies[] = {
    { "AED", 2 }, { "AFN", 2 }, { "ALL", 2 }, { "AMD", 2 }, { "AOA", 2 },
    { "ARS", 2 }, { "AUD", 2 }, { "AWG", 2 }, { "AZN", 2 }, { "BAM", 2 },
    { "BBD", 2 }, { "BDT", 2 }, { "BGN", 2 }, { "BHD", 3 }, { "BIF", 0 },
    { "BMD", 2 }, { "BND", 2 }, { "BOB", 2 }, { "BOV", 2 }, { "BRL", 2 },
    { "BSD", 2 }, { "BTN", 2 }, { "BWP", 2 }, { "BYN", 2 }, { "BZD", 2 },
    { "CAD", 2 }, { "CDF", 2 }, { "CHE", 2 }, { "CHF", 2 }, { "CHW", 2 },
    { "CLF", 4 }, { "CLP", 0 }, { "CNY", 2 }, { "COP", 2 }, { "COU", 2 },
    { "CRC", 2 }, { "CUP", 2 }, { "CVE", 2 }, { "CZK", 2 }, { "DJF", 0 },
    { "DKK", 2 }, { "DOP", 2 }, { "DZD", 2 }, { "EGP", 2 }, { "ERN", 2 },
    { "ETB", 2 }, { "EUR", 2 }, { "FJD", 2 }, { "FKP", 2 }, { "GBP", 2 },
    { "GEL", 2 }, { "GHS", 2 }, { "GIP", 2 }, { "GMD", 2 }, { "GNF", 0 },
    { "GTQ", 2 }, { "GYD", 2 }, { "HKD", 2 }, { "HNL", 2 }, { "HTG", 2 },
    { "HUF", 2 }, { "IDR", 2 }, { "ILS", 2 }, { "INR", 2 }, { "IQD", 3 },
    { "IRR", 2 }, { "ISK", 0 }, { "JMD", 2 }, { "JOD", 3 }, { "JPY", 0 },
    { "KES", 2 }, { "KGS", 2 }, { "KHR", 2 }, { "KMF", 0 }, { "KPW", 2 },
    { "KRW", 0 }, { "KWD", 3 }, { "KYD", 2 }, { "KZT", 2 }, { "LAK", 2 },
    { "LBP", 2 }, { "LKR", 2 }, { "LRD", 2 }, { "LSL", 2 }, { "LYD", 3 },
    { "MAD", 2 }, { "MDL", 2 }, { "MGA", 2 }, { "MKD", 2 }, { "MMK", 2 },
    { "MNT", 2 }, { "MOP", 2 }, { "MRU", 2 }, { "MUR", 2 }, { "MVR", 2 },
    { "MWK", 2 }, { "MXN", 2 }, { "MXV", 2 }, { "MYR", 2 }, { "MZN", 2 },
    { "NAD", 2 }, { "NGN", 2 }, { "NIO", 2 }, { "NOK", 2 }, { "NPR", 2 },
    { "NZD", 2 }, { "OMR", 3 }, { "PAB", 2 }, { "PEN", 2 }, { "PGK", 2 },
    { "PHP", 2 }, { "PKR", 2 }, { "PLN", 2 }, { "PYG", 0 }, { "QAR", 2 },
    { "RON", 2 }, { "RSD", 2 }, { "RUB", 2 }, { "RWF", 0 }, { "SAR", 2 },
    { "SBD", 2 }, { "SCR", 2 }, { "SDG", 2 }, { "SEK", 2 }, { "SGD", 2 },
    { "SHP", 2 }, { "SLE", 2 }, { "SOS", 2 }, { "SRD", 2 }, { "SSP", 2 },
    { "STN", 2 }, { "SVC", 2 }, { "SYP", 2 }, { "SZL", 2 }, { "THB", 2 },
    { "TJS", 2 }, { "TMT", 2 }, { "TND", 3 }, { "TOP", 2 }, { "TRY", 2 },
    { "TTD", 2 }, { "TWD", 2 }, { "TZS", 2 }, { "UAH", 2 }, { "UGX", 0 },
    { "USD", 2 }, { "USN", 2 }, { "UYI", 0 }, { "UYU", 2 }, { "UYW", 4 },
    { "UZS", 2 }, { "VED", 2 }, { "VES", 2 }, { "VND", 0 }, { "VUV", 0 },
    { "WST", 2 }, { "XAF", 0 }, { "XCD", 2 }, { "XCG", 2 }, { "XOF", 0 },
    { "XPF", 0 }, { "YER", 2 }, { "ZAR", 2 }, { "ZMW", 2 }, { "ZWG", 2 },
};

static int code_order(const void *code, const void *row)
{
    return memcmp(code, ((const struct currency *)row)->code, 3);
}

/* What bsearch() needs. */
static bool currencies_are_sorted(void)
{
    for (size_t i = 1; i < LENGTH(currencies); i++)
        if (code_order(currencies[i - 1].code, &currencies[i]) >= 0)
            return false;
    return true;
}

const struct currency *currency_find(struct str code)
{
    CHECK_DEAR(currencies_are_sorted());
    if (code.n != 3)
        return NULL;
    return bsearch(code.p, currencies, LENGTH(currencies), sizeof(currencies[0]), code_order);
}

/* "12.34" taken apart: the digits before the point and after it. */
struct decimal {
    struct str whole, fraction;
};

static size_t digits(struct str text, size_t from)
{
    size_t at = from;

    while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9')
        at++;
    return at - from;
}

static bool decimal_split(struct str text, struct decimal *decimal)
{
    size_t whole = digits(text, 0), fraction;

    if (whole == 0)
        return false;
    *decimal = (struct decimal){ .whole = { text.p, whole }, .fraction = STR_NONE };
    if (whole == text.n)
        return true;
    if (text.p[whole] != '.')
        return false;
    fraction = digits(text, whole + 1);
    if (fraction == 0 || whole + 1 + fraction != text.n)
        return false;
    decimal->fraction = (struct str){ text.p + whole + 1, fraction };
    return true;
}

/* Appends one digit; false: passes max, and stays false for any more digits. */
static bool digit_append(int64_t *n, int digit, int64_t max)
{
    int64_t grown;

    CHECK(digit >= 0 && digit <= 9);
    if (__builtin_mul_overflow(*n, (int64_t)10, &grown) ||
        __builtin_add_overflow(grown, (int64_t)digit, &grown) || grown > max)
        return false;
    *n = grown;
    return true;
}

static enum decimal_result decimal_scale(const struct decimal *decimal, size_t decimals,
                                         int64_t max, int64_t *scaled)
{
    int64_t n = 0;

    for (size_t i = 0; i < decimal->whole.n; i++)
        if (!digit_append(&n, decimal->whole.p[i] - '0', max))
            return DECIMAL_TOO_LARGE;
    for (size_t i = 0; i < decimals; i++) {
        int digit = i < decimal->fraction.n ? decimal->fraction.p[i] - '0' : 0;
        if (!digit_append(&n, digit, max))
            return DECIMAL_TOO_LARGE;
    }
    CHECK(n >= 0 && n <= max);
    *scaled = n;
    return DECIMAL_OK;
}

enum decimal_result decimal_parse(struct str text, int decimals, int64_t max, int64_t *scaled)
{
    struct decimal decimal;

    CHECK(decimals >= 0 && decimals <= 18 && max >= 0);
    if (!decimal_split(text, &decimal))
        return DECIMAL_MALFORMED;
    for (size_t i = (size_t)decimals; i < decimal.fraction.n; i++)
        if (decimal.fraction.p[i] != '0')
            return DECIMAL_TOO_PRECISE;
    return decimal_scale(&decimal, (size_t)decimals, max, scaled);
}

enum decimal_result decimal_parse_floor(struct str text, int decimals, int64_t max,
                                        int64_t *scaled)
{
    struct decimal decimal;

    CHECK(decimals >= 0 && decimals <= 18 && max >= 0);
    if (!decimal_split(text, &decimal))
        return DECIMAL_MALFORMED;
    return decimal_scale(&decimal, (size_t)decimals, max, scaled);
}

enum decimal_result money_parse(struct str text, const struct currency *currency, int64_t *minor)
{
    CHECK(currency != NULL && currency->exponent <= 4);
    return decimal_parse(text, currency->exponent, LIMIT_MINOR, minor);
}

enum decimal_result odds_parse(struct str text, int64_t *odds_e4)
{
    int64_t odds;
    enum decimal_result result = decimal_parse(text, 4, ODDS_MAX_E4, &odds);

    if (result != DECIMAL_OK)
        return result;
    if (odds < ODDS_ONE_E4)
        return DECIMAL_MALFORMED; /* below 1 it is no price */
    *odds_e4 = odds;
    return DECIMAL_OK;
}

/* Rounds up: a minimum of 0.10 must not become "no minimum" in yen. */
int64_t money_from_e2(int64_t amount_e2, const struct currency *currency)
{
    __int128 minor = amount_e2;

    CHECK(currency != NULL && amount_e2 >= 0);
    for (int i = 0; i < currency->exponent; i++)
        minor *= 10;
    minor = (minor + 99) / 100;
    CHECK(minor > 0 || amount_e2 == 0); /* no minimum becomes none */
    return minor > LIMIT_MINOR ? LIMIT_MINOR : (int64_t)minor;
}
