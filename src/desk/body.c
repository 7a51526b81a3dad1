/* Bodies of the desk's requests: see body.h. */
#include "desk/body.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/limits.h"
#include "model/money.h"

#define HALF_E12 (FACTOR_ONE_E12 / 2)

void order_init(struct order *order, enum desk_act act, struct str operator)
{
    *order = (struct order){
        .message = { .type = MESSAGE_DESK, .end_ms = INT64_MAX, .event_status = -1,
                     .match_status = -1 },
        .desk = desk_entry_make(act, operator, STR_NONE),
    };
    order->message.desk = &order->desk;
    order->message.markets = &order->market;
}

struct market_id order_market_id(const struct order *order)
{
    return (struct market_id){ order->message.event, order->market.market,
                               order->market.specifiers };
}

static bool fail(struct body *body, const char *field, const char *why)
{
    body->error = arena_printf(body->arena, "%s %s", field, why);
    return false;
}

/* ---- parts ---------------------------------------------------------------- */

static bool take_reason(struct body *body, struct order *order, struct str reason)
{
    if (reason.p != NULL && (reason.n == 0 || reason.n > LIMIT_REASON_BYTES))
        return fail(body, "reason", "must have 1 to 500 bytes");
    for (size_t i = 0; i < reason.n; i++)
        if ((unsigned char)reason.p[i] < ' ' || reason.p[i] == 0x7f)
            return fail(body, "reason", "must not have control characters");
    order->desk.reason = arena_str(body->arena, reason);
    return true;
}

static bool take_event(struct body *body, struct order *order, struct str event)
{
    if (!id_is_well(event))
        return fail(body, "event", "must have 1 to 128 characters");
    order->message.event = arena_str(body->arena, event);
    order->desk.level = DESK_EVENT;
    return true;
}

static bool take_market(struct body *body, struct order *order, struct str market,
                        struct str specifiers)
{
    if (!market_parse(market, &order->market.market))
        return fail(body, "market", "must be a market's number in a string");
    order->market.specifiers = STR("");
    if (specifiers.n > LIMIT_SPECIFIERS_BYTES ||
        (specifiers.n > 0 && !specifiers_canonical(arena_str(body->arena, specifiers), body->arena,
                                                   &order->market.specifiers)))
        return fail(body, "specifiers", "must be key=value|key=value");
    order->message.n_markets = 1;
    order->desk.level = DESK_MARKET;
    return true;
}

/* {"all":true} | {"sport"} | {"event"} | {"event","market","specifiers"} */
static bool take_scope(struct body *body, struct order *order, json_t *scope)
{
    struct str sport = STR_NONE, event = STR_NONE, market = STR_NONE, specifiers = STR_NONE;
    bool all = false;
    const struct json_field fields[] = {
        { "all", JSON_KIND_BOOL, false, &all },
        { "sport", JSON_KIND_STRING, false, &sport },
        { "event", JSON_KIND_STRING, false, &event },
        { "market", JSON_KIND_STRING, false, &market },
        { "specifiers", JSON_KIND_STRING, false, &specifiers },
    };

    if (!json_fields(scope, "scope.", fields, LENGTH(fields), body->arena, &body->error))
        return false;
    if (all + (sport.p != NULL) + (event.p != NULL) != 1 || (market.p != NULL && event.p == NULL) ||
        (specifiers.p != NULL && market.p == NULL))
        return fail(body, "scope", "must be all, a sport, an event, or a market of an event");
    if (sport.p != NULL && !id_is_well(sport))
        return fail(body, "scope.sport", "must have 1 to 128 characters");
    order->desk.level = all ? DESK_ALL : DESK_SPORT;
    order->desk.sport = arena_str(body->arena, sport);
    if (event.p == NULL)
        return true;
    return take_event(body, order, event) &&
           (market.p == NULL || take_market(body, order, market, specifiers));
}

static bool take_decimal(struct body *body, const char *field, struct str text, int decimals,
                         int64_t max, int64_t *value)
{
    switch (decimal_parse(text, decimals, max, value)) {
    case DECIMAL_OK:
        return true;
    case DECIMAL_TOO_PRECISE:
        return fail(body, field, "has too many decimals");
    case DECIMAL_TOO_LARGE:
        return fail(body, field, "is too large");
    case DECIMAL_MALFORMED:
        break;
    }
    return fail(body, field, "must be a decimal number in a string");
}

/* Null: *minor stays -1. */
static bool take_amount(struct body *body, const char *field, struct str text, int64_t *minor)
{
    return text.p == NULL || take_decimal(body, field, text, body->house->currency->exponent,
                                          LIMIT_MINOR, minor);
}

