/*
 * The dispatcher: finds a request's route in tbl/routes.h and calls its
 * handler with the context of the role it belongs to.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include "base/route.h"
#include "net/http.h"
#include "serve/operators.h"

struct bets;
struct cohorts;
struct desk_calls;
struct feed;
struct reports;
struct risk;
struct serve;
struct stream;
struct web;
struct who;

/* What each role's handlers get; NULL: this process does not play it. */
struct routes {
    struct who *who;
    struct bets *bets;
    struct desk_calls *desk;
    struct web *web;
    struct stream *stream;
    struct feed *feed;
    struct reports *reports;
    struct cohorts *cohorts;
    struct risk *risk;
    struct serve *serve;
    const struct operators *operators; /* who may use the operator listener */
    /* What is in a book that is not whole can be told, and what
     * is not in it cannot: another process is asked then. */
    bool (*book_is_whole)(const struct serve *serve);
};

void routes_dispatch(const struct routes *routes, enum listener listener,
                     struct http_request *request);

#endif
