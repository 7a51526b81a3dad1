/*
 * Bunny: a pull zone (POST /pullzone/ID) and its edge rules (POST
 * /pullzone/ID/edgerules/addOrUpdate, one each), in the shape of its API.
 *
 * Bunny has no program at the edge here, so it signs no country: the server takes
 * bets and registrations only where an edge node of ours stands behind it.  It
 * counts by address and second, not by class.
 */
#include "edge/cdn.h"

#define JSON_BYTES ((size_t)256 * 1024)

/* The API's numbers (docs.bunny.net: Edge Rules). */
enum action { OVERRIDE_CACHE_TIME = 3, BLOCK = 4, SET_RESPONSE_HEADER = 5, SET_STATUS = 14 };
enum trigger { BY_URL = 0, BY_REQUEST_HEADER = 1, BY_COUNTRY = 4, BY_METHOD = 9 };
enum matching { ANY = 0, ALL = 1, NONE = 2 };

static void open_rule(struct buf *json, enum action action, const char *one, const char *two,
                      const char *description)
{
    cdn_comma(json);
    cdn_json(json, "{'ActionType':%d,'ActionParameter1':'%s','ActionParameter2':'%s',"
             "'Description':'%s','Enabled':true,'TriggerMatchingType':%d,'Triggers':[", (int)action,
             one, two, description, (int)ALL);
}

static void open_trigger(struct buf *json, enum trigger trigger, enum matching matching,
                         const char *parameter)
{
    cdn_comma(json);
    cdn_json(json, "{'Type':%d,'PatternMatchingType':%d,'Parameter1':'%s','PatternMatches':[",
             (int)trigger, (int)matching, parameter);
}

/* A status by itself: the block would be 403. */
static void close_rule(struct buf *json, int status)
{
    cdn_json(json, "]");
    if (status != 0)
        cdn_json(json, ",'ExtraActions':[{'ActionType':%d,'ActionParameter1':'%d'}]",
                 (int)SET_STATUS, status);
    cdn_json(json, "}");
}

/* With any query: a star at the end takes that, too. */
static void put_url(struct buf *json, const struct edge_policy *policy,
                    const struct edge_path *path)
{
    bool is_open = path->has_part && path->after.n == 0;

    for (int i = 0; i < (is_open ? 1 : 2); i++) {
        cdn_comma(json);
        cdn_json(json, "'https://" STR_FMT STR_FMT "%s" STR_FMT "%s'",
                 STR_ARG(policy->hostnames.public), STR_ARG(path->before),
                 path->has_part ? "*" : "", STR_ARG(path->after), i == 0 ? "" : "?*");
    }
}

/* ---- who may not ------------------------------------------------------------------- */

static void put_paths_rule(struct buf *json, const struct edge_policy *policy)
{
    open_rule(json, BLOCK, "", "", "what is no path of the public listener");
    open_trigger(json, BY_URL, NONE, "");
    for (size_t i = 0; i < policy->n_paths; i++)
        put_url(json, policy, &policy->paths[i]);
    cdn_json(json, "]}");
    close_rule(json, 404);
}

/* Of paths alone: which of its methods are open to people abroad the server knows. */
static bool is_abroad(const struct edge_path *path)
{
    for (size_t i = 0; i < path->n_routes; i++)
        if (path->routes[i]->is_abroad)
            return true;
    return false;
}

static void put_countries_rule(struct buf *json, const struct edge_policy *policy)
{
    bool elsewhere = policy->countries.elsewhere == EDGE_REFUSED;
    const struct edge_words *listed = elsewhere ? &policy->allowed : &policy->refused;

    if (!elsewhere && listed->n == 0)
        return;
    open_rule(json, BLOCK, "", "", "countries from which the house takes no bets");
    open_trigger(json, BY_COUNTRY, elsewhere ? NONE : ANY, "");
    for (size_t i = 0; i < listed->n; i++) {
        cdn_comma(json);
        cdn_json(json, "'" STR_FMT "'", STR_ARG(listed->items[i]));
    }
    cdn_json(json, "]}");
    open_trigger(json, BY_URL, NONE, "");
    for (size_t i = 0; i < policy->n_paths; i++)
        if (is_abroad(&policy->paths[i]))
            put_url(json, policy, &policy->paths[i]);
    cdn_json(json, "]}");
    close_rule(json, 451);
}

static void put_bots_rule(struct buf *json, const struct edge_policy *policy)
{
    if (policy->bots.agents.n == 0)
        return;
    open_rule(json, BLOCK, "", "", "programs that are refused");
    open_trigger(json, BY_REQUEST_HEADER, ANY, "User-Agent");
    for (size_t i = 0; i < policy->bots.agents.n; i++) {
        cdn_comma(json);
        cdn_json(json, "'*" STR_FMT "*'", STR_ARG(policy->bots.agents.items[i]));
    }
    cdn_json(json, "]}");
    close_rule(json, 403);
}

