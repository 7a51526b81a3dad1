/*
 * Shadow: see shadow.h.
 *
 *   row ── as it stands ───────────> pay_bet(): must change nothing
 *    └──── results and payout gone ─> pay_bet(): must pay what was paid
 *   slip ── grade_potential() ──────> must be what was promised
 */
#include "settle/shadow.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/clock.h"
#include "model/grade.h"
#include "settle/pay.h"
#include "settle/slip_read.h"
#include "store/market_facts.h"

#define SENTENCE_BYTES 1024
#define BET_BYTES (64 * 1024 * 1024)
/* A bet may be this young and not settled yet: the sweep is to come. */
#define GRACE_MS (10 * 60 * 1000)

#define BET "bet %" PRId64 "/%" PRId64 ": "
#define BET_ARG(row) (row)->account, (row)->id

struct shadow {
    struct db *db;
    const struct shadow_options *options;
    void (*on_difference)(void *ctx, struct str sentence);
    void *ctx;
    struct shadow_counts *counts;
    int64_t now_ms, from_bet;
    struct market_facts_set facts;
    struct map parked;      /* bet -> itself */
    struct arena arena, bet; /* parked bets; of one bet */
    struct pay_scratch scratch;
};

static void differ(struct shadow *shadow, const char *format, ...) PRINTF_LIKE(2, 3);
static void differ(struct shadow *shadow, const char *format, ...)
{
    char text[SENTENCE_BYTES];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    shadow->counts->differences++;
    shadow->on_difference(shadow->ctx, str_of(text));
}

static void on_unreadable(void *ctx, int64_t key, int64_t position)
{
    differ(ctx, "fact of market %" PRId64 " at position %" PRId64
           ": this program cannot read its outcomes", key, position);
}

/* ---- one bet --------------------------------------------------------------- */

/* What is known of the markets of a slip. */
struct ruled {
    struct pay_rulings rulings;
    bool queued;
    int64_t stored_ms;
};

static void know(struct shadow *shadow, const struct slip *slip, struct ruled *known)
{
    const struct market_facts *markets[LIMIT_LEGS];
    uint32_t n_markets = 0, n = 0;
    struct fact *facts;

    *known = (struct ruled){ .queued = false };
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        const struct market_facts *market = market_facts_of(&shadow->facts,
                                                            market_key(slip->legs[i].market));
        bool again = market == NULL;

        for (uint32_t j = 0; j < n_markets; j++)
            again = again || markets[j] == market;
        if (again)
            continue;
        CHECK(n_markets < LIMIT_LEGS);
        markets[n_markets++] = market;
        n += market->n;
        known->queued = known->queued || market->queued;
        if (market->stored_ms > known->stored_ms)
            known->stored_ms = market->stored_ms;
    }
    facts = ARENA_ARRAY(&shadow->bet, struct fact, n + 1);
    n = 0;
    for (uint32_t i = 0; i < n_markets; i++)
        for (uint32_t j = 0; j < markets[i]->n; j++)
            facts[n++] = markets[i]->facts[j];
    CHECK(n == 0 || n_markets > 0);
    known->rulings = pay_rule(facts, n, &shadow->bet);
    CHECK(known->rulings.n <= n);
}

static enum pay_change pay(struct shadow *shadow, const struct bet_row *row,
                           const struct ruled *known, struct settle_item *item)
{
    *item = (struct settle_item){ .results = STR_NONE };
    return pay_bet(row, &known->rulings, shadow->now_ms, &shadow->scratch, &shadow->bet, item);
}

/* A settled bet, graded from nothing. */
static void grade_again(struct shadow *shadow, const struct bet_row *row,
                        const struct ruled *known)
{
    struct bet_row fresh = *row;
    struct settle_item item;
    enum pay_change change;

    fresh.state = BET_ACCEPTED;
    fresh.payout_minor = fresh.settled_ms = fresh.flags = 0;
    fresh.results = STR_NONE;
    change = pay(shadow, &fresh, known, &item);
    CHECK(change != PAY_RESETTLED && change != PAY_REOPENED); /* it was paid nothing yet */
    if (change == PAY_UNREADABLE)
        differ(shadow, BET "this program cannot read its slip", BET_ARG(row));
    else if (change != PAY_SETTLED)
        differ(shadow, BET "was paid %" PRId64 ", this program leaves it open", BET_ARG(row),
               row->payout_minor);
    else if (item.payout_minor != row->payout_minor)
        differ(shadow, BET "was paid %" PRId64 ", this program pays %" PRId64 ": %+" PRId64
               " in minor units of " STR_FMT, BET_ARG(row), row->payout_minor,
               item.payout_minor, item.payout_minor - row->payout_minor,
               STR_ARG(row->currency));
}

/* Any bet, as it stands. */
static void grade_on(struct shadow *shadow, const struct bet_row *row, const struct ruled *known)
{
    bool settled = row->state == BET_SETTLED;
    struct settle_item item;

    switch (pay(shadow, row, known, &item)) {
    case PAY_UNCHANGED:
        break;
    case PAY_NOTED:
        if (!str_eq(item.results, row->results))
            differ(shadow, BET "its legs' results are " STR_FMT ", by this program " STR_FMT,
                   BET_ARG(row), STR_ARG(row->results), STR_ARG(item.results));
        break;
    case PAY_SETTLED:
        differ(shadow, BET "is open, this program would pay %" PRId64 " now", BET_ARG(row),
               item.payout_minor);
        break;
    case PAY_RESETTLED:
        differ(shadow, BET "was paid %" PRId64 ", this program would make it %" PRId64 " now",
               BET_ARG(row), row->payout_minor, item.payout_minor);
        break;
    case PAY_REOPENED:
        differ(shadow, BET "was paid %" PRId64 ", this program would open it again",
               BET_ARG(row), row->payout_minor);
        break;
    case PAY_UNREADABLE:
        differ(shadow, BET "this program cannot read its %s", BET_ARG(row),
               settled ? "slip or its results" : "slip");
        break;
    }
}

