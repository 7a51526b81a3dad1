/* WebSockets to the origin: see fanout/link.h. */
#include "fanout/link.h"

#include <stdlib.h>

#include "base/metrics.h"
#include "net/conn.h"
#include "net/dial.h"
#include "net/ws_client.h"

#define OPEN_MS 5000 /* to call, and to be answered */
#define HOST "overround" /* who stands between names it anew */

struct origin_link {
    struct link_options options;
    struct dial *dial;    /* NULL: it is not calling any more */
    struct conn *conn;    /* NULL: not yet, or gone */
    bool ended;           /* nobody is called back any more */
    struct buf request;
    struct ws_client client;
    uv_timer_t deadline;
};

static void on_timer_closed(uv_handle_t *handle)
{
    struct origin_link *link = handle->data;

    ws_client_fini(&link->client);
    buf_fini(&link->request);
    free(link);
}

/* The last thing is the timer's handle, behind the connection's. */
static void let_go(struct origin_link *link)
{
    link->ended = true;
    (void)uv_timer_stop(&link->deadline);
    if (link->dial != NULL)
        dial_cancel(link->dial);
    link->dial = NULL;
    if (link->conn != NULL)
        conn_close(link->conn);
    else
        uv_close((uv_handle_t *)&link->deadline, on_timer_closed);
}

static void fail(struct origin_link *link, const char *why)
{
    const struct link_options of = link->options;

    if (link->ended)
        return;
    let_go(link);
    of.handler->on_end(of.ctx, why);
}

void link_end(struct origin_link *link)
{
    CHECK(!link->ended);
    let_go(link);
}

/* ---- out ---------------------------------------------------------------- */

static void write_frame(struct origin_link *link, struct frame *frame)
{
    enum conn_result result = conn_write(link->conn, &frame, 1);

    metric_add(METRIC_FANOUT_BYTES, STR("out"), (int64_t)frame->n);
    frame_unref(frame);
    if (result == CONN_FULL || result == CONN_GONE)
        fail(link, "the origin takes nothing");
}

void link_send(struct origin_link *link, struct str text)
{
    if (!link->ended && link->client.open)
        write_frame(link, ws_client_frame(WS_TEXT, text));
}

/* ---- in ----------------------------------------------------------------- */

static void on_message(struct origin_link *link, const struct ws_message *message)
{
    switch (message->opcode) {
    case WS_TEXT:
        link->options.handler->on_text(link->options.ctx, message->data);
        break;
    case WS_PING:
        write_frame(link, ws_client_frame(WS_PONG, message->data));
        break;
    case WS_CLOSE:
        write_frame(link, ws_client_frame(WS_CLOSE, STR_NONE));
        fail(link, "the origin has closed it");
        break;
    case WS_BINARY:
        fail(link, "the origin sends what is no text");
        break;
    case WS_PONG:
    case WS_CONTINUATION:
        break;
    }
}

static void on_data(void *ctx, const char *p, size_t n)
{
    struct origin_link *link = ctx;

    metric_add(METRIC_FANOUT_BYTES, STR("in"), (int64_t)n);
    while (!link->ended && n > 0) {
        struct ws_message message;
        size_t eaten;

        switch (ws_client_feed(&link->client, p, n, &eaten, &message)) {
        case WS_CLIENT_MORE:
            return;
        case WS_CLIENT_FAILED:
            fail(link, message.why);
            return;
        case WS_CLIENT_OPEN:
            (void)uv_timer_stop(&link->deadline);
            link->options.handler->on_open(link->options.ctx);
            break;
        case WS_CLIENT_MESSAGE:
            on_message(link, &message);
            break;
        }
        p += eaten;
        n -= eaten;
    }
}

static void on_drained(void *ctx)
{
    (void)ctx;
}

static void on_closed(void *ctx)
{
    struct origin_link *link = ctx;

    link->conn = NULL;
    if (link->ended)
        uv_close((uv_handle_t *)&link->deadline, on_timer_closed);
    else
        fail(link, "the connection is lost");
}

static const struct conn_handler handler = { on_data, on_drained, on_closed };

/* ---- beginning ---------------------------------------------------------- */

static void on_called(void *ctx, int fd)
{
    struct origin_link *link = ctx;
    struct frame *frame;
    struct str request = buf_view(&link->request);

    link->dial = NULL;
    if (fd < 0) {
        fail(link, uv_strerror(fd));
        return;
    }
    link->conn = conn_new(&(struct conn_options){ .loop = link->options.loop, .fd = fd,
                                                  .handler = &handler, .ctx = link });
    frame = frame_new(&request, 1);
    buf_fini(&link->request);
    write_frame(link, frame);
}

static void on_deadline(uv_timer_t *timer)
{
    fail(timer->data, "the origin does not answer");
}

struct origin_link *link_new(const struct link_options *options)
{
    struct origin_link *link = calloc(1, sizeof(*link));

    CHECK(link != NULL);
    link->options = *options;
    ws_client_init(&link->client, options->message_bytes_max);
    buf_init(&link->request, WS_ANSWER_MAX);
    ws_client_request(&link->client, HOST, "/v1/stream", options->headers, &link->request);
    link->options.headers = STR_NONE;
    CHECK(!link->request.overflow);
    CHECK(uv_timer_init(options->loop, &link->deadline) == 0);
    link->deadline.data = link;
    CHECK(uv_timer_start(&link->deadline, on_deadline, OPEN_MS, 0) == 0);
    link->dial = dial_new(options->loop, options->address, on_called, link);
    return link;
}
