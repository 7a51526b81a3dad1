/*
 * A client of the stream: from the upgrade to its close.
 *
 *   OPEN ---- client_close() ---> CLOSING ---- its end, or 2 s -----> GONE
 *      \_______________ end_client(), it went ____________________/
 *
 * While it is up to date it holds nothing: each tick's notes are of the tick.
 * When its socket is full (full_ms) what it has of each subscription is
 * written down (sent), and from then on it lags: the channels know the rest.
 */
#include <stdlib.h>
#include <strings.h>

#include "api/answer.h"
#include "base/json.h"
#include "base/metrics.h"
#include "model/money.h"
#include "web/stream_inside.h"

#define HEARTBEAT_MS 4900  /* looked at each quarter of a second */
#define PING_MS 30000
#define DEAD_MS 75000
#define CLOSE_MS 2000      /* for the client to close, too */
#define IMAGES 32          /* sent in one write */

static void end_client(struct client *client, const char *reason);

/* ---- subscriptions ----------------------------------------------------------- */

static void subscription_end(struct stream *stream, struct subscription *s)
{
    struct channel *channel = s->channel;

    *(s->prev != NULL ? &s->prev->next : &channel->subscriptions) = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    stream->n_subscriptions[channel->kind]--;
    if (--channel->n == 0)
        channel->empty_ms = hub_now(stream) > 0 ? hub_now(stream) : 1;
}

static void unsubscribe(struct client *client)
{
    for (uint32_t i = 0; i < client->n_subscriptions; i++)
        subscription_end(client->stream, &client->subscriptions[i]);
    free(client->subscriptions);
    client->subscriptions = NULL;
    client->n_subscriptions = 0;
    client->notes = NULL;
    hub_enqueue(client, QUEUE_NONE);
    client->lags = client->missed = false;
}

static void subscription_begin(struct client *client, struct subscription *s,
                               struct channel *channel, int64_t since)
{
    *s = (struct subscription){ .client = client, .channel = channel, .sent = since,
                                .next = channel->subscriptions };
    if (s->next != NULL)
        s->next->prev = s;
    channel->subscriptions = s;
    channel->n++;
    channel->empty_ms = 0;
    client->stream->n_subscriptions[channel->kind]++;
}

/* Catches up from the sender, which waits while changes are on their way. */
static void client_fall_behind(struct client *client)
{
    client->lags = true;
    hub_enqueue(client, QUEUE_BEHIND);
    hub_wake(client->stream);
}

void client_subscribe(struct client *client, struct channel **channels, uint32_t n,
                      int64_t since)
{
    unsubscribe(client);
    if (n == 0)
        return;
    client->subscriptions = calloc(n, sizeof(*client->subscriptions));
    CHECK(client->subscriptions != NULL);
    client->n_subscriptions = n;
    for (uint32_t i = 0; i < n; i++)
        subscription_begin(client, &client->subscriptions[i], channels[i], since);
    client->lags = true;
    if (client->full_ms == 0)
        client_fall_behind(client);
}

/* ---- writing ----------------------------------------------------------------- */

/* What it has: everything covered, but for notes that it did not get. */
static void write_down(struct client *client)
{
    int64_t sent = client->notes != NULL ? client->notes->change->before
                                         : client->stream->covered;

    for (uint32_t i = 0; i < client->n_subscriptions; i++)
        client->subscriptions[i].sent = sent;
}

static void set_full(struct client *client, bool full)
{
    if (full == (client->full_ms != 0))
        return;
    if (full && !client->lags)
        write_down(client);
    client->full_ms = full ? hub_now(client->stream) + 1 : 0;
    client->stream->n_full += full ? 1 : SIZE_MAX;
}

