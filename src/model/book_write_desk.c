/*
 * The one writer of what the desk has set: settings by scope with the pointers
 * to them, customers' factors, proposals.  Entries of the desk and records of
 * the topic prices both come through here.
 *
 *   settings (by scope) <-- event_entry.desk, .desk_sport
 *                       <-- market_entry.desk
 *
 * Who points to a setting is found when either of the two is new
 * (book_write.c, setting_link() here), and forgets it when it goes.
 */
#include "model/book_inside.h"

#include <stdlib.h>

#include "model/desk_entry.h"

#define KEPT_MS (INT64_C(14) * 24 * 3600000) /* as long as a quiet event stays */
#define PROPOSAL_ARENA_BYTES (4 * 1024 * 1024)

static struct event_entry *own_event(const struct event *event)
{
    return (struct event_entry *)(uintptr_t)event;
}

static struct market_entry *own_market(const struct market *market)
{
    return (struct market_entry *)(uintptr_t)market;
}

static struct desk_setting *own_setting(const struct desk_setting *setting)
{
    return (struct desk_setting *)(uintptr_t)setting;
}

/* ---- the last apply --------------------------------------------------------- */

void book_desk_begin(struct book *book)
{
    book->desk.touched = NULL;
    book->desk.touched_factor = NULL;
}

void book_desk_touched(struct book *book, const struct desk_setting *setting,
                       const struct desk_factor *factor)
{
    CHECK(book->desk.touched == NULL && book->desk.touched_factor == NULL);
    book->desk.touched = setting;
    book->desk.touched_factor = factor;
}

void book_desk_raise_ts(struct book *book, int64_t ts)
{
    if (ts > book->desk.ts)
        book->desk.ts = ts;
}

void book_desk_refuse(struct book *book, int64_t position)
{
    CHECK(position > 0);
    book->desk.refused[position % DESK_REFUSED] = position;
}

/* ---- settings --------------------------------------------------------------- */

static void link_sport(struct book *book, struct desk_setting *setting)
{
    struct str sport = { setting->key.p + 1, setting->key.n - 1 };

    for (size_t i = 0; i < book->n_events; i++)
        if (str_eq(book->list[i]->sport, sport))
            own_event(book->list[i])->desk_sport = setting;
}

/* Those it is about, as far as the book has them, point to it. */
static void setting_link(struct book *book, struct desk_setting *setting,
                         const struct market_id *id)
{
    const struct event *event;
    const struct market *market;

    if (setting->level == DESK_ALL) {
        book->desk.all = setting;
    } else if (setting->level == DESK_SPORT) {
        link_sport(book, setting);
    } else if (setting->level == DESK_EVENT) {
        if ((event = book_event(book, setting->event)) != NULL)
            own_event(event)->desk = setting;
    } else if ((market = book_market(book, *id)) != NULL) {
        own_market(market)->desk = setting;
    }
}

static struct desk_setting *setting_new(enum desk_level level, struct str key, size_t event_n)
{
    struct desk_setting *setting = calloc(1, sizeof(*setting) + key.n);

    CHECK(setting != NULL && key.n > 0 && event_n < key.n);
    memcpy(setting + 1, key.p, key.n);
    setting->key = (struct str){ (const char *)(setting + 1), key.n };
    setting->level = level;
    if (level == DESK_EVENT || level == DESK_MARKET)
        setting->event = (struct str){ setting->key.p + 1, event_n };
    setting->margin_e4 = -1;
    setting->limits = DESK_LIMITS_NONE;
    return setting;
}

const struct desk_setting *book_setting_make(struct book *book, enum desk_level level,
                                             struct str sport, const struct market_id *id)
{
    struct desk_setting *setting;
    struct setting_key key;
    struct str text = book_setting_key(&key, level, level == DESK_SPORT ? sport : id->event, id);

    setting = map_get(&book->desk.settings, text);
    if (setting != NULL)
        return setting;
    if (book->desk.settings.n == LIMIT_DESK_SETTINGS)
        return NULL;
    setting = setting_new(level, text, id->event.n);
    CHECK(map_put(&book->desk.settings, setting->key, setting));
    setting_link(book, setting, id);
    return setting;
}

void book_setting_set(const struct desk_setting *setting, const struct desk_setting *as)
{
    struct desk_setting *own = own_setting(setting);
    struct desk_price *prices = own->prices;

    CHECK(as->level == own->level && as->key.p == own->key.p && as->event.p == own->event.p);
    CHECK(as->margin_e4 >= -1 && as->margin_e4 <= DESK_MARGIN_MAX_E4);
    *own = *as;
    own->prices = prices;
}

