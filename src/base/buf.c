/* Growable bytes with a limit that nobody passes. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM_FIRST 256

void buf_init(struct buf *buf, size_t limit_bytes)
{
    CHECK(limit_bytes > 0);
    *buf = (struct buf){ .limit = limit_bytes };
}

void buf_fini(struct buf *buf)
{
    free(buf->p);
    *buf = (struct buf){ .limit = buf->limit };
}

void buf_reset(struct buf *buf)
{
    buf->n = 0;
    buf->overflow = false;
}

bool buf_reserve(struct buf *buf, size_t n)
{
    size_t need = buf->n + n, room = buf->room == 0 ? ROOM_FIRST : buf->room;
    char *p;

    CHECK(buf->limit > 0);
    if (buf->overflow)
        return false;
    if (n > buf->limit || need > buf->limit) {
        buf->overflow = true;
        return false;
    }
    if (need <= buf->room)
        return true;
    while (room < need)
        room *= 2;
    p = realloc(buf->p, room);
    CHECK(p != NULL);
    buf->p = p;
    buf->room = room;
    return true;
}

void buf_int(struct buf *buf, int64_t n)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (n < 0)
        digits[--at] = '-';
    buf_put(buf, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(n >= 0);
    if (!buf_reserve(buf, (size_t)n + 1)) /* vsnprintf ends with a NUL */
        return;
    va_start(args, format);
    (void)vsnprintf(buf->p + buf->n, (size_t)n + 1, format, args);
    va_end(args);
    buf->n += (size_t)n;
}

struct str buf_view(const struct buf *buf)
{
    return (struct str){ buf->p, buf->n };
}
