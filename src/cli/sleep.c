/*
 * overround sleep SECONDS: waits.  The image has no shell and no sleep of its
 * own, and a cluster older than preStop.sleep runs this before it sends
 * SIGTERM: new connections go elsewhere meanwhile.
 */
#include <errno.h>
#include <time.h>

#include "cli/args.h"
#include "cli/cli.h"

#define SECONDS_MAX 3600

static const char *take_seconds(void *ctx, const char *word)
{
    int64_t *seconds = ctx;

    return *seconds < 0 && args_whole(word, 0, SECONDS_MAX, seconds) ? NULL : "is no time";
}

int cli_sleep(int argc, char **argv)
{
    struct timespec left = { 0 };
    int64_t seconds = -1;
    const struct args args = {
        .command = "sleep", .usage = "usage: overround sleep SECONDS (at most 3600)\n",
        .word = take_seconds, .ctx = &seconds,
    };
    int exit_code = args_read(&args, argc, argv);

    if (exit_code != ARGS_WELL)
        return exit_code;
    if (seconds < 0)
        return args_help(&args, stderr);
    left.tv_sec = seconds;
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    return 0;
}
