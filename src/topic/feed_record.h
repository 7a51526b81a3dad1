/*
 * A record of the topic feed: an entry of the feed log, or a mark of the
 * process that leads (docs/EVENTS.md).
 *
 *   key    the event; none: the entry is of no event, and in every partition
 *   value  the entry's XML; none: a mark
 *   pos    (header) its position in the log; a mark's: everything up to it
 *          stands before it
 *   time   when the entry was made durable, or the mark written
 */
#ifndef TOPIC_FEED_RECORD_H
#define TOPIC_FEED_RECORD_H

#include "base/str.h"

struct feed_record {
    int64_t position, at_ms;
    struct str event, body;
};

static inline bool feed_record_is_mark(const struct feed_record *record)
{
    return record->body.n == 0;
}

#endif
