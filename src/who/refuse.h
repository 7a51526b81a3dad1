/* Answers that tell the rate, and with a refusal when to come again. */
#ifndef WHO_REFUSE_H
#define WHO_REFUSE_H

#include "who/who.h"

/* Answers, with RateLimit-* of `whom` (empty: not known) and what the status
 * owes: Retry-After, WWW-Authenticate. */
void refuse_respond(struct who *who, struct http_request *request, struct str whom, int status,
                    const char *type, struct str body);

#endif
