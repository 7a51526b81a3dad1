/*
 * The book, asked: finds, counts and names, and writes nothing.
 *
 * What asks works on a whole book and on a shard alike: a whole has no events
 * of its own, and asks the shard that an event's slot names.
 */
#include "model/book_inside.h"
#include "model/names.h"

#define AT_SHARD 48 /* in what iterates: the shard above, the event below */

/* ---- shards --------------------------------------------------------------- */

unsigned book_shards(const struct book *book)
{
    return book->n_shards;
}

struct book *book_shard(const struct book *book, unsigned shard)
{
    CHECK(shard < book->n_shards);
    return book->shards[shard];
}

struct book *book_shard_of(const struct book *book, struct str event)
{
    CHECK(book->n_shards <= SLOTS);
    if (book->n_shards == 0)
        return (struct book *)(uintptr_t)book;
    return book->shards[slot_of(event) % book->n_shards];
}

/* Its shard, or the book itself. */
static const struct book *of_market(const struct market *market)
{
    return event_entry(market->event)->book;
}

int64_t book_order(const struct book *book)
{
    CHECK(book->root == NULL || book->root->n_shards > 0);
    return book->root == NULL ? book->order : book->root->order;
}

int64_t book_position(const struct book *book)
{
    int64_t least = INT64_MAX;

    if (book->n_shards == 0)
        return book->position;
    for (unsigned i = 0; i < book->n_shards; i++)
        if (book->shards[i]->position < least)
            least = book->shards[i]->position;
    CHECK(least >= 0 && least != INT64_MAX);
    return least;
}

int64_t book_highest(const struct book *book)
{
    int64_t most = book->position > book->image.highest ? book->position : book->image.highest;

    for (unsigned i = 0; i < book->n_shards; i++) {
        int64_t highest = book_highest(book->shards[i]);

        most = highest > most ? highest : most;
    }
    CHECK(most >= book->position);
    return most;
}

bool book_is_alive(const struct book *book)
{
    for (unsigned i = 0; i < book->n_shards; i++)
        if (book->shards[i]->silence != BOOK_ALIVE)
            return false;
    return book->silence == BOOK_ALIVE;
}

/* ---- events, markets, outcomes --------------------------------------------- */

const struct event *book_next_event(const struct book *book, size_t *at)
{
    size_t shard = *at >> AT_SHARD, event = *at & (((size_t)1 << AT_SHARD) - 1);

    if (book->n_shards == 0)
        return *at < book->n_events ? book->list[(*at)++] : NULL;
    while (shard < book->n_shards && event >= book->shards[shard]->n_events) {
        shard++;
        event = 0;
    }
    *at = (shard << AT_SHARD) + event + 1;
    return shard < book->n_shards ? book->shards[shard]->list[event] : NULL;
}

const struct event *book_event(const struct book *book, struct str id)
{
    return map_get(&book_shard_of(book, id)->events, id);
}

const struct market *book_market(const struct book *book, struct market_id id)
{
    return book_table_find(book_shard_of(book, id.event), id, market_key(id));
}

const struct outcome *book_outcome(const struct market *market, struct str id)
{
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        if (str_eq(market->outcomes[i].id, id))
            return &market->outcomes[i];
    return NULL;
}

const struct market *book_table_find(const struct book *book, struct market_id id, int64_t key)
{
    size_t mask = book->table_room - 1;

    if (book->n_markets == 0)
        return NULL;
    CHECK((book->table_room & mask) == 0 && book->n_markets < book->table_room);
    for (size_t at = (size_t)key & mask; book->table[at] != NULL; at = (at + 1) & mask)
        if (book->table[at]->key == key && market_id_equal(book->table[at]->id, id))
            return book->table[at];
    return NULL;
}

const struct str *book_event_text(const struct event *event, enum event_text which)
{
    const struct event_entry *entry = event_entry(event);
    const struct str *const texts[EVENT_TEXTS] = {
        [EVENT_SPORT] = &event->sport,
        [EVENT_SPORT_NAME] = &event->sport_name,
        [EVENT_TOURNAMENT] = &event->tournament,
        [EVENT_TOURNAMENT_NAME] = &event->tournament_name,
        [EVENT_CATEGORY_NAME] = &event->category_name,
        [EVENT_HOME] = &event->home,
        [EVENT_AWAY] = &event->away,
        [EVENT_HOME_ID] = &entry->home_id,
        [EVENT_AWAY_ID] = &entry->away_id,
        [EVENT_HOME_SCORE] = &event->home_score,
        [EVENT_AWAY_SCORE] = &event->away_score,
        [EVENT_MATCH_TIME] = &event->match_time,
    };

    CHECK(which < EVENT_TEXTS);
    return texts[which];
}

