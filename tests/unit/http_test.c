/*
 * The HTTP server over real sockets: server and clients share one loop and
 * one thread, so that each test decides what happens when.
 */
#include "net/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/answer.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/metrics.h"

#define HELD 256
#define PATIENCE_US 5000000

struct world {
    uv_loop_t loop;
    struct http_server *server;
    struct http_request *held[HELD]; /* requests to /hold */
    size_t n_held;
    unsigned requests;
    bool draining, drained;
    struct buf last_body;            /* of the last request */
    char last_peer[64];
    unsigned answers;                /* told by on_answer, with the last one's */
    int last_status;
    struct str last_label;
};

static struct world world;

static void answer_echo(struct http_request *request)
{
    struct str type = http_header(request, "X-Echo");
    struct buf body;

    buf_init(&body, 1024 * 1024);
    buf_printf(&body, "%u " STR_FMT " " STR_FMT " q=" STR_FMT " b=%zu x=" STR_FMT,
               world.requests, STR_ARG(request->method), STR_ARG(request->path),
               STR_ARG(http_query(request, "q")), request->body.n, STR_ARG(type));
    http_respond(request, 200, "text/plain", buf_view(&body), NULL, 0);
    buf_fini(&body);
}

static void answer_big(struct http_request *request)
{
    size_t n = 8 * 1024 * 1024;
    char *bytes = malloc(n);

    assert_non_null(bytes);
    memset(bytes, 'x', n);
    http_respond(request, 200, "text/plain", (struct str){ bytes, n }, NULL, 0);
    free(bytes);
}

static void on_request(void *ctx, struct http_request *request)
{
    assert_ptr_equal(ctx, &world);
    world.requests++;
    buf_reset(&world.last_body);
    buf_str(&world.last_body, request->body);
    memcpy(world.last_peer, request->peer, sizeof(world.last_peer));
    if (str_eq(request->path, STR("/hold"))) {
        assert_in_range(world.n_held, 0, HELD - 1);
        world.held[world.n_held++] = request;
    } else if (str_eq(request->path, STR("/big"))) {
        answer_big(request);
    } else if (str_eq(request->path, STR("/none"))) {
        answer_empty(request, 204);
    } else if (str_eq(request->path, STR("/busy"))) {
        answer_refusal(request, REFUSE_BUSY, STR("say \"when\""), STR("\"odds\":\"2.35\""));
    } else {
        answer_echo(request);
    }
}

static void on_refuse(void *ctx, int status, const char *why, struct buf *body,
                      const char **content_type)
{
    assert_ptr_equal(ctx, &world);
    *content_type = "application/problem+json";
    buf_printf(body, "{\"status\":%d,\"detail\":\"%s\"}", status, why);
}

static void on_answer(void *ctx, const struct http_request *request, int status)
{
    assert_ptr_equal(ctx, &world);
    assert_true(request->arrived_us > 0);
    world.answers++;
    world.last_status = status;
    world.last_label = request->label;
}

static size_t body_limit_of(void *ctx, struct str method, struct str path)
{
    assert_ptr_equal(ctx, &world);
    assert_true(method.n > 0);
    return str_eq(path, STR("/v1/feed")) ? 100000 : 1000;
}

static struct http_options usual_options(void)
{
    return (struct http_options){
        .listen = "127.0.0.1:0",
        .body_limit = 100000,
        .body_limit_of = body_limit_of,
        .on_request = on_request,
        .on_refuse = on_refuse,
        .on_answer = on_answer,
        .ctx = &world,
    };
}

static void world_start(struct http_options options)
{
    struct arena arena;
    struct str error = STR_NONE;

    memset(&world, 0, sizeof(world));
    arena_init(&arena, 65536);
    buf_init(&world.last_body, LIMIT_FEED_BODY_BYTES);
    assert_int_equal(uv_loop_init(&world.loop), 0);
    world.server = http_server_new(&world.loop, &options, &arena, &error);
    if (world.server == NULL)
        fail_msg(STR_FMT, STR_ARG(error));
    arena_fini(&arena);
}

