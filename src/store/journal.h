/*
 * The store's journal: what the feed and the desk said, in order (feed_log), and
 * who may write it.  The other half is the ledger (store/ledger.h); each may
 * live in a database of its own, so no transaction needs both.  Facts reach the
 * ledger as results (store_results_add), with the place in the log they are from.
 *
 * All but appending is named statements (store/store.h).
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
