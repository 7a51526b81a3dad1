/*
 * overround verdict: a release beside the one it is to replace, by Prometheus's
 * samples of both, the ledger's audit and shadow grading: promote (exit 0),
 * wait (10), roll back (20), each with reasons; 1 when it cannot be told, 2
 * for usage.  What is looked at: docs/RELEASES.md.
 */
#include "cli/verdict.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/span.h"
#include "store/db.h"

#define ARENA_BYTES ((size_t)1024 * 1024 * 1024)
#define FINDING_BYTES (1024 * 1024)
#define REPORT_BYTES (256 * 1024)

struct verdict_run {
    const char *prometheus, *store, *shadow, *selectors[2]; /* stable, canary */
    int64_t window_ms, stable_ago_ms, now_ms;
    bool json;
    struct verdict_ask ask;
    struct verdict_track tracks[2];
    struct arena arena;
};

/* ---- options --------------------------------------------------------------- */

/* In hundredths and the like: row->least for one that is said as 1 / row->least,
 * row->most for one that is said as so many. */
static bool read_number(const struct args_row *row, const char *value)
{
    double number = 0;

    if (strcmp(value, "0") != 0 && !args_speed(value, &number))
        return false;
    *(double *)row->into = number * (double)row->most / (double)row->least;
    return true;
}

#define UNREAD "has a value that cannot be read"
#define SPAN(name_, into_, help_) \
    { .name = (name_), .value = "SPAN", .read = args_span, .into = (into_), .wrong = UNREAD, \
      .help = (help_) }
#define NUMBER(name_, value_, into_, times_, part_, help_) \
    { .name = (name_), .value = (value_), .read = read_number, .into = (into_), \
      .most = (times_), .least = (part_), .wrong = UNREAD, .help = (help_) }

static int read_arguments(struct verdict_run *run, int argc, char **argv)
{
    struct verdict_limits *limits = &run->ask.limits;
    const struct args_row rows[] = {
        ARGS_TEXT("--prometheus", "URL", &run->prometheus,
                  "its HTTP API; OVERROUND_PROMETHEUS_TOKEN is a bearer token"),
        ARGS_SHOWN("--stable, --canary", NULL,
                   "label matchers of the two tracks: 'track=\"canary\"'"),
        ARGS_TEXT("--stable", "SELECTOR", &run->selectors[0], NULL),
        ARGS_TEXT("--canary", "SELECTOR", &run->selectors[1], NULL),
        SPAN("--window", &run->window_ms, "what is compared: the last 20s, 5m, 1h … (5m)"),
        SPAN("--stable-ago", &run->stable_ago_ms,
             "the stable track's window ended so long ago (when it has no\ntraffic any more)"),
        NUMBER("--min-bets", "N", &limits->min_bets, 1, 1,
               "fewer bets of the canary: wait (500; 0 where it takes none)"),
        NUMBER("--min-requests", "N", &limits->min_requests, 1, 1,
               "the same for requests (0)"),
        ARGS_TEXT("--store", "URL", &run->store, "audits the ledger, too"),
        ARGS_TEXT("--shadow", "FILE", &run->shadow,
                  "what `overround shadow --json` of the new release has found"),
        ARGS_TEXT("--expect-rules", "HASH", &run->ask.expect_rules,
                  "the change of the rules of grading that is wanted"),
        NUMBER("--slower-ratio", "R", &limits->slower_ratio, 1, 1,
               "p50 or p99 this many times the stable track's (1.5), and"),
        NUMBER("--slower-ms", "N", &limits->slower_s, 1, 1000, "slower by so much (25)"),
        NUMBER("--grown-mib", "N", &limits->grown_bytes, 1024 * 1024, 1,
               "memory grown by so much more than the stable track's (32)"),
        NUMBER("--effect", "PERCENT", &limits->effect, 1, 100,
               "refused or failed by so much more (0.5)"),
        ARGS_FLAG("--json", &run->json, "one line of JSON instead of the table"),
    };
    const struct args args = {
        .command = "verdict",
        .usage = "usage: overround verdict --prometheus URL --stable SELECTOR --canary SELECTOR"
                 " [option …]\n",
        .rows = rows, .n = LENGTH(rows), .column = 23, .tone = ARGS_SAY_NAME,
        .end = "exit: 0 promote, 10 wait, 20 roll back, 1 it cannot be told, 2 usage\n",
    };
    int exit_code = args_read(&args, argc, argv);

    if (exit_code == ARGS_WELL && (run->prometheus == NULL || run->selectors[0] == NULL ||
                                   run->selectors[1] == NULL))
        return args_wrong(&args, "--prometheus, --stable, --canary", "are needed");
    return exit_code;
}

