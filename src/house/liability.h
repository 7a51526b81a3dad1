/*
 * Liability (rule 14): the house's loss if an outcome wins, per (market, outcome)
 * in the house's currency, never above the limit, with any number of bets
 * processes.
 *
 *   table liability_holders   a process, for a time: epoch, node, until
 *         |
 *   table liability           outcome -> granted = base + all leases
 *   table liability_leases    outcome, epoch -> granted
 *         | in portions, by one conditional UPDATE: granted + need <= limit
 *         v
 *   entry, here               granted >= charged     charged without the store
 *
 * Open bets never exceed their lease: a bet names the epoch of the lease that it
 * charges, and its transaction does nothing if that epoch is fenced
 * (store_money).  So another process can reclaim the lease of a process that
 * hangs or died: it fences the epoch, which waits for transactions under way, and
 * then counts the bets of the lease into the row's base: open bets under no
 * lease, known by the node and the time in their ids.  A process that was fenced
 * by mistake joins again under another epoch, without room.
 *
 * Bets that are over give their room back: at once to the lease that they are
 * under; for other bets, a process that finds the row full counts again.
 * An unknown answer errs on the safe side: its room is lost until the lease
 * ends.
 *
 * Bets accepted while no limit held enter the base at the next count.  When the
 * desk sets a limit, the process counts first, and grants under the former limit
 * are given back; bets under way at that moment are counted some seconds later.
 * While more is granted than the limit allows, nothing more is charged.
 *
 *   liability.c        claims
 *   liability_entry.c  what is granted here, and charged
 *   liability_ask.c    leases, grants, counts: the rounds with the store
 *   liability_money.c  what is over, by the bus's messages
 *   liability_holder.c epochs: join, renew, fence others, reclaim
 */
#ifndef HOUSE_LIABILITY_H
#define HOUSE_LIABILITY_H

#include "bus/bus.h"
#include "model/bet.h"
#include "model/house.h"
#include "store/db.h"
#include "store/ledger.h"

struct liability;
struct liability_entry;

struct liability_options {
    uv_loop_t *loop;
    struct store *store;
    const struct house *house;
    int64_t node;      /* of this process */
    int64_t tick_ms;   /* looks after what is unused; 0 = 5 s */
    int64_t lease_ms;   /* an epoch may be fenced after so long unseen; 0 = 30 s */
    /* A bet's id that is above all earlier ones of this process. */
    int64_t (*next_bet)(void *ctx);
    /* The market has left the book: nothing is sold on it any more. */
    bool (*is_over)(void *ctx, struct market_id id);
    void *ctx;
};

/* What one leg takes. */
struct liability_leg {
    struct market_id market;
    struct str outcome;
    int64_t limit_minor;   /* < 0 = none: nothing is charged */
    int64_t limit_since;   /* rises when it is set anew */
    int64_t amount_minor;
    struct liability_entry *entry; /* charged there; NULL = not charged */
    int64_t epoch;                 /* under this lease */
};

enum liability_result {
    LIABILITY_CHARGED = 0,
    LIABILITY_FULL,    /* nothing is charged; room_minor is what would fit */
    LIABILITY_BUSY,    /* nothing is charged, the store does not answer */
    LIABILITY_WAITING, /* on_done gets one of the others */
};

/* The caller's memory until it is kept or released; the strings too. */
struct liability_claim {
    struct liability_leg legs[LIMIT_LEGS];
    uint32_t n_legs;
    bool at_once;          /* never waits: what is granted here has to do */
    void (*on_done)(struct liability_claim *claim, enum liability_result result);
    void *ctx;
    int64_t room_minor;
    int64_t epoch;         /* what the bet's transaction has to name; 0 = none */
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

/* At start, blocking: when this process is the only one there can be
 * (`alone`), what others held is fenced, and the rows are forgotten. */
bool liability_join(struct db *db, bool alone, struct str *error) MUST_USE;

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
void liability_keep(struct liability *liability, struct liability_claim *claim, int64_t bet);
/* A transaction was refused for this epoch. */
void liability_fenced(struct liability *liability, int64_t epoch);
/* No bet came of it. */
void liability_release(struct liability *liability, struct liability_claim *claim);

/* An accepted bet without a claim, or one that is open again: counted even
 * where it does not fit. */
void liability_add(struct liability *liability, int64_t bet, struct market_id market,
                   struct str outcome, int64_t amount_minor);
/* A bet that was counted is over, or a part of it. */
void liability_take(struct liability *liability, int64_t bet, struct market_id market,
                    struct str outcome, int64_t amount_minor);

/* A bus_money, in a process where no other part reports each bet's change. */
void liability_on_money(struct liability *liability, const struct house *house,
                        const struct bus_money *message);

size_t liability_count(const struct liability *liability); /* entries */

#endif
