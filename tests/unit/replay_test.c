/*
 * Replay: a season's rows become messages that the feed's parser reads, and
 * its results are what the scores say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "feed/csv.h"
#include "feed/replay.h"
#include "feed/uof.h"
#include "model/facts.h"

static struct arena arena;
static struct buf message;
static struct uof_parser *parser;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 256 * 1024 * 1024);
    buf_init(&message, 64 * 1024);
    parser = uof_parser_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    uof_parser_free(parser);
    buf_fini(&message);
    arena_fini(&arena);
    return 0;
}

/* The message composed last, read back. */
static struct message parsed(void)
{
    struct message result;
    struct uof_error error;

    assert_false(message.overflow);
    if (!uof_parse(parser, buf_view(&message), false, &arena, &result, &error))
        fail_msg("%llu:%llu: %s\n%.*s", (unsigned long long)error.line,
                 (unsigned long long)error.column, error.text, STR_ARG(buf_view(&message)));
    assert_int_equal(result.unknown, 0);
    buf_reset(&message);
    return result;
}

static struct replay season(const char *text)
{
    struct replay replay;
    struct str error = STR_NONE;

    if (!replay_read(&replay, STR("e.csv"), str_of(text), &arena, &error))
        fail_msg("%.*s", STR_ARG(error));
    return replay;
}

static void assert_str(struct str have, const char *want)
{
    if (!str_eq(have, str_of(want)))
        fail_msg("\"%.*s\" is not \"%s\"", STR_ARG(have), want);
}

/* ---- CSV -------------------------------------------------------------- */

static void csv_reads_what_the_world_writes(void **state)
{
    struct csv csv;

    (void)state;
    assert_true(csv_open(&csv, STR("\xef\xbb\xbf" "a,b,c\r\n"
                                   "1,\"x, \"\"y\"\"\nz\",3,4\r\n"
                                   ",,\r\n\r\n"
                                   " 5 ,6\n"
                                   "7,8,\"9"), &arena));
    assert_true(csv_has(&csv, "a"));
    assert_false(csv_has(&csv, "d"));
    assert_true(csv_next(&csv));
    assert_str(csv_cell(&csv, "b"), "x, \"y\"\nz");
    assert_str(csv_cell(&csv, "c"), "3");
    assert_str(csv_cell(&csv, "d"), "");
    assert_true(csv_next(&csv));
    assert_int_equal(csv.line, 6);
    assert_str(csv_cell(&csv, "a"), "5");
    assert_str(csv_cell(&csv, "c"), "");
    assert_true(csv_next(&csv));
    assert_str(csv_cell(&csv, "c"), "9");
    assert_false(csv_next(&csv));
    assert_false(csv_open(&csv, STR(""), &arena));
}

/* ---- rows -------------------------------------------------------------- */

#define HEAD "Div,Date,HomeTeam,AwayTeam,FTHG,FTAG"

static void assert_kickoff(const char *header, const char *cells, const char *want)
{
    char text[256];
    int64_t ms;

    (void)snprintf(text, sizeof(text), "Date,HomeTeam,AwayTeam,FTHG,FTAG%s\n%s\n", header,
                   cells);
    assert_true(clock_parse(str_of(want), &ms));
    assert_int_equal(season(text).matches[0].kickoff_ms, ms);
}

static void dates_are_days_months_years(void **state)
{
    (void)state;
    assert_kickoff("", "10/08/2018,A,B,1,0", "2018-08-10T15:00:00Z");
    assert_kickoff("", "10/08/18,A,B,1,0", "2018-08-10T15:00:00Z");
    assert_kickoff("", "01/02/95,A,B,1,0", "1995-02-01T15:00:00Z");
    assert_kickoff(",Time", "10/08/2019,A,B,1,0,20:45", "2019-08-10T20:45:00Z");
    assert_kickoff(",Time", "10/08/2019,A,B,1,0,", "2019-08-10T15:00:00Z");
}

static void rows_without_date_or_teams_are_left_out(void **state)
{
    struct replay replay = season(HEAD "\nE0,31/02/2018,A,B,1,0\nE0,10/08/2018,,B,1,0\n"
                                       "E0,10/08/2018,A,B,1,0\n");

    (void)state;
    assert_int_equal(replay.n, 1);
    assert_int_equal(replay.skipped, 2);
    assert_int_equal(replay.skipped_line, 2);
    assert_str(replay.tournament_name, "Premier League");
}

