/*
 * Backoff: how long to wait before the next attempt to connect.  Exponential,
 * and half of it by chance, so that processes which lost the same broker do
 * not come back at the same instant.
 */
#ifndef FEED_BACKOFF_H
#define FEED_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 30000

/* Before attempt 1, 2, … after one that failed or a session that was lost;
 * `chance` is any number.  From half of the time to all of it. */
int64_t backoff_ms(unsigned attempt, uint32_t chance);

#endif
