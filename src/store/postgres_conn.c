/*
 * One connection to PostgreSQL: connecting, setting up, one job at a time,
 * and losing it.  Nonblocking libpq in pipeline mode on the loop.
 *
 *            timer             socket             last sync
 *   DOWN ----------> CONNECTING -----> SETTING_UP ---------> IDLE <--> BUSY
 *    ^                   |                  |                 |          |
 *    +-------------------+------------------+-----------------+----------+
 *                                 lost()
 *
 * A job's statements and one Sync leave together: they are one transaction,
 * which commits when the server reads the Sync.  Therefore:
 *
 *   an error before the last statement finished   rolled back
 *   lost before everything was flushed            never sent
 *   lost afterwards                               unknown
 *   a WARNING while the job ran                   unknown: it is on this
 *                                                 server and maybe only here
 */
#include "store/postgres_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

#define CONN_MAGIC 0x70676363u
#define CONNECT_TIMEOUT_MS 10000
#define HOST_TIMEOUT_MS 4000 /* where there are others to try */
#define RETRY_FIRST_MS 50
#define RETRY_MAX_MS 5000

static void lost(struct pg_conn *conn, const char *reason);
static void on_ready(struct pg_conn *conn);

/* Between two turns of its life; the state says what it has. */
static void conn_check(const struct pg_conn *conn)
{
    CHECK(conn->magic == CONN_MAGIC && conn->pool != NULL);
    CHECK(conn->state >= PG_DOWN && conn->state <= PG_BUSY);
    CHECK((conn->state == PG_DOWN) == (conn->link == NULL));
    CHECK((conn->state == PG_BUSY) == (conn->job != NULL));
    CHECK(conn->poll == NULL || (conn->link != NULL && conn->poll->data == conn));
    CHECK(conn->job == NULL || (conn->job->magic == PG_JOB_MAGIC && !conn->job->queued));
    CHECK(conn->state != PG_BUSY || conn->finished <= conn->sent);
    CHECK(conn->state != PG_BUSY || conn->session > 0);
}

/* ---- the socket and the loop ---------------------------------------- */

static void on_poll_closed(uv_handle_t *handle)
{
    struct postgres *pg = handle->data;

    free(handle);
    pg_handle_closed(pg);
}

static void unwatch(struct pg_conn *conn)
{
    conn->events = 0;
    if (conn->poll == NULL)
        return;
    CHECK(conn->poll->data == conn);
    conn->poll->data = conn->pg;
    uv_close((uv_handle_t *)conn->poll, on_poll_closed);
    conn->poll = NULL;
}

static void watch(struct pg_conn *conn, int events);

/* An error has ended the watch.  libpq meets it too, and words it better, but
 * perhaps not yet: what the server said before comes first, and may be all that
 * is read now. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct pg_conn *conn = poll->data;

    CHECK(conn->poll == poll && conn->state != PG_DOWN);
    (void)events;
    if (status < 0)
        conn->events = 0;
    on_ready(conn);
    if (conn->poll == poll && conn->events == 0)
        watch(conn, UV_READABLE);
}

static void watch(struct pg_conn *conn, int events)
{
    struct postgres *pg = conn->pg;

    CHECK(conn->link != NULL && (events & (UV_READABLE | UV_WRITABLE)) != 0);
    if (pg->loop == NULL || (conn->poll != NULL && conn->events == events)) {
        conn->events = events;
        return;
    }
    if (conn->poll == NULL) {
        conn->poll = calloc(1, sizeof(*conn->poll));
        CHECK(conn->poll != NULL);
        CHECK(uv_poll_init(pg->loop, conn->poll, PQsocket(conn->link)) == 0);
        conn->poll->data = conn;
        pg_handle_opened(pg);
    }
    conn->events = events;
    CHECK(uv_poll_start(conn->poll, events, on_poll) == 0);
}

/* Sends what is buffered; waits for room when there is none. */
static bool flush(struct pg_conn *conn)
{
    int rest = PQflush(conn->link);

    if (rest < 0)
        return false;
    conn->flushed = rest == 0;
    watch(conn, UV_READABLE | (rest > 0 ? UV_WRITABLE : 0));
    return true;
}

/* ---- connecting ----------------------------------------------------- */

