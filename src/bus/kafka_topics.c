/*
 * The topics: made where they are missing, and counted.
 *
 * Several processes may do so at once; one makes a topic, the others find it.
 */
#include <stdio.h>

#include "bus/kafka_inside.h"

#define METADATA_MS 2000
#define SERVED_MS 10000 /* a slow broker is one, too */
#define CREATE_MS 10000
#define REPLICAS 3


static void set(rd_kafka_NewTopic_t *topic, const char *name, const char *value)
{
    CHECK(rd_kafka_NewTopic_set_config(topic, name, value) == RD_KAFKA_RESP_ERR_NO_ERROR);
}

static rd_kafka_NewTopic_t *topic_new(const char *name, const struct topic_info *info,
                                      int partitions, int brokers, char error[KAFKA_ERROR_BYTES])
{
    int replicas = brokers < REPLICAS ? brokers : REPLICAS;
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, partitions, replicas, error,
                                                       KAFKA_ERROR_BYTES);

    if (topic == NULL)
        return NULL;
    set(topic, "cleanup.policy", info->cleanup);
    set(topic, "retention.ms", info->retention);
    set(topic, "max.message.bytes", "5000000");
    set(topic, "min.insync.replicas", replicas >= REPLICAS ? "2" : "1");
    if (strcmp(info->cleanup, "compact") == 0) {
        /* A reader begins with all of it: what is replaced goes within
         * minutes, and whoever reads for an hour sees what was deleted. */
        set(topic, "segment.ms", "60000");
        set(topic, "segment.bytes", "33554432");
        set(topic, "min.cleanable.dirty.ratio", "0.2");
        set(topic, "delete.retention.ms", "3600000");
    }
    return topic;
}

/* False: some could not be made; topics->error. */
static bool take_results(struct kafka_topics *topics, rd_kafka_event_t *event)
{
    const rd_kafka_topic_result_t **results;
    bool good = true;
    size_t n;

    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(topics->error, sizeof(topics->error), "making topics: %s",
                 rd_kafka_event_error_string(event));
        return false;
    }
    results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
    for (size_t i = 0; i < n; i++) {
        rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);

        if (code == RD_KAFKA_RESP_ERR_NO_ERROR ||
            code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
            continue;
        snprintf(topics->error, sizeof(topics->error), "making the topic %s: %s",
                 rd_kafka_topic_result_name(results[i]),
                 rd_kafka_topic_result_error_string(results[i]));
        good = false;
    }
    return good;
}

static bool request(struct kafka_topics *topics, rd_kafka_NewTopic_t **made, size_t n)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(topics->rk);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(topics->rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_event_t *event;
    bool good = false;

    CHECK(rd_kafka_AdminOptions_set_request_timeout(options, CREATE_MS, NULL, 0) ==
          RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_CreateTopics(topics->rk, made, n, options, queue);
    event = rd_kafka_queue_poll(queue, CREATE_MS + 1000);
    if (event != NULL)
        good = take_results(topics, event);
    else
        snprintf(topics->error, sizeof(topics->error), "making topics: no answer");
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return good;
}

static bool create(struct kafka_topics *topics, int brokers)
{
    rd_kafka_NewTopic_t *made[TOPICS];
    bool good = true;
    size_t n = 0;

    for (size_t i = 0; i < TOPICS && good; i++) {
        if (topics->partitions[i] != 0)
            continue;
        made[n] = topic_new(topics->names[i], topic_info((enum topic)i),
                            topics->partitions_wanted, brokers, topics->error);
        good = made[n] != NULL;
        n += good;
    }
    good = good && request(topics, made, n);
    rd_kafka_NewTopic_destroy_array(made, n);
    return good;
}

/* How many brokers there are; 0: they do not answer. */
static int count(struct kafka_topics *topics)
{
    const struct rd_kafka_metadata *found;
    rd_kafka_resp_err_t code = rd_kafka_metadata(topics->rk, 1, NULL, &found, METADATA_MS);
    int brokers;

    memset(topics->partitions, 0, sizeof(topics->partitions));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        snprintf(topics->error, sizeof(topics->error), "%s", rd_kafka_err2str(code));
        return 0;
    }
    for (int i = 0; i < found->topic_cnt; i++)
        for (size_t k = 0; k < TOPICS; k++)
            if (found->topics[i].err == RD_KAFKA_RESP_ERR_NO_ERROR &&
                strcmp(found->topics[i].topic, topics->names[k]) == 0)
                topics->partitions[k] = found->topics[i].partition_cnt;
    brokers = found->broker_cnt;
    rd_kafka_metadata_destroy(found);
    if (brokers == 0)
        snprintf(topics->error, sizeof(topics->error), "no broker is known");
    return brokers;
}

/* An event is in the same partition of each that is divided by events. */
static bool agree(struct kafka_topics *topics)
{
    static const enum topic same[] = { TOPIC_FEED, TOPIC_PRICES, TOPIC_RESULTS };
    int32_t n = topics->partitions[TOPIC_FEED];

    for (size_t i = 0; i < LENGTH(same); i++)
        if (topics->partitions[same[i]] != n) {
            snprintf(topics->error, sizeof(topics->error), "%s has %d partitions and %s %d",
                     topics->names[TOPIC_FEED], (int)n, topics->names[same[i]],
                     (int)topics->partitions[same[i]]);
            return false;
        }
    if (n > SLOTS || (n & (n - 1)) != 0) {
        snprintf(topics->error, sizeof(topics->error), "%s has %d partitions, not 1, 2, 4, … %d",
                 topics->names[TOPIC_FEED], (int)n, SLOTS);
        return false;
    }
    return true;
}

/* Where records may be lost nothing waits for it. */
static bool waits_for(size_t topic)
{
    return topic_info((enum topic)topic)->divided != BY_NOTHING;
}

/*
 * The metadata speak of a partition before its broker serves it.  A new
 * producer must not begin in between: its first request would be rejected and
 * its second taken, and neither of them notices (see outcome() in kafka.c).
 */
static bool is_served(struct kafka_topics *topics)
{
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(64);
    rd_kafka_resp_err_t code;

    for (size_t i = 0; i < TOPICS; i++)
        for (int32_t k = 0; waits_for(i) && k < topics->partitions[i]; k++)
            rd_kafka_topic_partition_list_add(all, topics->names[i], k)->offset =
                RD_KAFKA_OFFSET_END;
    code = rd_kafka_offsets_for_times(topics->rk, all, SERVED_MS);
    for (int i = 0; i < all->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        code = all->elems[i].err;
    rd_kafka_topic_partition_list_destroy(all);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        snprintf(topics->error, sizeof(topics->error), "partitions are not served yet: %s",
                 rd_kafka_err2str(code));
    return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool is_complete(const struct kafka_topics *topics)
{
    for (size_t i = 0; i < TOPICS; i++)
        if (topics->partitions[i] == 0)
            return false;
    return true;
}

void kafka_topics_look(struct kafka_topics *topics)
{
    int brokers = count(topics);

    topics->known = false;
    if (brokers == 0)
        return;
    if (!is_complete(topics) && (!create(topics, brokers) || count(topics) == 0))
        return;
    if (is_complete(topics))
        topics->known = agree(topics) && is_served(topics);
    else
        snprintf(topics->error, sizeof(topics->error), "topics are being made");
}
