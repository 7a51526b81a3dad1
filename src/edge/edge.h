/*
 * Writers of edges' configurations.
 *
 * A target is a line of tbl/edge_targets.h and one function
 *
 *     bool edge_varnish(const struct edge_policy *policy, struct edge_out *out);
 *
 * in src/edge/varnish.c, which opens the files it writes and fills them:
 *
 *     struct buf *vcl = edge_open(out, "edge.vcl");
 *     edge_head(vcl, "#", "varnish", "run: tests/edge/varnish_test.js");
 *     for (size_t i = 0; i < policy->n_paths; i++) {
 *         const struct edge_path *path = &policy->paths[i];
 *         buf_printf(vcl, "if (req.url ~ \"");
 *         edge_regex(vcl, path);                      // ^/v1/bets/[^/]+$
 *         …
 *     }
 *     return true;
 *
 * The same policy gives the same bytes: no clock, no environment, no names of
 * this machine.  `overround edge --for varnish --policy edge.yaml --out DIR`
 * writes the files below DIR, all or none; `make edge` keeps those of
 * deploy/edge/edge.yaml in deploy/edge/<target>/, and tests/edge/policy_test.js
 * sees that they are current.
 */
#ifndef EDGE_EDGE_H
#define EDGE_EDGE_H

#include <stdio.h>

#include "base/buf.h"
#include "edge/policy.h"

struct edge_out;

/* A file by its name below the target's folder ("edge.vcl", "worker.js"),
 * empty at first.  Lives as long as `out`; 4 MiB at most. */
struct buf *edge_open(struct edge_out *out, const char *name);
/* Says why a policy cannot be had with this target; false, for its writer to return. */
bool edge_fault(struct edge_out *out, const char *format, ...) PRINTF_LIKE(2, 3);

/* What a file's head owes its reader: who made it from what, and how far it is
 * proven, each line behind `mark` ("#", "//"). */
void edge_head(struct buf *out, const char *mark, const char *target, const char *proven);
/* "^/v1/bets/[^/]+/cashout$": for PCRE, RE2, ECMAScript and POSIX alike. */
void edge_regex(struct buf *out, const struct edge_path *path);
/* "GET|HEAD|POST", with another mark between them; HEAD goes with GET. */
void edge_methods(struct buf *out, const struct edge_path *path, const char *between);
/* The problem document (RFC 9457) that an edge answers by itself with: 403, 404, 405,
 * 413, 429, 431, 451, 503, as the server says it.  No single quote, no dollar sign and
 * no backslash is in it, and no line break. */
void edge_problem(struct buf *out, int status);
#define EDGE_PROBLEM_TYPE "application/problem+json"
/* The environment's name of what a CDN says in X-Overround-Edge, where a target reads
 * the environment; must be set where there are cdn.networks, empty: nobody says it. */
#define EDGE_CDN_SECRET "OVERROUND_CDN_SECRET"

/* ---- for the command ------------------------------------------------------- */

struct edge_target {
    const char *name, *proven, *doc;
    bool (*write)(const struct edge_policy *policy, struct edge_out *out);
};

const struct edge_target *edge_targets(size_t *n);

struct edge_out *edge_out_new(void);
void edge_out_free(struct edge_out *out);
struct str edge_out_fault(const struct edge_out *out); /* empty: none */
/* All files to a stream, one after the other; of several each has its name before it. */
void edge_out_print(const struct edge_out *out, FILE *to);
/* Into a folder, which is made; a file that is there is replaced at once or not at
 * all.  False: edge_out_fault() says why. */
bool edge_out_write(struct edge_out *out, const char *folder) MUST_USE;

/* JSON Schema (2020-12) of edge.yaml. */
void edge_schema(struct buf *out);

#define EDGE_TARGET(name, function, proven, doc) \
    bool function(const struct edge_policy *policy, struct edge_out *out);
#include "tbl/edge_targets.h"
#undef EDGE_TARGET

#endif
