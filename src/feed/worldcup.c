/*
 * World Cup: see worldcup.h.
 */
#include "feed/worldcup.h"

#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "feed/csv.h"
#include "feed/value.h"

#define NAME_BYTES_MAX 64
#define GOALS_OF_SIDE 20
#define CARDS_OF_MATCH 60
#define STOPPAGE_MAX 30
#define HALF_S (45 * 60)
#define EXTRA_S (15 * 60)
#define LEAD_MS INT64_C(300000)          /* before the first kick-off */
#define GAP_MS (130 * INT64_C(60000))    /* between two kick-offs, at most */
#define FIT_ROUNDS 30
#define FIT_PRIOR 2.0   /* matches of an average team that each has played */
#define TOURNAMENT_ID 16
#define TEAM_ID 4700

static const int period_first[SCRIPT_PERIODS] = { 1, 46, 91, 106 };
static const int period_last[SCRIPT_PERIODS] = { 45, 90, 105, 120 };

/* What a reading is about. */
struct cup_reading {
    struct worldcup *cup;
    struct arena *arena;
    struct str *error;
    uint64_t dice;
};

/* ---- minutes ---------------------------------------------------------------- */

/* "90+9" is in the second half; a second within that minute is drawn. */
static bool add_incident(struct script *script, enum incident_kind kind, unsigned side,
                         int64_t minute, int64_t stoppage, uint64_t *dice)
{
    uint8_t period = 0;
    int64_t at_s;

    while (minute > period_last[period])
        period++;
    if (stoppage > 0 && minute != period_last[period])
        return false;
    at_s = (minute - period_first[period] + stoppage) * 60 + 5 + (int64_t)(dice_roll(dice) % 45);
    return script_add(script, (struct incident){ kind, period, (uint8_t)side, (int32_t)at_s });
}

/* As long as what happened in them, and usual at least. */
static void set_lengths(struct script *script)
{
    static const int32_t least_s[SCRIPT_PERIODS] = {
        HALF_S + 120, HALF_S + 240, EXTRA_S + 60, EXTRA_S + 60,
    };

    for (unsigned i = 0; i < SCRIPT_PERIODS; i++)
        script->length_s[i] = least_s[i];
    for (unsigned i = 0; i < script->n; i++) {
        int32_t *length_s = &script->length_s[script->incidents[i].period];

        if (script->incidents[i].at_s + 30 > *length_s)
            *length_s = script->incidents[i].at_s + 30;
    }
}

/* ---- the matches --------------------------------------------------------------- */

static bool is_name(struct str text)
{
    if (text.n == 0 || text.n > NAME_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < ' ')
            return false;
    return true;
}

static bool team_of(struct cup_reading *reading, struct str name, unsigned *team)
{
    struct worldcup *cup = reading->cup;

    for (*team = 0; *team < cup->n_teams; (*team)++)
        if (str_eq(str_of(cup->teams[*team]), name))
            return true;
    if (cup->n_teams == WORLDCUP_TEAMS_MAX)
        return false;
    cup->teams[cup->n_teams++] = arena_cstr(reading->arena, name);
    return true;
}

static bool fail(struct cup_reading *reading, size_t index, const char *what)
{
    *reading->error = arena_printf(reading->arena, "matches[%zu]: %s", index, what);
    return false;
}

static bool read_pair(json_t *json, int pair[2])
{
    if (json == NULL || json_array_size(json) != 2)
        return false;
    for (size_t i = 0; i < 2; i++) {
        json_t *number = json_array_get(json, i);
        json_int_t n = json_is_integer(number) ? json_integer_value(number) : -1;

        if (n < 0 || n > GOALS_OF_SIDE)
            return false;
        pair[i] = (int)n;
    }
    return true;
}

static bool read_goal(struct cup_reading *reading, size_t index, struct worldcup_match *match,
                      unsigned side, json_t *json)
{
    struct str name;
    int64_t minute = 0, offset = 0;
    bool own = false, penalty = false;
    const struct json_field fields[] = {
        { "name", JSON_KIND_STRING, true, &name },
        { "minute", JSON_KIND_INT, true, &minute },
        { "offset", JSON_KIND_INT, false, &offset },
        { "owngoal", JSON_KIND_BOOL, false, &own },
        { "penalty", JSON_KIND_BOOL, false, &penalty },
    };
    struct str where = arena_printf(reading->arena, "matches[%zu].goals%u.", index, side + 1);

    if (!json_fields(json, arena_cstr(reading->arena, where), fields, LENGTH(fields),
                     reading->arena, reading->error))
        return false;
    if (minute < 1 || minute > 120 || offset < 0 || offset > STOPPAGE_MAX ||
        !add_incident(&match->script, INCIDENT_GOAL, side, minute, offset, &reading->dice))
        return fail(reading, index, "a goal's minute is none");
    match->regular[side] += minute <= 90;
    match->extra[side]++;
    return true;
}

