/*
 * Latencies in a log-linear histogram: exact below 256 us, then 128 steps
 * for each doubling, so that a quantile is within 0.8 % of the true value.
 */
#ifndef CLI_LOAD_STATS_H
#define CLI_LOAD_STATS_H

#include <stdint.h>

#define LOAD_STATS_EXACT 256
#define LOAD_STATS_STEPS 128
#define LOAD_STATS_OCTAVES 32
#define LOAD_STATS_BUCKETS (LOAD_STATS_EXACT + LOAD_STATS_STEPS * LOAD_STATS_OCTAVES)

struct load_stats {
    uint64_t count, max_us;
    uint64_t buckets[LOAD_STATS_BUCKETS];
};

void load_stats_add(struct load_stats *stats, int64_t latency_us);
/* per_100k = 50000 for the median, 99900 for p99.9; the bucket's upper end. */
uint64_t load_stats_quantile_us(const struct load_stats *stats, unsigned per_100k);

#endif
