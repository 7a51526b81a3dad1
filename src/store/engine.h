/*
 * What an engine gives to store.c: one row of functions.  store.c opens a
 * database for both halves, or one for each, finds the engine by the URL's
 * scheme and passes calls on to the half they are of.  And what both engines
 * must do alike (statements.c): the named statements, a fact's hash, whom a
 * batch relies on.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/journal.h"
#include "store/ledger.h"

/* What lives in it: one half of the store, or both. */
struct database;

struct database_options {
    const char *url;
    enum store_half halves;
    unsigned lanes, readers;
    enum store_company company;
    bool no_money, no_settle, relay; /* as store_options has them */
};

struct engine {
    const char *scheme; /* "sqlite:", "postgres://", "postgresql://" */
    struct database *(*open)(uv_loop_t *loop, const struct database_options *options,
                          struct arena *arena, struct str *error);
    void (*close)(struct database *database, void (*on_closed)(void *ctx), void *ctx);
    bool (*is_up)(const struct database *database);
    unsigned (*lanes)(const struct database *database);
    void (*money)(struct database *database, unsigned lane, struct money_batch *batch);
    void (*feed_append)(struct database *database, struct feed_append *append);
    void (*results_add)(struct database *database, struct results_add *add);
    void (*settle_fetch)(struct database *database, struct settle_fetch *fetch);
    void (*settle_write)(struct database *database, struct settle_write *write);
    void (*exec)(struct database *database, struct store_exec *exec);
    void (*outbox_read)(struct database *database, struct outbox_read *read); /* may be NULL */
    void (*outbox_keep)(struct database *database, struct outbox_keep *keep);
};

/* The first member of every engine's own struct. */
struct database {
    const struct engine *engine;
};

extern const struct engine engine_sqlite;
extern const struct engine engine_postgres;

struct statement_info {
    const char *name, *params, *columns, *sql;
    enum store_half half;
    bool reads_only; /* begins with SELECT */
};
const struct statement_info *statement_info(enum statement statement);

/* The halves whose tables the text names; 0 = none of either's. */
unsigned sql_halves(const char *sql);
/* Of statements that are no named ones: the text must be of these halves alone. */
void sql_check_half(const char *sql, enum store_half halves);

/* The holder whose leases the batch charges; 0 = none.  Of several -1, which
 * is nobody's: at least one of them is over. */
int64_t money_fence(const struct money_batch *batch);

/* The content hash of a fact, facts.hash: market, kind, rank, producer, time,
 * certainty, window, outcomes. */
int64_t fact_hash(const struct fact *fact, struct str outcomes);

#endif
