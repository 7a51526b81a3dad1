/*
 * overround verdict, its parts:
 *
 *   verdict.c        options, what is asked of whom, the report
 *   verdict_read.c   samples of Prometheus -> numbers of a track
 *   analytics/verdict.c   numbers -> the verdict
 */
#ifndef CLI_VERDICT_H
#define CLI_VERDICT_H

#include "analytics/prometheus.h"
#include "analytics/verdict.h"

/* One track in the window that ends at at_ms.  selector: label matchers,
 * 'track="canary"'.  False: *error says why. */
bool verdict_read_track(struct prometheus *prometheus, const char *selector, int64_t at_ms,
                        int64_t window_ms, struct arena *arena, struct verdict_track *track,
                        struct str *error) MUST_USE;

/* Out of series that were read already: what the unit tests drive. */
void verdict_read_series(const struct prometheus_series *series, size_t n, int64_t at_ms,
                         int64_t window_ms, struct verdict_track *track);

#endif
