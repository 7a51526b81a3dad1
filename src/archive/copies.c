/* Two stores (copies.h). */
#include "archive/copies.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define TEXT_BYTES ((size_t)64 * 1024)
#define COMPLETE "overround_copy_complete_timestamp_seconds"
#define MISSING "overround_copy_missing_objects"
#define DIFFERENT "overround_copy_different_objects"
#define COMPARED "overround_copy_compared_timestamp_seconds"

const char *copy_name(unsigned i)
{
    static const char *const names[COPIES] = { "first", "second" };

    CHECK(i < COPIES);
    return names[i];
}

bool copies_open(struct copies *copies, const struct s3_options options[COPIES],
                 struct arena *arena, struct str *error)
{
    *copies = (struct copies){ .arena = arena };
    for (unsigned i = 0; i < COPIES; i++) {
        if (options[i].url == NULL)
            continue;
        copies->s3[i] = s3_open(&options[i], arena, error);
        if (copies->s3[i] == NULL) {
            copies_close(copies);
            return false;
        }
    }
    return true;
}

/* What is passed over is there. */
static void copies_check(const struct copies *copies)
{
    for (unsigned i = 0; i < COPIES; i++)
        CHECK(copies->away[i].n == 0 || copies->s3[i] != NULL);
}

void copies_close(struct copies *copies)
{
    for (unsigned i = 0; i < COPIES; i++)
        if (copies->s3[i] != NULL)
            s3_close(copies->s3[i]);
    *copies = (struct copies){ 0 };
}

bool copy_is_up(const struct copies *copies, unsigned i)
{
    CHECK(i < COPIES);
    return copies->s3[i] != NULL && copies->away[i].n == 0;
}

struct s3 *copies_reader(const struct copies *copies)
{
    copies_check(copies);
    for (unsigned i = 0; i < COPIES; i++)
        if (copy_is_up(copies, i))
            return copies->s3[i];
    return NULL;
}

bool copies_are_two(const struct copies *copies)
{
    return copies->s3[0] != NULL && copies->s3[1] != NULL;
}

void copy_is_away(struct copies *copies, unsigned i, struct str why)
{
    CHECK(i < COPIES && copies->s3[i] != NULL);
    copies->away[i] = arena_printf(copies->arena, "the %s store: " STR_FMT, copy_name(i),
                                   STR_ARG(why.n > 0 ? why : STR("it does not answer")));
}

void copies_lack(struct copies *copies)
{
    for (unsigned i = 0; i < COPIES; i++)
        copies->lacks[i] = true;
}

/* It holds all that it is to hold, as far as this run saw. */
static bool is_complete(const struct copies *copies, unsigned i)
{
    return copy_is_up(copies, i) && !copies->lacks[i];
}

bool copies_are_complete(const struct copies *copies, struct str *why)
{
    copies_check(copies);
    for (unsigned i = 0; i < COPIES; i++) {
        if (copies->s3[i] == NULL || is_complete(copies, i))
            continue;
        *why = copies->away[i].n > 0 ? copies->away[i]
                                     : arena_printf(copies->arena, "the %s store lacks something",
                                                    copy_name(i));
        return false;
    }
    return true;
}

FILE *copies_temporary(void)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    FILE *file;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/overround-XXXXXX",
                   folder != NULL && *folder != '\0' ? folder : "/tmp");
    fd = mkstemp(path);
    if (fd < 0)
        return NULL;
    (void)unlink(path);
    file = fdopen(fd, "w+b");
    if (file == NULL)
        (void)close(fd);
    return file;
}

/* ---- the text file -------------------------------------------------------------- */

/* Digits up to the end of the line. */
static int64_t read_value(struct str text)
{
    int64_t value = 0;

    for (size_t at = 0; at < text.n && text.p[at] >= '0' && text.p[at] <= '9'; at++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, text.p[at] - '0', &value))
            return 0;
    return value;
}

