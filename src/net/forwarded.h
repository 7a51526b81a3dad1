/*
 * Who the client is behind load balancers: X-Forwarded-For.  Each proxy puts
 * the address it was called from at the end of the list; what stands before
 * the trusted ones' entries anybody may have written.
 */
#ifndef NET_FORWARDED_H
#define NET_FORWARDED_H

#include <stdint.h>

#include "base/str.h"

/* The entry that the outermost of `proxies` proxies wrote: so many from the
 * end.  n = 0: the list is shorter than that, or it is no address. */
struct str forwarded_client(struct str list, int64_t proxies);

#endif
