/* Liability: see liability.h. */
#include "bets/liability.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/metrics.h"

#define TICK_MS 5000
#define HOLD_MS 60000       /* how long this process may live on its grants unseen */
#define RENEW_MS 20000
#define ASK_ARENA_BYTES (LIMIT_CHUNK * (size_t)(2 * LIMIT_SLIP_BYTES + 4096))
#define NO_LIMIT (-1)       /* an ask that only brings what is owed */

struct liability_entry {
    struct market_id market;
    struct str outcome;
    int64_t granted, charged; /* granted >= charged */
    int64_t claimed;          /* of charged: by claims that are not kept yet */
    int64_t owed;             /* the row is to grow by this in any case; < 0: to shrink */
    int64_t added;            /* by liability_add(), since the store was asked */
    int64_t used_ms;
    bool asking;
    bool lost;                /* the row may not know what is charged here */
    struct liability_claim *waiting, **last_waiting;
    size_t name_bytes;
    char name[];              /* market key, outcome: the map's key */
};

/* One round of an entry with the store: grant, or read and seed and grant. */
struct ask {
    struct liability *liability;
    struct liability_entry *entry;
    struct arena arena;
    struct store_exec exec;
    struct settle_fetch fetch;
    int64_t key, need, limit, owed, sum;
    struct slip slip;
};

struct liability {
    struct liability_options options;
    uv_timer_t timer;
    struct map map;
    uint32_t asks;          /* in flight */
    struct store_exec hold; /* the process's own row */
    struct arena hold_arena;
    bool holding;           /* in flight */
    bool draining;
    int64_t held_until_ms, renewed_ms;
};

static void grant(struct ask *ask);

/* ---- entries ------------------------------------------------------------ */

#define NAME_BYTES (sizeof(int64_t) + LIMIT_ID_BYTES)

static size_t make_name(char name[NAME_BYTES], struct market_id market, struct str outcome)
{
    int64_t key = market_key(market);

    CHECK(outcome.n <= LIMIT_ID_BYTES);
    memcpy(name, &key, sizeof(key));
    if (outcome.n > 0)
        memcpy(name + sizeof(key), outcome.p, outcome.n);
    return sizeof(key) + outcome.n;
}

static struct liability_entry *find(const struct liability *liability, struct market_id market,
                                    struct str outcome)
{
    char name[NAME_BYTES];
    size_t n;

    if (liability->map.n == 0)
        return NULL;
    n = make_name(name, market, outcome);
    return map_get(&liability->map, (struct str){ name, n });
}

static struct str copy(char **at, struct str text)
{
    struct str its = { *at, text.n };

    if (text.n > 0)
        memcpy(*at, text.p, text.n);
    *at += text.n;
    return its;
}

/* NULL: there are too many. */
static struct liability_entry *make(struct liability *liability, struct market_id market,
                                    struct str outcome)
{
    char name[NAME_BYTES], *at;
    size_t n = make_name(name, market, outcome);
    struct liability_entry *entry =
        calloc(1, sizeof(*entry) + n + market.event.n + market.specifiers.n);

    CHECK(entry != NULL);
    entry->name_bytes = n;
    memcpy(entry->name, name, n);
    entry->outcome = (struct str){ entry->name + sizeof(int64_t), outcome.n };
    at = entry->name + n;
    entry->market.market = market.market;
    entry->market.event = copy(&at, market.event);
    entry->market.specifiers = copy(&at, market.specifiers);
    entry->last_waiting = &entry->waiting;
    entry->lost = true;
    if (!map_put(&liability->map, (struct str){ entry->name, n }, entry)) {
        free(entry);
        return NULL;
    }
    return entry;
}

static void drop(struct liability *liability, struct liability_entry *entry)
{
    CHECK(!entry->asking && entry->waiting == NULL && entry->claimed == 0);
    CHECK(map_del(&liability->map, (struct str){ entry->name, entry->name_bytes }) == entry);
    free(entry);
}