static void on_notice(void *arg, const PGresult *result)
{
    struct pg_conn *conn = arg;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (severity == NULL || strcmp(severity, "WARNING") != 0)
        return;
    log_warn("store", "PostgreSQL warns", "connection=%s lane=%u text='%s'",
             pg_role_name(conn->pool->role), conn->pool->number,
             text == NULL ? "" : text);
    if (conn->job != NULL)
        conn->warned = true;
}

/* Defaults stand before the URL, which may overrule them; what stands behind
 * it overrules the URL. */
static PGconn *connect_start(const struct pg_conn *conn)
{
    struct pg_hosts hosts;
    bool several = conn->pg->hosts.n > 1;
    char name[64];
    const char *keys[] = {
        "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout", "fallback_application_name", "dbname",
        "client_encoding", several ? "host" : NULL, "port", NULL,
    };
    const char *values[] = {
        "1", "5", "2", "3", "10000", name, conn->pg->url, "UTF8", hosts.names, hosts.ports, NULL,
    };

    if (several)
        pg_hosts_rotate(&conn->pg->hosts, conn->first_host, &hosts);
    snprintf(name, sizeof(name), "overround %s %u", pg_role_name(conn->pool->role),
             conn->pool->number);
    return PQconnectStartParams(keys, values, 1);
}

static int connect_timeout_ms(const struct pg_conn *conn)
{
    return conn->pg->hosts.n > 1 ? HOST_TIMEOUT_MS : CONNECT_TIMEOUT_MS;
}

/* The host that is silent is not the one to begin with next time. */
static void no_answer(struct pg_conn *conn)
{
    conn->first_host++;
    lost(conn, "no answer while connecting");
}

static void on_deadline(uv_timer_t *timer)
{
    const struct pg_conn *conn = timer->data;

    conn_check(conn);
    CHECK(conn->state == PG_CONNECTING || conn->state == PG_SETTING_UP);
    no_answer(timer->data);
}

static void connect_begin(struct pg_conn *conn)
{
    conn_check(conn);
    CHECK(conn->state == PG_DOWN && !conn->pg->torn_down);
    conn->state = PG_CONNECTING;
    conn->attempts++;
    conn->stale = false;
    if (conn->pg->loop != NULL)
        uv_timer_start(&conn->timer, on_deadline, (uint64_t)connect_timeout_ms(conn), 0);
    conn->link = connect_start(conn);
    if (conn->link == NULL || PQstatus(conn->link) == CONNECTION_BAD) {
        lost(conn, conn->link == NULL ? "out of memory" : PQerrorMessage(conn->link));
        return;
    }
    PQsetNoticeReceiver(conn->link, on_notice, conn);
    watch(conn, UV_WRITABLE);
}

static void on_retry(uv_timer_t *timer)
{
    connect_begin(timer->data);
}

/* ---- setting up ------------------------------------------------------ */

/* The joins of placement's and settlement's statements are written for one
 * plan; see postgres_money.c. */
/* The server finds out soon when the client's machine is gone: a transaction in
 * the middle holds locks as long as its session lives.  Probes are not sent
 * while an answer waits to be taken: that has a time of its own. */
#define SETTINGS_GONE \
    " set_config('tcp_keepalives_idle', '5', false)," \
    " set_config('tcp_keepalives_interval', '2', false)," \
    " set_config('tcp_keepalives_count', '3', false)," \
    " set_config('tcp_user_timeout', '30000', false),"
#define SETTINGS_ALL \
    "SELECT current_setting('fsync'), current_setting('synchronous_commit')," \
    " pg_is_in_recovery()::text, pg_backend_pid()::text," \
    " current_setting('synchronous_standby_names')," \
    " CASE WHEN pg_is_in_recovery() THEN ''" \
    "  ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END," \
    SETTINGS_GONE \
    " set_config('jit', 'off', false)," \
    " set_config('plan_cache_mode', 'force_generic_plan', false)," \
    " set_config('idle_in_transaction_session_timeout', '30s', false)"
#define SETTINGS_HOT \
    ", set_config('lock_timeout', '2s', false)," \
    " set_config('statement_timeout', '15s', false)," \
    " set_config('enable_hashjoin', 'off', false)," \
    " set_config('enable_mergejoin', 'off', false)," \
    " set_config('enable_seqscan', 'off', false)," \
    " set_config('enable_bitmapscan', 'off', false)"
