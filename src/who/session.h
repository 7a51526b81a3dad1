/* Sessions: the bearer of a token. */
#ifndef WHO_SESSION_H
#define WHO_SESSION_H

#include "model/money.h"
#include "who/who.h"

struct session {
    int64_t account, epoch;
    const struct currency *currency;
};

struct sessions;

struct sessions *sessions_new(void) MUST_USE;
void sessions_free(struct sessions *sessions);
/* The bearer of a valid token; the store has the last word on its epoch. */
bool session_of(struct who *who, struct http_request *request, int64_t now_ms,
                struct session *session) MUST_USE;
/* A fresh token's text, in the arena, and the time it ends. */
struct str session_start(struct who *who, const struct session *session,
                         int64_t now_ms, struct arena *arena, int64_t *expires_ms);
/* The account's epoch as the store said it at now_us; older sessions are over. */
void session_learn_epoch(struct who *who, int64_t account, int64_t epoch, int64_t now_us);
/* What was learnt last, and when; false: nothing. */
bool session_known_epoch(const struct who *who, int64_t account, int64_t *epoch,
                         int64_t *at_us) MUST_USE;
/* The request's token proved to be over. */
void session_drop(struct who *who, const struct http_request *request);

#endif
