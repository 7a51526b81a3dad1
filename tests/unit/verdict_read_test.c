/* cli/verdict_read: samples in, numbers of a track out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verdict.h"

#define SERIES 64
#define SAMPLES 24
#define AT_MS 1000020000 /* a window of 20 s: 1000000 to 1000020 s */

static struct prometheus_series all[SERIES];
static struct prometheus_label labels[SERIES][4];
static const char *role = "";
static struct prometheus_sample samples[SERIES][SAMPLES];
static size_t n;

/* One a second from `from` on, as "1 2 5"; "-" = none. */
static void series(const char *name, const char *instance, const char *label, const char *value,
                   unsigned from, const char *text)
{
    struct prometheus_series *s = &all[n];
    char *end;

    labels[n][0] = (struct prometheus_label){ "__name__", name };
    labels[n][1] = (struct prometheus_label){ "instance", instance };
    labels[n][2] = (struct prometheus_label){ label, value };
    labels[n][3] = (struct prometheus_label){ "role", role };
    *s = (struct prometheus_series){ labels[n], 4, 0, samples[n] };
    for (double at = 1000000 + from; *text != '\0'; at++, text = *end == ' ' ? end + 1 : end) {
        samples[n][s->n++] = (struct prometheus_sample){ at, (double)strtoll(text, &end, 10) };
        assert_true(end != text);
    }
    n++;
}

static struct verdict_track read_all(void)
{
    struct verdict_track track;

    verdict_read_series(all, n, AT_MS, 20000, &track);
    n = 0;
    return track;
}

static double bets(const struct verdict_track *track, const char *cause)
{
    for (unsigned i = 0; i < track->n_causes; i++)
        if (strcmp(track->causes[i].name, cause) == 0)
            return track->causes[i].n;
    return 0;
}

/* A counter that was there grows; one that is born begins at 0; a fall is a
 * new start. */
static void increases(void **state)
{
    struct verdict_track track;

    (void)state;
    series("up", "a", "", "", 0, "1 1 1 1");
    series("process_start_time_seconds", "a", "", "", 0, "999000 999000 999000 999000");
    series("overround_bets_total", "a", "result", "accepted", 0, "100 110 120 130");
    series("overround_bets_total", "a", "result", "busy", 2, "7 9");
    series("up", "b", "", "", 0, "1 1 1 1");
    series("process_start_time_seconds", "b", "", "", 1, "1000000 1000000 1000000");
    series("overround_bets_total", "b", "result", "accepted", 1, "5 8 10");
    series("up", "c", "", "", 0, "1 0 0 1");
    series("process_start_time_seconds", "c", "", "", 0, "999000 1000002");
    series("overround_bets_total", "c", "result", "accepted", 0, "50 4");
    track = read_all();
    assert_true(bets(&track, "accepted") == 30 + 10 + 4);
    assert_true(bets(&track, "busy") == 9);
    assert_int_equal(track.processes, 3);
    assert_int_equal(track.up, 3);
    assert_int_equal(track.restarts, 1);
    assert_true(fabs(track.away - 2.0 / 12) < 1e-9);
}

/* One that is away is counted; one that Prometheus does not look for is not. */
static void who_is_there(void **state)
{
    struct verdict_track track;

    (void)state;
    series("up", "a", "", "", 0, "1 1 1 1 1 1 1 1 1 1 1 1");
    series("overround_build_info", "a", "version", "1.0", 0, "1 1 1 1 1 1 1 1 1 1 1 1");
    series("up", "b", "", "", 0, "1 1 0 0 0 0 0 0 0 0 0 0");
    series("up", "gone", "", "", 0, "1 1 1");
    series("overround_build_info", "gone", "version", "0.9", 0, "1 1 1");
    track = read_all();
    assert_int_equal(track.processes, 2);
    assert_int_equal(track.up, 1);
    assert_int_equal(track.versions, 1);
    assert_string_equal(track.version, "1.0");
}

/* Buckets of two processes are one histogram. */
static void histograms(void **state)
{
    static const char *const les[] = { "0.001000", "0.002500", "0.005000", "+Inf" };
    static const char *const as[] = { "0 10", "0 30", "0 30", "0 31" };
    static const char *const bs[] = { "5 5", "5 15", "5 17", "5 17" };
    struct verdict_track track;

    (void)state;
    for (unsigned i = 4; i-- > 0;)
        series("overround_place_seconds_bucket", "a", "le", les[i], 0, as[i]);
    for (unsigned i = 0; i < 4; i++)
        series("overround_place_seconds_bucket", "b", "le", les[i], 0, bs[i]);
    track = read_all();
    assert_int_equal(track.place.n, 3);
    assert_true(track.place.bounds[0] == 0.001 && track.place.bounds[2] == 0.005);
    assert_true(track.place.counts[0] == 10 && track.place.counts[1] == 30);
    assert_true(track.place.counts[2] == 2 && track.place.counts[3] == 1);
}

static void memory_of_the_one_that_grows_most(void **state)
{
    struct verdict_track track;

    (void)state;
    series("process_resident_memory_bytes", "a", "", "", 0, "10 10 10 10 11 11 11 11");
    series("process_resident_memory_bytes", "b", "", "", 0, "10 12 14 16 18 20 22 24");
    track = read_all();
    assert_true(track.memory_known);
    assert_true(track.grown_bytes == 14 && track.grown_late_bytes == 6);
    assert_true(track.memory_bytes == 24);
}

/* Records count since the start, for most are read then; GGR is of one who hears
 * of all money, not of one who takes bets. */
static void records_and_money(void **state)
{
    struct verdict_track track;

    (void)state;
    series("process_start_time_seconds", "bets", "", "", 0, "999000 999000");
    series("overround_staked_minor_total", "bets", "currency", "EUR", 0, "100 300");
    series("overround_ggr_minor", "bets", "currency", "EUR", 0, "100 900");
    series("overround_mirror_records_total", "bets", "result", "applied", 0, "90 97");
    series("overround_mirror_records_total", "bets", "result", "malformed", 0, "3 3");
    series("overround_mirror_ready", "bets", "", "", 0, "1 0");
    series("up", "bets", "", "", 0, "1 1");
    series("process_start_time_seconds", "web", "", "", 0, "999000 999000");
    series("overround_ggr_minor", "web", "currency", "EUR", 0, "100 350");
    series("overround_http_answers_total", "web", "status", "200", 0, "10 100");
    series("overround_http_answers_total", "web", "status", "503", 0, "0 5");
    role = "bets"; /* that has taken none yet */
    series("process_start_time_seconds", "new", "", "", 0, "999000 999000");
    series("overround_ggr_minor", "new", "currency", "EUR", 0, "0 -7000");
    role = "";
    track = read_all();
    assert_true(track.money[0].staked_minor == 200);
    assert_true(track.ggr_known && track.money[0].ggr_minor == 250);
    assert_true(track.records == 100 && track.malformed == 3);
    assert_int_equal(track.not_ready, 1);
    assert_true(track.answers == 95 && track.answers_5xx == 5);
}

static void nothing(void **state)
{
    struct verdict_track track = read_all();

    (void)state;
    assert_int_equal(track.processes, 0);
    assert_true(track.n_causes == 0 && !track.memory_known && !track.ggr_known);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(increases),
        cmocka_unit_test(who_is_there),
        cmocka_unit_test(histograms),
        cmocka_unit_test(memory_of_the_one_that_grows_most),
        cmocka_unit_test(records_and_money),
        cmocka_unit_test(nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
