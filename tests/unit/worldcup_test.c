/*
 * The World Cup of 2022 as it is played: against another source (the goals,
 * matches and bookings of the fjelstul files), read here by other code; and
 * what is not understood is refused by name.
 */
#include "tests/unit/sim_tape.h"

#include "feed/csv.h"
#include "feed/worldcup.h"

#define HEAD "{\"name\":\"Cup\",\"matches\":[{\"round\":\"1\",\"date\":\"2022-12-18\"," \
             "\"time\":\"18:00\",\"team1\":\"A\",\"team2\":\"B\","
#define SCORE_10 "\"score\":{\"ft\":[1,0]}"
#define GOAL(more) "\"goals1\":[{\"name\":\"x\"," more "}]"

static struct arena files;
static struct worldcup cup;

static bool read_data(const char *name, struct str *text)
{
    const char *data = getenv("OVERROUND_DATA");
    char path[512];
    FILE *file;
    size_t room = 1 << 20;
    char *bytes = arena_alloc(&files, room);

    (void)snprintf(path, sizeof(path), "%s/worldcup/%s", data == NULL ? "../shared/data" : data,
                   name);
    file = fopen(path, "rb");
    if (file == NULL)
        return false;
    *text = (struct str){ bytes, fread(bytes, 1, room, file) };
    (void)fclose(file);
    return true;
}

/* False: there is no data. */
static bool read_cup(void)
{
    struct str text, error = STR_NONE;

    if (!read_data("openfootball_2022_worldcup.json", &text)) {
        if (getenv("CI") != NULL)
            fail_msg("there is no data");
        return false;
    }
    if (!worldcup_read(&cup, text, 1, &files, &error))
        fail_msg(STR_FMT, STR_ARG(error));
    assert_true(read_data("fjelstul_wc2022_bookings.csv", &text));
    if (!worldcup_read_bookings(&cup, text, &files, &error))
        fail_msg(STR_FMT, STR_ARG(error));
    return true;
}

/* ---- the other source ----------------------------------------------------------- */

struct truth {
    char home[40], away[40], id[20];
    int end[2], regular[2], shoot_out[2], cards;
};

static struct truth truths[64];

static int cell_number(const struct csv *csv, const char *name)
{
    return (int)strtol(arena_cstr(&files, csv_cell(csv, name)), NULL, 10);
}

static void put(char *room, struct str text)
{
    if (str_eq(text, STR("United States")))
        text = STR("USA");
    assert_true(text.n < 40);
    memcpy(room, text.p, text.n);
    room[text.n] = '\0';
}

static void read_results(void)
{
    struct str text;
    struct csv csv;
    unsigned n = 0;

    assert_true(read_data("fjelstul_wc2022_matches.csv", &text));
    assert_true(csv_open(&csv, text, &files));
    for (; csv_next(&csv); n++) {
        assert_true(n < 64);
        memset(&truths[n], 0, sizeof(truths[n]));
        put(truths[n].home, csv_cell(&csv, "home_team_name"));
        put(truths[n].away, csv_cell(&csv, "away_team_name"));
        put(truths[n].id, csv_cell(&csv, "match_id"));
        truths[n].end[0] = cell_number(&csv, "home_team_score");
        truths[n].end[1] = cell_number(&csv, "away_team_score");
        truths[n].shoot_out[0] = cell_number(&csv, "home_team_score_penalties");
        truths[n].shoot_out[1] = cell_number(&csv, "away_team_score_penalties");
    }
    assert_int_equal(n, 64);
}

static struct truth *truth_of(const struct csv *csv)
{
    for (unsigned i = 0; i < 64; i++)
        if (str_eq(csv_cell(csv, "match_id"), str_of(truths[i].id)))
            return &truths[i];
    fail_msg("no match in line %u", csv->line);
    return NULL;
}

static void read_truths(void)
{
    struct str text, period;
    struct csv csv;

    read_results();
    assert_true(read_data("fjelstul_wc2022_goals.csv", &text));
    assert_true(csv_open(&csv, text, &files));
    while (csv_next(&csv)) {
        period = csv_cell(&csv, "match_period");
        if (period.n < 5 || memcmp(period.p, "extra", 5) != 0)
            truth_of(&csv)->regular[cell_number(&csv, "away_team")]++;
    }
    assert_true(read_data("fjelstul_wc2022_bookings.csv", &text));
    assert_true(csv_open(&csv, text, &files));
    while (csv_next(&csv))
        truth_of(&csv)->cards++;
}

/* ---- played ------------------------------------------------------------------------ */

static const struct seen_event *played(const struct truth *truth)
{
    for (unsigned i = 0; i < tape.n_events; i++)
        if (strcmp(tape.events[i].home, truth->home) == 0 &&
            strcmp(tape.events[i].away, truth->away) == 0)
            return &tape.events[i];
    fail_msg("%s - %s was not played", truth->home, truth->away);
    return NULL;
}

