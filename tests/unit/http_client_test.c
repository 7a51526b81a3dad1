/*
 * The blocking client against a real server on a thread of its own: answers,
 * keep-alive, a lost connection made again, and errors that say what failed.
 */
#include "net/http_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/limits.h"
#include "net/http.h"

struct world {
    uv_loop_t loop;
    uv_async_t stop;
    struct http_server *server;
    pthread_t thread;
    char url[64];
};

static struct world world;

static void on_request(void *ctx, struct http_request *request)
{
    struct str token = http_header(request, "Authorization");
    struct str type = http_header(request, "Content-Type");
    struct buf body;
    (void)ctx;

    buf_init(&body, LIMIT_RESPONSE_BYTES);
    buf_printf(&body, STR_FMT " " STR_FMT " " STR_FMT " " STR_FMT " %zu",
               STR_ARG(request->method), STR_ARG(request->path), STR_ARG(token),
               STR_ARG(type), request->body.n);
    if (str_eq(request->path, STR("/large")))
        for (int i = 0; i < 1000; i++)
            buf_printf(&body, "%01000d", i);
    http_respond(request, str_eq(request->path, STR("/made")) ? 201 : 200, "text/plain",
                 buf_view(&body), NULL, 0);
    buf_fini(&body);
}

static void on_drained(void *ctx)
{
    (void)ctx;
    uv_close((uv_handle_t *)&world.stop, NULL);
}

static void on_stop(uv_async_t *async)
{
    (void)async;
    http_server_drain(world.server, on_drained, NULL);
}

static void *run(void *ctx)
{
    (void)ctx;
    (void)uv_run(&world.loop, UV_RUN_DEFAULT);
    return NULL;
}

static void server_start(int port)
{
    struct http_options options = {
        .body_limit = 1024 * 1024, .on_request = on_request,
    };
    struct str error = STR_NONE;
    struct arena arena;
    char address[64];

    arena_init(&arena, 65536);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
    options.listen = address;
    assert_int_equal(uv_loop_init(&world.loop), 0);
    world.server = http_server_new(&world.loop, &options, &arena, &error);
    if (world.server == NULL)
        fail_msg(STR_FMT, STR_ARG(error));
    arena_fini(&arena);
    (void)snprintf(world.url, sizeof(world.url), "http://127.0.0.1:%d/",
                   http_server_port(world.server));
    assert_int_equal(uv_async_init(&world.loop, &world.stop, on_stop), 0);
    assert_int_equal(pthread_create(&world.thread, NULL, run, NULL), 0);
}

static void server_stop(void)
{
    assert_int_equal(uv_async_send(&world.stop), 0);
    assert_int_equal(pthread_join(world.thread, NULL), 0);
    http_server_free(world.server);
    assert_int_equal(uv_loop_close(&world.loop), 0);
}

static void requests_and_answers(void **state)
{
    static const char *const headers[] = { "Authorization: Bearer abc" };
    struct http_client *client;
    struct buf answer;
    int status;
    (void)state;

    server_start(0);
    buf_init(&answer, LIMIT_RESPONSE_BYTES);
    client = http_client_new(world.url);
    assert_non_null(client);

    assert_true(http_client_request(client, "GET", "/a", NULL, STR_NONE, headers, 1, &status,
                                    &answer));
    assert_int_equal(status, 200);
    assert_true(str_eq(buf_view(&answer), STR("GET /a Bearer abc  0")));
    assert_true(http_client_request(client, "POST", "/made", "application/xml", STR("<a/>"),
                                    NULL, 0, &status, &answer));
    assert_int_equal(status, 201);
    assert_true(str_eq(buf_view(&answer), STR("POST /made  application/xml 4")));
    assert_true(http_client_request(client, "PUT", "/b", "application/json", STR("{}"), NULL, 0,
                                    &status, &answer));
    assert_true(str_eq(buf_view(&answer), STR("PUT /b  application/json 2")));
    assert_true(http_client_request(client, "POST", "/c", NULL, STR_NONE, NULL, 0, &status,
                                    &answer));
    assert_true(str_eq(buf_view(&answer), STR("POST /c   0")));
    assert_true(http_client_request(client, "GET", "/large", NULL, STR_NONE, NULL, 0, &status,
                                    &answer));
    assert_in_range(answer.n, 1000000, 1000100);
    /* all over one connection */
    assert_int_equal(http_server_counts(world.server).connections, 1);
    http_client_free(client);
    buf_fini(&answer);
    server_stop();
}

static void lost_connection_is_made_again(void **state)
{
    struct http_client *client;
    struct buf answer;
    int status, port;
    (void)state;

    server_start(0);
    port = http_server_port(world.server);
    buf_init(&answer, 100);
    client = http_client_new(world.url);
    assert_non_null(client);
    assert_true(http_client_request(client, "GET", "/a", NULL, STR_NONE, NULL, 0, &status,
                                    &answer));
    server_stop();

    assert_false(http_client_request(client, "GET", "/a", NULL, STR_NONE, NULL, 0, &status,
                                     &answer));
    assert_non_null(strstr(http_client_error(client), "GET http://127.0.0.1:"));
    assert_non_null(strstr(http_client_error(client), "connect"));

    server_start(port);
    assert_true(http_client_request(client, "GET", "/a", NULL, STR_NONE, NULL, 0, &status,
                                    &answer));
    assert_int_equal(status, 200);
    assert_false(http_client_request(client, "GET", "/large", NULL, STR_NONE, NULL, 0, &status,
                                     &answer));
    assert_non_null(strstr(http_client_error(client), "the answer is too large"));
    http_client_free(client);
    buf_fini(&answer);
    server_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_answers),
        cmocka_unit_test(lost_connection_is_made_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
