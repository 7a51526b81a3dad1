/*
 * Calls "127.0.0.1:8080", "name:80" or "unix:/run/x.sock", without blocking.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <uv.h>

#include "base/check.h"

struct dial;

/* fd: the connection, the callee's from now on; below 0: libuv's error.  The
 * dial is gone after it. */
typedef void dial_done(void *ctx, int fd);

/* on_done comes later, from the loop.  address stays the caller's until then. */
struct dial *dial_new(uv_loop_t *loop, const char *address, dial_done *on_done,
                      void *ctx) MUST_USE;
/* on_done does not come. */
void dial_cancel(struct dial *dial);

#endif
