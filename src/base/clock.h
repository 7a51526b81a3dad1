/*
 * Time.  Wall time in milliseconds since 1970 (what is stored and shown) and
 * monotonic microseconds (what is measured).  Pure code never calls these:
 * it takes time as an argument.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/buf.h"

int64_t clock_wall_ms(void);
int64_t clock_mono_us(void);

/* RFC 3339 UTC with milliseconds, "2026-11-23T18:00:00.000Z". */
void clock_format(struct buf *out, int64_t wall_ms);
/* RFC 3339 with any offset, or a date alone (midnight UTC). */
bool clock_parse(struct str text, int64_t *wall_ms) MUST_USE;
/* "2001-02-28": checks that the day exists. */
bool clock_parse_date(struct str text, int *year, int *month, int *day) MUST_USE;

#endif
