/*
 * Varnish 7.1 with vsthrottle of varnish-modules 0.20 (VCL 4.1).
 *
 * Open-source Varnish speaks no TLS: customers' has ended before it, at a CDN or at
 * an HAProxy of tls.cfg, which also speaks to origins that want TLS.  The country is
 * whose that peer vouches for (X-Edge-Country); nobody else's word counts, and that
 * peer's only with the CDN's secret, which is in the environment of varnishd.
 *
 * What a request is - its route, class and country - is in headers that begin with
 * Edge-.  They are taken from clients first and never sent to an origin.
 */
#include "base/limits.h"
#include "base/text.h"
#include "edge/edge.h"

/* ---- pieces ------------------------------------------------------------------ */

/* For a regular expression of PCRE within a VCL string. */
static void put_escaped(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (strchr(".+*?()[]{}^$|\\", text.p[i]) != NULL)
            buf_char(out, '\\');
        buf_char(out, text.p[i]);
    }
}

/* "a|b". */
static void put_any_of(struct buf *out, const struct edge_words *words)
{
    for (size_t i = 0; i < words->n; i++) {
        if (i > 0)
            buf_char(out, '|');
        put_escaped(out, words->items[i]);
    }
}

/* ---- origins ------------------------------------------------------------------- */

/* VCL takes no backend that nobody asks. */
static bool is_asked(const struct edge_policy *policy, const struct edge_origin *origin)
{
    return origin->release == EDGE_STABLE || policy->canary.percent > 0;
}

static void put_backend(struct buf *vcl, const struct edge_policy *policy,
                        const struct edge_origin *origin)
{
    buf_printf(vcl, "backend o_" STR_FMT " {\n", STR_ARG(origin->name));
    if (origin->tls)
        buf_printf(vcl, "    .path = \"" STR_FMT "/origin-" STR_FMT ".sock\"; # tls.cfg\n",
                   STR_ARG(policy->node.run), STR_ARG(origin->name));
    else
        buf_printf(vcl, "    .host = \"" STR_FMT "\";\n    .port = \"%lld\";\n",
                   STR_ARG(origin->host), (long long)origin->port);
    buf_str(vcl, STR("    .probe = origin;\n"
                     "    .connect_timeout = 1s;\n"
                     "    .first_byte_timeout = 75s; # longer than a bet waits for a trader\n"
                     "    .between_bytes_timeout = 75s;\n}\n"));
}

static void put_director(struct buf *vcl, const struct edge_policy *policy,
                         enum edge_release release, const char *name)
{
    const struct edge_origin *origin;
    size_t at = 0;

    while ((origin = edge_next_origin(policy, release, &at)) != NULL)
        buf_printf(vcl, "    %s.add_backend(o_" STR_FMT ");\n", name, STR_ARG(origin->name));
}

static void put_origins(struct buf *vcl, const struct edge_policy *policy)
{
    buf_printf(vcl, "probe origin {\n"
               "    .request = \"GET /v1/sports HTTP/1.1\" \"Host: " STR_FMT "\"\n"
               "        \"User-Agent: overround-edge\" \"Connection: close\";\n"
               "    .interval = 2s;\n    .timeout = 2s;\n    .window = 5;\n"
               "    .threshold = 3;\n    .initial = 5;\n}\n\n", STR_ARG(policy->hostnames.public));
    for (size_t i = 0; i < policy->n_origins; i++)
        if (is_asked(policy, &policy->origins[i]))
            put_backend(vcl, policy, &policy->origins[i]);
    buf_str(vcl, STR("\nsub vcl_init {\n"));
    if (policy->cdn.networks.n > 0)
        buf_str(vcl, STR("    if (!std.getenv(\"" EDGE_CDN_SECRET "\")) { # \"\": nobody says it\n"
                         "        return (fail(\"" EDGE_CDN_SECRET " is not set\"));\n    }\n"));
    buf_str(vcl, STR("    new stable = directors.round_robin();\n"));
    put_director(vcl, policy, EDGE_STABLE, "stable");
    if (policy->canary.percent > 0) {
        buf_str(vcl, STR("    new canary = directors.round_robin();\n"));
        put_director(vcl, policy, EDGE_CANARY, "canary");
        buf_str(vcl, STR("    new share = directors.shard(); # for its hash alone\n"));
        put_director(vcl, policy, EDGE_CANARY, "share");
        buf_str(vcl, STR("    share.reconfigure();\n"));
    }
    buf_str(vcl, STR("}\n\n"));
}

