/* Operators: see operators.h. */
#include "serve/operators.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/log.h"

#define READ_EVERY_MS 3000
#define OPERATORS_MAX 1000
#define ARENA_BYTES (1024 * 1024)
#define ROOT STR("root")

struct known {
    struct operator operator;
    uint8_t hash[OPERATOR_TOKEN_HASH_BYTES];
};

/* One reading of the table; two of them, so that the old one holds until the
 * new one is whole. */
struct reading {
    struct arena arena;
    struct known *all;
    uint32_t n;
};

struct operators {
    struct store *store;
    uv_timer_t timer;
    struct known root;
    struct reading readings[2], *now, *next;
    struct store_exec exec;
    struct arena exec_arena;
    bool busy;
};

void operator_token_hash(struct str token, uint8_t hash[OPERATOR_TOKEN_HASH_BYTES])
{
    (void)crypto_generichash(hash, OPERATOR_TOKEN_HASH_BYTES, (const uint8_t *)token.p, token.n,
                             NULL, 0);
}

/* ---- reading ------------------------------------------------------------ */

static struct reading *reading_begin(struct operators *operators)
{
    struct reading *reading = operators->next;

    arena_reset(&reading->arena);
    reading->all = ARENA_ARRAY(&reading->arena, struct known, OPERATORS_MAX);
    reading->n = 0;
    return reading;
}

/* Cells: name, roles, token. */
static bool reading_put(void *ctx, const struct value *cells)
{
    struct reading *reading = ctx;
    struct known *known = &reading->all[reading->n];

    if (reading->n == OPERATORS_MAX)
        return false;
    if (!operator_roles_parse(cells[1].s, &known->operator.roles) ||
        cells[2].s.n != sizeof(known->hash)) {
        log_error("operators", "an operator cannot be read", "name=" STR_FMT,
                  STR_ARG(cells[0].s));
        return true;
    }
    known->operator.name = arena_str(&reading->arena, cells[0].s);
    memcpy(known->hash, cells[2].s.p, sizeof(known->hash));
    reading->n++;
    return true;
}

static void reading_end(struct operators *operators)
{
    struct reading *was = operators->now;

    operators->now = operators->next;
    operators->next = was;
}

bool operators_load(struct operators *operators, struct db *db, struct str *error)
{
    static const char sql[] =
        "SELECT name, roles, token FROM operators WHERE ended_ms = 0 ORDER BY name";

    if (!db_query(db, sql, "", NULL, "ssb", reading_put, reading_begin(operators), error))
        return false;
    reading_end(operators);
    return true;
}

/* The store cannot be read: those known stay, for nothing can be done then
 * that needs the store. */
static void on_read(struct store_exec *exec, enum store_result result)
{
    struct operators *operators = exec->ctx;
    struct reading *reading;

    operators->busy = false;
    if (result != STORE_OK)
        return;
    reading = reading_begin(operators);
    for (uint32_t i = 0; i < exec->rows; i++)
        (void)reading_put(reading, &EXEC_CELL(exec, i, 0));
    reading_end(operators);
}

static void on_timer(uv_timer_t *timer)
{
    struct operators *operators = timer->data;

    if (operators->busy || !store_is_up(operators->store))
        return;
    operators->busy = true;
    arena_reset(&operators->exec_arena);
    operators->exec = (struct store_exec){ .n = 1, .arena = &operators->exec_arena,
                                           .on_done = on_read, .ctx = operators };
    operators->exec.calls[0] =
        (struct statement_call){ STATEMENT_OPERATORS_LIST, { VALUE_INT(OPERATORS_MAX) } };
    store_exec(operators->store, &operators->exec);
}

/* ---- asking ------------------------------------------------------------- */

static bool is_token_of(const struct known *known, const uint8_t *hash)
{
    return sodium_memcmp(known->hash, hash, sizeof(known->hash)) == 0;
}

const struct operator *operators_find(const struct operators *operators, struct str token)
{
    uint8_t hash[OPERATOR_TOKEN_HASH_BYTES];

    if (token.n == 0)
        return NULL;
    operator_token_hash(token, hash);
    if (operators->root.operator.roles != 0 && is_token_of(&operators->root, hash))
        return &operators->root.operator;
    for (uint32_t i = 0; i < operators->now->n; i++)
        if (is_token_of(&operators->now->all[i], hash))
            return &operators->now->all[i].operator;
    return NULL;
}

/* ---- life --------------------------------------------------------------- */

struct operators *operators_new(uv_loop_t *loop, struct store *store)
{
    struct operators *operators = calloc(1, sizeof(*operators));

    CHECK(operators != NULL);
    operators->store = store;
    operators->now = &operators->readings[0];
    operators->next = &operators->readings[1];
    arena_init(&operators->readings[0].arena, ARENA_BYTES);
    arena_init(&operators->readings[1].arena, ARENA_BYTES);
    arena_init(&operators->exec_arena, ARENA_BYTES);
    uv_timer_init(loop, &operators->timer);
    operators->timer.data = operators;
    return operators;
}

void operators_set_root(struct operators *operators, struct str token)
{
    operators->root.operator = (struct operator){ ROOT, ROLES_ALL };
    operator_token_hash(token, operators->root.hash);
}

void operators_start(struct operators *operators)
{
    uv_timer_start(&operators->timer, on_timer, READ_EVERY_MS, READ_EVERY_MS);
}

bool operators_idle(const struct operators *operators)
{
    return !operators->busy;
}

void operators_stop(struct operators *operators)
{
    uv_close((uv_handle_t *)&operators->timer, NULL);
}

void operators_free(struct operators *operators)
{
    CHECK(!operators->busy);
    arena_fini(&operators->readings[0].arena);
    arena_fini(&operators->readings[1].arena);
    arena_fini(&operators->exec_arena);
    free(operators);
}
