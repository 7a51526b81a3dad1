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

struct held_bet *hold_find(const struct holds *holds, int64_t id)
{
    struct held_bet *held = hold_next(holds, NULL);

    while (held != NULL && held->id != id)
        held = hold_next(holds, held);
    return held;
}

void hold_end(struct held_bet *held, enum hold_decision decision, int64_t offer_minor)
{
    metric_add(METRIC_HOLDS, str_of(hold_decision_name(decision)), 1);
    held->on_decision(held, decision, offer_minor);
}

void hold_decide(struct held_bet *held, enum hold_decision decision, int64_t offer_minor)
{
    park_take(held->holds->options.park, &held->parked);
    hold_end(held, decision, offer_minor);
}
