/*
 * The rows of tbl/routes.h without their handlers: which paths and methods
 * there are, and the one policy for them.  The server keeps it, and an edge is
 * given it (src/edge).
 */
#ifndef BASE_ROUTE_H
#define BASE_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum listener { LISTENER_PUBLIC, LISTENER_OPERATOR };

/* Who may: see tbl/routes.h. */
enum route_who {
    WHO_PUBLIC, WHO_PROBE, WHO_ANY,
#define ROLE(name, text, includes, doc) WHO_##name,
#include "tbl/roles.h"
#undef ROLE
};

enum caching {
#define CACHING(name, max_age, s_maxage, while_revalidate, if_error, doc) CACHING_OF_##name,
#define CACHING_NEVER(name, doc) CACHING_OF_##name,
#define CACHING_FOREVER(name, max_age, doc) CACHING_OF_##name,
#include "tbl/caching.h"
#undef CACHING
#undef CACHING_NEVER
#undef CACHING_FOREVER
    CACHINGS
};

/* Seconds; all are 0 where nothing is kept. */
struct caching_info {
    const char *name;          /* "SNAPSHOT" */
    bool is_kept, is_forever;
    int max_age_s, s_maxage_s, stale_while_revalidate_s, stale_if_error_s;
    struct str cache_control;  /* the header's value */
    const char *doc;
};

enum rate_class {
#define RATE(name, text, at_edge, setting, doc) RATE_OF_##name,
#include "tbl/rates.h"
#undef RATE
    RATE_CLASSES
};

struct rate_info {
    struct str name;           /* "login" */
    bool is_at_edge;
    const char *setting;       /* of the server; "": it does not limit these */
    const char *doc;
};

struct route {
    enum route_who who;
    struct str method, path;   /* the path has one {part} at most */
    enum caching caching;
    struct str query;          /* "after limit": the parameters it reads */
    size_t body_max;           /* bytes; 0: no body is taken */
    enum rate_class rate;
    bool is_abroad;            /* also from where the house takes no bets */
    const char *doc;
};

/* The rows in the table's order; *n is their count. */
const struct route *route_table(size_t *n);
enum listener route_listener(const struct route *route);
/* By the path's pattern; the part, not decoded, is *param, or STR_NONE. */
bool route_has_path(const struct route *route, struct str path, struct str *param);
/* HEAD is GET without a body. */
bool route_has_method(const struct route *route, struct str method);
/* The most bytes a request may bring.  Where there is no such route, who asks is
 * told so whatever came with it, so this is the most of the usual ones. */
size_t route_body_max(enum listener listener, struct str method, struct str path);

const struct caching_info *caching_info(enum caching caching);
const struct rate_info *rate_info(enum rate_class rate);

#endif
