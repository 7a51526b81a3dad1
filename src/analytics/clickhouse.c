/* Queries on the thread pool, through net/client (see clickhouse.h). */
#include "analytics/clickhouse.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "analytics/tsv.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/http_client.h"

#define ANSWER_BYTES (64 * 1024 * 1024)
#define QUERY_MS 10000
#define PART_BYTES 256
#define PATH_BYTES 512

/* What a url is made of. */
struct address {
    struct str base_scheme, user, host, database;
};

struct clickhouse {
    uv_loop_t *loop;
    char base[PART_BYTES + 16];           /* "http://host:port" */
    char path[PATH_BYTES];                /* "/?database=…" */
    char authorization[4 * PART_BYTES];   /* a header, or "" */
    unsigned working;
};

/* One query, from asking to answer. */
struct insert_job {
    uv_work_t work;
    struct clickhouse *clickhouse;
    struct clickhouse_query *query;
    struct buf sql, answer;
    bool refused; /* too many at a time: nothing was asked */
    /* written by the thread */
    bool well;
    char why[512];
};

/* ---- the address --------------------------------------------------------- */

static bool is_plain(struct str text, const char *also)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              strchr(also, c) != NULL) || c == '\0')
            return false;
    }
    return text.n > 0 && text.n < PART_BYTES;
}

static bool read_scheme(struct str *rest, struct str *scheme)
{
    static const char *const schemes[] = { "http://", "https://" };

    for (size_t i = 0; i < LENGTH(schemes); i++) {
        struct str one = str_of(schemes[i]);

        if (rest->n > one.n && memcmp(rest->p, one.p, one.n) == 0) {
            *scheme = one;
            rest->p += one.n;
            rest->n -= one.n;
            return true;
        }
    }
    return false;
}

static bool read_address(const char *url, struct address *address)
{
    struct str rest = str_of(url);
    const char *slash, *at;

    *address = (struct address){ .user = STR_NONE };
    if (!read_scheme(&rest, &address->base_scheme))
        return false;
    slash = memchr(rest.p, '/', rest.n);
    if (slash == NULL)
        return false;
    address->database = (struct str){ slash + 1, (size_t)(rest.p + rest.n - slash - 1) };
    rest.n = (size_t)(slash - rest.p);
    at = memrchr(rest.p, '@', rest.n);
    if (at != NULL) {
        address->user = (struct str){ rest.p, (size_t)(at - rest.p) };
        rest = (struct str){ at + 1, rest.n - address->user.n - 1 };
    }
    address->host = rest;
    return is_plain(address->host, ".-:[]") && is_plain(address->database, "_") &&
           address->user.n < PART_BYTES;
}

bool clickhouse_check(const char *url, struct arena *arena, struct str *error)
{
    struct address address;

    if (read_address(url, &address))
        return true;
    *error = arena_printf(arena, "analytics: write http://[USER:PASSWORD@]HOST:PORT/DATABASE");
    return false;
}

struct clickhouse *clickhouse_new(uv_loop_t *loop, const char *url)
{
    struct clickhouse *self = calloc(1, sizeof(*self));
    char coded[sodium_base64_ENCODED_LEN(PART_BYTES, sodium_base64_VARIANT_ORIGINAL)];
    struct address address;

    CHECK(self != NULL && read_address(url, &address));
    self->loop = loop;
    (void)snprintf(self->base, sizeof(self->base), STR_FMT STR_FMT, STR_ARG(address.base_scheme),
                   STR_ARG(address.host));
    (void)snprintf(self->path, sizeof(self->path),
                   "/?wait_end_of_query=1&max_execution_time=%d&database=" STR_FMT,
                   QUERY_MS / 1000, STR_ARG(address.database));
    if (address.user.n > 0) {
        sodium_bin2base64(coded, sizeof(coded), (const uint8_t *)address.user.p, address.user.n,
                          sodium_base64_VARIANT_ORIGINAL);
        (void)snprintf(self->authorization, sizeof(self->authorization),
                       "Authorization: Basic %s", coded);
    }
    return self;
}

void clickhouse_free(struct clickhouse *self)
{
    if (self == NULL)
        return;
    CHECK(self->working == 0);
    free(self);
}

/* ---- a query --------------------------------------------------------------- */

/* On a thread of the pool; touches the job and what does not change. */
static void on_work(uv_work_t *work)
{
    struct insert_job *job = work->data;
    const struct clickhouse *self = job->clickhouse;
    const char *header = self->authorization;
    struct http_client *client;
    int status;

    if (job->refused)
        return;
    client = http_client_new(self->base);
    if (client == NULL)
        return;
    http_client_limit(client, QUERY_MS + 1000, NULL);
    if (!http_client_request(client, "POST", self->path, "text/plain", buf_view(&job->sql), &header,
                             header[0] != '\0', &status, &job->answer))
        (void)snprintf(job->why, sizeof(job->why), "%s", http_client_error(client));
    else if (status != 200)
        (void)snprintf(job->why, sizeof(job->why), "status %d: %.400s", status,
                       job->answer.n > 0 ? job->answer.p : "");
    else
        job->well = true;
    http_client_free(client);
}

static void on_worked(uv_work_t *work, int status)
{
    struct insert_job *job = work->data;
    struct clickhouse_query *query = job->query;
    bool well = job->well;

    CHECK(status == 0 && job->clickhouse->working > 0);
    job->clickhouse->working--;
    if (well && !tsv_read(buf_view(&job->answer), query->types, query->arena, &query->cells,
                          &query->rows)) {
        (void)snprintf(job->why, sizeof(job->why), "the answer cannot be read");
        well = false;
    }
    metric_add(METRIC_ANALYTICS_QUERIES, well ? STR("well") : STR("failed"), 1);
    if (!well)
        log_warn("analytics", "a query failed", "error='%s'",
                 job->refused ? "too many at a time" : job->why);
    buf_fini(&job->sql);
    buf_fini(&job->answer);
    free(job);
    query->on_done(query, well);
}

void clickhouse_ask(struct clickhouse *self, struct clickhouse_query *query)
{
    struct insert_job *job = calloc(1, sizeof(*job));

    CHECK(job != NULL);
    job->work.data = job;
    job->clickhouse = self;
    job->query = query;
    job->refused = self->working >= LIMIT_ANALYTICS;
    buf_init(&job->sql, LIMIT_BODY_BYTES);
    buf_init(&job->answer, ANSWER_BYTES);
    buf_str(&job->sql, query->sql);
    buf_str(&job->sql, STR(" FORMAT TabSeparated"));
    query->cells = NULL;
    query->rows = 0;
    CHECK(uv_queue_work(self->loop, &job->work, on_work, on_worked) == 0);
    self->working++;
}
