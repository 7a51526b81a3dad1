/*
 * Akamai: the rule tree of a property (PUT /papi/v1/properties/ID/versions/N/rules).
 * Criteria and behaviours as techdocs.akamai.com/property-mgr has them in the rule
 * format below; rules are taken in their order, and what comes later wins.
 *
 * The tree signs no country, so the server takes bets and registrations only where
 * an edge node of ours stands behind it; it has one origin, for a release under
 * trial is that node's affair, too.  Rates and bots are Akamai's App & API Protector.
 */
#include "base/json.h"
#include "edge/cdn.h"

#define JSON_BYTES ((size_t)256 * 1024)
#define RULE_FORMAT "v2025-07-07"

static void open_rule(struct buf *json, const char *name, const char *satisfy)
{
    cdn_comma(json);
    cdn_json(json, "{'name':'%s','children':[],'criteriaMustSatisfy':'%s','criteria':[", name,
             satisfy);
}

static void open_paths(struct buf *json, const char *operator)
{
    cdn_comma(json);
    cdn_json(json, "{'name':'path','options':{'matchOperator':'%s','matchCaseSensitive':true,"
             "'normalize':false,'values':[", operator);
}

static void put_path(struct buf *json, const struct edge_path *path)
{
    cdn_comma(json);
    cdn_json(json, "'" STR_FMT "%s" STR_FMT "'", STR_ARG(path->before), path->has_part ? "*" : "",
             STR_ARG(path->after));
}

/* constructResponse: the body as a JSON text in a JSON text. */
static void put_response(struct buf *json, int status)
{
    struct jw w = jw_to(json);
    struct buf problem;

    buf_init(&problem, 4096);
    edge_problem(&problem, status);
    cdn_json(json, "'behaviors':[{'name':'constructResponse','options':{'enabled':true,"
             "'responseCode':%d,'forceEviction':false,'ignorePurge':false,'body':", status);
    jw_str(&w, buf_view(&problem));
    cdn_json(json, "}},{'name':'modifyOutgoingResponseHeader','options':{'action':'MODIFY',"
             "'standardModifyHeaderName':'CONTENT_TYPE',"
             "'newHeaderValue':'" EDGE_PROBLEM_TYPE "','avoidDuplicateHeaders':true}}]}");
    buf_fini(&problem);
}

/* ---- rules -------------------------------------------------------------------------- */

static void put_unknown(struct buf *json, const struct edge_policy *policy)
{
    open_rule(json, "What is no path of the public listener", "all");
    open_paths(json, "DOES_NOT_MATCH_ONE_OF");
    for (size_t i = 0; i < policy->n_paths; i++)
        put_path(json, &policy->paths[i]);
    cdn_json(json, "]}}],");
    put_response(json, 404);
}

static bool is_abroad(const struct edge_path *path)
{
    for (size_t i = 0; i < path->n_routes; i++)
        if (path->routes[i]->is_abroad)
            return true;
    return false;
}

static void put_countries(struct buf *json, const struct edge_policy *policy)
{
    bool elsewhere = policy->countries.elsewhere == EDGE_REFUSED;
    const struct edge_words *listed = elsewhere ? &policy->allowed : &policy->refused;

    if (listed->n == 0)
        return;
    open_rule(json, "Countries from which the house takes no bets", "all");
    cdn_json(json, "{'name':'userLocation','options':{'field':'COUNTRY','matchOperator':'%s',"
             "'countryValues':[", elsewhere ? "IS_NOT_ONE_OF" : "IS_ONE_OF");
    for (size_t i = 0; i < listed->n; i++) {
        cdn_comma(json);
        cdn_json(json, "'" STR_FMT "'", STR_ARG(listed->items[i]));
    }
    cdn_json(json, "],'checkIps':'CONNECTING','useOnlyFirstXForwardedForIp':false}}");
    open_paths(json, "DOES_NOT_MATCH_ONE_OF");
    for (size_t i = 0; i < policy->n_paths; i++)
        if (is_abroad(&policy->paths[i]))
            put_path(json, &policy->paths[i]);
    cdn_json(json, "]}}],");
    put_response(json, 451);
}

/* The server's Cache-Control says how long; this bounds it. */
static void put_kept(struct buf *json, const struct edge_policy *policy, enum caching caching)
{
    const struct caching_info *info = caching_info(caching);
    char name[64];

    (void)snprintf(name, sizeof(name), "%s of src/tbl/caching.h", info->name);
    open_rule(json, name, "all");
    open_paths(json, "MATCHES_ONE_OF");
    for (size_t i = 0; i < policy->n_paths; i++)
        if (cdn_caching(&policy->paths[i]) == info)
            put_path(json, &policy->paths[i]);
    cdn_json(json, "]}}],'behaviors':[{'name':'caching','options':{'behavior':'MAX_AGE',"
             "'ttl':'%ds','mustRevalidate':false}},{'name':'removeVary',"
             "'options':{'enabled':false}}",
             info->is_forever ? info->max_age_s : info->s_maxage_s);
    cdn_json(json, ",{'name':'cacheError','options':{'enabled':false}}]}");
}

