/*
 * Metrics: counters, gauges and histograms of the table tbl/metrics.h.
 * Belong to the event loop's thread; other threads hand their numbers over
 * with their results.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

enum metric {
#define METRIC(name, kind, text, label, help) METRIC_##name,
#include "tbl/metrics.h"
#undef METRIC
    METRICS
};

/* label = STR_NONE for metrics without one.  At most 256 labels a metric;
 * further ones are counted under "other". */
void metric_add(enum metric metric, struct str label, int64_t n);
void metric_set(enum metric metric, struct str label, int64_t n);
void metric_observe(enum metric metric, int64_t value); /* microseconds, or a count */
/* The one series of an INFO: a value for each of its labels, in their order. */
void metric_info(enum metric metric, const char *const *values, size_t n);

static inline void metric_inc(enum metric metric) { metric_add(metric, STR_NONE, 1); }

int64_t metric_value(enum metric metric, struct str label);
void metrics_write(struct buf *out);    /* Prometheus text format 0.0.4 */
void metrics_reference(FILE *out);      /* docs/METRICS.md, Markdown */

#endif
