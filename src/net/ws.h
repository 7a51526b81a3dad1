/*
 * WebSocket (RFC 6455): bytes in, messages out; frames' headers out.  Knows no
 * sockets and no HTTP (ws_client.h: a client's handshake).  No extensions.
 *
 * A reader keeps a message's bytes until it is complete, and nothing between
 * messages.
 */
#ifndef NET_WS_H
#define NET_WS_H

#include <stdint.h>

#include "base/buf.h"
#include "net/frame.h"

enum ws_opcode {
    WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10,
};

enum ws_code {
    WS_NORMAL = 1000, WS_GOING_AWAY = 1001, WS_PROTOCOL = 1002, WS_UNSUPPORTED = 1003,
    WS_NO_CODE = 1005, /* never sent: a close frame without a code */
    WS_NOT_UTF8 = 1007, WS_POLICY = 1008, WS_TOO_BIG = 1009, WS_TRY_LATER = 1013,
};

#define WS_CONTROL_MAX 125 /* bytes of a control frame */
#define WS_HEADER_MAX 10   /* bytes of an unmasked frame's header */

/* Text, seen byte by byte. */
struct ws_utf8 {
    uint8_t left;       /* continuation bytes to come */
    uint8_t low, high;  /* what the next one may be */
};

struct ws_reader {
    struct buf message;              /* fragments so far */
    uint8_t header[14], header_n;
    uint8_t opcode;                  /* of the frame */
    uint8_t message_opcode;          /* of the fragments; 0 = none began */
    bool of_server;                  /* its frames come, which are not masked */
    bool fin, in_payload, failed;
    uint8_t mask_at;
    uint8_t control_n;
    uint64_t left;                   /* payload bytes to come */
    struct ws_utf8 utf8;
    char control[WS_CONTROL_MAX];    /* a control frame may stand amid fragments */
};

enum ws_result {
    WS_MORE,    /* all eaten, nothing is complete */
    WS_MESSAGE, /* *message holds, until the next feed */
    WS_FAILED,  /* the connection must be failed; nothing goes on */
};

/* opcode TEXT, BINARY, CLOSE, PING or PONG.  Of CLOSE: code and reason. */
struct ws_message {
    enum ws_opcode opcode;
    struct str data;
    uint16_t code; /* what a CLOSE brought; of WS_FAILED: what to close with */
    const char *why;
};

void ws_reader_init(struct ws_reader *reader, size_t limit_bytes);
/* Of what a server sends. */
void ws_reader_init_client(struct ws_reader *reader, size_t limit_bytes);
void ws_reader_fini(struct ws_reader *reader);
/* Eats bytes up to the end of one message.  *eaten <= n. */
enum ws_result ws_reader_feed(struct ws_reader *reader, const char *p, size_t n, size_t *eaten,
                              struct ws_message *message) MUST_USE;

/* The header of an unfragmented, unmasked frame; returns its bytes. */
size_t ws_header(enum ws_opcode opcode, size_t payload_n, char header[WS_HEADER_MAX]);

/* A client's frame, masked; the caller's reference. */
struct frame *ws_client_frame(enum ws_opcode opcode, struct str payload) MUST_USE;

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key.  False: not 16 bytes in
 * base64. */
#define WS_ACCEPT_BYTES 28
bool ws_accept(struct str key, char accept[WS_ACCEPT_BYTES + 1]) MUST_USE;

#endif
