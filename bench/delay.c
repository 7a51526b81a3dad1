/*
 * A long wire: a proxy whose bytes arrive later, where the kernel has no netem.
 *
 *   build/bench/delay listen=ADDRESS:PORT to=ADDRESS:PORT|unix:PATH [ms=200]
 *       [window=KIB]
 *
 * Port 0 takes a free one; what it listens on is printed.  ms is the round trip:
 * bytes leave half of it after they came, each way, in their order.
 *
 * TCP's handshake costs a round trip, too, which no proxy sees: what a client sends
 * first is held for one more, counted from when it connected.  An end of stream takes
 * as long as bytes do.  At most `window` KiB (4096) are on their way each way, for each
 * connection; who sends more waits.
 *
 * What it has not: loss, and slow start.  A real wire of 200 ms takes two or three more
 * round trips for a file of 100 KB on a fresh connection, so what this says of a
 * distant origin is the least.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "base/check.h"
#include "base/process.h"
#include "base/str.h"

#define CHUNK_BYTES (64 * 1024)

struct flow;
struct wire;

/* Bytes on their way; n = 0 is the end of the stream. */
struct chunk {
    struct chunk *next;
    struct flow *flow;
    uint64_t due_us;
    size_t n;
    char bytes[];
};

/* One way of a connection. */
struct flow {
    struct wire *wire;
    uv_stream_t *from, *to;
    uv_timer_t timer;
    uint64_t not_before_us;
    struct chunk *first, *last;
    size_t bytes; /* read, and not yet taken by `to` */
    bool is_paused, has_ended;
    uv_shutdown_t shutdown;
};

struct wire {
    union {
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } near, far;
    struct flow out, back;
    int open; /* handles that are not closed yet */
    bool is_closing;
};

static struct {
    uv_loop_t loop;
    uv_tcp_t listener;
    struct sockaddr_in listen, to;
    const char *path;
    uint64_t ms;
    size_t window;
} delay = { .ms = 200, .window = 4096 * 1024 };

static void fail(const char *what, int error)
{
    fprintf(stderr, "delay: %s: %s\n", what, uv_strerror(error));
    exit(1);
}

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

/* ---- closing ------------------------------------------------------------ */

