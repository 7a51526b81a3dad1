/*
 * Park: requests that are kept open for a reason, each with a deadline.  Held
 * bets wait here for a trader, live bets for their delay.
 *
 * What is parked is the caller's memory, which stays where it is until it is
 * taken out or ends.  Every one ends once: taken by its owner, at its
 * deadline, or when the park is drained.
 */
#ifndef HOUSE_PARK_H
#define HOUSE_PARK_H

#include <stdbool.h>
#include <uv.h>

#include "base/check.h"

enum park_reason { PARK_HELD = 0, PARK_DELAYED, PARK_REASONS };
enum park_end {
    PARK_DUE,     /* its deadline has come */
    PARK_DRAINED, /* the process stops: refuse it as busy */
};

struct parked_request {
    /* the owner's; it is out of the park when this runs, and may come back
     * unless the park is drained */
    void (*on_end)(struct parked_request *parked, enum park_end end);
    void *ctx;
    /* the park's own */
    enum park_reason reason;
    int64_t since_us, until_us;
    struct parked_request *next, *previous; /* NULL and NULL beside `in`: alone */
    bool in;
};

struct park;

struct park *park_new(uv_loop_t *loop, size_t limit) MUST_USE;
/* Only when it is empty; ends in the loop's next turn. */
void park_free(struct park *park);

/* False: it is full, or drained; nothing happened. */
bool park_put(struct park *park, struct parked_request *parked, enum park_reason reason,
              int64_t now_us, int64_t until_us) MUST_USE;
void park_take(struct park *park, struct parked_request *parked);
/* Ends all that is there, and from now on nothing is taken in. */
void park_drain(struct park *park);

/* Of one reason, by deadline: NULL begins and ends. */
struct parked_request *park_next(const struct park *park, enum park_reason reason,
                         const struct parked_request *parked);
size_t park_count(const struct park *park, enum park_reason reason);
const char *park_reason_name(enum park_reason reason);

#endif
