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
#include "model/book_mirror.h"

#include <stdlib.h>

#include "model/money.h"

#define NAMES_MAX 10000

/* ---- events and markets --------------------------------------------------- */

/* Known, or added; NULL: no room. */
static const struct event *event_of(struct mirror_apply *apply, struct str id)
{
    const struct event *event = book_event(apply->shard, id);

    if (event != NULL)
        return event;
    if (!mirror_has_room(apply, 1, 0, 1)) {
        json_record_fault(&apply->record, "the book is full");
        return NULL;
    }
    event = book_event_add(apply->shard, id);
    CHECK(event_entry(event)->told == 0);
    book_event_raise(event, apply->shard->renamed_at, apply->order);
    return event;
}

static const struct market *market_of(struct mirror_apply *apply, struct market_id id,
                                      uint32_t rank)
{
    const struct market *market = book_market(apply->shard, id);
    const struct event *event;

    if (market != NULL)
        return market;
    if (!mirror_has_room(apply, 1, 1, 2)) {
        json_record_fault(&apply->record, "the book is full");
        return NULL;
    }
    event = event_of(apply, id.event);
    CHECK(event != NULL); /* there is room */
    market = book_market_add(apply->shard, event, id.market, id.specifiers, 0);
    book_market_rank(market, rank);
    CHECK(market == book_market(apply->shard, id) && market_entry(market)->rank == rank);
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

/* Told again, by an image: nothing that anybody could see. */
static bool outcomes_are(const struct market *market, const struct outcome *outcomes, uint32_t n)
{
    CHECK(n <= LIMIT_OUTCOMES);
    if (market->n_outcomes != n)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!str_eq(market->outcomes[i].id, outcomes[i].id) ||
            market->outcomes[i].fed_e4 != outcomes[i].fed_e4 ||
            market->outcomes[i].active != outcomes[i].active)
            return false;
    return true;
}

static bool market_is(const struct market *market, const struct market_record *told)
{
    return market->version == told->version && market->producer == told->producer &&
           market->status == told->status && market->listed == told->listed &&
           market->favourite == told->favourite;
}

static void apply_market(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    struct market_id id = {
        json_record_str(record, "event", LIMIT_ID_BYTES),
        (uint32_t)json_record_int(record, "market", 0, UINT32_MAX),
        json_record_str(record, "specifiers", LIMIT_SPECIFIERS_BYTES),
    };
    struct market_record told = {
        .version = json_record_int(record, "version", 0, apply->position),
        .rank = (uint32_t)json_record_int(record, "rank", 0, UINT32_MAX),
        .producer = (int32_t)json_record_int(record, "producer", INT32_MIN, INT32_MAX),
        .status = (int8_t)json_record_int(record, "status", MARKET_CANCELLED, MARKET_ACTIVE),
        .listed = json_record_bool(record, "listed"),
        .favourite = json_record_bool(record, "favourite"),
    };
    const struct market *market;
    uint32_t n;
    bool again;

    if (!read_outcomes(apply, &n) || !mirror_has_room(apply, 0, 0, n) ||
        (market = market_of(apply, id, told.rank)) == NULL) {
        json_record_fault(record, "the book is full");
        return;
    }
    if (market_entry(market)->rank != told.rank)
        book_market_rank(market, told.rank);
    again = market_entry(market)->told > 0 && market_is(market, &told) &&
            outcomes_are(market, apply->shard->scratch, n);
    book_market_mirrored(market, apply->position, apply->epoch);
    if (again)
        return;
    book_market_copy(apply->shard, market, &told, n);
    (void)mirror_conclude(apply, market);
    CHECK(market->version >= told.version && market->n_outcomes == n);
    mirror_change(apply, market);
}

static void take_text(struct mirror_apply *apply, const struct event *event,
                      enum event_text which, const char *name)
{
    struct str text = json_record_str(&apply->record, name, MIRROR_TEXT_BYTES);

    if (apply->record.fault == NULL)
        (void)book_event_set_text(apply->shard, event, which, text);
}

