/*
 * Writes the topic prices: the process that owns a partition publishes the changes
 * of its shard of the book, under its epoch.  Readers ignore the records of a
 * lower epoch, so an owner that was replaced and does not know it yet changes
 * nothing.
 *
 * The codec is model/book_image.h: it reads and writes the book's insides.
 */
#ifndef TOPIC_PRICES_OUT_H
#define TOPIC_PRICES_OUT_H

#include "model/book.h"
#include "topic/steps.h"

struct prices_out {
    struct steps *steps;
    int32_t partition;
    int64_t epoch;
};

/* Within a step: what one entry of the feed did to the shard, or all of it. */
void prices_out_change(const struct prices_out *out, const struct book *shard,
                       const struct book_change *change);
void prices_out_image(const struct prices_out *out, const struct book *shard);
/* Outside of steps: the leader of the feed lived at at_ms, and this owner has read
 * its mark.  Not sent while other records wait: readers would take it for theirs. */
void prices_out_tick(const struct prices_out *out, const struct book *shard, int64_t at_ms);

#endif