static void on_drained(void *ctx)
{
    *(bool *)ctx = true;
}

static void turn(void)
{
    (void)uv_run(&world.loop, UV_RUN_NOWAIT);
    usleep(200);
}

static void turn_for_ms(int64_t ms)
{
    int64_t until = clock_mono_us() + ms * 1000;

    while (clock_mono_us() < until)
        turn();
}

static void world_drain(void)
{
    if (!world.draining)
        http_server_drain(world.server, on_drained, &world.drained);
    world.draining = true;
}

static void world_stop(void)
{
    int64_t until = clock_mono_us() + PATIENCE_US;

    world_drain();
    while (!world.drained && clock_mono_us() < until)
        turn();
    assert_true(world.drained);
    http_server_free(world.server);
    buf_fini(&world.last_body);
    assert_int_equal(uv_run(&world.loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&world.loop), 0);
}

static int setup(void **state)
{
    (void)state;
    world_start(usual_options());
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_stop();
    return 0;
}

/* ---- clients ------------------------------------------------------------ */

struct client {
    int fd;
    bool closed; /* by the server: seen the end */
    size_t n;
    char got[65536];
};

static struct client *client_open(void)
{
    struct client *client = calloc(1, sizeof(*client));
    struct sockaddr_in address = { .sin_family = AF_INET };