/* ---- who asks -------------------------------------------------------------------- */

static void put_acl(struct buf *vcl, const struct edge_words *networks)
{
    if (networks->n == 0)
        return;
    buf_str(vcl, STR("acl cdn {\n"));
    for (size_t i = 0; i < networks->n; i++) {
        struct str one = networks->items[i];
        struct str address = text_until(&one, '/');

        buf_printf(vcl, "    \"" STR_FMT "\"/" STR_FMT ";\n", STR_ARG(address), STR_ARG(one));
    }
    buf_str(vcl, STR("}\n\n"));
}

/* An address's network, by its text: whole numbers of an IPv4 address, whole groups
 * of an IPv6 one (where zeros are left out, a network may count as two). */
static bool put_network(struct buf *vcl, const struct edge_policy *policy, struct edge_out *out)
{
    if (policy->networks.ipv4 % 8 != 0 || policy->networks.ipv6 % 16 != 0)
        return edge_fault(out, "counts networks of 8, 16, 24 or 32 bits, and of 16, 32, 48 or 64");
    buf_str(vcl, STR("    set req.http.Edge-Network = regsub(regsub(req.http.Edge-Client,\n"));
    buf_printf(vcl, "        \"^(([0-9]+\\.?){%lld})[0-9.]*$\", \"\\1\"),\n",
               (long long)policy->networks.ipv4 / 8);
    buf_printf(vcl, "        \"^(([0-9a-f]*:){%lld}).*$\", \"\\1\");\n",
               (long long)policy->networks.ipv6 / 16);
    return true;
}

static void put_trusted(struct buf *vcl)
{
    buf_str(vcl, STR(
        "    if (client.ip ~ cdn) {\n"
        "        # Its addresses are those of all its customers: ours says the secret.\n"
        "        if (std.getenv(\"" EDGE_CDN_SECRET "\") != \"\" &&\n"
        "            req.http.X-Overround-Edge != std.getenv(\"" EDGE_CDN_SECRET "\")) {\n"
        "            return (synth(403));\n"
        "        }\n"
        "        # Varnish has put the peer's address behind what the peer wrote.\n"
        "        if (req.http.X-Forwarded-For ~ \",\") {\n"
        "            set req.http.Edge-Client = regsub(req.http.X-Forwarded-For,\n"
        "                \"^(.*,)? *([0-9A-Fa-f:.]+) *,[^,]*$\", \"\\2\");\n"
        "        }\n"
        "        if (req.http.X-Edge-Country ~ \"^[A-Z][A-Z];\") {\n"
        "            set req.http.Edge-Country = regsub(req.http.X-Edge-Country, \";.*$\", \"\");\n"
        "        }\n"
        "    } else {\n"
        "        unset req.http.X-Edge-Country;\n"
        "        unset req.http.X-Overround-Country;\n"
        "    }\n"
        "    if (req.http.Edge-Client !~ \"^[0-9A-Fa-f:.]+$\") {\n"
        "        set req.http.Edge-Client = client.ip;\n"
        "    }\n"));
}

/* The countries that are refused, as a condition on Edge-Country. */
static void put_refused(struct buf *vcl, const struct edge_policy *policy)
{
    bool elsewhere = policy->countries.elsewhere == EDGE_REFUSED;
    const struct edge_words *named = elsewhere ? &policy->allowed : &policy->refused;
    bool with_unknown = (policy->countries.unknown == EDGE_REFUSED) != elsewhere;

    buf_printf(vcl, "    if (req.http.Edge-Country %s \"^(", elsewhere ? "!~" : "~");
    put_any_of(vcl, named);
    if (with_unknown)
        buf_printf(vcl, "%sXX", named->n > 0 ? "|" : "");
    buf_str(vcl, STR(")$\") {\n        set req.http.Edge-Refused = \"1\";\n    }\n"));
}

static const char *const taken[] = {
    "Edge-Client", "Edge-Network", "Edge-Country", "Edge-Refused", "Edge-Abroad", "Edge-Path",
    "Edge-Query", "Edge-Kept", "Edge-Caching", "Edge-Rate", "Edge-Body", "Edge-Allow",
    "Edge-Retry", "Edge-Release", "Edge-Stale", "Edge-Bucket", "Edge-Id",
};

