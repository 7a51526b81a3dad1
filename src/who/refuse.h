/* What refusals say beside the table's words, and answers that tell the rate. */
#ifndef WHO_REFUSE_H
#define WHO_REFUSE_H

#include "model/refusal.h"
#include "who/who.h"

/* For `detail`, when the occurrence has no sentence of its own. */
struct str refuse_sentence(enum refusal refusal);
/* Answers, with RateLimit-* of `whom` (empty: not known) and what the status
 * owes: Retry-After, WWW-Authenticate. */
void refuse_respond(struct who *who, struct http_request *request, struct str whom, int status,
                    const char *type, struct str body);

#endif