static bool read_goals(struct cup_reading *reading, size_t index, struct worldcup_match *match,
                       unsigned side, json_t *goals)
{
    size_t n = goals == NULL ? 0 : json_array_size(goals);

    if (n > GOALS_OF_SIDE)
        return fail(reading, index, "too many goals");
    for (size_t i = 0; i < n; i++)
        if (!read_goal(reading, index, match, side, json_array_get(goals, i)))
            return false;
    return true;
}

static bool is_pair(const int a[2], const int b[2])
{
    return a[0] == b[0] && a[1] == b[1];
}

/* What the file says of the score must be what its goals add up to. */
static bool read_score(struct cup_reading *reading, size_t index, struct worldcup_match *match,
                       json_t *json)
{
    json_t *ft = NULL, *ht = NULL, *et = NULL, *p = NULL;
    const struct json_field fields[] = {
        { "ft", JSON_KIND_ARRAY, true, &ft }, { "ht", JSON_KIND_ARRAY, false, &ht },
        { "et", JSON_KIND_ARRAY, false, &et }, { "p", JSON_KIND_ARRAY, false, &p },
    };
    struct str where = arena_printf(reading->arena, "matches[%zu].score.", index);
    int told[2];

    if (!json_fields(json, arena_cstr(reading->arena, where), fields, LENGTH(fields),
                     reading->arena, reading->error))
        return false;
    if (!read_pair(ft, told) || !is_pair(told, match->regular))
        return fail(reading, index, "score.ft is not what the goals add up to");
    if (et == NULL ? !is_pair(match->extra, match->regular)
                   : !read_pair(et, told) || !is_pair(told, match->extra))
        return fail(reading, index, "score.et is not what the goals add up to");
    match->script.periods = et == NULL ? 2 : 4;
    match->script.shoot_out = p != NULL;
    if (p != NULL && (et == NULL || match->extra[0] != match->extra[1] ||
                      !read_pair(p, match->script.shoot_out_score)))
        return fail(reading, index, "score.p is no shoot-out");
    return true;
}

static bool read_start(struct cup_reading *reading, struct worldcup_match *match, struct str date,
                       struct str time)
{
    struct str text = arena_printf(reading->arena, STR_FMT "T" STR_FMT ":00Z", STR_ARG(date),
                                   STR_ARG(time));

    match->date = arena_str(reading->arena, date);
    return date.n == 10 && time.n == 5 && clock_parse(text, &match->start_ms);
}

static bool read_match(struct cup_reading *reading, size_t index, json_t *json)
{
    struct worldcup_match *match = &reading->cup->matches[index];
    struct str round, date, time, home, away, group, ground;
    json_t *score = NULL, *goals[2] = { NULL, NULL };
    const struct json_field fields[] = {
        { "round", JSON_KIND_STRING, true, &round }, { "date", JSON_KIND_STRING, true, &date },
        { "time", JSON_KIND_STRING, true, &time }, { "team1", JSON_KIND_STRING, true, &home },
        { "team2", JSON_KIND_STRING, true, &away }, { "score", JSON_KIND_OBJECT, true, &score },
        { "goals1", JSON_KIND_ARRAY, false, &goals[0] },
        { "goals2", JSON_KIND_ARRAY, false, &goals[1] },
        { "group", JSON_KIND_STRING, false, &group },
        { "ground", JSON_KIND_STRING, false, &ground },
    };
    struct str where = arena_printf(reading->arena, "matches[%zu].", index);

    if (!json_fields(json, arena_cstr(reading->arena, where), fields, LENGTH(fields),
                     reading->arena, reading->error))
        return false;
    if (!is_name(home) || !is_name(away) || str_eq(home, away) ||
        !team_of(reading, home, &match->teams[0]) || !team_of(reading, away, &match->teams[1]))
        return fail(reading, index, "team1 and team2 are not two teams");
    if (!read_start(reading, match, date, time))
        return fail(reading, index, "date and time are not 2022-12-18 and 18:00");
    if (!read_goals(reading, index, match, 0, goals[0]) ||
        !read_goals(reading, index, match, 1, goals[1]) ||
        !read_score(reading, index, match, score))
        return false;
    set_lengths(&match->script);
    script_decorate(&match->script, &reading->dice);
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct worldcup_match *x = a, *y = b;

    if (x->start_ms != y->start_ms)
        return x->start_ms < y->start_ms ? -1 : 1;
    return (x->teams[0] > y->teams[0]) - (x->teams[0] < y->teams[0]);
}

