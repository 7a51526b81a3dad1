/*
 * overround object put FILE s3://BUCKET/KEY | get s3://BUCKET/KEY FILE: one
 * file to an object store and back, for PostgreSQL's archive_command and
 * restore_command.  An object that is there is never replaced: put is content
 * when it is the same, and fails when it is not.
 *
 * With --second, put goes to both and is content with one (--both: it is not),
 * so that a cloud that is away neither stops the other nor fills the disk of
 * PostgreSQL; sync compares the two and copies what one of them lacks, however old.
 * get asks the second where the first has it not or fails.
 *
 * get exits 1 when there is no such object in any, and 126 when that is not
 * known: PostgreSQL takes the former for the end of the log, the latter for
 * trouble.
 *
 * restore thaws what is in an archive class, which nobody can read before.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "archive/sync.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/s3_options.h"

#define ARENA_BYTES ((size_t)512 * 1024 * 1024) /* of names that restore waits for */
#define EXIT_UNKNOWN 126
#define DAY_MS ((int64_t)86400 * 1000)
#define KEPT_DAYS 35 /* as the calendar of docs/BACKUPS.md has it */
#define THAWED_DAYS 7
#define TRIES 10 /* rounds in a row that a store does not answer for an object */

struct object_args {
    struct s3_pair s3;
    const char *verb, *from, *to;
    const char *keys[COPIES];
    const char *tier, *textfile, *what;
    int64_t days; /* restore: readable for; sync: kept for; 0: not said */
    int64_t every_s, tries;
    bool both, wait, ever, quick;
};

static int fail(struct str error)
{
    fprintf(stderr, "overround object: " STR_FMT "\n", STR_ARG(error));
    return 1;
}

/* ---- arguments ---------------------------------------------------------------- */

static bool read_tier(const struct args_row *row, const char *tier)
{
    return (strcmp(tier, "Bulk") == 0 || strcmp(tier, "Standard") == 0 ||
            strcmp(tier, "Expedited") == 0) && args_text(row, tier);
}

static bool read_label(const struct args_row *row, const char *word)
{
    return *word != '\0' && strspn(word, "abcdefghijklmnopqrstuvwxyz_") == strlen(word) &&
           args_text(row, word);
}

static bool read_days(const struct args_row *row, const char *value)
{
    struct object_args *asked = row->into;

    if (strcmp(value, "ever") == 0)
        return asked->ever = true;
    return args_whole(value, 1, 36500, &asked->days);
}

static const char *take_word(void *ctx, const char *word)
{
    struct object_args *asked = ctx;
    const char **next = asked->verb == NULL ? &asked->verb
                        : asked->from == NULL ? &asked->from : &asked->to;

    if (*next != NULL)
        return "is one too many";
    *next = word;
    return NULL;
}

static bool is_complete(const struct object_args *asked)
{
    const char *verb = asked->verb != NULL ? asked->verb : "";

    if (strcmp(verb, "put") == 0 || strcmp(verb, "get") == 0)
        return asked->to != NULL;
    if (asked->from == NULL || asked->to != NULL ||
        ((asked->ever || asked->quick) && strcmp(verb, "sync") != 0))
        return false;
    return strcmp(verb, "sync") == 0 ? asked->s3.options[1].url != NULL && asked->s3.from == NULL
                                     : strcmp(verb, "restore") == 0;
}

static int read_arguments(int argc, char **argv, struct object_args *asked)
{
    const struct args_row rows[] = {
        ARGS_FLAG("--both", &asked->both, "put: fails until both have it"),
        ARGS_READ("--days", "N", read_days, asked, NULL,
                  "sync: how long both stores keep what is put, then their\n"
                  "rules end it, or `ever` (35); restore: readable for so\nlong (7)"),
        ARGS_FLAG("--quick", &asked->quick,
                  "sync: by the listings alone, which do not tell all that\n"
                  "differs; an alarm of that ends by a whole one"),
        ARGS_TEXT("--textfile", "FILE", &asked->textfile,
                  "sync: when each store was last complete, what is missing\n"
                  "and different, for node_exporter"),
        ARGS_READ("--what", "WORD", read_label, &asked->what, NULL, "its label (wal)"),
        ARGS_READ("--tier", "TIER", read_tier, &asked->tier, NULL,
                  "restore: Bulk, Standard or Expedited (Standard)"),
        ARGS_FLAG("--wait", &asked->wait, "restore: until all can be read"),
        ARGS_NUMBER("--every-s", "N", &asked->every_s, 1, 86400, "and asks so often (60)"),
        ARGS_NUMBER("--tries", "N", &asked->tries, 1, 1000,
                    "and again, where no answer or 5xx comes, so many times\n"
                    "in a row for an object (10)"),
        S3_PAIR_ROWS(&asked->s3),
    };
    const struct args args = {
        .command = "object",
        .usage = "usage: overround object put FILE s3://BUCKET/KEY [option …]\n"
                 "       overround object get s3://BUCKET/KEY FILE [option …]\n"
                 "       overround object sync s3://BUCKET/PREFIX --second s3://… [option …]\n"
                 "       overround object restore s3://BUCKET/PREFIX [option …]\n\n",
        .rows = rows, .n = LENGTH(rows), .column = 22, .word = take_word, .ctx = asked,
        .end = "get exits 1 when there is no such object, 126 when that is not known;\n"
               "restore exits 1 until all can be read.\n",
    };
    int exit_code;

    *asked = (struct object_args){ .tier = "Standard", .what = "wal", .every_s = 60,
                                   .tries = TRIES };
    exit_code = args_read(&args, argc, argv);
    return exit_code == ARGS_WELL && !is_complete(asked) ? args_help(&args, stderr) : exit_code;
}

