/*
 * Goals: what a match's goals are worth, as a Poisson model sees it.  The
 * goals to come of each side are independent Poisson numbers; chances follow
 * from the score and the means.  Floating point is allowed here: these are
 * a simulator's opinions, not money.
 */
#ifndef FEED_GOALS_H
#define FEED_GOALS_H

#include <stdint.h>

#define GOALS_LINES 5 /* totals 0.5, 1.5, … 4.5 */

struct goals_chances {
    double home, draw, away;
    double over[GOALS_LINES];
};

/* score and mean (goals to come): home, away. */
struct goals_chances goals_chances(const int score[2], const double mean[2]);
/* Fair odds less the margin (0.06 = 6 %), floored to two decimals, x 10,000;
 * from 1.01 to 500. */
int64_t goals_odds_e4(double chance, double margin);

#endif
