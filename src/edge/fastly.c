/*
 * Fastly: one VCL file for a service (main), which is fastly.vcl behind what is
 * made here of the policy.  Fastly's own dialect: tables, rate counters, long
 * strings ({"…"}: in "…" a %xx would be taken for the character it stands for).
 *
 * Before it is uploaded the service needs a private (write-only) dictionary
 * overround_secrets with an entry named as signing.secret, Edge Rate Limiting and
 * WebSockets.  Counters are an estimate of a minute in one place of Fastly's.
 */
#include "base/embed.h"
#include "edge/cdn.h"

EMBED(fastly_vcl, "src/edge/fastly.vcl");

#define ANSWER_S 75 /* longer than a bet waits for a trader */

/* ---- where to --------------------------------------------------------------------- */

static void put_backend(struct buf *vcl, const struct edge_origin *origin)
{
    buf_printf(vcl, "backend F_" STR_FMT " {\n  .host = \"" STR_FMT "\";\n  .port = \"%lld\";\n",
               STR_ARG(origin->name), STR_ARG(origin->host), (long long)origin->port);
    if (origin->tls)
        buf_printf(vcl, "  .ssl = true;\n  .ssl_check_cert = always;\n  .min_tls_version = \"1.2\";"
                   "\n  .ssl_cert_hostname = \"" STR_FMT "\";\n  .ssl_sni_hostname = \"" STR_FMT
                   "\";\n", STR_ARG(origin->host), STR_ARG(origin->host));
    buf_printf(vcl, "  .connect_timeout = 1s;\n  .first_byte_timeout = %ds;\n"
               "  .between_bytes_timeout = 10s;\n  .max_connections = 1000;\n}\n", ANSWER_S);
}

static bool put_director(struct buf *vcl, const struct edge_policy *policy, const char *name,
                         enum edge_release release)
{
    const struct edge_origin *origin;
    size_t at = 0, n = 0;

    while ((origin = edge_next_origin(policy, release, &at)) != NULL) {
        if (n++ == 0)
            buf_printf(vcl, "director D_%s random {\n  .retries = 2;\n", name);
        buf_printf(vcl, "  { .backend = F_" STR_FMT "; .weight = 1; }\n", STR_ARG(origin->name));
    }
    if (n > 0)
        buf_str(vcl, STR("}\n"));
    return n > 0;
}

/* Cookie or address; who is new gets the cookie with the answer. */
static void put_release(struct buf *vcl, const struct edge_policy *policy, bool has_canary)
{
    bool by_cookie = policy->canary.sticky == EDGE_BY_COOKIE;

    buf_str(vcl, STR("sub overround_release {\n  set req.http.X-O-Release = \"stable\";\n"));
    if (has_canary && policy->canary.percent > 0) {
        buf_str(vcl, STR("  declare local var.share INTEGER;\n"
                         "  set var.share = std.strtol(substr(digest.hash_sha256(client.ip), 0, 6),"
                         " 16);\n  set var.share %= 100;\n"));
        buf_printf(vcl, "  if (var.share < %lld) {\n    set req.http.X-O-Release = \"canary\";\n"
                   "  }\n", (long long)policy->canary.percent);
        if (by_cookie)
            buf_printf(vcl, "  if (req.http.Cookie:" STR_FMT " ~ \"^(stable|canary)$\") {\n"
                       "    set req.http.X-O-Release = req.http.Cookie:" STR_FMT ";\n"
                       "  } else {\n    set req.http.X-O-New = \"1\";\n  }\n",
                       STR_ARG(policy->canary.cookie), STR_ARG(policy->canary.cookie));
    }
    buf_str(vcl, STR("}\n\nsub overround_backend {\n  set req.backend = D_stable;\n"));
    if (has_canary)
        buf_str(vcl, STR("  if (req.http.X-O-Release == \"canary\") {\n"
                         "    set req.backend = D_canary;\n  }\n"));
    buf_str(vcl, STR("}\n\n"));
}

/* ---- paths ---------------------------------------------------------------------------- */

