/*
 * Reasons to refuse a request: the ladder of POST /v1/bets, the most permanent
 * first, and below it the refusals of other requests.
 *
 * REFUSAL(id, NAME, "code", status, verdict, "title", "sentence", "members")
 *
 * id        stored with the verdict; never changes and is never used again.
 * rank      the row's place: if two refusals apply, the server answers with the
 *           one whose row comes first.  Put a new rung where it belongs, under
 *           an id above all others.
 * verdict   1: stored under the Idempotency-Key; every copy gets it, too.
 * sentence  the `detail` of an answer that has none of its own; never empty.
 * members   the JSON members that the answer carries; `?`: it may.
 *
 * From this table `make docs` writes docs/REFUSALS.md and the codes in
 * docs/openapi.yaml, and web/build.mjs writes the pages' types.
 */
#ifndef REFUSAL
#error "define REFUSAL before including tbl/refusals.h"
#endif
REFUSAL(1, MALFORMED, "malformed", 400, 0, "The request cannot be read",
        "Each answer names what cannot be read in its request.", "line? column?")
REFUSAL(2, KEY_MISSING, "key_missing", 400, 0, "Idempotency-Key is required",
        "Send an Idempotency-Key of 1 to 64 printable characters.", "")
REFUSAL(3, UNAUTHORIZED, "unauthorized", 401, 0, "Log in first",
        "Send a session's token as Authorization: Bearer; log in for a new one.", "")
REFUSAL(4, EXCLUDED, "excluded", 403, 1, "The customer is excluded",
        "The account may not bet while the exclusion lasts.", "")
REFUSAL(34, COUNTRY_REFUSED, "country_refused", 451, 1, "Not from this country",
        "The house takes no bets, deposits or registrations from `country`.", "country")
REFUSAL(35, COUNTRY_UNSIGNED, "country_unsigned", 403, 1, "The country of the request is not known",
        "Use the house's public address: only the edge there signs the country of a request.", "")
REFUSAL(5, KEY_REUSED, "key_reused", 422, 0, "This Idempotency-Key was used for another request",
        "Take a new key for a new request.", "")
REFUSAL(6, STAKE_TOO_SMALL, "stake_too_small", 422, 1, "The stake is below the minimum",
        "`minimum` is the smallest stake.", "minimum")
REFUSAL(7, STAKE_TOO_LARGE, "stake_too_large", 422, 1, "The stake is above the maximum",
        "`maximum` is the largest amount.", "maximum")
REFUSAL(8, UNKNOWN_SELECTION, "unknown_selection", 422, 1, "There is no such selection",
        "`leg`, counted from 0, is not in the book.", "leg")
REFUSAL(9, RELATED_LEGS, "related_legs", 422, 1, "Two legs are on one event",
        "Each leg must be on a different event.", "")
REFUSAL(10, LIMIT_REACHED, "limit_reached", 422, 1, "A limit is reached",
        "`maximum` is the largest amount.", "maximum kind? period?")
REFUSAL(11, MARKET_CLOSED, "market_closed", 409, 1, "The market is closed",
        "`leg` is the first such leg, counted from 0.", "leg")
REFUSAL(12, MARKET_SUSPENDED, "market_suspended", 409, 1, "The market is suspended",
        "`leg` is the first such leg, counted from 0.", "leg")
REFUSAL(13, ODDS_CHANGED, "odds_changed", 409, 1, "The odds have changed",
        "`legs` has the odds now of each leg that changed.", "odds legs")
REFUSAL(14, PAYOUT_TOO_LARGE, "payout_too_large", 422, 1, "The potential payout is above the cap",
        "`cap` is the largest payout of a bet.", "cap")
REFUSAL(15, INSUFFICIENT_FUNDS, "insufficient_funds", 422, 1, "The balance is too small",
        "`balance` is the balance now.", "balance")
REFUSAL(16, TOO_MANY_REQUESTS, "too_many_requests", 429, 0, "Too many requests",
        "Wait as long as Retry-After says.", "")
REFUSAL(17, BUSY, "busy", 503, 0, "Not now; try again with the same key",
        "Nothing was done.  Try again with the same key.", "")
/* Not on the ladder: refusals of other requests. */
REFUSAL(18, UNDERAGE, "underage", 422, 0, "Customers must be 18 or older",
        "By date_of_birth the customer is younger than 18 today.", "")
REFUSAL(19, NOT_FOUND, "not_found", 404, 0, "There is no such thing",
        "The customer has nothing with this id.", "")
REFUSAL(20, METHOD_NOT_ALLOWED, "method_not_allowed", 405, 0, "The method is not allowed here",
        "Allow has the methods of this path.", "")
REFUSAL(21, TOO_LARGE, "too_large", 413, 0, "The body is too large",
        "Send a smaller body.", "")
REFUSAL(22, ALREADY_EXISTS, "already_exists", 409, 0, "This email is already registered",
        "Log in, or take another email.", "")
REFUSAL(23, FORBIDDEN, "forbidden", 403, 0, "The role does not allow this",
        "Only operators with another role may do this.", "")
REFUSAL(24, UNSUPPORTED_TYPE, "unsupported_type", 415, 0, "The Content-Type is not supported",
        "Send the Content-Type that docs/openapi.yaml has for this path.", "")
REFUSAL(25, HEADERS_TOO_LARGE, "headers_too_large", 431, 0, "The headers are too large",
        "Send fewer or shorter headers.", "")
REFUSAL(26, WRONG_CREDENTIALS, "wrong_credentials", 401, 0, "Email or password is wrong",
        "No customer has this email with this password.", "")
REFUSAL(27, REQUEST_TIMEOUT, "request_timeout", 408, 0, "The request took too long to arrive",
        "Send the request again.", "")
REFUSAL(40, UPGRADE_REQUIRED, "upgrade_required", 426, 0, "This is a WebSocket",
        "Connect to this path with a WebSocket client.", "")
/* About cashing out a bet: verdicts like a placement's. */
REFUSAL(28, CASHOUT_MOVED, "cashout_moved", 409, 1, "The offer is below the minimum",
        "`offer` is the offer now.", "offer")
REFUSAL(29, CASHOUT_UNAVAILABLE, "cashout_unavailable", 409, 1, "There is no offer for this bet now",
        "Its payout is fixed, or it is worth too little.", "")
REFUSAL(30, BET_CLOSED, "bet_closed", 409, 1, "The bet is settled or cashed out",
        "`state` is the state of the bet now.", "state")
REFUSAL(31, EXCLUSION_STANDS, "exclusion_stands", 409, 0, "An exclusion may only be made longer",
        "`excluded_until` is when it ends.", "excluded_until")
/* A trader's decision on a held bet (not on the ladder, but a verdict). */
REFUSAL(32, DECLINED, "declined", 409, 1, "The bet is declined",
        "The house does not take this bet.", "")
/* About the desk's proposals. */
REFUSAL(33, ALREADY_DECIDED, "already_decided", 409, 0, "The proposal was decided before",
        "Read the proposal again: another operator was faster.", "")
