/*
 * HAProxy 2.6: limits, refuses and balances; it keeps nothing (its cache neither
 * collapses requests nor serves what is old: Varnish, nginx or a CDN does that).
 *
 * What a request is, is looked up in maps beside haproxy.cfg: "POST:/v1/bets" gives
 * "money:65536:home:NEVER".  Bodies in chunks are counted by the server, which has the
 * same limit; here they pass a buffer of 16 KiB.  The country is whose the peer in
 * cdn.networks vouches for, with the CDN's secret, which is in the environment.
 */
#include "edge/edge.h"

#define WORDS_A_LINE 12

/* ---- maps ----------------------------------------------------------------------- */

static void put_key(struct buf *map, const struct edge_path *path, const char *method)
{
    if (!path->has_part) {
        buf_printf(map, "%s%s" STR_FMT, method, method[0] == '\0' ? "" : ":",
                   STR_ARG(path->pattern));
        return;
    }
    buf_printf(map, "^%s%s", method, method[0] == '\0' ? "" : ":");
    buf_printf(map, STR_FMT "[^/]+" STR_FMT "$", STR_ARG(path->before), STR_ARG(path->after));
}

static void put_route(struct buf *map, const struct edge_path *path, const struct route *route,
                      const char *method)
{
    put_key(map, path, method);
    buf_printf(map, " " STR_FMT ":%zu:%s:%s\n", STR_ARG(rate_info(route->rate)->name),
               route->body_max, route->is_abroad ? "abroad" : "home",
               caching_info(route->caching)->name);
}

static void put_maps(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *exact = edge_open(out, "routes.map"), *parts = edge_open(out, "routes.reg");
    struct buf *allow = edge_open(out, "allow.map"), *allow_parts = edge_open(out, "allow.reg");

    for (size_t i = 0; i < policy->n_paths; i++) {
        const struct edge_path *path = &policy->paths[i];
        struct buf *map = path->has_part ? allow_parts : allow;

        put_key(map, path, "");
        buf_printf(map, " " STR_FMT "\n", STR_ARG(path->allow));
        map = path->has_part ? parts : exact;
        for (size_t j = 0; j < path->n_routes; j++) {
            const struct route *route = path->routes[j];

            put_route(map, path, route, route->method.p);
            if (str_eq(route->method, STR("GET")))
                put_route(map, path, route, "HEAD");
        }
    }
}

/* ---- tables ------------------------------------------------------------------------ */

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Requests by the minute and the second; of log-ins also those that failed, and who
 * may not try again (gpt0), which ends with the entry. */
static void put_table(struct buf *cfg, const struct edge_policy *policy, enum rate_class rate,
                      const char *of)
{
    const struct edge_stuffing *stuffing = &policy->stuffing;

    buf_printf(cfg, "\nbackend " STR_FMT "_%s\n    stick-table type ipv6 size 200k expire ",
               STR_ARG(rate_info(rate)->name), of);
    if (rate == RATE_OF_LOGIN)
        buf_printf(cfg, "%llds store http_req_rate(60s),gpc0_rate(1s),gpc1_rate(%llds),gpt0\n",
                   (long long)larger(60, larger(stuffing->ban_s, stuffing->window_s)),
                   (long long)stuffing->window_s);
    else
        buf_str(cfg, STR("60s store http_req_rate(60s),gpc0_rate(1s)\n"));
}

static void put_tables(struct buf *cfg, const struct edge_policy *policy)
{
    buf_str(cfg, STR("\n# Who is counted.\nbackend connections\n"
                     "    stick-table type ipv6 size 200k expire 60s store conn_cur\n"));
    for (enum rate_class rate = 0; rate < RATE_CLASSES; rate++) {
        if (!rate_info(rate)->is_at_edge)
            continue;
        put_table(cfg, policy, rate, "address");
        put_table(cfg, policy, rate, "network");
    }
}

/* ---- answers ------------------------------------------------------------------------- */

