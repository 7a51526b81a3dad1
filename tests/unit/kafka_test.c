/*
 * bus/kafka: records go out and come in, whatever the brokers do.
 *
 * Against librdkafka's mock cluster, in this process; tests/cluster drives
 * the same against Apache Kafka.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "bus/kafka.h"

#define PARTITIONS 4
#define WAIT_MS 30000
#define RECORDS_MAX 4096
#define API_PRODUCE 0
#define API_HEARTBEAT 12

/* ---- the bench ---------------------------------------------------------- */

static rd_kafka_t *owner;
static rd_kafka_mock_cluster_t *cluster;
static char url[512];

static int cluster_up(void **state)
{
    char name[64];

    (void)state;
    log_set_level(LOG_ERROR);
    owner = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), NULL, 0);
    cluster = rd_kafka_mock_cluster_new(owner, 3);
    for (int i = 0; i < TOPICS; i++) {
        snprintf(name, sizeof(name), "t." STR_FMT, STR_ARG(topic_name((enum topic)i)));
        rd_kafka_mock_topic_create(cluster, name, PARTITIONS, 3);
    }
    snprintf(url, sizeof(url), "kafka://%s/t", rd_kafka_mock_cluster_bootstraps(cluster));
    return 0;
}

static int cluster_down(void **state)
{
    (void)state;
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(owner);
    return 0;
}

/* One process: its loop, and what it was given. */
struct pod {
    uv_loop_t loop;
    uv_timer_t limit;
    struct kafka *kafka;
    struct kafka_group *group;
    struct kafka_reader *reader;
    int sent, failed, refused_after, ended, assigned, revoked, lost, received;
    bool mine[PARTITIONS], begin, closed, left, late;
    int64_t offset[PARTITIONS], at_ms[RECORDS_MAX], position[RECORDS_MAX];
    int32_t partition[RECORDS_MAX];
    char key[RECORDS_MAX][16], value[RECORDS_MAX][16];
    bool tombstone[RECORDS_MAX];
};

static void on_late(uv_timer_t *timer)
{
    ((struct pod *)timer->data)->late = true;
}

/* Turns the loop until it holds. */
#define run_until(pod, claim) do {                                          \
        (pod)->late = false;                                                \
        uv_timer_start(&(pod)->limit, on_late, WAIT_MS, 0);                 \
        while (!(claim) && !(pod)->late)                                    \
            uv_run(&(pod)->loop, UV_RUN_ONCE);                              \
        uv_timer_stop(&(pod)->limit);                                       \
        assert_false((pod)->late);                                          \
    } while (0)

static void run_for(struct pod *pod, uint64_t ms)
{
    pod->late = false;
    uv_timer_start(&pod->limit, on_late, ms, 0);
    while (!pod->late)
        uv_run(&pod->loop, UV_RUN_ONCE);
}

static struct pod *pod_new_with(const char *conf)
{
    struct pod *pod = calloc(1, sizeof(*pod));

    assert_int_equal(uv_loop_init(&pod->loop), 0);
    uv_timer_init(&pod->loop, &pod->limit);
    pod->limit.data = pod;
    pod->begin = true;
    pod->kafka = kafka_new(&(struct kafka_options){ .loop = &pod->loop, .url = url, .conf = conf,
                                                    .partitions = PARTITIONS, .client = "test" });
    assert_non_null(pod->kafka);
    return pod;
}

static struct pod *pod_new(void)
{
    struct pod *pod = pod_new_with("");

    run_until(pod, kafka_partitions(pod->kafka) == PARTITIONS);
    return pod;
}

static void on_closed(void *ctx)
{
    ((struct pod *)ctx)->closed = true;
}

static void on_left(void *ctx)
{
    ((struct pod *)ctx)->left = true;
}

