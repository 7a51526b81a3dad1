/*
 * A bet, as a kind of command: read -> live delay -> gate -> lane -> judged by
 * the ladder within the house's limits -> published, answered.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "bets/command.h"
#include "bets/place.h"
#include "bets/slip_json.h"
#include "house/gate.h"
#include "model/event_kind.h"
#include "model/grade.h"

#define MAGIC 0x62657473 /* "bets" */

struct bet_command {
    struct money_command command; /* first: command.c gives it back */
    uint32_t magic;
    struct place_rules rules;      /* without the house's limits */
    struct slip *slip;
    int64_t submitted_e4[LIMIT_LEGS];
    struct delay *delay;           /* NULL: there are none here */
    struct gate gate;
    bool entered;                  /* the gate: it is left once */
};

static struct bet_command *bet_of(struct money_command *c)
{
    struct bet_command *bet = (struct bet_command *)c;

    CHECK(c->kind->op == MONEY_BET && bet->magic == MAGIC && bet->slip != NULL);
    return bet;
}

/* ---- arrival ------------------------------------------------------------ */

static bool read_bet(struct money_command *c, const struct currency *currency,
                     struct str *error)
{
    struct bet_command *bet = (struct bet_command *)c;
    struct arena *arena = &c->request->arena;
    struct buf *scratch = &c->bets->scratch;

    CHECK(bet->magic == 0);
    bet->magic = MAGIC;
    bet->slip = ARENA_NEW(arena, struct slip);
    if (!slip_read(c->request->body, currency, arena, bet->slip, &c->lane.money.amount_minor,
                   error))
        return false;
    CHECK(bet->slip->n_legs >= 1 && bet->slip->n_legs <= LIMIT_LEGS);
    for (uint32_t i = 0; i < bet->slip->n_legs; i++)
        bet->submitted_e4[i] = bet->slip->legs[i].odds_e4;
    buf_reset(scratch);
    slip_encode(bet->slip, scratch);
    if (scratch->n > LIMIT_SLIP_BYTES) {
        *error = STR("legs are too long in all");
        return false;
    }
    c->text = arena_str(arena, buf_view(scratch));
    return true;
}

/* ---- the gate ----------------------------------------------------------- */

static struct bet_command *bet_of_gate(struct gate *gate)
{
    struct bet_command *bet =
        (struct bet_command *)((char *)gate - offsetof(struct bet_command, gate));

    command_check(&bet->command);
    CHECK(bet->magic == MAGIC && bet->entered);
    return bet;
}

static bool price(struct gate *gate, int64_t stake_max_minor, struct slip *slip,
                  int64_t *potential_minor)
{
    const struct bet_command *bet = bet_of_gate(gate);
    struct bets *bets = bet->command.bets;
    struct place_rules rules = bet->rules;

    rules.stake_max_minor = stake_max_minor;
    buf_reset(&bets->members);
    return place_judge(bets->options.book, &rules, slip, gate->stake_minor, potential_minor,
                       &bets->members) == REFUSE_NOTHING;
}

/* The gate lets it on, at once or later. */
static void on_open(struct gate *gate, enum gate_answer answer)
{
    struct bet_command *bet = bet_of_gate(gate);

    CHECK(answer != GATE_WAIT);
    if (answer == GATE_OPEN) {
        command_enter_lane(&bet->command);
        return;
    }
    gate_leave(gate, GATE_NOTHING, 0);
    command_give_up(&bet->command, REFUSE_BUSY);
}

static void enter_gate(struct bet_command *bet)
{
    struct money_command *c = &bet->command;
    enum gate_answer answer;

    CHECK(!bet->entered && bet->rules.cap_minor > 0);
    bet->gate = (struct gate){
        .brakes = c->bets->brakes, .arena = &c->request->arena, .account = c->session.account,
        .currency = c->session.currency, .stake_max_minor = bet->rules.stake_max_minor,
        .slip = bet->slip, .stake_minor = c->lane.money.amount_minor, .price = price,
        .on_open = on_open,
    };
    bet->entered = true;
    answer = gate_enter(&bet->gate);
    c->gated = answer == GATE_WAIT;
    if (answer != GATE_WAIT)
        on_open(&bet->gate, answer);
}

