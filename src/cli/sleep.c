/*
 * overround sleep SECONDS: waits.  The image has no shell and no sleep of its
 * own, and a cluster older than preStop.sleep runs this before it sends
 * SIGTERM: new connections go elsewhere meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cli/cli.h"

#define SECONDS_MAX 3600

int cli_sleep(int argc, char **argv)
{
    struct timespec left = { 0 };
    char *end = NULL;
    long seconds = argc == 1 ? strtol(argv[0], &end, 10) : -1;

    if (seconds < 0 || seconds > SECONDS_MAX || end == argv[0] || *end != '\0') {
        fprintf(stderr, "usage: overround sleep SECONDS (at most %d)\n", SECONDS_MAX);
        return 2;
    }
    left.tv_sec = seconds;
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    return 0;
}
