/*
 * The store's front: picks the engine by the URL and passes calls on.
 */
#include "store/engine.h"

static const struct engine *const engines[] = { &engine_sqlite, &engine_postgres };

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const struct engine *find_engine(const char *url)
{
    if (has_prefix(url, "postgresql://"))
        return &engine_postgres; /* libpq's other spelling */
    for (size_t i = 0; i < LENGTH(engines); i++)
        if (has_prefix(url, engines[i]->scheme))
            return engines[i];
    return NULL;
}

struct store *store_open(uv_loop_t *loop, const struct store_options *options,
                         struct arena *arena, struct str *error)
{
    const struct engine *engine = find_engine(options->url);
    struct store *store;

    if (engine == NULL) {
        *error = arena_printf(arena,
                              "store %s: use sqlite:PATH or postgres://USER@HOST/DATABASE",
                              options->url);
        return NULL;
    }
    store = engine->open(loop, options, arena, error);
    CHECK(store == NULL || store->engine == engine);
    return store;
}

void store_close(struct store *store, void (*on_closed)(void *ctx), void *ctx)
{
    store->engine->close(store, on_closed, ctx);
}

bool store_is_up(const struct store *store)
{
    return store->engine->is_up(store);
}

unsigned store_lanes(const struct store *store)
{
    return store->engine->lanes(store);
}

void store_money(struct store *store, unsigned lane, struct money_batch *batch)
{
    CHECK(batch->n >= 1 && batch->n <= LIMIT_BATCH);
    CHECK(lane < store_lanes(store));
    store->engine->money(store, lane, batch);
}

void store_feed_append(struct store *store, struct feed_append *append)
{
    store->engine->feed_append(store, append);
}

void store_results_add(struct store *store, struct results_add *add)
{
    store->engine->results_add(store, add);
}

void store_settle_fetch(struct store *store, struct settle_fetch *fetch)
{
    CHECK(fetch->limit >= 1 && fetch->limit <= LIMIT_CHUNK);
    store->engine->settle_fetch(store, fetch);
}

void store_settle_write(struct store *store, struct settle_write *write)
{
    store->engine->settle_write(store, write);
}

void store_exec(struct store *store, struct store_exec *exec)
{
    CHECK(exec->n >= 1 && exec->n <= LENGTH(exec->calls));
    store->engine->exec(store, exec);
}

void store_outbox_read(struct store *store, struct outbox_read *read)
{
    CHECK(store->engine->outbox_read != NULL);
    store->engine->outbox_read(store, read);
}

void store_outbox_keep(struct store *store, struct outbox_keep *keep)
{
    CHECK(store->engine->outbox_keep != NULL);
    CHECK((keep->keep & keep->release) == 0 && (keep->keep & keep->take) == 0);
    store->engine->outbox_keep(store, keep);
}
