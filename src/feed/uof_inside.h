/*
 * Inside the parser: what uof.c and uof_desk.c share.  Nobody else includes
 * it.
 *
 *   uof.c       the tables of the feed's elements, and the reading
 *   uof_desk.c  the desk's entry: its attributes, what they mean, its XML
 */
#ifndef FEED_UOF_INSIDE_H
#define FEED_UOF_INSIDE_H

#include "model/desk_entry.h"

#define TIME_MS_MAX 253402300799999 /* 9999-12-31T23:59:59.999Z */

enum value_kind {
    VALUE_PASSED, /* known, not read */
    VALUE_ODDS,
    VALUE_BOOL,
    VALUE_TEXT,   /* at most .max bytes */
    VALUE_I8,     /* integers from .min to .max */
    VALUE_I32,
    VALUE_U32,
    VALUE_I64,
    VALUE_FACTOR, /* 0 to 1, at most 12 decimals */
    VALUE_TIME,   /* RFC 3339 */
};

struct attribute {
    const char *name;
    enum value_kind kind;
    bool required;
    size_t offset; /* in what the element's `begin` returned */
    int64_t min, max;
};

#define AT(type, field) offsetof(struct type, field)
#define PASSED(name) { name, VALUE_PASSED, false, 0, 0, 0 }
#define NEEDED true
#define OPTIONAL false

/* The attributes of <overround_desk>, as read. */
struct desk_read {
    struct message_desk desk;
    struct str act, level, what, event;
    int64_t timestamp_ms, start_ms, end_ms;
};

extern const struct attribute uof_desk_attributes[];
#define UOF_DESK_ATTRIBUTES 22

void uof_desk_begin(struct desk_read *read);
/* All attributes are read: into the message.  NULL: well; else what is wrong. */
const char *uof_desk_ready(const struct desk_read *read, struct message_desk *desk,
                           struct message *message);

#endif
