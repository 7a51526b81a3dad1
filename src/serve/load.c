/* What is read from the store before the parts are made: keys, numbers. */
#include "serve/inside.h"

#include <sodium.h>

#include "base/clock.h"
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

/* Both halves.  The parts that are opened read more of them; then
 * serve_start_db() closes them. */
bool serve_make_db(struct serve *serve, struct str *error)
{
    const struct settings *settings = &serve->settings;
    const struct config *config = &settings->config;
    struct start *start = &serve->start;
    struct db_halves *db = ARENA_NEW(&serve->arena, struct db_halves);

    if (!db_open_halves(config->store, config->ledger, DB_WRITE, &serve->arena, db, error))
        return false;
    serve->parts.db = db;
    start->replay_from_ms = clock_wall_ms() - 3600000 *
        (settings->played.feed ? config->replay_hours : config->feed_log_hours);
    start->book_from_ms = clock_wall_ms() - 3600000 * config->feed_log_hours;
    return load_keys(db->ledger, start, error) && load_numbers(db, start, error);
}

/* They are not needed any more. */
void serve_start_db(struct serve *serve)
{
    db_close_halves(serve->parts.db);
    serve->parts.db = NULL;
}
