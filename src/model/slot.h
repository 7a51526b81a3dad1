/*
 * How events and accounts are divided.
 *
 * Slots: how events are divided.  An event is in one of 64 slots for ever; a
 * topic of 1, 2, 4, … 64 partitions has 64/n slots in each, and processes
 * share what is partitioned by events among them by slots.
 *
 * Classes: how accounts are divided among the relays.  An account is in one of
 * 16 classes for ever (the rows of table relays); of a class one process
 * publishes at a time, so positions ascend within a class.
 */
#ifndef MODEL_SLOT_H
#define MODEL_SLOT_H

#include <stdint.h>

#include "base/str.h"

#define SLOTS 64

/* 0..63: FNV-1a of the id's bytes, its upper bits folded into the lower. */
unsigned slot_of(struct str event);

#define ACCOUNT_CLASSES 16

static inline unsigned account_class(int64_t account)
{
    return (unsigned)(account % ACCOUNT_CLASSES);
}

#endif
