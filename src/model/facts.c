/*
 * Facts: from a message, to stored text and back, and the ruling over all
 * facts of one market (RULES.md 1, 2, 5).
 *
 * The ruling is a function of the SET of facts: a fact delivered twice counts
 * where it stood first, and nothing depends on the order of the array.
 */
#include "model/facts.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/text.h"
#include "model/money.h"

/* ---- from a message --------------------------------------------------- */

static bool factors_are_sane(int64_t void_e12, int64_t dead_heat_e12)
{
    return void_e12 >= 0 && void_e12 <= FACTOR_ONE_E12 && dead_heat_e12 >= 0 &&
           dead_heat_e12 <= FACTOR_ONE_E12;
}

/* What cannot be a result is undecided: the leg stays open, nobody is paid. */
static struct fact_outcome outcome_make(struct str id, int8_t result, int64_t void_e12,
                                        int64_t dead_heat_e12)
{
    if ((result != 0 && result != 1) || !factors_are_sane(void_e12, dead_heat_e12))
        return (struct fact_outcome){ id, -1, 0, FACTOR_ONE_E12 };
    return (struct fact_outcome){ id, result, void_e12, dead_heat_e12 };
}

struct arrival {
    struct fact_outcome outcome;
    uint32_t order; /* of arrival: the later wins */
};

