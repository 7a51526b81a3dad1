/*
 * Money: integer minor units of an ISO 4217 currency, which has its own
 * exponent.  Odds: integers x 10,000.  No floating point anywhere.
 */
#ifndef MODEL_MONEY_H
#define MODEL_MONEY_H

#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

struct currency {
    char code[4];
    int exponent; /* minor units = 10^-exponent: JPY 0, EUR 2, KWD 3 */
};

/* NULL when ISO 4217 does not know it (or it has no minor unit, like XAU). */
const struct currency *currency_find(struct str code);

enum decimal_result {
    DECIMAL_OK = 0,
    DECIMAL_MALFORMED,    /* not digits with at most one point */
    DECIMAL_TOO_PRECISE,  /* more decimals than allowed (other than zeros) */
    DECIMAL_TOO_LARGE,
};

/*
 * Parses "12.34" with at most `decimals` decimals into an integer scaled by
 * 10^decimals, not above `max`.  No sign, no exponent, no spaces.
 */
enum decimal_result decimal_parse(struct str text, int decimals, int64_t max,
                                  int64_t *scaled) MUST_USE;
/* The same, but decimals beyond the allowed are cut off (feed odds). */
enum decimal_result decimal_parse_floor(struct str text, int decimals,
                                        int64_t max, int64_t *scaled) MUST_USE;

#define ODDS_ONE_E4 10000
#define ODDS_MAX_E4 1000000000000 /* 10^8 as odds */

/* An amount as the customer writes it, up to LIMIT_MINOR. */
enum decimal_result money_parse(struct str text, const struct currency *currency,
                                int64_t *minor) MUST_USE;
/* Odds as the customer writes them: at least 1, at most four decimals. */
enum decimal_result odds_parse(struct str text, int64_t *odds_e4) MUST_USE;
/* A limit given in whole major units, in minor units of this currency. */
int64_t money_from_e2(int64_t amount_e2, const struct currency *currency);

#endif
