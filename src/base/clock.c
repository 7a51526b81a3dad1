/* Time: reading it, writing it, and the calendar between. */
#include "base/clock.h"

#include <time.h>

#define DAY_MS INT64_C(86400000)

int64_t clock_wall_ms(void)
{
    struct timespec t;

    CHECK(clock_gettime(CLOCK_REALTIME, &t) == 0);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_mono_us(void)
{
    struct timespec t;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Days since 1970-01-01 of a proleptic Gregorian date, and back: Howard
 * Hinnant, "chrono-compatible low-level date algorithms". */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t era, yoe, doy, doe;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    yoe = year - era * 400;
    doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

static void date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t era, doe, yoe, doy, mp;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    doe = days - era * 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    mp = (5 * doy + 2) / 153;
    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2);
}

static void put_digits(char *at, int64_t n, int width)
{
    while (width-- > 0) {
        at[width] = (char)('0' + n % 10);
        n /= 10;
    }
}

void clock_format(struct buf *out, int64_t wall_ms)
{
    char text[] = "0000-00-00T00:00:00.000Z";
    int64_t days = wall_ms / 86400000, ms = wall_ms % 86400000;
    int64_t year, month, day;

    if (ms < 0) {
        ms += 86400000;
        days--;
    }
    date_of(days, &year, &month, &day);
    put_digits(text, year, 4);
    put_digits(text + 5, month, 2);
    put_digits(text + 8, day, 2);
    put_digits(text + 11, ms / 3600000, 2);
    put_digits(text + 14, ms / 60000 % 60, 2);
    put_digits(text + 17, ms / 1000 % 60, 2);
    put_digits(text + 20, ms % 1000, 3);
    buf_put(out, text, sizeof(text) - 1);
}

/* Exactly `width` digits at the front of *s. */
static bool take_digits(struct str *s, size_t width, int *n)
{
    *n = 0;
    if (s->n < width)
        return false;
    for (size_t i = 0; i < width; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        *n = *n * 10 + (s->p[i] - '0');
    }
    s->p += width;
    s->n -= width;
    return true;
}

static bool take_char(struct str *s, const char *any)
{
    if (s->n == 0 || strchr(any, s->p[0]) == NULL || s->p[0] == '\0')
        return false;
    s->p++;
    s->n--;
    return true;
}

static bool take_date(struct str *s, int *year, int *month, int *day)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap;

    if (!take_digits(s, 4, year) || !take_char(s, "-") || !take_digits(s, 2, month) ||
        !take_char(s, "-") || !take_digits(s, 2, day))
        return false;
    if (*month < 1 || *month > 12 || *day < 1)
        return false;
    leap = (*year % 4 == 0 && *year % 100 != 0) || *year % 400 == 0;
    return *day <= lengths[*month - 1] + (*month == 2 && leap);
}

bool clock_parse_date(struct str text, int *year, int *month, int *day)
{
    return take_date(&text, year, month, day) && text.n == 0;
}

/* "Z" or "+01:00"; minutes to subtract. */
static bool take_offset(struct str *s, int *minutes)
{
    int hour, minute, sign;

    *minutes = 0;
    if (take_char(s, "Zz"))
        return true;
    if (s->n == 0)
        return false;
    sign = s->p[0] == '-' ? -1 : 1;
    if (!take_char(s, "+-") || !take_digits(s, 2, &hour) || !take_char(s, ":") ||
        !take_digits(s, 2, &minute))
        return false;
    *minutes = sign * (hour * 60 + minute);
    return hour < 24 && minute < 60;
}

static bool take_fraction(struct str *s, int64_t *ms)
{
    int64_t scale = 100;

    *ms = 0;
    if (!take_char(s, "."))
        return true;
    if (s->n == 0 || s->p[0] < '0' || s->p[0] > '9')
        return false;
    for (; s->n > 0 && s->p[0] >= '0' && s->p[0] <= '9'; s->p++, s->n--) {
        *ms += (s->p[0] - '0') * scale;
        scale /= 10;
    }
    return true;
}

bool clock_parse(struct str text, int64_t *wall_ms)
{
    int year, month, day, hour = 0, minute = 0, second = 0, offset = 0;
    int64_t ms = 0;

    if (!take_date(&text, &year, &month, &day))
        return false;
    if (text.n > 0 &&
        (!take_char(&text, "Tt ") || !take_digits(&text, 2, &hour) ||
         !take_char(&text, ":") || !take_digits(&text, 2, &minute) ||
         !take_char(&text, ":") || !take_digits(&text, 2, &second) ||
         !take_fraction(&text, &ms) || !take_offset(&text, &offset)))
        return false;
    if (text.n > 0 || hour > 23 || minute > 59 || second > 60)
        return false;
    *wall_ms = ((days_of(year, month, day) * 24 + hour) * 60 + minute - offset) * 60000 +
               second * 1000 + ms;
    /* An offset may lead out of the years that have four digits. */
    return *wall_ms >= days_of(0, 1, 1) * DAY_MS && *wall_ms < days_of(10000, 1, 1) * DAY_MS;
}