/* "http-request return …", up to its condition. */
static void put_return(struct buf *cfg, int status, const char *headers)
{
    buf_printf(cfg, "    http-request return status %d content-type " EDGE_PROBLEM_TYPE
               " hdr Cache-Control no-store hdr X-Request-Id %%[req.hdr(x-request-id)]%s"
               " string '", status, headers);
    edge_problem(cfg, status);
    buf_str(cfg, STR("' if "));
}

static void put_429(struct buf *cfg, int64_t retry_s)
{
    char headers[160];

    (void)snprintf(headers, sizeof(headers), " hdr Retry-After %lld hdr RateLimit-Remaining 0"
                   " hdr RateLimit-Reset %lld", (long long)retry_s, (long long)retry_s);
    put_return(cfg, 429, headers);
}

/* ---- conditions ------------------------------------------------------------------------ */

/* Several lines of one name are one condition: any of them. */
static void put_acl(struct buf *cfg, const char *begin, const struct edge_words *words,
                    const char *quote)
{
    for (size_t i = 0; i < words->n; i++) {
        if (i % WORDS_A_LINE == 0)
            buf_printf(cfg, "%s    acl %s", i > 0 ? "\n" : "", begin);
        buf_printf(cfg, " %s" STR_FMT "%s", quote, STR_ARG(words->items[i]), quote);
    }
    if (words->n > 0)
        buf_char(cfg, '\n');
}

static void put_refused(struct buf *cfg, const struct edge_policy *policy)
{
    bool elsewhere = policy->countries.elsewhere == EDGE_REFUSED;

    put_acl(cfg, "is_named var(txn.country) -m str", elsewhere ? &policy->allowed
                                                               : &policy->refused, "");
    if ((policy->countries.unknown == EDGE_REFUSED) != elsewhere)
        buf_str(cfg, STR("    acl is_named var(txn.country) -m str XX\n"));
    buf_str(cfg, STR("    acl is_named always_false\n"));
    put_return(cfg, 451, "");
    buf_printf(cfg, "%sis_named { var(txn.route),word(3,:) -m str home }\n", elsewhere ? "!" : "");
}

/* Its addresses are those of all its customers: ours says the secret. */
static void put_forged(struct buf *cfg, const struct edge_policy *policy)
{
    if (policy->cdn.networks.n > 0) {
        buf_str(cfg, STR("    http-request set-var(txn.secret) env(" EDGE_CDN_SECRET ")\n"));
        put_return(cfg, 403, "");
        buf_str(cfg, STR("from_cdn { var(txn.secret) -m len gt 0 }"
                         " !{ req.fhdr(x-overround-edge),strcmp(txn.secret) eq 0 }\n"));
    }
    buf_str(cfg, STR("    http-request del-header X-Overround-Edge\n"));
}

static void put_who(struct buf *cfg, const struct edge_policy *policy)
{
    static const char *const foreign[] = {
        "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port",
        "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Host", "X-Original-URL",
        "X-Rewrite-URL", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override",
        "X-Real-IP", "Proxy",
    };

    buf_str(cfg, STR("\n    # Who asks, and from where.\n"));
    put_acl(cfg, "from_cdn src", &policy->cdn.networks, "");
    buf_str(cfg, STR("    acl from_cdn always_false\n"
                     "    tcp-request connection track-sc0 src table connections if !from_cdn\n"));
    buf_printf(cfg, "    tcp-request connection reject if !from_cdn { sc0_conn_cur gt %lld }\n",
               (long long)policy->connections.per_address);
    for (size_t i = 0; i < LENGTH(foreign); i++)
        buf_printf(cfg, "    http-request del-header %s\n", foreign[i]);
    buf_str(cfg, STR(
        "    http-request set-header X-Request-Id edge-%[uuid] if !{ req.hdr(x-request-id)"
        " -m reg ^[A-Za-z0-9._~:+/=@-]{1,64}$ }\n"));
    put_forged(cfg, policy);
    buf_str(cfg, STR(
        "    http-request set-var(txn.client) src\n"
        "    http-request set-var(txn.client) req.hdr_ip(x-forwarded-for,-1) if from_cdn"
        " { req.hdr_ip(x-forwarded-for,-1) -m found }\n"
        "    http-request set-var(txn.country) str(XX)\n"
        "    http-request set-var(txn.country) req.hdr(x-edge-country),word(1,;) if from_cdn"
        " { req.hdr(x-edge-country) -m reg ^[A-Z][A-Z]; }\n"
        "    http-request del-header X-Edge-Country if !from_cdn\n"
        "    http-request del-header X-Overround-Country if !from_cdn\n"
        "    http-request set-header X-Forwarded-For %[var(txn.client)]\n"));
}

