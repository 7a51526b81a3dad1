/*
 * Countries: ISO 3166-1 alpha-2, and which of them a house takes bets from
 * (docs/EDGE.md, "The country").
 */
#ifndef MODEL_COUNTRY_H
#define MODEL_COUNTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

#define COUNTRY_CODES (26 * 26) /* "AA" to "ZZ" */

/* A code of the list; "XX", which the edge says when it does not know, is none. */
bool country_is_code(struct str code) MUST_USE;

struct country_set {
    uint64_t bits[(COUNTRY_CODES + 63) / 64];
};

struct country_rules {
    struct country_set allowed, refused;
    bool only; /* what `allowed` does not name is refused */
};

/* From two lists, "US,FR": codes, or XX.  False: *error names what is wrong. */
bool country_rules_read(struct country_rules *rules, struct str allowed, struct str refused,
                        struct arena *arena, struct str *error) MUST_USE;
/* `code`: two letters from A to Z, or it is refused. */
bool country_is_allowed(const struct country_rules *rules, struct str code) MUST_USE;

#endif
