/* Cash-out: the offer for a bet as the book stands, and its judgement. */
#ifndef BETS_CASHOUT_H
#define BETS_CASHOUT_H

#include "model/book.h"
#include "model/bet_json.h"
#include "store/money.h"

struct cashout_rules {
    int64_t margin_e4;
    int64_t stake_min_minor; /* of a part that is taken out, and of what is left */
    int exponent;            /* of the currency, to write amounts */
};

/* A request to cash out, the bet as it was read for it, and what was judged. */
struct cashout {
    int64_t bet, minimum_minor;
    int64_t asked_minor;     /* stake to take out; 0 = all */
    struct bet_row row;
    struct slip slip;        /* its legs with their results */
    const struct currency *currency;
    int64_t left_minor, left_potential_minor; /* judged: what stays in the bet */
};

/* Columns of BET_SELECT into *row; strings stay the statement's.  False: the
 * slip or its results do not read. */
bool cashout_read_row(const struct value *cells, struct arena *arena, struct bet_row *row,
                      struct slip *slip) MUST_USE;

/* The members that a view says of its offer; the view is of an open bet. */
void cashout_put_offer(struct bet_view *view, const struct book *book, int64_t margin_e4);

/*
 * Judges the request by the bet's row and the book: fills what the store
 * needs into *money, and `members` with those of the refusal or of the answer.
 */
enum refusal cashout_judge(struct cashout *cashout, const struct cashout_rules *rules,
                           const struct book *book, struct money_cmd *money,
                           struct buf *members) MUST_USE;

/* The bet after it was carried out. */
struct bet_view cashout_view(const struct cashout *cashout, const struct money_cmd *money);

#endif
