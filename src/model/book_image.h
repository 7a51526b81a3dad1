/*
 * The book as records of the topic prices, and back: whoever reads the topic
 * from its beginning, or from its compacted rest, has the same book as the
 * process that wrote it, for all that is asked of a book that is only read.
 *
 *   key                     what                               when
 *   "m|<event>|<market>|<specifiers>"  a market with its outcomes   it changed
 *   "e|<event>"             an event: fixture, score, clock    it changed
 *   "p|<id>"                a producer: up or down             it went there
 *   "s|<scope>"             what the desk set at a scope       it changed
 *   "f|<account>"           a customer's factor                it changed
 *   "q|<id>"                a proposal that waits              it changed
 *   "d|<market id>"         a market's description             it came
 *   "i"                     an image begins, an image ends     a new owner
 *   "r|<0..63>"             an entry of the desk had no effect   it had none
 *   "t"                     a tick: the feed's leader and the owner live   each second
 *
 * Each record names its version, its writer's epoch and the position in the
 * feed log at which it was true; a lower epoch than the highest seen in the
 * shard is ignored.  No value: what has that key is gone.  A producer's record
 * carries the position at which it last went down: a market that was listed
 * before is not listed, whatever order compaction leaves.  An image is
 * everything the owner has: what its end finds of an older epoch goes.
 */
#ifndef MODEL_BOOK_IMAGE_H
#define MODEL_BOOK_IMAGE_H

#include "base/buf.h"
#include "model/book.h"

/* A tombstone has no value: its writer's epoch goes beside it, in a header. */
struct book_record { struct str key, value; bool tombstone; int64_t epoch; };
typedef void book_emit(void *ctx, const struct book_record *record);

/* What this change did to the shard, which has just applied it; at least one
 * record, by which the reader knows the position. */
void book_image_change(const struct book *shard, const struct book_change *change,
                       int64_t epoch, book_emit *emit, void *ctx);
/* All of it, between the image's beginning and end. */
void book_image_all(const struct book *shard, int64_t epoch, book_emit *emit, void *ctx);
/* at_ms: when the feed's leader gave a sign of life, by its wall clock. */
void book_image_tick(const struct book *shard, int64_t epoch, int64_t at_ms, book_emit *emit,
                     void *ctx);

enum book_record_result {
    BOOK_RECORD_APPLIED,   /* *change says what it did */
    BOOK_RECORD_NOTHING,   /* a tick, or nothing new */
    BOOK_RECORD_OLD_EPOCH, /* of an owner that was replaced */
    BOOK_RECORD_MALFORMED, /* ignored; *error says where.  A market that it was about
                              is not sold any more: *change */
};
struct book_image_state {
    int64_t epoch, position;
    int64_t highest; /* of the records read, promised or not */
    int64_t tick_ms; /* of the last tick */
    bool whole;      /* an image has ended, and nothing hides a part of it */
};
/* Into a shard that takes nothing but records. */
enum book_record_result book_image_apply(struct book *shard, const struct book_record *record,
                                         struct book_change *change, struct str *error) MUST_USE;
struct book_image_state book_image_state(const struct book *shard);

#endif