#define SETTINGS_OTHER \
    ", set_config('lock_timeout', '5s', false)," \
    " set_config('statement_timeout', '60s', false)"
/* One server a database takes bets, for each decides by its own book of
 * prices; or any number that share the bus's: this connection holds the lock,
 * and without it the store is not up.  Processes of the feed alone stand beside
 * it; their lease is a row. */
#define SETTINGS_ALONE \
    SETTINGS_OTHER \
    ", set_config('lock_timeout', '3s', false), pg_advisory_lock(7311012)::text"
#define SETTINGS_TOGETHER \
    SETTINGS_OTHER \
    ", set_config('lock_timeout', '3s', false), pg_advisory_lock_shared(7311012)::text"
#define LOCK_TAKEN "55P03"

static Oid type_oid(char type)
{
    switch (type) {
    case 'i': return PG_INT8;
    case 's': return PG_TEXT;
    case 'b': return PG_BYTEA;
    case 'I': return PG_INT8_ARRAY;
    case 'H': return PG_INT2_ARRAY;
    case 'S': return PG_TEXT_ARRAY;
    case 'B': return PG_BYTEA_ARRAY;
    default:
        CHECK(false && "a type of parameter");
        return 0;
    }
}

static bool prepare(PGconn *link, const struct pg_statement *statement)
{
    Oid types[PG_PARAMS_MAX];
    int n = (int)strlen(statement->types);
    struct buf text;
    bool sent;

    CHECK(n <= PG_PARAMS_MAX);
    for (int i = 0; i < n; i++)
        types[i] = type_oid(statement->types[i]);
    buf_init(&text, SQL_TEXT_BYTES);
    sql_put_text(&text, statement->sql);
    sent = PQsendPrepare(link, statement->name, buf_view(&text).p, n, types) == 1;
    buf_fini(&text);
    return sent;
}

static void set_up(struct pg_conn *conn)
{
    static const char *const feed_settings[] = {
        [STORE_ALONE] = SETTINGS_ALL SETTINGS_ALONE,
        [STORE_TOGETHER] = SETTINGS_ALL SETTINGS_TOGETHER,
        [STORE_BESIDE] = SETTINGS_ALL SETTINGS_OTHER,
    };
    enum pg_role role = conn->pool->role;
    PGconn *link = conn->link;
    const char *settings = role == PG_MONEY || role == PG_SETTLE || role == PG_RELAY
        ? SETTINGS_ALL SETTINGS_HOT
        : role != PG_FEED ? SETTINGS_ALL SETTINGS_OTHER
        : feed_settings[conn->pg->company];
    bool sent;

    CHECK(conn->state == PG_CONNECTING);
    CHECK((unsigned)conn->pg->company < LENGTH(feed_settings));
    conn->state = PG_SETTING_UP;
    conn->finished = 0;
    sent = PQsetnonblocking(link, 1) == 0 && PQenterPipelineMode(link) == 1
        && PQsendQueryParams(link, settings, 0, NULL, NULL, NULL, NULL, 0) == 1;
    for (const struct pg_statement *s = conn->pool->statements; sent && s->name != NULL; s++)
        sent = prepare(link, s);
    if (!sent || PQpipelineSync(link) != 1 || !flush(conn))
        lost(conn, PQerrorMessage(link));
}

/* Another connection of this process that has the same session on the server. */
static bool shares_session(const struct pg_conn *conn)
{
    const struct postgres *pg = conn->pg;

    for (unsigned p = 0; p < pg->n_pools; p++)
        for (unsigned i = 0; i < pg->pools[p].n; i++) {
            const struct pg_conn *other = &pg->pools[p].conns[i];

            if (other != conn && other->state >= PG_IDLE && other->backend == conn->backend)
                return true;
        }
    return false;
}

/* A pooler tells a process number of its own.  One that hands out the server's
 * sessions by the transaction takes prepared statements, settings and the
 * advisory lock from under us. */
static const char *session_fault(struct pg_conn *conn, const char *backend)
{
    conn->backend = (int)strtol(backend, NULL, 10);
    conn->pooled = conn->backend != PQbackendPID(conn->link);
    if (conn->pooled && shares_session(conn))
        return "a pooler gives one session of the server to several connections: set "
               "PgBouncer's pool_mode=session for this database, or connect directly";
    return NULL;
}

