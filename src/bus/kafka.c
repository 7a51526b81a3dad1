/*
 * The Kafka client (see kafka.h): the producer, the turn of the loop, the
 * beginning and the end.
 *
 *   LOOKING --topics known--> READY --a record failed--> FAILING --all told--> LOOKING
 *
 * A record fails only for good reasons (the broker lost what it had, a right
 * is missing, a topic was deleted); then everything in flight fails, so that
 * nothing overtakes what will be sent again, and a new producer begins.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bus/kafka_inside.h"

#define LOOK_AGAIN_MS 300

/* What is known of a record while it is in flight. */
struct sent {
    void (*on_done)(void *ctx, bool sent);
    void *ctx;
};

/* ---- the producer ------------------------------------------------------- */

static bool producer_open(struct kafka *kafka)
{
    char why[KAFKA_ERROR_BYTES];

    kafka->producer = kafka_conf_new(&kafka->conf, &(struct kafka_instance){
        .kind = KAFKA_PRODUCER, .client = kafka->options.client,
        .wait_ms = kafka->options.linger_ms }, why);
    if (kafka->producer == NULL) {
        log_error("kafka", "no producer", "why='%s'", why);
        return false;
    }
    kafka->queue = rd_kafka_queue_get_main(kafka->producer);
    if (rd_kafka_set_log_queue(kafka->producer, NULL) != RD_KAFKA_RESP_ERR_NO_ERROR)
        log_warn("kafka", "librdkafka's lines are lost", "client=%s", kafka->options.client);
    kafka_watch(kafka, kafka->queue);
    return true;
}

static void producer_close(struct kafka *kafka)
{
    CHECK(!kafka->looking);
    for (size_t i = 0; i < TOPICS; i++) {
        if (kafka->handles[i] != NULL)
            rd_kafka_topic_destroy(kafka->handles[i]);
        kafka->handles[i] = NULL;
    }
    rd_kafka_queue_cb_event_enable(kafka->queue, NULL, NULL);
    rd_kafka_queue_destroy(kafka->queue);
    rd_kafka_destroy(kafka->producer);
    kafka->queue = NULL;
    kafka->producer = NULL;
}

/*
 * librdkafka takes what was rejected for written once a later request of the
 * same partition succeeds, and a broker that has not heard of the producer
 * lets that happen (confluent-kafka-go issue 921).  Only what has an offset is
 * surely in the log; the rest is sent again, at worst twice.
 */
static rd_kafka_resp_err_t outcome(const rd_kafka_message_t *record)
{
    if (record->err == RD_KAFKA_RESP_ERR_NO_ERROR && record->offset < 0)
        return RD_KAFKA_RESP_ERR__STATE;
    return record->err;
}

/* A record's end, whatever it is. */
static void record_done(struct kafka *kafka, const rd_kafka_message_t *record)
{
    struct sent *sent = record->_private;
    rd_kafka_resp_err_t code = outcome(record);
    bool good = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    struct str topic = str_of(rd_kafka_topic_name(record->rkt) + strlen(kafka->conf.prefix));

    CHECK(kafka->in_flight > 0);
    kafka->in_flight--;
    if (good)
        metric_observe(METRIC_KAFKA_SECONDS, rd_kafka_message_latency(record));
    if (!good && !kafka->failing && !kafka->purged) {
        log_error("kafka", "a record was refused: all in flight are given up",
                  "topic=" STR_FMT " partition=%d why='%s'", STR_ARG(topic),
                  (int)record->partition, rd_kafka_err2str(code));
        kafka->failing = true;
    }
    good = good && !kafka->failing;
    metric_add(good ? METRIC_KAFKA_SENT : METRIC_KAFKA_FAILED, topic, 1);
    if (sent != NULL)
        sent->on_done(sent->ctx, good);
    free(sent);
}

