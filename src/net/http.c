/*
 * HTTP/1.1 server: connections, answers, timeouts, draining.  The bytes are
 * understood in http_reader.c.
 *
 * A connection's state is the list it is on, and connection_move() is the
 * only way from one to another.  Every list has one timeout, so each is in
 * the order of its deadlines and one timer looks at the heads alone.
 *
 *             first byte           complete            all in the socket
 *     IDLE -------------> READING -----------> ANSWERING ------------> IDLE
 *       \ timeout            | refused            | socket full         ^
 *        \                   |                    v                     |
 *         \                  |                 WRITING -----------------+
 *          \                 v                    | no keep-alive
 *           +--> CLOSING <-- LINGERING <----------+
 *
 * READY (between ANSWERING and IDLE): the next request's bytes are here
 * already; it is begun from the loop, not from inside whoever answered.
 *
 * LINGERING: the last answer is sent and our side shut; what still comes is
 * thrown away for a while, because closing on unread bytes makes the kernel
 * reset the connection and the client lose the answer.
 *
 * An upgrade (http_upgrade()) ends a connection here while its socket lives on
 * in conn.c: of idle streams the listener keeps nothing but their number.
 *
 * Memory: one read buffer for all connections.  Bytes are copied once, into
 * the request; what a client pipelines behind a request in flight is kept up
 * to one read, then its socket is not read until the answer is out.
 */
#include "net/http.h"

#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/http_head.h"
#include "net/http_reader.h"
#include "net/listen.h"

#define CONNECTION_MAGIC 0x68747470u /* "http" */
#define READ_BYTES ((size_t)64 * 1024)
#define SMALL_BYTES ((size_t)8 * 1024) /* an answer that is sent in one piece */
#define HEAD_BYTES ((size_t)4 * 1024)
#define TICK_MS 250
#define DRAIN_ACCEPT_MS 20 /* new connections are still taken */
#define DRAIN_IDLE_MS 500  /* idle ones may still send a request */
#define DRAIN_LINGER_MS 1000
#define BACKLOG 1024

enum connection_state {
    STATE_IDLE, STATE_READY, STATE_READING, STATE_ANSWERING, STATE_WRITING,
    STATE_LINGERING, STATE_CLOSING, STATES
};

struct connection {
    struct http_reader reader;   /* first: a request is its connection */
    unsigned magic;
    enum connection_state state;
    struct http_server *server;
    struct connection *prev, *next; /* in the list of the state */
    uint64_t deadline_ms;        /* of the loop's clock */
    uv_tcp_t tcp;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct buf out;              /* what the socket did not take at once */
    struct buf pending;          /* bytes behind the request in flight */
    struct conn *upgraded;       /* who takes the bytes behind the request */
    size_t lingered;             /* bytes thrown away */
    bool reading;                /* the loop reads the socket */
    bool eof;                    /* the client has shut its side */
    bool gone;                   /* nobody to answer: the handle is closing */
    bool handle_closed;
    bool last;                   /* no request after this answer */
    bool eating;                 /* connection_eat() is at work */
};

struct conn_list { struct connection *first, *last; };

struct http_server {
    struct http_options options;
    uv_loop_t *loop;
    uv_tcp_t listener;
    uv_timer_t tick, drain_timer;
    uv_idle_t idle;              /* runs while connections are READY */
    struct listening listening;
    struct conn_list lists[STATES];
    uint64_t timeout_ms[STATES]; /* 0: none */
    struct connection *spare;
    size_t n_spare, n_open, n_upgraded;
    struct http_counts counts;
    bool accept_waits;           /* the limit is reached, someone knocks */
    bool draining, listener_closed, drained;
    int handles;                 /* of the server's own, not closed yet */
    void (*on_drained)(void *ctx);
    void *drained_ctx;
    char read[READ_BYTES];
    char small[SMALL_BYTES];
};

static void connection_close(struct connection *c);
static void connection_eat(struct connection *c, const char *p, size_t n);
static void accept_one(struct http_server *server);

/* ---- states ------------------------------------------------------------- */

