/*
 * Sim: see sim.h.
 */
#include "feed/sim.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "feed/sim_inside.h"
#include "feed/teams.h"

#define FIRST_KICKOFF_MS (10 * SECOND_MS)
#define CYCLE_MS (105 * MINUTE_MS)      /* from one kick-off to the next one's */
#define GIVEN_BEFORE_MS (8 * 60 * MINUTE_MS) /* given matches are announced */
#define ALIVE_EVERY_MS (10 * SECOND_MS) /* of the run, as the two below */
#define REFRESH_EVERY_MS (30 * SECOND_MS)
#define ENDED_MAX 200                   /* matches kept for recoveries */
#define MESSAGE_BYTES_MAX (256 * 1024)

static const int producers[] = { PRODUCER_LIVE, PRODUCER_PREMATCH };

/* ---- matches -------------------------------------------------------------- */

static bool is_playing(const struct sim *sim, unsigned team)
{
    for (unsigned i = 0; i < sim->n; i++)
        if (!sim->matches[i]->closed && sim->matches[i]->drawn &&
            (sim->matches[i]->teams[0] == team || sim->matches[i]->teams[1] == team))
            return true;
    return false;
}

/* A team from `first` on that does not play now, while there is one. */
static unsigned draw_team(const struct sim *sim, uint64_t *dice, unsigned first, unsigned n,
                          unsigned other)
{
    unsigned start = (unsigned)(dice_roll(dice) % n);

    for (unsigned i = 0; i < n; i++) {
        unsigned team = first + (start + i) % n;

        if (team != other && !is_playing(sim, team))
            return team;
    }
    return first + start == other ? first + (start + 1) % n : first + start;
}

static void PRINTF_LIKE(3, 4) put_text(char *room, size_t n, const char *format, ...)
{
    va_list list;
    int length;

    va_start(list, format);
    length = vsnprintf(room, n, format, list);
    va_end(list);
    CHECK(length >= 0);
}

static void name_match(struct match *match, const struct sim_fixture *as)
{
    put_text(match->home, sizeof(match->home), "%s", as->home);
    put_text(match->away, sizeof(match->away), "%s", as->away);
    put_text(match->tournament, sizeof(match->tournament), "%s", as->tournament);
    put_text(match->category, sizeof(match->category), "%s", as->category);
    put_text(match->home_id, sizeof(match->home_id), "sr:competitor:%u", as->home_id);
    put_text(match->away_id, sizeof(match->away_id), "sr:competitor:%u", as->away_id);
    put_text(match->tournament_id, sizeof(match->tournament_id), "sr:tournament:%u",
             as->tournament_id);
    match->mean[0] = as->mean[0];
    match->mean[1] = as->mean[1];
}

static void draw(struct sim *sim, struct match *match)
{
    unsigned home = draw_team(sim, &match->dice, 0, TEAMS_ALL, TEAMS_ALL);
    unsigned league = teams_league(home);
    unsigned away = draw_team(sim, &match->dice, league * TEAMS_OF_LEAGUE, TEAMS_OF_LEAGUE, home);
    struct sim_fixture fixture = {
        .home = teams_name(home), .away = teams_name(away),
        .tournament = teams_leagues[league].name, .category = teams_leagues[league].category,
        .home_id = 990000 + home, .away_id = 990000 + away, .tournament_id = 990001 + league,
    };

    match->drawn = true;
    match->teams[0] = home;
    match->teams[1] = away;
    teams_means(home, away, fixture.mean);
    name_match(match, &fixture);
    script_roll(&match->script, match->mean, &match->dice);
}

static void make_room(struct sim *sim)
{
    if (sim->n < sim->room)
        return;
    sim->room = sim->room == 0 ? 64 : sim->room * 2;
    sim->matches = realloc(sim->matches, sim->room * sizeof(*sim->matches));
    CHECK(sim->matches != NULL);
}

/* The next match, to kick off then; fixture NULL = drawn. */
static void add(struct sim *sim, const struct sim_fixture *fixture, int64_t kickoff_ms)
{
    struct match *match = calloc(1, sizeof(*match));
    int64_t announce_ms = sim->now_ms;

    CHECK(match != NULL);
    make_room(sim);
    match->number = sim->next_number++;
    match->dice = sim->options.seed * 0x2545f4914f6cdd1du + match->number;
    match->kickoff_ms = kickoff_ms;
    if (fixture == NULL) {
        draw(sim, match);
    } else {
        name_match(match, fixture);
        match->script = *fixture->script;
        match->number = fixture->id;
        if (kickoff_ms - GIVEN_BEFORE_MS > announce_ms)
            announce_ms = kickoff_ms - GIVEN_BEFORE_MS;
    }
    put_text(match->event, sizeof(match->event), "sr:match:%lld",
             (long long)sim->options.base_id + match->number);
    match_begin(match, announce_ms);
    sim->matches[sim->n++] = match;
}

