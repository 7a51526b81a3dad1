/*
 * A member of a consumer group (see kafka.h).
 *
 * Partitions come and go one by one (cooperative-sticky): who keeps one is
 * not disturbed when another comes.  An assigned partition is paused until
 * kafka_group_begin(), and what librdkafka gives all the same, before a pause
 * has its effect, is held here and given first.
 *
 *   NONE --assigned--> ASSIGNED --begin--> BEGUN <--pause--> PAUSED --revoked--> NONE
 */
#include <stdlib.h>

#include "bus/kafka_inside.h"

#define COMMIT_MS 200
#define CLOSE_MS 5000
#define FIXED_VERSION 0x02030000 /* 2.3.0 */

/* A message that waits: it lives in its event. */
struct group_message {
    struct group_message *next;
    rd_kafka_event_t *event;
    const rd_kafka_message_t *message;
};

struct group_part {
    bool assigned, begun, paused;
    bool dirty;         /* commit is not sent yet */
    int64_t commit;     /* everything below had its effect; -1: none */
    int64_t next;       /* behind the last one that came; -1: none */
    struct group_message *held, **held_end;
};

struct kafka_group {
    struct kafka_group *next;
    struct kafka *kafka;
    struct kafka_group_options options;
    char *topic, *name;
    rd_kafka_t *rk;     /* NULL: waits for the topics */
    rd_kafka_queue_t *queue;
    struct group_part *parts;
    int32_t partitions;
    uint64_t commit_at_ms, close_at_ms;
    bool met; /* the group has said what is ours, if only nothing */
    bool closing, leaving, gone;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

struct kafka_group *kafka_group_new(struct kafka *kafka,
                                    const struct kafka_group_options *options)
{
    struct kafka_group *group = calloc(1, sizeof(*group));

    CHECK(group != NULL && options->on_message != NULL && !kafka->closing);
    CHECK(options->on_assigned != NULL && options->on_revoked != NULL);
    group->kafka = kafka;
    group->options = *options;
    group->topic = kafka_full_name(kafka, topic_name(options->topic).p);
    group->name = kafka_full_name(kafka, options->name);
    group->next = kafka->groups;
    kafka->groups = group;
    kafka_wake(kafka);
    return group;
}

struct kafka_group *kafka_group_next(const struct kafka_group *group)
{
    return group->next;
}

/* ---- held messages ------------------------------------------------------ */

static void hold(struct group_part *part, rd_kafka_event_t *event,
                 const rd_kafka_message_t *message)
{
    struct group_message *held = calloc(1, sizeof(*held));

    CHECK(held != NULL);
    held->event = event;
    held->message = message;
    *part->held_end = held;
    part->held_end = &held->next;
}

static void unhold(struct group_part *part)
{
    struct group_message *held = part->held;

    part->held = held->next;
    if (part->held == NULL)
        part->held_end = &part->held;
    rd_kafka_event_destroy(held->event);
    free(held);
}

static void part_clear(struct group_part *part)
{
    while (part->held != NULL)
        unhold(part);
    *part = (struct group_part){ .commit = -1, .next = -1, .held_end = &part->held };
}

/* ---- commits ------------------------------------------------------------ */

static void commit(struct kafka_group *group)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(group->partitions);
    rd_kafka_resp_err_t code;

    for (int32_t i = 0; i < group->partitions; i++) {
        struct group_part *part = &group->parts[i];

        if (!part->dirty || !part->assigned)
            continue;
        part->dirty = false;
        rd_kafka_topic_partition_list_add(list, group->topic, i)->offset = part->commit;
    }
    if (list->cnt > 0) {
        code = rd_kafka_commit(group->rk, list, 1);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
            log_warn("kafka", "a commit was not sent", "group=%s why='%s'", group->name,
                     rd_kafka_err2str(code));
    }
    rd_kafka_topic_partition_list_destroy(list);
}

