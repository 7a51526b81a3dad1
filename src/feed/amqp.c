/* Feed messages from a broker: see the picture in amqp.h. */
#include "feed/amqp.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "feed/backoff.h"

#define RETRY_MS 10        /* the log was busy */
#define BURY_AGAIN_MS 500
#define POLL_MS 500        /* heartbeats are answered this often */
#define LASTING_US 10000000 /* a session that lasted this long was no failure */
#define DEAD_BODY_BYTES 65536
#define DEAD_ARENA_BYTES (512 * 1024)
#define KEY_SHOWN_BYTES 255

enum state {
    WAITS = 0,  /* to be submitted */
    SUBMITTED,
    DONE,       /* durable, or buried */
    SESSION_END, /* no message: behind it comes another session's */
};

struct delivery {
    struct delivery *next;
    struct amqp_feed *amqp;
    enum state state;
    uint64_t session, tag;
    bool redelivered;
    char key[KEY_SHOWN_BYTES + 1]; /* printable */
    struct str body;
    char bytes[];
};

struct field_list {
    struct delivery *first, **end;
    unsigned n;
};

struct amqp_feed {
    struct amqp_feed_options options;
    uv_async_t wake;
    uv_timer_t retry;
    int bell; /* an eventfd: the loop wakes the thread */

    uv_mutex_t mutex; /* of what follows, up to the empty line */
    struct field_list arrived;
    uint64_t ack_session, ack_tag; /* up to here is done */
    uint64_t sessions; /* opened so far */
    bool connected, stop, ended;

    uint64_t session; /* thread only, as all up to the empty line */
    uint64_t acked;   /* tag, of this session */
    unsigned attempts;
    struct amqp_session *link;

    uv_thread_t thread; /* loop only, as all below */
    bool runs, wanted, stopping;
    struct field_list held; /* in order, until the first of them is done */
    unsigned submitted;
    struct delivery *burying;
    struct store_exec exec;
    struct arena arena;
    uint64_t reconnects_told;
    void (*on_stopped)(void *ctx);
    void *ctx;
};

/* ---- deliveries --------------------------------------------------------- */

static void list_init(struct field_list *list)
{
    *list = (struct field_list){ .end = &list->first };
}

static void list_put(struct field_list *list, struct delivery *delivery)
{
    delivery->next = NULL;
    *list->end = delivery;
    list->end = &delivery->next;
    list->n++;
}

static struct delivery *list_take(struct field_list *list)
{
    struct delivery *delivery = list->first;

    if (delivery == NULL)
        return NULL;
    list->first = delivery->next;
    if (list->first == NULL)
        list->end = &list->first;
    list->n--;
    return delivery;
}

static void list_clear(struct field_list *list)
{
    struct delivery *delivery;

    while ((delivery = list_take(list)) != NULL)
        free(delivery);
}

/* Whatever the broker sent as a key is shown, and stored, as plain text. */
static void copy_key(struct delivery *delivery, struct str key)
{
    size_t n = key.n < KEY_SHOWN_BYTES ? key.n : KEY_SHOWN_BYTES;

    for (size_t i = 0; i < n; i++) {
        char c = key.p[i];

        delivery->key[i] = c > ' ' && c <= '~' && c != '\'' ? c : '?';
    }
}

static struct delivery *delivery_new(struct amqp_feed *amqp,
                                     const struct amqp_session_message *message)
{
    struct delivery *delivery = calloc(1, sizeof(*delivery) + message->body.n);

    CHECK(delivery != NULL);
    delivery->amqp = amqp;
    delivery->session = amqp->session;
    delivery->tag = message->tag;
    delivery->redelivered = message->redelivered;
    copy_key(delivery, message->key);
    if (message->body.n > 0)
        memcpy(delivery->bytes, message->body.p, message->body.n);
    delivery->body = (struct str){ delivery->bytes, message->body.n };
    return delivery;
}

/* ---- the thread ---------------------------------------------------------- */

static void hand_over(struct amqp_feed *amqp, struct delivery *delivery)
{
    uv_mutex_lock(&amqp->mutex);
    list_put(&amqp->arrived, delivery);
    uv_mutex_unlock(&amqp->mutex);
    uv_async_send(&amqp->wake);
}

