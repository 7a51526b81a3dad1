/*
 * The feed log: entries wait in a queue, go to the store in batches with one
 * transaction in flight, and are published in order once they are durable.
 *
 *   FOLLOWS --lease--> TAKES OVER --end of log, restart durable--> LEADS
 *      ^                   |                                         |
 *      +---- lease lost ---+-----------------------------------------+
 *
 * Who follows reads the stored log and publishes what another process wrote.
 * Who leads writes:
 *
 *   waiting --append--> in flight --durable--> bus, then told
 *                            \--failed--> told, all that wait too (so that
 *                               nothing overtakes what comes again), then
 *                               read the stored log behind what was
 *                               published: a lost answer may hide a commit
 *                            \--fenced--> another process leads: follow it
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/answer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "feed/follow.h"
#include "feed/inbox.h"
#include "feed/inside.h"
#include "feed/publish.h"

#define ENTRY_ARENA_BYTES (LIMIT_FEED_BODY_BYTES * 16)
#define TICK_MS 500
#define FOLLOW_MS 20
#define CATCH_UP_PAUSE_MS 200
#define PROMPT_MS 1000 /* that an append may take while we vouch for the feed */

/* One message on its way into the log. */
struct log_entry {
    struct log_entry *next;
    struct arena arena;
    struct message message;
    struct str body;
    int64_t inbox; /* its row there; 0 = none */
    void (*on_done)(void *ctx, bool durable, int64_t position); /* NULL: our own */
    void *ctx;
};

struct feed {
    struct feed_options options;
    struct uof_parser *parser;
    struct watch *watch;
    struct follow *follow;
    struct inbox *inbox;  /* NULL: no other process may lead */
    struct publish *publish; /* NULL: no topic to tell */
    uv_timer_t tick;
    struct log_entry *waiting, **waiting_end;
    struct log_entry *flying; /* of the transaction in flight, in order */
    unsigned n_waiting;
    struct feed_append append;
    struct feed_row rows[LIMIT_FEED_BATCH];
    int64_t position;     /* last one published */
    int64_t epoch;        /* of the lease that is held; 0 = none */
    int64_t round;        /* how often the log was read to its end under a lease */
    bool restarts;        /* our restart is on its way into the log: the next one is ours */
    bool leads;           /* the restart under this epoch is in the log */
    bool catching_up;     /* holds the lease, and the log is not read to its end */
    bool read_again;      /* the read that runs began before the lease was held */
    bool current;         /* the log was read to its end once */
    bool standby;         /* another process leads, or this one never does */
};

static void send_batch(struct feed *feed);
static void enqueue_turn(void *ctx, int32_t producer, bool up, const char *why);
static void on_entry(void *ctx, int64_t position, int64_t at_ms, struct str body);
static void on_log_end(void *ctx);

/* Nobody else can lead, and what came is in the log, or was a moment ago: while
 * the store takes nothing, prices grow old behind it. */
static bool vouches(void *ctx)
{
    const struct feed *feed = ctx;

    if (feed->catching_up ||
        (feed->flying != NULL && clock_wall_ms() - feed->rows[0].at_ms >= PROMPT_MS))
        return false;
    return feed->options.is_sure(feed->options.ctx);
}

/* How often the log was read to its end, while what the inbox holds may be taken. */
static int64_t round_now(const struct feed *feed)
{
    return feed->leads && !feed->catching_up ? feed->round : 0;
}

struct feed *feed_new(const struct feed_options *options)
{
    struct feed *feed = calloc(1, sizeof(*feed));