static void charge_entry(struct liability_entry *entry, int64_t amount_minor)
{
    entry->charged += amount_minor;
    entry->claimed += amount_minor;
    CHECK(entry->charged <= entry->granted);
}

/* ---- claims ------------------------------------------------------------- */

void liability_release(struct liability *liability, struct liability_claim *claim)
{
    (void)liability;
    for (uint32_t i = 0; i < claim->n_legs; i++) {
        struct liability_leg *leg = &claim->legs[i];

        if (leg->entry == NULL)
            continue;
        leg->entry->charged -= leg->amount_minor;
        leg->entry->claimed -= leg->amount_minor;
        CHECK(leg->entry->claimed >= 0);
        leg->entry = NULL;
    }
}

void liability_keep(struct liability *liability, struct liability_claim *claim)
{
    for (uint32_t i = 0; i < claim->n_legs; i++) {
        struct liability_leg *leg = &claim->legs[i];

        if (leg->entry == NULL) { /* no limit held: it counts when one does */
            liability_add(liability, leg->market, leg->outcome, leg->amount_minor);
            continue;
        }
        leg->entry->claimed -= leg->amount_minor;
        CHECK(leg->entry->claimed >= 0);
        leg->entry = NULL;
    }
}

bool liability_recharge(struct liability *liability, struct liability_claim *claim,
                        int64_t amount_minor)
{
    (void)liability;
    for (uint32_t i = 0; i < claim->n_legs; i++) {
        const struct liability_leg *leg = &claim->legs[i];
        int64_t room;

        if (leg->entry == NULL)
            continue;
        room = leg->entry->granted - leg->entry->charged + leg->amount_minor;
        if (amount_minor > room) {
            claim->room_minor = room;
            return false;
        }
    }
    for (uint32_t i = 0; i < claim->n_legs; i++) {
        struct liability_leg *leg = &claim->legs[i];

        if (leg->entry != NULL)
            charge_entry(leg->entry, amount_minor - leg->amount_minor);
        leg->amount_minor = amount_minor;
    }
    return true;
}

static void wait_for(struct liability_entry *entry, struct liability_claim *claim)
{
    claim->next = NULL;
    *entry->last_waiting = claim;
    entry->last_waiting = &claim->next;
}

static enum liability_result fail(struct liability *liability, struct liability_claim *claim,
                                  enum liability_result result)
{
    claim->n_legs = claim->at; /* the others were never charged */
    liability_release(liability, claim);
    return result;
}

static void ask_start(struct liability *liability, struct liability_entry *entry,
                      int64_t need, int64_t limit);

/* Charges leg by leg until one has to wait for the store. */
static enum liability_result advance(struct liability *liability,
                                     struct liability_claim *claim)
{
    for (; claim->at < claim->n_legs; claim->at++) {
        struct liability_leg *leg = &claim->legs[claim->at];
        struct liability_entry *entry;

        if (leg->limit_minor < 0)
            continue;
        entry = find(liability, leg->market, leg->outcome);
        if (entry == NULL && (entry = make(liability, leg->market, leg->outcome)) == NULL)
            return fail(liability, claim, LIABILITY_BUSY);
        entry->used_ms = clock_wall_ms();
        if (!entry->lost && entry->charged + leg->amount_minor > leg->limit_minor) {
            claim->room_minor = leg->limit_minor > entry->charged
                ? leg->limit_minor - entry->charged : 0;
            return fail(liability, claim, LIABILITY_FULL);
        }
        if (entry->lost || entry->waiting != NULL ||
            entry->charged + leg->amount_minor > entry->granted) {
            if (claim->at_once) {
                claim->room_minor = entry->granted - entry->charged;
                return fail(liability, claim, LIABILITY_FULL);
            }
            wait_for(entry, claim);
            if (!entry->asking)
                ask_start(liability, entry, entry->charged + leg->amount_minor - entry->granted,
                          leg->limit_minor);
            return LIABILITY_WAITING;
        }
        charge_entry(entry, leg->amount_minor);
        leg->entry = entry;
    }
    return LIABILITY_CHARGED;
}

/* Past the time this process may live on its grants they are not its own any
 * more: another one may have forgotten the rows. */
