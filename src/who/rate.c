/*
 * Token buckets, as one number each: the time at which the bucket is full
 * again (GCRA).  A request moves that time by 1/rate; it passes while the
 * time is at most a burst ahead.
 *
 * The table is bounded: a newcomer takes the place of a bucket that is full
 * (nothing is lost), else of the one under the hand.
 */
#include "who/rate.h"

#include <stdlib.h>

#include "base/map.h"

#define WHO_BYTES_MAX 64
#define BURST_S 10
#define HAND_STEPS 32
#define US_PER_S 1000000

struct rate_bucket {
    int64_t full_us; /* monotonic */
    uint8_t who_bytes;
    char who[WHO_BYTES_MAX];
};

struct rates {
    int64_t interval_us, burst_us;
    struct map map;
    struct rate_bucket **buckets; /* n_buckets of limit */
    size_t n_buckets, limit, hand;
};

struct rates *rates_new(int64_t per_s, size_t limit_entries)
{
    struct rates *rates = calloc(1, sizeof(*rates));

    CHECK(rates != NULL && limit_entries > 0 && per_s >= 0);
    rates->limit = limit_entries;
    map_init(&rates->map, limit_entries);
    if (per_s == 0)
        return rates;
    rates->interval_us = US_PER_S / per_s;
    if (rates->interval_us == 0)
        rates->interval_us = 1;
    rates->burst_us = rates->interval_us * per_s * BURST_S;
    rates->buckets = calloc(limit_entries, sizeof(struct rate_bucket *));
    CHECK(rates->buckets != NULL);
    return rates;
}

void rates_free(struct rates *rates)
{
    if (rates == NULL)
        return;
    for (size_t i = 0; i < rates->n_buckets; i++)
        free(rates->buckets[i]);
    free(rates->buckets);
    map_fini(&rates->map);
    free(rates);
}

bool rates_are_on(const struct rates *rates)
{
    return rates->interval_us > 0;
}

/* A bucket that may be used again; out of the map. */
static struct rate_bucket *evict(struct rates *rates, int64_t now_us)
{
    struct rate_bucket *victim = NULL;

    for (int step = 0; step < HAND_STEPS; step++) {
        victim = rates->buckets[rates->hand];
        rates->hand = (rates->hand + 1) % rates->n_buckets;
        if (victim->full_us <= now_us)
            break;
    }
    map_del(&rates->map, (struct str){ victim->who, victim->who_bytes });
    return victim;
}

static void rates_check(const struct rates *rates)
{
    CHECK(rates->n_buckets <= rates->limit && rates->map.n == rates->n_buckets);
    CHECK(rates->n_buckets == 0 || rates->hand < rates->n_buckets);
}

static struct str clip(struct str who)
{
    return who.n <= WHO_BYTES_MAX ? who : (struct str){ who.p, WHO_BYTES_MAX };
}

static struct rate_bucket *bucket_of(struct rates *rates, struct str who, int64_t now_us)
{
    struct rate_bucket *bucket = map_get(&rates->map, who);

    if (bucket != NULL)
        return bucket;
    if (rates->n_buckets < rates->limit) {
        bucket = malloc(sizeof(*bucket));
        CHECK(bucket != NULL);
        rates->buckets[rates->n_buckets++] = bucket;
    } else {
        bucket = evict(rates, now_us);
    }
    bucket->full_us = now_us;
    bucket->who_bytes = (uint8_t)who.n;
    if (who.n > 0)
        memcpy(bucket->who, who.p, who.n);
    CHECK(map_put(&rates->map, (struct str){ bucket->who, bucket->who_bytes }, bucket));
    rates_check(rates);
    return bucket;
}

bool rates_take(struct rates *rates, struct str who, int64_t now_us)
{
    struct rate_bucket *bucket;
    int64_t full_us;

    if (!rates_are_on(rates))
        return true;
    bucket = bucket_of(rates, clip(who), now_us);
    full_us = bucket->full_us > now_us ? bucket->full_us : now_us;
    if (full_us + rates->interval_us - now_us > rates->burst_us)
        return false;
    bucket->full_us = full_us + rates->interval_us;
    return true;
}

static int64_t seconds_up(int64_t us)
{
    return us <= 0 ? 0 : (us + US_PER_S - 1) / US_PER_S;
}

struct rate_state rates_state(const struct rates *rates, struct str who, int64_t now_us)
{
    const struct rate_bucket *bucket;
    struct rate_state state = { 0 };
    int64_t ahead_us = 0;

    if (!rates_are_on(rates))
        return state;
    bucket = map_get(&rates->map, clip(who));
    if (bucket != NULL && bucket->full_us > now_us)
        ahead_us = bucket->full_us - now_us;
    state.limit = rates->burst_us / rates->interval_us;
    state.remaining = (rates->burst_us - ahead_us) / rates->interval_us;
    state.reset_s = seconds_up(ahead_us);
    state.retry_s = seconds_up(ahead_us + rates->interval_us - rates->burst_us);
    return state;
}
