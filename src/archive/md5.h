/*
 * MD5 (RFC 1321), for the header Content-MD5 alone: Amazon wants it of every
 * object that goes into a bucket with object lock, and each store that speaks
 * S3 checks it.  It proves nothing: that is SHA-256's.
 */
#ifndef ARCHIVE_MD5_H
#define ARCHIVE_MD5_H

#include "base/str.h"

#define MD5_BYTES 16

void md5(struct str bytes, unsigned char sum[MD5_BYTES]);

#endif