static void check_hold(struct liability *liability)
{
    struct liability_entry *entry;
    size_t at = 0;

    if (liability->held_until_ms == 0 || clock_wall_ms() < liability->held_until_ms)
        return;
    log_warn("liability", "grants have lapsed: the store was not reached in time", NULL);
    liability->held_until_ms = 0;
    while ((entry = map_next(&liability->map, &at)) != NULL) {
        entry->granted = entry->charged;
        entry->owed += entry->claimed;
        entry->lost = true;
    }
}

enum liability_result liability_charge(struct liability *liability,
                                       struct liability_claim *claim)
{
    CHECK(claim->n_legs <= LIMIT_LEGS && claim->on_done != NULL);
    if (liability->draining)
        return LIABILITY_BUSY;
    check_hold(liability);
    claim->at = 0;
    claim->room_minor = 0;
    for (uint32_t i = 0; i < claim->n_legs; i++) {
        CHECK(claim->legs[i].amount_minor >= 0);
        claim->legs[i].entry = NULL;
    }
    return advance(liability, claim);
}

/* ---- what needs no claim ------------------------------------------------ */

void liability_add(struct liability *liability, struct market_id market, struct str outcome,
                   int64_t amount_minor)
{
    struct liability_entry *entry = find(liability, market, outcome);
    int64_t beyond;

    CHECK(amount_minor >= 0);
    if (entry == NULL)
        return; /* the row will begin with it */
    entry->charged += amount_minor;
    entry->added += amount_minor;
    beyond = entry->charged - entry->granted;
    if (beyond > 0) {
        entry->granted += beyond;
        entry->owed += beyond;
    }
}

void liability_take(struct liability *liability, struct market_id market, struct str outcome,
                    int64_t amount_minor)
{
    struct liability_entry *entry = find(liability, market, outcome);
    int64_t kept, own;

    CHECK(amount_minor >= 0);
    if (entry == NULL)
        return;
    kept = entry->charged - entry->claimed;
    own = amount_minor < kept ? amount_minor : kept;
    entry->charged -= own;
    entry->owed -= amount_minor - own; /* charged by another process: the row's */
    entry->used_ms = clock_wall_ms();
}

/* ---- the store ---------------------------------------------------------- */

static void ask_end(struct ask *ask)
{
    struct liability *liability = ask->liability;

    CHECK(ask->entry->asking && liability->asks > 0);
    ask->entry->asking = false;
    liability->asks--;
    arena_fini(&ask->arena);
    free(ask);
}

static void tell(struct liability_claim *claim, enum liability_result result)
{
    if (result != LIABILITY_WAITING)
        claim->on_done(claim, result);
}

static struct liability_claim *take_waiting(struct liability_entry *entry)
{
    struct liability_claim *first = entry->waiting;

    entry->waiting = NULL;
    entry->last_waiting = &entry->waiting;
    return first;
}

static void refuse_waiting(struct liability *liability, struct liability_entry *entry)
{
    struct liability_claim *claim = take_waiting(entry), *next;

    for (; claim != NULL; claim = next) {
        next = claim->next;
        tell(claim, fail(liability, claim, LIABILITY_BUSY));
    }
}

/* After an answer each that waited goes on, is refused, or waits again.
 * `row_minor` is what is granted to all; 0 lets them ask. */
static void serve_waiting(struct liability *liability, struct liability_entry *entry,
                          int64_t row_minor)
{
    struct liability_claim *claim = take_waiting(entry), *next;

    for (; claim != NULL; claim = next) {
        const struct liability_leg *leg = &claim->legs[claim->at];
        int64_t left = leg->limit_minor - row_minor;
        int64_t room = entry->granted - entry->charged + (left > 0 ? left : 0);

        next = claim->next;
        if (!entry->lost && leg->amount_minor > room) {
            claim->room_minor = room;
            tell(claim, fail(liability, claim, LIABILITY_FULL));
        } else {
            tell(claim, advance(liability, claim));
        }
    }
}

