/* What every process answers for itself: routes' handlers on the operator
 * listener. */
#ifndef SERVE_PROBE_H
#define SERVE_PROBE_H

#include "net/http.h"

void serve_get_health(void *serve, struct http_request *request);
void serve_get_ready(void *serve, struct http_request *request);
void serve_get_metrics(void *serve, struct http_request *request);

#endif
