/* Records of money: see event_record.h. */
#include "topic/event_record.h"

#include <jansson.h>

#include "base/text.h"

#define VERSION 1

bool event_transfer(const struct event_record *record, enum transfer_kind *kind)
{
    switch (record->event) {
    case EVENT_BET_ACCEPTED:
        *kind = TRANSFER_STAKE;
        return true;
    case EVENT_DEPOSITED:
        *kind = TRANSFER_DEPOSIT;
        return true;
    case EVENT_WITHDRAWN:
        *kind = TRANSFER_WITHDRAWAL;
        return true;
    case EVENT_BET_CASHED_OUT:
    case EVENT_BET_PARTLY_CASHED_OUT:
        *kind = TRANSFER_CASHOUT;
        return true;
    default:
        *kind = record->amount_minor > 0 ? TRANSFER_PAYOUT : TRANSFER_REVERSAL;
        return record->amount_minor != 0;
    }
}

/* ---- writing ------------------------------------------------------------- */

/* event_record_peek() reads the first three where they stand. */
static void put_head(struct jw *w, const struct event_record *record)
{
    jw_put_int(w, "v", VERSION);
    jw_put_int(w, "xid", record->xid);
    jw_put_str(w, "event", str_of(event_name(record->event)));
    jw_key(w, "id");
    jw_raw(w, STR("\""));
    buf_int(w->out, record->account);
    buf_char(w->out, '-');
    buf_int(w->out, record->seq);
    buf_char(w->out, '"');
    jw_put_int(w, "account", record->account);
    jw_put_int(w, "seq", record->seq);
    jw_put_int(w, "at_ms", record->at_ms);
    jw_put_str(w, "currency", record->currency);
}

static void put_account(struct jw *w, const struct event_record *record, int64_t amount_minor)
{
    jw_put_int(w, "amount", amount_minor);
    jw_put_int(w, "balance", record->balance_minor);
    jw_put_int(w, "debt", record->debt_minor);
    jw_put_int(w, "staked", record->staked_minor);
}

#define EACH_LEG(w, name, slip, put) \
    do { \
        jw_key(w, name); \
        jw_array(w); \
        for (uint32_t i = 0; i < (slip)->n_legs; i++) { \
            const struct leg *leg = &(slip)->legs[i]; \
            put; \
        } \
        jw_array_end(w); \
    } while (0)

static void put_legs(struct jw *w, const struct slip *slip)
{
    EACH_LEG(w, "leg_events", slip, jw_str(w, leg->market.event));
    EACH_LEG(w, "leg_markets", slip, jw_int(w, leg->market.market));
    EACH_LEG(w, "leg_specifiers", slip, jw_str(w, leg->market.specifiers));
    EACH_LEG(w, "leg_outcomes", slip, jw_str(w, leg->outcome));
    EACH_LEG(w, "leg_odds_e4", slip, jw_int(w, leg->odds_e4));
    EACH_LEG(w, "leg_bankers", slip, jw_int(w, leg->banker));
    EACH_LEG(w, "leg_states", slip, jw_str(w, str_of(leg_state_name(leg->result.state))));
}

static void put_results(struct jw *w, const struct slip *slip)
{
    jw_key(w, "results");
    jw_raw(w, STR("\""));
    results_encode(slip, w->out); /* digits, brackets, commas, null */
    buf_char(w->out, '"');
}

static void put_slip(struct jw *w, const struct slip *slip)
{
    jw_put_str(w, "type", str_of(bet_type_name(slip->type)));
    jw_key(w, "sizes");
    jw_array(w);
    for (uint32_t i = 0; i < slip->n_sizes; i++)
        jw_int(w, slip->sizes[i]);
    jw_array_end(w);
    put_legs(w, slip);
    put_results(w, slip);
}

/* Only while some run: the customer's arm of each, in the same order. */
static void put_arms(struct jw *w, const struct event_record *record)
{
    const struct experiments *experiments = record->experiments;

    if (experiments == NULL || experiments->n == 0)
        return;
    jw_key(w, "experiments");
    jw_array(w);
    for (uint32_t i = 0; i < experiments->n; i++)
        jw_str(w, experiments->list[i].name);
    jw_array_end(w);
    jw_key(w, "arms");
    jw_array(w);
    for (uint32_t i = 0; i < experiments->n; i++)
        jw_str(w, experiment_arm_of(&experiments->list[i], record->account)->name);
    jw_array_end(w);
}