/* Columns of LIABILITY_GRANT. */
enum { G_PORTION, G_GRANTED };

static void on_grant(struct store_exec *exec, enum store_result result);

static void on_seed(struct store_exec *exec, enum store_result result)
{
    struct ask *ask = exec->ctx;
    struct liability_entry *entry = ask->entry;

    if (result != STORE_OK) {
        on_grant(exec, result);
        return;
    }
    if (exec->rows == 1) { /* the row is new, and what it begins with is ours */
        entry->owed = ask->owed = entry->claimed + entry->added;
        entry->charged = entry->granted = ask->sum + entry->owed;
    }
    entry->lost = false;
    grant(ask);
}

static void seed(struct ask *ask)
{
    arena_reset(&ask->arena);
    ask->exec = (struct store_exec){
        .calls = { { STATEMENT_LIABILITY_SEED,
                     { VALUE_INT(ask->key), VALUE_STR(ask->entry->outcome),
                       VALUE_INT(ask->sum) } } },
        .n = 1, .arena = &ask->arena, .on_done = on_seed, .ctx = ask,
    };
    store_exec(ask->liability->options.store, &ask->exec);
}

/* Of one open bet, on this entry's outcome. */
static int64_t counted(struct ask *ask, const struct bet_row *row)
{
    const struct currency *currency = currency_find(row->currency);
    struct slip *slip = &ask->slip;
    int64_t amount;

    if (row->state != BET_ACCEPTED || currency == NULL ||
        !slip_decode(row->slip, &ask->arena, slip))
        return 0;
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        if (!market_id_equal(slip->legs[i].market, ask->entry->market) ||
            !str_eq(slip->legs[i].outcome, ask->entry->outcome))
            continue;
        amount = house_liability(ask->liability->options.house, currency, row->stake_minor,
                                 row->potential_minor);
        return amount < 0 ? 0 : amount; /* taken before there was a limit */
    }
    return 0;
}

static void on_fetch(struct settle_fetch *fetch, enum store_result result)
{
    struct ask *ask = fetch->ctx;

    if (result != STORE_OK) {
        on_grant(&ask->exec, result);
        return;
    }
    for (uint32_t i = 0; i < fetch->n; i++) {
        ask->sum += counted(ask, &fetch->rows[i]);
        fetch->after = fetch->rows[i].id;
    }
    if (fetch->n < fetch->limit) {
        seed(ask);
        return;
    }
    arena_reset(&ask->arena);
    store_settle_fetch(ask->liability->options.store, fetch);
}

/* There is no row: it begins with what is open now. */
static void read_open(struct ask *ask)
{
    ask->sum = 0;
    ask->entry->added = 0;
    ask->fetch = (struct settle_fetch){
        .market_key = ask->key, .limit = LIMIT_CHUNK, .arena = &ask->arena,
        .on_done = on_fetch, .ctx = ask,
    };
    store_settle_fetch(ask->liability->options.store, &ask->fetch);
}

static void granted(struct ask *ask, const struct value *row)
{
    struct liability *liability = ask->liability;
    struct liability_entry *entry = ask->entry;
    int64_t row_minor = row[G_GRANTED].i;

    entry->granted += row[G_PORTION].i;
    entry->owed -= ask->owed;
    entry->lost = false;
    metric_add(METRIC_LIABILITY_GRANTS, row[G_PORTION].i > 0 ? STR("granted") :
               ask->limit < 0 ? STR("returned") : STR("full"), 1);
    ask_end(ask);
    serve_waiting(liability, entry, row_minor);
}

static void on_grant(struct store_exec *exec, enum store_result result)
{
    struct ask *ask = exec->ctx;
    struct liability *liability = ask->liability;
    struct liability_entry *entry = ask->entry;
    bool no_row = result == STORE_OK && exec->rows == 0;

    if (result == STORE_OK && exec->rows == 1) {
        granted(ask, exec->cells);
        return;
    }
    if (no_row && ask->limit >= 0) {
        read_open(ask);
        return;
    }
    /* Unknown: what was to grow grows again, what was to shrink is lost. */
    if (ask->owed < 0 && result != STORE_UNAVAILABLE)
        entry->owed -= ask->owed;
    ask_end(ask);
    if (no_row) {
        entry->lost = true;
        serve_waiting(liability, entry, 0);
    } else {
        refuse_waiting(liability, entry);
    }
}

