/* The gate: see gate.h. */
#include "house/gate.h"

#include "base/clock.h"
#include "base/json.h"
#include "model/desk.h"
#include "model/grade.h"

#define FACTOR_WHOLE_E4 10000

/* ---- limits ------------------------------------------------------------- */

static int64_t or_default(int64_t desk_minor, int64_t setting_e2, const struct house *house)
{
    if (desk_minor >= 0 || setting_e2 == 0)
        return desk_minor;
    return money_from_e2(setting_e2, house->currency);
}

static void lower(int64_t *limit, int64_t minor)
{
    if (minor >= 0 && (*limit < 0 || minor < *limit))
        *limit = minor;
}

static struct desk_limits limits_of_leg(const struct brakes *brakes, const struct leg *leg)
{
    const struct config *config = brakes->options.config;
    const struct house *house = brakes->options.house;
    const struct market *market = book_market(brakes->options.book, leg->market);
    struct desk_limits limits = DESK_LIMITS_NONE;

    if (market == NULL)
        return limits; /* the ladder says so */
    limits = book_limits_of(brakes->options.book, market);
    limits.stake_max_minor = or_default(limits.stake_max_minor, config->market_stake_max, house);
    limits.liability_max_minor =
        or_default(limits.liability_max_minor, config->liability_max, house);
    limits.hold_above_minor = or_default(limits.hold_above_minor, config->hold_above, house);
    return limits;
}

/*
 * The largest stake of the wallet, by the nearest of all limits, times the
 * customer's factor.  The smallest stake stays what it is: a customer whose
 * largest one falls below it cannot bet, and is told so.  Without a rate a
 * limit cannot be compared with: then nothing fits it.
 */
static struct gate_limits limits_of(const struct gate *gate)
{
    const struct brakes *brakes = gate->brakes;
    const struct house *house = brakes->options.house;
    struct gate_limits limits = { -1, -1, { 0 }, { 0 }, false };
    int64_t factor_e4 = book_stake_factor_e4(brakes->options.book, gate->account);
    int64_t house_max = -1;
    bool any;

    for (uint32_t i = 0; i < gate->slip->n_legs; i++) {
        struct desk_limits leg = limits_of_leg(brakes, &gate->slip->legs[i]);

        lower(&house_max, leg.stake_max_minor);
        lower(&limits.hold_above_minor, leg.hold_above_minor);
        limits.liability_minor[i] = leg.liability_max_minor;
        limits.since[i] = leg.since;
        limits.liability = limits.liability || leg.liability_max_minor >= 0;
    }
    any = house_max >= 0 || limits.hold_above_minor >= 0 || limits.liability;
    limits.stake_max_minor = gate->stake_max_minor;
    if (any && !house_knows(house, gate->currency))
        limits.stake_max_minor = 0;
    else if (house_max >= 0)
        lower(&limits.stake_max_minor, house_to(house, gate->currency, house_max));
    if (factor_e4 != FACTOR_WHOLE_E4)
        lower(&limits.stake_max_minor,
              (int64_t)((__int128)gate->stake_max_minor * factor_e4 / FACTOR_WHOLE_E4));
    if (factor_e4 != FACTOR_WHOLE_E4 && house_max >= 0 && house_knows(house, gate->currency))
        lower(&limits.stake_max_minor,
              (int64_t)((__int128)house_to(house, gate->currency, house_max) * factor_e4 /
                        FACTOR_WHOLE_E4));
    return limits;
}

/* What it holds, and has to say. */
static void gate_check(const struct gate *gate)
{
    CHECK(gate->slip->n_legs >= 1 && gate->slip->n_legs <= LIMIT_LEGS);
    CHECK(gate->stake_minor >= 0 && gate->stake_max_minor >= 0);
    CHECK(gate->offer == 0 || gate->allowed);
    CHECK(gate->claim == NULL || gate->claim->n_legs <= gate->slip->n_legs);
    CHECK(gate->verdict == REFUSE_NOTHING || gate->claim == NULL);
}

/* ---- liability ---------------------------------------------------------- */

/* The largest stake whose liability fits the room. */
static int64_t largest_stake(const struct gate *gate, const struct slip *slip, int64_t room_minor)
{
    const struct house *house = gate->brakes->options.house;
    int64_t fits = 0, too_large = gate->stake_minor;

    CHECK(too_large > 0);
    while (fits + 1 < too_large) {
        int64_t stake = fits + (too_large - fits) / 2, potential;

        if (grade_potential(slip, stake, &potential) &&
            house_liability(house, gate->currency, stake, potential) <= room_minor)
            fits = stake;
        else
            too_large = stake;
    }
    return fits;
}

