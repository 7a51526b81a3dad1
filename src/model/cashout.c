/*
 * Cash-out: see cashout.h.  Legs are fractions n / d of integers; everything
 * is held over the product of all d, so that only integers are added and
 * multiplied:
 *
 *   E_k of i legs = E_k of i - 1 legs * d_i + E_(k-1) of i - 1 legs * n_i
 */
#include "model/cashout.h"

#include "model/grade.h"

/* What a leg counts now: num / den. */
static void leg_fraction(const struct leg *leg, int64_t now_e4, mpz_t num, mpz_t den)
{
    if (leg->result.state != LEG_OPEN) {
        grade_leg_factor(leg, num, den);
        return;
    }
    CHECK(now_e4 >= ODDS_ONE_E4 && now_e4 <= ODDS_MAX_E4);
    CHECK(leg->odds_e4 >= ODDS_ONE_E4 && leg->odds_e4 <= ODDS_MAX_E4);
    mpz_set_ui(num, (unsigned long)leg->odds_e4);
    mpz_set_ui(den, (unsigned long)now_e4);
}

/* E_0 … E_n of the legs before, to those with one more: n / d. */
static void add_choice(mpz_t *e, uint32_t n_legs, const mpz_t num, const mpz_t den)
{
    CHECK(n_legs >= 1 && n_legs <= LIMIT_LEGS && mpz_sgn(den) > 0);
    for (uint32_t k = n_legs; k >= 1; k--) {
        mpz_mul(e[k], e[k], den);
        mpz_addmul(e[k], e[k - 1], num);
    }
    mpz_mul(e[0], e[0], den);
}

/* sum := the sum of e_k over the slip's sizes, over the product of the legs'
 * denominators, by which den is multiplied. */
static void sum_of_lines(const struct slip *slip, const int64_t *odds_now_e4, mpz_t sum,
                         mpz_t den)
{
    mpz_t e[LIMIT_LEGS + 1], n, d;
    uint32_t seen = 0;

    for (uint32_t k = 0; k <= LIMIT_LEGS; k++)
        mpz_init_set_ui(e[k], k == 0);
    mpz_inits(n, d, NULL);
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        if (slip->legs[i].banker)
            continue;
        leg_fraction(&slip->legs[i], odds_now_e4[i], n, d);
        add_choice(e, ++seen, n, d);
        mpz_mul(den, den, d);
    }
    CHECK(seen > 0); /* not all legs of a system are bankers */
    mpz_set_ui(sum, 0);
    for (uint32_t i = 0; i < slip->n_sizes; i++) {
        CHECK(slip->sizes[i] >= 1 && slip->sizes[i] <= seen);
        mpz_add(sum, sum, e[slip->sizes[i]]);
    }
    for (uint32_t k = 0; k <= LIMIT_LEGS; k++)
        mpz_clear(e[k]);
    mpz_clears(n, d, NULL);
}

/* What one unit of stake is worth, without the margin: num / den. */
static void slip_worth(const struct slip *slip, const int64_t *odds_now_e4, mpz_t num,
                       mpz_t den)
{
    mpz_t n, d;

    mpz_inits(n, d, NULL);
    mpz_set_ui(num, 1);
    mpz_set_ui(den, (unsigned long)slip_lines(slip));
    if (slip->type == BET_SYSTEM)
        sum_of_lines(slip, odds_now_e4, num, den);
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        if (slip->type == BET_SYSTEM && !slip->legs[i].banker)
            continue;
        leg_fraction(&slip->legs[i], odds_now_e4[i], n, d);
        mpz_mul(num, num, n);
        mpz_mul(den, den, d);
    }
    mpz_clears(n, d, NULL);
}

int64_t cashout_offer(const struct slip *slip, const int64_t odds_now_e4[LIMIT_LEGS],
                      int64_t stake_minor, int64_t margin_e4)
{
    mpz_t num, den;
    int64_t offer = 0;

    CHECK(slip->n_legs >= 1 && slip->n_legs <= LIMIT_LEGS);
    CHECK(stake_minor >= 0 && margin_e4 >= 0);
    if (margin_e4 >= MARGIN_ONE_E4 || grade_slip(slip, stake_minor, 0).fixed)
        return 0;
    mpz_inits(num, den, NULL);
    slip_worth(slip, odds_now_e4, num, den);
    mpz_mul_ui(num, num, (unsigned long)stake_minor);
    mpz_mul_ui(num, num, (unsigned long)(MARGIN_ONE_E4 - margin_e4));
    mpz_mul_ui(den, den, MARGIN_ONE_E4);
    CHECK(mpz_sgn(den) > 0 && mpz_sgn(num) >= 0);
    mpz_fdiv_q(num, num, den);
    if (mpz_fits_slong_p(num) != 0) /* at most the potential payout, which does */
        offer = mpz_get_si(num);
    CHECK(offer >= 0);
    mpz_clears(num, den, NULL);
    return offer;
}
