/*
 * Cash-out: what a bet is worth now (RULES.md 16).
 *
 * A settled leg counts its factor, an open one placed odds / odds now; a
 * multiple is the product, a system e_k over its legs with the bankers'
 * product before it, as in grade.h; less the margin.  Exact (GMP), one floor
 * to the minor unit at the end.  Pure.
 */
#ifndef MODEL_CASHOUT_H
#define MODEL_CASHOUT_H

#include "model/bet.h"

#define MARGIN_ONE_E4 10000 /* margins are x 10,000: 0.05 is 500 */

/*
 * The offer for stake_minor of the slip, >= 0.  odds_now_e4[i] is read for
 * open legs only and is at least ODDS_ONE_E4.  0: it is worth nothing, or is
 * fixed already and left to settlement.
 */
int64_t cashout_offer(const struct slip *slip, const int64_t odds_now_e4[LIMIT_LEGS],
                      int64_t stake_minor, int64_t margin_e4) MUST_USE;

#endif
