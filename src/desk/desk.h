/*
 * The trading desk's calls, on the operator listener.
 *
 *   POST --body.c--> entry --feed_submit--> the log -> the book, the facts
 *                                             |
 *                                  durable: 200 or 202
 *
 * Where the book is another process's (topic/prices_in.h) the answer waits until
 * the entry has come back to this one.
 *
 * In a process that does not lead the entry goes by the leader (feed/inbox.h).
 * Nothing is changed here: an entry acts when it comes back in log order, in
 * every process.  A result, a void or a withdrawal is a proposal first; the
 * confirmation by another operator, a senior, carries the facts.
 */
#ifndef DESK_DESK_H
#define DESK_DESK_H

#include "feed/feed.h"
#include "model/desk.h"
#include "model/house.h"

struct operator;
struct desk_calls;

struct desk_options {
    uv_loop_t *loop;
    struct feed *feed;
    struct store *store;
    const struct book *book;
    const struct house *house;
    /* What an outcome's open bets have staked and may cost (risk). */
    void (*exposed)(void *ctx, struct market_id market, struct str outcome,
                    int64_t *stakes_minor, int64_t *liability_minor);
    void *ctx;
};

struct desk_calls *desk_new(const struct desk_options *options);
void desk_free(struct desk_calls *desk); /* when no request is in flight */

/* What an operator did elsewhere, for the audit log: "hold 5 …: declined".
 * Texts are copied. */
void desk_note(void *desk, const struct operator *operator, struct str what, struct str reason);

/* Routes' handlers. */
void desk_post_suspend(struct desk_calls *desk, struct http_request *request);
void desk_post_resume(struct desk_calls *desk, struct http_request *request);
void desk_post_margin(struct desk_calls *desk, struct http_request *request);
void desk_post_price(struct desk_calls *desk, struct http_request *request);
void desk_post_limits(struct desk_calls *desk, struct http_request *request);
void desk_post_factor(struct desk_calls *desk, struct http_request *request);
void desk_post_result(struct desk_calls *desk, struct http_request *request);
void desk_post_void(struct desk_calls *desk, struct http_request *request);
void desk_post_withdrawal(struct desk_calls *desk, struct http_request *request);
void desk_post_confirm(struct desk_calls *desk, struct http_request *request);
void desk_post_reject(struct desk_calls *desk, struct http_request *request);

void desk_get_me(struct desk_calls *desk, struct http_request *request);
void desk_get_events(struct desk_calls *desk, struct http_request *request);
void desk_get_event(struct desk_calls *desk, struct http_request *request);
void desk_get_proposals(struct desk_calls *desk, struct http_request *request);
void desk_get_audit(struct desk_calls *desk, struct http_request *request);

#endif