static bool must_stop(struct amqp_feed *amqp)
{
    bool stop;

    uv_mutex_lock(&amqp->mutex);
    stop = amqp->stop;
    uv_mutex_unlock(&amqp->mutex);
    return stop;
}

/* Until the bell, the socket or the time. */
static void wait_for(struct amqp_feed *amqp, int socket, int64_t ms)
{
    struct pollfd fds[] = { { .fd = amqp->bell, .events = POLLIN },
                            { .fd = socket, .events = POLLIN } };
    uint64_t rung;

    (void)poll(fds, socket < 0 ? 1 : 2, (int)ms);
    (void)!read(amqp->bell, &rung, sizeof(rung)); /* does not block */
}

static bool acknowledge(struct amqp_feed *amqp, char *why)
{
    uint64_t tag = 0;

    uv_mutex_lock(&amqp->mutex);
    if (amqp->ack_session == amqp->session)
        tag = amqp->ack_tag;
    uv_mutex_unlock(&amqp->mutex);
    if (tag <= amqp->acked)
        return true;
    amqp->acked = tag;
    return amqp_session_ack(amqp->link, tag, why);
}

/* Until the session is lost (false) or has to end. */
static bool run_session(struct amqp_feed *amqp, char *why)
{
    struct amqp_session_message message;

    while (!must_stop(amqp)) {
        if (!acknowledge(amqp, why))
            return false;
        switch (amqp_session_next(amqp->link, &message, why)) {
        case AMQP_SESSION_MESSAGE:
            hand_over(amqp, delivery_new(amqp, &message));
            break;
        case AMQP_SESSION_NOTHING:
            wait_for(amqp, amqp_session_socket(amqp->link), POLL_MS);
            break;
        case AMQP_SESSION_LOST:
            return false;
        }
    }
    return acknowledge(amqp, why);
}

static void set_connected(struct amqp_feed *amqp, bool connected)
{
    uv_mutex_lock(&amqp->mutex);
    amqp->connected = connected;
    if (connected)
        amqp->session = ++amqp->sessions;
    uv_mutex_unlock(&amqp->mutex);
    uv_async_send(&amqp->wake);
}

static void end_session(struct amqp_feed *amqp)
{
    struct delivery *end = calloc(1, sizeof(*end));

    CHECK(end != NULL);
    end->amqp = amqp;
    end->session = amqp->session;
    end->state = SESSION_END;
    hand_over(amqp, end);
}

/* One session, or one attempt. */
static void attempt(struct amqp_feed *amqp)
{
    char why[AMQP_SESSION_WHY_BYTES] = "";
    int64_t began_us;
    bool well;

    amqp->link = amqp_session_open(&amqp->options.session, why);
    if (amqp->link == NULL) {
        amqp->attempts++;
        log_warn("amqp", "no session", "why='%s' attempt=%u", why, amqp->attempts);
        return;
    }
    set_connected(amqp, true);
    amqp->acked = 0;
    began_us = clock_mono_us();
    log_info("amqp", "consuming", "session=%llu", (unsigned long long)amqp->session);
    well = run_session(amqp, why);
    amqp_session_close(amqp->link, well);
    set_connected(amqp, false);
    end_session(amqp);
    amqp->attempts = clock_mono_us() - began_us >= LASTING_US ? 1 : amqp->attempts + 1;
    if (!well)
        log_warn("amqp", "the session is lost", "session=%llu why='%s'",
                 (unsigned long long)amqp->session, why);
}

static void thread_main(void *arg)
{
    struct amqp_feed *amqp = arg;

    amqp->attempts = 0;
    while (!must_stop(amqp)) {
        attempt(amqp);
        if (!must_stop(amqp))
            wait_for(amqp, -1, backoff_ms(amqp->attempts, randombytes_random()));
    }
    uv_mutex_lock(&amqp->mutex);
    amqp->ended = true;
    uv_mutex_unlock(&amqp->mutex);
    uv_async_send(&amqp->wake);
}

