/*
 * A small blocking HTTP client for the commands that talk to a server (sim,
 * replay): one connection, kept alive, made again when it is lost.  Over
 * libcurl, which only http_client.c knows.  Never used on the event loop.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"

struct http_client;

/* base_url: "http://127.0.0.1:8081", without a path.  NULL: libcurl cannot
 * start. */
struct http_client *http_client_new(const char *base_url) MUST_USE;
void http_client_free(struct http_client *client);

/*
 * One request and its answer.  body may be STR_NONE; content_type goes with
 * a body.  headers: n lines such as "Authorization: Bearer x".  *answer is
 * emptied, then filled.  False: no whole answer came and http_client_error() says
 * why; whether the server acted on the request is not known then.
 */
bool http_client_request(struct http_client *client, const char *method, const char *path,
                         const char *content_type, struct str body,
                         const char *const *headers, size_t n_headers,
                         int *status, struct buf *answer) MUST_USE;
/* From now on a request ends after timeout_ms at the latest, and soon after
 * *cancelled is true (NULL: nobody cancels; set by any thread). */
void http_client_limit(struct http_client *client, long timeout_ms, const atomic_bool *cancelled);
/* From now on every request carries AWS's Signature Version 4: sigv4 is
 * "aws:amz:REGION:SERVICE", user "KEY:SECRET"; both stay the caller's. */
void http_client_sign(struct http_client *client, const char *sigv4, const char *user);
/* What the last answer asked for in Retry-After; 0 = nothing. */
int64_t http_client_retry_after_s(const struct http_client *client);
/* "POST http://…/v1/feed: Failed to connect …": of the last failure. */
const char *http_client_error(const struct http_client *client);

#endif
