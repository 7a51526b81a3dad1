/*
 * overround archive --to s3://BUCKET/PREFIX [--store URL] [--verify | --drop]:
 * writes days that are over, reads them back, drops months that are archived
 * (archive/archive.h), in one object store or in two.  Beside a live server.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "archive/archive.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/s3_options.h"
#include "cli/store_url.h"
#include "store/halves.h"

#define ARENA_BYTES ((size_t)256 * 1024 * 1024)
#define GRACE_MS ((int64_t)3600 * 1000) /* what began on that day has ended */
#define WINDOW_DAYS 90                  /* RULES.md 11 */

struct archive_args {
    const char *store;
    const char *textfile;
    struct s3_pair s3;
    bool verify, drop;
    int64_t through; /* day, -1: the last that is over */
    int64_t window_days;
};

static int fail(struct str error)
{
    fprintf(stderr, "overround archive: " STR_FMT "\n", STR_ARG(error));
    return 1;
}

static bool read_through(const struct args_row *row, const char *value)
{
    int64_t at_ms;

    if (strlen(value) != DAY_TEXT - 2 || !clock_parse(str_of(value), &at_ms))
        return false;
    *(int64_t *)row->into = at_ms / DAY_MS;
    return true;
}

static bool is_complete(struct archive_args *asked)
{
    if (asked->drop && asked->s3.from != NULL)
        return false; /* what is dropped must be in both */
    if (asked->store != NULL && *asked->store == '\0')
        asked->store = NULL;
    return asked->s3.options[0].url != NULL && !(asked->verify && asked->drop)
        && (asked->verify || asked->store != NULL) && s3_pair_choose(&asked->s3);
}

static int read_arguments(int argc, char **argv, struct archive_args *asked)
{
    const struct args_row rows[] = {
        ARGS_TEXT("--to", "URL", &asked->s3.options[0].url, NULL),
        STORE_LEDGER_ROWS(&asked->store, NULL),
        ARGS_READ("--through", "DAY", read_through, &asked->through, NULL,
                  "up to and with this day (the last that is over)"),
        ARGS_FLAG("--verify", &asked->verify,
                  "reads everything back; 1 when something is wrong; with\n"
                  "--store, adds up what became of its checkpoints, too"),
        ARGS_FLAG("--drop", &asked->drop,
                  "months that are over and archived leave PostgreSQL;\n"
                  "each store must have them: not with --from"),
        ARGS_NUMBER("--window-days", "N", &asked->window_days, WINDOW_DAYS, 36499,
                    "so long a bet may be settled again (90, not less)"),
        ARGS_TEXT("--textfile", "FILE", &asked->textfile,
                  "when each store was last complete, for node_exporter"),
        S3_PAIR_ROWS(&asked->s3),
    };
    const struct args args = {
        .command = "archive",
        .usage = "usage: overround archive --to s3://BUCKET/PREFIX --store URL [option …]\n"
                 "       overround archive --to s3://BUCKET/PREFIX [--store URL] --verify\n"
                 "       overround archive --to s3://BUCKET/PREFIX --store URL --drop\n\n",
        .rows = rows, .n = LENGTH(rows), .column = 22,
        .end = "Exits 1 when a store lacks something, too.\n",
    };
    int exit_code;

    *asked = (struct archive_args){ .store = store_url_of_ledger(), .through = -1,
                                    .window_days = WINDOW_DAYS };
    exit_code = args_read(&args, argc, argv);
    return exit_code == ARGS_WELL && !is_complete(asked) ? args_help(&args, stderr) : exit_code;
}

static void print_line(void *ctx UNUSED, struct str line)
{
    printf(STR_FMT "\n", STR_ARG(line));
    (void)fflush(stdout);
}

/* With a store: whose checkpoints stand for what is archived. */
static int prove(struct archive *archive)
{
    uint64_t accounts, faults;
    struct str error;

    if (!archive_prove(archive, &accounts, &faults, &error))
        return fail(error);
    printf("%" PRIu64 " checkpoints: %" PRIu64 " faults\n", accounts, faults);
    return faults == 0 ? 0 : 1;
}

static int verify(struct archive *archive)
{
    struct archive_counts counts = { 0 };
    struct str error = STR_NONE;
    uint64_t faults;

    if (!archive_verify(archive, &counts, &faults, &error))
        return fail(error);
    printf("%" PRIu64 " days, %" PRIu64 " objects, %" PRIu64 " rows: %" PRIu64 " faults\n",
           counts.days, counts.objects, counts.rows, faults);
    return faults == 0 ? 0 : 1;
}

static bool write_textfile(const struct archive *archive, const struct archive_args *asked)
{
    if (asked->textfile == NULL ||
        copies_textfile(&archive->copies, NULL, asked->textfile, "archive", archive->now_ms))
        return true;
    fprintf(stderr, "overround archive: %s: %s\n", asked->textfile, strerror(errno));
    return false;
}

static int write_days(struct archive *archive, const struct archive_args *asked)
{
    struct archive_counts counts = { 0 };
    int64_t through = asked->through;
    struct str error = STR_NONE;
    bool well;

    if (through < 0)
        through = (archive->now_ms - GRACE_MS) / DAY_MS - 1;
    well = archive_write(archive, through, &counts, &error);
    if (!well)
        copies_lack(&archive->copies);
    if (!write_textfile(archive, asked) || !well)
        return well ? 1 : fail(error);
    printf("%" PRIu64 " days, %" PRIu64 " written, ", counts.days, counts.written);
    if (copies_are_two(&archive->copies))
        printf("%" PRIu64 " copied, ", counts.copied);
    printf("%" PRIu64 " objects, %" PRIu64 " rows\n", counts.objects, counts.rows);
    return copies_are_complete(&archive->copies, &error) ? 0 : fail(error);
}

static int drop(struct archive *archive, const struct archive_args *asked)
{
    uint64_t dropped;
    struct str error;

    if (!db_is_postgres(archive->db))
        return fail(STR("months are dropped from PostgreSQL alone; SQLite has no partitions"));
    if (!archive_drop(archive, asked->window_days, &dropped, &error))
        return fail(error);
    printf("%" PRIu64 " months dropped\n", dropped);
    return 0;
}

static int with_store(struct archive *archive, const struct archive_args *asked)
{
    struct str error = STR_NONE;
    int exit_code;

    archive->db = db_open(asked->store, asked->drop ? DB_BESIDE : DB_READ, &archive->arena,
                          &error);
    if (archive->db == NULL)
        return fail(error);
    if (!halves_need(archive->db, STORE_LEDGER, &error))
        exit_code = fail(error);
    else if (asked->verify)
        exit_code = verify(archive) | prove(archive);
    else
        exit_code = asked->drop ? drop(archive, asked) : write_days(archive, asked);
    db_close(archive->db);
    return exit_code;
}

int cli_archive(int argc, char **argv)
{
    struct archive archive = { .now_ms = clock_wall_ms(), .say = print_line };
    struct str error = STR_NONE;
    struct archive_args asked;
    int exit_code = read_arguments(argc, argv, &asked);

    if (exit_code != ARGS_WELL)
        return exit_code;
    arena_init(&archive.arena, ARENA_BYTES);
    if (!copies_open(&archive.copies, asked.s3.options, &archive.arena, &error)) {
        exit_code = fail(error);
    } else {
        exit_code = asked.store == NULL ? verify(&archive) : with_store(&archive, &asked);
        copies_close(&archive.copies);
    }
    arena_fini(&archive.arena);
    return exit_code;
}