static void on_delay_over(struct delay *delay, bool drained)
{
    struct bet_command *bet = bet_of(delay->ctx);

    CHECK(delay == bet->delay && !bet->entered);
    if (drained) {
        command_give_up(&bet->command, REFUSE_BUSY);
        return;
    }
    bet->rules.stopped = delay->stopped;
    enter_gate(bet);
}

static void enter_delay(struct bet_command *bet)
{
    struct money_command *c = &bet->command;
    struct delays *delays = c->bets->brakes->delays;

    if (!delays_are_set(delays)) {
        enter_gate(bet);
        return;
    }
    bet->delay = ARENA_NEW(&c->request->arena, struct delay);
    bet->delay->slip = bet->slip;
    bet->delay->on_over = on_delay_over;
    bet->delay->ctx = c;
    switch (delays_start(delays, bet->delay, clock_mono_us())) {
    case DELAY_NONE:
        on_delay_over(bet->delay, false);
        return;
    case DELAY_WAITS:
        c->delayed = true;
        return;
    case DELAY_FULL:
        command_give_up(c, REFUSE_BUSY);
        return;
    }
}

static void enter(struct money_command *c)
{
    struct bet_command *bet = bet_of(c);
    const struct config *config = c->bets->options.config;
    const struct currency *currency = c->session.currency;

    bet->rules = (struct place_rules){
        .stake_min_minor = money_from_e2(config->stake_min, currency),
        .stake_max_minor = money_from_e2(config->stake_max, currency),
        .cap_minor = money_from_e2(config->payout_max, currency),
        .exponent = currency->exponent,
    };
    enter_delay(bet);
}

static void settle_gate(struct money_command *c, enum lane_result result)
{
    const struct money_cmd *money = &c->lane.money;
    struct bet_command *bet = bet_of(c);

    CHECK(bet->entered);
    CHECK(result != LANE_UNKNOWN || money->verdict != REFUSE_NOTHING || money->bet > 0);
    if (result == LANE_UNKNOWN)
        gate_leave(&bet->gate, GATE_UNKNOWN, money->bet);
    else if (result == LANE_DECIDED && money->outcome == MONEY_FENCED)
        gate_leave_fenced(&bet->gate);
    else if (result == LANE_DECIDED && money->outcome == MONEY_DECIDED &&
             money->decided == REFUSE_NOTHING)
        gate_leave(&bet->gate, GATE_STANDS, money->bet);
    else
        gate_leave(&bet->gate, GATE_NOTHING, 0);
}

/* ---- in its batch ------------------------------------------------------- */

/* The ladder, within what the house allows now; then the house itself. */
static enum refusal judge_slip(struct bet_command *bet)
{
    struct money_cmd *money = &bet->command.lane.money;
    struct bets *bets = bet->command.bets;
    struct place_rules rules = bet->rules;
    struct gate_limits limits;
    enum refusal verdict = gate_look(&bet->gate, &limits);

    rules.stake_max_minor = limits.stake_max_minor;
    if (verdict == REFUSE_NOTHING)
        verdict = place_judge(bets->options.book, &rules, bet->slip, money->amount_minor,
                              &money->potential_minor, &bets->members);
    if (verdict == REFUSE_NOTHING)
        verdict = gate_judge(&bet->gate, &limits, money->potential_minor);
    gate_write_maximum(&bet->gate, &bets->members);
    return verdict;
}

/* As submitted, unless its odds have moved since. */
static struct str slip_text(struct bet_command *bet)
{
    struct money_command *c = &bet->command;
    bool moved = false;

    for (uint32_t i = 0; i < bet->slip->n_legs; i++)
        moved = moved || bet->slip->legs[i].odds_e4 != bet->submitted_e4[i];
    if (!moved)
        return c->text;
    buf_reset(&c->bets->scratch);
    slip_encode(bet->slip, &c->bets->scratch);
    return arena_str(&c->request->arena, buf_view(&c->bets->scratch));
}

/* The bet as the store takes it; its odds are those of now. */
static void fill_bet(struct bet_command *bet)
{
    struct money_command *c = &bet->command;
    struct money_cmd *money = &c->lane.money;
    struct str sport = place_sport(c->bets->options.book, bet->slip);

    CHECK(money->potential_minor <= bet->rules.cap_minor);
    CHECK(money->at_ms > 0 && bet->slip->n_legs <= LENGTH(money->market_keys));
    for (uint32_t i = 0; i < bet->slip->n_legs; i++)
        money->market_keys[i] = market_key(bet->slip->legs[i].market);
    money->n_legs = bet->slip->n_legs;
    money->bet = ids_next(who_ids(c->bets->who), money->at_ms);
    money->cap_minor = bet->rules.cap_minor;
    money->country = str_of(c->where.country);
    money->currency = c->session.currency->code;
    money->sport = sport.n == 0 ? STR("") : arena_str(&c->request->arena, sport);
    money->traceparent = c->traced == NULL ? STR_NONE : traced_parent(c->traced, c->request);
    money->slip = slip_text(bet);
}

