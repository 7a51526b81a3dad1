/*
 * A shard that is told by records: see book_image.h.
 *
 * Records of one key come in order, but compaction leaves keys in any order.
 * So what follows for a market from its producer, a restart or a wide setting
 * is concluded from positions, whichever of the two came last:
 *
 *   listed    and told behind its producer's last fall and the last restart
 *   version   the highest of its own and of all that concerned it
 *   price     what was fed, with what the desk has set
 */
#include "model/book_image.h"

#include "base/json_record.h"
#include "model/book_inside.h"
#include "model/desk_entry.h"
#include "model/money.h"

#define TEXT_BYTES 4096
#define NAMES_MAX 10000

struct mirror_apply {
    struct book *shard;
    struct book_change *change;
    struct json_record record;
    int64_t epoch, position, order;
};

/* ---- what follows for a market ------------------------------------------- */

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sold_at(const struct desk_setting *setting)
{
    return setting == NULL ? 0 : setting->sold_at;
}

static void event_raise(struct event *event, int64_t version, int64_t order)
{
    event->version = later(event->version, version);
    event->order = later(event->order, order);
}

/* True: it is shown otherwise than before, or may be. */
static bool conclude(const struct mirror_apply *apply, struct market *market)
{
    const struct book *shard = apply->shard;
    const struct market_entry *entry = (const struct market_entry *)market;
    const struct event_entry *event = (const struct event_entry *)market->event;
    const struct producer *producer = book_producer(shard, market->producer);
    int64_t fell_at = shard->restarted_at, was = market->version;
    bool changed;

    if (producer != NULL)
        fell_at = later(fell_at, producer->down_at);
    if (entry->told < fell_at)
        market->listed = false;
    market->version = later(market->version, fell_at);
    if (market->listed && producer != NULL)
        market->version = later(market->version, producer->up_at);
    market->version = later(market->version, sold_at(shard->desk.all));
    market->version = later(market->version, sold_at(event->desk_sport));
    changed = book_desk_reprice(shard, market) || market->version != was;
    if (changed)
        market->order = apply->order;
    event_raise(market->event, market->version, changed ? apply->order : 0);
    return changed;
}

static void conclude_all(struct mirror_apply *apply)
{
    struct book *shard = apply->shard;

    for (size_t i = 0; i < shard->n_events; i++) {
        struct event *event = shard->list[i];
        int64_t was = event->version;

        for (struct market *market = event->markets; market != NULL; market = market->next)
            (void)conclude(apply, market);
        event_raise(event, shard->renamed_at, 0);
        event_raise(event, sold_at(shard->desk.all), 0);
        event_raise(event, sold_at(((struct event_entry *)event)->desk_sport), 0);
        if (event->version != was)
            event->order = apply->order;
    }
    apply->change->all = true;
}

static void change_market(struct mirror_apply *apply, struct market *market)
{
    struct book *shard = apply->shard;
    struct book_change *change = apply->change;

    change->event = market->event;
    book_changed_reserve(shard, change->n_markets + 1);
    shard->changed[change->n_markets++] = market;
}

/* ---- events and markets --------------------------------------------------- */

static bool has_room(const struct mirror_apply *apply, size_t events, size_t markets, size_t texts)
{
    const struct book *shard = apply->shard;

    return shard->n_events + events <= shard->limits.events &&
           shard->n_markets + markets <= shard->limits.markets &&
           shard->texts.n + texts <= BOOK_TEXTS_MAX;
}

/* Known, or added; NULL: no room. */
static struct event *event_of(struct mirror_apply *apply, struct str id)
{
    struct event *event = book_event(apply->shard, id);

    if (event != NULL)
        return event;
    if (!has_room(apply, 1, 0, 1)) {
        json_record_fault(&apply->record, "the book is full");
        return NULL;
    }
    event = book_event_add(apply->shard, id);
    event->version = apply->shard->renamed_at;
    event->order = apply->order;
    return event;
}

static struct market *market_of(struct mirror_apply *apply, struct market_id id, uint32_t rank)
{
    struct market *market = book_market(apply->shard, id);
    struct event *event;

    if (market != NULL)
        return market;
    if (!has_room(apply, 1, 1, 2)) {
        json_record_fault(&apply->record, "the book is full");
        return NULL;
    }
    event = event_of(apply, id.event);
    market = book_market_add(apply->shard, event, id.market, id.specifiers);
    book_market_rank(market, rank);
    return market;
}