static int arrival_order(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    int order = str_cmp(x->outcome.id, y->outcome.id);

    if (order != 0)
        return order;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Sorted by id, the last arrival of each id, into outcomes; returns their count. */
static uint32_t arrivals_merge(struct arrival *arrivals, uint32_t n,
                               struct fact_outcome *outcomes)
{
    uint32_t kept = 0;

    if (n > 1)
        qsort(arrivals, n, sizeof(arrivals[0]), arrival_order);
    for (uint32_t i = 0; i < n; i++) {
        CHECK(arrivals[i].order < n);
        if (i + 1 < n && str_eq(arrivals[i].outcome.id, arrivals[i + 1].outcome.id))
            continue;
        outcomes[kept++] = arrivals[i].outcome;
    }
    CHECK(kept <= n && (kept > 0 || n == 0));
    return kept;
}

static int market_order(const void *a, const void *b)
{
    const struct message_market *x = *(const struct message_market *const *)a;
    const struct message_market *y = *(const struct message_market *const *)b;
    int order = x->market < y->market ? -1 : x->market > y->market;

    if (order == 0)
        order = str_cmp(x->specifiers, y->specifiers);
    if (order == 0)
        order = x < y ? -1 : x > y; /* as listed */
    return order;
}

/* Listings of one market within `listed`, sorted: how many from `at` on. */
static uint32_t same_market(const struct message_market **listed, uint32_t at, uint32_t n)
{
    uint32_t end = at + 1;

    CHECK(at < n);
    while (end < n && listed[end]->market == listed[at]->market &&
           str_eq(listed[end]->specifiers, listed[at]->specifiers))
        end++;
    return end - at;
}

static void fact_take_outcomes(struct fact *fact, const struct message *message,
                               const struct message_market **listings, uint32_t n_listings,
                               struct arena *arena)
{
    struct arrival *arrivals;
    uint32_t room = 0, n = 0;

    for (uint32_t i = 0; i < n_listings; i++)
        room += listings[i]->n;
    arrivals = ARENA_ARRAY(arena, struct arrival, room);
    for (uint32_t i = 0; i < n_listings; i++) {
        CHECK((uint64_t)listings[i]->first + listings[i]->n <= message->n_outcomes);
        for (uint32_t k = 0; k < listings[i]->n; k++, n++) {
            const struct message_outcome *o = &message->outcomes[listings[i]->first + k];
            arrivals[n].outcome = outcome_make(o->id, o->result, o->void_e12, o->dead_heat_e12);
            arrivals[n].order = n;
        }
    }
    CHECK(n == room);
    fact->outcomes = ARENA_ARRAY(arena, struct fact_outcome, room);
    fact->n_outcomes = arrivals_merge(arrivals, n, fact->outcomes);
}

/* What two operators decided; a proposal alone is no fact. */
static bool desk_kind_of(const struct message_desk *desk, enum fact_kind *kind)
{
    if (desk->act != DESK_CONFIRM)
        return false;
    switch (desk->what) {
    case DESK_RESULT:
        *kind = FACT_SETTLEMENT;
        return true;
    case DESK_VOID:
        *kind = FACT_CANCEL;
        return true;
    case DESK_UNDO_RESULT:
        *kind = FACT_ROLLBACK_SETTLEMENT;
        return true;
    case DESK_UNDO_VOID:
        *kind = FACT_ROLLBACK_CANCEL;
        return true;
    case DESK_NOTHING:
        break;
    }
    return false;
}

static bool fact_kind_of(const struct message *message, enum fact_kind *kind)
{
    switch (message->type) {
    case MESSAGE_DESK:
        return desk_kind_of(message->desk, kind);
    case MESSAGE_BET_SETTLEMENT:
        *kind = FACT_SETTLEMENT;
        return true;
    case MESSAGE_BET_CANCEL:
        *kind = FACT_CANCEL;
        return true;
    case MESSAGE_ROLLBACK_SETTLEMENT:
        *kind = FACT_ROLLBACK_SETTLEMENT;
        return true;
    case MESSAGE_ROLLBACK_CANCEL:
        *kind = FACT_ROLLBACK_CANCEL;
        return true;
    default:
        return false;
    }
}

static void fact_fill(struct fact *fact, enum fact_kind kind, const struct message *message,
                      const struct message_market *market, int64_t position)
{
    *fact = (struct fact){
        .kind = kind,
        .rank = message->type == MESSAGE_DESK ? FACT_RANK_DESK : FACT_RANK_FEED,
        .id = { message->event, market->market, market->specifiers },
        .producer = message->producer,
        .timestamp_ms = message->timestamp_ms,
        .position = position,
    };
    CHECK(position > 0);
    fact->key = market_key(fact->id);
    if (kind == FACT_SETTLEMENT)
        fact->certainty = message->type == MESSAGE_DESK ? 2 : message->certainty;
    if (kind == FACT_CANCEL || kind == FACT_ROLLBACK_CANCEL) {
        fact->start_ms = message->start_ms;
        fact->end_ms = message->end_ms;
    }
}

/* Sorted by id, none twice: what arrivals_merge() makes and the store keeps. */
static bool outcomes_are_sorted(const struct fact *fact)
{
    for (uint32_t i = 1; i < fact->n_outcomes; i++)
        if (str_cmp(fact->outcomes[i - 1].id, fact->outcomes[i].id) >= 0)
            return false;
    return true;
}

/* What a fact of a message is: its kind, its rank, its outcomes. */
static void fact_check(const struct fact *fact)
{
    CHECK(fact->kind >= FACT_SETTLEMENT && fact->kind <= FACT_ROLLBACK_CANCEL);
    CHECK(fact->rank == FACT_RANK_FEED || fact->rank == FACT_RANK_DESK);
    CHECK(fact->kind == FACT_SETTLEMENT || fact->n_outcomes == 0);
    CHECK(fact->kind == FACT_SETTLEMENT || fact->certainty == 0);
    CHECK_DEAR(fact->key == market_key(fact->id));
    CHECK_DEAR(outcomes_are_sorted(fact));
    for (uint32_t i = 0; i < fact->n_outcomes; i++) {
        const struct fact_outcome *outcome = &fact->outcomes[i];

        CHECK(outcome->result >= -1 && outcome->result <= 1);
        CHECK(factors_are_sane(outcome->void_e12, outcome->dead_heat_e12));
    }
}

struct fact *facts_from_message(const struct message *message, int64_t position,
                                struct arena *arena, uint32_t *n)
{
    const struct message_market **listed;
    struct fact *facts;
    enum fact_kind kind;

    *n = 0;
    if (!fact_kind_of(message, &kind) || message->n_markets == 0)
        return NULL;
    listed = ARENA_ARRAY(arena, const struct message_market *, message->n_markets);
    for (uint32_t i = 0; i < message->n_markets; i++)
        listed[i] = &message->markets[i];
    qsort(listed, message->n_markets, sizeof(struct message_market *), market_order);
    facts = ARENA_ARRAY(arena, struct fact, message->n_markets);
    for (uint32_t at = 0, step; at < message->n_markets; at += step) {
        struct fact *fact = &facts[(*n)++];

        step = same_market(listed, at, message->n_markets);
        fact_fill(fact, kind, message, listed[at], position);
        if (kind == FACT_SETTLEMENT)
            fact_take_outcomes(fact, message, listed + at, step, arena);
        fact_check(fact);
    }
    CHECK(*n <= message->n_markets);
    return facts;
}

/* ---- stored text -------------------------------------------------------
 *
 *   outcomes = outcome *( ";" outcome )        sorted by id
 *   outcome  = id "=" result "," void "," dead-heat
 *
 * The id's bytes that could be taken for a separator are written %XX. */

static bool needs_escape(unsigned char c)
{
    return c <= 0x20 || c == 0x7f || c == '%' || c == '=' || c == ';' || c == ',';
}

static void id_encode(struct buf *out, struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        unsigned char c = (unsigned char)id.p[i];

        if (needs_escape(c))
            buf_printf(out, "%%%02X", c);
        else
            buf_char(out, (char)c);
    }
}

