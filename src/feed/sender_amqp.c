/*
 * Sender, the AMQP half: see sender_amqp.h.
 */
#include "feed/sender_amqp.h"

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define CHANNEL 1
#define FRAME_BYTES 131072
#define HEARTBEAT_S 30
#define CONNECT_S 3
#define CONFIRM_S 10
#define KEY_BYTES 256
#define MESSAGE_BYTES_MAX (4 * 1024 * 1024)
#define SOCCER 1

struct under_way {
    uint64_t tag;            /* of the connection of now; 0 = not published on it */
    struct buf text;
};

struct sender_amqp {
    char *url;               /* as parsed: `info` points into it */
    struct amqp_connection_info info;
    amqp_connection_state_t connection; /* NULL = none */
    uint64_t published;      /* on this connection */
    struct under_way window[SENDER_WINDOW];
    unsigned first, n;       /* a ring */
    char error[200];
};

/* ---- routing keys ------------------------------------------------------- */

/* The value of an attribute of the root element. */
static bool attribute(struct str root, const char *name, struct str *value)
{
    char mark[40];
    const char *at, *end;
    int n = snprintf(mark, sizeof(mark), " %s=\"", name);

    CHECK(n > 0 && (size_t)n < sizeof(mark));
    at = memmem(root.p, root.n, mark, (size_t)n);
    if (at == NULL)
        return false;
    at += n;
    end = memchr(at, '"', root.n - (size_t)(at - root.p));
    if (end == NULL)
        return false;
    *value = (struct str){ at, (size_t)(end - at) };
    return true;
}

/* "<odds_change product=…": what is between its brackets. */
static bool find_root(struct str message, struct str *name, struct str *root)
{
    const char *end = message.p + message.n, *at = message.p, *close;

    do {
        at = at < end ? memchr(at, '<', (size_t)(end - at)) : NULL;
        if (at == NULL)
            return false;
    } while (++at < end && (*at == '?' || *at == '!'));
    close = memchr(at, '>', (size_t)(end - at));
    if (close == NULL)
        return false;
    *root = (struct str){ at, (size_t)(close - at) };
    name->p = at;
    for (name->n = 0; name->n < root->n && strchr(" \n/", at[name->n]) == NULL;)
        name->n++;
    return name->n > 0;
}

/* sr:match:1234 as the words sr:match and 1234; no dots may come in. */
static bool put_event(struct buf *key, struct str event)
{
    const char *colon = memrchr(event.p, ':', event.n);

    if (colon == NULL || memchr(event.p, '.', event.n) != NULL)
        return false;
    buf_str(key, (struct str){ event.p, (size_t)(colon - event.p) });
    buf_char(key, '.');
    buf_str(key, (struct str){ colon + 1, event.n - (size_t)(colon - event.p) - 1 });
    return true;
}

static bool is_one_of(struct str name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(name, str_of(names[i])))
            return true;
    return false;
}

bool sender_routing_key(struct str message, struct buf *key)
{
    static const char *const ours[] = { "alive", "snapshot_complete", "market_descriptions",
                                        "fixtures_fixture", "odds_change", "bet_stop",
                                        "bet_settlement", "bet_cancel", "fixture_change",
                                        "rollback_bet_settlement", "rollback_bet_cancel" };
    static const char *const urgent[] = { "odds_change", "bet_stop", "bet_cancel" };
    struct str name, root, product = STR_NONE, event = STR_NONE;
    bool live;

    if (!find_root(message, &name, &root) || !is_one_of(name, ours, LENGTH(ours)))
        return false;
    (void)attribute(root, "product", &product);
    live = str_eq(product, STR("1"));
    if (!attribute(root, "event_id", &event)) {
        buf_printf(key, "-.-.-." STR_FMT ".-.-.-.-", STR_ARG(name));
    } else {
        buf_printf(key, "%s.%s." STR_FMT ".%d.",
                   is_one_of(name, urgent, LENGTH(urgent)) ? "hi" : "lo",
                   live ? "-.live" : "pre.-", STR_ARG(name), SOCCER);
        if (!put_event(key, event))
            return false;
        buf_str(key, STR(".-"));
    }
    buf_char(key, '\0');
    return !key->overflow && key->n <= KEY_BYTES;
}

/* ---- the connection ------------------------------------------------------ */

