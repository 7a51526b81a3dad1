/*
 * The store that settle_test.c runs settlement against: bets, accounts, facts
 * and queue in memory, answers on the loop as the real ones give them, and
 * failures on demand.
 */
#ifndef TESTS_UNIT_SETTLE_STORE_H
#define TESTS_UNIT_SETTLE_STORE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "model/ledger.h"
#include "model/slot.h"
#include "store/money.h"

enum { N_ACCOUNTS = 8, BETS_MAX = 4000, FACTS_MAX = 200, QUEUE_MAX = 64, OPS_MAX = 64 };
enum op_kind { OP_ADD, OP_FETCH, OP_WRITE, OP_EXEC, OP_KINDS };

struct held_bet {
    struct bet_row row;
    char slip[2048], results[2048];
    int64_t keys[LIMIT_LEGS];
    uint32_t n_keys;
    bool poison;          /* a write that contains it is rejected */
};
struct held_account {
    struct purse purse;
    int64_t staked, seq;
    int locked;           /* this many more writes cannot lock it */
    bool held;            /* for ever: who waits for its lock has a time-out */
};
struct held_fact {
    struct fact fact;
    struct str outcomes;
    int64_t stored_ms;
    bool poison;
};
struct held_job {
    int64_t key, pos, bet, queued_ms;
    struct market_id id;
};
struct op {
    enum op_kind kind;
    void *request;
};

static struct world {
    uv_loop_t loop;
    uv_idle_t idle;
    struct arena arena;
    struct op ops[OPS_MAX];
    unsigned first_op, n_ops;
    enum store_result fail[OP_KINDS];
    int failures[OP_KINDS];          /* this many more */
    int calls[OP_KINDS];
    struct held_account accounts[N_ACCOUNTS];
    struct held_bet bets[BETS_MAX];
    unsigned n_bets;
    struct held_fact facts[FACTS_MAX];
    unsigned n_facts;
    struct held_job queue[QUEUE_MAX];
    unsigned n_queue;
    int64_t offset;
    unsigned n_parked, n_transfers, n_reopened, waits;
    int64_t parked_bet;
    int64_t poison_position;         /* a fact that is rejected; 0 = none */
    int requeue_failures;            /* REQUEUE fails this many more times */
    bool placing;                    /* placement waits */
    bool timed_out;                  /* the last write, for a lock */
    void (*on_write)(void);          /* before a write is done */
    bool stopped;
} world;

static void run_op(struct op op);

static void on_idle(uv_idle_t *idle)
{
    unsigned n = world.n_ops; /* what is asked meanwhile runs next time */

    (void)idle;
    while (n-- > 0) {
        struct op op = world.ops[world.first_op++ % OPS_MAX];

        world.n_ops--;
        run_op(op);
    }
    if (world.n_ops == 0)
        uv_idle_stop(&world.idle);
}

static void ask(enum op_kind kind, void *request)
{
    CHECK(world.n_ops < OPS_MAX);
    world.ops[(world.first_op + world.n_ops++) % OPS_MAX] = (struct op){ kind, request };
    world.calls[kind]++;
    uv_idle_start(&world.idle, on_idle);
}

void store_results_add(struct store *store, struct results_add *add)
{
    (void)store;
    ask(OP_ADD, add);
}

void store_settle_fetch(struct store *store, struct settle_fetch *fetch)
{
    (void)store;
    ask(OP_FETCH, fetch);
}

void store_settle_write(struct store *store, struct settle_write *write)
{
    (void)store;
    ask(OP_WRITE, write);
}

/* What fails by chance is the store's end; a lock's time-out is not. */
bool store_is_up(const struct store *store)
{
    (void)store;
    return world.timed_out;
}

void store_exec(struct store *store, struct store_exec *exec)
{
    (void)store;
    ask(OP_EXEC, exec);
}

static bool fails(enum op_kind kind, enum store_result *result)
{
    *result = STORE_OK;
    if (world.failures[kind] == 0)
        return false;
    world.failures[kind]--;
    *result = world.fail[kind];
    return *result == STORE_UNAVAILABLE || *result == STORE_REJECTED;
}

