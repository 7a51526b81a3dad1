/*
 * Customers' money: accounts and sessions, wallet, placement, history.
 *
 *   request -> slip_json -> joins a copy in flight? known key? rate?
 *           -> lane queue -> judged when the batch is formed (place.c)
 *           -> store_money -> answers when the commit returns (lane.c)
 *
 * Every handler has the shape of a route: it gets the struct bets and the
 * request, and answers now or later through net/answer.h.
 */
#ifndef BETS_BETS_H
#define BETS_BETS_H

#include <uv.h>

#include "base/config.h"
#include "house/delay.h"
#include "bus/bus.h"
#include "model/book.h"
#include "model/country.h"
#include "model/experiment.h"
#include "model/house.h"
#include "net/http.h"
#include "store/store.h"

struct bets;
struct tracer;

/* An Ed25519 seed of session tokens, with the id that tokens carry. */
struct bets_key {
    int64_t kid;
    uint8_t seed[32];
};

struct bets_options {
    uv_loop_t *loop;
    struct store *store;
    struct bus *bus;             /* gets what was committed (bus_money); NULL = nobody */
    const struct book *book;     /* this process's copy */
    /* Judges anew whether the book is looked after, before bets are judged by
     * it.  NULL: it always is. */
    void (*look)(void *ctx);
    void *look_ctx;
    const struct config *config;
    const struct house *house;
    const struct delay_settings *delays; /* NULL: no live delay */
    const struct country_rules *countries; /* asked only with an edge-secret */
    const struct experiments *experiments; /* NULL: none */
    /* The customer was told the arms.  NULL: nobody asks. */
    void (*on_exposed)(void *ctx, int64_t account, const struct currency *currency,
                       int64_t at_ms);
    void *exposed_ctx;
    struct tracer *tracer;       /* NULL: nothing is traced */
    const struct bets_key *keys; /* newest last: it signs, all verify */
    unsigned n_keys;
    uint32_t node;               /* of this process, for ids: 0..1023 */
    bool shared;                 /* other processes take bets, too: what waits for a
                                    trader is in the store */
    /* The audit log: what an operator said of a held bet.  NULL: none. */
    void (*note)(void *ctx, const struct operator *operator, struct str what, struct str reason);
    void *note_ctx;
};

/* Borrows everything in options but the keys, which are copied. */
struct bets *bets_new(const struct bets_options *options) MUST_USE;
/* Only when bets_idle(); the loop must turn once more afterwards. */
void bets_free(struct bets *bets);

/* A bus_subscriber's on_prices: what suspends a bet in its live delay. */
void bets_on_prices(void *bets, const struct bus_prices *prices);

/* Whose session a token is of, for connections that outlive a request.
 * `then` is called once, at once or later. */
struct bets_identity { int64_t account, epoch, expires_ms; };
enum bets_session_state { BETS_SESSION_GOOD, BETS_SESSION_OVER, BETS_SESSION_BUSY };
typedef void bets_on_identity(void *ctx, enum bets_session_state state,
                              const struct bets_identity *identity);
void bets_identify(struct bets *bets, struct str token, bets_on_identity *then, void *ctx);
/* Whether that is still so: compared with the store at most 20 s ago. */
void bets_confirm(struct bets *bets, const struct bets_identity *identity,
                  bets_on_identity *then, void *ctx);

/* POST /v1/accounts; POST, GET and DELETE /v1/sessions */
void bets_post_account(void *bets, struct http_request *request);
void bets_post_session(void *bets, struct http_request *request);
void bets_get_session(void *bets, struct http_request *request);
void bets_delete_session(void *bets, struct http_request *request);
/* /v1/wallet… */
void bets_get_wallet(void *bets, struct http_request *request);
void bets_post_deposit(void *bets, struct http_request *request);
void bets_post_withdrawal(void *bets, struct http_request *request);
void bets_get_transfers(void *bets, struct http_request *request);
/* /v1/limits, /v1/exclusion */
void bets_get_limits(void *bets, struct http_request *request);
void bets_put_limit(void *bets, struct http_request *request);
void bets_put_exclusion(void *bets, struct http_request *request);
/* /v1/bets… */
void bets_post_bet(void *bets, struct http_request *request);
void bets_post_cashout(void *bets, struct http_request *request); /* param = bet id */
void bets_list(void *bets, struct http_request *request);
void bets_get_one(void *bets, struct http_request *request); /* param = bet id */

/* /v1/desk/holds…, for traders */
void bets_get_holds(void *bets, struct http_request *request);
void bets_post_hold(void *bets, struct http_request *request); /* param = hold id */

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
