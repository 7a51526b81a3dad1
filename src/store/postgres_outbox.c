/*
 * The outbox on PostgreSQL, for the relay: a read is three statements of one
 * round trip (store.h says why rows are safe to read up to a horizon), keeping
 * the classes is six.
 */
#include "store/postgres_internal.h"

#define EVENTS 4096 /* of one read, unless a row alone has more */

#define NOW_SQL "(extract(epoch FROM clock_timestamp()) * 1000)::int8"
/* Not by SELECT last_value, which takes no lock: while nextval() writes its
 * record it shows 32 values that nobody has taken yet. */
#define LAST_SQL "COALESCE(pg_sequence_last_value('outbox_id_seq'::regclass), 0)"
#define XMIN_SQL "pg_snapshot_xmin(pg_current_snapshot())::text::int8"

#define SQL_TEXT(number) #number
#define SQL_OF(number) SQL_TEXT(number)
#define CLASSES_SQL SQL_OF(ACCOUNT_CLASSES)

/*
 * $1 after, $2 horizon, $3 seen, $4 seen_xid, $5 classes, $6 events.  A row of
 * which nobody is wanted gives one line without an account: it was read.
 */
#define READ_SQL(column, join) \
    "SELECT o.id, o.xid, o.at_ms, COALESCE(e.account, 0), e.n, e.seq, e.kind, e.ref, e.net," \
    " e.staked, e.amount, COALESCE(e.payout, 0), COALESCE(e.cashed_stake, 0)," \
    " COALESCE(e.cashed_paid, 0), COALESCE(b.currency," \
    "  (SELECT a.currency FROM accounts a WHERE a.id = e.account))," \
    " b.placed_ms, b.stake + b.cashed_stake, b.flags, b.sport, b.slip, b.results," \
    " b.country" column \
    " FROM (SELECT *, sum(cardinality(accounts)) OVER (ORDER BY id) AS total" \
    "  FROM (SELECT * FROM outbox WHERE id > $1 AND id <=" \
    "   CASE WHEN $4 > 0 AND " XMIN_SQL " >= $4 THEN greatest($2, $3) ELSE $2 END" \
    "   ORDER BY id LIMIT 1024) p) o" \
    " LEFT JOIN LATERAL (SELECT * FROM unnest(o.accounts, o.seqs, o.kinds, o.refs, o.nets," \
    "   o.stakes, o.amounts, o.payouts, o.cashed_stake, o.cashed_paid) WITH ORDINALITY" \
    "   AS u (account, seq, kind, ref, net, staked, amount, payout, cashed_stake," \
    "    cashed_paid, n)" \
    "  WHERE u.net IS NOT NULL AND ($5 >> (u.account % " CLASSES_SQL ")::int) & 1 = 1) e ON true" \
    " LEFT JOIN bets b ON e.kind NOT IN ({EVENT_DEPOSITED}, {EVENT_WITHDRAWN})" \
    "  AND b.account = e.account AND b.id = e.ref" \
    join \
    " WHERE o.total - cardinality(o.accounts) < $6" \
    " ORDER BY o.id, e.n"

enum read_column {
    R_ROW, R_XID, R_AT, R_ACCOUNT, R_N, R_SEQ, R_EVENT, R_REF, R_NET, R_STAKED, R_AMOUNT,
    R_PAYOUT, R_CASHED_STAKE, R_CASHED_PAID, R_CURRENCY, R_PLACED, R_STAKE, R_FLAGS, R_SPORT,
    R_SLIP, R_RESULTS, R_COUNTRY, R_TRACE,
};