static void pod_free(struct pod *pod, uint64_t ms)
{
    if (pod->group != NULL && !pod->left) {
        kafka_group_close(pod->group, on_left, pod);
        run_until(pod, pod->left);
    }
    if (pod->reader != NULL)
        kafka_reader_close(pod->reader);
    kafka_close(pod->kafka, ms, on_closed, pod);
    run_until(pod, pod->closed);
    kafka_free(pod->kafka);
    uv_close((uv_handle_t *)&pod->limit, NULL);
    uv_run(&pod->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&pod->loop), 0);
    free(pod);
}

static void on_done(void *ctx, bool sent)
{
    struct pod *pod = ctx;

    pod->sent += sent;
    pod->failed += !sent;
    if (sent && pod->failed > 0)
        pod->refused_after++; /* behind one that failed */
}

static bool send_to(struct pod *pod, enum topic topic, int32_t partition, int number)
{
    char key[16], value[16];

    snprintf(key, sizeof(key), "k%d", number % 7);
    snprintf(value, sizeof(value), "%d", number);
    return kafka_send(pod->kafka, &(struct kafka_record){
        .topic = topic, .partition = partition, .key = str_of(key), .value = str_of(value),
        .position = number, .at_ms = 1000 + number, .on_done = on_done, .ctx = pod });
}

/* Numbers from..to-1, one partition after the other. */
static void send_all(struct pod *pod, enum topic topic, int from, int to)
{
    for (int i = from; i < to; i++)
        assert_true(send_to(pod, topic, i % PARTITIONS, i));
}

static void copy(char out[16], struct str s)
{
    snprintf(out, 16, STR_FMT, STR_ARG(s));
}

static void on_message(void *ctx, const struct kafka_message *message)
{
    struct pod *pod = ctx;
    int i = pod->received++;

    assert_true(i < RECORDS_MAX);
    pod->partition[i] = message->partition;
    pod->at_ms[i] = message->at_ms;
    pod->position[i] = message->position;
    pod->tombstone[i] = message->tombstone;
    pod->offset[message->partition] = message->offset + 1;
    copy(pod->key[i], message->key);
    copy(pod->value[i], message->value);
}

static void on_end(void *ctx, int32_t partition)
{
    assert_true(partition >= 0 && partition < PARTITIONS);
    ((struct pod *)ctx)->ended++;
}

static void read_topic(struct pod *pod, enum topic topic)
{
    pod->reader = kafka_reader_new(pod->kafka, &(struct kafka_reader_options){
        .topic = topic, .on_message = on_message, .on_end = on_end, .ctx = pod });
}

static void on_assigned(void *ctx, int32_t partition)
{
    struct pod *pod = ctx;

    assert_false(pod->mine[partition]);
    pod->mine[partition] = true;
    pod->assigned++;
    if (pod->begin)
        kafka_group_begin(pod->group, partition);
}

static void on_revoked(void *ctx, int32_t partition, bool lost)
{
    struct pod *pod = ctx;

    assert_true(pod->mine[partition]);
    pod->mine[partition] = false;
    pod->assigned--;
    pod->revoked++;
    pod->lost += lost;
}

static void join(struct pod *pod, enum topic topic, const char *name)
{
    pod->group = kafka_group_new(pod->kafka, &(struct kafka_group_options){
        .topic = topic, .name = name, .on_assigned = on_assigned, .on_revoked = on_revoked,
        .on_message = on_message, .ctx = pod });
}

/* Each number of a partition is above the one before it: none twice. */
static void assert_in_order(const struct pod *pod)
{
    int64_t last[PARTITIONS] = { -1, -1, -1, -1 };

    for (int i = 0; i < pod->received; i++) {
        assert_true(pod->position[i] > last[pod->partition[i]]);
        last[pod->partition[i]] = pod->position[i];
    }
}

static int setup(void **state)
{
    return cluster_up(state);
}

/* As the gauge has it: nothing in flight. */
static bool is_idle(struct kafka *kafka)
{
    kafka_metrics(kafka);
    return metric_value(METRIC_KAFKA_QUEUE, STR_NONE) == 0;
}

