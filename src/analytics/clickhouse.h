/*
 * ClickHouse over HTTP, on the thread pool: for reports alone, where money
 * and customers never wait.
 */
#ifndef ANALYTICS_CLICKHOUSE_H
#define ANALYTICS_CLICKHOUSE_H

#include <uv.h>

#include "base/arena.h"
#include "store/store.h"

struct clickhouse;

/* "http[s]://[USER:PASSWORD@]HOST[:PORT]/DATABASE".  False: *error (in arena)
 * says what is wrong. */
bool clickhouse_check(const char *url, struct arena *arena, struct str *error) MUST_USE;
/* The url was checked. */
struct clickhouse *clickhouse_new(uv_loop_t *loop, const char *url) MUST_USE;
void clickhouse_free(struct clickhouse *clickhouse); /* when no query is in flight */

struct clickhouse_query {
    struct str sql;       /* without FORMAT; must not change until on_done */
    const char *types;    /* of the columns: i, s (tsv.h) */
    struct arena *arena;  /* for the cells; the caller's */
    struct value *cells;  /* out: rows x strlen(types) */
    uint32_t rows;        /* out */
    void (*on_done)(struct clickhouse_query *query, bool well); /* on the loop */
    void *ctx;
};
/* The query must not move until on_done.  Fails after ten seconds at most; at
 * most LIMIT_ANALYTICS run at a time, one more fails (on the next turn). */
void clickhouse_ask(struct clickhouse *clickhouse, struct clickhouse_query *query);

#endif
