/*
 * What a report's query asks for: ?from= and ?to=, days in UTC.
 */
#ifndef ANALYTICS_PERIOD_H
#define ANALYTICS_PERIOD_H

#include "base/json.h"
#include "net/http.h"

#define PERIOD_DAY_MS 86400000
#define PERIOD_DAYS_MAX 366

struct period {
    int64_t from_day, to_day; /* since 1970, both inclusive */
};

/* Missing days: `to` is today, `from` is so many days before it.  NULL, or
 * what is wrong with the query. */
const char *period_read(struct http_request *request, int64_t days_before,
                        struct period *period) MUST_USE;
static inline int64_t period_from_ms(struct period p) { return p.from_day * PERIOD_DAY_MS; }
static inline int64_t period_end_ms(struct period p) { return (p.to_day + 1) * PERIOD_DAY_MS; }
/* "2026-11-23" */
void period_put_date(struct buf *out, int64_t day);
/* The same as a member. */
void period_put_json(struct jw *w, const char *name, int64_t day);

#endif