static void list_remove(struct conn_list *list, struct connection *c)
{
    *(c->prev != NULL ? &c->prev->next : &list->first) = c->next;
    *(c->next != NULL ? &c->next->prev : &list->last) = c->prev;
    c->prev = c->next = NULL;
}

static void list_append(struct conn_list *list, struct connection *c)
{
    c->prev = list->last;
    c->next = NULL;
    *(list->last != NULL ? &list->last->next : &list->first) = c;
    list->last = c;
}

static void connection_move(struct connection *c, enum connection_state state)
{
    struct http_server *server = c->server;

    CHECK(c->magic == CONNECTION_MAGIC);
    CHECK(c->state != STATE_CLOSING);
    list_remove(&server->lists[c->state], c);
    c->state = state;
    c->deadline_ms = uv_now(server->loop) + server->timeout_ms[state];
    list_append(&server->lists[state], c);
}

static struct connection *connection_of(struct http_request *request)
{
    struct connection *c = (void *)request;

    CHECK(c->magic == CONNECTION_MAGIC);
    return c;
}

/* ---- life and death ----------------------------------------------------- */

static struct connection *connection_new(struct http_server *server)
{
    struct connection *c = server->spare;

    if (c != NULL) {
        server->spare = c->next;
        server->n_spare--;
    } else {
        c = calloc(1, sizeof(*c));
        CHECK(c != NULL);
        http_reader_init(&c->reader, &server->options);
        buf_init(&c->out, LIMIT_RESPONSE_BYTES + HEAD_BYTES);
        buf_init(&c->pending, READ_BYTES);
    }
    c->magic = CONNECTION_MAGIC;
    c->server = server;
    c->prev = c->next = NULL;
    c->upgraded = NULL;
    c->lingered = 0;
    c->reading = c->eof = c->gone = c->handle_closed = c->last = c->eating = false;
    c->state = STATE_IDLE;
    c->deadline_ms = uv_now(server->loop) + server->timeout_ms[STATE_IDLE];
    list_append(&server->lists[STATE_IDLE], c);
    server->n_open++;
    return c;
}

static void connection_free(struct connection *c)
{
    http_reader_fini(&c->reader);
    buf_fini(&c->out);
    buf_fini(&c->pending);
    c->magic = 0;
    free(c);
}

static void on_server_handle_closed(uv_handle_t *handle);

static void server_check_drained(struct http_server *server)
{
    if (!server->draining || !server->listener_closed || server->n_open > 0 ||
        server->n_upgraded > 0)
        return;
    if (uv_is_closing((uv_handle_t *)&server->tick))
        return;
    uv_close((uv_handle_t *)&server->tick, on_server_handle_closed);
    uv_close((uv_handle_t *)&server->drain_timer, on_server_handle_closed);
    uv_close((uv_handle_t *)&server->idle, on_server_handle_closed);
}

static void on_server_handle_closed(uv_handle_t *handle)
{
    struct http_server *server = handle->data;

    if (handle == (uv_handle_t *)&server->listener) {
        server->listener_closed = true;
        server_check_drained(server);
    }
    if (--server->handles > 0)
        return;
    server->drained = true;
    if (server->on_drained != NULL)
        server->on_drained(server->drained_ctx);
}

/* There is room for one more. */
static void accept_waiter(struct http_server *server)
{
    if (!server->accept_waits || server->draining)
        return;
    server->accept_waits = false;
    accept_one(server);
}

/* The handle is closed and the request, if any, is answered: nothing refers
 * to the connection any more. */
static void connection_recycle(struct connection *c)
{
    struct http_server *server = c->server;

    CHECK(c->handle_closed);
    list_remove(&server->lists[c->state], c);
    http_reader_next(&c->reader);
    buf_fini(&c->out);
    buf_fini(&c->pending);
    c->magic = 0;
    if (server->n_spare < LIMIT_SPARE_CONNECTIONS) {
        c->next = server->spare;
        server->spare = c;
        server->n_spare++;
    } else {
        connection_free(c);
    }
    server->n_open--;
    server_check_drained(server);
    accept_waiter(server);
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *c = handle->data;

    CHECK(c->magic == CONNECTION_MAGIC);
    c->handle_closed = true;
    if (c->state == STATE_CLOSING)
        connection_recycle(c);
}

