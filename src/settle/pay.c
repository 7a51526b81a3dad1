/*
 * Pay: see pay.h.
 *
 *   row.slip, row.results --decode--> legs --rulings--> legs' results
 *        |                                                  |
 *        +------- compared with the row <----- grade_slip() +
 *
 * Only the difference is written: a bet that stands as the facts say costs
 * nothing but the reading.
 */
#include "settle/pay.h"

#include "model/grade.h"
#include "settle/slip_read.h"

#define SCRATCH_BYTES (4 * 1024 * 1024)

enum pay_event {
#define EVENT(number, name, text, ref) PAY_EVENT_##name = number,
#include "tbl/events.h"
#undef EVENT
};

const char *pay_change_name(enum pay_change change)
{
    switch (change) {
    case PAY_UNCHANGED:
    case PAY_NOTED:
        return "unchanged";
    case PAY_SETTLED:
        return "settled";
    case PAY_RESETTLED:
        return "resettled";
    case PAY_REOPENED:
        return "reopened";
    case PAY_UNREADABLE:
        break;
    }
    return "parked";
}

void pay_scratch_init(struct pay_scratch *scratch)
{
    arena_init(&scratch->arena, SCRATCH_BYTES);
    buf_init(&scratch->text, LIMIT_SLIP_BYTES);
}

void pay_scratch_fini(struct pay_scratch *scratch)
{
    arena_fini(&scratch->arena);
    buf_fini(&scratch->text);
}

/* ---- rulings --------------------------------------------------------- */

static bool is_ruled(const struct pay_market *markets, uint32_t n, struct market_id id)
{
    for (uint32_t i = 0; i < n; i++)
        if (market_id_equal(markets[i].id, id))
            return true;
    return false;
}

struct pay_rulings pay_rule(const struct fact *facts, uint32_t n, struct arena *arena)
{
    struct pay_market *markets = ARENA_ARRAY(arena, struct pay_market, n + 1);
    struct fact *own = ARENA_ARRAY(arena, struct fact, n + 1);
    uint32_t n_markets = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t n_own = 0;

        if (is_ruled(markets, n_markets, facts[i].id))
            continue;
        for (uint32_t j = i; j < n; j++)
            if (market_id_equal(facts[j].id, facts[i].id))
                own[n_own++] = facts[j];
        CHECK(n_own > 0 && n_markets < n);
        markets[n_markets++] = (struct pay_market){
            .id = facts[i].id,
            .ruling = facts_rule(own, n_own, arena),
        };
        own += n_own; /* the ruling points into them */
    }
    return (struct pay_rulings){ markets, n_markets };
}

static const struct pay_market *find_market(const struct pay_rulings *rulings,
                                            struct market_id id)
{
    for (uint32_t i = 0; i < rulings->n; i++)
        if (market_id_equal(rulings->markets[i].id, id))
            return &rulings->markets[i];
    return NULL;
}

/* ---- one bet --------------------------------------------------------- */

static bool same_result(const struct leg_result *a, const struct leg_result *b)
{
    return a->state == b->state && a->result == b->result && a->void_e12 == b->void_e12 &&
           a->dead_heat_e12 == b->dead_heat_e12;
}

/* Accepted after the producer's own stop, or after its result was out
 * (RULES.md 7).  A leg that a cancel voids harms nobody. */
static bool is_past_posted(const struct ruling *ruling, int64_t accepted_ms)
{
    const struct fact *settlement = ruling->settlement;

    if (settlement == NULL || ruling_is_void(ruling, accepted_ms))
        return false;
    if (settlement->stopped_ms > 0 && accepted_ms > settlement->stopped_ms)
        return true;
    return accepted_ms >= settlement->timestamp_ms;
}

/* Puts the rulings into the legs they are about; true: a leg changed. */
static bool judge_legs(struct slip *slip, const struct pay_rulings *rulings,
                       int64_t accepted_ms, int64_t *flags)
{
    bool changed = false;

    for (uint32_t i = 0; i < slip->n_legs; i++) {
        struct leg *leg = &slip->legs[i];
        const struct pay_market *market = find_market(rulings, leg->market);
        struct leg_result result;

        if (market == NULL)
            continue;
        result = ruling_leg(&market->ruling, leg->outcome, accepted_ms);
        if (!same_result(&result, &leg->result)) {
            leg->result = result;
            changed = true;
        }
        if (result.state != LEG_OPEN && is_past_posted(&market->ruling, accepted_ms))
            *flags |= BET_FLAG_PAST_POSTED;
    }
    return changed;
}

