/* Liveness of producers: see the picture in producer.h. */
#include "feed/producer.h"

#include <stddef.h>

/* The producer, made when it is new; NULL when there are too many. */
static struct producer *producer_of(struct producers *producers, int32_t id)
{
    for (unsigned i = 0; i < producers->n; i++)
        if (producers->list[i].id == id)
            return &producers->list[i];
    if (producers->n == LIMIT_PRODUCERS)
        return NULL;
    producers->list[producers->n] = (struct producer){ .id = id };
    return &producers->list[producers->n++];
}

enum producer_turn producer_alive(struct producers *producers, int32_t id, bool subscribed,
                                  int64_t now_ms)
{
    struct producer *producer = producer_of(producers, id);

    if (producer == NULL)
        return PRODUCER_STAYS;
    producer->alive_ms = now_ms;
    if (producer->up == subscribed)
        return PRODUCER_STAYS;
    producer->up = subscribed;
    return subscribed ? PRODUCER_UP : PRODUCER_DOWN;
}

const struct producer *producer_silent(struct producers *producers, int64_t now_ms)
{
    CHECK(producers->silence_ms > 0);
    for (unsigned i = 0; i < producers->n; i++) {
        struct producer *producer = &producers->list[i];

        if (producer->up && now_ms - producer->alive_ms >= producers->silence_ms) {
            producer->up = false;
            return producer;
        }
    }
    return NULL;
}

void producer_set(struct producers *producers, int32_t id, bool up, int64_t now_ms)
{
    struct producer *producer = producer_of(producers, id);

    if (producer == NULL)
        return;
    if (up && producer->alive_ms == 0)
        producer->alive_ms = now_ms;
    producer->logged_up = up;
}

void producer_revert(struct producers *producers)
{
    for (unsigned i = 0; i < producers->n; i++)
        producers->list[i].up = producers->list[i].logged_up;
}

void producer_reset(struct producers *producers)
{
    for (unsigned i = 0; i < producers->n; i++)
        producers->list[i].up = producers->list[i].logged_up = false;
}
