/*
 * Lanes: one transaction in flight each; what queues meanwhile is the next
 * batch: group commit.  Accounts hash to lanes.
 *
 *   lane.ready -> account -> account -> …      accounts with something to do
 *                   |          \ cmd
 *                    \ cmd -> cmd              one of them a batch, in order
 *
 * An account is on the ready list or in the batch, never both, so that a batch
 * holds at most one command of it, and forming a batch never walks past
 * commands that must wait.
 *
 *   done                 next command of the account, at the end of the list
 *   skipped (rule 25)    to the front of the list; after SKIPS_ALONE times
 *                        alone, waiting for the lock; after SKIPS_MAX: busy
 *   batch unavailable    all busy
 *   batch unknown        all unknown, never guessed (rule 13)
 *   fenced (rule 14)     busy, but who charges no limit is first again
 *   batch rejected       back to the front in order, the next batch half the
 *                        size, until the offender stands alone: busy, alarm
 *
 * A lane whose last batch is younger than the pace waits for company, unless
 * enough wait already: a commit costs the same for one as for many.
 *
 * Batches are formed after the loop has polled, so that the requests read in
 * one turn share one, and before it polls again, for what timers submitted.
 */
#include "bets/lane.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"
#include "trace/context.h"

#define SKIPS_ALONE 3
#define SKIPS_MAX 6
#define LANES_MAX 64
#define PACE_FULL 64   /* commands that are worth a batch at any time */
#define SPARE_MAX 1024 /* account entries kept for the next use */
#define WAITED_US (15 * (int64_t)1000000) /* a time of which the longest wait is kept */

struct lane_account {
    int64_t account;
    struct lane_cmd *first, **last;
    struct lane_account *next; /* ready list, or the spare ones */
    uint32_t skips;            /* of the first command */
};

struct lane {
    struct lanes *lanes;
    struct lane_account *ready, **ready_last;
    uint32_t queued;    /* commands, without those in flight */
    bool in_flight;
    int64_t sent_us;    /* its last batch */
    int64_t commit_us;  /* of recent batches, smoothed */
    uint32_t batch_max; /* below LIMIT_BATCH while an offender is looked for */
    char trace_id[33];  /* of a command of the batch that is traced, or "" */
    uint32_t suspects;  /* commands of the rejected batch, not yet decided */
    struct money_batch batch;
    struct lane_account *accounts[LIMIT_BATCH]; /* of the batch */
    struct lane_cmd *finished[LIMIT_BATCH];
};

struct lanes {
    struct lanes_options options;
    uv_check_t check;
    uv_prepare_t prepare;
    uv_timer_t pace; /* a lane that paces is looked at again */
    int handles; /* open */
    struct map accounts;
    struct lane_account *spare;
    uint32_t n_spare, queued;
    int64_t waited_since_us, waited_us, waited_before_us; /* longest: now, the time before */
    unsigned n;
    struct lane *lane;
};

/* The commands of an account, as its list has them. */
static uint32_t count_cmds(const struct lane_account *account)
{
    uint32_t n = 0;

    for (const struct lane_cmd *cmd = account->first; cmd != NULL; cmd = cmd->next)
        n++;
    return n;
}

/* What waits is what the lists have: with those of the batch, which are first
 * on theirs and not counted. */
static bool counts_well(const struct lane *lane)
{
    uint32_t n = 0;

    for (const struct lane_account *at = lane->ready; at != NULL; at = at->next)
        n += count_cmds(at);
    for (uint32_t i = 0; lane->in_flight && i < lane->batch.n; i++)
        n += count_cmds(lane->accounts[i]) - 1;
    return n == lane->queued;
}

/* Between two turns, and as a batch leaves. */
static void lane_check(const struct lane *lane)
{
    CHECK((lane->ready == NULL) == (lane->ready_last == &lane->ready));
    CHECK(lane->ready == NULL || lane->ready->first != NULL);
    CHECK(lane->batch_max >= 1 && lane->batch_max <= LIMIT_BATCH);
    CHECK(lane->batch.n <= LIMIT_BATCH);
    CHECK(lane->queued <= lane->lanes->queued);
    CHECK(lane->suspects <= LIMIT_BATCH);
    CHECK_DEAR(counts_well(lane));
}

