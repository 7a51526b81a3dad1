/*
 * The desk's part of the book: see desk.h.
 *
 *   settings (by scope) <-- event_entry.desk, .desk_sport
 *                       <-- market_entry.desk
 *
 * A setting stays until its event is forgotten, so the pointers hold; a
 * market asks at most four of them.
 */
#include "model/book_inside.h"

#include <stdlib.h>

#include "model/desk_entry.h"
#include "model/money.h"

#define KEY_BYTES (2 * LIMIT_ID_BYTES + LIMIT_SPECIFIERS_BYTES)
#define KEPT_MS (INT64_C(14) * 24 * 3600000) /* as long as a quiet event stays */
#define PROPOSAL_ARENA_BYTES (4 * 1024 * 1024)
#define ONE_E12 INT64_C(1000000000000)
#define TENTH_E12 (ONE_E12 / 10)

/* ---- settings ----------------------------------------------------------- */

struct key { char bytes[KEY_BYTES]; size_t n; };

static void key_put(struct key *key, const void *bytes, size_t n)
{
    CHECK(n <= sizeof(key->bytes) - key->n);
    if (n > 0)
        memcpy(key->bytes + key->n, bytes, n);
    key->n += n;
}

/* "m", the event, 0, the market's number, its specifiers; "a" alone. */
static struct str key_of(struct key *key, enum desk_level level, struct str name,
                         const struct market_id *market)
{
    static const char letters[] = { 0, 'a', 's', 'e', 'm' };

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
    memcpy(&id.market, at, sizeof(id.market));
    at += sizeof(id.market);
    id.specifiers = (struct str){ at, (size_t)(setting->key.p + setting->key.n - at) };
    return id;
}

struct desk_setting *book_desk_setting_find(const struct book *book, enum desk_level level,
                                            struct str name, const struct market_id *market)
{
    struct key key;

    if (book->desk.settings.n == 0)
        return NULL;
    return map_get(&book->desk.settings, key_of(&key, level, name, market));
}

static void link_sport(struct book *book, struct desk_setting *setting)
{
    struct str sport = { setting->key.p + 1, setting->key.n - 1 };

    for (size_t i = 0; i < book->n_events; i++)
        if (str_eq(book->list[i]->sport, sport))
            ((struct event_entry *)book->list[i])->desk_sport = setting;
}

/* Those it is about, as far as the book has them, point to it. */
static void setting_link(struct book *book, struct desk_setting *setting,
                         const struct market_id *id)
{
    struct event *event;
    struct market *market;

    if (setting->level == DESK_ALL) {
        book->desk.all = setting;
    } else if (setting->level == DESK_SPORT) {
        link_sport(book, setting);
    } else if (setting->level == DESK_EVENT) {
        if ((event = book_event(book, setting->event)) != NULL)
            ((struct event_entry *)event)->desk = setting;
    } else if ((market = book_market(book, *id)) != NULL) {
        ((struct market_entry *)market)->desk = setting;
    }
}

static struct desk_setting *setting_new(enum desk_level level, struct str key, size_t event_n)
{
    struct desk_setting *setting = calloc(1, sizeof(*setting) + key.n);

    CHECK(setting != NULL);
    memcpy(setting + 1, key.p, key.n);
    setting->key = (struct str){ (const char *)(setting + 1), key.n };
    setting->level = level;
    if (level == DESK_EVENT || level == DESK_MARKET)
        setting->event = (struct str){ setting->key.p + 1, event_n };
    setting->margin_e4 = -1;
    setting->limits = DESK_LIMITS_NONE;
    return setting;
}

