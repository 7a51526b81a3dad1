/*
 * The holder of leases (liability.h): its epoch, and those that are over.
 *
 *   join      on the first need: an epoch that nobody had
 *   renew     every sixth of its time; gone: fenced, all leases are over
 *   sweep     each tick one other that lapsed, in turn, for one may not be
 *             fenced while a transaction of it is open: fenced, then its leases
 *             are reclaimed outcome by outcome, at last it is buried
 *
 * Any number of processes may sweep the same one.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "house/liability_inside.h"

#define LEASE_MS 30000
#define LEASE_PARTS 6
#define SWEEP_LEASES 64     /* reclaimed at a time */
#define MARK_SHIFT 24

void liability_holder_init(struct liability *liability)
{
    struct liability_holder *holder = &liability->holder;

    if (liability->options.lease_ms == 0)
        liability->options.lease_ms = LEASE_MS;
    arena_init(&holder->arena, 1 << 20);
    arena_init(&holder->sweep_arena, 1 << 20);
}

void liability_holder_fini(struct liability *liability)
{
    arena_fini(&liability->holder.arena);
    arena_fini(&liability->holder.sweep_arena);
}

int64_t liability_holder_mark(struct liability *liability)
{
    struct liability_holder *holder = &liability->holder;

    return holder->epoch << MARK_SHIFT | (++holder->marks & ((1u << MARK_SHIFT) - 1));
}

int64_t liability_holder_tick_ms(const struct liability *liability, int64_t at_most_ms)
{
    int64_t part_ms = liability->options.lease_ms / LEASE_PARTS;

    CHECK(liability->options.lease_ms > 0 && at_most_ms > 0);
    return part_ms < 1 ? 1 : part_ms < at_most_ms ? part_ms : at_most_ms;
}

/* ---- its own epoch ---------------------------------------------------------- */

static void lose(struct liability *liability, int64_t epoch)
{
    struct liability_entry *entry;
    size_t at = 0;

    CHECK(epoch != 0 && epoch == liability->holder.epoch);
    log_warn("liability", "leases are over", "epoch=%" PRId64, epoch);
    metric_inc(METRIC_LIABILITY_FENCED);
    liability->holder.epoch = 0;
    while ((entry = map_next(&liability->map, &at)) != NULL)
        liability_entry_clear(entry);
}

void liability_holder_check(struct liability *liability)
{
    struct liability_holder *holder = &liability->holder;

    if (holder->epoch != 0 && clock_wall_ms() >= holder->until_ms)
        lose(liability, holder->epoch);
}

static void holder_exec(struct liability *liability, uint32_t n,
                        void (*on_done)(struct store_exec *exec, enum store_result result))
{
    struct liability_holder *holder = &liability->holder;

    CHECK(!holder->busy && n >= 1);
    holder->busy = true;
    holder->asked_ms = clock_wall_ms();
    arena_reset(&holder->arena);
    holder->exec.n = n;
    holder->exec.arena = &holder->arena;
    holder->exec.on_done = on_done;
    holder->exec.ctx = liability;
    store_exec(liability->options.store, &holder->exec);
}

static void on_joined(struct store_exec *exec, enum store_result result)
{
    struct liability *liability = exec->ctx;
    struct liability_holder *holder = &liability->holder;

    CHECK(holder->busy && exec == &holder->exec);
    CHECK(holder->epoch == 0);
    holder->busy = false;
    if (result == STORE_OK && exec->rows == 1) {
        holder->epoch = EXEC_INT(exec, 0, LIABILITY_JOIN_EPOCH);
        holder->until_ms = holder->asked_ms + liability->options.lease_ms;
        holder->marks = 0;
    } else if (result == STORE_OK) {
        log_error("liability", "another process has this one's number: start it again",
                  "node=%" PRId64, liability->options.node);
    }
    liability->hooks->go_on(liability);
}

