/*
 * Grade: exact payouts.
 *
 * All legs of a slip are written over one denominator, so that the sums and
 * products below are of integers alone:
 *
 *   plain legs (won or lost at odds, void)   f = n / 10^4
 *   any leg with a part of a factor          f = n / 10^28
 *
 * n of the second kind is v*10^16 + (10^12 - v)*r*d*odds_e4, at most 10^36:
 * it fits 128 bits.  A line of plain factors is multiplied in 128 bits while
 * it fits, without allocation; everything else is GMP's.
 */
#include "model/grade.h"

#define SCALE_PLAIN 4
#define SCALE_FULL 28

typedef unsigned __int128 u128;

/* Which results a question takes the legs to have. */
enum view {
    VIEW_RESULTS, /* as they are; an open leg wins */
    VIEW_ALL_WIN,
};

/* ---- legs ------------------------------------------------------------- */

static bool leg_wins_plainly(const struct leg *leg, enum view view)
{
    return view == VIEW_ALL_WIN || leg->result.state == LEG_OPEN;
}

static bool leg_is_plain(const struct leg *leg, enum view view)
{
    const struct leg_result *r = &leg->result;

    if (leg_wins_plainly(leg, view))
        return true;
    if (r->void_e12 == FACTOR_ONE_E12)
        return true;
    return r->void_e12 == 0 && (r->result == 0 || r->dead_heat_e12 == FACTOR_ONE_E12);
}

/* n of a plain leg, over 10^4. */
static int64_t factor_plain(const struct leg *leg, enum view view)
{
    CHECK(leg_is_plain(leg, view));
    CHECK(leg->odds_e4 >= ODDS_ONE_E4 && leg->odds_e4 <= ODDS_MAX_E4);
    if (leg_wins_plainly(leg, view))
        return leg->odds_e4;
    if (leg->result.void_e12 == FACTOR_ONE_E12)
        return ODDS_ONE_E4;
    return leg->result.result == 1 ? leg->odds_e4 : 0;
}

/* n of any leg, over 10^28. */
static u128 factor_full(const struct leg *leg, enum view view)
{
    const struct leg_result *r = &leg->result;
    u128 v, lives, wins;

    if (leg_wins_plainly(leg, view))
        return (u128)leg->odds_e4 * FACTOR_ONE_E12 * FACTOR_ONE_E12;
    CHECK(r->result == 0 || r->result == 1);
    CHECK(r->void_e12 >= 0 && r->void_e12 <= FACTOR_ONE_E12);
    CHECK(r->dead_heat_e12 >= 0 && r->dead_heat_e12 <= FACTOR_ONE_E12);
    v = (u128)r->void_e12;
    lives = (u128)(FACTOR_ONE_E12 - r->void_e12);
    wins = r->result == 1 ? (u128)r->dead_heat_e12 * (u128)leg->odds_e4 : 0;
    return v * FACTOR_ONE_E12 * ODDS_ONE_E4 + lives * wins;
}

/* Known to return nothing: it cannot win any more. */
static bool leg_is_dead(const struct leg *leg)
{
    return leg->result.state != LEG_OPEN && factor_full(leg, VIEW_RESULTS) == 0;
}

static void slip_expect_sound(const struct slip *slip)
{
    CHECK(slip->n_legs >= 1 && slip->n_legs <= LIMIT_LEGS);
    CHECK(slip->type == BET_SYSTEM || slip->n_sizes == 0);
    for (uint32_t i = 0; i < slip->n_legs; i++)
        CHECK(slip->legs[i].odds_e4 >= ODDS_ONE_E4 && slip->legs[i].odds_e4 <= ODDS_MAX_E4);
}

/* ---- lines ------------------------------------------------------------ */

static uint32_t count_choices(const struct slip *slip)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < slip->n_legs; i++)
        n += !slip->legs[i].banker;
    return n;
}

/* C(n, k); every division is exact. */
static int64_t choose(uint32_t n, uint32_t k)
{
    int64_t lines = 1;

    CHECK(k <= n && n <= LIMIT_LEGS);
    for (uint32_t i = 1; i <= k; i++)
        lines = lines * (int64_t)(n - k + i) / (int64_t)i;
    CHECK(lines >= 1);
    return lines;
}

int64_t slip_lines(const struct slip *slip)
{
    uint32_t choices = count_choices(slip);
    int64_t lines = 0;

    if (slip->type != BET_SYSTEM)
        return 1;
    for (uint32_t i = 0; i < slip->n_sizes; i++)
        lines += choose(choices, slip->sizes[i]);
    CHECK(lines > 0);
    return lines;
}

/* ---- the exact return of one unit, as a fraction ---------------------- */

static void set_u128(mpz_t z, u128 n)
{
    mpz_set_ui(z, (unsigned long)(n >> 64));
    mpz_mul_2exp(z, z, 64);
    mpz_add_ui(z, z, (unsigned long)n);
}

