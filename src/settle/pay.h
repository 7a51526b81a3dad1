/*
 * Pay: what the facts of a market change on one bet.  Pure: the bet's row
 * and the rulings in, one conditional change of the ledger out, so that any
 * order and any repetition of the same facts ends in the same state
 * (RULES.md 1, 3).
 */
#ifndef SETTLE_PAY_H
#define SETTLE_PAY_H

#include "store/ledger.h"

/* The facts of one market key, resolved.  Two markets may share a key: the
 * key finds candidates, the full identity decides. */
struct pay_market {
    struct market_id id;
    struct ruling ruling;
};
struct pay_rulings {
    const struct pay_market *markets;
    uint32_t n;
};

/* Groups facts by their market and rules on each; into arena. */
struct pay_rulings pay_rule(const struct fact *facts, uint32_t n, struct arena *arena);

enum pay_change {
    PAY_UNCHANGED = 0,
    PAY_NOTED,      /* legs' results or flags, no money */
    PAY_SETTLED,    /* accepted -> settled */
    PAY_RESETTLED,  /* settled, with another payout */
    PAY_REOPENED,   /* settled -> accepted */
    PAY_UNREADABLE, /* its slip or results cannot be decoded */
};
/* The label of METRIC_SETTLE_BETS. */
const char *pay_change_name(enum pay_change change);

/* Memory that pay_bet() works in; kept between calls. */
struct pay_scratch {
    struct arena arena;
    struct buf text;
};
void pay_scratch_init(struct pay_scratch *scratch);
void pay_scratch_fini(struct pay_scratch *scratch);

/*
 * Judges one bet at `now_ms`.  *item is filled unless the change is
 * PAY_UNCHANGED or PAY_UNREADABLE; its strings go into `out`.
 */
enum pay_change pay_bet(const struct bet_row *row, const struct pay_rulings *rulings,
                        int64_t now_ms, struct pay_scratch *scratch, struct arena *out,
                        struct settle_item *item);

#endif
