/*
 * The head of an answer: status line and headers, up to the empty line.
 */
#ifndef NET_HTTP_HEAD_H
#define NET_HTTP_HEAD_H

#include "net/http.h"

struct http_head {
    int status;
    const char *content_type;   /* goes with a body */
    struct str request_id;
    struct str caching;         /* Cache-Control of 200 and 304; empty: no-store */
    size_t body_n;              /* bytes, also when none of them are sent */
    bool close;                 /* no request after this one */
    bool is_1_0, is_head;       /* what the request was */
    const struct http_header *headers;
    size_t n_headers;
};

/* The bytes written; 0: they do not fit.  Belongs to the event loop's thread. */
size_t http_head_write(const struct http_head *head, char *p, size_t room) MUST_USE;

#endif
