/*
 * The WebSocket codec (see net/ws.h).
 *
 * Each rule is applied with the first byte that breaks it: a frame's first
 * two bytes say whether it may be at all, its length whether the message
 * would pass the limit, each byte of text whether it can still be UTF-8.
 */
#include "net/ws.h"

#include <sodium.h>

#include "net/sha1.h"

#define MASK_BYTES 4u

enum { FIN = 0x80, RESERVED = 0x70, OPCODE = 0x0f, MASKED = 0x80, LENGTH_BITS = 0x7f };

static enum ws_result fail(struct ws_reader *reader, struct ws_message *message,
                           enum ws_code code, const char *why)
{
    reader->failed = true;
    *message = (struct ws_message){ .opcode = WS_CLOSE, .code = (uint16_t)code, .why = why };
    return WS_FAILED;
}

void ws_reader_init(struct ws_reader *reader, size_t limit_bytes)
{
    *reader = (struct ws_reader){ .failed = false };
    buf_init(&reader->message, limit_bytes);
}

void ws_reader_init_client(struct ws_reader *reader, size_t limit_bytes)
{
    ws_reader_init(reader, limit_bytes);
    reader->of_server = true;
}

void ws_reader_fini(struct ws_reader *reader)
{
    buf_fini(&reader->message);
}

/* ---- UTF-8 (RFC 3629) ----------------------------------------------------- */

static bool utf8_lead(struct ws_utf8 *utf8, uint8_t byte)
{
    utf8->low = 0x80;
    utf8->high = 0xbf;
    if (byte < 0x80)
        return true;
    if (byte < 0xc2 || byte > 0xf4)
        return false;
    utf8->left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    switch (byte) {
    case 0xe0: utf8->low = 0xa0; break;  /* else overlong */
    case 0xed: utf8->high = 0x9f; break; /* else a surrogate */
    case 0xf0: utf8->low = 0x90; break;  /* else overlong */
    case 0xf4: utf8->high = 0x8f; break; /* else above U+10FFFF */
    default: break;
    }
    return true;
}

static bool utf8_next(struct ws_utf8 *utf8, uint8_t byte)
{
    if (utf8->left == 0)
        return utf8_lead(utf8, byte);
    if (byte < utf8->low || byte > utf8->high)
        return false;
    utf8->left--;
    utf8->low = 0x80;
    utf8->high = 0xbf;
    return true;
}

static bool utf8_all(struct ws_utf8 *utf8, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!utf8_next(utf8, (uint8_t)p[i]))
            return false;
    return true;
}

/* ---- headers -------------------------------------------------------------- */

static bool is_control(uint8_t opcode)
{
    return (opcode & 8) != 0;
}

/* Bytes of a header's length, known by its second byte. */
static size_t length_bytes(const struct ws_reader *reader)
{
    unsigned length = reader->header[1] & LENGTH_BITS;

    return length == 126 ? 2u : length == 127 ? 8u : 0u;
}

static size_t header_bytes(const struct ws_reader *reader)
{
    return 2u + length_bytes(reader) + (reader->of_server ? 0u : MASK_BYTES);
}

/* What the first two bytes must hold; NULL: nothing is wrong. */
static const char *header_fault(const struct ws_reader *reader)
{
    uint8_t first = reader->header[0], second = reader->header[1];
    uint8_t opcode = first & OPCODE;

    if ((first & RESERVED) != 0)
        return "a reserved bit is set";
    if (opcode > WS_PONG || (opcode > WS_BINARY && opcode < WS_CLOSE))
        return "a reserved opcode";
    if (reader->of_server && (second & MASKED) != 0)
        return "a server's frame may not be masked";
    if (!reader->of_server && (second & MASKED) == 0)
        return "a client's frame must be masked";
    if (is_control(opcode) && (first & FIN) == 0)
        return "a control frame may not be fragmented";
    if (is_control(opcode) && (second & LENGTH_BITS) > WS_CONTROL_MAX)
        return "a control frame has at most 125 bytes";
    if (opcode == WS_CONTINUATION && reader->message_opcode == 0)
        return "a continuation of nothing";
    if ((opcode == WS_TEXT || opcode == WS_BINARY) && reader->message_opcode != 0)
        return "a new message within another";
    return NULL;
}

/* The length, also where fewer bytes would have done; RFC 6455, 5.2 wants
 * the shortest form, and the highest bit zero. */
