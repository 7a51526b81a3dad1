/*
 * What the writers for CDNs share: the policy as constants of JavaScript, and
 * JSON that people can read.
 *
 * The programs themselves are files beside their writers (cloudfront.js,
 * worker.js), part of the binary; a writer puts the constants before them.
 */
#ifndef EDGE_CDN_H
#define EDGE_CDN_H

#include "edge/edge.h"

/* The path's row for GET; NULL: it has none. */
const struct route *cdn_get(const struct edge_path *path);
/* What GET's answers are to a cache: NEVER where there is no GET. */
const struct caching_info *cdn_caching(const struct edge_path *path);
/* Takes the first word off; false: there is none. */
bool cdn_next_word(struct str *words, struct str *word);
/* "/v1/events/{event}/stream" lies in
 * "/v1/events/" and all behind it.  Whether a cache
 * that goes by prefixes must be told of this one. */
bool cdn_is_within_kept(const struct edge_policy *policy, const struct edge_path *path);

/*
 * const PROBLEMS = { 403: '…' }; EXACT = { '/v1/bets': { allow: 'GET, POST', GET: …,
 * POST: … } }; PARTS = [[/^\/v1\/bets\/[^\/]+$/, { … }]]; REFUSED = { US: true, MT:
 * false }, UNKNOWN_REFUSED, ELSEWHERE_REFUSED; AGENTS, UNNAMED_REFUSED; CANARY_PERCENT,
 * STICKY_COOKIE, COOKIE; SECRET.  put_row writes what stands for one route.
 */
void cdn_constants(struct buf *out, const struct edge_policy *policy,
                   void (*put_row)(struct buf *out, const struct edge_path *path,
                                   const struct route *route));

/* waf.json: CloudFront's firewall (cloudfront_waf.c). */
bool cdn_waf(const struct edge_policy *policy, struct edge_out *out);

/* printf with ' for ": no value of a policy holds either. */
void cdn_json(struct buf *out, const char *format, ...) PRINTF_LIKE(2, 3);
/* A comma, but for the first: after cdn_json() with an opened bracket. */
void cdn_comma(struct buf *json);
/* JSON text with line breaks and two blanks a level; short arrays and objects stay on
 * their line. */
void cdn_pretty(struct buf *out, struct str json);

#endif
