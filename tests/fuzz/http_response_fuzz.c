/*
 * An answer, whole and in two pieces: both must be read alike, wherever the cut is.  The
 * first byte says where.
 */
#include <stddef.h>
#include <stdint.h>

#include "net/http_response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum http_response_result feed(struct http_response *response, const char *p, size_t n)
{
    return n == 0 ? HTTP_RESPONSE_MORE : http_response_feed(response, p, n);
}

static enum http_response_result in_two(struct http_response *response, const char *p, size_t n,
                                        size_t cut)
{
    enum http_response_result result = feed(response, p, cut);

    return result == HTTP_RESPONSE_MORE ? feed(response, p + cut, n - cut) : result;
}

static void same(const struct http_response *a, const struct http_response *b)
{
    CHECK(http_response_status(a) == http_response_status(b));
    CHECK(http_response_retry_after_s(a) == http_response_retry_after_s(b));
    CHECK(http_response_retry_after_s(a) >= 0);
    CHECK(http_response_keeps_alive(a) == http_response_keeps_alive(b));
    CHECK(str_eq(http_response_body(a), http_response_body(b)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct http_response *whole = http_response_new(), *pieces = http_response_new();
    const char *p = (const char *)data + 1;
    enum http_response_result one, two;

    if (n > 1) {
        one = feed(whole, p, n - 1);
        two = in_two(pieces, p, n - 1, data[0] % n);
        if (one == HTTP_RESPONSE_DONE && two == HTTP_RESPONSE_DONE)
            same(whole, pieces);
        else if (one == HTTP_RESPONSE_MORE)
            CHECK(two == HTTP_RESPONSE_MORE);
    }
    http_response_free(whole);
    http_response_free(pieces);
    return 0;
}
