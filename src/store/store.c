/*
 * The store's front: opens a database for both halves, or one for each, and
 * passes calls on to the half they are of.
 */
#include <stdlib.h>

#include "store/engine.h"
#include "store/halves.h"
#include "store/money.h"

#define FRONT_MAGIC 0x53746f72u

struct store {
    uint32_t magic;
    struct database *journal, *ledger; /* one and the same, by default */
    unsigned open;                     /* databases that are not closed */
    void (*on_closed)(void *ctx);
    void *ctx;
};

static const struct engine *const engines[] = { &engine_sqlite, &engine_postgres };

static void store_check(const struct store *store)
{
    CHECK(store->magic == FRONT_MAGIC);
    CHECK(store->open == (store->journal == store->ledger ? 1u : 2u));
}

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

/* ---- opening ---------------------------------------------------------- */

static struct database *open_database(uv_loop_t *loop, const struct store_options *options,
                                      enum store_half halves, struct arena *arena,
                                      struct str *error)
{
    struct database_options database_options = {
        .url = halves == STORE_LEDGER ? options->ledger_url : options->url,
        .halves = halves,
        .lanes = options->lanes,
        .readers = options->readers,
        .company = options->company,
        .no_money = options->no_money,
        .no_settle = options->no_settle,
        .relay = options->relay,
    };
    const struct engine *engine = find_engine(database_options.url);
    struct database *database = engine->open(loop, &database_options, arena, error);

    CHECK(database == NULL || database->engine == engine);
    return database;
}

static bool is_known(const char *url, struct arena *arena, struct str *error)
{
    if (find_engine(url) != NULL)
        return true;
    *error = arena_printf(arena, "store %s: use sqlite:PATH or postgres://USER@HOST/DATABASE",
                          url);
    return false;
}

/* The journal alone is open: it closes by itself, for nobody waits for it. */
static void give_up(struct store *store)
{
    if (store->journal != NULL)
        store->journal->engine->close(store->journal, NULL, NULL);
    free(store);
}

struct store *store_open(uv_loop_t *loop, const struct store_options *options,
                         struct arena *arena, struct str *error)
{
    bool apart = options->ledger_url != NULL && options->ledger_url[0] != '\0';
    struct store *store;

    CHECK(loop != NULL && options->url != NULL);
    if (!is_known(options->url, arena, error) ||
        (apart && !is_known(options->ledger_url, arena, error)) ||
        !halves_ready(options->url, apart ? options->ledger_url : NULL, arena, error))
        return NULL;
    store = calloc(1, sizeof(*store));
    CHECK(store != NULL);
    store->magic = FRONT_MAGIC;
    store->journal = open_database(loop, options, apart ? STORE_JOURNAL : STORE_BOTH, arena,
                                   error);
    store->ledger = store->journal;
    if (store->journal != NULL && apart)
        store->ledger = open_database(loop, options, STORE_LEDGER, arena, error);
    if (store->ledger == NULL) {
        give_up(store);
        return NULL;
    }
    store->open = apart ? 2 : 1;
    store_check(store);
    return store;
}

/* ---- closing ---------------------------------------------------------- */

static void on_database_closed(void *ctx)
{
    struct store *store = ctx;
    void (*on_closed)(void *ctx) = store->on_closed;
    void *on_closed_ctx = store->ctx;

    CHECK(store->magic == FRONT_MAGIC && store->open > 0);
    if (--store->open > 0)
        return;
    store->magic = 0;
    free(store);
    if (on_closed != NULL)
        on_closed(on_closed_ctx);
}

void store_close(struct store *store, void (*on_closed)(void *ctx), void *ctx)
{
    struct database *journal = store->journal, *ledger = store->ledger;

    store_check(store);
    store->on_closed = on_closed;
    store->ctx = ctx;
    journal->engine->close(journal, on_database_closed, store);
    if (ledger != journal)
        ledger->engine->close(ledger, on_database_closed, store);
}

/* ---- calls ------------------------------------------------------------ */

static struct database *half_of(const struct store *store, enum store_half half)
{
    CHECK(half == STORE_JOURNAL || half == STORE_LEDGER);
    return half == STORE_JOURNAL ? store->journal : store->ledger;
}