static void flow_drop(struct flow *flow)
{
    while (flow->first != NULL) {
        struct chunk *chunk = flow->first;

        flow->first = chunk->next;
        free(chunk);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct wire *wire = handle->data;

    if (--wire->open == 0)
        free(wire);
}

static void wire_close(struct wire *wire)
{
    if (wire->is_closing)
        return;
    wire->is_closing = true;
    flow_drop(&wire->out);
    flow_drop(&wire->back);
    wire->near.stream.data = wire->far.stream.data = wire;
    wire->out.timer.data = wire->back.timer.data = wire;
    uv_close((uv_handle_t *)&wire->near.stream, on_closed);
    uv_close((uv_handle_t *)&wire->far.stream, on_closed);
    uv_close((uv_handle_t *)&wire->out.timer, on_closed);
    uv_close((uv_handle_t *)&wire->back.timer, on_closed);
}

/* ---- one way ------------------------------------------------------------ */

static void flow_read(struct flow *flow);

static void on_written(uv_write_t *write, int status)
{
    struct chunk *chunk = write->data;
    struct flow *flow = chunk->flow;

    free(write);
    if (!flow->wire->is_closing) {
        flow->bytes -= chunk->n;
        if (status != 0)
            wire_close(flow->wire);
        else if (flow->is_paused && flow->bytes < delay.window / 2)
            flow_read(flow);
    }
    free(chunk);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
    struct flow *flow = request->data;

    if (flow->wire->is_closing)
        return;
    flow->has_ended = true;
    if (status != 0 || (flow->wire->out.has_ended && flow->wire->back.has_ended))
        wire_close(flow->wire);
}

static void flow_send(struct flow *flow, struct chunk *chunk)
{
    uv_buf_t buf = uv_buf_init(chunk->bytes, (unsigned)chunk->n);
    uv_write_t *write;

    if (chunk->n == 0) {
        free(chunk);
        flow->shutdown.data = flow;
        if (uv_shutdown(&flow->shutdown, flow->to, on_shutdown) != 0)
            wire_close(flow->wire);
        return;
    }
    write = malloc(sizeof(*write));
    CHECK(write != NULL);
    write->data = chunk;
    if (uv_write(write, flow->to, &buf, 1, on_written) != 0) {
        free(write);
        free(chunk);
        wire_close(flow->wire);
    }
}

static void on_due(uv_timer_t *timer);

/* The timer counts from the loop's own time, in whole milliseconds. */
static void flow_wait(struct flow *flow, uint64_t now)
{
    uint64_t left_us = flow->first->due_us - now;

    uv_update_time(&delay.loop);
    CHECK(uv_timer_start(&flow->timer, on_due, (left_us + 999) / 1000, 0) == 0);
}

static void on_due(uv_timer_t *timer)
{
    struct flow *flow = timer->data;
    uint64_t now = now_us();

    while (!flow->wire->is_closing && flow->first != NULL) {
        struct chunk *chunk = flow->first;

        if (chunk->due_us > now) {
            flow_wait(flow, now);
            return;
        }
        flow->first = chunk->next;
        if (flow->first == NULL)
            flow->last = NULL;
        flow_send(flow, chunk);
    }
}

static void flow_put(struct flow *flow, const char *bytes, size_t n)
{
    struct chunk *chunk = malloc(sizeof(*chunk) + n);
    uint64_t now = now_us(), due_us = now + delay.ms * 500;

    CHECK(chunk != NULL);
    *chunk = (struct chunk){ .flow = flow, .n = n };
    chunk->due_us = due_us > flow->not_before_us ? due_us : flow->not_before_us;
    if (n > 0)
        memcpy(chunk->bytes, bytes, n);
    flow->bytes += n;
    if (flow->last != NULL)
        flow->last->next = chunk;
    else
        flow->first = chunk;
    flow->last = chunk;
    if (flow->first == chunk)
        flow_wait(flow, now);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char bytes[CHUNK_BYTES]; /* copied before the next read */

    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct flow *flow = stream->data;

    if (n == UV_EOF) {
        (void)uv_read_stop(stream);
        flow_put(flow, NULL, 0);
        return;
    }
    if (n < 0) {
        wire_close(flow->wire);
        return;
    }
    if (n > 0)
        flow_put(flow, buf->base, (size_t)n);
    if (flow->bytes >= delay.window) {
        flow->is_paused = true;
        (void)uv_read_stop(stream);
    }
}

static void flow_read(struct flow *flow)
{
    flow->is_paused = false;
    if (uv_read_start(flow->from, on_alloc, on_read) != 0)
        wire_close(flow->wire);
}

/* ---- connections -------------------------------------------------------- */

static void flow_init(struct flow *flow, struct wire *wire, uv_stream_t *from, uv_stream_t *to,
                      uint64_t not_before_us)
{
    *flow = (struct flow){ .wire = wire, .from = from, .to = to,
                           .not_before_us = not_before_us };
    CHECK(uv_timer_init(&delay.loop, &flow->timer) == 0);
    flow->timer.data = flow;
    from->data = flow;
    wire->open++;
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct wire *wire = connect->data;

    free(connect);
    if (wire->is_closing)
        return;
    if (status != 0) {
        wire_close(wire);
        return;
    }
    flow_read(&wire->out);
    if (!wire->is_closing)
        flow_read(&wire->back);
}

static void wire_connect(struct wire *wire)
{
    uv_connect_t *connect = malloc(sizeof(*connect));

    CHECK(connect != NULL);
    connect->data = wire;
    if (delay.path != NULL) {
        uv_pipe_connect(connect, &wire->far.pipe, delay.path, on_connected);
    } else if (uv_tcp_connect(connect, &wire->far.tcp, (const struct sockaddr *)&delay.to,
                              on_connected) != 0) {
        free(connect);
        wire_close(wire);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct wire *wire = calloc(1, sizeof(*wire));
    uint64_t now = now_us(), trip_us = delay.ms * 1000;

    CHECK(wire != NULL);
    if (status != 0)
        fail("listen", status);
    CHECK(uv_tcp_init(&delay.loop, &wire->near.tcp) == 0);
    CHECK((delay.path != NULL ? uv_pipe_init(&delay.loop, &wire->far.pipe, 0)
                              : uv_tcp_init(&delay.loop, &wire->far.tcp)) == 0);
    wire->open = 2;
    flow_init(&wire->out, wire, &wire->near.stream, &wire->far.stream, now + trip_us * 3 / 2);
    flow_init(&wire->back, wire, &wire->far.stream, &wire->near.stream, now + trip_us);
    if (uv_accept(listener, &wire->near.stream) != 0) {
        wire_close(wire);
        return;
    }
    (void)uv_tcp_nodelay(&wire->near.tcp, 1);
    if (delay.path == NULL)
        (void)uv_tcp_nodelay(&wire->far.tcp, 1);
    wire_connect(wire);
}

/* ---- the run ------------------------------------------------------------ */

static bool read_address(const char *text, struct sockaddr_in *into)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    char *end;
    long port;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    port = strtol(colon + 1, &end, 10);
    return *end == '\0' && end != colon + 1 && port >= 0 && port <= 65535 &&
           uv_ip4_addr(host, (int)port, into) == 0;
}

static bool read_number(const char *text, long most, long *into)
{
    char *end;

    *into = strtol(text, &end, 10);
    return end != text && *end == '\0' && *into >= 0 && *into <= most;
}

static bool read_option(const char *text)
{
    long number;

    if (strncmp(text, "listen=", 7) == 0)
        return read_address(text + 7, &delay.listen);
    if (strncmp(text, "to=unix:", 8) == 0) {
        delay.path = text + 8;
        return true;
    }
    if (strncmp(text, "to=", 3) == 0)
        return read_address(text + 3, &delay.to);
    if (strncmp(text, "ms=", 3) == 0 && read_number(text + 3, 60000, &number)) {
        delay.ms = (uint64_t)number;
        return true;
    }
    if (strncmp(text, "window=", 7) == 0 && read_number(text + 7, 1 << 20, &number)) {
        delay.window = (size_t)number * 1024;
        return true;
    }
    return false;
}

static void listen_on(void)
{
    struct sockaddr_in at;
    int n = sizeof(at), error;
    char host[64];

    CHECK(uv_loop_init(&delay.loop) == 0);
    CHECK(uv_tcp_init(&delay.loop, &delay.listener) == 0);
    error = uv_tcp_bind(&delay.listener, (const struct sockaddr *)&delay.listen, 0);
    if (error == 0)
        error = uv_listen((uv_stream_t *)&delay.listener, 4096, on_connection);
    if (error != 0)
        fail("listen", error);
    CHECK(uv_tcp_getsockname(&delay.listener, (struct sockaddr *)&at, &n) == 0);
    CHECK(uv_ip4_name(&at, host, sizeof(host)) == 0);
    printf("listening %s:%d\n", host, ntohs(at.sin_port));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    bool known = argc > 2;

    for (int i = 1; i < argc; i++)
        known = known && read_option(argv[i]);
    if (!known || delay.listen.sin_family == 0 ||
        (delay.path == NULL && delay.to.sin_family == 0) || delay.window == 0) {
        fprintf(stderr, "usage: delay listen=ADDRESS:PORT to=ADDRESS:PORT|unix:PATH"
                        " [ms= window=]\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* who has gone is told by the write */
    process_raise_file_limit();
    listen_on();
    return uv_run(&delay.loop, UV_RUN_DEFAULT);
}