    CHECK(feed != NULL);
    feed->options = *options;
    feed->watch = watch_new(&(struct watch_options){
        .loop = options->loop, .silence_ms = options->producer_silence_ms,
        .recovery = options->recovery, .on_turn = enqueue_turn, .ctx = feed });
    feed->waiting_end = &feed->waiting;
    feed->parser = uof_parser_new();
    feed->follow = follow_new(&(struct follow_options){
        .loop = options->loop, .store = options->store, .on_entry = on_entry,
        .on_end = on_log_end, .ctx = feed });
    if (options->shared)
        feed->inbox = inbox_new(&(struct inbox_options){
            .loop = options->loop, .store = options->store,
            .log = { .is_busy = feed_is_busy, .take = feed_take, .round = round_now,
                     .feed = feed },
            .seeks = options->asks });
    if (options->kafka != NULL)
        feed->publish = publish_new(&(struct publish_options){
            .loop = options->loop, .store = options->store, .kafka = options->kafka,
            .is_sure = vouches, .ctx = feed });
    uv_timer_init(options->loop, &feed->tick);
    feed->tick.data = feed;
    return feed;
}

/* ---- entries ----------------------------------------------------------- */

static struct log_entry *entry_new(void)
{
    struct log_entry *entry = calloc(1, sizeof(*entry));

    CHECK(entry != NULL);
    arena_init(&entry->arena, ENTRY_ARENA_BYTES);
    return entry;
}

static void entry_free(struct log_entry *entry)
{
    arena_fini(&entry->arena);
    free(entry);
}

static void enqueue(struct feed *feed, struct log_entry *entry)
{
    *feed->waiting_end = entry;
    feed->waiting_end = &entry->next;
    feed->n_waiting++;
}

static struct log_entry *dequeue(struct feed *feed)
{
    struct log_entry *entry = feed->waiting;

    feed->waiting = entry->next;
    if (feed->waiting == NULL)
        feed->waiting_end = &feed->waiting;
    feed->n_waiting--;
    entry->next = NULL;
    return entry;
}

/* An entry of our own: a producer's turn, or a restart. */
static void enqueue_own(struct feed *feed, const char *format, ...) PRINTF_LIKE(2, 3);
static void enqueue_own(struct feed *feed, const char *format, ...)
{
    struct log_entry *entry = entry_new();
    struct uof_error error;
    char text[200];
    va_list args;

    va_start(args, format);
    CHECK(vsnprintf(text, sizeof(text), format, args) < (int)sizeof(text));
    va_end(args);
    entry->body = arena_str(&entry->arena, str_of(text));
    CHECK(uof_parse(feed->parser, entry->body, true, &entry->arena, &entry->message, &error));
    enqueue(feed, entry);
}

static void enqueue_turn(void *ctx, int32_t producer, bool up, const char *why)
{
    struct feed *feed = ctx;

    log_warn("feed", up ? "producer is up" : "producer is down", "producer=%d why='%s'",
             (int)producer, why);
    enqueue_own(feed, "<overround_producer product=\"%d\" up=\"%d\" timestamp=\"%lld\"/>",
                (int)producer, up, (long long)clock_wall_ms());
}

static void enqueue_restart(struct feed *feed)
{
    feed->restarts = true;
    enqueue_own(feed, "<overround_restart timestamp=\"%lld\"/>", (long long)clock_wall_ms());
}

static void entry_done(struct log_entry *entry, bool durable, int64_t position)
{
    if (entry->on_done == NULL)
        return; /* our own */
    if (durable)
        metric_add(METRIC_FEED_MESSAGES, str_of(message_type_name(entry->message.type)), 1);
    else
        metric_add(METRIC_FEED_REFUSED, STR("busy"), 1);
    entry->on_done(entry->ctx, durable, position);
}

/* ---- published --------------------------------------------------------- */

/* The restart that this process wrote is in the log: from here on it takes
 * messages, and what producers say is its to judge. */
static void lead_begins(struct feed *feed)
{
    feed->restarts = false;
    feed->leads = true;
    log_info("feed", "this process leads", "epoch=%lld position=%lld", (long long)feed->epoch,
             (long long)feed->position);
    if (feed->publish != NULL)
        publish_lead(feed->publish);
    if (feed->options.on_lead != NULL)
        feed->options.on_lead(feed->options.ctx, true);
}

