/*
 * What the stream's files share; only src/fanout, the other source,
 * includes it, too.
 *
 *   stream.c          ticks: what changed is encoded, queues are sent
 *   stream_hub.c      the ground of all: time, when a tick comes, queues
 *   stream_channel.c  an event or a sport: its subscribers and its changes
 *   stream_book.c     the source of prices that is the book; src/fanout has another
 *   stream_wait.c     clients that wait until the source knows a channel
 *   stream_encode.c   frames: the same change for WebSocket and for SSE
 *   stream_client.c   a client: its connection, subscription, catching up
 *   stream_input.c    messages from clients
 *   stream_own.c      accounts: authentication, own bets and balance
 *
 *   channel --< subscription >-- client       purse --< own -- client
 *      \ delta (this tick's), image: struct change, encoded once
 *
 * Orders.  book_order() numbers the changes.  `covered`: every client that is up
 * to date has received everything up to this order.  A message's clk promises its
 * receiver everything up to it: of several in one write only the last may promise
 * the tick itself, those before it promise the former `covered`.  stream_marks.c
 * converts orders into the clk on the wire.
 */
#ifndef WEB_STREAM_INSIDE_H
#define WEB_STREAM_INSIDE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "net/frame.h"
#include "net/ws.h"
#include "web/stream.h"

/* ---- encoding (stream_encode.c) ------------------------------------------ */

enum dress { DRESS_WEBSOCKET, DRESS_SSE, DRESSES };

/* One change of a channel, as JSON, and its frames as they are asked for. */
struct change {
    struct buf events;     /* what stands within "events":[ ] */
    bool img, con;
    int64_t clk, before;   /* orders promised by the last of a write; by one before it */
    struct frame *frames[DRESSES][2];
};

void change_init(struct change *change);
void change_fini(struct change *change);
/* Empty again, for new events. */
void change_reset(struct change *change);
void change_promise(struct change *change, int64_t clk, int64_t before);
/* Borrowed; made once. */
struct frame *change_frame(struct stream *stream, struct change *change, enum dress dress,
                           bool last);
/* Of other messages: the caller's reference. */
struct frame *frame_of_text(struct str json);
struct frame *frame_of_control(enum ws_opcode opcode, struct str payload);
struct frame *frame_of_heartbeat(int64_t clk, enum dress dress);

/* ---- channels (stream_channel.c) ------------------------------------------ */

enum channel_kind { CHANNEL_EVENT, CHANNEL_SPORT, CHANNEL_KINDS };

struct client;

struct subscription {
    struct client *client;
    struct channel *channel;
    struct subscription *prev, *next; /* of the channel */
    int64_t sent;  /* while the client lags: what it has; -1 = nothing */
};

/* Who waits for a channel (stream_wait.c). */
struct channel_waiter {
    struct channel_wait *wait;     /* NULL: it waits no more */
    struct channel *channel;
    struct channel_waiter *prev, *next; /* of the channel */
};

/* An event of a sport, of the book's source. */
struct sport_row {
    int64_t changed, version_seen;
    uint64_t hash;         /* of what was told of it, without its version */
    bool dirty, gone;
    struct sport_row *next_dirty;
    uint64_t gone_ms;
    size_t id_n;
    char id[];
};

struct channel {
    enum channel_kind kind;
    struct stream *stream;
    size_t id_n;
    bool known;            /* its source can tell of it */
    struct channel_waiter *waiters; /* who waits until it is */
    size_t n_waits;        /* subscriptions that wait, for it or for others of theirs */
    struct subscription *subscriptions;
    size_t n;
    struct channel *next_dirty;
    bool dirty, gone;
    int64_t changed;       /* order of its last change */
    int64_t checked;       /* up to here it was looked at */
    int64_t whole;         /* a client that is behind this order needs the image */
    uint64_t empty_ms;     /* nobody subscribes since; 0 = somebody does */
    struct change delta, image;
    bool has_image;
    void *upstream;        /* the other source's own */
    bool renamed;          /* names have changed: an image, not a delta */
    /* The book's source's: */
    bool all;              /* of a sport: any row may have changed */
    uint64_t fixture;      /* hash of the event's names, start, … */
    uint64_t *shapes;      /* of an event's markets: what they were named */
    uint32_t n_shapes, shapes_room;
    struct map rows;
    struct sport_row *dirty_rows;
    char id[];
};

/* The channel, made when it is new.  NULL: there are too many. */
struct channel *channel_of(struct stream *stream, enum channel_kind kind, struct str id);
void channel_free(struct channel *channel);
struct str channel_id(const struct channel *channel);
/* It will be looked at in the next flush. */
void channel_dirty(struct stream *stream, struct channel *channel);
/* What happened to the book, to the channels it concerns. */
void channels_receive(struct stream *stream, const struct bus_prices *prices);
/* Encodes what is new since it was checked into its delta.  False: nothing is. */
bool channel_flush(struct stream *stream, struct channel *channel, int64_t order);
/* Everything in it, for a client that has nothing. */
struct change *channel_image(struct stream *stream, struct channel *channel);
/* Appends what is newer than `since`; true: that is something. */
bool channel_merge(struct stream *stream, struct channel *channel, int64_t since,
                   struct buf *events);