/* A request that is being answered keeps its memory until http_respond(). */
static void connection_close(struct connection *c)
{
    if (c->gone)
        return;
    c->gone = true;
    c->reading = false;
    if (c->state != STATE_ANSWERING)
        connection_move(c, STATE_CLOSING);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

/* ---- reading ------------------------------------------------------------ */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct connection *c = handle->data;

    (void)suggested;
    *buf = uv_buf_init(c->server->read, (unsigned)READ_BYTES);
}

static void read_stop(struct connection *c)
{
    if (!c->reading)
        return;
    (void)uv_read_stop((uv_stream_t *)&c->tcp);
    c->reading = false;
}

static void linger_read(struct connection *c, ssize_t n)
{
    if (n < 0) {
        connection_close(c);
        return;
    }
    c->lingered += (size_t)n;
    if (c->lingered > LIMIT_LINGER_BYTES)
        connection_close(c);
}

static void on_end(struct connection *c, ssize_t n)
{
    c->eof = true;
    c->reading = false; /* libuv stops by itself */
    switch (c->state) {
    case STATE_ANSWERING:
    case STATE_WRITING:
        /* A client may shut its side and still wait for the answer; one that
         * is reset does not. */
        if (n != UV_EOF)
            connection_close(c);
        return;
    default:
        connection_close(c);
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct connection *c = stream->data;

    CHECK(c->magic == CONNECTION_MAGIC);
    if (n == 0 || c->gone)
        return;
    if (c->state == STATE_LINGERING) {
        linger_read(c, n);
    } else if (n < 0) {
        on_end(c, n);
    } else if (c->state == STATE_IDLE || c->state == STATE_READING) {
        connection_eat(c, buf->base, (size_t)n);
    } else {
        buf_put(&c->pending, buf->base, (size_t)n);
        read_stop(c);
    }
}

static void read_start(struct connection *c)
{
    if (c->reading || c->eof || c->gone)
        return;
    if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0) {
        connection_close(c);
        return;
    }
    c->reading = true;
}

/* ---- writing ------------------------------------------------------------ */

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct connection *c = request->data;

    if (status < 0)
        connection_close(c);
}

static void linger(struct connection *c)
{
    connection_move(c, STATE_LINGERING);
    http_reader_next(&c->reader);
    buf_reset(&c->pending);
    if (c->eof) {
        connection_close(c);
        return;
    }
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) != 0) {
        connection_close(c);
        return;
    }
    read_start(c);
}

/* Those that are ready now; what they make ready has its turn after the
 * sockets had theirs. */
static void on_ready(uv_idle_t *idle)
{
    struct http_server *server = idle->data;
    struct conn_list *ready = &server->lists[STATE_READY];
    size_t n = 0;

    for (struct connection *c = ready->first; c != NULL; c = c->next)
        n++;
    for (; n > 0 && ready->first != NULL; n--) {
        struct connection *c = ready->first;
        struct buf bytes = c->pending;

        buf_init(&c->pending, READ_BYTES);
        connection_move(c, STATE_IDLE);
        connection_eat(c, bytes.p, bytes.n);
        buf_fini(&bytes);
    }
    if (ready->first == NULL)
        (void)uv_idle_stop(idle);
}

/* Goes on with the client after an answer or a read. */
static void connection_resume(struct connection *c)
{
    if (c->gone || c->eating || (c->state != STATE_IDLE && c->state != STATE_READING))
        return;
    if (c->pending.n > 0) {
        connection_move(c, STATE_READY);
        (void)uv_idle_start(&c->server->idle, on_ready);
    } else if (c->eof) {
        connection_close(c);
    } else {
        read_start(c);
    }
}

/* The answer is out. */
static void answered(struct connection *c)
{
    buf_fini(&c->out);
    if (c->last) {
        linger(c);
        return;
    }
    http_reader_next(&c->reader);
    connection_move(c, STATE_IDLE);
    connection_resume(c);
}

static void on_written(uv_write_t *write, int status)
{
    struct connection *c = write->data;

    if (c->gone)
        return;
    if (status < 0)
        connection_close(c);
    else
        answered(c);
}

