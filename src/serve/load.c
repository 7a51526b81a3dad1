/* What is read from the store before the first request. */
#include "serve/inside.h"

#include <inttypes.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/log.h"
#include "house/liability.h"
#include "feed/feed.h"
#include "store/halves.h"

#define NODES 1024 /* in a bet's id */

static bool on_key(void *ctx, const struct value *cells)
{
    struct start *start = ctx;

    if (start->n_keys == KEYS_MAX || cells[1].s.n != sizeof(start->keys[0].seed))
        return false;
    start->keys[start->n_keys].kid = cells[0].i;
    memcpy(start->keys[start->n_keys++].seed, cells[1].s.p, cells[1].s.n);
    return true;
}

static bool on_number(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

/* The newest keys, oldest first; a first one is made when there is none. */
static bool load_keys(struct db *db, struct start *start, struct str *error)
{
    static const char select[] =
        "SELECT kid, seed FROM (SELECT kid, seed FROM signing_keys ORDER BY kid DESC LIMIT 16)"
        " AS newest ORDER BY kid";
    struct value fresh[3];
    uint8_t seed[32];

    if (!db_query(db, select, "", NULL, "ib", on_key, start, error) || start->n_keys > 0)
        return start->n_keys > 0;
    randombytes_buf(seed, sizeof(seed));
    fresh[0] = VALUE_INT(1);
    fresh[1] = VALUE_STR(((struct str){ (const char *)seed, sizeof(seed) }));
    fresh[2] = VALUE_INT(clock_wall_ms());
    /* Another process may be first: then its key is read. */
    return db_query(db, "INSERT INTO signing_keys (kid, seed, created_ms) VALUES ($1, $2, $3)"
                        " ON CONFLICT DO NOTHING", "ibi", fresh, "", NULL, NULL, error) &&
           db_query(db, select, "", NULL, "ib", on_key, start, error);
}

/* The next of 1024 that no process lives under which is still among us. */
static bool load_node(struct db *db, struct start *start, struct str *error)
{
    struct value asked[2] = { { 0 }, VALUE_INT(clock_wall_ms()) };
    int64_t taken = 1;

    for (int tries = 0; tries < NODES && taken > 0; tries++) {
        if (!db_query(db, "UPDATE meta SET value = (value + 1) % 1024 WHERE name = 'node'"
                          " RETURNING value", "", NULL, "i", on_number, &start->node, error))
            return false;
        asked[0] = VALUE_INT(start->node);
        if (!db_query(db, "SELECT COUNT(*) FROM liability_holders WHERE node = $1"
                          " AND fenced = 0 AND until_ms > $2", "ii", asked, "i", on_number,
                      &taken, error))
            return false;
    }
    if (taken > 0)
        *error = STR("1024 processes take bets already");
    return taken == 0;
}

static bool load_numbers(const struct db_halves *db, struct start *start, struct str *error)
{
    return load_node(db->ledger, start, error) &&
           db_query(db->ledger, "SELECT value FROM meta WHERE name = 'settle_offset'", "", NULL,
                    "i", on_number, &start->settle_offset, error) &&
           db_query(db->journal, "SELECT COALESCE(MAX(pos), 0) FROM feed_log", "", NULL, "i",
                    on_number, &start->feed_position, error);
}

struct replay {
    struct feed *feed;
    uint64_t n;
    int64_t last;
};

static bool on_log_row(void *ctx, const struct value *cells)
{
    struct replay *replay = ctx;

    (void)!feed_replay(replay->feed, cells[0].i, cells[1].i, cells[2].s);
    replay->last = cells[0].i;
    if (++replay->n % 100000 == 0)
        log_info("serve", "rebuilding the book", "entries=%" PRIu64 " position=%" PRId64,
                 replay->n, replay->last);
    return true;
}

/*
 * The book from the log: all documents, what is recent, what settlement has
 * not stored yet, and each alive and turn, which say where to recover from.
 * Who will write a restart needs no older prices: nothing is bettable until it
 * is listed again.
 */
#define LOG_OF_BOOK \
    "SELECT pos, at_ms, body FROM feed_log WHERE type IN (8, 10, 11, 12, 13, 14)" \
    " OR at_ms >= $1 OR pos > $2 ORDER BY pos"
/* Who has no book knows the producers. */
#define LOG_OF_FEED \
    "SELECT pos, at_ms, body FROM feed_log WHERE type IN (8, 9, 12, 13)" \
    " OR (at_ms >= $1 AND pos > $2) ORDER BY pos"

static bool replay_log(struct serve *serve, struct db *db, struct str *error)
{
    struct replay replay = { .feed = serve->feed };
    struct value params[] = { VALUE_INT(serve->start.replay_from_ms),
                              VALUE_INT(serve->start.settle_offset) };
    int64_t started_us = clock_mono_us();

    if (!serve->roles.book)
        params[1] = VALUE_INT(INT64_MAX);
    if (!db_query(db, serve->roles.book ? LOG_OF_BOOK : LOG_OF_FEED, "ii", params, "iis",
                  on_log_row, &replay, error))
        return false;
    log_info("serve", "book rebuilt from the log", "entries=%" PRIu64 " ms=%" PRId64, replay.n,
             (clock_mono_us() - started_us) / 1000);
    return true;
}

/* What each part needs to know before the first message. */
static bool load_parts(struct serve *serve, const struct db_halves *db, struct str *error)
{
    bool reads_log = serve->roles.feed || serve->roles.book;
    bool alone = !serve->roles.bus;

    serve->operators = operators_new(&serve->loop, serve->store);
    if (alone)
        serve_make_local(serve);
    else
        serve_make_bus(serve);
    return operators_load(serve->operators, db->journal, error) &&
           (!reads_log || replay_log(serve, db->journal, error)) &&
           (serve->bets == NULL || liability_join(db->ledger, alone, error)) &&
           serve_load_risk(serve, db->ledger, error);
}

/* Everything that is read by blocking calls, before the first request. */
bool serve_load(struct serve *serve, struct str *error)
{
    struct db_halves db;
    bool well;

    if (!db_open_halves(serve->config.store, serve->config.ledger, DB_WRITE, &serve->arena, &db,
                        error))
        return false;
    serve->start.replay_from_ms = clock_wall_ms() - 3600000 *
        (serve->roles.feed ? serve->config.replay_hours : serve->config.feed_log_hours);
    serve->start.book_from_ms = clock_wall_ms() - 3600000 * serve->config.feed_log_hours;
    well = load_keys(db.ledger, &serve->start, error) &&
           load_numbers(&db, &serve->start, error) && load_parts(serve, &db, error);
    if (well && serve->who != NULL && serve->kafka != NULL)
        serve_make_money(serve, serve->kafka);
    db_close_halves(&db);
    return well;
}

