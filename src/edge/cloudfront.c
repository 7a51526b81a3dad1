/*
 * CloudFront: a distribution with its policies in the shape of its API
 * (2020-05-31: CreateCachePolicy, CreateOriginRequestPolicy,
 * CreateResponseHeadersPolicy, CreateDistribution), and a CloudFront Function
 * (runtime cloudfront-js-2.0), whose program is cloudfront.js.  Where the API
 * wants the id of a policy, a function or a certificate, its name stands here.
 *
 * The function has no X-Edge-* of its own: CloudFront answers 502 to a function
 * that sets one.  Its signature is in X-Overround-Country.
 */
#include "base/embed.h"
#include "edge/cdn.h"

EMBED(cloudfront_js, "src/edge/cloudfront.js");

#define JSON_BYTES ((size_t)1024 * 1024)
#define FUNCTION_BYTES 10240 /* CloudFront's limit */
#define RELEASE_HEADER "x-overround-release"
#define ANSWER_S 75 /* longer than a bet waits for a trader */

/* ---- the function ---------------------------------------------------------------- */

/* [open to people abroad, the largest body] */
static void put_row(struct buf *out, const struct edge_path *path, const struct route *route)
{
    (void)path;
    buf_printf(out, "[%d, %zu]", route->is_abroad, route->body_max);
}

static const struct edge_origin *first_origin(const struct edge_policy *policy,
                                              enum edge_release release)
{
    size_t at = 0;

    return edge_next_origin(policy, release, &at);
}

static bool write_function(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *js = edge_open(out, "function.js");
    const struct edge_origin *canary = first_origin(policy, EDGE_CANARY);

    buf_str(js, STR("import cf from 'cloudfront';\n"));
    edge_head(js, "//", "cloudfront", "run in Node: tests/edge/cloudfront_test.js");
    buf_str(js, STR("const crypto = require('crypto');\n"));
    cdn_constants(js, policy, put_row);
    buf_printf(js, "const CANARY_ORIGIN = '" STR_FMT "';\n",
               STR_ARG(canary == NULL ? STR_NONE : canary->name));
    buf_str(js, str_of(cloudfront_js));
    if (js->n > FUNCTION_BYTES)
        return edge_fault(out, "the function has %zu bytes, of %d: name fewer agents or countries",
                          js->n, FUNCTION_BYTES);
    return true;
}

/* ---- policies ---------------------------------------------------------------------- */

static void put_queries(struct buf *json, struct str words)
{
    struct str word, rest = words;
    size_t n = 0;

    if (words.n == 0) {
        cdn_json(json, "{'QueryStringBehavior':'none'}");
        return;
    }
    while (cdn_next_word(&rest, &word))
        n++;
    cdn_json(json, "{'QueryStringBehavior':'whitelist','QueryStrings':{'Quantity':%zu,'Items':[",
             n);
    while (cdn_next_word(&words, &word)) {
        cdn_comma(json);
        cdn_json(json, "'" STR_FMT "'", STR_ARG(word));
    }
    cdn_json(json, "]}}");
}

/* The parameters of the lists that are kept, which all are of one kind. */
static struct str list_query(const struct edge_policy *policy)
{
    for (size_t i = 0; i < policy->n_paths; i++)
        if (cdn_caching(&policy->paths[i])->is_kept && cdn_get(&policy->paths[i])->query.n > 0)
            return cdn_get(&policy->paths[i])->query;
    return STR_NONE;
}

/* MaxTTL bounds what the server allows, staleness included. */
static void put_cache_policy(struct buf *json, const struct caching_info *caching,
                             const char *name, struct str query)
{
    int most = caching->is_forever ? caching->max_age_s
                                   : caching->s_maxage_s + caching->stale_if_error_s;

    cdn_comma(json);
    cdn_json(json, "{'Name':'%s','Comment':'%s of src/tbl/caching.h','MinTTL':0,"
             "'DefaultTTL':0,'MaxTTL':%d,"
             "'ParametersInCacheKeyAndForwardedToOrigin':{'EnableAcceptEncodingGzip':true,"
             "'EnableAcceptEncodingBrotli':true,'HeadersConfig':{'HeaderBehavior':'whitelist',"
             "'Headers':{'Quantity':1,'Items':['" RELEASE_HEADER "']}},"
             "'CookiesConfig':{'CookieBehavior':'none'},'QueryStringsConfig':",
             name, caching->name, most);
    put_queries(json, query);
    cdn_json(json, "}}");
}

