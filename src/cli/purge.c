/*
 * overround purge: takes events, or everything, out of a CDN's cache
 * (edge/purge.h).  When: docs/EDGE.md, "Purge".
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "edge/purge.h"
#include "model/money.h"

#define ARENA_BYTES ((size_t)64 * 1024 * 1024)
#define EVENTS_MOST 10000
#define WAIT_S 60
#define WAIT_S_MOST 3600

static const char usage_text[] =
    "usage: overround purge --for CDN --event ID [--event ID …] [option …]\n"
    "       overround purge --for CDN --all [option …]\n\n"
    "  --for CDN      fastly, cloudflare or cloudfront\n"
    "  --event ID     an event's snapshot, and every list\n"
    "  --all          everything\n"
    "  --id ID        the service, zone or distribution (FASTLY_SERVICE_ID,\n"
    "                 CLOUDFLARE_ZONE_ID, CLOUDFRONT_DISTRIBUTION_ID)\n"
    "  --api URL      not the CDN's own interface\n"
    "  --wait-s N     the most, in all, that a Retry-After is waited for (60)\n"
    "FASTLY_API_TOKEN, CLOUDFLARE_API_TOKEN, or AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY\n"
    "and AWS_SESSION_TOKEN are read.\n"
    "exit: 0 purged, 1 not (all), 2 usage\n";

static int usage(FILE *out)
{
    fputs(usage_text, out);
    return out == stderr ? 2 : 0;
}

static int usage_error(const char *what, const char *why)
{
    fprintf(stderr, "overround purge: %s %s; see overround purge --help\n", what, why);
    return 2;
}

static bool is_event(const char *id)
{
    size_t n = strlen(id);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)id[i] <= ' ' || id[i] == 0x7f)
            return false;
    return n > 0 && n <= LIMIT_ID_BYTES;
}

/* 0 = go on, else the exit code. */
static int take_option(struct purge_ask *ask, struct str *events, const char *name,
                       const char *value)
{
    if (strcmp(name, "--for") == 0) {
        ask->target = purge_target(value);
        return ask->target != NULL ? 0 : usage_error(value, "is no CDN that is purged");
    }
    if (strcmp(name, "--event") == 0) {
        if (!is_event(value) || ask->n_events == EVENTS_MOST)
            return usage_error(value, "is no event, or one too many");
        events[ask->n_events++] = str_of(value);
    } else if (strcmp(name, "--id") == 0) {
        ask->id = value;
    } else if (strcmp(name, "--api") == 0) {
        ask->api = value;
    } else if (strcmp(name, "--wait-s") == 0) {
        if (decimal_parse(str_of(value), 0, WAIT_S_MOST, &ask->wait_s) != DECIMAL_OK ||
            ask->wait_s < 0)
            return usage_error(name, "is 0 to 3600");
    } else {
        return usage_error(name, "is no option");
    }
    return 0;
}

static int read_options(int argc, char **argv, struct purge_ask *ask, struct str *events)
{
    for (int i = 0; i < argc; i++) {
        int wrong;

        if (strcmp(argv[i], "--all") == 0) {
            ask->all = true;
            continue;
        }
        if (i + 1 == argc)
            return usage_error(argv[i], "is no option, or needs a value");
        wrong = take_option(ask, events, argv[i], argv[i + 1]);
        if (wrong != 0)
            return wrong;
        i++;
    }
    if (ask->target == NULL)
        return usage_error("--for", "is needed");
    if (ask->all == (ask->n_events > 0))
        return usage_error("--event", "or --all: one of them");
    return 0;
}

static int run(const struct purge_ask *ask, struct arena *arena)
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

    if (argc == 1 && strcmp(argv[0], "--help") == 0)
        return usage(stdout);
    arena_init(&arena, ARENA_BYTES);
    events = ARENA_ARRAY(&arena, struct str, EVENTS_MOST);
    ask.events = events;
    exit_code = read_options(argc, argv, &ask, events);
    if (exit_code == 0)
        exit_code = run(&ask, &arena);
    arena_fini(&arena);
    return exit_code;
}
