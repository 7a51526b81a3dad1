/*
 * Reports over the ledger, for the operator listener.
 */
#ifndef SETTLE_REPORTS_H
#define SETTLE_REPORTS_H

#include "net/http.h"
#include "store/store.h"

struct reports;

struct reports *reports_new(struct store *store);
void reports_free(struct reports *reports); /* when no request is in flight */

/* GET /v1/reports/daily?from=&to=&format=: a route's handler. */
void reports_get_daily(void *reports, struct http_request *request);

#endif