/* Sends head and body: at once as far as the socket takes it. */
static void send_bytes(struct connection *c, struct str head, struct str body)
{
    size_t n_bufs = body.n > 0 ? 2 : 1, sent;
    uv_buf_t bufs[2];
    int n;

    memset(bufs, 0, sizeof(bufs));
    bufs[0].base = (char *)(uintptr_t)head.p;
    bufs[0].len = head.n;
    bufs[1].base = (char *)(uintptr_t)body.p;
    bufs[1].len = body.n;
    n = uv_try_write((uv_stream_t *)&c->tcp, bufs, (unsigned)n_bufs);
    if (n < 0 && n != UV_EAGAIN) {
        connection_move(c, STATE_WRITING);
        connection_close(c);
        return;
    }
    sent = n < 0 ? 0 : (size_t)n;
    if (sent == head.n + body.n) {
        answered(c);
        return;
    }
    if (sent < head.n)
        buf_put(&c->out, head.p + sent, head.n - sent);
    sent = sent < head.n ? 0 : sent - head.n;
    buf_put(&c->out, body.p + sent, body.n - sent);
    CHECK(!c->out.overflow);
    bufs[0].base = c->out.p;
    bufs[0].len = c->out.n;
    c->write.data = c;
    connection_move(c, STATE_WRITING);
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, bufs, 1, on_written) != 0)
        connection_close(c);
}

static void count_answer(int status)
{
    char digits[3] = { (char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
                       (char)('0' + status % 10) };

    metric_add(METRIC_HTTP_ANSWERS, (struct str){ digits, sizeof(digits) }, 1);
}

/* A proxy that sees this may take the connection for a WebSocket's and pass on unseen
 * what comes after a refusal: so nothing comes after it. */
static bool asks_for_websocket(const struct http_request *request)
{
    struct str upgrade = http_header(request, "Upgrade");
    static const char name[] = "websocket";

    for (size_t i = 0; i + sizeof(name) - 1 <= upgrade.n; i++)
        if (strncasecmp(upgrade.p + i, name, sizeof(name) - 1) == 0)
            return true;
    return false;
}

/* Writes the answer; the connection is in any state but CLOSING. */
static void send_answer(struct connection *c, int status, const char *content_type,
                        struct str body, const struct http_header *headers,
                        size_t n_headers)
{
    char *small = c->server->small;
    struct http_head head;
    size_t n;

    if (c->server->draining || c->server->accept_waits || !c->reader.keep_alive ||
        asks_for_websocket(&c->reader.request))
        c->last = true;
    head = (struct http_head){
        .status = status, .content_type = content_type, .body_n = body.n,
        .close = c->last, .is_1_0 = c->reader.is_1_0, .is_head = c->reader.is_head,
        .headers = headers, .n_headers = n_headers, .request_id = c->reader.request.id,
        .caching = c->reader.request.caching,
    };
    n = http_head_write(&head, small, HEAD_BYTES);
    if (n == 0) {
        log_request(c->reader.request.id, LOG_ERROR, "http",
                    "an answer's headers are too large", "status=%d", status);
        c->last = true;
        body = STR_NONE;
        n = http_head_write(&(struct http_head){ .status = 500, .close = true,
                                                 .request_id = c->reader.request.id },
                            small, HEAD_BYTES);
    }
    if (c->reader.is_head || status == 204 || status == 304)
        body = STR_NONE;
    if (body.n > 0 && body.n <= SMALL_BYTES - n) {
        memcpy(small + n, body.p, body.n);
        n += body.n;
        body = STR_NONE;
    }
    send_bytes(c, (struct str){ small, n }, body);
}

static void log_answer(const struct http_request *request, int status)
{
    log_request(request->id, LOG_DEBUG, "http", "answered",
                "method=" STR_FMT " path='" STR_FMT "' status=%d us=%lld",
                STR_ARG(request->method), STR_ARG(request->path), status,
                (long long)(clock_mono_us() - request->arrived_us));
}

void http_respond(struct http_request *request, int status, const char *content_type,
                  struct str body, const struct http_header *headers, size_t n_headers)
{
    struct connection *c = connection_of(request);

    CHECK(c->state == STATE_ANSWERING);
    CHECK(status >= 200 && status <= 599);
    count_answer(status);
    metric_observe(METRIC_HTTP_SECONDS, clock_mono_us() - request->arrived_us);
    if (log_is_on(LOG_DEBUG))
        log_answer(request, status);
    if (c->server->options.on_answer != NULL)
        c->server->options.on_answer(c->server->options.ctx, request, status);
    if (c->gone) { /* nobody waits for it any more */
        connection_move(c, STATE_CLOSING);
        if (c->handle_closed)
            connection_recycle(c);
        return;
    }
    if (body.n > LIMIT_RESPONSE_BYTES) {
        log_request(request->id, LOG_ERROR, "http", "an answer is too large",
                    "bytes=%zu path='" STR_FMT "'", body.n, STR_ARG(request->path));
        status = 500;
        body = STR_NONE;
    }
    send_answer(c, status, content_type, body, headers, n_headers);
}

/* ---- upgrades ------------------------------------------------------------ */

static void on_upgraded_closed(void *ctx)
{
    struct http_server *server = ctx;

    CHECK(server->n_upgraded > 0);
    server->n_upgraded--;
    server_check_drained(server);
    accept_waiter(server);
}

/* The socket goes on under another file number, so that this connection can
 * be closed and used again as if its client had left. */
struct conn *http_upgrade(struct http_request *request, int status,
                          const struct conn_handler *handler, void *ctx)
{
    struct connection *c = connection_of(request);
    struct http_server *server = c->server;
    struct conn *conn;
    uv_os_fd_t fd;
    int own;

    CHECK(c->state == STATE_ANSWERING);
    if (c->gone)
        return NULL;
    CHECK(uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0);
    own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0)
        return NULL;
    count_answer(status);
    metric_observe(METRIC_HTTP_SECONDS, clock_mono_us() - request->arrived_us);
    server->n_upgraded++;
    conn = conn_new(&(struct conn_options){
        .loop = server->loop, .fd = own, .handler = handler, .ctx = ctx,
        .on_released = on_upgraded_closed, .released_ctx = server,
    });
    c->upgraded = c->eating ? conn : NULL;
    connection_move(c, STATE_WRITING);
    connection_close(c);
    return conn;
}

