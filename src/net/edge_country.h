/*
 * The country that the edge saw, signed (docs/EDGE.md, "The country"):
 *
 *   X-Edge-Country: MT;t=1790000000;sig=<64 hexadecimal digits>
 *
 * sig is HMAC-SHA-256 under the shared secret over "MT|<client's address>|<t>".
 * The address ties it to the client, the time to a minute: a header that was
 * seen elsewhere is of no use to another, or later.
 */
#ifndef NET_EDGE_COUNTRY_H
#define NET_EDGE_COUNTRY_H

#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

#define EDGE_COUNTRY_HEADER "X-Edge-Country"
/* The same where the edge may not set that one: CloudFront answers 502 to a function
 * of a customer's that sets X-Edge-*. */
#define EDGE_COUNTRY_HEADER_OTHER "X-Overround-Country"
#define EDGE_COUNTRY_UNKNOWN "XX"
#define EDGE_SIGNATURE_BYTES 32

struct edge_country {
    char code[3];        /* "MT", with its NUL */
    int64_t at_s;        /* since 1970 */
    uint8_t signature[EDGE_SIGNATURE_BYTES];
};

enum edge_country_result {
    EDGE_COUNTRY_SIGNED = 0,
    EDGE_COUNTRY_FORMER,    /* signed, by the former secret */
    EDGE_COUNTRY_MISSING,   /* no header */
    EDGE_COUNTRY_MALFORMED,
    EDGE_COUNTRY_WRONG,     /* of another secret, client or country */
    EDGE_COUNTRY_STALE,     /* signed, too long ago or in the future: a clock is off */
};
const char *edge_country_result_name(enum edge_country_result result);

/* Both secrets, made ready; `former` may be empty. */
struct edge_keys;
struct edge_keys *edge_keys_new(struct str secret, struct str former) MUST_USE;
void edge_keys_free(struct edge_keys *keys);

/* The form alone; true says nothing about who wrote it. */
bool edge_country_parse(struct str header, struct edge_country *country) MUST_USE;

/* The signature that `secret`'s holder makes. */
void edge_country_sign(struct str secret, const char code[3], struct str client, int64_t at_s,
                       uint8_t signature[EDGE_SIGNATURE_BYTES]);

/* "X-Edge-Country: MT;t=…;sig=…" as a line: the edge's part, for who calls the
 * server in its place. */
#define EDGE_COUNTRY_LINE 128
void edge_country_line(struct str secret, const char code[3], struct str client, int64_t at_s,
                       char line[EDGE_COUNTRY_LINE]);

/* Whether the header holds for this client now; what it says is in *country
 * when it does.  header.p = NULL: there is none. */
enum edge_country_result edge_country_read(const struct edge_keys *keys, struct str header,
                                           struct str client, int64_t now_s, int64_t skew_s,
                                           struct edge_country *country) MUST_USE;

#endif
