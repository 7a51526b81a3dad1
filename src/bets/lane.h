/* Lanes: group commit of money commands. */
#ifndef BETS_LANE_H
#define BETS_LANE_H

#include "store/money.h"

enum lane_result {
    LANE_DECIDED = 0, /* money.outcome and money.decided tell what */
    LANE_BUSY,        /* nothing was applied: 503 */
    LANE_UNKNOWN,     /* applied or not: 202 */
};

/* A command; the caller's memory until on_done. */
struct lane_cmd {
    struct money_cmd money;
    /* the lane's own */
    struct lane_cmd *next;
    int64_t queued_us, sent_us; /* sent_us: its last batch, of batch_n commands */
    uint32_t batch_n;
    enum lane_result result;
};

struct lanes_options {
    uv_loop_t *loop;
    struct store *store;
    int64_t delay_us_max; /* budget of waiting for a batch */
    size_t queue_max;     /* commands waiting */
    /* A lane sends a batch at most this often, unless PACE_FULL commands
     * wait: under load a commit is shared by more; 0 = at once. */
    int64_t pace_us;
    /* Batches are made now: what commands are judged by must be of this moment.
     * NULL: it is. */
    void (*on_turn)(void *ctx);
    /* The command goes into a batch now: judge it (may run again when the
     * batch was not applied). */
    void (*on_form)(void *ctx, struct lane_cmd *cmd);
    /* The last word; the command is the caller's again. */
    void (*on_done)(void *ctx, struct lane_cmd *cmd, enum lane_result result);
    void *ctx;
};

struct lanes;

struct lanes *lanes_new(const struct lanes_options *options) MUST_USE;
void lanes_free(struct lanes *lanes); /* idle; ends in the loop's next turn */

/* False: it would wait past the budget, the queue is full, or the store is
 * down.  Say 503. */
bool lanes_have_room(const struct lanes *lanes, int64_t account, int64_t now_us) MUST_USE;
/* Only after lanes_have_room(). */
void lanes_submit(struct lanes *lanes, struct lane_cmd *cmd, int64_t now_us);

uint32_t lanes_queued(const struct lanes *lanes); /* beyond those in flight */
/* The longest that a command waited for its batch, or waits, lately (15 to 30 s). */
int64_t lanes_waited_us(struct lanes *lanes, int64_t now_us);
/* Commands wait for a batch in flight to come back. */
bool lanes_are_behind(const struct lanes *lanes);
bool lanes_are_idle(const struct lanes *lanes);

#endif
