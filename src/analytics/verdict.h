/*
 * Verdict: a release that serves a part of the traffic (the canary) beside the
 * one that serves the rest (the stable track): promote, wait, or roll back.
 *
 * Pure: numbers in, a row for every check out.  One row that says roll back
 * decides; else one that says wait; else it is promoted.  What each check
 * looks at, by which limits and why: docs/RELEASES.md.
 */
#ifndef ANALYTICS_VERDICT_H
#define ANALYTICS_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#define VERDICT_CAUSES 64
#define VERDICT_BOUNDS 32
#define VERDICT_CURRENCIES 8
#define VERDICT_ROWS 96
#define VERDICT_NAME 40
#define VERDICT_TEXT 320

/* A histogram: counts[i] are at most bounds[i] and above the bound before;
 * counts[n] are above all.  Bounds in seconds. */
struct verdict_times {
    double bounds[VERDICT_BOUNDS], counts[VERDICT_BOUNDS + 1];
    unsigned n;
};

struct verdict_cause { char name[VERDICT_NAME]; double n; };
struct verdict_money { char currency[VERDICT_NAME]; double staked_minor, ggr_minor; };

/* One track over the window.  Counts are what was added during it. */
struct verdict_track {
    unsigned processes, up;       /* seen; answering at its end */
    double away;                  /* part of the scrapes that found nobody, 0 to 1 */
    unsigned restarts;
    unsigned not_ready;           /* processes without a whole book, at its end */
    unsigned versions;            /* different ones at its end */
    char version[VERDICT_NAME], rules[VERDICT_NAME]; /* of the last; "" = not told */
    struct verdict_cause causes[VERDICT_CAUSES]; /* verdicts on bets, by result */
    unsigned n_causes;
    struct verdict_times place, http;
    double answers, answers_5xx, store_errors;
    double records, malformed;    /* of other processes, since its processes' start */
    bool memory_known;            /* of the process that grew most: */
    double memory_bytes, grown_bytes; /* at the end; in the window, */
    double grown_late_bytes;      /* and of that in its second half */
    bool ggr_known;               /* of a process that hears of all money */
    struct verdict_money money[VERDICT_CURRENCIES];
    unsigned n_money;
};

/* What another program found: `overround audit`, `overround shadow`. */
struct verdict_finding {
    bool asked;
    uint64_t looked_at, differences;
    char first[VERDICT_TEXT];
};

struct verdict_limits {
    double min_bets;              /* of the canary; of the stable track a fifth of them */
    double min_requests;
    double alpha;                 /* chance of an alarm by chance, of each check */
    double effect;                /* in refusals and errors a release may be guilty of */
    double customer_effect;       /* in those that are customers' own */
    double slower_ratio, slower_s; /* both, at p50 and p99 */
    double grown_bytes;           /* more than the stable track */
    double stake_ratio;           /* of the mean stake */
};
extern const struct verdict_limits verdict_limits_default;

struct verdict_ask {
    struct verdict_limits limits;
    const struct verdict_track *stable, *canary;
    const char *expect_rules;     /* NULL: no change of rules is wanted */
    struct verdict_finding audit, shadow;
};

enum verdict_word { VERDICT_PROMOTE = 0, VERDICT_WAIT, VERDICT_ROLL_BACK };
const char *verdict_word_name(enum verdict_word word);

struct verdict_row {
    char check[VERDICT_NAME + 16], stable[VERDICT_NAME], canary[VERDICT_NAME];
    enum verdict_word word;
    char why[VERDICT_TEXT];       /* "" for one that is well */
};

struct verdict {
    enum verdict_word word;
    struct verdict_row rows[VERDICT_ROWS];
    unsigned n;
};

void verdict_judge(const struct verdict_ask *ask, struct verdict *verdict);

/* A quantile (0 < q < 1) and its interval, in seconds: of the order statistics
 * at n*q -+ z*sqrt(n*q*(1-q)), each found by a straight line within its
 * bucket.  False: there is nothing in it. */
bool verdict_quantile(const struct verdict_times *times, double q, double z, double *value,
                      double *low, double *high);

#endif
