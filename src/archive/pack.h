/*
 * A pack: lines in one zstd stream, in a temporary file, counted.  What an
 * object of the archive is, to write and to read back.
 */
#ifndef ARCHIVE_PACK_H
#define ARCHIVE_PACK_H

#include <stdio.h>

#include "archive/copies.h"

struct pack_sum {
    int64_t rows, bytes; /* lines; bytes as compressed */
    char sha256[SHA256_HEX]; /* of the compressed bytes */
};

struct pack;

/* NULL: no temporary file (in TMPDIR, /tmp). */
struct pack *pack_new(void) MUST_USE;
/* One line without its end.  False: the disk is full. */
bool pack_add(struct pack *pack, struct str line) MUST_USE;
/* Ends the stream. The file is the pack's. */
bool pack_end(struct pack *pack, struct pack_sum *sum, FILE **file) MUST_USE;
void pack_free(struct pack *pack);

/* Reads one back: bytes as they come, then what they were.  on_line (or NULL)
 * gets each line, borrowed; false from it ends the reading. */
struct unpack;
struct unpack *unpack_new(bool (*on_line)(void *ctx, struct str line), void *ctx) MUST_USE;
bool unpack_bytes(void *unpack, struct str bytes); /* for s3_get() */
/* False: the stream is broken or does not end. */
bool unpack_end(struct unpack *unpack, struct pack_sum *sum) MUST_USE;
void unpack_free(struct unpack *unpack);

#endif
