/*
 * net/ws_client: which answers to a handshake are taken, and what comes behind them;
 * frames that a client sends are what a server reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/ws_client.h"

#define GOOD "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n" \
             "Sec-WebSocket-Accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n"

static void begin(struct ws_client *client)
{
    ws_client_init(client, 1024);
    memcpy(client->key, "dGhlIHNhbXBsZSBub25jZQ==", WS_KEY_BYTES); /* RFC 6455, 1.3 */
}

static void an_answer_opens_it_and_messages_follow(void **state)
{
    static const char bytes[] = GOOD "\r\n\x81\x02hi\x89\x00";
    struct ws_client client;
    struct ws_message message;
    const char *p = bytes;
    size_t n = sizeof(bytes) - 1, eaten;

    (void)state;
    begin(&client);
    assert_int_equal(ws_client_feed(&client, p, 10, &eaten, &message), WS_CLIENT_MORE);
    p += eaten;
    n -= eaten;
    assert_int_equal(ws_client_feed(&client, p, n, &eaten, &message), WS_CLIENT_OPEN);
    p += eaten;
    n -= eaten;
    assert_int_equal(ws_client_feed(&client, p, n, &eaten, &message), WS_CLIENT_MESSAGE);
    assert_true(str_eq(message.data, STR("hi")));
    p += eaten;
    n -= eaten;
    assert_int_equal(ws_client_feed(&client, p, n, &eaten, &message), WS_CLIENT_MESSAGE);
    assert_int_equal(message.opcode, WS_PING);
    ws_client_fini(&client);
}

static void other_answers_are_refused(void **state)
{
    static const struct { const char *answer, *why; int status; } cases[] = {
        { "HTTP/1.1 503 Busy\r\n\r\n", "refused", 503 },
        { "HTTP/1.1 200 OK\r\n\r\n", "refused", 200 },
        { "HTTP/1.0 101 Old\r\n\r\n", "no answer of HTTP/1.1", 0 },
        { "SSH-2.0-OpenSSH\r\n\r\n", "no answer of HTTP/1.1", 0 },
        { "\r\n\r\n", "no answer of HTTP/1.1", 0 },
        { "HTTP/1.1 101 S\r\n\r\n", "not upgraded to a WebSocket", 101 },
        { "HTTP/1.1 101 S\r\nUpgrade: h2c\r\n\r\n", "not upgraded to a WebSocket", 101 },
        { "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n", "the answer is to another key", 101 },
        { "HTTP/1.1 101 S\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: no\r\n\r\n",
          "the answer is to another key", 101 },
        { GOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
          "an extension that was not asked for", 101 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct ws_client client;
        struct ws_message message;
        size_t eaten;

        begin(&client);
        assert_int_equal(ws_client_feed(&client, cases[i].answer, strlen(cases[i].answer), &eaten,
                                        &message), WS_CLIENT_FAILED);
        assert_string_equal(message.why, cases[i].why);
        assert_int_equal(client.status, cases[i].status);
        ws_client_fini(&client);
    }
}

static void an_answer_without_an_end_is_too_large(void **state)
{
    struct ws_client client;
    struct ws_message message;
    enum ws_client_result result = WS_CLIENT_MORE;
    size_t eaten, given = 0;

    (void)state;
    begin(&client);
    while (result == WS_CLIENT_MORE && given < 2 * WS_ANSWER_MAX) {
        result = ws_client_feed(&client, "X-Filling: 1\r\n", 14, &eaten, &message);
        given += 14;
    }
    assert_int_equal(result, WS_CLIENT_FAILED);
    assert_true(given <= WS_ANSWER_MAX + 14);
    ws_client_fini(&client);
}

static void a_masked_frame_is_no_servers(void **state)
{
    static const char bytes[] = GOOD "\r\n\x81\x82" "abcd" "hi";
    struct ws_client client;
    struct ws_message message;
    size_t eaten, again;

    (void)state;
    begin(&client);
    assert_int_equal(ws_client_feed(&client, bytes, sizeof(bytes) - 1, &eaten, &message),
                     WS_CLIENT_OPEN);
    assert_int_equal(ws_client_feed(&client, bytes + eaten, sizeof(bytes) - 1 - eaten, &again,
                                    &message), WS_CLIENT_FAILED);
    assert_string_equal(message.why, "a server's frame may not be masked");
    ws_client_fini(&client);
}

static void a_server_reads_what_a_client_sends(void **state)
{
    static const size_t sizes[] = { 0, 1, 125, 126, 300, 65535, 65536, 70000 };
    static char text[70000];

    (void)state;
    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        struct frame *frame = ws_client_frame(WS_TEXT, (struct str){ text, sizes[i] });
        struct ws_reader reader;
        struct ws_message message;
        size_t eaten;

        ws_reader_init(&reader, sizeof(text));
        assert_int_equal(ws_reader_feed(&reader, frame->bytes, frame->n, &eaten, &message),
                         WS_MESSAGE);
        assert_int_equal(eaten, frame->n);
        assert_true(str_eq(message.data, (struct str){ text, sizes[i] }));
        ws_reader_fini(&reader);
        frame_unref(frame);
    }
}

static void each_asks_by_a_key_of_its_own(void **state)
{
    struct ws_client a, b;
    struct buf request;

    (void)state;
    ws_client_init(&a, 1024);
    ws_client_init(&b, 1024);
    assert_string_not_equal(a.key, b.key);
    buf_init(&request, 4096);
    ws_client_request(&a, "h", "/v1/stream", STR("X-A: 1\r\n"), &request);
    assert_true(memmem(request.p, request.n, a.key, WS_KEY_BYTES) != NULL);
    assert_true(request.n > 12);
    assert_memory_equal(request.p + request.n - 12, "\r\nX-A: 1\r\n\r\n", 12);
    buf_fini(&request);
    ws_client_fini(&a);
    ws_client_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_opens_it_and_messages_follow),
        cmocka_unit_test(other_answers_are_refused),
        cmocka_unit_test(an_answer_without_an_end_is_too_large),
        cmocka_unit_test(a_masked_frame_is_no_servers),
        cmocka_unit_test(a_server_reads_what_a_client_sends),
        cmocka_unit_test(each_asks_by_a_key_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