static const char old_primary[] =
    "this PostgreSQL is a primary from before a failover: another one has taken over, and what "
    "this one confirms is lost; stop it, and make it a standby";

/* Each failover begins a timeline, so that one below the highest was left. */
static const char *timeline_fault(struct pg_conn *conn, const char *timeline)
{
    conn->timeline = strtol(timeline, NULL, 16);
    if (conn->timeline < conn->pg->timeline)
        return old_primary;
    conn->pg->timeline = conn->timeline;
    return NULL;
}

static void look_for_a_standby(struct postgres *pg, const char *names)
{
    if (pg->hosts.n == 1 || names[0] != '\0' || pg->warned)
        return;
    pg->warned = true;
    log_warn("store", "several hosts, and synchronous_standby_names is empty: a failover may "
             "lose what was confirmed", "hosts=%u", pg->hosts.n);
}

static const char *settings_fault(struct pg_conn *conn, const PGresult *result)
{
    const char *fault;

    if (PQntuples(result) != 1)
        return "the settings cannot be read";
    if (strcmp(PQgetvalue(result, 0, 0), "off") == 0)
        return "PostgreSQL runs with fsync=off: what it confirms may be lost, so no "
               "bets are taken on it; set fsync=on and restart it";
    if (strcmp(PQgetvalue(result, 0, 1), "off") == 0)
        return "PostgreSQL runs with synchronous_commit=off: what it confirms may be "
               "lost, so no bets are taken on it; set synchronous_commit=on";
    if (strcmp(PQgetvalue(result, 0, 1), "local") == 0 && PQgetvalue(result, 0, 4)[0] != '\0')
        return "PostgreSQL runs with synchronous_commit=local beside a synchronous standby: "
               "what it confirms is lost with the primary; set synchronous_commit=on";
    if (strcmp(PQgetvalue(result, 0, 2), "true") == 0)
        return "this PostgreSQL is a standby: name the primary, or several hosts with "
               "target_session_attrs=read-write";
    fault = timeline_fault(conn, PQgetvalue(result, 0, 5));
    if (fault != NULL)
        return fault;
    look_for_a_standby(conn->pg, PQgetvalue(result, 0, 4));
    return session_fault(conn, PQgetvalue(result, 0, 3));
}

static const char *setup_error(const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (sqlstate != NULL && strcmp(sqlstate, LOCK_TAKEN) == 0)
        return "another overround serves from this database: stop it first, or use "
               "another database";
    return PQresultErrorMessage(result);
}

static void became_idle(struct pg_conn *conn)
{
    CHECK(conn->state == PG_SETTING_UP && conn->finished > 0); /* the settings at least */
    CHECK(!conn->stale && conn->timeline >= 0);
    conn->state = PG_IDLE;
    conn->session = ++conn->pg->sessions;
    if (conn->pg->loop != NULL)
        uv_timer_stop(&conn->timer);
    if (conn->was_up) {
        metric_inc(METRIC_STORE_RECONNECTS);
        log_info("store", "connected again", "connection=%s lane=%u attempts=%u",
                 pg_role_name(conn->pool->role), conn->pool->number, conn->attempts);
    }
    conn->was_up = true;
    conn->attempts = 0;
    conn->reason[0] = 0;
    watch(conn, UV_READABLE);
    conn->pg->on_change(conn->pg, conn->pool);
    if (conn->pg->loop != NULL)
        pg_conn_kick(conn);
}

/* One result while setting up.  False: done or lost. */
static bool on_setup_result(struct pg_conn *conn, const PGresult *result)
{
    const char *fault = NULL;

    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        fault = settings_fault(conn, result);
        break;
    case PGRES_COMMAND_OK:
        break;
    case PGRES_PIPELINE_SYNC:
        became_idle(conn);
        return false;
    default:
        fault = setup_error(result);
    }
    conn->finished++;
    if (fault == NULL)
        return true;
    lost(conn, fault);
    return false;
}

/* ---- losing --------------------------------------------------------- */

/* Exponential, and half of it by chance, so that processes which lost the
 * same server do not come back at the same instant. */