/* ---- sending and reading ------------------------------------------------- */

static void what_is_sent_is_read_in_order(void **state)
{
    struct pod *pod = pod_new();

    (void)state;
    send_all(pod, TOPIC_PRICES, 1, 401);
    run_until(pod, pod->sent == 400);
    assert_true(is_idle(pod->kafka) && kafka_is_up(pod->kafka));
    read_topic(pod, TOPIC_PRICES);
    run_until(pod, pod->ended == PARTITIONS);
    assert_int_equal(pod->received, 400);
    assert_in_order(pod);
    for (int i = 0; i < pod->received; i++) {
        assert_int_equal(pod->position[i] % PARTITIONS, pod->partition[i]);
        assert_int_equal(pod->at_ms[i], 1000 + pod->position[i]);
        assert_int_equal(strtoll(pod->value[i], NULL, 10), pod->position[i]);
        assert_int_equal(pod->key[i][1] - '0', pod->position[i] % 7);
    }
    pod_free(pod, 1000);
}

static void a_reader_reads_on(void **state)
{
    struct pod *pod = pod_new();

    (void)state;
    read_topic(pod, TOPIC_PRICES);
    run_until(pod, pod->ended == PARTITIONS); /* empty */
    assert_int_equal(pod->received, 0);
    send_all(pod, TOPIC_PRICES, 1, 41);
    run_until(pod, pod->received == 40);
    assert_int_equal(pod->ended, PARTITIONS); /* once each */
    pod_free(pod, 1000);
}

static void a_tombstone_has_no_value(void **state)
{
    struct pod *pod = pod_new();

    (void)state;
    assert_true(kafka_send(pod->kafka, &(struct kafka_record){
        .topic = TOPIC_PRICES, .key = STR("m|1"), .tombstone = true }));
    assert_true(kafka_send(pod->kafka, &(struct kafka_record){ .topic = TOPIC_PRICES,
                                                               .key = STR("m|2") }));
    read_topic(pod, TOPIC_PRICES);
    run_until(pod, pod->received == 2);
    assert_true(pod->tombstone[0]);
    assert_string_equal(pod->key[0], "m|1");
    assert_false(pod->tombstone[1]); /* empty, but there */
    assert_int_equal(pod->position[1], 0);
    pod_free(pod, 1000);
}

static void a_key_has_one_partition(void **state)
{
    struct pod *pod = pod_new();
    int32_t of[7] = { -1, -1, -1, -1, -1, -1, -1 };
    int used[PARTITIONS] = { 0 };

    (void)state;
    for (int i = 0; i < 70; i++)
        assert_true(send_to(pod, TOPIC_BETS, -1, i));
    read_topic(pod, TOPIC_BETS);
    run_until(pod, pod->received == 70);
    for (int i = 0; i < 70; i++) {
        int key = pod->key[i][1] - '0';

        if (of[key] < 0)
            of[key] = pod->partition[i];
        assert_int_equal(of[key], pod->partition[i]);
        used[pod->partition[i]] = 1;
    }
    assert_true(used[0] + used[1] + used[2] + used[3] > 1);
    pod_free(pod, 1000);
}

static void a_large_record_passes(void **state)
{
    struct pod *pod = pod_new();
    size_t n = LIMIT_RECORD_BYTES - 8;
    char *value = malloc(n);

    (void)state;
    memset(value, 'x', n);
    assert_true(kafka_send(pod->kafka, &(struct kafka_record){
        .topic = TOPIC_FEED, .partition = 1, .key = STR("k"), .value = { value, n },
        .on_done = on_done, .ctx = pod }));
    run_until(pod, pod->sent + pod->failed == 1);
    assert_int_equal(pod->sent, 1);
    free(value);
    pod_free(pod, 1000);
}

/* ---- brokers that fail --------------------------------------------------- */

