/* The feed's lease: see the picture in lease.h. */
#include "feed/lease.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define ARENA_BYTES (64 * 1024)
#define LOOKS 10  /* in a lease's time, by who waits */
#define RENEWALS 3 /* in a lease's time, by who holds it */
#define PAUSE_MIN_MS 20

struct lease {
    struct lease_options options;
    char *name, *owner;
    uv_timer_t timer;
    struct store_exec exec;
    struct arena arena;
    struct lease_watch watch;
    int64_t epoch;    /* held; 0 = not */
    int64_t until_ms; /* last written */
    int64_t asked_ms; /* when what runs was sent; monotonic */
    int64_t sure_ms;  /* until then nobody else can have taken it */
    bool led;         /* by another process, when last looked at */
    bool busy, stopping;
    void (*on_stopped)(void *ctx);
    void *ctx;
};

bool lease_is_free(struct lease_watch *watch, const struct lease_row *row, struct str me,
                   int64_t now_ms, int64_t lease_ms)
{
    CHECK(lease_ms > 0);
    if (!watch->seen || watch->epoch != row->epoch || watch->until_ms != row->until_ms)
        *watch = (struct lease_watch){ true, row->epoch, row->until_ms, now_ms };
    return row->until_ms == 0 || str_eq(row->owner, me) || now_ms - watch->since_ms >= lease_ms;
}

struct lease *lease_new(const struct lease_options *options)
{
    struct lease *lease = calloc(1, sizeof(*lease));

    CHECK(lease != NULL);
    lease->options = *options;
    lease->name = strdup(options->name);
    lease->owner = strdup(options->owner);
    CHECK(lease->name != NULL && lease->owner != NULL && options->lease_ms > 0);
    arena_init(&lease->arena, ARENA_BYTES);
    uv_timer_init(options->loop, &lease->timer);
    lease->timer.data = lease;
    return lease;
}

static void on_timer(uv_timer_t *timer);
static void release(struct lease *lease);

static void pause_for(struct lease *lease, int64_t part)
{
    int64_t ms = lease->options.lease_ms / part;

    if (!lease->stopping)
        uv_timer_start(&lease->timer, on_timer, ms < PAUSE_MIN_MS ? PAUSE_MIN_MS : (uint64_t)ms,
                       0);
}

static void lease_exec(struct lease *lease, const struct statement_call *call,
                       void (*on_done)(struct store_exec *exec, enum store_result result))
{
    CHECK(!lease->busy);
    lease->busy = true;
    lease->asked_ms = clock_mono_us() / 1000;
    arena_reset(&lease->arena);
    lease->exec = (struct store_exec){ .n = 1, .calls = { *call }, .arena = &lease->arena,
                                       .on_done = on_done, .ctx = lease };
    store_exec(lease->options.store, &lease->exec);
}

/* True: an answer that is still of use. */
static bool answered(struct lease *lease)
{
    lease->busy = false;
    if (lease->stopping)
        release(lease);
    return !lease->stopping;
}

/* A value that differs from the last one, whatever the clock does. */
static struct value next_until(struct lease *lease)
{
    int64_t until_ms = clock_wall_ms() + lease->options.lease_ms;

    lease->until_ms = until_ms > lease->until_ms ? until_ms : lease->until_ms + 1;
    return VALUE_INT(lease->until_ms);
}

static void on_taken(struct store_exec *exec, enum store_result result)
{
    struct lease *lease = exec->ctx;
    bool taken = result == STORE_OK && exec->rows == 1;

    if (taken) {
        lease->epoch = EXEC_INT(exec, 0, LEASE_TAKE_EPOCH);
        lease->sure_ms = lease->asked_ms + lease->options.lease_ms;
    }
    if (!answered(lease))
        return;
    if (!taken) {
        pause_for(lease, LOOKS);
        return;
    }
    log_info("feed", "the lease is held", "name=%s owner='%s' epoch=%lld", lease->name,
             lease->owner, (long long)lease->epoch);
    pause_for(lease, RENEWALS);
    lease->options.on_change(lease->options.ctx, lease->epoch);
}