/* Into the book's scratch; false: one of them cannot be. */
static bool read_outcomes(struct mirror_apply *apply, uint32_t *n)
{
    struct json_record *record = &apply->record;
    struct outcome *outcomes = apply->shard->scratch;
    const json_t *array;

    *n = json_record_array(record, "outcomes", LIMIT_OUTCOMES, &array);
    for (uint32_t i = 0; i < *n; i++) {
        json_record_at(record, array, i);
        outcomes[i] = (struct outcome){
            .id = json_record_str(record, "id", LIMIT_ID_BYTES),
            .fed_e4 = json_record_int(record, "fed_e4", 0, ODDS_MAX_E4),
            .active = json_record_bool(record, "active"),
        };
        if (outcomes[i].fed_e4 > 0 ? outcomes[i].fed_e4 < ODDS_ONE_E4 : outcomes[i].active)
            json_record_fault(record, "fed_e4");
        for (uint32_t j = 0; j < i && record->fault == NULL; j++)
            if (str_eq(outcomes[j].id, outcomes[i].id))
                json_record_fault(record, "an outcome stands there twice");
    }
    record->object = record->document;
    return record->fault == NULL;
}

static void take_outcomes(struct book *shard, struct market *market, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        shard->scratch[i].id = book_text_ref(shard, shard->scratch[i].id);
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        book_text_unref(shard, market->outcomes[i].id);
    if (n > market->room || market->n_outcomes != n)
        book_outcomes_room(shard, market, n);
    if (n > 0)
        memcpy(market->outcomes, shard->scratch, n * sizeof(*market->outcomes));
    market->n_outcomes = n;
}

/* Told again, by an image: nothing that anybody could see. */
static bool outcomes_are(const struct market *market, const struct outcome *outcomes, uint32_t n)
{
    if (market->n_outcomes != n)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!str_eq(market->outcomes[i].id, outcomes[i].id) ||
            market->outcomes[i].fed_e4 != outcomes[i].fed_e4 ||
            market->outcomes[i].active != outcomes[i].active)
            return false;
    return true;
}

/* What a market's record says besides its outcomes. */
struct told_market {
    int64_t version;
    uint32_t rank;
    int32_t producer;
    int8_t status;
    bool listed, favourite;
};

static bool market_is(const struct market *market, const struct told_market *told)
{
    return market->version == told->version && market->producer == told->producer &&
           market->status == told->status && market->listed == told->listed &&
           market->favourite == told->favourite;
}

static void take_market(struct mirror_apply *apply, struct market *market,
                        const struct told_market *told, uint32_t n)
{
    take_outcomes(apply->shard, market, n);
    market->producer = told->producer;
    market->listed = told->listed;
    market->favourite = told->favourite;
    market->version = told->version;
    (void)book_market_move(market, told->status, 0);
    market->stopped_ts = 0; /* the owner's alone */
    (void)conclude(apply, market);
    market->order = apply->order;
    event_raise(market->event, market->version, apply->order);
    change_market(apply, market);
}

static void apply_market(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    struct market_id id = {
        json_record_str(record, "event", LIMIT_ID_BYTES),
        (uint32_t)json_record_int(record, "market", 0, UINT32_MAX),
        json_record_str(record, "specifiers", LIMIT_SPECIFIERS_BYTES),
    };
    struct told_market told = {
        .version = json_record_int(record, "version", 0, apply->position),
        .rank = (uint32_t)json_record_int(record, "rank", 0, UINT32_MAX),
        .producer = (int32_t)json_record_int(record, "producer", INT32_MIN, INT32_MAX),
        .status = (int8_t)json_record_int(record, "status", MARKET_CANCELLED, MARKET_ACTIVE),
        .listed = json_record_bool(record, "listed"),
        .favourite = json_record_bool(record, "favourite"),
    };
    struct market *market;
    struct market_entry *entry;
    uint32_t n;

    if (!read_outcomes(apply, &n) || !has_room(apply, 0, 0, n) ||
        (market = market_of(apply, id, told.rank)) == NULL) {
        json_record_fault(record, "the book is full");
        return;
    }
    entry = (struct market_entry *)market;
    entry->epoch = apply->epoch;
    if (entry->rank != told.rank)
        book_market_rank(market, told.rank);
    if (entry->told > 0 && market_is(market, &told) &&
        outcomes_are(market, apply->shard->scratch, n)) {
        entry->told = apply->position;
        return;
    }
    entry->told = apply->position;
    take_market(apply, market, &told, n);
}

