/* Dispatch: one table, one walk. */
#include "serve/routes.h"

#include "analytics/cohorts.h"
#include "api/answer.h"
#include "base/log.h"
#include "base/metrics.h"
#include "bets/bets.h"
#include "desk/desk.h"
#include "feed/feed.h"
#include "risk/risk.h"
#include "serve/probe.h"
#include "settle/reports.h"
#include "web/pages.h"
#include "web/stream.h"
#include "web/web.h"
#include "who/who.h"

/* A call of each row's handler with its context, by the row's line: a context
 * that is not the handler's does not compile. */
#define JOIN(a, b) a##b
#define CALL_OF(line) JOIN(call_, line)
#define ROUTE(who, method, path, caching, query, body, rate, where, context, handler, doc) \
    static void CALL_OF(__LINE__)(const struct routes *routes, struct http_request *request) \
    { \
        handler(routes->context, request); \
    }
#include "tbl/routes.h"
#undef ROUTE

/* What tbl/routes.h says beside the rows of base/route.h, in its order. */
static const struct target {
    size_t context; /* offset in struct routes */
    void (*call)(const struct routes *routes, struct http_request *request);
} targets[] = {
#define ROUTE(who, method, path, caching, query, body, rate, where, context, handler, doc) \
    { offsetof(struct routes, context), CALL_OF(__LINE__) },
#include "tbl/routes.h"
#undef ROUTE
};

/* The route; or NULL and the methods the path has, "GET, POST", if any. */
static const struct route *find(enum listener listener, struct http_request *request,
                                struct str *allow)
{
    size_t n;
    const struct route *table = route_table(&n);

    CHECK(n == LENGTH(targets));
    *allow = STR_NONE;
    for (size_t i = 0; i < n; i++) {
        const struct route *route = &table[i];
        struct str param;

        if (route_listener(route) != listener || !route_has_path(route, request->path, &param))
            continue;
        if (route_has_method(route, request->method)) {
            request->param = param;
            return route;
        }
        *allow = arena_printf(&request->arena, STR_FMT "%s" STR_FMT, STR_ARG(*allow),
                              allow->n > 0 ? ", " : "", STR_ARG(route->method));
    }
    return NULL;
}

/* The operator whose token the request has; NULL: none. */
static const struct operator *who_asks(const struct routes *routes, struct http_request *request)
{
    struct str given = http_header(request, "Authorization"), bearer = STR("Bearer ");
    const struct operator *known;
    struct operator *copy;

    if (given.n <= bearer.n || memcmp(given.p, bearer.p, bearer.n) != 0)
        return NULL;
    known = operators_find(routes->operators,
                           (struct str){ given.p + bearer.n, given.n - bearer.n });
    if (known == NULL)
        return NULL;
    copy = ARENA_NEW(&request->arena, struct operator); /* the list may go before the answer */
    *copy = (struct operator){ arena_str(&request->arena, known->name), known->roles };
    return copy;
}

/* What the least role is of a route that asks for one. */
static unsigned role_of(const struct route *route)
{
    return route->who <= WHO_ANY ? 0 : 1U << (route->who - WHO_ANY - 1);
}

/* False: answered. */
static bool admit(const struct routes *routes, const struct route *route,
                  struct http_request *request)
{
    const struct operator *operator;

    if (route->who == WHO_PUBLIC || route->who == WHO_PROBE)
        return true;
    operator = who_asks(routes, request);
    request->who = operator;
    if (operator == NULL) {
        answer_refusal(request, REFUSE_UNAUTHORIZED, STR("an operator's token is needed"),
                       STR_NONE);
        return false;
    }
    if (operator_may(operator, role_of(route)))
        return true;
    metric_add(METRIC_DESK_REFUSED, STR("role"), 1);
    log_warn("operators", "refused: the role does not allow it",
             "operator=" STR_FMT " method=" STR_FMT " path=" STR_FMT,
             STR_ARG(operator->name), STR_ARG(route->method), STR_ARG(route->path));
    answer_refusal(request, REFUSE_FORBIDDEN, STR_NONE, STR_NONE);
    return false;
}

static const struct target *target_of(const struct route *route)
{
    size_t n;

    return &targets[route - route_table(&n)];
}

/* It answers from the book; pages are of the same parts, and do not. */
static bool is_of_book(const struct route *route)
{
    size_t context = target_of(route)->context;
    struct str api = STR("/v1/");

    return (context == offsetof(struct routes, web) ||
            context == offsetof(struct routes, stream) ||
            context == offsetof(struct routes, desk) ||
            context == offsetof(struct routes, risk)) &&
           route->path.n > api.n && memcmp(route->path.p, api.p, api.n) == 0;
}

void routes_dispatch(const struct routes *routes, enum listener listener,
                     struct http_request *request)
{
    struct str allow;
    const struct route *route = find(listener, request, &allow);
    const struct target *target;
    void *context;

    metric_add(METRIC_HTTP_REQUESTS, route == NULL ? STR("none") : route->path, 1);
    if (route == NULL && allow.n > 0) {
        answer_method_not_allowed(request, allow);
        return;
    }
    if (route == NULL) {
        answer_refusal(request, REFUSE_NOT_FOUND, STR_NONE, STR_NONE);
        return;
    }
    request->route = route->path;
    request->caching = caching_info(route->caching)->cache_control;
    request->rate = route->rate;
    if (request->param.p != NULL) {
        request->param = http_decode(request, request->param);
        if (request->param.p == NULL) {
            answer_refusal(request, REFUSE_MALFORMED, STR("the path is not well encoded"),
                           STR_NONE);
            return;
        }
    }
    if (!admit(routes, route, request))
        return;
    target = target_of(route);
    memcpy(&context, (const char *)routes + target->context, sizeof(context));
    if (context == NULL)
        answer_refusal(request, REFUSE_NOT_FOUND, STR("this process does not play that role"),
                       STR_NONE);
    else if (is_of_book(route) &&
             !routes->book_is_whole(routes->serve))
        answer_refusal(request, REFUSE_BUSY, STR("the book is not whole yet"), STR_NONE);
    else
        target->call(routes, request);
}