static void put_row(struct buf *vcl, const struct route *route)
{
    bool is_get = str_eq(route->method, STR("GET"));

    buf_printf(vcl, "    if (req.method == \"" STR_FMT "\"%s) {\n"
               "      set req.http.X-O-Caching = \"%s\";\n      set req.http.X-O-Body = \"%zu\";\n"
               "      set req.http.X-O-Rate = \"" STR_FMT "\";\n", STR_ARG(route->method),
               is_get ? " || req.method == \"HEAD\"" : "", caching_info(route->caching)->name,
               route->body_max, STR_ARG(rate_info(route->rate)->name));
    if (route->is_abroad)
        buf_str(vcl, STR("      set req.http.X-O-Abroad = \"1\";\n"));
    buf_str(vcl, STR("    }\n"));
}

/* What is not among a kept path's parameters makes no key of its own. */
static void put_query(struct buf *vcl, const struct edge_path *path)
{
    struct str words, word;

    if (!cdn_caching(path)->is_kept)
        return;
    words = cdn_get(path)->query;
    if (words.n == 0) {
        buf_str(vcl, STR("    set req.url = querystring.remove(req.url);\n"));
        return;
    }
    buf_str(vcl, STR("    set req.url = querystring.sort(querystring.filter_except(req.url,\n"
                     "      "));
    for (const char *between = ""; cdn_next_word(&words, &word);
         between = " querystring.filtersep() ")
        buf_printf(vcl, "%s\"" STR_FMT "\"", between, STR_ARG(word));
    buf_str(vcl, STR("));\n"));
}

static void put_routes(struct buf *vcl, const struct edge_policy *policy)
{
    buf_str(vcl, STR("sub overround_route {\n  "));
    for (size_t i = 0; i < policy->n_paths; i++) {
        const struct edge_path *path = &policy->paths[i];

        buf_printf(vcl, "%sif (req.url.path ~ \"", i > 0 ? " else " : "");
        edge_regex(vcl, path);
        buf_printf(vcl, "\") {\n    set req.http.X-O-Allow = \"" STR_FMT "\";\n",
                   STR_ARG(path->allow));
        put_query(vcl, path);
        for (size_t j = 0; j < path->n_routes; j++)
            put_row(vcl, path->routes[j]);
        buf_str(vcl, STR("  }"));
    }
    buf_str(vcl, STR("\n}\n\n"));
}

static void put_keep(struct buf *vcl)
{
    buf_str(vcl, STR("# src/tbl/caching.h\nsub overround_keep {\n"));
    for (int i = 0; i < CACHINGS; i++) {
        const struct caching_info *info = caching_info((enum caching)i);

        if (info->is_kept)
            buf_printf(vcl, "  if (req.http.X-O-Caching == \"%s\") {\n    set beresp.ttl = %ds;\n"
                       "    set beresp.stale_while_revalidate = %ds;\n"
                       "    set beresp.stale_if_error = %ds;\n  }\n", info->name,
                       info->is_forever ? info->max_age_s : info->s_maxage_s,
                       info->stale_while_revalidate_s, info->stale_if_error_s);
    }
    buf_str(vcl, STR("}\n\n"));
}

/* ---- who may not ------------------------------------------------------------------------- */

static void put_bots(struct buf *vcl, const struct edge_policy *policy)
{
    buf_str(vcl, STR("sub overround_bots {\n"));
    if (policy->bots.unnamed == EDGE_REFUSED)
        buf_str(vcl, STR("  if (!req.http.User-Agent) {\n    error 603 \"Forbidden\";\n  }\n"));
    for (size_t i = 0; i < policy->bots.agents.n; i++) {
        struct str agent = policy->bots.agents.items[i];

        buf_str(vcl, STR("  if (req.http.User-Agent ~ {\"(?i)"));
        for (size_t j = 0; j < agent.n; j++) {
            if (agent.p[j] == '.' || agent.p[j] == '+')
                buf_char(vcl, '\\');
            buf_char(vcl, agent.p[j]);
        }
        buf_str(vcl, STR("\"}) {\n    error 603 \"Forbidden\";\n  }\n"));
    }
    buf_str(vcl, STR("}\n\n"));
}

