/*
 * The feed log: entries wait in a queue, go to the store in batches with one
 * transaction in flight, and are published in order once they are durable.
 *
 *   waiting --append--> in flight --durable--> bus, answer 202
 *                            \--failed--> answer 503, then catch up: read
 *                               the stored log behind what was published,
 *                               for a lost answer may hide a commit
 */
#include "feed/feed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "feed/producer.h"
#include "feed/uof.h"
#include "net/answer.h"

#define ENTRY_ARENA_BYTES (LIMIT_FEED_BODY_BYTES * 16)
#define TICK_MS 500
#define CATCH_UP_ROWS 256
#define CATCH_UP_PAUSE_MS 200

/* One message on its way into the log. */
struct entry {
    struct entry *next;
    struct arena arena;
    struct message message;
    struct str body;
    struct http_request *request; /* by HTTP */
    void (*on_done)(void *ctx, bool durable, int64_t position); /* by feed_submit() */
    void *ctx;
};

struct feed {
    struct feed_options options;
    struct uof_parser *parser;
    struct producers producers;
    uv_timer_t tick, catch_up;
    struct entry *waiting, **waiting_end;
    struct entry *flying; /* of the transaction in flight, in order */
    unsigned n_waiting;
    struct feed_append append;
    struct feed_row rows[LIMIT_FEED_BATCH];
    struct store_exec read;
    struct arena read_arena;
    int64_t position;     /* last one published */
    bool catching_up, recovered;
};

static void send_batch(struct feed *feed);

struct feed *feed_new(const struct feed_options *options)
{
    struct feed *feed = calloc(1, sizeof(*feed));

    CHECK(feed != NULL);
    feed->options = *options;
    feed->producers.silence_ms = options->producer_silence_ms;
    feed->waiting_end = &feed->waiting;
    feed->parser = uof_parser_new();
    arena_init(&feed->read_arena, LIMIT_ROWS_BYTES);
    uv_timer_init(options->loop, &feed->tick);
    uv_timer_init(options->loop, &feed->catch_up);
    feed->tick.data = feed->catch_up.data = feed;
    return feed;
}

static struct entry *entry_new(void)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    CHECK(entry != NULL);
    arena_init(&entry->arena, ENTRY_ARENA_BYTES);
    return entry;
}

static void entry_free(struct entry *entry)
{
    arena_fini(&entry->arena);
    free(entry);
}

static void enqueue(struct feed *feed, struct entry *entry)
{
    *feed->waiting_end = entry;
    feed->waiting_end = &entry->next;
    feed->n_waiting++;
}

