/*
 * The desk's settings in the book: what traders set beside the feed, by
 * scope.  All comes from the desk's entries of the log, in its order.
 *
 *   suspended   at any of the four levels: the customer sees suspended; a
 *               resume lifts its own level alone, and opens nothing that the
 *               feed has suspended
 *   margin, limits   the nearest setting wins: market, event, sport, all
 *   price       of one outcome, beats the margin
 *   result, void     of a market, by the desk: it cannot be sold until they
 *               are withdrawn
 *
 * The sold price (RULES.md 1b) is kept in outcome.odds_e4.
 */
#ifndef MODEL_DESK_H
#define MODEL_DESK_H

#include "model/book.h"

/* Amounts in minor units of the house's currency; -1 = not set anywhere. The
 * nearest setting wins, each by itself: market, event, sport, all. */
struct desk_limits {
    int64_t stake_max_minor, liability_max_minor, hold_above_minor;
    int64_t since; /* the last entry about limits of any of its scopes; 0 = there is none */
};
#define DESK_LIMITS_NONE ((struct desk_limits){ -1, -1, -1, 0 })

struct desk_limits book_limits_of(const struct book *book, const struct market *market);
/* By which the limits of this customer are multiplied: 10000 = whole. */
int64_t book_stake_factor_e4(const struct book *book, int64_t account);
/* The margin in force; -1 = the feed's own prices. */
int64_t book_margin_e4(const struct book *book, const struct market *market);
/* The price set for an outcome; 0 = none. */
int64_t book_price_e4(const struct book *book, const struct market *market, struct str outcome);

/* Where the desk has suspended the market, and why else it is not sold. */
struct desk_suspension { bool all, sport, event, market, result, voided; };
struct desk_suspension book_suspension(const struct book *book, const struct market *market);
bool book_is_desk_suspended(const struct book *book, const struct market *market);

/*
 * What an outcome is sold at with a margin: pure, integers only.  sum_e12 is
 * the sum of 10^12 / odds over the active outcomes; margin_e4 >= 0.
 */
int64_t desk_sold_e4(int64_t fed_e4, int64_t sum_e12, int64_t margin_e4);

/* ---- proposals ---------------------------------------------------------- */

/* A result, void or withdrawal that waits for another operator. */
struct desk_proposal {
    int64_t id;                  /* the position of its entry */
    int64_t at_ms;
    enum desk_what what;
    struct str operator, reason;
    struct market_id market;
    int64_t start_ms, end_ms;    /* a void's window */
    struct message_outcome *outcomes;
    uint32_t n_outcomes;
    struct desk_proposal *next;  /* a later one */
};

/* The oldest; NULL: none.  Good until the next apply. */
const struct desk_proposal *book_proposals(const struct book *book);
const struct desk_proposal *book_proposal(const struct book *book, int64_t id);

/* The time of the latest desk entry: a new one is later, so that a withdrawal
 * is never older than what it withdraws. */
int64_t book_desk_ts(const struct book *book);
/* The entry at this position, the last one applied, came too late or found no
 * room: it had no effect. */
bool book_desk_refused(const struct book *book, int64_t position);

#endif
