/*
 * overround backup --to s3://BUCKET/PREFIX --store sqlite:PATH: the whole
 * database to an object store while a server uses it.  A copy as of one moment
 * (VACUUM INTO) is proven by the audit first; its object is named by the time.
 * With --second it goes to two stores; each copy is whole, so what one of them
 * missed is not brought later: the next copy is.  PostgreSQL has its own way:
 * docs/OPERATE.md, "Backup, and back to a point in time".
 *
 * Back: overround object get s3://BUCKET/PREFIX/overround-TIME.db PATH, without
 * a server on PATH.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/s3_options.h"
#include "cli/store_url.h"
#include "store/halves.h"

#define ARENA_BYTES ((size_t)16 * 1024 * 1024)

struct backup_args {
    struct s3_pair s3;
    const char *store, *temp, *textfile;
};

static int fail(struct str error)
{
    fprintf(stderr, "overround backup: " STR_FMT "\n", STR_ARG(error));
    return 1;
}

static int read_arguments(int argc, char **argv, struct backup_args *asked)
{
    const struct args_row rows[] = {
        ARGS_TEXT("--to", "URL", &asked->s3.options[0].url, NULL),
        ARGS_TEXT("--store", "URL", &asked->store, NULL),
        ARGS_TEXT("--temp", "FOLDER", &asked->temp, "where the copy stays meanwhile (/tmp)"),
        ARGS_TEXT("--textfile", "FILE", &asked->textfile,
                  "when each store last got one, for node_exporter"),
        S3_PAIR_ROWS(&asked->s3),
    };
    const struct args args = {
        .command = "backup",
        .usage = "usage: overround backup --to s3://BUCKET/PREFIX --store sqlite:PATH"
                 " [option …]\n\n",
        .rows = rows, .n = LENGTH(rows), .column = 22,
        .end = "Exits 1 when one store has not got it, or its books do not add up.\n",
    };
    int exit_code;

    *asked = (struct backup_args){ .store = store_url_set("OVERROUND_STORE"), .temp = "/tmp" };
    exit_code = args_read(&args, argc, argv);
    if (exit_code != ARGS_WELL)
        return exit_code;
    if (asked->s3.options[0].url == NULL || asked->store == NULL ||
        strncmp(asked->store, "sqlite:", 7) != 0 || strchr(asked->temp, '\'') != NULL ||
        !s3_pair_choose(&asked->s3))
        return args_help(&args, stderr);
    return ARGS_WELL;
}

/* What went wrong is told by the database, and would go with it. */
static void close_kept(struct db *db, bool well, struct arena *arena, struct str *error)
{
    if (!well)
        *error = arena_str(arena, *error);
    db_close(db);
}

/* One transaction reads it all; the server writes on beside it. */
static bool copy(const char *store, const char *path, struct arena *arena, struct str *error)
{
    struct db *db = db_open(store, DB_READ, arena, error);
    bool well;

    if (db == NULL)
        return false;
    /* It stays open to read alone: what is written is the other file. */
    well = db_run(db, "PRAGMA query_only = OFF", error) &&
           db_run(db, arena_cstr(arena, arena_printf(arena, "VACUUM INTO '%s'", path)), error);
    close_kept(db, well, arena, error);
    return well;
}

static void on_difference(void *ctx UNUSED, struct str sentence)
{
    printf("difference: " STR_FMT "\n", STR_ARG(sentence));
}

/* The books of the copy, which is what would come back; a journal alone has none. */
static bool prove(const char *path, struct arena *arena, uint64_t *differences,
                  struct str *error)
{
    struct audit_counts counts = { 0 };
    struct db *db = db_open(arena_cstr(arena, arena_printf(arena, "sqlite:%s", path)), DB_READ,
                            arena, error);
    bool well, has_books;

    if (db == NULL)
        return false;
    well = halves_has(db, STORE_LEDGER, &has_books, error) &&
           (has_books ? audit_run : audit_file)(db, on_difference, NULL, &counts, error);
    close_kept(db, well, arena, error);
    if (well)
        printf("%" PRIu64 " accounts, %" PRIu64 " bets, %" PRIu64 " transfers: %" PRIu64
               " differences\n", counts.accounts, counts.bets, counts.transfers,
               counts.differences);
    *differences = counts.differences;
    return well;
}

/* overround-2026-11-29T21-14-05.123Z.db: no colon, which some tools cannot have */
static const char *name_now(struct arena *arena)
{
    struct buf text;
    char *name;

    buf_init(&text, 64);
    clock_format(&text, clock_wall_ms());
    name = (char *)(uintptr_t)arena_cstr(arena, arena_printf(arena, "overround-" STR_FMT ".db",
                                                             STR_ARG(buf_view(&text))));
    for (char *p = name; *p != '\0'; p++)
        if (*p == ':')
            *p = '-';
    buf_fini(&text);
    return name;
}

/* To each store; where it fails is told, and passed over.  False: no file. */
static bool upload(const struct backup_args *asked, struct copies *copies, const char *key,
                   const char *path, struct str *error)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        *error = arena_printf(copies->arena, "%s: %s", path, strerror(errno));
        return false;
    }
    for (unsigned i = 0; i < COPIES; i++) {
        if (copies->s3[i] == NULL)
            continue;
        if (s3_put_file(copies->s3[i], key, file, error) == S3_OK)
            printf("%s/%s\n", asked->s3.options[i].url, key);
        else
            copy_is_away(copies, i, *error);
    }
    (void)fclose(file);
    return true;
}

/* What does not add up is stored too: it may be all there is. */
static int backup(const struct backup_args *asked, struct copies *copies)
{
    struct arena *arena = copies->arena;
    const char *key = name_now(arena);
    const char *path = arena_cstr(arena, arena_printf(arena, "%s/%s", asked->temp, key));
    struct str error = STR_NONE;
    uint64_t differences = 0;
    bool well;

    well = copy(asked->store, path, arena, &error) &&
           prove(path, arena, &differences, &error) && upload(asked, copies, key, path, &error);
    (void)unlink(path);
    if (!well)
        return fail(error);
    if (asked->textfile != NULL &&
        !copies_textfile(copies, NULL, asked->textfile, "backup", clock_wall_ms()))
        return fail(arena_printf(arena, "%s: %s", asked->textfile, strerror(errno)));
    if (!copies_are_complete(copies, &error))
        return fail(error);
    return differences == 0 ? 0 : 1;
}

int cli_backup(int argc, char **argv)
{
    struct backup_args asked;
    struct arena arena;
    struct str error = STR_NONE;
    struct copies copies;
    int exit_code = read_arguments(argc, argv, &asked);

    if (exit_code != ARGS_WELL)
        return exit_code;
    arena_init(&arena, ARENA_BYTES);
    if (!copies_open(&copies, asked.s3.options, &arena, &error)) {
        exit_code = fail(error);
    } else {
        exit_code = backup(&asked, &copies);
        copies_close(&copies);
    }
    arena_fini(&arena);
    return exit_code;
}
