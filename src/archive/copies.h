/*
 * One or two object stores that should hold the same objects: one of two clouds may
 * be lost.  Every object is written to both; a store that fails is reported and
 * skipped for the rest of the run, the other gets its part, and a later run copies
 * the missing objects.
 */
#ifndef ARCHIVE_COPIES_H
#define ARCHIVE_COPIES_H

#include <stdio.h>

#include "archive/s3.h"

enum { COPIES = 2 };

/* What a comparison of both found, and could not make good. */
struct copies_found {
    bool is_known, is_whole;   /* it came to its end; it was none of listings alone */
    uint64_t missing[COPIES], different;
};

struct copies {
    struct s3 *s3[COPIES];     /* NULL: there is none, or it is not asked for */
    struct str away[COPIES];   /* why it is passed over; "": it is not */
    bool lacks[COPIES];        /* something that the other one has could not be brought to it */
    struct arena *arena;
};

/* options[i].url NULL: no such store.  False: *error says what is missing. */
bool copies_open(struct copies *copies, const struct s3_options options[COPIES],
                 struct arena *arena, struct str *error) MUST_USE;
void copies_close(struct copies *copies);

const char *copy_name(unsigned i); /* "first", "second" */
bool copy_is_up(const struct copies *copies, unsigned i);
/* The first that is up; NULL: none. */
struct s3 *copies_reader(const struct copies *copies);
bool copies_are_two(const struct copies *copies);
/* A run that did not come to its end: nobody knows what either of them lacks. */
void copies_lack(struct copies *copies);
/* For the rest of the run; `why` is copied. */
void copy_is_away(struct copies *copies, unsigned i, struct str why);
/* Every store that there is, is. Else *why names one that is not. */
bool copies_are_complete(const struct copies *copies, struct str *why) MUST_USE;

/* A file without a name, in TMPDIR or /tmp; NULL: it cannot be. */
FILE *copies_temporary(void) MUST_USE;

/*
 * For node_exporter's textfile collector: when each store was last complete, and
 * of a comparison (`found`, else NULL) what is missing, what is different, and when
 * a whole one found neither.  What the file says of a store that is not complete now
 * stays, and what a whole comparison found different stays until another finds
 * less: a quick one cannot know.  Replaced at once.  False: errno.
 */
bool copies_textfile(const struct copies *copies, const struct copies_found *found,
                     const char *path, const char *what, int64_t now_ms) MUST_USE;
/* The value of the line of that file that begins with `series`, as in
 * "name{what=\"wal\"}"; 0 where there is none. */
int64_t copies_textfile_read(struct str text, const char *series);

#endif
