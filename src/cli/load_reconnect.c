/*
 * overround load --reconnect: the day an address is gone.
 *
 * So many WebSocket streams are held open at --url.  One that is lost comes to the other
 * address, again and again until it is let in; what it was told meanwhile and how long it
 * took is the result.  One stream, one state, and its timer is of that state:
 *
 *   WAITING     until it comes            CONNECTING  until it gives up
 *   OPEN        until it says that it lives (the server ends who is silent)
 *
 * A stream is lost when its connection ends; frames are not read.
 */
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/process.h"
#include "cli/load.h"
#include "net/http_response.h"

#define ATTEMPT_MS 10000
#define ALIVE_MS 20000
#define PAGE_FIRST_MS 400  /* web/src/board/feed.ts */
#define PAGE_MOST_MS 15000
#define PAGE_DOUBLINGS 6
#define SECONDS_MAX 3600

enum stream_state { STREAM_WAITING, STREAM_CONNECTING, STREAM_OPEN, STREAM_CLOSING };
enum back_off { BACK_OFF_PAGE, BACK_OFF_TOLD, BACK_OFF_NONE };

struct load_stream {
    struct crowd *crowd;
    enum stream_state state;
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_connect_t connect;
    uv_write_t write;
    struct http_response *response;
    int64_t lost_us;     /* 0: never; since when it is, until it is back */
    unsigned failures;   /* since it was open last */
    int64_t told_ms;     /* what the last refusal asked for */
    bool was_open;       /* at the first address */
};

struct stream_place { struct sockaddr_storage address; char host[300]; char request[700]; };

struct crowd {
    const struct load_options *options;
    enum back_off back_off;
    uv_loop_t loop;
    uv_signal_t interrupt, terminate;
    uv_timer_t end;
    struct load_stream *streams;
    unsigned n, opened;  /* opened: at the first address; all of them, and losses count */
    unsigned lost, back;
    struct stream_place first, other;
    int64_t first_loss_us, last_back_us;
    uint64_t losses, told_429, told_503, otherwise, failed;
    struct load_stats latency;       /* from its loss until it is let in */
    uint32_t let_in[SECONDS_MAX];    /* by second since the first loss */
    bool stopping;
    char read[65536];
};

/* Empty and masked, by a mask of nothing: "A Pong frame MAY be sent unsolicited" (RFC
 * 6455, 5.5.3). */
static const char alive[] = { '\x8a', '\x80', 0, 0, 0, 0 };

static void stream_come(struct load_stream *stream);

/* ---- the end ------------------------------------------------------------------- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct load_stream *stream = handle->data;

    http_response_free(stream->response);
    stream->response = NULL;
}

static void crowd_stop(struct crowd *crowd)
{
    if (crowd->stopping)
        return;
    crowd->stopping = true;
    for (unsigned i = 0; i < crowd->n; i++) {
        struct load_stream *stream = &crowd->streams[i];

        if (stream->state != STREAM_WAITING && stream->state != STREAM_CLOSING)
            uv_close((uv_handle_t *)&stream->tcp, NULL);
        stream->state = STREAM_CLOSING;
        uv_close((uv_handle_t *)&stream->timer, on_timer_closed);
    }
    uv_close((uv_handle_t *)&crowd->end, NULL);
    uv_close((uv_handle_t *)&crowd->interrupt, NULL);
    uv_close((uv_handle_t *)&crowd->terminate, NULL);
}

static void on_end(uv_timer_t *timer)
{
    crowd_stop(timer->data);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    crowd_stop(handle->data);
}

static void end_after(struct crowd *crowd)
{
    CHECK(uv_timer_start(&crowd->end, on_end, (uint64_t)crowd->options->seconds * 1000, 0) == 0);
}

/* ---- a stream that is not there ------------------------------------------------- */

static int64_t back_off_ms(const struct load_stream *stream)
{
    unsigned doublings = stream->failures == 0 ? 0 : stream->failures - 1;
    int64_t ms = PAGE_FIRST_MS;

    if (stream->crowd->back_off == BACK_OFF_NONE)
        return 0;
    if (stream->crowd->back_off == BACK_OFF_TOLD && stream->failures <= 1)
        return 0;
    if (stream->crowd->back_off == BACK_OFF_TOLD && stream->told_ms > 0)
        return stream->told_ms * (50 + (int64_t)randombytes_uniform(101)) / 100;
    ms <<= doublings < PAGE_DOUBLINGS ? doublings : PAGE_DOUBLINGS;
    if (ms > PAGE_MOST_MS)
        ms = PAGE_MOST_MS;
    return ms * (70 + (int64_t)randombytes_uniform(61)) / 100;
}

