/*
 * Tell: see tell.h.  The bet is put together from the row that was graded and
 * what was written over it; nothing is read again.
 */
#include "settle/tell.h"

#include "settle/slip_read.h"

static struct bet_view view_of(const struct bet_row *row, const struct settle_item *item)
{
    return (struct bet_view){
        .id = row->id,
        .stake_minor = row->stake_minor + row->cashed_stake_minor,
        .potential_minor = row->potential_minor,
        .placed_ms = row->placed_ms,
        .state = item->state,
        .payout_minor = item->payout_minor,
        .settled_ms = item->settled_ms,
        .cashed_stake_minor = row->cashed_stake_minor,
        .cashed_paid_minor = row->cashed_paid_minor,
        .currency = currency_find(row->currency),
        .sport = row->sport,
    };
}

void tell_settled(struct bus *bus, const struct bet_row *row, const struct settle_item *item,
                  int64_t at_ms, struct pay_scratch *scratch)
{
    struct slip slip;
    struct bet_view view;

    if (bus == NULL || !bus_wants_money(bus))
        return;
    CHECK(item->applied && item->bet == row->id);
    arena_reset(&scratch->arena);
    view = view_of(row, item);
    if (view.currency == NULL || !slip_read_stored(row->slip, &scratch->arena, &slip) ||
        !results_decode(item->results, &slip))
        return; /* it was graded, so it reads */
    view.slip = &slip;
    bus_publish_money(bus, &(struct bus_money){
        .event = item->event,
        .account = item->account,
        .seq = item->seq,
        .at_ms = at_ms,
        .currency = row->currency,
        .balance_minor = item->balance_minor,
        .debt_minor = item->debt_minor,
        .staked_minor = item->staked_minor,
        .amount_minor = item->delta_minor,
        .bet = &view,
    });
}