static void put_countries(struct buf *vcl, const struct edge_policy *policy)
{
    const char *elsewhere = policy->countries.elsewhere == EDGE_REFUSED ? "true" : "false",
               *unknown = policy->countries.unknown == EDGE_REFUSED ? "true" : "false";

    buf_printf(vcl, "table overround_countries BOOL {\n  \"XX\": %s,\n", unknown);
    for (size_t i = 0; i < policy->refused.n; i++)
        buf_printf(vcl, "  \"" STR_FMT "\": true,\n", STR_ARG(policy->refused.items[i]));
    for (size_t i = 0; i < policy->allowed.n; i++)
        buf_printf(vcl, "  \"" STR_FMT "\": false,\n", STR_ARG(policy->allowed.items[i]));
    buf_printf(vcl, "}\n\nsub overround_refuses {\n  if (!req.http.X-O-Abroad &&\n"
               "      table.lookup_bool(overround_countries, req.http.X-O-Country, %s)) {\n"
               "    error 651 \"Unavailable For Legal Reasons\";\n  }\n}\n\n", elsewhere);
}

/* The network of an address by its first octets or groups. */
static void put_network(struct buf *vcl, const struct edge_policy *policy)
{
    buf_printf(vcl, "  declare local var.network STRING;\n"
               "  set var.network = regsub(client.ip, \"^(([0-9]+\\.){%lld}).*$\", \"\\1\");\n"
               "  if (var.network ~ \":\") {\n    set var.network = regsub(client.ip, "
               "\"^(([0-9a-f]*:){%lld}).*$\", \"\\1\");\n  }\n",
               (long long)policy->networks.ipv4 / 8, (long long)policy->networks.ipv6 / 16);
}

static void put_counter(struct buf *vcl, struct str class, const char *whose, const char *entry,
                        long long minute, long long burst)
{
    buf_printf(vcl, "    set var.n = ratelimit.ratecounter_increment(rc_" STR_FMT "_%s, %s, 1);\n"
               "    if (ratecounter.rc_" STR_FMT "_%s.bucket.60s > %lld ||\n"
               "        ratecounter.rc_" STR_FMT "_%s.bucket.10s > %lld) {\n"
               "      error 629 \"Too Many Requests\";\n    }\n", STR_ARG(class), whose, entry,
               STR_ARG(class), whose, minute, STR_ARG(class), whose, burst);
}

static void put_rates(struct buf *vcl, const struct edge_policy *policy)
{
    for (int i = 0; i < RATE_CLASSES; i++)
        if (rate_info((enum rate_class)i)->is_at_edge)
            for (int j = 0; j < 2; j++)
                buf_printf(vcl, "ratecounter rc_" STR_FMT "_%s { }\n",
                           STR_ARG(rate_info((enum rate_class)i)->name),
                           j == 0 ? "address" : "network");
    buf_str(vcl, STR("ratecounter rc_stuffing { }\npenaltybox pb_stuffing { }\n\n"
                     "sub overround_rates {\n  declare local var.n INTEGER;\n"));
    put_network(vcl, policy);
    buf_str(vcl, STR("  if (req.http.X-O-Rate == \"login\" &&\n"
                     "      ratelimit.penaltybox_has(pb_stuffing, client.ip)) {\n"
                     "    error 629 \"Too Many Requests\";\n  }\n"));
    for (int i = 0; i < RATE_CLASSES; i++) {
        const struct rate_info *info = rate_info((enum rate_class)i);
        const struct edge_rate *rate = &policy->rates[i];

        if (!info->is_at_edge)
            continue;
        buf_printf(vcl, "  if (req.http.X-O-Rate == \"" STR_FMT "\") {\n", STR_ARG(info->name));
        put_counter(vcl, info->name, "address", "client.ip", (long long)rate->per_address,
                    (long long)(rate->burst + rate->per_address / 6));
        put_counter(vcl, info->name, "network", "var.network", (long long)rate->per_network,
                    (long long)(10 * rate->burst + rate->per_network / 6));
        buf_str(vcl, STR("  }\n"));
    }
    buf_str(vcl, STR("}\n\n"));
}

/* A counter sees a minute: the window's share of it.  A ban is whole minutes, an hour
 * at most. */
