/*
 * Bets: their ids, what makes a slip one, and its stored forms.
 */
#include "model/bet.h"

#include "base/json.h"
#include "base/text.h"

/* ---- ids ---------------------------------------------------------------
 *
 *   63        22 21    12 11      0
 *   | ms since 2024 | node |   n    | */

#define NODE_SHIFT 12
#define MS_SHIFT 22

int64_t bet_id_make(int64_t wall_ms, uint32_t node, uint32_t n)
{
    CHECK(node < 1u << (MS_SHIFT - NODE_SHIFT));
    CHECK(n < 1u << NODE_SHIFT);
    CHECK(wall_ms > 0);
    return bet_id_floor(wall_ms) | (int64_t)node << NODE_SHIFT | (int64_t)n;
}

uint32_t bet_id_node(int64_t id)
{
    CHECK(id >= 0);
    return (uint32_t)(id >> NODE_SHIFT) & ((1u << (MS_SHIFT - NODE_SHIFT)) - 1);
}

/* A clock before the epoch or beyond the ids' range meets the range's end. */
int64_t bet_id_floor(int64_t wall_ms)
{
    int64_t since = wall_ms - BET_ID_EPOCH_MS, last = INT64_MAX >> MS_SHIFT;

    if (wall_ms < BET_ID_EPOCH_MS)
        since = 0;
    if (since > last)
        since = last;
    CHECK(since >= 0);
    return (int64_t)((uint64_t)since << MS_SHIFT);
}

/* ---- names ------------------------------------------------------------ */

static const char *const type_names[] = {
    [BET_SINGLE] = "single", [BET_MULTIPLE] = "multiple", [BET_SYSTEM] = "system",
};
static const char *const state_names[] = {
    [BET_ACCEPTED] = "accepted", [BET_SETTLED] = "settled", [BET_CASHED_OUT] = "cashed_out",
};
static const char *const accept_names[] = {
    [ACCEPT_NONE] = "none", [ACCEPT_HIGHER] = "higher", [ACCEPT_ANY] = "any",
};

const char *bet_type_name(enum bet_type type)
{
    CHECK((size_t)type < LENGTH(type_names) && type_names[type] != NULL);
    return type_names[type];
}

const char *bet_state_name(enum bet_state state)
{
    CHECK((size_t)state < LENGTH(state_names) && state_names[state] != NULL);
    return state_names[state];
}

/* Index of a name, or -1. */
static int name_find(const char *const *names, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (names[i] != NULL && str_eq(name, str_of(names[i])))
            return (int)i;
    return -1;
}

/* ---- what makes a slip one -------------------------------------------- */

static uint32_t count_bankers(const struct slip *slip)
{
    uint32_t n = 0;

    CHECK(slip->n_legs <= LIMIT_LEGS);
    for (uint32_t i = 0; i < slip->n_legs; i++)
        n += slip->legs[i].banker;
    return n;
}

static enum slip_fault sizes_fault(const struct slip *slip, uint32_t choices)
{
    uint32_t seen = 0;

    CHECK(slip->n_sizes <= LIMIT_LEGS && choices <= slip->n_legs);
    if (slip->type != BET_SYSTEM)
        return slip->n_sizes == 0 ? SLIP_OK : SLIP_SYSTEM_SIZES;
    if (slip->n_sizes == 0 || slip->n_sizes > choices)
        return SLIP_SYSTEM_SIZES;
    for (uint32_t i = 0; i < slip->n_sizes; i++) {
        uint32_t size = slip->sizes[i];

        if (size < 1 || size > choices || (seen & 1u << size) != 0)
            return SLIP_SYSTEM_SIZES;
        seen |= 1u << size;
    }
    return SLIP_OK;
}

enum slip_fault slip_check(const struct slip *slip)
{
    uint32_t bankers;

    if (slip->n_legs == 0)
        return SLIP_NO_LEGS;
    if (slip->n_legs > LIMIT_LEGS)
        return SLIP_TOO_MANY_LEGS;
    if (slip->type == BET_SINGLE && slip->n_legs != 1)
        return SLIP_SINGLE_LEGS;
    if (slip->type == BET_MULTIPLE && slip->n_legs < 2)
        return SLIP_MULTIPLE_LEGS;
    bankers = count_bankers(slip);
    if (bankers > 0 && (slip->type != BET_SYSTEM || bankers == slip->n_legs))
        return SLIP_BANKER;
    return sizes_fault(slip, slip->n_legs - bankers);
}