static void leg_number(const struct leg *leg, enum view view, unsigned scale, mpz_t n)
{
    if (scale == SCALE_PLAIN)
        mpz_set_ui(n, (unsigned long)factor_plain(leg, view));
    else
        set_u128(n, factor_full(leg, view));
}

static unsigned slip_scale(const struct slip *slip, enum view view)
{
    for (uint32_t i = 0; i < slip->n_legs; i++)
        if (!leg_is_plain(&slip->legs[i], view))
            return SCALE_FULL;
    return SCALE_PLAIN;
}

/* sum := e_k(factors of the legs that are not bankers), summed over the
 * slip's sizes, over the denominator 10^(scale * choices). */
static void sum_of_lines(const struct slip *slip, enum view view, unsigned scale, mpz_t sum)
{
    mpz_t e[LIMIT_LEGS + 1], n, unit;
    uint32_t seen = 0, choices = count_choices(slip);

    for (uint32_t k = 0; k <= choices; k++)
        mpz_init_set_ui(e[k], k == 0);
    mpz_inits(n, unit, NULL);
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        if (slip->legs[i].banker)
            continue;
        leg_number(&slip->legs[i], view, scale, n);
        CHECK(seen < choices);
        for (uint32_t k = ++seen; k >= 1; k--)
            mpz_addmul(e[k], e[k - 1], n);
    }
    mpz_set_ui(sum, 0);
    for (uint32_t i = 0; i < slip->n_sizes; i++) {
        uint32_t k = slip->sizes[i];

        CHECK(k >= 1 && k <= choices);
        mpz_ui_pow_ui(unit, 10, (unsigned long)scale * (choices - k));
        mpz_addmul(sum, e[k], unit);
    }
    for (uint32_t k = 0; k <= choices; k++)
        mpz_clear(e[k]);
    mpz_clears(n, unit, NULL);
}

/* What one unit of stake returns: num / den. */
static void slip_return(const struct slip *slip, enum view view, mpz_t num, mpz_t den)
{
    unsigned scale = slip_scale(slip, view);
    mpz_t n;

    mpz_init(n);
    if (slip->type == BET_SYSTEM)
        sum_of_lines(slip, view, scale, num);
    else
        mpz_set_ui(num, 1);
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        if (slip->type == BET_SYSTEM && !slip->legs[i].banker)
            continue;
        leg_number(&slip->legs[i], view, scale, n);
        mpz_mul(num, num, n);
    }
    mpz_ui_pow_ui(den, 10, (unsigned long)scale * slip->n_legs);
    mpz_mul_ui(den, den, (unsigned long)slip_lines(slip));
    CHECK(mpz_sgn(num) >= 0 && mpz_sgn(den) > 0);
    mpz_clear(n);
}

/* floor(amount * return of one unit) */
static void pay_exact(const struct slip *slip, enum view view, const mpz_t amount, mpz_t payout)
{
    mpz_t num, den;

    CHECK(mpz_sgn(amount) >= 0);
    slip_expect_sound(slip);
    mpz_inits(num, den, NULL);
    slip_return(slip, view, num, den);
    mpz_mul(num, num, amount);
    mpz_fdiv_q(payout, num, den);
    mpz_clears(num, den, NULL);
}

/* ---- the same in 128 bits --------------------------------------------- */

/* Of one line of plain legs; false: not such a slip, or it does not fit. */
static bool pay_fast(const struct slip *slip, enum view view, int64_t stake_minor,
                     u128 *payout)
{
    u128 num = (u128)stake_minor, den = 1;

    if (slip->type == BET_SYSTEM)
        return false;
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        const struct leg *leg = &slip->legs[i];

        CHECK(leg->odds_e4 >= ODDS_ONE_E4 && leg->odds_e4 <= ODDS_MAX_E4);
        if (!leg_is_plain(leg, view))
            return false;
        if (__builtin_mul_overflow(num, (u128)factor_plain(leg, view), &num) ||
            __builtin_mul_overflow(den, (u128)ODDS_ONE_E4, &den))
            return false;
    }
    *payout = num / den;
    return true;
}

/* Two ways to the same number. */
static bool is_exact(const struct slip *slip, enum view view, int64_t stake_minor, u128 fast)
{
    mpz_t amount, payout, other;
    bool same;

    mpz_init_set_ui(amount, (unsigned long)stake_minor);
    mpz_inits(payout, other, NULL);
    pay_exact(slip, view, amount, payout);
    set_u128(other, fast);
    same = mpz_cmp(payout, other) == 0;
    mpz_clears(amount, payout, other, NULL);
    return same;
}

