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

struct desk_price {
    struct desk_price *next;
    int64_t odds_e4;
    struct str outcome; /* behind the struct */
};

struct proposal_entry {
    struct desk_proposal proposal; /* first: a proposal is its entry */
    struct arena arena;
};

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

static struct desk_setting *setting_find(const struct book *book, enum desk_level level,
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

/* Found, or made with nothing set; NULL: no room. */
static struct desk_setting *setting_of(struct book *book, const struct message *message)
{
    const struct message_desk *desk = message->desk;
    struct str name = desk->level == DESK_SPORT ? desk->sport : message->event;
    struct market_id id = { .event = message->event };
    struct desk_setting *setting;
    struct key key;
    struct str text;

    if (desk->level == DESK_MARKET) {
        id.market = message->markets[0].market;
        id.specifiers = message->markets[0].specifiers;
    }
    text = key_of(&key, desk->level, name, &id);
    setting = map_get(&book->desk.settings, text);
    if (setting != NULL)
        return setting;
    if (book->desk.settings.n == LIMIT_DESK_SETTINGS)
        return NULL;
    setting = calloc(1, sizeof(*setting) + text.n);
    CHECK(setting != NULL);
    memcpy(setting + 1, text.p, text.n);
    setting->key = (struct str){ (const char *)(setting + 1), text.n };
    setting->level = desk->level;
    if (desk->level == DESK_EVENT || desk->level == DESK_MARKET)
        setting->event = (struct str){ setting->key.p + 1, message->event.n };
    setting->margin_e4 = -1;
    setting->limits = DESK_LIMITS_NONE;
    CHECK(map_put(&book->desk.settings, setting->key, setting));
    setting_link(book, setting, &id);
    return setting;
}

static void setting_free(struct desk_setting *setting)
{
    for (struct desk_price *price = setting->prices, *next; price != NULL; price = next) {
        next = price->next;
        free(price);
    }
    free(setting);
}

static void setting_drop(struct book *book, const struct desk_setting *setting)
{
    struct desk_setting *known;

    if (setting == NULL)
        return;
    known = map_del(&book->desk.settings, setting->key);
    CHECK(known == setting);
    setting_free(known);
}

void book_desk_link_event(struct book *book, struct event *event)
{
    ((struct event_entry *)event)->desk = setting_find(book, DESK_EVENT, event->id, NULL);
}

void book_desk_link_market(struct book *book, struct market *market)
{
    ((struct market_entry *)market)->desk =
        setting_find(book, DESK_MARKET, market->id.event, &market->id);
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

static struct nearest nearest_of(const struct book *book, const struct market *market)
{
    const struct event_entry *event = (const struct event_entry *)market->event;

    return (struct nearest){ {
        ((const struct market_entry *)market)->desk, event->desk, event->desk_sport,
        book->desk.all,
    } };
}

bool book_is_desk_suspended(const struct book *book, const struct market *market)
{
    const struct nearest nearest = nearest_of(book, market);
    const struct desk_setting *own = nearest.at[0];

    for (unsigned i = 0; i < LENGTH(nearest.at); i++)
        if (nearest.at[i] != NULL && nearest.at[i]->suspended)
            return true;
    return own != NULL && (own->result || own->voided);
}

struct desk_suspension book_suspension(const struct book *book, const struct market *market)
{
    const struct nearest nearest = nearest_of(book, market);
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

int64_t book_margin_e4(const struct book *book, const struct market *market)
{
    const struct nearest nearest = nearest_of(book, market);

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

struct desk_limits book_limits_of(const struct book *book, const struct market *market)
{
    const struct nearest nearest = nearest_of(book, market);
    struct desk_limits limits = DESK_LIMITS_NONE;

    for (unsigned i = 0; i < LENGTH(nearest.at); i++) {
        if (nearest.at[i] == NULL)
            continue;
        take_unset(&limits.stake_max_minor, nearest.at[i]->limits.stake_max_minor);
        take_unset(&limits.liability_max_minor, nearest.at[i]->limits.liability_max_minor);
        take_unset(&limits.hold_above_minor, nearest.at[i]->limits.hold_above_minor);
    }
    return limits;
}

int64_t book_stake_factor_e4(const struct book *book, int64_t account)
{
    const struct desk_factor *factor = map_get(&book->desk.factors, MAP_KEY(&account));

    return factor == NULL ? 10000 : factor->factor_e4;
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

/* Of a scope that is too wide for a list. */
static void touch_all(struct apply *apply, struct str sport, bool status)
{
    struct book *book = apply->book;

    for (size_t i = 0; i < book->n_events; i++) {
        struct event *event = book->list[i];

        if (sport.n > 0 && !str_eq(event->sport, sport))
            continue;
        for (struct market *market = event->markets; market != NULL; market = market->next)
            if (market_touch(apply, market, status))
                market->version = event->version = apply->position;
    }
    apply->change->all = true;
}

static void touch_event(struct apply *apply, struct event *event, bool status)
{
    apply->change->event = event;
    book_changed_reserve(apply->book, event->n_markets);
    for (struct market *market = event->markets; market != NULL; market = market->next)
        if (market_touch(apply, market, status))
            book_market_changed(apply, market);
}

static void touch_market(struct apply *apply, struct market *market, bool status)
{
    apply->change->event = market->event;
    book_changed_reserve(apply->book, 1);
    if (market_touch(apply, market, status))
        book_market_changed(apply, market);
}

static void touch(struct apply *apply, bool status)
{
    const struct message *message = apply->message;
    struct event *event = book_event(apply->book, message->event);
    struct market *market;

    if (message->desk->level == DESK_ALL || message->desk->level == DESK_SPORT) {
        touch_all(apply, message->desk->sport, status);
    } else if (event != NULL && message->desk->level == DESK_EVENT) {
        touch_event(apply, event, status);
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

    entry->desk_sport = setting_find(apply->book, DESK_SPORT, event->sport, NULL);
    if (entry->desk_sport != was)
        touch_event(apply, event, true);
}

/* ---- what an entry does ----------------------------------------------------- */

static void price_set(struct desk_setting *setting, struct str outcome, int64_t odds_e4)
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
        price_set(setting, desk->outcome, desk->odds_e4);
        break;
    case DESK_LIMITS:
        setting->limits = (struct desk_limits){
            desk->stake_max_minor, desk->liability_max_minor, desk->hold_above_minor,
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
    touch(apply, status);
    return true;
}

static bool apply_factor(struct book *book, const struct message_desk *desk)
{
    struct desk_factor *factor = map_get(&book->desk.factors, MAP_KEY(&desk->customer));

    if (factor == NULL) {
        if (book->desk.factors.n == LIMIT_DESK_FACTORS)
            return false;
        factor = calloc(1, sizeof(*factor));
        CHECK(factor != NULL);
        factor->account = desk->customer;
        CHECK(map_put(&book->desk.factors, MAP_KEY(&factor->account), factor));
    }
    factor->factor_e4 = desk->factor_e4;
    return true;
}

/* ---- proposals ------------------------------------------------------------ */

static void outcomes_copy(struct proposal_entry *entry, const struct message *message)
{
    struct desk_proposal *proposal = &entry->proposal;

    proposal->n_outcomes = message->n_outcomes;
    proposal->outcomes = ARENA_ARRAY(&entry->arena, struct message_outcome,
                                     message->n_outcomes + 1);
    for (uint32_t i = 0; i < message->n_outcomes; i++) {
        proposal->outcomes[i] = message->outcomes[i];
        proposal->outcomes[i].id = arena_str(&entry->arena, message->outcomes[i].id);
    }
}

static bool propose(struct apply *apply)
{
    const struct message *message = apply->message;
    struct desk *desk = &apply->book->desk;
    struct proposal_entry *entry;

    if (desk->n_proposals == LIMIT_DESK_PROPOSALS)
        return false;
    entry = calloc(1, sizeof(*entry));
    CHECK(entry != NULL);
    arena_init(&entry->arena, PROPOSAL_ARENA_BYTES);
    entry->proposal = (struct desk_proposal){
        .id = apply->position, .at_ms = message->timestamp_ms, .what = message->desk->what,
        .operator = arena_str(&entry->arena, message->desk->operator),
        .reason = arena_str(&entry->arena, message->desk->reason),
        .market = { arena_str(&entry->arena, message->event), message->markets[0].market,
                    arena_str(&entry->arena, message->markets[0].specifiers) },
        .start_ms = message->start_ms, .end_ms = message->end_ms,
    };
    outcomes_copy(entry, message);
    if (desk->last_proposal == NULL)
        desk->proposals = &entry->proposal;
    else
        desk->last_proposal->next = &entry->proposal;
    desk->last_proposal = &entry->proposal;
    desk->n_proposals++;
    return true;
}

static void proposal_free(struct desk_proposal *proposal)
{
    struct proposal_entry *entry = (struct proposal_entry *)proposal;

    arena_fini(&entry->arena);
    free(entry);
}

static void proposal_remove(struct desk *desk, struct desk_proposal *proposal)
{
    struct desk_proposal **at = &desk->proposals, *before = NULL;

    while (*at != proposal) {
        before = *at;
        at = &before->next;
    }
    *at = proposal->next;
    if (desk->last_proposal == proposal)
        desk->last_proposal = before;
    desk->n_proposals--;
    proposal_free(proposal);
}

static struct desk_proposal *proposal_find(const struct desk *desk, int64_t id)
{
    struct desk_proposal *proposal = desk->proposals;

    while (proposal != NULL && proposal->id != id)
        proposal = proposal->next;
    return proposal;
}

const struct desk_proposal *book_proposals(const struct book *book)
{
    return book->desk.proposals;
}

const struct desk_proposal *book_proposal(const struct book *book, int64_t id)
{
    return proposal_find(&book->desk, id);
}

/* Of two that decide on a proposal, the first in the log does. */
static bool decide(struct apply *apply)
{
    const struct message_desk *desk = apply->message->desk;
    struct desk_proposal *proposal = proposal_find(&apply->book->desk, desk->proposal);

    if (proposal == NULL)
        return false;
    if (desk->act == DESK_CONFIRM &&
        (str_eq(proposal->operator, desk->operator) || proposal->what != desk->what ||
         !apply_setting(apply)))
        return false;
    proposal_remove(&apply->book->desk, proposal);
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
    desk->refused = apply->position;
}

int64_t book_desk_ts(const struct book *book)
{
    return book->desk.ts;
}

bool book_desk_refused(const struct book *book, int64_t position)
{
    return book->desk.refused == position;
}

void book_desk_init(struct book *book)
{
    map_init(&book->desk.settings, LIMIT_DESK_SETTINGS);
    map_init(&book->desk.factors, LIMIT_DESK_FACTORS);
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
    while (desk->proposals != NULL)
        proposal_remove(desk, desk->proposals);
    map_fini(&desk->settings);
    map_fini(&desk->factors);
}

/* ---- invariants ------------------------------------------------------------- */

static void market_check(const struct book *book, const struct market *market)
{
    const struct pricing pricing = pricing_of(book, market);

    CHECK(pricing.own == setting_find(book, DESK_MARKET, market->id.event, &market->id));
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        CHECK(market->outcomes[i].odds_e4 == sold_e4(&pricing, &market->outcomes[i]));
}

static void proposals_check(const struct desk *desk)
{
    const struct desk_proposal *last = NULL;
    uint32_t n = 0;

    for (const struct desk_proposal *at = desk->proposals; at != NULL; at = at->next, n++) {
        CHECK(at->what != DESK_NOTHING);
        CHECK(last == NULL || at->id > last->id);
        last = at;
    }
    CHECK(n == desk->n_proposals && last == desk->last_proposal);
}

void book_desk_check(const struct book *book)
{
    const struct desk_factor *factor;
    size_t at = 0;

    CHECK(book->desk.all == setting_find(book, DESK_ALL, STR_NONE, NULL));
    for (size_t i = 0; i < book->n_events; i++) {
        const struct event *event = book->list[i];
        const struct event_entry *entry = (const struct event_entry *)event;

        CHECK(entry->desk == setting_find(book, DESK_EVENT, event->id, NULL));
        CHECK(entry->desk_sport == setting_find(book, DESK_SPORT, event->sport, NULL));
        for (const struct market *market = event->markets; market != NULL;
             market = market->next)
            market_check(book, market);
    }
    while ((factor = map_next(&book->desk.factors, &at)) != NULL)
        CHECK(factor->factor_e4 >= 0 && factor->factor_e4 <= DESK_FACTOR_MAX_E4);
    proposals_check(&book->desk);
}
