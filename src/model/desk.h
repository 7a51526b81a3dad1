/*
 * The desk's settings in the book: what traders set beside the feed, by
 * scope.  All comes from the desk's entries of the log, in its order.
 */
#ifndef MODEL_DESK_H
#define MODEL_DESK_H

#include "model/book.h"

/* Amounts in minor units of the house's currency; -1 = not set anywhere. The
 * nearest setting wins, each by itself: market, event, sport, all. */
struct desk_limits { int64_t stake_max_minor, liability_max_minor, hold_above_minor; };
#define DESK_LIMITS_NONE ((struct desk_limits){ -1, -1, -1 })

struct desk_limits book_limits_of(const struct book *book, const struct market *market);
/* By which the limits of this customer are multiplied: 10000 = whole. */
int64_t book_stake_factor_e4(const struct book *book, int64_t account);

#endif