static uint64_t retry_ms(unsigned attempts)
{
    uint64_t ms = RETRY_MAX_MS;
    uint32_t chance = 0;

    if (attempts < 7)
        ms = (uint64_t)RETRY_FIRST_MS << attempts;
    if (uv_random(NULL, NULL, &chance, sizeof(chance), 0, NULL) != 0)
        chance = (uint32_t)clock_mono_us();
    CHECK(ms >= 2 && ms <= RETRY_MAX_MS);
    return ms / 2 + chance % (ms / 2 + 1);
}

static void report_down(struct pg_conn *conn, const char *reason)
{
    size_t n = strcspn(reason, "\n");
    bool news;

    if (n >= sizeof(conn->reason))
        n = sizeof(conn->reason) - 1;
    news = strncmp(conn->reason, reason, n) != 0 || conn->reason[n] != 0;
    if (news) {
        memcpy(conn->reason, reason, n);
        conn->reason[n] = 0;
    }
    CHECK(memchr(conn->reason, 0, sizeof(conn->reason)) != NULL);
    if (news && conn->pg->loop != NULL)
        log_warn("store", "no connection", "connection=%s lane=%u reason='%s'",
                 pg_role_name(conn->pool->role), conn->pool->number, conn->reason);
}

static enum store_result lost_verdict(const struct pg_conn *conn)
{
    CHECK(!conn->failed || conn->verdict != STORE_OK);
    if (conn->failed)
        return conn->verdict;
    return conn->flushed && conn->job->kind->writes ? STORE_UNKNOWN : STORE_UNAVAILABLE;
}

/* `reason` may lie in conn->link. */
static void lost(struct pg_conn *conn, const char *reason)
{
    struct pg_job *job = conn->job;

    CHECK(conn->magic == CONN_MAGIC && conn->state != PG_DOWN);
    report_down(conn, reason);
    if (job != NULL)
        pg_job_end_later(conn->pg, job, lost_verdict(conn));
    conn->job = NULL;
    unwatch(conn);
    PQfinish(conn->link);
    conn->link = NULL;
    conn->state = PG_DOWN;
    conn_check(conn);
    if (conn->pg->loop == NULL || conn->pg->torn_down)
        return;
    uv_timer_start(&conn->timer, on_retry, retry_ms(conn->attempts), 0);
    conn->pg->on_change(conn->pg, conn->pool);
}

/* ---- running -------------------------------------------------------- */

/* How many parameters one of its statements has; -1: it has no such statement. */
static int params_of(const struct pg_conn *conn, const char *statement)
{
    for (const struct pg_statement *s = conn->pool->statements; s->name != NULL; s++)
        if (strcmp(s->name, statement) == 0)
            return (int)strlen(s->types);
    return -1;
}

enum pg_sent pg_conn_send(struct pg_conn *conn, const char *statement)
{
    struct pg_params *params = &conn->params;
    int sent;

    CHECK(conn->state == PG_BUSY && conn->job != NULL && conn->finished == 0);
    CHECK_DEAR(params_of(conn, statement) == params->n);
    if (!pg_params_finish(params)) {
        pg_params_reset(params);
        return PG_SENT_TOO_LARGE;
    }
    sent = PQsendQueryPrepared(conn->link, statement, params->n, params->values,
                               params->lengths, params->formats, 1);
    pg_params_reset(params);
    conn->sent += sent == 1;
    return sent == 1 ? PG_SENT : PG_SENT_NOTHING;
}

static void start(struct pg_conn *conn, struct pg_job *job)
{
    enum pg_sent sent;

    CHECK(conn->state == PG_IDLE && conn->job == NULL && !conn->stale);
    CHECK(conn->params.n == 0); /* what the job before has put was sent */
    conn->job = job;
    conn->state = PG_BUSY;
    conn->sent = conn->finished = 0;
    conn->flushed = conn->failed = conn->warned = false;
    sent = job->kind->send(conn, job->request);
    if (sent == PG_SENT_TOO_LARGE && conn->sent == 0) {
        conn->job = NULL;
        conn->state = PG_IDLE;
        log_error("store", "too many bytes for one statement", "kind=%s", job->kind->name);
        pg_job_end_later(conn->pg, job, STORE_REJECTED);
        return;
    }
    CHECK(sent != PG_SENT || (conn->sent > 0 && conn->params.n == 0));
    if (sent != PG_SENT || PQpipelineSync(conn->link) != 1 || !flush(conn))
        lost(conn, PQerrorMessage(conn->link));
}

