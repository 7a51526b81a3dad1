/* Snapshots: see xid_snapshot.h. */
#include "model/xid_snapshot.h"

#include <stdlib.h>

#include "model/money.h"

/* The number before `end`, which goes too; the last one has none behind it. */
static bool take_number(struct str *text, char end, int64_t *number)
{
    const char *at = text->n == 0 ? NULL : memchr(text->p, end, text->n);
    size_t n = at == NULL ? text->n : (size_t)(at - text->p);

    if (decimal_parse((struct str){ text->p, n }, 0, INT64_MAX, number) != DECIMAL_OK)
        return false;
    CHECK(*number >= 0);
    *text = at == NULL ? STR_NONE : (struct str){ at + 1, text->n - n - 1 };
    return true;
}

bool xid_snapshot_read(struct str text, struct xid_snapshot *snapshot)
{
    snapshot->n = 0;
    if (!take_number(&text, ':', &snapshot->xmin) || !take_number(&text, ':', &snapshot->xmax) ||
        snapshot->xmin > snapshot->xmax)
        return false;
    while (text.n > 0) {
        int64_t *xid = &snapshot->running[snapshot->n];

        if (snapshot->n == XID_SNAPSHOT_RUNNING || !take_number(&text, ',', xid) ||
            *xid < snapshot->xmin || *xid >= snapshot->xmax ||
            (snapshot->n > 0 && *xid <= xid[-1]))
            return false;
        snapshot->n++;
    }
    CHECK(snapshot->n <= XID_SNAPSHOT_RUNNING && snapshot->xmin <= snapshot->xmax);
    return true;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

bool xid_snapshot_has(const struct xid_snapshot *snapshot, int64_t xid)
{
    CHECK(snapshot->n <= XID_SNAPSHOT_RUNNING);
    if (xid < snapshot->xmin)
        return true;
    if (xid >= snapshot->xmax)
        return false;
    return bsearch(&xid, snapshot->running, snapshot->n, sizeof(xid), by_number) == NULL;
}