static void take_text(struct mirror_apply *apply, struct str *field, const char *name)
{
    struct str text = json_record_str(&apply->record, name, TEXT_BYTES);

    if (apply->record.fault == NULL)
        (void)book_text_replace(apply->shard, field, text);
}

static void take_texts(struct mirror_apply *apply, struct event *event)
{
    struct event_entry *entry = (struct event_entry *)event;

    take_text(apply, &event->sport, "sport");
    take_text(apply, &event->sport_name, "sport_name");
    take_text(apply, &event->tournament, "tournament");
    take_text(apply, &event->tournament_name, "tournament_name");
    take_text(apply, &event->category_name, "category_name");
    take_text(apply, &event->home, "home");
    take_text(apply, &event->away, "away");
    take_text(apply, &entry->home_id, "home_id");
    take_text(apply, &entry->away_id, "away_id");
    take_text(apply, &event->home_score, "home_score");
    take_text(apply, &event->away_score, "away_score");
    take_text(apply, &event->match_time, "match_time");
}

static void apply_event(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    struct str id = json_record_str(record, "event", LIMIT_ID_BYTES);
    int64_t version = json_record_int(record, "version", 0, apply->position);
    int64_t start_ms = json_record_int(record, "start_ms", INT64_MIN, INT64_MAX);
    int32_t status = (int32_t)json_record_int(record, "status", INT32_MIN, INT32_MAX);
    int32_t match = (int32_t)json_record_int(record, "match_status", INT32_MIN, INT32_MAX);
    bool fixture = json_record_bool(record, "fixture");
    struct event *event;
    struct event_entry *entry;
    bool silent, again;

    if (record->fault != NULL || !has_room(apply, 0, 0, 16) ||
        (event = event_of(apply, id)) == NULL) {
        json_record_fault(record, "the book is full");
        return;
    }
    entry = (struct event_entry *)event;
    again = entry->told > 0 && entry->own_version == version;
    entry->told = apply->position;
    entry->epoch = apply->epoch;
    if (again)
        return; /* by an image */
    take_texts(apply, event);
    silent = (event->status != 0) != (status != 0);
    event->start_ms = start_ms;
    event->status = status;
    event->match_status = match;
    event->fixture = fixture;
    entry->own_version = version;
    entry->desk_sport = book_desk_setting_find(apply->shard, DESK_SPORT, event->sport, NULL);
    event_raise(event, later(version, apply->shard->renamed_at), apply->order);
    apply->change->event = event;
    /* Which sport's settings hold, and whether it is live, shows in them all. */
    for (struct market *market = event->markets; market != NULL; market = market->next)
        if (conclude(apply, market) || (silent && apply->shard->silence != BOOK_HEARD))
            change_market(apply, market);
}

/* ---- producers, names ------------------------------------------------------ */

static void apply_producer(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    int32_t id = (int32_t)json_record_int(record, "producer", INT32_MIN, INT32_MAX);
    int64_t down_at = json_record_int(record, "down_at", 0, apply->position);
    int64_t up_at = json_record_int(record, "up_at", 0, apply->position);
    bool up = json_record_bool(record, "up");
    struct producer *producer;
    bool again;

    if (record->fault != NULL)
        return;
    producer = book_producer_make(apply->shard, id);
    if (producer == NULL) {
        json_record_fault(record, "too many producers");
        return;
    }
    up = up && up_at >= apply->shard->restarted_at;
    again = producer->epoch > 0 && producer->down_at == down_at && producer->up_at == up_at &&
            producer->up == up;
    producer->epoch = apply->epoch;
    if (again)
        return;
    producer->down_at = down_at;
    producer->up_at = up_at;
    producer->up = up;
    conclude_all(apply);
}