static void on_due(uv_timer_t *timer)
{
    stream_come(timer->data);
}

static void on_closed(uv_handle_t *handle)
{
    struct load_stream *stream = handle->data;

    if (stream->crowd->stopping)
        return;
    stream->state = STREAM_WAITING;
    CHECK(uv_timer_start(&stream->timer, on_due, (uint64_t)back_off_ms(stream), 0) == 0);
}

static void note_loss(struct load_stream *stream)
{
    struct crowd *crowd = stream->crowd;

    if (crowd->opened < crowd->n) { /* before all of them were there */
        crowd->opened--;
        stream->was_open = false;
        return;
    }
    crowd->losses++;
    if (stream->lost_us == 0)
        crowd->lost++;
    else
        crowd->back--;
    stream->lost_us = clock_mono_us();
    if (crowd->first_loss_us == 0) {
        crowd->first_loss_us = stream->lost_us;
        end_after(crowd);
    }
}

static void stream_leave(struct load_stream *stream)
{
    if (stream->state == STREAM_CLOSING || stream->state == STREAM_WAITING)
        return;
    stream->failures++;
    if (stream->state == STREAM_OPEN)
        note_loss(stream);
    stream->state = STREAM_CLOSING;
    (void)uv_timer_stop(&stream->timer);
    uv_close((uv_handle_t *)&stream->tcp, on_closed);
}

static void on_attempt_over(uv_timer_t *timer)
{
    struct load_stream *stream = timer->data;

    stream->told_ms = 0;
    stream->crowd->failed++;
    stream_leave(stream);
}

static void stream_fail(struct load_stream *stream)
{
    if (stream->state == STREAM_CONNECTING)
        on_attempt_over(&stream->timer);
    else
        stream_leave(stream);
}

/* ---- one that is let in --------------------------------------------------------- */

static void on_alive(uv_timer_t *timer)
{
    struct load_stream *stream = timer->data;
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)alive, sizeof(alive));
    int sent = uv_try_write((uv_stream_t *)&stream->tcp, &buf, 1);

    if (sent != (int)sizeof(alive) && sent != UV_EAGAIN)
        stream_leave(stream);
}

static void note_back(struct load_stream *stream)
{
    struct crowd *crowd = stream->crowd;
    int64_t now = clock_mono_us(), second = (now - crowd->first_loss_us) / 1000000;

    crowd->back++;
    crowd->last_back_us = now;
    load_stats_add(&crowd->latency, now - stream->lost_us);
    if (second < SECONDS_MAX)
        crowd->let_in[second]++;
    if (crowd->back == crowd->n)
        crowd_stop(crowd);
}

/* All of them are there: what is lost from now on counts. */
static void note_open(struct load_stream *stream)
{
    struct crowd *crowd = stream->crowd;

    CHECK(!stream->was_open);
    stream->was_open = true;
    if (++crowd->opened < crowd->n)
        return;
    crowd->told_429 = crowd->told_503 = crowd->otherwise = crowd->failed = 0;
    (void)uv_timer_stop(&crowd->end);
    (void)fprintf(stderr, "reconnect: %u streams are open at %s\n", crowd->n,
                  crowd->options->url);
}

static void stream_open(struct load_stream *stream)
{
    stream->state = STREAM_OPEN;
    stream->failures = 0;
    stream->told_ms = 0;
    CHECK(uv_timer_start(&stream->timer, on_alive, ALIVE_MS, ALIVE_MS) == 0);
    if (stream->lost_us != 0)
        note_back(stream);
    else
        note_open(stream);
}

static void note_refusal(struct load_stream *stream, int status)
{
    struct crowd *crowd = stream->crowd;

    if (status == 429)
        crowd->told_429++;
    else if (status == 503)
        crowd->told_503++;
    else
        crowd->otherwise++;
    stream->told_ms = http_response_retry_after_s(stream->response) * 1000;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct load_stream *stream = handle->data;

    (void)suggested;
    *buf = uv_buf_init(stream->crowd->read, sizeof(stream->crowd->read));
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    struct load_stream *stream = tcp->data;

    if (n < 0)
        stream_fail(stream);
    if (n <= 0 || stream->state != STREAM_CONNECTING)
        return;
    switch (http_response_feed(stream->response, buf->base, (size_t)n)) {
    case HTTP_RESPONSE_MORE:
        return;
    case HTTP_RESPONSE_BAD:
        stream_fail(stream);
        return;
    case HTTP_RESPONSE_DONE:
        break;
    }
    if (http_response_status(stream->response) == 101) {
        stream_open(stream);
        return;
    }
    note_refusal(stream, http_response_status(stream->response));
    stream_leave(stream);
}