static enum pay_change compare(const struct bet_row *row, const struct grade *grade)
{
    if (row->state == BET_ACCEPTED)
        return grade->fixed ? PAY_SETTLED : PAY_NOTED;
    if (!grade->fixed)
        return PAY_REOPENED;
    return grade->payout_minor == row->payout_minor ? PAY_NOTED : PAY_RESETTLED;
}

static int event_of(enum pay_change change)
{
    switch (change) {
    case PAY_SETTLED:
        return PAY_EVENT_BET_SETTLED;
    case PAY_RESETTLED:
        return PAY_EVENT_BET_RESETTLED;
    case PAY_REOPENED:
        return PAY_EVENT_BET_REOPENED;
    default:
        return 0;
    }
}

/* What a change may do, whatever the facts say. */
static void item_check(const struct settle_item *item, const struct bet_row *row,
                       enum pay_change change)
{
    CHECK(item->payout_minor >= 0);
    CHECK((change == PAY_NOTED) == (item->event == 0));
    CHECK(change != PAY_NOTED || (item->delta_minor == 0 && item->state == row->state));
    CHECK((change == PAY_SETTLED) == (row->state == BET_ACCEPTED && item->event != 0));
    CHECK(change != PAY_RESETTLED || (item->delta_minor != 0 && item->staked_delta_minor == 0));
    CHECK(change != PAY_REOPENED || (item->delta_minor <= 0 && item->payout_minor == 0));
    CHECK(item->staked_delta_minor == 0 || (item->state == BET_SETTLED) ==
                                           (item->staked_delta_minor < 0));
}

static void fill(struct settle_item *item, const struct bet_row *row,
                 enum pay_change change, const struct grade *grade, int64_t now_ms)
{
    bool closes = change == PAY_SETTLED || change == PAY_RESETTLED;

    *item = (struct settle_item){
        .account = row->account,
        .bet = row->id,
        .version = row->version,
        .state = row->state,
        .payout_minor = row->payout_minor,
        .settled_ms = closes ? now_ms : row->settled_ms,
        .event = event_of(change),
    };
    if (closes) {
        item->state = BET_SETTLED;
        item->payout_minor = grade->payout_minor;
    } else if (change == PAY_REOPENED) {
        item->state = BET_ACCEPTED;
        item->payout_minor = 0;
    }
    CHECK(!__builtin_sub_overflow(item->payout_minor, row->payout_minor, &item->delta_minor));
    if (change == PAY_SETTLED)
        item->staked_delta_minor = -row->stake_minor;
    else if (change == PAY_REOPENED)
        item->staked_delta_minor = row->stake_minor;
    item_check(item, row, change);
}

/* A row that breaks the rules waits for a person; it must not end the process
 * at every start. */
static bool decode(const struct bet_row *row, struct pay_scratch *scratch,
                   struct slip *slip)
{
    return row->stake_minor >= 0 && row->cap_minor >= 0 && row->payout_minor >= 0 &&
           slip_read_stored(row->slip, &scratch->arena, slip) &&
           results_decode(row->results, slip);
}

enum pay_change pay_bet(const struct bet_row *row, const struct pay_rulings *rulings,
                        int64_t now_ms, struct pay_scratch *scratch, struct arena *out,
                        struct settle_item *item)
{
    struct slip slip;
    struct grade grade;
    enum pay_change change;
    int64_t flags = row->flags;
    bool legs_changed;

    if (row->state == BET_CASHED_OUT)
        return PAY_UNCHANGED; /* final: later facts change nothing */
    arena_reset(&scratch->arena);
    if (!decode(row, scratch, &slip))
        return PAY_UNREADABLE;
    legs_changed = judge_legs(&slip, rulings, row->placed_ms, &flags);
    if (!legs_changed && flags == row->flags)
        return PAY_UNCHANGED;

    CHECK((flags & row->flags) == row->flags); /* what was found stays found */
    grade = grade_slip(&slip, row->stake_minor, row->cap_minor);
    CHECK(!grade.fixed || grade.payout_minor >= 0);
    change = compare(row, &grade);
    fill(item, row, change, &grade, now_ms);
    item->flags = flags;
    item->results = row->results;
    if (legs_changed) {
        buf_reset(&scratch->text);
        results_encode(&slip, &scratch->text);
        if (scratch->text.overflow)
            return PAY_UNREADABLE;
        item->results = arena_str(out, buf_view(&scratch->text));
    }
    return change;
}
