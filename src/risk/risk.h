/*
 * Risk: the traders' view of the money.  Consumes committed money (bus_money)
 * and keeps the exposure of all open bets, the large bets as they arrive, and
 * the house's winnings; at start it reads the open bets once.
 *
 *   store: open bets --at start--> exposure <--bus money-- bets, settle
 *                                     |-- GET /v1/desk/exposure, /metrics
 *   large bets: a ring -------------- GET /v1/desk/bets
 *   store: one customer ------------- GET /v1/desk/customers/{id}
 */
#ifndef RISK_RISK_H
#define RISK_RISK_H

#include "base/config.h"
#include "bus/bus.h"
#include "model/house.h"
#include "model/xid_snapshot.h"
#include "net/http.h"
#include "store/db.h"
#include "store/store.h"

struct risk;

struct risk_options {
    struct store *store;
    const struct book *book;   /* for names, sports, factors */
    const struct house *house;
    const struct config *config;
    /* A bet that was open is less so (delta < 0) or more so, at this outcome:
     * for those who charge a limit.  Not called for fresh bets. */
    void (*on_change)(void *ctx, int64_t bet, struct market_id market, struct str outcome,
                      int64_t delta_minor);
    void *ctx;
};

struct risk *risk_new(const struct risk_options *options) MUST_USE;
void risk_free(struct risk *risk);

/* At start, blocking, before the first message: counts the open bets.  With a
 * snapshot (PostgreSQL) it says which transactions were counted. */
bool risk_load(struct risk *risk, struct db *db, struct xid_snapshot *snapshot,
               struct str *error) MUST_USE;
/* The bus's subscriber. */
void risk_on_money(void *risk, const struct bus_money *message);
/* What the open bets on this outcome have staked, and may cost the house. */
void risk_of_outcome(const struct risk *risk, struct market_id market, struct str outcome,
                     int64_t *stakes_minor, int64_t *liability_minor);
/* Sets the gauges. */
void risk_metrics(const struct risk *risk);

/* GET /v1/desk/exposure?sport=&event= */
void risk_get_exposure(struct risk *risk, struct http_request *request);
/* GET /v1/desk/bets?after=&limit= */
void risk_get_bets(struct risk *risk, struct http_request *request);
/* GET /v1/desk/customers/{id} */
void risk_get_customer(struct risk *risk, struct http_request *request);

#endif
