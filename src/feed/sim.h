/*
 * Sim: matches that nobody played, as feed messages.
 *
 *   prematch (producer 3) --kick-off, handed over--> live (producer 1)
 *     goal: bet_stop, the score, what it decided (certainty 1), new odds
 *     half-time: the next match is announced
 *     full time: bet_stop, the final score, all results (certainty 2)
 *
 * A machine over its own time: same seed, same matches, same messages but
 * for their timestamps.  It reads no clock and sends nothing: the caller
 * asks when the next step is due and takes the messages.
 */
#ifndef FEED_SIM_H
#define FEED_SIM_H

#include "base/buf.h"
#include "base/str.h"

#define SIM_MATCHES_MAX 1000

struct sim;

struct sim_options {
    unsigned matches;     /* at a time */
    uint64_t seed;
    int64_t base_id;      /* matches are sr:match:<base_id + 0, 1, …> */
    double speed;         /* of its time against the wall's, for kick-off times */
    bool once;            /* a match that ends is not followed by another */
    /* Takes one message; false ends the step. */
    bool (*emit)(void *ctx, struct str message);
    void *ctx;
};

struct sim *sim_new(const struct sim_options *options);
void sim_free(struct sim *sim);
/* When the next step is due, in milliseconds of its own time from 0; false:
 * all matches are over. */
bool sim_next(const struct sim *sim, int64_t *at_ms) MUST_USE;
/* Takes that step; `wall_ms` is now, for timestamps and kick-offs.  False:
 * emit said so. */
bool sim_step(struct sim *sim, int64_t wall_ms) MUST_USE;
/* Every match as it stands: its fixture (optional), status and all odds. */
bool sim_snapshot(struct sim *sim, int64_t wall_ms, bool fixtures) MUST_USE;

#endif
