/*
 * Takes events out of a CDN's cache, now: for a result that was corrected,
 * or an event that was suspended by hand, where the seconds of s-maxage are
 * too long.  By surrogate keys (net/cache_tag.h) at Fastly and Cloudflare, by
 * paths at CloudFront, which has none.
 *
 *   fastly      POST /service/ID/purge, Surrogate-Key: …; /purge_all
 *               (developer.fastly.com/reference/api/purging)
 *   cloudflare  POST /zones/ID/purge_cache, {"tags":[…]}
 *               (developers.cloudflare.com/api/resources/cache/methods/purge)
 *   cloudfront  POST /2020-05-31/distribution/ID/invalidation, SigV4
 *               (docs.aws.amazon.com/cloudfront: CreateInvalidation)
 *
 * Blocking, for the subcommand.  429, 5xx and no answer are tried again; a
 * Retry-After is kept to as long as wait_s lasts.
 */
#ifndef EDGE_PURGE_H
#define EDGE_PURGE_H

#include <stdint.h>

#include "base/arena.h"

/* A CDN that can be told to forget. */
struct purge_target {
    const char *name;
    const char *api;        /* its own address */
    const char *id_name;    /* environment: the service, zone or distribution */
    const char *secret[2];  /* environment: what must be set */
};

const struct purge_target *purge_target(const char *name); /* NULL: none such */

struct purge_ask {
    const struct purge_target *target;
    const char *api;        /* NULL: the target's own.  Secrets go over https, or to
                               a loopback address */
    const char *id;         /* NULL: from the environment */
    const struct str *events;
    size_t n_events;
    bool all;               /* everything; no events then */
    int64_t wait_s;         /* the most, in all, for Retry-After */
};

/* False: *error (in arena) says what is missing, or what was answered.
 * *requests: how many were accepted, also then. */
bool purge_run(const struct purge_ask *ask, struct arena *arena, size_t *requests,
               struct str *error) MUST_USE;

#endif