void liability_holder_join(struct liability *liability)
{
    struct liability_holder *holder = &liability->holder;
    int64_t now_ms = clock_wall_ms();

    if (holder->busy)
        return; /* its end lets those that wait go on, or tells them to try again */
    CHECK(holder->epoch == 0);
    holder->exec = (struct store_exec){ .calls = {
        { .statement = STATEMENT_LIABILITY_EPOCH },
        { STATEMENT_LIABILITY_JOIN,
          { VALUE_INT(liability->options.node), VALUE_INT(now_ms + liability->options.lease_ms),
            VALUE_INT(now_ms) } },
    } };
    holder_exec(liability, 2, on_joined);
}

static void on_renewed(struct store_exec *exec, enum store_result result)
{
    struct liability *liability = exec->ctx;
    struct liability_holder *holder = &liability->holder;
    int64_t epoch = exec->calls[0].params[0].i;

    CHECK(holder->busy && epoch != 0);
    CHECK(exec == &holder->exec);
    holder->busy = false;
    if (epoch == holder->epoch && result == STORE_OK && exec->rows == 0)
        lose(liability, epoch);
    else if (epoch == holder->epoch && result == STORE_OK)
        holder->until_ms = holder->asked_ms + liability->options.lease_ms;
    if (holder->waiting != NULL && holder->epoch == 0 && !liability->draining)
        liability_holder_join(liability);
    else
        liability->hooks->go_on(liability);
}

static void renew(struct liability *liability, int64_t until_ms)
{
    struct liability_holder *holder = &liability->holder;

    if (holder->busy || holder->epoch == 0)
        return;
    holder->exec = (struct store_exec){ .calls = {
        { STATEMENT_LIABILITY_RENEW, { VALUE_INT(holder->epoch), VALUE_INT(until_ms) } },
    } };
    holder_exec(liability, 1, on_renewed);
}

void liability_holder_renew(struct liability *liability)
{
    renew(liability, clock_wall_ms() + liability->options.lease_ms);
}

/* Others need not wait for its time. */
void liability_holder_leave(struct liability *liability)
{
    renew(liability, 0);
}

/* ---- those that are over ------------------------------------------------------ */

static void list_leases(struct liability *liability);

static void sweep_end(struct liability *liability)
{
    CHECK(liability->holder.sweeping && liability->holder.reclaiming == 0);
    liability->holder.sweeping = false;
}

static void sweep_run(struct liability *liability, struct statement_call call,
                      void (*on_done)(struct store_exec *exec, enum store_result result))
{
    struct liability_holder *holder = &liability->holder;

    CHECK(holder->sweeping && holder->reclaiming == 0);
    arena_reset(&holder->sweep_arena);
    holder->sweep = (struct store_exec){ .calls = { call }, .n = 1, .on_done = on_done,
                                         .arena = &holder->sweep_arena, .ctx = liability };
    store_exec(liability->options.store, &holder->sweep);
}

static void on_buried(struct store_exec *exec, enum store_result result)
{
    struct liability *liability = exec->ctx;

    if (result == STORE_OK)
        log_info("liability", "leases of another process were reclaimed", "epoch=%" PRId64,
                 liability->holder.lapsed);
    sweep_end(liability);
}

static void reclaim(struct liability *liability, const struct store_exec *exec)
{
    struct liability_holder *holder = &liability->holder;

    CHECK(exec == &holder->sweep && exec->rows <= SWEEP_LEASES);
    CHECK(holder->epoch != 0 && holder->reclaiming == 0);
    holder->sweep_more = exec->rows == SWEEP_LEASES;
    holder->sweep_from = EXEC_INT(exec, exec->rows - 1, LIABILITY_OF_HOLDER_MARKET_KEY);
    holder->reclaiming = exec->rows;
    for (uint32_t i = 0; i < exec->rows; i++)
        liability->hooks->reclaim(liability, EXEC_INT(exec, i, LIABILITY_OF_HOLDER_MARKET_KEY),
                              EXEC_TEXT(exec, i, LIABILITY_OF_HOLDER_OUTCOME));
}

