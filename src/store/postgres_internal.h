/*
 * The PostgreSQL engine's own types: pools of connections, jobs, and the
 * kinds of job, each of which lives in a file of its own:
 *
 *   postgres_jobs.c    queues of jobs, and how one ends (the ground)
 *   postgres_conn.c    one connection's life: connect, set up, run, lose
 *   postgres_hosts.c   several hosts in the URL: the order they are tried in
 *   postgres_pool.c    a queue and its connections; who is up
 *   postgres_money.c   the money statement (group commit)
 *   postgres_cashout.c its cash-outs
 *   postgres_settle.c  chunks of settlement
 *   postgres_feed.c    the feed log and results
 *   postgres_exec.c    named statements
 *   postgres_outbox.c  the outbox, for the relay
 *   postgres.c         open, close, which pools there are (the top)
 */
#ifndef STORE_POSTGRES_INTERNAL_H
#define STORE_POSTGRES_INTERNAL_H

#include <libpq-fe.h>

#include "store/engine.h"
#include "store/pg_array.h"
#include "store/sql_numbers.h"

struct money_cmd; /* store/money.h */

/*
 * Customers' limits.  A limited account has its nine rows since one commit; a
 * snapshot older than that does not show them: such an account is left for
 * the next statement, as if it were locked.
 */
#define PG_LIMITS_SHOWN(account, limited) \
    "(" limited " = 0 OR EXISTS (SELECT 1 FROM limits x WHERE x.account = " account "))"
/* When the period that holds the time `at` began: own_limit_since(). */
#define PG_LIMIT_SINCE(period, at) \
    "CASE " period " WHEN {OWN_LIMIT_PERIOD_DAY} THEN " at " - " at " % 86400000" \
    " WHEN {OWN_LIMIT_PERIOD_WEEK} THEN " at " - (" at " - 345600000) % 604800000" \
    " ELSE (extract(epoch FROM date_trunc('month'," \
    "  to_timestamp(" at " / 1000) AT TIME ZONE 'UTC')) * 1000)::int8 END"
/* SET of limits l: `delta` at `at`. */
#define PG_LIMIT_COUNT(at, delta) \
    " used = CASE WHEN l.since_ms > " PG_LIMIT_SINCE("l.period", at) " THEN l.used" \
    "  WHEN l.since_ms = " PG_LIMIT_SINCE("l.period", at) " THEN l.used + " delta \
    "  ELSE " delta " END," \
    " since_ms = greatest(l.since_ms, " PG_LIMIT_SINCE("l.period", at) ")"

/* The class of advisory locks whose second key is a holder's epoch. */
#define PG_LIABILITY_LOCK "7311014"

enum pg_role {
    PG_MONEY, PG_FEED, PG_RESULTS, PG_SETTLE, PG_READ, PG_WRITE, PG_RELAY, PG_PULSE,
};

/* A statement prepared on the connections of one role. */
struct pg_statement {
    const char *name;
    const char *types; /* of its parameters: i int8, s text, b bytea,
                          I int8[], H int2[], S text[], B bytea[] */
    const char *sql;
};

enum pg_sent {
    PG_SENT = 0,
    PG_SENT_NOTHING, /* the connection is broken */
    PG_SENT_TOO_LARGE,
};

struct pg_conn;

/* What store.h asks for, as a row of functions; `request` is the caller's. */
struct pg_kind {
    const char *name;
    bool writes;
    enum pg_sent (*send)(struct pg_conn *conn, void *request) MUST_USE;
    /* One successful result, before it is known to be durable.  False: it is
     * not what was asked for. */
    bool (*read)(struct pg_conn *conn, void *request, unsigned statement,
                 const PGresult *result) MUST_USE;
    void (*done)(void *request, enum store_result result);
};

#define PG_JOB_MAGIC 0x70676a6fu

struct pg_job {
    struct pg_job *next;
    uint32_t magic;
    bool queued; /* in one queue; a connection that runs it has it otherwise */
    const struct pg_kind *kind;
    void *request;
    enum store_result result;
};

struct pg_queue {
    struct pg_job *first, **end;
    unsigned n;
};

enum pg_state {
    PG_DOWN,       /* waits for its timer, then connects */
    PG_CONNECTING,
    PG_SETTING_UP, /* settings, checks, prepared statements */
    PG_IDLE,
    PG_BUSY,
};

#define PG_REASON_BYTES 512

struct pg_conn {
    uint32_t magic;
    enum pg_state state;
    struct postgres *pg;
    struct pg_pool *pool;
    PGconn *link;
    uv_poll_t *poll;     /* on the heap: outlives the socket by one turn */
    uv_timer_t timer;    /* reconnect, and the deadline of connecting */
    int events;          /* what the poll waits for */
    unsigned attempts;   /* to connect, since it was last up */
    unsigned first_host; /* of those in the URL: the next attempt begins there */
    int backend;         /* the server's process, as it says itself; 0 = none */
    bool pooled;         /* a pooler stands between */
    long timeline;       /* of its server */
    int64_t session;     /* of the store's sessions, since it was opened; from 1 */
    bool was_up;
    char reason[PG_REASON_BYTES]; /* why it is down; logged when it changes */
    struct pg_params params;
    struct money_cmd *sorted[LIMIT_BATCH]; /* a money batch by account: … */
    uint32_t n_plain;    /* … so many, then the cash-outs */
    bool fenced;         /* the batch's first statement is the fence */
    uint32_t n_traced;   /* bets whose traces are its last statement; 0 = none */
    /* the job in flight */
    struct pg_job *job;
    unsigned sent, finished; /* statements */
    bool flushed;        /* everything has left: the server may commit */
    bool failed;         /* `verdict` holds */
    bool warned;         /* the commit may not be on the standby */
    bool stale;          /* must not be used again */
    enum store_result verdict;
};

