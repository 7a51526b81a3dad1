/*
 * Customers' money: placement, cash-out, wallet, history, their own limits.
 * who/ knows the customer of a request, house/ knows the house's limits.
 *
 *   request -> slip_json -> joins a copy in flight? known key? rate?
 *           -> lane queue -> judged when the batch is formed (place.c)
 *           -> store_money -> answers when the commit returns (lane.c)
 *
 * Every handler has the shape of a route: it gets the struct bets and the
 * request, and answers now or later through api/answer.h.
 */
#ifndef BETS_BETS_H
#define BETS_BETS_H

#include "house/brakes.h"
#include "who/who.h"

struct operator;
struct bets;
struct tracer;

struct bets_options {
    struct who *who;
    uv_loop_t *loop;
    struct store *store;
    struct bus *bus;             /* gets what was committed (bus_money), and says before each
                                    batch whose prices are silent; NULL = nobody */
    const struct book *book;     /* this process's copy */
    const struct config *config;
    const struct house *house;
    const struct delay_settings *delays; /* NULL: no live delay */
    struct tracer *tracer;       /* NULL: nothing is traced */
    bool shared;                 /* other processes take bets, too: what waits for a
                                    trader is in the store */
    /* The audit log: what an operator said of a held bet.  NULL: none. */
    void (*note)(void *ctx, const struct operator *operator, struct str what, struct str reason);
    void *note_ctx;
};

/* Borrows everything in options. */
struct bets *bets_new(const struct bets_options *options) MUST_USE;
/* Only when bets_idle(); the loop must turn once more afterwards. */
void bets_free(struct bets *bets);

/* A bus_subscriber's on_prices: what suspends a bet in its live delay. */
void bets_on_prices(void *bets, const struct bus_prices *prices);

/* /v1/wallet… */
void bets_get_wallet(struct bets *bets, struct http_request *request);
void bets_post_deposit(struct bets *bets, struct http_request *request);
void bets_post_withdrawal(struct bets *bets, struct http_request *request);
void bets_get_transfers(struct bets *bets, struct http_request *request);
/* /v1/limits, /v1/exclusion */
void bets_get_limits(struct bets *bets, struct http_request *request);
void bets_put_limit(struct bets *bets, struct http_request *request);
void bets_put_exclusion(struct bets *bets, struct http_request *request);
/* /v1/bets… */
void bets_post_bet(struct bets *bets, struct http_request *request);
void bets_post_cashout(struct bets *bets, struct http_request *request); /* param = bet id */
void bets_list(struct bets *bets, struct http_request *request);
void bets_get_one(struct bets *bets, struct http_request *request); /* param = bet id */

/* /v1/desk/holds…, for traders */
void bets_get_holds(struct bets *bets, struct http_request *request);
void bets_post_hold(struct bets *bets, struct http_request *request); /* param = hold id */

/* A bus_subscriber's on_money, in a process of bets without risk (else
 * bets_on_liability(), which knows of every part): room of bets that are over. */
void bets_on_money(void *bets, const struct bus_money *money);

/* An open bet's liability at this outcome has changed: settled, cashed out,
 * reopened.  Fresh bets are charged by placement itself. */
void bets_on_liability(void *bets, int64_t bet, struct market_id market, struct str outcome,
                       int64_t delta_minor);

/* No more bets are kept open: those that are, are refused as busy. */
void bets_drain(struct bets *bets);
/* Commands wait beyond the batches in flight: settlement yields (rule 25). */
bool bets_are_queued(const struct bets *bets);
/* No request is being worked on: a drain may end. */
bool bets_idle(struct bets *bets);
/* Sets the gauges, before /metrics is written. */
void bets_metrics(struct bets *bets);

#endif