/* What some servers take for another method, path or host, and this edge does not. */
static const char *const foreign[] = {
    "Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port",
    "X-Forwarded-Prefix", "X-Forwarded-Server", "X-Host", "X-Original-URL", "X-Rewrite-URL",
    "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Real-IP", "Proxy",
    "Surrogate-Capability", "Range", "If-Range",
};

static void put_unsets(struct buf *vcl, const char *from, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_printf(vcl, "    unset %s.http.%s;\n", from, names[i]);
}

static bool put_who(struct buf *vcl, const struct edge_policy *policy, struct edge_out *out)
{
    buf_str(vcl, STR("# Who asks, and from where.\nsub edge_who {\n"));
    put_unsets(vcl, "req", taken, LENGTH(taken));
    put_unsets(vcl, "req", foreign, LENGTH(foreign));
    buf_str(vcl, STR("    set req.http.Edge-Id = req.http.X-Request-Id;\n"
                     "    if (req.http.Edge-Id !~ \"^[A-Za-z0-9._~:+/=@-]{1,64}$\") {\n"
                     "        set req.http.Edge-Id = \"edge-\" + req.xid;\n"
                     "    }\n"
                     "    set req.http.X-Request-Id = req.http.Edge-Id;\n"
                     "    set req.http.Edge-Client = client.ip;\n"
                     "    set req.http.Edge-Country = \"XX\";\n"));
    if (policy->cdn.networks.n > 0)
        put_trusted(vcl);
    else
        buf_str(vcl, STR("    unset req.http.X-Edge-Country;\n"
                         "    unset req.http.X-Overround-Country;\n"));
    buf_str(vcl, STR("    unset req.http.X-Overround-Edge; # not for the origin\n"
                     "    set req.http.X-Forwarded-For = req.http.Edge-Client;\n"));
    if (!put_network(vcl, policy, out))
        return false;
    put_refused(vcl, policy);
    buf_str(vcl, STR("}\n\n"));
    return true;
}

static void put_bots(struct buf *vcl, const struct edge_policy *policy)
{
    if (policy->bots.unnamed == EDGE_REFUSED)
        buf_str(vcl, STR("    if (!req.http.User-Agent || req.http.User-Agent == \"\") {\n"
                         "        return (synth(403));\n    }\n"));
    if (policy->bots.agents.n == 0)
        return;
    buf_str(vcl, STR("    if (req.http.User-Agent ~ \"(?i)("));
    put_any_of(vcl, &policy->bots.agents);
    buf_str(vcl, STR(")\") {\n        return (synth(403));\n    }\n"));
}

/* ---- what is asked ---------------------------------------------------------------- */

/* One parameter of those a route reads: its first value, as the server takes it. */
static void put_parameter(struct buf *vcl, struct str name)
{
    buf_printf(vcl, "            if (req.http.Edge-Query ~ \"&" STR_FMT "=\") {\n"
               "                set req.http.Edge-Kept = req.http.Edge-Kept + \"&" STR_FMT "=\" +\n"
               "                    regsub(req.http.Edge-Query, \"^.*?&" STR_FMT
               "=([^&]*).*$\", \"\\1\");\n            }\n",
               STR_ARG(name), STR_ARG(name), STR_ARG(name));
}

static void put_query(struct buf *vcl, struct str words)
{
    while (words.n > 0)
        put_parameter(vcl, text_until(&words, ' '));
}

static void put_route(struct buf *vcl, const struct route *route, bool first)
{
    bool is_get = str_eq(route->method, STR("GET"));

    buf_printf(vcl, " %s(req.method == \"" STR_FMT "\"%s) {\n", first ? "       if " : "elsif ",
               STR_ARG(route->method), is_get ? " || req.method == \"HEAD\"" : "");
    buf_printf(vcl, "            set req.http.Edge-Caching = \"%s\";\n"
               "            set req.http.Edge-Rate = \"" STR_FMT "\";\n"
               "            set req.http.Edge-Body = \"%zu\";\n",
               caching_info(route->caching)->name, STR_ARG(rate_info(route->rate)->name),
               route->body_max);
    if (route->is_abroad)
        buf_str(vcl, STR("            set req.http.Edge-Abroad = \"1\";\n"));
    put_query(vcl, route->query);
    if (route->body_max > 0)
        buf_printf(vcl, "            if (std.integer(req.http.Content-Length, 0) > %zu ||\n"
                   "                !std.cache_req_body(%zuB)) {\n"
                   "                return (synth(413));\n            }\n",
                   route->body_max, route->body_max);
    buf_str(vcl, STR("        }"));
}

