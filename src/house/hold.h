/*
 * Held bets: those above the threshold wait, request open, for a trader's
 * yes, no or smaller stake; at most so long, then they are declined.
 *
 * An offer is remembered some time: the customer's next bet on the same legs
 * with at most that stake is not held again.  It is good for one bet.
 *
 * If other processes take bets too (`shared`), held bets and offers are in the
 * table holds: a trader's decision may reach any process, and the process that
 * keeps the request open polls the table (hold_shared.c).  The first decision is
 * a conditional UPDATE; a later one changes no row.
 */
#ifndef HOUSE_HOLD_H
#define HOUSE_HOLD_H

#include "house/park.h"
#include "model/bet.h"
#include "model/book.h"
#include "model/house.h"
#include "net/http.h"
#include "store/store.h"

struct operator;

enum hold_decision {
    HOLD_ACCEPT, HOLD_DECLINE, HOLD_OFFER,
    HOLD_TIMEOUT, /* no trader decided in time */
    HOLD_DRAINED, /* the process stops: not decided */
};

/* One that waits; its owner's memory, and what it points to. */
struct held_bet {
    /* in */
    int64_t account, id;
    const struct currency *currency;
    const struct slip *slip;           /* at the odds when it was held */
    int64_t stake_minor, potential_minor;
    int64_t house_minor;               /* the stake in the house's currency */
    /* It is decided; runs once.  offer_minor: the stake offered, else 0. */
    void (*on_decision)(struct held_bet *held, enum hold_decision decision, int64_t offer_minor);
    void *ctx;
    /* its own */
    struct holds *holds;
    struct parked_request parked;
    int64_t since_ms, until_ms;
    uint64_t offer;                    /* with HOLD_ACCEPT: the offer it lives on, or 0 */
};

struct holds_options {
    struct park *park;
    const struct book *book;    /* for names */
    const struct house *house;
    int64_t hold_ms, offer_ms;
    bool shared;                /* then also: */
    uv_loop_t *loop;
    struct store *store;
    int64_t node;
    /* The audit log: who did what to which bet, and why. */
    void (*note)(void *ctx, const struct operator *operator, struct str what, struct str reason);
    void *ctx;
};

struct holds;

struct holds *holds_new(const struct holds_options *options) MUST_USE;
/* Only when idle; ends in the loop's next turn. */
void holds_free(struct holds *holds);
bool holds_are_idle(const struct holds *holds);

/* False: too many wait, in all or of this customer. */
bool holds_put(struct holds *holds, struct held_bet *held, int64_t now_us, int64_t now_ms) MUST_USE;
/*
 * Takes what a trader has offered for these legs, if the stake is not above
 * it: nobody else can then.  Gives the offer's number, or 0: there is none.
 */
uint64_t holds_take_offer(struct holds *holds, int64_t account, const struct slip *slip,
                          int64_t stake_minor, int64_t now_ms) MUST_USE;
/* No bet came of it: it can be taken again. */
void holds_return_offer(struct holds *holds, uint64_t number);

/* GET /v1/desk/holds, POST /v1/desk/holds/{id} */
void holds_get(struct holds *holds, struct http_request *request);
void holds_post(struct holds *holds, struct http_request *request);

#endif