static void put_bots(struct buf *cfg, const struct edge_policy *policy)
{
    if (policy->bots.unnamed == EDGE_REFUSED) {
        put_return(cfg, 403, "");
        buf_str(cfg, STR("!{ req.hdr(user-agent) -m len gt 0 }\n"));
    }
    put_acl(cfg, "is_bot req.hdr(user-agent) -i -m sub", &policy->bots.agents, "\"");
    buf_str(cfg, STR("    acl is_bot always_false\n"));
    put_return(cfg, 403, "");
    buf_str(cfg, STR("is_bot\n"));
}

static void put_routes(struct buf *cfg, const struct edge_policy *policy)
{
    buf_str(cfg, STR("\n    # What is asked.\n"));
    put_return(cfg, 404, "");
    buf_printf(cfg, "!{ req.hdr(host),lower,field(1,:) -m str " STR_FMT " " STR_FMT " }\n",
               STR_ARG(policy->hostnames.public), STR_ARG(policy->hostnames.direct));
    buf_printf(cfg, "    http-request set-header Host " STR_FMT "\n",
               STR_ARG(policy->hostnames.public));
    put_bots(cfg, policy);
    buf_str(cfg, STR(
        "    http-request set-var(txn.path) path\n"
        "    http-request set-var(txn.asked) method,concat(:,txn.path)\n"
        "    http-request set-var(txn.route) var(txn.asked),map_str(routes.map)\n"
        "    http-request set-var(txn.route) var(txn.asked),map_reg(routes.reg)"
        " if !{ var(txn.route) -m found }\n"
        "    http-request set-var(txn.allow) var(txn.path),map_str(allow.map)"
        " if !{ var(txn.route) -m found }\n"
        "    http-request set-var(txn.allow) var(txn.path),map_reg(allow.reg)"
        " if !{ var(txn.route) -m found } !{ var(txn.allow) -m found }\n"));
    put_return(cfg, 405, " hdr Allow %[var(txn.allow)]");
    buf_str(cfg, STR("{ var(txn.allow) -m found }\n"));
    put_return(cfg, 404, "");
    buf_str(cfg, STR("!{ var(txn.route) -m found }\n"
                     "    http-request set-var(txn.body) var(txn.route),word(2,:),add(0)\n"));
    put_return(cfg, 413, " hdr Connection close");
    buf_str(cfg, STR("{ req.hdr_val(content-length),sub(txn.body) gt 0 }\n"));
    put_return(cfg, 413, " hdr Connection close");
    buf_str(cfg, STR("{ req.hdr(transfer-encoding) -m found } { var(txn.body) -m int eq 0 }\n"));
    put_refused(cfg, policy);
}

/* ---- rates ---------------------------------------------------------------------------- */

static void put_rate(struct buf *cfg, const struct edge_policy *policy, enum rate_class class)
{
    const struct edge_rate *rate = &policy->rates[class];
    struct str name = rate_info(class)->name;
    int64_t most[] = { rate->per_address, rate->per_network };
    int64_t burst[] = { rate->burst, rate->burst * 10 };

    buf_printf(cfg, "    acl is_" STR_FMT " var(txn.route),word(1,:) -m str " STR_FMT "\n",
               STR_ARG(name), STR_ARG(name));
    buf_printf(cfg, "    http-request track-sc1 var(txn.client) table " STR_FMT "_address if is_"
               STR_FMT "\n", STR_ARG(name), STR_ARG(name));
    buf_printf(cfg, "    http-request track-sc2 var(txn.client),ipmask(%lld,%lld) table " STR_FMT
               "_network if is_" STR_FMT "\n", (long long)policy->networks.ipv4,
               (long long)policy->networks.ipv6, STR_ARG(name), STR_ARG(name));
    for (int i = 0; i < 2; i++) {
        buf_printf(cfg, "    http-request sc-inc-gpc0(%d) if is_" STR_FMT "\n", i + 1,
                   STR_ARG(name));
        put_429(cfg, (60 + most[i] - 1) / most[i]);
        buf_printf(cfg, "is_" STR_FMT " { sc%d_http_req_rate gt %lld }\n", STR_ARG(name), i + 1,
                   (long long)larger(most[i], burst[i]));
        put_429(cfg, 1);
        buf_printf(cfg, "is_" STR_FMT " { sc%d_gpc0_rate gt %lld }\n", STR_ARG(name), i + 1,
                   (long long)burst[i]);
    }
}

