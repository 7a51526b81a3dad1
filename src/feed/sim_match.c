/*
 * Sim: the course of one match.  Its agenda holds what will happen; a step
 * takes the next appointment and may make others.
 */
#include "feed/sim_inside.h"

#include <stdlib.h>

#define PAUSE_MS (5 * MINUTE_MS)        /* half-time */
#define EXTRA_PAUSE_MS (4 * MINUTE_MS)  /* before extra time, and in its middle */
#define SHOOT_OUT_MS (8 * MINUTE_MS)
#define BREAK_MS (3 * MINUTE_MS)        /* between two matches of a pitch */
#define FINAL_MS (3 * MINUTE_MS)        /* until results are confirmed */
#define DELAY_MS (4 * MINUTE_MS)        /* of a kick-off, now and then */
#define DELAY_TOLD_MS (6 * MINUTE_MS)   /* before it */
#define DELAYED_OF 10                   /* one match in so many */
#define PREMATCH_TICK_MS MINUTE_MS
#define LIVE_TICK_MS (20 * SECOND_MS)
#define GOAL_STOP_MS (25 * SECOND_MS)
#define NO_GOAL_STOP_MS (20 * SECOND_MS)
#define RED_STOP_MS (20 * SECOND_MS)
#define DANGER_STOP_MS (9 * SECOND_MS)
#define DANGER_BEFORE_MS (6 * SECOND_MS) /* a goal */
#define CONFIRM_MS (110 * SECOND_MS)     /* after a goal; later than any review */
#define DRIFT 0.02

/* ---- the agenda ------------------------------------------------------------ */

