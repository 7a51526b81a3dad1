/* The WebSocket codec: frames whole, in pieces, and everything that a
 * connection must be failed for.  The numbers are the Autobahn cases. */
#include "net/ws.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/sha1.h"

#define LIMIT 1000

/* Frames in a row as a client sends them, masked. */
static void put_frame(struct buf *out, unsigned first, struct str payload)
{
    static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    char header[WS_HEADER_MAX];
    size_t n = ws_header(WS_TEXT, payload.n, header);

    header[0] = (char)first;
    header[1] = (char)(header[1] | 0x80);
    buf_put(out, header, n);
    buf_put(out, mask, sizeof(mask));
    for (size_t i = 0; i < payload.n; i++)
        buf_char(out, (char)((uint8_t)payload.p[i] ^ mask[i & 3]));
}

/* What came of the bytes: "text(abc) ping() failed(1002)". */
static void read_all(struct str bytes, size_t piece, struct buf *told)
{
    static const char *const names[] = { "", "text", "binary", "", "", "", "", "", "close",
                                         "ping", "pong" };
    struct ws_reader reader;
    struct ws_message message;
    size_t eaten;

    ws_reader_init(&reader, LIMIT);
    while (bytes.n > 0 && !reader.failed) {
        switch (ws_reader_feed(&reader, bytes.p, bytes.n < piece ? bytes.n : piece, &eaten,
                               &message)) {
        case WS_MORE:
            assert_int_equal(eaten, bytes.n < piece ? bytes.n : piece);
            break;
        case WS_MESSAGE:
            buf_printf(told, "%s", names[message.opcode]);
            if (message.opcode == WS_CLOSE)
                buf_printf(told, "%u", message.code);
            buf_printf(told, "(" STR_FMT ") ", STR_ARG(message.data));
            break;
        case WS_FAILED:
            assert_non_null(message.why);
            buf_printf(told, "failed(%u)", message.code);
            break;
        }
        bytes.p += eaten;
        bytes.n -= eaten;
    }
    ws_reader_fini(&reader);
}

static void expect(struct str bytes, const char *want)
{
    for (size_t piece = 1; piece <= bytes.n; piece = piece < 16 ? piece + 1 : piece * 2) {
        struct buf told;

        buf_init(&told, 100000);
        read_all(bytes, piece, &told);
        buf_char(&told, '\0');
        assert_string_equal(told.p, want);
        buf_fini(&told);
    }
}

struct sequence {
    const char *name;
    struct { unsigned first; const char *payload; } frames[6]; /* first 0x100: the end */
    const char *want;
};

