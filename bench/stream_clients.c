/*
 * Stream's other side: publishes updates into a server and receives them as
 * many WebSocket clients, in one process and on one clock.  What it prints is
 * one line of JSON: deliveries, bytes, and the time from the publisher's
 * write to the client's read.
 *
 *   build/bench/stream_clients KIND subscribe=PORT publish=PORT [clients=1000]
 *       [idle=0] [rate=25] [markets=1] [seconds=5] [stall=0] [token=T]
 *       [at=127.0.0.1] [name=localhost]
 *
 * KIND   overround: GET /v1/stream, POST /v1/feed; nchan: /sub, /pub;
 *        nats: its WebSocket and its TCP port
 * idle   more clients, connected and subscribed to something else
 * rate   updates/s, each of one of `markets` markets in turn
 * stall  percent of the clients that read nothing in the second half
 * at     where clients connect to; `name` is who they say it is
 *
 * An update's price is its number, so that a client knows when what it got
 * was sent.  Peers get texts of the same 200 bytes as ours makes of a market.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/str.h"

#define NUMBERS 9000          /* prices 1.01 to 91.00 */
#define BUCKET_US 100
#define BUCKETS 100000        /* 10 s */
#define PUBLISHERS 8
#define UPDATE_BYTES 200
#define CONNECTING_MAX 128
#define READ_BYTES (256 * 1024)
#define WARM_US 1000000
#define MATCH "sr:match:7000001"
#define ELSEWHERE "sr:match:7000002"

enum kind { OVERROUND, NCHAN, NATS };
enum phase { QUIET, STALLED, PHASES };
enum client_state { CLIENT_CONNECTING, CLIENT_UPGRADING, CLIENT_OPEN };

struct client {
    int fd;
    enum client_state state;
    bool idle, may_stall, stalls;
    uint8_t head[14], head_n, opcode; /* of the frame that arrives */
    uint64_t payload;                 /* bytes of it to come */
    unsigned matched;                 /* of the marker */
    int64_t price_e2;                 /* -1: not in a price */
    unsigned ends;                    /* of "\r\n\r\n" */
};

/* A connection that publishes: one message at a time, its answer awaited. */
struct publisher {
    int fd;
    bool waits;
};

struct histogram {
    uint64_t buckets[BUCKETS + 1], n;
    int64_t max_us;
};

static struct {
    enum kind kind;
    int64_t subscribe, publish, clients, idle, rate, markets, seconds, stall;
    const char *token, *name;
    struct in_addr at;
    int epoll;
    struct client *all;
    int64_t n, n_open, n_connecting;
    struct publisher publishers[PUBLISHERS];
    int64_t number, published, late;
    int64_t sent_us[NUMBERS];
    uint64_t deliveries, bytes, closed;
    bool measuring, stalling;
    struct histogram latency[PHASES];
    char read[READ_BYTES];
} bench = { .clients = 1000, .rate = 25, .markets = 1, .seconds = 5, .token = "",
            .name = "localhost" };

static const char marker[] = "\"odds\":\"";

