/*
 * Script: see script.h.
 */
#include "feed/script.h"

#include <stdlib.h>

#include "feed/goals.h"

#define HALF_S (45 * 60)
#define CORNERS 5.0       /* of a side, in 95 minutes */
#define DANGERS 3.0
#define YELLOWS 1.8
#define REDS 0.07
#define DISALLOWED 0.07   /* of all goals */
#define GOAL_APART_S 40   /* until the game goes on */
#define REVIEW_LEAST_S 55 /* after betting has been resumed */
#define REVIEW_MOST_S 85

uint64_t dice_roll(uint64_t *dice)
{
    uint64_t z = *dice += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

double dice_unit(uint64_t *dice)
{
    return (double)(dice_roll(dice) >> 11) * 0x1p-53;
}

double dice_between(uint64_t *dice, double least, double most)
{
    return least + (most - least) * dice_unit(dice);
}

bool script_add(struct script *script, struct incident incident)
{
    if (script->n == SCRIPT_INCIDENTS_MAX)
        return false;
    script->incidents[script->n++] = incident;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct incident *x = a, *y = b;

    if (x->period != y->period)
        return x->period < y->period ? -1 : 1;
    if (x->at_s != y->at_s)
        return x->at_s < y->at_s ? -1 : 1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->side > y->side) - (x->side < y->side);
}

void script_sort(struct script *script)
{
    qsort(script->incidents, script->n, sizeof(script->incidents[0]), compare);
}

/* ---- one half, second by second ------------------------------------------ */

struct half {
    struct script *script;
    struct goals_state state;
    uint64_t *dice;
    uint8_t period;
    int quiet_s;      /* no goal before */
};

static void happen(struct half *half, enum incident_kind kind, uint8_t side, int at_s)
{
    (void)script_add(half->script, (struct incident){ kind, half->period, side, at_s });
}

static bool chance_of(struct half *half, double per_match)
{
    return dice_unit(half->dice) * GOALS_EXPECTED_S < per_match;
}

/* A goal, or one that does not stand in the end. */
static void score(struct half *half, uint8_t side, int at_s)
{
    int review_s = (int)dice_between(half->dice, REVIEW_LEAST_S, REVIEW_MOST_S);
    bool fits = at_s + review_s + GOAL_APART_S < half->script->length_s[half->period];

    happen(half, INCIDENT_GOAL, side, at_s);
    half->quiet_s = at_s + GOAL_APART_S;
    if (dice_unit(half->dice) >= DISALLOWED || !fits) {
        half->state.score[side]++;
        return;
    }
    happen(half, INCIDENT_NO_GOAL, side, at_s + review_s);
    half->quiet_s = at_s + review_s + GOAL_APART_S;
}

static void second(struct half *half, int at_s)
{
    double rate[2];

    goals_rates(&half->state, rate);
    for (uint8_t side = 0; side < 2; side++) {
        if (at_s >= half->quiet_s && chance_of(half, rate[side] * GOALS_EXPECTED_S))
            score(half, side, at_s);
        if (chance_of(half, YELLOWS))
            happen(half, INCIDENT_YELLOW, side, at_s);
        if (half->state.reds[side] < 2 && chance_of(half, REDS)) {
            happen(half, INCIDENT_RED, side, at_s);
            half->state.reds[side]++;
        }
    }
}

static bool has(const struct script *script, enum incident_kind kind, uint8_t period, int at_s,
                int within_s)
{
    for (unsigned i = 0; i < script->n; i++) {
        const struct incident *incident = &script->incidents[i];

        if (incident->kind == kind && incident->period == period &&
            abs(incident->at_s - at_s) < within_s)
            return true;
    }
    return false;
}

void script_decorate(struct script *script, uint64_t *dice)
{
    for (uint8_t period = 0; period < script->periods; period++)
        for (int at_s = 20; at_s < script->length_s[period] - 20; at_s++)
            for (uint8_t side = 0; side < 2; side++) {
                if (dice_unit(dice) * GOALS_EXPECTED_S < CORNERS)
                    (void)script_add(script, (struct incident){ INCIDENT_CORNER, period, side,
                                                                at_s });
                if (dice_unit(dice) * GOALS_EXPECTED_S < DANGERS &&
                    !has(script, INCIDENT_GOAL, period, at_s, 60))
                    (void)script_add(script, (struct incident){ INCIDENT_DANGER, period, side,
                                                                at_s });
            }
    script_sort(script);
}

void script_roll(struct script *script, const double mean[2], uint64_t *dice)
{
    struct half half = { .script = script, .dice = dice,
                         .state = { .mean = { mean[0], mean[1] } } };

    *script = (struct script){ .periods = 2 };
    script->length_s[0] = HALF_S + 60 + (int32_t)(dice_roll(dice) % 120);
    script->length_s[1] = HALF_S + 120 + (int32_t)(dice_roll(dice) % 240);
    for (uint8_t period = 0; period < 2; period++) {
        half.period = period;
        half.quiet_s = 5;
        for (int at_s = 0; at_s < script->length_s[period] - 5; at_s++)
            second(&half, at_s);
    }
    script_decorate(script, dice);
}