static void put_cache_policies(struct buf *json, const struct edge_policy *policy)
{
    cdn_json(json, "'CachePolicies':[");
    put_cache_policy(json, caching_info(CACHING_OF_SNAPSHOT), "overround-snapshot", STR_NONE);
    put_cache_policy(json, caching_info(CACHING_OF_SNAPSHOT), "overround-list",
                     list_query(policy));
    put_cache_policy(json, caching_info(CACHING_OF_PAGE), "overround-page", STR_NONE);
    put_cache_policy(json, caching_info(CACHING_OF_ASSET), "overround-asset", STR_NONE);
    cdn_json(json, ",{'Name':'overround-never','Comment':'Kept nowhere','MinTTL':0,"
             "'DefaultTTL':0,'MaxTTL':0,"
             "'ParametersInCacheKeyAndForwardedToOrigin':{'EnableAcceptEncodingGzip':false,"
             "'EnableAcceptEncodingBrotli':false,'HeadersConfig':{'HeaderBehavior':'none'},"
             "'CookiesConfig':{'CookieBehavior':'none'},'QueryStringsConfig':"
             "{'QueryStringBehavior':'none'}}}],");
}

/* The function reads the country where a policy names its header. */
static void put_origin_policies(struct buf *json)
{
    cdn_json(json, "'OriginRequestPolicies':["
             "{'Name':'overround-kept','Comment':'Nobody in particular asks: no cookie, no token.',"
             "'HeadersConfig':{'HeaderBehavior':'whitelist','Headers':{'Quantity':1,"
             "'Items':['CloudFront-Viewer-Country']}},'CookiesConfig':{'CookieBehavior':'none'},"
             "'QueryStringsConfig':{'QueryStringBehavior':'none'}},"
             "{'Name':'overround-passed','Comment':'All that the customer sent.',"
             "'HeadersConfig':{'HeaderBehavior':'allViewerAndWhitelistCloudFront',"
             "'Headers':{'Quantity':1,'Items':['CloudFront-Viewer-Country']}},"
             "'CookiesConfig':{'CookieBehavior':'all'},"
             "'QueryStringsConfig':{'QueryStringBehavior':'all'}}],");
}

static void put_response_policy(struct buf *json, const struct edge_policy *policy)
{
    cdn_json(json, "'ResponseHeadersPolicies':[{'Name':'overround-answers',"
             "'Comment':'HTTPS for ever; what caches are told is not for customers.',"
             "'SecurityHeadersConfig':{'ContentTypeOptions':{'Override':true}");
    if (policy->tls.hsts_s > 0)
        cdn_json(json, ",'StrictTransportSecurity':{'Override':true,'IncludeSubdomains':false,"
                 "'Preload':false,'AccessControlMaxAgeSec':%lld}", (long long)policy->tls.hsts_s);
    cdn_json(json, "},'RemoveHeadersConfig':{'Quantity':3,'Items':[{'Header':'Surrogate-Key'},"
             "{'Header':'Cache-Tag'},{'Header':'Server'}]}}],");
}

/* ---- behaviours ------------------------------------------------------------------------ */

struct behaviour { const char *cache, *origin; bool reads; };

static struct behaviour behaviour_of(const struct edge_path *path)
{
    const struct caching_info *caching = cdn_caching(path);

    if (!caching->is_kept)
        return (struct behaviour){ "overround-never", "overround-passed", false };
    if (cdn_get(path)->query.n > 0)
        return (struct behaviour){ "overround-list", "overround-kept", true };
    return (struct behaviour){ caching == caching_info(CACHING_OF_SNAPSHOT) ? "overround-snapshot"
                               : caching == caching_info(CACHING_OF_PAGE)   ? "overround-page"
                                                                            : "overround-asset",
                               "overround-kept", true };
}