static void price_drop(struct desk_setting *setting, struct desk_price *price)
{
    struct desk_price **at = &setting->prices;

    while (*at != price) {
        CHECK(*at != NULL);
        at = &(*at)->next;
    }
    *at = price->next;
    free(price);
}

void book_setting_set_price(const struct desk_setting *setting, struct str outcome, int64_t odds_e4)
{
    struct desk_setting *own = own_setting(setting);
    struct desk_price *price = (struct desk_price *)(uintptr_t)book_price_find(setting, outcome);

    CHECK(odds_e4 >= 0);
    if (price == NULL && odds_e4 > 0) {
        price = calloc(1, sizeof(*price) + outcome.n);
        CHECK(price != NULL);
        memcpy(price + 1, outcome.p, outcome.n);
        price->outcome = (struct str){ (const char *)(price + 1), outcome.n };
        price->next = own->prices;
        own->prices = price;
    }
    if (odds_e4 > 0)
        price->odds_e4 = odds_e4;
    else if (price != NULL)
        price_drop(own, price);
}

void book_setting_clear_prices(const struct desk_setting *setting)
{
    struct desk_setting *own = own_setting(setting);

    for (struct desk_price *price = own->prices, *next; price != NULL; price = next) {
        next = price->next;
        free(price);
    }
    own->prices = NULL;
}

static void setting_free(struct desk_setting *setting)
{
    book_setting_clear_prices(setting);
    free(setting);
}

/* Out of the map and the memory; who points to it is the caller's. */
static void setting_take_out(struct book *book, const struct desk_setting *setting)
{
    if (setting == NULL)
        return;
    book_gone_setting(book, setting);
    CHECK(map_del(&book->desk.settings, setting->key) == setting);
    setting_free(own_setting(setting));
}

/* An event, and its markets when the setting is of one, lose it. */
static void event_unlink(const struct event *event, const struct desk_setting *setting)
{
    struct event_entry *own = own_event(event);

    if (own->desk == setting)
        own->desk = NULL;
    if (own->desk_sport == setting)
        own->desk_sport = NULL;
    if (setting->level != DESK_MARKET || !str_eq(event->id, setting->event))
        return;
    for (const struct market *m = event->markets; m != NULL; m = m->next)
        if (market_entry(m)->desk == setting)
            own_market(m)->desk = NULL;
}

void book_setting_drop(struct book *book, const struct desk_setting *setting)
{
    for (size_t i = 0; i < book->n_events; i++)
        event_unlink(book->list[i], setting);
    if (book->desk.all == setting)
        book->desk.all = NULL;
    setting_take_out(book, setting);
}

void book_desk_forget(struct book *book, const struct event *event)
{
    for (const struct market *market = event->markets; market != NULL; market = market->next) {
        setting_take_out(book, market_entry(market)->desk);
        own_market(market)->desk = NULL;
    }
    setting_take_out(book, event_entry(event)->desk);
    own_event(event)->desk = NULL;
}

/* A map may not change while it is walked: one at a time. */
static const struct desk_setting *stale_setting(const struct book *book, int64_t before_ms)
{
    const struct desk_setting *setting;
    size_t at = 0;

    while ((setting = map_next(&book->desk.settings, &at)) != NULL)
        if (setting->event.n > 0 && setting->at_ms < before_ms &&
            book_event(book, setting->event) == NULL)
            return setting;
    return NULL;
}

void book_desk_sweep(struct book *book, int64_t now_ms)
{
    const struct desk_setting *setting;

    while ((setting = stale_setting(book, now_ms - KEPT_MS)) != NULL)
        setting_take_out(book, setting);
}

/* ---- factors ---------------------------------------------------------------- */

static struct desk_factor *factor_make(struct book *book, int64_t account)
{
    struct desk_factor *factor = map_get(&book->desk.factors, MAP_KEY(&account));

    if (factor != NULL || book->desk.factors.n == LIMIT_DESK_FACTORS)
        return factor;
    factor = calloc(1, sizeof(*factor));
    CHECK(factor != NULL);
    factor->account = account;
    CHECK(map_put(&book->desk.factors, MAP_KEY(&factor->account), factor));
    return factor;
}

