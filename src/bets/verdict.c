/*
 * Verdicts in memory: a request whose key is in flight joins it, one whose key
 * was decided lately is answered without the store.  Only a cache: the store
 * knows every key, and what is forgotten here is found there.
 *
 *   map: (account, operation, key) -> verdict
 *   decided: oldest -> … -> newest           who gives way when it is full
 */
#include "bets/verdict.h"

#include <stdlib.h>

struct verdicts {
    struct map map;
    size_t limit;
    struct key_verdict *oldest, **newest;
    struct key_verdict *spare;
};

static bool is_whole(const struct verdicts *verdicts)
{
    const struct key_verdict *last = NULL;
    size_t n = 0;

    for (const struct key_verdict *at = verdicts->oldest; at != NULL; at = at->next) {
        if (!at->decided)
            return false;
        last = at;
        n++;
    }
    return n <= verdicts->map.n &&
           verdicts->newest == (last == NULL ? &verdicts->oldest
                                             : &((struct key_verdict *)(uintptr_t)last)->next);
}

static void verdicts_check(const struct verdicts *verdicts)
{
    CHECK(verdicts->map.n <= verdicts->limit);
    CHECK((verdicts->oldest == NULL) == (verdicts->newest == &verdicts->oldest));
    CHECK_DEAR(verdicts->map.n % 64 != 0 || is_whole(verdicts));
}

struct verdicts *verdicts_new(size_t limit)
{
    struct verdicts *verdicts = calloc(1, sizeof(*verdicts));

    CHECK(verdicts != NULL && limit > 0);
    verdicts->limit = limit;
    verdicts->newest = &verdicts->oldest;
    map_init(&verdicts->map, limit);
    return verdicts;
}

void verdicts_free(struct verdicts *verdicts)
{
    struct key_verdict *verdict;
    size_t at = 0;

    if (verdicts == NULL)
        return;
    while ((verdict = map_next(&verdicts->map, &at)) != NULL) {
        free((char *)(uintptr_t)verdict->text.p);
        free(verdict);
    }
    while ((verdict = verdicts->spare) != NULL) {
        verdicts->spare = verdict->next;
        free(verdict);
    }
    map_fini(&verdicts->map);
    free(verdicts);
}

static size_t make_name(char name[VERDICT_NAME_BYTES], int64_t account, int op,
                        struct str key)
{
    CHECK(key.n >= 1 && key.n <= LIMIT_KEY_BYTES && op > 0 && op < 128);
    memcpy(name, &account, 8);
    name[8] = (char)op;
    memcpy(name + 9, key.p, key.n);
    return 9 + key.n;
}

static struct str name_of(const struct key_verdict *verdict)
{
    return (struct str){ verdict->name, verdict->name_bytes };
}

struct key_verdict *verdicts_find(const struct verdicts *verdicts, int64_t account, int op,
                                  struct str key)
{
    char name[VERDICT_NAME_BYTES];
    size_t n = make_name(name, account, op, key);

    return map_get(&verdicts->map, (struct str){ name, n });
}

static void drop(struct verdicts *verdicts, struct key_verdict *verdict)
{
    CHECK(map_del(&verdicts->map, name_of(verdict)) == verdict);
    free((char *)(uintptr_t)verdict->text.p);
    verdict->text = STR_NONE;
    verdict->next = verdicts->spare;
    verdicts->spare = verdict;
}

static bool evict_oldest(struct verdicts *verdicts)
{
    struct key_verdict *oldest = verdicts->oldest;

    if (oldest == NULL)
        return false;
    CHECK(oldest->decided);
    verdicts->oldest = oldest->next;
    if (verdicts->oldest == NULL)
        verdicts->newest = &verdicts->oldest;
    drop(verdicts, oldest);
    return true;
}

struct key_verdict *verdicts_add(struct verdicts *verdicts, int64_t account, int op,
                                 struct str key, const uint8_t hash[16], void *owner)
{
    struct key_verdict *verdict;

    if (verdicts->map.n >= verdicts->limit && !evict_oldest(verdicts))
        return NULL;
    verdict = verdicts->spare;
    if (verdict != NULL)
        verdicts->spare = verdict->next;
    else
        verdict = malloc(sizeof(*verdict));
    CHECK(verdict != NULL);
    verdict->decided = false;
    verdict->owner = owner;
    verdict->refusal = REFUSE_NOTHING;
    verdict->text = STR_NONE;
    verdict->next = NULL;
    memcpy(verdict->hash, hash, sizeof(verdict->hash));
    verdict->name_bytes = make_name(verdict->name, account, op, key);
    CHECK(map_put(&verdicts->map, name_of(verdict), verdict));
    verdicts_check(verdicts);
    return verdict;
}

void verdicts_decide(struct verdicts *verdicts, struct key_verdict *verdict,
                     enum refusal refusal, struct str text)
{
    CHECK(!verdict->decided);
    verdict->decided = true;
    verdict->owner = NULL;
    verdict->refusal = refusal;
    if (text.n > 0) {
        char *copy = malloc(text.n);

        CHECK(copy != NULL);
        memcpy(copy, text.p, text.n);
        verdict->text = (struct str){ copy, text.n };
    }
    verdict->next = NULL;
    *verdicts->newest = verdict;
    verdicts->newest = &verdict->next;
    verdicts_check(verdicts);
}

void verdicts_forget(struct verdicts *verdicts, struct key_verdict *verdict)
{
    CHECK(!verdict->decided);
    drop(verdicts, verdict);
}

size_t verdicts_count(const struct verdicts *verdicts)
{
    return verdicts->map.n;
}
