/*
 * Why a request that moves money is refused: the ladder, most permanent
 * first.  The order is part of the API; docs and tests come from this table.
 * The number is stored with the verdict and never changes.
 *
 * REFUSAL(number, NAME, "code", status, "title", verdict?)
 * verdict: written under the idempotency key and given to every copy.
 */
#ifndef REFUSAL
#error "define REFUSAL before including tbl/refusals.h"
#endif
REFUSAL(1, MALFORMED, "malformed", 400, "The request cannot be read", 0)
REFUSAL(2, KEY_MISSING, "key_missing", 400, "Idempotency-Key is required", 0)
REFUSAL(3, UNAUTHORIZED, "unauthorized", 401, "Log in first", 0)
REFUSAL(4, EXCLUDED, "excluded", 403, "The customer is excluded", 1)
REFUSAL(34, COUNTRY_REFUSED, "country_refused", 451, "Not from this country", 1)
REFUSAL(35, COUNTRY_UNSIGNED, "country_unsigned", 403, "Where the request comes from is not known", 1)
REFUSAL(5, KEY_REUSED, "key_reused", 422, "This Idempotency-Key was used for another request", 0)
REFUSAL(6, STAKE_TOO_SMALL, "stake_too_small", 422, "The stake is below the minimum", 1)
REFUSAL(7, STAKE_TOO_LARGE, "stake_too_large", 422, "The stake is above the maximum", 1)
REFUSAL(8, UNKNOWN_SELECTION, "unknown_selection", 422, "There is no such selection", 1)
REFUSAL(9, RELATED_LEGS, "related_legs", 422, "Two legs are of one event", 1)
REFUSAL(10, LIMIT_REACHED, "limit_reached", 422, "A limit is reached", 1)
REFUSAL(11, MARKET_CLOSED, "market_closed", 409, "The market is closed", 1)
REFUSAL(12, MARKET_SUSPENDED, "market_suspended", 409, "The market is suspended", 1)
REFUSAL(13, ODDS_CHANGED, "odds_changed", 409, "The odds have changed", 1)
REFUSAL(14, PAYOUT_TOO_LARGE, "payout_too_large", 422, "The potential payout is above the cap", 1)
REFUSAL(15, INSUFFICIENT_FUNDS, "insufficient_funds", 422, "The balance is too small", 1)
REFUSAL(16, TOO_MANY_REQUESTS, "too_many_requests", 429, "Too many requests", 0)
REFUSAL(17, BUSY, "busy", 503, "Not now; try again with the same key", 0)
/* Beside the ladder: not about placing a bet. */
REFUSAL(18, UNDERAGE, "underage", 422, "Customers must be 18 or older", 0)
REFUSAL(19, NOT_FOUND, "not_found", 404, "There is no such thing", 0)
REFUSAL(20, METHOD_NOT_ALLOWED, "method_not_allowed", 405, "The method is not allowed here", 0)
REFUSAL(21, TOO_LARGE, "too_large", 413, "The body is too large", 0)
REFUSAL(22, ALREADY_EXISTS, "already_exists", 409, "This email is already registered", 0)
REFUSAL(23, FORBIDDEN, "forbidden", 403, "The role does not allow this", 0)
REFUSAL(24, UNSUPPORTED_TYPE, "unsupported_type", 415, "The Content-Type is not supported", 0)
REFUSAL(25, HEADERS_TOO_LARGE, "headers_too_large", 431, "The headers are too large", 0)
REFUSAL(26, WRONG_CREDENTIALS, "wrong_credentials", 401, "Email or password is wrong", 0)
REFUSAL(27, REQUEST_TIMEOUT, "request_timeout", 408, "The request took too long to arrive", 0)
REFUSAL(40, UPGRADE_REQUIRED, "upgrade_required", 426, "This is a WebSocket", 0)
/* About cashing out a bet: verdicts like a placement's. */
REFUSAL(28, CASHOUT_MOVED, "cashout_moved", 409, "The offer is below the minimum", 1)
REFUSAL(29, CASHOUT_UNAVAILABLE, "cashout_unavailable", 409, "There is no offer for this bet now", 1)
REFUSAL(30, BET_CLOSED, "bet_closed", 409, "The bet is settled or cashed out", 1)
REFUSAL(31, EXCLUSION_STANDS, "exclusion_stands", 409, "An exclusion may only be made longer", 0)
/* A trader's word on a bet that was held (beside the ladder, but a verdict). */
REFUSAL(32, DECLINED, "declined", 409, "The bet is declined", 1)
/* About the desk's proposals. */
REFUSAL(33, ALREADY_DECIDED, "already_decided", 409, "The proposal was decided before", 0)