static void apply_restart(struct mirror_apply *apply)
{
    struct book *shard = apply->shard;
    int64_t down_at = json_record_int(&apply->record, "down_at", 0, apply->position);

    if (apply->record.fault != NULL)
        return;
    if (down_at <= shard->restarted_at)
        return;
    shard->restarted_at = down_at;
    for (size_t i = 0; i < shard->n_producers; i++)
        if (shard->producers[i].up_at < shard->restarted_at)
            shard->producers[i].up = false;
    conclude_all(apply);
}

static void read_names(struct json_record *record, const json_t *array, uint32_t n,
                       struct message_name *names)
{
    for (uint32_t i = 0; i < n; i++) {
        json_record_at(record, array, i);
        names[i] = (struct message_name){ json_record_str(record, "id", LIMIT_ID_BYTES),
                                          json_record_str(record, "name", TEXT_BYTES) };
    }
    record->object = record->document;
}

static void apply_description(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    const json_t *array;
    struct message_description given = {
        .market = (uint32_t)json_record_int(record, "market", 0, UINT32_MAX),
        .name = json_record_str(record, "name", TEXT_BYTES),
        .groups = json_record_str(record, "groups", TEXT_BYTES),
        .n = json_record_array(record, "names", NAMES_MAX, &array),
    };
    int64_t version = json_record_int(record, "version", 0, apply->position);
    struct message_name *names = calloc(given.n + 1, sizeof(*names));

    CHECK(names != NULL);
    read_names(record, array, given.n, names);
    if (record->fault == NULL &&
        (!has_room(apply, 0, 0, 2 * (size_t)given.n + 2) ||
         (apply->shard->descriptions.n >= LIMIT_MESSAGE_MARKETS &&
          map_get(&apply->shard->descriptions, MAP_KEY(&given.market)) == NULL)))
        json_record_fault(record, "the book is full");
    if (record->fault == NULL && book_describe(apply->shard, &given, names, version)) {
        apply->shard->renamed_at = later(apply->shard->renamed_at, version);
        conclude_all(apply);
    }
    free(names);
}

/* ---- the desk --------------------------------------------------------------- */

static struct desk_setting *setting_of(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    struct str name = json_record_str(record, "level", 16), sport = STR_NONE;
    struct market_id id = { .event = STR_NONE };
    enum desk_level level;

    if (!desk_level_parse(name, &level)) {
        json_record_fault(record, "level");
        return NULL;
    }
    if (level == DESK_SPORT)
        sport = json_record_str(record, "sport", LIMIT_ID_BYTES);
    if (level == DESK_EVENT || level == DESK_MARKET)
        id.event = json_record_str(record, "event", LIMIT_ID_BYTES);
    if (level == DESK_MARKET) {
        id.market = (uint32_t)json_record_int(record, "market", 0, UINT32_MAX);
        id.specifiers = json_record_str(record, "specifiers", LIMIT_SPECIFIERS_BYTES);
    }
    return record->fault != NULL ? NULL
                                 : book_desk_setting(apply->shard, level, sport, &id);
}

static bool read_prices(struct json_record *record, struct desk_setting *setting)
{
    const json_t *array;
    uint32_t n = json_record_array(record, "prices", LIMIT_OUTCOMES, &array);

    book_desk_prices_clear(setting);
    for (uint32_t i = n; i-- > 0;) { /* they are put in front */
        struct str outcome;
        int64_t odds_e4;

        json_record_at(record, array, i);
        outcome = json_record_str(record, "outcome", LIMIT_ID_BYTES);
        odds_e4 = json_record_int(record, "odds_e4", ODDS_ONE_E4, ODDS_MAX_E4);
        if (record->fault == NULL)
            book_desk_price_set(setting, outcome, odds_e4);
    }
    record->object = record->document;
    return record->fault == NULL;
}

static void take_setting(struct mirror_apply *apply, struct desk_setting *setting)
{
    struct json_record *record = &apply->record;

    setting->version = json_record_int(record, "version", 0, apply->position);
    setting->sold_at = json_record_int(record, "sold_at", 0, apply->position);
    setting->limits_at = json_record_int_or(record, "limits_at", 0, apply->position,
                                            setting->version);
    setting->at_ms = json_record_int(record, "at_ms", 0, INT64_MAX);
    setting->suspended = json_record_bool(record, "suspended");
    setting->result = json_record_bool(record, "result");
    setting->voided = json_record_bool(record, "voided");
    setting->margin_e4 = json_record_int(record, "margin_e4", -1, DESK_MARGIN_MAX_E4);
    setting->limits = (struct desk_limits){
        .stake_max_minor = json_record_int(record, "stake_max_minor", -1, INT64_MAX),
        .liability_max_minor = json_record_int(record, "liability_max_minor", -1, INT64_MAX),
        .hold_above_minor = json_record_int(record, "hold_above_minor", -1, INT64_MAX),
    };
    (void)read_prices(record, setting);
    if (record->fault != NULL) /* what cannot be read sells nothing */
        setting->suspended = true;
}

