/*
 * Customers' own limits: kinds, periods, and what is left (RULES.md 15).
 *
 * A limit counts what moved since its period began, in UTC: days from
 * midnight, weeks from Monday, months from the first.  A loss is stakes less
 * payouts, cash-outs among them; winnings make room.  Pure.
 */
#ifndef MODEL_LIMIT_H
#define MODEL_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

/* Stored; the numbers never change. */
enum limit_kind { LIMIT_KIND_DEPOSIT = 1, LIMIT_KIND_STAKE, LIMIT_KIND_LOSS };
enum limit_period { LIMIT_PERIOD_DAY = 1, LIMIT_PERIOD_WEEK, LIMIT_PERIOD_MONTH };
#define LIMIT_KINDS 3
#define LIMIT_PERIODS 3
#define LIMIT_RAISE_MS 86400000 /* a higher limit, or none, waits this long */

const char *limit_kind_name(enum limit_kind kind);
const char *limit_period_name(enum limit_period period);
bool limit_kind_find(struct str name, enum limit_kind *kind) MUST_USE;
bool limit_period_find(struct str name, enum limit_period *period) MUST_USE;

/* The millisecond at which the period that holds at_ms began. */
int64_t limit_since(enum limit_period period, int64_t at_ms);

/* A limit that was reached as one number, which orders by what is left:
 * left (>= 0) * 16 + kind * 4 + period. */
struct limit_reached {
    enum limit_kind kind;
    enum limit_period period;
    int64_t left_minor;
};
int64_t limit_reached_pack(struct limit_reached reached);
/* False: it is no such number. */
bool limit_reached_unpack(int64_t packed, struct limit_reached *reached) MUST_USE;

#endif