/* ---- requests ----------------------------------------------------------- */

/* The server's own refusal: says why, then closes. */
static void connection_refuse(struct connection *c, int status, const char *why)
{
    const struct http_options *options = &c->server->options;
    const char *content_type = "text/plain; charset=utf-8";
    struct buf body;

    c->server->counts.refused++;
    http_reader_name(&c->reader);
    buf_init(&body, SMALL_BYTES);
    if (options->on_refuse != NULL)
        options->on_refuse(options->ctx, status, why, &body, &content_type);
    else
        buf_printf(&body, "%s\n", why);
    c->last = true;
    count_answer(status);
    send_answer(c, status, content_type, buf_view(&body), NULL, 0);
    buf_fini(&body);
}

static void owe_continue(struct connection *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t buf;

    memset(&buf, 0, sizeof(buf));
    buf.base = (char *)(uintptr_t)text;
    buf.len = sizeof(text) - 1;
    c->reader.expects_continue = false;
    /* An empty socket takes 25 bytes; if it does not, the client's own
     * patience (RFC 9110, 10.1.1) sends the body without it. */
    if (uv_try_write((uv_stream_t *)&c->tcp, &buf, 1) < 0)
        log_debug("http", "100 Continue was not taken", "peer=%s",
                  c->reader.request.peer);
}

/* One step: true if there may be more requests in what is left. */
static bool eat_one(struct connection *c, const char *p, size_t n, size_t *eaten)
{
    struct http_server *server = c->server;

    switch (http_reader_feed(&c->reader, p, n, eaten)) {
    case HTTP_READER_REFUSED:
        *eaten = n; /* nothing after it can be trusted */
        connection_refuse(c, c->reader.refuse_status, c->reader.refuse_why);
        return false;
    case HTTP_READER_MORE:
        if (c->state == STATE_IDLE)
            connection_move(c, STATE_READING);
        if (c->reader.expects_continue)
            owe_continue(c);
        return false;
    case HTTP_READER_REQUEST:
        break;
    }
    server->counts.requests++;
    connection_move(c, STATE_ANSWERING);
    log_whose(c->reader.request.id);
    server->options.on_request(server->options.ctx, &c->reader.request);
    log_whose(STR_NONE);
    return !c->gone && c->state == STATE_IDLE;
}

