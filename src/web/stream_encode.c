/*
 * Frames: the same JSON in WebSocket's dress or in that of Server-Sent
 * Events, each made when the first client needs it.
 */
#include "base/json.h"
#include "web/stream_inside.h"

void change_init(struct change *change)
{
    *change = (struct change){ .img = false };
    buf_init(&change->events, LIMIT_STREAM_CHANGE_BYTES);
}

static void drop_frames(struct change *change)
{
    for (unsigned dress = 0; dress < DRESSES; dress++)
        for (unsigned last = 0; last < 2; last++) {
            frame_unref(change->frames[dress][last]);
            change->frames[dress][last] = NULL;
        }
}

void change_fini(struct change *change)
{
    drop_frames(change);
    buf_fini(&change->events);
}

void change_reset(struct change *change)
{
    drop_frames(change);
    buf_reset(&change->events);
    change->img = change->con = false;
}

void change_promise(struct change *change, int64_t clk, int64_t before)
{
    if (change->clk == clk && change->before == before)
        return;
    drop_frames(change);
    change->clk = clk;
    change->before = before;
}

/* Head of the message up to the events. */
static void put_head(struct buf *out, const struct change *change, int64_t clk)
{
    buf_str(out, STR("{\"op\":\"change\",\"clk\":\""));
    buf_int(out, clk);
    buf_str(out, change->img ? STR("\",\"img\":true") : STR("\""));
    if (change->con)
        buf_str(out, STR(",\"con\":true"));
    buf_str(out, STR(",\"events\":["));
}

static struct frame *dress_websocket(struct str head, struct str body, struct str tail)
{
    char header[WS_HEADER_MAX];
    size_t n = ws_header(WS_TEXT, head.n + body.n + tail.n, header);
    struct str parts[] = { { header, n }, head, body, tail };

    return frame_new(parts, LENGTH(parts));
}

static struct frame *dress_sse(const char *event, int64_t clk, struct str head, struct str body,
                               struct str tail)
{
    struct frame *frame;
    struct buf lines;

    buf_init(&lines, 256);
    buf_printf(&lines, "event: %s\nid: %lld\ndata: ", event, (long long)clk);
    frame = frame_new((struct str[]){ buf_view(&lines), head, body, tail, STR("\n\n") }, 5);
    buf_fini(&lines);
    return frame;
}

struct frame *change_frame(struct stream *stream, struct change *change, enum dress dress,
                           bool last)
{
    struct frame **frame = &change->frames[dress][last];
    int64_t clk = stream->source->clk(stream, last ? change->clk : change->before);
    struct buf head;

    if (*frame != NULL)
        return *frame;
    buf_init(&head, 256);
    put_head(&head, change, clk);
    if (dress == DRESS_WEBSOCKET)
        *frame = dress_websocket(buf_view(&head), buf_view(&change->events), STR("]}"));
    else
        *frame = dress_sse("change", clk, buf_view(&head), buf_view(&change->events), STR("]}"));
    buf_fini(&head);
    stream->frames++;
    return *frame;
}

struct frame *frame_of_text(struct str json)
{
    return dress_websocket(json, STR_NONE, STR_NONE);
}

struct frame *frame_of_control(enum ws_opcode opcode, struct str payload)
{
    char header[WS_HEADER_MAX];
    struct str parts[] = { { header, ws_header(opcode, payload.n, header) }, payload };

    CHECK(payload.n <= WS_CONTROL_MAX);
    return frame_new(parts, LENGTH(parts));
}

struct frame *frame_of_heartbeat(int64_t clk, enum dress dress)
{
    struct frame *frame;
    struct buf json;

    buf_init(&json, 256);
    buf_printf(&json, "{\"op\":\"heartbeat\",\"clk\":\"%lld\"}", (long long)clk);
    if (dress == DRESS_WEBSOCKET)
        frame = frame_of_text(buf_view(&json));
    else
        frame = dress_sse("heartbeat", clk, buf_view(&json), STR_NONE, STR_NONE);
    buf_fini(&json);
    return frame;
}
