/* The settings: see settings.h. */
#include "serve/settings.h"

#include "analytics/clickhouse.h"
#include "base/limits.h"
#include "base/log.h"
#include "bus/kafka.h"
#include "feed/amqp.h"
#include "model/slot.h"

#define LEASE_MIN_MS 200

static bool set_log_level(const char *name, struct arena *arena, struct str *error)
{
    static const char *const names[] = { "debug", "info", "warn", "error" };

    for (unsigned i = 0; i < LENGTH(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            log_set_level((enum log_level)i);
            return true;
        }
    }
    *error = arena_printf(arena, "log-level must be debug, info, warn or error, not \"%s\"", name);
    return false;
}

static bool read_recovery(struct settings *settings, struct arena *arena, struct str *error)
{
    const struct config *config = &settings->config;
    struct watch_recovery *recovery = &settings->recovery;

    recovery->url = config->recovery_url;
    recovery->token = config->recovery_token;
    recovery->node = config->recovery_node;
    recovery->timeout_ms = config->recovery_timeout_s * 1000;
    recovery->request_ms = config->recovery_request_ms;
    recovery->pause_ms = config->recovery_pause_ms;
    return recovery_read_addresses(str_of(config->producers), &recovery->addresses, arena, error);
}

static bool bus_is_well(const struct config *config, struct arena *arena, struct str *error)
{
    int64_t n = config->partitions;

    if (n < 1 || n > SLOTS || (n & (n - 1)) != 0) {
        *error = STR("partitions must be 1, 2, 4, 8, 16, 32 or 64");
        return false;
    }
    return strcmp(config->bus, "local") == 0 ||
           kafka_check(config->bus, config->kafka_conf, arena, error);
}

static bool feed_is_well(const struct config *config, struct str *error)
{
    const char *why = "lease-ms must be at least 200";
    bool well = config->lease_ms >= LEASE_MIN_MS;

    if (well && config->amqp_url[0] != '\0' && !amqp_session_check(config->amqp_url, &why))
        well = false;
    else if (well && config->amqp_url[0] != '\0') {
        why = "amqp-prefetch must be from 1 to 10000";
        well = config->amqp_prefetch >= 1 && config->amqp_prefetch <= LIMIT_PREFETCH;
    }
    if (!well)
        *error = str_of(why);
    return well;
}

static bool trace_is_well(const struct config *config, struct str *error)
{
    const char *url = config->trace_otlp, *why = NULL;

    if (url[0] != '\0' && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        why = "trace-otlp: write http://HOST:PORT";
    else if (config->trace_ratio > 10000)
        why = "trace-ratio is a percentage: at most 100.00";
    else if (config->trace_rate > 1000000 || config->trace_follow_rate > 1000000)
        why = "trace-rate, trace-follow-rate: at most 1000000";
    if (why != NULL)
        *error = str_of(why);
    return why == NULL;
}

/* What the house sells, to whom, in which currency. */
static bool read_trade(struct settings *settings, struct arena *arena, struct str *error)
{
    const struct config *config = &settings->config;

    return house_read(&settings->house, str_of(config->house_currency), str_of(config->rates),
                      arena, error) &&
           country_rules_read(&settings->countries, str_of(config->countries_allowed),
                              str_of(config->countries_refused), arena, error) &&
           experiments_read(&settings->experiments, str_of(config->experiments), arena, error);
}

bool settings_read(struct settings *settings, int argc, char **argv, struct arena *arena,
                   struct str *error)
{
    const struct config *config = &settings->config;

    if (!config_read(&settings->config, argc, argv, error)) {
        *error = arena_printf(arena, STR_FMT "; see overround serve --help", STR_ARG(*error));
        return false;
    }
    return set_log_level(config->log_level, arena, error) &&
           read_trade(settings, arena, error) &&
           (config->analytics[0] == '\0' || clickhouse_check(config->analytics, arena, error)) &&
           read_recovery(settings, arena, error) &&
           delay_read_settings(str_of(config->live_delays), config->live_delay_ms,
                               &settings->delays, arena, error) &&
           played_parse(&settings->played, str_of(config->role), str_of(config->store),
                        str_of(config->bus), error) &&
           bus_is_well(config, arena, error) && feed_is_well(config, error) &&
           trace_is_well(config, error);
}

void settings_free(struct settings *settings)
{
    config_free(&settings->config);
}