/* All of them are news here; their own records say which have another version. */
static void tell_event(struct mirror_apply *apply, struct event *event)
{
    for (struct market *market = event->markets; market != NULL; market = market->next) {
        (void)conclude(apply, market);
        market->order = event->order = apply->order;
        change_market(apply, market);
    }
}

static void tell_setting(struct mirror_apply *apply, enum desk_level level, struct str event_id)
{
    struct event *event;

    if (level == DESK_ALL || level == DESK_SPORT) {
        conclude_all(apply);
        return;
    }
    event = book_event(apply->shard, event_id);
    if (event != NULL)
        tell_event(apply, event);
}

static void apply_setting(struct mirror_apply *apply)
{
    struct desk_setting *setting = setting_of(apply);
    bool again;

    if (setting == NULL) {
        json_record_fault(&apply->record, "no room for what the desk set");
        return;
    }
    again = setting->epoch > 0 && apply->epoch > setting->epoch &&
            json_integer_value(json_object_get(apply->record.object, "version")) ==
                setting->version;
    setting->epoch = apply->epoch;
    if (again)
        return; /* by an image */
    take_setting(apply, setting);
    tell_setting(apply, setting->level, setting->event);
}

static void apply_factor(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    int64_t account = json_record_int(record, "account", 0, INT64_MAX);
    int64_t factor_e4 = json_record_int(record, "factor_e4", 0, DESK_FACTOR_MAX_E4);
    struct desk_factor *factor;

    if (record->fault != NULL)
        return;
    factor = book_desk_factor(apply->shard, account);
    if (factor == NULL) {
        json_record_fault(record, "no room for the factor");
        return;
    }
    factor->factor_e4 = factor_e4;
    factor->epoch = apply->epoch;
}

static struct message_outcome *read_results(struct json_record *record, uint32_t *n)
{
    struct message_outcome *outcomes;
    const json_t *array;

    *n = json_record_array(record, "outcomes", LIMIT_OUTCOMES, &array);
    outcomes = calloc(*n + 1, sizeof(*outcomes));
    CHECK(outcomes != NULL);
    for (uint32_t i = 0; i < *n; i++) {
        json_record_at(record, array, i);
        outcomes[i].id = json_record_str(record, "id", LIMIT_ID_BYTES);
        outcomes[i].result = (int8_t)json_record_int(record, "result", INT8_MIN, INT8_MAX);
        outcomes[i].void_e12 = json_record_int(record, "void_e12", 0, INT64_MAX);
        outcomes[i].dead_heat_e12 = json_record_int(record, "dead_heat_e12", 0, INT64_MAX);
    }
    record->object = record->document;
    return outcomes;
}

static const struct proposal_entry *proposal_find(const struct book *shard, int64_t id)
{
    const struct desk_proposal *proposal = book_proposal(shard, id);
    const struct proposal_entry *entry = (const struct proposal_entry *)proposal;

    return entry != NULL && entry->book == shard ? entry : NULL;
}

static void drop_proposal(struct book *shard, int64_t id)
{
    const struct proposal_entry *entry = proposal_find(shard, id);

    if (entry != NULL)
        book_desk_proposal_remove((struct desk_proposal *)(uintptr_t)&entry->proposal);
}

