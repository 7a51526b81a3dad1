/* Answers as the load generator reads them, whole and byte by byte. */
#include "net/http_response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
    const char *bytes;
    enum http_response_result result;
    int status;
    const char *body;
    bool keep_alive;
};

static const struct row rows[] = {
    { "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", HTTP_RESPONSE_DONE, 201, "{}",
      true },
    { "HTTP/1.1 204 No Content\r\n\r\n", HTTP_RESPONSE_DONE, 204, "", true },
    { "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
      HTTP_RESPONSE_DONE, 503, "x", false },
    { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", HTTP_RESPONSE_DONE, 200, "x", false },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
      HTTP_RESPONSE_DONE, 200, "abc", true },
    { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
      HTTP_RESPONSE_DONE, 200, "x", true },
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx", HTTP_RESPONSE_MORE, 200, "x", false },
    { "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x02{}",
      HTTP_RESPONSE_DONE, 101, "", true },
    { "SSH-2.0-OpenSSH\r\n", HTTP_RESPONSE_BAD, 0, "", false },
};

static void check(const struct http_response *response, const struct row *row)
{
    if (row->result == HTTP_RESPONSE_BAD) {
        assert_non_null(http_response_why(response));
        return;
    }
    assert_int_equal(http_response_status(response), row->status);
    assert_true(str_eq(http_response_body(response), str_of(row->body)));
    assert_int_equal(http_response_keeps_alive(response), row->keep_alive);
}

static void whole(void **state)
{
    struct http_response *response = http_response_new();
    (void)state;

    for (size_t i = 0; i < LENGTH(rows); i++) {
        http_response_start(response);
        assert_int_equal(http_response_feed(response, rows[i].bytes, strlen(rows[i].bytes)),
                         rows[i].result);
        check(response, &rows[i]);
    }
    http_response_free(response);
}

static void byte_by_byte(void **state)
{
    struct http_response *response = http_response_new();
    (void)state;

    for (size_t i = 0; i < LENGTH(rows); i++) {
        enum http_response_result result = HTTP_RESPONSE_MORE;
        const char *p = rows[i].bytes;

        http_response_start(response);
        while (*p != '\0' && result == HTTP_RESPONSE_MORE)
            result = http_response_feed(response, p++, 1);
        assert_int_equal(result, rows[i].result);
        check(response, &rows[i]);
    }
    http_response_free(response);
}

/* Nothing was asked that a second one would answer. */
static void two_at_once(void **state)
{
    struct http_response *response = http_response_new();
    const char *two = "HTTP/1.1 427 A\r\nContent-Length: 2\r\n\r\n{}"
                      "HTTP/1.1 200 B\r\nContent-Length: 2\r\n\r\n[]";
    (void)state;

    assert_int_equal(http_response_feed(response, two, strlen(two)), HTTP_RESPONSE_BAD);
    assert_string_equal(http_response_why(response),
                        "bytes behind the answer that nobody asked for");
    assert_int_equal(http_response_status(response), 427);
    assert_true(str_eq(http_response_body(response), STR("{}")));
    http_response_free(response);
}

/* However its name is cut: it is this one, and no longer one that begins so. */
static void retry_after(void **state)
{
    static const struct { const char *headers; int64_t s; } told[] = {
        { "Retry: 9\r\nRetry-After-All: 8\r\nRETRY-after: 7\r\nX: 6\r\n", 7 },
        { "Retry-After: 99999999999999999999\r\n", 86400 },
        { "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", 0 },
        { "X-Retry-After: 5\r\nRetry-After: \r\n", 0 },
        { "Retry-After: 5\r\nRetry-After: 6\r\n", 6 },
        { "", 0 },
    };
    struct http_response *response = http_response_new();
    char text[200];
    (void)state;

    for (size_t i = 0; i < LENGTH(told); i++) {
        int n = snprintf(text, sizeof(text), "HTTP/1.1 429 Slow\r\n%sContent-Length: 0\r\n\r\n",
                         told[i].headers);

        for (int step = 1; step <= n; step++) {
            enum http_response_result result = HTTP_RESPONSE_MORE;

            http_response_start(response);
            for (int at = 0; at < n; at += step)
                result = http_response_feed(response, text + at,
                                            (size_t)(at + step < n ? step : n - at));
            assert_int_equal(result, HTTP_RESPONSE_DONE);
            assert_int_equal(http_response_retry_after_s(response), told[i].s);
        }
    }
    http_response_free(response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole), cmocka_unit_test(byte_by_byte),
        cmocka_unit_test(two_at_once), cmocka_unit_test(retry_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
