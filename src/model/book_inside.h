/*
 * Inside the book: what its files share.  Nobody else includes it but their
 * test.  Each calls only those above it:
 *
 *   book_desk_price.c    what the desk has in force, and the sold price: asks
 *   book_find.c          everything else that is asked
 *   book_check.c         every invariant
 *   book_memory.c        texts, entries, the table of markets: taken and given back
 *   book_gone.c          keys of records, and which of them left
 *   book_write.c         sets what an event, a market, an outcome and a producer say
 *   book_write_desk.c    sets what the desk has set: settings, factors, proposals
 *   book_forget.c        the book's time, and which events leave it
 *   book_desk_*.c        what an entry of the desk does
 *   book_feed.c          what a message of the feed does
 *   book_mirror*.c       a shard that is told by records: what a record does
 *   book_image.c         what a shard tells: records
 *   book.c               a book's life; apply
 *
 * Only book_write.c, book_write_desk.c and book_memory.c assign members of the
 * structs below that a customer's price, a status or a version depends on; who
 * asks gets pointers to const (`make lint` refuses both otherwise).
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

/* Until when a producer sent something about an event or market (rule 19). */
struct book_received {
    int32_t producer;
    int64_t ts;
    struct book_received *next;
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
    const struct desk_setting *all;
    struct desk_proposal *proposals, *last_proposal;
    uint32_t n_proposals;               /* its own: of a shard, its part of the list */
    int64_t ts, refused[DESK_REFUSED];  /* by position */
    const struct desk_setting *touched; /* by the last apply */
    const struct desk_factor *touched_factor;
};

struct market_entry {
    struct market market; /* first: a market is its entry */
    const struct desk_setting *desk; /* NULL: nothing is set */
    struct book_received *others; /* producers that are not its owner */
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
    struct book_received *stops; /* of all its markets, those to come included */
    size_t at;           /* in book.list */
    uint32_t n_closed;   /* its markets that are settled or cancelled */
    int64_t received_ms; /* the book's time of its last message; 0 = not known */
    int64_t buried_ms;   /* forgotten before: odds older than this are stale */
    bool has_status;     /* a message gave it; its fixture no longer does */
};

/* An event is its entry, and so is a market. */
static inline const struct event_entry *event_entry(const struct event *event)
{
    return (const struct event_entry *)event;
}

static inline const struct market_entry *market_entry(const struct market *market)
{
    return (const struct market_entry *)market;
}

static inline const struct proposal_entry *proposal_entry(const struct desk_proposal *proposal)
{
    return (const struct proposal_entry *)proposal;
}

/* The texts of an event besides its id. */
enum event_text {
    EVENT_SPORT, EVENT_SPORT_NAME, EVENT_TOURNAMENT, EVENT_TOURNAMENT_NAME,
    EVENT_CATEGORY_NAME, EVENT_HOME, EVENT_AWAY, EVENT_HOME_ID, EVENT_AWAY_ID,
    EVENT_HOME_SCORE, EVENT_AWAY_SCORE, EVENT_MATCH_TIME,
};
#define EVENT_TEXTS (EVENT_MATCH_TIME + 1)

struct description {
    uint32_t market;
    struct str name, groups;
    struct message_name *names;
    uint32_t n, room;
    int64_t version, epoch; /* log position of its last change; of a mirror */
};

struct book_producer {
    int32_t id;
    bool up;
    int64_t ts; /* of its last message since it was down; 0 = none */
    int64_t down_at, up_at; /* log positions at which it went there last */
    int64_t epoch;          /* of a mirror */
};

/* An event that was forgotten; a later one may take its place. */
struct tomb {
    uint64_t hash;
    int64_t received_ms;
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
    struct buf gone;                /* keys of records, by the last apply: book_gone.c */
    struct book_image_state image;  /* of a mirror */
    struct arena arena;
    struct spare *spares[SPARE_KINDS];
    struct map texts, events, descriptions;
    struct book_limits limits;
    const struct event **list; /* in no order: who leaves is replaced by the last */
    size_t n_events, list_room;
    const struct market **table;
    size_t n_markets, table_room;
    struct book_producer producers[LIMIT_PRODUCERS];
    size_t n_producers;
    int64_t position;
    int64_t now_ms, own_ms; /* book_forget.c; 0 = not known */
    size_t cursor;          /* the event looked at next */
    struct tomb *tombs;
    struct desk desk;
    const struct market **changed; /* of the last apply */
    size_t changed_room;
    struct outcome scratch[LIMIT_OUTCOMES];
    size_t unchecked, check_at; /* book_check.c: since all was; the event that is next */
};

