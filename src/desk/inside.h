/*
 * Inside the desk:
 *
 *   desk.c   what operators do: entries into the log
 *   body.c   their bodies, read
 *   view.c   what they see: events, markets, proposals
 *   audit.c  who did what: the entries, read back
 */
#ifndef DESK_INSIDE_H
#define DESK_INSIDE_H

#include "desk/desk.h"

struct desk_calls {
    struct desk_options options;
    struct uof_parser *parser; /* of audit.c */
};

/* "after" and "limit" of a list; false: answered. */
bool desk_page(struct http_request *request, int64_t *after, int64_t *limit);

#endif
