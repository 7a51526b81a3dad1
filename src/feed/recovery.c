/* Requests for recovery on the thread pool (see recovery.h). */
#include "feed/recovery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "net/client.h"

#define AT_A_TIME 2            /* of the pool's threads */
#define ANSWER_BYTES (64 * 1024)
#define WINDOW_MINUTES_MAX 43200 /* 30 days */
#define TARGET_BYTES 256
#define TOKEN_BYTES 1024

/* One request, from asking to answer. */
struct recovery_request {
    struct recovery_request *next;
    struct recovery *recovery;
    uv_work_t work;
    struct client *client;
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
    struct recovery_request *waiting, **waiting_end;
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

static void job_free(struct recovery_request *job)
{
    client_free(job->client);
    buf_fini(&job->answer);
    free(job);
}

/* On a thread of the pool; touches the job alone. */
static void on_work(uv_work_t *work)
{
    struct recovery_request *job = work->data;
    const struct recovery *recovery = job->recovery;
    const char *header = recovery->token_header;

    job->came = job->client != NULL &&
                client_request(job->client, "POST", job->target, NULL, STR_NONE, &header,
                               recovery->options.token[0] != '\0', &job->status, &job->answer);
}

/* What a status means, and the metric's name for it. */
static enum producer_answer answer_of(const struct recovery_request *job, const char **name)
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

    for (size_t i = 0; job->came && i < LENGTH(rows); i++)
        if (job->status >= rows[i].first && job->status <= rows[i].last) {
            *name = rows[i].name;
            return rows[i].answer;
        }
    *name = "lost";
    return PRODUCER_LOST;
}

static void tell(const struct recovery_request *job)
{
    const struct recovery *recovery = job->recovery;
    const char *name;
    enum producer_answer answer = answer_of(job, &name);

    metric_add(METRIC_RECOVERY_REQUESTS, str_of(name), 1);
    if (answer == PRODUCER_ACCEPTED)
        log_info("feed", "recovery was accepted", "producer=%d request=%" PRId64,
                 (int)job->producer, job->request_id);
    else
        log_warn("feed", "recovery was not accepted",
                 "producer=%d request=%" PRId64 " status=%d error='%s'", (int)job->producer,
                 job->request_id, job->status,
                 job->came || job->client == NULL ? "" : client_error(job->client));
    recovery->options.on_answer(recovery->options.ctx, job->request_id, answer,
                                job->came ? client_retry_after_s(job->client) * 1000 : 0);
}

static void start_waiting(struct recovery *recovery);

static void on_worked(uv_work_t *work, int status)
{
    struct recovery_request *job = work->data;
    struct recovery *recovery = job->recovery;

    CHECK(status == 0 && recovery->working > 0);
    recovery->working--;
    if (!recovery->stopped) {
        tell(job);
        start_waiting(recovery);
    }
    job_free(job);
}

static void start_waiting(struct recovery *recovery)
{
    while (recovery->waiting != NULL && recovery->working < AT_A_TIME) {
        struct recovery_request *job = recovery->waiting;

        recovery->waiting = job->next;
        if (recovery->waiting == NULL)
            recovery->waiting_end = &recovery->waiting;
        recovery->working++;
        CHECK(uv_queue_work(recovery->options.loop, &job->work, on_work, on_worked) == 0);
    }
}

void recovery_ask(struct recovery *recovery, const struct recovery_address *address,
                  int64_t request_id, int64_t after_ts)
{
    struct recovery_request *job = calloc(1, sizeof(*job));
    char after[48] = "";
    int n;

    CHECK(job != NULL && !recovery->stopped);
    if (after_ts != 0)
        snprintf(after, sizeof(after), "after=%" PRId64 "&", after_ts);
    n = snprintf(job->target, sizeof(job->target),
                 "/%s/recovery/initiate_request?%srequest_id=%" PRId64 "&node_id=%" PRId64,
                 address->path, after, request_id, recovery->options.node);
    CHECK(n > 0 && (size_t)n < sizeof(job->target));
    job->recovery = recovery;
    job->work.data = job;
    job->producer = address->producer;
    job->request_id = request_id;
    buf_init(&job->answer, ANSWER_BYTES);
    job->client = client_new(recovery->options.url);
    if (job->client != NULL)
        client_limit(job->client, (long)recovery->options.request_ms, &recovery->cancelled);
    log_info("feed", "recovery is asked for", "producer=%d request=%" PRId64 " after=%" PRId64,
             (int)job->producer, request_id, after_ts);
    *recovery->waiting_end = job;
    recovery->waiting_end = &job->next;
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
        struct recovery_request *job = recovery->waiting;

        recovery->waiting = job->next;
        job_free(job);
    }
    free(recovery);
}