/* One message on its way into the book. */
struct apply {
    struct book *book;
    const struct message *message;
    int64_t position, order;
    struct book_change *change;
};

/* ---- book_desk_price.c: what the desk has in force ------------------------------ */

/* What is asked once a market, before its outcomes. */
struct pricing {
    const struct desk_setting *own; /* NULL: nothing is set for the market itself */
    int64_t margin_e4, sum_e12;     /* -1 = none; of its active outcomes, with a margin */
};
struct pricing book_pricing(const struct market *market);
/* No margin, no prices: what is fed is sold. */
static inline bool pricing_is_fed(const struct pricing *pricing)
{
    return pricing->margin_e4 < 0 && (pricing->own == NULL || pricing->own->prices == NULL);
}
int64_t book_sold_e4(const struct pricing *pricing, const struct outcome *outcome);
/* NULL: no price is set. */
const struct desk_price *book_price_find(const struct desk_setting *setting, struct str outcome);

/* ---- book_find.c: asking --------------------------------------------------- */

const struct market *book_table_find(const struct book *book, struct market_id id, int64_t key);
const struct book_producer *book_producer(const struct book *book, int32_t id);
const struct book_received *book_received_find(const struct book_received *list, int32_t producer);
/* The producer's latest word about the market; 0: none. */
int64_t book_market_received_ts(const struct market *market, int32_t producer);
/* NULL: none came. */
const struct description *book_description(const struct book *book, uint32_t market);
/* The book's time when an event that it forgot was last named by a message, or 0. */
int64_t book_buried_ms(const struct book *book, struct str id);
bool book_status_is_closed(int8_t status);
/* The status by the feed alone. */
enum market_status book_feed_status(const struct book *book, const struct market *market);
const struct str *book_event_text(const struct event *event, enum event_text which);

/* The key of a setting: "m", the event, 0, the market's number, its specifiers;
 * "s" and the sport, "e" and the event; "a" alone. */
#define BOOK_SETTING_KEY_BYTES (2 * LIMIT_ID_BYTES + LIMIT_SPECIFIERS_BYTES)
struct setting_key { char bytes[BOOK_SETTING_KEY_BYTES]; size_t n; };
struct str book_setting_key(struct setting_key *key, enum desk_level level, struct str name,
                            const struct market_id *market);
/* By scope; NULL: nothing is set there.  `market`: of DESK_MARKET alone. */
const struct desk_setting *book_setting_find(const struct book *book, enum desk_level level,
                                             struct str name, const struct market_id *market);
/* The market that a setting of this level is about. */
struct market_id book_setting_market(const struct desk_setting *setting);
/* Of this book or shard, not of the others in its list; NULL: none. */
const struct desk_proposal *book_own_proposal(const struct book *book, int64_t id);

/* ---- book_check.c ---------------------------------------------------------- */

/* After a change, in builds with AddressSanitizer: the event that it was about,
 * one other in turn, and all of the book once as many changes as it has markets
 * have passed. */
#if CHECKS_DEAR
void book_check_change(struct book *book, const struct book_change *change);
#else
static inline void book_check_change(struct book *book UNUSED,
                                     const struct book_change *change UNUSED)
{
}
#endif

/* ---- book_memory.c --------------------------------------------------------- */

/* Each text is kept once and counted: the same text is the same pointer. */
struct str book_text_ref(struct book *book, struct str text);
void book_text_unref(struct book *book, struct str text);
uint32_t book_text_refs(const struct book *book, struct str text);
uint64_t book_text_refs_all(const struct book *book);
void book_texts_free(struct book *book);