/* False: it is full now, or gone. */
static bool client_write(struct client *client, struct frame *const *frames, size_t n)
{
    enum conn_result result = conn_write(client->conn, frames, n);

    client->sent_ms = hub_now(client->stream);
    for (size_t i = 0; i < n; i++)
        client->stream->bytes += (int64_t)frames[i]->n;
    if (result == CONN_FULL)
        end_client(client, "slow");
    else if (result == CONN_WAITS)
        set_full(client, true);
    return result == CONN_SENT;
}

void client_send(struct client *client, struct frame *frame)
{
    if (client->state == CLIENT_OPEN)
        (void)client_write(client, &frame, 1);
    frame_unref(frame);
}

void client_status(struct client *client, int64_t id, const char *code, struct str detail)
{
    struct buf json;
    struct jw w;

    buf_init(&json, 4096);
    w = jw_to(&json);
    jw_object(&w);
    jw_key(&w, "op");
    jw_str(&w, STR("status"));
    if (id != NO_ID) {
        jw_key(&w, "id");
        jw_int(&w, id);
    }
    jw_key(&w, "status");
    jw_str(&w, code == NULL ? STR("ok") : STR("error"));
    if (code != NULL) {
        jw_key(&w, "code");
        jw_str(&w, str_of(code));
        jw_key(&w, "detail");
        jw_str(&w, detail);
    }
    jw_object_end(&w);
    client_send(client, frame_of_text(buf_view(&json)));
    buf_fini(&json);
}

void client_send_notes(struct client *client)
{
    struct frame *frames[CONN_FRAMES_MAX];
    struct stream *stream = client->stream;
    size_t n = 0;

    hub_enqueue(client, QUEUE_NONE);
    if (client->full_ms != 0) { /* since the tick */
        client->notes = NULL;
        client->lags = client->missed = true;
        return;
    }
    for (struct client_note *note = client->notes; note != NULL; note = note->next)
        frames[n++] = change_frame(stream, note->change, client->dress, note->next == NULL);
    client->notes = NULL;
    CHECK(n > 0 && n <= LENGTH(frames));
    stream->deliveries += (int64_t)n;
    (void)client_write(client, frames, n);
}

/* ---- catching up ------------------------------------------------------------- */

static bool subscription_lags(const struct subscription *s)
{
    return s->sent < s->channel->whole || s->sent < s->channel->changed;
}

/* Images of what cannot be told otherwise.  True: there are more. */
static bool collect_images(struct client *client, struct change **images, size_t *n)
{
    struct stream *stream = client->stream;

    for (uint32_t i = 0; i < client->n_subscriptions; i++) {
        struct subscription *s = &client->subscriptions[i];

        if (s->sent >= s->channel->whole)
            continue;
        if (*n == IMAGES)
            return true;
        images[*n] = channel_image(stream, s->channel);
        change_promise(images[(*n)++], stream->covered, 0);
        s->sent = stream->covered;
    }
    return false;
}

/* The rest in one delta.  True: it became too large, there is more. */
static bool collect_delta(struct client *client, struct buf *events)
{
    for (uint32_t i = 0; i < client->n_subscriptions; i++) {
        struct subscription *s = &client->subscriptions[i];

        if (!subscription_lags(s))
            continue;
        if (events->n > LIMIT_STREAM_MERGED_BYTES)
            return true;
        (void)channel_merge(client->stream, s->channel, s->sent, events);
        s->sent = client->stream->covered;
    }
    return false;
}

/* What its clk may promise. */
static int64_t least_sent(const struct client *client)
{
    int64_t least = client->stream->covered;

    for (uint32_t i = 0; i < client->n_subscriptions; i++) {
        const struct subscription *s = &client->subscriptions[i];

        if (subscription_lags(s) && s->sent < least)
            least = s->sent;
    }
    return least;
}

