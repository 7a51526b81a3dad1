/*
 * overround sim: plays football into a server, for ever or once.  When the
 * server was away, it is told everything again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/sim_options.h"
#include "feed/recovery_side.h"
#include "feed/worldcup.h"
#include "feed/sender.h"

#define HEAD_START_MS (105 * 60 * INT64_C(1000)) /* a match is at every minute */
#define LATE_US 3000000       /* behind its time: alives out of turn */
#define SLICE_US 100000
#define ARENA_BYTES (64 * 1024)
#define PRINT_WALL_MS INT64_C(1798761600000) /* 2027-01-01 */
#define FILE_BYTES_MAX (16 * 1024 * 1024)
#define FILES_BYTES_MAX (128 * 1024 * 1024)
#define PRINT_BASE_ID 1000000

struct player {
    struct sim_play play;
    struct sender sender;
    struct sim *sim;
    struct recovery_side *recovery; /* NULL = nobody asks */
    int64_t head_ms;
    int64_t began_us;         /* when the head start was over */
    int64_t alive_us;         /* the last one out of turn */
    int64_t messages;
    struct worldcup cup;
    struct sim_fixture *fixtures;
    unsigned n_fixtures;
};

/* ---- printing --------------------------------------------------------------- */

static bool print_message(void *ctx, struct str message)
{
    ((struct player *)ctx)->messages++;
    return fwrite(message.p, 1, message.n, stdout) == message.n;
}

/* By a clock that jumps from step to step: the same seed prints the same. */
static bool print_all(struct player *player)
{
    int64_t at_ms;

    if (!sim_begin(player->sim, PRINT_WALL_MS))
        return false;
    while (sim_next(player->sim, &at_ms))
        if (!sim_step(player->sim, PRINT_WALL_MS +
                      (int64_t)((double)(at_ms - player->head_ms) / player->play.speed)))
            return false;
    return sim_flush(player->sim) && fflush(stdout) == 0;
}

/* ---- playing ------------------------------------------------------------------ */

static bool send_message(void *ctx, struct str message)
{
    return sender_post(&((struct player *)ctx)->sender, message);
}

/* A server that was away may have begun anew: it is told everything, and
 * the matches wait for it. */
static bool catch_up(struct player *player, int64_t due_us)
{
    int64_t now_us = clock_mono_us();

    if (!player->sender.returned)
        return true;
    player->sender.returned = false;
    if (now_us > due_us)
        player->began_us += now_us - due_us;
    return sim_alive(player->sim, clock_wall_ms()) &&
           sim_snapshot(player->sim, clock_wall_ms(), INT64_MAX);
}

static bool stay_alive(struct player *player, int64_t due_us)
{
    int64_t now_us = clock_mono_us();

    if (now_us - due_us < LATE_US || now_us - player->alive_us < LATE_US)
        return true;
    player->alive_us = now_us;
    return sim_alive(player->sim, clock_wall_ms());
}

/* Recoveries that were asked for, waiting for more for at most so long. */
static bool recover(struct player *player, int64_t patience_us)
{
    struct recovery_request request;

    recovery_side_turn(player->recovery, patience_us);
    while (recovery_side_take(player->recovery, &request))
        if (!sim_recover(player->sim, clock_wall_ms(), request.producer, request.after_ms,
                         request.request_id))
            return false;
    return true;
}

static bool wait_until(struct player *player, int64_t due_us)
{
    for (;;) {
        int64_t left_us = due_us - clock_mono_us();
        int64_t slice_us = left_us < SLICE_US ? left_us : SLICE_US;

        if (player->recovery != NULL && !recover(player, slice_us))
            return false;
        if (left_us <= 0)
            return true;
        if (!sender_flush(&player->sender))
            return false;
        if (player->recovery == NULL &&
            !sender_sleep_until(&player->sender, clock_mono_us() + slice_us))
            return false;
    }
}

static bool play_all(struct player *player)
{
    int64_t at_ms;

    if (!sim_begin(player->sim, clock_wall_ms()))
        return false;
    player->sender.returned = false;
    player->began_us = clock_mono_us();
    while (sim_next(player->sim, &at_ms)) {
        int64_t due_us = player->began_us +
            (int64_t)((double)(at_ms - player->head_ms) * 1000 / player->play.speed);

        if (!wait_until(player, due_us) || !stay_alive(player, due_us) ||
            !sim_step(player->sim, clock_wall_ms()) || !catch_up(player, due_us))
            return false;
    }
    return sim_flush(player->sim) && sender_flush(&player->sender);
}