/* A factor x 10^12 as the shortest decimal: "0", "0.5", "1". */
static void factor_encode(struct buf *out, int64_t e12)
{
    int64_t part = e12 % FACTOR_ONE_E12;

    CHECK(e12 >= 0 && e12 <= FACTOR_ONE_E12);
    buf_int(out, e12 / FACTOR_ONE_E12);
    if (part != 0)
        buf_char(out, '.');
    while (part != 0) {
        part *= 10;
        buf_char(out, (char)('0' + part / FACTOR_ONE_E12));
        part %= FACTOR_ONE_E12;
    }
}

struct str fact_outcomes_encode(const struct fact *fact, struct arena *arena)
{
    struct arrival *arrivals = ARENA_ARRAY(arena, struct arrival, fact->n_outcomes);
    struct fact_outcome *sorted = ARENA_ARRAY(arena, struct fact_outcome, fact->n_outcomes);
    struct buf out;
    struct str text;
    uint32_t n;

    for (uint32_t i = 0; i < fact->n_outcomes; i++) {
        const struct fact_outcome *o = &fact->outcomes[i];
        arrivals[i].outcome = outcome_make(o->id, o->result, o->void_e12, o->dead_heat_e12);
        arrivals[i].order = i;
    }
    n = arrivals_merge(arrivals, fact->n_outcomes, sorted);
    CHECK(n <= fact->n_outcomes);
    buf_init(&out, LIMIT_FEED_BODY_BYTES * (size_t)4);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            buf_char(&out, ';');
        id_encode(&out, sorted[i].id);
        buf_char(&out, '=');
        buf_int(&out, sorted[i].result);
        buf_char(&out, ',');
        factor_encode(&out, sorted[i].void_e12);
        buf_char(&out, ',');
        factor_encode(&out, sorted[i].dead_heat_e12);
    }
    CHECK(!out.overflow);
    text = arena_str(arena, buf_view(&out));
    buf_fini(&out);
    return text;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool id_decode(struct str text, struct arena *arena, struct str *id)
{
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '%') {
            out[n++] = text.p[i];
            continue;
        }
        if (text.n - i < 3 || hex_digit(text.p[i + 1]) < 0 || hex_digit(text.p[i + 2]) < 0)
            return false;
        out[n] = (char)(hex_digit(text.p[i + 1]) * 16 + hex_digit(text.p[i + 2]));
        if (!needs_escape((unsigned char)out[n++]))
            return false; /* not what encode wrote: the rest of UTF-8 stays UTF-8 */
        i += 2;
    }
    CHECK(n <= text.n);
    *id = (struct str){ out, n };
    return true;
}

static bool result_decode(struct str text, int8_t *result)
{
    if (str_eq(text, STR("-1")))
        *result = -1;
    else if (text.n == 1 && (text.p[0] == '0' || text.p[0] == '1'))
        *result = (int8_t)(text.p[0] - '0');
    else
        return false;
    return true;
}

static bool factor_decode(struct str text, int64_t *e12)
{
    return decimal_parse(text, 12, FACTOR_ONE_E12, e12) == DECIMAL_OK;
}

static bool outcome_decode(struct str text, struct arena *arena, struct fact_outcome *outcome)
{
    struct str id, result, void_factor;

    if (!text_cut(&text, '=', &id) || !text_cut(&text, ',', &result) ||
        !text_cut(&text, ',', &void_factor) ||
        !id_decode(id, arena, &outcome->id) || !result_decode(result, &outcome->result) ||
        !factor_decode(void_factor, &outcome->void_e12) ||
        !factor_decode(text, &outcome->dead_heat_e12))
        return false;
    CHECK(factors_are_sane(outcome->void_e12, outcome->dead_heat_e12));
    *outcome = outcome_make(outcome->id, outcome->result, outcome->void_e12,
                            outcome->dead_heat_e12);
    return true;
}

