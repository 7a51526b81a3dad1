/*
 * Upgraded connections over real sockets: handed over by the HTTP server,
 * frames by reference, full sockets, drain.  One loop, one thread.
 */
#include "net/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "net/http.h"

#define PATIENCE_US 5000000
#define BIG ((size_t)8 * 1024 * 1024)

static struct world {
    uv_loop_t loop;
    struct http_server *server;
    struct conn *conn;
    struct buf got;
    unsigned drained, closed;
    bool server_drained;
} world;

static void on_data(void *ctx, const char *p, size_t n)
{
    assert_ptr_equal(ctx, &world);
    buf_put(&world.got, p, n);
}

static void on_conn_drained(void *ctx)
{
    assert_ptr_equal(ctx, &world);
    world.drained++;
}

static void on_closed(void *ctx)
{
    assert_ptr_equal(ctx, &world);
    world.closed++;
    world.conn = NULL;
}

static const struct conn_handler handler = { on_data, on_conn_drained, on_closed };

static void write_text(const char *text, enum conn_result want)
{
    struct str part = str_of(text);
    struct frame *frame = frame_new(&part, 1);

    assert_int_equal(conn_write(world.conn, &frame, 1), want);
    frame_unref(frame);
}

static void on_request(void *ctx, struct http_request *request)
{
    assert_ptr_equal(ctx, &world);
    if (!str_eq(request->path, STR("/up"))) {
        http_respond(request, 204, NULL, STR_NONE, NULL, 0);
        return;
    }
    world.conn = http_upgrade(request, 101, &handler, &world);
    assert_non_null(world.conn);
    write_text("HTTP/1.1 101 Switching Protocols\r\n\r\n", CONN_SENT);
}

static void turn(void)
{
    (void)uv_run(&world.loop, UV_RUN_NOWAIT);
    usleep(200);
}

#define TURN_UNTIL(claim) \
    do { \
        int64_t until = clock_mono_us() + PATIENCE_US; \
        while (!(claim) && clock_mono_us() < until) \
            turn(); \
        assert_true(claim); \
    } while (0)

static void on_drained(void *ctx)
{
    *(bool *)ctx = true;
}

