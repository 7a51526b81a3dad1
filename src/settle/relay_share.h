/*
 * Divides the classes of accounts (model/slot.h) among the relaying processes:
 * fairly, and none is taken before its lease has expired.
 */
#ifndef SETTLE_RELAY_SHARE_H
#define SETTLE_RELAY_SHARE_H

#include "store/ledger.h"

/* What a process that sees this should take of what is free, or give away. */
struct relay_share { uint32_t take, release; };
struct relay_share relay_share_of(const struct outbox_keep *view);

#endif
