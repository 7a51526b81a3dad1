/*
 * What the parts of the Kafka client share:
 *
 *   kafka.c         the producer, the turn of the loop, beginning and end
 *   kafka_common.c  what producer, readers and groups share: no call leads up
 *   kafka_conf.c    the address and librdkafka's settings
 *   kafka_topics.c  makes the topics, finds how many partitions they have
 *   kafka_reader.c  every partition of a topic
 *   kafka_group.c   a member of a consumer group
 */
#ifndef BUS_KAFKA_INSIDE_H
#define BUS_KAFKA_INSIDE_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "bus/kafka.h"
#include "model/slot.h"

#define KAFKA_TICK_MS 100
#define KAFKA_ERROR_BYTES 512
#define KAFKA_POSITION_HEADER "pos"

/* ---- settings ----------------------------------------------------------- */

struct kafka_conf {
    const char *brokers, *prefix; /* prefix: with its dot, or "" */
    const char **names, **values; /* as given, n of them */
    size_t n;
};

bool kafka_conf_read(const char *url, const char *conf, struct arena *arena,
                     struct kafka_conf *out, struct str *error) MUST_USE;
enum kafka_kind { KAFKA_PRODUCER, KAFKA_READER, KAFKA_GROUP };
struct kafka_instance {
    enum kafka_kind kind;
    const char *client;
    const char *group;   /* its id with the prefix; NULL: in none */
    int64_t wait_ms;     /* records wait for others: linger, gather; 0: hardly */
};
/* An instance of librdkafka.  NULL: error says why. */
rd_kafka_t *kafka_conf_new(const struct kafka_conf *conf, const struct kafka_instance *instance,
                           char error[KAFKA_ERROR_BYTES]) MUST_USE;

/* ---- topics ------------------------------------------------------------- */

struct kafka_topics {
    uv_work_t work;
    rd_kafka_t *rk;
    char *names[TOPICS];       /* with the prefix */
    int partitions_wanted;
    int32_t partitions[TOPICS]; /* 0: not known */
    bool known;                /* all of them are there and agree */
    char error[KAFKA_ERROR_BYTES];
};

/* In any thread: one attempt, some seconds at most. */
void kafka_topics_look(struct kafka_topics *topics);

/* ---- the client --------------------------------------------------------- */

struct kafka {
    struct kafka_options options;
    struct arena arena;
    struct kafka_conf conf;
    rd_kafka_t *producer;
    rd_kafka_queue_t *queue;            /* its events */
    rd_kafka_topic_t *handles[TOPICS];
    uv_async_t wake;                    /* librdkafka's threads meet the loop here */
    uv_timer_t tick;
    int32_t partitions[TOPICS];         /* 0: not known */
    struct kafka_topics topics;         /* looking: the thread's */
    bool looking;                       /* topics.work is on its way */
    uint64_t look_at_ms;                /* and begins again then */
    struct kafka_reader *readers;
    struct kafka_group *groups;
    size_t in_flight;                   /* records that are not acknowledged */
    bool up, ready;                     /* ready: topics are known */
    bool failing;                       /* everything in flight fails, then a new producer */
    bool closing, purged;
    uint64_t close_at_ms;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
    unsigned handles_open;              /* of uv, while closing */
    uint64_t said_ms;                   /* librdkafka's lines: one a second */
    unsigned unsaid;
};

/* ---- kafka_common.c -------------------------------------------------------- */

char *kafka_full_name(struct kafka *kafka, const char *name); /* in the arena */
/* A line of the log; librdkafka says the same often: one a second. */
void kafka_warn(struct kafka *kafka, const char *what, const char *text);
void kafka_wake(struct kafka *kafka); /* another turn, soon */
/* Wakes the loop when the queue has something. */
void kafka_watch(struct kafka *kafka, rd_kafka_queue_t *queue);
/* Lines, errors and statistics of an instance; destroys the event.  False:
 * it is none of these, and still there. */
bool kafka_serve_common(struct kafka *kafka, rd_kafka_t *rk, rd_kafka_event_t *event) MUST_USE;
/* What a record is for the roles; points into `from`. */
struct kafka_message kafka_message_of(const rd_kafka_message_t *from);
/* An end or an error of a partition, however librdkafka tells it. */
struct kafka_trouble { rd_kafka_resp_err_t code; int32_t partition; };
bool kafka_trouble_of(rd_kafka_event_t *event, struct kafka_trouble *out) MUST_USE;

/* ---- kafka_reader.c, kafka_group.c ------------------------------------------ */

/* Parts of a turn: true when there is more. */
bool kafka_reader_turn(struct kafka_reader *reader) MUST_USE;
bool kafka_group_turn(struct kafka_group *group) MUST_USE;
void kafka_group_tick(struct kafka_group *group);
void kafka_reader_metrics(const struct kafka_reader *reader, int64_t lag[TOPICS]);
void kafka_group_metrics(const struct kafka_group *group, int64_t lag[TOPICS],
                         int64_t owned[TOPICS]);
/* Closed ones go from the list. */
void kafka_readers_sweep(struct kafka_reader **at);
void kafka_groups_sweep(struct kafka_group **at);
struct kafka_reader *kafka_reader_next(const struct kafka_reader *reader);
struct kafka_group *kafka_group_next(const struct kafka_group *group);

#endif
