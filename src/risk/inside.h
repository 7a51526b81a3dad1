/* Shared by the files of risk/; no other directory includes it. */
#ifndef RISK_INSIDE_H
#define RISK_INSIDE_H

#include "risk/exposure.h"
#include "risk/risk.h"

#define LARGE_BETS 1000

/* A large bet as it was accepted. */
struct large_bet {
    int64_t id, account, at_ms, stake_minor, potential_minor, house_minor;
    const struct currency *currency;
    char country[3]; /* as the edge signed it, or "" */
    struct str slip; /* its own memory, slip_encode() */
};

struct risk {
    struct risk_options options;
    struct exposure *exposure;
    struct map parts;            /* bet -> struct part: what partial cash-outs left */
    int64_t unrated;             /* open bets whose currency has no rate: counted as 0 */
    struct large_bet large[LARGE_BETS]; /* a ring */
    uint64_t n_large;
    struct buf scratch;
};

#endif
