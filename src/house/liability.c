/* Claims on the house's liability: see liability.h. */
#include "house/liability.h"

#include <stdlib.h>

#include "base/clock.h"
#include "house/liability_inside.h"

#define TICK_MS 5000
#define NOBODYS (-1) /* no epoch: a transaction that names it is refused */

/* ---- claims ------------------------------------------------------------- */

static void charge_leg(struct liability_claim *claim, struct liability_leg *leg,
                       struct liability_entry *entry)
{
    CHECK(entry->epoch != 0 && leg->entry == NULL);
    entry->charged += leg->amount_minor;
    entry->claimed += leg->amount_minor;
    entry->refs++;
    leg->entry = entry;
    leg->epoch = entry->epoch;
    if (claim->epoch == 0)
        claim->epoch = entry->epoch;
    else if (claim->epoch != entry->epoch)
        claim->epoch = NOBODYS; /* the one of the first leg is over by now */
    liability_entry_check(entry);
}

/* True: the lease that was charged is still there. */
static bool leave_leg(struct liability_leg *leg, struct liability_entry **left)
{
    struct liability_entry *entry = leg->entry;

    CHECK(entry->refs > 0);
    entry->refs--;
    leg->entry = NULL;
    *left = entry;
    if (entry->epoch != leg->epoch)
        return false;
    entry->claimed -= leg->amount_minor;
    CHECK(entry->claimed >= 0);
    return true;
}

void liability_release(struct liability *liability, struct liability_claim *claim)
{
    struct liability_entry *entry;

    (void)liability;
    for (uint32_t i = 0; i < claim->n_legs; i++)
        if (claim->legs[i].entry != NULL && leave_leg(&claim->legs[i], &entry))
            entry->charged -= claim->legs[i].amount_minor;
}

void liability_keep(struct liability *liability, struct liability_claim *claim, int64_t bet)
{
    struct liability_entry *entry;

    for (uint32_t i = 0; i < claim->n_legs; i++) {
        struct liability_leg *leg = &claim->legs[i];

        if (leg->entry == NULL) /* no limit held: it counts when one does */
            liability_add(liability, bet, leg->market, leg->outcome, leg->amount_minor);
        else if (!leave_leg(leg, &entry))
            entry->grown = true; /* under a lease that is over: in the base, or soon */
    }
}

/* What fits in place of the leg's amount.  A lease that is over takes no more;
 * the store will say so. */
static int64_t room_of(const struct liability_leg *leg)
{
    if (leg->entry->epoch != leg->epoch)
        return INT64_MAX;
    return leg->entry->granted - leg->entry->charged + leg->amount_minor;
}

bool liability_recharge(struct liability *liability, struct liability_claim *claim,
                        int64_t amount_minor)
{
    (void)liability;
    for (uint32_t i = 0; i < claim->n_legs; i++) {
        const struct liability_leg *leg = &claim->legs[i];

        if (leg->entry != NULL && amount_minor > room_of(leg)) {
            claim->room_minor = room_of(leg);
            return false;
        }
    }
    for (uint32_t i = 0; i < claim->n_legs; i++) {
        struct liability_leg *leg = &claim->legs[i];
        int64_t delta = amount_minor - leg->amount_minor;

        if (leg->entry != NULL && leg->entry->epoch == leg->epoch) {
            leg->entry->charged += delta;
            leg->entry->claimed += delta;
        } else if (leg->entry != NULL && (delta > 0 || leg->entry->epoch != 0)) {
            claim->epoch = NOBODYS; /* by its number the bet would be the new lease's */
        }
        leg->amount_minor = amount_minor;
        if (leg->entry != NULL)
            liability_entry_check(leg->entry);
    }
    return true;
}

static enum liability_result fail(struct liability *liability, struct liability_claim *claim,
                                  enum liability_result result)
{
    CHECK(claim->at < claim->n_legs && result != LIABILITY_CHARGED);
    claim->n_legs = claim->at; /* the others were never charged */
    liability_release(liability, claim);
    return result;
}

/* Of a leg that has waited over a count for another limit, that one. */
static int64_t limit_of(const struct liability_entry *entry, const struct liability_leg *leg)
{
    return leg->limit_since < entry->limit_since ? entry->limit_minor : leg->limit_minor;
}

static bool is_anew(const struct liability_entry *entry, const struct liability_leg *leg)
{
    return leg->limit_since > entry->limit_since;
}

/* What was granted here is not to be charged: it was under another limit. */
static bool is_former(const struct liability_entry *entry, const struct liability_leg *leg)
{
    return is_anew(entry, leg) || entry->row_minor > limit_of(entry, leg);
}

