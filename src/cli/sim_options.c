/*
 * Arguments of `overround sim`.
 */
#include "cli/sim_options.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/args.h"
#include "model/money.h"

#define MATCHES_DEFAULT 10
#define SPEED_DEFAULT 10
#define MARGIN_MAX_E4 5000
#define SECONDS_MAX 1000000

static const char help[] =
    "usage: overround sim [options]\n"
    "\n"
    "Plays football into a server as feed messages: goals, cards and corners by\n"
    "dice or as they really were, all odds from one model of the goals to come.\n"
    "\n"
    "What is played:\n"
    "  --matches N    at a time (default 10)\n"
    "  --day          one match day of N matches, kick-offs in waves; then ends\n"
    "  --once         ends when the first N matches are over\n"
    "  --worldcup DIR the World Cup of 2022, from the folder with its data\n"
    "  --match A-B    of it only this one: \"Argentina-France\"\n"
    "  --from DATE    of it only from this day on: 2022-12-18\n"
    "  --until DATE   of it only up to this day\n"
    "  --speed X      of the matches' time (default 10: one lasts ten minutes)\n"
    "  --seed S       the same seed plays the same messages (default: the time)\n"
    "  --margin M     overround less one, up to 0.5 (default 0.06)\n"
    "\n"
    "Where to:\n"
    "  --to URL       http://host:port of the operator listener (default\n"
    "                 http://127.0.0.1:8081), or amqp://user:password@host/vhost\n"
    "  --token T      the operator's token (default $OVERROUND_OPERATOR_TOKEN)\n"
    "  --recovery-listen HOST:PORT  answers POST /v1/{product}/recovery/initiate_request\n"
    "  --print        to the standard output, at once, by a clock of its own\n"
    "\n"
    "Faults; times are seconds since the start:\n"
    "  --silent P:AT:FOR  producer P (1 live, 3 prematch) says nothing; may be repeated\n"
    "  --restart AT   all producers are away for five seconds\n"
    "  --duplicate PCT  so many messages come twice\n"
    "  --reorder PCT  so many messages come after their successor\n"
    "  --drop-snapshot  each producer's first snapshot_complete is lost\n";

static int usage(const char *wrong, const char *what)
{
    fprintf(stderr, "overround sim: %s%s; see overround sim --help\n", wrong, what);
    return 2;
}

static bool read_whole(const char *text, uint64_t most, uint64_t *number)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && *number <= most;
}

static int read_matches(const char *value, struct sim_play *play)
{
    uint64_t number;

    if (!read_whole(value, SIM_MATCHES_MAX, &number) || number == 0)
        return usage("--matches: not from 1 to 1000: ", value);
    play->matches = (unsigned)number;
    return 0;
}

static int read_speed(const char *value, struct sim_play *play)
{
    return args_speed(value, &play->speed) ? 0 : usage("--speed: not a factor: ", value);
}

static int read_seed(const char *value, struct sim_play *play)
{
    return read_whole(value, UINT64_MAX, &play->seed)
               ? 0 : usage("--seed: not a whole number: ", value);
}

static int read_margin(const char *value, struct sim_play *play)
{
    int64_t margin_e4;

    if (decimal_parse(str_of(value), 4, MARGIN_MAX_E4, &margin_e4) != DECIMAL_OK)
        return usage("--margin: not from 0 to 0.5: ", value);
    play->margin = (double)margin_e4 / 1e4;
    return 0;
}

static int read_silent(const char *value, struct sim_play *play)
{
    struct faults_options *faults = &play->faults;

    if (faults->n_silent == FAULTS_SILENCES_MAX)
        return usage("--silent: at most 16 times", "");
    if (!faults_silence_parse(value, &faults->silent[faults->n_silent]))
        return usage("--silent: not PRODUCER:AT:FOR in seconds: ", value);
    faults->n_silent++;
    return 0;
}

static int read_duplicate(const char *value, struct sim_play *play)
{
    uint64_t number;

    if (!read_whole(value, 100, &number))
        return usage("--duplicate: not from 0 to 100: ", value);
    play->faults.duplicate_pct = (unsigned)number;
    return 0;
}

static int read_reorder(const char *value, struct sim_play *play)
{
    uint64_t number;

    if (!read_whole(value, 100, &number))
        return usage("--reorder: not from 0 to 100: ", value);
    play->faults.reorder_pct = (unsigned)number;
    return 0;
}

