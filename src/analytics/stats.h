/*
 * Statistics of experiments: two arms compared, with intervals.
 *
 * Floating point on purpose: these are estimates about money, never money.
 * Nothing outside src/analytics includes it.
 *
 *   conversion  the difference of two proportions: Newcombe's hybrid score
 *               interval (Statistics in Medicine 17, 1998, method 10), and the
 *               pooled z test (chi-squared with one degree of freedom)
 *   GGR         the difference of two means of unequal variance: Welch's
 *               interval and test (Biometrika 34, 1947); Student's quantile by
 *               the expansion of Abramowitz and Stegun, 26.7.5
 *   more        whether b has more hits than a by chance alone: Fisher's exact
 *               test, one-sided, which holds for few hits, too
 *   balance     whether the arms got customers as their weights say: Pearson's
 *               chi-squared, its tail by Wilson and Hilferty (1931)
 */
#ifndef ANALYTICS_STATS_H
#define ANALYTICS_STATS_H

#include <stdbool.h>
#include <stdint.h>

struct stats_sample {
    double n;           /* customers */
    double hits;        /* of them, who bet */
    double sum, squares; /* of a number of each customer's, and of its square */
};

struct stats_interval {
    bool known;         /* false: too few customers to say */
    double difference;  /* of b less that of a */
    double low, high;   /* at the level asked for */
    double p;           /* two-sided: as far from 0 by chance alone */
};

/* level: 0.95 and the like. */
struct stats_interval stats_proportions(const struct stats_sample *a,
                                        const struct stats_sample *b, double level);
struct stats_interval stats_means(const struct stats_sample *a, const struct stats_sample *b,
                                  double level);
/* One-sided p: as many hits of b, or more, if both had the same share. */
double stats_more(const struct stats_sample *a, const struct stats_sample *b);
/* p of what n arms got against their weights; 1 when there is nobody. */
double stats_balance(const double *got, const double *weights, unsigned n);
/* The standard normal's quantile, 0 < p < 1. */
double stats_normal_quantile(double p);

#endif