static void ring(struct amqp_feed *amqp)
{
    uint64_t one = 1;

    CHECK(write(amqp->bell, &one, sizeof(one)) == sizeof(one));
}

static void thread_start(struct amqp_feed *amqp)
{
    amqp->stop = amqp->ended = false;
    amqp->runs = true;
    CHECK(uv_thread_create(&amqp->thread, thread_main, amqp) == 0);
}

static void thread_stop(struct amqp_feed *amqp)
{
    uv_mutex_lock(&amqp->mutex);
    amqp->stop = true;
    uv_mutex_unlock(&amqp->mutex);
    ring(amqp);
}

/* ---- the loop: done ------------------------------------------------------ */

static void pump(struct amqp_feed *amqp);
static void stop_when_idle(struct amqp_feed *amqp);

static void on_retry(uv_timer_t *timer)
{
    pump(timer->data);
}

static void pump_in(struct amqp_feed *amqp, uint64_t ms)
{
    if (!uv_is_active((uv_handle_t *)&amqp->retry))
        uv_timer_start(&amqp->retry, on_retry, ms, 0);
}

/* What is done from the first on may be acknowledged. */
static void advance(struct amqp_feed *amqp)
{
    uint64_t session = 0, tag = 0;

    while (amqp->held.first != NULL && amqp->held.first->state == DONE) {
        struct delivery *delivery = list_take(&amqp->held);

        if (delivery->tag > 0) { /* no session's end */
            session = delivery->session;
            tag = delivery->tag;
            metric_inc(METRIC_AMQP_ACKED);
        }
        free(delivery);
    }
    if (tag == 0)
        return;
    uv_mutex_lock(&amqp->mutex);
    amqp->ack_session = session;
    amqp->ack_tag = tag;
    uv_mutex_unlock(&amqp->mutex);
    ring(amqp);
}

/* Not durable: so is all that was submitted behind it, and is tried again in
 * the same order. */
static void on_done(void *ctx, bool durable, int64_t position)
{
    struct delivery *delivery = ctx;
    struct amqp_feed *amqp = delivery->amqp;

    (void)position;
    CHECK(delivery->state == SUBMITTED && amqp->submitted > 0);
    amqp->submitted--;
    delivery->state = durable ? DONE : WAITS;
    if (durable)
        advance(amqp);
    else
        pump_in(amqp, RETRY_MS);
    stop_when_idle(amqp);
}

/* ---- the loop: malformed messages ---------------------------------------- */

static void on_buried(struct store_exec *exec, enum store_result result)
{
    struct amqp_feed *amqp = exec->ctx;
    struct delivery *delivery = amqp->burying;

    amqp->burying = NULL;
    if (result == STORE_OK || result == STORE_REJECTED) {
        delivery->state = DONE;
        advance(amqp);
        pump_in(amqp, 0);
    } else {
        pump_in(amqp, BURY_AGAIN_MS);
    }
    stop_when_idle(amqp);
}

static void bury(struct amqp_feed *amqp, struct delivery *delivery,
                 const struct uof_error *error)
{
    size_t n = delivery->body.n < DEAD_BODY_BYTES ? delivery->body.n : DEAD_BODY_BYTES;

    log_warn("amqp", "malformed message", "key='%s' line=%llu column=%llu error='%s'",
             delivery->key, (unsigned long long)error->line, (unsigned long long)error->column,
             error->text);
    amqp->burying = delivery;
    arena_reset(&amqp->arena);
    amqp->exec = (struct store_exec){ .n = 2, .arena = &amqp->arena, .on_done = on_buried,
                                      .ctx = amqp };
    amqp->exec.calls[0] = (struct statement_call){ STATEMENT_DEAD_ADD,
        { VALUE_INT(clock_wall_ms()),
          VALUE_STR(arena_str(&amqp->arena, str_of(delivery->key))),
          VALUE_STR(arena_str(&amqp->arena, str_of(error->text))),
          VALUE_INT((int64_t)error->line), VALUE_INT((int64_t)error->column),
          VALUE_STR(((struct str){ delivery->body.p, n })) } };
    amqp->exec.calls[1] = (struct statement_call){ STATEMENT_DEAD_TRIM,
        { VALUE_INT(LIMIT_DEAD_MESSAGES) } };
    store_exec(amqp->options.store, &amqp->exec);
}

