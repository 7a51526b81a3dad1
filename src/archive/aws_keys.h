/*
 * Keys for an object store, by the part of AWS's standard chain that servers need,
 * the first that is set:
 *
 *   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN): as they are
 *   AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN: STS's AssumeRoleWithWebIdentity, which
 *       EKS's roles for service accounts (IRSA) want; AWS_ENDPOINT_URL_STS, or
 *       https://sts.REGION.amazonaws.com
 *   AWS_CONTAINER_CREDENTIALS_FULL_URI (or _RELATIVE_URI): EKS Pod Identity, ECS, with
 *       AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (or _TOKEN); only HTTPS, or this machine's
 *       own addresses
 *   the instance's metadata (IMDSv2): AWS_EC2_METADATA_SERVICE_ENDPOINT, or
 *       http://169.254.169.254, unless AWS_EC2_METADATA_DISABLED is true.  Only of the
 *       first store: the second's (SECOND_AWS_…) is another cloud's, as a rule
 *
 * What ends is fetched again five minutes before.  Blocking, as s3.h.
 * Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers".
 */
#ifndef ARCHIVE_AWS_KEYS_H
#define ARCHIVE_AWS_KEYS_H

#include <stdint.h>

#include "base/arena.h"

#define AWS_ID_BYTES 129
#define AWS_SECRET_BYTES 257
#define AWS_SESSION_BYTES 8193

struct aws_key {
    char id[AWS_ID_BYTES], secret[AWS_SECRET_BYTES];
    char session[AWS_SESSION_BYTES]; /* "": none */
    int64_t expires_ms;              /* 0: never */
};

struct aws_keys;

/* `prefix` of the environment's names: "" or "SECOND_".  Errors are in `arena`.  NULL:
 * *error says what is missing, or why none could be fetched. */
struct aws_keys *aws_keys_open(const char *prefix, const char *region, struct arena *arena,
                               struct str *error) MUST_USE;
void aws_keys_close(struct aws_keys *keys);
/* The key that is good now, until the next call; NULL: none is left (*error). */
const struct aws_key *aws_keys_now(struct aws_keys *keys, int64_t now_ms,
                                   struct str *error) MUST_USE;
/* A store says that it has ended: fetched again by the next call.  False: it is the
 * environment's, there is no other. */
bool aws_keys_expire(struct aws_keys *keys) MUST_USE;

/* What the metadata and container services answer.  False: it is no key. */
bool aws_key_read_json(struct str text, struct aws_key *key) MUST_USE;
/* STS's AssumeRoleWithWebIdentityResponse. */
bool aws_key_read_sts(struct str xml, struct aws_key *key) MUST_USE;

#endif
