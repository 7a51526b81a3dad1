/*
 * Inside the book: what book.c, book_memory.c, book_forget.c and
 * book_check.c share.  Nobody else includes it but their test.
 *
 *   book.c         what a message does; asking
 *   book_memory.c  texts, entries, the table of markets: taken and given back
 *   book_desk.c    what the desk set, and what it does to prices and status
 *   book_forget.c  the book's time, and which events leave it
 *   book_shards.c  a book in shards: the whole, and what it asks of them
 *   book_image.c   what a shard tells: records
 *   book_mirror.c  a shard that is told by records
 *   book_check.c   every invariant
 */
#ifndef MODEL_BOOK_INSIDE_H
#define MODEL_BOOK_INSIDE_H

#include "base/buf.h"
#include "base/limits.h"
#include "model/book_image.h"
#include "model/desk.h"
#include "model/slot.h"

#define BOOK_TEXTS_MAX 8000000
#define BOOK_GONE_BYTES ((size_t)256 * 1024 * 1024)
#define BOOK_TOMBS 65536 /* a power of two */

/* Until when a producer was heard about something (rule 19). */
struct heard {
    int32_t producer;
    int64_t ts;
    struct heard *next;
};

/* What the desk set somewhere; who has it points to it (see below). */
struct desk_setting {
    struct str key;      /* of settings, behind the struct */
    enum desk_level level;
    struct str event;    /* of an event or a market; within the key */
    bool suspended, result, voided;
    int64_t margin_e4;   /* -1 = none */
    struct desk_limits limits;
    struct desk_price *prices;
    int64_t at_ms;       /* of its last entry */
    int64_t version;     /* position of its last entry */
    int64_t limits_at;   /* of the last about limits */
    int64_t sold_at;     /* of all or a sport: of the last that moved what is sold */
    int64_t epoch;       /* of a mirror */
};

struct desk_price {
    struct desk_price *next;
    int64_t odds_e4;
    struct str outcome; /* behind the struct */
};

struct desk_factor { int64_t account, factor_e4, epoch; };

struct proposal_entry {
    struct desk_proposal proposal; /* first: a proposal is its entry */
    struct book *book;             /* the shard it is of */
    int64_t epoch;                 /* of a mirror */
    struct arena arena;
};

/*
 * Settings by scope, whether or not the book has the event or the market: at
 * a start the desk's entries come before the feed lists anything.  Events and
 * markets point to theirs.  Proposals of all shards are one list, the whole's.
 */
#define DESK_REFUSED 64 /* positions of refused entries that are known */

struct desk {
    struct map settings, factors;
    struct desk_setting *all;
    struct desk_proposal *proposals, *last_proposal;
    uint32_t n_proposals;               /* its own: of a shard, its part of the list */
    int64_t ts, refused[DESK_REFUSED];  /* by position */
    const struct desk_setting *touched; /* by the last apply */
    const struct desk_factor *touched_factor;
};

struct market_entry {
    struct market market; /* first: a market is its entry */
    const struct desk_setting *desk; /* NULL: nothing is set */
    struct heard *others; /* producers that are not its owner */
    uint32_t rank;        /* its place in the event's list */
    int64_t told, epoch;  /* of a mirror: its record's position and writer */
};

struct event_entry {
    struct event event; /* first: an event is its entry */
    struct str home_id, away_id;
    struct book *book;   /* the shard it is in */
    int64_t own_version; /* log position of the last change that no market made */
    int64_t told, epoch; /* of a mirror; told 0: only its markets are known yet */
    const struct desk_setting *desk, *desk_sport; /* NULL: nothing is set */
    struct heard *stops; /* of all its markets, those to come included */
    size_t at;           /* in book.list */
    uint32_t n_closed;   /* its markets that are settled or cancelled */
    int64_t heard_ms;    /* the book's time when it was heard of last; 0 = not known */
    int64_t buried_ms;   /* forgotten before: odds older than this are stale */
    bool has_status;     /* a message gave it; its fixture no longer does */
};