/* ---- the loop: submitted --------------------------------------------------- */

/* The first that waits and has nothing before it that waits. */
static struct delivery *next_waiting(const struct amqp_feed *amqp)
{
    for (struct delivery *at = amqp->held.first; at != NULL; at = at->next)
        if (at->state == WAITS || at->state == SESSION_END)
            return at;
    return NULL;
}

static void submit(struct amqp_feed *amqp, struct delivery *delivery, bool *goes_on)
{
    struct feed_item item = { .body = delivery->body, .on_done = on_done, .ctx = delivery };
    struct uof_error error = { 0, 0, "larger than a feed message may be" };
    enum feed_result result = FEED_MALFORMED;

    if (delivery->body.n <= LIMIT_FEED_BODY_BYTES)
        result = feed_submit(amqp->options.feed, &item, &error);
    switch (result) {
    case FEED_TAKEN:
        delivery->state = SUBMITTED;
        amqp->submitted++;
        return;
    case FEED_BUSY:
        pump_in(amqp, RETRY_MS);
        break;
    case FEED_MALFORMED:
        metric_inc(METRIC_AMQP_MALFORMED);
        bury(amqp, delivery, &error);
        break;
    }
    *goes_on = false;
}

static bool has_own_queue(const struct amqp_feed *amqp)
{
    return amqp->options.session.queue[0] == '\0';
}

/* All that the session had brought is submitted. */
static void pass_session_end(struct amqp_feed *amqp, struct delivery *end)
{
    end->state = DONE;
    end->tag = 0;
    if (has_own_queue(amqp))
        feed_lost(amqp->options.feed, "the AMQP session was lost");
    advance(amqp);
}

static void pump(struct amqp_feed *amqp)
{
    struct delivery *delivery = next_waiting(amqp);
    bool goes_on = amqp->wanted && !amqp->stopping && amqp->burying == NULL;

    while (goes_on && delivery != NULL) {
        if (delivery->state == SESSION_END) {
            pass_session_end(amqp, delivery); /* which may free it */
            delivery = next_waiting(amqp);
            continue;
        }
        if (delivery->state == WAITS)
            submit(amqp, delivery, &goes_on);
        delivery = delivery->next;
    }
}

/* What the broker will send again, or what a process that does not lead has
 * no use for. */
static void drop_waiting(struct amqp_feed *amqp)
{
    struct field_list kept;
    struct delivery *delivery;

    list_init(&kept);
    while ((delivery = list_take(&amqp->held)) != NULL) {
        if (delivery->state == SUBMITTED || delivery->state == DONE || delivery == amqp->burying)
            list_put(&kept, delivery);
        else
            free(delivery);
    }
    list_init(&amqp->held);
    while ((delivery = list_take(&kept)) != NULL)
        list_put(&amqp->held, delivery);
}

/* ---- the loop: woken ---------------------------------------------------- */

static void take_arrived(struct amqp_feed *amqp, struct field_list *arrived)
{
    struct delivery *delivery;

    while ((delivery = list_take(arrived)) != NULL) {
        if (delivery->state != SESSION_END) {
            metric_inc(METRIC_AMQP_RECEIVED);
            if (delivery->redelivered)
                metric_inc(METRIC_AMQP_REDELIVERED);
        } else if (!has_own_queue(amqp)) {
            drop_waiting(amqp); /* they come again */
        }
        list_put(&amqp->held, delivery);
    }
}

static void on_wake_closed(uv_handle_t *handle)
{
    struct amqp_feed *amqp = handle->data;

    amqp->on_stopped(amqp->ctx);
}

static void on_retry_closed(uv_handle_t *handle)
{
    struct amqp_feed *amqp = handle->data;

    uv_close((uv_handle_t *)&amqp->wake, on_wake_closed);
}

static void close_all(struct amqp_feed *amqp)
{
    if (!uv_is_closing((uv_handle_t *)&amqp->retry))
        uv_close((uv_handle_t *)&amqp->retry, on_retry_closed);
}