const struct desk_factor *book_factor_set(struct book *book, int64_t account, int64_t factor_e4,
                                          int64_t epoch)
{
    struct desk_factor *factor = factor_make(book, account);

    CHECK(factor_e4 >= 0 && factor_e4 <= DESK_FACTOR_MAX_E4);
    if (factor == NULL)
        return NULL;
    factor->factor_e4 = factor_e4;
    factor->epoch = epoch;
    return factor;
}

void book_factor_drop(struct book *book, const struct desk_factor *factor)
{
    struct desk_factor *own = map_del(&book->desk.factors, MAP_KEY(&factor->account));

    CHECK(own == factor);
    free(own);
}

/* ---- proposals -------------------------------------------------------------- */

/* Whose list the proposals of this book or shard are in. */
static struct desk *list_of(struct book *book)
{
    return book->root == NULL ? &book->desk : &book->root->desk;
}

static void outcomes_copy(struct proposal_entry *entry, const struct desk_proposal *given)
{
    struct desk_proposal *proposal = &entry->proposal;

    proposal->outcomes = ARENA_ARRAY(&entry->arena, struct message_outcome,
                                     given->n_outcomes + 1);
    for (uint32_t i = 0; i < given->n_outcomes; i++) {
        proposal->outcomes[i] = given->outcomes[i];
        proposal->outcomes[i].id = arena_str(&entry->arena, given->outcomes[i].id);
    }
}

/* Shards do not hear in the order of the log. */
static void proposal_insert(struct desk *list, struct desk_proposal *proposal)
{
    struct desk_proposal **at = &list->proposals;

    while (*at != NULL && (*at)->id < proposal->id)
        at = &(*at)->next;
    proposal->next = *at;
    *at = proposal;
    if (proposal->next == NULL)
        list->last_proposal = proposal;
}

bool book_propose(struct book *book, const struct desk_proposal *given, int64_t epoch)
{
    struct proposal_entry *entry;

    CHECK(given->id > 0 && given->what != DESK_NOTHING);
    if (book->desk.n_proposals == LIMIT_DESK_PROPOSALS)
        return false;
    entry = calloc(1, sizeof(*entry));
    CHECK(entry != NULL);
    arena_init(&entry->arena, PROPOSAL_ARENA_BYTES);
    entry->book = book;
    entry->epoch = epoch;
    entry->proposal = *given;
    entry->proposal.operator = arena_str(&entry->arena, given->operator);
    entry->proposal.reason = arena_str(&entry->arena, given->reason);
    entry->proposal.market.event = arena_str(&entry->arena, given->market.event);
    entry->proposal.market.specifiers = arena_str(&entry->arena, given->market.specifiers);
    outcomes_copy(entry, given);
    proposal_insert(list_of(book), &entry->proposal);
    book->desk.n_proposals++;
    return true;
}

void book_proposal_remove(const struct desk_proposal *proposal)
{
    struct proposal_entry *entry = (struct proposal_entry *)(uintptr_t)proposal;
    struct book *book = entry->book;
    struct desk *list = list_of(book);
    struct desk_proposal **at = &list->proposals, *before = NULL;

    while (*at != proposal) {
        CHECK(*at != NULL); /* it is in the list */
        before = *at;
        at = &before->next;
    }
    *at = proposal->next;
    if (list->last_proposal == proposal)
        list->last_proposal = before;
    CHECK(book->desk.n_proposals > 0);
    book->desk.n_proposals--;
    book_gone_proposal(book, proposal->id);
    arena_fini(&entry->arena);
    free(entry);
}

/* ---- its life ---------------------------------------------------------------- */

void book_desk_init(struct book *book)
{
    map_init(&book->desk.settings, LIMIT_DESK_SETTINGS);
    map_init(&book->desk.factors, LIMIT_DESK_FACTORS);
}

/* Of a shard: its own. */
static void proposals_drop(struct book *book)
{
    const struct desk_proposal *next;

    for (const struct desk_proposal *at = book_proposals(book); at != NULL; at = next) {
        next = at->next;
        if (proposal_entry(at)->book == book)
            book_proposal_remove(at);
    }
    CHECK(book->desk.n_proposals == 0);
}

void book_desk_fini(struct book *book)
{
    struct desk *desk = &book->desk;
    struct desk_setting *setting;
    struct desk_factor *factor;
    size_t at = 0;

    while ((setting = map_next(&desk->settings, &at)) != NULL)
        setting_free(setting);
    at = 0;
    while ((factor = map_next(&desk->factors, &at)) != NULL)
        free(factor);
    proposals_drop(book);
    map_fini(&desk->settings);
    map_fini(&desk->factors);
}
