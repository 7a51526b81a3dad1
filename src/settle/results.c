/*
 * Results: see results.h.
 *
 *   on the bus --copy--> tail batch ... head batch --store_results_add--> STORE
 *                                          |
 *                       rejected: halved --+--> held: the offender alone
 *
 * The offset is the promise that everything up to it is stored: it never
 * passes a fact that is not.  A fact that the store rejects by itself is held
 * and tried again now and then, the others go on, and the offset stays
 * before it, so that a restart reads it from the log again.
 */
#include "settle/results.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#define BATCH_FACTS 1000                     /* a new batch begins above it */
#define BATCH_BYTES (8 * 1024 * 1024)
#define BATCH_BYTES_MAX (128 * 1024 * 1024)  /* and one message more */
#define BACKOFF_MIN_MS 20
#define BACKOFF_MAX_MS 2000
#define HELD_RETRY_MS 10000
#define RESULTS_MAGIC 0x72657375u /* "resu" */

struct results_batch {
    struct results_batch *next;
    struct arena arena;
    struct fact *facts;
    uint32_t n, room;
    uint32_t done;       /* facts [0, done) are stored or held */
    uint32_t span;       /* how many are tried at once */
    int64_t offset;      /* of its last message */
    int64_t since_ms;
    struct results_add add;
};

struct results {
    uint32_t magic;
    struct results_options options;
    uv_timer_t timer;
    struct results_batch *head, *tail;   /* to be stored, in order */
    struct results_batch *held;          /* each with one fact that was rejected */
    struct results_batch *flying;        /* at the store */
    int64_t retry_held_ms;       /* when the next held one is tried */
    int64_t backoff_ms;
    bool waiting;                /* the timer runs */
    bool stopping;
    void (*on_stopped)(void *ctx);
    void *stop_ctx;
};

static void pump(struct results *results);

static void batch_check(const struct results_batch *batch)
{
    CHECK(batch->done <= batch->n && batch->n <= batch->room);
}

static void results_check(const struct results *results)
{
    CHECK(results->magic == RESULTS_MAGIC);
    CHECK((results->head == NULL) == (results->tail == NULL));
    CHECK(results->tail == NULL || results->tail->next == NULL);
    CHECK(results->flying == NULL || results->flying == results->head ||
          results->held != NULL);
    CHECK(results->backoff_ms <= BACKOFF_MAX_MS);
    for (const struct results_batch *held = results->held; held != NULL; held = held->next)
        CHECK(held->n == 1 && held->done == 0);
    if (results->head != NULL)
        batch_check(results->head);
}

static struct results *results_of(void *ctx)
{
    results_check(ctx);
    return ctx;
}

static void on_timer(uv_timer_t *timer)
{
    struct results *results = results_of(timer->data);

    CHECK(results->waiting && !results->stopping);
    results->waiting = false;
    pump(results);
}

struct results *results_new(const struct results_options *options)
{
    struct results *results = calloc(1, sizeof(*results));

    CHECK(results != NULL);
    results->magic = RESULTS_MAGIC;
    results->options = *options;
    CHECK(uv_timer_init(options->loop, &results->timer) == 0);
    results->timer.data = results;
    return results;
}

/* ---- batches --------------------------------------------------------- */

static struct results_batch *batch_new(void)
{
    struct results_batch *batch = calloc(1, sizeof(*batch));

    CHECK(batch != NULL);
    arena_init(&batch->arena, BATCH_BYTES_MAX);
    batch->since_ms = clock_wall_ms();
    return batch;
}

static void batch_free(struct results_batch *batch)
{
    arena_fini(&batch->arena);
    free(batch->facts);
    free(batch);
}

static void batch_put(struct results_batch *batch, const struct fact *fact)
{
    struct fact *copy;

    if (batch->n == batch->room) {
        batch->room = batch->room == 0 ? 16 : batch->room * 2;
        batch->facts = realloc(batch->facts, batch->room * sizeof(*batch->facts));
        CHECK(batch->facts != NULL);
    }
    copy = &batch->facts[batch->n++];
    *copy = *fact;
    copy->id.event = arena_str(&batch->arena, fact->id.event);
    copy->id.specifiers = arena_str(&batch->arena, fact->id.specifiers);
    copy->outcomes = ARENA_ARRAY(&batch->arena, struct fact_outcome, fact->n_outcomes + 1);
    for (uint32_t i = 0; i < fact->n_outcomes; i++) {
        copy->outcomes[i] = fact->outcomes[i];
        copy->outcomes[i].id = arena_str(&batch->arena, fact->outcomes[i].id);
    }
}

