/*
 * Follow: reads the stored log behind a position to its end, page by page.
 * A read that fails is tried again, with fewer rows, until it succeeds.
 */
#ifndef FEED_FOLLOW_H
#define FEED_FOLLOW_H

#include <uv.h>

#include "store/journal.h"

struct follow;

struct follow_options {
    uv_loop_t *loop;
    struct store *store;
    /* An entry of the log, in order; the body dies with the call. */
    void (*on_entry)(void *ctx, int64_t position, int64_t at_ms, struct str body);
    /* Or the whole row, if not NULL.  False: no more of this read, nor its end. */
    bool (*on_row)(void *ctx, const struct feed_row *row);
    /* The log was read to its end, as it was when the last page was asked for. */
    void (*on_end)(void *ctx);
    void *ctx;
};

struct follow *follow_new(const struct follow_options *options);
/* Reads what is behind `position`, beginning after so many milliseconds; one
 * that waits begins anew, one that runs must have ended. */
void follow_read(struct follow *follow, int64_t position, uint64_t after_ms);
/* A page is asked for, or a failed one is about to be. */
bool follow_is_reading(const struct follow *follow);
/* No callback from here on; the answer that is under way may still come. */
void follow_stop(struct follow *follow);
/* After the loop has closed the timer and the store is closed. */
void follow_free(struct follow *follow);

#endif