/* The feed would refuse its fixture. */
static void a_name_that_no_team_has_is_left_out(void **state)
{
    struct str text = arena_printf(&arena, "Date,HomeTeam,AwayTeam,FTHG,FTAG\n"
                                   "10/08/2018,A,%0251d,1,0\n10/08/2018,A,%0250d,1,0\n", 1, 1);
    struct replay replay = season(arena_cstr(&arena, text));

    (void)state;
    assert_int_equal(replay.n, 1);
    assert_int_equal(replay.skipped, 1);
    assert_int_equal(replay.skipped_line, 2);
}

static void other_files_are_refused(void **state)
{
    struct replay replay;
    struct str error;

    (void)state;
    assert_false(replay_read(&replay, STR("x"), STR("a,b\n1,2\n"), &arena, &error));
    assert_str(error, "no column Date: not a football-data.co.uk season");
    assert_false(replay_read(&replay, STR("x"), STR(HEAD "\n"), &arena, &error));
}

static void ids_follow_from_file_and_row(void **state)
{
    const char *text = HEAD "\nE0,10/08/2018,A,B,1,0\nE0,10/08/2018,C,D,1,0\n";
    struct replay first = season(text), again = season(text), other;
    struct str error;

    (void)state;
    assert_true(replay_read(&other, STR("f.csv"), str_of(text), &arena, &error));
    assert_true(str_eq(first.matches[1].event, again.matches[1].event));
    assert_false(str_eq(first.matches[0].event, first.matches[1].event));
    assert_false(str_eq(first.matches[0].event, other.matches[0].event));
}

static void columns_by_preference_never_the_maximum(void **state)
{
    struct replay_match both, market, newer, none;

    (void)state;
    both = season(HEAD ",BbAvH,BbAvD,BbAvA,B365H,B365D,B365A\n"
                       "E0,1/8/2018,A,B,1,0,1,2,3,1.57,3.9,7.5").matches[0];
    assert_int_equal(both.result_odds_e4[0], 15700);
    assert_int_equal(both.result_odds_e4[2], 75000);
    market = season(HEAD ",BbMx>2.5,BbAv>2.5,BbMx<2.5,BbAv<2.5,BbAHh,BbMxAHH,BbAvAHH,"
                         "BbMxAHA,BbAvAHA\nE0,1/8/2018,A,B,1,0,2.12,2.03,1.85,1.79,-0.75,"
                         "1.75,1.7,2.29,2.21").matches[0];
    assert_int_equal(market.total_odds_e4[0], 20300);
    assert_int_equal(market.total_odds_e4[1], 17900);
    assert_int_equal(market.handicap_odds_e4[0], 17000);
    assert_int_equal(market.handicap_odds_e4[1], 22100);
    assert_int_equal(market.handicap_quarters, -3);
    newer = season(HEAD ",AHh,B365AHH,B365AHA,AvgAHH,AvgAHA,B365>2.5,B365<2.5\n"
                        "E0,1/8/2018,A,B,1,0,1.5,1.9,2,1.8,2.1,1.875,1.99999").matches[0];
    assert_int_equal(newer.handicap_odds_e4[0], 19000);
    assert_int_equal(newer.handicap_quarters, 6);
    assert_int_equal(newer.total_odds_e4[0], 18750);
    assert_int_equal(newer.total_odds_e4[1], 19999);
    none = season(HEAD ",MaxH,MaxD,MaxA\nE0,1/8/2018,A,B,1,0,2,3,4").matches[0];
    assert_int_equal(none.result_odds_e4[0], 0);
}

static void an_empty_cell_is_not_offered(void **state)
{
    struct replay replay = season(HEAD ",B365H,B365D,B365A,AvgH,AvgD,AvgA,AHh,AvgAHH,AvgAHA\n"
                                       "E0,1/8/2018,A,B,1,0,2,,4,2,3,4,,1.9,1.9");

    (void)state;
    assert_false(replay_odds(&message, &replay.matches[0], 1));
    assert_false(replay_settlement(&message, &replay.matches[0], 1));
}

/* ---- messages ----------------------------------------------------------- */

static struct replay_match played(int home, int away, int quarters)
{
    return (struct replay_match){
        .event = STR("sr:match:1"), .home = { STR("sr:competitor:1"), STR("A & \"B\"") },
        .away = { STR("sr:competitor:2"), STR("C <D>") }, .played = true,
        .goals = { home, away }, .result_odds_e4 = { 15700, 39000, 75000 },
        .total_odds_e4 = { 20300, 17900 }, .handicap_odds_e4 = { 17000, 22100 },
        .handicap_quarters = quarters,
    };
}