/* An entry of our own: a producer's turn, or a restart. */
static void enqueue_own(struct feed *feed, const char *format, ...) PRINTF_LIKE(2, 3);
static void enqueue_own(struct feed *feed, const char *format, ...)
{
    struct entry *entry = entry_new();
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

static void enqueue_turn(struct feed *feed, int32_t producer, bool up, const char *why)
{
    log_warn("feed", up ? "producer is up" : "producer is down", "producer=%d why='%s'",
             (int)producer, why);
    enqueue_own(feed, "<overround_producer product=\"%d\" up=\"%d\" timestamp=\"%lld\"/>",
                (int)producer, up, (long long)clock_wall_ms());
}

/* Published in log order; what the log says about producers outranks. */
static void publish(struct feed *feed, int64_t position, int64_t at_ms,
                    const struct message *message)
{
    struct bus_feed out = { position, at_ms, message };

    CHECK(position > feed->position);
    feed->position = position;
    if (message->type == MESSAGE_RESTART) {
        feed->recovered = true;
        producer_reset(&feed->producers);
    } else if (message->type == MESSAGE_PRODUCER) {
        producer_set(&feed->producers, message->producer, message->up, clock_wall_ms());
    }
    bus_publish_feed(feed->options.bus, &out);
}

bool feed_replay(struct feed *feed, int64_t position, int64_t at_ms, struct str body)
{
    struct entry *entry = entry_new();
    struct uof_error error;
    bool parsed = uof_parse(feed->parser, body, true, &entry->arena, &entry->message, &error);

    if (parsed)
        publish(feed, position, at_ms, &entry->message);
    else
        log_error("feed", "an entry of the log cannot be read", "position=%lld error='%s'",
                  (long long)position, error.text);
    entry_free(entry);
    return parsed;
}

static void tell_durable(struct entry *entry, int64_t position)
{
    if (entry->request == NULL && entry->on_done == NULL)
        return; /* our own */
    metric_add(METRIC_FEED_MESSAGES, str_of(message_type_name(entry->message.type)), 1);
    if (entry->on_done != NULL) {
        entry->on_done(entry->ctx, true, position);
        return;
    }
    metric_observe(METRIC_FEED_SECONDS, clock_mono_us() - entry->request->arrived_us);
    answer_empty(entry->request, 202);
}

static void tell_busy(struct entry *entry)
{
    if (entry->request == NULL && entry->on_done == NULL)
        return;
    metric_add(METRIC_FEED_REFUSED, STR("busy"), 1);
    if (entry->on_done != NULL)
        entry->on_done(entry->ctx, false, 0);
    else
        answer_refusal(entry->request, REFUSE_BUSY,
                       STR("the log could not be written; send it again"), STR_NONE);
}

/* Takes the entries in flight off, in order, and frees them. */
static void land(struct feed *feed, bool durable)
{
    uint32_t i = 0;

    while (feed->flying != NULL) {
        struct entry *entry = feed->flying;

        feed->flying = entry->next;
        if (durable) {
            publish(feed, feed->rows[i].pos, feed->rows[i].at_ms, &entry->message);
            tell_durable(entry, feed->rows[i].pos);
        } else {
            tell_busy(entry);
        }
        entry_free(entry);
        i++;
    }
}

static void on_catch_up(uv_timer_t *timer);

static void on_append_done(struct feed_append *append, enum store_result result)
{
    struct feed *feed = append->ctx;

    land(feed, result == STORE_OK);
    if (result == STORE_OK) {
        send_batch(feed);
        return;
    }
    log_warn("feed", "log not written; reading it again", "position=%lld",
             (long long)feed->position);
    feed->catching_up = true;
    uv_timer_start(&feed->catch_up, on_catch_up, CATCH_UP_PAUSE_MS, 0);
}

static void enqueue_restart(struct feed *feed)
{
    enqueue_own(feed, "<overround_restart timestamp=\"%lld\"/>", (long long)clock_wall_ms());
}

/* The log is read to its end; what we had decided but not written is decided
 * again from what the log says. */
static void caught_up(struct feed *feed)
{
    feed->catching_up = false;
    producer_revert(&feed->producers);
    if (!feed->recovered && feed->waiting == NULL)
        enqueue_restart(feed);
    send_batch(feed);
}

static void on_log_read(struct store_exec *read, enum store_result result)
{
    struct feed *feed = read->ctx;

    for (uint32_t i = 0; result == STORE_OK && i < read->rows; i++)
        (void)!feed_replay(feed, EXEC_CELL(read, i, 0).i, EXEC_CELL(read, i, 1).i,
                           EXEC_CELL(read, i, 5).s);
    if (result == STORE_OK && read->rows < CATCH_UP_ROWS)
        caught_up(feed);
    else
        uv_timer_start(&feed->catch_up, on_catch_up, result == STORE_OK ? 0 : CATCH_UP_PAUSE_MS,
                       0);
}

static void on_catch_up(uv_timer_t *timer)
{
    struct feed *feed = timer->data;
    struct store_exec *read = &feed->read;

    arena_reset(&feed->read_arena);
    *read = (struct store_exec){ .n = 1, .arena = &feed->read_arena, .on_done = on_log_read,
                                 .ctx = feed };
    read->calls[0] = (struct statement_call){
        STATEMENT_FEED_READ, { VALUE_INT(feed->position), VALUE_INT(CATCH_UP_ROWS) }
    };
    store_exec(feed->options.store, read);
}

static struct entry *dequeue(struct feed *feed)
{
    struct entry *entry = feed->waiting;

    feed->waiting = entry->next;
    if (feed->waiting == NULL)
        feed->waiting_end = &feed->waiting;
    feed->n_waiting--;
    entry->next = NULL;
    return entry;
}

/* Everything that waits, up to the limit, as one transaction. */
static void send_batch(struct feed *feed)
{
    struct entry **end = &feed->flying;
    uint32_t n = 0;

    if (feed->flying != NULL || feed->catching_up)
        return;
    for (; feed->waiting != NULL && n < LIMIT_FEED_BATCH; n++) {
        struct entry *entry = dequeue(feed);

        feed->rows[n] = (struct feed_row){
            .pos = feed->position + 1 + n, .at_ms = clock_wall_ms(),
            .type = (int32_t)entry->message.type, .producer = entry->message.producer,
            .event = entry->message.event, .body = entry->body,
        };
        *end = entry;
        end = &entry->next;
    }
    if (n == 0)
        return;
    feed->append = (struct feed_append){ feed->rows, n, on_append_done, feed };
    store_feed_append(feed->options.store, &feed->append);
}

static void on_tick(uv_timer_t *timer)
{
    struct feed *feed = timer->data;
    const struct producer *silent;

    while ((silent = producer_silent(&feed->producers, clock_wall_ms())) != NULL)
        enqueue_turn(feed, silent->id, false, "silence");
    send_batch(feed);
}

void feed_start(struct feed *feed, int64_t position)
{
    CHECK(position >= feed->position);
    feed->position = position;
    enqueue_restart(feed);
    send_batch(feed);
    uv_timer_start(&feed->tick, on_tick, TICK_MS, TICK_MS);
}

static void refuse_malformed(struct http_request *request, const struct uof_error *error)
{
    char text[300], members[80];
    int n = snprintf(text, sizeof(text), "line %llu, column %llu: %s",
                     (unsigned long long)error->line, (unsigned long long)error->column,
                     error->text);
    int m = snprintf(members, sizeof(members), "\"line\":%llu,\"column\":%llu",
                     (unsigned long long)error->line, (unsigned long long)error->column);

    CHECK(n > 0 && (size_t)n < sizeof(text) && m > 0 && (size_t)m < sizeof(members));
    metric_add(METRIC_FEED_REFUSED, STR("malformed"), 1);
    answer_refusal(request, REFUSE_MALFORMED, (struct str){ text, (size_t)n },
                   (struct str){ members, (size_t)m });
}

/* An alive may turn its producer: the turn stands right behind it in the log,
 * before anything that is pushed later. */
static void note_alive(struct feed *feed, const struct message *message)
{
    switch (producer_alive(&feed->producers, message->producer, message->subscribed,
                           clock_wall_ms())) {
    case PRODUCER_STAYS:
        return;
    case PRODUCER_UP:
        enqueue_turn(feed, message->producer, true, "alive");
        return;
    case PRODUCER_DOWN:
        enqueue_turn(feed, message->producer, false, "not subscribed");
        return;
    }
}

/* application/xml or text/xml, with any parameters; none is taken as XML. */
static bool is_xml(const struct http_request *request)
{
    static const struct str types[] = { { "application/xml", 15 }, { "text/xml", 8 } };
    struct str given = http_header(request, "Content-Type");

    for (size_t i = 0; i < LENGTH(types); i++)
        if (given.n >= types[i].n && strncasecmp(given.p, types[i].p, types[i].n) == 0 &&
            (given.n == types[i].n || strchr("; \t", given.p[types[i].n]) != NULL))
            return true;
    return given.p == NULL;
}

static bool has_room(const struct feed *feed)
{
    return feed->recovered && feed->n_waiting < LIMIT_FEED_QUEUE;
}

/* A message that parses goes into the queue; else false, and it is freed. */
static bool take(struct feed *feed, struct entry *entry, bool own, struct uof_error *error)
{
    if (!uof_parse(feed->parser, entry->body, own, &entry->arena, &entry->message, error)) {
        entry_free(entry);
        return false;
    }
    if (entry->message.unknown > 0)
        metric_add(METRIC_FEED_UNKNOWN, STR_NONE, entry->message.unknown);
    enqueue(feed, entry);
    if (entry->message.type == MESSAGE_ALIVE)
        note_alive(feed, &entry->message);
    send_batch(feed);
    return true;
}

void feed_post(void *ctx, struct http_request *request)
{
    struct feed *feed = ctx;
    struct entry *entry;
    struct uof_error error;

    if (!has_room(feed)) {
        metric_add(METRIC_FEED_REFUSED, STR("busy"), 1);
        answer_refusal(request, REFUSE_BUSY,
                       feed->recovered ? STR("too many messages wait") : STR("starting"), STR_NONE);
        return;
    }
    if (!is_xml(request)) {
        answer_refusal(request, REFUSE_UNSUPPORTED_TYPE, STR("send application/xml"), STR_NONE);
        return;
    }
    entry = entry_new();
    entry->body = request->body;
    entry->request = request;
    if (!take(feed, entry, false, &error))
        refuse_malformed(request, &error);
}

enum feed_result feed_submit(struct feed *feed, const struct feed_item *item,
                             struct uof_error *error)
{
    struct entry *entry;

    if (!has_room(feed)) {
        metric_add(METRIC_FEED_REFUSED, STR("busy"), 1);
        return FEED_BUSY;
    }
    entry = entry_new();
    entry->body = arena_str(&entry->arena, item->body);
    entry->on_done = item->on_done;
    entry->ctx = item->ctx;
    if (take(feed, entry, item->own, error))
        return FEED_TAKEN;
    metric_add(METRIC_FEED_REFUSED, STR("malformed"), 1);
    return FEED_MALFORMED;
}

bool feed_is_recovered(const struct feed *feed)
{
    return feed->recovered;
}

bool feed_idle(const struct feed *feed)
{
    return feed->flying == NULL && feed->waiting == NULL && !feed->catching_up;
}

void feed_metrics(struct feed *feed)
{
    int64_t now_ms = clock_wall_ms();

    for (unsigned i = 0; i < feed->producers.n; i++) {
        const struct producer *producer = &feed->producers.list[i];
        char id[16];
        struct str label = { id, (size_t)snprintf(id, sizeof(id), "%d", (int)producer->id) };

        metric_set(METRIC_PRODUCER_UP, label, producer->up);
        metric_set(METRIC_PRODUCER_AGE, label, (now_ms - producer->alive_ms) / 1000);
    }
}

void feed_stop(struct feed *feed)
{
    uv_close((uv_handle_t *)&feed->tick, NULL);
    uv_close((uv_handle_t *)&feed->catch_up, NULL);
}

void feed_free(struct feed *feed)
{
    while (feed->waiting != NULL)
        entry_free(dequeue(feed));
    CHECK(feed->flying == NULL);
    uof_parser_free(feed->parser);
    arena_fini(&feed->read_arena);
    free(feed);
}