/* What was not committed is told again, unless more has been meanwhile. */
static void on_commit(struct kafka_group *group, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__NO_OFFSET)
        return;
    metric_add(METRIC_KAFKA_ERRORS, str_of(rd_kafka_err2name(code)), 1);
    log_warn("kafka", "offsets were not committed", "group=%s why='%s'", group->name,
             rd_kafka_err2str(code));
    for (int i = 0; list != NULL && i < list->cnt; i++) {
        int32_t at = list->elems[i].partition;

        if (at >= 0 && at < group->partitions && group->parts[at].commit >= 0)
            group->parts[at].dirty = true;
    }
}

void kafka_group_commit(struct kafka_group *group, int32_t partition, int64_t offset)
{
    struct group_part *part = &group->parts[partition];

    CHECK(partition >= 0 && partition < group->partitions && part->assigned);
    if (offset <= part->commit)
        return;
    part->commit = offset;
    part->dirty = true;
}

/* ---- partitions come and go --------------------------------------------- */

static void set_paused(struct kafka_group *group, int32_t partition, bool pause)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, group->topic, partition);
    if (pause)
        rd_kafka_pause_partitions(group->rk, list);
    else
        rd_kafka_resume_partitions(group->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
}

static void complain(struct kafka_group *group, const char *what, rd_kafka_error_t *error)
{
    if (error == NULL)
        return;
    log_error("kafka", what, "group=%s why='%s'", group->name, rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
}

static void assign_partitions(struct kafka_group *group,
                              const rd_kafka_topic_partition_list_t *list)
{
    complain(group, "partitions were not taken", rd_kafka_incremental_assign(group->rk, list));
    for (int i = 0; i < list->cnt; i++) {
        struct group_part *part = &group->parts[list->elems[i].partition];

        CHECK(list->elems[i].partition < group->partitions);
        part_clear(part);
        part->assigned = true;
        set_paused(group, list->elems[i].partition, true);
    }
    for (int i = 0; i < list->cnt; i++) {
        log_info("kafka", "a partition is ours", "group=%s partition=%d", group->name,
                 (int)list->elems[i].partition);
        group->options.on_assigned(group->options.ctx, list->elems[i].partition);
    }
}

static void give_back(struct kafka_group *group, const rd_kafka_topic_partition_list_t *list)
{
    bool lost = rd_kafka_assignment_lost(group->rk) != 0;

    for (int i = 0; i < list->cnt; i++) {
        int32_t at = list->elems[i].partition;

        CHECK(at < group->partitions);
        if (!group->parts[at].assigned)
            continue;
        log_info("kafka", "a partition is not ours any more",
                 "group=%s partition=%d lost=%d", group->name, (int)at, lost);
        group->options.on_revoked(group->options.ctx, at, lost);
    }
    if (!lost)
        commit(group); /* before whoever comes next asks where to begin */
    for (int i = 0; i < list->cnt; i++)
        part_clear(&group->parts[list->elems[i].partition]);
    complain(group, "partitions were not given up",
             rd_kafka_incremental_unassign(group->rk, list));
}

static void on_rebalance(struct kafka_group *group, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);

    metric_add(METRIC_KAFKA_REBALANCES, str_of(group->options.name), 1);
    group->met = true;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        assign_partitions(group, list);
    } else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
        give_back(group, list);
    } else {
        log_error("kafka", "a rebalance failed", "group=%s why='%s'", group->name,
                  rd_kafka_err2str(code));
        rd_kafka_assign(group->rk, NULL);
    }
}

void kafka_group_begin(struct kafka_group *group, int32_t partition)
{
    struct group_part *part = &group->parts[partition];

    CHECK(partition >= 0 && partition < group->partitions && part->assigned && !part->begun);
    part->begun = true;
    if (!part->paused)
        set_paused(group, partition, false);
    kafka_wake(group->kafka);
}

void kafka_group_pause(struct kafka_group *group, int32_t partition, bool pause)
{
    struct group_part *part = &group->parts[partition];

    CHECK(partition >= 0 && partition < group->partitions && part->assigned);
    if (part->paused == pause)
        return;
    part->paused = pause;
    if (part->begun)
        set_paused(group, partition, pause);
    kafka_wake(group->kafka);
}

/* ---- messages ----------------------------------------------------------- */

static bool is_open(const struct group_part *part)
{
    return part->assigned && part->begun && !part->paused;
}

