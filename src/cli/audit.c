/*
 * overround audit --store URL: proves the books beside a live server.  Every
 * difference is a line; exit 0 when there is none, 1 else, 2 for usage.
 */
#include <inttypes.h>

#include "cli/cli.h"
#include "cli/store_url.h"
#include "store/db.h"

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

static int audit(const char *url, struct arena *arena)
{
    struct audit_counts counts;
    struct str error = STR_NONE;
    struct db *db = db_open(url, DB_READ, arena, &error);
    int exit_code;

    if (db == NULL)
        return fail(error);
    if (!audit_run(db, on_difference, NULL, &counts, &error)) {
        exit_code = fail(error);
    } else {
        printf("%" PRIu64 " accounts, %" PRIu64 " bets, %" PRIu64 " transfers, %" PRIu64
               " keys: %" PRIu64 " differences\n", counts.accounts, counts.bets,
               counts.transfers, counts.keys, counts.differences);
        exit_code = counts.differences == 0 ? 0 : 1;
    }
    db_close(db);
    return exit_code;
}

int cli_audit(int argc, char **argv)
{
    struct arena arena;
    const char *url;
    int exit_code;

    if (!store_url_read("audit", argc, argv, &url, &exit_code))
        return exit_code;
    arena_init(&arena, 16 * 1024 * 1024);
    exit_code = audit(url, &arena);
    arena_fini(&arena);
    return exit_code;
}
