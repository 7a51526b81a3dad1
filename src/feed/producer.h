/*
 * Liveness and recovery of producers (RULES.md 21, 23, 24): a pure machine.
 * Its inputs are alives, ends of recoveries, answers to our requests and time.
 * Its outputs are actions: write a turn into the log, or request recovery.
 *
 *             alive subscribed=1              snapshot_complete of our request
 *   DOWN ---------------------> RECOVERING ------------------------------> UP
 *    ^ \                         |  ^   |                                  |
 *    |  \ no address: at once    |  \---/ refused, late, lost: ask again,  |
 *    |   \-----------------------|--------------------------------> UP     |
 *    |                           |                                         |
 *    \---------------------------+-----------------------------------------/
 *                 silence, alive subscribed=0, the session was lost
 *
 * Two clocks, never mixed.  `now_ms` is ours and monotonic: silence, pauses
 * and limits are measured by it.  Timestamps of alives are the producer's: the
 * recovery point is one of them and is compared with nothing else.
 *
 * The recovery point is a function of the log: the latest alive that came
 * while the log said "up".  It survives a restart, because the log is replayed.
 * The request itself need not survive: after a restart every producer is down,
 * so recovery is requested again from the same point under a new id, and the
 * end of the former request is ignored.
 */
#ifndef FEED_PRODUCER_H
#define FEED_PRODUCER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/limits.h"

enum producer_state { PRODUCER_DOWN = 0, PRODUCER_RECOVERING, PRODUCER_UP };

struct producer {
    int32_t id;
    enum producer_state state;
    bool logged_up;        /* what the log says */
    bool telling_up;       /* a turn up was handed out, and nothing since */
    bool telling_down;     /* a turn down was handed out and is not in the log */
    bool owes_down;        /* one must be handed out */
    int64_t window_ms;     /* how far back it recovers; 0 = it has no address */

    bool heard;            /* an alive came since the start */
    int64_t alive_ms;      /* our clock, when its last alive came */
    int64_t alive_ts;      /* its clock, in that alive */
    int64_t skew_ms;       /* its clock less our wall clock, then */

    int64_t logged_ts;     /* its clock: the last alive in the log */
    int64_t logged_at_ms;  /* our wall clock, when that one was written; 0 = none */
    int64_t point_ts;      /* its clock: recover what came after; 0 = not known */

    int64_t request_id;    /* the recovery that is waited for; 0 = none */
    int64_t after_ts;      /* of that request; 0 = without */
    int64_t since_ms;      /* our clock, when it began to recover */
    int64_t asked_ms;      /* our clock, when that request was made */
    int64_t flight_id;     /* request whose answer has not come; 0 = none */
    bool again;            /* that request may have been lost: ask again */
    int64_t pause_until_ms; /* our clock; before, nothing is asked */
    uint32_t failures;     /* in a row */
    uint64_t asked, recovered; /* requests and recoveries since the start */
};

struct producers {
    struct producer list[LIMIT_PRODUCERS];
    unsigned n;
    int64_t silence_ms;    /* silent for so long is down */
    int64_t timeout_ms;    /* a recovery that takes longer is asked for again */
    int64_t pause_ms;      /* after the first failure; doubles with each */
    int64_t last_id;       /* of requests */
    /* 0 .. below-1; spreads retries and makes ids unlike other processes'. */
    uint32_t (*random)(void *ctx, uint32_t below);
    void *ctx;
};

enum producer_act {
    PRODUCER_ACT_NONE = 0,
    PRODUCER_ACT_UP,       /* write the turn into the log */
    PRODUCER_ACT_DOWN,     /* also when it was down: what a half recovery listed
                              is listed no more */
    PRODUCER_ACT_ASK,      /* send the request; tell producer_answered() */
};

struct producer_action {
    enum producer_act act;
    int32_t producer;
    const char *why;       /* static, for the log of the process */
    int64_t request_id;    /* ASK */
    int64_t after_ts;      /* ASK: its clock; 0 = leave `after` out */
};

/* It can be asked for recovery of what is at most window_ms old. */
void producer_add_address(struct producers *producers, int32_t id, int64_t window_ms);

/* What a message that came says: call before it is in the log. */
struct producer_alive {
    int32_t producer;
    bool subscribed;
    int64_t timestamp_ts, skew_ms;
};
struct producer_action producer_alive(struct producers *producers,
                                      const struct producer_alive *alive,
                                      int64_t now_ms) MUST_USE;
struct producer_action producer_snapshot(struct producers *producers, int32_t id,
                                         int64_t request_id) MUST_USE;

/* What time says, and what an alive made possible: call until
 * PRODUCER_ACT_NONE.  wall_ms: for a request's id. */
struct producer_action producer_tick(struct producers *producers, int64_t now_ms,
                                     int64_t wall_ms) MUST_USE;

enum producer_answer {
    PRODUCER_ACCEPTED,     /* its end will be announced */
    PRODUCER_REFUSED,      /* will not be done */
    PRODUCER_LIMITED,      /* 429 */
    PRODUCER_LOST,         /* timed out or cut off: may or may not be done */
};
/* The answer to an ASK, exactly once.  retry_after_ms: as it asks for, or 0. */
void producer_answered(struct producers *producers, int64_t request_id,
                       enum producer_answer answer, int64_t retry_after_ms, int64_t now_ms);

/* What is in the log now, in its order, replayed or fresh; at_ms: our wall
 * clock when it was written, for people. */
void producer_logged_alive(struct producers *producers, int32_t id, bool subscribed,
                           int64_t timestamp_ts, int64_t at_ms);
void producer_logged_turn(struct producers *producers, int32_t id, bool up);
void producer_logged_restart(struct producers *producers); /* all down */
/* The log is another process's to write: nothing is decided any more. */
void producer_step_down(struct producers *producers);

/* Turns that were decided may not have been written.  One that is up waits for
 * its reason to come again; the ones to go down are returned: call until
 * PRODUCER_ACT_NONE. */
void producer_unwritten(struct producers *producers);
/* Messages may have been missed, as after another process led, or a new
 * session: all go down and recover.  Call until PRODUCER_ACT_NONE after
 * producer_lost(). */
void producer_lost(struct producers *producers);
struct producer_action producer_owed(struct producers *producers, const char *why) MUST_USE;

#endif
