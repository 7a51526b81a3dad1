/* The checks of a release (see verdict.h). */
#include "analytics/verdict.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analytics/stats.h"
#include "base/check.h"
#include "base/str.h"

#define ALPHA_MALFORMED 0.01
#define MIB (1024.0 * 1024)

const struct verdict_limits verdict_limits_default = {
    .min_bets = 500,
    .min_requests = 0,
    .alpha = 1e-4,
    .effect = 0.005,
    .customer_effect = 0.03,
    .slower_ratio = 1.5,
    .slower_s = 0.025,
    .grown_bytes = 32 * MIB,
    .stake_ratio = 5,
};

struct judge {
    const struct verdict_ask *ask;
    const struct verdict_track *stable, *canary;
    struct verdict *verdict;
};

const char *verdict_word_name(enum verdict_word word)
{
    static const char *const names[] = { "promote", "wait", "roll back" };

    CHECK(word <= VERDICT_ROLL_BACK);
    return names[word];
}

/* Refusals that a release cannot be guilty of: the customer's money, limits
 * and words. */
static bool is_customers(const char *cause)
{
    static const char *const own[] = {
        "insufficient_funds", "stake_too_small", "stake_too_large", "limit_reached",
        "excluded", "related_legs", "payout_too_large", "declined", "key_reused",
    };

    for (size_t i = 0; i < LENGTH(own); i++)
        if (strcmp(own[i], cause) == 0)
            return true;
    return false;
}

/* ---- rows ------------------------------------------------------------------ */

/* A row that is well until row_says(). */
static struct verdict_row *row_add(struct judge *judge, const char *check)
{
    struct verdict_row *row;

    CHECK(judge->verdict->n < VERDICT_ROWS);
    row = &judge->verdict->rows[judge->verdict->n++];
    *row = (struct verdict_row){ .word = VERDICT_PROMOTE };
    (void)snprintf(row->check, sizeof(row->check), "%s", check);
    return row;
}

