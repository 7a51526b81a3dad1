/*
 * Verdict read: one query a track brings raw samples of all that a verdict
 * looks at, so that they are of the same moments.
 *
 * A series is of a process, by its label "instance" (in Kubernetes a pod's
 * address).  It was born in the window when the process was, or when the
 * process was scraped before without it.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/verdict.h"

#define PROCESSES 1000
#define SELECTOR_BYTES 4096
#define SLACK_S 0.002 /* samples of one scrape are of one moment */

static const char names[] =
    "up|process_start_time_seconds|process_resident_memory_bytes|overround_build_info"
    "|overround_bets_total|overround_staked_minor_total|overround_ggr_minor"
    "|overround_place_seconds_bucket|overround_http_seconds_bucket"
    "|overround_http_answers_total|overround_store_errors_total"
    "|overround_mirror_ready|overround_mirror_records_total|overround_money_heard_total";

struct process {
    const char *instance;
    double first_s, last_s;      /* scraped with numbers */
    double began_s;              /* 0 = not known */
    double up_last_s;
    bool up, born;               /* answers at the end; began in the window */
    bool takes_bets, mirrors;    /* it reads the book from the topic prices */
    unsigned restarts;
    const char *version, *rules; /* at the end */
    double version_s;
    double scrapes, away;
};

struct samples {
    const struct prometheus_series *series;
    size_t n;
    double from_s, to_s;
    struct process processes[PROCESSES];
    unsigned n_processes;
    struct verdict_track *track;
};

static bool is(const struct prometheus_series *series, const char *name)
{
    return strcmp(prometheus_label(series, "__name__"), name) == 0;
}

static double last(const struct prometheus_series *series)
{
    return series->samples[series->n - 1].value;
}

static double last_s(const struct prometheus_series *series)
{
    return series->samples[series->n - 1].at_s;
}

/* NULL: there are too many. */
static struct process *process_of(struct samples *reading, const struct prometheus_series *series)
{
    const char *instance = prometheus_label(series, "instance");
    struct process *process;

    for (unsigned i = 0; i < reading->n_processes; i++)
        if (strcmp(reading->processes[i].instance, instance) == 0)
            return &reading->processes[i];
    if (reading->n_processes == PROCESSES)
        return NULL;
    process = &reading->processes[reading->n_processes++];
    *process = (struct process){ .instance = instance, .first_s = INFINITY };
    return process;
}

/* ---- who they are ------------------------------------------------------------ */

static void take_up(struct process *process, const struct prometheus_series *series)
{
    for (uint32_t i = 0; i < series->n; i++) {
        process->scrapes++;
        process->away += series->samples[i].value < 0.5;
    }
    process->up_last_s = last_s(series);
    process->up = last(series) > 0.5;
}

static void take_start(struct process *process, const struct prometheus_series *series,
                       double from_s)
{
    for (uint32_t i = 1; i < series->n; i++)
        process->restarts += series->samples[i].value > series->samples[i - 1].value + 0.5;
    process->began_s = series->samples[0].value;
    process->born = process->began_s >= from_s;
}

static void take_build(struct process *process, const struct prometheus_series *series)
{
    if (last_s(series) < process->version_s)
        return; /* of the binary before */
    process->version_s = last_s(series);
    process->version = prometheus_label(series, "version");
    process->rules = prometheus_label(series, "rules");
}

static void meet(struct samples *reading)
{
    for (size_t i = 0; i < reading->n; i++) {
        const struct prometheus_series *series = &reading->series[i];
        struct process *process = process_of(reading, series);

        if (process == NULL)
            continue;
        if (is(series, "up")) {
            take_up(process, series);
            continue;
        }
        process->first_s = fmin(process->first_s, series->samples[0].at_s);
        process->last_s = fmax(process->last_s, last_s(series));
        if (is(series, "process_start_time_seconds"))
            take_start(process, series, reading->from_s);
        else if (is(series, "overround_build_info"))
            take_build(process, series);
        else if (is(series, "overround_staked_minor_total"))
            process->takes_bets = true;
        else if (is(series, "overround_mirror_records_total"))
            process->mirrors = true;
    }
}

/* A pod that is gone for good is not one that is away: Prometheus does not
 * look for it any more, so it has no late sample of "up". */
static bool is_gone(const struct samples *reading, const struct process *process)
{
    double latest_s = 0;

    for (unsigned i = 0; i < reading->n_processes; i++)
        latest_s = fmax(latest_s, reading->processes[i].up_last_s);
    return process->up_last_s < latest_s - (reading->to_s - reading->from_s) / 4;
}

