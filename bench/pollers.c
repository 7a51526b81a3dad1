/*
 * Readers who poll: each asks for one event's snapshot again and again on a connection
 * of its own, while this process changes that event's price and suspends it.  One clock:
 * what it prints, one line of JSON, is the time from the feed message's write to the
 * first answer in which a reader saw it.
 *
 *   build/bench/pollers at=ADDRESS:PORT publish=ADDRESS:PORT event=ID token=T
 *       [name=www.example.com] [clients=1000] [period=1000] [step=2370] [seconds=30]
 *
 * at       what is polled: an origin, or an edge node that knows it as `name`
 * publish  the operator listener, over no wire
 * period   ms between one answer's question and the next; readers begin spread over it
 * step     ms between changes.  Not a multiple of a second, by which copies are kept, so
 *          that changes come at all parts of one; longer than any reader may take, so
 *          that each change is one that all should see
 *
 * Change n has the price 1.01 + n hundredths; every second one suspends the market.  A
 * reader has seen n when it reads n or a later one.  `worst` is, of each kind, the
 * slowest reader of each change in turn: when the last one knew.
 */
#include <arpa/inet.h>
#include <errno.h>
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

#define CHANGES 9000 /* prices 1.01 to 91.00 */
#define SAMPLES (8 * 1024 * 1024)
#define ANSWER_BYTES (64 * 1024)
#define PUBLISHER UINT64_MAX

enum what { PRICE, SUSPENSION, WHATS };

struct reader {
    int fd;
    int64_t due_us, asked_us; /* asked_us: 0 = nothing is under way */
    int64_t seen;             /* the last change it knows; -1 = none */
    char *answer;
    size_t n;
};

struct samples {
    int32_t *us;
    size_t n;
    int32_t worst_us[CHANGES];
    int64_t unseen; /* readers who did not see one */
};

static struct {
    struct sockaddr_in at, publish;
    const char *name, *event, *token;
    int64_t clients, period_ms, step_ms, seconds;
    int epoll, publisher;
    bool publisher_waits, is_measuring;
    struct reader *all;
    int64_t changes, sent_us[CHANGES];
    uint64_t answers, bytes, wrong, late, oldest_s;
    struct samples of[WHATS];
    int32_t *trips_us; /* of a poll: question to answer */
    size_t n_trips;
    char request[1024];
    size_t request_n;
} bench = { .name = "www.example.com", .clients = 1000, .period_ms = 1000, .step_ms = 2370,
            .seconds = 30 };

static void fail(const char *what)
{
    fprintf(stderr, "pollers: %s: %s\n", what, strerror(errno));
    exit(1);
}

static enum what kind_of(int64_t change)
{
    return change % 2 == 1 ? SUSPENSION : PRICE;
}

static void tell(const char *what)
{
    printf("%s\n", what);
    fflush(stdout);
}

/* ---- connections -------------------------------------------------------- */

