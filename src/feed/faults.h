/*
 * Faults: what goes wrong between the simulator and its receiver, on request
 * and by dice: a producer that falls silent, messages that come twice or in
 * another order, a restart, a snapshot_complete that is lost.  Pure: time is
 * an argument, in milliseconds of the run.
 */
#ifndef FEED_FAULTS_H
#define FEED_FAULTS_H

#include "base/buf.h"

#define FAULTS_SILENCES_MAX 16
#define FAULTS_RESTART_MS 5000 /* how long a restart takes */

struct faults_silence {
    int producer;
    int64_t at_ms, for_ms;
};

struct faults_options {
    struct faults_silence silent[FAULTS_SILENCES_MAX];
    unsigned n_silent;
    unsigned duplicate_pct, reorder_pct;
    int64_t restart_ms;       /* 0 = never */
    bool drop_snapshot;       /* each producer's first snapshot_complete */
    uint64_t seed;
};

enum faults_kind { FAULTS_ALIVE, FAULTS_SNAPSHOT, FAULTS_OTHER };

struct faults {
    struct faults_options options;
    uint64_t dice;
    struct buf held;          /* a message that goes after its successor */
    uint64_t dropped;         /* producers (< 64) whose snapshot was lost */
    bool (*emit)(void *ctx, struct str message);
    void *ctx;
};

void faults_init(struct faults *faults, const struct faults_options *options,
                 bool (*emit)(void *ctx, struct str message), void *ctx);
void faults_fini(struct faults *faults);
/* One message on its way.  False: emit said so. */
bool faults_pass(struct faults *faults, int64_t at_ms, int producer, enum faults_kind kind,
                 struct str message) MUST_USE;
/* What was held back, at the end. */
bool faults_flush(struct faults *faults) MUST_USE;
/* "1:60:25": producer, from when, for how long, in seconds. */
bool faults_silence_parse(const char *text, struct faults_silence *silence) MUST_USE;

#endif
