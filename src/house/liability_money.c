/*
 * Liability by the messages of what was committed, where nobody counts all
 * open bets beside it (liability.h): a bet that is over gives back what it was
 * charged when it was placed.  Nothing is remembered for it: a part that was
 * cashed out comes back with the rest.
 */
#include "house/liability.h"
#include "model/event_kind.h"
#include "model/grade.h"

/* As charged when it was placed; < 0: it was not. */
static int64_t amount_of(const struct house *house, const struct bet_view *view)
{
    struct slip slip = *view->slip;
    int64_t potential;

    for (uint32_t i = 0; i < slip.n_legs; i++)
        slip.legs[i].result = LEG_RESULT_OPEN;
    if (!grade_potential(&slip, view->stake_minor, &potential))
        return -1;
    return house_liability(house, view->currency, view->stake_minor, potential);
}

void liability_on_money(struct liability *liability, const struct house *house,
                        const struct bus_money *message)
{
    bool reopened = message->event == EVENT_BET_REOPENED;
    const struct bet_view *view = message->bet;
    int64_t amount;

    if (view == NULL || !event_turns(message->event) ||
        liability_count(liability) == 0 || (amount = amount_of(house, view)) < 0)
        return;
    CHECK(view->id > 0 && view->slip->n_legs <= LIMIT_LEGS);
    for (uint32_t i = 0; i < view->slip->n_legs; i++) {
        const struct leg *leg = &view->slip->legs[i];

        if (reopened)
            liability_add(liability, view->id, leg->market, leg->outcome, amount);
        else
            liability_take(liability, view->id, leg->market, leg->outcome, amount);
    }
}