/* Events that the book has forgotten; channels that nobody wants. */
void channels_sweep(struct stream *stream);

/* ---- sources ---------------------------------------------------------------- */

/* What a client said to authenticate, until the call returns. */
struct stream_authenticate { struct str token, text; int64_t id; };

/*
 * Where prices come from: the book (stream_book.c), or another process's stream
 * (src/fanout).  Orders are the source's own and only grow.
 */
struct stream_source {
    int64_t (*order)(const struct stream *stream);
    void (*mark)(struct stream *stream);       /* its state as it is now may be promised */
    int64_t (*clk)(struct stream *stream, int64_t order);
    int64_t (*since)(struct stream *stream, int64_t clk); /* -1: it cannot be told */
    /* NULL: always.  What it has is as it is now; else nothing is promised. */
    bool (*is_fresh)(const struct stream *stream);
    bool (*has_event)(const struct stream *stream, struct str id); /* or may have */
    /* A channel is new: it is known now, or channel_is_known() follows; and its end.
     * False: there are too many. */
    bool (*begin)(struct stream *stream, struct channel *channel);
    void (*end)(struct channel *channel);
    /* channel_flush(), channel_image(), channel_merge(): into "events":[ ]. */
    bool (*flush)(struct stream *stream, struct channel *channel, int64_t order);
    void (*image)(struct stream *stream, struct channel *channel, struct jw *w);
    bool (*merge)(struct stream *stream, struct channel *channel, int64_t since, struct jw *w);
    void (*sweep)(struct stream *stream, struct channel *channel);
    /* A client's own bets; admit (NULL: nothing) while its request is there. */
    void (*admit)(struct client *client, const struct http_request *request);
    void (*authenticate)(struct client *client, const struct stream_authenticate *ask);
    void (*check)(struct client *client, uint64_t now_ms);
    void (*drained)(struct client *client);
    void (*forget)(struct client *client);     /* it is going */
};

extern const struct stream_source stream_book;

/* ---- waiting (stream_wait.c) --------------------------------------------------- */

/* A subscription whose channels are not all known; of a client, or of a request
 * that will be answered as one. */
struct channel_wait {
    struct stream *stream;
    struct channel_wait *prev, *next;  /* of the stream */
    struct client *client;
    struct http_request *request;
    uint64_t deadline_ms;
    int64_t since, id;
    size_t left, n;            /* channels: not known yet, all */
    /* All are known, or NULL: its time is up.  The wait has ended before. */
    void (*on_end)(const struct channel_wait *wait, struct channel **channels);
    struct channel_waiter waiters[];
};

/* The source knows it now. */
void channel_is_known(struct channel *channel);
/* Calls on_end as soon as all are known; at once, if they are.  Of `as` the stream,
 * the client or the request, and what on_end needs are said. */
void wait_begin(const struct channel_wait *as, struct channel **channels, size_t n);
/* Informs no client. */
void wait_end(struct channel_wait *wait);
/* Whose time is up, of all: is told so. */
void waits_check(struct stream *stream);

/* ---- accounts (stream_own.c) ---------------------------------------------- */

/* Money of an account somebody watches. */
struct own_account {
    int64_t account, seq;
    struct own *owns;
    struct own_account *next_dirty;
    bool dirty, known, told; /* told: the numbers are those last sent */
    bool held;               /* its owners are being told */
    char currency[4];
    int64_t balance_minor, debt_minor, staked_minor;
    struct frame *bets[LIMIT_STREAM_TICK_BETS];
    size_t n_bets;
    bool lost_bets;
};

/* A client's session. */
struct own {
    struct client *client;
    struct own_account *purse;
    struct own *prev, *next; /* of the purse */
    struct stream_identity identity;
    int64_t id;                       /* of the message that asked for it */
    uint64_t checked_ms;
    struct stream_question *question; /* in flight, or NULL */
    bool missed;                      /* the socket was full meanwhile */
};

void own_authenticate(struct client *client, struct str token, int64_t id);
/* Everything about the client's questions is forgotten: it is going. */
void own_forget(struct client *client);
void own_check(struct client *client, uint64_t now_ms);
void own_drained(struct client *client);
void own_accounts_flush(struct stream *stream);

/* ---- clients (stream_client.c, stream_input.c) ---------------------------- */

/* A change on its way to one client. */
struct client_note { struct change *change; struct client_note *next; };

