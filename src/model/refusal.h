/* Refusals as an enum, their ranks and a lookup; the table is tbl/refusals.h. */
#ifndef MODEL_REFUSAL_H
#define MODEL_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* By id: what is stored. */
enum refusal {
    REFUSE_NOTHING = 0,
#define REFUSAL(id, name, ...) REFUSE_##name = id,
#include "tbl/refusals.h"
#undef REFUSAL
};

/* By row: what goes before what.  Nothing refused comes after every refusal. */
enum refusal_rank {
    RANK_NONE = 0, /* of no refusal */
#define REFUSAL(id, name, ...) RANK_##name,
#include "tbl/refusals.h"
#undef REFUSAL
    RANK_NOTHING,
};

struct refusal_info {
    enum refusal refusal;
    int status;
    bool is_verdict; /* stored under the idempotency key */
    const char *code, *title;
    const char *sentence; /* the detail of an answer that has none of its own */
    const char *members;  /* of the answer: "maximum kind? period?"; `?`: may be there */
};

/* Its place among all of them: of two that apply the lower one is answered. */
enum refusal_rank refusal_rank(enum refusal refusal);
/* A verdict that this release can tell, from the store: one before or after it
 * may know others. */
bool refusal_is_verdict(int64_t id);
/* The row of the table.  Never NULL for a member of the enum. */
const struct refusal_info *refusal_info(enum refusal refusal);
struct str refusal_sentence(enum refusal refusal);
/* The rows by rank, the ladder first; *n is their count. */
const struct refusal_info *refusal_table(unsigned *n);

#endif
