/*
 * The bets role's own memory: made at start with every limit, freed when idle.
 */
#include "bets/bets.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "bets/inside.h"
#include "net/edge_country.h"

#define MEMBERS_BYTES (1024 * 1024)
#define IDS_PER_MS 4096

static bool is_over(void *ctx, struct market_id id)
{
    const struct bets *bets = ctx;

    return book_market(bets->options.book, id) == NULL;
}

static int64_t next_bet(void *ctx)
{
    return bets_make_id(ctx, clock_wall_ms());
}

static void make_gate(struct bets *bets)
{
    const struct bets_options *options = &bets->options;

    bets->park = park_new(options->loop, LIMIT_PARKED);
    bets->holds = holds_new(&(struct holds_options){
        .park = bets->park, .book = options->book, .house = options->house,
        .hold_ms = options->config->hold_s * 1000, .offer_ms = options->config->offer_s * 1000,
        .shared = options->shared, .loop = options->loop, .store = options->store,
        .node = options->node, .note = options->note, .ctx = options->note_ctx,
    });
    bets->delays = delays_new(bets->park, options->book, options->delays);
    bets->liability = liability_new(&(struct liability_options){
        .loop = options->loop, .store = options->store, .house = options->house,
        .hold_ms = options->config->liability_lease_ms,
        .node = options->node, .is_over = is_over, .next_bet = next_bet, .ctx = bets,
    });
}

/* The setting that a class's row of tbl/rates.h names; 0: not limited here. */
static int64_t rate_of(const struct config *config, enum rate_class rate)
{
    struct str setting = str_of(rate_info(rate)->setting);

    if (str_eq(setting, STR("login-rate")))
        return config->login_rate;
    if (str_eq(setting, STR("bet-rate")))
        return config->bet_rate;
    CHECK(setting.n == 0);
    return 0;
}

struct bets *bets_new(const struct bets_options *options)
{
    struct bets *bets = calloc(1, sizeof(*bets));

    CHECK(bets != NULL && options->loop != NULL && options->store != NULL);
    CHECK(options->book != NULL && options->house != NULL);
    CHECK(options->config != NULL && options->n_keys > 0);
    bets->options = *options;
    bets->keys = token_keys_new(options->keys, options->n_keys);
    bets->options.keys = NULL; /* copied */
    if (options->config->edge_secret[0] != '\0') {
        CHECK(options->countries != NULL);
        bets->edge_keys = edge_keys_new(str_of(options->config->edge_secret),
                                        str_of(options->config->edge_secret_former));
    }
    bets->sessions = sessions_new();
    bets->verdicts = verdicts_new(LIMIT_VERDICTS);
    for (enum rate_class rate = 0; rate < RATE_CLASSES; rate++)
        bets->rates[rate] = rates_new(rate_of(options->config, rate), LIMIT_RATES);
    buf_init(&bets->scratch, LIMIT_RESPONSE_BYTES);
    buf_init(&bets->members, MEMBERS_BYTES);
    account_prepare(bets);
    bets->lanes = command_lanes_new(bets);
    make_gate(bets);
    return bets;
}

void bets_free(struct bets *bets)
{
    if (bets == NULL)
        return;
    CHECK(bets_idle(bets));
    lanes_free(bets->lanes);
    liability_free(bets->liability);
    holds_free(bets->holds);
    delays_free(bets->delays);
    park_free(bets->park);
    buf_fini(&bets->members);
    buf_fini(&bets->scratch);
    for (enum rate_class rate = 0; rate < RATE_CLASSES; rate++)
        rates_free(bets->rates[rate]);
    verdicts_free(bets->verdicts);
    sessions_free(bets->sessions);
    edge_keys_free(bets->edge_keys);
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

void bets_on_liability(void *ctx, int64_t bet, struct market_id market, struct str outcome,
                       int64_t delta_minor)
{
    struct bets *bets = ctx;

    if (delta_minor < 0)
        liability_take(bets->liability, bet, market, outcome, -delta_minor);
    else
        liability_add(bets->liability, bet, market, outcome, delta_minor);
}

void bets_on_money(void *ctx, const struct bus_money *money)
{
    struct bets *bets = ctx;

    liability_on_money(bets->liability, bets->options.house, money);
}

void bets_drain(struct bets *bets)
{
    bets->draining = true;
    park_drain(bets->park);
}

bool bets_idle(struct bets *bets)
{
    if (bets->working > 0 || !lanes_are_idle(bets->lanes))
        return false;
    if (bets->draining)
        liability_drain(bets->liability);
    return liability_is_idle(bets->liability) && holds_are_idle(bets->holds);
}

void bets_on_prices(void *ctx, const struct bus_prices *prices)
{
    struct bets *bets = ctx;

    delays_on_prices(bets->delays, prices);
}

void bets_get_holds(void *ctx, struct http_request *request)
{
    struct bets *bets = ctx;

    holds_get(bets->holds, request);
}

void bets_post_hold(void *ctx, struct http_request *request)
{
    struct bets *bets = ctx;

    holds_post(bets->holds, request);
}

void bets_metrics(struct bets *bets)
{
    metric_set(METRIC_QUEUE_DELAY, STR_NONE, lanes_waited_us(bets->lanes, clock_mono_us()));
    metric_set(METRIC_LANE_QUEUE, STR_NONE, lanes_queued(bets->lanes));
    for (unsigned i = 0; i < PARK_REASONS; i++)
        metric_set(METRIC_PARKED_REQUESTS, str_of(park_reason_name((enum park_reason)i)),
                   (int64_t)park_count(bets->park, (enum park_reason)i));
    metric_set(METRIC_LIABILITY_ENTRIES, STR_NONE, (int64_t)liability_count(bets->liability));
    metric_set(METRIC_VERDICTS_CACHED, STR_NONE, (int64_t)verdicts_count(bets->verdicts));
}