void pg_conn_kick(struct pg_conn *conn)
{
    conn_check(conn);
    while (conn->state == PG_IDLE) {
        struct pg_job *job;

        if (conn->timeline < conn->pg->timeline) {
            lost(conn, old_primary);
            return;
        }
        job = pg_queue_take(&conn->pool->queue);
        if (job == NULL)
            return;
        start(conn, job);
    }
}

static bool in_class(const char *sqlstate, const char *class)
{
    return strncmp(sqlstate, class, 2) == 0;
}

/* Only what the data itself caused may be blamed on it: a batch is halved
 * for that, and its last command parked. */
static bool blames_data(const char *sqlstate)
{
    static const char *const classes[] = { "21", "22", "23", "54", "P0", "XX" };

    for (size_t i = 0; i < LENGTH(classes); i++)
        if (in_class(sqlstate, classes[i]))
            return true;
    return false;
}

/* Errors after which this session is no use: a server that became read-only,
 * statements that vanished or changed their type under us. */
static bool spoils_session(const char *sqlstate)
{
    return strcmp(sqlstate, "25006") == 0 || strcmp(sqlstate, "26000") == 0
        || strcmp(sqlstate, "0A000") == 0 || in_class(sqlstate, "42");
}

static void on_error(struct pg_conn *conn, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

    if (sqlstate == NULL || severity == NULL || conn->failed)
        return; /* the connection itself; lost() follows */
    CHECK(conn->job != NULL);
    conn->failed = true;
    if (strcmp(severity, "ERROR") != 0 && conn->finished >= conn->sent)
        conn->verdict = STORE_UNKNOWN; /* it died after the work was done */
    else if (strcmp(sqlstate, "40003") == 0)
        conn->verdict = STORE_UNKNOWN;
    else
        conn->verdict = blames_data(sqlstate) ? STORE_REJECTED : STORE_UNAVAILABLE;
    if (conn->verdict == STORE_UNKNOWN && !conn->job->kind->writes)
        conn->verdict = STORE_UNAVAILABLE;
    conn->stale = spoils_session(sqlstate);
    log_warn("store", "a transaction failed", "kind=%s lane=%u sqlstate=%s text='%s'",
             conn->job->kind->name, conn->pool->number, sqlstate, text == NULL ? "" : text);
}

static void on_tuples(struct pg_conn *conn, const PGresult *result)
{
    struct pg_job *job = conn->job;

    CHECK(job != NULL && conn->finished < conn->sent); /* an answer to one that was sent */
    if (!conn->failed && !job->kind->read(conn, job->request, conn->finished, result)) {
        conn->failed = true;
        conn->verdict = job->kind->writes ? STORE_UNKNOWN : STORE_REJECTED;
        log_error("store", "an answer was not understood", "kind=%s", job->kind->name);
    }
    conn->finished++;
}

static void on_sync(struct pg_conn *conn)
{
    struct pg_job *job = conn->job;
    enum store_result result = STORE_OK;

    if (conn->failed)
        result = conn->verdict;
    else if (conn->warned && job->kind->writes)
        result = STORE_UNKNOWN;
    CHECK(conn->failed || conn->finished == conn->sent);
    CHECK(!conn->failed || result != STORE_OK);
    conn->job = NULL;
    conn->state = PG_IDLE;
    conn_check(conn);
    if (conn->stale)
        lost(conn, "the session had to be given up");
    else
        pg_conn_kick(conn); /* the server works while we answer */
    pg_job_end(conn->pg, job, result);
}

/* False: the job is over, or the connection. */
static bool on_job_result(struct pg_conn *conn, const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK:
        on_tuples(conn, result);
        return true;
    case PGRES_PIPELINE_SYNC:
        on_sync(conn);
        return false;
    case PGRES_PIPELINE_ABORTED:
        return true;
    default:
        on_error(conn, result);
        return true;
    }
}

/*
 * Takes what has arrived.  libpq answers NULL between two statements, and
 * for ever once nothing is left: two in a row end the loop.  False: the
 * connection moved to another state and may be gone.
 */