static void enqueue(int64_t key, int64_t pos, int64_t bet, struct market_id id, bool again)
{
    unsigned i = 0;

    while (i < world.n_queue && world.queue[i].key != key)
        i++;
    if (i < world.n_queue && again)
        return;
    CHECK(i < QUEUE_MAX);
    world.queue[i] = (struct held_job){ key, pos, bet, clock_wall_ms(), id };
    world.queue[i].id.event = arena_str(&world.arena, id.event);
    world.queue[i].id.specifiers = arena_str(&world.arena, id.specifiers);
    if (i == world.n_queue)
        world.n_queue++;
}

static bool is_known(const struct fact *fact, struct str outcomes)
{
    for (unsigned i = 0; i < world.n_facts; i++) {
        const struct fact *other = &world.facts[i].fact;

        if (other->key == fact->key && other->kind == fact->kind &&
            other->rank == fact->rank && other->producer == fact->producer &&
            other->timestamp_ms == fact->timestamp_ms &&
            other->certainty == fact->certainty && other->start_ms == fact->start_ms &&
            other->end_ms == fact->end_ms && str_eq(world.facts[i].outcomes, outcomes))
            return true;
    }
    return false;
}

static void hold_fact(const struct fact *fact)
{
    struct str outcomes = fact_outcomes_encode(fact, &world.arena);
    struct held_fact *held = &world.facts[world.n_facts];

    if (is_known(fact, outcomes))
        return;
    CHECK(world.n_facts++ < FACTS_MAX);
    held->fact = *fact;
    held->fact.id.event = arena_str(&world.arena, fact->id.event);
    held->fact.id.specifiers = arena_str(&world.arena, fact->id.specifiers);
    held->outcomes = outcomes;
    held->stored_ms = clock_wall_ms();
    enqueue(fact->key, fact->position, 0, fact->id, false);
}

static void run_add(struct results_add *add)
{
    enum store_result result;

    if (fails(OP_ADD, &result)) {
        add->on_done(add, result);
        return;
    }
    for (uint32_t i = 0; i < add->n; i++)
        if (add->facts[i].position == world.poison_position) {
            add->on_done(add, STORE_REJECTED);
            return;
        }
    for (uint32_t i = 0; i < add->n; i++)
        hold_fact(&add->facts[i]);
    world.offset = add->offset;
    add->on_done(add, result);
}

static bool has_leg(const struct held_bet *bet, int64_t key)
{
    for (uint32_t i = 0; i < bet->n_keys; i++)
        if (bet->keys[i] == key)
            return true;
    return false;
}

static void run_fetch(struct settle_fetch *fetch)
{
    enum store_result result;

    if (fails(OP_FETCH, &result)) {
        fetch->on_done(fetch, result);
        return;
    }
    fetch->rows = ARENA_ARRAY(fetch->arena, struct bet_row, fetch->limit);
    fetch->n = 0;
    for (unsigned i = 0; i < world.n_bets && fetch->n < fetch->limit; i++) {
        struct bet_row row = world.bets[i].row;

        if (row.id <= fetch->after || !has_leg(&world.bets[i], fetch->market_key))
            continue;
        row.slip = arena_str(fetch->arena, str_of(world.bets[i].slip));
        row.results = arena_str(fetch->arena, str_of(world.bets[i].results));
        fetch->rows[fetch->n++] = row;
    }
    fetch->on_done(fetch, result);
}

static struct held_bet *find_bet(int64_t id)
{
    for (unsigned i = 0; i < world.n_bets; i++)
        if (world.bets[i].row.id == id)
            return &world.bets[i];
    return NULL;
}

static struct held_account *account_of(int64_t id)
{
    CHECK(id >= ACCOUNT_FIRST_CUSTOMER && id < ACCOUNT_FIRST_CUSTOMER + N_ACCOUNTS);
    return &world.accounts[id - ACCOUNT_FIRST_CUSTOMER];
}