/* ---- strengths -------------------------------------------------------------- */

/* Goals = level x attack x other side's defence, fitted to the goals of 90
 * minutes in turns; few matches each, so everyone gets some average ones. */
static void fit(struct worldcup *cup)
{
    double level = 0, scored, expected;

    for (unsigned i = 0; i < cup->n; i++)
        level += cup->matches[i].regular[0] + cup->matches[i].regular[1];
    level = cup->n > 0 && level > 0 ? level / (2.0 * cup->n) : 1;
    for (unsigned team = 0; team < cup->n_teams; team++)
        cup->attack[team] = cup->defence[team] = 1;
    for (unsigned round = 0; round < 2 * FIT_ROUNDS; round++)
        for (unsigned team = 0; team < cup->n_teams; team++) {
            bool attack = round % 2 == 0;

            scored = expected = FIT_PRIOR * level;
            for (unsigned i = 0; i < cup->n; i++)
                for (unsigned side = 0; side < 2; side++) {
                    const struct worldcup_match *match = &cup->matches[i];

                    if (match->teams[side] != team)
                        continue;
                    scored += match->regular[attack ? side : 1 - side];
                    expected += level * (attack ? cup->defence : cup->attack)[
                                            match->teams[1 - side]];
                }
            (attack ? cup->attack : cup->defence)[team] = scored / expected;
        }
}

/* ---- the file ----------------------------------------------------------------- */

static bool read_matches(struct cup_reading *reading, json_t *matches)
{
    struct worldcup *cup = reading->cup;

    cup->n = (unsigned)json_array_size(matches);
    if (cup->n == 0 || cup->n > WORLDCUP_MATCHES_MAX) {
        *reading->error = STR("matches: none, or more than 128");
        return false;
    }
    cup->matches = ARENA_ARRAY(reading->arena, struct worldcup_match, cup->n);
    for (unsigned i = 0; i < cup->n; i++)
        if (!read_match(reading, i, json_array_get(matches, i)))
            return false;
    qsort(cup->matches, cup->n, sizeof(cup->matches[0]), compare);
    fit(cup);
    return true;
}

bool worldcup_read(struct worldcup *cup, struct str json, uint64_t seed, struct arena *arena,
                   struct str *error)
{
    struct cup_reading reading = { cup, arena, error, seed };
    struct str name;
    json_t *matches = NULL, *document;
    const struct json_field fields[] = {
        { "name", JSON_KIND_STRING, true, &name },
        { "matches", JSON_KIND_ARRAY, true, &matches },
    };
    bool ok;

    *cup = (struct worldcup){ .n = 0 };
    document = json_read(json, fields, LENGTH(fields), arena, error);
    if (document == NULL)
        return false;
    ok = read_matches(&reading, matches);
    json_decref(document);
    return ok;
}

/* ---- cards ---------------------------------------------------------------------- */

static bool read_cell(const struct csv *csv, const char *name, int64_t most, int64_t *number)
{
    return value_integer(arena_cstr(csv->arena, csv_cell(csv, name)), 0, most, number);
}

/* The two sources call one team by two names. */
static struct str known_as(struct str name)
{
    return str_eq(name, STR("United States")) ? STR("USA") : name;
}

/* "Qatar vs Ecuador" of that day. */
static struct worldcup_match *match_named(struct worldcup *cup, struct str date,
                                          struct str names)
{
    static const char between[] = " vs ";
    const char *at = names.n == 0 ? NULL
                                  : memmem(names.p, names.n, between, sizeof(between) - 1);
    struct str home, away;

    if (at == NULL)
        return NULL;
    home = known_as((struct str){ names.p, (size_t)(at - names.p) });
    away.p = at + sizeof(between) - 1;
    away.n = names.n - (size_t)(away.p - names.p);
    away = known_as(away);
    for (unsigned i = 0; i < cup->n; i++)
        if (str_eq(cup->matches[i].date, date) &&
            str_eq(str_of(cup->teams[cup->matches[i].teams[0]]), home) &&
            str_eq(str_of(cup->teams[cup->matches[i].teams[1]]), away))
            return &cup->matches[i];
    return NULL;
}

