/*
 * overround replay: plays a season of football-data.co.uk into a server.
 *
 * Every match is priced a day before its kick-off, stops at kick-off, shows
 * the score at half-time, and is settled at its end; messages go out in the
 * order of the season's time and bear the time of now.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "feed/replay.h"
#include "feed/sender.h"

#define FILE_BYTES_MAX (64 * 1024 * 1024)
#define ARENA_BYTES_MAX (512 * 1024 * 1024)
#define MESSAGE_BYTES_MAX (64 * 1024)
#define MINUTE_MS INT64_C(60000)
#define PRICED_BEFORE_MS (24 * 60 * MINUTE_MS)
#define HALF_TIME_MS (47 * MINUTE_MS)
#define MATCH_MS (112 * MINUTE_MS)
#define PATIENCE_MS 30000

enum step_kind { STEP_PRICED, STEP_KICK_OFF, STEP_HALF_TIME, STEP_ENDED };

struct turn {
    int64_t at_ms;                /* the season's time */
    enum step_kind kind;
    const struct replay_match *match;
};

struct play {
    const char *file, *url, *token;
    double speed;                 /* 0 = as fast as possible */
    bool odds, results, pause;
    struct replay replay;
    struct turn *steps;
    unsigned n_steps;
    struct sender sender;
    struct buf message;
    int64_t began_us, began_wall_ms, first_ms;
};

/* ---- arguments --------------------------------------------------------- */

static bool read_phase(const struct args_row *row, const char *text)
{
    struct play *play = row->into;

    play->odds = strcmp(text, "odds") == 0;
    play->results = strcmp(text, "results") == 0;
    return play->odds || play->results;
}

static bool read_speed(const struct args_row *row, const char *text)
{
    return args_speed(text, row->into);
}

static const char *take_file(void *ctx, const char *word)
{
    struct play *play = ctx;

    if (play->file != NULL)
        return "one file only, not also ";
    play->file = word;
    return NULL;
}

static int read_arguments(struct play *play, int argc, char **argv)
{
    const struct args_row rows[] = {
        ARGS_READ("--speed", "X", read_speed, &play->speed, "not a factor: ",
                  "plays the season X times as fast as it was (default: as fast\n"
                  "as the server takes it)"),
        ARGS_READ("--phase", "odds", read_phase, play, "not odds or results: ",
                  "fixtures and odds only"),
        ARGS_SHOWN("--phase", "results", "stops, scores and results only"),
        ARGS_FLAG("--pause", &play->pause,
                  "all odds first, then waits for Enter before the results"),
        ARGS_TEXT("--url", "URL", &play->url,
                  "the operator listener (default http://127.0.0.1:8081; also --to)"),
        ARGS_TEXT("--to", "URL", &play->url, NULL),
        ARGS_TEXT("--token", "T", &play->token,
                  "the operator's token (default $OVERROUND_OPERATOR_TOKEN)"),
    };
    const struct args args = {
        .command = "replay",
        .usage = "usage: overround replay FILE.csv [options]\n\n"
                 "Plays a season (football-data.co.uk columns) into a server as feed"
                 " messages.\n\n",
        .rows = rows, .n = LENGTH(rows), .column = 17, .tone = ARGS_SAY_BOTH,
        .word = take_file, .ctx = play,
    };
    int exit_code;

    play->url = "http://127.0.0.1:8081";
    play->token = getenv("OVERROUND_OPERATOR_TOKEN");
    play->odds = play->results = true;
    exit_code = args_read(&args, argc, argv);
    if (exit_code != ARGS_WELL)
        return exit_code;
    if (play->file == NULL)
        return args_wrong(&args, "which file?", "");
    if (play->token == NULL || play->token[0] == '\0')
        return args_wrong(&args, "no operator token: give --token or OVERROUND_OPERATOR_TOKEN",
                          "");
    return ARGS_WELL;
}

/* ---- the season --------------------------------------------------------- */

static struct str base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return str_of(slash == NULL ? path : slash + 1);
}

static bool read_season(struct play *play, struct arena *arena)
{
    struct str text, error;

    if (!args_read_file(play->file, FILE_BYTES_MAX, arena, &text)) {
        fprintf(stderr, "overround replay: %s cannot be read (at most 64 MB)\n", play->file);
        return false;
    }
    if (!replay_read(&play->replay, base_name(play->file), text, arena, &error)) {
        fprintf(stderr, "overround replay: %s: " STR_FMT "\n", play->file, STR_ARG(error));
        return false;
    }
    if (play->replay.skipped > 0)
        fprintf(stderr, "overround replay: %s: %u rows without a date or teams are left out,"
                " the first at line %u\n", play->file, play->replay.skipped,
                play->replay.skipped_line);
    return true;
}

static void add_step(struct play *play, const struct replay_match *match,
                     enum step_kind kind, int64_t after_ms)
{
    play->steps[play->n_steps++] = (struct turn){ match->kickoff_ms + after_ms, kind, match };
}

static int compare_steps(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;

    if (x->at_ms != y->at_ms)
        return x->at_ms < y->at_ms ? -1 : 1;
    if (x->match != y->match)
        return x->match < y->match ? -1 : 1;
    return (x->kind > y->kind) - (x->kind < y->kind);
}