static void apply(struct settle_item *item)
{
    struct held_bet *bet = find_bet(item->bet);
    struct held_account *account = account_of(item->account);

    item->applied = bet->row.version == item->version && account->locked == 0 &&
                    !account->held;
    if (!item->applied)
        return;
    bet->row.version++;
    bet->row.state = item->state;
    bet->row.payout_minor = item->payout_minor;
    bet->row.settled_ms = item->settled_ms;
    bet->row.flags = item->flags;
    CHECK(item->results.n < sizeof(bet->results));
    memcpy(bet->results, item->results.p, item->results.n);
    bet->results[item->results.n] = '\0';
    account->purse = purse_move(account->purse, item->delta_minor);
    account->staked += item->staked_delta_minor;
    account->seq += item->event != 0 || item->delta_minor != 0;
    item->seq = account->seq;
    item->balance_minor = account->purse.balance;
    item->debt_minor = account->purse.debt;
    item->staked_minor = account->staked;
    world.n_transfers += item->delta_minor != 0;
    world.n_reopened += item->event == 3;
}

static bool has_poison(const struct settle_write *write)
{
    for (uint32_t i = 0; i < write->n; i++)
        if (find_bet(write->items[i].bet)->poison)
            return true;
    return false;
}

static bool waits_for_held(const struct settle_write *write)
{
    for (uint32_t i = 0; i < write->n && write->wait; i++)
        if (account_of(write->items[i].account)->held)
            return true;
    return false;
}

static bool is_queued(int64_t key, int64_t pos)
{
    for (unsigned i = 0; i < world.n_queue; i++)
        if (world.queue[i].key == key && world.queue[i].pos == pos)
            return true;
    return false;
}

static void move_cursor(const struct settle_write *write)
{
    for (uint32_t i = 0; i < write->n; i++)
        if (!write->items[i].applied)
            return;
    for (unsigned i = 0; i < world.n_queue && write->advance; i++)
        if (world.queue[i].key == write->market_key && world.queue[i].pos == write->pos)
            world.queue[i].bet = write->cursor;
}

static void run_write(struct settle_write *write)
{
    enum store_result result;

    if (world.on_write != NULL)
        world.on_write();
    world.waits += write->wait;
    if (fails(OP_WRITE, &result)) {
        write->on_done(write, result);
        return;
    }
    world.timed_out = waits_for_held(write);
    if (world.timed_out) {
        write->on_done(write, STORE_UNAVAILABLE);
        return;
    }
    write->stale = !is_queued(write->market_key, write->pos);
    if (has_poison(write) && !write->stale) {
        write->on_done(write, STORE_REJECTED);
        return;
    }
    for (uint32_t i = 0; i < write->n && !write->stale; i++)
        apply(&write->items[i]);
    for (unsigned i = 0; i < N_ACCOUNTS; i++)
        if (world.accounts[i].locked > 0)
            world.accounts[i].locked--;
    move_cursor(write);
    write->on_done(write, result);
}

/* ---- its statements --------------------------------------------------- */

static void give(struct store_exec *exec, uint32_t rows, uint32_t columns)
{
    exec->rows = rows;
    exec->columns = columns;
    exec->cells = ARENA_ARRAY(exec->arena, struct value, rows * columns + 1);
}

static void give_queue(struct store_exec *exec)
{
    give(exec, world.n_queue, 8);
    for (unsigned i = 0; i < world.n_queue; i++) {
        const struct held_job *job = &world.queue[i];
        struct value row[8] = {
            VALUE_INT(job->key), VALUE_INT(job->pos), VALUE_INT(job->bet),
            VALUE_STR(job->id.event), VALUE_INT(job->id.market),
            VALUE_STR(job->id.specifiers), VALUE_INT(job->queued_ms),
            VALUE_INT(slot_of(job->id.event)),
        };

        memcpy(&EXEC_CELL(exec, i, 0), row, sizeof(row));
    }
}

static void give_facts(struct store_exec *exec, int64_t key)
{
    uint32_t n = 0;

    give(exec, world.n_facts, 14);
    for (unsigned i = 0; i < world.n_facts; i++) {
        const struct fact *fact = &world.facts[i].fact;
        struct value row[14] = {
            VALUE_INT(fact->position), VALUE_INT(fact->kind), VALUE_INT(fact->rank),
            VALUE_INT(fact->key), VALUE_STR(fact->id.event), VALUE_INT(fact->id.market),
            VALUE_STR(fact->id.specifiers), VALUE_INT(fact->producer),
            VALUE_INT(fact->timestamp_ms), VALUE_INT(fact->certainty),
            VALUE_INT(fact->start_ms), VALUE_INT(fact->end_ms),
            VALUE_INT(fact->stopped_ms), VALUE_STR(world.facts[i].outcomes),
        };

        if (fact->key == key)
            memcpy(&EXEC_CELL(exec, n++, 0), row, sizeof(row));
    }
    exec->rows = n;
}

