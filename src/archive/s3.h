/*
 * Objects in S3, or in what speaks its protocol: put (in parts when it is
 * large), get, list, look, and thaw what an archive class holds.  Signed by
 * libcurl (AWS_SIGV4), payload included.  Blocking: for subcommands, never in
 * the server.
 *
 * Addresses and keys are read from the environment, under the usual names:
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION,
 * AWS_ENDPOINT_URL; of a second store the same, each behind SECOND_.  Requests
 * that fail for the moment are tried again.
 *
 * What is sent is what every store of this kind has: signature 4, Content-MD5
 * (Amazon wants it where a bucket locks), no x-amz-checksum-*, no trailers, no
 * Accept-Encoding (docs/BACKUPS.md, "Stores").  An object's own metadata say its
 * SHA-256 and when it was first put: of two copies an ETag does not tell whether
 * they are the same where one was encrypted with a key of KMS, or put in other parts.
 */
#ifndef ARCHIVE_S3_H
#define ARCHIVE_S3_H

#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"

struct s3;

enum s3_result {
    S3_OK = 0,
    S3_ABSENT, /* there is no such object, says the store: only of s3_get() */
    S3_FAILED, /* *error says why */
};

#define S3_WORD_BYTES 64
#define SHA256_HEX 65

/* Of the last S3_FAILED: it may be another time (no answer, 429, 5xx, no key had). */
bool s3_may_pass(const struct s3 *s3);

struct s3_options {
    const char *prefix;   /* of the environment's names: NULL, or "SECOND_" */
    const char *url;      /* s3://BUCKET[/PREFIX]: keys are below PREFIX */
    const char *endpoint; /* NULL: AWS_ENDPOINT_URL, else Amazon's of the region */
    bool virtual_host;    /* http://BUCKET.HOST/KEY; else http://HOST/BUCKET/KEY.
                             Amazon's own endpoint is always the former */
    size_t part_bytes;    /* larger objects go in parts of this; 0: 16 MiB */
    const char *storage_class; /* the store's own word for it; NULL: its default */
    const char *lock_mode;     /* GOVERNANCE or COMPLIANCE, of lock_days > 0 */
    int64_t lock_days;         /* nobody removes what s3_put_file() puts; 0: no lock */
};

/* NULL: *error (in arena) says what is missing or wrong. */
struct s3 *s3_open(const struct s3_options *options, struct arena *arena,
                   struct str *error) MUST_USE;
void s3_close(struct s3 *s3);

/* The whole file from its beginning; it stays open.  With lock_days it is looked
 * at afterwards: a store that does not know locks passes over the header. */
enum s3_result s3_put_file(struct s3 *s3, const char *key, FILE *file, struct str *error) MUST_USE;
/* The same for a copy of what was put elsewhere before: made_ms goes with it. */
enum s3_result s3_put_copy(struct s3 *s3, const char *key, FILE *file, int64_t made_ms,
                           struct str *error) MUST_USE;
enum s3_result s3_put(struct s3 *s3, const char *key, struct str bytes,
                      struct str *error) MUST_USE;
/* on_bytes gets the object as it comes; false from it ends the request.  One in
 * an archive class is S3_FAILED until it is thawed; *error says so. */
enum s3_result s3_get(struct s3 *s3, const char *key,
                      bool (*on_bytes)(void *ctx, struct str bytes), void *ctx,
                      struct str *error) MUST_USE;
/* Every object whose key begins with `prefix` (PREFIX taken off), in the store's
 * order.  false from on_object ends the page. */
struct s3_object {
    struct str key;
    int64_t bytes;
    int64_t modified_ms;               /* 0: not told */
    char storage_class[S3_WORD_BYTES]; /* "": not told */
    char etag[S3_WORD_BYTES];          /* without its quotes; "": not told, or too long */
};
enum s3_result s3_list(struct s3 *s3, const char *prefix,
                       bool (*on_object)(void *ctx, const struct s3_object *object), void *ctx,
                       struct str *error) MUST_USE;

/* One page of a listing, as its server sends it: objects to on_object, the token
 * of the next page (or "") into `next`.  False: it is not a listing. */
bool s3_list_read(struct str xml, bool (*on_object)(void *ctx, const struct s3_object *object),
                  void *ctx, struct buf *next) MUST_USE;

/* What a store says of an object without sending it. */
enum s3_thaw {
    S3_READABLE = 0, /* it can be read */
    S3_THAWED,       /* of an archive class, readable until `until` */
    S3_THAWING,      /* asked for, not there yet */
    S3_FROZEN,       /* to be asked for */
};
struct s3_state {
    enum s3_thaw thaw;
    char storage_class[S3_WORD_BYTES]; /* "": the default */
    char until[S3_WORD_BYTES];         /* as the store writes it */
    char lock_mode[S3_WORD_BYTES];     /* "": not locked */
    int64_t locked_until_ms;
    /* Whether the ETag is the MD5 of what is kept: not where a key of KMS or of the
     * customer's encrypts, nor of parts. */
    bool etag_is_md5;
    char sha256[SHA256_HEX];           /* by whoever put it; "": not told */
    int64_t made_ms;                   /* of a copy: when it was first put; 0: not told */
    char version[S3_WORD_BYTES];       /* "": the bucket keeps no versions */
};
enum s3_result s3_look(struct s3 *s3, const char *key, struct s3_state *state,
                       struct str *error) MUST_USE;
/* The header x-amz-restore: ongoing-request="false", expiry-date="Fri, 21 …".
 * False: it is not one. */
bool s3_thaw_read(struct str header, struct s3_state *state) MUST_USE;
/* GLACIER and DEEP_ARCHIVE are read by nobody before they are thawed. */
bool s3_class_is_frozen(const char *storage_class);
/* Asks that a copy be readable for `days`; tier: Bulk, Standard, Expedited.
 * Asking again while it is under way is well. */
enum s3_result s3_thaw(struct s3 *s3, const char *key, int64_t days, const char *tier,
                       struct str *error) MUST_USE;

void sha256_hex(struct str bytes, char hex[SHA256_HEX]);

#endif
