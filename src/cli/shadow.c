/*
 * overround shadow --store URL: grades a live store's bets by this program and
 * compares with what was paid.  Exit 0 when all is equal, 1 else, 2 for usage.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/span.h"
#include "cli/store_url.h"
#include "model/rules_hash.h"
#include "settle/shadow.h"
#include "store/halves.h"

#define TOLD 50            /* sentences that are printed */
#define SENTENCES_BYTES (TOLD * 2048)
#define JSON_BYTES (SENTENCES_BYTES * 2)

struct shadow_run {
    const char *url;
    bool json;
    struct shadow_options options;
    struct arena arena;
    struct str told[TOLD];
    size_t n_told;
};

static void on_difference(void *ctx, struct str sentence)
{
    struct shadow_run *run = ctx;

    if (run->n_told < TOLD)
        run->told[run->n_told++] = arena_str(&run->arena, sentence);
}

/* ---- the report ---------------------------------------------------------------- */

static void print_text(const struct shadow_run *run, const struct shadow_counts *counts)
{
    for (size_t i = 0; i < run->n_told; i++)
        printf("difference: " STR_FMT "\n", STR_ARG(run->told[i]));
    if (counts->differences > run->n_told)
        printf("… and %" PRIu64 " more\n", counts->differences - run->n_told);
    printf("rules %s: %" PRIu64 " settled and %" PRIu64 " open bets graded again, %" PRIu64
           " passed (settlement is under way): %" PRIu64 " differences\n", rules_hash(),
           counts->settled, counts->open, counts->unsettled, counts->differences);
}

static void print_json(const struct shadow_run *run, const struct shadow_counts *counts)
{
    struct buf out;
    struct jw w;

    buf_init(&out, JSON_BYTES);
    w = jw_to(&out);
    jw_object(&w);
    jw_put_str(&w, "rules", str_of(rules_hash()));
    jw_put_int(&w, "settled", (int64_t)counts->settled);
    jw_put_int(&w, "open", (int64_t)counts->open);
    jw_put_int(&w, "passed", (int64_t)counts->unsettled);
    jw_put_int(&w, "differences", (int64_t)counts->differences);
    jw_key(&w, "first");
    jw_array(&w);
    for (size_t i = 0; i < run->n_told; i++)
        jw_str(&w, run->told[i]);
    jw_array_end(&w);
    jw_object_end(&w);
    printf(STR_FMT "\n", STR_ARG(buf_view(&out)));
    buf_fini(&out);
}

/* ---- running ------------------------------------------------------------------- */

static int fail(struct str error)
{
    fprintf(stderr, "overround shadow: " STR_FMT "\n", STR_ARG(error));
    return 1;
}

static int shadow(struct shadow_run *run)
{
    struct shadow_counts counts;
    struct str error = STR_NONE;
    struct db *db = db_open(run->url, DB_READ, &run->arena, &error);
    int exit_code;

    if (db == NULL)
        return fail(error);
    if (!halves_need(db, STORE_LEDGER, &error) ||
        !shadow_run(db, &run->options, on_difference, run, &counts, &error)) {
        exit_code = fail(error);
    } else {
        (run->json ? print_json : print_text)(run, &counts);
        exit_code = counts.differences == 0 ? 0 : 1;
    }
    db_close(db);
    return exit_code;
}

static bool read_since(const struct args_row *row, const char *text)
{
    struct shadow_options *options = row->into;
    int64_t span_ms;

    if (!span_read(text, &span_ms))
        return false;
    options->since_ms = clock_wall_ms() - span_ms;
    options->last = 0;
    return true;
}

static int read_arguments(struct shadow_run *run, int argc, char **argv)
{
    const struct args_row rows[] = {
        STORE_LEDGER_ROWS(&run->url,
                          "sqlite:PATH or postgres://USER@HOST/DATABASE; only read"),
        ARGS_NUMBER("--last", "N", &run->options.last, 0, INT64_MAX,
                    "the newest N bets, and all that are open (100000; 0 = every bet)"),
        ARGS_READ("--since", "SPAN", read_since, &run->options, NULL,
                  "those accepted in the last 30m, 24h, 7d …, and all that are open"),
        ARGS_FLAG("--json", &run->json, "one line of JSON instead"),
    };
    const struct args args = {
        .command = "shadow",
        .usage = "usage: overround shadow --store URL [--last N | --since 24h] [--json]\n",
        .rows = rows, .n = LENGTH(rows), .column = 17,
    };
    int exit_code;

    run->url = store_url_of_ledger();
    run->options.last = 100000;
    exit_code = args_read(&args, argc, argv);
    if (exit_code == ARGS_WELL && (run->url == NULL || run->url[0] == '\0'))
        return args_help(&args, stderr);
    return exit_code;
}

int cli_shadow(int argc, char **argv)
{
    struct shadow_run run = { .url = NULL };
    int exit_code = read_arguments(&run, argc, argv);

    if (exit_code != ARGS_WELL)
        return exit_code;
    arena_init(&run.arena, 16 * 1024 * 1024);
    exit_code = shadow(&run);
    arena_fini(&run.arena);
    return exit_code;
}
