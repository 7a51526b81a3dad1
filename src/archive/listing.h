/*
 * A whole listing of a store, by key: any number of objects in bounded memory.
 * What comes is sorted in portions into a temporary file (TMPDIR); a store that
 * lists in the order of bytes, as most do, makes one run of it, any other some,
 * which are merged as they are read.
 *
 *   file: | run: entry entry … | run: … |      entry: lengths, bytes, time, key, etag
 */
#ifndef ARCHIVE_LISTING_H
#define ARCHIVE_LISTING_H

#include "archive/s3.h"

struct listing;

struct listed {
    struct str key;              /* until the next call */
    int64_t bytes, modified_ms;
    char etag[S3_WORD_BYTES];    /* "": not told */
};

/* portion_bytes of memory, at least 4 KiB; 0: 16 MiB.  NULL: no temporary file. */
struct listing *listing_new(size_t portion_bytes) MUST_USE;
void listing_free(struct listing *listing); /* NULL: nothing */
/* False: the file cannot be written, or there are too many runs. */
bool listing_add(struct listing *listing, const struct s3_object *object) MUST_USE;
/* Between the last object and the first that is read. */
bool listing_end(struct listing *listing) MUST_USE;
/* The next by key, byte by byte; one that came twice is told once.  False: that was
 * the last, or the file cannot be read (listing_failed). */
bool listing_next(struct listing *listing, struct listed *listed) MUST_USE;
bool listing_failed(const struct listing *listing);
uint64_t listing_count(const struct listing *listing); /* of what was added */
unsigned listing_runs(const struct listing *listing);

#endif