/* ---- bodies ---------------------------------------------------------------- */

/* Reads the document and its reason, then what `take` makes of it. */
static bool read_with(struct body *body, struct order *order, const struct json_field *fields,
                      size_t n, const struct str *reason,
                      bool (*take)(struct body *, struct order *, void *), void *ctx)
{
    json_t *document = json_read(body->text, fields, n, body->arena, &body->error);
    bool well;

    if (document == NULL)
        return false;
    well = take_reason(body, order, *reason) && take(body, order, ctx);
    json_decref(document);
    return well;
}

static bool take_given_scope(struct body *body, struct order *order, void *scope)
{
    return take_scope(body, order, *(json_t **)scope);
}

bool body_read_scope(struct body *body, struct order *order)
{
    struct str reason = STR_NONE;
    json_t *scope = NULL;
    const struct json_field fields[] = {
        { "scope", JSON_KIND_OBJECT, true, &scope },
        { "reason", JSON_KIND_STRING, false, &reason },
    };

    return read_with(body, order, fields, LENGTH(fields), &reason, take_given_scope, &scope);
}

struct margin_body { json_t *scope; struct str margin; };

static bool take_margin(struct body *body, struct order *order, void *ctx)
{
    const struct margin_body *given = ctx;

    return take_scope(body, order, given->scope) &&
           (given->margin.p == NULL || take_decimal(body, "margin", given->margin, 4,
                                                    DESK_MARGIN_MAX_E4, &order->desk.margin_e4));
}

bool body_read_margin(struct body *body, struct order *order)
{
    struct margin_body given = { NULL, STR_NONE };
    struct str reason = STR_NONE;
    const struct json_field fields[] = {
        { "scope", JSON_KIND_OBJECT, true, &given.scope },
        { "margin", JSON_KIND_STRING_OR_NULL, true, &given.margin },
        { "reason", JSON_KIND_STRING, true, &reason },
    };

    return read_with(body, order, fields, LENGTH(fields), &reason, take_margin, &given);
}

/* The fields of one market, beside others. */
struct market_body { struct str event, market, specifiers; };
#define MARKET_FIELDS(given)                                        \
    { "event", JSON_KIND_STRING, true, &(given).event },            \
    { "market", JSON_KIND_STRING, true, &(given).market },          \
    { "specifiers", JSON_KIND_STRING, false, &(given).specifiers }

static bool take_given_market(struct body *body, struct order *order,
                              const struct market_body *given)
{
    return take_event(body, order, given->event) &&
           take_market(body, order, given->market, given->specifiers);
}

struct price_body { struct market_body market; struct str outcome, odds; };

static bool take_price(struct body *body, struct order *order, void *ctx)
{
    const struct price_body *given = ctx;

    if (!take_given_market(body, order, &given->market))
        return false;
    if (!id_is_well(given->outcome))
        return fail(body, "outcome", "must have 1 to 128 characters");
    order->desk.outcome = arena_str(body->arena, given->outcome);
    if (given->odds.p == NULL)
        return true;
    if (odds_parse(given->odds, &order->desk.odds_e4) != DECIMAL_OK ||
        order->desk.odds_e4 < DESK_ODDS_MIN_E4)
        return fail(body, "odds", "must be a decimal number of at least 1.01 in a string");
    return true;
}

bool body_read_price(struct body *body, struct order *order)
{
    struct price_body given = { .odds = STR_NONE };
    struct str reason = STR_NONE;
    const struct json_field fields[] = {
        MARKET_FIELDS(given.market),
        { "outcome", JSON_KIND_STRING, true, &given.outcome },
        { "odds", JSON_KIND_STRING_OR_NULL, true, &given.odds },
        { "reason", JSON_KIND_STRING, true, &reason },
    };

    return read_with(body, order, fields, LENGTH(fields), &reason, take_price, &given);
}

struct limits_body { json_t *scope; struct str stake, liability, hold; };

static bool take_limits(struct body *body, struct order *order, void *ctx)
{
    const struct limits_body *given = ctx;

    return take_scope(body, order, given->scope) &&
           take_amount(body, "stake_max", given->stake, &order->desk.stake_max_minor) &&
           take_amount(body, "liability_max", given->liability,
                       &order->desk.liability_max_minor) &&
           take_amount(body, "hold_above", given->hold, &order->desk.hold_above_minor);
}