static void put_path(struct buf *vcl, const struct edge_path *path, bool first)
{
    buf_printf(vcl, "    %s (req.http.Edge-Path ", first ? "if" : "elsif");
    if (path->has_part) {
        buf_str(vcl, STR("~ \""));
        edge_regex(vcl, path);
    } else {
        buf_printf(vcl, "== \"" STR_FMT, STR_ARG(path->pattern));
    }
    buf_str(vcl, STR("\") {\n"));
    for (size_t i = 0; i < path->n_routes; i++)
        put_route(vcl, path->routes[i], i == 0);
    buf_printf(vcl, " else {\n            set req.http.Edge-Allow = \"" STR_FMT "\";\n"
               "            return (synth(405));\n        }\n    }", STR_ARG(path->allow));
}

static void put_routes(struct buf *vcl, const struct edge_policy *policy)
{
    buf_str(vcl, STR("# Which route it is, and what that says.\nsub edge_route {\n"
                     "    set req.url = regsub(req.url, \"(?i)^https?://[^/?#]*\", \"\");\n"
                     "    set req.url = regsub(req.url, \"#.*$\", \"\");\n"
                     "    set req.http.Edge-Path = regsub(req.url, \"\\?.*$\", \"\");\n"
                     "    set req.http.Edge-Query = \"\";\n"
                     "    set req.http.Edge-Kept = \"\";\n"
                     "    if (req.url ~ \"\\?\") {\n"
                     "        set req.http.Edge-Query = regsub(req.url, \"^[^?]*\\?\", \"&\");\n"
                     "    }\n"));
    for (size_t i = 0; i < policy->n_paths; i++) {
        put_path(vcl, &policy->paths[i], i == 0);
        buf_char(vcl, ' ');
    }
    buf_str(vcl, STR("else {\n        return (synth(404));\n    }\n"
                     "    if (req.http.Edge-Body == \"0\" && (req.http.Transfer-Encoding ||\n"
                     "        std.integer(req.http.Content-Length, 0) > 0)) {\n"
                     "        return (synth(413));\n    }\n"
                     "    set req.url = req.http.Edge-Path;\n"
                     "    if (req.http.Edge-Kept != \"\") {\n"
                     "        set req.url = req.url + regsub(req.http.Edge-Kept, \"^&\", \"?\");\n"
                     "    }\n}\n\n"));
}

/* ---- how often ---------------------------------------------------------------------- */

/* A bucket of `burst` that fills at so many a minute. */
static void put_denied(struct buf *vcl, struct str class, const char *what, int64_t burst,
                       int64_t per_minute)
{
    buf_printf(vcl, "            vsthrottle.is_denied(\"" STR_FMT ":\" + req.http.Edge-%s, %lld,"
               " %lld.%03llds)", STR_ARG(class), what, (long long)burst,
               (long long)(burst * 60 / per_minute),
               (long long)(burst * 60000 / per_minute % 1000));
}

/* Log-ins that failed, of an address or a network. */
static void put_failures(struct buf *vcl, const struct edge_stuffing *stuffing, const char *call,
                         const char *what, int64_t most)
{
    buf_printf(vcl, "vsthrottle.%s(\"failed:\" + req.http.Edge-%s, %lld, %llds, %llds)", call, what,
               (long long)most, (long long)stuffing->window_s, (long long)stuffing->ban_s);
}

static void put_stuffing(struct buf *vcl, const struct edge_stuffing *stuffing)
{
    buf_printf(vcl, "    if (req.http.Edge-Rate == \"" STR_FMT "\" && (\n        ",
               STR_ARG(rate_info(RATE_OF_LOGIN)->name));
    put_failures(vcl, stuffing, "blocked", "Client", stuffing->per_address);
    buf_str(vcl, STR(" > 0s ||\n        "));
    put_failures(vcl, stuffing, "blocked", "Network", stuffing->per_network);
    buf_printf(vcl, " > 0s)) {\n        set req.http.Edge-Retry = \"%lld\";\n"
               "        return (synth(429));\n    }\n", (long long)stuffing->ban_s);
}

