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
        .country = row->country,
    };
}

void tell_settled(const struct tell *tell, const struct bet_row *row,
                  const struct settle_item *item)
{
    struct arena *arena = &tell->scratch->arena;
    struct slip slip;
    struct bet_view view;

    if (tell->bus == NULL || !bus_wants_money(tell->bus))
        return;
    CHECK(item->applied && item->bet == row->id && item->account == row->account);
    arena_reset(arena);
    view = view_of(row, item);
    /* Settlement has no prices: no offer, until the bet is asked for. */
    view.offered = item->state == BET_ACCEPTED;
    view.margin_e4 = tell->margin_e4;
    if (view.currency == NULL || !slip_read_stored(row->slip, arena, &slip) ||
        !results_decode(item->results, &slip))
        return; /* it was graded, so it reads */
    view.slip = &slip;
    bus_publish_money(tell->bus, &(struct bus_money){
        .event = item->event,
        .account = item->account,
        .seq = item->seq,
        .at_ms = tell->at_ms,
        .currency = row->currency,
        .balance_minor = item->balance_minor,
        .debt_minor = item->debt_minor,
        .staked_minor = item->staked_minor,
        .amount_minor = item->delta_minor,
        .bet = &view,
    });
}
