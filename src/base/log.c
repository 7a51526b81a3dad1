/* Log lines: built whole in one buffer, written with one call. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"

#define LINE_BYTES 4096

static enum log_level least_level = LOG_INFO;

/* The request that this thread speaks for. */
static _Thread_local char whose[LIMIT_REQUEST_ID_BYTES];
static _Thread_local size_t whose_n;

void log_set_level(enum log_level least)
{
    least_level = least;
}

bool log_is_on(enum log_level level)
{
    return level >= least_level;
}

/* One "name=value" or "name='value with spaces'" off the front of *text. */
static bool take_field(struct str *text, struct str *name, struct str *value)
{
    const char *equals, *end, *limit = text->p + text->n;
    bool quoted;

    while (text->n > 0 && text->p[0] == ' ') {
        text->p++;
        text->n--;
    }
    equals = text->n == 0 ? NULL : memchr(text->p, '=', text->n);
    if (equals == NULL)
        return false;
    *name = (struct str){ text->p, (size_t)(equals - text->p) };
    quoted = equals + 1 < limit && equals[1] == '\'';
    value->p = equals + 1 + quoted;
    for (end = value->p; end < limit; end++)
        if (quoted ? *end == '\'' && (end + 1 == limit || end[1] == ' ') : *end == ' ')
            break;
    value->n = (size_t)(end - value->p);
    end += quoted && end < limit;
    text->n = (size_t)(limit - end);
    text->p = end;
    return true;
}

static void put_fields(struct jw *w, struct str fields)
{
    struct str name, value;

    while (take_field(&fields, &name, &value)) {
        char key[64];

        (void)snprintf(key, sizeof(key), STR_FMT, STR_ARG(name));
        jw_key(w, key);
        jw_str(w, value);
    }
}

static void write_line(struct str request, enum log_level level, const char *area,
                       const char *message, const char *fields, va_list args)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };
    char text[LINE_BYTES / 2];
    struct buf line;
    struct jw w;
    int kept = errno;

    text[0] = '\0';
    if (fields != NULL)
        (void)vsnprintf(text, sizeof(text), fields, args);
    buf_init(&line, LINE_BYTES * 2);
    w = jw_to(&line);
    jw_object(&w);
    jw_key(&w, "at");
    jw_time(&w, clock_wall_ms());
    jw_put_str(&w, "level", str_of(names[level]));
    jw_put_str(&w, "area", str_of(area));
    jw_put_str(&w, "msg", str_of(message));
    if (request.n > 0)
        jw_put_str(&w, "request", request);
    put_fields(&w, str_of(text));
    jw_object_end(&w);
    buf_char(&line, '\n');
    (void)!write(STDERR_FILENO, line.p, line.n);
    buf_fini(&line);
    errno = kept;
}

void log_whose(struct str request)
{
    whose_n = request.n < sizeof(whose) ? request.n : sizeof(whose);
    if (whose_n > 0)
        memcpy(whose, request.p, whose_n);
}

void log_line(enum log_level level, const char *area, const char *message,
              const char *fields, ...)
{
    va_list args;

    if (level < least_level)
        return;
    va_start(args, fields);
    write_line((struct str){ whose, whose_n }, level, area, message, fields, args);
    va_end(args);
}

void log_request(struct str request, enum log_level level, const char *area,
                 const char *message, const char *fields, ...)
{
    va_list args;

    if (level < least_level)
        return;
    va_start(args, fields);
    write_line(request, level, area, message, fields, args);
    va_end(args);
}
