/*
 * Replay: see replay.h.
 */
#include "feed/replay.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/text.h"
#include "feed/csv.h"
#include "model/money.h"

#define NAME_BYTES_MAX 250 /* as Latin-1; twice that is what the feed takes */
#define GOALS_MAX 99
#define HANDICAP_QUARTERS_MAX 80
#define KICKOFF_DEFAULT STR("15:00")
#define TOTAL_SPECIFIERS STR("total=2.5")

/* ---- cells ------------------------------------------------------------ */

/* Up to `digits` digits and nothing else; at least one. */
static bool read_number(struct str text, size_t digits, int *number)
{
    int64_t n;

    if (text.n > digits || !text_number(text, INT_MAX, &n))
        return false;
    *number = (int)n;
    return true;
}

/* dd/mm/yy or dd/mm/yyyy, and hh:mm. */
static bool read_kickoff(struct str date, struct str time, int64_t *ms)
{
    struct str day_text = text_until(&date, '/'), month_text = text_until(&date, '/');
    struct str hour_text;
    int day, month, year, hour, minute;
    char text[40];
    int n;

    if (time.n == 0)
        time = KICKOFF_DEFAULT;
    hour_text = text_until(&time, ':');
    if (!read_number(day_text, 2, &day) || !read_number(month_text, 2, &month) ||
        !read_number(date, 4, &year) || !read_number(hour_text, 2, &hour) ||
        !read_number(time, 2, &minute))
        return false;
    if (date.n <= 2)
        year += year < 70 ? 2000 : 1900;
    n = snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:00Z", year, month, day, hour,
                 minute);
    CHECK(n > 0 && (size_t)n < sizeof(text));
    return clock_parse(str_of(text), ms);
}

/* Above 1, decimals beyond the fourth cut off; 0 = not offered. */
static int64_t read_odds(struct str text)
{
    int64_t odds_e4;

    if (decimal_parse_floor(text, 4, ODDS_MAX_E4, &odds_e4) != DECIMAL_OK ||
        odds_e4 <= ODDS_ONE_E4)
        return 0;
    return odds_e4;
}

/* "-0.75" as -3; false: not a quarter line. */
static bool read_quarters(struct str text, int *quarters)
{
    bool negative = text.n > 0 && text.p[0] == '-';
    int64_t e4;

    if (text.n > 0 && (text.p[0] == '-' || text.p[0] == '+'))
        text = (struct str){ text.p + 1, text.n - 1 };
    if (decimal_parse(text, 4, HANDICAP_QUARTERS_MAX * 2500, &e4) != DECIMAL_OK ||
        e4 % 2500 != 0)
        return false;
    *quarters = (int)(e4 / 2500);
    if (negative)
        *quarters = -*quarters;
    return true;
}

/* ---- columns ---------------------------------------------------------- */

/* Offered when every outcome is. */
static void read_all_odds(const struct csv *csv, const char *const *names, unsigned n,
                          int64_t *odds_e4)
{
    bool offered = true;

    for (unsigned i = 0; i < n; i++) {
        odds_e4[i] = read_odds(csv_cell(csv, names[i]));
        offered = offered && odds_e4[i] > 0;
    }
    if (!offered)
        for (unsigned i = 0; i < n; i++)
            odds_e4[i] = 0;
}

static bool has_all(const struct csv *csv, const char *const *names, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (!csv_has(csv, names[i]))
            return false;
    return true;
}

static void read_result_odds(const struct csv *csv, struct replay_match *match)
{
    static const char *const sets[][3] = {
        { "B365H", "B365D", "B365A" }, { "BbAvH", "BbAvD", "BbAvA" }, { "AvgH", "AvgD", "AvgA" },
    };

    for (size_t i = 0; i < LENGTH(sets); i++)
        if (has_all(csv, sets[i], 3)) {
            read_all_odds(csv, sets[i], 3, match->result_odds_e4);
            return;
        }
}

static void read_total_odds(const struct csv *csv, struct replay_match *match)
{
    static const char *const sets[][2] = {
        { "B365>2.5", "B365<2.5" }, { "BbAv>2.5", "BbAv<2.5" }, { "Avg>2.5", "Avg<2.5" },
    };

    for (size_t i = 0; i < LENGTH(sets); i++)
        if (has_all(csv, sets[i], 2)) {
            read_all_odds(csv, sets[i], 2, match->total_odds_e4);
            return;
        }
}