void event_record_write_bet(const struct event_record *record, struct buf *out)
{
    const struct bet_view *bet = &record->bet;
    struct jw w = jw_to(out);

    CHECK(record->has_bet && bet->slip != NULL);
    jw_object(&w);
    put_head(&w, record);
    put_account(&w, record, record->amount_minor);
    jw_put_str(&w, "state", str_of(bet_state_name(bet->state)));
    jw_key(&w, "bet");
    jw_id(&w, bet->id);
    jw_put_int(&w, "placed_ms", bet->placed_ms);
    jw_put_int(&w, "settled_ms", bet->settled_ms);
    jw_put_int(&w, "stake", bet->stake_minor);
    jw_put_int(&w, "potential", bet->potential_minor);
    jw_put_int(&w, "payout", bet->payout_minor);
    jw_put_int(&w, "cashed_stake", bet->cashed_stake_minor);
    jw_put_int(&w, "cashed_paid", bet->cashed_paid_minor);
    jw_put_int(&w, "past_posted", record->past_posted);
    jw_put_str(&w, "sport", bet->sport);
    if (bet->country.n > 0)
        jw_put_str(&w, "country", bet->country);
    put_slip(&w, bet->slip);
    put_arms(&w, record);
    jw_object_end(&w);
}

static void put_accounts(struct jw *w, int64_t account, enum transfer_kind kind)
{
    int64_t house = kind == TRANSFER_DEPOSIT || kind == TRANSFER_WITHDRAWAL ? HOUSE_CASH
                                                                            : HOUSE_BETS;
    bool to_customer = kind == TRANSFER_DEPOSIT || kind == TRANSFER_PAYOUT ||
                       kind == TRANSFER_CASHOUT;

    jw_put_int(w, "debit", to_customer ? house : account);
    jw_put_int(w, "credit", to_customer ? account : house);
}

void event_record_write_transfer(const struct event_record *record, struct buf *out)
{
    struct jw w = jw_to(out);
    enum transfer_kind kind = TRANSFER_DEPOSIT;

    CHECK(event_transfer(record, &kind));
    jw_object(&w);
    put_head(&w, record);
    put_account(&w, record,
                record->amount_minor < 0 ? -record->amount_minor : record->amount_minor);
    jw_put_str(&w, "kind", str_of(transfer_kind_name(kind)));
    put_accounts(&w, record->account, kind);
    jw_key(&w, "bet");
    jw_id(&w, record->bet.id); /* "0": about none */
    jw_put_str(&w, "sport", record->bet.sport);
    jw_object_end(&w);
}

/* ---- reading ------------------------------------------------------------- */

static bool read_int(const json_t *document, const char *name, int64_t *into)
{
    const json_t *value = json_object_get(document, name);

    if (!json_is_integer(value) || json_integer_value(value) == INT64_MIN)
        return false;
    *into = json_integer_value(value);
    return true;
}

static struct str str_of_json(const json_t *value, struct arena *arena)
{
    return arena_str(arena, (struct str){ json_string_value(value), json_string_length(value) });
}

static bool read_text(const json_t *document, const char *name, struct arena *arena,
                      struct str *into)
{
    const json_t *value = json_object_get(document, name);

    if (!json_is_string(value))
        return false;
    *into = str_of_json(value, arena);
    return true;
}

static bool read_bet_id(const json_t *document, struct arena *arena, int64_t *id)
{
    struct str text;

    return read_text(document, "bet", arena, &text) &&
           decimal_parse(text, 0, INT64_MAX, id) == DECIMAL_OK;
}

static bool read_head(const json_t *document, struct arena *arena, struct event_record *record)
{
    struct str event;
    int64_t version;

    if (!read_int(document, "v", &version) || version != VERSION ||
        !read_text(document, "event", arena, &event))
        return false;
    record->event = event_find(event);
    return record->event != 0 && read_int(document, "xid", &record->xid) &&
           read_int(document, "account", &record->account) &&
           read_int(document, "seq", &record->seq) &&
           read_int(document, "at_ms", &record->at_ms) &&
           read_text(document, "currency", arena, &record->currency) &&
           currency_find(record->currency) != NULL &&
           read_int(document, "amount", &record->amount_minor) &&
           read_int(document, "balance", &record->balance_minor) &&
           read_int(document, "debt", &record->debt_minor) &&
           read_int(document, "staked", &record->staked_minor);
}

static bool read_view(const json_t *document, struct arena *arena, struct event_record *record)
{
    struct bet_view *bet = &record->bet;
    int64_t past_posted;

    if (!read_bet_id(document, arena, &bet->id) ||
        !read_int(document, "placed_ms", &bet->placed_ms) ||
        !read_int(document, "settled_ms", &bet->settled_ms) ||
        !read_int(document, "stake", &bet->stake_minor) ||
        !read_int(document, "potential", &bet->potential_minor) ||
        !read_int(document, "payout", &bet->payout_minor) ||
        !read_int(document, "cashed_stake", &bet->cashed_stake_minor) ||
        !read_int(document, "cashed_paid", &bet->cashed_paid_minor) ||
        !read_int(document, "past_posted", &past_posted) ||
        !read_text(document, "sport", arena, &bet->sport))
        return false;
    if (json_object_get(document, "country") != NULL && /* not where nobody looks */
        !read_text(document, "country", arena, &bet->country))
        return false;
    bet->state = event_state(record->event);
    bet->currency = currency_find(record->currency);
    record->past_posted = past_posted != 0;
    return true;
}

