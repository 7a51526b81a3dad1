/*
 * What an engine gives to store.c: one row of functions.  store.c finds the
 * engine by the URL's scheme and passes calls on.  And what both engines must
 * do alike (statements.c): the named statements, a fact's hash,
 * whom a batch relies on.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store/store.h"

struct engine {
    const char *scheme; /* "sqlite:", "postgres://", "postgresql://" */
    struct store *(*open)(uv_loop_t *loop, const struct store_options *options,
                          struct arena *arena, struct str *error);
    void (*close)(struct store *store, void (*on_closed)(void *ctx), void *ctx);
    bool (*is_up)(const struct store *store);
    unsigned (*lanes)(const struct store *store);
    void (*money)(struct store *store, unsigned lane, struct money_batch *batch);
    void (*feed_append)(struct store *store, struct feed_append *append);
    void (*results_add)(struct store *store, struct results_add *add);
    void (*settle_fetch)(struct store *store, struct settle_fetch *fetch);
    void (*settle_write)(struct store *store, struct settle_write *write);
    void (*exec)(struct store *store, struct store_exec *exec);
    void (*outbox_read)(struct store *store, struct outbox_read *read); /* may be NULL */
    void (*outbox_keep)(struct store *store, struct outbox_keep *keep);
};

/* The first member of every engine's own struct. */
struct store {
    const struct engine *engine;
};

extern const struct engine engine_sqlite;
extern const struct engine engine_postgres;

struct statement_info {
    const char *name, *params, *columns, *sql;
    bool reads_only; /* begins with SELECT */
};
const struct statement_info *statement_info(enum statement statement);

/* The holder whose leases the batch charges; 0 = none.  Of several -1, which
 * is nobody's: at least one of them is over. */
int64_t money_fence(const struct money_batch *batch);

/* The content hash of a fact, facts.hash: market, kind, rank, producer, time,
 * certainty, window, outcomes. */
int64_t fact_hash(const struct fact *fact, struct str outcomes);

#endif
