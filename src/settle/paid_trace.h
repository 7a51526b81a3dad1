/*
 * The traces of bets that were settled: a span "settle" below the request that
 * placed the bet.  Looked for behind the commit, for a chunk at a time: what is
 * not traced costs one look into a small table, and nothing without a tracer.
 */
#ifndef SETTLE_PAID_TRACE_H
#define SETTLE_PAID_TRACE_H

#include "settle/pay.h"
#include "trace/tracer.h"

struct paid_traces;

struct paid_traces *paid_traces_new(struct store *store, struct tracer *tracer) MUST_USE;
void paid_traces_free(struct paid_traces *traces); /* the store is closed */

/* That was written, from start_us until now; changes are the items'. */
void paid_traces_add(struct paid_traces *traces, const struct settle_write *write,
                     const enum pay_change *changes, int64_t start_us);

#endif
