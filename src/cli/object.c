/*
 * overround object put FILE s3://BUCKET/KEY | get s3://BUCKET/KEY FILE: one
 * file to an object store and back, for PostgreSQL's archive_command and
 * restore_command.  An object that is there is never replaced: put is content
 * when it is the same, and fails when it is not.
 *
 * get exits 1 when there is no such object, and 126 when that is not known:
 * PostgreSQL takes the former for the end of the log, the latter for trouble.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/s3_options.h"

#define ARENA_BYTES ((size_t)4 * 1024 * 1024)
#define EXIT_UNKNOWN 126

struct asked {
    struct s3_options s3;
    const char *verb, *from, *to;
};

static int usage(FILE *out)
{
    fprintf(out, "usage: overround object put FILE s3://BUCKET/KEY [option …]\n"
                 "       overround object get s3://BUCKET/KEY FILE [option …]\n\n" S3_USAGE
                 "get exits 1 when there is no such object, 126 when that is not known.\n");
    return out == stderr ? 2 : 0;
}

static int fail(struct str error)
{
    fprintf(stderr, "overround object: " STR_FMT "\n", STR_ARG(error));
    return 1;
}

static bool read_arguments(int argc, char **argv, struct asked *asked)
{
    *asked = (struct asked){ 0 };
    for (int i = 0; i < argc; i++) {
        if (s3_option_read(argc, argv, &i, &asked->s3))
            continue;
        if (argv[i][0] == '-')
            return false;
        if (asked->verb == NULL)
            asked->verb = argv[i];
        else if (asked->from == NULL)
            asked->from = argv[i];
        else if (asked->to == NULL)
            asked->to = argv[i];
        else
            return false;
    }
    return asked->to != NULL &&
           (strcmp(asked->verb, "put") == 0 || strcmp(asked->verb, "get") == 0);
}

/* The bytes of an object beside a file's. */
struct comparison { FILE *file; bool same; };

static bool on_compared(void *ctx, struct str bytes)
{
    struct comparison *comparison = ctx;
    char own[8192];

    while (bytes.n > 0 && comparison->same) {
        size_t n = bytes.n < sizeof(own) ? bytes.n : sizeof(own);

        comparison->same = fread(own, 1, n, comparison->file) == n
                           && memcmp(own, bytes.p, n) == 0;
        bytes.p += n;
        bytes.n -= n;
    }
    return comparison->same;
}

static int put(struct s3 *s3, const char *key, const char *path, struct arena *arena)
{
    struct comparison comparison = { fopen(path, "rb"), true };
    struct str error = STR_NONE;
    enum s3_result found;

    if (comparison.file == NULL)
        return fail(arena_printf(arena, "%s: %s", path, strerror(errno)));
    found = s3_get(s3, key, on_compared, &comparison, &error);
    comparison.same = comparison.same && fgetc(comparison.file) == EOF;
    if (found == S3_ABSENT)
        found = s3_put_file(s3, key, comparison.file, &error);
    else if (found == S3_OK && !comparison.same) {
        found = S3_FAILED;
        error = arena_printf(arena, "%s is there, and is not the same", key);
    }
    (void)fclose(comparison.file);
    return found == S3_OK ? 0 : fail(error);
}

static bool on_written(void *ctx, struct str bytes)
{
    return fwrite(bytes.p, 1, bytes.n, ctx) == bytes.n;
}

/* Under another name until it is whole. */
static int get(struct s3 *s3, const char *key, const char *path, struct arena *arena)
{
    const char *part = arena_cstr(arena, arena_printf(arena, "%s.part", path));
    FILE *file = fopen(part, "wb");
    struct str error = STR_NONE;
    enum s3_result found;
    bool written;

    if (file == NULL) {
        (void)fail(arena_printf(arena, "%s: %s", part, strerror(errno)));
        return EXIT_UNKNOWN;
    }
    error = arena_printf(arena, "%s cannot be written", path);
    found = s3_get(s3, key, on_written, file, &error);
    written = ferror(file) == 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    written = fclose(file) == 0 && written;
    if (found == S3_ABSENT)
        error = arena_printf(arena, "there is no %s", key);
    if (found == S3_OK && written && rename(part, path) == 0)
        return 0;
    (void)unlink(part);
    (void)fail(error);
    return found == S3_ABSENT ? 1 : EXIT_UNKNOWN;
}

static int run(struct asked *asked, struct arena *arena)
{
    bool is_put = strcmp(asked->verb, "put") == 0;
    const char *url = is_put ? asked->to : asked->from, *slash = strrchr(url, '/');
    struct str error = STR_NONE;
    struct s3 *s3;
    int exit_code;

    if (strncmp(url, "s3://", 5) != 0 || slash < url + 6 || slash[1] == '\0')
        return fail(arena_printf(arena, "\"%s\" is not s3://BUCKET/KEY", url));
    asked->s3.url = arena_cstr(arena, (struct str){ url, (size_t)(slash - url) });
    s3 = s3_open(&asked->s3, arena, &error);
    if (s3 == NULL)
        return fail(error) != 0 && is_put ? 1 : EXIT_UNKNOWN;
    exit_code = is_put ? put(s3, slash + 1, asked->from, arena)
                       : get(s3, slash + 1, asked->to, arena);
    s3_close(s3);
    return exit_code;
}

int cli_object(int argc, char **argv)
{
    struct asked asked;
    struct arena arena;
    int exit_code;

    if (argc == 1 && strcmp(argv[0], "--help") == 0)
        return usage(stdout);
    if (!read_arguments(argc, argv, &asked))
        return usage(stderr);
    arena_init(&arena, ARENA_BYTES);
    exit_code = run(&asked, &arena);
    arena_fini(&arena);
    return exit_code;
}
