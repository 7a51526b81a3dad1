/*
 * Every partition of a topic, read for ever (see kafka.h).
 *
 * librdkafka's simple consumer: no group, nothing is committed.  Where a
 * partition ends is known from its first answer: what stood in it then has
 * been given when that offset is reached, however fast more arrives.
 */
#include <stdlib.h>

#include "bus/kafka_inside.h"

#define TIMES_MS 2000
#define AGAIN_MS 300

struct reader_place {
    int64_t end;     /* the offset behind what stood there; -1: not known */
    int64_t next;    /* behind what was given; -1: nothing was */
    int64_t before;  /* where it ended before it was asked for a time */
    bool ended;
};

struct kafka_reader {
    struct kafka_reader *next;
    struct kafka *kafka;
    struct kafka_reader_options options;
    char *topic;
    rd_kafka_t *rk;              /* NULL: waits for the topics */
    rd_kafka_topic_t *handle;
    rd_kafka_queue_t *queue, *own; /* messages; the instance's lines and errors */
    struct reader_place *places;
    int32_t partitions;
    bool started, closed;
    uv_work_t work;              /* asks for the offsets of a time */
    bool asking;
    uint64_t ask_at_ms;
    rd_kafka_topic_partition_list_t *starts;
    bool found;
};

struct kafka_reader *kafka_reader_new(struct kafka *kafka,
                                      const struct kafka_reader_options *options)
{
    struct kafka_reader *reader = calloc(1, sizeof(*reader));

    CHECK(reader != NULL && options->on_message != NULL && !kafka->closing);
    reader->kafka = kafka;
    reader->options = *options;
    reader->topic = kafka_full_name(kafka, topic_name(options->topic).p);
    reader->next = kafka->readers;
    kafka->readers = reader;
    kafka_wake(kafka);
    return reader;
}

struct kafka_reader *kafka_reader_next(const struct kafka_reader *reader)
{
    return reader->next;
}

/* ---- the beginning ------------------------------------------------------ */

static void open_instance(struct kafka_reader *reader)
{
    struct kafka *kafka = reader->kafka;
    char why[KAFKA_ERROR_BYTES];

    reader->rk = kafka_conf_new(&kafka->conf, &(struct kafka_instance){
        .kind = KAFKA_READER, .client = kafka->options.client,
        .wait_ms = reader->options.gather_ms }, why);
    if (reader->rk == NULL) {
        log_error("kafka", "no reader", "topic=%s why='%s'", reader->topic, why);
        return; /* the next turn tries again */
    }
    reader->handle = rd_kafka_topic_new(reader->rk, reader->topic, NULL);
    CHECK(reader->handle != NULL);
    reader->queue = rd_kafka_queue_new(reader->rk);
    reader->own = rd_kafka_queue_get_main(reader->rk);
    rd_kafka_set_log_queue(reader->rk, NULL);
    kafka_watch(kafka, reader->queue);
    kafka_watch(kafka, reader->own);
    reader->partitions = kafka->partitions[reader->options.topic];
    reader->places = calloc((size_t)reader->partitions, sizeof(*reader->places));
    CHECK(reader->places != NULL);
    for (int32_t i = 0; i < reader->partitions; i++)
        reader->places[i] = (struct reader_place){ .end = -1, .next = -1 };
}

static void start(struct kafka_reader *reader)
{
    for (int32_t i = 0; i < reader->partitions; i++) {
        int64_t from = RD_KAFKA_OFFSET_BEGINNING;

        if (reader->starts != NULL)
            from = reader->starts->elems[i].offset;
        CHECK(rd_kafka_consume_start_queue(reader->handle, i, from, reader->queue) == 0);
    }
    reader->started = true;
}

/* Where each partition ends now. */
static bool find_ends(struct kafka_reader *reader)
{
    int64_t low;

    for (int32_t i = 0; i < reader->partitions; i++)
        if (rd_kafka_query_watermark_offsets(reader->rk, reader->topic, i, &low,
                                             &reader->places[i].before, TIMES_MS) !=
            RD_KAFKA_RESP_ERR_NO_ERROR)
            return false;
    return true;
}

static bool find_times(struct kafka_reader *reader)
{
    bool found;

    for (int32_t i = 0; i < reader->partitions; i++) {
        reader->starts->elems[i].offset = reader->options.since_ms;
        reader->starts->elems[i].err = RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    found = rd_kafka_offsets_for_times(reader->rk, reader->starts, TIMES_MS) ==
            RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int32_t i = 0; i < reader->partitions && found; i++)
        found = reader->starts->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR;
    return found;
}

/*
 * In a thread of the pool.  Where nothing is newer than the time, the answer is
 * "the end", whenever that is looked up: what is written meanwhile would be
 * passed over.  So it begins at what was the end before the question.
 */
static void find_starts(uv_work_t *work)
{
    struct kafka_reader *reader = work->data;

    reader->found = find_ends(reader) && find_times(reader);
    for (int32_t i = 0; i < reader->partitions && reader->found; i++)
        if (reader->starts->elems[i].offset == RD_KAFKA_OFFSET_END)
            reader->starts->elems[i].offset = reader->places[i].before;
}

static void on_asked(uv_work_t *work, int status)
{
    struct kafka_reader *reader = work->data;

    (void)status;
    reader->asking = false;
    reader->ask_at_ms = uv_now(reader->kafka->options.loop) + AGAIN_MS;
    if (reader->found && !reader->closed)
        start(reader);
    kafka_wake(reader->kafka);
}

