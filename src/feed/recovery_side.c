/*
 * The producer's side of recovery: see recovery_side.h.
 */
#include "feed/recovery_side.h"

#include <stdlib.h>

#include "feed/compose.h"
#include "feed/value.h"
#include "net/http.h"

#define BODY_BYTES 4096
#define ANSWER_BYTES 1024

struct recovery_side {
    uv_loop_t loop;
    uv_timer_t patience;
    struct http_server *server;
    bool drained;
    struct recovery_request waiting[RECOVERY_SIDE_WAITING];
    unsigned n;
};

static void answer(struct http_request *request, int status, const char *code,
                   const char *message)
{
    static const struct http_header later = { "Retry-After", { "1", 1 } };
    struct buf body;

    buf_init(&body, ANSWER_BYTES);
    buf_printf(&body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<response response_code=\"%s\"><message>%s</message></response>\n",
               code, message);
    http_respond(request, status, "application/xml", buf_view(&body), &later, status == 429);
    buf_fini(&body);
}

/* A whole number from the query; missing = 0. */
static bool read_number(struct http_request *request, const char *name, int64_t *number)
{
    struct str text = http_query(request, name);

    *number = 0;
    return text.p == NULL ||
           value_integer(arena_cstr(&request->arena, text), 0, INT64_MAX / 10, number);
}

/* /v1/{product}/recovery/initiate_request: its producer, 0 = none of ours, -1
 * = another path. */
static int producer_of(struct str path)
{
    static const struct { const char *path; int producer; } known[] = {
        { "/v1/liveodds/recovery/initiate_request", PRODUCER_LIVE },
        { "/v1/pre/recovery/initiate_request", PRODUCER_PREMATCH },
    };
    static const char end[] = "/recovery/initiate_request";

    for (size_t i = 0; i < LENGTH(known); i++)
        if (str_eq(path, str_of(known[i].path)))
            return known[i].producer;
    return path.n >= sizeof(end) &&
           memcmp(path.p + path.n - sizeof(end) + 1, end, sizeof(end) - 1) == 0 ? 0 : -1;
}

static void on_request(void *ctx, struct http_request *request)
{
    struct recovery_side *side = ctx;
    struct recovery_request asked = { .producer = producer_of(request->path) };

    if (asked.producer <= 0)
        answer(request, 404, "NOT_FOUND", asked.producer < 0 ? "no such path"
                                                             : "no such product: liveodds, pre");
    else if (!str_eq(request->method, STR("POST")))
        answer(request, 405, "NOT_ALLOWED", "POST only");
    else if (!read_number(request, "after", &asked.after_ms))
        answer(request, 400, "BAD_REQUEST", "after is not a time in milliseconds");
    else if (!read_number(request, "request_id", &asked.request_id) || asked.request_id == 0)
        answer(request, 400, "BAD_REQUEST", "request_id is not a number above 0");
    else if (side->n == RECOVERY_SIDE_WAITING)
        answer(request, 429, "TOO_MANY_REQUESTS", "too many requests wait");
    else {
        side->waiting[side->n++] = asked;
        answer(request, 202, "ACCEPTED", "recovery begins");
    }
}

static void on_refuse(void *ctx UNUSED, int status UNUSED, const char *why, struct buf *body,
                      const char **content_type)
{
    *content_type = "application/xml";
    buf_printf(body, "<response response_code=\"BAD_REQUEST\"><message>%s</message></response>",
               why);
}

struct recovery_side *recovery_side_new(const char *listen, struct arena *arena,
                                        struct str *error)
{
    struct recovery_side *side = calloc(1, sizeof(*side));

    CHECK(side != NULL);
    CHECK(uv_loop_init(&side->loop) == 0);
    CHECK(uv_timer_init(&side->loop, &side->patience) == 0);
    side->server = http_server_new(&side->loop, &(struct http_options){
        .listen = listen, .body_limit = BODY_BYTES, .on_request = on_request,
        .on_refuse = on_refuse, .ctx = side,
    }, arena, error);
    if (side->server != NULL)
        return side;
    uv_close((uv_handle_t *)&side->patience, NULL);
    (void)uv_run(&side->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&side->loop);
    free(side);
    return NULL;
}

static void on_drained(void *ctx)
{
    ((struct recovery_side *)ctx)->drained = true;
}

void recovery_side_free(struct recovery_side *side)
{
    if (side == NULL)
        return;
    http_server_drain(side->server, on_drained, side);
    while (!side->drained)
        (void)uv_run(&side->loop, UV_RUN_ONCE);
    http_server_free(side->server);
    uv_close((uv_handle_t *)&side->patience, NULL);
    (void)uv_run(&side->loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&side->loop) == 0);
    free(side);
}

int recovery_side_port(const struct recovery_side *side)
{
    return http_server_port(side->server);
}

static void on_patience(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

void recovery_side_turn(struct recovery_side *side, int64_t patience_us)
{
    uint64_t patience_ms = patience_us > 0 ? (uint64_t)(patience_us + 999) / 1000 : 0;

    if (patience_ms == 0) {
        (void)uv_run(&side->loop, UV_RUN_NOWAIT);
        return;
    }
    CHECK(uv_timer_start(&side->patience, on_patience, patience_ms, 0) == 0);
    (void)uv_run(&side->loop, UV_RUN_ONCE);
    (void)uv_timer_stop(&side->patience);
}

bool recovery_side_take(struct recovery_side *side, struct recovery_request *request)
{
    if (side->n == 0)
        return false;
    *request = side->waiting[0];
    memmove(side->waiting, side->waiting + 1, --side->n * sizeof(side->waiting[0]));
    return true;
}