static void what_is_sent_waits_for_a_broker(void **state)
{
    struct pod *pod = pod_new();

    (void)state;
    read_topic(pod, TOPIC_FEED);
    run_until(pod, pod->ended == PARTITIONS);
    rd_kafka_mock_broker_set_down(cluster, -1);
    run_until(pod, !kafka_is_up(pod->kafka));
    send_all(pod, TOPIC_FEED, 1, 201);
    run_for(pod, 1500);
    assert_int_equal(pod->sent + pod->failed, 0);
    assert_false(is_idle(pod->kafka));
    rd_kafka_mock_broker_set_up(cluster, -1);
    run_until(pod, pod->sent == 200 && pod->received == 200);
    assert_in_order(pod);
    run_until(pod, kafka_is_up(pod->kafka));
    pod_free(pod, 1000);
}

static void passing_errors_change_no_order(void **state)
{
    struct pod *pod = pod_new();

    (void)state;
    rd_kafka_mock_push_request_errors(cluster, API_PRODUCE, 6,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR__TRANSPORT,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                                      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                                      RD_KAFKA_RESP_ERR__TRANSPORT,
                                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    for (int i = 0; i < 20; i++) {
        send_all(pod, TOPIC_FEED, 1 + i * 20, 21 + i * 20);
        run_for(pod, 20);
    }
    run_until(pod, pod->sent == 400);
    read_topic(pod, TOPIC_FEED);
    run_until(pod, pod->ended == PARTITIONS);
    assert_true(pod->received >= 400); /* the mock does not know duplicates */
    pod_free(pod, 1000);
}

static void what_is_refused_fails_with_all_behind_it(void **state)
{
    struct pod *pod = pod_new();
    int sent;

    (void)state;
    send_all(pod, TOPIC_FEED, 1, 5);
    run_until(pod, pod->sent == 4);
    for (int i = 1; i <= 3; i++)
        rd_kafka_mock_broker_set_rtt(cluster, i, 1000);
    rd_kafka_mock_push_request_errors(cluster, API_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    send_all(pod, TOPIC_FEED, 5, 105);
    run_for(pod, 30);
    send_all(pod, TOPIC_FEED, 105, 205);
    run_until(pod, pod->sent + pod->failed == 204);
    assert_true(pod->failed >= 25); /* those of a partition at least */
    assert_int_equal(pod->refused_after, 0);
    for (int i = 1; i <= 3; i++)
        rd_kafka_mock_broker_set_rtt(cluster, i, 0);
    sent = pod->sent;
    run_until(pod, send_to(pod, TOPIC_FEED, 0, 999)); /* a new producer */
    run_until(pod, pod->sent == sent + 1);
    pod_free(pod, 1000);
}

/* librdkafka takes the first for written, because the second is. */
static void what_was_rejected_is_not_told(void **state)
{
    struct pod *pod = pod_new();

    (void)state;
    send_all(pod, TOPIC_FEED, 1, 5);
    run_until(pod, pod->sent == 4);
    for (int i = 1; i <= 3; i++)
        rd_kafka_mock_broker_set_rtt(cluster, i, 200);
    rd_kafka_mock_push_request_errors(cluster, API_PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    assert_true(send_to(pod, TOPIC_FEED, 0, 5));
    run_for(pod, 50);
    assert_true(send_to(pod, TOPIC_FEED, 0, 6));
    run_until(pod, pod->sent + pod->failed == 6);
    for (int i = 1; i <= 3; i++)
        rd_kafka_mock_broker_set_rtt(cluster, i, 0);
    read_topic(pod, TOPIC_FEED);
    run_until(pod, pod->ended == PARTITIONS);
    assert_true(pod->received >= pod->sent);
    pod_free(pod, 1000);
}

static void a_partition_that_nobody_serves_is_waited_for(void **state)
{
    struct pod *pod;

    (void)state;
    rd_kafka_mock_partition_set_leader(cluster, "t.feed", 1, -1);
    pod = pod_new_with("");
    run_for(pod, 1000);
    assert_false(send_to(pod, TOPIC_FEED, 0, 1));
    assert_int_equal(kafka_partitions(pod->kafka), 0);
    rd_kafka_mock_partition_set_leader(cluster, "t.feed", 1, 2);
    run_until(pod, kafka_partitions(pod->kafka) == PARTITIONS);
    pod_free(pod, 1000);
}

static void a_full_queue_says_so(void **state)
{
    struct pod *pod = pod_new();
    int64_t full = metric_value(METRIC_KAFKA_FULL, STR_NONE);
    int n = 0;

    (void)state;
    rd_kafka_mock_broker_set_down(cluster, -1);
    while (send_to(pod, TOPIC_TRAFFIC, n % PARTITIONS, n) && n <= LIMIT_KAFKA_QUEUE)
        n++;
    assert_int_equal(n, LIMIT_KAFKA_QUEUE);
    assert_true(metric_value(METRIC_KAFKA_FULL, STR_NONE) > full);
    rd_kafka_mock_broker_set_up(cluster, -1);
    run_until(pod, pod->sent == n);
    assert_true(send_to(pod, TOPIC_TRAFFIC, 0, n));
    run_until(pod, pod->sent == n + 1);
    pod_free(pod, 1000);
}

static void the_end_does_not_wait_for_ever(void **state)
{
    struct pod *pod = pod_new();

    (void)state;
    rd_kafka_mock_broker_set_down(cluster, -1);
    send_all(pod, TOPIC_FEED, 1, 11);
    kafka_close(pod->kafka, 200, on_closed, pod);
    assert_false(send_to(pod, TOPIC_FEED, 0, 1));
    run_until(pod, pod->closed);
    assert_int_equal(pod->failed, 10);
    kafka_free(pod->kafka);
    uv_close((uv_handle_t *)&pod->limit, NULL);
    uv_run(&pod->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&pod->loop), 0);
    free(pod);
}

static void the_end_sends_what_is_left(void **state)
{
    struct pod *pod = pod_new(), *other = pod_new();

    (void)state;
    send_all(pod, TOPIC_FEED, 1, 101);
    pod_free(pod, 5000);
    read_topic(other, TOPIC_FEED);
    run_until(other, other->ended == PARTITIONS);
    assert_int_equal(other->received, 100);
    pod_free(other, 1000);
}

static void it_begins_without_a_broker(void **state)
{
    struct pod *pod;

    (void)state;
    rd_kafka_mock_broker_set_down(cluster, -1);
    pod = pod_new_with("");
    read_topic(pod, TOPIC_FEED);
    join(pod, TOPIC_RESULTS, "settle");
    run_for(pod, 500);
    assert_int_equal(kafka_partitions(pod->kafka), 0);
    assert_false(kafka_is_up(pod->kafka));
    assert_false(send_to(pod, TOPIC_FEED, 0, 1));
    rd_kafka_mock_broker_set_up(cluster, -1);
    run_until(pod, pod->ended == PARTITIONS && pod->assigned == PARTITIONS);
    pod_free(pod, 1000);
}

static void it_ends_without_a_broker(void **state)
{
    struct pod *pod;

    (void)state;
    rd_kafka_mock_broker_set_down(cluster, -1);
    pod = pod_new_with("");
    read_topic(pod, TOPIC_FEED);
    join(pod, TOPIC_RESULTS, "settle");
    run_for(pod, 100);
    pod_free(pod, 100);
}

/* ---- groups -------------------------------------------------------------- */

static void a_partition_is_read_when_it_begins(void **state)
{
    struct pod *pod = pod_new();

    (void)state;
    send_all(pod, TOPIC_RESULTS, 1, 101);
    pod->begin = false;
    join(pod, TOPIC_RESULTS, "settle");
    run_until(pod, pod->assigned == PARTITIONS);
    run_for(pod, 500);
    assert_int_equal(pod->received, 0);
    kafka_group_begin(pod->group, 2);
    run_until(pod, pod->received == 25);
    run_for(pod, 300);
    assert_int_equal(pod->received, 25);
    for (int i = 0; i < 25; i++)
        assert_int_equal(pod->partition[i], 2);
    kafka_group_begin(pod->group, 0);
    kafka_group_begin(pod->group, 1);
    kafka_group_begin(pod->group, 3);
    run_until(pod, pod->received == 100);
    run_for(pod, 300);
    assert_int_equal(pod->received, 100);
    assert_in_order(pod);
    pod_free(pod, 1000);
}

static void pause_for(struct pod *pod, uint64_t ms)
{
    for (int i = 0; i < PARTITIONS; i++)
        kafka_group_pause(pod->group, i, true);
    run_for(pod, ms);
    for (int i = 0; i < PARTITIONS; i++)
        kafka_group_pause(pod->group, i, false);
}

static void a_pause_loses_and_doubles_nothing(void **state)
{
    struct pod *pod = pod_new();
    int n = 1;

    (void)state;
    join(pod, TOPIC_RESULTS, "settle");
    run_until(pod, pod->assigned == PARTITIONS);
    for (int round = 0; round < 8; round++) {
        int received;

        send_all(pod, TOPIC_RESULTS, n, n + 100);
        n += 100;
        run_until(pod, pod->received >= n - 100);
        received = pod->received;
        pause_for(pod, 20);
        assert_int_equal(pod->received, received);
    }
    run_until(pod, pod->received >= n - 1);
    run_for(pod, 300);
    assert_int_equal(pod->received, n - 1);
    assert_in_order(pod);
    pod_free(pod, 1000);
}

/* A pause while librdkafka asks where the group begins makes it ask once more,
 * half a second behind the answer, and go back there (see its issue 4637). */
static void a_late_first_offset_doubles_nothing(void **state)
{
    struct pod *pod = pod_new();

    (void)state;
    send_all(pod, TOPIC_RESULTS, 0, 100);
    run_until(pod, pod->sent == 100);
    join(pod, TOPIC_RESULTS, "settle");
    run_until(pod, pod->assigned == PARTITIONS);
    rd_kafka_mock_broker_set_rtt(cluster, -1, 400);
    run_for(pod, 300);
    pause_for(pod, 20);
    rd_kafka_mock_broker_set_rtt(cluster, -1, 0);
    run_until(pod, pod->received >= 100);
    pause_for(pod, 20);
    send_all(pod, TOPIC_RESULTS, 100, 200);
    run_until(pod, pod->received >= 200);
    run_for(pod, 1000);
    assert_int_equal(pod->received, 200);
    assert_in_order(pod);
    pod_free(pod, 1000);
}

static void who_follows_begins_behind_the_commit(void **state)
{
    struct pod *pod = pod_new(), *next;

    (void)state;
    send_all(pod, TOPIC_RESULTS, 0, 100);
    join(pod, TOPIC_RESULTS, "settle");
    run_until(pod, pod->received == 100);
    for (int i = 0; i < PARTITIONS; i++)
        kafka_group_commit(pod->group, i, 20); /* of 25 */
    pod_free(pod, 1000); /* what is not sent yet goes now */
    next = pod_new();
    join(next, TOPIC_RESULTS, "settle");
    run_until(next, next->received == 20);
    run_for(next, 300);
    assert_int_equal(next->received, 20);
    for (int i = 0; i < 20; i++)
        assert_true(next->position[i] >= 80);
    pod_free(next, 1000);
}

static void a_lost_session_is_told(void **state)
{
    struct pod *pod = pod_new();

    (void)state;
    join(pod, TOPIC_RESULTS, "settle");
    run_until(pod, pod->assigned == PARTITIONS);
    rd_kafka_mock_push_request_errors(cluster, API_HEARTBEAT, 1,
                                      RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    run_until(pod, pod->lost == PARTITIONS);
    run_until(pod, pod->assigned == PARTITIONS); /* joins again */
    pod_free(pod, 1000);
}

static void a_quiet_topic_does_not_cost_the_membership(void **state)
{
    struct pod *pod = pod_new_with("max.poll.interval.ms=6000,session.timeout.ms=6000");

    (void)state;
    run_until(pod, kafka_partitions(pod->kafka) == PARTITIONS);
    join(pod, TOPIC_RESULTS, "settle");
    run_until(pod, pod->assigned == PARTITIONS);
    run_for(pod, 8000);
    assert_int_equal(pod->revoked, 0);
    pod_free(pod, 1000);
}

/* ---- settings ------------------------------------------------------------ */

static void settings_are_checked(void **state)
{
    static const struct { const char *url, *conf, *says; } rows[] = {
        { "kafka://a:9092", "", NULL },
        { "kafka://a:9092,b:9092/house-1", "linger.ms=5", NULL },
        { "kafka://a", "security.protocol=SASL_PLAINTEXT,sasl.mechanism=PLAIN,"
                       "sasl.username=u,sasl.password=p\\,q", NULL },
        { "local", "", "bus: kafka://HOST" },
        { "kafka://", "", "is not kafka://" },
        { "kafka://a:1,", "", "is not kafka://" },
        { "kafka://a:1/x/y", "", "is not kafka://" },
        { "kafka://a:1", "linger.ms", "NAME=VALUE" },
        { "kafka://a:1", "=1", "NAME=VALUE" },
        { "kafka://a:1", "no.such.setting=1", "no.such.setting" },
        { "kafka://a:1", "socket.timeout.ms=many", "socket.timeout.ms" },
        { "kafka://a:1", "acks=1", "acks is not to be changed" },
        { "kafka://a:1", "enable.auto.commit=true", "not to be changed" },
        { "kafka://a:1", "security.protocol=SSL,ssl.ca.location=/nowhere/ca.pem",
          "ssl.ca.location" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct str error = STR_NONE;
        struct arena arena;
        bool good;

        arena_init(&arena, 65536);
        good = kafka_check(rows[i].url, rows[i].conf, &arena, &error);
        assert_true(good == (rows[i].says == NULL));
        if (!good && strstr(arena_cstr(&arena, error), rows[i].says) == NULL)
            print_error("%s: " STR_FMT "\n", rows[i].conf, STR_ARG(error));
        if (!good)
            assert_non_null(strstr(arena_cstr(&arena, error), rows[i].says));
        arena_fini(&arena);
    }
}

int main(void)
{
#define CLUSTER(f) cmocka_unit_test_setup_teardown(f, setup, cluster_down)
    const struct CMUnitTest tests[] = {
        CLUSTER(what_is_sent_is_read_in_order),
        CLUSTER(a_reader_reads_on),
        CLUSTER(a_tombstone_has_no_value),
        CLUSTER(a_key_has_one_partition),
        CLUSTER(a_large_record_passes),
        CLUSTER(what_is_sent_waits_for_a_broker),
        CLUSTER(passing_errors_change_no_order),
        CLUSTER(what_is_refused_fails_with_all_behind_it),
        CLUSTER(what_was_rejected_is_not_told),
        CLUSTER(a_partition_that_nobody_serves_is_waited_for),
        CLUSTER(a_full_queue_says_so),
        CLUSTER(the_end_does_not_wait_for_ever),
        CLUSTER(the_end_sends_what_is_left),
        CLUSTER(it_begins_without_a_broker),
        CLUSTER(it_ends_without_a_broker),
        CLUSTER(a_partition_is_read_when_it_begins),
        CLUSTER(a_pause_loses_and_doubles_nothing),
        CLUSTER(a_late_first_offset_doubles_nothing),
        CLUSTER(who_follows_begins_behind_the_commit),
        CLUSTER(a_lost_session_is_told),
        CLUSTER(a_quiet_topic_does_not_cost_the_membership),
        cmocka_unit_test(settings_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