/* NULL, or what is wrong with the row. */
static const char *read_booking(struct worldcup *cup, const struct csv *csv, uint64_t *dice)
{
    struct worldcup_match *match = match_named(cup, csv_cell(csv, "match_date"),
                                               csv_cell(csv, "match_name"));
    int64_t minute, stoppage, home, yellow, off;

    if (match == NULL)
        return "match_date and match_name are no match";
    if (!read_cell(csv, "minute_regulation", 120, &minute) || minute == 0 ||
        !read_cell(csv, "minute_stoppage", STOPPAGE_MAX, &stoppage))
        return "minute_regulation or minute_stoppage is no minute";
    if (!read_cell(csv, "home_team", 1, &home) || !read_cell(csv, "yellow_card", 1, &yellow) ||
        !read_cell(csv, "sending_off", 1, &off))
        return "home_team, yellow_card or sending_off is not 0 or 1";
    if (match->n_cards >= CARDS_OF_MATCH || (minute > 90 && match->script.periods == 2))
        return "the match has no such card";
    if ((yellow == 1 && !add_incident(&match->script, INCIDENT_YELLOW, home == 0, minute,
                                      stoppage, dice)) ||
        (off == 1 && !add_incident(&match->script, INCIDENT_RED, home == 0, minute, stoppage,
                                   dice)))
        return "minute_stoppage is none";
    match->n_cards++;
    return NULL;
}

bool worldcup_read_bookings(struct worldcup *cup, struct str text, struct arena *arena,
                            struct str *error)
{
    static const char *const columns[] = { "match_date", "match_name", "minute_regulation",
                                           "minute_stoppage", "home_team", "yellow_card",
                                           "sending_off" };
    uint64_t dice = 1;
    struct csv csv;

    *error = STR("no header");
    if (!csv_open(&csv, text, arena))
        return false;
    for (size_t i = 0; i < LENGTH(columns); i++)
        if (!csv_has(&csv, columns[i])) {
            *error = arena_printf(arena, "there is no column %s", columns[i]);
            return false;
        }
    while (csv_next(&csv)) {
        const char *wrong = read_booking(cup, &csv, &dice);

        if (wrong != NULL) {
            *error = arena_printf(arena, "line %u: %s", csv.line, wrong);
            return false;
        }
    }
    for (unsigned i = 0; i < cup->n; i++) {
        set_lengths(&cup->matches[i].script);
        script_sort(&cup->matches[i].script);
    }
    return true;
}

/* ---- what is played ---------------------------------------------------------------- */

static bool is_chosen(const struct worldcup *cup, const struct worldcup_match *match,
                      const struct worldcup_choice *choice, struct arena *arena)
{
    struct str name = arena_printf(arena, "%s-%s", cup->teams[match->teams[0]],
                                   cup->teams[match->teams[1]]);

    if (choice->match != NULL && (strlen(choice->match) != name.n ||
                                  strncasecmp(choice->match, name.p, name.n) != 0))
        return false;
    return (choice->from == NULL || str_cmp(match->date, str_of(choice->from)) >= 0) &&
           (choice->until == NULL || str_cmp(match->date, str_of(choice->until)) <= 0);
}

static struct sim_fixture fixture_of(const struct worldcup *cup, unsigned index)
{
    const struct worldcup_match *match = &cup->matches[index];
    unsigned home = match->teams[0], away = match->teams[1];
    double goals = 0;

    for (unsigned i = 0; i < cup->n; i++)
        goals += cup->matches[i].regular[0] + cup->matches[i].regular[1];
    goals = goals > 0 ? goals / (2.0 * cup->n) : 1;
    return (struct sim_fixture){
        .id = index + 1, .home = cup->teams[home], .away = cup->teams[away],
        .tournament = "World Cup 2022", .category = "International",
        .home_id = TEAM_ID + home, .away_id = TEAM_ID + away, .tournament_id = TOURNAMENT_ID,
        .mean = { goals * cup->attack[home] * cup->defence[away],
                  goals * cup->attack[away] * cup->defence[home] },
        .script = &match->script,
    };
}

unsigned worldcup_fixtures(const struct worldcup *cup, const struct worldcup_choice *choice,
                           struct arena *arena, struct sim_fixture **fixtures)
{
    int64_t at_ms = LEAD_MS, last_ms = 0;
    unsigned n = 0;

    *fixtures = ARENA_ARRAY(arena, struct sim_fixture, cup->n);
    for (unsigned i = 0; i < cup->n; i++) {
        int64_t start_ms = cup->matches[i].start_ms;

        if (!is_chosen(cup, &cup->matches[i], choice, arena))
            continue;
        if (n > 0)
            at_ms += start_ms - last_ms < GAP_MS ? start_ms - last_ms : GAP_MS;
        last_ms = start_ms;
        (*fixtures)[n] = fixture_of(cup, i);
        (*fixtures)[n++].kickoff_ms = at_ms;
    }
    return n;
}