static void apply_proposal(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    struct str what = json_record_str(record, "what", 32);
    struct desk_proposal given = {
        .id = json_record_int(record, "id", 1, apply->position),
        .at_ms = json_record_int(record, "at_ms", 0, INT64_MAX),
        .operator = json_record_str(record, "operator", TEXT_BYTES),
        .reason = json_record_str(record, "reason", TEXT_BYTES),
        .market = { json_record_str(record, "event", LIMIT_ID_BYTES),
                    (uint32_t)json_record_int(record, "market", 0, UINT32_MAX),
                    json_record_str(record, "specifiers", LIMIT_SPECIFIERS_BYTES) },
        .start_ms = json_record_int(record, "start_ms", 0, INT64_MAX),
        .end_ms = json_record_int_or(record, "end_ms", 0, INT64_MAX, INT64_MAX),
    };
    struct proposal_entry *entry;

    if (!desk_what_parse(what, &given.what))
        json_record_fault(record, "what");
    given.outcomes = read_results(record, &given.n_outcomes);
    if (record->fault == NULL) {
        drop_proposal(apply->shard, given.id);
        entry = book_desk_propose(apply->shard, &given);
        if (entry == NULL)
            json_record_fault(record, "too many proposals");
        else
            entry->epoch = apply->epoch;
    }
    free(given.outcomes);
}

static void apply_refused(struct mirror_apply *apply)
{
    int64_t refused = json_record_int(&apply->record, "refused", 1, apply->position);

    if (apply->record.fault != NULL)
        return;
    apply->shard->desk.refused[refused % DESK_REFUSED] = refused;
    apply->change->refused = true;
}

/* ---- what goes ---------------------------------------------------------------- */

static void remove_market(struct mirror_apply *apply, struct market *market)
{
    struct event *event = market->event;

    book_market_remove(apply->shard, market);
    event->order = apply->order;
    apply->change->all = true;
}

/* An event that its owner still has stays, with what is left of it. */
static void remove_event(struct mirror_apply *apply, struct event *event)
{
    book_event_remove(apply->shard, event);
    apply->change->all = true;
}

static bool old_setting(struct mirror_apply *apply)
{
    struct desk_setting *setting;
    size_t at = 0;

    while ((setting = map_next(&apply->shard->desk.settings, &at)) != NULL)
        if (setting->epoch < apply->epoch) {
            book_desk_setting_drop(apply->shard, setting);
            return true;
        }
    return false;
}

static bool old_factor(struct mirror_apply *apply)
{
    struct desk_factor *factor;
    size_t at = 0;

    while ((factor = map_next(&apply->shard->desk.factors, &at)) != NULL)
        if (factor->epoch < apply->epoch) {
            CHECK(map_del(&apply->shard->desk.factors, MAP_KEY(&factor->account)) == factor);
            free(factor);
            return true;
        }
    return false;
}

static bool old_proposal(struct mirror_apply *apply)
{
    for (const struct desk_proposal *at = book_proposals(apply->shard); at != NULL;
         at = at->next) {
        const struct proposal_entry *entry = (const struct proposal_entry *)at;

        if (entry->book == apply->shard && entry->epoch < apply->epoch) {
            drop_proposal(apply->shard, at->id);
            return true;
        }
    }
    return false;
}

static void old_markets(struct mirror_apply *apply, struct event *event)
{
    for (struct market *market = event->markets, *next; market != NULL; market = next) {
        next = market->next;
        if (((struct market_entry *)market)->epoch < apply->epoch)
            remove_market(apply, market);
    }
}

static void old_producers(struct book *shard, int64_t epoch)
{
    size_t n = 0;

    for (size_t i = 0; i < shard->n_producers; i++)
        if (shard->producers[i].epoch >= epoch)
            shard->producers[n++] = shard->producers[i];
    shard->n_producers = n;
}

/* An image is everything: what it did not bring is gone. */
static void end_image(struct mirror_apply *apply)
{
    struct book *shard = apply->shard;

    for (size_t i = shard->n_events; i-- > 0;) { /* the last one takes a gap's place */
        struct event *event = shard->list[i];

        /* Its own record may come behind the image, in a compacted topic. */
        old_markets(apply, event);
        if (event->markets == NULL && ((struct event_entry *)event)->epoch < apply->epoch)
            remove_event(apply, event);
    }
    while (old_setting(apply))
        conclude_all(apply);
    while (old_factor(apply) || old_proposal(apply))
        ;
    old_producers(shard, apply->epoch);
    shard->image.whole = true;
}

static void apply_bound(struct mirror_apply *apply)
{
    struct str bound = json_record_str(&apply->record, "image", 16);

    if (str_eq(bound, STR("end")))
        end_image(apply);
    else if (!str_eq(bound, STR("begin")))
        json_record_fault(&apply->record, "image");
}