const struct pg_statement pg_outbox_statements[] = {
    { "outbox_last", "", "SELECT " LAST_SQL },
    /* Without news no transaction id is used up. */
    { "outbox_bound", "iii",
      "SELECT " XMIN_SQL ", CASE WHEN " LAST_SQL " > greatest($1, $2, $3)"
      " THEN pg_current_xact_id()::text::int8 ELSE 0 END" },
    { "outbox_read", "iiiii" "i", READ_SQL("", "") },
    { "outbox_read_traced", "iiiii" "i",
      READ_SQL(", t.parent", " LEFT JOIN bet_traces t ON t.bet = b.id") },
    { "relay_member", "sii",
      "INSERT INTO relay_members (owner, until_ms) SELECT $1, " NOW_SQL " + $2 WHERE $3 = 0"
      " ON CONFLICT (owner) DO UPDATE SET until_ms = excluded.until_ms" },
    { "relay_renew", "siii",
      "UPDATE relays SET told = greatest(told, $3),"
      " until_ms = " NOW_SQL " + $2"
      " WHERE owner = $1 AND ($4 >> class::int) & 1 = 1" },
    { "relay_take", "sii",
      "UPDATE relays SET owner = $1, until_ms = " NOW_SQL " + $2"
      " WHERE ($3 >> class::int) & 1 = 1 AND (owner = $1 OR until_ms < " NOW_SQL ")" },
    { "relay_release", "siii",
      "WITH gone AS (DELETE FROM relay_members WHERE until_ms < " NOW_SQL " - 60000"
      "  OR ($4 = 1 AND owner = $1))"
      " UPDATE relays SET told = greatest(told, $3), until_ms = 0"
      " WHERE owner = $1 AND ($2 >> class::int) & 1 = 1" },
    { "relay_clean", "s",
      "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox"
      "  WHERE id <= (SELECT min(told) FROM relays) ORDER BY id LIMIT 10000)"
      " AND EXISTS (SELECT 1 FROM relays WHERE class = 0 AND owner = $1)" },
    { "relay_classes", "s",
      "SELECT told, (owner = $1 AND until_ms > 0)::int, (until_ms < " NOW_SQL ")::int,"
      " (SELECT count(*) FROM relay_members WHERE until_ms >= " NOW_SQL ")"
      " FROM relays ORDER BY class" },
    { NULL, NULL, NULL },
};

static int64_t cell(const PGresult *result, int row, int column)
{
    return pg_read_int(PQgetvalue(result, row, column), PQgetlength(result, row, column));
}

static struct str text(struct arena *arena, const PGresult *result, int row, int column)
{
    return arena_str(arena, (struct str){ PQgetvalue(result, row, column),
                                          (size_t)PQgetlength(result, row, column) });
}

/* ---- reading ----------------------------------------------------------- */

/* A horizon that was seen and is passed has become the horizon. */
static void place_check(const struct outbox_place *place)
{
    CHECK(place->after >= 0 && place->session >= 0);
    CHECK(place->horizon >= 0 && place->seen >= 0 && place->last >= 0);
    CHECK(place->seen_xid >= 0);
    CHECK(place->seen_xid > 0 || place->seen <= place->horizon);
}

/* No row is read in front of which a running transaction may put another. */
static void row_check(const struct outbox_place *place, int64_t row)
{
    CHECK(row >= place->after);
    CHECK(row <= place->horizon || row <= place->seen);
}

static enum pg_sent read_send(struct pg_conn *conn, void *request)
{
    struct outbox_place *place = &((struct outbox_read *)request)->place;
    enum pg_sent sent;

    place_check(place);
    CHECK(place->session <= conn->session); /* sessions are counted up */
    if (place->session != conn->session)
        *place = (struct outbox_place){ .after = place->after, .session = conn->session };
    sent = pg_conn_send(conn, "outbox_last");
    if (sent != PG_SENT)
        return sent;
    pg_param_int8(&conn->params, place->after);
    pg_param_int8(&conn->params, place->horizon);
    pg_param_int8(&conn->params, place->seen);
    sent = pg_conn_send(conn, "outbox_bound");
    if (sent != PG_SENT)
        return sent;
    pg_param_int8(&conn->params, place->after);
    pg_param_int8(&conn->params, place->horizon);
    pg_param_int8(&conn->params, place->seen);
    pg_param_int8(&conn->params, place->seen_xid);
    pg_param_int8(&conn->params, ((struct outbox_read *)request)->classes);
    pg_param_int8(&conn->params, EVENTS);
    return pg_conn_send(conn, ((struct outbox_read *)request)->traces ? "outbox_read_traced"
                                                                     : "outbox_read");
}

