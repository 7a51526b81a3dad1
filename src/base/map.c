/*
 * Open addressing with linear probing and backward-shift deletion; at most
 * three quarters full.
 */
#include "base/map.h"

#include <sodium.h>
#include <stdlib.h>

#define ROOM_FIRST 16

static unsigned char seed[crypto_shorthash_KEYBYTES];
static bool seeded;

static uint64_t siphash(struct str s, const unsigned char *key)
{
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t hash;

    _Static_assert(sizeof(out) == sizeof(hash), "SipHash gives 64 bits");
    crypto_shorthash(out, (const unsigned char *)(s.p == NULL ? "" : s.p), s.n, key);
    memcpy(&hash, out, sizeof(hash));
    return hash;
}

static uint64_t map_hash(struct str key)
{
    uint64_t hash = siphash(key, seed);

    return hash == 0 ? 1 : hash; /* 0 marks an empty slot */
}

uint64_t hash_stable(struct str s)
{
    static const unsigned char fixed[crypto_shorthash_KEYBYTES] = "overround stable";

    return siphash(s, fixed);
}

void map_init(struct map *map, size_t limit_entries)
{
    CHECK(limit_entries > 0);
    if (!seeded) {
        CHECK(sodium_init() >= 0);
        randombytes_buf(seed, sizeof(seed));
        seeded = true;
    }
    *map = (struct map){ .limit = limit_entries };
}

void map_fini(struct map *map)
{
    free(map->slots);
    *map = (struct map){ .limit = map->limit };
}

/* The slot of the key, or the empty one where it would go. */
static struct map_slot *slot_of(const struct map *map, uint64_t hash, struct str key)
{
    size_t mask = map->room - 1, at = (size_t)hash & mask;

    while (map->slots[at].hash != 0) {
        if (map->slots[at].hash == hash && str_eq(map->slots[at].key, key))
            break;
        at = (at + 1) & mask;
    }
    return &map->slots[at];
}

static void grow(struct map *map)
{
    struct map_slot *old = map->slots;
    size_t old_room = map->room;

    map->room = old_room == 0 ? ROOM_FIRST : old_room * 2;
    map->slots = calloc(map->room, sizeof(*map->slots));
    CHECK(map->slots != NULL);
    for (size_t i = 0; i < old_room; i++)
        if (old[i].hash != 0)
            *slot_of(map, old[i].hash, old[i].key) = old[i];
    free(old);
}

void *map_get(const struct map *map, struct str key)
{
    struct map_slot *slot;

    if (map->n == 0)
        return NULL;
    slot = slot_of(map, map_hash(key), key);
    return slot->hash == 0 ? NULL : slot->value;
}

bool map_put(struct map *map, struct str key, void *value)
{
    uint64_t hash = map_hash(key);
    struct map_slot *slot;

    CHECK(map->limit > 0);
    CHECK(value != NULL);
    if (map->room == 0 || (map->n + 1) * 4 > map->room * 3)
        grow(map);
    slot = slot_of(map, hash, key);
    if (slot->hash == 0) {
        if (map->n == map->limit)
            return false;
        map->n++;
    }
    *slot = (struct map_slot){ hash, key, value };
    return true;
}

void *map_del(struct map *map, struct str key)
{
    size_t mask = map->room - 1, hole, at;
    struct map_slot *slot;
    void *value;

    if (map->n == 0)
        return NULL;
    slot = slot_of(map, map_hash(key), key);
    if (slot->hash == 0)
        return NULL;
    value = slot->value;
    /* Close the gap: move back each follower that may stand in it. */
    hole = (size_t)(slot - map->slots);
    for (at = (hole + 1) & mask; map->slots[at].hash != 0; at = (at + 1) & mask) {
        size_t home = (size_t)map->slots[at].hash & mask;

        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        map->slots[hole] = map->slots[at];
        hole = at;
    }
    map->slots[hole] = (struct map_slot){ .hash = 0 };
    map->n--;
    return value;
}

void *map_next(const struct map *map, size_t *at)
{
    while (*at < map->room) {
        const struct map_slot *slot = &map->slots[(*at)++];

        if (slot->hash != 0)
            return slot->value;
    }
    return NULL;
}
