/* Slots: see slot.h.  The hash is stored, and must never change. */
#include "model/slot.h"

#include <stdint.h>

unsigned slot_of(struct str event)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < event.n; i++)
        hash = (hash ^ (uint8_t)event.p[i]) * UINT64_C(0x100000001b3);
    _Static_assert((SLOTS & (SLOTS - 1)) == 0, "1, 2, 4, ... shards and partitions divide them");
    return (unsigned)((hash ^ (hash >> 32)) % SLOTS);
}