/* Line, home, away: odds are of their own source's line. */
static void read_handicap(const struct csv *csv, struct replay_match *match)
{
    static const char *const sets[][3] = {
        { "B365AH", "B365AHH", "B365AHA" }, { "AHh", "B365AHH", "B365AHA" },
        { "BbAHh", "BbAvAHH", "BbAvAHA" },  { "AHh", "AvgAHH", "AvgAHA" },
    };

    for (size_t i = 0; i < LENGTH(sets); i++) {
        if (!has_all(csv, sets[i], 3))
            continue;
        if (read_quarters(csv_cell(csv, sets[i][0]), &match->handicap_quarters))
            read_all_odds(csv, sets[i] + 1, 2, match->handicap_odds_e4);
        return;
    }
}

static bool read_pair(const struct csv *csv, const char *home, const char *away, int *goals)
{
    return read_number(csv_cell(csv, home), 2, &goals[0]) &&
           read_number(csv_cell(csv, away), 2, &goals[1]) && goals[0] <= GOALS_MAX &&
           goals[1] <= GOALS_MAX;
}

/* ---- rows ------------------------------------------------------------- */

/* Bytes that continue a character after this one; 4 = it begins none. */
static size_t utf8_tail(unsigned char c)
{
    if (c < 0x80)
        return 0;
    return c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 4;
}

/* A character of 1 + tail bytes that XML may hold: the shortest form, no half
 * of a pair, not U+FFFE or U+FFFF, none above U+10FFFF. */
static bool is_character(const char *p, size_t tail)
{
    static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
    uint32_t code = (unsigned char)p[0] & (tail == 0 ? 0x7f : 0x3fU >> tail);

    for (size_t i = 1; i <= tail; i++) {
        if (((unsigned char)p[i] & 0xc0) != 0x80)
            return false;
        code = code << 6 | ((unsigned char)p[i] & 0x3f);
    }
    return code >= least[tail] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
        && code != 0xfffe && code != 0xffff;
}

static bool is_utf8(struct str text)
{
    for (size_t i = 0; i < text.n;) {
        size_t tail = utf8_tail((unsigned char)text.p[i]);

        if (tail == 4 || tail >= text.n - i || !is_character(text.p + i, tail))
            return false;
        i += tail + 1;
    }
    return true;
}

static bool is_name(struct str text)
{
    return text.n > 0 && text.n <= NAME_BYTES_MAX;
}

/* Older files are Latin-1; the feed takes UTF-8 only. */
static struct str name_utf8(struct str name, struct arena *arena)
{
    char *text = arena_alloc(arena, name.n * 2 + 1);
    size_t n = 0;