static int connect_to(const struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    if (fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0)
        fail("cannot connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static void watch(int fd, uint64_t what)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = what };

    if (epoll_ctl(bench.epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("epoll_ctl");
}

/* ---- readers ------------------------------------------------------------ */

static void ask(struct reader *reader, int64_t now)
{
    if (write(reader->fd, bench.request, bench.request_n) != (ssize_t)bench.request_n)
        fail("a question was not taken");
    reader->asked_us = now;
    reader->due_us += bench.period_ms * 1000;
    if (reader->due_us < now)
        reader->due_us = now;
}

static void saw(struct reader *reader, int64_t change, int64_t now)
{
    for (int64_t n = reader->seen + 1; n <= change; n++) {
        struct samples *samples = &bench.of[kind_of(n)];
        int32_t us = (int32_t)(now - bench.sent_us[n]);

        if (bench.sent_us[n] == 0)
            continue; /* of before the measured stretch */
        if (samples->n < SAMPLES)
            samples->us[samples->n++] = us;
        if (us > samples->worst_us[n])
            samples->worst_us[n] = us;
    }
    if (change > reader->seen)
        reader->seen = change;
}

/* Which change an answer tells; -1: none.  The suspended have their price, too. */
static int64_t change_in(const char *body)
{
    static const char marker[] = "\"odds\":\"";
    const char *p = strstr(body, marker);
    int64_t e2 = 0;

    if (p == NULL)
        return -1;
    for (p += sizeof(marker) - 1; *p != '"' && *p != '\0'; p++)
        if (*p >= '0' && *p <= '9')
            e2 = e2 * 10 + (*p - '0');
    return e2 - 101;
}

static bool tells_rightly(const char *body, int64_t change)
{
    bool is_suspended = strstr(body, "\"status\":\"suspended\"") != NULL;

    return change < bench.changes && is_suspended == (kind_of(change) == SUSPENSION);
}

static void take(struct reader *reader, const char *head, const char *body, int64_t now)
{
    const char *age = strcasestr(head, "\r\nage: ");
    int64_t change = change_in(body);

    if (strncmp(reader->answer, "HTTP/1.1 200", 12) != 0 || !tells_rightly(body, change)) {
        if (bench.wrong++ == 0 && bench.is_measuring)
            fprintf(stderr, "pollers: %.600s\n", reader->answer);
        return;
    }
    if (age != NULL && age < body && strtoull(age + 7, NULL, 10) > bench.oldest_s)
        bench.oldest_s = strtoull(age + 7, NULL, 10);
    if (bench.n_trips < SAMPLES)
        bench.trips_us[bench.n_trips++] = (int32_t)(now - reader->asked_us);
    saw(reader, change, now);
}

/* The bytes of an answer that has all arrived; 0: not yet. */
static size_t whole_answer(const struct reader *reader, const char **body)
{
    const char *end = strstr(reader->answer, "\r\n\r\n"), *length, *p;

    if (end == NULL)
        return 0;
    *body = end + 4;
    length = strcasestr(reader->answer, "\r\ncontent-length: ");
    if (length != NULL && length < end) {
        size_t n = (size_t)(*body - reader->answer) + strtoul(length + 18, NULL, 10);

        return n <= reader->n ? n : 0;
    }
    p = strstr(end, "\r\n0\r\n\r\n"); /* in pieces: undone by the node */
    return p == NULL ? 0 : (size_t)(p + 7 - reader->answer);
}

static void on_reader(struct reader *reader)
{
    ssize_t n = read(reader->fd, reader->answer + reader->n, ANSWER_BYTES - 1 - reader->n);
    int64_t now = clock_mono_us();
    const char *body;
    size_t whole;

    if (n <= 0)
        fail("a reader was closed");
    bench.bytes += (uint64_t)n;
    reader->n += (size_t)n;
    reader->answer[reader->n] = '\0';
    whole = whole_answer(reader, &body);
    if (whole == 0 && reader->n == ANSWER_BYTES - 1)
        fail("an answer is too long");
    if (whole == 0)
        return;
    CHECK(whole == reader->n); /* one question at a time */
    bench.answers++;
    take(reader, reader->answer, body, now);
    reader->n = 0;
    reader->asked_us = 0;
}

static void ask_due(void)
{
    int64_t now = clock_mono_us();

    for (int64_t i = 0; i < bench.clients; i++) {
        struct reader *reader = &bench.all[i];

        if (reader->due_us <= now && reader->asked_us == 0)
            ask(reader, now);
        else if (reader->due_us + bench.period_ms * 1000 <= now && reader->asked_us != 0) {
            bench.late++; /* not answered for longer than a period */
            reader->due_us += bench.period_ms * 1000;
        }
    }
}

/* ---- changes ------------------------------------------------------------ */

static int write_change(char *text, size_t room, int64_t n)
{
    int64_t e2 = 101 + n;

    return snprintf(text, room,
                    "<odds_change product=\"1\" event_id=\"%s\" timestamp=\"%" PRId64 "\"><odds>"
                    "<market id=\"1\" status=\"%d\"><outcome id=\"1\" odds=\"%" PRId64 ".%02" PRId64
                    "\" active=\"1\"/><outcome id=\"2\" odds=\"3.40\" active=\"1\"/>"
                    "<outcome id=\"3\" odds=\"4.00\" active=\"1\"/></market></odds></odds_change>",
                    bench.event, clock_wall_ms(), kind_of(n) == SUSPENSION ? -1 : 1, e2 / 100,
                    e2 % 100);
}

/* is_measured: who has seen what of it counts. */
static void publish(bool is_measured)
{
    char body[700], text[1400];
    int64_t n = bench.changes++;
    int body_n = write_change(body, sizeof(body), n), text_n;

    CHECK(n < CHANGES && !bench.publisher_waits);
    text_n = snprintf(text, sizeof(text),
                      "POST /v1/feed HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"
                      "Content-Type: application/xml\r\nContent-Length: %d\r\n\r\n%s",
                      bench.token, body_n, body);
    bench.sent_us[n] = is_measured ? clock_mono_us() : 0;
    if (write(bench.publisher, text, (size_t)text_n) != text_n)
        fail("a change was not taken");
    bench.publisher_waits = true;
}

static void on_publisher(void)
{
    char answer[4096];
    ssize_t n = read(bench.publisher, answer, sizeof(answer) - 1);

    if (n <= 0)
        fail("the publisher was closed");
    answer[n] = '\0';
    if (strncmp(answer, "HTTP/1.1 202", 12) != 0) {
        fprintf(stderr, "pollers: refused: %s\n", answer);
        exit(1);
    }
    bench.publisher_waits = false;
}

/* ---- the run ------------------------------------------------------------ */

static void turn(void)
{
    struct epoll_event events[256];
    int n = epoll_wait(bench.epoll, events, 256, 1);

    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 == PUBLISHER)
            on_publisher();
        else
            on_reader(&bench.all[events[i].data.u64]);
    }
    ask_due();
}

static void run_for(int64_t us)
{
    int64_t end_us = clock_mono_us() + us;

    while (clock_mono_us() < end_us)
        turn();
}

/* A price that all read before anything is measured. */
static void first_change(void)
{
    bench.publisher = connect_to(&bench.publish);
    watch(bench.publisher, PUBLISHER);
    publish(false);
    while (bench.publisher_waits)
        turn();
}

static void connect_readers(void)
{
    bench.all = calloc((size_t)bench.clients, sizeof(*bench.all));
    CHECK(bench.all != NULL);
    for (int64_t i = 0; i < bench.clients; i++) {
        struct reader *reader = &bench.all[i];

        *reader = (struct reader){ .fd = connect_to(&bench.at), .seen = -1,
                                   .due_us = INT64_MAX / 2, .answer = malloc(ANSWER_BYTES) };
        CHECK(reader->answer != NULL);
        watch(reader->fd, (uint64_t)i);
    }
}

static void start_readers(void)
{
    int64_t now = clock_mono_us();

    for (int64_t i = 0; i < bench.clients; i++)
        bench.all[i].due_us = now + i * bench.period_ms * 1000 / bench.clients;
}

static int64_t cpu_ms(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

static void count_unseen(void)
{
    for (int64_t i = 0; i < bench.clients; i++)
        for (int64_t n = bench.all[i].seen + 1; n < bench.changes; n++)
            bench.of[kind_of(n)].unseen++;
}

/* ---- results ------------------------------------------------------------ */

static int by_size(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

/* us must be sorted. */
static double at_ms(const int32_t *us, size_t n, size_t per_mille)
{
    size_t rank = n * per_mille / 1000;

    return n == 0 ? 0 : (double)us[rank < n ? rank : n - 1] / 1000;
}

static void print_times(const char *name, int32_t *us, size_t n)
{
    qsort(us, n, sizeof(*us), by_size);
    printf(",\"%s\":{\"n\":%zu,\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"max_ms\":%.1f", name, n,
           at_ms(us, n, 500), at_ms(us, n, 990), at_ms(us, n, 1000));
}

static void print_kind(const char *name, enum what what)
{
    struct samples *samples = &bench.of[what];
    const char *comma = "";

    print_times(name, samples->us, samples->n);
    printf(",\"unseen\":%" PRId64 ",\"worst_ms\":[", samples->unseen);
    for (int64_t n = 0; n < bench.changes; n++) {
        if (bench.sent_us[n] == 0 || kind_of(n) != what)
            continue;
        printf("%s%.0f", comma, (double)samples->worst_us[n] / 1000);
        comma = ",";
    }
    printf("]}");
}

static void measure(void)
{
    int64_t cpu, n = bench.seconds * 1000 / bench.step_ms;

    run_for(2 * bench.period_ms * 1000);
    bench.answers = bench.bytes = bench.wrong = bench.late = bench.oldest_s = 0;
    bench.is_measuring = true;
    bench.n_trips = 0;
    cpu = cpu_ms();
    tell("measuring");
    for (int64_t i = 0; i < n; i++) {
        publish(true);
        run_for(bench.step_ms * 1000);
    }
    tell("measured");
    cpu = cpu_ms() - cpu;
    run_for(3 * bench.period_ms * 1000); /* the last one, too, is to be seen by all */
    count_unseen();
    printf("{\"clients\":%" PRId64 ",\"seconds\":%.2f,\"changes\":%" PRId64 ",\"answers\":%" PRIu64
           ",\"bytes\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"late\":%" PRIu64
           ",\"age_s_max\":%" PRIu64 ",\"cpu_ms\":%" PRId64,
           bench.clients, (double)(n * bench.step_ms) / 1000, n, bench.answers, bench.bytes,
           bench.wrong, bench.late, bench.oldest_s, cpu);
    print_kind("price", PRICE);
    print_kind("suspension", SUSPENSION);
    print_times("poll", bench.trips_us, bench.n_trips);
    printf("}}\n");
}

/* ---- options ------------------------------------------------------------ */

static bool read_address(const char *text, struct sockaddr_in *into)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    long port = colon == NULL ? 0 : strtol(colon + 1, NULL, 10);

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host) || port <= 0 || port > 65535)
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';
    *into = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    return inet_pton(AF_INET, host, &into->sin_addr) == 1;
}