#define END { 0x100, NULL }
static const struct sequence sequences[] = {
    { "1.1.1 empty text", { { 0x81, "" }, END }, "text() " },
    { "1.1.2 text", { { 0x81, "hello" }, END }, "text(hello) " },
    { "1.2.1 empty binary", { { 0x82, "" }, END }, "binary() " },
    { "2.1 empty ping", { { 0x89, "" }, END }, "ping() " },
    { "2.2 ping with a payload", { { 0x89, "abc" }, END }, "ping(abc) " },
    { "2.7 pong unasked", { { 0x8a, "" }, END }, "pong() " },
    { "3.1 RSV1", { { 0xc1, "" }, END }, "failed(1002)" },
    { "3.2 RSV2 after a text", { { 0x81, "a" }, { 0xa1, "b" }, END }, "text(a) failed(1002)" },
    { "3.5 RSV on binary", { { 0xd2, "" }, END }, "failed(1002)" },
    { "3.7 RSV on close", { { 0xf8, "" }, END }, "failed(1002)" },
    { "4.1.1 opcode 3", { { 0x83, "" }, END }, "failed(1002)" },
    { "4.1.5 opcode 7", { { 0x87, "x" }, END }, "failed(1002)" },
    { "4.2.1 opcode 11", { { 0x8b, "" }, END }, "failed(1002)" },
    { "4.2.5 opcode 15", { { 0x8f, "x" }, END }, "failed(1002)" },
    { "5.1 fragmented ping", { { 0x09, "a" }, END }, "failed(1002)" },
    { "5.2 fragmented pong", { { 0x0a, "a" }, END }, "failed(1002)" },
    { "5.3 two fragments", { { 0x01, "ab" }, { 0x80, "cd" }, END }, "text(abcd) " },
    { "5.6 ping amid fragments", { { 0x01, "ab" }, { 0x89, "p" }, { 0x80, "cd" }, END },
      "ping(p) text(abcd) " },
    { "5.9 continuation of nothing", { { 0x80, "a" }, END }, "failed(1002)" },
    { "5.11 the same, not final", { { 0x00, "a" }, END }, "failed(1002)" },
    { "5.12 continuation after a message", { { 0x81, "a" }, { 0x00, "b" }, END },
      "text(a) failed(1002)" },
    { "5.18 text within a text", { { 0x01, "a" }, { 0x81, "b" }, END }, "failed(1002)" },
    { "5.19 pings between five fragments",
      { { 0x01, "a" }, { 0x00, "b" }, { 0x89, "p" }, { 0x00, "c" }, { 0x80, "d" }, END },
      "ping(p) text(abcd) " },
    { "6.1.1 empty fragments", { { 0x01, "" }, { 0x00, "" }, { 0x80, "" }, END }, "text() " },
    { "6.2.1 text", { { 0x81, "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xe2\x82\xac" }, END },
      "text(Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xe2\x82\xac) " },
    { "6.2.3 split within a character", { { 0x01, "\xe2\x82" }, { 0x80, "\xac" }, END },
      "text(\xe2\x82\xac) " },
    { "6.3.1 not UTF-8", { { 0x81, "\xce\xba\xed\xa0\x80" "edited" }, END }, "failed(1007)" },
    { "6.3.2 the same in fragments", { { 0x01, "\xce\xba" }, { 0x80, "\xed\xa0" }, END },
      "failed(1007)" },
    { "6.4.1 fail fast", { { 0x01, "\xf4\x90\x80\x80" }, END }, "failed(1007)" },
    { "6.6.2 ends within a character", { { 0x81, "\xce" }, END }, "failed(1007)" },
    { "6.8.1 five bytes", { { 0x81, "\xf8\x88\x80\x80\x80" }, END }, "failed(1007)" },
    { "6.10.1 above U+10FFFF", { { 0x81, "\xf4\x90\x80\x80" }, END }, "failed(1007)" },
    { "6.12.1 a lone continuation", { { 0x81, "\x80" }, END }, "failed(1007)" },
    { "6.13.1 a lone lead", { { 0x81, "\xc0 \xc1 " }, END }, "failed(1007)" },
    { "6.16.1 overlong", { { 0x81, "\xe0\x80\xaf" }, END }, "failed(1007)" },
    { "6.18.1 overlong of four", { { 0x81, "\xf0\x8f\xbf\xbf" }, END }, "failed(1007)" },
    { "6.20.1 a surrogate", { { 0x81, "\xed\xa0\x80" }, END }, "failed(1007)" },
    { "6.7.4 U+10FFFF", { { 0x81, "\xf4\x8f\xbf\xbf" }, END }, "text(\xf4\x8f\xbf\xbf) " },
    { "binary need not be UTF-8", { { 0x82, "\xff\xfe" }, END }, "binary(\xff\xfe) " },
    { "7.3.1 close without a code", { { 0x88, "" }, END }, "close1005() " },
    { "7.3.2 a code of one byte", { { 0x88, "a" }, END }, "failed(1002)" },
    { "7.3.3 close", { { 0x88, "\x03\xe8" }, END }, "close1000() " },
    { "7.3.4 with a reason", { { 0x88, "\x03\xe8" "bye" }, END }, "close1000(bye) " },
    { "7.5.1 reason not UTF-8", { { 0x88, "\x03\xe8\xce" }, END }, "failed(1007)" },
    { "7.7.4 1007", { { 0x88, "\x03\xef" }, END }, "close1007() " },
    { "7.7.12 4999", { { 0x88, "\x13\x87" }, END }, "close4999() " },
    { "7.9.2 999", { { 0x88, "\x03\xe7" }, END }, "failed(1002)" },
    { "7.9.3 1004", { { 0x88, "\x03\xec" }, END }, "failed(1002)" },
    { "7.9.4 1005", { { 0x88, "\x03\xed" }, END }, "failed(1002)" },
    { "7.9.5 1006", { { 0x88, "\x03\xee" }, END }, "failed(1002)" },
    { "7.9.6 1016", { { 0x88, "\x03\xf8" }, END }, "failed(1002)" },
    { "7.9.10 2999", { { 0x88, "\x0b\xb7" }, END }, "failed(1002)" },
    { "7.13.1 5000", { { 0x88, "\x13\x88" }, END }, "failed(1002)" },
    { "a close amid fragments", { { 0x01, "a" }, { 0x88, "\x03\xe8" }, END }, "close1000() " },
};

static void each_sequence(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(sequences); i++) {
        const struct sequence *s = &sequences[i];
        struct buf bytes;

        buf_init(&bytes, 100000);
        for (size_t f = 0; f < LENGTH(s->frames) && s->frames[f].first < 0x100 &&
                           s->frames[f].payload != NULL; f++)
            put_frame(&bytes, s->frames[f].first, str_of(s->frames[f].payload));
        print_message("%s\n", s->name);
        expect(buf_view(&bytes), s->want);
        buf_fini(&bytes);
    }
}

