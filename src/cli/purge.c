/*
 * overround purge: takes events, or everything, out of a CDN's cache
 * (edge/purge.h).  When: docs/EDGE.md, "Purge".
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "edge/purge.h"
#include "model/money.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define EVENTS_MOST 10000
#define WAIT_S 60
#define WAIT_S_MOST 3600

static bool is_event(const char *id)
{
    size_t n = strlen(id);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)id[i] <= ' ' || id[i] == 0x7f)
            return false;
    return n > 0 && n <= LIMIT_ID_BYTES;
}

static bool read_target(const struct args_row *row, const char *value)
{
    const struct purge_target **into = row->into;

    return (*into = purge_target(value)) != NULL;
}

/* Events have room for EVENTS_MOST. */
struct purge_args {
    struct purge_ask *ask;
    struct str *events;
};

static bool read_event(const struct args_row *row, const char *value)
{
    const struct purge_args *asked = row->into;

    if (!is_event(value) || asked->ask->n_events == EVENTS_MOST)
        return false;
    asked->events[asked->ask->n_events++] = str_of(value);
    return true;
}

static bool read_wait(const struct args_row *row, const char *value)
{
    int64_t *wait_s = row->into;

    return decimal_parse(str_of(value), 0, WAIT_S_MOST, wait_s) == DECIMAL_OK && *wait_s >= 0;
}

static int read_arguments(int argc, char **argv, struct purge_ask *ask, struct str *events)
{
    struct purge_args asked = { ask, events };
    const struct args_row rows[] = {
        { .name = "--for", .value = "CDN", .read = read_target, .into = &ask->target,
          .wrong = "is no CDN that is purged", .says_value = true,
          .help = "fastly, cloudflare or cloudfront" },
        { .name = "--event", .value = "ID", .read = read_event, .into = &asked,
          .wrong = "is no event, or one too many", .says_value = true,
          .help = "an event's snapshot, and every list" },
        ARGS_FLAG("--all", &ask->all, "everything"),
        ARGS_TEXT("--id", "ID", &ask->id,
                  "the service, zone or distribution (FASTLY_SERVICE_ID,\n"
                  "CLOUDFLARE_ZONE_ID, CLOUDFRONT_DISTRIBUTION_ID)"),
        ARGS_TEXT("--api", "URL", &ask->api, "not the CDN's own interface"),
        ARGS_READ("--wait-s", "N", read_wait, &ask->wait_s, "is 0 to 3600",
                  "the most, in all, that a Retry-After is waited for (60)"),
    };
    const struct args args = {
        .command = "purge",
        .usage = "usage: overround purge --for CDN --event ID [--event ID …] [option …]\n"
                 "       overround purge --for CDN --all [option …]\n\n",
        .rows = rows, .n = LENGTH(rows), .column = 17, .tone = ARGS_SAY_NAME,
        .end = "FASTLY_API_TOKEN, CLOUDFLARE_API_TOKEN, or AWS_ACCESS_KEY_ID,"
               " AWS_SECRET_ACCESS_KEY\nand AWS_SESSION_TOKEN are read.\n"
               "exit: 0 purged, 1 not (all), 2 usage\n",
    };
    int exit_code = args_read(&args, argc, argv);

    if (exit_code != ARGS_WELL)
        return exit_code;
    if (ask->target == NULL)
        return args_wrong(&args, "--for", "is needed");
    if (ask->all == (ask->n_events > 0))
        return args_wrong(&args, "--event", "or --all: one of them");
    return ARGS_WELL;
}

static int run_purge(const struct purge_ask *ask, struct arena *arena)
{
    struct str error = STR_NONE;
    size_t requests;

    if (!purge_run(ask, arena, &requests, &error)) {
        fprintf(stderr, "overround purge: " STR_FMT "\n", STR_ARG(error));
        if (requests > 0)
            fprintf(stderr, "overround purge: %zu requests before it were accepted\n", requests);
        return 1;
    }
    if (ask->all)
        printf("purged everything at %s\n", ask->target->name);
    else
        printf("purged %zu event%s and the lists at %s, in %zu request%s\n", ask->n_events,
               ask->n_events == 1 ? "" : "s", ask->target->name, requests,
               requests == 1 ? "" : "s");
    return 0;
}

int cli_purge(int argc, char **argv)
{
    struct purge_ask ask = { .wait_s = WAIT_S };
    struct arena arena;
    struct str *events;
    int exit_code;

    arena_init(&arena, ARENA_BYTES);
    events = ARENA_ARRAY(&arena, struct str, EVENTS_MOST);
    ask.events = events;
    exit_code = read_arguments(argc, argv, &ask, events);
    if (exit_code == ARGS_WELL)
        exit_code = run_purge(&ask, &arena);
    arena_fini(&arena);
    return exit_code;
}