static void plan(struct play *play, struct arena *arena)
{
    play->steps = ARENA_ARRAY(arena, struct turn, play->replay.n * 4);
    for (unsigned i = 0; i < play->replay.n; i++) {
        const struct replay_match *match = &play->replay.matches[i];

        add_step(play, match, STEP_PRICED, -PRICED_BEFORE_MS);
        add_step(play, match, STEP_KICK_OFF, 0);
        add_step(play, match, STEP_HALF_TIME, HALF_TIME_MS);
        add_step(play, match, STEP_ENDED, MATCH_MS);
    }
    qsort(play->steps, play->n_steps, sizeof(*play->steps), compare_steps);
    play->first_ms = play->steps[0].at_ms;
}

/* ---- playing ------------------------------------------------------------ */

/* The season's time as the wall clock of the replay: compressed at a given
 * speed, else with the distances it had. */
static int64_t wall_of(const struct play *play, int64_t season_ms)
{
    double speed = play->speed > 0 ? play->speed : 1;

    return play->began_wall_ms + (int64_t)((double)(season_ms - play->first_ms) / speed);
}

static bool post(struct play *play)
{
    bool ok = sender_post(&play->sender, buf_view(&play->message));

    CHECK(!play->message.overflow);
    buf_reset(&play->message);
    return ok;
}

static bool play_priced(struct play *play, const struct replay_match *match)
{
    replay_fixture(&play->message, &play->replay, match, wall_of(play, match->kickoff_ms),
                   clock_wall_ms());
    if (!post(play))
        return false;
    return !replay_odds(&play->message, match, clock_wall_ms()) || post(play);
}

static bool play_kick_off(struct play *play, const struct replay_match *match)
{
    replay_stop(&play->message, match, clock_wall_ms());
    if (!post(play))
        return false;
    if (!match->played)
        return true; /* no result is known: it stays as it is */
    replay_score(&play->message, match, REPLAY_KICK_OFF, clock_wall_ms());
    return post(play);
}

static bool play_ended(struct play *play, const struct replay_match *match)
{
    if (replay_settlement(&play->message, match, clock_wall_ms()) && !post(play))
        return false;
    if (!match->played)
        return true;
    replay_score(&play->message, match, REPLAY_ENDED, clock_wall_ms());
    return post(play);
}

static bool play_step(struct play *play, const struct turn *step)
{
    switch (step->kind) {
    case STEP_PRICED:
        return play_priced(play, step->match);
    case STEP_KICK_OFF:
        return play_kick_off(play, step->match);
    case STEP_HALF_TIME:
        if (!step->match->played || !step->match->has_half)
            return true;
        replay_score(&play->message, step->match, REPLAY_HALF_TIME, clock_wall_ms());
        return post(play);
    case STEP_ENDED:
        break;
    }
    return play_ended(play, step->match);
}

/* The steps of one or both phases, in the season's order. */
static bool play_steps(struct play *play, bool odds, bool results)
{
    for (unsigned i = 0; i < play->n_steps; i++) {
        const struct turn *step = &play->steps[i];
        int64_t due_us = play->began_us +
                         (wall_of(play, step->at_ms) - play->began_wall_ms) * 1000;

        if (step->kind == STEP_PRICED ? !odds : !results)
            continue;
        if (play->speed > 0 && !sender_sleep_until(&play->sender, due_us))
            return false;
        if (!play_step(play, step))
            return false;
    }
    return true;
}

static bool wait_for_enter(struct play *play)
{
    struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
    char bytes[256];

    printf("all odds are in; Enter plays the results\n");
    (void)fflush(stdout);
    while (poll(&in, 1, 1000) <= 0)
        if (!sender_alive(&play->sender))
            return false;
    if (read(STDIN_FILENO, bytes, sizeof(bytes)) < 0)
        return false;
    play->began_us = clock_mono_us() - /* the first kick-off is now */
                     (wall_of(play, play->first_ms + PRICED_BEFORE_MS) -
                      play->began_wall_ms) * 1000;
    return true;
}

static bool play_season(struct play *play)
{
    play->began_us = clock_mono_us();
    play->began_wall_ms = clock_wall_ms();
    compose_descriptions(&play->message);
    if (!post(play))
        return false;
    if (!play->pause || !play->odds || !play->results)
        return play_steps(play, play->odds, play->results);
    return play_steps(play, true, false) && wait_for_enter(play) &&
           play_steps(play, false, true);
}

static int run_replay(struct play *play)
{
    struct sender_options options = {
        .name = "overround replay", .url = play->url, .token = play->token,
        .producers = { PRODUCER_PREMATCH }, .patience_ms = PATIENCE_MS,
    };
    bool ok;

    if (!sender_init(&play->sender, &options))
        return 1;
    buf_init(&play->message, MESSAGE_BYTES_MAX);
    ok = play_season(play);
    if (ok)
        printf("%u matches, %lld messages in %.1f s\n", play->replay.n,
               (long long)play->sender.sent, (double)(clock_mono_us() - play->began_us) / 1e6);
    buf_fini(&play->message);
    sender_fini(&play->sender);
    return ok ? 0 : 1;
}

int cli_replay(int argc, char **argv)
{
    struct play play = { .file = NULL };
    struct arena arena;
    int code;

    code = read_arguments(&play, argc, argv);
    if (code != ARGS_WELL)
        return code;
    arena_init(&arena, ARENA_BYTES_MAX);
    code = 1;
    if (read_season(&play, &arena)) {
        plan(&play, &arena);
        code = run_replay(&play);
    }
    arena_fini(&arena);
    return code;
}
