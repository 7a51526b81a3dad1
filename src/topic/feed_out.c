/* The topic feed, written: see feed_out.h. */
#include "topic/feed_out.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "model/slot.h"

/* An entry in flight: one record, or one in each partition. */
struct feed_flight {
    struct feed_flight *next;
    struct feed_out *out;
    int64_t position;
    uint32_t round;    /* acknowledged in an earlier one: does not count */
    uint32_t left;     /* records that are not acknowledged */
    bool incomplete;   /* Kafka did not take all of its records: it is sent again */
};

struct feed_out {
    struct feed_out_options options;
    int64_t sent, acknowledged;
    uint32_t round;
    struct feed_flight *first, **end;
    unsigned n;
};

struct feed_out *feed_out_new(const struct feed_out_options *options)
{
    struct feed_out *out = calloc(1, sizeof(*out));

    CHECK(out != NULL && options->on_failed != NULL);
    out->options = *options;
    out->end = &out->first;
    return out;
}

void feed_out_free(struct feed_out *out)
{
    if (out == NULL)
        return;
    CHECK(out->first == NULL && out->n == 0);
    free(out);
}

void feed_out_begin(struct feed_out *out, int64_t position)
{
    out->sent = out->acknowledged = position;
}

void feed_out_restart(struct feed_out *out)
{
    out->round++;
    out->sent = out->acknowledged;
}

/* ---- acknowledged ----------------------------------------------------------- */

/* Those at the head that have all their acknowledgements. */
static void land(struct feed_out *out)
{
    while (out->first != NULL && out->first->left == 0) {
        struct feed_flight *flight = out->first;

        out->first = flight->next;
        if (out->first == NULL)
            out->end = &out->first;
        out->n--;
        if (flight->round == out->round && !flight->incomplete)
            out->acknowledged = flight->position;
        free(flight);
    }
}

static void on_done(void *ctx, bool sent)
{
    struct feed_flight *flight = ctx;
    struct feed_out *out = flight->out;

    CHECK(flight->left > 0);
    flight->left--;
    if (!sent && flight->round == out->round) {
        log_warn("feed", "telling the topic again", "told=%lld", (long long)out->acknowledged);
        feed_out_restart(out);
        out->options.on_failed(out->options.ctx);
    }
    land(out);
}

/* ---- sent ------------------------------------------------------------------- */

static struct feed_flight *flight_new(struct feed_out *out, int64_t position)
{
    struct feed_flight *flight = calloc(1, sizeof(*flight));

    CHECK(flight != NULL);
    *flight = (struct feed_flight){ .out = out, .position = position, .round = out->round };
    *out->end = flight;
    out->end = &flight->next;
    out->n++;
    return flight;
}

/* Into partitions from `from` to before `to`. */
static bool send_to(struct feed_out *out, const struct feed_record *record, unsigned from,
                    unsigned to)
{
    struct feed_flight *flight = flight_new(out, record->position);
    struct kafka_record sent = {
        .topic = TOPIC_FEED, .key = record->event, .value = record->body,
        .position = record->position, .at_ms = record->at_ms, .on_done = on_done, .ctx = flight,
    };

    for (; from < to && !flight->incomplete; from++) {
        sent.partition = (int32_t)from;
        flight->incomplete = !kafka_send(out->options.kafka, &sent);
        flight->left += !flight->incomplete;
    }
    return !flight->incomplete;
}

bool feed_out_has_room(const struct feed_out *out)
{
    return kafka_partitions(out->options.kafka) > 0 && out->n < LIMIT_KAFKA_QUEUE / 2;
}

bool feed_out_send(struct feed_out *out, const struct feed_record *record)
{
    unsigned n = kafka_partitions(out->options.kafka);
    unsigned slot = record->event.n > 0 && n > 0 ? slot_of(record->event) % n : 0;
    bool taken;

    if (n == 0 || out->n >= LIMIT_KAFKA_QUEUE)
        return false;
    if (record->event.n > 0)
        taken = send_to(out, record, slot, slot + 1);
    else
        taken = send_to(out, record, 0, n);
    if (taken)
        out->sent = record->position;
    else
        land(out); /* none of its records may be in flight */
    return taken;
}

void feed_out_mark(struct feed_out *out)
{
    unsigned n = kafka_partitions(out->options.kafka);
    struct kafka_record record = { .topic = TOPIC_FEED, .position = out->acknowledged };
    bool taken = out->acknowledged > 0;

    for (unsigned i = 0; i < n && taken; i++) {
        record.partition = (int32_t)i;
        taken = kafka_send(out->options.kafka, &record);
    }
}

int64_t feed_out_sent(const struct feed_out *out)
{
    return out->sent;
}

int64_t feed_out_acknowledged(const struct feed_out *out)
{
    return out->acknowledged;
}