static void add_drawn(struct sim *sim, int64_t kickoff_ms)
{
    add(sim, NULL, kickoff_ms);
}

/* Kick-offs of a match day: at noon a few, most at three, then the evening. */
static int64_t wave_ms(const struct sim *sim, unsigned i)
{
    static const struct { unsigned until_pct; int64_t at_ms; } waves[] = {
        { 20, 0 }, { 60, 45 * MINUTE_MS }, { 75, 75 * MINUTE_MS }, { 100, 150 * MINUTE_MS },
    };
    unsigned pct = i * 100 / sim->options.matches;

    for (unsigned wave = 0; wave < LENGTH(waves); wave++)
        if (pct < waves[wave].until_pct)
            return FIRST_KICKOFF_MS + waves[wave].at_ms;
    return FIRST_KICKOFF_MS;
}

static void add_matches(struct sim *sim)
{
    const struct sim_options *options = &sim->options;

    for (unsigned i = 0; i < options->n_fixtures; i++)
        add(sim, &options->fixtures[i], options->fixtures[i].kickoff_ms);
    for (unsigned i = 0; options->fixtures == NULL && i < options->matches; i++)
        add_drawn(sim, options->day
                           ? wave_ms(sim, i)
                           : FIRST_KICKOFF_MS + (int64_t)i * CYCLE_MS / options->matches);
}

/* Of ended matches only the latest are remembered. */
static void forget(struct sim *sim)
{
    unsigned ended = 0;

    for (unsigned i = 0; i < sim->n; i++)
        ended += sim->matches[i]->closed;
    for (unsigned i = 0; i < sim->n && ended > ENDED_MAX; i++) {
        if (!sim->matches[i]->closed)
            continue;
        match_free(sim->matches[i]);
        memmove(sim->matches + i, sim->matches + i + 1,
                (sim->n - i - 1) * sizeof(struct match *));
        sim->n--;
        break;
    }
}

/* ---- timers ----------------------------------------------------------------- */

static int64_t own_ms(const struct sim *sim, int64_t run_ms)
{
    return sim->options.head_start_ms + (int64_t)ceil((double)run_ms * sim->options.speed);
}

static void add_timer(struct sim *sim, enum timer_kind kind, int64_t run_ms, int64_t since_ms,
                      int producer)
{
    CHECK(sim->n_timers < LENGTH(sim->timers));
    sim->timers[sim->n_timers++] = (struct timer){ kind, own_ms(sim, run_ms), since_ms, producer };
}

static void add_timers(struct sim *sim)
{
    const struct faults_options *faults = &sim->options.faults;

    add_timer(sim, TIMER_ALIVE, ALIVE_EVERY_MS, 0, 0);
    if (sim->options.refresh)
        add_timer(sim, TIMER_REFRESH, REFRESH_EVERY_MS, 0, 0);
    for (unsigned i = 0; i < faults->n_silent; i++)
        add_timer(sim, TIMER_BACK, faults->silent[i].at_ms + faults->silent[i].for_ms,
                  faults->silent[i].at_ms, faults->silent[i].producer);
    if (faults->restart_ms > 0) {
        add_timer(sim, TIMER_RESTART, faults->restart_ms, 0, 0);
        add_timer(sim, TIMER_RESTARTED, faults->restart_ms + FAULTS_RESTART_MS,
                  faults->restart_ms, 0);
    }
}

static bool alives(struct sim *sim, bool subscribed)
{
    for (size_t i = 0; i < LENGTH(producers); i++)
        if (!say_alive(sim, producers[i], subscribed))
            return false;
    return true;
}

static bool snapshot(struct sim *sim, int producer, int64_t after_ms, int64_t request_id)
{
    for (unsigned i = 0; i < sim->n; i++)
        if (sim->matches[i]->stage != STAGE_ANNOUNCED &&
            !say_again(sim, sim->matches[i], producer, after_ms, request_id))
            return false;
    return true;
}

/* A producer is back.  Who can ask for what was missed does; others are told
 * by themselves. */
static bool back(struct sim *sim, int producer, int64_t since_ms)
{
    return say_alive(sim, producer, true) &&
           (!sim->options.refresh ||
            snapshot(sim, producer, sim->began_wall_ms + since_ms, 0));
}

static bool every(struct sim *sim, struct timer *timer, int64_t run_ms)
{
    int64_t step_ms = (int64_t)((double)run_ms * sim->options.speed);

    timer->at_ms += step_ms > 0 ? step_ms : 1;
    if (timer->kind == TIMER_ALIVE)
        return alives(sim, true);
    return snapshot(sim, PRODUCER_LIVE, INT64_MAX, 0) &&
           snapshot(sim, PRODUCER_PREMATCH, INT64_MAX, 0);
}

