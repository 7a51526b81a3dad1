/*
 * Liability's rounds with the store (liability.h):
 *
 *   no lease: count   row and leases -> open bets -> base, fenced leases go,
 *                     ours is made; again when leases changed meanwhile
 *   grant             what is needed, if it fits; what is owed in any case
 *   full, and stale:  count, grant once more
 *
 * What is under a lease is charged where the lease is held.  The count takes
 * the open bets that are under none: of the leases it has seen, and not
 * fenced; the row's mark tells whether these were all.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "house/liability_inside.h"

#define ASK_ARENA_BYTES (LIMIT_CHUNK * (size_t)(2 * LIMIT_SLIP_BYTES + 4096))
#define COUNTS_MAX 5        /* of one ask, when leases come and go */
#define RECOUNT_MS 200      /* at least, between two of one outcome */
#define RECOUNT_TIMES 20    /* and so many times as long as one takes */
#define OWED_MS 200         /* between two asks of what is owed */
#define MAGIC 0x6c61736b /* "lask" */
#define LIVE_BYTES (LIABILITY_LEASES_MAX * 21 + 2)

struct other_lease { int64_t node, from_bet; };

struct liability_ask {
    uint32_t magic;                 /* it comes back from the store through void * */
    struct liability *liability;
    struct liability_entry *entry;  /* NULL: fenced leases are reclaimed */
    struct liability_ask *next;     /* waits for an epoch */
    struct arena arena;
    struct store_exec exec;
    struct slip slip;
    int64_t key, epoch;
    struct str outcome;
    struct liability_need need;
    int64_t owed, sum, mark, new_mark, began_ms;
    struct other_lease leases[LIABILITY_LEASES_MAX];
    uint32_t n_leases;
    unsigned counts;
    bool granting;
    bool stale, grown;              /* the entry was, before it counted */
    struct buf live;                /* ",epoch,epoch," */
    char outcome_text[LIMIT_ID_BYTES];
};

static void count(struct liability_ask *ask);
static void grant(struct liability_ask *ask);

/* ---- begin and end ---------------------------------------------------------- */

static struct liability_ask *ask_new(struct liability *liability, struct liability_entry *entry,
                                     int64_t key, struct str outcome)
{
    struct liability_ask *ask = calloc(1, sizeof(*ask));

    CHECK(ask != NULL && outcome.n <= sizeof(ask->outcome_text));
    ask->magic = MAGIC;
    ask->liability = liability;
    ask->entry = entry;
    ask->key = key;
    if (outcome.n > 0)
        memcpy(ask->outcome_text, outcome.p, outcome.n);
    ask->outcome = (struct str){ ask->outcome_text, outcome.n };
    arena_init(&ask->arena, ASK_ARENA_BYTES);
    buf_init(&ask->live, LIVE_BYTES);
    if (entry != NULL) {
        CHECK(!entry->asking);
        entry->asking = true;
    }
    liability->asks++;
    return ask;
}

static void ask_end(struct liability_ask *ask)
{
    struct liability *liability = ask->liability;

    CHECK(liability->asks > 0 && ask->next == NULL);
    CHECK(ask->entry == NULL || ask->entry->asking);
    ask->magic = 0;
    liability->asks--;
    if (ask->entry != NULL)
        ask->entry->asking = false;
    else
        liability_holder_reclaimed(liability);
    buf_fini(&ask->live);
    arena_fini(&ask->arena);
    free(ask);
}

/* The epoch it began under is over: nothing that it learns is true of now. */
static bool is_over(const struct liability_ask *ask)
{
    return ask->epoch != ask->liability->holder.epoch;
}