/* The batch that may still grow, or a new one at the end. */
static struct results_batch *open_batch(struct results *results)
{
    struct results_batch *tail = results->tail;

    if (tail != NULL && tail != results->flying && tail->done == 0 && tail->span == 0 &&
        tail->n < BATCH_FACTS && tail->arena.used < BATCH_BYTES)
        return tail;
    tail = batch_new();
    if (results->tail != NULL)
        results->tail->next = tail;
    else
        results->head = tail;
    results->tail = tail;
    return tail;
}

void results_take(struct results *results, const struct bus_results *message)
{
    struct results_batch *batch;

    if (results->stopping || message->n == 0 || message->position <= results->options.offset)
        return; /* stopping: it is read from the log again */
    results_check(results);
    batch = open_batch(results);
    for (uint32_t i = 0; i < message->n; i++)
        batch_put(batch, &message->facts[i]);
    batch->offset = message->position;
    pump(results);
}

/* ---- storing --------------------------------------------------------- */

/* The offset that holds once facts [0, end) of the batch are stored. */
static int64_t offset_after(const struct results *results, const struct results_batch *batch,
                            uint32_t end)
{
    int64_t offset = end < batch->n ? batch->facts[end].position - 1 : batch->offset;

    for (const struct results_batch *held = results->held; held != NULL; held = held->next)
        if (held->facts[0].position <= offset)
            offset = held->facts[0].position - 1;
    return offset;
}

static void wait_ms(struct results *results, int64_t ms)
{
    results->waiting = true;
    uv_timer_start(&results->timer, on_timer, (uint64_t)(ms > 0 ? ms : 1), 0);
}

static void drop_head(struct results *results)
{
    struct results_batch *head = results->head;

    CHECK(head != results->flying);
    results->head = head->next;
    if (results->head == NULL)
        results->tail = NULL;
    batch_free(head);
}

static bool is_held(const struct results *results, const struct results_batch *batch)
{
    for (const struct results_batch *held = results->held; held != NULL; held = held->next)
        if (held == batch)
            return true;
    return false;
}

static void unlink_held(struct results *results, struct results_batch *batch)
{
    struct results_batch **at = &results->held;

    CHECK(batch->n == 1 && batch != results->flying);
    while (*at != batch)
        at = &(*at)->next;
    *at = batch->next;
    batch_free(batch);
}

static void hold(struct results *results, const struct fact *fact)
{
    struct results_batch *batch = batch_new();

    batch_put(batch, fact);
    batch->next = results->held;
    results->held = batch;
    results->retry_held_ms = clock_wall_ms() + HELD_RETRY_MS;
    log_error("settle", "the store rejects a fact; its market waits for a person",
              "event=" STR_FMT " market=%u specifiers='" STR_FMT "' position=%lld",
              STR_ARG(fact->id.event), fact->id.market, STR_ARG(fact->id.specifiers),
              (long long)fact->position);
}

static void stored(struct results *results, struct results_batch *batch)
{
    uint32_t first = batch->done;

    CHECK(batch->add.n > 0 && batch->add.n <= batch->n - first);
    results->backoff_ms = 0;
    results->options.on_stored(results->options.ctx, batch->facts + first, batch->add.n);
    if (is_held(results, batch)) {
        log_info("settle", "a fact that had been rejected is stored", "position=%lld",
                 (long long)batch->facts[0].position);
        unlink_held(results, batch);
        return;
    }
    batch->done += batch->add.n;
    batch->span = batch->span * 2;
    if (batch->done == batch->n)
        drop_head(results);
}

