/*
 * Cloudflare: rulesets of a zone's phases (PUT /zones/ID/rulesets/phases/PHASE/
 * entrypoint), its settings, and a Worker, whose program is worker.js.  The Worker
 * answers every request and keeps what may be kept, so the zone's own cache is off:
 * two caches in a row would give a price that is twice as old.
 *
 * Rulesets limit by address; a whole network Cloudflare counts for nobody, so
 * per_network is the origin's edge node's or load balancer's.
 */
#include "base/embed.h"
#include "base/json.h"
#include "edge/cdn.h"

EMBED(cloudflare_js, "src/edge/worker.js");

#define JSON_BYTES ((size_t)1024 * 1024)
#define WORKER_SINCE "2026-01-01" /* compatibility date: what the runtime does */

/* ---- the Worker -------------------------------------------------------------------- */

static void put_row(struct buf *out, const struct edge_path *path, const struct route *route)
{
    const struct caching_info *caching = caching_info(route->caching);
    struct str words = route->query, word;

    (void)path;
    buf_printf(out, "{ abroad: %s, body: %zu", route->is_abroad ? "true" : "false",
               route->body_max);
    if (caching->is_kept)
        buf_printf(out, ", fresh: %d, revalidate: %d, error: %d",
                   caching->is_forever ? caching->max_age_s : caching->s_maxage_s,
                   caching->stale_while_revalidate_s, caching->stale_if_error_s);
    if (caching->is_kept && words.n > 0) {
        buf_str(out, STR(", query: ["));
        for (const char *comma = ""; cdn_next_word(&words, &word); comma = ", ")
            buf_printf(out, "%s'" STR_FMT "'", comma, STR_ARG(word));
        buf_char(out, ']');
    }
    buf_str(out, STR(" }"));
}

static void put_origins(struct buf *out, const struct edge_policy *policy, const char *name,
                        enum edge_release release)
{
    const struct edge_origin *origin;
    size_t at = 0;

    buf_printf(out, "  %s: [", name);
    while ((origin = edge_next_origin(policy, release, &at)) != NULL) {
        bool is_ipv6 = memchr(origin->host.p, ':', origin->host.n) != NULL;

        buf_printf(out, "\n    '%s://%s" STR_FMT "%s:%lld',", origin->tls ? "https" : "http",
                   is_ipv6 ? "[" : "", STR_ARG(origin->host), is_ipv6 ? "]" : "",
                   (long long)origin->port);
    }
    buf_str(out, STR("\n  ],\n"));
}

static bool has_canary(const struct edge_policy *policy)
{
    size_t at = 0;

    return edge_next_origin(policy, EDGE_CANARY, &at) != NULL;
}

static void write_worker(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *js = edge_open(out, "worker.js");

    edge_head(js, "//", "cloudflare", "run in workerd: tests/edge/cloudflare_test.js");
    cdn_constants(js, policy, put_row);
    buf_str(js, STR("const ORIGINS = {\n"));
    put_origins(js, policy, "stable", EDGE_STABLE);
    put_origins(js, policy, "canary", has_canary(policy) ? EDGE_CANARY : EDGE_STABLE);
    buf_printf(js, "};\nconst HOSTNAME = '" STR_FMT "';\n", STR_ARG(policy->hostnames.public));
    if (policy->tls.hsts_s > 0)
        buf_printf(js, "const HSTS = 'max-age=%lld';\n", (long long)policy->tls.hsts_s);
    else
        buf_str(js, STR("const HSTS = '';\n"));
    buf_str(js, str_of(cloudflare_js));
}

static void write_wrangler(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *file = edge_open(out, "wrangler.jsonc");

    edge_head(file, "//", "cloudflare", "not run: wrangler asks Cloudflare");
    buf_printf(file, "// The secret: wrangler secret put " STR_FMT "\n{\n"
               "  \"name\": \"overround-edge\",\n  \"main\": \"worker.js\",\n"
               "  \"compatibility_date\": \"" WORKER_SINCE "\",\n  \"routes\": [\n"
               "    { \"pattern\": \"" STR_FMT "\", \"custom_domain\": true }\n  ],\n"
               "  \"workers_dev\": false,\n  \"observability\": { \"enabled\": true }\n}\n",
               STR_ARG(policy->signing.secret), STR_ARG(policy->hostnames.public));
}

/* ---- expressions of the rules language ------------------------------------------------ */

static void put_or(struct buf *out, size_t *n)
{
    if ((*n)++ > 0)
        buf_str(out, STR(" or "));
}

static void put_path_is(struct buf *out, const struct edge_path *path)
{
    if (!path->has_part)
        buf_printf(out, "http.request.uri.path eq \"" STR_FMT "\"", STR_ARG(path->pattern));
    else
        buf_printf(out, "http.request.uri.path strict wildcard \"" STR_FMT "*" STR_FMT "\"",
                   STR_ARG(path->before), STR_ARG(path->after));
}