static void put_rates(struct buf *vcl, const struct edge_policy *policy)
{
    buf_str(vcl, STR("# How often.\nsub edge_rate {\n"));
    put_stuffing(vcl, &policy->stuffing);
    for (enum rate_class class = 0; class < RATE_CLASSES; class++) {
        const struct edge_rate *rate = &policy->rates[class];
        struct str name = rate_info(class)->name;

        if (!rate_info(class)->is_at_edge)
            continue;
        buf_printf(vcl, "    if (req.http.Edge-Rate == \"" STR_FMT "\") {\n        if (\n",
                   STR_ARG(name));
        put_denied(vcl, name, "Client", rate->burst, rate->per_address);
        buf_str(vcl, STR(" ||\n"));
        put_denied(vcl, name, "Network", rate->burst * 10, rate->per_network);
        buf_printf(vcl, ") {\n            set req.http.Edge-Retry = \"%lld\";\n"
                   "            return (synth(429));\n        }\n    }\n",
                   (long long)((59 + rate->per_address) / rate->per_address));
    }
    buf_str(vcl, STR("}\n\n"));
}

/* ---- what goes where ------------------------------------------------------------------ */

static void put_release(struct buf *vcl, const struct edge_canary *canary)
{
    buf_str(vcl, STR("# Which release.\nsub edge_release {\n"
                     "    set req.backend_hint = stable.backend();\n"
                     "    set req.http.Edge-Release = \"stable\";\n"));
    if (canary->percent > 0) {
        buf_printf(vcl, "    set req.http.Edge-Bucket = share.key(req.http.Edge-Client) -\n"
                   "        share.key(req.http.Edge-Client) / 100 * 100;\n"
                   "    if (std.integer(req.http.Edge-Bucket, 0) < %lld) {\n"
                   "        set req.http.Edge-Release = \"canary\";\n    }\n",
                   (long long)canary->percent);
        if (canary->sticky == EDGE_BY_COOKIE)
            buf_printf(vcl, "    if (req.http.Cookie ~ \"(^|; ?)" STR_FMT "=(stable|canary)(;|$)\")"
                       " {\n        set req.http.Edge-Release = regsub(req.http.Cookie,\n"
                       "            \"^(?:.*; ?)?" STR_FMT "=(stable|canary)(?:;.*)?$\","
                       " \"\\1\");\n    }\n", STR_ARG(canary->cookie), STR_ARG(canary->cookie));
        buf_str(vcl, STR("    if (req.http.Edge-Release == \"canary\") {\n"
                         "        set req.backend_hint = canary.backend();\n    }\n"));
    }
    buf_str(vcl, STR("}\n\n"));
}

/* An object that is too old is given only while its origin is away; how old is too
 * old, by caching.  A fifth of a second less than the server says: the copy is under
 * way, too. */
static void put_grace(struct buf *vcl)
{
    for (enum caching caching = 0; caching < CACHINGS; caching++) {
        const struct caching_info *info = caching_info(caching);
        int grace_ms = info->stale_while_revalidate_s * 1000 - 200;

        if (!info->is_kept)
            continue;
        buf_printf(vcl, "        if (req.http.Edge-Caching == \"%s\") {\n"
                   "            set req.grace = %d.%03ds;\n        }\n", info->name,
                   grace_ms < 0 ? 0 : grace_ms / 1000, grace_ms < 0 ? 0 : grace_ms % 1000);
    }
}

static void put_kept(struct buf *vcl, const char *between)
{
    bool first = true;

    for (enum caching caching = 0; caching < CACHINGS; caching++) {
        if (!caching_info(caching)->is_kept)
            continue;
        buf_printf(vcl, "%s%s", first ? "" : between, caching_info(caching)->name);
        first = false;
    }
}

static void put_recv(struct buf *vcl, const struct edge_policy *policy)
{
    buf_str(vcl, STR("sub vcl_recv {\n"
                     "    if (req.restarts == 0) {\n        call edge_who;\n    }\n"));
    buf_str(vcl, STR("    if (req.http.Host !~ \"(?i)^("));
    put_escaped(vcl, policy->hostnames.public);
    buf_char(vcl, '|');
    put_escaped(vcl, policy->hostnames.direct);
    buf_printf(vcl, ")(:[0-9]+)?$\") {\n        return (synth(404));\n    }\n"
               "    set req.http.Host = \"" STR_FMT "\";\n", STR_ARG(policy->hostnames.public));
    put_bots(vcl, policy);
    buf_str(vcl, STR("    if (req.restarts == 0) {\n"
                     "        call edge_route;\n"
                     "        if (req.http.Edge-Refused && !req.http.Edge-Abroad) {\n"
                     "            return (synth(451));\n        }\n"
                     "        call edge_rate;\n"
                     "    }\n"
                     "    call edge_release;\n"
                     "    if (req.http.Edge-Caching == \"STREAM\") {\n"
                     "        if (req.http.Upgrade ~ \"(?i)^websocket$\") {\n"
                     "            return (pipe);\n        }\n        return (pass);\n    }\n"));
    buf_str(vcl, STR("    if (req.http.Edge-Caching !~ \"^("));
    put_kept(vcl, "|");
    buf_str(vcl, STR(")$\") {\n        return (pass);\n    }\n"
                     "    unset req.http.Authorization;\n    unset req.http.Cookie;\n"
                     "    if (std.healthy(req.backend_hint) && !req.http.Edge-Stale) {\n"));
    put_grace(vcl);
    buf_str(vcl, STR("    }\n    return (hash);\n}\n\n"));
}