int64_t book_buried_ms(const struct book *book, struct str id)
{
    const struct tomb *tomb;
    uint64_t hash;

    if (book->tombs == NULL)
        return 0;
    hash = hash_stable(id);
    tomb = &book->tombs[hash & (BOOK_TOMBS - 1)];
    CHECK(tomb->received_ms == 0 || (tomb->hash & (BOOK_TOMBS - 1)) == (hash & (BOOK_TOMBS - 1)));
    return tomb->hash == hash ? tomb->received_ms : 0;
}

struct book_counts book_counts(const struct book *book)
{
    struct book_counts counts = { .events = book->n_events, .markets = book->n_markets };

    for (unsigned i = 0; i < book->n_shards; i++) {
        struct book_counts part = book_counts(book->shards[i]);

        counts.events += part.events;
        counts.markets += part.markets;
        counts.active_markets += part.active_markets;
        counts.outcomes += part.outcomes;
    }
    for (size_t i = 0; i < book->n_events; i++)
        for (const struct market *market = book->list[i]->markets; market != NULL;
             market = market->next) {
            counts.outcomes += market->n_outcomes;
            counts.active_markets += book_status(book, market) == MARKET_ACTIVE;
        }
    return counts;
}

/* ---- producers, and when they were heard ------------------------------------ */

const struct book_producer *book_producer(const struct book *book, int32_t id)
{
    for (size_t i = 0; i < book->n_producers; i++)
        if (book->producers[i].id == id)
            return &book->producers[i];
    return NULL;
}

bool book_producer_is_up(const struct book *book, int32_t producer)
{
    const struct book_producer *known;

    for (unsigned i = 0; i < book->n_shards; i++)
        if (!book_producer_is_up(book->shards[i], producer))
            return false;
    if (book->n_shards > 0)
        return true;
    known = book_producer(book, producer);
    return known != NULL && known->up;
}

const struct book_received *book_received_find(const struct book_received *list, int32_t producer)
{
    while (list != NULL && list->producer != producer)
        list = list->next;
    return list;
}

int64_t book_market_received_ts(const struct market *market, int32_t producer)
{
    const struct book_received *heard;

    if (market->producer == producer)
        return market->received_ts;
    heard = book_received_find(market_entry(market)->others, producer);
    return heard == NULL ? 0 : heard->ts;
}

/* ---- status ----------------------------------------------------------------- */

bool book_status_is_closed(int8_t status)
{
    return status == MARKET_SETTLED || status == MARKET_CANCELLED;
}

enum market_status book_feed_status(const struct book *book, const struct market *market)
{
    if (market->status == MARKET_HANDED_OVER)
        return MARKET_SUSPENDED; /* until another producer prices it */
    if (market->status != MARKET_ACTIVE)
        return (enum market_status)market->status;
    return market->listed && book_producer_is_up(book, market->producer) ? MARKET_ACTIVE
                                                                         : MARKET_SUSPENDED;
}

static bool may_be_live(const struct book *shard, const struct event *event)
{
    CHECK(shard->silence != BOOK_ALIVE);
    return event->status != 0 || (event->start_ms > 0 && event->start_ms <= shard->live_by_ms);
}

/* Nobody is known to look after its shard. */
static bool is_silent(const struct book *shard, const struct market *market)
{
    return shard->silence == BOOK_ALL_SILENT ||
           (shard->silence == BOOK_LIVE_SILENT && may_be_live(shard, market->event));
}

enum market_status book_status(const struct book *book UNUSED, const struct market *market)
{
    const struct book *shard = of_market(market);
    enum market_status status = book_feed_status(shard, market);

    CHECK(shard->n_shards == 0);
    if (status != MARKET_ACTIVE)
        return status;
    return is_silent(shard, market) || book_is_desk_suspended(shard, market) ? MARKET_SUSPENDED
                                                                             : status;
}

/* ---- what the desk set ------------------------------------------------------- */

static void key_put(struct setting_key *key, const void *bytes, size_t n)
{
    CHECK(n <= sizeof(key->bytes) - key->n);
    if (n > 0)
        memcpy(key->bytes + key->n, bytes, n);
    key->n += n;
}

struct str book_setting_key(struct setting_key *key, enum desk_level level, struct str name,
                            const struct market_id *market)
{
    static const char letters[] = { 0, 'a', 's', 'e', 'm' };

    CHECK(level >= DESK_ALL && level <= DESK_MARKET);
    key->n = 0;
    key_put(key, &letters[level], 1);
    key_put(key, name.p, name.n);
    if (level == DESK_MARKET) {
        key_put(key, "", 1);
        key_put(key, &market->market, sizeof(market->market));
        key_put(key, market->specifiers.p, market->specifiers.n);
    }
    return (struct str){ key->bytes, key->n };
}