    assert_non_null(client);
    address.sin_port = htons((uint16_t)http_server_port(world.server));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(client->fd >= 0);
    assert_int_equal(connect(client->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(fcntl(client->fd, F_SETFL, O_NONBLOCK), 0);
    return client;
}

static void client_close(struct client *client)
{
    (void)close(client->fd);
    free(client);
}

static void client_read(struct client *client)
{
    ssize_t n = recv(client->fd, client->got + client->n,
                     sizeof(client->got) - 1 - client->n, 0);

    if (n > 0)
        client->n += (size_t)n;
    else if (n == 0 || errno != EAGAIN)
        client->closed = true;
    client->got[client->n] = '\0';
}

static void client_send(struct client *client, struct str bytes)
{
    int64_t until = clock_mono_us() + PATIENCE_US;

    while (bytes.n > 0 && clock_mono_us() < until) {
        ssize_t n = send(client->fd, bytes.p, bytes.n, MSG_NOSIGNAL);

        if (n < 0 && errno != EAGAIN)
            return; /* the server has had enough */
        if (n > 0) {
            bytes.p += n;
            bytes.n -= (size_t)n;
        }
        turn();
    }
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned n = 0;

    for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
        n++;
    return n;
}

/* Turns the loop until `part` came `times` times. */
static void client_expect(struct client *client, const char *part, unsigned times)
{
    int64_t until = clock_mono_us() + PATIENCE_US;

    while (count_of(client->got, part) < times && clock_mono_us() < until) {
        turn();
        client_read(client);
    }
    if (count_of(client->got, part) < times)
        fail_msg("'%s' did not come %u times in: %s", part, times, client->got);
}

static void client_expect_close(struct client *client)
{
    int64_t until = clock_mono_us() + PATIENCE_US;

    while (!client->closed && clock_mono_us() < until) {
        turn();
        client_read(client);
    }
    assert_true(client->closed);
}

static void wait_held(size_t n)
{
    int64_t until = clock_mono_us() + PATIENCE_US;

    while (world.n_held < n && clock_mono_us() < until)
        turn();
    assert_int_equal(world.n_held, n);
}

static void wait_connections(uint64_t n)
{
    int64_t until = clock_mono_us() + PATIENCE_US;

    while (http_server_counts(world.server).connections != n && clock_mono_us() < until)
        turn();
    assert_int_equal(http_server_counts(world.server).connections, n);
}

/* ---- one request, one answer -------------------------------------------- */

struct exchange {
    const char *name, *request;
    const char *answer; /* part of it */
    bool closes;
};

static const struct exchange exchanges[] = {
    { "get", "GET /a?q=1 HTTP/1.1\r\nHost: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\n", false },
    { "query is decoded", "GET /a?p=0&q=a%20b+c%2B HTTP/1.1\r\nHost: x\r\n\r\n",
      "1 GET /a q=a b c+ b=0 x=", false },
    { "malformed query is none", "GET /a?q=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
      "1 GET /a q= b=0 x=", false },
    { "absolute target", "GET http://host/a/b?q=2 HTTP/1.1\r\nHost: host\r\n\r\n",
      "1 GET /a/b q=2 b=0", false },
    { "header names in any case", "GET / HTTP/1.1\r\nx-ECHO: yes\r\n\r\n",
      "x=yes", false },
    { "empty header", "GET / HTTP/1.1\r\nX-Echo:\r\nHost: x\r\n\r\n", "x=", false },
    { "body by length", "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
      "1 POST /a q= b=5", false },
    { "body in chunks",
      "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n3;x=y\r\n wo\r\n0\r\nTrailer: t\r\n\r\n",
      "1 POST /a q= b=8", false },
    { "1.0 closes", "GET /a HTTP/1.0\r\n\r\n", "Connection: close\r\n", true },
    { "1.0 keeps alive if asked", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
      "Connection: keep-alive\r\n", false },
    { "close is honoured", "GET /a HTTP/1.1\r\nConnection: close\r\n\r\n",
      "Connection: close\r\n", true },
    { "no content has no length", "GET /none HTTP/1.1\r\n\r\n",
      "HTTP/1.1 204 No Content\r\n", false },
    { "upgrade is passed over",
      "GET /a HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      "1 GET /a", false },
    { "problem", "GET /busy HTTP/1.1\r\n\r\n",
      "{\"type\":\"https://overround.dev/problems/busy\",\"title\":\"Not now; try again "
      "with the same key\",\"status\":503,\"detail\":\"say \\\"when\\\"\","
      "\"code\":\"busy\",\"odds\":\"2.35\"}", false },
    { "retry-after", "GET /busy HTTP/1.1\r\n\r\n", "Retry-After: 1\r\n", false },
    { "problem's type", "GET /busy HTTP/1.1\r\n\r\n",
      "Content-Type: application/problem+json\r\n", false },
    /* refused by the server itself */
    { "not HTTP", "hello\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", true },
    { "tls", "\x16\x03\x01\x02", "HTTP/1.1 400 Bad Request\r\n", true },
    { "version", "GET / HTTP/2.0\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", true },
    { "length twice", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "HTTP/1.1 400 Bad Request\r\n", true },
    { "length and chunks",
      "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.1 400 Bad Request\r\n", true },
    { "length is no number", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 400 Bad Request\r\n", true },
    { "chunk size is no number",
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 400 Bad Request\r\n", true },
    { "space before colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
      "HTTP/1.1 400 Bad Request\r\n", true },
    { "proxy", "CONNECT host:443 HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", true },
    { "body over the limit, by length",
      "POST /a HTTP/1.1\r\nContent-Length: 1001\r\n\r\n",
      "HTTP/1.1 413 Payload Too Large\r\n", true },
    { "refusal has its body", "POST /a HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n",
      "{\"status\":413,\"detail\":\"the request's body is too large\"}", true },
};

static void each_request_gets_its_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(exchanges); i++) {
        const struct exchange *row = &exchanges[i];
        struct client *client = client_open();

        world.requests = 0;
        print_message("  %s\n", row->name);
        client_send(client, str_of(row->request));
        client_expect(client, row->answer, 1);
        if (row->closes)
            client_expect_close(client);
        else
            assert_false(client->closed);
        client_close(client);
    }
    assert_string_equal(world.last_peer, "127.0.0.1");
}

static void split_anywhere_is_the_same(void **state)
{
    static const char request[] =
        "POST /a?q=1 HTTP/1.1\r\nX-Echo: split\r\nContent-Length: 3\r\n\r\nabc";
    (void)state;

    for (size_t cut = 1; cut < sizeof(request) - 1; cut++) {
        struct client *client = client_open();

        client_send(client, (struct str){ request, cut });
        turn();
        client_send(client, (struct str){ request + cut, sizeof(request) - 1 - cut });
        client_expect(client, "POST /a q=1 b=3 x=split", 1);
        client_close(client);
    }
}

static void byte_by_byte(void **state)
{
    static const char request[] =
        "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    struct client *client = client_open();
    (void)state;

    for (size_t i = 0; i < sizeof(request) - 1; i++)
        client_send(client, (struct str){ request + i, 1 });
    client_expect(client, "1 POST /a q= b=3", 1);
    client_close(client);
}

static void keep_alive_serves_many(void **state)
{
    struct client *client = client_open();
    (void)state;

    for (unsigned i = 1; i <= 100; i++) {
        client->n = 0;
        client_send(client, STR("GET /a HTTP/1.1\r\nHost: x\r\n\r\n"));
        client_expect(client, "GET /a q=", 1);
    }
    assert_int_equal(world.requests, 100);
    assert_int_equal(http_server_counts(world.server).requests, 100);
    assert_int_equal(http_server_counts(world.server).connections, 1);
    client_close(client);
    wait_connections(0);
}

static void head_has_length_and_no_body(void **state)
{
    struct client *client = client_open();
    (void)state;

    client_send(client, STR("HEAD /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"));
    client_expect(client, "2 GET /b", 1);
    assert_int_equal(count_of(client->got, "HEAD"), 0);
    assert_int_equal(count_of(client->got, "Content-Length: "), 2);
    assert_int_equal(count_of(client->got, "Date: "), 2);
    client_close(client);
}

/* ---- pipelining --------------------------------------------------------- */

static void pipelined_are_answered_in_order(void **state)
{
    struct client *client = client_open();
    struct buf bytes;
    const char *at;
    (void)state;

    buf_init(&bytes, 1024 * 1024);
    for (int i = 0; i < 200; i++)
        buf_str(&bytes, STR("GET /a HTTP/1.1\r\n\r\n"));
    client_send(client, buf_view(&bytes));
    client_expect(client, " GET /a q= b=0", 200);
    at = client->got;
    for (int i = 1; i <= 200; i++) {
        char want[32];

        (void)snprintf(want, sizeof(want), "\r\n\r\n%d GET", i);
        at = strstr(at, want);
        assert_non_null(at);
    }
    buf_fini(&bytes);
    client_close(client);
}

static void pipelined_wait_for_the_one_in_flight(void **state)
{
    struct client *client = client_open();
    (void)state;

    client_send(client, STR("GET /hold HTTP/1.1\r\n\r\nGET /hold HTTP/1.1\r\n\r\n"
                            "GET /c HTTP/1.1\r\n\r\n"));
    wait_held(1);
    turn_for_ms(20);
    assert_int_equal(world.requests, 1);
    client_send(client, STR("GET /d HTTP/1.1\r\n\r\n"));
    turn_for_ms(20);
    assert_int_equal(world.requests, 1);
    answer_echo(world.held[0]);
    /* the next one is not begun from inside the answer */
    assert_int_equal(world.requests, 1);
    wait_held(2);
    answer_echo(world.held[1]);
    client_expect(client, "GET /d", 1);
    assert_int_equal(count_of(client->got, "GET /c"), 1);
    client_close(client);
}

static void half_closed_client_gets_all_answers(void **state)
{
    struct client *client = client_open();
    (void)state;

    client_send(client, STR("GET /hold HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"
                            "GET /c HTTP/1.1\r\n\r\n"));
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
    wait_held(1);
    turn_for_ms(20);
    answer_echo(world.held[0]);
    client_expect(client, "GET /c", 1);
    client_expect_close(client);
    client_close(client);
    wait_connections(0);
}

/* ---- limits ------------------------------------------------------------- */

static void expect_continue_is_answered(void **state)
{
    struct client *client = client_open();
    (void)state;

    client_send(client, STR("POST /a HTTP/1.1\r\nContent-Length: 5\r\n"
                            "Expect: 100-continue\r\n\r\n"));
    client_expect(client, "HTTP/1.1 100 Continue\r\n\r\n", 1);
    client_send(client, STR("hello"));
    client_expect(client, "POST /a q= b=5", 1);
    client_close(client);
}

static void expect_continue_is_refused_by_size(void **state)
{
    struct client *client = client_open();
    (void)state;

    client_send(client, STR("POST /a HTTP/1.1\r\nContent-Length: 1001\r\n"
                            "Expect: 100-continue\r\n\r\n"));
    client_expect(client, "HTTP/1.1 413 ", 1);
    assert_int_equal(count_of(client->got, "100 Continue"), 0);
    client_close(client);
}

static void large_body_is_refused_and_the_answer_read(void **state)
{
    struct client *client = client_open();
    size_t n = 10 * 1024 * 1024;
    char *body = malloc(n);
    (void)state;

    assert_non_null(body);
    memset(body, 'x', n);
    client_send(client, STR("POST /v1/feed HTTP/1.1\r\nContent-Length: 10485760\r\n\r\n"));
    client_send(client, (struct str){ body, n });
    client_expect(client, "HTTP/1.1 413 ", 1);
    client_expect(client, "Connection: close", 1);
    assert_int_equal(world.requests, 0);
    assert_int_equal(http_server_counts(world.server).refused, 1);
    assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
    wait_connections(0);
    client_close(client);
    free(body);
}

static void chunked_body_is_refused_at_the_limit(void **state)
{
    struct client *client = client_open();
    char chunk[512 + 1];
    (void)state;

    memset(chunk, 'x', sizeof(chunk));
    client_send(client, STR("POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 2; i++) {
        client_send(client, STR("200\r\n"));
        client_send(client, (struct str){ chunk, 512 });
        client_send(client, STR("\r\n"));
    }
    client_expect(client, "HTTP/1.1 413 ", 1);
    assert_int_equal(world.requests, 0);
    client_close(client);
}

static void each_path_has_its_limit(void **state)
{
    struct client *client = client_open();
    char *body = malloc(100000);
    (void)state;

    assert_non_null(body);
    memset(body, 'y', 100000);
    client_send(client, STR("POST /v1/feed?x HTTP/1.1\r\nContent-Length: 100000\r\n\r\n"));
    client_send(client, (struct str){ body, 100000 });
    client_expect(client, "b=100000", 1);
    assert_int_equal(world.last_body.n, 100000);
    assert_memory_equal(world.last_body.p, body, 100000);
    client_send(client, STR("POST /a HTTP/1.1\r\nContent-Length: 1000\r\n\r\n"));
    client_send(client, (struct str){ body, 1000 });
    client_expect(client, "b=1000", 2);
    client_send(client, STR("POST /a HTTP/1.1\r\nContent-Length: 1001\r\n\r\n"));
    client_expect(client, "HTTP/1.1 413 ", 1);
    client_close(client);
    free(body);
}

static void large_headers_are_431(void **state)
{
    struct client *client = client_open();
    char line[1000];
    (void)state;

    memset(line, 'h', sizeof(line));
    client_send(client, STR("GET / HTTP/1.1\r\n"));
    for (int i = 0; i < 20; i++) {
        client_send(client, STR("X: "));
        client_send(client, (struct str){ line, sizeof(line) });
        client_send(client, STR("\r\n"));
    }
    client_expect(client, "HTTP/1.1 431 ", 1);
    assert_int_equal(world.requests, 0);
    client_close(client);
}

static void many_headers_are_431(void **state)
{
    struct client *client = client_open();
    struct buf bytes;
    (void)state;

    buf_init(&bytes, 65536);
    buf_str(&bytes, STR("GET / HTTP/1.1\r\n"));
    for (int i = 0; i <= LIMIT_HEADER_COUNT; i++)
        buf_str(&bytes, STR("X: y\r\n"));
    buf_str(&bytes, STR("\r\n"));
    client_send(client, buf_view(&bytes));
    client_expect(client, "HTTP/1.1 431 ", 1);
    buf_fini(&bytes);
    client_close(client);
}

static void long_target_is_431(void **state)
{
    struct client *client = client_open();
    char path[LIMIT_HEADER_BYTES + 1];
    (void)state;

    memset(path, 'p', sizeof(path));
    client_send(client, STR("GET /"));
    client_send(client, (struct str){ path, sizeof(path) });
    client_expect(client, "HTTP/1.1 431 ", 1);
    client_close(client);
}

/* ---- time ---------------------------------------------------------------- */

static void slow_request_is_408(void **state)
{
    struct http_options options = usual_options();
    struct client *client, *idle;
    (void)state;

    world_stop();
    options.request_ms = 100;
    world_start(options);
    client = client_open();
    idle = client_open();
    client_send(client, STR("POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel"));
    client_expect(client, "HTTP/1.1 408 Request Timeout\r\n", 1);
    client_expect_close(client);
    client_read(idle);
    assert_false(idle->closed);
    client_close(client);
    client_close(idle);
}

static void idle_connection_is_closed(void **state)
{
    struct http_options options = usual_options();
    struct client *client;
    (void)state;

    world_stop();
    options.idle_ms = 100;
    world_start(options);
    client = client_open();
    client_send(client, STR("GET /hold HTTP/1.1\r\n\r\n"));
    wait_held(1);
    turn_for_ms(700); /* a request in flight is not idle */
    answer_echo(world.held[0]);
    client_expect(client, "GET /hold", 1);
    assert_false(client->closed);
    client_expect_close(client);
    client_close(client);
    wait_connections(0);
}

static void slow_reader_gets_everything(void **state)
{
    struct client *client = client_open();
    size_t got = 0;
    (void)state;

    client_send(client, STR("GET /big HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n"));
    turn_for_ms(20);
    assert_int_equal(world.requests, 1); /* the second waits for the first */
    while (got < 8 * 1024 * 1024) {
        client->n = 0;
        client_read(client);
        assert_false(client->closed);
        got += client->n;
        (void)uv_run(&world.loop, UV_RUN_NOWAIT);
    }
    client_expect(client, "2 GET /b", 1);
    client_close(client);
}

/* ---- gone, full, draining ------------------------------------------------ */

static void client_gone_before_the_answer(void **state)
{
    struct linger hard = { .l_onoff = 1 };
    struct client *client = client_open();
    (void)state;

    client_send(client, STR("POST /hold HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"));
    wait_held(1);
    assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    client_close(client); /* a reset */
    turn_for_ms(20);
    assert_int_equal(http_server_counts(world.server).connections, 1);
    assert_true(str_eq(world.held[0]->body, STR("abc"))); /* still valid */
    answer_echo(world.held[0]);
    wait_connections(0);
}

static void client_gone_while_writing(void **state)
{
    struct linger hard = { .l_onoff = 1 };
    struct client *client = client_open();
    (void)state;

    client_send(client, STR("GET /big HTTP/1.1\r\n\r\n"));
    turn_for_ms(20);
    assert_int_equal(setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    client_close(client);
    wait_connections(0);
}

static void many_connections(void **state)
{
    struct client *clients[200];
    (void)state;

    for (int round = 0; round < 2; round++) {
        world.n_held = 0;
        for (size_t i = 0; i < LENGTH(clients); i++) {
            clients[i] = client_open();
            client_send(clients[i], STR("GET /hold HTTP/1.1\r\n\r\n"));
        }
        wait_held(LENGTH(clients));
        for (size_t i = LENGTH(clients); i-- > 0;)
            answer_echo(world.held[i]);
        for (size_t i = 0; i < LENGTH(clients); i++) {
            client_expect(clients[i], "GET /hold", 1);
            client_close(clients[i]);
        }
        wait_connections(0);
    }
}

static void newcomer_takes_the_place_of_the_idle(void **state)
{
    struct http_options options = usual_options();
    struct client *first, *second, *third;
    (void)state;

    world_stop();
    options.max_connections = 2;
    world_start(options);
    first = client_open();
    client_send(first, STR("GET /hold HTTP/1.1\r\n\r\n"));
    wait_held(1);
    second = client_open();
    client_send(second, STR("GET /a HTTP/1.1\r\n\r\n"));
    client_expect(second, "GET /a", 1);
    third = client_open();
    client_send(third, STR("GET /b HTTP/1.1\r\n\r\n"));
    client_expect(third, "GET /b", 1);
    client_expect_close(second);
    assert_int_equal(http_server_counts(world.server).connections, 2);
    answer_echo(world.held[0]);
    client_expect(first, "GET /hold", 1);
    client_close(first);
    client_close(second);
    client_close(third);
}

static void newcomer_waits_for_the_busy(void **state)
{
    struct http_options options = usual_options();
    struct client *first, *second;
    (void)state;

    world_stop();
    options.max_connections = 1;
    world_start(options);
    first = client_open();
    client_send(first, STR("GET /hold HTTP/1.1\r\n\r\n"));
    wait_held(1);
    second = client_open();
    client_send(second, STR("GET /b HTTP/1.1\r\n\r\n"));
    turn_for_ms(20);
    assert_int_equal(world.requests, 1);
    answer_echo(world.held[0]);
    client_expect(first, "Connection: close", 1);
    client_close(first);
    client_expect(second, "GET /b", 1);
    client_close(second);
}

static void drain_answers_what_is_in_flight(void **state)
{
    struct client *busy = client_open(), *idle = client_open(), *slow = client_open();
    struct client *late = client_open(), *regular = client_open();
    (void)state;

    client_send(busy, STR("GET /hold HTTP/1.1\r\n\r\n"));
    client_send(slow, STR("POST /slow HTTP/1.1\r\nContent-Length: 3\r\n\r\na"));
    client_send(idle, STR("GET /a HTTP/1.1\r\n\r\n"));
    client_expect(idle, "GET /a", 1);
    client_send(regular, STR("GET /a HTTP/1.1\r\n\r\n"));
    client_expect(regular, "GET /a", 1);
    wait_held(1);
    world_drain();
    assert_int_equal(send(late->fd, "GET /l HTTP/1.1\r\n\r\n", 19, MSG_NOSIGNAL), 19);
    turn_for_ms(30); /* a client that does not know yet */
    client_send(regular, STR("GET /b HTTP/1.1\r\n\r\n"));
    client_expect(regular, "GET /b", 1);
    client_expect(regular, "Connection: close", 1);
    client_expect_close(idle);
    client_expect(late, "GET /l", 1);
    client_expect(late, "Connection: close", 1);
    assert_false(world.drained);
    client_send(slow, STR("bc"));
    client_expect(slow, "POST /slow q= b=3", 1);
    answer_echo(world.held[0]);
    client_expect(busy, "Connection: close", 1);
    client_expect_close(busy);
    client_expect_close(slow);
    client_close(busy);
    client_close(idle);
    client_close(slow);
    client_close(late);
    client_close(regular);
}

static void address_in_use_is_named(void **state)
{
    struct http_options options = usual_options();
    struct str error = STR_NONE;
    struct arena arena;
    char address[64];
    (void)state;

    arena_init(&arena, 65536);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d",
                   http_server_port(world.server));
    options.listen = address;
    assert_null(http_server_new(&world.loop, &options, &arena, &error));
    assert_non_null(strstr(error.p, "address already in use"));
    options.listen = "nonsense";
    assert_null(http_server_new(&world.loop, &options, &arena, &error));
    assert_non_null(strstr(error.p, "'nonsense'"));
    arena_fini(&arena);
    turn();
}

static void answers_are_counted(void **state)
{
    struct client *client = client_open();
    int64_t ok = metric_value(METRIC_HTTP_ANSWERS, STR("200"));
    int64_t busy = metric_value(METRIC_HTTP_ANSWERS, STR("503"));
    (void)state;

    client_send(client, STR("GET /a HTTP/1.1\r\n\r\nGET /busy HTTP/1.1\r\n\r\n"));
    client_expect(client, "problems/busy", 1);
    assert_int_equal(metric_value(METRIC_HTTP_ANSWERS, STR("200")), ok + 1);
    assert_int_equal(metric_value(METRIC_HTTP_ANSWERS, STR("503")), busy + 1);
    client_close(client);
}

/* On one connection: what refused a request is not said of the next one. */
static void answers_are_told(void **state)
{
    struct client *client = client_open();

    (void)state;
    client_send(client, STR("GET /busy HTTP/1.1\r\n\r\n"));
    client_expect(client, "problems/busy", 1);
    assert_int_equal(world.answers, 1);
    assert_int_equal(world.last_status, 503);
    assert_true(str_eq(world.last_label, STR("busy")));
    client_send(client, STR("GET /a HTTP/1.1\r\n\r\n"));
    client_expect(client, "2 GET /a", 1);
    assert_int_equal(world.answers, 2);
    assert_int_equal(world.last_status, 200);
    assert_int_equal(world.last_label.n, 0);
    client_close(client);
}

static void header_value_cannot_split_the_answer(void **state)
{
    struct http_header header = { "X-Name", STR("a\r\nSet-Cookie: b") };
    struct client *client = client_open();
    (void)state;

    client_send(client, STR("GET /hold HTTP/1.1\r\n\r\n"));
    wait_held(1);
    answer_json_with(world.held[0], 201, STR("{\"made\":1}"), &header, 1);
    client_expect(client, "{\"made\":1}", 1);
    assert_int_equal(count_of(client->got, "\r\nSet-Cookie"), 0);
    assert_int_equal(count_of(client->got, "X-Name: a  Set-Cookie: b\r\n"), 1);
    assert_int_equal(count_of(client->got, "HTTP/1.1 201 Created\r\n"), 1);
    client_close(client);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_request_gets_its_answer),
        T(split_anywhere_is_the_same),
        T(byte_by_byte),
        T(keep_alive_serves_many),
        T(head_has_length_and_no_body),
        T(pipelined_are_answered_in_order),
        T(pipelined_wait_for_the_one_in_flight),
        T(half_closed_client_gets_all_answers),
        T(expect_continue_is_answered),
        T(expect_continue_is_refused_by_size),
        T(large_body_is_refused_and_the_answer_read),
        T(chunked_body_is_refused_at_the_limit),
        T(each_path_has_its_limit),
        T(large_headers_are_431),
        T(many_headers_are_431),
        T(long_target_is_431),
        T(slow_request_is_408),
        T(idle_connection_is_closed),
        T(slow_reader_gets_everything),
        T(client_gone_before_the_answer),
        T(client_gone_while_writing),
        T(many_connections),
        T(newcomer_takes_the_place_of_the_idle),
        T(newcomer_waits_for_the_busy),
        T(drain_answers_what_is_in_flight),
        T(address_in_use_is_named),
        T(answers_are_counted),
        T(answers_are_told),
        T(header_value_cannot_split_the_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