/* Zeroed. */
struct event_entry *book_event_take(struct book *book);
void book_event_give(struct book *book, struct event_entry *entry);
struct market_entry *book_market_take(struct book *book);
void book_market_give(struct book *book, struct market_entry *entry);
struct book_received *book_received_take(struct book *book);
void book_received_give(struct book *book, struct book_received *list);
/* Room for n at least, and in *room for how many. */
struct outcome *book_outcomes_take(struct book *book, uint32_t n, uint32_t *room);
void book_outcomes_give(struct book *book, struct outcome *outcomes, uint32_t room);

/* Counts it. */
void book_table_put(struct book *book, const struct market *market);
void book_table_remove(struct book *book, const struct market *market);

/* ---- book_gone.c ----------------------------------------------------------- */

#define BOOK_KEY_BYTES (LIMIT_ID_BYTES + LIMIT_SPECIFIERS_BYTES + 64)

void book_record_market_key(struct buf *key, const struct market_id *id);
void book_record_setting_key(struct buf *key, const struct desk_setting *setting);

/* Notes the keys of what leaves. */
void book_gone_event(struct book *book, const struct event *event); /* and its markets */
void book_gone_setting(struct book *book, const struct desk_setting *setting);
void book_gone_proposal(struct book *book, int64_t id);

/* ---- book_write.c ---------------------------------------------------------- */

/* The next book_order() of a change that is no log entry's. */
int64_t book_order_next(struct book *book);
/* Of a log entry's: of a book of its own, orders are positions. */
int64_t book_order_at(struct book *book, int64_t position);

/* The list of changed markets. */
void book_changed_reserve(struct book *book, size_t n);
void book_changed_add(struct book *book, struct book_change *change, const struct market *market);
/* Stamped and listed once a message, however often the market stands in it. */
void book_market_changed(const struct apply *apply, const struct market *market);

/* What was set for it before is found. */
const struct event *book_event_add(struct book *book, struct str id);
void book_event_remove(struct book *book, const struct event *event);
/* The event's own change: its version, and its markets' order. */
void book_event_stamp(const struct event *event, int64_t version, int64_t order);
/* Something in it changed: neither goes back. */
void book_event_raise(const struct event *event, int64_t version, int64_t order);
void book_event_receive(const struct event *event, int64_t now_ms);
/* A stop of all its markets, those to come included. */
void book_event_stop(struct book *book, const struct event *event, int32_t producer, int64_t ts);
/* True: it was another. */
bool book_event_set_text(struct book *book, const struct event *event, enum event_text which,
                         struct str text);
bool book_event_set_status(const struct event *event, int32_t status);
bool book_event_set_match_status(const struct event *event, int32_t match_status);
bool book_event_set_start(const struct event *event, int64_t start_ms);
/* Which setting holds for its sport.  True: another one than before. */
bool book_event_set_sport(struct book *book, const struct event *event);
/* A message gave its status: its fixture no longer does. */
void book_event_keep_status(const struct event *event);
void book_event_set_fixture(const struct event *event, bool fixture);
/* Of a mirror: its record's position and writer. */
void book_event_mirrored(const struct event *event, int64_t position, int64_t epoch);

const struct market *book_market_add(struct book *book, const struct event *event,
                                     uint32_t market, struct str specifiers, int32_t producer);
/* Out of the book, and of its event's list. */
void book_market_remove(struct book *book, const struct market *market);
/* To this place in its event's list. */
void book_market_rank(const struct market *market, uint32_t rank);
/* The only place where a market's status moves.  True: it was another. */
bool book_market_move(const struct market *market, int8_t status, int64_t ts);
/* True: it was not listed, or the favourite was another. */
bool book_market_list(const struct market *market, bool favourite);
void book_market_unlist(const struct market *market, int64_t ts);
void book_market_receive(struct book *book, const struct market *market, int32_t producer,
                         int64_t ts);
void book_market_take_over(struct book *book, const struct market *market, int32_t producer);
void book_market_stamp(const struct market *market, int64_t version, int64_t order);
/* All its outcomes, as a message gave them.  True: something changed. */
bool book_market_feed(struct book *book, const struct market *market,
                      const struct message_outcome *given, uint32_t n);
/* Prices it anew from what the feed gave.  True: something changed. */
bool book_market_reprice(const struct market *market);

