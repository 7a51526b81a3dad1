/*
 * Kafka: what the bus needs of librdkafka, on the loop.
 *
 *   kafka_send()                a producer: idempotent, acks=all
 *   kafka_reader                every partition of a topic, from the beginning
 *   kafka_group                 a member of a consumer group: some partitions
 *
 * librdkafka's threads meet the loop through one wake-up; every callback here
 * is on the loop, never inside the call it belongs to.  All of it works while
 * no broker can be reached: it connects when one can, topics that are missing
 * are made then, and what is sent waits (kafka_send says when it has to wait
 * elsewhere).
 */
#ifndef BUS_KAFKA_H
#define BUS_KAFKA_H

#include <uv.h>

#include "base/arena.h"
#include "base/str.h"

enum topic {
#define TOPIC(NAME, name, divided, cleanup, retention, key, value, order, writer, reader) \
    TOPIC_##NAME,
#include "tbl/topics.h"
#undef TOPIC
    TOPICS
};
enum topic_divided { BY_EVENT, BY_ACCOUNT, BY_NOTHING };
/* A row of tbl/topics.h. */
struct topic_info {
    const char *name;     /* without the prefix */
    enum topic_divided divided;
    const char *cleanup, *retention; /* of Kafka, when the topic is made */
    const char *key, *value, *order, *writer, *reader; /* for docs/EVENTS.md */
};
const struct topic_info *topic_info(enum topic topic);
struct str topic_name(enum topic topic);

struct kafka;

struct kafka_options {
    uv_loop_t *loop;
    const char *url;      /* kafka://host:port[,host:port…][/prefix] */
    const char *conf;     /* librdkafka's: "security.protocol=SASL_SSL,sasl.mechanism=…" */
    int64_t partitions;   /* of topics that are made; 1, 2, 4, … 64 */
    const char *client;   /* client.id, for the broker's log */
    int64_t linger_ms;    /* what is sent waits for more, that fewer requests bring it;
                             0: hardly */
};

/* Reads url and conf, without connecting.  False: *error names what is wrong. */
bool kafka_check(const char *url, const char *conf, struct arena *arena,
                 struct str *error) MUST_USE;
struct kafka *kafka_new(const struct kafka_options *options) MUST_USE;
/* Partitions of feed, prices, results as they are; 0: not known yet.  They
 * are known before the first callback of a reader or group. */
unsigned kafka_partitions(const struct kafka *kafka);
bool kafka_is_up(const struct kafka *kafka); /* a broker answers */
/* Sets the gauges. */
void kafka_metrics(struct kafka *kafka);
/* After readers and groups are closed: gives what is in flight at most
 * `ms` (what is left then fails), then on_closed; kafka_free() from there on. */
void kafka_close(struct kafka *kafka, uint64_t ms, void (*on_closed)(void *ctx), void *ctx);
void kafka_free(struct kafka *kafka);

/* ---- sending ------------------------------------------------------------ */

struct kafka_record {
    enum topic topic;
    int32_t partition;    /* -1: by the key */
    struct str key, value; /* copied */
    bool tombstone;       /* no value: the key is deleted */
    int64_t position;     /* header "pos", if not 0 */
    struct str traceparent; /* header "traceparent", if not empty; copied */
    int64_t at_ms;        /* timestamp; 0 = now */
    /* Once: acknowledged by all replicas, with its place in the log; or not, and
     * it may or may not be there.  NULL: nobody asks.  Records of a partition
     * arrive in the order in which they were sent; when one has failed, so has
     * everything behind it that was in flight. */
    void (*on_done)(void *ctx, bool sent);
    void *ctx;
};
/* False: the topics are not known yet (kafka_partitions() is 0; they are when the
 * leader of each partition answers), or the queue is full (LIMIT_KAFKA_QUEUE), or
 * what was in flight is being given up: nothing was taken; later.  A try each
 * 100 ms, or at the next on_done, is often enough. */
bool kafka_send(struct kafka *kafka, const struct kafka_record *record) MUST_USE;

/* ---- receiving ---------------------------------------------------------- */

struct kafka_message {
    int32_t partition;
    int64_t offset, at_ms, position; /* position: header "pos", or 0 */
    struct str key, value;           /* good during the call */
    bool tombstone;
};

/* Every partition of a topic.  Reads on for ever, whatever happens to the
 * broker. */
struct kafka_reader;
struct kafka_reader_options {
    enum topic topic;
    int64_t since_ms;     /* from the first record of this time on; 0 = from the beginning */
    int64_t gather_ms;    /* a broker gathers records for so long, that fewer answers bring
                             them; 0: each at once */
    void (*on_message)(void *ctx, const struct kafka_message *message);
    /* Once a partition: what stood in it when the reader began has been given. */
    void (*on_end)(void *ctx, int32_t partition);
    void *ctx;
};
struct kafka_reader *kafka_reader_new(struct kafka *kafka,
                                      const struct kafka_reader_options *options) MUST_USE;
/* No callback afterwards. */
void kafka_reader_close(struct kafka_reader *reader);

/* A member of the consumer group `name` (behind the prefix): partitions come
 * and go.  Nothing is committed by itself. */
struct kafka_group;
struct kafka_group_options {
    enum topic topic;
    const char *name;
    /* The partition is this member's; messages come after kafka_group_begin(). */
    void (*on_assigned)(void *ctx, int32_t partition);
    /* It is not any more: `lost` when it may already be another's.  Commits
     * made within the call are still sent (unless lost). */
    void (*on_revoked)(void *ctx, int32_t partition, bool lost);
    void (*on_message)(void *ctx, const struct kafka_message *message);
    void *ctx;
};
struct kafka_group *kafka_group_new(struct kafka *kafka,
                                    const struct kafka_group_options *options) MUST_USE;
/* From where the group committed, or from the beginning. */
void kafka_group_begin(struct kafka_group *group, int32_t partition);
/* Everything below `offset` has had its effect.  Sent within a second. */
void kafka_group_commit(struct kafka_group *group, int32_t partition, int64_t offset);
/* No messages of it for now; and again. */
void kafka_group_pause(struct kafka_group *group, int32_t partition, bool pause);
/* Leaves the group at once, so that others take over: on_revoked for each
 * partition, commits sent, then on_closed. */
void kafka_group_close(struct kafka_group *group, void (*on_closed)(void *ctx), void *ctx);

#endif
