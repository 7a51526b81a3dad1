/*
 * overround migrate --store URL: brings the schema up to date.
 */
#include "cli/cli.h"
#include "cli/store_url.h"
#include "store/db.h"

static int fail(struct str error)
{
    fprintf(stderr, "overround migrate: " STR_FMT "\n", STR_ARG(error));
    return 1;
}

static int run(const char *url, struct arena *arena)
{
    struct str error = STR_NONE;
    struct db *db = db_open(url, DB_WRITE, arena, &error);
    struct schema schema;
    unsigned applied = 0;
    int exit_code = 0;

    if (db == NULL)
        return fail(error);
    if (!migrate(db, &applied, &error) || !migrate_schema(db, &schema, &error))
        exit_code = fail(error);
    else
        printf("schema version %u, %u migrations applied%s\n", schema.have, applied,
               schema.have > schema.need ? "; it is ahead of this program and serves it" : "");
    db_close(db);
    return exit_code;
}

int cli_migrate(int argc, char **argv)
{
    struct arena arena;
    const char *url;
    int exit_code;

    if (!store_url_read("migrate", argc, argv, &url, &exit_code))
        return exit_code;
    arena_init(&arena, 16 * 1024 * 1024);
    exit_code = run(url, &arena);
    arena_fini(&arena);
    return exit_code;
}
