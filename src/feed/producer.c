/* Liveness and recovery of producers: see the picture in producer.h. */
#include "feed/producer.h"

#include <stddef.h>

#define DOUBLINGS_MAX 6                 /* of the pause after a failure */
#define RETRY_AFTER_MS_MAX (3600 * 1000) /* more than an hour is not believed */
#define EDGE_MS 60000                   /* kept from the edge of the window */
#define ID_SPREAD 1024                  /* ids of one millisecond */

static const struct producer_action nothing = { .act = PRODUCER_ACT_NONE };

static struct producer *find(struct producers *producers, int32_t id)
{
    for (unsigned i = 0; i < producers->n; i++)
        if (producers->list[i].id == id)
            return &producers->list[i];
    return NULL;
}

/* The producer, made when it is new; NULL when there are too many. */
static struct producer *producer_of(struct producers *producers, int32_t id)
{
    struct producer *producer = find(producers, id);

    if (producer != NULL || producers->n == LIMIT_PRODUCERS)
        return producer;
    producers->list[producers->n] = (struct producer){ .id = id };
    return &producers->list[producers->n++];
}

void producer_add_address(struct producers *producers, int32_t id, int64_t window_ms)
{
    struct producer *producer = producer_of(producers, id);

    CHECK(producer != NULL && window_ms > 0);
    producer->window_ms = window_ms;
}

/* ---- between states ------------------------------------------------------- */

static struct producer_action go_up(struct producer *producer, const char *why)
{
    CHECK(producer->state != PRODUCER_UP);
    producer->state = PRODUCER_UP;
    producer->telling_up = true;
    producer->telling_down = false;
    return (struct producer_action){ .act = PRODUCER_ACT_UP, .producer = producer->id,
                                     .why = why };
}

static struct producer_action go_down(struct producer *producer, const char *why)
{
    producer->state = PRODUCER_DOWN;
    producer->request_id = 0;
    producer->again = false;
    producer->owes_down = false;
    producer->telling_up = false;
    producer->telling_down = true;
    return (struct producer_action){ .act = PRODUCER_ACT_DOWN, .producer = producer->id,
                                     .why = why };
}

static void start_recovery(struct producer *producer, int64_t now_ms)
{
    CHECK(producer->state == PRODUCER_DOWN && producer->window_ms > 0);
    producer->state = PRODUCER_RECOVERING;
    producer->since_ms = now_ms;
    producer->request_id = 0;
    producer->again = false;
}

/* ---- what comes ----------------------------------------------------------- */

struct producer_action producer_alive(struct producers *producers,
                                      const struct producer_alive *alive, int64_t now_ms)
{
    struct producer *producer = producer_of(producers, alive->producer);

    if (producer == NULL)
        return nothing;
    producer->heard = true;
    producer->alive_ms = now_ms;
    producer->alive_ts = alive->timestamp_ts;
    producer->skew_ms = alive->skew_ms;
    if (!alive->subscribed)
        return producer->state == PRODUCER_DOWN ? nothing : go_down(producer, "not subscribed");
    if (producer->state != PRODUCER_DOWN)
        return nothing;
    if (producer->window_ms == 0)
        return go_up(producer, "alive");
    start_recovery(producer, now_ms);
    return nothing;
}

struct producer_action producer_snapshot(struct producers *producers, int32_t id,
                                         int64_t request_id)
{
    struct producer *producer = find(producers, id);

    if (producer == NULL || producer->state != PRODUCER_RECOVERING || request_id == 0 ||
        producer->request_id != request_id)
        return nothing;
    producer->failures = 0;
    producer->recovered++;
    return go_up(producer, "recovered"); /* the id stays until the turn is in the log */
}

/* ---- time ----------------------------------------------------------------- */

static bool is_silent(const struct producers *producers, const struct producer *producer,
                      int64_t now_ms)
{
    return producer->state != PRODUCER_DOWN &&
           now_ms - producer->alive_ms >= producers->silence_ms;
}

static bool wants_to_ask(const struct producers *producers, const struct producer *producer,
                         int64_t now_ms)
{
    if (producer->state != PRODUCER_RECOVERING || producer->flight_id != 0 ||
        now_ms < producer->pause_until_ms)
        return false;
    return producer->request_id == 0 || producer->again ||
           now_ms - producer->asked_ms >= producers->timeout_ms;
}

/* Where to recover from, by the producer's clock; 0: nothing is known.  A point
 * that the producer's clock has not reached is of a clock that was put back
 * (all there is, then), or its alive was overtaken by a later one (from here). */
static int64_t after_of(const struct producers *producers, const struct producer *producer)
{
    int64_t now_ts = producer->alive_ts, point = producer->point_ts;
    int64_t edge = producer->window_ms / 10 < EDGE_MS ? producer->window_ms / 10 : EDGE_MS;
    int64_t oldest = now_ts - producer->window_ms + edge;

    if (point == 0)
        return 0;
    if (oldest < 1)
        oldest = 1;
    if (point < oldest || point - now_ts > producers->silence_ms)
        return oldest;
    return point < now_ts ? point : now_ts;
}

/* Ascending; unlike those of another process that asked in the same moment. */
static int64_t next_id(struct producers *producers, int64_t wall_ms)
{
    int64_t id = wall_ms * ID_SPREAD + producers->random(producers->ctx, ID_SPREAD);

    if (id <= producers->last_id)
        id = producers->last_id + 1;
    producers->last_id = id;
    return id;
}