struct pg_pool {
    enum pg_role role;
    unsigned number;     /* of the lane */
    struct pg_conn *conns;
    unsigned n;
    struct pg_queue queue;
    const struct pg_statement *statements; /* prepared on each; ends with NULL */
};

#define PG_HOSTS_BYTES 1024

/* The hosts of a URL that names several, as libpq's lists. */
struct pg_hosts {
    unsigned n; /* 1: the URL is left as it is */
    char names[PG_HOSTS_BYTES], ports[PG_HOSTS_BYTES];
};

#define PG_STORE_MAGIC 0x70677374u

struct postgres {
    struct database database; /* first */
    uint32_t magic;
    uv_loop_t *loop;     /* NULL while opening: poll(2) drives instead */
    char *url;
    struct pg_hosts hosts;
    struct pg_pool *pools;
    unsigned n_pools, lanes;
    struct pg_queue ended; /* failed in the call; told on the loop */
    uv_timer_t teller;
    uv_timer_t pulse;
    struct pg_conn *pulse_conn; /* has no other jobs */
    bool pulse_out;      /* asked, not answered */
    unsigned pulse_waited; /* turns since */
    int64_t sessions;    /* that were set up, ever */
    long timeline;       /* the highest of a server's that was seen */
    bool warned;         /* that nobody stands by */
    unsigned jobs;       /* queued, running or to be told */
    unsigned handles;    /* of libuv, still open */
    enum store_company company;
    enum store_half halves; /* that live here */
    bool up, closing, torn_down;
    void (*on_change)(struct postgres *pg, struct pg_pool *pool); /* a connection came or went */
    void (*on_job_end)(struct postgres *pg);
    void (*on_unused)(struct postgres *pg); /* torn down, and the last handle closed */
    void (*on_closed)(void *ctx);
    void *on_closed_ctx;
};

/* postgres_jobs.c */
void pg_queue_init(struct pg_queue *queue);
void pg_queue_put(struct pg_queue *queue, struct pg_job *job);
struct pg_job *pg_queue_take(struct pg_queue *queue);
void pg_job_end(struct postgres *pg, struct pg_job *job, enum store_result result);
void pg_job_end_later(struct postgres *pg, struct pg_job *job, enum store_result result);
/* Tells those whose end was put off. */
void pg_jobs_answer(struct postgres *pg);
const char *pg_role_name(enum pg_role role);
/* Handles of libuv: the last one that closes tells on_unused. */
void pg_handle_opened(struct postgres *pg);
void pg_handle_closed(struct postgres *pg);

/* postgres_conn.c */
void pg_conn_init(struct pg_conn *conn, struct postgres *pg, struct pg_pool *pool);
/* Connects and sets up, waiting; false: conn->reason. */
bool pg_conn_open_now(struct pg_conn *conn) MUST_USE;
void pg_conn_attach(struct pg_conn *conn); /* to the loop, once open */
void pg_conn_kick(struct pg_conn *conn);   /* runs the queue's next job */
void pg_conn_close(struct pg_conn *conn);
/* Of a server that does not answer; the next attempt begins with another host. */
void pg_conn_give_up(struct pg_conn *conn);
void pg_conn_fini(struct pg_conn *conn);
/* Queues one prepared statement of the job; its parameters are conn->params. */
enum pg_sent pg_conn_send(struct pg_conn *conn, const char *statement) MUST_USE;

/* postgres_pool.c */
void pg_pool_init(struct postgres *pg, struct pg_pool *pool, enum pg_role role,
                  unsigned number, unsigned n, const struct pg_statement *statements);
struct postgres *pg_of(const struct database *database);
void pg_submit(struct database *database, enum pg_role role, unsigned number,
               const struct pg_kind *kind, void *request);
/* A connection came up or went down. */
void pg_state_changed(struct postgres *pg, struct pg_pool *pool);

/* postgres_pulse.c: begins to ask now and then whether the server answers. */
void pg_pulse_start(struct postgres *pg);

/* postgres_hosts.c */
void pg_hosts_read(struct pg_hosts *hosts, const char *url);
/* The same, beginning with the host number `first` modulo n. */
void pg_hosts_rotate(const struct pg_hosts *hosts, unsigned first, struct pg_hosts *rotated);

extern const struct pg_statement pg_money_statements[];
/* Cash-outs of a money batch: a statement of their own beside the other. */
#define PG_CASHOUT_TYPES "IISBH" "SIIII" "IIH"
extern const char pg_cashout_sql[], pg_cashout_wait_sql[];
enum pg_sent pg_cashout_send(struct pg_conn *conn, struct money_cmd *const *cmds, uint32_t n,
                             bool wait) MUST_USE;
bool pg_cashout_read(struct money_cmd *const *cmds, uint32_t n, const PGresult *result) MUST_USE;
extern const struct pg_statement pg_settle_statements[];
extern const struct pg_statement pg_feed_statements[];
extern const struct pg_statement pg_results_statements[];
extern const struct pg_statement pg_outbox_statements[];
extern const struct pg_statement pg_pulse_statements[];
const struct pg_statement *pg_exec_statements(bool reads_only, enum store_half halves);

void pg_money(struct database *database, unsigned lane, struct money_batch *batch);
void pg_feed_append(struct database *database, struct feed_append *append);
void pg_results_add(struct database *database, struct results_add *add);
void pg_settle_fetch(struct database *database, struct settle_fetch *fetch);
void pg_settle_write(struct database *database, struct settle_write *write);
void pg_exec(struct database *database, struct store_exec *exec);
void pg_outbox_read(struct database *database, struct outbox_read *read);
void pg_outbox_keep(struct database *database, struct outbox_keep *keep);

#endif
