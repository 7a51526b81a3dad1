/*
 * The archive: days that are over, as zstd JSON lines in an object store,
 * each with a manifest (manifest.h).  `days/2026-11-23/`: the bets that were
 * placed that day and are not open, the day's transfers, and the day's
 * entries of the desk, which are the audit log.
 *
 * A day is written whole; one that changed since (a bet settled late, or
 * again) is written again, its objects under other names, and its manifest
 * replaced last.  What stops in between leaves the archive as it was, and the
 * next run goes on: a day whose manifest says what the database says is done.
 *
 * Two stores hold the same, byte for byte: a day is packed once and goes to
 * both, and what one lacks is copied from the other.
 */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

#include "archive/manifest.h"
#include "store/db.h"

#define ARCHIVE_DAYS_MAX 8192

struct archive {
    struct db *db;        /* NULL: only to verify */
    struct copies copies;
    struct arena arena;   /* errors, days */
    int64_t now_ms;
    void (*say)(void *ctx, struct str line); /* progress, for a person */
    void *ctx;
};

struct days { struct day *days; uint32_t n; };

/* Every day of which the store has something that is not dropped, in order. */
bool archive_days(struct archive *archive, struct days *days, struct str *error) MUST_USE;
/* Writes what is missing or changed, up to and with the day `through`. */
struct archive_counts { uint64_t days, written, objects, rows, copied; };
/* False: the database cannot be read, or no store is left.  One that failed is told
 * by archive->copies. */
bool archive_write(struct archive *archive, int64_t through, struct archive_counts *counts,
                   struct str *error) MUST_USE;

/* Reads everything back from each store, and compares the two; each thing that
 * is wrong is said, and counted in `faults`, also that one of two cannot be read.
 * False: none can. */
bool archive_verify(struct archive *archive, struct archive_counts *counts, uint64_t *faults,
                    struct str *error) MUST_USE;
/* One day's manifest. */
enum s3_result archive_manifest(struct archive *archive, struct s3 *s3, int64_t day,
                                struct manifest *manifest, struct str *error) MUST_USE;
/* Whether the objects are what the manifest says; else *why. */
bool archive_objects_hold(struct archive *archive, struct s3 *s3,
                          const struct manifest *manifest, struct archive_counts *counts,
                          struct str *why) MUST_USE;

/* The manifest of each day in a store, in order; NULL: *why it cannot be
 * read.  on_manifest returns false to stop. */
bool archive_manifests(struct archive *archive, struct s3 *s3,
                       bool (*on_manifest)(void *ctx, const struct manifest *manifest,
                                           struct str why),
                       void *ctx, struct str *error) MUST_USE;
/* Reads one object, line by line if on_line is given. */
bool archive_object_read(struct archive *archive, struct s3 *s3,
                         const struct manifest *manifest, enum pack_kind kind,
                         bool (*on_line)(void *ctx, struct str line), void *ctx,
                         struct str *why) MUST_USE;

/* The checkpoints of the store are what the archived transfers add up to:
 * what is not is said, and counted in `faults`. */
bool archive_prove(struct archive *archive, uint64_t *accounts, uint64_t *faults,
                   struct str *error) MUST_USE;

/*
 * Drops from PostgreSQL the months that are over and archived, from the oldest
 * on, until one that is still needed: see drop.c.  *dropped counts them.
 */
bool archive_drop(struct archive *archive, int64_t window_days, uint64_t *dropped,
                  struct str *error) MUST_USE;

#endif
