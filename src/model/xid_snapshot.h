/*
 * A snapshot of PostgreSQL: which transactions it shows.  A process that read a
 * table under it and then consumes events of the outbox, each with its
 * transaction, counts none twice and misses none.
 */
#ifndef MODEL_XID_SNAPSHOT_H
#define MODEL_XID_SNAPSHOT_H

#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

#define XID_SNAPSHOT_RUNNING 4096

struct xid_snapshot {
    int64_t xmin, xmax;  /* below xmin all have ended; from xmax on none */
    int64_t running[XID_SNAPSHOT_RUNNING]; /* between them, ascending */
    uint32_t n;
};

/* pg_current_snapshot()'s text: "10:20:10,14,15".  False: it is none, or more
 * run than are counted here. */
bool xid_snapshot_read(struct str text, struct xid_snapshot *snapshot) MUST_USE;
bool xid_snapshot_has(const struct xid_snapshot *snapshot, int64_t xid);

#endif
