/*
 * overround migrate --store URL [--ledger URL]: brings the schema up to date, of
 * both databases when the ledger has one of its own, and says which half each is.
 */
#include "cli/cli.h"
#include "cli/store_url.h"
#include "store/halves.h"

static int fail(struct str error)
{
    fprintf(stderr, "overround migrate: " STR_FMT "\n", STR_ARG(error));
    return 1;
}

static bool bring_up_to_date(struct db *db, const char *what, struct str *error)
{
    struct schema schema;
    unsigned applied = 0;

    if (!migrate(db, &applied, error) || !migrate_schema(db, &schema, error))
        return false;
    printf("%sschema version %u, %u migrations applied%s\n", what, schema.have, applied,
           schema.have > schema.need ? "; it is ahead of this program and serves it" : "");
    return true;
}

/* Each half has the whole schema, of which it uses its own tables. */
static bool bring_both(struct db_halves *halves, struct str *error)
{
    if (halves->journal == halves->ledger)
        return bring_up_to_date(halves->journal, "", error);
    return bring_up_to_date(halves->journal, "journal: ", error) &&
           bring_up_to_date(halves->ledger, "ledger: ", error) &&
           halves_mark(halves->journal, halves->ledger, error);
}

static int migrate_halves(const char *url, const char *ledger, struct arena *arena)
{
    struct str error = STR_NONE;
    struct db_halves halves;
    int exit_code = 0;

    if (!db_open_halves(url, ledger, DB_WRITE, arena, &halves, &error))
        return fail(error);
    if (!bring_both(&halves, &error))
        exit_code = fail(error);
    db_close_halves(&halves);
    return exit_code;
}

int cli_migrate(int argc, char **argv)
{
    const char *url = store_url_set("OVERROUND_STORE"),
               *ledger = store_url_set("OVERROUND_LEDGER");
    const struct args_row rows[] = { STORE_URL_ROWS(&url, &ledger) };
    const struct args args = { .command = "migrate", .usage = STORE_URL_USAGE("migrate"),
                               .rows = rows, .n = LENGTH(rows), .takes_equals = true };
    struct arena arena;
    int exit_code = args_read(&args, argc, argv);

    if (exit_code != ARGS_WELL)
        return exit_code;
    if (url == NULL || *url == '\0')
        return args_help(&args, stderr);
    if (ledger != NULL && *ledger == '\0')
        ledger = NULL;
    arena_init(&arena, 16 * 1024 * 1024);
    exit_code = migrate_halves(url, ledger, &arena);
    arena_fini(&arena);
    return exit_code;
}
