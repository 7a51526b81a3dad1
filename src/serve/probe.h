/* What every process answers for itself: routes' handlers on the operator
 * listener. */
#ifndef SERVE_PROBE_H
#define SERVE_PROBE_H

#include "net/http.h"

struct serve;

void serve_get_health(struct serve *serve, struct http_request *request);
void serve_get_ready(struct serve *serve, struct http_request *request);
void serve_get_metrics(struct serve *serve, struct http_request *request);

#endif