static void row_says(struct verdict_row *row, enum verdict_word word, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void row_says(struct verdict_row *row, enum verdict_word word, const char *format, ...)
{
    va_list arguments;

    if (word <= row->word)
        return; /* the worst stays */
    row->word = word;
    va_start(arguments, format);
    (void)vsnprintf(row->why, sizeof(row->why), format, arguments);
    va_end(arguments);
}

static void cell_numbers(struct verdict_row *row, const char *format, double stable,
                         double canary) __attribute__((format(printf, 2, 0)));
static void cell_numbers(struct verdict_row *row, const char *format, double stable,
                         double canary)
{
    (void)snprintf(row->stable, sizeof(row->stable), format, stable);
    (void)snprintf(row->canary, sizeof(row->canary), format, canary);
}

static double bets_of(const struct verdict_track *track)
{
    double n = 0;

    for (unsigned i = 0; i < track->n_causes; i++)
        n += track->causes[i].n;
    return n;
}

static double cause_of(const struct verdict_track *track, const char *name)
{
    for (unsigned i = 0; i < track->n_causes; i++)
        if (strcmp(track->causes[i].name, name) == 0)
            return track->causes[i].n;
    return 0;
}

/* ---- who is there, and how much was seen -------------------------------------- */

static void check_processes(struct judge *judge)
{
    const struct verdict_track *stable = judge->stable, *canary = judge->canary;
    struct verdict_row *row = row_add(judge, "processes up");

    (void)snprintf(row->stable, sizeof(row->stable), "%u of %u", stable->up, stable->processes);
    (void)snprintf(row->canary, sizeof(row->canary), "%u of %u", canary->up, canary->processes);
    if (canary->processes == 0)
        row_says(row, VERDICT_WAIT, "Prometheus has no process of the canary in the window");
    else if (canary->up == 0)
        row_says(row, VERDICT_ROLL_BACK, "no process of the canary answers");
    else if (canary->up < canary->processes && canary->away > 0.5)
        row_says(row, VERDICT_ROLL_BACK, "%u of %u processes of the canary do not answer, and"
                 " were away for %.0f %% of the window", canary->processes - canary->up,
                 canary->processes, canary->away * 100);
    if (stable->processes == 0)
        row_says(row, VERDICT_WAIT, "Prometheus has no process of the stable track in the"
                 " window");
    if (canary->versions > 1)
        row_says(row, VERDICT_WAIT, "the canary's processes are of %u versions", canary->versions);
}

static void check_ready(struct judge *judge)
{
    struct verdict_row *row = row_add(judge, "without a whole book");

    cell_numbers(row, "%.0f", judge->stable->not_ready, judge->canary->not_ready);
    if (judge->canary->not_ready > 0)
        row_says(row, VERDICT_WAIT, "%u processes of the canary are not ready: the book has not"
                 " come from the topic prices", judge->canary->not_ready);
}

static void check_restarts(struct judge *judge)
{
    struct verdict_row *row = row_add(judge, "restarts");

    cell_numbers(row, "%.0f", judge->stable->restarts, judge->canary->restarts);
    if (judge->canary->restarts > 0)
        row_says(row, VERDICT_ROLL_BACK, "the canary's processes restarted %u times",
                 judge->canary->restarts);
}

/* The least of what the stable track must have seen, to be compared with. */
static double stable_share(double min)
{
    return min / 5;
}

static void check_enough(struct judge *judge, const char *what, double stable, double canary,
                         double min)
{
    struct verdict_row *row = row_add(judge, what);

    cell_numbers(row, "%.0f", stable, canary);
    if (canary < min)
        row_says(row, VERDICT_WAIT, "too few %s: the canary has %.0f of %.0f, %.0f are missing",
                 what, canary, min, min - canary);
    if (stable < stable_share(min))
        row_says(row, VERDICT_WAIT, "too few %s: the stable track has %.0f of %.0f, %.0f are"
                 " missing", what, stable, stable_share(min), stable_share(min) - stable);
}

/* ---- parts of all: refusals, errors, records --------------------------------- */

struct share { double hits, n; };

static double share(struct share part)
{
    return part.n > 0 ? part.hits / part.n : 0;
}

/* True: the canary has more, by more than chance and by more than `effect`. */
static bool is_more(struct share stable, struct share canary, double effect, double alpha)
{
    const struct stats_sample a = { .n = round(stable.n), .hits = round(stable.hits) };
    const struct stats_sample b = { .n = round(canary.n), .hits = round(canary.hits) };

    if (share(canary) - share(stable) < effect)
        return false;
    return stats_more(&a, &b) < alpha;
}

static void cell_parts(struct verdict_row *row, struct share stable, struct share canary)
{
    (void)snprintf(row->stable, sizeof(row->stable), "%.2f %%", share(stable) * 100);
    (void)snprintf(row->canary, sizeof(row->canary), "%.2f %%", share(canary) * 100);
}

/* Other places that have the cause did so in the window, or none does. */
static void check_cause(struct judge *judge, const char *name)
{
    bool own = is_customers(name);
    const struct verdict_limits *limits = &judge->ask->limits;
    struct share stable = { cause_of(judge->stable, name), bets_of(judge->stable) };
    struct share canary = { cause_of(judge->canary, name), bets_of(judge->canary) };
    char check[VERDICT_NAME + 16];
    struct verdict_row *row;

    (void)snprintf(check, sizeof(check), "refused: %s", name);
    row = row_add(judge, check);
    cell_parts(row, stable, canary);
    if (is_more(stable, canary, own ? limits->customer_effect : limits->effect, limits->alpha))
        row_says(row, VERDICT_ROLL_BACK, "the canary refused %.2f %% of its bets as %s (%.0f of"
                 " %.0f), the stable track %.2f %% (%.0f of %.0f)", share(canary) * 100, name,
                 canary.hits, canary.n, share(stable) * 100, stable.hits, stable.n);
}

static void check_causes(struct judge *judge)
{
    const struct verdict_track *canary = judge->canary;

    for (unsigned i = 0; i < canary->n_causes; i++)
        if (strcmp(canary->causes[i].name, "accepted") != 0)
            check_cause(judge, canary->causes[i].name);
}

static void check_part(struct judge *judge, const char *check, struct share stable,
                       struct share canary, double effect, double alpha, const char *words)
{
    struct verdict_row *row = row_add(judge, check);

    cell_parts(row, stable, canary);
    if (is_more(stable, canary, effect, alpha))
        row_says(row, VERDICT_ROLL_BACK, "%s: of the canary %.2f %% (%.0f of %.0f), of the stable"
                 " track %.2f %% (%.0f of %.0f)", words, share(canary) * 100, canary.hits,
                 canary.n, share(stable) * 100, stable.hits, stable.n);
}

static void check_parts(struct judge *judge)
{
    const struct verdict_track *s = judge->stable, *c = judge->canary;
    double effect = judge->ask->limits.effect, alpha = judge->ask->limits.alpha;

    check_part(judge, "answers 5xx", (struct share){ s->answers_5xx, s->answers },
               (struct share){ c->answers_5xx, c->answers }, effect, alpha, "answers with 5xx");
    check_part(judge, "store errors",
               (struct share){ s->store_errors, s->answers + s->store_errors },
               (struct share){ c->store_errors, c->answers + c->store_errors }, effect, alpha,
               "errors of the store, per request");
    /* Each record that cannot be read is a price or a balance that is wrong, and a
     * release that reads all of them has no false alarm here. */
    check_part(judge, "records malformed", (struct share){ s->malformed, s->records },
               (struct share){ c->malformed, c->records }, 0, ALPHA_MALFORMED,
               "records of the other release that are malformed to this one");
}

/* ---- times --------------------------------------------------------------------- */

static double times_n(const struct verdict_times *times)
{
    double n = 0;

    for (unsigned i = 0; i <= times->n; i++)
        n += times->counts[i];
    return n;
}

/* The time at a rank, by a straight line within its bucket. */
static double time_at(const struct verdict_times *times, double rank)
{
    double seen = 0, from = 0;

    for (unsigned i = 0; i < times->n; i++) {
        double count = times->counts[i];

        if (count > 0 && seen + count >= rank)
            return from + (times->bounds[i] - from) * fmax(0, rank - seen) / count;
        seen += count;
        from = times->bounds[i];
    }
    return from;
}

bool verdict_quantile(const struct verdict_times *times, double q, double z, double *value,
                      double *low, double *high)
{
    double n = times_n(times), width = z * sqrt(n * q * (1 - q));

    if (n < 1)
        return false;
    *value = time_at(times, n * q);
    *low = time_at(times, fmax(0, n * q - width));
    *high = time_at(times, fmin(n, n * q + width));
    return true;
}

static void cell_time(char cell[VERDICT_NAME], double value, double low, double high)
{
    (void)snprintf(cell, VERDICT_NAME, "%.1f ms (%.1f-%.1f)", value * 1000, low * 1000,
                   high * 1000);
}

static void check_quantile(struct judge *judge, const char *check, double q,
                           const struct verdict_times *stable,
                           const struct verdict_times *canary)
{
    const struct verdict_limits *limits = &judge->ask->limits;
    double z = stats_normal_quantile(1 - limits->alpha / 2);
    double is, low, high, was, was_low, was_high;
    struct verdict_row *row;

    if (!verdict_quantile(stable, q, z, &was, &was_low, &was_high) ||
        !verdict_quantile(canary, q, z, &is, &low, &high))
        return;
    row = row_add(judge, check);
    cell_time(row->stable, was, was_low, was_high);
    cell_time(row->canary, is, low, high);
    if (low > was_high && is > was * limits->slower_ratio && is - was > limits->slower_s)
        row_says(row, VERDICT_ROLL_BACK, "the canary is slow: %s is %.1f ms (%.1f to %.1f), of"
                 " the stable track %.1f ms (%.1f to %.1f)", check, is * 1000, low * 1000,
                 high * 1000, was * 1000, was_low * 1000, was_high * 1000);
}

static void check_times(struct judge *judge)
{
    const struct verdict_track *s = judge->stable, *c = judge->canary;

    check_quantile(judge, "placement p50", 0.5, &s->place, &c->place);
    check_quantile(judge, "placement p99", 0.99, &s->place, &c->place);
    check_quantile(judge, "requests p50", 0.5, &s->http, &c->http);
    check_quantile(judge, "requests p99", 0.99, &s->http, &c->http);
}

/* ---- memory ---------------------------------------------------------------------- */

static void cell_memory(char cell[VERDICT_NAME], const struct verdict_track *track)
{
    if (track->memory_known)
        (void)snprintf(cell, VERDICT_NAME, "%+.1f to %.1f MiB", track->grown_bytes / MIB,
                       track->memory_bytes / MIB);
}

/*
 * A process that has just started grows, and then less and less.  A leak grows
 * on: in the second half of the window nearly as much as in the first.
 */
static void check_memory(struct judge *judge)
{
    const struct verdict_track *s = judge->stable, *c = judge->canary;
    double more = c->grown_bytes - (s->memory_known ? fmax(0, s->grown_bytes) : 0);
    double early = c->grown_bytes - c->grown_late_bytes;
    struct verdict_row *row;

    if (!c->memory_known)
        return;
    row = row_add(judge, "memory");
    cell_memory(row->stable, s);
    cell_memory(row->canary, c);
    if (more > judge->ask->limits.grown_bytes && c->grown_bytes > c->memory_bytes / 10 &&
        c->grown_late_bytes > early * 0.4)
        row_says(row, VERDICT_ROLL_BACK, "the canary leaks memory: a process grew by %.1f MiB to"
                 " %.1f MiB, %.1f MiB of it in the second half; the stable track's by at most"
                 " %.1f MiB", c->grown_bytes / MIB, c->memory_bytes / MIB,
                 c->grown_late_bytes / MIB, s->grown_bytes / MIB);
}

/* ---- money ----------------------------------------------------------------------- */

static const struct verdict_money *money_of(const struct verdict_track *track,
                                            const char *currency)
{
    for (unsigned i = 0; i < track->n_money; i++)
        if (strcmp(track->money[i].currency, currency) == 0)
            return &track->money[i];
    return NULL;
}

static void check_stakes(struct judge *judge, const struct verdict_money *s,
                         const struct verdict_money *c)
{
    double ratio = judge->ask->limits.stake_ratio;
    double was = s->staked_minor / fmax(1, cause_of(judge->stable, "accepted"));
    double is = c->staked_minor / fmax(1, cause_of(judge->canary, "accepted"));
    char check[VERDICT_NAME + 16];
    struct verdict_row *row;

    if (s->staked_minor <= 0 || c->staked_minor <= 0)
        return;
    (void)snprintf(check, sizeof(check), "stake per bet, %s", c->currency);
    row = row_add(judge, check);
    cell_numbers(row, "%.1f minor", was, is);
    if (is > was * ratio || is * ratio < was)
        row_says(row, VERDICT_ROLL_BACK, "an accepted bet of the canary stakes %.1f minor units of"
                 " %s, of the stable track %.1f", is, c->currency, was);
}

/* Both hear of the same money, but for what stands between two scrapes. */
static void check_ggr(struct judge *judge, const struct verdict_money *s,
                      const struct verdict_money *c)
{
    double most = fmax(fabs(s->ggr_minor), fabs(c->ggr_minor));
    char check[VERDICT_NAME + 16];
    struct verdict_row *row;

    if (!judge->stable->ggr_known || !judge->canary->ggr_known || most <= 0)
        return;
    (void)snprintf(check, sizeof(check), "GGR heard, %s", c->currency);
    row = row_add(judge, check);
    cell_numbers(row, "%+.0f minor", s->ggr_minor, c->ggr_minor);
    if (fabs(s->ggr_minor - c->ggr_minor) > most / 4)
        row_says(row, VERDICT_WAIT, "the tracks have heard of the same bets and count another GGR"
                 " in %s: %+.0f and %+.0f minor units; look again", c->currency, s->ggr_minor,
                 c->ggr_minor);
}

static void check_money(struct judge *judge)
{
    for (unsigned i = 0; i < judge->canary->n_money; i++) {
        const struct verdict_money *c = &judge->canary->money[i];
        const struct verdict_money *s = money_of(judge->stable, c->currency);

        if (s == NULL)
            continue;
        if (cause_of(judge->canary, "accepted") >= 100 &&
            cause_of(judge->stable, "accepted") >= 100)
            check_stakes(judge, s, c);
        check_ggr(judge, s, c);
    }
}

/* ---- what it pays ------------------------------------------------------------------ */

static void check_rules(struct judge *judge)
{
    const char *was = judge->stable->rules, *is = judge->canary->rules;
    const char *wanted = judge->ask->expect_rules != NULL ? judge->ask->expect_rules : was;
    struct verdict_row *row = row_add(judge, "rules of grading");

    (void)snprintf(row->stable, sizeof(row->stable), "%s", was);
    (void)snprintf(row->canary, sizeof(row->canary), "%s", is);
    if (wanted[0] == '\0' || strcmp(is, wanted) == 0)
        return;
    if (is[0] == '\0')
        row_says(row, judge->canary->processes == 0 ? VERDICT_WAIT : VERDICT_ROLL_BACK,
                 "the canary does not tell the hash of its rules");
    else if (judge->ask->expect_rules != NULL)
        row_says(row, VERDICT_ROLL_BACK, "the canary grades by rules %s, expected are %s", is,
                 wanted);
    else
        row_says(row, VERDICT_ROLL_BACK, "the canary grades otherwise: its rules are %s, those of"
                 " the stable track %s; a change that is wanted is declared by --expect-rules",
                 is, was);
}

static void check_finding(struct judge *judge, const char *check, const char *words,
                          const struct verdict_finding *finding)
{
    struct verdict_row *row;

    if (!finding->asked)
        return;
    row = row_add(judge, check);
    (void)snprintf(row->canary, sizeof(row->canary), "%llu of %llu",
                   (unsigned long long)finding->differences,
                   (unsigned long long)finding->looked_at);
    if (finding->differences > 0)
        row_says(row, VERDICT_ROLL_BACK, "%s: %llu differences; the first: %.200s", words,
                 (unsigned long long)finding->differences, finding->first);
}

/* ---- all ---------------------------------------------------------------------------- */

void verdict_judge(const struct verdict_ask *ask, struct verdict *verdict)
{
    struct judge judge = { ask, ask->stable, ask->canary, verdict };

    *verdict = (struct verdict){ .word = VERDICT_PROMOTE };
    check_processes(&judge);
    check_enough(&judge, "bets", bets_of(ask->stable), bets_of(ask->canary),
                 ask->limits.min_bets);
    check_enough(&judge, "requests", ask->stable->answers, ask->canary->answers,
                 ask->limits.min_requests);
    check_restarts(&judge);
    check_ready(&judge);
    check_rules(&judge);
    check_finding(&judge, "shadow grading", "grading by the new release is not what was paid",
                  &ask->shadow);
    check_finding(&judge, "ledger audit", "the books do not add up", &ask->audit);
    check_causes(&judge);
    check_parts(&judge);
    check_times(&judge);
    check_memory(&judge);
    check_money(&judge);
    for (unsigned i = 0; i < verdict->n; i++)
        if (verdict->rows[i].word > verdict->word)
            verdict->word = verdict->rows[i].word;
}
