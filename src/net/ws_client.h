/*
 * WebSocket, a client's side (RFC 6455, 4.1): the request of a handshake out,
 * then a server's bytes in: its answer, and messages.  Knows no sockets.
 *
 * Whatever a server sends: no crash, no more memory than the limits.
 */
#ifndef NET_WS_CLIENT_H
#define NET_WS_CLIENT_H

#include "net/ws.h"

#define WS_KEY_BYTES 24
#define WS_ANSWER_MAX ((size_t)16 * 1024) /* bytes of an answer's head */

struct ws_client {
    char key[WS_KEY_BYTES + 1];
    bool open;
    int status;            /* of the answer; 0: none came */
    struct buf head;       /* the answer, until it is complete */
    struct ws_reader reader;
};

void ws_client_init(struct ws_client *client, size_t message_limit);
void ws_client_fini(struct ws_client *client);

/* GET path; headers: whole lines, "Name: value\r\n" each, or nothing. */
void ws_client_request(const struct ws_client *client, const char *host, const char *path,
                       struct str headers, struct buf *out);

enum ws_client_result {
    WS_CLIENT_MORE,    /* all eaten, nothing is complete */
    WS_CLIENT_OPEN,    /* the handshake is done */
    WS_CLIENT_MESSAGE, /* *message holds, until the next feed */
    WS_CLIENT_FAILED,  /* message->why; nothing goes on */
};

/* Eats bytes up to the end of the answer, or of one message.  *eaten <= n. */
enum ws_client_result ws_client_feed(struct ws_client *client, const char *p, size_t n,
                                     size_t *eaten, struct ws_message *message) MUST_USE;

#endif
