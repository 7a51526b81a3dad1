/*
 * Risk: from messages to the tree, the ring and the gauges.  A bet's part in
 * the tree is a function of its slip and of the stake that is left, so only
 * bets that were cashed out in part need a memory of their own.
 */
#include "risk/risk.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/event_kind.h"
#include "model/grade.h"
#include "risk/inside.h"

#define LOAD_ARENA_BYTES (16 * 1024 * 1024)

/* What is left of an open bet after a partial cash-out. */
struct cashed_part {
    int64_t bet, stake_minor, potential_minor;
};

struct risk *risk_new(const struct risk_options *options)
{
    struct risk *risk = calloc(1, sizeof(*risk));

    CHECK(risk != NULL && options->house != NULL && options->book != NULL);
    risk->options = *options;
    risk->exposure = exposure_new();
    map_init(&risk->parts, LIMIT_PARTS);
    buf_init(&risk->scratch, LIMIT_RESPONSE_BYTES);
    return risk;
}

void risk_free(struct risk *risk)
{
    struct cashed_part *part;
    size_t at = 0;

    if (risk == NULL)
        return;
    while ((part = map_next(&risk->parts, &at)) != NULL)
        free(part);
    map_fini(&risk->parts);
    for (size_t i = 0; i < LARGE_BETS; i++)
        free((char *)(uintptr_t)risk->large[i].slip.p);
    buf_fini(&risk->scratch);
    exposure_free(risk->exposure);
    free(risk);
}

/* ---- what one bet counts ------------------------------------------------- */

static struct exposed_bet exposed(const struct risk *risk, const struct currency *currency,
                                  const struct slip *slip, int64_t stake_minor,
                                  int64_t potential_minor)
{
    const struct house *house = risk->options.house;
    struct exposed_bet bet = { .slip = slip };

    if (house_knows(house, currency)) {
        bet.stake_minor = house_from(house, currency, stake_minor);
        bet.liability_minor = house_liability(house, currency, stake_minor, potential_minor);
    }
    return bet;
}

static void count(struct risk *risk, const struct currency *currency,
                  const struct exposed_bet *bet, int sign)
{
    exposure_count(risk->exposure, bet, sign);
    if (!house_knows(risk->options.house, currency))
        risk->unrated += sign;
}

/* For those who charge limits: each leg's liability moves by this. */
static void report_change(const struct risk *risk, const struct bet_view *view,
                          int64_t delta_minor)
{
    const struct slip *slip = view->slip;

    if (risk->options.on_change == NULL || delta_minor == 0)
        return;
    for (uint32_t i = 0; i < slip->n_legs; i++)
        risk->options.on_change(risk->options.ctx, view->id, slip->legs[i].market,
                                slip->legs[i].outcome, delta_minor);
}

/* ---- partial cash-outs ---------------------------------------------------- */

static struct cashed_part *part_of(const struct risk *risk, int64_t bet)
{
    return map_get(&risk->parts, MAP_KEY(&bet));
}

static void part_drop(struct risk *risk, int64_t bet)
{
    free(map_del(&risk->parts, MAP_KEY(&bet)));
}

static void part_keep(struct risk *risk, const struct bet_view *view)
{
    struct cashed_part *part = part_of(risk, view->id);

    if (part == NULL) {
        part = malloc(sizeof(*part));
        CHECK(part != NULL);
        part->bet = view->id;
        if (!map_put(&risk->parts, MAP_KEY(&part->bet), part)) {
            free(part);
            return;
        }
    }
    part->stake_minor = view->stake_minor - view->cashed_stake_minor;
    part->potential_minor = view->potential_minor;
}

/* As it was counted until now. */
static struct exposed_bet counted(const struct risk *risk, const struct bet_view *view)
{
    const struct cashed_part *part = part_of(risk, view->id);
    int64_t potential;

    if (part != NULL)
        return exposed(risk, view->currency, view->slip, part->stake_minor,
                       part->potential_minor);
    if (view->cashed_stake_minor == 0 || /* it has always been that */
        !grade_potential(view->slip, view->stake_minor, &potential))
        potential = view->potential_minor;
    return exposed(risk, view->currency, view->slip, view->stake_minor, potential);
}

