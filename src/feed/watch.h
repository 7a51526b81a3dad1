/*
 * The watch over producers: carries out the decisions of producer.h's machine.
 *
 *   log.c: a message came, it is in the log, time passed
 *                |
 *           producer.c -- turn --> log.c writes it
 *                |  \-- ask --> recovery.c --> POST …/initiate_request
 *                \<------------- answer ---/
 */
#ifndef FEED_WATCH_H
#define FEED_WATCH_H

#include "base/buf.h"
#include "feed/recovery.h"
#include "model/message.h"

/* Where producers recover; url empty or NULL: nowhere. */
struct watch_recovery {
    const char *url, *token;
    int64_t node;
    int64_t timeout_ms;  /* a recovery that takes longer is asked for again */
    int64_t request_ms;  /* of one request */
    int64_t pause_ms;    /* after the first failure; doubles */
    struct recovery_addresses addresses;
};

struct watch_options {
    uv_loop_t *loop;
    int64_t silence_ms;
    const struct watch_recovery *recovery; /* copied; NULL: nowhere */
    /* Write this turn into the log, behind what came so far. */
    void (*on_turn)(void *ctx, int32_t producer, bool up, const char *why);
    void *ctx;
};

struct watch;

struct watch *watch_new(const struct watch_options *options) MUST_USE;
/* A message came and is on its way into the log. */
void watch_came(struct watch *watch, const struct message *message);
/* An entry is in the log: replayed, or fresh, in its order. */
void watch_logged(struct watch *watch, const struct message *message, int64_t at_ms);
/* Time passed: some times a second. */
void watch_tick(struct watch *watch);
/* What was on its way into the log may not be in it, and what is has been
 * told of: turns are decided again. */
void watch_unwritten(struct watch *watch);
/* This process does not lead any more: what it had decided is void. */
void watch_step_down(struct watch *watch);
/* Messages may have been missed (a new session, another process led): every
 * producer goes down and recovers.  `why` is static, for the log. */
void watch_lost(struct watch *watch, const char *why);

/* The members of GET /v1/desk/feed: {"producers":[…]}. */
void watch_write(const struct watch *watch, struct buf *out);
void watch_metrics(const struct watch *watch);
void watch_stop(struct watch *watch); /* nothing is asked or told any more */
void watch_free(struct watch *watch); /* after the loop has ended */

#endif