static bool timer_step(struct sim *sim, struct timer *timer)
{
    int64_t since_ms = timer->since_ms;

    if (timer->kind == TIMER_ALIVE)
        return every(sim, timer, ALIVE_EVERY_MS);
    if (timer->kind == TIMER_REFRESH)
        return every(sim, timer, REFRESH_EVERY_MS);
    timer->at_ms = INT64_MAX;
    if (timer->kind == TIMER_RESTART)
        return alives(sim, false);
    if (timer->kind == TIMER_BACK)
        return back(sim, timer->producer, since_ms);
    return back(sim, PRODUCER_LIVE, since_ms) && back(sim, PRODUCER_PREMATCH, since_ms);
}

static struct timer *first_timer(const struct sim *sim)
{
    const struct timer *first = &sim->timers[0];

    for (unsigned i = 1; i < sim->n_timers; i++)
        if (sim->timers[i].at_ms < first->at_ms)
            first = &sim->timers[i];
    return (struct timer *)first;
}

/* ---- its time ----------------------------------------------------------------- */

static struct match *first_match(const struct sim *sim)
{
    struct match *first = NULL;

    for (unsigned i = 0; i < sim->n; i++)
        if (!sim->matches[i]->closed &&
            (first == NULL || match_due_ms(sim->matches[i]) < match_due_ms(first)))
            first = sim->matches[i];
    return first;
}

bool sim_next(const struct sim *sim, int64_t *at_ms)
{
    const struct match *match = first_match(sim);
    int64_t timer_ms;

    if (match == NULL)
        return false;
    timer_ms = first_timer(sim)->at_ms;
    *at_ms = timer_ms < match_due_ms(match) ? timer_ms : match_due_ms(match);
    return true;
}

bool sim_step(struct sim *sim, int64_t wall_ms)
{
    struct match *match = first_match(sim);
    struct timer *timer = first_timer(sim);
    bool ok;

    CHECK(match != NULL);
    sim->wall_ms = wall_ms;
    if (timer->at_ms <= match_due_ms(match)) {
        sim->now_ms = timer->at_ms;
        return timer_step(sim, timer);
    }
    sim->now_ms = match_due_ms(match);
    ok = match_step(sim, match);
    if (match->closed)
        forget(sim);
    return ok;
}

/* What has passed before anyone listened. */
static void take_head_start(struct sim *sim, int64_t wall_ms)
{
    int64_t at_ms, head_ms = sim->options.head_start_ms;

    sim->muted = true;
    while (sim_next(sim, &at_ms) && at_ms < head_ms)
        CHECK(sim_step(sim, wall_ms - (int64_t)((double)(head_ms - at_ms) / sim->options.speed)));
    sim->muted = false;
    sim->now_ms = head_ms;
}

struct sim *sim_new(const struct sim_options *options, int64_t wall_ms)
{
    struct sim *sim = calloc(1, sizeof(*sim));

    CHECK(sim != NULL);
    CHECK(options->n_fixtures > 0 ||
          (options->matches > 0 && options->matches <= SIM_MATCHES_MAX));
    CHECK(options->speed > 0);
    sim->options = *options;
    sim->options.once |= options->day || options->fixtures != NULL;
    sim->began_wall_ms = wall_ms;
    sim->add = add_drawn;
    buf_init(&sim->message, MESSAGE_BYTES_MAX);
    faults_init(&sim->faults, &options->faults, options->emit, options->ctx);
    add_timers(sim);
    add_matches(sim);
    take_head_start(sim, wall_ms);
    return sim;
}

void sim_free(struct sim *sim)
{
    for (unsigned i = 0; i < sim->n; i++)
        match_free(sim->matches[i]);
    free(sim->matches);
    buf_fini(&sim->message);
    faults_fini(&sim->faults);
    free(sim);
}

bool sim_snapshot(struct sim *sim, int64_t wall_ms, int64_t after_ms)
{
    sim->wall_ms = wall_ms;
    return say_descriptions(sim) && snapshot(sim, PRODUCER_LIVE, after_ms, 0) &&
           snapshot(sim, PRODUCER_PREMATCH, after_ms, 0);
}

bool sim_begin(struct sim *sim, int64_t wall_ms)
{
    sim->wall_ms = wall_ms;
    return alives(sim, true) && sim_snapshot(sim, wall_ms, INT64_MAX);
}

bool sim_recover(struct sim *sim, int64_t wall_ms, int producer, int64_t after_ms,
                 int64_t request_id)
{
    sim->wall_ms = wall_ms;
    return (producer != PRODUCER_PREMATCH || say_descriptions(sim)) &&
           snapshot(sim, producer, after_ms, request_id) &&
           say_snapshot_complete(sim, producer, request_id);
}

bool sim_alive(struct sim *sim, int64_t wall_ms)
{
    sim->wall_ms = wall_ms;
    return alives(sim, true);
}

bool sim_flush(struct sim *sim)
{
    return faults_flush(&sim->faults);
}
