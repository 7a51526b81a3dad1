/*
 * Entries of liability (liability.h): what is granted here of an outcome, and
 * charged.  It asks nobody.
 */
#include <stdlib.h>

#include "house/liability_inside.h"

#define NAME_BYTES (sizeof(int64_t) + LIMIT_ID_BYTES)

static size_t make_name(char name[NAME_BYTES], struct market_id market, struct str outcome)
{
    int64_t key = market_key(market);

    CHECK(outcome.n <= LIMIT_ID_BYTES);
    memcpy(name, &key, sizeof(key));
    if (outcome.n > 0)
        memcpy(name + sizeof(key), outcome.p, outcome.n);
    return sizeof(key) + outcome.n;
}

void liability_entry_check(const struct liability_entry *entry)
{
    CHECK(entry->charged >= entry->claimed);
    CHECK(entry->granted >= entry->charged);
    CHECK(entry->claimed >= 0);
    CHECK(entry->refs > 0 || entry->claimed == 0);
    CHECK((entry->waiting == NULL) == (entry->last_waiting == &entry->waiting));
    CHECK(entry->epoch == 0 || entry->from_bet < INT64_MAX);
    CHECK_DEAR(entry->key == market_key(entry->market));
}

struct liability_entry *liability_entry_find(const struct liability *liability,
                                             struct market_id market, struct str outcome)
{
    char name[NAME_BYTES];
    size_t n;

    if (liability->map.n == 0)
        return NULL;
    n = make_name(name, market, outcome);
    return map_get(&liability->map, (struct str){ name, n });
}

static struct str copy(char **at, struct str text)
{
    struct str its = { *at, text.n };

    if (text.n > 0)
        memcpy(*at, text.p, text.n);
    *at += text.n;
    return its;
}

struct liability_entry *liability_entry_make(struct liability *liability,
                                             struct market_id market, struct str outcome)
{
    char name[NAME_BYTES], *at;
    size_t n = make_name(name, market, outcome);
    struct liability_entry *entry =
        calloc(1, sizeof(*entry) + n + market.event.n + market.specifiers.n);

    CHECK(entry != NULL);
    entry->name_bytes = n;
    memcpy(entry->name, name, n);
    entry->outcome = (struct str){ entry->name + sizeof(int64_t), outcome.n };
    at = entry->name + n;
    entry->market.market = market.market;
    entry->market.event = copy(&at, market.event);
    entry->market.specifiers = copy(&at, market.specifiers);
    entry->last_waiting = &entry->waiting;
    entry->key = market_key(market);
    entry->from_bet = INT64_MAX;
    if (!map_put(&liability->map, (struct str){ entry->name, n }, entry)) {
        free(entry);
        return NULL;
    }
    return entry;
}

void liability_entry_drop(struct liability *liability, struct liability_entry *entry)
{
    CHECK(!entry->asking && entry->waiting == NULL);
    CHECK(entry->refs == 0 && entry->epoch == 0);
    CHECK(map_del(&liability->map, (struct str){ entry->name, entry->name_bytes }) == entry);
    free(entry);
}

void liability_entry_clear(struct liability_entry *entry)
{
    entry->epoch = 0;
    entry->from_bet = INT64_MAX;
    entry->granted = entry->charged = entry->claimed = entry->owed = entry->row_minor = 0;
    entry->stale = entry->grown = false;
}

bool liability_is_own(const struct liability *liability, const struct liability_entry *entry,
                      int64_t bet)
{
    return bet >= entry->from_bet && bet_id_node(bet) == (uint32_t)liability->options.node;
}

void liability_entry_wait(struct liability_entry *entry, struct liability_claim *claim)
{
    CHECK(claim->at < claim->n_legs);
    claim->next = NULL;
    *entry->last_waiting = claim;
    entry->last_waiting = &claim->next;
}

struct liability_claim *liability_entry_take_waiting(struct liability_entry *entry)
{
    struct liability_claim *first = entry->waiting;

    entry->waiting = NULL;
    entry->last_waiting = &entry->waiting;
    return first;
}

/* What is granted beyond what is charged goes back with the next ask. */
void liability_entry_trim(struct liability_entry *entry)
{
    entry->owed -= entry->granted - entry->charged;
    entry->granted = entry->charged;
    liability_entry_check(entry);
}
