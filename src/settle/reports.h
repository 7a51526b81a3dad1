/*
 * Reports over the ledger, for the operator listener.
 */
#ifndef SETTLE_REPORTS_H
#define SETTLE_REPORTS_H

#include "analytics/clickhouse.h"
#include "net/http.h"
#include "store/store.h"

struct reports;

/* clickhouse: where reports are read; NULL: in the store. */
struct reports *reports_new(struct store *store, struct clickhouse *clickhouse) MUST_USE;
void reports_free(struct reports *reports); /* when no request is in flight */

/* GET /v1/reports/daily?from=&to=&format=: a route's handler. */
void reports_get_daily(struct reports *reports, struct http_request *request);
/* GET /v1/reports/series?minutes=: likewise. */
void reports_get_series(struct reports *reports, struct http_request *request);

#endif
