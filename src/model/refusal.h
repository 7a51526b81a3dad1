/* Refusals as an enum and a lookup; the table is tbl/refusals.h. */
#ifndef MODEL_REFUSAL_H
#define MODEL_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

enum refusal {
    REFUSE_NOTHING = 0,
#define REFUSAL(number, name, code, status, title, verdict) REFUSE_##name = number,
#include "tbl/refusals.h"
#undef REFUSAL
};

struct refusal_info {
    enum refusal refusal;
    const char *code, *title;
    int status;
    bool is_verdict; /* stored under the idempotency key */
};

/* A verdict that this release can tell, from the store: one before or after it
 * may know others. */
bool refusal_is_verdict(int64_t number);
/* The row of the table.  Never NULL for a member of the enum. */
const struct refusal_info *refusal_info(enum refusal refusal);
/* The rows in the ladder's order; *n is their count. */
const struct refusal_info *refusal_table(unsigned *n);

#endif