/* Behind what is kept, for it lies within: "/v1/events/(part)/stream". */
static void put_never(struct buf *json, const struct edge_policy *policy)
{
    open_rule(json, "Money and streams are kept nowhere", "all");
    open_paths(json, "MATCHES_ONE_OF");
    for (size_t i = 0; i < policy->n_paths; i++)
        if (!cdn_caching(&policy->paths[i])->is_kept)
            put_path(json, &policy->paths[i]);
    cdn_json(json, "]}}],'behaviors':[{'name':'caching','options':{'behavior':'NO_STORE'}}]}");
}

static void put_queries(struct buf *json, const struct edge_policy *policy)
{
    for (size_t i = 0; i < policy->n_paths; i++) {
        const struct edge_path *path = &policy->paths[i];
        struct str words, word;

        if (!cdn_caching(path)->is_kept)
            continue;
        words = cdn_get(path)->query;
        if (words.n == 0)
            continue;
        open_rule(json, "Parameters that make another list", "all");
        open_paths(json, "MATCHES_ONE_OF");
        put_path(json, path);
        cdn_json(json, "]}}],'behaviors':[{'name':'cacheKeyQueryParams','options':{"
                 "'behavior':'INCLUDE','exactMatch':true,'parameters':[");
        while (cdn_next_word(&words, &word)) {
            cdn_comma(json);
            cdn_json(json, "'" STR_FMT "'", STR_ARG(word));
        }
        cdn_json(json, "]}}]}");
    }
}

/* ---- the default rule ------------------------------------------------------------------ */

static void put_origin(struct buf *json, const struct edge_origin *origin)
{
    cdn_json(json, "{'name':'origin','options':{'originType':'CUSTOMER','hostname':'" STR_FMT "',"
             "'forwardHostHeader':'REQUEST_HOST_HEADER','cacheKeyHostname':'REQUEST_HOST_HEADER',"
             "'compress':true,'enableTrueClientIp':true,'trueClientIpHeader':'True-Client-IP',"
             "'trueClientIpClientSetting':false,'httpPort':%lld,'httpsPort':%lld,"
             "'originSni':true,'verificationMode':'CUSTOM','customValidCnValues':"
             "['{{Origin Hostname}}'],'originCertsToHonor':'STANDARD_CERTIFICATE_AUTHORITIES',"
             "'standardCertificateAuthorities':['akamai-permissive']}}", STR_ARG(origin->host),
             origin->tls ? 80 : (long long)origin->port,
             origin->tls ? (long long)origin->port : 443);
}

static void put_forged(struct buf *json)
{
    static const char *const names[] = { "X-Edge-Country", "X-Overround-Country",
        "X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Host" };

    for (size_t i = 0; i < LENGTH(names); i++)
        cdn_json(json, ",{'name':'modifyIncomingRequestHeader','options':{'action':'DELETE',"
                 "'standardDeleteHeaderName':'OTHER','customHeaderName':'%s'}}", names[i]);
}

static void put_default(struct buf *json, const struct edge_policy *policy,
                        const struct edge_origin *origin)
{
    cdn_json(json, "'behaviors':[");
    put_origin(json, origin);
    cdn_json(json, ",{'name':'caching','options':{'behavior':'NO_STORE'}},"
             "{'name':'cacheKeyQueryParams','options':{'behavior':'IGNORE_ALL'}},"
             "{'name':'allowPost','options':{'enabled':true,'allowWithoutContentLength':false}},"
             "{'name':'allowPut','options':{'enabled':true}},"
             "{'name':'allowDelete','options':{'enabled':true,'allowBody':false}},"
             "{'name':'allowOptions','options':{'enabled':false}},"
             "{'name':'allowTransferEncoding','options':{'enabled':false}},"
             "{'name':'webSockets','options':{'enabled':true}},"
             "{'name':'http2','options':{'enabled':true}}");
    put_forged(json);
    if (policy->tls.hsts_s > 0)
        cdn_json(json, ",{'name':'modifyOutgoingResponseHeader','options':{'action':'MODIFY',"
                 "'standardModifyHeaderName':'OTHER','customHeaderName':"
                 "'Strict-Transport-Security','newHeaderValue':'max-age=%lld',"
                 "'avoidDuplicateHeaders':true}}", (long long)policy->tls.hsts_s);
    cdn_json(json, "],");
}

bool edge_akamai(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *file = edge_open(out, "property.json");
    const struct edge_origin *origin;
    struct buf json;
    size_t at = 0;

    origin = edge_next_origin(policy, EDGE_STABLE, &at);
    if (origin == NULL)
        return edge_fault(out, "there is no origin of the stable release");
    buf_init(&json, JSON_BYTES);
    cdn_json(&json, "{'ruleFormat':'" RULE_FORMAT "','comments':'Written by `overround edge --for "
             "akamai`. Not run: only checked for shape.','rules':{'name':'default','options':{"
             "'is_secure':true},'criteria':[],");
    put_default(&json, policy, origin);
    cdn_json(&json, "'children':[");
    for (int i = 0; i < CACHINGS; i++)
        if (caching_info((enum caching)i)->is_kept)
            put_kept(&json, policy, (enum caching)i);
    put_never(&json, policy);
    put_queries(&json, policy);
    put_unknown(&json, policy);
    put_countries(&json, policy);
    cdn_json(&json, "]}}");
    CHECK(!json.overflow);
    cdn_pretty(file, buf_view(&json));
    buf_fini(&json);
    return true;
}
