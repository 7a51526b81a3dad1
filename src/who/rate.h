/* Token buckets by customer or address. */
#ifndef WHO_RATE_H
#define WHO_RATE_H

#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

struct rates;

/* per_s = 0: everything passes.  The burst is ten seconds' worth. */
struct rates *rates_new(int64_t per_s, size_t limit_entries) MUST_USE;
void rates_free(struct rates *rates);
bool rates_are_on(const struct rates *rates);

struct rate_state {
    int64_t limit;       /* requests in a full bucket */
    int64_t remaining;
    int64_t reset_s;     /* until it is full again */
    int64_t retry_s;     /* until one request may pass; 0 = now */
};

/* Takes one token.  False: none is there, and nothing was taken. */
bool rates_take(struct rates *rates, struct str who, int64_t now_us) MUST_USE;
/* How it stands, for RateLimit-* and Retry-After. */
struct rate_state rates_state(const struct rates *rates, struct str who, int64_t now_us);

#endif
