/*
 * Numbers in the text of statements come from the tables that C has them from: a
 * statement says {REFUSE_EXCLUDED} or {TRANSFER_STAKE}, and is made into text for
 * the database once, before it is prepared.  {TRANSFER_OF_OP} and its like are a
 * CASE over `op` with a branch for each row of tbl/money_kinds.h.  A name that is
 * in no table does not start.
 */
#ifndef STORE_SQL_NUMBERS_H
#define STORE_SQL_NUMBERS_H

#include "base/buf.h"

#define SQL_TEXT_BYTES (64u * 1024)

/* The text with its numbers, appended with its NUL. */
void sql_put_text(struct buf *out, const char *sql);
/* The same as a text that stays; one without names is itself. */
const char *sql_text(const char *sql) MUST_USE;

#endif