static void put_fetch(struct buf *vcl)
{
    buf_str(vcl, STR("sub vcl_hash {\n    hash_data(req.url);\n"
                     "    hash_data(req.http.Edge-Release);\n    return (lookup);\n}\n\n"
                     "sub vcl_pipe {\n"
                     "    set bereq.http.Connection = req.http.Connection;\n"
                     "    set bereq.http.Upgrade = req.http.Upgrade;\n"));
    put_unsets(vcl, "bereq", taken, LENGTH(taken));
    buf_str(vcl, STR("    return (pipe);\n}\n\nsub vcl_backend_fetch {\n"));
    put_unsets(vcl, "bereq", taken, LENGTH(taken));
    buf_str(vcl, STR("    if (!bereq.uncacheable) {\n"
                     "        set bereq.first_byte_timeout = 1s; # then an old one, if any\n"
                     "    }\n}\n\n"));
}

static void put_keeping(struct buf *vcl, const struct edge_path *path)
{
    const struct caching_info *info = caching_info(path->routes[0]->caching);

    buf_str(vcl, STR("    if (bereq.url ~ \""));
    edge_regex(vcl, path);
    vcl->n--; /* the $: a query may follow */
    buf_printf(vcl, "(\\?|$)\") { # %s\n        set beresp.ttl = %ds;\n"
               "        set beresp.grace = %ds;\n    }\n", info->name, info->s_maxage_s,
               info->stale_if_error_s);
}

/* A route that is kept has one method, GET. */
static bool is_kept(const struct edge_path *path)
{
    return path->n_routes == 1 && caching_info(path->routes[0]->caching)->is_kept;
}

static void put_response(struct buf *vcl, const struct edge_policy *policy)
{
    buf_str(vcl, STR(
        "# What moves money is sent again by its key alone: it is done once.\n"
        "sub edge_again {\n"
        "    if (bereq.retries == 0 && (bereq.method == \"GET\" || bereq.method == \"HEAD\" ||\n"
        "        bereq.http.Idempotency-Key)) {\n"
        "        return (retry);\n    }\n}\n\n"
        "sub vcl_backend_response {\n"
        "    if (beresp.status == 502 || beresp.status == 503 || beresp.status == 504) {\n"
        "        if (bereq.is_bgfetch) {\n            return (abandon);\n        }\n"
        "        call edge_again;\n    }\n"
        "    if (bereq.uncacheable) {\n"
        "        set beresp.uncacheable = true;\n        return (deliver);\n    }\n"
        "    if (beresp.status != 200 || beresp.http.Cache-Control !~ \"public\" ||\n"
        "        beresp.http.Cache-Control ~ \"no-store|private\") {\n"
        "        if (bereq.is_bgfetch && beresp.status >= 500) {\n"
        "            return (abandon);\n        }\n"
        "        set beresp.ttl = 1s;\n        set beresp.grace = 0s;\n"
        "        set beresp.uncacheable = true;\n        return (deliver);\n    }\n"
        "    unset beresp.http.Set-Cookie;\n"));
    for (size_t i = 0; i < policy->n_paths; i++)
        if (is_kept(&policy->paths[i]))
            put_keeping(vcl, &policy->paths[i]);
    buf_str(vcl, STR(
        "    if (beresp.http.Content-Type ~ \"json|html|javascript|css|svg\") {\n"
        "        set beresp.do_gzip = true; # once, for all who read it\n    }\n"
        "    return (deliver);\n}\n\n"
        "sub vcl_backend_error {\n"
        "    if (bereq.is_bgfetch) {\n        return (abandon);\n    }\n"
        "    call edge_again;\n"
        "    set beresp.ttl = 0s;\n    set beresp.grace = 0s;\n"
        "    set beresp.http.Content-Type = \"" EDGE_PROBLEM_TYPE "\";\n"
        "    set beresp.http.Cache-Control = \"no-store\";\n"
        "    set beresp.http.Retry-After = \"1\";\n"
        "    synthetic(\"\"\""));
    edge_problem(vcl, 503);
    buf_str(vcl, STR("\"\"\");\n    return (deliver);\n}\n\n"));
}