static void grant(struct ask *ask)
{
    arena_reset(&ask->arena);
    ask->exec = (struct store_exec){
        .calls = { { STATEMENT_LIABILITY_GRANT,
                     { VALUE_INT(ask->key), VALUE_STR(ask->entry->outcome),
                       VALUE_INT(ask->need), VALUE_INT(ask->limit), VALUE_INT(ask->owed) } } },
        .n = 1, .arena = &ask->arena, .on_done = on_grant, .ctx = ask,
    };
    store_exec(ask->liability->options.store, &ask->exec);
}

static void ask_start(struct liability *liability, struct liability_entry *entry,
                      int64_t need, int64_t limit)
{
    struct ask *ask = calloc(1, sizeof(*ask));

    CHECK(ask != NULL && !entry->asking);
    entry->asking = true;
    liability->asks++;
    *ask = (struct ask){
        .liability = liability, .entry = entry, .key = market_key(entry->market),
        .need = need < 0 ? 0 : need, .limit = limit, .owed = entry->owed,
    };
    ask->exec.ctx = ask;
    arena_init(&ask->arena, ASK_ARENA_BYTES);
    grant(ask);
}

/* ---- what is unused ------------------------------------------------------ */

static void on_dropped(struct store_exec *exec, enum store_result result)
{
    struct ask *ask = exec->ctx;
    struct liability *liability = ask->liability;
    struct liability_entry *entry = ask->entry;

    (void)result; /* a row that stays is found by nobody */
    ask_end(ask);
    entry->lost = true;
    if (entry->waiting == NULL && entry->claimed == 0)
        drop(liability, entry);
    else
        serve_waiting(liability, entry, 0);
}

/* The market is over: its row goes, and with it all that was lost on it. */
static void forget(struct liability *liability, struct liability_entry *entry)
{
    struct ask *ask = calloc(1, sizeof(*ask));

    CHECK(ask != NULL);
    entry->asking = true;
    liability->asks++;
    ask->liability = liability;
    ask->entry = entry;
    arena_init(&ask->arena, ASK_ARENA_BYTES);
    ask->exec = (struct store_exec){
        .calls = { { STATEMENT_LIABILITY_DROP,
                     { VALUE_INT(market_key(entry->market)), VALUE_STR(entry->outcome) } } },
        .n = 1, .arena = &ask->arena, .on_done = on_dropped, .ctx = ask,
    };
    store_exec(liability->options.store, &ask->exec);
}

/* What nobody used for a while may be used by another process. */
static void give_back(struct liability *liability, struct liability_entry *entry)
{
    int64_t unused = entry->granted - entry->charged;

    entry->granted -= unused;
    entry->owed -= unused;
    if (entry->owed != 0)
        ask_start(liability, entry, 0, NO_LIMIT);
}

static void look_after(struct liability *liability, int64_t idle_ms)
{
    int64_t now_ms = clock_wall_ms();
    struct liability_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&liability->map, &at)) != NULL) {
        if (entry->asking || entry->waiting != NULL)
            continue;
        if (entry->claimed == 0 && liability->options.is_over != NULL &&
            liability->options.is_over(liability->options.ctx, entry->market))
            forget(liability, entry);
        else if (!entry->lost && now_ms - entry->used_ms >= idle_ms)
            give_back(liability, entry);
        else if (entry->owed > 0 && !entry->lost)
            ask_start(liability, entry, 0, NO_LIMIT);
    }
}

static void on_held(struct store_exec *exec, enum store_result result)
{
    struct liability *liability = exec->ctx;

    liability->holding = false;
    if (result == STORE_OK)
        liability->held_until_ms = liability->renewed_ms + HOLD_MS;
    arena_reset(&liability->hold_arena);
}

