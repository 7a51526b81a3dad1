/*
 * nginx.conf of an edge node (nginx 1.22 with its modules for GeoIP2, njs and
 * ModSecurity): which paths and methods there are, what of an answer is kept, how
 * large bodies are, who is limited how, who is refused where.  What is the same
 * for every policy stands beside it in deploy/edge/node/.
 *
 * What is kept is fetched through a server of its own on a socket, which
 * compresses it: so the copy that is kept is compressed once, for all readers.
 */
#include "edge/edge.h"

#define MODULES "/usr/lib/nginx/modules/"
#define SECONDS_A_MINUTE 60
#define NETWORK_BURST 10 /* times an address's */
#define BYTE_BITS 8

static void put(struct buf *out, const char *text)
{
    buf_str(out, str_of(text));
}

static bool has_tls(const struct edge_policy *policy)
{
    return policy->node.certificate.n > 0;
}

/* Whether requests go to origins by TLS: to all, or to none. */
static bool origins_have_tls(const struct edge_policy *policy)
{
    return policy->origins[0].tls;
}

static bool has_canary(const struct edge_policy *policy)
{
    size_t at = 0;

    return policy->canary.percent > 0 && edge_next_origin(policy, EDGE_CANARY, &at) != NULL;
}

/* ---- what stands before all requests --------------------------------------- */

static void write_main(const struct edge_policy *policy, struct buf *out)
{
    if (policy->node.geoip.n > 0)
        put(out, "load_module " MODULES "ngx_http_geoip2_module.so;\n");
    put(out, "load_module " MODULES "ngx_http_js_module.so;\n"
             "load_module " MODULES "ngx_http_modsecurity_module.so;\n"
             "worker_processes auto;\n"
             "worker_shutdown_timeout 30s; # streams, when it drains\n");
    buf_printf(out, "pid " STR_FMT "/nginx.pid;\n", STR_ARG(policy->node.run));
    buf_printf(out, "error_log " STR_FMT "/error.log warn;\n", STR_ARG(policy->node.run));
    put(out, "\nevents {\n    worker_connections 16384;\n}\n\n");
}

/* What nobody has asked for as long as it may be given is dropped: so no copy is
 * older when the next reader comes. */
static void write_store(const struct edge_policy *policy, const char *name, int inactive_s,
                        struct buf *out)
{
    buf_printf(out, "    proxy_cache_path " STR_FMT "/%s levels=1:2 keys_zone=%s:16m"
                    " max_size=%lldm\n        inactive=%ds use_temp_path=off;\n",
               STR_ARG(policy->node.cache), name, name, (long long)policy->node.cache_mb / 2,
               inactive_s);
}

