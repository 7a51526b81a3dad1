/*
 * Sim: a match day as feed messages, from dice or from what really happened.
 *
 *   prematch (producer 3) --kick-off, handed over--> live (producer 1)
 *     danger: bet_stop      goal: bet_stop, the score, what it decided
 *     (certainty 1), new odds, the same again (certainty 2)
 *     disallowed: bet_stop, rollback, the bets since the goal are cancelled
 *     half-time: the next match is announced
 *     full time: bet_stop, the final score, all results (certainty 1, 2)
 *
 * A machine over its own time: same seed, same matches, same messages but
 * for their timestamps.  It reads no clock and sends nothing: the caller
 * asks when the next step is due and takes the messages.  Alives, repeats of
 * all odds (for receivers that cannot ask) and faults are steps like others.
 *
 *   sim.c           time, alives, snapshots, recovery      faults.c
 *   sim_match.c     one match's course                     script.c, goals.c
 *   sim_messages.c  what it says of itself                 offer.c, compose.c
 */
#ifndef FEED_SIM_H
#define FEED_SIM_H

#include "base/buf.h"
#include "base/str.h"
#include "feed/faults.h"
#include "feed/script.h"

#define SIM_MATCHES_MAX 1000
#define SIM_MARGIN 0.06

struct sim;

/* A match that is given, not drawn.  Borrowed until sim_free(). */
struct sim_fixture {
    unsigned id;               /* the event's, above base_id */
    const char *home, *away, *tournament, *category;
    unsigned home_id, away_id, tournament_id;
    double mean[2];            /* goals in a whole match */
    int64_t kickoff_ms;        /* the sim's time */
    const struct script *script;
};

struct sim_options {
    unsigned matches;     /* at a time */
    uint64_t seed;
    int64_t base_id;      /* matches are sr:match:<base_id + 0, 1, …> */
    double speed;         /* of its time against the wall's */
    double margin;        /* 0.06 = 6 % */
    bool once;            /* a match that ends is not followed by another */
    bool day;             /* all announced at once, kick-offs in waves; implies once */
    const struct sim_fixture *fixtures; /* instead of drawn ones; implies once */
    unsigned n_fixtures;
    int64_t head_start_ms; /* of its own time that has passed unseen */
    bool refresh;         /* repeats everything now and then */
    struct faults_options faults;
    /* Takes one message; false ends the step. */
    bool (*emit)(void *ctx, struct str message);
    void *ctx;
};

/* wall_ms: now. */
struct sim *sim_new(const struct sim_options *options, int64_t wall_ms);
void sim_free(struct sim *sim);
/* Alives, market names, and every match as it stands.  First of all. */
bool sim_begin(struct sim *sim, int64_t wall_ms) MUST_USE;
/* When the next step is due, in milliseconds of its own time from 0; false:
 * all matches are over. */
bool sim_next(const struct sim *sim, int64_t *at_ms) MUST_USE;
/* Takes that step; `wall_ms` is now, for timestamps and kick-offs.  False:
 * emit said so. */
bool sim_step(struct sim *sim, int64_t wall_ms) MUST_USE;
/* Names, fixtures, status, all odds, and what was decided since `after_ms`
 * (the wall's; INT64_MAX = nothing): for a receiver that was away. */
bool sim_snapshot(struct sim *sim, int64_t wall_ms, int64_t after_ms) MUST_USE;
/* A recovery of one producer: the same, then snapshot_complete, all bearing
 * the request's id. */
bool sim_recover(struct sim *sim, int64_t wall_ms, int producer, int64_t after_ms,
                 int64_t request_id) MUST_USE;
/* Alives out of turn: the caller is late. */
bool sim_alive(struct sim *sim, int64_t wall_ms) MUST_USE;
/* What faults hold back. */
bool sim_flush(struct sim *sim) MUST_USE;

#endif
