/* Held bets that wait in this process, in the park (hold.h). */
#include "base/metrics.h"
#include "house/hold_inside.h"

struct held_bet *hold_next(const struct holds *holds, const struct held_bet *held)
{
    struct parked_request *parked =
        park_next(holds->options.park, PARK_HELD, held == NULL ? NULL : &held->parked);

    return parked == NULL ? NULL : parked->ctx;
}

unsigned hold_count_of(const struct holds *holds, int64_t account)
{
    unsigned n = 0;

    for (const struct held_bet *held = hold_next(holds, NULL); held != NULL;
         held = hold_next(holds, held))
        n += held->account == account;
    return n;
}

/* As many wait as the park says, and each is of these. */
static bool is_whole(const struct holds *holds)
{
    size_t n = 0;

    for (const struct held_bet *held = hold_next(holds, NULL); held != NULL;
         held = hold_next(holds, held)) {
        if (held->holds != holds || !held->parked.in || n > LIMIT_HELD)
            return false;
        n++;
    }
    return n == park_count(holds->options.park, PARK_HELD);
}

struct held_bet *hold_find(const struct holds *holds, int64_t id)
{
    struct held_bet *held = hold_next(holds, NULL);

    CHECK_DEAR(is_whole(holds));
    while (held != NULL && held->id != id)
        held = hold_next(holds, held);
    return held;
}

void hold_end(struct held_bet *held, enum hold_decision decision, int64_t offer_minor)
{
    CHECK(!held->parked.in);
    metric_add(METRIC_HOLDS, str_of(hold_decision_name(decision)), 1);
    held->on_decision(held, decision, offer_minor);
}

void hold_decide(struct held_bet *held, enum hold_decision decision, int64_t offer_minor)
{
    park_take(held->holds->options.park, &held->parked);
    hold_end(held, decision, offer_minor);
}