/* Looked up, not tracked: else who is banned would keep himself banned. */
static void put_banned(struct buf *cfg, const struct edge_policy *policy)
{
    struct str name = rate_info(RATE_OF_LOGIN)->name;

    put_429(cfg, policy->stuffing.ban_s);
    buf_printf(cfg, "{ var(txn.route),word(1,:) -m str " STR_FMT " }"
               " { var(txn.client),table_gpt0(" STR_FMT "_address) gt 0 }\n", STR_ARG(name),
               STR_ARG(name));
    put_429(cfg, policy->stuffing.ban_s);
    buf_printf(cfg, "{ var(txn.route),word(1,:) -m str " STR_FMT " }"
               " { var(txn.client),ipmask(%lld,%lld),table_gpt0(" STR_FMT "_network) gt 0 }\n",
               STR_ARG(name), (long long)policy->networks.ipv4, (long long)policy->networks.ipv6,
               STR_ARG(name));
}

static void put_failed(struct buf *cfg, const struct edge_stuffing *stuffing)
{
    int64_t most[] = { stuffing->per_address, stuffing->per_network };

    buf_printf(cfg, "    acl has_failed var(txn.route),word(1,:) -m str " STR_FMT "\n",
               STR_ARG(rate_info(RATE_OF_LOGIN)->name));
    for (int i = 1; i <= 2; i++)
        buf_printf(cfg, "    http-response sc-inc-gpc1(%d) if has_failed { status 401 }\n"
                   "    http-response sc-set-gpt0(%d) 1 if has_failed { status 401 }"
                   " { sc%d_gpc1_rate ge %lld }\n", i, i, i, (long long)most[i - 1]);
}

/* ---- where it goes ------------------------------------------------------------------------ */

static void put_release(struct buf *cfg, const struct edge_canary *canary)
{
    if (canary->percent > 0) {
        buf_str(cfg, STR("    http-request set-var(txn.release) str(stable)\n"));
        buf_printf(cfg, "    http-request set-var(txn.release) str(canary) if"
                   " { var(txn.client),xxh32,mod(100) lt %lld }\n", (long long)canary->percent);
        if (canary->sticky == EDGE_BY_COOKIE)
            buf_printf(cfg, "    http-request set-var(txn.release) req.cook(" STR_FMT ") if"
                       " { req.cook(" STR_FMT ") -m str stable canary }\n"
                       "    http-response add-header Set-Cookie \"" STR_FMT "=%%[var(txn.release)];"
                       " Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax\" if"
                       " { var(txn.route),word(4,:) -m str NEVER }\n", STR_ARG(canary->cookie),
                       STR_ARG(canary->cookie), STR_ARG(canary->cookie));
        buf_str(cfg, STR("    use_backend canary if { var(txn.release) -m str canary }\n"));
    }
    buf_str(cfg, STR("    default_backend stable\n"));
}

static void put_backend(struct buf *cfg, const struct edge_policy *policy,
                        enum edge_release release, const char *name)
{
    const struct edge_origin *origin;
    size_t at = 0;

