/*
 * Lease: of several processes one leads (RULES.md 23).
 *
 *   look every tenth of the duration --free, ours, or unchanged for the whole
 *   duration by our own clock--> take (epoch + 1) --> renew every third
 *        ^                                               |
 *        +----------- the epoch is another's ------------+
 *
 * No two machines' clocks are compared: a process that waits sees whether the
 * row changes.  A leader that was paused may believe for a while that it still
 * leads; the store refuses its appends under the old epoch.  It leads until such
 * a refusal or a failed renewal, even while the store is down.
 */
#ifndef FEED_LEASE_H
#define FEED_LEASE_H

#include <uv.h>

#include "store/store.h"

/* ---- pure --------------------------------------------------------------- */

struct lease_row {
    struct str owner;
    int64_t epoch;
    int64_t until_ms; /* the owner's clock; 0 = given back */
};

/* The row as it was last seen, and since when it has looked so. */
struct lease_watch {
    bool seen;
    int64_t epoch, until_ms, since_ms;
};

/* May it be taken now?  now_ms is monotonic. */
bool lease_is_free(struct lease_watch *watch, const struct lease_row *row, struct str me,
                   int64_t now_ms, int64_t lease_ms) MUST_USE;

/* ---- over the store ------------------------------------------------------ */

struct lease;

struct lease_options {
    uv_loop_t *loop;
    struct store *store;
    const char *name;    /* its row in leases */
    const char *owner;   /* who we are; a process that finds itself the owner
                            takes the lease at once */
    int64_t lease_ms;
    bool watches;        /* only looks whether somebody holds it */
    /* On the loop.  epoch > 0: held under it; 0: another process holds it
     * (told again and again while that is so). */
    void (*on_change)(void *ctx, int64_t epoch);
    void *ctx;
};

struct lease *lease_new(const struct lease_options *options); /* strings are copied */
void lease_start(struct lease *lease);
/* It is held here, or another process has renewed it lately. */
bool lease_is_led(const struct lease *lease);
/* It is held here, and was renewed so lately that nobody can have taken it. */
bool lease_is_sure(const struct lease *lease);
/* The store has refused an append: looks again. */
void lease_lost(struct lease *lease);
/* Gives it back when it is held, so that another one need not wait, and
 * closes the timer; then on_stopped.  May be called when never started. */
void lease_stop(struct lease *lease, void (*on_stopped)(void *ctx), void *ctx);
void lease_free(struct lease *lease);

#endif
