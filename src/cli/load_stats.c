/* Latency histogram (see cli/load_stats.h). */
#include "cli/load_stats.h"

static unsigned bucket_of(uint64_t value)
{
    unsigned octave, bucket;

    if (value < LOAD_STATS_EXACT)
        return (unsigned)value;
    octave = 63u - (unsigned)__builtin_clzll(value) - 8u; /* 256..511 is octave 0 */
    if (octave >= LOAD_STATS_OCTAVES)
        return LOAD_STATS_BUCKETS - 1;
    bucket = (unsigned)(value >> (octave + 1)) - LOAD_STATS_STEPS;
    return LOAD_STATS_EXACT + octave * LOAD_STATS_STEPS + bucket;
}

/* The largest value that falls into the bucket. */
static uint64_t bucket_top(unsigned bucket)
{
    unsigned octave;
    uint64_t step;

    if (bucket < LOAD_STATS_EXACT)
        return bucket;
    octave = (bucket - LOAD_STATS_EXACT) / LOAD_STATS_STEPS;
    step = (bucket - LOAD_STATS_EXACT) % LOAD_STATS_STEPS;
    return ((LOAD_STATS_STEPS + step + 1) << (octave + 1)) - 1;
}

void load_stats_add(struct load_stats *stats, int64_t latency_us)
{
    uint64_t value = latency_us < 0 ? 0 : (uint64_t)latency_us;

    stats->buckets[bucket_of(value)]++;
    stats->count++;
    if (value > stats->max_us)
        stats->max_us = value;
}

uint64_t load_stats_quantile_us(const struct load_stats *stats, unsigned per_100k)
{
    uint64_t rank = (stats->count * per_100k + 99999) / 100000, seen = 0;

    for (unsigned i = 0; i < LOAD_STATS_BUCKETS; i++) {
        seen += stats->buckets[i];
        if (seen >= rank && seen > 0)
            return bucket_top(i) < stats->max_us ? bucket_top(i) : stats->max_us;
    }
    return stats->max_us;
}