static void a_fixture_names_its_match(void **state)
{
    struct replay replay = { .tournament = STR("t"), .tournament_name = STR("T") };
    struct replay_match match = played(1, 0, 0);
    struct message got;

    (void)state;
    replay_fixture(&message, &replay, &match, 1750000000000, 1740000000000);
    got = parsed();
    assert_int_equal(got.type, MESSAGE_FIXTURE);
    assert_str(got.fixture->home.name, "A & \"B\"");
    assert_str(got.fixture->away.name, "C <D>");
    assert_str(got.fixture->sport, "sr:sport:1");
    assert_int_equal(got.fixture->start_ms, 1750000000000);
}

/* Latin-1, half a pair, the overlong, beyond Unicode, what is no character. */
static void names_are_utf8_whatever_the_file(void **state)
{
    static const struct { const char *bytes, *want; } rows[] = {
        { "K\xc3\xb6ln", "K\xc3\xb6ln" },
        { "\xe2\x82\xac\xf0\x9f\x8f\x86", "\xe2\x82\xac\xf0\x9f\x8f\x86" },
        { "K\xf6ln", "K\xc3\xb6ln" },
        { "\xed\xa0\x80", "\xc3\xad\xc2\xa0\xc2\x80" },
        { "\xe0\x80\xaf", "\xc3\xa0\xc2\x80\xc2\xaf" },
        { "\xf4\x90\x80\x80", "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80" },
        { "\xef\xbf\xbf", "\xc3\xaf\xc2\xbf\xc2\xbf" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct str text = arena_printf(&arena, "Div,Date,HomeTeam,AwayTeam,FTHG,FTAG\n"
                                       "%s,10/08/2019,%s,B,1,0\n", rows[i].bytes, rows[i].bytes);
        struct replay replay = season(arena_cstr(&arena, text));
        struct message got;

        replay_fixture(&message, &replay, &replay.matches[0], 0, 0);
        got = parsed();
        assert_str(got.fixture->home.name, rows[i].want);
        assert_str(replay.tournament_name, rows[i].want);
    }
}

static void odds_list_three_markets(void **state)
{
    struct replay_match match = played(1, 0, -3);
    struct message got;

    (void)state;
    assert_true(replay_odds(&message, &match, 5));
    got = parsed();
    assert_int_equal(got.type, MESSAGE_ODDS_CHANGE);
    assert_int_equal(got.producer, 3);
    assert_int_equal(got.n_markets, 3);
    assert_str(got.markets[1].specifiers, "total=2.5");
    assert_str(got.markets[2].specifiers, "hcp=-0.75");
    assert_int_equal(got.markets[2].market, 16);
    assert_int_equal(got.outcomes[got.markets[2].first].odds_e4, 17000);
    assert_str(got.outcomes[got.markets[2].first].id, "1714");
}

static void descriptions_stops_and_scores_are_read(void **state)
{
    struct replay_match match = played(2, 1, 0);
    struct message got;

    (void)state;
    match.half[0] = 1;
    compose_descriptions(&message);
    got = parsed();
    assert_int_equal(got.n_descriptions, 8);
    replay_stop(&message, &match, 5);
    assert_int_equal(parsed().type, MESSAGE_BET_STOP);
    replay_score(&message, &match, REPLAY_HALF_TIME, 5);
    got = parsed();
    assert_str(got.home_score, "1");
    assert_int_equal(got.event_status, 1);
    replay_score(&message, &match, REPLAY_ENDED, 5);
    got = parsed();
    assert_str(got.away_score, "1");
    assert_int_equal(got.event_status, 3);
    compose_alive(&message, 3, 5, true);
    assert_true(parsed().subscribed);
}

static const struct {
    int home, away, quarters;
    enum leg_state left, right; /* of the home and the away side */
} handicaps[] = {
    { 2, 1, -3, LEG_HALF_WON, LEG_HALF_LOST }, { 2, 0, -3, LEG_WON, LEG_LOST },
    { 1, 1, -3, LEG_LOST, LEG_WON },           { 1, 1, -1, LEG_HALF_LOST, LEG_HALF_WON },
    { 1, 1, 1, LEG_HALF_WON, LEG_HALF_LOST },  { 1, 1, 0, LEG_VOID, LEG_VOID },
    { 2, 1, -4, LEG_VOID, LEG_VOID },          { 2, 1, -5, LEG_HALF_LOST, LEG_HALF_WON },
    { 0, 1, 3, LEG_HALF_LOST, LEG_HALF_WON },  { 0, 1, 5, LEG_HALF_WON, LEG_HALF_LOST },
    { 0, 1, 4, LEG_VOID, LEG_VOID },           { 3, 0, -10, LEG_WON, LEG_LOST },
};

static enum leg_state state_of(const struct message_outcome *outcome)
{
    return leg_result_make(outcome->result, outcome->void_e12, outcome->dead_heat_e12).state;
}

static void quarter_lines_are_half_won_and_half_lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(handicaps); i++) {
        struct replay_match match = played(handicaps[i].home, handicaps[i].away,
                                           handicaps[i].quarters);
        struct message got;
        const struct message_outcome *sides;

        assert_true(replay_settlement(&message, &match, 5));
        got = parsed();
        assert_int_equal(got.certainty, 2);
        assert_int_equal(got.n_markets, 3);
        sides = got.outcomes + got.markets[2].first;
        assert_int_equal(state_of(&sides[0]), handicaps[i].left);
        assert_int_equal(state_of(&sides[1]), handicaps[i].right);
    }
}