static void judge(struct money_command *c)
{
    struct bet_command *bet = bet_of(c);
    struct money_cmd *money = &c->lane.money;

    CHECK(bet->entered && money->amount_minor == bet->gate.stake_minor);
    /* A batch that was not applied is judged again, from what was asked. */
    for (uint32_t i = 0; i < bet->slip->n_legs; i++)
        bet->slip->legs[i].odds_e4 = bet->submitted_e4[i];
    money->verdict = judge_slip(bet);
    money->liability_epoch = 0;
    if (money->verdict != REFUSE_NOTHING)
        return;
    money->liability_epoch = gate_epoch(&bet->gate);
    CHECK(c->where.refusal == REFUSE_NOTHING);
    fill_bet(bet);
}

/* ---- done --------------------------------------------------------------- */

static struct bet_view placed_view(const struct money_command *c)
{
    const struct bet_command *bet = (const struct bet_command *)c;
    const struct money_cmd *money = &c->lane.money;

    CHECK(bet->magic == MAGIC && money->bet > 0);
    return (struct bet_view){
        .id = money->bet,
        .stake_minor = money->amount_minor,
        .potential_minor = money->potential_minor,
        .placed_ms = money->at_ms,
        .state = BET_ACCEPTED,
        .currency = c->session.currency,
        .sport = money->sport,
        .country = money->country,
        .slip = bet->slip,
    };
}

static int publish(const struct money_command *c, struct bet_view *view)
{
    *view = placed_view(c);
    return EVENT_BET_ACCEPTED;
}

static void count_done(const struct money_command *c)
{
    metric_add(METRIC_STAKED, str_of(c->lane.money.currency), c->lane.money.amount_minor);
}

static void write_done(const struct money_command *c, struct buf *out)
{
    struct bet_view view = placed_view(c);

    bet_write_accepted(out, &view);
}

/* As it was when placed: before a leg was settled, or a part cashed out. */
static bool view_as_placed(const struct value *row, struct slip *slip, struct arena *arena,
                           struct bet_view *view)
{
    *view = (struct bet_view){
        .id = CELL_INT(row, KEY_GET_BET),
        .stake_minor = CELL_INT(row, KEY_GET_STAKE),
        .potential_minor = CELL_INT(row, KEY_GET_POTENTIAL),
        .placed_ms = CELL_INT(row, KEY_GET_PLACED_MS),
        .currency = currency_find(CELL_TEXT(row, KEY_GET_CURRENCY)),
        .slip = slip,
    };
    if (view->id == 0 || view->currency == NULL ||
        !slip_decode(CELL_TEXT(row, KEY_GET_SLIP), arena, slip))
        return false;
    for (uint32_t i = 0; i < slip->n_legs; i++)
        slip->legs[i].result = LEG_RESULT_OPEN;
    return CELL_INT(row, KEY_GET_CASHED_STAKE) <= 0 ||
           grade_potential(slip, view->stake_minor, &view->potential_minor);
}

static bool write_stored(struct money_command *c, const struct value *row, struct buf *out)
{
    struct slip *slip = ARENA_NEW(&c->request->arena, struct slip);
    struct bet_view view;

    if (!view_as_placed(row, slip, &c->request->arena, &view))
        return false;
    bet_write_accepted(out, &view);
    return true;
}

static const struct money_kind kind = {
    .name = "bet", .op = MONEY_BET, .bytes = sizeof(struct bet_command),
    .metric = METRIC_BETS, .done = "accepted", .status = 201,
    .brings_money = true, .is_timed = true, .is_about_bet = true,
    .read = read_bet, .enter = enter, .judge = judge, .settle_gate = settle_gate,
    .publish = publish, .count_done = count_done,
    .write_done = write_done, .write_stored = write_stored,
};

void bets_post_bet(struct bets *bets, struct http_request *request)
{
    command_start(bets, request, &kind);
}
