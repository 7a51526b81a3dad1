/*
 * Connections after an upgrade (see net/conn.h).
 *
 *   flight   given to the loop because the socket was full: at most one
 *   later    small frames that came meanwhile: the next flight
 */
#include "net/conn.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/limits.h"

#define CONN_MAGIC 0x636f6e6eu /* "conn" */
#define READ_BYTES 16384
#define DEAD_MS 60000u /* bytes that nobody acknowledges for so long end it */

struct flight {
    uv_write_t write;
    size_t n;
    struct frame *frames[];
};

struct later {
    size_t n;
    struct frame *frames[LIMIT_CONN_LATER];
};

struct conn {
    uint32_t magic;
    bool gone, finishing;
    int fd; /* the loop's, too */
    const struct conn_handler *handler;
    void *ctx;
    void (*on_released)(void *ctx);
    void *released_ctx;
    struct flight *flight;
    struct later *later;
    uv_tcp_t tcp;
};

/* One for all: on_data has eaten it when it returns.  Of the loop's thread. */
static char read_bytes[READ_BYTES];

static void frames_unref(struct frame *const *frames, size_t n)
{
    for (size_t i = 0; i < n; i++)
        frame_unref(frames[i]);
}

static void on_closed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;

    CHECK(conn->magic == CONN_MAGIC && conn->flight == NULL);
    if (conn->later != NULL)
        frames_unref(conn->later->frames, conn->later->n);
    free(conn->later);
    conn->handler->on_closed(conn->ctx);
    if (conn->on_released != NULL)
        conn->on_released(conn->released_ctx);
    conn->magic = 0;
    free(conn);
}

void conn_close(struct conn *conn)
{
    CHECK(conn->magic == CONN_MAGIC);
    if (conn->gone)
        return;
    conn->gone = true;
    uv_close((uv_handle_t *)&conn->tcp, on_closed);
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    struct conn *conn = shutdown->handle->data;

    free(shutdown);
    if (status < 0)
        conn_close(conn);
}

/* Our side is shut; closing on bytes that are not read would make the kernel
 * reset the connection and the peer lose our last ones. */
static void say_end(struct conn *conn)
{
    uv_shutdown_t *shutdown = malloc(sizeof(*shutdown));

    CHECK(shutdown != NULL);
    if (uv_shutdown(shutdown, (uv_stream_t *)&conn->tcp, on_shutdown) == 0)
        return;
    free(shutdown);
    conn_close(conn);
}

void conn_finish(struct conn *conn)
{
    CHECK(conn->magic == CONN_MAGIC);
    if (conn->gone || conn->finishing)
        return;
    conn->finishing = true;
    if (conn->flight == NULL)
        say_end(conn);
}

/* ---- in ------------------------------------------------------------------ */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(read_bytes, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *conn = stream->data;

    if (n < 0)
        conn_close(conn);
    else if (n > 0 && !conn->gone && !conn->finishing)
        conn->handler->on_data(conn->ctx, buf->base, (size_t)n);
}

void conn_take(struct conn *conn, const char *p, size_t n)
{
    if (!conn->gone && !conn->finishing)
        conn->handler->on_data(conn->ctx, p, n);
}

/* ---- out ----------------------------------------------------------------- */

static void flight_start(struct conn *conn, struct frame *const *frames, size_t n, size_t sent);

static void on_written(uv_write_t *write, int status)
{
    struct flight *flight = write->data;
    struct conn *conn = write->handle->data;
    struct later *later = conn->later;

    CHECK(conn->magic == CONN_MAGIC && conn->flight == flight);
    frames_unref(flight->frames, flight->n);
    free(flight);
    conn->flight = NULL;
    if (conn->gone)
        return;
    if (status < 0) {
        conn_close(conn);
        return;
    }
    if (later != NULL) {
        conn->later = NULL;
        flight_start(conn, later->frames, later->n, 0);
        frames_unref(later->frames, later->n);
        free(later);
    } else if (conn->finishing) {
        say_end(conn);
    } else {
        conn->handler->on_drained(conn->ctx);
    }
}

