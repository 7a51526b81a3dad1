/*
 * Exposure: the possible cost of the open bets, as a tree that is kept current.
 * Amounts are in the house's minor units.
 *
 *   event --< market --< outcome      each with its bets, stakes, liability
 *
 * A bet counts at each of its legs, whole (rule 14).  A market's worst case is
 * that of its outcomes at which the house loses most: their bets' payouts less
 * stakes, less the stakes of singles and multiples on the other outcomes.  A
 * system may live on without a leg: its stake offsets nothing.
 *
 * Branches without open bets are removed.
 */
#ifndef RISK_EXPOSURE_H
#define RISK_EXPOSURE_H

#include "base/map.h"
#include "model/bet.h"

struct exposed_outcome {
    struct str id;
    int64_t bets, stakes_minor, liability_minor;
    int64_t offset_minor; /* stakes that are lost for sure if it loses */
};

struct exposed_market {
    struct market_id id;
    struct exposed_event *event;
    struct exposed_market *next, *previous; /* of the event */
    int64_t bets, stakes_minor, offset_minor;
    struct exposed_outcome *outcomes;
    uint32_t n_outcomes, room;
};

struct exposed_event {
    struct str id;
    struct exposed_market *markets;
    int64_t bets, stakes_minor, liability_minor;
};

/* What one bet adds to each of its legs. */
struct exposed_bet {
    const struct slip *slip;
    int64_t stake_minor, liability_minor; /* of the stake that is left */
};

struct exposure;

struct exposure *exposure_new(void);
void exposure_free(struct exposure *exposure);
/* sign 1: it is open; -1: it is not any more. */
void exposure_count(struct exposure *exposure, const struct exposed_bet *bet, int sign);

const struct exposed_event *exposure_event(const struct exposure *exposure, struct str id);
/* In no order: *at = 0 first; NULL ends. */
const struct exposed_event *exposure_next(const struct exposure *exposure, size_t *at);
/* < 0: the house wins whatever happens. */
int64_t exposure_worst(const struct exposed_market *market);
/* Of its markets that can lose, in all. */
int64_t exposure_worst_of_event(const struct exposed_event *event);

struct exposure_counts { size_t events, markets; int64_t bets, stakes_minor, liability_minor; };
/* Each bet once. */
struct exposure_counts exposure_counts(const struct exposure *exposure);

#endif
