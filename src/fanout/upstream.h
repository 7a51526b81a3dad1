/*
 * Subscriptions upstream: each event and sport that a reader wants, once, over as
 * few WebSockets as the limits of a subscription allow.
 *
 *   channel: QUEUED --> ASKED (an image is on its way) --> HELD (by a line)
 *                ^                                  \--> MISSING: asked again later
 *                +--- the line was lost, of what has no image; sports
 *
 * A line is a WebSocket.  A `subscribe` replaces the former one, and its clk is
 * valid for all channels that it names or for none.  So a line without channels
 * subscribes to new channels without a clk; when their images have arrived, another
 * line takes the channels over by clk.  A line without channels closes after some
 * seconds, unless it is the only one.
 *
 * Readers are promised the lowest of the clks that the lines with channels received
 * last.
 */
#ifndef FANOUT_UPSTREAM_H
#define FANOUT_UPSTREAM_H

#include "web/stream_inside.h"

#define UPSTREAM_LINES 32        /* and so 3,200 events */
#define UPSTREAM_MISSING 20000   /* channels of what is not there */

struct upstream;

struct upstream *upstream_new(uv_loop_t *loop, const char *address) MUST_USE;
/* From here on it connects; what it hears goes to this stream's channels. */
void upstream_start(struct upstream *upstream, struct stream *stream);
/* The loop may end. */
void upstream_stop(struct upstream *upstream);
void upstream_free(struct upstream *upstream); /* when the loop has ended */

/* For how long, in ms, not everything that readers have has come, or was heard of
 * lately; 0: it does. */
uint64_t upstream_stale_ms(const struct upstream *upstream);
void upstream_metrics(const struct upstream *upstream);

/* The stream's source: stream_options.ctx is the upstream. */
extern const struct stream_source upstream_source;

#endif
