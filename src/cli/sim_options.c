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

static bool read_whole(const char *text, uint64_t most, uint64_t *number)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && *number <= most;
}

static bool read_matches(const struct args_row *row, const char *value)
{
    uint64_t number;

    if (!read_whole(value, SIM_MATCHES_MAX, &number) || number == 0)
        return false;
    *(unsigned *)row->into = (unsigned)number;
    return true;
}

static bool read_speed(const struct args_row *row, const char *value)
{
    return args_speed(value, row->into);
}

static bool read_seed(const struct args_row *row, const char *value)
{
    return read_whole(value, UINT64_MAX, row->into);
}

static bool read_margin(const struct args_row *row, const char *value)
{
    int64_t margin_e4;

    if (decimal_parse(str_of(value), 4, MARGIN_MAX_E4, &margin_e4) != DECIMAL_OK)
        return false;
    *(double *)row->into = (double)margin_e4 / 1e4;
    return true;
}

static bool read_silent(const struct args_row *row, const char *value)
{
    struct faults_options *faults = row->into;

    if (faults->n_silent == FAULTS_SILENCES_MAX ||
        !faults_silence_parse(value, &faults->silent[faults->n_silent]))
        return false;
    faults->n_silent++;
    return true;
}

static bool read_percent(const struct args_row *row, const char *value)
{
    uint64_t number;

    if (!read_whole(value, 100, &number))
        return false;
    *(unsigned *)row->into = (unsigned)number;
    return true;
}

static bool read_restart(const struct args_row *row, const char *value)
{
    uint64_t number;

    if (!read_whole(value, SECONDS_MAX, &number) || number == 0)
        return false;
    *(int64_t *)row->into = (int64_t)number * 1000;
    return true;
}

static bool read_date(const struct args_row *row, const char *text)
{
    static const char form[] = "dddd-dd-dd";
    size_t i = 0;

    for (; form[i] != '\0' && text[i] != '\0'; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return form[i] == '\0' && text[i] == '\0' && args_text(row, text);
}

static bool read_match(const struct args_row *row, const char *value)
{
    return strchr(value, '-') != NULL && args_text(row, value);
}

/* Options that mean nothing together. */
static int check(const struct args *args, const struct sim_play *play)
{
    bool is_amqp = strncmp(play->url, "amqp", 4) == 0;

    if (play->worldcup == NULL && (play->match != NULL || play->from != NULL ||
                                   play->until != NULL))
        return args_wrong(args, "--match, --from and --until are of --worldcup DIR", "");
    if (play->worldcup != NULL && play->day)
        return args_wrong(args, "--day is not of --worldcup", "");
    if (!play->print && !is_amqp && (play->token == NULL || play->token[0] == '\0'))
        return args_wrong(args, "no operator token: give --token or OVERROUND_OPERATOR_TOKEN",
                          "");
    return ARGS_WELL;
}

#define NO_DAY "not a day such as 2022-12-18: "
#define NO_PERCENT "not from 0 to 100: "

#define ROWS_OF_PLAY(play) \
    ARGS_SAID("What is played:\n"), \
    ARGS_READ("--matches", "N", read_matches, &(play)->matches, "not from 1 to 1000: ", \
              "at a time (default 10)"), \
    ARGS_FLAG("--day", &(play)->day, \
              "one match day of N matches, kick-offs in waves; then ends"), \
    ARGS_FLAG("--once", &(play)->once, "ends when the first N matches are over"), \
    ARGS_TEXT("--worldcup", "DIR", &(play)->worldcup, \
              "the World Cup of 2022, from the folder with its data"), \
    ARGS_READ("--match", "A-B", read_match, &(play)->match, "not HOME-AWAY: ", \
              "of it only this one: \"Argentina-France\""), \
    ARGS_READ("--from", "DATE", read_date, &(play)->from, NO_DAY, \
              "of it only from this day on: 2022-12-18"), \
    ARGS_READ("--until", "DATE", read_date, &(play)->until, NO_DAY, \
              "of it only up to this day"), \
    ARGS_READ("--speed", "X", read_speed, &(play)->speed, "not a factor: ", \
              "of the matches' time (default 10: one lasts ten minutes)"), \
    ARGS_READ("--seed", "S", read_seed, &(play)->seed, "not a whole number: ", \
              "the same seed plays the same messages (default: the time)"), \
    ARGS_READ("--margin", "M", read_margin, &(play)->margin, "not from 0 to 0.5: ", \
              "overround less one, up to 0.5 (default 0.06)")

#define ROWS_OF_WAY(play) \
    ARGS_SAID("\nWhere to:\n"), \
    ARGS_TEXT("--to", "URL", &(play)->url, \
              "http://host:port of the operator listener (default\n" \
              "http://127.0.0.1:8081), or amqp://user:password@host/vhost"), \
    ARGS_TEXT("--url", "URL", &(play)->url, NULL), \
    ARGS_TEXT("--token", "T", &(play)->token, \
              "the operator's token (default $OVERROUND_OPERATOR_TOKEN)"), \
    ARGS_TEXT("--recovery-listen", "HOST:PORT", &(play)->recovery_listen, \
              "answers POST /v1/{product}/recovery/initiate_request"), \
    ARGS_FLAG("--print", &(play)->print, "to the standard output, at once, by a clock of its own")

#define ROWS_OF_FAULTS(faults) \
    ARGS_SAID("\nFaults; times are seconds since the start:\n"), \
    ARGS_READ("--silent", "P:AT:FOR", read_silent, faults, \
              "not PRODUCER:AT:FOR in seconds, at most 16 times: ", \
              "producer P (1 live, 3 prematch) says nothing; may be repeated"), \
    ARGS_READ("--restart", "AT", read_restart, &(faults)->restart_ms, "not seconds from 1: ", \
              "all producers are away for five seconds"), \
    ARGS_READ("--duplicate", "PCT", read_percent, &(faults)->duplicate_pct, NO_PERCENT, \
              "so many messages come twice"), \
    ARGS_READ("--reorder", "PCT", read_percent, &(faults)->reorder_pct, NO_PERCENT, \
              "so many messages come after their successor"), \
    ARGS_FLAG("--drop-snapshot", &(faults)->drop_snapshot, \
              "each producer's first snapshot_complete is lost")

int sim_options_read(struct sim_play *play, int argc, char **argv)
{
    const struct args_row rows[] = {
        ROWS_OF_PLAY(play), ROWS_OF_WAY(play), ROWS_OF_FAULTS(&play->faults),
    };
    const struct args args = {
        .command = "sim",
        .usage = "usage: overround sim [options]\n\n"
                 "Plays football into a server as feed messages: goals, cards and corners by\n"
                 "dice or as they really were, all odds from one model of the goals to come.\n\n",
        .rows = rows, .n = LENGTH(rows), .column = 17, .tone = ARGS_SAY_BOTH,
    };
    int exit_code;

    *play = (struct sim_play){
        .url = "http://127.0.0.1:8081", .token = getenv("OVERROUND_OPERATOR_TOKEN"),
        .matches = MATCHES_DEFAULT, .speed = SPEED_DEFAULT, .margin = SIM_MARGIN,
        .seed = (uint64_t)clock_wall_ms(),
    };
    exit_code = args_read(&args, argc, argv);
    if (exit_code != ARGS_WELL)
        return exit_code;
    play->faults.seed = play->seed;
    play->once |= play->print; /* it would never end */
    return check(&args, play);
}
