/*
 * Whether the server still answers.  A server whose disk hangs, or whose processes
 * stand still, keeps its sockets: the kernel acknowledges, and no connection is
 * lost.  So a connection that does nothing else asks it for a 1 now and then.
 * Without an answer in time all connections are given up: what they had in
 * flight is told as with any lost connection, and each connects anew, beginning
 * with the next host.
 *
 * A commit that waits for the standby is no such case: it may take as long as it
 * likes, and the pulse is answered meanwhile.
 */
#include "store/postgres_internal.h"

#include "base/log.h"

#define PULSE_EVERY_MS 2000
#define PULSE_PATIENCE 5 /* turns: a process that stood still itself has missed but one */

const struct pg_statement pg_pulse_statements[] = {
    { "pulse", "", "SELECT 1" },
    { NULL, NULL, NULL },
};

static enum pg_sent pulse_send(struct pg_conn *conn, void *request)
{
    (void)request;
    return pg_conn_send(conn, "pulse");
}

static bool pulse_read(struct pg_conn *conn, void *request, unsigned statement,
                       const PGresult *result)
{
    (void)conn;
    (void)request;
    (void)statement;
    return PQntuples(result) == 1;
}

static void pulse_done(void *request, enum store_result result)
{
    struct postgres *pg = request;

    CHECK(pg->magic == PG_STORE_MAGIC && pg->pulse_conn != NULL);
    (void)result;
    pg->pulse_out = false;
}

static const struct pg_kind pulse_kind = {
    "pulse", false, pulse_send, pulse_read, pulse_done,
};

static void give_up(struct postgres *pg)
{
    log_error("store", "the server does not answer: all connections are given up", " ");
    for (unsigned p = 0; p < pg->n_pools; p++)
        for (unsigned i = 0; i < pg->pools[p].n; i++)
            pg_conn_give_up(&pg->pools[p].conns[i]);
}

static void on_pulse(uv_timer_t *timer)
{
    struct postgres *pg = timer->data;

    CHECK(pg->magic == PG_STORE_MAGIC && !pg->torn_down);
    if (pg->pulse_out && ++pg->pulse_waited == PULSE_PATIENCE)
        give_up(pg);
    if (pg->pulse_conn->state != PG_IDLE || (pg->closing && pg->jobs == 0))
        return;
    pg->pulse_out = true;
    pg->pulse_waited = 0;
    pg_submit(&pg->database, PG_PULSE, 0, &pulse_kind, pg);
}

void pg_pulse_start(struct postgres *pg)
{
    for (unsigned p = 0; p < pg->n_pools; p++)
        if (pg->pools[p].role == PG_PULSE)
            pg->pulse_conn = pg->pools[p].conns;
    CHECK(pg->pulse_conn != NULL);
    CHECK(uv_timer_init(pg->loop, &pg->pulse) == 0);
    pg->pulse.data = pg;
    pg_handle_opened(pg);
    CHECK(uv_timer_start(&pg->pulse, on_pulse, PULSE_EVERY_MS, PULSE_EVERY_MS) == 0);
}
