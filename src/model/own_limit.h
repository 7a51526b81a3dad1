/*
 * Customers' own limits: kinds, periods, and what is left (RULES.md 15).
 *
 * A limit counts what moved since its period began, in UTC: days from
 * midnight, weeks from Monday, months from the first.  A loss is stakes less
 * payouts, cash-outs among them; winnings make room.  Pure.
 */
#ifndef MODEL_OWN_LIMIT_H
#define MODEL_OWN_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

/* Stored; the numbers never change. */
enum own_limit_kind { OWN_LIMIT_KIND_DEPOSIT = 1, OWN_LIMIT_KIND_STAKE, OWN_LIMIT_KIND_LOSS };
enum own_limit_period { OWN_LIMIT_PERIOD_DAY = 1, OWN_LIMIT_PERIOD_WEEK, OWN_LIMIT_PERIOD_MONTH };
#define OWN_LIMIT_KINDS 3
#define OWN_LIMIT_PERIODS 3
#define OWN_LIMIT_RAISE_MS 86400000 /* a higher limit, or none, waits this long */

const char *own_limit_kind_name(enum own_limit_kind kind);
const char *own_limit_period_name(enum own_limit_period period);
bool own_limit_kind_find(struct str name, enum own_limit_kind *kind) MUST_USE;
bool own_limit_period_find(struct str name, enum own_limit_period *period) MUST_USE;

/* The millisecond at which the period that holds at_ms began. */
int64_t own_limit_since(enum own_limit_period period, int64_t at_ms);

/* A limit that was reached as one number, which orders by what is left:
 * left (>= 0) * 16 + kind * 4 + period. */
struct own_limit_reached {
    enum own_limit_kind kind;
    enum own_limit_period period;
    int64_t left_minor;
};
int64_t own_limit_reached_pack(struct own_limit_reached reached);
/* False: it is no such number. */
bool own_limit_reached_unpack(int64_t packed, struct own_limit_reached *reached) MUST_USE;

#endif
