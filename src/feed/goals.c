/*
 * Goals: see goals.h.
 */
#include "feed/goals.h"

#include <math.h>

#define LEFT_LEAST 0.004 /* of a match: it is not over before the whistle */
#define CHASE 1.09       /* whoever is behind attacks, for each of two goals */
#define REST 0.96        /* and whoever leads does so less */
#define SHORT_HANDED 0.72
#define AGAINST_TEN 1.22

static double power(double base, int n)
{
    double product = 1;

    for (int i = 0; i < n && i < 4; i++)
        product *= base;
    return product;
}

void goals_rates(const struct goals_state *state, double rate[2])
{
    for (int side = 0; side < 2; side++) {
        int ahead = state->score[side] - state->score[1 - side];
        int lead = ahead > 2 ? 2 : ahead < -2 ? -2 : ahead;

        rate[side] = state->mean[side] / GOALS_EXPECTED_S *
                     (lead > 0 ? power(REST, lead) : power(CHASE, -lead)) *
                     power(SHORT_HANDED, state->reds[side]) *
                     power(AGAINST_TEN, state->reds[1 - side]);
    }
}

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

static void from_means(const int score[2], const double mean[2], struct goals *goals)
{
    double home[GOALS_MAX + 1], away[GOALS_MAX + 1];

    poisson(mean[0], home);
    poisson(mean[1], away);
    for (int side = 0; side < 2; side++) {
        goals->score[side] = score[side];
        goals->mean[side] = mean[side];
    }
    for (int h = 0; h <= GOALS_MAX; h++)
        for (int a = 0; a <= GOALS_MAX; a++)
            goals->chance[h][a] = home[h] * away[a];
}

void goals_model(const struct goals_state *state, struct goals *goals)
{
    double left = 1 - state->played_s / GOALS_EXPECTED_S;
    double rate[2], mean[2];

    if (left < LEFT_LEAST)
        left = LEFT_LEAST;
    goals_rates(state, rate);
    for (int side = 0; side < 2; side++)
        mean[side] = rate[side] * GOALS_EXPECTED_S * left;
    from_means(state->score, mean, goals);
}

int64_t goals_odds_e4(double chance, double margin)
{
    double odds_e2;

    if (chance <= 1e-12)
        return 0;
    odds_e2 = floor(100 / (chance * (1 + margin)));
    if (odds_e2 * 100 > GOALS_ODDS_MOST_E4)
        return GOALS_ODDS_MOST_E4;
    return odds_e2 * 100 < GOALS_ODDS_LEAST_E4 ? 0 : (int64_t)odds_e2 * 100;
}