static void give(struct kafka_group *group, const rd_kafka_message_t *from)
{
    struct kafka_message message = kafka_message_of(from);

    metric_add(METRIC_KAFKA_RECEIVED, topic_name(group->options.topic), 1);
    group->options.on_message(group->options.ctx, &message);
}

/*
 * After a pause librdkafka may go back: to where an earlier one was, or, by a
 * timer it forgot to stop, to where the group began (see its issue 4637).
 * What came is passed over.  Only a log that ends below it, of a topic made
 * anew, begins again.
 */
static bool came_already(const struct kafka_group *group, const rd_kafka_message_t *message)
{
    int64_t next = group->parts[message->partition].next, low, high;

    return message->offset < next &&
           (rd_kafka_get_watermark_offsets(group->rk, group->topic, message->partition, &low,
                                           &high) != RD_KAFKA_RESP_ERR_NO_ERROR || high >= next);
}

/* True: the event is kept. */
static bool on_message(struct kafka_group *group, rd_kafka_event_t *event,
                       const rd_kafka_message_t *message)
{
    struct group_part *part = &group->parts[message->partition];

    CHECK(message->partition >= 0 && message->partition < group->partitions);
    if (!part->assigned || came_already(group, message))
        return false;
    part->next = message->offset + 1;
    if (!is_open(part) || part->held != NULL) { /* paused, or just resumed */
        hold(part, event, message);
        return true;
    }
    give(group, message);
    return false;
}

static void on_trouble(struct kafka_group *group, rd_kafka_resp_err_t code, int32_t partition)
{
    if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return;
    metric_add(METRIC_KAFKA_ERRORS, str_of(rd_kafka_err2name(code)), 1);
    log_warn("kafka", "a group's trouble", "group=%s partition=%d why='%s'", group->name,
             (int)partition, rd_kafka_err2str(code));
}

static void on_fetch(struct kafka_group *group, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message = rd_kafka_event_message_next(event);

    if (message != NULL && message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        on_trouble(group, message->err, message->partition);
    else if (message != NULL && on_message(group, event, message))
        return;
    rd_kafka_event_destroy(event);
}

static void on_event(struct kafka_group *group, rd_kafka_event_t *event)
{
    struct kafka_trouble trouble;

    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_FETCH:
        on_fetch(group, event);
        return;
    case RD_KAFKA_EVENT_REBALANCE:
        on_rebalance(group, event);
        break;
    case RD_KAFKA_EVENT_OFFSET_COMMIT:
        on_commit(group, event);
        break;
    case RD_KAFKA_EVENT_ERROR:
        if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__PARTITION_EOF &&
            kafka_trouble_of(event, &trouble))
            break;
        /* fall through */
    default:
        if (kafka_serve_common(group->kafka, group->rk, event))
            return;
    }
    rd_kafka_event_destroy(event);
}

/* What waited, in order, before anything newer of its partition. */
static bool give_held(struct kafka_group *group)
{
    unsigned n = 0;

    for (int32_t i = 0; i < group->partitions; i++) {
        struct group_part *part = &group->parts[i];

        for (; part->held != NULL && is_open(part); n++) {
            if (n == LIMIT_KAFKA_TURN)
                return true;
            give(group, part->held->message);
            unhold(part);
        }
    }
    return false;
}

static void open_instance(struct kafka_group *group)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    struct kafka *kafka = group->kafka;
    char why[KAFKA_ERROR_BYTES];

    group->rk = kafka_conf_new(&kafka->conf, &(struct kafka_instance){
        .kind = KAFKA_GROUP, .client = kafka->options.client, .group = group->name }, why);
    if (group->rk == NULL) {
        log_error("kafka", "no member of a group", "group=%s why='%s'", group->name, why);
        rd_kafka_topic_partition_list_destroy(topics);
        return;
    }
    group->partitions = kafka->partitions[group->options.topic];
    group->parts = calloc((size_t)group->partitions, sizeof(*group->parts));
    CHECK(group->parts != NULL);
    for (int32_t i = 0; i < group->partitions; i++)
        part_clear(&group->parts[i]);
    rd_kafka_poll_set_consumer(group->rk);
    rd_kafka_set_log_queue(group->rk, NULL);
    group->queue = rd_kafka_queue_get_consumer(group->rk);
    kafka_watch(kafka, group->queue);
    rd_kafka_topic_partition_list_add(topics, group->topic, RD_KAFKA_PARTITION_UA);
    CHECK(rd_kafka_subscribe(group->rk, topics) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(topics);
}