static uint32_t count_outcomes(struct str text)
{
    uint32_t n = text.n > 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == ';';
    return n;
}

bool fact_outcomes_decode(struct str text, struct arena *arena, struct fact *fact)
{
    uint32_t n = count_outcomes(text);
    struct fact_outcome *outcomes = ARENA_ARRAY(arena, struct fact_outcome, n);

    for (uint32_t i = 0; i < n; i++) {
        struct str one = text;

        if (i + 1 < n && !text_cut(&text, ';', &one))
            return false;
        if (!outcome_decode(one, arena, &outcomes[i]))
            return false;
        if (i > 0 && str_cmp(outcomes[i - 1].id, outcomes[i].id) >= 0)
            return false; /* not what encode wrote */
    }
    fact->outcomes = outcomes;
    fact->n_outcomes = n;
    CHECK_DEAR(outcomes_are_sorted(fact));
    return true;
}

/* ---- the ruling ------------------------------------------------------- */

struct facts_of {
    const struct fact *all;
    uint32_t n;
};

static bool outcomes_equal(const struct fact *a, const struct fact *b)
{
    if (a->n_outcomes != b->n_outcomes)
        return false;
    for (uint32_t i = 0; i < a->n_outcomes; i++) {
        const struct fact_outcome *x = &a->outcomes[i], *y = &b->outcomes[i];

        if (!str_eq(x->id, y->id) || x->result != y->result || x->void_e12 != y->void_e12 ||
            x->dead_heat_e12 != y->dead_heat_e12)
            return false;
    }
    return true;
}

/* The same fact, delivered again: all but the place in our log is equal. */
static bool is_copy(const struct fact *a, const struct fact *b)
{
    return a->kind == b->kind && a->rank == b->rank && a->producer == b->producer &&
           a->timestamp_ms == b->timestamp_ms && a->certainty == b->certainty &&
           a->start_ms == b->start_ms && a->end_ms == b->end_ms && outcomes_equal(a, b);
}

static int64_t first_position(struct facts_of facts, const struct fact *fact)
{
    int64_t first = fact->position;

    for (uint32_t i = 0; i < facts.n; i++)
        if (facts.all[i].position < first && is_copy(&facts.all[i], fact))
            first = facts.all[i].position;
    CHECK(first <= fact->position);
    return first;
}

static bool is_older(struct facts_of facts, const struct fact *a, const struct fact *b)
{
    if (a->timestamp_ms != b->timestamp_ms)
        return a->timestamp_ms < b->timestamp_ms;
    return first_position(facts, a) < first_position(facts, b);
}

static bool undoes(const struct fact *rollback, const struct fact *fact)
{
    CHECK(fact->kind == FACT_SETTLEMENT || fact->kind == FACT_CANCEL);
    if (rollback->rank != fact->rank)
        return false; /* the desk's word is withdrawn by the desk alone */
    if (fact->kind == FACT_SETTLEMENT)
        return rollback->kind == FACT_ROLLBACK_SETTLEMENT;
    if (rollback->kind != FACT_ROLLBACK_CANCEL)
        return false;
    return rollback->rank == FACT_RANK_DESK || /* it takes all its windows back */
           (rollback->start_ms == fact->start_ms && rollback->end_ms == fact->end_ms);
}

static bool is_rolled_back(struct facts_of facts, const struct fact *fact)
{
    for (uint32_t i = 0; i < facts.n; i++)
        if (undoes(&facts.all[i], fact) && is_older(facts, fact, &facts.all[i]))
            return true;
    return false;
}

static bool settlement_beats(struct facts_of facts, const struct fact *a, const struct fact *b)
{
    CHECK(a->kind == FACT_SETTLEMENT);
    if (b == NULL)
        return true;
    if (a->rank != b->rank)
        return a->rank > b->rank;
    if (a->certainty != b->certainty)
        return a->certainty > b->certainty;
    return is_older(facts, b, a);
}