/* One write.  True: it went, and there is more to tell. */
static bool catch_up_step(struct client *client)
{
    struct stream *stream = client->stream;
    struct change *images[IMAGES], merged;
    struct frame *frames[IMAGES + 1];
    size_t n = 0;
    bool more, well;

    change_init(&merged);
    merged.con = client->missed;
    more = collect_images(client, images, &n);
    if (!more)
        more = collect_delta(client, &merged.events);
    change_promise(&merged, least_sent(client), 0);
    for (size_t i = 0; i < n; i++)
        frames[i] = change_frame(stream, images[i], client->dress,
                                 i == n - 1 && merged.events.n == 0 && !more);
    if (merged.events.n > 0) {
        frames[n++] = change_frame(stream, &merged, client->dress, true);
        stream->conflated += merged.con;
    }
    client->lags = more;
    stream->deliveries += (int64_t)n;
    well = n == 0 || client_write(client, frames, n);
    change_fini(&merged);
    return well && more;
}

void client_catch_up(struct client *client)
{
    if (client->state != CLIENT_OPEN || client->full_ms != 0 || !client->lags)
        return;
    (void)hub_covered(client->stream);
    while (catch_up_step(client))
        ;
    if (!client->lags)
        client->missed = false;
}

static void on_drained(void *ctx)
{
    struct client *client = ctx;

    CHECK(client->magic == CLIENT_MAGIC);
    set_full(client, false);
    if (client->state != CLIENT_OPEN)
        return;
    client->stream->source->drained(client);
    if (client->lags)
        client_fall_behind(client);
}

/* ---- closing ----------------------------------------------------------------- */

static void let_go(struct client *client)
{
    if (client->wait != NULL)
        wait_end(client->wait);
    unsubscribe(client);
    client->stream->source->forget(client);
    ws_reader_fini(&client->reader);
}

/* No more words. */
static void end_client(struct client *client, const char *reason)
{
    if (client->state == CLIENT_GONE)
        return;
    if (client->state == CLIENT_OPEN) {
        metric_add(METRIC_STREAM_CLOSES, str_of(reason), 1);
        let_go(client);
    }
    client->state = CLIENT_GONE;
    conn_close(client->conn);
}

void client_close(struct client *client, enum ws_code code, const char *why, const char *reason)
{
    char payload[WS_CONTROL_MAX];
    size_t n = strlen(why);
    struct frame *frame;

    if (client->state != CLIENT_OPEN)
        return;
    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xff);
    CHECK(n <= sizeof(payload) - 2);
    memcpy(payload + 2, why, n);
    metric_add(METRIC_STREAM_CLOSES, str_of(reason), 1);
    let_go(client);
    client->state = CLIENT_CLOSING;
    client->deadline_ms = hub_now(client->stream) + CLOSE_MS;
    if (client->dress == DRESS_WEBSOCKET) {
        frame = frame_of_control(WS_CLOSE, code == WS_NO_CODE ? STR_NONE
                                                              : (struct str){ payload, n + 2 });
        if (conn_write(client->conn, &frame, 1) == CONN_FULL)
            conn_close(client->conn);
        frame_unref(frame);
    }
    conn_finish(client->conn);
}

static void on_closed(void *ctx)
{
    struct client *client = ctx;
    struct stream *stream = client->stream;

    CHECK(client->magic == CLIENT_MAGIC);
    if (client->state == CLIENT_OPEN) {
        metric_add(METRIC_STREAM_CLOSES, STR("gone"), 1);
        let_go(client);
    }
    set_full(client, false);
    *(client->prev != NULL ? &client->prev->next : &stream->clients) = client->next;
    if (client->next != NULL)
        client->next->prev = client->prev;
    stream->n_clients[client->dress]--;
    client->magic = 0;
    free(client);
}

/* ---- time -------------------------------------------------------------------- */

static bool is_fresh(const struct stream *stream)
{
    return stream->source->is_fresh == NULL || stream->source->is_fresh(stream);
}

static void heartbeat(struct client *client)
{
    struct stream *stream = client->stream;
    struct frame **frame = &stream->heartbeats[client->dress];

    if (stream->heartbeats_left == 0 || client->lags || client->notes != NULL)
        return;
    if (!is_fresh(stream))
        return; /* it would say that all is well */
    stream->heartbeats_left--;
    if (*frame == NULL)
        *frame = frame_of_heartbeat(stream->source->clk(stream, stream->heartbeat_clk),
                                    client->dress);
    client_send(client, frame_ref(*frame));
}

