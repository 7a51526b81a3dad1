/* What the files of bets/ share; nobody else includes it. */
#ifndef BETS_INSIDE_H
#define BETS_INSIDE_H

#include <sodium.h>

#include "base/json.h"
#include "bets/bets.h"
#include "house/delay.h"
#include "house/hold.h"
#include "bets/lane.h"
#include "house/liability.h"
#include "house/park.h"
#include "who/rate.h"
#include "who/token.h"
#include "bets/verdict.h"
#include "who/where.h"
#include "model/bet_json.h"
#include "model/money.h"

struct edge_keys;
struct sessions;

struct bets {
    struct bets_options options;
    struct token_keys *keys;
    struct edge_keys *edge_keys; /* NULL: nobody looks where requests come from */
    struct sessions *sessions;
    struct lanes *lanes;
    struct verdicts *verdicts;
    struct rates *rates[RATE_CLASSES]; /* by request->rate, of its route */
    struct park *park;       /* requests kept open: held bets, live delays */
    struct holds *holds;
    struct delays *delays;
    struct liability *liability;
    bool draining;
    struct buf scratch;      /* of one function at a time, never across an answer */
    struct buf members;
    int64_t id_ms;           /* bets_make_id(): never goes back */
    uint32_t id_n;
    uint32_t working;        /* requests between arrival and answer */
    uint32_t waiters;        /* of them: joined one in flight */
    uint32_t hashing;        /* passwords queued or being hashed */
    char no_password[crypto_pwhash_STRBYTES]; /* what unknown emails are checked against */
};

/* Unique in the cluster, ascending in this process. */
int64_t bets_make_id(struct bets *bets, int64_t now_ms);

/* ---- refusals (refuse.c) -------------------------------------------- */

/* For `detail`, when the occurrence has no sentence of its own. */
struct str bets_sentence(enum refusal refusal);
/* RateLimit-* of `who` (empty: not known) and what the status owes; returns
 * how many. */
#define BETS_HEADERS 4
size_t bets_headers(const struct rates *rates, struct str who, int64_t now_us, int status,
                    struct arena *arena, struct http_header headers[BETS_HEADERS]);

/* ---- sessions (session.c) ------------------------------------------- */

struct session {
    int64_t account, epoch;
    const struct currency *currency;
};

struct sessions *sessions_new(void) MUST_USE;
void sessions_free(struct sessions *sessions);
/* The bearer of a valid token; the store has the last word on its epoch. */
bool session_of(struct bets *bets, struct http_request *request, int64_t now_ms,
                struct session *session) MUST_USE;
/* A fresh token's text, in the arena, and the time it ends. */
struct str session_start(struct bets *bets, const struct session *session,
                         int64_t now_ms, struct arena *arena, int64_t *expires_ms);
/* The account's epoch as the store said it at now_us; older sessions are over. */
void session_learn_epoch(struct bets *bets, int64_t account, int64_t epoch, int64_t now_us);
/* What was learnt last, and when; false: nothing. */
bool session_known_epoch(const struct bets *bets, int64_t account, int64_t *epoch,
                         int64_t *at_us) MUST_USE;
/* The request's token proved to be over. */
void session_drop(struct bets *bets, const struct http_request *request);

/*
 * Reads: a request whose session's epoch was compared with the store's at most
 * 60 s ago (rule 15), or now when `fresh`.  Ends with reader_json() or
 * reader_refuse().
 */
struct reader {
    struct bets *bets;
    struct http_request *request;
    struct session session;
    struct store_exec exec;
    void (*then)(struct reader *reader);
    void (*rows)(struct reader *reader);
    void *own;                 /* the handler's */
};

/* Refuses by itself when the request has no valid session. */
void reader_start(struct bets *bets, struct http_request *request, bool fresh,
                  void *own, void (*then)(struct reader *reader));
/* Runs one statement; `rows` gets its result.  Refuses with 503 by itself. */
void reader_exec(struct reader *reader, struct statement_call call,
                 void (*rows)(struct reader *reader));
/* So many (<= 4) in one transaction; the rows are the last one's. */
void reader_exec_all(struct reader *reader, const struct statement_call *calls, uint32_t n,
                     void (*rows)(struct reader *reader));
void reader_json(struct reader *reader, int status, struct str body);
void reader_empty(struct reader *reader, int status);
void reader_refuse(struct reader *reader, enum refusal refusal, struct str detail);
void reader_refuse_with(struct reader *reader, enum refusal refusal, struct str members);

/* ?after= and ?limit=; false: *error says what is wrong. */
bool page_read(struct http_request *request, struct str *after, int64_t *limit,
               struct str *error) MUST_USE;
/* Digits alone, > 0. */
bool id_read(struct str text, int64_t *id) MUST_USE;

/* ---- accounts (account.c) ------------------------------------------- */

/* Makes no_password. */
void account_prepare(struct bets *bets);

/* ---- experiments (arms.c) ------------------------------------------- */

/* The member "experiments" of a session, and that the customer was told. */
void arms_tell(struct bets *bets, const struct session *session, struct jw *w);

/* ---- limits (limits.c) ---------------------------------------------- */

/* The members of limit_reached by a customer's own limit, which is packed as
 * the store tells and keeps it. */
void limit_write_reached(struct buf *out, int64_t packed, int exponent);

/* ---- money requests (command.c) ------------------------------------- */

/* A request to move money, from arrival to answer. */
void command_start(struct bets *bets, struct http_request *request, enum money_op op);
struct lanes *command_lanes_new(struct bets *bets) MUST_USE;

#endif
