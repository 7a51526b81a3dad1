/*
 * AWS's firewall before CloudFront, as deploy/terraform/modules/cloudfront takes it:
 * waf.json, which the roots read.  The firewall is the coarser lock before the function
 * of cloudfront.c: what it cannot say it leaves to that, and it refuses nothing that the
 * policy allows.
 *
 * Paths are expressions, which the module anchors: "/v1/bets" is all below it, too.
 */
#include "edge/cdn.h"

#define JSON_BYTES ((size_t)64 * 1024)
#define COUNTRIES_MOST 50     /* of a rule */
#define EXPRESSION_BYTES 480  /* of 512, with what the module puts around it */
#define WINDOW_MINUTES 5
#define LIMIT_LEAST 10
#define LIMIT_MOST 2000000000LL


static void put_words(struct buf *json, const struct edge_words *words)
{
    for (size_t i = 0; i < words->n; i++) {
        cdn_comma(json);
        cdn_json(json, "'" STR_FMT "'", STR_ARG(words->items[i]));
    }
}

/* Nobody knows where an address is: the firewall has no word for that.  So it has the
 * list of those that are allowed only where all others are refused. */
static void put_countries(struct buf *json, const struct edge_policy *policy)
{
    const struct edge_words none = { NULL, 0 };
    bool by_allowed = policy->countries.elsewhere == EDGE_REFUSED && edge_refuses(policy, STR("XX"))
                      && policy->allowed.n <= COUNTRIES_MOST;
    bool by_refused = !by_allowed && policy->refused.n <= COUNTRIES_MOST;

    cdn_json(json, "'countries':{'allowed':[");
    put_words(json, by_allowed ? &policy->allowed : &none);
    cdn_json(json, "],'refused':[");
    put_words(json, by_refused ? &policy->refused : &none);
    cdn_json(json, "]},");
}

/* ---- paths ------------------------------------------------------------------------ */

static bool is_open(const struct route *route, enum rate_class rate)
{
    (void)rate;
    return route->is_abroad;
}

static bool is_of(const struct route *route, enum rate_class rate)
{
    return route->rate == rate;
}

typedef bool wanted_fn(const struct route *route, enum rate_class rate);

static bool has_route(const struct edge_path *path, wanted_fn *wanted, enum rate_class rate)
{
    for (size_t i = 0; i < path->n_routes; i++)
        if (wanted(path->routes[i], rate))
            return true;
    return false;
}

/* "/v1/bets" takes "/v1/bets/{id}/cashout" with it. */
static bool is_below(const struct edge_path *path, const struct edge_path *other)
{
    size_t n = other->before.n;

    return !other->has_part && path != other && path->before.n > n
           && memcmp(path->before.p, other->before.p, n) == 0 && path->before.p[n] == '/';
}

static bool is_covered(const struct edge_policy *policy, const struct edge_path *path,
                       wanted_fn *wanted, enum rate_class rate)
{
    for (size_t i = 0; i < policy->n_paths; i++)
        if (has_route(&policy->paths[i], wanted, rate) && is_below(path, &policy->paths[i]))
            return true;
    return false;
}

/* Bytes of the expression. */
static size_t put_paths(struct buf *json, const struct edge_policy *policy, wanted_fn *wanted,
                        enum rate_class rate)
{
    size_t n = 0;

    for (size_t i = 0; i < policy->n_paths; i++) {
        const struct edge_path *path = &policy->paths[i];

        if (!has_route(path, wanted, rate) || is_covered(policy, path, wanted, rate))
            continue;
        CHECK(path->before.n > 1);
        cdn_comma(json);
        cdn_json(json, "'" STR_FMT "%s" STR_FMT "'", STR_ARG(path->before),
                 path->has_part ? "[^/]+" : "", STR_ARG(path->after));
        n += path->before.n + path->after.n + sizeof("|[^/]+") - 1;
    }
    return n;
}

/* ---- rates ------------------------------------------------------------------------- */

static bool is_asked_by(const struct edge_policy *policy, enum rate_class rate, struct str method)
{
    for (size_t i = 0; i < policy->n_paths; i++)
        for (size_t j = 0; j < policy->paths[i].n_routes; j++)
            if (policy->paths[i].routes[j]->rate == rate
                && str_eq(policy->paths[i].routes[j]->method, method))
                return true;
    return false;
}

static void put_methods(struct buf *json, const struct edge_policy *policy, enum rate_class rate)
{
    static const char *const methods[EDGE_METHODS] = { "GET", "POST", "PUT", "DELETE" };

    for (size_t i = 0; i < LENGTH(methods); i++)
        if (is_asked_by(policy, rate, str_of(methods[i]))) {
            cdn_comma(json);
            cdn_json(json, "'%s'", methods[i]);
        }
}

static long long limit_of(const struct edge_policy *policy, enum rate_class rate)
{
    long long limit = (long long)policy->rates[rate].per_address * WINDOW_MINUTES;

    return limit < LIMIT_LEAST ? LIMIT_LEAST : limit > LIMIT_MOST ? LIMIT_MOST : limit;
}

/* Of what is read all requests count, whatever their path. */
static size_t put_rate(struct buf *json, const struct edge_policy *policy, enum rate_class rate)
{
    size_t n = 0;

    cdn_comma(json);
    cdn_json(json, "{'name':'" STR_FMT "','limit':%lld,'methods':[",
             STR_ARG(rate_info(rate)->name), limit_of(policy, rate));
    if (rate != RATE_OF_READ)
        put_methods(json, policy, rate);
    cdn_json(json, "],'paths':[");
    if (rate != RATE_OF_READ)
        n = put_paths(json, policy, is_of, rate);
    cdn_json(json, "]}");
    return n;
}

static size_t put_rates(struct buf *json, const struct edge_policy *policy)
{
    size_t most = 0;

    cdn_json(json, "'rates':[");
    for (size_t i = 0; i < RATE_CLASSES; i++) {
        size_t n = rate_info((enum rate_class)i)->is_at_edge
                   ? put_rate(json, policy, (enum rate_class)i) : 0;

        most = n > most ? n : most;
    }
    cdn_json(json, "],");
    return most;
}

static size_t put_agents(struct buf *json, const struct edge_policy *policy)
{
    size_t n = 0;

    cdn_json(json, "'agents':[");
    put_words(json, &policy->bots.agents);
    cdn_json(json, "]");
    for (size_t i = 0; i < policy->bots.agents.n; i++)
        n += policy->bots.agents.items[i].n + 2;
    return n;
}

bool cdn_waf(const struct edge_policy *policy, struct edge_out *out)
{
    struct buf *file = edge_open(out, "waf.json");
    struct buf json;
    size_t open, rates, agents;

    buf_init(&json, JSON_BYTES);
    cdn_json(&json, "{'Comment':'Written by `overround edge --for cloudfront`. Taken by "
             "deploy/terraform/modules/cloudfront; not run.',");
    put_countries(&json, policy);
    cdn_json(&json, "'open_paths':[");
    open = put_paths(&json, policy, is_open, RATE_OF_READ);
    cdn_json(&json, "],");
    rates = put_rates(&json, policy);
    agents = put_agents(&json, policy);
    cdn_json(&json, "}");
    CHECK(!json.overflow && open <= EXPRESSION_BYTES && rates <= EXPRESSION_BYTES);
    cdn_pretty(file, buf_view(&json));
    buf_fini(&json);
    return agents <= EXPRESSION_BYTES
           || edge_fault(out, "the firewall takes %d bytes of agents: name fewer",
                         EXPRESSION_BYTES);
}
