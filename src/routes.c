/* Dispatch: one table, one walk. */
#include "routes.h"

#include <sodium.h>

#include "base/metrics.h"
#include "bets/bets.h"
#include "feed/feed.h"
#include "net/answer.h"
#include "serve.h"
#include "settle/reports.h"
#include "web/web.h"

struct route {
    enum listener listener;
    struct str method, path;
    size_t context; /* offset in struct routes */
    void (*handler)(void *ctx, struct http_request *request);
};

static const struct route table[] = {
#define ROUTE(listener, method, path, role, handler, doc) \
    { LISTENER_##listener, { method, sizeof(method) - 1 }, { path, sizeof(path) - 1 }, \
      offsetof(struct routes, role), handler },
#include "tbl/routes.h"
#undef ROUTE
};

/* "/v1/bets/{id}/cashout": the part takes one segment, which may not be empty. */
static bool path_matches(struct str pattern, struct str path, struct str *param)
{
    const char *brace = memchr(pattern.p, '{', pattern.n);
    struct str front, back;

    *param = STR_NONE;
    if (brace == NULL)
        return str_eq(pattern, path);
    front = (struct str){ pattern.p, (size_t)(brace - pattern.p) };
    back.p = (const char *)memchr(brace, '}', pattern.n - front.n) + 1;
    back.n = (size_t)(pattern.p + pattern.n - back.p);
    if (path.n <= front.n + back.n || memcmp(path.p, front.p, front.n) != 0 ||
        memcmp(path.p + path.n - back.n, back.p, back.n) != 0)
        return false;
    *param = (struct str){ path.p + front.n, path.n - front.n - back.n };
    return memchr(param->p, '/', param->n) == NULL;
}

/* HEAD is GET without a body, which http.c leaves out. */
static bool method_matches(struct str method, struct str asked)
{
    return str_eq(method, asked) || (str_eq(asked, STR("HEAD")) && str_eq(method, STR("GET")));
}

/* The route; or NULL and the methods the path has, "GET, POST", if any. */
static const struct route *find(enum listener listener, struct http_request *request,
                                struct str *allow)
{
    *allow = STR_NONE;
    for (size_t i = 0; i < LENGTH(table); i++) {
        const struct route *route = &table[i];
        struct str param;

        if (route->listener != listener || !path_matches(route->path, request->path, &param))
            continue;
        if (method_matches(route->method, request->method)) {
            request->param = param;
            return route;
        }
        *allow = arena_printf(&request->arena, STR_FMT "%s" STR_FMT, STR_ARG(*allow),
                              allow->n > 0 ? ", " : "", STR_ARG(route->method));
    }
    return NULL;
}

/* Probes and metrics are asked for by machines without a token. */
static bool needs_token(const struct route *route)
{
    return route->listener == LISTENER_OPERATOR && memcmp(route->path.p, "/v1/", 4) == 0;
}

static bool has_token(const struct routes *routes, struct http_request *request)
{
    struct str given = http_header(request, "Authorization"), bearer = STR("Bearer ");

    if (given.n != bearer.n + routes->operator_token.n || memcmp(given.p, bearer.p, bearer.n) != 0)
        return false;
    return sodium_memcmp(given.p + bearer.n, routes->operator_token.p,
                         routes->operator_token.n) == 0;
}

void routes_dispatch(const struct routes *routes, enum listener listener,
                     struct http_request *request)
{
    struct str allow;
    const struct route *route = find(listener, request, &allow);

    metric_add(METRIC_HTTP_REQUESTS, route == NULL ? STR("none") : route->path, 1);
    if (route == NULL && allow.n > 0) {
        answer_method_not_allowed(request, allow);
        return;
    }
    if (route == NULL) {
        answer_refusal(request, REFUSE_NOT_FOUND, STR_NONE, STR_NONE);
        return;
    }
    if (request->param.p != NULL) {
        request->param = http_decode(request, request->param);
        if (request->param.p == NULL) {
            answer_refusal(request, REFUSE_MALFORMED, STR("the path is not well encoded"),
                           STR_NONE);
            return;
        }
    }
    if (needs_token(route) && !has_token(routes, request)) {
        answer_refusal(request, REFUSE_UNAUTHORIZED, STR("an operator's token is needed"),
                       STR_NONE);
        return;
    }
    route->handler(*(void *const *)(const void *)((const char *)routes + route->context), request);
}
