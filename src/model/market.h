/*
 * Market identity: (event, market id, specifiers sorted by key), RULES.md 22,
 * and the stable 64-bit key under which legs and facts are indexed.  The key
 * finds candidates; the full identity decides.
 */
#ifndef MODEL_MARKET_H
#define MODEL_MARKET_H

#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/str.h"

struct market_id {
    struct str event;
    uint32_t market;
    struct str specifiers; /* canonical; empty when there are none */
};

/*
 * Canonical specifiers into arena (or the text itself when it is canonical
 * already).  False: not `key=value|key=value`, a key twice, or too long.
 */
bool specifiers_canonical(struct str text, struct arena *arena,
                          struct str *canonical) MUST_USE;
/* What may be the id of an event, an outcome or a sport: 1 to LIMIT_ID_BYTES
 * bytes, none of them a control character. */
bool id_is_well(struct str id) MUST_USE;
/* A market's number, up to ten digits and nothing else.  False: it is none. */
bool market_parse(struct str text, uint32_t *market) MUST_USE;
bool market_id_equal(struct market_id a, struct market_id b);
/* Stable for ever: stored in legs and facts. */
int64_t market_key(struct market_id id);

/* Status as the feed numbers it. */
enum market_status {
    MARKET_ACTIVE = 1,
    MARKET_INACTIVE = 0,
    MARKET_SUSPENDED = -1,
    MARKET_HANDED_OVER = -2,
    MARKET_SETTLED = -3,
    MARKET_CANCELLED = -4,
};

#endif
