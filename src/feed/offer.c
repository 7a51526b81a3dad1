/*
 * Offer: see offer.h.
 */
#include "feed/offer.h"

#include <math.h>

#define CORRECT_MAX 4 /* goals of one side that correct score names */
#define OTHER_SCORE 25

static const struct {
    unsigned market, outcomes;
    const char *ids[3];
} kinds[] = {
    [OFFER_1X2] = { 1, 3, { "1", "2", "3" } },
    [OFFER_DOUBLE_CHANCE] = { 10, 3, { "9", "10", "11" } },
    [OFFER_DRAW_NO_BET] = { 11, 2, { "4", "5", NULL } },
    [OFFER_HANDICAP] = { 16, 2, { "1714", "1715", NULL } },
    [OFFER_TOTAL] = { 18, 2, { "12", "13", NULL } },
    [OFFER_BOTH_SCORE] = { 29, 2, { "74", "76", NULL } },
    [OFFER_CORRECT_SCORE] = { 45, 26, { NULL, NULL, NULL } },
    [OFFER_NEXT_GOAL] = { 8, 3, { "6", "7", "8" } },
};

/* Home's goals count fastest: 0:0, 1:0, … 4:0, 0:1, …, other. */
static const char *const correct_scores[] = {
    "274", "276", "278", "280", "282", "284", "286", "288", "290", "292", "294", "296", "298",
    "300", "302", "304", "306", "308", "310", "312", "314", "316", "318", "320", "322", "324",
};

unsigned offer_list(double supremacy, struct offer list[OFFER_MAX])
{
    static const int totals[] = { 2, 6, 8, 9, 10, 11, 12, 14, 18, 22 };
    static const enum offer_kind plain[] = {
        OFFER_1X2, OFFER_DOUBLE_CHANCE, OFFER_DRAW_NO_BET, OFFER_BOTH_SCORE, OFFER_CORRECT_SCORE,
    };
    int level = -(int)lround(supremacy * 4);
    unsigned n = 0;

    for (size_t i = 0; i < LENGTH(plain); i++)
        list[n++] = (struct offer){ plain[i], 0 };
    for (int line = level - 4; line <= level + 4; line++)
        if (line % 2 == 0 || (line >= level - 2 && line <= level + 2))
            list[n++] = (struct offer){ OFFER_HANDICAP, line };
    for (size_t i = 0; i < LENGTH(totals); i++)
        list[n++] = (struct offer){ OFFER_TOTAL, totals[i] };
    list[n++] = (struct offer){ OFFER_NEXT_GOAL, 1 };
    CHECK(n <= OFFER_MAX - OFFER_GOALS_MAX + 1);
    return n;
}

unsigned offer_market(const struct offer *offer)
{
    return kinds[offer->kind].market;
}

unsigned offer_outcomes(const struct offer *offer)
{
    return kinds[offer->kind].outcomes;
}

const char *offer_outcome(const struct offer *offer, unsigned outcome)
{
    CHECK(outcome < kinds[offer->kind].outcomes);
    return offer->kind == OFFER_CORRECT_SCORE ? correct_scores[outcome]
                                              : kinds[offer->kind].ids[outcome];
}

static void put_quarters(struct buf *out, int quarters)
{
    static const char *const parts[] = { "", ".25", ".5", ".75" };
    int size = quarters < 0 ? -quarters : quarters;

    buf_printf(out, "%s%d%s", quarters < 0 ? "-" : "", size / 4, parts[size % 4]);
}

void offer_specifiers(const struct offer *offer, struct buf *out)
{
    switch (offer->kind) {
    case OFFER_HANDICAP:
        buf_str(out, STR("hcp="));
        put_quarters(out, offer->line);
        break;
    case OFFER_TOTAL:
        buf_str(out, STR("total="));
        put_quarters(out, offer->line);
        break;
    case OFFER_NEXT_GOAL:
        buf_printf(out, "goalnr=%d", offer->line);
        break;
    default:
        break;
    }
}

/* ---- results ---------------------------------------------------------- */

/* By how many quarters a side is above its line: a quarter of a goal is half
 * the stake on a line that is level and half on one that is not. */
static enum offer_result above(int quarters)
{
    return quarters > OFFER_WON ? OFFER_WON
           : quarters < OFFER_LOST ? OFFER_LOST : (enum offer_result)quarters;
}

