/*
 * The book on Kafka: see partitions.h.
 *
 *   NONE --assigned--> TAKES (epoch) --> WAITS --> READS (the log) --> OURS
 *                        ^                                              │
 *                        +------------- Kafka gave up ------------------+
 *
 * One pass over the log is for all that wait when it begins; who comes later
 * waits for the next.  Records that come meanwhile are in the log: they are
 * passed over, and the pass does not end before it has seen them.
 */
#include "odds/partitions.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/slot.h"
#include "odds/odds.h"
#include "topic/feed_in.h"
#include "topic/prices_out.h"
#include "topic/results_out.h"

#define POLL_MS 50
#define SAVE_MS 1000
#define AGAIN_MS 500
#define IMAGE_MS 600000
#define IMAGE_SOON_MS 30000  /* behind what a replaced owner had on its way */
#define IMAGE_APART_MS 7000  /* of two partitions */
#define PAGE_ROWS 512
#define AGAIN_MAX 10
#define ARENA_BYTES (LIMIT_FEED_BODY_BYTES * 16)
#define ANSWER_BYTES 4096
#define WAITING_MAX 20000    /* records and steps: then the feed waits */

enum state { NONE = 0, TAKES, WAITS, READS, OURS };

struct owned_partition {
    struct partitions *all;
    int32_t n;
    enum state state;
    char name[32];           /* of its epoch */
    struct book *shard;
    struct steps *steps;
    int64_t epoch;
    int64_t done, saved;     /* results up to there are acknowledged; stored */
    int64_t passed, offset;  /* of the last record: position, and behind it */
    int64_t marked_ms;       /* by the leader's clock: its last sign of life */
    int64_t again_ms, saved_ms, image_ms;
    bool begun, paused;
    bool asks, saves;        /* of the store, now */
    struct store_exec ask, save;
    struct arena answer, nothing;
};

struct partitions {
    struct partitions_options options;
    struct feed_in *in;
    struct book *book;
    uv_timer_t timer;
    struct owned_partition parts[SLOTS];
    struct arena arena;      /* of one entry */
    struct buf text;         /* of one record */
    /* the pass */
    bool reads, asked;
    int64_t position;        /* read up to */
    int64_t results_from;    /* results behind it are published: the least of its partitions' */
    int64_t started_us;
    uint64_t n_read;
    uint32_t page, n_again;
    struct store_exec exec;
    struct arena rows;
    bool left, stopping;
    void (*on_stopped)(void *ctx);
    void *stop_ctx;
};

/* ---- published -------------------------------------------------------------- */

static struct prices_out prices_of(const struct owned_partition *part)
{
    return (struct prices_out){ part->steps, part->n, part->epoch };
}

static void publish_results(struct owned_partition *part, const struct message *message,
                            int64_t position)
{
    struct partitions *all = part->all;
    uint32_t n;
    struct fact *facts = odds_facts(part->shard, message, position, &all->arena, &n);

    results_out_send(&(struct results_out){
        .steps = part->steps, .partition = (unsigned)part->n, .count = all->options.count,
        .scratch = &all->arena, .text = &all->text }, facts, n, position);
}

/* Into the shard; results if they may not have been published. */
static void apply(struct owned_partition *part, const struct message *message, int64_t position,
                  struct book_change *change)
{
    if (book_apply(part->shard, message, position, change) == BOOK_FULL)
        log_error("odds", "the book is full: message not applied", "position=%lld event=" STR_FMT,
                  (long long)position, STR_ARG(message->event));
    if (change->stale > 0)
        metric_add(METRIC_FEED_STALE, STR_NONE, change->stale);
    if (!change->refused && position > part->done)
        publish_results(part, message, position);
}

/* The leader's mark goes on to the readers of prices as a tick: both ends of the
 * way live, and no price on it is older. */
static void publish_tick(struct owned_partition *part)
{
    struct prices_out out = prices_of(part);

    if (part->marked_ms > 0)
        prices_out_tick(&out, part->shard, part->marked_ms);
}

/* All of it, again now and then: what a process wrote that did not know that
 * it had been replaced must not outlive compaction. */
static void publish_image(struct owned_partition *part, int64_t next_ms)
{
    struct prices_out out = prices_of(part);

    part->image_ms = next_ms;
    prices_out_image(&out, part->shard);
}

/* ---- taking and losing ---------------------------------------------------- */

static void take_partition(struct owned_partition *part, int64_t after_ms)
{
    part->state = TAKES;
    part->again_ms = clock_wall_ms() + after_ms;
    steps_forget(part->steps);
}

static void on_given_up(void *ctx)
{
    struct owned_partition *part = ctx;

    log_warn("odds", "Kafka gave up what a partition told: taken again", "partition=%d epoch=%lld",
             (int)part->n, (long long)part->epoch);
    take_partition(part, AGAIN_MS);
    part->paused = true;
    feed_in_pause(part->all->in, part->n, true);
}

