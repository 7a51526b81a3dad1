/*
 * ClickHouse's TabSeparated, as it answers queries: a line a row, cells
 * between tabs, \\, \t, \n and the like escaped, \N for NULL.
 */
#ifndef ANALYTICS_TSV_H
#define ANALYTICS_TSV_H

#include "base/arena.h"
#include "store/store.h"

/*
 * `types` has a letter a column: i = 64-bit integer, s = text (as the table of
 * statements).  Cells are in the arena.  False: not that (a wrong number of
 * cells, no number, a line without its end, more than LIMIT_ROWS).
 */
bool tsv_read(struct str text, const char *types, struct arena *arena, struct value **cells,
              uint32_t *rows) MUST_USE;

#endif
