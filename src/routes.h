/*
 * The dispatcher: finds a request's route in tbl/routes.h and calls its
 * handler with the context of the role it belongs to.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include "net/http.h"
#include "operators.h"

enum listener { LISTENER_PUBLIC, LISTENER_OPERATOR };

/* What each role's handlers get; NULL: this process does not play it. */
struct routes {
    void *bets, *desk, *web, *stream, *feed, *reports, *cohorts, *risk, *serve;
    const struct operators *operators; /* who may use the operator listener */
};

void routes_dispatch(const struct routes *routes, enum listener listener,
                     struct http_request *request);

#endif