static void on_looked(struct store_exec *exec, enum store_result result)
{
    struct lease *lease = exec->ctx;
    struct lease_row row;
    struct value until;
    int64_t now_ms = clock_mono_us() / 1000;
    bool is_free;

    if (!answered(lease))
        return;
    if (result != STORE_OK || exec->rows != 1) {
        pause_for(lease, LOOKS);
        return;
    }
    row = (struct lease_row){ EXEC_TEXT(exec, 0, LEASE_GET_OWNER),
                              EXEC_INT(exec, 0, LEASE_GET_EPOCH),
                              EXEC_INT(exec, 0, LEASE_GET_UNTIL_MS) };
    is_free = lease_is_free(&lease->watch, &row, str_of(lease->owner), now_ms,
                            lease->options.lease_ms);
    /* One that was given back is taken within that time, or nobody leads. */
    lease->led = !is_free || (lease->led && row.until_ms == 0 &&
                              now_ms - lease->watch.since_ms < lease->options.lease_ms);
    if (!is_free || lease->options.watches) {
        pause_for(lease, LOOKS);
        lease->options.on_change(lease->options.ctx, 0);
        return;
    }
    if (row.until_ms > lease->until_ms)
        lease->until_ms = row.until_ms;
    until = next_until(lease);
    lease_exec(lease, &(struct statement_call){ STATEMENT_LEASE_TAKE,
            { VALUE_STR(str_of(lease->name)), VALUE_STR(str_of(lease->owner)), until,
              VALUE_INT(row.epoch), VALUE_INT(row.until_ms) } }, on_taken);
}

static void on_renewed(struct store_exec *exec, enum store_result result)
{
    struct lease *lease = exec->ctx;

    if (!answered(lease) || lease->epoch == 0)
        return; /* lost meanwhile: lease_lost() looks again */
    if (result != STORE_OK) {
        pause_for(lease, LOOKS);
    } else if (exec->rows == 1) {
        lease->sure_ms = lease->asked_ms + lease->options.lease_ms;
        pause_for(lease, RENEWALS);
    } else {
        lease_lost(lease);
        lease->options.on_change(lease->options.ctx, 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct lease *lease = timer->data;
    struct value name = VALUE_STR(str_of(lease->name));

    if (lease->busy)
        pause_for(lease, LOOKS);
    else if (lease->epoch == 0)
        lease_exec(lease, &(struct statement_call){ STATEMENT_LEASE_GET, { name } }, on_looked);
    else
        lease_exec(lease, &(struct statement_call){ STATEMENT_LEASE_RENEW,
                { name, VALUE_INT(lease->epoch), next_until(lease) } }, on_renewed);
}

void lease_start(struct lease *lease)
{
    uv_timer_start(&lease->timer, on_timer, 0, 0);
}

bool lease_is_led(const struct lease *lease)
{
    return lease->epoch != 0 || lease->led;
}

bool lease_is_sure(const struct lease *lease)
{
    return lease->epoch != 0 && clock_mono_us() / 1000 < lease->sure_ms;
}

void lease_lost(struct lease *lease)
{
    if (lease->epoch == 0)
        return;
    lease->epoch = 0;
    lease->watch = (struct lease_watch){ .seen = false };
    pause_for(lease, LOOKS);
}

static void end(struct lease *lease)
{
    uv_close((uv_handle_t *)&lease->timer, NULL);
    lease->on_stopped(lease->ctx);
}

static void on_released(struct store_exec *exec, enum store_result result)
{
    struct lease *lease = exec->ctx;

    (void)result; /* else it runs out */
    lease->busy = false;
    end(lease);
}

static void release(struct lease *lease)
{
    if (lease->busy)
        return;
    if (lease->epoch == 0) {
        end(lease);
        return;
    }
    lease_exec(lease, &(struct statement_call){ STATEMENT_LEASE_RELEASE,
            { VALUE_STR(str_of(lease->name)), VALUE_INT(lease->epoch) } }, on_released);
}

void lease_stop(struct lease *lease, void (*on_stopped)(void *ctx), void *ctx)
{
    CHECK(!lease->stopping);
    lease->stopping = true;
    lease->on_stopped = on_stopped;
    lease->ctx = ctx;
    uv_timer_stop(&lease->timer);
    release(lease);
}

void lease_free(struct lease *lease)
{
    CHECK(!lease->busy);
    arena_fini(&lease->arena);
    free(lease->name);
    free(lease->owner);
    free(lease);
}