static void put_stuffing(struct buf *vcl, const struct edge_policy *policy)
{
    long long minute = (long long)(policy->stuffing.per_address * 60 / policy->stuffing.window_s),
              ban_m = (long long)(policy->stuffing.ban_s + 59) / 60;

    buf_printf(vcl, "sub overround_stuffing {\n  declare local var.n INTEGER;\n"
               "  if (resp.status == 401 && req.method == \"POST\" && "
               "req.url.path == \"/v1/sessions\") {\n"
               "    set var.n = ratelimit.ratecounter_increment(rc_stuffing, client.ip, 1);\n"
               "    if (ratecounter.rc_stuffing.bucket.60s > %lld) {\n"
               "      ratelimit.penaltybox_add(pb_stuffing, client.ip, %lldm);\n    }\n  }\n}\n\n",
               minute < 1 ? 1 : minute, ban_m > 60 ? 60 : ban_m);
}

/* ---- what is answered ---------------------------------------------------------------------- */

static void put_problems(struct buf *vcl)
{
    static const int statuses[] = { 403, 404, 405, 413, 429, 451, 503 };

    buf_str(vcl, STR("sub overround_problem {\n"));
    for (size_t i = 0; i < LENGTH(statuses); i++) {
        int status = statuses[i];

        buf_printf(vcl, "  if (obj.status == %d) {\n    set obj.status = %d;\n"
                   "    set obj.http.Content-Type = \"" EDGE_PROBLEM_TYPE "\";\n"
                   "    set obj.http.Cache-Control = \"no-store\";\n",
                   status == 503 ? 503 : 600 + status % 100, status);
        if (status == 405)
            buf_str(vcl, STR("    set obj.http.Allow = req.http.X-O-Allow;\n"));
        if (status == 429 || status == 503)
            buf_printf(vcl, "    set obj.http.Retry-After = \"%d\";\n", status == 429 ? 10 : 1);
        buf_str(vcl, STR("    synthetic {json\""));
        edge_problem(vcl, status);
        buf_str(vcl, STR("\"json};\n  }\n"));
    }
    buf_str(vcl, STR("}\n\n"));
}

static void put_answer(struct buf *vcl, const struct edge_policy *policy)
{
    buf_str(vcl, STR("sub overround_answer {\n"));
    if (policy->tls.hsts_s > 0)
        buf_printf(vcl, "  set resp.http.Strict-Transport-Security = \"max-age=%lld\";\n",
                   (long long)policy->tls.hsts_s);
    buf_printf(vcl, "  if (req.http.X-O-New) {\n    add resp.http.Set-Cookie = \"" STR_FMT "=\" "
               "req.http.X-O-Release\n      \"; Path=/; Max-Age=86400; Secure; HttpOnly; "
               "SameSite=Lax\";\n  }\n}\n\n", STR_ARG(policy->canary.cookie));
}

/* The template has the name of the secret's entry as a word. */
static void put_template(struct buf *vcl, const struct edge_policy *policy)
{
    static const char word[] = "OVERROUND_SECRET_NAME";
    const char *at = strstr(fastly_vcl, word);

    CHECK(at != NULL);
    buf_put(vcl, fastly_vcl, (size_t)(at - fastly_vcl));
    buf_printf(vcl, "\"" STR_FMT "\"", STR_ARG(policy->signing.secret));
    buf_str(vcl, str_of(at + sizeof(word) - 1));
}

bool edge_fastly(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *vcl = edge_open(out, "main.vcl");
    bool has_canary;

    edge_head(vcl, "#", "fastly", "not run; tests/edge/fastly_test.js reads it");
    buf_char(vcl, '\n');
    for (size_t i = 0; i < policy->n_origins; i++)
        put_backend(vcl, &policy->origins[i]);
    if (!put_director(vcl, policy, "stable", EDGE_STABLE))
        return edge_fault(out, "there is no origin of the stable release");
    has_canary = put_director(vcl, policy, "canary", EDGE_CANARY);
    buf_char(vcl, '\n');
    put_release(vcl, policy, has_canary);
    put_routes(vcl, policy);
    put_keep(vcl);
    put_bots(vcl, policy);
    put_countries(vcl, policy);
    put_rates(vcl, policy);
    put_stuffing(vcl, policy);
    put_problems(vcl);
    put_answer(vcl, policy);
    put_template(vcl, policy);
    return true;
}
