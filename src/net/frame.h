/*
 * Bytes that are made once and sent to many: counted, never changed.
 */
#ifndef NET_FRAME_H
#define NET_FRAME_H

#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

struct frame {
    uint32_t magic, refs;
    size_t n;
    char bytes[];
};

/* The parts, one behind the other; the caller has the first reference. */
struct frame *frame_new(const struct str *parts, size_t n_parts) MUST_USE;
struct frame *frame_ref(struct frame *frame);
void frame_unref(struct frame *frame); /* NULL is no error */

#endif