static const struct stream_place *place_of(const struct load_stream *stream)
{
    const struct crowd *crowd = stream->crowd;

    return crowd->opened == crowd->n ? &crowd->other : &crowd->first;
}

static void on_written(uv_write_t *write, int status)
{
    if (status < 0 && status != UV_ECANCELED)
        stream_fail(write->data);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct load_stream *stream = connect->data;
    const char *request = place_of(stream)->request;
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)request, (unsigned)strlen(request));

    if (stream->state != STREAM_CONNECTING)
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)&stream->tcp, on_alloc, on_read) != 0
        || uv_write(&stream->write, (uv_stream_t *)&stream->tcp, &buf, 1, on_written) != 0)
        stream_fail(stream);
}

static void stream_come(struct load_stream *stream)
{
    const struct stream_place *place = place_of(stream);

    CHECK(uv_tcp_init(&stream->crowd->loop, &stream->tcp) == 0);
    stream->tcp.data = stream->connect.data = stream->write.data = stream;
    stream->state = STREAM_CONNECTING;
    http_response_start(stream->response);
    CHECK(uv_timer_start(&stream->timer, on_attempt_over, ATTEMPT_MS, 0) == 0);
    if (uv_tcp_connect(&stream->connect, &stream->tcp, (const struct sockaddr *)&place->address,
                       on_connected) != 0)
        stream_fail(stream);
}

/* ---- the report ------------------------------------------------------------------ */

static uint32_t most_in_a_second(const struct crowd *crowd)
{
    uint32_t most = 0;

    for (size_t i = 0; i < SECONDS_MAX; i++)
        if (crowd->let_in[i] > most)
            most = crowd->let_in[i];
    return most;
}

static int64_t elapsed_ms(const struct crowd *crowd)
{
    return crowd->back == 0 ? 0 : (crowd->last_back_us - crowd->first_loss_us) / 1000;
}

static void report_seconds(const struct crowd *crowd, struct jw *w)
{
    size_t n = SECONDS_MAX;

    while (n > 0 && crowd->let_in[n - 1] == 0)
        n--;
    jw_key(w, "let_in_by_second");
    jw_array(w);
    for (size_t i = 0; i < n; i++)
        jw_int(w, (int64_t)crowd->let_in[i]);
    jw_array_end(w);
}

static void report_json(const struct crowd *crowd)
{
    const struct { const char *name; int64_t value; } numbers[] = {
        { "streams", crowd->n },
        { "opened", crowd->opened },
        { "lost", crowd->lost },
        { "losses", (int64_t)crowd->losses },
        { "back", crowd->back },
        { "told_429", (int64_t)crowd->told_429 },
        { "told_503", (int64_t)crowd->told_503 },
        { "told_otherwise", (int64_t)crowd->otherwise },
        { "failed", (int64_t)crowd->failed },
        { "elapsed_ms", elapsed_ms(crowd) },
        { "p50_us", (int64_t)load_stats_quantile_us(&crowd->latency, 50000) },
        { "p99_us", (int64_t)load_stats_quantile_us(&crowd->latency, 99000) },
        { "max_us", (int64_t)crowd->latency.max_us },
        { "most_in_a_second", most_in_a_second(crowd) },
    };
    struct buf text;
    struct jw w;

    buf_init(&text, 65536);
    w = jw_to(&text);
    jw_object(&w);
    jw_key(&w, "mode");
    jw_str(&w, STR("reconnect"));
    for (size_t i = 0; i < LENGTH(numbers); i++) {
        jw_key(&w, numbers[i].name);
        jw_int(&w, numbers[i].value);
    }
    report_seconds(crowd, &w);
    jw_object_end(&w);
    (void)fprintf(stdout, STR_FMT "\n", STR_ARG(buf_view(&text)));
    buf_fini(&text);
}

