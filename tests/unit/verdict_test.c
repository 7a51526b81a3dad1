/* analytics/verdict: numbers in, verdict out; false alarms and power. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analytics/stats.h"
#include "analytics/verdict.h"

static struct verdict verdict;
static struct verdict_track stable, canary;
static struct verdict_ask ask;

/* ---- a pair of tracks that is well ------------------------------------------- */

static const double bounds[] = { 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10 };
#define BOUNDS (sizeof(bounds) / sizeof(*bounds))

static void set_cause(struct verdict_track *track, const char *name, double n)
{
    unsigned i = 0;

    while (i < track->n_causes && strcmp(track->causes[i].name, name) != 0)
        i++;
    if (i == track->n_causes)
        (void)snprintf(track->causes[track->n_causes++].name, VERDICT_NAME, "%s", name);
    track->causes[i].n = n;
}

/* n placements, spread over 2.5 to 50 ms like 6 : 3 : 1. */
static void set_times(struct verdict_times *times, double n, unsigned shift)
{
    *times = (struct verdict_times){ .n = BOUNDS };
    memcpy(times->bounds, bounds, sizeof(bounds));
    times->counts[5 + shift] = n * 0.6;
    times->counts[6 + shift] = n * 0.3;
    times->counts[7 + shift] = n * 0.1;
}

static struct verdict_track well(double bets)
{
    struct verdict_track track = { .processes = 2, .up = 2, .versions = 1, .answers = bets * 3,
                                   .records = 10000, .memory_known = true,
                                   .memory_bytes = 90e6, .grown_bytes = 1e6,
                                   .grown_late_bytes = 0.2e6, .n_money = 1 };

    (void)snprintf(track.version, sizeof(track.version), "0.9.0");
    (void)snprintf(track.rules, sizeof(track.rules), "1-aaaa");
    (void)snprintf(track.money[0].currency, VERDICT_NAME, "EUR");
    track.money[0].staked_minor = bets * 1000;
    set_cause(&track, "accepted", bets * 0.97);
    set_cause(&track, "insufficient_funds", bets * 0.02);
    set_cause(&track, "odds_changed", bets * 0.01);
    set_times(&track.place, bets, 0);
    set_times(&track.http, bets * 3, 0);
    return track;
}

static int begin(void **state)
{
    (void)state;
    stable = well(9000);
    canary = well(1000);
    ask = (struct verdict_ask){ .limits = verdict_limits_default, .stable = &stable,
                                .canary = &canary };
    return 0;
}

static void expect(enum verdict_word word, const char *reason)
{
    verdict_judge(&ask, &verdict);
    if (verdict.word != word)
        fail_msg("%s, not %s", verdict_word_name(verdict.word), verdict_word_name(word));
    for (unsigned i = 0; i < verdict.n; i++)
        if (verdict.rows[i].word == word && strstr(verdict.rows[i].why, reason) != NULL)
            return;
    fail_msg("no reason has \"%s\"", reason);
}

/* ---- one thing after the other ------------------------------------------------- */

static void a_good_release_is_promoted(void **state)
{
    (void)state;
    expect(VERDICT_PROMOTE, "");
}

static void too_little_is_known(void **state)
{
    (void)state;
    canary = well(120);
    expect(VERDICT_WAIT, "the canary has 120 of 500, 380 are missing");
    begin(NULL);
    stable = well(40);
    expect(VERDICT_WAIT, "the stable track has 40 of 100, 60 are missing");
    begin(NULL);
    canary = (struct verdict_track){ .processes = 0 };
    expect(VERDICT_WAIT, "no process of the canary in the window");
    begin(NULL);
    canary.not_ready = 1;
    expect(VERDICT_WAIT, "not ready");
    begin(NULL);
    canary.versions = 2;
    expect(VERDICT_WAIT, "2 versions");
}

static void processes_that_die_or_hang(void **state)
{
    (void)state;
    canary.up = 0;
    expect(VERDICT_ROLL_BACK, "no process of the canary answers");
    begin(NULL);
    canary.up = 1;
    canary.away = 0.6;
    expect(VERDICT_ROLL_BACK, "1 of 2 processes of the canary do not answer");
    begin(NULL);
    canary.restarts = 1;
    expect(VERDICT_ROLL_BACK, "restarted 1 times");
    begin(NULL);
    stable.restarts = 3;
    expect(VERDICT_PROMOTE, "");
}

