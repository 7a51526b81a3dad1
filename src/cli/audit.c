/*
 * overround audit --store URL [--ledger URL]: proves the books beside a live server; with
 * a ledger of its own also that it follows this journal.  Every
 * difference is a line; exit 0 when there is none, 1 else, 2 for usage.
 *
 * --textfile FILE: the result as metrics, for node_exporter's textfile
 * collector, which reads files named *.prom of its folder.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/store_url.h"
#include "store/halves.h"

static void on_difference(void *ctx, struct str sentence)
{
    (void)ctx;
    printf("difference: " STR_FMT "\n", STR_ARG(sentence));
}

static int fail(struct str error)
{
    fprintf(stderr, "overround audit: " STR_FMT "\n", STR_ARG(error));
    return 1;
}

/* The books are the ledger's. */
static int audit(const char *url, const char *ledger, struct arena *arena)
{
    struct audit_counts counts;
    struct str error = STR_NONE;
    struct db_halves halves;
    int exit_code;

    if (!db_open_halves(url, ledger, DB_READ, arena, &halves, &error))
        return fail(error);
    if (!halves_fit(&halves, &error) ||
        !audit_run(halves.ledger, on_difference, NULL, &counts, &error)) {
        exit_code = fail(error);
    } else {
        printf("%" PRIu64 " accounts, %" PRIu64 " bets, %" PRIu64 " transfers, %" PRIu64
               " keys: %" PRIu64 " differences\n", counts.accounts, counts.bets,
               counts.transfers, counts.keys, counts.differences);
        exit_code = counts.differences == 0 ? 0 : 1;
    }
    db_close_halves(&halves);
    return exit_code;
}

static void put_gauge(FILE *out, const char *name, const char *help, const char *value)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n%s %s\n", name, help, name, name, value);
}

static void put_result(FILE *out, bool clean)
{
    char now[32];

    (void)snprintf(now, sizeof(now), "%" PRId64, clock_wall_ms() / 1000);
    put_gauge(out, "overround_audit_success",
              "1 when the last audit ended and found no difference, else 0.", clean ? "1" : "0");
    put_gauge(out, "overround_audit_timestamp_seconds", "When the last audit ended, since 1970.",
              now);
}

/* Replaces the file at once: nobody reads half of it. */
static bool write_textfile(const char *path, bool clean)
{
    char fresh[4096];
    FILE *out;
    bool well;

    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh)) {
        fprintf(stderr, "overround audit: %s: the name is too long\n", path);
        return false;
    }
    out = fopen(fresh, "w");
    well = out != NULL;
    if (well) {
        put_result(out, clean);
        well = ferror(out) == 0;
        well = fclose(out) == 0 && well && rename(fresh, path) == 0;
    }
    if (!well)
        fprintf(stderr, "overround audit: %s: %s\n", path, strerror(errno));
    return well;
}

int cli_audit(int argc, char **argv)
{
    const char *textfile = NULL, *url = store_url_set("OVERROUND_STORE"),
               *ledger = store_url_set("OVERROUND_LEDGER");
    const struct args_row rows[] = {
        STORE_URL_ROWS(&url, &ledger),
        ARGS_TEXT("--textfile", "FILE", &textfile, "the result as metrics, for node_exporter"),
    };
    const struct args args = { .command = "audit", .usage = STORE_URL_USAGE("audit"),
                               .rows = rows, .n = LENGTH(rows), .column = 19,
                               .takes_equals = true };
    struct arena arena;
    int exit_code = args_read(&args, argc, argv);

    if (exit_code != ARGS_WELL)
        return exit_code;
    if (url == NULL || *url == '\0')
        return args_help(&args, stderr);
    if (ledger != NULL && *ledger == '\0')
        ledger = NULL;
    arena_init(&arena, 16 * 1024 * 1024);
    exit_code = audit(url, ledger, &arena);
    arena_fini(&arena);
    if (textfile != NULL && !write_textfile(textfile, exit_code == 0))
        return 1;
    return exit_code;
}