/* Unknown: what was to grow grows again, what was to shrink is lost. */
static void ask_fail(struct liability_ask *ask, enum store_result result)
{
    struct liability *liability = ask->liability;
    struct liability_entry *entry = ask->entry;

    if (entry != NULL && !is_over(ask) && ask->granting && ask->owed < 0 &&
        result == STORE_UNKNOWN)
        entry->owed -= ask->owed;
    if (entry != NULL) {
        entry->stale |= ask->stale;
        entry->grown |= ask->grown;
    }
    if (entry != NULL && entry->epoch == 0)
        liability_entry_clear(entry);
    ask_end(ask);
    if (entry != NULL)
        liability->hooks->refuse(liability, entry);
}

/* What the store gives back is one of ours that has not ended. */
static struct liability_ask *ask_of(struct store_exec *exec)
{
    struct liability_ask *ask = exec->ctx;

    CHECK(ask->magic == MAGIC && exec == &ask->exec);
    CHECK(ask->entry == NULL || (ask->entry->asking && ask->entry->key == ask->key));
    return ask;
}

static void begin(struct liability_ask *ask)
{
    CHECK(ask->entry != NULL && ask->magic == MAGIC);
    ask->epoch = ask->liability->holder.epoch;
    if (ask->epoch == 0)
        ask_fail(ask, STORE_UNAVAILABLE);
    else if (ask->entry->epoch == 0 || ask->need.count)
        count(ask);
    else
        grant(ask);
}

static void ask_exec(struct liability_ask *ask, uint32_t n,
                     void (*on_done)(struct store_exec *exec, enum store_result result))
{
    ask->exec.n = n;
    ask->exec.arena = &ask->arena;
    ask->exec.on_done = on_done;
    ask->exec.ctx = ask;
    store_exec(ask->liability->options.store, &ask->exec);
}

/* ---- count: write ----------------------------------------------------------- */

static void on_counted(struct store_exec *exec, enum store_result result)
{
    struct liability_ask *ask = ask_of(exec);
    struct liability_entry *entry = ask->entry;

    if (entry == NULL) {
        ask_end(ask); /* what is left is listed again */
        return;
    }
    if (result != STORE_OK || is_over(ask)) {
        ask_fail(ask, result);
        return;
    }
    if (exec->rows == 0) { /* leases changed meanwhile, or ours is fenced */
        if (++ask->counts == COUNTS_MAX) {
            liability_holder_renew(ask->liability);
            ask_fail(ask, STORE_UNAVAILABLE);
        } else {
            count(ask);
        }
        return;
    }
    CHECK(entry->from_bet < INT64_MAX && !ask->granting);
    entry->epoch = ask->epoch;
    ask->stale = ask->grown = false;
    if (ask->need.limit_since > entry->limit_since) {
        entry->limit_since = ask->need.limit_since;
        entry->limit_minor = ask->need.limit_minor;
        entry->grown = true; /* by what was under way as it was set */
    }
    entry->counted_ms = clock_wall_ms();
    entry->counting_ms = entry->counted_ms - ask->began_ms;
    metric_add(METRIC_LIABILITY_GRANTS, STR("counted"), 1);
    grant(ask);
}

static void write_count(struct liability_ask *ask)
{
    struct liability *liability = ask->liability;
    struct liability_entry *entry = ask->entry;
    struct value key = VALUE_INT(ask->key), outcome = VALUE_STR(ask->outcome);
    struct value live = VALUE_STR(buf_view(&ask->live));

    arena_reset(&ask->arena);
    ask->new_mark = liability_holder_mark(liability);
    CHECK(ask->new_mark != ask->mark && ask->sum >= 0);
    ask->exec = (struct store_exec){ .calls = {
        { STATEMENT_LIABILITY_SHARE, { VALUE_INT(ask->epoch) } },
        { STATEMENT_LIABILITY_COUNTED, { key, outcome, VALUE_INT(ask->sum), live,
                                         VALUE_INT(ask->new_mark), VALUE_INT(ask->mark) } },
        { STATEMENT_LIABILITY_RECLAIM, { key, outcome, live, VALUE_INT(ask->new_mark) } },
        { STATEMENT_LIABILITY_TRIM, { key, outcome } },
    } };
    if (entry != NULL)
        ask->exec.calls[3] = (struct statement_call){ STATEMENT_LIABILITY_LEASE,
            { key, outcome, VALUE_INT(ask->epoch), VALUE_INT(ask->new_mark),
              VALUE_INT(liability->options.node), VALUE_INT(entry->from_bet) } };
    ask_exec(ask, 4, on_counted);
}

