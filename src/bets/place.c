/*
 * Placement: decide whether a slip may stand.
 *
 * Pure: the caller passes book and rules, so a replay reaches the same answer.
 * Rungs run from the most permanent refusal to the most transient, each over
 * all legs before the next one; their order is part of the API (tbl/refusals.h)
 * and tests/unit/place_test.c repeats it.  Standing and funds are the store's
 * rungs: they are columns, checked in the placement statement (rule 15).
 */
#include "bets/place.h"

#include "base/json.h"
#include "model/grade.h"

/* sport_event_status as the feed numbers it. */
enum { EVENT_ENDED = 3, EVENT_CLOSED = 4 };

struct pick {
    const struct market *market;
    const struct outcome *outcome;
    bool stopped;
};

static void put_amount(struct buf *members, const char *name, int64_t minor, int exponent)
{
    struct jw w = jw_to(members);

    jw_key(&w, name);
    jw_money(&w, minor, exponent);
}

static void put_leg(struct buf *members, uint32_t leg)
{
    struct jw w = jw_to(members);

    CHECK(leg < LIMIT_LEGS);
    jw_key(&w, "leg");
    jw_int(&w, leg);
}

static bool find_picks(const struct book *book, const struct slip *slip, uint32_t stopped,
                       struct pick picks[LIMIT_LEGS], struct buf *members)
{
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        const struct leg *leg = &slip->legs[i];
        const struct market *market = book_market(book, leg->market);
        const struct outcome *outcome =
            market == NULL ? NULL : book_outcome(market, leg->outcome);

        if (outcome == NULL) {
            put_leg(members, i);
            return false;
        }
        CHECK(market_id_equal(market->id, leg->market));
        CHECK_DEAR(str_eq(market->event->id, leg->market.event));
        picks[i] = (struct pick){ market, outcome, (stopped >> i & 1) != 0 };
    }
    return true;
}

static bool is_closed(const struct book *book, const struct pick *pick)
{
    enum market_status status = book_status(book, pick->market);
    int32_t event = pick->market->event->status;

    /* A producer that is down hides the market's own status, not its end. */
    return status == MARKET_SETTLED || status == MARKET_CANCELLED
        || pick->market->status == MARKET_SETTLED
        || pick->market->status == MARKET_CANCELLED
        || event == EVENT_ENDED || event == EVENT_CLOSED;
}

static bool is_suspended(const struct book *book, const struct pick *pick)
{
    return pick->stopped || book_status(book, pick->market) != MARKET_ACTIVE
        || !pick->outcome->active
        || pick->outcome->odds_e4 < ODDS_ONE_E4; /* listed, never priced */
}

/* The first leg of which the claim is true; n_legs when there is none. */
static uint32_t first_leg(const struct book *book, const struct slip *slip,
                          const struct pick *picks,
                          bool (*claim)(const struct book *, const struct pick *))
{
    uint32_t i = 0;

    while (i < slip->n_legs && !claim(book, &picks[i]))
        i++;
    return i;
}

/* Rule 10. */
static bool accepts(enum accept_policy policy, int64_t submitted_e4, int64_t now_e4)
{
    switch (policy) {
    case ACCEPT_ANY:
        return true;
    case ACCEPT_HIGHER:
        return now_e4 >= submitted_e4;
    case ACCEPT_NONE:
        break;
    }
    return now_e4 == submitted_e4;
}

/* "odds" is the first changed leg's, "legs" lists them all. */
static bool odds_have_changed(const struct slip *slip, const struct pick *picks,
                              struct buf *members)
{
    struct jw w = jw_to(members);
    bool changed = false;

    for (uint32_t i = 0; i < slip->n_legs; i++) {
        int64_t now_e4 = picks[i].outcome->odds_e4;

        if (accepts(slip->accept, slip->legs[i].odds_e4, now_e4))
            continue;
        if (!changed) {
            jw_key(&w, "odds");
            jw_odds(&w, now_e4);
            jw_key(&w, "legs");
            jw_array(&w);
            changed = true;
        }
        jw_object(&w);
        jw_key(&w, "leg");
        jw_int(&w, i);
        jw_key(&w, "odds");
        jw_odds(&w, now_e4);
        jw_object_end(&w);
    }
    if (changed)
        jw_array_end(&w);
    return changed;
}

/* The payout at the odds now; false: above the cap. */
static bool potential(const struct place_rules *rules, const struct slip *slip,
                      const struct pick *picks, int64_t stake_minor,
                      int64_t *potential_minor)
{
    struct slip priced = *slip;

    for (uint32_t i = 0; i < slip->n_legs; i++)
        priced.legs[i].odds_e4 = picks[i].outcome->odds_e4;
    return grade_potential(&priced, stake_minor, potential_minor)
        && *potential_minor <= rules->cap_minor;
}

enum refusal place_judge(const struct book *book, const struct place_rules *rules,
                         struct slip *slip, int64_t stake_minor,
                         int64_t *potential_minor, struct buf *members)
{
    struct pick picks[LIMIT_LEGS];
    uint32_t leg;

    CHECK(slip->n_legs >= 1 && slip->n_legs <= LIMIT_LEGS);
    CHECK(rules->cap_minor > 0);
    CHECK(rules->stopped >> slip->n_legs == 0);
    CHECK(rules->stake_max_minor >= 0 && rules->stake_min_minor >= 0);

    if (stake_minor <= 0 || stake_minor < rules->stake_min_minor) {
        put_amount(members, "minimum", rules->stake_min_minor, rules->exponent);
        return REFUSE_STAKE_TOO_SMALL;
    }
    if (stake_minor > rules->stake_max_minor) {
        put_amount(members, "maximum", rules->stake_max_minor, rules->exponent);
        return REFUSE_STAKE_TOO_LARGE;
    }
    if (!find_picks(book, slip, rules->stopped, picks, members))
        return REFUSE_UNKNOWN_SELECTION;
    if (slip->n_legs > 1 && slip_has_related_legs(slip))
        return REFUSE_RELATED_LEGS;
    if ((leg = first_leg(book, slip, picks, is_closed)) < slip->n_legs) {
        put_leg(members, leg);
        return REFUSE_MARKET_CLOSED;
    }
    if ((leg = first_leg(book, slip, picks, is_suspended)) < slip->n_legs) {
        put_leg(members, leg);
        return REFUSE_MARKET_SUSPENDED;
    }
    if (odds_have_changed(slip, picks, members))
        return REFUSE_ODDS_CHANGED;
    if (!potential(rules, slip, picks, stake_minor, potential_minor)) {
        put_amount(members, "cap", rules->cap_minor, rules->exponent);
        return REFUSE_PAYOUT_TOO_LARGE;
    }

    /* From here on it must succeed. */
    CHECK(*potential_minor >= 0 && *potential_minor <= rules->cap_minor);
    for (uint32_t i = 0; i < slip->n_legs; i++)
        slip->legs[i].odds_e4 = picks[i].outcome->odds_e4;
    return REFUSE_NOTHING;
}

struct str place_sport(const struct book *book, const struct slip *slip)
{
    struct str sport = STR_NONE;

    for (uint32_t i = 0; i < slip->n_legs; i++) {
        const struct event *event = book_event(book, slip->legs[i].market.event);
        struct str its = event == NULL ? STR_NONE : event->sport;

        if (i > 0 && !str_eq(sport, its))
            return STR("mixed");
        sport = its;
    }
    return sport;
}
