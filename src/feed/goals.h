/*
 * Goals: what the rest of a match may bring, as a Poisson model sees it.  The
 * goals to come of each side are independent Poisson numbers whose means
 * follow from the teams' strengths, the time left, the score and the red
 * cards.  All markets are priced from one `struct goals`, so that their odds
 * agree with each other.  Floating point is allowed here: these are a
 * simulator's opinions, not money.
 */
#ifndef FEED_GOALS_H
#define FEED_GOALS_H

#include <stdint.h>

#define GOALS_MAX 12            /* to come, of one side; the last stands for more */
#define GOALS_EXPECTED_S (95 * 60) /* playing time, as the odds see it */
#define GOALS_ODDS_LEAST_E4 10100
#define GOALS_ODDS_MOST_E4 5000000

/* What is known of a match; pairs are home, away. */
struct goals_state {
    double mean[2];             /* goals in a whole match, at 0:0 and full strength */
    int score[2], reds[2];
    double played_s;
};

struct goals {
    int score[2];
    double mean[2];             /* goals to come */
    double chance[GOALS_MAX + 1][GOALS_MAX + 1]; /* of so many to come; sums to 1 */
};

/* Goals per second of playing time, now. */
void goals_rates(const struct goals_state *state, double rate[2]);
/* The model of the rest of regular time. */
void goals_model(const struct goals_state *state, struct goals *goals);
/* Odds of a bet that is fair at 1/chance, less the margin (0.06 = 6 %):
 * floored to two decimals, x 10,000, at most 500.  0: not offered, because
 * it would be below 1.01 or cannot happen. */
int64_t goals_odds_e4(double chance, double margin);

#endif