static bool header_length(const struct ws_reader *reader, uint64_t *length)
{
    size_t bytes = length_bytes(reader);

    *length = reader->header[1] & LENGTH_BITS;
    if (bytes == 0)
        return true;
    *length = 0;
    for (size_t i = 0; i < bytes; i++)
        *length = *length << 8 | reader->header[2 + i];
    return bytes == 2 ? *length > 125 : *length > UINT16_MAX && *length >> 63 == 0;
}

/* The header is complete: what the payload will be. */
static enum ws_result frame_begin(struct ws_reader *reader, struct ws_message *message)
{
    if (!header_length(reader, &reader->left))
        return fail(reader, message, WS_PROTOCOL, "the length is not in its shortest form");
    reader->fin = (reader->header[0] & FIN) != 0;
    reader->opcode = reader->header[0] & OPCODE;
    reader->mask_at = 0;
    reader->control_n = 0;
    reader->in_payload = true;
    if (is_control(reader->opcode))
        return WS_MORE;
    if (reader->left > reader->message.limit - reader->message.n)
        return fail(reader, message, WS_TOO_BIG, "the message is too large");
    if (reader->opcode != WS_CONTINUATION) {
        reader->message_opcode = reader->opcode;
        reader->utf8 = (struct ws_utf8){ 0, 0, 0 };
    }
    return WS_MORE;
}

static enum ws_result header_feed(struct ws_reader *reader, const char *p, size_t n,
                                  size_t *eaten, struct ws_message *message)
{
    while (*eaten < n) {
        reader->header[reader->header_n++] = (uint8_t)p[(*eaten)++];
        if (reader->header_n == 1 && (reader->header[0] & RESERVED) != 0)
            return fail(reader, message, WS_PROTOCOL, "a reserved bit is set");
        if (reader->header_n < 2)
            continue;
        if (reader->header_n == 2) {
            const char *fault = header_fault(reader);

            if (fault != NULL)
                return fail(reader, message, WS_PROTOCOL, fault);
        }
        if (reader->header_n == header_bytes(reader))
            return frame_begin(reader, message);
    }
    return WS_MORE;
}

/* ---- payload -------------------------------------------------------------- */

static void unmask(struct ws_reader *reader, char *p, size_t n)
{
    const uint8_t *mask = reader->header + header_bytes(reader) - MASK_BYTES;

    if (reader->of_server)
        return;
    for (size_t i = 0; i < n; i++)
        p[i] = (char)((uint8_t)p[i] ^ mask[reader->mask_at++ & 3]);
}

/* RFC 6455, 7.4: what may stand in a close frame. */
static bool is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1011) ||
           (code >= 3000 && code <= 4999);
}

static enum ws_result close_complete(struct ws_reader *reader, struct ws_message *message)
{
    const uint8_t *p = (const uint8_t *)reader->control;
    struct ws_utf8 utf8 = { 0, 0, 0 };

    *message = (struct ws_message){ .opcode = WS_CLOSE, .code = WS_NO_CODE };
    if (reader->control_n == 0)
        return WS_MESSAGE;
    if (reader->control_n == 1)
        return fail(reader, message, WS_PROTOCOL, "a close code has two bytes");
    message->code = (uint16_t)(p[0] << 8 | p[1]);
    message->data = (struct str){ reader->control + 2, (size_t)reader->control_n - 2 };
    if (!is_close_code(message->code))
        return fail(reader, message, WS_PROTOCOL, "not a close code");
    if (!utf8_all(&utf8, message->data.p, message->data.n) || utf8.left > 0)
        return fail(reader, message, WS_NOT_UTF8, "the reason is not UTF-8");
    return WS_MESSAGE;
}

static enum ws_result frame_complete(struct ws_reader *reader, struct ws_message *message)
{
    reader->in_payload = false;
    reader->header_n = 0;
    if (reader->opcode == WS_CLOSE)
        return close_complete(reader, message);
    if (is_control(reader->opcode)) {
        *message = (struct ws_message){ .opcode = reader->opcode,
                                        .data = { reader->control, reader->control_n } };
        return WS_MESSAGE;
    }
    if (!reader->fin)
        return WS_MORE;
    if (reader->message_opcode == WS_TEXT && reader->utf8.left > 0)
        return fail(reader, message, WS_NOT_UTF8, "the text ends within a character");
    *message = (struct ws_message){ .opcode = reader->message_opcode,
                                    .data = buf_view(&reader->message) };
    reader->message_opcode = 0;
    return WS_MESSAGE;
}