static void read_bet(struct outbox_event *event, struct arena *arena, const PGresult *result,
                     int row)
{
    event->has_bet = true;
    event->placed_ms = cell(result, row, R_PLACED);
    event->stake_minor = cell(result, row, R_STAKE);
    event->flags = cell(result, row, R_FLAGS);
    event->sport = text(arena, result, row, R_SPORT);
    event->slip = text(arena, result, row, R_SLIP);
    event->results = text(arena, result, row, R_RESULTS);
    event->country = text(arena, result, row, R_COUNTRY);
}

static void read_event(struct outbox_event *event, struct arena *arena, const PGresult *result,
                       int row)
{
    *event = (struct outbox_event){
        .row = cell(result, row, R_ROW),
        .n = cell(result, row, R_N),
        .xid = cell(result, row, R_XID),
        .at_ms = cell(result, row, R_AT),
        .account = cell(result, row, R_ACCOUNT),
        .seq = cell(result, row, R_SEQ),
        .event = (int)cell(result, row, R_EVENT),
        .ref = cell(result, row, R_REF),
        .net_minor = cell(result, row, R_NET),
        .staked_minor = cell(result, row, R_STAKED),
        .amount_minor = cell(result, row, R_AMOUNT),
        .payout_minor = cell(result, row, R_PAYOUT),
        .cashed_stake_minor = cell(result, row, R_CASHED_STAKE),
        .cashed_paid_minor = cell(result, row, R_CASHED_PAID),
        .currency = text(arena, result, row, R_CURRENCY),
    };
    if (PQgetisnull(result, row, R_SLIP) == 0)
        read_bet(event, arena, result, row);
    if (PQnfields(result) > R_TRACE && PQgetisnull(result, row, R_TRACE) == 0)
        event->traceparent = text(arena, result, row, R_TRACE);
}

static void read_rows(struct outbox_read *read, const PGresult *result)
{
    int rows = PQntuples(result);

    CHECK(read->n == 0 && PQnfields(result) == (read->traces ? R_TRACE + 1 : R_TRACE));
    CHECK(rows == 0 || cell(result, 0, R_ROW) > read->place.after);
    read->events = ARENA_ARRAY(read->arena, struct outbox_event, (size_t)rows + 1);
    for (int row = 0; row < rows; row++) {
        row_check(&read->place, cell(result, row, R_ROW));
        read->place.after = cell(result, row, R_ROW);
        if (cell(result, row, R_ACCOUNT) != 0)
            read_event(&read->events[read->n++], read->arena, result, row);
    }
    CHECK(read->n <= (uint32_t)rows);
    if (rows > 0)
        read->oldest_ms = cell(result, 0, R_AT);
}

/* What was seen last time is a horizon now, or not yet. */
static void read_bound(struct outbox_read *read, const PGresult *result)
{
    struct outbox_place *place = &read->place;
    int64_t xmin = cell(result, 0, 0), xid = cell(result, 0, 1), before = place->horizon;

    if (place->seen_xid > 0 && xmin >= place->seen_xid) {
        if (place->horizon < place->seen)
            place->horizon = place->seen;
        place->seen_xid = 0;
    }
    if (xid > 0 && place->seen_xid == 0) {
        place->seen = place->last;
        place->seen_xid = xid;
    }
    CHECK(place->horizon >= before); /* of one session */
    place_check(place);
}

static bool read_read(struct pg_conn *conn, void *request, unsigned statement,
                      const PGresult *result)
{
    struct outbox_read *read = request;

    CHECK(read->place.session == conn->session && statement <= 2);
    if (statement == 2) {
        read_rows(read, result);
        return true;
    }
    if (PQntuples(result) != 1)
        return false;
    if (statement == 0)
        read->place.last = cell(result, 0, 0);
    else
        read_bound(read, result);
    return true;
}