/* (this path and one of these methods) or …, of the routes for which `is` holds. */
static void put_routes(struct buf *out, const struct edge_policy *policy,
                       bool (*is)(const struct route *route, int ctx), int ctx)
{
    size_t n = 0;

    for (size_t i = 0; i < policy->n_paths; i++) {
        const struct edge_path *path = &policy->paths[i];
        struct buf methods;

        buf_init(&methods, 256);
        for (size_t j = 0; j < path->n_routes; j++) {
            struct str method = path->routes[j]->method;

            if (!is(path->routes[j], ctx))
                continue;
            buf_printf(&methods, "%s\"" STR_FMT "\"%s", methods.n > 0 ? " " : "",
                       STR_ARG(method), str_eq(method, STR("GET")) ? " \"HEAD\"" : "");
        }
        if (methods.n > 0) {
            put_or(out, &n);
            buf_char(out, '(');
            put_path_is(out, path);
            buf_printf(out, " and http.request.method in {" STR_FMT "})",
                       STR_ARG(buf_view(&methods)));
        }
        buf_fini(&methods);
    }
}

static bool is_abroad(const struct route *route, int ctx)
{
    (void)ctx;
    return route->is_abroad;
}

static bool is_of_rate(const struct route *route, int rate)
{
    return (int)route->rate == rate;
}

static bool is_login(const struct route *route, int ctx)
{
    (void)ctx;
    return str_eq(route->path, STR("/v1/sessions")) && str_eq(route->method, STR("POST"));
}

static void put_known_paths(struct buf *out, const struct edge_policy *policy)
{
    size_t n = 0;

    for (size_t i = 0; i < policy->n_paths; i++) {
        put_or(out, &n);
        put_path_is(out, &policy->paths[i]);
    }
}