    if (is_utf8(name))
        return arena_str(arena, name);
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];

        if (c < 0x80) {
            text[n++] = (char)c;
        } else {
            text[n++] = (char)(0xc0 | c >> 6);
            text[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    return (struct str){ text, n };
}

static struct compose_team team(struct str name, struct arena *arena)
{
    return (struct compose_team){
        .id = arena_printf(arena, "sr:competitor:%llu",
                           (unsigned long long)(hash_stable(name) % 9000000 + 1000000)),
        .name = name_utf8(name, arena),
    };
}

static bool read_row(const struct csv *csv, struct replay_match *match, struct arena *arena)
{
    struct str home = csv_cell(csv, "HomeTeam"), away = csv_cell(csv, "AwayTeam");

    *match = (struct replay_match){ .line = csv->line };
    if (!is_name(home) || !is_name(away) ||
        !read_kickoff(csv_cell(csv, "Date"), csv_cell(csv, "Time"), &match->kickoff_ms))
        return false;
    match->home = team(home, arena);
    match->away = team(away, arena);
    match->played = read_pair(csv, "FTHG", "FTAG", match->goals);
    match->has_half = read_pair(csv, "HTHG", "HTAG", match->half);
    read_result_odds(csv, match);
    read_total_odds(csv, match);
    read_handicap(csv, match);
    return true;
}

static const struct division {
    const char *code, *id, *name, *category;
} divisions[] = {
    { "E0", "sr:tournament:17", "Premier League", "England" },
    { "E1", "sr:tournament:18", "Championship", "England" },
    { "E2", "sr:tournament:24", "League One", "England" },
    { "E3", "sr:tournament:25", "League Two", "England" },
    { "SC0", "sr:tournament:36", "Premiership", "Scotland" },
    { "D1", "sr:tournament:35", "Bundesliga", "Germany" },
    { "I1", "sr:tournament:23", "Serie A", "Italy" },
    { "SP1", "sr:tournament:8", "LaLiga", "Spain" },
    { "F1", "sr:tournament:34", "Ligue 1", "France" },
};

static void name_tournament(struct replay *replay, struct str code, struct arena *arena)
{
    for (size_t i = 0; i < LENGTH(divisions); i++)
        if (str_eq(code, str_of(divisions[i].code))) {
            replay->tournament = str_of(divisions[i].id);
            replay->tournament_name = str_of(divisions[i].name);
            replay->category_name = str_of(divisions[i].category);
            return;
        }
    replay->tournament = arena_printf(arena, "sr:tournament:%llu",
                                      (unsigned long long)(hash_stable(code) % 900000 + 100000));
    replay->tournament_name = is_name(code) ? name_utf8(code, arena) : STR("Season");
    replay->category_name = STR("World");
}

static bool check_header(const struct csv *csv, struct arena *arena, struct str *error)
{
    static const char *const needed[] = { "Date", "HomeTeam", "AwayTeam", "FTHG", "FTAG" };

    for (size_t i = 0; i < LENGTH(needed); i++)
        if (!csv_has(csv, needed[i])) {
            *error = arena_printf(arena, "no column %s: not a football-data.co.uk season",
                                  needed[i]);
            return false;
        }
    return true;
}

/* A match's number: the file and the line in it. */
static struct str event_id(struct str file, unsigned line, struct arena *arena)
{
    unsigned long long base = hash_stable(file) % 900000 + 100000;

    return arena_printf(arena, "sr:match:%llu", base * 100000 + line % 100000);
}

bool replay_read(struct replay *replay, struct str file, struct str text,
                 struct arena *arena, struct str *error)
{
    struct csv csv;
    size_t room = 1;

    *replay = (struct replay){ .n = 0 };
    if (!csv_open(&csv, text, arena)) {
        *error = STR("no header line");
        return false;
    }
    if (!check_header(&csv, arena, error))
        return false;
    for (size_t i = 0; i < text.n; i++)
        room += text.p[i] == '\n' || text.p[i] == '\r';
    replay->matches = ARENA_ARRAY(arena, struct replay_match, room);
    while (csv_next(&csv)) {
        struct replay_match *match = &replay->matches[replay->n];

        CHECK(replay->n < room);
        if (!read_row(&csv, match, arena)) {
            if (replay->skipped++ == 0)
                replay->skipped_line = csv.line;
            continue;
        }
        match->event = event_id(file, csv.line, arena);
        if (replay->n++ == 0)
            name_tournament(replay, csv_cell(&csv, "Div"), arena);
    }
    if (replay->n == 0)
        *error = STR("no match in it");
    return replay->n > 0;
}

/* ---- messages --------------------------------------------------------- */

static struct compose_head head(const struct replay_match *match, int64_t now_ms)
{
    return (struct compose_head){ PRODUCER_PREMATCH, match->event, now_ms, 0 };
}

/* "hcp=-0.75" */
static struct str handicap_specifiers(const struct replay_match *match, char room[24])
{
    static const char *const fractions[] = { "", ".25", ".5", ".75" };
    int quarters = abs(match->handicap_quarters);
    int n = snprintf(room, 24, "hcp=%s%d%s", match->handicap_quarters < 0 ? "-" : "",
                     quarters / 4, fractions[quarters % 4]);

    CHECK(n > 0 && n < 24);
    return (struct str){ room, (size_t)n };
}

void replay_fixture(struct buf *out, const struct replay *replay,
                    const struct replay_match *match, int64_t start_ms, int64_t now_ms)
{
    struct compose_fixture fixture = {
        .event = match->event, .tournament = replay->tournament,
        .tournament_name = replay->tournament_name, .category_name = replay->category_name,
        .home = match->home, .away = match->away, .start_ms = start_ms,
    };

    compose_fixture(out, &fixture, now_ms);
}

static bool is_offered(const struct replay_match *match)
{
    return match->result_odds_e4[0] > 0 || match->total_odds_e4[0] > 0 ||
           match->handicap_odds_e4[0] > 0;
}

static void put_market(struct buf *out, unsigned market, struct str specifiers,
                       const char *const *outcomes, const int64_t *odds_e4, unsigned n)
{
    if (odds_e4[0] == 0)
        return;
    compose_market(out, market, specifiers, 1);
    for (unsigned i = 0; i < n; i++)
        compose_price(out, outcomes[i], odds_e4[i]);
    compose_market_end(out);
}

static const char *const result_outcomes[] = { OUTCOME_HOME, OUTCOME_DRAW, OUTCOME_AWAY };
static const char *const total_outcomes[] = { OUTCOME_OVER, OUTCOME_UNDER };
static const char *const handicap_outcomes[] = { OUTCOME_HANDICAP_HOME,
                                                 OUTCOME_HANDICAP_AWAY };

bool replay_odds(struct buf *out, const struct replay_match *match, int64_t now_ms)
{
    struct compose_head from = head(match, now_ms);
    struct compose_score score = { .clock_s = -1 };
    char room[24];

    if (!is_offered(match))
        return false;
    compose_odds(out, &from, &score);
    put_market(out, MARKET_1X2, STR_NONE, result_outcomes, match->result_odds_e4, 3);
    put_market(out, MARKET_TOTAL, TOTAL_SPECIFIERS, total_outcomes, match->total_odds_e4, 2);
    put_market(out, MARKET_HANDICAP, handicap_specifiers(match, room),
               handicap_outcomes, match->handicap_odds_e4, 2);
    compose_odds_end(out);
    return true;
}

void replay_stop(struct buf *out, const struct replay_match *match, int64_t now_ms)
{
    struct compose_head from = head(match, now_ms);

    compose_bet_stop(out, &from);
}

void replay_score(struct buf *out, const struct replay_match *match,
                  enum replay_moment moment, int64_t now_ms)
{
    struct compose_head from = head(match, now_ms);
    struct compose_score score = { .event_status = EVENT_LIVE,
                                   .match_status = MATCH_FIRST_HALF };

    if (moment == REPLAY_HALF_TIME)
        score = (struct compose_score){ EVENT_LIVE, MATCH_HALF_TIME, match->half[0],
                                        match->half[1], 45 * 60, 0, NULL };
    else if (moment == REPLAY_ENDED)
        score = (struct compose_score){ EVENT_ENDED, MATCH_ENDED, match->goals[0],
                                        match->goals[1], -1, 0, NULL };
    compose_odds(out, &from, &score);
    compose_odds_end(out);
}

static void put_results(struct buf *out, const struct replay_match *match)
{
    int difference = match->goals[0] - match->goals[1];
    int won = difference > 0 ? 0 : difference == 0 ? 1 : 2;

    compose_result_market(out, MARKET_1X2, STR_NONE);
    for (int i = 0; i < 3; i++)
        compose_result(out, result_outcomes[i], i == won, 0);
    compose_market_end(out);
}

static void put_totals(struct buf *out, const struct replay_match *match)
{
    bool over = match->goals[0] + match->goals[1] >= 3;

    compose_result_market(out, MARKET_TOTAL, TOTAL_SPECIFIERS);
    compose_result(out, OUTCOME_OVER, over, 0);
    compose_result(out, OUTCOME_UNDER, !over, 0);
    compose_market_end(out);
}

/* A quarter line is half the stake on each of its neighbours: a quarter of a
 * goal ahead wins one half and gets the other back. */
static void put_handicap_side(struct buf *out, const char *outcome, int ahead_quarters)
{
    int apart = abs(ahead_quarters);

    compose_result(out, outcome, ahead_quarters > 0,
                   apart == 0 ? 10 : apart == 1 ? 5 : 0);
}

static void put_handicap(struct buf *out, const struct replay_match *match)
{
    int ahead = 4 * (match->goals[0] - match->goals[1]) + match->handicap_quarters;
    char room[24];

    compose_result_market(out, MARKET_HANDICAP, handicap_specifiers(match, room));
    put_handicap_side(out, OUTCOME_HANDICAP_HOME, ahead);
    put_handicap_side(out, OUTCOME_HANDICAP_AWAY, -ahead);
    compose_market_end(out);
}

bool replay_settlement(struct buf *out, const struct replay_match *match, int64_t now_ms)
{
    struct compose_head from = head(match, now_ms);

    if (!match->played || !is_offered(match))
        return false;
    compose_settlement(out, &from, 2);
    if (match->result_odds_e4[0] > 0)
        put_results(out, match);
    if (match->total_odds_e4[0] > 0)
        put_totals(out, match);
    if (match->handicap_odds_e4[0] > 0)
        put_handicap(out, match);
    compose_settlement_end(out);
    return true;
}