static int setup(void **state)
{
    struct http_options options = { .listen = "127.0.0.1:0", .body_limit = 1000,
                                    .on_request = on_request, .ctx = &world,
                                    .idle_ms = 300, .max_connections = 2 };
    struct arena arena;
    struct str error;

    (void)state;
    memset(&world, 0, sizeof(world));
    arena_init(&arena, 65536);
    buf_init(&world.got, 1000000);
    assert_int_equal(uv_loop_init(&world.loop), 0);
    world.server = http_server_new(&world.loop, &options, &arena, &error);
    assert_non_null(world.server);
    arena_fini(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    if (world.conn != NULL)
        conn_close(world.conn);
    http_server_drain(world.server, on_drained, &world.server_drained);
    TURN_UNTIL(world.server_drained);
    http_server_free(world.server);
    buf_fini(&world.got);
    assert_int_equal(uv_run(&world.loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    return 0;
}

static int dial(const char *request)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_port = htons((uint16_t)http_server_port(world.server));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
    return fd;
}

/* Reads until `n` bytes are there; they end with `tail`. */
static void expect_bytes(int fd, size_t n, const char *tail)
{
    int64_t until = clock_mono_us() + PATIENCE_US;
    char *got = malloc(n + 1);
    size_t have = 0;

    assert_non_null(got);
    while (have < n && clock_mono_us() < until) {
        ssize_t more = recv(fd, got + have, n - have, 0);

        if (more > 0)
            have += (size_t)more;
        else
            turn();
    }
    assert_int_equal(have, n);
    assert_memory_equal(got + n - strlen(tail), tail, strlen(tail));
    free(got);
}

#define HEAD_N strlen("HTTP/1.1 101 Switching Protocols\r\n\r\n")

static int upgraded(const char *behind)
{
    char request[200];
    int fd;

    snprintf(request, sizeof(request), "GET /up HTTP/1.1\r\nHost: x\r\n\r\n%s", behind);
    fd = dial(request);
    TURN_UNTIL(world.conn != NULL);
    expect_bytes(fd, HEAD_N, "\r\n\r\n");
    return fd;
}

static void bytes_both_ways(void **state)
{
    int fd = upgraded("early");

    (void)state;
    TURN_UNTIL(world.got.n == 5);
    assert_memory_equal(world.got.p, "early", 5);
    assert_int_equal(send(fd, " late", 5, 0), 5);
    TURN_UNTIL(world.got.n == 10);
    write_text("answer", CONN_SENT);
    expect_bytes(fd, 6, "answer");
    assert_int_equal(http_server_counts(world.server).connections, 0);
    assert_int_equal(http_server_counts(world.server).upgraded, 1);
    (void)close(fd);
    TURN_UNTIL(world.closed == 1);
    assert_int_equal(http_server_counts(world.server).upgraded, 0);
}

static void idle_timeout_does_not_hold(void **state)
{
    int fd = upgraded("");
    int64_t until = clock_mono_us() + 800000;

    (void)state;
    while (clock_mono_us() < until)
        turn();
    assert_int_equal(world.closed, 0);
    write_text("still", CONN_SENT);
    expect_bytes(fd, 5, "still");
    (void)close(fd);
}

static struct frame *big_frame(void)
{
    char *bytes = malloc(BIG);
    struct str part = { bytes, BIG };
    struct frame *frame;

    assert_non_null(bytes);
    memset(bytes, 'x', BIG);
    frame = frame_new(&part, 1);
    free(bytes);
    return frame;
}

static void full_socket_waits_and_drains_in_order(void **state)
{
    int fd = upgraded("");
    struct frame *frame = big_frame();

    (void)state;
    assert_int_equal(conn_write(world.conn, &frame, 1), CONN_WAITS);
    assert_int_equal(frame->refs, 2);
    for (unsigned i = 0; i < LIMIT_CONN_LATER; i++)
        write_text("small", CONN_WAITS);
    write_text("one too many", CONN_FULL);
    assert_int_equal(world.drained, 0);
    expect_bytes(fd, BIG + 5 * LIMIT_CONN_LATER, "smallsmall");
    TURN_UNTIL(world.drained == 1);
    assert_int_equal(frame->refs, 1);
    write_text("more", CONN_SENT);
    expect_bytes(fd, 4, "more");
    frame_unref(frame);
    (void)close(fd);
}

static void closed_while_waiting_gives_the_frames_back(void **state)
{
    int fd = upgraded("");
    struct frame *frame = big_frame();

    (void)state;
    assert_int_equal(conn_write(world.conn, &frame, 1), CONN_WAITS);
    write_text("small", CONN_WAITS);
    conn_close(world.conn);
    assert_int_equal(conn_write(world.conn, &frame, 1), CONN_GONE);
    TURN_UNTIL(world.closed == 1);
    assert_int_equal(frame->refs, 1);
    frame_unref(frame);
    (void)close(fd);
}

static void finish_sends_what_waits(void **state)
{
    char end;
    int fd = upgraded("");
    struct frame *frame = big_frame();

    (void)state;
    assert_int_equal(conn_write(world.conn, &frame, 1), CONN_WAITS);
    write_text("the end", CONN_WAITS);
    conn_finish(world.conn);
    frame_unref(frame);
    expect_bytes(fd, BIG + 7, "xthe end");
    assert_int_equal(send(fd, "unheard", 7, 0), 7);
    TURN_UNTIL(recv(fd, &end, 1, 0) == 0);
    assert_int_equal(world.closed + world.got.n, 0);
    (void)close(fd);
    TURN_UNTIL(world.closed == 1);
}

/* They count: a third one waits until an upgraded one leaves. */
static void upgraded_ones_count_against_the_limit(void **state)
{
    int first = upgraded(""), second, third;

    (void)state;
    second = dial("GET /up HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_bytes(second, HEAD_N, "\r\n\r\n");
    third = dial("GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 100; i++)
        turn();
    assert_int_equal(http_server_counts(world.server).requests, 2);
    (void)close(first);
    TURN_UNTIL(http_server_counts(world.server).requests == 3);
    (void)close(second);
    TURN_UNTIL(world.closed == 2);
    (void)close(third);
}

static void drain_waits_for_them(void **state)
{
    int fd = upgraded("");

    (void)state;
    http_server_drain(world.server, on_drained, &world.server_drained);
    for (int i = 0; i < 1500; i++)
        turn();
    assert_false(world.server_drained);
    conn_close(world.conn);
    TURN_UNTIL(world.server_drained);
    http_server_free(world.server);
    (void)close(fd);
    (void)uv_run(&world.loop, UV_RUN_NOWAIT);
    buf_fini(&world.got);
    assert_int_equal(uv_loop_close(&world.loop), 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(bytes_both_ways),
        T(idle_timeout_does_not_hold),
        T(full_socket_waits_and_drains_in_order),
        T(closed_while_waiting_gives_the_frames_back),
        T(finish_sends_what_waits),
        T(upgraded_ones_count_against_the_limit),
        cmocka_unit_test_setup_teardown(drain_waits_for_them, setup, NULL),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
