/* Settle queue: jobs and what is put off.  See settle_queue.h. */
#include "settle/settle_queue.h"

#include <stdlib.h>

#include "model/slot.h"

#define JOBS_LISTED 64
#define JOBS_BYTES (1024 * 1024)
#define PUT_OFF_MAX 64

/* A market that cannot be settled now, and when it is tried again. */
struct put_off {
    int64_t key, pos, until_ms;
};

struct settle_queue {
    struct arena arena;  /* the list's strings */
    struct settle_job jobs[JOBS_LISTED + PUT_OFF_MAX];
    uint32_t n, at;      /* jobs[at] is the one whose turn it is */
    struct put_off put_off[PUT_OFF_MAX];
    uint32_t n_put_off;
    uint64_t slots;      /* of the queue: a bit each */
};

static void queue_check(const struct settle_queue *queue)
{
    CHECK(queue->at <= queue->n);
    CHECK(queue->n <= LENGTH(queue->jobs));
    CHECK(queue->n_put_off <= PUT_OFF_MAX);
}

struct settle_queue *settle_queue_new(uint64_t slots)
{
    struct settle_queue *queue = calloc(1, sizeof(*queue));

    CHECK(queue != NULL);
    arena_init(&queue->arena, JOBS_BYTES);
    queue->slots = slots;
    return queue;
}

void settle_queue_free(struct settle_queue *queue)
{
    arena_fini(&queue->arena);
    free(queue);
}

/* ---- the list -------------------------------------------------------- */

static void forget_old_put_offs(struct settle_queue *queue, int64_t now_ms)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < queue->n_put_off; i++)
        if (queue->put_off[i].until_ms > now_ms)
            queue->put_off[kept++] = queue->put_off[i];
    CHECK(kept <= queue->n_put_off);
    queue->n_put_off = kept;
}

void settle_queue_ask(struct settle_queue *queue, struct store_exec *exec, int64_t now_ms)
{
    queue_check(queue);
    queue->n = queue->at = 0;
    forget_old_put_offs(queue, now_ms);
    arena_reset(&queue->arena);
    *exec = (struct store_exec){
        .calls = { { .statement = STATEMENT_SETTLE_QUEUE_LIST,
                     .params = { VALUE_INT(JOBS_LISTED + queue->n_put_off),
                                 VALUE_INT((int64_t)queue->slots) } } },
        .n = 1,
        .arena = &queue->arena,
    };
}

static bool is_put_off(const struct settle_queue *queue, int64_t key, int64_t pos)
{
    for (uint32_t i = 0; i < queue->n_put_off; i++)
        if (queue->put_off[i].key == key && queue->put_off[i].pos == pos)
            return true;
    return false;
}

static void take_job(struct settle_queue *queue, const struct store_exec *exec, uint32_t row)
{
    struct settle_job job = {
        .key = EXEC_INT(exec, row, SETTLE_QUEUE_LIST_MARKET_KEY),
        .pos = EXEC_INT(exec, row, SETTLE_QUEUE_LIST_POS),
        .cursor = EXEC_INT(exec, row, SETTLE_QUEUE_LIST_BET),
        .id = {
            .event = EXEC_TEXT(exec, row, SETTLE_QUEUE_LIST_EVENT),
            .market = (uint32_t)EXEC_INT(exec, row, SETTLE_QUEUE_LIST_MARKET),
            .specifiers = EXEC_TEXT(exec, row, SETTLE_QUEUE_LIST_SPECIFIERS),
        },
        .queued_ms = EXEC_INT(exec, row, SETTLE_QUEUE_LIST_QUEUED_MS),
        .slot = EXEC_INT(exec, row, SETTLE_QUEUE_LIST_SLOT),
    };

    if (!is_put_off(queue, job.key, job.pos) && queue->n < LENGTH(queue->jobs))
        queue->jobs[queue->n++] = job;
}

void settle_queue_fill(struct settle_queue *queue, const struct store_exec *exec)
{
    CHECK(queue->n == 0 && queue->at == 0); /* asked for, and not filled yet */
    CHECK(exec->arena == &queue->arena);
    CHECK(exec->rows == 0 || exec->columns == SETTLE_QUEUE_LIST_COLUMNS);
    for (uint32_t row = 0; row < exec->rows; row++)
        take_job(queue, exec, row);
    queue_check(queue);
}

const struct settle_job *settle_queue_now(const struct settle_queue *queue)
{
    queue_check(queue);
    return queue->at < queue->n ? &queue->jobs[queue->at] : NULL;
}

uint32_t settle_queue_left(const struct settle_queue *queue)
{
    CHECK(queue->at <= queue->n);
    return queue->n - queue->at;
}

void settle_queue_pass(struct settle_queue *queue)
{
    CHECK(queue->at < queue->n);
    queue->at++;
}

/* ---- what is put off ------------------------------------------------- */

bool settle_queue_put_off(struct settle_queue *queue, int64_t until_ms)
{
    const struct settle_job *job = settle_queue_now(queue);

    CHECK(job != NULL);
    if (queue->n_put_off == PUT_OFF_MAX)
        return false;
    queue->put_off[queue->n_put_off++] = (struct put_off){ job->key, job->pos, until_ms };
    return true;
}

uint32_t settle_queue_n_put_off(const struct settle_queue *queue)
{
    return queue->n_put_off;
}

/* ---- slots ----------------------------------------------------------- */

bool settle_queue_set_slots(struct settle_queue *queue, uint64_t slots)
{
    uint64_t more = slots & ~queue->slots;

    queue->slots = slots;
    return more != 0;
}

bool settle_queue_has_slot(const struct settle_queue *queue, int64_t slot)
{
    return (queue->slots >> (slot & (SLOTS - 1)) & 1) != 0;
}

bool settle_queue_now_is_ours(const struct settle_queue *queue)
{
    const struct settle_job *job = settle_queue_now(queue);

    CHECK(job != NULL);
    return settle_queue_has_slot(queue, job->slot);
}
