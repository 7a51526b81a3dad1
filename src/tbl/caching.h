/*
 * What may be kept of an answer, by the server's own Cache-Control and by every
 * edge that `overround edge` writes.  A row of tbl/routes.h names one of these.
 * Seconds.  What goes wrong (4xx, 5xx) is never kept, whatever the row says.
 *
 * CACHING(NAME, max_age, s_maxage, stale_while_revalidate, stale_if_error, "why")
 * CACHING_NEVER(NAME, "why")            no-store
 * CACHING_FOREVER(NAME, max_age, "why") the file's name changes with its content
 *
 * SNAPSHOT: a suspension must reach people through a CDN in under 2 s, so
 * s_maxage + stale_while_revalidate is at most 2, and what is older is asked for
 * again before it is given (tests/edge/policy_test.js).
 */
#if !defined(CACHING) || !defined(CACHING_NEVER) || !defined(CACHING_FOREVER)
#error "define CACHING, CACHING_NEVER and CACHING_FOREVER before including tbl/caching.h"
#endif
CACHING_NEVER(NEVER, "Somebody's money, session or desk: kept nowhere.")
CACHING_NEVER(STREAM, "Never ends: passed through as it comes, kept nowhere.")
CACHING(SNAPSHOT, 0, 1, 1, 30, "Prices: one request a second of the origin for each, and old ones while it is away.")
CACHING(PAGE, 0, 10, 60, 3600, "The pages' HTML, which names its files by their content.")
CACHING_FOREVER(ASSET, 31536000, "Files of the pages, named by their content.")