/* Published in log order; what the log says about producers outranks. */
static void publish(struct feed *feed, int64_t position, int64_t at_ms,
                    const struct message *message, struct str body)
{
    struct bus_feed out = { position, at_ms, message };

    CHECK(position > feed->position);
    feed->position = position;
    watch_logged(feed->watch, message, at_ms);
    bus_publish_feed(feed->options.bus, &out);
    if (feed->publish != NULL)
        publish_entry(feed->publish, position, at_ms, message->event, body);
    if (message->desk != NULL && feed->inbox != NULL)
        inbox_seen(feed->inbox, message->desk->ticket, position);
    if (message->type == MESSAGE_RESTART && feed->restarts)
        lead_begins(feed);
}

bool feed_replay(struct feed *feed, int64_t position, int64_t at_ms, struct str body)
{
    struct log_entry *entry = entry_new();
    struct uof_error error;
    bool parsed = uof_parse(feed->parser, body, true, &entry->arena, &entry->message, &error);

    if (parsed)
        publish(feed, position, at_ms, &entry->message, body);
    else
        log_error("feed", "an entry of the log cannot be read", "position=%lld error='%s'",
                  (long long)position, error.text);
    entry_free(entry);
    return parsed;
}

/* ---- written ----------------------------------------------------------- */

/* Takes the entries in flight off, in order, and frees them. */
static void land(struct feed *feed, bool durable)
{
    for (uint32_t i = 0; feed->flying != NULL; i++) {
        struct log_entry *entry = feed->flying;
        const struct feed_row *row = &feed->rows[i];

        feed->flying = entry->next;
        if (durable)
            publish(feed, row->pos, row->at_ms, &entry->message, entry->body);
        entry_done(entry, durable, durable ? row->pos : 0);
        entry_free(entry);
    }
}

/* Nothing that waits may overtake what is sent again. */
static void turn_away(struct feed *feed)
{
    while (feed->waiting != NULL) {
        struct log_entry *entry = dequeue(feed);

        entry_done(entry, false, 0);
        entry_free(entry);
    }
}

static void catch_up(struct feed *feed, uint64_t after_ms)
{
    feed->catching_up = true;
    follow_read(feed->follow, feed->position, after_ms);
}

static void on_append_done(struct feed_append *append, enum store_result result)
{
    struct feed *feed = append->ctx;
    bool durable = result == STORE_OK && !append->fenced;

    land(feed, durable);
    if (append->fenced && append->epoch == feed->epoch) {
        feed_follow(feed);
        if (feed->options.on_fenced != NULL)
            feed->options.on_fenced(feed->options.ctx);
        return;
    }
    if (durable && append->epoch == feed->epoch) {
        send_batch(feed);
        return;
    }
    turn_away(feed);
    log_warn("feed", "reading the log again", "position=%lld", (long long)feed->position);
    if (feed->epoch != 0)
        catch_up(feed, CATCH_UP_PAUSE_MS);
    else
        follow_read(feed->follow, feed->position, 0);
}

/* Everything that waits, up to the limit, as one transaction. */
static void send_batch(struct feed *feed)
{
    struct log_entry **end = &feed->flying;
    uint32_t n = 0;

    if (feed->flying != NULL || feed->catching_up || feed->epoch == 0)
        return;
    for (; feed->waiting != NULL && n < LIMIT_FEED_BATCH; n++) {
        struct log_entry *entry = dequeue(feed);

        feed->rows[n] = (struct feed_row){
            .pos = feed->position + 1 + n, .at_ms = clock_wall_ms(),
            .type = (int32_t)entry->message.type, .producer = entry->message.producer,
            .event = entry->message.event, .body = entry->body,
            .inbox = entry->inbox,
        };
        *end = entry;
        end = &entry->next;
    }
    if (n == 0)
        return;
    feed->append = (struct feed_append){ .rows = feed->rows, .n = n, .epoch = feed->epoch,
                                         .on_done = on_append_done, .ctx = feed };
    store_feed_append(feed->options.store, &feed->append);
}

