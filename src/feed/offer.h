/*
 * Offer: the markets of a football match that the simulator plays.  One
 * function says what an outcome is worth at a final score; prices are its
 * mean over the goals model and settlements its value at the end, so that
 * the two cannot disagree.
 *
 *    1 1x2            16 handicap hcp=     45 correct score
 *   10 double chance  18 total total=       8 next goal goalnr=
 *   11 draw no bet    29 both teams to score
 *
 * All of regular time: 90 minutes and what is added to them.
 */
#ifndef FEED_OFFER_H
#define FEED_OFFER_H

#include "base/buf.h"
#include "feed/goals.h"

#define OFFER_OUTCOMES_MAX 26
#define OFFER_MAX 48      /* markets of one match, the next goals included */
#define OFFER_GOALS_MAX 24 /* goals of a match that are told apart */

enum offer_kind {
    OFFER_1X2, OFFER_DOUBLE_CHANCE, OFFER_DRAW_NO_BET, OFFER_HANDICAP, OFFER_TOTAL,
    OFFER_BOTH_SCORE, OFFER_CORRECT_SCORE, OFFER_NEXT_GOAL,
};

struct offer {
    enum offer_kind kind;
    int line;             /* quarters of a goal; of a next goal its number, from 1 */
};

/* What a match has brought. */
struct offer_facts {
    int score[2];
    unsigned n_goals;     /* <= OFFER_GOALS_MAX */
    uint8_t side[OFFER_GOALS_MAX]; /* who scored them: 0 home, 1 away */
};

/* In quarters of what a bet is paid at: half lost = half the stake back. */
enum offer_result {
    OFFER_LOST = -2, OFFER_HALF_LOST, OFFER_REFUND, OFFER_HALF_WON, OFFER_WON,
};

/* The markets that a match opens with; `supremacy` (goals by which home is
 * thought better) moves the handicap's lines.  Their number. */
unsigned offer_list(double supremacy, struct offer list[OFFER_MAX]);

unsigned offer_market(const struct offer *offer);   /* 18 */
unsigned offer_outcomes(const struct offer *offer); /* how many */
const char *offer_outcome(const struct offer *offer, unsigned outcome); /* "12" */
/* "total=2.5"; nothing for a market without. */
void offer_specifiers(const struct offer *offer, struct buf *out);

/* If regular time ended so. */
enum offer_result offer_result(const struct offer *offer, unsigned outcome,
                               const struct offer_facts *facts);
/* Whatever goals may still come, the results stay. */
bool offer_is_decided(const struct offer *offer, const struct offer_facts *facts);
/* 1 / fair odds of each outcome; a refund counts for nothing. */
void offer_chances(const struct offer *offer, const struct goals *goals,
                   const struct offer_facts *facts, double chances[OFFER_OUTCOMES_MAX]);

#endif
