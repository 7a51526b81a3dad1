/*
 * Unified Odds Feed XML to struct message.
 *
 * Two tables say what is read: `elements` (which element may stand under
 * which) and one list of attributes for each.  What no table names is
 * unknown: counted and passed over with all it contains (RULES.md 17).  What
 * is named and of no use to us is `passed`: neither read nor counted.
 *
 * Speed: a feed message is thousands of <outcome> elements whose attributes
 * come in one order.  So attributes are looked for where the last one was
 * found, nothing is allocated for an outcome, and text goes into one block
 * that cannot overflow: without entities of its own, a document's attribute
 * values are never longer than the document.
 *
 * Safety: a document type is refused before any entity can be declared, the
 * encoding is UTF-8 whatever the document says, and depth, markets, outcomes
 * and every text have limits.
 */
#include "feed/uof.h"

#include <expat.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/limits.h"
#include "feed/uof_inside.h"
#include "feed/value.h"
#include "model/money.h"

#define NAME_BYTES_MAX 512                 /* names and templates */
#define GROUPS_BYTES_MAX 512
#define ODDS_ABSENT (-1)                   /* while an outcome is read */
#define EXCERPT_BYTES 40                   /* of foreign text in an error */

enum element_kind {
    EL_DOCUMENT, /* above the root */
    EL_PASSED,   /* known or unknown: nothing below is looked at */
    EL_ODDS_CHANGE,
    EL_BET_SETTLEMENT,
    EL_CANCEL,   /* bet_cancel and both rollbacks: a list of markets */
    EL_LEAF,     /* nothing of interest below */
    EL_STATUS,
    EL_ODDS,
    EL_MARKET,
    EL_RESULTS,
    EL_RESULT_MARKET,
    EL_FIXTURES,
    EL_FIXTURE,
    EL_TOURNAMENT,
    EL_COMPETITORS,
    EL_DESCRIPTIONS,
    EL_DESCRIPTION,
    EL_NAMES,
    EL_DESK,
    EL_KINDS,
};

struct uof_parser;

struct element {
    enum element_kind parent, kind;
    const char *name;
    const struct attribute *attributes;
    unsigned n;
    void *(*begin)(struct uof_parser *parser); /* NULL: it failed */
    void (*ready)(struct uof_parser *parser);  /* all attributes are read */
    enum message_type type;                    /* of a root */
};

struct fixture_read {
    struct message_fixture fixture;
    int64_t scheduled_ms;
};

struct competitor_read {
    struct message_competitor competitor;
    struct str qualifier;
};

struct uof_parser {
    XML_Parser expat;

    /* of one document */
    struct arena *arena;
    struct uof_error *error;
    bool failed, internal;
    unsigned depth;
    uint8_t kinds[LIMIT_XML_DEPTH + 1]; /* enum element_kind, [0] = document */
    const struct element *root;
    char *text, *text_end;              /* room for copies of values */
    struct message message;
    struct fixture_read fixture;
    struct competitor_read competitor;
    struct desk_read desk;
    struct message_desk desk_entry;
    unsigned n_fixtures, n_competitors;

    /* arrays that grow and stay */
    struct message_market *markets;
    struct message_outcome *outcomes;
    struct message_description *descriptions;
    struct message_name *names;
    size_t markets_room, outcomes_room, descriptions_room, names_room;
};

/* ---- failing ---------------------------------------------------------- */

static void set_error(struct uof_parser *parser, const char *format, va_list args)
{
    if (parser->failed)
        return; /* the first one is the cause */
    parser->failed = true;
    parser->error->line = XML_GetCurrentLineNumber(parser->expat);
    parser->error->column = XML_GetCurrentColumnNumber(parser->expat) + 1;
    (void)vsnprintf(parser->error->text, sizeof(parser->error->text), format, args);
}

static void fail(struct uof_parser *parser, const char *format, ...) PRINTF_LIKE(2, 3);
static void fail(struct uof_parser *parser, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    set_error(parser, format, args);
    va_end(args);
    (void)XML_StopParser(parser->expat, XML_FALSE);
}

