/*
 * Intake: the topic results, as a member of the group "settle".
 *
 *   results --> facts --settle_on_results--> STORE --intake_stored--> commit
 *
 * A fact's offset is committed once it and all before it are stored, so each is
 * stored at least once, and the store knows it by what it says.  This process
 * settles the markets whose results it reads: the slots of its partitions.
 */
#ifndef SETTLE_INTAKE_H
#define SETTLE_INTAKE_H

#include "bus/kafka.h"
#include "settle/settle.h"

struct intake;

struct intake_options {
    struct kafka *kafka;
    struct settle *settle;  /* shared */
    unsigned count;         /* of partitions */
};

/* Joins the group. */
struct intake *intake_new(const struct intake_options *options) MUST_USE;
/* settle's on_stored. */
void intake_stored(void *intake, const struct fact *facts, uint32_t n);
/* Leaves the group at once: nothing more of the queue is ours. */
void intake_stop(struct intake *intake, void (*on_stopped)(void *ctx), void *ctx);
void intake_free(struct intake *intake);

#endif
