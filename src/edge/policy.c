/* The policy as a whole: what no key shows alone, and the routes by path. */
#include "base/text.h"
#include "edge/inside.h"

/* ---- what keys say together ------------------------------------------------- */

static bool wrong(struct str *error, const char *why)
{
    *error = str_of(why);
    return false;
}

/* Customers' and operators' names are not each other's. */
static bool check_names(const struct edge_policy *policy, struct str *error)
{
    const struct edge_hostnames *names = &policy->hostnames;

    if (str_eq(names->public, names->direct))
        return wrong(error, "public and direct are the same: DNS has nowhere to go");
    if (str_eq(names->operator, names->public) || str_eq(names->operator, names->direct))
        return wrong(error, "operator is also a name of customers'");
    return true;
}

static bool check_origin(const struct edge_policy *policy, size_t i, struct str *error)
{
    const struct edge_origin *origin = &policy->origins[i];

    if (str_eq(origin->host, policy->hostnames.operator))
        return wrong(error, "leads to the operator listener");
    if (str_eq(origin->host, policy->hostnames.public))
        return wrong(error, "leads back to the edge");
    for (size_t j = 0; j < i; j++)
        if (str_eq(origin->name, policy->origins[j].name))
            return wrong(error, "has another's name");
    return true;
}

static bool check_releases(const struct edge_policy *policy, const char **key, struct str *error)
{
    size_t at = 0;

    *key = "origins";
    if (edge_next_origin(policy, EDGE_STABLE, &at) == NULL)
        return wrong(error, "none is of the stable release");
    at = 0;
    *key = "canary.percent";
    if (policy->canary.percent > 0 && edge_next_origin(policy, EDGE_CANARY, &at) == NULL)
        return wrong(error, "no origin is of the canary release");
    return true;
}

static bool has(const struct edge_words *words, struct str word)
{
    for (size_t i = 0; i < words->n; i++)
        if (str_eq(words->items[i], word))
            return true;
    return false;
}

/* A jurisdiction's countries, into those that are allowed or refused. */
static bool sort_countries(struct edge_policy *policy, const struct edge_jurisdiction *one,
                           struct str *error)
{
    struct edge_words *into = one->betting == EDGE_ALLOWED ? &policy->allowed : &policy->refused;

    for (size_t i = 0; i < one->countries.n; i++) {
        struct str country = one->countries.items[i];

        if (has(&policy->allowed, country) || has(&policy->refused, country))
            return wrong(error, "has a country that another jurisdiction has");
        if (str_eq(country, STR("XX")))
            return wrong(error, "has XX, which is countries.unknown");
        into->items[into->n++] = country;
    }
    return true;
}

/* ---- paths -------------------------------------------------------------------- */

static void split(struct edge_path *path)
{
    struct str part;

    path->before = path->after = path->pattern;
    path->has_part = text_cut(&path->after, '{', &path->before);
    if (!path->has_part)
        path->after = STR_NONE;
    else
        CHECK(text_cut(&path->after, '}', &part));
}

static void add_route(struct edge_path *path, const struct route *route, struct arena *arena)
{
    CHECK(path->n_routes < EDGE_METHODS);
    path->routes[path->n_routes++] = route;
    path->allow = arena_printf(arena, STR_FMT "%s" STR_FMT, STR_ARG(path->allow),
                               path->allow.n > 0 ? ", " : "", STR_ARG(route->method));
    if (route->body_max > path->body_max)
        path->body_max = route->body_max;
}

static struct edge_path *path_of(struct edge_policy *policy, const struct route *route)
{
    struct edge_path *path;

    for (size_t i = 0; i < policy->n_paths; i++)
        if (str_eq(policy->paths[i].pattern, route->path))
            return &policy->paths[i];
    path = &policy->paths[policy->n_paths++];
    path->pattern = route->path;
    split(path);
    return path;
}

/* Those with a {part} or those without; so that "/v1/bets" is never a part. */
static void add_paths(struct edge_policy *policy, bool with_part, struct arena *arena)
{
    size_t n;
    const struct route *table = route_table(&n);

    for (size_t i = 0; i < n; i++)
        if (route_listener(&table[i]) == LISTENER_PUBLIC &&
            (memchr(table[i].path.p, '{', table[i].path.n) != NULL) == with_part)
            add_route(path_of(policy, &table[i]), &table[i], arena);
}

bool edge_policy_finish(struct edge_policy *policy, struct arena *arena, unsigned *line,
                        const char **key, struct str *error)
{
    size_t n, most = 0;

    *key = "hostnames";
    *line = policy->hostnames.line;
    if (!check_names(policy, error))
        return false;
    *key = "origins";
    for (size_t i = 0; i < policy->n_origins; i++) {
        *line = policy->origins[i].line;
        if (!check_origin(policy, i, error))
            return false;
    }
    *line = policy->canary.line > 0 ? policy->canary.line : policy->origins[0].line;
    if (!check_releases(policy, key, error))
        return false;
    for (size_t i = 0; i < policy->n_jurisdictions; i++)
        most += policy->jurisdictions[i].countries.n;
    policy->allowed.items = ARENA_ARRAY(arena, struct str, most + 1);
    policy->refused.items = ARENA_ARRAY(arena, struct str, most + 1);
    *key = "jurisdictions";
    for (size_t i = 0; i < policy->n_jurisdictions; i++) {
        *line = policy->jurisdictions[i].line;
        if (!sort_countries(policy, &policy->jurisdictions[i], error))
            return false;
    }
    (void)route_table(&n);
    policy->paths = ARENA_ARRAY(arena, struct edge_path, n);
    add_paths(policy, false, arena);
    add_paths(policy, true, arena);
    return true;
}

/* ---- asked by writers ------------------------------------------------------------ */

bool edge_refuses(const struct edge_policy *policy, struct str country)
{
    if (str_eq(country, STR("XX")))
        return policy->countries.unknown == EDGE_REFUSED;
    if (has(&policy->refused, country))
        return true;
    return policy->countries.elsewhere == EDGE_REFUSED && !has(&policy->allowed, country);
}

const struct edge_origin *edge_next_origin(const struct edge_policy *policy,
                                           enum edge_release release, size_t *at)
{
    while (*at < policy->n_origins) {
        const struct edge_origin *origin = &policy->origins[(*at)++];

        if (origin->release == (int64_t)release)
            return origin;
    }
    return NULL;
}
