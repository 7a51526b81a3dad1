/* Limits of customers: see limit.h. */
#include "model/own_limit.h"

#include <stddef.h>

#define DAY_MS INT64_C(86400000)
#define FIRST_MONDAY_MS (4 * DAY_MS) /* 5 January 1970 */

static const char *const kind_names[] = {
    [OWN_LIMIT_KIND_DEPOSIT] = "deposit", [OWN_LIMIT_KIND_STAKE] = "stake",
    [OWN_LIMIT_KIND_LOSS] = "loss",
};
static const char *const period_names[] = {
    [OWN_LIMIT_PERIOD_DAY] = "day", [OWN_LIMIT_PERIOD_WEEK] = "week",
    [OWN_LIMIT_PERIOD_MONTH] = "month",
};

const char *own_limit_kind_name(enum own_limit_kind kind)
{
    CHECK(kind >= OWN_LIMIT_KIND_DEPOSIT && kind <= OWN_LIMIT_KIND_LOSS);
    return kind_names[kind];
}

const char *own_limit_period_name(enum own_limit_period period)
{
    CHECK(period >= OWN_LIMIT_PERIOD_DAY && period <= OWN_LIMIT_PERIOD_MONTH);
    return period_names[period];
}

/* The index of a name from 1, or 0. */
static unsigned find(const char *const *names, struct str name)
{
    for (unsigned i = 1; i <= 3; i++)
        if (str_eq(name, str_of(names[i])))
            return i;
    return 0;
}

bool own_limit_kind_find(struct str name, enum own_limit_kind *kind)
{
    *kind = (enum own_limit_kind)find(kind_names, name);
    return *kind != 0;
}

bool own_limit_period_find(struct str name, enum own_limit_period *period)
{
    *period = (enum own_limit_period)find(period_names, name);
    return *period != 0;
}

/* The day of the month of a day since 1970, from 0: the Gregorian calendar
 * counted from 1 March 0000, in eras of 400 years. */
static int64_t day_of_month(int64_t day)
{
    int64_t since = day + 719468, in_era = since % 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153, in_month = in_year - (153 * month + 2) / 5;

    CHECK(month >= 0 && month < 12 && in_month >= 0 && in_month < 31);
    return in_month;
}

int64_t own_limit_since(enum own_limit_period period, int64_t at_ms)
{
    CHECK(at_ms >= FIRST_MONDAY_MS);
    switch (period) {
    case OWN_LIMIT_PERIOD_DAY:
        return at_ms - at_ms % DAY_MS;
    case OWN_LIMIT_PERIOD_WEEK:
        return at_ms - (at_ms - FIRST_MONDAY_MS) % (7 * DAY_MS);
    case OWN_LIMIT_PERIOD_MONTH:
        return at_ms - at_ms % DAY_MS - day_of_month(at_ms / DAY_MS) * DAY_MS;
    }
    check_failed(__FILE__, __LINE__, "a limit's period is known");
}

int64_t own_limit_reached_pack(struct own_limit_reached reached)
{
    CHECK(reached.left_minor >= 0 && reached.left_minor <= INT64_MAX / 32);
    CHECK(reached.kind >= OWN_LIMIT_KIND_DEPOSIT && reached.kind <= OWN_LIMIT_KIND_LOSS);
    CHECK(reached.period >= OWN_LIMIT_PERIOD_DAY && reached.period <= OWN_LIMIT_PERIOD_MONTH);
    return reached.left_minor * 16 + (int64_t)reached.kind * 4 + (int64_t)reached.period;
}

bool own_limit_reached_unpack(int64_t packed, struct own_limit_reached *reached)
{
    int64_t kind = packed / 4 % 4, period = packed % 4;

    if (packed <= 0 || kind < 1 || period < 1)
        return false;
    *reached = (struct own_limit_reached){ (enum own_limit_kind)kind, (enum own_limit_period)period,
                                       packed / 16 };
    CHECK_DEAR(packed / 16 > INT64_MAX / 32 || own_limit_reached_pack(*reached) == packed);
    return true;
}