static void lanes_form(struct lanes *lanes);

static void on_check(uv_check_t *check)
{
    lanes_form(check->data);
}

static void on_prepare(uv_prepare_t *prepare)
{
    lanes_form(prepare->data);
}

/* It only wakes the loop: its turn forms what has become due. */
static void on_pace(uv_timer_t *timer)
{
    (void)timer;
}

struct lanes *lanes_new(const struct lanes_options *options)
{
    struct lanes *lanes = calloc(1, sizeof(*lanes));

    CHECK(lanes != NULL && options->queue_max > 0);
    CHECK(options->on_form != NULL && options->on_done != NULL);
    CHECK(options->pace_us >= 0 && options->delay_us_max >= 0);
    lanes->options = *options;
    lanes->n = store_lanes(options->store);
    CHECK(lanes->n >= 1 && lanes->n <= LANES_MAX);
    lanes->lane = calloc(lanes->n, sizeof(*lanes->lane));
    CHECK(lanes->lane != NULL);
    for (unsigned i = 0; i < lanes->n; i++) {
        lanes->lane[i].lanes = lanes;
        lanes->lane[i].ready_last = &lanes->lane[i].ready;
        lanes->lane[i].batch_max = LIMIT_BATCH;
    }
    map_init(&lanes->accounts, options->queue_max + (size_t)lanes->n * LIMIT_BATCH);
    CHECK(uv_check_init(options->loop, &lanes->check) == 0);
    CHECK(uv_prepare_init(options->loop, &lanes->prepare) == 0);
    CHECK(uv_timer_init(options->loop, &lanes->pace) == 0);
    lanes->handles = 3;
    lanes->check.data = lanes->prepare.data = lanes->pace.data = lanes;
    CHECK(uv_check_start(&lanes->check, on_check) == 0);
    CHECK(uv_prepare_start(&lanes->prepare, on_prepare) == 0);
    /* They look after work, they are none: a loop may end without them. */
    uv_unref((uv_handle_t *)&lanes->check);
    uv_unref((uv_handle_t *)&lanes->prepare);
    return lanes;
}

static void on_closed(uv_handle_t *handle)
{
    struct lanes *lanes = handle->data;
    struct lane_account *account;

    if (--lanes->handles > 0)
        return;
    while ((account = lanes->spare) != NULL) {
        lanes->spare = account->next;
        free(account);
    }
    map_fini(&lanes->accounts);
    free(lanes->lane);
    free(lanes);
}

void lanes_free(struct lanes *lanes)
{
    if (lanes == NULL)
        return;
    CHECK(lanes_are_idle(lanes));
    CHECK(lanes->accounts.n == 0);
    uv_close((uv_handle_t *)&lanes->check, on_closed);
    uv_close((uv_handle_t *)&lanes->prepare, on_closed);
    uv_close((uv_handle_t *)&lanes->pace, on_closed);
}

/* Fibonacci hashing: ids made in one burst spread over the lanes. */
static struct lane *lane_of(const struct lanes *lanes, int64_t account)
{
    uint64_t mixed = (uint64_t)account * UINT64_C(0x9E3779B97F4A7C15);

    return &lanes->lane[(mixed >> 32) % lanes->n];
}

static struct lane_account *account_new(struct lanes *lanes, int64_t id)
{
    struct lane_account *account = lanes->spare;

    if (account != NULL) {
        lanes->spare = account->next;
        lanes->n_spare--;
    } else {
        account = malloc(sizeof(*account));
        CHECK(account != NULL);
    }
    *account = (struct lane_account){ .account = id };
    account->last = &account->first;
    CHECK(map_put(&lanes->accounts, MAP_KEY(&account->account), account));
    return account;
}

static void account_free(struct lanes *lanes, struct lane_account *account)
{
    CHECK(account->first == NULL && account->last == &account->first);
    CHECK(map_del(&lanes->accounts, MAP_KEY(&account->account)) == account);
    if (lanes->n_spare >= SPARE_MAX) {
        free(account);
        return;
    }
    account->next = lanes->spare;
    lanes->spare = account;
    lanes->n_spare++;
}