/* ---- asking ------------------------------------------------------------------ */

static bool read_tracks(struct verdict_run *run, struct str *error)
{
    struct prometheus *prometheus =
        prometheus_new(run->prometheus, getenv("OVERROUND_PROMETHEUS_TOKEN"));
    bool well = prometheus != NULL;

    if (!well)
        *error = STR("libcurl does not start");
    for (unsigned i = 0; well && i < LENGTH(run->tracks); i++)
        well = verdict_read_track(prometheus, run->selectors[i],
                                  run->now_ms - (i == 0 ? run->stable_ago_ms : 0),
                                  run->window_ms, &run->arena, &run->tracks[i], error);
    prometheus_free(prometheus);
    return well;
}

static void on_difference(void *ctx, struct str sentence)
{
    struct verdict_finding *finding = ctx;

    if (finding->first[0] == '\0')
        (void)snprintf(finding->first, sizeof(finding->first), STR_FMT, STR_ARG(sentence));
}

static bool audit(struct verdict_run *run, struct str *error)
{
    struct verdict_finding *finding = &run->ask.audit;
    struct audit_counts counts;
    struct db *db;
    bool well;

    if (run->store == NULL)
        return true;
    db = db_open(run->store, DB_READ, &run->arena, error);
    if (db == NULL)
        return false;
    finding->asked = true;
    well = audit_run(db, on_difference, finding, &counts, error);
    if (!well)
        *error = arena_str(&run->arena, *error);
    finding->looked_at = counts.bets;
    finding->differences = counts.differences;
    db_close(db);
    return well;
}

/* What `overround shadow --json` has written. */
static bool read_shadow(struct verdict_run *run, struct str *error)
{
    struct verdict_finding *finding = &run->ask.shadow;
    struct str rules, text;
    json_t *first, *document;
    int64_t settled, open, passed, differences;
    const struct json_field fields[] = {
        { "rules", JSON_KIND_STRING, true, &rules },
        { "settled", JSON_KIND_INT, true, &settled },
        { "open", JSON_KIND_INT, true, &open },
        { "passed", JSON_KIND_INT, true, &passed },
        { "differences", JSON_KIND_INT, true, &differences },
        { "first", JSON_KIND_ARRAY, true, &first },
    };

    if (run->shadow == NULL)
        return true;
    if (!args_read_file(run->shadow, FINDING_BYTES, &run->arena, &text)) {
        *error = arena_printf(&run->arena, "%s cannot be read", run->shadow);
        return false;
    }
    document = json_read(text, fields, LENGTH(fields), &run->arena, error);
    if (document == NULL) {
        *error = arena_printf(&run->arena, "%s: " STR_FMT, run->shadow, STR_ARG(*error));
        return false;
    }
    *finding = (struct verdict_finding){ .asked = true,
                                         .looked_at = (uint64_t)(settled + open),
                                         .differences = (uint64_t)differences };
    if (json_array_size(first) > 0)
        on_difference(finding, str_of(json_string_value(json_array_get(first, 0))));
    json_decref(document);
    return true;
}

/* ---- the report ---------------------------------------------------------------- */

