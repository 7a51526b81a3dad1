/*
 * CSV as the world writes it: a byte-order mark, CRLF or LF, quoted fields
 * with doubled quotes and line breaks, rows that are too short or too long.
 * Cells are found by the header's names.
 */
#ifndef FEED_CSV_H
#define FEED_CSV_H

#include "base/arena.h"

struct csv {
    struct str rest;      /* not read yet */
    struct arena *arena;  /* of unquoted cells */
    struct str *names;    /* of the header */
    struct str *cells;    /* of the row; as many as names */
    unsigned n;
    unsigned line;        /* of the row, from 1 */
    unsigned next_line;
};

/* Reads the header.  The text and the arena outlive the reader.  False: there
 * is none, or it has more than 500 columns. */
bool csv_open(struct csv *csv, struct str text, struct arena *arena) MUST_USE;
/* The next row that is not blank; false: the end. */
bool csv_next(struct csv *csv) MUST_USE;
/* The cell, without blanks around it; empty when the row or the column is
 * missing. */
struct str csv_cell(const struct csv *csv, const char *name);
bool csv_has(const struct csv *csv, const char *name);

#endif
