/*
 * A request's body into a slip.  Only the form is judged here; whether the
 * slip may stand is place.c's business.  A stake above LIMIT_MINOR is read
 * as LIMIT_MINOR: the ladder, not the parser, says that it is too large.
 */
#include "bets/slip_json.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"

static bool fail(struct arena *arena, struct str *error, const char *where,
                 const char *field, const char *why)
{
    *error = arena_printf(arena, "%s%s %s", where, field, why);
    return false;
}

static const char *decimal_fault(enum decimal_result result)
{
    switch (result) {
    case DECIMAL_TOO_PRECISE:
        return "has too many decimals";
    case DECIMAL_TOO_LARGE:
        return "is too large";
    case DECIMAL_OK:
    case DECIMAL_MALFORMED:
        break;
    }
    return "must be a decimal number in a string, such as \"10.00\"";
}

static bool read_money(struct str text, const char *field, const struct currency *currency,
                       struct arena *arena, int64_t *minor, struct str *error)
{
    enum decimal_result result = money_parse(text, currency, minor);

    if (result != DECIMAL_OK)
        return fail(arena, error, "", field, decimal_fault(result));
    return true;
}

static bool read_type(struct str text, enum bet_type *type)
{
    static const enum bet_type types[] = { BET_SINGLE, BET_MULTIPLE, BET_SYSTEM };

    for (size_t i = 0; i < LENGTH(types); i++) {
        if (str_eq(text, str_of(bet_type_name(types[i])))) {
            *type = types[i];
            return true;
        }
    }
    return false;
}

static bool read_accept(struct str text, enum accept_policy *accept)
{
    if (text.p == NULL || str_eq(text, STR("none")))
        *accept = ACCEPT_NONE;
    else if (str_eq(text, STR("higher")))
        *accept = ACCEPT_HIGHER;
    else if (str_eq(text, STR("any")))
        *accept = ACCEPT_ANY;
    else
        return false;
    return true;
}

/* Kept ascending, so that [3,2] and [2,3] are the same slip. */
static void add_size(struct slip *slip, uint32_t size)
{
    uint32_t at = slip->n_sizes++;

    CHECK(size >= 1 && slip->n_sizes <= LIMIT_LEGS);
    for (; at > 0 && slip->sizes[at - 1] > size; at--)
        slip->sizes[at] = slip->sizes[at - 1];
    slip->sizes[at] = size;
}

static bool read_sizes(json_t *sizes, struct slip *slip, struct arena *arena,
                       struct str *error)
{
    if (slip->type != BET_SYSTEM)
        return fail(arena, error, "", "system", "belongs to type system only");
    if (json_array_size(sizes) == 0 || json_array_size(sizes) > LIMIT_LEGS)
        return fail(arena, error, "", "system", "must list 1 to 20 sizes");
    for (size_t i = 0; i < json_array_size(sizes); i++) {
        json_t *size = json_array_get(sizes, i);
        json_int_t n = json_is_integer(size) ? json_integer_value(size) : 0;

        if (n < 1 || n > LIMIT_LEGS)
            return fail(arena, error, "", "system", "must be whole numbers from 1 to 20");
        add_size(slip, (uint32_t)n);
    }
    return true;
}

static bool read_leg(json_t *json, size_t index, struct arena *arena, struct leg *leg,
                     struct str *error)
{
    struct str event = STR_NONE, market = STR_NONE, specifiers = STR_NONE;
    struct str outcome = STR_NONE, odds = STR_NONE;
    const struct json_field fields[] = {
        { "event", JSON_KIND_STRING, true, &event },
        { "market", JSON_KIND_STRING, true, &market },
        { "specifiers", JSON_KIND_STRING, false, &specifiers },
        { "outcome", JSON_KIND_STRING, true, &outcome },
        { "odds", JSON_KIND_STRING, true, &odds },
        { "banker", JSON_KIND_BOOL, false, &leg->banker },
    };
    static const char format[] = "legs[%zu].";
    char where[sizeof(format) + 20];
    enum decimal_result result;