static void put_deliver(struct buf *vcl, const struct edge_policy *policy)
{
    buf_str(vcl, STR("sub edge_headers {\n"
                     "    unset resp.http.Via;\n    unset resp.http.X-Varnish;\n"
                     "    set resp.http.X-Request-Id = req.http.Edge-Id;\n"));
    if (policy->tls.hsts_s > 0)
        buf_printf(vcl, "    set resp.http.Strict-Transport-Security = \"max-age=%lld\";\n",
                   (long long)policy->tls.hsts_s);
    buf_str(vcl, STR("}\n\nsub vcl_deliver {\n    if (resp.status >= 500 && req.restarts == 0 &&"
                     " req.http.Edge-Caching ~ \"^("));
    put_kept(vcl, "|");
    buf_str(vcl, STR(")$\") {\n        set req.http.Edge-Stale = \"1\"; # an old one, if there is"
                     " one\n        return (restart);\n    }\n"));
    buf_printf(vcl, "    if (req.http.Edge-Rate == \"" STR_FMT "\" && resp.status == 401 && (\n"
               "        ", STR_ARG(rate_info(RATE_OF_LOGIN)->name));
    put_failures(vcl, &policy->stuffing, "is_denied", "Client", policy->stuffing.per_address);
    buf_str(vcl, STR(" ||\n        "));
    put_failures(vcl, &policy->stuffing, "is_denied", "Network", policy->stuffing.per_network);
    buf_str(vcl, STR(")) {\n        std.log(\"edge: log-ins fail from \" + req.http.Edge-Client);\n"
                     "    }\n"));
    if (policy->canary.percent > 0 && policy->canary.sticky == EDGE_BY_COOKIE)
        buf_printf(vcl, "    if (req.http.Edge-Caching == \"NEVER\") {\n"
                   "        set resp.http.Set-Cookie = \"" STR_FMT "=\" + req.http.Edge-Release +\n"
                   "            \"; Path=/; Max-Age=86400; Secure; HttpOnly; SameSite=Lax\";\n"
                   "    }\n", STR_ARG(policy->canary.cookie));
    buf_str(vcl, STR("    if (obj.hits > 0) {\n        set resp.http.X-Cache = \"HIT\";\n"
                     "    } else {\n        set resp.http.X-Cache = \"MISS\";\n    }\n"
                     "    call edge_headers;\n    return (deliver);\n}\n\n"));
}

static const int said[] = { 403, 404, 405, 413, 429, 451 };

static void put_synth(struct buf *vcl)
{
    buf_str(vcl, STR("sub vcl_synth {\n    call edge_headers;\n"
                     "    set resp.http.Content-Type = \"" EDGE_PROBLEM_TYPE "\";\n"
                     "    set resp.http.Cache-Control = \"no-store\";\n"));
    for (size_t i = 0; i < LENGTH(said); i++) {
        buf_printf(vcl, "    if (resp.status == %d) {\n", said[i]);
        if (said[i] == 405)
            buf_str(vcl, STR("        set resp.http.Allow = req.http.Edge-Allow;\n"));
        if (said[i] == 413)
            buf_str(vcl, STR("        set resp.http.Connection = \"close\";\n"));
        if (said[i] == 429)
            buf_str(vcl, STR("        set resp.http.Retry-After = req.http.Edge-Retry;\n"
                             "        set resp.http.RateLimit-Remaining = \"0\";\n"
                             "        set resp.http.RateLimit-Reset = req.http.Edge-Retry;\n"));
        buf_str(vcl, STR("        synthetic(\"\"\""));
        edge_problem(vcl, said[i]);
        buf_str(vcl, STR("\"\"\");\n        return (deliver);\n    }\n"));
    }
    buf_str(vcl, STR("    synthetic(\"\"\""));
    edge_problem(vcl, 503);
    buf_str(vcl, STR("\"\"\");\n    return (deliver);\n}\n"));
}

/* ---- beside the VCL ------------------------------------------------------------------- */

