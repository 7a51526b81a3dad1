/*
 * The topic results, written: the facts of one entry of the feed, each in the
 * partition of its event's slot.
 */
#ifndef TOPIC_RESULTS_OUT_H
#define TOPIC_RESULTS_OUT_H

#include "base/buf.h"
#include "model/facts.h"
#include "topic/steps.h"

struct results_out {
    struct steps *steps;
    unsigned partition, count; /* of so many */
    struct arena *scratch;
    struct buf *text;          /* of one record */
};

/* Within a step; facts of other partitions are passed over: an entry of no event
 * is in all of them. */
void results_out_send(const struct results_out *out, const struct fact *facts, uint32_t n,
                      int64_t position);

#endif
