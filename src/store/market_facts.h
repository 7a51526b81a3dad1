/*
 * Market facts: all facts of many markets, read from the store at once, for
 * who grades again what was graded (store/audit.c, settle/shadow.c).
 */
#ifndef STORE_MARKET_FACTS_H
#define STORE_MARKET_FACTS_H

#include "base/map.h"
#include "model/facts.h"
#include "store/db.h"

struct market_facts {
    int64_t key;
    struct fact *facts;    /* by position; two markets may share the key */
    uint32_t n, room;
    bool queued;           /* settlement has not come to it yet */
    int64_t stored_ms;     /* of the latest fact */
};

struct market_facts_set {
    struct arena arena;
    struct map markets;    /* key -> struct market_facts */
    void (*on_unreadable)(void *ctx, int64_t key, int64_t position);
    void *ctx;
};

void market_facts_init(struct market_facts_set *set,
                       void (*on_unreadable)(void *ctx, int64_t key, int64_t position),
                       void *ctx);
void market_facts_fini(struct market_facts_set *set);
/* Of the markets on which there are bets with at least this id, or that are
 * open; 0 = all there are. */
bool market_facts_load(struct market_facts_set *set, struct db *db, int64_t from_bet,
                       struct str *error) MUST_USE;
/* NULL: nothing was said about it. */
const struct market_facts *market_facts_of(const struct market_facts_set *set, int64_t key);

#endif
