/* Arguments of sub-commands: see args.h. */
#include "cli/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/span.h"
#include "model/money.h"

#define SPEED_MAX_E3 1000000000000 /* a thousand million */

/* ---- help -------------------------------------------------------------------- */

/* Lines behind the first begin at the column. */
static void put_lines(FILE *out, const char *help, unsigned column)
{
    for (; *help != '\0'; help++) {
        (void)fputc(*help, out);
        if (*help == '\n')
            (void)fprintf(out, "%*s", (int)column, "");
    }
    (void)fputc('\n', out);
}

/* Characters of UTF-8. */
static unsigned width_of(const char *text)
{
    unsigned n = 0;

    for (; *text != '\0'; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static void put_row(FILE *out, const struct args_row *row, unsigned column)
{
    const char *value = row->value != NULL ? row->value : "", *space = *value != '\0' ? " " : "";
    unsigned n = 2 + width_of(row->name) + width_of(space) + width_of(value);

    (void)fprintf(out, "  %s%s%s%*s", row->name, space, value,
                  n < column ? (int)(column - n) : 2, "");
    put_lines(out, row->help, column);
}

int args_help(const struct args *args, FILE *out)
{
    (void)fputs(args->usage, out);
    for (size_t i = 0; i < args->n; i++) {
        const struct args_row *row = &args->rows[i];

        if (row->help == NULL)
            continue;
        if (row->name != NULL)
            put_row(out, row, args->column);
        else
            (void)fputs(row->help, out);
    }
    if (args->end != NULL)
        (void)fputs(args->end, out);
    if (args->put_end != NULL)
        args->put_end(out);
    return out == stderr ? 2 : 0;
}

/* ---- what is wrong ----------------------------------------------------------- */

static int print_wrong(const struct args *args, const char *what, const char *of, const char *why,
                       const char *value)
{
    (void)fprintf(stderr, "overround %s: %s%s%s%s; see overround %s --help\n", args->command, what,
                  of, why, value, args->command);
    return 2;
}

int args_wrong(const struct args *args, const char *name, const char *what)
{
    if (args->tone == ARGS_SAY_ALL)
        return args_help(args, stderr);
    return print_wrong(args, name, name[0] != '\0' && what[0] != '\0' ? " " : "", what, "");
}

static int unknown(const struct args *args, const char *name)
{
    if (args->tone == ARGS_SAY_BOTH)
        return print_wrong(args, "unknown option ", name, "", "");
    return args_wrong(args, name, "is no option");
}

static int refused(const struct args *args, const struct args_row *row, const char *value)
{
    const char *wrong = row->wrong != NULL ? row->wrong : "has a value that makes no sense";

    if (args->tone == ARGS_SAY_BOTH)
        return print_wrong(args, row->name, ": ", wrong, value);
    return args_wrong(args, row->says_value ? value : row->name, wrong);
}

static int take_word(const struct args *args, const char *word)
{
    const char *why = args->word(args->ctx, word);

    if (why == NULL)
        return ARGS_WELL;
    if (args->tone == ARGS_SAY_BOTH)
        return print_wrong(args, why, word, "", "");
    return args_wrong(args, word, why);
}

/* ---- reading ----------------------------------------------------------------- */

static bool is_named(const struct args *args, const struct args_row *row, const char *argument)
{
    size_t n;

    if (row->read == NULL || row->name == NULL)
        return false;
    n = strlen(row->name);
    return strncmp(argument, row->name, n) == 0 &&
           (argument[n] == '\0' || (args->takes_equals && argument[n] == '='));
}

static const struct args_row *find(const struct args *args, const char *argument)
{
    for (size_t i = 0; i < args->n; i++)
        if (is_named(args, &args->rows[i], argument))
            return &args->rows[i];
    return NULL;
}

static bool is_flag(const struct args_row *row)
{
    return row->value == NULL;
}

/* At argv[*i], which is left at the last argument that was taken. */
static int read_option(const struct args *args, int argc, char **argv, int *i)
{
    const struct args_row *row = find(args, argv[*i]);
    const char *value = "";

    if (row == NULL)
        return unknown(args, argv[*i]);
    if (argv[*i][strlen(row->name)] == '=')
        value = argv[*i] + strlen(row->name) + 1;
    else if (!is_flag(row) && *i + 1 == argc)
        return args_wrong(args, row->name, "needs a value");
    else if (!is_flag(row))
        value = argv[++*i];
    return row->read(row, value) ? ARGS_WELL : refused(args, row, value);
}

int args_read(const struct args *args, int argc, char **argv)
{
    int exit_code = ARGS_WELL;

    for (int i = 0; i < argc && exit_code == ARGS_WELL; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return args_help(args, stdout);
        if (argv[i][0] != '-' && args->word != NULL)
            exit_code = take_word(args, argv[i]);
        else
            exit_code = read_option(args, argc, argv, &i);
    }
    return exit_code;
}

bool args_text(const struct args_row *row, const char *value)
{
    *(const char **)row->into = value;
    return true;
}

bool args_flag(const struct args_row *row, const char *value UNUSED)
{
    CHECK(is_flag(row));
    *(bool *)row->into = true;
    return true;
}

bool args_number(const struct args_row *row, const char *value)
{
    CHECK(row->least <= row->most);
    return args_whole(value, row->least, row->most, row->into);
}

bool args_span(const struct args_row *row, const char *value)
{
    return span_read(value, row->into);
}

/* ---- values -------------------------------------------------------------------- */

bool args_whole(const char *text, int64_t least, int64_t most, int64_t *n)
{
    char *end;

    errno = 0;
    *n = strtoll(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && *n >= least && *n <= most;
}

bool args_speed(const char *text, double *speed)
{
    int64_t speed_e3;

    if (decimal_parse(str_of(text), 3, SPEED_MAX_E3, &speed_e3) != DECIMAL_OK || speed_e3 == 0)
        return false;
    *speed = (double)speed_e3 / 1000;
    return true;
}

bool args_read_file(const char *path, size_t most, struct arena *arena, struct str *text)
{
    FILE *file = fopen(path, "rb");
    long size;
    char *bytes;
    bool ok = false;

    if (file == NULL)
        return false;
    if (fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 &&
        (size_t)size <= most && fseek(file, 0, SEEK_SET) == 0) {
        bytes = arena_alloc(arena, (size_t)size + 1);
        *text = (struct str){ bytes, (size_t)size };
        ok = fread(bytes, 1, (size_t)size, file) == (size_t)size;
    }
    (void)fclose(file);
    return ok;
}
