/*
 * Which entries the leader sends to the topic feed: see publish.h.
 *
 *   IDLE --lead--> ASKS meta --> READS the table --end--> LIVE: from memory
 *                                   ^                       |
 *                                   +--- refused, failed ---+
 *
 * While the table is read, what becomes durable is kept (`recent`), so that
 * the end of the table and the first entry from memory meet.
 */
#include "feed/publish.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "feed/follow.h"
#include "topic/feed_out.h"

#define TICK_MS 50
#define SAVE_TICKS 10
#define MARK_TICKS 20
#define AGAIN_TICKS 4 /* after a failure of Kafka's */
#define FULL_TICKS 20 /* when it takes no more: each attempt reads the table */

struct recent {
    struct recent *next;
    int64_t pos, at_ms;
    struct str event, body; /* in the same memory */
};

struct publish {
    struct publish_options options;
    struct follow *follow;
    struct feed_out *out;
    uv_timer_t timer;
    struct store_exec ask, save;
    struct arena arena, nothing; /* of their answers */
    bool asks, saves;     /* under way */
    bool leads, known, reads, live;
    bool stale;           /* what is being read does not count any more */
    bool gap;             /* `recent` was full: the table is read again */
    unsigned ticks, wait; /* since the start; before the next attempt */
    int64_t saved;        /* of what is acknowledged, in meta */
    struct recent *recent, **recent_end;
    size_t n_recent, recent_bytes;
};

static bool on_row(void *ctx, const struct feed_row *row);
static void on_end(void *ctx);

static void on_failed(void *ctx);
static void on_timer(uv_timer_t *timer);

struct publish *publish_new(const struct publish_options *options)
{
    uint64_t tick_ms = options->tick_ms > 0 ? options->tick_ms : TICK_MS;
    struct publish *publish = calloc(1, sizeof(*publish));

    CHECK(publish != NULL);
    publish->options = *options;
    publish->recent_end = &publish->recent;
    arena_init(&publish->arena, LIMIT_BODY_BYTES);
    arena_init(&publish->nothing, LIMIT_BODY_BYTES);
    publish->out = feed_out_new(&(struct feed_out_options){
        .kafka = options->kafka, .on_failed = on_failed, .ctx = publish });
    publish->follow = follow_new(&(struct follow_options){
        .loop = options->loop, .store = options->store, .on_row = on_row, .on_end = on_end,
        .ctx = publish });
    uv_timer_init(options->loop, &publish->timer);
    publish->timer.data = publish;
    uv_timer_start(&publish->timer, on_timer, tick_ms, tick_ms);
    return publish;
}

/* ---- what was durable meanwhile ----------------------------------------- */

static void forget_recent(struct publish *publish)
{
    while (publish->recent != NULL) {
        struct recent *recent = publish->recent;

        publish->recent = recent->next;
        free(recent);
    }
    publish->recent_end = &publish->recent;
    publish->n_recent = publish->recent_bytes = 0;
}

static void keep_recent(struct publish *publish, const struct feed_row *row)
{
    size_t bytes = sizeof(struct recent) + row->event.n + row->body.n;
    struct recent *recent;
    char *text;

    if (publish->gap || publish->n_recent == LIMIT_FEED_QUEUE ||
        publish->recent_bytes + bytes > LIMIT_KAFKA_QUEUE_BYTES) {
        publish->gap = true;
        return;
    }
    recent = malloc(bytes);
    CHECK(recent != NULL);
    text = (char *)(recent + 1);
    memcpy(text, row->body.p, row->body.n);
    if (row->event.n > 0)
        memcpy(text + row->body.n, row->event.p, row->event.n);
    *recent = (struct recent){ NULL, row->pos, row->at_ms,
                               { text + row->body.n, row->event.n }, { text, row->body.n } };
    *publish->recent_end = recent;
    publish->recent_end = &recent->next;
    publish->n_recent++;
    publish->recent_bytes += bytes;
}

/* ---- sent again ----------------------------------------------------------- */

/* Behind what is acknowledged, by the table. */
static void send_again(struct publish *publish, unsigned ticks)
{
    publish->live = false;
    publish->stale = publish->reads;
    publish->wait = ticks;
    forget_recent(publish);
}

static void on_failed(void *ctx)
{
    send_again(ctx, AGAIN_TICKS);
}

static bool send_row(struct publish *publish, const struct feed_row *row)
{
    return feed_out_send(publish->out, &(struct feed_record){
        .position = row->pos, .at_ms = row->at_ms, .event = row->event, .body = row->body });
}

/* ---- from the table ----------------------------------------------------- */

static void read_table(struct publish *publish)
{
    if (!publish->leads || !publish->known || publish->live || publish->reads)
        return;
    if (!feed_out_has_room(publish->out))
        return;
    publish->reads = true;
    publish->stale = publish->gap = false;
    forget_recent(publish);
    follow_read(publish->follow, feed_out_sent(publish->out), 0);
}