struct desk_setting *book_desk_setting(struct book *book, enum desk_level level, struct str sport,
                                       const struct market_id *id)
{
    struct desk_setting *setting;
    struct key key;
    struct str text = key_of(&key, level, level == DESK_SPORT ? sport : id->event, id);

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

/* Found, or made with nothing set; NULL: no room. */
static struct desk_setting *setting_of(struct book *book, const struct message *message)
{
    const struct message_desk *desk = message->desk;
    struct market_id id = { .event = message->event };

    if (desk->level == DESK_ALL || desk->level == DESK_SPORT)
        id.event = STR_NONE;
    if (desk->level == DESK_MARKET) {
        id.market = message->markets[0].market;
        id.specifiers = message->markets[0].specifiers;
    }
    return book_desk_setting(book, desk->level, desk->sport, &id);
}

void book_desk_prices_clear(struct desk_setting *setting)
{
    for (struct desk_price *price = setting->prices, *next; price != NULL; price = next) {
        next = price->next;
        free(price);
    }
    setting->prices = NULL;
}

static void setting_free(struct desk_setting *setting)
{
    book_desk_prices_clear(setting);
    free(setting);
}

static void setting_drop(struct book *book, const struct desk_setting *setting)
{
    struct desk_setting *known;

    if (setting == NULL)
        return;
    book_gone_setting(book, setting);
    known = map_del(&book->desk.settings, setting->key);
    CHECK(known == setting);
    setting_free(known);
}

void book_desk_setting_drop(struct book *book, struct desk_setting *setting)
{
    for (size_t i = 0; i < book->n_events; i++) {
        struct event_entry *entry = (struct event_entry *)book->list[i];

        if (entry->desk == setting)
            entry->desk = NULL;
        if (entry->desk_sport == setting)
            entry->desk_sport = NULL;
        if (setting->level == DESK_MARKET && str_eq(entry->event.id, setting->event))
            for (struct market *m = entry->event.markets; m != NULL; m = m->next)
                if (((struct market_entry *)m)->desk == setting)
                    ((struct market_entry *)m)->desk = NULL;
    }
    if (book->desk.all == setting)
        book->desk.all = NULL;
    setting_drop(book, setting);
}

void book_desk_link_event(struct book *book, struct event *event)
{
    ((struct event_entry *)event)->desk = book_desk_setting_find(book, DESK_EVENT, event->id, NULL);
}

void book_desk_link_market(struct book *book, struct market *market)
{
    ((struct market_entry *)market)->desk =
        book_desk_setting_find(book, DESK_MARKET, market->id.event, &market->id);
}

void book_desk_forget(struct book *book, const struct event *event)
{
    for (const struct market *market = event->markets; market != NULL; market = market->next)
        setting_drop(book, ((const struct market_entry *)market)->desk);
    setting_drop(book, ((const struct event_entry *)event)->desk);
}

/* A map may not change while it is walked: one at a time. */
static struct desk_setting *stale_setting(const struct book *book, int64_t before_ms)
{
    struct desk_setting *setting;
    size_t at = 0;

    while ((setting = map_next(&book->desk.settings, &at)) != NULL)
        if (setting->event.n > 0 && setting->at_ms < before_ms &&
            book_event(book, setting->event) == NULL)
            return setting;
    return NULL;
}

void book_desk_sweep(struct book *book, int64_t now_ms)
{
    struct desk_setting *setting;

    while ((setting = stale_setting(book, now_ms - KEPT_MS)) != NULL)
        setting_drop(book, setting);
}

/* ---- what is in force ----------------------------------------------------- */

/* From the nearest to the farthest; NULL where nothing is set. */
struct nearest { const struct desk_setting *at[4]; };

static struct nearest nearest_of(const struct market *market)
{
    const struct event_entry *event = (const struct event_entry *)market->event;

    return (struct nearest){ {
        ((const struct market_entry *)market)->desk, event->desk, event->desk_sport,
        event->book->desk.all,
    } };
}

bool book_is_desk_suspended(const struct book *book UNUSED, const struct market *market)
{
    const struct nearest nearest = nearest_of(market);
    const struct desk_setting *own = nearest.at[0];

    for (unsigned i = 0; i < LENGTH(nearest.at); i++)
        if (nearest.at[i] != NULL && nearest.at[i]->suspended)
            return true;
    return own != NULL && (own->result || own->voided);
}

struct desk_suspension book_suspension(const struct book *book UNUSED, const struct market *market)
{
    const struct nearest nearest = nearest_of(market);
    const struct desk_setting *own = nearest.at[0], *event = nearest.at[1];
    const struct desk_setting *sport = nearest.at[2], *all = nearest.at[3];

    return (struct desk_suspension){
        .all = all != NULL && all->suspended,
        .sport = sport != NULL && sport->suspended,
        .event = event != NULL && event->suspended,
        .market = own != NULL && own->suspended,
        .result = own != NULL && own->result,
        .voided = own != NULL && own->voided,
    };
}

int64_t book_margin_e4(const struct book *book UNUSED, const struct market *market)
{
    const struct nearest nearest = nearest_of(market);

    for (unsigned i = 0; i < LENGTH(nearest.at); i++)
        if (nearest.at[i] != NULL && nearest.at[i]->margin_e4 >= 0)
            return nearest.at[i]->margin_e4;
    return -1;
}

static void take_unset(int64_t *value, int64_t from)
{
    if (*value < 0)
        *value = from;
}

struct desk_limits book_limits_of(const struct book *book UNUSED, const struct market *market)
{
    const struct nearest nearest = nearest_of(market);
    struct desk_limits limits = DESK_LIMITS_NONE;

    for (unsigned i = 0; i < LENGTH(nearest.at); i++) {
        const struct desk_setting *setting = nearest.at[i];

        if (setting == NULL)
            continue;
        if (setting->limits_at > limits.since)
            limits.since = setting->limits_at;
        take_unset(&limits.stake_max_minor, setting->limits.stake_max_minor);
        take_unset(&limits.liability_max_minor, setting->limits.liability_max_minor);
        take_unset(&limits.hold_above_minor, setting->limits.hold_above_minor);
    }
    return limits;
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
    return least_e4;
}

static struct desk_price *price_find(const struct desk_setting *setting, struct str outcome)
{
    struct desk_price *price = setting == NULL ? NULL : setting->prices;

    while (price != NULL && !str_eq(price->outcome, outcome))
        price = price->next;
    return price;
}

int64_t book_price_e4(const struct book *book UNUSED, const struct market *market,
                      struct str outcome)
{
    const struct desk_price *price =
        price_find(((const struct market_entry *)market)->desk, outcome);

    return price == NULL ? 0 : price->odds_e4;
}

/* ---- the sold price (RULES.md 1b) ------------------------------------------ */

static int64_t ladder_floor(int64_t odds_e4)
{
    int64_t step = odds_e4 < 10 * ODDS_ONE_E4 ? 100 : odds_e4 < 100 * ODDS_ONE_E4 ? 1000 : 10000;

    return odds_e4 - odds_e4 % step;
}

int64_t desk_sold_e4(int64_t fed_e4, int64_t sum_e12, int64_t margin_e4)
{
    int64_t winners = (sum_e12 + TENTH_E12) / ONE_E12;
    int64_t least = fed_e4 < DESK_ODDS_MIN_E4 ? fed_e4 : DESK_ODDS_MIN_E4, sold_e4;
    __int128 target_e12, sold;

    CHECK(fed_e4 >= ODDS_ONE_E4 && fed_e4 <= ODDS_MAX_E4 && sum_e12 >= 0 && margin_e4 >= 0);
    if (winners < 1)
        return fed_e4; /* S < 0.9: not all of the market is priced */
    target_e12 = (__int128)winners * (ONE_E12 + margin_e4 * (ONE_E12 / 10000));
    sold = (__int128)fed_e4 * sum_e12 / target_e12;
    sold_e4 = sold > ODDS_MAX_E4 ? ODDS_MAX_E4 : ladder_floor((int64_t)sold);
    return sold_e4 < least ? least : sold_e4;
}

/* Each rounded up, so that fair odds stay what they are.  At most 10^15: a
 * market has 1000 outcomes. */
static int64_t inverse_sum_e12(const struct market *market)
{
    int64_t sum_e12 = 0;

    for (uint32_t i = 0; i < market->n_outcomes; i++)
        if (market->outcomes[i].active)
            sum_e12 += (ODDS_ONE_E4 * ONE_E12 + market->outcomes[i].fed_e4 - 1) /
                       market->outcomes[i].fed_e4;
    return sum_e12;
}

/* What is asked once a market, before its outcomes. */
struct pricing {
    const struct desk_setting *own;
    int64_t margin_e4, sum_e12;
};

static struct pricing pricing_of(const struct book *book, const struct market *market)
{
    struct pricing pricing = { ((const struct market_entry *)market)->desk,
                               book_margin_e4(book, market), 0 };

    if (pricing.margin_e4 >= 0)
        pricing.sum_e12 = inverse_sum_e12(market);
    return pricing;
}

static int64_t sold_e4(const struct pricing *pricing, const struct outcome *outcome)
{
    const struct desk_price *price = price_find(pricing->own, outcome->id);

    if (outcome->fed_e4 == 0)
        return 0; /* an outcome that was never priced is not sold */
    if (price != NULL)
        return price->odds_e4;
    if (pricing->margin_e4 < 0)
        return outcome->fed_e4;
    return desk_sold_e4(outcome->fed_e4, pricing->sum_e12, pricing->margin_e4);
}

bool book_desk_reprice(const struct book *book, struct market *market)
{
    const struct pricing pricing = pricing_of(book, market);
    bool changed = false;

    for (uint32_t i = 0; i < market->n_outcomes; i++) {
        struct outcome *outcome = &market->outcomes[i];
        int64_t odds_e4 = sold_e4(&pricing, outcome);

        changed |= outcome->odds_e4 != odds_e4;
        outcome->odds_e4 = odds_e4;
    }
    return changed;
}

/* ---- telling who is affected ---------------------------------------------- */

/* Prices the market anew; `status`: it may be sold or not now. */
static bool market_touch(struct apply *apply, struct market *market, bool status)
{
    bool changed = book_desk_reprice(apply->book, market);

    return changed || (status && book_feed_status(apply->book, market) == MARKET_ACTIVE);
}

/* Of a scope that is too wide for a list.  All of it is new, whether or not
 * its price is another: so versions are a function of the setting's. */
static void touch_all(struct apply *apply, struct desk_setting *setting, struct str sport)
{
    struct book *book = apply->book;

    for (size_t i = 0; i < book->n_events; i++) {
        struct event *event = book->list[i];

        if (sport.n > 0 && !str_eq(event->sport, sport))
            continue;
        event->version = apply->position;
        event->order = apply->order;
        for (struct market *market = event->markets; market != NULL; market = market->next) {
            (void)book_desk_reprice(book, market);
            book_market_stamp(apply, market);
        }
    }
    setting->sold_at = apply->position;
    apply->change->all = true;
}

static void touch_event(struct apply *apply, struct event *event, bool status, bool every)
{
    apply->change->event = event;
    book_changed_reserve(apply->book, event->n_markets);
    for (struct market *market = event->markets; market != NULL; market = market->next)
        if (market_touch(apply, market, status) || every)
            book_market_changed(apply, market);
}

static void touch_market(struct apply *apply, struct market *market, bool status)
{
    apply->change->event = market->event;
    book_changed_reserve(apply->book, 1);
    if (market_touch(apply, market, status))
        book_market_changed(apply, market);
}

static void touch(struct apply *apply, struct desk_setting *setting, bool status)
{
    const struct message *message = apply->message;
    struct event *event = book_event(apply->book, message->event);
    struct market *market;

    if (message->desk->level == DESK_ALL || message->desk->level == DESK_SPORT) {
        if (status || message->desk->act == DESK_MARGIN)
            touch_all(apply, setting, message->desk->sport);
    } else if (event != NULL && message->desk->level == DESK_EVENT) {
        touch_event(apply, event, status, false);
    } else if (event != NULL) {
        market = book_market(apply->book, (struct market_id){
            message->event, message->markets[0].market, message->markets[0].specifiers,
        });
        if (market != NULL)
            touch_market(apply, market, status);
    }
}

void book_desk_sport(struct apply *apply, struct event *event)
{
    struct event_entry *entry = (struct event_entry *)event;
    const struct desk_setting *was = entry->desk_sport;

    entry->desk_sport = book_desk_setting_find(apply->book, DESK_SPORT, event->sport, NULL);
    if (entry->desk_sport != was)
        touch_event(apply, event, true, true);
}

/* ---- what an entry does ----------------------------------------------------- */

void book_desk_price_set(struct desk_setting *setting, struct str outcome, int64_t odds_e4)
{
    struct desk_price *price = price_find(setting, outcome), **at = &setting->prices;

    if (price == NULL && odds_e4 > 0) {
        price = calloc(1, sizeof(*price) + outcome.n);
        CHECK(price != NULL);
        memcpy(price + 1, outcome.p, outcome.n);
        price->outcome = (struct str){ (const char *)(price + 1), outcome.n };
        price->next = setting->prices;
        setting->prices = price;
    }
    if (price == NULL)
        return;
    price->odds_e4 = odds_e4;
    if (odds_e4 > 0)
        return;
    while (*at != price)
        at = &(*at)->next;
    *at = price->next;
    free(price);
}

static bool suspend_set(struct desk_setting *setting, bool suspended)
{
    bool was = setting->suspended;

    setting->suspended = suspended;
    return was != suspended;
}

/* True: whether the market may be sold may have changed. */
static bool setting_take(struct desk_setting *setting, const struct message_desk *desk)
{
    switch (desk->act) {
    case DESK_SUSPEND:
        return suspend_set(setting, true);
    case DESK_RESUME:
        return suspend_set(setting, false);
    case DESK_MARGIN:
        setting->margin_e4 = desk->margin_e4;
        break;
    case DESK_PRICE:
        book_desk_price_set(setting, desk->outcome, desk->odds_e4);
        break;
    case DESK_LIMITS:
        setting->limits = (struct desk_limits){
            .stake_max_minor = desk->stake_max_minor,
            .liability_max_minor = desk->liability_max_minor,
            .hold_above_minor = desk->hold_above_minor,
        };
        break;
    default:
        break;
    }
    return false;
}

/* A market that the desk decided is suspended, also after the decision is
 * withdrawn: someone must look before it is sold again. */
static bool setting_decide(struct desk_setting *setting, const struct message *message)
{
    bool changed = !setting->suspended || setting->result || setting->voided;

    setting->suspended = true;
    switch (message->desk->what) {
    case DESK_RESULT:
        setting->result = true;
        break;
    case DESK_VOID:
        setting->voided |= message->end_ms == INT64_MAX;
        break;
    case DESK_UNDO_RESULT:
        setting->result = false;
        break;
    case DESK_UNDO_VOID:
        setting->voided = false;
        break;
    case DESK_NOTHING:
        break;
    }
    return changed;
}

static bool apply_setting(struct apply *apply)
{
    struct desk_setting *setting = setting_of(apply->book, apply->message);
    bool status;

    if (setting == NULL)
        return false;
    setting->at_ms = apply->message->timestamp_ms;
    if (apply->message->desk->act == DESK_CONFIRM)
        status = setting_decide(setting, apply->message);
    else
        status = setting_take(setting, apply->message->desk);
    setting->version = apply->position;
    if (apply->message->desk->act == DESK_LIMITS)
        setting->limits_at = apply->position;
    apply->book->desk.touched = setting;
    touch(apply, setting, status);
    return true;
}

struct desk_factor *book_desk_factor(struct book *book, int64_t account)
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

static bool apply_factor(struct book *book, const struct message_desk *desk)
{
    struct desk_factor *factor = book_desk_factor(book, desk->customer);

    if (factor == NULL)
        return false;
    factor->factor_e4 = desk->factor_e4;
    book->desk.touched_factor = factor;
    return true;
}

/* ---- proposals ------------------------------------------------------------ */

/* Whose list the proposals of this book or shard are in. */
static struct desk *list_of(const struct book *book)
{
    const struct book *whole = book->root == NULL ? book : book->root;

    return (struct desk *)(uintptr_t)&whole->desk;
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

struct proposal_entry *book_desk_propose(struct book *book, const struct desk_proposal *given)
{
    struct proposal_entry *entry;

    if (book->desk.n_proposals == LIMIT_DESK_PROPOSALS)
        return NULL;
    entry = calloc(1, sizeof(*entry));
    CHECK(entry != NULL);
    arena_init(&entry->arena, PROPOSAL_ARENA_BYTES);
    entry->book = book;
    entry->proposal = *given;
    entry->proposal.operator = arena_str(&entry->arena, given->operator);
    entry->proposal.reason = arena_str(&entry->arena, given->reason);
    entry->proposal.market.event = arena_str(&entry->arena, given->market.event);
    entry->proposal.market.specifiers = arena_str(&entry->arena, given->market.specifiers);
    outcomes_copy(entry, given);
    proposal_insert(list_of(book), &entry->proposal);
    book->desk.n_proposals++;
    return entry;
}

static bool propose(struct apply *apply)
{
    const struct message *message = apply->message;

    return book_desk_propose(apply->book, &(struct desk_proposal){
        .id = apply->position, .at_ms = message->timestamp_ms, .what = message->desk->what,
        .operator = message->desk->operator, .reason = message->desk->reason,
        .market = { message->event, message->markets[0].market, message->markets[0].specifiers },
        .start_ms = message->start_ms, .end_ms = message->end_ms,
        .outcomes = message->outcomes, .n_outcomes = message->n_outcomes,
    }) != NULL;
}

static void proposal_free(struct desk_proposal *proposal)
{
    struct proposal_entry *entry = (struct proposal_entry *)proposal;

    arena_fini(&entry->arena);
    free(entry);
}

void book_desk_proposal_remove(struct desk_proposal *proposal)
{
    struct book *book = ((struct proposal_entry *)proposal)->book;
    struct desk *list = list_of(book);
    struct desk_proposal **at = &list->proposals, *before = NULL;

    while (*at != proposal) {
        before = *at;
        at = &before->next;
    }
    *at = proposal->next;
    if (list->last_proposal == proposal)
        list->last_proposal = before;
    book->desk.n_proposals--;
    book_gone_proposal(book, proposal->id);
    proposal_free(proposal);
}

static struct desk_proposal *proposal_find(const struct book *book, int64_t id)
{
    struct desk_proposal *proposal = list_of(book)->proposals;

    while (proposal != NULL && proposal->id != id)
        proposal = proposal->next;
    return proposal;
}

const struct desk_proposal *book_proposals(const struct book *book)
{
    return list_of(book)->proposals;
}

const struct desk_proposal *book_proposal(const struct book *book, int64_t id)
{
    return proposal_find(book, id);
}

/* Of two that decide on a proposal, the first in the log does. */
static bool decide(struct apply *apply)
{
    const struct message_desk *desk = apply->message->desk;
    struct desk_proposal *proposal = proposal_find(apply->book, desk->proposal);

    if (proposal == NULL || ((const struct proposal_entry *)proposal)->book != apply->book)
        return false;
    if (desk->act == DESK_CONFIRM &&
        (str_eq(proposal->operator, desk->operator) || proposal->what != desk->what ||
         !apply_setting(apply)))
        return false;
    book_desk_proposal_remove(proposal);
    return true;
}

/* ---- apply ---------------------------------------------------------------- */

static bool apply_entry(struct apply *apply)
{
    switch (apply->message->desk->act) {
    case DESK_SUSPEND:
    case DESK_RESUME:
    case DESK_MARGIN:
    case DESK_PRICE:
    case DESK_LIMITS:
        return apply_setting(apply);
    case DESK_FACTOR:
        return apply_factor(apply->book, apply->message->desk);
    case DESK_PROPOSE:
        return propose(apply);
    case DESK_CONFIRM:
    case DESK_REJECT:
        return decide(apply);
    case DESK_NOTE:
        return true;
    }
    return false;
}

void book_desk_apply(struct apply *apply)
{
    struct desk *desk = &apply->book->desk;

    if (apply->message->timestamp_ms > desk->ts)
        desk->ts = apply->message->timestamp_ms;
    if (apply_entry(apply))
        return;
    apply->change->refused = true;
    desk->refused[apply->position % DESK_REFUSED] = apply->position;
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
    return book->desk.refused[position % DESK_REFUSED] == position;
}

void book_desk_init(struct book *book)
{
    map_init(&book->desk.settings, LIMIT_DESK_SETTINGS);
    map_init(&book->desk.factors, LIMIT_DESK_FACTORS);
}

/* Of a shard: its own. */
static void proposals_drop(struct book *book)
{
    struct desk_proposal *next;

    for (struct desk_proposal *at = list_of(book)->proposals; at != NULL; at = next) {
        next = at->next;
        if (((struct proposal_entry *)at)->book == book)
            book_desk_proposal_remove(at);
    }
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

/* ---- invariants ------------------------------------------------------------- */

static void market_check(const struct book *book, const struct market *market)
{
    const struct pricing pricing = pricing_of(book, market);

    CHECK(pricing.own == book_desk_setting_find(book, DESK_MARKET, market->id.event, &market->id));
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        CHECK(market->outcomes[i].odds_e4 == sold_e4(&pricing, &market->outcomes[i]));
}

static void proposals_check(const struct book *book)
{
    const struct desk *list = list_of(book);
    const struct desk_proposal *last = NULL;
    uint32_t n = 0;

    for (const struct desk_proposal *at = list->proposals; at != NULL; at = at->next) {
        CHECK(at->what != DESK_NOTHING);
        CHECK(last == NULL || at->id > last->id);
        n += ((const struct proposal_entry *)at)->book == book;
        last = at;
    }
    CHECK(n == book->desk.n_proposals && last == list->last_proposal);
}

void book_desk_check(const struct book *book)
{
    const struct desk_factor *factor;
    size_t at = 0;

    CHECK(book->desk.all == book_desk_setting_find(book, DESK_ALL, STR_NONE, NULL));
    for (size_t i = 0; i < book->n_events; i++) {
        const struct event *event = book->list[i];
        const struct event_entry *entry = (const struct event_entry *)event;

        CHECK(entry->desk == book_desk_setting_find(book, DESK_EVENT, event->id, NULL));
        CHECK(entry->desk_sport == book_desk_setting_find(book, DESK_SPORT, event->sport, NULL));
        for (const struct market *market = event->markets; market != NULL;
             market = market->next)
            market_check(book, market);
    }
    while ((factor = map_next(&book->desk.factors, &at)) != NULL)
        CHECK(factor->factor_e4 >= 0 && factor->factor_e4 <= DESK_FACTOR_MAX_E4);
    proposals_check(book);
}