/* ---- count: the open bets ---------------------------------------------------- */

static bool is_leased(const struct liability_ask *ask, int64_t bet)
{
    int64_t node = bet_id_node(bet);

    for (uint32_t i = 0; i < ask->n_leases; i++)
        if (ask->leases[i].node == node && bet >= ask->leases[i].from_bet)
            return true;
    return false;
}

/* What one bet costs if this outcome wins. */
static int64_t cost(struct liability_ask *ask, const struct value *row)
{
    const struct currency *currency = currency_find(CELL_TEXT(row, LIABILITY_BETS_CURRENCY));
    struct slip *slip = &ask->slip;
    int64_t amount;

    if (CELL_INT(row, LIABILITY_BETS_STATE) != BET_ACCEPTED || currency == NULL ||
        !slip_decode(CELL_TEXT(row, LIABILITY_BETS_SLIP), &ask->arena, slip))
        return 0;
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        if (market_key(slip->legs[i].market) != ask->key ||
            !str_eq(slip->legs[i].outcome, ask->outcome))
            continue;
        amount = house_liability(ask->liability->options.house, currency,
                                 CELL_INT(row, LIABILITY_BETS_STAKE),
                                 CELL_INT(row, LIABILITY_BETS_POTENTIAL));
        return amount < 0 ? 0 : amount; /* taken before there was a limit */
    }
    return 0;
}

static void read_bets(struct liability_ask *ask, int64_t after);

static void on_bets(struct store_exec *exec, enum store_result result)
{
    struct liability_ask *ask = ask_of(exec);
    int64_t last = 0;

    CHECK(ask->sum >= 0);
    if (result != STORE_OK || is_over(ask)) {
        ask_fail(ask, STORE_UNAVAILABLE);
        return;
    }
    for (uint32_t i = 0; i < exec->rows; i++) {
        const struct value *row = &EXEC_CELL(exec, i, 0);

        last = CELL_INT(row, LIABILITY_BETS_BET);
        if (!is_leased(ask, last))
            ask->sum += cost(ask, row);
    }
    if (exec->rows < LIMIT_CHUNK)
        write_count(ask);
    else
        read_bets(ask, last);
}

static void read_bets(struct liability_ask *ask, int64_t after)
{
    arena_reset(&ask->arena);
    ask->exec = (struct store_exec){ .calls = {
        { STATEMENT_LIABILITY_BETS,
          { VALUE_INT(ask->key), VALUE_INT(after), VALUE_INT(LIMIT_CHUNK) } },
    } };
    ask_exec(ask, 1, on_bets);
}

/* ---- count: row and leases --------------------------------------------------- */

static void see_lease(struct liability_ask *ask, int64_t epoch, int64_t node, int64_t from_bet)
{
    CHECK(ask->n_leases < LIABILITY_LEASES_MAX);
    CHECK(epoch != 0);
    ask->leases[ask->n_leases++] = (struct other_lease){ node, from_bet };
    buf_int(&ask->live, epoch);
    buf_char(&ask->live, ',');
}