static void put_target(struct buf *json, const struct edge_policy *policy, bool reads)
{
    size_t at = 0;
    const struct edge_origin *first = edge_next_origin(policy, EDGE_STABLE, &at);

    if (reads && edge_next_origin(policy, EDGE_STABLE, &at) != NULL)
        cdn_json(json, "'TargetOriginId':'stable',");
    else
        cdn_json(json, "'TargetOriginId':'" STR_FMT "',", STR_ARG(first->name));
}

/* A path that is kept has GET alone; all else goes by the function's table. */
static void put_behaviour(struct buf *json, const struct edge_policy *policy, const char *pattern,
                          struct behaviour behaviour)
{
    cdn_json(json, "{");
    if (pattern != NULL)
        cdn_json(json, "'PathPattern':'%s',", pattern);
    put_target(json, policy, behaviour.reads);
    cdn_json(json, "'ViewerProtocolPolicy':'redirect-to-https','AllowedMethods':%s,"
             "'Compress':%s,'CachePolicyId':'%s','OriginRequestPolicyId':'%s',"
             "'ResponseHeadersPolicyId':'overround-answers','FunctionAssociations':{'Quantity':2,"
             "'Items':[{'EventType':'viewer-request','FunctionARN':'overround-edge'},"
             "{'EventType':'viewer-response','FunctionARN':'overround-edge'}]}}",
             behaviour.reads ? "{'Quantity':2,'Items':['GET','HEAD'],'CachedMethods':{'Quantity':2,"
                               "'Items':['GET','HEAD']}}"
                             : "{'Quantity':7,'Items':['GET','HEAD','OPTIONS','PUT','POST','PATCH',"
                               "'DELETE'],'CachedMethods':{'Quantity':2,'Items':['GET','HEAD']}}",
             behaviour.reads ? "true" : "false", behaviour.cache, behaviour.origin);
}

/* "/v1/events/{event}/stream" -> "/v1/events/(star)/stream": a star takes slashes, too, so
 * what has something behind its part comes before what has not. */
static void put_path(struct buf *json, const struct edge_policy *policy,
                     const struct edge_path *path)
{
    char pattern[512];

    (void)snprintf(pattern, sizeof(pattern), STR_FMT "%s" STR_FMT, STR_ARG(path->before),
                   path->has_part ? "*" : "", STR_ARG(path->after));
    cdn_comma(json);
    put_behaviour(json, policy, pattern, behaviour_of(path));
}

enum order { EXACT, BEHIND, PARTS, ORDERS };

static enum order order_of(const struct edge_path *path)
{
    return !path->has_part ? EXACT : path->after.n > 0 ? BEHIND : PARTS;
}

static bool needs_behaviour(const struct edge_policy *policy, const struct edge_path *path)
{
    return cdn_caching(path)->is_kept || cdn_is_within_kept(policy, path);
}

static void put_behaviours(struct buf *json, const struct edge_policy *policy)
{
    size_t n = 0;

    for (size_t i = 0; i < policy->n_paths; i++)
        n += needs_behaviour(policy, &policy->paths[i]);
    cdn_json(json, "'CacheBehaviors':{'Quantity':%zu,'Items':[", n);
    for (enum order order = EXACT; order < ORDERS; order++)
        for (size_t i = 0; i < policy->n_paths; i++)
            if (needs_behaviour(policy, &policy->paths[i]) &&
                order_of(&policy->paths[i]) == order)
                put_path(json, policy, &policy->paths[i]);
    cdn_json(json, "]},'DefaultCacheBehavior':");
    put_behaviour(json, policy, NULL,
                  (struct behaviour){ "overround-never", "overround-passed", false });
}

/* ---- the distribution -------------------------------------------------------------------- */

