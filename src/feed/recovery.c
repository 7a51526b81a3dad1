/* Requests for recovery on the thread pool (see recovery.h). */
#include "feed/recovery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "net/http_client.h"

#define AT_A_TIME 2            /* of the pool's threads */
#define ANSWER_BYTES (64 * 1024)
#define WINDOW_MINUTES_MAX 43200 /* 30 days */
#define TARGET_BYTES 256
#define TOKEN_BYTES 1024

/* One request, from asking to answer. */
struct recovery_call {
    struct recovery_call *next;
    struct recovery *recovery;
    uv_work_t work;
    struct http_client *client;
    struct buf answer;
    int32_t producer;
    int64_t request_id;
    char target[TARGET_BYTES];
    /* written by the thread */
    bool came;
    int status;
};

struct recovery {
    struct recovery_options options;
    char token_header[TOKEN_BYTES];
    struct recovery_call *waiting, **waiting_end;
    unsigned working;
    bool stopped;
    atomic_bool cancelled;
};

/* ---- the setting ----------------------------------------------------------- */

static bool is_path(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-'))
            return false;
    }
    return text.n > 0 && text.n < RECOVERY_PATH_BYTES;
}

static const char *read_address(struct str text, struct recovery_addresses *addresses)
{
    struct recovery_address *address;
    struct str id = text_until(&text, '='), path = text_until(&text, ':');
    int64_t number, minutes;

    if (!text_positive(id, INT32_MAX, &number))
        return "the id before = must be a positive number";
    if (!is_path(path))
        return "the path between = and : must be 1 to 63 letters, digits, _ or -";
    if (!text_positive(text, WINDOW_MINUTES_MAX, &minutes))
        return "the window behind : must be 1 to 43200 minutes";
    for (unsigned i = 0; i < addresses->n; i++)
        if (addresses->list[i].producer == (int32_t)number)
            return "the id stands there twice";
    if (addresses->n == LIMIT_PRODUCERS)
        return "too many producers";
    address = &addresses->list[addresses->n++];
    address->producer = (int32_t)number;
    memcpy(address->path, path.p, path.n);
    address->path[path.n] = '\0';
    address->window_ms = minutes * 60000;
    return NULL;
}

bool recovery_read_addresses(struct str text, struct recovery_addresses *addresses,
                             struct arena *arena, struct str *error)
{
    bool ends_with_comma = text.n > 0 && text.p[text.n - 1] == ',';

    memset(addresses, 0, sizeof(*addresses));
    while (text.n > 0) {
        struct str one = text_until(&text, ',');
        const char *wrong = read_address(one, addresses);

        if (wrong != NULL) {
            *error = arena_printf(arena, "producers: \"%.*s\": %s; write 1=liveodds:600,…",
                                  one.n > 100 ? 100 : (int)one.n, one.n == 0 ? "" : one.p, wrong);
            return false;
        }
    }
    if (ends_with_comma)
        *error = STR("producers: nothing stands behind the last comma");
    return !ends_with_comma;
}

/* ---- requests --------------------------------------------------------------- */

struct recovery *recovery_new(const struct recovery_options *options)
{
    struct recovery *recovery = calloc(1, sizeof(*recovery));
    int n;

    CHECK(recovery != NULL && options->url[0] != '\0' && options->request_ms > 0);
    recovery->options = *options;
    recovery->waiting_end = &recovery->waiting;
    atomic_init(&recovery->cancelled, false);
    n = snprintf(recovery->token_header, sizeof(recovery->token_header), "x-access-token: %s",
                 options->token);
    CHECK(n > 0 && (size_t)n < sizeof(recovery->token_header));
    return recovery;
}

static void call_free(struct recovery_call *call)
{
    http_client_free(call->client);
    buf_fini(&call->answer);
    free(call);
}

/* On a thread of the pool; touches the call alone. */
static void on_work(uv_work_t *work)
{
    struct recovery_call *call = work->data;
    const struct recovery *recovery = call->recovery;
    const char *header = recovery->token_header;

    call->came = call->client != NULL &&
                 http_client_request(call->client, "POST", call->target, NULL, STR_NONE, &header,
                                     recovery->options.token[0] != '\0', &call->status,
                                     &call->answer);
}