static void results_follow_the_score(void **state)
{
    struct replay_match home = played(2, 1, 0), draw = played(1, 1, 0), away = played(0, 2, 0);
    struct message got;

    (void)state;
    assert_true(replay_settlement(&message, &home, 5));
    got = parsed();
    assert_int_equal(got.outcomes[0].result, 1);
    assert_int_equal(got.outcomes[1].result, 0);
    assert_int_equal(got.outcomes[got.markets[1].first].result, 1); /* over 2.5 */
    assert_true(replay_settlement(&message, &draw, 5));
    got = parsed();
    assert_int_equal(got.outcomes[1].result, 1);
    assert_int_equal(got.outcomes[got.markets[1].first].result, 0);
    assert_true(replay_settlement(&message, &away, 5));
    assert_int_equal(parsed().outcomes[2].result, 1);
    home.played = false;
    assert_false(replay_settlement(&message, &home, 5));
}

/* Whole real seasons, where the data is at hand. */
static void read_real(const char *name, unsigned rows, unsigned handicaps_offered)
{
    const char *folder = getenv("OVERROUND_DATA");
    char path[512], *text = malloc(4 << 20);
    struct replay replay;
    struct str error = STR_NONE;
    unsigned n = 0;
    FILE *file;

    assert_non_null(text);
    (void)snprintf(path, sizeof(path), "%s/football/%s",
                   folder != NULL ? folder : "../shared/data", name);
    file = fopen(path, "rb");
    if (file == NULL) {
        free(text);
        if (getenv("CI") != NULL)
            fail_msg("no data at %s", path);
        skip();
    }
    assert_true(replay_read(&replay, str_of(name),
                            (struct str){ text, fread(text, 1, 4 << 20, file) }, &arena,
                            &error));
    (void)fclose(file);
    assert_int_equal(replay.n, rows);
    assert_int_equal(replay.skipped, 0);
    for (unsigned i = 0; i < replay.n; i++) {
        n += replay.matches[i].handicap_odds_e4[0] > 0;
        assert_true(replay.matches[i].played);
        if (replay_odds(&message, &replay.matches[i], 1))
            (void)parsed();
        if (replay_settlement(&message, &replay.matches[i], 1))
            (void)parsed();
    }
    assert_int_equal(n, handicaps_offered);
    free(text);
}

static void real_seasons_are_read(void **state)
{
    (void)state;
    read_real("england_premier_2017-2018.csv", 380, 380);
    read_real("england_premier_2018-2019.csv", 380, 380);
    read_real("england_premier_2019-2020.csv", 380, 380);
    read_real("england_league1_2019-2020.csv", 400, 386);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(csv_reads_what_the_world_writes),
        T(dates_are_days_months_years),
        T(rows_without_date_or_teams_are_left_out),
        T(a_name_that_no_team_has_is_left_out),
        T(other_files_are_refused),
        T(ids_follow_from_file_and_row),
        T(columns_by_preference_never_the_maximum),
        T(an_empty_cell_is_not_offered),
        T(a_fixture_names_its_match),
        T(names_are_utf8_whatever_the_file),
        T(odds_list_three_markets),
        T(descriptions_stops_and_scores_are_read),
        T(quarter_lines_are_half_won_and_half_lost),
        T(results_follow_the_score),
        T(real_seasons_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
