/* A report's days (see period.h). */
#include "analytics/period.h"

#include "base/clock.h"

/* A day of the query, or the usual one; false: not a date. */
static bool read_day(struct http_request *request, const char *name, int64_t usual,
                     int64_t *day)
{
    struct str text = http_query(request, name);
    int year, month, date;
    int64_t ms;

    *day = usual;
    if (text.p == NULL)
        return true;
    if (!clock_parse_date(text, &year, &month, &date) || !clock_parse(text, &ms) || ms < 0)
        return false;
    *day = ms / PERIOD_DAY_MS;
    return true;
}

const char *period_read(struct http_request *request, int64_t days_before,
                        struct period *period)
{
    int64_t today = clock_wall_ms() / PERIOD_DAY_MS;

    if (!read_day(request, "to", today, &period->to_day))
        return "to: a date as 2026-11-23 is expected";
    if (!read_day(request, "from",
                  period->to_day > days_before ? period->to_day - days_before : 0,
                  &period->from_day))
        return "from: a date as 2026-11-23 is expected";
    if (period->from_day > period->to_day)
        return "from: is after to";
    if (period->to_day - period->from_day >= PERIOD_DAYS_MAX)
        return "from: a report covers at most 366 days";
    return NULL;
}

void period_put_date(struct buf *out, int64_t day)
{
    struct buf text;

    buf_init(&text, 64);
    clock_format(&text, day * PERIOD_DAY_MS);
    buf_put(out, text.p, text.n < 10 ? text.n : 10);
    buf_fini(&text);
}

void period_put_json(struct jw *w, const char *name, int64_t day)
{
    struct buf text;

    buf_init(&text, 64);
    period_put_date(&text, day);
    jw_key(w, name);
    jw_str(w, buf_view(&text));
    buf_fini(&text);
}
