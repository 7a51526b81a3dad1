/*
 * Inside the book: what book.c, book_memory.c, book_forget.c and
 * book_check.c share.  Nobody else includes it but their test.
 *
 *   book.c         what a message does; asking
 *   book_memory.c  texts, entries, the table of markets: taken and given back
 *   book_desk.c    what the desk set, and what it does to prices and status
 *   book_forget.c  the book's time, and which events leave it
 *   book_check.c   every invariant
 */
#ifndef MODEL_BOOK_INSIDE_H
#define MODEL_BOOK_INSIDE_H

#include "base/limits.h"
#include "model/desk.h"

#define BOOK_TEXTS_MAX 8000000
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
};

struct desk_factor { int64_t account, factor_e4; };

/*
 * Settings by scope, whether or not the book has the event or the market: at
 * a start the desk's entries come before the feed lists anything.  Events and
 * markets point to theirs.
 */
struct desk {
    struct map settings, factors;
    struct desk_setting *all;
    struct desk_proposal *proposals, *last_proposal;
    uint32_t n_proposals;
    int64_t ts, refused; /* refused: the position of a refused entry */
};

struct market_entry {
    struct market market; /* first: a market is its entry */
    const struct desk_setting *desk; /* NULL: nothing is set */
    struct heard *others; /* producers that are not its owner */
};

struct event_entry {
    struct event event; /* first: an event is its entry */
    struct str home_id, away_id;
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
};

struct producer {
    int32_t id;
    bool up;
    int64_t ts; /* of its last message since it was down; 0 = none */
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
    int64_t position;
    struct book_change *change;
};

/* Room in the list of changed markets. */
void book_changed_reserve(struct book *book, size_t n);
/* Once a message, however often the market stands in it. */
void book_market_changed(struct apply *apply, struct market *market);
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
void book_desk_check(const struct book *book);

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

struct producer *book_producer(const struct book *book, int32_t id);
bool book_status_is_closed(int8_t status);

/* ---- book_forget.c ------------------------------------------------------ */

/* Before a message is applied: the time it tells, then a few events are
 * looked at and those that are due leave. */
void book_forget(struct book *book, const struct message *message);
/* The book's time when an event that it forgot was heard of last, or 0. */
int64_t book_buried_ms(const struct book *book, struct str id);

#endif
