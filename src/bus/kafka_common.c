/*
 * What every instance of librdkafka needs, whatever it is for: the wake-up of
 * the loop, its lines, errors and statistics, and what a record is for the
 * roles.
 */
#include <stdlib.h>

#include "bus/kafka_inside.h"

#define LINE_MS 1000

char *kafka_full_name(struct kafka *kafka, const char *name)
{
    return arena_cstr(&kafka->arena,
                      arena_printf(&kafka->arena, "%s%s", kafka->conf.prefix, name));
}

/* ---- waking ------------------------------------------------------------- */

void kafka_wake(struct kafka *kafka)
{
    uv_async_send(&kafka->wake);
}

/* In librdkafka's threads. */
static void on_something(rd_kafka_t *rk, void *ctx)
{
    (void)rk;
    kafka_wake(ctx);
}

void kafka_watch(struct kafka *kafka, rd_kafka_queue_t *queue)
{
    rd_kafka_queue_cb_event_enable(queue, on_something, kafka);
}

/* ---- events of all instances -------------------------------------------- */

/* librdkafka says the same often: one line a second. */
static bool may_speak(struct kafka *kafka)
{
    uint64_t now = uv_now(kafka->options.loop);

    if (now < kafka->said_ms + LINE_MS && kafka->said_ms != 0) {
        kafka->unsaid++;
        return false;
    }
    kafka->said_ms = now;
    return true;
}

void kafka_warn(struct kafka *kafka, const char *what, const char *text)
{
    if (!may_speak(kafka))
        return;
    log_warn("kafka", what, "text='%s' unsaid=%u", text, kafka->unsaid);
    kafka->unsaid = 0;
}

static void on_log(struct kafka *kafka, rd_kafka_event_t *event)
{
    const char *facility, *text;
    int level;

    /* A producer complains of consumers' settings, and they of its. */
    if (rd_kafka_event_log(event, &facility, &text, &level) == 0 && level <= 4 &&
        strcmp(facility, "CONFWARN") != 0)
        kafka_warn(kafka, "librdkafka says", text);
}

static void on_error(struct kafka *kafka, rd_kafka_t *rk, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);

    metric_add(METRIC_KAFKA_ERRORS, str_of(rd_kafka_err2name(code)), 1);
    kafka_warn(kafka, "error", rd_kafka_event_error_string(event));
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && rk == kafka->producer)
        kafka->up = false;
    if (rd_kafka_event_error_is_fatal(event) && rk == kafka->producer)
        kafka->failing = true;
}

/* Of the producer, each second: a broker's state is among them. */
static void on_statistics(struct kafka *kafka, rd_kafka_t *rk, rd_kafka_event_t *event)
{
    if (rk == kafka->producer)
        kafka->up = strstr(rd_kafka_event_stats(event), "\"state\":\"UP\"") != NULL;
}

bool kafka_serve_common(struct kafka *kafka, rd_kafka_t *rk, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_LOG:
        on_log(kafka, event);
        break;
    case RD_KAFKA_EVENT_STATS:
        on_statistics(kafka, rk, event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        on_error(kafka, rk, event);
        break;
    case RD_KAFKA_EVENT_NONE:
        break;
    default:
        return false;
    }
    rd_kafka_event_destroy(event);
    return true;
}

static int64_t read_position(const rd_kafka_message_t *from)
{
    rd_kafka_headers_t *headers;
    const void *value;
    int64_t position = 0;
    size_t n;

    if (rd_kafka_message_headers(from, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, KAFKA_POSITION_HEADER, &value, &n) !=
            RD_KAFKA_RESP_ERR_NO_ERROR ||
        n > 18)
        return 0;
    for (size_t i = 0; i < n; i++) {
        char c = ((const char *)value)[i];

        if (c < '0' || c > '9')
            return 0;
        position = position * 10 + (c - '0');
    }
    return position;
}

struct kafka_message kafka_message_of(const rd_kafka_message_t *from)
{
    rd_kafka_timestamp_type_t type;
    int64_t at_ms = rd_kafka_message_timestamp(from, &type);

    return (struct kafka_message){
        .partition = from->partition, .offset = from->offset,
        .at_ms = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? 0 : at_ms,
        .position = read_position(from),
        .key = { from->key, from->key_len }, .value = { from->payload, from->len },
        .tombstone = from->payload == NULL,
    };
}

bool kafka_trouble_of(rd_kafka_event_t *event, struct kafka_trouble *out)
{
    const rd_kafka_topic_partition_t *where;

    *out = (struct kafka_trouble){ rd_kafka_event_error(event), -1 };
    if (out->code == RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    where = rd_kafka_event_topic_partition(event);
    if (where != NULL) {
        out->partition = where->partition;
        rd_kafka_topic_partition_destroy((rd_kafka_topic_partition_t *)where);
    }
    return true;
}
