/*
 * Own bets and balance of a reader: a WebSocket to the origin for him alone, without
 * subscriptions, in which he is who the edge said that he is.  What he said to
 * authenticate is passed on as it was and kept no longer; what comes is passed down
 * as it is.
 *
 * It ends with the reader, or when the origin says that the session is over.  When it
 * is lost the reader is sent away: his page comes again, and authenticates.
 *
 * A reader whose socket is full keeps no list: he gets the balance as it is then,
 * and is told to read his bets.
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/metrics.h"
#include "fanout/inside.h"

#define SESSION_MESSAGE_MOST ((size_t)256 * 1024)
#define HEADERS_MOST 1024
#define OVER_MS 3000 /* a link without a session, for who tries again */
#define TURN 20 /* channels of one reader in a batch, while others wait */

struct edge_reader {
    struct buf headers;     /* lines: who he is, as the edge said */
    struct buf pending;     /* what he said, until the link is open */
    struct buf account;     /* the last one told */
    struct origin_link *link;      /* NULL: there is no session */
    bool open, missed;      /* missed: while his socket was full */
    int64_t id;             /* of the message that asked for it */
    uint64_t received_ms;
    uint64_t over_ms;       /* there is a link, but no session, since; 0: it is not so */
    int64_t batch;          /* in which he had so many turns */
    unsigned turns;
    bool is_struck;
};

static int64_t sessions; /* of the process: for its metrics */

/* ---- admission ---------------------------------------------------------- */

static void keep_header(struct edge_reader *reader, const struct http_request *request,
                        const char *name)
{
    struct str value = http_header(request, name);

    if (value.n > 0 && value.n + reader->headers.n < HEADERS_MOST - 64)
        buf_printf(&reader->headers, "%s: " STR_FMT "\r\n", name, STR_ARG(value));
}

void session_admit(struct client *client, const struct http_request *request)
{
    struct edge_reader *reader;

    if (client->dress != DRESS_WEBSOCKET)
        return;
    reader = calloc(1, sizeof(*reader));
    CHECK(reader != NULL);
    buf_init(&reader->headers, HEADERS_MOST);
    buf_init(&reader->pending, LIMIT_WS_MESSAGE_BYTES);
    buf_init(&reader->account, SESSION_MESSAGE_MOST);
    keep_header(reader, request, "X-Forwarded-For");
    keep_header(reader, request, "X-Edge-Country");
    keep_header(reader, request, "X-Request-Id");
    client->upstream = reader;
}

static void forget_pending(struct edge_reader *reader)
{
    if (reader->pending.p != NULL)
        sodium_memzero(reader->pending.p, reader->pending.room);
    buf_reset(&reader->pending);
}

static void end_link(struct edge_reader *reader)
{
    forget_pending(reader);
    reader->over_ms = 0;
    if (reader->link == NULL)
        return;
    link_end(reader->link);
    reader->link = NULL;
    metric_set(METRIC_FANOUT_SESSIONS, STR_NONE, --sessions);
}

void session_forget(struct client *client)
{
    struct edge_reader *reader = client->upstream;

    client->upstream = NULL;
    if (reader == NULL)
        return;
    end_link(reader);
    buf_fini(&reader->headers);
    buf_fini(&reader->pending);
    buf_fini(&reader->account);
    free(reader);
}

/* ---- turns ---------------------------------------------------------------- */

void session_strike(struct client *client)
{
    struct edge_reader *reader = client->upstream;

    if (reader != NULL)
        reader->is_struck = true;
}

bool session_has_turn(struct client *client, int64_t batch)
{
    struct edge_reader *reader = client->upstream;

    if (reader == NULL || reader->is_struck)
        return reader == NULL;
    if (reader->batch != batch)
        reader->turns = 0;
    reader->batch = batch;
    return ++reader->turns <= TURN;
}

/* ---- what the origin says to him ---------------------------------------- */

/* Passes it down.  False: the reader has gone. */
static bool pass(struct client *client, struct str text)
{
    client_send(client, frame_of_text(text));
    return client->upstream != NULL;
}

/* What was told is not the next one's, who may be somebody else.  The link stays for a
 * while: else each wrong token were a call to the origin. */
static void session_is_over(struct client *client)
{
    struct edge_reader *reader = client->upstream;

    reader->over_ms = hub_now(client->stream) + 1;
    reader->missed = false;
    buf_reset(&reader->account);
}

