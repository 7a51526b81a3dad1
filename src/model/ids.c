/* Ids: the time, the node, and a number within the millisecond. */
#include "model/ids.h"

#include "base/check.h"
#include "model/bet.h"

#define IDS_PER_MS 4096

int64_t ids_next(struct ids *ids, int64_t now_ms)
{
    CHECK(now_ms > 0 && ids->n < IDS_PER_MS);
    if (now_ms > ids->last_ms) {
        ids->last_ms = now_ms;
        ids->n = 0;
    } else if (++ids->n == IDS_PER_MS) {
        /* More than a millisecond holds, or the clock went back. */
        ids->last_ms++;
        ids->n = 0;
    }
    CHECK(ids->last_ms >= now_ms && ids->n < IDS_PER_MS);
    return bet_id_make(ids->last_ms, ids->node, ids->n);
}