/* The first `sent` bytes of the frames are out already. */
static void flight_start(struct conn *conn, struct frame *const *frames, size_t n, size_t sent)
{
    struct flight *flight;
    uv_buf_t bufs[CONN_FRAMES_MAX];

    for (; sent >= frames[0]->n; frames++, n--)
        sent -= frames[0]->n;
    CHECK(n > 0 && n <= CONN_FRAMES_MAX);
    flight = malloc(sizeof(*flight) + n * sizeof(flight->frames[0]));
    CHECK(flight != NULL);
    flight->n = n;
    for (size_t i = 0; i < n; i++) {
        flight->frames[i] = frame_ref(frames[i]);
        bufs[i] = uv_buf_init(frames[i]->bytes, (unsigned)frames[i]->n);
    }
    bufs[0].base += sent;
    bufs[0].len -= sent;
    flight->write.data = flight;
    conn->flight = flight;
    if (uv_write(&flight->write, (uv_stream_t *)&conn->tcp, bufs, (unsigned)n, on_written) == 0)
        return;
    frames_unref(flight->frames, n);
    free(flight);
    conn->flight = NULL;
    conn_close(conn);
}

static enum conn_result write_later(struct conn *conn, struct frame *const *frames, size_t n)
{
    if (conn->later == NULL) {
        conn->later = calloc(1, sizeof(*conn->later));
        CHECK(conn->later != NULL);
    }
    if (n > LENGTH(conn->later->frames) - conn->later->n)
        return CONN_FULL;
    for (size_t i = 0; i < n; i++)
        conn->later->frames[conn->later->n++] = frame_ref(frames[i]);
    return CONN_WAITS;
}

/* To the socket itself, past the loop's queue, which is empty: a send is a
 * twentieth cheaper than the loop's write.  -1: the connection is broken. */
static ssize_t send_now(const struct conn *conn, struct frame *const *frames, size_t n)
{
    struct iovec parts[CONN_FRAMES_MAX];
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = n };
    ssize_t sent;

    for (size_t i = 0; i < n; i++)
        parts[i] = (struct iovec){ frames[i]->bytes, frames[i]->n };
    do {
        if (n == 1)
            sent = send(conn->fd, frames[0]->bytes, frames[0]->n, MSG_NOSIGNAL | MSG_DONTWAIT);
        else
            sent = sendmsg(conn->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
        return 0;
    return sent;
}

enum conn_result conn_write(struct conn *conn, struct frame *const *frames, size_t n)
{
    size_t bytes = 0;
    ssize_t sent;

    CHECK(conn->magic == CONN_MAGIC && n > 0 && n <= CONN_FRAMES_MAX);
    if (conn->gone || conn->finishing)
        return CONN_GONE;
    if (conn->flight != NULL)
        return write_later(conn, frames, n);
    for (size_t i = 0; i < n; i++)
        bytes += frames[i]->n;
    sent = send_now(conn, frames, n);
    if (sent < 0) {
        conn_close(conn);
        return CONN_GONE;
    }
    if ((size_t)sent == bytes)
        return CONN_SENT;
    flight_start(conn, frames, n, (size_t)sent);
    return conn->gone ? CONN_GONE : CONN_WAITS;
}

/* ---- life ---------------------------------------------------------------- */

/* A small send buffer: prices that wait in the kernel grow old there, while
 * those that wait here are replaced by newer ones. */
static void set_options(int fd)
{
    int bytes = LIMIT_CONN_SNDBUF;
    unsigned dead_ms = DEAD_MS;

    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof(dead_ms));
}

struct conn *conn_new(const struct conn_options *options)
{
    struct conn *conn = calloc(1, sizeof(*conn));

    CHECK(conn != NULL);
    conn->magic = CONN_MAGIC;
    conn->fd = options->fd;
    conn->handler = options->handler;
    conn->ctx = options->ctx;
    conn->on_released = options->on_released;
    conn->released_ctx = options->released_ctx;
    CHECK(uv_tcp_init(options->loop, &conn->tcp) == 0);
    conn->tcp.data = conn;
    set_options(options->fd);
    CHECK(uv_tcp_open(&conn->tcp, options->fd) == 0);
    if (uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read) != 0)
        conn_close(conn);
    return conn;
}
