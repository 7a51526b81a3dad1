/*
 * Compares two stores completely, however old the objects are: copies missing
 * objects in either direction, reports objects that differ, and replaces one where
 * its sum proves which copy is right and the bucket keeps the old version.
 *
 *   list both (listing.h) -> side by side, by key
 *     in one alone     past its time in both: ended.  Else looked for once more, and copied
 *     in both          sizes, then ETags: the same?  That is all of a quick comparison.
 *                      Else a HEAD of each: the SHA-256 of its put, or MD5s; if
 *                      these do not decide, both are read
 *     not the same     the copy whose bytes match the sum of its put replaces the other,
 *                      as a new version; if the bucket keeps no versions, only reported
 *
 * Each store deletes old objects by its own rule (lifecycle), and a copy is new in its
 * store.  So a copy carries the time of the first put, and kept_ms says how long both
 * keep objects: otherwise the stores would copy expired objects back for ever.
 */
#ifndef ARCHIVE_SYNC_H
#define ARCHIVE_SYNC_H

#include "archive/copies.h"

struct sync {
    struct copies *copies;   /* both */
    int64_t now_ms, kept_ms; /* kept so long after they were put; 0: for ever */
    bool is_quick;           /* by the listings alone */
    void (*say)(void *ctx, struct str line);
    void *ctx;
    /* objects: of either. ended: in one alone, past their time. looked: asked for their
     * sums; read: both fetched, for these did not tell; unproven: of a quick one, whose
     * listings do not tell. */
    uint64_t objects, copied, mended, ended, looked, read, unproven, faults;
    struct copies_found found; /* what is not well afterwards; to be given to copies */
};

/* False: a store cannot be listed, or no temporary file be had (*error). What cannot be
 * made good is said, counted in faults and found, and told by copies. */
bool sync_run(struct sync *sync, struct str *error) MUST_USE;

#endif