static void fail(const char *what)
{
    fprintf(stderr, "stream_clients: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- latencies ---------------------------------------------------------- */

static void histogram_add(struct histogram *histogram, int64_t us)
{
    int64_t at = us < 0 ? 0 : us / BUCKET_US;

    histogram->buckets[at > BUCKETS ? BUCKETS : at]++;
    histogram->n++;
    if (us > histogram->max_us)
        histogram->max_us = us;
}

static double histogram_ms(const struct histogram *histogram, uint64_t per_mille)
{
    uint64_t rank = histogram->n * per_mille / 1000, seen = 0;

    for (int64_t i = 0; i <= BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen > rank)
            return (double)((i + 1) * BUCKET_US) / 1000;
    }
    return 0;
}

/* ---- what clients get --------------------------------------------------- */

static void got_price(struct client *c)
{
    int64_t number = c->price_e2 - 101;

    c->price_e2 = -1;
    if (number < 0 || number >= NUMBERS || bench.sent_us[number] == 0)
        return; /* of before the measured stretch */
    bench.deliveries++;
    if (!c->may_stall)
        histogram_add(&bench.latency[bench.stalling ? STALLED : QUIET],
                      clock_mono_us() - bench.sent_us[number]);
}

/* The first price of each update, wherever reads cut the text. */
static void scan(struct client *c, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (c->price_e2 >= 0) {
            if (p[i] >= '0' && p[i] <= '9')
                c->price_e2 = c->price_e2 * 10 + (p[i] - '0');
            else if (p[i] != '.')
                got_price(c);
        } else if (p[i] == marker[c->matched]) {
            if (++c->matched == sizeof(marker) - 1) {
                c->matched = 0;
                c->price_e2 = 0;
            }
        } else {
            c->matched = p[i] == marker[0];
        }
    }
}

static void send_frame(struct client *c, uint8_t opcode, const char *p, size_t n)
{
    char frame[512] = { (char)(0x80 | opcode), (char)(0x80 | n) };

    CHECK(n < 126); /* the mask is zero: allowed, and readable */
    memcpy(frame + 6, p, n);
    if (write(c->fd, frame, n + 6) != (ssize_t)(n + 6))
        fail("a frame was not taken");
}

static size_t head_bytes(const struct client *c)
{
    if (c->head_n < 2)
        return 2;
    return (c->head[1] & 127) == 126 ? 4 : (c->head[1] & 127) == 127 ? 10 : 2;
}

static void begin_payload(struct client *c)
{
    size_t n = head_bytes(c);

    c->opcode = c->head[0] & 15;
    c->payload = c->head[1] & 127;
    if (n > 2) {
        c->payload = 0;
        for (size_t i = 2; i < n; i++)
            c->payload = c->payload << 8 | c->head[i];
    }
    c->head_n = 0;
    if (c->opcode == 9)
        send_frame(c, 10, "", 0);
}

static void on_frames(struct client *c, const char *p, size_t n)
{
    while (n > 0) {
        size_t part = c->payload < n ? (size_t)c->payload : n;

        if (part > 0) {
            if (c->opcode <= 2 && bench.measuring && !c->idle)
                scan(c, p, part);
            c->payload -= part;
            p += part;
            n -= part;
            continue;
        }
        c->head[c->head_n++] = (uint8_t)*p++;
        n--;
        if (c->head_n >= 2 && c->head_n == head_bytes(c))
            begin_payload(c);
    }
}

/* ---- connecting --------------------------------------------------------- */