/* ---- read -------------------------------------------------------------- */

static void on_entry(void *ctx, int64_t position, int64_t at_ms, struct str body)
{
    struct feed *feed = ctx;

    if (!feed_replay(feed, position, at_ms, body))
        feed->position = position; /* passed over, as everybody does */
}

/* The log is read to its end; what we had decided but not written is decided
 * again from what the log says. */
static void caught_up(struct feed *feed)
{
    feed->catching_up = false;
    feed->round++;
    if (feed->leads)
        watch_unwritten(feed->watch);
    else if (feed->waiting == NULL)
        enqueue_restart(feed);
    send_batch(feed);
}

static void on_log_end(void *ctx)
{
    struct feed *feed = ctx;
    bool again = feed->read_again;

    feed->read_again = false;
    feed->current = true;
    if (feed->epoch == 0)
        follow_read(feed->follow, feed->position, FOLLOW_MS);
    else if (again)
        follow_read(feed->follow, feed->position, 0);
    else
        caught_up(feed);
}

/* ---- leading ----------------------------------------------------------- */

/* What the former leader had under way was refused or is durable, for the
 * lease was taken after it: the log's end is its end. */
void feed_lead(struct feed *feed, int64_t epoch)
{
    CHECK(epoch > 0 && !feed->options.asks);
    feed_follow(feed);
    feed->epoch = epoch;
    feed->catching_up = true;
    if (feed->flying != NULL)
        return; /* of an epoch before: its answer goes on */
    if (follow_is_reading(feed->follow))
        feed->read_again = true;
    else
        follow_read(feed->follow, feed->position, 0);
}

void feed_follow(struct feed *feed)
{
    bool led = feed->leads;

    feed->standby = true;
    if (feed->epoch == 0)
        return;
    log_warn("feed", "this process does not lead any more", "epoch=%lld position=%lld",
             (long long)feed->epoch, (long long)feed->position);
    feed->epoch = 0;
    feed->leads = feed->restarts = feed->catching_up = feed->read_again = false;
    turn_away(feed);
    watch_step_down(feed->watch);
    if (feed->publish != NULL)
        publish_follow(feed->publish);
    if (feed->flying == NULL && !follow_is_reading(feed->follow))
        follow_read(feed->follow, feed->position, 0);
    if (led && feed->options.on_lead != NULL)
        feed->options.on_lead(feed->options.ctx, false);
}

static void on_tick(uv_timer_t *timer)
{
    struct feed *feed = timer->data;

    if (!feed->leads)
        return;
    watch_tick(feed->watch);
    send_batch(feed);
}

void feed_start(struct feed *feed, int64_t position)
{
    if (position > feed->position)
        feed->position = position;
    if (feed->options.asks)
        feed->standby = feed->current = true;
    else
        follow_read(feed->follow, feed->position, 0);
    uv_timer_start(&feed->tick, on_tick, TICK_MS, TICK_MS);
    if (feed->inbox != NULL)
        inbox_start(feed->inbox);
}

/* ---- taken ------------------------------------------------------------- */

const char *feed_is_busy(const struct feed *feed)
{
    if (!feed->leads && feed->standby && feed->epoch == 0)
        return "this process is a standby: another one leads the feed";
    if (!feed->leads)
        return "starting";
    return feed->n_waiting < LIMIT_FEED_QUEUE ? NULL : "too many messages wait";
}