/* What a market's record says besides its outcomes. */
struct market_record {
    int64_t version;
    uint32_t rank;
    int32_t producer;
    int8_t status;
    bool listed, favourite;
};
/* Of a mirror: the record's position and writer. */
void book_market_mirrored(const struct market *market, int64_t position, int64_t epoch);
/* As its record says, with the n outcomes in book->scratch; to be priced then. */
void book_market_copy(struct book *book, const struct market *market,
                      const struct market_record *record, uint32_t n);

/* Made down when it is new; NULL: there are too many. */
const struct book_producer *book_producer_make(struct book *book, int32_t id);
void book_producer_move(const struct book_producer *producer, bool up, int64_t position);
void book_producer_receive(const struct book_producer *producer, int64_t ts);
/* Of a mirror: as its record says. */
void book_producer_mirrored(const struct book_producer *producer, const struct book_producer *as);
/* Of a mirror: those that no record of this epoch named are gone. */
void book_producers_drop(struct book *book, int64_t epoch);
/* A restart: all that did not come up since are down. */
void book_restart(struct book *book, int64_t position);

/* Takes the names' place; false: they are the same. */
bool book_describe(struct book *book, const struct message_description *given,
                   const struct message_name *all, int64_t position);
void book_descriptions_free(struct book *book);
/* Names stand on every page: all events are new to who shows them. */
void book_renamed(struct book *book, int64_t position);

/* ---- book_write_desk.c ------------------------------------------------------ */

void book_desk_init(struct book *book);
void book_desk_fini(struct book *book);
/* An apply begins: it has touched nothing yet. */
void book_desk_begin(struct book *book);
void book_desk_touched(struct book *book, const struct desk_setting *setting,
                       const struct desk_factor *factor);
void book_desk_raise_ts(struct book *book, int64_t ts);
void book_desk_refuse(struct book *book, int64_t position);

/* Found, or made with nothing set; NULL: no room.  id->event is empty where
 * the level is wider than an event. */
const struct desk_setting *book_setting_make(struct book *book, enum desk_level level,
                                             struct str sport, const struct market_id *id);
/* Everything but its scope and its prices is as in *as. */
void book_setting_set(const struct desk_setting *setting, const struct desk_setting *as);
void book_setting_set_price(const struct desk_setting *setting, struct str outcome,
                            int64_t odds_e4);
void book_setting_clear_prices(const struct desk_setting *setting);
/* Nobody points to it any more.  What it did to prices is the caller's. */
void book_setting_drop(struct book *book, const struct desk_setting *setting);
/* The event leaves: what was set for it and its markets goes with it. */
void book_desk_forget(struct book *book, const struct event *event);
/* Drops what was set for events that the book has not had for long. */
void book_desk_sweep(struct book *book, int64_t now_ms);

/* NULL: no room. */
const struct desk_factor *book_factor_set(struct book *book, int64_t account, int64_t factor_e4,
                                          int64_t epoch);
void book_factor_drop(struct book *book, const struct desk_factor *factor);
/* False: no room. */
bool book_propose(struct book *book, const struct desk_proposal *given, int64_t epoch);
void book_proposal_remove(const struct desk_proposal *proposal);

/* ---- book_forget.c ---------------------------------------------------------- */

/* Before a message is applied: the time it tells, then a few events are
 * looked at and those that are due leave. */
void book_forget(struct book *book, const struct message *message);

/* ---- book_desk_settings.c, book_desk_proposals.c, book_desk.c ---------------- */

/* What the entry sets at its scope.  False: no room. */
bool book_desk_set(const struct apply *apply);
/* The event's sport is known now, or another. */
void book_desk_sport(const struct apply *apply, const struct event *event);
bool book_desk_propose(const struct apply *apply);
/* Of two that decide on a proposal, the first in the log does. */
bool book_desk_decide(const struct apply *apply);
void book_desk_apply(const struct apply *apply);

/* ---- book_feed.c ------------------------------------------------------------ */

/* Whether all that the message may add has room: asked before anything is. */
bool book_feed_has_room(const struct book *book, const struct message *message);
enum book_result book_feed_apply(const struct apply *apply) MUST_USE;

/* ---- book_image.c ----------------------------------------------------------- */

#define BOOK_RECORD_VERSION 1

#endif