/* What is in force is in force by rule 1, whatever the order of the facts. */
static void ruling_check(struct facts_of facts, const struct ruling *ruling)
{
    const struct fact *settlement = ruling->settlement;

    CHECK(ruling->n_cancels <= facts.n);
    CHECK(settlement == NULL || settlement->kind == FACT_SETTLEMENT);
    CHECK_DEAR(settlement == NULL || !is_rolled_back(facts, settlement));
    for (uint32_t i = 0; i < ruling->n_cancels; i++) {
        CHECK(ruling->cancels[i]->kind == FACT_CANCEL);
        CHECK_DEAR(!is_rolled_back(facts, ruling->cancels[i]));
    }
    for (uint32_t i = 0; settlement != NULL && CHECKS_DEAR && i < facts.n; i++)
        CHECK_DEAR(facts.all[i].kind != FACT_SETTLEMENT || facts.all[i].rank <= settlement->rank ||
                   is_rolled_back(facts, &facts.all[i]));
}

struct ruling facts_rule(const struct fact *facts, uint32_t n, struct arena *arena)
{
    struct facts_of of = { facts, n };
    struct ruling ruling = { .cancels = ARENA_ARRAY(arena, const struct fact *, n) };

    for (uint32_t i = 0; i < n; i++) {
        const struct fact *fact = &facts[i];

        CHECK(market_id_equal(fact->id, facts[0].id));
        if (fact->kind != FACT_SETTLEMENT && fact->kind != FACT_CANCEL)
            continue;
        if (is_rolled_back(of, fact))
            continue;
        if (fact->kind == FACT_CANCEL)
            ruling.cancels[ruling.n_cancels++] = fact;
        else if (settlement_beats(of, fact, ruling.settlement))
            ruling.settlement = fact;
    }
    ruling_check(of, &ruling);
    return ruling;
}

/* ---- a leg ------------------------------------------------------------ */

const char *leg_state_name(enum leg_state state)
{
    switch (state) {
    case LEG_OPEN:
        return "open";
    case LEG_WON:
        return "won";
    case LEG_LOST:
        return "lost";
    case LEG_VOID:
        return "void";
    case LEG_HALF_WON:
        return "half_won";
    case LEG_HALF_LOST:
        return "half_lost";
    }
    check_failed(__FILE__, __LINE__, "state of leg is known");
}

/* A part of the stake that neither comes back nor wins is lost, so a dead
 * heat of 0 is a loss.  What cannot be a result leaves the leg open. */
struct leg_result leg_result_make(int8_t result, int64_t void_e12, int64_t dead_heat_e12)
{
    struct leg_result leg = { LEG_OPEN, result, void_e12, dead_heat_e12 };
    bool wins = result == 1 && dead_heat_e12 > 0;

    if ((result != 0 && result != 1) || !factors_are_sane(void_e12, dead_heat_e12))
        return LEG_RESULT_OPEN;
    if (void_e12 == FACTOR_ONE_E12)
        leg.state = LEG_VOID;
    else if (void_e12 == 0)
        leg.state = wins ? LEG_WON : LEG_LOST;
    else
        leg.state = wins ? LEG_HALF_WON : LEG_HALF_LOST;
    return leg;
}

void leg_result_check(const struct leg_result *leg)
{
    struct leg_result made = leg_result_make(leg->result, leg->void_e12, leg->dead_heat_e12);

    CHECK(leg->state >= LEG_OPEN && leg->state <= LEG_HALF_LOST);
    CHECK(leg->state == LEG_OPEN || leg->state == made.state);
}

bool ruling_is_void(const struct ruling *ruling, int64_t accepted_ms)
{
    enum fact_rank least = ruling->settlement == NULL ? FACT_RANK_FEED : ruling->settlement->rank;

    for (uint32_t i = 0; i < ruling->n_cancels; i++) {
        const struct fact *cancel = ruling->cancels[i];

        if (cancel->rank >= least && cancel->start_ms <= accepted_ms &&
            accepted_ms < cancel->end_ms)
            return true;
    }
    return false;
}

struct leg_result ruling_leg(const struct ruling *ruling, struct str outcome, int64_t accepted_ms)
{
    const struct fact *settlement = ruling->settlement;

    if (ruling_is_void(ruling, accepted_ms))
        return leg_result_make(0, FACTOR_ONE_E12, FACTOR_ONE_E12);
    if (settlement == NULL)
        return LEG_RESULT_OPEN;
    for (uint32_t i = 0; i < settlement->n_outcomes; i++) {
        const struct fact_outcome *o = &settlement->outcomes[i];

        if (str_eq(o->id, outcome))
            return leg_result_make(o->result, o->void_e12, o->dead_heat_e12);
    }
    return LEG_RESULT_OPEN;
}
