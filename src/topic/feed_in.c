/* The topic feed, read: see feed_in.h. */
#include "topic/feed_in.h"

#include <stdlib.h>

struct feed_in {
    struct feed_in_options options;
    struct kafka_group *group;
};

static void on_message(void *ctx, const struct kafka_message *message)
{
    struct feed_in *in = ctx;

    in->options.on_record(in->options.ctx, message->partition, message->offset + 1,
                          &(struct feed_record){
        .position = message->position, .at_ms = message->at_ms,
        .event = message->key, .body = message->value });
}

static void on_assigned(void *ctx, int32_t partition)
{
    struct feed_in *in = ctx;

    in->options.on_assigned(in->options.ctx, partition);
}

static void on_revoked(void *ctx, int32_t partition, bool lost)
{
    struct feed_in *in = ctx;

    in->options.on_revoked(in->options.ctx, partition, lost);
}

struct feed_in *feed_in_new(const struct feed_in_options *options)
{
    struct feed_in *in = calloc(1, sizeof(*in));

    CHECK(in != NULL);
    in->options = *options;
    in->group = kafka_group_new(options->kafka, &(struct kafka_group_options){
        .topic = TOPIC_FEED, .name = "odds", .on_assigned = on_assigned,
        .on_revoked = on_revoked, .on_message = on_message, .ctx = in });
    return in;
}

void feed_in_begin(struct feed_in *in, int32_t partition)
{
    kafka_group_begin(in->group, partition);
}

void feed_in_pause(struct feed_in *in, int32_t partition, bool pause)
{
    kafka_group_pause(in->group, partition, pause);
}

void feed_in_commit(struct feed_in *in, int32_t partition, int64_t next)
{
    kafka_group_commit(in->group, partition, next);
}

void feed_in_close(struct feed_in *in, void (*on_closed)(void *ctx), void *ctx)
{
    kafka_group_close(in->group, on_closed, ctx);
}

void feed_in_free(struct feed_in *in)
{
    free(in);
}
