/*
 * The bets role's own memory: made at start with every limit, freed when idle.
 */
#include "bets/bets.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "bets/inside.h"

#define MEMBERS_BYTES (1024 * 1024)

struct bets *bets_new(const struct bets_options *options)
{
    struct bets *bets = calloc(1, sizeof(*bets));

    CHECK(bets != NULL && options->who != NULL);
    CHECK(options->book != NULL && options->config != NULL);
    bets->options = *options;
    bets->who = options->who;
    bets->brakes = brakes_new(&(struct brakes_options){
        .loop = options->loop, .store = options->store, .book = options->book,
        .config = options->config, .house = options->house, .delays = options->delays,
        .ids = who_ids(options->who), .shared = options->shared,
        .note = options->note, .note_ctx = options->note_ctx,
    });
    bets->verdicts = verdicts_new(LIMIT_VERDICTS);
    buf_init(&bets->scratch, LIMIT_RESPONSE_BYTES);
    buf_init(&bets->members, MEMBERS_BYTES);
    bets->lanes = command_lanes_new(bets);
    return bets;
}

void bets_free(struct bets *bets)
{
    if (bets == NULL)
        return;
    CHECK(bets_idle(bets) && bets->waiters == 0);
    CHECK(lanes_queued(bets->lanes) == 0);
    lanes_free(bets->lanes);
    brakes_free(bets->brakes);
    buf_fini(&bets->members);
    buf_fini(&bets->scratch);
    verdicts_free(bets->verdicts);
    free(bets);
}

bool bets_are_queued(const struct bets *bets)
{
    return lanes_are_behind(bets->lanes);
}

void bets_on_liability(void *ctx, int64_t bet, struct market_id market, struct str outcome,
                       int64_t delta_minor)
{
    struct bets *bets = ctx;

    brakes_on_liability(bets->brakes, bet, market, outcome, delta_minor);
}

void bets_on_money(void *ctx, const struct bus_money *money)
{
    struct bets *bets = ctx;

    brakes_on_money(bets->brakes, money);
}

void bets_on_prices(void *ctx, const struct bus_prices *prices)
{
    struct bets *bets = ctx;

    delays_on_prices(bets->brakes->delays, prices);
}

void bets_drain(struct bets *bets)
{
    brakes_drain(bets->brakes);
}

bool bets_idle(struct bets *bets)
{
    CHECK(bets->waiters <= bets->working);
    return bets->working == 0 && lanes_are_idle(bets->lanes) && brakes_are_idle(bets->brakes);
}

void bets_get_holds(struct bets *bets, struct http_request *request)
{
    holds_get(bets->brakes->holds, request);
}

void bets_post_hold(struct bets *bets, struct http_request *request)
{
    holds_post(bets->brakes->holds, request);
}

void bets_metrics(struct bets *bets)
{
    metric_set(METRIC_QUEUE_DELAY, STR_NONE, lanes_waited_us(bets->lanes, clock_mono_us()));
    metric_set(METRIC_LANE_QUEUE, STR_NONE, lanes_queued(bets->lanes));
    metric_set(METRIC_VERDICTS_CACHED, STR_NONE, (int64_t)verdicts_count(bets->verdicts));
    brakes_metrics(bets->brakes);
}
