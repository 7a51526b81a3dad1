/*
 * The other direction, for the load generator: bytes in, one answer out.
 */
#ifndef NET_HTTP_RESPONSE_H
#define NET_HTTP_RESPONSE_H

#include <stdint.h>

#include "base/buf.h"

struct http_response;

enum http_response_result {
    HTTP_RESPONSE_MORE,  /* all eaten, the answer is not complete */
    HTTP_RESPONSE_DONE,  /* status, body and keep_alive hold; of 101 what follows is not read */
    HTTP_RESPONSE_BAD,   /* http_response_why() */
};

struct http_response *http_response_new(void) MUST_USE;
void http_response_free(struct http_response *response);
/* Forgets the answer before. */
void http_response_start(struct http_response *response);
enum http_response_result http_response_feed(struct http_response *response,
                                             const char *p, size_t n) MUST_USE;
int http_response_status(const struct http_response *response);
bool http_response_keeps_alive(const struct http_response *response);
/* What the answer asked for in Retry-After, in seconds; 0: nothing, or a date. */
int64_t http_response_retry_after_s(const struct http_response *response);
/* Until the next start. */
struct str http_response_body(const struct http_response *response);
const char *http_response_why(const struct http_response *response);

#endif
