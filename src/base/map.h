/*
 * Hash map from byte strings to pointers.  Keys are borrowed: they must live
 * as long as their entry (usually inside the value).  SipHash with a key of
 * the process's own, so that strangers cannot aim for collisions.
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

struct map_slot {
    uint64_t hash; /* 0 = empty */
    struct str key;
    void *value;
};

struct map {
    struct map_slot *slots;
    size_t n, room; /* entries; slots, a power of two */
    size_t limit;   /* entries */
};

void map_init(struct map *map, size_t limit_entries);
void map_fini(struct map *map); /* values are the caller's */
void *map_get(const struct map *map, struct str key);
/* Adds or replaces.  False: the limit is reached and nothing changed. */
bool map_put(struct map *map, struct str key, void *value) MUST_USE;
void *map_del(struct map *map, struct str key); /* the value, or NULL */
/* Iterates in no order: start with *at = 0; NULL ends.  Do not change the
 * map meanwhile. */
void *map_next(const struct map *map, size_t *at);

/* A number as a key: the bytes of *n. */
#define MAP_KEY(n) ((struct str){ (const char *)(n), sizeof(*(n)) })

/* SipHash-2-4 under a fixed key: the same in every process and for ever, so
 * it may be stored. */
uint64_t hash_stable(struct str s);

#endif
