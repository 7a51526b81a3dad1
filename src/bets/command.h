/*
 * Requests that move money: the part that all kinds share (command.c), and the
 * part of each kind (kind_*.c).
 *
 *   command.c  arrival -> key -> enter() .......... the kind: delays, gate, reads
 *              command_enter_lane() -> judge() .... the kind: what is moved
 *              the store's answer -> settle_gate(), publish, write_done() -> answer
 *
 * A further kind is one file with one struct money_kind, an op of the store
 * and a route.
 */
#ifndef BETS_COMMAND_H
#define BETS_COMMAND_H

#include "base/metrics.h"
#include "bets/inside.h"
#include "bets/traced.h"
#include "model/bet_json.h"
#include "who/refuse.h"
#include "who/where.h"

struct money_command;

struct money_kind {
    const char *name;
    enum money_op op;
    size_t bytes;            /* of its own struct, which begins with a money_command */
    enum metric metric;      /* its answers are counted under, by result */
    const char *done;        /* the result when it was carried out */
    int status;              /* of that answer */
    bool brings_money;       /* the house looks from where */
    bool is_timed;           /* traced, and its latency observed */
    bool is_about_bet;       /* what is published shows a bet */

    /* The body into the kind's own fields, lane.money.amount_minor and `text`.
     * False: *error says what is wrong. */
    bool (*read)(struct money_command *c, const struct currency *currency, struct str *error);
    /* NULL, or whether what the path names can be there at all. */
    bool (*is_there)(const struct money_command *c);
    /* The key is new: goes on to command_enter_lane() or command_give_up(). */
    void (*enter)(struct money_command *c);
    /* The batch is formed: the verdict, and what the store needs.  Members of a
     * refusal into bets->members, which is empty. */
    void (*judge)(struct money_command *c);
    /* NULL, or what enter() took is given back or stays; once, unless the kind's
     * enter() was never begun. */
    void (*settle_gate)(struct money_command *c, enum lane_result result);
    /* NULL, or judges by what has moved meanwhile; goes on as enter() does. */
    void (*enter_again)(struct money_command *c);
    /* Done: the event, and the bet as it stands if it is about one. */
    int (*publish)(const struct money_command *c, struct bet_view *view);
    /* NULL, or what else is counted when it is done. */
    void (*count_done)(const struct money_command *c);
    /* The answer when it is done: now, and from what the store has kept.  False:
     * the row does not hold what its verdict promises. */
    void (*write_done)(const struct money_command *c, struct buf *out);
    bool (*write_stored)(struct money_command *c, const struct value *row, struct buf *out);
};

struct money_command {
    struct lane_cmd lane; /* first: lane.c gives it back */
    uint32_t magic;
    const struct money_kind *kind;
    struct bets *bets;
    struct http_request *request;
    struct session session;
    struct str text;               /* fields beside the amount, in canonical form: hashed */
    struct where where;            /* of kinds that bring money: looked at on arrival */
    struct key_verdict *verdict;       /* in flight */
    struct command_copy *copies, **last_copy; /* requests with the same key */
    struct store_exec exec;
    struct bet_trace *traced;         /* NULL: it is not */
    bool delayed;                  /* it was kept open: no latency of ours */
    bool gated;
};

/* A request that brought the key of one in flight: it gets the same answer. */
struct command_copy {
    struct http_request *request;
    struct bet_trace *traced;
    struct command_copy *next;
};

/* ---- command.c ---- */

/* A request from arrival to answer. */
void command_start(struct bets *bets, struct http_request *request,
                   const struct money_kind *kind);
/* What enter() and enter_again() end with: into the lane, if there is room; */
void command_enter_lane(struct money_command *c);

/* ---- command_replay.c ---- */

/* Answers by what the store has kept of the key. */
void command_replay(struct money_command *c);

/* ---- command_answer.c ---- */

/* Claims what holds of any command between arrival and answer. */
void command_check(const struct money_command *c);

/* Kind, bets and request are set, all else is zero: it is being worked on. */
void command_init(struct money_command *c);
/* Refused without a verdict: the key is as if it had never come.  Before there
 * is an entry of it, */
void command_refuse(struct money_command *c, enum refusal refusal, struct str detail);
/* and after. */
void command_give_up(struct money_command *c, enum refusal refusal);
/* By a verdict; `text` is the answer when it is done, else the members. */
void command_answer(struct money_command *c, enum refusal refusal, struct str text);
/* The store's answer is not known: neither is ours (rule 13). */
void command_answer_pending(struct money_command *c);
/* One of its kind came to this result. */
void command_count(const struct money_command *c, struct str result);
/* The members of a refusal that the store decided, or had been given. */
void command_write_members(const struct money_command *c, struct buf *out);
/* What insufficient_funds tells: the balance at its verdict. */
void command_write_balance(struct buf *out, int64_t balance_minor, int exponent);

#endif