const char *slip_fault_text(enum slip_fault fault)
{
    switch (fault) {
    case SLIP_OK:
        return "the slip is well formed";
    case SLIP_NO_LEGS:
        return "legs: at least one is needed";
    case SLIP_TOO_MANY_LEGS:
        return "legs: at most 20 are allowed";
    case SLIP_SINGLE_LEGS:
        return "legs: a single has exactly one";
    case SLIP_MULTIPLE_LEGS:
        return "legs: a multiple has two or more";
    case SLIP_SYSTEM_SIZES:
        return "system: different sizes from 1 to the number of legs that are not bankers, "
               "for type system only";
    case SLIP_BANKER:
        return "banker: only in a system, and not every leg";
    }
    check_failed(__FILE__, __LINE__, "slip_fault is known");
}

void leg_check(const struct leg *leg)
{
    CHECK(leg->odds_e4 >= ODDS_ONE_E4 && leg->odds_e4 <= ODDS_MAX_E4);
    leg_result_check(&leg->result);
}

void slip_expect(const struct slip *slip)
{
    CHECK(slip_check(slip) == SLIP_OK);
    CHECK(slip->accept >= ACCEPT_NONE && slip->accept <= ACCEPT_ANY);
    for (uint32_t i = 0; i < slip->n_legs; i++)
        leg_check(&slip->legs[i]);
}

bool slip_has_related_legs(const struct slip *slip)
{
    CHECK(slip->n_legs >= 1 && slip->n_legs <= LIMIT_LEGS);
    for (uint32_t i = 0; i < slip->n_legs; i++)
        for (uint32_t k = 0; k < i; k++)
            if (str_eq(slip->legs[i].market.event, slip->legs[k].market.event))
                return true;
    return false;
}

/* ---- the stored slip -------------------------------------------------- */

static void leg_encode(const struct leg *leg, struct jw *w)
{
    CHECK(leg->market.event.n > 0 && leg->outcome.n > 0);
    jw_object(w);
    jw_key(w, "event");
    jw_str(w, leg->market.event);
    jw_key(w, "market");
    jw_int(w, leg->market.market);
    jw_key(w, "specifiers");
    jw_str(w, leg->market.specifiers);
    jw_key(w, "outcome");
    jw_str(w, leg->outcome);
    jw_key(w, "odds_e4");
    jw_int(w, leg->odds_e4);
    jw_key(w, "banker");
    jw_bool(w, leg->banker);
    jw_object_end(w);
}

void slip_encode(const struct slip *slip, struct buf *out)
{
    struct jw w = jw_to(out);

    slip_expect(slip); /* it is read back by slip_decode(), or the bet is lost */
    jw_object(&w);
    jw_key(&w, "type");
    jw_str(&w, str_of(bet_type_name(slip->type)));
    if (slip->n_sizes > 0) {
        jw_key(&w, "sizes");
        jw_array(&w);
        for (uint32_t i = 0; i < slip->n_sizes; i++)
            jw_int(&w, slip->sizes[i]);
        jw_array_end(&w);
    }
    jw_key(&w, "accept");
    jw_str(&w, str_of(accept_names[slip->accept]));
    jw_key(&w, "legs");
    jw_array(&w);
    for (uint32_t i = 0; i < slip->n_legs; i++)
        leg_encode(&slip->legs[i], &w);
    jw_array_end(&w);
    jw_object_end(&w);
}

static bool leg_decode(json_t *json, struct arena *arena, struct leg *leg)
{
    struct str event, specifiers, outcome, error;
    int64_t market, odds;
    bool banker;
    const struct json_field fields[] = {
        { "event", JSON_KIND_STRING, true, &event },
        { "market", JSON_KIND_INT, true, &market },
        { "specifiers", JSON_KIND_STRING, true, &specifiers },
        { "outcome", JSON_KIND_STRING, true, &outcome },
        { "odds_e4", JSON_KIND_INT, true, &odds },
        { "banker", JSON_KIND_BOOL, true, &banker },
    };

    if (!json_fields(json, "", fields, LENGTH(fields), arena, &error))
        return false;
    if (market < 0 || market > UINT32_MAX || odds < ODDS_ONE_E4 || odds > ODDS_MAX_E4)
        return false;
    *leg = (struct leg){
        .market = { arena_str(arena, event), (uint32_t)market, arena_str(arena, specifiers) },
        .outcome = arena_str(arena, outcome),
        .odds_e4 = odds,
        .banker = banker,
        .result = LEG_RESULT_OPEN,
    };
    return true;
}