static void count_processes(struct samples *reading)
{
    struct verdict_track *track = reading->track;
    double scrapes = 0, away = 0;

    for (unsigned i = 0; i < reading->n_processes; i++) {
        const struct process *process = &reading->processes[i];

        track->restarts += process->restarts;
        if (is_gone(reading, process))
            continue;
        track->processes++;
        track->up += process->up;
        scrapes += process->scrapes;
        away += process->away;
        if (!process->up || process->version == NULL)
            continue;
        if (track->versions == 0 || strcmp(track->version, process->version) != 0)
            track->versions++;
        (void)snprintf(track->version, sizeof(track->version), "%s", process->version);
        (void)snprintf(track->rules, sizeof(track->rules), "%s", process->rules);
    }
    track->away = scrapes > 0 ? away / scrapes : 0;
}

/* ---- what they count ------------------------------------------------------------ */

static double increase(struct samples *reading, const struct prometheus_series *series)
{
    const struct process *process = process_of(reading, series);

    return prometheus_increase(series, process->born ||
                               series->samples[0].at_s > process->first_s + SLACK_S);
}

static void add_cause(struct verdict_track *track, const char *name, double n)
{
    unsigned i = 0;

    while (i < track->n_causes && strcmp(track->causes[i].name, name) != 0)
        i++;
    if (i == VERDICT_CAUSES)
        return;
    if (i == track->n_causes)
        (void)snprintf(track->causes[track->n_causes++].name, VERDICT_NAME, "%s", name);
    track->causes[i].n += n;
}

static struct verdict_money *money_of(struct verdict_track *track, const char *currency)
{
    unsigned i = 0;

    while (i < track->n_money && strcmp(track->money[i].currency, currency) != 0)
        i++;
    if (i == VERDICT_CURRENCIES)
        return NULL;
    if (i == track->n_money)
        (void)snprintf(track->money[track->n_money++].currency, VERDICT_NAME, "%s", currency);
    return &track->money[i];
}

static void add_staked(struct verdict_track *track, const char *currency, double n)
{
    struct verdict_money *money = money_of(track, currency);

    if (money != NULL)
        money->staked_minor += n;
}

/* Processes of bets hear of all that end, and of their own alone when they begin. */
static bool counts_all_bets(const struct process *process, const struct prometheus_series *series)
{
    return !process->takes_bets && strstr(prometheus_label(series, "role"), "bets") == NULL;
}

/* Of a process that hears of all bets and has none of its own, the one that has
 * heard most; one that is as old as the window. */