bool store_is_up(const struct store *store)
{
    return store->ledger->engine->is_up(store->ledger)
        && (store->journal == store->ledger || store->journal->engine->is_up(store->journal));
}

unsigned store_lanes(const struct store *store)
{
    return store->ledger->engine->lanes(store->ledger);
}

void store_money(struct store *store, unsigned lane, struct money_batch *batch)
{
    CHECK(lane < store_lanes(store));
    for (uint32_t i = 0; i < batch->n; i++)
        batch->cmds[i]->outcome = MONEY_PENDING;
    money_batch_check(batch);
    store->ledger->engine->money(store->ledger, lane, batch);
}

void store_feed_append(struct store *store, struct feed_append *append)
{
    CHECK(append->n >= 1 && append->rows[0].pos >= 1);
    CHECK(append->epoch >= 0 && append->on_done != NULL);
    for (uint32_t i = 1; i < append->n; i++)
        CHECK(append->rows[i].pos > append->rows[i - 1].pos);
    store->journal->engine->feed_append(store->journal, append);
}

void store_results_add(struct store *store, struct results_add *add)
{
    CHECK(add->n >= 1 && add->facts != NULL);
    CHECK(add->offset >= 0 && add->at_ms > 0);
    store->ledger->engine->results_add(store->ledger, add);
}

void store_settle_fetch(struct store *store, struct settle_fetch *fetch)
{
    CHECK(fetch->limit >= 1 && fetch->limit <= LIMIT_CHUNK);
    CHECK(fetch->after >= 0 && fetch->arena != NULL);
    store->ledger->engine->settle_fetch(store->ledger, fetch);
}

/* What settlement asks for: each item is another state of a bet that is there. */
static void settle_check(const struct settle_write *write)
{
    CHECK(write->n <= LIMIT_CHUNK);
    CHECK(write->pos >= 0 && write->cursor >= 0 && write->at_ms > 0);
    for (uint32_t i = 0; i < write->n; i++) {
        const struct settle_item *item = &write->items[i];

        CHECK(item->account > 0 && item->bet > 0 && item->version > 0);
        CHECK(item->payout_minor >= 0);
        CHECK(item->event == 0 || item->state == BET_SETTLED || item->payout_minor == 0);
        CHECK(item->state == BET_SETTLED || item->state == BET_ACCEPTED);
        CHECK(item->delta_minor <= item->payout_minor); /* the old payout was >= 0 */
        CHECK(item->event != 0 || item->delta_minor == 0);
        CHECK(item->staked_delta_minor <= 0 || item->state == BET_ACCEPTED);
    }
}

void store_settle_write(struct store *store, struct settle_write *write)
{
    settle_check(write);
    store->ledger->engine->settle_write(store->ledger, write);
}

/* One transaction is of one half. */
static enum store_half half_of_calls(const struct store_exec *exec)
{
    enum store_half half = statement_info(exec->calls[0].statement)->half;

    for (uint32_t i = 1; i < exec->n; i++)
        CHECK(statement_info(exec->calls[i].statement)->half == half);
    return half;
}

void store_exec(struct store *store, struct store_exec *exec)
{
    struct database *database;

    CHECK(exec->n >= 1 && exec->n <= LENGTH(exec->calls));
    CHECK(exec->arena != NULL && exec->on_done != NULL);
    database = half_of(store, half_of_calls(exec));
    database->engine->exec(database, exec);
}

void store_outbox_read(struct store *store, struct outbox_read *read)
{
    CHECK(store->ledger->engine->outbox_read != NULL);
    CHECK(read->classes < 1u << ACCOUNT_CLASSES && read->arena != NULL);
    store->ledger->engine->outbox_read(store->ledger, read);
}

void store_outbox_keep(struct store *store, struct outbox_keep *keep)
{
    CHECK(store->ledger->engine->outbox_keep != NULL);
    CHECK((keep->keep & keep->release) == 0 && (keep->keep & keep->take) == 0);
    CHECK((keep->take & keep->release) == 0 && (!keep->leave || keep->take == 0));
    CHECK((keep->keep | keep->take | keep->release) < 1u << ACCOUNT_CLASSES);
    CHECK(keep->lease_ms > 0 && keep->told >= 0 && keep->owner.n > 0);
    store->ledger->engine->outbox_keep(store->ledger, keep);
}