static void on_acknowledged(void *ctx, int64_t position, int64_t offset)
{
    struct owned_partition *part = ctx;

    if (position > part->done)
        part->done = position;
    if (offset > 0)
        feed_in_commit(part->all->in, part->n, offset);
}

static void on_taken(struct store_exec *exec, enum store_result result)
{
    struct owned_partition *part = exec->ctx;

    part->asks = false;
    if (part->state != TAKES || part->again_ms > 0)
        return; /* gone, or gone and come again: asked for anew */
    if (result != STORE_OK || exec->rows != 1) {
        part->again_ms = clock_wall_ms() + AGAIN_MS;
        return;
    }
    part->epoch = EXEC_INT(exec, 0, PARTITION_TAKE_EPOCH);
    part->done = part->saved = EXEC_INT(exec, 0, PARTITION_TAKE_POSITION);
    part->state = WAITS;
}

static void ask_epoch(struct owned_partition *part)
{
    part->asks = true;
    part->again_ms = 0;
    arena_reset(&part->answer);
    part->ask = (struct store_exec){ .n = 1, .arena = &part->answer, .on_done = on_taken,
                                     .ctx = part };
    part->ask.calls[0] = (struct statement_call){ STATEMENT_PARTITION_TAKE,
                                                  { VALUE_STR(str_of(part->name)) } };
    store_exec(part->all->options.store, &part->ask);
}

static void on_saved(struct store_exec *exec, enum store_result result)
{
    struct owned_partition *part = exec->ctx;

    part->saves = false;
    if (result != STORE_OK)
        part->saved = 0;
}

static void save_done(struct owned_partition *part)
{
    if (part->saves || part->done <= part->saved)
        return;
    part->saves = true;
    part->saved = part->done;
    arena_reset(&part->nothing);
    part->save = (struct store_exec){ .n = 1, .arena = &part->nothing, .on_done = on_saved,
                                      .ctx = part };
    part->save.calls[0] = (struct statement_call){
        STATEMENT_PARTITION_TOLD,
        { VALUE_STR(str_of(part->name)), VALUE_INT(part->epoch), VALUE_INT(part->done) }
    };
    store_exec(part->all->options.store, &part->save);
}

static void on_assigned(void *ctx, int32_t n)
{
    struct partitions *all = ctx;
    struct owned_partition *part;

    CHECK(n >= 0 && (unsigned)n < all->options.count);
    part = &all->parts[n];
    part->begun = part->paused = false;
    part->passed = part->offset = part->marked_ms = 0;
    take_partition(part, 0);
    log_info("odds", "a partition comes", "partition=%d", (int)n);
}

static void on_revoked(void *ctx, int32_t n, bool lost)
{
    struct partitions *all = ctx;
    struct owned_partition *part = &all->parts[n];

    if (part->state == OURS)
        save_done(part);
    part->state = NONE;
    steps_forget(part->steps);
    book_shard_clear(part->shard);
    log_info("odds", "a partition goes", "partition=%d lost=%d", (int)n, lost);
}

/* ---- the pass over the log ------------------------------------------------ */

static void read_page(struct partitions *all);

static void own(struct owned_partition *part)
{
    int64_t now_ms = clock_wall_ms();

    part->state = OURS;
    publish_image(part, now_ms + IMAGE_SOON_MS + (int64_t)part->n * IMAGE_APART_MS);
    steps_end(part->steps, part->all->position, part->offset);
    if (!part->begun)
        feed_in_begin(part->all->in, part->n);
    part->begun = true;
    publish_tick(part);
    part->saved_ms = now_ms;
    log_info("odds", "a partition is ours", "partition=%d epoch=%lld position=%lld", (int)part->n,
             (long long)part->epoch, (long long)part->all->position);
}

static void take_row(struct partitions *all, int64_t position, struct str event, struct str body)
{
    unsigned from = 0, to = all->options.count;
    struct message message;
    struct book_change change;
    bool wanted = false;

    if (event.n > 0) {
        from = slot_of(event) % all->options.count;
        to = from + 1;
    }
    for (unsigned i = from; i < to; i++)
        wanted = wanted || all->parts[i].state == READS;
    if (!wanted)
        return;
    if (all->options.parse(all->options.ctx, body, &all->arena, &message))
        for (unsigned i = from; i < to; i++)
            if (all->parts[i].state == READS)
                apply(&all->parts[i], &message, position, &change);
    arena_reset(&all->arena);
}