static void refuse_as_full(struct gate *gate, const struct slip *slip)
{
    CHECK(gate->claim != NULL && gate->claim->room_minor >= 0);
    gate->verdict = REFUSE_STAKE_TOO_LARGE;
    gate->maximum_minor = largest_stake(gate, slip, gate->claim->room_minor);
    gate->claim = NULL;
}

static void on_charged(struct liability_claim *claim, enum liability_result result)
{
    struct gate *gate = claim->ctx;

    CHECK(gate->claim == claim && result != LIABILITY_WAITING);
    if (result == LIABILITY_FULL)
        refuse_as_full(gate, gate->held->slip);
    else if (result != LIABILITY_CHARGED)
        gate->claim = NULL;
    gate->on_open(gate, result == LIABILITY_BUSY ? GATE_BUSY : GATE_OPEN);
}

static struct liability_claim *make_claim(struct gate *gate, const struct slip *slip,
                                          const struct gate_limits *limits, int64_t amount_minor)
{
    struct liability_claim *claim = ARENA_NEW(gate->arena, struct liability_claim);

    CHECK(amount_minor >= 0);
    claim->n_legs = slip->n_legs;
    claim->on_done = on_charged;
    claim->ctx = gate;
    for (uint32_t i = 0; i < slip->n_legs; i++)
        claim->legs[i] = (struct liability_leg){
            .market = slip->legs[i].market,
            .outcome = slip->legs[i].outcome,
            .limit_minor = limits->liability_minor[i],
            .limit_since = limits->since[i],
            .amount_minor = amount_minor,
        };
    return claim;
}

static int64_t amount_of(const struct gate *gate, int64_t potential_minor)
{
    return house_liability(gate->brakes->options.house, gate->currency, gate->stake_minor,
                           potential_minor);
}

/* Before the lane: it may wait for the store. */
static enum gate_answer charge(struct gate *gate, const struct gate_limits *limits)
{
    const struct held_bet *priced = gate->held;

    CHECK(gate->claim == NULL && priced != NULL);
    if (!limits->liability)
        return GATE_OPEN;
    gate->claim = make_claim(gate, priced->slip, limits,
                             amount_of(gate, priced->potential_minor));
    switch (liability_charge(gate->brakes->liability, gate->claim)) {
    case LIABILITY_CHARGED:
        return GATE_OPEN;
    case LIABILITY_FULL:
        refuse_as_full(gate, priced->slip);
        return GATE_OPEN;
    case LIABILITY_WAITING:
        return GATE_WAIT;
    case LIABILITY_BUSY:
        break;
    }
    gate->claim = NULL;
    return GATE_BUSY;
}

/* In the batch: the odds may have moved, and nothing can wait any more. */
static enum refusal charge_now(struct gate *gate, const struct gate_limits *limits,
                               int64_t potential_minor)
{
    struct liability *liability = gate->brakes->liability;
    int64_t amount;

    if (gate->claim == NULL && !limits->liability)
        return REFUSE_NOTHING;
    amount = amount_of(gate, potential_minor);
    if (gate->claim != NULL && liability_recharge(liability, gate->claim, amount))
        return REFUSE_NOTHING;
    if (gate->claim == NULL) { /* what forbade the bet at first does not any more */
        gate->claim = make_claim(gate, gate->slip, limits, amount);
        gate->claim->at_once = true;
        if (liability_charge(liability, gate->claim) == LIABILITY_CHARGED)
            return REFUSE_NOTHING;
    }
    CHECK(gate->claim->room_minor < amount);
    liability_release(liability, gate->claim);
    refuse_as_full(gate, gate->slip);
    return gate->verdict;
}

/* ---- traders ------------------------------------------------------------ */

static void on_decision(struct held_bet *held, enum hold_decision decision, int64_t offer_minor)
{
    struct gate *gate = held->ctx;
    enum gate_answer answer = GATE_OPEN;

    CHECK(gate->held == held && gate->claim == NULL);
    CHECK((decision == HOLD_OFFER) == (offer_minor > 0));
    switch (decision) {
    case HOLD_ACCEPT:
        gate->allowed = true;
        gate->offer = held->offer;
        answer = gate_enter(gate);
        break;
    case HOLD_OFFER:
        gate->verdict = REFUSE_STAKE_TOO_LARGE;
        gate->maximum_minor = offer_minor;
        break;
    case HOLD_DECLINE:
    case HOLD_TIMEOUT:
        gate->verdict = REFUSE_DECLINED;
        break;
    case HOLD_DRAINED:
        answer = GATE_BUSY;
        break;
    }
    if (answer != GATE_WAIT)
        gate->on_open(gate, answer);
}