/* To the end, so that each of the held gets its turn. */
static void hold_again(struct results *results, struct results_batch *batch)
{
    struct results_batch **end = &results->held;

    CHECK(results->held == batch);
    results->held = batch->next;
    while (*end != NULL)
        end = &(*end)->next;
    batch->next = NULL;
    *end = batch;
    results->retry_held_ms = clock_wall_ms() + HELD_RETRY_MS;
}

static void rejected(struct results *results, struct results_batch *batch)
{
    if (is_held(results, batch)) {
        hold_again(results, batch);
        return;
    }
    if (batch->add.n > 1) {
        batch->span = batch->add.n / 2;
        return;
    }
    hold(results, &batch->facts[batch->done]);
    batch->done++;
    batch->span = batch->n - batch->done;
    if (batch->done == batch->n)
        drop_head(results);
}

static void on_added(struct results_add *add, enum store_result result)
{
    struct results *results = results_of(add->ctx);
    struct results_batch *batch = results->flying;

    CHECK(batch != NULL && &batch->add == add);
    results->flying = NULL;
    if (result == STORE_OK) {
        stored(results, batch);
    } else if (result == STORE_REJECTED) {
        metric_add(METRIC_STORE_ERRORS, STR("rejected"), 1);
        rejected(results, batch);
    } else if (!results->stopping) {
        /* Lost in mid-commit is as well as not stored: a fact told twice
         * is one. */
        results->backoff_ms = results->backoff_ms == 0 ? BACKOFF_MIN_MS
                                                       : results->backoff_ms * 2;
        if (results->backoff_ms > BACKOFF_MAX_MS)
            results->backoff_ms = BACKOFF_MAX_MS;
        log_warn("settle", "results could not be stored; trying again", "facts=%u in_ms=%lld",
                 add->n, (long long)results->backoff_ms);
        wait_ms(results, results->backoff_ms);
    }
    pump(results);
}

static void fly(struct results *results, struct results_batch *batch)
{
    uint32_t left = batch->n - batch->done;

    CHECK(results->flying == NULL && left > 0);
    if (batch->span == 0 || batch->span > left)
        batch->span = left;
    batch->add = (struct results_add){
        .facts = batch->facts + batch->done,
        .n = batch->span,
        .offset = results->options.shared
                      ? 0 : offset_after(results, batch, batch->done + batch->span),
        .at_ms = clock_wall_ms(),
        .on_done = on_added,
        .ctx = results,
    };
    results->flying = batch;
    store_results_add(results->options.store, &batch->add);
}

/* A held fact alone: the offset stays where it is. */
static void fly_held(struct results *results)
{
    struct results_batch *batch = results->held;

    batch->offset = offset_after(results, batch, 0);
    fly(results, batch);
}

static void on_closed(uv_handle_t *handle)
{
    struct results *results = handle->data;

    CHECK(results->magic == RESULTS_MAGIC && results->stopping);
    results->on_stopped(results->stop_ctx);
}

static void pump(struct results *results)
{
    int64_t now;

    if (results->flying != NULL)
        return;
    if (results->stopping) {
        if (!uv_is_closing((uv_handle_t *)&results->timer))
            uv_close((uv_handle_t *)&results->timer, on_closed);
        return;
    }
    if (results->waiting && results->backoff_ms > 0)
        return;
    if (results->head != NULL) {
        fly(results, results->head);
        return;
    }
    if (results->held == NULL)
        return;
    now = clock_wall_ms();
    if (now >= results->retry_held_ms)
        fly_held(results);
    else
        wait_ms(results, results->retry_held_ms - now);
}

bool results_wait(const struct results *results, int64_t *since_ms)
{
    const struct results_batch *first = results->held != NULL ? results->held : results->head;

    if (first == NULL)
        return false;
    *since_ms = first->since_ms;
    return true;
}

void results_stop(struct results *results, void (*on_stopped)(void *ctx), void *ctx)
{
    CHECK(!results->stopping);
    results->stopping = true;
    results->on_stopped = on_stopped;
    results->stop_ctx = ctx;
    uv_timer_stop(&results->timer);
    pump(results);
}

void results_free(struct results *results)
{
    CHECK(results->flying == NULL);
    while (results->head != NULL)
        drop_head(results);
    while (results->held != NULL)
        unlink_held(results, results->held);
    results->magic = 0;
    free(results);
}