static void on_leases(struct store_exec *exec, enum store_result result)
{
    struct liability *liability = exec->ctx;
    struct liability_holder *holder = &liability->holder;

    if (result != STORE_OK || holder->epoch == 0 || liability->draining) {
        sweep_end(liability);
    } else if (exec->rows > 0) {
        reclaim(liability, exec);
    } else if (holder->sweep_from != INT64_MIN) { /* those before it */
        holder->sweep_from = INT64_MIN;
        list_leases(liability);
    } else {
        sweep_run(liability, (struct statement_call){ STATEMENT_LIABILITY_BURY,
                                                      { VALUE_INT(holder->lapsed) } }, on_buried);
    }
}

void liability_holder_reclaimed(struct liability *liability)
{
    struct liability_holder *holder = &liability->holder;

    CHECK(holder->sweeping);
    CHECK(holder->reclaiming > 0);
    if (--holder->reclaiming > 0)
        return;
    if (holder->sweep_more && holder->epoch != 0 && !liability->draining)
        list_leases(liability);
    else
        sweep_end(liability); /* what is left, next time */
}

static void list_leases(struct liability *liability)
{
    const struct liability_holder *holder = &liability->holder;

    sweep_run(liability, (struct statement_call){ STATEMENT_LIABILITY_OF_HOLDER,
        { VALUE_INT(holder->lapsed), VALUE_INT(holder->sweep_from), VALUE_INT(SWEEP_LEASES) } },
        on_leases);
}

/* Somewhere in the middle: others may be at it, too. */
static void list_first(struct liability *liability)
{
    struct liability_holder *holder = &liability->holder;

    randombytes_buf(&holder->sweep_from, sizeof(holder->sweep_from));
    list_leases(liability);
}

static void on_fence(struct store_exec *exec, enum store_result result)
{
    struct liability *liability = exec->ctx;

    if (result != STORE_OK || exec->rows == 0) { /* renewed, or something is under way */
        sweep_end(liability);
        return;
    }
    log_warn("liability", "another process is fenced: it was not seen in time",
             "epoch=%" PRId64, liability->holder.lapsed);
    list_first(liability);
}

static void on_lapsed(struct store_exec *exec, enum store_result result)
{
    struct liability *liability = exec->ctx;

    if (result != STORE_OK || exec->rows == 0) {
        sweep_end(liability);
        return;
    }
    liability->holder.lapsed = EXEC_INT(exec, 0, LIABILITY_LAPSED_EPOCH);
    if (EXEC_INT(exec, 0, LIABILITY_LAPSED_FENCED) != 0)
        list_first(liability);
    else
        sweep_run(liability, (struct statement_call){ STATEMENT_LIABILITY_FENCE,
            { VALUE_INT(liability->holder.lapsed), VALUE_INT(clock_wall_ms()) } }, on_fence);
}

static void sweep(struct liability *liability)
{
    struct liability_holder *holder = &liability->holder;

    if (holder->sweeping || holder->epoch == 0)
        return;
    CHECK(holder->reclaiming == 0);
    holder->sweeping = true;
    sweep_run(liability, (struct statement_call){ STATEMENT_LIABILITY_LAPSED,
        { VALUE_INT(clock_wall_ms()), VALUE_INT(holder->epoch), VALUE_INT(holder->lapsed) } },
        on_lapsed);
}

void liability_holder_tick(struct liability *liability)
{
    struct liability_holder *holder = &liability->holder;

    if (clock_wall_ms() - holder->asked_ms >= liability->options.lease_ms / LEASE_PARTS)
        liability_holder_renew(liability);
    sweep(liability);
}

/* ---- at start ----------------------------------------------------------------- */

bool liability_join(struct db *db, bool alone, struct str *error)
{
    if (!alone)
        return true; /* whoever holds leases is fenced when its time is over */
    /* A holder that is gone cannot be relied on: first the end of all that does. */
    if (db_is_postgres(db))
        return db_run(db, "BEGIN;"
                          " SELECT pg_advisory_xact_lock(7311014, (epoch % 2147483647)::int4)"
                          " FROM liability_holders;"
                          " DELETE FROM liability_holders; DELETE FROM liability_leases;"
                          " DELETE FROM liability; COMMIT", error);
    return db_run(db, "BEGIN; DELETE FROM liability_holders; DELETE FROM liability_leases;"
                      " DELETE FROM liability; COMMIT", error);
}