static struct producer_action request_recovery(struct producers *producers,
                                               struct producer *producer,
                                               int64_t now_ms, int64_t wall_ms)
{
    producer->request_id = producer->flight_id = next_id(producers, wall_ms);
    producer->after_ts = after_of(producers, producer);
    producer->asked_ms = now_ms;
    producer->again = producer->telling_up = false;
    producer->asked++;
    return (struct producer_action){ .act = PRODUCER_ACT_ASK, .producer = producer->id,
                                     .why = "recovery", .request_id = producer->request_id,
                                     .after_ts = producer->after_ts };
}

struct producer_action producer_tick(struct producers *producers, int64_t now_ms, int64_t wall_ms)
{
    CHECK(producers->silence_ms > 0);
    for (unsigned i = 0; i < producers->n; i++) {
        struct producer *producer = &producers->list[i];

        if (is_silent(producers, producer, now_ms))
            return go_down(producer, "silence");
        if (wants_to_ask(producers, producer, now_ms))
            return request_recovery(producers, producer, now_ms, wall_ms);
    }
    return nothing;
}

/* ---- answers -------------------------------------------------------------- */

/* Growing, never shorter than asked for, and not the same for everybody. */
static int64_t pause_of(struct producers *producers, struct producer *producer,
                        int64_t retry_after_ms)
{
    uint32_t doublings = producer->failures < DOUBLINGS_MAX ? producer->failures : DOUBLINGS_MAX;
    int64_t pause = producers->pause_ms << doublings;

    if (retry_after_ms > RETRY_AFTER_MS_MAX)
        retry_after_ms = RETRY_AFTER_MS_MAX;
    if (pause < retry_after_ms)
        pause = retry_after_ms;
    return pause + producers->random(producers->ctx, (uint32_t)(pause / 2) + 1);
}

void producer_answered(struct producers *producers, int64_t request_id,
                       enum producer_answer answer, int64_t retry_after_ms, int64_t now_ms)
{
    struct producer *producer = NULL;

    CHECK(request_id != 0);
    for (unsigned i = 0; i < producers->n && producer == NULL; i++)
        if (producers->list[i].flight_id == request_id)
            producer = &producers->list[i];
    CHECK(producer != NULL);
    producer->flight_id = 0;
    if (answer == PRODUCER_ACCEPTED || producer->state == PRODUCER_UP)
        return; /* or its end overtook the answer */
    producer->pause_until_ms = now_ms + pause_of(producers, producer, retry_after_ms);
    producer->failures++;
    if (producer->request_id != request_id)
        return; /* it went down meanwhile */
    if (answer == PRODUCER_LOST)
        producer->again = true; /* its end may come all the same, until then */
    else
        producer->request_id = 0;
}

/* ---- the log --------------------------------------------------------------- */

void producer_logged_alive(struct producers *producers, int32_t id, bool subscribed,
                           int64_t timestamp_ts, int64_t at_ms)
{
    struct producer *producer = producer_of(producers, id);

    if (producer == NULL || !subscribed)
        return;
    producer->logged_ts = timestamp_ts;
    producer->logged_at_ms = at_ms;
    if (producer->logged_up && producer->logged_ts > producer->point_ts)
        producer->point_ts = producer->logged_ts;
}

void producer_logged_turn(struct producers *producers, int32_t id, bool up)
{
    struct producer *producer = producer_of(producers, id);

    if (producer == NULL)
        return;
    producer->logged_up = up;
    if (!up)
        producer->telling_down = false;
    else if (producer->logged_ts > producer->point_ts)
        producer->point_ts = producer->logged_ts; /* live ones came while it recovered */
    if (up && producer->telling_up) {
        producer->state = PRODUCER_UP; /* also when it was thought to be lost */
        producer->telling_up = false;
        producer->request_id = 0;
    }
}

void producer_step_down(struct producers *producers)
{
    for (unsigned i = 0; i < producers->n; i++) {
        struct producer *producer = &producers->list[i];

        producer->state = PRODUCER_DOWN;
        producer->owes_down = producer->telling_up = producer->telling_down = false;
        producer->request_id = 0;
        producer->again = false;
    }
}

void producer_logged_restart(struct producers *producers)
{
    producer_step_down(producers);
    for (unsigned i = 0; i < producers->n; i++)
        producers->list[i].logged_up = false;
}

void producer_unwritten(struct producers *producers)
{
    for (unsigned i = 0; i < producers->n; i++) {
        struct producer *producer = &producers->list[i];

        if (producer->state == PRODUCER_UP && !producer->logged_up)
            producer->state = producer->request_id != 0 ? PRODUCER_RECOVERING : PRODUCER_DOWN;
        else if (producer->state != PRODUCER_UP)
            producer->owes_down = producer->logged_up || producer->telling_down;
    }
}

void producer_lost(struct producers *producers)
{
    for (unsigned i = 0; i < producers->n; i++) {
        struct producer *producer = &producers->list[i];

        producer->owes_down = producer->logged_up || producer->state != PRODUCER_DOWN ||
                              producer->telling_down;
        producer->telling_up = false;
        producer->state = PRODUCER_DOWN;
        producer->request_id = 0;
    }
}

/* A recovery that has begun meanwhile is given up: the turn unlists what it
 * listed.  The next alive begins another. */
struct producer_action producer_owed(struct producers *producers, const char *why)
{
    for (unsigned i = 0; i < producers->n; i++)
        if (producers->list[i].owes_down)
            return go_down(&producers->list[i], why);
    return nothing;
}
