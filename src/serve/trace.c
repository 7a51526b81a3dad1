/* Tracing, from the settings. */
#include "serve/inside.h"

#include <unistd.h>

#include "base/build.h"
#include "trace/tracer.h"

bool serve_trace_config_is_well(const struct config *config, const char **why)
{
    const char *url = config->trace_otlp;

    *why = NULL;
    if (url[0] != '\0' && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
        *why = "trace-otlp: write http://HOST:PORT";
    else if (config->trace_ratio > 10000)
        *why = "trace-ratio is a percentage: at most 100.00";
    else if (config->trace_rate > 1000000 || config->trace_follow_rate > 1000000)
        *why = "trace-rate, trace-follow-rate: at most 1000000";
    return *why == NULL;
}

bool serve_make_tracer(struct serve *serve)
{
    const struct config *config = &serve->config;
    char host[64] = "";

    if (config->trace_otlp[0] == '\0')
        return true;
    (void)gethostname(host, sizeof(host) - 1);
    serve->tracer = tracer_new(&(struct tracer_options){
        .endpoint = config->trace_otlp, .ratio_e4 = config->trace_ratio,
        .rate = config->trace_rate, .follow_rate = config->trace_follow_rate,
        .resource = {
            .service = "overround", .version = build_version(), .role = config->role,
            .instance = arena_cstr(&serve->arena, arena_printf(&serve->arena, "%s:%d", host,
                                                               (int)getpid())),
        },
    });
    return serve->tracer != NULL;
}