struct market_id book_setting_market(const struct desk_setting *setting)
{
    struct market_id id = { .event = setting->event };
    const char *at = setting->event.p + setting->event.n + 1;

    CHECK(setting->level == DESK_MARKET);
    CHECK(at + sizeof(id.market) <= setting->key.p + setting->key.n);
    memcpy(&id.market, at, sizeof(id.market));
    at += sizeof(id.market);
    id.specifiers = (struct str){ at, (size_t)(setting->key.p + setting->key.n - at) };
    return id;
}

const struct desk_setting *book_setting_find(const struct book *book, enum desk_level level,
                                             struct str name, const struct market_id *market)
{
    struct setting_key key;

    if (book->desk.settings.n == 0)
        return NULL;
    return map_get(&book->desk.settings, book_setting_key(&key, level, name, market));
}

/* Of shards that do not agree yet, the lowest. */
int64_t book_stake_factor_e4(const struct book *book, int64_t account)
{
    const struct desk_factor *factor = map_get(&book->desk.factors, MAP_KEY(&account));
    int64_t least_e4 = factor == NULL ? 10000 : factor->factor_e4;

    for (unsigned i = 0; i < book->n_shards; i++) {
        int64_t factor_e4 = book_stake_factor_e4(book->shards[i], account);

        least_e4 = i == 0 || factor_e4 < least_e4 ? factor_e4 : least_e4;
    }
    CHECK(least_e4 >= 0);
    return least_e4;
}

/* Whose list the proposals of this book or shard are in. */
static const struct desk *list_of(const struct book *book)
{
    CHECK(book->root == NULL || book->root->root == NULL);
    return book->root == NULL ? &book->desk : &book->root->desk;
}

const struct desk_proposal *book_proposals(const struct book *book)
{
    return list_of(book)->proposals;
}

const struct desk_proposal *book_proposal(const struct book *book, int64_t id)
{
    const struct desk_proposal *proposal = list_of(book)->proposals;

    while (proposal != NULL && proposal->id != id)
        proposal = proposal->next;
    return proposal;
}

const struct desk_proposal *book_own_proposal(const struct book *book, int64_t id)
{
    const struct desk_proposal *proposal = book_proposal(book, id);

    return proposal != NULL && proposal_entry(proposal)->book == book ? proposal : NULL;
}

int64_t book_desk_ts(const struct book *book)
{
    int64_t ts = book->desk.ts;

    for (unsigned i = 0; i < book->n_shards; i++)
        if (book->shards[i]->desk.ts > ts)
            ts = book->shards[i]->desk.ts;
    return ts;
}

bool book_desk_refused(const struct book *book, int64_t position)
{
    for (unsigned i = 0; i < book->n_shards; i++)
        if (book_desk_refused(book->shards[i], position))
            return true;
    CHECK(position >= 0);
    return book->desk.refused[position % DESK_REFUSED] == position;
}

/* ---- names ---------------------------------------------------------------- */

const struct description *book_description(const struct book *book, uint32_t market)
{
    return map_get(&book->descriptions, MAP_KEY(&market));
}

static struct name_context name_context(const struct market *market)
{
    const struct event *event = market->event;
    const struct event_entry *entry = event_entry(event);

    return (struct name_context){
        .specifiers = market->id.specifiers,
        .home = event->home, .away = event->away,
        .home_id = entry->home_id, .away_id = entry->away_id,
        .tournament = event->tournament_name,
    };
}

static const struct description *description_find(const struct market *market)
{
    return book_description(of_market(market), market->id.market);
}

struct str book_market_name(const struct book *book UNUSED, const struct market *market,
                            struct arena *arena)
{
    const struct description *description = description_find(market);
    struct name_context context = name_context(market);
    struct str name;

    if (description != NULL && name_fill(description->name, &context, arena, &name))
        return name;
    if (market->id.specifiers.n == 0)
        return arena_printf(arena, "%u", market->id.market);
    return arena_printf(arena, "%u " STR_FMT, market->id.market,
                        STR_ARG(market->id.specifiers));
}

struct str book_outcome_name(const struct book *book UNUSED, const struct market *market,
                             struct str outcome, struct arena *arena)
{
    const struct description *description = description_find(market);
    struct name_context context = name_context(market);
    struct str name;

    for (uint32_t i = 0; description != NULL && i < description->n; i++)
        if (str_eq(description->names[i].id, outcome) &&
            name_fill(description->names[i].name, &context, arena, &name))
            return name;
    return arena_str(arena, name_of_id(outcome, &context));
}

struct book_image_state book_image_state(const struct book *shard)
{
    return shard->image;
}
