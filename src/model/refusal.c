/*
 * Refusals: the table of tbl/refusals.h as an array, in the ladder's order.
 */
#include "model/refusal.h"

#include <stddef.h>

#include "base/check.h"

static const struct refusal_info table[] = {
#define REFUSAL(number, name, code, status, title, verdict) \
    { REFUSE_##name, code, title, status, verdict },
#include "tbl/refusals.h"
#undef REFUSAL
};

/* A member of the enum, but no rung: whoever logs a verdict needs no branch. */
static const struct refusal_info nothing = {
    REFUSE_NOTHING, "accepted", "Nothing is refused", 200, true,
};

const struct refusal_info *refusal_info(enum refusal refusal)
{
    if (refusal == REFUSE_NOTHING)
        return &nothing;
    for (size_t i = 0; i < LENGTH(table); i++)
        if (table[i].refusal == refusal)
            return &table[i];
    check_failed(__FILE__, __LINE__, "refusal is in tbl/refusals.h");
}

bool refusal_is_verdict(int64_t number)
{
    for (size_t i = 0; i < LENGTH(table); i++)
        if ((int64_t)table[i].refusal == number)
            return table[i].is_verdict;
    return number == REFUSE_NOTHING;
}

const struct refusal_info *refusal_table(unsigned *n)
{
    CHECK(n != NULL);
    *n = (unsigned)LENGTH(table);
    return table;
}