static void print_reasons(const struct verdict *verdict)
{
    for (unsigned i = 0; i < verdict->n; i++)
        if (verdict->rows[i].why[0] != '\0')
            printf("%s: %s\n", verdict_word_name(verdict->rows[i].word), verdict->rows[i].why);
}

static void print_table(const struct verdict_run *run, const struct verdict *verdict)
{
    printf("%-32s %-26s %-26s\n", "", "stable", "canary");
    printf("%-32s %-26s %-26s\n", "version", run->tracks[0].version, run->tracks[1].version);
    for (unsigned i = 0; i < verdict->n; i++) {
        const struct verdict_row *row = &verdict->rows[i];

        printf("%-32s %-26s %-26s %s\n", row->check, row->stable, row->canary,
               row->word == VERDICT_PROMOTE ? "well" : verdict_word_name(row->word));
    }
    printf("\n");
    print_reasons(verdict);
    printf("verdict: %s\n", verdict_word_name(verdict->word));
}

static void write_track(struct jw *w, const char *name, const struct verdict_run *run, unsigned i)
{
    jw_key(w, name);
    jw_object(w);
    jw_put_str(w, "selector", str_of(run->selectors[i]));
    jw_put_str(w, "version", str_of(run->tracks[i].version));
    jw_put_str(w, "rules", str_of(run->tracks[i].rules));
    jw_put_int(w, "processes", run->tracks[i].processes);
    jw_object_end(w);
}

static void write_row(struct jw *w, const struct verdict_row *row)
{
    jw_object(w);
    jw_put_str(w, "check", str_of(row->check));
    jw_put_str(w, "stable", str_of(row->stable));
    jw_put_str(w, "canary", str_of(row->canary));
    jw_put_str(w, "word", str_of(verdict_word_name(row->word)));
    jw_put_str(w, "why", str_of(row->why));
    jw_object_end(w);
}

static void print_json(const struct verdict_run *run, const struct verdict *verdict)
{
    struct buf out;
    struct jw w;

    buf_init(&out, REPORT_BYTES);
    w = jw_to(&out);
    jw_object(&w);
    jw_put_str(&w, "verdict", str_of(verdict_word_name(verdict->word)));
    jw_put_int(&w, "at_ms", run->now_ms);
    jw_put_int(&w, "window_ms", run->window_ms);
    write_track(&w, "stable", run, 0);
    write_track(&w, "canary", run, 1);
    jw_key(&w, "checks");
    jw_array(&w);
    for (unsigned i = 0; i < verdict->n; i++)
        write_row(&w, &verdict->rows[i]);
    jw_array_end(&w);
    jw_object_end(&w);
    printf(STR_FMT "\n", STR_ARG(buf_view(&out)));
    buf_fini(&out);
}

/* ---- running --------------------------------------------------------------------- */

static int judge_release(struct verdict_run *run)
{
    static const int exit_codes[] = { 0, 10, 20 };
    struct verdict *verdict = ARENA_NEW(&run->arena, struct verdict);
    struct str error = STR_NONE;

    if (!read_tracks(run, &error) || !audit(run, &error) || !read_shadow(run, &error)) {
        fprintf(stderr, "overround verdict: " STR_FMT "\n", STR_ARG(error));
        return 1;
    }
    run->ask.stable = &run->tracks[0];
    run->ask.canary = &run->tracks[1];
    verdict_judge(&run->ask, verdict);
    (run->json ? print_json : print_table)(run, verdict);
    return exit_codes[verdict->word];
}

int cli_verdict(int argc, char **argv)
{
    struct verdict_run *run;
    int exit_code;

    run = calloc(1, sizeof(*run));
    CHECK(run != NULL);
    run->window_ms = 300000;
    run->ask.limits = verdict_limits_default;
    run->now_ms = clock_wall_ms();
    arena_init(&run->arena, ARENA_BYTES);
    exit_code = read_arguments(run, argc, argv);
    if (exit_code == ARGS_WELL)
        exit_code = judge_release(run);
    arena_fini(&run->arena);
    free(run);
    return exit_code;
}
