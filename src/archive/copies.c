/* Two stores (copies.h). */
#include "archive/copies.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define TEXT_BYTES ((size_t)64 * 1024)
#define METRIC "overround_copy_complete_timestamp_seconds"

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

void copies_close(struct copies *copies)
{
    for (unsigned i = 0; i < COPIES; i++)
        if (copies->s3[i] != NULL)
            s3_close(copies->s3[i]);
    *copies = (struct copies){ 0 };
}

bool copy_is_up(const struct copies *copies, unsigned i)
{
    return copies->s3[i] != NULL && copies->away[i].n == 0;
}

struct s3 *copies_reader(const struct copies *copies)
{
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
    CHECK(copies->s3[i] != NULL);
    copies->away[i] = arena_printf(copies->arena, "the %s store: " STR_FMT, copy_name(i),
                                   STR_ARG(why.n > 0 ? why : STR("it does not answer")));
}

void copies_lack(struct copies *copies)
{
    for (unsigned i = 0; i < COPIES; i++)
        copies->lacks[i] = true;
}

bool copy_is_complete(const struct copies *copies, unsigned i)
{
    return copy_is_up(copies, i) && !copies->lacks[i];
}

bool copies_are_complete(const struct copies *copies, struct str *why)
{
    for (unsigned i = 0; i < COPIES; i++) {
        if (copies->s3[i] == NULL || copy_is_complete(copies, i))
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

int64_t copies_textfile_read(struct str text, unsigned store)
{
    char wanted[128];
    size_t n = (size_t)snprintf(wanted, sizeof(wanted), "store=\"%s\"} ", copy_name(store));
    int64_t value = 0;

    for (size_t i = 0; i + n < text.n; i++) {
        if (memcmp(text.p + i, wanted, n) != 0 || text.p[i + n] < '0' || text.p[i + n] > '9')
            continue;
        for (size_t at = i + n; at < text.n && text.p[at] >= '0' && text.p[at] <= '9'; at++)
            if (__builtin_mul_overflow(value, 10, &value) ||
                __builtin_add_overflow(value, text.p[at] - '0', &value))
                return 0;
        return value;
    }
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

static void put_lines(const struct copies *copies, const char *what, int64_t now_ms,
                      struct str former, FILE *out)
{
    fprintf(out, "# HELP " METRIC " When the store was last seen to have every object.\n"
                 "# TYPE " METRIC " gauge\n");
    for (unsigned i = 0; i < COPIES; i++) {
        int64_t then = copy_is_complete(copies, i) ? now_ms / 1000
                                                    : copies_textfile_read(former, i);

        if (copies->s3[i] != NULL)
            fprintf(out, METRIC "{what=\"%s\",store=\"%s\"} %" PRId64 "\n", what, copy_name(i),
                    then);
    }
}

bool copies_textfile(const struct copies *copies, const char *path, const char *what,
                     int64_t now_ms)
{
    char fresh[4096];
    struct buf former;
    FILE *out;
    bool well;

    if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh)) {
        errno = ENAMETOOLONG;
        return false;
    }
    out = fopen(fresh, "w");
    if (out == NULL)
        return false;
    buf_init(&former, TEXT_BYTES);
    read_file(path, &former);
    put_lines(copies, what, now_ms, buf_view(&former), out);
    buf_fini(&former);
    well = ferror(out) == 0;
    return fclose(out) == 0 && well && rename(fresh, path) == 0;
}
