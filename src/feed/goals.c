/*
 * Goals: see goals.h.
 */
#include "feed/goals.h"

#include <math.h>

#define GOALS_MAX 15 /* to come, of one side; more are next to impossible */
#define ODDS_LEAST_E2 101
#define ODDS_MOST_E2 50000

static void poisson(double mean, double chances[GOALS_MAX + 1])
{
    double left = 1, chance = exp(-mean);

    for (int n = 0; n < GOALS_MAX; n++) {
        chances[n] = chance;
        left -= chance;
        chance = chance * mean / (n + 1);
    }
    chances[GOALS_MAX] = left > 0 ? left : 0;
}

struct goals_chances goals_chances(const int score[2], const double mean[2])
{
    struct goals_chances chances = { 0 };
    double home[GOALS_MAX + 1], away[GOALS_MAX + 1];

    poisson(mean[0], home);
    poisson(mean[1], away);
    for (int h = 0; h <= GOALS_MAX; h++)
        for (int a = 0; a <= GOALS_MAX; a++) {
            int ahead = score[0] + h - score[1] - a;
            int total = score[0] + h + score[1] + a;
            double chance = home[h] * away[a];

            *(ahead > 0 ? &chances.home : ahead == 0 ? &chances.draw : &chances.away) += chance;
            for (int line = 0; line < GOALS_LINES && line < total; line++)
                chances.over[line] += chance;
        }
    return chances;
}

int64_t goals_odds_e4(double chance, double margin)
{
    double odds_e2 = chance > 0 ? floor(100 / (chance * (1 + margin))) : ODDS_MOST_E2;

    if (odds_e2 > ODDS_MOST_E2)
        odds_e2 = ODDS_MOST_E2;
    if (odds_e2 < ODDS_LEAST_E2)
        odds_e2 = ODDS_LEAST_E2;
    return (int64_t)odds_e2 * 100;
}