/* Its stake is above the threshold, and no trader has said yes to it. */
static bool must_be_held(struct gate *gate, const struct gate_limits *limits)
{
    if (limits->hold_above_minor < 0 || gate->allowed ||
        house_from(gate->brakes->options.house, gate->currency, gate->stake_minor) <=
            limits->hold_above_minor)
        return false;
    gate->offer = holds_take_offer(gate->brakes->holds, gate->account, gate->slip,
                                   gate->stake_minor, clock_wall_ms());
    gate->allowed = gate->offer != 0;
    return !gate->allowed;
}

/* ---- in and out --------------------------------------------------------- */

/* The bet at the odds now, for those who look at it before its batch does.
 * False: it would be refused. */
static bool price(struct gate *gate, const struct gate_limits *limits)
{
    const struct house *house = gate->brakes->options.house;
    struct slip *slip = ARENA_NEW(gate->arena, struct slip);
    struct held_bet *held = ARENA_NEW(gate->arena, struct held_bet);

    *slip = *gate->slip;
    if (!gate->price(gate, limits->stake_max_minor, slip, &held->potential_minor))
        return false;
    CHECK(held->potential_minor >= 0 && slip->n_legs == gate->slip->n_legs);
    held->account = gate->account;
    held->currency = gate->currency;
    held->slip = slip;
    held->stake_minor = gate->stake_minor;
    held->house_minor = house_from(house, gate->currency, gate->stake_minor);
    held->on_decision = on_decision;
    held->ctx = gate;
    gate->held = held;
    return true;
}

enum gate_answer gate_enter(struct gate *gate)
{
    struct gate_limits limits = limits_of(gate);
    int64_t now_ms;

    CHECK(gate->claim == NULL && gate->on_open != NULL);
    gate->verdict = REFUSE_NOTHING;
    gate_check(gate);
    if ((!limits.liability && limits.hold_above_minor < 0) || !price(gate, &limits))
        return GATE_OPEN;
    if (!must_be_held(gate, &limits))
        return charge(gate, &limits);
    now_ms = clock_wall_ms();
    gate->held->id = ids_next(gate->brakes->options.ids, now_ms);
    return holds_put(gate->brakes->holds, gate->held, clock_mono_us(), now_ms) ? GATE_WAIT
                                                                             : GATE_BUSY;
}

void gate_write_maximum(const struct gate *gate, struct buf *members)
{
    struct jw w = jw_to(members);

    if (gate->verdict != REFUSE_STAKE_TOO_LARGE)
        return;
    CHECK(gate->maximum_minor >= 0 && gate->maximum_minor < gate->stake_minor);
    jw_key(&w, "maximum");
    jw_money(&w, gate->maximum_minor, gate->currency->exponent);
}

enum refusal gate_look(const struct gate *gate, struct gate_limits *limits)
{
    gate_check(gate);
    *limits = limits_of(gate);
    CHECK(limits->stake_max_minor <= gate->stake_max_minor);
    return gate->verdict;
}

enum refusal gate_judge(struct gate *gate, const struct gate_limits *limits,
                        int64_t potential_minor)
{
    CHECK(gate->verdict == REFUSE_NOTHING);
    CHECK(potential_minor >= 0);
    /* What forbade the bet when it came spared it the trader. */
    if (must_be_held(gate, limits))
        return REFUSE_DECLINED;
    return charge_now(gate, limits, potential_minor);
}

int64_t gate_epoch(const struct gate *gate)
{
    return gate->claim == NULL ? 0 : gate->claim->epoch;
}

void gate_leave_fenced(struct gate *gate)
{
    int64_t epoch = gate_epoch(gate);

    gate_leave(gate, GATE_NOTHING, 0);
    liability_fenced(gate->brakes->liability, epoch);
}

/* What no limit held back counts where one does by now. */
static void add_unclaimed(const struct gate *gate, int64_t bet, int64_t amount_minor)
{
    for (uint32_t i = 0; i < gate->slip->n_legs; i++)
        liability_add(gate->brakes->liability, bet, gate->slip->legs[i].market,
                      gate->slip->legs[i].outcome, amount_minor);
}

void gate_leave(struct gate *gate, enum gate_end end, int64_t bet)
{
    struct liability *liability = gate->brakes->liability;
    int64_t potential;

    CHECK(end != GATE_STANDS || bet > 0);
    if (gate->claim != NULL && end == GATE_NOTHING) {
        liability_release(liability, gate->claim);
    } else if (gate->claim != NULL) {
        liability_keep(liability, gate->claim, bet);
    } else if (end != GATE_NOTHING && liability_count(liability) > 0 &&
               house_knows(gate->brakes->options.house, gate->currency) &&
               grade_potential(gate->slip, gate->stake_minor, &potential)) {
        add_unclaimed(gate, bet, amount_of(gate, potential));
    }
    gate->claim = NULL;
    if (gate->offer != 0 && end == GATE_NOTHING)
        holds_return_offer(gate->brakes->holds, gate->offer);
    gate->offer = 0;
}