static void on_leases(struct store_exec *exec, enum store_result result)
{
    struct liability_ask *ask = ask_of(exec);
    const struct liability_entry *entry = ask->entry;

    if (result != STORE_OK || is_over(ask) || exec->rows == 0 ||
        exec->rows >= LIABILITY_LEASES_MAX) {
        ask_fail(ask, STORE_UNAVAILABLE);
        return;
    }
    ask->mark = EXEC_INT(exec, 0, LIABILITY_LEASES_MARK);
    ask->n_leases = 0;
    buf_reset(&ask->live);
    buf_char(&ask->live, ',');
    if (entry != NULL) /* ours, which may be still to come */
        see_lease(ask, ask->epoch, ask->liability->options.node, entry->from_bet);
    for (uint32_t i = 0; i < exec->rows; i++) {
        int64_t epoch = EXEC_INT(exec, i, LIABILITY_LEASES_EPOCH);

        if (epoch != 0 && (entry == NULL || epoch != ask->epoch))
            see_lease(ask, epoch, EXEC_INT(exec, i, LIABILITY_LEASES_NODE),
                      EXEC_INT(exec, i, LIABILITY_LEASES_FROM_BET));
    }
    ask->sum = 0;
    read_bets(ask, 0);
}

/* Bets of this process from now on are under the lease that is to come; those
 * that no limit held are charged meanwhile (liability_add). */
static void count(struct liability_ask *ask)
{
    const struct liability_options *options = &ask->liability->options;
    struct liability_entry *entry = ask->entry;

    if (entry != NULL && entry->epoch == 0 && entry->from_bet == INT64_MAX)
        entry->from_bet = options->next_bet(options->ctx);
    ask->granting = false;
    if (entry != NULL) {
        ask->stale |= entry->stale;
        ask->grown |= entry->grown;
        entry->stale = entry->grown = false;
    }
    ask->began_ms = clock_wall_ms();
    arena_reset(&ask->arena);
    ask->exec = (struct store_exec){ .calls = {
        { STATEMENT_LIABILITY_ROW, { VALUE_INT(ask->key), VALUE_STR(ask->outcome) } },
        { STATEMENT_LIABILITY_LEASES, { VALUE_INT(ask->key), VALUE_STR(ask->outcome) } },
    } };
    ask_exec(ask, 2, on_leases);
}

void liability_ask_reclaim(struct liability *liability, int64_t market_key, struct str outcome)
{
    struct liability_ask *ask = ask_new(liability, NULL, market_key, outcome);

    ask->epoch = liability->holder.epoch;
    CHECK(ask->epoch != 0);
    count(ask);
}

/* ---- grant ------------------------------------------------------------------ */

static bool may_recount(const struct liability_entry *entry)
{
    int64_t pause_ms = entry->counting_ms * RECOUNT_TIMES;

    return entry->stale &&
        clock_wall_ms() - entry->counted_ms >= (pause_ms > RECOUNT_MS ? pause_ms : RECOUNT_MS);
}

static void granted(struct liability_ask *ask, int64_t portion, int64_t row_minor)
{
    struct liability *liability = ask->liability;
    struct liability_entry *entry = ask->entry;
    bool full = portion == 0 && ask->need.minor > 0;

    CHECK(entry != NULL && ask->granting && entry->epoch == ask->epoch);
    entry->granted += portion;
    entry->owed -= ask->owed;
    entry->row_minor = row_minor;
    liability_entry_check(entry);
    metric_add(METRIC_LIABILITY_GRANTS, portion > 0 ? STR("granted") :
               ask->need.limit_minor < 0 ? STR("returned") : STR("full"), 1);
    if (full && may_recount(entry)) {
        count(ask);
        return;
    }
    ask_end(ask);
    liability->hooks->serve(liability, entry, row_minor);
}

static void on_grant(struct store_exec *exec, enum store_result result)
{
    struct liability_ask *ask = ask_of(exec);

    if (result != STORE_OK || is_over(ask)) {
        ask_fail(ask, result);
    } else if (exec->rows == 0) { /* the lease is gone: so is the epoch */
        liability_holder_renew(ask->liability);
        ask_fail(ask, STORE_UNAVAILABLE);
    } else {
        granted(ask, EXEC_INT(exec, 0, LIABILITY_TAKEN_PORTION),
                EXEC_INT(exec, 0, LIABILITY_TAKEN_GRANTED));
    }
}