/* As it stands. */
static struct exposed_bet standing(const struct risk *risk, const struct bet_view *view)
{
    return exposed(risk, view->currency, view->slip,
                   view->stake_minor - view->cashed_stake_minor, view->potential_minor);
}

/* ---- messages ------------------------------------------------------------- */

static void ring_put(struct risk *risk, const struct bus_money *message, int64_t house_minor)
{
    struct large_bet *large = &risk->large[risk->n_large++ % LARGE_BETS];
    const struct bet_view *view = message->bet;
    char *copy;

    free((char *)(uintptr_t)large->slip.p);
    buf_reset(&risk->scratch);
    slip_encode(view->slip, &risk->scratch);
    copy = malloc(risk->scratch.n);
    CHECK(copy != NULL);
    memcpy(copy, risk->scratch.p, risk->scratch.n);
    *large = (struct large_bet){
        .id = view->id, .account = message->account, .at_ms = view->placed_ms,
        .stake_minor = view->stake_minor, .potential_minor = view->potential_minor,
        .house_minor = house_minor, .currency = view->currency,
        .slip = { copy, risk->scratch.n },
    };
    if (view->country.n < sizeof(large->country))
        memcpy(large->country, view->country.p, view->country.n);
}

static void on_accepted(struct risk *risk, const struct bus_money *message)
{
    const struct house *house = risk->options.house;
    const struct bet_view *view = message->bet;
    struct exposed_bet bet = standing(risk, view);
    int64_t large_minor = money_from_e2(risk->options.config->large_bet, house->currency);

    count(risk, view->currency, &bet, 1);
    if (house_knows(house, view->currency) && bet.stake_minor >= large_minor)
        ring_put(risk, message, bet.stake_minor);
}

static void on_over(struct risk *risk, const struct bet_view *view)
{
    struct exposed_bet bet = counted(risk, view);

    count(risk, view->currency, &bet, -1);
    report_change(risk, view, -bet.liability_minor);
    part_drop(risk, view->id);
}

static void on_reopened(struct risk *risk, const struct bet_view *view)
{
    struct exposed_bet bet = standing(risk, view);

    count(risk, view->currency, &bet, 1);
    report_change(risk, view, bet.liability_minor);
    if (view->cashed_stake_minor > 0)
        part_keep(risk, view);
}

static void on_partly_cashed(struct risk *risk, const struct bet_view *view)
{
    struct exposed_bet was = counted(risk, view), is = standing(risk, view);

    count(risk, view->currency, &was, -1);
    count(risk, view->currency, &is, 1);
    report_change(risk, view, is.liability_minor - was.liability_minor);
    part_keep(risk, view);
}

/* Stakes are the house's until they are paid back. */
static void count_ggr(const struct bus_money *message)
{
    metric_add(METRIC_GGR, message->currency,
               message->event == EVENT_BET_ACCEPTED ? message->amount_minor
                                                    : -message->amount_minor);
}

void risk_on_money(void *ctx, const struct bus_money *message)
{
    struct risk *risk = ctx;
    const struct bet_view *view = message->bet;

    if (view == NULL || message->event == 0)
        return;
    count_ggr(message);
    switch (message->event) {
    case EVENT_BET_ACCEPTED:
        on_accepted(risk, message);
        break;
    case EVENT_BET_SETTLED:
    case EVENT_BET_CASHED_OUT:
        on_over(risk, view);
        break;
    case EVENT_BET_REOPENED:
        on_reopened(risk, view);
        break;
    case EVENT_BET_PARTLY_CASHED_OUT:
        on_partly_cashed(risk, view);
        break;
    default:
        break;
    }
}

/* ---- at start ------------------------------------------------------------- */

struct counting {
    struct risk *risk;
    struct arena arena;
    struct slip slip;
    uint64_t n;
};

/* Columns of the scan. */
enum { L_ID, L_STAKE, L_POTENTIAL, L_CURRENCY, L_SLIP, L_CASHED };