bool body_read_limits(struct body *body, struct order *order)
{
    struct limits_body given = { NULL, STR_NONE, STR_NONE, STR_NONE };
    struct str reason = STR_NONE;
    const struct json_field fields[] = {
        { "scope", JSON_KIND_OBJECT, true, &given.scope },
        { "stake_max", JSON_KIND_STRING_OR_NULL, true, &given.stake },
        { "liability_max", JSON_KIND_STRING_OR_NULL, true, &given.liability },
        { "hold_above", JSON_KIND_STRING_OR_NULL, true, &given.hold },
        { "reason", JSON_KIND_STRING, true, &reason },
    };

    return read_with(body, order, fields, LENGTH(fields), &reason, take_limits, &given);
}

struct factor_body { struct str customer, factor; };

static bool take_factor(struct body *body, struct order *order, void *ctx)
{
    const struct factor_body *given = ctx;

    if (decimal_parse(given->customer, 0, INT64_MAX / 16, &order->desk.customer) != DECIMAL_OK ||
        order->desk.customer == 0)
        return fail(body, "customer", "must be a customer's id");
    return take_decimal(body, "factor", given->factor, 4, DESK_FACTOR_MAX_E4,
                        &order->desk.factor_e4);
}

bool body_read_factor(struct body *body, struct order *order)
{
    struct factor_body given = { STR_NONE, STR_NONE };
    struct str reason = STR_NONE;
    const struct json_field fields[] = {
        { "customer", JSON_KIND_STRING, true, &given.customer },
        { "factor", JSON_KIND_STRING, true, &given.factor },
        { "reason", JSON_KIND_STRING, true, &reason },
    };

    return read_with(body, order, fields, LENGTH(fields), &reason, take_factor, &given);
}

/* ---- results --------------------------------------------------------------- */

static bool parse_result(struct str text, struct message_outcome *outcome)
{
    static const struct { const char *name; int8_t result; int64_t void_e12; } results[] = {
        { "won", 1, 0 },
        { "lost", 0, 0 },
        { "void", 0, FACTOR_ONE_E12 },
        { "half_won", 1, HALF_E12 },
        { "half_lost", 0, HALF_E12 },
    };

    for (unsigned i = 0; i < LENGTH(results); i++) {
        if (!str_eq(text, str_of(results[i].name)))
            continue;
        outcome->result = results[i].result;
        outcome->void_e12 = results[i].void_e12;
        return true;
    }
    return false;
}

static bool take_outcome(struct body *body, struct order *order, json_t *json, const char *where)
{
    struct message_outcome *outcome = &order->message.outcomes[order->message.n_outcomes];
    struct str id = STR_NONE, result = STR_NONE, dead_heat = STR_NONE;
    const struct json_field fields[] = {
        { "outcome", JSON_KIND_STRING, true, &id },
        { "result", JSON_KIND_STRING, true, &result },
        { "dead_heat_factor", JSON_KIND_STRING, false, &dead_heat },
    };

    *outcome = (struct message_outcome){ .active = true, .dead_heat_e12 = FACTOR_ONE_E12 };
    if (!json_fields(json, where, fields, LENGTH(fields), body->arena, &body->error))
        return false;
    if (!id_is_well(id))
        return fail(body, where, "outcome must have 1 to 128 characters");
    if (!parse_result(result, outcome))
        return fail(body, where, "result must be won, lost, void, half_won or half_lost");
    if (dead_heat.p != NULL &&
        (outcome->result != 1 ||
         decimal_parse(dead_heat, 12, FACTOR_ONE_E12, &outcome->dead_heat_e12) != DECIMAL_OK ||
         outcome->dead_heat_e12 == 0))
        return fail(body, where, "dead_heat_factor is of a winner, above 0 and up to 1");
    outcome->id = arena_str(body->arena, id);
    for (uint32_t i = 0; i < order->message.n_outcomes; i++)
        if (str_eq(order->message.outcomes[i].id, outcome->id))
            return fail(body, where, "outcome is listed twice");
    order->message.n_outcomes++;
    return true;
}

/* What is not said stays open: so a result says something of all the book
 * has, and of nothing else. */
