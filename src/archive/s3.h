/*
 * Objects in S3, or in what speaks its protocol: put (in parts when it is
 * large), get, list.  Signed by libcurl (AWS_SIGV4), payload included.
 * Blocking: for subcommands, never in the server.
 *
 * Where and who comes from the environment, as other tools have it:
 * AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION,
 * AWS_ENDPOINT_URL.  Requests that fail for the moment are tried again.
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

struct s3_options {
    const char *url;      /* s3://BUCKET[/PREFIX]: keys are below PREFIX */
    const char *endpoint; /* NULL: AWS_ENDPOINT_URL, else Amazon's of the region */
    bool virtual_host;    /* http://BUCKET.HOST/KEY; else http://HOST/BUCKET/KEY.
                             Amazon's own endpoint is always the former */
    size_t part_bytes;    /* larger objects go in parts of this; 0: 16 MiB */
};

/* NULL: *error (in arena) says what is missing or wrong. */
struct s3 *s3_open(const struct s3_options *options, struct arena *arena,
                   struct str *error) MUST_USE;
void s3_close(struct s3 *s3);

/* The whole file from its beginning; it stays open. */
enum s3_result s3_put_file(struct s3 *s3, const char *key, FILE *file, struct str *error) MUST_USE;
enum s3_result s3_put(struct s3 *s3, const char *key, struct str bytes,
                      struct str *error) MUST_USE;
/* on_bytes gets the object as it comes; false from it ends the request. */
enum s3_result s3_get(struct s3 *s3, const char *key,
                      bool (*on_bytes)(void *ctx, struct str bytes), void *ctx,
                      struct str *error) MUST_USE;
/* Every key that begins with `prefix` (PREFIX taken off), in order. */
enum s3_result s3_list(struct s3 *s3, const char *prefix,
                       bool (*on_key)(void *ctx, struct str key), void *ctx,
                       struct str *error) MUST_USE;

/* One page of a listing, as its server sends it: keys to on_key, the token of
 * the next page (or "") into `next`.  False: it is not a listing. */
bool s3_list_read(struct str xml, bool (*on_key)(void *ctx, struct str key), void *ctx,
                  struct buf *next) MUST_USE;

#define SHA256_HEX 65
void sha256_hex(struct str bytes, char hex[SHA256_HEX]);

#endif
