/*
 * Identity: customers' accounts and sessions, their rates, and the country of a
 * request.
 *
 *   request -> session_of()       tokens verified here, epochs of the store
 *           -> reader_start()     a request that reads: session, statement, answer
 *           -> where_read()       the country that the edge signed
 *
 * It moves no money and knows no bet.  A process of role web has this part
 * without bets and house.
 */
#ifndef WHO_WHO_H
#define WHO_WHO_H

#include <uv.h>

#include "base/config.h"
#include "model/country.h"
#include "model/experiment.h"
#include "model/ids.h"
#include "model/money.h"
#include "net/http.h"
#include "store/store.h"

struct who;

/* An Ed25519 seed of session tokens, with the id that tokens carry. */
struct who_key {
    int64_t kid;
    uint8_t seed[32];
};

struct who_options {
    uv_loop_t *loop;
    struct store *store;
    const struct config *config;
    const struct country_rules *countries; /* asked only with an edge-secret */
    const struct experiments *experiments; /* NULL: none */
    /* The customer was told the arms.  NULL: nobody asks. */
    void (*on_exposed)(void *ctx, int64_t account, const struct currency *currency,
                       int64_t at_ms);
    void *exposed_ctx;
    const struct who_key *keys; /* newest last: it signs, all verify */
    unsigned n_keys;
    uint32_t node;              /* of this process, for ids: 0..1023 */
    bool shared;                /* other processes take requests, too: a session may
                                   have been ended by one of them */
};

/* Borrows everything in options but the keys, which are copied. */
struct who *who_new(const struct who_options *options) MUST_USE;
void who_free(struct who *who); /* only when who_is_idle() */
/* One request of `whom`, of the class that its route has, is taken from its
 * rate.  False: none is left. */
bool who_has_rate(struct who *who, const struct http_request *request,
                  struct str whom) MUST_USE;
/* No request is being worked on: a drain may end. */
bool who_is_idle(const struct who *who);
/* The process's: accounts and bets are numbered by the same. */
struct ids *who_ids(struct who *who);

/* Whose session a token is of, for connections that outlive a request.
 * `then` is called once, at once or later. */
struct who_identity { int64_t account, epoch, expires_ms; };
enum who_session { WHO_SESSION_GOOD, WHO_SESSION_OVER, WHO_SESSION_BUSY };
typedef void who_on_identity(void *ctx, enum who_session state,
                             const struct who_identity *identity);
void who_identify(struct who *who, struct str token, who_on_identity *then, void *ctx);
/* Whether that is still so: compared with the store at most 20 s ago. */
void who_confirm(struct who *who, const struct who_identity *identity,
                 who_on_identity *then, void *ctx);

/* POST /v1/accounts; POST, GET and DELETE /v1/sessions */
void who_post_account(struct who *who, struct http_request *request);
void who_post_session(struct who *who, struct http_request *request);
void who_get_session(struct who *who, struct http_request *request);
void who_delete_session(struct who *who, struct http_request *request);

#endif