static void ready_push(struct lane *lane, struct lane_account *account)
{
    account->next = NULL;
    *lane->ready_last = account;
    lane->ready_last = &account->next;
}

static void ready_push_front(struct lane *lane, struct lane_account *account)
{
    account->next = lane->ready;
    if (lane->ready == NULL)
        lane->ready_last = &account->next;
    lane->ready = account;
}

static struct lane_account *ready_pop(struct lane *lane)
{
    struct lane_account *account = lane->ready;

    CHECK(account != NULL);
    lane->ready = account->next;
    if (lane->ready == NULL)
        lane->ready_last = &lane->ready;
    account->next = NULL;
    return account;
}

static void count_queued(struct lane *lane, int32_t n)
{
    CHECK((int64_t)lane->queued + n >= 0);
    lane->queued = (uint32_t)((int64_t)lane->queued + n);
    lane->lanes->queued = (uint32_t)((int64_t)lane->lanes->queued + n);
}

bool lanes_have_room(const struct lanes *lanes, int64_t account, int64_t now_us)
{
    const struct lane *lane = lane_of(lanes, account);
    int64_t turn_us = lane->commit_us;

    if (!store_is_up(lanes->options.store) || lanes->queued >= lanes->options.queue_max)
        return false;
    if (!lane->in_flight)
        return true;
    /* A commit that hangs counts as long as it has hung. */
    if (now_us - lane->sent_us > turn_us)
        turn_us = now_us - lane->sent_us;
    return turn_us * (1 + lane->queued / LIMIT_BATCH) <= lanes->options.delay_us_max;
}

void lanes_submit(struct lanes *lanes, struct lane_cmd *cmd, int64_t now_us)
{
    struct lane *lane = lane_of(lanes, cmd->money.account);
    struct lane_account *account = map_get(&lanes->accounts, MAP_KEY(&cmd->money.account));

    CHECK(lanes->queued < lanes->options.queue_max);
    CHECK(cmd->money.account > 0);
    cmd->next = NULL;
    cmd->queued_us = now_us;
    if (account == NULL) {
        account = account_new(lanes, cmd->money.account);
        ready_push(lane, account);
    }
    *account->last = cmd;
    account->last = &cmd->next;
    count_queued(lane, 1);
}

/* Takes the first command off its account, which goes on or goes away. */
static void finish_first(struct lane *lane, struct lane_account *account,
                         enum lane_result result, uint32_t *n_finished)
{
    struct lane_cmd *cmd = account->first;

    CHECK(cmd != NULL && *n_finished < LIMIT_BATCH);
    cmd->result = result;
    cmd->sent_us = lane->sent_us;
    cmd->batch_n = lane->batch.n;
    account->first = cmd->next;
    account->skips = 0;
    lane->finished[(*n_finished)++] = cmd;
    if (account->first != NULL) {
        ready_push(lane, account);
    } else {
        account->last = &account->first;
        account_free(lane->lanes, account);
    }
}

/* True: it goes back to the front, the first of the next batch. */
static bool skipped_goes_first(struct lane *lane, struct lane_account *account,
                               uint32_t *n_finished)
{
    metric_inc(METRIC_LANE_SKIPPED);
    if (++account->skips >= SKIPS_MAX) {
        log_warn("lane", "account stays locked", "account=%" PRId64, account->account);
        finish_first(lane, account, LANE_BUSY, n_finished);
        return false;
    }
    count_queued(lane, 1);
    if (!lane->batch.wait)
        return true;
    ready_push(lane, account); /* it had its turn: others may go between */
    return false;
}

/* Everything back to the front in its order, and half as many next time. */
static void halve(struct lane *lane, uint32_t *n_finished)
{
    struct money_batch *batch = &lane->batch;

    CHECK(batch->n >= 1);
    if (lane->suspects == 0)
        lane->suspects = batch->n;
    if (batch->n == 1) {
        log_error("lane", "command rejected by the store", "account=%" PRId64 " op=%d",
                  batch->cmds[0]->account, (int)batch->cmds[0]->op);
        finish_first(lane, lane->accounts[0], LANE_BUSY, n_finished);
        lane->batch_max = LIMIT_BATCH;
        lane->suspects--;
        return;
    }
    metric_inc(METRIC_LANE_HALVED);
    log_warn("lane", "batch rejected, halving", "n=%u", batch->n);
    lane->batch_max = batch->n / 2;
    for (uint32_t i = batch->n; i-- > 0;)
        ready_push_front(lane, lane->accounts[i]);
    count_queued(lane, (int32_t)batch->n);
}