static bool take_results(struct pg_conn *conn)
{
    int nulls = 0;

    while (nulls < 2 && !PQisBusy(conn->link)) {
        PGresult *result = PQgetResult(conn->link);
        bool more;

        if (result == NULL) {
            nulls++;
            continue;
        }
        nulls = 0;
        more = conn->state == PG_SETTING_UP ? on_setup_result(conn, result)
            : conn->state == PG_BUSY ? on_job_result(conn, result) : true;
        PQclear(result);
        if (!more)
            return false;
    }
    return true;
}

static void consume_input(struct pg_conn *conn)
{
    bool alive = PQconsumeInput(conn->link) == 1;

    if (conn->state != PG_IDLE && !take_results(conn))
        return;
    if (conn->state == PG_IDLE && alive) /* notices, or the server's farewell */
        alive = take_results(conn);
    if (!alive || PQstatus(conn->link) == CONNECTION_BAD || !flush(conn))
        lost(conn, PQerrorMessage(conn->link));
}

static void on_connecting(struct pg_conn *conn)
{
    /* libpq may go on to another host, with another socket. */
    unwatch(conn);
    switch (PQconnectPoll(conn->link)) {
    case PGRES_POLLING_OK:
        set_up(conn);
        return;
    case PGRES_POLLING_FAILED:
        lost(conn, PQerrorMessage(conn->link));
        return;
    case PGRES_POLLING_WRITING:
        watch(conn, UV_WRITABLE);
        return;
    default:
        watch(conn, UV_READABLE);
    }
}

static void on_ready(struct pg_conn *conn)
{
    conn_check(conn);
    CHECK(conn->link != NULL);
    if (conn->state == PG_CONNECTING)
        on_connecting(conn);
    else
        consume_input(conn);
}

/* ---- life ------------------------------------------------------------ */

void pg_conn_init(struct pg_conn *conn, struct postgres *pg, struct pg_pool *pool)
{
    *conn = (struct pg_conn){ .magic = CONN_MAGIC, .pg = pg, .pool = pool };
    pg_params_init(&conn->params);
}

static bool open_once(struct pg_conn *conn)
{
    int64_t until_us = clock_mono_us() + (int64_t)connect_timeout_ms(conn) * 1000;

    connect_begin(conn);
    while (conn->state == PG_CONNECTING || conn->state == PG_SETTING_UP) {
        struct pollfd fd = { .fd = PQsocket(conn->link) };
        int64_t left_us = until_us - clock_mono_us();

        fd.events = (short)((conn->events & UV_READABLE ? POLLIN : 0)
                            | (conn->events & UV_WRITABLE ? POLLOUT : 0));
        if (left_us <= 0)
            no_answer(conn);
        else if (poll(&fd, 1, (int)(left_us / 1000) + 1) > 0)
            on_ready(conn);
    }
    return conn->state == PG_IDLE;
}

bool pg_conn_open_now(struct pg_conn *conn)
{
    unsigned silent;

    CHECK(conn->pg->loop == NULL && conn->state == PG_DOWN);
    do {
        silent = conn->first_host;
        if (open_once(conn))
            return true;
    } while (conn->first_host != silent && conn->first_host < conn->pg->hosts.n);
    return false;
}

void pg_conn_attach(struct pg_conn *conn)
{
    CHECK(conn->pg->loop != NULL && conn->state == PG_IDLE && conn->poll == NULL);
    CHECK(uv_timer_init(conn->pg->loop, &conn->timer) == 0);
    conn->timer.data = conn;
    pg_handle_opened(conn->pg);
    watch(conn, UV_READABLE);
}

void pg_conn_give_up(struct pg_conn *conn)
{
    conn_check(conn);
    if (conn->state < PG_IDLE)
        return; /* a deadline of its own, or waits for its time */
    conn->first_host++;
    lost(conn, "the server does not answer");
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct pg_conn *conn = handle->data;

    CHECK(conn->magic == CONN_MAGIC && conn->pg->torn_down);
    pg_handle_closed(conn->pg);
}

void pg_conn_close(struct pg_conn *conn)
{
    CHECK(conn->job == NULL);
    unwatch(conn);
    PQfinish(conn->link);
    conn->link = NULL;
    conn->state = PG_DOWN;
    if (conn->pg->loop != NULL)
        uv_close((uv_handle_t *)&conn->timer, on_timer_closed);
}

void pg_conn_fini(struct pg_conn *conn)
{
    CHECK(conn->link == NULL && conn->poll == NULL);
    pg_params_fini(&conn->params);
    conn->magic = 0;
}
