/*
 * Any bytes into the WebSocket reader, in pieces of any size.  The first byte
 * chooses the pieces.  Whatever comes: no crash, no message over its limit,
 * and the pieces do not change what is read.
 */
#include <stdint.h>

#include "net/ws.h"

#define MESSAGE_LIMIT 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome { unsigned messages, code; size_t bytes; };

static struct outcome read_all(const char *p, size_t n, size_t piece)
{
    struct outcome outcome = { 0, 0, 0 };
    struct ws_reader reader;
    struct ws_message message;
    size_t eaten;

    ws_reader_init(&reader, MESSAGE_LIMIT);
    while (n > 0 && outcome.code == 0) {
        size_t give = n < piece ? n : piece;

        switch (ws_reader_feed(&reader, p, give, &eaten, &message)) {
        case WS_FAILED:
            outcome.code = message.code;
            CHECK(message.code == WS_PROTOCOL || message.code == WS_NOT_UTF8 ||
                  message.code == WS_TOO_BIG);
            break;
        case WS_MESSAGE:
            outcome.messages++;
            outcome.bytes += message.data.n;
            CHECK(message.data.n <= (message.opcode < WS_CLOSE ? MESSAGE_LIMIT : WS_CONTROL_MAX));
            break;
        case WS_MORE:
            CHECK(eaten == give);
            break;
        }
        CHECK(eaten <= give && (eaten > 0 || give == 0));
        p += eaten;
        n -= eaten;
    }
    ws_reader_fini(&reader);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole, pieces;

    if (size < 2)
        return 0;
    whole = read_all((const char *)data + 1, size - 1, size);
    pieces = read_all((const char *)data + 1, size - 1, (size_t)data[0] + 1);
    CHECK(whole.messages == pieces.messages && whole.bytes == pieces.bytes);
    CHECK(whole.code == pieces.code);
    return 0;
}
