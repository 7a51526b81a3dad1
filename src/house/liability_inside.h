/*
 * What the files of liability share; nobody else includes it.  From below:
 * liability_entry.c, liability_holder.c, liability_ask.c, liability.c.
 */
#ifndef HOUSE_LIABILITY_INSIDE_H
#define HOUSE_LIABILITY_INSIDE_H

#include "base/map.h"
#include "house/liability.h"

#define LIABILITY_LEASES_MAX 64 /* processes that hold leases of one outcome */
#define LIABILITY_NO_LIMIT (-1) /* an ask that only brings what is owed */

struct liability_entry {
    struct market_id market;
    struct str outcome;
    int64_t key;              /* the market's */
    int64_t epoch;            /* of the lease; 0: none */
    int64_t from_bet;         /* this process's bets from here on are under it */
    int64_t granted, charged; /* granted >= charged */
    int64_t claimed;          /* of charged: by claims that are not kept yet */
    int64_t owed;             /* the row is to grow by this in any case; < 0: to shrink */
    int64_t limit_minor, limit_since; /* the last one set anew that was counted for */
    int64_t row_minor;        /* granted to all, as of the last answer */
    int64_t owed_ms;          /* when what is owed was last asked for */
    int64_t used_ms;
    int64_t counted_ms, counting_ms; /* the last count: its end, how long it took */
    uint32_t refs;            /* claims' legs that point here */
    bool asking;
    bool stale;               /* less may be open under no lease than was counted */
    bool grown;               /* more may be */
    struct liability_claim *waiting, **last_waiting;
    size_t name_bytes;
    char name[];              /* market key, outcome: the map's key */
};

struct liability_ask;

/* The process as a holder, and its look after those that are not any more. */
struct liability_holder {
    struct store_exec exec, sweep;
    struct arena arena, sweep_arena;
    bool busy, sweeping;     /* in flight */
    int64_t epoch;           /* 0: not joined, or fenced */
    int64_t until_ms, asked_ms;
    int64_t lapsed;          /* the epoch that is swept, or was the last time */
    int64_t sweep_from;      /* its leases of market keys from here on */
    bool sweep_more;         /* there are others behind these */
    uint32_t reclaiming;     /* in flight */
    uint32_t marks;
    struct liability_ask *waiting; /* for an epoch */
};

/* What the files below tell the ones above. */
struct liability_hooks {
    /* Its claims are told: they go on where they were.  `row_minor` is what is
     * granted to all; 0 lets them ask. */
    void (*serve)(struct liability *liability, struct liability_entry *entry,
                  int64_t row_minor);
    /* All are refused as busy. */
    void (*refuse)(struct liability *liability, struct liability_entry *entry);
    /* There is an epoch, or none can be had. */
    void (*go_on)(struct liability *liability);
    /* A fenced holder had a lease of this. */
    void (*reclaim)(struct liability *liability, int64_t market_key, struct str outcome);
};

struct liability {
    struct liability_options options;
    const struct liability_hooks *hooks;
    uv_timer_t timer;
    struct map map;
    uint32_t asks;            /* in flight, or waiting for an epoch */
    struct liability_holder holder;
    bool draining;
};

/* ---- liability_entry.c ---- */

struct liability_entry *liability_entry_find(const struct liability *liability,
                                             struct market_id market, struct str outcome);
/* NULL: there are too many. */
struct liability_entry *liability_entry_make(struct liability *liability,
                                             struct market_id market, struct str outcome);
void liability_entry_drop(struct liability *liability, struct liability_entry *entry);
/* Claims what holds of it between two calls. */
void liability_entry_check(const struct liability_entry *entry);
/* There is no lease of it, and nothing charged. */
void liability_entry_clear(struct liability_entry *entry);
/* What is granted beyond what is charged goes back with the next ask. */
void liability_entry_trim(struct liability_entry *entry);
/* Claims that wait for an answer of the store, in their order. */
void liability_entry_wait(struct liability_entry *entry, struct liability_claim *claim);
struct liability_claim *liability_entry_take_waiting(struct liability_entry *entry);
bool liability_is_own(const struct liability *liability, const struct liability_entry *entry,
                      int64_t bet);

/* ---- liability_ask.c: rounds with the store ---- */

struct liability_need {
    int64_t minor, limit_minor, limit_since;
    bool count;               /* what is under no lease is counted anew */
};
void liability_ask_grant(struct liability *liability, struct liability_entry *entry,
                         const struct liability_need *need);
/* What the row is to grow by in any case, unless that was asked just now. */
void liability_ask_owed(struct liability *liability, struct liability_entry *entry);
/* The lease ends, and the entry. */
void liability_ask_leave(struct liability *liability, struct liability_entry *entry);
/* Reclaims fenced leases of an outcome that need not be known here. */
void liability_ask_reclaim(struct liability *liability, int64_t market_key, struct str outcome);
/* Asks that waited for an epoch go on, or fail when there is none. */
void liability_asks_go_on(struct liability *liability);

/* ---- liability_holder.c ---- */

void liability_holder_init(struct liability *liability);
void liability_holder_fini(struct liability *liability);
/* Often enough to renew in time. */
int64_t liability_holder_tick_ms(const struct liability *liability, int64_t at_most_ms);
/* Gets an epoch; liability_asks_go_on() follows. */
void liability_holder_join(struct liability *liability);
/* Finds out whether the epoch is over. */
void liability_holder_renew(struct liability *liability);
void liability_holder_tick(struct liability *liability);
/* Past the time it may be fenced, nothing is charged under it any more. */
void liability_holder_check(struct liability *liability);
void liability_holder_leave(struct liability *liability);
/* One of liability_ask_reclaim() has ended. */
void liability_holder_reclaimed(struct liability *liability);
/* For a row's mark: never the same twice. */
int64_t liability_holder_mark(struct liability *liability);

#endif