/* One argument of varnishd a line. */
static void put_arguments(struct buf *args, const struct edge_policy *policy)
{
    const struct edge_node *node = &policy->node;

    if (node->certificate.n > 0)
        buf_printf(args, "-a\n" STR_FMT "/varnish.sock,PROXY,mode=660\n", STR_ARG(node->run));
    else
        buf_printf(args, "-a\n" STR_FMT ":%lld\n", STR_ARG(node->listen), (long long)node->port);
    buf_printf(args, "-s\nmalloc,%lldM\n", (long long)node->cache_mb);
    buf_printf(args, "-p\ntimeout_idle=%lld\n", (long long)policy->connections.idle_s);
    buf_printf(args, "-p\nidle_send_timeout=%lld\n", (long long)policy->connections.body_s);
    buf_printf(args, "-p\nhttp_req_hdr_len=%d\n", LIMIT_HEADER_BYTES);
    buf_str(args, STR("-p\npipe_timeout=3600\n"));
}

static bool needs_tls(const struct edge_policy *policy)
{
    bool needs = policy->node.certificate.n > 0;

    for (size_t i = 0; i < policy->n_origins; i++)
        needs = needs || (policy->origins[i].tls && is_asked(policy, &policy->origins[i]));
    return needs;
}

/* An origin that wants TLS, behind a socket; its certificate must be its own. */
static void put_tunnel(struct buf *cfg, const struct edge_policy *policy,
                       const struct edge_origin *origin)
{
    buf_printf(cfg, "\nlisten origin-" STR_FMT "\n    bind unix@" STR_FMT "/origin-" STR_FMT
               ".sock mode 660\n", STR_ARG(origin->name), STR_ARG(policy->node.run),
               STR_ARG(origin->name));
    buf_printf(cfg, "    default-server ssl verify required ca-file"
               " /etc/ssl/certs/ca-certificates.crt\n"
               "    default-server resolvers dns init-addr last,libc,none\n"
               "    server " STR_FMT " " STR_FMT ":%lld sni str(" STR_FMT ") verifyhost " STR_FMT
               "\n", STR_ARG(origin->name),
               STR_ARG(origin->host), (long long)origin->port, STR_ARG(origin->host),
               STR_ARG(origin->host));
}

static void put_tls(struct buf *cfg, const struct edge_policy *policy)
{
    const struct edge_node *node = &policy->node;

    edge_head(cfg, "#", "varnish", "checked (haproxy -c)");
    buf_printf(cfg, "# TLS for Varnish, which has none: customers' before it, origins' behind it.\n"
               "defaults\n    mode tcp\n    timeout connect 2s\n"
               "    timeout client 75s\n    timeout server 75s\n    timeout tunnel 1h\n\n"
               "resolvers dns\n    parse-resolv-conf\n    hold valid 10s\n");
    if (node->certificate.n > 0)
        buf_printf(cfg, "\nfrontend customers\n    bind " STR_FMT ":%lld ssl crt " STR_FMT
                   " alpn http/1.1 ssl-min-ver TLSv%s\n    default_backend varnish\n\n"
                   "backend varnish\n    server varnish unix@" STR_FMT "/varnish.sock"
                   " send-proxy-v2\n", STR_ARG(node->listen), (long long)node->port,
                   STR_ARG(node->certificate), policy->tls.minimum == EDGE_TLS_1_3 ? "1.3" : "1.2",
                   STR_ARG(node->run));
    for (size_t i = 0; i < policy->n_origins; i++)
        if (policy->origins[i].tls && is_asked(policy, &policy->origins[i]))
            put_tunnel(cfg, policy, &policy->origins[i]);
}

bool edge_varnish(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *vcl = edge_open(out, "edge.vcl");

    buf_str(vcl, STR("vcl 4.1;\n"));
    edge_head(vcl, "#", "varnish", "run (tests/edge/varnish_test.js)");
    buf_str(vcl, STR("import directors;\nimport std;\nimport vsthrottle;\n\n"));
    put_origins(vcl, policy);
    put_acl(vcl, &policy->cdn.networks);
    if (!put_who(vcl, policy, out))
        return false;
    put_routes(vcl, policy);
    put_rates(vcl, policy);
    put_release(vcl, &policy->canary);
    put_recv(vcl, policy);
    put_fetch(vcl);
    put_response(vcl, policy);
    put_deliver(vcl, policy);
    put_synth(vcl);
    put_arguments(edge_open(out, "varnishd.args"), policy);
    if (needs_tls(policy))
        put_tls(edge_open(out, "tls.cfg"), policy);
    return true;
}