static void set_error(struct sender_amqp *amqp, const char *what, const char *why)
{
    (void)snprintf(amqp->error, sizeof(amqp->error), "%s:%d: %s%s%s", amqp->info.host,
                   amqp->info.port, what, why[0] == '\0' ? "" : ": ", why);
}

static void disconnect(struct sender_amqp *amqp)
{
    if (amqp->connection != NULL)
        (void)amqp_destroy_connection(amqp->connection);
    amqp->connection = NULL;
    amqp->published = 0;
    for (unsigned i = 0; i < SENDER_WINDOW; i++)
        amqp->window[i].tag = 0;
}

/* The broker's own words, where it has any. */
static bool is_fine(struct sender_amqp *amqp, const char *what, amqp_rpc_reply_t reply)
{
    const amqp_connection_close_t *closed = reply.reply.decoded;
    char why[120] = "";

    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return true;
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
        (void)snprintf(why, sizeof(why), "%s", amqp_error_string2(reply.library_error));
    else if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && closed != NULL &&
             (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD ||
              reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD))
        (void)snprintf(why, sizeof(why), "%.*s", (int)closed->reply_text.len,
                       (const char *)closed->reply_text.bytes);
    set_error(amqp, what, why);
    return false;
}

static bool open_socket(struct sender_amqp *amqp)
{
    struct timeval patience = { CONNECT_S, 0 };
    amqp_socket_t *socket;
    int status;

    amqp->connection = amqp_new_connection();
    CHECK(amqp->connection != NULL);
    socket = amqp_tcp_socket_new(amqp->connection);
    CHECK(socket != NULL);
    status = amqp_socket_open_noblock(socket, amqp->info.host, amqp->info.port, &patience);
    if (status != AMQP_STATUS_OK)
        set_error(amqp, "cannot connect", amqp_error_string2(status));
    return status == AMQP_STATUS_OK;
}

static bool log_in(struct sender_amqp *amqp)
{
    amqp_connection_state_t connection = amqp->connection;

    return is_fine(amqp, "log in", amqp_login(connection, amqp->info.vhost, 0, FRAME_BYTES,
                                              HEARTBEAT_S, AMQP_SASL_METHOD_PLAIN,
                                              amqp->info.user, amqp->info.password)) &&
           (amqp_channel_open(connection, CHANNEL),
            is_fine(amqp, "open a channel", amqp_get_rpc_reply(connection))) &&
           (amqp_exchange_declare(connection, CHANNEL, amqp_cstring_bytes(SENDER_EXCHANGE),
                                  amqp_cstring_bytes("topic"), 0, 1, 0, 0, amqp_empty_table),
            is_fine(amqp, "declare the exchange", amqp_get_rpc_reply(connection))) &&
           (amqp_confirm_select(connection, CHANNEL),
            is_fine(amqp, "ask for confirms", amqp_get_rpc_reply(connection)));
}

static struct under_way *slot(struct sender_amqp *amqp, unsigned i)
{
    return &amqp->window[(amqp->first + i) % SENDER_WINDOW];
}

static bool put(struct sender_amqp *amqp, struct under_way *message)
{
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG,
        .content_type = amqp_cstring_bytes("application/xml"),
        .delivery_mode = 2,
    };
    struct str text = buf_view(&message->text);
    struct buf key;
    int status;

    buf_init(&key, KEY_BYTES);
    if (!sender_routing_key(text, &key)) {
        buf_reset(&key);
        buf_put(&key, "-.-.-.-.-.-.-.-", 16);
    }
    status = amqp_basic_publish(amqp->connection, CHANNEL, amqp_cstring_bytes(SENDER_EXCHANGE),
                                amqp_cstring_bytes(key.p), 0, 0, &properties,
                                (amqp_bytes_t){ text.n, (void *)(uintptr_t)text.p });
    buf_fini(&key);
    if (status != AMQP_STATUS_OK) {
        set_error(amqp, "publish", amqp_error_string2(status));
        return false;
    }
    message->tag = ++amqp->published;
    return true;
}

/* Connected, with all that is under way published on this connection. */
static bool connect_again(struct sender_amqp *amqp)
{
    if (amqp->connection != NULL)
        return true;
    if (!open_socket(amqp) || !log_in(amqp)) {
        disconnect(amqp);
        return false;
    }
    for (unsigned i = 0; i < amqp->n; i++)
        if (!put(amqp, slot(amqp, i))) {
            disconnect(amqp);
            return false;
        }
    return true;
}

/* ---- confirms -------------------------------------------------------------- */