/* A client behind a closed lid says nothing, and its network neither. */
static void check_life(struct client *client, uint64_t now_ms)
{
    if (client->dress != DRESS_WEBSOCKET || now_ms < client->received_ms + PING_MS)
        return;
    if (now_ms > client->received_ms + DEAD_MS) {
        end_client(client, "dead");
    } else if (!client->pinged) {
        client->pinged = true;
        client_send(client, frame_of_control(WS_PING, STR_NONE));
    }
}

void client_check(struct client *client, uint64_t now_ms)
{
    if (client->state != CLIENT_OPEN) {
        if (now_ms >= client->deadline_ms)
            end_client(client, "");
        return;
    }
    if (client->full_ms != 0) {
        if (now_ms > client->full_ms + (uint64_t)client->stream->options.stall_ms)
            end_client(client, "slow");
        return;
    }
    if (now_ms >= client->sent_ms + HEARTBEAT_MS)
        heartbeat(client);
    check_life(client, now_ms);
    if (client->state == CLIENT_OPEN)
        client->stream->source->check(client, now_ms);
}

/* ---- beginning --------------------------------------------------------------- */

static void on_data(void *ctx, const char *p, size_t n)
{
    struct client *client = ctx;

    CHECK(client->magic == CLIENT_MAGIC);
    if (client->dress == DRESS_WEBSOCKET)
        client->stream->on_input(client, p, n);
}

static const struct conn_handler handler = { on_data, on_drained, on_closed };

/* NULL: refused, and answered. */
static struct client *client_new(struct stream *stream, struct http_request *request,
                                 enum dress dress, struct str head)
{
    size_t n = stream->n_clients[DRESS_WEBSOCKET] + stream->n_clients[DRESS_SSE];
    struct client *client = NULL;
    struct frame *frame;

    if (!stream->draining && n < LIMIT_STREAM_CLIENTS && is_fresh(stream)) {
        client = calloc(1, sizeof(*client));
        CHECK(client != NULL);
        client->dress = dress;
        if (stream->source->admit != NULL)
            stream->source->admit(client, request);
        client->conn = http_upgrade(request, dress == DRESS_SSE ? 200 : 101, &handler, client);
    }
    if (client == NULL || client->conn == NULL) {
        if (client != NULL)
            stream->source->forget(client);
        free(client);
        answer_refusal(request, REFUSE_BUSY, STR("there are too many streams"), STR_NONE);
        return NULL;
    }
    client->magic = CLIENT_MAGIC;
    client->stream = stream;
    client->received_ms = client->sent_ms = hub_now(stream);
    ws_reader_init(&client->reader, LIMIT_WS_MESSAGE_BYTES);
    client->next = stream->clients;
    if (client->next != NULL)
        client->next->prev = client;
    stream->clients = client;
    stream->n_clients[dress]++;
    frame = frame_new(&head, 1);
    client_send(client, frame);
    return client;
}

/* "Upgrade, keep-alive" has the token "upgrade". */
static bool has_token(struct str list, const char *token)
{
    size_t n = strlen(token);

    for (size_t i = 0; i + n <= list.n; i++) {
        bool begins = i == 0 || list.p[i - 1] == ',' || list.p[i - 1] == ' ';
        bool ends = i + n == list.n || list.p[i + n] == ',' || list.p[i + n] == ' ';

        if (begins && ends && strncasecmp(list.p + i, token, n) == 0)
            return true;
    }
    return false;
}

static void answer_upgrade_required(struct http_request *request, const char *detail)
{
    struct http_header headers[] = { { "Upgrade", STR("websocket") },
                                     { "Sec-WebSocket-Version", STR("13") } };

    answer_refusal_with(request, REFUSE_UPGRADE_REQUIRED, str_of(detail), headers,
                        LENGTH(headers));
}

