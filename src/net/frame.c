/* Counted bytes (see net/frame.h). */
#include "net/frame.h"

#include <stdlib.h>

#define FRAME_MAGIC 0x6672616du /* "fram" */

struct frame *frame_new(const struct str *parts, size_t n_parts)
{
    struct frame *frame;
    size_t n = 0;

    for (size_t i = 0; i < n_parts; i++)
        n += parts[i].n;
    frame = malloc(sizeof(*frame) + n);
    CHECK(frame != NULL);
    *frame = (struct frame){ .magic = FRAME_MAGIC, .refs = 1 };
    for (size_t i = 0; i < n_parts; i++) {
        if (parts[i].n > 0)
            memcpy(frame->bytes + frame->n, parts[i].p, parts[i].n);
        frame->n += parts[i].n;
    }
    return frame;
}

struct frame *frame_ref(struct frame *frame)
{
    CHECK(frame->magic == FRAME_MAGIC && frame->refs > 0);
    frame->refs++;
    return frame;
}

void frame_unref(struct frame *frame)
{
    if (frame == NULL)
        return;
    CHECK(frame->magic == FRAME_MAGIC && frame->refs > 0);
    if (--frame->refs > 0)
        return;
    frame->magic = 0;
    free(frame);
}