/* Stopping: what is under way ends, is acknowledged, then the thread ends. */
static void stop_when_idle(struct amqp_feed *amqp)
{
    if (!amqp->stopping || amqp->submitted > 0 || amqp->burying != NULL)
        return;
    if (amqp->runs)
        thread_stop(amqp);
    else
        close_all(amqp);
}

static void on_thread_ended(struct amqp_feed *amqp)
{
    CHECK(uv_thread_join(&amqp->thread) == 0);
    amqp->runs = false;
    if (amqp->stopping)
        stop_when_idle(amqp);
    else if (amqp->wanted)
        thread_start(amqp);
}

static void on_wake(uv_async_t *wake)
{
    struct amqp_feed *amqp = wake->data;
    struct field_list arrived;
    struct delivery *delivery;
    bool ended;

    list_init(&arrived);
    uv_mutex_lock(&amqp->mutex);
    while ((delivery = list_take(&amqp->arrived)) != NULL)
        list_put(&arrived, delivery);
    ended = amqp->ended && amqp->runs;
    amqp->ended = amqp->ended && !ended;
    uv_mutex_unlock(&amqp->mutex);
    take_arrived(amqp, &arrived);
    if (!amqp->wanted || amqp->stopping)
        drop_waiting(amqp);
    pump(amqp);
    if (ended)
        on_thread_ended(amqp);
}

/* ---- outside --------------------------------------------------------------- */

struct amqp_feed *amqp_feed_new(const struct amqp_feed_options *options)
{
    struct amqp_feed *amqp = calloc(1, sizeof(*amqp));

    CHECK(amqp != NULL && options->session.prefetch > 0);
    amqp->options = *options;
    list_init(&amqp->arrived);
    list_init(&amqp->held);
    arena_init(&amqp->arena, DEAD_ARENA_BYTES);
    amqp->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    CHECK(amqp->bell >= 0);
    CHECK(uv_mutex_init(&amqp->mutex) == 0);
    CHECK(uv_async_init(options->loop, &amqp->wake, on_wake) == 0);
    uv_timer_init(options->loop, &amqp->retry);
    amqp->wake.data = amqp->retry.data = amqp;
    return amqp;
}

void amqp_feed_lead(struct amqp_feed *amqp, bool leads)
{
    amqp->wanted = leads;
    if (amqp->stopping)
        return;
    if (!leads)
        drop_waiting(amqp);
    if (leads && !amqp->runs)
        thread_start(amqp);
    else if (!leads && amqp->runs)
        thread_stop(amqp);
}

void amqp_feed_metrics(struct amqp_feed *amqp)
{
    uint64_t sessions;
    bool connected;

    uv_mutex_lock(&amqp->mutex);
    sessions = amqp->sessions;
    connected = amqp->connected;
    uv_mutex_unlock(&amqp->mutex);
    metric_set(METRIC_AMQP_CONNECTED, STR_NONE, connected);
    metric_set(METRIC_AMQP_HELD, STR_NONE, amqp->held.n);
    if (sessions > amqp->reconnects_told + 1) {
        metric_add(METRIC_AMQP_RECONNECTS, STR_NONE,
                   (int64_t)(sessions - 1 - amqp->reconnects_told));
        amqp->reconnects_told = sessions - 1;
    }
}

void amqp_feed_stop(struct amqp_feed *amqp, void (*on_stopped)(void *ctx), void *ctx)
{
    CHECK(!amqp->stopping);
    amqp->stopping = true;
    amqp->on_stopped = on_stopped;
    amqp->ctx = ctx;
    drop_waiting(amqp);
    stop_when_idle(amqp);
}

void amqp_feed_free(struct amqp_feed *amqp)
{
    if (amqp == NULL)
        return;
    CHECK(!amqp->runs && amqp->submitted == 0);
    list_clear(&amqp->arrived);
    list_clear(&amqp->held);
    arena_fini(&amqp->arena);
    uv_mutex_destroy(&amqp->mutex);
    (void)close(amqp->bell);
    free(amqp);
}
