/*
 * Prometheus: raw samples of a span of time, from a server's HTTP API
 * (https://prometheus.io/docs/prometheus/latest/querying/api/).
 *
 * Not rate() or increase(): they extrapolate, and do not see what a series
 * begins with.  Here a counter's increase is the sum of what it was seen to
 * grow by, from 0 where it was born within the span.  Blocks: for subcommands
 * only.
 */
#ifndef ANALYTICS_PROMETHEUS_H
#define ANALYTICS_PROMETHEUS_H

#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/str.h"

struct prometheus;

struct prometheus_label { const char *name, *value; };
struct prometheus_sample { double at_s, value; };
struct prometheus_series {
    struct prometheus_label *labels;
    uint32_t n_labels, n;              /* n >= 1 */
    struct prometheus_sample *samples; /* ascending in time */
};

/* url: "http://127.0.0.1:9090", a path may follow; token: a bearer's, or NULL.
 * NULL: libcurl cannot start. */
struct prometheus *prometheus_new(const char *url, const char *token) MUST_USE;
void prometheus_free(struct prometheus *prometheus);

/*
 * The series of `selector` ('{job="x",__name__=~"a|b"}') within the span that
 * ends at `at_ms`; into arena.  False: *error (in arena) says why: nobody
 * answers, it refuses the query, the answer is no answer or above 64 MiB.
 */
bool prometheus_read(struct prometheus *prometheus, const char *selector, int64_t at_ms,
                     int64_t span_ms, struct arena *arena, struct prometheus_series **series,
                     size_t *n, struct str *error) MUST_USE;

/* "" without that label. */
const char *prometheus_label(const struct prometheus_series *series, const char *name);

/* What a counter has grown by; a value below the one before is a new start from 0.
 * born: it began within the span, so its first value counts, too. */
double prometheus_increase(const struct prometheus_series *series, bool born);

#endif