static void expect_long(unsigned first, size_t n, const char *want)
{
    static const char x[2 * LIMIT] = { 0 };
    struct buf bytes, told;

    buf_init(&bytes, 100000);
    buf_init(&told, 100000);
    put_frame(&bytes, first, (struct str){ x, n });
    read_all(buf_view(&bytes), 7, &told);
    assert_true(told.n >= strlen(want));
    assert_memory_equal(told.p, want, strlen(want));
    buf_fini(&bytes);
    buf_fini(&told);
}

static void lengths(void **state)
{
    (void)state;
    expect_long(0x82, 125, "binary("); /* 1.2.2 */
    expect_long(0x82, 126, "binary("); /* 1.2.3 */
    expect_long(0x82, LIMIT, "binary(");
    expect_long(0x82, LIMIT + 1, "failed(1009)");
    expect_long(0x89, 125, "ping(");       /* 2.4 */
    expect_long(0x89, 126, "failed(1002)"); /* 2.5 */
    expect_long(0x88, 126, "failed(1002)"); /* 7.3.6 */
}

/* The limit is of the message, and is known before the bytes come. */
static void fragments_share_the_limit(void **state)
{
    static const char x[LIMIT] = { 0 };
    struct buf bytes;

    (void)state;
    buf_init(&bytes, 100000);
    put_frame(&bytes, 0x02, (struct str){ x, 600 });
    put_frame(&bytes, 0x80, (struct str){ x, 401 });
    expect((struct str){ bytes.p, 600 + 8 + 8 }, "failed(1009)");
    buf_fini(&bytes);
}

static void unmasked_fails(void **state)
{
    (void)state;
    expect(STR("\x81\x02hi"), "failed(1002)");
    expect(STR("\x81\x02"), "failed(1002)");
}

/* RFC 6455, 5.2: the fewest bytes must be used; the highest bit is zero. */
static void odd_lengths_fail(void **state)
{
    (void)state;
    expect(STR("\x82\xfe\x00\x05\x01\x02\x03\x04"), "failed(1002)");
    expect(STR("\x82\xff\x00\x00\x00\x00\x00\x00\x00\x05\x01\x02\x03\x04"), "failed(1002)");
    expect(STR("\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04"), "failed(1002)");
}

static void nothing_is_kept_between_messages(void **state)
{
    struct ws_reader reader;
    struct ws_message message;
    struct buf bytes;
    size_t eaten;

    (void)state;
    ws_reader_init(&reader, LIMIT);
    buf_init(&bytes, 1000);
    put_frame(&bytes, 0x81, STR("hello"));
    assert_int_equal(ws_reader_feed(&reader, bytes.p, bytes.n, &eaten, &message), WS_MESSAGE);
    assert_int_equal(message.data.n, 5);
    assert_int_equal(ws_reader_feed(&reader, "", 0, &eaten, &message), WS_MORE);
    assert_int_equal(reader.message.room, 0);
    buf_fini(&bytes);
    ws_reader_fini(&reader);
}

static void headers_out(void **state)
{
    char header[WS_HEADER_MAX];

    (void)state;
    assert_int_equal(ws_header(WS_TEXT, 125, header), 2);
    assert_memory_equal(header, "\x81\x7d", 2);
    assert_int_equal(ws_header(WS_BINARY, 126, header), 4);
    assert_memory_equal(header, "\x82\x7e\x00\x7e", 4);
    assert_int_equal(ws_header(WS_TEXT, 65536, header), 10);
    assert_memory_equal(header, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
}

static void accept_keys(void **state)
{
    char accept[WS_ACCEPT_BYTES + 1];

    (void)state;
    /* RFC 6455, 1.3 */
    assert_true(ws_accept(STR("dGhlIHNhbXBsZSBub25jZQ=="), accept));
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_false(ws_accept(STR("dGhlIHNhbXBsZSBub25jZQ="), accept));
    assert_false(ws_accept(STR("!GhlIHNhbXBsZSBub25jZQ=="), accept));
    assert_false(ws_accept(STR("dGhlIHNhbXBsZSBub25jZQAA"), accept));
    assert_false(ws_accept(STR_NONE, accept));
}

static void expect_sha1(struct str text, const char *want)
{
    uint8_t digest[SHA1_BYTES];
    char hex[2 * SHA1_BYTES + 1];

    sha1_short(text, digest);
    for (unsigned i = 0; i < SHA1_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(hex, want);
}

static void sha1_vectors(void **state)
{
    (void)state; /* FIPS 180-4's examples */
    expect_sha1(STR("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect_sha1(STR_NONE, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    expect_sha1(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sequence),
        cmocka_unit_test(lengths),
        cmocka_unit_test(fragments_share_the_limit),
        cmocka_unit_test(unmasked_fails),
        cmocka_unit_test(odd_lengths_fail),
        cmocka_unit_test(nothing_is_kept_between_messages),
        cmocka_unit_test(headers_out),
        cmocka_unit_test(accept_keys),
        cmocka_unit_test(sha1_vectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