/* Gives bytes to the reader, and requests to the handler, until the bytes
 * are used up or a request waits for its answer. */
static void connection_eat(struct connection *c, const char *p, size_t n)
{
    bool more = true;

    CHECK(c->pending.n == 0 && !c->eating);
    c->eating = true;
    while (more && n > 0) {
        size_t eaten;

        more = eat_one(c, p, n, &eaten);
        p += eaten;
        n -= eaten;
    }
    c->eating = false;
    if (c->upgraded != NULL) {
        if (n > 0)
            conn_take(c->upgraded, p, n);
        c->upgraded = NULL;
        return;
    }
    if (n > 0 && (c->state == STATE_ANSWERING || c->state == STATE_WRITING)) {
        buf_put(&c->pending, p, n);
        read_stop(c);
    }
    connection_resume(c);
}

/* ---- the server --------------------------------------------------------- */

static void name_peer(struct connection *c)
{
    struct sockaddr_storage address;
    int n = (int)sizeof(address);
    char *peer = c->reader.request.peer;
    size_t room = sizeof(c->reader.request.peer);

    peer[0] = '\0';
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &n) != 0)
        return;
    if (address.ss_family == AF_INET)
        (void)uv_ip4_name((const struct sockaddr_in *)&address, peer, room);
    else if (address.ss_family == AF_INET6)
        (void)uv_ip6_name((const struct sockaddr_in6 *)&address, peer, room);
}

static void connection_begin(struct connection *c)
{
    (void)uv_tcp_nodelay(&c->tcp, 1);
    name_peer(c);
    read_start(c);
}

static struct connection *connection_init(struct http_server *server)
{
    struct connection *c = connection_new(server);

    CHECK(uv_tcp_init(server->loop, &c->tcp) == 0);
    c->tcp.data = c;
    return c;
}

static void accept_waiting(struct http_server *server)
{
    struct connection *c = connection_init(server);

    if (uv_accept((uv_stream_t *)&server->listener, (uv_stream_t *)&c->tcp) != 0)
        connection_close(c);
    else
        connection_begin(c);
}

static void accept_one(struct http_server *server)
{
    /* Full: the one that has been idle for longest makes room; if all are
     * busy, the newcomer waits in the kernel's queue. */
    if (server->n_open + server->n_upgraded >= server->options.max_connections) {
        server->accept_waits = true;
        if (server->lists[STATE_IDLE].first != NULL
            && server->lists[STATE_CLOSING].first == NULL)
            connection_close(server->lists[STATE_IDLE].first);
        return;
    }
    accept_waiting(server);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct http_server *server = stream->data;

    if (status < 0) {
        log_warn("http", "cannot accept a connection", "error=%s", uv_err_name(status));
        return;
    }
    accept_one(server);
}

static void on_timeout(struct connection *c)
{
    if (c->state == STATE_READING) {
        connection_refuse(c, 408, "the request took too long to arrive");
        return;
    }
    connection_close(c);
}

static void on_tick(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    uint64_t now = uv_now(server->loop);

    for (int state = 0; state < STATES; state++) {
        struct connection *c;

        if (server->timeout_ms[state] == 0)
            continue;
        while ((c = server->lists[state].first) != NULL && c->deadline_ms <= now)
            on_timeout(c);
    }
}

static void set_defaults(struct http_server *server)
{
    struct http_options *options = &server->options;

    if (options->request_ms == 0)
        options->request_ms = LIMIT_REQUEST_MS;
    if (options->idle_ms == 0)
        options->idle_ms = LIMIT_IDLE_MS;
    if (options->linger_ms == 0)
        options->linger_ms = LIMIT_LINGER_MS;
    if (options->max_connections == 0)
        options->max_connections = LIMIT_CONNECTIONS;
    server->timeout_ms[STATE_IDLE] = options->idle_ms;
    server->timeout_ms[STATE_READING] = options->request_ms;
    server->timeout_ms[STATE_WRITING] = LIMIT_WRITE_MS;
    server->timeout_ms[STATE_LINGERING] = options->linger_ms;
}