/* "event|market|specifiers"; false: it is not. */
static bool split_market(struct str key, struct market_id *id)
{
    const char *first = memchr(key.p, '|', key.n), *second;
    size_t rest = first == NULL ? 0 : key.n - (size_t)(first - key.p) - 1;
    uint64_t market = 0;

    second = first == NULL ? NULL : memchr(first + 1, '|', rest);
    if (second == NULL || second == first + 1 || second - first > 11)
        return false;
    for (const char *p = first + 1; p < second; p++) {
        if (*p < '0' || *p > '9')
            return false;
        market = market * 10 + (uint64_t)(*p - '0');
    }
    *id = (struct market_id){ { key.p, (size_t)(first - key.p) }, (uint32_t)market,
                              { second + 1, (size_t)(key.p + key.n - second - 1) } };
    return market <= UINT32_MAX;
}

static void gone_market(struct mirror_apply *apply, struct str key)
{
    struct market_id id;
    struct market *market = split_market(key, &id) ? book_market(apply->shard, id) : NULL;

    struct event *event = market == NULL ? NULL : market->event;

    if (market == NULL)
        return;
    remove_market(apply, market);
    if (event->markets == NULL && ((struct event_entry *)event)->told == 0)
        remove_event(apply, event);
}

/* What cannot be read may have been a suspension: not sold until it is told
 * again, by an image at the latest. */
static void doubt_market(struct mirror_apply *apply, struct str key)
{
    struct market_id id;
    struct market *market = split_market(key, &id) ? book_market(apply->shard, id) : NULL;

    if (market == NULL || !market->listed)
        return;
    market->listed = false;
    (void)conclude(apply, market);
    market->order = apply->order;
    event_raise(market->event, market->version, apply->order);
    change_market(apply, market);
    apply->change->markets = apply->shard->changed;
}

/* A replaced owner's record may have taken the place of the new owner's in a
 * compacted topic.  A market that is missing is not sold; a suspension that is
 * missing is not seen: whoever begins waits for the next image. */
static enum book_record_result old_epoch(struct mirror_apply *apply, char kind)
{
    if (kind == 's' || kind == 'f')
        apply->shard->image.whole = false;
    return BOOK_RECORD_OLD_EPOCH;
}

static void gone_event(struct mirror_apply *apply, struct str id)
{
    struct event *event = book_event(apply->shard, id);

    if (event != NULL)
        remove_event(apply, event);
}

/* "a", "s|sport", "e|event", "m|event|market|specifiers". */
static struct desk_setting *setting_by_key(const struct book *shard, struct str key)
{
    struct str name = { key.p + 2, key.n > 2 ? key.n - 2 : 0 };
    struct market_id id;

    if (key.n == 1 && key.p[0] == 'a')
        return shard->desk.all;
    if (key.n > BOOK_KEY_BYTES || name.n == 0 || key.p[1] != '|')
        return NULL;
    if (key.p[0] == 's')
        return book_desk_setting_find(shard, DESK_SPORT, name, NULL);
    if (key.p[0] == 'e')
        return book_desk_setting_find(shard, DESK_EVENT, name, NULL);
    return key.p[0] == 'm' && split_market(name, &id)
               ? book_desk_setting_find(shard, DESK_MARKET, id.event, &id) : NULL;
}

static void gone_setting(struct mirror_apply *apply, struct str key)
{
    struct desk_setting *setting = setting_by_key(apply->shard, key);
    enum desk_level level;
    struct str id;
    struct event *event;

    if (setting == NULL)
        return;
    level = setting->level;
    event = book_event(apply->shard, setting->event);
    id = event == NULL ? STR_NONE : event->id; /* the setting's own goes with it */
    book_desk_setting_drop(apply->shard, setting);
    tell_setting(apply, level, id);
}

static bool read_number(struct str text, int64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9' || i > 17)
            return false;
        *number = *number * 10 + (text.p[i] - '0');
    }
    return text.n > 0;
}

static void apply_gone(struct mirror_apply *apply, char kind, struct str key)
{
    int64_t id;

    if (kind == 'm')
        gone_market(apply, key);
    else if (kind == 'e')
        gone_event(apply, key);
    else if (kind == 's')
        gone_setting(apply, key);
    else if (kind == 'q' && read_number(key, &id))
        drop_proposal(apply->shard, id);
}

