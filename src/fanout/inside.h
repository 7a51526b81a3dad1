/*
 * Shared by the fan-out's files; no other directory includes it.
 *
 *   upstream.c   lines: which are open, and the subscription of each
 *   wanted.c     channels in lists, and the clk that each allows
 *   source.c     channels: their changes to readers
 *   receive.c    messages of a line, to the channels they concern
 *   clks.c       converts between orders and clks
 *   session.c    own bets of a reader
 */
#ifndef FANOUT_INSIDE_H
#define FANOUT_INSIDE_H

#include "fanout/doc.h"
#include "fanout/link.h"
#include "fanout/rows.h"
#include "fanout/upstream.h"

#define ASKED_BYTES ((size_t)LIMIT_WS_MESSAGE_BYTES - 1024) /* ids of a subscription */
#define ASKED_MOST (LIMIT_STREAM_EVENTS + LIMIT_STREAM_SPORTS)
#define MESSAGE_MOST ((size_t)LIMIT_STREAM_CHANGE_BYTES + 65536)
#define LOOK_MS 50
#define SILENT_MS 12000 /* heartbeats come every 5 s: then it is lost */
#define BLINK_MS 1000   /* for so long nobody hears that nothing comes */

/* ---- channels ----------------------------------------------------------- */

enum wanted_state { WANTED_QUEUED, WANTED_ASKED, WANTED_HELD, WANTED_MISSING, WANTED_STATES };

/* A channel of the stream, upstream. */
struct wanted {
    struct channel *channel;
    enum wanted_state state;
    struct line *line;          /* ASKED, HELD: who tells of it */
    struct wanted *prev, *next; /* of its state, or of its line where it has one */
    uint64_t missing_ms;        /* since; 0: it is there, as far as is known */
    size_t id_bytes;            /* in a message */
    struct doc *doc;            /* of an event */
    struct rows *rows;          /* of a sport */
};

/* bytes: of their ids in a message. */
struct wanted_list { struct wanted *first, *last; size_t n[CHANNEL_KINDS], bytes; };

/* ---- lines -------------------------------------------------------------- */

/* A subscription that was asked for. */
struct line_asked {
    struct wanted *of[ASKED_MOST]; /* in its order; NULL: nobody wants it any more */
    size_t n, images;              /* so many images have come */
    bool waits;                    /* for its status */
    bool is_fetch;                 /* without a clk: an image of each comes, in order */
    struct line *from;             /* whose channels it takes over, or NULL */
    int64_t id;
    uint64_t sent_ms;
};

struct line {
    struct upstream *upstream;
    struct origin_link *link;             /* NULL: it is not connected */
    bool open;
    bool changed;                  /* what it holds is not what it subscribes to */
    bool resumes;                  /* it has connected anew: until its status is here */
    bool is_given;                 /* another line is taking its channels over */
    struct wanted_list holds;
    struct line_asked asked;
    int64_t clk;                   /* promised; 0: nothing is */
    int64_t peak;                  /* the most that was */
    uint64_t below_ms;             /* heartbeats are below it, since; 0: they are not */
    unsigned attempts;
    uint64_t retry_ms, received_ms, next_ms, idle_ms;
};

/* ---- orders ------------------------------------------------------------- */

#define CLKS 65536

/* From this moment and order on this was promised; top: the most, until then. */
struct clk { int64_t order, promise, top; uint64_t ms; };

struct clks { struct clk *ring; size_t first, n; };

void clks_init(struct clks *clks);
void clks_fini(struct clks *clks);
/* Who comes with a clk of before gets an image. */
void clks_forget(struct clks *clks);
void clks_mark(struct clks *clks, int64_t order, int64_t promise, uint64_t now_ms);
/* What may be promised to who has everything up to this order. */
int64_t clks_of_order(const struct clks *clks, int64_t order);
/* The order from which who was promised this clk, here or elsewhere, goes on; -1:
 * it cannot be told. */
int64_t clks_since(const struct clks *clks, int64_t clk, uint64_t now_ms);

/* ---- the whole ---------------------------------------------------------- */

struct upstream {
    uv_loop_t *loop;
    const char *address;
    struct stream *stream;
    struct line *lines[UPSTREAM_LINES];
    size_t n_lines;
    struct wanted_list lists[WANTED_STATES]; /* of QUEUED and MISSING */
    uv_timer_t timer;
    void (*on_look)(uv_timer_t *timer); /* upstream.c: sees to the lines */
    bool stopped;
    int64_t order, requests, batches;
    struct clks clks;
    uint64_t stale_since_ms;       /* 0: it is fresh */
    uint64_t missing_ms;           /* when those were asked for last */
    int64_t reconnects;
    int64_t promised;              /* when all that readers have was held last */
};

static inline uint64_t now_of(const struct upstream *upstream)
{
    return uv_now(upstream->loop);
}

static inline size_t list_n(const struct wanted_list *list)
{
    return list->n[CHANNEL_EVENT] + list->n[CHANNEL_SPORT];
}

/* Readers may have it, and who comes is told it: where no line holds it it is lost. */
static inline bool was_there(const struct wanted *wanted)
{
    return wanted->channel->known && wanted->missing_ms == 0;
}

/* wanted.c */
void wanted_begin(struct upstream *upstream, struct wanted *wanted);
void wanted_end(struct upstream *upstream, struct wanted *wanted);
void wanted_move(struct upstream *upstream, struct wanted *wanted, enum wanted_state state,
                 struct line *line);
/* There may be something to do for lines: they are looked at in this turn of the loop. */
void wanted_soon(struct upstream *upstream);
/* What the origin has promised for all that lines hold. */
int64_t wanted_promise(const struct upstream *upstream);
/* Not all that readers have is held by a line: of that nothing more is promised. */
bool wanted_lacks(const struct upstream *upstream);
/* What readers may be promised now is so, from this order on. */
void wanted_mark(struct upstream *upstream);

/* receive.c: a message of a line.  NULL: well; else why the line must be lost. */
const char *line_receive(struct line *line, struct str text) MUST_USE;

/* ---- sessions ----------------------------------------------------------- */

/* He waits for what the origin does not have. */
void session_strike(struct client *client);
/* Whether, in this batch of what is asked for, it is his turn: of those who never
 * wanted what is not there, and not too much of one. */
bool session_has_turn(struct client *client, int64_t batch);

/* What is kept of a reader who came by WebSocket, and his session, if he has one. */
void session_admit(struct client *client, const struct http_request *request);
void session_authenticate(struct client *client, const struct stream_authenticate *ask);
void session_check(struct client *client, uint64_t now_ms);
void session_drained(struct client *client);
void session_forget(struct client *client);

#endif