struct description {
    uint32_t market;
    struct str name, groups;
    struct message_name *names;
    uint32_t n, room;
    int64_t version, epoch; /* log position of its last change; of a mirror */
};

struct producer {
    int32_t id;
    bool up;
    int64_t ts; /* of its last message since it was down; 0 = none */
    int64_t down_at, up_at; /* log positions at which it went there last */
    int64_t epoch;          /* of a mirror */
};

/* An event that was forgotten; a later one may take its place. */
struct tomb {
    uint64_t hash;
    int64_t heard_ms;
};

/* Outcome arrays come in 15 sizes: 1 to 8, then 16, 32, … 1024. */
#define BOOK_OUTCOME_SIZES 15
enum spare_kind { SPARE_EVENT, SPARE_MARKET, SPARE_HEARD, SPARE_OUTCOMES,
                  SPARE_KINDS = SPARE_OUTCOMES + BOOK_OUTCOME_SIZES };

struct spare { struct spare *next; };

struct book {
    struct book *root;              /* of a shard: the whole */
    struct book *shards[SLOTS];     /* of a whole */
    unsigned n_shards;
    int64_t order;                  /* not of a shard: its root's counts */
    enum book_silence silence;
    int64_t live_by_ms;             /* starts of events that are live while it is */
    int64_t restarted_at, renamed_at; /* log positions */
    struct buf gone;                /* keys of records, by the last apply: book_image.c */
    struct book_image_state image;  /* of a mirror */
    struct arena arena;
    struct spare *spares[SPARE_KINDS];
    struct map texts, events, descriptions;
    struct book_limits limits;
    struct event **list; /* in no order: who leaves is replaced by the last */
    size_t n_events, list_room;
    struct market **table;
    size_t n_markets, table_room;
    struct producer producers[LIMIT_PRODUCERS];
    size_t n_producers;
    int64_t position;
    int64_t now_ms, own_ms; /* book_forget.c; 0 = not known */
    size_t cursor;          /* the event looked at next */
    struct tomb *tombs;
    struct desk desk;
    struct market **changed; /* of the last apply */
    size_t changed_room;
    struct outcome scratch[LIMIT_OUTCOMES];
};

/* ---- book.c ------------------------------------------------------------- */

/* One message on its way into the book. */
struct apply {
    struct book *book;
    const struct message *message;
    int64_t position, order;
    struct book_change *change;
};

/* The next book_order() of a change that is no log entry's. */
int64_t book_order_next(struct book *book);
/* A change of this market, or of the event alone, at the apply's position. */
void book_market_stamp(const struct apply *apply, struct market *market);
void book_event_stamp(const struct apply *apply, struct event *event);

/* Room in the list of changed markets. */
void book_changed_reserve(struct book *book, size_t n);
/* Once a message, however often the market stands in it. */
void book_market_changed(struct apply *apply, struct market *market);
/* The only place where a market's status moves.  True: it was another. */
bool book_market_move(struct market *market, int8_t status, int64_t ts);
/* True: the text was another. */
bool book_text_replace(struct book *book, struct str *field, struct str text);
/* Takes the names' place; false: they are the same. */
bool book_describe(struct book *book, const struct message_description *given,
                   const struct message_name *all, int64_t position);
/* Made down when it is new; NULL: there are too many. */
struct producer *book_producer_make(struct book *book, int32_t id);
void book_clear(struct book *book); /* empties, keeping limits and its place in a whole */
/* The status by the feed alone. */
enum market_status book_feed_status(const struct book *book, const struct market *market);

/* ---- book_desk.c -------------------------------------------------------- */

