/* Records of what the desk set, and what is gone of it: see book_mirror.c. */
#include "model/book_mirror.h"

#include <stdlib.h>

#include "model/desk_entry.h"
#include "model/money.h"

static const struct desk_setting *setting_of(struct mirror_apply *apply)
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
                                 : book_setting_make(apply->shard, level, sport, &id);
}

static void read_prices(struct json_record *record, const struct desk_setting *setting)
{
    const json_t *array;
    uint32_t n = json_record_array(record, "prices", LIMIT_OUTCOMES, &array);

    book_setting_clear_prices(setting);
    for (uint32_t i = n; i-- > 0;) { /* they are put in front */
        struct str outcome;
        int64_t odds_e4;

        json_record_at(record, array, i);
        outcome = json_record_str(record, "outcome", LIMIT_ID_BYTES);
        odds_e4 = json_record_int(record, "odds_e4", ODDS_ONE_E4, ODDS_MAX_E4);
        if (record->fault == NULL)
            book_setting_set_price(setting, outcome, odds_e4);
    }
    record->object = record->document;
}

static void take_setting(struct mirror_apply *apply, const struct desk_setting *setting)
{
    struct json_record *record = &apply->record;
    struct desk_setting next = *setting;

    next.version = json_record_int(record, "version", 0, apply->position);
    next.sold_at = json_record_int(record, "sold_at", 0, apply->position);
    next.limits_at = json_record_int_or(record, "limits_at", 0, apply->position,
                                         next.version);
    next.at_ms = json_record_int(record, "at_ms", 0, INT64_MAX);
    next.suspended = json_record_bool(record, "suspended");
    next.result = json_record_bool(record, "result");
    next.voided = json_record_bool(record, "voided");
    next.margin_e4 = json_record_int(record, "margin_e4", -1, DESK_MARGIN_MAX_E4);
    next.limits = (struct desk_limits){
        .stake_max_minor = json_record_int(record, "stake_max_minor", -1, INT64_MAX),
        .liability_max_minor = json_record_int(record, "liability_max_minor", -1, INT64_MAX),
        .hold_above_minor = json_record_int(record, "hold_above_minor", -1, INT64_MAX),
    };
    CHECK(apply->epoch >= setting->epoch);
    next.epoch = apply->epoch;
    read_prices(record, setting);
    if (record->fault != NULL) /* what cannot be read sells nothing */
        next.suspended = true;
    book_setting_set(setting, &next);
}

/* All of them are news here; their own records say which have another version. */
static void conclude_event(const struct mirror_apply *apply, const struct event *event)
{
    CHECK(event_entry(event)->book == apply->shard);
    for (const struct market *market = event->markets; market != NULL; market = market->next) {
        (void)mirror_conclude(apply, market);
        mirror_change(apply, market);
    }
}

static void conclude_setting(const struct mirror_apply *apply, enum desk_level level,
                             struct str event_id)
{
    const struct event *event;

    if (level == DESK_ALL || level == DESK_SPORT) {
        mirror_conclude_all(apply);
        return;
    }
    event = book_event(apply->shard, event_id);
    if (event != NULL)
        conclude_event(apply, event);
}

void mirror_setting(struct mirror_apply *apply)
{
    const struct desk_setting *setting = setting_of(apply);
    bool again;

    if (setting == NULL) {
        json_record_fault(&apply->record, "no room for what the desk set");
        return;
    }
    again = setting->epoch > 0 && apply->epoch > setting->epoch &&
            json_integer_value(json_object_get(apply->record.object, "version")) ==
                setting->version;
    if (again) { /* by an image */
        struct desk_setting same = *setting;

        same.epoch = apply->epoch;
        book_setting_set(setting, &same);
        return;
    }
    take_setting(apply, setting);
    conclude_setting(apply, setting->level, setting->event);
}

void mirror_factor(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    int64_t account = json_record_int(record, "account", 0, INT64_MAX);
    int64_t factor_e4 = json_record_int(record, "factor_e4", 0, DESK_FACTOR_MAX_E4);

    if (record->fault != NULL)
        return;
    if (book_factor_set(apply->shard, account, factor_e4, apply->epoch) == NULL)
        json_record_fault(record, "no room for the factor");
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

void mirror_drop_proposal(struct book *shard, int64_t id)
{
    const struct desk_proposal *proposal = book_own_proposal(shard, id);

    if (proposal != NULL)
        book_proposal_remove(proposal);
    CHECK(book_own_proposal(shard, id) == NULL);
}

void mirror_proposal(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    struct str what = json_record_str(record, "what", 32);
    struct desk_proposal given = {
        .id = json_record_int(record, "id", 1, apply->position),
        .at_ms = json_record_int(record, "at_ms", 0, INT64_MAX),
        .operator = json_record_str(record, "operator", MIRROR_TEXT_BYTES),
        .reason = json_record_str(record, "reason", MIRROR_TEXT_BYTES),
        .market = { json_record_str(record, "event", LIMIT_ID_BYTES),
                    (uint32_t)json_record_int(record, "market", 0, UINT32_MAX),
                    json_record_str(record, "specifiers", LIMIT_SPECIFIERS_BYTES) },
        .start_ms = json_record_int(record, "start_ms", 0, INT64_MAX),
        .end_ms = json_record_int_or(record, "end_ms", 0, INT64_MAX, INT64_MAX),
    };

    if (!desk_what_parse(what, &given.what))
        json_record_fault(record, "what");
    given.outcomes = read_results(record, &given.n_outcomes);
    if (record->fault == NULL) {
        mirror_drop_proposal(apply->shard, given.id);
        if (!book_propose(apply->shard, &given, apply->epoch))
            json_record_fault(record, "too many proposals");
    }
    free(given.outcomes);
}

void mirror_refused(struct mirror_apply *apply)
{
    int64_t refused = json_record_int(&apply->record, "refused", 1, apply->position);

    if (apply->record.fault != NULL)
        return;
    book_desk_refuse(apply->shard, refused);
    apply->change->refused = true;
}

/* ---- what goes ---------------------------------------------------------------- */

/* "a", "s|sport", "e|event", "m|event|market|specifiers". */
static const struct desk_setting *setting_by_key(const struct book *shard, struct str key)
{
    struct str name = { key.p + 2, key.n > 2 ? key.n - 2 : 0 };
    struct market_id id;

    if (key.n == 1 && key.p[0] == 'a')
        return shard->desk.all;
    if (key.n > BOOK_KEY_BYTES || name.n == 0 || key.p[1] != '|')
        return NULL;
    if (key.p[0] == 's')
        return book_setting_find(shard, DESK_SPORT, name, NULL);
    if (key.p[0] == 'e')
        return book_setting_find(shard, DESK_EVENT, name, NULL);
    return key.p[0] == 'm' && mirror_split_market(name, &id)
               ? book_setting_find(shard, DESK_MARKET, id.event, &id) : NULL;
}

void mirror_gone_setting(struct mirror_apply *apply, struct str key)
{
    const struct desk_setting *setting = setting_by_key(apply->shard, key);
    enum desk_level level;
    struct str id;
    const struct event *event;

    if (setting == NULL)
        return;
    level = setting->level;
    event = book_event(apply->shard, setting->event);
    id = event == NULL ? STR_NONE : event->id; /* the setting's own goes with it */
    book_setting_drop(apply->shard, setting);
    CHECK(setting_by_key(apply->shard, key) == NULL);
    conclude_setting(apply, level, id);
}
