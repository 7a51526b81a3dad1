/*
 * How long caches may keep an answer: for the server's Cache-Control and for
 * every edge configuration that `overround edge` writes.  A row of tbl/routes.h
 * names one of these.  Seconds.  Caches never keep an error (4xx, 5xx),
 * whatever the row says.
 *
 * CACHING(NAME, max_age, s_maxage, stale_while_revalidate, stale_if_error, "why")
 * CACHING_NEVER(NAME, "why")            no-store
 * CACHING_FOREVER(NAME, max_age, "why") the file's name changes with its content
 *
 * SNAPSHOT: a suspension must reach customers through a CDN in under 2 s, so
 * s_maxage + stale_while_revalidate is at most 2, and the edge asks the origin
 * again before it serves an older copy (tests/edge/policy_test.js).
 */
#if !defined(CACHING) || !defined(CACHING_NEVER) || !defined(CACHING_FOREVER)
#error "define CACHING, CACHING_NEVER and CACHING_FOREVER before including tbl/caching.h"
#endif
CACHING_NEVER(NEVER, "A customer's money or session, or the desk: never cached.")
CACHING_NEVER(STREAM, "A stream never ends: passed through as it arrives, never cached.")
CACHING(SNAPSHOT, 0, 1, 1, 30, "Prices: the origin gets one request a second for each; the edge serves old ones while the origin is down.")
CACHING(PAGE, 0, 10, 60, 3600, "The HTML of the pages; the names of its files contain hashes of their content.")
CACHING_FOREVER(ASSET, 31536000, "Files of the pages; their names contain hashes of their content.")
