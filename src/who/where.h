/*
 * Where a request comes from: the client's address behind the load balancers,
 * and the country that the edge signed (docs/EDGE.md, "The country").
 *
 * Without --edge-secret nobody looks: no country, and nothing is refused.
 */
#ifndef WHO_WHERE_H
#define WHO_WHERE_H

#include "base/json.h"
#include "model/refusal.h"
#include "net/http.h"

struct who;

struct where {
    char country[3];      /* "MT", "XX"; "": not signed, or nobody looks */
    enum refusal refusal; /* of registrations, deposits and bets; NOTHING: none */
    bool is_stale;        /* well signed, but a clock is off: nothing is decided by it */
};

/* So many entries from the end of X-Forwarded-For, else who connected. */
struct str where_client(const struct who *who, const struct http_request *request);

/* Verifies the signature: one SHA-256 over some 40 bytes. */
struct where where_read(const struct who *who, const struct http_request *request,
                        int64_t now_ms);

/* The members of a refusal: the country, where it is known. */
void where_write_refused(struct buf *out, const struct where *where);
/* The members of a session: country, betting and why not. */
void where_write_session(struct jw *w, const struct where *where);

/* Beside the answer: the customer was there.  One that is lost is written at
 * the next log-in. */
void where_note(struct who *who, int64_t customer, const struct where *where, int64_t now_ms);

#endif