    (void)snprintf(where, sizeof(where), format, index);
    if (!json_is_object(json)) {
        *error = arena_printf(arena, "legs[%zu] must be an object", index);
        return false;
    }
    if (!json_fields(json, where, fields, LENGTH(fields), arena, error))
        return false;
    if (!id_is_well(event))
        return fail(arena, error, where, "event", "must have 1 to 128 characters");
    if (!market_parse(market, &leg->market.market))
        return fail(arena, error, where, "market", "must be a market's number in a string");
    if (!id_is_well(outcome))
        return fail(arena, error, where, "outcome", "must have 1 to 128 characters");
    if ((result = odds_parse(odds, &leg->odds_e4)) != DECIMAL_OK)
        return fail(arena, error, where, "odds",
                    result == DECIMAL_MALFORMED
                        ? "must be a decimal number of at least 1 in a string"
                        : decimal_fault(result));
    /* Copied first: the canonical form may be the text itself. */
    leg->market.specifiers = STR("");
    if (specifiers.n > LIMIT_SPECIFIERS_BYTES
        || (specifiers.n > 0
            && !specifiers_canonical(arena_str(arena, specifiers), arena,
                                     &leg->market.specifiers)))
        return fail(arena, error, where, "specifiers", "must be key=value|key=value");
    CHECK(leg->odds_e4 >= ODDS_ONE_E4 && leg->odds_e4 <= ODDS_MAX_E4);
    CHECK(event.n <= LIMIT_ID_BYTES && outcome.n <= LIMIT_ID_BYTES);
    leg->market.event = arena_str(arena, event);
    leg->outcome = arena_str(arena, outcome);
    leg->result = LEG_RESULT_OPEN;
    return true;
}

static bool read_legs(json_t *legs, struct slip *slip, struct arena *arena,
                      struct str *error)
{
    size_t n = json_array_size(legs);

    if (n > LIMIT_LEGS) {
        *error = str_of(slip_fault_text(SLIP_TOO_MANY_LEGS));
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (!read_leg(json_array_get(legs, i), i, arena, &slip->legs[i], error))
            return false;
        slip->n_legs++;
    }
    return true;
}

static bool read_document(struct str body, const struct currency *currency,
                          struct arena *arena, struct slip *slip, int64_t *stake_minor,
                          json_t **document, struct str *error)
{
    struct str stake = STR_NONE, type = STR_NONE, accept = STR_NONE;
    json_t *system = NULL, *legs = NULL;
    const struct json_field fields[] = {
        { "stake", JSON_KIND_STRING, true, &stake },
        { "type", JSON_KIND_STRING, true, &type },
        { "system", JSON_KIND_ARRAY, false, &system },
        { "accept", JSON_KIND_STRING, false, &accept },
        { "legs", JSON_KIND_ARRAY, true, &legs },
    };
    enum slip_fault fault;

    *document = json_read(body, fields, LENGTH(fields), arena, error);
    if (*document == NULL)
        return false;
    if (money_parse(stake, currency, stake_minor) == DECIMAL_TOO_LARGE)
        *stake_minor = LIMIT_MINOR;
    else if (!read_money(stake, "stake", currency, arena, stake_minor, error))
        return false;
    if (!read_type(type, &slip->type))
        return fail(arena, error, "", "type", "must be single, multiple or system");
    if (!read_accept(accept, &slip->accept))
        return fail(arena, error, "", "accept", "must be none, higher or any");
    if (system != NULL && !read_sizes(system, slip, arena, error))
        return false;
    if (!read_legs(legs, slip, arena, error))
        return false;
    if ((fault = slip_check(slip)) == SLIP_OK)
        return true;
    *error = str_of(slip_fault_text(fault)); /* names the field itself */
    return false;
}

bool slip_read(struct str body, const struct currency *currency, struct arena *arena,
               struct slip *slip, int64_t *stake_minor, struct str *error)
{
    json_t *document = NULL;
    bool well;

    *slip = (struct slip){ .type = BET_SINGLE };
    *stake_minor = 0;
    if (body.n == 0)
        return fail(arena, error, "", "the body", "is empty");
    well = read_document(body, currency, arena, slip, stake_minor, &document, error);
    json_decref(document);
    CHECK(!well || (*stake_minor >= 0 && *stake_minor <= LIMIT_MINOR));
    CHECK(!well || (slip->n_legs >= 1 && slip->n_legs <= LIMIT_LEGS));
    CHECK(well || error->n > 0);
    return well;
}