/* "s3://bucket/a/key" is "key" below "s3://bucket/a". */
static bool split(const char **url, const char **key, bool may_be_empty, struct arena *arena)
{
    const char *slash = strrchr(*url, '/');

    if (strncmp(*url, "s3://", 5) != 0 || slash < *url + 6 || (slash[1] == '\0' && !may_be_empty))
        return false;
    *key = slash + 1;
    *url = arena_cstr(arena, (struct str){ *url, (size_t)(slash - *url) });
    return true;
}

/* ---- put ------------------------------------------------------------------------ */

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

/* *differs: another object is there, and stays. */
static bool put_one(struct s3 *s3, const char *key, FILE *file, struct arena *arena,
                    bool *differs, struct str *error)
{
    struct comparison comparison = { file, true };
    enum s3_result found;

    rewind(file);
    found = s3_get(s3, key, on_compared, &comparison, error);
    comparison.same = comparison.same && fgetc(file) == EOF;
    if (found == S3_ABSENT)
        return s3_put_file(s3, key, file, error) == S3_OK;
    if (found == S3_OK && !comparison.same) {
        *error = arena_printf(arena, "%s is there, and is not the same", key);
        *differs = true;
    }
    return found == S3_OK && comparison.same;
}

static int put(const struct object_args *asked, struct copies *copies)
{
    FILE *file = fopen(asked->from, "rb");
    unsigned had = 0, failed = 0;
    bool differs = false;

    if (file == NULL)
        return fail(arena_printf(copies->arena, "%s: %s", asked->from, strerror(errno)));
    for (unsigned i = 0; i < COPIES; i++) {
        struct str error = STR_NONE;

        if (copies->s3[i] == NULL)
            continue;
        if (put_one(copies->s3[i], asked->keys[i], file, copies->arena, &differs, &error)) {
            had++;
            continue;
        }
        failed++;
        copy_is_away(copies, i, error);
        (void)fail(copies_are_two(copies) ? copies->away[i] : error);
    }
    (void)fclose(file);
    return had > 0 && !differs && (failed == 0 || !asked->both) ? 0 : 1;
}

/* ---- get ------------------------------------------------------------------------ */

static bool on_written(void *ctx, struct str bytes)
{
    return fwrite(bytes.p, 1, bytes.n, ctx) == bytes.n;
}

/* Under another name until it is whole. */
static enum s3_result get_one(struct s3 *s3, const char *key, const char *path,
                              struct arena *arena, struct str *error)
{
    const char *part = arena_cstr(arena, arena_printf(arena, "%s.part", path));
    FILE *file = fopen(part, "wb");
    enum s3_result found;
    bool written;

    if (file == NULL) {
        *error = arena_printf(arena, "%s: %s", part, strerror(errno));
        return S3_FAILED;
    }
    *error = arena_printf(arena, "%s cannot be written", path);
    found = s3_get(s3, key, on_written, file, error);
    written = ferror(file) == 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    written = fclose(file) == 0 && written;
    if (found == S3_ABSENT)
        *error = arena_printf(arena, "there is no %s", key);
    if (found == S3_OK && written && rename(part, path) == 0)
        return S3_OK;
    (void)unlink(part);
    return found == S3_ABSENT ? S3_ABSENT : S3_FAILED;
}