static void play_cup(const struct worldcup_choice *choice)
{
    struct sim_options options = {
        .seed = 1, .base_id = 100, .speed = 10, .margin = SIM_MARGIN, .emit = on_message,
    };
    struct sim_fixture *fixtures;
    struct sim *sim;

    options.n_fixtures = worldcup_fixtures(&cup, choice, &files, &fixtures);
    options.fixtures = fixtures;
    assert_true(options.n_fixtures > 0);
    sim = sim_new(&options, WALL);
    assert_true(sim_begin(sim, WALL));
    play(sim, INT64_MAX);
    sim_free(sim);
}

/* The tape has checked every settlement against the 90 minutes by then. */
static void the_tournament_ends_as_it_did(void **state)
{
    unsigned extra = 0, shoot_outs = 0, cards = 0;

    (void)state;
    if (!read_cup())
        skip();
    read_truths();
    play_cup(&(struct worldcup_choice){ .match = NULL });
    assert_int_equal(tape.n_events, 64);
    assert_int_equal(tape.stale, 0);
    all_is_settled();
    for (unsigned i = 0; i < 64; i++) {
        const struct truth *truth = &truths[i];
        const struct seen_event *event = played(truth);
        bool shoot_out = truth->shoot_out[0] + truth->shoot_out[1] > 0;

        for (int side = 0; side < 2; side++) {
            assert_int_equal(event->score[side], truth->end[side]);
            assert_int_equal(event->regular[side], truth->regular[side]);
        }
        assert_int_equal(event->event_status, EVENT_CLOSED);
        assert_int_equal(event->match_status == MATCH_AFTER_PENALTIES, shoot_out);
        extra += event->match_status != MATCH_ENDED;
        shoot_outs += shoot_out;
        cards += (unsigned)truth->cards;
    }
    assert_int_equal(extra, 5);
    assert_int_equal(shoot_outs, 5);
    for (unsigned i = 0; i < cup.n; i++)
        cards -= cup.matches[i].n_cards;
    assert_int_equal(cards, 0);
}

static void the_final_is_played_alone(void **state)
{
    const struct seen_event *final;
    const struct worldcup_match *last;

    (void)state;
    if (!read_cup())
        skip();
    play_cup(&(struct worldcup_choice){ .match = "argentina-france" });
    assert_int_equal(tape.n_events, 1);
    final = &tape.events[0];
    assert_string_equal(final->home, "Argentina");
    assert_int_equal(final->score[0] * 10 + final->score[1], 33);
    assert_int_equal(final->regular[0] * 10 + final->regular[1], 22);
    assert_memory_equal(final->goals, "HHAA", 4);
    last = &cup.matches[cup.n - 1];
    assert_int_equal(last->script.shoot_out_score[0], 4);
    assert_int_equal(last->script.shoot_out_score[1], 2);
}

/* Faster than betting can be resumed: markets come and go unseen. */
static void five_goals_in_a_minute_are_settled(void **state)
{
    struct str error = STR_NONE;

    (void)state;
    assert_true(worldcup_read(&cup, STR(HEAD "\"score\":{\"ft\":[5,0]},\"goals1\":["
        "{\"name\":\"x\",\"minute\":31},{\"name\":\"x\",\"minute\":31},"
        "{\"name\":\"x\",\"minute\":31},{\"name\":\"x\",\"minute\":31},"
        "{\"name\":\"x\",\"minute\":31}]}]}"), 1, &files, &error));
    play_cup(&(struct worldcup_choice){ .match = NULL });
    assert_int_equal(tape.events[0].regular[0], 5);
    all_is_settled();
}

static void days_are_chosen(void **state)
{
    struct sim_fixture *fixtures;

    (void)state;
    if (!read_cup())
        skip();
    assert_int_equal(worldcup_fixtures(&cup, &(struct worldcup_choice){
        .from = "2022-12-17" }, &files, &fixtures), 2);
    assert_int_equal(worldcup_fixtures(&cup, &(struct worldcup_choice){
        .until = "2022-11-20" }, &files, &fixtures), 1);
    assert_string_equal(fixtures[0].home, "Qatar");
    assert_int_equal(worldcup_fixtures(&cup, &(struct worldcup_choice){
        .match = "Argentina-Atlantis" }, &files, &fixtures), 0);
    /* everyone has goals in them, the finalists more than the hosts */
    assert_int_equal(worldcup_fixtures(&cup, &(struct worldcup_choice){ .match = NULL }, &files,
                                       &fixtures), 64);
    for (unsigned i = 0; i < 64; i++)
        for (int side = 0; side < 2; side++)
            assert_true(fixtures[i].mean[side] > 0.2 && fixtures[i].mean[side] < 5);
    assert_true(fixtures[63].mean[0] > fixtures[0].mean[0]);
}

/* ---- strictness ------------------------------------------------------------------- */