static void report_line(const struct crowd *crowd, FILE *out)
{
    const struct load_stats *latency = &crowd->latency;

    (void)fprintf(out, "reconnect: %u of %u streams lost, %u back within %lld ms of the first loss "
                  "(p50 %llu p99 %llu max %llu ms of their own); %llu told to wait "
                  "(%llu by 429, %llu by 503), %llu refused otherwise, %llu got no answer; "
                  "%u let in within a second at most\n",
                  crowd->lost, crowd->n, crowd->back, (long long)elapsed_ms(crowd),
                  (unsigned long long)load_stats_quantile_us(latency, 50000) / 1000,
                  (unsigned long long)load_stats_quantile_us(latency, 99000) / 1000,
                  (unsigned long long)latency->max_us / 1000,
                  (unsigned long long)(crowd->told_429 + crowd->told_503),
                  (unsigned long long)crowd->told_429, (unsigned long long)crowd->told_503,
                  (unsigned long long)crowd->otherwise, (unsigned long long)crowd->failed,
                  most_in_a_second(crowd));
}

/* ---- all of them ----------------------------------------------------------------- */

static bool find_place(const struct crowd *crowd, struct stream_place *place, const char *url)
{
    int n;

    if (!load_pool_resolve(url, &place->address, place->host, sizeof(place->host)))
        return false;
    n = snprintf(place->request, sizeof(place->request),
                 "GET /v1/stream HTTP/1.1\r\nHost: %s\r\nUser-Agent: overround-load\r\n"
                 "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                 "Sec-WebSocket-Key: b3ZlcnJvdW5kLWxvYWQtMQ==\r\n\r\n",
                 crowd->options->host != NULL ? crowd->options->host : place->host);
    return n > 0 && (size_t)n < sizeof(place->request);
}

static const char *crowd_fault(struct crowd *crowd)
{
    static const char *const names[] = { "page", "told", "none" };

    for (unsigned i = 0; i < LENGTH(names); i++)
        if (strcmp(crowd->options->back_off, names[i]) == 0)
            crowd->back_off = (enum back_off)i;
    if (strcmp(names[crowd->back_off], crowd->options->back_off) != 0)
        return "--back-off: page, told or none";
    if (crowd->options->streams > LIMIT_CONNECTIONS)
        return "--streams: fewer";
    if (!find_place(crowd, &crowd->first, crowd->options->url)
        || !find_place(crowd, &crowd->other, crowd->options->reconnect))
        return "give addresses such as http://127.0.0.1:8080";
    return NULL;
}

static void crowd_start(struct crowd *crowd)
{
    CHECK(uv_loop_init(&crowd->loop) == 0);
    CHECK(uv_signal_init(&crowd->loop, &crowd->interrupt) == 0);
    CHECK(uv_signal_init(&crowd->loop, &crowd->terminate) == 0);
    CHECK(uv_timer_init(&crowd->loop, &crowd->end) == 0);
    crowd->interrupt.data = crowd->terminate.data = crowd->end.data = crowd;
    CHECK(uv_signal_start(&crowd->interrupt, on_signal, SIGINT) == 0);
    CHECK(uv_signal_start(&crowd->terminate, on_signal, SIGTERM) == 0);
    end_after(crowd);
    crowd->n = (unsigned)crowd->options->streams;
    crowd->streams = calloc(crowd->n, sizeof(*crowd->streams));
    CHECK(crowd->streams != NULL);
    for (unsigned i = 0; i < crowd->n; i++) {
        struct load_stream *stream = &crowd->streams[i];

        stream->crowd = crowd;
        stream->response = http_response_new();
        CHECK(uv_timer_init(&crowd->loop, &stream->timer) == 0);
        stream->timer.data = stream;
        stream_come(stream);
    }
}

int load_reconnect(const struct load_options *options)
{
    struct crowd *crowd = calloc(1, sizeof(*crowd));
    const char *fault;
    int code;

    CHECK(crowd != NULL && sodium_init() >= 0);
    crowd->options = options;
    fault = crowd_fault(crowd);
    if (fault != NULL) {
        (void)fprintf(stderr, "overround load: %s\n", fault);
        free(crowd);
        return 2;
    }
    process_raise_file_limit();
    crowd_start(crowd);
    (void)uv_run(&crowd->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&crowd->loop);
    report_line(crowd, options->json ? stderr : stdout);
    report_json(crowd);
    code = crowd->lost > 0 && crowd->back == crowd->lost ? 0 : 1;
    free(crowd->streams);
    free(crowd);
    return code;
}
