/*
 * Growable bytes with a limit.  Passing the limit sets `overflow`, drops what
 * did not fit, and stays set until reset: check once, at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

struct buf {
    char *p;
    size_t n, room, limit; /* bytes: used, allocated, allowed */
    bool overflow;
};

void buf_init(struct buf *buf, size_t limit_bytes);
void buf_fini(struct buf *buf);
void buf_reset(struct buf *buf); /* empties, keeps the memory */
/* Makes room for n more bytes; false sets overflow. */
bool buf_reserve(struct buf *buf, size_t n);

/* Answers are made of many small pieces: these are inline. */
static inline void buf_put(struct buf *buf, const void *p, size_t n)
{
    if (n == 0)
        return;
    if ((buf->overflow || n > buf->room - buf->n || n > buf->limit - buf->n) &&
        !buf_reserve(buf, n))
        return;
    memcpy(buf->p + buf->n, p, n);
    buf->n += n;
}

static inline void buf_str(struct buf *buf, struct str s)
{
    buf_put(buf, s.p, s.n);
}

static inline void buf_char(struct buf *buf, char c)
{
    buf_put(buf, &c, 1);
}

void buf_int(struct buf *buf, int64_t n); /* decimal */
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
struct str buf_view(const struct buf *buf); /* borrowed until the next put */

#endif