static void hold(struct liability *liability, bool leave)
{
    liability->holding = true;
    liability->renewed_ms = clock_wall_ms();
    liability->hold = (struct store_exec){
        .calls = { { STATEMENT_LIABILITY_HOLD,
                     { VALUE_INT(liability->options.node),
                       VALUE_INT(leave ? 0 : liability->renewed_ms + HOLD_MS) } } },
        .n = 1, .arena = &liability->hold_arena, .on_done = on_held, .ctx = liability,
    };
    store_exec(liability->options.store, &liability->hold);
}

static void on_tick(uv_timer_t *timer)
{
    struct liability *liability = timer->data;
    int64_t tick_ms = liability->options.tick_ms;

    if (liability->draining)
        return;
    check_hold(liability);
    if (!liability->holding && clock_wall_ms() - liability->renewed_ms >= RENEW_MS)
        hold(liability, false);
    if (store_is_up(liability->options.store))
        look_after(liability, tick_ms);
}

/* ---- the whole ---------------------------------------------------------- */

struct liability *liability_new(const struct liability_options *options)
{
    struct liability *liability = calloc(1, sizeof(*liability));

    CHECK(liability != NULL && options->house != NULL);
    liability->options = *options;
    if (options->tick_ms == 0)
        liability->options.tick_ms = TICK_MS;
    map_init(&liability->map, LIMIT_LIABILITY);
    arena_init(&liability->hold_arena, 1 << 20);
    liability->renewed_ms = clock_wall_ms(); /* by liability_join(), just now */
    liability->held_until_ms = liability->renewed_ms + HOLD_MS;
    CHECK(uv_timer_init(options->loop, &liability->timer) == 0);
    liability->timer.data = liability;
    CHECK(uv_timer_start(&liability->timer, on_tick, (uint64_t)liability->options.tick_ms,
                         (uint64_t)liability->options.tick_ms) == 0);
    uv_unref((uv_handle_t *)&liability->timer);
    return liability;
}

static void on_closed(uv_handle_t *handle)
{
    struct liability *liability = handle->data;
    struct liability_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&liability->map, &at)) != NULL)
        free(entry);
    map_fini(&liability->map);
    arena_fini(&liability->hold_arena);
    free(liability);
}

void liability_free(struct liability *liability)
{
    if (liability == NULL)
        return;
    CHECK(liability_is_idle(liability));
    uv_close((uv_handle_t *)&liability->timer, on_closed);
}

bool liability_is_idle(const struct liability *liability)
{
    return liability->asks == 0 && !liability->holding;
}

void liability_drain(struct liability *liability)
{
    if (liability->draining)
        return;
    liability->draining = true;
    look_after(liability, INT64_MIN);
    if (!liability->holding)
        hold(liability, true);
}

size_t liability_count(const struct liability *liability)
{
    return liability->map.n;
}

static bool on_count(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

bool liability_join(struct db *db, int64_t node, int64_t now_ms, bool alone,
                    struct str *error)
{
    struct value hold[] = { VALUE_INT(node), VALUE_INT(now_ms + HOLD_MS) };
    struct value others[] = { VALUE_INT(node), VALUE_INT(now_ms) };
    int64_t n = 0;

    /* First seen, then looking: of two that start at once neither forgets. */
    if (!db_query(db, "INSERT INTO liability_holders (node, until_ms) VALUES ($1, $2)"
                      " ON CONFLICT (node) DO UPDATE SET until_ms = excluded.until_ms",
                  "ii", hold, "", NULL, NULL, error))
        return false;
    if (!alone &&
        !db_query(db, "SELECT COUNT(*) FROM liability_holders WHERE node <> $1"
                      " AND until_ms > $2", "ii", others, "i", on_count, &n, error))
        return false;
    if (n > 0) {
        log_info("liability", "other processes hold grants: rows are kept", "n=%" PRId64, n);
        return true;
    }
    return db_run(db, "DELETE FROM liability", error) &&
           db_query(db, "DELETE FROM liability_holders WHERE node <> $1", "i", others, "",
                    NULL, NULL, error);
}
