/*
 * What clients say on the stream: strict JSON, one object a message.
 *
 *   {"op":"subscribe","id":1,"events":["…"],"sports":["…"],"clk":"…"}
 *   {"op":"authenticate","id":2,"token":"…"}
 *
 * A message that cannot be understood is answered, and the client goes on;
 * one that breaks the protocol ends the connection.
 */
#include "base/json.h"
#include "base/metrics.h"
#include "model/money.h"
#include "web/stream_inside.h"

#define MESSAGES_A_SECOND 50
#define SUBSCRIBE_MESSAGES 5 /* what one costs */
#define INPUT_ARENA_BYTES ((size_t)4 * 1024 * 1024)
#define CHANNELS_MAX (LIMIT_STREAM_EVENTS + LIMIT_STREAM_SPORTS)
_Static_assert(CHANNELS_MAX <= CONN_FRAMES_MAX, "a tick may change all of them");

struct input {
    struct arena arena;
    struct str op, clk, token, error;
    int64_t id;
    json_t *events, *sports;
    struct channel *channels[CHANNELS_MAX];
    uint32_t n;
};

static void refuse(struct client *client, struct input *input, const char *code)
{
    client_status(client, input->id, code, input->error);
}

/* ---- subscribe ----------------------------------------------------------------- */

static bool has_channel(const struct input *input, const struct channel *channel)
{
    for (uint32_t i = 0; i < input->n; i++)
        if (input->channels[i] == channel)
            return true;
    return false;
}

static const char *add_channel(struct client *client, struct input *input,
                               enum channel_kind kind, const char *name, json_t *value)
{
    struct str id = { json_string_value(value), json_string_length(value) };
    struct channel *channel;

    if (!id_is_well(id)) {
        input->error = arena_printf(&input->arena, "%s must be ids", name);
        return "malformed";
    }
    channel = channel_of(client->stream, kind, id);
    if (channel == NULL) {
        input->error = STR("too many events are subscribed to");
        return "busy";
    }
    if (!has_channel(input, channel))
        input->channels[input->n++] = channel;
    return NULL;
}

/* NULL: well; else the code, and input->error says what is wrong. */
static const char *add_channels(struct client *client, struct input *input,
                                enum channel_kind kind, const char *name, size_t most)
{
    json_t *list = kind == CHANNEL_EVENT ? input->events : input->sports;
    const char *code = NULL;

    if (json_array_size(list) > most) {
        input->error = arena_printf(&input->arena, "%s may have %zu ids", name, most);
        return "limit_reached";
    }
    for (size_t i = 0; code == NULL && i < json_array_size(list); i++)
        code = add_channel(client, input, kind, name, json_array_get(list, i));
    return code;
}

/* A clk of another log, or of none, is no reason to refuse: images tell all. */
static int64_t since_of(const struct client *client, const struct input *input)
{
    int64_t clk;

    if (decimal_parse(input->clk, 0, INT64_MAX, &clk) != DECIMAL_OK)
        return -1;
    return client->stream->source->since(client->stream, clk);
}

static void subscribe_now(const struct channel_wait *wait, struct channel **channels)
{
    client_status(wait->client, wait->id, NULL, STR_NONE);
    if (wait->client->state == CLIENT_OPEN)
        client_subscribe(wait->client, channels, (uint32_t)wait->n, wait->since);
}

static void on_known(const struct channel_wait *wait, struct channel **channels)
{
    if (channels != NULL)
        subscribe_now(wait, channels);
    else
        client_status(wait->client, wait->id, "busy", STR("the prices cannot be had now"));
}

/* The later one takes the place of one that waits, which is as good as done. */
static void subscribe_when_known(struct client *client, struct input *input, int64_t since)
{
    if (client->wait != NULL) {
        int64_t former = client->wait->id;

        wait_end(client->wait);
        client_status(client, former, NULL, STR_NONE);
        if (client->state != CLIENT_OPEN)
            return;
    }
    wait_begin(&(struct channel_wait){ .stream = client->stream, .client = client, .since = since,
                               .id = input->id, .n = input->n, .on_end = on_known },
               input->channels, input->n);
}