static void check_promise(struct shadow *shadow, const struct bet_row *row,
                          const struct slip *slip)
{
    int64_t potential_minor = 0;

    if (!grade_potential(slip, row->stake_minor, &potential_minor) ||
        potential_minor != row->potential_minor)
        differ(shadow, BET "was promised %" PRId64 ", this program promises %" PRId64,
               BET_ARG(row), row->potential_minor, potential_minor);
}

static void grade(struct shadow *shadow, const struct bet_row *row)
{
    struct slip slip = { 0 };
    struct ruled known;
    int64_t youngest_ms;

    arena_reset(&shadow->bet);
    if (!slip_read_stored(row->slip, &shadow->bet, &slip)) {
        differ(shadow, BET "this program cannot read its slip", BET_ARG(row));
        return;
    }
    check_promise(shadow, row, &slip);
    know(shadow, &slip, &known);
    youngest_ms = known.stored_ms > row->placed_ms ? known.stored_ms : row->placed_ms;
    if (known.queued || (row->state == BET_ACCEPTED && known.rulings.n > 0 &&
                         youngest_ms > shadow->now_ms - GRACE_MS)) {
        shadow->counts->unsettled++;
        return;
    }
    if (row->state == BET_SETTLED)
        grade_again(shadow, row, &known);
    grade_on(shadow, row, &known);
    *(row->state == BET_SETTLED ? &shadow->counts->settled : &shadow->counts->open) += 1;
}

/* ---- all bets ---------------------------------------------------------------- */

static bool on_bet(void *ctx, const struct value *cells)
{
    struct shadow *shadow = ctx;
    int64_t id = cells[1].i;
    struct bet_row row = {
        .account = cells[0].i, .id = id, .version = cells[2].i,
        .state = (enum bet_state)cells[3].i, .stake_minor = cells[4].i,
        .cap_minor = cells[5].i, .payout_minor = cells[6].i, .placed_ms = cells[7].i,
        .settled_ms = cells[8].i, .flags = cells[9].i, .potential_minor = cells[10].i,
        .currency = cells[11].s, .slip = cells[12].s, .results = cells[13].s,
    };

    if (map_get(&shadow->parked, MAP_KEY(&id)) == NULL)
        grade(shadow, &row);
    return true;
}

static bool on_parked(void *ctx, const struct value *cells)
{
    struct shadow *shadow = ctx;
    int64_t *bet = ARENA_NEW(&shadow->arena, int64_t);

    *bet = cells[0].i;
    CHECK(map_put(&shadow->parked, MAP_KEY(bet), bet));
    return true;
}

static bool on_from(void *ctx, const struct value *cells)
{
    *(int64_t *)ctx = cells[0].i;
    return true;
}

/* From which bet on, by number and by time: the later of both. */
static bool find_from(struct shadow *shadow, struct str *error)
{
    const struct shadow_options *options = shadow->options;
    const struct value passed = { .i = options->last - 1 };
    int64_t since = options->since_ms > BET_ID_EPOCH_MS ? bet_id_floor(options->since_ms) : 0;

    shadow->from_bet = 1;
    if (options->last > 0 &&
        !db_query(shadow->db, "SELECT id FROM bets ORDER BY id DESC LIMIT 1 OFFSET $1", "i",
                  &passed, "i", on_from, &shadow->from_bet, error))
        return false;
    if (since > shadow->from_bet)
        shadow->from_bet = since;
    return true;
}

static bool read_all(void *ctx, struct str *error)
{
    struct shadow *shadow = ctx;
    struct value from;

    if (!find_from(shadow, error) ||
        !db_query(shadow->db, "SELECT bet FROM parked", "", NULL, "i", on_parked, shadow, error) ||
        !market_facts_load(&shadow->facts, shadow->db, shadow->from_bet, error))
        return false;
    from = (struct value){ .i = shadow->from_bet };
    return db_query(shadow->db,
                    "SELECT account, id, version, state, stake, cap, payout, placed_ms,"
                    " settled_ms, flags, potential, currency, slip, results FROM bets"
                    " WHERE (id >= $1 AND state = 2) OR state = 1",
                    "i", &from, "iiiiiiiiiiisss", on_bet, shadow, error);
}

bool shadow_run(struct db *db, const struct shadow_options *options,
                void (*on_difference)(void *ctx, struct str sentence), void *ctx,
                struct shadow_counts *counts, struct str *error)
{
    struct shadow shadow = { .db = db, .options = options, .on_difference = on_difference,
                             .ctx = ctx, .counts = counts, .now_ms = clock_wall_ms() };
    bool done;

    *counts = (struct shadow_counts){ 0 };
    market_facts_init(&shadow.facts, on_unreadable, &shadow);
    map_init(&shadow.parked, LIMIT_MARKETS);
    arena_init(&shadow.arena, BET_BYTES);
    arena_init(&shadow.bet, BET_BYTES);
    pay_scratch_init(&shadow.scratch);
    done = db_snapshot(db, read_all, &shadow, error);
    pay_scratch_fini(&shadow.scratch);
    arena_fini(&shadow.bet);
    arena_fini(&shadow.arena);
    map_fini(&shadow.parked);
    market_facts_fini(&shadow.facts);
    return done;
}
