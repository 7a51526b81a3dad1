/* The house's currency: strict rates, integers throughout. */
#include "model/house.h"

#include "base/limits.h"
#include "base/text.h"

#define RATE_ONE_E9 INT64_C(1000000000)
#define RATE_MAX_E9 (INT64_C(1000000) * RATE_ONE_E9)
#define RATES_MAX 256

static int64_t rate_of(const struct house *house, const struct currency *currency)
{
    CHECK(house->currency != NULL && currency != NULL);
    if (currency == house->currency)
        return RATE_ONE_E9;
    for (size_t i = 0; i < house->n_rates; i++)
        if (house->rates[i].currency == currency) {
            CHECK(house->rates[i].rate_e9 > 0 && house->rates[i].rate_e9 <= RATE_MAX_E9);
            return house->rates[i].rate_e9;
        }
    return 0;
}

/* "USD=0.92" */
static bool read_rate(struct house *house, struct str text, struct arena *arena,
                      struct str *error)
{
    struct house_rate rate = { NULL, 0 };
    struct str value = text, code;

    CHECK(house->n_rates < RATES_MAX); /* no currency is there twice, and ISO has fewer */
    if (!text_cut(&value, '=', &code)) {
        *error = arena_printf(arena, "rates: \"" STR_FMT "\" is not CODE=rate", STR_ARG(text));
        return false;
    }
    rate.currency = currency_find(code);
    if (rate.currency == NULL)
        *error = arena_printf(arena, "rates: \"" STR_FMT "\" names no currency of ISO 4217",
                              STR_ARG(text));
    else if (rate_of(house, rate.currency) != 0)
        *error = arena_printf(arena, "rates: %s is given twice or is the house's own",
                              rate.currency->code);
    else if (decimal_parse(value, HOUSE_RATE_DECIMALS, RATE_MAX_E9, &rate.rate_e9) != DECIMAL_OK ||
             rate.rate_e9 == 0)
        *error = arena_printf(arena, "rates: %s needs a rate above 0, at most 1000000, with at"
                              " most nine decimals", rate.currency->code);
    else
        house->rates[house->n_rates++] = rate;
    return error->n == 0;
}

bool house_read(struct house *house, struct str currency, struct str rates,
                struct arena *arena, struct str *error)
{
    *error = STR_NONE;
    *house = (struct house){ .currency = currency_find(currency) };
    if (house->currency == NULL) {
        *error = arena_printf(arena, "house-currency: \"" STR_FMT "\" is no currency of ISO 4217",
                              STR_ARG(currency));
        return false;
    }
    house->rates = ARENA_ARRAY(arena, struct house_rate, RATES_MAX);
    while (rates.n > 0) {
        bool ends_with_comma = rates.p[rates.n - 1] == ',';

        if (!read_rate(house, text_until(&rates, ','), arena, error))
            return false;
        if (ends_with_comma && rates.n == 0) {
            *error = STR("rates: a comma at the end");
            return false;
        }
    }
    return true;
}

static __int128 power_of_ten(int exponent)
{
    __int128 power = 1;

    CHECK(exponent >= 0 && exponent <= 4);
    while (exponent-- > 0)
        power *= 10;
    return power;
}

int64_t house_from(const struct house *house, const struct currency *from, int64_t minor)
{
    int64_t rate = rate_of(house, from);
    __int128 up, down;

    CHECK(minor >= 0);
    if (rate == 0)
        return -1;
    /* 10^15 x 10^15 x 10^4 at most: fits. */
    if (minor > LIMIT_MINOR)
        minor = LIMIT_MINOR;
    up = (__int128)minor * rate * power_of_ten(house->currency->exponent);
    down = RATE_ONE_E9 * power_of_ten(from->exponent);
    up = (up + down - 1) / down;
    CHECK(up > 0 || minor == 0); /* a liability is never rounded to none */
    return up > LIMIT_MINOR ? LIMIT_MINOR : (int64_t)up;
}

int64_t house_to(const struct house *house, const struct currency *to, int64_t minor)
{
    int64_t rate = rate_of(house, to);
    __int128 up, down;

    CHECK(minor >= 0);
    if (rate == 0)
        return -1;
    if (minor > LIMIT_MINOR)
        minor = LIMIT_MINOR;
    up = (__int128)minor * RATE_ONE_E9 * power_of_ten(to->exponent);
    down = rate * power_of_ten(house->currency->exponent);
    CHECK(down > 0);
    up /= down;
    return up > LIMIT_MINOR ? LIMIT_MINOR : (int64_t)up;
}

int64_t house_liability(const struct house *house, const struct currency *currency,
                        int64_t stake_minor, int64_t potential_minor)
{
    CHECK(stake_minor >= 0 && potential_minor >= 0);
    return house_from(house, currency,
                      potential_minor > stake_minor ? potential_minor - stake_minor : 0);
}

bool house_knows(const struct house *house, const struct currency *currency)
{
    return rate_of(house, currency) != 0;
}
