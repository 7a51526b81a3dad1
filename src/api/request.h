/* What this house's handlers have in a request. */
#ifndef API_REQUEST_H
#define API_REQUEST_H

#include "model/operator.h"
#include "net/http.h"

/* Who asks, on routes that ask for an operator: the routes' copy, in the
 * request's arena.  NULL on all others. */
static inline const struct operator *request_operator(const struct http_request *request)
{
    return request->who;
}

#endif