static enum offer_result yes(bool won)
{
    return won ? OFFER_WON : OFFER_LOST;
}

static unsigned correct_score(const int score[2])
{
    return score[0] > CORRECT_MAX || score[1] > CORRECT_MAX
               ? OTHER_SCORE : (unsigned)(score[1] * (CORRECT_MAX + 1) + score[0]);
}

static enum offer_result next_goal(int number, unsigned outcome,
                                   const struct offer_facts *facts)
{
    if ((unsigned)number > facts->n_goals)
        return yes(outcome == 1);
    return yes(outcome == (facts->side[number - 1] == 0 ? 0 : 2));
}

enum offer_result offer_result(const struct offer *offer, unsigned outcome,
                               const struct offer_facts *facts)
{
    int ahead = facts->score[0] - facts->score[1];
    int total = facts->score[0] + facts->score[1];
    unsigned sign = ahead > 0 ? 0 : ahead == 0 ? 1 : 2; /* home, draw, away */

    switch (offer->kind) {
    case OFFER_1X2:
        return yes(outcome == sign);
    case OFFER_DOUBLE_CHANCE: /* 1X, 12, X2: each leaves one out */
        return yes(outcome != 2 - sign);
    case OFFER_DRAW_NO_BET:
        return sign == 1 ? OFFER_REFUND : yes(outcome == sign / 2);
    case OFFER_HANDICAP:
        return above(outcome == 0 ? ahead * 4 + offer->line : -(ahead * 4 + offer->line));
    case OFFER_TOTAL:
        return above(outcome == 0 ? total * 4 - offer->line : offer->line - total * 4);
    case OFFER_BOTH_SCORE:
        return yes((outcome == 0) == (facts->score[0] > 0 && facts->score[1] > 0));
    case OFFER_CORRECT_SCORE:
        return yes(outcome == correct_score(facts->score));
    case OFFER_NEXT_GOAL:
        break;
    }
    return next_goal(offer->line, outcome, facts);
}

bool offer_is_decided(const struct offer *offer, const struct offer_facts *facts)
{
    switch (offer->kind) {
    case OFFER_TOTAL:
        return offer_result(offer, 0, facts) == OFFER_WON;
    case OFFER_BOTH_SCORE:
        return facts->score[0] > 0 && facts->score[1] > 0;
    case OFFER_CORRECT_SCORE:
        return correct_score(facts->score) == OTHER_SCORE;
    case OFFER_NEXT_GOAL:
        return (unsigned)offer->line <= facts->n_goals;
    default:
        return false;
    }
}

/* ---- chances ---------------------------------------------------------- */

static void next_goal_chances(const struct offer *offer, const struct goals *goals,
                              const struct offer_facts *facts, double chances[3])
{
    double none = goals->chance[0][0], any = goals->mean[0] + goals->mean[1];

    CHECK((unsigned)offer->line == facts->n_goals + 1);
    chances[0] = (1 - none) * goals->mean[0] / any;
    chances[1] = none;
    chances[2] = (1 - none) * goals->mean[1] / any;
}

/* Fair odds o pay what is lost: won x (o - 1) = lost, halves counting half. */
static double fair_chance(const struct offer *offer, unsigned outcome,
                          const struct goals *goals)
{
    double won = 0, lost = 0;

    for (int h = 0; h <= GOALS_MAX; h++)
        for (int a = 0; a <= GOALS_MAX; a++) {
            struct offer_facts end = { .score = { goals->score[0] + h, goals->score[1] + a } };
            int result = offer_result(offer, outcome, &end);

            if (result > 0)
                won += goals->chance[h][a] * result / OFFER_WON;
            else
                lost += goals->chance[h][a] * result / OFFER_LOST;
        }
    return won + lost > 0 ? won / (won + lost) : 0;
}

void offer_chances(const struct offer *offer, const struct goals *goals,
                   const struct offer_facts *facts, double chances[OFFER_OUTCOMES_MAX])
{
    if (offer->kind == OFFER_NEXT_GOAL) {
        next_goal_chances(offer, goals, facts, chances);
        return;
    }
    for (unsigned i = 0; i < kinds[offer->kind].outcomes; i++)
        chances[i] = fair_chance(offer, i, goals);
}