static void refusals_by_cause(void **state)
{
    (void)state;
    set_cause(&canary, "market_suspended", 20);
    expect(VERDICT_ROLL_BACK, "refused 1.96 % of its bets as market_suspended (20 of 1020)");
    begin(NULL); /* the same in both: the market's own */
    set_cause(&canary, "market_suspended", 20);
    set_cause(&stable, "market_suspended", 180);
    expect(VERDICT_PROMOTE, "");
    begin(NULL); /* below the effect, however sure */
    stable = well(900000);
    canary = well(100000);
    set_cause(&canary, "busy", 300);
    expect(VERDICT_PROMOTE, "");
    begin(NULL); /* customers' own: they differ by who they are */
    set_cause(&canary, "insufficient_funds", 40);
    expect(VERDICT_PROMOTE, "");
    set_cause(&canary, "insufficient_funds", 80);
    expect(VERDICT_ROLL_BACK, "insufficient_funds");
}

static void errors_and_records(void **state)
{
    (void)state;
    canary.answers_5xx = 30;
    expect(VERDICT_ROLL_BACK, "answers with 5xx: of the canary 1.00 % (30 of 3000)");
    begin(NULL);
    canary.store_errors = 40;
    expect(VERDICT_ROLL_BACK, "errors of the store");
    begin(NULL);
    canary.malformed = 8;
    expect(VERDICT_ROLL_BACK, "malformed to this one: of the canary 0.08 % (8 of 10000)");
    begin(NULL); /* the other release wrote what neither can read */
    canary.malformed = stable.malformed = 8;
    expect(VERDICT_PROMOTE, "");
}

static void slow(void **state)
{
    (void)state;
    set_times(&canary.place, 1000, 3);
    expect(VERDICT_ROLL_BACK, "the canary is slow: placement p50");
    begin(NULL); /* a bucket more, and below 25 ms */
    set_times(&canary.place, 1000, 1);
    expect(VERDICT_PROMOTE, "");
    begin(NULL); /* the tail alone */
    canary.place.counts[7] -= 20;
    canary.place.counts[10] += 20;
    expect(VERDICT_ROLL_BACK, "placement p99");
    begin(NULL); /* so few that it may be chance */
    set_times(&canary.place, 1000, 0);
    canary.place.counts[10] += 3;
    expect(VERDICT_PROMOTE, "");
}

static void memory(void **state)
{
    (void)state;
    canary.grown_bytes = 60e6;
    canary.grown_late_bytes = 29e6;
    canary.memory_bytes = 150e6;
    expect(VERDICT_ROLL_BACK, "leaks memory: a process grew by 57.2 MiB to 143.1 MiB");
    canary.grown_late_bytes = 10e6; /* it warms up */
    expect(VERDICT_PROMOTE, "");
    canary.grown_late_bytes = 29e6; /* so does the other: it is the traffic */
    stable.grown_bytes = 58e6;
    expect(VERDICT_PROMOTE, "");
}

static void money(void **state)
{
    (void)state;
    canary.money[0].staked_minor = 1000 * 100000;
    expect(VERDICT_ROLL_BACK, "stakes 103092.8 minor units of EUR");
    begin(NULL);
    stable.ggr_known = canary.ggr_known = true;
    stable.money[0].ggr_minor = 40000;
    canary.money[0].ggr_minor = 39000;
    expect(VERDICT_PROMOTE, "");
    canary.money[0].ggr_minor = -5000;
    expect(VERDICT_WAIT, "another GGR");
}

static void what_it_pays(void **state)
{
    (void)state;
    (void)snprintf(canary.rules, sizeof(canary.rules), "1-bbbb");
    expect(VERDICT_ROLL_BACK, "its rules are 1-bbbb, those of the stable track 1-aaaa");
    ask.expect_rules = "1-bbbb";
    expect(VERDICT_PROMOTE, "");
    ask.expect_rules = "2-cccc";
    expect(VERDICT_ROLL_BACK, "expected are 2-cccc");
    begin(NULL); /* the release before had no hash */
    stable.rules[0] = '\0';
    expect(VERDICT_PROMOTE, "");
    ask.shadow = (struct verdict_finding){ true, 500, 2, "bet 1/2: was paid 100, pays 99" };
    expect(VERDICT_ROLL_BACK, "2 differences; the first: bet 1/2: was paid 100, pays 99");
    ask.shadow.differences = 0;
    ask.audit = (struct verdict_finding){ true, 500, 1, "account 7" };
    expect(VERDICT_ROLL_BACK, "the books do not add up");
}

/* ---- statistics -------------------------------------------------------------------- */

/* Fisher's tea (1935): all four right, 1 in 70; three right or four, 17 in 70. */
static void the_lady_tasting_tea(void **state)
{
    struct stats_sample a = { 4, 0, 0, 0 }, b = { 4, 4, 0, 0 };

    (void)state;
    assert_true(fabs(stats_more(&a, &b) - 1.0 / 70) < 1e-9);
    a.hits = 1;
    b.hits = 3;
    assert_true(fabs(stats_more(&a, &b) - 17.0 / 70) < 1e-9);
    assert_true(stats_more(&b, &a) == 1);
}