static bool producer_turn(struct kafka *kafka)
{
    for (unsigned n = 0; n < LIMIT_KAFKA_TURN;) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(kafka->queue, 0);
        const rd_kafka_message_t *record;

        if (event == NULL)
            return false;
        n++;
        if (kafka_serve_common(kafka, kafka->producer, event))
            continue;
        if (rd_kafka_event_type(event) == RD_KAFKA_EVENT_DR)
            for (; (record = rd_kafka_event_message_next(event)) != NULL; n++)
                record_done(kafka, record);
        rd_kafka_event_destroy(event);
    }
    return true;
}

/* All that is in flight fails; then a new producer looks for the topics. */
static void fail(struct kafka *kafka)
{
    if (kafka->looking)
        return;
    kafka->ready = false;
    rd_kafka_purge(kafka->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                        RD_KAFKA_PURGE_F_NON_BLOCKING);
    if (kafka->in_flight > 0)
        return;
    producer_close(kafka);
    kafka->failing = false;
    CHECK(producer_open(kafka)); /* it was possible before */
    kafka->look_at_ms = 0;
}

/* ---- topics ------------------------------------------------------------- */

static void list_topics(uv_work_t *work)
{
    kafka_topics_look(work->data);
}

static void take_topics(struct kafka *kafka)
{
    for (size_t i = 0; i < TOPICS; i++) {
        kafka->handles[i] = rd_kafka_topic_new(kafka->producer, kafka->topics.names[i], NULL);
        CHECK(kafka->handles[i] != NULL);
    }
    memcpy(kafka->partitions, kafka->topics.partitions, sizeof(kafka->partitions));
    kafka->ready = kafka->up = true;
    log_info("kafka", "topics are there", "brokers=%s prefix=%s partitions=%d",
             kafka->conf.brokers, kafka->conf.prefix, (int)kafka->partitions[TOPIC_FEED]);
}

static void on_looked(uv_work_t *work, int status)
{
    struct kafka_topics *topics = work->data;
    struct kafka *kafka = (struct kafka *)((char *)topics - offsetof(struct kafka, topics));

    (void)status;
    kafka->looking = false;
    kafka->look_at_ms = uv_now(kafka->options.loop) + LOOK_AGAIN_MS;
    if (!kafka->closing && !kafka->failing && topics->known)
        take_topics(kafka);
    else if (!kafka->closing && !topics->known)
        kafka_warn(kafka, "the topics are not known yet", topics->error);
    kafka_wake(kafka);
}

static void look_for_topics(struct kafka *kafka)
{
    if (kafka->ready || kafka->looking || kafka->failing || kafka->closing ||
        uv_now(kafka->options.loop) < kafka->look_at_ms)
        return;
    kafka->looking = true;
    kafka->topics.rk = kafka->producer;
    kafka->topics.work.data = &kafka->topics;
    CHECK(uv_queue_work(kafka->options.loop, &kafka->topics.work, list_topics, on_looked) == 0);
}

/* ---- the turn ----------------------------------------------------------- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct kafka *kafka = handle->data;

    if (--kafka->handles_open == 0)
        kafka->on_closed(kafka->closed_ctx);
}

/* Readers and groups are gone; what is in flight has its time. */
static void go_on_closing(struct kafka *kafka)
{
    if (uv_is_closing((uv_handle_t *)&kafka->wake) || kafka->looking ||
        kafka->readers != NULL || kafka->groups != NULL)
        return;
    if (kafka->in_flight > 0 && !kafka->purged &&
        uv_now(kafka->options.loop) >= kafka->close_at_ms) {
        kafka->purged = true;
        log_warn("kafka", "records are given up at the end", "records=%zu", kafka->in_flight);
        rd_kafka_purge(kafka->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT |
                                            RD_KAFKA_PURGE_F_NON_BLOCKING);
    }
    if (kafka->in_flight > 0)
        return;
    rd_kafka_queue_cb_event_enable(kafka->queue, NULL, NULL); /* nobody is there to wake */
    kafka->handles_open = 2;
    uv_close((uv_handle_t *)&kafka->wake, on_handle_closed);
    uv_close((uv_handle_t *)&kafka->tick, on_handle_closed);
}