static bool on_row(void *ctx, const struct feed_row *row)
{
    struct publish *publish = ctx;

    if (publish->stale || !publish->leads) {
        publish->reads = false;
        return false;
    }
    if (row->pos <= feed_out_sent(publish->out) || send_row(publish, row))
        return true;
    publish->reads = false;
    send_again(publish, FULL_TICKS);
    return false;
}

/* The table was read to its end: what came meanwhile is in memory. */
static void on_end(void *ctx)
{
    struct publish *publish = ctx;
    bool taken = true;

    publish->reads = false;
    if (publish->stale || !publish->leads)
        return;
    for (struct recent *r = publish->recent; r != NULL && taken; r = r->next)
        if (r->pos > feed_out_sent(publish->out))
            taken = send_row(publish, &(struct feed_row){ .pos = r->pos, .at_ms = r->at_ms,
                                                      .event = r->event, .body = r->body });
    publish->live = taken && !publish->gap;
    if (!taken)
        send_again(publish, 1);
    forget_recent(publish);
}

/* ---- from memory -------------------------------------------------------- */

void publish_entry(struct publish *publish, int64_t pos, int64_t at_ms, struct str event,
                   struct str body)
{
    struct feed_row row = { .pos = pos, .at_ms = at_ms, .event = event, .body = body };

    if (!publish->leads)
        return;
    if (publish->reads && !publish->stale)
        keep_recent(publish, &row);
    else if (publish->live && pos > feed_out_sent(publish->out) && !send_row(publish, &row))
        send_again(publish, 1);
}

/* ---- what is acknowledged ------------------------------------------------------ */

static void on_asked(struct store_exec *exec, enum store_result result)
{
    struct publish *publish = exec->ctx;

    publish->asks = false;
    if (result != STORE_OK || exec->rows != 1 || !publish->leads)
        return; /* the timer asks again */
    publish->saved = EXEC_INT(exec, 0, FEED_PUBLISHED_POS);
    feed_out_begin(publish->out, publish->saved);
    publish->known = true;
    log_info("feed", "telling the topic", "behind=%lld", (long long)publish->saved);
    read_table(publish);
}

static void read_published(struct publish *publish)
{
    if (publish->asks || publish->known || !publish->leads)
        return;
    publish->asks = true;
    arena_reset(&publish->arena);
    publish->ask = (struct store_exec){ .n = 1, .arena = &publish->arena, .on_done = on_asked,
                                        .ctx = publish };
    publish->ask.calls[0].statement = STATEMENT_FEED_PUBLISHED;
    store_exec(publish->options.store, &publish->ask);
}

static void on_saved(struct store_exec *exec, enum store_result result)
{
    struct publish *publish = exec->ctx;

    publish->saves = false;
    if (result == STORE_OK && publish->saved < exec->calls[0].params[0].i)
        publish->saved = exec->calls[0].params[0].i;
}

/* Raises it only, so the last of a former leader does no harm. */
static void save(struct publish *publish)
{
    int64_t acknowledged = feed_out_acknowledged(publish->out);

    if (publish->saves || !publish->known || acknowledged == publish->saved)
        return;
    publish->saves = true;
    arena_reset(&publish->nothing);
    publish->save = (struct store_exec){ .n = 1, .arena = &publish->nothing,
                                         .on_done = on_saved, .ctx = publish };
    publish->save.calls[0] = (struct statement_call){ STATEMENT_FEED_PUBLISHED_SET,
                                                      { VALUE_INT(acknowledged) } };
    store_exec(publish->options.store, &publish->save);
}

/* A mark vouches for the feed: only while nobody else can lead. */
static void mark(struct publish *publish)
{
    if (publish->live && publish->options.is_sure(publish->options.ctx))
        feed_out_mark(publish->out);
}

static void on_timer(uv_timer_t *timer)
{
    struct publish *publish = timer->data;

    publish->ticks++;
    if (publish->ticks % SAVE_TICKS == 0)
        save(publish);
    if (publish->ticks % MARK_TICKS == 0)
        mark(publish);
    if (publish->wait > 0)
        publish->wait--;
    if (publish->wait > 0)
        return;
    read_published(publish);
    read_table(publish);
}

/* ---- leading ------------------------------------------------------------ */

void publish_lead(struct publish *publish)
{
    publish->leads = true;
    read_published(publish);
}

void publish_follow(struct publish *publish)
{
    if (!publish->leads)
        return;
    save(publish);
    publish->leads = publish->known = false;
    feed_out_restart(publish->out);
    send_again(publish, 0);
}

void publish_metrics(const struct publish *publish)
{
    int64_t acknowledged = feed_out_acknowledged(publish->out);

    metric_set(METRIC_FEED_TOLD, STR_NONE, publish->leads ? acknowledged : 0);
}

void publish_stop(struct publish *publish)
{
    save(publish);
    publish->leads = false;
    uv_close((uv_handle_t *)&publish->timer, NULL);
    follow_stop(publish->follow);
}

void publish_free(struct publish *publish)
{
    if (publish == NULL)
        return;
    CHECK(!publish->asks && !publish->saves);
    feed_out_free(publish->out);
    forget_recent(publish);
    follow_free(publish->follow);
    arena_fini(&publish->arena);
    arena_fini(&publish->nothing);
    free(publish);
}