void stream_get(struct stream *ctx, struct http_request *request)
{
    char accept[WS_ACCEPT_BYTES + 1];
    struct buf head;

    if (!str_eq(request->method, STR("GET")) ||
        !has_token(http_header(request, "Upgrade"), "websocket") ||
        !has_token(http_header(request, "Connection"), "upgrade")) {
        answer_upgrade_required(request, "this is a WebSocket: Upgrade: websocket is needed");
        return;
    }
    if (!str_eq(http_header(request, "Sec-WebSocket-Version"), STR("13"))) {
        answer_upgrade_required(request, "Sec-WebSocket-Version must be 13");
        return;
    }
    if (!ws_accept(http_header(request, "Sec-WebSocket-Key"), accept)) {
        answer_refusal(request, REFUSE_MALFORMED,
                       STR("Sec-WebSocket-Key must be 16 bytes in base64"), STR_NONE);
        return;
    }
    buf_init(&head, 512);
    buf_printf(&head, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                      "X-Request-Id: " STR_FMT "\r\n\r\n", accept, STR_ARG(request->id));
    (void)client_new(ctx, request, DRESS_WEBSOCKET, buf_view(&head));
    buf_fini(&head);
}

/* Last-Event-ID: a clk; anything else is none. */
static int64_t last_event_id(struct stream *stream, const struct http_request *request)
{
    int64_t clk;

    if (decimal_parse(http_header(request, "Last-Event-ID"), 0, INT64_MAX, &clk) != DECIMAL_OK)
        return -1;
    return stream->source->since(stream, clk);
}

/* The request, of an event whose channel is known, becomes a stream of it. */
static void begin_event(struct stream *stream, struct http_request *request,
                        struct channel *channel, int64_t since)
{
    struct client *client;
    struct buf head;

    if (!stream->source->has_event(stream, channel_id(channel))) {
        answer_refusal(request, REFUSE_NOT_FOUND, STR("no such event"), STR_NONE);
        return;
    }
    if (!str_eq(request->method, STR("GET"))) { /* HEAD */
        http_respond(request, 200, "text/event-stream", STR_NONE, NULL, 0);
        return;
    }
    buf_init(&head, 512);
    buf_printf(&head, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                      "Cache-Control: " STR_FMT "\r\nX-Accel-Buffering: no\r\n"
                      "Connection: close\r\nX-Request-Id: " STR_FMT "\r\n\r\n"
                      "retry: 1000\n\n", STR_ARG(request->caching), STR_ARG(request->id));
    client = client_new(stream, request, DRESS_SSE, buf_view(&head));
    buf_fini(&head);
    if (client != NULL)
        client_subscribe(client, &channel, 1, since);
}

static void on_event_known(const struct channel_wait *wait, struct channel **channels)
{
    if (channels != NULL)
        begin_event(wait->stream, wait->request, channels[0], wait->since);
    else
        answer_refusal(wait->request, REFUSE_BUSY, STR("the prices cannot be had now"),
                       STR_NONE);
}

void stream_get_event(struct stream *stream, struct http_request *request)
{
    int64_t since = last_event_id(stream, request);
    struct channel *channel;

    if (!stream->source->has_event(stream, request->param)) {
        answer_refusal(request, REFUSE_NOT_FOUND, STR("no such event"), STR_NONE);
        return;
    }
    if (!is_fresh(stream)) {
        answer_refusal(request, REFUSE_BUSY, STR("the prices cannot be had now"), STR_NONE);
        return;
    }
    channel = channel_of(stream, CHANNEL_EVENT, request->param);
    if (channel == NULL)
        answer_refusal(request, REFUSE_BUSY, STR("there are too many streams"), STR_NONE);
    else
        wait_begin(&(struct channel_wait){ .stream = stream, .request = request, .since = since,
                                   .on_end = on_event_known }, &channel, 1);
}