enum client_state { CLIENT_OPEN, CLIENT_CLOSING, CLIENT_GONE };
enum client_queue { QUEUE_NONE, QUEUE_READY, QUEUE_BEHIND, QUEUES };

#define CLIENT_MAGIC 0x73747265u /* "stre" */

struct client {
    uint32_t magic;
    enum client_state state;
    enum dress dress;
    enum client_queue queue;
    struct stream *stream;
    struct conn *conn;
    struct client *prev, *next;               /* all */
    struct client *queue_prev, *queue_next;
    struct subscription *subscriptions;
    uint32_t n_subscriptions;
    bool lags;    /* its subscriptions' `sent` hold: it has to catch up */
    bool missed;  /* a tick passed it by: what it gets next is conflated */
    bool pinged;
    uint32_t second_n;                        /* messages in that second */
    uint64_t second;
    struct client_note *notes, **notes_end;
    uint64_t sent_ms, received_ms, full_ms;      /* full_ms: the socket is, since; 0 = not */
    uint64_t deadline_ms;                     /* CLOSING: gone by then */
    struct own *own;
    struct stream_question *asking;           /* authentication in flight */
    struct channel_wait *wait;                        /* or NULL */
    void *upstream;                           /* the other source's own */
    struct ws_reader reader;
};

/* QUEUE_READY: this tick's notes. */
void client_send_notes(struct client *client);
/* QUEUE_BEHIND: what it lacks, as far as the socket takes it. */
void client_catch_up(struct client *client);
/* Sends one frame at once; closes a client that does not take even that. */
void client_send(struct client *client, struct frame *frame);
void client_status(struct client *client, int64_t id, const char *code, struct str detail);
#define NO_ID INT64_MIN /* the message had none */
/* Says why, waits a while for the client to close. */
void client_close(struct client *client, enum ws_code code, const char *why, const char *reason);
/* Takes the place of the former one.  since: -1 = images. */
void client_subscribe(struct client *client, struct channel **channels, uint32_t n,
                      int64_t since);
/* A quarter of a second has passed. */
void client_check(struct client *client, uint64_t now_ms);
/* stream_input.c: bytes of a WebSocket client, for stream.on_input. */
void client_input(struct client *client, const char *p, size_t n);

/* ---- clks (stream_marks.c) ------------------------------------------------- */

#define MARKS 65536
struct mark { int64_t order, promise, highest; };

/* The book as it is now may be promised, and resumed from. */
void stream_mark(struct stream *stream);
/* The clk to promise to a client that has everything up to this order. */
int64_t stream_clk(struct stream *stream, int64_t order);
/* From where who was promised this clk goes on, wherever it was; -1: it cannot
 * be told. */
int64_t stream_order(struct stream *stream, int64_t clk);

/* ---- the hub (stream.c) ---------------------------------------------------- */

struct stream {
    struct stream_options options;
    const struct stream_source *source;
    struct channel_wait *waits;
    struct map channels[CHANNEL_KINDS], purses;
    struct channel *dirty;
    struct own_account *dirty_purses;
    uv_timer_t tick, quarter;  /* of a second */
    uv_timer_t drain;          /* closes the next clients of a drain */
    uint64_t drain_began_ms, drain_ms;
    size_t drain_n;            /* clients when it began */
    uv_idle_t sender;          /* runs while queues are not empty */
    uv_timer_cb on_tick;       /* stream.c's */
    uv_idle_cb on_sender;
    void (*on_input)(struct client *client, const char *p, size_t n);
    bool started, draining, closed_handles, armed;
    uint64_t flushed_ms;
    int64_t covered;
    int64_t since, mark;       /* resumed are orders not below since */
    uint64_t mark_ms;
    struct mark *marks; /* a ring */
    size_t first_mark, n_marks;
    uint64_t marked_ms;
    unsigned sweeps;
    struct client *clients;
    struct { struct client *first, *last; } queues[QUEUES];
    size_t n_clients[DRESSES], n_subscriptions[CHANNEL_KINDS], n_full;
    struct arena notes, names; /* of one tick; of one encoding */
    struct buf scratch;
    struct frame *heartbeats[DRESSES];
    int64_t heartbeat_clk;
    unsigned heartbeats_left;  /* in this quarter of a second */
    int64_t flush_started_us;
    int64_t frames, deliveries, bytes, conflated; /* not in the metrics yet */
};

/* ---- its ground (stream_hub.c) ---------------------------------------------- */

uint64_t hub_now(const struct stream *stream); /* ms, the loop's */
/* Every client that is up to date has everything up to here. */
int64_t hub_covered(struct stream *stream);
/* Something is dirty: a flush will come. */
void hub_arm(struct stream *stream);
/* There are queues that are not empty. */
void hub_wake(struct stream *stream);
/* The client is in this queue, and in no other one. */
void hub_enqueue(struct client *client, enum client_queue queue);

#endif
