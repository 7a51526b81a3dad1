/*
 * Live delay (rule 12): a slip with a leg on a live event is kept open for
 * some seconds, so that a customer who sees a goal first cannot bet on it.
 *
 *   arrival -> a leg's market is not active? stopped, no use in waiting
 *           -> parked ... each change of the book: stopped if it stops a leg
 *           -> the delay is over: on, judged when its batch is formed
 *
 * A stop counts even if the market goes on before the delay is over: the book
 * is looked at after every entry of the log that may have changed a leg, so no
 * stop is so short that it is missed.
 */
#ifndef HOUSE_DELAY_H
#define HOUSE_DELAY_H

#include "house/park.h"
#include "bus/bus.h"
#include "model/bet.h"

#define DELAY_MS_MAX 60000
#define DELAY_SETTINGS_MAX 256

/* How long, by sport, or by sport and market. */
struct delay_settings {
    int64_t default_ms;
    struct { struct str sport; uint32_t market; int64_t ms; } list[DELAY_SETTINGS_MAX];
    unsigned n; /* market 0 = all of the sport's */
};

/* "sr:sport:1=3000,sr:sport:5/186=5000": sport or sport/market = milliseconds.
 * The text is borrowed.  False: *error, in the arena, says what is wrong. */
bool delay_read_settings(struct str text, int64_t default_ms, struct delay_settings *settings,
                         struct arena *arena, struct str *error) MUST_USE;

struct delays;

/* One slip's; the memory of whoever waits, and what it points to. */
struct delay {
    /* in */
    const struct slip *slip;
    /* It is over; runs once, never inside delays_start().  drained: the process
     * stops, nothing is decided. */
    void (*on_over)(struct delay *delay, bool drained);
    void *ctx;
    /* out: bit i: the market of leg i was not active at some instant */
    uint32_t stopped;
    /* its own */
    struct delays *delays;
    struct parked_request parked;
    struct delay_leg {
        struct delay *delay;
        struct watched *watched;
        struct delay_leg *next, *previous; /* of the same event */
        uint32_t i;
    } legs[LIMIT_LEGS];
};

/* Borrows all; settings NULL: no delay anywhere. */
struct delays *delays_new(struct park *park, const struct book *book,
                          const struct delay_settings *settings) MUST_USE;
void delays_free(struct delays *delays); /* when none waits */

/* False: no bet waits, whatever its legs. */
bool delays_are_set(const struct delays *delays);

enum delay_answer {
    DELAY_NONE,    /* go on at once; look at `stopped` */
    DELAY_WAITS,
    DELAY_FULL,    /* too many wait */
};
enum delay_answer delays_start(struct delays *delays, struct delay *delay,
                               int64_t now_us) MUST_USE;
/* A bus_subscriber's on_prices. */
void delays_on_prices(void *delays, const struct bus_prices *prices);

#endif