static void pass_ends(struct partitions *all)
{
    bool again = false;

    for (unsigned i = 0; i < all->options.count; i++) {
        struct owned_partition *part = &all->parts[i];

        if (part->state == READS && part->passed > all->position && all->n_again < AGAIN_MAX)
            again = true; /* it came while the last page was read */
        else if (part->state == READS)
            own(part);
    }
    log_info("odds", "the log was read", "entries=%llu position=%lld ms=%lld",
             (unsigned long long)all->n_read, (long long)all->position,
             (long long)(clock_mono_us() - all->started_us) / 1000);
    all->reads = again;
    all->n_again++;
}

static void on_page(struct store_exec *exec, enum store_result result)
{
    struct partitions *all = exec->ctx;

    all->asked = false;
    if (all->stopping)
        return;
    if (result != STORE_OK) {
        all->page = all->page > 1 ? all->page / 2 : 1;
        return; /* by the timer */
    }
    for (uint32_t i = 0; i < exec->rows; i++) {
        all->position = EXEC_INT(exec, i, PARTITION_LOG_POS);
        take_row(all, all->position, EXEC_TEXT(exec, i, PARTITION_LOG_EVENT),
                 EXEC_TEXT(exec, i, PARTITION_LOG_BODY));
    }
    all->n_read += exec->rows;
    if (exec->rows >= exec->calls[0].params[3].i)
        read_page(all);
    else
        pass_ends(all);
}

static void read_page(struct partitions *all)
{
    all->asked = true;
    arena_reset(&all->rows);
    all->exec = (struct store_exec){ .n = 1, .arena = &all->rows, .on_done = on_page,
                                     .ctx = all };
    all->exec.calls[0] = (struct statement_call){
        STATEMENT_PARTITION_LOG,
        { VALUE_INT(all->position), VALUE_INT(all->options.since_ms), VALUE_INT(all->results_from),
          VALUE_INT(all->page) }
    };
    store_exec(all->options.store, &all->exec);
}

static void begin_pass(struct partitions *all)
{
    bool any = false;

    all->results_from = INT64_MAX;
    for (unsigned i = 0; i < all->options.count; i++) {
        struct owned_partition *part = &all->parts[i];

        if (part->state != WAITS)
            continue;
        any = true;
        part->state = READS;
        book_shard_clear(part->shard);
        steps_begin(part->steps);
        all->results_from = part->done < all->results_from ? part->done : all->results_from;
    }
    if (!any)
        return;
    all->reads = true;
    all->position = 0;
    all->n_read = 0;
    all->n_again = 0;
    all->page = PAGE_ROWS;
    all->started_us = clock_mono_us();
    read_page(all);
}

/* All that waits goes together: partitions come one by one within a turn. */
static bool any_takes(const struct partitions *all)
{
    for (unsigned i = 0; i < all->options.count; i++)
        if (all->parts[i].state == TAKES)
            return true;
    return false;
}

/* ---- the topic ------------------------------------------------------------ */

static void note_record(struct owned_partition *part, int64_t next,
                        const struct feed_record *record)
{
    if (record->position > part->passed)
        part->passed = record->position;
    part->offset = next;
    if (feed_record_is_mark(record))
        part->marked_ms = record->at_ms;
}

static void on_entry(struct owned_partition *part, const struct feed_record *record)
{
    struct partitions *all = part->all;
    struct prices_out out = prices_of(part);
    struct book_change change;
    struct message message;

    if (all->options.parse(all->options.ctx, record->body, &all->arena, &message)) {
        apply(part, &message, record->position, &change);
        prices_out_change(&out, part->shard, &change);
    }
    arena_reset(&all->arena);
}

static void on_record(void *ctx, int32_t n, int64_t next, const struct feed_record *record)
{
    struct partitions *all = ctx;
    struct owned_partition *part = &all->parts[n];
    bool mark = feed_record_is_mark(record);

    note_record(part, next, record);
    if (part->state != OURS)
        return; /* the pass over the log has it */
    steps_begin(part->steps);
    if (mark)
        book_pass(part->shard, record->position);
    else if (record->position > book_position(part->shard))
        on_entry(part, record);
    steps_end(part->steps, record->position, part->offset);
    if (mark)
        publish_tick(part);
    if (!part->paused && steps_waiting(part->steps) > WAITING_MAX) {
        part->paused = true;
        feed_in_pause(all->in, part->n, true);
    }
}

/* ---- the clock -------------------------------------------------------------- */