static bool is_complete(struct body *body, const struct order *order)
{
    const struct message *message = &order->message;
    const struct market *market = book_market(body->book, order_market_id(order));

    if (market == NULL)
        return true; /* the book has forgotten it */
    for (uint32_t i = 0; i < message->n_outcomes; i++) {
        if (book_outcome(market, message->outcomes[i].id) != NULL)
            continue;
        body->error = arena_printf(body->arena, "outcomes: the market has no outcome " STR_FMT,
                                   STR_ARG(message->outcomes[i].id));
        return false;
    }
    for (uint32_t i = 0; i < market->n_outcomes; i++) {
        uint32_t k = 0;

        while (k < message->n_outcomes && !str_eq(message->outcomes[k].id, market->outcomes[i].id))
            k++;
        if (k < message->n_outcomes)
            continue;
        body->error = arena_printf(body->arena, "outcomes: outcome " STR_FMT " is missing",
                                   STR_ARG(market->outcomes[i].id));
        return false;
    }
    return true;
}

struct result_body { struct market_body market; json_t *outcomes; };

static bool take_result(struct body *body, struct order *order, void *ctx)
{
    const struct result_body *given = ctx;
    size_t n = json_array_size(given->outcomes);

    order->desk.what = DESK_RESULT;
    if (!take_given_market(body, order, &given->market))
        return false;
    if (n == 0 || n > LIMIT_OUTCOMES)
        return fail(body, "outcomes", "must list 1 to 1000 outcomes");
    order->message.outcomes = ARENA_ARRAY(body->arena, struct message_outcome, n);
    for (size_t i = 0; i < n; i++) {
        char where[40];

        (void)snprintf(where, sizeof(where), "outcomes[%zu].", i);
        if (!take_outcome(body, order, json_array_get(given->outcomes, i), where))
            return false;
    }
    order->market.n = order->message.n_outcomes;
    return is_complete(body, order);
}

bool body_read_result(struct body *body, struct order *order)
{
    struct result_body given = { .outcomes = NULL };
    struct str reason = STR_NONE;
    const struct json_field fields[] = {
        MARKET_FIELDS(given.market),
        { "outcomes", JSON_KIND_ARRAY, true, &given.outcomes },
        { "reason", JSON_KIND_STRING, true, &reason },
    };

    return read_with(body, order, fields, LENGTH(fields), &reason, take_result, &given);
}

struct void_body { struct market_body market; struct str from, to; };

static bool take_void(struct body *body, struct order *order, void *ctx)
{
    const struct void_body *given = ctx;
    struct message *message = &order->message;

    order->desk.what = DESK_VOID;
    if (!take_given_market(body, order, &given->market))
        return false;
    if (given->from.p != NULL && !clock_parse(given->from, &message->start_ms))
        return fail(body, "from", "must be an RFC 3339 time");
    if (given->to.p != NULL && !clock_parse(given->to, &message->end_ms))
        return fail(body, "to", "must be an RFC 3339 time");
    if (message->start_ms < 0 || message->start_ms >= message->end_ms)
        return fail(body, "to", "must be after from");
    return true;
}

bool body_read_void(struct body *body, struct order *order)
{
    struct void_body given = { .from = STR_NONE };
    struct str reason = STR_NONE;
    const struct json_field fields[] = {
        MARKET_FIELDS(given.market),
        { "from", JSON_KIND_STRING, false, &given.from },
        { "to", JSON_KIND_STRING, false, &given.to },
        { "reason", JSON_KIND_STRING, true, &reason },
    };

    return read_with(body, order, fields, LENGTH(fields), &reason, take_void, &given);
}

struct withdrawal_body { struct market_body market; struct str kind; };

static bool take_withdrawal(struct body *body, struct order *order, void *ctx)
{
    const struct withdrawal_body *given = ctx;
    bool result = str_eq(given->kind, STR("result"));

    if (!result && !str_eq(given->kind, STR("void")))
        return fail(body, "kind", "must be result or void");
    order->desk.what = result ? DESK_UNDO_RESULT : DESK_UNDO_VOID;
    return take_given_market(body, order, &given->market);
}

bool body_read_withdrawal(struct body *body, struct order *order)
{
    struct withdrawal_body given = { .kind = STR_NONE };
    struct str reason = STR_NONE;
    const struct json_field fields[] = {
        MARKET_FIELDS(given.market),
        { "kind", JSON_KIND_STRING, true, &given.kind },
        { "reason", JSON_KIND_STRING, true, &reason },
    };

    return read_with(body, order, fields, LENGTH(fields), &reason, take_withdrawal, &given);
}

static bool take_nothing(struct body *body UNUSED, struct order *order UNUSED, void *ctx UNUSED)
{
    return true;
}

bool body_read_reason(struct body *body, struct order *order)
{
    struct str reason = STR_NONE;
    const struct json_field fields[] = {
        { "reason", JSON_KIND_STRING, true, &reason },
    };

    return read_with(body, order, fields, LENGTH(fields), &reason, take_nothing, NULL);
}
