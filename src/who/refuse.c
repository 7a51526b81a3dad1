/*
 * What refusals say beside the table's own words: a sentence for each, and
 * the headers by which a client knows when to come again.
 */
#include "who/refuse.h"

#include "base/clock.h"
#include "who/inside.h"

#define HEADERS_MAX 4

struct str refuse_sentence(enum refusal refusal)
{
    switch (refusal) {
    case REFUSE_KEY_MISSING:
        return STR("Send an Idempotency-Key of 1 to 64 printable characters.");
    case REFUSE_UNAUTHORIZED:
        return STR("Send a session's token as Authorization: Bearer; log in for a new one.");
    case REFUSE_EXCLUDED:
        return STR("The account may not bet while the exclusion lasts.");
    case REFUSE_COUNTRY_REFUSED:
        return STR("From `country` the house takes neither bets nor deposits nor customers.");
    case REFUSE_COUNTRY_UNSIGNED:
        return STR("Use the house's own address: nothing else tells where a request comes from.");
    case REFUSE_KEY_REUSED:
        return STR("Take a new key for a new request.");
    case REFUSE_STAKE_TOO_SMALL:
        return STR("`minimum` is the smallest stake.");
    case REFUSE_STAKE_TOO_LARGE:
    case REFUSE_LIMIT_REACHED:
        return STR("`maximum` is the largest amount.");
    case REFUSE_UNKNOWN_SELECTION:
        return STR("`leg`, counted from 0, is not in the book.");
    case REFUSE_RELATED_LEGS:
        return STR("Each leg must be of another event.");
    case REFUSE_MARKET_CLOSED:
    case REFUSE_MARKET_SUSPENDED:
        return STR("`leg` is the first such leg, counted from 0.");
    case REFUSE_ODDS_CHANGED:
        return STR("`legs` has the odds now of each leg that changed.");
    case REFUSE_PAYOUT_TOO_LARGE:
        return STR("`cap` is the largest payout of a bet.");
    case REFUSE_INSUFFICIENT_FUNDS:
        return STR("`balance` is what there is.");
    case REFUSE_TOO_MANY_REQUESTS:
        return STR("Wait as long as Retry-After says.");
    case REFUSE_BUSY:
        return STR("Nothing was done.  Try again with the same key.");
    case REFUSE_CASHOUT_MOVED:
        return STR("`offer` is what is paid now.");
    case REFUSE_CASHOUT_UNAVAILABLE:
        return STR("Its payout is fixed, or it is worth too little.");
    case REFUSE_BET_CLOSED:
        return STR("`state` is what has become of it.");
    case REFUSE_EXCLUSION_STANDS:
        return STR("`excluded_until` is when it ends.");
    case REFUSE_UNDERAGE:
        return STR("By date_of_birth the customer is younger than 18 today.");
    case REFUSE_NOT_FOUND:
        return STR("Nothing of the customer's has this id.");
    case REFUSE_ALREADY_EXISTS:
        return STR("Log in, or take another email.");
    case REFUSE_WRONG_CREDENTIALS:
        return STR("No customer has this email with this password.");
    case REFUSE_DECLINED:
        return STR("The house does not take this bet.");
    default:
        return STR_NONE;
    }
}

static struct str number(struct arena *arena, int64_t n)
{
    char digits[20];
    size_t at = sizeof(digits);

    CHECK(n >= 0);
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    return arena_str(arena, (struct str){ digits + at, sizeof(digits) - at });
}

static size_t write_headers(const struct rates *rates, struct str whom, int status,
                            struct arena *arena, struct http_header headers[HEADERS_MAX])
{
    struct rate_state rate = { 0 };
    size_t n = 0;

    if (whom.n > 0 && rates_are_on(rates)) {
        rate = rates_state(rates, whom, clock_mono_us());
        headers[n++] = (struct http_header){ "RateLimit-Limit", number(arena, rate.limit) };
        headers[n++] = (struct http_header){ "RateLimit-Remaining",
                                             number(arena, rate.remaining) };
        headers[n++] = (struct http_header){ "RateLimit-Reset", number(arena, rate.reset_s) };
    }
    if (status == 429)
        headers[n++] = (struct http_header){ "Retry-After",
                                             number(arena, rate.retry_s < 1 ? 1 : rate.retry_s) };
    else if (status == 503)
        headers[n++] = (struct http_header){ "Retry-After", STR("1") };
    else if (status == 401)
        headers[n++] = (struct http_header){ "WWW-Authenticate", STR("Bearer") };
    CHECK(n <= HEADERS_MAX);
    return n;
}

void refuse_respond(struct who *who, struct http_request *request, struct str whom, int status,
                    const char *type, struct str body)
{
    struct http_header headers[HEADERS_MAX];
    size_t n;

    CHECK((unsigned)request->rate < RATE_CLASSES);
    n = write_headers(who->rates[request->rate], whom, status, &request->arena, headers);
    http_respond(request, status, type, body, headers, n);
}