    buf_printf(cfg, "\nbackend %s\n    balance leastconn\n    retries 3\n    option redispatch\n"
               "    retry-on conn-failure empty-response\n"
               "    # What moves money is sent again by its key alone: it is done once.\n"
               "    http-request disable-l7-retry if !{ method GET HEAD }"
               " !{ req.hdr(idempotency-key) -m found }\n"
               "    option httpchk\n    http-check send meth GET uri /v1/sports ver HTTP/1.1 hdr"
               " Host " STR_FMT " hdr User-Agent overround-edge\n"
               "    default-server check inter 2s rise 1 fall 2 resolvers dns"
               " init-addr last,libc,none\n", name, STR_ARG(policy->hostnames.public));
    while ((origin = edge_next_origin(policy, release, &at)) != NULL) {
        buf_printf(cfg, "    server " STR_FMT " " STR_FMT ":%lld", STR_ARG(origin->name),
                   STR_ARG(origin->host), (long long)origin->port);
        if (origin->tls)
            buf_printf(cfg, " ssl verify required ca-file /etc/ssl/certs/ca-certificates.crt"
                       " sni str(" STR_FMT ") verifyhost " STR_FMT, STR_ARG(origin->host),
                       STR_ARG(origin->host));
        buf_char(cfg, '\n');
    }
}

static void put_begin(struct buf *cfg, const struct edge_policy *policy)
{
    const struct edge_node *node = &policy->node;

    edge_head(cfg, "#", "haproxy", "run (tests/edge/haproxy_test.js)");
    if (policy->cdn.networks.n > 0)
        buf_str(cfg, STR(".if !defined(" EDGE_CDN_SECRET ") # empty: nobody says it\n"
                         ".alert \"" EDGE_CDN_SECRET " is not set\"\n.endif\n"));
    buf_printf(cfg, "global\n    default-path config # the maps are beside this file\n"
               "    hard-stop-after 30s # connections: as many as the files it may open\n\n"
               "defaults\n    mode http\n    option http-buffer-request\n"
               "    timeout connect 1s\n    timeout client %llds\n"
               "    timeout http-request %llds # head, and the first of the body\n"
               "    timeout http-keep-alive %llds\n"
               "    timeout server 75s # longer than a bet waits for a trader\n"
               "    timeout tunnel 1h\n    timeout queue 2s\n"
               "    http-error status 503 content-type " EDGE_PROBLEM_TYPE
               " hdr Cache-Control no-store hdr Retry-After 1 string '",
               (long long)larger(policy->connections.idle_s, 75),
               (long long)policy->connections.header_s, (long long)policy->connections.idle_s);
    edge_problem(cfg, 503);
    buf_str(cfg, STR("'\n\nresolvers dns\n    parse-resolv-conf\n    hold valid 10s\n"
                     "\nfrontend customers\n"));
    buf_printf(cfg, "    bind " STR_FMT ":%lld", STR_ARG(node->listen), (long long)node->port);
    if (node->certificate.n > 0)
        buf_printf(cfg, " ssl crt " STR_FMT " alpn h2,http/1.1 ssl-min-ver TLSv%s",
                   STR_ARG(node->certificate),
                   policy->tls.minimum == EDGE_TLS_1_3 ? "1.3" : "1.2");
    buf_char(cfg, '\n');
}

bool edge_haproxy(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *cfg = edge_open(out, "haproxy.cfg");

    put_begin(cfg, policy);
    put_who(cfg, policy);
    put_routes(cfg, policy);
    buf_str(cfg, STR("\n    # How often.\n"));
    put_banned(cfg, policy);
    for (enum rate_class rate = 0; rate < RATE_CLASSES; rate++)
        if (rate_info(rate)->is_at_edge)
            put_rate(cfg, policy, rate);
    put_failed(cfg, &policy->stuffing);
    if (policy->tls.hsts_s > 0)
        buf_printf(cfg, "    http-response set-header Strict-Transport-Security max-age=%lld\n",
                   (long long)policy->tls.hsts_s);
    put_release(cfg, &policy->canary);
    put_backend(cfg, policy, EDGE_STABLE, "stable");
    if (policy->canary.percent > 0)
        put_backend(cfg, policy, EDGE_CANARY, "canary");
    put_tables(cfg, policy);
    put_maps(policy, out);
    return true;
}