/* Bets have come that nobody counted, and they had the time to be committed. */
static bool wants_count(const struct liability *liability, const struct liability_entry *entry)
{
    return entry->grown && !liability->draining &&
           clock_wall_ms() - entry->counted_ms >= liability->options.tick_ms;
}

/* What the leg lacks; with what goes back, and after a count where one is due. */
static void ask_for(struct liability *liability, struct liability_entry *entry,
                    const struct liability_leg *leg)
{
    if (entry->epoch != 0 && is_former(entry, leg))
        liability_entry_trim(entry);
    liability_ask_grant(liability, entry, &(struct liability_need){
        .minor = entry->charged + leg->amount_minor - entry->granted,
        .limit_minor = limit_of(entry, leg), .limit_since = leg->limit_since,
        .count = is_anew(entry, leg) || wants_count(liability, entry) });
}

/* NULL: there are too many. */
static struct liability_entry *entry_of(struct liability *liability,
                                        const struct liability_leg *leg)
{
    struct liability_entry *entry = liability_entry_find(liability, leg->market, leg->outcome);

    return entry != NULL ? entry
                         : liability_entry_make(liability, leg->market, leg->outcome);
}

/* Charges leg by leg until one has to wait for the store. */
static enum liability_result advance(struct liability *liability,
                                     struct liability_claim *claim)
{
    for (; claim->at < claim->n_legs; claim->at++) {
        struct liability_leg *leg = &claim->legs[claim->at];
        struct liability_entry *entry;
        int64_t limit;
        bool former;

        if (leg->limit_minor < 0)
            continue;
        entry = entry_of(liability, leg);
        if (entry == NULL)
            return fail(liability, claim, LIABILITY_BUSY);
        entry->used_ms = clock_wall_ms();
        limit = limit_of(entry, leg);
        former = is_former(entry, leg);
        if (entry->epoch != 0 && entry->charged + leg->amount_minor > limit) {
            claim->room_minor = limit > entry->charged ? limit - entry->charged : 0;
            return fail(liability, claim, LIABILITY_FULL);
        }
        if (entry->epoch == 0 || entry->waiting != NULL || former ||
            entry->charged + leg->amount_minor > entry->granted) {
            if (claim->at_once) {
                claim->room_minor = former ? 0 : entry->granted - entry->charged;
                return fail(liability, claim, LIABILITY_FULL);
            }
            liability_entry_wait(entry, claim);
            if (!entry->asking)
                ask_for(liability, entry, leg);
            return LIABILITY_WAITING;
        }
        charge_leg(claim, leg, entry);
    }
    return LIABILITY_CHARGED;
}

enum liability_result liability_charge(struct liability *liability,
                                       struct liability_claim *claim)
{
    CHECK(claim->n_legs >= 1 && claim->n_legs <= LIMIT_LEGS);
    CHECK(claim->on_done != NULL);
    if (liability->draining)
        return LIABILITY_BUSY;
    liability_holder_check(liability);
    claim->at = 0;
    claim->room_minor = claim->epoch = 0;
    for (uint32_t i = 0; i < claim->n_legs; i++) {
        CHECK(claim->legs[i].amount_minor >= 0);
        claim->legs[i].entry = NULL;
    }
    return advance(liability, claim);
}

/* ---- what needs no claim ------------------------------------------------ */

void liability_add(struct liability *liability, int64_t bet, struct market_id market,
                   struct str outcome, int64_t amount_minor)
{
    struct liability_entry *entry = liability_entry_find(liability, market, outcome);
    int64_t beyond;

    CHECK(amount_minor >= 0);
    if (entry == NULL)
        return; /* the row will begin with it */
    if (!liability_is_own(liability, entry, bet)) {
        entry->grown = true;
        return;
    }
    liability_entry_check(entry);
    entry->charged += amount_minor;
    beyond = entry->charged - entry->granted;
    if (beyond > 0) {
        entry->granted += beyond;
        entry->owed += beyond;
        liability_ask_owed(liability, entry);
    }
}

void liability_take(struct liability *liability, int64_t bet, struct market_id market,
                    struct str outcome, int64_t amount_minor)
{
    struct liability_entry *entry = liability_entry_find(liability, market, outcome);
    int64_t kept;

    CHECK(amount_minor >= 0);
    if (entry == NULL)
        return;
    entry->used_ms = clock_wall_ms();
    if (!liability_is_own(liability, entry, bet)) {
        entry->stale = true;
        return;
    }
    kept = entry->charged - entry->claimed;
    CHECK(kept >= 0);
    entry->charged -= amount_minor < kept ? amount_minor : kept;
    liability_entry_check(entry);
}

void liability_fenced(struct liability *liability, int64_t epoch)
{
    if (epoch == liability->holder.epoch)
        liability_holder_renew(liability); /* maybe another of the batch was */
}

