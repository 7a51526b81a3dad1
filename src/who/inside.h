/* What the files of who/ share; nobody else includes it. */
#ifndef WHO_INSIDE_H
#define WHO_INSIDE_H

#include <sodium.h>

#include "base/json.h"
#include "base/limits.h"
#include "who/rate.h"
#include "who/reader.h"
#include "who/refuse.h"
#include "who/session.h"
#include "who/token.h"
#include "who/where.h"
#include "who/who.h"

struct edge_keys;

struct who {
    struct who_options options;
    struct token_keys *keys;
    struct edge_keys *edge_keys; /* NULL: nobody looks where requests come from */
    struct sessions *sessions;
    struct rates *rates[RATE_CLASSES]; /* by request->rate, of its route */
    struct ids ids;
    struct buf scratch;      /* of one function at a time, never across an answer */
    uint32_t working;        /* requests between arrival and answer, notes in flight */
    uint32_t hashing;        /* passwords queued or being hashed */
    char no_password[crypto_pwhash_STRBYTES]; /* what unknown emails are checked against */
};

/* working.c: one more, and one less, that a drain waits for. */
void who_begin(struct who *who);
void who_end(struct who *who);

/* account.c: makes no_password. */
void account_prepare(struct who *who);

/* arms.c: the member "experiments" of a session, and that the customer was told. */
void arms_write(struct who *who, const struct session *session, struct jw *w);

#endif