static void put_origin(struct buf *json, const struct edge_origin *origin)
{
    long long port = (long long)origin->port;

    cdn_comma(json);
    cdn_json(json, "{'Id':'" STR_FMT "','DomainName':'" STR_FMT "','ConnectionAttempts':2,"
             "'ConnectionTimeout':3,'CustomOriginConfig':{'HTTPPort':%lld,'HTTPSPort':%lld,"
             "'OriginProtocolPolicy':'%s','OriginSslProtocols':{'Quantity':1,'Items':['TLSv1.2']},"
             "'OriginReadTimeout':%d,'OriginKeepaliveTimeout':60}}", STR_ARG(origin->name),
             STR_ARG(origin->host), origin->tls ? 80 : port, origin->tls ? port : 443,
             origin->tls ? "https-only" : "http-only", ANSWER_S);
}

static void put_origins(struct buf *json, const struct edge_policy *policy)
{
    size_t at = 0;
    const struct edge_origin *first = edge_next_origin(policy, EDGE_STABLE, &at),
                             *second = edge_next_origin(policy, EDGE_STABLE, &at);

    cdn_json(json, "'Origins':{'Quantity':%zu,'Items':[", policy->n_origins);
    for (size_t i = 0; i < policy->n_origins; i++)
        put_origin(json, &policy->origins[i]);
    cdn_json(json, "]},");
    if (second == NULL)
        return;
    cdn_json(json, "'OriginGroups':{'Quantity':1,'Items':[{'Id':'stable','FailoverCriteria':"
             "{'StatusCodes':{'Quantity':3,'Items':[502,503,504]}},'Members':{'Quantity':2,"
             "'Items':[{'OriginId':'" STR_FMT "'},{'OriginId':'" STR_FMT "'}]}}]},",
             STR_ARG(first->name), STR_ARG(second->name));
}

/* What goes wrong is not kept: the default would be ten seconds. */
static void put_errors(struct buf *json)
{
    static const int codes[] = { 400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504 };

    cdn_json(json, "'CustomErrorResponses':{'Quantity':%zu,'Items':[", LENGTH(codes));
    for (size_t i = 0; i < LENGTH(codes); i++) {
        cdn_comma(json);
        cdn_json(json, "{'ErrorCode':%d,'ErrorCachingMinTTL':0}", codes[i]);
    }
    cdn_json(json, "]},");
}

static void put_distribution(struct buf *json, const struct edge_policy *policy)
{
    cdn_json(json, "'DistributionConfig':{'CallerReference':'overround','Comment':"
             "'Overround: customers','Enabled':true,'HttpVersion':'http2and3',"
             "'IsIPV6Enabled':true,'PriceClass':'PriceClass_All','Aliases':{'Quantity':1,"
             "'Items':['" STR_FMT "']},'ViewerCertificate':{'ACMCertificateArn':'" STR_FMT "',"
             "'SSLSupportMethod':'sni-only','MinimumProtocolVersion':'%s'},",
             STR_ARG(policy->hostnames.public), STR_ARG(policy->hostnames.public),
             policy->tls.minimum == EDGE_TLS_1_3 ? "TLSv1.3_2025" : "TLSv1.2_2021");
    put_origins(json, policy);
    put_errors(json);
    put_behaviours(json, policy);
    cdn_json(json, "}");
}

bool edge_cloudfront(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *file = edge_open(out, "cloudfront.json");
    struct buf json;

    if (first_origin(policy, EDGE_STABLE) == NULL)
        return edge_fault(out, "there is no origin of the stable release");
    buf_init(&json, JSON_BYTES);
    cdn_json(&json, "{'Comment':'Written by `overround edge --for cloudfront`. Not run: checked "
             "against the types of the AWS SDK. Ids are names here.',");
    put_cache_policies(&json, policy);
    put_origin_policies(&json);
    put_response_policy(&json, policy);
    cdn_json(&json, "'Functions':[{'Name':'overround-edge','File':'function.js','FunctionConfig':"
             "{'Comment':'Paths, methods, countries, canary, the signed country',"
             "'Runtime':'cloudfront-js-2.0','KeyValueStoreAssociations':{'Quantity':1,'Items':"
             "[{'KeyValueStoreARN':'overround-edge'}]}}}],");
    put_distribution(&json, policy);
    cdn_json(&json, "}");
    CHECK(!json.overflow);
    cdn_pretty(file, buf_view(&json));
    buf_fini(&json);
    return write_function(policy, out) && cdn_waf(policy, out);
}
