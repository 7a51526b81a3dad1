/* The table of routes as rows: see route.h. */
#include "base/route.h"

#include "base/check.h"
#include "base/limits.h"

#define HOME false
#define ABROAD true

static const struct route table[] = {
#define ROUTE(who_, method_, path_, caching_, query_, body, rate_, where, role, call, doc_) \
    { .who = WHO_##who_, .method = { method_, sizeof(method_) - 1 }, \
      .path = { path_, sizeof(path_) - 1 }, .caching = CACHING_OF_##caching_, \
      .query = { query_, sizeof(query_) - 1 }, .body_max = (body), \
      .rate = RATE_OF_##rate_, .is_abroad = where, .doc = doc_ },
#include "tbl/routes.h"
#undef ROUTE
};

#define HEADER(text) { text, sizeof(text) - 1 }

static const struct caching_info cachings[] = {
#define CACHING(name_, max_age, s_maxage, while_revalidate, if_error, doc_) \
    { #name_, true, false, max_age, s_maxage, while_revalidate, if_error, \
      HEADER("public, max-age=" #max_age ", s-maxage=" #s_maxage \
             ", stale-while-revalidate=" #while_revalidate ", stale-if-error=" #if_error), doc_ },
#define CACHING_NEVER(name_, doc_) \
    { #name_, false, false, 0, 0, 0, 0, HEADER("no-store"), doc_ },
#define CACHING_FOREVER(name_, max_age, doc_) \
    { #name_, true, true, max_age, max_age, 0, 0, \
      HEADER("public, max-age=" #max_age ", immutable"), doc_ },
#include "tbl/caching.h"
#undef CACHING
#undef CACHING_NEVER
#undef CACHING_FOREVER
};

static const struct rate_info rates[] = {
#define RATE(name_, text, at_edge, setting_, doc_) \
    { { text, sizeof(text) - 1 }, at_edge, setting_, doc_ },
#include "tbl/rates.h"
#undef RATE
};

const struct route *route_table(size_t *n)
{
    *n = LENGTH(table);
    return table;
}

enum listener route_listener(const struct route *route)
{
    return route->who == WHO_PUBLIC ? LISTENER_PUBLIC : LISTENER_OPERATOR;
}

/* "/v1/bets/{id}/cashout": the part takes one segment, which may not be empty. */
bool route_has_path(const struct route *route, struct str path, struct str *param)
{
    struct str pattern = route->path, front, back;
    const char *brace = memchr(pattern.p, '{', pattern.n);

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

bool route_has_method(const struct route *route, struct str method)
{
    return str_eq(route->method, method) ||
           (str_eq(method, STR("HEAD")) && str_eq(route->method, STR("GET")));
}

size_t route_body_max(enum listener listener, struct str method, struct str path)
{
    for (size_t i = 0; i < LENGTH(table); i++) {
        struct str param;

        if (route_listener(&table[i]) == listener && route_has_method(&table[i], method) &&
            route_has_path(&table[i], path, &param))
            return table[i].body_max;
    }
    return LIMIT_BODY_BYTES;
}

const struct caching_info *caching_info(enum caching caching)
{
    CHECK(caching < CACHINGS);
    return &cachings[caching];
}

const struct rate_info *rate_info(enum rate_class rate)
{
    CHECK(rate < RATE_CLASSES);
    return &rates[rate];
}
