/*
 * Any bytes as the origin of an edge node's fan-out.
 *
 * First byte even: what a WebSocket's client hears, in pieces of any size: an answer
 * to its handshake and frames.  Odd: messages, a line each, to a line that holds an
 * event and a sport; the second byte says whether it asked for them first.
 *
 * Whatever comes: no crash, and who applies what is told of the event has what its
 * image is.
 */
#include <stdint.h>
#include <stdlib.h>

#include "fanout/inside.h"
#include "net/ws_client.h"

#define MESSAGE_LIMIT 4096
#define EVENT STR("e")
#define SPORT STR("s")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a client ----------------------------------------------------------------- */

static void hear_client(const char *p, size_t n, size_t piece)
{
    struct ws_client client;
    struct ws_message message;
    bool failed = false;

    ws_client_init(&client, MESSAGE_LIMIT);
    memcpy(client.key, "dGhlIHNhbXBsZSBub25jZQ==", WS_KEY_BYTES); /* RFC 6455, 1.3 */
    while (n > 0 && !failed) {
        size_t give = n < piece ? n : piece, eaten;

        switch (ws_client_feed(&client, p, give, &eaten, &message)) {
        case WS_CLIENT_FAILED:
            CHECK(message.why != NULL);
            failed = true;
            break;
        case WS_CLIENT_MESSAGE:
            CHECK(client.open && message.data.n <= MESSAGE_LIMIT);
            break;
        case WS_CLIENT_OPEN:
            CHECK(client.status == 101);
            break;
        case WS_CLIENT_MORE:
            CHECK(eaten == give);
            break;
        }
        CHECK(eaten <= give);
        p += eaten;
        n -= eaten;
    }
    ws_client_fini(&client);
}

/* ---- a line -------------------------------------------------------------------- */

struct node {
    uv_loop_t loop;
    struct upstream *upstream;
    struct stream *stream;
    struct line line;
    struct channel *event, *sport;
    struct doc *replica; /* of the event, by what is told */
};

static void node_init(struct node *node, bool asks)
{
    struct wanted *both[CHANNEL_KINDS];

    memset(node, 0, sizeof(*node));
    CHECK(uv_loop_init(&node->loop) == 0);
    node->upstream = upstream_new(&node->loop, "127.0.0.1:1");
    node->upstream->stopped = true; /* it calls nobody */
    node->stream = stream_new(&(struct stream_options){
        .loop = &node->loop, .source = &upstream_source, .ctx = node->upstream, .tick_ms = 40 });
    stream_start(node->stream);
    node->upstream->stream = node->stream;
    node->line.upstream = node->upstream;
    node->event = channel_of(node->stream, CHANNEL_EVENT, EVENT);
    node->sport = channel_of(node->stream, CHANNEL_SPORT, SPORT);
    both[0] = node->event->upstream;
    both[1] = node->sport->upstream;
    node->line.asked = (struct line_asked){ .is_fetch = asks, .n = 2, .of = { both[0], both[1] } };
    for (unsigned kind = 0; kind < CHANNEL_KINDS; kind++) {
        wanted_move(node->upstream, both[kind], asks ? WANTED_ASKED : WANTED_HELD, &node->line);
        if (!asks)
            channel_is_known(both[kind]->channel);
    }
    node->replica = doc_new(EVENT);
}

static void on_close(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void node_fini(struct node *node)
{
    doc_free(node->replica);
    node->stream->draining = true;
    uv_walk(&node->loop, on_close, NULL);
    while (uv_run(&node->loop, UV_RUN_DEFAULT) != 0)
        ;
    node->stream->dirty = NULL;
    node->event->dirty = node->sport->dirty = false;
    stream_free(node->stream);
    upstream_free(node->upstream);
    CHECK(uv_loop_close(&node->loop) == 0);
}

static json_t *image_of(const struct doc *doc)
{
    struct buf text;
    struct jw w;
    json_t *image;

    buf_init(&text, LIMIT_STREAM_CHANGE_BYTES);
    w = jw_to(&text);
    doc_put_image(doc, &w);
    image = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    CHECK(image != NULL);
    buf_fini(&text);
    return image;
}

/* What was told of the event, by who has everything before it. */
static void apply_told(struct node *node, const struct change *told)
{
    struct str text = buf_view(&told->events);
    json_t *event = json_loadb(text.p, text.n, JSON_ALLOW_NUL, NULL), *has, *wants;
    enum doc_result result;

    CHECK(event != NULL);
    if (json_is_true(json_object_get(event, "gone")))
        result = doc_forget(node->replica);
    else
        result = doc_apply(node->replica, event, told->img, node->upstream->order);
    CHECK(result != DOC_BAD && result != DOC_LACKS);
    has = image_of(node->replica);
    wants = image_of(((struct wanted *)node->event->upstream)->doc);
    CHECK(json_equal(has, wants));
    json_decref(has);
    json_decref(wants);
    json_decref(event);
}

static void flush(struct node *node)
{
    struct channel *channel;
    struct buf merged;

    while ((channel = node->stream->dirty) != NULL) {
        node->stream->dirty = channel->next_dirty;
        channel->dirty = false;
        if (channel_flush(node->stream, channel, node->upstream->order) &&
            channel == node->event)
            apply_told(node, &channel->delta);
        buf_init(&merged, LIMIT_STREAM_CHANGE_BYTES);
        (void)channel_merge(node->stream, channel, node->upstream->order / 2, &merged);
        (void)channel_image(node->stream, channel);
        buf_fini(&merged);
    }
    (void)clks_since(&node->upstream->clks, node->line.clk, uv_now(&node->loop) + 20000);
}

/* As flush() begins where the first image was told to nobody. */
static void begin_replica(struct node *node, bool *begun)
{
    const struct wanted *wanted = node->event->upstream;
    json_t *image;

    if (*begun || !node->event->known || wanted->doc == NULL)
        return;
    *begun = true;
    image = image_of(wanted->doc);
    if (json_is_true(json_object_get(image, "gone")))
        (void)doc_forget(node->replica);
    else if (json_is_array(json_object_get(image, "markets")))
        (void)doc_apply(node->replica, image, true, 1);
    json_decref(image);
}

static void hear_line(struct str text, bool asks)
{
    static struct node node;
    bool begun = !asks;
    const char *fault = NULL;

    node_init(&node, asks);
    while (text.n > 0 && fault == NULL) {
        const char *end = memchr(text.p, '\n', text.n);
        size_t n = end == NULL ? text.n : (size_t)(end - text.p);

        fault = line_receive(&node.line, (struct str){ text.p, n });
        begin_replica(&node, &begun);
        if (fault == NULL) /* else the line is lost, and asked anew */
            flush(&node);
        text.p += n + (end != NULL);
        text.n -= n + (end != NULL);
    }
    node_fini(&node);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    if ((data[0] & 1) != 0)
        hear_line((struct str){ (const char *)data + 2, size - 2 }, (data[1] & 1) != 0);
    else
        hear_client((const char *)data + 2, size - 2, (size_t)data[1] + 1);
    return 0;
}