static int get(const struct object_args *asked, struct copies *copies)
{
    bool known = true;

    for (unsigned i = 0; i < COPIES; i++) {
        struct str error = STR_NONE;
        enum s3_result found;

        if (copies->s3[i] == NULL)
            continue;
        found = get_one(copies->s3[i], asked->keys[i], asked->to, copies->arena, &error);
        if (found == S3_OK)
            return 0;
        known = known && found == S3_ABSENT;
        copy_is_away(copies, i, error);
        (void)fail(copies_are_two(copies) ? copies->away[i] : error);
    }
    return known ? 1 : EXIT_UNKNOWN;
}

/* ---- sync ------------------------------------------------------------------------ */

static void print_line(void *ctx UNUSED, struct str line)
{
    printf(STR_FMT "\n", STR_ARG(line));
    (void)fflush(stdout);
}

static void print_summary(const struct sync *sync)
{
    printf("%" PRIu64 " objects, %" PRIu64 " copied, %" PRIu64 " put anew, %" PRIu64
           " past their time, %" PRIu64 " looked at, %" PRIu64 " read, ", sync->objects,
           sync->copied, sync->mended, sync->ended, sync->looked, sync->read);
    if (sync->is_quick)
        printf("%" PRIu64 " not told by the listings, ", sync->unproven);
    printf("%" PRIu64 " missing, %" PRIu64 " different: %" PRIu64 " faults\n",
           sync->found.missing[0] + sync->found.missing[1], sync->found.different, sync->faults);
}

static int synchronize(const struct object_args *asked, struct copies *copies)
{
    int64_t kept = asked->ever ? 0 : asked->days > 0 ? asked->days : KEPT_DAYS;
    struct sync sync = { .copies = copies, .now_ms = clock_wall_ms(), .kept_ms = kept * DAY_MS,
                         .is_quick = asked->quick, .say = print_line };
    struct str error = STR_NONE;
    bool well = sync_run(&sync, &error);

    if (!well)
        copies_lack(copies);
    if (asked->textfile != NULL &&
        !copies_textfile(copies, &sync.found, asked->textfile, asked->what, sync.now_ms))
        return fail(arena_printf(copies->arena, "%s: %s", asked->textfile, strerror(errno)));
    if (!well)
        return fail(error);
    print_summary(&sync);
    return sync.faults == 0 ? 0 : 1;
}

/* ---- restore --------------------------------------------------------------------- */

struct frozen { struct frozen *next; const char *key; unsigned failures; /* in a row */ };
struct thawing {
    const struct object_args *asked;
    struct s3 *s3;
    const char *url; /* of the keys */
    struct arena *arena;
    struct frozen *list;
    uint64_t objects, asked_for, waiting, failed;
};

static bool on_object(void *ctx, const struct s3_object *object)
{
    struct thawing *thawing = ctx;
    struct frozen *frozen;

    thawing->objects++;
    if (!s3_class_is_frozen(object->storage_class))
        return true;
    frozen = ARENA_NEW(thawing->arena, struct frozen);
    *frozen = (struct frozen){ thawing->list, arena_cstr(thawing->arena, object->key), 0 };
    thawing->list = frozen;
    return true;
}

/* Where one is, and the first time: asks for it. */
static enum s3_result thaw_one(struct thawing *thawing, const char *key, struct s3_state *state,
                               struct str *error)
{
    const struct object_args *asked = thawing->asked;
    enum s3_result result = s3_look(thawing->s3, key, state, error);

    if (result != S3_OK || state->thaw != S3_FROZEN)
        return result;
    result = s3_thaw(thawing->s3, key, asked->days > 0 ? asked->days : THAWED_DAYS,
                     asked->tier, error);
    if (result == S3_OK) {
        thawing->asked_for++;
        print_line(NULL, arena_printf(thawing->arena, "%s: %s, asked for (%s)", key,
                                      state->storage_class, asked->tier));
    }
    return result;
}

/* What may pass is asked again in the next round, if there is one; true: it is kept. */
static bool may_try_again(const struct thawing *thawing, struct frozen *frozen,
                          struct str error)
{
    const struct object_args *asked = thawing->asked;
    bool again = asked->wait && s3_may_pass(thawing->s3) && ++frozen->failures < asked->tries;

    fprintf(stderr, "overround object: %s/%s: " STR_FMT "\n", thawing->url, frozen->key,
            STR_ARG(error));
    if (again)
        fprintf(stderr, "overround object: %s/%s: is asked again (%u of %u)\n", thawing->url,
                frozen->key, frozen->failures, (unsigned)asked->tries);
    return again;
}

