/*
 * The producer's side of recovery, for the simulator:
 *
 *   POST /v1/{product}/recovery/initiate_request?after=MS&request_id=N
 *     -> 202 <response response_code="ACCEPTED">
 *
 * {product} is liveodds or pre.  Requests wait here until the simulator takes
 * them; it runs the loop itself, a turn now and then, so that there is one
 * thread only.
 */
#ifndef FEED_RECOVERY_SIDE_H
#define FEED_RECOVERY_SIDE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

#define RECOVERY_SIDE_WAITING 64

struct recovery_side;

struct recovery_request {
    int producer;
    int64_t after_ms;     /* 0 = from ever */
    int64_t request_id;
};

/* listen: "127.0.0.1:0".  NULL: *error, in the arena, says why. */
struct recovery_side *recovery_side_new(const char *listen, struct arena *arena,
                                        struct str *error) MUST_USE;
void recovery_side_free(struct recovery_side *side);
int recovery_side_port(const struct recovery_side *side);
/* Answers what has come, waiting for at most so long. */
void recovery_side_turn(struct recovery_side *side, int64_t patience_us);
/* The next request that was accepted; false: none waits. */
bool recovery_side_take(struct recovery_side *side, struct recovery_request *request) MUST_USE;

#endif
