/*
 * The topic results, read as a member of the group "settle".
 *
 *   results --> facts --on_results--> the settlement --results_in_stored--> commit
 *
 * A fact's offset is committed once it and all before it are stored, so each is
 * stored at least once; the store recognises a fact by its content.  This process
 * settles the markets whose results it reads: the slots of its partitions.
 */
#ifndef TOPIC_RESULTS_IN_H
#define TOPIC_RESULTS_IN_H

#include "bus/bus.h"
#include "bus/kafka.h"

struct results_in;

struct results_in_options {
    struct kafka *kafka;
    unsigned count;         /* of partitions */
    /* A bit for each slot (model/slot.h) whose markets are settled here. */
    void (*on_slots)(void *ctx, uint64_t slots);
    /* One fact; results_in_stored() says when it is stored. */
    void (*on_results)(void *ctx, const struct bus_results *message);
    void *ctx;
};

/* Joins the group. */
struct results_in *results_in_new(const struct results_in_options *options) MUST_USE;
/* They are in the store: their offsets may be committed. */
void results_in_stored(struct results_in *in, const struct fact *facts, uint32_t n);
/* Leaves the group at once: nothing more of the queue is ours. */
void results_in_stop(struct results_in *in, void (*on_stopped)(void *ctx), void *ctx);
void results_in_free(struct results_in *in);

#endif