/* True: not decided, and the first of the next batch. */
static bool goes_again(struct lane *lane, struct lane_account *account,
                       const struct money_cmd *cmd, uint32_t *n_finished)
{
    if (cmd->outcome == MONEY_SKIPPED)
        return skipped_goes_first(lane, account, n_finished);
    if (cmd->outcome == MONEY_FENCED && cmd->liability_epoch == 0) {
        count_queued(lane, 1); /* it was in a batch with one that charges a limit */
        return true;
    }
    finish_first(lane, account, LANE_DECIDED, n_finished);
    return false;
}

static void decided(struct lane *lane, uint32_t *n_finished)
{
    struct money_batch *batch = &lane->batch;
    struct lane_account *first[LIMIT_BATCH];
    uint32_t n_first = 0;

    for (uint32_t i = 0; i < batch->n; i++) {
        CHECK(batch->cmds[i]->outcome != MONEY_PENDING);
        if (goes_again(lane, lane->accounts[i], batch->cmds[i], n_finished))
            first[n_first++] = lane->accounts[i];
    }
    while (n_first > 0)
        ready_push_front(lane, first[--n_first]);
    lane->suspects -= batch->n < lane->suspects ? batch->n : lane->suspects;
    if (lane->suspects == 0)
        lane->batch_max = LIMIT_BATCH;
    else if (lane->batch_max < LIMIT_BATCH / 2)
        lane->batch_max *= 2;
}

static void finish_all(struct lane *lane, enum lane_result result, uint32_t *n_finished)
{
    for (uint32_t i = 0; i < lane->batch.n; i++)
        finish_first(lane, lane->accounts[i], result, n_finished);
}

/* A traced one is an example of its bucket. */
static void observe_commit(const struct lane *lane, int64_t commit_us)
{
    if (lane->trace_id[0] == '\0')
        metric_observe(METRIC_COMMIT_SECONDS, commit_us);
    else
        metric_observe_exemplar(METRIC_COMMIT_SECONDS, commit_us, lane->trace_id);
}

static void on_batch_done(struct money_batch *batch, enum store_result result)
{
    struct lane *lane = batch->ctx;
    struct lanes *lanes = lane->lanes;
    int64_t commit_us = clock_mono_us() - lane->sent_us;
    uint32_t n_finished = 0;

    CHECK(lane->in_flight && batch == &lane->batch);
    CHECK(batch->n >= 1);
    observe_commit(lane, commit_us);
    lane->commit_us = lane->commit_us == 0 ? commit_us : (lane->commit_us * 7 + commit_us) / 8;
    switch (result) {
    case STORE_OK:
        decided(lane, &n_finished);
        break;
    case STORE_UNAVAILABLE:
        finish_all(lane, LANE_BUSY, &n_finished);
        break;
    case STORE_UNKNOWN:
        finish_all(lane, LANE_UNKNOWN, &n_finished);
        break;
    case STORE_REJECTED:
        halve(lane, &n_finished);
        break;
    }
    /* Answers may bring new commands at once: the lane's state is settled
     * before the first of them, but stays closed until the last. */
    for (uint32_t i = 0; i < n_finished; i++)
        lanes->options.on_done(lanes->options.ctx, lane->finished[i],
                               lane->finished[i]->result);
    lane->in_flight = false;
    lane_check(lane);
}

/* Keeps the longest wait of this time and of the one before. */
static void waits_turn(struct lanes *lanes, int64_t now_us)
{
    int64_t since_us = now_us - lanes->waited_since_us;

    if (since_us < WAITED_US)
        return;
    lanes->waited_before_us = since_us < 2 * WAITED_US ? lanes->waited_us : 0;
    lanes->waited_us = 0;
    lanes->waited_since_us = now_us;
}