static void grant(struct liability_ask *ask)
{
    struct value key = VALUE_INT(ask->key), outcome = VALUE_STR(ask->outcome);
    struct value epoch = VALUE_INT(ask->epoch);

    CHECK(ask->need.minor >= 0);
    ask->granting = true;
    ask->owed = ask->entry->owed;
    arena_reset(&ask->arena);
    ask->exec = (struct store_exec){ .calls = {
        { STATEMENT_LIABILITY_SHARE, { epoch } },
        { STATEMENT_LIABILITY_GRANT,
          { key, outcome, VALUE_INT(ask->need.minor), VALUE_INT(ask->need.limit_minor),
            VALUE_INT(ask->owed), epoch } },
        { STATEMENT_LIABILITY_TAKE, { key, outcome, VALUE_INT(ask->owed), epoch } },
        { STATEMENT_LIABILITY_TAKEN, { key, outcome, epoch } },
    } };
    ask_exec(ask, 4, on_grant);
}

void liability_ask_grant(struct liability *liability, struct liability_entry *entry,
                         const struct liability_need *need)
{
    struct liability_ask *ask = ask_new(liability, entry, entry->key, entry->outcome);

    ask->need = *need;
    if (ask->need.minor < 0)
        ask->need.minor = 0;
    CHECK(need->limit_minor >= LIABILITY_NO_LIMIT);
    if (liability->holder.epoch != 0) {
        begin(ask);
        return;
    }
    ask->next = liability->holder.waiting;
    liability->holder.waiting = ask;
    liability_holder_join(liability);
}

void liability_ask_owed(struct liability *liability, struct liability_entry *entry)
{
    int64_t now_ms = clock_wall_ms();

    if (entry->owed <= 0 || entry->epoch == 0 || entry->asking || liability->draining ||
        now_ms - entry->owed_ms < OWED_MS)
        return;
    entry->owed_ms = now_ms;
    liability_ask_grant(liability, entry,
                        &(struct liability_need){ .limit_minor = LIABILITY_NO_LIMIT });
}

void liability_asks_go_on(struct liability *liability)
{
    struct liability_ask *ask = liability->holder.waiting, *next;

    liability->holder.waiting = NULL;
    for (; ask != NULL; ask = next) {
        next = ask->next;
        ask->next = NULL;
        begin(ask);
    }
}

/* ---- leave ------------------------------------------------------------------ */

static void on_left(struct store_exec *exec, enum store_result result)
{
    struct liability_ask *ask = ask_of(exec);
    struct liability *liability = ask->liability;
    struct liability_entry *entry = ask->entry;

    (void)result; /* a lease that stays is reclaimed after this process */
    ask_end(ask);
    liability_entry_clear(entry);
    if (entry->waiting == NULL && entry->refs == 0)
        liability_entry_drop(liability, entry);
    else
        liability->hooks->serve(liability, entry, 0);
}

void liability_ask_leave(struct liability *liability, struct liability_entry *entry)
{
    struct liability_ask *ask = ask_new(liability, entry, entry->key, entry->outcome);
    struct value key = VALUE_INT(ask->key), outcome = VALUE_STR(ask->outcome);
    struct value epoch = VALUE_INT(entry->epoch);
    struct value mark = VALUE_INT(liability_holder_mark(liability));

    CHECK(entry->refs == 0 && entry->waiting == NULL);
    ask->epoch = entry->epoch;
    ask->exec = (struct store_exec){ .calls = {
        { STATEMENT_LIABILITY_SHARE, { epoch } },
        { STATEMENT_LIABILITY_LEAVE, { key, outcome, VALUE_INT(entry->charged), epoch, mark } },
        { STATEMENT_LIABILITY_LEFT, { key, outcome, mark, epoch } },
        { STATEMENT_LIABILITY_TRIM, { key, outcome } },
    } };
    entry->epoch = 0; /* nothing is charged any more */
    ask_exec(ask, 4, on_left);
}