/* ---- what is kept ---------------------------------------------------------------------- */

/* Bunny obeys the server's Cache-Control; this is for an answer without one. */
static void put_never_rule(struct buf *json, const struct edge_policy *policy)
{
    open_rule(json, OVERRIDE_CACHE_TIME, "0", "", "money and streams are kept nowhere");
    open_trigger(json, BY_URL, ANY, "");
    for (size_t i = 0; i < policy->n_paths; i++)
        if (!cdn_caching(&policy->paths[i])->is_kept)
            put_url(json, policy, &policy->paths[i]);
    cdn_json(json, "]}");
    close_rule(json, 0);
}

static void put_header_rule(struct buf *json, const struct edge_policy *policy, const char *name,
                            const char *value)
{
    open_rule(json, SET_RESPONSE_HEADER, name, value, name);
    open_trigger(json, BY_URL, ANY, "");
    cdn_json(json, "'https://" STR_FMT "/*']}", STR_ARG(policy->hostnames.public));
    close_rule(json, 0);
}

static void put_rules(struct buf *json, const struct edge_policy *policy)
{
    char age[64];

    cdn_json(json, "'EdgeRules':[");
    put_bots_rule(json, policy);
    put_paths_rule(json, policy);
    put_countries_rule(json, policy);
    put_never_rule(json, policy);
    (void)snprintf(age, sizeof(age), "max-age=%lld", (long long)policy->tls.hsts_s);
    if (policy->tls.hsts_s > 0)
        put_header_rule(json, policy, "Strict-Transport-Security", age);
    cdn_json(json, "]");
}

static void put_queries(struct buf *json, const struct edge_policy *policy)
{
    cdn_json(json, "'QueryStringVaryParameters':[");
    for (size_t i = 0; i < policy->n_paths; i++) {
        struct str words, word;

        if (!cdn_caching(&policy->paths[i])->is_kept)
            continue;
        words = cdn_get(&policy->paths[i])->query;
        while (cdn_next_word(&words, &word)) {
            cdn_comma(json);
            cdn_json(json, "'" STR_FMT "'", STR_ARG(word));
        }
    }
    cdn_json(json, "],");
}

static void put_zone(struct buf *json, const struct edge_policy *policy,
                     const struct edge_origin *origin)
{
    const struct edge_rate *read = &policy->rates[RATE_OF_READ];

    cdn_json(json, "'PullZone':{'OriginUrl':'%s://" STR_FMT ":%lld','AddHostHeader':false,"
             "'VerifyOriginSSL':%s,", origin->tls ? "https" : "http", STR_ARG(origin->host),
             (long long)origin->port, origin->tls ? "true" : "false");
    put_queries(json, policy);
    cdn_json(json, "'IgnoreQueryStrings':false,'EnableQueryStringOrdering':true,"
             "'CacheControlMaxAgeOverride':-1,'CacheControlPublicMaxAgeOverride':-1,"
             "'CacheErrorResponses':false,'EnableSmartCache':false,'DisableCookies':false,"
             "'UseStaleWhileUpdating':true,'UseStaleWhileOffline':true,"
             "'EnableRequestCoalescing':true,'RequestCoalescingTimeout':5,"
             "'OriginConnectTimeout':3,'OriginResponseTimeout':60,'OriginRetries':0,"
             "'FollowRedirects':false,'EnableTLS1':false,'EnableTLS11':false,"
             "'ConnectionLimitPerIPCount':%lld,'RequestLimit':%lld,'BurstSize':%lld,"
             "'LoggingIPAnonymizationEnabled':true}",
             (long long)policy->connections.per_address, (long long)(read->per_address + 59) / 60,
             (long long)read->burst);
}

bool edge_bunny(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *file = edge_open(out, "bunny.json");
    const struct edge_origin *origin;
    struct buf json;
    size_t at = 0;

    origin = edge_next_origin(policy, EDGE_STABLE, &at);
    if (origin == NULL)
        return edge_fault(out, "there is no origin of the stable release");
    buf_init(&json, JSON_BYTES);
    cdn_json(&json, "{'comment':'Written by `overround edge --for bunny`. Not run: names checked "
             "against bunny-sdk. Bunny signs no country and knows no canary: an edge node of ours "
             "stands behind it, or new bets are refused.',");
    put_zone(&json, policy, origin);
    cdn_json(&json, ",");
    put_rules(&json, policy);
    cdn_json(&json, "}");
    CHECK(!json.overflow);
    cdn_pretty(file, buf_view(&json));
    buf_fini(&json);
    return true;
}
