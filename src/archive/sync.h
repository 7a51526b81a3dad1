/*
 * Two stores compared, all that they have, however old: what one lacks is copied
 * from the other, either way, and what is not the same is told, and put anew
 * where that is proven and takes nothing away.
 *
 *   list both (listing.h) -> side by side, by key
 *     in one alone     past its time in both: ended.  Else looked for once more, and copied
 *     in both          sizes, then ETags: the same?  That is all of a quick comparison.
 *                      Else each is looked at: the SHA-256 that its put told, or MD5s;
 *                      and where these do not tell, both are read
 *     not the same     the one whose bytes are what its put said is put over the other,
 *                      as a new version; where the bucket keeps none, it is told alone
 *
 * Each store ends what is old by its own rule (lifecycle), and a copy is new where
 * it comes to.  So a copy says when it was first put, and kept_ms says how long both
 * keep: without these two stores would give back to each other for ever what should end.
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