static bool sizes_decode(const json_t *sizes, struct slip *slip)
{
    size_t n = json_array_size(sizes); /* 0 for NULL: only systems have them */

    CHECK(slip->n_sizes == 0);
    if (n > LIMIT_LEGS)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *size = json_array_get(sizes, i);

        if (!json_is_integer(size) || json_integer_value(size) < 1 ||
            json_integer_value(size) > LIMIT_LEGS)
            return false;
        slip->sizes[i] = (uint32_t)json_integer_value(size);
    }
    slip->n_sizes = (uint32_t)n;
    return true;
}

static bool legs_decode(const json_t *legs, struct arena *arena, struct slip *slip)
{
    size_t n = json_array_size(legs);

    if (n > LIMIT_LEGS)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!leg_decode(json_array_get(legs, i), arena, &slip->legs[i]))
            return false;
    slip->n_legs = (uint32_t)n;
    return true;
}

bool slip_decode(struct str text, struct arena *arena, struct slip *slip)
{
    struct str type = STR_NONE, accept = STR_NONE, error;
    json_t *sizes = NULL, *legs = NULL, *document;
    const struct json_field fields[] = {
        { "type", JSON_KIND_STRING, true, &type },
        { "sizes", JSON_KIND_ARRAY, false, &sizes },
        { "accept", JSON_KIND_STRING, true, &accept },
        { "legs", JSON_KIND_ARRAY, true, &legs },
    };
    int type_at, accept_at;
    bool ok;

    document = json_read(text, fields, LENGTH(fields), arena, &error);
    if (document == NULL)
        return false;
    slip->n_sizes = slip->n_legs = 0;
    type_at = name_find(type_names, LENGTH(type_names), type);
    accept_at = name_find(accept_names, LENGTH(accept_names), accept);
    ok = type_at >= 0 && accept_at >= 0 && sizes_decode(sizes, slip) &&
         legs_decode(legs, arena, slip);
    json_decref(document);
    if (!ok)
        return false;
    slip->type = (enum bet_type)type_at;
    slip->accept = (enum accept_policy)accept_at;
    return slip_check(slip) == SLIP_OK;
}

/* ---- the stored results ----------------------------------------------- */

static bool all_open(const struct slip *slip)
{
    for (uint32_t i = 0; i < slip->n_legs; i++)
        if (slip->legs[i].result.state != LEG_OPEN)
            return false;
    return true;
}

/* All open is the empty text, as a new bet's is: a bet whose facts were all
 * rolled back is written as it was before them. */
void results_encode(const struct slip *slip, struct buf *out)
{
    CHECK(slip->n_legs <= LIMIT_LEGS);
    if (all_open(slip))
        return;
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        const struct leg_result *result = &slip->legs[i].result;

        leg_result_check(result);
        buf_char(out, i == 0 ? '[' : ',');
        if (result->state == LEG_OPEN) {
            buf_str(out, STR("null"));
            continue;
        }
        buf_char(out, '[');
        buf_int(out, result->result);
        buf_char(out, ',');
        buf_int(out, result->void_e12);
        buf_char(out, ',');
        buf_int(out, result->dead_heat_e12);
        buf_char(out, ']');
    }
    buf_char(out, ']');
}

static bool take_number(struct str *text, int64_t max, int64_t *number)
{
    size_t n = 0;

    while (n < text->n && text->p[n] >= '0' && text->p[n] <= '9')
        n++;
    if (decimal_parse((struct str){ text->p, n }, 0, max, number) != DECIMAL_OK)
        return false;
    *text = (struct str){ text->p + n, text->n - n };
    return true;
}

static bool take_result(struct str *text, struct leg_result *result)
{
    int64_t won, void_e12, dead_heat_e12;

    *result = LEG_RESULT_OPEN;
    if (text_skip(text, STR("null")))
        return true;
    if (!text_skip(text, STR("[")) || !take_number(text, 1, &won) || !text_skip(text, STR(",")) ||
        !take_number(text, FACTOR_ONE_E12, &void_e12) || !text_skip(text, STR(",")) ||
        !take_number(text, FACTOR_ONE_E12, &dead_heat_e12) || !text_skip(text, STR("]")))
        return false;
    *result = leg_result_make((int8_t)won, void_e12, dead_heat_e12);
    CHECK(result->state != LEG_OPEN); /* its ingredients are in their ranges */
    return true;
}

bool results_decode(struct str text, struct slip *slip)
{
    bool empty = text.n == 0;

    CHECK(slip->n_legs <= LIMIT_LEGS);
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        slip->legs[i].result = LEG_RESULT_OPEN;
        if (empty)
            continue;
        if (!text_skip(&text, i == 0 ? STR("[") : STR(",")) ||
            !take_result(&text, &slip->legs[i].result))
            return false;
    }
    return empty || (text_skip(&text, STR("]")) && text.n == 0);
}
