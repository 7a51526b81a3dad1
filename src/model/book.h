/*
 * The book: every event, market and price in force.  A deterministic machine
 * over the feed log: book_apply() in log order, no clock, no I/O.
 *
 *   event --< market --< outcome
 *     |         \ owned by the producer that priced it last
 *      \ catalogue (fixture), score, clock
 *
 * A market may be bet on when its producer is up, it was listed since that
 * producer went down last (`listed`: a recovery lists markets before its end
 * brings the producer up), its own status is active, and the desk has not
 * suspended it (desk.h).  book_status() is that sentence.  Versions are log
 * positions: they only grow.
 *
 * An event that is over is forgotten some hours later, with its markets
 * (book_forget.c): pointers into the book are good until the next apply.
 *
 * Callers get pointers to const: only book_write.c writes an event, a market or
 * an outcome.
 */
#ifndef MODEL_BOOK_H
#define MODEL_BOOK_H

#include "base/map.h"
#include "model/message.h"

struct outcome {
    struct str id;
    int64_t odds_e4;  /* what is sold, after margin and override; 0 = never priced */
    int64_t fed_e4;   /* as the feed gave it */
    bool active;
};

struct market {
    struct market_id id;
    int64_t key;            /* market_key(id) */
    const struct event *event;
    const struct market *next; /* of the event, in order of first listing */
    int32_t producer;
    int8_t status;          /* enum market_status, as the feed said */
    bool listed;            /* since its producer went down last */
    bool favourite;
    int64_t received_ts;       /* producer's time of its last odds, stop or result (rule 19) */
    int64_t stopped_ts;     /* producer's time at which it last left active; 0 = active */
    int64_t version;        /* log position of its last change */
    int64_t order;          /* book_order() of its last change here */
    const struct outcome *outcomes;
    uint32_t n_outcomes, room;
};

struct event {
    struct str id, sport, sport_name, tournament, tournament_name, category_name;
    struct str home, away;  /* competitors' names */
    int64_t start_ms;       /* kick-off, 0 = unknown */
    int32_t status;         /* sport_event_status: 0 not started, 1 live, … */
    int32_t match_status;
    struct str home_score, away_score, match_time;
    const struct market *markets; /* first listed first */
    const struct market *last;
    uint32_t n_markets;
    int64_t version;        /* log position of its last change */
    int64_t order;          /* book_order() of its last change here, its markets' included */
    bool fixture;           /* its fixture document has come */
};

struct book;

struct book_limits { size_t events, markets; };

struct book *book_new(void);
struct book *book_new_limited(struct book_limits limits); /* smaller ones, for tests */
void book_free(struct book *book);

/*
 * A book in shards, by slots of events (slot.h): everything that asks works on
 * the whole, what changes works on a shard.  Other processes' owners write
 * shards each for itself, so positions are per shard:
 *
 *   book_position(whole)   everything up to there is in all shards: what may
 *                          be promised to somebody who comes back elsewhere
 *   book_order(whole)      grows with every change here: what orders changes
 *                          for those who are in this process.  market.order,
 *                          event.order; version stays the log's position
 *
 * Of a book without shards both are the log's position.
 */
struct book *book_sharded_new(unsigned shards); /* 1, 2, 4, … 64 */
unsigned book_shards(const struct book *book);  /* 0: it is not sharded */
struct book *book_shard(const struct book *book, unsigned shard);
/* Empties it: its events are another process's now, or are read again. */
void book_shard_clear(struct book *shard);
struct book *book_shard_of(const struct book *book, struct str event); /* itself, if not sharded */
int64_t book_order(const struct book *book);
/* Nothing above it is in any shard. */
int64_t book_highest(const struct book *book);
/* Nobody is known to look after the shard: its live markets, or all, are shown
 * as suspended.  Live is also what was to start until `live_by_ms`: that it has
 * started is what would be lost.  True: that is news, and what is shown has
 * changed. */
enum book_silence { BOOK_ALIVE = 0, BOOK_LIVE_SILENT, BOOK_ALL_SILENT };
bool book_set_silence(struct book *shard, enum book_silence silence, int64_t live_by_ms);
bool book_is_alive(const struct book *book); /* every shard: no producer is silent */

enum book_result { BOOK_OK = 0, BOOK_FULL /* a limit; nothing was applied */ };

/* What one message did, for those who publish: valid until the next apply. */
struct book_change {
    const struct event *event;    /* NULL: none */
    const struct market **markets; /* whose price or status changed */
    uint32_t n_markets;
    bool all;                     /* a producer went up or down, a restart */
    bool refused;                 /* a desk's entry that had no effect: no facts */
    uint32_t stale;               /* markets whose odds were older (rule 19) */
};

enum book_result book_apply(struct book *book, const struct message *message,
                            int64_t position, struct book_change *change) MUST_USE;

/* Nothing up to there is for this shard but what it has had. */
void book_pass(struct book *book, int64_t position);

const struct event *book_event(const struct book *book, struct str id);
const struct market *book_market(const struct book *book, struct market_id id);
const struct outcome *book_outcome(const struct market *market, struct str id);
/* Iterates over all events, in no order: *at = 0 first; NULL ends. */
const struct event *book_next_event(const struct book *book, size_t *at);

/* The status a customer sees: the market's own, or MARKET_SUSPENDED while
 * its producer is down, it was not listed since, or the desk suspended it. */
enum market_status book_status(const struct book *book, const struct market *market);
bool book_producer_is_up(const struct book *book, int32_t producer);

/* Names from market_descriptions, templates filled in from specifiers and
 * competitors; falls back to the ids.  Into arena. */
struct str book_market_name(const struct book *book, const struct market *market,
                            struct arena *arena);
struct str book_outcome_name(const struct book *book, const struct market *market,
                             struct str outcome, struct arena *arena);

struct book_counts { uint64_t events, markets, active_markets, outcomes; };
struct book_counts book_counts(const struct book *book);
int64_t book_position(const struct book *book); /* last applied */
/* Every invariant of the structure; aborts.  In builds with AddressSanitizer
 * each apply checks what it changed, and now and then all (book_check.c). */
void book_check(const struct book *book);

#endif