static void read_done(void *request, enum store_result result)
{
    struct outbox_read *read = request;

    CHECK(read->n == 0 || read->events != NULL);
    if (result != STORE_OK)
        read->n = 0;
    read->on_done(read, result);
}

static const struct pg_kind read_kind = {
    "outbox_read", false, read_send, read_read, read_done,
};

void pg_outbox_read(struct database *database, struct outbox_read *read)
{
    read->n = 0;
    read->events = NULL;
    read->oldest_ms = 0;
    pg_submit(database, PG_RELAY, 0, &read_kind, read);
}

/* ---- keeping ----------------------------------------------------------- */

static enum pg_sent send_member(struct pg_conn *conn, const struct outbox_keep *keep)
{
    pg_param_str(&conn->params, keep->owner);
    pg_param_int8(&conn->params, keep->lease_ms);
    pg_param_int8(&conn->params, keep->leave);
    return pg_conn_send(conn, "relay_member");
}

static enum pg_sent send_renew(struct pg_conn *conn, const struct outbox_keep *keep)
{
    pg_param_str(&conn->params, keep->owner);
    pg_param_int8(&conn->params, keep->lease_ms);
    pg_param_int8(&conn->params, keep->told);
    pg_param_int8(&conn->params, keep->keep);
    return pg_conn_send(conn, "relay_renew");
}

static enum pg_sent send_take(struct pg_conn *conn, const struct outbox_keep *keep)
{
    pg_param_str(&conn->params, keep->owner);
    pg_param_int8(&conn->params, keep->lease_ms);
    pg_param_int8(&conn->params, keep->take);
    return pg_conn_send(conn, "relay_take");
}

static enum pg_sent send_release(struct pg_conn *conn, const struct outbox_keep *keep)
{
    pg_param_str(&conn->params, keep->owner);
    pg_param_int8(&conn->params, keep->release);
    pg_param_int8(&conn->params, keep->told);
    pg_param_int8(&conn->params, keep->leave);
    return pg_conn_send(conn, "relay_release");
}

static enum pg_sent send_clean(struct pg_conn *conn, const struct outbox_keep *keep)
{
    pg_param_str(&conn->params, keep->owner);
    return pg_conn_send(conn, "relay_clean");
}

static enum pg_sent send_classes(struct pg_conn *conn, const struct outbox_keep *keep)
{
    pg_param_str(&conn->params, keep->owner);
    return pg_conn_send(conn, "relay_classes");
}

static enum pg_sent keep_send(struct pg_conn *conn, void *request)
{
    static enum pg_sent (*const steps[])(struct pg_conn *, const struct outbox_keep *) = {
        send_member, send_renew, send_take, send_release, send_clean, send_classes,
    };

    for (size_t i = 0; i < LENGTH(steps); i++) {
        enum pg_sent sent = steps[i](conn, request);

        if (sent != PG_SENT)
            return sent;
    }
    return PG_SENT;
}

static bool keep_read(struct pg_conn *conn, void *request, unsigned statement,
                      const PGresult *result)
{
    struct outbox_keep *keep = request;

    (void)conn;
    CHECK(statement <= 5);
    if (statement < 5)
        return true;
    if (PQntuples(result) != ACCOUNT_CLASSES)
        return false;
    for (int i = 0; i < ACCOUNT_CLASSES; i++) {
        keep->classes[i].told = cell(result, i, 0);
        keep->classes[i].mine = cell(result, i, 1) != 0;
        keep->classes[i].free = cell(result, i, 2) != 0;
    }
    keep->members = cell(result, 0, 3);
    return true;
}

static void keep_done(void *request, enum store_result result)
{
    struct outbox_keep *keep = request;

    keep->on_done(keep, result);
}

static const struct pg_kind keep_kind = {
    "outbox_keep", true, keep_send, keep_read, keep_done,
};

void pg_outbox_keep(struct database *database, struct outbox_keep *keep)
{
    pg_submit(database, PG_RELAY, 0, &keep_kind, keep);
}
