/*
 * What settlement publishes: see publish.h.  The bet is put together from the row
 * that was graded and what was written over it; nothing is read again.
 */
#include "settle/publish.h"

#include "base/log.h"
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

void settle_publish(const struct settle_publisher *publisher, const struct bet_row *row,
                    const struct settle_item *item)
{
    struct arena *arena = &publisher->scratch->arena;
    struct bus_account after = {
        item->account, item->seq, publisher->at_ms, row->currency,
        item->balance_minor, item->debt_minor, item->staked_minor,
    };
    struct slip slip;
    struct bet_view view;
    struct bus_money message;

    if (publisher->bus == NULL || !bus_wants_money(publisher->bus))
        return;
    CHECK(item->applied && item->bet == row->id && item->account == row->account);
    arena_reset(arena);
    view = view_of(row, item);
    /* Settlement has no prices: no offer, until the bet is asked for. */
    view.offered = item->state == BET_ACCEPTED;
    view.margin_e4 = publisher->margin_e4;
    if (view.currency == NULL || !slip_read_stored(row->slip, arena, &slip) ||
        !results_decode(item->results, &slip))
        return; /* it was graded, so it reads */
    view.slip = &slip;
    if (bus_money_make(item->event, &after, item->delta_minor, &view, &message))
        bus_publish_money(publisher->bus, &message);
    else
        log_error("settle", "an account's row breaks the rules", "account=%lld bet=%lld",
                  (long long)item->account, (long long)item->bet);
}