/* ---- one record ------------------------------------------------------------- */

static void apply_value(struct mirror_apply *apply, char kind, struct str rest)
{
    switch (kind) {
    case 'm':
        apply_market(apply);
        break;
    case 'e':
        apply_event(apply);
        break;
    case 'p':
        if (str_eq(rest, STR("all")))
            apply_restart(apply);
        else
            apply_producer(apply);
        break;
    case 's':
        apply_setting(apply);
        break;
    case 'f':
        apply_factor(apply);
        break;
    case 'q':
        apply_proposal(apply);
        break;
    case 'd':
        apply_description(apply);
        break;
    case 'r':
        apply_refused(apply);
        break;
    case 'i':
        apply_bound(apply);
        break;
    case 't':
        apply->shard->image.tick_ms = json_record_int_or(&apply->record, "at_ms", 0, INT64_MAX,
                                                         apply->shard->image.tick_ms);
        break;
    default:
        break; /* of a later version: nothing that this one needs */
    }
}

/* What every record may say besides. */
static void apply_common(struct mirror_apply *apply)
{
    struct book *shard = apply->shard;
    const json_t *document = apply->record.document;
    int64_t desk_ts = json_integer_value(json_object_get(document, "desk_ts"));

    shard->desk.ts = later(shard->desk.ts, desk_ts);
    if (json_is_true(json_object_get(document, "last")))
        shard->position = later(shard->position, apply->position);
    shard->image.position = shard->position;
}

static enum book_record_result done(struct mirror_apply *apply, char kind, struct str *error)
{
    struct book_change *change = apply->change;

    change->markets = apply->shard->changed;
    if (apply->record.fault != NULL) {
        *error = str_of(apply->record.fault);
        return BOOK_RECORD_MALFORMED;
    }
    if (change->event == NULL && !change->all && strchr("timep", kind) != NULL)
        return BOOK_RECORD_NOTHING;
    return BOOK_RECORD_APPLIED;
}

static enum book_record_result apply_tombstone(struct mirror_apply *apply, char kind,
                                               struct str rest, struct str *error)
{
    if (apply->epoch < apply->shard->image.epoch)
        return old_epoch(apply, kind);
    apply_gone(apply, kind, rest);
    return done(apply, kind, error);
}

static enum book_record_result apply_record(struct mirror_apply *apply, char kind,
                                            struct str rest, struct str *error)
{
    struct json_record *record = &apply->record;

    apply->epoch = json_record_int(record, "e", 0, INT64_MAX);
    apply->position = json_record_int(record, "p", 0, INT64_MAX);
    if (record->fault != NULL)
        return done(apply, kind, error);
    if (apply->epoch < apply->shard->image.epoch)
        return old_epoch(apply, kind);
    apply->shard->image.epoch = apply->epoch;
    apply->shard->image.highest = later(apply->shard->image.highest, apply->position);
    apply_value(apply, kind, rest);
    apply_common(apply);
    return done(apply, kind, error);
}

enum book_record_result book_image_apply(struct book *shard, const struct book_record *record,
                                         struct book_change *change, struct str *error)
{
    struct mirror_apply apply = { .shard = shard, .change = change, .epoch = record->epoch };
    char kind = record->key.n > 0 ? record->key.p[0] : 0;
    struct str rest = { record->key.p + 2, record->key.n > 2 ? record->key.n - 2 : 0 };
    enum book_record_result result = BOOK_RECORD_MALFORMED;

    CHECK(shard->n_shards == 0);
    *change = (struct book_change){ .event = NULL };
    buf_reset(&shard->gone);
    apply.order = book_order_next(shard);
    if (record->tombstone)
        return apply_tombstone(&apply, kind, rest, error);
    if (json_record_open(&apply.record, record->value, BOOK_RECORD_VERSION))
        result = apply_record(&apply, kind, rest, error);
    else
        *error = str_of(apply.record.fault);
    json_record_close(&apply.record);
    if (result == BOOK_RECORD_MALFORMED && kind == 'm' && record->epoch >= shard->image.epoch)
        doubt_market(&apply, rest);
    return result;
}

struct book_image_state book_image_state(const struct book *shard)
{
    return shard->image;
}
