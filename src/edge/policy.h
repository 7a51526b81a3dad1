/*
 * The policy as an edge sees it: what the operator decides (edge.yaml, whose
 * keys are tbl/edge.h) and what the routes of the public listener say
 * (tbl/routes.h), path by path.
 *
 *     policy->hostnames.public            struct str
 *     policy->origins[i].port             i < policy->n_origins
 *     policy->rates[RATE_OF_LOGIN].burst  for rate classes that are at the edge
 *     policy->paths[i].routes[j]->body_max
 *
 * All of it lives in the arena of who read it and is not changed afterwards.
 * No value holds a quote, backslash, brace, dollar sign or line break.
 */
#ifndef EDGE_POLICY_H
#define EDGE_POLICY_H

#include <stdint.h>

#include "base/arena.h"
#include "base/route.h"

struct edge_words { struct str *items; size_t n; };

#define EDGE_TYPE_HOST struct str      /* a host's name or address, in lower case */
#define EDGE_TYPE_NAME struct str
#define EDGE_TYPE_FILENAME struct str  /* absolute, or empty */
#define EDGE_TYPE_INT int64_t
#define EDGE_TYPE_FLAG bool
#define EDGE_TYPE_CHOICE int64_t       /* an enum below */
#define EDGE_TYPE_COUNTRIES struct edge_words
#define EDGE_TYPE_NETWORKS struct edge_words
#define EDGE_TYPE_AGENTS struct edge_words

enum edge_betting { EDGE_ALLOWED, EDGE_REFUSED };   /* elsewhere, unknown, betting, unnamed */
enum edge_release { EDGE_STABLE, EDGE_CANARY };
enum edge_sticky { EDGE_BY_COOKIE, EDGE_BY_ADDRESS };
enum edge_tls_version { EDGE_TLS_1_2, EDGE_TLS_1_3 };

/* struct edge_hostnames, edge_origin, edge_canary, edge_countries, edge_jurisdiction,
 * edge_rate, edge_networks, edge_connections, edge_bots, edge_stuffing, edge_cdn,
 * edge_signing, edge_tls, edge_node.  line: of the file, where it begins; 0: it is
 * not there, and all are defaults. */
#define EDGE_BEGIN(count, type, key, least, most, doc) struct edge_##type { unsigned line;
#define EDGE(kind, type, key, fallback, least, most, among, doc) EDGE_TYPE_##kind key;
#define EDGE_END(type) };
#include "tbl/edge.h"
#undef EDGE_BEGIN
#undef EDGE
#undef EDGE_END

/* How many routes a path may have: one for each method. */
#define EDGE_METHODS 4

/*
 * One path of the public listener with all its methods.  The operator
 * listener's are not here: an edge has no way to them.
 */
struct edge_path {
    struct str pattern;       /* "/v1/bets/{id}/cashout" */
    bool has_part;            /* a {part}: one segment that is not empty */
    struct str before, after; /* of the part: "/v1/bets/", "/cashout"; else all, none */
    /* Of each: method, caching, query, body_max, rate, is_abroad.  GET answers HEAD, too. */
    const struct route *routes[EDGE_METHODS];
    size_t n_routes;
    struct str allow;         /* "GET, POST": as the server's own 405 has it */
    size_t body_max;          /* bytes, the most of its methods */
};

#define EDGE_MEMBER_ONE(type, key) struct edge_##type key;
#define EDGE_MEMBER_MANY(type, key) struct edge_##type *key; size_t n_##key;
#define EDGE_MEMBER_EACH(type, key) struct edge_##type key[RATE_CLASSES];

struct edge_policy {
    /* hostnames, origins and n_origins, canary, countries, jurisdictions and
     * n_jurisdictions, rates[], networks, connections, bots, stuffing, cdn, signing,
     * tls, node */
#define EDGE_BEGIN(count, type, key, least, most, doc) EDGE_MEMBER_##count(type, key)
#define EDGE(kind, type, key, fallback, least, most, among, doc)
#define EDGE_END(type)
#include "tbl/edge.h"
#undef EDGE_BEGIN
#undef EDGE
#undef EDGE_END
    /* The countries of the jurisdictions, in two; edge_refuses() says of any. */
    struct edge_words allowed, refused;
    struct edge_path *paths;  /* exact ones first, then by the table's order */
    size_t n_paths;
};

/*
 * Reads the text of edge.yaml (libyaml; YAML 1.1 without aliases, tags and
 * second documents).  `file` is its name for *error, which says
 * "FILE:LINE: KEY: why".  All that is in the policy is in the arena.
 */
bool edge_policy_read(struct edge_policy *policy, struct str text, const char *file,
                      struct arena *arena, struct str *error) MUST_USE;

/* Whether who is in a country ("GB"; "XX": nobody knows) is refused. */
bool edge_refuses(const struct edge_policy *policy, struct str country);

/* The origins of a release, one after the other; NULL at the end.  *at begins at 0. */
const struct edge_origin *edge_next_origin(const struct edge_policy *policy,
                                           enum edge_release release, size_t *at);

#endif
