/*
 * The money commands of the ledger (store/ledger.h): what moves customers'
 * money, as judged when a batch is formed, and what the store made of it.
 */
#ifndef STORE_MONEY_H
#define STORE_MONEY_H

#include "model/refusal.h"
#include "store/ledger.h"

enum money_op {
#define MONEY_KIND(number, NAME, credits, house, transfer, event, of_bet) MONEY_##NAME = number,
#include "tbl/money_kinds.h"
#undef MONEY_KIND
};

enum money_outcome {
    MONEY_PENDING = 0,
    MONEY_DECIDED,   /* .verdict is now stored under the key (0 = done) */
    MONEY_KNOWN,     /* the key was decided before: ask KEY_GET */
    MONEY_SKIPPED,   /* another transaction holds the account: again */
    MONEY_UNAUTHORIZED, /* the session's epoch is over, or no such account */
    MONEY_MOVED,    /* a cash-out's bet is not at .version any more: read it again */
    MONEY_FENCED,   /* a liability_epoch of the batch is over: nothing but its
                       cash-outs happened */
};

struct money_cmd {
    /* in */
    enum money_op op;
    int64_t account;
    int64_t epoch;            /* of the session */
    struct str key;           /* Idempotency-Key */
    uint8_t hash[16];         /* of the parsed fields */
    enum refusal verdict;     /* judged when the batch was formed */
    struct str detail;        /* of a refusal: JSON members, stored with it; of a
                                 cash-out that is done those of its answer */
    int64_t amount_minor;     /* > 0: stake, deposit, withdrawal; cash-out: to pay */
    int64_t at_ms;
    /* in, MONEY_CASHOUT only */
    int64_t version;          /* the bet's, as judged */
    int64_t cashed_minor;     /* stake that is taken out, <= what is left */
    bool full;                /* it was all: the bet is cashed out */
    /* in, MONEY_BET; MONEY_CASHOUT: bet, potential (of what is left), currency */
    int64_t bet;              /* id */
    int64_t potential_minor, cap_minor;
    const char *currency;
    struct str sport;
    struct str country;       /* as the edge signed it, kept on the bet; '' = nobody looked */
    struct str slip;          /* slip_encode() */
    int64_t market_keys[LIMIT_LEGS];
    uint32_t n_legs;
    struct str traceparent;   /* of the request, kept in bet_traces; empty = not traced */
    int64_t liability_epoch;  /* whose leases it charges (rule 14); 0 = no limit holds */
    /* out */
    enum money_outcome outcome;
    enum refusal decided;     /* MONEY_DECIDED: NOTHING, or the refusal: the
                                 one judged, or excluded, insufficient_funds */
    int64_t limit_reached;    /* LIMIT_REACHED by the customer's own limit, which is
                                 own_limit_reached_pack()'s; else 0 */
    int64_t seq;              /* of its transfer, when done */
    int64_t balance_minor;    /* after, when done; now, when refused */
    int64_t debt_minor, staked_minor; /* likewise */
    /* the caller's own */
    void *owner;
};

/*
 * One transaction for all n commands (n <= LIMIT_BATCH), at most one per
 * account.  Locks accounts in id order, skipping those held (`wait`: with a
 * lock time-out instead; used for a command alone).  Per command, in order:
 * epoch differs -> UNAUTHORIZED; key known -> KNOWN; then the verdict is
 * excluded (status <> 0, or excluded_until_ms > at_ms; a withdrawal is
 * allowed) or limit_reached (accounts.limited: rows of limits, by which only
 * rungs above it go before) or the one judged or insufficient_funds or done,
 * and is stored
 * with the key; when done also: the account's row, the transfer, the bet and
 * its legs, one outbox row for the whole batch.
 * A cash-out takes stake out of an accepted bet, which an excluded customer
 * may do as well as withdraw; a bet at another version: MOVED, nothing stored.
 * What charges limits happens only while its holder's epoch (liability_holders)
 * is not fenced; who fences waits for a batch that is under way.
 */
struct money_batch {
    struct money_cmd *cmds[LIMIT_BATCH];
    uint32_t n;
    bool wait;
    void (*on_done)(struct money_batch *batch, enum store_result result);
    void *ctx;
};

/* Invariants (money_check.c): of a batch and its commands as they come to the
 * store; of what an engine says of each when the batch is applied. */
void money_batch_check(const struct money_batch *batch);
void money_answer_check(const struct money_batch *batch);

#endif
