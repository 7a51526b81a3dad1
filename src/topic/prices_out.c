/* The topic prices, written: see prices_out.h. */
#include "topic/prices_out.h"

#include "model/book_image.h"

static struct kafka_record record_of(const struct prices_out *out,
                                     const struct book_record *record)
{
    return (struct kafka_record){
        .topic = TOPIC_PRICES, .partition = out->partition, .key = record->key,
        .value = record->value, .tombstone = record->tombstone, .position = out->epoch,
    };
}

static void emit(void *ctx, const struct book_record *record)
{
    const struct prices_out *out = ctx;
    struct kafka_record sent = record_of(out, record);

    steps_send(out->steps, &sent);
}

static void emit_tick(void *ctx, const struct book_record *record)
{
    const struct prices_out *out = ctx;
    struct kafka_record sent = record_of(out, record);

    steps_send_loose(out->steps, &sent);
}

void prices_out_change(const struct prices_out *out, const struct book *shard,
                       const struct book_change *change)
{
    struct prices_out copy = *out; /* book_emit's context is not const */

    book_image_change(shard, change, out->epoch, emit, &copy);
}

void prices_out_image(const struct prices_out *out, const struct book *shard)
{
    struct prices_out copy = *out;

    book_image_all(shard, out->epoch, emit, &copy);
}

void prices_out_tick(const struct prices_out *out, const struct book *shard, int64_t at_ms)
{
    struct prices_out copy = *out;

    book_image_tick(shard, out->epoch, at_ms, emit_tick, &copy);
}
