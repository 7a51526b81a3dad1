/* What writers write into, and pieces that they share: see edge.h. */
#include "edge/edge.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/answer.h"

#define FILES 64
#define FILE_BYTES ((size_t)4 * 1024 * 1024)
#define NAME_BYTES 4096

struct edge_file {
    const char *name;
    struct buf text;
};

struct edge_out {
    struct edge_file files[FILES];
    size_t n;
    char fault[512];
};

/* ---- files -------------------------------------------------------------------- */

struct edge_out *edge_out_new(void)
{
    struct edge_out *out = calloc(1, sizeof(*out));

    CHECK(out != NULL);
    return out;
}

void edge_out_free(struct edge_out *out)
{
    for (size_t i = 0; i < out->n; i++)
        buf_fini(&out->files[i].text);
    free(out);
}

struct buf *edge_open(struct edge_out *out, const char *name)
{
    struct edge_file *file = &out->files[out->n];

    CHECK(out->n < FILES && name[0] != '/' && strstr(name, "..") == NULL);
    out->n++;
    file->name = name;
    buf_init(&file->text, FILE_BYTES);
    return &file->text;
}

bool edge_fault(struct edge_out *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(out->fault, sizeof(out->fault), format, args);
    va_end(args);
    return false;
}

struct str edge_out_fault(const struct edge_out *out)
{
    return str_of(out->fault);
}

void edge_out_print(const struct edge_out *out, FILE *to)
{
    for (size_t i = 0; i < out->n; i++) {
        const struct edge_file *file = &out->files[i];

        if (out->n > 1)
            fprintf(to, "%s==> %s <==\n", i > 0 ? "\n" : "", file->name);
        (void)fwrite(file->text.p, 1, file->text.n, to);
    }
}

/* The folders of a path, up to its last slash. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        int result;

        *slash = '\0';
        result = mkdir(path, 0755);
        *slash = '/';
        if (result != 0 && errno != EEXIST)
            return false;
    }
    return true;
}

static bool write_bytes(const char *path, struct str text)
{
    FILE *file = fopen(path, "wb");
    bool well;

    if (file == NULL)
        return false;
    well = fwrite(text.p, 1, text.n, file) == text.n;
    return fclose(file) == 0 && well;
}

static bool write_file(struct edge_out *out, const char *folder, const struct edge_file *file)
{
    char path[NAME_BYTES], fresh[NAME_BYTES + 8];

    if (snprintf(path, sizeof(path), "%s/%s", folder, file->name) >= NAME_BYTES)
        return edge_fault(out, "%s/%s is too long a name", folder, file->name);
    (void)snprintf(fresh, sizeof(fresh), "%s.new", path);
    if (make_folders(path) && write_bytes(fresh, buf_view(&file->text)) &&
        rename(fresh, path) == 0)
        return true;
    (void)edge_fault(out, "cannot write %s: %s", path, strerror(errno));
    (void)unlink(fresh);
    return false;
}

bool edge_out_write(struct edge_out *out, const char *folder)
{
    for (size_t i = 0; i < out->n; i++) {
        CHECK(!out->files[i].text.overflow);
        if (!write_file(out, folder, &out->files[i]))
            return false;
    }
    return true;
}

/* ---- pieces -------------------------------------------------------------------- */

void edge_head(struct buf *out, const char *mark, const char *target, const char *proven)
{
    buf_printf(out, "%s Written by `overround edge --for %s` from edge.yaml and src/tbl/routes.h;\n"
               "%s change those, not this.  Proven: %s.\n", mark, target, mark, proven);
}

void edge_regex(struct buf *out, const struct edge_path *path)
{
    struct str parts[] = { path->before, path->has_part ? STR("[^/]+") : STR_NONE, path->after };

    buf_char(out, '^');
    for (size_t i = 0; i < LENGTH(parts); i++) {
        for (size_t at = 0; at < parts[i].n; at++) {
            if (i != 1 && parts[i].p[at] == '.')
                buf_char(out, '\\');
            buf_char(out, parts[i].p[at]);
        }
    }
    buf_char(out, '$');
}

void edge_methods(struct buf *out, const struct edge_path *path, const char *between)
{
    for (size_t i = 0; i < path->n_routes; i++) {
        struct str method = path->routes[i]->method;

        if (i > 0)
            buf_str(out, str_of(between));
        buf_str(out, method);
        if (str_eq(method, STR("GET")))
            buf_printf(out, "%sHEAD", between);
    }
}

/* What only an edge says; all else is in tbl/refusals.h. */
static const struct {
    int status;
    const char *code, *title;
} own[] = {
    { 403, "client_refused", "This program is refused" },
};

static const struct {
    enum refusal refusal;
    const char *detail;
} others[] = {
    { REFUSE_NOT_FOUND, "" },
    { REFUSE_METHOD_NOT_ALLOWED, "" },
    { REFUSE_TOO_LARGE, "the request has a larger body than this call takes" },
    { REFUSE_TOO_MANY_REQUESTS, "Wait as long as Retry-After says." },
    { REFUSE_HEADERS_TOO_LARGE, "the headers of the request are too large" },
    { REFUSE_COUNTRY_REFUSED, "" },
    { REFUSE_BUSY, "no process could answer; what became of it is told to the same key" },
};

void edge_problem(struct buf *out, int status)
{
    for (size_t i = 0; i < LENGTH(own); i++)
        if (own[i].status == status) {
            buf_printf(out, "{\"type\":\"https://overround.dev/problems/%s\",\"title\":\"%s\","
                       "\"status\":%d,\"code\":\"%s\"}", own[i].code, own[i].title, status,
                       own[i].code);
            return;
        }
    for (size_t i = 0; i < LENGTH(others); i++)
        if (refusal_info(others[i].refusal)->status == status) {
            answer_refusal_body(out, others[i].refusal, str_of(others[i].detail), STR_NONE);
            return;
        }
    CHECK(false); /* a status that an edge does not say */
}