static void check_part(struct owned_partition *part, int64_t now_ms)
{
    struct partitions *all = part->all;
    int64_t save_ms = all->options.save_ms > 0 ? (int64_t)all->options.save_ms : SAVE_MS;

    if (part->state == TAKES && !part->asks && now_ms >= part->again_ms)
        ask_epoch(part);
    if (part->state == NONE)
        return;
    steps_resend(part->steps);
    if (part->paused && part->state == OURS && steps_waiting(part->steps) < WAITING_MAX / 2) {
        part->paused = false;
        feed_in_pause(all->in, part->n, false);
    }
    if (part->state != OURS || now_ms - part->saved_ms < save_ms)
        return;
    part->saved_ms = now_ms;
    save_done(part);
    if (now_ms >= part->image_ms && steps_waiting(part->steps) == 0) {
        steps_begin(part->steps);
        publish_image(part, now_ms + IMAGE_MS);
        steps_end(part->steps, part->done, 0);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct partitions *all = timer->data;
    int64_t now_ms = clock_wall_ms();

    for (unsigned i = 0; i < all->options.count; i++)
        check_part(&all->parts[i], now_ms);
    if (!all->reads && !any_takes(all))
        begin_pass(all);
    else if (all->reads && !all->asked)
        read_page(all);
}

/* ---- life ------------------------------------------------------------------- */

static void init_part(struct partitions *all, unsigned n)
{
    struct owned_partition *part = &all->parts[n];

    part->all = all;
    part->n = (int32_t)n;
    part->shard = book_shard(all->book, n);
    part->steps = steps_new(&(struct steps_options){
        .kafka = all->options.kafka, .on_acknowledged = on_acknowledged, .on_given_up = on_given_up,
        .ctx = part });
    (void)snprintf(part->name, sizeof(part->name), "odds:%u/%u", n, all->options.count);
    arena_init(&part->answer, ANSWER_BYTES);
    arena_init(&part->nothing, ANSWER_BYTES);
}

struct partitions *partitions_new(const struct partitions_options *options)
{
    struct partitions *all = calloc(1, sizeof(*all));

    CHECK(all != NULL && options->count > 0 && options->count <= SLOTS);
    all->options = *options;
    all->book = book_sharded_new(options->count);
    arena_init(&all->arena, ARENA_BYTES);
    arena_init(&all->rows, LIMIT_ROWS_BYTES);
    buf_init(&all->text, LIMIT_RECORD_BYTES);
    for (unsigned i = 0; i < options->count; i++)
        init_part(all, i);
    CHECK(uv_timer_init(options->loop, &all->timer) == 0);
    all->timer.data = all;
    uv_timer_start(&all->timer, on_timer, POLL_MS, POLL_MS);
    all->in = feed_in_new(&(struct feed_in_options){
        .kafka = options->kafka, .on_assigned = on_assigned, .on_revoked = on_revoked,
        .on_record = on_record, .ctx = all });
    return all;
}

bool partitions_are_ready(const struct partitions *all)
{
    for (unsigned i = 0; i < all->options.count; i++)
        if (all->parts[i].state != NONE && all->parts[i].state != OURS)
            return false;
    return true;
}

const struct book *partitions_book(const struct partitions *all)
{
    return all->book;
}

void partitions_metrics(const struct book *book)
{
    struct book_counts counts = book_counts(book);
    int64_t position = 0;

    for (unsigned i = 0; i < book_shards(book); i++) {
        int64_t has = book_position(book_shard(book, i));
        char label[16];

        (void)snprintf(label, sizeof(label), "%u", i);
        metric_set(METRIC_FEED_PARTITION, str_of(label), has);
        if (has > position)
            position = has;
    }
    metric_set(METRIC_BOOK_EVENTS, STR_NONE, (int64_t)counts.events);
    metric_set(METRIC_BOOK_MARKETS, STR_NONE, (int64_t)counts.markets);
    metric_set(METRIC_BOOK_ACTIVE, STR_NONE, (int64_t)counts.active_markets);
    metric_set(METRIC_FEED_POSITION, STR_NONE, position);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct partitions *all = handle->data;

    all->on_stopped(all->stop_ctx);
}

static void on_left(void *ctx)
{
    struct partitions *all = ctx;

    all->left = true;
    uv_close((uv_handle_t *)&all->timer, on_timer_closed);
}

void partitions_stop(struct partitions *all, void (*on_stopped)(void *ctx), void *ctx)
{
    CHECK(!all->stopping);
    all->stopping = true;
    all->on_stopped = on_stopped;
    all->stop_ctx = ctx;
    feed_in_close(all->in, on_left, all);
}

void partitions_free(struct partitions *all)
{
    if (all == NULL)
        return;
    CHECK(all->left && !all->asked);
    feed_in_free(all->in);
    for (unsigned i = 0; i < all->options.count; i++) {
        struct owned_partition *part = &all->parts[i];

        CHECK(!part->asks && !part->saves);
        steps_free(part->steps);
        arena_fini(&part->answer);
        arena_fini(&part->nothing);
    }
    book_free(all->book);
    buf_fini(&all->text);
    arena_fini(&all->rows);
    arena_fini(&all->arena);
    free(all);
}