bool amount_read(struct str body, const struct currency *currency, struct arena *arena,
                 int64_t *amount_minor, struct str *error)
{
    struct str amount = STR_NONE;
    const struct json_field fields[] = {
        { "amount", JSON_KIND_STRING, true, &amount },
    };
    json_t *document;
    bool well;

    *amount_minor = 0;
    if (body.n == 0)
        return fail(arena, error, "", "the body", "is empty");
    document = json_read(body, fields, LENGTH(fields), arena, error);
    if (document == NULL)
        return false;
    well = read_money(amount, "amount", currency, arena, amount_minor, error);
    if (well && *amount_minor <= 0)
        well = fail(arena, error, "", "amount", "must be above 0");
    json_decref(document);
    CHECK(!well || *amount_minor <= LIMIT_MINOR);
    return well;
}

bool cashout_body_read(struct str body, const struct currency *currency, struct arena *arena,
                       int64_t *minimum_minor, int64_t *stake_minor, struct str *error)
{
    struct str minimum = STR_NONE, stake = STR_NONE;
    const struct json_field fields[] = {
        { "minimum", JSON_KIND_STRING, true, &minimum },
        { "stake", JSON_KIND_STRING, false, &stake },
    };
    json_t *document;
    bool well;

    *minimum_minor = *stake_minor = 0;
    if (body.n == 0)
        return fail(arena, error, "", "the body", "is empty");
    document = json_read(body, fields, LENGTH(fields), arena, error);
    if (document == NULL)
        return false;
    well = read_money(minimum, "minimum", currency, arena, minimum_minor, error);
    if (well && stake.p != NULL) {
        well = read_money(stake, "stake", currency, arena, stake_minor, error);
        if (well && *stake_minor <= 0)
            well = fail(arena, error, "", "stake", "must be above 0");
    }
    json_decref(document);
    CHECK(!well || (*minimum_minor >= 0 && *minimum_minor <= LIMIT_MINOR));
    CHECK(!well || *stake_minor >= 0);
    return well;
}

bool limit_body_read(struct str body, const struct currency *currency, struct arena *arena,
                     enum own_limit_kind *kind, enum own_limit_period *period,
                     int64_t *amount_minor, struct str *error)
{
    struct str kind_name = STR_NONE, period_name = STR_NONE, amount = STR_NONE;
    const struct json_field fields[] = {
        { "kind", JSON_KIND_STRING, true, &kind_name },
        { "period", JSON_KIND_STRING, true, &period_name },
        { "amount", JSON_KIND_STRING_OR_NULL, true, &amount },
    };
    json_t *document;
    bool well = true;

    *amount_minor = -1;
    if (body.n == 0)
        return fail(arena, error, "", "the body", "is empty");
    document = json_read(body, fields, LENGTH(fields), arena, error);
    if (document == NULL)
        return false;
    if (!own_limit_kind_find(kind_name, kind))
        well = fail(arena, error, "", "kind", "must be deposit, stake or loss");
    else if (!own_limit_period_find(period_name, period))
        well = fail(arena, error, "", "period", "must be day, week or month");
    else if (amount.p != NULL)
        well = read_money(amount, "amount", currency, arena, amount_minor, error);
    json_decref(document);
    CHECK(!well || (*amount_minor >= 0) == (amount.p != NULL));
    return well;
}

bool until_body_read(struct str body, struct arena *arena, int64_t *until_ms,
                     struct str *error)
{
    struct str until = STR_NONE;
    const struct json_field fields[] = {
        { "until", JSON_KIND_STRING, true, &until },
    };
    json_t *document;
    bool well;

    *until_ms = 0;
    if (body.n == 0)
        return fail(arena, error, "", "the body", "is empty");
    document = json_read(body, fields, LENGTH(fields), arena, error);
    if (document == NULL)
        return false;
    well = clock_parse(until, until_ms) ||
           fail(arena, error, "", "until", "must be a time such as \"2026-12-31T00:00:00Z\"");
    json_decref(document);
    return well;
}