static int read_restart(const char *value, struct sim_play *play)
{
    uint64_t number;

    if (!read_whole(value, SECONDS_MAX, &number) || number == 0)
        return usage("--restart: not seconds from 1: ", value);
    play->faults.restart_ms = (int64_t)number * 1000;
    return 0;
}

static bool is_date(const char *text)
{
    static const char form[] = "dddd-dd-dd";
    size_t i = 0;

    for (; form[i] != '\0' && text[i] != '\0'; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return form[i] == '\0' && text[i] == '\0';
}

static int read_from(const char *value, struct sim_play *play)
{
    play->from = value;
    return is_date(value) ? 0 : usage("--from: not a day such as 2022-12-18: ", value);
}

static int read_until(const char *value, struct sim_play *play)
{
    play->until = value;
    return is_date(value) ? 0 : usage("--until: not a day such as 2022-12-18: ", value);
}

static int read_url(const char *value, struct sim_play *play)
{
    play->url = value;
    return 0;
}

static int read_token(const char *value, struct sim_play *play)
{
    play->token = value;
    return 0;
}

static int read_worldcup(const char *value, struct sim_play *play)
{
    play->worldcup = value;
    return 0;
}

static int read_match(const char *value, struct sim_play *play)
{
    play->match = value;
    return strchr(value, '-') != NULL ? 0 : usage("--match: not HOME-AWAY: ", value);
}

static int read_listen(const char *value, struct sim_play *play)
{
    play->recovery_listen = value;
    return 0;
}

static const struct {
    const char *name;
    int (*read)(const char *value, struct sim_play *play);
} valued[] = {
    { "--matches", read_matches }, { "--speed", read_speed }, { "--seed", read_seed },
    { "--margin", read_margin }, { "--silent", read_silent }, { "--duplicate", read_duplicate },
    { "--reorder", read_reorder }, { "--restart", read_restart }, { "--to", read_url },
    { "--url", read_url }, { "--token", read_token }, { "--worldcup", read_worldcup },
    { "--match", read_match }, { "--from", read_from }, { "--until", read_until },
    { "--recovery-listen", read_listen },
};

static bool *find_flag(struct sim_play *play, const char *name)
{
    return strcmp(name, "--once") == 0 ? &play->once
           : strcmp(name, "--day") == 0 ? &play->day
           : strcmp(name, "--print") == 0 ? &play->print
           : strcmp(name, "--drop-snapshot") == 0 ? &play->faults.drop_snapshot : NULL;
}

static int read_option(struct sim_play *play, const char *name, const char *value)
{
    for (size_t i = 0; i < LENGTH(valued); i++) {
        if (strcmp(name, valued[i].name) != 0)
            continue;
        return value == NULL ? usage(name, " needs a value") : valued[i].read(value, play);
    }
    return usage("unknown option ", name);
}

/* Options that mean nothing together. */
static int check(const struct sim_play *play)
{
    bool is_amqp = strncmp(play->url, "amqp", 4) == 0;

    if (play->worldcup == NULL && (play->match != NULL || play->from != NULL ||
                                   play->until != NULL))
        return usage("--match, --from and --until are of --worldcup DIR", "");
    if (play->worldcup != NULL && play->day)
        return usage("--day is not of --worldcup", "");
    if (!play->print && !is_amqp && (play->token == NULL || play->token[0] == '\0'))
        return usage("no operator token: give --token or OVERROUND_OPERATOR_TOKEN", "");
    return 0;
}

int sim_options_read(struct sim_play *play, int argc, char **argv)
{
    *play = (struct sim_play){
        .url = "http://127.0.0.1:8081", .token = getenv("OVERROUND_OPERATOR_TOKEN"),
        .matches = MATCHES_DEFAULT, .speed = SPEED_DEFAULT, .margin = SIM_MARGIN,
        .seed = (uint64_t)clock_wall_ms(),
    };
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        fputs(help, stdout);
        return -1;
    }
    for (int i = 0; i < argc; i++) {
        bool *flag = find_flag(play, argv[i]);
        int wrong;

        if (flag != NULL) {
            *flag = true;
            continue;
        }
        wrong = read_option(play, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (wrong != 0)
            return wrong;
        i++;
    }
    play->faults.seed = play->seed;
    play->once |= play->print; /* it would never end */
    return check(play);
}
