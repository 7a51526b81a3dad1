/* A session with a broker: see amqp_session.h. */
#include "feed/amqp_session.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/text.h"

#define CHANNEL 1
#define FRAME_BYTES 131072
#define HEARTBEAT_S 10
#define PATIENCE_S 5 /* to connect, to shake hands, for an answer */

struct amqp_session {
    amqp_connection_state_t connection;
    amqp_envelope_t envelope;
    bool has_envelope;
};

/* What is bound whatever the settings say: without them nobody is up. */
static const char *const always[] = { "-.-.-.alive.#", "-.-.-.snapshot_complete.#" };

bool amqp_session_check(const char *url, const char **why)
{
    struct amqp_connection_info info;
    char *copy = strdup(url);
    int status;

    CHECK(copy != NULL);
    amqp_default_connection_info(&info);
    status = amqp_parse_url(copy, &info);
    free(copy);
    *why = "amqp-url must be amqp[s]://user:password@host:port/vhost";
    return status == AMQP_STATUS_OK;
}

static void write_why(char *why, const char *what, const char *reason)
{
    (void)snprintf(why, AMQP_SESSION_WHY_BYTES, "%s%s%s", what, reason[0] == '\0' ? "" : ": ",
                   reason);
    for (char *at = why; *at != '\0'; at++)
        if (*at < ' ' || *at > '~' || *at == '\'')
            *at = '?';
}

/* The broker's own words, of a channel's or the connection's closing. */
static void write_close(char *why, const char *what, amqp_method_number_t id, const void *decoded)
{
    char text[AMQP_SESSION_WHY_BYTES] = "";
    amqp_bytes_t said = amqp_empty_bytes;

    if (id == AMQP_CONNECTION_CLOSE_METHOD)
        said = ((const amqp_connection_close_t *)decoded)->reply_text;
    else if (id == AMQP_CHANNEL_CLOSE_METHOD)
        said = ((const amqp_channel_close_t *)decoded)->reply_text;
    else if (id == AMQP_BASIC_CANCEL_METHOD)
        said = amqp_cstring_bytes("the broker cancelled the consumer");
    if (said.len > 0)
        (void)snprintf(text, sizeof(text), "%.*s", (int)said.len, (const char *)said.bytes);
    write_why(why, what, text);
}

static bool is_well(amqp_rpc_reply_t reply, const char *what, char *why)
{
    if (reply.reply_type == AMQP_RESPONSE_NORMAL)
        return true;
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION)
        write_close(why, what, reply.reply.id, reply.reply.decoded);
    else
        write_why(why, what, amqp_error_string2(reply.library_error));
    return false;
}

static bool last_is_well(const struct amqp_session *session, const char *what, char *why)
{
    return is_well(amqp_get_rpc_reply(session->connection), what, why);
}

static bool is_ok(int status, const char *what, char *why)
{
    if (status == AMQP_STATUS_OK)
        return true;
    write_why(why, what, amqp_error_string2(status));
    return false;
}

/* ---- opening ------------------------------------------------------------ */

static amqp_socket_t *make_socket(const struct amqp_session *session, bool tls, const char *ca,
                                  char *why)
{
    amqp_socket_t *socket;

    if (!tls)
        return amqp_tcp_socket_new(session->connection);
    socket = amqp_ssl_socket_new(session->connection);
    if (socket == NULL)
        return NULL;
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    if (!is_ok(amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST),
               "TLS versions", why) ||
        !is_ok(amqp_ssl_socket_set_cacert(socket, ca), "amqp-ca", why))
        return NULL;
    return socket;
}

static bool connect_to(struct amqp_session *session, const struct amqp_connection_info *info,
                       const char *ca, char *why)
{
    const struct timeval patience = { .tv_sec = PATIENCE_S };
    amqp_socket_t *socket;

    write_why(why, "no socket", "");
    socket = make_socket(session, info->ssl != 0, ca, why);
    return socket != NULL &&
           is_ok(amqp_set_handshake_timeout(session->connection, &patience), "time limit", why) &&
           is_ok(amqp_set_rpc_timeout(session->connection, &patience), "time limit", why) &&
           is_ok(amqp_socket_open_noblock(socket, info->host, info->port, &patience),
                 "cannot connect", why);
}

static bool log_in(struct amqp_session *session, const struct amqp_connection_info *info,
                   char *why)
{
    if (!is_well(amqp_login(session->connection, info->vhost, 0, FRAME_BYTES, HEARTBEAT_S,
                            AMQP_SASL_METHOD_PLAIN, info->user, info->password),
                 "log in", why))
        return false;
    (void)amqp_channel_open(session->connection, CHANNEL);
    return last_is_well(session, "open a channel", why);
}

static bool declare(struct amqp_session *session, const char *name, amqp_bytes_t *queue,
                    char *why)
{
    amqp_table_entry_t entry = {
        .key = amqp_cstring_bytes("x-single-active-consumer"),
        .value = { .kind = AMQP_FIELD_KIND_BOOLEAN, .value = { .boolean = 1 } },
    };
    amqp_table_t single = { .num_entries = 1, .entries = &entry };
    bool named = name[0] != '\0';
    amqp_queue_declare_ok_t *declared =
        amqp_queue_declare(session->connection, CHANNEL, amqp_cstring_bytes(name), 0, named,
                           !named, !named, named ? single : amqp_empty_table);

    if (!last_is_well(session, "declare the queue", why))
        return false;
    *queue = amqp_bytes_malloc_dup(declared->queue);
    CHECK(queue->bytes != NULL);
    return true;
}

