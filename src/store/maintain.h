/*
 * Housekeeping of the store: what has outlived its use is deleted in small
 * portions (feed log, outbox, contexts of traces, idempotency keys), and the
 * ledger's totals, the malformed messages and the store's clock are read for
 * /metrics.  Never in a hurry, never on the hot connections' time.
 */
#ifndef STORE_MAINTAIN_H
#define STORE_MAINTAIN_H

#include "store/store.h"

struct maintain;

struct maintain_options {
    bool keeps_house;       /* false: another process does; the clocks are compared alone */
    bool has_clock;         /* the store is another machine's: its clock is compared */
    int64_t feed_log_hours, trace_hours;
};

struct maintain *maintain_new(uv_loop_t *loop, struct store *store,
                              const struct maintain_options *options);
bool maintain_idle(const struct maintain *maintain);
void maintain_stop(struct maintain *maintain); /* the timer */
void maintain_free(struct maintain *maintain); /* when idle and stopped */

#endif
