/*
 * A bet and its legs, as placed (immutable) and as judged (results).  What
 * grading needs is written here: grading reads no configuration (rule 3).
 */
#ifndef MODEL_BET_H
#define MODEL_BET_H

#include "base/buf.h"
#include "base/limits.h"
#include "model/facts.h"
#include "model/money.h"

enum bet_type { BET_SINGLE = 1, BET_MULTIPLE, BET_SYSTEM };
enum bet_state { BET_ACCEPTED = 1, BET_SETTLED = 2, BET_CASHED_OUT = 3 };
enum accept_policy { ACCEPT_NONE = 0, ACCEPT_HIGHER, ACCEPT_ANY };

const char *bet_type_name(enum bet_type type);
const char *bet_state_name(enum bet_state state);

struct leg {
    struct market_id market;
    struct str outcome;
    int64_t odds_e4;           /* accepted (in a request: submitted) */
    bool banker;
    struct leg_result result;  /* LEG_OPEN until facts say otherwise */
};

struct slip {
    enum bet_type type;
    enum accept_policy accept;
    uint32_t sizes[LIMIT_LEGS]; /* system: which k, ascending, distinct */
    uint32_t n_sizes;
    struct leg legs[LIMIT_LEGS];
    uint32_t n_legs;
};

/* Bet ids carry their time: milliseconds since 2024 << 22 | node << 12 | n. */
#define BET_ID_EPOCH_MS 1704067200000
int64_t bet_id_make(int64_t wall_ms, uint32_t node, uint32_t n);
uint32_t bet_id_node(int64_t id);
/* The smallest id a bet of that millisecond can have. */
int64_t bet_id_floor(int64_t wall_ms);

enum slip_fault {
    SLIP_OK = 0,
    SLIP_NO_LEGS, SLIP_TOO_MANY_LEGS,
    SLIP_SINGLE_LEGS,      /* a single has one leg */
    SLIP_MULTIPLE_LEGS,    /* a multiple has two or more */
    SLIP_SYSTEM_SIZES,     /* missing, out of 1..legs that are not bankers, repeated */
    SLIP_BANKER,           /* a banker outside a system, or nothing but bankers */
};
enum slip_fault slip_check(const struct slip *slip) MUST_USE;
const char *slip_fault_text(enum slip_fault fault);
bool slip_has_related_legs(const struct slip *slip); /* two legs, one event */

/* Invariants: of a leg, and of a slip that was found well formed. */
void leg_check(const struct leg *leg);
void slip_expect(const struct slip *slip);

/*
 * The slip as stored: one line of JSON that auditors can read,
 * {"type":"system","sizes":[2,3],"accept":"any","legs":[{"event":…,"market":18,
 *  "specifiers":…,"outcome":…,"odds_e4":19500,"banker":false}]}.
 */
void slip_encode(const struct slip *slip, struct buf *out);
bool slip_decode(struct str text, struct arena *arena, struct slip *slip) MUST_USE;

/* The legs' results as stored: "[[1,0,1000000000000],null]": result, void,
 * dead heat; null = open.  Empty text = all open. */
void results_encode(const struct slip *slip, struct buf *out);
bool results_decode(struct str text, struct slip *slip) MUST_USE;

#endif