/* False: above INT64_MAX. */
static bool pay(const struct slip *slip, enum view view, int64_t stake_minor,
                int64_t *payout_minor)
{
    mpz_t amount, payout;
    u128 fast;
    bool fits;

    CHECK(stake_minor >= 0);
    if (pay_fast(slip, view, stake_minor, &fast)) {
        CHECK_DEAR(is_exact(slip, view, stake_minor, fast));
        *payout_minor = (int64_t)fast;
        return fast <= INT64_MAX;
    }
    mpz_init_set_ui(amount, (unsigned long)stake_minor);
    mpz_init(payout);
    pay_exact(slip, view, amount, payout);
    fits = mpz_fits_slong_p(payout) != 0;
    CHECK(mpz_sgn(payout) >= 0);
    if (fits)
        *payout_minor = mpz_get_si(payout);
    mpz_clears(amount, payout, NULL);
    return fits;
}

/* ---- the questions ---------------------------------------------------- */

static uint32_t smallest_size(const struct slip *slip)
{
    uint32_t least = LIMIT_LEGS;

    CHECK(slip->n_sizes > 0);
    for (uint32_t i = 0; i < slip->n_sizes; i++)
        if (slip->sizes[i] < least)
            least = slip->sizes[i];
    return least;
}

/* Rule 4: no line can return anything any more, whatever open legs do. */
static bool slip_is_lost(const struct slip *slip)
{
    uint32_t alive = 0;

    for (uint32_t i = 0; i < slip->n_legs; i++) {
        const struct leg *leg = &slip->legs[i];

        if (!leg_is_dead(leg))
            alive += !leg->banker;
        else if (slip->type != BET_SYSTEM || leg->banker)
            return true;
    }
    CHECK(alive <= slip->n_legs);
    return slip->type == BET_SYSTEM && alive < smallest_size(slip);
}

static bool slip_has_open_leg(const struct slip *slip)
{
    for (uint32_t i = 0; i < slip->n_legs; i++)
        if (slip->legs[i].result.state == LEG_OPEN)
            return true;
    return false;
}

struct grade grade_slip(const struct slip *slip, int64_t stake_minor, int64_t cap_minor)
{
    struct grade grade = { .fixed = true };

    CHECK(stake_minor >= 0 && cap_minor >= 0);
    CHECK(slip->n_legs >= 1 && slip->n_legs <= LIMIT_LEGS);
    if (slip_is_lost(slip))
        return grade;
    if (slip_has_open_leg(slip))
        return (struct grade){ .fixed = false };
    if (!pay(slip, VIEW_RESULTS, stake_minor, &grade.payout_minor))
        grade.payout_minor = INT64_MAX; /* placement's cap forbids it */
    if (cap_minor > 0 && grade.payout_minor > cap_minor)
        grade.payout_minor = cap_minor;
    CHECK(grade.payout_minor >= 0 && (cap_minor == 0 || grade.payout_minor <= cap_minor));
    return grade;
}

bool grade_potential(const struct slip *slip, int64_t stake_minor, int64_t *payout_minor)
{
    return pay(slip, VIEW_ALL_WIN, stake_minor, payout_minor);
}

void grade_exact(const struct slip *slip, const mpz_t stake_minor, mpz_t payout_minor)
{
    pay_exact(slip, VIEW_RESULTS, stake_minor, payout_minor);
}

void grade_odds_e4(const struct slip *slip, mpz_t odds_e4)
{
    mpz_t unit;

    mpz_init_set_ui(unit, ODDS_ONE_E4);
    pay_exact(slip, VIEW_ALL_WIN, unit, odds_e4);
    mpz_clear(unit);
}

void grade_leg_factor(const struct leg *leg, mpz_t num, mpz_t den)
{
    bool plain = leg_is_plain(leg, VIEW_RESULTS);

    CHECK(leg->result.state != LEG_OPEN);
    leg_check(leg);
    leg_number(leg, VIEW_RESULTS, plain ? SCALE_PLAIN : SCALE_FULL, num);
    mpz_ui_pow_ui(den, 10, plain ? SCALE_PLAIN : SCALE_FULL);
}

/* Nothing for an open leg: it has no factor yet. */
void leg_factor_text(const struct leg *leg, struct buf *out)
{
    char digits[SCALE_FULL + 40];
    size_t at = sizeof(digits);
    unsigned written = 0;
    u128 n;

    if (leg->result.state == LEG_OPEN)
        return;
    n = factor_full(leg, VIEW_RESULTS);
    for (; written < SCALE_FULL; written++, n /= 10)
        if (n % 10 != 0 || at < sizeof(digits))
            digits[--at] = (char)('0' + (int)(n % 10));
    if (at < sizeof(digits))
        digits[--at] = '.';
    do {
        digits[--at] = (char)('0' + (int)(n % 10));
        n /= 10;
    } while (n != 0);
    CHECK(at < sizeof(digits));
    buf_put(out, digits + at, sizeof(digits) - at);
}