static void on_status(struct client *client, const json_t *message, struct str text)
{
    const char *status = json_string_value(json_object_get(message, "status"));
    bool over = status == NULL || strcmp(status, "ok") != 0;
    const char *code = json_string_value(json_object_get(message, "code"));
    const json_t *id = json_object_get(message, "id");
    struct edge_reader *reader = client->upstream;

    if (code != NULL && strcmp(code, "bets_missed") == 0)
        over = false;
    if (json_is_integer(id) && json_integer_value(id) != reader->id)
        over = false; /* of what he said before */
    if (pass(client, text) && over)
        session_is_over(client);
    else if (client->upstream != NULL)
        reader->over_ms = 0;
}

static void on_own(struct client *client, bool is_account, struct str text)
{
    struct edge_reader *reader = client->upstream;

    if (is_account) {
        buf_reset(&reader->account);
        buf_str(&reader->account, text);
    }
    if (client->full_ms != 0)
        reader->missed = true;
    else
        (void)pass(client, text);
}

static void on_text(void *ctx, struct str text)
{
    struct client *client = ctx;
    struct edge_reader *reader = client->upstream;
    json_t *message = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    const char *op = json_string_value(json_object_get(message, "op"));

    reader->received_ms = hub_now(client->stream);
    if (op == NULL || strcmp(op, "change") == 0 || strcmp(op, "heartbeat") == 0)
        ; /* prices come by the line */
    else if (strcmp(op, "status") == 0)
        on_status(client, message, text);
    else
        on_own(client, strcmp(op, "account") == 0, text);
    json_decref(message);
}

static void on_open(void *ctx)
{
    struct client *client = ctx;
    struct edge_reader *reader = client->upstream;

    reader->open = true;
    reader->received_ms = hub_now(client->stream);
    link_send(reader->link, buf_view(&reader->pending));
    if (client->upstream != NULL) /* else it could not be sent, and all is over */
        forget_pending(reader);
}

static void send_away(struct client *client)
{
    client_close(client, WS_TRY_LATER, "the session's stream was lost", "upstream");
}

static void on_end(void *ctx, const char *why)
{
    struct client *client = ctx;
    struct edge_reader *reader = client->upstream;

    (void)why;
    reader->link = NULL;
    metric_set(METRIC_FANOUT_SESSIONS, STR_NONE, --sessions);
    if (reader->over_ms == 0)
        send_away(client);
    else
        reader->over_ms = 0;
}

static const struct link_handler on_link = { on_open, on_text, on_end };

/* ---- what he says, and time --------------------------------------------- */

static void begin_link(struct client *client, struct edge_reader *reader)
{
    const struct upstream *upstream = client->stream->options.ctx;

    reader->open = false;
    reader->received_ms = hub_now(client->stream);
    reader->link = link_new(&(struct link_options){
        .loop = upstream->loop, .address = upstream->address,
        .headers = buf_view(&reader->headers), .message_bytes_max = SESSION_MESSAGE_MOST,
        .handler = &on_link, .ctx = client });
    metric_set(METRIC_FANOUT_SESSIONS, STR_NONE, ++sessions);
}

/* The last word counts: what waits to be passed on is of no interest any more. */
void session_authenticate(struct client *client, const struct stream_authenticate *ask)
{
    struct edge_reader *reader = client->upstream;

    CHECK(reader != NULL);
    reader->id = ask->id;
    reader->missed = false;
    reader->over_ms = 0;
    buf_reset(&reader->account);
    if (reader->link != NULL && reader->open) {
        link_send(reader->link, ask->text);
        return;
    }
    forget_pending(reader);
    buf_str(&reader->pending, ask->text);
    if (reader->link == NULL)
        begin_link(client, reader);
}

void session_check(struct client *client, uint64_t now_ms)
{
    struct edge_reader *reader = client->upstream;

    if (reader == NULL || reader->link == NULL)
        return;
    if (reader->over_ms != 0 && now_ms > reader->over_ms + OVER_MS)
        end_link(reader);
    else if (now_ms > reader->received_ms + SILENT_MS)
        send_away(client);
}

void session_drained(struct client *client)
{
    struct edge_reader *reader = client->upstream;

    if (reader == NULL || !reader->missed)
        return;
    reader->missed = false;
    if (reader->account.n > 0 && !pass(client, buf_view(&reader->account)))
        return;
    client_status(client, reader->id, "bets_missed",
                  STR("bets have changed: read GET /v1/bets"));
}
