/*
 * What log.c offers to the ways into the log besides feed.h: a message whose
 * body is the caller's until it is done.
 */
#ifndef FEED_INSIDE_H
#define FEED_INSIDE_H

#include "feed/feed.h"

/* Why nothing can be taken now, for people; NULL: it can. */
const char *feed_is_busy(const struct feed *feed);
/* feed_submit() without the copy: the body stays the caller's until on_done.
 * Only when it is not busy.  False: malformed, on_done never comes. */
bool feed_take(struct feed *feed, const struct feed_item *item, struct uof_error *error) MUST_USE;

#endif