static void take_texts(struct mirror_apply *apply, const struct event *event)
{
    take_text(apply, event, EVENT_SPORT, "sport");
    take_text(apply, event, EVENT_SPORT_NAME, "sport_name");
    take_text(apply, event, EVENT_TOURNAMENT, "tournament");
    take_text(apply, event, EVENT_TOURNAMENT_NAME, "tournament_name");
    take_text(apply, event, EVENT_CATEGORY_NAME, "category_name");
    take_text(apply, event, EVENT_HOME, "home");
    take_text(apply, event, EVENT_AWAY, "away");
    take_text(apply, event, EVENT_HOME_ID, "home_id");
    take_text(apply, event, EVENT_AWAY_ID, "away_id");
    take_text(apply, event, EVENT_HOME_SCORE, "home_score");
    take_text(apply, event, EVENT_AWAY_SCORE, "away_score");
    take_text(apply, event, EVENT_MATCH_TIME, "match_time");
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
    const struct event *event;
    bool silent, again;

    if (record->fault != NULL || !mirror_has_room(apply, 0, 0, 16) ||
        (event = event_of(apply, id)) == NULL) {
        json_record_fault(record, "the book is full");
        return;
    }
    again = event_entry(event)->told > 0 && event_entry(event)->own_version == version;
    book_event_mirrored(event, apply->position, apply->epoch);
    if (again)
        return; /* by an image */
    take_texts(apply, event);
    silent = (event->status != 0) != (status != 0);
    (void)book_event_set_start(event, start_ms);
    (void)book_event_set_status(event, status);
    (void)book_event_set_match_status(event, match);
    book_event_set_fixture(event, fixture);
    (void)book_event_set_sport(apply->shard, event);
    CHECK(event_entry(event)->told == apply->position);
    book_event_stamp(event, version, apply->order);
    book_event_raise(event, apply->shard->renamed_at, apply->order);
    apply->change->event = event;
    /* Which sport's settings hold, and whether it is live, shows in them all. */
    for (const struct market *market = event->markets; market != NULL; market = market->next)
        if (mirror_conclude(apply, market) || (silent && apply->shard->silence != BOOK_ALIVE))
            mirror_change(apply, market);
}

/* ---- producers, names ------------------------------------------------------ */

static void apply_producer(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    int32_t id = (int32_t)json_record_int(record, "producer", INT32_MIN, INT32_MAX);
    int64_t down_at = json_record_int(record, "down_at", 0, apply->position);
    int64_t up_at = json_record_int(record, "up_at", 0, apply->position);
    bool up = json_record_bool(record, "up");
    const struct book_producer *producer;
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
    book_producer_mirrored(producer, &(struct book_producer){
        .id = id, .up = up, .down_at = down_at, .up_at = up_at, .epoch = apply->epoch,
    });
    CHECK(!up || producer->up_at >= apply->shard->restarted_at);
    if (!again)
        mirror_conclude_all(apply);
}

static void apply_restart(struct mirror_apply *apply)
{
    int64_t down_at = json_record_int(&apply->record, "down_at", 0, apply->position);

    if (apply->record.fault != NULL || down_at <= apply->shard->restarted_at)
        return;
    book_restart(apply->shard, down_at);
    mirror_conclude_all(apply);
}

static void read_names(struct json_record *record, const json_t *array, uint32_t n,
                       struct message_name *names)
{
    for (uint32_t i = 0; i < n; i++) {
        json_record_at(record, array, i);
        names[i] = (struct message_name){ json_record_str(record, "id", LIMIT_ID_BYTES),
                                          json_record_str(record, "name", MIRROR_TEXT_BYTES) };
    }
    record->object = record->document;
}