/* A message that parses goes into the queue; else false, and it is freed. */
static bool entry_accept(struct feed *feed, struct log_entry *entry, const struct feed_item *item,
                         struct uof_error *error)
{
    if (!uof_parse(feed->parser, entry->body, item->own, &entry->arena, &entry->message, error)) {
        entry_free(entry);
        return false;
    }
    entry->on_done = item->on_done;
    entry->ctx = item->ctx;
    entry->inbox = item->inbox;
    if (entry->message.unknown > 0)
        metric_add(METRIC_FEED_UNKNOWN, STR_NONE, entry->message.unknown);
    enqueue(feed, entry);
    watch_came(feed->watch, &entry->message);
    send_batch(feed);
    return true;
}

bool feed_take(struct feed *feed, const struct feed_item *item, struct uof_error *error)
{
    struct log_entry *entry = entry_new();

    CHECK(feed_is_busy(feed) == NULL && item->on_done != NULL);
    entry->body = item->body;
    return entry_accept(feed, entry, item, error);
}

/* Another process leads, as far as the log was read. */
static bool goes_by_inbox(const struct feed *feed)
{
    return feed->inbox != NULL && !feed->leads && feed->epoch == 0 && feed->standby &&
           feed->current;
}

enum feed_result feed_submit(struct feed *feed, const struct feed_item *item,
                             struct uof_error *error)
{
    struct log_entry *entry;

    CHECK(item->on_done != NULL);
    if (item->own && goes_by_inbox(feed))
        return inbox_put(feed->inbox, item, error);
    if (feed_is_busy(feed) != NULL) {
        metric_add(METRIC_FEED_REFUSED, STR("busy"), 1);
        return FEED_BUSY;
    }
    entry = entry_new();
    entry->body = arena_str(&entry->arena, item->body);
    if (entry_accept(feed, entry, item, error))
        return FEED_TAKEN;
    metric_add(METRIC_FEED_REFUSED, STR("malformed"), 1);
    return FEED_MALFORMED;
}

void feed_lost(struct feed *feed, const char *why)
{
    if (!feed->leads)
        return; /* who begins to lead puts all down by its restart */
    watch_lost(feed->watch, why);
    send_batch(feed);
}

/* ---- asked ------------------------------------------------------------- */

bool feed_leads(const struct feed *feed)
{
    return feed->leads;
}

bool feed_is_recovered(const struct feed *feed)
{
    return feed->leads || (feed->epoch == 0 && feed->standby && feed->current);
}

void feed_get_health(struct feed *feed, struct http_request *request)
{
    struct buf out;

    buf_init(&out, LIMIT_RESPONSE_BYTES);
    watch_write(feed->watch, &out);
    answer_json(request, 200, buf_view(&out));
    buf_fini(&out);
}

bool feed_idle(const struct feed *feed)
{
    return feed->flying == NULL && feed->waiting == NULL && !feed->catching_up &&
           (feed->inbox == NULL || inbox_idle(feed->inbox));
}

void feed_metrics(struct feed *feed)
{
    metric_set(METRIC_FEED_LEADS, STR_NONE, feed->leads);
    metric_set(METRIC_FEED_EPOCH, STR_NONE, feed->epoch);
    metric_set(METRIC_FEED_LOG_POSITION, STR_NONE, feed->position);
    watch_metrics(feed->watch);
    if (feed->publish != NULL)
        publish_metrics(feed->publish);
}

void feed_drain(struct feed *feed)
{
    if (feed->inbox != NULL)
        inbox_drain(feed->inbox);
}

void feed_stop(struct feed *feed)
{
    watch_stop(feed->watch);
    uv_close((uv_handle_t *)&feed->tick, NULL);
    follow_stop(feed->follow);
    if (feed->inbox != NULL)
        inbox_stop(feed->inbox);
    if (feed->publish != NULL)
        publish_stop(feed->publish);
}

void feed_free(struct feed *feed)
{
    while (feed->waiting != NULL)
        entry_free(dequeue(feed));
    CHECK(feed->flying == NULL);
    publish_free(feed->publish);
    inbox_free(feed->inbox);
    follow_free(feed->follow);
    watch_free(feed->watch);
    uof_parser_free(feed->parser);
    free(feed);
}
