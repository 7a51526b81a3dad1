/*
 * Slip read: the stored slip, fast.  Reads exactly what slip_encode() writes,
 * without a JSON document in between; anything else is left to
 * slip_decode(), so that both say the same of every text.
 */
#ifndef SETTLE_SLIP_READ_H
#define SETTLE_SLIP_READ_H

#include "model/bet.h"

/* As slip_decode(); the strings may point into `text`. */
bool slip_read_stored(struct str text, struct arena *arena, struct slip *slip) MUST_USE;

#endif
