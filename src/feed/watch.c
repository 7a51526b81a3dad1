/* The watch over producers (see watch.h). */
#include "feed/watch.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"

#define LABEL_BYTES 16

struct watch {
    struct watch_options options;
    struct watch_recovery where;
    struct producers producers;
    struct recovery *recovery; /* NULL: nowhere */
    bool stopped;
};

static int64_t now_ms(void)
{
    return clock_mono_us() / 1000;
}

static uint32_t draw(void *ctx, uint32_t below)
{
    (void)ctx;
    return randombytes_uniform(below);
}

static void on_answer(void *ctx, int64_t request_id, enum producer_answer answer,
                      int64_t retry_after_ms)
{
    struct watch *watch = ctx;

    producer_answered(&watch->producers, request_id, answer, retry_after_ms, now_ms());
}

static void add_addresses(struct watch *watch)
{
    const struct watch_recovery *where = &watch->where;

    watch->recovery = recovery_new(&(struct recovery_options){
        .loop = watch->options.loop, .url = where->url, .token = where->token,
        .node = where->node, .request_ms = where->request_ms, .on_answer = on_answer,
        .ctx = watch,
    });
    for (unsigned i = 0; i < where->addresses.n; i++)
        producer_add_address(&watch->producers, where->addresses.list[i].producer,
                             where->addresses.list[i].window_ms);
}

struct watch *watch_new(const struct watch_options *options)
{
    struct watch *watch = calloc(1, sizeof(*watch));

    CHECK(watch != NULL);
    watch->options = *options;
    watch->producers.silence_ms = options->silence_ms;
    watch->producers.random = draw;
    if (options->recovery == NULL)
        return watch;
    watch->where = *options->recovery;
    watch->options.recovery = NULL;
    watch->producers.timeout_ms = watch->where.timeout_ms;
    watch->producers.pause_ms = watch->where.pause_ms;
    if (watch->where.url != NULL && watch->where.url[0] != '\0')
        add_addresses(watch);
    return watch;
}

static const struct recovery_address *address_of(const struct watch *watch, int32_t producer)
{
    const struct recovery_addresses *addresses = &watch->where.addresses;

    for (unsigned i = 0; i < addresses->n; i++)
        if (addresses->list[i].producer == producer)
            return &addresses->list[i];
    check_failed(__FILE__, __LINE__, "who recovers has an address");
}

/* False: there was nothing to do. */
static bool act(struct watch *watch, struct producer_action action)
{
    switch (action.act) {
    case PRODUCER_ACT_NONE:
        return false;
    case PRODUCER_ACT_UP:
    case PRODUCER_ACT_DOWN:
        watch->options.on_turn(watch->options.ctx, action.producer,
                               action.act == PRODUCER_ACT_UP, action.why);
        return true;
    case PRODUCER_ACT_ASK:
        recovery_ask(watch->recovery, address_of(watch, action.producer), action.request_id,
                     action.after_ts);
        return true;
    }
    return false;
}

void watch_tick(struct watch *watch)
{
    while (!watch->stopped &&
           act(watch, producer_tick(&watch->producers, now_ms(), clock_wall_ms())))
        ;
}

static struct str label_of(int32_t producer, char text[LABEL_BYTES])
{
    return (struct str){ text, (size_t)snprintf(text, LABEL_BYTES, "%d", (int)producer) };
}

static void count_recovery(int32_t producer)
{
    char text[LABEL_BYTES];

    metric_add(METRIC_PRODUCER_RECOVERIES, label_of(producer, text), 1);
}

/* Its turn stands right behind the message in the log, before anything that
 * is pushed later. */
void watch_came(struct watch *watch, const struct message *message)
{
    if (message->type == MESSAGE_ALIVE) {
        struct producer_alive alive = {
            .producer = message->producer, .subscribed = message->subscribed,
            .timestamp_ts = message->timestamp_ms,
            .skew_ms = message->timestamp_ms - clock_wall_ms(),
        };

        (void)act(watch, producer_alive(&watch->producers, &alive, now_ms()));
        watch_tick(watch);
    } else if (message->type == MESSAGE_SNAPSHOT_COMPLETE) {
        if (act(watch, producer_snapshot(&watch->producers, message->producer,
                                         message->request_id)))
            count_recovery(message->producer);
    }
}

void watch_logged(struct watch *watch, const struct message *message, int64_t at_ms)
{
    struct producers *producers = &watch->producers;

    if (message->type == MESSAGE_ALIVE)
        producer_logged_alive(producers, message->producer, message->subscribed,
                              message->timestamp_ms, at_ms);
    else if (message->type == MESSAGE_PRODUCER)
        producer_logged_turn(producers, message->producer, message->up);
    else if (message->type == MESSAGE_RESTART)
        producer_logged_restart(producers);
}

static void pay(struct watch *watch, const char *why)
{
    while (act(watch, producer_owed(&watch->producers, why)))
        ;
}

void watch_unwritten(struct watch *watch)
{
    producer_unwritten(&watch->producers);
    pay(watch, "the turn was not written");
}