/* ---- who waits ---------------------------------------------------------- */

static void claim_answer(struct liability_claim *claim, enum liability_result result)
{
    CHECK(!claim->at_once);
    if (result != LIABILITY_WAITING)
        claim->on_done(claim, result);
}

static void refuse_waiting(struct liability *liability, struct liability_entry *entry)
{
    struct liability_claim *claim = liability_entry_take_waiting(entry), *next;

    for (; claim != NULL; claim = next) {
        next = claim->next;
        claim_answer(claim, fail(liability, claim, LIABILITY_BUSY));
    }
}

/* After an answer each that waited goes on, is refused, or waits again. */
static void serve_waiting(struct liability *liability, struct liability_entry *entry,
                           int64_t row_minor)
{
    struct liability_claim *claim = liability_entry_take_waiting(entry), *next;

    for (; claim != NULL; claim = next) {
        const struct liability_leg *leg = &claim->legs[claim->at];
        int64_t left = limit_of(entry, leg) - row_minor;
        int64_t room = entry->granted - entry->charged + left;

        next = claim->next;
        if (entry->epoch != 0 && (left < 0 || leg->amount_minor > room)) {
            claim->room_minor = left < 0 ? 0 : room;
            claim_answer(claim, fail(liability, claim, LIABILITY_FULL));
        } else {
            claim_answer(claim, advance(liability, claim));
        }
    }
}

/* ---- what is unused ------------------------------------------------------ */

/* What nobody used for a while may be used by another process. */
static void give_back(struct liability *liability, struct liability_entry *entry)
{
    liability_entry_trim(entry);
    if (entry->owed != 0)
        liability_ask_grant(liability, entry,
                            &(struct liability_need){ .limit_minor = LIABILITY_NO_LIMIT });
}

static void look_after_entry(struct liability *liability, struct liability_entry *entry,
                             int64_t idle_ms)
{
    const struct liability_options *options = &liability->options;

    liability_entry_check(entry);
    if (entry->asking || entry->waiting != NULL)
        return;
    if (entry->refs == 0 && options->is_over != NULL &&
        options->is_over(options->ctx, entry->market))
        liability_ask_leave(liability, entry);
    else if (entry->epoch == 0)
        return;
    else if (wants_count(liability, entry))
        liability_ask_grant(liability, entry,
                            &(struct liability_need){ .limit_minor = LIABILITY_NO_LIMIT,
                                                      .count = true });
    else if (clock_wall_ms() - entry->used_ms >= idle_ms)
        give_back(liability, entry);
    else
        liability_ask_owed(liability, entry);
}

static void look_after(struct liability *liability, int64_t idle_ms)
{
    struct liability_entry *entry;
    size_t at = 0;

    while ((entry = map_next(&liability->map, &at)) != NULL)
        look_after_entry(liability, entry, idle_ms);
}

static void on_tick(uv_timer_t *timer)
{
    struct liability *liability = timer->data;

    if (liability->draining)
        return;
    liability_holder_check(liability);
    if (!store_is_up(liability->options.store))
        return;
    liability_holder_tick(liability);
    look_after(liability, liability->options.tick_ms);
}

static const struct liability_hooks hooks = {
    .serve = serve_waiting, .refuse = refuse_waiting,
    .go_on = liability_asks_go_on, .reclaim = liability_ask_reclaim,
};

/* ---- the whole ---------------------------------------------------------- */

struct liability *liability_new(const struct liability_options *options)
{
    struct liability *liability = calloc(1, sizeof(*liability));

    CHECK(liability != NULL && options->house != NULL && options->next_bet != NULL);
    CHECK(options->store != NULL && options->node >= 0 && options->node < 1024);
    liability->options = *options;
    liability->hooks = &hooks;
    map_init(&liability->map, LIMIT_LIABILITY);
    liability_holder_init(liability);
    if (options->tick_ms == 0)
        liability->options.tick_ms = liability_holder_tick_ms(liability, TICK_MS);
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
    liability_holder_fini(liability);
    free(liability);
}

void liability_free(struct liability *liability)
{
    if (liability == NULL)
        return;
    CHECK(liability_is_idle(liability));
    CHECK(liability->holder.waiting == NULL);
    uv_close((uv_handle_t *)&liability->timer, on_closed);
}

bool liability_is_idle(const struct liability *liability)
{
    return liability->asks == 0 && !liability->holder.busy && !liability->holder.sweeping;
}

void liability_drain(struct liability *liability)
{
    if (liability->draining)
        return;
    liability->draining = true;
    look_after(liability, INT64_MIN);
    liability_holder_leave(liability);
}

size_t liability_count(const struct liability *liability)
{
    return liability->map.n;
}