static void queue_done(int64_t key, int64_t pos)
{
    for (unsigned i = 0; i < world.n_queue; i++)
        if (world.queue[i].key == key && world.queue[i].pos == pos) {
            memmove(&world.queue[i], &world.queue[i + 1],
                    (world.n_queue - i - 1) * sizeof(world.queue[0]));
            world.n_queue--;
            return;
        }
}

static bool has_open_leg(const struct held_bet *bet)
{
    return bet->row.state != BET_CASHED_OUT &&
           (bet->results[0] == '\0' || strstr(bet->results, "null") != NULL);
}

static int64_t late_bet(const struct held_fact *held, int64_t slack, int64_t version)
{
    for (unsigned i = 0; i < world.n_bets; i++)
        if (has_leg(&world.bets[i], held->fact.key) && has_open_leg(&world.bets[i]) &&
            world.bets[i].row.version <= version &&
            world.bets[i].row.id >= bet_id_floor(held->stored_ms - slack))
            return world.bets[i].row.id;
    return 0;
}

static void give_late(struct store_exec *exec, int64_t since, int64_t slack,
                      int64_t version)
{
    uint32_t n = 0;

    give(exec, world.n_facts, 6);
    for (unsigned i = 0; i < world.n_facts; i++) {
        const struct held_fact *held = &world.facts[i];
        int64_t bet = held->stored_ms >= since ? late_bet(held, slack, version) : 0;
        struct value row[6] = {
            VALUE_INT(held->fact.key), VALUE_INT(held->fact.position), VALUE_INT(bet - 1),
            VALUE_STR(held->fact.id.event), VALUE_INT(held->fact.id.market),
            VALUE_STR(held->fact.id.specifiers),
        };

        if (bet != 0)
            memcpy(&EXEC_CELL(exec, n++, 0), row, sizeof(row));
    }
    exec->rows = n;
}

static void run_statement(struct store_exec *exec, const struct statement_call *call)
{
    const struct value *p = call->params;

    switch (call->statement) {
    case STATEMENT_SETTLE_QUEUE_LIST:
        give_queue(exec);
        break;
    case STATEMENT_FACTS_GET:
        give_facts(exec, p[0].i);
        break;
    case STATEMENT_SETTLE_QUEUE_DONE:
        queue_done(p[0].i, p[1].i);
        break;
    case STATEMENT_PARK:
        world.n_parked++;
        world.parked_bet = p[1].i;
        break;
    case STATEMENT_LATE_MARKETS:
        give_late(exec, p[0].i, p[1].i, p[2].i);
        break;
    case STATEMENT_REQUEUE:
        enqueue(p[0].i, p[1].i, p[2].i,
                (struct market_id){ p[3].s, (uint32_t)p[4].i, p[5].s }, true);
        break;
    case STATEMENT_SETTLE_COUNTS:
        give(exec, 1, 3);
        EXEC_CELL(exec, 0, 0) = VALUE_INT(world.n_queue);
        EXEC_CELL(exec, 0, 2) = VALUE_INT(world.n_parked);
        break;
    default:
        fail_msg("statement %d is not settlement's", (int)call->statement);
    }
}

static void run_exec(struct store_exec *exec)
{
    enum store_result result;

    if (exec->calls[0].statement == STATEMENT_REQUEUE && world.requeue_failures > 0) {
        world.requeue_failures--;
        exec->on_done(exec, STORE_UNAVAILABLE);
        return;
    }
    if (!fails(OP_EXEC, &result))
        for (uint32_t i = 0; i < exec->n; i++)
            run_statement(exec, &exec->calls[i]);
    exec->on_done(exec, result);
}

static void run_op(struct op op)
{
    switch (op.kind) {
    case OP_ADD:
        run_add(op.request);
        break;
    case OP_FETCH:
        run_fetch(op.request);
        break;
    case OP_WRITE:
        run_write(op.request);
        break;
    default:
        run_exec(op.request);
    }
}

#endif
