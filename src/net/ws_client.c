/* A WebSocket's client: see net/ws_client.h. */
#include "net/ws_client.h"

#include <sodium.h>
#include <strings.h>

#include "base/text.h"

#define KEY_RAW 16

void ws_client_init(struct ws_client *client, size_t message_limit)
{
    uint8_t raw[KEY_RAW];

    *client = (struct ws_client){ .open = false };
    randombytes_buf(raw, sizeof(raw));
    sodium_bin2base64(client->key, sizeof(client->key), raw, sizeof(raw),
                      sodium_base64_VARIANT_ORIGINAL);
    buf_init(&client->head, WS_ANSWER_MAX);
    ws_reader_init_client(&client->reader, message_limit);
}

void ws_client_fini(struct ws_client *client)
{
    buf_fini(&client->head);
    ws_reader_fini(&client->reader);
}

void ws_client_request(const struct ws_client *client, const char *host, const char *path,
                       struct str headers, struct buf *out)
{
    buf_printf(out, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: %s\r\n" STR_FMT "\r\n",
               path, host, client->key, STR_ARG(headers));
}

/* ---- the answer -------------------------------------------------------------- */

/* The value of a header of the head, without blanks around it. */
static struct str header_of(struct str head, const char *name)
{
    size_t name_n = strlen(name);

    while (head.n > 0) {
        struct str value = text_until(&head, '\n'), itself;

        if (text_cut(&value, ':', &itself) && itself.n == name_n &&
            strncasecmp(itself.p, name, name_n) == 0)
            return text_trim(value, " \t\r");
    }
    return STR_NONE;
}

/* "HTTP/1.1 101 …": the number; 0: it is no such line. */
static int status_of(struct str head)
{
    int64_t status;

    if (!text_skip(&head, STR("HTTP/1.1 ")) || head.n < 3 ||
        !text_number((struct str){ head.p, 3 }, 999, &status))
        return 0;
    return (int)status;
}

/* NULL: it is what was asked for. */
static const char *answer_fault(struct ws_client *client)
{
    struct str head = buf_view(&client->head), upgrade = header_of(head, "Upgrade");
    char accept[WS_ACCEPT_BYTES + 1];

    client->status = status_of(head);
    if (client->status == 0)
        return "no answer of HTTP/1.1";
    if (client->status != 101)
        return "refused";
    if (upgrade.n != 9 || strncasecmp(upgrade.p, "websocket", 9) != 0)
        return "not upgraded to a WebSocket";
    if (!ws_accept(str_of(client->key), accept) ||
        !str_eq(header_of(head, "Sec-WebSocket-Accept"), str_of(accept)))
        return "the answer is to another key";
    if (header_of(head, "Sec-WebSocket-Extensions").n > 0)
        return "an extension that was not asked for";
    return NULL;
}

static enum ws_client_result fail(struct ws_message *message, const char *why)
{
    *message = (struct ws_message){ .opcode = WS_CLOSE, .code = WS_PROTOCOL, .why = why };
    return WS_CLIENT_FAILED;
}

static bool head_is_whole(const struct buf *head)
{
    return head->n >= 4 && memcmp(head->p + head->n - 4, "\r\n\r\n", 4) == 0;
}

static enum ws_client_result feed_answer(struct ws_client *client, const char *p, size_t n,
                                         size_t *eaten, struct ws_message *message)
{
    const char *fault;

    while (*eaten < n && !head_is_whole(&client->head)) {
        buf_char(&client->head, p[(*eaten)++]);
        if (client->head.overflow)
            return fail(message, "the answer is too large");
    }
    if (!head_is_whole(&client->head))
        return WS_CLIENT_MORE;
    fault = answer_fault(client);
    buf_reset(&client->head);
    if (fault != NULL)
        return fail(message, fault);
    client->open = true;
    return WS_CLIENT_OPEN;
}

enum ws_client_result ws_client_feed(struct ws_client *client, const char *p, size_t n,
                                     size_t *eaten, struct ws_message *message)
{
    *eaten = 0;
    if (!client->open)
        return feed_answer(client, p, n, eaten, message);
    switch (ws_reader_feed(&client->reader, p, n, eaten, message)) {
    case WS_MESSAGE: return WS_CLIENT_MESSAGE;
    case WS_FAILED: return WS_CLIENT_FAILED;
    case WS_MORE: break;
    }
    return WS_CLIENT_MORE;
}