static void put_bots(struct buf *out, const struct edge_policy *policy)
{
    size_t n = 0;

    if (policy->bots.unnamed == EDGE_REFUSED) {
        put_or(out, &n);
        buf_str(out, STR("http.user_agent eq \"\""));
    }
    for (size_t i = 0; i < policy->bots.agents.n; i++) {
        struct str agent = policy->bots.agents.items[i];

        put_or(out, &n);
        buf_str(out, STR("lower(http.user_agent) contains \""));
        for (size_t j = 0; j < agent.n; j++) {
            char c = agent.p[j];

            buf_char(out, c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
        }
        buf_char(out, '"');
    }
}

/* XX nobody knows, T1 is Tor: the Worker has both as unknown. */
static void put_refused(struct buf *out, const struct edge_policy *policy)
{
    bool elsewhere = policy->countries.elsewhere == EDGE_REFUSED,
         unknown = policy->countries.unknown == EDGE_REFUSED;
    const struct edge_words *listed = elsewhere ? &policy->allowed : &policy->refused;

    buf_str(out, elsewhere ? STR("(not ip.src.country in {") : STR("(ip.src.country in {"));
    for (size_t i = 0; i < listed->n; i++)
        buf_printf(out, "%s\"" STR_FMT "\"", i > 0 ? " " : "", STR_ARG(listed->items[i]));
    if (elsewhere != unknown)
        buf_printf(out, "%s\"XX\" \"T1\"", listed->n > 0 ? " " : "");
    buf_str(out, STR("})"));
}

/* ---- rules ------------------------------------------------------------------------------ */

static void put_rule_head(struct buf *json, const char *name, struct buf *expression)
{
    struct jw w = jw_to(json);

    cdn_comma(json);
    cdn_json(json, "{'ref':'overround_%s','description':'%s','enabled':true,'expression':", name,
             name);
    jw_str(&w, buf_view(expression));
    buf_reset(expression);
}

static void put_block(struct buf *json, int status)
{
    struct jw w = jw_to(json);
    struct buf problem;

    buf_init(&problem, 4096);
    edge_problem(&problem, status);
    cdn_json(json, ",'action':'block','action_parameters':{'response':{'status_code':%d,"
             "'content_type':'" EDGE_PROBLEM_TYPE "','content':", status);
    jw_str(&w, buf_view(&problem));
    cdn_json(json, "}}");
    buf_fini(&problem);
}

static void put_firewall(struct buf *json, const struct edge_policy *policy,
                         struct buf *expression)
{
    cdn_json(json, "'http_request_firewall_custom':{'description':'Overround','rules':[");
    put_bots(expression, policy);
    if (expression->n > 0) {
        put_rule_head(json, "bots", expression);
        put_block(json, 403);
        cdn_json(json, "}");
    }
    buf_str(expression, STR("not ("));
    put_known_paths(expression, policy);
    buf_char(expression, ')');
    put_rule_head(json, "paths", expression);
    put_block(json, 404);
    cdn_json(json, "}");
    put_refused(expression, policy);
    buf_str(expression, STR(" and not ("));
    put_routes(expression, policy, is_abroad, 0);
    buf_char(expression, ')');
    put_rule_head(json, "countries", expression);
    put_block(json, 451);
    cdn_json(json, "}]},");
}

/* The shortest of what Cloudflare offers that is long enough. */
static int offered(int64_t wanted_s, bool is_window)
{
    static const int all[] = { 10, 60, 120, 300, 600, 3600, 86400 };
    size_t n = is_window ? LENGTH(all) - 1 : LENGTH(all);

    for (size_t i = 0; i < n; i++)
        if (all[i] >= wanted_s)
            return all[i];
    return all[n - 1];
}

static void put_limit(struct buf *json, int64_t requests, int period_s, int ban_s)
{
    put_block(json, 429);
    cdn_json(json, ",'ratelimit':{'characteristics':['cf.colo.id','ip.src'],'period':%d,"
             "'requests_per_period':%lld,'mitigation_timeout':%d", period_s, (long long)requests,
             ban_s);
}

/* A minute's worth, and in ten seconds their share of it and the burst. */
static void put_rate(struct buf *json, const struct edge_policy *policy, enum rate_class class,
                     struct buf *expression)
{
    const struct edge_rate *rate = &policy->rates[class];
    char name[64];

    put_routes(expression, policy, is_of_rate, (int)class);
    if (expression->n == 0)
        return;
    (void)snprintf(name, sizeof(name), STR_FMT, STR_ARG(rate_info(class)->name));
    put_rule_head(json, name, expression);
    put_limit(json, rate->per_address, 60, 60);
    cdn_json(json, "}}");
    (void)snprintf(name, sizeof(name), STR_FMT "_burst", STR_ARG(rate_info(class)->name));
    put_routes(expression, policy, is_of_rate, (int)class);
    put_rule_head(json, name, expression);
    put_limit(json, rate->burst + rate->per_address / 6, 10, 10);
    cdn_json(json, "}}");
}

static void put_rates(struct buf *json, const struct edge_policy *policy, struct buf *expression)
{
    struct jw w = jw_to(json);

    cdn_json(json, "'http_ratelimit':{'description':'Overround','rules':[");
    put_routes(expression, policy, is_login, 0);
    put_rule_head(json, "stuffing", expression);
    put_limit(json, policy->stuffing.per_address, offered(policy->stuffing.window_s, true),
              offered(policy->stuffing.ban_s, false));
    cdn_json(json, ",'counting_expression':");
    put_routes(expression, policy, is_login, 0);
    buf_str(expression, STR(" and http.response.code eq 401"));
    jw_str(&w, buf_view(expression));
    buf_reset(expression);
    cdn_json(json, "}}");
    for (int class = 0; class < RATE_CLASSES; class++)
        if (rate_info((enum rate_class)class)->is_at_edge)
            put_rate(json, policy, (enum rate_class)class, expression);
    cdn_json(json, "]},");
}

static void put_headers(struct buf *json, const struct edge_policy *policy)
{
    cdn_json(json, "'http_response_headers_transform':{'description':'Overround','rules':["
             "{'ref':'overround_headers','description':'headers','enabled':true,"
             "'expression':'true','action':'rewrite','action_parameters':{'headers':{"
             "'Surrogate-Key':{'operation':'remove'},'Server':{'operation':'remove'}");
    if (policy->tls.hsts_s > 0)
        cdn_json(json, ",'Strict-Transport-Security':{'operation':'set','value':'max-age=%lld'}",
                 (long long)policy->tls.hsts_s);
    cdn_json(json, "}}}]}");
}

static void put_settings(struct buf *json, const struct edge_policy *policy)
{
    cdn_json(json, "'settings':[{'id':'min_tls_version','value':'%s'},"
             "{'id':'tls_1_3','value':'on'},"
             "{'id':'always_use_https','value':'on'},{'id':'http3','value':'on'},"
             "{'id':'websockets','value':'on'},{'id':'0rtt','value':'off'},"
             "{'id':'ip_geolocation','value':'on'},{'id':'browser_cache_ttl','value':0},"
             "{'id':'ssl','value':'strict'}]",
             policy->tls.minimum == EDGE_TLS_1_3 ? "1.3" : "1.2");
}

bool edge_cloudflare(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *file = edge_open(out, "cloudflare.json");
    struct buf json, expression;

    buf_init(&json, JSON_BYTES);
    buf_init(&expression, JSON_BYTES);
    cdn_json(&json, "{'comment':'Written by `overround edge --for cloudflare`. Not run: checked "
             "against the types of the cloudflare package.','phases':{");
    put_firewall(&json, policy, &expression);
    put_rates(&json, policy, &expression);
    cdn_json(&json, "'http_request_cache_settings':{'description':'Overround','rules':["
             "{'ref':'overround_cache','description':'the Worker keeps what may be kept',"
             "'enabled':true,'expression':'true','action':'set_cache_settings',"
             "'action_parameters':{'cache':false}}]},");
    put_headers(&json, policy);
    cdn_json(&json, "},");
    put_settings(&json, policy);
    cdn_json(&json, "}");
    CHECK(!json.overflow && !expression.overflow);
    cdn_pretty(file, buf_view(&json));
    buf_fini(&json);
    buf_fini(&expression);
    write_worker(policy, out);
    write_wrangler(policy, out);
    return true;
}
