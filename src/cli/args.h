/*
 * Arguments of sub-commands, from one table each: what is read and what --help
 * says are the same rows.
 *
 *     const struct args_row rows[] = {
 *         ARGS_TEXT("--to", "URL", &asked.to, "where to"),
 *         ARGS_NUMBER("--days", "N", &asked.days, 1, 36500, "for so long (7)"),
 *         ARGS_FLAG("--wait", &asked.wait, "until all is there"),
 *     };
 *     const struct args args = {
 *         .command = "object", .usage = "usage: overround object …\n\n",
 *         .rows = rows, .n = LENGTH(rows), .column = 22,
 *     };
 *     int exit_code = args_read(&args, argc, argv);
 *
 *     if (exit_code != ARGS_WELL)
 *         return exit_code;
 *
 * An option takes the argument behind it; the last of several counts.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/check.h"

struct args_row {
    const char *name;  /* "--to"; NULL: `help` alone, as it stands */
    const char *value; /* what stands for it in the help; NULL: a flag */
    /* Takes the value; false: it makes no sense.  NULL: the row is only shown. */
    bool (*read)(const struct args_row *row, const char *value);
    void *into;
    int64_t least, most;
    const char *wrong; /* why a value is refused, where that is said */
    bool says_value;   /* of the value, not of the name */
    const char *help;  /* lines; NULL: it is not shown */
};

/* What is said of arguments that cannot be read. */
enum args_tone {
    ARGS_SAY_ALL,   /* the whole help */
    ARGS_SAY_NAME,  /* "overround load: --rate needs a value; see overround load --help" */
    ARGS_SAY_BOTH,  /* "overround sim: --seed: not a whole number: x; see …" */
};

struct args {
    const char *command;
    const char *usage;       /* up to the options, with its line break */
    const struct args_row *rows;
    size_t n;
    unsigned column;         /* of the options' help */
    const char *end;         /* behind the options; NULL: nothing */
    void (*put_end)(FILE *out); /* the same, where it comes from a table; or NULL */
    enum args_tone tone;
    bool takes_equals;       /* --name=value, too */
    /* What is no option: NULL, or why it cannot be taken.  word NULL: nothing may be. */
    const char *(*word)(void *ctx, const char *word);
    void *ctx;
};

#define ARGS_WELL (-1)

/* ARGS_WELL, or the exit code: 0 after --help, 2 after what was wrong was said. */
int args_read(const struct args *args, int argc, char **argv) MUST_USE;
/* The whole help; the exit code: 2 to stderr, else 0. */
int args_help(const struct args *args, FILE *out);
/* In the command's tone that what was read does not do; 2. */
int args_wrong(const struct args *args, const char *name, const char *what);

/* Readers of rows: into a const char *, a bool, an int64_t from least to most,
 * milliseconds ("20s", "5m", "24h", "7d"). */
bool args_text(const struct args_row *row, const char *value);
bool args_flag(const struct args_row *row, const char *value);
bool args_number(const struct args_row *row, const char *value);
bool args_span(const struct args_row *row, const char *value);

#define ARGS_TEXT(name_, value_, into_, help_) \
    { .name = (name_), .value = (value_), .read = args_text, .into = (into_), .help = (help_) }
#define ARGS_FLAG(name_, into_, help_) \
    { .name = (name_), .read = args_flag, .into = (into_), .help = (help_) }
#define ARGS_NUMBER(name_, value_, into_, least_, most_, help_) \
    { .name = (name_), .value = (value_), .read = args_number, .into = (into_), \
      .least = (least_), .most = (most_), .help = (help_) }
#define ARGS_SPAN(name_, value_, into_, help_) \
    { .name = (name_), .value = (value_), .read = args_span, .into = (into_), .help = (help_) }
#define ARGS_READ(name_, value_, read_, into_, wrong_, help_) \
    { .name = (name_), .value = (value_), .read = (read_), .into = (into_), .wrong = (wrong_), \
      .help = (help_) }
/* A row of the help alone. */
#define ARGS_SHOWN(name_, value_, help_) { .name = (name_), .value = (value_), .help = (help_) }
#define ARGS_SAID(help_) { .help = (help_) }

/* ---- values -------------------------------------------------------------------- */

/* A whole number, all of the text, from least to most. */
bool args_whole(const char *text, int64_t least, int64_t most, int64_t *n) MUST_USE;
/* How many times as fast: above 0, at most three decimals. */
bool args_speed(const char *text, double *speed) MUST_USE;
/* A whole file of at most so many bytes, into the arena. */
bool args_read_file(const char *path, size_t most, struct arena *arena, struct str *text) MUST_USE;

#endif
