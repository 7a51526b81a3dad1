/*
 * The bets role's own memory: made at start with every limit, freed when idle.
 */
#include "bets/bets.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/metrics.h"
#include "bets/inside.h"

#define MEMBERS_BYTES (1024 * 1024)
#define IDS_PER_MS 4096

struct bets *bets_new(const struct bets_options *options)
{
    struct bets *bets = calloc(1, sizeof(*bets));

    CHECK(bets != NULL && options->loop != NULL && options->store != NULL);
    CHECK(options->book != NULL && options->config != NULL && options->n_keys > 0);
    bets->options = *options;
    bets->keys = token_keys_new(options->keys, options->n_keys);
    bets->options.keys = NULL; /* copied */
    bets->sessions = sessions_new();
    bets->verdicts = verdicts_new(LIMIT_VERDICTS);
    bets->money_rates = rates_new(options->config->bet_rate, LIMIT_RATES);
    bets->login_rates = rates_new(options->config->login_rate, LIMIT_RATES);
    buf_init(&bets->scratch, LIMIT_RESPONSE_BYTES);
    buf_init(&bets->members, MEMBERS_BYTES);
    account_prepare(bets);
    bets->lanes = command_lanes_new(bets);
    return bets;
}

void bets_free(struct bets *bets)
{
    if (bets == NULL)
        return;
    CHECK(bets_idle(bets));
    lanes_free(bets->lanes);
    buf_fini(&bets->members);
    buf_fini(&bets->scratch);
    rates_free(bets->login_rates);
    rates_free(bets->money_rates);
    verdicts_free(bets->verdicts);
    sessions_free(bets->sessions);
    token_keys_free(bets->keys);
    free(bets);
}

int64_t bets_make_id(struct bets *bets, int64_t now_ms)
{
    if (now_ms > bets->id_ms) {
        bets->id_ms = now_ms;
        bets->id_n = 0;
    } else if (++bets->id_n == IDS_PER_MS) {
        /* More than a millisecond holds, or the clock went back. */
        bets->id_ms++;
        bets->id_n = 0;
    }
    return bet_id_make(bets->id_ms, bets->options.node, bets->id_n);
}

bool bets_are_queued(const struct bets *bets)
{
    return lanes_are_behind(bets->lanes);
}

bool bets_idle(const struct bets *bets)
{
    return bets->working == 0 && lanes_are_idle(bets->lanes);
}

void bets_metrics(struct bets *bets)
{
    metric_set(METRIC_LANE_QUEUE, STR_NONE, lanes_queued(bets->lanes));
    metric_set(METRIC_VERDICTS_CACHED, STR_NONE, (int64_t)verdicts_count(bets->verdicts));
}
