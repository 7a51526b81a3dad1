/*
 * The feed log and the results on PostgreSQL: one statement for a batch of
 * messages, one for the facts of a stretch of the log.
 */
#include <stdlib.h>

#include "model/slot.h"
#include "store/postgres_internal.h"

/* ---- the log --------------------------------------------------------- */

/* The lease's row is locked until the commit: whoever takes the lease waits
 * for it, and an append that comes behind a take-over waits for that and then
 * finds another epoch. */
const struct pg_statement pg_feed_statements[] = {
    { "feed", "IIIIS" "SiI",
      "WITH lease AS MATERIALIZED ("
      " SELECT epoch FROM leases WHERE name = 'feed' AND epoch = $7 FOR SHARE"
      "), taken AS ("
      " DELETE FROM feed_inbox USING lease WHERE id = ANY($8)"
      ") INSERT INTO feed_log (pos, at_ms, type, producer, event, body)"
      " SELECT u.* FROM lease, unnest($1, $2, $3, $4, $5, $6) AS u" },
    { NULL, NULL, NULL },
};

#define EACH(type, put, value) \
    pg_array(params, type, n); \
    for (uint32_t i = 0; i < n; i++) \
        put(params, value)

/* The rows of the inbox that become entries. */
static void put_inbox(struct pg_params *params, const struct feed_row *rows, uint32_t n)
{
    uint32_t taken = 0;

    for (uint32_t i = 0; i < n; i++) {
        CHECK(rows[i].inbox >= 0);
        taken += rows[i].inbox != 0;
    }
    pg_array(params, PG_INT8, taken);
    for (uint32_t i = 0; i < n; i++)
        if (rows[i].inbox != 0)
            pg_put_int8(params, rows[i].inbox);
}

static enum pg_sent feed_send(struct pg_conn *conn, void *request)
{
    struct feed_append *append = request;
    struct pg_params *params = &conn->params;
    const struct feed_row *rows = append->rows;
    uint32_t n = append->n;

    EACH(PG_INT8, pg_put_int8, rows[i].pos);
    EACH(PG_INT8, pg_put_int8, rows[i].at_ms);
    EACH(PG_INT8, pg_put_int8, rows[i].type);
    EACH(PG_INT8, pg_put_int8, rows[i].producer);
    EACH(PG_TEXT, pg_put_str, rows[i].event);
    EACH(PG_TEXT, pg_put_str, rows[i].body);
    pg_param_int8(params, append->epoch);
    put_inbox(params, rows, n);
    return pg_conn_send(conn, "feed");
}

static bool feed_read(struct pg_conn *conn, void *request, unsigned statement,
                      const PGresult *result)
{
    struct feed_append *append = request;

    const char *rows = PQcmdTuples((PGresult *)(uintptr_t)result);

    (void)conn;
    CHECK(statement == 0);
    append->fenced = strcmp(rows, "0") == 0;
    CHECK(append->fenced || strtoul(rows, NULL, 10) == append->n); /* all of it or nothing */
    return true;
}

static bool read_nothing(struct pg_conn *conn, void *request, unsigned statement,
                         const PGresult *result)
{
    (void)conn;
    (void)request;
    (void)result;
    CHECK(statement == 0);
    return true;
}

static void feed_done(void *request, enum store_result result)
{
    struct feed_append *append = request;

    append->on_done(append, result);
}

static const struct pg_kind feed_kind = {
    "feed", true, feed_send, feed_read, feed_done,
};

void pg_feed_append(struct database *database, struct feed_append *append)
{
    pg_submit(database, PG_FEED, 0, &feed_kind, append);
}

/* ---- results --------------------------------------------------------- */

/*
 * A fact told before falls away on its content's hash.  A market that got a
 * new one is graded from its first bet on: the cursor goes back to 0, and
 * `pos` is another than before, so that whoever was grading it can neither
 * strike it off the queue nor write what the older facts said.  It is the
 * newest fact's place, or one more when an older one came late.
 */
