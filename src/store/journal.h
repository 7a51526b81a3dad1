/*
 * The store's journal: entries of the feed and the desk, in order (feed_log), and
 * the leases to write them.  The other half is the ledger (store/ledger.h); each may
 * live in a database of its own, so no transaction needs both.  Facts reach the
 * ledger as results (store_results_add), with their place in the log.
 *
 * Everything but appending is a named statement (store/store.h).
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "store/store.h"

struct feed_row {
    int64_t pos, at_ms;
    int32_t type, producer;
    struct str event, body;
    int64_t inbox; /* the row of feed_inbox it came in, which goes away; 0 = none */
};
/*
 * One transaction, and only while the lease "feed" has this epoch: else
 * nothing is inserted and `fenced` is set.  A take-over waits for an append
 * that is under way, so the new leader finds all of it in the log.
 */
struct feed_append {
    const struct feed_row *rows;
    uint32_t n;
    int64_t epoch;
    bool fenced;      /* out, with STORE_OK */
    void (*on_done)(struct feed_append *append, enum store_result result);
    void *ctx;
};
void store_feed_append(struct store *store, struct feed_append *append);

#endif