static void write_folders(const struct edge_policy *policy, struct buf *out)
{
    static const char *const uses[] = { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" };

    for (size_t i = 0; i < LENGTH(uses); i++)
        buf_printf(out, "    %s_temp_path " STR_FMT "/%s;\n", uses[i],
                   STR_ARG(policy->node.run), uses[i]);
    buf_printf(out, "    access_log " STR_FMT "/access.log edge;\n", STR_ARG(policy->node.run));
    write_store(policy, "prices", caching_info(CACHING_OF_SNAPSHOT)->stale_if_error_s, out);
    write_store(policy, "pages", caching_info(CACHING_OF_PAGE)->stale_if_error_s, out);
}

static void write_times(const struct edge_policy *policy, struct buf *out)
{
    const struct edge_connections *of = &policy->connections;

    buf_printf(out, "    client_header_timeout %llds;\n", (long long)of->header_s);
    buf_printf(out, "    client_body_timeout %llds;\n", (long long)of->body_s);
    buf_printf(out, "    keepalive_timeout %llds;\n", (long long)of->idle_s);
}

/* Who is before the node may say whom it speaks for. */
static void write_front(const struct edge_policy *policy, struct buf *out)
{
    const struct edge_words *networks = &policy->cdn.networks;

    for (size_t i = 0; i < networks->n; i++)
        buf_printf(out, "    set_real_ip_from " STR_FMT ";\n", STR_ARG(networks->items[i]));
    if (networks->n > 0)
        put(out, "    real_ip_header X-Forwarded-For;\n");
    put(out, "    geo $realip_remote_addr $is_cdn {\n        default 0;\n");
    for (size_t i = 0; i < networks->n; i++)
        buf_printf(out, "        " STR_FMT " 1;\n", STR_ARG(networks->items[i]));
    put(out, "    }\n");
}

/* ---- countries ------------------------------------------------------------- */

static void write_geoip(const struct edge_policy *policy, struct buf *out)
{
    if (policy->node.geoip.n == 0) {
        put(out, "    map \"\" $country {\n        default XX;\n    }\n");
        return;
    }
    buf_printf(out, "    geoip2 " STR_FMT " {\n        auto_reload 10m;\n",
               STR_ARG(policy->node.geoip));
    put(out, "        $geo_country source=$remote_addr country_code;\n"
             "        $geo_country_iso default=XX source=$remote_addr country iso_code;\n"
             "    }\n"
             "    map $geo_country $country {\n"
             "        default $geo_country;\n"
             "        ''      $geo_country_iso;\n"
             "    }\n");
}

static void write_refused(const struct edge_policy *policy, struct buf *out)
{
    const struct edge_words *lists[] = { &policy->allowed, &policy->refused };

    buf_printf(out, "    map $country $is_refused {\n        default %d;\n        XX %d;\n",
               policy->countries.elsewhere == EDGE_REFUSED,
               policy->countries.unknown == EDGE_REFUSED);
    for (size_t of = 0; of < LENGTH(lists); of++)
        for (size_t i = 0; i < lists[of]->n; i++)
            buf_printf(out, "        " STR_FMT " %d;\n", STR_ARG(lists[of]->items[i]), (int)of);
    put(out, "    }\n");
}

/* ---- who is limited --------------------------------------------------------- */

/* An address of IPv6 is the 64 bits that a household has.  In bytes, as nginx
 * has them: what is matched are not digits. */
static void write_addresses(const struct edge_policy *policy, struct buf *out)
{
    int v4 = (int)policy->networks.ipv4 / BYTE_BITS, v6 = (int)policy->networks.ipv6 / BYTE_BITS;

    put(out, "    map $binary_remote_addr $address {\n"
             "        default $binary_remote_addr;\n"
             "        \"~(?s)^(?<household>.{8}).{8}$\" $household;\n"
             "    }\n");
    buf_printf(out, "    map $binary_remote_addr $network {\n"
                    "        default $binary_remote_addr;\n"
                    "        \"~(?s)^(?<network4>.{%d}).{%d}$\" $network4;\n"
                    "        \"~(?s)^(?<network6>.{%d}).{%d}$\" $network6;\n    }\n",
               v4, 4 - v4, v6, 16 - v6);
    put(out, "    limit_conn_zone $address zone=connections:10m;\n");
}

/* $class is set by the location that is asked for. */
static void write_rate(const struct edge_rate *rate, struct str class, struct buf *out)
{
    buf_printf(out, "    map $class $address_" STR_FMT " {\n        default '';\n        "
                    STR_FMT " $address;\n    }\n", STR_ARG(class), STR_ARG(class));
    buf_printf(out, "    map $class $network_" STR_FMT " {\n        default '';\n        "
                    STR_FMT " $network;\n    }\n", STR_ARG(class), STR_ARG(class));
    buf_printf(out, "    limit_req_zone $address_" STR_FMT " zone=address_" STR_FMT
                    ":10m rate=%lldr/m;\n", STR_ARG(class), STR_ARG(class),
               (long long)rate->per_address);
    buf_printf(out, "    limit_req_zone $network_" STR_FMT " zone=network_" STR_FMT
                    ":10m rate=%lldr/m;\n", STR_ARG(class), STR_ARG(class),
               (long long)rate->per_network);
}

/* What all together may: $way is set by the location. */
static void write_node(const struct edge_policy *policy, struct buf *out)
{
    put(out, "    map $way $node_passed {\n        default '';\n        passed all;\n    }\n"
             "    map $way $node_streams {\n        default '';\n        stream all;\n    }\n");
    buf_printf(out, "    limit_req_zone $node_passed zone=node_passed:1m rate=%lldr/s;\n",
               (long long)policy->node.passed_s);
    buf_printf(out, "    limit_req_zone $node_streams zone=node_streams:1m rate=%lldr/s;\n",
               (long long)policy->node.streams_s);
}

static void write_rates(const struct edge_policy *policy, struct buf *out)
{
    write_addresses(policy, out);
    write_node(policy, out);
    for (int i = 0; i < RATE_CLASSES; i++)
        if (rate_info((enum rate_class)i)->is_at_edge)
            write_rate(&policy->rates[i], rate_info((enum rate_class)i)->name, out);
}

/* What a 429 tells: how many may come at once, and when the next one may. */
static void write_rate_headers(const struct edge_policy *policy, struct buf *out)
{
    put(out, "    map $class $rate_limit {\n");
    for (int i = 0; i < RATE_CLASSES; i++)
        if (rate_info((enum rate_class)i)->is_at_edge)
            buf_printf(out, "        " STR_FMT " %lld;\n",
                       STR_ARG(rate_info((enum rate_class)i)->name),
                       (long long)policy->rates[i].burst);
    put(out, "    }\n    map $class $rate_reset {\n");
    for (int i = 0; i < RATE_CLASSES; i++)
        if (rate_info((enum rate_class)i)->is_at_edge)
            buf_printf(out, "        " STR_FMT " %lld;\n",
                       STR_ARG(rate_info((enum rate_class)i)->name),
                       1 + (long long)(SECONDS_A_MINUTE - 1) / policy->rates[i].per_address);
    put(out, "    }\n");
}

static void write_limits(const struct edge_policy *policy, struct buf *out)
{
    buf_printf(out, "        limit_conn connections %lld;\n",
               (long long)policy->connections.per_address);
    buf_printf(out, "        limit_req zone=node_passed burst=%lld nodelay;\n",
               (long long)policy->node.passed_s);
    buf_printf(out, "        limit_req zone=node_streams burst=%lld nodelay;\n",
               (long long)policy->node.streams_s);
    for (int i = 0; i < RATE_CLASSES; i++) {
        const struct rate_info *info = rate_info((enum rate_class)i);

        if (!info->is_at_edge)
            continue;
        buf_printf(out, "        limit_req zone=address_" STR_FMT " burst=%lld nodelay;\n",
                   STR_ARG(info->name), (long long)policy->rates[i].burst);
        buf_printf(out, "        limit_req zone=network_" STR_FMT " burst=%lld nodelay;\n",
                   STR_ARG(info->name), (long long)policy->rates[i].burst * NETWORK_BURST);
    }
}

/* ---- programs --------------------------------------------------------------- */

/* A piece of a User-Agent as an expression; of its characters these mean more. */
static void write_agent(struct str agent, struct buf *out)
{
    put(out, "        \"~*");
    for (size_t i = 0; i < agent.n; i++) {
        if (agent.p[i] == '.' || agent.p[i] == '+')
            buf_char(out, '\\');
        buf_char(out, agent.p[i]);
    }
    put(out, "\" 1;\n");
}

static void write_bots(const struct edge_policy *policy, struct buf *out)
{
    buf_printf(out, "    map $http_user_agent $is_bot {\n        default 0;\n        '' %d;\n",
               policy->bots.unnamed == EDGE_REFUSED);
    for (size_t i = 0; i < policy->bots.agents.n; i++)
        write_agent(policy->bots.agents.items[i], out);
    put(out, "    }\n");
}

/* ---- origins ---------------------------------------------------------------- */

/* No origin is set aside for its failures (max_fails=0): a refused connection
 * costs nothing, and the last one must not become "no live upstreams". */
static void write_origins(const struct edge_policy *policy, enum edge_release release,
                          const char *suffix, const char *more, struct buf *out)
{
    const struct edge_origin *origin;
    const char *name = release == EDGE_CANARY ? "canary" : "stable";
    size_t at = 0;

    buf_printf(out, "    upstream %s%s {\n", name, suffix);
    while ((origin = edge_next_origin(policy, release, &at)) != NULL)
        buf_printf(out, "        server " STR_FMT ":%lld max_fails=0%s;\n", STR_ARG(origin->host),
                   (long long)origin->port, more);
    if (release == EDGE_CANARY)
        for (at = 0; (origin = edge_next_origin(policy, EDGE_STABLE, &at)) != NULL;)
            buf_printf(out, "        server " STR_FMT ":%lld max_fails=0%s backup;\n",
                       STR_ARG(origin->host), (long long)origin->port, more);
    put(out, "        keepalive 256;\n    }\n");
}

/* Streams: the fan-out, or past it; both know whom they ask by a socket of the node. */
static void write_fanout(const struct edge_policy *policy, struct buf *out)
{
    struct str run = policy->node.run;

    if (!policy->node.fanout)
        return;
    buf_printf(out, "    upstream fanout {\n"
                    "        server unix:" STR_FMT "/fanout.sock max_fails=0;\n"
                    "        server unix:" STR_FMT "/upstream.sock max_fails=0 backup;\n    }\n",
               STR_ARG(run), STR_ARG(run));
    put(out, "    map $http_x_release $passed_release {\n        default stable;\n");
    if (has_canary(policy))
        put(out, "        canary canary;\n");
    put(out, "    }\n");
}

static void write_release(const struct edge_policy *policy, struct buf *out)
{
    if (!has_canary(policy)) {
        put(out, "    map \"\" $release {\n        default stable;\n    }\n");
        return;
    }
    put(out, "    split_clients $remote_addr $release_of_address {\n");
    if (policy->canary.percent < 100)
        buf_printf(out, "        %lld%% canary;\n        * stable;\n    }\n",
                   (long long)policy->canary.percent);
    else
        put(out, "        * canary;\n    }\n");
    if (policy->canary.sticky == EDGE_BY_ADDRESS)
        put(out, "    map \"\" $release {\n");
    else
        buf_printf(out, "    map $cookie_" STR_FMT " $release {\n"
                        "        canary canary;\n        stable stable;\n",
                   STR_ARG(policy->canary.cookie));
    put(out, "        default $release_of_address;\n    }\n");
}

/* Those of what is kept have few connections: readers wait for one request, and
 * when many wait for many the origin is held. */
static void write_upstreams(const struct edge_policy *policy, struct buf *out)
{
    write_origins(policy, EDGE_STABLE, "", "", out);
    write_origins(policy, EDGE_STABLE, "_kept", " max_conns=64", out);
    if (has_canary(policy)) {
        write_origins(policy, EDGE_CANARY, "", "", out);
        write_origins(policy, EDGE_CANARY, "_kept", " max_conns=64", out);
    }
    write_release(policy, out);
    write_fanout(policy, out);
    buf_printf(out, "    upstream compressing {\n        server unix:" STR_FMT
                    "/compress.sock;\n        keepalive 64;\n    }\n", STR_ARG(policy->node.run));
    if (!origins_have_tls(policy))
        return;
    buf_printf(out, "    proxy_ssl_name " STR_FMT ";\n", STR_ARG(policy->origins[0].host));
    put(out, "    proxy_ssl_server_name on;\n"
             "    proxy_ssl_verify on;\n"
             "    proxy_ssl_verify_depth 3;\n"
             "    proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;\n");
}

/* ---- paths ------------------------------------------------------------------ */

static bool is_kept(const struct edge_path *path)
{
    const struct caching_info *info = caching_info(path->routes[0]->caching);

    return info->is_kept || info->is_forever;
}

/* The methods that are not for those abroad: "POST|PUT"; nothing where all are. */
static void write_home(const struct edge_path *path, struct buf *out)
{
    bool any = false;

    for (size_t i = 0; i < path->n_routes; i++) {
        struct str method = path->routes[i]->method;

        if (path->routes[i]->is_abroad)
            continue;
        put(out, any ? "|" : "            if ($refused_method ~ \"^1:(");
        buf_str(out, method);
        if (str_eq(method, STR("GET")))
            put(out, "|HEAD");
        any = true;
    }
    if (any)
        put(out, ")$\") {\n                return 451;\n            }\n");
}

static void write_class(const struct edge_path *path, struct buf *out)
{
    struct str first = rate_info(path->routes[0]->rate)->name;

    buf_printf(out, "            set $class " STR_FMT ";\n", STR_ARG(first));
    for (size_t i = 1; i < path->n_routes; i++) {
        struct str class = rate_info(path->routes[i]->rate)->name;

        if (!str_eq(class, first))
            buf_printf(out, "            if ($request_method %s) {\n"
                            "                set $class " STR_FMT ";\n            }\n",
                       str_eq(path->routes[i]->method, STR("GET")) ? "~ \"^(GET|HEAD)$\"" :
                       str_eq(path->routes[i]->method, STR("PUT")) ? "= PUT" :
                       str_eq(path->routes[i]->method, STR("DELETE")) ? "= DELETE" : "= POST",
                       STR_ARG(class));
    }
}

static void write_pass(const struct edge_policy *policy, const struct edge_path *path,
                       struct buf *out)
{
    const char *scheme = origins_have_tls(policy) ? "https" : "http";

    buf_printf(out, "            set $way %s;\n",
               path->routes[0]->caching == CACHING_OF_STREAM ? "stream" :
               is_kept(path) ? "kept" : "passed");
    if (path->routes[0]->caching == CACHING_OF_STREAM && policy->node.fanout)
        put(out, "            include stream.conf;\n"
                 "            proxy_set_header X-Release $release;\n"
                 "            proxy_pass http://fanout;\n");
    else if (path->routes[0]->caching == CACHING_OF_STREAM)
        buf_printf(out, "            include stream.conf;\n"
                        "            proxy_pass %s://$release;\n", scheme);
    else if (is_kept(path))
        buf_printf(out, "            proxy_cache %s;\n"
                        "            proxy_cache_key \"$release$uri%s\";\n"
                        "            include kept.conf;\n"
                        "            proxy_pass http://compressing$uri%s;\n",
                   path->routes[0]->caching == CACHING_OF_SNAPSHOT ? "prices" : "pages",
                   path->has_part ? "" : "$list_query", path->has_part ? "" : "$list_query");
    else
        buf_printf(out, "            include passed.conf;\n"
                        "            proxy_pass %s://$release;\n", scheme);
}

static void write_body(const struct edge_policy *policy, const struct edge_path *path,
                       struct buf *out)
{
    buf_printf(out, "            set $allow \"" STR_FMT "\";\n", STR_ARG(path->allow));
    write_class(path, out);
    put(out, "            if ($request_method !~ \"^(");
    edge_methods(out, path, "|");
    put(out, ")$\") {\n                return 405;\n            }\n");
    write_home(path, out);
    /* 0 would be no limit */
    buf_printf(out, "            client_max_body_size %zu;\n",
               path->body_max > 0 ? path->body_max : 1);
    write_pass(policy, path, out);
    put(out, "        }\n");
}

/* A copy that is asked for in plain characters: the firewall has nothing to look at,
 * for nothing of who asks goes along.  Else it is asked at @checked. */
static void write_plain(size_t i, struct buf *out)
{
    put(out, "            modsecurity off;\n"
             "            include errors.conf;\n");
    buf_printf(out, "            error_page 418 = @checked_%zu;\n", i);
    put(out, "            if ($is_plain = 0) {\n                return 418;\n            }\n");
}

static void write_path(const struct edge_policy *policy, size_t i, struct buf *out)
{
    const struct edge_path *path = &policy->paths[i];

    put(out, "        location ");
    if (path->has_part) {
        put(out, "~ \"");
        edge_regex(out, path);
        put(out, "\" {\n");
    } else
        buf_printf(out, "= " STR_FMT " {\n", STR_ARG(path->pattern));
    if (is_kept(path))
        write_plain(i, out);
    write_body(policy, path, out);
    if (!is_kept(path))
        return;
    buf_printf(out, "        location @checked_%zu {\n", i);
    write_body(policy, path, out);
}

/* ---- what the node answers by itself ---------------------------------------- */

static void write_answer(int status, const char *more, struct buf *out)
{
    buf_printf(out, "        location @answer_%d {\n            include answer.conf;\n%s"
                    "            return %d '", status, more, status);
    edge_problem(out, status);
    put(out, "';\n        }\n");
}

static void write_answers(struct buf *out)
{
    static const int own[] = { 403, 404, 405, 413, 429, 431, 451, 503 };

    for (size_t i = 0; i < LENGTH(own); i++)
        write_answer(own[i],
                     own[i] == 405 ? "            add_header Allow $allow always;\n" :
                     own[i] == 429 ? "            include rate.conf;\n" :
                     own[i] == 503 ? "            add_header Retry-After 1 always;\n" : "", out);
}

/* ---- servers ---------------------------------------------------------------- */

static void write_tls(const struct edge_policy *policy, struct buf *out)
{
    struct str file = policy->node.certificate;

    if (!has_tls(policy))
        return;
    buf_printf(out, "    ssl_certificate " STR_FMT ";\n    ssl_certificate_key " STR_FMT ";\n",
               STR_ARG(file), STR_ARG(file));
    buf_printf(out, "    ssl_protocols %sTLSv1.3;\n",
               policy->tls.minimum == EDGE_TLS_1_2 ? "TLSv1.2 " : "");
    put(out, "    include tls.conf;\n");
    if (policy->tls.hsts_s > 0)
        buf_printf(out, "    map \"\" $hsts {\n        default \"max-age=%lld;"
                        " includeSubDomains\";\n    }\n", (long long)policy->tls.hsts_s);
}

static void write_listen(const struct edge_policy *policy, const char *more, struct buf *out)
{
    bool v6 = memchr(policy->node.listen.p, ':', policy->node.listen.n) != NULL;

    buf_printf(out, "        listen %s" STR_FMT "%s:%lld%s%s;\n", v6 ? "[" : "",
               STR_ARG(policy->node.listen), v6 ? "]" : "", (long long)policy->node.port,
               has_tls(policy) ? " ssl http2" : "", more);
}

/* Names that are not ours: the operator's is none of ours here. */
static void write_stranger(const struct edge_policy *policy, struct buf *out)
{
    put(out, "    server {\n");
    write_listen(policy, " default_server backlog=4096", out);
    put(out, "        include stranger.conf;\n    }\n");
}

static void write_public(const struct edge_policy *policy, struct buf *out)
{
    put(out, "    server {\n");
    write_listen(policy, "", out);
    buf_printf(out, "        server_name " STR_FMT " " STR_FMT ";\n",
               STR_ARG(policy->hostnames.public), STR_ARG(policy->hostnames.direct));
    buf_printf(out, "        set $public_host " STR_FMT ";\n", STR_ARG(policy->hostnames.public));
    put(out, "        include server.conf;\n");
    write_limits(policy, out);
    for (size_t i = 0; i < policy->n_paths; i++)
        write_path(policy, i, out);
    put(out, "        location / {\n            return 404;\n        }\n");
    write_answers(out);
    put(out, "    }\n");
}

static void write_compressing(const struct edge_policy *policy, struct buf *out)
{
    buf_printf(out, "    server {\n        listen unix:" STR_FMT "/compress.sock;\n",
               STR_ARG(policy->node.run));
    buf_printf(out, "        set $public_host " STR_FMT ";\n", STR_ARG(policy->hostnames.public));
    buf_printf(out, "        location / {\n            include compress.conf;\n"
                    "            proxy_pass %s://${http_x_release}_kept;\n        }\n",
               origins_have_tls(policy) ? "https" : "http");
    put(out, "        location @away {\n            return 444;\n        }\n    }\n");
}

/* What the fan-out subscribes to, and streams that go past it: to the origins. */
static void write_upstream(const struct edge_policy *policy, struct buf *out)
{
    if (!policy->node.fanout)
        return;
    buf_printf(out, "    server {\n        listen unix:" STR_FMT "/upstream.sock;\n",
               STR_ARG(policy->node.run));
    buf_printf(out, "        set $public_host " STR_FMT ";\n", STR_ARG(policy->hostnames.public));
    buf_printf(out, "        location / {\n            include upstream.conf;\n"
                    "            proxy_pass %s://$passed_release;\n        }\n",
               origins_have_tls(policy) ? "https" : "http");
    put(out, "        location @away {\n            return 444;\n        }\n    }\n");
}

static void write_http(const struct edge_policy *policy, struct buf *out)
{
    put(out, "http {\n    include http.conf;\n    include secret.conf;\n"
             "    include local[.]conf; # the operator's own\n");
    write_folders(policy, out);
    write_times(policy, out);
    write_front(policy, out);
    write_tls(policy, out);
    if (!has_tls(policy) || policy->tls.hsts_s == 0)
        put(out, "    map \"\" $hsts {\n        default '';\n    }\n");
    write_geoip(policy, out);
    write_refused(policy, out);
    write_rates(policy, out);
    write_rate_headers(policy, out);
    write_bots(policy, out);
    write_upstreams(policy, out);
    write_stranger(policy, out);
    write_public(policy, out);
    write_compressing(policy, out);
    write_upstream(policy, out);
    put(out, "}\n");
}

/* ---- ModSecurity's part ------------------------------------------------------ */

/* Each method that any path has. */
static void write_allowed(const struct edge_policy *policy, struct buf *out)
{
    static const char *const known[] = { "GET", "POST", "PUT", "DELETE", "PATCH" };

    put(out, "SecAction \"id:10101,phase:1,pass,nolog,setvar:'tx.allowed_methods=HEAD");
    for (size_t k = 0; k < LENGTH(known); k++) {
        bool has = false;

        for (size_t i = 0; i < policy->n_paths; i++)
            for (size_t j = 0; j < policy->paths[i].n_routes; j++)
                has = has || str_eq(policy->paths[i].routes[j]->method, str_of(known[k]));
        if (has)
            buf_printf(out, " %s", known[k]);
    }
    put(out, "'\"\n");
}

/*
 * Log-ins that fail.  The firewall counts in memory, by slices of the clock, for it
 * forgets nothing by itself: a minute, ten or an hour, as the window is.  Who has
 * failed too often waits for the next one.  Each worker counts for itself.
 */
static void write_slice(const struct edge_policy *policy, struct buf *out)
{
    int64_t window_s = policy->stuffing.window_s;
    const char *slice = window_s <= 60 ? "..:.." : window_s <= 600 ? "..:." : "..";
    int v4 = (int)policy->networks.ipv4 / BYTE_BITS;
    int v6 = (int)policy->networks.ipv6 / (2 * BYTE_BITS);

    buf_printf(out, "SecRule TIME \"@rx ^(%s)\" \"id:10200,phase:1,pass,nolog,capture,\\\n"
                    "    setvar:'tx.slice=%%{TIME_MON}-%%{TIME_DAY}-%%{TX.1}',\\\n"
                    "    setvar:'tx.network=%%{REMOTE_ADDR}'\"\n", slice);
    buf_printf(out, "SecRule REMOTE_ADDR \"@rx ^((?:[0-9]+\\.){%d}|(?:[0-9a-f]+:){%d})\" \\\n"
                    "    \"id:10201,phase:1,pass,nolog,capture,setvar:'tx.network=%%{TX.1}'\"\n",
               v4, v6);
    put(out, "SecAction \"id:10202,phase:1,pass,nolog,\\\n"
             "    initcol:resource=%{REMOTE_ADDR}_%{tx.slice},\\\n"
             "    setuid:%{tx.network}_%{tx.slice}\"\n");
}

static void write_stuffing(const struct edge_policy *policy, struct buf *out)
{
    write_slice(policy, out);
    put(out, "SecRule REQUEST_LINE \"!@rx ^POST /v1/sessions[ ?]\""
             " \"id:10203,phase:1,pass,nolog,skipAfter:LOGINS\"\n");
    buf_printf(out, "SecRule RESOURCE:FAILURES \"@ge %lld\""
                    " \"id:10204,phase:1,deny,status:429,log,msg:'Log-ins of an address'\"\n",
               (long long)policy->stuffing.per_address);
    buf_printf(out, "SecRule USER:FAILURES \"@ge %lld\""
                    " \"id:10205,phase:1,deny,status:429,log,msg:'Log-ins of a network'\"\n",
               (long long)policy->stuffing.per_network);
    put(out, "SecMarker LOGINS\n"
             "SecRule RESPONSE_STATUS \"@streq 401\" \"id:10206,phase:3,pass,nolog,chain\"\n"
             "    SecRule REQUEST_LINE \"@rx ^POST /v1/sessions[ ?]\""
             " \"setvar:resource.failures=+1,setvar:user.failures=+1\"\n");
}

static bool whole_bytes(const struct edge_policy *policy)
{
    return policy->networks.ipv4 % BYTE_BITS == 0 && policy->networks.ipv6 % BYTE_BITS == 0;
}

static bool one_scheme(const struct edge_policy *policy)
{
    for (size_t i = 1; i < policy->n_origins; i++)
        if (policy->origins[i].tls != policy->origins[0].tls)
            return false;
    return true;
}

bool edge_nginx(const struct edge_policy *policy, struct edge_out *out)
{
    const char *proven = "run: tests/edge/*_test.js";
    struct buf *main, *rules;

    if (!whole_bytes(policy))
        return edge_fault(out, "networks: nginx takes whole bytes, 24 and 48");
    if (!one_scheme(policy))
        return edge_fault(out, "origins: nginx takes all of them with TLS, or none");
    main = edge_open(out, "nginx.conf");
    edge_head(main, "#", "nginx", proven);
    put(main, "# Beside it in one folder: all of deploy/edge/node/, and secret.conf.\n");
    write_main(policy, main);
    write_http(policy, main);
    rules = edge_open(out, "routes.modsecurity.conf");
    edge_head(rules, "#", "nginx", proven);
    write_allowed(policy, rules);
    write_stuffing(policy, rules);
    return true;
}
