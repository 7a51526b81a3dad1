/* Spans of time as arguments: "20s", "5m", "24h", "7d". */
#ifndef CLI_SPAN_H
#define CLI_SPAN_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* False: it is none, or longer than 1,000 days. */
static inline bool span_read(const char *text, int64_t *span_ms)
{
    static const char units[] = "smhd";
    static const int64_t units_ms[] = { 1000, 60000, 3600000, 86400000 };
    const char *unit;
    char *end;
    long long n;

    errno = 0;
    n = strtoll(text, &end, 10);
    unit = end == text || *end == '\0' ? NULL : strchr(units, *end);
    if (errno != 0 || unit == NULL || end[1] != '\0' || n <= 0 || n > 86400000)
        return false;
    *span_ms = n * units_ms[unit - units];
    return *span_ms <= 1000 * units_ms[3];
}

#endif
