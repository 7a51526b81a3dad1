/*
 * GET /v1/reports/experiments?experiment=slip&from=&to=: what became of an
 * experiment's arms, each beside the first one.
 */
#ifndef ANALYTICS_COHORTS_H
#define ANALYTICS_COHORTS_H

#include "analytics/clickhouse.h"
#include "model/experiment.h"
#include "model/house.h"
#include "net/http.h"
#include "store/store.h"

struct cohorts;

struct cohorts_options {
    struct store *store;
    struct clickhouse *clickhouse; /* NULL: read from the store */
    const struct experiments *experiments;
    const struct house *house;     /* GGR is in its currency */
};

/* Borrows everything in options. */
struct cohorts *cohorts_new(const struct cohorts_options *options) MUST_USE;
void cohorts_free(struct cohorts *cohorts); /* when no request is in flight */

/* A route's handler. */
void cohorts_get(struct cohorts *cohorts, struct http_request *request);

#endif