/* The length of a beginning of text that cuts no character in two. */
static int excerpt(struct str text)
{
    size_t n = text.n;

    if (n <= EXCERPT_BYTES)
        return (int)n;
    n = EXCERPT_BYTES;
    while (n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--;
    return (int)n;
}

static void fail_value(struct uof_parser *parser, const struct element *element,
                       const struct attribute *attribute, const char *value, const char *why)
{
    fail(parser, "element %s: attribute %s=\"%.*s\" %s", element->name, attribute->name,
         excerpt(str_of(value)), value, why);
}

/* ---- values ----------------------------------------------------------- */

static struct str text_copy(struct uof_parser *parser, const char *text, size_t n)
{
    struct str copy = { parser->text, n };

    CHECK(n <= (size_t)(parser->text_end - parser->text));
    memcpy(parser->text, text, n);
    parser->text += n;
    return copy;
}

/* NULL: done; else what is wrong with it. */
static const char *text_read(struct uof_parser *parser, const struct attribute *attribute,
                             const char *value, struct str *into)
{
    size_t n = strlen(value);

    if (n > (size_t)attribute->max)
        return "is too long";
    if (n == 0 && attribute->required)
        return "is empty";
    *into = text_copy(parser, value, n);
    return NULL;
}

static const char *integer_read(const struct attribute *attribute, const char *value, void *into)
{
    int64_t n;

    if (!value_integer(value, attribute->min, attribute->max, &n))
        return "is not a whole number in its range";
    switch (attribute->kind) {
    case VALUE_I8:
        *(int8_t *)into = (int8_t)n;
        break;
    case VALUE_I32:
        *(int32_t *)into = (int32_t)n;
        break;
    case VALUE_U32:
        *(uint32_t *)into = (uint32_t)n;
        break;
    default:
        *(int64_t *)into = n;
        break;
    }
    return NULL;
}

static const char *value_read(struct uof_parser *parser, const struct attribute *attribute,
                              const char *value, char *base)
{
    void *into = base + attribute->offset;

    switch (attribute->kind) {
    case VALUE_PASSED:
        return NULL;
    case VALUE_ODDS:
        return value_odds(value, into) ? NULL : "is not decimal odds";
    case VALUE_BOOL:
        return value_bool(value, into) ? NULL : "is not 0 or 1";
    case VALUE_TEXT:
        return text_read(parser, attribute, value, into);
    case VALUE_FACTOR:
        return decimal_parse(str_of(value), 12, FACTOR_ONE_E12, into) == DECIMAL_OK
                   ? NULL
                   : "is not a factor from 0 to 1 with at most 12 decimals";
    case VALUE_TIME:
        return clock_parse(str_of(value), into) ? NULL : "is not an RFC 3339 time";
    default:
        return integer_read(attribute, value, into);
    }
}

/* ---- what an element fills ---------------------------------------------- */

#define ROOM_FIRST 64

/* Room for one more in an array that grows by doubling, up to a limit. */
static bool grow(struct uof_parser *parser, void **array, size_t *room, size_t n, size_t size,
                 size_t limit, const char *what)
{
    void *larger;

    if (n >= limit) {
        fail(parser, "more than %zu %s in one message", limit, what);
        return false;
    }
    if (n < *room)
        return true;
    *room = *room == 0 ? ROOM_FIRST : *room * 2;
    larger = realloc(*array, *room * size);
    CHECK(larger != NULL);
    *array = larger;
    return true;
}

#define GROW(parser, field, n, limit)                                              \
    grow((parser), (void **)&(parser)->field, &(parser)->field##_room, (n),        \
         sizeof(*(parser)->field), (limit), #field)

static void *begin_message(struct uof_parser *parser)
{
    return &parser->message;
}

static void *begin_market(struct uof_parser *parser)
{
    struct message *message = &parser->message;
    struct message_market *market;

    if (!GROW(parser, markets, message->n_markets, LIMIT_MESSAGE_MARKETS))
        return NULL;
    market = &parser->markets[message->n_markets++];
    *market = (struct message_market){ .status = MARKET_ACTIVE, .first = message->n_outcomes };
    return market;
}

static void *begin_outcome(struct uof_parser *parser)
{
    struct message *message = &parser->message;
    struct message_outcome *outcome;

    if (!GROW(parser, outcomes, message->n_outcomes, LIMIT_MESSAGE_OUTCOMES))
        return NULL;
    if (++parser->markets[message->n_markets - 1].n > LIMIT_OUTCOMES) {
        fail(parser, "element market: more than %d outcomes", LIMIT_OUTCOMES);
        return NULL;
    }
    outcome = &parser->outcomes[message->n_outcomes++];
    *outcome = (struct message_outcome){
        .active = true, .result = -1, .dead_heat_e12 = FACTOR_ONE_E12,
    };
    return outcome;
}

static void *begin_priced(struct uof_parser *parser)
{
    struct message_outcome *outcome = begin_outcome(parser);

    if (outcome != NULL)
        outcome->odds_e4 = ODDS_ABSENT;
    return outcome;
}

static void *begin_fixture(struct uof_parser *parser)
{
    if (++parser->n_fixtures > 1) {
        fail(parser, "element fixtures_fixture: more than one fixture");
        return NULL;
    }
    return &parser->fixture;
}

static void *begin_names(struct uof_parser *parser)
{
    return &parser->fixture;
}

static void *begin_competitor(struct uof_parser *parser)
{
    parser->competitor = (struct competitor_read){ .qualifier = STR_NONE };
    parser->n_competitors++;
    return &parser->competitor;
}

static void *begin_description(struct uof_parser *parser)
{
    struct message *message = &parser->message;
    struct message_description *description;

    if (!GROW(parser, descriptions, message->n_descriptions, LIMIT_MESSAGE_MARKETS))
        return NULL;
    description = &parser->descriptions[message->n_descriptions++];
    *description = (struct message_description){ .first = message->n_names };
    return description;
}

static void *begin_name(struct uof_parser *parser)
{
    struct message *message = &parser->message;
    struct message_name *name;

    if (!GROW(parser, names, message->n_names, LIMIT_MESSAGE_OUTCOMES))
        return NULL;
    if (++parser->descriptions[message->n_descriptions - 1].n > LIMIT_OUTCOMES) {
        fail(parser, "element market: more than %d outcomes", LIMIT_OUTCOMES);
        return NULL;
    }
    name = &parser->names[message->n_names++];
    *name = (struct message_name){ .id = STR_NONE };
    return name;
}

static void *begin_desk(struct uof_parser *parser)
{
    uof_desk_begin(&parser->desk);
    return &parser->desk;
}

static void ready_desk(struct uof_parser *parser)
{
    const char *wrong = uof_desk_ready(&parser->desk, &parser->desk_entry, &parser->message);

    if (wrong != NULL)
        fail(parser, "element overround_desk: %s", wrong);
}

static void ready_status(struct uof_parser *parser)
{
    parser->message.has_status = true;
}

static void ready_market(struct uof_parser *parser)
{
    struct message_market *market = &parser->markets[parser->message.n_markets - 1];
    struct str text = market->specifiers;

    if (text.n > 0 && !specifiers_canonical(text, parser->arena, &market->specifiers))
        fail(parser, "element market: attribute specifiers=\"%.*s\" is not key=value|key=value",
             excerpt(text), text.p);
}

/* An inactive outcome may have no odds, or any (RULES.md 18). */
static void ready_priced(struct uof_parser *parser)
{
    struct message_outcome *outcome = &parser->outcomes[parser->message.n_outcomes - 1];

    if (outcome->odds_e4 >= ODDS_ONE_E4)
        return;
    if (outcome->active && outcome->odds_e4 != ODDS_ABSENT)
        fail(parser, "element outcome: attribute odds of active outcome \"%.*s\" is below 1",
             excerpt(outcome->id), outcome->id.p);
    outcome->odds_e4 = 0;
}

static void ready_result(struct uof_parser *parser)
{
    struct message_outcome *outcome = &parser->outcomes[parser->message.n_outcomes - 1];

    if (outcome->dead_heat_e12 != 0)
        return;
    if (outcome->result == 1)
        fail(parser, "element outcome: attribute dead_heat_factor of a winner is 0");
    outcome->dead_heat_e12 = FACTOR_ONE_E12;
}

static void ready_fixture(struct uof_parser *parser)
{
    struct fixture_read *read = &parser->fixture;

    if (read->fixture.start_ms == 0)
        read->fixture.start_ms = read->scheduled_ms;
    parser->message.event = read->fixture.event;
}

/* Without a qualifier the first is at home, as in every document seen. */
static void ready_competitor(struct uof_parser *parser)
{
    const struct competitor_read *read = &parser->competitor;
    struct message_fixture *fixture = &parser->fixture.fixture;

    if (str_eq(read->qualifier, STR("home")) ||
        (read->qualifier.n == 0 && parser->n_competitors == 1))
        fixture->home = read->competitor;
    else if (str_eq(read->qualifier, STR("away")) ||
             (read->qualifier.n == 0 && parser->n_competitors == 2))
        fixture->away = read->competitor;
}

/* ---- the tables --------------------------------------------------------- */

#define PRODUCT { "product", VALUE_I32, NEEDED, AT(message, producer), 1, INT32_MAX }
#define TIMESTAMP { "timestamp", VALUE_I64, NEEDED, AT(message, timestamp_ms), 0, TIME_MS_MAX }
#define EVENT { "event_id", VALUE_TEXT, NEEDED, AT(message, event), 0, LIMIT_ID_BYTES }
#define REQUEST(need) { "request_id", VALUE_I64, need, AT(message, request_id), 0, INT64_MAX }
#define HEAD PRODUCT, EVENT, TIMESTAMP, REQUEST(OPTIONAL)
#define START { "start_time", VALUE_I64, OPTIONAL, AT(message, start_ms), 0, TIME_MS_MAX }
#define END { "end_time", VALUE_I64, OPTIONAL, AT(message, end_ms), 0, TIME_MS_MAX }
#define MARKET_ID { "id", VALUE_U32, NEEDED, AT(message_market, market), 0, UINT32_MAX }
#define SPECIFIERS \
    { "specifiers", VALUE_TEXT, OPTIONAL, AT(message_market, specifiers), 0, \
      LIMIT_SPECIFIERS_BYTES }
#define VOID_REASON \
    { "void_reason", VALUE_I32, OPTIONAL, AT(message_market, void_reason), 0, INT32_MAX }
#define OUTCOME_ID \
    { "id", VALUE_TEXT, NEEDED, AT(message_outcome, id), 0, LIMIT_ID_BYTES }

static const struct attribute odds_change_attributes[] = {
    HEAD, PASSED("odds_change_reason"), PASSED("odds_generation_reason"),
};
static const struct attribute bet_stop_attributes[] = {
    HEAD,
    { "groups", VALUE_TEXT, OPTIONAL, AT(message, groups), 0, GROUPS_BYTES_MAX },
    { "market_status", VALUE_I8, OPTIONAL, AT(message, stop_status), MARKET_CANCELLED,
      MARKET_INACTIVE },
};
static const struct attribute bet_settlement_attributes[] = {
    HEAD, { "certainty", VALUE_I8, NEEDED, AT(message, certainty), 1, 2 },
};
static const struct attribute cancel_attributes[] = {
    HEAD, START, END, PASSED("superceded_by"), PASSED("superseded_by"),
};
static const struct attribute rollback_attributes[] = { HEAD };
static const struct attribute fixture_change_attributes[] = {
    HEAD, START, PASSED("next_live_time"), PASSED("change_type"), PASSED("coverage_info"),
};
static const struct attribute alive_attributes[] = {
    PRODUCT, TIMESTAMP,
    { "subscribed", VALUE_BOOL, NEEDED, AT(message, subscribed), 0, 0 },
    REQUEST(OPTIONAL),
};
static const struct attribute snapshot_attributes[] = {
    PRODUCT, TIMESTAMP, REQUEST(NEEDED),
};
static const struct attribute producer_attributes[] = {
    PRODUCT, TIMESTAMP, { "up", VALUE_BOOL, NEEDED, AT(message, up), 0, 0 },
};
static const struct attribute restart_attributes[] = { TIMESTAMP };
static const struct attribute document_attributes[] = {
    PASSED("generated_at"), PASSED("response_code"), PASSED("location"),
};

static const struct attribute status_attributes[] = {
    { "status", VALUE_I32, OPTIONAL, AT(message, event_status), 0, INT32_MAX },
    { "match_status", VALUE_I32, OPTIONAL, AT(message, match_status), 0, INT32_MAX },
    { "home_score", VALUE_TEXT, OPTIONAL, AT(message, home_score), 0, LIMIT_ID_BYTES },
    { "away_score", VALUE_TEXT, OPTIONAL, AT(message, away_score), 0, LIMIT_ID_BYTES },
    PASSED("reporting"), PASSED("winner_id"), PASSED("home_penalty_score"),
    PASSED("away_penalty_score"), PASSED("current_server"), PASSED("expedite_mode"),
    PASSED("tiebreak"), PASSED("home_gamescore"), PASSED("away_gamescore"),
    PASSED("home_legscore"), PASSED("away_legscore"), PASSED("home_suspend"),
    PASSED("away_suspend"), PASSED("throw"), PASSED("try"), PASSED("home_batter"),
    PASSED("away_batter"), PASSED("home_dismissals"), PASSED("away_dismissals"),
    PASSED("at_bat"), PASSED("balls"), PASSED("strikes"), PASSED("outs"), PASSED("bases"),
    PASSED("innings"), PASSED("over"), PASSED("delivery"), PASSED("possession"),
    PASSED("position"), PASSED("yards"), PASSED("visit"), PASSED("period_of_leader"),
    PASSED("home_remaining_bowls"), PASSED("away_remaining_bowls"), PASSED("current_end"),
    PASSED("current_ct_team"), PASSED("remaining_reds"),
};
static const struct attribute clock_attributes[] = {
    { "match_time", VALUE_TEXT, OPTIONAL, AT(message, match_time), 0, LIMIT_ID_BYTES },
    PASSED("stoppage_time"), PASSED("stoppage_time_announced"), PASSED("remaining_time"),
    PASSED("remaining_time_in_period"), PASSED("stopped"),
};
static const struct attribute odds_attributes[] = {
    PASSED("betting_status"), PASSED("betstop_reason"),
};
static const struct attribute market_attributes[] = {
    { "favourite", VALUE_BOOL, OPTIONAL, AT(message_market, favourite), 0, 0 },
    { "status", VALUE_I8, OPTIONAL, AT(message_market, status), MARKET_CANCELLED,
      MARKET_ACTIVE },
    PASSED("cashout_status"), MARKET_ID, SPECIFIERS, PASSED("extended_specifiers"),
};
static const struct attribute outcome_attributes[] = {
    OUTCOME_ID,
    { "odds", VALUE_ODDS, OPTIONAL, AT(message_outcome, odds_e4), 0, 0 },
    PASSED("probabilities"),
    { "active", VALUE_BOOL, OPTIONAL, AT(message_outcome, active), 0, 0 },
    PASSED("team"),
};
static const struct attribute result_market_attributes[] = {
    VOID_REASON, PASSED("result"), MARKET_ID, SPECIFIERS, PASSED("extended_specifiers"),
    PASSED("void_reason_id"), PASSED("void_reason_params"),
};
static const struct attribute result_attributes[] = {
    OUTCOME_ID,
    { "result", VALUE_I8, NEEDED, AT(message_outcome, result), -1, 1 },
    { "void_factor", VALUE_FACTOR, OPTIONAL, AT(message_outcome, void_e12), 0, 0 },
    { "dead_heat_factor", VALUE_FACTOR, OPTIONAL, AT(message_outcome, dead_heat_e12), 0, 0 },
};

#define FIXTURE_TEXT(name, need, field, max) \
    { name, VALUE_TEXT, need, AT(message_fixture, field), 0, max }

static const struct attribute fixture_attributes[] = {
    FIXTURE_TEXT("id", NEEDED, event, LIMIT_ID_BYTES),
    FIXTURE_TEXT("status", OPTIONAL, status, LIMIT_ID_BYTES),
    { "start_time", VALUE_TIME, OPTIONAL, AT(message_fixture, start_ms), 0, 0 },
    { "scheduled", VALUE_TIME, OPTIONAL, AT(fixture_read, scheduled_ms), 0, 0 },
    PASSED("start_time_tbd"), PASSED("start_time_confirmed"), PASSED("next_live_time"),
    PASSED("liveodds"), PASSED("name"), PASSED("type"), PASSED("replaced_by"),
    PASSED("scheduled_end"), PASSED("stage_type"),
};
static const struct attribute tournament_attributes[] = {
    FIXTURE_TEXT("id", OPTIONAL, tournament, LIMIT_ID_BYTES),
    FIXTURE_TEXT("name", OPTIONAL, tournament_name, NAME_BYTES_MAX),
    PASSED("scheduled"), PASSED("scheduled_end"),
};
static const struct attribute sport_attributes[] = {
    FIXTURE_TEXT("id", OPTIONAL, sport, LIMIT_ID_BYTES),
    FIXTURE_TEXT("name", OPTIONAL, sport_name, NAME_BYTES_MAX),
};
static const struct attribute category_attributes[] = {
    PASSED("id"), FIXTURE_TEXT("name", OPTIONAL, category_name, NAME_BYTES_MAX),
    PASSED("country_code"),
};
static const struct attribute competitor_attributes[] = {
    { "id", VALUE_TEXT, NEEDED, AT(competitor_read, competitor.id), 0, LIMIT_ID_BYTES },
    { "name", VALUE_TEXT, NEEDED, AT(competitor_read, competitor.name), 0, NAME_BYTES_MAX },
    { "abbreviation", VALUE_TEXT, OPTIONAL, AT(competitor_read, competitor.abbreviation), 0,
      LIMIT_ID_BYTES },
    { "qualifier", VALUE_TEXT, OPTIONAL, AT(competitor_read, qualifier), 0, LIMIT_ID_BYTES },
    PASSED("short_name"), PASSED("country"), PASSED("country_code"), PASSED("gender"),
    PASSED("virtual"), PASSED("age_group"), PASSED("state"), PASSED("division"),
};
static const struct attribute description_attributes[] = {
    { "id", VALUE_U32, NEEDED, AT(message_description, market), 0, UINT32_MAX },
    { "name", VALUE_TEXT, NEEDED, AT(message_description, name), 0, NAME_BYTES_MAX },
    { "groups", VALUE_TEXT, OPTIONAL, AT(message_description, groups), 0, GROUPS_BYTES_MAX },
    PASSED("description"), PASSED("includes_outcomes_of_type"), PASSED("outcome_type"),
    PASSED("variant"),
};
static const struct attribute name_attributes[] = {
    { "id", VALUE_TEXT, NEEDED, AT(message_name, id), 0, LIMIT_ID_BYTES },
    { "name", VALUE_TEXT, NEEDED, AT(message_name, name), 0, NAME_BYTES_MAX },
    PASSED("description"),
};

#define WITH(list) list, LENGTH(list)
#define ROOT(name, kind, list, type) \
    { EL_DOCUMENT, kind, name, WITH(list), begin_message, NULL, type }
#define PASS(parent, name) { parent, EL_PASSED, name, NULL, 0, NULL, NULL, 0 }

/* Grouped by parent; what comes most often first. */
static const struct element elements[] = {
    ROOT("odds_change", EL_ODDS_CHANGE, odds_change_attributes, MESSAGE_ODDS_CHANGE),
    ROOT("bet_stop", EL_LEAF, bet_stop_attributes, MESSAGE_BET_STOP),
    ROOT("bet_settlement", EL_BET_SETTLEMENT, bet_settlement_attributes,
         MESSAGE_BET_SETTLEMENT),
    ROOT("bet_cancel", EL_CANCEL, cancel_attributes, MESSAGE_BET_CANCEL),
    ROOT("rollback_bet_settlement", EL_CANCEL, rollback_attributes,
         MESSAGE_ROLLBACK_SETTLEMENT),
    ROOT("rollback_bet_cancel", EL_CANCEL, cancel_attributes, MESSAGE_ROLLBACK_CANCEL),
    ROOT("fixture_change", EL_LEAF, fixture_change_attributes, MESSAGE_FIXTURE_CHANGE),
    ROOT("alive", EL_LEAF, alive_attributes, MESSAGE_ALIVE),
    ROOT("snapshot_complete", EL_LEAF, snapshot_attributes, MESSAGE_SNAPSHOT_COMPLETE),
    ROOT("fixtures_fixture", EL_FIXTURES, document_attributes, MESSAGE_FIXTURE),
    ROOT("market_descriptions", EL_DESCRIPTIONS, document_attributes,
         MESSAGE_MARKET_DESCRIPTIONS),
    ROOT("overround_producer", EL_LEAF, producer_attributes, MESSAGE_PRODUCER),
    ROOT("overround_restart", EL_LEAF, restart_attributes, MESSAGE_RESTART),
    { EL_DOCUMENT, EL_DESK, "overround_desk", uof_desk_attributes, UOF_DESK_ATTRIBUTES,
      begin_desk, ready_desk, MESSAGE_DESK },
    /* the other spellings */
    ROOT("oddschange", EL_ODDS_CHANGE, odds_change_attributes, MESSAGE_ODDS_CHANGE),
    ROOT("betstop", EL_LEAF, bet_stop_attributes, MESSAGE_BET_STOP),
    ROOT("betsettlement", EL_BET_SETTLEMENT, bet_settlement_attributes,
         MESSAGE_BET_SETTLEMENT),
    ROOT("cancelbet", EL_CANCEL, cancel_attributes, MESSAGE_BET_CANCEL),
    ROOT("betcancel", EL_CANCEL, cancel_attributes, MESSAGE_BET_CANCEL),
    ROOT("rollback_betsettlement", EL_CANCEL, rollback_attributes,
         MESSAGE_ROLLBACK_SETTLEMENT),
    ROOT("rollback_cancelbet", EL_CANCEL, cancel_attributes, MESSAGE_ROLLBACK_CANCEL),
    ROOT("rollback_betcancel", EL_CANCEL, cancel_attributes, MESSAGE_ROLLBACK_CANCEL),
    ROOT("fixturechange", EL_LEAF, fixture_change_attributes, MESSAGE_FIXTURE_CHANGE),
    ROOT("snapshotcomplete", EL_LEAF, snapshot_attributes, MESSAGE_SNAPSHOT_COMPLETE),

    { EL_ODDS_CHANGE, EL_ODDS, "odds", WITH(odds_attributes), begin_message, NULL, 0 },
    { EL_ODDS_CHANGE, EL_STATUS, "sport_event_status", WITH(status_attributes), begin_message,
      ready_status, 0 },
    PASS(EL_ODDS_CHANGE, "odds_generation_properties"),
    PASS(EL_ODDS_CHANGE, "sport_event"),

    { EL_STATUS, EL_LEAF, "clock", WITH(clock_attributes), begin_message, NULL, 0 },
    PASS(EL_STATUS, "period_scores"),
    PASS(EL_STATUS, "results"),
    PASS(EL_STATUS, "statistics"),

    { EL_ODDS, EL_MARKET, "market", WITH(market_attributes), begin_market, ready_market, 0 },

    { EL_MARKET, EL_LEAF, "outcome", WITH(outcome_attributes), begin_priced, ready_priced, 0 },
    PASS(EL_MARKET, "market_metadata"),

    { EL_BET_SETTLEMENT, EL_RESULTS, "outcomes", NULL, 0, begin_message, NULL, 0 },

    { EL_RESULTS, EL_RESULT_MARKET, "market", WITH(result_market_attributes), begin_market,
      ready_market, 0 },

    { EL_RESULT_MARKET, EL_LEAF, "outcome", WITH(result_attributes), begin_outcome,
      ready_result, 0 },

    { EL_CANCEL, EL_PASSED, "market", WITH(result_market_attributes), begin_market,
      ready_market, 0 },

    { EL_DESK, EL_RESULT_MARKET, "market", WITH(result_market_attributes), begin_market,
      ready_market, 0 },

    { EL_FIXTURES, EL_FIXTURE, "fixture", WITH(fixture_attributes), begin_fixture,
      ready_fixture, 0 },

    { EL_FIXTURE, EL_TOURNAMENT, "tournament", WITH(tournament_attributes), begin_names, NULL,
      0 },
    { EL_FIXTURE, EL_COMPETITORS, "competitors", NULL, 0, begin_message, NULL, 0 },
    PASS(EL_FIXTURE, "tournament_round"),
    PASS(EL_FIXTURE, "season"),
    PASS(EL_FIXTURE, "venue"),
    PASS(EL_FIXTURE, "tv_channels"),
    PASS(EL_FIXTURE, "extra_info"),
    PASS(EL_FIXTURE, "coverage_info"),
    PASS(EL_FIXTURE, "product_info"),
    PASS(EL_FIXTURE, "reference_ids"),
    PASS(EL_FIXTURE, "scheduled_start_time_changes"),
    PASS(EL_FIXTURE, "delayed_info"),
    PASS(EL_FIXTURE, "parent"),
    PASS(EL_FIXTURE, "races"),

    { EL_TOURNAMENT, EL_PASSED, "sport", WITH(sport_attributes), begin_names, NULL, 0 },
    { EL_TOURNAMENT, EL_PASSED, "category", WITH(category_attributes), begin_names, NULL, 0 },

    { EL_COMPETITORS, EL_PASSED, "competitor", WITH(competitor_attributes), begin_competitor,
      ready_competitor, 0 },

    { EL_DESCRIPTIONS, EL_DESCRIPTION, "market", WITH(description_attributes),
      begin_description, NULL, 0 },

    { EL_DESCRIPTION, EL_NAMES, "outcomes", NULL, 0, begin_message, NULL, 0 },
    PASS(EL_DESCRIPTION, "specifiers"),
    PASS(EL_DESCRIPTION, "mappings"),
    PASS(EL_DESCRIPTION, "attributes"),

    { EL_NAMES, EL_PASSED, "outcome", WITH(name_attributes), begin_name, NULL, 0 },
};

/* ---- reading ------------------------------------------------------------ */

/* Made once from the tables: elements[first .. end) stand under a kind, and
 * the bits of an element's required attributes. */
static struct { unsigned first, end; } children[EL_KINDS];
static uint64_t required[LENGTH(elements)];

static void tables_index(void)
{
    for (unsigned i = 0; i < LENGTH(elements); i++) {
        unsigned parent = elements[i].parent;

        if (children[parent].end == 0)
            children[parent].first = i;
        CHECK(children[parent].end == 0 || children[parent].end == i);
        children[parent].end = i + 1;
        CHECK(elements[i].n <= 64);
        required[i] = 0;
        for (unsigned k = 0; k < elements[i].n; k++)
            required[i] |= (uint64_t)elements[i].attributes[k].required << k;
    }
}

static bool same(const char *a, const char *b)
{
    return a[0] == b[0] && strcmp(a, b) == 0;
}

static const struct element *element_find(unsigned parent, const char *name)
{
    for (unsigned i = children[parent].first; i < children[parent].end; i++)
        if (same(name, elements[i].name))
            return &elements[i];
    return NULL;
}

/* xmlns, xmlns:xsi, xsi:schemaLocation, xml:lang: of XML, not of the feed. */
static bool is_of_xml(const char *name)
{
    return strncmp(name, "xmlns", 5) == 0 || strchr(name, ':') != NULL;
}

/* Looks from `from` on and then from the start: attributes keep their order. */
static unsigned attribute_find(const struct element *element, unsigned from, const char *name)
{
    for (unsigned i = from; i < element->n; i++)
        if (same(name, element->attributes[i].name))
            return i;
    for (unsigned i = 0; i < from; i++)
        if (same(name, element->attributes[i].name))
            return i;
    return element->n;
}

static void fail_missing(struct uof_parser *parser, const struct element *element,
                         uint64_t seen)
{
    for (unsigned i = 0; i < element->n; i++)
        if (element->attributes[i].required && (seen >> i & 1) == 0)
            fail(parser, "element %s: attribute %s is missing", element->name,
                 element->attributes[i].name);
}

static void attributes_read(struct uof_parser *parser, const struct element *element,
                            const char **pairs, char *base)
{
    uint64_t seen = 0;
    unsigned at = 0;

    for (; *pairs != NULL; pairs += 2) {
        unsigned found = attribute_find(element, at, pairs[0]);
        const char *wrong;

        if (found == element->n) {
            parser->message.unknown += !is_of_xml(pairs[0]);
            continue;
        }
        wrong = value_read(parser, &element->attributes[found], pairs[1], base);
        if (wrong != NULL) {
            fail_value(parser, element, &element->attributes[found], pairs[1], wrong);
            return;
        }
        seen |= (uint64_t)1 << found;
        at = found + 1;
    }
    if ((required[element - elements] & ~seen) != 0)
        fail_missing(parser, element, seen);
}

static bool root_is_admitted(struct uof_parser *parser, const struct element *root,
                             const char *name)
{
    if (root == NULL) {
        fail(parser, "element %.*s is no message of the feed", excerpt(str_of(name)), name);
        return false;
    }
    if (!parser->internal && root->type >= MESSAGE_PRODUCER) {
        fail(parser, "element %s is not accepted from outside", root->name);
        return false;
    }
    parser->root = root;
    parser->message.type = root->type;
    return true;
}

static void on_start(void *ctx, const XML_Char *name, const XML_Char **pairs)
{
    struct uof_parser *parser = ctx;
    unsigned parent = parser->kinds[parser->depth];
    const struct element *element;
    char *base;

    if (parser->failed)
        return;
    if (parser->depth == LIMIT_XML_DEPTH) {
        fail(parser, "elements are nested more than %d deep", LIMIT_XML_DEPTH);
        return;
    }
    parser->kinds[++parser->depth] = EL_PASSED;
    if (parent == EL_PASSED)
        return;
    element = element_find(parent, name);
    if (parent == EL_DOCUMENT && !root_is_admitted(parser, element, name))
        return;
    if (element == NULL) {
        parser->message.unknown++;
        return;
    }
    parser->kinds[parser->depth] = (uint8_t)element->kind;
    if (element->begin == NULL || (base = element->begin(parser)) == NULL)
        return;
    attributes_read(parser, element, pairs, base);
    if (!parser->failed && element->ready != NULL)
        element->ready(parser);
}

static void on_end(void *ctx, const XML_Char *name UNUSED)
{
    struct uof_parser *parser = ctx;

    if (!parser->failed)
        parser->depth--;
}

static void on_doctype(void *ctx, const XML_Char *name UNUSED, const XML_Char *system UNUSED,
                       const XML_Char *public UNUSED, int internal UNUSED)
{
    fail(ctx, "a document type declaration is not allowed");
}

static void on_xml(void *ctx, const XML_Char *version UNUSED, const XML_Char *encoding,
                   int standalone UNUSED)
{
    if (encoding != NULL && strcasecmp(encoding, "UTF-8") != 0 &&
        strcasecmp(encoding, "US-ASCII") != 0)
        fail(ctx, "encoding %.*s is not UTF-8", excerpt(str_of(encoding)), encoding);
}

/* ---- the parser ----------------------------------------------------------- */

struct uof_parser *uof_parser_new(void)
{
    struct uof_parser *parser = calloc(1, sizeof(*parser));

    CHECK(parser != NULL);
    if (children[EL_DOCUMENT].end == 0)
        tables_index();
    parser->expat = XML_ParserCreate("UTF-8");
    CHECK(parser->expat != NULL);
    return parser;
}

void uof_parser_free(struct uof_parser *parser)
{
    if (parser == NULL)
        return;
    XML_ParserFree(parser->expat);
    free(parser->markets);
    free(parser->outcomes);
    free(parser->descriptions);
    free(parser->names);
    free(parser);
}

static void parser_begin(struct uof_parser *parser, struct str bytes, bool internal,
                         struct arena *arena, struct uof_error *error)
{
    /* A parser of its own, never a child: resetting it cannot fail. */
    CHECK(XML_ParserReset(parser->expat, "UTF-8") == XML_TRUE);
    XML_SetUserData(parser->expat, parser);
    XML_SetElementHandler(parser->expat, on_start, on_end);
    XML_SetStartDoctypeDeclHandler(parser->expat, on_doctype);
    XML_SetXmlDeclHandler(parser->expat, on_xml);
    parser->arena = arena;
    parser->error = error;
    parser->failed = false;
    parser->internal = internal;
    parser->depth = 0;
    parser->kinds[0] = EL_DOCUMENT;
    parser->root = NULL;
    parser->text = arena_alloc(arena, bytes.n);
    parser->text_end = parser->text + bytes.n;
    parser->message = (struct message){
        .stop_status = MARKET_SUSPENDED, .end_ms = INT64_MAX,
        .event_status = -1, .match_status = -1,
    };
    parser->fixture = (struct fixture_read){ .scheduled_ms = 0 };
    parser->n_fixtures = parser->n_competitors = 0;
}

static void *array_copy(struct arena *arena, const void *from, size_t n, size_t size)
{
    return n == 0 ? NULL : memcpy(arena_alloc(arena, n * size), from, n * size);
}

static void message_take(struct uof_parser *parser, struct message *message)
{
    struct arena *arena = parser->arena;

    *message = parser->message;
    message->markets = array_copy(arena, parser->markets, message->n_markets,
                                  sizeof(*message->markets));
    message->outcomes = array_copy(arena, parser->outcomes, message->n_outcomes,
                                   sizeof(*message->outcomes));
    message->descriptions = array_copy(arena, parser->descriptions, message->n_descriptions,
                                       sizeof(*message->descriptions));
    message->names = array_copy(arena, parser->names, message->n_names,
                                sizeof(*message->names));
    if (message->desk != NULL)
        message->desk = array_copy(arena, message->desk, 1, sizeof(*message->desk));
    if (parser->n_fixtures > 0)
        message->fixture = array_copy(arena, &parser->fixture.fixture, 1,
                                      sizeof(*message->fixture));
}

/* What no element alone can tell. */
static void check_whole(struct uof_parser *parser)
{
    const char *fault;

    if (parser->root->type == MESSAGE_FIXTURE && parser->n_fixtures == 0)
        fail(parser, "element fixtures_fixture: element fixture is missing");
    if (parser->root->type != MESSAGE_DESK)
        return;
    fault = parser->message.unknown > 0 ? "what is not known is not passed over" : NULL;
    parser->message.markets = parser->markets;
    parser->message.outcomes = parser->outcomes;
    if (fault == NULL)
        fault = desk_entry_fault(&parser->message);
    if (fault != NULL)
        fail(parser, "element overround_desk: %s", fault);
}

static void fail_expat(struct uof_parser *parser)
{
    fail(parser, "not well-formed XML in UTF-8: %s",
         XML_ErrorString(XML_GetErrorCode(parser->expat)));
}

bool uof_parse(struct uof_parser *parser, struct str bytes, bool internal,
               struct arena *arena, struct message *message, struct uof_error *error)
{
    static const char *const utf16[] = { "\xff\xfe", "\xfe\xff" };

    CHECK(bytes.n <= INT32_MAX);
    parser_begin(parser, bytes, internal, arena, error);
    for (unsigned i = 0; i < LENGTH(utf16); i++)
        if (bytes.n >= 2 && memcmp(bytes.p, utf16[i], 2) == 0)
            fail(parser, "the encoding is UTF-16, not UTF-8");
    if (!parser->failed &&
        XML_Parse(parser->expat, bytes.p, (int)bytes.n, XML_TRUE) != XML_STATUS_OK)
        fail_expat(parser);
    if (!parser->failed)
        check_whole(parser);
    if (parser->failed)
        return false;
    message_take(parser, message);
    return true;
}

const char *message_type_name(enum message_type type)
{
    for (unsigned i = children[EL_DOCUMENT].first; i < LENGTH(elements); i++)
        if (elements[i].parent == EL_DOCUMENT && elements[i].type == type)
            return elements[i].name;
    return "unknown";
}