static void apply_description(struct mirror_apply *apply)
{
    struct json_record *record = &apply->record;
    const json_t *array;
    struct message_description given = {
        .market = (uint32_t)json_record_int(record, "market", 0, UINT32_MAX),
        .name = json_record_str(record, "name", MIRROR_TEXT_BYTES),
        .groups = json_record_str(record, "groups", MIRROR_TEXT_BYTES),
        .n = json_record_array(record, "names", NAMES_MAX, &array),
    };
    int64_t version = json_record_int(record, "version", 0, apply->position);
    struct message_name *names = calloc(given.n + 1, sizeof(*names));

    CHECK(names != NULL);
    read_names(record, array, given.n, names);
    if (record->fault == NULL &&
        (!mirror_has_room(apply, 0, 0, 2 * (size_t)given.n + 2) ||
         (apply->shard->descriptions.n >= LIMIT_MESSAGE_MARKETS &&
          book_description(apply->shard, given.market) == NULL)))
        json_record_fault(record, "the book is full");
    if (record->fault == NULL && book_describe(apply->shard, &given, names, version)) {
        book_renamed(apply->shard, version);
        mirror_conclude_all(apply);
    }
    free(names);
}

/* ---- doubt ------------------------------------------------------------------ */

/* What cannot be read may have been a suspension: not sold until it is told
 * again, by an image at the latest. */
static void doubt_market(struct mirror_apply *apply, struct str key)
{
    struct market_id id;
    const struct market *market =
        mirror_split_market(key, &id) ? book_market(apply->shard, id) : NULL;

    if (market == NULL || !market->listed)
        return;
    book_market_unlist(market, 0);
    (void)mirror_conclude(apply, market);
    mirror_change(apply, market);
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

static void apply_bound(struct mirror_apply *apply)
{
    struct str bound = json_record_str(&apply->record, "image", 16);

    if (str_eq(bound, STR("end")))
        mirror_end_image(apply);
    else if (!str_eq(bound, STR("begin")))
        json_record_fault(&apply->record, "image");
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
        mirror_setting(apply);
        break;
    case 'f':
        mirror_factor(apply);
        break;
    case 'q':
        mirror_proposal(apply);
        break;
    case 'd':
        apply_description(apply);
        break;
    case 'r':
        mirror_refused(apply);
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

    book_desk_raise_ts(shard, json_integer_value(json_object_get(document, "desk_ts")));
    if (json_is_true(json_object_get(document, "last")))
        book_pass(shard, apply->position);
    CHECK(shard->position >= shard->image.position);
    shard->image.position = shard->position;
}

static enum book_record_result done(struct mirror_apply *apply, char kind, struct str *error)
{
    struct book_change *change = apply->change;

    CHECK(change->n_markets == 0 || change->event != NULL);
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
    mirror_gone(apply, kind, rest);
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
    if (apply->position > apply->shard->image.highest)
        apply->shard->image.highest = apply->position;
    apply_value(apply, kind, rest);
    apply_common(apply);
    return done(apply, kind, error);
}

static enum book_record_result apply_document(struct mirror_apply *apply, char kind,
                                              struct str rest, struct str value,
                                              struct str *error)
{
    struct book *shard = apply->shard;
    int64_t epoch = apply->epoch;
    enum book_record_result result = BOOK_RECORD_MALFORMED;

    if (json_record_open(&apply->record, value, BOOK_RECORD_VERSION))
        result = apply_record(apply, kind, rest, error);
    else
        *error = str_of(apply->record.fault);
    json_record_close(&apply->record);
    if (result == BOOK_RECORD_MALFORMED && kind == 'm' && epoch >= shard->image.epoch)
        doubt_market(apply, rest);
    return result;
}

enum book_record_result book_image_apply(struct book *shard, const struct book_record *record,
                                         struct book_change *change, struct str *error)
{
    struct mirror_apply apply = { .shard = shard, .change = change, .epoch = record->epoch };
    char kind = record->key.n > 0 ? record->key.p[0] : 0;
    struct str rest = { record->key.p + 2, record->key.n > 2 ? record->key.n - 2 : 0 };
    enum book_record_result result;

    CHECK(shard->n_shards == 0 && record->epoch >= 0);
    *change = (struct book_change){ .event = NULL };
    buf_reset(&shard->gone);
    apply.order = book_order_next(shard);
    result = record->tombstone ? apply_tombstone(&apply, kind, rest, error)
                               : apply_document(&apply, kind, rest, record->value, error);
    book_check_change(shard, change);
    return result;
}
