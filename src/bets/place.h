/* The refusal ladder of a slip against the book.  Pure. */
#ifndef BETS_PLACE_H
#define BETS_PLACE_H

#include "model/bet.h"
#include "model/book.h"
#include "model/refusal.h"

/* Amounts in minor units of the wallet's currency. */
struct place_rules {
    int64_t stake_min_minor, stake_max_minor, cap_minor;
    int exponent; /* of the currency, to write amounts */
    uint32_t stopped; /* bit i: leg i was suspended while the bet was delayed */
};

/*
 * Judges the slip as the book stands.  REFUSE_NOTHING: the legs bear the odds
 * now and *potential_minor is set.  A refusal: nothing changed but `members`,
 * to which the JSON members that the client needs were appended.
 */
enum refusal place_judge(const struct book *book, const struct place_rules *rules,
                         struct slip *slip, int64_t stake_minor,
                         int64_t *potential_minor, struct buf *members) MUST_USE;

/* The sport of the legs' events: "mixed" when they differ, empty when it is
 * not known.  Borrowed from the book. */
struct str place_sport(const struct book *book, const struct slip *slip);

#endif