int64_t copies_textfile_read(struct str text, const char *series)
{
    size_t n = strlen(series);

    for (size_t i = 0; i + n < text.n; i++)
        if ((i == 0 || text.p[i - 1] == '\n') && memcmp(text.p + i, series, n) == 0 &&
            text.p[i + n] == ' ')
            return read_value((struct str){ text.p + i + n + 1, text.n - i - n - 1 });
    return 0;
}

static void read_file(const char *path, struct buf *text)
{
    char bytes[4096];
    FILE *file = fopen(path, "rb");
    size_t n;

    if (file == NULL)
        return;
    while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
        buf_put(text, bytes, n);
    (void)fclose(file);
}

struct written {
    FILE *out;
    struct str former;
    const char *what;
};

static void put_head(const struct written *written, const char *name, const char *help)
{
    fprintf(written->out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* store = COPIES: of both.  Where it is not known now, it is what it was. */
static void put_line(const struct written *written, const char *name, unsigned store,
                     bool is_known, int64_t value)
{
    char series[256];
    int n = snprintf(series, sizeof(series), "%s{what=\"%s\"", name, written->what);

    CHECK(n > 0 && (size_t)n < sizeof(series));
    if (store < COPIES)
        (void)snprintf(series + n, sizeof(series) - (size_t)n, ",store=\"%s\"}",
                       copy_name(store));
    else
        (void)snprintf(series + n, sizeof(series) - (size_t)n, "}");
    fprintf(written->out, "%s %" PRId64 "\n", series,
            is_known ? value : copies_textfile_read(written->former, series));
}

static int64_t former_different(const struct written *written)
{
    char series[256];

    CHECK(snprintf(series, sizeof(series), DIFFERENT "{what=\"%s\"}", written->what)
          < (int)sizeof(series));
    return copies_textfile_read(written->former, series);
}

static void put_complete(const struct written *written, const struct copies *copies,
                         bool is_doubtful, int64_t now_ms)
{
    put_head(written, COMPLETE, "When the store was last seen to have every object.");
    for (unsigned i = 0; i < COPIES; i++)
        if (copies->s3[i] != NULL)
            put_line(written, COMPLETE, i, is_complete(copies, i) && !is_doubtful,
                     now_ms / 1000);
}

static void put_found(const struct written *written, const struct copies *copies,
                      const struct copies_found *found, int64_t now_ms)
{
    int64_t now_different = (int64_t)found->different, before = former_different(written);
    bool is_well = found->is_whole && is_complete(copies, 0) && is_complete(copies, 1);

    put_head(written, MISSING, "Objects that the store lacks, and that could not be copied.");
    for (unsigned i = 0; i < COPIES; i++)
        put_line(written, MISSING, i, found->is_known, (int64_t)found->missing[i]);
    put_head(written, DIFFERENT, "Objects that are not the same in both, or cannot be compared.");
    put_line(written, DIFFERENT, COPIES,
             found->is_whole || (found->is_known && now_different > before), now_different);
    put_head(written, COMPARED, "When a whole comparison last found both stores the same.");
    put_line(written, COMPARED, COPIES, is_well, now_ms / 1000);
}

bool copies_textfile(const struct copies *copies, const struct copies_found *found,
                     const char *path, const char *what, int64_t now_ms)
{
    struct written written = { .what = what };
    char fresh[4096];
    struct buf former;
    FILE *out;
    bool well;

    copies_check(copies);
    CHECK(found == NULL || !found->is_whole || found->is_known);
    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh)) {
        errno = ENAMETOOLONG;
        return false;
    }
    out = fopen(fresh, "w");
    if (out == NULL)
        return false;
    buf_init(&former, TEXT_BYTES);
    read_file(path, &former);
    written.out = out;
    written.former = buf_view(&former);
    put_complete(&written, copies,
                 found != NULL && !found->is_whole && former_different(&written) > 0, now_ms);
    if (found != NULL)
        put_found(&written, copies, found, now_ms);
    buf_fini(&former);
    well = ferror(out) == 0;
    return fclose(out) == 0 && well && rename(fresh, path) == 0;
}
