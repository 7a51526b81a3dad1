/*
 * Slots: how events are divided.  An event is in one of 64 slots for ever; a
 * topic of 1, 2, 4, … 64 partitions has 64/n slots in each, and processes
 * share what is partitioned by events among them by slots.
 */
#ifndef MODEL_SLOT_H
#define MODEL_SLOT_H

#include "base/str.h"

#define SLOTS 64

/* 0..63: FNV-1a of the id's bytes, its upper bits folded into the lower. */
unsigned slot_of(struct str event);

#endif