static void ask_for_offsets(struct kafka_reader *reader)
{
    if (reader->asking || uv_now(reader->kafka->options.loop) < reader->ask_at_ms)
        return;
    if (reader->starts == NULL) {
        reader->starts = rd_kafka_topic_partition_list_new(reader->partitions);
        for (int32_t i = 0; i < reader->partitions; i++)
            rd_kafka_topic_partition_list_add(reader->starts, reader->topic, i);
    }
    reader->asking = true;
    reader->work.data = reader;
    CHECK(uv_queue_work(reader->kafka->options.loop, &reader->work, find_starts, on_asked) == 0);
}

static void begin(struct kafka_reader *reader)
{
    if (reader->rk == NULL)
        open_instance(reader);
    if (reader->rk == NULL)
        return;
    if (reader->options.since_ms == 0)
        start(reader);
    else
        ask_for_offsets(reader);
}

/* ---- reading ------------------------------------------------------------ */

static void end(struct kafka_reader *reader, int32_t partition)
{
    struct reader_place *place = &reader->places[partition];

    if (place->ended || reader->closed)
        return;
    place->ended = true;
    if (reader->options.on_end != NULL)
        reader->options.on_end(reader->options.ctx, partition);
}

static void give(struct kafka_reader *reader, const rd_kafka_message_t *from)
{
    struct kafka_message message = kafka_message_of(from);
    struct reader_place *place = &reader->places[from->partition];
    int64_t low, high;

    if (place->end < 0 && !place->ended &&
        rd_kafka_get_watermark_offsets(reader->rk, reader->topic, from->partition, &low, &high) ==
            RD_KAFKA_RESP_ERR_NO_ERROR && high > 0)
        place->end = high;
    place->next = from->offset + 1;
    metric_add(METRIC_KAFKA_RECEIVED, topic_name(reader->options.topic), 1);
    reader->options.on_message(reader->options.ctx, &message);
    if (place->end >= 0 && place->next >= place->end)
        end(reader, from->partition);
}

static void on_trouble(struct kafka_reader *reader, const struct kafka_trouble *trouble)
{
    if (trouble->code == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (trouble->partition >= 0 && trouble->partition < reader->partitions)
            end(reader, trouble->partition);
        return;
    }
    metric_add(METRIC_KAFKA_ERRORS, str_of(rd_kafka_err2name(trouble->code)), 1);
    log_warn("kafka", "a reader's trouble", "topic=%s partition=%d why='%s'", reader->topic,
             (int)trouble->partition, rd_kafka_err2str(trouble->code));
}

static void on_event(struct kafka_reader *reader, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message;
    struct kafka_trouble trouble;

    if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_FETCH) {
        while (!reader->closed && (message = rd_kafka_event_message_next(event)) != NULL) {
            trouble = (struct kafka_trouble){ message->err, message->partition };
            if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
                on_trouble(reader, &trouble);
            else
                give(reader, message);
        }
    } else if (kafka_trouble_of(event, &trouble)) {
        on_trouble(reader, &trouble);
    }
    rd_kafka_event_destroy(event);
}

static bool drain(struct kafka_reader *reader, rd_kafka_queue_t *queue)
{
    for (unsigned n = 0; n < LIMIT_KAFKA_TURN; n++) {
        rd_kafka_event_t *event;

        if (reader->closed)
            return false;
        event = rd_kafka_queue_poll(queue, 0);
        if (event == NULL)
            return false;
        if (queue == reader->queue)
            on_event(reader, event);
        else if (!kafka_serve_common(reader->kafka, reader->rk, event))
            rd_kafka_event_destroy(event);
    }
    return true;
}

bool kafka_reader_turn(struct kafka_reader *reader)
{
    bool more;

    if (reader->closed)
        return false;
    if (!reader->started && reader->kafka->ready)
        begin(reader);
    if (reader->rk == NULL)
        return false;
    more = drain(reader, reader->own);
    return drain(reader, reader->queue) || more;
}

void kafka_reader_metrics(const struct kafka_reader *reader, int64_t lag[TOPICS])
{
    int64_t low, high, sum = 0;

    for (int32_t i = 0; i < reader->partitions && reader->started; i++)
        if (reader->places[i].next >= 0 &&
            rd_kafka_get_watermark_offsets(reader->rk, reader->topic, i, &low, &high) ==
                RD_KAFKA_RESP_ERR_NO_ERROR && high > reader->places[i].next)
            sum += high - reader->places[i].next;
    if (lag[reader->options.topic] < sum)
        lag[reader->options.topic] = sum;
}

/* ---- the end ------------------------------------------------------------ */

void kafka_reader_close(struct kafka_reader *reader)
{
    CHECK(!reader->closed);
    reader->closed = true;
    kafka_wake(reader->kafka);
}

static void reader_free(struct kafka_reader *reader)
{
    if (reader->started)
        for (int32_t i = 0; i < reader->partitions; i++)
            (void)rd_kafka_consume_stop(reader->handle, i);
    if (reader->rk != NULL) {
        rd_kafka_queue_cb_event_enable(reader->queue, NULL, NULL);
        rd_kafka_queue_cb_event_enable(reader->own, NULL, NULL);
        rd_kafka_queue_destroy(reader->queue);
        rd_kafka_queue_destroy(reader->own);
        rd_kafka_topic_destroy(reader->handle);
        if (reader->starts != NULL)
            rd_kafka_topic_partition_list_destroy(reader->starts);
        rd_kafka_destroy(reader->rk);
    }
    free(reader->places);
    free(reader);
}

void kafka_readers_sweep(struct kafka_reader **at)
{
    while (*at != NULL) {
        struct kafka_reader *reader = *at;

        if (!reader->closed || reader->asking) {
            at = &reader->next;
            continue;
        }
        *at = reader->next;
        reader_free(reader);
    }
}
