/*
 * overround sim: plays matches that nobody played into a server, for ever
 * or once.  When the server was away, it is told everything again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "feed/compose.h"
#include "feed/sender.h"
#include "feed/sim.h"

#define MESSAGE_BYTES_MAX (64 * 1024)
#define REFRESH_US 30000000 /* all odds again, whatever happened */

struct play {
    const char *url, *token;
    unsigned matches;
    double speed;
    uint64_t seed;
    bool once;
    struct sender sender;
    struct sim *sim;
    int64_t began_us, refreshed_us;
};

static const char help[] =
    "usage: overround sim [options]\n"
    "\n"
    "Plays simulated football into a server as feed messages: goals by a Poisson\n"
    "process, odds from the score and the time left.\n"
    "\n"
    "  --matches N    at a time (default 6)\n"
    "  --speed X      of the matches' time (default 10: one lasts ten minutes)\n"
    "  --seed S       the same seed plays the same matches (default: the time)\n"
    "  --once         ends when the first N matches are over\n"
    "  --url URL      the operator listener (default http://127.0.0.1:8081; also --to)\n"
    "  --token T      the operator's token (default $OVERROUND_OPERATOR_TOKEN)\n";

static int usage(const char *wrong, const char *what)
{
    fprintf(stderr, "overround sim: %s%s; see overround sim --help\n", wrong, what);
    return 2;
}

/* ---- arguments --------------------------------------------------------- */

static bool read_whole(const char *text, uint64_t most, uint64_t *number)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && *number <= most;
}

/* 0, or the exit code after the person was told. */
static int read_option(struct play *play, const char *name, const char *value)
{
    uint64_t number = 0;

    if (value == NULL)
        return usage(name, " needs a value");
    if (strcmp(name, "--matches") == 0) {
        if (!read_whole(value, SIM_MATCHES_MAX, &number) || number == 0)
            return usage("--matches: not from 1 to 1000: ", value);
        play->matches = (unsigned)number;
    } else if (strcmp(name, "--speed") == 0) {
        return args_speed(value, &play->speed) ? 0 : usage("--speed: not a factor: ", value);
    } else if (strcmp(name, "--seed") == 0) {
        return read_whole(value, UINT64_MAX, &play->seed) ? 0
                   : usage("--seed: not a whole number: ", value);
    } else if (strcmp(name, "--url") == 0 || strcmp(name, "--to") == 0) {
        play->url = value;
    } else if (strcmp(name, "--token") == 0) {
        play->token = value;
    } else {
        return usage("unknown option ", name);
    }
    return 0;
}

static int read_arguments(struct play *play, int argc, char **argv)
{
    *play = (struct play){
        .url = "http://127.0.0.1:8081",
        .token = getenv("OVERROUND_OPERATOR_TOKEN"),
        .matches = 6, .speed = 10, .seed = (uint64_t)clock_wall_ms(),
    };
    for (int i = 0; i < argc; i++) {
        int wrong;

        if (strcmp(argv[i], "--once") == 0) {
            play->once = true;
            continue;
        }
        wrong = read_option(play, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (wrong != 0)
            return wrong;
        i++;
    }
    if (play->token == NULL || play->token[0] == '\0')
        return usage("no operator token: give --token or OVERROUND_OPERATOR_TOKEN", "");
    return 0;
}

/* ---- playing ------------------------------------------------------------ */

static bool on_message(void *ctx, struct str message)
{
    return sender_post(&((struct play *)ctx)->sender, message);
}

static bool post_descriptions(struct play *play)
{
    struct buf message;
    bool ok;

    buf_init(&message, MESSAGE_BYTES_MAX);
    compose_descriptions(&message);
    ok = sender_post(&play->sender, buf_view(&message));
    buf_fini(&message);
    return ok;
}

/* A server that was away may have begun anew: it is told everything, and
 * the matches wait for it. */
static bool catch_up(struct play *play, int64_t due_us)
{
    int64_t now_us = clock_mono_us();

    if (play->sender.returned) {
        play->sender.returned = false;
        play->refreshed_us = now_us;
        if (now_us > due_us)
            play->began_us += now_us - due_us;
        return post_descriptions(play) && sim_snapshot(play->sim, clock_wall_ms(), true);
    }
    if (now_us - play->refreshed_us < REFRESH_US)
        return true;
    play->refreshed_us = now_us;
    return sim_snapshot(play->sim, clock_wall_ms(), false);
}

static bool play_matches(struct play *play)
{
    int64_t at_ms;

    if (!sender_alive(&play->sender) || !post_descriptions(play))
        return false;
    play->sender.returned = false;
    play->began_us = play->refreshed_us = clock_mono_us();
    while (sim_next(play->sim, &at_ms)) {
        int64_t due_us = play->began_us + (int64_t)((double)at_ms * 1000 / play->speed);

        if (!sender_sleep_until(&play->sender, due_us))
            return false;
        if (!sim_step(play->sim, clock_wall_ms()))
            return false;
        if (!catch_up(play, due_us))
            return false;
    }
    return true;
}

int cli_sim(int argc, char **argv)
{
    struct play play;
    struct sim_options options;
    bool ok;
    int code;

    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        fputs(help, stdout);
        return 0;
    }
    code = read_arguments(&play, argc, argv);
    if (code != 0)
        return code;
    if (!sender_init(&play.sender, &(struct sender_options){
            .name = "overround sim", .url = play.url, .token = play.token,
            .producers = { PRODUCER_LIVE, PRODUCER_PREMATCH },
        }))
        return 1;
    options = (struct sim_options){
        .matches = play.matches, .seed = play.seed, .speed = play.speed, .once = play.once,
        /* A run's own: results of an earlier one must not meet them. */
        .base_id = clock_wall_ms() / 1000 * 10000,
        .emit = on_message, .ctx = &play,
    };
    play.sim = sim_new(&options);
    ok = play_matches(&play);
    if (ok)
        printf("%u matches, %lld messages\n", play.matches, (long long)play.sender.sent);
    sim_free(play.sim);
    sender_fini(&play.sender);
    return ok ? 0 : 1;
}