static bool listen_for_recovery(struct player *player)
{
    struct arena arena;
    struct str error = STR_NONE;

    if (player->play.recovery_listen == NULL)
        return true;
    arena_init(&arena, ARENA_BYTES);
    player->recovery = recovery_side_new(player->play.recovery_listen, &arena, &error);
    if (player->recovery == NULL)
        fprintf(stderr, "overround sim: --recovery-listen: " STR_FMT "\n", STR_ARG(error));
    else
        printf("recovery-port %d\n", recovery_side_port(player->recovery));
    (void)fflush(stdout);
    arena_fini(&arena);
    return player->recovery != NULL;
}

static bool play_out(struct player *player)
{
    struct sender_options options = {
        .name = "overround sim", .url = player->play.url, .token = player->play.token,
    };
    bool ok;

    if (!listen_for_recovery(player))
        return false;
    if (!sender_init(&player->sender, &options)) {
        recovery_side_free(player->recovery);
        return false;
    }
    ok = play_all(player);
    recovery_side_free(player->recovery);
    if (ok)
        printf("%lld messages\n", (long long)player->sender.sent);
    sender_fini(&player->sender);
    return ok;
}

/* ---- the World Cup --------------------------------------------------------------- */

static bool read_data(const char *folder, const char *name, struct arena *arena, struct str *text)
{
    struct str path = arena_printf(arena, "%s/%s", folder, name);

    if (args_read_file(arena_cstr(arena, path), FILE_BYTES_MAX, arena, text))
        return true;
    fprintf(stderr, "overround sim: --worldcup: " STR_FMT " cannot be read\n", STR_ARG(path));
    return false;
}

static bool print_unread(const char *name, struct str error)
{
    fprintf(stderr, "overround sim: %s: " STR_FMT "\n", name, STR_ARG(error));
    return false;
}

static bool read_worldcup(struct player *player, struct arena *arena)
{
    static const char matches[] = "openfootball_2022_worldcup.json";
    static const char bookings[] = "fjelstul_wc2022_bookings.csv";
    const struct sim_play *play = &player->play;
    struct worldcup_choice choice = { play->match, play->from, play->until };
    struct str text, error = STR_NONE;

    if (!read_data(play->worldcup, matches, arena, &text))
        return false;
    if (!worldcup_read(&player->cup, text, play->seed, arena, &error))
        return print_unread(matches, error);
    if (!read_data(play->worldcup, bookings, arena, &text))
        return false;
    if (!worldcup_read_bookings(&player->cup, text, arena, &error))
        return print_unread(bookings, error);
    player->n_fixtures = worldcup_fixtures(&player->cup, &choice, arena, &player->fixtures);
    if (player->n_fixtures > 0)
        return true;
    fprintf(stderr, "overround sim: no match of the World Cup is chosen by --match %s,"
            " --from %s and --until %s\n", play->match == NULL ? "(all)" : play->match,
            play->from == NULL ? "(first)" : play->from,
            play->until == NULL ? "(last)" : play->until);
    return false;
}

static bool run_simulator(struct player *player)
{
    const struct sim_play *play = &player->play;
    struct sim_options options = {
        .matches = play->matches, .seed = play->seed, .speed = play->speed,
        .margin = play->margin, .once = play->once, .day = play->day,
        .fixtures = player->fixtures, .n_fixtures = player->n_fixtures,
        .head_start_ms = player->head_ms, .faults = play->faults,
        .refresh = play->recovery_listen == NULL && !sender_is_amqp(play->url),
        /* A run's own: results of an earlier one must not meet them. */
        .base_id = play->print ? PRINT_BASE_ID : clock_wall_ms() / 1000 * 10000,
        .emit = play->print ? print_message : send_message, .ctx = player,
    };
    bool ok;

    player->sim = sim_new(&options, play->print ? PRINT_WALL_MS : clock_wall_ms());
    ok = play->print ? print_all(player) : play_out(player);
    sim_free(player->sim);
    return ok;
}

int cli_sim(int argc, char **argv)
{
    struct player *player = calloc(1, sizeof(*player));
    struct arena arena;
    int code;

    CHECK(player != NULL);
    code = sim_options_read(&player->play, argc, argv);
    arena_init(&arena, FILES_BYTES_MAX);
    if (code == ARGS_WELL) {
        bool drawn = player->play.worldcup == NULL;

        player->head_ms = !drawn || player->play.once || player->play.day ? 0 : HEAD_START_MS;
        code = (drawn || read_worldcup(player, &arena)) && run_simulator(player) ? 0 : 1;
    }
    arena_fini(&arena);
    free(player);
    return code < 0 ? 0 : code;
}
