/*
 * Serve: the roles of this process, from settings to the loop.
 *
 * Start: store, keys, the book from the stored log, then the restart entry,
 * then the listeners.  SIGTERM: stop.c.
 */
#include "serve/inside.h"

#include <inttypes.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>

#include "analytics/clickhouse.h"
#include "base/log.h"
#include "base/process.h"
#include "feed/feed.h"
#include "feed/lease.h"
#include "model/rules_hash.h"
#include "settle/settle.h"
#include "store/maintain.h"
#include "web/stream.h"

#define ARENA_BYTES (16 * 1024 * 1024)

/* An operator without a token of their own gets one; it is only printed. */
static void make_operator_token(struct serve *serve)
{
    uint8_t bytes[24];
    char text[sodium_base64_ENCODED_LEN(sizeof(bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING)];

    if (serve->config.operator_token[0] != '\0')
        return;
    randombytes_buf(bytes, sizeof(bytes));
    sodium_bin2base64(text, sizeof(text), bytes, sizeof(bytes),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    serve->config.operator_token = arena_cstr(&serve->config.arena, str_of(text));
    printf("operator token %s\n", text);
}

/* Connections for what is played here alone. */
static struct store_options store_options(const struct serve *serve)
{
    const struct roles *roles = &serve->roles;
    bool sells = roles->book || roles->bets;

    return (struct store_options){
        .url = serve->config.store,
        .ledger_url = serve->config.ledger,
        .lanes = sells ? (unsigned)serve->config.lanes : 1,
        .readers = roles->book || roles_are_public(roles) || roles->settle
                       ? (unsigned)serve->config.readers : 1,
        .company = roles->bus ? STORE_TOGETHER : roles->book ? STORE_ALONE : STORE_BESIDE,
        .no_money = roles->bus && !roles_are_public(roles),
        .no_settle = roles->bus && !roles->settle,
        .relay = roles->bus && roles->settle,
    };
}

static void start_maintain(struct serve *serve)
{
    struct maintain_options options = {
        .keeps_house = !serve->roles.bus || serve->roles.settle,
        .has_clock = strncmp(serve->config.store, "sqlite:", 7) != 0,
        .feed_log_hours = serve->config.feed_log_hours,
        .trace_hours = serve->config.trace_keep_hours,
    };

    if (options.keeps_house || options.has_clock)
        serve->maintain = maintain_new(&serve->loop, serve->store, &options);
}

static void start_parts(struct serve *serve)
{
    const struct start *start = &serve->start;

    start_maintain(serve);
    /* The log may have been trimmed behind what settlement has stored. */
    if (serve->feed != NULL)
        feed_start(serve->feed, start->feed_position > start->settle_offset
                                    ? start->feed_position : start->settle_offset);
    if (serve->lease != NULL)
        lease_start(serve->lease);
    if (serve->settle != NULL)
        settle_start(serve->settle);
    if (serve->stream != NULL)
        stream_start(serve->stream);
    operators_start(serve->operators);
}

static bool start(struct serve *serve)
{
    struct config *config = &serve->config;
    struct store_options options = store_options(serve);
    struct str error = STR_NONE;

    if (!serve_make_tracer(serve)) {
        fprintf(stderr, "overround: libcurl cannot start\n");
        return false;
    }
    serve->store = store_open(&serve->loop, &options, &serve->arena, &error);
    if (serve->store == NULL || !serve_load(serve, &error)) {
        fprintf(stderr, "overround: " STR_FMT "\n", STR_ARG(error));
        return false;
    }
    make_operator_token(serve);
    operators_set_root(serve->operators, str_of(config->operator_token));
    if (!serve_listen(serve))
        return false;
    serve_start_signals(serve);
    start_parts(serve);
    return true;
}

static bool set_log_level(const char *name)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };

    for (unsigned i = 0; i < LENGTH(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            log_set_level((enum log_level)i);
            return true;
        }
    }
    fprintf(stderr, "overround: log-level must be debug, info, warn or error, not \"%s\"\n", name);
    return false;
}

static bool read_recovery(struct serve *serve, struct str *error)
{
    const struct config *config = &serve->config;
    struct watch_recovery *recovery = &serve->recovery;

    recovery->url = config->recovery_url;
    recovery->token = config->recovery_token;
    recovery->node = config->recovery_node;
    recovery->timeout_ms = config->recovery_timeout_s * 1000;
    recovery->request_ms = config->recovery_request_ms;
    recovery->pause_ms = config->recovery_pause_ms;
    return recovery_read_addresses(str_of(config->producers), &recovery->addresses,
                                   &serve->arena, error);
}

int serve_main(int argc, char **argv)
{
    static struct serve serve; /* one a process; too large for a stack */
    struct str error;
    const char *why;

    CHECK(sodium_init() >= 0);
    (void)rules_hash(); /* some milliseconds that no request waits for */
    arena_init(&serve.arena, ARENA_BYTES);
    if (!config_read(&serve.config, argc, argv, &error)) {
        fprintf(stderr, "overround: " STR_FMT "; see overround serve --help\n", STR_ARG(error));
        return 2;
    }
    if (!set_log_level(serve.config.log_level))
        return 2;
    if (!house_read(&serve.house, str_of(serve.config.house_currency),
                    str_of(serve.config.rates), &serve.arena, &error) ||
        !country_rules_read(&serve.countries, str_of(serve.config.countries_allowed),
                            str_of(serve.config.countries_refused), &serve.arena, &error) ||
        !experiments_read(&serve.experiments, str_of(serve.config.experiments), &serve.arena,
                          &error) ||
        (serve.config.analytics[0] != '\0' &&
         !clickhouse_check(serve.config.analytics, &serve.arena, &error)) ||
        !read_recovery(&serve, &error) ||
        !delay_read_settings(str_of(serve.config.live_delays), serve.config.live_delay_ms,
                             &serve.delays, &serve.arena, &error) ||
        !roles_parse(&serve.roles, str_of(serve.config.role), str_of(serve.config.store),
                     str_of(serve.config.bus), &error) ||
        !serve_bus_config_is_well(&serve.config, &serve.arena, &error)) {
        fprintf(stderr, "overround: " STR_FMT "\n", STR_ARG(error));
        return 2;
    }
    if (!serve_feed_config_is_well(&serve.config, &why)) {
        fprintf(stderr, "overround: %s\n", why);
        return 2;
    }
    if (!serve_trace_config_is_well(&serve.config, &why)) {
        fprintf(stderr, "overround: %s\n", why);
        return 2;
    }
    if (serve.config.check_only)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    process_raise_file_limit();
    CHECK(uv_loop_init(&serve.loop) == 0);
    if (!start(&serve))
        return 1;
    serve_announce(&serve);
    while (uv_run(&serve.loop, UV_RUN_DEFAULT) != 0)
        ;
    serve_free_parts(&serve);
    uv_run(&serve.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&serve.loop);
    config_free(&serve.config);
    arena_fini(&serve.arena);
    return 0;
}
