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
#define SERIES(name, value)
#include "tbl/metrics.h"
#undef SERIES
#undef METRIC
    METRICS
};

/* label = STR_NONE for metrics without one.  At most 256 labels a metric;
 * further ones are counted under "other". */
void metric_add(enum metric metric, struct str label, int64_t n);
void metric_set(enum metric metric, struct str label, int64_t n);
void metric_observe(enum metric metric, int64_t value); /* microseconds, or a count */
/* The same, of a trace (32 hexadecimal digits): OpenMetrics shows the last one
 * of each bucket. */
void metric_observe_exemplar(enum metric metric, int64_t value, const char trace_id[33]);
/* The one series of an INFO: a value for each of its labels, in their order. */
void metric_info(enum metric metric, const char *const *values, size_t n);

static inline void metric_inc(enum metric metric) { metric_add(metric, STR_NONE, 1); }

int64_t metric_value(enum metric metric, struct str label);

enum metrics_format {
    METRICS_TEXT, /* Prometheus text format 0.0.4 */
    METRICS_OPEN, /* OpenMetrics 1.0.0: units, exemplars, an end */
};
void metrics_write(struct buf *out, enum metrics_format format);
void metrics_reference(FILE *out); /* docs/METRICS.md, Markdown */

/* Whose samples are named so: of a histogram with _bucket, _sum and _count.
 * METRICS: nobody's. */
enum metric metric_of_sample(struct str name);
const char *metric_name(enum metric metric);
const char *metric_help(enum metric metric);

#endif
