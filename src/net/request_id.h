/*
 * X-Request-Id: whose an answer and a log line are.  A client, or the load
 * balancer before us, may name its request; else we do.
 */
#ifndef NET_REQUEST_ID_H
#define NET_REQUEST_ID_H

#include "base/str.h"

#define REQUEST_ID_MADE 32 /* bytes of one that is made: hexadecimal digits */

/* 1 to LIMIT_REQUEST_ID_BYTES letters, digits and "-._~:+/=@". */
bool request_id_is_well(struct str id);
/* Unlike any other of this process, and with all likelihood of any process:
 * the first half is the process's, the second half the request's. */
void request_id_make(char out[REQUEST_ID_MADE]);

#endif
