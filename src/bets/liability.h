/*
 * Liability (rule 14): what the house loses if an outcome wins, per (market,
 * outcome) in its own currency, and never above the limit, by any number of
 * processes.
 *
 *   table liability    market, outcome -> granted      one row, all processes
 *         | in portions, by one conditional UPDATE: granted + need <= limit
 *         v
 *   entry, here        granted >= charged              charged without the store
 *
 * The sum of what is charged anywhere is never above what is granted.  Where
 * an answer is unknown the error is always to the safe side: room is lost,
 * until the market leaves the book or the next start.
 *
 * A row begins with the liability of the bets that are open then, read from
 * the store; bets accepted while no limit held are counted by that or, when
 * there is an entry already, by liability_add().  At start the rows are
 * forgotten, unless another process lives on them (liability_join).
 */
#ifndef BETS_LIABILITY_H
#define BETS_LIABILITY_H

#include "model/bet.h"
#include "model/house.h"
#include "store/db.h"
#include "store/store.h"

struct liability;
struct liability_entry;

struct liability_options {
    uv_loop_t *loop;
    struct store *store;
    const struct house *house;
    int64_t node;      /* of this process */
    int64_t tick_ms;   /* looks after what is unused; 0 = 5 s */
    /* The market has left the book: nothing is sold on it any more. */
    bool (*is_over)(void *ctx, struct market_id id);
    void *ctx;
};

/* What one leg takes. */
struct liability_leg {
    struct market_id market;
    struct str outcome;
    int64_t limit_minor;   /* < 0 = none: nothing is charged */
    int64_t amount_minor;
    struct liability_entry *entry; /* charged there; NULL = not charged */
};

enum liability_result {
    LIABILITY_CHARGED = 0,
    LIABILITY_FULL,    /* nothing is charged; room_minor is what would fit */
    LIABILITY_BUSY,    /* nothing is charged, the store does not answer */
    LIABILITY_WAITING, /* on_done tells which of the others */
};

/* The caller's memory until it is kept or released; the strings too. */
struct liability_claim {
    struct liability_leg legs[LIMIT_LEGS];
    uint32_t n_legs;
    bool at_once;          /* never waits: what is granted here has to do */
    void (*on_done)(struct liability_claim *claim, enum liability_result result);
    void *ctx;
    int64_t room_minor;
    /* its own */
    uint32_t at;
    struct liability_claim *next;
};

struct liability *liability_new(const struct liability_options *options) MUST_USE;
/* Only when idle; ends in the loop's next turn. */
void liability_free(struct liability *liability);
bool liability_is_idle(const struct liability *liability);
/* Gives back what is unused, then is idle. */
void liability_drain(struct liability *liability);

/* At start, blocking: this process is one of those that hold grants.  When it
 * is the only one the rows are forgotten: by a lock that no other one has
 * (`alone`), or because no other one was seen lately. */
bool liability_join(struct db *db, int64_t node, int64_t now_ms, bool alone,
                    struct str *error) MUST_USE;

/* Charges every leg or none. */
enum liability_result liability_charge(struct liability *liability,
                                       struct liability_claim *claim);
/* A charged claim whose legs now take another amount; without the store.
 * False: it does not fit what is granted here; nothing changed but
 * room_minor. */
bool liability_recharge(struct liability *liability, struct liability_claim *claim,
                        int64_t amount_minor) MUST_USE;
/* The bet stands, or may stand: its charge stays, and the legs that no limit
 * held count as by liability_add().  The claim is over. */
void liability_keep(struct liability *liability, struct liability_claim *claim);
/* No bet came of it. */
void liability_release(struct liability *liability, struct liability_claim *claim);

/* An accepted bet without a claim, or one that is open again: counted even
 * where it does not fit. */
void liability_add(struct liability *liability, struct market_id market, struct str outcome,
                   int64_t amount_minor);
/* A bet that was counted is over, or a part of it. */
void liability_take(struct liability *liability, struct market_id market, struct str outcome,
                    int64_t amount_minor);

size_t liability_count(const struct liability *liability); /* entries */

#endif
