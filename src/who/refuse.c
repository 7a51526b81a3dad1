/*
 * Answers that tell the rate, and with a refusal when to come again.
 */
#include "who/refuse.h"

#include "base/clock.h"
#include "who/inside.h"

#define HEADERS_MAX 4

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