static bool read_option(const char *text)
{
    const struct { const char *name; const char **into; } texts[] = {
        { "name=", &bench.name }, { "event=", &bench.event }, { "token=", &bench.token },
    };
    const struct { const char *name; int64_t *into; } numbers[] = {
        { "clients=", &bench.clients }, { "period=", &bench.period_ms },
        { "step=", &bench.step_ms }, { "seconds=", &bench.seconds },
    };

    if (strncmp(text, "at=", 3) == 0)
        return read_address(text + 3, &bench.at);
    if (strncmp(text, "publish=", 8) == 0)
        return read_address(text + 8, &bench.publish);
    for (size_t i = 0; i < LENGTH(texts); i++) {
        if (strncmp(text, texts[i].name, strlen(texts[i].name)) == 0) {
            *texts[i].into = text + strlen(texts[i].name);
            return true;
        }
    }
    for (size_t i = 0; i < LENGTH(numbers); i++) {
        if (strncmp(text, numbers[i].name, strlen(numbers[i].name)) == 0) {
            *numbers[i].into = strtoll(text + strlen(numbers[i].name), NULL, 10);
            return *numbers[i].into > 0;
        }
    }
    return false;
}

static void write_request(void)
{
    int n = snprintf(bench.request, sizeof(bench.request),
                     "GET /v1/events/%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: Mozilla/5.0 (bench)"
                     "\r\nAccept: application/json\r\n\r\n", bench.event, bench.name);

    CHECK(n > 0 && (size_t)n < sizeof(bench.request));
    bench.request_n = (size_t)n;
}

static int32_t *room(void)
{
    int32_t *us = calloc(SAMPLES, sizeof(*us));

    CHECK(us != NULL);
    return us;
}

int main(int argc, char **argv)
{
    bool known = true;

    for (int i = 1; i < argc; i++)
        known = known && read_option(argv[i]);
    if (!known || bench.at.sin_port == 0 || bench.publish.sin_port == 0 || bench.event == NULL ||
        bench.token == NULL) {
        fprintf(stderr, "usage: pollers at=ADDRESS:PORT publish=ADDRESS:PORT event= token="
                        " [name= clients= period= step= seconds=]\n");
        return 2;
    }
    process_raise_file_limit();
    write_request();
    bench.of[PRICE].us = room();
    bench.of[SUSPENSION].us = room();
    bench.trips_us = room();
    bench.epoll = epoll_create1(0);
    CHECK(bench.epoll >= 0);
    connect_readers();
    first_change();
    start_readers();
    measure();
    return 0;
}
