/*
 * How an engine of db.h says what failed: below the engines, so that none of
 * them needs the dispatch.
 */
#include <stdarg.h>
#include <stdio.h>

#include "store/db_engine.h"

bool db_fail(struct db *db, struct str *error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(db->message, sizeof(db->message), format, arguments);
    va_end(arguments);
    *error = str_of(db->message);
    return false;
}
