/*
 * A small blocking HTTP client for the commands that talk to a server (sim,
 * replay): one connection, kept alive, made again when it is lost.  Over
 * libcurl, which only client.c knows.  Never used on the event loop.
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"

struct client;

/* base_url: "http://127.0.0.1:8081", without a path.  NULL: libcurl cannot
 * start. */
struct client *client_new(const char *base_url) MUST_USE;
void client_free(struct client *client);

/*
 * One request and its answer.  body may be STR_NONE; content_type goes with
 * a body.  headers: n lines such as "Authorization: Bearer x".  *answer is
 * emptied, then filled.  False: no whole answer came and client_error() says
 * why; whether the server acted on the request is not known then.
 */
bool client_request(struct client *client, const char *method, const char *path,
                    const char *content_type, struct str body,
                    const char *const *headers, size_t n_headers,
                    int *status, struct buf *answer) MUST_USE;
/* From now on a request ends after timeout_ms at the latest, and soon after
 * *cancelled is true (NULL: nobody cancels; set by any thread). */
void client_limit(struct client *client, long timeout_ms, const atomic_bool *cancelled);
/* From now on every request carries AWS's Signature Version 4: sigv4 is
 * "aws:amz:REGION:SERVICE", user "KEY:SECRET"; both stay the caller's. */
void client_sign(struct client *client, const char *sigv4, const char *user);
/* What the last answer asked for in Retry-After; 0 = nothing. */
int64_t client_retry_after_s(const struct client *client);
/* "POST http://…/v1/feed: Failed to connect …": of the last failure. */
const char *client_error(const struct client *client);

#endif