static enum ws_result payload_feed(struct ws_reader *reader, const char *p, size_t n,
                                   size_t *eaten, struct ws_message *message)
{
    size_t take = n - *eaten < reader->left ? n - *eaten : (size_t)reader->left;
    char *into;

    if (is_control(reader->opcode)) {
        into = reader->control + reader->control_n;
        if (take > 0)
            memcpy(into, p + *eaten, take);
        reader->control_n = (uint8_t)(reader->control_n + take);
    } else {
        size_t at = reader->message.n;

        buf_put(&reader->message, p + *eaten, take);
        CHECK(!reader->message.overflow);
        into = take > 0 ? reader->message.p + at : NULL; /* an empty buffer has no bytes */
    }
    *eaten += take;
    reader->left -= take;
    unmask(reader, into, take);
    if (!is_control(reader->opcode) && reader->message_opcode == WS_TEXT &&
        !utf8_all(&reader->utf8, into, take))
        return fail(reader, message, WS_NOT_UTF8, "the text is not UTF-8");
    return reader->left > 0 ? WS_MORE : frame_complete(reader, message);
}

/* The last message was the caller's until now. */
static void forget_message(struct ws_reader *reader)
{
    if (reader->message_opcode != 0 || reader->message.n == 0)
        return;
    buf_fini(&reader->message);
    buf_init(&reader->message, reader->message.limit);
}

enum ws_result ws_reader_feed(struct ws_reader *reader, const char *p, size_t n, size_t *eaten,
                              struct ws_message *message)
{
    enum ws_result result = WS_MORE;

    CHECK(!reader->failed);
    *eaten = 0;
    forget_message(reader);
    while (result == WS_MORE && *eaten < n) {
        if (!reader->in_payload)
            result = header_feed(reader, p, n, eaten, message);
        if (result == WS_MORE && reader->in_payload && (*eaten < n || reader->left == 0))
            result = payload_feed(reader, p, n, eaten, message);
    }
    return result;
}

/* ---- out ------------------------------------------------------------------ */

size_t ws_header(enum ws_opcode opcode, size_t payload_n, char header[WS_HEADER_MAX])
{
    size_t bytes = payload_n < 126 ? 0 : payload_n <= UINT16_MAX ? 2 : 8;
    uint64_t rest = payload_n;

    header[0] = (char)(FIN | opcode);
    header[1] = (char)(bytes == 0 ? payload_n : bytes == 2 ? 126 : 127);
    for (size_t i = bytes; i > 0; i--, rest >>= 8)
        header[1 + i] = (char)(uint8_t)rest;
    return 2 + bytes;
}

struct frame *ws_client_frame(enum ws_opcode opcode, struct str payload)
{
    char header[WS_HEADER_MAX + MASK_BYTES];
    size_t n = ws_header(opcode, payload.n, header);
    uint8_t mask[MASK_BYTES];
    struct frame *frame;

    header[1] = (char)((uint8_t)header[1] | MASKED);
    randombytes_buf(mask, sizeof(mask));
    memcpy(header + n, mask, sizeof(mask));
    n += sizeof(mask);
    frame = frame_new((struct str[]){ { header, n }, payload }, 2);
    for (size_t i = 0; i < payload.n; i++)
        frame->bytes[n + i] = (char)((uint8_t)frame->bytes[n + i] ^ mask[i & 3]);
    return frame;
}

bool ws_accept(struct str key, char accept[WS_ACCEPT_BYTES + 1])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[24 + sizeof(guid)];
    uint8_t nonce[16], digest[SHA1_BYTES];
    size_t n = 0;

    if (key.n != 24 || sodium_base642bin(nonce, sizeof(nonce), key.p, key.n, NULL, &n, NULL,
                                         sodium_base64_VARIANT_ORIGINAL) != 0 || n != 16)
        return false;
    memcpy(text, key.p, 24);
    memcpy(text + 24, guid, sizeof(guid));
    sha1_short((struct str){ text, 24 + sizeof(guid) - 1 }, digest);
    sodium_bin2base64(accept, WS_ACCEPT_BYTES + 1, digest, sizeof(digest),
                      sodium_base64_VARIANT_ORIGINAL);
    return true;
}
