/*
 * Answers: JSON bodies and refusals as RFC 9457 problem+json.
 */
#ifndef API_ANSWER_H
#define API_ANSWER_H

#include "model/refusal.h"
#include "net/http.h"

/* A JSON document made by the caller (copied). */
void answer_json(struct http_request *request, int status, struct str body);
void answer_json_with(struct http_request *request, int status, struct str body,
                      const struct http_header *headers, size_t n_headers);
void answer_empty(struct http_request *request, int status);
/*
 * A refusal: type, title, status, code from the table, `detail` as the
 * sentence for this occurrence, and `members`, JSON members without braces
 * ("\"odds\":\"2.35\""), for the client to go on; both may be empty.  429 and
 * 503 get Retry-After.
 */
void answer_refusal(struct http_request *request, enum refusal refusal,
                    struct str detail, struct str members);
/* The same with headers of the occurrence's own. */
void answer_refusal_with(struct http_request *request, enum refusal refusal, struct str detail,
                         const struct http_header *headers, size_t n_headers);
/* 405, with the methods that are allowed here ("GET, POST"). */
void answer_method_not_allowed(struct http_request *request, struct str allow);
/* Answers are counted by the refusal's code; answer_refusal() sees to it. */
void answer_label(struct http_request *request, enum refusal refusal);
/* The body alone, for verdicts that are stored or sent otherwise. */
void answer_refusal_body(struct buf *out, enum refusal refusal, struct str detail,
                         struct str members);

#endif