static void turn(struct kafka *kafka)
{
    bool more = producer_turn(kafka);

    for (struct kafka_reader *r = kafka->readers; r != NULL; r = kafka_reader_next(r))
        more |= kafka_reader_turn(r);
    for (struct kafka_group *g = kafka->groups; g != NULL; g = kafka_group_next(g))
        more |= kafka_group_turn(g);
    kafka_readers_sweep(&kafka->readers);
    kafka_groups_sweep(&kafka->groups);
    if (kafka->failing)
        fail(kafka);
    look_for_topics(kafka);
    if (more)
        kafka_wake(kafka);
    if (kafka->closing)
        go_on_closing(kafka);
}

static void on_wake(uv_async_t *wake)
{
    turn(wake->data);
}

static void on_tick(uv_timer_t *tick)
{
    struct kafka *kafka = tick->data;

    for (struct kafka_group *g = kafka->groups; g != NULL; g = kafka_group_next(g))
        kafka_group_tick(g);
    turn(kafka);
}

/* ---- beginning and end -------------------------------------------------- */

static void name_topics(struct kafka *kafka)
{
    for (size_t i = 0; i < TOPICS; i++)
        kafka->topics.names[i] = kafka_full_name(kafka, topic_name((enum topic)i).p);
    kafka->topics.partitions_wanted = (int)kafka->options.partitions;
}

struct kafka *kafka_new(const struct kafka_options *options)
{
    struct kafka *kafka = calloc(1, sizeof(*kafka));
    struct str error;

    CHECK(kafka != NULL);
    CHECK(options->partitions > 0 && options->partitions <= SLOTS);
    kafka->options = *options;
    arena_init(&kafka->arena, LIMIT_REQUEST_ARENA_BYTES);
    if (!kafka_conf_read(options->url, options->conf, &kafka->arena, &kafka->conf, &error) ||
        !producer_open(kafka)) {
        arena_fini(&kafka->arena);
        free(kafka);
        return NULL;
    }
    name_topics(kafka);
    uv_async_init(options->loop, &kafka->wake, on_wake);
    uv_timer_init(options->loop, &kafka->tick);
    kafka->wake.data = kafka->tick.data = kafka;
    uv_timer_start(&kafka->tick, on_tick, 0, KAFKA_TICK_MS);
    return kafka;
}

void kafka_close(struct kafka *kafka, uint64_t ms, void (*on_closed)(void *ctx), void *ctx)
{
    CHECK(!kafka->closing);
    kafka->closing = true;
    kafka->close_at_ms = uv_now(kafka->options.loop) + ms;
    kafka->on_closed = on_closed;
    kafka->closed_ctx = ctx;
    kafka_wake(kafka);
}

void kafka_free(struct kafka *kafka)
{
    if (kafka == NULL)
        return;
    CHECK(kafka->closing && kafka->readers == NULL && kafka->groups == NULL);
    producer_close(kafka);
    arena_fini(&kafka->arena);
    free(kafka);
}

/* ---- sending ------------------------------------------------------------ */

static rd_kafka_vu_t *put_text(rd_kafka_vu_t *at, enum rd_kafka_vtype_t type, struct str s)
{
    at->vtype = type;
    at->u.mem.ptr = (void *)s.p;
    at->u.mem.size = s.n;
    return at + 1;
}

static rd_kafka_vu_t *put_header(rd_kafka_vu_t *at, int64_t position, char text[24])
{
    int n = snprintf(text, 24, "%lld", (long long)position);

    at->vtype = RD_KAFKA_VTYPE_HEADER;
    at->u.header.name = KAFKA_POSITION_HEADER;
    at->u.header.val = text;
    at->u.header.size = n;
    return at + 1;
}

static rd_kafka_resp_err_t produce(struct kafka *kafka, const struct kafka_record *record,
                                   struct sent *sent)
{
    rd_kafka_vu_t fields[9], *at = fields;
    rd_kafka_resp_err_t code;
    rd_kafka_error_t *error;
    char text[24];