const struct pg_statement pg_results_statements[] = {
    { "results", "IIIIS" "ISIII" "IIISI" "iiI",
      "WITH fresh AS ("
      " INSERT INTO facts (market_key, pos, kind, rank, event, market, specifiers,"
      "  producer, ts_ms, certainty, start_ms, end_ms, stopped_ms, outcomes, hash,"
      "  stored_ms)"
      " SELECT f.*, $17 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,"
      "  $12, $13, $14, $15) AS f"
      " ON CONFLICT DO NOTHING"
      " RETURNING market_key, pos, event, market, specifiers"
      "), queued AS ("
      " INSERT INTO settle_queue AS q (market_key, pos, bet, event, market, specifiers,"
      "  queued_ms, slot)"
      " SELECT DISTINCT ON (market_key) market_key, pos, 0, event, market, specifiers, $17,"
      "  slot FROM fresh JOIN (SELECT DISTINCT event, slot FROM unnest($5, $18)"
      "  AS s (event, slot)) s USING (event) ORDER BY market_key, pos DESC"
      " ON CONFLICT (market_key) DO UPDATE SET pos = greatest(q.pos + 1, excluded.pos),"
      "  bet = 0"
      ")"
      " UPDATE meta SET value = greatest(value, $16) WHERE name = 'settle_offset'" },
    { NULL, NULL, NULL },
};

static void put_identity(struct pg_params *params, const struct fact *facts, uint32_t n)
{
    EACH(PG_INT8, pg_put_int8, facts[i].key);
    EACH(PG_INT8, pg_put_int8, facts[i].position);
    EACH(PG_INT8, pg_put_int8, (int64_t)facts[i].kind);
    EACH(PG_INT8, pg_put_int8, (int64_t)facts[i].rank);
    EACH(PG_TEXT, pg_put_str, facts[i].id.event);
    EACH(PG_INT8, pg_put_int8, (int64_t)facts[i].id.market);
    EACH(PG_TEXT, pg_put_str, facts[i].id.specifiers);
}

static void put_content(struct pg_params *params, const struct fact *facts, uint32_t n,
                        const struct str *outcomes)
{
    EACH(PG_INT8, pg_put_int8, facts[i].producer);
    EACH(PG_INT8, pg_put_int8, facts[i].timestamp_ms);
    EACH(PG_INT8, pg_put_int8, facts[i].certainty);
    EACH(PG_INT8, pg_put_int8, facts[i].start_ms);
    EACH(PG_INT8, pg_put_int8, facts[i].end_ms);
    EACH(PG_INT8, pg_put_int8, facts[i].stopped_ms);
    EACH(PG_TEXT, pg_put_str, outcomes[i]);
    EACH(PG_INT8, pg_put_int8, fact_hash(&facts[i], outcomes[i]));
}

static void put_slots(struct pg_params *params, const struct fact *facts, uint32_t n)
{
    EACH(PG_INT8, pg_put_int8, (int64_t)slot_of(facts[i].id.event));
}

static enum pg_sent results_send(struct pg_conn *conn, void *request)
{
    struct results_add *add = request;
    struct arena arena;
    struct str *outcomes;

    arena_init(&arena, LIMIT_ROWS_BYTES);
    outcomes = ARENA_ARRAY(&arena, struct str, add->n + 1);
    for (uint32_t i = 0; i < add->n; i++)
        outcomes[i] = fact_outcomes_encode(&add->facts[i], &arena);
    put_identity(&conn->params, add->facts, add->n);
    put_content(&conn->params, add->facts, add->n, outcomes);
    arena_fini(&arena);
    pg_param_int8(&conn->params, add->offset);
    pg_param_int8(&conn->params, add->at_ms);
    put_slots(&conn->params, add->facts, add->n);
    return pg_conn_send(conn, "results");
}

static void results_done(void *request, enum store_result result)
{
    struct results_add *add = request;

    add->on_done(add, result);
}

static const struct pg_kind results_kind = {
    "results", true, results_send, read_nothing, results_done,
};

void pg_results_add(struct database *database, struct results_add *add)
{
    pg_submit(database, PG_RESULTS, 0, &results_kind, add);
}
