/*
 * Bets as customers see them.  One writer for the answer to a placement, for
 * histories and for the stream, so that a field means the same everywhere.
 */
#ifndef MODEL_BET_JSON_H
#define MODEL_BET_JSON_H

#include "base/json.h"
#include "model/bet.h"

struct bet_view {
    int64_t id, placed_ms;
    int64_t stake_minor;              /* as placed */
    int64_t potential_minor;          /* of the stake that is left */
    int64_t cashed_stake_minor;       /* taken out of the stake by cash-outs */
    int64_t cashed_paid_minor;        /* paid for it */
    enum bet_state state;
    int64_t payout_minor, settled_ms; /* settled_ms 0 = never */
    bool offered;                     /* open: the two below are said */
    int64_t offer_minor;              /* for all that is left; 0 = none now */
    int64_t margin_e4;                /* of offers */
    const struct currency *currency;
    struct str sport;
    struct str country;               /* where it was placed, as the edge signed; not the
                                         customer's to read */
    const struct slip *slip;          /* its legs with their results */
};

/* The 201 of POST /v1/bets, at first and for every copy: a function of the
 * bet as placed, so that all are the same bytes. */
void bet_write_accepted(struct buf *out, const struct bet_view *bet);
/* A bet as it stands: state, payout, and its legs' results. */
void bet_write(struct jw *w, const struct bet_view *bet);

#endif