static int connect_to(struct in_addr at, int64_t port, bool wait)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                   .sin_addr = at };
    int fd = socket(AF_INET, SOCK_STREAM | (wait ? 0 : SOCK_NONBLOCK), 0), one = 1;

    if (fd < 0)
        fail("no socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno != EINPROGRESS)
        fail("cannot connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void watch(int fd, uint32_t events, uint64_t what, int operation)
{
    struct epoll_event event = { .events = events, .data.u64 = what };

    if (epoll_ctl(bench.epoll, operation, fd, &event) != 0)
        fail("epoll_ctl");
}

static void begin_client(int64_t i)
{
    struct client *c = &bench.all[i];

    *c = (struct client){ .price_e2 = -1, .idle = i >= bench.clients,
                          .may_stall = i < bench.clients && i % 100 < bench.stall };
    c->fd = connect_to(bench.at, bench.subscribe, false);
    watch(c->fd, EPOLLOUT, (uint64_t)i, EPOLL_CTL_ADD);
    bench.n_connecting++;
}

static void ask_upgrade(struct client *c, int64_t i)
{
    static const char *const paths[] = { "/v1/stream", "/sub", "/" };
    char text[400];
    const char *path = bench.kind == NCHAN && c->idle ? "/elsewhere" : paths[bench.kind];
    int n = snprintf(text, sizeof(text),
                     "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0 (bench)\r\n"
                     "Upgrade: websocket\r\n"
                     "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     "Sec-WebSocket-Version: 13\r\n\r\n", path, bench.name);

    if (write(c->fd, text, (size_t)n) != n)
        fail("the request was not taken");
    c->state = CLIENT_UPGRADING;
    watch(c->fd, EPOLLIN, (uint64_t)i, EPOLL_CTL_MOD);
}

static void opened(struct client *c)
{
    char text[120];
    const char *event = c->idle ? ELSEWHERE : MATCH;
    int n = 0;

    if (bench.kind == OVERROUND)
        n = snprintf(text, sizeof(text), "{\"op\":\"subscribe\",\"id\":1,\"events\":[\"%s\"]}",
                     event);
    else if (bench.kind == NATS)
        n = snprintf(text, sizeof(text), "CONNECT {\"verbose\":false}\r\nSUB %s 1\r\n",
                     c->idle ? "elsewhere" : "updates");
    if (n > 0)
        send_frame(c, bench.kind == NATS ? 2 : 1, text, (size_t)n);
    c->state = CLIENT_OPEN;
    bench.n_connecting--;
    bench.n_open++;
}

/* The answer's head, up to the empty line; returns what belongs to it. */
static size_t on_upgrade(struct client *c, const char *p, size_t n)
{
    static const char end[] = "\r\n\r\n";
    size_t i = 0;

    if (n > 12 && c->ends == 0 && strncmp(p, "HTTP/1.1 101", 12) != 0) {
        fprintf(stderr, "stream_clients: no upgrade: %.*s\n", (int)(n < 300 ? n : 300), p);
        exit(1);
    }
    while (i < n && c->ends < 4) {
        c->ends = p[i] == end[c->ends] ? c->ends + 1 : p[i] == '\r';
        i++;
    }
    if (c->ends == 4)
        opened(c);
    return i;
}

static void on_client(int64_t i)
{
    struct client *c = &bench.all[i];
    ssize_t n;
    size_t at = 0;

    if (c->state == CLIENT_CONNECTING) {
        ask_upgrade(c, i);
        return;
    }
    n = read(c->fd, bench.read, sizeof(bench.read));
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        watch(c->fd, 0, (uint64_t)i, EPOLL_CTL_DEL);
        close(c->fd);
        bench.closed++;
        return;
    }
    if (c->state == CLIENT_UPGRADING)
        at = on_upgrade(c, bench.read, (size_t)n);
    if (bench.measuring)
        bench.bytes += (size_t)n - at;
    on_frames(c, bench.read + at, (size_t)n - at);
}

/* ---- publishing --------------------------------------------------------- */

static int write_update(char *text, size_t room, int64_t number)
{
    int64_t e2 = 101 + number % NUMBERS, market = number % bench.markets;
    int n;

    if (bench.kind == OVERROUND)
        return snprintf(text, room,
                        "<odds_change product=\"1\" event_id=\"" MATCH "\" timestamp=\"%" PRId64
                        "\"><odds><market id=\"18\" specifiers=\"total=%" PRId64
                        ".5\" status=\"1\"><outcome id=\"12\" odds=\"%" PRId64 ".%02" PRId64
                        "\" active=\"1\"/></market></odds></odds_change>",
                        clock_wall_ms(), market, e2 / 100, e2 % 100);
    n = snprintf(text, room, "{\"op\":\"change\",\"clk\":\"%" PRId64 "\",\"events\":[{\"id\":\""
                 MATCH "\",\"markets\":[{\"market\":\"18\",\"specifiers\":\"total=%" PRId64
                 ".5\",\"outcomes\":[{\"outcome\":\"12\",\"odds\":\"%" PRId64 ".%02" PRId64
                 "\",\"active\":true}]}]}]}", number, market, e2 / 100, e2 % 100);
    while (n < UPDATE_BYTES)
        text[n++] = ' ';
    return n;
}

static void publish_on(struct publisher *publisher)
{
    char body[600], text[1200];
    int64_t number = bench.number++;
    int body_n = write_update(body, sizeof(body), number), n;

    if (bench.kind == NATS)
        n = snprintf(text, sizeof(text), "PUB updates %d\r\n%.*s\r\n", body_n, body_n, body);
    else
        n = snprintf(text, sizeof(text),
                     "POST %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                     "Content-Type: application/xml\r\nContent-Length: %d\r\n\r\n%.*s",
                     bench.kind == NCHAN ? "/pub" : "/v1/feed", bench.token, body_n, body_n, body);
    bench.sent_us[number % NUMBERS] = bench.measuring ? clock_mono_us() : 0;
    if (write(publisher->fd, text, (size_t)n) != n)
        fail("the publisher's message was not taken");
    publisher->waits = bench.kind != NATS;
    bench.published += bench.measuring;
}

static void on_publisher(struct publisher *publisher)
{
    ssize_t n = read(publisher->fd, bench.read, sizeof(bench.read));

    if (n <= 0)
        fail("a publisher was closed");
    if (bench.kind != NATS && strncmp(bench.read, "HTTP/1.1 20", 11) != 0) {
        fprintf(stderr, "stream_clients: refused: %.*s\n", (int)n, bench.read);
        exit(1);
    }
    publisher->waits = false;
}

/* What is due by now, on whichever connection is free. */
static void publish_due(int64_t began_us, int64_t *done)
{
    int64_t due = (clock_mono_us() - began_us) * bench.rate / 1000000;

    while (*done < due) {
        struct publisher *free_one = NULL;

        for (int i = 0; i < PUBLISHERS && free_one == NULL; i++)
            if (!bench.publishers[i].waits)
                free_one = &bench.publishers[i];
        if (free_one == NULL) {
            bench.late++;
            return;
        }
        publish_on(free_one);
        (*done)++;
    }
}

static void start_publishers(void)
{
    const struct in_addr loopback = { .s_addr = htonl(INADDR_LOOPBACK) };
    static const char hello[] = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";

    for (int i = 0; i < PUBLISHERS; i++) {
        struct publisher *publisher = &bench.publishers[i];

        publisher->fd = connect_to(loopback, bench.publish, true);
        if (bench.kind == NATS && write(publisher->fd, hello, sizeof(hello) - 1) < 0)
            fail("nats");
        watch(publisher->fd, EPOLLIN, (uint64_t)(bench.n + i), EPOLL_CTL_ADD);
    }
}

/* ---- the run ------------------------------------------------------------ */

static void turn(int timeout_ms)
{
    struct epoll_event events[256];
    int n = epoll_wait(bench.epoll, events, 256, timeout_ms);

    for (int i = 0; i < n; i++) {
        int64_t what = (int64_t)events[i].data.u64;

        if (what >= bench.n)
            on_publisher(&bench.publishers[what - bench.n]);
        else
            on_client(what);
    }
}

static void connect_all(void)
{
    int64_t begun = 0;

    while (bench.n_open < bench.n) {
        while (begun < bench.n && bench.n_connecting < CONNECTING_MAX)
            begin_client(begun++);
        turn(1000);
    }
}

static void stall(bool begin)
{
    for (int64_t i = 0; i < bench.clients; i++) {
        struct client *c = &bench.all[i];

        if (c->may_stall)
            watch(c->fd, begin ? 0 : EPOLLIN, (uint64_t)i, EPOLL_CTL_MOD);
    }
    bench.stalling = begin;
}

static void run_for(int64_t us, int64_t began_us, int64_t *done)
{
    int64_t end_us = clock_mono_us() + us;

    while (clock_mono_us() < end_us) {
        publish_due(began_us, done);
        turn(1);
    }
}

static int64_t cpu_ms(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

static void print_latency(const char *name, const struct histogram *h)
{
    printf(",\"%s\":{\"n\":%" PRIu64 ",\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"p999_ms\":%.1f,"
           "\"max_ms\":%.1f}", name, h->n, histogram_ms(h, 500), histogram_ms(h, 990),
           histogram_ms(h, 999), (double)h->max_us / 1000);
}

/* The harness reads the server's CPU and memory at these words. */
static void tell(const char *what)
{
    printf("%s\n", what);
    fflush(stdout);
}

static void measure(void)
{
    int64_t began_us = clock_mono_us(), done = 0, half_us = bench.seconds * 500000;
    int64_t cpu = 0;

    run_for(WARM_US, began_us, &done);
    bench.measuring = true;
    tell("measuring");
    cpu = cpu_ms();
    run_for(half_us, began_us, &done);
    if (bench.stall > 0) {
        stall(true);
        tell("stalled");
    }
    run_for(half_us, began_us, &done);
    bench.measuring = false;
    tell("measured");
    printf("{\"clients\":%" PRId64 ",\"idle\":%" PRId64 ",\"seconds\":%" PRId64
           ",\"published\":%" PRId64 ",\"late\":%" PRId64 ",\"deliveries\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"closed\":%" PRIu64 ",\"cpu_ms\":%" PRId64,
           bench.clients, bench.idle, bench.seconds, bench.published, bench.late,
           bench.deliveries, bench.bytes, bench.closed, cpu_ms() - cpu);
    print_latency("latency", &bench.latency[QUIET]);
    if (bench.stall > 0)
        print_latency("while_stalled", &bench.latency[STALLED]);
    printf("}\n");
}

static bool read_option(const char *text)
{
    static const struct { const char *name; int64_t *into; } numbers[] = {
        { "subscribe=", &bench.subscribe }, { "publish=", &bench.publish },
        { "clients=", &bench.clients }, { "idle=", &bench.idle }, { "rate=", &bench.rate },
        { "markets=", &bench.markets }, { "seconds=", &bench.seconds },
        { "stall=", &bench.stall },
    };

    if (strncmp(text, "token=", 6) == 0) {
        bench.token = text + 6;
        return true;
    }
    if (strncmp(text, "name=", 5) == 0) {
        bench.name = text + 5;
        return true;
    }
    if (strncmp(text, "at=", 3) == 0)
        return inet_pton(AF_INET, text + 3, &bench.at) == 1;
    for (size_t i = 0; i < LENGTH(numbers); i++) {
        size_t n = strlen(numbers[i].name);

        if (strncmp(text, numbers[i].name, n) == 0) {
            *numbers[i].into = strtoll(text + n, NULL, 10);
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    static const char *const kinds[] = { "overround", "nchan", "nats" };
    bool known = false;

    bench.at.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; argc > 1 && i < 3; i++) {
        if (strcmp(argv[1], kinds[i]) == 0) {
            bench.kind = (enum kind)i;
            known = true;
        }
    }
    for (int i = 2; i < argc; i++)
        known = known && read_option(argv[i]);
    if (!known || bench.subscribe == 0 || bench.publish == 0 || bench.markets < 1) {
        fprintf(stderr, "usage: stream_clients overround|nchan|nats subscribe=PORT publish=PORT"
                        " [clients= idle= rate= markets= seconds= stall= token= at= name=]\n");
        return 2;
    }
    process_raise_file_limit();
    bench.n = bench.clients + bench.idle;
    bench.all = calloc((size_t)bench.n, sizeof(*bench.all));
    bench.epoll = epoll_create1(0);
    CHECK(bench.all != NULL && bench.epoll >= 0);
    connect_all();
    start_publishers();
    tell("connected");
    measure();
    return 0;
}