/* Half of 1,000 up to 1 ms: the median's interval is 1000/2 -+ 1.96*15.8 of them. */
static void a_quantile_and_its_interval(void **state)
{
    struct verdict_times times = { .n = 2, .bounds = { 0.001, 0.002 }, .counts = { 500, 500 } };
    double value, low, high;

    (void)state;
    assert_true(verdict_quantile(&times, 0.5, 1.96, &value, &low, &high));
    assert_true(fabs(value - 0.001) < 1e-9);
    assert_true(fabs(low - 0.001 * (500 - 30.99) / 500) < 1e-6);
    assert_true(fabs(high - (0.001 + 0.001 * 30.99 / 500)) < 1e-6);
    times = (struct verdict_times){ .n = 2 };
    assert_false(verdict_quantile(&times, 0.5, 1.96, &value, &low, &high));
}

/* ---- many releases ------------------------------------------------------------------ */

static uint64_t seed;

static double uniform(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return ((double)(seed >> 11) + 0.5) / 9007199254740992.0;
}

/* Log-normal, median 4 ms. */
static double some_time(void)
{
    return 0.004 * exp(0.8 * sqrt(-2 * log(uniform())) * cos(6.283185307 * uniform()));
}

static void one_bet(struct verdict_track *track, double refused)
{
    static const struct { const char *name; double part; } causes[] = {
        { "insufficient_funds", 0.03 }, { "odds_changed", 0.02 }, { "market_suspended", 0.01 },
        { "busy", 0.001 }, { "stake_too_large", 0.004 },
    };
    double at = uniform(), s = some_time();
    unsigned i = 0, bucket = 0;

    while (bucket < BOUNDS && s > bounds[bucket])
        bucket++;
    track->place.counts[bucket]++;
    if (at < refused) {
        track->causes[0].n++;
        return;
    }
    for (at = uniform(); i < sizeof(causes) / sizeof(*causes); at -= causes[i++].part)
        if (at < causes[i].part) {
            set_cause(track, causes[i].name, track->causes[i + 2].n + 1);
            return;
        }
    track->causes[1].n++;
}

static void simulate(struct verdict_track *track, unsigned bets, double refused)
{
    static const char *const names[] = { "malformed", "accepted", "insufficient_funds",
                                         "odds_changed", "market_suspended", "busy",
                                         "stake_too_large" };

    *track = well(0);
    track->n_causes = 0;
    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
        set_cause(track, names[i], 0);
    set_times(&track->place, 0, 0);
    for (unsigned i = 0; i < bets; i++)
        one_bet(track, refused);
    track->answers = bets;
    track->grown_bytes = 40e6 * uniform(); /* of a process that warms up */
    track->grown_late_bytes = track->grown_bytes * 0.25;
}

/* Of `runs` releases that refuse so much more: how many are sent back. */
static unsigned sent_back(unsigned runs, unsigned n_stable, unsigned n_canary, double refused)
{
    unsigned back = 0;

    for (unsigned i = 0; i < runs; i++) {
        simulate(&stable, n_stable, 0);
        simulate(&canary, n_canary, refused);
        verdict_judge(&ask, &verdict);
        back += verdict.word == VERDICT_ROLL_BACK;
    }
    return back;
}

/* A release against itself. */
static void false_alarms(void **state)
{
    unsigned few, many;

    (void)state;
    seed = 1;
    few = sent_back(1000, 5000, 500, 0);
    many = sent_back(500, 4000, 4000, 0);
    print_message("# A/A: %u of 1000 and %u of 500 sent back\n", few, many);
    assert_true(few + many < 15);
}

/* 2 % of bets are refused: seen at 500 bets beside many, at 1,000 beside as many. */
static void power(void **state)
{
    unsigned tenth, half;

    (void)state;
    seed = 2;
    tenth = sent_back(400, 5000, 500, 0.02);
    half = sent_back(400, 1000, 1000, 0.02);
    print_message("# 2 %%: %u of 400 found at 500 of 5500 bets, %u at 1000 of 2000\n", tenth,
                  half);
    assert_true(tenth >= 380 && half >= 340);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_good_release_is_promoted, begin),
        cmocka_unit_test_setup(too_little_is_known, begin),
        cmocka_unit_test_setup(processes_that_die_or_hang, begin),
        cmocka_unit_test_setup(refusals_by_cause, begin),
        cmocka_unit_test_setup(errors_and_records, begin),
        cmocka_unit_test_setup(slow, begin),
        cmocka_unit_test_setup(memory, begin),
        cmocka_unit_test_setup(money, begin),
        cmocka_unit_test_setup(what_it_pays, begin),
        cmocka_unit_test(the_lady_tasting_tea),
        cmocka_unit_test(a_quantile_and_its_interval),
        cmocka_unit_test_setup(false_alarms, begin),
        cmocka_unit_test_setup(power, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