static void subscribe(struct client *client, struct input *input)
{
    const char *code;

    client->second_n += SUBSCRIBE_MESSAGES - 1;
    code = add_channels(client, input, CHANNEL_EVENT, "events", LIMIT_STREAM_EVENTS);

    if (code == NULL)
        code = add_channels(client, input, CHANNEL_SPORT, "sports", LIMIT_STREAM_SPORTS);
    if (code != NULL) {
        refuse(client, input, code);
        return;
    }
    subscribe_when_known(client, input, since_of(client, input));
}

/* ---- messages ------------------------------------------------------------------ */

/* The fields that the op has; anything else is refused by name. */
static json_t *read_as(struct input *input, struct str text, bool authenticate)
{
    const struct json_field subscribes[] = {
        { "op", JSON_KIND_STRING, true, &input->op },
        { "id", JSON_KIND_INT, false, &input->id },
        { "events", JSON_KIND_ARRAY, false, &input->events },
        { "sports", JSON_KIND_ARRAY, false, &input->sports },
        { "clk", JSON_KIND_STRING, false, &input->clk },
    };
    const struct json_field authenticates[] = {
        { "op", JSON_KIND_STRING, true, &input->op },
        { "id", JSON_KIND_INT, false, &input->id },
        { "token", JSON_KIND_STRING, true, &input->token },
    };

    if (authenticate)
        return json_read(text, authenticates, LENGTH(authenticates), &input->arena,
                         &input->error);
    return json_read(text, subscribes, LENGTH(subscribes), &input->arena, &input->error);
}

/* Which op it is, before its fields are. */
static bool is_authenticate(struct str text)
{
    json_t *object = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    const char *op = json_string_value(json_object_get(object, "op"));
    bool is = op != NULL && strcmp(op, "authenticate") == 0;

    json_decref(object);
    return is;
}

static void on_text(struct client *client, struct str text)
{
    struct input input = { .id = NO_ID };
    bool authenticate = is_authenticate(text);
    json_t *object;

    arena_init(&input.arena, INPUT_ARENA_BYTES);
    object = read_as(&input, text, authenticate);
    if (object == NULL) {
        refuse(client, &input, "malformed");
    } else if (authenticate) {
        client->stream->source->authenticate(
            client, &(struct stream_authenticate){ input.token, text, input.id });
    } else if (str_eq(input.op, STR("subscribe"))) {
        subscribe(client, &input);
    } else {
        input.error = STR("op must be subscribe or authenticate");
        refuse(client, &input, "malformed");
    }
    json_decref(object);
    arena_fini(&input.arena);
}

/* The client's own close is answered with its code (RFC 6455, 5.5.1). */
static void on_close(struct client *client, const struct ws_message *message)
{
    client_close(client, message->code, "", "client");
}

static void on_message(struct client *client, const struct ws_message *message)
{
    switch (message->opcode) {
    case WS_TEXT:
        on_text(client, message->data);
        break;
    case WS_BINARY:
        client_close(client, WS_UNSUPPORTED, "messages are text", "protocol");
        break;
    case WS_PING:
        client_send(client, frame_of_control(WS_PONG, message->data));
        break;
    case WS_CLOSE:
        on_close(client, message);
        break;
    case WS_PONG:
    case WS_CONTINUATION:
        break;
    }
}

/* More than a person or a page ever sends. */
static bool is_flooding(struct client *client)
{
    uint64_t second = hub_now(client->stream) / 1000;

    if (client->second != second)
        client->second_n = 0;
    client->second = second;
    return ++client->second_n > MESSAGES_A_SECOND;
}

void client_input(struct client *client, const char *p, size_t n)
{
    client->received_ms = hub_now(client->stream);
    client->pinged = false;
    while (client->state == CLIENT_OPEN && n > 0) {
        struct ws_message message;
        size_t eaten;

        switch (ws_reader_feed(&client->reader, p, n, &eaten, &message)) {
        case WS_MORE:
            return;
        case WS_FAILED:
            client_close(client, message.code, message.why, "protocol");
            return;
        case WS_MESSAGE:
            if (is_flooding(client))
                client_close(client, WS_POLICY, "too many messages", "flood");
            else
                on_message(client, &message);
            break;
        }
        p += eaten;
        n -= eaten;
    }
}