    *at++ = (rd_kafka_vu_t){ RD_KAFKA_VTYPE_RKT, { .rkt = kafka->handles[record->topic] } };
    *at++ = (rd_kafka_vu_t){ RD_KAFKA_VTYPE_PARTITION, { .i32 = record->partition } };
    *at++ = (rd_kafka_vu_t){ RD_KAFKA_VTYPE_MSGFLAGS, { .i = RD_KAFKA_MSG_F_COPY } };
    *at++ = (rd_kafka_vu_t){ RD_KAFKA_VTYPE_TIMESTAMP, { .i64 = record->at_ms } };
    *at++ = (rd_kafka_vu_t){ RD_KAFKA_VTYPE_OPAQUE, { .ptr = sent } };
    if (record->key.n > 0)
        at = put_text(at, RD_KAFKA_VTYPE_KEY, record->key);
    if (!record->tombstone)
        at = put_text(at, RD_KAFKA_VTYPE_VALUE, record->value.n > 0 ? record->value : STR(""));
    if (record->position != 0)
        at = put_header(at, record->position, text);
    if (record->traceparent.n > 0)
        *at++ = (rd_kafka_vu_t){ RD_KAFKA_VTYPE_HEADER,
                                 { .header = { "traceparent", record->traceparent.p,
                                               (ssize_t)record->traceparent.n } } };
    error = rd_kafka_produceva(kafka->producer, fields, (size_t)(at - fields));
    code = error == NULL ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
    if (error != NULL)
        rd_kafka_error_destroy(error);
    return code;
}

static struct sent *sent_new(const struct kafka_record *record)
{
    struct sent *sent;

    if (record->on_done == NULL)
        return NULL;
    sent = malloc(sizeof(*sent));
    CHECK(sent != NULL);
    *sent = (struct sent){ record->on_done, record->ctx };
    return sent;
}

bool kafka_send(struct kafka *kafka, const struct kafka_record *record)
{
    rd_kafka_resp_err_t code;
    struct sent *sent;

    CHECK(record->topic < TOPICS);
    CHECK(record->key.n + record->value.n <= LIMIT_RECORD_BYTES);
    if (!kafka->ready || kafka->failing || kafka->closing)
        return false;
    sent = sent_new(record);
    code = produce(kafka, record, sent);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka->in_flight++;
        return true;
    }
    free(sent);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        metric_inc(METRIC_KAFKA_FULL);
        return false;
    }
    metric_add(METRIC_KAFKA_ERRORS, str_of(rd_kafka_err2name(code)), 1);
    kafka_warn(kafka, "a record cannot be sent", rd_kafka_err2str(code));
    kafka->failing = true;
    return false;
}

/* ---- asked -------------------------------------------------------------- */

unsigned kafka_partitions(const struct kafka *kafka)
{
    return (unsigned)kafka->partitions[TOPIC_FEED];
}

bool kafka_is_up(const struct kafka *kafka)
{
    return kafka->up;
}

void kafka_metrics(struct kafka *kafka)
{
    int64_t lag[TOPICS], owned[TOPICS] = { 0 };

    for (size_t i = 0; i < TOPICS; i++)
        lag[i] = -1;
    for (struct kafka_reader *r = kafka->readers; r != NULL; r = kafka_reader_next(r))
        kafka_reader_metrics(r, lag);
    for (struct kafka_group *g = kafka->groups; g != NULL; g = kafka_group_next(g))
        kafka_group_metrics(g, lag, owned);
    metric_set(METRIC_KAFKA_UP, STR_NONE, kafka->up);
    metric_set(METRIC_KAFKA_QUEUE, STR_NONE, (int64_t)kafka->in_flight);
    for (size_t i = 0; i < TOPICS; i++) {
        if (lag[i] < 0)
            continue;
        metric_set(METRIC_KAFKA_LAG, topic_name((enum topic)i), lag[i]);
        metric_set(METRIC_KAFKA_OWNED, topic_name((enum topic)i), owned[i]);
    }
}
