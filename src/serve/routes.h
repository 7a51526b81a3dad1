/*
 * The dispatcher: finds a request's route in tbl/routes.h and calls its
 * handler with the context of the role it belongs to.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include "base/route.h"
#include "net/http.h"
#include "serve/operators.h"

/* What each role's handlers get; NULL: this process does not play it. */
struct routes {
    void *who, *bets, *desk, *web, *stream, *feed, *reports, *cohorts, *risk, *serve;
    const struct operators *operators; /* who may use the operator listener */
    /* NULL: always.  What is in a book that is not whole can be told, and what
     * is not in it cannot: another process is asked then. */
    bool (*book_is_whole)(const void *serve);
};

void routes_dispatch(const struct routes *routes, enum listener listener,
                     struct http_request *request);

#endif
