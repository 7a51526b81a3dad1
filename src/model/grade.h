/*
 * Grade: the payout as a pure function of the slip and its legs' results.
 *
 * A leg returns f = v + (1-v)*r*d*odds; a multiple the product; a system the
 * elementary symmetric polynomials e_k of its legs' factors, summed over its
 * sizes and divided by the number of lines, times the product of its
 * bankers.  Exact rationals (GMP), one floor to the minor unit at the end.
 */
#ifndef MODEL_GRADE_H
#define MODEL_GRADE_H

#include <gmp.h>

#include "model/bet.h"

/* Lines of a slip: 1, or the sum over sizes of C(n, k).  Fits: n <= 20. */
int64_t slip_lines(const struct slip *slip);

struct grade {
    bool fixed;            /* the payout cannot change any more by open legs (rule 4) */
    int64_t payout_minor;  /* when fixed: floored, then capped */
};

/* cap_minor 0 = no cap. */
struct grade grade_slip(const struct slip *slip, int64_t stake_minor, int64_t cap_minor);

/* The payout if every leg won at its odds; false: above INT64_MAX. */
bool grade_potential(const struct slip *slip, int64_t stake_minor, int64_t *payout_minor) MUST_USE;

/* Uncapped and unbounded, for `overround grade`: payout is initialised by the
 * caller.  Open legs count as won. */
void grade_exact(const struct slip *slip, const mpz_t stake_minor, mpz_t payout_minor);

/* Odds of the whole slip: what one unit of stake returns if every leg wins,
 * floored to four decimals, x 10,000. */
void grade_odds_e4(const struct slip *slip, mpz_t odds_e4);

/* A settled leg's exact factor: num / den, both initialised by the caller. */
void grade_leg_factor(const struct leg *leg, mpz_t num, mpz_t den);

/* A leg's factor as an exact decimal text, "1.95": never more than 28 decimals. */
void leg_factor_text(const struct leg *leg, struct buf *out);

#endif