static bool is_before(const struct appointment *a, const struct appointment *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void appoint(struct match *match, int64_t at_ms, enum act act, unsigned what)
{
    struct appointment made = { at_ms, match->n_made++, act, what };
    unsigned i = match->n_agenda;

    CHECK(match->n_agenda < AGENDA_MAX);
    /* the next one last */
    for (; i > 0 && is_before(&match->agenda[i - 1], &made); i--)
        match->agenda[i] = match->agenda[i - 1];
    match->agenda[i] = made;
    match->n_agenda++;
}

int64_t match_due_ms(const struct match *match)
{
    return match->n_agenda == 0 ? INT64_MAX : match->agenda[match->n_agenda - 1].at_ms;
}

void match_begin(struct match *match, int64_t announce_ms)
{
    struct offer list[OFFER_MAX];

    match->n_markets = offer_list(match->mean[0] - match->mean[1], list);
    for (unsigned i = 0; i < match->n_markets; i++)
        match->markets[i].offer = list[i];
    match->trading = true;
    appoint(match, announce_ms, ACT_ANNOUNCE, 0);
    appoint(match, match->kickoff_ms, ACT_KICK_OFF, 0);
    if (match->drawn && dice_roll(&match->dice) % DELAYED_OF == 0 &&
        match->kickoff_ms - DELAY_TOLD_MS > announce_ms)
        appoint(match, match->kickoff_ms - DELAY_TOLD_MS, ACT_DELAY, 0);
}

void match_free(struct match *match)
{
    for (unsigned i = 0; i < match->n_kept; i++)
        buf_fini(&match->kept[i].text);
    free(match->kept);
    free(match);
}

/* ---- stops -------------------------------------------------------------- */

static bool stop(struct sim *sim, struct match *match, int64_t for_ms)
{
    int64_t until_ms = sim->now_ms + for_ms;

    if (!match->trading)
        return true;
    if (until_ms > match->stopped_until_ms) {
        match->stopped_until_ms = until_ms;
        appoint(match, until_ms, ACT_RESUME, 0);
    }
    return say_stop(sim, match);
}

static bool resume(struct sim *sim, struct match *match)
{
    if (match->stopped_until_ms == 0 || sim->now_ms < match->stopped_until_ms)
        return true;
    match->stopped_until_ms = 0;
    match->resumed = true;
    return !match->trading || say_odds(sim, match, true, 0);
}

/* ---- incidents ------------------------------------------------------------ */

static bool is_disallowed(const struct match *match, unsigned goal)
{
    for (unsigned i = goal + 1; i < match->script.n; i++)
        if (match->script.incidents[i].kind == INCIDENT_GOAL)
            return false;
        else if (match->script.incidents[i].kind == INCIDENT_NO_GOAL)
            return true;
    return false;
}

static void count_goal(struct match *match, unsigned side, int by)
{
    match->score[side] += by;
    match->period_scores[match->period][side] += by;
    if (match->period > 1)
        return;
    match->facts.score[side] += by;
    if (by > 0) {
        CHECK(match->facts.n_goals < OFFER_GOALS_MAX);
        match->facts.side[match->facts.n_goals] = (uint8_t)side;
    }
    match->facts.n_goals += (unsigned)by;
}

static bool goal(struct sim *sim, struct match *match, unsigned what)
{
    if (match->period < 2 && match->facts.n_goals == OFFER_GOALS_MAX)
        return true; /* nobody has ever seen so many */
    if (!stop(sim, match, GOAL_STOP_MS))
        return false;
    match->goal_ts = match->ts_ms;
    match->resumed = false;
    match->last_side = match->script.incidents[what].side;
    count_goal(match, match->last_side, 1);
    if (!say_status(sim, match))
        return false;
    if (!match->trading)
        return true;
    open_next_goal(match);
    if (!is_disallowed(match, what))
        appoint(match, sim->now_ms + CONFIRM_MS, ACT_CONFIRM, 0);
    return say_settlement(sim, match, 1, false);
}

static bool no_goal(struct sim *sim, struct match *match)
{
    if (!stop(sim, match, NO_GOAL_STOP_MS))
        return false;
    count_goal(match, match->last_side, -1);
    if (!match->trading)
        return say_status(sim, match);
    return say_rollback(sim, match) && (!match->resumed || say_cancel(sim, match)) &&
           say_status(sim, match);
}

static bool incident(struct sim *sim, struct match *match, unsigned what)
{
    const struct incident *happens = &match->script.incidents[what];

    switch (happens->kind) {
    case INCIDENT_DANGER:
        return stop(sim, match, DANGER_STOP_MS);
    case INCIDENT_GOAL:
        return goal(sim, match, what);
    case INCIDENT_NO_GOAL:
        return no_goal(sim, match);
    case INCIDENT_YELLOW:
        match->yellows[happens->side]++;
        return true;
    case INCIDENT_CORNER:
        match->corners[happens->side]++;
        return true;
    case INCIDENT_RED:
        break;
    }
    match->reds[happens->side]++;
    return stop(sim, match, RED_STOP_MS) && say_status(sim, match);
}

/* ---- periods ---------------------------------------------------------------- */

static void tick_in(const struct sim *sim, struct match *match)
{
    match->tick_ms = sim->now_ms + (match_is_live(match) ? LIVE_TICK_MS : PREMATCH_TICK_MS);
    appoint(match, match->tick_ms, ACT_TICK, 0);
}

static void begin_period(struct sim *sim, struct match *match, unsigned period)
{
    const struct script *script = &match->script;

    match->stage = STAGE_PLAYING;
    match->period = period;
    match->began_ms = sim->now_ms;
    for (unsigned i = 0; i < script->n; i++) {
        int64_t at_ms = sim->now_ms + script->incidents[i].at_s * SECOND_MS;

        if (script->incidents[i].period != period)
            continue;
        if (script->incidents[i].kind == INCIDENT_GOAL &&
            at_ms - DANGER_BEFORE_MS > sim->now_ms)
            appoint(match, at_ms - DANGER_BEFORE_MS, ACT_DANGER, 0);
        appoint(match, at_ms, ACT_INCIDENT, i);
    }
    appoint(match, sim->now_ms + script->length_s[period] * SECOND_MS, ACT_PERIOD_END, period);
    tick_in(sim, match);
}

static bool kick_off(struct sim *sim, struct match *match)
{
    if (sim->now_ms < match->kickoff_ms || match->stage != STAGE_PREMATCH)
        return true; /* it was delayed */
    begin_period(sim, match, 0);
    return say_hand_over(sim, match) && say_odds(sim, match, true, 0);
}

static bool end(struct sim *sim, struct match *match)
{
    match->stage = STAGE_ENDED;
    appoint(match, sim->now_ms + FINAL_MS, ACT_FINAL, 0);
    return say_status(sim, match);
}

/* 90 minutes are over: what has a market is decided. */
static bool end_regular(struct sim *sim, struct match *match)
{
    bool over = match->script.periods == 2;

    if (!say_stop(sim, match))
        return false;
    match->trading = false;
    match->stopped_until_ms = 0;
    match->stage = over ? STAGE_ENDED : STAGE_PAUSE;
    appoint(match, sim->now_ms + FINAL_MS, ACT_FINAL, 0);
    if (!over)
        appoint(match, sim->now_ms + EXTRA_PAUSE_MS, ACT_PERIOD, 2);
    return say_status(sim, match) && say_settlement(sim, match, 1, true);
}

static bool half_time(struct sim *sim, struct match *match)
{
    int64_t next_ms = sim->now_ms + PAUSE_MS + match->script.length_s[1] * SECOND_MS + BREAK_MS;

    match->stage = STAGE_PAUSE;
    appoint(match, sim->now_ms + PAUSE_MS, ACT_PERIOD, 1);
    if (!sim->options.once)
        sim->add(sim, next_ms);
    return say_odds(sim, match, false, 0);
}

static bool end_period(struct sim *sim, struct match *match, unsigned period)
{
    if (period == 0)
        return half_time(sim, match);
    if (period == 1)
        return end_regular(sim, match);
    if (period == 3 && !match->script.shoot_out)
        return end(sim, match);
    match->stage = STAGE_PAUSE;
    appoint(match, sim->now_ms + EXTRA_PAUSE_MS / 2, period == 2 ? ACT_PERIOD : ACT_SHOOT_OUT,
            3);
    return say_status(sim, match);
}

static bool shoot_out(struct sim *sim, struct match *match)
{
    match->stage = STAGE_SHOOT_OUT;
    appoint(match, sim->now_ms + SHOOT_OUT_MS, ACT_SHOOT_OUT_END, 0);
    return say_status(sim, match);
}

/* Confirmed; the match is over unless extra time goes on. */
static bool final(struct sim *sim, struct match *match)
{
    if (!say_settlement(sim, match, 2, true))
        return false;
    match->closed = match->stage == STAGE_ENDED;
    return !match->closed || say_status(sim, match);
}

/* ---- before the match -------------------------------------------------------- */

static bool announce(struct sim *sim, struct match *match)
{
    match->stage = STAGE_PREMATCH;
    tick_in(sim, match);
    return say_fixture_change(sim, match, 1) && say_fixture(sim, match) &&
           say_odds(sim, match, true, 0);
}

static bool delay(struct sim *sim, struct match *match)
{
    match->kickoff_ms += DELAY_MS;
    appoint(match, match->kickoff_ms, ACT_KICK_OFF, 0);
    return say_fixture_change(sim, match, 2) && say_fixture(sim, match);
}

/* Opinions wander before the match, and come back. */
static bool tick(struct sim *sim, struct match *match)
{
    if (sim->now_ms != match->tick_ms || match->stage == STAGE_ENDED)
        return true; /* another one was appointed since */
    tick_in(sim, match);
    for (int side = 0; side < 2 && !match_is_live(match); side++)
        match->drift[side] = match->drift[side] * 0.95 +
                             dice_between(&match->dice, -DRIFT, DRIFT);
    return say_odds(sim, match, false, 0);
}

bool match_step(struct sim *sim, struct match *match)
{
    struct appointment now = match->agenda[--match->n_agenda];

    switch (now.act) {
    case ACT_ANNOUNCE:
        return announce(sim, match);
    case ACT_DELAY:
        return delay(sim, match);
    case ACT_KICK_OFF:
        return kick_off(sim, match);
    case ACT_PERIOD:
        begin_period(sim, match, now.what);
        return say_odds(sim, match, false, 0);
    case ACT_PERIOD_END:
        return end_period(sim, match, now.what);
    case ACT_INCIDENT:
        return incident(sim, match, now.what);
    case ACT_DANGER:
        return stop(sim, match, DANGER_STOP_MS);
    case ACT_RESUME:
        return resume(sim, match);
    case ACT_CONFIRM:
        return !match->trading || say_settlement(sim, match, 2, false);
    case ACT_TICK:
        return tick(sim, match);
    case ACT_SHOOT_OUT:
        return shoot_out(sim, match);
    case ACT_SHOOT_OUT_END:
        return end(sim, match);
    case ACT_FINAL:
        break;
    }
    return final(sim, match);
}
