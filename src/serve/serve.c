/*
 * Serve: the settings, then the table of roles walked forward, the loop, and
 * the table walked backward.
 *
 * Start: store, keys, the book from the stored log, then the restart entry,
 * then the listeners.  SIGTERM: ending.c.
 */
#include "serve/serve.h"

#include "serve/inside.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>

#include "base/log.h"
#include "base/process.h"
#include "model/rules_hash.h"

#define ARENA_BYTES (16 * 1024 * 1024)

/* What has a route here.  On Kafka who shows asks of sessions, and has no routes to them. */
static struct routes routes_of(struct serve *serve)
{
    const struct parts *parts = &serve->parts;
    const struct played *played = &serve->settings.played;

    return (struct routes){
        .who = played->bets ? parts->who : NULL, .bets = parts->bets,
        .web = parts->web, .stream = parts->stream,
        .feed = played->feed || !played->bus ? parts->feed : NULL,
        .desk = played->web ? parts->desk : NULL, .risk = parts->risk,
        .reports = parts->reports, .cohorts = parts->cohorts, .serve = serve,
        .operators = parts->operators, .book_is_whole = serve_book_is_whole,
    };
}

bool serve_begin(struct serve *serve, struct str *error)
{
    CHECK(uv_loop_init(&serve->loop) == 0);
    if (!roles_make(serve, error))
        return false;
    serve->routes = routes_of(serve);
    if (!roles_open(serve, error))
        return false;
    ending_heed_signals(serve);
    roles_start(serve);
    return true;
}

void serve_end(struct serve *serve)
{
    while (uv_run(&serve->loop, UV_RUN_DEFAULT) != 0)
        ;
    roles_free(serve);
    uv_run(&serve->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&serve->loop);
    settings_free(&serve->settings);
    arena_fini(&serve->arena);
}

/* 0: it was told to end. */
static int run_until_stopped(struct serve *serve)
{
    struct str error;

    if (!serve_begin(serve, &error)) {
        fprintf(stderr, "overround: " STR_FMT "\n", STR_ARG(error));
        ending_begin(serve);
        serve_end(serve);
        return 1;
    }
    serve_announce(serve);
    serve_end(serve);
    log_info("serve", "stopped", NULL);
    return 0;
}

int serve_main(int argc, char **argv)
{
    static struct serve serve; /* one a process; too large for a stack */
    struct str error;

    CHECK(sodium_init() >= 0);
    (void)rules_hash(); /* some milliseconds that no request waits for */
    arena_init(&serve.arena, ARENA_BYTES);
    if (!settings_read(&serve.settings, argc, argv, &serve.arena, &error)) {
        fprintf(stderr, "overround: " STR_FMT "\n", STR_ARG(error));
        return 2;
    }
    if (serve.settings.config.check_only)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    process_raise_file_limit();
    serve.roles = serve_roles;
    return run_until_stopped(&serve);
}
