/*
 * Housekeeping of the store: what has outlived its use is deleted in small
 * portions (feed log, outbox, idempotency keys), and the ledger's totals are
 * read for /metrics.  Never in a hurry, never on the hot connections' time.
 */
#ifndef STORE_MAINTAIN_H
#define STORE_MAINTAIN_H

#include "store/store.h"

struct maintain;

struct maintain *maintain_new(uv_loop_t *loop, struct store *store, int64_t feed_log_hours,
                              int64_t trace_hours);
bool maintain_idle(const struct maintain *maintain);
void maintain_stop(struct maintain *maintain); /* the timer */
void maintain_free(struct maintain *maintain); /* when idle and stopped */

#endif