static bool read_sizes(const json_t *document, struct slip *slip)
{
    const json_t *sizes = json_object_get(document, "sizes");

    slip->n_sizes = (uint32_t)json_array_size(sizes);
    if (json_array_size(sizes) > LIMIT_LEGS)
        return false;
    for (uint32_t i = 0; i < slip->n_sizes; i++) {
        json_int_t size = json_integer_value(json_array_get(sizes, i));

        if (size < 1 || size > LIMIT_LEGS)
            return false;
        slip->sizes[i] = (uint32_t)size;
    }
    return true;
}

/* The columns of the legs, as long as each other. */
struct columns {
    const json_t *events, *markets, *specifiers, *outcomes, *odds, *bankers;
};

static bool read_leg(const struct columns *columns, size_t i, struct arena *arena,
                     struct leg *leg)
{
    const json_t *event = json_array_get(columns->events, i);
    const json_t *specifiers = json_array_get(columns->specifiers, i);
    const json_t *outcome = json_array_get(columns->outcomes, i);
    json_int_t market = json_integer_value(json_array_get(columns->markets, i));
    json_int_t odds = json_integer_value(json_array_get(columns->odds, i));

    if (!json_is_string(event) || !json_is_string(specifiers) || !json_is_string(outcome) ||
        market < 0 || market > UINT32_MAX || odds < ODDS_ONE_E4 || odds > ODDS_MAX_E4)
        return false;
    *leg = (struct leg){
        .market = { str_of_json(event, arena), (uint32_t)market,
                    str_of_json(specifiers, arena) },
        .outcome = str_of_json(outcome, arena),
        .odds_e4 = odds,
        .banker = json_integer_value(json_array_get(columns->bankers, i)) != 0,
        .result = LEG_RESULT_OPEN,
    };
    return true;
}

static bool read_legs(const json_t *document, struct arena *arena, struct slip *slip)
{
    struct columns columns = {
        json_object_get(document, "leg_events"), json_object_get(document, "leg_markets"),
        json_object_get(document, "leg_specifiers"), json_object_get(document, "leg_outcomes"),
        json_object_get(document, "leg_odds_e4"), json_object_get(document, "leg_bankers"),
    };
    size_t n = json_array_size(columns.events);

    if (n > LIMIT_LEGS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!read_leg(&columns, i, arena, &slip->legs[i]))
            return false;
    slip->n_legs = (uint32_t)n;
    return true;
}

static bool read_slip(const json_t *document, struct arena *arena, struct slip *slip)
{
    static const enum bet_type types[] = { BET_SINGLE, BET_MULTIPLE, BET_SYSTEM };
    struct str type, results;

    *slip = (struct slip){ .accept = ACCEPT_NONE };
    if (!read_text(document, "type", arena, &type) || !read_sizes(document, slip) ||
        !read_legs(document, arena, slip) || !read_text(document, "results", arena, &results))
        return false;
    for (size_t i = 0; i < LENGTH(types); i++)
        if (str_eq(type, str_of(bet_type_name(types[i]))))
            slip->type = types[i];
    return slip->type != 0 && slip_check(slip) == SLIP_OK && results_decode(results, slip);
}

/* A transfer names its kind; its amount has no sign. */
static bool read_transfer(const json_t *document, struct arena *arena,
                          struct event_record *record)
{
    enum transfer_kind kind;
    struct str name;

    if (!read_text(document, "kind", arena, &name) ||
        !read_bet_id(document, arena, &record->bet.id) ||
        !read_text(document, "sport", arena, &record->bet.sport))
        return false;
    if (str_eq(name, str_of(transfer_kind_name(TRANSFER_REVERSAL))) &&
        record->amount_minor > 0)
        record->amount_minor = -record->amount_minor;
    return event_transfer(record, &kind) && str_eq(name, str_of(transfer_kind_name(kind)));
}

bool event_record_read(struct str text, struct arena *arena, struct slip *slip,
                       struct event_record *record)
{
    json_t *document = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    bool well;

    *record = (struct event_record){ 0 };
    well = document != NULL && read_head(document, arena, record);
    if (well && json_object_get(document, "kind") == NULL) {
        record->has_bet = true;
        record->bet.slip = slip;
        well = event_name(record->event) != NULL && record->event != EVENT_DEPOSITED &&
               record->event != EVENT_WITHDRAWN && read_view(document, arena, record) &&
               read_slip(document, arena, slip);
    } else if (well) {
        well = read_transfer(document, arena, record);
    }
    json_decref(document);
    return well;
}

bool event_record_peek(struct str text, int64_t *xid, int *event)
{
    struct str number, name;

    if (!text_skip(&text, STR("{\"v\":1,\"xid\":")) || !text_cut(&text, ',', &number) ||
        decimal_parse(number, 0, INT64_MAX, xid) != DECIMAL_OK ||
        !text_skip(&text, STR("\"event\":\"")) || !text_cut(&text, '"', &name))
        return false;
    *event = event_find(name);
    return *event != 0;
}