int64_t lanes_waited_us(struct lanes *lanes, int64_t now_us)
{
    int64_t longest_us;

    waits_turn(lanes, now_us);
    longest_us = lanes->waited_us > lanes->waited_before_us ? lanes->waited_us
                                                            : lanes->waited_before_us;
    for (unsigned i = 0; i < lanes->n; i++) {
        const struct lane_account *first = lanes->lane[i].ready;

        if (first != NULL && now_us - first->first->queued_us > longest_us)
            longest_us = now_us - first->first->queued_us;
    }
    return longest_us;
}

static void batch_add(struct lane *lane, struct lane_account *account, int64_t now_us)
{
    struct lane_cmd *cmd = account->first;

    CHECK(cmd != NULL && cmd->money.account == account->account);
    if (account->skips == 0)
        metric_observe(METRIC_QUEUE_SECONDS, now_us - cmd->queued_us);
    if (now_us - cmd->queued_us > lane->lanes->waited_us)
        lane->lanes->waited_us = now_us - cmd->queued_us;
    cmd->money.outcome = MONEY_PENDING;
    lane->lanes->options.on_form(lane->lanes->options.ctx, cmd);
    if (cmd->money.traceparent.n > 0)
        traceparent_trace(cmd->money.traceparent, lane->trace_id);
    lane->accounts[lane->batch.n] = account;
    lane->batch.cmds[lane->batch.n++] = &cmd->money;
}

static void lane_form(struct lane *lane, int64_t now_us)
{
    struct money_batch *batch = &lane->batch;

    CHECK(!lane->in_flight);
    batch->n = 0;
    batch->wait = false;
    lane->trace_id[0] = '\0';
    while (lane->ready != NULL && batch->n < lane->batch_max && !batch->wait) {
        bool alone = lane->ready->skips >= SKIPS_ALONE;

        if (alone && batch->n > 0)
            break;
        batch->wait = alone;
        batch_add(lane, ready_pop(lane), now_us);
    }
    CHECK(batch->n >= 1 && (!batch->wait || batch->n == 1));
    count_queued(lane, -(int32_t)batch->n);
    metric_observe(METRIC_BATCH_SIZE, batch->n);
    batch->on_done = on_batch_done;
    batch->ctx = lane;
    lane->in_flight = true;
    lane->sent_us = clock_mono_us();
    lane_check(lane);
    store_money(lane->lanes->options.store, (unsigned)(lane - lane->lanes->lane), batch);
}

static bool lane_paces(const struct lane *lane, int64_t now_us)
{
    return now_us - lane->sent_us < lane->lanes->options.pace_us && lane->queued < PACE_FULL;
}

static void lanes_form(struct lanes *lanes)
{
    int64_t now_us;
    bool pacing = false;

    if (lanes->queued == 0)
        return;
    if (lanes->options.on_turn != NULL)
        lanes->options.on_turn(lanes->options.ctx);
    now_us = clock_mono_us();
    waits_turn(lanes, now_us);
    for (unsigned i = 0; i < lanes->n; i++) {
        struct lane *lane = &lanes->lane[i];

        if (lane->in_flight || lane->ready == NULL)
            continue;
        if (lane_paces(lane, now_us))
            pacing = true;
        else
            lane_form(lane, now_us);
    }
    if (pacing && !uv_is_active((uv_handle_t *)&lanes->pace))
        CHECK(uv_timer_start(&lanes->pace, on_pace, 1, 0) == 0);
}

uint32_t lanes_queued(const struct lanes *lanes)
{
    return lanes->queued;
}

bool lanes_are_behind(const struct lanes *lanes)
{
    for (unsigned i = 0; i < lanes->n; i++)
        if (lanes->lane[i].in_flight && lanes->lane[i].queued > 0)
            return true;
    return false;
}

bool lanes_are_idle(const struct lanes *lanes)
{
    if (lanes->queued > 0)
        return false;
    for (unsigned i = 0; i < lanes->n; i++) {
        if (lanes->lane[i].in_flight)
            return false;
    }
    return true;
}