static bool drain(struct kafka_group *group)
{
    for (unsigned n = 0; n < LIMIT_KAFKA_TURN; n++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(group->queue, 0);

        if (event == NULL)
            return false;
        on_event(group, event);
    }
    return true;
}

static void leave_group(struct kafka_group *group)
{
    if (!group->leaving) {
        group->leaving = true;
        complain(group, "the group was not left",
                 rd_kafka_consumer_close_queue(group->rk, group->queue));
    }
    group->gone = rd_kafka_consumer_closed(group->rk) != 0 ||
                  uv_now(group->kafka->options.loop) >= group->close_at_ms;
}

bool kafka_group_turn(struct kafka_group *group)
{
    bool more;

    if (group->rk == NULL && group->kafka->ready && !group->closing)
        open_instance(group);
    if (group->rk == NULL) {
        group->gone = group->closing;
        return false;
    }
    more = give_held(group);
    more |= drain(group);
    if (group->closing)
        leave_group(group);
    return more;
}

void kafka_group_tick(struct kafka_group *group)
{
    uint64_t now = uv_now(group->kafka->options.loop);

    if (group->rk == NULL || now < group->commit_at_ms)
        return;
    group->commit_at_ms = now + COMMIT_MS;
    commit(group);
}

void kafka_group_metrics(const struct kafka_group *group, int64_t lag[TOPICS],
                         int64_t owned[TOPICS])
{
    int64_t low, high, sum = 0;

    for (int32_t i = 0; i < group->partitions; i++) {
        const struct group_part *part = &group->parts[i];

        if (!part->assigned)
            continue;
        owned[group->options.topic]++;
        if (part->next >= 0 &&
            rd_kafka_get_watermark_offsets(group->rk, group->topic, i, &low, &high) ==
                RD_KAFKA_RESP_ERR_NO_ERROR && high > part->next)
            sum += high - part->next;
    }
    if (lag[group->options.topic] < sum)
        lag[group->options.topic] = sum;
}

/* ---- the end ------------------------------------------------------------ */

void kafka_group_close(struct kafka_group *group, void (*on_closed)(void *ctx), void *ctx)
{
    CHECK(!group->closing);
    group->closing = true;
    group->close_at_ms = uv_now(group->kafka->options.loop) + CLOSE_MS;
    group->on_closed = on_closed;
    group->closed_ctx = ctx;
    kafka_wake(group->kafka);
}

/* The broker did not answer in time: they are somebody else's soon. */
static void give_up(struct kafka_group *group)
{
    for (int32_t i = 0; i < group->partitions; i++)
        if (group->parts[i].assigned) {
            group->options.on_revoked(group->options.ctx, i, true);
            part_clear(&group->parts[i]);
        }
}

/* librdkafka up to 2.2 aborts (its issue 4312) where one is destroyed that joined
 * a group and has not heard yet what is whose.  Its threads go with the process. */
static void destroy(struct kafka_group *group)
{
    if (group->met || rd_kafka_version() >= FIXED_VERSION)
        rd_kafka_destroy_flags(group->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

static void group_free(struct kafka_group *group)
{
    if (group->rk != NULL) {
        give_up(group);
        for (int32_t i = 0; i < group->partitions; i++)
            part_clear(&group->parts[i]);
        rd_kafka_queue_cb_event_enable(group->queue, NULL, NULL);
        rd_kafka_queue_destroy(group->queue);
        destroy(group);
    }
    free(group->parts);
    free(group);
}

void kafka_groups_sweep(struct kafka_group **at)
{
    while (*at != NULL) {
        struct kafka_group *group = *at;
        void (*on_closed)(void *ctx) = group->on_closed;
        void *ctx = group->closed_ctx;

        if (!group->gone) {
            at = &group->next;
            continue;
        }
        *at = group->next;
        group_free(group);
        on_closed(ctx);
    }
}