static bool on_open_bet(void *ctx, const struct value *cells)
{
    struct counting *counting = ctx;
    const struct currency *currency = currency_find(cells[L_CURRENCY].s);
    struct exposed_bet bet;

    arena_reset(&counting->arena);
    if (currency == NULL || !slip_decode(cells[L_SLIP].s, &counting->arena, &counting->slip)) {
        log_error("risk", "a stored bet cannot be read", "bet=%" PRId64, cells[L_ID].i);
        return true;
    }
    bet = exposed(counting->risk, currency, &counting->slip, cells[L_STAKE].i,
                  cells[L_POTENTIAL].i);
    count(counting->risk, currency, &bet, 1);
    if (cells[L_CASHED].i > 0)
        part_keep(counting->risk, &(struct bet_view){
            .id = cells[L_ID].i, .stake_minor = cells[L_STAKE].i,
            .potential_minor = cells[L_POTENTIAL].i,
        });
    if (++counting->n % 100000 == 0)
        log_info("risk", "counting open bets", "n=%" PRIu64, counting->n);
    return true;
}

static bool on_snapshot(void *ctx, const struct value *cells)
{
    struct xid_snapshot *snapshot = ctx;

    if (!xid_snapshot_read(cells[0].s, snapshot))
        *snapshot = (struct xid_snapshot){ .xmin = -1 };
    return true;
}

/* From here to the end of the transaction everything is read under it. */
static bool begin_snapshot(struct db *db, struct xid_snapshot *snapshot, struct str *error)
{
    *snapshot = (struct xid_snapshot){ .xmin = -1 };
    if (!db_run(db, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", error) ||
        !db_query(db, "SELECT pg_current_snapshot()::text", "", NULL, "s", on_snapshot,
                  snapshot, error))
        return false;
    if (snapshot->xmin >= 0)
        return true;
    *error = STR("the snapshot cannot be read");
    return false;
}

static bool load_open_bets(struct risk *risk, struct db *db, struct str *error)
{
    static struct counting counting;
    bool well;

    counting = (struct counting){ .risk = risk };
    arena_init(&counting.arena, LOAD_ARENA_BYTES);
    well = db_query(db, "SELECT id, stake, potential, currency, slip, cashed_stake FROM bets"
                        " WHERE state = 1", "", NULL, "iiissi", on_open_bet, &counting,
                    error);
    arena_fini(&counting.arena);
    if (well && counting.n > 0)
        log_info("risk", "open bets counted", "n=%" PRIu64, counting.n);
    return well;
}

bool risk_load(struct risk *risk, struct db *db, struct xid_snapshot *snapshot, struct str *error)
{
    if (snapshot == NULL)
        return load_open_bets(risk, db, error);
    return begin_snapshot(db, snapshot, error) && load_open_bets(risk, db, error) &&
           db_run(db, "COMMIT", error);
}

void risk_metrics(const struct risk *risk)
{
    struct exposure_counts counts = exposure_counts(risk->exposure);

    metric_set(METRIC_OPEN_BETS, STR_NONE, counts.bets);
    metric_set(METRIC_OPEN_LIABILITY, str_of(risk->options.house->currency->code),
               counts.liability_minor);
    metric_set(METRIC_EXPOSED_MARKETS, STR_NONE, (int64_t)counts.markets);
}

void risk_of_outcome(const struct risk *risk, struct market_id id, struct str outcome,
                     int64_t *stakes_minor, int64_t *liability_minor)
{
    const struct exposed_event *event = exposure_event(risk->exposure, id.event);
    const struct exposed_market *market = event == NULL ? NULL : event->markets;

    *stakes_minor = *liability_minor = 0;
    while (market != NULL && !market_id_equal(market->id, id))
        market = market->next;
    for (uint32_t i = 0; market != NULL && i < market->n_outcomes; i++) {
        if (!str_eq(market->outcomes[i].id, outcome))
            continue;
        *stakes_minor = market->outcomes[i].stakes_minor;
        *liability_minor = market->outcomes[i].liability_minor;
    }
}
