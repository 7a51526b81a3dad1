/*
 * Sim: see sim.h.
 */
#include "feed/sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "feed/compose.h"
#include "feed/goals.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HALF_S (45 * 60)
#define EXPECTED_S (95 * 60)            /* playing time, as the odds see it */
#define FIRST_KICKOFF_MS (10 * SECOND_MS)
#define CYCLE_MS (105 * MINUTE_MS)      /* from one kick-off to the next one's */
#define PAUSE_MS (5 * MINUTE_MS)        /* half-time */
#define BREAK_MS (3 * MINUTE_MS)        /* between two matches of a pitch */
#define PREMATCH_TICK_MS MINUTE_MS
#define LIVE_TICK_MS (10 * SECOND_MS)
#define GOAL_STOP_MS (25 * SECOND_MS)   /* betting is stopped after a goal */
#define GOALS_ROOM 32
#define MARGIN 0.06
#define MARKETS (1 + GOALS_LINES)       /* 1x2, then the totals */
#define MESSAGE_BYTES_MAX (64 * 1024)

#define PLACES 12
#define ENDINGS 6
#define TEAMS (PLACES * ENDINGS)

enum stage { STAGE_ANNOUNCED, STAGE_PREMATCH, STAGE_FIRST, STAGE_PAUSE, STAGE_SECOND };

struct goal {
    double at_s; /* of playing time */
    int side;
};

struct match {
    unsigned number;
    unsigned teams[2];
    uint64_t dice;
    double mean[2];            /* goals in a whole match */
    struct goal goals[GOALS_ROOM];
    unsigned n_goals, next_goal;
    int score[2];
    int64_t length_s[2];       /* of the halves, with stoppage time */
    enum stage stage;
    int64_t kickoff_ms;        /* the sim's time */
    int64_t began_ms;          /* of the stage */
    int64_t tick_ms, due_ms;
    int64_t resume_ms;         /* after a goal; 0 = betting is open */
    bool settled[GOALS_LINES]; /* by a goal */
    int64_t sent_e4[MARKETS][3]; /* the odds last told */
};

struct sim {
    struct sim_options options;
    struct match **matches;
    unsigned n, room;
    unsigned next_number;
    int64_t now_ms;            /* of the step under way */
    int64_t wall_ms;
    struct buf message;
};

/* ---- chance ----------------------------------------------------------- */

