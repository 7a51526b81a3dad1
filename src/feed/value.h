/*
 * The feed's attribute values as NUL-terminated text.  False: not of that
 * form, and nothing is written.
 */
#ifndef FEED_VALUE_H
#define FEED_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

/* A whole number from min to max, at most 18 digits. */
bool value_integer(const char *text, int64_t min, int64_t max, int64_t *value) MUST_USE;
/* Decimal odds x 10,000, cut after four decimals; no floating point. */
bool value_odds(const char *text, int64_t *odds_e4) MUST_USE;
/* 0, 1, true or false. */
bool value_bool(const char *text, bool *value) MUST_USE;

#endif
