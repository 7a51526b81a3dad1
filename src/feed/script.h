/*
 * Script: all that will happen in one match, written before it begins, by
 * dice here or from what really happened (feed/worldcup.c).
 */
#ifndef FEED_SCRIPT_H
#define FEED_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

#define SCRIPT_INCIDENTS_MAX 160
#define SCRIPT_PERIODS 4

/* ---- chance: splitmix64 ------------------------------------------------ */

uint64_t dice_roll(uint64_t *dice);
double dice_unit(uint64_t *dice); /* in [0, 1) */
double dice_between(uint64_t *dice, double least, double most);

/* ---- matches ------------------------------------------------------------ */

enum incident_kind {
    INCIDENT_DANGER,    /* betting stops for a moment; nothing comes of it */
    INCIDENT_GOAL,
    INCIDENT_NO_GOAL,   /* the last goal is disallowed */
    INCIDENT_YELLOW,
    INCIDENT_RED,
    INCIDENT_CORNER,
};

struct incident {
    enum incident_kind kind;
    uint8_t period;     /* 0, 1: halves; 2, 3: of extra time */
    uint8_t side;       /* whose goal, card, corner: 0 home, 1 away */
    int32_t at_s;       /* since the period began */
};

struct script {
    struct incident incidents[SCRIPT_INCIDENTS_MAX]; /* in order */
    unsigned n;
    int32_t length_s[SCRIPT_PERIODS];
    unsigned periods;   /* 2, or 4 with extra time */
    bool shoot_out;
    int shoot_out_score[2];
};

/* False: the script is full, and the incident is left out. */
bool script_add(struct script *script, struct incident incident);
void script_sort(struct script *script);
/* Two halves with goals by the rates of feed/goals.h for these means (goals
 * in a whole match), cards, corners, dangers, and now and then a goal that
 * is disallowed a minute later, when betting has been resumed. */
void script_roll(struct script *script, const double mean[2], uint64_t *dice);
/* Corners and dangers, for a script that has the rest. */
void script_decorate(struct script *script, uint64_t *dice);

#endif
