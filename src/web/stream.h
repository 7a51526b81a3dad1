/*
 * The stream: prices to every client as they change, one encoding of each
 * change for all of them; an account's own bets and balance to its own.
 *
 *   GET /v1/stream                      WebSocket
 *   GET /v1/events/{event}/stream       Server-Sent Events: the same changes
 *
 * Share, else conflate: a client that is up to date gets each tick's frame by
 * reference; a client whose socket is full gets nothing until it drains, then
 * one delta of everything newer than what it has.
 */
#ifndef WEB_STREAM_H
#define WEB_STREAM_H

#include "bus/bus.h"
#include "net/http.h"

struct stream;
struct stream_source;

/* The customer of a session's token. */
struct stream_identity { int64_t account, epoch, expires_ms; };

enum stream_session {
    STREAM_SESSION_GOOD,
    STREAM_SESSION_OVER, /* or never was one */
    STREAM_SESSION_BUSY, /* the store cannot answer now */
};

/* A question about a session: answered exactly once, at once or later. */
struct stream_question;
void stream_answer(struct stream_question *question, enum stream_session session,
                   const struct stream_identity *identity);

struct stream_options {
    uv_loop_t *loop;
    const struct book *book;
    const struct stream_source *source; /* NULL: the book */
    int64_t tick_ms;     /* at most one frame a tick and event */
    int64_t stall_ms;    /* who drains nothing for so long is closed */
    /* Asks whose token this is; later: whether it is still valid. */
    void (*identify)(void *ctx, struct str token, struct stream_question *question);
    void (*confirm)(void *ctx, const struct stream_identity *identity,
                    struct stream_question *question);
    void *ctx;           /* theirs, or the other source's */
};

struct stream *stream_new(const struct stream_options *options) MUST_USE;
/* The book is rebuilt: from here on its changes are published. */
void stream_start(struct stream *stream);
/*
 * Takes no new clients and closes all with 1001: a thousand a second, or faster
 * so that the last is closed within spread_ms; until then each gets what it
 * subscribed to.  So ten thousand do not come to the next process in one
 * moment.  The loop may end when the last one is gone.
 */
void stream_drain(struct stream *stream, int64_t spread_ms);
/* After a drain, when the loop has ended. */
void stream_free(struct stream *stream);

/* The bus's subscriber. */
void stream_on_prices(void *stream, const struct bus_prices *prices);
void stream_on_money(void *stream, const struct bus_money *money);

/* Routes' handlers. */
void stream_get(struct stream *stream, struct http_request *request);
void stream_get_event(struct stream *stream, struct http_request *request);

/* Sets the gauges. */
void stream_metrics(const struct stream *stream);

#endif