void watch_step_down(struct watch *watch)
{
    producer_step_down(&watch->producers);
}

void watch_lost(struct watch *watch, const char *why)
{
    producer_lost(&watch->producers);
    pay(watch, why);
}

/* ---- what operators see ---------------------------------------------------- */

static struct str name_of(int32_t producer)
{
    switch (producer) {
#define PRODUCER(id, name) case id: return STR(name);
#include "tbl/producers.h"
#undef PRODUCER
    default: return STR("");
    }
}

static void put_int_or_null(struct jw *w, const char *name, bool known, int64_t n)
{
    jw_key(w, name);
    if (known)
        jw_int(w, n);
    else
        jw_null(w);
}

static void put_recovery(struct jw *w, const struct producer *producer, int64_t now)
{
    jw_key(w, "recovery");
    if (producer->state != PRODUCER_RECOVERING) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_key(w, "since");
    jw_time(w, clock_wall_ms() - (now - producer->since_ms));
    jw_key(w, "request_id");
    if (producer->request_id != 0)
        jw_id(w, producer->request_id);
    else
        jw_null(w);
    jw_key(w, "after");
    if (producer->request_id != 0 && producer->after_ts != 0)
        jw_time(w, producer->after_ts);
    else
        jw_null(w);
    put_int_or_null(w, "retry_in_ms", producer->pause_until_ms > now,
                    producer->pause_until_ms - now);
    jw_key(w, "failures");
    jw_int(w, producer->failures);
    jw_object_end(w);
}

/* What another process that leads has said stands for it. */
static enum producer_state state_of(const struct producer *producer)
{
    return producer->state == PRODUCER_DOWN && producer->logged_up ? PRODUCER_UP : producer->state;
}

/* Of the last alive, which another process may have taken; false: none is known. */
static bool last_alive(const struct producer *producer, int64_t now, int64_t *age_ms,
                       int64_t *skew_ms)
{
    *age_ms = producer->heard ? now - producer->alive_ms
                              : clock_wall_ms() - producer->logged_at_ms;
    *skew_ms = producer->heard ? producer->skew_ms
                               : producer->logged_ts - producer->logged_at_ms;
    if (*age_ms < 0)
        *age_ms = 0; /* two processes, two clocks */
    return producer->heard || producer->logged_at_ms != 0;
}

static void put_producer(struct jw *w, const struct producer *producer, int64_t now)
{
    static const char *const states[] = { "down", "recovering", "up" };

    int64_t age_ms, skew_ms;
    bool known = last_alive(producer, now, &age_ms, &skew_ms);

    jw_object(w);
    jw_key(w, "id");
    jw_id(w, producer->id);
    jw_key(w, "name");
    jw_str(w, name_of(producer->id));
    jw_key(w, "state");
    jw_str(w, str_of(states[state_of(producer)]));
    put_int_or_null(w, "alive_age_ms", known, age_ms);
    put_int_or_null(w, "clock_skew_ms", known, skew_ms);
    put_int_or_null(w, "window_minutes", producer->window_ms > 0, producer->window_ms / 60000);
    jw_key(w, "recover_from");
    if (producer->point_ts != 0)
        jw_time(w, producer->point_ts);
    else
        jw_null(w);
    put_recovery(w, producer, now);
    jw_key(w, "requests");
    jw_int(w, (int64_t)producer->asked);
    jw_key(w, "recoveries");
    jw_int(w, (int64_t)producer->recovered);
    jw_object_end(w);
}

void watch_write(const struct watch *watch, struct buf *out)
{
    struct jw w = jw_to(out);
    int64_t now = now_ms();

    jw_object(&w);
    jw_key(&w, "producers");
    jw_array(&w);
    for (unsigned i = 0; i < watch->producers.n; i++)
        put_producer(&w, &watch->producers.list[i], now);
    jw_array_end(&w);
    jw_object_end(&w);
}

/* One that has an address and was never heard of is nobody's alarm. */
void watch_metrics(const struct watch *watch)
{
    int64_t now = now_ms();

    for (unsigned i = 0; i < watch->producers.n; i++) {
        const struct producer *producer = &watch->producers.list[i];
        char text[LABEL_BYTES];
        struct str label = label_of(producer->id, text);

        int64_t age_ms, skew_ms;

        if (!last_alive(producer, now, &age_ms, &skew_ms))
            continue;
        metric_set(METRIC_PRODUCER_UP, label, state_of(producer) == PRODUCER_UP);
        metric_set(METRIC_PRODUCER_STATE, label, (int64_t)state_of(producer));
        metric_set(METRIC_PRODUCER_AGE, label, age_ms);
        metric_set(METRIC_PRODUCER_SKEW, label, skew_ms);
    }
}

void watch_stop(struct watch *watch)
{
    watch->stopped = true;
    if (watch->recovery != NULL)
        recovery_stop(watch->recovery);
}

void watch_free(struct watch *watch)
{
    if (watch->recovery != NULL)
        recovery_free(watch->recovery);
    free(watch);
}