static void refused(const char *json, const char *names)
{
    struct str error = STR_NONE;
    char text[400] = "";

    assert_false(worldcup_read(&cup, str_of(json), 1, &files, &error));
    assert_true(error.n > 0 && error.n < sizeof(text));
    memcpy(text, error.p, error.n);
    if (strstr(text, names) == NULL)
        fail_msg("%s: not about %s", text, names);
}

static void what_does_not_add_up_is_named(void **state)
{
    struct str error = STR_NONE;

    (void)state;
    assert_true(worldcup_read(&cup, STR(HEAD SCORE_10 "," GOAL("\"minute\":90,\"offset\":4")
                                        "}]}"), 1, &files, &error));
    assert_int_equal(cup.matches[0].script.periods, 2);
    assert_true(cup.matches[0].script.length_s[1] >= 48 * 60);
    refused("", "line 1");
    refused("[]", "object");
    refused("{\"name\":\"Cup\",\"matches\":[]}", "matches");
    refused("{\"name\":\"Cup\",\"matches\":[1]}", "matches[0]");
    refused(HEAD SCORE_10 "}]}", "score.ft");
    refused(HEAD "\"score\":{\"ft\":[1]}," GOAL("\"minute\":1") "}]}", "score.ft");
    refused(HEAD "\"score\":[]}]}", "score");
    refused(HEAD SCORE_10 "," GOAL("\"minute\":121") "}]}", "minute");
    refused(HEAD SCORE_10 "," GOAL("\"minute\":44,\"offset\":2") "}]}", "minute");
    refused(HEAD SCORE_10 "," GOAL("\"minute\":\"9\"") "}]}", "goals1.minute");
    refused(HEAD SCORE_10 "," GOAL("\"minute\":100") "}]}", "score.ft");
    refused(HEAD "\"score\":{\"ft\":[0,0]}," GOAL("\"minute\":100") "}]}", "score.et");
    refused(HEAD "\"score\":{\"ft\":[0,0],\"p\":[3,2]}}]}", "score.p");
    refused(HEAD SCORE_10 ",\"weather\":\"fine\"}]}", "weather");
    refused("{\"name\":\"Cup\",\"matches\":[{\"round\":\"1\",\"date\":\"2022-13-18\","
            "\"time\":\"18:00\",\"team1\":\"A\",\"team2\":\"B\","
            "\"score\":{\"ft\":[0,0]}}]}", "date");
    refused("{\"name\":\"Cup\",\"matches\":[{\"round\":\"1\",\"date\":\"2022-12-18\","
            "\"time\":\"18:00\",\"team1\":\"A\",\"team2\":\"A\","
            "\"score\":{\"ft\":[0,0]}}]}", "team");
}

#define COLUMNS "match_date,match_name,minute_regulation,minute_stoppage,home_team," \
                "yellow_card,sending_off\n"

static void card_refused(const char *csv, const char *names)
{
    struct str error = STR_NONE;
    char text[400] = "";

    assert_false(worldcup_read_bookings(&cup, str_of(csv), &files, &error));
    memcpy(text, error.p, error.n);
    if (strstr(text, names) == NULL)
        fail_msg("%s: not about %s", text, names);
}

static void a_card_without_a_match_is_named(void **state)
{
    struct str error = STR_NONE;

    (void)state;
    assert_true(worldcup_read(&cup, STR(HEAD "\"score\":{\"ft\":[0,0]}}]}"), 1, &files, &error));
    assert_true(worldcup_read_bookings(&cup, STR(COLUMNS "2022-12-18,A vs B,45,2,0,1,0\n"),
                                       &files, &error));
    assert_int_equal(cup.matches[0].n_cards, 1);
    card_refused("", "header");
    card_refused("match_date,match_name\n", "minute_regulation");
    card_refused(COLUMNS "2022-12-18,A vs C,45,2,0,1,0\n", "line 2");
    card_refused(COLUMNS "2022-12-17,A vs B,45,2,0,1,0\n", "match_date");
    card_refused(COLUMNS "2022-12-18,A vs B,x,2,0,1,0\n", "minute_regulation");
    card_refused(COLUMNS "2022-12-18,A vs B,44,2,0,1,0\n", "minute_stoppage");
    card_refused(COLUMNS "2022-12-18,A vs B,100,0,0,1,0\n", "no such card");
    card_refused(COLUMNS "2022-12-18,A vs B,45,2,2,1,0\n", "home_team");
}

static int open_all(void **state)
{
    arena_init(&files, 256 * 1024 * 1024);
    return set_up(state);
}

static int close_all(void **state)
{
    arena_fini(&files);
    return tear_down(state);
}

#define T(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_tournament_ends_as_it_did),
        T(the_final_is_played_alone),
        T(five_goals_in_a_minute_are_settled),
        T(days_are_chosen),
        T(what_does_not_add_up_is_named),
        T(a_card_without_a_match_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