static bool bind_key(struct amqp_session *session, amqp_bytes_t queue, const char *exchange,
                     struct str key, char *why)
{
    (void)amqp_queue_bind(session->connection, CHANNEL, queue, amqp_cstring_bytes(exchange),
                          (amqp_bytes_t){ key.n, (void *)(uintptr_t)key.p }, amqp_empty_table);
    return last_is_well(session, "bind the queue", why);
}

static bool bind_all(struct amqp_session *session, amqp_bytes_t queue,
                     const struct amqp_session_options *options, char *why)
{
    struct str rest = str_of(options->bindings);
    char node[64];

    for (size_t i = 0; i < LENGTH(always); i++)
        if (!bind_key(session, queue, options->exchange, str_of(always[i]), why))
            return false;
    (void)snprintf(node, sizeof(node), "*.*.*.*.*.*.*.%lld.#", (long long)options->node);
    if (!bind_key(session, queue, options->exchange, str_of(node), why))
        return false;
    while (rest.n > 0) {
        struct str key = text_until(&rest, ',');

        if (key.n > 0 && !bind_key(session, queue, options->exchange, key, why))
            return false;
    }
    return true;
}

static bool consume(struct amqp_session *session, amqp_bytes_t queue,
                    const struct amqp_session_options *options, char *why)
{
    bool exclusive = options->queue[0] == '\0';

    (void)amqp_basic_qos(session->connection, CHANNEL, 0, options->prefetch, 0);
    if (!last_is_well(session, "prefetch", why))
        return false;
    (void)amqp_basic_consume(session->connection, CHANNEL, queue, amqp_empty_bytes, 0, 0,
                             exclusive, amqp_empty_table);
    return last_is_well(session, "consume", why);
}

static bool set_up(struct amqp_session *session, const struct amqp_session_options *options,
                   char *why)
{
    amqp_bytes_t queue = amqp_empty_bytes;
    bool well = declare(session, options->queue, &queue, why) &&
                bind_all(session, queue, options, why) && consume(session, queue, options, why);

    amqp_bytes_free(queue);
    return well;
}

struct amqp_session *amqp_session_open(const struct amqp_session_options *options, char *why)
{
    struct amqp_session *session = calloc(1, sizeof(*session));
    struct amqp_connection_info info;
    char *url = strdup(options->url);
    bool well;

    CHECK(session != NULL && url != NULL);
    session->connection = amqp_new_connection();
    CHECK(session->connection != NULL);
    amqp_default_connection_info(&info);
    well = is_ok(amqp_parse_url(url, &info), "amqp-url", why) &&
           connect_to(session, &info, options->ca, why) && log_in(session, &info, why) &&
           set_up(session, options, why);
    free(url);
    if (well)
        return session;
    amqp_session_close(session, false);
    return NULL;
}

static void drop_envelope(struct amqp_session *session)
{
    if (session->has_envelope)
        amqp_destroy_envelope(&session->envelope);
    session->has_envelope = false;
}

void amqp_session_close(struct amqp_session *session, bool orderly)
{
    drop_envelope(session);
    if (orderly)
        (void)amqp_connection_close(session->connection, AMQP_REPLY_SUCCESS);
    (void)amqp_destroy_connection(session->connection);
    free(session);
}

/* ---- consuming ---------------------------------------------------------- */

/* Something else than a delivery: of the broker's frames only these come to a
 * consumer, and each ends the session. */
static enum amqp_session_result other_frame(struct amqp_session *session, char *why)
{
    const struct timeval at_once = { .tv_sec = 0 };
    amqp_frame_t frame;
    int status = amqp_simple_wait_frame_noblock(session->connection, &frame, &at_once);

    if (status == AMQP_STATUS_TIMEOUT)
        return AMQP_SESSION_NOTHING;
    if (!is_ok(status, "lost", why))
        return AMQP_SESSION_LOST;
    if (frame.frame_type != AMQP_FRAME_METHOD)
        return AMQP_SESSION_NOTHING;
    switch (frame.payload.method.id) {
    case AMQP_CONNECTION_CLOSE_METHOD:
    case AMQP_CHANNEL_CLOSE_METHOD:
    case AMQP_BASIC_CANCEL_METHOD:
        write_close(why, "lost", frame.payload.method.id, frame.payload.method.decoded);
        return AMQP_SESSION_LOST;
    default:
        return AMQP_SESSION_NOTHING;
    }
}

enum amqp_session_result amqp_session_next(struct amqp_session *session,
                                           struct amqp_session_message *message, char *why)
{
    const struct timeval at_once = { .tv_sec = 0 };
    amqp_envelope_t *envelope = &session->envelope;
    amqp_rpc_reply_t reply;

    drop_envelope(session);
    amqp_maybe_release_buffers(session->connection);
    reply = amqp_consume_message(session->connection, envelope, &at_once, 0);
    if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
        if (reply.library_error == AMQP_STATUS_TIMEOUT)
            return AMQP_SESSION_NOTHING;
        if (reply.library_error == AMQP_STATUS_UNEXPECTED_STATE)
            return other_frame(session, why);
    }
    if (!is_well(reply, "lost", why))
        return AMQP_SESSION_LOST;
    session->has_envelope = true;
    *message = (struct amqp_session_message){
        .tag = envelope->delivery_tag, .redelivered = envelope->redelivered != 0,
        .key = { envelope->routing_key.bytes, envelope->routing_key.len },
        .body = { envelope->message.body.bytes, envelope->message.body.len },
    };
    return AMQP_SESSION_MESSAGE;
}

int amqp_session_socket(const struct amqp_session *session)
{
    return amqp_get_sockfd(session->connection);
}

bool amqp_session_ack(struct amqp_session *session, uint64_t tag, char *why)
{
    return is_ok(amqp_basic_ack(session->connection, CHANNEL, tag, 1), "acknowledge", why);
}
