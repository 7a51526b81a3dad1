/*
 * Attribute values of the feed: exact, and quick for the one that comes in
 * every outcome, its odds.
 */
#include "feed/value.h"

#include <string.h>

#include "model/money.h"

bool value_integer(const char *text, int64_t min, int64_t max, int64_t *value)
{
    bool negative = *text == '-';
    const char *p = negative ? text + 1 : text;
    int64_t n = 0;
    unsigned digits = 0;

    for (; *p >= '0' && *p <= '9' && digits < 18; p++, digits++)
        n = n * 10 + (*p - '0');
    if (digits == 0 || *p != '\0')
        return false;
    if (negative)
        n = -n;
    if (n < min || n > max)
        return false;
    *value = n;
    return true;
}

/* Decimal odds x 10,000, cut after four decimals; no floating point. */
bool value_odds(const char *p, int64_t *odds_e4)
{
    int64_t value = 0;
    unsigned digits = 0, decimals = 0;

    for (; *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (*p - '0');
        if (++digits > 9)
            return false;
    }
    if (digits == 0)
        return false;
    if (*p == '.') {
        for (p++; *p >= '0' && *p <= '9'; p++)
            if (decimals < 4) {
                value = value * 10 + (*p - '0');
                decimals++;
            }
        if (p[-1] == '.')
            return false;
    }
    if (*p != '\0')
        return false;
    for (; decimals < 4; decimals++)
        value *= 10;
    if (value > ODDS_MAX_E4)
        return false;
    *odds_e4 = value;
    return true;
}

bool value_bool(const char *text, bool *value)
{
    if (text[0] != '\0' && text[1] == '\0' && (text[0] == '0' || text[0] == '1'))
        *value = text[0] == '1';
    else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)
        *value = text[0] == 't';
    else
        return false;
    return true;
}