/* Those that cannot be read yet stay in the list. */
static void thaw_round(struct thawing *thawing)
{
    struct frozen *left = NULL;

    thawing->waiting = 0;
    for (struct frozen *frozen = thawing->list, *next; frozen != NULL; frozen = next) {
        struct s3_state state;
        struct str error = STR_NONE;
        bool well = thaw_one(thawing, frozen->key, &state, &error) == S3_OK;

        next = frozen->next;
        frozen->failures = well ? 0 : frozen->failures;
        if (well && (state.thaw == S3_THAWED || state.thaw == S3_READABLE)) {
            print_line(NULL, arena_printf(thawing->arena, "%s: readable until %s", frozen->key,
                                          state.until));
        } else if (well || may_try_again(thawing, frozen, error)) {
            frozen->next = left;
            left = frozen;
            thawing->waiting++;
        } else {
            thawing->failed++;
        }
    }
    thawing->list = left;
}

static bool list_frozen(struct thawing *thawing, const char *prefix, struct str *error)
{
    const struct object_args *asked = thawing->asked;

    for (unsigned failures = 1;; failures++) {
        thawing->list = NULL;
        thawing->objects = 0;
        if (s3_list(thawing->s3, prefix, on_object, thawing, error) == S3_OK)
            return true;
        if (!asked->wait || !s3_may_pass(thawing->s3) || failures >= asked->tries)
            return false;
        (void)fail(*error);
        (void)sleep((unsigned)asked->every_s);
    }
}

/* In the first store that is chosen: --from says which.  What fails for good is told,
 * and the others are waited for all the same. */
static int restore(const struct object_args *asked, struct copies *copies)
{
    unsigned store = copies->s3[0] != NULL ? 0 : 1;
    struct thawing thawing = { .asked = asked, .s3 = copies->s3[store], .arena = copies->arena,
                               .url = asked->s3.options[store].url };
    struct str error = STR_NONE;

    if (!list_frozen(&thawing, asked->keys[store], &error))
        return fail(error);
    thaw_round(&thawing);
    while (asked->wait && thawing.waiting > 0) {
        (void)sleep((unsigned)asked->every_s);
        thaw_round(&thawing);
    }
    printf("%" PRIu64 " objects, %" PRIu64 " asked for, %" PRIu64 " to wait for: %" PRIu64
           " faults\n", thawing.objects, thawing.asked_for, thawing.waiting, thawing.failed);
    return thawing.waiting + thawing.failed == 0 ? 0 : 1;
}

/* ---- all --------------------------------------------------------------------------- */

static bool find_stores(struct object_args *asked, struct arena *arena, struct str *error)
{
    struct s3_options *options = asked->s3.options;
    bool is_prefix = strcmp(asked->verb, "restore") == 0;

    options[0].url = strcmp(asked->verb, "put") == 0 ? asked->to : asked->from;
    if (!s3_pair_choose(&asked->s3)) {
        *error = STR("--from second needs --second");
        return false;
    }
    for (unsigned i = 0; i < COPIES && strcmp(asked->verb, "sync") != 0; i++) {
        if (options[i].url != NULL &&
            !split(&options[i].url, &asked->keys[i], is_prefix, arena)) {
            *error = arena_printf(arena, "\"%s\" is not s3://BUCKET/KEY", options[i].url);
            return false;
        }
    }
    return true;
}

static int run_object(struct object_args *asked, struct arena *arena)
{
    static const struct {
        const char *verb;
        int (*run)(const struct object_args *asked, struct copies *copies);
    }
        verbs[] = {
            { "put", put }, { "get", get }, { "sync", synchronize }, { "restore", restore },
        };
    struct str error = STR_NONE;
    struct copies copies;
    int exit_code = 2;

    if (!find_stores(asked, arena, &error) ||
        !copies_open(&copies, asked->s3.options, arena, &error)) {
        (void)fail(error);
        return strcmp(asked->verb, "get") == 0 ? EXIT_UNKNOWN : 1;
    }
    for (size_t i = 0; i < LENGTH(verbs); i++)
        if (strcmp(verbs[i].verb, asked->verb) == 0)
            exit_code = verbs[i].run(asked, &copies);
    copies_close(&copies);
    return exit_code;
}

int cli_object(int argc, char **argv)
{
    struct object_args asked;
    struct arena arena;
    int exit_code = read_arguments(argc, argv, &asked);

    if (exit_code != ARGS_WELL)
        return exit_code;
    arena_init(&arena, ARENA_BYTES);
    exit_code = run_object(&asked, &arena);
    arena_fini(&arena);
    return exit_code;
}
