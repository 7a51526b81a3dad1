/*
 * Liveness of producers (RULES.md 24): a pure machine.  It is told of alives
 * and of time, and says when a producer goes up or down; the caller writes
 * that into the log.
 *
 *            alive subscribed=1
 *   DOWN --------------------------> UP
 *        <--------------------------
 *     silence, or alive subscribed=0
 */
#ifndef FEED_PRODUCER_H
#define FEED_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/limits.h"

struct producer {
    int32_t id;
    bool up;          /* decided */
    bool logged_up;   /* what the log says */
    int64_t alive_ms; /* our clock, when its last alive came */
};

struct producers {
    struct producer list[LIMIT_PRODUCERS];
    unsigned n;
    int64_t silence_ms;
};

enum producer_turn { PRODUCER_STAYS = 0, PRODUCER_UP, PRODUCER_DOWN };

/* An alive came.  PRODUCER_STAYS also when the table is full. */
enum producer_turn producer_alive(struct producers *producers, int32_t id, bool subscribed,
                                  int64_t now_ms) MUST_USE;
/* The next producer that has been silent for too long, or NULL; it is down
 * from now on.  Call until NULL. */
const struct producer *producer_silent(struct producers *producers, int64_t now_ms);
/* What the log says: a turn is now durable. */
void producer_set(struct producers *producers, int32_t id, bool up, int64_t now_ms);
/* A turn that was decided may not have been written: back to what the log
 * says, from which it is decided again. */
void producer_revert(struct producers *producers);
void producer_reset(struct producers *producers); /* a restart: all down */

#endif
