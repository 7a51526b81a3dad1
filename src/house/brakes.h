/*
 * The house's own brakes on a bet, made and ended together:
 *
 *   park       requests kept open, each with a deadline
 *     delays   live bets wait some seconds (delay.h)
 *     holds    large bets wait for a trader (hold.h)
 *   liability  what the house may lose by an outcome (liability.h)
 *
 * A bet passes them by way of the gate (gate.h).
 */
#ifndef HOUSE_BRAKES_H
#define HOUSE_BRAKES_H

#include "base/config.h"
#include "house/delay.h"
#include "house/hold.h"
#include "house/liability.h"
#include "house/park.h"
#include "model/ids.h"

struct operator;

struct brakes_options {
    uv_loop_t *loop;
    struct store *store;
    const struct book *book;             /* this process's copy */
    const struct config *config;
    const struct house *house;
    const struct delay_settings *delays; /* NULL: no live delay */
    struct ids *ids;                     /* held bets and liability's leases take from it */
    bool shared;                         /* other processes take bets, too: what waits
                                            for a trader is in the store */
    /* The audit log: what an operator said of a held bet.  NULL: none. */
    void (*note)(void *ctx, const struct operator *operator, struct str what, struct str reason);
    void *note_ctx;
};

struct brakes {
    struct brakes_options options;
    struct park *park;
    struct delays *delays;
    struct holds *holds;
    struct liability *liability;
    bool draining;
};

/* Borrows all. */
struct brakes *brakes_new(const struct brakes_options *options) MUST_USE;
/* Only when idle; the loop must turn once more afterwards. */
void brakes_free(struct brakes *brakes);

/* No more bets are kept open: those that are, end. */
void brakes_drain(struct brakes *brakes);
/* When nothing is judged any more: what is leased goes back first. */
bool brakes_are_idle(struct brakes *brakes);

/* A bus_money, where nobody else tells of each bet's change: room of bets that
 * are over. */
void brakes_on_money(struct brakes *brakes, const struct bus_money *money);
/* An open bet's liability at this outcome has changed by delta. */
void brakes_on_liability(struct brakes *brakes, int64_t bet, struct market_id market,
                         struct str outcome, int64_t delta_minor);

/* Sets the gauges, before /metrics is written. */
void brakes_metrics(const struct brakes *brakes);

#endif
