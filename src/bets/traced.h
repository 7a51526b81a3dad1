/*
 * The trace of a bet's request, if it has one: a span of the whole, and below
 * it one for each stage, each beginning where the one before has ended.
 *
 *   POST /v1/bets  |---------------------------------------------|
 *     parse        |--|
 *     gate            |----|        only if it waited: live delay, trader, room
 *     queue                |-----|  for its batch
 *     judge                      |-|
 *     commit                        |-------|  of the batch
 *     publish                               |-| to this process; else the relay
 *
 * settle, and the relay's publish, are below it, too: its context is kept with
 * the bet (table bet_traces).
 */
#ifndef BETS_TRACED_H
#define BETS_TRACED_H

#include "net/http.h"
#include "trace/tracer.h"

struct bet_trace {
    struct tracer *tracer;
    struct trace trace;
    int64_t from_us;          /* when the stage before has ended */
};

/* In the request's arena; NULL: it is not traced. */
struct bet_trace *traced_begin(struct tracer *tracer, struct http_request *request);
/* The stage that began at from_us is over. */
void traced_stage(struct bet_trace *traced, const char *stage);
/* One that began at start_us and did `size` at once. */
void traced_batch(struct bet_trace *traced, const char *stage, int64_t start_us, int64_t size);
/* The context as it is kept with the bet; in the request's arena. */
struct str traced_parent(const struct bet_trace *traced, struct http_request *request);
/* The request is answered.  bet: 0 = none. */
void traced_end(const struct bet_trace *traced, const struct http_request *request, int status,
                int64_t bet);

#endif
