/*
 * The ground of the PostgreSQL engine: queues of jobs, and how a job ends.  It
 * knows no connection and no pool; who must hear of an end is a callback.
 */
#include "store/postgres_internal.h"

#include <stdlib.h>

#include "base/metrics.h"

const char *pg_role_name(enum pg_role role)
{
    static const char *const names[] = {
        [PG_MONEY] = "money", [PG_FEED] = "feed", [PG_RESULTS] = "results",
        [PG_SETTLE] = "settle", [PG_READ] = "read", [PG_WRITE] = "write",
        [PG_RELAY] = "relay", [PG_PULSE] = "pulse",
    };

    CHECK((unsigned)role < LENGTH(names));
    return names[role];
}

void pg_queue_init(struct pg_queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
    queue->n = 0;
}

static void queue_check(const struct pg_queue *queue)
{
    CHECK((queue->first == NULL) == (queue->n == 0));
    CHECK((queue->first == NULL) == (queue->end == &queue->first));
    CHECK(*queue->end == NULL);
}

void pg_queue_put(struct pg_queue *queue, struct pg_job *job)
{
    queue_check(queue);
    CHECK(job->magic == PG_JOB_MAGIC && !job->queued); /* in one queue at a time */
    job->queued = true;
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
    queue->n++;
}

struct pg_job *pg_queue_take(struct pg_queue *queue)
{
    struct pg_job *job = queue->first;

    if (job == NULL)
        return NULL;
    CHECK(job->queued && queue->n > 0);
    job->queued = false;
    queue->first = job->next;
    queue->n--;
    if (queue->first == NULL)
        queue->end = &queue->first;
    queue_check(queue);
    return job;
}

static void count_failure(enum store_result result)
{
    static const char *const kinds[] = { NULL, "unavailable", "unknown", "rejected" };

    CHECK((unsigned)result < LENGTH(kinds));
    if (result != STORE_OK)
        metric_add(METRIC_STORE_ERRORS, str_of(kinds[result]), 1);
}

void pg_job_end(struct postgres *pg, struct pg_job *job, enum store_result result)
{
    const struct pg_kind *kind = job->kind;
    void *request = job->request;

    CHECK(job->magic == PG_JOB_MAGIC && request != NULL);
    CHECK(!job->queued);
    CHECK(kind->writes || result != STORE_UNKNOWN); /* what only reads is not in doubt */
    job->magic = 0;
    free(job);
    count_failure(result);
    kind->done(request, result);
    CHECK(pg->jobs > 0);
    pg->jobs--;
    pg->on_job_end(pg);
}

void pg_jobs_answer(struct postgres *pg)
{
    struct pg_queue now = pg->ended;
    struct pg_job *job;

    /* What fails meanwhile is told in the next turn. */
    if (now.first == NULL)
        return;
    CHECK(now.n <= pg->jobs);
    pg_queue_init(&pg->ended);
    while ((job = pg_queue_take(&now)) != NULL)
        pg_job_end(pg, job, job->result);
}

static void on_answer_timer(uv_timer_t *timer)
{
    pg_jobs_answer(timer->data);
}

void pg_job_end_later(struct postgres *pg, struct pg_job *job, enum store_result result)
{
    CHECK(result != STORE_OK); /* only what failed can wait for its end */
    CHECK(!pg->torn_down || pg->closing);
    job->result = result;
    pg_queue_put(&pg->ended, job);
    CHECK(uv_timer_start(&pg->teller, on_answer_timer, 0, 0) == 0);
}

void pg_handle_opened(struct postgres *pg)
{
    CHECK(!pg->torn_down);
    pg->handles++;
}

void pg_handle_closed(struct postgres *pg)
{
    CHECK(pg->handles > 0);
    if (--pg->handles == 0 && pg->torn_down)
        pg->on_unused(pg);
}