/* splitmix64 */
static uint64_t roll(uint64_t *dice)
{
    uint64_t z = *dice += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* In [0, 1). */
static double roll_unit(uint64_t *dice)
{
    return (double)(roll(dice) >> 11) * 0x1p-53;
}

static double roll_between(uint64_t *dice, double least, double most)
{
    return least + (most - least) * roll_unit(dice);
}

/* ---- matches ---------------------------------------------------------- */

static const char *const places[PLACES] = {
    "Kes", "Thorn", "Elder", "Brack", "Wyn", "Sal", "Dun", "Hol", "Var", "Quill", "Mor", "Ost",
};
static const char *const endings[ENDINGS] = {
    "mere Rovers", "haven Athletic", "stead United", "moor City", "vale Albion", "wick Town",
};

static bool is_playing(const struct sim *sim, unsigned team)
{
    for (unsigned i = 0; i < sim->n; i++)
        if (sim->matches[i]->teams[0] == team || sim->matches[i]->teams[1] == team)
            return true;
    return false;
}

/* A team that does not play now, while there is one. */
static unsigned draw_team(const struct sim *sim, uint64_t *dice, unsigned other)
{
    unsigned team = (unsigned)(roll(dice) % TEAMS);

    for (unsigned i = 0; i < TEAMS; i++, team = (team + 1) % TEAMS)
        if (team != other && !is_playing(sim, team))
            return team;
    return (other + 1 + (unsigned)(roll(dice) % (TEAMS - 1))) % TEAMS;
}

/* Goals of one side: the gaps of a Poisson process are exponential. */
static void roll_goals(struct match *match, int side)
{
    double rate = match->mean[side] / EXPECTED_S;
    double end = (double)(match->length_s[0] + match->length_s[1]);

    for (double at = 0; match->n_goals < GOALS_ROOM;) {
        at -= log(1 - roll_unit(&match->dice)) / rate;
        if (at >= end)
            return;
        match->goals[match->n_goals++] = (struct goal){ at, side };
    }
}

static int compare_goals(const void *a, const void *b)
{
    const struct goal *x = a, *y = b;

    return (x->at_s > y->at_s) - (x->at_s < y->at_s);
}

static void announce(struct sim *sim, int64_t kickoff_ms)
{
    struct match *match = calloc(1, sizeof(*match));

    CHECK(match != NULL && sim->n < sim->room);
    match->number = sim->next_number++;
    match->dice = sim->options.seed * 0x2545f4914f6cdd1du + match->number;
    match->teams[0] = draw_team(sim, &match->dice, TEAMS);
    match->teams[1] = draw_team(sim, &match->dice, match->teams[0]);
    match->mean[0] = roll_between(&match->dice, 0.8, 2.2);
    match->mean[1] = roll_between(&match->dice, 0.6, 1.8);
    match->length_s[0] = HALF_S + 60 + (int64_t)(roll(&match->dice) % 120);
    match->length_s[1] = HALF_S + 120 + (int64_t)(roll(&match->dice) % 240);
    roll_goals(match, 0);
    roll_goals(match, 1);
    qsort(match->goals, match->n_goals, sizeof(match->goals[0]), compare_goals);
    match->kickoff_ms = kickoff_ms;
    match->due_ms = sim->now_ms;
    sim->matches[sim->n++] = match;
}

struct sim *sim_new(const struct sim_options *options)
{
    struct sim *sim = calloc(1, sizeof(*sim));

    CHECK(sim != NULL);
    CHECK(options->matches > 0 && options->matches <= SIM_MATCHES_MAX);
    CHECK(options->speed > 0);
    sim->options = *options;
    sim->room = options->matches * 2; /* each with its successor */
    sim->matches = calloc(sim->room, sizeof(struct match *));
    CHECK(sim->matches != NULL);
    buf_init(&sim->message, MESSAGE_BYTES_MAX);
    for (unsigned i = 0; i < options->matches; i++)
        announce(sim, FIRST_KICKOFF_MS + (int64_t)i * CYCLE_MS / options->matches);
    return sim;
}

void sim_free(struct sim *sim)
{
    for (unsigned i = 0; i < sim->n; i++)
        free(sim->matches[i]);
    free(sim->matches);
    buf_fini(&sim->message);
    free(sim);
}

/* ---- its time --------------------------------------------------------- */

static bool is_live(const struct match *match)
{
    return match->stage >= STAGE_FIRST;
}

/* Seconds of playing time so far. */
static double played_s(const struct sim *sim, const struct match *match)
{
    double stage_s = (double)(sim->now_ms - match->began_ms) / 1000;

    if (match->stage == STAGE_FIRST)
        return stage_s;
    if (match->stage == STAGE_PAUSE)
        return (double)match->length_s[0];
    return match->stage == STAGE_SECOND ? (double)match->length_s[0] + stage_s : 0;
}

/* As the scoreboard shows it: it stops at 45:00 and 90:00. */
static int clock_s(const struct sim *sim, const struct match *match)
{
    int64_t stage_s = (sim->now_ms - match->began_ms) / 1000;

    if (match->stage == STAGE_PAUSE || stage_s > HALF_S)
        stage_s = match->stage == STAGE_PAUSE ? 0 : HALF_S;
    return (int)stage_s + (match->stage >= STAGE_PAUSE ? HALF_S : 0);
}

static int64_t stage_end_ms(const struct match *match)
{
    switch (match->stage) {
    case STAGE_ANNOUNCED:
        return match->due_ms;
    case STAGE_PREMATCH:
        return match->kickoff_ms;
    case STAGE_FIRST:
        return match->began_ms + match->length_s[0] * SECOND_MS;
    case STAGE_PAUSE:
        return match->began_ms + PAUSE_MS;
    case STAGE_SECOND:
        break;
    }
    return match->began_ms + match->length_s[1] * SECOND_MS;
}

/* The next goal of this half, or INT64_MAX. */
static int64_t goal_ms(const struct match *match)
{
    int64_t at_ms;

    if (match->next_goal == match->n_goals || !is_live(match))
        return INT64_MAX;
    at_ms = (int64_t)(match->goals[match->next_goal].at_s * 1000);
    if (match->stage == STAGE_SECOND)
        at_ms -= match->length_s[0] * SECOND_MS;
    return match->stage == STAGE_PAUSE || match->began_ms + at_ms >= stage_end_ms(match)
               ? INT64_MAX
               : match->began_ms + at_ms;
}

static void set_due(struct match *match)
{
    match->due_ms = stage_end_ms(match);
    if (match->tick_ms < match->due_ms)
        match->due_ms = match->tick_ms;
    if (goal_ms(match) < match->due_ms)
        match->due_ms = goal_ms(match);
    if (match->resume_ms > 0 && match->resume_ms < match->due_ms)
        match->due_ms = match->resume_ms;
}

/* ---- messages --------------------------------------------------------- */

static bool emit(struct sim *sim)
{
    bool ok;

    CHECK(!sim->message.overflow);
    ok = sim->options.emit(sim->options.ctx, buf_view(&sim->message));
    buf_reset(&sim->message);
    return ok;
}

struct names {
    char event[40], home_id[40], away_id[40], home[40], away[40];
};

static void put_name(char *room, size_t n, const char *format, long long number)
{
    int length = snprintf(room, n, format, number);

    CHECK(length > 0 && (size_t)length < n);
}

static void name_team(unsigned team, char *room, size_t n)
{
    int length = snprintf(room, n, "%s%s", places[team / ENDINGS], endings[team % ENDINGS]);

    CHECK(length > 0 && (size_t)length < n);
}

static void name_match(const struct sim *sim, const struct match *match, struct names *names)
{
    put_name(names->event, sizeof(names->event), "sr:match:%lld",
             (long long)sim->options.base_id + match->number);
    put_name(names->home_id, sizeof(names->home_id), "sr:competitor:%lld",
             990000 + (long long)match->teams[0]);
    put_name(names->away_id, sizeof(names->away_id), "sr:competitor:%lld",
             990000 + (long long)match->teams[1]);
    name_team(match->teams[0], names->home, sizeof(names->home));
    name_team(match->teams[1], names->away, sizeof(names->away));
}

static struct compose_head head(const struct sim *sim, const struct names *names, int producer)
{
    return (struct compose_head){ producer, str_of(names->event), sim->wall_ms };
}

static bool send_fixture(struct sim *sim, const struct match *match)
{
    struct compose_fixture fixture;
    struct names names;
    double ahead_ms = (double)(match->kickoff_ms - sim->now_ms) / sim->options.speed;

    name_match(sim, match, &names);
    fixture = (struct compose_fixture){
        .event = str_of(names.event),
        .tournament = STR("sr:tournament:990001"),
        .tournament_name = STR("Simulated League"),
        .category_name = STR("Simulated"),
        .home = { str_of(names.home_id), str_of(names.home) },
        .away = { str_of(names.away_id), str_of(names.away) },
        .start_ms = sim->wall_ms + (int64_t)ahead_ms,
        .live = is_live(match),
    };
    compose_fixture(&sim->message, &fixture, sim->wall_ms);
    return emit(sim);
}

static struct compose_score score_of(const struct sim *sim, const struct match *match)
{
    static const int match_status[] = {
        [STAGE_ANNOUNCED] = MATCH_NOT_STARTED, [STAGE_PREMATCH] = MATCH_NOT_STARTED,
        [STAGE_FIRST] = MATCH_FIRST_HALF, [STAGE_PAUSE] = MATCH_HALF_TIME,
        [STAGE_SECOND] = MATCH_SECOND_HALF,
    };

    return (struct compose_score){
        is_live(match) ? EVENT_LIVE : EVENT_NOT_STARTED, match_status[match->stage],
        match->score[0], match->score[1], is_live(match) ? clock_s(sim, match) : -1,
    };
}

/* Market 0 is 1x2, market 1 + i the total i + 0.5. */
static void price(const struct sim *sim, const struct match *match,
                  int64_t odds_e4[MARKETS][3])
{
    double left = 1 - played_s(sim, match) / EXPECTED_S;
    double mean[2];
    struct goals_chances chances;

    if (left < 0.005)
        left = 0.005; /* it is not over before the whistle */
    mean[0] = match->mean[0] * left;
    mean[1] = match->mean[1] * left;
    chances = goals_chances(match->score, mean);
    odds_e4[0][0] = goals_odds_e4(chances.home, MARGIN);
    odds_e4[0][1] = goals_odds_e4(chances.draw, MARGIN);
    odds_e4[0][2] = goals_odds_e4(chances.away, MARGIN);
    for (int i = 0; i < GOALS_LINES; i++) {
        odds_e4[1 + i][0] = goals_odds_e4(chances.over[i], MARGIN);
        odds_e4[1 + i][1] = goals_odds_e4(1 - chances.over[i], MARGIN);
        odds_e4[1 + i][2] = 0;
    }
}

static const char *const outcomes[2][3] = {
    { OUTCOME_HOME, OUTCOME_DRAW, OUTCOME_AWAY }, { OUTCOME_OVER, OUTCOME_UNDER, NULL },
};

static unsigned market_id(int market)
{
    return market == 0 ? MARKET_1X2 : MARKET_TOTAL;
}

static struct str market_specifiers(int market)
{
    static const char *const totals[GOALS_LINES] = {
        "total=0.5", "total=1.5", "total=2.5", "total=3.5", "total=4.5",
    };

    return market == 0 ? STR_NONE : str_of(totals[market - 1]);
}

static bool is_settled(const struct match *match, int market)
{
    return market > 0 && match->settled[market - 1];
}

static void put_market(struct sim *sim, struct match *match, int market, int status,
                       const int64_t odds_e4[3])
{
    compose_market(&sim->message, market_id(market), market_specifiers(market), status);
    for (int i = 0; i < (market == 0 ? 3 : 2); i++) {
        compose_price(&sim->message, outcomes[market > 0][i], odds_e4[i]);
        match->sent_e4[market][i] = odds_e4[i];
    }
    compose_market_end(&sim->message);
}

/* The match's state, and its odds: all of them, or those that changed. */
static bool send_odds(struct sim *sim, struct match *match, bool all)
{
    int64_t odds_e4[MARKETS][3];
    struct compose_score score = score_of(sim, match);
    struct names names;
    struct compose_head from;
    bool stopped = match->resume_ms > 0;

    name_match(sim, match, &names);
    from = head(sim, &names, is_live(match) ? PRODUCER_LIVE : PRODUCER_PREMATCH);
    price(sim, match, odds_e4);
    compose_odds(&sim->message, &from, &score);
    for (int i = 0; i < MARKETS; i++)
        if (!is_settled(match, i) && (all || !stopped) &&
            (all || memcmp(odds_e4[i], match->sent_e4[i], sizeof(odds_e4[i])) != 0))
            put_market(sim, match, i, stopped ? -1 : 1, odds_e4[i]);
    compose_odds_end(&sim->message);
    return emit(sim);
}

static bool send_stop(struct sim *sim, const struct match *match)
{
    struct names names;
    struct compose_head from;

    name_match(sim, match, &names);
    from = head(sim, &names, PRODUCER_LIVE);
    compose_bet_stop(&sim->message, &from);
    return emit(sim);
}

static bool send_hand_over(struct sim *sim, const struct match *match)
{
    struct names names;
    struct compose_head from;

    name_match(sim, match, &names);
    from = head(sim, &names, PRODUCER_PREMATCH);
    compose_odds(&sim->message, &from, NULL);
    for (int i = 0; i < MARKETS; i++) {
        compose_market(&sim->message, market_id(i), market_specifiers(i), -2);
        compose_market_end(&sim->message);
    }
    compose_odds_end(&sim->message);
    return emit(sim);
}

static void put_total_result(struct sim *sim, const struct match *match, int line)
{
    bool over = match->score[0] + match->score[1] > line;

    compose_result_market(&sim->message, MARKET_TOTAL, market_specifiers(1 + line));
    compose_result(&sim->message, OUTCOME_OVER, over, 0);
    compose_result(&sim->message, OUTCOME_UNDER, !over, 0);
    compose_market_end(&sim->message);
}

/* What the goals have decided already. */
static bool send_decided(struct sim *sim, struct match *match)
{
    int total = match->score[0] + match->score[1];
    struct names names;
    struct compose_head from;
    bool any = false;

    name_match(sim, match, &names);
    from = head(sim, &names, PRODUCER_LIVE);
    for (int i = 0; i < GOALS_LINES && i < total; i++) {
        if (match->settled[i])
            continue;
        if (!any)
            compose_settlement(&sim->message, &from, 1);
        any = match->settled[i] = true;
        put_total_result(sim, match, i);
    }
    if (!any)
        return true;
    compose_settlement_end(&sim->message);
    return emit(sim);
}

static bool send_results(struct sim *sim, const struct match *match)
{
    int ahead = match->score[0] - match->score[1];
    int won = ahead > 0 ? 0 : ahead == 0 ? 1 : 2;
    struct names names;
    struct compose_head from;

    name_match(sim, match, &names);
    from = head(sim, &names, PRODUCER_LIVE);
    compose_settlement(&sim->message, &from, 2);
    compose_result_market(&sim->message, MARKET_1X2, STR_NONE);
    for (int i = 0; i < 3; i++)
        compose_result(&sim->message, outcomes[0][i], i == won, 0);
    compose_market_end(&sim->message);
    for (int i = 0; i < GOALS_LINES; i++)
        put_total_result(sim, match, i);
    compose_settlement_end(&sim->message);
    return emit(sim);
}

static bool send_ended(struct sim *sim, const struct match *match)
{
    struct compose_score score = { EVENT_ENDED, MATCH_ENDED, match->score[0],
                                   match->score[1], 90 * 60 };
    struct names names;
    struct compose_head from;

    name_match(sim, match, &names);
    from = head(sim, &names, PRODUCER_LIVE);
    compose_odds(&sim->message, &from, &score);
    compose_odds_end(&sim->message);
    return emit(sim);
}

/* ---- steps ------------------------------------------------------------ */

static bool step_goal(struct sim *sim, struct match *match)
{
    match->score[match->goals[match->next_goal++].side]++;
    match->resume_ms = sim->now_ms + GOAL_STOP_MS;
    return send_stop(sim, match) && send_odds(sim, match, false);
}

static bool step_resume(struct sim *sim, struct match *match)
{
    match->resume_ms = 0;
    return send_decided(sim, match) && send_odds(sim, match, true);
}

/* Opinions drift before the match. */
static void drift(struct match *match)
{
    for (int i = 0; i < 2; i++)
        match->mean[i] *= roll_between(&match->dice, 0.98, 1.02);
}

static bool step_tick(struct sim *sim, struct match *match)
{
    match->tick_ms = sim->now_ms + (is_live(match) ? LIVE_TICK_MS : PREMATCH_TICK_MS);
    if (!is_live(match))
        drift(match);
    return send_odds(sim, match, false);
}

static void begin(struct sim *sim, struct match *match, enum stage stage)
{
    match->stage = stage;
    match->began_ms = sim->now_ms;
    match->tick_ms = sim->now_ms + (is_live(match) ? LIVE_TICK_MS : PREMATCH_TICK_MS);
}

static bool step_full_time(struct sim *sim, struct match *match)
{
    bool ok = send_stop(sim, match) && send_ended(sim, match) && send_results(sim, match);

    for (unsigned i = 0; i < sim->n; i++)
        if (sim->matches[i] == match) {
            memmove(sim->matches + i, sim->matches + i + 1,
                    (sim->n - i - 1) * sizeof(struct match *));
            sim->n--;
            break;
        }
    free(match);
    return ok;
}

static bool step_half_time(struct sim *sim, struct match *match)
{
    begin(sim, match, STAGE_PAUSE);
    if (!sim->options.once)
        announce(sim, sim->now_ms + PAUSE_MS + match->length_s[1] * SECOND_MS + BREAK_MS);
    return send_odds(sim, match, match->resume_ms == 0);
}

/* The end of a stage; a match that is over is freed. */
static bool step_stage(struct sim *sim, struct match *match)
{
    switch (match->stage) {
    case STAGE_ANNOUNCED:
        begin(sim, match, STAGE_PREMATCH);
        return send_fixture(sim, match) && send_odds(sim, match, true);
    case STAGE_PREMATCH:
        begin(sim, match, STAGE_FIRST);
        return send_hand_over(sim, match) && send_odds(sim, match, true);
    case STAGE_FIRST:
        return step_half_time(sim, match);
    case STAGE_PAUSE:
        begin(sim, match, STAGE_SECOND);
        return send_odds(sim, match, false);
    case STAGE_SECOND:
        break;
    }
    return step_full_time(sim, match);
}

static struct match *first_due(const struct sim *sim)
{
    struct match *first = NULL;

    for (unsigned i = 0; i < sim->n; i++)
        if (first == NULL || sim->matches[i]->due_ms < first->due_ms)
            first = sim->matches[i];
    return first;
}

bool sim_next(const struct sim *sim, int64_t *at_ms)
{
    const struct match *match = first_due(sim);

    if (match == NULL)
        return false;
    *at_ms = match->due_ms;
    return true;
}

bool sim_step(struct sim *sim, int64_t wall_ms)
{
    struct match *match = first_due(sim);
    bool ok;

    CHECK(match != NULL);
    sim->now_ms = match->due_ms;
    sim->wall_ms = wall_ms;
    if (sim->now_ms >= stage_end_ms(match)) {
        bool over = match->stage == STAGE_SECOND;

        ok = step_stage(sim, match);
        if (over)
            return ok;
    } else if (sim->now_ms >= goal_ms(match)) {
        ok = step_goal(sim, match);
    } else if (match->resume_ms > 0 && sim->now_ms >= match->resume_ms) {
        ok = step_resume(sim, match);
    } else {
        ok = step_tick(sim, match);
    }
    set_due(match);
    return ok;
}

bool sim_snapshot(struct sim *sim, int64_t wall_ms, bool fixtures)
{
    sim->wall_ms = wall_ms;
    for (unsigned i = 0; i < sim->n; i++) {
        struct match *match = sim->matches[i];

        if (match->stage == STAGE_ANNOUNCED)
            continue;
        if (fixtures && !send_fixture(sim, match))
            return false;
        if (!send_odds(sim, match, true))
            return false;
    }
    return true;
}
