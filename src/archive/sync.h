/*
 * What one of two stores lacks is copied from the other, either way: segments
 * and base backups that were put while one of them was away.
 *
 * Only what is newer than some days: each store removes what is old by its own
 * rule (lifecycle), and a copy is new where it comes to.  Without the bound two
 * stores would give back to each other for ever what should end.
 */
#ifndef ARCHIVE_SYNC_H
#define ARCHIVE_SYNC_H

#include "archive/copies.h"

struct sync {
    struct copies *copies;   /* both */
    int64_t newer_than_ms;   /* what was put before is left alone */
    void (*say)(void *ctx, struct str line);
    void *ctx;
    uint64_t objects, copied, faults; /* objects: of either */
};

/* False: a store cannot be listed (*error). What cannot be copied is said, counted in
 * faults, and told by copies. */
bool sync_run(struct sync *sync, struct str *error) MUST_USE;

#endif
