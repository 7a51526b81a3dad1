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

static const char usage[] =
    "usage: overround verdict --prometheus URL --stable SELECTOR --canary SELECTOR [option …]\n"
    "  --prometheus URL     its HTTP API; OVERROUND_PROMETHEUS_TOKEN is a bearer token\n"
    "  --stable, --canary   label matchers of the two tracks: 'track=\"canary\"'\n"
    "  --window SPAN        what is compared: the last 20s, 5m, 1h … (5m)\n"
    "  --stable-ago SPAN    the stable track's window ended so long ago (when it has no\n"
    "                       traffic any more)\n"
    "  --min-bets N         fewer bets of the canary: wait (500; 0 where it takes none)\n"
    "  --min-requests N     the same for requests (0)\n"
    "  --store URL          audits the ledger, too\n"
    "  --shadow FILE        what `overround shadow --json` of the new release has found\n"
    "  --expect-rules HASH  the change of the rules of grading that is wanted\n"
    "  --slower-ratio R     p50 or p99 this many times the stable track's (1.5), and\n"
    "  --slower-ms N        slower by so much (25)\n"
    "  --grown-mib N        memory grown by so much more than the stable track's (32)\n"
    "  --effect PERCENT     refused or failed by so much more (0.5)\n"
    "  --json               one line of JSON instead of the table\n"
    "exit: 0 promote, 10 wait, 20 roll back, 1 it cannot be told, 2 usage\n";

struct verdict_run {
    const char *prometheus, *store, *shadow, *selectors[2]; /* stable, canary */
    int64_t window_ms, stable_ago_ms, now_ms;
    bool json;
    struct verdict_ask ask;
    struct verdict_track tracks[2];
    struct arena arena;
};

/* ---- options --------------------------------------------------------------- */

enum option_kind { OPTION_TEXT, OPTION_SPAN, OPTION_NUMBER, OPTION_FLAG };
struct option_row { const char *name; enum option_kind kind; void *into; double scale; };

static bool set_option(const struct option_row *row, const char *value)
{
    double number;

    switch (row->kind) {
    case OPTION_TEXT:
        *(const char **)row->into = value;
        return true;
    case OPTION_SPAN:
        return span_read(value, row->into);
    case OPTION_NUMBER:
        number = 0;
        if (strcmp(value, "0") != 0 && !args_speed(value, &number))
            return false;
        *(double *)row->into = number * row->scale;
        return true;
    case OPTION_FLAG:
        break;
    }
    *(bool *)row->into = true;
    return true;
}

static int usage_error(const char *name, const char *what)
{
    fprintf(stderr, "overround verdict: %s %s; see overround verdict --help\n", name, what);
    return 2;
}

/* 0 = go on, else the exit code. */
static int read_options(struct verdict_run *run, int argc, char **argv)
{
    struct verdict_limits *limits = &run->ask.limits;
    const struct option_row rows[] = {
        { "--prometheus", OPTION_TEXT, &run->prometheus, 0 },
        { "--stable", OPTION_TEXT, &run->selectors[0], 0 },
        { "--canary", OPTION_TEXT, &run->selectors[1], 0 },
        { "--store", OPTION_TEXT, &run->store, 0 },
        { "--shadow", OPTION_TEXT, &run->shadow, 0 },
        { "--expect-rules", OPTION_TEXT, &run->ask.expect_rules, 0 },
        { "--window", OPTION_SPAN, &run->window_ms, 0 },
        { "--stable-ago", OPTION_SPAN, &run->stable_ago_ms, 0 },
        { "--min-bets", OPTION_NUMBER, &limits->min_bets, 1 },
        { "--min-requests", OPTION_NUMBER, &limits->min_requests, 1 },
        { "--slower-ratio", OPTION_NUMBER, &limits->slower_ratio, 1 },
        { "--slower-ms", OPTION_NUMBER, &limits->slower_s, 0.001 },
        { "--grown-mib", OPTION_NUMBER, &limits->grown_bytes, 1024 * 1024 },
        { "--effect", OPTION_NUMBER, &limits->effect, 0.01 },
        { "--json", OPTION_FLAG, &run->json, 0 },
    };

    for (int i = 0; i < argc; i++) {
        const struct option_row *row = NULL;

        for (size_t j = 0; j < LENGTH(rows); j++)
            if (strcmp(argv[i], rows[j].name) == 0)
                row = &rows[j];
        if (row == NULL)
            return usage_error(argv[i], "is no option");
        if (row->kind != OPTION_FLAG && i + 1 == argc)
            return usage_error(argv[i], "needs a value");
        if (!set_option(row, row->kind == OPTION_FLAG ? "" : argv[++i]))
            return usage_error(row->name, "has a value that cannot be read");
    }
    if (run->prometheus == NULL || run->selectors[0] == NULL || run->selectors[1] == NULL)
        return usage_error("--prometheus, --stable, --canary", "are needed");
    return 0;
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

static int tell(struct verdict_run *run)
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

    if (argc == 1 && strcmp(argv[0], "--help") == 0) {
        (void)fputs(usage, stdout);
        return 0;
    }
    run = calloc(1, sizeof(*run));
    CHECK(run != NULL);
    run->window_ms = 300000;
    run->ask.limits = verdict_limits_default;
    run->now_ms = clock_wall_ms();
    arena_init(&run->arena, ARENA_BYTES);
    exit_code = read_options(run, argc, argv);
    if (exit_code == 0)
        exit_code = tell(run);
    arena_fini(&run->arena);
    free(run);
    return exit_code;
}
