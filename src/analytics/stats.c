/* Two arms compared (see stats.h). */
#include "analytics/stats.h"

#include <math.h>

#include "base/check.h"

static double normal_tail(double z)
{
    return 0.5 * erfc(z / sqrt(2));
}

/* By halving: 60 steps are exact to the last bit, and nobody waits for them. */
double stats_normal_quantile(double p)
{
    double low = -40, high = 40;

    CHECK(p > 0 && p < 1);
    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;

        if (1 - normal_tail(middle) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* ---- proportions --------------------------------------------------------- */

/* Wilson's interval of one proportion. */
static void wilson(const struct stats_sample *s, double z, double *low, double *high)
{
    double p = s->hits / s->n, z2 = z * z;
    double middle = p + z2 / (2 * s->n), scale = 1 + z2 / s->n;
    double width = z * sqrt(p * (1 - p) / s->n + z2 / (4 * s->n * s->n));

    *low = (middle - width) / scale;
    *high = (middle + width) / scale;
}

static double pooled_p(const struct stats_sample *a, const struct stats_sample *b,
                       double difference)
{
    double p = (a->hits + b->hits) / (a->n + b->n);
    double error = sqrt(p * (1 - p) * (1 / a->n + 1 / b->n));

    return error > 0 ? 2 * normal_tail(fabs(difference) / error) : 1;
}

struct stats_interval stats_proportions(const struct stats_sample *a,
                                        const struct stats_sample *b, double level)
{
    struct stats_interval out = { .known = false, .p = 1 };
    double z = stats_normal_quantile(0.5 + level / 2), pa, pb, la, ha, lb, hb;

    if (a->n < 1 || b->n < 1)
        return out;
    pa = a->hits / a->n;
    pb = b->hits / b->n;
    wilson(a, z, &la, &ha);
    wilson(b, z, &lb, &hb);
    out.known = true;
    out.difference = pb - pa;
    out.low = out.difference - sqrt((pb - lb) * (pb - lb) + (ha - pa) * (ha - pa));
    out.high = out.difference + sqrt((hb - pb) * (hb - pb) + (pa - la) * (pa - la));
    out.p = pooled_p(a, b, out.difference);
    return out;
}

/* ---- means --------------------------------------------------------------- */

static double variance_of_mean(const struct stats_sample *s)
{
    double mean = s->sum / s->n, about = s->squares - s->n * mean * mean;

    return about > 0 ? about / (s->n - 1) / s->n : 0;
}

static double student_quantile(double z, double freedom)
{
    double z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;

    return z + (z3 + z) / (4 * freedom) +
           (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom * freedom * freedom);
}

/* p of |t|: the level at which the interval just touches 0. */
static double student_p(double t, double freedom)
{
    double low = 0, high = 40;

    for (int i = 0; i < 100; i++) {
        double middle = (low + high) / 2;

        if (student_quantile(middle, freedom) < t)
            low = middle;
        else
            high = middle;
    }
    return 2 * normal_tail(low);
}

struct stats_interval stats_means(const struct stats_sample *a, const struct stats_sample *b,
                                  double level)
{
    struct stats_interval out = { .known = false, .p = 1 };
    double va, vb, error, freedom, width;

    if (a->n < 5 || b->n < 5)
        return out;
    va = variance_of_mean(a);
    vb = variance_of_mean(b);
    error = sqrt(va + vb);
    if (!(error > 0))
        return out;
    freedom = (va + vb) * (va + vb) / (va * va / (a->n - 1) + vb * vb / (b->n - 1));
    width = student_quantile(stats_normal_quantile(0.5 + level / 2), freedom) * error;
    out.known = true;
    out.difference = b->sum / b->n - a->sum / a->n;
    out.low = out.difference - width;
    out.high = out.difference + width;
    out.p = student_p(fabs(out.difference) / error, freedom);
    return out;
}

/* ---- more ---------------------------------------------------------------- */

static double log_choose(double n, double k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* Hypergeometric: of all hits, those that fall to b.  Beyond the mode each term
 * is smaller than the one before, so the sum ends early. */
double stats_more(const struct stats_sample *a, const struct stats_sample *b)
{
    double all = a->n + b->n, hits = a->hits + b->hits;
    double most = fmin(hits, b->n), p = 0;

    if (a->n < 1 || b->n < 1 || hits < 1 || b->hits / b->n <= a->hits / a->n)
        return 1;
    for (double k = b->hits; k <= most; k++) {
        double term = exp(log_choose(hits, k) + log_choose(all - hits, b->n - k) -
                          log_choose(all, b->n));

        p += term;
        if (term < p * 1e-12)
            break;
    }
    return fmin(p, 1);
}

/* ---- balance ------------------------------------------------------------- */

double stats_balance(const double *got, const double *weights, unsigned n)
{
    double all = 0, weight = 0, chi = 0, freedom = n - 1, spread;

    CHECK(n >= 2);
    for (unsigned i = 0; i < n; i++) {
        all += got[i];
        weight += weights[i];
    }
    if (all <= 0)
        return 1;
    for (unsigned i = 0; i < n; i++) {
        double expected = all * weights[i] / weight;

        chi += (got[i] - expected) * (got[i] - expected) / expected;
    }
    if (n == 2) /* exactly: the square of a normal */
        return 2 * normal_tail(sqrt(chi));
    spread = 2 / (9 * freedom);
    return normal_tail((cbrt(chi / freedom) - (1 - spread)) / sqrt(spread));
}