static void on_listener_failed(uv_handle_t *handle)
{
    free(handle->data);
}

struct http_server *http_server_new(uv_loop_t *loop, const struct http_options *options,
                                    struct arena *arena, struct str *error)
{
    struct http_server *server = calloc(1, sizeof(*server));

    CHECK(server != NULL);
    CHECK(options->on_request != NULL && options->body_limit > 0);
    server->options = *options;
    server->loop = loop;
    set_defaults(server);
    CHECK(uv_tcp_init(loop, &server->listener) == 0);
    server->listener.data = server;
    if (!listen_at(&server->listener, options->listen, BACKLOG, on_connection,
                   &server->listening, arena, error)) {
        uv_close((uv_handle_t *)&server->listener, on_listener_failed);
        return NULL;
    }
    CHECK(uv_timer_init(loop, &server->tick) == 0);
    CHECK(uv_timer_init(loop, &server->drain_timer) == 0);
    CHECK(uv_idle_init(loop, &server->idle) == 0);
    server->tick.data = server->drain_timer.data = server->idle.data = server;
    server->handles = 4;
    CHECK(uv_timer_start(&server->tick, on_tick, TICK_MS, TICK_MS) == 0);
    return server;
}

int http_server_port(const struct http_server *server)
{
    return server->listening.port;
}

static bool has_unread(struct connection *c)
{
    uv_os_fd_t fd;
    int n = 0;

    return uv_fileno((uv_handle_t *)&c->tcp, &fd) == 0
        && ioctl(fd, FIONREAD, &n) == 0 && n > 0;
}

/* Whoever has connected may have sent a request already: closing the listener
 * on them would drop it. */
static void accept_all(struct http_server *server)
{
    uv_os_fd_t listener;
    int fd;

    if (server->accept_waits)
        accept_waiting(server);
    server->accept_waits = false;
    if (uv_fileno((uv_handle_t *)&server->listener, &listener) != 0)
        return;
    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct connection *c = connection_init(server);

        if (uv_tcp_open(&c->tcp, fd) == 0) {
            connection_begin(c);
        } else {
            (void)close(fd);
            connection_close(c);
        }
    }
}

static void on_drain_idle(uv_timer_t *timer)
{
    struct http_server *server = timer->data;
    struct connection *c = server->lists[STATE_IDLE].first;

    for (struct connection *next; c != NULL; c = next) {
        next = c->next;
        if (!has_unread(c)) /* else a request has just come */
            connection_close(c);
    }
}

static void on_drain_accept(uv_timer_t *timer)
{
    struct http_server *server = timer->data;

    listen_end(&server->listening);
    accept_all(server);
    uv_close((uv_handle_t *)&server->listener, on_server_handle_closed);
    CHECK(uv_timer_start(timer, on_drain_idle, DRAIN_IDLE_MS, DRAIN_IDLE_MS) == 0);
}

void http_server_drain(struct http_server *server, void (*on_drained)(void *ctx), void *ctx)
{
    CHECK(!server->draining);
    server->draining = true;
    server->on_drained = on_drained;
    server->drained_ctx = ctx;
    if (server->timeout_ms[STATE_LINGERING] > DRAIN_LINGER_MS)
        server->timeout_ms[STATE_LINGERING] = DRAIN_LINGER_MS;
    /* From here on every answer says "Connection: close".  A connection that
     * is idle now is not closed at once: its client may just be sending, and
     * could not know whether the request was acted on. */
    CHECK(uv_timer_start(&server->drain_timer, on_drain_accept, DRAIN_ACCEPT_MS, 0) == 0);
}

void http_server_free(struct http_server *server)
{
    if (server == NULL)
        return;
    CHECK(server->drained);
    while (server->spare != NULL) {
        struct connection *c = server->spare;

        server->spare = c->next;
        connection_free(c);
    }
    free(server);
}

struct http_counts http_server_counts(const struct http_server *server)
{
    struct http_counts counts = server->counts;

    counts.connections = server->n_open;
    counts.upgraded = server->n_upgraded;
    return counts;
}