void book_desk_init(struct book *book);
void book_desk_fini(struct book *book);
void book_desk_apply(struct apply *apply);
/* An event or a market is new: what was set for it before. */
void book_desk_link_event(struct book *book, struct event *event);
void book_desk_link_market(struct book *book, struct market *market);
/* The event's sport is known now, or another. */
void book_desk_sport(struct apply *apply, struct event *event);
/* Prices the market anew from what the feed gave.  True: something changed. */
bool book_desk_reprice(const struct book *book, struct market *market);
void book_desk_forget(struct book *book, const struct event *event);
/* Drops what was set for events that the book has not had for long. */
void book_desk_sweep(struct book *book, int64_t now_ms);
/* Found, or made with nothing set; NULL: no room.  id->event is empty where
 * the level is wider than an event. */
struct desk_setting *book_desk_setting(struct book *book, enum desk_level level, struct str sport,
                                       const struct market_id *id);
/* By scope; NULL: nothing is set there.  `market`: of DESK_MARKET alone. */
struct desk_setting *book_desk_setting_find(const struct book *book, enum desk_level level,
                                            struct str name, const struct market_id *market);
/* Nobody points to it any more.  What it did to prices is the caller's. */
void book_desk_setting_drop(struct book *book, struct desk_setting *setting);
void book_desk_price_set(struct desk_setting *setting, struct str outcome, int64_t odds_e4);
void book_desk_prices_clear(struct desk_setting *setting);
struct desk_factor *book_desk_factor(struct book *book, int64_t account); /* or NULL: no room */
struct proposal_entry *book_desk_propose(struct book *book, const struct desk_proposal *given);
void book_desk_proposal_remove(struct desk_proposal *proposal);
void book_desk_check(const struct book *book);

/* The market that a setting of this level is about. */
struct market_id book_setting_market(const struct desk_setting *setting);

/* ---- book_image.c ------------------------------------------------------- */

#define BOOK_RECORD_VERSION 1
#define BOOK_KEY_BYTES (LIMIT_ID_BYTES + LIMIT_SPECIFIERS_BYTES + 64)

void book_record_market_key(struct buf *key, const struct market_id *id);
void book_record_setting_key(struct buf *key, const struct desk_setting *setting);

/* Notes the keys of what leaves. */
void book_gone_event(struct book *book, const struct event *event); /* and its markets */
void book_gone_setting(struct book *book, const struct desk_setting *setting);
void book_gone_proposal(struct book *book, int64_t id);

/* ---- book_memory.c ------------------------------------------------------ */

/* Each text is kept once and counted: the same text is the same pointer. */
struct str book_text_ref(struct book *book, struct str text);
void book_text_unref(struct book *book, struct str text);
uint32_t book_text_refs(const struct book *book, struct str text);
uint64_t book_text_refs_all(const struct book *book);
void book_texts_free(struct book *book);

struct heard *book_heard_find(struct heard *list, int32_t producer);
/* Raises the producer's time in the list, where it stands or is added. */
void book_heard_raise(struct book *book, struct heard **list, int32_t producer, int64_t ts);

/* Room for n at least; what was there is given back, nothing is copied. */
void book_outcomes_room(struct book *book, struct market *market, uint32_t n);

struct event *book_event_add(struct book *book, struct str id);
void book_event_remove(struct book *book, struct event *event);
struct market *book_market_add(struct book *book, struct event *event, uint32_t market,
                               struct str specifiers);
struct market *book_table_find(const struct book *book, struct market_id id, int64_t key);

struct book *book_of_market(const struct market *market); /* its shard, or the book itself */
/* Out of the book, and of its event's list. */
void book_market_remove(struct book *book, struct market *market);
/* To this place in its event's list. */
void book_market_rank(struct market *market, uint32_t rank);

struct producer *book_producer(const struct book *book, int32_t id);
bool book_status_is_closed(int8_t status);

/* ---- book_forget.c ------------------------------------------------------ */

/* Before a message is applied: the time it tells, then a few events are
 * looked at and those that are due leave. */
void book_forget(struct book *book, const struct message *message);
/* The book's time when an event that it forgot was heard of last, or 0. */
int64_t book_buried_ms(const struct book *book, struct str id);

#endif
