/* The house's brakes: see brakes.h. */
#include "house/brakes.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/metrics.h"

static bool is_over(void *ctx, struct market_id id)
{
    const struct brakes *brakes = ctx;

    return book_market(brakes->options.book, id) == NULL;
}

static int64_t next_bet(void *ctx)
{
    const struct brakes *brakes = ctx;

    return ids_next(brakes->options.ids, clock_wall_ms());
}

static struct holds *make_holds(const struct brakes *brakes)
{
    const struct brakes_options *options = &brakes->options;

    return holds_new(&(struct holds_options){
        .park = brakes->park, .book = options->book, .house = options->house,
        .hold_ms = options->config->hold_s * 1000, .offer_ms = options->config->offer_s * 1000,
        .shared = options->shared, .loop = options->loop, .store = options->store,
        .node = options->ids->node, .note = options->note, .ctx = options->note_ctx,
    });
}

struct brakes *brakes_new(const struct brakes_options *options)
{
    struct brakes *brakes = calloc(1, sizeof(*brakes));

    CHECK(brakes != NULL && options->loop != NULL && options->store != NULL);
    CHECK(options->book != NULL && options->house != NULL);
    CHECK(options->config != NULL && options->ids != NULL);
    brakes->options = *options;
    brakes->park = park_new(options->loop, LIMIT_PARKED);
    brakes->holds = make_holds(brakes);
    brakes->delays = delays_new(brakes->park, options->book, options->delays);
    brakes->liability = liability_new(&(struct liability_options){
        .loop = options->loop, .store = options->store, .house = options->house,
        .lease_ms = options->config->liability_lease_ms,
        .node = options->ids->node, .is_over = is_over, .next_bet = next_bet, .ctx = brakes,
    });
    return brakes;
}

void brakes_free(struct brakes *brakes)
{
    if (brakes == NULL)
        return;
    CHECK(holds_are_idle(brakes->holds));
    liability_free(brakes->liability);
    holds_free(brakes->holds);
    delays_free(brakes->delays);
    park_free(brakes->park);
    free(brakes);
}

void brakes_drain(struct brakes *brakes)
{
    brakes->draining = true;
    park_drain(brakes->park);
    for (unsigned i = 0; i < PARK_REASONS; i++)
        CHECK(park_count(brakes->park, (enum park_reason)i) == 0);
}

bool brakes_are_idle(struct brakes *brakes)
{
    if (brakes->draining)
        liability_drain(brakes->liability);
    return liability_is_idle(brakes->liability) && holds_are_idle(brakes->holds);
}

void brakes_on_money(struct brakes *brakes, const struct bus_money *money)
{
    liability_on_money(brakes->liability, brakes->options.house, money);
}

void brakes_on_liability(struct brakes *brakes, int64_t bet, struct market_id market,
                         struct str outcome, int64_t delta_minor)
{
    CHECK(bet > 0);
    if (delta_minor < 0)
        liability_take(brakes->liability, bet, market, outcome, -delta_minor);
    else
        liability_add(brakes->liability, bet, market, outcome, delta_minor);
}

void brakes_metrics(const struct brakes *brakes)
{
    for (unsigned i = 0; i < PARK_REASONS; i++)
        metric_set(METRIC_PARKED_REQUESTS, str_of(park_reason_name((enum park_reason)i)),
                   (int64_t)park_count(brakes->park, (enum park_reason)i));
    metric_set(METRIC_LIABILITY_ENTRIES, STR_NONE, (int64_t)liability_count(brakes->liability));
}