static void take_ggr(struct samples *reading, const struct prometheus_series *series)
{
    const struct process *process = process_of(reading, series);
    struct verdict_money *money = money_of(reading->track, prometheus_label(series, "currency"));
    double grown = last(series) - series->samples[0].value;

    if (money == NULL || !counts_all_bets(process, series) || process->restarts > 0 ||
        process->began_s == 0 || process->born)
        return;
    if (series->samples[0].at_s > process->first_s + SLACK_S)
        grown = last(series);
    reading->track->ggr_known = true;
    if (fabs(grown) > fabs(money->ggr_minor))
        money->ggr_minor = grown;
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void take_counter(struct samples *reading, const struct prometheus_series *series)
{
    struct verdict_track *track = reading->track;
    const char *result = prometheus_label(series, "result");

    if (is(series, "overround_bets_total")) {
        add_cause(track, result, increase(reading, series));
    } else if (is(series, "overround_staked_minor_total")) {
        add_staked(track, prometheus_label(series, "currency"), increase(reading, series));
    } else if (is(series, "overround_ggr_minor")) {
        take_ggr(reading, series);
    } else if (is(series, "overround_http_answers_total")) {
        double n = increase(reading, series);

        track->answers += n;
        if (starts_with(prometheus_label(series, "status"), "5"))
            track->answers_5xx += n;
    } else if (is(series, "overround_store_errors_total")) {
        track->store_errors += increase(reading, series);
    } else if (is(series, "overround_mirror_records_total") ||
               is(series, "overround_money_heard_total")) { /* most are read at the start */
        track->records += last(series);
        track->malformed += strcmp(result, "malformed") == 0 ? last(series) : 0;
    } else if (is(series, "overround_mirror_ready")) {
        const struct process *process = process_of(reading, series);

        track->not_ready += process->up && process->mirrors && last(series) < 0.5;
    }
}

/* ---- times ------------------------------------------------------------------------ */

/* Prometheus's buckets are "at most so much": one bucket of all processes. */
static void add_bucket(struct verdict_times *times, double bound, double n)
{
    unsigned i = 0;

    if (isinf(bound)) {
        times->counts[VERDICT_BOUNDS] += n; /* all; spread by spread_times() */
        return;
    }
    while (i < times->n && times->bounds[i] < bound)
        i++;
    if (i < times->n && times->bounds[i] <= bound) {
        times->counts[i] += n;
        return;
    }
    if (times->n == VERDICT_BOUNDS)
        return;
    for (unsigned j = times->n++; j > i; j--) {
        times->bounds[j] = times->bounds[j - 1];
        times->counts[j] = times->counts[j - 1];
    }
    times->bounds[i] = bound;
    times->counts[i] = n;
}

static void spread_times(struct verdict_times *times)
{
    double all = times->counts[VERDICT_BOUNDS], below = 0;

    for (unsigned i = 0; i < times->n; i++) {
        double at_most = times->counts[i];

        times->counts[i] = fmax(0, at_most - below);
        below = fmax(below, at_most);
    }
    times->counts[times->n] = fmax(0, all - below);
}

static void take_times(struct samples *reading, const struct prometheus_series *series)
{
    const char *le = prometheus_label(series, "le");
    struct verdict_times *times;
    json_t *number;
    double bound;

    if (is(series, "overround_place_seconds_bucket"))
        times = &reading->track->place;
    else if (is(series, "overround_http_seconds_bucket"))
        times = &reading->track->http;
    else
        return;
    number = json_loads(le, JSON_DECODE_ANY, NULL);
    bound = number != NULL ? json_number_value(number) : INFINITY;
    json_decref(number);
    add_bucket(times, bound, increase(reading, series));
}

/* ---- memory ------------------------------------------------------------------------ */

/* The mean of a few samples, for one may stand on a peak. */
static double about(const struct prometheus_series *series, uint32_t from, uint32_t n)
{
    double sum = 0;

    for (uint32_t i = 0; i < n; i++)
        sum += series->samples[from + i].value;
    return sum / n;
}

static void take_memory(struct samples *reading, const struct prometheus_series *series)
{
    const struct process *process = process_of(reading, series);
    struct verdict_track *track = reading->track;
    uint32_t few = series->n / 6 > 0 ? series->n / 6 : 1;
    double first, middle, end;

    if (series->n < 6 || process->restarts > 0)
        return;
    first = about(series, 0, few);
    middle = about(series, series->n / 2 - few / 2, few);
    end = about(series, series->n - few, few);
    if (track->memory_known && end - first <= track->grown_bytes)
        return;
    track->memory_known = true;
    track->memory_bytes = end;
    track->grown_bytes = end - first;
    track->grown_late_bytes = end - middle;
}

/* ---- all ----------------------------------------------------------------------------- */

void verdict_read_series(const struct prometheus_series *series, size_t n, int64_t at_ms,
                         int64_t window_ms, struct verdict_track *track)
{
    struct samples *reading = calloc(1, sizeof(*reading));

    CHECK(reading != NULL);
    *track = (struct verdict_track){ .processes = 0 };
    *reading = (struct samples){ .series = series, .n = n, .track = track,
                                 .from_s = (double)(at_ms - window_ms) / 1000,
                                 .to_s = (double)at_ms / 1000 };
    meet(reading);
    count_processes(reading);
    for (size_t i = 0; i < n; i++) {
        if (process_of(reading, &series[i]) == NULL)
            continue;
        take_counter(reading, &series[i]);
        take_times(reading, &series[i]);
        if (is(&series[i], "process_resident_memory_bytes"))
            take_memory(reading, &series[i]);
    }
    spread_times(&track->place);
    spread_times(&track->http);
    free(reading);
}

bool verdict_read_track(struct prometheus *prometheus, const char *selector, int64_t at_ms,
                        int64_t window_ms, struct arena *arena, struct verdict_track *track,
                        struct str *error)
{
    struct prometheus_series *series;
    char text[SELECTOR_BYTES];
    size_t n;

    if ((size_t)snprintf(text, sizeof(text), "{%s,__name__=~\"%s\"}", selector, names) >=
        sizeof(text)) {
        *error = STR("the selector is too long");
        return false;
    }
    if (!prometheus_read(prometheus, text, at_ms, window_ms, arena, &series, &n, error))
        return false;
    verdict_read_series(series, n, at_ms, window_ms, track);
    return true;
}