/* What a status means, and the metric's name for it. */
static enum producer_answer answer_of(const struct recovery_call *call, const char **name)
{
    static const struct {
        int first, last;
        enum producer_answer answer;
        const char *name;
    } rows[] = {
        { 200, 299, PRODUCER_ACCEPTED, "accepted" },
        { 429, 429, PRODUCER_LIMITED, "limited" },
        { 503, 503, PRODUCER_LIMITED, "limited" },
        { 300, 499, PRODUCER_REFUSED, "refused" },
    };

    for (size_t i = 0; call->came && i < LENGTH(rows); i++)
        if (call->status >= rows[i].first && call->status <= rows[i].last) {
            *name = rows[i].name;
            return rows[i].answer;
        }
    *name = "lost";
    return PRODUCER_LOST;
}

static void report_answer(const struct recovery_call *call)
{
    const struct recovery *recovery = call->recovery;
    const char *name;
    enum producer_answer answer = answer_of(call, &name);

    metric_add(METRIC_RECOVERY_REQUESTS, str_of(name), 1);
    if (answer == PRODUCER_ACCEPTED)
        log_info("feed", "recovery was accepted", "producer=%d request=%" PRId64,
                 (int)call->producer, call->request_id);
    else
        log_warn("feed", "recovery was not accepted",
                 "producer=%d request=%" PRId64 " status=%d error='%s'", (int)call->producer,
                 call->request_id, call->status,
                 call->came || call->client == NULL ? "" : http_client_error(call->client));
    recovery->options.on_answer(recovery->options.ctx, call->request_id, answer,
                                call->came ? http_client_retry_after_s(call->client) * 1000 : 0);
}

static void start_waiting(struct recovery *recovery);

static void on_worked(uv_work_t *work, int status)
{
    struct recovery_call *call = work->data;
    struct recovery *recovery = call->recovery;

    CHECK(status == 0 && recovery->working > 0);
    recovery->working--;
    if (!recovery->stopped) {
        report_answer(call);
        start_waiting(recovery);
    }
    call_free(call);
}

static void start_waiting(struct recovery *recovery)
{
    while (recovery->waiting != NULL && recovery->working < AT_A_TIME) {
        struct recovery_call *call = recovery->waiting;

        recovery->waiting = call->next;
        if (recovery->waiting == NULL)
            recovery->waiting_end = &recovery->waiting;
        recovery->working++;
        CHECK(uv_queue_work(recovery->options.loop, &call->work, on_work, on_worked) == 0);
    }
}

void recovery_ask(struct recovery *recovery, const struct recovery_address *address,
                  int64_t request_id, int64_t after_ts)
{
    struct recovery_call *call = calloc(1, sizeof(*call));
    char after[48] = "";
    int n;

    CHECK(call != NULL && !recovery->stopped);
    if (after_ts != 0)
        snprintf(after, sizeof(after), "after=%" PRId64 "&", after_ts);
    n = snprintf(call->target, sizeof(call->target),
                 "/%s/recovery/initiate_request?%srequest_id=%" PRId64 "&node_id=%" PRId64,
                 address->path, after, request_id, recovery->options.node);
    CHECK(n > 0 && (size_t)n < sizeof(call->target));
    call->recovery = recovery;
    call->work.data = call;
    call->producer = address->producer;
    call->request_id = request_id;
    buf_init(&call->answer, ANSWER_BYTES);
    call->client = http_client_new(recovery->options.url);
    if (call->client != NULL)
        http_client_limit(call->client, (long)recovery->options.request_ms, &recovery->cancelled);
    log_info("feed", "recovery is asked for", "producer=%d request=%" PRId64 " after=%" PRId64,
             (int)call->producer, request_id, after_ts);
    *recovery->waiting_end = call;
    recovery->waiting_end = &call->next;
    start_waiting(recovery);
}

void recovery_stop(struct recovery *recovery)
{
    recovery->stopped = true;
    atomic_store(&recovery->cancelled, true);
}

void recovery_free(struct recovery *recovery)
{
    CHECK(recovery->working == 0);
    while (recovery->waiting != NULL) {
        struct recovery_call *call = recovery->waiting;

        recovery->waiting = call->next;
        call_free(call);
    }
    free(recovery);
}
