/* Market facts: see market_facts.h. */
#include "store/market_facts.h"

#define FACTS_BYTES (2048u * 1024 * 1024)

#define COLUMNS                                                                     \
    "SELECT pos, kind, rank, market_key, event, market, specifiers, producer,"      \
    " ts_ms, certainty, start_ms, end_ms, stopped_ms, outcomes, stored_ms FROM facts"
#define ORDER " ORDER BY market_key, pos"

void market_facts_init(struct market_facts_set *set,
                       void (*on_unreadable)(void *ctx, int64_t key, int64_t position),
                       void *ctx)
{
    *set = (struct market_facts_set){ .on_unreadable = on_unreadable, .ctx = ctx };
    arena_init(&set->arena, FACTS_BYTES);
    map_init(&set->markets, LIMIT_MARKETS * 4);
}

void market_facts_fini(struct market_facts_set *set)
{
    map_fini(&set->markets);
    arena_fini(&set->arena);
}

const struct market_facts *market_facts_of(const struct market_facts_set *set, int64_t key)
{
    return map_get(&set->markets, MAP_KEY(&key));
}

static struct market_facts *market_of(struct market_facts_set *set, int64_t key)
{
    struct market_facts *market = map_get(&set->markets, MAP_KEY(&key));

    CHECK(market == NULL || market->key == key);
    if (market != NULL)
        return market;
    market = ARENA_NEW(&set->arena, struct market_facts);
    market->key = key;
    CHECK(map_put(&set->markets, MAP_KEY(&market->key), market));
    return market;
}

static struct fact *add_fact(struct market_facts_set *set, struct market_facts *market)
{
    if (market->n == market->room) {
        uint32_t room = market->room == 0 ? 1 : market->room * 2;
        struct fact *facts = ARENA_ARRAY(&set->arena, struct fact, room);

        if (market->n > 0)
            memcpy(facts, market->facts, market->n * sizeof(*facts));
        market->facts = facts;
        market->room = room;
    }
    CHECK(market->n < market->room);
    return &market->facts[market->n++];
}

/* Columns as FACTS_GET's, and stored_ms. */
static bool on_fact(void *ctx, const struct value *cells)
{
    struct market_facts_set *set = ctx;
    struct market_facts *market = market_of(set, cells[3].i);
    struct fact *fact = add_fact(set, market);

    *fact = (struct fact){
        .position = cells[0].i, .kind = (enum fact_kind)cells[1].i,
        .rank = (enum fact_rank)cells[2].i, .key = cells[3].i,
        .id = { arena_str(&set->arena, cells[4].s), (uint32_t)cells[5].i,
                arena_str(&set->arena, cells[6].s) },
        .producer = (int32_t)cells[7].i, .timestamp_ms = cells[8].i,
        .certainty = (int8_t)cells[9].i, .start_ms = cells[10].i,
        .end_ms = cells[11].i, .stopped_ms = cells[12].i,
    };
    /* By market, then by place: the newest fact of a kind is the last. */
    CHECK(market->n == 1 || market->facts[market->n - 2].position <= fact->position);
    if (cells[14].i > market->stored_ms)
        market->stored_ms = cells[14].i;
    /* The texts go into the arena, for outcomes borrow from them. */
    if (!fact_outcomes_decode(arena_str(&set->arena, cells[13].s), &set->arena, fact)) {
        set->on_unreadable(set->ctx, cells[3].i, cells[0].i);
        market->n--;
    }
    return true;
}

static bool on_queued(void *ctx, const struct value *cells)
{
    market_of(ctx, cells[0].i)->queued = true;
    return true;
}

bool market_facts_load(struct market_facts_set *set, struct db *db, int64_t from_bet,
                       struct str *error)
{
    const struct value from = { .i = from_bet };

    CHECK(set->on_unreadable != NULL && from_bet >= 0);
    if (!db_query(db, "SELECT market_key FROM settle_queue", "", NULL, "i", on_queued, set,
                  error))
        return false;
    if (from_bet == 0)
        return db_query(db, COLUMNS ORDER, "", NULL, "iiiisisiiiiiisi", on_fact, set, error);
    return db_query(db, COLUMNS " WHERE market_key IN (SELECT market_key FROM legs"
                    " WHERE bet >= $1 OR bet IN (SELECT id FROM bets WHERE state = 1))" ORDER,
                    "i", &from, "iiiisisiiiiiisi", on_fact, set, error);
}