static void confirm(struct sender_amqp *amqp, uint64_t tag, bool multiple)
{
    for (unsigned i = 0; i < amqp->n; i++) {
        struct under_way *message = slot(amqp, i);

        if (message->tag == tag || (multiple && message->tag <= tag && message->tag > 0))
            message->tag = UINT64_MAX;
    }
    while (amqp->n > 0 && slot(amqp, 0)->tag == UINT64_MAX) {
        buf_reset(&slot(amqp, 0)->text);
        slot(amqp, 0)->tag = 0;
        amqp->first = (amqp->first + 1) % SENDER_WINDOW;
        amqp->n--;
    }
}

/* One frame of the broker's, if it comes in time.  False: the connection is
 * lost, or a message was not taken. */
static bool read_frame(struct sender_amqp *amqp, struct timeval patience, bool *heard)
{
    amqp_frame_t frame;
    int status;

    amqp_maybe_release_buffers(amqp->connection);
    status = amqp_simple_wait_frame_noblock(amqp->connection, &frame, &patience);
    *heard = status == AMQP_STATUS_OK;
    if (status == AMQP_STATUS_TIMEOUT)
        return true;
    if (status != AMQP_STATUS_OK) {
        set_error(amqp, "lost", amqp_error_string2(status));
        return false;
    }
    if (frame.frame_type != AMQP_FRAME_METHOD)
        return true;
    if (frame.payload.method.id == AMQP_BASIC_ACK_METHOD) {
        const amqp_basic_ack_t *ack = frame.payload.method.decoded;

        confirm(amqp, ack->delivery_tag, ack->multiple != 0);
        return true;
    }
    if (frame.payload.method.id == AMQP_BASIC_RETURN_METHOD)
        return true;
    set_error(amqp, "the broker closes the channel or refuses a message", "");
    return false;
}

/* Takes confirms until at most `most` messages are under way. */
static enum delivery settle(struct sender_amqp *amqp, unsigned most)
{
    bool heard = true;

    while (heard || amqp->n > most) {
        struct timeval patience = { amqp->n > most ? CONFIRM_S : 0, 0 };
        unsigned before = amqp->n;

        if (!read_frame(amqp, patience, &heard)) {
            disconnect(amqp);
            return AWAY;
        }
        if (!heard && before > most) {
            set_error(amqp, "no confirm", "");
            disconnect(amqp);
            return AWAY;
        }
    }
    return DELIVERED;
}

enum delivery sender_amqp_publish(struct sender_amqp *amqp, struct str message)
{
    struct under_way *next;

    if (!connect_again(amqp) || settle(amqp, SENDER_WINDOW - 1) != DELIVERED)
        return AWAY;
    next = slot(amqp, amqp->n);
    buf_reset(&next->text);
    buf_str(&next->text, message);
    CHECK(!next->text.overflow);
    if (!put(amqp, next)) {
        disconnect(amqp);
        return AWAY;
    }
    amqp->n++;
    return DELIVERED;
}

enum delivery sender_amqp_flush(struct sender_amqp *amqp)
{
    return connect_again(amqp) ? settle(amqp, 0) : AWAY;
}

const char *sender_amqp_error(const struct sender_amqp *amqp)
{
    return amqp->error;
}

/* ---- the whole --------------------------------------------------------------- */

struct sender_amqp *sender_amqp_new(const char *url, const char **error)
{
    struct sender_amqp *amqp = calloc(1, sizeof(*amqp));

    CHECK(amqp != NULL);
    amqp->url = strdup(url);
    CHECK(amqp->url != NULL);
    amqp_default_connection_info(&amqp->info);
    *error = NULL;
    if (amqp_parse_url(amqp->url, &amqp->info) != AMQP_STATUS_OK)
        *error = "not amqp://user:password@host:port/vhost";
    else if (amqp->info.ssl)
        *error = "amqps is not spoken here; use amqp";
    if (*error != NULL) {
        free(amqp->url);
        free(amqp);
        return NULL;
    }
    for (unsigned i = 0; i < SENDER_WINDOW; i++)
        buf_init(&amqp->window[i].text, MESSAGE_BYTES_MAX);
    return amqp;
}

void sender_amqp_free(struct sender_amqp *amqp)
{
    if (amqp == NULL)
        return;
    disconnect(amqp);
    for (unsigned i = 0; i < SENDER_WINDOW; i++)
        buf_fini(&amqp->window[i].text);
    free(amqp->url);
    free(amqp);
}
